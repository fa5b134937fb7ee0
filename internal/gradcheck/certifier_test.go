package gradcheck

import (
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/fit"
	"github.com/pinode/pinode/internal/problem/problemtest"
	"github.com/pinode/pinode/sim"
	"github.com/pinode/pinode/solvers"
)

// dropping has parameters of each and of all trajectories, one without effect, weights, and an
// event that only the second trajectory comes to.
const dropping = `model M {
  covariate until
  param g in (0, inf) = 9.8
  param b per id = 1
  param idle = 3
  neural f(x) -> 1 { hidden: [3], seed: 2 }
  state h = b
  state v = 0
  h' = v
  v' = -g + 0.1*f(v)
  event bounce when h <= 0 { v := -0.8*v }
  observe y = h ~ normal(0.1)
}
data d from "data.csv" { time: t, trajectory: id, y: y, until: u }
`

const droppingRows = "id,u,t,y\na,1,0.1,0.9\na,1,0.3,0.5\nb,2,0.2,0.7\nb,2,0.7,0.5\n"

func certified(t *testing.T, want Want) *fit.Certificate {
	t.Helper()
	f := problemtest.Load(t, dropping, droppingRows)
	opt := sim.Options{Method: solvers.Tsit5, RTol: 1e-6, ATol: 1e-9}
	c, err := Certify(t.Context(), f.Prog, f.Space, f.Trajectories, opt, want)
	require.NoError(t, err)
	return c
}

// TestCertificate: each coordinate is compared where it acts, in all modes, and with it a
// direction through all of them; times of events, which are named, are not counted.
func TestCertificate(t *testing.T) {
	c := certified(t, Want{64, mostTimed, FineDifference, FineTolerance, Modes, true, nil})
	require.True(t, c.Certified(), "%s: %g", c.Where, c.Worst)
	require.Equal(t, []string{"idle"}, c.Inert)
	require.Zero(t, c.InertWeights)
	weights := 3 + 3 + 3 + 1
	// g, both b and the weights, then directions: of all trajectories and of each of the two.
	require.Equal(t, 3+weights+3, c.Compared+c.Doubtful)
	require.LessOrEqual(t, c.Doubtful, 1)
	names := map[string][]string{}
	for _, x := range c.Targets {
		for _, r := range x.Rows {
			if !r.Direction {
				names[x.Name] = append(names[x.Name], r.Name)
			}
		}
	}
	require.Subset(t, names["loss of id=a"], []string{"g", "b{id=a}"})
	require.Equal(t, []string{"b{id=b}"}, names["loss of id=b"])
	require.NotEmpty(t, c.Events)
	for _, e := range c.Events {
		require.Equal(t, "bounce", e.Name)
		require.InDelta(t, math.Sqrt(2/9.8), e.Time, 0.02)
	}
}

// TestCertificateFindsFaults: a gradient that is wrong in one mode, one coordinate and one
// trajectory is found there, with its size; one that is no number too.
func TestCertificateFindsFaults(t *testing.T) {
	for _, mode := range []string{"unrolled", "forward"} {
		want := Want{64, mostTimed, FineDifference, FineTolerance, []string{"unrolled", "forward"}, true, nil}
		clean := certified(t, want)
		want.Spoil = func(m, trajectory string, g []float64) {
			if m == mode && trajectory == "id=b" {
				g[2] += 1
			}
		}
		c := certified(t, want)
		require.False(t, c.Certified())
		require.Equal(t, mode, c.Mode)
		require.Contains(t, c.Where, "`b{id=b}`, in the loss of id=b")
		of := func(c *fit.Certificate) (row fit.CertifiedPartial) {
			for _, x := range c.Targets {
				if k := slices.IndexFunc(x.Rows, func(r fit.CertifiedPartial) bool { return r.Name == "b{id=b}" }); k >= 0 && x.Name == "loss of id=b" {
					row = x.Rows[k]
				}
			}
			return row
		}
		at := slices.Index(want.Modes, mode)
		require.InDelta(t, of(clean).Gradient[at]+1, of(c).Gradient[at], 1e-9)
		require.InDelta(t, of(clean).Gradient[1-at], of(c).Gradient[1-at], 1e-12)
		require.Less(t, of(c).Off[1-at], FineTolerance)

		want.Spoil = func(m, _ string, g []float64) {
			if m == mode {
				g[0] = math.NaN()
			}
		}
		c = certified(t, want)
		require.False(t, c.Certified())
		require.True(t, math.IsNaN(c.Worst))
	}
}
