package lower

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/pinode/pinode/compiler/check"
	"github.com/pinode/pinode/compiler/ir"
)

// family is what the graphs of a model know of a distribution. Its arguments are those of a prior; of an
// observation the prediction is among them as the location.
type family struct {
	location int  // the place of the location among the arguments
	log      bool // the location is that of the logarithm

	// density is the negative log-density of y, elementwise.
	density func(b *ir.Builder, a []*ir.Node, y *ir.Node) *ir.Node

	// scores are those of an observation, or none where their curvature is not known; least is the
	// prediction that stands in them for lower ones, which nothing may be expected of.
	scores func(s *scores, a []*ir.Node, y *ir.Node) (list []Score, known bool)
	least  func(b *ir.Builder, y *ir.Node) *ir.Node

	// drawn is what the distribution makes of its standard variate.
	drawn func(b *ir.Builder, a []*ir.Node, z *ir.Node) *ir.Node

	// below is the probability of less than x, inside of the support; belowNumbers that for arguments
	// that are numbers, where there is no form for others.
	below        func(b *ir.Builder, a []*ir.Node, x *ir.Node) *ir.Node
	belowNumbers func(a []float64, x float64) float64
}

// arguments are those of a family, with a prediction, if there is one, as the location.
func (f *family) arguments(b *ir.Builder, args []*ir.Node, pred *ir.Node) []*ir.Node {
	if pred == nil {
		return args
	}
	if f.log {
		pred = b.Log(pred)
	}
	return slices.Insert(slices.Clone(args), f.location, pred)
}

