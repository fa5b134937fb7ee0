package engine

import (
	"github.com/pinode/pinode/compiler"
	"github.com/pinode/pinode/compiler/exec"
	"github.com/pinode/pinode/compiler/place"
	"github.com/pinode/pinode/data"
	"github.com/pinode/pinode/dsl"
	"github.com/pinode/pinode/sim"
)

// System is a compiled model bound to a frame: the simulator's view of it.
type System struct {
	*base
	NextRow func() // called before outputs that are not of a row of data; nil: nothing is drawn for rows

	p        []float64 // shared parameters
	bindings int       // of them, so far
	besides  besides

	equations
	*jacobians
	guardPrograms
	rowPrograms
	eventPrograms

	PBar, QBar []float64 // gradient accumulators: by shared parameters, and by the trajectory's own inputs
}

// base is where a system is: the inputs of its programs.
type base struct {
	Prog    *compiler.Program
	Size    sim.Sizes
	Frame   *exec.Frame
	Signals []*data.Interpolant
	From    float64 // start of the smooth piece that the run is in

	inputs
	now, then surfaces   // those that the solution slides along, and did before the instant
	slides    []*sliding // by the number of surfaces, less 1; the last may be that along several
	along     []int      // the surfaces that the modes asked for last, by their guards
}

// inputs are those of the programs; nil where none reads them.
type inputs struct {
	tangents

	T, Y, D, U, Ut, Q, S, a []float64
	utt                     []float64 // second derivatives of signals
	Data, Seen, OfRow       []float64 // of a row
	Yb, Db, Ub, Utb         []float64 // before the instant
	free, ry, rt            []float64 // which states move; how far states and time may be off
}

// tangents are inputs of forward derivatives.
type tangents struct{ yDot, dDot, tDot, QDot, PDot []float64 }

// equations are programs of the motion and of what a run starts from.
type equations struct {
	Rhs, initY, initD, times, Priors Function
	segmentY, segmentD               Function // see Beginning
	Results, Divergence              Function // of an encoder, and of posteriors
	Conserved                        *Program
	Nets                             *Program
	NetArgs                          []float64
}

// guardPrograms tell of guards: values, rates, second rates, arguments of floors,
// bounds, and how far they may be off.
type guardPrograms struct {
	*base
	guards                        Function
	descent                       Function // the rates, where motions may come to rest in finite time
	rates, lookRates, spreadRates []float64
	guards2, look, floors, spread *Program
	pivots                        *Program
	flow                          []float64 // along which look takes rates
	bounds                        guardBounds
}

// rowPrograms are what is read at a time: losses of rows, predictions, outputs. Choose
// takes those for the discrete state.
type rowPrograms struct {
	rows, preds, Outs *variants
	Row               Function
	Outputs, Obs      *Program
	Counts            *Program
}

// eventPrograms are what events do, by event.
type eventPrograms struct {
	*base
	jump, rest, delay []*variants
	priorities        *Program
}

