//go:build !purego

package kernel

// The assembly of vectors_amd64.s does whole groups; these say how many numbers, or numbers
// of a lane, it has done.

// group is how many numbers it does at a time.
const group = 4

func dotFast(part *[4]float64, x, y []float64) int {
	n := len(x) &^ (group - 1)
	if !fast || len(x) < 8 {
		return 0
	}
	dotParts(part, &x[0], &y[0], n)
	return n
}

func sumFast(part *[4]float64, x []float64) int {
	n := len(x) &^ (group - 1)
	if !fast || len(x) < 8 {
		return 0
	}
	sumParts(part, &x[0], n)
	return n
}

func dotLanesFast(part *[4][8]float64, x, y []float64) int {
	n := len(x) / 8 &^ (group - 1)
	if !fast || n < 8 {
		return 0
	}
	_ = y[8*n-1]
	dotLanesParts(part, &x[0], &y[0], n)
	return n
}

func sumLanesFast(part *[4][8]float64, x []float64) int {
	n := len(x) / 8 &^ (group - 1)
	if !fast || n < 8 {
		return 0
	}
	sumLanesParts(part, &x[0], n)
	return n
}

func addScaledFast(dst []float64, a float64, x []float64) int {
	n := len(dst) &^ (group - 1)
	if !fast || n == 0 {
		return 0
	}
	addScaled(&dst[0], a, &x[0], n)
	return n
}

func scaleAddFast(dst []float64, a float64, y []float64) int {
	n := len(dst) &^ (group - 1)
	if !fast || n == 0 {
		return 0
	}
	scaleAdd(&dst[0], a, &y[0], n)
	return n
}

// dotParts and sumParts add every fourth term to each part; n is a multiple of four.
//
//go:noescape
func dotParts(part *[4]float64, x, y *float64, n int)

//go:noescape
func sumParts(part *[4]float64, x *float64, n int)

// dotLanesParts and sumLanesParts do so for eight lanes.
//
//go:noescape
func dotLanesParts(part *[4][8]float64, x, y *float64, n int)

//go:noescape
func sumLanesParts(part *[4][8]float64, x *float64, n int)

// addScaled is dst + a·x, scaleAdd a·dst + y; n is a multiple of four.
//
//go:noescape
func addScaled(dst *float64, a float64, x *float64, n int)

//go:noescape
func scaleAdd(dst *float64, a float64, y *float64, n int)
