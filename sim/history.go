package sim

import (
	"fmt"
	"slices"

	"github.com/pinode/pinode/solvers"
)

// history keeps what derivatives need of the steps of a run on its tape, and finds
// steps again that were not kept.
type history struct {
	*stepping
}

func newHistory(s *stepping) *history {
	return &history{stepping: s}
}

// addStep records the last step, of length h, as an entry, and reads the saves that
// lie in [t, t+h).
func (s *history) addStep(e entry, h float64) {
	e.t, e.h = s.t, h
	e.lo, e.tick, e.leg = s.saves.next, s.tick(), s.leg
	until := s.t + h
	if e.end != endFree { // a save at the instant reads the value after it
		until -= s.resolution()
	}
	if s.saves.time < until {
		if s.place == inStepper {
			s.behind()
		}
		blk, lane := s.last()
		s.readSaves(blk, lane, s.t, h, until)
	}
	if e.hi = s.saves.next; s.opt.Forget {
		return
	}
	if s.fits() || s.opt.Method.Family == solvers.Multistep { // which has no other way back to a step
		e.state = s.tape.keep(s.y, s.d)
		blk, lane := s.last()
		s.saveStages(&e, blk, lane)
		if s.actWords > 0 && e.end != endRoot { // that step has been taken again, elsewhere
			s.saveActs(&e)
		}
	} else if e.end == endFree && s.method.Repeats() && !s.hy.moved() {
		s.extendSegment(e)
		return
	} else {
		e.state = s.tape.keep(s.y, s.d)
	}
	s.tape.entries = append(s.tape.entries, e)
}

// endAtFixed lets a run whose last instant moves with the parameters, at its very
// end, still end at a given time.
func (s *history) endAtFixed() {
	if s.out.Status == Terminated || !s.moving || len(s.tape.entries) == 0 {
		return
	}
	for i := len(s.tape.entries) - 1; i >= 0; i-- {
		switch e := &s.tape.entries[i]; {
		case e.kind != stepEntry:
			continue
		case e.end > endFixed && e.t+e.h >= s.span.T1-s.resolution():
			s.record(entry{kind: stepEntry, end: endFixed, t: s.t, state: s.tape.keep(s.y, s.d), lo: s.saves.next, hi: s.saves.next})
		}
		return
	}
}

// readHere reads the saves that fall on the current time, of the state where the run is.
func (s *history) readHere() {
	e := entry{kind: saveEntry, t: s.t, lo: s.saves.next, hi: s.saves.next, state: s.tape.keep(s.y, s.d)}
	for ; e.hi < len(s.span.Saves) && s.span.Saves[e.hi] <= s.t+s.resolution(); e.hi++ {
		copy(s.out.SaveY.At(e.hi), s.y)
		copy(s.out.SaveD.At(e.hi), s.d)
		if !s.saves.separate[e.hi] {
			copy(s.out.BeforeY.At(e.hi), s.y)
			copy(s.out.BeforeD.At(e.hi), s.d)
		}
	}
	s.record(e)
	s.saves.next, s.out.Saved = e.hi, e.hi
	s.seekSave()
}

// readsLane reports whether the dense output of the last step is read in the lane.
func (s *history) readsLane() bool {
	return s.place == inLane && !s.lazy && !s.hy.moved()
}

// readSaves reads the saves before a time off the dense output of a step in a lane.
func (s *history) readSaves(blk *solvers.Block, lane int, t, h, until float64) {
	hi := s.span.savesBefore(s.saves.next, len(s.span.Saves), until)
	for i := s.saves.next; i < hi; i++ {
		blk.Dense(s.opt.Method, lane, h, (s.span.Saves[i]-t)/h, s.out.SaveY.At(i))
		copy(s.out.SaveD.At(i), s.d)
		s.correctSave(i)
		if !s.saves.separate[i] {
			copy(s.out.BeforeY.At(i), s.out.SaveY.At(i))
			copy(s.out.BeforeD.At(i), s.d)
		}
	}
	s.saves.next, s.out.Saved = hi, hi
	s.seekSave()
}

// fits reports whether the tape has room for the stages of a step.
func (s *history) fits() bool { return s.tape.words()+s.stageWords <= s.opt.Memory }

// saveActs keeps the activations of the step in the lane. They may fill half of the
// tape, since computing them again is less work than the step. Those of stages that the lane
// does not have are not there.
func (s *history) saveActs(e *entry) {
	if s.lazy && e.hi > e.lo {
		return
	}
	n := s.actWords * s.stages()
	if s.tape.words()+n > s.opt.Memory/2 {
		return
	}
	at := len(s.tape.stages)
	s.tape.stages = slices.Grow(s.tape.stages, n)[:at+n]
	e.acts = at + 1
	to := s.tape.stages[at:]
	for _, stage := range s.blk.Acts[1 : s.stages()+1] {
		for _, v := range stage {
			n := len(v) / s.blk.Width
			s.blk.Gather(to[:n], v, s.lane)
			to = to[n:]
		}
	}
}

// longest is how many steps a checkpoint segment has at most: so many are recomputed
// at a time.
func (s *history) longest() int { return max(16, s.opt.Memory/8/s.stageWords) }

