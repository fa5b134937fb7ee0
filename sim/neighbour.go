package sim

import (
	"math"

	"github.com/pinode/pinode/internal/stepsize"
	"github.com/pinode/pinode/solvers"
)

// Steps that are too long for the derivative. Control of the error sees the solution alone. One that is
// simple, since it rests at its steady state or is a polynomial in time, has no error, and its steps
// become as long as they like; its neighbours, at other parameters and from other states, are not simple,
// and their difference from it, which is what the derivative is, may be far off: of x' = −k (x − u) from
// x = u the derivative by u is one less the method's approximation of exp(−k h), whatever h is.
//
// So a step of a run that is kept for derivatives whose error is next to none is taken again for a
// neighbour, which is off by a small part in every parameter and state, and is to be as good for that, by
// the same tolerances times the part. The neighbour goes on from where its step ended, as long as such
// steps follow each other: how far it is off has then become what the parameters make of it. Where it begins
// in the midst of a smooth piece it has some such steps behind it: what falls fast is gone by then.

const (
	leastPart   = 1e-3  // by which a neighbour is off
	mostPart    = 0.1   // the same, where tolerances are next to round-off
	blurred     = 1e-13 // of an error beside the state
	mostDoubted = 12    // steps in a row that are too long
	mostCalm    = 8     // steps in a row that are short enough and do not become longer
	mostBefore  = 8     // steps that a neighbour has behind it where it begins
	surely      = 12    // times the first step of a smooth piece: a step or two that are short on purpose
	again       = 2     // times the steps that were short enough for long: longer ones are looked at anew
)

// smallMean is the mean square of an error that is next to none.
var smallMean = math.Exp(2 * stepsize.DoubtLog)

// Nearby is a model that can be taken at other parameters: Beside goes over to those that are off by a
// part of each, up or down, or with 0 comes back to its own.
type Nearby interface {
	Beside(part float64)
	HasJacobian() bool // for steps that solve equations
}

// neighbour is what a run knows of a solution beside its own.
type neighbour struct {
	*stepping
	keeps bool    // runs are kept for derivatives, or are compared with such
	on    bool    // steps are looked at
	part  float64 // by which it is off
	steps map[*solvers.Tableau]*stagewise
	off   []float64 // how far it is from the solution at time t
	was   []float64 // the same before the last step
	at    float64   // NaN: there is none yet

	began   float64 // time at which the smooth piece of the run began
	sure    float64 // length up to which steps are known to be short enough
	refused int     // in a row
	calm    int     // steps in a row that were not longer than that, and good enough
}

func newNeighbour(s *stepping) *neighbour {
	n := &neighbour{stepping: s, keeps: !s.opt.Forget, steps: map[*solvers.Tableau]*stagewise{}, off: make([]float64, s.size.Y)}
	n.part = min(mostPart, max(leastPart, blurred/s.opt.RTol))
	return n
}

// reset begins a run.
func (n *neighbour) reset() {
	_, able := n.model.(Nearby)
	n.on = able && n.keeps && !n.hy.Simple && n.size.YError > 0
	n.piece()
}

// piece says that a smooth piece of the run begins.
func (n *neighbour) piece() {
	n.at, n.refused, n.calm = math.NaN(), 0, 0
	n.began, n.sure = n.t, 0
}

// looks reports whether steps of the current method are looked at, where the run is.
func (n *neighbour) looks() bool {
	m := n.opt.Method
	return n.on && m.Adaptive() && m.Family != solvers.Multistep && !n.slides(n.d) && (!m.Solves() || n.model.(Nearby).HasJacobian())
}

// limit is the length of the longest step that needs no look, h being that of the next.
func (n *neighbour) limit(h float64) float64 {
	if !n.looks() {
		return math.Inf(1)
	}
	if n.sure == 0 {
		n.sure = surely * h
	}
	return n.sure
}

// limitAlone is that of a lane that runs free: none, while the neighbour goes along.
func (n *neighbour) limitAlone(h float64) float64 {
	if limit := n.limit(h); n.at != n.t {
		return limit
	}
	return 0
}

