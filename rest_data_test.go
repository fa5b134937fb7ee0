package pinode

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/internal/gradcheck"
)

// withData compiles a model beside the table that it reads, d.csv.
func withData(t *testing.T, text, csv string) (*Model, error) {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "d.csv"), []byte(csv), 0o600))
	return Parse(filepath.Join(dir, "m.node"), text)
}

// fitted fits a model to a table.
func fitted(t *testing.T, text, csv string) *Fit {
	t.Helper()
	m, err := withData(t, text, csv)
	require.NoError(t, err)
	f, err := m.Fit(context.Background(), FitOptions{})
	require.NoError(t, err)
	return f
}

// refused is why a model cannot be fitted, which names the code of an error.
func refused(t *testing.T, text, csv, code string) {
	t.Helper()
	m, err := withData(t, text, csv)
	if err == nil {
		_, err = m.NewFit(FitOptions{})
	}
	require.ErrorContains(t, err, code)
}

// lossAt is the loss of a fit at its start.
func lossAt(t *testing.T, text, csv string) float64 {
	t.Helper()
	m, err := withData(t, text, csv)
	require.NoError(t, err)
	f, err := m.NewFit(FitOptions{})
	require.NoError(t, err)
	x, err := f.inner.Objective.Space.X0()
	require.NoError(t, err)
	res, err := f.inner.Objective.Eval(context.Background(), x, nil, 1, nil)
	require.NoError(t, err)
	return res.Loss
}

// table writes rows of times and values.
func table(head string, times []float64, values ...func(t float64) float64) string {
	csv := head + "\n"
	for _, at := range times {
		csv += fmt.Sprintf("%.17g", at)
		for _, v := range values {
			csv += fmt.Sprintf(",%.17g", v(at))
		}
		csv += "\n"
	}
	return csv
}

// TestAbsentState: what is not there, however fast it would be, has no
// derivative and is not in the way of others.
func TestAbsentState(t *testing.T) {
	for _, fast := range []string{"300", "2000"} {
		for _, mode := range gradcheck.Modes {
			text := `model Two {
  param slow in (0, inf) = 0.03
  param fast in (0, inf) = ` + fast + `
  state a = 6
  state b = 0
  state c = 0
  a' = -slow*a
  b' = -fast*b
  c' = b - 0.5*fast*c
  observe total = a + b + c ~ normal(0.1)
}
data d from "d.csv" { time: t, total: total }
fit { gradient: ` + mode + `; optimizer: lbfgs { iterations: 40 } }`
			csv := table("t,total", []float64{0, 20, 50, 90, 140}, func(t float64) float64 { return 6 * math.Exp(-0.05*t) })
			m, err := withData(t, text, csv)
			require.NoError(t, err)
			f, err := m.NewFit(FitOptions{})
			require.NoError(t, err)
			x, err := f.inner.Objective.Space.X0()
			require.NoError(t, err)
			g := make([]float64, len(x))
			_, err = f.inner.Objective.Eval(context.Background(), x, nil, 1, g)
			require.NoError(t, err)
			require.InDelta(t, 0, g[1], 1e-12, "%s, %s", mode, fast)
			require.NotZero(t, g[0])
			require.InEpsilon(t, 0.05, fitted(t, text, csv).Values().Params["slow"], 1e-4, mode)
		}
	}
}

// TestBoundsHold: a closed interval holds its ends; a trajectory of one row
// behind the start is integrated.
func TestBoundsHold(t *testing.T) {
	for text, want := range map[string]float64{"[0, 1] = 1": 1, "[0, 1] = 0": 0, "[-2, inf) = -2": -2, "(0, 3] = 3": 3} {
		tr, err := simulated(t, "model B {\n  param e in "+text+"\n  state x = 0\n  x' = e\n  let shown = e\n}\nsimulate { until: 2, step: 2 }")
		require.NoError(t, err)
		last := tr.Rows[len(tr.Rows)-1]
		require.Equal(t, want, last[2], text)
		require.InDelta(t, 2*want, last[1], 1e-12, text)
	}
	f := fitted(t, `model One {
  covariate x0
  state x = x0
  param k = 1.2
  x' = -k*x
  observe y = x
}
data d from "d.csv" { time: t; trajectory: id; x0: x0; y: y }
fit { optimizer: lbfgs { iterations: 40 }; uncertainty: none }`,
		fmt.Sprintf("id,t,x0,y\n0,2,1,%.17g\n1,2,3,%.17g\n", math.Exp(-1), 3*math.Exp(-1)))
	require.InEpsilon(t, 0.5, f.Values().Params["k"], 1e-4)
}

