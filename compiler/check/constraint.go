package check

import "github.com/pinode/pinode/dsl"

// constraint is a line `0 = E` of the model or of a component.
type constraint struct {
	decl  *dsl.ConstraintDecl
	scope *scope
}

// constrain elaborates the constraints, after the equations of motion: they have any
// unit.
func (e *elaborator) constrain() {
	for _, c := range e.constraints {
		if v := e.value(c.scope, c.decl.Value); v != nil {
			e.m.Constraints = append(e.m.Constraints, &Constraint{Value: v, Span: c.decl.Span()})
		}
	}
}

// determined checks that there are as many constraints as algebraic unknowns.
func (e *elaborator) determined() {
	unknowns, equations := 0, 0
	var first *State
	for _, s := range e.m.States {
		if s.Algebraic {
			if unknowns += s.Shape.Size(); first == nil {
				first = s
			}
		}
	}
	for _, c := range e.m.Constraints {
		equations += c.Value.Shape.Size()
	}
	if unknowns != equations && len(e.m.Constraints) == len(e.constraints) {
		e.errAlgebraicCount(first, unknowns, equations)
	}
}
