package pinode

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestTouchesAtInstants: a guard that touches its surface where something else happens is a
// graze as it is elsewhere, unless a comparison asks for more than equality.
func TestTouchesAtInstants(t *testing.T) {
	guards := map[string]struct{ rate, cond string }{
		"parabola": {"1 - t", "x >= 0.5"},
		"below":    {"t - 1", "x <= -0.5"},
		"square":   {"1", "(x - 1)^2 <= 0"},
	}
	others := map[string]string{
		"at":    "event other at t = 1 { m := m + 1 }",
		"every": "event other every 0.5 { m := m + 1 }",
	}
	run := func(rate, cond, other string) ([]float64, error) {
		m, err := Parse("touch.node", fmt.Sprintf("model T {\n  state x = 0\n  state w = 1\n  w' = 0\n  discrete n = 0\n  discrete m = 1\n  x' = %s\n  event e when %s { n := n + 1 }\n  %s\n}\nsimulate { until: 3, step: 3 }", rate, cond, other))
		require.NoError(t, err)
		s, err := m.Simulate(context.Background(), SimulateOptions{})
		if err != nil {
			return nil, err
		}
		return s.Trajectories[0].Rows[len(s.Trajectories[0].Rows)-1], nil
	}
	for of, g := range guards {
		for with, other := range others {
			_, err := run(g.rate, g.cond, other)
			require.ErrorContains(t, err, "touches its surface at t = ", "%s, %s", of, with)
		}
	}
	row, err := run("1", "(x - 1)^2 < 0", others["every"])
	require.NoError(t, err)
	require.Zero(t, row[3], "a square is not negative")
}
