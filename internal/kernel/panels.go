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

// across is how many rows' panels stay in the second-level cache.
const across = 8 * PanelHeight

// PanelWords is how many numbers the panels of m rows and k columns take.
func PanelWords(m, k int) int { return (m + PanelHeight - 1) / PanelHeight * PanelHeight * whole(k) }

// whole is n up to whole blocks of eight.
func whole(n int) int { return (n + 7) &^ 7 }

// PackRows makes panels by rows of w, which has m rows of k numbers.
func PackRows[T Number](a []T, w []float64, m, k int) { packRowsOf(a, w, m, k, k) }

// packRowsOf is PackRows for rows that are a stride apart.
func packRowsOf[T Number](a []T, w []float64, m, k, stride int) {
	for i := range m {
		row := w[i*stride:][:k]
		to := a[i/PanelHeight*PanelHeight*whole(k)+i%PanelHeight*8:]
		for j := packRowsFast(to, row); j < k; j++ {
			to[j&^7*PanelHeight+j&7] = T(row[j])
		}
	}
}

// PackColumns makes panels by columns of the transpose of w, which has k rows of
// m numbers.
func PackColumns[T Number](a []T, w []float64, m, k int) { packColumnsOf(a, w, m, k, m) }

// packColumnsOf is PackColumns for rows that are a stride apart.
func packColumnsOf[T Number](a []T, w []float64, m, k, stride int) {
	for j := 0; j < k; j += 8 {
		to, from := a[PanelHeight*j:], w[j*stride:]
		done, n := 0, min(8, k-j)
		if n == 8 {
			done = packColumnsFast(to, from, m, k, stride)
		}
		for l := range n {
			for i := done; i < m; i++ {
				to[i/PanelHeight*PanelHeight*whole(k)+PanelHeight*l+i%PanelHeight] = T(from[l*stride+i])
			}
		}
	}
}

// Product sets y[i·8+l] to bias[i] + Σⱼ a(i,j) x[j·8+l] for i < m and l < 8, the
// sum over j < k, for each x and its y. a stands in panels. Without a bias sums
// start from zero.
func Product[T Number](ys, xs [][]T, a, bias []T, m, k int, columns bool) {
	if bias == nil {
		bias = noBias[T](m)
	}
	for from := 0; from < k; from += depth {
		for top := 0; top < m; top += across {
			t := newTiles(bias, m, k, top, from, columns)
			t.a, t.apart = a[top*whole(k)+from*PanelHeight:], PanelHeight*whole(k)
			t.products(ys, xs, top, from)
		}
	}
}

// BlockWords is how many numbers ProductOnce needs room for.
const BlockWords = across * depth

// ProductOnce is Product for a matrix of doubles as PackRows or, with columns,
// PackColumns takes it. It makes panels of a part of it at a time, in the room of
// block, so that a matrix that is used once is read once.
func ProductOnce[T Number](ys, xs [][]T, w []float64, block, bias []T, m, k int, columns bool) {
	if bias == nil {
		bias = noBias[T](m)
	}
	for from := 0; from < k; from += depth {
		for top := 0; top < m; top += across {
			t := newTiles(bias, m, k, top, from, columns)
			t.a, t.apart = block, PanelHeight*whole(t.terms)
			if columns {
				packColumnsOf(block, w[from*m+top:], t.rows, t.terms, m)
			} else {
				packRowsOf(block, w[top*k+from:], t.rows, t.terms, k)
			}
			t.products(ys, xs, top, from)
		}
	}
}

// tiles are a part of a product: some rows and some terms.
type tiles[T Number] struct {
	a, bias            []T
	apart, terms, rows int
	columns            bool
}

// newTiles is the part of a product that begins with a row and a term.
func newTiles[T Number](bias []T, m, k, top, from int, columns bool) tiles[T] {
	t := tiles[T]{terms: min(depth, k-from), rows: min(across, m-top), columns: columns}
	if from == 0 {
		t.bias = bias[top:]
	}
	return t
}

