package lower

import (
	"slices"

	"github.com/pinode/pinode/autodiff"
	"github.com/pinode/pinode/compiler/check"
	"github.com/pinode/pinode/compiler/ir"
	"github.com/pinode/pinode/compiler/linear"
	"github.com/pinode/pinode/dsl"
)

// Algebraic unknowns z of constraints 0 = g(t, x, z) are states whose rates follow from
// the constraints: ż = −g_z⁻¹ (g_t + g_x ẋ). So every method, event and derivative has
// them as it has states. Where the run starts and behind every jump they are found by
// Newton's method, whose step is a jump of its own; its derivative, at the solution, is
// that of the implicit function.

// unknown is an element of an algebraic state, at a place of Y.
type unknown struct {
	state *check.State
	elem  int
	at    int
}

// constraints are the equations of a model, element by element, and its unknowns.
type constraints struct {
	values   []*ir.Node
	of       []*check.Constraint
	unknowns []unknown
}

// algebra lowers constraints, which determine algebraic unknowns.
type algebra struct{ *expressions }

// constraints lowers the constraints. The equations are in an order in which each has an
// unknown of its own; the model is refused where there is none.
func (l *algebra) constraints() (c constraints, ok bool) {
	for _, s := range l.m.States {
		if s.Algebraic {
			for k := range s.Shape.Size() {
				c.unknowns = append(c.unknowns, unknown{s, k, l.slots[s].Off + k})
			}
		}
	}
	if l.m.Gridded != nil && len(c.unknowns) > maxGridUnknowns {
		l.fields().errUnknowns(len(c.unknowns))
		return c, false
	}
	for _, x := range l.m.Constraints {
		v := l.expr(x.Value)
		for k := range x.Value.Shape.Size() {
			c.values, c.of = append(c.values, l.element(v, k)), append(c.of, x)
		}
	}
	reads := autodiff.Sparsity(l.b.Concat(c.values...), l.out.In.Y)
	owner, loose := match(len(c.unknowns), func(equation, k int) bool {
		return slices.Contains(reads[equation], c.unknowns[k].at)
	})
	if loose >= 0 {
		l.errHigherIndex(c.of[loose])
		return c, false
	}
	values, of := slices.Clone(c.values), slices.Clone(c.of)
	for k, equation := range owner {
		c.values[k], c.of[k] = values[equation], of[equation]
	}
	return c, true
}

// maxGridUnknowns bounds the algebraic unknowns of a grid: their equations are solved by an
// elimination that is written out.
const maxGridUnknowns = 100

// element is element k of a value.
func (l *base) element(v *ir.Node, k int) *ir.Node {
	if v.Shape == ir.Scalar {
		return v
	}
	return l.b.Elem(v, k)
}

// match gives each of n unknowns an equation of its own, the one of its number where
// that will do, by augmenting paths; loose is an equation that none is left for, or −1.
func match(n int, reads func(equation, unknown int) bool) (owner []int, loose int) {
	owner = slices.Repeat([]int{-1}, n)
	var seen []bool
	var place func(equation int) bool
	place = func(equation int) bool {
		for k := range n { // what is free first
			if owner[k] < 0 && reads(equation, k) {
				owner[k] = equation
				return true
			}
		}
		for k := range n {
			if seen[k] || !reads(equation, k) {
				continue
			}
			seen[k] = true
			if place(owner[k]) {
				owner[k] = equation
				return true
			}
		}
		return false
	}
	for k := range n {
		if reads(k, k) {
			owner[k] = k
		}
	}
	for equation := range n {
		if slices.Contains(owner, equation) {
			continue
		}
		if seen = make([]bool, n); !place(equation) {
			return nil, equation
		}
	}
	return owner, -1
}

