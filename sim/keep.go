package sim

import (
	"fmt"
	"math"
	"slices"

	"github.com/pinode/pinode/solvers"
)

// What of a run goes to its tape, and how steps that were not kept are found again.

// push records the step that stands as an entry, with the saves that lie in
// [t, t+h).
func (s *Integrator) push(e entry, h float64) {
	e.t, e.h = s.t, h
	e.lo, e.tick = s.nextSave, s.tick()
	until := s.t + h
	if e.end != endFree { // a save at the instant reads the value after it
		until -= s.resolution()
	}
	for s.nextSave < len(s.span.Saves) && s.span.Saves[s.nextSave] < until {
		i := s.nextSave
		s.step.Dense((s.span.Saves[i]-s.t)/h, s.out.SaveY[i])
		copy(s.out.SaveD[i], s.d)
		if !s.separate[i] {
			copy(s.out.BeforeY[i], s.out.SaveY[i])
			copy(s.out.BeforeD[i], s.d)
		}
		s.nextSave++
	}
	s.seekSave()
	e.hi = s.nextSave
	s.out.Saved = s.nextSave
	if s.opt.Forget {
		return
	}
	if s.fits() {
		e.state = s.tape.keep(s.y, s.d)
		blk, lane := s.standing()
		s.keepStages(&e, blk, lane)
		if s.actWords > 0 && e.end != endRoot { // that step has been taken again, elsewhere
			s.keepActs(&e)
		}
	} else if e.end == endFree {
		s.lengthen(e)
		return
	} else {
		e.state = s.tape.keep(s.y, s.d)
	}
	s.tape.entries = append(s.tape.entries, e)
}

// fits reports whether the tape has room for the stages of a step.
func (s *Integrator) fits() bool { return s.tape.words()+s.stageWords <= s.opt.Memory }

// keepActs keeps the activations of the step in the lane, which may fill half
// of the tape; they can be had again by less work than the step.
func (s *Integrator) keepActs(e *entry) {
	n := s.actWords * (len(s.blk.Y) - 1)
	if s.tape.words()+n > s.opt.Memory/2 {
		return
	}
	at := len(s.tape.stages)
	s.tape.stages = slices.Grow(s.tape.stages, n)[:at+n]
	e.acts = at + 1
	to := s.tape.stages[at:]
	for _, stage := range s.blk.Acts[1:] {
		for _, v := range stage {
			n := len(v) / s.blk.Width
			s.blk.Gather(to[:n], v, s.lane)
			to = to[n:]
		}
	}
}

// longest is how many steps are found again at a time.
func (s *Integrator) longest() int { return max(16, s.opt.Memory/8/s.stageWords) }

// tick is the last record of the group's roll so far: sweeps back go side by side
// as the lanes did.
func (s *Integrator) tick() int {
	if s.group == nil {
		return 0
	}
	return len(s.group.roll.records) - 1
}

// lengthen adds a free step to the stretch that the tape ends with, or begins
// one. Of a stretch the tape keeps its start, from where step control finds the
// same lengths again, and its end: it does not know of a stop that cut a step
// off.
func (s *Integrator) lengthen(e entry) {
	tp := &s.tape
	if n := len(tp.entries); n > 0 {
		if x := &tp.entries[n-1]; x.kind == stretchEntry && x.count < s.longest() && !s.cut {
			x.count++
			x.hi = e.hi
			tp.flat[len(tp.flat)-1] = e.t + e.h
			return
		}
	}
	e.kind, e.count = stretchEntry, 1
	e.state = tp.keep(s.y, s.d)
	at := len(tp.flat)
	tp.flat = slices.Grow(tp.flat, s.size.Y)[:at+s.size.Y]
	blk, lane := s.standing()
	blk.Gather(tp.flat[at:], blk.K[0], lane)
	tp.flat = append(tp.flat, s.h, s.ctl.Before, s.stab.capped(), e.t+e.h)
	tp.entries = append(tp.entries, e)
	s.cut = false
}

// standing is where the step that stands is.
func (s *Integrator) standing() (blk *solvers.Block, lane int) {
	if s.pulled {
		return s.step.Block(), 0
	}
	return s.blk, s.lane
}

