package figures

import (
	"errors"
	"fmt"
	"image/color"
	"io/fs"
	"math"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/pinode/pinode/data"
	"github.com/pinode/pinode/internal/report"
)

// fitTables are the tables that the figure of a fit is made of.
type fitTables struct {
	run                         *report.Folder
	residuals, trajectories     *data.Table
	names, splits, observations []string // of residuals
	times, values, predictions  []float64
	curves                      map[string][2]int // the rows of a trajectory, from and to
	curveTimes                  []float64
	events                      map[string][]float64

	misfits report.Misfits
	kinds   []string // observations, in the order of the table
}

// readFit reads them; nil where nothing was measured but events.
func readFit(run *report.Folder) (*fitTables, error) {
	f := &fitTables{run: run, events: eventTimes(run), curves: map[string][2]int{}}
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
	var curveNames []string
	for _, c := range []struct {
		of   *data.Table
		name string
		to   *[]string
	}{{f.residuals, "trajectory", &f.names}, {f.residuals, "split", &f.splits}, {f.residuals, "observation", &f.observations}, {f.trajectories, "trajectory", &curveNames}} {
		if *c.to, err = c.of.Strings(c.name); err != nil {
			return nil, err
		}
	}
	for _, c := range []struct {
		of   *data.Table
		name string
		to   *[]float64
	}{{f.residuals, "t", &f.times}, {f.residuals, "data", &f.values}, {f.residuals, "prediction", &f.predictions}, {f.trajectories, "t", &f.curveTimes}} {
		if *c.to, err = valuesOf(c.of, c.name); err != nil {
			path := "residuals.csv"
			if c.of == f.trajectories {
				path = "trajectories.csv"
			}
			return nil, report.Broken(run.Path(path), err.Error())
		}
	}
	for i, n := range curveNames {
		at, ok := f.curves[n]
		if !ok {
			at[0] = i
		}
		f.curves[n] = [2]int{at[0], i + 1}
	}
	for i, o := range f.observations {
		if f.splits[i] == report.Given {
			continue
		}
		f.misfits.Add(f.names[i], f.splits[i] == "validate", o, f.values[i]-f.predictions[i])
		if !slices.Contains(f.kinds, o) {
			f.kinds = append(f.kinds, o)
		}
	}
	return f, nil
}

// sparse is how many values of an observation a trajectory has, on average, below which a
// figure of many trajectories shows all of them, measured over predicted.
const sparse = 4

// fitFigure shows data, curves and residuals: of one observation of up to six trajectories, of
// up to six observations of one, or of three of each; of very short trajectories the measured
// values over the predicted ones.
func fitFigure(run *report.Folder) (*sheet, error) {
	f, err := readFit(run)
	if f == nil || err != nil {
		return nil, err
	}
	all := len(f.misfits.Choose(math.MaxInt))
	s := &sheet{}
	var cols, rows int
	var panel func(k int) (*cell, error)
	switch {
	case all > report.Panels && len(f.names) < sparse*all*len(f.kinds):
		n := min(len(f.kinds), report.Panels)
		cols = min(3, n)
		rows = (n + cols - 1) / cols
		panel = func(k int) (*cell, error) {
			if k >= n {
				return nil, nil
			}
			return f.agreement(s, f.kinds[k])
		}
		s.note = fmt.Sprintf("all of %d trajectories", all)
	case all > 1 && len(f.kinds) > 1:
		of := f.misfits.Choose(report.Panels / 2)
		cols, rows = len(of), min(3, len(f.kinds))
		panel = func(k int) (*cell, error) { return f.panel(s, of[k%cols], f.kinds[k/cols]) }
		s.note = f.shows(cols, all, rows)
	default:
		of := f.misfits.Choose(report.Panels)
		n := min(report.Panels, max(len(of), len(f.kinds)))
		cols = min(3, n)
		rows = (n + cols - 1) / cols
		panel = func(k int) (*cell, error) {
			if k >= n {
				return nil, nil
			}
			return f.panel(s, of[k%len(of)], f.kinds[k%len(f.kinds)])
		}
		s.note = f.shows(len(of), all, min(n, len(f.kinds)))
	}
	s.w, s.h = vg.Length(cols)*8*vg.Centimeter, vg.Length(rows)*7.2*vg.Centimeter+legendHeight
	if cols == 1 { // alone, it may be larger
		s.w *= 1.6
	}
	if rows == 1 { // so that the words beside residuals have room
		s.h += 1.5 * vg.Centimeter
	}
	for i := range rows {
		s.cells = append(s.cells, make([]*cell, cols))
		for j := range cols {
			if s.cells[i][j], err = panel(i*cols + j); err != nil {
				return nil, err
			}
		}
	}
	return s, nil
}

