package lower

import (
	"github.com/pinode/pinode/autodiff"
	"github.com/pinode/pinode/compiler/check"
	"github.com/pinode/pinode/compiler/ir"
	"github.com/pinode/pinode/compiler/linear"
	"github.com/pinode/pinode/dsl"
)

// project adds the events that keep quantities with `mode: project` at their levels: a step
// of Newton's method along their gradients, y − Gᵀ(GGᵀ)⁻¹(Q(y) − level), and what sets the
// levels.
//
// E. Hairer, Ch. Lubich, G. Wanner, Geometric Numerical Integration, 2nd ed., IV.4.
func (l *events) project() {
	if l.levels == 0 {
		return
	}
	lay, in := &l.out.Layout, l.out.In
	first := lay.ND - l.modes - l.thresholds - l.levels
	var of *check.Conserve
	var values, off, gradients []*ir.Node
	for _, c := range l.m.Conserves {
		if c.Mode != "project" {
			continue
		}
		of = c
		q := l.expr(c.Value)
		off = append(off, l.b.Sub(q, l.b.Elem(in.D, first+len(values))))
		values = append(values, q)
		gradients = append(gradients, autodiff.VJP(l.b, []*ir.Node{q}, []*ir.Node{l.b.Const(1)}, []*ir.Node{in.Y})[0])
	}
	l.notProjected(of)
	products := make([][]*ir.Node, len(values))
	for i := range values {
		for j := range values {
			products[i] = append(products[i], l.b.Dot(gradients[i], gradients[j]))
		}
	}
	shares := linear.Solve(l.b, products, off)
	event := func(name string) Event {
		return Event{Likelihood: -1, Threshold: -1, Checked: &check.Event{Obj: check.Obj{Name: name, Span: of.Span}, Kind: dsl.TriggerAt}}
	}
	newton, level := event("project"), event("level")
	moved := make([]bool, lay.NUser)
	for _, row := range autodiff.Sparsity(l.b.Concat(values...), in.Y) {
		for _, k := range row {
			moved[k] = true
		}
	}
	var next []*ir.Node
	for k, on := range moved {
		if !on {
			continue
		}
		y := l.b.Elem(in.Y, k)
		for i, g := range gradients {
			y = l.b.Sub(y, l.b.Mul(shares[i], l.b.Elem(g, k)))
		}
		next = append(next, y)
		newton.Targets, newton.Adds = append(newton.Targets, k), append(newton.Adds, false)
	}
	newton.Jump = l.b.Concat(next...)
	for i := range values {
		level.Targets, level.Adds = append(level.Targets, lay.NY+first+i), append(level.Adds, false)
	}
	level.Jump = l.b.Concat(values...)
	l.out.Events = append(l.out.Events, newton, level)
	l.out.Project = len(l.out.Events) - 1
}

// notProjected refuses what a projection does not go with.
func (l *events) notProjected(c *check.Conserve) {
	refuse := func(what string) {
		l.diags.Errorf("not-supported", c.Span, "`mode: project` is not supported yet in a model with %s", what)
	}
	if len(l.m.Constraints) > 0 {
		refuse("algebraic unknowns")
	}
	for _, ev := range l.out.Events {
		if len(ev.RestTargets) > 0 {
			refuse("states that come to rest")
			return
		}
	}
}
