package sim

import (
	"math"

	"github.com/pinode/pinode/events"
)

// sides are on which side of its surface each guard counts as, and which of them
// are watched.
type sides struct {
	*guards
	det      *events.Detector // has the sides
	edge     events.Edges     // of this instant
	armed    []int8           // the side from which each guard crosses
	disarmed []bool           // guards that are not clearly on their side yet
	band     []float64        // of a guard that rests or is disarmed: beyond it it has left its surface
}

func newSides(g *guards) *sides {
	n := g.size.Guards
	s := &sides{
		guards: g, det: events.NewDetector(n), edge: make(events.Edges, n),
		armed: make([]int8, n), disarmed: make([]bool, n), band: make([]float64, n),
	}
	s.along(g.opt.Method)
	return s
}

// reset watches all guards but flags, those of releases, and exits.
func (s *sides) reset() {
	s.forget()
	clear(s.met)
	for i := range s.det.Watch {
		s.det.Watch[i], s.disarmed[i] = !s.hy.Flags[i], false
	}
	for e := range s.hy.Events {
		if r := s.hy.Events[e].Release; r >= 0 {
			s.det.Watch[r] = false
		}
	}
	for i := range s.size.Exits {
		s.det.Watch[s.size.Guards-1-i], s.det.Side[s.size.Guards-1-i] = false, 1
	}
}

// disarm stops looking for crossings of a guard that is not clearly on its side yet,
// or goes on to.
func (s *sides) disarm(guard int) {
	s.disarmed[guard] = true
	s.det.Watch[guard] = false
}

// arm looks for crossings of a guard again.
func (s *sides) arm(guard int) {
	s.disarmed[guard] = false
	s.det.Watch[guard] = true
}

// edgeKind is whether a guard that changes its side has an edge at this instant.
type edgeKind uint8

const (
	noEdge edgeKind = iota
	withEdge
)

func edgeIf(yes bool) edgeKind {
	if yes {
		return withEdge
	}
	return noEdge
}

// crossingNow reports whether guard j crosses within the clock's resolution
// of the current time.
func (s *sides) crossingNow(j int) bool {
	side := float64(s.det.Side[j])
	return side*s.rate[j] < 0 && side*s.g[j] <= max(math.Abs(s.rate[j])*s.resolution(), s.noise(j))
}

// The sides of the guards. A guard is above or below its surface, or it rests on
// it: there its value, its rate and its second rate are zero up to round-off, or
// to the tolerances where the run itself took it there. What a condition is then
// is the truth of its comparison at equality, until the guard clearly leaves.

// restWithin sets how far a guard that comes to rest may be from its surface without
// leaving it: as far as round-off takes it, or, where it rests by the tolerances
// only, as these do.
func (s *sides) restWithin(i int) {
	s.band[i] = max(64*s.here.fine.g[i], 8*math.Abs(s.g[i]))
	if s.lately[i].landed {
		s.band[i] = max(s.band[i], clearly*s.tolerated(i))
	}
}

// depart lets a guard that leaves its surface without a first rate to speak of count as armed only when it is clearly on
// its side: the dense output of the next step may not know so well. The rate is known as well as the time is.
func (s *sides) depart(i int) {
	if s.det.Side[i] == 0 || s.disarmed[i] {
		return
	}
	rate, accel := math.Abs(s.rate[i]), math.Abs(s.accel[i])
	square := s.isSign(i) && s.rate[i]*s.accel[i] > 0 && accel < math.Inf(1) && rate*rate <= accel*s.here.coarse.g[i]/2 // of the time, as it grows
	if square || rate <= max(s.here.fine.rate[i], accel*s.resolution()) {
		s.awaitDeparture(i)
	}
}

// awaitDeparture disarms a guard until it is clearly away from its surface.
func (s *sides) awaitDeparture(i int) {
	s.band[i] = max(8*s.here.fine.g[i], s.tolerated(i))
	s.disarm(i)
}

// sideHere is the side of guard i at the current state.
func (s *sides) sideHere(i int) int8 {
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
func (s *sides) equalities(to events.Sides) {
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
func (s *sides) setSide(i int, side int8, edge edgeKind) {
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
	if s.edge[i] = 0; edge == withEdge && side != 0 && side != s.armed[i] {
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
