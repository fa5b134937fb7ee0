package lower_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/autodiff"
	"github.com/pinode/pinode/compiler/ir"
	"github.com/pinode/pinode/compiler/lower"
)

// TestRoots: a root of what may turn negative has a switch on the edge of where it has a value, and no other.
func TestRoots(t *testing.T) {
	for e, want := range map[string]int{
		"sqrt(x)": 1, "x^0.5": 1, "x^n": 1, "sqrt(x - v)": 1, "sqrt(x) + sqrt(3*x) + x^0.2": 1, "sqrt(x - v) + sqrt(v - x)": 1,
		"sqrt([x, v])[0]": 2, "sqrt(1 - x^2)": 1, "sqrt(x*v)": 1, "sqrt(max(x, -1))": 1, "sqrt(t - 1)": 1,
		"x^2": 0, "x^1.5": 0, "x^m": 0, "x^(-0.5)": 0, "sqrt(x^2 + v^2)": 0, "(x^2 + v^2)^0.3": 0, "sqrt(1 + exp(x))": 0, "sqrt(n)": 0,
		"sqrt(abs(x))": 0, "sqrt(max(x, 0))": 0, "sqrt(min(abs(x), 3))": 0, "sqrt(clamp(x, 0, 1))": 0, "sqrt(relu(x - v))": 0,
		"hypot(x, v)": 0, "norm([x, v])": 0, "sqrt(sqrt(x^2))": 0, "smooth(sqrt(x))": 0, "sqrt(if x > v then 1 else v^2)": 0,
		"sqrt(sigmoid(x)/(2 + v^2))": 0, "sqrt(sum([x^2, v^2]))": 0,
	} {
		m := model(t, `  param n = 0.5
  param m = 2
  state x = 1
  state v = 1
  x' = `+e+`
  v' = 0`)
		roots := 0
		for _, w := range m.Switches {
			if w.Root {
				roots++
				require.True(t, w.Corner, e)
				require.EqualValues(t, lower.AtRest, w.AtZero, e)
			}
		}
		require.Equal(t, want, roots, e)
	}
}

// TestRootAtRest: where it rests a root is 0, as is its derivative by everything; beside its edge, where steps may
// end, it is 0 while the run is on the side on which it has a value, and no number on the other.
func TestRootAtRest(t *testing.T) {
	for _, e := range []string{"sqrt(2*x)", "(2*x)^n", "sqrt(4*x - 2*x)"} {
		m := model(t, fmt.Sprintf(`  param n = 0.5
  state x = 1
  x' = -3*%s
  observe y = %s`, e, e))
		b := m.Builder
		slopes := b.Concat(autodiff.VJP(b, []*ir.Node{b.Elem(m.RHS, 0)}, []*ir.Node{b.Const(1)}, []*ir.Node{m.In.Y, m.In.P})...)
		at := func(x, mode float64) inputs { return inputs{"y": {x}, "d": {mode}, "p": {0.5}} }
		require.Equal(t, []float64{0}, values(t, m.RHS, at(-1e-17, lower.AtRest)), e)
		require.Equal(t, []float64{0}, values(t, m.Pred, at(-1e-17, lower.AtRest)), e)
		require.Equal(t, []float64{0, 0}, values(t, slopes, at(1e-17, lower.AtRest)), e)
		require.Equal(t, []float64{-6}, values(t, m.RHS, at(2, 1)), e)
		require.Equal(t, []float64{0}, values(t, m.RHS, at(-1e-9, 1)), e)
		require.True(t, values(t, m.RHS, at(-1e-9, 0))[0] != values(t, m.RHS, at(-1e-9, 0))[0], "%s is NaN", e)
	}
}

// TestManyRoots: beyond a number of them roots are plain functions, all of them.
func TestManyRoots(t *testing.T) {
	for n, want := range map[int]int{128: 128, 129: 0} {
		m := model(t, fmt.Sprintf(`  state x[%d] = 1
  state v = 1
  x' = -sqrt(x)
  v' = abs(v)`, n))
		require.Len(t, m.Switches, want+1)
		require.Equal(t, want+1, m.Layout.ND)
	}
}
