package engine

import (
	"math"

	"github.com/pinode/pinode/compiler/place"
)

// besides are parameters that are off, and the trajectory's own inputs: see sim.Nearby.
type besides struct{ p, q, own []float64 } // own: those that are not off

// off sets to to values of which some are off upwards by a part and some downwards, in no order, and by
// the given amount where they are zero.
func off(to, values []float64, part, zeros float64) []float64 {
	to = to[:0]
	for i, v := range values {
		by := part * math.Abs(v)
		if v == 0 {
			by = zeros
		}
		if uint32(i+1)*2246822519>>31 == 0 {
			by = -by
		}
		to = append(to, v+by)
	}
	return to
}

// Beside implements sim.Nearby.
func (s *System) Beside(part float64) { s.beside(s.p, s.Q, part) }

// beside binds parameters, and the trajectory's own inputs, or such that are off.
func (s *System) beside(p, q []float64, part float64) {
	if part == 0 {
		place.Params.Bind(s.Frame, p)
		copy(s.Q, s.besides.own)
		return
	}
	s.besides.own = append(s.besides.own[:0], q...)
	s.besides.p = off(s.besides.p, p, part, part)
	place.Params.Bind(s.Frame, s.besides.p)
	// A covariate that is zero leaves parameters out: the trajectory's steps may not hang on them.
	s.besides.q = off(s.besides.q, q, part, 0)
	copy(s.Q, s.besides.q)
}

// Beside implements sim.Nearby.
func (j *BoundModel) Beside(part float64) {
	p := j.P
	if len(p) == 0 {
		p = j.System.p
	}
	j.System.beside(p, j.Q, part)
}
