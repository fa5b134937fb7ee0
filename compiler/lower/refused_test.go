package lower_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestRefusedOnGrids: what has no form on a grid is refused where it is written, with what to do.
func TestRefusedOnGrids(t *testing.T) {
	const field = "  coordinate x in [0, 2]\n  state u(x) = 0\n"
	const plate = "  coordinate x in [0, 2]\n  coordinate y in [0, 1]\n  boundary periodic y\n  state u(x, y) = 0\n"
	for _, c := range []struct{ body, grid, want string }{
		{field + "  u' = diff(u, x, x)\n  boundary u = 0 at x = 0\n  boundary u = 0 at x = 2", "", ""},
		{field + "  u' = diff(u, x)\n  boundary u = 0 at x = 2", "scheme: spectral", "m.node:7:1: error: `spectral` is made of waves, and `x` is not periodic [bad-grid]"},
		{plate + "  u' = diff(u, x, x)\n  boundary u = 0 at x = 0 and y < 0.5, x = 2", "y: 8 cells", "m.node:7:12: error: the parts of the side x = 0 leave some of it without this condition [missing-condition]"},
		{plate + "  u' = diff(u, x, x)\n  boundary u = 0 at x = 0 and y < 0.5, x = 2\n  boundary u = 1 at x = 0 and y > 0.5", "y: 8 cells", ""},
		{plate + "  param p = 0.5\n  u' = diff(u, x, x)\n  boundary u = 0 at x = 0 and y < p, x = 2", "", "m.node:8:31: error: the part of a side is told by its coordinates alone [bad-grid]"},
		{field + "  u' = diff(u, x, x)\n  boundary u = 0 at x = 0, x = 2\n  boundary 0 = x at x = 0", "", "m.node:6:12: error: this equation says nothing of a field over `x` [bad-boundary]"},
		{field + "  u' = diff(u, x, x)\n  boundary u = 0 at x = 0, x = 2\n  boundary 0*u = 1 at x = 0", "", "m.node:6:12: error: there is nothing left that this condition could determine at x = 0 [bad-boundary]"},
		{field + "  u' = diff(u, x, x)\n  boundary u = u at x = 0\n  boundary u = 0 at x = 2", "", "m.node:5:12: error: the conditions on this side do not determine the fields there [bad-boundary]"},
		{field + "  state v(x) = 0\n  u' = diff(u, x, x)\n  v' = diff(v, x, x)\n  boundary u + v = 0 at x = 0\n  boundary 2*u + 2*v = 1 at x = 0\n  boundary u = 0 at x = 2\n  boundary v = 0 at x = 2", "", "m.node:7:12: error: the conditions on this side do not determine the fields there [bad-boundary]"},
		{plate + "  u' = diff(u, x, x)\n  boundary diff(u, y) = 0 at x = 0\n  boundary u = 0 at x = 2", "", "m.node:7:12: error: a boundary has derivatives along its axis only [bad-grid]"},
		{field + "  algebraic p(x) = 0\n  u' = diff(u, x, x) - p\n  0 = p - u\n  boundary u = 0 at x = 0, x = 2", "x: 101 cells", "m.node:9:1: error: the algebraic fields have 101 unknowns in all cells; at most 100 are taken [bad-grid]"},
		{field + "  algebraic p(x) = 0\n  u' = diff(u, x, x) - p\n  0 = p - u\n  boundary u = 0 at x = 0, x = 2", "x: 100 cells", ""},
		{field + "  u' = diff(u, x, x) + sum(softmax([u, 1]))\n  boundary u = 0 at x = 0, x = 2", "", "m.node:4:28: error: `softmax` of what varies in space has no form on a grid [bad-grid]"},
		{field + "  u' = det([[u, 1], [2, u]])", "", "m.node:4:8: error: `det` of what varies in space has no form on a grid [bad-grid]"},
		{field + "  state v[2](x) = [0, 0]\n  u' = sum(diff(sum(v)^2, v))\n  v' = 0*v", "", "m.node:5:12: error: a derivative by a vector at each point has no formula on a grid [bad-grid]"},
		{field + "  u' = 1\n  observe y = integral(before(u), x)", "", "m.node:5:24: error: `before` of a field has no formula on a grid [bad-grid]"},
		{plate + "  u' = u(x/2, y)", "", "m.node:6:10: error: a place on a grid is told by numbers, parameters and what rows of data say [bad-grid]"},
		{plate + "  u' = -diff(u*integral(u, y), x)\n  boundary u = 0 at x = 0", "scheme: upwind", "m.node:6:16: error: what varies over other coordinates than it is reduced by is known at the centres of cells only [bad-grid]"},
	} {
		err := mistakes(t, "model M {\n"+c.body+"\n}\ngrid { "+c.grid+" }\n")
		if c.want == "" {
			require.NoError(t, err, c.body)
			continue
		}
		if err == nil || err.Error() != c.want {
			t.Errorf("%s\n%s\nsays %v\nwant %s", c.body, c.grid, err, c.want)
		}
	}
}

// TestNotBoth: states that steps are kept from leading below zero are not projected as well.
func TestNotBoth(t *testing.T) {
	const q = "  state x >= 0 = 1\n  state v = 0\n  x' = v\n  v' = -x\n"
	require.NoError(t, mistakes(t, "model M {\n"+q+"  conserve e = x^2 + v^2\n}"))
	require.EqualError(t, mistakes(t, "model M {\n"+q+"  conserve e = x^2 + v^2 { mode: project }\n}"),
		"m.node:2:9: error: `state x >= 0` is not supported yet in a model with `mode: project`, which moves states as well [not-supported]")
}

// TestNotProjected: quantities are not projected to their levels beside algebraic unknowns, and beside states that come to rest.
func TestNotProjected(t *testing.T) {
	const q = "  state x = 1\n  state v = 0\n  x' = v\n  v' = -x\n  conserve e = x^2 + v^2 { mode: project }\n"
	require.NoError(t, mistakes(t, "model M {\n"+q+"  event b when x < -0.5 { v := -v }\n}"))
	for more, what := range map[string]string{
		"  algebraic z = 1\n  0 = z - x^2\n":                                                            "algebraic unknowns",
		"  event b when x < 0 { v := -0.5*v; zeno rest { v := 0 } }\n":                                  "states that come to rest",
		"  event b when x < 0 { v := -0.5*v; zeno rest { x := 0; v := 0 } }\n":                          "states that come to rest",
		"  event b when x < 9 { v := 1 }\n  event c when x < 0 { v := -0.5*v; zeno rest { v := 0 } }\n": "states that come to rest",
	} {
		require.EqualError(t, mistakes(t, "model M {\n"+q+more+"}"), "m.node:6:12: error: `mode: project` is not supported yet in a model with "+what+" [not-supported]")
	}
}
