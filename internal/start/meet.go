package start

import (
	"context"
	"math"
	"slices"
	"sort"

	"gonum.org/v1/gonum/mat"

	"github.com/pinode/pinode/compiler/lower"
	"github.com/pinode/pinode/internal/engine"
	"github.com/pinode/pinode/sim"
)

// What conditions miss where events are told to fire, and the thresholds that follow.

// instant is a state of a run; y is nil where it did not come there.
type instant struct {
	of   int // trajectory
	t    float64
	y, d []float64
}

// passed are the states of the trajectories just before each firing, and at their rows.
type passed struct {
	firings []instant
	rows    [][]instant // by trajectory
}

// pass runs the trajectories at x.
func (t *Told) pass(ctx context.Context, x []float64, opt sim.Options, workers int) (*passed, error) {
	r, err := t.runner(opt, len(t.runs), workers)
	if err != nil {
		return nil, err
	}
	p := &passed{make([]instant, len(t.list)), make([][]instant, len(t.runs))}
	t.run(ctx, r, x, t.Trajectories, func(_ *engine.Worker, i int, tr *sim.Trajectory) {
		times := t.Trajectories[i].Span.Saves
		for save := range tr.Saved {
			at := instant{i, times[save], slices.Clone(tr.SaveY.At(save)), slices.Clone(tr.SaveD.At(save))}
			k := slices.IndexFunc(t.list, func(f Fired) bool { return f.Of == i && f.save == save })
			if k >= 0 {
				p.firings[k] = at
			} else {
				p.rows[i] = append(p.rows[i], at)
			}
		}
	})
	return p, ctx.Err()
}

// meets are the guards of the firings and their rates, at x and the states before them; those of runs
// that did not come there are no numbers.
func (t *Told) meets(x []float64, at []instant, guard []int) (g, rate []float64) {
	t.bind(x)
	n := t.system.Size.Guards
	all, rates := make([]float64, n), make([]float64, n)
	for k, s := range at {
		g, rate = append(g, math.NaN()), append(rate, math.NaN())
		if s.y == nil || guard[k] < 0 {
			continue
		}
		t.guardsAt(s, all, rates)
		g[k], rate[k] = all[guard[k]], rates[guard[k]]
	}
	return g, rate
}

// guardsAt sets all guards and their rates at a state, at the coordinates that are bound.
func (t *Told) guardsAt(s instant, g, rate []float64) {
	t.at(t.Trajectories[s.of])
	t.system.Guards(s.t, s.y, s.d, make([]bool, len(s.y)), g, rate, nil)
}

// guards are, for each firing, the guard that is zero there: of those that its condition compares, and
// that move, the one that firings come nearest to, beside how fast it moves. −1: there is none.
func (t *Told) guards(x []float64, at []instant) []int {
	out := make([]int, len(t.list))
	of := map[int]int{}
	for k, f := range t.list {
		g, ok := of[f.Event]
		if !ok {
			g = t.guardOf(x, at, f.Event)
			of[f.Event] = g
		}
		out[k] = g
	}
	return out
}

func (t *Told) guardOf(x []float64, at []instant, event int) int {
	best, least := -1, math.Inf(1)
	for _, g := range surfaces(t.prog.Model.Events[event].Cond, nil) {
		if t.prog.Model.Guards[g].Flag {
			continue
		}
		guard := make([]int, len(t.list))
		for k, f := range t.list {
			if guard[k] = g; f.Event != event {
				guard[k] = -1
			}
		}
		values, rates := t.meets(x, at, guard)
		// How far apart firings are, in time: thresholds do not matter then.
		var some []float64
		for k, v := range values {
			if engine.Number(v) && rates[k] != 0 {
				some = append(some, v/math.Abs(rates[k])/(t.list[k].To-t.list[k].From))
			}
		}
		if len(some) == 0 {
			continue
		}
		mid := median(some)
		for i := range some {
			some[i] = math.Abs(some[i] - mid)
		}
		if spread := median(some); spread < least {
			best, least = g, spread
		}
	}
	return best
}

// surfaces are the guards that a condition compares.
func surfaces(c *lower.Cond, list []int) []int {
	switch c.Op {
	case lower.CondBelow, lower.CondAbove, lower.CondCross, lower.CondRise, lower.CondFall, lower.CondFlag:
		if !slices.Contains(list, c.Guard) {
			list = append(list, c.Guard)
		}
	}
	for _, a := range c.Args {
		list = surfaces(a, list)
	}
	return list
}

// truth is how far a condition is from turning true, above 0 where it is: by the guards that it compares, of
// which the one that keeps it false counts. What flags make false is so by −∞.
func truth(c *lower.Cond, g []float64) float64 {
	switch c.Op {
	case lower.CondBelow, lower.CondFall:
		return -g[c.Guard]
	case lower.CondAbove, lower.CondRise:
		return g[c.Guard]
	case lower.CondCross:
		return math.NaN()
	case lower.CondFlag:
		return math.Inf(2*sign(g[c.Guard]) - 1)
	case lower.CondNot:
		return -truth(c.Args[0], g)
	case lower.CondAnd, lower.CondOr:
		v := truth(c.Args[0], g)
		for _, a := range c.Args[1:] {
			if w := truth(a, g); c.Op == lower.CondAnd {
				v = math.Min(v, w)
			} else {
				v = math.Max(v, w)
			}
		}
		return v
	case lower.CondConst:
		if !c.Value {
			return math.Inf(-1)
		}
	}
	return math.Inf(1)
}

