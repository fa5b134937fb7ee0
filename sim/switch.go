package sim

import "math"

// initialSwitches sets the modes of the switches at the initial state: floors
// from their arguments, signs from the sides of their guards. Guards may read
// the modes through the field, so their values are taken first and their
// rates only where a guard is on its surface.
func (s *Integrator) initialSwitches() {
	s.setFloors()
	s.evalGuards()
	for range len(s.hy.Switches) + 1 {
		changed := false
		for i := range s.hy.Switches {
			w := &s.hy.Switches[i]
			if w.Floor {
				continue
			}
			mode := 0.
			if s.initialSide(w.Guard) > 0 {
				mode = 1
			}
			changed = changed || s.d[w.Mode] != mode
			s.d[w.Mode] = mode
		}
		if !changed {
			return
		}
		s.evalGuards()
	}
}

// setFloors sets the modes of the floor switches from their arguments.
func (s *Integrator) setFloors() {
	n := 0
	for i := range s.hy.Switches {
		if s.hy.Switches[i].Floor {
			n++
		}
	}
	if n == 0 {
		return
	}
	v := s.vals[:0]
	for len(v) < n {
		v = append(v, 0)
	}
	s.model.Floors(s.t, s.y, s.d, v)
	n = 0
	for i := range s.hy.Switches {
		if w := &s.hy.Switches[i]; w.Floor {
			s.d[w.Mode] = math.Floor(v[n])
			n++
		}
	}
}

// crossSwitches turns the switches of the guards that cross at this instant.
// A field that pushes straight back from both sides would be switched without
// end: that is sliding, which has no solution in the ordinary sense.
func (s *Integrator) crossSwitches(first int) *Failure {
	turned := -1
	for g, c := range s.crossed {
		if c && s.turnSwitches(g, first) {
			turned = g
		}
	}
	if turned < 0 {
		return nil
	}
	if fail := s.settle(true); fail != nil {
		return fail
	}
	for i := range s.hy.Switches {
		w := &s.hy.Switches[i]
		if g := w.Guard; !w.Floor && s.crossed[g] && float64(s.det.Side[g])*s.rate[g] < 0 {
			f := s.fail(Sliding, 0, "the fields on both sides of a discontinuity push onto it (rate %.3g behind it)", s.rate[g])
			f.Switch = i
			return f
		}
	}
	return nil
}

// turnSwitches lets the switches of a guard that has crossed take their other
// branch, and reports whether there are any. first is the guard whose root
// the last step ended on.
func (s *Integrator) turnSwitches(guard, first int) (turned bool) {
	for i := range s.hy.Switches {
		w := &s.hy.Switches[i]
		mode := s.d[w.Mode]
		switch {
		case !w.Floor && w.Guard == guard:
			mode = float64(truth(s.det.Side[guard] > 0))
		case w.Floor && w.Guard == guard:
			mode--
		case w.Floor && w.Upper == guard:
			mode++
		default:
			continue
		}
		if guard != first {
			s.zeroStep(guard)
		}
		s.turn(i, mode)
		turned = true
	}
	return turned
}

// turn sets the mode of switch i and records it.
func (s *Integrator) turn(i int, mode float64) {
	s.record(entry{kind: switchEntry, t: s.t, ref: i, state: s.tape.keep(s.y, s.d)})
	s.d[s.hy.Switches[i].Mode] = mode
	s.out.Stats.Turns++
	if s.hy.Switches[i].Floor {
		// Both guards moved with the mode; the argument stands on one edge
		// of its new cell, inside it.
		w := &s.hy.Switches[i]
		s.det.Side[w.Guard], s.det.Side[w.Upper] = 1, -1
	}
}

// resetSwitches brings the modes in line with the sides after a jump of the
// state.
func (s *Integrator) resetSwitches() {
	for i := range s.hy.Switches {
		w := &s.hy.Switches[i]
		mode := s.d[w.Mode]
		if !w.Floor {
			mode = float64(truth(s.det.Side[w.Guard] > 0))
		} else if s.det.Side[w.Guard] < 0 || s.det.Side[w.Upper] > 0 {
			was := s.d[w.Mode]
			s.setFloors()
			mode, s.d[w.Mode] = s.d[w.Mode], was
		}
		if mode != s.d[w.Mode] {
			s.turn(i, mode)
		}
	}
}
