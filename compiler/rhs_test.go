package compiler_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/compiler"
	"github.com/pinode/pinode/dsl/diag"
)

func rhsOf(t *testing.T, text string) (*compiler.Program, *compiler.RHS) {
	t.Helper()
	p, err := compiler.Compile("m.node", text)
	require.NoError(t, err)
	f, err := p.RHS()
	require.NoError(t, err)
	return p, f
}

// TestRHS: values and derivatives by hand, in the order that the program tells.
func TestRHS(t *testing.T) {
	p, f := rhsOf(t, `model Lotka {
  param β in (0, inf) = 0.9
  param g[2] = [1.3, 1.8]
  state x = 1
  state y = 2*β
  x' = g[0]*x - β*x*y
  y' = 0.8*x*y - g[1]*y
  observe seen = x
}
fit { optimizer: adam { lr: 0.1 } }`)
	require.Equal(t, []compiler.Quantity{
		{Name: "β", Unit: "1", Start: []float64{0.9}},
		{Name: "g", Unit: "1", Shape: []int{2}, At: 1, Start: []float64{1.3, 1.8}},
	}, p.Parameters())
	require.Equal(t, []compiler.Quantity{{Name: "x", Unit: "1"}, {Name: "y", Unit: "1", At: 1}}, p.States())
	params, y, dy := []float64{0.5, 1.3, 1.8}, []float64{3, 4}, make([]float64, 2)
	f.Init(0, params, dy)
	require.Equal(t, []float64{1, 1}, dy)
	f.Eval(0, y, params, dy)
	require.InDeltaSlice(t, []float64{1.3*3 - 0.5*12, 0.8*12 - 1.8*4}, dy, 1e-14)
	jac := make([]float64, 4)
	f.Jacobian(0, y, params, jac)
	require.InDeltaSlice(t, []float64{1.3 - 0.5*4, -0.5 * 3, 0.8 * 4, 0.8*3 - 1.8}, jac, 1e-14)
	yBar, pBar := make([]float64, 2), make([]float64, 3)
	for range 2 { // nothing of the first call is left in the second
		f.VJP(0, y, params, []float64{2, 10}, yBar, pBar)
		require.InDeltaSlice(t, []float64{2*jac[0] + 10*jac[2], 2*jac[1] + 10*jac[3]}, yBar, 1e-13)
		require.InDeltaSlice(t, []float64{2 * -12, 2 * 3, 10 * -4}, pBar, 1e-13)
	}
	require.PanicsWithValue(t, "compiler: 2 parameters, where the model has 3", func() { f.Eval(0, y, params[:2], dy) })
	_, err := compiler.Compile("m.node", "model M {\n  state x = y\n}")
	var list *diag.List
	require.ErrorAs(t, err, &list)
}

// TestRHSOfNetworks: the gradient by weights, behind the parameters, is that of
// differences.
func TestRHSOfNetworks(t *testing.T) {
	p, f := rhsOf(t, `model M {
  param k = 0.3
  neural net(x, y) -> [2] { hidden: [3] }
  state x = 1
  state y = 2
  x' = -k*x + net(x, y)[0]
  y' = net(x, y)[1]*y
}`)
	n := 0
	for _, q := range p.Parameters() {
		require.Equal(t, n, q.At)
		n += q.Size()
	}
	require.Equal(t, 1+2*3+3+3*2+2, n)
	params := make([]float64, n)
	for i := range params {
		params[i] = math.Sin(float64(i + 1))
	}
	y, ct := []float64{0.7, -1.1}, []float64{1.5, -0.5}
	value := func(y, params []float64) float64 {
		dy := make([]float64, 2)
		f.Eval(0, y, params, dy)
		return ct[0]*dy[0] + ct[1]*dy[1]
	}
	yBar, pBar := make([]float64, 2), make([]float64, n)
	f.VJP(0, y, params, ct, yBar, pBar)
	compare := func(v, bar []float64) {
		for i := range v {
			at := v[i]
			const h = 1e-6
			v[i] = at + h
			hi := value(y, params)
			v[i] = at - h
			lo := value(y, params)
			v[i] = at
			require.InDelta(t, (hi-lo)/(2*h), bar[i], 1e-8)
		}
	}
	compare(params, pBar)
	compare(y, yBar)
	f.VJP(0, y, params, ct, yBar, nil)
	compare(y, yBar)
}

// TestRHSTakesBranches: conditions, nested ones too, and whole numbers are those of the
// state at hand.
func TestRHSTakesBranches(t *testing.T) {
	_, f := rhsOf(t, `model M {
  state x = 0
  state y = 0
  x' = if x > 1 then (if y >= 2 then 10 else 20) else -x
  y' = floor(x) + abs(y) + (if (if x > 1 then y else x) > 0 then 100 else 0)
}`)
	dy := make([]float64, 2)
	for _, c := range [][4]float64{
		{0.5, 3, -0.5, 103}, {-0.5, 3, 0.5, 2}, {2.5, 3, 10, 105}, {2.5, 1, 20, 103}, {2.5, -1, 20, 3}, {1.5, 2, 10, 103}, {1, 0, -1, 101},
	} {
		f.Eval(0, c[:2], nil, dy)
		require.InDeltaSlice(t, c[2:], dy, 1e-14, "%v", c)
	}
	jac := make([]float64, 4)
	f.Jacobian(0, []float64{0.5, -3}, nil, jac)
	require.InDeltaSlice(t, []float64{-1, 0, 0, -1}, jac, 1e-14)
}

// TestRHSOfOthers: inputs, covariates, parameters of each trajectory,
// discrete variables; penalties add no state that shows.
func TestRHSOfOthers(t *testing.T) {
	p, f := rhsOf(t, `model M {
  input u linear
  covariate w
  param c per subject = 2
  param k = 3
  state x = w
  discrete n = 4
  x' = k*u + c*w + n*x
  event up when x > 100 { n := n + 1; x := 0 }
  observe seen = x
  conserve q = x
}
data d from "d.csv" { trajectory: subject; time: t; u: u; w: w; seen: x }`)
	require.Equal(t, []compiler.Event{{Name: "up", Trigger: "when", Sets: []string{"n", "x"}}}, p.Events())
	require.Len(t, p.Inputs(), 1)
	require.Len(t, p.Discretes(), 1)
	names := []string{}
	for _, q := range p.Parameters() {
		names = append(names, q.Name)
	}
	require.Equal(t, []string{"c", "k"}, names)
	f.Inputs[0], f.Covariates[0] = 5, 11
	params, y, dy := []float64{2, 3}, []float64{0}, make([]float64, 1)
	f.Init(0, params, y)
	require.Equal(t, []float64{11}, y)
	require.Equal(t, []float64{4}, f.Discretes)
	f.Eval(0, y, params, dy)
	require.InDelta(t, 3*5+2*11+4*11, dy[0], 1e-12)
	yBar, pBar := make([]float64, 1), make([]float64, 2)
	f.VJP(0, y, params, []float64{1}, yBar, pBar)
	require.InDeltaSlice(t, []float64{11, 5}, pBar, 1e-12)
	require.InDeltaSlice(t, []float64{4}, yBar, 1e-12)
}
