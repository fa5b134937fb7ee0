package sim_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/events"
	"github.com/pinode/pinode/sim"
	. "github.com/pinode/pinode/sim/simtest"
	"github.com/pinode/pinode/solvers"
)

// switchedChain are A → B → C, of which the first is slow and is turned off and on again every p₂, and the second is fast.
func switchedChain() *Model {
	toggle := events.Event{Name: "toggle", Kind: events.Every, Targets: []int{3}}
	m := &Model{
		Hybrid: hybrid(0, toggle), P: []float64{0.9, 2e4, 0.6}, NY: 3, ND: 1,
		Init: func(*Point) ([]Jet, []Jet) { return []Jet{Const(1), Const(0), Const(0)}, []Jet{Const(1)} },
		Field: func(x *Point) []Jet {
			first, second := x.P[0].Mul(x.D[0]).Mul(x.Y[0]), x.P[1].Mul(x.Y[1])
			return []Jet{first.Scale(-1), first.Sub(second), second}
		},
		Times:  []func(*Point) Jet{func(x *Point) Jet { return x.P[2] }},
		Events: []Event{{Jump: func(x *Point) []Jet { return []Jet{x.D[0].Scale(-1).Plus(1)} }}},
	}
	m.Hybrid.Schedules = []sim.Schedule{{At: -1, Period: 0, From: -1, Until: -1}}
	return m
}

// switchedChainAt is the solution, piece by piece.
func switchedChainAt(p []float64, at float64) []float64 {
	a, b, on := 1., 0., true
	for from := 0.; ; from += p[2] {
		dt := math.Min(p[2], at-from)
		a1, fast := a, math.Exp(-p[1]*dt)
		b *= fast
		if on {
			a1 = a * math.Exp(-p[0]*dt)
			b += p[0] * a / (p[1] - p[0]) * (math.Exp(-p[0]*dt) - fast)
		}
		if a, on = a1, !on; from+p[2] >= at {
			return []float64{a, b, 1 - a - b}
		}
	}
}

// TestTransients: methods that damp what is fast, with steps that are far longer than it, are right between the ends of their
// steps too behind each switch, whatever the tolerance is beside the fast state.
func TestTransients(t *testing.T) {
	m := switchedChain()
	span := sim.Span{T1: 2.9}
	for k := range 5 {
		for _, after := range []float64{1e-5, 1e-4, 3e-4, 1e-3, 2e-3, 5e-3, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.45} {
			span.Saves = append(span.Saves, float64(k)*m.P[2]+after)
		}
	}
	for method, most := range map[*solvers.Tableau]float64{solvers.Rosenbrock23: 20, solvers.Rodas4: 2, solvers.Rodas5P: 2, solvers.Kvaerno5: 10, solvers.Radau: 2, solvers.BDF: 20} {
		for _, rtol := range []float64{1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-9} {
			if method == solvers.Rosenbrock23 && rtol < 1e-6 { // of order two
				continue
			}
			told := fmt.Sprintf("%s at %g", method.Name, rtol)
			m.Clear()
			s, tr := sim.New(m.Hybrid, m.Sizes(), sim.Options{Method: method, RTol: rtol, ATol: rtol, MaxSteps: 1e6}, nil), new(sim.Trajectory)
			require.NoError(t, s.Run(Run{Model: m}, &span, tr), told)
			for i, y := range tr.SaveY.All() {
				require.InDeltaSlice(t, switchedChainAt(m.P, span.Saves[i]), y, most*rtol, "%s: t = %g", told, span.Saves[i])
			}
			if method != solvers.Rosenbrock23 && rtol >= 1e-6 {
				require.Less(t, tr.Stats.Steps, 400, told)
			}
		}
	}
}
