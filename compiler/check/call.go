package check

import (
	"github.com/pinode/pinode/dsl"
	"github.com/pinode/pinode/physics/units"
)

// call elaborates a call of a function, a neural block or a function of the
// language.
func (e *elaborator) call(s *scope, x *dsl.Call) *Expr {
	name := x.Fun.Name
	if ent, _ := s.lookup(name); ent != nil && x.Fun.Primes == 0 {
		switch d := ent.decl.(type) {
		case *dsl.FnDecl:
			return e.apply(s, x, ent, d)
		case *dsl.NeuralDecl:
			return e.net(s, x, ent)
		}
		e.diags.Errorf("not-a-function", x.Fun.Span(), "`%s` is not a function", name).
			WithNote(ent.at, "it is declared here")
		return nil
	}
	if _, ok := special[name]; ok {
		return e.special(s, x)
	}
	f := functionByName[name]
	if f == nil {
		e.errUnknownFunction(s, x)
		return nil
	}
	if !e.arity(x, f.Arity) {
		return nil
	}
	args := e.args(s, x)
	if args == nil {
		return nil
	}
	out := &Expr{Kind: Op, Name: name, Args: args, Span: x.Span()}
	switch {
	case f.Shapes == toScalar, f.Shapes == reduce && len(args) == 1:
		if name == "norm" && args[0].Shape.Rank != 1 {
			e.diags.Errorf("shape-mismatch", args[0].Span, "`norm` takes a vector, this has shape %s", args[0].Shape)
			return nil
		}
	default:
		shape, ok := e.spread(x.Span(), args...)
		if !ok {
			return nil
		}
		out.Shape = shape
	}
	return e.functionUnits(f, out)
}

func (e *elaborator) functionUnits(f *Function, out *Expr) *Expr {
	args := out.Args
	equal := func() bool {
		for _, a := range args[1:] {
			if !e.solver.Unify(a.Unit, args[0].Unit) {
				e.errUnits(out.Span, "combine", args[0], a)
				return false
			}
		}
		return true
	}
	switch f.Units {
	case plain:
		for _, a := range args {
			if !e.unify(a, units.One, func() { e.errDimensionless(f.Name, a) }) {
				return nil
			}
		}
		out.Unit = units.One
	case same:
		if !equal() {
			return nil
		}
		out.Unit = args[0].Unit
		out.bare = true
		for _, a := range args {
			out.bare = out.bare && a.bare
		}
	case anyOne:
		out.Unit = units.One
	case root:
		out.Unit = e.product(args[0]).Pow(1, 2)
	case bothOne:
		if !equal() {
			return nil
		}
		out.Unit = units.One
	}
	return e.add(out)
}

func (e *elaborator) arity(x *dsl.Call, want int) bool {
	if want < 0 && len(x.Args) > 0 || len(x.Args) == want {
		return true
	}
	n := "at least one argument"
	switch {
	case want == 1:
		n = "one argument"
	case want >= 0:
		n = plural(want, "argument")
	}
	e.diags.Errorf("wrong-arguments", x.Span(), "`%s` takes %s, not %d", x.Fun.Name, n, len(x.Args))
	return false
}

// args elaborates the arguments; nil after an error.
func (e *elaborator) args(s *scope, x *dsl.Call) []*Expr {
	out := make([]*Expr, len(x.Args))
	ok := true
	for i, a := range x.Args {
		out[i] = e.expr(s, a)
		ok = ok && out[i] != nil
	}
	if !ok {
		return nil
	}
	return out
}

