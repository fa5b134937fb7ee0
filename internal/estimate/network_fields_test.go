package estimate_test

import (
	"context"
	"math"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode"
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

// heatTrained is the fit of it, once.
var heatTrained = sync.OnceValues(func() (*pinode.Fit, error) {
	m, err := pinode.Parse("heat.node", heatByNetwork)
	if err != nil {
		return nil, err
	}
	return m.Fit(context.Background(), pinode.FitOptions{})
})

// TestHeatByNetwork compares a trained field with exp(−Dπ²t) sin πx, and has refused what a
// network cannot answer.
func TestHeatByNetwork(t *testing.T) {
	t.Parallel()
	m, err := pinode.Parse("heat.node", heatByNetwork)
	require.NoError(t, err)
	_, err = m.Simulate(context.Background(), pinode.SimulateOptions{})
	require.ErrorContains(t, err, "has to be trained")
	f, err := heatTrained()
	require.NoError(t, err)
	require.Equal(t, 0.1, f.Params["D"].Value) // no data tell another
	s, err := m.Simulate(context.Background(), pinode.SimulateOptions{At: f})
	require.NoError(t, err)
	require.Equal(t, []string{"t", "x", "u"}, s.Columns)
	require.Len(t, s.Trajectories[0].Rows, 55)
	for _, r := range s.Trajectories[0].Rows {
		require.InDelta(t, math.Exp(-0.1*math.Pi*math.Pi*r[0])*math.Sin(math.Pi*r[1]), r[2], 1e-8)
	}
	_, err = m.Simulate(context.Background(), pinode.SimulateOptions{At: f, Set: map[string]float64{"D": 1}})
	require.ErrorContains(t, err, "another value of `D`")
	_, err = m.Simulate(context.Background(), pinode.SimulateOptions{At: f, Until: 2})
	require.ErrorContains(t, err, "is not known at 1.5")
}

// TestPlacesAlike: cells and a network write the same places, in the same order, the ends of a periodic axis once.
func TestPlacesAlike(t *testing.T) {
	t.Parallel()
	const model = `model Heat {
  time t in [0, 1]
  coordinate x in [0, 1]
  coordinate y in [0, 2]
  state u(x, y) = sin(pi*x)*cos(pi*y)
  u' = 0.05*(diff(u, x, x) + diff(u, y, y))
  boundary u = 0 at x = 0, x = 1
  boundary periodic y
}
network { hidden: [8, 8], points: 150 }
grid { x: 16 cells, y: 16 cells, order: 4 }
simulate { grid: [4, 5], times: [0, 0.5], solver: tsit5 { rtol: 1e-8 } }
`
	cells, err := pinode.Parse("cells.node", model)
	require.NoError(t, err)
	byCells, err := cells.Simulate(context.Background(), pinode.SimulateOptions{})
	require.NoError(t, err)
	network, err := pinode.Parse("network.node", model+"fit { fields: network, certificate: off, optimizer: auto { budget: 0.3 } }\n")
	require.NoError(t, err)
	f, err := network.Fit(context.Background(), pinode.FitOptions{})
	require.NoError(t, err)
	byNetwork, err := network.Simulate(context.Background(), pinode.SimulateOptions{At: f})
	require.NoError(t, err)
	require.Equal(t, byCells.Columns, byNetwork.Columns)
	rows := byNetwork.Trajectories[0].Rows
	require.Len(t, rows, len(byCells.Trajectories[0].Rows))
	require.Len(t, rows, 40)
	for i, want := range byCells.Trajectories[0].Rows {
		require.InDeltaSlice(t, want[:3], rows[i][:3], 1e-14)
		exact := math.Exp(-0.1*math.Pi*math.Pi*want[0]) * math.Sin(math.Pi*want[1]) * math.Cos(math.Pi*want[2])
		require.InDelta(t, exact, want[3], 2e-4)
		require.InDelta(t, exact, rows[i][3], 2e-3)
	}
	require.Equal(t, []float64{0, 0, 0.4}, byCells.Trajectories[0].Rows[1][:3])
}

// TestSteadyByNetwork: a field in which no time passes is checked and shown without a span of time.
func TestSteadyByNetwork(t *testing.T) {
	const steadyBar = `
model Bar {
  coordinate x in [0, 1]
  const at[5] = linspace(0, 1, 5)
  const heat[5] = [0, 1, 2, 1, 0]
  algebraic T(x) = 0
  0 = diff(T, x, x) + 2 + 0*interp(x, at, heat)
  boundary T = 0 at x = 0, x = 1
}
network { hidden: [6], points: 60 }
fit { fields: network, optimizer: auto { budget: 0.2 }, certificate: off }
simulate { grid: [5] }
`
	m, err := pinode.Parse("bar.node", steadyBar)
	require.NoError(t, err)
	require.Empty(t, m.Check())
	wrong, err := pinode.Parse("bar.node", strings.ReplaceAll(steadyBar, "grid: [5]", "grid: [5, 5, 5]"))
	require.NoError(t, err)
	require.Len(t, wrong.Check(), 1)
	require.ErrorContains(t, wrong.Check()[0], "`grid` has 3 numbers of places")
	f, err := m.Fit(t.Context(), pinode.FitOptions{})
	require.NoError(t, err)
	require.Less(t, len(f.Verdict.Text), 300, "an equation with a table in it is cut")
	s, err := m.Simulate(t.Context(), pinode.SimulateOptions{At: f})
	require.NoError(t, err)
	require.Len(t, s.Trajectories[0].Rows, 5)
	for _, r := range s.Trajectories[0].Rows {
		require.InDelta(t, r[1]*(1-r[1]), r[2], 1e-5)
	}
}

// TestPlacesOfNetwork writes a trained field at places of a table, with times and without.
func TestPlacesOfNetwork(t *testing.T) {
	model := strings.Replace(heatByNetwork, "grid: [11, 5]", `at: "d.csv"`, 1)
	m := fromText(t, model, "t,x\n0.3,0.25\n1,0.5\n0,1\n")
	f, err := heatTrained()
	require.NoError(t, err)
	want := func(at, x float64) float64 { return math.Exp(-0.1*math.Pi*math.Pi*at) * math.Sin(math.Pi*x) }
	s, err := m.Simulate(context.Background(), pinode.SimulateOptions{At: f})
	require.NoError(t, err)
	require.Len(t, s.Trajectories[0].Rows, 3)
	for i, at := range [][2]float64{{0.3, 0.25}, {1, 0.5}, {0, 1}} {
		r := s.Trajectories[0].Rows[i]
		require.Equal(t, at[:], r[:2])
		require.InDelta(t, want(at[0], at[1]), r[2], 1e-8)
	}
	without := fromText(t, model, "x\n0.25\n0.5\n")
	require.NoError(t, without.Set("simulate.times", "[0.2, 0.9]", "test"))
	s, err = without.Simulate(context.Background(), pinode.SimulateOptions{At: f})
	require.NoError(t, err)
	require.Len(t, s.Trajectories[0].Rows, 4)
	for i, at := range [][2]float64{{0.2, 0.25}, {0.2, 0.5}, {0.9, 0.25}, {0.9, 0.5}} {
		r := s.Trajectories[0].Rows[i]
		require.Equal(t, at[:], r[:2])
		require.InDelta(t, want(at[0], at[1]), r[2], 1e-8)
	}
	late := fromText(t, model, "x,t\n0.25,0.5\n0.25,1.5\n")
	_, err = late.Simulate(context.Background(), pinode.SimulateOptions{At: f})
	require.ErrorContains(t, err, "is not known at 1.5")
}
