package kernel

import "math"

// Dense sets dst[i·lanes+l] to bias[i] + Σⱼ w[i·k+j] x[j·lanes+l] for i < m and
// l < lanes, the sum over j < k. Without a bias it starts from zero.
func Dense(dst, w, x, bias []float64, m, k, lanes int) {
	dst, w, x = dst[:m*lanes], w[:m*k], x[:k*lanes]
	if bias == nil {
		if m > len(zeros) {
			denseGo(dst, w, x, nil, 0, m, 0, k, lanes)
			return
		}
		bias = zeros[:m]
	}
	bias = bias[:m]
	denseFast(dst, w, x, bias, m, k, lanes)
}

// zeros stands for a bias that is not there.
var zeros [4096]float64

// denseGo is Dense for rows i0 to m; with j0 > 0 the sums go on from dst.
func denseGo(dst, w, x, bias []float64, i0, m, j0, k, lanes int) {
	for ; lanes == 1 && j0 == 0 && i0+2 <= m; i0 += 2 { // two sums do not wait for each other
		s, t := 0., 0.
		if bias != nil {
			s, t = bias[i0], bias[i0+1]
		}
		a, b := w[i0*k:][:k], w[(i0+1)*k:][:k]
		for j, v := range x[:k] {
			s, t = math.FMA(a[j], v, s), math.FMA(b[j], v, t)
		}
		dst[i0], dst[i0+1] = s, t
	}
	for i := i0; i < m; i++ {
		row := w[i*k : (i+1)*k]
		for l := range lanes {
			s := 0.
			switch {
			case j0 > 0:
				s = dst[i*lanes+l]
			case bias != nil:
				s = bias[i]
			}
			at := j0*lanes + l
			for _, v := range row[j0:] {
				s = math.FMA(v, x[at], s)
				at += lanes
			}
			dst[i*lanes+l] = s
		}
	}
}

// DenseT sets dst[j·lanes+l] to Σᵢ w[i·k+j] c[i·lanes+l] for j < k and
// l < lanes, the sum over i < m.
func DenseT(dst, w, c []float64, m, k, lanes int) {
	denseTFast(dst[:k*lanes], w[:m*k], c[:m*lanes], m, k, lanes)
}

// denseTGo is DenseT for columns j0 to k: row by row, so that the weights are
// read in order.
func denseTGo(dst, w, c []float64, m, j0, k, lanes int) {
	if lanes == 1 && k-j0 < 4 { // the sums of so few stay in registers
		for ; j0+2 <= k; j0 += 2 {
			s, t, at := 0., 0., j0
			for _, v := range c[:m] {
				s, t = math.FMA(w[at], v, s), math.FMA(w[at+1], v, t)
				at += k
			}
			dst[j0], dst[j0+1] = s, t
		}
		for j := j0; j < k; j++ {
			s := 0.
			for i, v := range c[:m] {
				s = math.FMA(w[i*k+j], v, s)
			}
			dst[j] = s
		}
		return
	}
	clear(dst[j0*lanes : k*lanes])
	for i := range m {
		row := w[i*k : (i+1)*k]
		for j := j0; j < k; j++ {
			v := row[j]
			for l := range lanes {
				dst[j*lanes+l] = math.FMA(v, c[i*lanes+l], dst[j*lanes+l])
			}
		}
	}
}

// Outer sets dst[i·k+j] to old[i·k+j] + Σᵣ c[r·m+i] x[r·k+j] for i < m and j < k,
// one r < rows after the other. Without old, which may be dst, sums start from
// zero.
func Outer(dst, old, c, x []float64, rows, m, k int) {
	dst = dst[:m*k]
	if old != nil {
		old = old[:m*k]
	}
	outerFast(dst, old, c[:rows*m], x[:rows*k], rows, m, k)
}

func outerGo(dst, old, c, x []float64, rows, m, j0, k int) {
	for i := range m {
		for j := j0; j < k; j++ {
			s := 0.
			if old != nil {
				s = old[i*k+j]
			}
			for r := range rows {
				s = math.FMA(x[r*k+j], c[r*m+i], s)
			}
			dst[i*k+j] = s
		}
	}
}

// Products sets dst[i·k+j] to Σᵣ c[r·cStride+i] x[r·xStride+j] for i < m and j < k, one
// r < terms after the other, from zero.
func Products(dst, c, x []float64, terms, m, k, cStride, xStride int) {
	if terms == 0 || m == 0 || k == 0 {
		clear(dst[:m*k])
		return
	}
	productsFast(dst[:m*k], c[:(terms-1)*cStride+m], x[:(terms-1)*xStride+k], terms, m, k, cStride, xStride)
}

func productsGo(dst, c, x []float64, terms, m, j0, k, cStride, xStride int) {
	for i := range m {
		for j := j0; j < k; j++ {
			s := 0.
			for r := range terms {
				s = math.FMA(x[r*xStride+j], c[r*cStride+i], s)
			}
			dst[i*k+j] = s
		}
	}
}

// AddOuterLanes adds c[i·lanes+l] x[j·lanes+l] to dw[(i·k+j)·lanes+l] for i < m,
// j < k and l < lanes.
func AddOuterLanes(dw, c, x []float64, m, k, lanes int) {
	addOuterLanesFast(dw[:m*k*lanes], c[:m*lanes], x[:k*lanes], m, k, lanes)
}

func addOuterLanesGo(dw, c, x []float64, m, k, lanes int) {
	at := 0
	for i := range m {
		for j := range k {
			for l := range lanes {
				dw[at] = math.FMA(x[j*lanes+l], c[i*lanes+l], dw[at])
				at++
			}
		}
	}
}

// Rows8 takes eight lanes apart: it sets dst[l·stride+i] to src[8i+l] for i < n.
func Rows8(dst, src []float64, n, stride int) {
	for i := rows8Fast(dst, src, n, stride); i < n; i++ {
		for l, v := range src[8*i:][:8] {
			dst[l*stride+i] = v
		}
	}
}

// AddSum8 adds the sum of eight lanes, src[8i] to src[8i+7], to each dst[i]: of
// pairs first, then of pairs of pairs.
func AddSum8(dst, src []float64) {
	for i := sum8Fast(dst, src); i < len(dst); i++ {
		v := src[8*i:][:8:8]
		dst[i] += ((v[0] + v[1]) + (v[2] + v[3])) + ((v[4] + v[5]) + (v[6] + v[7]))
	}
}
