package simtest

import (
	"fmt"
	"math"

	"github.com/pinode/pinode/internal/stepsize"
	"github.com/pinode/pinode/sim"
	"github.com/pinode/pinode/solvers"
)

// Lanes take the steps of several trajectories as a compiled program does: all lanes in
// one call, each lane with its own time and length, accepting steps and going on where
// nothing happens in them. Their reverse derivative runs in all lanes too, and adds up
// in idle ones whatever is there.
type Lanes struct {
	tab    *solvers.Tableau
	opt    sim.Options
	size   sim.Sizes
	ctl    stepsize.Control
	blk    *solvers.Block
	lanes  []*lane
	idle   []bool
	saved  [][]float64
	Inputs bool        // the model has inputs that jump
	Acc    [][]float64 // by lane: the gradient by the parameters
	Sum    []float64   // that of all lanes that were not idle
	Wrong  []string    // what was found to be wrong
	Unkept int         // derivatives whose activations had to be computed again
	Kept   int         // those whose activations were there
}

// lane is one of them.
type lane struct {
	step *solvers.Stepper
	m    Run
	d    []float64
	held []bool
	dBar []float64
	bar  []float64
}

// NewLanes returns steps of width lanes for models like m. Free lanes go on by
// themselves; acts are kept where there are such.
func NewLanes(m *Model, width int, opt sim.Options, free, acts bool) *Lanes {
	size := m.Sizes()
	own := len(m.Guards)
	s := &Lanes{
		tab: opt.Method, opt: opt, size: size, ctl: opt.Method.Control(), blk: solvers.NewBlock(opt.Method, size.Y, width),
		idle: make([]bool, width), saved: make([][]float64, width), Sum: make([]float64, len(m.P)),
	}
	for range width {
		s.lanes = append(s.lanes, &lane{
			step: solvers.NewStepper(opt.Method, size.Y), d: make([]float64, size.D), held: make([]bool, size.Y),
			dBar: make([]float64, size.D), bar: make([]float64, len(m.P)),
		})
		s.lanes[len(s.lanes)-1].step.Sizes = opt.Sizes
		s.Acc = append(s.Acc, make([]float64, len(m.P)))
	}
	b := s.blk
	b.Side, b.NoCrossing = make([]float64, own*width), make([]float64, width)
	if free {
		for _, v := range []*[]float64{&b.Until, &b.Stop, &b.Cap, &b.Sure, &b.Outcome, &b.Taken, &b.Refused, &b.Left, &b.Next, &b.Clipped, &b.Rejected, &b.Longest} {
			*v = make([]float64, width)
		}
		for l := range b.Until {
			b.Until[l] = math.Inf(-1)
		}
	}
	if acts {
		for range b.K {
			b.Acts = append(b.Acts, [][]float64{make([]float64, size.Y*width), make([]float64, width)})
		}
	}
	return s
}

// Block implements sim.Steps.
func (s *Lanes) Block() *solvers.Block { return s.blk }

// Load implements sim.Steps.
func (s *Lanes) Load(l int, m sim.Model, d []float64, held []bool) {
	x := s.lanes[l]
	x.m = m.(Run)
	copy(x.d, d)
	copy(x.held, held)
}

// Lazy implements sim.Lazy.
func (s *Lanes) Lazy() bool { return s.tab.Behind() > 0 && len(s.blk.Side) == 0 }

// Behind implements sim.Lazy.
func (s *Lanes) Behind() {
	b := s.blk
	for l, x := range s.lanes {
		if x.m.Model == nil {
			continue
		}
		x.step.T, x.step.H = b.T[l], b.H[l]
		for i := range x.step.Y {
			b.Gather(x.step.Y[i], b.Y[i], l)
			b.Gather(x.step.K[i], b.K[i], l)
		}
		x.step.Behind(x)
		s.put(l, x, s.tab.End()+1, s.tab.Stages())
	}
}

// put puts stages of a lane and their activations into the block.
func (s *Lanes) put(l int, x *lane, from, to int) {
	for i := from; i < to; i++ {
		s.blk.Scatter(s.blk.Y[i], x.step.Y[i], l)
		s.blk.Scatter(s.blk.K[i], x.step.K[i], l)
		if s.blk.Acts != nil {
			s.act(i, l, x)
		}
	}
}

// HasInputs implements sim.Inputs.
func (s *Lanes) HasInputs() bool { return s.Inputs }

