package figures

import (
	"errors"
	"io/fs"
	"math"

	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"

	"github.com/pinode/pinode/data"
	"github.com/pinode/pinode/internal/report"
)

// rise95 is half the quantile of χ² of one degree of freedom.
const rise95 = 1.920729410347062

// profileColumns is how many profiles stand side by side, mostProfiles how many are shown.
const (
	profileColumns = 3
	mostProfiles   = 30
)

// profilesFigure shows how the likelihood falls on both sides of each parameter, with the rise of its
// negative logarithm at which a 95 % interval ends, and the parabola that its curvature tells.
func profilesFigure(run *report.Folder) (*sheet, error) {
	t, err := data.ReadFile(run.Path("profiles.csv"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	names, err1 := t.Strings("parameter")
	units, err2 := t.Strings("unit")
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	column := map[string][]float64{}
	for _, c := range []string{"estimate", "stderr", "value", "rise"} {
		if column[c], err = t.Floats(c); err != nil {
			return nil, err
		}
	}
	var list []*profiled
	for i, name := range names {
		if i == 0 || name != names[i-1] {
			label := name
			if units[i] != "1" {
				label += " [" + units[i] + "]"
			}
			list = append(list, &profiled{label: label, estimate: column["estimate"][i], stdErr: column["stderr"][i]})
		}
		p := list[len(list)-1]
		p.pts = append(p.pts, plotter.XY{X: column["value"][i], Y: column["rise"][i]})
	}
	if len(list) > mostProfiles {
		list = list[:mostProfiles]
	}
	s := &sheet{}
	for k, x := range list {
		if k%profileColumns == 0 {
			s.cells = append(s.cells, nil)
		}
		c, err := x.draw(s)
		if err != nil {
			return nil, err
		}
		row := &s.cells[len(s.cells)-1]
		*row = append(*row, c)
	}
	cols := min(len(list), profileColumns)
	for i := range s.cells {
		for len(s.cells[i]) < cols {
			s.cells[i] = append(s.cells[i], nil)
		}
	}
	s.w, s.h = vg.Length(max(2, cols))*6*vg.Centimeter, vg.Length(len(s.cells))*5.5*vg.Centimeter+legendHeight
	return s, nil
}

// profiled is the profile of a parameter.
type profiled struct {
	label            string
	estimate, stdErr float64
	pts              plotter.XYs
}

// draw draws its panel.
func (x *profiled) draw(s *sheet) (*cell, error) {
	const top = 1.5 * rise95
	width := x.width()
	shown := func(p plotter.XY) bool { return p.Y <= top && math.Abs(p.X-x.estimate) <= width }
	var inside, curve plotter.XYs
	lo, hi := x.estimate, x.estimate
	for _, p := range smooth(x.pts, x.estimate) {
		if shown(p) {
			curve = append(curve, p)
			lo, hi = math.Min(lo, p.X), math.Max(hi, p.X)
		}
	}
	for _, p := range x.pts {
		if shown(p) {
			inside = append(inside, p)
		}
	}
	p := newPlot("", x.label, "rise of −log likelihood")
	p.X.Tick.Marker = Ticks{Few: true}
	p.Add(plotter.NewGrid())
	room := 0.05 * (hi - lo)
	lo, hi = lo-room, hi+room
	limit, err := line(plotter.XYs{{X: lo, Y: rise95}, {X: hi, Y: rise95}}, second, 1)
	if err != nil {
		return nil, err
	}
	l, err := line(curve, ink, 1.2)
	if err != nil {
		return nil, err
	}
	sc, err := scatter(inside, ink, 1.6)
	if err != nil {
		return nil, err
	}
	best, err := upright(x.estimate, 0, top)
	if err != nil {
		return nil, err
	}
	p.Add(best, limit)
	var parabola plotter.XYs
	for i := range 101 {
		at := lo + (hi-lo)*float64(i)/100
		if z := (at - x.estimate) / x.stdErr; z*z/2 <= top {
			parabola = append(parabola, plotter.XY{X: at, Y: z * z / 2})
		}
	}
	if len(parabola) > 1 {
		normal, err := line(parabola, dots, 1)
		if err != nil {
			return nil, err
		}
		normal.Dashes = []vg.Length{vg.Points(4), vg.Points(2)}
		p.Add(normal)
		s.explain("by the standard error", normal)
	}
	p.Add(l, sc)
	p.Y.Min, p.Y.Max = 0, top
	s.explain("profile", l)
	s.explain("95 %", limit)
	s.explain("estimate", best)
	return &cell{main: p}, nil
}

// width is how far to both sides of the estimate a panel goes: a profile that the data do not bound goes on for ever.
func (x *profiled) width() float64 {
	const errors, sides = 6, 8
	if x.stdErr > 0 {
		return errors * x.stdErr
	}
	below, above := x.estimate-x.pts[0].X, x.pts[len(x.pts)-1].X-x.estimate
	if below > 0 && above > 0 {
		return sides * math.Min(below, above)
	}
	return math.Max(below, above)
}

// smooth has points between those of a profile: the root of the rise, with the sign of the side, is nearly
// a line.
func smooth(pts plotter.XYs, estimate float64) plotter.XYs {
	root := func(p plotter.XY) float64 {
		return math.Copysign(math.Sqrt(math.Max(0, p.Y)), p.X-estimate)
	}
	var out plotter.XYs
	for i, p := range pts[1:] {
		from := pts[i]
		for k := range 20 {
			part := float64(k) / 20
			z := root(from) + part*(root(p)-root(from))
			out = append(out, plotter.XY{X: from.X + part*(p.X-from.X), Y: z * z})
		}
	}
	return append(out, pts[len(pts)-1])
}
