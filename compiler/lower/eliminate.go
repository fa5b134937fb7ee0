package lower

import (
	"slices"

	"github.com/pinode/pinode/autodiff"
	"github.com/pinode/pinode/compiler/ir"
	"github.com/pinode/pinode/compiler/linear"
)

// Unknowns of constraints that jump. Where a switch turns that a constraint reads, its unknowns
// jump, and with them what reads them. A field must know that before the switch turns, since it may
// not turn at all but have the motion slide along its surface. Where the constraint is linear in its
// unknowns, they are solved for in the graph, and everything reads the solution in their place. The
// states are kept, for the tables: the step of Newton's method sets them to it.

// eliminate solves for the unknowns that jump.
func (l *algebra) eliminate() {
	if len(l.m.Constraints) == 0 || l.diags.Err() != nil {
		return
	}
	l.located = true
	c, ok := l.constraints()
	l.located = false
	if !ok {
		return
	}
	value := map[int]*ir.Node{} // by place in Y
	for _, part := range l.apart(&c) {
		sol := l.explicit(part)
		if sol == nil {
			for _, i := range l.conditions.surfaces(l.b.Concat(part.values...)) {
				l.out.Switches[i].Implicit = true
			}
			continue
		}
		for k, u := range part.unknowns {
			value[u.at] = sol[k]
		}
	}
	if len(value) == 0 {
		return
	}
	l.readInstead(value)
	balance := &l.out.Events[l.out.Balance-1]
	next := make([]*ir.Node, len(balance.Targets))
	for i, at := range balance.Targets {
		if next[i] = value[at]; next[i] == nil {
			next[i] = l.b.Elem(balance.Jump, i)
		}
	}
	balance.Jump = l.b.Concat(next...)
	balance.Sliding.Jump = balance.Jump
}

// apart are the constraints in parts that share no unknown.
func (l *algebra) apart(c *constraints) (parts []*constraints) {
	reads := autodiff.Sparsity(l.b.Concat(c.values...), l.out.In.Y)
	done := make([]bool, len(c.values))
	for first := range c.values {
		if done[first] {
			continue
		}
		p := &constraints{}
		for list := []int{first}; len(list) > 0; list = list[1:] {
			k := list[0]
			if done[k] {
				continue
			}
			done[k] = true
			p.values, p.of, p.unknowns = append(p.values, c.values[k]), append(p.of, c.of[k]), append(p.unknowns, c.unknowns[k])
			for i := range c.values { // those that read the unknown of this one, or whose unknown this one reads
				if slices.Contains(reads[i], c.unknowns[k].at) || slices.Contains(reads[k], c.unknowns[i].at) {
					list = append(list, i)
				}
			}
		}
		parts = append(parts, p)
	}
	return parts
}

// explicit are the unknowns of constraints that jump and are linear in them; nil where they are not.
func (l *algebra) explicit(c *constraints) []*ir.Node {
	g := l.b.Concat(c.values...)
	if len(l.conditions.surfaces(g)) == 0 {
		return nil
	}
	for _, x := range ir.Reach(g) {
		if x.Op != ir.OpSlice || x.Args[0] != l.out.In.D {
			continue
		}
		for i := range l.modes {
			if k := l.modeIndex(i) - x.Off; k >= 0 && k < x.Shape.Size() && l.readsUnknown(l.out.Guards[l.out.Switches[i].Guard].Node, c) {
				return nil
			}
		}
	}
	slopes := l.slopes(c)
	for _, row := range slopes {
		for _, n := range row {
			if l.readsUnknown(n, c) {
				return nil
			}
		}
	}
	zero := map[int]*ir.Node{}
	for _, u := range c.unknowns {
		zero[u.at] = l.b.Const(0)
	}
	right := l.b.Substitute(c.values, map[*ir.Node]*ir.Node{l.out.In.Y: l.withPlaces(l.out.In.Y, zero)})
	for i, n := range right {
		right[i] = l.b.Neg(n)
	}
	return linear.Solve(l.b, slopes, right)
}

// withPlaces is a vector with other scalars at some of its places.
func (l *base) withPlaces(v *ir.Node, scalars map[int]*ir.Node) *ir.Node {
	parts := make([]*ir.Node, v.Shape.N)
	for i := range parts {
		if parts[i] = scalars[i]; parts[i] == nil {
			parts[i] = l.b.Elem(v, i)
		}
	}
	return l.b.Concat(parts...)
}

// readInstead lets everything read values in the place of states, now and before an instant, and
// notes what jumps that way.
func (l *algebra) readInstead(value map[int]*ir.Node) {
	in := l.out.In
	by := map[*ir.Node]*ir.Node{in.Y: l.withPlaces(in.Y, value)}
	if in.YB != nil {
		before := map[int]*ir.Node{}
		for at, n := range value {
			before[at] = l.atBefore(n)
		}
		by[in.YB] = l.withPlaces(in.YB, before)
	}
	for _, n := range l.out.nodes() {
		if *n != nil {
			*n = l.b.Substitute([]*ir.Node{*n}, by)[0]
		}
	}
	for i := range l.out.Events {
		e := &l.out.Events[i]
		for _, s := range [...]struct{ sliding, plain **ir.Node }{{&e.Sliding.Jump, &e.Jump}, {&e.Sliding.Rest, &e.Rest}, {&e.Sliding.Delay, &e.Delay}} {
			if *s.sliding == nil && *s.plain != nil && len(l.conditions.surfaces(*s.plain)) > 0 {
				*s.sliding = *s.plain
			}
		}
		if e.Cond != nil {
			l.triggeredBy(i, e.Cond)
		}
	}
}

// triggeredBy notes that the guards of an event's condition read the modes of switches.
func (l *algebra) triggeredBy(event int, c *Cond) {
	switch c.Op {
	case CondBelow, CondAbove, CondCross, CondRise, CondFall, CondFlag:
		for _, i := range l.conditions.surfaces(l.out.Guards[c.Guard].Node) {
			l.out.Switches[i].Trigger = event + 1
		}
	}
	for _, a := range c.Args {
		l.triggeredBy(event, a)
	}
}
