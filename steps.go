package pinode

import (
	"fmt"
	"math"

	"github.com/pinode/pinode/compiler"
	"github.com/pinode/pinode/compiler/exec"
	"github.com/pinode/pinode/data"
	"github.com/pinode/pinode/sim"
	"github.com/pinode/pinode/solvers"
)

// method describes a solver's method to the compiler.
func method(tab *solvers.Tableau) *compiler.Method {
	c := solvers.NewControl(tab)
	return &compiler.Method{
		C: tab.C, A: tab.A, E: tab.E,
		Alpha: c.Alpha, Beta: c.Beta, Safety: c.Safety, Least: c.Least, Most: c.Most, Back: c.Back,
		LeastLog: solvers.LeastLog, Near: sim.Near, Tiny: sim.Tiny, Slack: sim.Slack,
		Bernstein: tab.Bernstein(),
	}
}

// subject is one trajectory as a model of its own, for runs that share a
// system: what is bound to it is put in place before its turn.
type subject struct {
	*system
	p, q    []float64 // p: none where all share the system's
	y       []value   // initial values of states, in the place of the model's
	run     *laneRun  // where it runs
	binding int       // number of what is bound, unique among the worker's
	signals []*data.Interpolant
	from    float64
}

// value is a number at a place of an array.
type value struct {
	at int
	v  float64
}

// Init sets the initial state.
func (j *subject) Init(t float64, y, d []float64) {
	j.system.Init(t, y, d)
	for _, x := range j.y {
		y[x.at] = x.v
	}
}

// Collect takes over what the system has added to the parameters' gradient.
func (j *subject) Collect() {
	j.system.account(j.run.bp, j.run.bq)
	j.system.clearAccount()
}

// Use puts the trajectory's inputs in place.
func (j *subject) Use() {
	if len(j.p) > 0 {
		j.system.frame.Bind("p", j.p)
	}
	copy(j.system.q, j.q)
	j.system.signals, j.system.from = j.signals, j.from
}

// Segment tells that a smooth piece of the run starts at time t.
func (j *subject) Segment(t float64) { j.from, j.system.from = t, t }

// steps are the step programs of a model on a frame of theirs, for
// trajectories side by side.
type steps struct {
	frame *exec.Frame
	blk   *solvers.Block
	lanes []int // the binding of each: see subject

	d, q, pl, s, free []float64
	u, ut             [][]float64 // by stage; nil: not read there
	inputs            bool        // there is one
	tab               *solvers.Tableau
	bp, bq            []float64   // the account
	kept              [][]float64 // by lane: see Save

	step      *exec.Program
	acts      *exec.Program // computes activations again; nil: there are none
	vjp, vjpt stepVJP
	last      *exec.Program // the derivative of the last stage's
	length    *exec.Program // derivatives by the length
	byLength  [][]float64   // what it gives: of the end, and of the stage derivatives from the second on
	fromLast  [][]float64   // what it gives
	lastRan   bool
	ran       *stepVJP // the reverse derivative that ran last
}

// stepVJP is a reverse derivative of the step, with what it gives.
type stepVJP struct {
	*exec.Program
	by, bd, bt, bh []float64
}

