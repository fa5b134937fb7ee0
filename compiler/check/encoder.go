package check

import (
	"slices"
	"strings"

	"github.com/pinode/pinode/dsl"
	"github.com/pinode/pinode/physics/units"
)

// Encoders: components that run first, backwards over what is measured.

// Encoder is what a model uses `backward`. It runs from the last row of a trajectory that is
// given to the start, and what it has come to there are numbers of the trajectory.
type Encoder struct {
	Model   *Model     // of its own; parameters and blocks are those of the whole
	Results []*Encoded // what the model reads of it
	Known   Obj        // a number of each trajectory: 1 where it has run, else 0
	Turn    Obj        // the sum of the times between which it runs

	// Needed: the model reads a result besides in posteriors, and cannot run without.
	Needed *Expr
}

// Encoded is the value of an object of an encoder at the end of its run.
type Encoded struct {
	Obj
	Of Object
}

// Encodes reports whether a model is that of an encoder.
func (m *Model) Encodes() bool { return m.Encoder != nil && m.Encoder.Model == m }

// encoders is the part for these.
type encoders struct {
	*objects
	dists *dists
}

// encoderOf is the model's encoder, which has none yet where it is asked for first.
func encoderOf(e *scopes) *Encoder {
	if e.m.Encoder == nil {
		m := e.m
		m.Encoder = &Encoder{
			Model: &Model{Name: m.Name, Doc: m.Doc, Span: m.Span, Units: m.Units, Time: m.Time},
			Known: Obj{Name: "known", Unit: units.One}, Turn: Obj{Name: "turn", Unit: units.One},
		}
	}
	return e.m.Encoder
}

// mayHave refuses declarations that an encoder cannot have.
func (e *encoders) mayHave(d dsl.Decl) bool {
	what := ""
	switch d := d.(type) {
	case *dsl.DrawDecl:
		what = "a draw"
	case *dsl.InputDecl:
		what = "an input"
	case *dsl.AlgebraicDecl, *dsl.ConstraintDecl:
		what = "an algebraic unknown"
	case *dsl.CoordinateDecl, *dsl.BoundaryDecl:
		what = "a field"
	case *dsl.StartDecl:
		what = "a steady start"
	case *dsl.ConserveDecl:
		what = "a conserved quantity"
	case *dsl.RequireDecl, *dsl.LossDecl:
		what = "a loss"
	case *dsl.ForDecl:
		what = "a loop"
	case *dsl.EventDecl:
		if k := d.Trigger.Kind; k != dsl.TriggerOnObservation && k != dsl.TriggerWhen {
			e.diags.Errorf(notInEncoder, d.Trigger.Span(), "an event of an encoder is `on observation of …` or `when …`").
				WithHelp("its time falls: events at given times belong to the model that uses it")
			return false
		}
	case *dsl.ObserveDecl:
		if d.Value != nil || d.Dist != nil || d.When != nil {
			e.diags.Errorf(notInEncoder, d.Name.Span(), "an encoder predicts nothing").
				WithHelp("write `observe %s`: it is the observation of that name of the model that uses the encoder", d.Name.Name)
			return false
		}
	}
	if what == "" {
		return true
	}
	e.diags.Errorf(notInEncoder, d.Span(), "an encoder has not %s", what).
		WithHelp("it has states, discrete variables, quantities, blocks, parameters, covariates, and events on observations")
	return false
}

