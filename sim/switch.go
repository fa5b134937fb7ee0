package sim

import (
	"math"
	"slices"
)

// Switches: located discontinuities of the right-hand side. The mode of one is 1
// above its guard's surface, 0 below, or OnSurface where the fields on both sides
// push onto it and the solution slides along it.

// OnSurface is the mode of a switch along whose surface the solution slides; along
// the edge of a floor it is so much more than the mode below.
const OnSurface = 0.5

// Slides reports whether a mode is that of a motion along a surface.
func Slides(mode float64) bool { return mode != math.Floor(mode) }

// atEquality stands for the modes of a switch on whose surface the state rests: of
// each term what it says of equality.
const atEquality = 0.25

// maxSlides is along how many surfaces at once it can.
const maxSlides = 2

// isSign reports whether guard i is that of a switch between two branches.
func (s *Integrator) isSign(i int) bool {
	w := s.switchOf[i]
	return w >= 0 && !s.hy.Switches[w].Floor
}

// isExit reports whether guard i says when sliding ends.
func (s *Integrator) isExit(i int) bool { return i >= s.size.Guards-s.size.Exits }

// slidesOn reports whether the solution slides along the surface of guard i.
func (s *Integrator) slidesOn(i int) bool {
	return s.isSign(i) && Slides(s.d[s.hy.Switches[s.switchOf[i]].Modes[0]])
}

