package lower

import (
	"slices"

	"github.com/pinode/pinode/compiler/check"
	"github.com/pinode/pinode/compiler/ir"
)

// Fields on a grid, by finite volumes: what is integrated are mean values over cells, one
// vector for each component of a field, whose places are those of its coordinates in the
// order of their declarations, the last fastest. Everything else is made of them by formulas
// along one axis (stencil.go): values and derivatives at the centres of cells, at faces, at sides
// and at any place. A product or a function of fields is taken of values at points
// (points.go). The derivative of a flux is the difference of its values at faces, so that
// what leaves one cell enters the next (rates.go); what boundaries say closes the formulas at
// sides (sides.go).

// where is what stands for a coordinate: the centres of all cells, all faces, a side, or a
// place.
type where struct {
	kind whereKind
	at   *ir.Node // of a place
}

type whereKind uint8

const (
	centres whereKind = iota
	faces
	lowSide
	highSide
	onePlace
	samples // places of a quadrature in all cells
)

// spot says where a field is looked at: coordinate by coordinate.
type spot map[*check.Coordinate]where

// grid is a grid and formulas along its axes.
type grid struct {
	*expressions
	*check.Gridded
	before bool // states are those before the event

	formulas int             // the order of formulas
	ghosts   int             // how many cells formulas reach beyond a side
	orders   map[axisKey]int // the highest derivative of a field along an axis
}

type axisKey struct {
	field *check.State
	axis  *check.Coordinate
}

type extendedKey struct {
	field *check.State
	comp  int
	axis  *check.Coordinate
	data  *ir.Node
}

// fields are those of the states, or of the states before the event.
func (l *expressions) fields() *fields {
	i := 0
	if l.before {
		i = 1
	}
	if l.onGrid[i] == nil {
		l.onGrid[i] = newFields(l)
	}
	return l.onGrid[i]
}

// newFields are fields on the grid of a model.
func newFields(l *expressions) *fields {
	g := &grid{expressions: l, Gridded: l.m.Gridded, before: l.before}
	g.formulas = max(2, g.Grid.Order)
	if g.Grid.Scheme == "weno5" {
		g.formulas = 6
	}
	g.ghosts = g.formulas/2 + 2
	g.orders = g.highest()
	j := &jets{gridNotes: gridNotes{g}, extended: map[extendedKey]*ir.Node{}}
	f := &fields{jets: j}
	j.sides = &sides{jets: j, fields: f, sides: map[sideKey]*side{}, mistaken: map[*check.Coordinate]bool{}}
	f.upwinds = &upwinds{fields: f}
	return f
}

func (g *grid) cells(c *check.Coordinate) int { return g.Grid.Cells[c.Axis] }

func (g *grid) width(c *check.Coordinate) float64 {
	return (c.Hi - c.Lo) / float64(g.cells(c))
}

func (g *grid) spectral() bool { return g.Grid.Scheme == "spectral" }

// sorted are coordinates in the order of their places in vectors.
func sorted(over []*check.Coordinate) []*check.Coordinate {
	over = slices.Clone(over)
	slices.SortFunc(over, func(a, b *check.Coordinate) int { return a.Axis - b.Axis })
	return over
}

// block is a vector with a place for each combination of places of its axes.
type block struct {
	n    *ir.Node
	axes []*check.Coordinate
	dims []int
}

func (k block) axis(c *check.Coordinate) int { return slices.Index(k.axes, c) }

func product(dims []int) int {
	n := 1
	for _, d := range dims {
		n *= d
	}
	return n
}

// front is a block with an axis turned to the front, as rows: how many, and how long.
func (g *grid) front(k block, i int) (n *ir.Node, rest int) {
	pre, post := product(k.dims[:i]), product(k.dims[i:])
	rest = pre * post / k.dims[i]
	if pre == 1 {
		return k.n, rest
	}
	t := g.b.Transpose(g.b.Slice(k.n, 0, ir.Mat(pre, post)))
	return g.b.Slice(t, 0, ir.Vec(pre*post)), rest
}

// back is the block of rows that were turned to the front and are rows now.
func (g *grid) back(k block, i, rows int, n *ir.Node) block {
	dims := slices.Clone(k.dims)
	dims[i] = rows
	pre, post := product(dims[:i]), product(dims[i:])
	if pre > 1 {
		t := g.b.Transpose(g.b.Slice(n, 0, ir.Mat(post, pre)))
		n = g.b.Slice(t, 0, ir.Vec(pre*post))
	}
	return block{n, k.axes, dims}
}

// rows are count rows of a front from a row on.
func (g *grid) rows(n *ir.Node, from, count, rest int) *ir.Node {
	return g.b.Slice(n, from*rest, ir.Vec(count*rest))
}

// combine is Σ wₖ·xₖ.
func (g *grid) combine(w []float64, x []*ir.Node) *ir.Node {
	var sum *ir.Node
	for k, v := range w {
		if v == 0 {
			continue
		}
		term := g.b.Mul(g.b.Const(v), x[k])
		if sum == nil {
			sum = term
		} else {
			sum = g.b.Add(sum, term)
		}
	}
	if sum == nil {
		return g.b.Full(x[0].Shape, 0)
	}
	return sum
}

