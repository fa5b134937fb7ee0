package kernel

import "math"

// Finite reports whether all numbers are finite.
func Finite(v []float64) bool {
	for _, x := range v[finiteFast(v):] {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return false
		}
	}
	return true
}
