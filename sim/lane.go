package sim

import "math"

// freeRun lets the lane of a trajectory run free: the program of the steps accepts and
// rejects its steps and chooses their lengths, as long as nothing happens inside of
// them. See solvers.Block.
type freeRun struct {
	*stepping
	search *search
	clock  *clock
	hist   *history
	near   *neighbour

	allowed bool // in this run
	state   laneState
	first   int // of a free-running lane: the first record of the lane history that may be its own
	save    int // and the first save that its steps may go past
}

// laneState is who decides about the steps of a lane.
type laneState uint8

const (
	guided      laneState = iota // the integrator
	freeRunning                  // the program of the steps
)

// reset begins a run. A lane whose program needs the time of each step in advance does
// not run free, nor one whose steps have an upper bound or are traced.
func (s *freeRun) reset() {
	in, ok := s.many.(Inputs)
	inputs := ok && in.HasInputs()
	s.state, s.allowed = guided, len(s.blk.Until) > 0 && s.opt.Step == 0 && !inputs && s.span.Trace == nil && !s.hy.moved() && !s.search.descends()
}

// release lets the lane run free, if nothing but the program has to look at its steps.
func (s *freeRun) release() {
	blk, l := s.blk, s.lane
	most := min(s.opt.MaxSteps, s.stab.due)
	if !s.allowed || !s.search.ownOnly || s.search.someNear || s.at != endFree || s.steps >= most || !s.opt.Forget && s.group.hist.full() {
		return
	}
	s.state = freeRunning
	if !s.opt.Forget {
		s.first = len(s.group.hist.records)
		s.group.recording++
	}
	blk.Until[l], blk.Stop[l], blk.Rejected[l] = math.Inf(1), s.clock.stop.t, 0
	s.save = s.saves.next
	s.group.passing.begin(l, s.saves.time, s.clock.stop.t)
	blk.Taken[l], blk.Refused[l], blk.Longest[l], blk.Left[l] = 0, 0, 0, float64(most-s.steps)
	blk.Cap[l], blk.Sure[l] = s.stab.cap, s.near.limitAlone(s.h)
	if s.ctl.Rejected() {
		blk.Rejected[l] = 1
	}
}

// resume stops a free-running lane and takes over where it has come to. What it did is
// in the group's lane history; the tape notes which records are its own.
func (s *freeRun) resume() {
	if s.state != freeRunning {
		return
	}
	blk, l := s.blk, s.lane
	s.state = guided
	if !s.opt.Forget {
		s.group.recording--
	}
	s.group.passing.end(l)
	blk.Until[l] = math.Inf(-1)
	taken, refused := int(blk.Taken[l]), int(blk.Refused[l])
	if taken+refused == 0 {
		return
	}
	s.steps += taken + refused
	s.stab.taken(blk.Longest[l])
	st := &s.out.Stats
	st.Steps, st.Rejected = st.Steps+taken, st.Rejected+refused
	st.Evaluations += (taken + refused) * s.stages()
	if taken > 0 && !s.opt.Forget {
		s.hist.addRecords(s.first, s.save)
	}
	blk.Gather(s.y, blk.Y[0], l)
	s.t, s.try, s.h, s.at = blk.T[l], blk.H[l], blk.Next[l], endFree
	if blk.Clipped[l] != 0 {
		s.at = s.clock.stop.end
	}
	s.ctl.Resume(blk.Before[l], blk.Rejected[l] != 0)
}
