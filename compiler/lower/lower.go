package lower

import (
	"math"

	"github.com/pinode/pinode/compiler/check"
	"github.com/pinode/pinode/compiler/ir"
	"github.com/pinode/pinode/compiler/nn"
	"github.com/pinode/pinode/compiler/place"
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
		l = newLowerer(m, n)
		l.build()
	}
	l.diags.Sort()
	return l.out, l.diags
}

type lowerer struct {
	m     *check.Model
	b     *ir.Builder
	out   *Model
	diags *diag.List

	places
	reading
	network *network // that stands for fields, or nil

	resting  map[check.Object]*ir.Node // values of `start steady { … }`
	blocks   map[*check.Neural]*Block
	lets     map[letKey]*ir.Node
	locals   map[*check.Local]*ir.Node
	passed   map[*ir.Node]*ir.Node // placeholders of functions: see apply
	switches map[switchKey]int
	guards   map[*ir.Node]int      // by what they are: what asks for the same guard shares it
	cores    map[*ir.Node]*ir.Node // the first guard of each surface: see upright
	sites    []*check.Expr         // operators that are being lowered, the innermost last
	fresh    int

	onGrid [2]*fields // of the states, and of those before the event

	modes      int // how many switch modes D has room for
	thresholds int // events with a rate
	levels     int // conserved quantities that steps are projected to
}

// places say where in the inputs objects stand.
type places struct {
	slots    map[check.Object]Slot // into Y, D, U, P or Q, by the object's kind
	argOff   map[check.Object]int
	observes map[check.Object]Slot
	firstOff map[check.Object]int // first(y) in Q
	slopeOff map[check.Object]int
	scaleOff map[scaleKey]int
}

// reading is how an expression is lowered.
type reading struct {
	located  bool // comparisons become switches
	cornered bool // where located: corners too
	observed bool // in what is observed: blocks are noted there too
	before   bool // states are those before the event
	byMode   bool // comparisons read the switches that there are
	atRest   bool // objects have the values of `start steady { … }`
}

type scaleKey struct {
	kind ScaleKind
	obj  check.Object
}

// letKey tells apart the ways in which a named quantity is lowered.
type letKey struct {
	let check.Object
	as  reading
}

func newLowerer(m *check.Model, modes int) *lowerer {
	l := &lowerer{
		m: m, b: ir.NewBuilder(), diags: &diag.List{}, modes: modes,
		places: places{
			slots: map[check.Object]Slot{}, argOff: map[check.Object]int{}, observes: map[check.Object]Slot{},
			firstOff: map[check.Object]int{}, slopeOff: map[check.Object]int{}, scaleOff: map[scaleKey]int{},
		},
		reading: reading{cornered: true},
		blocks:  map[*check.Neural]*Block{}, lets: map[letKey]*ir.Node{}, locals: map[*check.Local]*ir.Node{}, passed: map[*ir.Node]*ir.Node{},
		switches: map[switchKey]int{}, guards: map[*ir.Node]int{}, cores: map[*ir.Node]*ir.Node{},
	}
	l.out = &Model{Checked: m, Builder: l.b}
	return l
}

func (l *lowerer) build() {
	l.layout()
	if l.diags.Err() != nil {
		return // a block that cannot be built
	}
	l.inputs()
	if l.m.Gridded != nil {
		if l.fields().complete(); l.diags.Err() != nil {
			return
		}
	}
	l.rhs()
	l.initial()
	l.events()
	l.observations()
	l.outputs()
	l.acting()
	l.priors()
	l.floors()
	l.cornersAtJumps()
}

// cornersAtJumps lets the corners on a surface where something jumps be plain
// functions: the run stops there anyway, and beside the surface they have a value on
// both sides, as √|x| in sign(x)·√|x| must have for the two fields to be compared.
func (l *lowerer) cornersAtJumps() {
	jumps := map[int]bool{}
	for _, w := range l.out.Switches {
		jumps[w.Guard] = jumps[w.Guard] || !w.Corner && !w.Floor
	}
	by := map[*ir.Node]*ir.Node{}
	for i, w := range l.out.Switches {
		if w.Corner && jumps[w.Guard] && i < l.modes {
			mode, plain := l.modeNode(i), l.b.Lt(l.b.Const(0), l.out.Guards[w.Guard].Node)
			by[mode], by[l.atBefore(mode)] = plain, l.atBefore(plain)
		}
	}
	if len(by) == 0 {
		return
	}
	out := l.out
	list := []**ir.Node{&out.RHS, &out.Pred, &out.Terms, &out.Row, &out.Outputs}
	for i := range out.Guards {
		list = append(list, &out.Guards[i].Node)
	}
	for i := range out.Acting {
		list = append(list, &out.Acting[i])
	}
	for i := range out.Noise {
		list = append(list, &out.Noise[i].Node)
	}
	for i := range out.Events {
		s := &out.Events[i].Sliding
		list = append(list, &s.Jump, &s.Rest, &s.Delay)
	}
	for _, n := range list {
		*n = l.b.Substitute([]*ir.Node{*n}, by)[0]
	}
}

