package check

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/pinode/pinode/dsl"
	"github.com/pinode/pinode/physics/units"
)

// elaborator builds one model. It enters the declarations and has its parts elaborate
// them, each with a job of its own. They are layers, of which each embeds the one it stands
// on, and parts of the same layer know each other by name:
//
//	reporter     where mistakes go
//	unitReader   units as they are written
//	inference    units that are not
//	scopes       names
//	expressions  with arrays, calls and specials
//	objects      what all declarations have in common
//	values, motions, events, observations, neurals, fields, dataBlocks, settings, flows,
//	dists, analysis, encoders
//
// Types with names that end in Mistakes have the wording of a part, in a file errors_….
type elaborator struct {
	*objects
	values       *values
	events       *events
	observations *observations
	neurals      *neurals
	fields       *fields
	data         *dataBlocks
	settings     *settings
	analysis     *analysis
	flows        *flows
	encoders     *encoders

	models map[string]*dsl.ModelDecl
	open   []*loop
	uses   []component
}

func newElaborator(c *checker, d *dsl.ModelDecl) *elaborator {
	o := newObjects(newScopes(c.unitReader, d))
	dists := &dists{o}
	flows := &flows{o}
	settings := &settings{objects: o, dists: dists}
	o.calls.specials.dists, o.calls.specials.flows = dists, flows
	e := &elaborator{
		objects: o, models: c.models, flows: flows, settings: settings,
		values:       &values{objects: o, dists: dists, env: c.env, prog: c.prog},
		events:       &events{eventMistakes{o}},
		observations: &observations{objects: o, dists: dists, flows: flows},
		neurals:      &neurals{objects: o, settings: settings, env: c.env},
		fields:       &fields{objects: o},
		data:         &dataBlocks{dataMistakes: dataMistakes{o}, settings: settings},
		analysis:     &analysis{o},
		encoders:     &encoders{o, dists},
	}
	e.values.encoders = e.encoders
	for _, f := range append([]*dsl.File{prelude()}, c.env.Library...) {
		e.addLibrary(f.Decls)
	}
	return e
}

// newObjects makes the layers up to that of objects.
func newObjects(s *scopes) *objects {
	x := &expressions{exprMistakes: exprMistakes{unitMistakes{s}}}
	o := &objects{x}
	x.arrays = &arrays{x}
	x.calls = &calls{expressions: x}
	x.calls.specials = &specials{specialMistakes: specialMistakes{x.calls}}
	x.motions = &motions{
		objects: o, motions: map[*entity]*motion{}, rates: map[*entity]*entity{}, badTime: map[string]bool{},
	}
	return o
}

// addLibrary makes library terms visible.
func (e *elaborator) addLibrary(decls []dsl.Decl) {
	s := &scope{e: e.scopes, library: true}
	add := func(id dsl.Ident, d dsl.Decl, resolve func(*entity)) {
		e.library[id.Name] = &entity{name: id.Name, decl: d, at: id.Span(), scope: s, resolve: resolve, library: true}
	}
	for _, d := range decls {
		switch d := d.(type) {
		case *dsl.ModelDecl:
			e.addLibrary(d.Body)
		case *dsl.FnDecl:
			add(d.Name, d, func(*entity) {})
		case *dsl.ConstDecl:
			add(d.Name, d, e.values.resolveConst)
		}
	}
}

// timeOf declares the independent variable of the model.
func (e *elaborator) timeOf(d *dsl.ModelDecl) {
	e.m.Time = &Time{Obj{Name: "t", Span: d.Name.Span(), Inferred: true}, math.NaN(), math.NaN()}
	for _, b := range d.Body {
		if t, ok := b.(*dsl.TimeDecl); ok {
			e.m.Time.Name, e.m.Time.Doc, e.m.Time.Span = t.Name.Name, t.Doc, t.Name.Span()
			e.declareUnit(&e.m.Time.Obj, t.Unit)
			return
		}
	}
	e.m.Time.Unit = e.solver.Fresh()
}

