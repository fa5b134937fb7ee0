package published

import (
	"bytes"
	"fmt"
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

// snapshots are a field at some times, each a curve, and dots where it is to be.
type snapshots struct {
	times []series
	truth series
}

// add adds a place, those of a time one after the other, and to the dots every eighth.
func (f *snapshots) add(t, x, u, want float64) {
	name := fmt.Sprintf("t = %.3g", t)
	if n := len(f.times); n == 0 || f.times[n-1].name != name {
		f.times = append(f.times, series{name: name})
	}
	at := &f.times[len(f.times)-1]
	if len(at.x)%8 == 0 {
		f.truth.add(x, want)
	}
	at.add(x, u)
}

func (f *snapshots) series() []series {
	f.truth.name, f.truth.dots = "reference", true
	return append(f.times, f.truth)
}

var inks = []color.Color{
	color.NRGBA{0x1f, 0x4e, 0x79, 0xff},
	color.NRGBA{0xd9, 0x5f, 0x02, 0xff},
	color.NRGBA{0x2a, 0x7f, 0x4f, 0xff},
	color.NRGBA{0x7b, 0x3f, 0x8c, 0xff},
	color.NRGBA{0x33, 0x33, 0x33, 0xff},
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
