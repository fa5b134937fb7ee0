// Package figures draws the figures of a run.
package figures

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"image/color"
	"image/png"
	"io"
	"io/fs"
	"math"
	"path/filepath"
	"sort"
	"strings"
	"sync"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"

	"github.com/pinode/pinode/data"
	"github.com/pinode/pinode/internal/files"
	"github.com/pinode/pinode/internal/report"
)

var (
	ink    = color.NRGBA{0x1f, 0x4e, 0x79, 0xff}
	dots   = color.NRGBA{0xd9, 0x5f, 0x02, 0xb0}
	marks  = color.NRGBA{0x99, 0x99, 0x99, 0xff}
	second = color.NRGBA{0x2c, 0x8c, 0x4b, 0xff}
)

// Draw draws all figures of a run and returns their paths.
func Draw(run *report.Folder, format string) ([]string, error) {
	figures := []struct {
		name string
		draw func(*report.Folder) (*sheet, error)
		path string
		err  error
		lost any // a panic
	}{{name: "fit", draw: fitFigure}, {name: "loss", draw: lossFigure}, {name: "learned", draw: learnedFigure}}
	var wait sync.WaitGroup
	for i := range figures {
		f := &figures[i]
		wait.Go(func() {
			defer func() { f.lost = recover() }()
			s, err := f.draw(run)
			if err == nil && s != nil {
				f.path = run.Path(f.name + "." + format)
				err = s.save(f.path)
			}
			f.err = err
		})
	}
	wait.Wait()
	var paths []string
	for _, f := range figures {
		switch {
		case f.lost != nil:
			panic(f.lost)
		case f.err != nil:
			return paths, f.err
		case f.path != "":
			paths = append(paths, f.path)
		}
	}
	return paths, nil
}

// sheet is a grid of plots.
type sheet struct {
	plots [][]*plot.Plot
	w, h  vg.Length
}

func (s *sheet) save(path string) error {
	var c vg.CanvasSizer
	var write func(io.Writer) error
	switch filepath.Ext(path) {
	case ".svg":
		svg := vgsvg.New(s.w, s.h)
		c, write = svg, func(w io.Writer) error { _, err := svg.WriteTo(w); return err }
	default:
		img := vgimg.NewWith(vgimg.UseWH(s.w, s.h), vgimg.UseDPI(120), vgimg.UseBackgroundColor(color.White))
		quick := png.Encoder{CompressionLevel: png.BestSpeed} // the best takes longer than all else of a short fit
		c, write = img, func(w io.Writer) error { return quick.Encode(w, img.Image()) }
	}
	dc := draw.New(c)
	t := draw.Tiles{Rows: len(s.plots), Cols: len(s.plots[0]), PadX: 4 * vg.Millimeter, PadY: 4 * vg.Millimeter, PadTop: 3 * vg.Millimeter, PadBottom: 2 * vg.Millimeter, PadLeft: 2 * vg.Millimeter, PadRight: 4 * vg.Millimeter}
	canvases := plot.Align(s.plots, t, dc)
	for i, row := range s.plots {
		for j, p := range row {
			if p != nil {
				p.Draw(canvases[i][j])
			}
		}
	}
	var buf bytes.Buffer
	if err := write(&buf); err != nil {
		return err
	}
	return files.Replace(path, buf.Bytes())
}

// maxPanels is how many trajectories a figure shows.
const maxPanels = 6

// fitTables are the tables that the figure of a fit is made of.
type fitTables struct {
	run                         *report.Folder
	residuals, trajectories     *data.Table
	names, splits, observations []string // of residuals
	times, values               []float64
	curveNames                  []string // of trajectories
	curveTimes                  []float64
	events                      map[string][]float64
}