// families are the distributions of the language: see check.Distributions.
var families = map[string]*family{
	"normal": {
		density: func(b *ir.Builder, a []*ir.Node, y *ir.Node) *ir.Node {
			z := b.Div(b.Sub(y, a[0]), a[1])
			return b.Add(b.Add(b.Mul(b.Const(0.5), b.Square(z)), b.Log(a[1])), b.Const(logSqrt2Pi))
		},
		scores: func(s *scores, a []*ir.Node, y *ir.Node) ([]Score, bool) {
			return s.normalScores(a[0], a[1], s.b.Div(s.b.Sub(a[0], y), a[1])), true
		},
		drawn: aroundLocation,
		below: func(b *ir.Builder, a []*ir.Node, x *ir.Node) *ir.Node { return normalBelow(b, x, a[0], a[1]) },
	},
	"lognormal": {
		log: true,
		density: func(b *ir.Builder, a []*ir.Node, y *ir.Node) *ir.Node {
			z := b.Div(b.Sub(b.Log(y), a[0]), a[1])
			return b.Add(b.Add(b.Mul(b.Const(0.5), b.Square(z)), b.Log(b.Mul(a[1], y))), b.Const(logSqrt2Pi))
		},
		scores: func(s *scores, a []*ir.Node, y *ir.Node) ([]Score, bool) {
			return s.normalScores(a[0], a[1], s.b.Div(s.b.Sub(a[0], s.b.Log(y)), a[1])), true
		},
		least: func(b *ir.Builder, y *ir.Node) *ir.Node { return b.Mul(b.Const(belowData), y) },
		drawn: func(b *ir.Builder, a []*ir.Node, z *ir.Node) *ir.Node { return b.Exp(aroundLocation(b, a, z)) },
		below: func(b *ir.Builder, a []*ir.Node, x *ir.Node) *ir.Node { return normalBelow(b, b.Log(x), a[0], a[1]) },
	},
	"student": {
		location: 1,
		density: func(b *ir.Builder, a []*ir.Node, y *ir.Node) *ir.Node {
			nu, half := a[0], b.Const(0.5)
			z := b.Div(b.Sub(y, a[1]), a[2])
			h := b.Mul(half, b.Add(nu, b.Const(1)))
			norm := b.Sub(lgamma(b, b.Mul(half, nu)), lgamma(b, h))
			norm = b.Add(norm, b.Mul(half, b.Log(b.Mul(nu, b.Const(math.Pi)))))
			return b.Add(b.Add(b.Mul(h, b.Apply(ir.OpLog1p, b.Div(b.Square(z), nu))), b.Log(a[2])), norm)
		},
		scores: func(s *scores, a []*ir.Node, y *ir.Node) ([]Score, bool) {
			return s.studentScores(a[0], a[2], y, a[1]), s.settled(a[0])
		},
		drawn:        func(b *ir.Builder, a []*ir.Node, z *ir.Node) *ir.Node { return aroundLocation(b, a[1:], z) },
		belowNumbers: func(a []float64, x float64) float64 { return distuv.StudentsT{Nu: a[0], Mu: a[1], Sigma: a[2]}.CDF(x) },
	},
	"laplace": {
		density: func(b *ir.Builder, a []*ir.Node, y *ir.Node) *ir.Node {
			return b.Add(b.Div(b.Apply(ir.OpAbs, b.Sub(y, a[0])), a[1]), b.Log(b.Mul(b.Const(2), a[1])))
		},
		scores: func(s *scores, a []*ir.Node, y *ir.Node) ([]Score, bool) { // with the scale held: what that moves is a part of the second residual
			b, one := s.b, s.b.Const(1)
			z := b.Div(b.Sub(a[0], y), a[1])
			list := []Score{{Arg: a[0], Weight: b.Div(one, a[1]), Residual: z, Kink: true}, {Arg: a[0], Weight: b.Const(0), Residual: one, Factor: true}}
			if !s.settled(a[1]) { // by log b: 1 − |z|, of which the square's mean is 1
				list = append(list, Score{Arg: b.Log(a[1]), Weight: one, Residual: b.Sub(one, b.Apply(ir.OpAbs, z))})
			}
			return list, true
		},
		drawn: aroundLocation,
		below: func(b *ir.Builder, a []*ir.Node, x *ir.Node) *ir.Node {
			z := b.Div(b.Sub(x, a[0]), a[1])
			tail := b.Mul(b.Const(0.5), b.Exp(b.Neg(b.Apply(ir.OpAbs, z))))
			return b.Select(b.Lt(z, b.Full(z.Shape, 0)), tail, b.Sub(b.Const(1), tail))
		},
	},
	"huber": {
		location: 1,
		density: func(b *ir.Builder, a []*ir.Node, y *ir.Node) *ir.Node {
			z, k, half := b.Apply(ir.OpAbs, b.Div(b.Sub(y, a[1]), a[2])), a[0], b.Const(0.5)
			rho := b.Select(b.Lt(z, b.Fill(k, z.Shape)), b.Mul(half, b.Square(z)), b.Mul(k, b.Sub(z, b.Mul(half, k))))
			core, tails := huberMass(b, k)
			return b.Add(rho, b.Add(b.Log(a[2]), b.Log(b.Add(core, tails))))
		},
		scores: func(s *scores, a []*ir.Node, y *ir.Node) ([]Score, bool) {
			return s.huberScores(a[0], a[2], y, a[1]), s.settled(a[0])
		},
	},
	"cauchy": {
		density: func(b *ir.Builder, a []*ir.Node, y *ir.Node) *ir.Node {
			z := b.Div(b.Sub(y, a[0]), a[1])
			return b.Add(b.Apply(ir.OpLog1p, b.Square(z)), b.Log(b.Mul(b.Const(math.Pi), a[1])))
		},
		scores: func(s *scores, a []*ir.Node, y *ir.Node) ([]Score, bool) {
			return s.studentScores(s.b.Const(1), a[1], y, a[0]), true
		},
		drawn: aroundLocation,
		below: func(b *ir.Builder, a []*ir.Node, x *ir.Node) *ir.Node {
			z := b.Div(b.Sub(x, a[0]), a[1])
			return b.Add(b.Const(0.5), b.Mul(b.Const(1/math.Pi), b.Apply(ir.OpAtan, z)))
		},
	},
	"poisson": {
		density: func(b *ir.Builder, a []*ir.Node, y *ir.Node) *ir.Node {
			return b.Add(b.Sub(a[0], timesLog(b, y, a[0])), lgamma(b, b.Add(y, b.Const(1))))
		},
		scores: func(s *scores, a []*ir.Node, y *ir.Node) ([]Score, bool) {
			return s.countScores(a[0], y, s.b.Sqrt(a[0])), true
		},
		least: leastCount,
	},
	"negbinomial": {
		density: func(b *ir.Builder, a []*ir.Node, y *ir.Node) *ir.Node {
			m, r := a[0], a[1]
			sum := b.Add(r, m)
			n := b.Sub(lgamma(b, b.Add(y, r)), lgamma(b, r))
			n = b.Sub(n, lgamma(b, b.Add(y, b.Const(1))))
			n = b.Add(n, b.Mul(r, b.Log(b.Div(r, sum))))
			return b.Neg(b.Add(n, timesLog(b, y, b.Div(m, sum))))
		},
		scores: func(s *scores, a []*ir.Node, y *ir.Node) ([]Score, bool) {
			b := s.b
			return s.countScores(a[0], y, b.Sqrt(b.Add(a[0], b.Div(b.Square(a[0]), a[1])))), s.settled(a[1])
		},
		least: leastCount,
	},
	"bernoulli": {
		density: func(b *ir.Builder, a []*ir.Node, y *ir.Node) *ir.Node {
			one := b.Const(1)
			return b.Neg(b.Add(timesLog(b, y, a[0]), timesLog(b, b.Sub(one, y), b.Sub(one, a[0]))))
		},
		scores: func(s *scores, a []*ir.Node, y *ir.Node) ([]Score, bool) {
			b := s.b
			list := s.countScores(a[0], y, b.Sqrt(b.Mul(a[0], b.Sub(b.Const(1), a[0]))))
			list[0].Location = false
			return list, true
		},
	},
	"uniform": {
		density: func(b *ir.Builder, a []*ir.Node, y *ir.Node) *ir.Node { // its height is one over its mass
			in := b.Mul(b.Le(a[0], y), b.Le(y, a[1]))
			return b.Select(in, b.Full(y.Shape, 0), b.Full(y.Shape, math.Inf(1)))
		},
		drawn: func(b *ir.Builder, a []*ir.Node, z *ir.Node) *ir.Node {
			return b.Add(b.Mul(b.Sub(a[1], a[0]), z), a[0])
		},
	},
	"exponential": {
		density: func(b *ir.Builder, a []*ir.Node, y *ir.Node) *ir.Node { return b.Add(b.Div(y, a[0]), b.Log(a[0])) },
		drawn:   timesScale,
		below: func(b *ir.Builder, a []*ir.Node, x *ir.Node) *ir.Node {
			return b.Neg(b.Apply(ir.OpExpm1, b.Neg(b.Div(x, a[0]))))
		},
	},
	"halfnormal": {
		density: func(b *ir.Builder, a []*ir.Node, y *ir.Node) *ir.Node {
			z := b.Div(y, a[0])
			return b.Add(b.Mul(b.Const(0.5), b.Square(z)), b.Add(b.Log(a[0]), b.Const(0.5*math.Log(math.Pi/2))))
		},
		drawn: timesScale,
		below: func(b *ir.Builder, a []*ir.Node, x *ir.Node) *ir.Node {
			return b.Apply(ir.OpErf, b.Div(x, b.Mul(b.Const(math.Sqrt2), a[0])))
		},
	},
	"halfcauchy": {
		density: func(b *ir.Builder, a []*ir.Node, y *ir.Node) *ir.Node {
			z := b.Div(y, a[0])
			return b.Add(b.Apply(ir.OpLog1p, b.Square(z)), b.Log(b.Mul(b.Const(math.Pi/2), a[0])))
		},
		drawn: timesScale,
		below: func(b *ir.Builder, a []*ir.Node, x *ir.Node) *ir.Node {
			return b.Mul(b.Const(2/math.Pi), b.Apply(ir.OpAtan, b.Div(x, a[0])))
		},
	},
	"gamma": {
		density: func(b *ir.Builder, a []*ir.Node, y *ir.Node) *ir.Node {
			z := b.Div(y, a[1])
			n := b.Sub(z, timesLog(b, b.Sub(a[0], b.Const(1)), z))
			return b.Add(n, b.Add(lgamma(b, a[0]), b.Log(a[1])))
		},
		drawn:        func(b *ir.Builder, a []*ir.Node, z *ir.Node) *ir.Node { return b.Mul(a[1], z) },
		belowNumbers: func(a []float64, x float64) float64 { return distuv.Gamma{Alpha: a[0], Beta: 1 / a[1]}.CDF(x) },
	},
	"inverse_gamma": {
		density: func(b *ir.Builder, a []*ir.Node, y *ir.Node) *ir.Node {
			z := b.Div(a[1], y)
			n := b.Sub(z, b.Mul(b.Add(a[0], b.Const(1)), b.Log(z)))
			return b.Add(n, b.Add(lgamma(b, a[0]), b.Log(a[1])))
		},
		drawn:        func(b *ir.Builder, a []*ir.Node, z *ir.Node) *ir.Node { return b.Div(a[1], z) },
		belowNumbers: func(a []float64, x float64) float64 { return distuv.InverseGamma{Alpha: a[0], Beta: a[1]}.CDF(x) },
	},
	"beta": {
		density: func(b *ir.Builder, a []*ir.Node, y *ir.Node) *ir.Node {
			one := b.Const(1)
			n := b.Add(timesLog(b, b.Sub(a[0], one), y), timesLog(b, b.Sub(a[1], one), b.Sub(one, y)))
			norm := b.Sub(b.Add(lgamma(b, a[0]), lgamma(b, a[1])), lgamma(b, b.Add(a[0], a[1])))
			return b.Sub(norm, n)
		},
		drawn:        func(_ *ir.Builder, _ []*ir.Node, z *ir.Node) *ir.Node { return z },
		belowNumbers: func(a []float64, x float64) float64 { return distuv.Beta{Alpha: a[0], Beta: a[1]}.CDF(x) },
	},
}