// TestFirstMissing: there is no first value where nothing is measured at the
// start.
func TestFirstMissing(t *testing.T) {
	model := `model F {
  state h = first(y)
  param k = 1.5
  h' = -k*h
  observe y = h
  observe z = 2*h
}
data d from "d.csv" { time: t; y: y; z: z }
fit { optimizer: lbfgs { iterations: 30 } }`
	refused(t, model, "t,y,z\n0,,4\n2,1.1,\n4,0.4,\n", "first-late")
	f := fitted(t, model, fmt.Sprintf("t,y,z\n0,2,4\n1,%.17g,\n2,,%.17g\n", 2*math.Exp(-0.7), 4*math.Exp(-1.4)))
	require.InEpsilon(t, 0.7, f.Values().Params["k"], 1e-4)
}

// TestFitFromOptimum: a fit that starts where another ended stays there, and
// its certificate does not take rounding errors for a gradient.
func TestFitFromOptimum(t *testing.T) {
	text := `model Restart {
  param k in (0, inf) = 0.8
  state x = 2
  x' = -k*x
  event dose at t = 1 { x := x + 1.5 }
  observe y = x ~ normal(0.05)
}
data d from "d.csv" { time: t; y: y }
fit { optimizer: lbfgs { iterations: 60 } }`
	csv := "t,y\n0,2.03\n0.4,1.58\n0.8,1.31\n1.2,2.41\n1.6,1.86\n2,1.55\n2.8,0.93\n"
	first := fitted(t, text, csv)
	m, err := withData(t, text, csv)
	require.NoError(t, err)
	f, err := m.NewFit(FitOptions{At: first})
	require.NoError(t, err)
	for _, modes := range [][]string{nil, gradcheck.Modes} {
		c, err := f.Certify(context.Background(), 1000, modes...)
		require.NoError(t, err)
		require.Less(t, c.Worst, 1e-5, "%s, %s", c.Mode, c.Where)
	}
	require.NoError(t, f.Run(context.Background()))
	require.InEpsilon(t, first.Values().Params["k"], f.Values().Params["k"], 1e-4)
	require.InEpsilon(t, first.Estimates[0].StdErr, f.Estimates[0].StdErr, 1e-2)
}

// TestFitStartsWithTheRun: fit and simulation mean the same run, though the
// first measurement comes late.
func TestFitStartsWithTheRun(t *testing.T) {
	conc := func(t float64) float64 { return 4*math.Exp(-0.5*t) + 6*math.Exp(-0.5*(t-0.5)) }
	text := `model PK {
  param k in (0, inf) = 0.35
  state x = 4
  x' = -k*x
  event dose at t = 0.5 { x := x + 6 }
  observe y = x ~ normal(0.1)
}
data d from "d.csv" { time: t; y: y }
fit { solver: tsit5 { rtol: 1e-9 }; optimizer: lbfgs { iterations: 50 } }
simulate { from: 0, until: 5, times: [1.5, 2, 3.5, 5], solver: tsit5 { rtol: 1e-9 } }`
	f := fitted(t, text, table("t,y", []float64{1.5, 2, 3.5, 5}, conc))
	require.InEpsilon(t, 0.5, f.Values().Params["k"], 1e-5)
	require.Less(t, f.Train.RMSE["y"], 1e-5)
	s, err := f.Model.Simulate(context.Background(), SimulateOptions{At: f})
	require.NoError(t, err)
	for _, row := range s.Trajectories[0].Rows {
		if row[0] > 0.5 {
			require.InEpsilon(t, conc(row[0]), row[1], 1e-5)
		}
	}
}

// TestHeldInputFires: an event is fired by an input that jumps.
func TestHeldInputFires(t *testing.T) {
	for _, cond := range []string{"u > 0.5", "u >= 1", "rising(u - 0.3)"} {
		f := fitted(t, `model Switch {
  input u hold
  param k in (0, 5) = 1.05
  state x = 0
  discrete n = 0
  x' = k
  event on when `+cond+` { n := n + 1; x := 0 }
  observe y = x ~ normal(0.1)
  observe c = n ~ normal(0.1)
}
data d from "d.csv" { time: t; u: u; y: y; c: c }
fit { optimizer: lbfgs { iterations: 40 } }`,
			// It goes on at 2 and at 5: y = 2t, 2(t − 2), 2(t − 5).
			"t,u,y,c\n0,0,0,0\n1.5,0,3,0\n2,1,0,1\n2.75,1,1.5,1\n3,0,2,1\n4.5,0,5,1\n5,1,0,2\n6,1,2,2\n")
		require.InEpsilon(t, 2, f.Values().Params["k"], 1e-5, cond)
		require.Less(t, f.Train.RMSE["y"], 1e-5, cond)
		require.Less(t, f.Train.RMSE["c"], 1e-9, cond)
	}
}

