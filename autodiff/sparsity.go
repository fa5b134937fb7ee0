package autodiff

import (
	"slices"

	"github.com/pinode/pinode/compiler/ir"
)

// Sparsity returns, for each element of out, the sorted elements of wrt that
// its derivative can depend on by the structure of the graph; elements may share a list. What enters
// through comparisons, sign, floor and ceil only, or is multiplied by a
// constant zero, is not among them.
func Sparsity(out, wrt *ir.Node) [][]int {
	part := wrt
	wrt = variables([]*ir.Node{part})[0]
	n := wrt.Shape.Size()
	nodes := ir.Reach(out)
	p := &pattern{of: newTable[[]elements](nodes)}
	self := make([]elements, n)
	for i := range self {
		self[i] = elements{int32(i)}
	}
	if wrt.ID < len(p.of) { // else out does not depend on it
		p.of[wrt.ID] = self
	}
	for _, node := range nodes {
		if node != wrt && len(node.Args) > 0 {
			p.visit(node)
		}
	}
	first := 0
	if part != wrt {
		first, n = part.Off, part.Shape.Size()
	}
	rows := make([][]int, out.Shape.Size())
	known := map[*int32]int{} // by where a list stands, the first row that has it: rows share it, as where all read a mean
	for i := range rows {
		s := p.at(out, i)
		if len(s) == 0 {
			continue
		}
		if k, ok := known[&s[0]]; ok && len(p.at(out, k)) == len(s) {
			rows[i] = rows[k]
			continue
		}
		known[&s[0]] = i
		for _, j := range s {
			if k := int(j) - first; k >= 0 && k < n {
				rows[i] = append(rows[i], k)
			}
		}
	}
	return rows
}

// elements is an immutable, ascending list of elements of wrt.
type elements []int32

// or is the union of two lists. Memory is shared where one holds the other, as in most
// unions, so that all lists together are not much larger than the nonzeros.
func (s elements) or(t elements) elements {
	switch {
	case len(t) == 0 || len(s) == len(t) && len(s) > 0 && &s[0] == &t[0]:
		return s
	case len(s) == 0:
		return t
	case s.holds(t):
		return s
	case t.holds(s):
		return t
	}
	u := make(elements, 0, len(s)+len(t))
	for len(s) > 0 && len(t) > 0 {
		switch {
		case s[0] < t[0]:
			u, s = append(u, s[0]), s[1:]
		case s[0] > t[0]:
			u, t = append(u, t[0]), t[1:]
		default:
			u, s, t = append(u, s[0]), s[1:], t[1:]
		}
	}
	return append(append(u, s...), t...)
}

// union is the union of n lists. Halves are joined, so that the work is no more than a few times the elements.
func union(n int, list func(i int) elements) elements {
	switch n {
	case 0:
		return nil
	case 1:
		return list(0)
	}
	return union(n/2, list).or(union(n-n/2, func(i int) elements { return list(n/2 + i) }))
}

// holds reports whether all elements of t are among s.
func (s elements) holds(t elements) bool {
	if len(t) > len(s) {
		return false
	}
	for _, x := range t {
		for len(s) > 0 && s[0] < x {
			s = s[1:]
		}
		if len(s) == 0 || s[0] != x {
			return false
		}
	}
	return true
}

// pattern has the dependences of each element of the nodes that have any.
type pattern struct {
	of table[[]elements]
}

// at is the set of element i; a scalar stands for all elements.
func (p *pattern) at(n *ir.Node, i int) elements {
	s := p.of[n.ID]
	switch {
	case s == nil:
		return nil
	case len(s) == 1:
		return s[0]
	}
	return s[i]
}

// times is the set of a product of element i of x and element j of y.
func (p *pattern) times(x *ir.Node, i int, y *ir.Node, j int) elements {
	zero := func(n *ir.Node, i int) bool {
		return n.Op == ir.OpConst && n.At(min(i, len(n.Values)-1)) == 0
	}
	if zero(x, i) || zero(y, j) {
		return nil
	}
	return p.at(x, i).or(p.at(y, j))
}

