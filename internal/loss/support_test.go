package loss

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/compiler/exec"
	"github.com/pinode/pinode/internal/problem/problemtest"
	"github.com/pinode/pinode/sim"
	"github.com/pinode/pinode/solvers"
)

// observed is a model whose prediction falls on a line from p to p + q.
const observed = `model M {
  param p = %g
  param q = %g
  param s = %g
  state x[2] = [1, p]
  x' = [0, q]
  observe other = x[0] ~ normal(1)
  observe y[2] = x %s
%s}
data d from "data.csv" { time: t, trajectory: id, y: [u, v], other: o }
`

// TestSupport: what a distribution cannot give is refused with its place, unless it is below a limit,
// counts for nothing or is not there.
func TestSupport(t *testing.T) {
	for _, c := range []struct{ dist, first, second, want string }{
		{"~ lognormal(1)", "1", "0", "lognormal has data above 0 only"},
		{"~ lognormal(1)", "1", "0.001", ""},
		{"~ lognormal(1)", "1", "", ""},
		{"~ lognormal(1) { weight: 0 }", "1", "-1", ""},
		{"~ lognormal(1) { below: 0.1 }", "1", "0", ""},
		{"~ poisson()", "0", "2.5", "poisson has whole numbers from 0 on only"},
		{"~ poisson()", "0", "-1", "poisson has whole numbers from 0 on only"},
		{"~ poisson()", "0", "7", ""},
		{"~ negbinomial(s)", "0", "1.5", "negbinomial has whole numbers from 0 on only"},
		{"~ negbinomial(s)", "3", "0", ""},
		{"~ bernoulli()", "0", "1.1", "bernoulli has data from 0 to 1 only"},
		{"~ bernoulli()", "0", "-0.1", "bernoulli has data from 0 to 1 only"},
		{"~ bernoulli()", "0", "1", ""},
		{"~ normal(1)", "0", "-1", ""},
	} {
		f := problemtest.Load(t, fmt.Sprintf(observed, 0.5, 0.1, 1., c.dist, ""), "id,t,o,u,v\na,0,1,1,\nb,0,1,1,\nb,2,1,"+c.first+","+c.second+"\n")
		err := CheckSupport(f.Prog.Program, f.Trajectories)
		if c.want == "" {
			require.NoError(t, err, c)
			continue
		}
		require.ErrorContains(t, err, "data.csv:4: trajectory id=b, t = 2: `y[1]` is "+c.second+", and "+c.want)
	}
}

// TestSupportOfLimits: a limit that a row has of its own is not judged before the run; one that is a number is.
func TestSupportOfLimits(t *testing.T) {
	for limit, want := range map[string]string{"v": "", "0.1": "", "-1": "lognormal has data above 0 only"} {
		f := problemtest.Load(t, "model M {\n  covariate v\n  param p = 1\n  state x = 1\n  x' = -p*x\n  observe y = x ~ lognormal(1) { below: "+limit+" }\n}\ndata d from \"data.csv\" { time: t, y: y, v: v }\n", "t,v,y\n0,0.5,0\n")
		err := CheckSupport(f.Prog.Program, f.Trajectories)
		if want == "" {
			require.NoError(t, err, limit)
			continue
		}
		require.ErrorContains(t, err, want)
	}
}

// failedRow is why the loss is not finite, and when.
func failedRow(t *testing.T, model, rows string) (string, float64) {
	t.Helper()
	o, x := objective(t, model, rows, "unrolled")
	res, err := o.Eval(t.Context(), x, nil, 1, nil)
	require.NoError(t, err)
	require.True(t, res.Failed, model)
	return res.Reason.Reason, res.Reason.Time
}