var logSqrt2Pi = 0.5 * math.Log(2*math.Pi)

func lgamma(b *ir.Builder, x *ir.Node) *ir.Node { return b.Apply(ir.OpLgamma, x) }

// aroundLocation is a standard variate times a scale, around a location.
func aroundLocation(b *ir.Builder, a []*ir.Node, z *ir.Node) *ir.Node {
	return b.Add(b.Mul(a[1], z), a[0])
}

func timesScale(b *ir.Builder, a []*ir.Node, z *ir.Node) *ir.Node { return b.Mul(a[0], z) }

// normalBelow is the normal distribution function.
func normalBelow(b *ir.Builder, x, m, s *ir.Node) *ir.Node {
	z := b.Div(b.Sub(x, m), b.Mul(b.Const(math.Sqrt2), s))
	return b.Mul(b.Const(0.5), b.Add(b.Const(1), b.Apply(ir.OpErf, z)))
}

func leastCount(b *ir.Builder, y *ir.Node) *ir.Node {
	return b.Mul(b.Const(belowData), b.Add(y, b.Const(1)))
}

// density is the negative log-density of y elementwise: around a prediction,
// or, without one, of a quantity by itself.
func (l *densities) density(d *check.Dist, y, pred *ir.Node) *ir.Node {
	f := families[d.Name]
	return f.density(l.b, f.arguments(l.b, l.arguments(d), pred), y)
}

// drawnFrom is what a distribution makes of its standard variate z, element by element.
func (l *densities) drawnFrom(d *check.Dist, z *ir.Node) *ir.Node {
	return families[d.Name].drawn(l.b, l.arguments(d), z)
}
