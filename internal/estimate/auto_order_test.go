package estimate_test

import (
	"context"
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode"
)

// TestAutoOrder: at tight tolerances `auto` takes at most 0.7 of the evaluations of tsit5, and
// is as exact: the circle of radius 1.
func TestAutoOrder(t *testing.T) {
	run := func(solver string, rtol float64) (evaluations int, off float64) {
		m, err := pinode.Parse("circle.node", fmt.Sprintf("model C {\n  state x = 1\n  state y = 0\n  x' = -y*(x^2 + y^2)\n  y' = x*(x^2 + y^2)\n}\nsimulate { until: 20, step: 20, solver: %s { rtol: %g, atol: %g } }", solver, rtol, rtol))
		require.NoError(t, err)
		s, err := m.Simulate(context.Background(), pinode.SimulateOptions{})
		require.NoError(t, err)
		r := s.Trajectories[0].Rows[1]
		return s.Stats.Evaluations, math.Hypot(r[1]-math.Cos(20), r[2]-math.Sin(20))
	}
	for _, rtol := range []float64{1e-6, 1e-8, 1e-9, 1e-10, 1e-12} {
		auto, off := run("auto", rtol)
		low, lowOff := run("tsit5", rtol)
		require.Less(t, off, 3*lowOff+1e-13, "%g", rtol)
		if rtol > 1e-8 {
			require.InEpsilon(t, low, auto, 0.02)
		} else {
			require.Less(t, float64(auto), 0.7*float64(low), "%g", rtol)
		}
	}
}
