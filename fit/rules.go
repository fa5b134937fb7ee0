package fit

import (
	"math"

	"github.com/pinode/pinode/internal/kernel"
)

// Rule is the update of a first-order optimiser. It keeps its memory in Slots,
// so that a step can be taken back and a run saved.
type Rule interface {
	// Slots is the number of vectors of memory.
	Slots() int
	// Update sets x to where a step against the gradient g with learning rate
	// lr leads from the place old, and s to the memory after it, was being that
	// before; either pair may be the same. Coordinates for which decay is false
	// are not shrunk by weight decay; nil is all true. It allocates nothing.
	Update(s, was *Slots, x, old, g []float64, lr float64, decay []bool)
}

// Slots is the memory of a Rule: vectors as long as the coordinates, at first
// zero, and the number of updates made.
type Slots struct {
	Step    int      `json:"step"`
	Vectors []Vector `json:"vectors"`
}

// newSlots returns the memory of n vectors of length dim before the first step.
func newSlots(n, dim int) Slots {
	s := Slots{Vectors: make([]Vector, n)}
	for i := range s.Vectors {
		s.Vectors[i] = make(Vector, dim)
	}
	return s
}

// Adam keeps running means of the gradient and of its square, both corrected
// for their start at zero. With Decay it is AdamW: the weights shrink by
// lr·Decay beside the gradient step and not through it.
//
// D.P. Kingma, J. Ba, ICLR 2015, arXiv:1412.6980, algorithm 1;
// I. Loshchilov, F. Hutter, ICLR 2019, arXiv:1711.05101, algorithm 2.
type Adam struct {
	Beta1, Beta2, Eps, Decay float64
}

// Slots is two: m and v.
func (Adam) Slots() int { return 2 }

// Update makes one step.
func (a Adam) Update(s, was *Slots, x, old, g []float64, lr float64, decay []bool) {
	s.Step = was.Step + 1
	c1 := 1 - math.Pow(a.Beta1, float64(s.Step))
	c2 := 1 - math.Pow(a.Beta2, float64(s.Step))
	step := kernel.AdamStep{
		KeepM: a.Beta1, AddM: 1 - a.Beta1, KeepV: a.Beta2, AddV: 1 - a.Beta2,
		Rate: lr / c1, Root: 1 / math.Sqrt(c2), Eps: a.Eps,
	}
	kernel.Adam(x, s.Vectors[0], s.Vectors[1], shrink(x, old, lr*a.Decay, decay), was.Vectors[0], was.Vectors[1], g, &step)
}

// RMSProp divides the gradient by a running root mean square of itself.
//
// T. Tieleman, G. Hinton, lecture 6.5, COURSERA: Neural Networks for Machine
// Learning, 2012; momentum after A. Graves, arXiv:1308.0850, without centring.
type RMSProp struct {
	Alpha, Eps, Momentum float64
}

// Slots is two: the mean square and the momentum.
func (RMSProp) Slots() int { return 2 }

// Update makes one step.
func (r RMSProp) Update(s, was *Slots, x, old, g []float64, lr float64, _ []bool) {
	s.Step = was.Step + 1
	v, b, v0, b0 := s.Vectors[0], s.Vectors[1], was.Vectors[0], was.Vectors[1]
	for i, gi := range g {
		v[i] = r.Alpha*v0[i] + (1-r.Alpha)*gi*gi
		b[i] = r.Momentum*b0[i] + gi/(math.Sqrt(v[i])+r.Eps)
		x[i] = old[i] - lr*b[i]
	}
}

// SGD is gradient descent with momentum, plain or Nesterov's, in the form
// v ← µv + g, x ← x − lr·v (Nesterov: x ← x − lr·(g + µv)).
//
// I. Sutskever, J. Martens, G. Dahl, G. Hinton, ICML 2013.
type SGD struct {
	Momentum, Decay float64
	Nesterov        bool
}

// Slots is one: the velocity.
func (SGD) Slots() int { return 1 }

// Update makes one step.
func (d SGD) Update(s, was *Slots, x, old, g []float64, lr float64, decay []bool) {
	s.Step = was.Step + 1
	v, v0 := s.Vectors[0], was.Vectors[0]
	old = shrink(x, old, lr*d.Decay, decay)
	for i, gi := range g {
		v[i] = d.Momentum*v0[i] + gi
		if d.Nesterov {
			x[i] = old[i] - lr*(gi+d.Momentum*v[i])
		} else {
			x[i] = old[i] - lr*v[i]
		}
	}
}

// shrink is old, or, for a rate other than 0, x set to old with the decaying
// coordinates multiplied by 1 − rate.
func shrink(x, old []float64, rate float64, decay []bool) []float64 {
	if rate == 0 {
		return old
	}
	for i, v := range old {
		if x[i] = v; decay == nil || decay[i] {
			x[i] -= rate * v
		}
	}
	return x
}

// clip scales g down to Euclidean norm limit, if it is longer and limit is
// not 0, and returns the norm that it had.
//
// R. Pascanu, T. Mikolov, Y. Bengio, ICML 2013, algorithm 1.
func clip(g []float64, limit float64) float64 {
	norm := norm2(g)
	if limit > 0 && norm > limit {
		c := limit / norm
		for i := range g {
			g[i] *= c
		}
	}
	return norm
}

// norm2 is the Euclidean norm, not above the largest float.
func norm2(v []float64) float64 {
	var a, b, c, d float64
	w := v
	for len(w) >= 4 {
		a += w[0] * w[0]
		b += w[1] * w[1]
		c += w[2] * w[2]
		d += w[3] * w[3]
		w = w[4:]
	}
	for _, x := range w {
		a += x * x
	}
	sum := (a + b) + (c + d)
	if sum > 0x1p-900 && sum < 0x1p1000 {
		return math.Sqrt(sum)
	}
	return scaledNorm(v) // squares may have left the range
}

func scaledNorm(v []float64) float64 {
	big := 0.
	for _, x := range v {
		big = max(big, math.Abs(x))
	}
	if big == 0 {
		return 0
	}
	sum := 0.
	for _, x := range v {
		sum += (x / big) * (x / big)
	}
	return min(big*math.Sqrt(sum), math.MaxFloat64)
}

// normInf is the largest absolute value.
func normInf(v []float64) float64 {
	big := 0.
	for _, x := range v {
		big = max(big, math.Abs(x))
	}
	return big
}
