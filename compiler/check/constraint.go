package check

import (
	"slices"

	"github.com/pinode/pinode/dsl"
)

// constraint is a line `0 = E` of the model or of a component.
type constraint struct {
	decl  *dsl.ConstraintDecl
	scope *scope
}

// constrain elaborates the constraints, after the equations of motion: they have any
// unit.
func (e *motions) constrain() {
	for _, c := range e.constraints {
		if v := e.value(c.scope, c.decl.Value); v != nil {
			e.m.Constraints = append(e.m.Constraints, &Constraint{Value: v, Span: c.decl.Span()})
		}
	}
}

// determined checks that there are as many constraints as algebraic unknowns.
func (e *motions) determined() {
	type count struct {
		unknowns, equations int
		first               *State
	}
	counts := map[string]*count{} // by the coordinates that they are over
	of := func(over []*Coordinate) *count {
		over = slices.Clone(over)
		slices.SortFunc(over, func(a, b *Coordinate) int { return a.Axis - b.Axis })
		key := overNames(over)
		if counts[key] == nil {
			counts[key] = &count{}
		}
		return counts[key]
	}
	for _, s := range e.m.States {
		if s.Algebraic {
			c := of(s.Over)
			if c.unknowns += s.Shape.Size(); c.first == nil {
				c.first = s
			}
		}
	}
	for _, c := range e.m.Constraints {
		of(CoordinatesOf(c.Value)).equations += c.Value.Shape.Size()
	}
	for _, key := range names(counts) {
		if c := counts[key]; c.unknowns != c.equations && len(e.m.Constraints) == len(e.constraints) {
			e.errAlgebraicCount(c.first, c.unknowns, c.equations)
		}
	}
}
