package simulate

import (
	"math"
	"slices"

	"github.com/pinode/pinode/compiler"
	"github.com/pinode/pinode/compiler/check"
	"github.com/pinode/pinode/internal/engine"
	"github.com/pinode/pinode/sim"
)

const (
	sampledRuns = 32    // of how many runs sizes are taken
	leastSize   = 1e-6  // the part of what else a state may be below which its size is not taken,
	leastStart  = 1e-15 // but for one that it starts with: beside its size that is round-off
	leastFilled = 1e-12 // and of what fills it
	filling     = 10    // over how many parts of its span a state may fill up from 0
	beside      = 0.1   // the part of a state by which probes are off it
	probes      = 3     // at how many states and times
	fillings    = 4     // what feeds a state may be fed by another
)

// runner does the runs of an ensemble, with an absolute tolerance of each state that
// suits its size, where none is given.
func (m *Simulator) runner(opt *sim.Options, runs *ensemble, want compiler.Want, workers int, p, nat []float64) (*engine.Runner, error) {
	r, err := engine.NewRunner(m.Prog, *opt, len(runs.of), want, runs.ownParams(), workers)
	if err != nil {
		return nil, err
	}
	r.Bind(p, runs.space.Scales)
	if !opt.Method.Adaptive() || m.Settings.Stages("solver")[0].Options.Given("atol") {
		return r, nil
	}
	sizes := m.sizes(r.Workers[0], runs, p, nat)
	for i, v := range sizes {
		sizes[i] = math.Min(1, opt.RTol*v/opt.ATol)
	}
	if !slices.ContainsFunc(sizes, func(v float64) bool { return v < 1 }) {
		return r, nil
	}
	opt.Sizes = sizes
	if r, err = engine.NewRunner(m.Prog, *opt, len(runs.of), want, runs.ownParams(), workers); err == nil {
		r.Bind(p, runs.space.Scales)
	}
	return r, err
}

// sizes are the least sizes of the states in the runs, or in some of them, evenly spaced.
func (m *Simulator) sizes(w *engine.Worker, runs *ensemble, p, nat []float64) []float64 {
	z := &sizer{model: m.Prog.Program, to: w.Acquire()}
	z.groups()
	least := slices.Repeat([]float64{math.Inf(1)}, w.System.Size.Y)
	n := min(len(runs.of), sampledRuns)
	for k := range n {
		i := k * len(runs.of) / n
		span := runs.prepare(i, p, nat, &z.to.Model)
		for s, v := range z.measure(span) {
			if v > 0 && v < least[s] { // 0 is not known, and so is what is not a number
				least[s] = v
			}
		}
	}
	w.Free = append(w.Free, z.to)
	for s, v := range least {
		if math.IsInf(v, 1) {
			least[s] = 1
		}
	}
	return least
}

// sizer finds how large the states of a run are, before it runs.
type sizer struct {
	model *compiler.Program
	to    *engine.LaneState
	unit  []int // of each state, a number of its unit
}

// groups numbers the units of the states; what nothing declares has one of its own.
func (z *sizer) groups() {
	var units []*check.State
	z.unit = slices.Repeat([]int{-1}, z.to.Model.System.Size.Y)
	for _, slot := range z.model.Model.Layout.States {
		st := slot.Object.(*check.State)
		g := slices.IndexFunc(units, func(of *check.State) bool { return of.Unit.Equal(st.Unit) })
		if g < 0 {
			g, units = len(units), append(units, st)
		}
		for k := range slot.N {
			z.unit[slot.Off+k] = g
		}
	}
}

// measure are the sizes of the states of a run: those that they start with or, from 0, are put
// to, or else what their rates bring them to, at most what others of the same unit have. 0:
// nothing tells.
func (z *sizer) measure(span *sim.Span) []float64 {
	model := &z.to.Model
	y, d := make([]float64, len(z.unit)), make([]float64, model.System.Size.D)
	model.Use()
	model.Segment(span.T0)
	model.Init(span.T0, y, d)
	known := make([]float64, len(y))
	for i, v := range y {
		known[i] = engine.Larger(0, v)
	}
	z.put(span, y, d, known)
	like := make([]float64, len(y)) // the largest of the same unit
	most := map[int]float64{}
	for i, v := range known {
		most[z.unit[i]] = math.Max(most[z.unit[i]], v)
	}
	for i, g := range z.unit {
		if g >= 0 {
			like[i] = most[g]
		}
	}
	out := z.fill(span, y, d, known, like)
	for i, v := range out {
		if like[i] > known[i] && (v == 0 || v > like[i]) {
			v = like[i]
		}
		if out[i] = math.Max(v, leastFilled*like[i]); known[i] > leastStart*out[i] { // what grows from it is as exact as it is
			out[i] = known[i]
		}
	}
	return out
}

// put gives states that are 0 the sizes of what events put there, at the initial state.
func (z *sizer) put(span *sim.Span, y, d, sizes []float64) {
	z.to.Model.Puts(span, y, d, func(target int, v float64) {
		if y[target] == 0 {
			sizes[target] = engine.Larger(sizes[target], v)
		}
	})
}

// fill is what the rates make of states that are empty, or nearly so beside it, over a part of the
// span, or until what they lose as they grow balances it. 0: it is not asked, or not known.
func (z *sizer) fill(span *sim.Span, y, d, known, like []float64) []float64 {
	part := (span.T1 - span.T0) / filling
	out, from, now := make([]float64, len(y)), make([]float64, len(y)), make([]float64, len(y))
	for range fillings {
		z.rates(span, y, d, out, now)
		for i, v := range now {
			full := math.Abs(v) * part
			switch {
			case out[i] == 0 && leastSize*full > known[i]:
				if from[i], out[i] = v, full; known[i] == 0 && like[i] > 0 {
					out[i] = math.Min(full, like[i])
				}
			case out[i] > 0 && math.Abs(v-from[i]) > math.Abs(from[i]): // it loses more than feeds it
				out[i] *= math.Abs(from[i] / (v - from[i]))
			}
		}
	}
	return out
}

// rates are the largest of some a little beside the initial state, where terms that cancel each other
// exactly do not. States that are filled are so full.
func (z *sizer) rates(span *sim.Span, y, d, filled, to []float64) {
	at, rate := make([]float64, len(y)), make([]float64, len(y))
	clear(to)
	for k := range probes {
		for i := range at {
			if at[i] = y[i] * (1 + beside*math.Sin(float64(1+i+len(y)*k))); filled[i] > 0 {
				at[i] = filled[i]
			}
		}
		t := span.T0 + (span.T1-span.T0)*float64(k)/probes
		z.to.Model.Segment(t)
		z.to.Model.RHS(t, at, d, rate)
		for i, v := range rate {
			if math.Abs(v) > math.Abs(to[i]) && engine.Number(v) {
				to[i] = v
			}
		}
	}
}
