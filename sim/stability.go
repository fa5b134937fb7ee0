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
// Jacobian that is largest, which is estimated every so many steps by differences
// of the right-hand side, along a direction that goes on from estimate to estimate
// (B.P. Sommeijer, L.F. Shampine, J.G. Verwer, J. Comput. Appl. Math. 88, 315–326,
// 1998), in Krylov spaces of dimension two, for pairs of complex eigenvalues.
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
	freshShare   = 0.1  // of each direction's start that is new
)

// stability is what a run knows of the stability of its steps.
type stability struct {
	on      bool // it bounds the steps
	never   bool // no step can be unstable
	careful bool // and is estimated before each
	reach   []float64

	cap   float64 // longest stable step
	bit   bool    // it has shortened a step since it was estimated
	due   int     // the number of steps at which it is estimated anew
	last  int     // that of the last estimate
	first bool    // of this smooth piece
	known bool    // there was one in this run
	fresh bool    // a1 is the product along v
	draws uint64  // for parts of directions

	t              float64   // where the run has come to
	y, f           []float64 // the state there, and its derivative
	scale, at      []float64 // of each state; where the right-hand side is compared
	v, q, w, a1    []float64 // direction; the second of a pair; products
	re, im, length float64   // the eigenvalue, and the length that reaches the limit
}

func newStability(tab *solvers.Tableau, n int, on, never bool) *stability {
	x := &stability{on: on && !never, never: never}
	flat := make([]float64, 8*n)
	for i, v := range []*[]float64{&x.y, &x.scale, &x.f, &x.at, &x.v, &x.q, &x.w, &x.a1} {
		*v = flat[i*n : (i+1)*n : (i+1)*n]
	}
	reach, ok := reaches.Load(tab)
	if !ok {
		var list []float64
		for i := range angles + 1 {
			list = append(list, tab.Reach(math.Acos(float64(i)/angles), growthSlack))
		}
		reach, _ = reaches.LoadOrStore(tab, list)
	}
	x.reach = reach.([]float64)
	return x
}

// reaches are those of each method, by angle.
var reaches sync.Map

func (x *stability) reset() {
	x.cap, x.bit, x.last, x.draws = math.Inf(1), false, 0, 0
	x.re, x.im, x.length, x.known = 0, 0, math.Inf(1), false
	x.due = firstLook
	if x.never {
		x.due = math.MaxInt
	}
	clear(x.v)
	x.piece(0)
}

// piece says that a smooth piece of the run begins.
func (x *stability) piece(steps int) {
	if x.first = true; x.on {
		x.due = steps
	}
}

// steady estimates the longest stable step where that is due, before a step.
func (s *Integrator) steady() {
	for s.opt.Method.Adaptive() && s.steps >= s.stab.due && !s.same(s.t, s.h) {
		s.estimate()
	}
}

// steadyAlone is steady for a lane that goes on by itself. It reports whether that
// may go on; else its next step is to be proposed.
func (s *Integrator) steadyAlone() bool {
	blk, l := s.blk, s.lane
	done := s.steps + int(blk.Taken[l]) + int(blk.Refused[l])
	if done < s.stab.due {
		return true
	}
	if !s.same(blk.T[l], blk.Next[l]) {
		s.sync()
		s.estimate()
		return false
	}
	blk.Left[l] = float64(min(s.opt.MaxSteps, s.stab.due) - done)
	return true
}

// startsOver looks at the end of a run whether the last steps, since an estimate,
// were stable, and reports whether the run begins anew because they were not.
func (s *Integrator) startsOver() bool {
	const few = 3
	x := s.stab
	if !x.on || x.first || x.careful || !s.opt.Method.Adaptive() || s.steps <= x.last+few {
		return false
	}
	if s.moving { // what happened at the end may have moved the state
		s.step.Start(s, s.t, s.y)
		s.export()
	}
	if !s.same(s.t, s.h) {
		s.estimate()
	}
	return x.careful
}