// shows says how many of all trajectories and observations there are panels of.
func (f *fitTables) shows(trajectories, all, observations int) string {
	var parts []string
	if trajectories < all {
		parts = append(parts, fmt.Sprintf("%d of %d trajectories", trajectories, all))
	}
	if observations < len(f.kinds) {
		parts = append(parts, fmt.Sprintf("%d of %d observations", observations, len(f.kinds)))
	}
	return strings.Join(parts, ", ")
}

// points are the measured values of an observation of a trajectory, those that were given for its
// prediction apart, and the residuals of the others.
func (f *fitTables) points(trajectory, observation string) (pts, given, residuals plotter.XYs) {
	for i := range f.names {
		if f.names[i] == trajectory && f.observations[i] == observation && finite(f.values[i]) {
			at := plotter.XY{X: f.times[i], Y: f.values[i]}
			if f.splits[i] == report.Given {
				given = append(given, at)
				continue
			}
			pts = append(pts, at)
			if r := f.values[i] - f.predictions[i]; finite(r) {
				residuals = append(residuals, plotter.XY{X: f.times[i], Y: r})
			}
		}
	}
	return pts, given, residuals
}

// curve is the prediction of an observation along a trajectory; none of what is observed at
// many places.
func (f *fitTables) curve(trajectory, observation string) (curve plotter.XYs, err error) {
	column := observation
	if _, err := f.trajectories.Strings(column + "_obs"); err == nil {
		column += "_obs"
	}
	y, err := valuesOf(f.trajectories, column)
	if err != nil {
		if _, cells := f.trajectories.Strings(column + "[0]"); cells == nil {
			return nil, nil
		}
		return nil, report.Broken(f.run.Path("trajectories.csv"), err.Error())
	}
	at := f.curves[trajectory]
	for i := at[0]; i < at[1]; i++ {
		if finite(y[i]) {
			curve = append(curve, plotter.XY{X: f.curveTimes[i], Y: y[i]})
		}
	}
	return curve, nil
}

// panel draws a trajectory over the data of an observation, and the residuals below; nil where
// it was not measured.
func (f *fitTables) panel(s *sheet, of report.Shown, observation string) (*cell, error) {
	pts, given, residuals := f.points(of.Name, observation)
	if len(pts) == 0 {
		return nil, nil
	}
	curve, err := f.curve(of.Name, observation)
	if err != nil {
		return nil, err
	}
	title := strings.TrimPrefix(of.Name+" · "+observation, " · ")
	if of.Validation {
		of.Why = strings.TrimPrefix(of.Why+" in validation", " in ")
	}
	if of.Why != "" {
		title += " (" + of.Why + ")"
	}
	x := f.run.Label("t")
	p, q := newPlot(title, "", f.run.Label(observation)), newPlot("", x, "residual"+unit(f.run.Label(observation)))
	p.X.Tick.Marker = Ticks{Bare: true}
	lo, hi := bounds(pts, given, curve)
	for i, t := range f.events[of.Name] {
		if i > 200 {
			break // they would be a grey field
		}
		l, err := upright(t, lo, hi)
		if err != nil {
			return nil, err
		}
		s.explain("event", l)
		p.Add(l)
	}
	l, err := line(curve, ink, 1.1)
	if err != nil {
		return nil, err
	}
	sc, err := scatter(pts, dots, radius(len(pts)))
	if err != nil {
		return nil, err
	}
	p.Add(l, sc)
	if len(curve) > 0 {
		s.explain("fitted", l)
	}
	s.explain("data", sc)
	if len(given) > 0 {
		known, err := scatter(given, ink, radius(len(given)))
		if err != nil {
			return nil, err
		}
		known.Shape = draw.RingGlyph{}
		p.Add(known)
		s.explain("given", known)
	}
	room := 0.03 * (hi - lo)
	p.Y.Min, p.Y.Max = lo-room, hi+room
	share(p, q)
	if err := addResiduals(q, residuals); err != nil {
		return nil, err
	}
	return &cell{main: p, below: q}, nil
}

