package figures

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"sort"

	"gonum.org/v1/plot/palette/moreland"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/pinode/pinode/data"
	"github.com/pinode/pinode/internal/report"
)

// learnedBlock is what a neural block gave where it was asked.
type learnedBlock struct {
	name         string
	args, values [][]float64 // column by column
	lower, upper [][]float64 // a band around the values, or nil
}

// readLearned reads learned.csv.
func readLearned(run *report.Folder) ([]*learnedBlock, error) {
	t, err := data.ReadFile(run.Path("learned.csv"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	blocks, err := t.Strings("block")
	if err != nil {
		return nil, err
	}
	var list []*learnedBlock
	rows := map[string][]int{}
	for i, b := range blocks {
		if rows[b] == nil {
			list = append(list, &learnedBlock{name: b})
		}
		rows[b] = append(rows[b], i)
	}
	for _, c := range []struct {
		prefix string
		to     func(*learnedBlock) *[][]float64
	}{
		{"argument", func(b *learnedBlock) *[][]float64 { return &b.args }},
		{"value", func(b *learnedBlock) *[][]float64 { return &b.values }},
		{"lower", func(b *learnedBlock) *[][]float64 { return &b.lower }},
		{"upper", func(b *learnedBlock) *[][]float64 { return &b.upper }},
	} {
		for k := 0; ; k++ {
			column, err := t.Floats(fmt.Sprintf("%s_%d", c.prefix, k))
			if err != nil {
				break
			}
			for _, b := range list {
				var v []float64
				for _, i := range rows[b.name] {
					v = append(v, column[i])
				}
				if !math.IsNaN(v[0]) { // of other blocks, which are wider
					to := c.to(b)
					*to = append(*to, v)
				}
			}
		}
	}
	for _, b := range list {
		if len(b.values) == 0 || len(b.args) == 0 {
			return nil, fmt.Errorf("%s has no arguments or values of block `%s`", run.Path("learned.csv"), b.name)
		}
	}
	return list, nil
}

// mostLearned is how many arguments of a block have panels, and how many of these stand side by side; mostResults how many results have.
const (
	mostLearned = 4
	mostResults = 32
)

// learnedFigure shows what neural blocks learned, over the values of their arguments that
// the trajectories visit: a row for each block, one panel for each result. One of two arguments is a field of
// colours; of more each argument has a panel of its own.
func learnedFigure(run *report.Folder) (*sheet, error) {
	list, err := readLearned(run)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	s := &sheet{}
	cols := 0
	for _, b := range list {
		var row []*cell
		for k := range min(mostResults, len(b.values)) {
			var cells []*cell
			switch len(b.args) {
			case 1:
				cells, err = b.curve(run, s, k)
			case 2:
				cells, err = b.fields(run, k)
			default:
				cells, err = b.clouds(run, s, k)
			}
			if err != nil {
				return nil, err
			}
			if len(row)+len(cells) > mostLearned || row != nil && len(b.args) > 2 {
				s.cells, row = append(s.cells, row), nil
			}
			row = append(row, cells...)
		}
		if row != nil {
			s.cells = append(s.cells, row)
		}
	}
	for _, row := range s.cells {
		cols = max(cols, len(row))
	}
	for i, row := range s.cells {
		s.cells[i] = append(row, make([]*cell, cols-len(row))...)
	}
	s.w, s.h = vg.Length(cols)*9*vg.Centimeter, vg.Length(len(s.cells))*7*vg.Centimeter
	if len(s.legend) > 0 {
		s.h += legendHeight
	}
	if cols == 1 {
		s.w *= 1.4
	}
	return s, nil
}

// labels of a result and an argument.
func (b *learnedBlock) result(run *report.Folder, k int) string {
	if len(b.values) > 1 {
		return fmt.Sprintf("%s, result %d", run.Label(b.name), k)
	}
	return run.Label(b.name)
}

func (b *learnedBlock) argument(run *report.Folder, k int) string {
	return run.Label(fmt.Sprintf("%s(%d)", b.name, k))
}

// curve is a result of a block of one argument.
func (b *learnedBlock) curve(run *report.Folder, s *sheet, k int) ([]*cell, error) {
	at := make([]int, len(b.args[0]))
	for i := range at {
		at[i] = i
	}
	sort.Slice(at, func(i, j int) bool { return b.args[0][at[i]] < b.args[0][at[j]] })
	var pts, around plotter.XYs
	var banded []int
	for _, i := range at {
		if b.banded(k, i) {
			banded = append(banded, i)
		}
		pts = append(pts, plotter.XY{X: b.args[0][i], Y: b.values[k][i]})
	}
	p := newPlot("learned: "+b.name, b.argument(run, 0), b.result(run, k))
	p.Add(plotter.NewGrid())
	if len(banded) > 0 {
		for _, i := range banded {
			around = append(around, plotter.XY{X: b.args[0][i], Y: b.upper[k][i]})
		}
		for n := len(banded) - 1; n >= 0; n-- {
			around = append(around, plotter.XY{X: b.args[0][banded[n]], Y: b.lower[k][banded[n]]})
		}
		f, err := plotter.NewPolygon(around)
		if err != nil {
			return nil, err
		}
		f.Color, f.LineStyle.Width = band, 0
		p.Add(f)
		s.explain("± 2 "+errorsOf(run), f)
	}
	l, err := line(pts, ink, 1.4)
	if err != nil {
		return nil, err
	}
	// Where the block was asked, at the foot.
	lo, hi := bounds(pts, around)
	foot := thin(pts, 300)
	rug := make(plotter.XYs, len(foot))
	for i, x := range foot {
		rug[i] = plotter.XY{X: x.X, Y: lo - 0.05*(hi-lo)}
	}
	sc, err := scatter(rug, dots, 1.2)
	if err != nil {
		return nil, err
	}
	p.Add(l, sc)
	s.explain("learned", l)
	s.explain("visited", sc)
	return []*cell{{main: p}}, nil
}

// errorsOf says what the band of a block has two of to each side.
func errorsOf(run *report.Folder) string {
	if _, config, err := run.Model(); err == nil {
		if of, ok := config["fit"].(map[string]any); ok && of["uncertainty"] == "ensemble" {
			return "standard deviations of the fits"
		}
	}
	return "standard errors"
}

// banded tells whether result k has a band in row i.
func (b *learnedBlock) banded(k, i int) bool {
	return k < len(b.lower) && k < len(b.upper) && !math.IsNaN(b.lower[k][i]+b.upper[k][i])
}

// fields are a result of a block of two arguments and, where they are known, its standard errors.
func (b *learnedBlock) fields(run *report.Folder, k int) (cells []*cell, err error) {
	var all, banded []int
	half := make([]float64, len(b.values[k]))
	for i := range half {
		all = append(all, i)
		if b.banded(k, i) {
			banded, half[i] = append(banded, i), (b.upper[k][i]-b.lower[k][i])/4
		}
	}
	c, err := b.field(run, all, b.values[k], b.result(run, k))
	if err != nil {
		return nil, err
	}
	if cells = append(cells, c); len(banded) > 0 {
		c, err = b.field(run, banded, half, errorsOf(run)+": "+b.result(run, k))
		cells = append(cells, c)
	}
	return cells, err
}

// field shows numbers of some rows by colours over two arguments.
func (b *learnedBlock) field(run *report.Folder, rows []int, of []float64, label string) (*cell, error) {
	lo, hi := math.Inf(1), math.Inf(-1)
	for _, i := range rows {
		lo, hi = math.Min(lo, of[i]), math.Max(hi, of[i])
	}
	if !(hi > lo) {
		hi, lo = hi+0.5, lo-0.5
	}
	colors := moreland.SmoothBlueRed()
	colors.SetMin(lo)
	colors.SetMax(hi)
	every := max(1, len(rows)/mostDots)
	var pts plotter.XYs
	var values []float64
	for n := 0; n < len(rows); n += every {
		i := rows[n]
		pts, values = append(pts, plotter.XY{X: b.args[0][i], Y: b.args[1][i]}), append(values, of[i])
	}
	sc, err := scatter(pts, ink, 2.2)
	if err != nil {
		return nil, err
	}
	sc.GlyphStyleFunc = func(i int) draw.GlyphStyle {
		c, err := colors.At(values[i])
		if err != nil {
			c = marks
		}
		return draw.GlyphStyle{Color: c, Radius: vg.Points(2.2), Shape: draw.CircleGlyph{}}
	}
	p := newPlot("learned: "+b.name, b.argument(run, 0), b.argument(run, 1))
	p.Add(plotter.NewGrid(), sc)
	scale := newPlot("", label, "")
	scale.Add(&plotter.ColorBar{ColorMap: colors})
	scale.HideY()
	return &cell{main: p, below: scale, part: 0.2}, nil
}

// clouds are a result of a block of many arguments over each of these.
func (b *learnedBlock) clouds(run *report.Folder, s *sheet, k int) (cells []*cell, err error) {
	every := max(1, len(b.args[0])/mostDots)
	for a := range min(mostLearned, len(b.args)) {
		p := newPlot("learned: "+b.name, b.argument(run, a), b.result(run, k))
		p.Add(plotter.NewGrid())
		var pts plotter.XYs
		for i := 0; i < len(b.args[a]); i += every {
			x := b.args[a][i]
			pts = append(pts, plotter.XY{X: x, Y: b.values[k][i]})
			if !b.banded(k, i) {
				continue
			}
			bar, err := line(plotter.XYs{{X: x, Y: b.lower[k][i]}, {X: x, Y: b.upper[k][i]}}, band, 1)
			if err != nil {
				return nil, err
			}
			p.Add(bar)
			s.explain("± 2 "+errorsOf(run), bar)
		}
		sc, err := scatter(pts, ink, 1.2)
		if err != nil {
			return nil, err
		}
		p.Add(sc)
		s.explain("learned", sc)
		cells = append(cells, &cell{main: p})
	}
	return cells, nil
}
