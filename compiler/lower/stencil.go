package lower

import "math"

// Formulas along one axis. Cells are one unit wide: cell i is from i to i+1. A formula gives
// a functional of a function by others: the weights with which it is exact for polynomials
// of as many coefficients as there are data.

// functional is a linear functional of a function: the mean value over a cell, or a
// derivative at a place.
type functional struct {
	at   float64 // the place, or the lower end of the cell
	mean bool
	d    int // the order of the derivative
}

func meanOver(cell int) functional            { return functional{at: float64(cell), mean: true} }
func derivative(d int, at float64) functional { return functional{at: at, d: d} }

// moment is the functional of (x − origin)^k.
func (f functional) moment(k int, origin float64) float64 {
	x := f.at - origin
	if f.mean {
		return (math.Pow(x+1, float64(k+1)) - math.Pow(x, float64(k+1))) / float64(k+1)
	}
	if k < f.d {
		return 0
	}
	v := math.Pow(x, float64(k-f.d))
	for i := range f.d {
		v *= float64(k - i)
	}
	return v
}

// weights are those of the data with which they give what is wanted.
func weights(want functional, data []functional) []float64 {
	n := len(data)
	origin := want.at
	if want.mean {
		origin += 0.5
	}
	a := make([][]float64, n) // row k: moments of order k, and that of what is wanted
	for k := range a {
		a[k] = make([]float64, n+1)
		for j, f := range data {
			a[k][j] = f.moment(k, origin)
		}
		a[k][n] = want.moment(k, origin)
	}
	for p := range n { // Gauss–Jordan elimination with partial pivoting
		best := p
		for k := p + 1; k < n; k++ {
			if math.Abs(a[k][p]) > math.Abs(a[best][p]) {
				best = k
			}
		}
		a[p], a[best] = a[best], a[p]
		for k := range n {
			if k == p || a[k][p] == 0 {
				continue
			}
			f := a[k][p] / a[p][p]
			for j := p; j <= n; j++ {
				a[k][j] -= f * a[p][j]
			}
		}
	}
	out := make([]float64, n)
	for p := range out {
		if out[p] = a[p][n] / a[p][p]; math.Abs(out[p]) < 1e-13 {
			out[p] = 0
		}
	}
	return out
}

// reach is how many cells to each side the formula of order p for derivative d takes: around a
// cell, whose centre or mean value is wanted, or around a face.
func reach(d, p int, face bool) int {
	switch {
	case face && d%2 == 0:
		return (p + d + 1) / 2
	case face:
		return max(1, (p+d)/2)
	case d%2 == 0:
		return max(0, (p+d-1)/2)
	}
	return (p + d) / 2
}

// centred are the weights of the cells around cell 0, from −reach to reach, for derivative d at
// its centre, or around its lower face, from −reach to reach − 1.
func centred(d, p int, face bool) []float64 {
	r := reach(d, p, face)
	var data []functional
	hi, at := r, 0.5
	if face {
		hi, at = r-1, 0
	}
	for i := -r; i <= hi; i++ {
		data = append(data, meanOver(i))
	}
	return weights(derivative(d, at), data)
}

// closure are the weights at a side that is at 0 with the domain above it: of derivatives there,
// from the value upwards, of which conditions give as many as there are, then of the first cells.
type closure struct {
	conditions, cells int
}

func (c closure) weights(want functional) (side, cells []float64) {
	var data []functional
	for d := range c.conditions {
		data = append(data, derivative(d, 0))
	}
	for i := range c.cells {
		data = append(data, meanOver(i))
	}
	w := weights(want, data)
	return w[:c.conditions], w[c.conditions:]
}

// fourier is the matrix that differentiates a function of period n, given at n places one unit
// apart, d times: the derivative of the trigonometric polynomial through them. The highest
// frequency of an even n has no odd derivative.
//
// L.N. Trefethen, Spectral Methods in MATLAB, SIAM 2000, chapter 3.
func fourier(n, d int) []float64 {
	row := make([]float64, n)
	for j := range n { // from frequencies, which is exact enough and the same for all d
		for k := 1; 2*k <= n; k++ {
			scale := 2.
			if 2*k == n {
				if scale = 1; d%2 == 1 {
					continue
				}
			}
			w := 2 * math.Pi * float64(k) / float64(n)
			row[j] += scale / float64(n) * math.Pow(w, float64(d)) * math.Cos(w*float64(j%n)+float64(d)*math.Pi/2)
		}
		if d == 0 {
			row[j] += 1 / float64(n)
		}
	}
	m := make([]float64, n*n)
	for i := range n {
		for j := range n {
			m[i*n+j] = row[((i-j)%n+n)%n]
		}
	}
	return m
}

// Interpolation are the weights with which values in cells give that at a place x, in widths of a
// cell from the lower end: of the cells from first on, or, of a periodic axis, round it. They
// are mean values, or values at centres.
func Interpolation(order, cells int, means, periodic bool, x float64) (first int, w []float64) {
	r := (order + 1) / 2
	width := 2*r + 1
	first = min(max(int(math.Floor(x)), 0), cells-1) - r
	if !periodic {
		width = min(width, cells)
		first = min(max(first, 0), cells-width)
	}
	var data []functional
	for j := range width {
		if means {
			data = append(data, meanOver(j))
		} else {
			data = append(data, derivative(0, float64(j)+0.5))
		}
	}
	return first, weights(derivative(0, x-float64(first)), data)
}
