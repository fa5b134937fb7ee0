package sim

import "math"

// The end of a step on the root of a guard.

// offRoot is the part of a step by which an end that Newton's method came to through steps whose
// equations could not be solved may be off the root.
const offRoot = 1e-6

// locate shortens the step so that it ends on the root of the guard near theta:
// Newton's method on true steps, so that the state at the event has the order of the
// solver and the guard vanishes to round-off. Behind its root a guard may not be
// defined: there the lengths tried are halved towards the last that was good.
func (s *search) locate(guard int, theta float64) (h float64, fail *Failure) {
	full := s.step.stepper.H
	h, unsolved := theta*full, false
	root := bracket{
		side: float64(s.det.Side[guard]), full: full, least: math.Max(epsilon*full, ulp(s.t)/8), hi: math.Inf(1), best: math.Inf(1), bestH: h,
	}
	for i := range s.lately {
		s.lately[i].through = false
	}
	s.step.exactly(true)
	defer s.step.exactly(false)
	for again := true; again && root.tries < mostTries; {
		s.step.take(h)
		s.lookAtEnd(h)
		solved := s.step.solved()
		unsolved = unsolved || !solved
		if math.IsNaN(s.g[guard]) || !solved {
			h = root.nothing(h)
			continue
		}
		was := root.stalled
		h, again = root.next(h, s.g[guard], s.rate[guard])
		if root.stalled && !was && s.descends() && restsNear(s, guard, root.bestH) {
			again, root.bisected = false, 0
		}
	}
	bestH := root.bestH
	s.rough = root.bisected > mostBisected
	if s.step.stepper.H != bestH {
		s.step.take(bestH)
	}
	bestH = s.beyond(guard, bestH)
	s.model.Guards(s.t+bestH, s.step.stepper.End(), s.d, s.held, s.g, s.rate, s.accel)
	if !s.step.solved() || unsolved && math.Abs(s.g[guard]) > offRoot*full*math.Abs(s.rate[guard]) {
		return 0, s.blame(s.fail(StepTooSmall, bestH, "the equations of the step to the root of a guard cannot be solved"), guard)
	}
	if s.isExit(guard) { // what it is for is smooth across it
		return bestH, nil
	}
	side := float64(s.det.Side[guard])
	trans := s.transversality(guard, s.t+bestH-s.clock.last)
	if trans <= grazeTol && s.descends() {
		trans = meetsOverStep(s, guard, bestH)
	}
	if trans > grazeTol && side*s.rate[guard] < 0 {
		s.rough = s.rough || !root.crossed && math.Abs(s.g[guard]) > offRoot*full*math.Abs(s.rate[guard])
		return bestH, nil
	}
	if s.staysBehind(guard, bestH) || s.vanishes(guard, bestH) {
		return bestH, nil
	}
	if s.goesThrough(guard, bestH, full) {
		s.lately[guard].through = true
		return bestH, nil
	}
	if math.IsNaN(trans) {
		return 0, s.blame(s.fail(Unstable, full, "a guard is not a number from t = %.9g on", s.t+bestH), guard)
	}
	f := s.fail(Graze, full, "a guard touches its surface at t = %.9g without crossing it (transversality %.1g)", s.t+bestH, trans)
	f.T = s.t + bestH
	return 0, s.blame(f, guard)
}

// bracket is the search for the length of a step that ends on the root of a guard: Newton's method, by the rate that the guard
// has at the end of the step, which is not quite how it changes with the length, between lengths known to end on either side.
type bracket struct {
	side, full  float64
	least       float64 // lengths that differ by less are the same
	lo, hi      float64 // lengths that end before the root, and behind it or where the guard is no number; +∞ for none
	best, bestH float64 // the least size of the guard, and where
	last        float64 // its size before
	crossed     bool    // hi is behind it
	tries       int
	bisected    int  // how often Newton's method did not come closer
	stalled     bool // it did not once
}

// mostTries bounds the lengths that are tried.
const mostTries = 120

// nothing is the length to try next where the guard is no number at the end of h.
func (b *bracket) nothing(h float64) float64 {
	b.tries++
	b.hi, b.crossed = math.Min(b.hi, h), false
	return (b.lo + h) / 2
}

// next is the length to try next where the guard is g at the end of h, with a rate; there is one unless h is as near as it can be.
func (b *bracket) next(h, g, rate float64) (next float64, some bool) {
	b.tries++
	size := math.Abs(g)
	slow := size > b.last/2 && b.tries > 2
	better := size < b.best
	b.stalled = b.stalled || !better
	if b.last = size; better {
		b.best, b.bestH = size, h
	}
	switch before := b.side * g; {
	case before > 0:
		b.lo = math.Max(b.lo, h)
	case before < 0 && h <= b.hi:
		b.hi, b.crossed = h, true
	}
	off := g / rate
	if math.Abs(off) <= epsilon*b.full || g == 0 {
		return h, false
	}
	if next = h - off; !b.crossed {
		next = math.Min(next, b.full*(1+1e-9))
		if next >= b.hi {
			next = (h + b.hi) / 2
		}
		return next, better && next >= 0 && next != h
	}
	if !(next > b.lo && next < b.hi) || slow {
		next = (b.lo + b.hi) / 2
		if b.hi-b.lo > 1024*b.least {
			b.bisected++
		}
	}
	return next, b.hi-b.lo > b.least && next != h
}

