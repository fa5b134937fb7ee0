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
// states and time move a little: as much as round-off explains, and as much as the
// tolerances allow.
type spreads struct {
	fine, coarse spread
	g, rate      []float64 // of both
}

type spread struct{ g, rate []float64 }

func newSpreads(n int) *spreads {
	s := &spreads{g: make([]float64, 2*n), rate: make([]float64, 2*n)}
	s.fine, s.coarse = spread{s.g[:n:n], s.rate[:n:n]}, spread{s.g[n:], s.rate[n:]}
	return s
}

func (s *Integrator) evalGuards() {
	s.model.Guards(s.t, s.y, s.d, s.held, s.g, s.rate, s.accel)
}

// setSpreads finds what the guards may move by at the current state.
func (s *Integrator) setSpreads() {
	s.spread(s.off, s.y)
	for i := range s.off.fine.g {
		s.off.fine.g[i] += 8 * s.residual[i]
	}
}

// spread finds it at a state of the current time.
func (s *Integrator) spread(to *spreads, y []float64) {
	n := len(y)
	for i, v := range y {
		v = math.Abs(v)
		s.reach[i], s.reach[n+i] = roundOff*v, math.FMA(s.opt.RTol, v, s.opt.ATol)
	}
	s.model.Spread(s.t, y, s.d, s.reach, roundOff*math.Abs(s.t), to.g, to.rate)
	for _, list := range [...][]float64{to.g, to.rate} {
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
func (s *Integrator) onSurface(i int) bool { return math.Abs(s.g[i]) <= s.noise(i) }

// noise is by how much round-off may move guard i.
func (s *Integrator) noise(i int) float64 {
	if s.isExit(i) {
		return 0
	}
	return s.off.fine.g[i]
}

// leaving is where guard i goes from its surface, 0 if it rests there.
func (s *Integrator) leaving(i int) int8 {
	if s.landed[i] {
		return 0
	}
	within := s.off.fine.rate[i]
	if s.slides(s.d) { // of two fields that cancel round-off is left
		within = math.Max(within, 1e-10*math.Abs(s.metAt[i].rate))
	}
	return direction(s.rate[i], s.accel[i], s.off.fine.g[i], within)
}

// lands reports whether a guard that the run has taken to its surface stays
// there, as far as the tolerances can tell: a fixed point on the surface, about
// which the computed solution wavers. h is the length of the step, at is what the
// guards may move by.
func (s *Integrator) lands(i int, h float64, at *spreads) bool {
	if s.isExit(i) {
		return false
	}
	g, rate := at.coarse.g[i], at.coarse.rate[i]
	return rate*h <= 100*g && direction(s.rate[i], s.accel[i], g, rate) == 0
}

// restWithin sets how far a guard that comes to rest may be from its surface without
// leaving it: as far as round-off takes it, or, where it rests by the tolerances
// only, as these do.
func (s *Integrator) restWithin(i int) {
	s.band[i] = math.Max(64*s.off.fine.g[i], 8*math.Abs(s.g[i]))
	if s.landed[i] {
		s.band[i] = math.Max(s.band[i], clearly*s.off.coarse.g[i])
	}
}

// depart lets a guard that leaves its surface without a first rate count as armed
// only when it is clearly on its side: the dense output of the next step may not know
// so well.
func (s *Integrator) depart(i int) {
	if side := s.det.Side[i]; side != 0 && !s.disarmed[i] && math.Abs(s.rate[i]) <= s.off.fine.rate[i] {
		s.band[i] = math.Max(8*s.off.fine.g[i], s.off.coarse.g[i])
		s.disarm(i, true)
	}
}

// sideHere is the side of guard i at the current state.
func (s *Integrator) sideHere(i int) int8 {
	switch {
	case s.hy.Flags[i]:
		return truth(s.g[i] != 0)
	case s.isExit(i):
		return 1
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
	if side == 0 && !s.isExit(i) {
		s.restWithin(i)
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
