package lower

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/pinode/pinode/compiler/check"
	"github.com/pinode/pinode/compiler/ir"
)

// priors lowers the priors of parameters.
type priors struct{ *expressions }

// priors builds the negative log-densities of parameters and of the weights that have
// priors. A prior has all of its mass in the interval of its parameter; weights have all
// numbers.
func (l *priors) priors() {
	for _, p := range l.m.Params {
		if p.Prior == nil {
			continue
		}
		x := l.ref(p)
		if p.Shape.Rank == 2 { // as its arguments are
			x = l.b.Slice(x, 0, ir.Vec(p.Shape.Size()))
		}
		n := l.densities.density(p.Prior, x, nil)
		if mass := l.mass(p); mass != nil {
			n = l.b.Add(n, l.b.Log(mass))
		}
		l.out.Priors = append(l.out.Priors, Prior{Param: p, Node: l.b.Sum(n)})
	}
	for _, t := range l.out.Layout.Weights {
		if t.Prior != nil && !t.Frozen {
			w := l.b.Slice(l.out.In.P, t.Off, ir.Vec(t.Shape.Size()))
			n := l.densities.density(t.Prior, w, nil)
			l.out.Priors = append(l.out.Priors, Prior{Node: l.b.Sum(n)})
		}
	}
}

// mass is what a parameter's interval has of the mass of its prior, whose density is not
// cut; nil for all of it. A uniform prior has the height 1 there.
func (l *priors) mass(p *check.Param) *ir.Node {
	b, args := l.b, l.densities.arguments(p.Prior)
	if p.Prior.Name == "uniform" {
		return b.Sub(b.Apply(ir.OpMin, args[1], b.Const(p.Hi)), b.Apply(ir.OpMax, args[0], b.Const(p.Lo)))
	}
	below, within := l.distribution(p.Prior, args, p.Lo), l.distribution(p.Prior, args, p.Hi)
	switch {
	case within == nil && below == nil:
		return nil
	case within == nil:
		return b.Sub(b.Const(1), below)
	case below == nil:
		return within
	}
	return b.Sub(within, below)
}

// distribution is the probability of a value below x; nil where x is at an end of the
// support.
func (l *priors) distribution(d *check.Dist, args []*ir.Node, x float64) *ir.Node {
	b := l.b
	switch d.Name {
	case "lognormal", "exponential", "halfnormal", "halfcauchy", "gamma", "inverse_gamma", "beta":
		if x <= 0 {
			return nil
		}
	}
	if math.IsInf(x, 0) || d.Name == "beta" && x >= 1 {
		return nil
	}
	half, one := b.Const(0.5), b.Const(1)
	normal := func(x, m, s *ir.Node) *ir.Node {
		z := b.Div(b.Sub(x, m), b.Mul(b.Const(math.Sqrt2), s))
		return b.Mul(half, b.Add(one, b.Apply(ir.OpErf, z)))
	}
	switch at := b.Const(x); d.Name {
	case "normal":
		return normal(at, args[0], args[1])
	case "lognormal":
		return normal(b.Const(math.Log(x)), args[0], args[1])
	case "laplace":
		z := b.Div(b.Sub(at, args[0]), args[1])
		tail := b.Mul(half, b.Exp(b.Neg(b.Apply(ir.OpAbs, z))))
		return b.Select(b.Lt(z, b.Full(z.Shape, 0)), tail, b.Sub(one, tail))
	case "exponential":
		return b.Neg(b.Apply(ir.OpExpm1, b.Neg(b.Div(at, args[0]))))
	case "cauchy":
		z := b.Div(b.Sub(at, args[0]), args[1])
		return b.Add(half, b.Mul(b.Const(1/math.Pi), b.Apply(ir.OpAtan, z)))
	case "halfnormal":
		return b.Apply(ir.OpErf, b.Div(at, b.Mul(b.Const(math.Sqrt2), args[0])))
	case "halfcauchy":
		return b.Mul(b.Const(2/math.Pi), b.Apply(ir.OpAtan, b.Div(at, args[0])))
	}
	if cdf := distributions[d.Name]; cdf != nil {
		return l.ofNumbers(d, func(a []float64) float64 { return cdf(a, x) })
	}
	panic("lower: no distribution function of " + d.Name)
}

// distributions are the probabilities of a value below x for arguments that are numbers.
var distributions = map[string]func(a []float64, x float64) float64{
	"student": func(a []float64, x float64) float64 { return distuv.StudentsT{Nu: a[0], Mu: a[1], Sigma: a[2]}.CDF(x) },
	"gamma":   func(a []float64, x float64) float64 { return distuv.Gamma{Alpha: a[0], Beta: 1 / a[1]}.CDF(x) },
	"inverse_gamma": func(a []float64, x float64) float64 {
		return distuv.InverseGamma{Alpha: a[0], Beta: a[1]}.CDF(x)
	},
	"beta": func(a []float64, x float64) float64 { return distuv.Beta{Alpha: a[0], Beta: a[1]}.CDF(x) },
}

// ofNumbers is a function of the arguments of a distribution, which are numbers.
func (l *priors) ofNumbers(d *check.Dist, f func(a []float64) float64) *ir.Node {
	args := make([][]float64, len(d.Args))
	size := 1
	for i, a := range d.Args {
		v, ok := check.Evaluate(a, nil)
		never(!ok, "a distribution that is cut has arguments that are not constant")
		args[i], size = v, max(size, len(v))
	}
	out := make([]float64, size)
	for i := range out {
		a := make([]float64, len(args))
		for k, v := range args {
			a[k] = v[min(i, len(v)-1)]
		}
		out[i] = f(a)
	}
	if size == 1 {
		return l.b.Const(out[0])
	}
	return l.b.ConstOf(ir.Vec(size), out)
}
