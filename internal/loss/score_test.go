package loss

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/fit"
	"github.com/pinode/pinode/internal/engine"
)

// TestScores: of each component how many values there are, how far they are off, and which share of
// them lies in the central half and 95 % of its distribution.
func TestScores(t *testing.T) {
	o, x := objective(t, `model M {
  param s in (0, inf) = 0.5
  state x[2] = [1, 3]
  x' = [0, 0]
  observe plain = x[0]
  observe y[2] = x ~ normal(s*x)
  observe n = 2*x[0] ~ poisson()
}
data d from "data.csv" { time: t, trajectory: id, plain: p, y: [u, v], n: n }
`, "id,t,p,u,v,n\na,0,1.5,1.3,,2\na,1,0,1.4,4,5\nb,0,,,2.5,0\nb,2,,2.1,6,\n", "unrolled")
	s, err := NewScorer(o.Prog)
	require.NoError(t, err)
	sys := o.Workers[0].System
	sys.Bind(o.Space.SharedAt(x, o.Natural), o.Space.Scales)
	var list []fit.Residual
	for _, it := range o.Trajectories {
		sys.BindTrajectory(o.Space.OwnInputs(o.Natural, it, nil), it.Signals)
		for i := range it.Rows {
			r := it.Rows[i]
			y := []float64{1, 3}
			sys.RowAt(it.Span.Saves[r.Save()], y, nil, y, nil, r.Data(), r.Seen(), r.Inputs(), r.Own())
			list = s.Row(list, it, r, sys)
		}
	}
	of := func(trajectory, observation string, at, data, prediction float64) fit.Residual {
		return fit.Residual{Trajectory: trajectory, Observation: observation, Time: at, Data: data, Prediction: prediction}
	}
	require.Equal(t, []fit.Residual{
		of("id=a", "plain", 0, 1.5, 1),
		of("id=a", "y[0]", 0, 1.3, 1),
		of("id=a", "n", 0, 2, 2),
		of("id=a", "plain", 1, 0, 1),
		of("id=a", "y[0]", 1, 1.4, 1),
		of("id=a", "y[1]", 1, 4, 3),
		of("id=a", "n", 1, 5, 2),
		of("id=b", "y[1]", 0, 2.5, 3),
		of("id=b", "n", 0, 0, 2),
		of("id=b", "y[0]", 2, 2.1, 1),
		of("id=b", "y[1]", 2, 6, 3),
	}, list)
	got := s.Scores()
	require.Equal(t, []string{"plain", "y[0]", "y[1]", "n"}, []string{got[0].Observation, got[1].Observation, got[2].Observation, got[3].Observation})
	require.True(t, math.IsNaN(got[0].Coverage50) && math.IsNaN(got[0].Coverage95), "it has no distribution")
	require.Equal(t, []int{2, 3, 3, 3}, []int{got[0].Values, got[1].Values, got[2].Values, got[3].Values})
	rms := func(d ...float64) float64 {
		sum := 0.
		for _, v := range d {
			sum += v * v
		}
		return math.Sqrt(sum / float64(len(d)))
	}
	for i, want := range []float64{rms(0.5, 1), rms(0.3, 0.4, 1.1), rms(1, 0.5, 3), rms(0, 3, 2)} {
		require.InDelta(t, want, got[i].RMSE, 1e-14)
	}
	// Half of a normal distribution lies within 0.674 deviations, which are 0.5 and 1.5 here, 95 % within 1.96. Of
	// the counts 0 … 5 around 2 the middle half is 1 … 3 and 95 % are 0 … 5.
	for i, want := range [][2]float64{1: {1. / 3, 2. / 3}, 2: {2. / 3, 2. / 3}, 3: {1. / 3, 1}} {
		if i > 0 {
			require.InDeltaSlice(t, want[:], []float64{got[i].Coverage50, got[i].Coverage95}, 1e-14, got[i].Observation)
		}
	}
	none, err := NewScorer(&engine.Compiled{Program: o.Prog.Program})
	require.NoError(t, err)
	require.Empty(t, none.Scores(), "nothing was counted")
}
