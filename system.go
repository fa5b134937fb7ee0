package pinode

import (
	"slices"

	"gonum.org/v1/gonum/floats"

	"github.com/pinode/pinode/compiler"
	"github.com/pinode/pinode/compiler/exec"
	"github.com/pinode/pinode/compiler/lower"
	"github.com/pinode/pinode/data"
	"github.com/pinode/pinode/dsl"
	"github.com/pinode/pinode/events"
	"github.com/pinode/pinode/sim"
)

// newHybrid describes a compiled model's events and switches to the simulator.
func newHybrid(p *compiler.Program) *sim.Hybrid {
	m := p.Model
	hy := &sim.Hybrid{Flags: make([]bool, p.NumGuards), Affine: p.Affine(), Prioritised: m.Priorities != nil, Nilpotent: p.Nilpotent()}
	for i, g := range m.Guards {
		hy.Flags[i] = g.Flag
	}
	kinds := map[dsl.TriggerKind]events.Kind{
		dsl.TriggerWhen: events.When, dsl.TriggerAt: events.At, dsl.TriggerEvery: events.Every,
		dsl.TriggerOnData: events.OnData, dsl.TriggerOnObservation: events.OnObs,
	}
	rules := map[string]events.ZenoRule{"error": events.ZenoError, "stop": events.ZenoStop, "rest": events.ZenoRest, "pass": events.ZenoPass}
	for i, e := range m.Events {
		c := e.Checked
		ev := events.Event{
			Name: c.Name, Kind: kinds[c.Kind], Cond: condition(e.Cond), Priority: c.Priority, Delayed: e.Delay != nil,
			Late: c.Late, Persistent: c.Persistent, AtStart: c.AtStart, Terminate: c.Terminate, Zeno: rules[c.Zeno],
			Targets: e.Targets, Adds: e.Adds, Rest: e.RestTargets, Release: p.Releases[i],
		}
		if e.Cond != nil {
			ev.Kind = events.When
		}
		if e.Rate != nil {
			ev.Threshold, ev.RateGuard, ev.Integral = e.Threshold+1, e.Cond.Guard, e.Likelihood-1
		}
		hy.Events = append(hy.Events, ev)
		s := p.Schedules[i]
		hy.Schedules = append(hy.Schedules, sim.Schedule{At: s.At, Period: s.Period, From: s.From, Until: s.Until})
	}
	for _, w := range m.Switches {
		k := slices.IndexFunc(hy.Switches, func(x events.Switch) bool { return x.Guard == w.Guard })
		if k < 0 {
			k = len(hy.Switches)
			hy.Switches = append(hy.Switches, events.Switch{Guard: w.Guard, Floor: w.Floor, Upper: w.Upper, Corner: true})
		}
		x := &hy.Switches[k]
		x.Trigger = max(x.Trigger, w.Trigger)
		x.Modes, x.AtZero, x.Corner = append(x.Modes, w.Mode), append(x.AtZero, w.AtZero), x.Corner && w.Corner
	}
	return hy
}

func condition(c *lower.Cond) *events.Cond {
	if c == nil {
		return nil
	}
	ops := map[lower.CondOp]events.CondOp{
		lower.CondBelow: events.Below, lower.CondAbove: events.Above, lower.CondCross: events.Cross,
		lower.CondRise: events.Rise, lower.CondFall: events.Fall, lower.CondFlag: events.Flag,
		lower.CondAnd: events.And, lower.CondOr: events.Or, lower.CondNot: events.Not, lower.CondConst: events.Const,
	}
	out := &events.Cond{Op: ops[c.Op], Guard: c.Guard, Inclusive: c.Inclusive, Value: c.Value}
	for _, a := range c.Args {
		out.Args = append(out.Args, condition(a))
	}
	return out
}

// function is a program with its derivatives, and their results.
type function struct {
	run, vjp, vjp0, jvp *program
	ct                  []float64
}

// program is a program on a frame, with its results.
type program struct {
	code  *exec.Program
	frame *exec.Frame
	v     []float64 // its value; of a forward derivative the tangent
	terms []float64 // of a row's loss

	by, bd, bt, byb, bdb []float64 // cotangents
}

func newProgram(mod *exec.Module, f *exec.Frame, name, value string) *program {
	p := mod.Program(name)
	if p == nil {
		return nil
	}
	out := func(name string) []float64 { return p.Output(f, name) }
	return &program{p, f, out(value), out("terms"), out("by"), out("bd"), out("bt"), out("byb"), out("bdb")}
}

func (p *program) run() { p.code.Run(p.frame) }

