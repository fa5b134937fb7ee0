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
  T' = 0 [K/s]
  W' = 0 [m/s^2]
  q' = p
  p' = 0 [m/s^2]
  A' = 0 [1/s]
  s' = 0 [kg/s]
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
