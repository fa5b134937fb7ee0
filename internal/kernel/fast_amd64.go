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

// fast reports whether there is assembly for the tile.
func (t *tile[T]) fast(y, z, x, u []T, both bool) bool {
	if !fast {
		return false
	}
	last := t.terms - 1
	end := last&^7*PanelHeight + 8*t.rows - 8 + last&7
	if t.columns {
		end = last*PanelHeight + t.rows - 1
	}
	_, _, _, _, _ = y[8*t.rows-1], z[8*t.rows-1], x[8*last+7], u[8*last+7], t.a[end]
	var bias *T
	if t.bias != nil {
		_ = t.bias[t.rows-1]
		bias = &t.bias[0]
	}
	switch a := any(&t.a[0]).(type) {
	case *float32:
		p := func(v *T) *float32 { return any(v).(*float32) }
		if t.columns {
			tileColumnsSingle(p(&y[0]), p(&z[0]), p(bias), a, p(&x[0]), p(&u[0]), t.terms, t.rows)
		} else {
			tileRowsSingle(p(&y[0]), p(&z[0]), p(bias), a, p(&x[0]), p(&u[0]), t.terms, t.rows)
		}
	case *float64: // eight numbers are two registers
		p := func(v *T) *float64 { return any(v).(*float64) }
		f := tileRows
		if t.columns {
			f = tileColumns
		}
		f(p(&y[0]), p(&y[4]), p(bias), a, p(&x[0]), p(&x[4]), t.terms, t.rows)
		if both {
			f(p(&z[0]), p(&z[4]), p(bias), a, p(&u[0]), p(&u[4]), t.terms, t.rows)
		}
	}
	return true
}

func tileOuterFast(dst, old, a, b []float64, stride, oldStride, terms, rows int, joins bool) bool {
	if !fast || terms == 0 {
		return false
	}
	_, _ = dst[(rows-1)*stride+7], old[(rows-1)*oldStride+7]
	_, _ = a[(terms-1)&^7*PanelHeight+8*rows-8+(terms-1)&7], b[8*terms-1]
	tileOuter(&dst[0], &old[0], &a[0], &b[0], 8*stride, 8*oldStride, terms, rows, truth(joins))
	return true
}

func tileOuterSingleFast(dst, old, base []float64, a, b []float32, stride, oldStride, baseStride, terms, rows int) bool {
	if !fast || terms == 0 {
		return false
	}
	_, _ = dst[(rows-1)*stride+15], old[(rows-1)*oldStride+15]
	_, _ = a[(terms-1)&^7*PanelHeight+8*rows-8+(terms-1)&7], b[16*terms-1]
	var third *float64
	if base != nil {
		_ = base[(rows-1)*baseStride+15]
		third = &base[0]
	}
	tileOuterSingle(&dst[0], &old[0], third, &a[0], &b[0], 8*stride, 8*oldStride, 8*baseStride, terms, rows)
	return true
}

func truth(b bool) int {
	if b {
		return 1
	}
	return 0
}
