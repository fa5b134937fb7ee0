package sim

import (
	"github.com/pinode/pinode/jumps"
	"github.com/pinode/pinode/solvers"
)

// Tangents are the derivatives of the results of a run in some directions, its columns.
// Number l of a state in column c of n is at l·n+c.
type Tangents struct {
	Y, D             Rows // of SaveY, SaveD
	BeforeY, BeforeD Rows // of BeforeY, BeforeD
	EndY, EndD       []float64
	EventT           []float64 // of the times of the event log, event after event
}

// Columns are directions in which a model is differentiated at once: Column makes one of
// them that of the model's directional derivatives.
type Columns interface {
	Columns() int
	Column(c int)
}

// Linear are columns in which the derivatives of the right-hand side are known at once.
// Linearise is told the stages of a step, and reports whether it can serve; RHSColumns
// then sets out to the tangents at stage i.
type Linear interface {
	Columns
	Linearise(t []float64, y [][]float64, d []float64) bool
	RHSColumns(i int, tDot, yDot, dDot, out []float64)
}

// given is the one direction that a model has been given.
type given struct{}

func (given) Columns() int { return 1 }
func (given) Column(int)   {}

// forward is the state of a forward sweep: the tangents of the state and of the time at
// the current entry, in all columns.
type forward struct {
	*history
	m   Forward
	of  Columns
	n   int // columns
	out *Tangents

	y, d   []float64
	t      []float64
	y0     []float64 // tangents of a step's end with its length held
	end, h []float64 // of the time of a step's end and of its length
	zero   []float64
	one    []float64
	sched  []float64
	snaps  []snapTangent
	times  []float64 // of the stages of a step
	field  []float64

	falls fallsOn

	variation *variation // of a method without derivatives of its steps

	column // the one that is done by itself
}

// column has the tangents of one column, as the model's directional derivatives have
// them.
type column struct {
	at                 int
	cy, cd, cz, cs     []float64
	vals, readY, readD []float64 // of the values of a jump, and of what it reads
}

type snapTangent struct{ y, d, t, due []float64 }

// Forward pushes the direction that m has been given through the run that the
// integrator did last: the exact directional derivative of the discrete
// solution, as Backward is its exact gradient.
func (s *Integrator) Forward(m Forward, out *Tangents) { s.ForwardColumns(m, given{}, out) }

// ForwardColumns is Forward in several directions.
func (s *Integrator) ForwardColumns(m Forward, of Columns, out *Tangents) {
	f := columnsOf(s, of.Columns())
	f.m, f.of, f.out, f.falls.steep = m, of, out, nil
	if f.variation != nil {
		f.variation.big = 0
	}
	s.run.model = m
	n, w := len(s.run.span.Saves), f.n
	out.Y.Resize(n, s.run.size.Y*w)
	out.D.Resize(n, s.run.size.D*w)
	out.BeforeY.Resize(n, s.run.size.Y*w)
	out.BeforeD.Resize(n, s.run.size.D*w)
	out.EndY, out.EndD = resize(out.EndY, s.run.size.Y*w), resize(out.EndD, s.run.size.D*w)
	out.EventT = out.EventT[:0]
	for len(f.snaps) < len(s.run.tape.snaps) {
		f.snaps = append(f.snaps, snapTangent{
			make([]float64, s.run.size.Y*w), make([]float64, s.run.size.D*w), make([]float64, w), make([]float64, w),
		})
	}
	clear(f.t)
	f.enter(0)
	f.each(func() {
		m.TimesJVP(f.cs)
		scatter(f.sched, f.cs, f.at, f.n)
		m.InitJVP(s.run.span.T0, 0, f.cy, f.cd)
		for i := range s.run.hy.Switches {
			s.run.clearModes(f.cd, i)
		}
	})
	for i := range s.run.tape.entries {
		if s.run.opt.ended() {
			return
		}
		f.enter(s.run.tape.entries[i].leg)
		f.entry(&s.run.tape.entries[i])
	}
	f.correctedOn()
	copy(out.EndY, f.y)
	copy(out.EndD, f.d)
}

