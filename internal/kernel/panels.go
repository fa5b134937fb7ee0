package kernel

import (
	"math"

	"github.com/pinode/pinode/internal/scalar"
)

// Products of large matrices go tile by tile, six rows and two registers of
// columns at a time. One factor stands in *panels* of six rows, each of which is
// read in order by the tiles of its rows:
//
//   - by rows: blocks of eight columns, which have eight numbers of each row;
//   - by columns: column by column, six numbers each, as those of a matrix that
//     is turned round are found side by side.
//
// K.Goto, R.A. van de Geijn, ACM Trans. Math. Softw. 34(3), 12, 2008; F.G. Van
// Zee, R.A. van de Geijn, ACM Trans. Math. Softw. 41(3), 14, 2015.

// Number is what there are panels of.
type Number interface{ float32 | float64 }

// PanelHeight is how many rows a panel has.
const PanelHeight = 6

// depth is how many terms go to a tile at a time: so much of a panel and of the
// other factor stays in the nearest cache.
const depth = 256

// PanelWords is how many numbers the panels of m rows and k columns take.
func PanelWords(m, k int) int { return (m + PanelHeight - 1) / PanelHeight * PanelHeight * whole(k) }

// whole is n up to whole blocks of eight.
func whole(n int) int { return (n + 7) &^ 7 }

// PackRows makes panels by rows of w, which has m rows of k numbers.
func PackRows[T Number](a []T, w []float64, m, k int) {
	for i := range m {
		row := w[i*k:][:k]
		to := a[i/PanelHeight*PanelHeight*whole(k)+i%PanelHeight*8:]
		for j := 0; j < k; j, to = j+8, to[min(8*PanelHeight, len(to)):] {
			for l, v := range row[j:min(j+8, k)] {
				to[l] = T(v)
			}
		}
	}
}

// PackColumns makes panels by columns of the transpose of w, which has k rows of
// m numbers.
func PackColumns[T Number](a []T, w []float64, m, k int) {
	for i := 0; i < m; i += PanelHeight {
		to, n := a[i*whole(k):], min(PanelHeight, m-i)
		for j := range k {
			for l, v := range w[j*m+i:][:n] {
				to[PanelHeight*j+l] = T(v)
			}
		}
	}
}

// Product sets y[i·8+l] to bias[i] + Σⱼ a(i,j) x[j·8+l] for i < m and l < 8, the
// sum over j < k, for each x and its y. a stands in panels. Without a bias sums
// start from zero.
func Product[T Number](ys, xs [][]T, a, bias []T, m, k int, columns bool) {
	none := [PanelHeight]T{}
	for from := 0; from < k; from += depth {
		n := min(depth, k-from)
		for i := 0; i < m; i += PanelHeight {
			t := tile[T]{a: a[i*whole(k)+from*PanelHeight:], terms: n, rows: min(PanelHeight, m-i), columns: columns}
			switch {
			case from > 0:
			case bias == nil:
				t.bias = none[:]
			default:
				t.bias = bias[i:]
			}
			for g := 0; g < len(xs); g += 2 {
				h := min(g+1, len(xs)-1)
				t.product(ys[g][8*i:], ys[h][8*i:], xs[g][8*from:], xs[h][8*from:], h > g)
			}
		}
	}
}

// tile is a part of a product: some rows of a panel and some terms.
type tile[T Number] struct {
	a, bias     []T
	terms, rows int
	columns     bool
}

// product adds the tile to y, and with both to z as well.
func (t *tile[T]) product(y, z, x, u []T, both bool) {
	if t.fast(y, z, x, u, both) {
		return
	}
	t.slow(y, x)
	if both {
		t.slow(z, u)
	}
}

func (t *tile[T]) slow(y, x []T) {
	for i := range t.rows {
		var s [8]T
		if t.bias != nil {
			for l := range s {
				s[l] = t.bias[i]
			}
		} else {
			copy(s[:], y[8*i:])
		}
		for j := range t.terms {
			v, xs := t.at(i, j), x[8*j:][:8]
			for l := range s {
				s[l] = fma(v, xs[l], s[l])
			}
		}
		copy(y[8*i:], s[:])
	}
}

// at is number j of row i of the panel.
func (t *tile[T]) at(i, j int) T {
	if t.columns {
		return t.a[PanelHeight*j+i]
	}
	return t.a[j&^7*PanelHeight+8*i+j&7]
}

func fma[T Number](x, y, z T) T {
	switch x := any(x).(type) {
	case float32:
		return T(scalar.FMASingle(x, float32(y), float32(z)))
	default:
		return T(math.FMA(float64(any(x).(T)), float64(y), float64(z)))
	}
}

// Outers are factors of outer products c xᵀ that are to be added to a matrix of
// m rows and k columns: c in panels by rows, whose columns are the products, and x
// in panels of columns that make two registers, one product after the other.
type Outers[T Number] struct {
	c, x             []T
	m, k, wide, room int
	n                int // products

	sum [PanelHeight * 16]float64 // room for a tile
}

// singles is how many terms are added up in single precision before they join a
// sum.
const singles = 32

// NewOuters has room for so many products, a multiple of eight.
func NewOuters[T Number](m, k, room int) *Outers[T] {
	wide := 16
	if isDouble[T]() {
		wide = 8
	}
	return &Outers[T]{m: m, k: k, wide: wide, room: room, c: make([]T, PanelWords(m, room)), x: make([]T, (k+wide-1)/wide*wide*room)}
}

func isDouble[T Number]() bool { return T(1)/3 == T(float64(1)/3) && float64(T(1)/3) == 1./3 }

// Len is how many products there are, Full whether there is no room for another.
func (o *Outers[T]) Len() int   { return o.n }
func (o *Outers[T]) Full() bool { return o.n == o.room }

