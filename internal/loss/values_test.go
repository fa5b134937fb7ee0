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

// objective is the loss of a model over a table, solved as exactly as can be.
func objective(t *testing.T, model, table, gradient string) (*Objective, []float64) {
	t.Helper()
	f := problemtest.Load(t, model, table)
	opt := sim.Options{Method: solvers.Vern9, RTol: 1e-11, ATol: 1e-13}
	o, err := NewObjective(f.Prog, f.Space, f.Trajectories, nil, opt, gradient, exec.Double, 2)
	require.NoError(t, err)
	return o, f.X
}

// decaying is x = e^−kt with an offset for each group, observed with weights of rows, a
// penalty below 0.3, priors of what is shared and of what is not.
const decaying = `model M {
  covariate v
  param k in (0, inf) = 0.5 ~ lognormal(log(0.6), 0.4)
  param b per g = 0.2 ~ normal(0.1, 0.5)
  param c in (-10, 10) = 1.5 fixed
  state x = 1
  x' = -k*x
  input w
  observe y = c*x + b ~ normal(0.1) { weight: w }
  require x >= 0.3 { weight: 2 }
}
data d from "data.csv" { time: t, trajectory: [g, id], y: y, w: w, v: v }
`

// decayingRows are three trajectories of two groups: a row of weight 0, and one of 3.
const decayingRows = `g,id,v,t,y,w
a,1,1,0,1.6,1
a,1,1,1,1.2,0
a,1,1,4,0.5,3
a,2,1,2,0.9,1
b,1,1,0.5,1.5,1
b,1,1,4,0.3,1
`

// decayingLoss is the loss of some of the trajectories by formula, at k and the offsets of
// the groups a and b.
func decayingLoss(k, a, b float64, batch ...int) float64 {
	normal := func(z, s float64) float64 { return z*z/2/(s*s) + math.Log(s*math.Sqrt(2*math.Pi)) }
	row := func(b, t, y, w float64) float64 { return w * normal(y-1.5*math.Exp(-k*t)-b, 0.1) }
	// 2/T ∫ min(e^−kt − 0.3, 0)² dt, from when it is below.
	low := func(T float64) float64 {
		from := math.Log(1/0.3) / k
		if from > T {
			return 0
		}
		at := func(t float64) float64 {
			return -math.Exp(-2*k*t)/(2*k) + 0.6*math.Exp(-k*t)/k + 0.09*t
		}
		return 2 / T * (at(T) - at(from))
	}
	z := (math.Log(k) - math.Log(0.6)) / 0.4
	shared := z*z/2 + math.Log(0.4*k*math.Sqrt(2*math.Pi))
	nll := []float64{row(a, 0, 1.6, 1) + row(a, 4, 0.5, 3), row(a, 2, 0.9, 1), row(b, 0.5, 1.5, 1) + row(b, 4, 0.3, 1)}
	penalty := []float64{low(4), low(2), low(4)}
	values := []float64{2, 1, 2} // that count
	sum, n, p, priors := 0., 0., 0., shared
	for _, i := range batch {
		sum, n, p = sum+nll[i], n+values[i], p+penalty[i]
	}
	groups := map[bool]bool{}
	for _, i := range batch {
		if second := i == 2; !groups[second] {
			groups[second] = true
			priors += normal(map[bool]float64{false: a, true: b}[second]-0.1, 0.5)
		}
	}
	return sum/n + p/float64(len(batch)) + priors/5
}

