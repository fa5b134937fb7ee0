package pinode

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/fit"
)

// Motions along more than two surfaces at once: bodies that stick, each by a friction of its own.

// endOf is the last row of a model's simulation.
func endOf(t *testing.T, text string) []float64 {
	t.Helper()
	m, err := Parse("several.node", text)
	require.NoError(t, err)
	return lastRow(t, m)[1:]
}

// TestSeveralBlocks: block i is pulled by aᵢt and begins to slip at t = μ/aᵢ, all from the start
// at rest.
func TestSeveralBlocks(t *testing.T) {
	const n, mu, a, until = 5, 1.2, 0.5, 3.
	for _, solver := range []string{"dop853 { rtol: 1e-11, atol: 1e-12 }", "rodas5p { rtol: 1e-8, atol: 1e-10 }", "radau { rtol: 1e-8, atol: 1e-10 }"} {
		row := endOf(t, fmt.Sprintf(`
			model M {
			  state x[%[1]d] = 0
			  state v[%[1]d] = 0
			  let friction = [%[6]s]
			  for i in 0..%[2]d {
			    x[i]' = v[i]
			    v[i]' = %[4]g*(i + 1)*t - friction[i]
			  }
			}
			simulate { until: %[5]g, step: %[5]g, solver: %[7]s, outputs: [x, v, friction] }`,
			n, n-1, mu, a, until, "1.2*sign(v[0]), 1.2*sign(v[1]), 1.2*sign(v[2]), 1.2*sign(v[3]), 1.2*sign(v[4])", solver))
		for i := range n {
			pull := a * float64(i+1)
			from := math.Min(mu/pull, until)
			v := pull*(until*until-from*from)/2 - mu*(until-from)
			x := pull*((until*until*until-from*from*from)/6-from*from*(until-from)/2) - mu*(until-from)*(until-from)/2
			require.InDelta(t, x, row[i], 1e-7, "place of block %d by %s", i, solver)
			require.InDelta(t, v, row[n+i], 1e-7, "speed of block %d by %s", i, solver)
			require.InDelta(t, math.Min(mu, pull*until), row[2*n+i], 1e-7, "friction of block %d by %s", i, solver)
		}
	}
}

// train is a row of blocks on springs, on a belt (R. Burridge and L. Knopoff, Model and theoretical
// seismicity, 1967), with a friction that falls with the speed.
const train = `
	model Train {
	  param mu = 1
	  param k = 2
	  param c = 3
	  param belt = 0.1
	  state x[6] = [0.1, 0.3, -0.2, 0.05, 0.4, -0.1]
	  state v[6] = 0
	  for i in 0..5 {
	    x[i]' = v[i]
	    v[i]' = -k*x[i] + c*((if i < 5 then x[min(i + 1, 5)] - x[i] else 0) + (if i > 0 then x[max(i - 1, 0)] - x[i] else 0)) -
	            mu*sign(v[i] - belt)/(1 + 0.5*abs(v[i] - belt))
	  }
	  observe y = x[2] + 0.2*v[4] ~ normal(0.1)
	}
`

// withFriction takes steps of length h of bodies with friction: after each of them the impulse of the
// friction is as large as it takes to stop the body beside what it slides on, or the largest that
// there is (J.J. Moreau, Unilateral contact and dry friction in finite freedom dynamics, 1988).
func withFriction(h, until float64, x []float64, belt float64, pull func(x []float64, i int) float64, most func(slip float64) float64) (v []float64) {
	v = make([]float64, len(x))
	force := make([]float64, len(x))
	for range int(math.Round(until / h)) {
		for i := range x {
			force[i] = pull(x, i)
		}
		for i := range x {
			slip := v[i] - belt
			free := slip + h*force[i]
			v[i] = belt + math.Copysign(math.Max(math.Abs(free)-h*most(slip), 0), free)
			x[i] += h * v[i]
		}
	}
	return v
}

func TestSeveralTrain(t *testing.T) {
	const until = 10.
	x := []float64{0.1, 0.3, -0.2, 0.05, 0.4, -0.1}
	v := withFriction(1e-5, until, x, 0.1, func(x []float64, i int) float64 {
		f := -2 * x[i]
		if i < len(x)-1 {
			f += 3 * (x[i+1] - x[i])
		}
		if i > 0 {
			f += 3 * (x[i-1] - x[i])
		}
		return f
	}, func(slip float64) float64 { return 1 / (1 + 0.5*math.Abs(slip)) })
	row := endOf(t, train+fmt.Sprintf("simulate { until: %g, step: %g, solver: dop853 { rtol: 1e-9, atol: 1e-10 }, outputs: [x, v] }", until, until))
	for i := range x {
		require.InDelta(t, x[i], row[i], 1e-5, "place of block %d", i)
		require.InDelta(t, v[i], row[len(x)+i], 1e-4, "speed of block %d", i)
	}
}

