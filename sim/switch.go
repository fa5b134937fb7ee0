package sim

import "math"

// Switches: located discontinuities of the right-hand side. The mode of one is 1
// above its guard's surface, 0 below, or OnSurface where the fields on both sides
// push onto it and the solution slides along it.

// OnSurface is the mode of a switch along whose surface the solution slides.
const OnSurface = 0.5

// maxSlides is along how many surfaces at once it can.
const maxSlides = 2

// isSign reports whether guard i is that of a switch between two branches.
func (s *Integrator) isSign(i int) bool {
	w := s.switchOf[i]
	return w >= 0 && !s.hy.Switches[w].Floor
}

// resolved reports whether resolve sets the side of guard i.
func (s *Integrator) resolved(i int) bool { return s.isSign(i) }

// isExit reports whether guard i says when sliding ends.
func (s *Integrator) isExit(i int) bool { return i >= s.size.Guards-s.size.Exits }

// slidesOn reports whether the solution slides along the surface of guard i.
func (s *Integrator) slidesOn(i int) bool {
	return s.isSign(i) && s.d[s.hy.Switches[s.switchOf[i]].Mode] == OnSurface
}

// sliding lists the switches along whose surfaces the solution slides at a
// discrete state.
func (s *Integrator) sliding(d []float64) (list []int) {
	if s.size.Exits == 0 {
		return nil
	}
	for i := range s.hy.Switches {
		if d[s.hy.Switches[i].Mode] == OnSurface {
			list = append(list, i)
		}
	}
	return list
}

// slides reports whether there are any.
func (s *Integrator) slides(d []float64) bool {
	if s.size.Exits == 0 {
		return false
	}
	for i := range s.hy.Switches {
		if d[s.hy.Switches[i].Mode] == OnSurface {
			return true
		}
	}
	return false
}

// branch is where the guard of a switch goes in one of its branches: up, down or
// nowhere; known unless the field cannot be evaluated there. first says that the
// first rate tells.
type branch struct {
	goes         int8
	known, first bool
}

// branch looks at the guard of switch i, which is on its surface, in a mode.
func (s *Integrator) branch(i int, mode float64) branch {
	w := &s.hy.Switches[i]
	was := s.d[w.Mode]
	s.d[w.Mode] = mode
	s.model.Guards(s.t, s.y, s.d, s.held, s.gTry, s.rateTry, s.accelTry)
	r, a := s.rateTry[w.Guard], s.accelTry[w.Guard]
	s.spread(s.trial, s.y)
	at := s.trial.fine
	if s.landed[w.Guard] {
		at = s.trial.coarse
	}
	within, g := at.rate[w.Guard], math.Max(at.g[w.Guard], s.near.fine.g[w.Guard])
	s.d[w.Mode] = was
	if math.IsNaN(r) || math.IsInf(r, 0) {
		return branch{}
	}
	if math.IsNaN(a) {
		a = 0
	}
	return branch{goes: direction(r, a, g, within), known: true, first: math.Abs(r) > within}
}

// decide is the mode of switch i, whose guard is on its surface, and the side of
// that guard, by where the guard goes in both branches.
func (s *Integrator) decide(i int) (mode float64, side int8, fail *Failure) {
	w := &s.hy.Switches[i]
	up, down := s.branch(i, 1), s.branch(i, 0)
	switch {
	case !up.known && !down.known:
		return 0, 0, s.blame(s.fail(Unstable, 0, "the field is not a number on a surface where it changes"), w.Guard)
	case !up.known:
		return 0, down.goes, nil
	case !down.known:
		return 1, up.goes, nil
	case up.goes > 0 && down.goes > 0:
		return 1, 1, nil
	case up.goes < 0 && down.goes < 0:
		return 0, -1, nil
	case up.goes < 0 && down.goes > 0:
		if !up.first && !down.first || w.Corner {
			return 0, 0, s.stuckOn("the second derivatives on both sides push onto a surface", i)
		}
		return OnSurface, 0, nil
	}
	// It may rest, or go either way.
	above, below := up.goes, down.goes
	switch {
	case above == 0 && (below > 0 || w.AtZero || below == 0 && s.d[w.Mode] == 1 && w.Corner):
		return 1, 0, nil
	case below == 0 && (above < 0 || !w.AtZero):
		return 0, 0, nil
	case w.AtZero:
		return 1, above, nil
	}
	return 0, below, nil
}

// stuckOn is the failure of a solution on surfaces that it neither leaves nor
// slides along.
func (s *Integrator) stuckOn(what string, switches ...int) *Failure {
	f := s.fail(Sliding, 0, "%s", what)
	f.Switch, f.Switches = switches[0], switches
	return f
}

