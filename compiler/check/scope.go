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
	back      bool             // of what is used `backward`
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

// override is the value that `use` gives to an entity; nil if it gives none.
func (x *entity) override() *override {
	o := x.scope.overrides[strings.TrimPrefix(x.name, x.scope.prefix)]
	if o != nil {
		o.used = true
	}
	return o
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

// isFunction reports whether the language has a function of that name.
func isFunction(name string) bool { return functionByName[name] != nil }

// constants of the language. Like a bare number they take the unit that is
// asked of them.
var constants = map[string]float64{"pi": math.Pi, "inf": math.Inf(1), "nan": math.NaN()}
