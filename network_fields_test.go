package pinode

import (
	"context"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

const heatByNetwork = `model Heat {
  time t in [0, 1]
  coordinate x in [0, 1]
  param D in (0, inf) = 0.1
  state u(x) = sin(pi*x)
  u' = D*diff(u, x, x)
  boundary u = 0 at x = 0, x = 1
}
network { hidden: [10, 10], points: 500 }
fit { fields: network, optimizer: auto { budget: 3 } }
simulate { grid: [11, 5] }
`

// TestHeatByNetwork compares a trained field with exp(−Dπ²t) sin πx, and has refused what a
// network cannot answer.
func TestHeatByNetwork(t *testing.T) {
	m, err := Parse("heat.node", heatByNetwork)
	require.NoError(t, err)
	_, err = m.Simulate(context.Background(), SimulateOptions{})
	require.ErrorContains(t, err, "has to be trained")
	f, err := m.Fit(context.Background(), FitOptions{})
	require.NoError(t, err)
	require.Equal(t, 0.1, f.Params["D"].Value) // no data tell another
	s, err := m.Simulate(context.Background(), SimulateOptions{At: f})
	require.NoError(t, err)
	require.Equal(t, []string{"t", "x", "u"}, s.Columns)
	require.Len(t, s.Trajectories[0].Rows, 55)
	for _, r := range s.Trajectories[0].Rows {
		require.InDelta(t, math.Exp(-0.1*math.Pi*math.Pi*r[0])*math.Sin(math.Pi*r[1]), r[2], 1e-8)
	}
	_, err = m.Simulate(context.Background(), SimulateOptions{At: f, Set: map[string]float64{"D": 1}})
	require.ErrorContains(t, err, "another value of `D`")
	_, err = m.Simulate(context.Background(), SimulateOptions{At: f, Until: 2})
	require.ErrorContains(t, err, "is not known at 1.5")
}