// system is a compiled model bound to a frame: the simulator's view of it.
type system struct {
	prog    *compiler.Program
	size    sim.Sizes
	frame   *exec.Frame
	signals []*data.Interpolant
	from    float64 // start of the smooth piece that the run is in

	t, y, d, u, ut, q, s, a, datum, seen, yb, db []float64
	ty, td, tt, tq, tp                           []float64
	free, ry, rt                                 []float64

	bp, bq                                        []float64 // the account: the gradient by parameters
	rhs, guards, initY, initD, times, row, priors function
	rates, lookRates                              []float64 // of guards, and of those of look
	guards2, look, floors, spread                 *program
	spreadRates                                   []float64
	slides                                        []*sliding // by the number of surfaces, less 1
	now, then                                     surfaces   // of these, and of those before the instant
	boxed                                         boxed
	rows, preds, outs                             *readers
	outputs, obs                                  *program // these and row: of preds, outs and rows, for the state that stands
	conserved, priorities, counts                 *program
	flow                                          []float64
	nets                                          *program
	netArgs                                       []float64
	jump, rest, delay                             []*readers
}

func newSystem(p *compiler.Program, mod *exec.Module) *system {
	f := mod.NewFrame()
	s := &system{prog: p, frame: f}
	lay := &p.Model.Layout
	s.size = sim.Sizes{Y: lay.NY, YError: lay.NError, D: lay.ND, Guards: p.NumGuards, Times: p.NumTimes}
	s.size.Releases = p.NumGuards - len(p.Model.Guards)
	if p.Slides {
		s.size.Exits = compiler.SlideGuards
		s.size.Releases -= compiler.SlideGuards
	}
	for name, to := range map[string]*[]float64{
		"t": &s.t, "y": &s.y, "d": &s.d, "u": &s.u, "ut": &s.ut, "q": &s.q, "s": &s.s, "a": &s.a,
		"free": &s.free, "ry": &s.ry, "rt": &s.rt, "data": &s.datum, "seen": &s.seen, "yb": &s.yb, "db": &s.db,
		"ty": &s.ty, "td": &s.td, "tt": &s.tt, "tq": &s.tq, "tp": &s.tp,
	} {
		*to = f.Input(name)
	}
	get := func(name, value string) function {
		d := function{
			run: newProgram(mod, f, name, value),
			vjp: newProgram(mod, f, name+".vjp", value), vjp0: newProgram(mod, f, name+".vjp0", ""), jvp: newProgram(mod, f, name+".jvp", "dot"),
		}
		d.ct = f.Input("ct." + name)
		return d
	}
	s.bp, s.bq = f.Input("acc.bp"), f.Input("acc.bq")
	s.rhs, s.guards, s.initY, s.initD = get("rhs", "dy"), get("guards", "g"), get("init.y", "v"), get("init.d", "v")
	s.times, s.priors = get("times", "s"), get("priors", "v")
	s.guards2, s.floors = newProgram(mod, f, "guards2", "accel"), newProgram(mod, f, "floors", "v")
	s.conserved, s.nets = newProgram(mod, f, "conserved", "v"), newProgram(mod, f, "nets", "values")
	s.priorities, s.counts = newProgram(mod, f, "priorities", "v"), newProgram(mod, f, "counts", "v")
	if s.guards.run != nil {
		s.rates = s.guards.run.code.Output(f, "rate")
	}
	if s.look = newProgram(mod, f, "look", "g"); s.look != nil {
		s.lookRates, s.flow = s.look.code.Output(f, "rate"), f.Input("flow")
	}
	s.boxed = newBoxed(mod, f)
	if s.spread = newProgram(mod, f, "spread", "g"); s.spread != nil {
		s.spreadRates = s.spread.code.Output(f, "rate")
	}
	s.slides = newSliding(p, mod, f, get)
	s.now, s.then = newSurfaces(f, ""), newSurfaces(f, "b")
	read := func(name, value string) *readers { return newReaders(name, value, len(s.slides), get) }
	s.rows, s.preds, s.outs = read("row", "loss"), read("obs", "pred"), read("outputs", "v")
	s.stand(nil, nil)
	if s.nets != nil {
		s.netArgs = s.nets.code.Output(f, "args")
	}
	for _, e := range p.Model.Events {
		s.jump = append(s.jump, read("jump."+e.Checked.Name, "v"))
		s.rest = append(s.rest, read("rest."+e.Checked.Name, "v"))
		s.delay = append(s.delay, read("delay."+e.Checked.Name, "v"))
	}
	return s
}

// at moves the inputs to a time and state.
func (s *system) at(t float64, y, d []float64) {
	if s.t != nil {
		s.t[0] = t
	}
	copy(s.y, y)
	copy(s.d, d)
	for i, g := range s.signals {
		v, r := g.At(t)
		if t > s.from {
			v, r = g.Before(t)
		}
		if s.u != nil {
			s.u[i] = v
		}
		if s.ut != nil {
			s.ut[i] = r
		}
	}
}

