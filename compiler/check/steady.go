package check

import (
	"github.com/pinode/pinode/dsl"
)

// start is a line `start steady { … }`.
type start struct {
	decl  *dsl.StartDecl
	scope *scope
}

// steady elaborates where the run starts.
func (e *motions) steady() {
	for i, s := range e.starts {
		d := s.decl
		switch {
		case d.How.Name != "steady":
			e.errUnknown("start", d.How.Span(), d.How.Name, []string{"steady"})
		case i > 0:
			e.errDuplicate(d.How.Span(), "start", e.starts[0].decl.How.Span())
		case s.scope.prefix != "":
			e.errMisplacedStart(d)
		default:
			e.m.Steady = &Steady{Span: d.Span()}
			e.steadyValues(s)
		}
	}
}

// steadyValues elaborates what has another value while the start is found.
func (e *motions) steadyValues(s *start) {
	known := map[string]func(*dsl.Option){}
	for _, x := range e.order {
		switch x.obj.(type) {
		case *Covariate, *Input, *Param:
			known[x.name] = func(o *dsl.Option) { e.steadyValue(s.scope, x, o) }
		}
	}
	e.options(s.scope, s.decl.Options, known)
}

func (e *motions) steadyValue(s *scope, x *entity, o *dsl.Option) {
	v := e.value(s, o.Value.Expr)
	if v == nil {
		return
	}
	if readsOf(v)&(readsState|readsDiscrete|readsSignal|readsTime) != 0 {
		e.errOption(v.Span, o.Name.Name, "a value that does not change in time")
		return
	}
	if v = e.bind(v, x.obj.Info()); v != nil {
		x.read = true
		e.m.Steady.Objects, e.m.Steady.Values = append(e.m.Steady.Objects, x.obj), append(e.m.Steady.Values, v)
	}
}
