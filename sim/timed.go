package sim

import (
	"math"

	"github.com/pinode/pinode/events"
)

// timed is a time that a step must end on, and why.
type timed struct {
	t     float64
	end   endKind
	ref   int // see endKind
	count int
	event int // that fires then, or −1
	args  []float64
	at    [3]int // endZeno
}

// nextTimed returns the earliest time that the next step must end on.
func (s *Integrator) nextTimed() timed {
	best := timed{t: s.span.T1, end: endFixed, event: -1}
	s.eachTimed(func(x timed) {
		if x.t < best.t {
			best = x
		}
	})
	return best
}

// eachTimed calls f with the next time of every source that is still to come.
func (s *Integrator) eachTimed(f func(timed)) {
	for s.nextStop < len(s.span.Stops) && s.span.Stops[s.nextStop] <= s.t {
		s.nextStop++
	}
	if s.nextStop < len(s.span.Stops) {
		f(timed{t: s.span.Stops[s.nextStop], end: endFixed, event: -1})
	}
	for i := s.nextFiring; i < len(s.span.Firings); i++ {
		x := &s.span.Firings[i]
		f(timed{t: x.T, end: endFixed, ref: i, event: x.Event, args: x.Args})
		if i+1 < len(s.span.Firings) && s.span.Firings[i+1].T > x.T {
			break
		}
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
	for i := 0; i < len(s.plans); i++ { // f may take them away
		p := &s.plans[i]
		f(timed{t: p.limit, end: endZeno, ref: i, at: p.at, event: p.event})
	}
	for i := 0; i < len(s.delayed); i++ {
		x := &s.delayed[i]
		f(timed{t: x.t, end: endDelay, ref: x.snap, event: s.tape.snaps[x.snap].event, args: x.args})
	}
}

// everyTime is the time of firing n of a periodic event: From + n·period, or,
// without From, one period after the start and so on.
func (s *Integrator) everyTime(e, n int) float64 {
	sc := &s.hy.Schedules[e]
	if sc.From < 0 {
		return s.span.T0 + float64(n+1)*s.sched[sc.Period]
	}
	return s.sched[sc.From] + float64(n)*s.sched[sc.Period]
}

// skipPast drops scheduled times before the start, and those at the start
// unless the event says `at start`.
func (s *Integrator) skipPast() *Failure {
	past := func(e int, t float64) bool {
		return t < s.t || t == s.t && !s.hy.Events[e].AtStart
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
			if !(period > 0) {
				return s.badTime(e, "its period is not positive")
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

func (s *Integrator) badTime(e int, why string) *Failure {
	f := s.fail(Unstable, 0, "event %s: %s", s.hy.Events[e].Name, why)
	f.Event = e
	return f
}

// consume marks a source as used.
func (s *Integrator) consume(x timed) {
	switch x.end {
	case endFixed:
		s.nextFiring = x.ref + 1
	case endAt, endEvery:
		s.fired[x.event]++
	case endDelay:
		for i := range s.delayed {
			if s.delayed[i].snap == x.ref {
				s.delayed = append(s.delayed[:i], s.delayed[i+1:]...)
				return
			}
		}
	}
}
