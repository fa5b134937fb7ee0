package check

import (
	"math"
	"slices"

	"github.com/pinode/pinode/dsl"
)

// values elaborates the declarations of quantities.
type values struct {
	*objects
	dists    *dists
	encoders *encoders
	env      *Env
	prog     *Program
}

func (e *values) resolveConst(x *entity) {
	d := x.decl.(*dsl.ConstDecl)
	o := &Const{}
	if !e.object(&o.Obj, x, d.Doc, d.Type, d.Value) {
		return
	}
	if d.From != nil && x.override() == nil {
		if values := e.tabulated(o, d); values != nil {
			e.settle(&o.Obj)
			o.Values, x.obj = values, o
		}
		return
	}
	v := e.given(x, d.Value, 0)
	if v == nil {
		return
	}
	values, ok := fold(v)
	if !ok {
		e.errNotConstant(v, "the value of a constant")
		return
	}
	if d.Type.Dims == nil {
		o.Shape = v.Shape
	}
	if v = e.bind(v, &o.Obj); v == nil {
		return
	}
	for len(values) < o.Shape.Size() {
		values = append(values, values[0])
	}
	e.settle(&o.Obj)
	o.Values, x.obj = values, o
}

func (e *values) resolveCovariate(x *entity) {
	d := x.decl.(*dsl.CovariateDecl)
	if e.resolveGiven(x, d.Doc, d.Type) {
		return
	}
	if c := (&Covariate{}); e.object(&c.Obj, x, d.Doc, d.Type, nil) {
		x.obj = c
	}
}

// interpolations of an input that is read from data.
var interpolations = []string{"linear", "hold", "cubic"}

