package published

import "math/rand/v2"

// noise is a generator of a row's own random numbers: the same on every machine.
func noise(row string, seed uint64) *rand.Rand {
	h := uint64(14695981039346656037) // FNV-1a of the row's name
	for _, b := range []byte(row) {
		h = (h ^ uint64(b)) * 1099511628211
	}
	return rand.New(rand.NewPCG(seed, h))
}
