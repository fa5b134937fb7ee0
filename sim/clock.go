package sim

import (
	"fmt"
	"math"
	"slices"

	"github.com/pinode/pinode/events"
)

// clock knows the times that steps must end on: those that are scheduled, rows
// of data, stops of the inputs, delayed jumps, limits of events, the end.
type clock struct {
	*run
	rests *rests

	last, before float64 // time of the last instant, and of that before it
	stop         timed   // the next step must not cross it; of the past: it is to be found anew
	tied         []tie   // what comes to rest with the guard that it ended on: see descents.tie
	sched        []float64
	fired        []int // firings of each scheduled event so far
	nextFiring   int   // of the data: the first that was not carried out
	nextStop     int
	delayed      delays
}

// cameBy reports whether the run has come to its instant with the time of a guard.
func (c *clock) cameBy(guard int) bool {
	return (c.came.end == endRoot || c.came.end == endDescent) && c.came.ref == guard
}

// tieOf is the place of a guard among those that are tied, or −1.
func (c *clock) tieOf(guard int) int {
	return slices.IndexFunc(c.tied, func(x tie) bool { return x.guard == guard })
}

func newClock(r *run, rests *rests) *clock {
	return &clock{run: r, rests: rests, sched: make([]float64, r.size.Times), fired: make([]int, len(r.hy.Events))}
}

func (c *clock) reset() {
	c.last, c.before = c.t, c.t
	c.forgetStop()
	c.came, c.tied = timed{end: endFixed, event: -1}, c.tied[:0]
	clear(c.fired)
	c.nextFiring, c.nextStop = 0, 0
	c.delayed = c.delayed[:0]
}

// forgetStop lets the next stop be found anew.
func (c *clock) forgetStop() { c.stop.t = math.Inf(-1) }

// timed is a time that a step must end on, and why.
type timed struct {
	t       float64
	end     endKind
	ref     int // see endKind
	count   int
	event   int // that fires then, or −1
	args    []float64
	firing  bool   // it is firing ref of the data
	crosses bool   // endDescent: the guard does not rest
	at      [3]int // endZeno
}

// nextTimed returns the earliest time that the next step must end on.
func (s *clock) nextTimed() timed {
	best := timed{t: s.span.T1, end: endFixed, event: -1}
	s.eachTimed(func(x timed) {
		if x.t < best.t || x.t == best.t && best.event < 0 && x.event >= 0 {
			best = x
		}
	})
	return best
}

// eachTimed calls f with the next time of every source that is still to come.
func (s *clock) eachTimed(f func(timed)) {
	for s.nextStop < len(s.span.Stops) && s.span.Stops[s.nextStop] <= s.t {
		s.nextStop++
	}
	if s.nextStop < len(s.span.Stops) {
		f(timed{t: s.span.Stops[s.nextStop], end: endFixed, event: -1})
	}
	if s.nextFiring < len(s.span.Firings) {
		f(s.firing(s.nextFiring))
	}
	for e := range s.hy.Events {
		sc := &s.hy.Schedules[e]
		switch s.hy.Events[e].Kind {
		case events.At:
			if s.fired[e] == 0 {
				f(timed{t: s.sched[sc.At], end: endAt, ref: sc.At, event: e})
			}
		case events.Every:
			if t := s.everyTime(e, s.fired[e]); sc.Until < 0 || t <= s.sched[sc.Until]+s.resolution() {
				f(timed{t: t, end: endEvery, ref: e, count: s.fired[e], event: e})
			}
		}
	}
	for i := 0; i < len(s.rests.plans); i++ { // f may take them away
		p := &s.rests.plans[i]
		f(timed{t: p.limit, end: endZeno, ref: i, at: p.at, event: p.event})
	}
	if len(s.delayed) > 0 {
		x := &s.delayed[0]
		f(timed{t: x.t, end: endDelay, ref: x.snap, event: s.tape.snaps[x.snap].event, args: x.args})
	}
}

// everyTime is the time of firing n of a periodic event: n periods behind From, or,
// without From, behind the start.
func (s *clock) everyTime(e, n int) float64 {
	sc := &s.hy.Schedules[e]
	from := s.span.T0 - s.span.Since
	if sc.From >= 0 {
		from = s.sched[sc.From]
	}
	return from + float64(n)*s.sched[sc.Period]
}

