package check

import (
	"fmt"
	"math"
	"strings"

	"github.com/pinode/pinode/dsl"
	"github.com/pinode/pinode/internal/diag"
	"github.com/pinode/pinode/internal/setting"
	"github.com/pinode/pinode/physics/units"
)

// elaborator builds one model.
type elaborator struct {
	*checker
	m        *Model
	names    map[string]*entity // by flattened name
	order    []*entity
	observes map[string]*Observe
	eqs      []*equation
	pending  []func() // what waits until every name is declared
	late     []func() // what waits until everything is resolved
	locals   []*Local
	depth    int // of functions being bound
}

// entity is a declared name, resolved when it is first needed.
type entity struct {
	name    string
	decl    dsl.Decl
	at      diag.Span // of the name
	scope   *scope
	resolve func(x *entity)
	state   resolution
	obj     Object // nil after an error
	library bool
	twice   bool // it was declared twice, which was reported
}

type resolution uint8

const (
	untouched resolution = iota
	resolving
	resolved
)

// scope is where names are looked up: a model or a component of one, an
// iteration of a loop, the body of a function or of an event.
type scope struct {
	e      *elaborator
	decl   *dsl.ModelDecl
	prefix string // of a component, "left."
	suffix string // of an iteration, "[0]"
	outer  *scope
	vars   map[string]*Expr // loop variables, arguments

	overrides map[string]*override
	event     *dsl.EventDecl // inside an event's body
	inLoss    bool           // before() and data() may stand here
}

// override is a value that `use` gives to a name of the component.
type override struct {
	value *dsl.Option
	scope *scope
	used  bool
}

func (s *scope) child() *scope {
	c := *s
	c.outer = s
	c.vars = map[string]*Expr{}
	return &c
}

// equation is an equation of motion of a state or of one of its elements.
type equation struct {
	state string
	decl  *dsl.EquationDecl
	scope *scope
}

// lookup finds a bare or dotted name.
func (s *scope) lookup(name string) (*entity, *Expr) {
	for sc := s; sc != nil; sc = sc.outer {
		if v, ok := sc.vars[name]; ok {
			return nil, v
		}
	}
	if x := s.e.names[s.prefix+name+s.suffix]; x != nil {
		return x, nil
	}
	if x := s.e.names[s.prefix+name]; x != nil {
		return x, nil
	}
	if x := s.e.names[name]; x != nil && x.library {
		return x, nil
	}
	return nil, nil
}

// library makes the terms of the physics library visible.
func (e *elaborator) library() {
	for _, f := range e.env.Library {
		for _, d := range f.Decls {
			m, ok := d.(*dsl.ModelDecl)
			if !ok {
				continue
			}
			s := &scope{e: e, decl: m}
			for _, b := range m.Body {
				switch b := b.(type) {
				case *dsl.FnDecl:
					e.names[b.Name.Name] = &entity{name: b.Name.Name, decl: b, at: b.Name.Span(), scope: s, library: true, state: resolved}
				case *dsl.ConstDecl:
					e.names[b.Name.Name] = &entity{name: b.Name.Name, decl: b, at: b.Name.Span(), scope: s, library: true, resolve: e.resolveConst}
				}
			}
		}
	}
}

// timeVar declares the independent variable.
func (e *elaborator) timeVar(d *dsl.ModelDecl) {
	e.m.Time = &Time{Obj{Name: "t", Span: d.Name.Span(), Unit: e.solver.Fresh(), Inferred: true}}
	for _, b := range d.Body {
		if t, ok := b.(*dsl.TimeDecl); ok {
			e.m.Time.Name, e.m.Time.Doc, e.m.Time.Span = t.Name.Name, t.Doc, t.Name.Span()
			e.declareUnit(&e.m.Time.Obj, t.Unit)
		}
	}
	e.names[e.m.Time.Name] = &entity{name: e.m.Time.Name, at: e.m.Time.Span, obj: e.m.Time, state: resolved}
}

// declareUnit gives an object the unit that is written, or one to infer.
func (e *elaborator) declareUnit(o *Obj, u *dsl.UnitExpr) {
	if u != nil {
		if x, ok := e.unit(u); ok {
			o.Unit, o.Inferred = x, false
			return
		}
	}
	o.Unit, o.Inferred = e.solver.Fresh(), true
}

// declare enters the declarations of a body.
func (e *elaborator) declare(s *scope, body []dsl.Decl) {
	orders := map[string]int{}
	e.collectEquations(s, body, orders)
	for _, d := range body {
		e.declareOne(s, d, orders)
	}
}