// TestBadRows: a loss that is no number says of which row, observation and argument, and what would help.
func TestBadRows(t *testing.T) {
	for _, c := range []struct {
		p, q, s           float64
		dist, loss, cells string
		want              string
		at                float64
	}{
		{-1, 2, 1, "~ lognormal(0.1)", "", "1,2", "the prediction of `y[1]` is -1 where 2 was measured, and lognormal needs a prediction above 0", 0},
		{1, -2, 1, "~ lognormal(0.1)", "", "1,2", "the prediction of `y[1]` is -1 where 2 was measured", 1},
		{1, -2, 1, "~ poisson()", "", "1,2", "the prediction of `y[1]` is -1 where 2 was measured, and poisson needs a prediction above 0", 1},
		{0, 0, 1, "~ poisson()", "", "1,2", "the prediction of `y[1]` is 0 where 2 was measured", 0},
		{0.5, 1, 1, "~ bernoulli()", "", "1,1", "the prediction of `y[1]` is 1.5 where 1 was measured, and bernoulli needs a prediction between 0 and 1", 1},
		{1, 0, 1, "~ bernoulli()", "", "1,0", "the prediction of `y[1]` is 1 where 0 was measured", 0},
		{0, 0, 1, "~ bernoulli()", "", "1,1", "the prediction of `y[1]` is 0 where 1 was measured", 0},
		{-0.5, 0, 1, "~ bernoulli()", "", "1,0", "the prediction of `y[1]` is -0.5 where 0 was measured", 0},
		{0, -1, 1, "~ poisson()", "", "1,0", "the prediction of `y[1]` is -1 where 0 was measured", 1},
		{0, -0.5, 1, "~ negbinomial(s)", "", "1,0", "the prediction of `y[1]` is -0.5 where 0 was measured", 1},
		{1, 0, -1, "~ normal(s)", "", "1,2", "`s` in normal of `y` is -1, and has to be above 0", 0},
		{1, 0, 0, "~ student(3, s)", "", "1,2", "`s` in student of `y` is 0, and has to be above 0", 0},
		{1, 1, 1, "~ normal(2 - x[1])", "", "1,2", "in normal of `y` is 0, and has to be above 0", 1},
		{1, 1, 1, "~ normal(1)", "  loss far = log(1.5 - x[1])\n", "1,2", "the loss `far` is NaN, of log(1.5 - x[1])", 1},
		{1e200, 0, 1, "~ normal(1)", "", "1,2", "the loss of `y` is +Inf, as the prediction is too far from the data for normal", 0},
	} {
		text, at := failedRow(t, fmt.Sprintf(observed, c.p, c.q, c.s, c.dist, c.loss), "id,t,o,u,v\na,0,1,"+c.cells+"\na,1,1,"+c.cells+"\n")
		require.Contains(t, text, c.want, "%+v", c)
		require.Equal(t, c.at, at, "%+v", c)
	}
	text, _ := failedRow(t, strings.Replace(fmt.Sprintf(observed, 1e200, 0., 1., "", ""), "other = x[0] ~ normal(1)", "other = x[0]", 1), "id,t,o,u,v\na,0,1,1,2\n")
	require.Contains(t, text, "the loss of `y` is +Inf, as the prediction is too far from the data")
	text, at := failedRow(t, fmt.Sprintf(strings.Replace(observed, "y[2] = x", "y[2] = log(x)", 1), 1., -2., 1., "~ normal(1)", ""), "id,t,o,u,v\na,0,1,1,2\na,1,1,1,2\n")
	require.Contains(t, text, "the prediction of `y[1]` is NaN, by log(x); keep what it is made of where that is a number")
	require.Equal(t, 1., at)
}

// TestBadDerivatives: a loss whose gradient alone is no number names the row, or the equation.
func TestBadDerivatives(t *testing.T) {
	for _, c := range []struct {
		model, want string
		at          float64
	}{
		{"state x = 1\n  x' = -k*x\n  event e at t = 0.7 { x := 0 }\n  observe y = sqrt(x)", "a prediction or a spread has a square root", 1},
		{"state z = 0\n  state x = 1\n  z' = k*acos(1 - x)\n  x' = -k*x\n  event e at t = 0.2 { x := 0 }\n  observe y = z", "the derivative of z' = k*acos(1 - x) is not finite there", 0.5},
		{"state z = 0\n  state x = 0\n  z' = k\n  x' = z + k*x + sqrt(x)\n  observe y = z + x", "the derivative of x' = z + k*x + sqrt(x) is not finite there", 0},
		{"state z = 1\n  z' = k*z\n  observe y = z", "no equation has an infinite slope at the rows of data", 1},
	} {
		f := problemtest.Load(t, "model M {\n  param k in (0, inf) = 1\n  "+c.model+" ~ normal(1)\n}\ndata d from \"data.csv\" { time: t, y: y }\n", "t,y\n0,1\n0.5,1\n1,1\n")
		o, err := NewObjective(f.Prog, f.Space, f.Trajectories, nil, sim.Options{Method: solvers.Tsit5, RTol: 1e-8, ATol: 1e-10}, "unrolled", exec.Double, 1)
		require.NoError(t, err)
		res, err := o.Eval(t.Context(), f.X, nil, 1, nil)
		require.NoError(t, err)
		require.False(t, res.Failed, c.model)
		s := o.LossWorkers[0]
		fail := s.BadDerivative(s.Block[0])
		require.Contains(t, fail.Detail, c.want, c.model)
		require.InDelta(t, c.at, fail.T, 1e-12, c.model)
		require.Equal(t, sim.Unstable, fail.Status)
	}
}
