package start

import (
	"math"
	"slices"

	"github.com/pinode/pinode/compiler"
	"github.com/pinode/pinode/compiler/check"
	"github.com/pinode/pinode/compiler/exec"
	"github.com/pinode/pinode/compiler/lower"
	"github.com/pinode/pinode/compiler/place"
	"github.com/pinode/pinode/data"
	"github.com/pinode/pinode/internal/engine"
	"github.com/pinode/pinode/internal/problem"
	"github.com/pinode/pinode/sim"
)

// changes is over how many parts of its span a state may pass through its own size: the
// size of a rate is that of the state times it, over the span.
const changes = 10

// ruler measures along the curves.
type ruler struct {
	*curves
	rows []rowState // at the parameters of the last measurement
}

// rowState is what the curves of a trajectory tell at the time of a row, with the
// discrete variables as they start.
type rowState struct {
	run        *smoothed
	t          float64
	y, rate, d []float64
}

// sizes are root mean squares over the rows of the data, of what the curves tell, and
// of what can be told from it.
type sizes struct {
	states       []float64
	observations []float64
	conserved    []float64
	args         []float64 // of neural blocks, in the order of the program nets
	results      []float64
	span         float64 // mean of trajectories
}

// measure finds the sizes at the parameters that are bound.
func (d *ruler) measure() *sizes {
	d.rows = d.rowStates()
	s := &sizes{}
	span, obs := 0., make([]meanSquare, len(d.ways))
	for _, run := range d.runs {
		span += run.Span.T1 - run.Span.T0
		for i := range run.Rows {
			for k, seen := range run.Rows[i].Seen() {
				if seen != 0 {
					obs[k].add(run.Rows[i].Data()[k])
				}
			}
		}
	}
	if s.span = span / float64(len(d.runs)); !(s.span > 0) {
		s.span = 1
	}
	for k := range obs {
		s.observations = append(s.observations, obs[k].root())
	}
	d.stateSizes(s, d.rhs)
	d.alongRows(s)
	d.agree(s)
	return s
}

// agree measures again what nothing tells but the rates that networks give: a first time these had the results of
// networks whose size was not known. Then results have the sizes that were found, until they stay.
func (d *ruler) agree(s *sizes) {
	if d.openRHS == nil {
		return
	}
	rates := d.open(d.openRHS, place.Rates)
	for range agreements {
		before := s.results
		d.stateSizes(s, func(y []float64) []float64 {
			copy(d.system.Y, y)
			copy(d.nets, before)
			return slices.Clone(rates())
		})
		d.alongRows(s)
		if slices.EqualFunc(before, s.results, near) {
			break
		}
	}
}

// agreements is how often sizes of states and of results are measured again at most.
const agreements = 5

// near reports whether sizes differ by less than a tenth.
func near(a, b float64) bool { return math.Abs(a-b) <= 0.1*math.Max(a, b) }

// stateSizes are the sizes of states: along the curves that tell them, else the largest of
// their initial values, of what events put there, and of what their rates add up to
// over a tenth of the span, as rhs has them, at most the size of observations of the same unit.
func (d *ruler) stateSizes(s *sizes, rhs func(y []float64) []float64) {
	n := len(d.Segments.Source)
	s.states = make([]float64, n)
	for i, m := range d.told(func(y, _ []float64) []float64 { return y[:n] }, n) {
		s.states[i] = m.root()
	}
	open := make([]bool, n)
	for i := range s.states {
		open[i] = s.states[i] == 0
	}
	for _, run := range d.runs {
		d.at(run.Trajectory)
		y, dd := d.begin(run.Span.T0)
		d.system.Puts(&run.Span, y, dd, func(target int, v float64) {
			if target < n && open[target] {
				s.states[target] = engine.Larger(s.states[target], v)
			}
		})
		for i := range n {
			if open[i] {
				s.states[i] = engine.Larger(s.states[i], y[i])
			}
		}
	}
	asUnit := make([]float64, n) // the size of observations of the same unit
	d.eachState(func(i int, st *check.State) {
		for k, w := range d.ways {
			if !st.Unit.Dimensionless() && w.observe.Unit.Equal(st.Unit) {
				asUnit[i] = engine.Larger(asUnit[i], s.observations[k])
			}
		}
	})
	for range 3 { // what feeds a state may be fed by another
		rates := d.told(func(y, _ []float64) []float64 { return rhs(d.filled(y, s.states)) }, n)
		for i := range n {
			if !open[i] {
				continue
			}
			v := rates[i].root() * s.span / changes
			if asUnit[i] > 0 && (v == 0 || v > asUnit[i]) {
				v = asUnit[i]
			}
			s.states[i] = engine.Larger(s.states[i], v)
		}
	}
	for i := range n {
		if !(s.states[i] > 0) || math.IsInf(s.states[i], 0) {
			s.states[i] = 1
		}
	}
}

