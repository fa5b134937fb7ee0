package jumps

import "math"

// Zeno watches the gaps between the firings of each event. When they shrink
// geometrically it predicts the limit of their times.
type Zeno struct{ of []gaps }

type gaps struct {
	n          int
	last       float64 // time of the last firing
	gap        float64 // before it
	ratio      float64 // of the last two gaps
	consistent int     // how many ratios in a row agreed
}

// Reset forgets everything and makes room for n events.
func (z *Zeno) Reset(n int) {
	if cap(z.of) < n {
		z.of = make([]gaps, n)
	}
	z.of = z.of[:n]
	clear(z.of)
}

// ratioTol is how well successive ratios must agree to count as geometric.
const ratioTol = 1e-2

// Fired tells that event e fired at time t, and returns the limit of its
// times if the rest of them lies within reach of t.
func (z *Zeno) Fired(e int, t, reach float64) (limit float64, near bool) {
	s := &z.of[e]
	if s.n > 0 {
		gap := t - s.last
		if s.n > 1 && s.gap > 0 {
			ratio := gap / s.gap
			if s.n > 2 && ratio < 1 && math.Abs(ratio-s.ratio) <= ratioTol*(1-ratio) {
				s.consistent++
			} else {
				s.consistent = 0
			}
			s.ratio = ratio
		}
		s.gap = gap
	}
	s.n++
	s.last = t
	if s.consistent < 3 {
		return 0, false
	}
	rest := s.gap * s.ratio / (1 - s.ratio)
	return t + rest, rest <= reach
}

// Forget starts the count of event e anew.
func (z *Zeno) Forget(e int) { z.of[e] = gaps{} }