// NewSystem binds the programs of a module to a frame of their own.
func NewSystem(p *compiler.Program, mod *exec.Module) *System {
	f := mod.NewFrame()
	s := &System{base: &base{Prog: p, Frame: f}}
	s.guardPrograms.base, s.eventPrograms.base = s.base, s.base
	lay := &p.Model.Layout
	s.Size = sim.Sizes{Y: lay.NY, YError: lay.NError, D: lay.ND, Guards: p.NumGuards, Times: p.NumTimes}
	s.Size.Releases = p.NumGuards - len(p.Model.Guards)
	if p.Slides {
		s.Size.Exits = p.NumExits
		s.Size.Releases -= p.NumExits
	}
	for p, to := range map[place.Input]*[]float64{
		place.Time: &s.T, place.States: &s.Y, place.Discretes: &s.D, place.Signals: &s.U, place.SignalRates: &s.Ut, place.SignalTurns: &s.utt,
		place.Own: &s.Q, place.Scales: &s.S, place.Arguments: &s.a, place.Data: &s.Data, place.Seen: &s.Seen, place.OfRow: &s.OfRow,
		place.Free: &s.free, place.StatesReach: &s.ry, place.TimeReach: &s.rt,
		place.StatesBefore: &s.Yb, place.DiscretesBefore: &s.Db, place.SignalsBefore: &s.Ub, place.SignalRatesBefore: &s.Utb,
		place.StatesDot: &s.yDot, place.DiscretesDot: &s.dDot, place.TimeDot: &s.tDot, place.OwnDot: &s.QDot, place.ParamsDot: &s.PDot,
	} {
		*to = p.In(f)
	}
	get := func(program place.Program, value place.Output) Function {
		d := Function{
			Run: NewProgram(mod, f, program, value),
			VJP: NewProgram(mod, f, program.VJP(), value), vjp0: NewProgram(mod, f, program.VJP0(), value), jvp: NewProgram(mod, f, program.JVP(), place.Dot),
		}
		d.Ct = program.Ct().In(f)
		return d
	}
	s.PBar, s.QBar = place.PBar.Into.In(f), place.QBar.Into.In(f)
	s.Rhs, s.guards, s.initY, s.initD = get(place.RHS, place.Rates), get(place.Guards, place.Guard), get(place.InitStates, place.Value), get(place.InitDiscretes, place.Value)
	s.descent = get(place.GuardRates, place.Rate)
	s.segmentY, s.segmentD = get(place.SegmentStates, place.Value), get(place.SegmentDiscretes, place.Value)
	s.Results, s.Divergence = get(place.Results, place.Value), get(place.Divergence, place.Value)
	s.times, s.Priors = get(place.Times, place.Instant), get(place.Priors, place.Value)
	s.guards2, s.floors = NewProgram(mod, f, place.Guards2, place.Accel), NewProgram(mod, f, place.Floors, place.Value)
	s.pivots = NewProgram(mod, f, place.Pivots, place.Value)
	s.Conserved, s.Nets = NewProgram(mod, f, place.Conserved, place.Value), NewProgram(mod, f, place.Networks, place.NetVals)
	s.priorities, s.Counts = NewProgram(mod, f, place.Priorities, place.Value), NewProgram(mod, f, place.Counts, place.Value)
	if s.guards.Run != nil {
		s.rates = place.Rate.In(f, s.guards.Run.code)
	}
	if s.look = NewProgram(mod, f, place.Look, place.Guard); s.look != nil {
		s.lookRates, s.flow = place.Rate.In(f, s.look.code), place.Flow.In(f)
	}
	s.bounds = newGuardBounds(mod, f)
	if s.spread = NewProgram(mod, f, place.Spread, place.Guard); s.spread != nil {
		s.spreadRates = place.Rate.In(f, s.spread.code)
	}
	s.slides = newSliding(p, mod, f, get)
	s.jacobians = newJacobians(s, mod, get)
	s.now, s.then = newSurfaces(f, place.ModesOn, place.GuardAt), newSurfaces(f, place.ModesOnBefore, place.GuardAtBefore)
	read := func(program place.Program, value place.Output) *variants {
		return newVariants(program, value, len(s.slides), get)
	}
	s.rows, s.preds, s.Outs = read(place.Row, place.Loss), read(place.Predictions, place.Pred), read(place.Outputs, place.Value)
	s.Choose(nil, nil)
	if s.Nets != nil {
		s.NetArgs = place.NetArgs.In(f, s.Nets.code)
	}
	for _, e := range p.Model.Events {
		s.jump = append(s.jump, read(place.Jump(e.Checked.Name), place.Value))
		s.rest = append(s.rest, read(place.Rest(e.Checked.Name), place.Value))
		s.delay = append(s.delay, read(place.Delay(e.Checked.Name), place.Value))
	}
	return s
}

// Bind lets the programs read p as the shared parameters, without a copy, and sets the
// scales.
func (s *System) Bind(p, scales []float64) {
	copy(s.S, scales)
	place.Params.Bind(s.Frame, p)
	s.p, s.bindings = p, s.bindings+1
}

// BindTrajectory sets what a trajectory has of its own.
func (s *System) BindTrajectory(q []float64, signals []*data.Interpolant) {
	copy(s.Q, q)
	s.Signals = signals
}

