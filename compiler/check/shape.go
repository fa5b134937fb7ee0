package check

import (
	"fmt"

	"github.com/pinode/pinode/dsl"
)

func vec(n int) Shape    { return Shape{Rank: 1, N: n} }
func mat(m, n int) Shape { return Shape{Rank: 2, M: m, N: n} }

func (s Shape) String() string {
	switch s.Rank {
	case 0:
		return "scalar"
	case 1:
		return fmt.Sprintf("[%d]", s.N)
	}
	return fmt.Sprintf("[%d, %d]", s.M, s.N)
}

// maxSize is the number of elements that a value may have.
const maxSize = 1_000_000

// arrays elaborates shapes and indices.
type arrays struct{ *expressions }

// shape evaluates the dimensions of a declaration, of which there are at most
// two.
func (e *arrays) shape(s *scope, dims []dsl.Expr) (Shape, bool) {
	var n [2]int
	size := 1
	for i, d := range dims {
		v, ok := e.constInt(s, d)
		if !ok {
			return Shape{}, false
		}
		if v < 1 || v > maxSize/size {
			e.errDimension(d, v)
			return Shape{}, false
		}
		n[i] = v
		size *= v
	}
	switch len(dims) {
	case 0:
		return Shape{}, true
	case 1:
		return vec(n[0]), true
	}
	return mat(n[0], n[1]), true
}

// spread repeats a scalar for every element of a shape.
func (e *expressions) spread(x *Expr, shape Shape) *Expr {
	if x.Shape == shape {
		return x
	}
	row := &Expr{Kind: Stack, Shape: vec(shape.N), Unit: x.Unit, Span: x.Span, bare: x.bare}
	for range shape.N {
		row.Args = append(row.Args, x)
	}
	e.spend(shape.N)
	e.add(row)
	if shape.Rank == 1 {
		return row
	}
	out := &Expr{Kind: Stack, Shape: shape, Unit: x.Unit, Span: x.Span, bare: x.bare}
	for range shape.M {
		out.Args = append(out.Args, row)
	}
	return e.add(out)
}

// stack puts elements of one shape into an array.
func (e *expressions) stack(elems []*Expr, shape Shape, like *Expr) *Expr {
	if shape.Rank < 2 {
		return e.add(&Expr{Kind: Stack, Args: elems, Shape: shape, Unit: like.Unit, Span: like.Span})
	}
	out := &Expr{Kind: Stack, Shape: shape, Unit: like.Unit, Span: like.Span}
	for i := 0; i < len(elems); i += shape.N {
		out.Args = append(out.Args, e.add(&Expr{Kind: Stack, Args: elems[i : i+shape.N], Shape: vec(shape.N), Unit: like.Unit, Span: like.Span}))
	}
	return e.add(out)
}

// element is one element of a value, row-major.
func (e *expressions) element(x *Expr, i int) *Expr {
	if x.Shape.Rank == 0 {
		return x
	}
	switch {
	case x.Kind == Stack && x.Shape.Rank == 1:
		return x.Args[i]
	case x.Kind == Numbers:
		return e.add(&Expr{Kind: Number, Value: x.Values[i], Unit: x.Unit, Span: x.Span, bare: x.bare})
	}
	return e.add(&Expr{Kind: Slice, Args: []*Expr{x}, Offset: i, Unit: x.Unit, Span: x.Span})
}

// common is the shape of an elementwise operation: that of its arguments, of
// which scalars are repeated.
func common(args ...*Expr) (Shape, bool) {
	out := Shape{}
	for _, a := range args {
		switch {
		case a.Shape.Rank == 0 || a.Shape == out:
		case out.Rank == 0:
			out = a.Shape
		default:
			return out, false
		}
	}
	return out, true
}

// selection is what an index selects.
type selection struct {
	lo, hi [2]int
	whole  [2]bool // a range rather than a single place
	of     Shape
}