// skipPast drops scheduled times before the start, and those at the start
// unless the event says `at start`.
func (s *clock) skipPast() *Failure {
	past := func(e int, t float64) bool {
		return t < s.t || t == s.t && !s.atStart(e)
	}
	for e := range s.hy.Events {
		sc := &s.hy.Schedules[e]
		switch s.hy.Events[e].Kind {
		case events.At:
			if math.IsNaN(s.sched[sc.At]) {
				return s.badTime(e, "its time is not a number")
			}
			if past(e, s.sched[sc.At]) {
				s.fired[e] = 1
			}
		case events.Every:
			period := s.sched[sc.Period]
			if fail := s.checkPeriod(e, period); fail != nil {
				return fail
			}
			if t := s.everyTime(e, 0); t < s.t {
				s.fired[e] = int(math.Floor((s.t - t) / period))
			}
			for past(e, s.everyTime(e, s.fired[e])) {
				s.fired[e]++
			}
		}
	}
	return nil
}

// atStart reports whether an event fires at the start where its condition holds there.
// In the midst of a trajectory it has done so before; what only sets discrete variables has
// done that too, and does it again, so that they are what its condition asks for.
func (s *clock) atStart(e int) bool {
	ev := &s.hy.Events[e]
	if s.span.Since == 0 {
		return ev.AtStart
	}
	return ev.Kind == events.When && len(ev.Targets) > 0 && slices.Min(ev.Targets) >= s.size.Y
}

// checkPeriod refuses a period that the clock cannot resolve, and one that fires
// more often than the run may take steps.
func (s *clock) checkPeriod(e int, period float64) *Failure {
	if !(period > 0) {
		return s.badTime(e, "its period is not positive")
	}
	sc := &s.hy.Schedules[e]
	first, last := math.Max(s.everyTime(e, 0), s.span.T0), s.span.T1
	if sc.Until >= 0 {
		last = math.Min(last, s.sched[sc.Until])
	}
	switch n := (last - first) / period; {
	case !(n > 0):
	case period <= s.resolution():
		return s.badTime(e, fmt.Sprintf("its period %g is below what the clock resolves in a run to t = %g", period, s.span.T1))
	case n > float64(s.opt.MaxSteps):
		return s.badTime(e, fmt.Sprintf("it would fire %.3g times, and a run takes at most %d steps (`max_steps`)", n, s.opt.MaxSteps))
	}
	return nil
}

func (s *clock) badTime(e int, why string) *Failure {
	f := s.fail(Unstable, 0, "event %s: %s", s.hy.Events[e].Name, why)
	f.Event = e
	return f
}

// consume marks a source as used.
func (s *clock) consume(x timed) {
	switch x.end {
	case endFixed:
		s.nextFiring++
	case endAt, endEvery:
		s.fired[x.event]++
	case endDelay:
		s.delayed.next()
	}
}

// firing is firing i of the data as a source.
func (s *clock) firing(i int) timed {
	x := &s.span.Firings[i]
	return timed{t: x.T, end: endFixed, ref: i, event: x.Event, args: x.Args, firing: true}
}

// nextRow are the firings of the next row of data that acts at the current time:
// from the next one up to end, which is the next itself if there is no such row.
func (s *clock) nextRow() (end int) {
	list := s.span.Firings
	if end = s.nextFiring; end < len(list) && list[end].T <= s.t+s.resolution() {
		for end++; end < len(list) && list[end].Joint; end++ {
		}
	}
	return end
}

// inputsJump reports whether inputs may jump or bend at the current time.
func (s *clock) inputsJump() bool {
	if _, ok := s.model.(Segmented); !ok {
		return false
	}
	for i := s.nextStop; i < len(s.span.Stops) && s.span.Stops[i] <= s.t+s.resolution(); i++ {
		if s.span.Stops[i] >= s.t-s.resolution() {
			return true
		}
	}
	return s.nextStop > 0 && s.span.Stops[s.nextStop-1] >= s.t-s.resolution()
}
