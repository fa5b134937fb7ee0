package loss

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/mat"

	"github.com/pinode/pinode/compiler"
	"github.com/pinode/pinode/compiler/check"
	"github.com/pinode/pinode/compiler/ir"
	"github.com/pinode/pinode/compiler/lower"
	"github.com/pinode/pinode/fit"
	"github.com/pinode/pinode/internal/encoder"
	"github.com/pinode/pinode/internal/engine"
	"github.com/pinode/pinode/internal/problem"
	"github.com/pinode/pinode/sim"
)

// ended is a run from 1 to 5 that ended at a state.
func ended(y ...float64) *Run {
	r := &Run{share: 1, LaneState: &engine.LaneState{EndY: make([]float64, len(y))}}
	r.Span = sim.Span{T0: 1, T1: 5}
	r.Traj.Y = y
	return r
}

// TestDecay: λ Σ w² over each block with a λ, and 2 λ w.
func TestDecay(t *testing.T) {
	p := &decay{&Objective{Space: &problem.Space{Weights: []problem.WeightRange{{N: 2, At: 1, L2: 0.5}, {N: 1, At: 3}, {N: 1, At: 4, L2: 2}}}, Total: 5}}
	e := &evaluation{x: []float64{7, 1, -3, 9, 0.5}, grad: []float64{1, 1, 1, 1, 1}}
	p.total(e, nil)
	require.Equal(t, []fit.Term{{Name: "weight decay", Value: 0.5 * 10}, {Name: "weight decay", Value: 2 * 0.25}}, e.terms)
	require.Equal(t, 5.5, e.res.Loss)
	require.Equal(t, []float64{1, 1 + 1, 1 - 3, 1, 1 + 2}, e.grad)

	// As residuals, of the undivided loss: half of the sum of their squares, in the order of the weights.
	require.Equal(t, 3, p.rows())
	r, jac := make([]float64, 4), mat.NewDense(4, 5, nil)
	require.InDelta(t, 5*5.5, p.squares(e.x, r, jac, 1), 1e-14)
	require.InDeltaSlice(t, []float64{0, math.Sqrt(5), -3 * math.Sqrt(5), 0.5 * math.Sqrt(20)}, r, 1e-14)
	for k, c := range []int{1, 2, 4} {
		row := make([]float64, 5)
		row[c] = []float64{math.Sqrt(5), math.Sqrt(5), math.Sqrt(20)}[k]
		require.InDeltaSlice(t, row, jac.RawRowView(1+k), 1e-14)
	}
	var b Beside
	p.beside(&b, 3, 7)
	require.Equal(t, Beside{Decay: 3}, b)
}

// TestPenalties: the mean over the time of each run and over runs.
func TestPenalties(t *testing.T) {
	p := &penalties{[]lower.Penalty{{Name: "low", State: 2, Weight: 3}, {Name: "high", State: 0, Weight: 1}}}
	sums := make([]float64, 2)
	for _, y := range [][]float64{{8, 100, 4}, {2, 100, 12}} {
		r := ended(y...)
		p.end(r, &Task{PerTrajectory: 0.5}, sums)
		require.Equal(t, []float64{0.125, 0, 0.375}, r.EndY)
		require.Zero(t, r.loss)
	}
	e := &evaluation{perTrajectory: 0.5, perValue: 99}
	p.total(e, sums)
	require.Equal(t, []fit.Term{{Name: "low", Value: 3. * 16 / 4 / 2}, {Name: "high", Value: 10. / 4 / 2}}, e.terms)
	require.Equal(t, 6+1.25, e.res.Loss)
	r := ended(5, 5, 5)
	r.Span.T1 = r.Span.T0
	sums = make([]float64, 2)
	p.end(r, &Task{PerTrajectory: 1}, sums)
	require.Equal(t, []float64{0, 0}, sums, "a run that takes no time has no mean over it")
}

