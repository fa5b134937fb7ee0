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
	"gonum.org/v1/plot"
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
	"run.json": `{"labels": {"t": "t [s]", "y": "height [m]"}}`,
	"residuals.csv": "trajectory,split,t,observation,data,prediction,residual\n" +
		"g=a,train,0,y,1,1,0\ng=a,train,2,y,4,3,1\ng=b,validate,1,y,-7,-6,-1\ng=a,train,1,z,20,21,-1\n",
	"trajectories.csv": "trajectory,t,y,z,z_obs\ng=a,0,1,5,22\ng=a,3,2,5,23\ng=b,-1,-5,0,0\ng=b,1,-6,0,0\n",
	"events.csv":       "trajectory,event,t\ng=a,up,2.5\ng=a,down,3.5\ng=b,up,-2\n",
}

// plots are those of a sheet, row by row, those below behind those above.
func (s *sheet) plots() (list []*plot.Plot) {
	for _, row := range s.cells {
		for _, c := range row {
			if c != nil {
				list = append(list, c.main)
			}
		}
	}
	return list
}

// names are those of the legend.
func (s *sheet) names() (list []string) {
	for _, e := range s.legend {
		list = append(list, e.name)
	}
	return list
}

// Two observations of two trajectories: a row for each observation, with data, curve, events,
// residuals below on the same axis, and labels with units.
func TestFitFigure(t *testing.T) {
	s, err := fitFigure(folder(t, twoCurves))
	require.NoError(t, err)
	require.Len(t, s.cells, 2)
	require.Len(t, s.cells[0], 2)
	require.InDelta(t, 16./2.54*72, s.w.Points(), 1e-9)
	require.InDelta(t, (2*7.2+0.7)/2.54*72, s.h.Points(), 1e-9)
	require.Equal(t, []string{"event", "fitted", "data"}, s.names())
	for k, want := range []struct {
		title, y               string
		xmin, xmax, ymin, ymax float64
		residual               float64 // the largest
	}{
		{"g=a · y", "height [m]", 0, 3.5, 1, 4, 1},
		{"g=b · y (validation)", "height [m]", -2, 1, -7, -5, 1},
		{"g=a · z", "z", 0, 3.5, 20, 23, 1}, // its prediction is the column z_obs
	} {
		p, q := s.plots()[k], s.cells[k/2][k%2].below
		require.Equal(t, want.title, p.Title.Text)
		require.Equal(t, []string{"t [s]", want.y}, []string{q.X.Label.Text, p.Y.Label.Text})
		room := 0.03 * (want.ymax - want.ymin)
		require.InDeltaSlice(t, []float64{want.xmin, want.xmax, want.ymin - room, want.ymax + room}, []float64{p.X.Min, p.X.Max, p.Y.Min, p.Y.Max}, 1e-12, want.title)
		require.Equal(t, []float64{want.xmin, want.xmax}, []float64{q.X.Min, q.X.Max})
		require.InDeltaSlice(t, []float64{-1.1, 1.1}, []float64{q.Y.Min, q.Y.Max}, 1e-12)
	}
	require.Equal(t, "residual [m]", s.cells[0][0].below.Y.Label.Text)
	require.Equal(t, "residual", s.cells[1][0].below.Y.Label.Text)
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
	for _, column := range []string{"trajectory", "split", "observation", "t,", "data", "prediction"} {
		files := map[string]string{"trajectories.csv": twoCurves["trajectories.csv"]}
		files["residuals.csv"] = strings.Replace(twoCurves["residuals.csv"], column, "q"+column, 1)
		_, err = fitFigure(folder(t, files))
		require.Error(t, err, column)
	}
	none, err := fitFigure(folder(t, nil))
	require.NoError(t, err)
	require.Nil(t, none)
}

// Of nine trajectories with five values each, six panels: the worst and the best of those in training,
// the worst held back, and others. Residuals of trajectory k are k/10.
func TestFitFigureChooses(t *testing.T) {
	var res, traj strings.Builder
	res.WriteString("trajectory,split,t,observation,data,prediction,residual\n")
	traj.WriteString("trajectory,t,y\n")
	for k := range 9 {
		split := "train"
		if k%3 == 2 {
			split = "validate"
		}
		for i := range 5 {
			fmt.Fprintf(&res, "g=%d,%s,%d,y,1,%g,0\n", k, split, i, 1-float64(k)/10)
		}
		fmt.Fprintf(&traj, "g=%d,0,1\ng=%d,1,2\n", k, k)
	}
	s, err := fitFigure(folder(t, map[string]string{"residuals.csv": res.String(), "trajectories.csv": traj.String()}))
	require.NoError(t, err)
	require.Len(t, s.cells, 2)
	require.Equal(t, "6 of 9 trajectories", s.note)
	var titles []string
	for _, p := range s.plots() {
		titles = append(titles, p.Title.Text)
	}
	require.Equal(t, []string{"g=7 · y (worst of 6)", "g=0 · y (best of 6)"}, titles[:2])
	require.Equal(t, "g=8 · y (worst of 3 in validation)", titles[4])
	require.Subset(t, []string{"g=2 · y (validation)", "g=5 · y (validation)"}, titles[5:])
	require.Subset(t, []string{"g=1 · y", "g=3 · y", "g=4 · y", "g=6 · y"}, titles[2:4])
}

