package lower

import (
	"math"

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
	if s := d.Support(); s != nil && (x <= s.Lo || x >= s.Hi) || math.IsInf(x, 0) {
		return nil
	}
	f := families[d.Name]
	if f.below == nil {
		return l.ofNumbers(d, func(a []float64) float64 { return f.belowNumbers(a, x) })
	}
	return f.below(l.b, args, l.b.Const(x))
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
