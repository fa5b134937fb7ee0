package lower

import (
	"github.com/pinode/pinode/compiler/check"
	"github.com/pinode/pinode/compiler/ir"
	"github.com/pinode/pinode/dsl"
	"github.com/pinode/pinode/dsl/diag"
	"github.com/pinode/pinode/physics"
)

// Lower builds the graphs of a model that was checked without errors.
func Lower(m *check.Model) (*Model, *diag.List) {
	// The number of switches is known only when the right-hand side has been
	// built, and their modes are inputs of it: build once to count.
	l := newLowerer(m, 0)
	l.build()
	if n := len(l.out.Switches); n > 0 && l.diags.Err() == nil {
		roots := 0
		for _, w := range l.out.Switches {
			if w.Root {
				roots++
			}
		}
		if roots > mostRoots {
			n -= roots
		}
		l = newLowerer(m, n)
		l.roots.plain = roots > mostRoots
		l.build()
	}
	l.diags.Sort()
	return l.out, l.diags
}

// lowerer builds the graphs of one model. Its parts are layers, of which each embeds the
// one it stands on, and parts of the same layer know each other by name:
//
//	base         what is being built, and where in the inputs things stand
//	expressions  with conditions and densities; fields are expressions on a grid
//	layouts, motions, algebra, events, steadies, observations, scores, priors, networks
type lowerer struct {
	*expressions
	layouts      *layouts
	motions      *motions
	events       *events
	observations *observations
	priors       *priors
	networks     *networks
}

func newLowerer(m *check.Model, modes int) *lowerer {
	l := newExpressions(&base{
		m: m, b: ir.NewBuilder(), diags: &diag.List{}, modes: modes,
		places: places{
			slots: map[check.Object]Slot{}, argOff: map[check.Object]int{}, observes: map[check.Object]Slot{},
			firstOff: map[check.Object]int{}, slopeOff: map[check.Object]int{}, scaleOff: map[scaleKey]int{},
		},
	})
	l.out = &Model{Checked: m, Builder: l.b}
	algebra := &algebra{l}
	motions := &motions{l, algebra}
	layouts := &layouts{l}
	return &lowerer{
		expressions: l, layouts: layouts, motions: motions,
		events:       &events{l, algebra, &steadies{l, algebra}},
		observations: &observations{l, &scores{l}},
		priors:       &priors{l},
		networks:     &networks{l},
	}
}

func (l *lowerer) build() {
	l.layouts.layout()
	if l.diags.Err() != nil {
		return // a block that cannot be built
	}
	l.layouts.inputs()
	if l.m.Gridded != nil {
		if l.fields().sides.complete(); l.diags.Err() != nil {
			return
		}
	}
	l.motions.rhs()
	l.motions.initial()
	l.events.events()
	if l.m.Encodes() {
		l.observations.encoderResults()
	} else {
		l.observations.observations()
		l.observations.outputs()
		l.densities.divergences()
	}
	l.conditions.acting()
	l.priors.priors()
	l.conditions.floors()
	l.conditions.cornersAtJumps()
	l.motions.algebra.eliminate()
}

// motions lowers the right-hand side and the values at the start.
type motions struct {
	*expressions
	algebra *algebra
}