// TestLinearInput: a run follows an input between its times, in a simulation
// as in a fit.
func TestLinearInput(t *testing.T) {
	// x = t² until 1, then 1 + 2s − s²/4 with s = t − 1.
	want := map[float64]float64{0.5: 0.25, 1: 1, 2: 2.75, 3: 4}
	for _, solver := range []string{"tsit5", "rk4 { step: 0.25 }", "bosh32 { rtol: 1e-8 }"} {
		text := `model Ramp {
  input u linear
  param g = 1
  state x = 0
  x' = g*u
  observe y = x
}
data d from "d.csv" { time: t; u: u; y: y }
fit { solver: ` + solver + `; optimizer: lbfgs { iterations: 30 }; uncertainty: none }
simulate { until: 3, times: [0.5, 1, 2, 3], solver: ` + solver + ` }`
		csv := "t,u,y\n0,0,0\n1,2,1\n3,1,4\n"
		m, err := withData(t, text, csv)
		require.NoError(t, err)
		s, err := m.Simulate(context.Background(), SimulateOptions{})
		require.NoError(t, err)
		seen := 0
		for _, row := range s.Trajectories[0].Rows {
			if v, ok := want[row[0]]; ok {
				require.InDelta(t, v, row[1], 1e-7, "%s at %g", solver, row[0])
				seen++
			}
		}
		require.GreaterOrEqual(t, seen, len(want))
		f := fitted(t, text, csv)
		require.InEpsilon(t, 1, f.Values().Params["g"], 1e-6, solver)
		require.Less(t, f.Train.RMSE["y"], 1e-6, solver)
	}
}

// TestLongChain: sixty stages of one another, without units and with.
func TestLongChain(t *testing.T) {
	const n = 60
	for _, units := range []bool{false, true} {
		per, amount, clock := "", "", ""
		if units {
			per, amount, clock = ": 1/s", ": mol", "  time t: s\n"
		}
		tr, err := simulated(t, fmt.Sprintf(`model Chain {
%s  state a%s = 1
  for i in 1..%d {
    param k%s = 1
    param q%s = 0
    state s%s = 0
  }
  a' = -k[1]*a
  s[1]' = k[1]*a - k[1]*s[1]
  for i in 2..%d {
    s[i]' = k[i-1]*s[i-1] - k[i]*s[i] - q[i]*s[i]
  }
}
simulate { until: 3, step: 3, solver: tsit5 { rtol: 1e-10, atol: 1e-13 } }`, clock, amount, n, per, per, amount, n))
		require.NoError(t, err)
		last := tr.Rows[len(tr.Rows)-1]
		require.InEpsilon(t, math.Exp(-3), last[1], 1e-8)
		for i, p := 1, 1.; i <= 20; i++ { // sᵢ = tⁱ e^−t/i!
			p *= 3 / float64(i)
			require.InEpsilon(t, p*math.Exp(-3), last[1+i], 1e-4, "stage %d", i)
		}
	}
}

// TestMissingInLoss: a missing value is no term of a loss.
func TestMissingInLoss(t *testing.T) {
	f := fitted(t, `model Miss {
  param k = 1
  observe a = 0 { weight: 0 }
  observe b = 0 { weight: 0 }
  loss L = (k - data(a))^2
}
data d from "d.csv" { time: t; a: a; b: b }
fit { optimizer: lbfgs { iterations: 50 }; uncertainty: none }`, "t,a,b\n0,3,1\n1,,1\n2,,4\n3,5,\n4,,\n")
	require.InEpsilon(t, 4, f.Values().Params["k"], 1e-5)
}