// meetsOverStep is the transversality of a guard at the end of the step of length h by how its rate changed over the step: near
// the end of a root its second rate says nothing of more than a hair.
func meetsOverStep(s *search, guard int, h float64) float64 {
	at := &s.tried
	s.model.GuardsAlong(s.t, s.step.stepper.Y[0], s.d, s.step.stepper.K[0], at.g, at.rate)
	r := math.Abs(s.rate[guard])
	return r / (r + math.Abs(at.rate[guard]-s.rate[guard])/h*(s.t+h-s.clock.last))
}

// restsNear reports whether a guard has come to rest at the end of the step of length h, as far as the tolerances tell: farther on
// steps are led by errors alone, to where the slope of a root is infinite.
func restsNear(s *search, guard int, h float64) bool {
	s.step.take(h)
	s.lookAtEnd(h)
	return s.staysBehind(guard, h)
}

// beyond makes the step of length h to the root of a switch's guard a little longer, where it ends a hair before its
// surface and the field behind has no value there, as √(h − 1) at h < 1: it is to end where that has one. Or where the
// rate of the guard is another a hair farther: what a root makes of round-off would be taken for a jump of the field.
func (s *search) beyond(guard int, h float64) float64 {
	i := s.switchOf[guard]
	if i < 0 || s.isExit(guard) || s.hy.Switches[i].Floor || s.hy.Switches[i].Implicit {
		return h
	}
	side := float64(s.det.Side[guard])
	valued := func(h float64) bool {
		s.lookAtEnd(h)
		return finite(s.step.stepper.End()) && s.switches.valued(i, float64(truth(side < 0)), s.t+h, s.step.stepper.End())
	}
	known := valued(h)
	if known && !s.descends() {
		return h
	}
	rate, least := s.rate[guard], math.Max(math.Abs(s.g[guard]/s.rate[guard]), ulp(s.t+h))
	for k := range mostBeyond {
		longer := h + math.Ldexp(least, k)
		if known && longer > h*(1+aHair) {
			break
		}
		if s.step.take(longer); !valued(longer) || side*s.g[guard] >= 0 {
			continue
		}
		if known && math.Abs(s.rate[guard]-rate) <= sameRate*math.Abs(rate) {
			break
		}
		return longer
	}
	s.step.take(h)
	return h
}

const (
	sameRate = 1e-6 // by how much of itself the rate of a guard may change within a hair
	aHair    = 1e-6 // of a step
)

// mostBeyond is how often the step that ends before a root is made twice as much longer.
const mostBeyond = 6

// poorly reports whether the step to a root of a guard is not as good as its tolerances ask for, though the longer one across
// was: at a pole, as of n/V where V is 0, methods see nothing of it from afar. Or the root is that of a guard which comes
// back to its side: that it was beyond is known of the dense output alone. Or the end of the step is not smooth by its length, or
// does not come to the root at all. fail is what became of the search for the root.
func (s *search) poorly(guard int, fail *Failure) bool {
	if fail != nil {
		return fail.Status == StepTooSmall || fail.Status == Graze && float64(s.det.Side[guard])*s.rate[guard] > 0
	}
	return s.opt.Method.Adaptive() && (!(s.step.stepper.Block().Mean[0] <= 1) || s.rough)
}

// mostBisected is how often the search for a root on steps that are smooth by their length is led by halves.
const mostBisected = 4

// goesThrough reports whether a guard that meets its surface without a rate, at the end of
// the step of length h, is beyond it all the same in what comes next, and ever farther: a
// root of odd order, as of (x − 1)³. As far as steps go on freely it is clear of its
// round-off. The step is left as it was.
func (s *search) goesThrough(guard int, h, full float64) bool {
	side, last := float64(s.det.Side[guard]), 0.
	defer func() {
		s.step.take(h)
		s.model.Guards(s.t+h, s.step.stepper.End(), s.d, s.held, s.g, s.rate, s.accel)
	}()
	free := math.Max(full, s.step.h)
	for _, part := range [...]float64{1. / 8, 1. / 4, 1. / 2} {
		s.step.take(h + part*free)
		s.lookAtEnd(h + part*free)
		beyond := -side * s.g[guard]
		if !(beyond > last) || !s.step.solved() {
			return false
		}
		last = beyond
	}
	return true
}
