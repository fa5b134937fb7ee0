//go:build !purego

package kernel

import (
	"os"

	"golang.org/x/sys/cpu"
)

// fast says that the assembly is used. PINODE_EXEC=interp turns it off, as all
// machine code.
var fast = cpu.X86.HasAVX2 && cpu.X86.HasFMA && os.Getenv("PINODE_EXEC") != "interp"

func denseFast(dst, w, x, bias []float64, m, k, lanes int) {
	switch {
	case !fast || m == 0 || k == 0:
		denseGo(dst, w, x, bias, 0, m, 0, k, lanes)
	case lanes == 8:
		dense8(&dst[0], &w[0], &x[0], &bias[0], m, k, 8*k, 8)
	case lanes == 1 && m >= 4 && k >= 2:
		m4, k2 := m&^3, k&^1
		gemv(&dst[0], &w[0], &x[0], &bias[0], m4, k2, 8*k)
		if m4 < m { // the last four rows once more, some of them for the first time
			gemv(&dst[m-4], &w[(m-4)*k], &x[0], &bias[m-4], 4, k2, 8*k)
		}
		if k2 < k {
			denseGo(dst, w, x, bias, 0, m, k2, k, 1)
		}
	default:
		denseGo(dst, w, x, bias, 0, m, 0, k, lanes)
	}
}

func denseTFast(dst, w, c []float64, m, k, lanes int) {
	switch {
	case !fast || m == 0 || k == 0:
		denseTGo(dst, w, c, m, 0, k, lanes)
	case lanes == 8 && k <= len(zeros):
		dense8(&dst[0], &w[0], &c[0], &zeros[0], k, m, 8, 8*k)
	case lanes == 1 && k >= 4:
		k4 := k &^ 3
		gemvT(&dst[0], &w[0], &c[0], m, k4, 8*k)
		if k4 < k { // the last four columns once more
			gemvT(&dst[k-4], &w[k-4], &c[0], m, 4, 8*k)
		}
	default:
		denseTGo(dst, w, c, m, 0, k, lanes)
	}
}

// denseSingleFast reports whether there is assembly for the case.
func denseSingleFast(dst, w, x, bias []float32, m, k, rows, cols, lanes int) bool {
	m8 := (m + 7) &^ 7
	switch {
	case !fast:
		return false
	case lanes == 8:
		_, _, _, _ = dst[8*m-1], w[(m-1)*rows+(k-1)*cols], x[8*k-1], bias[m-1]
		dense8Single(&dst[0], &w[0], &x[0], &bias[0], m, k, 4*rows, 4*cols)
	case lanes == 1 && rows == 1:
		_, _, _, _ = dst[m8-1], w[(k-1)*cols+m8-1], x[k-1], bias[m8-1]
		gemvSingle(&dst[0], &w[0], &x[0], &bias[0], m8, k, 4*cols)
	default:
		return false
	}
	return true
}

// narrowFast and widenFast say how many of the first numbers they have done.
func narrowFast(dst []float32, src []float64) int {
	n := len(dst) &^ 7
	if !fast || n == 0 {
		return 0
	}
	narrowSingle(&dst[0], &src[0], n)
	return n
}

func widenFast(dst []float64, src []float32) int {
	n := len(dst) &^ 7
	if !fast || n == 0 {
		return 0
	}
	widenSingle(&dst[0], &src[0], n)
	return n
}

// narrowColumnsFast says how many of the first rows and columns it has done.
func narrowColumnsFast(dst []float32, src []float64, m, k, cols int) (rows, columns int) {
	m4, k4 := m&^3, k&^3
	if !fast || m4 == 0 || k4 == 0 {
		return 0, 0
	}
	_, _ = dst[(k-1)*cols+m-1], src[m*k-1]
	transposeSingle(&dst[0], &src[0], m4, k4, 8*k, 4*cols)
	return m4, k4
}

func outerSingleFast(p, c, x []float32, rows, m, xs int) bool {
	if !fast || len(p) == 0 || rows == 0 {
		return false
	}
	outerSingle(&p[0], &c[0], &x[0], rows, m, xs, 4*m, 4*xs)
	return true
}

// addWideFast says how many of the first numbers it has done.
func addWideFast(dst, old []float64, src []float32) int {
	n := len(dst) &^ 7
	if !fast || n == 0 {
		return 0
	}
	_, _ = old[n-1], src[n-1]
	addWide(&dst[0], &old[0], &src[0], n)
	return n
}

func outerFast(dst, old, c, x []float64, rows, m, k int) {
	k2 := k &^ 1
	if !fast || rows == 0 || m == 0 || k2 == 0 || old == nil && k > len(zeros) {
		outerGo(dst, old, c, x, rows, m, 0, k)
		return
	}
	from, oldStride := &zeros[0], 0
	if old != nil {
		from, oldStride = &old[0], 8*k
	}
	outer(&dst[0], from, &c[0], &x[0], rows, m, k2, 8*k, oldStride, 8*m, 8*k)
	if k2 < k {
		outerGo(dst, old, c, x, rows, m, k2, k)
	}
}

func productsFast(dst, c, x []float64, terms, m, k, cStride, xStride int) {
	k2 := k &^ 1
	if !fast || k2 == 0 || k > len(zeros) {
		productsGo(dst, c, x, terms, m, 0, k, cStride, xStride)
		return
	}
	outer(&dst[0], &zeros[0], &c[0], &x[0], terms, m, k2, 8*k, 0, 8*cStride, 8*xStride)
	if k2 < k {
		productsGo(dst, c, x, terms, m, k2, k, cStride, xStride)
	}
}