// rhs builds the right-hand side: the equations, then the quadratures.
func (l *motions) rhs() {
	l.located = true
	var parts []*ir.Node
	for _, s := range l.m.States {
		if s.Algebraic {
			parts = append(parts, l.b.Full(shapeOf(s.Shape), 0))
		} else {
			parts = append(parts, l.value(s.Deriv, s.Shape))
		}
	}
	if len(l.m.Constraints) > 0 {
		l.algebra.algebraicRates(parts)
	}
	l.backRates(parts)
	l.located = false
	if len(parts) == 0 {
		parts = []*ir.Node{}
	}
	user := l.b.Concat(parts...)
	y := l.out.Layout.NUser
	quad := func(n *ir.Node) int {
		parts = append(parts, n)
		y++
		return y - 1
	}
	l.located = true
	for _, ev := range l.m.Events {
		if ev.Kind == dsl.TriggerRate {
			rate := l.expr(ev.At)
			quad(rate) // the integrated intensity
			quad(rate) // the negative log-likelihood, to which firings add
		}
	}
	for _, c := range l.m.Conserves {
		if c.Mode != "penalty" || c.Weight == 0 {
			continue
		}
		q := l.expr(c.Value)
		rate := l.rateOf(q, user)
		k := quad(physics.Conserve.Build(l.b, physics.Args{Rate: rate, Scale: l.scaleNode(ScaleConserve, c)}))
		l.out.Penalties = append(l.out.Penalties, Penalty{Name: c.Name, State: k, Weight: c.Weight})
	}
	for _, r := range l.m.Requires {
		if r.Weight == 0 {
			continue
		}
		p := physics.AtLeast
		if r.Equality {
			p = physics.Equal
		}
		k := quad(p.Build(l.b, physics.Args{Value: l.violation(r), Scale: l.b.Const(1)}))
		l.out.Penalties = append(l.out.Penalties, Penalty{Name: "require " + check.Text(r.G), State: k, Weight: r.Weight})
	}
	l.located = false
	l.out.RHS = l.b.Concat(parts...)
	var cs []*ir.Node
	for _, c := range l.m.Conserves {
		cs = append(cs, l.expr(c.Value))
	}
	if len(cs) > 0 {
		l.out.Conserved = l.b.Concat(cs...)
	}
}

// violation is the quantity of a `require`, of an inequality where it is violated
// alone: that is located, so that no step goes on across.
func (l *motions) violation(r *check.Require) *ir.Node {
	g := l.expr(r.G)
	if r.Equality {
		return g
	}
	l.sites = append(l.sites, r.G)
	defer func() { l.sites = l.sites[:len(l.sites)-1] }()
	return l.conditions.pick("min", g, l.b.Full(g.Shape, 0))
}

// initial builds the values at the start.
func (l *motions) initial() {
	lay := l.out.Layout
	var ys, ds []*ir.Node
	measured := map[check.Object]*ir.Node{}
	if f := l.m.Flow; f != nil && f.Back {
		measured = l.flowStart(f)
	}
	for _, s := range l.m.States {
		if v := measured[s]; v != nil {
			ys = append(ys, v)
			continue
		}
		ys = append(ys, l.value(s.Init, s.Shape))
	}
	if n := lay.NY - lay.NUser; n > 0 {
		ys = append(ys, l.b.Full(ir.Vec(n), 0))
	}
	for _, d := range l.m.Discretes {
		ds = append(ds, l.value(d.Init, d.Shape))
	}
	if n := l.levels + l.thresholds + l.modes; n > 0 {
		ds = append(ds, l.b.Full(ir.Vec(n), 0))
	}
	if len(ys) > 0 {
		l.out.InitY = l.b.Concat(ys...)
	}
	if len(ds) > 0 {
		l.out.InitD = l.b.Concat(ds...)
	}
	for _, n := range []*ir.Node{l.out.InitY, l.out.InitD} {
		never(n != nil && l.dependsOn(n, l.out.In.Y, l.out.In.D), "an initial value depends on a state")
	}
}

// atRow reports whether an observation is of a place that rows of data tell.
func atRow(o *check.Observe) bool {
	return o.Value.Kind == check.Place && o.Value.Args[1].Kind == check.DataOf
}

// ElementName is "x", "x[2]" or "A[1,0]".
func ElementName(o *check.Obj, i int) string {
	switch o.Shape.Rank {
	case 0:
		return o.Name
	case 1:
		return o.Name + "[" + itoa(i) + "]"
	}
	return o.Name + "[" + itoa(i/o.Shape.N) + "," + itoa(i%o.Shape.N) + "]"
}