// defaultTime makes the time known as t in every component that does not
// name it and declares no other t.
func (e *elaborator) defaultTime(s *scope) {
	if key := s.prefix + "t"; e.names[inValues][key] == nil && !slices.ContainsFunc(s.models[0].Body, isTime) {
		e.names[inValues][key] = &entity{name: "t", at: e.m.Time.Span, scope: s, obj: e.m.Time, state: resolved}
	}
}

func isTime(d dsl.Decl) bool {
	_, ok := d.(*dsl.TimeDecl)
	return ok
}

// declareTime enters a declaration of the time; that of a component is the
// time of the whole under a name of its own.
func (e *elaborator) declareTime(s *scope, d *dsl.TimeDecl) {
	x := e.enter(s, inValues, d.Name, 0, d, nil)
	if x == nil {
		return
	}
	x.state, x.obj = resolved, e.m.Time
	if d.Interval != nil && d.Name.Span() == e.m.Time.Span {
		e.later = append(e.later, func() { e.timeInterval(s, d.Interval) })
	}
	if d.Unit == nil || d.Name.Span() == e.m.Time.Span {
		return
	}
	if u, ok := e.unit(d.Unit); ok && !e.equate(e.m.Time.Unit, u, d.Unit.Span()) {
		e.errTimeUnit(d, u)
		e.motions.badTime[s.prefix] = true
	}
}

// timeInterval reads where trajectories start and end.
func (e *elaborator) timeInterval(s *scope, iv *dsl.Interval) {
	get := func(x dsl.Expr, what string) float64 {
		v := e.duration(s, x, what)
		if v == nil {
			return math.NaN()
		}
		c, ok := fold(v)
		if !ok {
			e.errNotConstant(v, what)
			return math.NaN()
		}
		return c[0]
	}
	lo, hi := get(iv.Lo, "the start of the time"), get(iv.Hi, "the end of the time")
	switch {
	case math.IsNaN(lo) || math.IsNaN(hi): // reported
	case !(lo < hi):
		e.errEmptyInterval(iv, lo, hi)
	case math.IsInf(lo, -1) || iv.LoOpen || iv.HiOpen && !math.IsInf(hi, 1):
		e.errTimeInterval(iv)
	default:
		if e.m.Time.From = lo; !math.IsInf(hi, 1) {
			e.m.Time.Until = hi
		}
	}
}

// orders notes the order of each state: the highest derivative that an
// equation or an initial value names.
func (e *elaborator) orders(s *scope, body []dsl.Decl, depth int) {
	note := func(name string, k int) {
		name = s.prefix + name
		e.derivs[name] = max(e.derivs[name], k)
	}
	for _, d := range body {
		switch d := d.(type) {
		case *dsl.EquationDecl:
			note(d.Target.Name, d.Target.Primes)
		case *dsl.StateDecl:
			for _, i := range d.Inits {
				note(d.Name.Name, i.Primes+1)
			}
		case *dsl.ForDecl:
			e.orders(s, d.Body, depth)
		case *dsl.UseDecl:
			if c := e.models[d.Model.Name]; c != nil && depth < maxDepth {
				e.orders(&scope{e: e.scopes, prefix: s.prefix + d.As.Name + "."}, c.Body, depth+1)
			}
		}
	}
}

// declare enters the declarations of a body.
func (e *elaborator) declare(s *scope, body []dsl.Decl) {
	for i, d := range body {
		in := *s // where the declaration stands
		in.key = append(slices.Clone(s.key), i)
		e.declareOne(&in, d)
	}
}

