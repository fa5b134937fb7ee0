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

// quick compares the gradient of a loss in one mode.
func quick(t *testing.T, model, rows, mode string, opt sim.Options, spoil func(mode, trajectory string, g []float64)) *fit.Certificate {
	t.Helper()
	f := problemtest.Load(t, model, rows)
	c, err := Certify(t.Context(), f.Prog, f.Space, f.Trajectories, opt, Want{24, mostTimed, coarseDifference, coarseTolerance, []string{mode}, false, spoil})
	require.NoError(t, err)
	return c
}

func rowOf(t *testing.T, c *fit.Certificate, target, name string) fit.CertifiedPartial {
	t.Helper()
	for _, x := range c.Targets {
		if k := slices.IndexFunc(x.Rows, func(r fit.CertifiedPartial) bool { return r.Name == name }); k >= 0 && x.Name == target {
			return x.Rows[k]
		}
	}
	t.Fatalf("there is no %s by %s", target, name)
	return fit.CertifiedPartial{}
}

// TestWithoutDifferences: a parameter on which the order of two events hangs has no differences;
// another mode is asked, and what it says counts in their place. That by c has some, and is what
// the closed form says: ½ Σ (exp(−c t) + x − y)², by c, of three values.
func TestWithoutDifferences(t *testing.T) {
	const model = `model M {
  param k in (0, inf) = 1
  param c = 0.7
  state x = 0
  state z = 0
  state v = 1
  x' = k
  z' = 1
  v' = -c*v
  event one when x >= 1 { x := 0.2 }
  event two when z >= 1 { z := 0.1 }
  observe y = v + x ~ normal(1)
}
data d from "data.csv" { time: t, y: y }
`
	const rows = "t,y\n0.5,0.4\n1.5,0.3\n2.3,0.6\n"
	want := 0.
	for _, r := range [][3]float64{{0.5, 0.5, 0.4}, {1.5, 0.7, 0.3}, {2.3, 0.7, 0.6}} { // time, x, y
		v := math.Exp(-0.7 * r[0])
		want -= r[0] * v * (v + r[1] - r[2]) / 3
	}
	for _, mode := range []string{"unrolled", "forward", "adjoint"} {
		c := quick(t, model, rows, mode, tight, nil)
		require.True(t, c.Certified(), "%s: %s off by %g", mode, c.Where, c.Worst)
		require.Equal(t, [2]int{1, 2}, [2]int{c.Compared, c.Doubtful}, "%s: k, and the direction through all", mode)
		k, by := rowOf(t, c, "loss", "k"), rowOf(t, c, "loss", "c")
		require.Contains(t, k.Failed, "another order")
		require.Equal(t, "differences", k.Doubtful)
		require.Less(t, k.Off[0], coarseTolerance)
		require.Empty(t, by.Failed)
		require.InDelta(t, want, by.Difference, 1e-7)
		require.InDelta(t, want, by.Gradient[0], 1e-7, mode)

		c = quick(t, model, rows, mode, tight, func(_, _ string, g []float64) { g[0] += 1e-3 })
		require.True(t, c.Certified(), "both are spoilt alike")
		c = quick(t, model, rows, mode, tight, func(m, _ string, g []float64) {
			if m == mode {
				g[0] += 1e-3
			}
		})
		require.False(t, c.Certified(), mode)
		require.Greater(t, rowOf(t, c, "loss", "k").Off[0], coarseTolerance)
	}
}

// TestStationary: a parameter whose derivative vanishes at the start is no inert one, and is compared
// on the first trajectory on which it acts; one that only a trajectory without rows could feel is inert.
func TestStationary(t *testing.T) {
	const model = `model M {
  covariate on
  param k in (0, inf) = 0.4
  param still = 1
  param idle = 2
  state x = 1
  x' = -k*x
  observe y = x + on*(still - 1)^2 ~ normal(0.5)
}
data d from "data.csv" { time: t, trajectory: id, y: y, on: on }
`
	c := quick(t, model, "id,t,y,on\na,1,0.5,0\nb,1,0.9,1\nc,2,0.4,1\n", "unrolled", tight, nil)
	require.True(t, c.Certified(), "%s: %g", c.Where, c.Worst)
	require.Equal(t, []string{"idle"}, c.Inert)
	by := rowOf(t, c, "loss of id=b", "still")
	require.InDelta(t, 0, by.Difference, 1e-6)
	require.Zero(t, by.Gradient[0])
	for _, x := range c.Targets {
		require.True(t, x.Name == "loss of id=b" || !slices.ContainsFunc(x.Rows, func(r fit.CertifiedPartial) bool { return r.Name == "still" }), x.Name)
	}
	// By k: of values (exp(−k t) − y)²/(2·0.5²).
	want := -math.Exp(-0.4) * (math.Exp(-0.4) - 0.5) / 0.25
	require.InDelta(t, want, rowOf(t, c, "loss of id=a", "k").Difference, 1e-6)
}

