package sim

import (
	"math"

	"github.com/pinode/pinode/jumps"
)

// Algebraic unknowns of a model's constraints: see Hybrid.Balance.

const (
	maxBalance = 100   // steps of Newton's method
	shortest   = 1e-10 // fraction of one that is tried
	boldest    = 1. / 8
	balanced   = 1e-6 // size of a step, beside the unknowns, that may be the last one
	enough     = 0.01 // the same in tolerances: of an unknown at zero little is left beside the round-off of others
	drifts     = 0.1  // of the tolerances, by which unknowns may be off between steps
	lost       = 100  // of the tolerances, from which on one step of the method is not enough
)

// balancing takes states to where they satisfy constraints and have the levels of conserved
// quantities.
type balancing struct {
	*sides
	step *stepping
	vals []float64 // room: what a step of Newton's method assigns
}

// balance finds the algebraic unknowns at the current state, by Newton's method from
// where they are, damped so that the next step is always shorter (P. Deuflhard, Newton
// Methods for Nonlinear Problems, 2004, 3.3). It stops where steps get no shorter. The
// last step is on the tape: at the solution its derivative is that of the implicit
// function, whatever came before.
func (s *balancing) balance(from origin) *Failure {
	if s.hy.Balance == 0 {
		return nil
	}
	e := s.hy.Balance - 1
	targets := s.hy.Events[e].Targets
	if full := s.solve(targets, from); full != nil {
		s.record(entry{kind: balanceEntry, t: s.t, ref: e, more: len(s.tape.jumps), state: s.tape.keep(s.y, s.d)})
		s.tape.jumps = append(s.tape.jumps, jumpRead{snap: -1, mask: -1})
		jumps.Assign(s.y, s.d, targets, nil, full)
		return nil
	}
	f := s.fail(NoBalance, 0, "no values of the algebraic unknowns were found that satisfy the equations `0 = …`: there are none, or their derivative by an unknown is zero, as at a fold, where a branch ends")
	f.State = targets[0]
	return f
}

// origin is where the unknowns come from that Newton's method begins with.
type origin uint8

const (
	anew    origin = iota // a guess, or what they were before a jump
	further               // a step: they stay on their branch, or it has ended
)

// mostBold is how many steps of Newton's method may be whole ones although the next is longer, unless
// boldest of them is enough for it to be shorter, where the unknowns are found anew: what they were tells
// nothing of the way to where they are now, and beside a corner the next is as long until all are across.
const mostBold = 20

// solve is Newton's method: it leaves the unknowns in front of the last step, which it returns; nil
// where it fails.
func (s *run) solve(targets []int, from origin) []float64 {
	e := s.hy.Balance - 1
	next := make([]float64, len(targets))
	was, full := make([]float64, len(targets)), make([]float64, len(targets))
	s.model.Jump(e, s.t, s.y, s.d, nil, next)
	bold := 0
	for range maxBalance {
		for i, k := range targets {
			was[i], full[i] = s.y[k], next[i]
		}
		size, after, off := s.stepSize(full, was), 0., s.offBy(full)
		if math.IsNaN(size) || math.IsInf(size, 0) {
			break
		}
		least := shortest
		if from == anew && bold < mostBold {
			least = boldest
		}
		for part := 1.; part >= least || part >= shortest && !(after < math.Inf(1)); part /= 2 {
			for i, k := range targets {
				s.y[k] = was[i] + part*(full[i]-was[i])
			}
			s.model.Jump(e, s.t, s.y, s.d, nil, next)
			if after = s.stepSize(next, was); after <= (1-part/4)*size || size <= balanced {
				break
			}
		}
		if (size <= balanced || off <= enough) && !(after < size/2) { // round-off
			for i, k := range targets {
				s.y[k] = was[i]
			}
			return full
		}
		if after < size {
			continue
		}
		if bold++; from == further || bold > mostBold {
			break
		}
		for i, k := range targets {
			s.y[k] = full[i]
		}
		s.model.Jump(e, s.t, s.y, s.d, nil, next)
	}
	return nil
}

// drifted takes the unknowns back to the constraints at the end of a step, where the errors
// of steps have added up to more than a part of the tolerances, and reports whether it did:
// by a step of Newton's method, which leaves the square of what they were off by.
func (s *balancing) drifted() (moved bool, fail *Failure) {
	e := s.hy.Balance - 1
	targets := s.hy.Events[e].Targets
	next := s.vals[:len(targets)]
	s.model.Jump(e, s.t, s.y, s.d, nil, next)
	off := s.offBy(next)
	switch {
	case off <= drifts:
		return false, nil
	case off <= lost:
		s.assign(e, next)
		return true, nil
	}
	fail = s.balance(further)
	return fail == nil, fail
}

// offBy is how far the unknowns are from others, in terms of the tolerances; infinite where one is
// not a number.
func (s *run) offBy(next []float64) (off float64) {
	for i, k := range s.hy.Events[s.hy.Balance-1].Targets {
		d := math.Abs(next[i]-s.y[k]) / (s.opt.RTol*math.Abs(s.y[k]) + s.opt.atol(k))
		if off = max(off, d); math.IsNaN(d) {
			return math.Inf(1)
		}
	}
	return off
}

// stepSize is the length of a step of Newton's method from the current unknowns to next,
// beside the sizes of the unknowns at.
func (s *run) stepSize(next, at []float64) (sum float64) {
	for i, k := range s.hy.Events[s.hy.Balance-1].Targets {
		d := (next[i] - s.y[k]) / (math.Abs(at[i]) + s.opt.atol(k))
		sum += d * d
	}
	return math.Sqrt(sum / float64(len(next)))
}

// rebalance finds the algebraic unknowns anew, and what that does to guards.
func (s *instant) rebalance() *Failure {
	if s.hy.Balance == 0 {
		return nil
	}
	if fail := s.balancing.balance(anew); fail != nil {
		return fail
	}
	return s.settle(noEvent)
}
