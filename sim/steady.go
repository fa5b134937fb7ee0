package sim

import (
	"math"
	"slices"

	"github.com/pinode/pinode/jumps"
)

// The steady state from which a run starts: see Hybrid.Steady.

const (
	maxSteady = 5000 // steps
	follows   = 0.2  // change of the state, beside its size, in a step that follows the motion
	settled   = 1e-7 // change in a step that has arrived
)

// steady leads the initial values to where the motion from them comes to rest: by
// implicit steps, short ones that follow it first, then longer and longer ones, and
// steps of Newton's method in the end, of which the last goes on the tape.
func (s *instant) steady() *Failure {
	if s.hy.Steady == 0 || s.span.Since > 0 {
		return nil
	}
	y := append([]float64{}, s.y...)
	inverse, arrived := 1., 0
	for range maxSteady {
		change := s.towardsRest(inverse, y)
		switch {
		case !(change <= follows): // NaN too
			inverse *= 4
			if inverse > 1e300 {
				return s.restless("a rate has no value on the way there")
			}
			continue
		case change <= settled:
			arrived++
		default:
			arrived = 0
		}
		copy(s.y, y)
		if arrived >= 30 { // the last steps are 2³⁰ times as long as one that changed something
			return s.lastToRest(y)
		}
		inverse *= max(0.5, min(1, 2*change/follows))
	}
	return s.restless("the motion does not come to rest")
}

// lastToRest takes steps of Newton's method until they get no shorter.
func (s *instant) lastToRest(y []float64) *Failure {
	e := s.hy.Steady - 1
	was := math.Inf(1)
	for range maxBalance {
		change := s.towardsRest(0, y)
		if !(change <= follows) {
			break
		}
		if change <= settled && !(change < was/2) {
			s.record(entry{kind: balanceEntry, t: s.t, ref: e, more: len(s.tape.jumps), state: s.tape.keep(s.y, s.d)})
			s.tape.jumps = append(s.tape.jumps, jumpRead{snap: -1, mask: -1, args: []float64{0}})
			copy(s.y, y)
			return nil
		}
		copy(s.y, y)
		was = change
	}
	return s.restless("the state where the motion comes to rest is not determined")
}

// towardsRest sets next to the state a step later, and returns the change beside the
// sizes of the states. Algebraic unknowns change as they must.
func (s *instant) towardsRest(inverse float64, next []float64) (change float64) {
	e := s.hy.Steady - 1
	targets := s.hy.Events[e].Targets
	v := s.vals[:len(targets)]
	s.model.Jump(e, s.t, s.y, s.d, []float64{inverse}, v)
	copy(next, s.y)
	jumps.Assign(next, s.d, targets, nil, v)
	for k, x := range next {
		if s.hy.Balance > 0 && slices.Contains(s.hy.Events[s.hy.Balance-1].Targets, k) {
			if math.IsNaN(x) {
				return x
			}
			continue
		}
		d := (x - s.y[k]) / (max(math.Abs(x), math.Abs(s.y[k])) + 100*s.opt.atol(k))
		change += d * d
	}
	return math.Sqrt(change / float64(len(targets)))
}

func (s *instant) restless(why string) *Failure {
	return s.fail(NoSteady, 0, "no steady state was found to start from: %s", why)
}
