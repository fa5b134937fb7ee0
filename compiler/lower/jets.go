package lower

import (
	"math"
	"slices"

	"github.com/pinode/pinode/compiler/check"
	"github.com/pinode/pinode/compiler/ir"
)

// Values and derivatives of fields at spots, made of their mean values.

// jets lowers fields and their derivatives at a spot.
type jets struct {
	gridNotes
	sides    *sides
	extended map[extendedKey]*ir.Node
}

// jet is a derivative of a component of a field, of order d[i] along its i-th axis, at a spot.
//
// The formulas along one axis use what boundaries say at its sides, those along the others,
// whose values that axis has changed already, do not: where there are several such axes, each
// comes first once, and the result is their mean. That is what happens at corners.
func (g *jets) jet(f *check.State, comp int, d []int, at spot) block {
	k := g.values(f, comp)
	if g.spectral() {
		return g.spectralJet(k, d, at)
	}
	var first []int
	for i, c := range k.axes {
		if d[i] > 0 || at[c].kind != centres {
			first = append(first, i)
		}
	}
	if len(first) == 0 {
		for _, c := range k.axes {
			k = g.pointed(k, c)
		}
		return k
	}
	var sum block
	for n, i := range first {
		v := g.along(f, comp, k, i, d[i], at[k.axes[i]])
		for j, c := range k.axes {
			if j != i {
				v = g.free(v, c, d[j], at[c])
			}
		}
		if n == 0 {
			sum = v
		} else {
			sum.n = g.b.Add(sum.n, v.n)
		}
	}
	if len(first) > 1 {
		sum.n = g.b.Mul(g.b.Const(1/float64(len(first))), sum.n)
	}
	return sum
}

// along is a derivative along an axis with what boundaries say.
func (g *jets) along(f *check.State, comp int, k block, i, d int, at where) block {
	c := k.axes[i]
	h := scaled(g.width(c), d)
	rows := k.dims[i]
	n, rest := g.extend(f, comp, k, c)
	p, m := g.formulas, g.ghosts
	side := func(high bool) *ir.Node {
		s := g.sides.sideOf(f, comp, c, high)
		if s == nil {
			return nil
		}
		return g.atSide(f, comp, c, high, d, s.means)
	}
	switch at.kind {
	case centres:
		r := reach(d, p, false)
		return g.back(k, i, rows, g.slide(n, times(centred(d, p, false), h), m-r, rows, rest))
	case faces:
		r := reach(d, p, true)
		v := g.slide(n, times(centred(d, p, true), h), m-r, rows+1, rest)
		lo, hi := g.rows(v, 0, 1, rest), g.rows(v, rows, 1, rest)
		if s := side(false); s != nil {
			lo = s
		}
		if s := side(true); s != nil {
			hi = s
		}
		return g.back(k, i, rows+1, g.b.Concat(lo, g.rows(v, 1, rows-1, rest), hi))
	case lowSide, highSide:
		var given []*ir.Node
		if s := g.sides.sideOf(f, comp, c, at.kind == highSide); s != nil {
			given = s.means
		}
		return g.back(k, i, 1, g.atSide(f, comp, c, at.kind == highSide, d, given))
	}
	return g.back(k, i, 1, g.placed(n, c, rows, rest, d, at.at, m))
}

// free is a derivative along an axis whose sides nothing is known of.
func (g *jets) free(k block, c *check.Coordinate, d int, at where) block {
	i := k.axis(c)
	switch at.kind {
	case centres:
		if d == 0 {
			return g.pointed(k, c)
		}
		return g.turn(k, c, derivative(d, 0.5), true)
	}
	n, rest := g.front(k, i)
	rows := k.dims[i]
	n, rest = g.padded(n, c, rows, rest)
	p, m, h := g.formulas, g.ghosts, scaled(g.width(c), d)
	switch at.kind {
	case faces:
		r := reach(d, p, true)
		return g.back(k, i, rows+1, g.slide(n, times(centred(d, p, true), h), m-r, rows+1, rest))
	case lowSide:
		r := reach(d, p, true)
		return g.back(k, i, 1, g.slide(n, times(centred(d, p, true), h), m-r, 1, rest))
	case highSide:
		r := reach(d, p, true)
		return g.back(k, i, 1, g.slide(n, times(centred(d, p, true), h), m-r+rows, 1, rest))
	}
	return g.back(k, i, 1, g.placed(n, c, rows, rest, d, at.at, m))
}