// At moves the inputs to a time and state.
func (s *base) At(t float64, y, d []float64) {
	s.to(t, y, d)
	for i, g := range s.Signals {
		v, r := g.At(t)
		if t > s.From {
			v, r = g.Before(t)
		}
		s.signal(i, v, r)
		if s.utt != nil {
			if s.utt[i] = g.CurveAt(t); t > s.From {
				s.utt[i] = g.CurveBefore(t)
			}
		}
	}
}

// within is At inside of the smooth piece that began at From, or a little beyond its ends, as a
// stage of a step may be: signals go on there as they were.
func (s *base) within(t float64, y, d []float64) {
	s.to(t, y, d)
	for i, g := range s.Signals {
		v, r := g.Along(s.From, t)
		s.signal(i, v, r)
		if s.utt != nil {
			s.utt[i] = g.CurveAlong(s.From, t)
		}
	}
}

func (s *base) to(t float64, y, d []float64) {
	if s.T != nil {
		s.T[0] = t
	}
	copy(s.Y, y)
	copy(s.D, d)
}

// signal sets a signal and its rate.
func (s *base) signal(i int, v, rate float64) {
	if s.U != nil {
		s.U[i] = v
	}
	if s.Ut != nil {
		s.Ut[i] = rate
	}
}

// Before sets what was before the instant at a time: states, discrete variables and
// signals.
func (s *base) Before(t float64, y, d []float64) {
	copy(s.Yb, y)
	copy(s.Db, d)
	if s.Ub == nil && s.Utb == nil {
		return
	}
	for i, g := range s.Signals {
		v, r := g.Before(t)
		if s.Ub != nil {
			s.Ub[i] = v
		}
		if s.Utb != nil {
			s.Utb[i] = r
		}
	}
}

// arguments gives an event its arguments: those of its data row, or, for an
// event on observations, the measured values and which of them there are. Behind them
// may stand the inputs as they are at its row.
func (s *base) arguments(e int, a []float64) {
	ev := s.Prog.Model.Events[e].Checked
	switch ev.Kind {
	case dsl.TriggerOnObservation:
		n := len(s.Data)
		copy(s.Data, a[:n])
		copy(s.Seen, a[n:2*n])
		copy(s.U, a[2*n:])
		return
	case dsl.TriggerOnData, dsl.TriggerRate:
		n := 0
		for _, x := range ev.Args {
			n += x.Shape.Size()
		}
		if len(a) > n {
			copy(s.U, a[n:])
			a = a[:n]
		}
	}
	copy(s.a, a)
}

// Segment tells that a smooth piece of the run starts at time t: signals take their right limit
// there, at its end the left one, and for stages of steps beyond its end they go on.
func (s *System) Segment(t float64) { s.From = t }

func (s *System) Sizes() sim.Sizes { return s.Size }

func (s *System) Init(t float64, y, d []float64) {
	s.At(t, nil, nil)
	run(s.initY.Run, y)
	run(s.initD.Run, d)
}

func (s *System) RHS(t float64, y, d, dy []float64) {
	s.within(t, y, d)
	run(s.field(d).Run, dy)
}

// field is the right-hand side at the discrete state d.
func (s *System) field(d []float64) *Function {
	if w := s.slidingAt(d); w != nil {
		return &w.rhs
	}
	return &s.Rhs
}

func (s *guardPrograms) Guards(t float64, y, d []float64, held []bool, g, rate, accel []float64) {
	s.at(t, y, d, held)
	if w := s.slidingAt(d); w != nil {
		s.guardsSliding(w, t, y, d, held, g, rate, accel)
		return
	}
	run(s.guards.Run, g)
	copy(rate, s.rates)
	if accel != nil {
		run(s.guards2, accel)
	}
}

// at moves the inputs to a time and state of which some components are held.
func (s *guardPrograms) at(t float64, y, d []float64, held []bool) {
	s.At(t, y, d)
	for i := range s.free {
		s.free[i] = 1
		if held[i] {
			s.free[i] = 0
		}
	}
}

func (s *guardPrograms) Spread(t float64, y, d, ry []float64, rt float64, g, rate []float64) {
	clear(g)
	clear(rate)
	if s.spread == nil {
		return
	}
	s.At(t, y, d)
	copy(s.ry, ry)
	if s.rt != nil {
		s.rt[0] = rt
	}
	run(s.spread, g)
	copy(rate, s.spreadRates)
}

