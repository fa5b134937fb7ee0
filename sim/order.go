package sim

import "math"

// order is a fingerprint of what happened in which order. What happens at one place,
// as far as rounding can tell, has no order.
type order struct {
	t         float64 // of the last place
	here, all uint64  // what happened there, and before
}

// together is how far apart, beside the length of the run, things at one place are.
const together = 1e-11

func (o *order) add(s *run, what uint64) {
	width := math.Max(together*(s.span.T1-s.span.T0), s.resolution())
	if s.t-o.t > width {
		o.all, o.here, o.t = o.sum(), 0, s.t
	}
	saves := s.saves.next
	for saves < len(s.span.Saves) && s.span.Saves[saves] <= o.t+width {
		saves++
	}
	o.here += what * (2*uint64(saves) + 1)
}

func (o *order) sum() uint64 { return mix(int(o.all), int(o.here)) }

// mix is a hash of numbers: FNV-1a, with the last step of SplitMix64.
func mix(list ...int) uint64 {
	h := uint64(0xcbf29ce484222325)
	for _, x := range list {
		h = (h ^ uint64(x)) * 0x100000001b3
	}
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}