// resolveMeasured makes an observation of an encoder that of the model which uses it.
func (e *encoders) resolveMeasured(x *entity) {
	d := x.decl.(*dsl.ObserveDecl)
	for prefix := x.scope.prefix; prefix != ""; {
		prefix = strings.TrimSuffix(prefix, ".")
		prefix = prefix[:strings.LastIndex(prefix, ".")+1]
		outer := e.names[inObserves][prefix+d.Name.Name]
		if outer == nil || outer.scope.back {
			continue
		}
		if !e.touch(outer) {
			return
		}
		o := outer.obj.(*Observe)
		mine := Obj{Name: x.name, Span: x.at}
		if !e.object(&mine, x, d.Doc, d.Type, nil) {
			return
		}
		switch {
		case d.Type.Dims != nil && mine.Shape != o.Shape:
			e.diags.Errorf(shapeMismatch, d.Name.Span(), "`%s` has the shape %s here and %s in the model that uses the encoder", d.Name.Name, mine.Shape, o.Shape).WithNote(o.Span, "there")
		case d.Type.Unit != nil && !e.equate(mine.Unit, o.Unit, d.Name.Span()):
			e.diags.Errorf(unitMismatch, d.Name.Span(), "`%s` has another unit in the model that uses the encoder", d.Name.Name).WithNote(o.Span, "there")
		default:
			x.obj = o
		}
		return
	}
	e.errUnknown("observation", d.Name.Span(), d.Name.Name, names(e.names[inObserves]))
}

// encoded is the result of an encoder that a name of it stands for, outside of it.
func encoded(e *scopes, v *Expr) *Expr {
	if v == nil || v.Kind != Ref {
		return v
	}
	switch v.Object.(type) {
	case *State, *Discrete, *Let:
	default:
		return v
	}
	enc := encoderOf(e)
	for _, r := range enc.Results {
		if r.Of == v.Object {
			v.Object = r
			return v
		}
	}
	r := &Encoded{Obj: *v.Object.Info(), Of: v.Object}
	enc.Results = append(enc.Results, r)
	e.unnamed = append(e.unnamed, &r.Obj)
	v.Object = r
	return v
}

// take takes an object of an encoder to its model; false: it is one of the whole.
func (e *encoders) take(o Object) bool {
	m := encoderOf(e.scopes).Model
	switch o := o.(type) {
	case *State:
		m.States = append(m.States, o)
	case *Discrete:
		m.Discretes = append(m.Discretes, o)
	case *Let:
		m.Lets = append(m.Lets, o)
	case *Event:
		m.Events = append(m.Events, o)
	case *Observe:
	default:
		return false
	}
	return true
}

// posterior reads what a draw comes from where its encoder has run.
func (e *encoders) posterior(s *scope, d *Draw, opt *dsl.Option) {
	c, ok := opt.Value.Expr.(*dsl.Call)
	if !ok {
		e.errOption(opt.Value.Span(), opt.Name.Name, "a distribution, like `normal(enc.mean, enc.sd)`")
		return
	}
	p := e.dists.dist(s, c, &d.Obj, asDraw)
	if p == nil {
		return
	}
	whole := []string{"normal", "lognormal", "laplace", "cauchy"} // of the same numbers, whatever their arguments
	switch {
	case p.Name != d.Dist.Name || !slices.Contains(whole, p.Name):
		e.diags.Errorf(badDistribution, c.Span(), "the posterior of `%s` is of the kind of its prior, one of %s", d.Name, strings.Join(whole, ", ")).WithNote(d.Dist.Span, "its prior")
		return
	case len(d.Per) != 1 || d.Per[0] != "trajectory":
		e.diags.Errorf(badDistribution, c.Span(), "a draw with a posterior is one of each trajectory")
		return
	}
	for _, a := range p.Args {
		e.only(a, "a posterior", readsParam|readsCovariate|readsRow|readsEncoded)
	}
	d.Posterior = p
}

