// Package figures draws the figures of a run.
package figures

import (
	"bytes"
	"cmp"
	"image/color"
	"image/png"
	"io"
	"math"
	"path/filepath"
	"sync"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"

	"github.com/pinode/pinode/internal/files"
	"github.com/pinode/pinode/internal/report"
)

var (
	ink    = color.NRGBA{0x1f, 0x4e, 0x79, 0xff}
	dots   = color.NRGBA{0xd9, 0x5f, 0x02, 0xb0}
	marks  = color.NRGBA{0x99, 0x99, 0x99, 0xff}
	second = color.NRGBA{0x2c, 0x8c, 0x4b, 0xff}
	shade  = color.NRGBA{0xf3, 0xe3, 0xb5, 0x80}
	band   = color.NRGBA{0x1f, 0x4e, 0x79, 0x38}
)

// Draw draws all figures of a run and returns their paths.
func Draw(run *report.Folder, format string) ([]string, error) {
	figures := []struct {
		name string
		draw func(*report.Folder) (*sheet, error)
		path string
		err  error
		lost any // a panic
	}{{name: "fit", draw: fitFigure}, {name: "loss", draw: lossFigure}, {name: "learned", draw: learnedFigure}, {name: "profiles", draw: profilesFigure}}
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

// sheet is a grid of cells with one legend above all.
type sheet struct {
	cells  [][]*cell // nil: nothing there
	w, h   vg.Length
	legend []entry
	note   string // behind the legend
	foot   []string
}

// cell is a plot, with another one below, or nil, that has a part of its height.
type cell struct {
	main, below *plot.Plot
	part        float64 // 0: a third
}

// entry is a sample of what is drawn, and what it is.
type entry struct {
	name   string
	sample plot.Thumbnailer
}

// legendHeight is the room for a legend.
const legendHeight = 7 * vg.Millimeter

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
	s.draw(draw.New(c))
	var buf bytes.Buffer
	if err := write(&buf); err != nil {
		return err
	}
	return files.Replace(path, buf.Bytes())
}

// draw draws the cells, whose axes of y stand above each other in a column.
func (s *sheet) draw(all draw.Canvas) {
	if len(s.legend) > 0 {
		s.drawLegend(draw.Crop(all, 3*vg.Millimeter, 0, all.Max.Y-all.Min.Y-legendHeight, 0))
		all = draw.Crop(all, 0, 0, 0, -legendHeight)
	}
	if len(s.foot) > 0 {
		s.drawFoot(all)
		all = draw.Crop(all, 0, 0, s.footHeight()+2*vg.Millimeter, 0)
	}
	const edge, gap = 2 * vg.Millimeter, 5 * vg.Millimeter
	all = draw.Crop(all, edge, -2*edge, edge, -edge)
	rows, cols := len(s.cells), len(s.cells[0])
	w := (all.Max.X - all.Min.X - vg.Length(cols-1)*gap) / vg.Length(cols)
	h := (all.Max.Y - all.Min.Y - vg.Length(rows-1)*gap) / vg.Length(rows)
	for j := range cols {
		type placed struct {
			p *plot.Plot
			c draw.Canvas
		}
		var list []placed
		left, right := vg.Length(0), vg.Length(0)
		for i := range rows {
			c := s.cells[i][j]
			if c == nil {
				continue
			}
			at := all
			at.Min.X = all.Min.X + vg.Length(j)*(w+gap)
			at.Max.X = at.Min.X + w
			at.Max.Y = all.Max.Y - vg.Length(i)*(h+gap)
			at.Min.Y = at.Max.Y - h
			if c.below != nil {
				part := vg.Length(cmp.Or(c.part, 1./3))
				list = append(list, placed{c.main, draw.Crop(at, 0, 0, part*h, 0)}, placed{c.below, draw.Crop(at, 0, 0, 0, -(1-part)*h)})
			} else {
				list = append(list, placed{c.main, at})
			}
		}
		for _, x := range list {
			d := x.p.DataCanvas(x.c)
			left, right = max(left, d.Min.X-x.c.Min.X), max(right, x.c.Max.X-d.Max.X)
		}
		for _, x := range list {
			d := x.p.DataCanvas(x.c)
			x.p.Draw(draw.Crop(x.c, left-(d.Min.X-x.c.Min.X), (x.c.Max.X-d.Max.X)-right, 0, 0))
		}
	}
}

