package lower

import (
	"math"
	"math/rand/v2"

	"github.com/pinode/pinode/autodiff"
	"github.com/pinode/pinode/compiler/check"
	"github.com/pinode/pinode/compiler/ir"
	"github.com/pinode/pinode/compiler/place"
	"github.com/pinode/pinode/dsl/diag"
)

// network is the network that stands for the fields of a model.
type network struct {
	neural *check.Neural
	c      *ir.Node // the coordinates of a point
	values map[*check.State]*ir.Node
	soft   []Condition // what does not hold by construction
	steady bool        // nothing has a rate: the time is no input of the network

	allFields []*check.State
	hardSides map[*check.Side]bool // where a condition holds by construction
	pending   []*check.State       // initial values that do not
}

// networks lowers a model whose fields are a network.
type networks struct{ *expressions }

// LowerNetwork builds the graphs of a model whose fields are a network: of its observations,
// in which rows tell places, and of what has to vanish at points. It refuses what a network
// cannot stand for.
func LowerNetwork(m *check.Model, stands *check.Network) (*Model, *diag.List) {
	diags := &diag.List{}
	if notByNetwork(m, diags); diags.Err() != nil {
		return nil, diags
	}
	net := stands.Block
	rng := rand.New(rand.NewPCG(1, 0)) // the waves are those of any run
	frequencies, features := features(m, stands.Fourier, rng)
	net.Args = []check.Obj{{Name: "point", Shape: check.Shape{Rank: 1, N: features}}}
	total := 0
	for _, f := range m.Fields() {
		if !follows(f) {
			total += f.Shape.Size()
		}
	}
	net.Shape = check.Shape{Rank: 1, N: total}

	plain := *m
	plain.States, plain.Constraints, plain.Lets, plain.Neurals = nil, nil, nil, append(append([]*check.Neural(nil), m.Neurals...), net)
	for _, x := range m.Lets {
		if len(check.CoordinatesOf(x.Value)) == 0 {
			plain.Lets = append(plain.Lets, x)
		}
	}
	l := newLowerer(&plain, 0)
	l.layouts.layout()
	if l.diags.Err() != nil {
		return nil, l.diags
	}
	l.layouts.inputs()
	l.network = &network{neural: net, c: place.Coordinates.Node(l.b, ir.Vec(len(m.Coordinates))), values: map[*check.State]*ir.Node{}, steady: isSteady(m), allFields: m.Fields(), hardSides: map[*check.Side]bool{}}
	l.networks.networkFields(m, frequencies, stands.Hard)
	l.motions.initial()
	l.observations.observations()
	l.observations.outputs()
	l.priors.priors()
	l.out.Collocation = l.networks.collocation(m)
	l.out.RHS = l.b.Concat()
	l.diags.Sort()
	return l.out, l.diags
}

// notByNetwork refuses what is said of a motion that is followed in time.
func notByNetwork(m *check.Model, diags *diag.List) {
	no := func(at diag.Span, what string) {
		diags.Errorf("not-supported", at, "%s is not supported where the fields are a network", what).WithHelp("write `fields: grid` in the block `fit`")
	}
	for _, s := range m.States {
		if len(s.Over) == 0 {
			no(s.Span, "the state `"+s.Name+"`, which is no field,")
		} else if len(s.Over) < len(m.Coordinates) {
			no(s.Span, "the field `"+s.Name+"`, which does not vary over all coordinates,")
		}
		if s.NonNegative {
			no(s.Span, "`state "+s.Name+" >= 0`")
		}
	}
	for _, d := range m.Discretes {
		no(d.Span, "the discrete variable `"+d.Name+"`")
	}
	for _, v := range m.Events {
		no(v.Span, "the event `"+v.Name+"`")
	}
	for _, c := range m.Conserves {
		no(c.Span, "the conserved quantity `"+c.Name+"`")
	}
	for _, r := range m.Requires {
		no(r.G.Span, "`require`")
	}
	for _, p := range m.Params {
		if len(p.Per) > 0 {
			no(p.Span, "the parameter `"+p.Name+"`, which each trajectory has of its own,")
		}
	}
	for _, c := range m.Covariates {
		no(c.Span, "the covariate `"+c.Name+"`")
	}
	for _, u := range m.Inputs {
		if u.Value == nil {
			no(u.Span, "the input `"+u.Name+"`, which is read from data,")
		}
	}
	if m.Steady != nil {
		no(m.Span, "`start steady`")
	}
	if len(m.Fields()) == 0 {
		diags.Errorf("no-effect", m.Span, "`fields: network` has no effect: the model has no field")
	}
	if !isSteady(m) && !(m.Time.Until > m.Time.From) {
		at := m.Span
		if m.Time.Span.Src != nil {
			at = m.Time.Span
		}
		diags.Errorf("outside-horizon", at, "a network stands for a field over a span of time, and the model does not say which").WithHelp("write `time t in [0, 1]` in the model")
	}
}

