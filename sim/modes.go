package sim

import (
	"math"
	"slices"
)

// OnSurface is the mode of a switch along whose surface the solution slides; along
// the edge of a floor it is so much more than the mode below.
const OnSurface = 0.5

// Slides reports whether a mode is that of a motion along a surface.
func Slides(mode float64) bool { return mode != math.Floor(mode) }

// atEquality is what setModes takes for a switch on whose surface the state rests:
// each of its modes is then what its term says of equality.
const atEquality = 0.25

// isSign reports whether guard i is that of a switch between two branches.
func (s *guards) isSign(i int) bool {
	w := s.switchOf[i]
	return w >= 0 && !s.hy.Switches[w].Floor
}

// isExit reports whether guard i says when sliding ends.
func (s *guards) isExit(i int) bool { return i >= s.firstExit() }

// slidesOn reports whether the solution slides along the surface of guard i.
func (s *guards) slidesOn(i int) bool {
	return s.isSign(i) && Slides(s.d[s.hy.Switches[s.switchOf[i]].Modes[0]])
}

// sliding lists the switches along whose surfaces the solution slides at a
// discrete state.
func (s *run) sliding(d []float64) (list []int) {
	if s.size.Exits == 0 {
		return nil
	}
	for i := range s.hy.Switches {
		if Slides(d[s.hy.Switches[i].Modes[0]]) {
			list = append(list, i)
		}
	}
	return list
}

// slides reports whether the solution slides along any surface at a discrete state.
func (s *run) slides(d []float64) bool {
	if s.size.Exits == 0 {
		return false
	}
	for i := range s.hy.Switches {
		if Slides(d[s.hy.Switches[i].Modes[0]]) {
			return true
		}
	}
	return false
}

// setModes sets the modes of switch i.
func (s *run) setModes(i int, mode float64) {
	w := &s.hy.Switches[i]
	for k, at := range w.Modes {
		if s.d[at] = mode; mode == atEquality {
			s.d[at] = w.AtZero[k]
		}
	}
}

// clearModes sets the elements of v at the modes of switch i to zero.
func (s *run) clearModes(v []float64, i int) {
	for _, at := range s.hy.Switches[i].Modes {
		v[at] = 0
	}
}

// onEdge reports whether the solution slides along the edge of the floor that guard i
// belongs to: neither of its guards is on its surface then.
func (s *guards) onEdge(i int) bool {
	w := s.switchOf[i]
	return w >= 0 && s.hy.Switches[w].Floor && Slides(s.d[s.hy.Switches[w].Modes[0]])
}

// turn sets the modes of switch i, and reports whether they were others; if so it
// is recorded.
func (s *sides) turn(i int, mode float64) bool {
	w := &s.hy.Switches[i]
	slid := Slides(s.d[w.Modes[0]])
	state := s.tape.keep(s.y, s.d)
	s.setModes(i, mode)
	if _, before := s.tape.at(state, s.size.Y, s.size.D); slices.Equal(before, s.d) {
		s.tape.flat = s.tape.flat[:state]
		return false
	}
	e := entry{kind: switchEntry, t: s.t, ref: i, state: state}
	s.out.Stats.Turns++
	if kind := SlideEnd; slid || Slides(s.d[w.Modes[0]]) {
		if Slides(s.d[w.Modes[0]]) {
			kind = SlideStart
		}
		s.logSlide(kind, i, state)
		e.more = len(s.out.Log)
	}
	s.record(e)
	if w.Floor {
		// Both guards moved with the mode; the argument is on one edge
		// of its new cell, inside it.
		s.det.Side[w.Guard], s.det.Side[w.Upper] = 1, -1
	}
	return true
}

// logSlide puts the start or the end of a motion along a surface into the log.
func (s *sides) logSlide(kind RecordKind, i, before int) {
	rec := Record{Event: -1, Switch: i, Kind: kind, T: s.t, K: s.micros, Rate: math.NaN(), Transversality: math.NaN()}
	rec.YBefore, rec.DBefore = s.tape.at(before, s.size.Y, s.size.D)
	rec.YAfter, rec.DAfter = s.tape.at(s.tape.keep(s.y, s.d), s.size.Y, s.size.D)
	s.out.Log = append(s.out.Log, rec)
}
