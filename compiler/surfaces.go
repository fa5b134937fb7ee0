package compiler

import (
	"slices"
	"strconv"

	"github.com/pinode/pinode/autodiff"
	"github.com/pinode/pinode/compiler/ir"
)

// Along more than two surfaces the fields in all of their corners would be too many. There
// the surfaces have to add up, as the frictions of several bodies do: a value is taken apart
// down to what reads the modes of one surface, and its combination is
//
//	f = f₀ + Σᵢ αᵢ (fᵢ − f₀),
//
// where fᵢ is on the upper side of surface i alone. The parts αᵢ that keep all guards at zero
// solve one system of linear equations in the rates of the guards. It is the only solution
// that Filippov's rule allows where its matrix is regular.

// addends are surfaces that add up.
type addends struct {
	p      *sliders
	guards []int      // of the surfaces
	modes  [][]int    // of each, their places in D
	solved []*ir.Node // the parts
}

// Surfaces are the guards of the surfaces that the solution may slide along together, all at
// once if need be, in the order of the exits of such motion; none where that is not possible,
// or not needed.
func (p *Program) Surfaces() []int {
	if p.several == nil {
		return nil
	}
	return p.several.guards
}

// maxSeveral bounds how many surfaces may be slid along at once: the cost of a derivative grows
// with the third power.
const maxSeveral = 100

// findSeveral are the surfaces of the model as addends; nil where two at once are all that
// there are, or where they do not add up.
func (p *sliders) findSeveral() *addends {
	w := &addends{p: p}
	for _, x := range p.Model.Switches {
		if x.Corner {
			continue
		}
		k := slices.Index(w.guards, x.Guard)
		if k < 0 {
			k = len(w.guards)
			w.guards, w.modes = append(w.guards, x.Guard), append(w.modes, nil)
		}
		w.modes[k] = append(w.modes[k], x.Mode)
	}
	if len(w.guards) <= MaxSlides {
		return nil
	}
	rows, ok := w.rows()
	for k := len(w.guards) - 1; k >= 0; k-- { // a rate without a jump leads nowhere along its surface
		if ok && rows[k].by[k].IsConst(0) {
			w.guards, w.modes = slices.Delete(w.guards, k, k+1), slices.Delete(w.modes, k, k+1)
		}
	}
	if !ok || len(w.guards) <= MaxSlides || len(w.guards) > maxSeveral {
		return nil
	}
	return w
}

// readable reports whether all that is read along several surfaces comes apart.
func (p *sliders) readable() bool {
	m, b := p.Model, p.Model.Builder
	for _, w := range []*blends{p.newBlends(Several, 0), p.newBlends(0, Several)} {
		for _, r := range p.readers() {
			for _, n := range r.nodes {
				w.value(n)
			}
		}
		for i := m.Layout.NUser; i < m.Layout.NY; i++ {
			w.value(b.Elem(m.RHS, i))
		}
		if w.failed {
			return false
		}
	}
	return true
}

// row is the rate of a guard as it depends on the parts: what it is where all of them are 0,
// and its derivative by each.
type row struct {
	at0 *ir.Node
	by  []*ir.Node
}

// rows are those of all surfaces; not ok where the rates are not affine in the parts.
func (w *addends) rows() (list []row, ok bool) {
	b := w.p.Model.Builder
	parts := w.unknown()
	at0 := map[*ir.Node]*ir.Node{}
	for _, a := range parts {
		at0[a] = b.Const(0)
	}
	flow := w.p.plain()
	for _, g := range w.guards {
		rate := w.combine(w.p.Model.In.D, w.p.rateAlong(flow, w.p.guards[g]), parts)
		if rate == nil {
			return nil, false
		}
		by := autodiff.VJP(b, []*ir.Node{rate}, []*ir.Node{b.Const(1)}, parts)
		for _, n := range ir.Reach(by...) {
			if slices.Contains(parts, n) {
				return nil, false
			}
		}
		list = append(list, row{b.Substitute([]*ir.Node{rate}, at0)[0], by})
	}
	return list, true
}

// unknown are inputs that stand for the parts.
func (w *addends) unknown() (list []*ir.Node) {
	b := w.p.Model.Builder
	for k := range w.guards {
		list = append(list, b.Input("part#"+strconv.Itoa(k), ir.Scalar, true))
	}
	return list
}

// plain is what moves the states as it is written, element by element.
func (p *sliders) plain() *ir.Node {
	m, b := p.Model, p.Model.Builder
	if p.flow == p.rates {
		return m.RHS
	}
	parts := make([]*ir.Node, m.Layout.NY)
	for i := range parts {
		parts[i] = b.Mul(b.Elem(p.free(), i), b.Elem(m.RHS, i))
	}
	return b.Concat(parts...)
}

// slides reports, as a node, whether the solution slides along surface k, by its mode in d.
func (w *addends) slides(d *ir.Node, k int) *ir.Node {
	b := w.p.Model.Builder
	mode := b.Elem(d, w.modes[k][0])
	return b.Apply(ir.OpNe, mode, b.Apply(ir.OpFloor, mode))
}

// parts are those of the upper fields that keep the guards of all surfaces which the solution
// slides along at zero; 0 for the other surfaces.
func (w *addends) parts() []*ir.Node {
	if w.solved != nil {
		return w.solved
	}
	b, n := w.p.Model.Builder, len(w.guards)
	rows, _ := w.rows()
	var entries, right []*ir.Node
	for k, r := range rows {
		on := w.slides(w.p.Model.In.D, k)
		for i, by := range r.by {
			other := 0.
			if i == k {
				other = 1
			}
			entries = append(entries, b.Select(on, by, b.Const(other)))
		}
		right = append(right, b.Select(on, b.Neg(r.at0), b.Const(0)))
	}
	solution := b.Solve(b.Slice(b.Concat(entries...), 0, ir.Mat(n, n)), b.Slice(b.Concat(right...), 0, ir.Vec(n)))
	for k := range n {
		w.solved = append(w.solved, b.Elem(solution, k))
	}
	return w.solved
}

