// Command gen draws the pictures of docs/events.md: for every model of the
// page that is followed by an image, a run of it. Run it from the root:
//
//	go run ./docs/gen
package main

import (
	"fmt"
	"image/color"
	"log"
	"os"
	"path/filepath"
	"regexp"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"

	"github.com/pinode/pinode"
)

var block = regexp.MustCompile("(?s)```node\n(.*?)```\n!\\[[^\\]]*\\]\\(([^)]*)\\)")

var colors = []color.Color{
	color.NRGBA{0x1f, 0x4e, 0x79, 0xff}, color.NRGBA{0xd9, 0x5f, 0x02, 0xff}, color.NRGBA{0x2a, 0x7f, 0x4f, 0xff}, color.NRGBA{0x7b, 0x3f, 0x8c, 0xff},
}

func main() {
	page, err := os.ReadFile("docs/events.md")
	if err != nil {
		log.Fatal(err)
	}
	for _, m := range block.FindAllSubmatch(page, -1) {
		if err := draw(string(m[1]), filepath.Join("docs", string(m[2]))); err != nil {
			log.Fatalf("%s: %s", m[2], err)
		}
	}
}

// draw runs a model and draws its columns over time, with lines at its events.
func draw(text, path string) error {
	m, err := pinode.Parse(path, text)
	if err != nil {
		return err
	}
	s, err := m.Simulate()
	if err != nil {
		return err
	}
	p := plot.New()
	p.X.Label.Text = s.Columns[0]
	p.Legend.Top = true
	p.Legend.TextStyle.Font.Size = vg.Points(9)
	many := len(s.Trajectories) > 1
	for k, tr := range s.Trajectories {
		seen := map[float64]bool{}
		lo, hi := 0., 0.
		for _, row := range tr.Rows {
			for _, v := range row[1:] {
				lo, hi = min(lo, v), max(hi, v)
			}
		}
		for _, e := range tr.Events {
			if seen[e.Time] || many {
				continue
			}
			seen[e.Time] = true
			l, err := plotter.NewLine(plotter.XYs{{X: e.Time, Y: lo}, {X: e.Time, Y: hi}})
			if err != nil {
				return err
			}
			l.Color, l.Width = color.Gray{0xd0}, vg.Points(0.8)
			p.Add(l)
		}
		for c := 1; c < len(s.Columns); c++ {
			if many && c > 1 {
				break // the first column tells it
			}
			xy := make(plotter.XYs, len(tr.Rows))
			for i, row := range tr.Rows {
				xy[i].X, xy[i].Y = row[0], row[c]
			}
			l, err := plotter.NewLine(xy)
			if err != nil {
				return err
			}
			l.Color, l.Width = colors[(c-1+k)%len(colors)], vg.Points(1.4)
			p.Add(l)
			name := s.Columns[c]
			if many {
				name += ", " + tr.Name
			}
			p.Legend.Add(name, l)
		}
	}
	p.Y.Max += 0.3 * (p.Y.Max - p.Y.Min) // room for the legend
	if err := p.Save(15*vg.Centimeter, 6*vg.Centimeter, path); err != nil {
		return err
	}
	fmt.Println(path)
	return nil
}