// extendSegment adds a free step to the checkpoint segment that the tape ends with, or
// begins one. The tape keeps the start of a segment, from where step control finds the
// same lengths again, and its end. A segment ends before a step that follows a
// rejected one which a stop had cut off: recomputing does not know of the stop.
func (s *history) extendSegment(e entry) {
	tp := &s.tape
	if n := len(tp.entries); n > 0 {
		if x := &tp.entries[n-1]; x.kind == segmentEntry && x.leg == s.leg && x.count < s.longest() && !s.cut {
			x.count++
			x.hi = e.hi
			tp.flat[len(tp.flat)-1] = e.t + e.h
			return
		}
	}
	e.kind, e.count = segmentEntry, 1
	e.state = tp.keep(s.y, s.d)
	at := len(tp.flat)
	tp.flat = slices.Grow(tp.flat, s.size.Y)[:at+s.size.Y]
	blk, lane := s.last()
	blk.Gather(tp.flat[at:], blk.K[0], lane)
	tp.flat = append(tp.flat, s.h, s.ctl.Before, s.stab.capped(), e.t+e.h)
	tp.entries = append(tp.entries, e)
	s.cut = false
}

// recompute takes the steps of a checkpoint segment again, or reads those of a range
// of the lane history, and returns them as entries of their own. They are valid until
// drop.
func (s *history) recompute(e *entry) []entry {
	tp := &s.tape
	n := s.size.Y
	tp.endFlat, tp.endKept = len(tp.flat), len(tp.stages)
	tp.steps = tp.steps[:0]
	if e.kind == laneEntry {
		return s.laneSteps(e)
	}
	y, d := tp.at(e.state, n, s.size.D)
	copy(s.y, y)
	copy(s.d, d)
	if m, ok := s.model.(Segmented); ok {
		m.Segment(e.t)
	}
	start := tp.flat[e.state+n+s.size.D:]
	copy(s.stepper.Y[0], y)
	copy(s.stepper.K[0], start)
	h, before, end := start[n], start[n+1], start[n+3]
	defer s.stab.within(start[n+2])()
	defer func(t float64, at endKind) { s.t, s.at = t, at }(s.t, s.at)
	s.t, s.at, s.try = e.t, endFree, e.h
	save, blk := e.lo, s.stepper.Block()
	for k := range e.count {
		s.stepper.T = s.t
		if k == 0 {
			s.take(s.try)
			s.h = h
			s.ctl.Resume(before, false)
		} else {
			s.again(blk)
		}
		x := entry{kind: stepEntry, t: s.t, h: s.try, state: tp.keep(s.y, s.d), lo: save, tick: e.tick, leg: e.leg}
		save = s.span.savesBefore(save, e.hi, s.t+s.try)
		if x.hi = save; x.hi > x.lo {
			s.behind()
		}
		s.saveStages(&x, blk, 0)
		tp.steps = append(tp.steps, x)
		copy(s.y, s.stepper.End())
		s.t += s.try
		s.stepper.Continue(s.t)
	}
	if s.t != end {
		panic(fmt.Sprintf("sim: a stretch from t = %g ends at %g, and ended at %g before", e.t, s.t, end))
	}
	return tp.steps
}

// drop removes from the tape what recompute put there.
func (s *history) drop() {
	s.tape.flat, s.tape.stages = s.tape.flat[:s.tape.endFlat], s.tape.stages[:s.tape.endKept]
}

// kept is how many stages behind the first the tape keeps of a step: those that the dense
// output alone needs where saves read it.
func (s *history) kept(e *entry) int {
	if e.hi > e.lo {
		return s.opt.Method.Stages() - 1
	}
	return s.stages()
}

// saveStages keeps the stages of the step in a lane.
func (s *history) saveStages(e *entry, blk *solvers.Block, lane int) {
	kept, at := s.kept(e), len(s.tape.stages)
	n := s.size.Y * kept
	if s.rates {
		n += s.size.Y * (kept + 1)
	}
	s.tape.stages = slices.Grow(s.tape.stages, n)[:at+n]
	e.stages = at + 1
	to := s.tape.stages[at:]
	n = s.size.Y * kept
	blk.Gather(to[:n], blk.Stages, lane)
	if s.rates {
		for _, k := range blk.K[:kept+1] {
			to = to[n:]
			n = s.size.Y
			blk.Gather(to[:n], k, lane)
		}
	}
}

// restoreStages puts the stages that were kept of a step back into a lane.
func (s *history) restoreStages(blk *solvers.Block, lane int, e *entry, times Times) {
	y, _ := s.tape.at(e.state, s.size.Y, s.size.D)
	blk.Scatter(blk.Y[0], y, lane)
	from := s.tape.stages[e.stages-1:]
	kept := s.kept(e)
	n := s.size.Y * kept
	blk.Scatter(blk.Stages, from[:n], lane)
	if times == WithTimes || s.reads {
		for _, k := range blk.K[:kept+1] {
			from = from[n:]
			n = s.size.Y
			blk.Scatter(k, from[:n], lane)
		}
	}
}

// replay puts the stages of a step into the stepper.
func (s *history) replay(e *entry) {
	y, d := s.tape.at(e.state, s.size.Y, s.size.D)
	copy(s.d, d)
	if e.stages > 0 && s.rates {
		if m, ok := s.model.(Segmented); ok {
			m.Segment(e.t)
		}
		s.stepper.T, s.stepper.H = e.t, e.h
		s.restoreStages(s.stepper.Block(), 0, e, WithTimes)
		s.whole = s.kept(e)+1 == s.opt.Method.Stages()
		steps := s.stepsAt(s.d)
		steps.Load(0, s.model, s.d, s.held)
		steps.Time(0, s.model, e.t, e.h)
		return
	}
	s.segment(e.t)
	s.stepper.Start(field{s.run}, e.t, y)
	s.take(e.h)
}