// TestLossByHand: values that have a weight, priors once for each key, penalties of each
// trajectory, and the gradient, which is that of differences of the formula, for all
// trajectories and for batches of them.
func TestLossByHand(t *testing.T) {
	for _, gradient := range []string{"unrolled", "adjoint", "forward"} {
		o, x := objective(t, decaying, decayingRows, gradient)
		require.Equal(t, 5, o.Total)
		for _, batch := range [][]int{{0, 1, 2}, {1}, {2}, {0, 1}, {2, 0}} {
			told := fmt.Sprintf("%s, trajectories %v", gradient, batch)
			grad := make([]float64, len(x))
			res, err := o.Eval(t.Context(), x, batch, 1, grad)
			require.NoError(t, err)
			require.InDelta(t, decayingLoss(0.5, 0.2, 0.2, batch...), res.Loss, 1e-9, told)
			for i := range x {
				want := 0.
				for j, w := range []float64{1, -8, 8, -1} { // of order four
					const h = 1e-3
					at := append([]float64{}, x...)
					at[i] += h * []float64{-2, -1, 1, 2}[j]
					nat := make([]float64, len(x))
					o.Space.Transforms.Forward(nat, at)
					want += w * decayingLoss(nat[0], nat[1], nat[2], batch...) / (12 * h)
				}
				require.InDelta(t, want, grad[i], 1e-7*(1+math.Abs(want)), "%s, %s", told, o.Name(i))
			}
		}
		all, err := o.Eval(t.Context(), x, nil, 1, nil)
		require.NoError(t, err)
		require.InDelta(t, decayingLoss(0.5, 0.2, 0.2, 0, 1, 2), all.Loss, 1e-9)
		require.Equal(t, 5, all.Values)
	}
}

// TestWeightsAreRefused: a weight is a number from 0 on, where something is measured.
func TestWeightsAreRefused(t *testing.T) {
	f := problemtest.Load(t, decaying, "g,id,v,t,y,w\na,1,1,0,1,1\na,1,1,2,,-3\na,1,1,1,1,-2\n")
	_, err := NewObjective(f.Prog, f.Space, f.Trajectories, nil, sim.Options{Method: solvers.Tsit5, RTol: 1e-6, ATol: 1e-9}, "unrolled", exec.Double, 1)
	require.ErrorContains(t, err, "the weight of `y` at 1 is -2")
}

// TestOrdersAreCounted: an evaluation says of how many trajectories the events follow in
// another order than at the one before: here, with x = e^−kt, x falls below a half before
// t = 1 where k > log 2.
func TestOrdersAreCounted(t *testing.T) {
	o, x := objective(t, `model M {
  param k in (0, inf) = 0.5
  covariate f
  state x = 1
  discrete n = 0
  discrete m = 0
  x' = -f*k*x
  event half when x <= 0.5 { n := n + 1 }
  event one at t = 1 { m := m + 1 }
  observe y = x ~ normal(0.1)
}
data d from "data.csv" { time: t, trajectory: id, y: y, f: f }
`, "id,f,t,y\na,1,3,0.5\nb,2,3,0.1\nc,10,3,0\n", "unrolled")
	var got []int
	for _, k := range []float64{0.5, 0.6, 0.8, 0.8, 0.3, 0.5} { // b turns at 0.35
		u, _, err := o.Space.Transforms[0].Start(k)
		require.NoError(t, err)
		x[0] = u
		res, err := o.Eval(t.Context(), x, nil, 1, nil)
		require.NoError(t, err)
		got = append(got, res.Kinks)
	}
	require.Equal(t, []int{0, 0, 1, 0, 2, 1}, got)
}