// TestSeveralJoints: three joints with dry friction of which each accelerates the others. The
// reference solves for the impulses of each of its steps by Gauss and Seidel's iteration.
func TestSeveralJoints(t *testing.T) {
	const until, h = 6., 2e-5
	mass := [3][3]float64{{3, 1, 0.4}, {1, 2, 0.5}, {0.4, 0.5, 1}}
	dry := [3]float64{1, 0.6, 0.3}
	q, w := [3]float64{0.2, -0.3, 0.5}, [3]float64{}
	for step := range int(until / h) {
		now := float64(step+1) * h
		torque := [3]float64{2*math.Sin(now) - 2*q[0], 1.5*math.Sin(1.3*now) - q[1], math.Sin(1.7*now) - q[2]}
		next := w
		for range 15 {
			for i := range next {
				r := h * torque[i]
				for j := range next {
					r += mass[i][j] * w[j]
					if j != i {
						r -= mass[i][j] * next[j]
					}
				}
				next[i] = math.Copysign(math.Max(math.Abs(r)-h*dry[i], 0), r) / mass[i][i]
			}
		}
		w = next
		for i := range q {
			q[i] += h * w[i]
		}
	}
	row := endOf(t, fmt.Sprintf(`
		model Robot {
		  state q[3] = [0.2, -0.3, 0.5]
		  state w[3] = 0
		  const A[3, 3] = [[3, 1, 0.4], [1, 2, 0.5], [0.4, 0.5, 1]]
		  q' = w
		  w' = solve(A, [2*sin(t) - 2*q[0] - 1*sign(w[0]), 1.5*sin(1.3*t) - q[1] - 0.6*sign(w[1]), sin(1.7*t) - q[2] - 0.3*sign(w[2])])
		}
		simulate { until: %g, step: %g, solver: dop853 { rtol: 1e-9, atol: 1e-10 } }`, until, until))
	for i := range q {
		require.InDelta(t, q[i], row[i], 1e-4, "angle %d", i)
		require.InDelta(t, w[i], row[3+i], 1e-4, "rate %d", i)
	}
}

// TestSeveralGradients compares the gradients of all modes with differences: of a train, and of
// blocks whose frictions are more than it takes to hold them.
func TestSeveralGradients(t *testing.T) {
	for name, text := range map[string]string{"train": train, "rubbing": rubbing} {
		t.Run(name, func(t *testing.T) { modesAgree(t, text) })
	}
}

// modesAgree compares the gradients of a model of y, in all modes, with differences.
func modesAgree(t *testing.T, text string) {
	var csv strings.Builder
	csv.WriteString("t,y\n0,\n")
	for i := 1; i <= 6; i++ {
		fmt.Fprintf(&csv, "%d,%g\n", i, 0.1*float64(i%3))
	}
	m := fromText(t, text+`data d from "d.csv" { time: t, y: y }`, csv.String())
	objective := func(mode string) (fit.Objective, []float64) {
		setFit(t, m, "gradient", mode, "solver", "dop853 { rtol: 1e-10, atol: 1e-10 }")
		f, err := m.NewFit(FitOptions{Workers: 1, Seed: 1})
		require.NoError(t, err)
		obj, x, err := f.Objective()
		require.NoError(t, err)
		return obj, x
	}
	obj, x := objective("unrolled")
	differences := make([]float64, len(x))
	for i := range x {
		at := func(h float64) float64 {
			moved := slices.Clone(x)
			moved[i] += h
			r, err := obj.Eval(t.Context(), moved, nil, 1, nil)
			require.NoError(t, err)
			return r.Loss
		}
		const h = 1e-5
		differences[i] = (8*(at(h)-at(-h)) - (at(2*h) - at(-2*h))) / (12 * h)
	}
	for _, mode := range []string{"unrolled", "forward", "adjoint", "backsolve"} {
		obj, x := objective(mode)
		grad := make([]float64, obj.Dim())
		_, err := obj.Eval(t.Context(), x, nil, 1, grad)
		require.NoError(t, err)
		for i, want := range differences {
			require.InDelta(t, want, grad[i], 1e-5*(1+math.Abs(want)), "%s, parameter %d", mode, i)
		}
	}
}

