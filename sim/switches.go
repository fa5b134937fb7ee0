package sim

import (
	"math"
	"slices"

	"github.com/pinode/pinode/events"
	"github.com/pinode/pinode/jumps"
)

// switches find the branches of the right-hand side at its located discontinuities.
// The mode of a switch is 1 above the surface of its guard, 0 below, or OnSurface
// where the fields on both sides push onto the surface and the solution slides along
// it.
type switches struct {
	*sides
	rests    *rests
	together *surfaces
	waits    []bool      // those that cross at this instant too, and are not resolved yet
	exited   []bool      // those whose surface the solution left at this instant
	inBranch guardValues // the guards in another branch
	vanishes vanishing
	above    []float64 // room: guards in the upper branch
	room     []float64 // for the discrete state
	floors   []float64 // the arguments of the floor switches
	field    []float64 // room: the right-hand side in another branch
}

func newSwitches(s *sides, rests *rests) *switches {
	w := &switches{
		sides: s, rests: rests, exited: make([]bool, len(s.hy.Switches)), waits: make([]bool, len(s.hy.Switches)),
		vanishes: vanishing{guard: -1},
		inBranch: newGuardValues(s.size.Guards), above: make([]float64, s.size.Guards), field: make([]float64, s.size.Y),
	}
	for i := range s.hy.Switches {
		if s.hy.Switches[i].Floor {
			w.floors = append(w.floors, 0)
		}
	}
	w.together = &surfaces{switches: w, busy: make([]bool, len(s.hy.Switches))}
	return w
}

// branch is where the guard of a switch goes in one of its branches: up, down or
// nowhere; known unless the field cannot be evaluated there. first says that the
// first rate tells.
type branch struct {
	goes         int8
	known, first bool
	rate         float64
}

// branch looks at the guard of switch i, which is on its surface, in a mode.
func (s *switches) branch(i int, mode float64) branch {
	w := &s.hy.Switches[i]
	was := append(s.room[:0], s.d...)
	s.room = was
	s.setModes(i, mode)
	kept := s.unknownsThere(w)
	s.tryGuards()
	if !finite(s.inBranch.rate[w.Guard:w.Guard+1]) && s.leaveSlid(i) {
		s.tryGuards()
	}
	s.spread(s.there, s.y)
	copy(s.y, kept)
	copy(s.d, was)
	r, a := s.inBranch.rate[w.Guard], s.inBranch.accel[w.Guard]
	at := s.there.fine
	if s.lately[w.Guard].landed {
		at = s.there.coarse
	}
	within, g := at.rate[w.Guard], math.Max(at.g[w.Guard], s.here.fine.g[w.Guard])
	if math.IsNaN(r) || math.IsInf(r, 0) {
		return branch{}
	}
	if math.IsNaN(a) {
		a = 0
	}
	return branch{goes: direction(r, a, g, within), known: true, first: math.Abs(r) > within, rate: r}
}

// unknownsThere finds the algebraic unknowns that the modes of a switch go with, if it is implicit, and
// returns the state that there was.
func (s *switches) unknownsThere(w *events.Switch) (kept []float64) {
	if !w.Implicit {
		return nil
	}
	kept = slices.Clone(s.y)
	targets := s.hy.Events[s.hy.Balance-1].Targets
	if full := s.solve(targets, anew); full != nil {
		jumps.Assign(s.y, s.d, targets, nil, full)
	}
	return kept
}

// valued reports whether the field has a value in a mode of switch i, at a time and state.
func (s *switches) valued(i int, mode, t float64, y []float64) bool {
	was := append(s.room[:0], s.d...)
	s.room = was
	s.setModes(i, mode)
	s.rhs(t, y, s.field)
	copy(s.d, was)
	return finite(s.field)
}

// tryGuards evaluates the guards with other modes than those of the run.
func (s *switches) tryGuards() {
	s.model.Guards(s.t, s.y, s.d, s.held, s.inBranch.g, s.inBranch.rate, s.inBranch.accel)
}

