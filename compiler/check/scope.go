package check

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/pinode/pinode/dsl"
	"github.com/pinode/pinode/dsl/diag"
)

// scopes has the names of a model.
//
// Every declaration becomes an entity under its flattened name; an entity is
// resolved when it is first needed, so that the order of declarations does not
// matter. What needs all names — initial values, equations, events — waits in
// later.
type scopes struct {
	*inference
	m        *Model
	names    [spaces]map[string]*entity // by flattened name
	library  map[string]*entity
	families [spaces]map[string]*family
	derivs   map[string]int // order of a state, by its name without indices
	order    []*entity      // of the file, sorted by key in the end
	later    []func()
	active   []*entity // being resolved, or functions being bound
	budget   int
	unknown  map[string]bool // names that were reported
}

func newScopes(units *unitReader, d *dsl.ModelDecl) *scopes {
	s := &scopes{
		inference: &inference{unitReader: units}, budget: maxExpansion,
		m:       &Model{Name: d.Name.Name, Doc: d.Doc, Span: d.Name.Span(), Units: units.table},
		library: map[string]*entity{}, derivs: map[string]int{}, unknown: map[string]bool{},
	}
	for i := range s.names {
		s.names[i], s.families[i] = map[string]*entity{}, map[string]*family{}
	}
	return s
}

// maxExpansion bounds the expressions and declarations that a model unrolls
// to; maxRounds the rounds of one loop.
const (
	maxExpansion = 4_000_000
	maxRounds    = 100_000
)

// spend counts what a model expands to. It reports false, and a mistake once,
// when that is too much.
func (e *scopes) spend(n int) bool {
	if e.budget < 0 {
		return false
	}
	if e.budget -= n; e.budget < 0 {
		e.errTooLarge()
		return false
	}
	return true
}

// space is a namespace.
type space uint8

const (
	inValues space = iota // constants to neural blocks
	inObserves
	inEvents
	inConserves
	inLosses
	inComponents
	spaces
)

// entity is a declared name.
type entity struct {
	name    string // flattened, with indices and primes
	space   space
	decl    dsl.Decl
	at      diag.Span // of the name
	scope   *scope
	key     []int // place in the order of the source, loops and components unrolled
	state   resolution
	resolve func(x *entity)
	obj     Object // nil before it is resolved and after an error
	read    bool   // some expression refers to it
	library bool
	twice   bool // declared again: whether it is what is needed cannot be told
}

type resolution uint8

const (
	untouched resolution = iota
	resolving
	resolved
)

// family are the declarations that a loop made of one.
type family struct {
	at      diag.Span
	members map[string]*entity // by indices, "[0]"
	order   []*entity
	flat    bool // one loop, indices from 0 without a gap
}

// place says what may stand in an expression besides the usual.
type place uint8

const (
	mayFirst  place = 1 << iota // first(y), slope(y)
	mayData                     // data(y), observed(y)
	mayBefore                   // before(E)
	mayEdge                     // rising(g), falling(g), crossing(g)
)

// scope is where names are looked up: a model or a component of one, a round
// of a loop, the body of a function or of an event.
type scope struct {
	e         *scopes
	prefix    string // of a component, "left."
	suffix    string // of the rounds of loops, "[0]"
	outer     *scope
	key       []int
	vars      map[string]*Expr // loop variables, arguments
	may       place
	overrides map[string]*override
	models    []*dsl.ModelDecl // the model and those that use it
	library   bool             // sees the library only
}

// override is a value that `use` gives to a name of a component.
type override struct {
	option *dsl.Option
	scope  *scope
	used   bool
}

// child is an inner scope.
func (s *scope) child() *scope {
	c := *s
	c.outer, c.vars = s, map[string]*Expr{}
	return &c
}

// allow is the scope in which more may stand.
func (s *scope) allow(p place) *scope {
	c := s.child()
	c.may |= p
	return c
}

func primes(k int) string { return strings.Repeat("'", k) }

// find looks a name up from the inside out, then in the library. Exactly one
// result is not nil, or none.
func (s *scope) find(in space, name string, order int) (*entity, *Expr) {
	head, rest, dotted := strings.Cut(name, ".")
	if dotted {
		rest = "." + rest
	}
	for sc := s; sc != nil; sc = sc.outer {
		if v := sc.vars[name]; v != nil && in == inValues && order == 0 {
			return nil, v
		}
		if sc.library {
			continue
		}
		if x := s.e.names[in][sc.prefix+head+sc.suffix+rest+primes(order)]; x != nil {
			return x, nil
		}
	}
	if in == inValues && order == 0 {
		return s.e.library[name], nil
	}
	return nil, nil
}