// TestUniformPrior: it adds a constant, and a start outside of it is refused.
func TestUniformPriorsOnly(t *testing.T) {
	text := `model Cooling {
  param k = %s ~ uniform(0.1, 2)
  state T = 50
  T' = -k*T
  observe y = T ~ normal(1)
}
data d from "d.csv" { time: t, y: y }
fit { solver: tsit5 { rtol: 1e-8 }; optimizer: lbfgs { iterations: 50 } }`
	csv := table("t,y", []float64{0, 1, 3, 5}, func(t float64) float64 { return 50 * math.Exp(-0.3*t) })
	f := fitted(t, fmt.Sprintf(text, "0.5"), csv)
	require.InEpsilon(t, 0.3, f.Values().Params["k"], 1e-4)
	m, err := withData(t, fmt.Sprintf(text, "2.5"), csv)
	if err == nil {
		_, err = m.NewFit(FitOptions{})
	}
	require.ErrorContains(t, err, "k", "a start outside of the support")
}

// TestReplicatesHaveTheirOwnColumns: two rows at one time have their own
// spread each, in whatever order.
func TestReplicatesHaveTheirOwnColumns(t *testing.T) {
	text := `model Twice {
  param k in [0.1, 10] = 4
  input sd hold
  state x = 3
  x' = -k*x/10
  observe y = x ~ normal(sd)
}
data d from "d.csv" { time: t, y: y, sd: sd }
fit { solver: tsit5 { rtol: 1e-10, atol: 1e-12 } }`
	rows := [][3]float64{{0, 3.1, 0.2}, {1, 1.8, 0.4}, {1, 2.1, 0.1}, {3, 1, 0.05}}
	want := 0.
	for _, r := range rows {
		z := (r[1] - 3*math.Exp(-0.4*r[0])) / r[2]
		want += z*z/2 + math.Log(r[2]) + math.Log(2*math.Pi)/2
	}
	for _, order := range [][]int{{0, 1, 2, 3}, {0, 2, 1, 3}} {
		csv := "t,y,sd\n"
		for _, i := range order {
			csv += fmt.Sprintf("%g,%g,%g\n", rows[i][0], rows[i][1], rows[i][2])
		}
		require.InEpsilon(t, want/4, lossAt(t, text, csv), 1e-7, "the mean over the values, order %v", order)
	}
}

// TestRowsActInTheirOrder: a sample above a dose is a trough, one below it a
// peak.
func TestRowsActInTheirOrder(t *testing.T) {
	e := func(t float64) float64 { return math.Exp(-0.4 * t) }
	trough := 8 * e(3)
	for body, rows := range map[string]string{
		"c += amount": fmt.Sprintf("0,,0,0\n0,8,1,\n1,,0,%.17g\n3,,0,%.17g\n3,8,1,\n3,,0,%.17g\n5,,0,%.17g\n",
			8*e(1), trough, trough+8, (trough+8)*e(2)),
		"c := c + amount": fmt.Sprintf("0,8,1,\n0,,0,8\n3,,0,%.17g\n3,8,1,\n5,,0,%.17g\n", trough, (trough+8)*e(2)),
	} {
		for _, dose := range []string{"event dose(amount) on data { " + body + " }"} {
			text := `model Bolus {
  param k in (0, inf) = 0.3
  param σ in (0, inf) = 0.1
  state c = 0
  c' = -k*c
  ` + dose + `
  observe conc = c ~ normal(0.1)
}
data d from "d.csv" { time: t; conc: conc; dose: { amount: amt, where: evid == 1 } }
fit { solver: tsit5 { rtol: 1e-9 }; optimizer: lbfgs { iterations: 60 }; uncertainty: none }`
			text = strings.Replace(text, "  param σ in (0, inf) = 0.1\n", "", 1)
			f := fitted(t, text, "t,amt,evid,conc\n"+rows)
			require.InEpsilon(t, 0.4, f.Values().Params["k"], 1e-5, body)
			require.Less(t, f.Train.RMSE["conc"], 1e-5, body)
		}
	}
}

// TestTiedDoses: two rows of one event at one time both happen, and the second
// reads what the first left.
func TestTiedDoses(t *testing.T) {
	for body, start := range map[string]float64{
		"c := c + amount": 50, "c += amount": 50,
		"c := c + amount + 0.1*c": 20 + 30 + 2, // 20, then 20 + 30 + 2
	} {
		csv := "t,y,amt,evid\n0,,20,1\n0,,30,1\n"
		for _, at := range []float64{1, 2, 4} {
			csv += fmt.Sprintf("%g,%.17g,,0\n", at, start*math.Exp(-0.25*at))
		}
		f := fitted(t, `model PK {
  param k in (0, inf) = 0.2
  state c = 0
  c' = -k*c
  event dose(amount) on data { `+body+` }
  observe y = c ~ normal(1)
}
data d from "d.csv" { time: t; y: y; dose: { amount: amt, where: evid == 1 } }
fit { solver: tsit5 { rtol: 1e-9 }; optimizer: lbfgs { iterations: 60 } }`, csv)
		require.InEpsilon(t, 0.25, f.Values().Params["k"], 1e-4, body)
		require.Less(t, f.Train.RMSE["y"], 1e-3, body)
	}
}