// resolve finds the modes of the switches at the current state, and the sides of
// their guards: where one is on its surface by where both branches lead.
func (s *Integrator) resolve() *Failure {
	if !s.signs {
		return nil
	}
	n := len(s.hy.Switches)
	for range 4*n + 8 {
		changed := false
		for i := range s.hy.Switches {
			w := &s.hy.Switches[i]
			if w.Floor || s.exited[i] {
				continue
			}
			mode, side := s.d[w.Mode], s.det.Side[w.Guard]
			switch {
			case mode == OnSurface || s.onSurface(w.Guard):
				var fail *Failure
				if mode, side, fail = s.decide(i); fail != nil {
					return fail
				}
				if mode == OnSurface && s.d[w.Mode] != OnSurface && len(s.sliding(s.d)) == maxSlides {
					return s.stuckOn("the solution would slide along more than two surfaces at once", append(s.sliding(s.d), i)...)
				}
			case s.g[w.Guard] > 0:
				mode, side = 1, 1
			default:
				mode, side = 0, -1
			}
			s.setSide(w.Guard, side, false)
			if mode != s.d[w.Mode] {
				s.turn(i, mode)
				changed = true
			}
		}
		out, fail := s.outOfHull()
		if fail != nil {
			return fail
		}
		if !changed && !out {
			s.watchExits()
			return nil
		}
	}
	var list []int
	for i := range s.hy.Switches {
		if w := &s.hy.Switches[i]; !w.Floor && s.onSurface(w.Guard) {
			list = append(list, i)
		}
	}
	return s.stuckOn("the fields around surfaces that meet push onto them, and no combination of theirs stays", list...)
}

// hullTol is by how much a part of a sliding motion may leave [0, 1].
const hullTol = 1e-9

// outOfHull lets go of a surface on which the part of the upper field is not
// between 0 and 1 any more.
func (s *Integrator) outOfHull() (out bool, fail *Failure) {
	list := s.sliding(s.d)
	if len(list) == 0 {
		return false, nil
	}
	s.evalGuards()
	exits := s.g[s.size.Guards-s.size.Exits:]
	for k, i := range list {
		w := &s.hy.Switches[i]
		switch a := exits[2*k]; {
		case math.IsNaN(a):
			return false, s.stuckOn("the fields around a surface leave open how the solution slides along it", list...)
		case a < -hullTol:
			s.exit(i, 0)
			return true, nil
		case a > 1+hullTol:
			s.exit(i, 1)
			return true, nil
		default:
			s.det.Side[w.Guard] = 0
		}
	}
	return false, nil
}

// exit lets the solution go on in a branch of a switch that it slid on.
func (s *Integrator) exit(i int, mode float64) {
	w := &s.hy.Switches[i]
	s.exited[i] = true
	s.turn(i, mode)
	side := int8(1)
	if mode == 0 {
		side = -1
	}
	s.setSide(w.Guard, side, false)
}

// watchExits watches the ends of the motions along surfaces.
func (s *Integrator) watchExits() {
	if s.size.Exits == 0 {
		return
	}
	n := 0
	for i := range s.hy.Switches {
		if s.d[s.hy.Switches[i].Mode] == OnSurface {
			n++
		}
	}
	first := s.size.Guards - s.size.Exits
	for k := range s.size.Exits {
		s.det.Watch[first+k], s.det.Side[first+k] = k < 2*n, 1
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
// first is the guard whose root the last step ended on.
func (s *Integrator) crossSwitches(first int) *Failure {
	some := false
	var list []int
	if exits := s.size.Guards - s.size.Exits; first >= exits {
		list = s.sliding(s.d)
		k := first - exits
		s.exit(list[k/2], float64(k%2))
		some = true
	}
	for g, c := range s.crossed {
		if !c || s.switchOf[g] < 0 {
			continue
		}
		some = true
		if g != first {
			s.zeroStep(g)
		}
		if i := s.switchOf[g]; s.hy.Switches[i].Floor {
			mode := s.d[s.hy.Switches[i].Mode] - 1
			if g == s.hy.Switches[i].Upper {
				mode += 2
			}
			s.turn(i, mode)
		}
	}
	if !some {
		return nil
	}
	s.evalGuards()
	if fail := s.finiteGuards(); fail != nil {
		return fail
	}
	if fail := s.resolve(); fail != nil {
		return fail
	}
	s.evalGuards()
	return s.finiteGuards()
}

// turn sets the mode of switch i and records it.
func (s *Integrator) turn(i int, mode float64) {
	w := &s.hy.Switches[i]
	e := entry{kind: switchEntry, t: s.t, ref: i, state: s.tape.keep(s.y, s.d)}
	was := s.d[w.Mode]
	s.d[w.Mode] = mode
	s.out.Stats.Turns++
	if was == OnSurface || mode == OnSurface {
		s.logSlide(i, e.state, mode == OnSurface)
		e.more = len(s.out.Log)
	}
	s.record(e)
	if w.Floor {
		// Both guards moved with the mode; the argument stands on one edge
		// of its new cell, inside it.
		s.det.Side[w.Guard], s.det.Side[w.Upper] = 1, -1
	}
}

// logSlide puts the start or the end of a motion along a surface into the log.
func (s *Integrator) logSlide(i, before int, starts bool) {
	rec := Record{Event: -1, Switch: i, Kind: SlideEnd, T: s.t, K: s.micros, Rate: math.NaN(), Transversality: math.NaN()}
	if starts {
		rec.Kind = SlideStart
	}
	rec.YBefore, rec.DBefore = s.tape.at(before, s.size.Y, s.size.D)
	rec.YAfter, rec.DAfter = s.tape.at(s.tape.keep(s.y, s.d), s.size.Y, s.size.D)
	s.out.Log = append(s.out.Log, rec)
}

// resetSwitches brings the modes in line with the sides after a jump of the
// state. Those on their surface are left to resolve, at the end of the instant.
func (s *Integrator) resetSwitches() {
	for i := range s.hy.Switches {
		w := &s.hy.Switches[i]
		mode := s.d[w.Mode]
		if !w.Floor {
			if side := s.det.Side[w.Guard]; side != 0 {
				mode = float64(truth(side > 0))
			}
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
