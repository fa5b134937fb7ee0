package kernel

import "github.com/pinode/pinode/internal/scalar"

// DenseSingle sets dst[i·lanes+l] to bias[i] + Σⱼ w[i·rows+j·cols] x[j·lanes+l]
// for i < m and l < lanes, the sum over j < k, in single precision. Without a
// bias it starts from zero.
//
// For one lane and rows = 1, cols is a multiple of 8, and what stands behind
// the m numbers of dst, bias and each column, up to a multiple of 8, is read
// and written as well.
func DenseSingle(dst, w, x, bias []float32, m, k, rows, cols, lanes int) {
	if bias == nil {
		if bias = zeroSingles[:]; m >= len(zeroSingles) {
			bias = make([]float32, (m+7)&^7)
		}
	}
	if m > 0 && k > 0 && !denseSingleFast(dst, w, x, bias, m, k, rows, cols, lanes) {
		denseSingleGo(dst, w, x, bias, m, k, rows, cols, lanes)
	}
}

// zeroSingles stand for a bias that is not there.
var zeroSingles [4096]float32

func denseSingleGo(dst, w, x, bias []float32, m, k, rows, cols, lanes int) {
	for i := range m {
		for l := range lanes {
			s := bias[i]
			for j := range k {
				s = scalar.FMASingle(w[i*rows+j*cols], x[j*lanes+l], s)
			}
			dst[i*lanes+l] = s
		}
	}
}

// Narrow sets dst to the numbers of src, rounded to single precision.
func Narrow(dst []float32, src []float64) {
	src = src[:len(dst)]
	for i := narrowFast(dst, src); i < len(dst); i++ {
		dst[i] = float32(src[i])
	}
}

// Widen sets dst to the numbers of src.
func Widen(dst []float64, src []float32) {
	src = src[:len(dst)]
	for i := widenFast(dst, src); i < len(dst); i++ {
		dst[i] = float64(src[i])
	}
}

// NarrowColumns sets dst[j·cols+i] to src[i·k+j], rounded to single precision,
// for i < m and j < k.
func NarrowColumns(dst []float32, src []float64, m, k, cols int) {
	m4, k4 := narrowColumnsFast(dst, src, m, k, cols)
	for i := range m {
		row := src[i*k : (i+1)*k]
		j := 0
		if i < m4 {
			j = k4
		}
		for ; j < k; j++ {
			dst[j*cols+i] = float32(row[j])
		}
	}
}

// OuterSingle sets dst[i·k+j] to old[i·k+j] + Σᵣ c[r·m+i] x[r·xs+j] for i < m and
// j < k: the sum over r < rows in single precision, one after the other, which
// is then added in double precision. Without old, which may be dst, the sum is
// all. p is room for m·xs numbers; xs is a multiple of 8.
func OuterSingle(dst, old []float64, c, x, p []float32, rows, m, k, xs int) {
	if !outerSingleFast(p[:m*xs], c[:rows*m], x[:rows*xs], rows, m, xs) {
		outerSingleGo(p, c, x, rows, m, xs)
	}
	for i := range m {
		to, from := dst[i*k:(i+1)*k], p[i*xs:]
		if old == nil {
			Widen(to, from)
			continue
		}
		was := old[i*k : (i+1)*k]
		for j := addWideFast(to, was, from); j < k; j++ {
			to[j] = was[j] + float64(from[j])
		}
	}
}

func outerSingleGo(p, c, x []float32, rows, m, xs int) {
	for i := range m {
		for j := range xs {
			s := float32(0)
			for r := range rows {
				s = scalar.FMASingle(x[r*xs+j], c[r*m+i], s)
			}
			p[i*xs+j] = s
		}
	}
}

// Rows8Single is Rows8 for singles.
func Rows8Single(dst, src []float32, n, stride int) {
	for i := rows8SingleFast(dst, src, n, stride); i < n; i++ {
		for l, v := range src[8*i:][:8] {
			dst[l*stride+i] = v
		}
	}
}