// collectEquations notes the equations of a body, loops included, and the
// order of each state.
func (e *elaborator) collectEquations(s *scope, body []dsl.Decl, orders map[string]int) {
	for _, d := range body {
		switch d := d.(type) {
		case *dsl.EquationDecl:
			e.eqs = append(e.eqs, &equation{s.prefix + d.Target.Name, d, s})
			orders[d.Target.Name] = max(orders[d.Target.Name], d.Target.Primes)
		case *dsl.StateDecl:
			for _, i := range d.Inits {
				orders[d.Name.Name] = max(orders[d.Name.Name], i.Primes+1)
			}
		case *dsl.ForDecl:
			e.pending = append(e.pending, func() {
				e.iterate(s, d, func(it *scope) {
					for _, b := range d.Body {
						if q, ok := b.(*dsl.EquationDecl); ok {
							e.eqs = append(e.eqs, &equation{s.prefix + q.Target.Name, q, it})
						}
					}
				})
			})
			for _, b := range d.Body {
				if q, ok := b.(*dsl.EquationDecl); ok {
					orders[q.Target.Name] = max(orders[q.Target.Name], q.Target.Primes)
				}
			}
		}
	}
}

// iterate calls f for every value of a loop's variable.
func (e *elaborator) iterate(s *scope, d *dsl.ForDecl, f func(*scope)) {
	lo, ok1 := e.constInt(s, d.Lo)
	hi, ok2 := e.constInt(s, d.Hi)
	if !ok1 || !ok2 {
		return
	}
	if hi-lo >= 100000 {
		e.diags.Errorf("loop-too-long", d.Span(), "the loop runs %d times; at most 100000 are unrolled", hi-lo+1)
		return
	}
	for i := lo; i <= hi; i++ {
		it := s.child()
		it.suffix = s.suffix + fmt.Sprintf("[%d]", i)
		it.vars[d.Var.Name] = &Expr{Kind: Number, Value: float64(i), Unit: units.One, Span: d.Var.Span(), bare: true}
		f(it)
	}
}

// enter adds an entity under its flattened name.
func (e *elaborator) enter(s *scope, id dsl.Ident, d dsl.Decl, resolve func(*entity)) *entity {
	name := s.prefix + id.Name + s.suffix
	if old := e.names[name]; old != nil && !old.library {
		e.errDuplicate(dsl.Ident{At: id.At, Name: name}, old.at)
		old.twice = true
		return old
	}
	if _, event := d.(*dsl.EventDecl); !event && (functionByName[id.Name] != nil || special[id.Name] != "") {
		e.diags.Errorf("shadows-function", id.Span(), "`%s` is a function of the language", id.Name).
			WithHelp("choose another name")
	}
	x := &entity{name: name, decl: d, at: id.Span(), scope: s, resolve: resolve}
	e.names[name] = x
	e.order = append(e.order, x)
	return x
}

func (e *elaborator) declareOne(s *scope, d dsl.Decl, orders map[string]int) {
	switch d := d.(type) {
	case *dsl.ConstDecl:
		e.enter(s, d.Name, d, e.resolveConst)
	case *dsl.ParamDecl:
		e.enter(s, d.Name, d, e.resolveParam)
	case *dsl.CovariateDecl:
		e.enter(s, d.Name, d, func(x *entity) {
			c := &Covariate{}
			if e.object(&c.Obj, x, d.Doc, d.Type) {
				e.m.Covariates = append(e.m.Covariates, c)
				x.obj = c
			}
		})
	case *dsl.InputDecl:
		e.enter(s, d.Name, d, e.resolveInput)
	case *dsl.StateDecl:
		e.enter(s, d.Name, d, func(x *entity) { e.resolveState(x, max(orders[d.Name.Name], 1)) })
		for k := 1; k < max(orders[d.Name.Name], 1); k++ {
			primes := strings.Repeat("'", k)
			e.enter(s, dsl.Ident{At: d.Name.At, Name: d.Name.Name + primes}, d, func(x *entity) {
				e.touch(e.names[strings.TrimSuffix(x.name, primes)])
			})
		}
	case *dsl.AugmentDecl:
		e.enter(s, d.Name, d, e.resolveAugment)
	case *dsl.DiscreteDecl:
		e.enter(s, d.Name, d, func(x *entity) {
			v := &Discrete{}
			if !e.object(&v.Obj, x, d.Doc, d.Type) {
				return
			}
			x.obj = v
			e.m.Discretes = append(e.m.Discretes, v)
			e.pending = append(e.pending, func() { v.Init = e.initial(x, d.Init, &v.Obj) })
		})
	case *dsl.LetDecl:
		e.enter(s, d.Name, d, e.resolveLet)
	case *dsl.FnDecl:
		e.enter(s, d.Name, d, func(*entity) {}).state = resolved
	case *dsl.NeuralDecl:
		e.enter(s, d.Name, d, e.resolveNeural)
	case *dsl.EventDecl:
		e.enter(s, d.Name, d, func(x *entity) { e.resolveEvent(x, d) })
	case *dsl.UseDecl:
		e.use(s, d)
	case *dsl.ForDecl:
		e.pending = append(e.pending, func() {
			e.iterate(s, d, func(it *scope) {
				for _, b := range d.Body {
					e.declareOne(it, b, orders)
				}
			})
		})
	case *dsl.ObserveDecl:
		e.observe(s, d)
	case *dsl.ConserveDecl:
		e.pending = append(e.pending, func() { e.conserve(s, d) })
	case *dsl.RequireDecl:
		e.pending = append(e.pending, func() { e.require(s, d) })
	case *dsl.LossDecl:
		e.pending = append(e.pending, func() { e.loss(s, d) })
	case *dsl.TimeDecl:
		if s.prefix != "" {
			o := &Obj{}
			e.declareUnit(o, d.Unit)
			if !e.solver.Unify(o.Unit, e.m.Time.Unit) {
				e.diags.Errorf("unit-mismatch", d.Name.Span(), "the component's time is in %s, the model's in %s", e.name(o.Unit), e.name(e.m.Time.Unit))
			}
		}
	}
}

