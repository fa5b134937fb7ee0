package loss

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/mat"

	"github.com/pinode/pinode/compiler/exec"
	"github.com/pinode/pinode/internal/problem"
	"github.com/pinode/pinode/internal/problem/problemtest"
	"github.com/pinode/pinode/sim"
	"github.com/pinode/pinode/solvers"
)

// residuals evaluates a loss as squares.
func residuals(t *testing.T, o *Objective, x []float64) (*Squares, float64, []float64, *mat.Dense) {
	t.Helper()
	s, why, err := NewSquares(o)
	require.NoError(t, err)
	require.Empty(t, why)
	r, jac := make([]float64, s.Rows()), mat.NewDense(s.Rows(), len(x), nil)
	res, err := s.Residuals(t.Context(), x, 1, r, jac)
	require.NoError(t, err)
	require.False(t, res.Failed, res.Reason)
	return s, res.Loss, r, jac
}

// manyParts has two loss terms, two penalties, weight decay of one of two networks, priors of weights
// and parameters, a row that counts in one term only and a missing value.
const manyParts = `model M {
  covariate v
  param k in (0, inf) = 0.5 ~ gamma(3, 0.4)
  param w in (0, inf) = 0.7 ~ lognormal(log(k), 0.3)
  param q per id in (0, 9) = 2 ~ normal(1, w)
  neural f(x) -> 1 { hidden: [2], l2: 0.3, seed: 1 }
  neural h(x) -> 1 { hidden: [1], seed: 2, prior: normal(0, 0.8) }
  state x[2] = [1, 0.5]
  x' = [-k*x[0] + 0.1*f(x[1]), 0.2*h(x[0])]
  observe y[2] = [x[0], q*x[1]] ~ normal(0.2)
  observe z = x[0]*x[1] { weight: 2 }
  loss near = (x[0] - 0.4)^2 where v > 1 { weight: 5 }
  loss far = (w*x[1] - data(y)[0])^2 where observed(y)[0] { weight: 0.5, mean: trajectories }
  require x[0] >= 0.95 { weight: 2 }
  require x[1] <= 0.45 { weight: 3 }
}
data d from "data.csv" { time: t, trajectory: id, y: [a, b], z: c, v: v }
`

const manyRows = "id,v,t,a,b,c\n1,2,0,1.1,0.9,0.4\n1,2,1,0.7,,0.5\n2,1,0.5,0.9,1.2,\n3,3,0.5,,1,0.3\n3,3,2,0.2,1.1,0.2\n"

// TestSquaresOfAllParts: residuals of every kind give the gradient of the loss, and the loss is the sum of
// its terms.
func TestSquaresOfAllParts(t *testing.T) {
	o, x := objective(t, manyParts, manyRows, "unrolled")
	for i := range x[5:] {
		x[5+i] = 0.3 * math.Sin(float64(3*i+1))
	}
	grad := make([]float64, len(x))
	res, err := o.Eval(t.Context(), x, nil, 1, grad)
	require.NoError(t, err)
	require.Equal(t, 8+4, res.Values)
	s, loss, r, jac := residuals(t, o, x)
	n := float64(res.Values)
	require.InDelta(t, n*res.Loss, loss, 1e-8)
	sum := 0.
	terms := map[string]float64{}
	for _, term := range res.Terms {
		sum += term.Value
		terms[term.Name] += term.Value
	}
	require.InDelta(t, res.Loss, sum, 1e-12, "%v", res.Terms)
	require.Len(t, terms, 8, "%v", terms)
	for name, v := range terms {
		require.NotZero(t, v, name)
	}
	var got mat.VecDense
	got.MulVec(jac.T(), mat.NewVecDense(len(r), r))
	for i, g := range grad {
		require.InDelta(t, n*g, got.AtVec(i), 1e-6*(1+math.Abs(n*g)), o.Name(i))
	}
	slopes(t, x, grad, func(x []float64) float64 {
		res, err := o.Eval(t.Context(), x, nil, 1, nil)
		require.NoError(t, err)
		return res.Loss
	}, 1e-6, "differences")

	// Without derivatives the residuals are the same.
	again := make([]float64, len(r))
	bare, err := s.Residuals(t.Context(), x, 1, again, nil)
	require.NoError(t, err)
	require.InDelta(t, loss, bare.Loss, 1e-12)
	require.InDeltaSlice(t, r[:s.tail], again[:s.tail], 1e-12)
	require.Positive(t, s.Work())
	require.Positive(t, o.Operations(x))

	// What is expected of the curvature of values, and of weight decay; those of y are distances in deviations.
	misfit, count := s.Misfit(r, nil)
	at, seen := 0., 0
	s.Misfit(r, func(trajectory, row, element int, v float64) {
		it := o.Trajectories[trajectory]
		require.Equal(t, 1., it.Rows[row].Seen()[element])
		at += v * v
		seen++
	})
	require.Equal(t, misfit, at)
	require.Equal(t, count, seen)
	require.Equal(t, 12, count)
	require.InDelta(t, (terms["y"]+terms["z"])*n-8*math.Log(0.2*math.Sqrt(2*math.Pi)), misfit/2, 1e-9)
}