// entry pushes the tangents through an entry of the tape.
func (f *forward) entry(e *entry) {
	s, out := f.history, f.out
	switch e.kind {
	case snapEntry, jumpEntry, restEntry, balanceEntry, saveEntry: // they read what inputs jump to
		s.segment(e.t)
	}
	switch e.kind {
	case stepEntry:
		f.stepOn(e)
	case segmentEntry, laneEntry:
		steps := s.recompute(e)
		for k := range steps {
			f.stepOn(&steps[k])
		}
		s.drop()
	case snapEntry:
		f.snapOn(e)
	case jumpEntry, restEntry, balanceEntry:
		f.jumpOn(e)
	case switchEntry:
		f.each(func() { s.clearModes(f.cd, e.ref) })
		if e.more > 0 {
			out.EventT = append(out.EventT, f.t...)
		}
	case saveEntry:
		f.saveOn(e, &out.Y, &out.D)
		for i := e.lo; i < e.hi; i++ {
			if !s.saves.separate[i] {
				copy(out.BeforeY.At(i), out.Y.At(i))
				copy(out.BeforeD.At(i), out.D.At(i))
			}
		}
	case beforeEntry:
		f.saveOn(e, &out.BeforeY, &out.BeforeD)
	case descentEntry:
		f.falls.descend(f, e)
	case steepEntry:
		steepOn(f, e)
	case vanishEntry:
		vanishOn(f, e)
	case tieEntry:
		f.falls.tie(f, e)
	case heldEntry:
		s.setHeld(e, behind)
	}
}

// columnsOf returns room for n columns of a run, with no state held.
func columnsOf(s *Integrator, n int) *forward {
	clear(s.run.held)
	if s.fwd != nil && s.fwd.n == n {
		return s.fwd
	}
	y, d := s.run.size.Y, s.run.size.D
	room := func(k int) []float64 { return make([]float64, k) }
	s.fwd = &forward{
		history: s.hist, n: n,
		y: room(y * n), d: room(d * n), t: room(n), y0: room(y * n), end: room(n), h: room(n), zero: room(n), one: room(n),
		sched: room(s.run.size.Times * n), field: room(y),
		column: column{
			cy: room(y), cd: room(d), cz: room(y), cs: room(s.run.size.Times),
			vals: room(y + d), readY: room(y), readD: room(d),
		},
	}
	for i := range s.fwd.one {
		s.fwd.one[i] = 1
	}
	if s.opt.Method.Family == solvers.Multistep {
		s.fwd.variation = newVariation(s.fwd)
	}
	return s.fwd
}

// each does something for each column alone: its tangents of states and discrete
// variables stand in cy and cd, and what is there afterwards is taken over.
func (f *forward) each(do func()) {
	for c := range f.n {
		f.at = c
		f.of.Column(c)
		gather(f.cy, f.y, c, f.n)
		gather(f.cd, f.d, c, f.n)
		do()
		scatter(f.y, f.cy, c, f.n)
		scatter(f.d, f.cd, c, f.n)
	}
}

// gather sets to to column c of n of from, scatter the column to what is in from.
func gather(to, from []float64, c, n int) {
	for l := range to {
		to[l] = from[l*n+c]
	}
}

func scatter(to, from []float64, c, n int) {
	for l, v := range from {
		to[l*n+c] = v
	}
}

// RHS is the field that the stepper sees.
func (f *forward) RHS(t float64, y, dy []float64) { field{f.run}.RHS(t, y, dy) }

// RHSJVP is its forward derivative, in a column.
func (f *forward) RHSJVP(t, tDot float64, y, yDot, out []float64) {
	f.m.RHSJVP(t, tDot, y, yDot, f.history.d, f.cd, out)
	for i, h := range f.held {
		if h {
			out[i] = 0
		}
	}
}

// JacobianJVP is the forward derivative of its Jacobian.
func (f *forward) JacobianJVP(t, tDot float64, y, yDot, u []float64, tau float64, out []float64) {
	f.m.(Curved).JacobianJVP(t, tDot, y, yDot, f.history.d, f.cd, u, tau, out)
	for i, h := range f.held {
		if h {
			out[i] = 0
		}
	}
}

