package lower

import (
	"fmt"
	"slices"

	"github.com/pinode/pinode/autodiff"
	"github.com/pinode/pinode/compiler/check"
	"github.com/pinode/pinode/compiler/ir"
)

// Schemes that look to where a field comes from.

// upwinds lowers fluxes that are looked at from where they come.
type upwinds struct {
	*fields
	upwind map[*check.Coordinate][]upwindFlux
}

// biased are the values of a component at faces, as seen from below (−1) or above (1).
func (g *upwinds) biased(f *check.State, comp int, c *check.Coordinate, toward int, at spot) block {
	k := g.values(f, comp)
	i := k.axis(c)
	n, rest := g.extend(f, comp, k, c)
	rows, m := k.dims[i], g.ghosts
	cell := func(j int) *ir.Node { // the cells j behind the face, as seen from that side
		if toward < 0 {
			return g.rows(n, m-1-j, rows+1, rest)
		}
		return g.rows(n, m+j, rows+1, rest)
	}
	var v *ir.Node
	switch {
	case g.Grid.Scheme == "weno5":
		v = g.weno([5]*ir.Node{cell(2), cell(1), cell(0), cell(-1), cell(-2)})
	case g.Grid.Order == 1:
		v = cell(0)
	default:
		v = g.limited2(cell(1), cell(0), cell(-1))
	}
	lo, hi := g.rows(v, 0, 1, rest), g.rows(v, rows, 1, rest)
	both := g.orders[axisKey{f, c}] > 1 // it is what the side says, from wherever it is seen
	if s := g.sides.sideOf(f, comp, c, false); s != nil && (toward < 0 || both) {
		lo = s.means[0]
	}
	if s := g.sides.sideOf(f, comp, c, true); s != nil && (toward > 0 || both) {
		hi = s.means[0]
	}
	if !c.Periodic {
		v = g.b.Concat(lo, g.rows(v, 1, rows-1, rest), hi)
	}
	k = g.back(k, i, rows+1, v)
	for _, o := range k.axes {
		if o != c {
			k = g.free(k, o, 0, at[o])
		}
	}
	return k
}

// limited2 is the value at the face behind the middle one of three cells by a slope that is
// limited as G.D. van Albada, B. van Leer, W.W. Roberts (Astron. Astrophys. 108, 76–84, 1982)
// do: 2ab/(a + b), smoothly, where both differences have one sign, else none.
func (g *upwinds) limited2(before, middle, behind *ir.Node) *ir.Node {
	b := g.b
	p, q := b.Sub(middle, before), b.Sub(behind, middle)
	both := b.Apply(ir.OpMax, b.Mul(p, q), b.Const(0))
	slope := b.Div(b.Mul(both, b.Add(p, q)), b.Add(b.Add(b.Square(p), b.Square(q)), b.Const(1e-60)))
	return b.Add(middle, b.Mul(b.Const(0.5), slope))
}

// weno is the value at the face behind the third of five cells: the polynomials through three
// of them each, weighed by how smooth they are.
//
// G.-S. Jiang, C.-W. Shu, J. Comput. Phys. 126, 202–228, 1996, equations 2.8–2.16; the weights
// of R. Borges, M. Carmona, B. Costa, W.S. Don, J. Comput. Phys. 227, 3191–3211, 2008.
func (g *upwinds) weno(v [5]*ir.Node) *ir.Node {
	b := g.b
	comb := func(w ...float64) *ir.Node { return g.combine(w, v[:]) }
	candidates := []*ir.Node{
		comb(1./3, -7./6, 11./6, 0, 0), comb(0, -1./6, 5./6, 1./3, 0), comb(0, 0, 1./3, 5./6, -1./6),
	}
	rough := func(second, first *ir.Node) *ir.Node {
		return b.Add(b.Mul(b.Const(13./12), b.Square(second)), b.Mul(b.Const(0.25), b.Square(first)))
	}
	beta := []*ir.Node{
		rough(comb(1, -2, 1, 0, 0), comb(1, -4, 3, 0, 0)), rough(comb(0, 1, -2, 1, 0), comb(0, 1, 0, -1, 0)), rough(comb(0, 0, 1, -2, 1), comb(0, 0, 3, -4, 1)),
	}
	tau := b.Sub(beta[0], beta[2])
	var sum, weight *ir.Node
	for k, d := range []float64{0.1, 0.6, 0.3} {
		w := b.Mul(b.Const(d), b.Add(b.Const(1), b.Square(b.Div(tau, b.Add(beta[k], b.Const(1e-40))))))
		sum, weight = g.plus(sum, b.Mul(w, candidates[k])), g.plus(weight, w)
	}
	return b.Div(sum, weight)
}

// blown is a term a·∂u/∂x in u' = …: the field is carried with the velocity −a, and its slope
// is that on the side from which it comes.
func (g *upwinds) blown(t term, i int, over []*check.Coordinate) *ir.Node {
	d := t.factors[i]
	c := d.Args[1].Object.(*check.Coordinate)
	slope := func(toward int) *ir.Node {
		p := g.points(over, spot{c: where{kind: faces}})
		p.toward, p.across = toward, c
		k := block{p.done(p.value(d.Args[0]))[0], p.axes, p.dims}
		means := block{g.differences(k, c), over, g.points(over, spot{}).dims}
		return g.pointed(means, c).n
	}
	p := g.points(over, spot{})
	a := p.done([]*ir.Node{g.valueOf(p, t, i)})[0]
	zero := g.b.Const(0)
	g.chose(t, fmt.Sprintf("slope of %s on the side of %s that it comes from, %s", check.Text(d.Args[0]), c.Name, g.order()))
	return g.b.Add(g.b.Mul(g.b.Apply(ir.OpMin, a, zero), slope(-1)), g.b.Mul(g.b.Apply(ir.OpMax, a, zero), slope(1)))
}

