package fit

import "math/bits"

// Philox is the counter-based generator Philox4x64-10: a function of a key and a counter,
// so that what is drawn does not depend on the order of drawing.
//
// J.K. Salmon, M.A. Moraes, R.O. Dror, D.E. Shaw, Parallel random numbers: as easy as 1, 2,
// 3. SC11, 2011, doi:10.1145/2063384.2063405.
func Philox(key [2]uint64, c [4]uint64) [4]uint64 {
	for round := range 10 {
		if round > 0 {
			key[0] += 0x9E3779B97F4A7C15 // the golden ratio
			key[1] += 0xBB67AE8584CAA73B // √3 − 1
		}
		hi0, lo0 := bits.Mul64(0xD2E7470EE14C6C93, c[0])
		hi1, lo1 := bits.Mul64(0xCA5A826395121157, c[2])
		c = [4]uint64{hi1 ^ c[1] ^ key[0], lo1, hi0 ^ c[3] ^ key[1], lo0}
	}
	return c
}