// follows reports whether a field is the rate of another, as θ' of θ.
func follows(s *check.State) bool { return s.Name != "" && s.Name[len(s.Name)-1] == '\'' }

// rateOfField is the field that is the rate of s, or nil.
func rateOfField(s *check.State) *check.State {
	if s.Deriv != nil && s.Deriv.Kind == check.Ref {
		if r, ok := s.Deriv.Object.(*check.State); ok && r.Name == s.Name+"'" {
			return r
		}
	}
	return nil
}

// isSteady reports whether no field has a rate.
func isSteady(m *check.Model) bool {
	for _, f := range m.Fields() {
		if !f.Algebraic {
			return false
		}
	}
	return true
}

// fourierSize is the standard deviation of the random frequencies of Fourier features, for
// arguments between −1 and 1.
const fourierSize = 2

// features says what the network reads of a point: of each axis its place between −1 and 1,
// or of a periodic one cosine and sine, then Fourier features, cosine and sine of random
// combinations of these.
//
// M. Tancik et al., Fourier Features Let Networks Learn High Frequency Functions in Low
// Dimensional Domains, NeurIPS 2020, arXiv:2006.10739; S. Dong, N. Ni, J. Comput. Phys. 435,
// 110242, 2021, for periodic axes.
func features(m *check.Model, fourier int, rng *rand.Rand) (frequencies []float64, n int) {
	if !isSteady(m) {
		n++
	}
	for _, c := range m.Coordinates {
		if n++; c.Periodic {
			n++
		}
	}
	frequencies = make([]float64, fourier*n)
	for i := range frequencies {
		frequencies[i] = fourierSize * rng.NormFloat64()
	}
	return frequencies, n + 2*fourier
}

// point is the vector of features.
func (l *networks) point(m *check.Model, frequencies []float64) *ir.Node {
	b := l.b
	var parts []*ir.Node
	between := func(x *ir.Node, lo, hi float64) *ir.Node {
		return b.Sub(b.Mul(b.Const(2/(hi-lo)), b.Sub(x, b.Const(lo))), b.Const(1))
	}
	for _, c := range m.Coordinates {
		x := between(b.Elem(l.network.c, c.Axis), c.Lo, c.Hi)
		if !c.Periodic {
			parts = append(parts, x)
			continue
		}
		x = b.Mul(b.Const(math.Pi), x)
		parts = append(parts, b.Apply(ir.OpCos, x), b.Apply(ir.OpSin, x))
	}
	if !l.network.steady {
		parts = append(parts, between(l.out.In.T, m.Time.From, m.Time.Until))
	}
	z := b.Slice(b.Concat(parts...), 0, ir.Vec(len(parts)))
	if len(frequencies) == 0 {
		return z
	}
	k := len(frequencies) / len(parts)
	waves := b.MatVec(b.ConstOf(ir.Mat(k, len(parts)), frequencies), z)
	return b.Concat(z, b.Apply(ir.OpCos, waves), b.Apply(ir.OpSin, waves))
}

