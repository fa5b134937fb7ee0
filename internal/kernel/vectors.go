package kernel

import (
	"math"

	"github.com/pinode/pinode/internal/scalar"
)

// Dot is Σ xᵢ yᵢ, each term in one fused multiply–add, in the parts of scalar.Parts.
func Dot(x, y []float64) float64 {
	var part [4]float64
	y = y[:len(x)]
	i := dotFast(&part, x, y)
	for parts := scalar.Parts(len(x)); i < len(x); i++ {
		k := i % parts
		part[k] = math.FMA(x[i], y[i], part[k])
	}
	return scalar.Join(&part)
}

// Sum is Σ xᵢ in these parts.
func Sum(x []float64) float64 {
	var part [4]float64
	i := sumFast(&part, x)
	for parts := scalar.Parts(len(x)); i < len(x); i++ {
		part[i%parts] += x[i]
	}
	return scalar.Join(&part)
}

// DotLanes sets dst to the Dot of each of eight lanes: element i of lane l is at 8i + l.
func DotLanes(dst, x, y []float64) {
	n := len(x) / 8
	var part [4][8]float64
	i := dotLanesFast(&part, x, y)
	for parts := scalar.Parts(n); i < n; i++ {
		p := &part[i%parts]
		for l := range p {
			p[l] = math.FMA(x[8*i+l], y[8*i+l], p[l])
		}
	}
	joinLanes(dst, &part)
}

// SumLanes sets dst to the Sum of each of eight lanes.
func SumLanes(dst, x []float64) {
	n := len(x) / 8
	var part [4][8]float64
	i := sumLanesFast(&part, x)
	for parts := scalar.Parts(n); i < n; i++ {
		p := &part[i%parts]
		for l := range p {
			p[l] += x[8*i+l]
		}
	}
	joinLanes(dst, &part)
}

func joinLanes(dst []float64, part *[4][8]float64) {
	for l := range 8 {
		dst[l] = scalar.Join(&[4]float64{part[0][l], part[1][l], part[2][l], part[3][l]})
	}
}

// AddScaled adds a·x to dst, each number in one fused multiply–add.
func AddScaled(dst []float64, a float64, x []float64) {
	x = x[:len(dst)]
	for i := addScaledFast(dst, a, x); i < len(dst); i++ {
		dst[i] = math.FMA(a, x[i], dst[i])
	}
}

// ScaleAdd sets dst to a·dst + y, each number in one fused multiply–add.
func ScaleAdd(dst []float64, a float64, y []float64) {
	y = y[:len(dst)]
	for i := scaleAddFast(dst, a, y); i < len(dst); i++ {
		dst[i] = math.FMA(a, dst[i], y[i])
	}
}
