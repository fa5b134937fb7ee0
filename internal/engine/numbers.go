package engine

import (
	"math"

	"gonum.org/v1/gonum/floats"
)

// Dot is the scalar product, summed in order.
func Dot(a, b []float64) float64 {
	s := 0.
	for i, v := range a {
		s += v * b[i]
	}
	return s
}

// Finite reports whether all of v are finite numbers.
func Finite(v []float64) bool {
	s := 0.
	for _, x := range v {
		s += x - x
	}
	return s == 0
}

// Number reports whether v is a finite number.
func Number(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// Larger is the larger of a size and that of v, if v is a number.
func Larger(size, v float64) float64 {
	if v = math.Abs(v); Number(v) && v > size {
		return v
	}
	return size
}

// Add adds from to to, if there is such.
func Add(to, from []float64) {
	if to == nil {
		return
	}
	if len(from) >= 64 {
		floats.Add(to[:len(from)], from)
		return
	}
	for i, v := range from {
		to[i] += v
	}
}
