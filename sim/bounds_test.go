package sim

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/events"
)

// bounded is the ball with bounds of its guard.
type bounded struct{ *ball }

// Bounds implements Bounded: y − r and its rate.
func (b bounded) Bounds(box *Box, _ []float64, to *events.Bounds) bool {
	to.Lo[0], to.Hi[0], to.RateLo[0], to.RateHi[0] = box.YLo[0]-b.r, box.YHi[0]-b.r, box.FlowLo[0], box.FlowHi[0]
	return true
}

// TestUnproven: the steps of a model without bounds are looked at and counted; with
// bounds, or as polynomials, its events are the same and all is proved.
func TestUnproven(t *testing.T) {
	run := func(m Model, affine []bool) *Trajectory {
		hy, out := ballHybrid(), &Trajectory{}
		hy.Affine = affine
		require.NoError(t, New(hy, m.Sizes(), Options{RTol: 1e-9, ATol: 1e-9}, nil).Run(m, &Span{T1: 9}, out))
		return out
	}
	b := &ball{g: 9.8, e: 0.8, y0: 10, r: 0.2}
	looked := run(b, nil)
	require.Positive(t, looked.Stats.Unproven)
	require.LessOrEqual(t, looked.Stats.Unproven, looked.Stats.Steps)
	require.NotEmpty(t, looked.Log)
	for name, out := range map[string]*Trajectory{"bounds": run(bounded{b}, nil), "polynomials": run(b, []bool{true})} {
		require.Zero(t, out.Stats.Unproven, name)
		require.Len(t, out.Log, len(looked.Log), name)
		for i, e := range out.Log {
			require.InDelta(t, looked.Log[i].T, e.T, 1e-9, name)
		}
	}
	var total Stats
	total.Add(&looked.Stats)
	total.Add(&Stats{Unproven: 2, UnprovenGuard: 3})
	total.Add(&Stats{})
	require.Equal(t, looked.Stats.Unproven+2, total.Unproven)
	require.Equal(t, 3, total.UnprovenGuard)
}