func (e *elaborator) declareOne(s *scope, d dsl.Decl) {
	value := func(id dsl.Ident, resolve func(*entity)) { e.enter(s, inValues, id, 0, d, resolve) }
	if s.back && !e.encoders.mayHave(d) {
		return
	}
	switch d := d.(type) {
	case *dsl.UnitDecl: // of the whole file
	case *dsl.TimeDecl:
		e.declareTime(s, d)
	case *dsl.ConstDecl:
		value(d.Name, e.values.resolveConst)
	case *dsl.ParamDecl:
		value(d.Name, e.values.resolveParam)
	case *dsl.CovariateDecl:
		value(d.Name, e.values.resolveCovariate)
	case *dsl.DrawDecl:
		value(d.Name, e.values.resolveDraw)
	case *dsl.InputDecl:
		value(d.Name, e.values.resolveInput)
	case *dsl.StateDecl:
		for k := range e.orderOf(s, d.Name.Name) {
			e.enter(s, inValues, d.Name, k, d, func(x *entity) { e.values.resolveState(x, d, k) })
		}
	case *dsl.AugmentDecl:
		value(d.Name, e.values.resolveAugment)
	case *dsl.AlgebraicDecl:
		value(d.Name, e.values.resolveAlgebraic)
	case *dsl.CoordinateDecl:
		e.fields.axes = append(e.fields.axes, d)
		value(d.Name, e.fields.resolveCoordinate)
	case *dsl.BoundaryDecl:
		e.fields.boundaries = append(e.fields.boundaries, &boundary{decl: d, scope: s})
	case *dsl.StartDecl:
		e.motions.starts = append(e.motions.starts, &start{decl: d, scope: s})
	case *dsl.ConstraintDecl:
		e.motions.constraints = append(e.motions.constraints, &constraint{decl: d, scope: s})
	case *dsl.DiscreteDecl:
		value(d.Name, e.values.resolveDiscrete)
	case *dsl.LetDecl:
		value(d.Name, e.values.resolveLet)
	case *dsl.FnDecl:
		value(d.Name, func(*entity) {})
	case *dsl.NeuralDecl:
		value(d.Name, e.neurals.resolveNeural)
	case *dsl.EquationDecl:
		e.motions.eqs = append(e.motions.eqs, &equation{decl: d, scope: s})
	case *dsl.EventDecl:
		e.enter(s, inEvents, d.Name, 0, d, e.events.resolveEvent)
	case *dsl.ConserveDecl:
		e.enter(s, inConserves, d.Name, 0, d, e.observations.resolveConserve)
	case *dsl.ObserveDecl:
		resolve := e.observations.resolveObserve
		if s.back {
			resolve = e.encoders.resolveMeasured
		}
		e.enter(s, inObserves, d.Name, 0, d, resolve)
	case *dsl.LossDecl:
		e.enter(s, inLosses, d.Name, 0, d, e.observations.resolveLoss)
	case *dsl.RequireDecl:
		e.later = append(e.later, func() { e.observations.require(s, d) })
	case *dsl.UseDecl:
		e.use(s, d)
	case *dsl.ForDecl:
		e.open = append(e.open, &loop{d, s})
	}
}

// loop is a loop that is still to be unrolled.
type loop struct {
	decl  *dsl.ForDecl
	scope *scope
}

// loops unrolls the loops, and those in them, once all other names are known.
func (e *elaborator) loops() {
	for len(e.open) > 0 {
		l := e.open[0]
		e.open = e.open[1:]
		lo, ok1 := e.constInt(l.scope, l.decl.Lo)
		hi, ok2 := e.constInt(l.scope, l.decl.Hi)
		switch {
		case !ok1 || !ok2:
			continue
		case hi-lo >= maxRounds:
			e.errLoop(l.decl, hi-lo+1)
			continue
		}
		if v, _ := l.scope.find(inValues, l.decl.Var.Name, 0); v != nil && !v.library && v.obj != e.m.Time {
			e.errDuplicate(l.decl.Var.Span(), l.decl.Var.Name, v.at)
			continue
		}
		for i := lo; i <= hi; i++ {
			in := l.scope.child()
			in.suffix += fmt.Sprintf("[%d]", i)
			in.key = append(slices.Clone(l.scope.key), i-lo)
			in.vars[l.decl.Var.Name] = &Expr{Kind: Number, Value: float64(i), bare: true}
			e.declare(in, l.decl.Body)
			if !e.spend(1) {
				return
			}
		}
	}
}

// component is a model that is used in another.
type component struct {
	scope *scope // of its declarations
	decl  *dsl.UseDecl
}

