package figures

import (
	"fmt"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/plot/plotter"

	"github.com/pinode/pinode/internal/report"
)

// folder writes a run folder of these files.
func folder(t *testing.T, files map[string]string) *report.Folder {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	return &report.Folder{Dir: dir}
}

var twoCurves = map[string]string{
	"run.json": `{"labels": {"t": "t (s)", "y": "height (m)"}}`,
	"residuals.csv": "trajectory,split,t,observation,data,prediction,residual\n" +
		"g=a,train,0,y,1,1,0\ng=a,train,2,y,4,3,1\ng=b,validate,1,y,-7,-6,-1\ng=a,train,1,z,20,21,-1\n",
	"trajectories.csv": "trajectory,t,y,z,z_obs\ng=a,0,1,5,22\ng=a,3,2,5,23\ng=b,-1,-5,0,0\ng=b,1,-6,0,0\n",
	"events.csv":       "trajectory,event,t\ng=a,up,2.5\ng=a,down,3.5\ng=b,up,-2\n",
}

// A panel for each observation of a trajectory, with its data, its curve and
// its events, and labels with units.
func TestFitFigure(t *testing.T) {
	s, err := fitFigure(folder(t, twoCurves))
	require.NoError(t, err)
	require.Len(t, s.plots, 1)
	require.Len(t, s.plots[0], 3)
	require.InDelta(t, 24./2.54*72, s.w.Points(), 1e-9)
	require.InDelta(t, 6.2/2.54*72, s.h.Points(), 1e-9)
	for k, want := range []struct {
		title, y               string
		xmin, xmax, ymin, ymax float64
	}{
		{"g=a · y", "height (m)", 0, 3.5, 1, 4},
		{"g=b · y (validation)", "height (m)", -2, 1, -7, -5},
		{"g=a · z", "z", 0, 3.5, 20, 23}, // its prediction is the column z_obs
	} {
		p := s.plots[0][k]
		require.Equal(t, want.title, p.Title.Text)
		require.Equal(t, []string{"t (s)", want.y}, []string{p.X.Label.Text, p.Y.Label.Text})
		require.Equal(t, []float64{want.xmin, want.xmax, want.ymin, want.ymax}, []float64{p.X.Min, p.X.Max, p.Y.Min, p.Y.Max}, want.title)
	}
	require.NoError(t, s.save(filepath.Join(t.TempDir(), "fit.svg")))

	for _, missing := range []string{"trajectories.csv"} {
		files := map[string]string{}
		for name, text := range twoCurves {
			if name != missing {
				files[name] = text
			}
		}
		_, err = fitFigure(folder(t, files))
		require.Error(t, err, missing)
	}
	for _, column := range []string{"trajectory", "split", "observation", "t,", "data"} {
		files := map[string]string{"trajectories.csv": twoCurves["trajectories.csv"]}
		files["residuals.csv"] = strings.Replace(twoCurves["residuals.csv"], column, "q"+column, 1)
		_, err = fitFigure(folder(t, files))
		require.Error(t, err, column)
	}
	none, err := fitFigure(folder(t, nil))
	require.NoError(t, err)
	require.Nil(t, none)
}

// Seven trajectories: six panels in two rows, two of them held back.
func TestFitFigureChooses(t *testing.T) {
	res, traj := "trajectory,split,t,observation,data,prediction,residual\n", "trajectory,t,y\n"
	for k := range 9 {
		split := "train"
		if k%3 == 2 {
			split = "validate"
		}
		res += fmt.Sprintf("g=%d,%s,0,y,1,1,0\n", k, split)
		traj += fmt.Sprintf("g=%d,0,1\ng=%d,1,2\n", k, k)
	}
	s, err := fitFigure(folder(t, map[string]string{"residuals.csv": res, "trajectories.csv": traj}))
	require.NoError(t, err)
	require.Len(t, s.plots, 2)
	var titles []string
	for _, row := range s.plots {
		for _, p := range row {
			titles = append(titles, strings.Fields(p.Title.Text)[0])
		}
	}
	require.Equal(t, []string{"g=0", "g=1", "g=3", "g=4", "g=2", "g=5"}, titles)
	held := func(x int) bool { return x >= 100 }
	require.Equal(t, []int{1, 2, 3, 4, 5, 6}, choose([]int{1, 2, 3, 4, 5, 6, 7}, held))
	require.Equal(t, []int{1, 2, 3, 4, 5, 100}, choose([]int{100, 1, 2, 3, 4, 5, 6, 7}, held))
	require.Equal(t, []int{1, 100, 101, 102, 103, 104}, choose([]int{100, 101, 102, 103, 104, 105, 1}, held))
	require.Equal(t, []int{100, 1, 2, 3, 4, 5}, choose([]int{100, 1, 2, 3, 4, 5}, held))
}

