package sim_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/sim"
	. "github.com/pinode/pinode/sim/simtest"
	"github.com/pinode/pinode/solvers"
)

// stiffAtEnds follows a rotation by a rate that is large before 2 and behind 12, and jumps in
// between and behind: x = a until the jumps.
func stiffAtEnds() *Model {
	logistic := func(u Jet) Jet { return Const(1).Div(u.Exp().Plus(1)) }
	push := func(x *Point) []Jet { return []Jet{x.Y[0].Plus(0.5)} }
	m := &Model{
		Hybrid: hybrid(2, when("mid", above(0), 0), when("late", above(1), 0)),
		P:      []float64{8, 2e4, 7.3, 13.1}, NY: 3,
		Init: func(*Point) ([]Jet, []Jet) { return []Jet{Const(1), Const(1), Const(0)}, nil },
		Field: func(x *Point) []Jet {
			rate := logistic(x.T.Plus(-2).Scale(10)).Add(logistic(x.T.Plus(-12).Scale(-10))).Mul(x.P[1]).Plus(1)
			da, db := x.P[0].Mul(x.Y[2]), x.P[0].Mul(x.Y[1]).Scale(-1)
			return []Jet{da.Sub(rate.Mul(x.Y[0].Sub(x.Y[1]))), da, db}
		},
		Events: []Event{{Jump: push}, {Jump: push}},
	}
	for i := range 2 {
		m.Guards = append(m.Guards, func(x *Point) Jet { return x.T.Sub(x.P[2+i]) })
	}
	return m
}

// changing is an integrator of both methods.
func changing(m *Model, opt sim.Options) *sim.Integrator {
	s := sim.New(m.Hybrid, m.Sizes(), opt, nil)
	opt.Method = solvers.Rodas5P
	other := sim.NewGroup(m.Hybrid, m.Sizes(), opt, nil, nil)
	s.OrElse(func() *sim.Group { return other })
	return s
}

var endsSpan = sim.Span{T1: 14, Saves: []float64{0.5, 2, 5, 8, 11.9, 12.5, 13.5, 14}}

// TestChanges: a run that is stiff, not stiff, and stiff again changes its method twice. The
// solution in closed form: behind a jump of a half at 7.3 the distance falls like e⁻ᵗ, until the
// rate is large again. All gradients agree with differences of it, whatever is kept of the steps.
func TestChanges(t *testing.T) {
	solution := func(p []float64) (sum float64) {
		for i, at := range endsSpan.Saves {
			a, b := math.Cos(p[0]*at), -math.Sin(p[0]*at)
			x := a
			if at == 8 || at == 11.9 { // ∫ of the part of the rate that begins at 12
				grown := p[1] / 10 * (math.Log1p(math.Exp(10*(at-12))) - math.Log1p(math.Exp(10*(p[2]-12))))
				left := p[1] / 10 * (math.Log1p(math.Exp(-10*(p[2]-2))) - math.Log1p(math.Exp(-10*(at-2))))
				x += 0.5 * math.Exp(-(at-p[2])-grown-left)
			}
			for k, v := range []float64{x, a, b} {
				sum += weight(0, i, k) * v
			}
		}
		return sum
	}
	m := stiffAtEnds()
	var want []float64
	for i := range m.P {
		h := 1e-6 * m.P[i]
		wide, narrow := append([]float64{}, m.P...), append([]float64{}, m.P...)
		wide[i], narrow[i] = wide[i]+h, narrow[i]-h
		want = append(want, (solution(wide)-solution(narrow))/(2*h))
	}
	require.Greater(t, math.Abs(want[2]), 0.01)
	for _, memory := range []int{0, 1} {
		opt := sim.Options{Method: solvers.Tsit5, RTol: 1e-8, ATol: 1e-9, Memory: memory}
		s, tr, span := changing(m, opt), new(sim.Trajectory), endsSpan
		require.NoError(t, s.Run(Run{Model: m}, &span, tr))
		require.Len(t, tr.Log, 2)
		require.Equal(t, []int{1, 1}, []int{tr.Stats.TakenOver, tr.Stats.Returns})
		require.Less(t, tr.Stats.Steps, 9000)
		sum := 0.
		for i, row := range tr.SaveY.All() {
			for k, v := range row {
				sum += weight(0, i, k) * v
			}
		}
		require.InDelta(t, solution(m.P), sum, 1e-5)
		ct := func() *sim.Cotangents {
			all := cotangents(tr, false)
			return &sim.Cotangents{Y: all.Y}
		}
		var exact []float64
		for i := range m.P {
			m.Clear()
			m.PDot[i] = 1
			var tan sim.Tangents
			s.Forward(Run{Model: m}, &tan)
			v := 0.
			for k, row := range tan.Y.All() {
				for j, y := range row {
					v += weight(0, k, j) * y
				}
			}
			exact = append(exact, v)
		}
		compare(t, "forward", want, exact, 1e-4)
		for name, sweep := range map[string]func(sim.Reverse, *sim.Cotangents) float64{"unrolled": s.Backward, "adjoint": s.Adjoint} {
			m.Clear()
			sweep(Run{Model: m}, ct())
			if name == "unrolled" {
				compare(t, fmt.Sprintf("memory %d", memory), exact, m.PBar, 1e-10)
			} else {
				compare(t, fmt.Sprintf("memory %d", memory), want, m.PBar, 1e-4)
			}
		}
		m.Clear()
	}
}