// eachState calls f with each element of the states.
func (d *ruler) eachState(f func(i int, st *check.State)) {
	for _, slot := range d.prog.Model.Layout.States {
		for k := range slot.N {
			f(slot.Off+k, slot.Object.(*check.State))
		}
	}
}

// told adds up squares of n numbers that f makes of the states and rates at all rows.
func (d *ruler) told(f func(y, rate []float64) []float64, n int) []meanSquare {
	out := make([]meanSquare, n)
	d.eachRow(func(_ *smoothed, _ float64, y, rate []float64) {
		for i, v := range f(y, rate)[:n] {
			out[i].add(v)
		}
	})
	return out
}

// eachRow calls f at the times of rows, with the model there.
func (d *ruler) eachRow(f func(run *smoothed, t float64, y, rate []float64)) {
	var at *smoothed
	for i := range d.rows {
		r := &d.rows[i]
		if at != r.run {
			at = r.run
			d.at(at.Trajectory)
		}
		d.system.At(r.t, r.y, r.d)
		f(r.run, r.t, r.y, r.rate)
	}
}

// rowStates are the states at the times of rows, at the parameters that are bound; of very many rows, at some.
func (d *ruler) rowStates() (list []rowState) {
	runs, rows := d.sample(), 0
	for _, run := range runs {
		rows += len(run.Rows)
	}
	every := 1 + rows/sampledRows
	for _, run := range runs {
		run.curves()
		d.at(run.Trajectory)
		_, dd := d.begin(run.Span.T0)
		for i, t := range rowTimes(run.Trajectory) {
			if i%every > 0 {
				continue
			}
			y, rate := d.states(run, t)
			d.turnings(run, t, rate)
			d.branch(t, y, dd)
			list = append(list, rowState{run, t, y, rate, slices.Clone(dd)})
		}
	}
	return list
}

// Sizes are taken from so many trajectories, and of them from every row where they have no more than so many:
// root mean squares need no more, and what stands beside a row takes several times as much as the row.
const (
	sampled     = 32
	sampledRows = 1 << 16
)

// sample are some trajectories, evenly spaced among all.
func (d *ruler) sample() []*smoothed {
	n := len(d.runs)
	if n <= sampled {
		return d.runs
	}
	list := make([]*smoothed, sampled)
	for i := range list {
		list[i] = d.runs[i*n/sampled]
	}
	return list
}

// filled are states in which those that nothing tells have their sizes.
func (d *ruler) filled(y, sizes []float64) []float64 {
	y = slices.Clone(y)
	for i, v := range sizes {
		if math.IsNaN(y[i]) {
			y[i] = v
		}
	}
	return y
}

// rhs is the right-hand side at a state, at the time that the system is at.
func (d *ruler) rhs(y []float64) []float64 {
	dy := make([]float64, len(y))
	copy(d.system.Y, y)
	d.system.Rhs.Run.Run()
	copy(dy, d.system.Rhs.Run.Value)
	return dy
}

// alongRows are the sizes of conserved quantities and of the arguments and results of
// neural blocks.
func (d *ruler) alongRows(s *sizes) {
	sys := d.system
	s.conserved, s.args, s.results = nil, nil, nil
	if sys.Conserved != nil {
		sum, n := make([]float64, len(sys.Conserved.Value)), 0.
		d.eachRow(func(_ *smoothed, _ float64, y, _ []float64) {
			copy(sys.Y, d.filled(y, s.states))
			sys.Conserved.Run()
			if engine.Finite(sys.Conserved.Value) {
				for i, v := range sys.Conserved.Value {
					sum[i] += math.Abs(v)
				}
				n++
			}
		})
		for _, v := range sum {
			s.conserved = append(s.conserved, v/math.Max(n, 1))
		}
	}
	if sys.Nets == nil {
		return
	}
	args := make([]meanSquare, len(sys.NetArgs))
	d.eachRow(func(_ *smoothed, _ float64, y, _ []float64) {
		copy(sys.Y, d.filled(y, s.states))
		sys.Nets.Run()
		for i, v := range sys.NetArgs {
			args[i].add(v)
		}
	})
	for _, m := range args {
		s.args = append(s.args, m.root())
	}
	for _, v := range d.prog.Model.NetVals {
		if v == nil {
			continue
		}
		for range v.Shape.Size() {
			size := 0.
			if d.nets != nil { // else nothing reads them
				size = d.resultSize(s, len(s.results))
			}
			s.results = append(s.results, size)
		}
	}
}