// TestTakenOver: the state of a stiff run is not integrated backwards, so that mode is left out where
// there are others.
func TestTakenOver(t *testing.T) {
	const model = `model M {
  param k in (0, inf) = 0.4
  param rate in (0, inf) = 1e5
  state x = 1
  state z = 0
  x' = -k*x
  z' = rate*(x - z)
  observe y = z ~ normal(0.5)
}
data d from "data.csv" { time: t, y: y }
`
	f := problemtest.Load(t, model, "t,y\n5,0.2\n10,0.1\n")
	opt := tight
	opt.Stiff = solvers.Rodas5P
	c, err := Certify(t.Context(), f.Prog, f.Space, f.Trajectories, opt, Want{24, mostTimed, FineDifference, FineTolerance, []string{"unrolled", "backsolve", "adjoint"}, false, nil})
	require.NoError(t, err)
	require.Equal(t, []string{"unrolled", "adjoint"}, c.Modes)
	k := rowOf(t, c, "loss", "k")
	require.Len(t, k.Gradient, 2)
	// z follows x at a distance: exp(−k t)/(1 − k/rate).
	z := func(k, at float64) float64 { return math.Exp(-k*at) / (1 - k/1e5) }
	of := func(k float64) float64 {
		return (math.Pow(z(k, 5)-0.2, 2) + math.Pow(z(k, 10)-0.1, 2)) / (2 * 0.25) / 2
	}
	want := (of(0.4+1e-5) - of(0.4-1e-5)) / 2e-5
	require.InDelta(t, want, k.Gradient[0], 1e-6)
	require.InDelta(t, want, k.Gradient[1], 1e-5)
}

// TestWitnessOfStiffRuns: where differences cannot tell, and a run has been taken over by a stiff
// method, the adjoint equation is the witness along it. The start counts in its power 2.5, which
// has no value on one side.
func TestWitnessOfStiffRuns(t *testing.T) {
	const model = `model M {
  param k in (0, inf) = 0.4
  param s = 1
  state x = 1
  state z = 0
  x' = -k*x
  z' = 100000*(x - z)
  observe y = z + (s - 1)^2.5 ~ normal(0.5)
}
data d from "data.csv" { time: t, y: y }
`
	opt := tight
	opt.Stiff = solvers.Rodas5P
	c := quick(t, model, "t,y\n5,0.2\n10,0.1\n", "unrolled", opt, nil)
	require.True(t, c.Certified(), "%s: %g", c.Where, c.Worst)
	s := rowOf(t, c, "loss", "s")
	require.Contains(t, s.Failed, "a run fails")
	require.Zero(t, s.Gradient[0])
	c = quick(t, model, "t,y\n5,0.2\n10,0.1\n", "unrolled", opt, func(mode, _ string, g []float64) {
		if mode == "unrolled" {
			g[1] += 1e-3
		}
	})
	require.False(t, c.Certified(), "the witness does not agree")
}

// TestManyWeights: of more coordinates than the forward mode goes through for one direction, it is left out
// there; by single weights it is compared.
func TestManyWeights(t *testing.T) {
	for hidden, modes := range map[string]int{"[5]": 2, "[30]": 1} { // 16 and 91 weights
		model := "model M {\n  neural f(x) -> 1 { hidden: " + hidden + ", activation: tanh, seed: 3 }\n  state x = 1\n  x' = f(x) - x\n  observe y = x ~ normal(0.5)\n}\ndata d from \"data.csv\" { time: t, y: y }\n"
		f := problemtest.Load(t, model, "t,y\n1,0.5\n2,0.7\n")
		c, err := Certify(t.Context(), f.Prog, f.Space, f.Trajectories, tight, Want{3, mostTimed, FineDifference, FineTolerance, []string{"unrolled", "forward"}, false, nil})
		require.NoError(t, err)
		require.True(t, c.Certified(), "%s: %g", c.Where, c.Worst)
		for _, r := range c.Targets[0].Rows {
			if r.Direction {
				require.Len(t, r.Gradient, modes, hidden)
			} else {
				require.Len(t, r.Gradient, 2, hidden)
			}
		}
	}
}
