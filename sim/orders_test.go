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

// followed is a rotation that a third state follows at a rate of p₁, and that is pushed by a half
// where t − p₂ + ¼ (b + sin p₀p₂) rises through zero, at p₂: x = cos p₀t, and ½ e^(−p₁(t − p₂)) more behind the push.
func followed() *Model {
	return &Model{
		Hybrid: hybrid(1, when("push", above(0), 0)),
		P:      []float64{0.8, 30, 7.3}, NY: 3,
		Init: func(*Point) ([]Jet, []Jet) { return []Jet{Const(1), Const(1), Const(0)}, nil },
		Field: func(x *Point) []Jet {
			da, db := x.P[0].Mul(x.Y[2]), x.P[0].Mul(x.Y[1]).Scale(-1)
			return []Jet{da.Sub(x.P[1].Mul(x.Y[0].Sub(x.Y[1]))), da, db}
		},
		Guards: []func(*Point) Jet{func(x *Point) Jet {
			return x.T.Sub(x.P[2]).Add(x.Y[2].Scale(0.25)).Add(x.P[0].Mul(x.P[2]).Sin().Scale(0.25))
		}},
		Events: []Event{{Jump: func(x *Point) []Jet { return []Jet{x.Y[0].Plus(0.5)} }}},
	}
}

var followedSpan = sim.Span{T1: 14, Saves: []float64{0.5, 2, 5.3, 7.29, 7.31, 7.4, 9, 14}}

func followedSum(p []float64) (sum float64) {
	for i, at := range followedSpan.Saves {
		a, b := math.Cos(p[0]*at), -math.Sin(p[0]*at)
		x := a
		if at > p[2] {
			x += 0.5 * math.Exp(-p[1]*(at-p[2]))
		}
		for k, v := range []float64{x, a, b} {
			sum += weight(0, i, k) * v
		}
	}
	return sum
}

// TestOrders: runs by radau go through its orders, and their values and gradients are those of the
// closed form, alone and in a group, whatever is kept of the steps.
func TestOrders(t *testing.T) {
	m := followed()
	var want []float64
	for i := range m.P {
		h := 1e-6 * m.P[i]
		wide, narrow := append([]float64{}, m.P...), append([]float64{}, m.P...)
		wide[i], narrow[i] = wide[i]+h, narrow[i]-h
		want = append(want, (followedSum(wide)-followedSum(narrow))/(2*h))
	}
	require.Greater(t, math.Abs(want[2]), 0.1)
	onlyY := func(tr *sim.Trajectory) *sim.Cotangents { return &sim.Cotangents{Y: cotangents(tr, false).Y} }
	sum := func(rows sim.Rows) (v float64) {
		for k, row := range rows.All() {
			for j, y := range row {
				v += weight(0, k, j) * y
			}
		}
		return v
	}
	for _, memory := range []int{0, 1} {
		told := fmt.Sprintf("memory %d", memory)
		opt := sim.Options{Method: solvers.Radau, RTol: 1e-9, ATol: 1e-10, Memory: memory}
		s, tr, span := sim.New(m.Hybrid, m.Sizes(), opt, nil), new(sim.Trajectory), followedSpan
		for range 2 { // the second run begins with the lowest order again
			span.Trace = new(sim.Trace)
			require.NoError(t, s.Run(Run{Model: m}, &span, tr))
			require.Equal(t, "radau of order 9", span.Trace.Changes[0].Method)
			require.Equal(t, "radau of order 13", span.Trace.Changes[1].Method)
		}
		require.Len(t, tr.Log, 1)
		require.InDelta(t, m.P[2], tr.Log[0].T, 1e-8)
		require.InDelta(t, followedSum(m.P), sum(tr.SaveY), 1e-7)
		require.Less(t, tr.Stats.Steps, 90)
		var exact []float64
		for i := range m.P {
			m.Clear()
			m.PDot[i] = 1
			var tan sim.Tangents
			s.Forward(Run{Model: m}, &tan)
			exact = append(exact, sum(tan.Y))
		}
		compare(t, "forward, "+told, want, exact, 1e-6)
		m.Clear()
		s.Backward(Run{Model: m}, onlyY(tr))
		compare(t, "unrolled, "+told, exact, m.PBar, 1e-10)
		m.Clear()
		s.Adjoint(Run{Model: m}, onlyY(tr))
		compare(t, "adjoint, "+told, want, m.PBar, 1e-5)
		m.Clear()

		g := sim.NewGroup(m.Hybrid, m.Sizes(), opt, nil, nil)
		var jobs []*sim.Job
		g.Run(func() *sim.Job {
			if len(jobs) == 3 {
				return nil
			}
			again, in := followed(), followedSpan
			again.Clear()
			jobs = append(jobs, &sim.Job{In: g.NewIntegrator(), Model: Run{Model: again}, Span: &in, Out: new(sim.Trajectory), Ct: new(sim.Cotangents)})
			return jobs[len(jobs)-1]
		}, func(*sim.Job) {})
		for _, j := range jobs {
			require.NoError(t, j.Err)
			same(t, told, tr, j.Out)
			*j.Ct = *onlyY(j.Out)
		}
		g.Backward(func(*sim.Job) {})
		for _, j := range jobs {
			compare(t, "in a group, "+told, exact, j.Model.(Run).PBar, 1e-10)
		}
	}
}
