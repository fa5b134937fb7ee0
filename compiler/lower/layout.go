package lower

import (
	"math"
	"slices"

	"github.com/pinode/pinode/compiler/check"
	"github.com/pinode/pinode/compiler/ir"
	"github.com/pinode/pinode/compiler/nn"
	"github.com/pinode/pinode/compiler/place"
	"github.com/pinode/pinode/dsl"
)

// layouts gives everything its place in the inputs.
type layouts struct{ *expressions }

// layout gives every object its place.
func (l *layouts) layout() {
	lay := &l.out.Layout
	for _, s := range l.m.States {
		l.put(&lay.States, &lay.NY, s)
	}
	lay.NUser = lay.NY
	for _, d := range l.m.Discretes {
		l.put(&lay.Discretes, &lay.ND, d)
	}
	for _, u := range l.m.Inputs {
		if u.Value == nil {
			l.put(&lay.Inputs, &lay.NU, u)
		}
	}
	for _, p := range l.m.Params {
		total := &lay.NP
		if len(p.Per) > 0 {
			total = &lay.NQ
		}
		s := l.put(&lay.Params, total, p)
		s.PerKey = len(p.Per) > 0
		l.slots[p] = *s
	}
	lay.NPar, lay.NKey = lay.NP, lay.NQ
	l.layoutEncoder()
	for _, c := range l.m.Covariates {
		l.slots[c] = Slot{Object: c, Off: l.constant(FromCovariate, c), N: c.Shape.Size()}
	}
	for _, d := range l.m.Draws {
		if !d.Row() {
			l.slots[d] = Slot{Object: d, Off: l.constant(FromDraw, d), N: d.Shape.Size()}
		}
	}
	for _, o := range l.m.Observes {
		l.layoutObserve(o)
		lay.Due = lay.Due || o.At != nil
	}
	if lay.Due {
		lay.NR = 1 + lay.NObs
	}
	for _, d := range l.m.Draws {
		if d.Row() {
			l.put(&lay.RowDraws, &lay.NR, d)
		}
	}
	l.layoutEvents()
	l.layoutScales()
	for _, n := range l.m.Neurals {
		l.block(n)
	}
	l.out.NetArgs = make([]*ir.Node, len(l.out.Blocks))
	l.out.NetVals = make([]*ir.Node, len(l.out.Blocks))
	l.out.AtEvents = make([]EventUse, len(l.out.Blocks))
	for _, c := range l.m.Conserves {
		if c.Mode == "project" {
			l.levels++
		}
	}
	lay.ND += l.levels + l.thresholds + l.modes
}

// put adds an object to a list, behind the total of those that are there.
func (l *layouts) put(list *[]Slot, total *int, o check.Object) *Slot {
	s := Slot{Object: o, Off: *total, N: o.Info().Shape.Size()}
	*total += s.N
	*list = append(*list, s)
	l.slots[o] = s
	return &(*list)[len(*list)-1]
}

// constant adds numbers of each trajectory to Q.
func (l *layouts) constant(kind TrajectoryKind, o check.Object) (off int) {
	lay, n := &l.out.Layout, o.Info().Shape.Size()
	off = lay.NQ
	lay.Trajectory = append(lay.Trajectory, TrajectorySlot{kind, o, off, n})
	lay.NQ += n
	return off
}

func (l *layouts) layoutObserve(o *check.Observe) {
	lay := &l.out.Layout
	s := Slot{Object: o, Off: lay.NObs, N: o.Shape.Size()}
	lay.NObs += s.N
	lay.Observes = append(lay.Observes, s)
	l.observes[o] = s
	if f := l.m.Flow; l.uses(check.FirstOf, o) || f != nil && f.Back && f.Exact == o {
		l.firstOff[o] = l.constant(FromFirst, o)
	}
	if l.uses(check.SlopeOf, o) {
		l.slopeOff[o] = l.constant(FromSlope, o)
	}
	if o.Dist == nil {
		l.scale(ScaleObserve, o, s.N, nil)
	}
}

// layoutEvents places the arguments of events, and counts the thresholds of those with a
// rate.
func (l *layouts) layoutEvents() {
	if l.m.Steady != nil { // see steady and aroundRest
		for _, s := range l.m.States {
			l.out.Layout.NA += s.Shape.Size()
		}
	}
	for _, ev := range l.m.Events {
		off := 0
		for _, a := range ev.Args {
			l.argOff[a] = off
			off += a.Shape.Size()
		}
		l.out.Layout.NA = max(l.out.Layout.NA, off)
		if ev.Kind == dsl.TriggerRate {
			l.thresholds++
		}
	}
}

func (l *layouts) layoutScales() {
	for _, c := range l.m.Conserves {
		var fixed []float64
		if c.Scale > 0 {
			fixed = []float64{c.Scale}
		}
		l.scale(ScaleConserve, c, 1, fixed)
	}
	for _, x := range l.m.Losses {
		l.scale(ScaleLoss, x, 1, []float64{1})
	}
}

func (l *layouts) scale(kind ScaleKind, o check.Object, n int, fixed []float64) {
	lay := &l.out.Layout
	l.scaleOff[scaleKey{kind, o}] = lay.NS
	lay.Scales = append(lay.Scales, Scale{Kind: kind, Object: o, Off: lay.NS, N: n, Fixed: fixed})
	lay.NS += n
}

// mostWeights bounds the weights of a model: they, their gradient and what optimisers keep take
// some ten gigabytes then.
const mostWeights = 250_000_000

