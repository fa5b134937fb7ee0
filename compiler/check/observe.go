package check

import (
	"math"

	"github.com/pinode/pinode/dsl"
	"github.com/pinode/pinode/physics/units"
)

// observations elaborates what a solution is compared with: observations, losses,
// conserved quantities and requirements.
type observations struct {
	*objects
	dists *dists
	flows *flows
}

// resolveObserve resolves an observation. Its shape, if none is declared, is
// that of its expression, which a use before that needs.
func (e *observations) resolveObserve(x *entity) {
	d := x.decl.(*dsl.ObserveDecl)
	o := &Observe{Weight: 1}
	if !e.object(&o.Obj, x, d.Doc, d.Type, nil) {
		return
	}
	value := func() bool {
		if d.Value == nil {
			o.Value, o.Weight, o.Unpredicted = e.number(0, o.Shape, o.Unit, d.Name.Span()), 0, true
			return true
		}
		v := e.value(x.scope.allow(mayBefore), d.Value)
		if v == nil {
			return false
		}
		if d.Type.Dims == nil {
			o.Shape = v.Shape
		}
		o.Value = e.bind(v, &o.Obj)
		return true
	}
	// A declared shape is known before the expression is, which may depend on
	// data of this very observation.
	if d.Type.Dims == nil && !value() {
		return
	}
	x.obj = o
	e.later = append(e.later, func() {
		if d.Type.Dims != nil {
			value()
		}
		if d.When != nil {
			o.At = e.dueTime(x.scope, d)
		}
		if d.Dist != nil {
			o.Dist = e.dists.dist(x.scope, d.Dist, &o.Obj, asNoise)
		}
		if o.Dist != nil && o.Dist.Name == exactDist {
			o.Unpredicted = true
			e.options(x.scope, d.Options, map[string]func(*dsl.Option){"weight": e.weight(x.scope, &o.Weight)})
			e.flows.asks(flowing{of: o.Value, at: o.Dist.Span, observe: o})
			return
		}
		if o.Unpredicted {
			e.options(x.scope, d.Options, nil)
			return
		}
		e.options(x.scope, d.Options, map[string]func(*dsl.Option){
			"weight": e.rowWeight(x.scope, o), "below": e.limit(x.scope, o, &o.Below), "above": e.limit(x.scope, o, &o.Above),
		})
	})
}

// dueTime reads when an observation is in a table without times: a number, or what is
// known of the trajectory.
func (e *observations) dueTime(s *scope, d *dsl.ObserveDecl) *Expr {
	if x, _ := s.find(inValues, d.Time.Name, 0); x == nil || x.obj != e.m.Time {
		e.errNotTime(d.Time)
	}
	v := e.duration(s, d.When, "the time of an observation")
	if v == nil || !e.only(v, "the time of an observation", readsCovariate) {
		return nil
	}
	return v
}

func (e *observations) resolveLoss(x *entity) {
	d := x.decl.(*dsl.LossDecl)
	l := &Loss{Weight: 1}
	if !e.object(&l.Obj, x, d.Doc, dsl.Type{}, nil) {
		return
	}
	x.obj = l
	e.later = append(e.later, func() {
		v := e.value(x.scope.allow(mayBefore|mayData), d.Value)
		if v != nil && v.Shape.Rank != 0 {
			e.errNotScalar(v, "a loss", "sum it, or take its `norm`")
			v = nil
		}
		if v != nil {
			l.Value = e.bind(v, &l.Obj)
		}
		if d.Where != nil {
			c := e.condition(x.scope.allow(mayData), d.Where)
			if c != nil && e.only(c, "the condition of a loss", readsTime|readsSignal|readsCovariate|readsRow|readsData) {
				l.Where = c
			}
		}
		e.options(x.scope, d.Options, map[string]func(*dsl.Option){
			"weight": e.weight(x.scope, &l.Weight),
			"mean": func(o *dsl.Option) {
				l.PerTrajectory = e.word(o, "mean", []string{"rows", "trajectories"}, "rows") == "trajectories"
			},
		})
	})
}

func (e *observations) resolveConserve(x *entity) {
	d := x.decl.(*dsl.ConserveDecl)
	c := &Conserve{Weight: 1, Mode: "penalty"}
	if !e.object(&c.Obj, x, d.Doc, dsl.Type{}, nil) {
		return
	}
	x.obj = c
	e.later = append(e.later, func() {
		v := e.value(x.scope, d.Value)
		switch {
		case v == nil:
		case v.Shape.Rank != 0:
			e.errNotScalar(v, "a conserved quantity", "write one line for each component")
		default:
			c.Value = e.bind(v, &c.Obj)
			e.conserves(c)
		}
		e.options(x.scope, d.Options, map[string]func(*dsl.Option){
			"weight": e.weight(x.scope, &c.Weight),
			"scale":  func(o *dsl.Option) { c.Scale = e.positive(x.scope, o, &c.Obj) },
			"across": func(o *dsl.Option) { c.Across = e.across(x.scope, o) },
			"mode": func(o *dsl.Option) {
				c.Mode = e.word(o, "mode", []string{"penalty", "project"}, c.Mode)
			},
		})
	})
}