// The loss above its least value, by iteration, in training and validation.
func TestLossFigure(t *testing.T) {
	s, err := lossFigure(folder(t, map[string]string{"metrics.jsonl": `{"loss": 9, "valid": 7}
{"loss": -1, "valid": 5}
{"loss": 4}
`}))
	require.NoError(t, err)
	p := s.plots[0][0]
	require.Equal(t, "loss above -1.001", p.Title.Text)
	require.Equal(t, []string{"iteration", "loss"}, []string{p.X.Label.Text, p.Y.Label.Text})
	require.Equal(t, []float64{1, 3}, []float64{p.X.Min, p.X.Max})
	require.InDelta(t, 1e-3, p.Y.Min, 1e-12)
	require.InDelta(t, 10.001, p.Y.Max, 1e-12)
	require.InDelta(t, 14./2.54*72, s.w.Points(), 1e-9)
	require.InDelta(t, 9./2.54*72, s.h.Points(), 1e-9)
	// One value of validation makes no line.
	s, err = lossFigure(folder(t, map[string]string{"metrics.jsonl": "{\"loss\": 9, \"valid\": 99}\n{\"loss\": -1}\n"}))
	require.NoError(t, err)
	p = s.plots[0][0]
	require.Equal(t, "loss above -1.01", p.Title.Text)
	require.InDelta(t, 10.01, p.Y.Max, 1e-12)
	for _, text := range []string{`{"loss": 9}`, "{\"loss\": 9}\n{\"loss\": 9}\n"} {
		s, err = lossFigure(folder(t, map[string]string{"metrics.jsonl": text}))
		require.NoError(t, err)
		require.Nil(t, s, "nothing to see")
	}
	_, err = lossFigure(folder(t, map[string]string{"metrics.jsonl": "loss"}))
	require.Error(t, err)
	_, err = lossFigure(folder(t, nil))
	require.Error(t, err)
}

// A panel for each block of one argument, over what it was asked at.
func TestLearnedFigure(t *testing.T) {
	s, err := learnedFigure(folder(t, map[string]string{
		"run.json":    `{"labels": {"air": "air (m/s²)", "air(0)": "v (m/s)"}}`,
		"learned.csv": "trajectory,t,block,argument_0,value_0\na,0,air,2,7\na,1,air,-3,5\na,0,pull,1,1\na,1,pull,2,0\n",
	}))
	require.NoError(t, err)
	require.Len(t, s.plots[0], 2)
	require.InDelta(t, 24./2.54*72, s.w.Points(), 1e-9)
	require.InDelta(t, 8./2.54*72, s.h.Points(), 1e-9)
	p, q := s.plots[0][0], s.plots[0][1]
	require.Equal(t, []string{"learned: air", "v (m/s)", "air (m/s²)"}, []string{p.Title.Text, p.X.Label.Text, p.Y.Label.Text})
	require.Equal(t, []float64{-3, 2, 5, 7}, []float64{p.X.Min, p.X.Max, p.Y.Min, p.Y.Max})
	require.Equal(t, []string{"learned: pull", "pull(0)", "pull"}, []string{q.Title.Text, q.X.Label.Text, q.Y.Label.Text})
	require.Equal(t, []float64{1, 2, 0, 1}, []float64{q.X.Min, q.X.Max, q.Y.Min, q.Y.Max})
	for _, files := range []map[string]string{nil, {"learned.csv": "trajectory,t,block,argument_0,argument_1,value_0\na,0,air,2,2,7\n"}} {
		s, err = learnedFigure(folder(t, files))
		require.NoError(t, err)
		require.Nil(t, s)
	}
	_, err = learnedFigure(folder(t, map[string]string{"learned.csv": "trajectory,t,block,argument_0\na,0,air,2\n"}))
	require.Error(t, err)
}

func TestThinAndBounds(t *testing.T) {
	pts := make(plotter.XYs, 10)
	for i := range pts {
		pts[i] = plotter.XY{X: float64(i), Y: math.Pow(float64(i)-4, 2)}
	}
	require.Equal(t, pts, thin(pts, 10))
	require.Equal(t, plotter.XYs{pts[0], pts[2], pts[5], pts[7]}, thin(pts, 4))
	lo, hi := bounds(pts[:3], pts[3:6])
	require.Equal(t, []float64{0, 16}, []float64{lo, hi})
}

// The figures of a run are files whose paths are told; one that fails is an error.
func TestDraws(t *testing.T) {
	files := map[string]string{"metrics.jsonl": "{\"loss\": 9}\n{\"loss\": 3}\n"}
	for name, text := range twoCurves {
		files[name] = text
	}
	run := folder(t, files)
	paths, err := Draw(run, "svg")
	require.NoError(t, err)
	require.Equal(t, []string{run.Path("fit.svg"), run.Path("loss.svg")}, paths)
	for _, p := range paths {
		text, err := os.ReadFile(p)
		require.NoError(t, err)
		require.Contains(t, string(text), "<svg")
	}
	text, err := os.ReadFile(run.Path("fit.svg"))
	require.NoError(t, err)
	require.Contains(t, string(text), "height (m)")
	// Two events over the first curve are dashed lines, as in its other panel, and one over the second.
	require.Equal(t, 5, strings.Count(string(text), "stroke-dasharray"))
	paths, err = Draw(run, "png")
	require.NoError(t, err)
	f, err := os.Open(paths[0])
	require.NoError(t, err)
	size, err := png.DecodeConfig(f)
	f.Close()
	require.NoError(t, err)
	// 24 by 6.2 centimetres at 120 dots an inch.
	require.InDelta(t, 24/2.54*120, size.Width, 1)
	require.InDelta(t, 6.2/2.54*120, size.Height, 1)
	require.NoError(t, os.Remove(run.Path("metrics.jsonl")))
	_, err = Draw(run, "svg")
	require.Error(t, err)
}