// slopes are the derivatives of equation i by unknown j.
func (l *algebra) slopes(c *constraints) [][]*ir.Node {
	rows := make([][]*ir.Node, len(c.values))
	g := l.b.Concat(c.values...)
	for _, u := range c.unknowns {
		unit := make([]float64, l.out.Layout.NY)
		unit[u.at] = 1
		by := autodiff.JVP(l.b, []*ir.Node{g}, []*ir.Node{l.out.In.Y}, []*ir.Node{l.b.ConstOf(ir.Vec(len(unit)), unit)})[0]
		for i := range rows {
			rows[i] = append(rows[i], l.b.Elem(by, i))
		}
	}
	return rows
}

// algebraicRates puts the rates of the algebraic unknowns among those of the states.
func (l *algebra) algebraicRates(parts []*ir.Node) {
	c, ok := l.constraints()
	if !ok {
		return
	}
	drift := l.rateOf(l.b.Concat(c.values...), l.b.Concat(parts...)) // with the unknowns held
	right := make([]*ir.Node, len(c.values))
	for i := range right {
		right[i] = l.b.Neg(l.b.Elem(drift, i))
	}
	rates := linear.Solve(l.b, l.slopes(&c), right)
	if rates == nil {
		l.errHigherIndex(c.of[0])
		return
	}
	for i, s := range l.m.States {
		if s.Algebraic {
			n := s.Shape.Size()
			parts[i], rates = l.shaped(rates[:n], s), rates[n:]
		}
	}
}

// shaped is a value of a state's shape.
func (l *algebra) shaped(elems []*ir.Node, s *check.State) *ir.Node {
	if s.Shape.Rank == 0 {
		return elems[0]
	}
	places := make([]int, len(elems))
	for i := range places {
		places[i] = i
	}
	return l.b.Assemble(shapeOf(s.Shape), places, elems)
}

// compared are the modes of switches whose guards read unknowns, as comparisons.
func (l *algebra) compared(c *constraints) map[*ir.Node]*ir.Node {
	by := map[*ir.Node]*ir.Node{}
	for i, w := range l.out.Switches {
		switch g := l.out.Guards[w.Guard].Node; {
		case i >= l.modes:
		case w.Floor && l.readsUnknown(w.Arg, c):
			by[l.modeNode(i)] = l.b.Apply(ir.OpFloor, w.Arg)
		case !w.Floor && l.readsUnknown(g, c):
			by[l.modeNode(i)] = l.b.Lt(l.b.Const(0), g)
		}
	}
	return by
}

// readsUnknown reports whether a scalar depends on an unknown.
func (l *algebra) readsUnknown(n *ir.Node, c *constraints) bool {
	reads := autodiff.Sparsity(l.b.Concat(n), l.out.In.Y)[0]
	return slices.ContainsFunc(c.unknowns, func(u unknown) bool { return slices.Contains(reads, u.at) })
}

// balance adds the event whose jump is a step of Newton's method for the unknowns. Comparisons of
// the unknowns are those of what it comes by, whatever the modes are; the others read the modes, since
// on their surface round-off would decide.
func (l *algebra) balance() {
	l.located = true
	c, ok := l.constraints()
	l.located = false
	if !ok {
		return
	}
	c.values = l.b.Substitute(c.values, l.compared(&c))
	e := Event{Likelihood: -1, Threshold: -1, Checked: &check.Event{Obj: check.Obj{Name: "0 =", Span: l.m.Constraints[0].Span}, Kind: dsl.TriggerAt}}
	steps := linear.Solve(l.b, l.slopes(&c), c.values)
	if steps == nil {
		return // reported with the rates
	}
	next := make([]*ir.Node, len(steps))
	for k, u := range c.unknowns {
		next[k] = l.b.Sub(l.b.Elem(l.out.In.Y, u.at), steps[k])
		e.Targets, e.Adds = append(e.Targets, u.at), append(e.Adds, false)
	}
	e.Jump = l.b.Concat(next...)
	l.out.Events = append(l.out.Events, e)
	l.out.Balance = len(l.out.Events)
}
