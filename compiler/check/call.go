package check

import (
	"slices"

	"github.com/pinode/pinode/dsl"
	"github.com/pinode/pinode/physics/units"
)

// calls elaborates calls of functions and of neural blocks.
type calls struct {
	*expressions
	specials *specials
}

// call elaborates a call: of a function or neural block of the model, of the
// library, or of a function of the language.
func (e *calls) call(s *scope, x *dsl.Call) *Expr {
	name := x.Fun.Name
	ent, local := s.find(inValues, name, x.Fun.Primes)
	if ent != nil && !(ent.library && isFunction(name)) {
		switch d := ent.decl.(type) {
		case *dsl.FnDecl:
			ent.read = true
			return e.apply(s, x, ent, d)
		case *dsl.NeuralDecl:
			ent.read = true
			return e.net(s, x, ent)
		}
	}
	f := functionByName[name]
	switch {
	case e.specials.hasPlaces(s, ent, x.Fun):
		return e.specials.atPlace(s, x)
	case f == nil || x.Fun.Primes > 0:
		if ent != nil && ent.twice {
			return nil
		}
		if ent != nil || local != nil {
			e.errNotAFunction(x, ent)
		} else {
			e.errUnknownFunction(s, x)
		}
		return nil
	case !e.arity(x, f.Arity):
		return nil
	case f.Units == own:
		return e.specials.special(s, x)
	}
	args := e.args(s, x)
	if args == nil {
		return nil
	}
	out := &Expr{Kind: Op, Name: name, Args: args, Span: x.Span()}
	if f.Units == powers {
		return e.power(out, x.Span())
	}
	if !e.functionShape(f, out) || !e.functionUnit(f, out) {
		return nil
	}
	return e.add(out)
}

func (e *calls) functionShape(f *Function, out *Expr) bool {
	args := out.Args
	switch {
	case f.Shapes == ownShape: // dot and cross
		a, b := args[0].Shape, args[1].Shape
		if a != b || a.Rank != 1 || f.Name == "cross" && a.N != 3 {
			e.errVectors(f, out)
			return false
		}
		if f.Name == "cross" {
			out.Shape = a
		}
	case f.Name == "norm" && args[0].Shape.Rank != 1:
		e.errVectors(f, out)
		return false
	case f.Shapes == toScalar, f.Shapes == reduces && len(args) == 1:
	default:
		var ok bool
		if out.Shape, ok = common(args...); !ok {
			e.errShapes(out.Span, args...)
			return false
		}
	}
	return true
}

// functionUnit applies the unit rule of a function. A function of bare
// numbers is a bare number.
func (e *calls) functionUnit(f *Function, out *Expr) bool {
	args := out.Args
	if !slices.ContainsFunc(args, func(a *Expr) bool { return !a.bare }) {
		out.bare = true
		return true
	}
	lead := args[slices.IndexFunc(args, func(a *Expr) bool { return !a.bare })]
	switch f.Units {
	case plain:
		for _, a := range args {
			if !e.demand(a, units.One) {
				e.errDimensionless(f.Name, a)
				return false
			}
		}
	case equal, ratio:
		for _, a := range args {
			if !e.meet(lead, a, out.Span) {
				e.errUnits(out.Span, "combine", lead, a)
				return false
			}
		}
		if f.Units == equal {
			out.Unit = lead.Unit
		}
	case root:
		out.Unit = lead.Unit.Pow(1, 2)
	case products:
		e.product(out, false)
	}
	return true
}

func (e *calls) arity(x *dsl.Call, want int) bool {
	if want < 0 && len(x.Args) > 0 || len(x.Args) == want {
		return true
	}
	e.errArity(x, want)
	return false
}

// args elaborates the arguments; nil after an error.
func (e *calls) args(s *scope, x *dsl.Call) []*Expr {
	out := make([]*Expr, len(x.Args))
	ok := true
	for i, a := range x.Args {
		out[i] = e.value(s, a)
		ok = ok && out[i] != nil
	}
	if !ok {
		return nil
	}
	return out
}

