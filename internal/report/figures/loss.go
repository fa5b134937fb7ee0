package figures

import (
	"bufio"
	"encoding/json"
	"fmt"
	"image/color"
	"math"
	"slices"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/pinode/pinode/internal/files"
	"github.com/pinode/pinode/internal/report"
)

// history is what the figure of the loss shows.
type history struct {
	train, valid plotter.XYs
	stages       []stage // where they begin
	horizon      plotter.XYs
}

// mostStages is up to how many stages are named; a procedure has more.
const mostStages = 12

// stage is a method of a chain, or a part of a procedure.
type stage struct {
	name string
	from float64
	anew bool // from elsewhere, or of another loss
}

// readHistory reads metrics.jsonl.
func readHistory(run *report.Folder) (*history, error) {
	f, err := files.Open(run.Path("metrics.jsonl"))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	h := &history{}
	sc := bufio.NewScanner(f)
	sc.Buffer(nil, 1<<24)
	start, last := 0, "" // of several starts, and the stage's own name
	for n := 1.; sc.Scan(); n++ {
		r := struct {
			Start   int      `json:"start"`
			Stage   string   `json:"stage_name"`
			Phase   string   `json:"phase"`
			Loss    float64  `json:"loss"`
			Valid   *float64 `json:"valid"`
			Horizon float64  `json:"horizon"`
		}{Horizon: 1}
		if err := json.Unmarshal(sc.Bytes(), &r); err != nil {
			return nil, report.Broken(run.Path("metrics.jsonl"), fmt.Sprintf("line %g: %s", n, err))
		}
		name := r.Stage
		if r.Phase != "" {
			name = r.Phase
		}
		if len(h.stages) == 0 || name != last || r.Start != start {
			st := stage{name, n, r.Start != start || r.Phase != ""}
			if r.Start != start {
				st.name = fmt.Sprintf("start %d: %s", r.Start+1, name)
			}
			h.stages, start, last = append(h.stages, st), r.Start, name
		}
		h.train = append(h.train, plotter.XY{X: n, Y: r.Loss})
		h.horizon = append(h.horizon, plotter.XY{X: n, Y: r.Horizon})
		if r.Valid != nil {
			h.valid = append(h.valid, plotter.XY{X: n, Y: *r.Valid})
		}
	}
	if start > 0 {
		h.stages[0].name = "start 1: " + h.stages[0].name
	}
	return h, sc.Err()
}

// lossFigure shows the loss over the iterations, in training and validation, with the stages
// of the fit and its curriculum. Where one axis cannot show both its fall and its end there is a
// second panel with the distance of the training loss from its least, by powers of ten: of a search of many
// descents it is the larger one, and the other shows the end.
func lossFigure(run *report.Folder) (*sheet, error) {
	h, err := readHistory(run)
	if err != nil || len(h.train) < 2 {
		return nil, err
	}
	lo, hi := bounds(h.train, h.valid)
	if !(hi-lo > 1e-9*math.Max(math.Abs(lo), math.Abs(hi))) { // nothing to see but round-off
		return nil, nil
	}
	s := &sheet{w: 15 * vg.Centimeter, h: 9*vg.Centimeter + legendHeight}
	p := newPlot("", "iteration", "loss")
	top := hi
	search := len(h.stages) > mostStages
	switch {
	case lo > 0 && hi > 20*lo:
		p.Y.Scale, p.Y.Tick.Marker = plot.LogScale{}, decades{}
	case lo <= 0 && search:
		top = math.Min(hi, lo+3*(upperQuarter(h.train)-lo))
	case lo <= 0:
		top = headroom(h.train, lo, hi)
	}
	if err := h.mark(s, p, lo, top); err != nil {
		return nil, err
	}
	s.h += s.footHeight()
	if err := h.curves(s, p, top, h.train, h.valid); err != nil {
		return nil, err
	}
	p.Y.Min, p.Y.Max = lo, top
	if p.Y.Scale == (plot.LogScale{}) {
		s.cells = [][]*cell{{{main: p}}}
		return s, nil
	}
	room := 0.04 * (top - lo)
	p.Y.Min, p.Y.Max = lo-room, top+room
	q, err := h.above(s)
	if err != nil {
		return nil, err
	}
	c := &cell{main: p, below: q}
	switch {
	case q == nil:
	case search:
		c = &cell{main: q, below: p}
		p.Y.Tick.Marker = Ticks{Few: true}
	case top < hi:
		s.note = fmt.Sprintf("up to %.3g above the axis", hi)
	}
	if q != nil {
		c.main.X.Label.Text, c.main.X.Tick.Marker = "", Ticks{Bare: true}
		s.h += 4 * vg.Centimeter
		share(p, q)
	}
	s.cells = [][]*cell{{c}}
	return s, nil
}