// touch resolves an entity if that was not done before, and reports cycles.
func (e *elaborator) touch(x *entity) bool {
	switch x.state {
	case resolving:
		e.diags.Errorf("cycle", x.at, "`%s` is defined by itself", x.name).
			WithHelp("break the circle; a quantity with a memory of its own is a `state`")
		return false
	case untouched:
		x.state = resolving
		x.resolve(x)
		x.state = resolved
	}
	return true
}

// resolveAll resolves everything that was declared, and what that declares.
func (e *elaborator) resolveAll() {
	for len(e.order) > 0 || len(e.pending) > 0 {
		for len(e.order) > 0 {
			x := e.order[0]
			e.order = e.order[1:]
			if x.state == untouched {
				e.touch(x)
			}
		}
		if len(e.pending) > 0 {
			f := e.pending[0]
			e.pending = e.pending[1:]
			f()
		}
	}
}

// object fills what all declarations have; false if the shape is wrong.
func (e *elaborator) object(o *Obj, x *entity, doc string, t dsl.Type) bool {
	o.Name, o.Doc, o.Span = x.name, doc, x.at
	e.declareUnit(o, t.Unit)
	shape, ok := e.shape(x.scope, t.Dims)
	o.Shape = shape
	return ok
}

// shape evaluates the dimensions of a declaration.
func (e *elaborator) shape(s *scope, dims []dsl.Expr) (Shape, bool) {
	n := make([]int, len(dims))
	for i, d := range dims {
		v, ok := e.constInt(s, d)
		if !ok {
			return Shape{}, false
		}
		if v < 1 || v > 1_000_000 {
			e.diags.Errorf("bad-shape", d.Span(), "a dimension is a whole number of at least 1, not %d", v)
			return Shape{}, false
		}
		n[i] = v
	}
	switch len(n) {
	case 0:
		return Shape{}, true
	case 1:
		return Shape{Rank: 1, N: n[0]}, true
	}
	return Shape{Rank: 2, M: n[0], N: n[1]}, true
}

func (e *elaborator) resolveConst(x *entity) {
	d := x.decl.(*dsl.ConstDecl)
	o := &Const{}
	if !e.object(&o.Obj, x, d.Doc, d.Type) {
		return
	}
	v := e.overridden(x, d.Value)
	if v == nil {
		return
	}
	values, ok := foldConst(v)
	if !ok {
		e.diags.Errorf("not-constant", v.Span, "the value of a constant must be known before the run").
			WithHelp("use `let` for a quantity that changes")
		return
	}
	if d.Type.Dims != nil && o.Shape != v.Shape {
		e.errShape(v.Span, v.Shape, o.Shape, x.at)
		return
	}
	o.Shape, o.Values = v.Shape, values
	e.unify(v, o.Unit, func() { e.errInit(v, &o.Obj) })
	o.Inferred = d.Type.Unit == nil && v.bare
	if o.Inferred {
		o.Unit = e.solver.Fresh()
	}
	x.obj = o
	if !x.library {
		e.m.Consts = append(e.m.Consts, o)
	}
}