// apply binds a function's arguments to fresh locals and elaborates its body,
// so that each use has shapes and units of its own.
func (e *calls) apply(s *scope, x *dsl.Call, ent *entity, d *dsl.FnDecl) *Expr {
	if !e.arity(x, len(d.Args)) {
		return nil
	}
	args := e.args(s, x)
	if args == nil {
		return nil
	}
	if slices.Contains(e.active, ent) || len(e.active) > 200 {
		e.errCycle(ent)
		return nil
	}
	e.active = append(e.active, ent)
	defer func() { e.active = e.active[:len(e.active)-1] }()
	in := ent.scope.child()
	out := &Expr{Kind: Apply, Name: ent.name, Args: args, Span: x.Span()}
	for i, a := range d.Args {
		l := e.formal(ent, a, args[i])
		if l == nil {
			return nil
		}
		out.Locals = append(out.Locals, l)
		in.vars[a.Name.Name] = &Expr{Kind: Ref, Object: l, Shape: l.Shape, Unit: l.Unit}
	}
	before := len(e.diags.All)
	out.Body = e.expr(in, d.Body)
	if out.Body == nil {
		e.inUse(e.diags.All[before:], x, ent)
		return nil
	}
	if d.Result.Dims != nil || d.Result.Unit != nil {
		if out.Body = e.asValue(out.Body); !e.result(x, ent, d, out.Body) {
			return nil
		}
	}
	if out.Body.cond {
		return e.pushIn(out, out.Body)
	}
	out.Shape, out.Unit = out.Body.Shape, out.Body.Unit
	if out.Body.bare { // its argument does not matter
		out.bare = true
	}
	return e.add(out)
}

// formal binds one argument of a function. A bare number takes the unit that
// the function's body asks of it.
func (e *calls) formal(ent *entity, a dsl.Arg, arg *Expr) *Local {
	l := &Local{Obj{Name: a.Name.Name, Span: a.Name.Span(), Shape: arg.Shape, Unit: arg.Unit}}
	if a.Type.Unit != nil || arg.bare {
		e.declareUnit(&l.Obj, a.Type.Unit)
	}
	if !e.demand(arg, l.Unit) {
		e.errArgument(arg, &l.Obj, "`"+ent.name+"`")
		return nil
	}
	if a.Type.Dims != nil {
		shape, ok := e.arrays.shape(ent.scope, a.Type.Dims)
		if !ok {
			return nil
		}
		if l.Shape = shape; shape != arg.Shape {
			e.errArgumentShape(arg, &l.Obj, "`"+ent.name+"`")
			return nil
		}
	}
	e.unnamed = append(e.unnamed, &l.Obj)
	return l
}

// result checks the declared result of a function.
func (e *calls) result(x *dsl.Call, ent *entity, d *dsl.FnDecl, body *Expr) bool {
	o := Obj{Name: ent.name, Span: ent.at, Shape: body.Shape}
	if d.Result.Dims != nil {
		shape, ok := e.arrays.shape(ent.scope, d.Result.Dims)
		if !ok {
			return false
		}
		if shape != body.Shape {
			e.errResultShape(x, body, ent, shape)
			return false
		}
	}
	if d.Result.Unit == nil {
		return true
	}
	e.declareUnit(&o, d.Result.Unit)
	if !e.demand(body, o.Unit) {
		e.errResultUnit(x, body, ent, o.Unit)
		return false
	}
	return true
}

// pushIn pushes the application of a function that gives a truth value into
// the comparisons of its body, so that a condition is always made of
// comparisons that stand in the open.
func (e *calls) pushIn(app, body *Expr) *Expr {
	out := *body
	out.Args = make([]*Expr, len(body.Args))
	for i, a := range body.Args {
		switch {
		case a.cond:
			out.Args[i] = e.pushIn(app, a)
			continue
		case a.Kind == Number:
			out.Args[i] = a
			continue
		}
		out.Args[i] = e.add(&Expr{Kind: Apply, Name: app.Name, Args: app.Args, Locals: app.Locals, Body: a, Shape: a.Shape, Unit: a.Unit, Span: app.Span, part: true})
	}
	out.Span = app.Span
	return e.add(&out)
}

// net elaborates a call of a neural block.
func (e *calls) net(s *scope, x *dsl.Call, ent *entity) *Expr {
	if !e.touch(ent) {
		return nil
	}
	n := ent.obj.(*Neural)
	if !e.arity(x, len(n.Args)) {
		return nil
	}
	args := e.args(s, x)
	if args == nil {
		return nil
	}
	for i, a := range args {
		if a.Shape != n.Args[i].Shape {
			e.errArgumentShape(a, &n.Args[i], "block `"+n.Name+"`")
			return nil
		}
		if !e.demand(a, n.Args[i].Unit) {
			e.errArgument(a, &n.Args[i], "block `"+n.Name+"`")
			return nil
		}
	}
	return e.add(&Expr{Kind: Net, Object: n, Args: args, Shape: n.Shape, Unit: n.Unit, Span: x.Span()})
}