// complete completes what runs first, and checks what it reads.
func (e *encoders) complete(a *analysis) {
	enc := e.m.Encoder
	if enc == nil {
		for _, d := range e.m.Draws {
			if d.Posterior != nil {
				e.diags.Errorf(badDistribution, d.Posterior.Span, "the posterior of `%s` reads nothing that an encoder has made of the data", d.Name).
					WithHelp("write `use Encoder as enc backward`, and `normal(enc.mean, enc.sd)`")
			}
		}
		return
	}
	m, main := enc.Model, e.m
	m.Encoder, m.Consts, m.Params, m.Neurals, m.Covariates, m.Draws, m.Inputs, m.Observes = enc, main.Consts, main.Params, main.Neurals, main.Covariates, main.Draws, main.Inputs, main.Observes
	own := map[Object]bool{}
	for _, s := range m.States {
		own[s] = true
	}
	for _, d := range m.Discretes {
		own[d] = true
	}
	eachExpr(m, func(x *Expr) { e.reads(x, own) })
	for _, ev := range main.Events {
		for _, a := range ev.Assigns {
			if own[a.Target] {
				e.diags.Errorf(notInEncoder, a.Span, "`%s` is of an encoder, which has run before", a.Target.Info().Name)
			}
		}
	}
	e.m = m
	a.writeConflicts()
	e.m = main
	if len(main.Coordinates) > 0 {
		e.diags.Errorf(notInEncoder, main.Span, "a model with fields has no encoder yet")
	}
	if main.Flow != nil {
		e.diags.Errorf(noDensity, main.Flow.asked[0].at, "the density of states is not known where an encoder runs first")
	}
	if len(enc.Results) == 0 {
		e.diags.Errorf(notInEncoder, main.Span, "nothing reads what the encoder makes of the data").
			WithHelp("give a draw a posterior: `draw z ~ normal(0, 1) { posterior: normal(enc.mean, enc.sd) }`")
	}
	eachExpr(main, func(x *Expr) {
		walk(x, func(y *Expr) bool {
			if _, ok := y.Object.(*Encoded); ok && y.Kind == Ref && enc.Needed == nil {
				enc.Needed = y
			}
			return true
		})
	})
}

// reads refuses what an encoder cannot read.
func (e *encoders) reads(x *Expr, own map[Object]bool) {
	walk(x, func(y *Expr) bool {
		what := ""
		switch o := y.Object.(type) {
		case *State, *Discrete:
			if y.Kind == Ref && !own[o] {
				what = "`" + o.Info().Name + "`, which runs behind it"
			}
		case *Input:
			what = "the input `" + o.Name + "` yet"
		case *Draw:
			what = "the draw `" + o.Name + "`"
		}
		if y.Kind == FirstOf || y.Kind == SlopeOf {
			what = "`first` or `slope`"
		}
		if what == "" {
			return true
		}
		e.diags.Errorf(notInEncoder, y.Span, "an encoder cannot read %s", what).
			WithHelp("it reads time, parameters, covariates, its own states, and `data(x)` in its events")
		return false
	})
}

// eachExpr visits the expressions of a model that its run reads, those of posteriors aside.
func eachExpr(m *Model, do func(*Expr)) {
	for _, s := range m.States {
		do(s.Init)
		do(s.Deriv)
	}
	for _, d := range m.Discretes {
		do(d.Init)
	}
	for _, l := range m.Lets {
		do(l.Value)
	}
	for _, c := range m.Constraints {
		do(c.Value)
	}
	for _, ev := range m.Events {
		for _, x := range []*Expr{ev.Cond, ev.At, ev.From, ev.Until, ev.After, ev.Priorities} {
			do(x)
		}
		for _, a := range slices.Concat(ev.Assigns, ev.Rest) {
			do(a.Value)
		}
	}
	if m.Encodes() {
		return
	}
	for _, o := range m.Observes {
		for _, x := range []*Expr{o.Value, o.Weights, o.Below, o.Above} {
			do(x)
		}
		if o.Dist != nil {
			for _, a := range o.Dist.Args {
				do(a)
			}
		}
	}
	for _, l := range m.Losses {
		do(l.Value)
		do(l.Where)
	}
	for _, c := range m.Conserves {
		do(c.Value)
	}
	for _, r := range m.Requires {
		do(r.G)
	}
}