// TestNames: coordinates are parameters, then weights by their tensors; what is frozen or fixed
// is none. Least squares have the loss and the gradient of the whole.
func TestNames(t *testing.T) {
	o, x := objective(t, `model M {
  param c = 2 fixed
  param k per g in (0, inf) = 0.5
  neural h(x) -> 1 { hidden: [2], frozen: true }
  neural f(x) -> 1 { hidden: [2], l2: 0.5, seed: 3 }
  state x = c
  x' = -k*x + f(x) + h(x)
  observe y = x ~ normal(0.1)
  require x <= 1 { weight: 3 }
}
data d from "data.csv" { time: t, trajectory: g, y: y }
`, "g,t,y\na,0.5,1.5\na,1,1.2\nb,1,1\n", "unrolled")
	var names []string
	for i := range x {
		names = append(names, o.Name(i))
		require.Equal(t, i >= 2, o.Weight(i))
	}
	require.Equal(t, []string{
		"k{g=a}", "k{g=b}", "f.0.weight[0]", "f.0.weight[1]", "f.0.bias[0]", "f.0.bias[1]", "f.1.weight[0]", "f.1.weight[1]", "f.1.bias[0]",
	}, names)

	grad := make([]float64, len(x))
	res, err := o.Eval(t.Context(), x, nil, 1, grad)
	require.NoError(t, err)
	s, why, err := NewSquares(o)
	require.NoError(t, err)
	require.Empty(t, why)
	require.Empty(t, s.NotExact())
	r, jac := make([]float64, s.Rows()), mat.NewDense(s.Rows(), len(x), nil)
	sum, err := s.Residuals(t.Context(), x, 1, r, jac)
	require.NoError(t, err)
	require.InDelta(t, 3*res.Loss, sum.Loss, 1e-9)
	var got mat.VecDense
	got.MulVec(jac.T(), mat.NewVecDense(len(r), r))
	for i, g := range grad {
		require.InDelta(t, 3*g, got.AtVec(i), 1e-8*(1+math.Abs(g)), names[i])
	}
	require.Positive(t, o.Operations(x))
}

// TestSquaresOfPriors: residuals of densities have their gradient, and the value is theirs.
func TestSquaresOfPriors(t *testing.T) {
	o, x := objective(t, decaying, decayingRows, "unrolled")
	grad := make([]float64, len(x))
	res, err := o.Eval(t.Context(), x, nil, 1, grad)
	require.NoError(t, err)
	s, why, err := NewSquares(o)
	require.NoError(t, err)
	require.Empty(t, why)
	require.Equal(t, "priors are densities", s.NotExact())
	r, jac := make([]float64, s.Rows()), mat.NewDense(s.Rows(), len(x), nil)
	sum, err := s.Residuals(t.Context(), x, 1, r, jac)
	require.NoError(t, err)
	require.InDelta(t, 5*res.Loss, sum.Loss, 1e-9)
	var got mat.VecDense
	got.MulVec(jac.T(), mat.NewVecDense(len(r), r))
	for i, g := range grad {
		require.InDelta(t, 5*g, got.AtVec(i), 1e-7*(1+math.Abs(g)), o.Name(i))
	}
}

// TestLikelihoods: what observations with a distribution say, priors and penalties, of the last
// evaluation.
func TestLikelihoods(t *testing.T) {
	o, x := objective(t, decaying, decayingRows, "unrolled")
	res, err := o.Eval(t.Context(), x, nil, 1, nil)
	require.NoError(t, err)
	got := o.Likelihoods(res)
	z := (math.Log(0.5) - math.Log(0.6)) / 0.4
	prior := -z*z/2 - math.Log(0.4*0.5*math.Sqrt(2*math.Pi)) - 2*(0.1*0.1/2/0.25+math.Log(0.5*math.Sqrt(2*math.Pi)))
	beside := o.Beside()
	require.InDelta(t, prior, beside.LogPrior, 1e-10)
	require.Positive(t, beside.Penalties)
	require.Zero(t, beside.Decay)
	require.InDelta(t, res.Loss, (-got["y"]-prior)/5+beside.Penalties, 1e-10)

	alone, err := o.Likelihood(t.Context(), x, nil, nil)
	require.NoError(t, err)
	require.InDelta(t, -got["y"]/5, alone.Loss, 1e-10)
	require.Equal(t, map[string]float64{"y": got["y"]}, o.Likelihoods(alone))
	sum := 0.
	for _, it := range o.Trajectories {
		part, err := o.LikelihoodOf(t.Context(), x, []*problem.Trajectory{it})
		require.NoError(t, err)
		sum += o.Likelihoods(part)["y"]
	}
	require.InDelta(t, got["y"], sum, 1e-10)
	require.True(t, HasDensity(o))
}

