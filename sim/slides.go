package sim

import (
	"math"
	"slices"
)

// Motions along surfaces: when they have a meaning, and how they end.

// mostSlides is along how many surfaces at once the solution may slide.
func (s *guards) mostSlides() int { return s.size.Exits / 2 }

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

// letGo ends the motions along surfaces that a jump has taken away, in the modes that leaveSlid finds,
// and reports whether there are any.
func (s *switches) letGo() (some bool) {
	was := slices.Clone(s.d)
	s.leaveSlid(-1)
	now := slices.Clone(s.d)
	copy(s.d, was)
	for _, i := range s.sliding(was) {
		at := s.hy.Switches[i].Modes[0]
		switch {
		case now[at] > was[at]:
			s.exit(i, upperBranch)
		case now[at] < was[at]:
			s.exit(i, lowerBranch)
		default:
			continue
		}
		some = true
	}
	return some
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

// restWhereSlow lets the guards rest that hardly move on either side of their surface, and reports whether there are
// any: the two fields are the same there but for what a root makes of round-off.
func (s *switches) restWhereSlow() (some bool) {
	for i := range s.hy.Switches {
		w := &s.hy.Switches[i]
		if w.Floor || w.Implicit || !(math.Abs(s.g[w.Guard]) <= s.here.coarse.g[w.Guard]) {
			continue
		}
		if up, down := s.branch(i, 1), s.branch(i, 0); up.known && down.known && s.hardlyMoves(w.Guard, up, down) {
			restOn(s, w.Guard, atEquality)
			some = true
		}
	}
	return some
}

// restOn lets the guard of a switch rest on its surface until it clearly leaves, in a mode.
func restOn(s *switches, guard int, mode float64) {
	s.lately[guard].landed = true
	s.setSide(guard, 0, noEdge)
	s.disarm(guard)
	s.turn(s.switchOf[guard], mode)
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