// resultSize is the size of result j of the neural blocks: what the equations that it
// enters ask of it where its slope in them is known: of an observation what was measured, of
// a state the rate of its curve or, beyond ten times the usual size of its rate or where
// nothing was observed, that. 0: it enters nothing.
func (d *ruler) resultSize(s *sizes, j int) float64 {
	ask := newDemand(d.nets)
	asked := func(prog func() []float64, need func(i int) (v float64, ok bool), usual func(i int) float64, list []demandSum) {
		at0, at1 := ask.slopes(prog, j)
		for i := range list {
			slope := at1[i] - at0[i]
			if !engine.Number(slope) || math.Abs(slope) <= 1e-12*math.Abs(at0[i]) {
				continue
			}
			list[i].slope.add(slope)
			list[i].usual = usual(i)
			if v, ok := need(i); ok && engine.Number((v-at0[i])/slope) {
				list[i].need = append(list[i].need, math.Abs((v-at0[i])/slope))
			}
		}
	}
	n := len(s.states)
	states, observations := make([]demandSum, n), make([]demandSum, len(d.ways))
	d.eachRow(func(run *smoothed, t float64, y, rate []float64) {
		copy(d.system.Y, d.filled(y, s.states))
		v, dv := make([]float64, len(d.ways)), make([]float64, len(d.ways))
		d.values(run, t, false, v, dv)
		if d.openRHS != nil {
			asked(d.open(d.openRHS, place.Rates), func(i int) (float64, bool) { return rate[i], d.known(run, i) },
				func(i int) float64 { return s.states[i] * changes / s.span }, states)
		}
		if d.openOb != nil {
			asked(d.open(d.openOb, place.Pred), func(k int) (float64, bool) { return v[k], engine.Number(v[k]) },
				func(k int) float64 { return s.observations[k] }, observations)
		}
	})
	if v := leastDemand(observations); v > 0 {
		return v
	}
	return leastDemand(states)
}

// demandSum is what an equation asks of a result.
type demandSum struct {
	slope meanSquare
	need  []float64
	usual float64
}

// size is that of the result.
func (q *demandSum) size() float64 {
	slope := q.slope.root()
	if slope == 0 {
		return 0
	}
	usual := q.usual / slope
	if len(q.need) == 0 {
		return usual
	}
	return math.Min(math.Max(typical(q.need), usual/100), 10*usual)
}

// leastDemand is the least that equations ask: a result that is too small at first does
// less harm than one that makes a run explode.
func leastDemand(list []demandSum) float64 {
	least := 0.
	for i := range list {
		if v := list[i].size(); v > 0 && (least == 0 || v < least) {
			least = v
		}
	}
	return least
}

// open runs a program in which results of blocks are inputs.
func (d *ruler) open(prog *exec.Program, out place.Output) func() []float64 {
	return func() []float64 {
		prog.Run(d.system.Frame)
		return out.In(d.system.Frame, prog)
	}
}

// demand evaluates open programs for results of blocks.
type demand struct{ nets []float64 }

func newDemand(nets []float64) demand { return demand{nets} }

// slopes are the values of a program with all results 0, and with result j 1.
func (q demand) slopes(prog func() []float64, j int) (at0, at1 []float64) {
	clear(q.nets)
	at0 = slices.Clone(prog())
	q.nets[j] = 1
	return at0, prog()
}

// SetScales sets the scales that the model leaves open, at the start of the space:
// observations by the spread of their data; conserved quantities, arguments and results of
// neural blocks by sizes that data and units tell. What cannot be told is 1. Data to train
// with tell them, if there are any, whatever else is looked at: so all commands begin alike.
func (d *ruler) SetScales() error {
	x, err := d.space.X0()
	if err != nil {
		return err
	}
	copy(d.space.Scales, d.training().scalesAt(x))
	return nil
}

// training measures along what is there to train with, or along all.
func (d *ruler) training() *ruler {
	part := *d.curves
	part.runs, part.Trajectories = nil, nil
	for _, run := range d.runs {
		if run.Data == nil || run.Data.Split == data.Train {
			part.runs, part.Trajectories = append(part.runs, run), append(part.Trajectories, run.Trajectory)
		}
	}
	if len(part.runs) == 0 {
		return d
	}
	return &ruler{curves: &part}
}

// Tolerances are the options of a solver with absolute tolerances that follow the sizes
// of states at the start of the space. What is observed on a logarithmic scale counts where
// it is small too.
func (d *ruler) Tolerances(opt sim.Options) (sim.Options, error) {
	x, err := d.space.X0()
	if err != nil || !opt.Method.Adaptive() {
		return opt, err
	}
	d.bind(x)
	opt.ATol, opt.Sizes = opt.RTol, d.resolved()
	return opt, nil
}