// TestWeightsOfLosses: each loss term is the mean over its own rows, or over trajectories of its sums, and
// without a measured value the loss is that of the terms alone.
func TestWeightsOfLosses(t *testing.T) {
	const model = `model M {
  covariate v
  param k in (0, inf) = 0.5
  state x = 1
  x' = 0*k
  observe y = x ~ normal(1)%s
  loss one = 2*k where v > 1 { weight: 5 }
  loss two = 3*k where t > 0.7 { mean: trajectories }
  loss three = 7*k
}
data d from "data.csv" { time: t, trajectory: id, y: a, v: v }
`
	const rows = "id,v,t,a\n1,2,0,1\n1,2,1,1\n1,2,2,1\n2,1,0.5,1\n2,1,1,1\n"
	for weight, nll := range map[string]float64{"": math.Log(math.Sqrt(2 * math.Pi)), " { weight: 0 }": 0} {
		f := problemtest.Load(t, fmt.Sprintf(model, weight), rows)
		o, err := NewObjective(f.Prog, f.Space, f.Trajectories, nil, sim.Options{Method: solvers.Tsit5, RTol: 1e-6, ATol: 1e-8}, "unrolled", exec.Double, 1)
		require.NoError(t, err)
		res, err := o.Eval(t.Context(), f.X, nil, 1, nil)
		require.NoError(t, err)
		require.InDelta(t, nll+5*2*0.5+3*0.5*3/2+7*0.5, res.Loss, 1e-12, weight)
		values := map[string]int{"": 5, " { weight: 0 }": 3 + 3 + 5}[weight]
		require.Equal(t, values, res.Values)
		require.Equal(t, values, o.Total)
		res, err = o.Eval(t.Context(), f.X, []int{1}, 1, nil)
		require.NoError(t, err)
		require.InDelta(t, nll+0+3*0.5+7*0.5, res.Loss, 1e-12, "no row of the first term is in the batch")
		alone, err := o.Likelihood(t.Context(), f.X, nil, nil)
		require.NoError(t, err)
		require.InDelta(t, nll, alone.Loss, 1e-12, "loss terms are no likelihood")
		half, err := o.Eval(t.Context(), f.X, nil, 0.5, nil)
		require.NoError(t, err)
		require.InDelta(t, nll+5+3*0.5/2+7*0.5, half.Loss, 1e-12, "up to t = 1 of the first and 0.75 of the second")
	}
	require.Equal(t, 2, mustObjective(t, fmt.Sprintf(model, ""), rows).Items())
	require.Equal(t, 1., mustObjective(t, fmt.Sprintf(model, ""), rows).Length(1))
}

func mustObjective(t *testing.T, model, table string) *Objective {
	t.Helper()
	o, _ := objective(t, model, table, "unrolled")
	return o
}

