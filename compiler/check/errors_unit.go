package check

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/pinode/pinode/dsl"
	"github.com/pinode/pinode/dsl/diag"
	"github.com/pinode/pinode/physics/units"
)

// unitMistakes has the wording of mistakes in units.
type unitMistakes struct{ *scopes }

// unitOf is the unit of x for people, with the names that it comes from:
// "m/s^2 (g: m/s^2, 4:9)".
func (e unitMistakes) unitOf(x *Expr) string {
	if w := e.whence(x); w != "" {
		return e.name(x.Unit) + " (" + w + ")"
	}
	return e.name(x.Unit)
}

// whence says where the units of the names in an expression come from.
func (e unitMistakes) whence(x *Expr) string {
	var parts []string
	seen := map[Object]bool{}
	var walk func(x *Expr)
	walk = func(x *Expr) {
		if o := x.Object; o != nil && !seen[o] && o.Info().Span.Src != nil {
			seen[o] = true
			parts = append(parts, e.declared(o.Info()))
		}
		if x.Kind != Net { // the unit of its result is its own
			for _, a := range x.Args {
				walk(a)
			}
		}
	}
	walk(x)
	if len(parts) > 3 {
		parts = append(parts[:3], "…")
	}
	return strings.Join(parts, "; ")
}

// declared says where an object's unit comes from: "g: m/s^2, 4:9", or
// "c: 1/s, inferred from 12:9".
func (e unitMistakes) declared(o *Obj) string {
	s := fmt.Sprintf("%s: %s, ", o.Name, e.name(o.Unit))
	if from, ok := e.elsewhere(o); ok {
		return s + "inferred from " + e.at(from)
	}
	if o.Inferred && len(units.Variables(e.solver.Resolve(o.Unit))) > 0 {
		return fmt.Sprintf("%s is declared without unit, %s", o.Name, e.at(o.Span))
	}
	return s + e.at(o.Span)
}

// elsewhere is the place that an object's unit was inferred from, if that is
// not its own declaration.
func (e unitMistakes) elsewhere(o *Obj) (diag.Span, bool) {
	if len(units.Variables(o.Unit)) == 0 { // declared, or settled by its own value
		return diag.Span{}, false
	}
	from, ok := e.inferredFrom(o.Unit)
	if !ok {
		return from, false
	}
	if x := e.names[inValues][o.Name]; x != nil && x.decl != nil {
		if d := x.decl.Span(); from.Src == d.Src && d.Start <= from.Start && from.End <= d.End {
			return from, false
		}
	}
	return from, true
}

// source is what was written for x, fit to stand in a product.
func source(x *Expr) string {
	text := x.Span.Text()
	if strings.ContainsAny(text, " +-") && !(x.Kind == Slice || x.Kind == Apply || x.Kind == Net) {
		return "(" + text + ")"
	}
	return text
}

// quotient spells a unit over another, without what both are divided by.
func quotient(a, b string) string {
	an, ad, _ := strings.Cut(a, "/")
	bn, bd, _ := strings.Cut(b, "/")
	factors := func(parts ...string) []string {
		list := strings.FieldsFunc(strings.Join(parts, "*"), func(r rune) bool { return r == '*' || r == '/' })
		return slices.DeleteFunc(list, func(n string) bool { return n == "1" })
	}
	over, under := factors(an, bd), factors(ad, bn)
	for i := 0; i < len(over); i++ {
		if k := slices.Index(under, over[i]); k >= 0 {
			over, under = slices.Delete(over, i, i+1), slices.Delete(under, k, k+1)
			i--
		}
	}
	text := strings.Join(over, "*")
	if text == "" {
		text = "1"
	}
	if len(under) == 0 {
		return text
	}
	return text + "/" + strings.Join(under, "/")
}