// TestLikelihoodsThatCount: those of observations with a density and a weight, be it a number or an expression.
func TestLikelihoodsThatCount(t *testing.T) {
	o, x := objective(t, `model M {
  covariate v
  param k = 1
  state x = 1
  x' = 0*k
  observe one = x ~ normal(1)
  observe two = x ~ normal(1) { weight: v }
  observe off = x ~ normal(1) { weight: 0 }
  observe plain = x
  loss l = k
}
data d from "data.csv" { time: t, one: y, two: y, off: y, plain: y, v: v }
`, "t,v,y\n0,2,1\n", "unrolled")
	res, err := o.Likelihood(t.Context(), x, nil, nil)
	require.NoError(t, err)
	half := -math.Log(2*math.Pi) / 2
	require.InDeltaMapValues(t, map[string]float64{"one": half, "two": 2 * half}, o.Likelihoods(res), 1e-12)
	require.False(t, HasDensity(o), "one has none")
}

// TestFailedRuns: a run that ends before its last row is a failed evaluation, which says of which
// trajectory and when, and has no gradient.
func TestFailedRuns(t *testing.T) {
	o, x := objective(t, `model M {
  covariate start
  param k in (0, inf) = 1
  state x = start
  x' = k*x^2
  observe y = x ~ normal(0.1)
}
data d from "data.csv" { time: t, trajectory: g, y: y, start: s }
`, "g,s,t,y\na,0.1,1,1\nb,1,2,1\n", "unrolled") // x = s/(1 − kst)
	grad := []float64{7}
	res, err := o.Eval(t.Context(), x, nil, 1, grad)
	require.NoError(t, err)
	require.True(t, res.Failed)
	require.Equal(t, "g=b", res.Reason.Trajectory)
	require.InDelta(t, 1, res.Reason.Time, 1e-6)
	require.Equal(t, []float64{0}, grad)
	require.ErrorContains(t, o.Failure(), "g=b")
	res, err = o.Eval(t.Context(), x, []int{0}, 1, nil)
	require.NoError(t, err)
	require.False(t, res.Failed)
	require.NoError(t, o.Failure())
	r := (1 - 0.1/0.9) / 0.1
	require.InDelta(t, r*r/2+math.Log(0.1*math.Sqrt(2*math.Pi)), res.Loss, 1e-8)
}

// TestDeviations: noise that is declared, that a parameter of its own is, and that nobody tells.
func TestDeviations(t *testing.T) {
	o, x := objective(t, `model M {
  param k in (0, inf) = 1
  param s in (0, inf) = 0.2
  param mix in (0, inf) = 0.3
  state x = 1
  x' = -k*x
  observe a = x ~ normal(0.1)
  observe b = x ~ normal(s)
  observe c = x
  observe d = 2*x ~ normal(s)
}
data d from "data.csv" { time: t, a: a, b: b, c: c, d: d }
`, "t,a,b,c,d\n0,1,1,1,2\n1,0.4,0.3,0.4,0.7\n", "unrolled")
	require.Equal(t, "s", o.Name(1))
	n := o.NewDeviations([]float64{0.5, 0.3, 0.4, 0.4}, x)
	require.Equal(t, []DeviationKind{Declared, Learned, Untold, Learned}, n.Kind)
	require.Equal(t, []int{1}, n.Coords)
	require.True(t, n.Known)
	require.InDeltaSlice(t, []float64{1, 1, 1 / math.Sqrt2 / 0.4, 1}, n.Factor, 1e-14) // no scale is set here
	nat := make([]float64, len(x))
	o.Space.Transforms.Forward(nat, x)
	require.InDelta(t, math.Sqrt((0.3*0.3+0.4*0.4)/2), nat[1], 1e-12)
	require.InDelta(t, 1, nat[0], 1e-12)
}