// footLine is the height of a line at the foot.
const footLine = 4 * vg.Millimeter

// footRows is how many lines there are at the foot: two columns, or one of long ones.
func (s *sheet) footRows() int {
	for _, text := range s.foot {
		if len([]rune(text)) > 50 {
			return len(s.foot)
		}
	}
	return (len(s.foot) + 1) / 2
}

func (s *sheet) footHeight() vg.Length { return vg.Length(s.footRows()) * footLine }

// drawFoot draws the lines at the foot.
func (s *sheet) drawFoot(c draw.Canvas) {
	rows := s.footRows()
	style := plot.New().Legend.TextStyle
	style.Font.Size = vg.Points(8)
	for i, text := range s.foot {
		x := c.Min.X + 12*vg.Millimeter + vg.Length(i/rows)*(c.Max.X-c.Min.X)/2
		y := c.Min.Y + 2*vg.Millimeter + vg.Length(rows-1-i%rows)*footLine
		c.FillText(style, vg.Point{X: x, Y: y}, text)
	}
}

// drawLegend draws the entries in a line.
func (s *sheet) drawLegend(c draw.Canvas) {
	style := plot.New().Legend.TextStyle
	style.Font.Size = vg.Points(9)
	style.YAlign = draw.YCenter
	x, y := c.Min.X, (c.Min.Y+c.Max.Y)/2
	for _, e := range s.legend {
		box := c
		box.Min, box.Max = vg.Point{X: x, Y: y - 1.5*vg.Millimeter}, vg.Point{X: x + 7*vg.Millimeter, Y: y + 1.5*vg.Millimeter}
		e.sample.Thumbnail(&box)
		x = box.Max.X + 1.5*vg.Millimeter
		c.FillText(style, vg.Point{X: x, Y: y}, e.name)
		x += style.Width(e.name) + 5*vg.Millimeter
	}
	if s.note != "" {
		c.FillText(style, vg.Point{X: x, Y: y}, s.note)
	}
}

// newPlot is a plot with small letters, round numbers at its ticks and these words.
func newPlot(title, x, y string) *plot.Plot {
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = title, x, y
	p.Title.TextStyle.Font.Size, p.Title.Padding = vg.Points(10), vg.Points(2)
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		a.Label.TextStyle.Font.Size, a.Tick.Label.Font.Size = vg.Points(9), vg.Points(8)
		a.Tick.Length, a.Padding = vg.Points(3), vg.Points(2)
		a.Tick.Marker = Ticks{}
	}
	return p
}

// line is a line of a colour and a width in points.
func line(pts plotter.XYs, c color.Color, points float64) (*plotter.Line, error) {
	l, err := plotter.NewLine(pts)
	if err != nil {
		return nil, err
	}
	l.Color, l.Width = c, vg.Points(points)
	return l, nil
}

// scatter are dots.
func scatter(pts plotter.XYs, c color.Color, radius float64) (*plotter.Scatter, error) {
	s, err := plotter.NewScatter(pts)
	if err != nil {
		return nil, err
	}
	s.Shape, s.Radius, s.Color = draw.CircleGlyph{}, vg.Points(radius), c
	return s, nil
}

// upright is a dashed line through a plot.
func upright(x, lo, hi float64) (*plotter.Line, error) {
	l, err := line(plotter.XYs{{X: x, Y: lo}, {X: x, Y: hi}}, marks, 0.6)
	if err == nil {
		l.Dashes = []vg.Length{vg.Points(2), vg.Points(2)}
	}
	return l, err
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