// selected evaluates the indices into a shape.
func (e *arrays) selected(s *scope, of Shape, index []dsl.Range, x dsl.Node) (sel selection, ok bool) {
	if len(index) > of.Rank {
		e.errIndices(x, len(index), of)
		return sel, false
	}
	sel.of = of
	dims := [2]int{of.N}
	if of.Rank == 2 {
		dims = [2]int{of.M, of.N}
	}
	for i := range of.Rank {
		sel.hi[i], sel.whole[i] = dims[i], true
		if i >= len(index) {
			continue
		}
		r := index[i]
		sel.whole[i] = r.Colon
		if r.Lo != nil {
			if sel.lo[i], ok = e.constInt(s, r.Lo); !ok {
				return sel, false
			}
		}
		switch {
		case !r.Colon:
			sel.hi[i] = sel.lo[i] + 1
		case r.Hi != nil:
			if sel.hi[i], ok = e.constInt(s, r.Hi); !ok {
				return sel, false
			}
		}
		if sel.lo[i] < 0 || sel.hi[i] > dims[i] || sel.lo[i] >= sel.hi[i] {
			e.errOutside(r, sel.lo[i], sel.hi[i], dims[i], x)
			return sel, false
		}
	}
	return sel, true
}

// shape is that of the selected elements.
func (s selection) shape() Shape {
	rows, cols := s.hi[0]-s.lo[0], s.hi[1]-s.lo[1]
	switch {
	case s.of.Rank == 1 && s.whole[0]:
		return vec(rows)
	case s.of.Rank == 1, !s.whole[0] && !s.whole[1]:
		return Shape{}
	case !s.whole[0]:
		return vec(cols)
	case !s.whole[1]:
		return vec(rows)
	}
	return mat(rows, cols)
}

// places are the selected elements, row-major.
func (s selection) places() []int {
	var out []int
	for i := s.lo[0]; i < s.hi[0]; i++ {
		if s.of.Rank == 1 {
			out = append(out, i)
			continue
		}
		for j := s.lo[1]; j < s.hi[1]; j++ {
			out = append(out, i*s.of.N+j)
		}
	}
	return out
}

// run is the first selected element, if they stand in one run.
func (s selection) run() (off int, ok bool) {
	if s.of.Rank == 1 {
		return s.lo[0], true
	}
	off = s.lo[0]*s.of.N + s.lo[1]
	return off, s.hi[0]-s.lo[0] == 1 || s.lo[1] == 0 && s.hi[1] == s.of.N
}

// index elaborates x[…].
func (e *arrays) index(s *scope, x *dsl.IndexExpr) *Expr {
	a, rest, at := e.member(s, x)
	if a == nil || len(rest) == 0 {
		return a
	}
	for _, idx := range rest {
		if a.Shape.Rank == 0 {
			e.errNoElements(at, a)
			return nil
		}
		sel, ok := e.selected(s, a.Shape, idx, at)
		if !ok {
			return nil
		}
		a = e.part(a, sel, at)
	}
	return a
}

// part is the selected part of a value. Columns of a matrix are gathered row
// by row.
func (e *arrays) part(a *Expr, sel selection, at dsl.Node) *Expr {
	shape := sel.shape()
	if off, ok := sel.run(); ok {
		if shape.Rank == 0 && a.Kind == Stack && a.Shape.Rank == 1 {
			c := *a.Args[off]
			c.Span = at.Span()
			return e.add(&c)
		}
		if shape.Rank == 0 && a.Kind == Numbers {
			return e.add(&Expr{Kind: Number, Value: a.Values[off], Unit: a.Unit, Span: at.Span(), bare: a.bare})
		}
		return e.add(&Expr{Kind: Slice, Args: []*Expr{a}, Offset: off, Shape: shape, Unit: a.Unit, Span: at.Span(), bare: a.bare})
	}
	row := Shape{}
	if sel.whole[1] {
		row = vec(sel.hi[1] - sel.lo[1])
	}
	out := &Expr{Kind: Stack, Shape: shape, Unit: a.Unit, Span: at.Span(), bare: a.bare}
	for i := sel.lo[0]; i < sel.hi[0]; i++ {
		out.Args = append(out.Args, e.add(&Expr{Kind: Slice, Args: []*Expr{a}, Offset: i*a.Shape.N + sel.lo[1], Shape: row, Unit: a.Unit, Span: at.Span(), bare: a.bare}))
	}
	return e.add(out)
}

