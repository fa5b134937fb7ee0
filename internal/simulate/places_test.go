package simulate_test

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode"
)

// placesOf writes a model and a table of places to a folder, and loads the model.
func placesOf(t *testing.T, model, table string) *pinode.Model {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "places.csv"), []byte(table), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "m.node"), []byte(model), 0o600))
	m, err := pinode.Load(filepath.Join(dir, "m.node"))
	require.NoError(t, err)
	return m
}

// TestPlacesOnGrid writes a decaying wave on a rectangle at places of a table, in every way to go
// between cells: at all output times, and at times of their own, out of order and twice.
func TestPlacesOnGrid(t *testing.T) {
	const model = `model M {
  coordinate x in [0, 1]
  coordinate y in [0, 2]
  state u(x, y) = cos(2*pi*x)*sin(pi*y)
  u' = (diff(u, x, x) + diff(u, y, y))/(5*pi^2)
  boundary periodic x, y
  let twice = 2*u
  let mean = integral(u^2, x, y)
  observe wall = u(0, 0.5) ~ normal(1)
  event halved when t >= 0.25 { u := u/2 }
}
grid { x: %d cells, y: %d cells, %s }
simulate { at: "places.csv", solver: %s { rtol: 1e-9, atol: 1e-11 } }
`
	want := func(at, x, y float64) float64 {
		u := math.Exp(-at) * math.Cos(2*math.Pi*x) * math.Sin(math.Pi*y)
		if at > 0.25 {
			u /= 2
		}
		return u
	}
	for scheme, tol := range map[string]float64{"order: 2": 6e-3, "order: 4": 1e-4, "order: 6": 4e-6, "scheme: spectral": 1e-8} {
		m := placesOf(t, fmt.Sprintf(model, 32, 32, scheme, "tsit5"), "note,t,y,x\nb,0.5,0.3,0.71\n,0,2,1\n,0.5,1.999,0\nlast,0.125,0.77,0.5\n")
		s, err := m.Simulate(context.Background(), pinode.SimulateOptions{})
		require.NoError(t, err)
		require.Equal(t, []string{"t", "x", "y", "u", "twice", "mean", "wall"}, s.Columns)
		rows := s.Trajectories[0].Rows
		require.Len(t, rows, 4)
		for i, at := range [][3]float64{{0.5, 0.71, 0.3}, {0, 1, 2}, {0.5, 0, 1.999}, {0.125, 0.5, 0.77}} {
			r := rows[i]
			require.Equal(t, at[:], r[:3], scheme)
			require.InDelta(t, want(at[0], at[1], at[2]), r[3], tol, scheme)
			require.InDelta(t, 2*want(at[0], at[1], at[2]), r[4], 2*tol, scheme)
			require.InDelta(t, want(at[0], 0, 0.5)*want(at[0], 0, 0.5)/2, r[5], 4*tol, scheme)
			require.InDelta(t, want(at[0], 0, 0.5), r[6], tol, scheme)
		}
	}
	m := placesOf(t, fmt.Sprintf(model, 16, 16, "scheme: spectral", "tsit5"), "x,y\n0.9,0.1\n0.2,1.3\n")
	require.NoError(t, m.Set("simulate.times", "[0.1, 0.2]", "test"))
	s, err := m.Simulate(context.Background(), pinode.SimulateOptions{})
	require.NoError(t, err)
	rows := s.Trajectories[0].Rows
	require.Len(t, rows, 4)
	for i, at := range [][3]float64{{0.1, 0.9, 0.1}, {0.1, 0.2, 1.3}, {0.2, 0.9, 0.1}, {0.2, 0.2, 1.3}} {
		require.Equal(t, at[:], rows[i][:3])
		require.InDelta(t, want(at[0], at[1], at[2]), rows[i][3], 1e-8)
	}
}

// TestPlacesAtWalls: between the last centre and the wall the polynomial of cells goes on.
func TestPlacesAtWalls(t *testing.T) {
	m := placesOf(t, `model M {
  coordinate x in [0, 1]
  state u(x) = exp(x)
  u' = diff(u, x, x) - u
  boundary u = exp(x) at x = 0, x = 1
}
grid { x: 20 cells, order: 4 }
simulate { at: "places.csv", until: 0.1, times: [0.1] }
`, "x\n0\n0.001\n0.5\n1\n")
	s, err := m.Simulate(context.Background(), pinode.SimulateOptions{})
	require.NoError(t, err)
	for _, r := range s.Trajectories[0].Rows {
		require.InDelta(t, math.Exp(r[1]), r[2], 3e-6, r[1])
	}
}

// TestPlacesAreRefused: what is wrong with a table of places is said with its line.
func TestPlacesAreRefused(t *testing.T) {
	const model = "model M {\n  coordinate x in [0, 1]\n  state u(x) = x\n  u' = -u\n}\ngrid { x: 4 cells }\nsimulate { until: 1, at: \"places.csv\" }\n"
	for table, says := range map[string]string{
		"x\n0.5\n1.5\n":   "places.csv:3: column `x`: 1.5 is outside of the domain",
		"x\n0.5\n\"\"\n":  "missing",
		"y\n0.5\n":        "there is no column `x`",
		"x\n":             "no rows",
		"x,t\n0.5,2\n":    "outside of the simulation",
		"x,t\n0.5,a\n":    "places.csv:2: column `t`",
		"x,t\n0.5,\n":     "missing",
		"x,t\n0.25,0.5\n": "",
	} {
		_, err := placesOf(t, model, table).Simulate(context.Background(), pinode.SimulateOptions{})
		if says == "" {
			require.NoError(t, err)
			continue
		}
		require.ErrorContains(t, err, says, table)
	}
	m := placesOf(t, model, "x,t\n0.5,0.5\n")
	require.NoError(t, m.Set("simulate.times", "[0, 1]", "test"))
	_, err := m.Simulate(context.Background(), pinode.SimulateOptions{})
	require.ErrorContains(t, err, "`times` has no effect")
	m = placesOf(t, model, "x\n0.5\n")
	require.NoError(t, m.Set("simulate.grid", "[3]", "test"))
	_, err = m.Simulate(context.Background(), pinode.SimulateOptions{})
	require.ErrorContains(t, err, "`grid` has no effect")
	m = placesOf(t, "model M {\n  state x = 1\n  x' = -x\n}\nsimulate { until: 1, at: \"places.csv\" }\n", "x\n0.5\n")
	_, err = m.Simulate(context.Background(), pinode.SimulateOptions{})
	require.ErrorContains(t, err, "has no fields")
	_, err = pinode.Parse("m.node", "model M {\n  state x = 1\n  x' = -x\n}\nsimulate { until: 1, at: places }\n")
	require.ErrorContains(t, err, "the path of a file in quotes")
}
