package check

import (
	"fmt"
	"strings"

	"github.com/pinode/pinode/dsl"
	"github.com/pinode/pinode/physics/units"
)

// equations elaborates the right-hand side of every state.
func (e *elaborator) equations() {
	for _, q := range e.eqs {
		x := e.names[q.state]
		switch {
		case x == nil:
			e.errUnknownState(q)
		case x.obj != nil && !x.twice:
			if _, ok := x.obj.(*State); !ok {
				e.diags.Errorf("not-a-state", q.decl.Target.Span(), "`%s` is not a state and has no equation of motion", q.state).
					WithNote(x.at, "it is declared here").
					WithHelp("declare it with `state %s = …`", q.state)
			}
		}
	}
	states := append([]*State{}, e.m.States...)
	for i, st := range states {
		if next := st.Name + "'"; i+1 < len(states) && states[i+1].Name == next {
			st.Deriv = e.add(&Expr{Kind: Ref, Object: states[i+1], Shape: st.Shape, Unit: states[i+1].Unit, Span: st.Span})
			continue
		}
		base := strings.TrimRight(st.Name, "'")
		x := e.names["rate "+st.Name+"'"]
		switch {
		case x != nil && e.touch(x) && x.obj != nil:
			st.Deriv = x.obj.(*Let).Value
		case x == nil:
			st.Deriv = e.rate(base)
		}
	}
}

// rate elaborates the equation of a state's highest derivative, or puts it
// together from the equations of its elements.
func (e *elaborator) rate(base string) *Expr {
	x := e.names[base]
	var top *State
	order := 0
	for _, st := range e.m.States {
		if strings.TrimRight(st.Name, "'") == base {
			top = st
			order++
		}
	}
	if x == nil || top == nil {
		return nil
	}
	want := top.Unit.Div(e.m.Time.Unit)
	var whole *equation
	parts := map[int]*Expr{}
	at := map[int]*equation{}
	bad := false
	for _, q := range e.eqs {
		if q.state != base {
			continue
		}
		if q.decl.Target.Primes != order {
			e.diags.Errorf("wrong-order", q.decl.Target.Span(), "`%s` has an equation of order %d and is of order %d", base, q.decl.Target.Primes, order)
			return nil
		}
		if q.decl.Index == nil {
			if whole != nil {
				e.errTwoEquations(base, q, whole)
				return nil
			}
			whole = q
			continue
		}
		off, shape, ok := e.slice(q.scope, top.Shape, q.decl.Index, q.decl.Target.Span())
		if !ok || off < 0 {
			bad = true
			continue
		}
		v := e.equation(q, want, shape)
		if v == nil {
			bad = true
			continue
		}
		for k := range shape.Size() {
			if old := at[off+k]; old != nil {
				e.errTwoEquations(fmt.Sprintf("%s[%d]", base, off+k), q, old)
				return nil
			}
			at[off+k] = q
			el := v
			if v.Shape.Rank != 0 {
				el = e.add(&Expr{Kind: Slice, Args: []*Expr{v}, Offset: k, Unit: v.Unit, Span: v.Span})
			}
			parts[off+k] = el
		}
	}
	switch {
	case whole != nil && len(at) > 0:
		for _, q := range at {
			e.errTwoEquations(base, q, whole)
			break
		}
		return nil
	case whole != nil:
		v := e.equation(whole, want, top.Shape)
		if v != nil && v.Shape != top.Shape { // a scalar, for every element
			c := *v
			out := &Expr{Kind: Stack, Shape: top.Shape, Unit: v.Unit, Span: v.Span}
			if top.Shape.Rank == 1 {
				for range top.Shape.N {
					out.Args = append(out.Args, &c)
				}
				return e.add(out)
			}
			e.errShape(v.Span, v.Shape, top.Shape, top.Span)
			return nil
		}
		return v
	case bad:
		return nil
	case len(parts) == 0 && top.Augment:
		e.errMissing(top, order)
		return nil
	case len(parts) < top.Shape.Size():
		e.errMissing(top, order)
		return nil
	}
	out := &Expr{Kind: Stack, Shape: Shape{Rank: 1, N: top.Shape.Size()}, Unit: want, Span: at[0].decl.Span()}
	for k := range top.Shape.Size() {
		out.Args = append(out.Args, parts[k])
	}
	e.add(out)
	if top.Shape.Rank == 2 {
		return e.add(&Expr{Kind: Slice, Args: []*Expr{out}, Shape: top.Shape, Unit: want, Span: out.Span})
	}
	return out
}

// equation elaborates one right-hand side.
func (e *elaborator) equation(q *equation, want units.Unit, shape Shape) *Expr {
	v := e.expr(q.scope, q.decl.Value)
	if v == nil {
		return nil
	}
	if v.Shape != shape && v.Shape.Rank != 0 {
		e.errShape(v.Span, v.Shape, shape, q.decl.Target.Span())
		return nil
	}
	if !e.solver.Unify(v.Unit, want) {
		e.errEquation(q, v, want)
		return nil
	}
	return v
}