// slide applies weights to rows, at count places one row apart from the first on.
func (g *grid) slide(n *ir.Node, w []float64, first, count, rest int) *ir.Node {
	parts := make([]*ir.Node, len(w))
	for k := range w {
		parts[k] = g.rows(n, first+k, count, rest)
	}
	return g.combine(w, parts)
}

// scaled is h^−d.
func scaled(h float64, d int) float64 {
	v := 1.
	for range d {
		v /= h
	}
	return v
}

func times(w []float64, s float64) []float64 {
	out := make([]float64, len(w))
	for i := range w {
		out[i] = w[i] * s
	}
	return out
}

// values are the mean values of a component of a field.
func (g *grid) values(f *check.State, comp int) block {
	in := g.out.In.Y
	if g.before {
		in = g.out.In.YB
	}
	axes := sorted(f.Over)
	dims := make([]int, len(axes))
	for i, c := range axes {
		dims[i] = g.cells(c)
	}
	n := product(dims)
	return block{g.b.Slice(in, g.slots[g.Vectors[f]].Off+comp*n, ir.Vec(n)), axes, dims}
}

// turn is a formula along an axis that knows nothing of its sides: near them it looks inside.
// Its data are mean values, or values at centres; what it wants, of cell 0.
func (g *grid) turn(k block, c *check.Coordinate, want functional, means bool) block {
	i := k.axis(c)
	n, rest := g.front(k, i)
	rows := k.dims[i]
	p := g.formulas
	r := reach(want.d, p, false)
	datum := func(cell int) functional {
		if means {
			return meanOver(cell)
		}
		return derivative(0, float64(cell)+0.5)
	}
	formula := func(lo, hi int) []float64 { // with the cells from lo to hi − 1
		var data []functional
		for j := lo; j < hi; j++ {
			data = append(data, datum(j))
		}
		return times(weights(want, data), scaled(g.width(c), want.d))
	}
	if r == 0 {
		return k
	}
	if c.Periodic {
		around := g.b.Concat(g.rows(n, rows-r, r, rest), n, g.rows(n, 0, r, rest))
		return g.back(k, i, rows, g.slide(around, formula(-r, r+1), 0, rows, rest))
	}
	width := min(rows, max(2*r+1, p+want.d)+2) // what is one-sided is not added to by a jump of its error
	var parts []*ir.Node
	edge := func(row int) {
		from := min(max(row-width/2, 0), rows-width)
		parts = append(parts, g.slide(n, formula(from-row, from-row+width), from, 1, rest))
	}
	for row := range r {
		edge(row)
	}
	parts = append(parts, g.slide(n, formula(-r, r+1), 0, rows-2*r, rest))
	for row := rows - r; row < rows; row++ {
		edge(row)
	}
	return g.back(k, i, rows, g.b.Concat(parts...))
}

// pointed are values at centres from mean values, along an axis; averaged the other way round.
func (g *grid) pointed(k block, c *check.Coordinate) block {
	if g.spectral() {
		return k
	}
	return g.turn(k, c, derivative(0, 0.5), true)
}

func (g *grid) averaged(k block, c *check.Coordinate) block {
	if g.spectral() {
		return k
	}
	return g.turn(k, c, meanOver(0), false)
}

// differentiated multiplies by the matrix of a spectral derivative.
func (g *grid) differentiated(k block, c *check.Coordinate, d int) block {
	i := k.axis(c)
	n, rest := g.front(k, i)
	rows := k.dims[i]
	m := g.b.ConstOf(ir.Mat(rows, rows), times(fourier(rows, d), scaled(g.width(c), d)))
	out := g.b.MatMul(m, g.b.Slice(n, 0, ir.Mat(rows, rest)))
	return g.back(k, i, rows, g.b.Slice(out, 0, ir.Vec(rows*rest)))
}

// broadcast repeats a block over the axes that it has not, in the order of the target.
func (g *grid) broadcast(k block, axes []*check.Coordinate, dims []int) *ir.Node {
	b := g.b
	for i, c := range axes {
		if k.axis(c) >= 0 {
			continue
		}
		ones := b.Full(ir.Vec(dims[i]), 1)
		pre, post := product(k.dims[:i]), product(k.dims[i:])
		vec := b.Slice(k.n, 0, ir.Vec(pre*post))
		var m *ir.Node
		switch {
		case dims[i] == 1:
			m = vec
		case post == 1:
			m = b.Outer(vec, ones)
		case pre == 1:
			m = b.Outer(ones, vec)
		default:
			t := b.Transpose(b.Slice(vec, 0, ir.Mat(pre, post)))
			m = b.Outer(b.Slice(t, 0, ir.Vec(pre*post)), ones)
			m = b.Transpose(b.Slice(m, 0, ir.Mat(post, pre*dims[i])))
		}
		k = block{b.Slice(m, 0, ir.Vec(pre*post*dims[i])), slices.Insert(slices.Clone(k.axes), i, c), slices.Insert(slices.Clone(k.dims), i, dims[i])}
	}
	return k.n
}
