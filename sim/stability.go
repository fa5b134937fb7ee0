package sim

import (
	"math"
	"sync"

	"github.com/pinode/pinode/solvers"
)

// Stability of steps. Control of the error sees only what the solution excites: of
// a state that is exactly zero it does not know the rate, and lets steps grow far
// beyond what the method can do there. The solution stays zero, and its derivative
// grows without bound. Runs that are made to be differentiated therefore also keep
// each step within the region of stability of the method for the eigenvalue of the
// Jacobian that is largest, which is estimated every so many steps: see eigenvalue.
//
// Other runs, once they are long, look now and then whether it is stability that
// holds their steps down, as it does where a model is stiff.

const (
	between      = 48   // steps from an estimate to the next
	betweenBound = 8    // where it shortens steps
	tooLong      = 1.2  // of the reach: what steps before an estimate must not have been
	firstLook    = 256  // steps before a run whose steps are not bounded is looked at
	growthSlack  = 1e-3 // by which a step may enlarge what should not grow
	capSafety    = 0.9  // of the reach of the method
	boundSteps   = 0.7  // of the reach, from which on a step counts as held down
	angles       = 16   // between the imaginary axis and the negative real one, by their cosine
	mostPairs    = 10   // products with the Jacobian, in pairs
)

// stability is what a run knows of the stability of its steps.
type stability struct {
	*stepping
	reach []float64 // of the explicit method, by angle

	use     stabilityUse
	keeps   bool    // runs are kept for derivatives
	turns   bool    // a run that is stiff may be handed over
	careful bool    // it is estimated before each step
	gap     int     // steps to the next estimate, which double from the start of a smooth piece on
	first   bool    // this smooth piece of the run has no estimate yet
	due     int     // the number of steps at which it is estimated anew
	last    int     // that of the last estimate
	longest float64 // step that was accepted since then

	looks int // in a row that found steps held down: see takeover

	cap float64 // longest stable step
	bit bool    // it has shortened a step since it was estimated

	largest eigenvalue
	length  float64 // of the step that is at the border of the region of stability
}

// stabilityUse is what an estimate is for.
type stabilityUse uint8

const (
	countStiff  stabilityUse = iota // to count the steps that stability holds down
	boundLength                     // to keep steps within the region of stability too
	mayReturn                       // to see whether the run is no longer stiff
	noUse                           // no step can be unstable
)

func newStability(s *stepping) *stability {
	x := &stability{stepping: s, largest: newEigenvalue(s.run), keeps: !s.opt.Forget}
	if first := s.gears[0].method; first.Family == solvers.Explicit {
		x.reach = reachOf(first)
	}
	return x
}

// engage begins a leg.
func (x *stability) engage() {
	x.cap, x.bit, x.looks, x.last = math.Inf(1), false, 0, x.steps
	next := firstLook
	first := x.legs.first()
	switch {
	case x.hy.Nilpotent || first && x.reach == nil || !first && !x.turns:
		x.use, x.due = noUse, math.MaxInt
		return
	case !first:
		x.use, next = mayReturn, nextReturn
	case x.keeps:
		x.use = boundLength
	default:
		x.use = countStiff
	}
	if x.turns && first {
		next = firstGlance
	}
	x.due = x.steps + next
	x.piece(x.steps)
}

// reaches are those of each method, by angle.
var reaches sync.Map

func reachOf(tab *solvers.Tableau) []float64 {
	reach, ok := reaches.Load(tab)
	if !ok {
		var list []float64
		for i := range angles + 1 {
			list = append(list, tab.Reach(math.Acos(float64(i)/angles), growthSlack))
		}
		reach, _ = reaches.LoadOrStore(tab, list)
	}
	return reach.([]float64)
}

// reset begins a run.
func (x *stability) reset() {
	x.length = math.Inf(1)
	x.largest.reset()
	x.engage()
}

// piece says that a smooth piece of the run begins.
func (x *stability) piece(steps int) {
	x.first, x.longest, x.gap = true, 0, betweenBound/2
	if x.use == boundLength {
		x.due = steps
	}
}

// taken is told of the length of a step that was accepted.
func (x *stability) taken(h float64) { x.longest = math.Max(x.longest, h) }

// steady estimates the longest stable step where that is due, before a step.
func (s *Integrator) steady() {
	for s.opt.Method.Adaptive() && s.steps >= s.stab.due && !s.stab.same(s.t, s.h) {
		s.estimate()
	}
}

// steadyAlone is steady for a free-running lane. It reports whether the lane may
// go on; else its next step is to be proposed.
func (s *Integrator) steadyAlone() bool {
	blk, l := s.blk, s.lane
	done := s.steps + int(blk.Taken[l]) + int(blk.Refused[l])
	if done < s.stab.due {
		return true
	}
	if !s.stab.same(blk.T[l], blk.Next[l]) {
		s.free.resume()
		s.estimate()
		return false
	}
	blk.Left[l] = float64(min(s.opt.MaxSteps, s.stab.due) - done)
	return true
}

// startsOver looks at the end of a run whether the last steps, since an estimate,
// were stable, and reports whether the run begins anew because they were not.
func (s *Integrator) startsOver() bool {
	x := s.stab
	if x.use != boundLength || x.first || x.careful || !s.opt.Method.Adaptive() || s.steps <= x.last {
		return false
	}
	if s.moving { // what happened at the end may have moved the state
		s.stepper.Start(field{s.run}, s.t, s.y)
		s.toLane()
	}
	if !x.same(s.t, s.h) {
		s.estimate()
	}
	return x.careful
}

