package sim

import (
	"math"

	"github.com/pinode/pinode/jumps"
)

// Projection onto the level sets of conserved quantities: see Hybrid.Project.

const (
	maxProject = 20   // steps of Newton's method
	projected  = 1e-9 // size of a step, beside the states, behind which there is round-off
)

// project takes the state at the end of a step back to the levels of the conserved
// quantities. All steps of Newton's method are on the tape, so that the derivative is that of
// what was done.
func (s *balancing) project() *Failure {
	e := s.hy.Project - 1
	targets := s.hy.Events[e].Targets
	next := s.vals[:len(targets)]
	for range maxProject {
		s.model.Jump(e, s.t, s.y, s.d, nil, next)
		size := 0.
		for i, k := range targets {
			size += math.Pow((next[i]-s.y[k])/(math.Abs(s.y[k])+s.opt.ATol+1e-30), 2)
		}
		if size = math.Sqrt(size); math.IsNaN(size) || math.IsInf(size, 0) {
			break
		}
		s.assign(e, next)
		if size <= projected {
			return nil
		}
	}
	f := s.fail(NoBalance, s.step.try, "no state near the end of the step has the conserved quantities of `mode: project`")
	f.State = targets[0]
	return f
}

// level sets the levels of the conserved quantities to what they are now.
func (s *balancing) level() {
	if e := s.hy.Project; e > 0 {
		next := s.vals[:len(s.hy.Events[e].Targets)]
		s.model.Jump(e, s.t, s.y, s.d, nil, next)
		s.assign(e, next)
	}
}

// assign assigns the values of an event's jump that nothing fires.
func (s *balancing) assign(e int, next []float64) {
	s.record(entry{kind: balanceEntry, t: s.t, ref: e, more: len(s.tape.jumps), state: s.tape.keep(s.y, s.d)})
	s.tape.jumps = append(s.tape.jumps, jumpRead{snap: -1, mask: -1})
	jumps.Assign(s.y, s.d, s.hy.Events[e].Targets, nil, next)
}

// goOnProjected makes the end of an accepted step, taken back to the levels of conserved
// quantities, or to the constraints, the start of the next.
func (s *Integrator) goOnProjected() *Failure {
	s.goOn()
	if s.hy.Project > 0 {
		s.use()
		if fail := s.instant.balancing.project(); fail != nil {
			return fail
		}
		s.startStep()
		s.toLane()
	}
	if fail := goOnPositive(s); fail != nil {
		return fail
	}
	if s.hy.Balance > 0 {
		s.use()
		if moved, fail := s.instant.balancing.drifted(); !moved {
			return fail
		}
		s.segment(s.t)
		s.stepper.Shift(field{s.run}, s.t, s.y)
		s.toLane()
	}
	return nil
}

// goOnPositive sets states to zero that the accepted step left below it. A method that goes on from
// several steps keeps what it knows of the solution.
func goOnPositive(s *Integrator) *Failure {
	if s.hy.Positive == 0 {
		return nil
	}
	s.use()
	if !s.instant.balancing.lift() {
		return nil
	}
	s.segment(s.t)
	s.stepper.Shift(field{s.run}, s.t, s.y)
	s.toLane()
	return s.positives.stay()
}

// arriveProjected makes the end of the step that ends at an instant the current state, taken
// back to the levels of conserved quantities, and reports whether that may have moved it.
func (s *Integrator) arriveProjected() (moved bool, fail *Failure) {
	s.arrive()
	moved = s.instant.balancing.lift()
	if s.hy.Project == 0 {
		return moved, nil
	}
	return true, s.instant.balancing.project()
}