// extend are the rows of a component along an axis with cells beyond its sides.
func (g *jets) extend(f *check.State, comp int, k block, c *check.Coordinate) (n *ir.Node, rest int) {
	i := k.axis(c)
	n, rest = g.front(k, i)
	key := extendedKey{f, comp, c, k.n}
	if e := g.extended[key]; e != nil {
		return e, rest
	}
	rows := k.dims[i]
	if c.Periodic {
		n, rest = g.padded(n, c, rows, rest)
	} else {
		var lo, hi []*ir.Node
		for j := range g.ghosts {
			lo = append(lo, g.beyond(f, comp, n, c, false, g.ghosts-j, rows, rest))
			hi = append(hi, g.beyond(f, comp, n, c, true, j+1, rows, rest))
		}
		n = g.b.Concat(slices.Concat(lo, []*ir.Node{n}, hi)...)
	}
	g.extended[key] = n
	return n, rest
}

// beyond is the mean value over the j-th cell beyond a side.
func (g *jets) beyond(f *check.State, comp int, n *ir.Node, c *check.Coordinate, high bool, j, rows, rest int) *ir.Node {
	var given []*ir.Node
	if s := g.sides.sideOf(f, comp, c, high); s != nil {
		given = s.means
	}
	return g.closed(n, high, meanOver(-j), given, rows, rest)
}

// closed is a functional at a side, of what conditions give there and of the first cells. At the
// upper side the axis is looked at from there.
func (g *jets) closed(n *ir.Node, high bool, want functional, given []*ir.Node, rows, rest int) *ir.Node {
	cells := min(g.closureCells(len(given)), rows)
	side, inner := closure{len(given), cells}.weights(want)
	parts := slices.Clone(given)
	for j := range cells {
		row := j
		if high {
			row = rows - 1 - j
		}
		parts = append(parts, g.rows(n, row, 1, rest))
	}
	return g.combine(slices.Concat(side, inner), parts)
}

// closureCells is how many cells the polynomial at a side goes through.
func (g gridNotes) closureCells(conditions int) int {
	switch {
	case g.Grid.Order == 1:
		return 1
	case g.Grid.Scheme == "weno5": // no more than that is stable at fronts
		return 3 + min(conditions, 1)
	}
	return g.formulas
}

// atSide is a derivative of a component at a side, given the value there and, perhaps, the slope.
func (g *jets) atSide(f *check.State, comp int, c *check.Coordinate, high bool, d int, given []*ir.Node) *ir.Node {
	k := g.values(f, comp)
	i := k.axis(c)
	n, rest := g.front(k, i)
	v := g.closed(n, high, derivative(d, 0), given, k.dims[i], rest)
	s := scaled(g.width(c), d)
	if high && d%2 == 1 {
		s = -s
	}
	return g.b.Mul(g.b.Const(s), v)
}

// padded are rows with cells beyond the sides that go on as inside, or come round.
func (g *jets) padded(n *ir.Node, c *check.Coordinate, rows, rest int) (*ir.Node, int) {
	m := g.ghosts
	if c.Periodic {
		return g.b.Concat(g.rows(n, rows-m, m, rest), n, g.rows(n, 0, m, rest)), rest
	}
	var lo, hi []*ir.Node
	for j := range m {
		lo = append(lo, g.closed(n, false, meanOver(j-m), nil, rows, rest))
		hi = append(hi, g.closed(n, true, meanOver(-1-j), nil, rows, rest))
	}
	return g.b.Concat(slices.Concat(lo, []*ir.Node{n}, hi)...), rest
}