// estimate estimates the longest stable step, and begins the run anew, with an
// estimate before each step, where steps since the estimate before were longer: the
// Jacobian grew in a direction that the solution does not excite.
func (s *Integrator) estimate() {
	tooLong := s.stab.estimate()
	if s.over.turns(s) || !tooLong {
		return
	}
	s.stab.careful = true
	before := s.out.Stats.Evaluations
	if fail := s.open(s.model, s.span, s.out); fail != nil {
		panic("sim: a run cannot be started again: " + fail.Error())
	}
	s.out.Stats.Evaluations += before
}

// estimate estimates the longest stable step, and reports whether the steps before
// were too long.
func (x *stability) estimate() (wereTooLong bool) {
	if x.use == mayReturn {
		x.lookBack()
		return false
	}
	if !x.converge() {
		x.length = math.Inf(1)
	}
	first := x.first
	x.first, x.largest.known = false, true
	longest := math.Max(x.h, x.longest)
	x.longest = 0
	// A step that was rejected is followed by shorter ones, as often as looks are.
	x.looked(longest >= boundSteps*x.length)
	if x.h >= boundSteps*x.length {
		x.out.Stats.Stiff += x.steps - x.last
		x.out.Stats.Stiffest = 1 + x.largest.fastest(x.size.YError)
	}
	x.last, x.due = x.steps, x.steps+x.between()
	if x.use != boundLength {
		return false
	}
	if !first && !x.careful && longest > tooLong*x.length {
		return true
	}
	x.cap = math.Max(capSafety*x.length, x.resolution()) // or the clock does not move
	x.cut = x.cut || x.bit
	x.bit = false
	x.bound()
	if x.bit {
		x.due = min(x.due, x.steps+betweenBound)
	}
	return false
}

// between is how many steps lie between estimates.
func (x *stability) between() int {
	switch {
	case x.careful:
		return 1
	case x.turns && x.looks > 0:
		return nextGlance
	case x.use == boundLength:
		x.gap = min(2*x.gap, between)
		return x.gap
	}
	return between
}

// stiffest is the state, from 1, that held down most steps of the run so far, or 0.
func (s *run) stiffest() int {
	if st := &s.out.Stats; 2*st.Stiff >= s.steps {
		return st.Stiffest
	}
	return 0
}

// bound keeps the next step within the longest stable one. A checkpoint segment of
// the tape ends where it begins to do so.
func (x *stability) bound() {
	if x.h > x.cap {
		x.h = x.cap
		x.cut = x.cut || !x.bit
		x.bit = true
	}
}

// capped is the bound of steps that a checkpoint segment has to know.
func (x *stability) capped() float64 {
	if x.bit {
		return x.cap
	}
	return math.Inf(1)
}

// within takes the bound of a checkpoint segment for the steps that are taken again,
// until what it returns is called.
func (x *stability) within(bound float64) func() {
	was, bit := x.cap, x.bit
	x.cap, x.bit = bound, true
	return func() { x.cap, x.bit = was, bit }
}

// converge estimates the eigenvalue of largest magnitude at the start of the next
// step, and the length that it allows, and reports whether it is known.
func (x *stability) converge() bool {
	ev := &x.largest
	for n := range mostPairs {
		re, im := ev.re, ev.im
		if !ev.pair() {
			return false
		}
		x.length = x.limit()
		var far bool // from where it matters
		switch x.use {
		case countStiff:
			far = true
		case mayReturn:
			far = x.h > 2*x.length
		default:
			far = x.h < x.length/8 || !x.first && x.h < x.length/4
		}
		if far || (n > 0 || !x.first) && math.Abs(ev.re-re)+math.Abs(ev.im-im) <= 0.1*(math.Abs(ev.re)+math.Abs(ev.im)) {
			break
		}
	}
	return true
}

// same looks at the state that a run has come to at time t, where h is the length of
// the next step, and reports whether the limit that was estimated last still serves:
// steps are far below it, and the Jacobian has not become much larger along the
// direction, which goes on by one product.
func (x *stability) same(t, h float64) bool {
	x.run.use()
	ev := &x.largest
	x.blk.Gather(ev.y, x.blk.Y[0], x.lane)
	x.blk.Gather(ev.f, x.blk.K[0], x.lane)
	ev.at(t)
	if ev.fresh = false; x.use == mayReturn || ev.known && h > x.length/4 || !ev.product(ev.v, ev.a1) {
		return false
	}
	ev.fresh = true
	if ev.shows(h) {
		return false
	}
	x.first, x.looks = false, 0
	copy(ev.v, ev.a1)
	x.last, x.due = x.due, x.due+x.between()
	return true
}

// limit is the length of the step whose product with the eigenvalue is at the
// border of the region of stability. Of an eigenvalue whose solution grows it takes
// the mirror image: others may be as large.
func (x *stability) limit() float64 {
	ev := &x.largest
	size := math.Sqrt(ev.re*ev.re + ev.im*ev.im)
	if math.IsInf(size, 1) { // of the squares
		size = math.Hypot(ev.re, ev.im)
	}
	if size == 0 || !(size <= math.MaxFloat64) { // in the second case the step has something to say itself
		return math.Inf(1)
	}
	lo := min(int(math.Abs(ev.re)/size*angles), angles-1)
	return math.Min(x.reach[lo], x.reach[lo+1]) / size
}
