package problem_test

import (
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/fit"
	"github.com/pinode/pinode/internal/problem"
	"github.com/pinode/pinode/internal/problem/problemtest"
)

// drawing draws for keys, trajectories and rows.
const drawing = `model M {
  covariate a
  draw s[6] ~ uniform(0, 1) per site
  draw z ~ uniform(0, 1)
  draw e[5] ~ uniform(0, 1) per row
  draw f ~ uniform(0, 1) per row
  param k = 1
  state x = a + z
  x' = -k*x*sum(s)
  observe y = x + sum(e) + f
}
data d from "data.csv" { time: t, trajectory: [site, id], a: a, y: y }
`

const drawingRows = "site,id,a,t,y\nu,1,0,0,1\nu,1,0,0,2\nu,2,0,0,1\nv,1,0,0,1\nv,1,0,1,1\n"

// drawn are the standard variates of a trajectory, by name, and those of its rows.
func drawn(f *problemtest.Fixture, it *problem.Trajectory, w problem.Drawing) (own map[string][]float64, rows [][]float64) {
	q := f.Space.OwnInputs(f.Space.Natural(), it, nil)
	f.Space.Redraw(q, it, w)
	own = map[string][]float64{}
	for _, s := range f.Prog.Model.Layout.Trajectory {
		own[s.Object.Info().Name] = q[s.Off : s.Off+s.N]
	}
	for i := range it.Rows {
		rows = append(rows, f.Space.RowOwn(nil, it, it.Rows[i], w))
	}
	return own, rows
}

// TestDrawsOf: a draw is a number of its seed, set, copy, owner, name and element, by the counter
// of Philox, and of nothing else.
func TestDrawsOf(t *testing.T) {
	f := problemtest.Load(t, drawing, drawingRows)
	require.True(t, f.Space.Draws())
	require.True(t, f.Space.RowDraws())
	hash := func(text string) uint64 {
		h := fnv.New64a()
		fmt.Fprint(h, text)
		return h.Sum64()
	}
	uniform := func(seed, set, owner, row uint64, name string, element int, copied uint64) float64 {
		w := fit.Philox([2]uint64{seed, set}, [4]uint64{owner, row<<32 + uint64(element/4), hash(name), copied})
		return (float64(w[element%4]>>11) + 0.5) / (1 << 53)
	}
	for _, w := range []problem.Drawing{{}, {Set: 3}, {Copy: 2}, {Set: 1, Copy: 5}} {
		for _, it := range f.Trajectories {
			own, rows := drawn(f, it, w)
			site := strings.Split(it.Name, ", ")[0]
			for k, v := range own["s"] {
				require.Equal(t, uniform(1, w.Set, hash(site), 0, "s", k, w.Copy), v)
			}
			require.Equal(t, uniform(1, w.Set, hash(it.Name), 0, "z", 0, w.Copy), own["z"][0])
			for i, r := range rows {
				require.Len(t, r, 6)
				again := make([]float64, 6)
				f.Space.DrawRow(again, it, it.Rows[i].Line(), w)
				require.Equal(t, r, again)
				for k, v := range r[:5] {
					require.Equal(t, uniform(1, w.Set, hash(it.Name), uint64(it.Rows[i].Line()), "e", k, w.Copy), v)
				}
				require.Equal(t, uniform(1, w.Set, hash(it.Name), uint64(it.Rows[i].Line()), "f", 0, w.Copy), r[5])
			}
		}
	}
}

// TestDrawsApart: keys share a draw, nothing else does, whatever else is in the table.
func TestDrawsApart(t *testing.T) {
	f := problemtest.Load(t, drawing, drawingRows)
	seen := map[float64]bool{}
	note := func(list []float64) {
		for _, v := range list {
			require.False(t, seen[v], "drawn twice: %v", v)
			seen[v] = true
		}
	}
	var sites [][]float64
	for _, w := range []problem.Drawing{{}, {Set: 1}, {Copy: 1}} {
		for i, it := range f.Trajectories {
			own, rows := drawn(f, it, w)
			if sites = append(sites, own["s"]); i != 1 { // of the same site as the one before
				note(own["s"])
			}
			note(own["z"])
			for _, r := range rows {
				note(r)
			}
		}
	}
	require.Equal(t, sites[0], sites[1])

	lines := strings.Split(drawingRows, "\n")
	alone := problemtest.Load(t, drawing, lines[0]+"\n"+lines[4]+"\n"+lines[5]+"\n"+lines[3]+"\n")
	require.Equal(t, "site=v, id=1", alone.Trajectories[0].Name)
	own, _ := drawn(f, f.Trajectories[2], problem.Drawing{Set: 4})
	same, _ := drawn(alone, alone.Trajectories[0], problem.Drawing{Set: 4})
	require.Equal(t, own, same, "other trajectories change nothing")

	other, err := problem.NewSpace(f.Prog.Program, f.Trajectories, 2)
	require.NoError(t, err)
	g := &problemtest.Fixture{Prog: f.Prog, Space: other}
	own, rows := drawn(g, f.Trajectories[2], problem.Drawing{})
	note(slices.Concat(own["s"], own["z"]))
	note(slices.Concat(rows...))
}

// TestCopies: a space has one copy of a trajectory, unless more are asked for.
func TestCopies(t *testing.T) {
	sp := problemtest.Load(t, drawing, drawingRows).Space
	require.Equal(t, 1, sp.Copies())
	sp.Copy(8)
	require.Equal(t, 8, sp.Copies())
	calm := problemtest.Load(t, several, severalRows).Space
	require.False(t, calm.Draws())
	require.False(t, calm.RowDraws())
	calm.Redraw(nil, nil, problem.Drawing{Set: 1}) // nothing to do
	whole := problemtest.Load(t, strings.ReplaceAll(strings.ReplaceAll(drawing, "  draw e[5] ~ uniform(0, 1) per row\n  draw f ~ uniform(0, 1) per row\n", ""), " + sum(e) + f", ""), drawingRows).Space
	require.True(t, whole.Draws())
	require.False(t, whole.RowDraws())
}