// TestSharedLoad: a block is pulled by t and rubs on the ground and on its neighbour, which rubs on
// the ground as well. It slips where the pull is more than both frictions, and takes the
// neighbour along if that one rubs less on the ground.
func TestSharedLoad(t *testing.T) {
	for _, other := range []float64{0.7, 0.4} { // friction of the neighbour on the ground; 0.5 between them
		row := endOf(t, fmt.Sprintf(`
			model M {
			  state x[2] = 0
			  state v[2] = 0
			  let between = 0.5*sign(v[0] - v[1])
			  x' = v
			  v[0]' = t - 0.3*sign(v[0]) - between
			  v[1]' = between - %g*sign(v[1])
			}
			simulate { until: 2, step: 2, solver: dop853 { rtol: 1e-11, atol: 1e-12 } }`, other))
		slip := func(from, mass, until float64) float64 { // the speed after a pull beyond from
			return (until - from) * (until - from) / 2 / mass
		}
		if other > 0.5 { // it stays
			require.InDeltaSlice(t, []float64{math.Pow(1.2, 3) / 6, 0, slip(0.8, 1, 2), 0}, row[:4], 1e-8)
			continue
		}
		// Together from 0.7 on; apart when the force between them is 0.5, at t = 0.9.
		const together, apart = 0.7, 0.9
		v := slip(together, 2, apart)
		v0 := v + slip(0.8, 1, 2) - slip(0.8, 1, apart)
		v1 := v + (0.5-other)*(2-apart)
		require.InDelta(t, v0, row[2], 1e-8)
		require.InDelta(t, v1, row[3], 1e-8)
	}
}

// rubbing is a row of blocks on springs that rub on the ground and on each other.
const rubbing = `
	model Rubbing {
	  param A = 6
	  param mu = 0.3
	  param nu = 0.4
	  state x[4] = 0
	  state v[4] = 0
	  let ground = [mu*sign(v[0]), (mu + 0.05)*sign(v[1]), (mu + 0.1)*sign(v[2]), (mu + 0.15)*sign(v[3])]
	  let between = [nu*sign(v[1] - v[0]), (nu + 0.03)*sign(v[2] - v[1]), (nu + 0.06)*sign(v[3] - v[2])]
	  x' = v
	  v[0]' = A*sin(2*t) + 5*(x[1] - x[0]) - ground[0] + between[0]
	  v[1]' = 5*(x[0] - x[1]) + 5*(x[2] - x[1]) - ground[1] - between[0] + between[1]
	  v[2]' = 5*(x[1] - x[2]) + 5*(x[3] - x[2]) - ground[2] - between[1] + between[2]
	  v[3]' = 5*(x[2] - x[3]) - ground[3] - between[2]
	  event push at t = 2.5 { v[3] := v[3] + 2 }
	  observe y = x[1] + 0.2*v[2] ~ normal(0.1)
	}
`

// TestRubbing compares them with steps whose impulses are solved for by Gauss and Seidel's iteration,
// each within its bounds.
func TestRubbing(t *testing.T) {
	const until, h = 6., 2e-5
	var x, v, ground [4]float64
	var between [3]float64
	within := func(v, most float64) float64 { return math.Max(-most, math.Min(most, v)) }
	for step := range int(math.Round(until / h)) {
		if step == int(math.Round(2.5/h)) {
			v[3] += 2
		}
		for i := range x {
			x[i] += h / 2 * v[i]
		}
		w := v
		w[0] += h * 6 * math.Sin(2*(float64(step)+0.5)*h)
		for i := range between {
			pull := h * 5 * (x[i+1] - x[i])
			w[i] += pull + h*between[i]
			w[i+1] -= pull + h*between[i]
		}
		for i := range ground {
			w[i] -= h * ground[i]
		}
		for change := 1.; change > 1e-12; {
			change = 0
			for i := range ground {
				f := within(ground[i]+w[i]/h, 0.3+0.05*float64(i))
				d := f - ground[i]
				ground[i], w[i] = f, w[i]-h*d
				change = math.Max(change, math.Abs(d))
			}
			for i := range between {
				f := within(between[i]+(w[i+1]-w[i])/(2*h), 0.4+0.03*float64(i))
				d := f - between[i]
				between[i], w[i], w[i+1] = f, w[i]+h*d, w[i+1]-h*d
				change = math.Max(change, math.Abs(d))
			}
		}
		v = w
		for i := range x {
			x[i] += h / 2 * v[i]
		}
	}
	for _, solver := range []string{"dop853 { rtol: 1e-9, atol: 1e-10 }", "tsit5", "rodas5p", "bdf { rtol: 1e-7, atol: 1e-9 }"} {
		row := endOf(t, rubbing+fmt.Sprintf("simulate { until: %g, step: %g, solver: %s, outputs: [x, v] }", until, until, solver))
		require.InDeltaSlice(t, x[:], row[:4], 2e-4, solver)
		require.InDeltaSlice(t, v[:], row[4:], 2e-4, solver)
	}
}

// TestSeveralRefused: jumps that multiply each other leave open how the solution slides.
func TestSeveralRefused(t *testing.T) {
	m, err := Parse("several.node", `
		model M {
		  state v1 = 0
		  state v2 = 0
		  state v3 = 0
		  v1' = 0.1 - sign(v1)*(1 + 0.5*sign(v2)*sign(v3))
		  v2' = 0.1 - sign(v2)
		  v3' = 0.1 - sign(v3)
		}
		simulate { until: 1 }`)
	require.NoError(t, err)
	_, err = m.Simulate(t.Context(), SimulateOptions{})
	require.ErrorContains(t, err, "more than two surfaces at once, where the jumps at them do not add up")
}