// sliding lists the switches along whose surfaces the solution slides at a
// discrete state.
func (s *Integrator) sliding(d []float64) (list []int) {
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

// slides reports whether there are any.
func (s *Integrator) slides(d []float64) bool {
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
func (s *Integrator) setModes(i int, mode float64) {
	w := &s.hy.Switches[i]
	for k, at := range w.Modes {
		if s.d[at] = mode; mode == atEquality {
			s.d[at] = w.AtZero[k]
		}
	}
}

// clearModes sets the elements of v that stand for the modes of switch i to zero.
func (s *Integrator) clearModes(v []float64, i int) {
	for _, at := range s.hy.Switches[i].Modes {
		v[at] = 0
	}
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
	was := append(s.modes[:0], s.d...)
	s.modes = was
	s.setModes(i, mode)
	s.tryGuards()
	if !finite(s.rateTry[w.Guard:w.Guard+1]) && s.leaveSlid(i) {
		s.tryGuards()
	}
	s.spread(s.trial, s.y)
	copy(s.d, was)
	r, a := s.rateTry[w.Guard], s.accelTry[w.Guard]
	at := s.trial.fine
	if s.landed[w.Guard] {
		at = s.trial.coarse
	}
	within, g := at.rate[w.Guard], math.Max(at.g[w.Guard], s.off.fine.g[w.Guard])
	if math.IsNaN(r) || math.IsInf(r, 0) {
		return branch{}
	}
	if math.IsNaN(a) {
		a = 0
	}
	return branch{goes: direction(r, a, g, within), known: true, first: math.Abs(r) > within}
}

func (s *Integrator) tryGuards() {
	s.model.Guards(s.t, s.y, s.d, s.held, s.gTry, s.rateTry, s.accelTry)
}

// leaveSlid leaves the surfaces but that of switch i that the solution slides along
// and that do not hold it any more, since the fields on both sides go the same way:
// the motion along them has no value then. It reports whether there are any.
func (s *Integrator) leaveSlid(i int) (some bool) {
	for j := range s.hy.Switches {
		w := &s.hy.Switches[j]
		mode := s.d[w.Modes[0]]
		if j == i || !Slides(mode) {
			continue
		}
		below := math.Floor(mode)
		s.setModes(j, below+1)
		s.tryGuards()
		up := s.rateTry[w.Guard]
		s.setModes(j, below)
		s.tryGuards()
		switch down := s.rateTry[w.Guard]; {
		case up > 0 && down > 0:
			s.setModes(j, below+1)
		case !(up < 0 && down < 0):
			s.setModes(j, mode)
			continue
		}
		some = true
	}
	return some
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
	// It may rest, or go either way: what the terms say of equality comes first.
	at := s.branch(i, atEquality)
	switch {
	case at.known && at.goes == 0:
		return atEquality, 0, nil
	case at.goes > 0 && up.goes > 0:
		return 1, 1, nil
	case at.goes < 0 && down.goes < 0:
		return 0, -1, nil
	case up.goes == 0:
		return 1, 0, nil
	case down.goes == 0:
		return 0, 0, nil
	case up.goes > 0:
		return 1, 1, nil
	}
	return 0, -1, nil
}

// stuckOn is the failure of a solution on surfaces that it neither leaves nor
// slides along.
func (s *Integrator) stuckOn(what string, switches ...int) *Failure {
	f := s.fail(Sliding, 0, "%s", what)
	f.Switches = switches
	return f
}

// resolve finds the modes of the switches at the current state, and the sides of
// their guards: where one is on its surface by where both branches lead. crossing
// says that guards are being taken over their surfaces, so that those that cross
// have an edge; else the others have.
func (s *Integrator) resolve(crossing bool) *Failure {
	if !s.signs {
		return nil
	}
	n := len(s.hy.Switches)
	for range 4*n + 8 {
		changed := false
		for i := range s.hy.Switches {
			w := &s.hy.Switches[i]
			if w.Floor {
				turned, fail := s.resolveFloor(i)
				if fail != nil {
					return fail
				}
				changed = changed || turned
				continue
			}
			if s.exited[i] || s.disarmed[w.Guard] && math.Abs(s.g[w.Guard]) <= s.band[w.Guard] {
				continue
			}
			if s.disarmed[w.Guard] {
				s.disarm(w.Guard, false)
			}
			slid := s.slidesOn(w.Guard)
			if slid && len(s.sliding(s.d)) == maxSlides {
				continue // neither surface says by itself whether the other holds: see outOfHull
			}
			mode, side := float64(truth(s.g[w.Guard] > 0)), sign(s.g[w.Guard])
			if slid || s.onSurface(w.Guard) {
				var fail *Failure
				if mode, side, fail = s.decide(i); fail != nil {
					return fail
				}
				if mode == OnSurface && w.Trigger > 0 {
					return s.untold(i)
				}
				if mode == OnSurface && !slid && len(s.sliding(s.d)) == maxSlides {
					return s.stuckOn("the solution would slide along more than two surfaces at once", append(s.sliding(s.d), i)...)
				}
			}
			if mode == OnSurface && !slid && !s.crossed[w.Guard] {
				// It was put there: a state beside the surface would be led onto it by
				// the field of its side, and by either in the same direction.
				s.turn(i, 1)
				s.zeroStep(w.Guard)
			}
			if !s.parked(w.Guard) {
				s.setSide(w.Guard, side, s.crossed[w.Guard] == crossing)
			}
			if s.turn(i, mode) {
				changed = true
				s.evalGuards() // those of inner discontinuities may be others now
			}
			if !crossing && s.onSurface(w.Guard) && s.det.Watch[w.Guard] {
				s.depart(w.Guard)
			}
		}
		out, fail := s.outOfHull()
		if fail != nil {
			return fail
		}
		if !changed && !out {
			s.watchExits()
			return s.sameSurface()
		}
	}
	return s.meet()
}

// sameSurface refuses to slide along a surface that another switch has too, written
// in other words: its terms would stay in one branch. Surfaces are the same where the
// gradients of their guards, as far as sizes tell, are parallel.
func (s *Integrator) sameSurface() *Failure {
	list := s.sliding(s.d)
	if len(list) == 0 {
		return nil
	}
	for _, i := range list {
		if k := s.readsSlid(i); k >= 0 {
			return s.stuckOn("a condition of the equations reads a term that jumps on the surface which the solution slides along, so that neither of its branches is right", i, k)
		}
	}
	for k := range s.hy.Switches {
		w := &s.hy.Switches[k]
		on := s.onSurface(w.Guard) || w.Floor && s.onSurface(w.Upper)
		if w.Corner || slices.Contains(list, k) || !on {
			continue
		}
		for _, i := range list {
			if s.parallel(w.Guard, s.hy.Switches[i].Guard) {
				return s.stuckOn("two terms change on the same surface, written in different words: write them alike, so that both are known to slide along it", i, k)
			}
		}
	}
	return nil
}

// readsSlid is a switch whose guard is above its surface with the upper branch of a
// switch that the solution slides on, and below with the lower, or the other way
// round: neither of its branches is right then. −1 for none.
func (s *Integrator) readsSlid(slid int) int {
	w := &s.hy.Switches[slid]
	was := s.d[w.Modes[0]]
	s.setModes(slid, math.Floor(was)+1)
	s.model.Guards(s.t, s.y, s.d, s.held, s.gTry, s.rateTry, nil)
	copy(s.accelTry, s.gTry)
	s.setModes(slid, math.Floor(was))
	s.model.Guards(s.t, s.y, s.d, s.held, s.gTry, s.rateTry, nil)
	s.setModes(slid, was)
	for k := range s.hy.Switches {
		g := s.hy.Switches[k].Guard
		if k != slid && !s.hy.Switches[k].Floor && (s.gTry[g] > 0) != (s.accelTry[g] > 0) {
			return k
		}
	}
	return -1
}

// parallel reports whether the derivatives of two guards by states and time are so, in
// the scales of these.
func (s *Integrator) parallel(a, b int) bool {
	n := len(s.y)
	along := func(i int) (da, db float64) {
		clear(s.reach)
		rt := 0.
		if i < n {
			s.reach[i] = math.Abs(s.y[i]) + s.opt.ATol/s.opt.RTol
		} else {
			rt = math.Max(math.Abs(s.t), s.span.T1-s.span.T0)
		}
		s.model.Spread(s.t, s.y, s.d, s.reach, rt, s.trial.g, s.trial.rate)
		return s.trial.fine.g[a], s.trial.fine.g[b]
	}
	var most [2]float64
	for i := range n + 1 {
		da, db := along(i)
		most[0], most[1] = math.Max(most[0], da), math.Max(most[1], db)
	}
	for i := range n + 1 {
		da, db := along(i)
		if !(math.Abs(da*most[1]-db*most[0]) <= 1e-6*most[0]*most[1]) {
			return false
		}
	}
	return most[0] > 0 && most[1] > 0
}

// resolveFloor finds the mode of a floor whose argument is on a whole number, by
// where the motion leads with it and with the one below, and reports whether that
// is another.
func (s *Integrator) resolveFloor(i int) (turned bool, fail *Failure) {
	w := &s.hy.Switches[i]
	if s.exited[i] {
		return false, nil
	}
	for _, g := range [...]int{w.Guard, w.Upper} {
		if s.disarmed[g] {
			if math.Abs(s.g[g]) <= s.band[g] {
				return false, nil
			}
			s.disarm(g, false)
		}
	}
	mode := s.d[w.Modes[0]]
	arg := s.g[w.Guard] + mode
	edge := math.Round(arg)
	off := math.Max(s.noise(w.Guard), s.noise(w.Upper)) + 4*epsilon*math.Max(1, math.Abs(mode))
	if !Slides(mode) && math.Abs(arg-edge) > off {
		if math.Floor(arg) == mode {
			return false, nil
		}
		turned = s.turn(i, math.Floor(arg))
		s.evalGuards()
		return turned, nil
	}
	up, down := s.branch(i, edge), s.branch(i, edge-1)
	next := edge
	switch {
	case !up.known && !down.known:
		return false, s.blame(s.fail(Unstable, 0, "the field is not a number on a surface where it changes"), w.Guard)
	case up.known && down.known && up.goes < 0 && down.goes > 0 && (up.first || down.first):
		if next = edge - 1 + OnSurface; w.Trigger > 0 {
			return false, s.untold(i)
		}
	case !up.known, down.known && up.goes < 0:
		next = edge - 1
	}
	if turned = s.turn(i, next); turned {
		s.evalGuards()
	}
	s.det.Side[w.Guard], s.det.Side[w.Upper] = 1, -1
	for _, g := range [...]int{w.Guard, w.Upper} {
		if !Slides(next) && math.Abs(s.g[g]) <= off {
			s.depart(g)
		}
	}
	return turned, nil
}

// meet lets the solution slide along the intersection of two surfaces, where each
// by itself leads nowhere: fields that turn about it.
func (s *Integrator) meet() *Failure {
	var list []int
	for i := range s.hy.Switches {
		if w := &s.hy.Switches[i]; !w.Floor && !w.Corner && math.Abs(s.g[w.Guard]) <= math.Max(s.noise(w.Guard), s.off.coarse.g[w.Guard]) {
			list = append(list, i)
		}
	}
	const what = "the solution neither leaves these surfaces nor can it slide along them"
	if len(list) != maxSlides {
		return s.stuckOn(what, list...)
	}
	for _, i := range list {
		if s.hy.Switches[i].Trigger > 0 {
			return s.untold(i)
		}
		s.turn(i, OnSurface)
		s.setSide(s.hy.Switches[i].Guard, 0, false)
	}
	if out, fail := s.outOfHull(); out || fail != nil {
		return s.stuckOn(what, list...)
	}
	s.watchExits()
	return nil
}

// untold is the failure of sliding along the surface of a switch whose mode decides
// when an event fires.
func (s *Integrator) untold(i int) *Failure {
	f := s.stuckOn("the solution slides along a surface, and a condition or priority of an event reads what jumps there; let it compare states", i)
	f.Event = s.hy.Switches[i].Trigger - 1
	return f
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
			s.exit(i, false)
			return true, nil
		case a > 1+hullTol:
			s.exit(i, true)
			return true, nil
		case !w.Floor:
			s.det.Side[w.Guard] = 0
		}
	}
	return false, nil
}

