package check

import (
	"slices"

	"github.com/pinode/pinode/dsl"
)

// Random quantities.

func (e *values) resolveDraw(x *entity) {
	d := x.decl.(*dsl.DrawDecl)
	if e.resolveGiven(x, d.Doc, d.Type) {
		return
	}
	o := &Draw{}
	if !e.object(&o.Obj, x, d.Doc, d.Type, nil) {
		return
	}
	o.Per = e.drawnPer(d)
	x.obj = o
	e.later = append(e.later, func() {
		if o.Dist = e.dists.dist(x.scope, d.Dist, &o.Obj, asDraw); o.Dist == nil {
			return
		}
		allowed := readsParam | readsCovariate | readsRow | readsDraw
		if o.Row() {
			allowed |= readsTime | readsSignal | readsRowDraw
		}
		sound := true
		for _, a := range o.Dist.Args {
			sound = e.only(a, "what a draw comes from", allowed) && sound
			if drawsFrom(a, o) {
				e.errDrawsItself(a, o)
				return
			}
		}
		if sound {
			e.drawnShapes(o)
		}
		e.options(x.scope, d.Options, map[string]func(*dsl.Option){"posterior": func(opt *dsl.Option) { e.encoders.posterior(x.scope, o, opt) }})
	})
}

// drawnPer reads what has a value of its own.
func (e *values) drawnPer(d *dsl.DrawDecl) (per []string) {
	for i, k := range d.Per {
		switch {
		case slices.Contains(per, k.Name):
			e.errDuplicate(k.Span(), k.Name, d.Per[i-1].Span())
		case len(d.Per) > 1 && (k.Name == "row" || k.Name == "trajectory"):
			e.errDrawnPer(k)
		default:
			per = append(per, k.Name)
		}
	}
	if per == nil {
		per = []string{"trajectory"}
	}
	return per
}

// drawsFrom reports whether an expression reads a draw, be it by way of other draws.
func drawsFrom(x *Expr, of *Draw) bool {
	seen := map[*Draw]bool{}
	var from func(x *Expr) bool
	from = func(x *Expr) bool {
		for o := range objectsOf(x) {
			d, ok := o.(*Draw)
			if ok && d == of {
				return true
			}
			if !ok || seen[d] || d.Dist == nil {
				continue
			}
			seen[d] = true
			if slices.ContainsFunc(d.Dist.Args, from) {
				return true
			}
		}
		return false
	}
	return from(x)
}

// drawnShapes notes the arguments that standard variates depend on, which are numbers.
func (e *values) drawnShapes(d *Draw) {
	d.Shapes = make([][]float64, d.Shape.Size())
	for _, a := range d.Dist.Args[:d.Dist.of().Shaped] {
		v, ok := fold(a)
		if !ok {
			e.errDrawnShape(a, d)
			return
		}
		for k := range d.Shapes {
			d.Shapes[k] = append(d.Shapes[k], v[min(k, len(v)-1)])
		}
	}
}

// rowDraws reports draws of rows where there is no row.
func (e *analysis) rowDraws() {
	none := func(what string, list ...*Expr) {
		for _, x := range list {
			e.only(x, what, ^readsRowDraw)
		}
	}
	for _, s := range e.m.States {
		none("an equation", s.Deriv)
	}
	for _, c := range e.m.Constraints {
		none("an equation", c.Value)
	}
	for _, ev := range e.m.Events {
		none("an event", ev.Cond, ev.At, ev.From, ev.Until, ev.After, ev.Priorities)
		for _, a := range slices.Concat(ev.Assigns, ev.Rest) {
			none("an event", a.Value)
		}
	}
	for _, c := range e.m.Conserves {
		none("a conserved quantity", c.Value)
	}
	for _, r := range e.m.Requires {
		none("what is required", r.G)
	}
}