// conserves warns of a quantity that nothing can change.
func (e *observations) conserves(c *Conserve) {
	if readsOf(c.Value)&(readsState|readsDiscrete|readsSignal|readsTime) == 0 {
		e.errAlwaysConserved(c)
	}
}

// across reads the events across which a quantity stays, `[bounce, hit]`.
func (e *observations) across(s *scope, o *dsl.Option) []*Event {
	list := []dsl.Expr{o.Value.Expr}
	if a, ok := o.Value.Expr.(*dsl.Array); ok {
		list = a.Elems
	}
	var out []*Event
	for _, x := range list {
		n, ok := x.(*dsl.Name)
		if !ok || n.Primes > 0 {
			e.errOption(x.Span(), o.Name.Name, "a list of events, like `[bounce]`")
			continue
		}
		if f := e.families[inEvents][s.prefix+n.Name]; f != nil {
			for _, m := range f.order {
				if e.touch(m) {
					out = append(out, m.obj.(*Event))
				}
			}
			continue
		}
		ent, _ := s.find(inEvents, n.Name, 0)
		if ent == nil {
			e.errUnknown("event", n.Span(), n.Name, names(e.names[inEvents]))
			continue
		}
		if e.touch(ent) {
			out = append(out, ent.obj.(*Event))
		}
	}
	return out
}

func (e *observations) require(s *scope, d *dsl.RequireDecl) {
	x := d.Cond
	for {
		p, ok := x.(*dsl.Paren)
		if !ok {
			break
		}
		x = p.X
	}
	b, ok := x.(*dsl.Binary)
	if !ok || operatorBySymbol[b.Op].Units != compares || b.Op == "!=" {
		e.errRequire(x)
		return
	}
	q := &Require{Span: d.Cond.Span(), Equality: b.Op == "==", Weight: 1}
	e.options(s, d.Options, map[string]func(*dsl.Option){"weight": e.weight(s, &q.Weight)})
	l, r := e.value(s, b.X), e.value(s, b.Y)
	if l == nil || r == nil {
		return
	}
	shape, ok := common(l, r)
	if !ok {
		e.errShapes(b.OpSp, l, r)
		return
	}
	if !e.meet(l, r, b.Span()) {
		e.errUnits(b.OpSp, "compare", l, r)
		return
	}
	if b.Op[0] == '<' {
		l, r = r, l
	}
	if q.G = l; r.Kind != Number || r.Value != 0 {
		q.G = e.add(&Expr{Kind: Op, Name: "sub", Args: []*Expr{l, r}, Shape: shape, Unit: l.Unit, Span: b.Span()})
	}
	e.m.Requires = append(e.m.Requires, q)
}

// weight reads a number that is not negative.
func (e *observations) weight(s *scope, to *float64) func(*dsl.Option) {
	return func(o *dsl.Option) {
		v := e.value(s, o.Value.Expr)
		if v == nil {
			return
		}
		c, ok := fold(v)
		if !ok || len(c) != 1 || !(c[0] >= 0) || math.IsInf(c[0], 0) || !v.bare && !v.Unit.Dimensionless() {
			e.errOption(v.Span, o.Name.Name, "a number without unit, 0 or more")
			return
		}
		*to = c[0]
	}
}

// rowWeight reads the weight of an observation: a number, or what is known of
// each row.
func (e *observations) rowWeight(s *scope, o *Observe) func(*dsl.Option) {
	constant := e.weight(s, &o.Weight)
	return func(opt *dsl.Option) {
		v := e.value(s, opt.Value.Expr)
		if v == nil {
			return
		}
		if _, ok := fold(v); ok {
			constant(opt)
			return
		}
		switch {
		case v.Shape.Rank != 0:
			e.errNotScalar(v, "a weight", "")
		case !e.demand(v, units.One):
			e.errDimensionless("a weight", v)
		case e.only(v, "a weight", readsTime|readsSignal|readsCovariate):
			o.Weights = v
		}
	}
}

// limit reads a limit of what can be measured: a number, or what is known of each row.
func (e *observations) limit(s *scope, o *Observe, to **Expr) func(*dsl.Option) {
	return func(opt *dsl.Option) {
		v := e.value(s, opt.Value.Expr)
		switch {
		case v == nil:
		case v.Shape.Rank != 0:
			e.errNotScalar(v, "a limit", "")
		case !e.demand(v, o.Unit):
			e.errValueUnit(v, &o.Obj)
		case o.Dist == nil || !o.Dist.of().limits:
			e.errLimit(opt, o)
		case e.only(v, "a limit", readsTime|readsSignal|readsCovariate):
			*to = v
		}
	}
}
