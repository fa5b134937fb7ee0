package engine

import (
	"math"

	"github.com/pinode/pinode/compiler/exec"
	"github.com/pinode/pinode/compiler/place"
	"github.com/pinode/pinode/compiler/step"
	"github.com/pinode/pinode/data"
	"github.com/pinode/pinode/sim"
	"github.com/pinode/pinode/solvers"
)

// Method describes a solver's method to the compiler; nil for one whose steps are not
// programs.
func Method(tab *solvers.Tableau) *step.Method {
	if !tab.Whole() {
		return nil
	}
	var parts []int
	for _, p := range tab.Parts {
		parts = append(parts, map[solvers.Part]int{solvers.Kick: 1, solvers.Drift: -1}[p])
	}
	return &step.Method{
		Parts: parts,
		C:     tab.C, A: tab.A, E: tab.E, E2: tab.E2, End: tab.End(), Gamma: tab.Gamma, Couple: tab.Couple, Slope: tab.Slope,
		Control: tab.Control(), Slack: sim.Slack, Bernstein: tab.Bernstein(),
	}
}

// Steps are the step programs of a model on a frame of theirs, for
// trajectories side by side.
type Steps struct {
	frame    *exec.Frame
	Blk      *solvers.Block
	bindings []int // the binding of each: see BoundModel

	stepInputs
	tab        *solvers.Tableau
	pBar, qBar []float64   // gradient accumulators
	saved      [][]float64 // by lane: see Save

	step      *exec.Program
	behind    *exec.Program // computes the stages behind the end; nil: step does
	acts      *exec.Program // computes activations again; nil: there are none
	vjp, vjpt stepVJP
	lastStage *exec.Program // the derivative of the last stage's
	length    *exec.Program // derivatives by the length
	byLength  [][]float64   // what it gives: of the end, and of the stage derivatives from the second on
	fromLast  [][]float64   // what it gives
	lastRan   bool
	ran       *stepVJP // the reverse derivative that ran last

	stepTangents
}

// stepTangents are the forward derivative of the step, with what it reads and gives.
type stepTangents struct {
	jvp                    *exec.Program
	tDot, hDot, yDot, dDot []float64
	kDot                   [][]float64
	endDot                 []float64
}

// stepInputs are inputs of the programs, of all lanes.
type stepInputs struct {
	d, q, pl, s, free []float64
	u, ut             [][]float64 // by stage; nil: not read there
	utt               []float64   // at the start
	inputs            bool        // there is one
}

// stepVJP is a reverse derivative of the step, with what it gives.
type stepVJP struct {
	*exec.Program
	yBar, dBar, tBar, hBar []float64
}

// NewSteps returns the steps of a module, or nil where it has none.
func NewSteps(mod *exec.Module, f *exec.Frame, tab *solvers.Tableau, n int, opt sim.Options) sim.Steps {
	s := &Steps{frame: f, bindings: make([]int, mod.Lanes()), saved: make([][]float64, mod.Lanes()), tab: tab}
	s.step = place.Step.In(mod)
	if s.step == nil {
		return nil
	}
	width := mod.Lanes()
	b := solvers.NewBlock(tab, n, width)
	bind := func(to *[]float64, from []float64) {
		if from != nil {
			*to = from
		}
	}
	input := func(to *[]float64, p place.Input) { bind(to, p.In(f)) }
	input(&b.T, place.Time)
	input(&b.H, place.StepLength)
	bind(&b.Mean, place.StepMean.In(f, s.step))
	bind(&b.Log, place.StepLog.In(f, s.step))
	bind(&b.Factor, place.StepFactor.In(f, s.step))
	input(&b.Before, place.Before)
	b.NoCrossing, b.Side = place.StepNoCrossing.In(f, s.step), place.Side.In(f)
	if place.StepMean.In(f, s.step) == nil { // no state has an error
		for l := range b.Factor {
			b.Factor[l] = tab.Control().Most
		}
	}
	for p, to := range map[place.Input]*[]float64{
		place.Until: &b.Until, place.Stop: &b.Stop, place.Cap: &b.Cap, place.Sure: &b.Sure, place.Outcome: &b.Outcome, place.Next: &b.Next,
		place.Clipped: &b.Clipped, place.Rejected: &b.Rejected, place.Taken: &b.Taken, place.Refused: &b.Refused, place.Left: &b.Left, place.Longest: &b.Longest,
	} {
		input(to, p)
	}
	for l := range b.Until {
		b.Until[l] = math.Inf(-1)
	}
	input(&b.EndBar, place.EndBar)
	var stages []place.Input
	for i := range tab.C[1:] {
		stages = append(stages, place.StageState(i+1))
	}
	if b.Stages = place.Span(f, stages); b.Stages == nil {
		panic("pinode: the stages of a step do not follow each other in the frame")
	}
	for i := range tab.C {
		input(&b.Y[i], place.StageState(i))
		input(&b.K[i], place.StageRate(i))
		input(&b.KBar[i], place.StageRateBar(i))
		u, ut := place.StageSignals(i).In(f), place.StageSignalRates(i).In(f)
		s.u, s.ut = append(s.u, u), append(s.ut, ut)
		s.inputs = s.inputs || u != nil || ut != nil
	}
	s.behind = place.StepBehind.In(mod)
	s.utt = place.SignalCurves.In(f)
	s.Blk = b
	s.findActs(mod)
	s.findReverse(mod)
	s.pBar, s.qBar = place.PBar.Into.In(f), place.QBar.Into.In(f)
	s.d, s.q, s.pl, s.s = place.Discretes.In(f), place.Own.In(f), place.LaneParams.In(f), place.Scales.In(f)
	s.free = place.Free.In(f)
	if tol := place.Tolerances.In(f); tol != nil {
		tol[0] = opt.RTol
		for i := range tol[1:] {
			if tol[1+i] = opt.ATol; i < len(opt.Sizes) {
				tol[1+i] *= opt.Sizes[i]
			}
		}
	}
	return s
}