// TestChangesSideBySide: trajectories of which some change their method go from lane to lane,
// and each has the bits that it has alone, and its gradient.
func TestChangesSideBySide(t *testing.T) {
	const runs = 10
	variant := func(i int) *Model {
		m := stiffAtEnds()
		m.P[0] += 0.2 * float64(i)
		if m.P[1] *= math.Pow(10, float64(i%4-2)); i%5 == 1 {
			m.P[1] = 1
		}
		m.Clear()
		return m
	}
	for _, memory := range []int{0, 60000} {
		opt := sim.Options{Method: solvers.Tsit5, RTol: 1e-6, ATol: 1e-8, Memory: memory}
		var want []outcome
		for i := range runs {
			m, tr, span := variant(i), new(sim.Trajectory), endsSpan
			s := changing(m, opt)
			require.NoError(t, s.Run(Run{Model: m}, &span, tr))
			s.Backward(Run{Model: m}, cotangents(tr, false))
			want = append(want, outcome{tr, m.PBar})
		}
		lanes := NewLanes(stiffAtEnds(), 8, opt, true, false)
		first := sim.NewGroup(stiffAtEnds().Hybrid, stiffAtEnds().Sizes(), opt, nil, lanes)
		opt.Method = solvers.Rodas5P
		second := sim.NewGroup(stiffAtEnds().Hybrid, stiffAtEnds().Sizes(), opt, nil, nil)
		first.OrElse(func() *sim.Group { return second })
		for range 2 { // the second time in lanes of before
			var jobs []*sim.Job
			first.Run(func() *sim.Job {
				if len(jobs) == runs {
					return nil
				}
				span := endsSpan
				jobs = append(jobs, &sim.Job{In: first.NewIntegrator(), Model: Run{Model: variant(len(jobs))}, Span: &span, Out: new(sim.Trajectory), Ct: new(sim.Cotangents)})
				return jobs[len(jobs)-1]
			}, func(*sim.Job) {})
			taken, returns := 0, 0
			for i, j := range jobs {
				require.NoError(t, j.Err)
				same(t, fmt.Sprintf("memory %d, run %d", memory, i), want[i].tr, j.Out)
				*j.Ct = *cotangents(j.Out, false)
				taken, returns = taken+j.Out.Stats.TakenOver, returns+j.Out.Stats.Returns
			}
			require.Greater(t, taken, 4)
			require.Less(t, taken, runs)
			require.Greater(t, returns, 2)
			first.Backward(func(j *sim.Job) {
				if j.In.Group() == first {
					bar := j.Model.(Run).PBar
					for k, v := range lanes.Acc[j.In.Lane()] {
						bar[k] += v
					}
				}
			})
			for i, j := range jobs {
				compare(t, fmt.Sprintf("memory %d, gradient of run %d", memory, i), want[i].bar, j.Model.(Run).PBar, 1e-10)
			}
		}
	}
}