// observe declares an observation; its expression is read later.
func (e *elaborator) observe(s *scope, d *dsl.ObserveDecl) {
	name := s.prefix + d.Name.Name + s.suffix
	if old := e.observes[name]; old != nil {
		e.errDuplicate(d.Name, old.Span)
		return
	}
	o := &Observe{Obj: Obj{Name: name, Doc: d.Doc, Span: d.Name.Span()}, Weight: 1}
	e.declareUnit(&o.Obj, d.Type.Unit)
	shape, ok := e.shape(s, d.Type.Dims)
	if !ok {
		return
	}
	o.Shape = shape
	e.observes[name] = o
	e.m.Observes = append(e.m.Observes, o)
	e.pending = append(e.pending, func() {
		in := s.child()
		in.inLoss = true
		o.Value = e.expr(in, d.Value)
		if o.Value != nil {
			e.bind(o.Value, &o.Obj)
		}
		if d.Dist != nil {
			o.Dist = e.dist(s, d.Dist, &o.Obj, true)
		}
		e.options(s, d.Options, map[string]func(*Expr){"weight": func(v *Expr) { o.Weight = e.weight(v) }})
	})
}

func (e *elaborator) conserve(s *scope, d *dsl.ConserveDecl) {
	c := &Conserve{Obj: Obj{Name: s.prefix + d.Name.Name + s.suffix, Doc: d.Doc, Span: d.Name.Span(), Inferred: true}, Weight: 1, Mode: "penalty"}
	for _, o := range e.m.Conserves {
		if o.Name == c.Name {
			e.errDuplicate(d.Name, o.Span)
			return
		}
	}
	if c.Value = e.expr(s, d.Value); c.Value == nil {
		return
	}
	if c.Value.Shape.Rank != 0 {
		e.errShape(c.Value.Span, c.Value.Shape, Shape{}, c.Span)
		return
	}
	c.Unit = c.Value.Unit
	var rest []*dsl.Option
	for _, o := range d.Options {
		switch o.Name.Name {
		case "mode":
			if n, ok := o.Value.Expr.(*dsl.Name); ok && (n.Name == "penalty" || n.Name == "project") {
				c.Mode = n.Name
			} else {
				e.errChoice(o.Value.Span(), "mode", dsl.FormatExpr(o.Value.Expr), []string{"penalty", "project"})
			}
			if c.Mode == "project" {
				e.errUnsupported(o.Span(), "`mode: project`")
			}
		case "across":
			list, ok := o.Value.Expr.(*dsl.Array)
			if !ok {
				e.diags.Errorf("bad-option", o.Span(), "`across` is a list of events, like [bounce]")
				continue
			}
			for _, el := range list.Elems {
				n, ok := el.(*dsl.Name)
				var ent *entity
				if ok {
					ent, _ = s.lookup(n.Name)
				}
				if ent == nil || !e.touch(ent) {
					e.errUnknown("event", el.Span(), dsl.FormatExpr(el), e.eventNames())
					continue
				}
				ev, ok := ent.obj.(*Event)
				if !ok {
					e.errUnknown("event", el.Span(), dsl.FormatExpr(el), e.eventNames())
					continue
				}
				c.Across = append(c.Across, ev)
			}
		default:
			rest = append(rest, o)
		}
	}
	e.options(s, rest, map[string]func(*Expr){
		"weight": func(v *Expr) { c.Weight = e.weight(v) },
		"scale": func(v *Expr) {
			if x, ok := foldConst(v); ok && len(x) == 1 && x[0] > 0 && e.solver.Unify(v.Unit, c.Unit) {
				c.Scale = x[0]
			} else {
				e.diags.Errorf("bad-option", v.Span, "`scale` is a positive number in %s", e.name(c.Unit))
			}
		},
	})
	e.m.Conserves = append(e.m.Conserves, c)
}

func (e *elaborator) eventNames() []string {
	var out []string
	for _, ev := range e.m.Events {
		out = append(out, ev.Name)
	}
	return out
}

func (e *elaborator) require(s *scope, d *dsl.RequireDecl) {
	b, ok := d.Cond.(*dsl.Binary)
	if !ok || b.Op != ">=" && b.Op != "<=" && b.Op != "==" && b.Op != ">" && b.Op != "<" {
		e.diags.Errorf("bad-require", d.Cond.Span(), "`require` takes a comparison, like `x >= 0`")
		return
	}
	l, r := e.expr(s, b.X), e.expr(s, b.Y)
	if l == nil || r == nil {
		return
	}
	if !e.solver.Unify(l.Unit, r.Unit) {
		e.errUnits(b.OpSp, "compare", l, r)
		return
	}
	if b.Op[0] == '<' {
		l, r = r, l
	}
	shape, ok := e.spread(b.OpSp, l, r)
	if !ok {
		return
	}
	q := &Require{Span: d.Cond.Span(), Equality: b.Op == "==", Weight: 1}
	q.G = e.add(&Expr{Kind: Op, Name: "sub", Args: []*Expr{l, r}, Shape: shape, Unit: l.Unit, Span: d.Cond.Span()})
	e.options(s, d.Options, map[string]func(*Expr){"weight": func(v *Expr) { q.Weight = e.weight(v) }})
	e.m.Requires = append(e.m.Requires, q)
}