// overridden is the value of a declaration, or that which `use` gives it.
func (e *elaborator) overridden(x *entity, value dsl.Expr) *Expr {
	if o := x.scope.override(x); o != nil {
		return e.expr(o.scope, o.value.Value.Expr)
	}
	if value == nil {
		return nil
	}
	return e.expr(x.scope, value)
}

func (s *scope) override(x *entity) *override {
	if s.overrides == nil {
		return nil
	}
	o := s.overrides[strings.TrimPrefix(x.name, s.prefix)]
	if o != nil {
		o.used = true
	}
	return o
}

func (e *elaborator) resolveParam(x *entity) {
	d := x.decl.(*dsl.ParamDecl)
	if x.scope.override(x) != nil {
		// A component's parameter that is given is no longer learned.
		l := &Let{}
		if e.object(&l.Obj, x, d.Doc, d.Type) {
			l.Value = e.overridden(x, nil)
			e.bind(l.Value, &l.Obj)
			x.obj = l
			e.m.Lets = append(e.m.Lets, l)
		}
		return
	}
	p := &Param{Lo: math.Inf(-1), Hi: math.Inf(1), LoOpen: true, HiOpen: true, Fixed: d.Fixed}
	if !e.object(&p.Obj, x, d.Doc, d.Type) {
		return
	}
	for _, k := range d.Per {
		p.Per = append(p.Per, k.Name)
	}
	x.obj = p
	e.m.Params = append(e.m.Params, p)
	if iv := d.Interval; iv != nil {
		lo, ok1 := e.constIn(x.scope, iv.Lo, &p.Obj)
		hi, ok2 := e.constIn(x.scope, iv.Hi, &p.Obj)
		if ok1 && ok2 {
			if lo < hi {
				p.Lo, p.Hi, p.LoOpen, p.HiOpen = lo, hi, iv.LoOpen || math.IsInf(lo, -1), iv.HiOpen || math.IsInf(hi, 1)
			} else {
				e.diags.Errorf("empty-interval", iv.Span(), "the interval from %g to %g is empty", lo, hi)
			}
		}
	}
	e.pending = append(e.pending, func() { e.paramStart(x, p, d) })
}

// paramStart reads a parameter's start value and prior.
func (e *elaborator) paramStart(x *entity, p *Param, d *dsl.ParamDecl) {
	if d.Prior != nil {
		p.Prior = e.dist(x.scope, d.Prior, &p.Obj, false)
	}
	if d.Init == nil {
		p.Init = e.number(defaultStart(p), p.Unit, x.at)
		p.Init.Shape = p.Shape
		return
	}
	p.Init = e.expr(x.scope, d.Init)
	if p.Init == nil {
		p.Init = e.number(defaultStart(p), p.Unit, x.at)
		p.Init.Shape = p.Shape
		return
	}
	e.bind(p.Init, &p.Obj)
	if v, ok := foldConst(p.Init); ok {
		for _, v := range v {
			if v < p.Lo || v > p.Hi || v == p.Lo && p.LoOpen || v == p.Hi && p.HiOpen {
				e.diags.Errorf("outside-interval", d.Init.Span(), "the start value %g of `%s` is outside of its interval", v, p.Name).
					WithNote(d.Interval.Span(), "the interval")
				return
			}
		}
	}
}

// defaultStart is where a parameter without a start value starts: the middle
// of its interval, one off a single bound, else 0.
func defaultStart(p *Param) float64 {
	switch lo, hi := math.IsInf(p.Lo, -1), math.IsInf(p.Hi, 1); {
	case lo && hi:
		return 0
	case lo:
		return p.Hi - 1
	case hi:
		return p.Lo + 1
	}
	return (p.Lo + p.Hi) / 2
}

func (e *elaborator) resolveInput(x *entity) {
	d := x.decl.(*dsl.InputDecl)
	in := &Input{Interp: d.Interp.Name}
	if !e.object(&in.Obj, x, d.Doc, d.Type) {
		return
	}
	switch in.Interp {
	case "":
		in.Interp = "linear"
	case "linear", "hold", "cubic":
	default:
		e.errChoice(d.Interp.Span(), "interpolation", in.Interp, []string{"linear", "hold", "cubic"})
	}
	x.obj = in
	e.m.Inputs = append(e.m.Inputs, in)
	e.pending = append(e.pending, func() {
		if in.Value = e.overridden(x, d.Value); in.Value != nil {
			e.bind(in.Value, &in.Obj)
		}
	})
}