// Time implements sim.Steps.
func (s *Lanes) Time(l int, _ sim.Model, t, h float64) { s.blk.T[l], s.blk.H[l] = t, h }

// RHS is the field of a lane.
func (x *lane) RHS(t float64, y, dy []float64) {
	x.m.RHS(t, y, x.d, dy)
	for i, h := range x.held {
		if h {
			dy[i] = 0
		}
	}
}

// RHSVJP is its reverse derivative.
func (x *lane) RHSVJP(t float64, y, ct, yBar []float64) float64 {
	for i, h := range x.held {
		if h {
			ct[i] = 0
		}
	}
	was := x.m.PBar
	x.m.PBar = x.bar
	defer func() { x.m.PBar = was }()
	return x.m.RHSVJP(t, y, x.d, ct, yBar, x.dBar, sim.WithParams)
}

// Step implements sim.Steps.
func (s *Lanes) Step() {
	for l, x := range s.lanes {
		if x.m.Model == nil {
			continue
		}
		s.step(l, x)
	}
}

func (s *Lanes) step(l int, x *lane) {
	b, st := s.blk, x.step
	b.Gather(st.Y[0], b.Y[0], l)
	b.Gather(st.K[0], b.K[0], l)
	st.T = b.T[l]
	st.Step(x, b.H[l])
	stages := s.tab.End() + 1
	if !s.Lazy() {
		st.Behind(x)
		stages = s.tab.Stages()
	}
	s.put(l, x, 1, stages)
	if !s.tab.Adaptive() {
		b.NoCrossing[l] = s.noCrossing(l, x)
		return
	}
	b.Mean[l] = st.MeanError(s.size.YError, s.opt.RTol, s.opt.ATol)
	b.Log[l], b.Factor[l] = stepsize.Factor(stepsize.Numbers{}, &s.ctl, b.Mean[l], b.Before[l])
	b.NoCrossing[l] = s.noCrossing(l, x)
	if len(b.Until) > 0 {
		s.goOn(l)
	}
}

// activation is what act keeps of a stage: twice its derivative, and its time.
func (s *Lanes) activation(i, l int, x *lane) (twice []float64, t float64) {
	for _, k := range x.step.K[i] {
		twice = append(twice, 2*k)
	}
	return twice, s.tab.StageTime(i, x.step.T, x.step.H)
}

func (s *Lanes) act(i, l int, x *lane) {
	twice, t := s.activation(i, l, x)
	s.blk.Scatter(s.blk.Acts[i][0], twice, l)
	s.blk.Acts[i][1][l] = t
}

// noCrossing is 1 where guards keep far enough from their surfaces that at the rates seen in
// some places they cannot cross between these.
func (s *Lanes) noCrossing(l int, x *lane) float64 {
	const places = 32
	m := x.m
	own := len(m.Model.Guards)
	if own == 0 {
		return 1
	}
	y, dy, g, rate := make([]float64, m.NY), make([]float64, m.NY), make([]float64, own), make([]float64, own)
	least, most := make([]float64, own), make([]float64, own)
	for i := range least {
		least[i] = math.Inf(1)
	}
	for k := range places + 1 {
		theta := float64(k) / places
		x.step.DenseAndRate(theta, y, dy)
		m.GuardsAlong(x.step.T+theta*x.step.H, y, x.d, dy, g, rate)
		for i := range g {
			least[i] = math.Min(least[i], s.blk.Side[i*s.blk.Width+l]*g[i])
			most[i] = math.Max(most[i], math.Abs(rate[i]))
		}
	}
	for i := range least {
		if s.blk.Side[i*s.blk.Width+l] != 0 && !(least[i] > 2*most[i]*x.step.H/places) {
			return 0
		}
	}
	return 1
}