// arguments gives an event its arguments: those of its data row, or, for an
// event on observations, the measured values and which of them there are.
func (s *system) arguments(e int, a []float64) {
	if s.prog.Model.Events[e].Checked.Kind == dsl.TriggerOnObservation {
		n := len(a) / 2
		copy(s.datum, a[:n])
		copy(s.seen, a[n:])
		return
	}
	copy(s.a, a)
}

// Segment tells that a smooth piece of the run starts at time t: signals take
// their right limit there, and at its end the left one.
func (s *system) Segment(t float64) { s.from = t }

func (s *system) Sizes() sim.Sizes { return s.size }

func run(p *program, to []float64) {
	if p == nil {
		return
	}
	p.run()
	copy(to, p.v)
}

func (s *system) Init(t float64, y, d []float64) {
	s.at(t, nil, nil)
	run(s.initY.run, y)
	run(s.initD.run, d)
}

func (s *system) RHS(t float64, y, d, dy []float64) {
	s.at(t, y, d)
	run(s.field(d).run, dy)
}

// field is the right-hand side at the discrete state d.
func (s *system) field(d []float64) *function {
	if w := s.slid(d); w != nil {
		return &w.rhs
	}
	return &s.rhs
}

func (s *system) Guards(t float64, y, d []float64, held []bool, g, rate, accel []float64) {
	s.at(t, y, d)
	for i := range s.free {
		s.free[i] = 1
		if held[i] {
			s.free[i] = 0
		}
	}
	if w := s.slid(d); w != nil {
		s.guardsSliding(w, t, y, d, held, g, rate, accel)
		return
	}
	run(s.guards.run, g)
	copy(rate, s.rates)
	if accel != nil {
		run(s.guards2, accel)
	}
}

func (s *system) Spread(t float64, y, d, ry []float64, rt float64, g, rate []float64) {
	clear(g)
	clear(rate)
	if s.spread == nil {
		return
	}
	s.at(t, y, d)
	copy(s.ry, ry)
	if s.rt != nil {
		s.rt[0] = rt
	}
	run(s.spread, g)
	copy(rate, s.spreadRates)
}

func (s *system) GuardsAlong(t float64, y, d, dy, g, rate []float64) {
	s.at(t, y, d)
	copy(s.flow, dy)
	run(s.look, g)
	copy(rate, s.lookRates)
}

func (s *system) Times(v []float64) { run(s.times.run, v) }

func (s *system) Jump(e int, t float64, y, d, a, v []float64) {
	s.at(t, y, d)
	s.arguments(e, a)
	run(s.does(s.jump, e, d).run, v)
}

// does is what an event does at the discrete state d.
func (s *system) does(list []*readers, e int, d []float64) *function {
	return &list[e][s.along(d, s.now)][0]
}

// Priorities sets the priority of each event.
func (s *system) Priorities(t float64, y, d, v []float64) {
	s.at(t, y, d)
	run(s.priorities, v)
}

func (s *system) Rest(e int, t float64, y, d, v []float64) {
	s.at(t, y, d)
	run(s.does(s.rest, e, d).run, v)
}

func (s *system) Delay(e int, t float64, y, d, a []float64) float64 {
	s.at(t, y, d)
	s.arguments(e, a)
	f := s.does(s.delay, e, d)
	f.run.run()
	return f.run.v[0]
}

func (s *system) Floors(t float64, y, d, v []float64) {
	s.at(t, y, d)
	run(s.floors, v)
}

// pull runs a reverse derivative whose cotangent is set, and adds what it
// gives.
func (p *program) pull(yBar, dBar []float64) (tBar float64) {
	p.run()
	add(yBar, p.by)
	add(dBar, p.bd)
	if p.bt != nil {
		return p.bt[0]
	}
	return 0
}

// add adds from to to, if there is such.
func add(to, from []float64) {
	if to == nil {
		return
	}
	if len(from) >= 64 {
		floats.Add(to[:len(from)], from)
		return
	}
	for i, v := range from {
		to[i] += v
	}
}

func (s *system) InitVJP(t float64, yCt, dCt []float64) (tBar float64) {
	s.at(t, nil, nil)
	for _, x := range []struct {
		d  function
		ct []float64
	}{{s.initY, yCt}, {s.initD, dCt}} {
		if x.d.vjp != nil {
			copy(x.d.ct, x.ct)
			tBar += x.d.vjp.pull(nil, nil)
		}
	}
	return tBar
}

func (s *system) RHSVJP(t float64, y, d, ct, yBar, dBar []float64, params sim.Params) float64 {
	s.at(t, y, d)
	f := s.field(d)
	copy(f.ct, ct)
	if params {
		return f.vjp.pull(yBar, dBar)
	}
	return f.vjp0.pull(yBar, dBar)
}