// exit lets the solution go on in the upper or the lower branch of a switch that it
// slid on. The guard has drifted by what the steps were off, maybe to the other side.
func (s *Integrator) exit(i int, up bool) {
	w := &s.hy.Switches[i]
	g, mode := w.Guard, math.Floor(s.d[w.Modes[0]])
	side := int8(-1)
	switch {
	case up:
		side = 1
		mode++
	case w.Floor:
		g = w.Upper
	}
	s.exited[i] = true
	s.turn(i, mode)
	s.evalGuards()
	s.setSide(g, side, true)
	s.band[g] = math.Max(4*math.Abs(s.g[g]), 8*s.off.fine.g[g])
	s.disarm(g, true)
}

// watchExits watches the ends of the motions along surfaces.
func (s *Integrator) watchExits() {
	if s.size.Exits == 0 {
		return
	}
	n := len(s.sliding(s.d))
	first := s.size.Guards - s.size.Exits
	for k := range s.size.Exits {
		s.det.Watch[first+k], s.det.Side[first+k] = k < 2*n, 1
	}
}

// setFloors sets the modes of the floor switches from their arguments.
func (s *Integrator) setFloors() {
	n, v := 0, s.floorArgs()
	for i := range s.hy.Switches {
		if w := &s.hy.Switches[i]; w.Floor {
			s.d[w.Modes[0]] = math.Floor(v[n])
			n++
		}
	}
}

