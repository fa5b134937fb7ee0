package main

import (
	"bytes"
	"image/color"
	"math"
	"slices"
	"strings"
	"unicode"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"

	"github.com/pinode/pinode"
	"github.com/pinode/pinode/internal/report/figures"
)

var (
	colors = []color.Color{
		color.NRGBA{0x1f, 0x4e, 0x79, 0xff}, color.NRGBA{0xd9, 0x5f, 0x02, 0xff}, color.NRGBA{0x2a, 0x7f, 0x4f, 0xff}, color.NRGBA{0x7b, 0x3f, 0x8c, 0xff},
	}
	eventLine = color.Gray{0xc8}
	slideFill = color.NRGBA{0xf3, 0xe3, 0xb5, 0xff}
)

// png draws the curves: one panel for each unit, from the top.
func (c *curves) png() ([]byte, error) {
	groups := c.groups()
	panels := make([][]*plot.Plot, len(groups))
	legends := make([]*plot.Legend, len(groups))
	wide := vg.Length(0)
	for i, g := range groups {
		p, l, err := c.panel(g, i == len(groups)-1)
		if err != nil {
			return nil, err
		}
		panels[i], legends[i] = []*plot.Plot{p}, l
		if l != nil {
			wide = max(wide, l.Rectangle(draw.Canvas{}).Size().X+6*vg.Millimeter)
		}
	}
	w, h := 15*vg.Centimeter, vg.Length(len(groups))*4*vg.Centimeter+1.5*vg.Centimeter
	if len(groups) == 1 {
		h += 0.5 * vg.Centimeter
	}
	img := vgimg.NewWith(vgimg.UseWH(w, h), vgimg.UseDPI(96), vgimg.UseBackgroundColor(color.White))
	all := draw.New(img)
	tiles := draw.Tiles{Rows: len(groups), Cols: 1, PadY: 3 * vg.Millimeter, PadTop: 2 * vg.Millimeter, PadBottom: vg.Millimeter, PadLeft: vg.Millimeter, PadRight: 3 * vg.Millimeter}
	for i, row := range plot.Align(panels, tiles, draw.Crop(all, 0, -wide, 0, 0)) {
		panels[i][0].Draw(row[0])
		if legends[i] != nil { // beside the panel, where no curve can be
			side := row[0]
			side.Min.X, side.Max.X = side.Max.X+3*vg.Millimeter, all.Max.X
			legends[i].Draw(side)
		}
	}
	var buf bytes.Buffer
	_, err := vgimg.PngCanvas{Canvas: img}.WriteTo(&buf)
	return buf.Bytes(), err
}

// groups lists the columns of each unit.
func (c *curves) groups() (groups [][]int) {
	for k := 1; k < len(c.columns); k++ {
		found := false
		for i, g := range groups {
			if c.units[g[0]] == c.units[k] {
				groups[i], found = append(g, k), true
				break
			}
		}
		if !found {
			groups = append(groups, []int{k})
		}
	}
	return groups
}

// axis is a name and its unit.
func axis(name, unit string) string {
	switch {
	case unit == "":
		return name
	case name == "":
		return "[" + unit + "]"
	}
	return name + " [" + unit + "]"
}

// panel draws columns of one unit. Its legend is nil where the axis says all.
func (c *curves) panel(columns []int, last bool) (*plot.Plot, *plot.Legend, error) {
	p := plot.New()
	p.X.Tick.Marker, p.Y.Tick.Marker = figures.Ticks{}, figures.Ticks{}
	if last {
		p.X.Label.Text = axis(c.columns[0], c.units[0])
	}
	lo, hi := c.bounds(columns)
	if len(c.runs) == 1 {
		if err := marks(p, c.runs[0], lo, hi); err != nil {
			return nil, nil, err
		}
	}
	legend := plot.NewLegend()
	legend.Top, legend.Left = true, true
	legend.TextStyle.Font.Size = vg.Points(10)
	legend.ThumbnailWidth, legend.Padding = 5*vg.Millimeter, vg.Millimeter
	lines := 0
	for _, r := range c.runs {
		for _, k := range columns {
			name := c.columns[k]
			if len(c.runs) > 1 {
				name = r.Name
			}
			if err := c.curve(p, &legend, name, r, k, lines); err != nil {
				return nil, nil, err
			}
			lines++
			if err := c.ends(p, r, k); err != nil {
				return nil, nil, err
			}
		}
	}
	p.Y.Min, p.Y.Max = lo, hi
	unit, name := c.units[columns[0]], ""
	if len(columns) == 1 {
		name = c.columns[columns[0]]
	}
	p.Y.Label.Text = axis(name, unit)
	if lines == 1 {
		return p, nil, nil
	}
	return p, &legend, nil
}

