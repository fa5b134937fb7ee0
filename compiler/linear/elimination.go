package linear

import (
	"math"
	"math/bits"
	"slices"

	"github.com/pinode/pinode/compiler/ir"
)

// pattern is which entries of a square matrix may differ from zero, by row.
type pattern [][]uint64

func newPattern(rows [][]int) pattern {
	n := len(rows)
	p := make(pattern, n)
	for i, row := range rows {
		p[i] = make([]uint64, (n+63)/64)
		for _, j := range row {
			p.set(i, j)
		}
	}
	return p
}

func (p pattern) set(i, j int)      { p[i][j/64] |= 1 << (j % 64) }
func (p pattern) has(i, j int) bool { return p[i][j/64]>>(j%64)&1 != 0 }

// eliminate returns the order of elimination that Markowitz' rule gives, and fills the
// pattern in. The first of those that are alike is taken, but constants are taken first:
// they are never zero later. constant says which pivots are. It is nil where no pivot is left.
func (p pattern) eliminate(constant []bool) (order []int) {
	n := len(p)
	left := make([]uint64, (n+63)/64)
	for i := range n {
		left[i/64] |= 1 << (i % 64)
	}
	for range n {
		best, least := -1, 0
		for k := range n {
			if left[k/64]>>(k%64)&1 == 0 || !p.has(k, k) {
				continue
			}
			row, col := -1, -1
			for w, word := range p[k] {
				row += bits.OnesCount64(word & left[w])
			}
			for i := range n {
				if left[i/64]>>(i%64)&1 != 0 && p.has(i, k) {
					col++
				}
			}
			cost := 2 * row * col
			if !constant[k] {
				cost++
			}
			if best < 0 || cost < least {
				best, least = k, cost
			}
		}
		if best < 0 {
			return nil
		}
		order = append(order, best)
		left[best/64] &^= 1 << (best % 64)
		for i := range n {
			if left[i/64]>>(i%64)&1 == 0 || !p.has(i, best) {
				continue
			}
			constant[i] = constant[i] && !p.has(best, i)
			for w, word := range p[best] {
				p[i][w] |= word & left[w]
			}
		}
	}
	return order
}

// entries is how many entries the pattern has.
func (p pattern) entries() (count int) {
	for _, row := range p {
		for _, word := range row {
			count += bits.OnesCount64(word)
		}
	}
	return count
}

// Elimination is how systems are solved whose matrix has entries at some places, and all
// of its diagonal.
type Elimination struct {
	Rows    [][]int // the columns of the entries but for the diagonal, by row
	Order   []int
	entries int // of the matrix, with the fill-in
	updates int // of these while it is factored
}

// NewElimination finds the order of elimination.
func NewElimination(rows [][]int) *Elimination {
	p := newPattern(rows)
	for i := range p {
		p.set(i, i)
	}
	x := &Elimination{Rows: rows, Order: p.eliminate(make([]bool, len(p)))}
	x.entries = p.entries()
	done := make([]bool, len(rows))
	for _, k := range x.Order {
		done[k] = true
		row, col := 0, 0
		for i := range done {
			if !done[i] && p.has(k, i) {
				row++
			}
			if !done[i] && p.has(i, k) {
				col++
			}
		}
		x.updates += row * col
	}
	return x
}

// Operations is how many a factorisation and so many solutions take.
func (x *Elimination) Operations(solutions int) int {
	return x.updates + x.entries*(solutions+2)
}

// Factors are those of a matrix, as nodes: in the order of elimination, the negative
// factors of the rows below each pivot, the rows behind it, and the inverse of the pivot.
type Factors struct {
	b            *ir.Builder
	order        []int
	inverse      []*ir.Node // by row
	below, right [][]term   // by row
}

// term is an entry of a matrix beside its pivot, in another row or column.
type term struct {
	at    int
	value *ir.Node
}