func (s *guardPrograms) GuardsAlong(t float64, y, d, dy, g, rate []float64) {
	s.At(t, y, d)
	copy(s.flow, dy)
	run(s.look, g)
	copy(rate, s.lookRates)
}

func (s *System) Times(v []float64) { run(s.times.Run, v) }

func (s *eventPrograms) Jump(e int, t float64, y, d, a, v []float64) {
	s.At(t, y, d)
	s.arguments(e, a)
	run(s.eventProgram(s.jump, e, d).Run, v)
}

// eventProgram is what an event does at the discrete state d.
func (s *eventPrograms) eventProgram(list []*variants, e int, d []float64) *Function {
	return &list[e][s.slidesAlong(d, s.now)][0]
}

// Priorities sets the priority of each event.
func (s *eventPrograms) Priorities(t float64, y, d, v []float64) {
	s.At(t, y, d)
	run(s.priorities, v)
}

func (s *eventPrograms) Rest(e int, t float64, y, d, v []float64) {
	s.At(t, y, d)
	run(s.eventProgram(s.rest, e, d).Run, v)
}

func (s *eventPrograms) Delay(e int, t float64, y, d, a []float64) float64 {
	s.At(t, y, d)
	s.arguments(e, a)
	f := s.eventProgram(s.delay, e, d)
	f.Run.Run()
	return f.Run.Value[0]
}

func (s *guardPrograms) Floors(t float64, y, d, v []float64) {
	s.At(t, y, d)
	run(s.floors, v)
}

func (s *System) InitVJP(t float64, yCt, dCt []float64) (tBar float64) {
	s.At(t, nil, nil)
	for _, x := range []struct {
		d  Function
		ct []float64
	}{{s.initY, yCt}, {s.initD, dCt}} {
		if x.d.VJP != nil {
			copy(x.d.Ct, x.ct)
			tBar += x.d.VJP.vjp(nil, nil)
		}
	}
	return tBar
}

func (s *System) RHSVJP(t float64, y, d, ct, yBar, dBar []float64, params sim.Params) float64 {
	s.within(t, y, d)
	f := s.field(d)
	copy(f.Ct, ct)
	if params {
		return f.VJP.vjp(yBar, dBar)
	}
	return f.vjp0.vjp(yBar, dBar)
}

func (s *guardPrograms) GuardVJP(t float64, y, d []float64, guard int, ct float64, yBar, dBar []float64, params sim.Params) float64 {
	s.At(t, y, d)
	f, guard := s.guard(d, guard)
	clear(f.Ct)
	if f.Ct != nil {
		f.Ct[guard] = ct
	}
	if params {
		return f.VJP.vjp(yBar, dBar)
	}
	return f.vjp0.vjp(yBar, dBar)
}

// Descends reports whether motions may come to rest in finite time.
func (s *guardPrograms) Descends() bool { return s.descent.Run != nil }

// RateVJP is that of a guard's rate.
func (s *guardPrograms) RateVJP(t float64, y, d []float64, held []bool, guard int, ct float64, yBar, dBar []float64) float64 {
	s.at(t, y, d, held)
	clear(s.descent.Ct)
	if s.descent.Ct != nil {
		s.descent.Ct[guard] = ct
	}
	return s.descent.VJP.vjp(yBar, dBar)
}

// RateJVP is that of a guard's rate.
func (s *guardPrograms) RateJVP(t, tDot float64, y, yDot, d, dDot []float64, held []bool, guard int) float64 {
	s.at(t, y, d, held)
	s.jvp(s.descent.jvp, tDot, yDot, dDot, nil)
	return s.descent.jvp.Value[guard]
}

// guard is the program that has a guard, and its place there.
func (s *guardPrograms) guard(d []float64, guard int) (*Function, int) {
	if first := s.Size.Guards - s.Size.Exits; guard >= first {
		w, i := s.slidingAt(d), guard-first
		return &w.exits, s.exit(i/2) + i%2
	}
	return &s.guards, guard
}

func (s *System) TimesVJP(ct []float64) {
	if s.times.VJP != nil {
		copy(s.times.Ct, ct)
		s.times.VJP.vjp(nil, nil)
	}
}

