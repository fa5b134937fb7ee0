package compiler_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/compiler"
	"github.com/pinode/pinode/compiler/exec"
	"github.com/pinode/pinode/compiler/ir"
	"github.com/pinode/pinode/compiler/opt"
)

// many is a model of so many states whose equations have no pattern.
func many(n int) string {
	rng := rand.New(rand.NewPCG(41, 42))
	var b strings.Builder
	b.WriteString("model Many {\n  param k = 1.5\n  param c[3] = 0.3\n  input u\n")
	for i := range n {
		fmt.Fprintf(&b, "  state x%d = %.3f\n", i, 1+rng.Float64())
	}
	for i := range n {
		j, l, m := rng.IntN(n), rng.IntN(n), rng.IntN(n)
		fmt.Fprintf(&b, "  x%d' = c[%d]*x%d*x%d/(1 + x%d^2) - k*sin(x%d - %.3f*t) + exp(-x%d)*sqrt(x%d)*(%.3f + u)\n", i, rng.IntN(3), j, l, m, l, rng.Float64(), m, i, rng.Float64())
	}
	return b.String() + "}\n"
}

// TestGuests: the right-hand side of a large model and each of its derivatives are modules of their own, which give the
// bits that they have beside each other in one, for all values of the inputs; what they add to the gradient joins what stands there.
func TestGuests(t *testing.T) {
	p, err := compiler.Compile("m.node", many(620))
	require.NoError(t, err)
	want := compiler.Want{Reverse: true, Forward: true, Jacobian: true}
	guests, err := p.Module(1, want)
	require.NoError(t, err)
	graphs := p.Graphs(want)
	one, err := exec.Compile(opt.Optimize(p.Model.Builder, graphs), 1, exec.Double)
	require.NoError(t, err)
	for program, want := range map[string]compiler.Want{"rhs": {}, "rhs.vjp": {Reverse: true}, "rhs.jvp": {Forward: true}, "rhs.jac": {Jacobian: true}} {
		mod, err := p.Module(1, want) // with what the program reads, whatever else there is
		require.NoError(t, err)
		mod.Program(program).Run(mod.NewFrame())
	}
	x, y := guests.NewFrame(), one.NewFrame()
	rng := rand.New(rand.NewPCG(43, 44))
	held := make([]float64, len(y.Input("p")))
	for round := range 3 {
		if round == 1 { // parameters stand elsewhere from now on
			x.Bind("p", held)
			y.Bind("p", held)
		}
		inputs := map[string]bool{}
		for _, g := range graphs {
			for _, n := range g.Nodes() {
				if n.Op == ir.OpInput {
					inputs[n.Name] = true
				}
			}
			for _, o := range g.Outputs {
				if o.Into != nil {
					inputs[o.Into.Name] = true
				}
			}
		}
		for name := range inputs {
			to := y.Input(name)
			if name == "p" && round > 0 {
				to = held
			}
			for i := range to {
				to[i] = 0.5 + rng.Float64()
			}
			if name != "p" || round == 0 {
				copy(x.Input(name), to)
			}
		}
		x.Refresh()
		y.Refresh()
		for _, g := range graphs {
			if !strings.HasPrefix(g.Name, "rhs") {
				continue
			}
			a, b := guests.Program(g.Name), one.Program(g.Name)
			a.Run(x)
			b.Run(y)
			for _, o := range g.Outputs {
				require.Equal(t, b.Output(y, o.Name), a.Output(x, o.Name), "%s of %s, round %d", o.Name, g.Name, round)
				require.NotZero(t, slices.Max(b.Output(y, o.Name)), "%s of %s", o.Name, g.Name)
			}
			require.Equal(t, "program "+g.Name+", 1 lanes {\n}\n", a.String(), "it is no guest")
		}
	}
}
