package figures

import (
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A panel for each parameter, with its unit, up to twice the rise at which an interval ends, and the
// parabola of the standard error where there is one.
func TestProfilesFigure(t *testing.T) {
	s, err := profilesFigure(folder(t, map[string]string{"profiles.csv": `parameter,unit,estimate,stderr,value,rise
a,1/h,2,1,0,2
a,1/h,2,1,2,0
a,1/h,2,1,4,2
a,1/h,2,1,6,8
b,1,5,,4,1
b,1,5,,5,0
b,1,5,,7,1
`}))
	require.NoError(t, err)
	require.Len(t, s.cells, 1)
	a, b := s.cells[0][0].main, s.cells[0][1].main
	require.Equal(t, []string{"a [1/h]", "b"}, []string{a.X.Label.Text, b.X.Label.Text})
	// The parabola is at 1.5 times the rise, 2.88, at 2 ± 2.4, and was followed down to 0; a twentieth on both sides.
	require.InDeltaSlice(t, []float64{0 - 0.22, 4.4 + 0.22}, []float64{a.X.Min, a.X.Max}, 0.03)
	require.InDeltaSlice(t, []float64{0, 1.5 * 1.920729410347062}, []float64{a.Y.Min, a.Y.Max}, 1e-12)
	require.Equal(t, []string{"by the standard error", "profile", "95 %", "estimate"}, s.names())
	require.NoError(t, s.save(filepath.Join(t.TempDir(), "profiles.svg")))

	// A side that the data do not bound is followed far: the panel ends at six standard errors, or at eight times the
	// other side, and has a curve where a single point of a profile is not above it.
	s, err = profilesFigure(folder(t, map[string]string{"profiles.csv": `parameter,unit,estimate,stderr,value,rise
a,1,2,0.5,1,2
a,1,2,0.5,2,0
a,1,2,0.5,1000,0.5
b,1,5,,4,1
b,1,5,,5,0
b,1,5,,1e9,1
c,1,5,1,4,50
c,1,5,1,5,0
c,1,5,1,6,50
`}))
	require.NoError(t, err)
	for k, want := range []float64{5, 13, 5 + math.Sqrt(1.5*1.920729410347062/50)} {
		p := s.cells[0][k].main
		require.Less(t, p.X.Max, want*1.06)
	}
	c := s.cells[0][2].main
	require.InDelta(t, 2*math.Sqrt(1.5*1.920729410347062/50), c.X.Max-c.X.Min, 0.1)
	s, err = profilesFigure(folder(t, nil))
	require.NoError(t, err)
	require.Nil(t, s)

	// The root of the rise is a line between points: a parabola stays one.
	p := &profiled{estimate: 2}
	for _, at := range []float64{0, 1, 2, 4} {
		p.pts = append(p.pts, struct{ X, Y float64 }{at, (at - 2) * (at - 2) / 2})
	}
	for _, q := range smooth(p.pts, p.estimate) {
		require.InDelta(t, (q.X-2)*(q.X-2)/2, q.Y, 1e-12)
	}
}

// Rows that are given are not those that are predicted: they have no residual.
func TestFitFigureOfGiven(t *testing.T) {
	s, err := fitFigure(folder(t, map[string]string{
		"residuals.csv":    "trajectory,split,t,observation,data,prediction,residual\na,given,0,y,5,1,4\na,validate,1,y,2,2,0\na,validate,2,y,3,2.5,0.5\n",
		"trajectories.csv": "trajectory,t,y\na,0,1\na,2,3\n",
	}))
	require.NoError(t, err)
	require.Equal(t, []string{"fitted", "data", "given"}, s.names())
	p, q := s.cells[0][0].main, s.cells[0][0].below
	require.InDeltaSlice(t, []float64{0.88, 5.12}, []float64{p.Y.Min, p.Y.Max}, 1e-12)
	require.InDeltaSlice(t, []float64{-0.55, 0.55}, []float64{q.Y.Min, q.Y.Max}, 1e-12)
	require.Equal(t, []float64{0, 2}, []float64{q.X.Min, q.X.Max})
}

// Names of stages that have no room stand at the foot, by their numbers; names that have it stay.
func TestLossOfNamedStages(t *testing.T) {
	var long, short strings.Builder
	for k := range 20 {
		fmt.Fprintf(&long, "{\"phase\": \"the start of the file, part number %d\", \"loss\": %d, \"horizon\": %g}\n", k/5, 50-k, []float64{1, 0.5, 1, 0.25}[k/5])
		fmt.Fprintf(&short, "{\"phase\": \"p%d\", \"loss\": %d}\n", k/5, 50-k)
	}
	s, err := lossFigure(folder(t, map[string]string{"metrics.jsonl": long.String()}))
	require.NoError(t, err)
	require.Equal(t, []string{
		"1  the start of the file, part number 0", "2  the start of the file, part number 1",
		"3  the start of the file, part number 2", "4  the start of the file, part number 3",
	}, s.foot)
	require.Equal(t, 2, s.footRows())
	require.Equal(t, []string{"curriculum: horizon from 25 %", "training"}, s.names())
	require.NoError(t, s.save(filepath.Join(t.TempDir(), "loss.png")))
	s, err = lossFigure(folder(t, map[string]string{"metrics.jsonl": short.String()}))
	require.NoError(t, err)
	require.Empty(t, s.foot)
}
