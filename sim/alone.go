package sim

import (
	"math"
	"slices"
)

// Lanes that go on by themselves, as long as nothing happens inside of their
// steps: see solvers.Block.

// setSides tells the step the sides of the guards that it looks at.
func (s *Integrator) setSides() {
	own := s.size.Guards - s.size.Releases - s.size.Exits
	s.sided, s.rests = !slices.Contains(s.det.Watch[own:], true), false
	for i, side := range s.det.Side {
		s.rests = s.rests || side == 0 && s.det.Watch[i] && !s.hy.Flags[i] && !s.slidesOn(i)
	}
	if len(s.blk.Side) == 0 {
		return
	}
	at := s.lane
	for i, watched := range s.det.Watch[:own] {
		if s.blk.Side[at] = 0; watched {
			s.blk.Side[at] = float64(s.det.Side[i])
		}
		at += s.blk.Width
	}
}

// calm reports whether no guard crosses inside the step that stands, as far as
// the step itself can tell.
func (s *Integrator) calm() bool {
	return s.size.Guards == 0 || s.sided && !s.rests && len(s.blk.Calm) > 0 && s.blk.Calm[s.lane] != 0
}

// letGo lets the lane go on by itself, if nothing else looks at the steps.
func (s *Integrator) letGo() {
	blk, l := s.blk, s.lane
	most := min(s.opt.MaxSteps, s.stab.due)
	if !s.alone || !s.sided || s.rests || s.at != endFree || s.steps >= most || !s.opt.Forget && s.group.roll.full() {
		return
	}
	s.loose = true
	if !s.opt.Forget {
		s.first = len(s.group.roll.records)
		s.group.rolling++
	}
	blk.Until[l], blk.Stop[l], blk.Rejected[l] = s.save, s.stop.t, 0
	blk.Taken[l], blk.Refused[l], blk.Left[l] = 0, 0, float64(most-s.steps)
	blk.Cap[l] = s.stab.cap
	if s.ctl.Rejected() {
		blk.Rejected[l] = 1
	}
}

// sync takes over where the lane has gone by itself, and holds it. What it did is
// on the group's roll; the tape has which records are its own.
func (s *Integrator) sync() {
	if !s.loose {
		return
	}
	blk, l := s.blk, s.lane
	s.loose = false
	if !s.opt.Forget {
		s.group.rolling--
	}
	blk.Until[l] = math.Inf(-1)
	taken, refused := int(blk.Taken[l]), int(blk.Refused[l])
	if taken+refused == 0 {
		return
	}
	s.steps += taken + refused
	st := &s.out.Stats
	st.Steps, st.Rejected = st.Steps+taken, st.Rejected+refused
	st.Evaluations += (taken + refused) * (len(blk.K) - 1)
	if taken > 0 && !s.opt.Forget {
		last, state := len(s.group.roll.records), s.tape.keep(s.y, s.d)
		for first := s.first; first < last; first += s.longest() {
			s.tape.entries = append(s.tape.entries, entry{
				kind: rollEntry, t: s.t, state: state, ref: first, count: min(first+s.longest(), last), lo: s.nextSave, hi: s.nextSave,
			})
		}
	}
	blk.Gather(s.y, blk.Y[0], l)
	s.t, s.try, s.h, s.at = blk.T[l], blk.H[l], blk.Next[l], endFree
	if blk.Clipped[l] != 0 {
		s.at = s.stop.end
	}
	s.ctl.Resume(blk.Before[l], blk.Rejected[l] != 0)
}
