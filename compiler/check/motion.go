package check

import (
	"slices"

	"github.com/pinode/pinode/dsl"
	"github.com/pinode/pinode/physics/units"
)

// equation is an equation of motion of a state or of some of its elements.
type equation struct {
	decl   *dsl.EquationDecl
	scope  *scope
	places []int // of the elements
	shape  Shape // of the right-hand side
}

// motion are the equations of one state, of its highest derivative.
type motion struct {
	eqs []*equation
	top *State
}

// motions elaborates what determines the states: equations of motion, constraints, initial
// values and where the run starts.
type motions struct {
	*objects
	eqs         []*equation
	motions     map[*entity]*motion
	rates       map[*entity]*entity
	badTime     map[string]bool // components that count time in another unit, by prefix
	constraints []*constraint
	starts      []*start
}

// attach finds the state of every equation.
func (e *motions) attach() {
	slices.SortStableFunc(e.order, func(a, b *entity) int { return slices.Compare(a.key, b.key) })
	for _, q := range e.eqs {
		t := q.decl.Target
		x, _ := q.scope.find(inValues, t.Name, 0)
		var rest [][]dsl.Range
		if q.decl.Index != nil {
			rest = [][]dsl.Range{q.decl.Index}
		}
		if x == nil || rest != nil {
			m, left, ok := e.arrays.choose(q.scope, t.Name, 0, rest, t)
			switch {
			case !ok:
				continue
			case m != nil:
				x, rest = m, left
			case x == nil:
				e.errUnknownState(q)
				continue
			}
		}
		e.attachTo(x, q, rest)
	}
}

func (e *motions) attachTo(x *entity, q *equation, rest [][]dsl.Range) {
	if _, ok := x.decl.(*dsl.StateDecl); !ok {
		if _, ok := x.decl.(*dsl.AugmentDecl); !ok {
			if !x.twice {
				e.errNotAState(q, x)
			}
			return
		}
	}
	m := e.motions[x]
	if m == nil {
		m = &motion{}
		e.motions[x] = m
	}
	m.eqs = append(m.eqs, q)
	top := x
	order := 1
	for next := e.names[inValues][top.name+"'"]; next != nil; next = e.names[inValues][top.name+"'"] {
		top = next
		order++
	}
	if !e.touch(top) {
		return
	}
	m.top = top.obj.(*State)
	if q.decl.Target.Primes != order {
		e.errOrder(q, x, order)
		m.top = nil
		return
	}
	q.shape = m.top.Shape
	sel := selection{}
	ok := true
	switch {
	case len(rest) == 0:
		for i := range q.shape.Size() {
			q.places = append(q.places, i)
		}
	case len(rest) > 1 || q.shape.Rank == 0:
		e.errIndices(q.decl.Target, len(rest), q.shape)
		m.top = nil
	default:
		if sel, ok = e.arrays.selected(q.scope, q.shape, rest[0], q.decl.Target); !ok {
			m.top = nil
			return
		}
		q.shape, q.places = sel.shape(), sel.places()
	}
}

// equations elaborates the right-hand side of every state. They come before
// all else, so that units are inferred from them where there is a choice.
func (e *motions) equations() {
	for _, x := range e.order {
		switch x.decl.(type) {
		case *dsl.StateDecl, *dsl.AugmentDecl, *dsl.AlgebraicDecl:
			e.touch(x)
		}
	}
	for _, x := range e.order {
		st, ok := x.obj.(*State)
		if !ok || st.Algebraic {
			continue
		}
		if next := e.names[inValues][x.name+"'"]; next != nil && next.obj != nil {
			o := next.obj.Info()
			st.Deriv = e.add(&Expr{Kind: Ref, Object: next.obj, Shape: o.Shape, Unit: o.Unit, Span: x.at})
			continue
		}
		base := x
		for base.name[len(base.name)-1] == '\'' {
			base = e.names[inValues][base.name[:len(base.name)-1]]
		}
		if r := e.rateOf(base); e.touch(r) {
			st.Deriv = r.obj.(*Let).Value
		}
	}
}

// rateOf is the right-hand side of a state's equation as an entity, for
// expressions that read the highest derivative.
func (e *motions) rateOf(x *entity) *entity {
	m := e.motions[x]
	if m == nil {
		m = &motion{}
		e.motions[x] = m
	}
	if r := e.rates[x]; r != nil {
		return r
	}
	r := &entity{name: x.name + "'", at: x.at, scope: x.scope}
	if len(m.eqs) > 0 {
		r.name = x.name + primes(m.eqs[0].decl.Target.Primes)
	}
	r.resolve = func(r *entity) {
		if v := e.rate(x, m); v != nil {
			r.obj = &Let{Obj: Obj{Name: r.name, Span: m.eqs[0].decl.Target.Span(), Shape: v.Shape, Unit: v.Unit, Inferred: true}, Value: v}
		}
	}
	e.rates[x] = r
	return r
}

// rate puts the right-hand side of a state together from its equations; nil
// after an error.
func (e *motions) rate(x *entity, m *motion) *Expr {
	if len(m.eqs) == 0 {
		e.errMissingEquation(x, nil)
		return nil
	}
	if m.top == nil { // a wrong order or index
		return nil
	}
	want := m.top.Unit.Div(e.m.Time.Unit)
	by := make([]*equation, m.top.Shape.Size())
	elems := make([]*Expr, len(by))
	var whole *Expr
	bad := false
	for _, q := range m.eqs {
		v := e.rhs(q, m.top, want)
		for k, p := range q.places {
			if by[p] != nil {
				e.errTwoEquations(x, q, by[p])
				return nil
			}
			by[p] = q
			if v != nil && q.decl.Index != nil {
				elems[p] = e.element(v, k)
			}
		}
		whole, bad = v, bad || v == nil
	}
	for _, q := range by {
		if q == nil {
			e.errMissingEquation(x, by)
			return nil
		}
	}
	switch {
	case bad:
		return nil
	case len(m.eqs) == 1 && whole.Shape == m.top.Shape:
		return whole
	}
	return e.stack(elems, m.top.Shape, whole)
}

// rhs elaborates the right-hand side of one equation.
func (e *motions) rhs(q *equation, top *State, want units.Unit) *Expr {
	v := e.value(q.scope, q.decl.Value)
	if v == nil {
		return nil
	}
	if v.Shape != q.shape && v.Shape.Rank != 0 {
		e.errEquationShape(q, v, top)
		return nil
	}
	if !e.badTime[q.scope.prefix] && !e.demand(v, want) {
		e.errEquationUnit(q, v, top, want)
		return nil
	}
	return e.spread(v, q.shape)
}