// estimate estimates the longest stable step.
func (s *Integrator) estimate() {
	x := s.stab
	if !s.eigenvalue() {
		x.length = math.Inf(1)
	}
	first := x.first
	x.first, x.known = false, true
	if s.h >= boundSteps*x.length {
		s.out.Stats.Stiff += s.steps - x.last
		s.out.Stats.Stiffest = 1 + x.fastest(s.size.YError)
	}
	x.last, x.due = s.steps, s.steps+x.between()
	if !x.on {
		return
	}
	if !first && !x.careful && s.h > tooLong*x.length {
		s.startOver()
		return
	}
	x.cap = math.Max(capSafety*x.length, s.resolution()) // or time stands still
	s.cut = s.cut || x.bit
	x.bit = false
	s.bound()
	if x.bit {
		x.due = s.steps + min(x.between(), betweenBound)
	}
}

// between is how many steps lie between estimates.
func (x *stability) between() int {
	if x.careful {
		return 1
	}
	return between
}

// startOver begins the run anew, with an estimate before each step: since the one
// before the last, steps have been too long. The Jacobian grew in a direction that
// the solution does not excite.
func (s *Integrator) startOver() {
	s.stab.careful = true
	before := s.out.Stats.Evaluations
	if fail := s.open(s.model, s.span, s.out); fail != nil {
		panic("sim: a run cannot be started again: " + fail.Error())
	}
	s.out.Stats.Evaluations += before
}

// stiffest is the state, from 1, that held down most steps of the run so far, or 0.
func (s *Integrator) stiffest() int {
	if st := &s.out.Stats; 2*st.Stiff >= s.steps {
		return st.Stiffest
	}
	return 0
}

// bound keeps the next step within the longest stable one. A stretch of the tape
// ends where it begins to do so.
func (s *Integrator) bound() {
	if x := s.stab; s.h > x.cap {
		s.h = x.cap
		s.cut = s.cut || !x.bit
		x.bit = true
	}
}

// capped is the bound of steps that a stretch of the tape has to know.
func (x *stability) capped() float64 {
	if x.bit {
		return x.cap
	}
	return math.Inf(1)
}

// within takes the bound of a stretch for the steps that are taken again, until what
// it returns is called.
func (x *stability) within(bound float64) func() {
	was, bit := x.cap, x.bit
	x.cap, x.bit = bound, true
	return func() { x.cap, x.bit = was, bit }
}

// eigenvalue estimates the eigenvalue of largest magnitude at the start of the next
// step, and reports whether it is known.
func (s *Integrator) eigenvalue() bool {
	x := s.stab
	for n := range mostPairs {
		re, im := x.re, x.im
		if !s.pair() {
			return false
		}
		x.length = x.limit()
		far := !x.on || s.h < x.length/8 || !x.first && s.h < x.length/4
		if far || (n > 0 || !x.first) && math.Abs(x.re-re)+math.Abs(x.im-im) <= 0.1*(math.Abs(x.re)+math.Abs(x.im)) {
			break
		}
	}
	return true
}

// same looks at the state that a run has come to at time t, where h is the length of
// the next step, and reports whether the limit that was estimated last still serves:
// steps are far below it, and the Jacobian has not become much larger along the
// direction, which goes on by one product.
func (s *Integrator) same(t, h float64) bool {
	x := s.stab
	s.use()
	x.t = t
	s.blk.Gather(x.y, s.blk.Y[0], s.lane)
	s.blk.Gather(x.f, s.blk.K[0], s.lane)
	floor := s.opt.ATol / s.opt.RTol
	for i, y := range x.y {
		x.scale[i] = max(math.Abs(y), floor)
	}
	s.direct()
	if x.fresh = false; x.known && h > x.length/4 || !s.product(x.v, x.a1) {
		return false
	}
	x.fresh = true
	// Of a direction with a part in all states the product shows the eigenvalue
	// by 1/√n at least, about.
	long, vv := dot(x.a1, x.a1), dot(x.v, x.v)
	if n := float64(len(x.v)); 16*n*h*h*long > vv && (!x.known || long > 4*(x.re*x.re+x.im*x.im)*vv) {
		return false
	}
	x.first = false
	copy(x.v, x.a1)
	x.last, x.due = x.due, x.due+x.between()
	return true
}

