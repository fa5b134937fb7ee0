package lower_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/mat"
)

// solved is the solution of a system of linear equations.
func solved(t *testing.T, a [][]float64, b []float64) []float64 {
	t.Helper()
	m := mat.NewDense(len(b), len(b), nil)
	for i, row := range a {
		m.SetRow(i, row)
	}
	var x mat.VecDense
	require.NoError(t, x.SolveVec(m, mat.NewVecDense(len(b), b)))
	return x.RawVector().Data
}

// TestAlgebraicRates: the rates of unknowns are −g_z⁻¹(g_t + g_x·x'), and a step of Newton's method takes
// their equations to zero, whatever order they are in.
func TestAlgebraicRates(t *testing.T) {
	m := model(t, `  param k = 2
  state x = 1
  algebraic p[2] = [1, 2]
  algebraic q = 1
  x' = -k*q
  0 = q^2 - k*p[1] + x
  0 = [p[0]*p[1] - x*t, p[0] + sin(q)]`)
	const k, x, p0, p1, q, at = 1.7, 0.4, 0.8, -1.2, 0.9, 0.6
	in := inputs{"t": {at}, "p": {k}, "y": {x, p0, p1, q}}
	// By p0, p1, q.
	slopes := [][]float64{{0, -k, 2 * q}, {p1, p0, 0}, {1, 0, math.Cos(q)}}
	rate := -k * q
	drift := []float64{rate, -rate*at - x, 0}
	want := solved(t, slopes, []float64{-drift[0], -drift[1], -drift[2]})
	require.InDeltaSlice(t, append([]float64{rate}, want...), values(t, m.RHS, in), 1e-13)

	residual := []float64{q*q - k*p1 + x, p0*p1 - x*at, p0 + math.Sin(q)}
	step := solved(t, slopes, residual)
	e := m.Events[m.Balance-1]
	got := values(t, e.Jump, in)
	require.Equal(t, []int{1, 2, 3}, e.Targets)
	require.Equal(t, []bool{false, false, false}, e.Adds)
	require.InDeltaSlice(t, []float64{p0 - step[0], p1 - step[1], q - step[2]}, got, 1e-13)
	require.Equal(t, []int{-1, -1}, []int{e.Likelihood, e.Threshold})
}

// TestAlgebraicJumps: unknowns of linear equations that jump are solved for, so that everything reads what they
// come to at once: on both sides of the surface.
func TestAlgebraicJumps(t *testing.T) {
	m := model(t, `  param k = 2
  state x = 1
  algebraic a = 0
  algebraic b = 0
  x' = -b
  0 = a + b - x
  0 = b - k*(if x > 0.5 then a else 3*a)
  let both = a*b
  observe y = a`)
	require.NotZero(t, m.Balance)
	for mode, factor := range map[float64]float64{0: 6, 1: 2} {
		x := 0.7
		a := x / (1 + factor)
		in := inputs{"y": {x, 99, -99}, "d": {mode}, "p": {2}}
		rates := values(t, m.RHS, in)
		require.InDelta(t, -factor*a, rates[0], 1e-13)
		require.InDelta(t, -factor*a/(1+factor), rates[1], 1e-13, "their rates")
		require.InDelta(t, a, values(t, m.Pred, in)[0], 1e-13)
		require.InDelta(t, factor*a*a, values(t, m.Outputs, in)[0], 1e-13)
		require.InDeltaSlice(t, []float64{a, factor * a}, values(t, m.Events[m.Balance-1].Jump, in), 1e-13)
	}
}