// resolved are the sizes below which states need not be told apart from 0. A state that starts small is
// told from 0 there: what grows from it is wrong by as large a part as its start is, and so is the
// derivative by a parameter that it starts from.
func (d *ruler) resolved() []float64 {
	s := d.measure()
	out := make([]float64, len(s.states))
	least := make([]float64, len(out))
	for i := range least {
		least[i] = math.Inf(1)
	}
	d.eachRow(func(run *smoothed, _ float64, y, _ []float64) {
		for i := range least {
			if d.Segments.Source[i] == compiler.Observed && d.ways[d.Segments.By[i]].scale == logarithm && math.Abs(y[i]) > 0 { // not a number, where nothing was measured, is not
				least[i] = math.Min(least[i], math.Abs(y[i]))
			}
		}
	})
	starts := d.starts()
	for i, size := range s.states {
		out[i] = min(size, math.Max(10*least[i], leastPart*size), math.Max(starts[i], leastStart*size))
	}
	return out
}

// starts are the least sizes that states start with or, from 0, are put to by events. Infinity: nothing tells.
func (d *ruler) starts() []float64 {
	least := slices.Repeat([]float64{math.Inf(1)}, d.system.Size.Y)
	note := func(i int, v float64) {
		if v = math.Abs(v); v > 0 {
			least[i] = math.Min(least[i], v)
		}
	}
	for _, run := range d.runs {
		d.at(run.Trajectory)
		y, dd := d.begin(run.Span.T0)
		for i, v := range y {
			note(i, v)
		}
		d.system.Puts(&run.Span, y, dd, func(target int, v float64) {
			if y[target] == 0 {
				note(target, v)
			}
		})
	}
	return least
}

const (
	leastPart  = 1e-6  // the part of its size below which no state is resolved,
	leastStart = 1e-15 // but for one that starts there: beside its size that is round-off
)

// scalesAt are the scales at x.
func (d *ruler) scalesAt(x []float64) []float64 {
	d.bind(x)
	s := d.measure()
	lay := &d.prog.Model.Layout
	out := slices.Clone(d.space.Scales)
	for _, sc := range lay.Scales {
		if sc.Fixed != nil {
			continue
		}
		for k := range sc.N {
			v := 1.
			switch sc.Kind {
			case lower.ScaleObserve:
				v = d.spread(sc.Object, k)
			case lower.ScaleConserve:
				v = s.conserved[slices.Index(d.prog.Model.Checked.Conserves, sc.Object.(*check.Conserve))]
			case lower.ScaleNetIn:
				v = d.argumentSize(s, sc.Object.(*check.Neural), k)
			case lower.ScaleNetOut:
				v = d.valueSize(s, sc.Object.(*check.Neural), k)
			}
			if !(v > 0) || math.IsInf(v, 0) {
				v = 1
			}
			out[sc.Off+k] = v
		}
	}
	return out
}

// argumentSize is the size of element k of a block's arguments: one for all elements of
// an argument, of which some may hardly move.
func (d *ruler) argumentSize(s *sizes, n *check.Neural, k int) float64 {
	off, _ := d.placeOf(n)
	if off < 0 {
		return 1
	}
	for _, a := range n.Args {
		size := a.Shape.Size()
		if k >= size {
			k, off = k-size, off+size
			continue
		}
		var m meanSquare
		for i := range size {
			m.add(s.args[off+i])
		}
		return m.root()
	}
	return 1
}

// valueSize is that of element k of a block's result: one for all where some enter
// nothing.
func (d *ruler) valueSize(s *sizes, n *check.Neural, k int) float64 {
	_, off := d.placeOf(n)
	if off < 0 {
		return 1
	}
	if v := s.results[off+k]; v > 0 {
		return v
	}
	return slices.Max(s.results[off : off+n.Shape.Size()])
}

// placeOf is where a block's arguments and results stand in the program nets; −1: it is
// not used there.
func (d *ruler) placeOf(n *check.Neural) (args, results int) {
	for i, b := range d.prog.Model.Blocks {
		switch {
		case d.prog.Model.NetArgs[i] == nil && b.Neural == n:
			return -1, -1
		case b.Neural == n:
			return args, results
		case d.prog.Model.NetArgs[i] != nil:
			args, results = args+b.Net.In, results+b.Net.Out
		}
	}
	return -1, -1
}

// spread is the standard deviation of component k of an observation over the data.
func (d *ruler) spread(of check.Object, k int) float64 {
	off := problem.ObserveOffset(d.prog.Program, of) + k
	var values []float64
	mean := 0.
	for _, it := range d.Trajectories {
		for i := range it.Rows {
			if r := it.Rows[i]; r.Seen()[off] != 0 {
				values = append(values, r.Data()[off])
				mean += r.Data()[off]
			}
		}
	}
	mean /= float64(len(values))
	var m meanSquare
	for _, v := range values {
		m.add(v - mean)
	}
	return m.root()
}
