package check

import (
	"fmt"
	"strings"

	"github.com/pinode/pinode/dsl"
	"github.com/pinode/pinode/dsl/diag"
)

func (e *motions) errUnknownState(q *equation) {
	t := q.decl.Target
	d := e.diags.Errorf(unknownName, t.Span(), "`%s` has an equation of motion and is not declared", t.Name)
	var have []string
	for _, x := range e.order {
		if _, ok := x.decl.(*dsl.StateDecl); ok && !strings.HasSuffix(x.name, "'") {
			have = append(have, strings.TrimPrefix(x.name, q.scope.prefix))
		}
	}
	e.unknown[q.scope.prefix+t.Name] = true
	if near, ok := diag.Nearest(t.Name, have); ok {
		d.WithNote(t.Span(), "did you mean `%s`?", near)
	} else {
		d.WithHelp("declare it: `state %s = 0`", t.Name)
	}
}

func (e *motions) errMissingEquation(x *entity, by []*equation) {
	order := 1
	for e.names[inValues][x.name+primes(order)] != nil {
		order++
	}
	name := x.name + primes(order)
	d := e.diags.Errorf(missingEquation, x.at, "the state `%s` has no equation of motion", x.name)
	if by == nil {
		d.WithHelp("write `%s = …`; what changes at events only is `discrete`", name)
		return
	}
	var missing []string
	st := x.obj.(*State)
	for i, q := range by {
		if q == nil && len(missing) < 6 {
			missing = append(missing, elementName(x.name, st.Shape, i))
		}
	}
	d.Message = fmt.Sprintf("some elements of the state `%s` have no equation of motion", x.name)
	d.WithNote(x.at, "missing: %s", strings.Join(missing, ", "))
}

func (e *motions) errTwoEquations(x *entity, q, first *equation) {
	e.diags.Errorf(twoEquations, q.decl.Target.Span(), "`%s` has two equations of motion", x.name).
		WithNote(first.decl.Target.Span(), "first here")
}

func (e *motions) errNotAState(q *equation, x *entity) {
	d := e.diags.Errorf(notAState, q.decl.Target.Span(), "`%s` is not a state and has no equation of motion", x.name).
		WithNote(x.at, "it is declared here")
	switch x.decl.(type) {
	case *dsl.AlgebraicDecl:
		d.WithHelp("lines `0 = …` determine an algebraic unknown; if it has a rate, declare it as `state %s`", x.name)
	case *dsl.DiscreteDecl:
		d.WithHelp("a discrete variable changes at events only; if it moves between them, declare it as `state %s`", x.name)
	default:
		d.WithHelp("if it changes in time, declare it as `state %s = …`", x.name)
	}
}

func (e *motions) errOrder(q *equation, x *entity, order int) {
	t := q.decl.Target
	if t.Primes > maxOrder {
		e.diags.Errorf(wrongOrder, t.Span(), "equations of motion go up to order %d", maxOrder)
		return
	}
	d := e.diags.Errorf(wrongOrder, t.Span(), "`%s` is of order %d; this equation gives `%s`", x.name, order, t.Name+primes(t.Primes)).
		WithNote(x.at, "it is declared here")
	if order > t.Primes {
		d.WithHelp("its order is that of its highest derivative: write `%s = …`, and leave out other equations and initial values", t.Name+primes(order))
	}
}

func (e *motions) errAlgebraicCount(first *State, unknowns, equations int) {
	var at diag.Span
	help := "write as many lines `0 = …` as there are algebraic unknowns, elements of vectors counted"
	switch {
	case first == nil:
		at, help = e.m.Constraints[0].Span, "declare what it determines: `algebraic q = 0`, where 0 is a guess; for a condition that is only to be checked or penalised write `require … == 0`"
	case equations > unknowns:
		at = e.m.Constraints[0].Span
	default:
		at = first.Span
	}
	e.diags.Errorf(algebraicCount, at, "the model has %s and %s `0 = …`", plural(unknowns, "algebraic unknown"), plural(equations, "equation")).
		WithHelp("%s", help)
}

func (e *motions) errInitialCycle(active []Object, o Object) {
	names := ""
	for _, a := range active {
		names += "`" + a.Info().Name + "` → "
	}
	e.diags.Errorf(cycle, o.Info().Span, "initial values depend on each other in a circle: %s`%s`", names, o.Info().Name)
}

func (e *motions) errMisplacedStart(d *dsl.StartDecl) {
	e.diags.Errorf(misplaced, d.Span(), "a component does not say where the whole model starts").
		WithHelp("write `start steady { … }` in the model that uses it")
}
