package lower_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/compiler/check"
	"github.com/pinode/pinode/compiler/exec"
	"github.com/pinode/pinode/compiler/ir"
	"github.com/pinode/pinode/compiler/lower"
	"github.com/pinode/pinode/compiler/nn"
	"github.com/pinode/pinode/dsl"
	"github.com/pinode/pinode/dsl/diag"
)

// checked is a program with types, and what was said of it.
func checked(t testing.TB, text string) (*check.Program, *diag.List) {
	t.Helper()
	f, diags := dsl.Parse(diag.NewSource("m.node", text))
	require.NoError(t, diags.Err())
	return check.Check(f, &check.Env{Neural: nn.Settings})
}

// lowered are the graphs of a model and what was said of it.
func lowered(t testing.TB, text string) (*lower.Model, *diag.List) {
	t.Helper()
	p, diags := checked(t, text)
	require.NoError(t, diags.Err())
	if p.Grid != nil {
		p.Model, _ = p.Model.OnGrid(p.Grid)
	}
	return lower.Lower(p.Model)
}

// mistakes is what the checker, or else the lowering, finds wrong with a model.
func mistakes(t testing.TB, text string) error {
	t.Helper()
	p, diags := checked(t, text)
	if diags.Err() == nil {
		m := p.Model
		if p.Grid != nil {
			m, _ = m.OnGrid(p.Grid)
		}
		_, diags = lower.Lower(m)
	}
	return diags.Err()
}

// model are the graphs of a model without mistakes.
func model(t testing.TB, body string) *lower.Model {
	t.Helper()
	m, diags := lowered(t, "model M {\n"+body+"\n}")
	require.NoError(t, diags.Err())
	return m
}

// inputs are the values of a model's inputs, by their names: t, y, d, u, ut, q, p, s, a,
// data, seen, yb, db. Those that are not there are 0.
type inputs map[string][]float64

// values evaluates a graph by the interpreter, as it was built.
func values(t testing.TB, n *ir.Node, in inputs) []float64 {
	t.Helper()
	require.NotNil(t, n)
	for _, x := range ir.Reach(n) { // so that it has the shape of a vector of results
		if x.Op == ir.OpInput {
			require.NotContains(t, x.Name, "#", "a placeholder was left behind")
		}
	}
	m, err := exec.Interpreted([]*ir.Graph{{Name: "g", Outputs: []ir.Output{{Name: "v", Node: n}}}}, 1, exec.Double)
	require.NoError(t, err)
	f := m.NewFrame()
	for name, v := range in {
		if to := f.Input(name); to != nil {
			require.Len(t, v, len(to), "input %s", name)
			copy(to, v)
		}
	}
	p := m.Program("g")
	p.Run(f)
	return append([]float64{}, p.Output(f, "v")...)
}

// value is that of a graph of one element.
func value(t testing.TB, n *ir.Node, in inputs) float64 {
	t.Helper()
	v := values(t, n, in)
	require.Len(t, v, 1)
	return v[0]
}

// requireClose compares to a relative tolerance; infinities and NaN with themselves.
func requireClose(t testing.TB, want, got, tol float64, what string, args ...any) {
	t.Helper()
	if want == got || math.IsNaN(want) && math.IsNaN(got) || math.Abs(want-got) <= tol*math.Max(1, math.Abs(want)) {
		return
	}
	require.Equal(t, want, got, append([]any{what}, args...)...)
}
