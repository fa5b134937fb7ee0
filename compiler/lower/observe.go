package lower

import (
	"fmt"
	"math"

	"github.com/pinode/pinode/compiler/check"
	"github.com/pinode/pinode/compiler/ir"
)

// observations lowers what a solution is compared with.
type observations struct {
	*expressions
	scores *scores
}

// densities lowers negative logarithms of densities.
type densities struct{ *expressions }

// observations builds the predictions and the loss of one row of data.
func (l *observations) observations() {
	l.observed = true
	defer func() { l.observed = false }()
	var preds, terms []*ir.Node
	for i, o := range l.m.Observes {
		pred := l.conditions.whole(o.Value, o.Shape)
		preds = append(preds, pred)
		if o.Dist != nil {
			for j, a := range l.densities.arguments(o.Dist) {
				l.out.Noise = append(l.out.Noise, ir.Output{Name: NoiseName(i, j), Node: a})
			}
		}
		terms = append(terms, l.observe(o, pred))
		if o.Weight != 0 {
			l.out.Scores = append(l.out.Scores, l.scores.scored(o, pred))
		}
	}
	if len(preds) > 0 {
		l.out.Pred = l.b.Concat(preds...)
	}
	var counts []*ir.Node
	for _, x := range l.m.Losses {
		term, v, counted := l.loss(x)
		terms, counts = append(terms, term), append(counts, counted)
		l.out.Scores = append(l.out.Scores, l.scores.squared(x, term, v, counted))
	}
	for _, o := range l.m.Observes {
		if o.Weights != nil {
			counts = append(counts, l.expr(o.Weights))
		}
	}
	if len(counts) > 0 {
		l.out.Counts = l.b.Concat(counts...)
	}
	if len(terms) > 0 {
		l.out.Terms = l.b.Concat(terms...)
		l.out.Row = l.b.Sum(l.out.Terms)
	}
}

// observe is the loss of one observation: the negative log-density of its
// components, or their squared errors over the spread of the data. A missing
// value is replaced by the prediction and its loss by zero, so that neither
// it nor its derivatives reach the sum.
func (l *observations) observe(o *check.Observe, pred *ir.Node) *ir.Node {
	b, s := l.b, l.observes[o]
	if o.Weight == 0 {
		return b.Const(0)
	}
	if f := l.m.Flow; f != nil && f.Exact == o {
		if !f.Back { // its likelihood is that of the run back
			return b.Const(0)
		}
		return b.Select(b.Elem(l.out.In.Seen, s.Off), b.Mul(b.Const(o.Weight), l.densities.exactLoss(f)), b.Const(0))
	}
	pred = b.Slice(pred, 0, ir.Vec(s.N))
	seen := b.Slice(l.out.In.Seen, s.Off, ir.Vec(s.N))
	weight := b.Const(o.Weight)
	if o.Weights != nil {
		weight = l.expr(o.Weights)
		seen = b.Mul(seen, b.Lt(b.Const(0), weight))
	}
	y := b.Select(seen, b.Slice(l.out.In.Data, s.Off, ir.Vec(s.N)), pred)
	var nll *ir.Node
	if o.Dist == nil {
		nll = b.Square(b.Div(b.Sub(y, pred), l.scaleNode(ScaleObserve, o)))
	} else {
		nll = l.densities.limited(o, y, pred)
	}
	nll = b.Select(seen, nll, b.Full(ir.Vec(s.N), 0))
	return b.Mul(weight, b.Sum(nll))
}

// edge is a limit of what can be measured, and where data are at or beyond it.
type edge struct {
	at, is *ir.Node
	side   float64 // 1: data are below it
}

// limits are those of an observation with the values y.
func (l *densities) limits(o *check.Observe, y *ir.Node) (list []edge) {
	b := l.b
	if o.Below != nil {
		at := b.Fill(l.expr(o.Below), y.Shape)
		list = append(list, edge{at, b.Le(y, at), 1})
	}
	if o.Above != nil {
		at := b.Fill(l.expr(o.Above), y.Shape)
		list = append(list, edge{at, b.Le(at, y), -1})
	}
	return list
}

// within are the values y, those beyond a limit at it: there is a density.
func (l *densities) within(o *check.Observe, y *ir.Node) *ir.Node {
	for _, e := range l.limits(o, y) {
		op := ir.OpMax
		if e.side < 0 {
			op = ir.OpMin
		}
		y = l.b.Apply(op, y, e.at)
	}
	return y
}

// limited is the negative log-density of y, or, at or beyond a limit, the negative
// logarithm of the probability of that.
func (l *densities) limited(o *check.Observe, y, pred *ir.Node) *ir.Node {
	nll := l.density(o.Dist, l.within(o, y), pred)
	for _, e := range l.limits(o, y) {
		nll = l.b.Select(e.is, e.beyond(l, o.Dist, pred), nll)
	}
	return nll
}

// distance is how far the limit is above the prediction or, of an upper one, below it, in
// the scale of the distribution.
func (e *edge) distance(l *densities, d *check.Dist, pred *ir.Node) *ir.Node {
	b, at := l.b, e.at
	if d.Name == "lognormal" {
		at, pred = b.Log(at), b.Log(pred)
	}
	return b.Mul(b.Const(e.side), b.Div(b.Sub(at, pred), l.arguments(d)[0]))
}

