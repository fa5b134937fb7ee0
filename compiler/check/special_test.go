package check

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// letOf is a quantity of a model with vectors, fields and numbers in it, or what is said of it.
func letOf(t *testing.T, unit, text string) (l *Let, mistakes []string) {
	t.Helper()
	p, diags := checkText(t, `model M {
  time t: s
  coordinate x: m in [0 [m], 1 [m]]
  state T(x): K = 300 [K]
  state W[2](x): m/s = [0 [m/s], 0 [m/s]]
  state q[2]: m = [0 [m], 0 [m]]
  state p[2]: m/s = [0 [m/s], 0 [m/s]]
  state A[2, 2] = 0
  state s: kg = 1 [kg]
  state θ: m = 1 [m], θ' = 0 [m/s]
  const R[2, 2]: Ohm = [[2 [Ohm], 1 [Ohm]], [0 [Ohm], 3 [Ohm]]]
  const U[2]: V = [1 [V], 2 [V]]
  T' = 0 [K/s]
  W' = 0 [m/s^2]
  q' = p
  p' = 0 [m/s^2]
  A' = 0 [1/s]
  s' = 0 [kg/s]
  θ'' = 0 [m/s^2]
  let result`+unit+` = `+text+`
}`)
	for _, d := range diags.All {
		mistakes = append(mistakes, strings.TrimRight(said(d), "; "))
	}
	if len(mistakes) > 0 {
		return nil, mistakes
	}
	return p.Model.Lets[len(p.Model.Lets)-1], nil
}

// TestShapesOfDerivatives: gradients, Jacobians, divergences, Laplacians and matrices of second derivatives have
// the shapes and units of what they are made of.
func TestShapesOfDerivatives(t *testing.T) {
	for text, want := range map[string]struct {
		shape Shape
		unit  string
	}{
		"diff(s^2, s)":                {Shape{}, "kg"},
		"diff(sum(q)^2, q)":           {vec(2), "m"},
		"grad(sum(q)^2, q)":           {vec(2), "m"},
		"diff(s*q, s)":                {vec(2), "m"},
		"diff(s*q, q)":                {mat(2, 2), "kg"},
		"diff(s*A, s)":                {mat(2, 2), "1"},
		"div(s*q, q)":                 {Shape{}, "kg"},
		"div(s^3, s)":                 {Shape{}, "kg^2"},
		"laplacian(sum(q)^3, q)":      {Shape{}, "m"},
		"laplacian(s^3, s)":           {Shape{}, "kg"},
		"laplacian(sum(q)^3*p, q)":    {vec(2), "m^2/s"},
		"hessian(sum(q)^3*s, q)":      {mat(2, 2), "kg*m"},
		"diff(T, x)":                  {Shape{}, "K/m"},
		"laplacian(T, x)":             {Shape{}, "K/m^2"},
		"laplacian(W, x)":             {vec(2), "1/(m*s)"},
		"div(T, x)":                   {Shape{}, "K/m"},
		"diff(T, x, x)":               {Shape{}, "K/m^2"},
		"laplacian(T^2, x)":           {Shape{}, "K^2/m^2"},
		"laplacian(diff(T, x), x)":    {Shape{}, "K/m^3"},
		"sum(hessian(sum(q)^2, q)@q)": {Shape{}, "m"},
	} {
		l, mistakes := letOf(t, "", text)
		require.Empty(t, mistakes, text)
		require.Equal(t, want.shape, l.Shape, text)
		size := ""
		if want.shape != (Shape{}) {
			size = want.shape.String()
		}
		_, mistakes = letOf(t, size+": "+want.unit, text)
		require.Empty(t, mistakes, text)
	}
	for text, want := range map[string]string{
		"div(s*q, s)":       "shape-mismatch: `div` takes a vector and the vector of as many elements by which it is differentiated; this is shape [2]; this is a single value (s, 9:9)",
		"div(s, q)":         "shape-mismatch: `div` takes a vector and the vector of as many elements by which it is differentiated; this is a single value (s, 9:9); this is shape [2] (q, 6:9)",
		"laplacian(s, A)":   "shape-mismatch: `laplacian` takes a value and the vector by which it is differentiated; this is a single value (s, 9:9); this is shape [2, 2] (A, 8:9)",
		"hessian(q, q)":     "shape-mismatch: `hessian` takes a single value and the vector by which it is differentiated; this is shape [2] (q, 6:9); this is shape [2] (q, 6:9)",
		"hessian(s^2, s)":   "shape-mismatch: `hessian` takes a single value and the vector by which it is differentiated; this is a single value; this is a single value (s, 9:9)",
		"diff(A, q)":        "shape-mismatch: there is no derivative of [2, 2] by [2]; one of them must be a single value, or both vectors",
		"diff(A, A)":        "shape-mismatch: there is no derivative of [2, 2] by [2, 2]; one of them must be a single value, or both vectors",
		"slope(s)":          "",
		"diff(q, sum(q)^2)": "",
	} {
		_, mistakes := letOf(t, "", text)
		require.NotEmpty(t, mistakes, text)
		if want != "" {
			require.Equal(t, []string{want}, mistakes, text)
		}
	}
}

