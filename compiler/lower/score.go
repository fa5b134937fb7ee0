package lower

import (
	"math"
	"slices"

	"github.com/pinode/pinode/compiler/check"
	"github.com/pinode/pinode/compiler/ir"
)

// Score is how a loss depends on one of its arguments, element by element, for the
// Gauss–Newton matrix and its statistical form, Fisher's scoring: with residual r and
// weight w, the gradient of the loss is Σ r·w·da, and its curvature, that which is
// expected where data have a distribution, Σ w²·da·da'.
type Score struct {
	Arg, Weight, Residual *ir.Node // of one shape
	Location              bool     // the residual is the measured value's distance, in standard deviations

	// Kink: the loss is the size of the residual and not half its square, times what the
	// next score has as its residual, which is Factor and moves nothing.
	Kink, Factor bool
}

// Scores are those of an observation or of a loss term. There is none of a loss that is
// neither a distribution with a known curvature nor a square: Known says so.
type Scores struct {
	Loss   *ir.Node // per element; where the prediction has left the range of the data, that at its edge
	List   []Score
	Known  bool
	Square bool // it is half the sum of the squares of the residuals, up to a constant
	Offset int  // of its elements in Seen; −1: a loss term
}

// belowData is the least prediction of a positive quantity, beside the measured value: a
// prediction that is less, or negative by the error of the solver, is as wrong as that.
const belowData = 1e-9

// scores lowers the parts of observations that a method of least squares needs.
type scores struct{ *expressions }

// scored builds the scores of an observation, for the values y and the prediction.
func (l *scores) scored(o *check.Observe, pred *ir.Node) Scores {
	b, s := l.b, l.observes[o]
	seen := b.Slice(l.out.In.Seen, s.Off, ir.Vec(s.N))
	pred = b.Slice(pred, 0, ir.Vec(s.N))
	weight := b.Const(o.Weight)
	if o.Weights != nil {
		weight = l.expr(o.Weights)
		seen = b.Mul(seen, b.Lt(b.Const(0), weight))
	}
	y := b.Select(seen, b.Slice(l.out.In.Data, s.Off, ir.Vec(s.N)), pred)
	out := Scores{Known: true, Offset: s.Off}
	if o.Dist == nil {
		w := b.Div(b.Const(math.Sqrt2), l.scaleNode(ScaleObserve, o))
		r := b.Mul(b.Sub(pred, y), w)
		out.Loss, out.List, out.Square = b.Mul(b.Const(0.5), b.Square(r)), []Score{{Arg: pred, Weight: w, Residual: r, Location: true}}, true
	} else {
		out.Loss, out.List, out.Known = l.scoresWithin(o, y, pred)
		out.Square = len(out.List) == 1 && o.Below == nil && o.Above == nil && (o.Dist.Name == "normal" || o.Dist.Name == "lognormal")
	}
	zero := b.Full(ir.Vec(s.N), 0)
	root := b.Sqrt(weight)
	if out.Known {
		out.Loss = b.Mul(weight, b.Select(seen, out.Loss, zero))
	}
	for i := range out.List {
		x := &out.List[i]
		spread := func(n *ir.Node) *ir.Node {
			if n.Shape == ir.Scalar {
				return b.Fill(n, ir.Vec(s.N))
			}
			return n
		}
		x.Arg = spread(x.Arg)
		x.Weight = b.Select(seen, b.Mul(root, spread(x.Weight)), zero)
		x.Residual = b.Select(seen, b.Mul(root, spread(x.Residual)), zero)
	}
	return out
}

// scoresWithin are the scores of an observation that has limits: beyond one the loss is
// −log Φ(z) with the distance z of the limit from the prediction, of the slope h = φ/Φ and
// the curvature h(z + h).
func (l *scores) scoresWithin(o *check.Observe, y, pred *ir.Node) (loss *ir.Node, list []Score, known bool) {
	b := l.b
	if o.Below == nil && o.Above == nil {
		return l.scores(o.Dist, y, pred)
	}
	if o.Dist.Name == "laplace" {
		return nil, nil, false
	}
	within, sigma := l.densities.within(o, y), l.densities.arguments(o.Dist)[0]
	_, list, known = l.scores(o.Dist, within, pred)
	for _, e := range l.densities.limits(o, y) {
		z := e.distance(l.densities, o.Dist, pred)
		h := b.Exp(b.Sub(b.Const(-0.5*math.Log(2*math.Pi)), b.Add(b.Mul(b.Const(0.5), b.Square(z)), b.Apply(ir.OpLogPhi, z))))
		root := b.Sqrt(b.Apply(ir.OpMax, b.Mul(h, b.Add(z, h)), b.Const(1e-12)))
		at := []Score{{Weight: b.Div(root, sigma), Residual: b.Mul(b.Const(e.side), b.Div(h, root))}, {Weight: b.Const(math.Sqrt2), Residual: b.Mul(b.Const(1/math.Sqrt2), b.Mul(h, z))}}
		for i := range list {
			x := &list[i]
			x.Weight = b.Select(e.is, at[i].Weight, b.Mul(x.Weight, b.Full(y.Shape, 1)))
			x.Residual = b.Select(e.is, at[i].Residual, b.Mul(x.Residual, b.Full(y.Shape, 1)))
		}
	}
	return l.densities.limited(o, y, pred), list, known
}

// scores are those of a distribution around a prediction, with the loss.
func (l *scores) scores(d *check.Dist, y, pred *ir.Node) (loss *ir.Node, list []Score, known bool) {
	b, f := l.b, families[d.Name]
	if f == nil || f.scores == nil {
		return nil, nil, false
	}
	if f.least != nil {
		least := f.least(b, y)
		pred = b.Select(b.Lt(pred, least), least, pred)
	}
	if list, known = f.scores(l, f.arguments(b, l.densities.arguments(d), pred), y); !known {
		return nil, nil, false
	}
	return l.densities.density(d, y, pred), list, true
}