// TestKinkedResiduals: absolute values and Huber's are touched by parabolas: the gradient is theirs, and
// the curvature is that of a parabola whose value is theirs.
func TestKinkedResiduals(t *testing.T) {
	o, x := objective(t, `model M {
  param a = 1
  param b in (0, inf) = 0.5
  state x = 0
  x' = a
  observe y[2] = [x, a*a] ~ laplace(b)
}
data d from "data.csv" { time: t, y: [u, v] }
`, "t,u,v\n0.5,0.9,0.2\n1,1,1.0001\n2,,3\n", "unrolled")
	grad := make([]float64, len(x))
	res, err := o.Eval(t.Context(), x, nil, 1, grad)
	require.NoError(t, err)
	s, _, r, jac := residuals(t, o, x)
	require.Len(t, s.Kinks(), 5)
	linear, slope := make([]float64, len(r)), mat.NewDense(len(r), len(x), nil)
	_, err = s.Linear(t.Context(), x, 1, linear, slope)
	require.NoError(t, err)
	var got mat.VecDense
	got.MulVec(jac.T(), mat.NewVecDense(len(r), r))
	require.InDelta(t, 5*grad[0], got.AtVec(0), 1e-6)
	require.InDelta(t, 5*grad[1], got.AtVec(1), 1e-6)
	require.Equal(t, 5, res.Values)
	for _, k := range s.Kinks() {
		z, by := linear[k[0]], linear[k[1]]
		require.Positive(t, by)
		root := math.Sqrt(math.Max(math.Abs(z)/by, 0.05))
		require.Zero(t, r[k[1]], "the factor is no residual")
		if z == 0 {
			require.Zero(t, r[k[0]])
		} else {
			require.InDelta(t, by*root, math.Abs(r[k[0]]), 1e-12)
			require.Equal(t, math.Signbit(z), math.Signbit(r[k[0]]))
		}
		for i := range x {
			require.InDelta(t, slope.At(k[0], i)/root, jac.At(k[0], i), 1e-12)
		}
	}
}

// TestCurvature: what is expected of the likelihood, and the second derivatives of priors, by the parameters
// themselves in the units of their coordinates. By differences of the loss it is the same where the residuals
// are small.
func TestCurvature(t *testing.T) {
	o, x := objective(t, `model M {
  param k in (0, inf) = 2 ~ lognormal(log(m), 0.4)
  param m in (0, inf) = 1.5 ~ gamma(3, 0.5)
  param c in (-1, 5) = 1 ~ normal(0, 2)
  neural f(t) -> 1 { hidden: [], prior: normal(0, 0.5) }
  state x = 1
  x' = 0
  observe y = k*t + c + 0*f(t) ~ normal(0.5)
}
data d from "data.csv" { time: t, y: y }
`, "t,y\n0,1\n1,3\n2,5\n", "unrolled")
	s, _, _, jac := residuals(t, o, x)
	h := s.Curvature(x, jac)
	unit := make([]float64, 3)
	for i := range unit {
		unit[i] = o.Space.Transforms[i].Derivative(x[i])
	}
	nat := []float64{2, 1.5, 1}
	log := math.Log(nat[0] / nat[1])
	want := [3][3]float64{}
	want[0][0] = 5/0.25 + (1-log)/0.16/4 - 1./4 // Σt²/σ², and of the prior: (ln k − ln m)²/2σ² + ln k
	want[0][1] = -1 / 0.16 / (2 * 1.5)
	want[1][1] = (1+log)/0.16/(1.5*1.5) + 2/(1.5*1.5)
	want[0][2] = 3 / 0.25
	want[2][2] = 3/0.25 + 1./4
	for i := range 3 {
		for j := i; j < 3; j++ {
			require.InDelta(t, want[i][j]*unit[i]*unit[j], h.At(i, j), 1e-4*(1+math.Abs(h.At(i, j))), "%d %d", i, j)
		}
	}
	require.InDelta(t, 1/0.25, h.At(3, 3), 1e-6, "of a weight")
	require.InDelta(t, 1/0.25, h.At(4, 4), 1e-6)
	require.Zero(t, h.At(3, 4))

	seen, err := Observed(t.Context(), o, o, x, []int{0, 1, 2, 3}, 3)
	require.NoError(t, err)
	for i := range 4 {
		for j := i; j < 4; j++ {
			require.InDelta(t, h.At(i, j), seen.At(i, j), 1e-3*(1+math.Abs(h.At(i, j))), "%d %d", i, j)
		}
	}
	require.False(t, Censored(o))
	limited := mustObjective(t, "model M {\n  param k = 1\n  state x = 1\n  x' = -k*x\n  observe a = x ~ normal(1)\n  observe y = x ~ normal(1) { above: 2 }\n}\ndata d from \"data.csv\" { time: t, y: y, a: y }\n", "t,y\n0,1\n")
	require.True(t, Censored(limited))
}