// layout gives every object its place.
func (l *lowerer) layout() {
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
	for _, c := range l.m.Conserves {
		if c.Mode == "project" {
			l.levels++
		}
	}
	lay.ND += l.levels + l.thresholds + l.modes
}

// put adds an object to a list, behind the total of those that are there.
func (l *lowerer) put(list *[]Slot, total *int, o check.Object) *Slot {
	s := Slot{Object: o, Off: *total, N: o.Info().Shape.Size()}
	*total += s.N
	*list = append(*list, s)
	l.slots[o] = s
	return &(*list)[len(*list)-1]
}

// constant adds numbers of each trajectory to Q.
func (l *lowerer) constant(kind TrajectoryKind, o check.Object) (off int) {
	lay, n := &l.out.Layout, o.Info().Shape.Size()
	off = lay.NQ
	lay.Trajectory = append(lay.Trajectory, TrajectorySlot{kind, o, off, n})
	lay.NQ += n
	return off
}

func (l *lowerer) layoutObserve(o *check.Observe) {
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
func (l *lowerer) layoutEvents() {
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

func (l *lowerer) layoutScales() {
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

func (l *lowerer) scale(kind ScaleKind, o check.Object, n int, fixed []float64) {
	lay := &l.out.Layout
	l.scaleOff[scaleKey{kind, o}] = lay.NS
	lay.Scales = append(lay.Scales, Scale{Kind: kind, Object: o, Off: lay.NS, N: n, Fixed: fixed})
	lay.NS += n
}

// block lays out the weights and scales of a neural block.
func (l *lowerer) block(n *check.Neural) {
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
	for _, t := range net.Tensors() {
		lay.Weights = append(lay.Weights, Tensor{Name: n.Name + "." + t.Name, Shape: t.Shape, Off: lay.NP + t.Off, Neural: n})
	}
	lay.NP += net.NumWeights()
	l.blocks[n] = blk
	l.out.Blocks = append(l.out.Blocks, *blk)
}

// uses reports whether the model refers to first(o) or slope(o).
func (l *lowerer) uses(kind check.Kind, o *check.Observe) bool {
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
func (l *lowerer) inputs() {
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

// rhs builds the right-hand side: the equations, then the quadratures.
func (l *lowerer) rhs() {
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
		l.algebraicRates(parts)
	}
	backRates(l, parts)
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
func (l *lowerer) violation(r *check.Require) *ir.Node {
	g := l.expr(r.G)
	if r.Equality {
		return g
	}
	l.sites = append(l.sites, r.G)
	defer func() { l.sites = l.sites[:len(l.sites)-1] }()
	return l.pick("min", g, l.b.Full(g.Shape, 0))
}

// initial builds the values at the start.
func (l *lowerer) initial() {
	lay := l.out.Layout
	var ys, ds []*ir.Node
	measured := map[check.Object]*ir.Node{}
	if f := l.m.Flow; f != nil && f.Back {
		measured = flowStart(l, f)
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

// outputs builds what a simulation can write besides states and discretes.
func (l *lowerer) outputs() {
	lay := &l.out.Layout
	var parts []*ir.Node
	n := 0
	add := func(o check.Object, v *ir.Node) {
		info := o.Info()
		for i := range info.Shape.Size() {
			lay.Outputs = append(lay.Outputs, Output{Name: ElementName(info, i), Object: o, Off: n})
			n++
		}
		parts = append(parts, v)
	}
	for _, x := range l.m.Lets {
		add(x, l.whole(x.Value, x.Shape))
	}
	for _, x := range l.m.Observes {
		if x.Unpredicted || atRow(x) {
			continue
		}
		add(x, l.whole(x.Value, x.Shape))
	}
	if len(parts) > 0 {
		l.out.Outputs = l.b.Concat(parts...)
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

func (l *lowerer) floors() {
	var parts []*ir.Node
	for _, w := range l.out.Switches {
		if w.Floor {
			parts = append(parts, w.Arg)
		}
	}
	if len(parts) > 0 {
		l.out.Floors = l.b.Concat(parts...)
	}
}