// slide is the motion along them.
func (w *addends) slide() slide {
	p, b := w.p, w.p.Model.Builder
	parts := w.parts()
	flow := make([]*ir.Node, p.Model.Layout.NUser)
	for i := range flow {
		flow[i] = w.combine(p.Model.In.D, b.Elem(p.Model.RHS, i), parts)
	}
	for i := len(flow); i < p.Model.Layout.NY; i++ { // integrals, which read what acts
		flow = append(flow, b.Elem(p.Model.RHS, i))
	}
	s := slide{flow: p.integrals(Several, b.Concat(flow...))}
	if p.flow != p.rates {
		s.flow = b.Mul(p.free(), s.flow)
	}
	s.exits = p.exits(parts)
	s.rate = p.rateAlong(s.flow, s.exits)
	return s
}

// combine is the combination of a value that reads the modes of d; nil where it does not
// come apart.
func (w *addends) combine(d, v *ir.Node, parts []*ir.Node) *ir.Node {
	c := &combination{addends: w, d: d, parts: parts, read: map[*ir.Node][]int{}, done: map[*ir.Node]*ir.Node{}}
	return c.of(v)
}

// combination is that of values at the modes of d.
type combination struct {
	*addends
	d     *ir.Node
	parts []*ir.Node
	read  map[*ir.Node][]int // the surfaces whose modes a value reads
	done  map[*ir.Node]*ir.Node
}

// maxCorners is of how many surfaces the corners are taken where a value does not come apart.
const maxCorners = 5

func (c *combination) of(x *ir.Node) *ir.Node {
	if n, ok := c.done[x]; ok {
		return n
	}
	n := c.compute(x)
	c.done[x] = n
	return n
}

func (c *combination) compute(x *ir.Node) *ir.Node {
	b := c.p.Model.Builder
	reads := c.reads(x)
	switch {
	case len(reads) == 0:
		return x
	case len(reads) > 1 && c.adds(x):
		args := make([]*ir.Node, len(x.Args))
		for i, a := range x.Args {
			if args[i] = c.of(a); args[i] == nil {
				return nil
			}
		}
		return b.Rebuild(x, args)
	case len(reads) > maxCorners:
		return nil
	}
	below, above := c.sides(x, reads[0])
	if below, above = c.of(below), c.of(above); below == nil || above == nil {
		return nil
	}
	return b.Add(below, b.Mul(c.parts[reads[0]], b.Sub(above, below)))
}

// reads are the surfaces whose modes a value reads, in order.
func (c *combination) reads(x *ir.Node) []int {
	for _, n := range ir.Reach(x) {
		if _, known := c.read[n]; known {
			continue
		}
		var list []int
		for _, a := range n.Args {
			if list = append(list, c.read[a]...); a == c.d {
				list = append(list, c.within(n)...)
			}
		}
		slices.Sort(list)
		c.read[n] = slices.Compact(list)
	}
	return c.read[x]
}

// within are the surfaces whose modes an operation on d reads.
func (c *combination) within(n *ir.Node) (list []int) {
	for k, modes := range c.modes {
		if n.Op != ir.OpSlice || slices.ContainsFunc(modes, func(at int) bool { return n.Off <= at && at < n.Off+n.Shape.Size() }) {
			list = append(list, k)
		}
	}
	return list
}

// adds reports whether a value is a sum in what it reads of the surfaces, or linear in one of its
// arguments with nothing of theirs in the others.
func (c *combination) adds(x *ir.Node) bool {
	one := func(i int) bool { // all but argument i read nothing
		for k, a := range x.Args {
			if k != i && len(c.read[a]) > 0 {
				return false
			}
		}
		return true
	}
	switch x.Op {
	case ir.OpAdd, ir.OpSub, ir.OpNeg, ir.OpFill, ir.OpSlice, ir.OpAssemble, ir.OpTranspose, ir.OpSum:
		return true
	case ir.OpSelect, ir.OpDense: // by a condition, with weights
		return len(c.read[x.Args[0]]) == 0
	case ir.OpMul, ir.OpDot, ir.OpMatVec, ir.OpTMatVec, ir.OpMatMul, ir.OpOuter:
		return one(0) || one(1)
	case ir.OpDiv:
		return one(0)
	case ir.OpSolve:
		return one(2)
	}
	return false
}

// sides are a value on the lower and the upper side of surface k; both are what it is where the
// solution does not slide along it.
func (c *combination) sides(x *ir.Node, k int) (below, above *ir.Node) {
	b, in := c.p.Model.Builder, [2]*ir.Node{}
	on := c.slides(c.d, k)
	c.read[on] = nil
	for side := range in {
		parts := make([]*ir.Node, c.d.Shape.Size())
		for i := range parts {
			parts[i] = b.Elem(c.d, i)
		}
		for _, at := range c.modes[k] {
			parts[at] = b.Apply(ir.OpFloor, parts[at])
			c.read[parts[at]] = nil
			if side == 1 {
				parts[at] = b.Add(parts[at], on)
			}
		}
		in[side] = b.Substitute([]*ir.Node{x}, map[*ir.Node]*ir.Node{c.d: b.Concat(parts...)})[0]
	}
	return in[0], in[1]
}
