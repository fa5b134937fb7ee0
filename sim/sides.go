package sim

import (
	"math"

	"github.com/pinode/pinode/events"
)

// The sides of the guards. A guard is above or below its surface, or it rests on
// it: there its value, its rate and its second rate are zero up to round-off, or
// to the tolerances where the run itself took it there. What a condition is then
// is the truth of its comparison at equality, until the guard clearly leaves.

// roundOff is how many units in the last place a state or the time may be off.
const roundOff = 8 * epsilon

// epsilon is the distance from 1 to the next number.
const epsilon = 0x1p-52

// spreads are by how much guards and their rates may move, to first order, when
// states and time move a little.
type spreads struct{ g, rate []float64 }

func newSpreads(n int) spreads { return spreads{make([]float64, n), make([]float64, n)} }

func (s *Integrator) evalGuards() {
	s.model.Guards(s.t, s.y, s.d, s.held, s.g, s.rate, s.accel)
}

// setNoise finds what round-off may do to the guards at the current state.
func (s *Integrator) setNoise() {
	s.withinRoundOff(&s.noise)
	for i := range s.noise.g {
		s.noise.g[i] += 8 * s.residual[i]
	}
}

// withinRoundOff is what round-off of the current state may do.
func (s *Integrator) withinRoundOff(to *spreads) {
	for i, v := range s.y {
		s.reach[i] = roundOff * math.Abs(v)
	}
	s.spread(to, s.y)
}

// withinTolerance is what the tolerances allow at a state.
func (s *Integrator) withinTolerance(to *spreads, y []float64) {
	for i, v := range y {
		s.reach[i] = s.opt.ATol + s.opt.RTol*math.Abs(v)
	}
	s.spread(to, y)
}

func (s *Integrator) spread(to *spreads, y []float64) {
	n := s.size.Guards - s.size.Exits
	s.model.Spread(s.t, y, s.d, s.reach, roundOff*math.Abs(s.t), to.g[:n], to.rate[:n])
	for _, list := range [][]float64{to.g, to.rate} {
		for i, v := range list {
			if !(v < math.Inf(1)) { // where a derivative has a pole nothing is known
				list[i] = 0
			}
		}
	}
}

// direction is where a guard on its surface goes, by its rate or, where that is
// nothing beside within, its second rate; 0 where it rests.
func direction(rate, accel, g, within float64) int8 {
	switch {
	case math.Abs(rate) > within:
		return sign(rate)
	case math.Abs(accel)*g > within*within || g == 0 && within == 0 && accel != 0:
		return sign(accel)
	}
	return 0
}

// onSurface reports whether guard i is on its surface as far as numbers tell.
func (s *Integrator) onSurface(i int) bool { return math.Abs(s.g[i]) <= s.noise.g[i] }

// leaving is where guard i goes from its surface, 0 if it rests there.
func (s *Integrator) leaving(i int) int8 {
	if s.landed[i] {
		return 0
	}
	return direction(s.rate[i], s.accel[i], s.noise.g[i], s.noise.rate[i])
}

// lands reports whether a guard that the run has taken to its surface stays
// there, as far as the tolerances can tell: a fixed point on the surface, about
// which the computed solution wavers. h is the length of the step.
func (s *Integrator) lands(i int, h float64) bool {
	s.withinTolerance(&s.tol, s.y)
	g, rate := s.tol.g[i], s.tol.rate[i]
	return rate*h <= 100*g && direction(s.rate[i], s.accel[i], g, rate) == 0
}

// sideHere is the side of guard i at the current state.
func (s *Integrator) sideHere(i int) int8 {
	switch {
	case s.hy.Flags[i]:
		return truth(s.g[i] != 0)
	case !s.onSurface(i):
		return sign(s.g[i])
	}
	return s.leaving(i)
}

// equalities are the sides of the guards as their values are, without a look at
// where they go.
func (s *Integrator) equalities(to events.Sides) {
	for i, g := range s.g {
		switch {
		case s.hy.Flags[i]:
			to[i] = truth(g != 0)
		case s.onSurface(i):
			to[i] = 0
		default:
			to[i] = sign(g)
		}
	}
}

// setSide takes guard i to a side. A guard that ends up on the other side than
// it was armed on has crossed: that is an edge of this instant.
func (s *Integrator) setSide(i int, side int8, edge bool) {
	was := s.det.Side[i]
	if side == was {
		return
	}
	s.det.Side[i] = side
	if s.hy.Flags[i] {
		return
	}
	if was != 0 {
		s.armed[i] = was
	}
	if s.edge[i] = 0; edge && side != 0 && side != s.armed[i] {
		s.edge[i] = side
	}
}

func truth(b bool) int8 {
	if b {
		return 1
	}
	return 0
}

func sign(v float64) int8 {
	if v < 0 {
		return -1
	}
	return 1
}