// apply binds a function's arguments to fresh locals and elaborates its body,
// so that each use has shapes and units of its own.
func (e *elaborator) apply(s *scope, x *dsl.Call, ent *entity, d *dsl.FnDecl) *Expr {
	if !e.arity(x, len(d.Args)) {
		return nil
	}
	args := e.args(s, x)
	if args == nil && len(x.Args) > 0 {
		return nil
	}
	if e.depth++; e.depth > 50 {
		e.depth--
		e.diags.Errorf("cycle", x.Span(), "`%s` calls itself", ent.name).WithNote(ent.at, "it is declared here")
		return nil
	}
	defer func() { e.depth-- }()
	in := ent.scope.child()
	if ent.library {
		in.decl = nil
	}
	out := &Expr{Kind: Apply, Name: ent.name, Args: args, Span: x.Span()}
	for i, a := range d.Args {
		l := &Local{Obj{Name: a.Name.Name, Span: a.Name.Span(), Shape: args[i].Shape, Unit: args[i].Unit}}
		if a.Type.Unit != nil {
			if u, ok := e.unit(a.Type.Unit); ok && !e.solver.Unify(args[i].Unit, u) {
				e.errArgument(args[i], a, ent, u)
				return nil
			}
		} else {
			e.product(args[i])
		}
		if a.Type.Dims != nil {
			shape, ok := e.shape(ent.scope, a.Type.Dims)
			if !ok {
				return nil
			}
			if shape != args[i].Shape {
				e.errShape(args[i].Span, args[i].Shape, shape, a.Name.Span())
				return nil
			}
		}
		e.locals = append(e.locals, l)
		out.Locals = append(out.Locals, l)
		in.vars[a.Name.Name] = &Expr{Kind: Ref, Object: l, Shape: l.Shape, Unit: l.Unit}
	}
	before := len(e.diags.All)
	out.Body = e.expr(in, d.Body)
	if out.Body == nil {
		if len(e.diags.All) > before {
			e.diags.All[len(e.diags.All)-1].WithNote(x.Span(), "in this use of `%s`", ent.name)
		}
		return nil
	}
	if d.Result.Unit != nil {
		if u, ok := e.unit(d.Result.Unit); ok {
			if !e.unify(out.Body, u, func() {
				e.diags.Errorf("unit-mismatch", d.Body.Span(), "`%s` is declared to give %s, its body gives %s", ent.name, e.table.Name(u), e.name(out.Body.Unit)).
					WithNote(x.Span(), "in this use")
			}) {
				return nil
			}
		}
	}
	out.Shape, out.Unit = out.Body.Shape, out.Body.Unit
	return e.add(out)
}

// net elaborates a call of a neural block.
func (e *elaborator) net(s *scope, x *dsl.Call, ent *entity) *Expr {
	if !e.touch(ent) || ent.obj == nil {
		return nil
	}
	n := ent.obj.(*Neural)
	if !e.arity(x, len(n.Args)) {
		return nil
	}
	args := e.args(s, x)
	if args == nil && len(x.Args) > 0 {
		return nil
	}
	for i, a := range args {
		if a.Shape != n.Args[i].Shape && a.Shape.Rank != 0 {
			e.errShape(a.Span, a.Shape, n.Args[i].Shape, n.Args[i].Span)
			return nil
		}
		if a.Shape.Rank == 0 && n.Args[i].Shape.Rank != 0 {
			e.errShape(a.Span, a.Shape, n.Args[i].Shape, n.Args[i].Span)
			return nil
		}
		if !e.solver.Unify(a.Unit, n.Args[i].Unit) {
			e.errNetArgument(a, n, i)
			return nil
		}
	}
	return e.add(&Expr{Kind: Net, Object: n, Args: args, Shape: n.Shape, Unit: n.Unit, Span: x.Span()})
}