// spared are the rows of a trajectory at which an event should not have become true, by the guards that are
// bound: between its firings, behind a row at which it is false.
func (t *Told) spared(p *passed, of, event int) (list []instant) {
	if p.rows == nil {
		return nil
	}
	g := make([]float64, t.system.Size.Guards)
	cond, armed := t.prog.Model.Events[event].Cond, false
	next := t.firingsOf(of, event)
	for _, s := range p.rows[of] {
		for len(next) > 0 && t.list[next[0]].T < s.t {
			next, armed = next[1:], false
		}
		if armed {
			list = append(list, s)
			continue
		}
		t.guardsAt(s, g, make([]float64, len(g)))
		armed = truth(cond, g) < 0
	}
	return list
}

// firingsOf are the firings of an event in a trajectory, in order of time.
func (t *Told) firingsOf(of, event int) (list []int) {
	for k, f := range t.list {
		if f.Of == of && f.Event == event {
			list = append(list, k)
		}
	}
	sort.Slice(list, func(i, j int) bool { return t.list[list[i]].T < t.list[list[j]].T })
	return list
}

// How thresholds are led to the states at which events have fired.
const (
	thresholdSteps  = 20
	thresholdMost   = 1.    // of a coordinate in a step
	thresholdWeak   = 1e-3  // of coordinates that hardly matter
	sparedWeight    = 10.   // of a row at which a condition is true that should not be
	sparedDistances = 0.002 // by which it should be false, in what it moves between rows
)

// Meet moves those coordinates of x that are free, and that the conditions of told events depend on, to
// where these become true when the events have fired and, with spared, not in between, as well as that goes; and the
// firings, within their rows, to where the conditions become true. It returns the firings, and by how
// much of the distance of its rows one was moved at most.
func (t *Told) Meet(ctx context.Context, x []float64, free []bool, spared bool, opt sim.Options, workers int) (list []Fired, most float64, err error) {
	p, err := t.pass(ctx, x, opt, workers)
	if err != nil {
		return nil, 0, err
	}
	guard := t.guards(x, p.firings)
	if !spared {
		p.rows = nil
	}
	t.lead(x, p, guard, free)
	g, rate := t.meets(x, p.firings, guard)
	list = slices.Clone(t.list)
	for k := range list {
		f := &list[k]
		width := f.To - f.From
		by := -g[k] / rate[k]
		if !engine.Number(by) {
			continue
		}
		to := math.Min(math.Max(f.T+by, f.From+nearestRow*width), f.To-nearestRow*width)
		most = math.Max(most, math.Abs(to-f.T)/width)
		f.T = to
	}
	return list, most, nil
}

// nearestRow is how near a firing may come to a row, in parts of the distance of rows.
const nearestRow = 0.01

// lead is the part of Meet that moves coordinates: least squares of the times by which conditions are
// missed, in distances of rows, of which those beyond one count linearly.
func (t *Told) lead(x []float64, p *passed, guard []int, free []bool) {
	var coords []int
	for i := range t.space.Params {
		if free[i] {
			coords = append(coords, i)
		}
	}
	off := t.misses(x, p, guard)
	n := len(coords)
	for range thresholdSteps {
		r := off(x)
		jac := mat.NewDense(len(r)+n, max(n, 1), nil)
		rhs := mat.NewVecDense(len(r)+n, nil)
		moves := false
		for j, i := range coords {
			y := slices.Clone(x)
			y[i] += 1e-6
			for k, v := range off(y) {
				w := math.Sqrt(1 / math.Max(1, math.Abs(r[k])))
				jac.Set(k, j, w*(v-r[k])/1e-6)
				rhs.SetVec(k, -w*r[k])
				moves = moves || v != r[k]
			}
			jac.Set(len(r)+j, j, thresholdWeak)
		}
		if !moves {
			return
		}
		var by mat.VecDense
		if err := by.SolveVec(jac, rhs); err != nil {
			return
		}
		size := mat.Norm(&by, math.Inf(1))
		for j, i := range coords {
			x[i] += by.AtVec(j) * math.Min(1, thresholdMost/size)
		}
		if size < 1e-8 {
			return
		}
	}
}

// misses gives, at other coordinates, what the conditions of told events miss along states that were passed at x.
func (t *Told) misses(x []float64, p *passed, guard []int) func(x []float64) []float64 {
	_, rate := t.meets(x, p.firings, guard)
	move := make([]float64, len(rate)) // of the guard, between the rows of a firing
	for k := range move {
		move[k] = math.Abs(rate[k]) * (t.list[k].To - t.list[k].From)
	}
	type row struct {
		instant
		event int
		move  float64
	}
	var rows []row
	for e, told := range t.told {
		var moves []float64
		for k, f := range t.list {
			if f.Event == e && engine.Number(move[k]) && move[k] > 0 {
				moves = append(moves, move[k])
			}
		}
		if !told || len(moves) == 0 {
			continue
		}
		for i := range t.runs {
			for _, s := range t.spared(p, i, e) {
				rows = append(rows, row{s, e, median(moves)})
			}
		}
	}
	g := make([]float64, t.system.Size.Guards)
	return func(x []float64) []float64 {
		out, _ := t.meets(x, p.firings, guard)
		for k := range out {
			if out[k] /= move[k]; !engine.Number(out[k]) {
				out[k] = 0
			}
		}
		for _, s := range rows {
			t.guardsAt(s.instant, g, make([]float64, len(g)))
			v := math.Max(0, truth(t.prog.Model.Events[s.event].Cond, g)/s.move+sparedDistances)
			if !engine.Number(v) {
				v = 0
			}
			out = append(out, sparedWeight*v)
		}
		return out
	}
}
