package pinode

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// wavePeaks is how often sin(wt + a) comes up to c in (0, end], and the time
// for which it is above c until then.
func wavePeaks(w, a, c, end float64) (count int, above float64) {
	rise := math.Asin(c) - a
	width := math.Pi - 2*math.Asin(c)
	for k := math.Ceil(-(rise+width)/(2*math.Pi)) - 1; ; k++ {
		from := (rise + 2*math.Pi*k) / w
		if from > end {
			return count, above
		}
		if from > 0 {
			count++
		}
		above += math.Max(0, math.Min(end, from+width/w)-math.Max(0, from))
	}
}

// TestNoPeakMissed: periodic guards of the time, slow and fast, at any
// tolerance: every peak fires, and a field that they switch has its area.
func TestNoPeakMissed(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	for k := range 60 {
		w, a, c := math.Exp(6*rng.Float64()), 6*rng.Float64(), 1.8*rng.Float64()-0.9
		count, above := wavePeaks(w, a, c, 10)
		solver := []string{"tsit5", "tsit5 { rtol: 1e-3 }", "tsit5 { rtol: 1e-11, atol: 1e-13 }", "dopri5 { rtol: 1e-5 }", "rk4 { step: 0.5 }"}[k%5]
		tr, err := simulated(t, fmt.Sprintf(`model M {
  state x = 0
  state y = 0
  discrete n = 0
  x' = if sin(%[1]g*t + %[2]g) > %[3]g then 1 else 0
  y' = -0.2*y
  event peak when sin(%[1]g*t + %[2]g) >= %[3]g { n := n + 1; y := y + 1 }
}
simulate { until: 10, step: 10, solver: %[4]s }`, w, a, c, solver))
		require.NoError(t, err, "w = %g, a = %g, c = %g, %s", w, a, c, solver)
		last := tr.Rows[len(tr.Rows)-1]
		require.Equal(t, float64(count), last[3], "w = %g, a = %g, c = %g, %s", w, a, c, solver)
		require.InDelta(t, above, last[1], 1e-8*(1+w), "w = %g, a = %g, c = %g, %s", w, a, c, solver)
	}
}

// TestNoDipMissed: guards of a state that change their sign for a moment
// within a step, at a random place.
func TestNoDipMissed(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 6))
	for k := range 60 {
		at, width := 0.5+8*rng.Float64(), math.Pow(10, -1-3*rng.Float64())
		guard := []string{
			fmt.Sprintf("(x - %.17g)*(x - %.17g) <= 0", at, at+width),
			fmt.Sprintf("(t - %.17g)*(t - %.17g) < 0", at, at+width),
			fmt.Sprintf("abs(x - %.17g) <= %.17g", at+width/2, width/2),
			fmt.Sprintf("x >= %.17g and x <= %.17g", at, at+width),
			fmt.Sprintf("(x - %.17g)^2 < %.17g", at+width/2, width*width/4),
		}[k%5]
		tr, err := simulated(t, fmt.Sprintf(`model M {
  state x = 0
  state y = 0
  discrete n = 0
  x' = 1
  y' = if %[1]s then 1 else 0
  event dip when %[1]s { n := n + 1 }
}
simulate { until: 10, step: 10 }`, guard))
		require.NoError(t, err, guard)
		events := restEvents(tr)
		require.Len(t, events, 1, guard)
		require.InDelta(t, at, events[0].Time, 1e-9, guard)
		require.InDelta(t, width, tr.Rows[len(tr.Rows)-1][2], 1e-9, guard)
	}
}

// TestFastState: a guard of a fast oscillation beside a slow state; its
// crossings are counted by the phase.
func TestFastState(t *testing.T) {
	for _, tol := range []string{"rtol: 1e-4", "rtol: 1e-6", "rtol: 1e-9"} {
		s, err := Parse("model.node", fmt.Sprintf(`model M {
  state x = 1
  state v = 0
  discrete up = 0
  discrete near = 0
  x' = 7*v
  v' = -7*x
  event a when rising(x) { up := up + 1 }
  event b when x^2 <= 0.01 priority 1 { near := near + 1 }
}
simulate { until: 9, step: 9, solver: tsit5 { %s } }`, tol))
		require.NoError(t, err)
		r, err := s.Simulate(context.Background(), SimulateOptions{})
		require.NoError(t, err)
		last := r.Trajectories[0].Rows[len(r.Trajectories[0].Rows)-1]
		// x = cos 7t rises through 0 at (3π/2 + 2πk)/7 ≤ 9 and passes 0 at (π/2 + πk)/7.
		require.Equal(t, math.Floor((63-1.5*math.Pi)/(2*math.Pi))+1, last[slices.Index(r.Columns, "up")], tol)
		require.Equal(t, math.Floor((63-0.5*math.Pi)/math.Pi)+1, last[slices.Index(r.Columns, "near")], tol)
	}
}