func (e *elaborator) loss(s *scope, d *dsl.LossDecl) {
	in := s.child()
	in.inLoss = true
	l := &Loss{Obj: Obj{Name: s.prefix + d.Name.Name, Doc: d.Doc, Span: d.Name.Span()}, Weight: 1}
	if l.Value = e.expr(in, d.Value); l.Value == nil {
		return
	}
	if l.Value.Shape.Rank != 0 {
		e.errShape(l.Value.Span, l.Value.Shape, Shape{}, l.Span)
		return
	}
	l.Unit = l.Value.Unit
	e.options(s, d.Options, map[string]func(*Expr){"weight": func(v *Expr) { l.Weight = e.weight(v) }})
	e.m.Losses = append(e.m.Losses, l)
}

// weight reads a number that is not negative.
func (e *elaborator) weight(v *Expr) float64 {
	x, ok := foldConst(v)
	if !ok || len(x) != 1 || !(x[0] >= 0) {
		e.diags.Errorf("bad-option", v.Span, "`weight` is a number, 0 or more")
		return 0
	}
	return x[0]
}

// options reads the options of a declaration that are expressions.
func (e *elaborator) options(s *scope, opts []*dsl.Option, known map[string]func(*Expr)) {
	seen := map[string]*dsl.Option{}
	for _, o := range opts {
		f := known[o.Name.Name]
		if f == nil {
			e.errUnknown("option", o.Name.Span(), o.Name.Name, names(known))
			continue
		}
		if old := seen[o.Name.Name]; old != nil {
			e.errDuplicate(o.Name, old.Name.Span())
			continue
		}
		seen[o.Name.Name] = o
		if o.Value.Expr == nil {
			e.diags.Errorf("bad-option", o.Span(), "`%s` needs a value", o.Name.Name)
			continue
		}
		if v := e.expr(s, o.Value.Expr); v != nil {
			f(v)
		}
	}
}

// dist elaborates a distribution: behind an observation, or of a quantity.
func (e *elaborator) dist(s *scope, c *dsl.Call, of *Obj, observed bool) *Dist {
	d := findDistribution(c.Fun.Name)
	rule := ""
	if d != nil {
		rule = d.draw
		if observed {
			rule = d.observe
		}
	}
	if d == nil || observed && !d.observed || !observed && !d.drawn {
		var have []string
		for _, x := range distributions {
			if observed && x.observed || !observed && x.drawn {
				have = append(have, x.name)
			}
		}
		e.errUnknown("distribution", c.Fun.Span(), c.Fun.Name, have)
		return nil
	}
	if len(c.Args) != len(rule) {
		e.diags.Errorf("wrong-arguments", c.Span(), "`%s` takes %s here, not %d", d.name, plural(len(rule), "argument"), len(c.Args)).
			WithHelp("%s", d.doc)
		return nil
	}
	out := &Dist{Name: d.name, Span: c.Span()}
	for i, a := range c.Args {
		var v *Expr
		if rule[i] == 'l' {
			v = e.logOf(s, a, of)
		} else {
			v = e.expr(s, a)
		}
		if v == nil {
			return nil
		}
		want := units.One
		if rule[i] == 'u' {
			want = of.Unit
		}
		if !e.unify(v, want, func() {
			e.diags.Errorf("unit-mismatch", v.Span, "this argument of `%s` must be in %s, it is in %s", d.name, e.name(want), e.name(v.Unit)).
				WithNote(of.Span, "`%s` is in %s", of.Name, e.name(of.Unit))
		}) {
			return nil
		}
		if v.Shape.Rank != 0 && v.Shape != of.Shape {
			e.errShape(v.Span, v.Shape, of.Shape, of.Span)
			return nil
		}
		out.Args = append(out.Args, v)
	}
	return out
}

// logOf elaborates the location of a lognormal distribution: log(q) of a
// quantity with the unit of the one that is drawn, or a plain number.
func (e *elaborator) logOf(s *scope, x dsl.Expr, of *Obj) *Expr {
	c, ok := x.(*dsl.Call)
	if !ok || c.Fun.Name != "log" || len(c.Args) != 1 {
		return e.expr(s, x)
	}
	q := e.expr(s, c.Args[0])
	if q == nil {
		return nil
	}
	if !e.unify(q, of.Unit, func() { e.errInit(q, of) }) {
		return nil
	}
	return e.add(&Expr{Kind: Op, Name: "log", Args: []*Expr{q}, Shape: q.Shape, Unit: units.One, Span: c.Span()})
}

func plural(n int, what string) string {
	switch n {
	case 0:
		return "no " + what + "s"
	case 1:
		return "one " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