// readFit reads them; nil where nothing was measured but events.
func readFit(run *report.Folder) (*fitTables, error) {
	f := &fitTables{run: run, events: eventTimes(run)}
	var err error
	if f.residuals, err = data.ReadFile(run.Path("residuals.csv")); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		return nil, err
	}
	if f.trajectories, err = data.ReadFile(run.Path("trajectories.csv")); err != nil {
		return nil, err
	}
	for _, c := range []struct {
		of   *data.Table
		name string
		to   *[]string
	}{{f.residuals, "trajectory", &f.names}, {f.residuals, "split", &f.splits}, {f.residuals, "observation", &f.observations}, {f.trajectories, "trajectory", &f.curveNames}} {
		if *c.to, err = c.of.Strings(c.name); err != nil {
			return nil, err
		}
	}
	for _, c := range []struct {
		of   *data.Table
		name string
		to   *[]float64
	}{{f.residuals, "t", &f.times}, {f.residuals, "data", &f.values}, {f.trajectories, "t", &f.curveTimes}} {
		if *c.to, err = c.of.Floats(c.name); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// panel is a trajectory over the data of an observation.
type panel struct{ name, split, observation string }

// fitFigure shows up to six trajectories over their data, validation last.
func fitFigure(run *report.Folder) (*sheet, error) {
	f, err := readFit(run)
	if f == nil || err != nil {
		return nil, err
	}
	var panels []panel
	seen := map[panel]bool{}
	for i := range f.names {
		k := panel{f.names[i], f.splits[i], f.observations[i]}
		if !seen[k] {
			seen[k] = true
			panels = append(panels, k)
		}
	}
	panels = choose(panels, func(p panel) bool { return p.split == "validate" })
	cols := min(3, len(panels))
	rows := (len(panels) + cols - 1) / cols
	s := &sheet{w: vg.Length(cols) * 8 * vg.Centimeter, h: vg.Length(rows) * 6.2 * vg.Centimeter}
	for range rows {
		s.plots = append(s.plots, make([]*plot.Plot, cols))
	}
	for k, pn := range panels {
		if s.plots[k/cols][k%cols], err = f.plot(pn); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// plot draws a panel.
func (f *fitTables) plot(pn panel) (*plot.Plot, error) {
	p := plot.New()
	p.Title.Text = strings.TrimPrefix(pn.name+" · "+pn.observation, " · ")
	if pn.split == "validate" {
		p.Title.Text += " (validation)"
	}
	p.X.Label.Text, p.Y.Label.Text = f.run.Label("t"), f.run.Label(pn.observation)
	var pts, curve plotter.XYs
	for i := range f.names {
		if f.names[i] == pn.name && f.observations[i] == pn.observation {
			pts = append(pts, plotter.XY{X: f.times[i], Y: f.values[i]})
		}
	}
	column := pn.observation
	if _, err := f.trajectories.Floats(column + "_obs"); err == nil {
		column += "_obs"
	}
	y, err := f.trajectories.Floats(column)
	if _, cells := f.trajectories.Floats(column + "[0]"); err != nil && cells != nil {
		return nil, err
	}
	for i := range y { // none of what is observed at many places
		if f.curveNames[i] == pn.name {
			curve = append(curve, plotter.XY{X: f.curveTimes[i], Y: y[i]})
		}
	}
	lo, hi := bounds(pts, curve)
	for _, t := range f.events[pn.name] {
		l, err := plotter.NewLine(plotter.XYs{{X: t, Y: lo}, {X: t, Y: hi}})
		if err != nil {
			return nil, err
		}
		l.Color, l.Width, l.Dashes = marks, vg.Points(0.6), []vg.Length{vg.Points(2), vg.Points(2)}
		p.Add(l)
	}
	sc, err := plotter.NewScatter(pts)
	if err != nil {
		return nil, err
	}
	sc.Shape, sc.Radius, sc.Color = draw.CircleGlyph{}, vg.Points(1.4), dots
	l, err := plotter.NewLine(curve)
	if err != nil {
		return nil, err
	}
	l.Color, l.Width = ink, vg.Points(1.2)
	p.Add(sc, l)
	return p, nil
}

// learnedFigure shows what neural blocks of one argument learned, over the
// values of it that the trajectories visit.
func learnedFigure(run *report.Folder) (*sheet, error) {
	t, err := data.ReadFile(run.Path("learned.csv"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if _, err := t.Floats("argument_1"); err == nil {
		return nil, nil // more than a curve can show
	}
	block, err := t.Strings("block")
	if err != nil {
		return nil, err
	}
	x, err := t.Floats("argument_0")
	if err != nil {
		return nil, err
	}
	y, err := t.Floats("value_0")
	if err != nil {
		return nil, err
	}
	curves := map[string]plotter.XYs{}
	var order []string
	for i, b := range block {
		if curves[b] == nil {
			order = append(order, b)
		}
		curves[b] = append(curves[b], plotter.XY{X: x[i], Y: y[i]})
	}
	s := &sheet{w: vg.Length(len(order)) * 12 * vg.Centimeter, h: 8 * vg.Centimeter, plots: [][]*plot.Plot{make([]*plot.Plot, len(order))}}
	for k, b := range order {
		pts := curves[b]
		sort.Slice(pts, func(i, j int) bool { return pts[i].X < pts[j].X })
		p := plot.New()
		p.Title.Text, p.X.Label.Text, p.Y.Label.Text = "learned: "+b, run.Label(b+"(0)"), run.Label(b)
		l, err := plotter.NewLine(pts)
		if err != nil {
			return nil, err
		}
		l.Color, l.Width = ink, vg.Points(1.4)
		rug, err := plotter.NewScatter(thin(pts, 300))
		if err != nil {
			return nil, err
		}
		rug.Shape, rug.Radius, rug.Color = draw.CircleGlyph{}, vg.Points(1.2), dots
		p.Add(plotter.NewGrid(), l, rug)
		s.plots[0][k] = p
	}
	return s, nil
}

// thin keeps at most n points.
func thin(pts plotter.XYs, n int) plotter.XYs {
	if len(pts) <= n {
		return pts
	}
	out := make(plotter.XYs, n)
	for i := range out {
		out[i] = pts[i*len(pts)/n]
	}
	return out
}

func bounds(lists ...plotter.XYs) (lo, hi float64) {
	lo, hi = math.Inf(1), math.Inf(-1)
	for _, l := range lists {
		for _, p := range l {
			lo, hi = math.Min(lo, p.Y), math.Max(hi, p.Y)
		}
	}
	return lo, hi
}

// choose keeps up to six panels: the first ones, and at least two of those
// held back if there are any.
func choose[T any](list []T, held func(T) bool) []T {
	if len(list) <= maxPanels {
		return list
	}
	var train, valid []T
	for _, x := range list {
		if held(x) {
			valid = append(valid, x)
		} else {
			train = append(train, x)
		}
	}
	n := min(len(valid), max(2, maxPanels-len(train)))
	return append(train[:min(len(train), maxPanels-n)], valid[:n]...)
}

// eventTimes are the times of events by trajectory.
func eventTimes(run *report.Folder) map[string][]float64 {
	out := map[string][]float64{}
	t, err := data.ReadFile(run.Path("events.csv"))
	if err != nil {
		return out // a run without events has a table without rows
	}
	names, err1 := t.Strings("trajectory")
	times, err2 := t.Floats("t")
	if err1 != nil || err2 != nil {
		return out
	}
	for i, n := range names {
		out[n] = append(out[n], times[i])
	}
	return out
}

// lossFigure shows the loss over the iterations, in training and validation,
// above its smallest value, on a logarithmic scale.
func lossFigure(run *report.Folder) (*sheet, error) {
	f, err := files.Open(run.Path("metrics.jsonl"))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var train, valid plotter.XYs
	sc := bufio.NewScanner(f)
	sc.Buffer(nil, 1<<24)
	for n := 1.; sc.Scan(); n++ {
		var r struct {
			Loss  float64  `json:"loss"`
			Valid *float64 `json:"valid"`
		}
		if err := json.Unmarshal(sc.Bytes(), &r); err != nil {
			return nil, err
		}
		train = append(train, plotter.XY{X: n, Y: r.Loss})
		if r.Valid != nil {
			valid = append(valid, plotter.XY{X: n, Y: *r.Valid})
		}
	}
	if len(train) < 2 {
		return nil, sc.Err()
	}
	lo, hi := bounds(train, valid)
	if !(hi-lo > 1e-9*math.Max(math.Abs(lo), math.Abs(hi))) { // nothing to see but round-off
		return nil, nil
	}
	floor := lo - (hi-lo)*1e-4
	shift := func(l plotter.XYs) plotter.XYs {
		out := make(plotter.XYs, len(l))
		for i, p := range l {
			out[i] = plotter.XY{X: p.X, Y: p.Y - floor}
		}
		return out
	}
	p := plot.New()
	p.Title.Text = fmt.Sprintf("loss above %.4g", floor)
	p.X.Label.Text, p.Y.Label.Text = "iteration", "loss"
	p.Y.Scale, p.Y.Tick.Marker = plot.LogScale{}, plot.LogTicks{Prec: -1}
	for _, c := range []struct {
		name string
		pts  plotter.XYs
		ink  color.Color
	}{{"training", train, ink}, {"validation", valid, second}} {
		if len(c.pts) < 2 {
			continue
		}
		l, err := plotter.NewLine(shift(c.pts))
		if err != nil {
			return nil, err
		}
		l.Color, l.Width = c.ink, vg.Points(1.2)
		p.Add(l)
		p.Legend.Add(c.name, l)
	}
	p.Legend.Top = true
	return &sheet{[][]*plot.Plot{{p}}, 14 * vg.Centimeter, 9 * vg.Centimeter}, sc.Err()
}