func (e *values) resolveInput(x *entity) {
	d := x.decl.(*dsl.InputDecl)
	if e.resolveGiven(x, d.Doc, d.Type) {
		return
	}
	in := &Input{Interp: d.Interp.Name, Told: d.Interp.Name != ""}
	if in.Interp == "" {
		in.Interp = interpolations[0]
	}
	if !contains(interpolations, in.Interp) {
		e.errChoice(d.Interp.Span(), "interpolation", in.Interp, interpolations)
	}
	if !e.object(&in.Obj, x, d.Doc, d.Type, nil) {
		return
	}
	x.obj = in
	if d.Value == nil {
		return
	}
	if d.Interp.Name != "" {
		e.errInterpolation(d)
	}
	e.later = append(e.later, func() {
		if in.Value = e.bind(e.value(x.scope, d.Value), &in.Obj); in.Value != nil {
			e.only(in.Value, "an input", readsTime|readsParam|readsCovariate|readsSignal)
		}
	})
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

func (e *values) resolveParam(x *entity) {
	d := x.decl.(*dsl.ParamDecl)
	p := &Param{Lo: math.Inf(-1), Hi: math.Inf(1), LoOpen: true, HiOpen: true, Fixed: d.Fixed}
	if x.override() != nil {
		e.resolveGiven(x, d.Doc, d.Type)
		if l, ok := x.obj.(*Let); ok && d.Interval != nil {
			p.Obj = l.Obj
			e.interval(x.scope, p, d.Interval)
			e.inside(p, l.Value, d.Interval)
		}
		return
	}
	if !e.object(&p.Obj, x, d.Doc, d.Type, d.Init) {
		return
	}
	for i, k := range d.Per {
		if contains(p.Per, k.Name) {
			e.errDuplicate(k.Span(), k.Name, d.Per[i-1].Span())
			continue
		}
		p.Per = append(p.Per, k.Name)
	}
	if d.Interval != nil {
		e.interval(x.scope, p, d.Interval)
	}
	x.obj = p
	e.later = append(e.later, func() { e.paramStart(x, p, d) })
}

// interval reads the bounds of a parameter.
func (e *values) interval(s *scope, p *Param, iv *dsl.Interval) {
	bound := func(x dsl.Expr) (float64, bool) {
		v := e.value(s, x)
		if v == nil {
			return 0, false
		}
		c, ok := fold(v)
		if !ok || v.Shape.Rank != 0 {
			e.errNotConstant(v, "a bound")
			return 0, false
		}
		if !e.demand(v, p.Unit) {
			e.errValueUnit(v, &p.Obj)
			return 0, false
		}
		return c[0], true
	}
	lo, ok1 := bound(iv.Lo)
	hi, ok2 := bound(iv.Hi)
	switch {
	case !ok1 || !ok2:
	case !(lo < hi):
		e.errEmptyInterval(iv, lo, hi)
	default:
		p.Lo, p.LoOpen = lo, iv.LoOpen || math.IsInf(lo, -1)
		p.Hi, p.HiOpen = hi, iv.HiOpen || math.IsInf(hi, 1)
	}
}

// paramStart reads a parameter's start value and prior.
func (e *values) paramStart(x *entity, p *Param, d *dsl.ParamDecl) {
	allowed := reads(0)
	if p.Per != nil {
		allowed = readsCovariate
	}
	if d.Prior != nil {
		if p.Prior = e.dists.dist(x.scope, d.Prior, &p.Obj, asPrior); p.Prior != nil {
			for _, a := range p.Prior.Args {
				e.only(a, "a prior", allowed|readsParam)
			}
			if !p.narrow() {
				e.errPriorOutside(p)
				p.Prior = nil
			} else if p.Prior.cutByNumbers() && p.cut() && !p.Prior.constant() {
				e.errCutPrior(p)
			}
		}
	}
	p.Init = e.number(defaultStart(p), p.Shape, p.Unit, x.at)
	if d.Init == nil {
		return
	}
	v := e.bind(e.value(x.scope.allow(mayFirst), d.Init), &p.Obj)
	if v == nil {
		return
	}
	p.Init = v
	e.settle(&p.Obj)
	if p.Per != nil {
		allowed |= readsRow
	}
	e.only(v, "a start value", allowed)
	e.inside(p, v, d.Interval)
}

// cutByNumbers reports whether what an interval has of a distribution is known for
// constant arguments only.
func (d *Dist) cutByNumbers() bool { return d.of().Shaped > 0 }

// constant reports whether all arguments of a distribution are numbers.
func (d *Dist) constant() bool {
	return !slices.ContainsFunc(d.Args, func(a *Expr) bool {
		_, ok := fold(a)
		return !ok
	})
}

// narrow cuts the interval of a parameter to the support of its prior, as far
// as that is constant; false if nothing is left.
func (p *Param) narrow() bool {
	s := supportOf(p.Prior)
	if s.Lo > p.Lo || s.Lo == p.Lo && s.LoOpen {
		p.Lo, p.LoOpen = s.Lo, s.LoOpen
	}
	if s.Hi < p.Hi || s.Hi == p.Hi && s.HiOpen {
		p.Hi, p.HiOpen = s.Hi, s.HiOpen
	}
	return p.Lo < p.Hi
}

// cut reports whether the interval of a parameter is less than the support of its prior.
func (p *Param) cut() bool {
	s := supportOf(p.Prior)
	return p.Lo > s.Lo || p.Hi < s.Hi
}

// supportOf is where a distribution has a density, as far as that is constant.
func supportOf(d *Dist) Interval {
	s := Interval{Lo: math.Inf(-1), Hi: math.Inf(1)}
	if known := d.Support(); known != nil {
		return *known
	}
	bound := func(x *Expr, otherwise float64) float64 {
		if c, ok := fold(x); ok && len(c) == 1 {
			return c[0]
		}
		return otherwise
	}
	if d.Name == "uniform" {
		s.Lo, s.Hi = bound(d.Args[0], s.Lo), bound(d.Args[1], s.Hi)
	}
	return s
}

// inside checks that a constant value lies in a parameter's interval.
func (e *values) inside(p *Param, v *Expr, iv *dsl.Interval) {
	c, _ := fold(v)
	for _, c := range c {
		if math.IsNaN(c) || math.IsInf(c, 0) || c < p.Lo || c > p.Hi || c == p.Lo && p.LoOpen || c == p.Hi && p.HiOpen {
			e.errOutsideInterval(p, v, c, iv)
			return
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
	return p.Lo + (p.Hi-p.Lo)/2
}

// resolveState resolves the state that is derivative k of a declared one.
func (e *values) resolveState(x *entity, d *dsl.StateDecl, k int) {
	st := &State{}
	t := d.Type
	if k > 0 { // the unit is that of the derivative below, over time
		t.Unit = nil
	}
	var init dsl.Expr
	for _, in := range d.Inits {
		if in.Primes == k {
			init = in.Value
		}
	}
	if !e.object(&st.Obj, x, d.Doc, t, init) {
		return
	}
	over, ok := e.over(x.scope, d.Over)
	if st.Over = over; !ok {
		return
	}
	if d.Least != nil && k == 0 {
		if n, ok := d.Least.(*dsl.NumberLit); ok && n.Value == 0 {
			st.NonNegative = true
		} else {
			e.errBound(d)
		}
	}
	if k > 0 {
		below := e.names[inValues][x.name[:len(x.name)-1]]
		if below == nil || !e.touch(below) {
			return
		}
		o := below.obj.Info()
		st.Unit, st.Inferred = o.Unit.Div(e.m.Time.Unit), o.Inferred
	}
	x.obj = st
	e.later = append(e.later, func() {
		if init == nil && k == 0 && len(over) > 0 && x.override() == nil {
			return // a network does not ask for one
		}
		st.Init = e.initial(x, init, &st.Obj)
		if v, _ := fold(st.Init); st.NonNegative && len(v) > 0 && slices.Min(v) < 0 {
			e.errStartsNegative(st, slices.Min(v), d.Least)
		}
		if init == nil && k == 0 && x.override() == nil {
			e.errNoInitial(x, "state")
		}
	})
}

func (e *values) resolveAugment(x *entity) {
	d := x.decl.(*dsl.AugmentDecl)
	st := &State{Augment: true}
	if !e.object(&st.Obj, x, d.Doc, d.Type, d.Init) {
		return
	}
	x.obj = st
	e.later = append(e.later, func() { st.Init = e.initial(x, d.Init, &st.Obj) })
}

func (e *values) resolveAlgebraic(x *entity) {
	d := x.decl.(*dsl.AlgebraicDecl)
	st := &State{Algebraic: true}
	over, ok := e.over(x.scope, d.Over)
	if st.Over = over; !ok || !e.object(&st.Obj, x, d.Doc, d.Type, d.Init) {
		return
	}
	x.obj = st
	e.later = append(e.later, func() { st.Init = e.initial(x, d.Init, &st.Obj) })
}

func (e *values) resolveDiscrete(x *entity) {
	d := x.decl.(*dsl.DiscreteDecl)
	v := &Discrete{}
	if !e.object(&v.Obj, x, d.Doc, d.Type, d.Init) {
		return
	}
	x.obj = v
	e.later = append(e.later, func() {
		v.Init = e.initial(x, d.Init, &v.Obj)
		if d.Init == nil && x.override() == nil {
			e.errNoInitial(x, "discrete")
		}
	})
}

func (e *values) resolveLet(x *entity) {
	d := x.decl.(*dsl.LetDecl)
	l := &Let{}
	if !e.object(&l.Obj, x, d.Doc, d.Type, nil) {
		return
	}
	v := e.expr(x.scope, d.Value)
	if v == nil {
		return
	}
	if v.cond {
		l.cond = v
	}
	v = e.asValue(v)
	if d.Type.Dims == nil {
		l.Shape = v.Shape
	}
	if l.Value = e.bind(v, &l.Obj); l.Value != nil {
		e.settle(&l.Obj)
		x.obj = l
	}
}