// goOn accepts the step of lane l or rejects it, and chooses the next length, where
// nothing else is to be done.
func (s *Lanes) goOn(l int) {
	b := s.blk
	last := b.End
	finite := true
	for i := l; i < len(b.Y[last]); i += b.Width {
		finite = finite && !math.IsNaN(b.Y[last][i]-b.Y[last][i])
	}
	lane := stepsize.Lane[float64]{
		T: b.T[l], H: b.H[l], Before: b.Before[l], Until: b.Until[l], Stop: b.Stop[l], Cap: b.Cap[l], Sure: b.Sure[l], Outcome: b.Outcome[l], Next: b.Next[l],
		Clipped: b.Clipped[l], Rejected: b.Rejected[l], Taken: b.Taken[l], Refused: b.Refused[l], Left: b.Left[l], Longest: b.Longest[l],
	}
	step := stepsize.Trial[float64]{NoCrossing: b.NoCrossing[l], Finite: truth(finite), Small: truth(b.Mean[l] <= 1), Log: b.Log[l], Factor: b.Factor[l]}
	next, taken := stepsize.Advance(stepsize.Numbers{}, &s.ctl, lane, step)
	if taken != 0 {
		b.Continue(l)
	}
	b.T[l], b.H[l], b.Before[l], b.Until[l], b.Outcome[l], b.Next[l] = next.T, next.H, next.Before, next.Until, next.Outcome, next.Next
	b.Clipped[l], b.Rejected[l], b.Taken[l], b.Refused[l], b.Left[l], b.Longest[l] = next.Clipped, next.Rejected, next.Taken, next.Refused, next.Left, next.Longest
}

func truth(c bool) float64 {
	if c {
		return 1
	}
	return 0
}

// VJP implements sim.StepsVJP.
func (s *Lanes) VJP(times sim.Times) {
	clear(s.blk.YBar)
	for l, x := range s.lanes {
		if x.m.Model == nil {
			continue
		}
		s.vjp(l, x, times)
	}
	if s.blk.Acts != nil {
		if s.blk.Unkept {
			s.Unkept++
		} else {
			s.Kept++
		}
	}
	s.blk.Unkept = false
}

func (s *Lanes) vjp(l int, x *lane, times sim.Times) {
	b, st := s.blk, x.step
	st.T, st.H = b.T[l], b.H[l]
	for i := range st.Y {
		b.Gather(st.Y[i], b.Y[i], l)
		if times == sim.WithTimes {
			b.Gather(st.K[i], b.K[i], l)
		} else { // the block need not have them
			x.RHS(s.tab.StageTime(i, st.T, st.H), st.Y[i], st.K[i])
		}
	}
	if !s.idle[l] {
		s.check(l, x)
	}
	yBar, end := make([]float64, s.size.Y), make([]float64, s.size.Y)
	b.Gather(end, b.EndBar, l)
	for i, v := range b.KBar {
		b.Gather(st.Block().KBar[i], v, l)
	}
	st.Seed()
	clear(x.bar)
	clear(x.dBar)
	b.TBar[l], b.HBar[l] = st.VJP(x, end, yBar)
	b.Scatter(b.YBar, yBar, l)
	for i, v := range x.bar {
		s.Acc[l][i] += v
		if !s.idle[l] {
			s.Sum[i] += v
		}
	}
}

// check compares the activations in lane l with those of its step.
func (s *Lanes) check(l int, x *lane) {
	if s.blk.Acts == nil || s.blk.Unkept {
		return
	}
	have := make([]float64, s.size.Y)
	for i := range s.blk.Acts {
		twice, t := s.activation(i, l, x)
		s.blk.Gather(have, s.blk.Acts[i][0], l)
		for k := range have {
			if math.Abs(have[k]-twice[k]) > 1e-9*(1+math.Abs(twice[k])) || math.Abs(s.blk.Acts[i][1][l]-t) > 1e-12*(1+math.Abs(t)) {
				s.Wrong = append(s.Wrong, fmt.Sprintf("lane %d, stage %d, t = %g: activations %v at %g, want %v at %g", l, i, x.step.T, have, s.blk.Acts[i][1][l], twice, t))
				break
			}
		}
	}
}

// LengthBars implements sim.StepsVJP; only steps of one lane need it.
func (s *Lanes) LengthBars(end, other []float64) (hBar, otherBar float64) {
	panic("simtest: lanes have no derivative by the length alone")
}

// Clear implements sim.StepsVJP.
func (s *Lanes) Clear(l int) { clear(s.Acc[l]) }

// Save implements sim.StepsVJP.
func (s *Lanes) Save(l int) { s.saved[l] = append(s.saved[l][:0], s.Acc[l]...) }

// Restore implements sim.StepsVJP.
func (s *Lanes) Restore(l int) { copy(s.Acc[l], s.saved[l]) }

// Idle implements sim.StepsVJP.
func (s *Lanes) Idle(l int, idle bool) { s.idle[l] = idle }

// DBar implements sim.StepsVJP.
func (s *Lanes) DBar(l int, dBar []float64) {
	for i, v := range s.lanes[l].dBar {
		dBar[i] += v
	}
}