// Factor factors a matrix, whose entries that are nil are zero. It uses up its rows.
func Factor(b *ir.Builder, m [][]*ir.Node, order []int) *Factors {
	n := len(m)
	f := &Factors{b: b, order: order, inverse: make([]*ir.Node, n), below: make([][]term, n), right: make([][]term, n)}
	done := make([]bool, n)
	for _, k := range order {
		done[k] = true
		f.inverse[k] = b.Div(b.Const(1), m[k][k])
		for j, v := range m[k] {
			if v != nil && !done[j] {
				f.right[k] = append(f.right[k], term{j, v})
			}
		}
		for i := range n {
			if done[i] || m[i][k] == nil {
				continue
			}
			l := b.Neg(b.Mul(m[i][k], f.inverse[k]))
			f.below[k] = append(f.below[k], term{i, l})
			for _, u := range f.right[k] {
				m[i][u.at] = MulAdd(b, l, u.value, m[i][u.at])
			}
		}
	}
	return f
}

// MulAdd is x·y + z, where z may be nil for zero, and none of the product is computed
// where it is zero.
func MulAdd(b *ir.Builder, x, y, z *ir.Node) *ir.Node {
	switch {
	case x.IsConst(0) || y.IsConst(0):
		if z == nil {
			return b.Const(0)
		}
		return z
	case z == nil || z.IsConst(0):
		return b.Mul(x, y)
	}
	if v, ok := constant(x); ok {
		if w, ok := constant(y); ok {
			if c, ok := constant(z); ok {
				return b.Const(math.FMA(v, w, c))
			}
		}
	}
	return b.Apply(ir.OpFma, x, y, z)
}

// constant is the value of a number that is known.
func constant(n *ir.Node) (float64, bool) {
	if n.Op != ir.OpConst {
		return 0, false
	}
	return n.Const()
}

// Singular reports whether a pivot is zero whatever the numbers are that are not known.
func (f *Factors) Singular() bool {
	return slices.ContainsFunc(f.inverse, func(n *ir.Node) bool {
		v, ok := constant(n)
		return ok && math.IsInf(v, 0)
	})
}

// Solve solves Ax = v, by row.
func (f *Factors) Solve(v []*ir.Node) []*ir.Node {
	b := f.b
	x := append([]*ir.Node{}, v...)
	for _, k := range f.order {
		for _, l := range f.below[k] {
			x[l.at] = MulAdd(b, l.value, x[k], x[l.at])
		}
	}
	for at := len(f.order) - 1; at >= 0; at-- {
		k := f.order[at]
		var sum *ir.Node
		for _, u := range f.right[k] {
			sum = MulAdd(b, u.value, x[u.at], sum)
		}
		if sum != nil {
			x[k] = b.Sub(x[k], sum)
		}
		x[k] = b.Mul(x[k], f.inverse[k])
	}
	return x
}

// SolveTransposed solves Aᵀx = v.
func (f *Factors) SolveTransposed(v []*ir.Node) []*ir.Node {
	b := f.b
	sums := make([]*ir.Node, len(v))
	x := append([]*ir.Node{}, v...)
	for _, k := range f.order {
		if sums[k] != nil {
			x[k] = b.Sub(x[k], sums[k])
		}
		x[k] = b.Mul(x[k], f.inverse[k])
		for _, u := range f.right[k] {
			sums[u.at] = MulAdd(b, u.value, x[k], sums[u.at])
		}
	}
	for at := len(f.order) - 1; at >= 0; at-- {
		k := f.order[at]
		for _, l := range f.below[k] {
			x[k] = MulAdd(b, l.value, x[l.at], x[k])
		}
	}
	return x
}

// Solve is the solution of a system, whose equations are in an order in which each has an
// unknown of its own. It is nil where the matrix is singular whatever its entries are.
func Solve(b *ir.Builder, a [][]*ir.Node, right []*ir.Node) []*ir.Node {
	n := len(right)
	m, rows, constant := make([][]*ir.Node, n), make([][]int, n), make([]bool, n)
	for i := range a {
		m[i] = make([]*ir.Node, n)
		for j, v := range a[i] {
			if !v.IsConst(0) {
				m[i][j], rows[i] = v, append(rows[i], j)
			}
		}
		constant[i] = a[i][i].Op == ir.OpConst
	}
	order := newPattern(rows).eliminate(constant)
	if order == nil {
		return nil
	}
	f := Factor(b, m, order)
	if f.Singular() {
		return nil
	}
	return f.Solve(right)
}