// unit is what a label says of the unit.
func unit(label string) string {
	if i := strings.LastIndex(label, " ["); i >= 0 && strings.HasSuffix(label, "]") {
		return label[i:]
	}
	return ""
}

// addResiduals draws residuals around zero.
func addResiduals(q *plot.Plot, residuals plotter.XYs) error {
	q.Y.Tick.Marker = Ticks{Few: true}
	if len(residuals) == 0 {
		return nil
	}
	most := 0.
	for _, r := range residuals {
		most = math.Max(most, math.Abs(r.Y))
	}
	sc, err := scatter(thin(residuals, mostDots), dots, radius(len(residuals)))
	if err != nil {
		return err
	}
	q.Add(sc)
	zero, err := line(plotter.XYs{{X: q.X.Min, Y: 0}, {X: q.X.Max, Y: 0}}, marks, 0.6)
	if err != nil {
		return err
	}
	q.Add(zero)
	if most > 0 {
		q.Y.Min, q.Y.Max = -1.1*most, 1.1*most
	}
	return nil
}

// finite reports whether a number can be drawn.
func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// radius is that of so many dots in a panel.
func radius(n int) float64 { return math.Max(0.8, math.Min(1.8, 18/math.Sqrt(float64(n)))) }

// explain adds an entry to the legend, once.
func (s *sheet) explain(name string, sample plot.Thumbnailer) {
	if !slices.ContainsFunc(s.legend, func(e entry) bool { return e.name == name }) {
		s.legend = append(s.legend, entry{name, sample})
	}
}

// share gives two plots that stand above each other one range of x.
func share(p, q *plot.Plot) {
	lo, hi := math.Min(p.X.Min, q.X.Min), math.Max(p.X.Max, q.X.Max)
	p.X.Min, p.X.Max, q.X.Min, q.X.Max = lo, hi, lo, hi
}

// agreement draws the measured values of an observation over the predicted ones of all
// trajectories, and the residuals below.
func (f *fitTables) agreement(s *sheet, observation string) (*cell, error) {
	var train, held, residuals plotter.XYs
	for i := range f.names {
		if f.observations[i] != observation || f.splits[i] == report.Given || !finite(f.predictions[i]) || !finite(f.values[i]) {
			continue
		}
		at := plotter.XY{X: f.predictions[i], Y: f.values[i]}
		residuals = append(residuals, plotter.XY{X: at.X, Y: at.Y - at.X})
		if f.splits[i] == "validate" {
			held = append(held, at)
		} else {
			train = append(train, at)
		}
	}
	label := f.run.Label(observation)
	p, q := newPlot(observation, "", "measured "+label), newPlot("", "predicted "+label, "residual"+unit(label))
	p.X.Tick.Marker = Ticks{Bare: true}
	lo, hi := math.Inf(1), math.Inf(-1)
	for _, at := range append(slices.Clone(train), held...) {
		lo, hi = min(lo, at.X), max(hi, at.X)
	}
	l, err := line(plotter.XYs{{X: lo, Y: lo}, {X: hi, Y: hi}}, ink, 1.1)
	if err != nil {
		return nil, err
	}
	p.Add(l)
	s.explain("measured = predicted", l)
	for _, c := range []struct {
		name string
		pts  plotter.XYs
		ink  color.Color
	}{{"data", train, dots}, {"validation", held, second}} {
		if len(c.pts) == 0 {
			continue
		}
		sc, err := scatter(thin(c.pts, mostDots), c.ink, radius(len(c.pts)))
		if err != nil {
			return nil, err
		}
		p.Add(sc)
		s.explain(c.name, sc)
	}
	if err := addResiduals(q, residuals); err != nil {
		return nil, err
	}
	share(p, q)
	return &cell{main: p, below: q}, nil
}

// mostDots is how many dots a panel has: more would hide each other.
const mostDots = 4000

// valuesOf are the numbers of a column of a table of ours, in which a result may be infinite, as the
// time of what has not happened yet.
func valuesOf(t *data.Table, name string) ([]float64, error) {
	list := make([]float64, t.Len())
	err := t.Each(name, func(i int, cell string) (err error) {
		list[i] = math.NaN()
		if cell == "" {
			return nil
		}
		if list[i], err = strconv.ParseFloat(cell, 64); err != nil {
			return fmt.Errorf("column `%s`, row %d: `%s` is not a number", name, i+1, cell)
		}
		return nil
	})
	return list, err
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