// expand finds the steps of a stretch, or of records of the group's roll, as
// entries of their own. They are good until the next call.
func (s *Integrator) expand(e *entry) []entry {
	tp := &s.tape
	n := s.size.Y
	tp.endFlat, tp.endKept = len(tp.flat), len(tp.stages)
	tp.steps = tp.steps[:0]
	if e.kind == rollEntry {
		return s.recorded(e)
	}
	y, d := tp.at(e.state, n, s.size.D)
	copy(s.y, y)
	copy(s.d, d)
	if m, ok := s.model.(Segmented); ok {
		m.Segment(e.t)
	}
	start := tp.flat[e.state+n+s.size.D:]
	copy(s.step.Y[0], y)
	copy(s.step.K[0], start)
	h, before, end := start[n], start[n+1], start[n+3]
	defer s.stab.within(start[n+2])()
	defer func(t float64, at endKind) { s.t, s.at = t, at }(s.t, s.at)
	s.t, s.at, s.try = e.t, endFree, e.h
	save, blk := e.lo, s.step.Block()
	for k := range e.count {
		s.step.T = s.t
		if k == 0 {
			s.take(s.try)
			s.h = h
			s.ctl.Resume(before, false)
		} else {
			s.again(blk)
		}
		x := entry{kind: stepEntry, t: s.t, h: s.try, state: tp.keep(s.y, s.d), lo: save, tick: e.tick}
		for save < e.hi && s.span.Saves[save] < s.t+s.try {
			save++
		}
		x.hi = save
		s.keepStages(&x, blk, 0)
		tp.steps = append(tp.steps, x)
		copy(s.y, s.step.End())
		s.t += s.try
		s.step.Continue(s.t)
	}
	if s.t != end {
		panic(fmt.Sprintf("sim: a stretch from t = %g ends at %g, and ended at %g before", e.t, s.t, end))
	}
	return tp.steps
}

// again takes the next step of a stretch, with the rejections before it.
func (s *Integrator) again(blk *solvers.Block) {
	for {
		s.try, _ = s.clip(s.h, timed{t: math.Inf(1)})
		if blk.Before != nil {
			blk.Before[0] = s.ctl.Before
		}
		s.take(s.try)
		if !s.opt.Method.Adaptive() {
			return
		}
		if ok, _ := s.accept(blk, 0, finite(s.step.End())); ok {
			return
		}
	}
}

// forget drops what expand made.
func (s *Integrator) forget() {
	s.tape.flat, s.tape.stages = s.tape.flat[:s.tape.endFlat], s.tape.stages[:s.tape.endKept]
}

// keepStages keeps the stages of the step in a lane.
func (s *Integrator) keepStages(e *entry, blk *solvers.Block, lane int) {
	n, at := s.stageWords, len(s.tape.stages)
	s.tape.stages = slices.Grow(s.tape.stages, n)[:at+n]
	e.stages = at + 1
	to := s.tape.stages[at:]
	n = len(blk.Stages) / blk.Width
	blk.Gather(to[:n], blk.Stages, lane)
	if s.moving {
		for _, k := range blk.K {
			to = to[n:]
			n = s.size.Y
			blk.Gather(to[:n], k, lane)
		}
	}
}

// saveState lets the saves at the current time read the state itself, at the
// end of a run.
func (s *Integrator) saveState() {
	e := entry{kind: saveEntry, t: s.t, state: s.tape.keep(s.y, s.d), lo: s.nextSave}
	for s.nextSave < len(s.span.Saves) && s.span.Saves[s.nextSave] <= s.t {
		i := s.nextSave
		copy(s.out.SaveY[i], s.y)
		copy(s.out.SaveD[i], s.d)
		if !s.separate[i] {
			copy(s.out.BeforeY[i], s.y)
			copy(s.out.BeforeD[i], s.d)
		}
		s.nextSave++
	}
	s.seekSave()
	e.hi = s.nextSave
	s.out.Saved = s.nextSave
	if e.hi > e.lo {
		s.tape.entries = append(s.tape.entries, e)
	}
}