// special elaborates the functions with rules of their own.
func (e *elaborator) special(s *scope, x *dsl.Call) *Expr {
	switch name := x.Fun.Name; name {
	case "diff", "grad":
		return e.diff(s, x)
	case "dot", "cross":
		if !e.arity(x, 2) {
			return nil
		}
		a := e.args(s, x)
		if a == nil {
			return nil
		}
		out := &Expr{Kind: Op, Name: name, Args: a, Span: x.Span(), Unit: e.product(a[0]).Mul(e.product(a[1]))}
		if a[0].Shape != a[1].Shape || a[0].Shape.Rank != 1 || name == "cross" && a[0].Shape.N != 3 {
			e.errShapes(x.Span(), a)
			return nil
		}
		if name == "cross" {
			out.Shape = a[0].Shape
		}
		return e.add(out)
	case "smooth":
		if !e.arity(x, 1) {
			return nil
		}
		a := e.expr(s, x.Args[0])
		if a == nil {
			return nil
		}
		return e.add(&Expr{Kind: Smooth, Args: []*Expr{a}, Shape: a.Shape, Unit: a.Unit, Span: x.Span()})
	case "before":
		if !e.arity(x, 1) {
			return nil
		}
		if !s.inLoss {
			e.diags.Errorf("misplaced", x.Span(), "`before` stands in observations and losses only").
				WithHelp("in an event's body every value is the one before its assignments")
			return nil
		}
		a := e.expr(s, x.Args[0])
		if a == nil {
			return nil
		}
		return e.add(&Expr{Kind: Before, Args: []*Expr{a}, Shape: a.Shape, Unit: a.Unit, Span: x.Span()})
	case "data", "observed", "first", "slope":
		return e.dataOf(s, x)
	case "rising", "falling", "crossing":
		if !e.arity(x, 1) {
			return nil
		}
		a := e.expr(s, x.Args[0])
		if a == nil {
			return nil
		}
		if a.Shape.Rank != 0 {
			e.errShape(a.Span, a.Shape, Shape{}, x.Fun.Span())
			return nil
		}
		return e.add(&Expr{Kind: Op, Name: name, Args: []*Expr{a}, Unit: units.One, Span: x.Span()})
	}
	return nil
}

// diff elaborates the derivative of an expression by a variable.
func (e *elaborator) diff(s *scope, x *dsl.Call) *Expr {
	if !e.arity(x, 2) {
		return nil
	}
	a := e.args(s, x)
	if a == nil {
		return nil
	}
	by := a[1]
	root := by
	for root.Kind == Slice {
		root = root.Args[0]
	}
	ok := root.Kind == Ref
	if ok {
		switch root.Object.(type) {
		case *State, *Param, *Local, *Time, *Discrete, *Input, *Covariate, *EventArg:
		default:
			ok = false
		}
	}
	if !ok {
		e.diags.Errorf("bad-derivative", by.Span, "a derivative is taken by a state, a parameter, an argument or the time").
			WithHelp("for the derivative by a `let`, make it the argument of a `fn`")
		return nil
	}
	out := &Expr{Kind: Diff, Args: a, Span: x.Span(), Unit: e.product(a[0]).Div(by.Unit)}
	switch of, w := a[0].Shape, by.Shape; {
	case w.Rank == 0:
		out.Shape = of
	case of.Rank == 0:
		out.Shape = w
	case of.Rank == 1 && w.Rank == 1:
		out.Shape = Shape{Rank: 2, M: of.N, N: w.N}
	default:
		e.errShapes(x.Span(), a)
		return nil
	}
	return e.add(out)
}

// dataOf elaborates data(y), observed(y), first(y) and slope(y).
func (e *elaborator) dataOf(s *scope, x *dsl.Call) *Expr {
	name := x.Fun.Name
	if !e.arity(x, 1) {
		return nil
	}
	n, ok := x.Args[0].(*dsl.Name)
	if !ok {
		e.diags.Errorf("misplaced", x.Args[0].Span(), "`%s` takes the name of an observation", name)
		return nil
	}
	o := e.observes[s.prefix+n.Name]
	if o == nil {
		e.errUnknown("observation", n.Span(), n.Name, names(e.observes))
		return nil
	}
	out := &Expr{Object: o, Shape: o.Shape, Unit: o.Unit, Span: x.Span()}
	switch name {
	case "data", "observed":
		if !s.inLoss && (s.event == nil || s.event.Trigger.Kind != dsl.TriggerOnObservation) {
			e.diags.Errorf("misplaced", x.Span(), "`%s` stands in losses and in the bodies of `on observation` events", name)
			return nil
		}
		out.Kind = DataOf
		if name == "observed" {
			out.Kind, out.Unit = Observed, units.One
		}
	case "first":
		out.Kind = FirstOf
	case "slope":
		out.Kind, out.Unit = SlopeOf, o.Unit.Div(e.m.Time.Unit)
	}
	return e.add(out)
}