// findActs takes the activations of the stages.
func (s *Steps) findActs(mod *exec.Module) {
	if s.acts = place.StepActs.In(mod); s.acts == nil {
		return
	}
	for i := range s.tab.C {
		var list [][]float64
		for {
			v := place.StageAct(i, len(list)).In(s.frame)
			if v == nil {
				break
			}
			list = append(list, v)
		}
		s.Blk.Acts = append(s.Blk.Acts, list)
	}
}

// findReverse takes the programs for derivatives of a step.
func (s *Steps) findReverse(mod *exec.Module) {
	f := s.frame
	for program, to := range map[place.Program]*stepVJP{place.StepVJP: &s.vjp, place.StepVJPTimes: &s.vjpt} {
		if p := program.In(mod); p != nil {
			*to = stepVJP{p, place.YBar.In(f, p), place.DBar.In(f, p), place.TBar.In(f, p), place.HBar.In(f, p)}
		}
	}
	if s.length = place.StepByLength.In(mod); s.length != nil {
		s.byLength = append(s.byLength, place.StepEndByLength.In(f, s.length))
		for i := range s.tab.C[1:] {
			s.byLength = append(s.byLength, place.StageRateByLength(i+1).In(f, s.length))
		}
	}
	if s.jvp = place.StepJVP.In(mod); s.jvp != nil {
		s.tDot, s.hDot, s.yDot, s.dDot = place.TimeDot.In(f), place.LengthDot.In(f), place.StatesDot.In(f), place.DiscretesDot.In(f)
		for i := range s.tab.C {
			s.kDot = append(s.kDot, place.StageRateDot(i).In(f, s.jvp))
		}
		s.endDot = place.StepEndDot.In(f, s.jvp)
	}
	s.lastStage = place.StepVJPLast.In(mod)
	for _, p := range []place.Input{place.LastYBar, place.LastDBar, place.LastTBar, place.LastHBar, place.LastYBar0} {
		s.fromLast = append(s.fromLast, p.In(f))
	}
}

func (s *Steps) Block() *solvers.Block { return s.Blk }

// Load implements sim.Steps.
func (s *Steps) Load(l int, m sim.Model, d []float64, held []bool) {
	w := s.Blk.Width
	s.Blk.Scatter(s.d, d[:len(s.d)/w], l)
	if s.free != nil {
		for i, on := range held {
			s.free[i*w+l] = 1
			if on {
				s.free[i*w+l] = 0
			}
		}
	}
	if j, ok := m.(*BoundModel); ok && s.bindings[l] != j.Binding {
		s.bindings[l] = j.Binding
		s.Blk.Scatter(s.q, j.Q[:len(s.q)/w], l)
		s.Blk.Scatter(s.pl, j.P[:len(s.pl)/w], l)
	}
}

// Time implements sim.Steps.
func (s *Steps) Time(l int, m sim.Model, t, h float64) {
	s.Blk.T[l], s.Blk.H[l] = t, h
	if !s.inputs {
		return
	}
	switch m := m.(type) {
	case *BoundModel:
		s.load(l, m.Signals, m.from, t, h)
	case *System:
		s.load(l, m.Signals, m.From, t, h)
	}
}