// upwindFlux is what a component's rate takes from faces: the sum of terms c·∂F/∂x.
type upwindFlux struct {
	field *check.State
	comp  int
	over  []*check.Coordinate
	terms []term
	rate  *check.Expr // of which they are terms
}

// split is the difference of fluxes at faces, each from both sides with what the fastest wave
// smooths out (V.V. Rusanov, USSR Comput. Math. Math. Phys. 1(2), 304–320, 1962). The speed is
// that of the flux itself; of coupled ones √tr(J²), which no speed of theirs exceeds, as all
// are real.
func (g *upwinds) split(list []term, rate *check.Expr, c *check.Coordinate, over []*check.Coordinate) *ir.Node {
	b := g.b
	own := -1
	all := g.fluxes(c)
	for i, f := range all {
		if slices.Equal(f.over, over) && sameTerms(f.terms, list) && f.rate.Span == rate.Span && check.Text(f.rate) == check.Text(rate) {
			own = i
		}
	}
	at := spot{c: where{kind: faces}}
	var flux, speed, value [2]*ir.Node
	for s, toward := range []int{-1, 1} {
		p := g.points(over, at)
		p.toward, p.across = toward, c
		sum := func(list []term) (n *ir.Node) {
			for _, t := range list {
				i := t.derivative()
				n = g.plus(n, b.Mul(g.valueOf(p, t, i), p.value(t.factors[i].Args[0])[0]))
			}
			return n
		}
		f := b.Fill(sum(list), ir.Vec(p.size()))
		a, v := b.Const(0), b.Const(0)
		if own >= 0 {
			a, v = g.speed(p, all, own, sum)
		}
		out := p.done([]*ir.Node{f, a, v})
		flux[s], speed[s], value[s] = out[0], out[1], out[2]
	}
	fastest := b.Apply(ir.OpMax, speed[0], speed[1])
	half := b.Const(0.5)
	face := b.Mul(half, b.Add(b.Add(flux[0], flux[1]), b.Mul(fastest, b.Sub(value[1], value[0]))))
	for _, t := range list {
		g.chose(t, "flux from both sides of the faces of "+c.Name+" by its own speed, "+g.order())
	}
	p := g.points(over, at)
	return g.differences(block{face, p.axes, p.dims}, c)
}

func sameTerms(a, b []term) bool {
	return slices.EqualFunc(a, b, func(s, t term) bool {
		return s.negative == t.negative && slices.EqualFunc(s.factors, t.factors, sameText) && slices.EqualFunc(s.divisors, t.divisors, sameText)
	})
}

func sameText(a, b *check.Expr) bool { return check.Text(a) == check.Text(b) }

// speed bounds the speeds of a flux and of those that are coupled with it, and gives the component
// that the flux changes.
func (g *upwinds) speed(p *points, all []upwindFlux, own int, sum func([]term) *ir.Node) (a, value *ir.Node) {
	b := g.b
	leaf := func(f upwindFlux) *ir.Node { return p.fieldLeaf(f.field, f.comp, make([]int, len(f.field.Over))) }
	slope := func(i, j int) *ir.Node {
		n := b.Fill(sum(all[i].terms), ir.Vec(p.size()))
		return autodiff.JVP(b, []*ir.Node{n}, []*ir.Node{leaf(all[j])}, []*ir.Node{b.Const(1)})[0]
	}
	coupled := []int{own}
	for k := 0; k < len(coupled); k++ {
		for j := range all {
			if !slices.Equal(all[j].over, all[own].over) || slices.Contains(coupled, j) {
				continue
			}
			if !slope(coupled[k], j).IsConst(0) && !slope(j, coupled[k]).IsConst(0) {
				coupled = append(coupled, j)
			}
		}
	}
	value = leaf(all[own])
	if len(coupled) == 1 {
		return b.Apply(ir.OpAbs, slope(own, own)), value
	}
	var trace *ir.Node
	for _, i := range coupled {
		for _, j := range coupled {
			trace = g.plus(trace, b.Mul(slope(i, j), slope(j, i)))
		}
	}
	tiny := b.Const(1e-300)
	return b.Sqrt(b.Apply(ir.OpMax, trace, tiny)), value
}

// fluxes are what all fields take from the faces of an axis.
func (g *upwinds) fluxes(c *check.Coordinate) []upwindFlux {
	if g.upwind == nil {
		g.upwind = map[*check.Coordinate][]upwindFlux{}
	}
	if list, ok := g.upwind[c]; ok {
		return list
	}
	var out []upwindFlux
	for _, f := range g.m0fields() {
		if f.Deriv == nil {
			continue
		}
		for k := range f.Shape.Size() {
			rate := component(f.Deriv, k)
			u := upwindFlux{field: f, comp: k, over: sorted(f.Over), rate: rate}
			for _, t := range summands(rate) {
				if i := t.derivative(); i >= 0 && t.constant(i) && t.factors[i].Args[1].Object == check.Object(c) && !differs(t.factors[i].Args[0]) {
					u.terms = append(u.terms, t)
				}
			}
			if len(u.terms) > 0 {
				out = append(out, u)
			}
		}
	}
	g.upwind[c] = out
	return out
}