// visit finds the sets of a node from those of its arguments.
func (p *pattern) visit(n *ir.Node) {
	if !slices.ContainsFunc(n.Args, func(a *ir.Node) bool { return p.of[a.ID] != nil }) {
		return
	}
	set := make([]elements, n.Shape.Size())
	a := n.Args
	every := func(x *ir.Node) elements {
		return union(x.Shape.Size(), func(i int) elements { return p.at(x, i) })
	}
	switch n.Op {
	case ir.OpFactor, ir.OpSign, ir.OpFloor, ir.OpCeil, ir.OpLt, ir.OpLe, ir.OpEq, ir.OpNe:
		return
	case ir.OpMul, ir.OpFma:
		for i := range set {
			set[i] = p.times(a[0], i, a[1], i)
			if n.Op == ir.OpFma {
				set[i] = set[i].or(p.at(a[2], i))
			}
		}
	case ir.OpSelect:
		for i := range set {
			set[i] = p.at(a[1], i).or(p.at(a[2], i))
		}
	case ir.OpSlice:
		for i := range set {
			set[i] = p.at(a[0], n.Off+i)
		}
	case ir.OpAssemble:
		for k, x := range a {
			for i := range x.Shape.Size() {
				set[n.Offs[k]+i] = set[n.Offs[k]+i].or(p.at(x, i))
			}
		}
	case ir.OpTranspose:
		for i := range n.Shape.M {
			for j := range n.Shape.N {
				set[i*n.Shape.N+j] = p.at(a[0], j*n.Shape.M+i)
			}
		}
	case ir.OpSum, ir.OpNorm:
		set[0] = every(a[0])
	case ir.OpDet:
		set[0] = every(a[0])
	case ir.OpSolve: // all of A, and the column of b
		cols, all := max(1, len(set)/a[0].Shape.N), every(a[0])
		for j := range cols {
			of := all
			for i := j; i < len(set); i += cols {
				of = of.or(p.at(a[2], i))
			}
			for i := j; i < len(set); i += cols {
				set[i] = of
			}
		}
	case ir.OpDot:
		set[0] = union(a[0].Shape.Size(), func(i int) elements { return p.times(a[0], i, a[1], i) })
	case ir.OpMatVec, ir.OpDense:
		cols := a[0].Shape.N
		for i := range set {
			set[i] = union(cols, func(k int) elements { return p.times(a[0], i*cols+k, a[1], k) })
			if n.Op == ir.OpDense {
				set[i] = set[i].or(p.at(a[2], i))
			}
		}
	case ir.OpTMatVec:
		for j := range set {
			set[j] = union(a[0].Shape.M, func(k int) elements { return p.times(a[0], k*len(set)+j, a[1], k) })
		}
	case ir.OpMatMul:
		inner := a[0].Shape.N
		for i := range n.Shape.M {
			for j := range n.Shape.N {
				for k := range inner {
					at := i*n.Shape.N + j
					set[at] = set[at].or(p.times(a[0], i*inner+k, a[1], k*n.Shape.N+j))
				}
			}
		}
	case ir.OpOuter:
		for i := range n.Shape.M {
			for j := range n.Shape.N {
				set[i*n.Shape.N+j] = p.times(a[0], i, a[1], j)
			}
		}
	default: // elementwise; fill, whose argument is a scalar
		for i := range set {
			for _, x := range a {
				set[i] = set[i].or(p.at(x, i))
			}
		}
	}
	p.of[n.ID] = set
}

// Color groups the columns of a sparse matrix so that no two of a group meet
// in a row; a product with the sum of a group's unit vectors then has all
// their entries side by side. rows has the columns of the nonzeros of each
// row. It returns the group of each column and the number of groups; a column
// without nonzeros is in group 0.
//
// A.R. Curtis, M.J.D. Powell, J.K. Reid, IMA J. Appl. Math. 13, 117–119, 1974.
// Greedy, in the order of the columns and by falling degree; the better wins.
func Color(rows [][]int, cols int) (color []int, colors int) {
	in := make([][]int, cols) // the rows of each column
	for i, row := range rows {
		for _, j := range row {
			in[j] = append(in[j], i)
		}
	}
	order := make([]int, cols)
	for j := range order {
		order[j] = j
	}
	color, colors = greedy(rows, in, order)
	slices.SortStableFunc(order, func(i, j int) int { return len(in[j]) - len(in[i]) })
	if other, k := greedy(rows, in, order); k < colors {
		return other, k
	}
	return color, colors
}

func greedy(rows, in [][]int, order []int) (color []int, colors int) {
	color = make([]int, len(order))
	for i := range color {
		color[i] = -1
	}
	taken := make([]int, len(order)) // the last column that may not have the color, plus 1
	for _, j := range order {
		for _, i := range in[j] {
			for _, k := range rows[i] {
				if c := color[k]; c >= 0 {
					taken[c] = j + 1
				}
			}
		}
		c := 0
		for len(in[j]) > 0 && taken[c] == j+1 {
			c++
		}
		color[j] = c
		colors = max(colors, c+1)
	}
	return color, colors
}