// direct sets out from the last direction and, so that it is blind to no state, a
// part that is new and points away from zero.
func (s *Integrator) direct() {
	x := s.stab
	share := freshShare
	if normalize(x.v) == 0 {
		share = 1
	}
	share /= math.Sqrt(float64(len(x.v)))
	for i, y := range x.y {
		x.draws = x.draws*6364136223846793005 + 1442695040888963407 // Knuth's MMIX
		fresh := share * (0.5 + float64(x.draws>>33)*0x1p-31)
		if x.v[i] += math.Copysign(fresh, y+0); s.held[i] {
			x.v[i] = 0
		}
	}
}

// pair applies the Jacobian twice from the direction, which goes on to where that
// takes the eigenvector of the pair's Krylov space. It reports whether the products
// are finite.
func (s *Integrator) pair() bool {
	x := s.stab
	x.re, x.im = 0, 0
	norm := normalize(x.v)
	if norm == 0 {
		return true
	}
	if x.fresh { // the product is linear in v
		x.fresh = false
		for i := range x.a1 {
			x.a1[i] /= norm
		}
	} else if !s.product(x.v, x.a1) {
		return false
	}
	h11 := dot(x.v, x.a1)
	for i, a := range x.a1 {
		x.q[i] = a - h11*x.v[i]
	}
	h21 := normalize(x.q)
	if h21 <= 0.02*math.Abs(h11) || h21 == 0 {
		x.re = h11
		copy(x.v, x.a1)
		return true
	}
	if !s.product(x.q, x.w) {
		return false
	}
	h12, h22 := dot(x.v, x.w), dot(x.q, x.w)
	mid, half := (h11+h22)/2, (h11-h22)/2
	if disc := half*half + h12*h21; disc >= 0 {
		x.re = mid + math.Copysign(math.Sqrt(disc), mid)
	} else {
		x.re, x.im = mid, math.Sqrt(-disc)
	}
	for i := range x.v {
		x.v[i] = (x.re-h22)*x.a1[i] + h21*x.w[i]
	}
	return true
}

// difference is the length of a direction along which right-hand sides are
// compared, in the scales of the states: the root of the round-off.
const difference = 0x1p-23

// product sets to to the Jacobian times a direction, both in the scales of the
// states. Where the right-hand side has no value on one side it looks at the other.
func (s *Integrator) product(v, to []float64) bool {
	x := s.stab
	for _, delta := range [...]float64{difference, -difference} {
		for i, y := range x.y {
			x.at[i] = y + delta*v[i]*x.scale[i]
		}
		s.RHS(x.t, x.at, to)
		for i := range to {
			to[i] = (to[i] - x.f[i]) / (delta * x.scale[i])
		}
		if finite(to) {
			return true
		}
	}
	return false
}

// normalize takes a vector to length 1 and returns what it had; one that is too
// short for that, or no vector of numbers, becomes 0.
func normalize(v []float64) float64 {
	norm := math.Sqrt(dot(v, v))
	if !(norm > 0x1p-400 && norm < 0x1p400) {
		clear(v)
		return 0
	}
	for i, inverse := 0, 1/norm; i < len(v); i++ {
		v[i] *= inverse
	}
	return norm
}

// limit is the length of the step whose product with the eigenvalue is at the
// border of the region of stability. Of one that grows it takes the mirror image:
// others may be as large.
func (x *stability) limit() float64 {
	size := math.Sqrt(x.re*x.re + x.im*x.im)
	if size == 0 {
		return math.Inf(1)
	}
	lo := min(int(math.Abs(x.re)/size*angles), angles-1)
	return math.Min(x.reach[lo], x.reach[lo+1]) / size
}

// fastest is the state, of the first count, that the eigenvector moves most, beside
// its value.
func (x *stability) fastest(count int) (state int) {
	most := 0.
	for i, y := range x.y[:count] {
		if part := math.Abs(x.v[i]) * x.scale[i] / math.Max(math.Abs(y), 1e-9*x.scale[i]); part > most {
			state, most = i, part
		}
	}
	return state
}
