package fit

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/mat"
)

// leastSizes is Σ w|y − f(x)| over points, with f a line or, bent, an exponential.
type leastSizes struct {
	t, y, w []float64
	bent    bool
}

func (l *leastSizes) Dim() int   { return 2 }
func (l *leastSizes) Items() int { return 1 }
func (l *leastSizes) Rows() int  { return 2 * len(l.t) }

func (l *leastSizes) at(x []float64, t float64) (v float64, by [2]float64) {
	if l.bent {
		e := math.Exp(x[1] * t)
		return x[0] * e, [2]float64{e, x[0] * t * e}
	}
	return x[0] + x[1]*t, [2]float64{1, t}
}

func (l *leastSizes) Eval(_ context.Context, x []float64, _ []int, _ float64, _ []float64) (Result, error) {
	return Result{Loss: l.loss(x), Values: len(l.t)}, nil
}

func (l *leastSizes) loss(x []float64) (sum float64) {
	for i, t := range l.t {
		v, _ := l.at(x, t)
		sum += l.w[i] * math.Abs(v-l.y[i])
	}
	return sum
}

func (l *leastSizes) Kinks() (list [][2]int) {
	for i := range l.t {
		list = append(list, [2]int{2 * i, 2*i + 1})
	}
	return list
}

func (l *leastSizes) Linear(_ context.Context, x []float64, _ float64, r []float64, jac *mat.Dense) (Result, error) {
	for i, t := range l.t {
		v, by := l.at(x, t)
		root := math.Sqrt(l.w[i])
		r[2*i], r[2*i+1] = root*(v-l.y[i]), root
		if jac != nil {
			jac.SetRow(2*i, []float64{root * by[0], root * by[1]})
			jac.SetRow(2*i+1, []float64{0, 0})
		}
	}
	return Result{Loss: l.loss(x), Values: len(l.t)}, nil
}

func (l *leastSizes) Residuals(ctx context.Context, x []float64, h float64, r []float64, jac *mat.Dense) (Result, error) {
	return l.Linear(ctx, x, h, r, jac)
}

// descended is the outcome of one descent.
func descended(t *testing.T, of interface {
	Objective
	Residuals
}, x []float64,
) (out *Outcome) {
	t.Helper()
	do := func(s *Session) error {
		o, err := s.Descend("test", &Problem{Loss: of, Horizon: 1, Kinks: true}, x, Limits{Iterations: 200, Flat: 1e-8, Least: 1e-6, Times: 3})
		if err != nil {
			return err
		}
		out = o
		s.Return(o.X, o.Value, Converged, "")
		return nil
	}
	tr := Trainer{Objective: of, Stages: []Method{&Auto{Budget: 1, Do: do}}}
	_, err := tr.Run(context.Background(), append([]float64(nil), x...))
	require.NoError(t, err)
	return out
}

// TestKinks: the least sum of sizes of a line is that of the best line through two of the
// points, and a curve's is no higher anywhere near.
func TestKinks(t *testing.T) {
	for seed := range uint64(12) {
		rng := rand.New(rand.NewPCG(seed, 3))
		l := &leastSizes{bent: seed%2 == 1}
		for i := range 15 + int(seed) {
			at := float64(i) / 5
			v, _ := l.at([]float64{2, -0.5}, at)
			l.t, l.w = append(l.t, at), append(l.w, 0.5+rng.Float64())
			l.y = append(l.y, v+0.3*rng.NormFloat64()*math.Abs(rng.NormFloat64()))
		}
		o := descended(t, l, []float64{1, -0.1})
		require.True(t, o.Converged, o.Why)
		require.InDelta(t, l.loss(o.X), o.Value, 1e-12)
		through := 0
		for i := range l.t {
			if v, _ := l.at(o.X, l.t[i]); math.Abs(v-l.y[i]) < 1e-7 {
				through++
			}
		}
		if !l.bent {
			require.Equal(t, 2, through, "seed %d", seed)
			best := math.Inf(1)
			for i := range l.t {
				for j := range i {
					b := (l.y[i] - l.y[j]) / (l.t[i] - l.t[j])
					best = math.Min(best, l.loss([]float64{l.y[i] - b*l.t[i], b}))
				}
			}
			require.InDelta(t, best, o.Value, 1e-7)
			continue
		}
		for range 1000 {
			far := math.Pow(10, -4*rng.Float64())
			near := []float64{o.X[0] + far*rng.NormFloat64(), o.X[1] + far*rng.NormFloat64()}
			require.GreaterOrEqual(t, l.loss(near), o.Value-1e-7)
		}
	}
}
