package check

import (
	"github.com/pinode/pinode/dsl"
	"github.com/pinode/pinode/dsl/diag"
	"github.com/pinode/pinode/physics/units"
)

// unitReader reads units and their declarations.
type unitReader struct {
	*reporter
	table *units.Table
}

// fileUnits declares the units of the library and of the file, those in
// models too: a unit belongs to the whole file.
func (c *checker) fileUnits() {
	known := map[string]bool{}
	for _, n := range c.table.Names() {
		known[n] = true
	}
	for _, lib := range c.env.Library {
		c.declareUnits(collectUnits(lib.Decls, nil), nil)
	}
	c.declareUnits(collectUnits(c.file.Decls, nil), known)
}

func collectUnits(decls []dsl.Decl, into []*dsl.UnitDecl) []*dsl.UnitDecl {
	for _, d := range decls {
		switch d := d.(type) {
		case *dsl.UnitDecl:
			into = append(into, d)
		case *dsl.ModelDecl:
			into = collectUnits(d.Body, into)
		case *dsl.ForDecl:
			into = collectUnits(d.Body, into)
		}
	}
	return into
}

// declareUnits defines units in an order in which each can be read. Names in
// fixed are the language's own.
func (c *unitReader) declareUnits(list []*dsl.UnitDecl, fixed map[string]bool) {
	first := map[string]*dsl.UnitDecl{}
	var todo []*dsl.UnitDecl
	for _, d := range list {
		old := first[d.Name.Name]
		switch {
		case fixed[d.Name.Name]:
			c.errBuiltinUnit(d)
		case old != nil && dsl.FormatExpr(old.Value) == dsl.FormatExpr(d.Value): // two models may name the same unit
		case old != nil:
			c.errDuplicate(d.Name.Span(), d.Name.Name, old.Name.Span())
		default:
			first[d.Name.Name] = d
			todo = append(todo, d)
		}
	}
	for len(todo) > 0 {
		var later []*dsl.UnitDecl
		for _, d := range todo {
			if !c.readable(d, first) {
				later = append(later, d)
				continue
			}
			delete(first, d.Name.Name)
			c.defineUnit(d)
		}
		if len(later) == len(todo) {
			c.errUnitCycle(later)
			for _, d := range later {
				c.table.DefineBase(d.Name.Name) // so that its uses are no mistakes
			}
			return
		}
		todo = later
	}
}

// readable reports whether a unit's definition uses none that is still to be
// defined.
func (c *unitReader) readable(d *dsl.UnitDecl, open map[string]*dsl.UnitDecl) bool {
	n, ok := d.Value.(*dsl.NumberLit)
	if !ok || n.Unit == nil {
		return true
	}
	for _, f := range n.Unit.Factors {
		if open[f.Name] != nil {
			return false
		}
	}
	return true
}

func (c *unitReader) defineUnit(d *dsl.UnitDecl) {
	if d.Value == nil {
		c.table.DefineBase(d.Name.Name)
		return
	}
	n, ok := d.Value.(*dsl.NumberLit)
	if !ok || n.Unit == nil || !(n.Value > 0) {
		c.errBadUnit(d)
		c.table.DefineBase(d.Name.Name)
		return
	}
	if u, ok := c.unit(n.Unit); ok {
		c.table.Define(d.Name.Name, units.Scaled(n.Value, u))
	} else {
		c.table.DefineBase(d.Name.Name)
	}
}

// maxExponent bounds what is written as an exponent of a unit.
const maxExponent = 100

// unit reads a unit expression.
func (c *unitReader) unit(u *dsl.UnitExpr) (units.Unit, bool) {
	out := units.One
	for _, f := range u.Factors {
		x, ok := c.table.Lookup(f.Name)
		if !ok {
			c.errUnknownUnit(f)
			return units.One, false
		}
		if max(f.Num, -f.Num, f.Den) > maxExponent {
			c.errUnitExponent(f)
			return units.One, false
		}
		out = out.Mul(x.Pow(f.Num, f.Den))
	}
	return out, true
}

// equation between units that inference has set up.
type unitEquation struct {
	a, b units.Unit
	at   diag.Span
}

// inference finds the units that are not declared.
type inference struct {
	*unitReader
	solver  units.Solver
	trace   []unitEquation // in the order in which they were set up
	exprs   []*Expr        // whose units are to be grounded
	unnamed []*Obj         // likewise: locals, arguments
}

// equate makes two units equal, for the reason at a place of the source.
func (e *inference) equate(a, b units.Unit, at diag.Span) bool {
	if a.Equal(b) {
		return true
	}
	if !e.solver.Unify(a, b) {
		return false
	}
	e.trace = append(e.trace, unitEquation{a, b, at})
	return true
}

// inferredFrom finds the place that fixed a unit: the equations are solved
// again, in order, until it holds no variable. Only messages need it.
func (e *inference) inferredFrom(u units.Unit) (diag.Span, bool) {
	var s units.Solver
	for _, q := range e.trace {
		s.Unify(q.a, q.b)
		if len(units.Variables(s.Resolve(u))) == 0 {
			return q.at, true
		}
	}
	return diag.Span{}, false
}

// settle replaces what is known of an object's inferred unit, so that its
// uses need not.
func (e *inference) settle(o *Obj) {
	if o.Inferred {
		o.Unit = e.solver.Resolve(o.Unit)
	}
}

// adopt gives a bare number the unit that is asked of it.
func (e *inference) adopt(x *Expr, u units.Unit) {
	x.Unit, x.bare = u, false
	e.exprs = append(e.exprs, x)
}

// meet makes the units of two operands equal: a bare number takes that of the
// other.
func (e *inference) meet(a, b *Expr, at diag.Span) bool {
	switch {
	case a.bare && b.bare:
		return true
	case a.bare:
		e.adopt(a, b.Unit)
		return true
	case b.bare:
		e.adopt(b, a.Unit)
		return true
	}
	return e.equate(a.Unit, b.Unit, at)
}

// demand makes the unit of x the wanted one.
func (e *inference) demand(x *Expr, want units.Unit) bool {
	if x.bare {
		e.adopt(x, want)
		return true
	}
	return e.equate(x.Unit, want, x.Span)
}

// name spells a unit for people as far as it is known.
func (e *inference) name(u units.Unit) string { return e.table.Name(e.solver.Ground(u)) }

// declareUnit gives an object the unit that is written, or one to infer.
func (e *inference) declareUnit(o *Obj, u *dsl.UnitExpr) {
	if u != nil {
		if x, ok := e.unit(u); ok {
			o.Unit, o.Inferred, o.Spelled = x, false, dsl.FormatUnit(u)
			return
		}
	}
	o.Unit, o.Inferred = e.solver.Fresh(), true
}