// curve draws a column of a run: a line, or dots at the times that it is looked
// at. The dots of the second column are larger and empty.
func (c *curves) curve(p *plot.Plot, legend *plot.Legend, name string, r *pinode.Trajectory, column, nth int) error {
	ink := colors[nth%len(colors)]
	if !slices.Contains(c.dots, c.columns[column]) {
		xy := make(plotter.XYs, len(r.Rows))
		for i, row := range r.Rows {
			xy[i].X, xy[i].Y = row[0], row[column]
		}
		l, err := plotter.NewLine(xy)
		if err != nil {
			return err
		}
		l.Color, l.Width = ink, vg.Points(1.4)
		p.Add(l)
		legend.Add(name, l)
		return nil
	}
	xy := make(plotter.XYs, len(c.times))
	for i, t := range c.times {
		xy[i] = plotter.XY{X: t, Y: at(r, t)[column]}
	}
	s, err := plotter.NewScatter(xy)
	if err != nil {
		return err
	}
	s.Color, s.Radius, s.Shape = ink, vg.Points(3), draw.GlyphDrawer(draw.CircleGlyph{})
	if column == len(c.columns)-1 {
		s.Radius, s.Shape = vg.Points(4.5), draw.RingGlyph{}
	}
	p.Add(s)
	legend.Add(name, s)
	return nil
}

// at is the last row of a run up to a time.
func at(r *pinode.Trajectory, t float64) []float64 {
	last := r.Rows[0]
	for _, row := range r.Rows {
		if row[0] <= t {
			last = row
		}
	}
	return last
}

// bounds is the range of columns, with some room.
func (c *curves) bounds(columns []int) (lo, hi float64) {
	lo, hi = math.Inf(1), math.Inf(-1)
	for _, r := range c.runs {
		for _, row := range r.Rows {
			for _, k := range columns {
				lo, hi = min(lo, row[k]), max(hi, row[k])
			}
		}
	}
	room := 0.06 * (hi - lo)
	if room == 0 {
		room = 0.5
	}
	return lo - room, hi + room
}

// marks draws a grey line at each instant of events, and shades the time that a
// run slides along a surface.
func marks(p *plot.Plot, r *pinode.Trajectory, lo, hi float64) error {
	seen := map[float64]bool{}
	since := map[string]float64{}
	shade := func(from, to float64) error {
		f, err := plotter.NewPolygon(plotter.XYs{{X: from, Y: lo}, {X: to, Y: lo}, {X: to, Y: hi}, {X: from, Y: hi}})
		if err != nil {
			return err
		}
		f.Color, f.LineStyle.Width = slideFill, 0
		p.Add(f)
		return nil
	}
	for _, e := range r.Events {
		switch e.Name {
		case "slide":
			since[e.Surface] = e.Time
		case "slide end":
			if err := shade(since[e.Surface], e.Time); err != nil {
				return err
			}
			delete(since, e.Surface)
		}
	}
	for _, from := range since {
		if err := shade(from, r.Rows[len(r.Rows)-1][0]); err != nil {
			return err
		}
	}
	for _, e := range r.Events {
		if seen[e.Time] || e.Surface != "" {
			continue
		}
		seen[e.Time] = true
		l, err := plotter.NewLine(plotter.XYs{{X: e.Time, Y: lo}, {X: e.Time, Y: hi}})
		if err != nil {
			return err
		}
		l.Color, l.Width = eventLine, vg.Points(0.8)
		p.Add(l)
	}
	return nil
}

// ends marks where a column enters and leaves a sliding motion: a full and an
// empty circle. Where the surface names columns it is those that are marked.
func (c *curves) ends(p *plot.Plot, r *pinode.Trajectory, column int) error {
	for _, e := range r.Events {
		if e.Surface == "" || !c.named(e.Surface, c.columns[column]) {
			continue
		}
		s, err := plotter.NewScatter(plotter.XYs{{X: e.Time, Y: at(r, e.Time)[column]}})
		if err != nil {
			return err
		}
		s.Color, s.Radius, s.Shape = color.Black, vg.Points(3), draw.GlyphDrawer(draw.CircleGlyph{})
		if e.Name == "slide end" {
			s.Shape = draw.RingGlyph{}
		}
		p.Add(s)
	}
	return nil
}

// named reports whether the text of a surface has the name of a column, or that
// of none.
func (c *curves) named(text, column string) bool {
	words := strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '_' })
	for _, w := range words {
		if slices.Contains(c.columns, w) {
			return slices.Contains(words, column)
		}
	}
	return true
}
