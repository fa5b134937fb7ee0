package sim

import (
	"math"
	"slices"
)

// guards are the guards at the current state: their values, and what is to be
// known of them at an instant.
type guards struct {
	*run
	guardValues
	before guardValues // the last micro-step, or the turns of switches
	tried  guardValues // room: at other states
	here   *spreads    // at the current state
	there  *spreads    // at another
	reach  []float64   // by how much states may be off: see Model.Spread
	known  bool        // the values are those of the instant that is to be carried out: the step to it was located by them

	switchOf []int // the switch that each guard belongs to, or −1
	lately   []lately
	met      []meeting // how each met its surface when it crossed last
}

// lately is what happened to a guard at this instant, and in the step that led to it.
type lately struct {
	crossed  bool
	closed   bool    // the last jump sent it across
	through  bool    // it met its surface without a rate and goes on beyond it
	jolted   bool    // it is on its surface and its rate jumped
	landed   bool    // it came to rest
	put      int     // 1 + the event whose jump put it on its surface last, or 0
	residual float64 // what it was where the last step ended on its root
	rest     float64 // the rate that it has where it came to rest, but for round-off
}

// guardValues are the guards, their rates and their second rates.
type guardValues struct{ g, rate, accel []float64 }

func newGuardValues(n int) guardValues {
	return guardValues{make([]float64, n), make([]float64, n), make([]float64, n)}
}

// meeting is how a guard met its surface.
type meeting struct{ rate, transversality float64 }

func newGuards(r *run) *guards {
	n := r.size.Guards
	s := &guards{
		run: r, guardValues: newGuardValues(n), before: newGuardValues(n), tried: newGuardValues(n),
		here: newSpreads(n - r.size.Exits), there: newSpreads(n - r.size.Exits), reach: make([]float64, 2*r.size.Y),
		switchOf: slices.Repeat([]int{-1}, n), lately: make([]lately, n), met: make([]meeting, n),
	}
	for i, w := range r.hy.Switches {
		s.switchOf[w.Guard] = i
		if w.Floor {
			s.switchOf[w.Upper] = i
		}
	}
	return s
}

// forget leaves what happened at an instant behind.
func (s *guards) forget() {
	for i := range s.lately {
		s.lately[i] = lately{through: s.lately[i].through}
	}
}

// own is how many guards are the model's own, and not those of releases or exits.
func (s *guards) own() int { return s.size.Guards - s.size.Releases - s.size.Exits }

// firstExit is the first guard that says when sliding ends.
func (s *guards) firstExit() int { return s.size.Guards - s.size.Exits }

// transversality compares the rate of a guard at its crossing with how much
// the rate changes in the time since the last instant: 1 far from a graze, 0
// at one.
func (s *guards) transversality(guard int, since float64) float64 {
	r, a := math.Abs(s.rate[guard]), math.Abs(s.accel[guard])
	if !(a < math.Inf(1)) { // as of √x at 0, which is crossed all the same
		return r / (r + 1)
	}
	return r / (r + a*since)
}

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

func (s *guards) evalGuards() {
	s.model.Guards(s.t, s.y, s.d, s.held, s.g, s.rate, s.accel)
}

// setSpreads finds what the guards may move by at the current state.
func (s *guards) setSpreads() {
	s.spread(s.here, s.y)
	for i := range s.here.fine.g {
		s.here.fine.g[i] += 8 * s.lately[i].residual
	}
}

// spread finds it at a state of the current time.
func (s *guards) spread(to *spreads, y []float64) {
	n := len(y)
	for i, v := range y {
		v = math.Abs(v)
		known := max(v, max(s.swept[i], s.opt.atol(i))) // what is dust beside the tolerance is nothing
		s.reach[i], s.reach[n+i] = roundOff*known, math.FMA(s.opt.RTol, v, s.opt.atol(i))
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

// mostMoved is how many states are moved one by one.
const mostMoved = 32

// tolerated is by how much the tolerances let guard i be off at the current state: no more than it changes by when
// states move so much. Near the end of a root, as of √|x| at a small x, its slope says much more.
func (s *guards) tolerated(i int) float64 {
	n, first := len(s.y), s.here.coarse.g[i]
	if n > mostMoved {
		return first
	}
	at := &s.tried
	moved, sum := slices.Clone(s.y), 0.
	for l, v := range s.y {
		most, by := 0., math.FMA(s.opt.RTol, math.Abs(v), s.opt.atol(l))
		for _, by := range [...]float64{-by, by} {
			moved[l] = v + by
			s.model.Guards(s.t, moved, s.d, s.held, at.g, at.rate, nil)
			if math.IsNaN(at.g[i]) {
				return first
			}
			most = math.Max(most, math.Abs(at.g[i]-s.g[i]))
		}
		moved[l] = v
		sum += most
	}
	return math.Min(first, sum)
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
func (s *guards) onSurface(i int) bool { return math.Abs(s.g[i]) <= s.noise(i) }

// noise is by how much round-off may move guard i.
func (s *guards) noise(i int) float64 {
	if s.isExit(i) {
		return 0
	}
	return s.here.fine.g[i]
}

// leaving is where guard i goes from its surface, 0 if it rests there.
func (s *guards) leaving(i int) int8 {
	if s.lately[i].landed {
		return 0
	}
	within := max(s.here.fine.rate[i], 4*s.lately[i].rest)
	if s.slides(s.d) { // of two fields that cancel round-off is left
		within = max(within, 1e-10*math.Abs(s.met[i].rate))
	}
	return direction(s.rate[i], s.accel[i], s.here.fine.g[i], within)
}

// still reports whether guard i has no rate, or one whose excursion from the surface
// would be lost in round-off.
func (s *guards) still(i int) bool {
	r := math.Abs(s.rate[i])
	return r <= max(s.here.fine.rate[i], 4*s.lately[i].rest) || r*r <= 8*math.Abs(s.accel[i])*s.here.fine.g[i]
}

// lands reports whether a guard that the run has taken to its surface stays
// there, as far as the tolerances can tell: a fixed point on the surface, about
// which the computed solution wavers. h is the length of the step, at is what the
// guards may move by.
func (s *guards) lands(i int, h float64, at *spreads) bool {
	if s.isExit(i) {
		return false
	}
	g, rate := at.coarse.g[i], at.coarse.rate[i]
	return rate*h <= 100*g && direction(s.rate[i], s.accel[i], g, rate) == 0
}