// TestHeldAtBounds: a parameter at the closed end of its interval moves nothing.
func TestHeldAtBounds(t *testing.T) {
	f := problemtest.Load(t, `model M {
  param k in [0, 1] = 0.5 ~ uniform(0, 1)
  param c = 2 ~ normal(k, 1)
  state x = 1
  x' = -k*x
  observe y = c*x ~ normal(0.5)
}
data d from "data.csv" { time: t, y: y }
`, "t,y\n1,1\n2,1.5\n")
	o, err := NewObjective(f.Prog, f.Space, f.Trajectories, nil, sim.Options{Method: solvers.Vern9, RTol: 1e-11, ATol: 1e-13}, "unrolled", exec.Double, 1)
	require.NoError(t, err)
	normal := func(z, s float64) float64 { return z*z/2/s/s + math.Log(s*math.Sqrt(2*math.Pi)) }
	for _, k := range []float64{0, 1} {
		require.NoError(t, f.Space.SetValues(&problem.Values{Params: map[string]float64{"k": k}}))
		x, err := f.Space.Exact()
		require.NoError(t, err)
		require.True(t, math.IsInf(x[0], 0))
		s, loss, _, jac := residuals(t, o, x)
		one, two := math.Exp(-k), math.Exp(-2*k)
		require.InDelta(t, normal(2*one-1, 0.5)+normal(2*two-1.5, 0.5)+normal(2-k, 1), loss, 1e-9)
		for i := range s.Rows() {
			require.Zero(t, jac.At(i, 0), "row %d", i)
		}
		h := s.Curvature(x, jac)
		require.Zero(t, h.At(0, 0))
		require.InDelta(t, (one*one+two*two)/0.25+1, h.At(1, 1)/math.Pow(f.Space.Transforms[1].Derivative(x[1]), 2), 1e-5)
	}
}

// TestUnfinishedRuns: a run that ends before its last row is a failure at its end, of residuals too.
func TestUnfinishedRuns(t *testing.T) {
	o, x := objective(t, `model M {
  param k = 1
  state x = 0
  x' = k
  event stop when x >= 1.5 { terminate }
  observe y = x ~ normal(1)
}
data d from "data.csv" { time: t, y: y }
`, "t,y\n1,1\n2,2\n", "unrolled")
	res, err := o.Eval(t.Context(), x, nil, 1, nil)
	require.NoError(t, err)
	require.True(t, res.Failed)
	require.InDelta(t, 1.5, res.Reason.Time, 1e-9)
	require.Contains(t, res.Reason.Reason, "terminated: the run ended before the last measurement")
	s, _, err := NewSquares(o)
	require.NoError(t, err)
	again, err := s.Residuals(t.Context(), x, 1, make([]float64, s.Rows()), nil)
	require.NoError(t, err)
	require.Equal(t, res.Reason, again.Reason)
	half, err := o.Eval(t.Context(), x, nil, 0.5, nil)
	require.NoError(t, err)
	require.False(t, half.Failed, "up to the first row there is nothing wrong")
}

// TestPriorsAtTheStart: a prior without a density at the start value is told with its place.
func TestPriorsAtTheStart(t *testing.T) {
	model := func(prior string) string {
		return "model M {\n  param s = 0\n  param k = 1 ~ " + prior + "\n  state x = 1\n  x' = -k*x*s\n  observe y = x ~ normal(1)\n}\ndata d from \"data.csv\" { time: t, y: y }\n"
	}
	for prior, want := range map[string]string{"normal(0, 1 + s)": "", "normal(0, s)": "m.node:3:13: error: the prior of `k` has no density at its start value", "normal(0, s - 1)": "the prior of `k` has no density at its start value"} {
		o, x := objective(t, model(prior), "t,y\n0,1\n", "unrolled")
		err := o.CheckPriors(x)
		if want == "" {
			require.NoError(t, err)
			continue
		}
		require.ErrorContains(t, err, want, prior)
	}
	plain, x := objective(t, "model M {\n  param k = 1\n  state x = 1\n  x' = -k*x\n  observe y = x ~ normal(1)\n}\ndata d from \"data.csv\" { time: t, y: y }\n", "t,y\n0,1\n", "unrolled")
	require.NoError(t, plain.CheckPriors(x))
}

// TestSizesOfChunks: whole groups of lanes, about 64 chunks of many trajectories and eight of few, and no fewer
// trajectories than a large network is worth.
func TestSizesOfChunks(t *testing.T) {
	for _, c := range [][3]int{
		{1, 0, 8},
		{64, 0, 8},
		{65, 0, 16},
		{256, 0, 32},
		{512, 0, 64},
		{4000, 0, 64},
		{4096, 0, 64},
		{4097, 0, 72},
		{10000, 0, 160},
		{100, 64, 64},
		{100, 40, 56},
		{100, 1000, 104},
		{1000, 64, 128},
		{30, 64, 32},
	} {
		require.Equal(t, c[2], chunkSize(c[0], c[1]), "%v", c)
	}
}
