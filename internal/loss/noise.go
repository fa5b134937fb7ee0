package loss

import (
	"math"

	"gonum.org/v1/gonum/mathext"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/pinode/pinode/compiler/exec"
	"github.com/pinode/pinode/compiler/lower"
	"github.com/pinode/pinode/compiler/place"
	"github.com/pinode/pinode/internal/engine"
)

// Noise evaluates the arguments of the distributions of observations.
type Noise struct {
	prog  *exec.Program
	frame *exec.Frame
	of    *engine.System // whose rows are read
	in    []rowInput
	names map[[2]int]string // of outputs
}

// NewNoise compiles them; it is nil where there are none.
func NewNoise(c *engine.Compiled) (*Noise, error) {
	mod, err := engine.Once(c, "noise", c.Noise)
	if err != nil || mod == nil {
		return nil, err
	}
	return &Noise{prog: place.Noise.In(mod), frame: mod.NewFrame(), names: map[[2]int]string{}}, nil
}

// At evaluates them at the row that a system is at.
func (n *Noise) At(sys *engine.System) {
	if n.of != sys {
		n.of, n.in = sys, rowInputs(sys, n.frame)
	}
	for _, in := range n.in {
		copy(in.to, in.from)
	}
	copy(place.Scales.In(n.frame), sys.S)
	copy(place.Params.In(n.frame), place.Params.In(sys.Frame))
	n.prog.Run(n.frame)
}

// Argument has argument j of the distribution of observation i: one number, or one for
// each component.
func (n *Noise) Argument(i, j int) []float64 {
	name, ok := n.names[[2]int{i, j}]
	if !ok {
		name = lower.NoiseName(i, j)
		n.names[[2]int{i, j}] = name
	}
	return n.prog.Output(n.frame, name)
}

// A tail gives the probabilities of less than y, and of y or less, around a prediction.
// They differ for counts.
type tail func(y, prediction float64, args []float64) (below, upTo float64)

// continuous is the tail of a distribution of numbers.
func continuous(cdf func(y, prediction float64, a []float64) float64) tail {
	return func(y, prediction float64, a []float64) (below, upTo float64) {
		p := cdf(y, prediction, a)
		return p, p
	}
}

// counted is the tail of a distribution of whole numbers.
func counted(cdf func(y, prediction float64, a []float64) float64) tail {
	return func(y, prediction float64, a []float64) (below, upTo float64) {
		if y > 0 {
			below = cdf(y-1, prediction, a)
		}
		return below, cdf(y, prediction, a)
	}
}

// tails are those of the distributions of observations.
var tails = map[string]tail{
	"normal": continuous(func(y, m float64, a []float64) float64 { return distuv.UnitNormal.CDF((y - m) / a[0]) }),
	"lognormal": continuous(func(y, m float64, a []float64) float64 {
		return distuv.UnitNormal.CDF((math.Log(y) - math.Log(m)) / a[0])
	}),
	"student": continuous(func(y, m float64, a []float64) float64 {
		return distuv.StudentsT{Sigma: a[1], Mu: m, Nu: a[0]}.CDF(y)
	}),
	"cauchy":      continuous(func(y, m float64, a []float64) float64 { return 0.5 + math.Atan((y-m)/a[0])/math.Pi }),
	"huber":       continuous(func(y, m float64, a []float64) float64 { return huberBelow((y-m)/a[1], a[0]) }),
	"laplace":     continuous(func(y, m float64, a []float64) float64 { return distuv.Laplace{Mu: m, Scale: a[0]}.CDF(y) }),
	"poisson":     counted(func(y, m float64, _ []float64) float64 { return mathext.GammaIncRegComp(y+1, m) }),
	"negbinomial": counted(func(y, m float64, a []float64) float64 { return mathext.RegIncBeta(a[0], y+1, a[0]/(a[0]+m)) }),
	"bernoulli": counted(func(y, m float64, _ []float64) float64 {
		if y >= 1 {
			return 1
		}
		return 1 - m
	}),
}

// huberBelow is the probability of less than z in Huber's distribution, whose density is
// normal within k of 0 and falls by exp(−k|z|) beyond.
func huberBelow(z, k float64) float64 {
	if z > 0 {
		return 1 - huberBelow(-z, k)
	}
	core, tails := math.Sqrt(2*math.Pi)*math.Erf(k/math.Sqrt2), 2/k*math.Exp(-k*k/2)
	if z < -k {
		return tails / 2 * math.Exp(k*(z+k)) / (core + tails)
	}
	return 0.5 + math.Sqrt(math.Pi/2)*math.Erf(z/math.Sqrt2)/(core+tails)
}

// Central reports whether y lies in the central interval that has a share of a
// distribution's mass around a prediction. A distribution without tails has none.
func Central(dist string, y, prediction float64, args []float64, share float64) (inside, known bool) {
	t := tails[dist]
	if t == nil {
		return false, false
	}
	below, upTo := t(y, prediction, args)
	lo := (1 - share) / 2
	return upTo >= lo && below < 1-lo, true
}