// upperQuarter is the loss that a quarter of the iterations are above.
func upperQuarter(pts plotter.XYs) float64 {
	list := make([]float64, len(pts))
	for i, x := range pts {
		list[i] = x.Y
	}
	slices.Sort(list)
	return list[3*len(list)/4]
}

// headroom is how far up an axis from lo goes that shows the end of a history as well as its
// start: ten times the range of the second half of the iterations, and a twentieth of the whole. Where that leaves little out,
// or half of it empty, it is the whole, or what is there.
func headroom(pts plotter.XYs, lo, hi float64) float64 {
	_, late := bounds(pts[len(pts)/2:])
	top := lo + math.Max(10*(late-lo), (hi-lo)/20)
	if hi-lo < 3*(top-lo) {
		return hi
	}
	most := lo
	for _, x := range pts {
		if x.Y <= top {
			most = math.Max(most, x.Y)
		}
	}
	return math.Max(most, lo+(top-lo)/2)
}

// mark draws where stages begin and shades where the horizon was not yet the whole.
func (h *history) mark(s *sheet, p *plot.Plot, lo, hi float64) error {
	if len(h.stages) > mostStages {
		s.note = fmt.Sprintf("%d stages", len(h.stages))
		return nil
	}
	if err := h.shade(s, p, lo, hi); err != nil {
		return err
	}
	numbered := h.crowded()
	row := 0 // of a name: above that of a stage which began a little before
	for i, st := range h.stages {
		if numbered {
			name := strconv.Itoa(i + 1)
			s.foot = append(s.foot, name+"  "+st.name)
			st.name = name
		}
		if row++; i == 0 || numbered || st.from-h.stages[i-1].from > 0.12*float64(len(h.train)) {
			row = 0
		}
		if i > 0 {
			l, err := upright(st.from, lo, hi)
			if err != nil {
				return err
			}
			p.Add(l)
		}
		labels, err := plotter.NewLabels(plotter.XYLabels{XYs: plotter.XYs{{X: st.from, Y: hi}}, Labels: []string{st.name}})
		if err != nil {
			return err
		}
		labels.TextStyle[0].Font.Size = vg.Points(8)
		labels.Offset = vg.Point{X: vg.Points(1), Y: vg.Points(3 + 9*float64(row%3))}
		p.Add(labels)
	}
	return nil
}

// shade shades where the horizon was not the whole.
func (h *history) shade(s *sheet, p *plot.Plot, lo, hi float64) error {
	least := 1.
	for _, x := range h.horizon {
		least = math.Min(least, x.Y)
	}
	for i := 0; i < len(h.horizon); i++ {
		from := i
		for i < len(h.horizon) && h.horizon[i].Y < 1 {
			i++
		}
		if i == from {
			continue
		}
		a, b := h.horizon[from].X, h.horizon[min(i, len(h.horizon)-1)].X
		f, err := plotter.NewPolygon(plotter.XYs{{X: a, Y: lo}, {X: b, Y: lo}, {X: b, Y: hi}, {X: a, Y: hi}})
		if err != nil {
			return err
		}
		f.Color, f.LineStyle.Width = shade, 0
		p.Add(f)
		s.explain(fmt.Sprintf("curriculum: horizon from %.0f %%", 100*least), f)
	}
	return nil
}

// lettersAcross is how many letters of a name the width of the figure has room for.
const lettersAcross = 110

// crowded reports whether the names of stages have no room side by side, in three rows.
func (h *history) crowded() bool {
	for i, st := range h.stages {
		end := float64(len(h.train)) + 1
		if i+3 < len(h.stages) {
			end = h.stages[i+3].from
		}
		if float64(len([]rune(st.name))) > lettersAcross*(end-st.from)/float64(len(h.train)) && st.anew {
			return true
		}
	}
	return false
}

