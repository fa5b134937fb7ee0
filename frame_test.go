package pinode

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/fit"
	"github.com/pinode/pinode/internal/loss"
)

// point is the loss of a fit, at its start or where x has been moved to.
type point struct {
	t         testing.TB
	objective *loss.Objective
	x         []float64
}

// atStart is the loss of a model at the start of its fit.
func atStart(t testing.TB, m *Model, workers int) *point {
	t.Helper()
	f, err := m.NewFit(FitOptions{Workers: workers})
	require.NoError(t, err)
	x, err := f.inner.Objective.Space.X0()
	require.NoError(t, err)
	return &point{t, f.inner.Objective, x}
}

// eval is the loss of a batch, of all trajectories where it is nil, with its gradient unless
// that is nil.
func (p *point) eval(batch []int, grad []float64) fit.Result {
	p.t.Helper()
	res, err := p.objective.Eval(p.t.Context(), p.x, batch, 1, grad)
	require.NoError(p.t, err)
	require.False(p.t, res.Failed, res.Reason)
	return res
}

// gradient is that of the loss, behind which stands the loss.
func (p *point) gradient(batch []int) []float64 {
	p.t.Helper()
	grad := make([]float64, len(p.x))
	res := p.eval(batch, grad)
	for _, v := range grad {
		require.False(p.t, math.IsNaN(v))
	}
	return append(grad, res.Loss)
}

// slopes are the derivatives of the loss by differences of order four.
func (p *point) slopes() []float64 {
	p.t.Helper()
	const h = 1e-4
	out := make([]float64, len(p.x))
	for k, at := range p.x {
		for i, w := range []float64{1, -8, 8, -1} {
			p.x[k] = at + h*[]float64{-2, -1, 1, 2}[i]
			out[k] += w * p.eval(nil, nil).Loss / (12 * h)
		}
		p.x[k] = at
	}
	return out
}

// sameForWorkers wants the same bits of loss and gradient for one worker and two, and returns
// the loss.
func sameForWorkers(t testing.TB, m *Model, what string) float64 {
	t.Helper()
	one := atStart(t, m, 1).gradient(nil)
	require.Equal(t, one, atStart(t, m, 2).gradient(nil), what)
	return one[len(one)-1]
}