// networkFields builds the values of all fields at a point: what holds by construction, plus the
// network, times the size of the field, times what vanishes where that holds.
func (l *networks) networkFields(m *check.Model, frequencies []float64, hard bool) {
	b, net := l.b, l.network
	blk := l.blocks[net.neural]
	w := b.Slice(l.out.In.P, blk.Off, ir.Vec(blk.Net.NumWeights()))
	raw := b.Slice(blk.Net.Build(b, w, l.point(m, frequencies)), 0, ir.Vec(net.neural.Shape.Size()))
	raw = b.Mul(raw, l.scaleNode(ScaleNetOut, net.neural))
	at := 0
	for _, f := range m.Fields() {
		if follows(f) {
			continue
		}
		value := b.Slice(raw, at, shapeOf(f.Shape))
		at += f.Shape.Size()
		a := &ansatz{l: l, m: m, field: f}
		if hard {
			a.sides()
		}
		a.start(hard)
		net.values[f] = a.value(value)
		if r := rateOfField(f); r != nil {
			net.values[r] = l.along(net.values[f], l.out.In.T, b.Const(1))
		}
	}
	for _, f := range m.Fields() {
		if follows(f) && f.Init != nil {
			net.pending = append(net.pending, f)
		}
	}
	for _, f := range net.pending {
		l.soften(f, net.values[f])
	}
}

// soften asks for an initial value at points.
func (l *networks) soften(f *check.State, value *ir.Node) {
	r := l.b.Sub(value, l.value(f.Init, f.Shape))
	l.network.soft = append(l.network.soft, Condition{Name: f.Name + " at the start", Kind: Start, Residual: l.relative(f, r), Field: f.Name})
}

// relative is a residual over the size of a field, as a vector.
func (l *networks) relative(f *check.State, r *ir.Node) *ir.Node {
	n := r.Shape.Size()
	return l.b.Div(l.b.Slice(r, 0, ir.Vec(n)), l.b.Slice(l.b.Fill(l.sizeOf(f), ir.Vec(n)), 0, ir.Vec(n)))
}

// sizeOf is the size of a field: the root mean square of the scales of its elements.
func (l *networks) sizeOf(f *check.State) *ir.Node {
	at := 0
	for _, g := range l.network.allFields {
		if follows(g) {
			continue
		}
		if n := g.Shape.Size(); g == f || rateOfField(g) == f {
			s := l.b.Slice(l.scaleNode(ScaleNetOut, l.network.neural), at, ir.Vec(n))
			return l.b.Mul(l.b.Norm(s), l.b.Const(1/math.Sqrt(float64(n))))
		}
		at += g.Shape.Size()
	}
	panic("lower: no field")
}

// along is the derivative of a value by one of its arguments, in a direction.
func (l *expressions) along(n, by, direction *ir.Node) *ir.Node {
	return autodiff.JVP(l.b, []*ir.Node{n}, []*ir.Node{by}, []*ir.Node{direction})[0]
}

// byCoordinate is the total derivative of a value at a point.
func (l *expressions) byCoordinate(n *ir.Node, c *check.Coordinate) *ir.Node {
	size := l.network.c.Shape.Size()
	e := make([]float64, size)
	e[c.Axis] = 1
	return l.along(n, l.network.c, l.b.ConstOf(ir.Vec(size), e))
}

// at is a value where some coordinates have other values; the time is one of them, as nil.
func (l *expressions) at(n *ir.Node, where map[*check.Coordinate]*ir.Node) *ir.Node {
	by := map[*ir.Node]*ir.Node{}
	for c, v := range where {
		if c == nil {
			by[l.out.In.T] = v
		} else {
			by[l.b.Elem(l.network.c, c.Axis)] = v
		}
	}
	return l.b.Substitute([]*ir.Node{n}, by)[0]
}