// TestUnitsOfAlgebra: functions of matrices have the units that follow from those of the entries.
func TestUnitsOfAlgebra(t *testing.T) {
	for text, want := range map[string]struct {
		shape Shape
		unit  string
	}{
		"det(R)":                               {Shape{}, "Ohm^2"},
		"det([[1, 2], [3, 4]])":                {Shape{}, "1"},
		"inv(R)":                               {mat(2, 2), "1/Ohm"},
		"inv(A)":                               {mat(2, 2), "1"},
		"solve(R, U)":                          {vec(2), "A"},
		"solve(R, R)":                          {mat(2, 2), "1"},
		"solve(A, q)":                          {vec(2), "m"},
		"solve([[1, 2], [3, 4]], U)":           {vec(2), "V"},
		"logdet(A)":                            {Shape{}, "1"},
		"logsumexp(q/(1 [m]))":                 {Shape{}, "1"},
		"softmax(q/(1 [m]))":                   {vec(2), "1"},
		"R @ U":                                {vec(2), "V*Ohm"},
		"euler_lagrange(0.5*s*θ'^2, θ)":        {Shape{}, "m/s^2"},
		"euler_lagrange(0.5*s*θ'^2, θ, 3 [N])": {Shape{}, "m/s^2"},
		"T(0.5 [m])":                           {Shape{}, "K"},
		"W(0.2 [m])":                           {vec(2), "m/s"},
		"integral(T, x)":                       {Shape{}, "K*m"},
		"integral(W, x)":                       {vec(2), "m^2/s"},
		"integral(2, x)":                       {Shape{}, "m"},
		"interp(s, [1 [kg], 2 [kg]], [0 [m], 1 [m]])":  {Shape{}, "m"},
		"sum(linspace(1 [m], 2 [m], 3))":               {Shape{}, "m"},
		"if xor(s > 1 [kg], s > 2 [kg]) then 1 else 2": {Shape{}, "1"},
	} {
		l, mistakes := letOf(t, "", text)
		require.Empty(t, mistakes, text)
		require.Equal(t, want.shape, l.Shape, text)
		size := ""
		if want.shape != (Shape{}) {
			size = want.shape.String()
		}
		_, mistakes = letOf(t, size+": "+want.unit, text)
		require.Empty(t, mistakes, text)
		_, mistakes = letOf(t, size+": cd", text)
		if want.unit != "1" || text == "logdet(A)" {
			require.NotEmpty(t, mistakes, text)
		}
	}
	for text, want := range map[string]string{
		"logdet(R)":                          "unit-mismatch: `logdet` takes a number without unit",
		"softmax(q)":                         "unit-mismatch: `softmax` takes a number without unit",
		"logsumexp(s)":                       "shape-mismatch: `logsumexp` takes a vector",
		"solve(R, s)":                        "shape-mismatch: `solve` takes a right side with 2 rows",
		"det(q)":                             "shape-mismatch: `det` takes a square matrix",
		"euler_lagrange(s*θ'^2, θ, 3 [m])":   "unit-mismatch: a generalised force has the unit of L over that of `θ`, N; this is in m",
		"euler_lagrange(s*θ'^2, θ, U)":       "shape-mismatch: shapes scalar and [2] do not fit",
		"euler_lagrange(q, θ)":               "a Lagrangian",
		"T(0.5 [s])":                         "unit-mismatch: ",
		"T(2 [m])":                           "",
		"T(q)":                               "a place",
		"T(0 [m], 1 [m])":                    "",
		"integral(T)":                        "wrong-arguments: ",
		"integral(T, s)":                     "",
		"integral(T, x, x)":                  "",
		"interp(q, [1, 2], [3, 4])":          "take its elements one by one",
		"interp(1, [2, 1], [3, 4])":          "shape-mismatch: `interp(x, xs, ys)` takes two vectors of one length, two at least, the first ascending",
		"interp(1, [2], [3])":                "shape-mismatch: `interp(x, xs, ys)` takes two vectors of one length, two at least, the first ascending",
		"interp(1, [1, 2], [3, s/(1 [kg])])": "not-constant: a point of `interp` must be known when the model is compiled",
		"interp(s, [1 [m], 2 [m]], [3, 4])":  "unit-mismatch: cannot combine kg and m",
		"linspace(0, 1, 1)":                  "not-constant: the number of values of `linspace` is a whole number from 2 to 100000",
		"linspace(0, 1, 2.5)":                "not-constant: the number of values of `linspace` is a whole number from 2 to 100000",
	} {
		_, mistakes := letOf(t, "", text)
		if len(mistakes) != 1 || !strings.Contains(mistakes[0], want) {
			t.Errorf("%s: %q, not %q", text, mistakes, want)
		}
	}
}

// TestMonotoneCubic: slopes of points of all kinds are those of scipy.interpolate.PchipInterpolator, SciPy 1.
func TestMonotoneCubic(t *testing.T) {
	for _, c := range []struct{ x, y, slopes []float64 }{
		{[]float64{0, 1, 3, 4, 7}, []float64{1, 4, -2, -1, 5}, []float64{5, 0, 0, 1.2631578947368423, 2.75}},
		{[]float64{0, 1, 2}, []float64{0, 1, -9}, []float64{3, 0, -15.5}},
		{[]float64{0, 1, 2, 5}, []float64{0, 5, 5.5, 5.6}, []float64{7.25, 0.9090909090909092, 0.07317073170731683, 0}},
		{[]float64{-1, 0.5}, []float64{2, -3}, []float64{-10. / 3, -10. / 3}},
		{[]float64{0, 2, 3, 3.5}, []float64{1, 0.1, 4, 4}, []float64{-1.35, 0, 0, 0}},
		{[]float64{0, 1, 2}, []float64{0, 10, 10.5}, []float64{14.75, 0.9523809523809523, 0}},
		{[]float64{0, 1, 4}, []float64{9, -1, 0}, []float64{-151. / 12, 0, 1}},
	} {
		require.InDeltaSlice(t, c.slopes, slopes(c.x, c.y), 1e-14)
	}
}