// placed is a derivative at one place: of the polynomial through the cells around that in which
// the place is. Beyond the domain it is no number.
func (g *jets) placed(n *ir.Node, c *check.Coordinate, rows, rest, d int, at *ir.Node, m int) *ir.Node {
	b, h := g.b, g.width(c)
	r := min(m, (g.formulas+d+1)/2)
	var data []functional
	for j := -r; j <= r; j++ {
		data = append(data, meanOver(j))
	}
	if v, ok := at.Const(); ok {
		cell := min(max(int(math.Floor((v-c.Lo)/h)), 0), rows-1)
		w := weights(derivative(d, (v-c.Lo)/h-float64(cell)), data)
		return g.slide(n, times(w, scaled(h, d)), m+cell-r, 1, rest)
	}
	// Which cell: a vector with a one there. Where in it: the weights are polynomials.
	x := b.Div(b.Sub(at, b.Const(c.Lo)), b.Const(h))
	cell := b.Apply(ir.OpMin, b.Apply(ir.OpMax, b.Apply(ir.OpFloor, x), b.Const(0)), b.Const(float64(rows-1)))
	is := b.Apply(ir.OpEq, g.ramp(rows, 0, 1), cell)
	xi := b.Sub(x, cell)
	var terms *ir.Node
	for k, p := range polynomials(d, data) {
		w := b.Const(0)
		for _, a := range slices.Backward(p) {
			w = b.Add(b.Mul(w, xi), b.Const(a))
		}
		v := b.TMatVec(b.Slice(g.rows(n, m-r+k, rows, rest), 0, ir.Mat(rows, rest)), is)
		term := b.Mul(b.Mul(w, b.Const(scaled(h, d))), v)
		if terms == nil {
			terms = term
		} else {
			terms = b.Add(terms, term)
		}
	}
	inside := b.Mul(b.Le(b.Const(c.Lo), at), b.Le(at, b.Const(c.Hi)))
	return b.Select(inside, terms, b.Full(terms.Shape, math.NaN()))
}

// polynomials are the weights of the data for derivative d at ξ, by powers of ξ.
func polynomials(d int, data []functional) [][]float64 {
	n := len(data)
	out := make([][]float64, n)
	for i := range out {
		out[i] = make([]float64, n)
	}
	// A weight is a polynomial in ξ whose Taylor coefficients at 0 are the weights of
	// derivatives there.
	fact := 1.
	for k := 0; k+d < n; k++ {
		if k > 0 {
			fact *= float64(k)
		}
		for j, w := range weights(derivative(d+k, 0), data) {
			out[j][k] = w / fact
		}
	}
	return out
}

// ramp is a vector that starts at a value and rises by a step.
func (g *jets) ramp(n int, from, step float64) *ir.Node {
	v := make([]float64, n)
	for i := range v {
		v[i] = from + float64(i)*step
	}
	return g.b.ConstOf(ir.Vec(n), v)
}

// spectralJet is a derivative of trigonometric polynomials.
func (g *jets) spectralJet(k block, d []int, at spot) block {
	for i, c := range k.axes {
		if d[i] > 0 {
			k = g.differentiated(k, c, d[i])
		}
	}
	for _, c := range k.axes {
		if at[c].kind == onePlace {
			k = g.trigonometric(k, c, at[c].at)
		}
	}
	return k
}

// trigonometric is the value at one place of the trigonometric polynomial along an axis: with θ
// its distances from the places of the values in units of the period times π, Σ u sin(nθ) cot θ/n for
// even n, and over sin θ for odd.
func (g *jets) trigonometric(k block, c *check.Coordinate, at *ir.Node) block {
	b, i := g.b, k.axis(c)
	n, rest := g.front(k, i)
	rows := k.dims[i]
	h := g.width(c)
	theta := b.Mul(b.Const(math.Pi/(c.Hi-c.Lo)), b.Sub(at, g.ramp(rows, c.Lo+h/2, h)))
	s := b.Apply(ir.OpSin, theta)
	close := b.Lt(b.Apply(ir.OpAbs, s), b.Const(1e-9))
	safe := b.Select(close, b.Full(s.Shape, 1), s)
	w := b.Div(b.Apply(ir.OpSin, b.Mul(b.Const(float64(rows)), theta)), b.Mul(b.Const(float64(rows)), safe))
	if rows%2 == 0 {
		w = b.Mul(w, b.Apply(ir.OpCos, theta))
	}
	w = b.Select(close, b.Full(s.Shape, 1), w)
	inside := b.Mul(b.Le(b.Const(c.Lo), at), b.Le(at, b.Const(c.Hi)))
	v := b.TMatVec(b.Slice(n, 0, ir.Mat(rows, rest)), w)
	return g.back(k, i, 1, b.Select(inside, v, b.Full(v.Shape, math.NaN())))
}