// TestSteadySteps: the step to a state of rest is an implicit Euler step of length 1/a, with totals restored in
// the place of rates that follow from others and equations of unknowns as they are; around it the rates change as
// their derivatives say, for the states that nothing else tells.
func TestSteadySteps(t *testing.T) {
	m := model(t, `  param k = 2
  param j = 0.5
  state a = 3
  state b = 1
  state c = 0.5
  algebraic z = 1
  let v = k*a*b - j*c
  a' = -v
  b' = 1 - z*b - v
  c' = v
  0 = z - a^2
  start steady`)
	const k, j, a, b, c, z, inverse = 1.5, 0.7, 2.0, 0.8, 0.3, 3.5, 0.25
	in := inputs{"y": {a, b, c, z}, "p": {k, j}, "a": {inverse, 0, 0, 0}}
	v := k*a*b - j*c
	// By a, b, c, z: the total a + c stands in the place of the first rate, and is 3.5 at the start.
	va, vb, vc := k*b, k*a, -j
	rows := [][]float64{
		{1, 0, 1, 0},
		{va, inverse + z + vb, vc, b},
		{-va, -vb, inverse - vc, 0},
		{2 * a, 0, 0, -1},
	}
	right := []float64{3.5 - a - c, 1 - z*b - v, v, z - a*a}
	step := solved(t, rows, right)
	e := m.Events[m.Steady-1]
	require.Equal(t, []int{0, 1, 2, 3}, e.Targets)
	require.InDeltaSlice(t, []float64{a + step[0], b + step[1], c + step[2], z + step[3]}, values(t, e.Jump, in), 1e-12)
	require.Equal(t, []int{-1, -1}, []int{e.Likelihood, e.Threshold})

	around := m.Events[m.Steady]
	require.Equal(t, []int{1, 2}, around.Targets)
	for _, d := range [][2]float64{{1, 0}, {0, 1}, {0.3, -2}} {
		in["a"] = []float64{d[0], d[1], 0, 0}
		da, dz := -d[1], -2*a*d[1]
		dv := va*da + vb*d[0] + vc*d[1]
		require.InDeltaSlice(t, []float64{-dz*b - z*d[0] - dv, dv}, values(t, around.Jump, in), 1e-12)
	}
	require.Equal(t, []int{-1, -1}, []int{around.Likelihood, around.Threshold})
}

// TestSteadyAlone: a motion of which everything follows from totals goes nowhere, and a given value takes the
// place of an input's while it goes to rest.
func TestSteadyAlone(t *testing.T) {
	m := model(t, "  input u\n  param k = 2\n  state a = 3\n  a' = u - k*a\n  start steady { u: 5 }")
	e := m.Events[m.Steady-1]
	in := inputs{"y": {2}, "p": {4}, "u": {100}, "a": {0.5}}
	require.InDelta(t, 2+(5-8)/(0.5+4), values(t, e.Jump, in)[0], 1e-14)
	require.InDelta(t, 100-8, values(t, m.RHS, in)[0], 1e-14)
}

// TestSteadyRefused: what has no state of rest.
func TestSteadyRefused(t *testing.T) {
	for body, want := range map[string]string{
		"  state a = 1\n  a' = -a + t\n  start steady":                           "time",
		"  state a = 1\n  state b = 1\n  a' = 1\n  b' = -b\n  start steady":      "nothing determines a steady value: `a' = 1`",
		"  state a = 1\n  state b = 1\n  a' = -b\n  b' = -b + 1\n  start steady": "nothing determines a steady value: `",
	} {
		require.ErrorContains(t, mistakes(t, "model M {\n"+body+"\n}"), want, body)
	}
}

// TestProjections: a step back to the levels of conserved quantities goes along their gradients.
func TestProjections(t *testing.T) {
	m := model(t, `  state x[2] = [1, 0]
  state v = 0.5
  state apart = 1
  x' = [x[1], -x[0]]
  v' = 0
  apart' = 1
  conserve energy = x[0]^2 + x[1]^2 { mode: project }
  conserve sum = x[1] + 2*v { mode: project }`)
	e, level := m.Events[m.Project-1], m.Events[m.Project]
	x0, x1, v := 1.1, -0.3, 0.4
	first := level.Targets[0] - m.Layout.NY
	d := make([]float64, m.Layout.ND)
	d[first], d[first+1] = 1, 0.9
	in := inputs{"y": {x0, x1, v, 7}, "d": d}
	off := []float64{x0*x0 + x1*x1 - 1, x1 + 2*v - 0.9}
	g := [][]float64{{2 * x0, 2 * x1, 0}, {0, 1, 2}}
	products := [][]float64{{4 * (x0*x0 + x1*x1), 2 * x1}, {2 * x1, 5}}
	shares := solved(t, products, off)
	var want []float64
	for k, y := range []float64{x0, x1, v} {
		want = append(want, y-shares[0]*g[0][k]-shares[1]*g[1][k])
	}
	require.Equal(t, []int{0, 1, 2}, e.Targets)
	require.InDeltaSlice(t, want, values(t, e.Jump, in), 1e-13)
	require.Equal(t, []int{m.Layout.NY + first, m.Layout.NY + first + 1}, level.Targets)
	require.InDeltaSlice(t, []float64{x0*x0 + x1*x1, x1 + 2*v}, values(t, level.Jump, in), 1e-14)
}