// load sets the signals at the times of the stages.
func (s *Steps) load(l int, signals []*data.Interpolant, from, t, h float64) {
	w := s.Blk.Width
	if s.utt != nil {
		for k, g := range signals {
			if s.utt[k*w+l] = g.CurveAt(t); t > from {
				s.utt[k*w+l] = g.CurveBefore(t)
			}
		}
	}
	for i := range s.u {
		if s.u[i] == nil && s.ut[i] == nil {
			continue
		}
		now := s.tab.StageTime(i, t, h)
		for k, g := range signals {
			v, r := g.Along(from, now)
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
func (s *Steps) HasInputs() bool { return s.inputs }

func (s *Steps) Step() { s.step.Run(s.frame) }

// Lazy implements sim.Lazy.
func (s *Steps) Lazy() bool { return s.behind != nil }

// Behind implements sim.Lazy.
func (s *Steps) Behind() { s.behind.Run(s.frame) }

// VJP implements sim.StepsVJP.
func (s *Steps) VJP(times sim.Times) {
	if s.ran = &s.vjp; times {
		s.ran = &s.vjpt
	}
	// Only results inside of the step depend on the derivatives at its end and behind it.
	seeded := false
	for _, bar := range s.Blk.KBar[s.Blk.End:] {
		for _, x := range bar {
			seeded = seeded || x != 0
		}
	}
	if seeded && s.Lazy() {
		s.fillBehind()
	}
	if s.Blk.Unkept && s.acts != nil {
		s.acts.Run(s.frame)
	}
	s.Blk.Unkept = false
	if seeded {
		s.lastStage.Run(s.frame)
		s.lastRan = true
	} else if s.lastRan {
		for _, v := range s.fromLast {
			clear(v)
		}
		s.lastRan = false
	}
	s.ran.Run(s.frame)
	s.Blk.YBar = s.ran.yBar
	if s.ran.tBar != nil {
		s.Blk.TBar = s.ran.tBar
	}
	if s.ran.hBar != nil {
		s.Blk.HBar = s.ran.hBar
	}
}

// fillBehind puts the end of the step in the place of the stages behind it in lanes that have
// no seeds there: theirs are those of another step, where the field may have no value.
func (s *Steps) fillBehind() {
	b := s.Blk
	for l := range b.Width {
		seeded := false
		for _, bar := range b.KBar[b.End+1:] {
			for i := l; i < len(bar); i += b.Width {
				seeded = seeded || bar[i] != 0
			}
		}
		for j := b.End + 1; j < len(b.Y) && !seeded; j++ {
			for i := l; i < len(b.Y[j]); i += b.Width {
				b.Y[j][i], b.K[j][i] = b.Y[b.End][i], 0
			}
		}
	}
}

// LengthBars implements sim.StepsVJP, for steps of one lane.
func (s *Steps) LengthBars(end, other []float64) (hBar, otherBar float64) {
	s.length.Run(s.frame)
	hBar, otherBar = Dot(end, s.byLength[0]), Dot(other, s.byLength[0])
	for i, kh := range s.byLength[1:] {
		hBar += Dot(s.Blk.KBar[i+1], kh)
	}
	return hBar, otherBar
}

// HasJVP implements sim.StepsJVP.
func (s *Steps) HasJVP() bool { return s.jvp != nil }

// JVP implements sim.StepsJVP.
func (s *Steps) JVP(tDot, hDot float64, yDot, dDot []float64, kDot [][]float64, endDot []float64) {
	if s.tDot != nil {
		s.tDot[0] = tDot
	}
	if s.hDot != nil {
		s.hDot[0] = hDot
	}
	copy(s.yDot, yDot)
	copy(s.dDot, dDot)
	s.jvp.Run(s.frame)
	for i := range kDot {
		copy(kDot[i], s.kDot[i])
	}
	copy(endDot, s.endDot)
}

// DBar adds lane l's cotangent of the discrete state.
func (s *Steps) DBar(l int, dBar []float64) {
	w := s.Blk.Width
	for i := l; i < len(s.ran.dBar); i += w {
		dBar[i/w] += s.ran.dBar[i]
	}
}

// Idle takes lane l out of the sums over lanes, or back in.
func (s *Steps) Idle(l int, idle bool) { s.frame.Idle(l, idle) }

// Clear forgets the gradient by the parameters of lane l.
func (s *Steps) Clear(l int) {
	for _, v := range [][]float64{s.pBar, s.qBar} {
		for i := l; i < len(v); i += s.Blk.Width {
			v[i] = 0
		}
	}
}

// Save saves lane l's gradient accumulators.
func (s *Steps) Save(l int) {
	s.saved[l] = append(s.saved[l][:0], make([]float64, (len(s.pBar)+len(s.qBar))/s.Blk.Width)...)
	n := len(s.pBar) / s.Blk.Width
	s.Blk.Gather(s.saved[l][:n], s.pBar, l)
	s.Blk.Gather(s.saved[l][n:], s.qBar, l)
}

// Restore puts back what Save saved.
func (s *Steps) Restore(l int) {
	n := len(s.pBar) / s.Blk.Width
	s.Blk.Scatter(s.pBar, s.saved[l][:n], l)
	s.Blk.Scatter(s.qBar, s.saved[l][n:], l)
}

// AddGradient adds lane l's gradient by the parameters since Clear, but for the
// weights, whose gradients are those of all lanes.
func (s *Steps) AddGradient(l int, pBar, qBar []float64) {
	w := s.Blk.Width
	for i := l; i < len(s.pBar); i += w {
		pBar[i/w] += s.pBar[i]
	}
	for i := l; i < len(s.qBar); i += w {
		qBar[i/w] += s.qBar[i]
	}
}
