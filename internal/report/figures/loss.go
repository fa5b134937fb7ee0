package figures

import (
	"bufio"
	"encoding/json"
	"fmt"
	"image/color"
	"math"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"

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
	start := 0 // of several
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
			return nil, err
		}
		name := r.Stage
		if r.Phase != "" {
			name = r.Phase
		}
		if len(h.stages) == 0 || h.stages[len(h.stages)-1].name != name || r.Start != start {
			h.stages, start = append(h.stages, stage{name, n, r.Start != start || r.Phase != ""}), r.Start
		}
		h.train = append(h.train, plotter.XY{X: n, Y: r.Loss})
		h.horizon = append(h.horizon, plotter.XY{X: n, Y: r.Horizon})
		if r.Valid != nil {
			h.valid = append(h.valid, plotter.XY{X: n, Y: *r.Valid})
		}
	}
	return h, sc.Err()
}

// lossFigure shows the loss over the iterations, in training and validation, with the stages
// of the fit and its curriculum. Where one axis cannot show both its fall and its end there is a
// second panel with the distance of the training loss from its least, by powers of ten.
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
	switch {
	case lo > 0 && hi > 20*lo:
		p.Y.Scale, p.Y.Tick.Marker = plot.LogScale{}, decades{}
	case lo <= 0 && len(h.stages) > mostStages:
		first := best(h.train)
		top = headroom(first, lo, first[0].Y)
	case lo <= 0:
		top = headroom(h.train, lo, hi)
	}
	if err := h.mark(s, p, lo, top); err != nil {
		return nil, err
	}
	s.h += s.footHeight()
	if err := h.curves(s, p, top); err != nil {
		return nil, err
	}
	p.Y.Min, p.Y.Max = lo, top
	if p.Y.Scale == (plot.LogScale{}) {
		s.cells = [][]*cell{{{main: p}}}
		return s, nil
	}
	room := 0.04 * (top - lo)
	p.Y.Min, p.Y.Max = lo-room, top+room
	if top < hi {
		s.note = fmt.Sprintf("up to %.3g above the axis", hi)
	}
	q, err := h.above()
	if err != nil {
		return nil, err
	}
	if q == nil {
		s.cells = [][]*cell{{{main: p}}}
		return s, nil
	}
	p.X.Label.Text, p.X.Tick.Marker = "", Ticks{Bare: true}
	s.h += 4 * vg.Centimeter
	share(p, q)
	s.cells = [][]*cell{{{main: p, below: q}}}
	return s, nil
}

// headroom is how far up an axis from lo goes that shows the end of a history as well as its
// start: ten times the range of the second half of the iterations, and a twentieth of the whole.
func headroom(pts plotter.XYs, lo, hi float64) float64 {
	_, late := bounds(pts[len(pts)/2:])
	return math.Min(hi, lo+math.Max(10*(late-lo), (hi-lo)/20))
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

// curves draws the losses, but for what is above a bound. Many descents, each from a start of
// its own, are thin lines behind the least loss so far.
func (h *history) curves(s *sheet, p *plot.Plot, top float64) error {
	type curve struct {
		name  string
		pts   plotter.XYs
		ink   color.Color
		width float64
	}
	list := []curve{{"training", h.train, ink, 1.1}, {"validation", h.valid, second, 1.1}}
	starts := map[float64]bool{}
	if len(h.stages) > mostStages {
		list[0] = curve{"each descent", h.train, marks, 0.4}
		list = append(list, curve{"best so far", best(h.train), ink, 1.3})
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
			if end := i + 1; end == len(c.pts) || c.pts[end].Y > top || c.pts[from].Y > top || k == 0 && starts[c.pts[end].X] {
				if c.pts[from].Y <= top {
					l, err := line(c.pts[from:end], c.ink, c.width)
					if err != nil {
						return err
					}
					p.Add(l)
					s.explain(c.name, l)
				}
				from = end
			}
		}
	}
	return nil
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

// above draws how far the training loss is above its least, nil where that is within a decade.
func (h *history) above() (*plot.Plot, error) {
	lo, hi := bounds(h.train)
	var pts plotter.XYs
	least := hi - lo
	train := h.train
	if len(h.stages) > mostStages {
		train = best(train)
	}
	for _, x := range train {
		if x.Y > lo {
			pts = append(pts, plotter.XY{X: x.X, Y: x.Y - lo})
			least = math.Min(least, x.Y-lo)
		}
	}
	if len(pts) < 2 || hi-lo < 20*least {
		return nil, nil
	}
	q := newPlot("", "iteration", "above the least")
	q.Y.Scale, q.Y.Tick.Marker = plot.LogScale{}, decades{few: true}
	l, err := line(pts, ink, 1.1)
	if err != nil {
		return nil, err
	}
	q.Add(l)
	return q, nil
}