// TestDoseOnTheLastRow: what falls on the last row happens, and the row below
// it sees it.
func TestDoseOnTheLastRow(t *testing.T) {
	f := fitted(t, `model Last {
  param k in (0, inf) = 0.3
  param gain = 0.5
  state c = 5
  c' = -k*c
  event dose(amount) on data { c := c + gain*amount }
  observe y = c ~ normal(0.1)
}
data d from "d.csv" { time: t; y: y; dose: { amount: amt, where: evid == 1 } }
fit { solver: tsit5 { rtol: 1e-9 }; optimizer: lbfgs { iterations: 80 } }`,
		fmt.Sprintf("t,y,amt,evid\n0,5,,0\n1,%.17g,,0\n2,%.17g,,0\n2,,3,1\n2,%.17g,,0\n", 5*math.Exp(-0.2), 5*math.Exp(-0.4), 5*math.Exp(-0.4)+6))
	require.InEpsilon(t, 0.2, f.Values().Params["k"], 1e-4)
	require.InEpsilon(t, 2, f.Values().Params["gain"], 1e-4)
}

// TestGradientWhereItActs: a certificate looks at a parameter in the
// trajectory in which it acts.
func TestGradientWhereItActs(t *testing.T) {
	m, err := withData(t, `model Groups {
  param k in (0, inf) = 0.4
  param boost in (0, inf) = 1.7
  param late in (0, inf) = 0.6
  covariate treated
  state x = 1
  x' = -k*x*(if treated == 1 then boost else if treated == 2 then late else 1)
  observe y = x ~ normal(0.05)
}
data d from "d.csv" { time: t, trajectory: group, treated: treated, y: y }
`, "group,t,treated,y\na,0,0,1\na,2,0,0.5\nb,0,1,1\nb,2,1,0.3\nc,0,2,1\nc,3,2,0.4\n")
	require.NoError(t, err)
	f, err := m.NewFit(FitOptions{})
	require.NoError(t, err)
	c, err := f.Certify(context.Background(), 1000, gradcheck.Modes...)
	require.NoError(t, err)
	require.Less(t, c.Worst, 1e-6)
	seen := map[string]bool{}
	for _, target := range c.Targets {
		for _, row := range target.Rows {
			if row.Direction {
				continue
			}
			seen[row.Name] = seen[row.Name] || row.Difference != 0
		}
	}
	require.Equal(t, map[string]bool{"k": true, "boost": true, "late": true}, seen)
}

// TestOwnJump: a measurement cannot predict itself.
func TestOwnJump(t *testing.T) {
	text := `model Filter {
  param k = 0.3
  param m = 1
  param σ in (0, inf) = 1
  state y = first(x)
  y' = k*(m - y)
  event update on observation of x { y := %s }
  observe x = %s ~ normal(σ)
}
data d from "d.csv" { time: t; x: x }
fit { optimizer: lbfgs { iterations: 40 } }`
	csv := "t,x\n0,1.5\n1,0.5\n2,2\n3,1.1\n4,0.9\n"
	refused(t, fmt.Sprintf(text, "data(x)", "y"), csv, "own-jump")
	refused(t, fmt.Sprintf(text, "y + 0.5*(data(x) - y)", "2*y"), csv, "own-jump")
	f := fitted(t, fmt.Sprintf(text, "data(x)", "before(y)"), csv)
	require.Greater(t, f.Values().Params["σ"], 0.1)
}

// TestWeightZeroIsFree: a value of weight 0 does not count in a mean.
func TestWeightZeroIsFree(t *testing.T) {
	text := `model W {
  param k = 2
  param c = 1.5
  observe a = k
%s  loss L = c^2
}
data d from "d.csv" { time: t; a: a%s }
fit { loss: mse; optimizer: adam { lr: 1e-9, epochs: 1 }; uncertainty: none }`
	csv := "t,a,b\n0,3,2\n1,4,2\n2,7,\n3,4,9\n"
	alone := lossAt(t, fmt.Sprintf(text, "", ""), csv)
	require.Equal(t, alone, lossAt(t, fmt.Sprintf(text, "  observe b = k { weight: 0 }\n", "; b: b"), csv))
}