// Very many short trajectories: measured over predicted values of all.
func TestFitFigureOfRows(t *testing.T) {
	var res strings.Builder
	res.WriteString("trajectory,split,t,observation,data,prediction,residual\n")
	for k := range 50 {
		fmt.Fprintf(&res, "g=%d,%s,0,y,%d,%d.5,0\n", k, []string{"train", "validate"}[k%2], k, k)
	}
	s, err := fitFigure(folder(t, map[string]string{"residuals.csv": res.String(), "trajectories.csv": "trajectory,t,y\ng=1,0,1\n"}))
	require.NoError(t, err)
	require.Equal(t, []string{"measured = predicted", "data", "validation"}, s.names())
	require.Equal(t, "all of 50 trajectories", s.note)
	p, q := s.cells[0][0].main, s.cells[0][0].below
	require.Equal(t, []float64{0.5, 49.5, 0, 49.5}, []float64{p.X.Min, p.X.Max, p.Y.Min, p.Y.Max})
	require.InDeltaSlice(t, []float64{-0.55, 0.55}, []float64{q.Y.Min, q.Y.Max}, 1e-12)
	require.NoError(t, s.save(filepath.Join(t.TempDir(), "fit.png")))
}

// The loss itself, by iteration, in training and validation: on a linear axis where it is not
// positive, with its distance from the least below; stages and the curriculum are named.
func TestLossFigure(t *testing.T) {
	s, err := lossFigure(folder(t, map[string]string{"metrics.jsonl": `{"stage_name": "adam", "loss": 9, "valid": 7, "horizon": 0.5}
{"stage_name": "adam", "loss": 4, "valid": 5, "horizon": 1}
{"stage_name": "lbfgs", "loss": -0.75, "horizon": 1}
{"stage_name": "lbfgs", "loss": -1, "horizon": 1}
`}))
	require.NoError(t, err)
	p, q := s.cells[0][0].main, s.cells[0][0].below
	require.Equal(t, []string{"", "loss", "iteration", "above the least"}, []string{p.X.Label.Text, p.Y.Label.Text, q.X.Label.Text, q.Y.Label.Text})
	require.Equal(t, []string{"curriculum: horizon from 50 %", "training"}, s.names(), "validation is above the axis")
	require.Equal(t, "up to 9 above the axis", s.note)
	require.Equal(t, []float64{1, 4}, []float64{p.X.Min, p.X.Max})
	// Half of ten times the range of the last two from the least on, since there is nothing above: -1 … 0.25, and a 25th on both sides.
	require.InDeltaSlice(t, []float64{-1.05, 0.3}, []float64{p.Y.Min, p.Y.Max}, 1e-12)
	require.InDeltaSlice(t, []float64{0.25, 10}, []float64{q.Y.Min, q.Y.Max}, 1e-12)
	require.NoError(t, s.save(filepath.Join(t.TempDir(), "loss.svg")))

	// A positive loss that falls far has a logarithmic axis and one panel.
	s, err = lossFigure(folder(t, map[string]string{"metrics.jsonl": "{\"loss\": 9, \"valid\": 99}\n{\"loss\": 0.1}\n"}))
	require.NoError(t, err)
	require.Equal(t, plot.LogScale{}, s.cells[0][0].main.Y.Scale)
	require.Nil(t, s.cells[0][0].below)
	require.Equal(t, []string{"training"}, s.names(), "one value makes no line")
	require.Equal(t, []float64{0.1, 99}, []float64{s.cells[0][0].main.Y.Min, s.cells[0][0].main.Y.Max})
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

// What passes the top of an axis is cut there, on its way in and out; what lies above is not drawn.
func TestVisible(t *testing.T) {
	at := func(xy ...float64) (pts plotter.XYs) {
		for i := 0; i < len(xy); i += 2 {
			pts = append(pts, plotter.XY{X: xy[i], Y: xy[i+1]})
		}
		return pts
	}
	require.Equal(t, []plotter.XYs{at(1, 2, 2, 1)}, visible(at(1, 2, 2, 1), 2))
	require.Equal(t, []plotter.XYs{at(1.75, 4, 2, 1, 2.5, 4), at(3.5, 4, 4, 1)}, visible(at(1, 13, 2, 1, 3, 7, 4, 1), 4))
	require.Equal(t, []plotter.XYs{at(1, 0)}, visible(at(1, 0), 4))
	require.Equal(t, []plotter.XYs{at(2, 4, 2, 0)}, visible(at(1, math.Inf(1), 2, 0), 4)[:1])
	require.Empty(t, visible(at(1, 5, 2, 6), 4))
}

// Many descents from starts of their own are lines that do not meet, before the least so far.
func TestLossOfManyStarts(t *testing.T) {
	var b strings.Builder
	for k := range 20 {
		fmt.Fprintf(&b, "{\"phase\": \"start %d\", \"loss\": %d}\n{\"phase\": \"start %d\", \"loss\": %d}\n", k, 50+k, k, -k%7)
	}
	s, err := lossFigure(folder(t, map[string]string{"metrics.jsonl": b.String()}))
	require.NoError(t, err)
	require.Equal(t, []string{"each descent", "best so far"}, s.names())
	above, loss := s.cells[0][0].main, s.cells[0][0].below
	require.Equal(t, plot.LogScale{}, above.Y.Scale)
	require.Equal(t, []float64{1, 75}, []float64{above.Y.Min, above.Y.Max}, "from -6, -5 is the nearest and 69 the farthest")
	// A quarter of the losses is above 60, three times as far from -6 is more than all.
	require.InDelta(t, 69+0.04*75, loss.Y.Max, 1e-9)
	require.Equal(t, plotter.XYs{{X: 1, Y: 5}, {X: 2, Y: 3}, {X: 3, Y: 3}}, best(plotter.XYs{{X: 1, Y: 5}, {X: 2, Y: 3}, {X: 3, Y: 4}}))
}

// A panel for each result of a block of one argument, over what it was asked at, with a band.
func TestLearnedFigure(t *testing.T) {
	s, err := learnedFigure(folder(t, map[string]string{
		"run.json": `{"labels": {"air": "air [m/s²]", "air(0)": "v [m/s]"}}`,
		"learned.csv": "trajectory,t,block,argument_0,argument_1,value_0,value_1\n" +
			"a,0,air,2,,7,\na,1,air,-3,,5,\na,0,pull,1,,1,8\na,1,pull,2,,0,9\na,0,both,1,2,3,\na,1,both,2,4,5,\n",
	}))
	require.NoError(t, err)
	require.Len(t, s.cells, 3)
	require.Len(t, s.cells[0], 2)
	require.Equal(t, []string{"learned", "visited"}, s.names())
	list := s.plots()
	require.Len(t, list, 4)
	p, q, r := list[0], list[2], list[3]
	require.Equal(t, []string{"learned: air", "v [m/s]", "air [m/s²]"}, []string{p.Title.Text, p.X.Label.Text, p.Y.Label.Text})
	require.InDeltaSlice(t, []float64{-3, 2, 4.9, 7}, []float64{p.X.Min, p.X.Max, p.Y.Min, p.Y.Max}, 1e-12) // 4.9: where the block was asked
	require.Equal(t, []string{"learned: pull", "pull(0)", "pull, result 1"}, []string{q.Title.Text, q.X.Label.Text, q.Y.Label.Text})
	require.Equal(t, []string{"learned: both", "both(0)", "both(1)", "both"}, []string{r.Title.Text, r.X.Label.Text, r.Y.Label.Text, s.cells[2][0].below.X.Label.Text})
	require.Equal(t, []float64{1, 2, 2, 4}, []float64{r.X.Min, r.X.Max, r.Y.Min, r.Y.Max})
	require.NoError(t, s.save(filepath.Join(t.TempDir(), "learned.png")))
	// Of three arguments a cloud over each.
	s, err = learnedFigure(folder(t, map[string]string{"learned.csv": "block,argument_0,argument_1,argument_2,value_0\nf,1,2,3,4\nf,2,3,4,6\n"}))
	require.NoError(t, err)
	require.Len(t, s.plots(), 3)
	require.Equal(t, []float64{3, 4, 4, 6}, []float64{s.plots()[2].X.Min, s.plots()[2].X.Max, s.plots()[2].Y.Min, s.plots()[2].Y.Max})
	s, err = learnedFigure(folder(t, nil))
	require.NoError(t, err)
	require.Nil(t, s)
	// Bands, where they are known: around curves, as colours beside fields, as bars in clouds. All results have panels.
	s, err = learnedFigure(folder(t, map[string]string{
		"learned.csv": "block,argument_0,argument_1,argument_2,value_0,value_1,value_2,value_3,value_4,lower_0,lower_1,lower_2,lower_3,lower_4,upper_0,upper_1,upper_2,upper_3,upper_4\n" +
			"air,0,,,1,2,3,4,5,0,1,2,3,4,2,3,4,5,6\nair,1,,,1,2,3,4,5,,,,,,,,,,\nair,2,,,1,2,3,4,5,-1,1,2,3,4,2,3,4,5,8\n" +
			"both,1,2,,3,,,,,2,,,,,4,,,,\nboth,2,4,,5,,,,,1,,,,,9,,,,\nmany,1,2,3,4,,,,,2,,,,,4,,,,\nmany,2,3,4,6,,,,,5,,,,,9,,,,\n",
	}))
	require.NoError(t, err)
	require.Equal(t, []string{"± 2 standard errors", "learned", "visited"}, s.names())
	list = s.plots()
	require.Len(t, list, 5+2+3)
	require.InDelta(t, -1-0.05*3, list[0].Y.Min, 1e-12)
	require.Equal(t, 2., list[0].Y.Max)
	require.Equal(t, 8., list[4].Y.Max)
	require.Equal(t, "standard errors: both", s.cells[2][1].below.X.Label.Text)
	require.Equal(t, []float64{0.5, 2}, []float64{s.cells[2][1].below.X.Min, s.cells[2][1].below.X.Max})
	require.Equal(t, []float64{2, 9}, []float64{list[9].Y.Min, list[9].Y.Max})
	_, err = learnedFigure(folder(t, map[string]string{"learned.csv": "trajectory,t,block,argument_0\na,0,air,2\n"}))
	require.Error(t, err)
}

func TestTicks(t *testing.T) {
	labels := func(list []plot.Tick) (out []string) {
		for _, k := range list {
			out = append(out, k.Label)
		}
		return out
	}
	require.Equal(t, []string{"0", "0.5", "1.0", "1.5", "2.0", "2.5"}, labels(Ticks{}.Ticks(0, 2.5)))
	require.Equal(t, []string{"1900", "1905", "1910", "1915", "1920"}, labels(Ticks{}.Ticks(1900, 1920)))
	require.Equal(t, []string{"-0.02", "0", "0.02"}, labels(Ticks{Few: true}.Ticks(-0.03, 0.03)))
	require.Equal(t, []string{"1e+09", "2e+09", "3e+09"}, labels(Ticks{Few: true}.Ticks(0.5e9, 3.5e9)))
	require.Equal(t, []string{" ", " ", " "}, labels(Ticks{Few: true, Bare: true}.Ticks(0.5e9, 3.5e9)))
	require.Len(t, Ticks{}.Ticks(3, 3), 1)
	require.Equal(t, []string{"0.1", "0.2", "0.5", "1", "2"}, labels(decades{}.Ticks(0.09, 3)))
	require.Equal(t, []string{"1e-12", "1e-06", "1"}, labels(decades{few: true}.Ticks(1e-12, 1e7))[:3])
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
	require.Contains(t, string(text), "height [m]")
	// Two events over the first curve are dashed lines, as in its other panel, and one over the second; one is in the legend.
	require.Equal(t, 6, strings.Count(string(text), "stroke-dasharray"))
	paths, err = Draw(run, "png")
	require.NoError(t, err)
	f, err := os.Open(paths[0])
	require.NoError(t, err)
	size, err := png.DecodeConfig(f)
	f.Close()
	require.NoError(t, err)
	// 16 by 15.1 centimetres at 120 dots an inch.
	require.InDelta(t, 16/2.54*120, size.Width, 1)
	require.InDelta(t, 15.1/2.54*120, size.Height, 1)
	require.NoError(t, os.Remove(run.Path("metrics.jsonl")))
	_, err = Draw(run, "svg")
	require.Error(t, err)
}

// A curve that is infinite before something has happened, as the time of the last firing, is drawn from
// where it is a number.
func TestFitFigureInfinite(t *testing.T) {
	s, err := fitFigure(folder(t, map[string]string{
		"residuals.csv":    "trajectory,split,t,observation,data,prediction,residual\n,train,2,y,1,1.5,-0.5\n",
		"trajectories.csv": "trajectory,t,y\n,0,-Inf\n,1,1\n,2,1.5\n",
	}))
	require.NoError(t, err)
	p := s.plots()[0]
	require.InDelta(t, 1, p.X.Min, 0.3, "the axis begins about the first number")
	require.False(t, math.IsInf(p.Y.Min, 0))
	require.NoError(t, s.save(filepath.Join(t.TempDir(), "fit.svg")))
}
