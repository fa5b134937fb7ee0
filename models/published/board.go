package published

import (
	"math"
	"math/rand/v2"
)

// boardSide is the length of a side of a square.
const boardSide = 1 / 0.45

// boardSquares are the lower left corners of the eight dark squares of a board of four by four.
func boardSquares() (list [][2]float64) {
	for column := -2; column < 2; column++ {
		low := float64((column + 2) % 2)
		for _, row := range []float64{low - 2, low} {
			list = append(list, [2]float64{float64(column) * boardSide, row * boardSide})
		}
	}
	return list
}

// boardPoint is a point that is spread evenly over the squares.
func boardPoint(r *rand.Rand) (x, y float64) {
	list := boardSquares()
	c := list[r.IntN(len(list))]
	return c[0] + boardSide*r.Float64(), c[1] + boardSide*r.Float64()
}

// boardField is the field of the least loss: the mean of b − a over the lines that pass a place
// at a time, which is (E[b] − z)/(1 − t). Given the place, b is normal about z/t, cut off at the
// sides of the squares.
func boardField(x, y, t float64) (u, v float64) {
	mx, my, s := x/t, y/t, (1-t)/t
	sum, most := 0., math.Inf(-1)
	type part struct{ log, x, y float64 }
	var parts []part
	for _, c := range boardSquares() {
		lx, ex := cut((c[0]-mx)/s, (c[0]+boardSide-mx)/s)
		ly, ey := cut((c[1]-my)/s, (c[1]+boardSide-my)/s)
		parts = append(parts, part{lx + ly, mx + s*ex, my + s*ey})
		most = math.Max(most, lx+ly)
	}
	for _, p := range parts {
		w := math.Exp(p.log - most)
		sum, u, v = sum+w, u+w*p.x, v+w*p.y
	}
	return (u/sum - x) / (1 - t), (v/sum - y) / (1 - t)
}

// cut is the logarithm of the probability that a standard normal number is between a and b, and
// its mean there.
func cut(a, b float64) (log, mean float64) {
	if a+b < 0 { // the tail that is not rounded off
		log, mean = cut(-b, -a)
		return log, -mean
	}
	p := (math.Erfc(a/math.Sqrt2) - math.Erfc(b/math.Sqrt2)) / 2
	if p < 1e-290 { // far out, where only the nearest end counts
		return -a*a/2 - math.Log(a*math.Sqrt(2*math.Pi)), a + 1/a
	}
	density := func(z float64) float64 { return math.Exp(-z*z/2) / math.Sqrt(2*math.Pi) }
	return math.Log(p), (density(a) - density(b)) / p
}