func (s *eventPrograms) JumpVJP(e int, t float64, y, d, a, ct, yBar, dBar []float64) float64 {
	s.At(t, y, d)
	s.arguments(e, a)
	f := s.eventProgram(s.jump, e, d)
	if f.VJP == nil {
		return 0
	}
	copy(f.Ct, ct)
	return f.VJP.vjp(yBar, dBar)
}

func (s *eventPrograms) RestVJP(e int, t float64, y, d, ct, yBar, dBar []float64) float64 {
	s.At(t, y, d)
	f := s.eventProgram(s.rest, e, d)
	copy(f.Ct, ct)
	return f.VJP.vjp(yBar, dBar)
}

func (s *eventPrograms) DelayVJP(e int, t float64, y, d, a []float64, ct float64, yBar, dBar []float64) float64 {
	s.At(t, y, d)
	s.arguments(e, a)
	f := s.eventProgram(s.delay, e, d)
	if f.Ct != nil {
		f.Ct[0] = ct
	}
	return f.VJP.vjp(yBar, dBar)
}

// jvp runs a forward derivative in the direction that is set.
func (s *base) jvp(p *Program, tDot float64, yDot, dDot, out []float64) {
	if p == nil {
		clear(out)
		return
	}
	if s.tDot != nil {
		s.tDot[0] = tDot
	}
	copy(s.yDot, yDot)
	copy(s.dDot, dDot)
	p.Run()
	copy(out, p.Value)
}

func (s *System) InitJVP(t, tDot float64, yDot, dDot []float64) {
	s.At(t, nil, nil)
	s.jvp(s.initY.jvp, tDot, nil, nil, yDot)
	s.jvp(s.initD.jvp, tDot, nil, nil, dDot)
}

func (s *System) RHSJVP(t, tDot float64, y, yDot, d, dDot, out []float64) {
	s.within(t, y, d)
	s.jvp(s.field(d).jvp, tDot, yDot, dDot, out)
}

func (s *guardPrograms) GuardJVP(t, tDot float64, y, yDot, d, dDot []float64, guard int) float64 {
	s.At(t, y, d)
	f, guard := s.guard(d, guard)
	s.jvp(f.jvp, tDot, yDot, dDot, nil)
	return f.jvp.Value[guard]
}

func (s *System) TimesJVP(out []float64) { s.jvp(s.times.jvp, 0, nil, nil, out) }

func (s *eventPrograms) JumpJVP(e int, t, tDot float64, y, yDot, d, dDot, a, out []float64) {
	s.At(t, y, d)
	s.arguments(e, a)
	s.jvp(s.eventProgram(s.jump, e, d).jvp, tDot, yDot, dDot, out)
}

func (s *eventPrograms) RestJVP(e int, t, tDot float64, y, yDot, d, dDot, out []float64) {
	s.At(t, y, d)
	s.jvp(s.eventProgram(s.rest, e, d).jvp, tDot, yDot, dDot, out)
}

func (s *eventPrograms) DelayJVP(e int, t, tDot float64, y, yDot, d, dDot, a []float64) float64 {
	s.At(t, y, d)
	s.arguments(e, a)
	f := s.eventProgram(s.delay, e, d)
	s.jvp(f.jvp, tDot, yDot, dDot, nil)
	return f.jvp.Value[0]
}

// ClearGradient forgets the gradient by the parameters, but for the weights.
func (s *System) ClearGradient() {
	clear(s.PBar)
	clear(s.QBar)
}

// AddGradient adds the gradient by the parameters since clearAccount.
func (s *System) AddGradient(pBar, qBar []float64) {
	Add(pBar, s.PBar)
	Add(qBar, s.QBar)
}

// Predict are the predictions of observations where the system is; nil if there are none.
func (s *rowPrograms) Predict() []float64 {
	if s.Obs == nil {
		return nil
	}
	s.Obs.Run()
	return s.Obs.Value
}

// RowAt moves the inputs to a row of data at a state: the measured values, which of
// them there are, the signals there, and what else it has of its own.
func (s *System) RowAt(t float64, y, d, yb, db, datum, seen, u, own []float64) {
	s.At(t, y, d)
	s.Choose(d, db)
	s.Before(t, yb, db)
	copy(s.Data, datum)
	copy(s.Seen, seen)
	copy(s.U, u)
	copy(s.OfRow, own)
}