// RHSColumns is that of stage i in all columns.
func (f *forward) RHSColumns(i int, tDot, yDot, out []float64) {
	f.of.(Linear).RHSColumns(i, tDot, yDot, f.d, out)
	for l, h := range f.held {
		if h {
			clear(out[l*f.n : (l+1)*f.n])
		}
	}
}

// push pushes the tangents through the step that stands, whose length changes by h in
// each column, and sets end to those of its end, and those of its saves if they are asked
// for.
func (f *forward) push(e *entry, h, end []float64, saves bool) {
	s := f.history
	if m, ok := f.of.(Linear); ok && s.opt.Method.Family == solvers.Explicit && m.Linearise(f.stages(), s.stepper.Y, s.d) {
		s.stepper.JVPColumns(f, f.n, f.t, h, f.y, end, saves && e.lo < e.hi)
		if saves {
			for i := e.lo; i < e.hi; i++ {
				s.stepper.DenseJVPColumns((s.span.Saves[i]-e.t)/e.h, f.n, f.t, h, f.y, f.out.Y.At(i))
			}
		}
		return
	}
	f.each(func() {
		f.pushColumn(e, h[f.at])
		switch {
		case saves && f.variation != nil:
			for i := e.lo; i < e.hi; i++ {
				scatter(f.out.Y.At(i), f.variation.saves[i-e.lo], f.at, f.n)
			}
		case saves:
			save := f.vals[:len(f.cy)]
			for i := e.lo; i < e.hi; i++ {
				s.stepper.DenseJVP((s.span.Saves[i]-e.t)/e.h, f.cy, save)
				scatter(f.out.Y.At(i), save, f.at, f.n)
			}
		}
		scatter(end, f.cz, f.at, f.n)
	})
}

// pushColumn pushes a column through the step that stands, whose length has a tangent too.
func (f *forward) pushColumn(e *entry, hDot float64) {
	s := f.history
	if f.variation != nil {
		f.variation.along(e, hDot)
		return
	}
	steps, ok := s.stepsAt(s.d).(StepsJVP)
	if !ok || !steps.HasJVP() {
		s.stepper.JVP(f, f.t[f.at], hDot, f.cy, f.cz)
		return
	}
	steps.Load(0, s.model, s.d, s.held)
	steps.Time(0, s.model, e.t, e.h)
	s.stepper.PushBy(func(kDot [][]float64, endDot []float64) {
		steps.JVP(f.t[f.at], hDot, f.cy, f.cd, kDot, endDot)
	}, f.t[f.at], hDot, f.cz)
}

// stages are the times of the stages of the step that stands.
func (f *forward) stages() []float64 {
	st := f.stepper
	f.times = resize(f.times, st.Tableau().Stages())
	for i := range f.times {
		f.times[i] = st.Tableau().StageTime(i, st.T, st.H)
	}
	return f.times
}

func (f *forward) stepOn(e *entry) {
	s := f.history
	s.replay(e)
	s.behind()
	besideSteepOn(f)
	f.lengths(e)
	f.push(e, f.h, f.y0, true)
	for i := e.lo; i < e.hi; i++ {
		copy(f.out.D.At(i), f.d)
		if !s.saves.separate[i] {
			copy(f.out.BeforeY.At(i), f.out.Y.At(i))
			copy(f.out.BeforeD.At(i), f.d)
		}
	}
	copy(f.y, f.y0)
	copy(f.t, f.end)
}

// lengths sets how the length of a step and its end move.
func (f *forward) lengths(e *entry) {
	s := f.history
	switch e.end {
	case endFree:
		clear(f.h)
		copy(f.end, f.t)
		return
	case endFixed:
		clear(f.end)
	case endRoot:
		f.rootMoves(e)
	case endAt:
		copy(f.end, f.sched[e.ref*f.n:])
	case endEvery:
		sc := &s.hy.Schedules[e.ref]
		periods := float64(e.count)
		for c := range f.n {
			f.end[c] = 0
			if sc.From >= 0 {
				f.end[c] = f.sched[sc.From*f.n+c]
			}
			f.end[c] += periods * f.sched[sc.Period*f.n+c]
		}
	case endDelay:
		copy(f.end, f.snaps[e.ref].due)
	case endZeno:
		clear(f.end)
		at := s.tape.limits[e.more]
		for k, w := range zenoWeights(s.out.Log, at) {
			for c := range f.n {
				f.end[c] += w * f.out.EventT[at[k]*f.n+c]
			}
		}
	}
	for c := range f.n {
		f.h[c] = f.end[c] - f.t[c]
	}
}