// member elaborates the base of an index expression. An index right behind a
// name that a loop declares chooses the round: what is left are the indices
// into the value.
func (e *arrays) member(s *scope, x *dsl.IndexExpr) (a *Expr, rest [][]dsl.Range, at dsl.Node) {
	var base dsl.Expr = x
	for {
		i, ok := base.(*dsl.IndexExpr)
		if !ok {
			break
		}
		rest = append([][]dsl.Range{i.Index}, rest...)
		base = i.X
	}
	n, ok := base.(*dsl.Name)
	if !ok {
		return e.value(s, base), rest, x
	}
	ent, left, ok := e.choose(s, n.Name, n.Primes, rest, n)
	if !ok {
		return nil, nil, x
	}
	if ent == nil {
		return e.value(s, base), rest, x
	}
	return e.valueOf(ent, n, x.Span()), left, x
}

// choose finds the member of a family of declarations that indices behind its
// name choose. ent is nil if the name is none of a family.
func (e *arrays) choose(s *scope, name string, primes int, index [][]dsl.Range, at dsl.Node) (ent *entity, left [][]dsl.Range, ok bool) {
	f := s.family(name, primes)
	if f == nil {
		return nil, index, true
	}
	suffix := ""
	for len(index) > 0 {
		for i, r := range index[0] { // a round's index, then those into its value
			if r.Colon {
				e.errFamily(at, name, f)
				return nil, nil, false
			}
			v, ok := e.constInt(s, r.Lo)
			if !ok {
				return nil, nil, false
			}
			suffix += fmt.Sprintf("[%d]", v)
			if m := f.members[suffix]; m != nil {
				if left = index[1:]; i+1 < len(index[0]) {
					left = append([][]dsl.Range{index[0][i+1:]}, left...)
				}
				return m, left, true
			}
		}
		index = index[1:]
	}
	e.errNoMember(at, name+suffix, f)
	return nil, nil, false
}

// suffixOf spells single indices as the rounds of loops are spelled.
func (e *arrays) suffixOf(s *scope, index []dsl.Range) (string, bool) {
	out := ""
	for _, r := range index {
		if r.Colon {
			e.errColon(r)
			return "", false
		}
		v, ok := e.constInt(s, r.Lo)
		if !ok {
			return "", false
		}
		out += fmt.Sprintf("[%d]", v)
	}
	return out, true
}

// observation finds the observation that an expression names.
func (e *arrays) observation(s *scope, x dsl.Expr, by string) *Observe {
	base := x
	var index [][]dsl.Range
	if i, ok := x.(*dsl.IndexExpr); ok {
		base, index = i.X, [][]dsl.Range{i.Index}
	}
	n, ok := base.(*dsl.Name)
	if !ok || n.Primes > 0 {
		e.errNotObservation(x, by)
		return nil
	}
	var ent *entity
	if index == nil {
		ent, _ = s.find(inObserves, n.Name, 0)
	} else if f := e.families[inObserves][s.prefix+n.Name]; f != nil {
		suffix, ok := e.suffixOf(s, index[0])
		if !ok {
			return nil
		}
		if ent = f.members[suffix]; ent == nil {
			e.errNoMember(n, n.Name+suffix, f)
			return nil
		}
	}
	if ent == nil {
		e.errUnknown("observation", x.Span(), dsl.FormatExpr(x), names(e.names[inObserves]))
		return nil
	}
	if !e.touch(ent) {
		return nil
	}
	return ent.obj.(*Observe)
}