// normalScores are those of a residual z of a normal distribution, by its location and by the logarithm
// of its scale σ: there the gradient is 1 − z²; what is expected of its square is 2.
func (l *scores) normalScores(m, sigma, z *ir.Node) []Score {
	b, one := l.b, l.b.Const(1)
	list := []Score{{Arg: m, Weight: b.Div(one, sigma), Residual: z, Location: true}}
	if !l.settled(sigma) {
		r := b.Mul(b.Const(1/math.Sqrt2), b.Sub(one, b.Square(z)))
		list = append(list, Score{Arg: b.Log(sigma), Weight: b.Const(math.Sqrt2), Residual: r})
	}
	return list
}

// countScores are those of counts with a mean and a standard deviation that follows from it.
func (l *scores) countScores(mean, y, sd *ir.Node) []Score {
	b := l.b
	return []Score{{Arg: mean, Weight: b.Div(b.Const(1), sd), Residual: b.Div(b.Sub(mean, y), sd), Location: true}}
}

// studentScores are those of Student's distribution with a fixed ν: Lange, Little, Taylor,
// JASA 84, 881–896, 1989, appendix B.
func (l *scores) studentScores(nu, sigma, y, pred *ir.Node) []Score {
	b := l.b
	one := b.Const(1)
	z := b.Div(b.Sub(pred, y), sigma)
	share := b.Div(b.Add(nu, one), b.Add(nu, b.Square(z)))
	root := b.Sqrt(b.Div(b.Add(nu, one), b.Add(nu, b.Const(3))))
	list := []Score{{Arg: pred, Weight: b.Div(root, sigma), Residual: b.Div(b.Mul(share, z), root)}}
	if !l.settled(sigma) {
		root := b.Sqrt(b.Div(b.Mul(b.Const(2), nu), b.Add(nu, b.Const(3))))
		r := b.Div(b.Sub(one, b.Mul(share, b.Square(z))), root)
		list = append(list, Score{Arg: b.Log(sigma), Weight: root, Residual: r})
	}
	return list
}

// huberScores are those of Huber's distribution with a fixed k. With ψ = ρ', z cut to ±k,
// the information of the location is E[ψ'] = P(|z| < k), that of log σ is
// E[zψ + z²ψ'] = 1 + E[z²; |z| < k].
func (l *scores) huberScores(k, sigma, y, pred *ir.Node) []Score {
	b := l.b
	one := b.Const(1)
	z := b.Div(b.Sub(pred, y), sigma)
	wide := b.Fill(k, z.Shape)
	psi := b.Apply(ir.OpMax, b.Neg(wide), b.Apply(ir.OpMin, z, wide))
	core, tails := huberMass(b, k)
	mass := b.Add(core, tails)
	root := b.Sqrt(b.Div(core, mass))
	list := []Score{{Arg: pred, Weight: b.Div(root, sigma), Residual: b.Div(psi, root)}}
	if !l.settled(sigma) {
		within := b.Div(b.Sub(core, b.Mul(b.Square(k), tails)), mass)
		root := b.Sqrt(b.Add(one, within))
		list = append(list, Score{Arg: b.Log(sigma), Weight: root, Residual: b.Div(b.Sub(one, b.Mul(z, psi)), root)})
	}
	return list
}

// settled reports whether a value depends on nothing that moves in a fit.
func (l *scores) settled(n *ir.Node) bool {
	in := l.out.In
	own := n.Op == ir.OpSlice && n.Args[0] == in.Q && in.Q != nil
	if own || n.Op == ir.OpSlice && n.Args[0] == in.P && in.P != nil {
		return l.settledInput(own, n.Off, n.Off+n.Shape.Size())
	}
	switch n {
	case in.P, in.Q:
		return l.settledInput(n == in.Q, 0, n.Shape.Size())
	case in.Y, in.D, in.YB, in.DB:
		return false
	}
	return !slices.ContainsFunc(n.Args, func(a *ir.Node) bool { return !l.settled(a) })
}

// settledInput reports whether a part of the parameters, or of what a trajectory has of its
// own, is fixed: no weights, and no parameter that is fitted.
func (l *scores) settledInput(own bool, from, end int) bool {
	if !own && end > l.out.Layout.NPar {
		return false
	}
	for _, s := range l.out.Layout.Params {
		if s.PerKey == own && s.Off < end && s.Off+s.N > from && !s.Object.(*check.Param).Fixed {
			return false
		}
	}
	return true
}

// squared are the scores of a loss term whose value is a square.
func (l *scores) squared(x *check.Loss, term, v, counts *ir.Node) Scores {
	b := l.b
	out := Scores{Loss: b.Slice(term, 0, ir.Vec(1)), Offset: -1}
	if v.Op == ir.OpMul && v.Args[0] == v.Args[1] && v.Shape == ir.Scalar && x.Weight >= 0 {
		w := b.Mul(counts, b.Sqrt(b.Mul(b.Const(2*x.Weight), l.scaleNode(ScaleLoss, x))))
		arg := b.Select(counts, v.Args[0], b.Const(0))
		vec := func(n *ir.Node) *ir.Node { return b.Slice(n, 0, ir.Vec(1)) }
		out.Square = true
		out.List, out.Known = []Score{{Arg: vec(arg), Weight: vec(w), Residual: vec(b.Mul(w, arg))}}, true
	}
	return out
}
