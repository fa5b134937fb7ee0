package fit

import (
	"context"
	"math"
	"math/rand/v2"
)

// bowl is ½ Σ cᵢ (xᵢ − aᵢ)², the same for every item.
type bowl struct {
	c, a []float64
}

func newBowl(n int) *bowl {
	b := &bowl{c: make([]float64, n), a: make([]float64, n)}
	for i := range n {
		b.c[i], b.a[i] = 1+float64(i), math.Sin(float64(i+1))
	}
	return b
}

func (b *bowl) Dim() int   { return len(b.c) }
func (b *bowl) Items() int { return 1 }

func (b *bowl) Eval(_ context.Context, x []float64, _ []int, _ float64, grad []float64) (Result, error) {
	sum := 0.
	for i := range x {
		d := x[i] - b.a[i]
		sum += b.c[i] * d * d / 2
		if grad != nil {
			grad[i] = b.c[i] * d
		}
	}
	return Result{Loss: sum, Values: 1}, nil
}

// banana is the function of Rosenbrock, minimum 0 at (1, 1).
//
// H.H. Rosenbrock, Computer Journal 3, 175–184, 1960.
type banana struct{}

func (banana) Dim() int   { return 2 }
func (banana) Items() int { return 1 }

func (banana) Eval(_ context.Context, x []float64, _ []int, _ float64, grad []float64) (Result, error) {
	a, b := 1-x[0], x[1]-x[0]*x[0]
	if grad != nil {
		grad[0], grad[1] = -2*a-400*x[0]*b, 200*b
	}
	return Result{Loss: a*a + 100*b*b, Values: 1}, nil
}

// logistic is logistic regression over many items, two coefficients and an
// offset, with every fourth item held back for validation.
type logistic struct {
	x     [][3]float64
	label []float64
	held  []int
	items []int

	terms  []Term
	allow  int // evaluations with gradient before cancel is called; 0 is no limit
	cancel context.CancelFunc
}

func newLogistic(n int) *logistic {
	l := &logistic{terms: []Term{{Name: "likelihood"}, {Name: "ridge"}}}
	rng := rand.New(rand.NewPCG(7, 1))
	for i := range n {
		x := [3]float64{1, rng.NormFloat64(), rng.NormFloat64()}
		label := 0.
		if rng.Float64() < sigmoid(0.5+2*x[1]-x[2]) {
			label = 1
		}
		l.x, l.label = append(l.x, x), append(l.label, label)
		if i%4 == 3 {
			l.held = append(l.held, i)
		} else {
			l.items = append(l.items, i)
		}
	}
	return l
}

func (l *logistic) Dim() int   { return 3 }
func (l *logistic) Items() int { return len(l.items) }

// Length makes some items longer than others.
func (l *logistic) Length(item int) float64 { return float64(item % 5) }

const ridge = 1e-3

func (l *logistic) mean(w []float64, index func(k int) int, n int, grad []float64) Result {
	if grad != nil {
		clear(grad)
	}
	sum := 0.
	for k := range n {
		i := index(k)
		x := &l.x[i]
		z := w[0]*x[0] + w[1]*x[1] + w[2]*x[2]
		sum += soft.value(z) - l.label[i]*z
		if grad != nil {
			d := sigmoid(z) - l.label[i]
			for j := range grad {
				grad[j] += d * x[j] / float64(n)
			}
		}
	}
	sum /= float64(n)
	pen := 0.
	for j := range w {
		pen += ridge * w[j] * w[j] / 2
		if grad != nil {
			grad[j] += ridge * w[j]
		}
	}
	l.terms[0].Value, l.terms[1].Value = sum, pen
	return Result{Loss: sum + pen, Values: n, Terms: l.terms}
}

func (l *logistic) Eval(ctx context.Context, w []float64, batch []int, _ float64, grad []float64) (Result, error) {
	if err := ctx.Err(); err != nil {
		return Result{}, err
	}
	if grad != nil && l.allow > 0 {
		if l.allow--; l.allow == 0 {
			l.cancel()
		}
	}
	if batch == nil {
		return l.mean(w, func(k int) int { return l.items[k] }, len(l.items), grad), nil
	}
	return l.mean(w, func(k int) int { return l.items[batch[k]] }, len(batch), grad), nil
}

// validated is a logistic problem that shows the items held back.
type validated struct{ *logistic }

func (v validated) Validate(_ context.Context, w []float64, _ float64) (Result, error) {
	return v.mean(w, func(k int) int { return v.held[k] }, len(v.held), nil), nil
}

// cliff is a bowl around 0.9 in one dimension whose solve fails beyond 1.
type cliff struct{ evals int }

func (c *cliff) Dim() int   { return 1 }
func (c *cliff) Items() int { return 1 }

func (c *cliff) Eval(_ context.Context, x []float64, _ []int, _ float64, grad []float64) (Result, error) {
	c.evals++
	if x[0] > 1 {
		return Result{Failed: true, Reason: Failure{Trajectory: "drop=4", Time: 3.5, Reason: "unstable"}}, nil
	}
	d := x[0] - 0.9
	if grad != nil {
		grad[0] = 2 * d
	}
	return Result{Loss: d * d, Values: 1}, nil
}