func addOuterLanesFast(dw, c, x []float64, m, k, lanes int) {
	if !fast || lanes != 8 || m == 0 || k == 0 {
		addOuterLanesGo(dw, c, x, m, k, lanes)
		return
	}
	addOuter8(&dw[0], &c[0], &x[0], m, k)
}

// rows8Fast says how many of the first numbers it has done.
func rows8Fast(dst, src []float64, n, stride int) int {
	n &^= 3
	if !fast || n == 0 {
		return 0
	}
	_, _ = dst[7*stride+n-1], src[8*n-1]
	rows8(&dst[0], &src[0], n, 8*stride)
	return n
}

// sum8Fast says how many of the first numbers it has done.
func sum8Fast(dst, src []float64) int {
	n := len(dst)
	if !fast || n == 0 {
		return 0
	}
	_ = src[8*n-1]
	sum8(&dst[0], &src[0], n)
	return n
}

// finiteFast says how many of the first numbers are finite, at least.
func finiteFast(v []float64) int {
	n := len(v) &^ 15
	if !fast || n == 0 || finite(&v[0], n) != 0 {
		return 0
	}
	return n
}

func adamFast(x, m, v, x0, m0, v0, g []float64, s *AdamStep) {
	n := 0
	if fast && len(g) >= 4 {
		n = len(g) &^ 3
		adam(&x[0], &m[0], &v[0], &x0[0], &m0[0], &v0[0], &g[0], &s.KeepM, n)
	}
	adamGo(x[n:], m[n:], v[n:], x0[n:], m0[n:], v0[n:], g[n:], s)
}

// packRowsFast and packColumnsFast say how many of the numbers of a row they have
// done.
func packRowsFast[T Number](a []T, w []float64) int {
	n := len(w) &^ 7
	if !fast || n == 0 {
		return 0
	}
	_ = a[(n-8)*PanelHeight+7]
	switch a := any(&a[0]).(type) {
	case *float32:
		packRowsSingle(a, &w[0], n/8)
	case *float64:
		packRows(a, &w[0], n/8)
	}
	return n
}

func packColumnsFast[T Number](a []T, w []float64, m, k, stride int) int {
	n := m / PanelHeight
	if !fast || n == 0 {
		return 0
	}
	apart := PanelHeight * whole(k)
	_, _ = a[(n-1)*apart+8*PanelHeight-1], w[7*stride+m-1]
	switch a := any(&a[0]).(type) {
	case *float32:
		packColumnsSingle(a, &w[0], n, 8*stride, 4*apart)
	case *float64:
		packColumns(a, &w[0], n, 8*stride, 8*apart)
	}
	return n * PanelHeight
}

// fast reports whether there is assembly for the part.
func (t *tiles[T]) fast(y, z, x, u []T, both bool) bool {
	if !fast {
		return false
	}
	last := t.terms - 1
	_, _, _, _, _ = y[8*t.rows-1], z[8*t.rows-1], x[8*last+7], u[8*last+7], t.a[t.at(t.rows-1, last)]
	var bias *T
	if t.bias != nil {
		_ = t.bias[t.rows-1]
		bias = &t.bias[0]
	}
	switch a := any(&t.a[0]).(type) {
	case *float32:
		p := func(v *T) *float32 { return any(v).(*float32) }
		if t.columns {
			tileColumnsSingle(p(&y[0]), p(&z[0]), p(bias), a, p(&x[0]), p(&u[0]), t.terms, t.rows, 4*t.apart)
		} else {
			tileRowsSingle(p(&y[0]), p(&z[0]), p(bias), a, p(&x[0]), p(&u[0]), t.terms, t.rows, 4*t.apart)
		}
	case *float64: // eight numbers are two registers
		t.fastDouble(any(y).([]float64), any(x).([]float64), any(bias).(*float64), a)
		if both {
			t.fastDouble(any(z).([]float64), any(u).([]float64), any(bias).(*float64), a)
		}
	}
	return true
}

func (t *tiles[T]) fastDouble(y, x []float64, bias, a *float64) {
	if t.columns {
		tileColumns(&y[0], &y[4], bias, a, &x[0], &x[4], t.terms, t.rows, 8*t.apart)
	} else {
		tileRows(&y[0], &y[4], bias, a, &x[0], &x[4], t.terms, t.rows, 8*t.apart)
	}
}

// fast reports whether there is assembly for the part.
func (t *outerPart[T]) fast(dst, old []float64) bool {
	if !fast {
		return false
	}
	last := t.rows - 1
	_, _, _, _ = dst[last*t.stride+t.wide-1], old[last*t.oldStride+t.wide-1], t.a[t.at(last, t.terms-1)], t.b[t.wide*t.terms-1]
	switch a := any(&t.a[0]).(type) {
	case *float32:
		outerTilesSingle(&dst[0], &old[0], a, any(&t.b[0]).(*float32), 8*t.stride, 8*t.oldStride, t.terms, t.rows, 4*t.apart)
	case *float64:
		outerTiles(&dst[0], &old[0], a, any(&t.b[0]).(*float64), 8*t.stride, 8*t.oldStride, t.terms, t.rows, 8*t.apart)
	}
	return true
}

// rows8SingleFast says how many of the first numbers it has done.
func rows8SingleFast(dst, src []float32, n, stride int) int {
	n &^= 7
	if !fast || n == 0 {
		return 0
	}
	_, _ = dst[7*stride+n-1], src[8*n-1]
	rows8Single(&dst[0], &src[0], n, 4*stride)
	return n
}
