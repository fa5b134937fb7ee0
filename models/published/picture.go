package published

import (
	"bytes"
	"image/color"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"

	"github.com/pinode/pinode/internal/files"
	"github.com/pinode/pinode/internal/report/figures"
)

// series is what a picture shows under one name: a curve, or dots.
type series struct {
	name string
	dots bool
	x, y []float64
}

// add adds a place to the series.
func (c *series) add(x, y float64) { c.x, c.y = append(c.x, x), append(c.y, y) }

var inks = []color.Color{
	color.NRGBA{0x1f, 0x4e, 0x79, 0xff}, color.NRGBA{0xd9, 0x5f, 0x02, 0xff}, color.NRGBA{0x2a, 0x7f, 0x4f, 0xff}, color.NRGBA{0x7b, 0x3f, 0x8c, 0xff},
}

// picture draws what a row has shown to picture.png, which is copied beside its page.
func (s *study) picture(x, y string, list ...series) error {
	p := plot.New()
	p.X.Label.Text, p.Y.Label.Text = x, y
	p.X.Tick.Marker, p.Y.Tick.Marker = figures.Ticks{}, figures.Ticks{}
	legend := plot.NewLegend()
	legend.Top, legend.Left = true, true
	legend.TextStyle.Font.Size = vg.Points(10)
	legend.ThumbnailWidth, legend.Padding = 5*vg.Millimeter, vg.Millimeter
	for i := range list {
		c, ink := &list[i], inks[i%len(inks)]
		xy := make(plotter.XYs, len(c.x))
		for k := range xy {
			xy[k].X, xy[k].Y = c.x[k], c.y[k]
		}
		if c.dots {
			d, err := plotter.NewScatter(xy)
			if err != nil {
				return err
			}
			d.Color, d.Radius, d.Shape = ink, vg.Points(1.2), draw.CircleGlyph{}
			p.Add(d)
			legend.Add(c.name, d)
			continue
		}
		l, err := plotter.NewLine(xy)
		if err != nil {
			return err
		}
		l.Color, l.Width = ink, vg.Points(1.4)
		p.Add(l)
		legend.Add(c.name, l)
	}
	wide := legend.Rectangle(draw.Canvas{}).Size().X + 6*vg.Millimeter
	img := vgimg.NewWith(vgimg.UseWH(15*vg.Centimeter, 7.5*vg.Centimeter), vgimg.UseDPI(96), vgimg.UseBackgroundColor(color.White))
	all := draw.Crop(draw.New(img), vg.Millimeter, 0, vg.Millimeter, -2*vg.Millimeter)
	p.Draw(draw.Crop(all, 0, -wide, 0, 0))
	side := all
	side.Min.X = all.Max.X - wide + 3*vg.Millimeter // beside the panel, where no curve can be
	legend.Draw(side)
	var buf bytes.Buffer
	if _, err := (vgimg.PngCanvas{Canvas: img}).WriteTo(&buf); err != nil {
		return err
	}
	return files.Replace(s.path("picture.png"), buf.Bytes())
}