// decide is the mode of switch i, whose guard is on its surface, and the side of
// that guard, by where the guard goes in both branches.
func (s *switches) decide(i int) (mode float64, side int8, fail *Failure) {
	w := &s.hy.Switches[i]
	up, down := s.branch(i, 1), s.branch(i, 0)
	switch {
	case w.Root && (!up.known || !down.known):
		mode, side = s.atRoot(i, up, down)
		return mode, side, nil
	case !up.known && !down.known:
		return 0, 0, s.blame(s.fail(Unstable, 0, "the field is not a number on a surface where it changes"), w.Guard)
	case !up.known && down.goes <= 0:
		return 0, down.goes, nil
	case !down.known && up.goes >= 0:
		return 1, up.goes, nil
	case !up.known || !down.known:
		return 0, 0, s.blame(s.fail(Unstable, 0, "the field is not a number behind a surface that the motion leads through"), w.Guard)
	case up.goes > 0 && down.goes > 0:
		return 1, 1, nil
	case up.goes < 0 && down.goes < 0:
		return 0, -1, nil
	case up.goes < 0 && down.goes > 0:
		if w.Corner && s.hardlyMoves(w.Guard, up, down) { // but for round-off the field is the same on the surface: it rests until it clearly leaves
			return atEquality, 0, nil
		}
		if w.Corner || !up.first && !down.first {
			return 0, 0, s.stuckOn("the second derivatives on both sides push onto a surface", i)
		}
		return OnSurface, 0, nil
	}
	// It may rest, or go either way: what the terms say of equality comes first.
	at := s.branch(i, atEquality)
	if up.goes < 0 || down.goes > 0 { // one field leads onto the surface, the other along it
		s.lately[w.Guard].landed = true
	}
	switch {
	case at.known && at.goes == 0:
		return atEquality, 0, nil
	case at.goes > 0 && up.goes > 0:
		return 1, 1, nil
	case at.goes < 0 && down.goes < 0:
		return 0, -1, nil
	case up.goes == 0 && !(down.goes == 0 && s.lately[w.Guard].landed && s.g[w.Guard] < 0): // by the tolerances it may be below
		return 1, 0, nil
	case down.goes == 0:
		return 0, 0, nil
	case up.goes > 0:
		return 1, 1, nil
	}
	return 0, -1, nil
}

// hardlyMoves reports whether a guard would come no farther in the whole run, in either branch, than a root of what the
// tolerances let it be off by: what a root makes of an error near its edge.
func (s *switches) hardlyMoves(guard int, up, down branch) bool {
	return math.Max(math.Abs(up.rate), math.Abs(down.rate))*(s.span.T1-s.span.T0)*math.Sqrt(s.opt.RTol) <= slowly*s.here.coarse.g[guard]
}

// slowly is how many times as far.
const slowly = 100

// atRoot is the mode of a switch on whose surface a root ends, and the side of its guard: it rests there, or
// goes on where the field leads it, also where that has no value, which the run is stopped for then.
func (s *switches) atRoot(i int, up, down branch) (mode float64, side int8) {
	at := s.branch(i, atEquality)
	goes := at.goes
	switch {
	case at.known && at.goes == 0:
		return atEquality, 0
	case up.known:
		goes = up.goes
	case down.known:
		goes = down.goes
	}
	return float64(truth(goes > 0)), goes
}

// phase is the part of an instant in which switches are resolved.
type phase uint8

const (
	crossing phase = iota // guards are taken over their surfaces: those that cross have an edge
	settling              // the instant ends: the others have
)