// rootMoves sets how the end of a step on a root moves. With the length held, and with it
// growing at rate one: g along both tells by linearity how fast it must change.
func (f *forward) rootMoves(e *entry) {
	s := f.history
	guard := func(h []float64, to []float64) {
		f.push(e, h, f.y0, false)
		f.each(func() {
			gather(f.cz, f.y0, f.at, f.n)
			to[f.at] = f.m.GuardJVP(e.t+e.h, f.t[f.at]+h[f.at], s.stepper.End(), f.cz, s.d, f.cd, e.ref)
		})
	}
	guard(f.zero, f.end)
	guard(f.one, f.h)
	for c := range f.n {
		g0, g1 := f.end[c], f.h[c]
		f.end[c] = f.t[c] - g0/(g1-g0)
	}
}

func (f *forward) snapOn(e *entry) {
	s := f.history
	sn, dot := &s.tape.snaps[e.ref], &f.snaps[e.ref]
	copy(dot.y, f.y)
	copy(dot.d, f.d)
	copy(dot.t, f.t)
	copy(dot.due, f.t)
	if s.hy.Events[sn.event].Delayed {
		y, d := s.tape.at(e.state, s.size.Y, s.size.D)
		f.each(func() { dot.due[f.at] += f.m.DelayJVP(sn.event, e.t, f.t[f.at], y, f.cy, d, f.cd, sn.args) })
	}
}

func (f *forward) jumpOn(e *entry) {
	if e.kind != balanceEntry {
		f.out.EventT = append(f.out.EventT, f.t...)
	}
	f.each(func() { f.jumpColumn(e) })
}

// jumpColumn pushes a column through a jump.
func (f *forward) jumpColumn(e *entry) {
	s := f.history
	ev := &s.hy.Events[e.ref]
	y, d := s.tape.at(e.state, s.size.Y, s.size.D)
	t, tDot, yDot, dDot := e.t, f.t[f.at], f.cy, f.cd
	targets := ev.Targets
	v := f.vals[:len(targets)]
	if e.kind == restEntry {
		targets = ev.Rest
		v = f.vals[:len(targets)]
		f.m.RestJVP(e.ref, t, tDot, y, yDot, d, dDot, v)
		jumps.Assign(f.cy, f.cd, targets, nil, v)
		return
	}
	read := s.tape.jumps[e.more]
	if read.snap >= 0 {
		sn, dot := &s.tape.snaps[read.snap], &f.snaps[read.snap]
		y, d = s.tape.at(sn.state, s.size.Y, s.size.D)
		t, yDot, dDot = sn.t, f.readY, f.readD
		if read.mask < 0 {
			tDot = dot.t[f.at]
			gather(f.readY, dot.y, f.at, f.n)
			gather(f.readD, dot.d, f.at, f.n)
		} else {
			copy(f.readY, f.cy)
			copy(f.readD, f.cd)
			ny := s.size.Y
			for k, old := range s.tape.masks[read.mask : read.mask+ny+s.size.D] {
				switch {
				case old && k < ny:
					yDot[k] = dot.y[k*f.n+f.at]
				case old:
					dDot[k-ny] = dot.d[(k-ny)*f.n+f.at]
				}
			}
		}
	}
	f.m.JumpJVP(e.ref, t, tDot, y, yDot, d, dDot, read.args, v)
	jumps.Assign(f.cy, f.cd, targets, ev.Adds, v)
}

func (f *forward) saveOn(e *entry, y, d *Rows) {
	s := f.history
	at, dd := s.tape.at(e.state, s.size.Y, s.size.D)
	copy(s.d, dd)
	s.rhs(e.t, at, f.field)
	for i := e.lo; i < e.hi; i++ {
		for l, rate := range f.field {
			for c, t := range f.t {
				y.At(i)[l*f.n+c] = f.y[l*f.n+c] - t*rate
			}
		}
		copy(d.At(i), f.d)
	}
}