// scaleHelp says which factor brings x to a unit that differs only in scale.
func (e unitMistakes) scaleHelp(x *Expr, to units.Unit) string {
	from, to := e.solver.Ground(x.Unit), e.solver.Ground(to)
	if !from.SameDimension(to) {
		return ""
	}
	f := from.Factor(to)
	if names := e.table.Name(to) + e.table.Name(from); strings.Contains(names, " ") { // a scale that no unit has a name for
		return fmt.Sprintf("only the scale differs, by the factor %.12g", f)
	}
	if x.Kind == Number && x.Object == nil && x.Name == "" {
		return fmt.Sprintf("only the scale differs: write `%v [%s]`", x.Value*f, e.table.Name(to))
	}
	unit := quotient(e.table.Name(to), e.table.Name(from))
	if to.Dimensionless() { // what is left of units of one kind
		at, other := e.odd(x, to.Div(from))
		switch {
		case at == nil:
		case at.Kind == Number:
			return fmt.Sprintf("only the scale differs, by a factor of %.12g: write `%s` as `%.12g [%s]`", f, at.Span.Text(), at.Value*f, other)
		default:
			unit = other + "/" + e.table.Name(e.solver.Ground(at.Unit))
		}
	}
	if inverse := 1 / f; f < 1 && math.Abs(inverse-math.Round(inverse)) < 1e-9*inverse {
		return fmt.Sprintf("only the scale differs: multiply by %g [%s], as in `%s*%g [%s]`", f, unit, source(x), f, unit)
	}
	return fmt.Sprintf("only the scale differs: multiply by %.12g [%s], as in `%s*%.12g [%s]`", f, unit, source(x), f, unit)
}

// odd is a factor of x that would bring x to another scale if it were in another unit, and
// the name of that: a number with its unit, else a quantity in a unit with a name.
func (e unitMistakes) odd(x *Expr, scale units.Unit) (at *Expr, name string) {
	for _, f := range factors(x, 1) {
		unit := e.solver.Ground(f.x.Unit)
		if unit.SameDimension(units.One) {
			continue
		}
		n := e.table.Name(unit.Mul(scale.Pow(f.sign, 1)))
		switch plain := func(s string) bool { return !strings.ContainsAny(s, "*/^ ") }; {
		case f.x.Kind == Number && f.x.Name == "" && plain(strings.TrimPrefix(n, "1/")):
			if f.sign < 0 { // the factor is the inverse of that which is said
				continue
			}
			return f.x, n
		case at == nil && f.sign > 0 && plain(n) && plain(e.table.Name(unit)):
			at, name = f.x, n
		}
	}
	return at, name
}

// fit suggests how x could get another unit: a factor of the scale, a unit
// for a factor of x that has none, or a known quantity to multiply with.
func (e unitMistakes) fit(x *Expr, to units.Unit) string {
	if h := e.scaleHelp(x, to); h != "" {
		return h
	}
	missing := e.solver.Ground(to).Div(e.solver.Ground(x.Unit))
	for _, f := range factors(x, 1) {
		unit := e.table.Name(missing.Pow(f.sign, 1).Mul(e.solver.Ground(f.x.Unit)))
		switch o := f.x.Object.(type) {
		case *Param, *Const:
			if info := o.Info(); !info.Inferred && info.Unit.Dimensionless() {
				if decl := e.withUnit(info, unit); decl != "" {
					return fmt.Sprintf("give `%s` a unit: `%s`", info.Name, decl)
				}
			}
		case nil:
			if f.x.Kind == Number && f.x.Name == "" && e.solver.Ground(f.x.Unit).Dimensionless() && math.Abs(f.x.Value) != 1 {
				return fmt.Sprintf("a number in a product has no unit of its own; if it is a quantity, write `%g [%s]`", f.x.Value, unit)
			}
		}
	}
	for _, x := range e.order {
		switch x.obj.(type) {
		case *Param, *Const, *Covariate:
			o := x.obj.Info()
			if o.Shape.Rank > 0 {
				continue
			}
			if _, inferred := e.elsewhere(o); inferred {
				continue
			}
			switch u := e.solver.Resolve(o.Unit); {
			case u.Equal(missing):
				return fmt.Sprintf("does a factor `%s` (%s) lack?", o.Name, e.declared(o))
			case u.Equal(missing.Pow(-1, 1)):
				return fmt.Sprintf("is it to be divided by `%s` (%s)?", o.Name, e.declared(o))
			}
		}
	}
	return ""
}

// factor is one factor of a product, or divisor where sign is −1.
type factor struct {
	x    *Expr
	sign int
}

func factors(x *Expr, sign int) []factor {
	if x.Kind == Op {
		switch x.Name {
		case "neg":
			return factors(x.Args[0], sign)
		case "mul":
			return append(factors(x.Args[0], sign), factors(x.Args[1], sign)...)
		case "div":
			return append(factors(x.Args[0], sign), factors(x.Args[1], -sign)...)
		}
	}
	return []factor{{x, sign}}
}