// shorten looks at the step that was accepted, whose error has the given mean square, and takes it again,
// shorter, if it is too long for the neighbour. Else the next is not longer than is good for that.
func (n *neighbour) shorten(mean float64) (refused bool) {
	limit := n.limit(n.try)
	if mean > smallMean || n.try <= limit && n.at != n.t || !n.looks() {
		return false
	}
	theirs, ok := n.follow(mean)
	if !ok {
		n.at = math.NaN()
		return false
	}
	ctl := n.opt.Method.Control()
	_, factor := stepsize.Factor(stepsize.Numbers{}, &ctl, theirs, 0)
	if theirs <= 1 {
		n.refused = 0
		if n.calm++; n.try > limit {
			n.calm = 0
		}
		n.sure = math.Max(limit, n.try)
		if n.calm > mostCalm { // steps do not grow any more
			n.at, n.calm = math.NaN(), 0
			n.sure *= again
		}
		if next := n.try * factor; next < n.h {
			n.h, n.cut = next, true
		}
		return false
	}
	if n.refused++; n.refused > mostDoubted || n.try/2 < 8*ulp(n.t) {
		n.sure = math.Inf(1)
		return false
	}
	n.out.Stats.Rejected++
	n.traceStep(n.try, false)
	n.cut, n.shift = true, 0
	n.h = n.try * stepsize.Refused(stepsize.Numbers{}, &ctl, min(factor, ctl.Back))
	n.sure = n.h / 2 // so that the shorter step is looked at too, and tells how long the next may be
	return true
}

// follow takes the neighbour through the step, and returns the mean square of its error beside its
// tolerances, if there is one, but for the error of the run's own solution, whose mean square is given.
func (n *neighbour) follow(own float64) (mean float64, ok bool) {
	n.use()
	n.model.(Nearby).Beside(n.part)
	defer n.model.(Nearby).Beside(0)
	if n.at != n.t {
		n.begin()
		for range int(min(mostBefore, (n.t-n.began)/n.try)) {
			if _, ok := n.step(); !ok {
				return 0, false
			}
		}
	}
	n.was = append(n.was[:0], n.off...)
	mean, ok = n.step()
	apart := math.Max(0, math.Sqrt(mean)-math.Sqrt(own)/n.part)
	mean = apart * apart
	if n.at = n.t + n.try; mean > 1 { // it is taken again
		n.at = n.t
		copy(n.off, n.was)
	}
	return mean, ok
}

// begin begins a neighbour where the step starts.
func (n *neighbour) begin() {
	unknown := n.hy.Balance > 0
	for i := range n.off {
		n.off[i] = 0
		if i >= n.size.YError || n.held[i] || unknown && n.isUnknown(i) {
			continue
		}
		least := n.opt.atol(i) / n.opt.RTol
		if n.opt.Method.Solves() && n.y[i] != 0 { // what is small in a stiff model would fall back faster than any step
			least = 0
		}
		n.off[i] = n.part * alternate(i) * (math.Abs(n.y[i]) + least)
	}
}

// alternate is from 1 to 2 or from −1 to −2, in no order: what is as large as a parameter is not to stay so.
func alternate(i int) float64 {
	_, part := math.Modf(float64(i+1) * math.Phi)
	if uint32(i+1)*2654435769>>31 == 0 {
		return 1 + part
	}
	return -1 - part
}

// step takes a step from off beside the start of the run's to where off is then.
func (n *neighbour) step() (mean float64, ok bool) {
	b := n.steps[n.opt.Method]
	if b == nil {
		b = newStagewise(n.hy, n.size, n.opt)
		b.exactly(true)
		n.steps[n.opt.Method] = b
	}
	b.Load(0, n.model, n.d, n.held)
	b.Time(0, n.model, n.t, n.try)
	from := b.step.Y[0]
	for i := range from {
		from[i] = n.y[i] + n.off[i]
	}
	b.RHS(n.t, from, b.step.K[0])
	b.Block().Fresh = true
	b.Step()
	end := b.step.End()
	for i := range n.off {
		n.off[i] = end[i] - n.end[i]
	}
	mean = b.Block().Mean[0] / (n.part * n.part)
	return mean, finite(end) && mean <= math.MaxFloat64
}