// use flattens a component into the model.
func (e *elaborator) use(s *scope, d *dsl.UseDecl) {
	decl := e.models[d.Model.Name]
	if decl == nil {
		e.errUnknown("model", d.Model.Span(), d.Model.Name, names(e.models))
		return
	}
	if slices.Contains(s.models, decl) || len(s.models) > maxDepth {
		e.errUsesItself(d, s.models)
		return
	}
	if e.enter(s, inComponents, d.As, 0, d, nil) == nil {
		return
	}
	in := &scope{
		e: e.scopes, key: s.key, back: s.back || d.Backward, prefix: s.prefix + d.As.Name + s.suffix + ".",
		overrides: map[string]*override{}, models: append([]*dsl.ModelDecl{decl}, s.models...),
	}
	for _, o := range d.Options {
		switch old := in.overrides[o.Name.Name]; {
		case old != nil:
			e.errDuplicate(o.Name.Span(), o.Name.Name, old.option.Name.Span())
		case !plainValue(o.Value):
			e.errOption(o.Value.Span(), o.Name.Name, "a value")
		default:
			in.overrides[o.Name.Name] = &override{option: o, scope: s}
		}
	}
	e.declare(in, decl.Body)
	e.uses = append(e.uses, component{in, d})
	e.defaultTime(in)
}

// plainValue reports whether an option's value is an expression and no more.
func plainValue(v *dsl.Value) bool {
	return v.Expr != nil && v.Suffix == "" && v.Block == nil && v.Then == nil && len(v.Clauses) == 0
}

// unusedOverrides reports what `use` gives to names that take no value.
func (e *elaborator) unusedOverrides(in *scope, d *dsl.UseDecl) {
	for _, name := range names(in.overrides) {
		o := in.overrides[name]
		if o.used {
			continue
		}
		if x := e.names[inValues][in.prefix+name]; x != nil {
			e.errNotGiven(o.option, d, x)
			continue
		}
		var have []string
		for n, x := range e.names[inValues] {
			if t, ok := strings.CutPrefix(n, in.prefix); ok && x.decl != nil {
				have = append(have, t)
			}
		}
		e.errNoSuchPart(o.option, d, have)
	}
}

// resolveAll resolves everything, then what waited for that.
func (e *elaborator) resolveAll() {
	for _, x := range e.order {
		e.touch(x)
	}
	for len(e.later) > 0 {
		f := e.later[0]
		e.later = e.later[1:]
		f()
	}
	e.motions.initials()
	for _, c := range e.uses {
		e.unusedOverrides(c.scope, c.decl)
	}
}

// collect lists the objects in the order of the source.
func (e *elaborator) collect() {
	m := e.m
	for _, x := range e.order {
		if x.scope.back && e.encoders.take(x.obj) {
			continue
		}
		switch o := x.obj.(type) {
		case *Const:
			m.Consts = append(m.Consts, o)
		case *Param:
			m.Params = append(m.Params, o)
		case *Covariate:
			m.Covariates = append(m.Covariates, o)
		case *Draw:
			m.Draws = append(m.Draws, o)
		case *Input:
			m.Inputs = append(m.Inputs, o)
		case *Coordinate:
			m.Coordinates = append(m.Coordinates, o)
		case *State:
			m.States = append(m.States, o)
		case *Discrete:
			m.Discretes = append(m.Discretes, o)
		case *Let:
			m.Lets = append(m.Lets, o)
		case *Neural:
			m.Neurals = append(m.Neurals, o)
		case *Event:
			m.Events = append(m.Events, o)
		case *Conserve:
			m.Conserves = append(m.Conserves, o)
		case *Observe:
			m.Observes = append(m.Observes, o)
		case *Loss:
			m.Losses = append(m.Losses, o)
		}
	}
}

// ground fixes the units that inference left open, as dimensionless.
func (e *elaborator) ground() {
	open := func(u *units.Unit) {
		if len(units.Variables(*u)) > 0 {
			*u = e.solver.Ground(*u)
		}
	}
	open(&e.m.Time.Unit)
	for _, x := range e.order {
		if x.obj != nil {
			open(&x.obj.Info().Unit)
		}
	}
	for _, o := range e.unnamed {
		open(&o.Unit)
	}
	for _, x := range e.exprs {
		open(&x.Unit)
	}
}
