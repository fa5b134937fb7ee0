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
	exited   []bool      // those whose surface the solution left at this instant
	inBranch guardValues // the guards in another branch
	above    []float64   // room: guards in the upper branch
	room     []float64   // for the discrete state
	floors   []float64   // the arguments of the floor switches
}

func newSwitches(s *sides, rests *rests) *switches {
	w := &switches{
		sides: s, rests: rests, exited: make([]bool, len(s.hy.Switches)),
		inBranch: newGuardValues(s.size.Guards), above: make([]float64, s.size.Guards),
	}
	for i := range s.hy.Switches {
		if s.hy.Switches[i].Floor {
			w.floors = append(w.floors, 0)
		}
	}
	w.together = &surfaces{switches: w, busy: make([]bool, len(s.hy.Switches))}
	return w
}

// mostSlides is along how many surfaces at once the solution may slide.
func (s *guards) mostSlides() int { return s.size.Exits / 2 }

// branch is where the guard of a switch goes in one of its branches: up, down or
// nowhere; known unless the field cannot be evaluated there. first says that the
// first rate tells.
type branch struct {
	goes         int8
	known, first bool
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
	if s.landed[w.Guard] {
		at = s.there.coarse
	}
	within, g := at.rate[w.Guard], math.Max(at.g[w.Guard], s.here.fine.g[w.Guard])
	if math.IsNaN(r) || math.IsInf(r, 0) {
		return branch{}
	}
	if math.IsNaN(a) {
		a = 0
	}
	return branch{goes: direction(r, a, g, within), known: true, first: math.Abs(r) > within}
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

// tryGuards evaluates the guards with other modes than those of the run.
func (s *switches) tryGuards() {
	s.model.Guards(s.t, s.y, s.d, s.held, s.inBranch.g, s.inBranch.rate, s.inBranch.accel)
}

// leaveSlid leaves the surfaces but that of switch i that the solution slides along
// and that do not hold it any more, since the fields on both sides go the same way:
// the motion along them has no value then. It reports whether there are any.
func (s *switches) leaveSlid(i int) (some bool) {
	for j := range s.hy.Switches {
		w := &s.hy.Switches[j]
		mode := s.d[w.Modes[0]]
		if j == i || !Slides(mode) {
			continue
		}
		below := math.Floor(mode)
		s.setModes(j, below+1)
		s.tryGuards()
		up := s.inBranch.rate[w.Guard]
		s.setModes(j, below)
		s.tryGuards()
		switch down := s.inBranch.rate[w.Guard]; {
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
func (s *switches) decide(i int) (mode float64, side int8, fail *Failure) {
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
	if up.goes < 0 || down.goes > 0 { // one field leads onto the surface, the other along it
		s.landed[w.Guard] = true
	}
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
			if s.together.busy[i] {
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
	if slid || s.onSurface(w.Guard) {
		if mode, side, fail = s.decide(i); fail != nil {
			return false, fail
		}
		switch {
		case mode == OnSurface && w.Trigger > 0:
			return false, s.firesOnSurface(i)
		case mode == OnSurface && w.Implicit:
			return false, s.stuckOn("the solution slides along the surface of a jump in an equation `0 = …` that is not linear in its unknowns, which leaves open what they are there", i)
		}
		if mode == OnSurface && !slid && len(s.sliding(s.d)) == s.mostSlides() {
			return false, s.stuckOn(tooManySurfaces, append(s.sliding(s.d), i)...)
		}
	}
	if mode == OnSurface && !slid && !s.crossed[w.Guard] {
		// It was put there: a state beside the surface would be led onto it by
		// the field of its side, and by either in the same direction.
		s.turn(i, 1)
		s.zeroStep(w.Guard)
	}
	if !s.rests.parked(w.Guard) {
		s.setSide(w.Guard, side, edgeIf(s.crossed[w.Guard] == (at == crossing)))
	}
	if turned = s.turn(i, mode); turned {
		s.evalGuards() // those of inner discontinuities may be others now
	}
	if at == settling && s.onSurface(w.Guard) && s.det.Watch[w.Guard] {
		s.depart(w.Guard)
	}
	return turned, nil
}

// sameSurface refuses to slide along a surface that another switch has too, written
// in other words: its terms would stay in one branch. Surfaces are the same where the
// gradients of their guards, as far as sizes tell, are parallel.
func (s *switches) sameSurface() *Failure {
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
func (s *switches) readsSlid(slid int) int {
	w := &s.hy.Switches[slid]
	was, still := s.d[w.Modes[0]], s.reach[:len(s.y)]
	clear(still)
	s.setModes(slid, math.Floor(was)+1)
	s.model.GuardsAlong(s.t, s.y, s.d, still, s.above, s.inBranch.rate)
	s.setModes(slid, math.Floor(was))
	s.model.GuardsAlong(s.t, s.y, s.d, still, s.inBranch.g, s.inBranch.rate)
	s.setModes(slid, was)
	for k := range s.hy.Switches {
		g := s.hy.Switches[k].Guard
		if k != slid && !s.hy.Switches[k].Floor && (s.inBranch.g[g] > 0) != (s.above[g] > 0) {
			return k
		}
	}
	return -1
}

// parallel reports whether the derivatives of two guards by states and time are so, in
// the scales of these.
func (s *switches) parallel(a, b int) bool {
	n := len(s.y)
	along := func(i int) (da, db float64) {
		s.moves(func(k int) float64 { return float64(truth(k == i)) })
		return s.there.fine.g[a], s.there.fine.g[b]
	}
	// If they are, so they are in sums over all of them, whatever the weights.
	s.moves(func(int) float64 { return 1 })
	a0, b0 := s.there.fine.g[a], s.there.fine.g[b]
	s.moves(func(k int) float64 { return math.Mod(float64(k+1)*math.Phi, 1) })
	if a1, b1 := s.there.fine.g[a], s.there.fine.g[b]; math.Abs(a0*b1-a1*b0) > 1e-6*(a0*b1+a1*b0) {
		return false
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

// moves sets, there, by how much the guards move with the states, and the time behind them, in
// their scales times weights.
func (s *switches) moves(weight func(k int) float64) {
	clear(s.reach)
	n := len(s.y)
	for k := range n {
		s.reach[k] = weight(k) * (math.Abs(s.y[k]) + s.opt.atol(k)/s.opt.RTol)
	}
	rt := weight(n) * math.Max(math.Abs(s.t), s.span.T1-s.span.T0)
	s.model.Spread(s.t, s.y, s.d, s.reach, rt, s.there.g, s.there.rate)
}

// resolveFloor finds the mode of a floor whose argument is on a whole number, by
// where the motion leads with it and with the one below, and reports whether that
// is another.
func (s *switches) resolveFloor(i int) (turned bool, fail *Failure) {
	w := &s.hy.Switches[i]
	if s.exited[i] {
		return false, nil
	}
	for _, g := range [...]int{w.Guard, w.Upper} {
		if s.disarmed[g] {
			if math.Abs(s.g[g]) <= s.band[g] {
				return false, nil
			}
			s.arm(g)
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
			return false, s.firesOnSurface(i)
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

// tooManySurfaces is said where there are no programs for the motion.
const tooManySurfaces = "the solution would slide along more than two surfaces at once, where the jumps at them do not add up or are too many"

// meet lets the solution slide along the intersection of surfaces, where each
// by itself leads nowhere: fields that turn about it.
func (s *switches) meet() *Failure {
	var list []int
	for i := range s.hy.Switches {
		if w := &s.hy.Switches[i]; !w.Floor && !w.Corner && math.Abs(s.g[w.Guard]) <= math.Max(s.noise(w.Guard), s.here.coarse.g[w.Guard]) {
			list = append(list, i)
		}
	}
	const what = "the solution neither leaves these surfaces nor can it slide along them"
	if len(list) < 2 || len(list) > s.mostSlides() {
		return s.stuckOn(what, list...)
	}
	for _, i := range list {
		if s.hy.Switches[i].Trigger > 0 {
			return s.firesOnSurface(i)
		}
		s.turn(i, OnSurface)
		s.setSide(s.hy.Switches[i].Guard, 0, noEdge)
	}
	if out, fail := s.outOfHull(); out || fail != nil {
		return s.stuckOn(what, list...)
	}
	s.watchExits()
	return nil
}

// firesOnSurface is the failure of sliding along the surface of a switch whose mode decides
// when an event fires.
func (s *switches) firesOnSurface(i int) *Failure {
	f := s.stuckOn("the solution slides along a surface, and a condition or priority of an event reads what jumps there; let it compare states", i)
	f.Event = s.hy.Switches[i].Trigger - 1
	return f
}

// hullTol is by how much a part of a sliding motion may leave [0, 1].
const hullTol = 1e-9

// outOfHull leaves a surface on which the part of the upper field is not
// between 0 and 1 any more.
func (s *switches) outOfHull() (out bool, fail *Failure) {
	list := s.sliding(s.d)
	if len(list) == 0 {
		return false, nil
	}
	s.evalGuards()
	exits := s.g[s.firstExit():]
	for k, i := range list {
		w := &s.hy.Switches[i]
		switch a := exits[2*k]; {
		case math.IsNaN(a):
			return false, s.stuckOn("the fields around a surface leave open how the solution slides along it", list...)
		case a < -hullTol:
			s.exit(i, lowerBranch)
			return true, nil
		case a > 1+hullTol:
			s.exit(i, upperBranch)
			return true, nil
		case !w.Floor:
			s.det.Side[w.Guard] = 0
		}
	}
	return false, nil
}

// exitBranch is the branch in which a solution goes on that has slid, in the order of
// the exits.
type exitBranch int

const (
	lowerBranch exitBranch = iota
	upperBranch
)

// exit lets the solution go on in the upper or the lower branch of a switch that it
// slid on. The guard has drifted by what the steps were off, maybe to the other side.
func (s *switches) exit(i int, to exitBranch) {
	w := &s.hy.Switches[i]
	g, mode := w.Guard, math.Floor(s.d[w.Modes[0]])
	side := int8(-1)
	switch {
	case to == upperBranch:
		side = 1
		mode++
	case w.Floor:
		g = w.Upper
	}
	s.exited[i] = true
	s.turn(i, mode)
	s.evalGuards()
	s.setSide(g, side, withEdge)
	s.awaitDeparture(g)
	s.band[g] = math.Max(s.band[g], 4*math.Abs(s.g[g]))
}

// watchExits watches the ends of the motions along surfaces.
func (s *switches) watchExits() {
	if s.size.Exits == 0 {
		return
	}
	n := len(s.sliding(s.d))
	first := s.firstExit()
	for k := range s.size.Exits {
		s.arm(first + k)
		s.det.Watch[first+k], s.det.Side[first+k] = k < 2*n, 1
		if k < 2*n && math.Abs(s.g[first+k]) <= edgeTol { // it begins at its end
			s.disarm(first + k)
			s.band[first+k] = 2 * edgeTol
		}
	}
}

// setFloors sets the modes of the floor switches from their arguments.
func (s *switches) setFloors() {
	n, v := 0, s.floorArgs()
	for i := range s.hy.Switches {
		if w := &s.hy.Switches[i]; w.Floor {
			s.d[w.Modes[0]] = math.Floor(v[n])
			n++
		}
	}
}

// floorArgs are the arguments of the floor switches.
func (s *switches) floorArgs() []float64 {
	if len(s.floors) > 0 {
		s.model.Floors(s.t, s.y, s.d, s.floors)
	}
	return s.floors
}

// leaveEdges ends the motions along edges of floors that a jump has taken the state
// away from.
func (s *switches) leaveEdges() {
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

// cross turns the switches of the guards that cross at this instant. first is the
// guard whose root the last step ended on.
func (s *switches) cross(first int) *Failure {
	some := false
	if exits := s.firstExit(); first >= exits {
		k := first - exits
		s.exit(s.sliding(s.d)[k/2], exitBranch(k%2))
		some = true
	}
	for g, c := range s.crossed {
		if !c || s.switchOf[g] < 0 {
			continue
		}
		some = true
		if g != first && !s.still(g) { // what only touches has no time of its own
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
	if fail := s.resolve(crossing); fail != nil {
		return fail
	}
	s.evalGuards()
	return s.finiteGuards()
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