// withUnit is the declaration of an object as it would read with a unit.
func (e unitMistakes) withUnit(o *Obj, unit string) string {
	x := e.names[inValues][o.Name]
	if x == nil {
		return ""
	}
	var t dsl.Type
	switch d := x.decl.(type) {
	case *dsl.ParamDecl:
		t = d.Type
	case *dsl.ConstDecl:
		t = d.Type
	default:
		return ""
	}
	span := x.decl.Span()
	text := span.Text()
	if t.Unit != nil {
		u := t.Unit.Span()
		return text[:u.Start-span.Start] + unit + text[u.End-span.Start:]
	}
	at := x.at.End - span.Start
	if t.Dims != nil {
		at = t.Dims[len(t.Dims)-1].Span().End - span.Start
		at += strings.IndexByte(text[at:], ']') + 1
	}
	return text[:at] + ": " + unit + text[at:]
}

func help(d *diag.Diagnostic, text string) *diag.Diagnostic {
	if text != "" {
		d.WithHelp("%s", text)
	}
	return d
}

// errUnits reports two operands whose units differ.
func (e unitMistakes) errUnits(at diag.Span, verb string, a, b *Expr) {
	ua, ub := e.name(a.Unit), e.name(b.Unit)
	msg := fmt.Sprintf("cannot %s %s and %s", verb, ua, ub)
	switch verb {
	case "add":
		msg = fmt.Sprintf("cannot add %s to %s", ub, ua)
	case "subtract":
		msg = fmt.Sprintf("cannot subtract %s from %s", ub, ua)
	case "compare":
		msg = fmt.Sprintf("cannot compare %s with %s", ua, ub)
	}
	d := e.diags.Errorf(unitMismatch, at, "%s", msg).
		WithNote(a.Span, "this has unit %s", e.unitOf(a)).
		WithNote(b.Span, "this has unit %s", e.unitOf(b))
	if h := e.fit(b, a.Unit); h != "" {
		help(d, h)
	} else {
		help(d, e.fit(a, b.Unit))
	}
}

func (e unitMistakes) errDimensionless(name string, x *Expr) {
	h := e.scaleHelp(x, units.One)
	if h == "" {
		h = "divide it by a reference quantity first"
	}
	if functionByName[name] != nil {
		name = "`" + name + "`"
	}
	help(e.diags.Errorf(unitMismatch, x.Span, "%s takes a number without unit", name).
		WithNote(x.Span, "this has unit %s", e.unitOf(x)), h)
}

func (e unitMistakes) errExponentUnit(b *Expr) {
	e.diags.Errorf(unitMismatch, b.Span, "an exponent has no unit").WithNote(b.Span, "this has unit %s", e.unitOf(b))
}

func (e unitMistakes) errExponent(op diag.Span, a, b *Expr) {
	e.diags.Errorf(unitMismatch, op, "a quantity with a unit needs an exponent that is a constant fraction up to %d", maxExponent).
		WithNote(a.Span, "this has unit %s", e.unitOf(a)).
		WithNote(b.Span, "the exponent").
		WithHelp("divide it by a reference quantity first: `(x/x0)^n`")
}

func (e unitMistakes) errIndexUnit(v *Expr) {
	e.diags.Errorf(unitMismatch, v.Span, "an index or a size has no unit").WithNote(v.Span, "this has unit %s", e.unitOf(v))
}

func (e unitMistakes) errCondition(v *Expr) {
	e.diags.Errorf(notACondition, v.Span, "a condition has no unit").
		WithNote(v.Span, "this has unit %s", e.unitOf(v)).WithHelp("compare it with something, like `%s > 0`", source(v))
}

func (e unitMistakes) errValueUnit(v *Expr, o *Obj) {
	help(e.diags.Errorf(unitMismatch, v.Span, "`%s` is in %s, this is in %s", o.Name, e.name(o.Unit), e.name(v.Unit)).
		WithNote(v.Span, "this has unit %s", e.unitOf(v)).
		WithNote(o.Span, "%s", e.declared(o)), e.fit(v, o.Unit))
}

func (e unitMistakes) errEquationUnit(q *equation, v *Expr, top *State, want units.Unit) {
	t := q.decl.Target
	name := t.Name + primes(t.Primes)
	help(e.diags.Errorf(unitMismatch, v.Span, "`%s` is in %s, its equation gives %s", name, e.name(want), e.name(v.Unit)).
		WithNote(t.Span(), "this has unit %s (%s; time in %s)", e.name(want), e.declared(&top.Obj), e.name(e.m.Time.Unit)).
		WithNote(v.Span, "this has unit %s", e.unitOf(v)), e.fit(v, want))
}