// beyond is the negative logarithm of the probability of what lies beyond the limit.
func (e *edge) beyond(l *densities, d *check.Dist, pred *ir.Node) *ir.Node {
	b, z := l.b, e.distance(l, d, pred)
	if d.Name != "laplace" {
		return b.Neg(b.Apply(ir.OpLogPhi, z))
	}
	// e^z/2 below 0, 1 − e^−z/2 above
	tail := b.Mul(b.Const(-0.5), b.Exp(b.Neg(b.Apply(ir.OpAbs, z))))
	return b.Select(b.Lt(z, b.Full(z.Shape, 0)), b.Sub(b.Const(math.Ln2), z), b.Neg(b.Apply(ir.OpLog1p, tail)))
}

// loss is a loss term at a row, its value without its weight, and whether it counts
// there, 1 or 0: its condition holds and every measured value that it reads is there.
// Where it does not count, neither its value nor its derivatives reach the sum.
func (l *observations) loss(x *check.Loss) (term, v, counts *ir.Node) {
	b := l.b
	counts = b.Const(1)
	if l.out.Layout.Due {
		counts = b.Elem(l.out.In.Row, 0)
	}
	if x.Where != nil {
		counts = b.Mul(counts, l.conditions.cond(x.Where))
	}
	for _, seen := range l.densities.measured(x.Value, nil) {
		counts = b.Mul(counts, seen)
	}
	// What does not count reads ones in the place of what may be outside of the
	// domain of a function: a derivative of 0 times infinity is no number.
	ones := map[*ir.Node]*ir.Node{}
	for _, in := range []*ir.Node{l.out.In.T, l.out.In.Data, l.out.In.U, l.out.In.UB} {
		if in != nil && !counts.IsConst(1) {
			on := counts
			if in.Shape != ir.Scalar {
				on = b.Fill(counts, in.Shape)
			}
			ones[in] = b.Select(on, in, b.Full(in.Shape, 1))
		}
	}
	v = b.Substitute([]*ir.Node{l.conditions.whole(x.Value, x.Value.Shape)}, ones)[0]
	on := b.Select(counts, v, b.Const(0))
	return b.Mul(b.Mul(b.Const(x.Weight), l.scaleNode(ScaleLoss, x)), on), v, counts
}

// measured are the marks, 1 or 0, of the measured values that an expression
// reads.
func (l *densities) measured(x *check.Expr, list []*ir.Node) []*ir.Node {
	if x == nil {
		return list
	}
	root, off := x, 0
	for root.Kind == check.Slice {
		off += root.Offset
		root = root.Args[0]
	}
	if root.Kind == check.DataOf {
		s := l.observes[root.Object]
		for i := range x.Shape.Size() {
			list = append(list, l.b.Elem(l.seenInTable(s), off+i))
		}
		return list
	}
	for _, a := range x.Args {
		list = l.measured(a, list)
	}
	return l.measured(x.Body, list)
}

// seenInTable are the marks of an observation in the row of the table.
func (l *base) seenInTable(s Slot) *ir.Node {
	if l.out.Layout.Due {
		return l.b.Slice(l.out.In.Row, 1+s.Off, ir.Vec(s.N))
	}
	return l.b.Slice(l.out.In.Seen, s.Off, ir.Vec(s.N))
}

// NoiseName is the name of argument j of the distribution of observation i.
func NoiseName(i, j int) string { return fmt.Sprintf("noise%d.%d", i, j) }

// arguments are those of a distribution, matrices as vectors.
func (l *densities) arguments(d *check.Dist) []*ir.Node {
	args := make([]*ir.Node, len(d.Args))
	for i, a := range d.Args {
		args[i] = l.conditions.whole(a, a.Shape)
		if args[i].Shape.Rank == 2 {
			args[i] = l.b.Slice(args[i], 0, ir.Vec(args[i].Shape.Size()))
		}
	}
	return args
}

// huberMass is the mass of exp(−ρ) within k and beyond it, for the loss ρ of P.J. Huber, Ann.
// Math. Statist. 35, 73–101, 1964: √(2π) erf(k/√2) and (2/k) exp(−k²/2).
func huberMass(b *ir.Builder, k *ir.Node) (core, tails *ir.Node) {
	core = b.Mul(b.Const(math.Sqrt(2*math.Pi)), b.Apply(ir.OpErf, b.Div(k, b.Const(math.Sqrt2))))
	tails = b.Mul(b.Div(b.Const(2), k), b.Exp(b.Mul(b.Const(-0.5), b.Square(k))))
	return core, tails
}

// timesLog is x log y, and 0 where both are: nothing is counted where nothing is expected. It is
// no number where y is below 0, whatever x is.
func timesLog(b *ir.Builder, x, y *ir.Node) *ir.Node {
	none := b.Mul(b.Apply(ir.OpEq, x, b.Const(0)), b.Apply(ir.OpEq, y, b.Const(0)))
	return b.Mul(x, b.Log(b.Select(none, b.Const(1), y)))
}

// outputs builds what a simulation can write besides states and discretes.
func (l *observations) outputs() {
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
		add(x, l.conditions.whole(x.Value, x.Shape))
	}
	for _, x := range l.m.Observes {
		if x.Unpredicted || atRow(x) {
			continue
		}
		add(x, l.conditions.whole(x.Value, x.Shape))
	}
	if len(parts) > 0 {
		l.out.Outputs = l.b.Concat(parts...)
	}
}
