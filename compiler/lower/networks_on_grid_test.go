package lower_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestNetworksOnGrids: a block in the equation of a field is that block at the centre of each cell, whatever it
// is made of; its scales are those of its arguments and values in the first cell.
func TestNetworksOnGrids(t *testing.T) {
	const n = 5
	for _, block := range []string{
		"hidden: [3]", "hidden: [4, 3], activation: swish", "hidden: [2], zero_at: [0.1, 0.2]", "hidden: [3], positive: true", "hidden: []", "hidden: [3], odd: true",
	} {
		m, diags := lowered(t, "model M {\n  coordinate x in [0, 1]\n  boundary periodic x\n  param k = 2\n  state u(x) = 0\n  neural f(u, v) -> [2] { "+block+" }\n"+
			"  let g = f(u, diff(u, x))\n  u' = g[0] + k*g[1]*u + f(k, x)[0]\n}\ngrid { x: 5 cells }\n")
		require.NoError(t, diags.Err(), block)
		y := []float64{0.3, -0.7, 1.1, 0.2, 0.5}
		p := make([]float64, m.Layout.NP)
		for i := range p {
			p[i] = math.Sin(float64(2*i + 1))
		}
		p[0] = 2
		s := []float64{1.5, 0.7, 2, 3}[:m.Layout.NS]
		in := inputs{"y": y, "p": p, "s": s}
		got := values(t, m.RHS, in)

		// The same block, cell by cell.
		var body strings.Builder
		fmt.Fprintf(&body, "  param k = 2\n  state u[5] = 0\n  neural f(u, v) -> [2] { %s }\n", block)
		var rates []string
		for i := range n {
			fmt.Fprintf(&body, "  let d%d = (u[%d] - u[%d])/0.4\n  let g%d = f(u[%d], d%d)\n", i, (i+1)%n, (i+n-1)%n, i, i, i)
			rates = append(rates, fmt.Sprintf("g%d[0] + k*g%d[1]*u[%d] + f(k, %g)[0]", i, i, i, 0.1+0.2*float64(i)))
		}
		plain := model(t, body.String()+"  u' = ["+strings.Join(rates, ", ")+"]")
		require.Equal(t, m.Layout.NP, plain.Layout.NP)
		require.InDeltaSlice(t, values(t, plain.RHS, in), got, 1e-13, block)
		require.InDeltaSlice(t, []float64{y[0], (y[1] - y[4]) / 0.4}, values(t, m.NetArgs[0], in), 1e-13, block)
		require.InDeltaSlice(t, values(t, plain.NetVals[0], in), values(t, m.NetVals[0], in), 1e-13, block)
	}
}

// TestWidthsRefused: blocks that no memory holds, and weights that a block has not.
func TestWidthsRefused(t *testing.T) {
	body := func(options string) string {
		return "model M {\n  state x = 1\n  neural f(x) -> 1 { " + options + " }\n  x' = f(x)\n}"
	}
	require.EqualError(t, mistakes(t, body("hidden: [20000, 20000]")), "m.node:3:10: error: with block `f`, of some 4e+08 weights, the model has more than the 250000000 that it may have [bad-block]")
	require.ErrorContains(t, mistakes(t, body("hidden: [0]")), "block `f` has a hidden layer of 0 units")
	require.ErrorContains(t, mistakes(t, body("hidden: [2.5]")), "block `f` has a hidden layer of 2.5 units")
	require.ErrorContains(t, mistakes(t, body("hidden: [2], frozen: [7]")), "block `f` has no weights `7`")
}
