package sim

import "math"

// saves are which saves of a run have been read.
type saves struct {
	next     int     // the first that has not been read yet
	time     float64 // its time, or +∞
	separate []bool  // whether the value before the instant is another than that after it

	corrected []correctedSave // of those that the dense output has
	room      []float64       // what a jump assigns
}

func (s *saves) reset(n int) {
	s.next = 0
	for len(s.separate) < n {
		s.separate = append(s.separate, false)
	}
	clear(s.separate)
	s.corrected = s.corrected[:0]
}

// saveState lets the saves at the current time read the state itself, at the
// end of a run.
func (s *run) saveState() {
	e := entry{kind: saveEntry, t: s.t, state: s.tape.keep(s.y, s.d), lo: s.saves.next}
	for s.saves.next < len(s.span.Saves) && s.span.Saves[s.saves.next] <= s.t {
		i := s.saves.next
		copy(s.out.SaveY.At(i), s.y)
		copy(s.out.SaveD.At(i), s.d)
		if !s.saves.separate[i] {
			copy(s.out.BeforeY.At(i), s.y)
			copy(s.out.BeforeD.At(i), s.d)
		}
		s.saves.next++
	}
	s.seekSave()
	e.hi = s.saves.next
	s.out.Saved = s.saves.next
	if e.hi > e.lo {
		s.record(e)
	}
}

// savesBefore is the first save behind those from lo on that lie before a time; hi at most.
func (s *Span) savesBefore(lo, hi int, time float64) int {
	for lo < hi && s.Saves[lo] < time {
		lo++
	}
	return lo
}

// seekSave finds the time of the next save.
func (s *run) seekSave() {
	if s.saves.time = math.Inf(1); s.saves.next < len(s.span.Saves) {
		s.saves.time = s.span.Saves[s.saves.next]
	}
}