// block lays out the weights and scales of a neural block.
func (l *layouts) block(n *check.Neural) {
	lay := &l.out.Layout
	in := 0
	for _, a := range n.Args {
		in += a.Shape.Size()
	}
	net := &nn.Block{
		In: in, Out: n.Shape.Size(), Activation: nn.FindActivation(n.Options.Word("activation")), Init: n.Options.Word("init"),
		Odd: n.Odd, Even: n.Even, Positive: n.Positive, Monotone: n.Monotone, Convex: n.Convex, Form: nn.Form(n.Form),
	}
	if kind := n.Options.Word("kind"); kind != "dense" {
		net.Kind = nn.Kind(kind)
	}
	if n.Convex && !n.Options.Given("activation") {
		net.Activation = nn.FindActivation("softplus")
	}
	for _, h := range n.Options.List("hidden") {
		if h < 1 || h != math.Trunc(h) || h > 1e6 {
			l.errWidth(n, h)
			h = 1
		}
		net.Hidden = append(net.Hidden, int(h))
	}
	l.scale(ScaleNetIn, n, in, n.InputScale)
	l.scale(ScaleNetOut, n, net.Out, n.OutputScale)
	if n.ZeroAt != nil {
		net.ZeroAt = n.ZeroAt // scaled when the block is built
	}
	if err := net.Validate(); err != nil {
		l.errBlock(n, err)
	}
	blk := &Block{Neural: n, Net: net, Off: lay.NP}
	if size := net.NumWeights(); size > mostWeights-lay.NP || size < 0 {
		l.errManyWeights(n, net)
		net.Hidden = nil
	}
	l.parts(n, net)
	for _, t := range net.Tensors() {
		lay.Weights = append(lay.Weights, Tensor{
			Name: n.Name + "." + t.Name, Shape: t.Shape, Off: lay.NP + t.Off, Neural: n,
			Frozen: n.FrozenAt(t.Name), Prior: n.PriorOf(t.Name),
		})
	}
	lay.NP += net.NumWeights()
	l.blocks[n] = blk
	l.out.Blocks = append(l.out.Blocks, *blk)
}

// parts checks that what a block says of parts of its weights is of ones that it has.
func (l *layouts) parts(n *check.Neural, net *nn.Block) {
	parts := slices.Clone(n.Frozen)
	for _, p := range n.Priors {
		parts = append(parts, p.Weights)
	}
	for _, w := range parts {
		if !slices.ContainsFunc(net.Tensors(), func(t nn.Tensor) bool { return w.Names(t.Name) }) {
			l.errNoWeights(n, net, w)
		}
	}
}

// uses reports whether the model refers to first(o) or slope(o).
func (l *layouts) uses(kind check.Kind, o *check.Observe) bool {
	found := false
	var walk func(x *check.Expr)
	walk = func(x *check.Expr) {
		if x == nil || found {
			return
		}
		if x.Kind == kind && x.Object == check.Object(o) {
			found = true
			return
		}
		for _, a := range x.Args {
			walk(a)
		}
		walk(x.Body)
	}
	for _, s := range l.m.States {
		walk(s.Init)
		walk(s.Deriv)
	}
	for _, c := range l.m.Constraints {
		walk(c.Value)
	}
	if l.m.Steady != nil {
		for _, v := range l.m.Steady.Values {
			walk(v)
		}
	}
	for _, s := range l.m.Discretes {
		walk(s.Init)
	}
	for _, s := range l.m.Lets {
		walk(s.Value)
	}
	for _, p := range l.m.Params {
		walk(p.Init)
	}
	for _, d := range l.m.Draws {
		for _, a := range d.Dist.Args {
			walk(a)
		}
	}
	for _, ev := range l.m.Events {
		walk(ev.Cond)
		walk(ev.At)
		walk(ev.After)
		walk(ev.Priorities)
		for _, a := range ev.Assigns {
			walk(a.Value)
		}
	}
	for _, s := range l.m.Observes {
		walk(s.Value)
		walk(s.Weights)
		walk(s.Below)
		walk(s.Above)
	}
	for _, s := range l.m.Losses {
		walk(s.Value)
		walk(s.Where)
	}
	return found
}

// inputs declares the inputs, quadratures included.
func (l *layouts) inputs() {
	lay := &l.out.Layout
	for _, ev := range l.m.Events {
		if ev.Kind == dsl.TriggerRate {
			lay.NY += 2
		}
	}
	lay.NError = lay.NY
	for _, c := range l.m.Conserves {
		if c.Mode == "penalty" && c.Weight > 0 {
			lay.NY++
		}
	}
	for _, r := range l.m.Requires {
		if r.Weight > 0 {
			lay.NY++
		}
	}
	in := &l.out.In
	in.T = place.Time.Node(l.b, ir.Scalar)
	vec := func(p place.Input, n int) *ir.Node {
		if n == 0 {
			return nil
		}
		return p.Node(l.b, ir.Vec(n))
	}
	in.Y, in.D = vec(place.States, lay.NY), vec(place.Discretes, lay.ND)
	in.U, in.UT = vec(place.Signals, lay.NU), vec(place.SignalRates, lay.NU)
	in.Q, in.P, in.S = vec(place.Own, lay.NQ), vec(place.Params, lay.NP), vec(place.Scales, lay.NS)
	in.A = vec(place.Arguments, lay.NA)
	in.Data, in.Seen, in.Row = vec(place.Data, lay.NObs), vec(place.Seen, lay.NObs), vec(place.OfRow, lay.NR)
	in.YB, in.DB = vec(place.StatesBefore, lay.NY), vec(place.DiscretesBefore, lay.ND)
	in.UB, in.UTB = vec(place.SignalsBefore, lay.NU), vec(place.SignalRatesBefore, lay.NU)
}