func (s *system) GuardVJP(t float64, y, d []float64, guard int, ct float64, yBar, dBar []float64, params sim.Params) float64 {
	s.at(t, y, d)
	f, guard := s.guard(d, guard)
	clear(f.ct)
	if f.ct != nil {
		f.ct[guard] = ct
	}
	if params {
		return f.vjp.pull(yBar, dBar)
	}
	return f.vjp0.pull(yBar, dBar)
}

// guard is the program that has a guard, and its place there.
func (s *system) guard(d []float64, guard int) (*function, int) {
	if first := s.size.Guards - s.size.Exits; guard >= first {
		return &s.slid(d).exits, guard - first
	}
	return &s.guards, guard
}

func (s *system) TimesVJP(ct []float64) {
	if s.times.vjp != nil {
		copy(s.times.ct, ct)
		s.times.vjp.pull(nil, nil)
	}
}

func (s *system) JumpVJP(e int, t float64, y, d, a, ct, yBar, dBar []float64) float64 {
	s.at(t, y, d)
	s.arguments(e, a)
	f := s.does(s.jump, e, d)
	if f.vjp == nil {
		return 0
	}
	copy(f.ct, ct)
	return f.vjp.pull(yBar, dBar)
}

func (s *system) RestVJP(e int, t float64, y, d, ct, yBar, dBar []float64) float64 {
	s.at(t, y, d)
	f := s.does(s.rest, e, d)
	copy(f.ct, ct)
	return f.vjp.pull(yBar, dBar)
}

func (s *system) DelayVJP(e int, t float64, y, d, a []float64, ct float64, yBar, dBar []float64) float64 {
	s.at(t, y, d)
	s.arguments(e, a)
	f := s.does(s.delay, e, d)
	if f.ct != nil {
		f.ct[0] = ct
	}
	return f.vjp.pull(yBar, dBar)
}

// push runs a forward derivative in the direction that is set.
func (s *system) push(p *program, tDot float64, yDot, dDot, out []float64) {
	if p == nil {
		clear(out)
		return
	}
	if s.tt != nil {
		s.tt[0] = tDot
	}
	copy(s.ty, yDot)
	copy(s.td, dDot)
	p.run()
	copy(out, p.v)
}

func (s *system) InitJVP(t, tDot float64, yDot, dDot []float64) {
	s.at(t, nil, nil)
	s.push(s.initY.jvp, tDot, nil, nil, yDot)
	s.push(s.initD.jvp, tDot, nil, nil, dDot)
}

func (s *system) RHSJVP(t, tDot float64, y, yDot, d, dDot, out []float64) {
	s.at(t, y, d)
	s.push(s.field(d).jvp, tDot, yDot, dDot, out)
}

func (s *system) GuardJVP(t, tDot float64, y, yDot, d, dDot []float64, guard int) float64 {
	s.at(t, y, d)
	f, guard := s.guard(d, guard)
	s.push(f.jvp, tDot, yDot, dDot, nil)
	return f.jvp.v[guard]
}

func (s *system) TimesJVP(out []float64) { s.push(s.times.jvp, 0, nil, nil, out) }

func (s *system) JumpJVP(e int, t, tDot float64, y, yDot, d, dDot, a, out []float64) {
	s.at(t, y, d)
	s.arguments(e, a)
	s.push(s.does(s.jump, e, d).jvp, tDot, yDot, dDot, out)
}

func (s *system) RestJVP(e int, t, tDot float64, y, yDot, d, dDot, out []float64) {
	s.at(t, y, d)
	s.push(s.does(s.rest, e, d).jvp, tDot, yDot, dDot, out)
}

func (s *system) DelayJVP(e int, t, tDot float64, y, yDot, d, dDot, a []float64) float64 {
	s.at(t, y, d)
	s.arguments(e, a)
	f := s.does(s.delay, e, d)
	s.push(f.jvp, tDot, yDot, dDot, nil)
	return f.jvp.v[0]
}

// clearAccount forgets the gradient by the parameters, but for the weights.
func (s *system) clearAccount() {
	clear(s.bp)
	clear(s.bq)
}

// account adds the gradient by the parameters since clearAccount.
func (s *system) account(bp, bq []float64) {
	add(bp, s.bp)
	add(bq, s.bq)
}

// rowAt moves the inputs to a row of data at a state.
func (s *system) rowAt(t float64, y, d, yb, db []float64, r *row) {
	s.at(t, y, d)
	s.stand(d, db)
	copy(s.yb, yb)
	copy(s.db, db)
	copy(s.datum, r.datum)
	copy(s.seen, r.seen)
	copy(s.u, r.u)
}