// family looks up the declarations that a loop made of one.
func (s *scope) family(name string, order int) *family {
	for sc := s; sc != nil; sc = sc.outer {
		if f := s.e.families[inValues][sc.prefix+name+primes(order)]; f != nil {
			return f
		}
	}
	return nil
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

// declareUnit gives an object the unit that is written, or one to infer.
func (e *inference) declareUnit(o *Obj, u *dsl.UnitExpr) {
	if u != nil {
		if x, ok := e.unit(u); ok {
			o.Unit, o.Inferred = x, false
			return
		}
	}
	o.Unit, o.Inferred = e.solver.Fresh(), true
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

const (
	maxDepth = 16 // of components in components
	maxOrder = 8  // of an equation of motion
)

// orderOf is the order of a state.
func (e *scopes) orderOf(s *scope, name string) int {
	return min(max(e.derivs[stripIndices(s.prefix)+name], 1), maxOrder)
}

// stripIndices removes the indices of rounds from a prefix, "a[0].b." → "a.b.".
func stripIndices(s string) string {
	var b strings.Builder
	depth := 0
	for _, r := range s {
		switch {
		case r == '[':
			depth++
		case r == ']':
			depth--
		case depth == 0:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// enter adds an entity under its flattened name; nil if that is taken.
func (e *scopes) enter(s *scope, in space, id dsl.Ident, order int, d dsl.Decl, resolve func(*entity)) *entity {
	if !e.spend(1) {
		return nil
	}
	name := s.prefix + id.Name + s.suffix + primes(order)
	if old := e.names[in][name]; old != nil {
		e.errDuplicate(id.Span(), name, old.at)
		old.twice = true
		return nil
	}
	x := &entity{name: name, space: in, decl: d, at: id.Span(), scope: s, key: append(slices.Clone(s.key), order), resolve: resolve}
	e.names[in][name] = x
	e.order = append(e.order, x)
	if s.suffix != "" {
		e.join(s, in, s.prefix+id.Name+primes(order), x)
	}
	return x
}

// join adds an entity to the family of those that its loop makes.
func (e *scopes) join(s *scope, in space, name string, x *entity) {
	f := e.families[in][name]
	if f == nil {
		f = &family{at: x.at, members: map[string]*entity{}, flat: true}
		e.families[in][name] = f
	}
	f.flat = f.flat && s.suffix == fmt.Sprintf("[%d]", len(f.order))
	f.members[s.suffix] = x
	f.order = append(f.order, x)
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
		e.enter(s, inObserves, d.Name, 0, d, e.observations.resolveObserve)
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
		e: e.scopes, key: s.key, prefix: s.prefix + d.As.Name + s.suffix + ".",
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

// override is the value that `use` gives to an entity; nil if it gives none.
func (x *entity) override() *override {
	o := x.scope.overrides[strings.TrimPrefix(x.name, x.scope.prefix)]
	if o != nil {
		o.used = true
	}
	return o
}

// given elaborates the value of a declaration, or that which `use` gives it
// instead; nil without one, and after an error.
func (e *objects) given(x *entity, value dsl.Expr, may place) *Expr {
	if o := x.override(); o != nil {
		return e.value(o.scope.allow(may), o.option.Value.Expr)
	}
	if value == nil {
		return nil
	}
	return e.value(x.scope.allow(may), value)
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

// touch resolves an entity; false if it could not be, which was reported.
func (e *scopes) touch(x *entity) bool {
	switch x.state {
	case resolving:
		e.errCycle(x)
		return false
	case untouched:
		x.state = resolving
		e.active = append(e.active, x)
		if x.resolve != nil {
			x.resolve(x)
		}
		e.active = e.active[:len(e.active)-1]
		x.state = resolved
	}
	return x.obj != nil
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

// isFunction reports whether the language has a function of that name.
func isFunction(name string) bool { return functionByName[name] != nil }

// constants of the language. Like a bare number they take the unit that is
// asked of them.
var constants = map[string]float64{"pi": math.Pi, "inf": math.Inf(1), "nan": math.NaN()}
