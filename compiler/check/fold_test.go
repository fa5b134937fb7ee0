package check

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestConstants: expressions of constants have the values of their closed forms.
func TestConstants(t *testing.T) {
	φ := (1 + math.Sqrt(5)) / 2
	for text, want := range map[string][]float64{
		"exp(1)": {math.E}, "expm1(1e-10)": {1e-10 + 5e-21}, "log(8)/log(2)": {3}, "log1p(1e-10)": {1e-10 - 5e-21},
		"log10(1000)": {3}, "log2(1/8)": {-3}, "sqrt(2)^2": {2}, "pow(2, 10)": {1024}, "hypot(3, 4)": {5},
		"sin(pi/6)": {0.5}, "cos(pi/3)": {0.5}, "tan(pi/4)": {1}, "asin(0.5)": {math.Pi / 6}, "acos(0.5)": {math.Pi / 3}, "atan(1)": {math.Pi / 4},
		"atan2(1, -1)": {3 * math.Pi / 4}, "sinh(log(2))": {0.75}, "cosh(log(2))": {1.25}, "tanh(log(2))": {0.6},
		"asinh(0.75)": {math.Ln2}, "acosh(1.25)": {math.Ln2}, "atanh(0.6)": {math.Ln2},
		"abs(-3)": {3}, "sign(-3)": {-1}, "sign(0)": {0}, "sign(2)": {1}, "step(0)": {1}, "step(-1e-300)": {0},
		"floor(-1.5)": {-2}, "ceil(-1.5)": {-1}, "clamp(5, 0, 2)": {2}, "clamp(-5, 0, 2)": {0}, "clamp(1, 0, 2)": {1},
		"erf(0)": {0}, "erf(inf)": {1}, "gamma(5)": {24}, "lgamma(5)": {math.Log(24)}, "gamma(0.5)^2": {math.Pi},
		"sigmoid(log(3))": {0.75}, "softplus(0)": {math.Ln2}, "softplus(800)": {800}, "relu(-1)": {0}, "relu(2)": {2},
		"swish(log(3))": {0.75 * math.Log(3)}, "gelu(0)": {0}, "gelu(1) - gelu(-1)": {1},
		"min(3, 1, 2)": {1}, "max(3, 1, 2)": {3}, "max(1, 3, 2)": {3}, "max([1, 2, 3])": {3}, "max([2, 3])": {3}, "min([3, 2])": {2}, "min([3, 1, 2])": {1}, "max([3, 1, 2])": {3},
		"sum([1, 2, 4])": {7}, "mean([1, 2, 6])": {3}, "norm([2, 3, 6])": {7}, "dot([1, 2], [3, 4])": {11},
		"cross([1, 2, 3], [4, 5, 6])": {-3, 6, -3},
		"[[1, 2], [3, 4]] @ [5, 6]":   {17, 39}, "[5, 6] @ [[1, 2], [3, 4]]": {23, 34}, "[1, 2] @ [3, 4]": {11},
		"[[1, 2, 3], [4, 5, 6]] @ [[1, 0], [0, 1], [1, 1]]": {4, 5, 10, 11},
		"2^3^2": {512}, "-2^2": {-4}, "2 - 3 - 4": {-5}, "12/3/2": {2}, "2*3 + 4": {10}, "-[1, 2]": {-1, -2}, "[1, 2] + 1": {2, 3}, "2/[1, 4]": {2, 0.5},
		"[1, 2, 3][1:3]": {2, 3}, "[[1, 2], [3, 4]][1, 0]": {3}, "[[1, 2], [3, 4]][:, 1]": {2, 4},
		"if 1 < 2 then 3 else 4": {3}, "if 1 >= 2 or not (1 != 1) and 2 <= 2 then 3 else 4": {3}, "if true and 1 > 2 then 3 else 4": {4},
		// The monotone cubic is that of SciPy's PchipInterpolator.
		"interp(0.3, [0, 1, 1.5, 4, 5], [1, 3, 3.2, 2, 7])": {1.843696551724138}, "interp(1.2, [0, 1, 1.5, 4, 5], [1, 3, 3.2, 2, 7])": {3.115089655172414},
		"interp(2.7, [0, 1, 1.5, 4, 5], [1, 3, 3.2, 2, 7])": {2.6359808}, "interp(4.4, [0, 1, 1.5, 4, 5], [1, 3, 3.2, 2, 7])": {3.12969142857143},
		"interp(1, [0, 1, 1.5, 4, 5], [1, 3, 3.2, 2, 7])": {3}, "interp(0.5, [0, 1, 3], [0, 1, -5])": {0.7916666666666667},
		"interp(2.9, [0, 1, 3], [0, 1, -5])": {-4.445083333333333}, "interp(2.5, [0, 1, 2, 3], [0, 5, 4, 9])": {5.5},
		"interp(0.5, [0, 2], [1, 5])": {2}, "interp(-3, [0, 2], [1, 5])": {1}, "interp(2, [0, 2], [1, 5])": {5}, "interp(7, [0, 2], [1, 5])": {5},
		"linspace(1, 2, 5)": {1, 1.25, 1.5, 1.75, 2}, "linspace(3, -1, 2)": {3, -1},
		"piecewise(1, 2 < 1, 2, 3 < 1, 3)": {3}, "piecewise(1, 2 < 1, 2, 0 < 1, 3)": {2}, "piecewise(1, 0 < 1, 2, 0 < 1, 3)": {1}, "piecewise(4)": {4},
		"if xor(true, 1 > 2) then 1 else 0": {1}, "if xor(1 > 2, true) then 1 else 0": {1}, "if xor(true, true) then 1 else 0": {0}, "if xor(1 > 2, 1 > 2) then 1 else 0": {0},
		"e": {math.E}, "ln(8)/ln(2)": {3}, "mod(7, 3)": {1}, "mod(-7, 3)": {2}, "mod(7, -3)": {-2}, "trunc(-1.5)": {-1}, "trunc(1.5)": {1},
		"sec(pi/3)": {2}, "csc(pi/6)": {2}, "cot(pi/4)": {1}, "factorial(5)": {120}, "exprel(0)": {1}, "exprel(1)": {math.E - 1}, "exprel(-0.05)": {-math.Expm1(-0.05) / 0.05},
		"if 2 == 2 then 1 else 0": {1}, "1 < 2": {1}, "smooth(abs(-2))": {2}, "golden": {φ}, "square(3) + square(golden)": {9 + φ*φ},
	} {
		p, diags := checkText(t, "model M {\n  const golden = (1 + sqrt(5))/2\n  fn square(u) = u^2\n  const c = "+text+"\n  state x = 0\n  x' = 0\n}")
		require.Empty(t, diags.All, "%s: %s", text, diags.Error())
		c := p.Model.Consts[len(p.Model.Consts)-1]
		require.Len(t, c.Values, len(want), text)
		for i := range want {
			require.InDelta(t, want[i], c.Values[i], 1e-14*math.Abs(want[i]), text)
		}
	}
}

// TestEvaluate: an expression has a value where its leaves are known.
func TestEvaluate(t *testing.T) {
	p, diags := checkText(t, `model M {
  param a per trajectory = 2*w + first(y) + shifted(w, 3)
  param b = 1
  covariate w
  fn shifted(u, by) = u - by
  state x = a + b
  x' = -x
  observe y = x
}`)
	require.Empty(t, diags.All, diags.Error())
	known := map[string]float64{"w": 5, "y": 7}
	leaf := func(x *Expr) ([]float64, bool) {
		v, ok := known[x.Object.Info().Name]
		return []float64{v}, ok
	}
	v, ok := Evaluate(p.Model.Params[0].Init, leaf)
	require.True(t, ok)
	require.Equal(t, []float64{2*5 + 7 + 2}, v)
	delete(known, "w")
	_, ok = Evaluate(p.Model.Params[0].Init, leaf)
	require.False(t, ok, "w is not known")
}