// resolve finds the modes of the switches at the current state, and the sides of
// their guards: of a guard on its surface by where both branches lead.
func (s *switches) resolve(at phase) *Failure {
	if len(s.hy.Switches) == 0 {
		return nil
	}
	for range 4*len(s.hy.Switches) + 8 {
		changed := s.together.decideAll(at)
		for i := range s.hy.Switches {
			if s.together.busy[i] || s.waits[i] {
				continue
			}
			turned, fail := s.resolveOne(i, at)
			if fail != nil {
				return fail
			}
			changed = changed || turned
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

// resolveOne finds the mode of switch i, and reports whether it is another.
func (s *switches) resolveOne(i int, at phase) (turned bool, fail *Failure) {
	w := &s.hy.Switches[i]
	if w.Floor {
		return s.resolveFloor(i)
	}
	if s.exited[i] || s.disarmed[w.Guard] && math.Abs(s.g[w.Guard]) <= s.band[w.Guard] {
		return false, nil
	}
	if s.disarmed[w.Guard] {
		s.arm(w.Guard)
	}
	slid := s.slidesOn(w.Guard)
	if slid && len(s.sliding(s.d)) > 1 {
		return false, nil // one surface does not say whether the other holds: see outOfHull
	}
	mode, side := float64(truth(s.g[w.Guard] > 0)), sign(s.g[w.Guard])
	if slid || s.onSurface(w.Guard) || s.stillThere(w.Guard) {
		if mode, side, fail = s.decide(i); fail != nil {
			return false, fail
		}
		switch {
		case mode == OnSurface && !slid && !s.onSurface(w.Guard):
			return false, nil // it is near enough to rest there, not to slide
		case mode == OnSurface && w.Trigger > 0:
			return false, s.firesOnSurface(i)
		case mode == OnSurface && w.Implicit:
			return false, s.stuckOn("the solution slides along the surface of a jump in an equation `0 = …` that is not linear in its unknowns, which leaves open what they are there", i)
		}
		if mode == OnSurface && !slid && len(s.sliding(s.d)) == s.mostSlides() {
			return false, s.stuckOn(tooManySurfaces, append(s.sliding(s.d), i)...)
		}
	}
	if mode == OnSurface && !slid && !s.lately[w.Guard].crossed {
		// It was put there: a state beside the surface would be led onto it by
		// the field of its side, and by either in the same direction.
		s.turn(i, 1)
		s.zeroStep(w.Guard)
	}
	if !s.rests.parked(w.Guard) {
		s.setSide(w.Guard, side, edgeIf(s.lately[w.Guard].crossed == (at == crossing)))
	}
	if turned = s.turn(i, mode); turned {
		s.evalGuards() // those of inner discontinuities may be others now
	}
	if at == settling && s.onSurface(w.Guard) && s.det.Watch[w.Guard] {
		s.depart(w.Guard)
	}
	return turned, nil
}

// stillThere reports whether a guard that came to rest on its surface is no farther from it than it may be.
func (s *switches) stillThere(guard int) bool {
	return s.det.Side[guard] == 0 && math.Abs(s.g[guard]) <= s.band[guard]
}

// cross turns the switches of the guards that cross at this instant. first is the
// guard whose root the last step ended on.
func (s *switches) cross(first int) *Failure {
	some := false
	if exits := s.firstExit(); first >= exits {
		k := first - exits
		s.exit(s.sliding(s.d)[k/2], exitBranch(k%2))
		some = true
	}
	across := crossingOf(s, first)
	for n, g := range across {
		some = true
		if g != first {
			if s.still(g) { // what only touches has no time of its own
				continue
			}
			s.zeroStep(g)
		}
		if n == len(across)-1 || !goesAcross(s, g) && !independent(s, g, across[n+1:]) {
			continue
		}
		for _, later := range across[n+1:] {
			s.waits[s.switchOf[later]] = s.switchOf[later] != s.switchOf[g]
		}
		s.evalGuards()
		fail := s.resolve(crossing)
		clear(s.waits)
		if fail != nil {
			return fail
		}
		s.evalGuards()
	}
	if !some {
		return nil
	}
	s.evalGuards()
	if fail := s.finiteGuards(); fail != nil {
		return fail
	}
	if fail := s.resolve(crossing); fail != nil {
		return fail
	}
	s.evalGuards()
	return s.finiteGuards()
}

// crossingOf lists the guards of switches that cross at this instant, that whose root the last step ended on before the others.
func crossingOf(s *switches, first int) (list []int) {
	if first >= 0 && s.lately[first].crossed && s.switchOf[first] >= 0 {
		list = append(list, first)
	}
	for g := range s.lately {
		if s.lately[g].crossed && s.switchOf[g] >= 0 && g != first {
			list = append(list, g)
		}
	}
	return list
}

// goesAcross reports whether a guard goes across its surface in both of its branches, as the others are: its switch then turns at its
// own time, with what follows from that, before the next does; all are looked at once more behind the last. Several that cross at one instant may have times that move by different parameters.
func goesAcross(s *switches, guard int) bool {
	i := s.switchOf[guard]
	w := &s.hy.Switches[i]
	if w.Corner || w.Root || w.Implicit || s.det.Side[guard] == 0 || s.rests.parked(guard) || s.disarmed[guard] {
		return false
	}
	across, above := -s.det.Side[guard], 1.
	if w.Floor {
		across, above = sign(s.rate[guard]), math.Round(s.g[w.Guard]+s.d[w.Modes[0]])
	}
	up, down := s.branch(i, above), s.branch(i, above-1)
	return up.known && down.known && up.goes == across && down.goes == across
}

// independent reports whether where a guard goes, in either branch of its switch, does not depend on the modes of those that cross
// with it: of two bodies that stop at one instant, say.
func independent(s *switches, guard int, later []int) bool {
	i := s.switchOf[guard]
	if w := &s.hy.Switches[i]; w.Floor || w.Corner || w.Root || w.Implicit || s.rests.parked(guard) || s.disarmed[guard] {
		return false
	}
	up, down := s.branch(i, 1), s.branch(i, 0)
	was := slices.Clone(s.d)
	defer copy(s.d, was)
	for _, g := range later {
		j := s.switchOf[g]
		now, next := s.d[s.hy.Switches[j].Modes[0]], float64(truth(s.det.Side[g] < 0))
		if j == i || Slides(now) {
			return false
		}
		if s.hy.Switches[j].Floor {
			next = now + float64(sign(s.rate[g]))
		}
		s.setModes(j, next)
		if s.branch(i, 1) != up || s.branch(i, 0) != down {
			return false
		}
		copy(s.d, was)
	}
	return up.known && down.known
}

// followSides brings the modes in line with the sides after a jump of the state, and
// reports whether some were not. Those on their surface are left to resolve, at the
// end of the instant.
func (s *switches) followSides() (some bool) {
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
