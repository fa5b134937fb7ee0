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
	lastSteps = 4    // on the tape, where they are not of Newton's method
)

// steadyStart finds the steady state.
type steadyStart struct {
	*sides
	vals []float64 // room: what a step assigns
}

// steady leads the initial values to where the motion from them comes to rest: by
// implicit steps, short ones that follow it first, then longer and longer ones, and
// steps of Newton's method in the end, of which the last goes on the tape.
func (s *steadyStart) steady() *Failure {
	if s.hy.Steady == 0 || s.span.Since > 0 {
		return nil
	}
	from := slices.Clone(s.y)
	y := slices.Clone(s.y)
	inverse, arrived := 1., 0
	for range maxSteady {
		change := s.towardsRest(inverse, y)
		switch {
		case !(change <= follows): // NaN too
			inverse *= 4
			if inverse > 1e300 {
				return s.runsAway(from)
			}
			continue
		case change <= settled:
			arrived++
		default:
			arrived = 0
		}
		copy(s.y, y)
		if arrived >= 30 { // the last steps are 2³⁰ times as long as one that changed something
			if fail := s.lastToRest(y, inverse*0x1p15); fail != nil {
				return fail
			}
			return s.staysAtRest(from)
		}
		inverse *= max(0.5, min(1, 2*change/follows))
	}
	return s.restless("the motion does not come to rest")
}

// lastToRest takes steps of Newton's method until they get no shorter. Where these divide
// by what is zero at rest, steps of a length far beyond that of the motion are as good:
// each takes what is left by that much down, of the derivative too.
func (s *steadyStart) lastToRest(y []float64, inverse float64) *Failure {
	last := 1
	if change := s.towardsRest(0, y); math.IsNaN(change) {
		last = lastSteps
	} else {
		inverse = 0
	}
	was := math.Inf(1)
	for range maxBalance {
		change := s.towardsRest(inverse, y)
		if !(change <= follows) {
			break
		}
		if change <= settled && !(change < was/2) {
			for range last {
				s.towardsRest(inverse, y)
				s.record(entry{kind: balanceEntry, t: s.t, ref: s.hy.Steady - 1, more: len(s.tape.jumps), state: s.tape.keep(s.y, s.d)})
				s.tape.jumps = append(s.tape.jumps, jumpRead{snap: -1, mask: -1, args: []float64{inverse}})
				copy(s.y, y)
			}
			return nil
		}
		copy(s.y, y)
		was = change
	}
	return s.restless("the state where the motion comes to rest is not determined")
}

// towardsRest sets next to the state a step later, and returns the change beside the
// sizes of the states. Algebraic unknowns change as they must.
func (s *steadyStart) towardsRest(inverse float64, next []float64) (change float64) {
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

// runsAway is the failure of a motion whose next step cannot be made short enough.
func (s *steadyStart) runsAway(from []float64) *Failure {
	worst, most := -1, 1e10
	for k, v := range s.y {
		if r := math.Abs(v) / (math.Abs(from[k]) + 1); r > most {
			worst, most = k, r
		}
	}
	if worst < 0 {
		return s.restless("a rate has no value on the way there")
	}
	f := s.restless("the motion grows without bound, there is no state of rest on its way (where parameters change, a branch of such states may end at a fold)")
	f.State = worst
	return f
}

func (s *steadyStart) restless(why string) *Failure {
	return s.fail(NoSteady, 0, "no steady state was found to start from: %s", why)
}