func (e unitMistakes) errAssignUnit(st *dsl.Assign, v *Expr, o *Obj) {
	help(e.diags.Errorf(unitMismatch, v.Span, "cannot assign %s to `%s`, which is in %s", e.name(v.Unit), o.Name, e.name(o.Unit)).
		WithNote(st.Target.Span(), "this has unit %s (%s)", e.name(o.Unit), e.declared(o)).
		WithNote(v.Span, "this has unit %s", e.unitOf(v)), e.fit(v, o.Unit))
}

func (e unitMistakes) errArgument(x *Expr, formal *Obj, of string) {
	help(e.diags.Errorf(unitMismatch, x.Span, "the argument `%s` of %s is in %s, this is in %s", formal.Name, of, e.name(formal.Unit), e.name(x.Unit)).
		WithNote(x.Span, "this has unit %s", e.unitOf(x)).
		WithNote(formal.Span, "%s", e.declared(formal)), e.fit(x, formal.Unit))
}

func (e unitMistakes) errResultUnit(x *dsl.Call, body *Expr, ent *entity, want units.Unit) {
	d := help(e.diags.Errorf(unitMismatch, body.Span, "`%s` is declared to give %s, its body gives %s", ent.name, e.name(want), e.name(body.Unit)).
		WithNote(body.Span, "this has unit %s", e.unitOf(body)), e.fit(body, want))
	if x != nil && x.Span().Src == body.Span.Src {
		d.WithNote(x.Span(), "in this use")
	}
}

func (e unitMistakes) errTimeUnit(t *dsl.TimeDecl, u units.Unit) {
	e.diags.Errorf(unitMismatch, t.Unit.Span(), "the component counts time in %s, the model in %s", e.table.Name(u), e.name(e.m.Time.Unit)).
		WithNote(e.m.Time.Span, "%s", e.declared(&e.m.Time.Obj)).
		WithHelp("a model and its components share one time; leave the unit out here to take over that of the model")
}

func (e unitMistakes) errTimeValue(v *Expr, what string, want units.Unit) {
	help(e.diags.Errorf(unitMismatch, v.Span, "%s is in %s, this is in %s", what, e.name(want), e.name(v.Unit)).
		WithNote(v.Span, "this has unit %s", e.unitOf(v)).
		WithNote(e.m.Time.Span, "%s", e.declared(&e.m.Time.Obj)), e.fit(v, want))
}

func (e unitMistakes) errDistUnit(v *Expr, rule argRule, c *dsl.Call, of *Obj, want units.Unit) {
	d := e.diags.Errorf(unitMismatch, v.Span, "`%s` of `%s` is in %s, this is in %s", rule.name, c.Fun.Name, e.name(want), e.name(v.Unit)).
		WithNote(v.Span, "this has unit %s", e.unitOf(v))
	if rule.unit == ofQuantity {
		d.WithNote(of.Span, "%s", e.declared(of))
	}
	help(d, e.fit(v, want))
}

func (e unitMistakes) errCounts(c *dsl.Call, of *Obj) {
	e.diags.Errorf(unitMismatch, c.Span(), "`%s` is a distribution of numbers without unit, `%s` is in %s", c.Fun.Name, of.Name, e.name(of.Unit)).
		WithNote(of.Span, "%s", e.declared(of)).
		WithHelp("observe the number: divide by `1 [%s]`", e.name(of.Unit))
}

func (e unitMistakes) errColumnUnit(col dsl.Column, u units.Unit, key dsl.Ident, want units.Unit) {
	e.diags.Errorf(unitMismatch, col.Span(), "column `%s` is in %s, `%s` in %s", col.Name, e.table.Name(u), key.Name, e.table.Name(want)).
		WithHelp("reading converts between units of one kind, like cm and m")
}

func (e unitMistakes) errSettingUnit(v *Expr, key string, want units.Unit) {
	help(e.diags.Errorf(unitMismatch, v.Span, "`%s` is in %s, this is in %s", key, e.name(want), e.name(v.Unit)).
		WithNote(v.Span, "this has unit %s", e.unitOf(v)), e.scaleHelp(v, want))
}