// Clear forgets the products.
func (o *Outers[T]) Clear() { o.n = 0 }

// Add8 takes the factors of eight lanes and reports whether it did: the room must
// have a whole block left.
func (o *Outers[T]) Add8(c, x []T) bool {
	if o.n%8 > 0 || o.n == o.room {
		return false
	}
	for i := 0; i < o.m; i += PanelHeight {
		copy(o.c[i*o.room+o.n*PanelHeight:], c[8*i:8*min(i+PanelHeight, o.m)])
	}
	for j := 0; j < o.k; j += 8 {
		o.turn8(o.x[j/o.wide*o.wide*o.room+o.n*o.wide+j%o.wide:], x[8*j:], min(8, o.k-j))
	}
	o.n += 8
	return true
}

// turn8 makes rows of n numbers of eight lanes each.
func (o *Outers[T]) turn8(dst, src []T, n int) {
	switch dst := any(dst).(type) {
	case []float32:
		Rows8Single(dst, any(src).([]float32), n, o.wide)
	case []float64:
		Rows8(dst, any(src).([]float64), n, o.wide)
	}
}

// Add takes factors whose numbers stand so far apart.
func (o *Outers[T]) Add(c, x []T, cStep, xStep int) {
	block, l := o.n&^7*PanelHeight, o.n%8
	for i := range o.m {
		o.c[i/PanelHeight*PanelHeight*o.room+block+i%PanelHeight*8+l] = c[i*cStep]
	}
	for j := range o.k {
		o.x[j/o.wide*o.wide*o.room+o.n*o.wide+j%o.wide] = x[j*xStep]
	}
	o.n++
}

// AddTo sets dst[i·k+j] to old[i·k+j] + Σ c(i) x(j), one product after the other,
// and with joins to old[i·k+j] plus the sum from zero. Without old, which may be
// dst, it is zero. In single precision it is sums of up to 32 products that are
// added one after the other in double precision.
func (o *Outers[T]) AddTo(dst, old []float64, joins bool) {
	const across = 16 * PanelHeight // rows whose panels stay in the second-level cache
	for top := 0; top < o.m; top += across {
		for j := 0; j < o.k; j += o.wide {
			for i := top; i < min(top+across, o.m); i += PanelHeight {
				o.tile(dst, old, i, j, joins)
			}
		}
	}
}

// tile adds a tile whose first number is (i, j).
func (o *Outers[T]) tile(dst, old []float64, i, j int, joins bool) {
	rows, at := min(PanelHeight, o.m-i), i*o.k+j
	from, oldStride := zeros[:], 0
	if old != nil {
		from, oldStride = old[at:], o.k
	}
	a, b := o.c[i*o.room:], o.x[j*o.room:]
	if wide := o.k - j; wide < o.wide { // by way of a whole tile
		var part, was [PanelHeight * 16]float64
		for r := range rows {
			copy(was[r*o.wide:], from[r*oldStride:][:wide])
		}
		o.whole(part[:], was[:], a, b, o.wide, o.wide, rows, joins)
		for r := range rows {
			copy(dst[at+r*o.k:][:wide], part[r*o.wide:])
		}
		return
	}
	o.whole(dst[at:], from, a, b, o.k, oldStride, rows, joins)
}

// whole adds a tile that has all of its columns.
func (o *Outers[T]) whole(dst, old []float64, a, b []T, stride, oldStride, rows int, joins bool) {
	if s, ok := any(a).([]float32); ok {
		o.wholeSingle(dst, old, s, any(b).([]float32), stride, oldStride, rows, joins)
		return
	}
	d, x := any(a).([]float64), any(b).([]float64)
	if !tileOuterFast(dst, old, d, x, stride, oldStride, o.n, rows, joins) {
		tileOuterGo(dst, old, d, x, stride, oldStride, o.n, rows, joins)
	}
}

// wholeSingle adds 32 products at a time, to the sum of those before.
func (o *Outers[T]) wholeSingle(dst, old []float64, a, b []float32, stride, oldStride, rows int, joins bool) {
	from, fromStride := old, oldStride
	if joins {
		from, fromStride = zeros[:], 0
	}
	for at := 0; at < o.n || at == 0; at += singles {
		to, toStride, base := o.sum[:], 16, []float64(nil)
		if at+singles >= o.n {
			if to, toStride = dst, stride; joins {
				base = old
			}
		}
		n := min(singles, o.n-at)
		if !tileOuterSingleFast(to, from, base, a[at*PanelHeight:], b[at*16:], toStride, fromStride, oldStride, n, rows) {
			tileOuterSingleGo(to, from, base, a[at*PanelHeight:], b[at*16:], toStride, fromStride, oldStride, n, rows)
		}
		from, fromStride = o.sum[:], 16
	}
}

func tileOuterGo(dst, old, a, b []float64, stride, oldStride, terms, rows int, joins bool) {
	for i := range rows {
		for j := range 8 {
			was := old[i*oldStride+j]
			s := was
			if joins {
				s = 0
			}
			for r := range terms {
				s = math.FMA(b[8*r+j], a[r&^7*PanelHeight+8*i+r&7], s)
			}
			if joins {
				s += was
			}
			dst[i*stride+j] = s
		}
	}
}

func tileOuterSingleGo(dst, old, base []float64, a, b []float32, stride, oldStride, baseStride, terms, rows int) {
	for i := range rows {
		for j := range 16 {
			s := float32(0)
			for r := range terms {
				s = scalar.FMASingle(b[16*r+j], a[r&^7*PanelHeight+8*i+r&7], s)
			}
			sum := old[i*oldStride+j] + float64(s)
			if base != nil {
				sum += base[i*baseStride+j]
			}
			dst[i*stride+j] = sum
		}
	}
}