// TestObservedFirings: the integral of each event whose firings are data is loss of
// measured values.
func TestObservedFirings(t *testing.T) {
	rate := &lower.Event{Checked: &check.Event{Obj: check.Obj{Name: "a"}}, Likelihood: 1}
	p := &observedFirings{events: []lower.Event{{Checked: &check.Event{Obj: check.Obj{Name: "b"}}}, *rate}}
	r := ended(3, 0.75)
	r.pointProcess, r.loss = []int{1}, 2
	sums := make([]float64, 2)
	p.end(r, &Task{PerValue: 0.25}, sums)
	require.Equal(t, []float64{0, 0.75}, sums)
	require.Equal(t, 2.75, r.loss)
	require.Equal(t, []float64{0, 0.25}, r.EndY)
	require.Equal(t, []string{"event b", "event a"}, p.terms())
	p.events[1].Rate = &ir.Node{} // b has none
	e := &evaluation{perValue: 0.5}
	p.total(e, []float64{3, 0.75})
	require.Equal(t, []fit.Term{{Name: "event a", Value: 0.375}}, e.terms)
	require.Zero(t, e.res.Loss, "it is in that of the runs")
	e.terms = nil
	p.total(e, []float64{0, 0})
	require.Empty(t, e.terms, "no data tell of firings")
}

// TestTermsOfRows: observations come before loss terms, in the names as in the
// program of a row.
func TestTermsOfRows(t *testing.T) {
	l := &check.Loss{Obj: check.Obj{Name: "l"}}
	o := &check.Observe{Obj: check.Obj{Name: "o"}}
	p := newObservedRows(&lower.Model{Layout: lower.Layout{Observes: []lower.Slot{{Object: o, N: 3}}}}, &check.Model{Observes: []*check.Observe{o}, Losses: []*check.Loss{l}})
	require.Equal(t, []string{"o", "l"}, p.terms())
	require.Nil(t, p.lossOf(0))
	require.Same(t, l, p.lossOf(1))
	e := &evaluation{perValue: 0.5}
	p.total(e, []float64{4, 6})
	require.Equal(t, []fit.Term{{Name: "o", Value: 2}, {Name: "l", Value: 3}}, e.terms)
	require.Zero(t, e.res.Loss, "rows are in the loss of the runs")
}

// TestNotSquares: each part says itself why it has no residuals; what has no weight has no
// scores, and does not shift the names.
func TestNotSquares(t *testing.T) {
	m := &check.Model{
		Observes: []*check.Observe{{Obj: check.Obj{Name: "shown"}}, {Obj: check.Obj{Name: "y"}, Weight: 1}},
		Losses:   []*check.Loss{{Obj: check.Obj{Name: "l"}}},
	}
	rows := func(y, l lower.Scores) *observedRows {
		return newObservedRows(&lower.Model{Observed: lower.Observed{Scores: []lower.Scores{y, l}}}, m)
	}
	square, density, unknown := lower.Scores{Known: true, Square: true}, lower.Scores{Known: true}, lower.Scores{}
	require.Empty(t, rows(square, density).notSquares())
	require.Contains(t, rows(unknown, square).notSquares(), "the loss of `y`")
	require.Contains(t, rows(density, unknown).notSquares(), "the loss of `l`")
	require.Empty(t, rows(square, square).notExact())
	require.Contains(t, rows(density, square).notExact(), "the density of `y`")
	require.Contains(t, rows(square, density).notExact(), "the density of `l`")

	o := &Objective{Prog: &engine.Compiled{Program: &compiler.Program{Model: &lower.Model{}}}, Trajectories: []*problem.Trajectory{{}, {}}}
	o.parts = []part{&observedFirings{o: o}, &divergence{o}, &decay{o}}
	require.Empty(t, o.notSquares())
	o.Trajectories[1].PointProcess = []int{0}
	require.Equal(t, "the data tell firings of an event with a rate", o.notSquares())
	o.Trajectories[1].PointProcess, o.encoder = nil, &encoder.Encoder{}
	require.Contains(t, o.notSquares(), "differentiated backwards")
	o.Prog.Model.Divergence = ir.NewBuilder().Const(0)
	require.Contains(t, o.notSquares(), "by an encoder")
}