func (e *elaborator) resolveState(x *entity, order int) {
	d := x.decl.(*dsl.StateDecl)
	base := &Obj{}
	if !e.object(base, x, d.Doc, d.Type) {
		return
	}
	for k := range order {
		st := &State{Obj: *base}
		name := x.name + strings.Repeat("'", k)
		st.Name = name
		if k > 0 {
			st.Unit = base.Unit.Div(e.m.Time.Unit.Pow(k, 1))
		}
		ent := e.names[name]
		ent.obj, ent.state = st, resolved
		e.m.States = append(e.m.States, st)
		var init dsl.Expr
		for i := range d.Inits {
			if d.Inits[i].Primes == k {
				init = d.Inits[i].Value
			}
		}
		e.pending = append(e.pending, func() { st.Init = e.initial(ent, init, &st.Obj) })
	}
}

func (e *elaborator) resolveAugment(x *entity) {
	d := x.decl.(*dsl.AugmentDecl)
	st := &State{Augment: true}
	if !e.object(&st.Obj, x, d.Doc, d.Type) {
		return
	}
	x.obj = st
	e.m.States = append(e.m.States, st)
	e.pending = append(e.pending, func() { st.Init = e.initial(x, d.Init, &st.Obj) })
}

// initial reads an initial value; without one it is 0.
func (e *elaborator) initial(x *entity, init dsl.Expr, o *Obj) *Expr {
	v := e.overridden(x, init)
	if v == nil {
		v = e.number(0, o.Unit, x.at)
		v.Shape = o.Shape
		return v
	}
	e.bind(v, o)
	return v
}

// bind checks that a value fits an object, and spreads scalars.
func (e *elaborator) bind(v *Expr, o *Obj) {
	if v == nil {
		return
	}
	if v.Shape != o.Shape && v.Shape.Rank != 0 {
		e.errShape(v.Span, v.Shape, o.Shape, o.Span)
		return
	}
	e.unify(v, o.Unit, func() { e.errInit(v, o) })
}

func (e *elaborator) resolveLet(x *entity) {
	d := x.decl.(*dsl.LetDecl)
	l := &Let{}
	if !e.object(&l.Obj, x, d.Doc, d.Type) {
		return
	}
	l.Value = e.expr(x.scope, d.Value)
	if l.Value == nil {
		return
	}
	if d.Type.Dims == nil {
		l.Shape = l.Value.Shape
	}
	e.bind(l.Value, &l.Obj)
	x.obj = l
	e.m.Lets = append(e.m.Lets, l)
}

// use flattens a component into the model.
func (e *elaborator) use(s *scope, d *dsl.UseDecl) {
	decl := e.models[d.Model.Name]
	if decl == nil {
		e.errUnknown("model", d.Model.Span(), d.Model.Name, names(e.models))
		return
	}
	for sc := s; sc != nil; sc = sc.outer {
		if sc.decl == decl {
			e.diags.Errorf("cycle", d.Model.Span(), "model `%s` uses itself", d.Model.Name)
			return
		}
	}
	in := &scope{e: e, decl: decl, prefix: s.prefix + d.As.Name + s.suffix + ".", outer: nil, overrides: map[string]*override{}}
	in.outer = &scope{e: e, decl: s.decl, outer: s.outer} // for the check of cycles only
	for _, o := range d.Options {
		if o.Value.Expr == nil || o.Value.Block != nil {
			e.diags.Errorf("bad-option", o.Span(), "`%s` needs a value", o.Name.Name)
			continue
		}
		in.overrides[o.Name.Name] = &override{o, s, false}
	}
	e.declare(in, decl.Body)
	e.late = append(e.late, func() {
		for name, o := range in.overrides {
			if x := e.names[in.prefix+name]; x != nil {
				e.touch(x)
			}
			if !o.used {
				var have []string
				for n := range e.names {
					if t, ok := strings.CutPrefix(n, in.prefix); ok {
						have = append(have, t)
					}
				}
				e.errUnknown("name in the component", o.value.Name.Span(), name, have)
			}
		}
	})
}

func (e *elaborator) resolveNeural(x *entity) {
	d := x.decl.(*dsl.NeuralDecl)
	n := &Neural{Options: setting.New(e.env.Neural)}
	if !e.object(&n.Obj, x, d.Doc, d.Result) {
		return
	}
	for _, a := range d.Args {
		o := Obj{Name: a.Name.Name, Span: a.Name.Span()}
		e.declareUnit(&o, a.Type.Unit)
		shape, ok := e.shape(x.scope, a.Type.Dims)
		if !ok {
			return
		}
		o.Shape = shape
		n.Args = append(n.Args, o)
	}
	x.obj = n
	e.m.Neurals = append(e.m.Neurals, n)
	e.pending = append(e.pending, func() { e.neuralOptions(x.scope, n, d) })
}