// curves draws losses of training and validation, but for what is above a bound. Many descents, each from a start of
// its own, are thin lines behind the least loss so far.
func (h *history) curves(s *sheet, p *plot.Plot, top float64, train, valid plotter.XYs) error {
	type curve struct {
		name  string
		pts   plotter.XYs
		ink   color.Color
		width float64
	}
	list := []curve{{"training", train, ink, 1.1}, {"validation", valid, second, 1.1}}
	starts := map[float64]bool{}
	if len(h.stages) > mostStages {
		list[0] = curve{"each descent", train, marks, 0.6}
		list = append(list, curve{"best so far", best(train), ink, 1.3})
	}
	for _, st := range h.stages {
		starts[st.from] = st.anew || len(h.stages) > mostStages
	}
	for k, c := range list {
		if len(c.pts) < 2 {
			continue
		}
		from := 0
		for i := range c.pts {
			if end := i + 1; end == len(c.pts) || k == 0 && starts[c.pts[end].X] {
				for _, part := range visible(c.pts[from:end], top) {
					if err := s.part(p, c.name, part, c.ink, c.width); err != nil {
						return err
					}
				}
				from = end
			}
		}
	}
	return nil
}

// part draws a part of a curve, one of a single iteration as a dot.
func (s *sheet) part(p *plot.Plot, name string, pts plotter.XYs, ink color.Color, width float64) error {
	if len(pts) == 1 {
		dot, err := plotter.NewScatter(pts)
		if err != nil {
			return err
		}
		dot.GlyphStyle = draw.GlyphStyle{Color: ink, Radius: vg.Points(1.5), Shape: draw.CircleGlyph{}}
		p.Add(dot)
		return nil
	}
	l, err := line(pts, ink, width)
	if err != nil {
		return err
	}
	p.Add(l)
	s.explain(name, l)
	return nil
}

// visible are the parts of a curve up to top, cut where it passes there.
func visible(pts plotter.XYs, top float64) (parts []plotter.XYs) {
	var part plotter.XYs
	for i, x := range pts {
		if i > 0 && (x.Y > top) != (pts[i-1].Y > top) {
			was := pts[i-1]
			cut := plotter.XY{X: x.X, Y: top}
			if share := (top - was.Y) / (x.Y - was.Y); !math.IsNaN(share) {
				cut.X = was.X + share*(x.X-was.X)
			}
			part = append(part, cut)
		}
		if x.Y > top {
			if len(part) > 0 {
				parts, part = append(parts, part), nil
			}
			continue
		}
		part = append(part, x)
	}
	if len(part) > 0 {
		parts = append(parts, part)
	}
	return parts
}

// best is the least loss up to each iteration.
func best(pts plotter.XYs) plotter.XYs {
	out := make(plotter.XYs, len(pts))
	least := math.Inf(1)
	for i, x := range pts {
		least = math.Min(least, x.Y)
		out[i] = plotter.XY{X: x.X, Y: least}
	}
	return out
}

// above draws how far the training loss is above its least, nil where that is within a decade. What is at its least stands
// at the foot.
func (h *history) above(s *sheet) (*plot.Plot, error) {
	lo, hi := bounds(h.train)
	least, some := hi-lo, 0
	for _, x := range h.train {
		if x.Y > lo {
			least, some = math.Min(least, x.Y-lo), some+1
		}
	}
	least = math.Max(least, 1e-9*(hi-lo))
	if some < 2 || hi-lo < 20*least {
		return nil, nil
	}
	pts := make(plotter.XYs, len(h.train))
	for i, x := range h.train {
		pts[i] = plotter.XY{X: x.X, Y: math.Max(x.Y-lo, least)}
	}
	q := newPlot("", "iteration", "above the least")
	q.Y.Scale, q.Y.Tick.Marker = plot.LogScale{}, decades{few: true}
	if err := h.curves(s, q, hi-lo, pts, nil); err != nil {
		return nil, err
	}
	q.Y.Min, q.Y.Max = least, hi-lo
	return q, nil
}