// pointwise lowers a value over coordinates at a place.
func (l *expressions) pointwise(x *check.Expr) *ir.Node {
	if x.Kind == check.Integral {
		l.errByNetwork(x, "an integral")
		return l.b.Full(shapeOf(x.Shape), 0)
	}
	where := map[*check.Coordinate]*ir.Node{}
	for i, c := range x.Over {
		where[c] = l.expr(x.Args[1+i])
	}
	return l.at(l.expr(x.Args[0]), where)
}

// collocation are the conditions of a model.
func (l *networks) collocation(m *check.Model) *Collocation {
	b, out := l.b, &Collocation{C: l.network.c, Steady: l.network.steady}
	var values, starts []*ir.Node
	for _, f := range m.Fields() {
		v := l.network.values[f]
		values = append(values, v)
		if !follows(f) {
			u0 := b.Full(shapeOf(f.Shape), 0)
			if f.Init != nil {
				u0 = l.value(f.Init, f.Shape)
			}
			starts = append(starts, l.at(u0, map[*check.Coordinate]*ir.Node{nil: b.Const(m.Time.From)}))
		}
		for i := range f.Shape.Size() {
			out.Names, out.Units = append(out.Names, ElementName(&f.Obj, i)), append(out.Units, f.Unit.String())
		}
		if f.Algebraic || rateOfField(f) != nil {
			continue
		}
		r := b.Sub(l.along(v, l.out.In.T, b.Const(1)), l.value(f.Deriv, f.Shape))
		r = l.relative(f, b.Mul(b.Const(m.Time.Until-m.Time.From), r))
		out.Conditions = append(out.Conditions, Condition{Name: f.Name + "'", Kind: Inside, Residual: r, Field: f.Name})
	}
	out.Initial = b.Slice(b.Concat(starts...), 0, ir.Vec(l.network.neural.Shape.Size()))
	out.Fields = b.Slice(b.Concat(values...), 0, ir.Vec(len(out.Names)))
	for _, c := range m.Constraints {
		v := l.expr(c.Value)
		out.Conditions = append(out.Conditions, Condition{Name: "0 = " + short(c.Value), Kind: Inside, Residual: b.Slice(v, 0, ir.Vec(v.Shape.Size()))})
	}
	out.Conditions = append(out.Conditions, l.network.soft...)
	for _, s := range m.Boundaries {
		if c := l.wall(s); len(c.Sides) > 0 {
			out.Conditions = append(out.Conditions, c)
		}
	}
	return out
}

// short is the text of an expression, of which the beginning stands for what is long: values between
// the points of a table are a page.
func short(x *check.Expr) string {
	const most = 80
	text := []rune(check.Text(x))
	if len(text) > most {
		return string(text[:most-1]) + "…"
	}
	return string(text)
}

// wall is a boundary condition at those of its sides where it does not hold by construction.
func (l *networks) wall(s *check.Boundary) Condition {
	r := l.expr(s.Residual)
	c := Condition{Name: short(s.Residual) + " = 0", Kind: Side, Residual: l.b.Slice(r, 0, ir.Vec(r.Shape.Size()))}
	for i := range s.Sides {
		side := &s.Sides[i]
		if l.network.hardSides[side] {
			continue
		}
		w := Wall{Axis: side.Axis.Axis, At: side.End()}
		if side.Where != nil {
			w.Where = l.conditions.cond(side.Where)
		}
		c.Sides = append(c.Sides, w)
	}
	for _, f := range l.network.allFields { // the first that it says something of
		if reads(s.Residual, f) {
			c.Residual, c.Field = l.relative(f, c.Residual), f.Name
			break
		}
	}
	return c
}

// reads reports whether an expression reads a state, in the values of names too.
func reads(x *check.Expr, s *check.State) bool {
	if x == nil {
		return false
	}
	if x.Object == check.Object(s) {
		return true
	}
	if v, ok := x.Object.(*check.Let); ok && reads(v.Value, s) {
		return true
	}
	for _, a := range x.Args {
		if reads(a, s) {
			return true
		}
	}
	return reads(x.Body, s)
}