// newSteps returns the steps of a module, or nil where it has none.
func newSteps(mod *exec.Module, f *exec.Frame, tab *solvers.Tableau, n int, opt sim.Options) sim.Steps {
	s := &steps{frame: f, lanes: make([]int, mod.Lanes()), kept: make([][]float64, mod.Lanes()), tab: tab}
	s.step = mod.Program("step")
	if s.step == nil {
		return nil
	}
	width := mod.Lanes()
	b := solvers.NewBlock(tab, n, width)
	place := func(to *[]float64, from []float64) {
		if from != nil {
			*to = from
		}
	}
	place(&b.T, f.Input("t"))
	place(&b.H, f.Input("h"))
	for name, to := range map[string]*[]float64{"mean": &b.Mean, "log": &b.Log, "factor": &b.Factor} {
		place(to, s.step.Output(f, name))
	}
	place(&b.Before, f.Input("before"))
	b.Calm, b.Side = s.step.Output(f, "calm"), f.Input("side")
	if s.step.Output(f, "mean") == nil { // no state has an error
		for l := range b.Factor {
			b.Factor[l] = solvers.NewControl(tab).Most
		}
	}
	for name, to := range map[string]*[]float64{
		"until": &b.Until, "stop": &b.Stop, "cap": &b.Cap, "hop": &b.Hop, "next": &b.Next, "clipped": &b.Clipped, "rejected": &b.Rejected,
		"taken": &b.Taken, "refused": &b.Refused, "left": &b.Left,
	} {
		place(to, f.Input(name))
	}
	for l := range b.Until {
		b.Until[l] = math.Inf(-1)
	}
	place(&b.EndBar, f.Input("ct.step"))
	var stages []string
	for i := range tab.C[1:] {
		stages = append(stages, fmt.Sprintf("y.%d", i+1))
	}
	if b.Stages = f.Span(stages...); b.Stages == nil {
		panic("pinode: the stages of a step do not stand together")
	}
	for i := range tab.C {
		place(&b.Y[i], f.Input(fmt.Sprintf("y.%d", i)))
		place(&b.K[i], f.Input(fmt.Sprintf("k.%d", i)))
		place(&b.KBar[i], f.Input(fmt.Sprintf("kb.%d", i)))
		u, ut := f.Input(fmt.Sprintf("u.%d", i)), f.Input(fmt.Sprintf("ut.%d", i))
		s.u, s.ut = append(s.u, u), append(s.ut, ut)
		s.inputs = s.inputs || u != nil || ut != nil
	}
	if s.acts = mod.Program("step.acts"); s.acts != nil {
		for i := range tab.C {
			var list [][]float64
			for {
				v := f.Input(fmt.Sprintf("act.%d.%d", i, len(list)))
				if v == nil {
					break
				}
				list = append(list, v)
			}
			b.Acts = append(b.Acts, list)
		}
	}
	s.blk = b
	for name, to := range map[string]*stepVJP{"step.vjp": &s.vjp, "step.vjpt": &s.vjpt} {
		if p := mod.Program(name); p != nil {
			*to = stepVJP{p, p.Output(f, "by"), p.Output(f, "bd"), p.Output(f, "bt"), p.Output(f, "bh")}
		}
	}
	if s.length = mod.Program("step.length"); s.length != nil {
		s.byLength = append(s.byLength, s.length.Output(f, "ph"))
		for i := range tab.C[1:] {
			s.byLength = append(s.byLength, s.length.Output(f, fmt.Sprintf("kh.%d", i+1)))
		}
	}
	s.last = mod.Program("step.vjp.last")
	for _, name := range []string{"last.y", "last.d", "last.t"} {
		s.fromLast = append(s.fromLast, f.Input(name))
	}
	s.bp, s.bq = f.Input("acc.bp"), f.Input("acc.bq")
	s.d, s.q, s.pl, s.s, s.free = f.Input("d"), f.Input("q"), f.Input("pl"), f.Input("s"), f.Input("free")
	if tol := f.Input("tol"); tol != nil {
		tol[0], tol[1] = opt.RTol, opt.ATol
	}
	return s
}

func (s *steps) Block() *solvers.Block { return s.blk }

// Load implements sim.Steps.
func (s *steps) Load(l int, m sim.Model, d []float64, held []bool) {
	w := s.blk.Width
	s.blk.Scatter(s.d, d[:len(s.d)/w], l)
	if s.free != nil {
		for i, on := range held {
			s.free[i*w+l] = 1
			if on {
				s.free[i*w+l] = 0
			}
		}
	}
	if j, ok := m.(*subject); ok && s.lanes[l] != j.binding {
		s.lanes[l] = j.binding
		s.blk.Scatter(s.q, j.q[:len(s.q)/w], l)
		s.blk.Scatter(s.pl, j.p[:len(s.pl)/w], l)
	}
}

// Time implements sim.Steps.
func (s *steps) Time(l int, m sim.Model, t, h float64) {
	s.blk.T[l], s.blk.H[l] = t, h
	if !s.inputs {
		return
	}
	switch m := m.(type) {
	case *subject:
		s.load(l, m.signals, m.from, t, h)
	case *system:
		s.load(l, m.signals, m.from, t, h)
	}
}