// floorArgs are the arguments of the floor switches.
func (s *Integrator) floorArgs() []float64 {
	v := s.vals[:0]
	for i := range s.hy.Switches {
		if s.hy.Switches[i].Floor {
			v = append(v, 0)
		}
	}
	if len(v) > 0 {
		s.model.Floors(s.t, s.y, s.d, v)
	}
	return v
}

// onEdge reports whether the solution slides along the edge of the floor that guard i
// belongs to: neither of its guards is on its surface then.
func (s *Integrator) onEdge(i int) bool {
	w := s.switchOf[i]
	return w >= 0 && s.hy.Switches[w].Floor && Slides(s.d[s.hy.Switches[w].Modes[0]])
}

// leaveEdges ends the motions along edges of floors that a jump has taken the state
// away from.
func (s *Integrator) leaveEdges() {
	n := 0
	for i := range s.hy.Switches {
		w := &s.hy.Switches[i]
		if !w.Floor {
			continue
		}
		if n++; !s.onEdge(w.Guard) {
			continue
		}
		edge := math.Floor(s.d[w.Modes[0]]) + 1
		if v := s.floorArgs()[n-1]; math.Abs(v-edge) > hullTol*math.Max(1, math.Abs(edge)) {
			s.turn(i, math.Floor(v))
			s.evalGuards()
		}
	}
}

// crossSwitches turns the switches of the guards that cross at this instant.
// first is the guard whose root the last step ended on.
func (s *Integrator) crossSwitches(first int) *Failure {
	some := false
	if exits := s.size.Guards - s.size.Exits; first >= exits {
		k := first - exits
		s.exit(s.sliding(s.d)[k/2], k%2 == 1)
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
	}
	if !some {
		return nil
	}
	s.evalGuards()
	if fail := s.finiteGuards(); fail != nil {
		return fail
	}
	if fail := s.resolve(true); fail != nil {
		return fail
	}
	s.evalGuards()
	return s.finiteGuards()
}

// turn sets the modes of switch i, and reports whether they were others; if so it
// is recorded.
func (s *Integrator) turn(i int, mode float64) bool {
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
	if slides := Slides(s.d[w.Modes[0]]); slid || slides {
		s.logSlide(i, state, slides)
		e.more = len(s.out.Log)
	}
	s.record(e)
	if w.Floor {
		// Both guards moved with the mode; the argument stands on one edge
		// of its new cell, inside it.
		s.det.Side[w.Guard], s.det.Side[w.Upper] = 1, -1
	}
	return true
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
// state, and reports whether some were not. Those on their surface are left to
// resolve, at the end of the instant.
func (s *Integrator) resetSwitches() (some bool) {
	for i := range s.hy.Switches {
		w := &s.hy.Switches[i]
		switch side := s.det.Side[w.Guard]; {
		case !w.Floor && side != 0:
			some = s.turn(i, float64(truth(side > 0))) || some
		case w.Floor && (side < 0 || s.det.Side[w.Upper] > 0):
			was := s.d[w.Modes[0]]
			s.setFloors()
			mode := s.d[w.Modes[0]]
			s.d[w.Modes[0]] = was
			some = s.turn(i, mode) || some
		}
	}
	return some
}