// products adds the part to each y.
func (t *tiles[T]) products(ys, xs [][]T, top, from int) {
	for g := 0; g < len(xs); g += 2 {
		h := min(g+1, len(xs)-1)
		t.product(ys[g][8*top:], ys[h][8*top:], xs[g][8*from:], xs[h][8*from:], h > g)
	}
}

// noBias are m zeros.
func noBias[T Number](m int) []T {
	switch z := any(&zeroSingles).(type) {
	case *[len(zeroSingles)]T:
		if m <= len(z) {
			return z[:m]
		}
	}
	if z, ok := any(&zeros).(*[len(zeros)]T); ok && m <= len(z) {
		return z[:m]
	}
	return make([]T, m)
}

// product adds the part to y, and with both to z as well.
func (t *tiles[T]) product(y, z, x, u []T, both bool) {
	if t.fast(y, z, x, u, both) {
		return
	}
	t.slow(y, x)
	if both {
		t.slow(z, u)
	}
}

func (t *tiles[T]) slow(y, x []T) {
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
			v, xs := t.a[t.at(i, j)], x[8*j:][:8]
			for l := range s {
				s[l] = fma(v, xs[l], s[l])
			}
		}
		copy(y[8*i:], s[:])
	}
}

// at is where number j of row i stands.
func (t *tiles[T]) at(i, j int) int {
	at := i / PanelHeight * t.apart
	if i %= PanelHeight; t.columns {
		return at + PanelHeight*j + i
	}
	return at + j&^7*PanelHeight + 8*i + j&7
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

	part [across * 16]float64 // room for columns
}

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

// AddTo sets dst[i·k+j] to old[i·k+j] + Σ c(i) x(j), the sum from zero on and in
// the precision of the factors. Without old, which may be dst, it is all.
func (o *Outers[T]) AddTo(dst, old []float64) {
	for top := 0; top < o.m; top += across {
		for j := 0; j < o.k; j += o.wide {
			o.columns(dst, old, top, j)
		}
	}
}

// columns adds two registers of some rows, from row i and column j on.
func (o *Outers[T]) columns(dst, old []float64, i, j int) {
	at := i*o.k + j
	t := outerPart[T]{a: o.c[i*o.room:], b: o.x[j*o.room:], wide: o.wide, stride: o.k, terms: o.n, rows: min(across, o.m-i), apart: PanelHeight * o.room}
	from := zeros[:]
	if old != nil {
		from, t.oldStride = old[at:], o.k
	}
	width := o.k - j
	if width >= o.wide {
		t.add(dst[at:], from)
		return
	}
	for r := range t.rows {
		copy(o.part[r*o.wide:], from[r*t.oldStride:][:width])
	}
	t.stride, t.oldStride = o.wide, o.wide
	t.add(o.part[:], o.part[:])
	for r := range t.rows {
		copy(dst[at+r*o.k:][:width], o.part[r*o.wide:])
	}
}

// outerPart is a part of a sum of outer products: some rows, and the columns of
// two registers.
type outerPart[T Number] struct {
	a, b               []T
	wide               int
	stride, oldStride  int // between rows
	terms, rows, apart int
}

// at is where product r has its number of row i.
func (t *outerPart[T]) at(i, r int) int {
	return i/PanelHeight*t.apart + r&^7*PanelHeight + i%PanelHeight*8 + r&7
}

// add sets dst to old and the sum.
func (t *outerPart[T]) add(dst, old []float64) {
	if t.terms > 0 && t.fast(dst, old) {
		return
	}
	for i := range t.rows {
		for j := range t.wide {
			s := T(0)
			for r := range t.terms {
				s = fma(t.b[t.wide*r+j], t.a[t.at(i, r)], s)
			}
			dst[i*t.stride+j] = old[i*t.oldStride+j] + float64(s)
		}
	}
}