// load sets the signals at the times of the stages.
func (s *steps) load(l int, signals []*data.Interpolant, from, t, h float64) {
	w := s.blk.Width
	for i := range s.u {
		if s.u[i] == nil && s.ut[i] == nil {
			continue
		}
		now := s.tab.StageTime(i, t, h)
		for k, g := range signals {
			v, r := g.At(now)
			if now > from {
				v, r = g.Before(now)
			}
			if s.u[i] != nil {
				s.u[i][k*w+l] = v
			}
			if s.ut[i] != nil {
				s.ut[i][k*w+l] = r
			}
		}
	}
}

// HasInputs implements sim.Inputs.
func (s *steps) HasInputs() bool { return s.inputs }

func (s *steps) Step() { s.step.Run(s.frame) }

// VJP implements sim.StepsVJP.
func (s *steps) VJP(times sim.Times) {
	if s.ran = &s.vjp; times {
		s.ran = &s.vjpt
	}
	if s.blk.Unkept && s.acts != nil {
		s.acts.Run(s.frame)
	}
	s.blk.Unkept = false
	// Only results inside of the step depend on its last stage's derivative.
	seeded := false
	for _, x := range s.blk.KBar[len(s.blk.KBar)-1] {
		seeded = seeded || x != 0
	}
	if seeded {
		s.last.Run(s.frame)
		s.lastRan = true
	} else if s.lastRan {
		for _, v := range s.fromLast {
			clear(v)
		}
		s.lastRan = false
	}
	s.ran.Run(s.frame)
	s.blk.YBar = s.ran.by
	if s.ran.bt != nil {
		s.blk.TBar = s.ran.bt
	}
	if s.ran.bh != nil {
		s.blk.HBar = s.ran.bh
	}
}

// LengthBars implements sim.StepsVJP, for steps of one lane.
func (s *steps) LengthBars(end, other []float64) (hBar, otherBar float64) {
	s.length.Run(s.frame)
	hBar, otherBar = dot(end, s.byLength[0]), dot(other, s.byLength[0])
	for i, kh := range s.byLength[1:] {
		hBar += dot(s.blk.KBar[i+1], kh)
	}
	return hBar, otherBar
}

// DBar adds lane l's cotangent of the discrete state.
func (s *steps) DBar(l int, dBar []float64) {
	w := s.blk.Width
	for i := l; i < len(s.ran.bd); i += w {
		dBar[i/w] += s.ran.bd[i]
	}
}

// Idle takes lane l out of the sums over lanes, or back in.
func (s *steps) Idle(l int, idle bool) { s.frame.Idle(l, idle) }

// Clear forgets the gradient by the parameters of lane l.
func (s *steps) Clear(l int) {
	for _, v := range [][]float64{s.bp, s.bq} {
		for i := l; i < len(v); i += s.blk.Width {
			v[i] = 0
		}
	}
}

// Save sets lane l's account aside.
func (s *steps) Save(l int) {
	s.kept[l] = append(s.kept[l][:0], make([]float64, (len(s.bp)+len(s.bq))/s.blk.Width)...)
	n := len(s.bp) / s.blk.Width
	s.blk.Gather(s.kept[l][:n], s.bp, l)
	s.blk.Gather(s.kept[l][n:], s.bq, l)
}

// Restore puts back what Save set aside.
func (s *steps) Restore(l int) {
	n := len(s.bp) / s.blk.Width
	s.blk.Scatter(s.bp, s.kept[l][:n], l)
	s.blk.Scatter(s.bq, s.kept[l][n:], l)
}

// account adds lane l's gradient by the parameters since Clear, but for the
// weights, whose gradients are those of all lanes.
func (s *steps) account(l int, bp, bq []float64) {
	w := s.blk.Width
	for i := l; i < len(s.bp); i += w {
		bp[i/w] += s.bp[i]
	}
	for i := l; i < len(s.bq); i += w {
		bq[i/w] += s.bq[i]
	}
}
