package pinode

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/data"
	"github.com/pinode/pinode/dsl/diag"
	"github.com/pinode/pinode/sim"
)

// begins are the starts of the trajectories of a model over a table.
func begins(t *testing.T, time, from, init, csv string) ([]float64, error) {
	t.Helper()
	m := fromText(t, "model M {\n"+time+"\n  param k = 1\n  covariate c\n  state x = "+init+"\n  x' = -k*x\n  observe y = c*x\n}\n"+
		"data d from \"d.csv\" { time: t; trajectory: id; y: y; c: c"+from+" }\n", csv)
	items, err := m.data.Trajectories(data.Train)
	if err != nil {
		return nil, err
	}
	var out []float64
	for _, it := range items {
		out = append(out, it.Span.T0)
	}
	return out, nil
}

// TestStarts: the data block comes before the declaration of the time, that
// before data in initial values, and otherwise 0 starts what no row precedes.
func TestStarts(t *testing.T) {
	const csv = "id,t,y,c\n1,2,1,0.5\n1,4,1,\n2,-1,1,-2\n2,3,1,\n3,0,1,0\n3,3,1,\n"
	for _, c := range []struct {
		time, from, init string
		want             []float64
	}{
		{"", "", "1", []float64{0, -1, 0}},
		{"time t in [-2, inf)", "", "1", []float64{-2, -2, -2}},
		{"time t: h in [-2, 50]", "", "1", []float64{-2, -2, -2}},
		{"", "", "first(y)", []float64{2, -1, 0}},
		{"time t in [-2, inf)", "; from: first row", "first(y)", []float64{2, -1, 0}},
		{"", "; from: first row", "1", []float64{2, -1, 0}},
		{"param y0 per trajectory = first(y)", "", "y0", []float64{0, -1, 0}}, // it is learned
		{"", "; from: -3", "1", []float64{-3, -3, -3}},
		{"time t: min", "; from: -3 [min]", "1", []float64{-3, -3, -3}},
		{"time t: min", "; from: c", "1", []float64{0.5, -2, 0}},
		{"time t: min in [7, 8]", "; from: c [h]", "1", []float64{30, -120, 0}},
	} {
		got, err := begins(t, c.time, c.from, c.init, strings.ReplaceAll(csv, "1,4,", "1,40,"))
		require.NoError(t, err)
		require.InDeltaSlice(t, c.want, got, 1e-12, "%v", c)
	}
	for _, c := range []struct{ time, from, init, csv, code string }{
		{"", "", "first(y)", "id,t,y,c\n1,0,,1\n1,1,0.7,1\n", "first-late"},
		{"time t in [-1, inf)", "", "first(y)", "id,t,y,c\n1,0,1,1\n1,1,0.7,1\n", "first-late"},
		{"", "; from: 0.5", "first(y)", "id,t,y,c\n1,0,1,1\n1,1,0.7,1\n", "first-late"},
		{"param y0 per trajectory fixed = first(y)", "", "2*y0", "id,t,y,c\n1,0,,1\n1,1,0.7,1\n", "first-late"},
		{"", "", "1", "id,t,y,c\n1,1900,,1\n1,1920,0.7,1\n", "far-start"},
	} {
		_, err := begins(t, c.time, c.from, c.init, c.csv)
		var l *diag.List
		require.ErrorAs(t, err, &l, "%v", c)
		require.Equal(t, c.code, l.All[0].Code)
		require.False(t, l.All[0].Span.IsZero())
	}
	_, err := begins(t, "", "; from: 5", "1", "id,t,y,c\n1,0,1,1\n1,1,0.7,1\n")
	require.ErrorContains(t, err, "behind its last row")
	got, err := begins(t, "", "; from: 1", "first(y)", "id,t,y,c\n1,0,1,1\n1,1,0.7,1\n1,2,0.5,\n")
	require.NoError(t, err, "measured where it starts")
	require.Equal(t, []float64{1}, got)
}

// TestDoubtfulStarts: gaps of twice to ten times the rows' span are doubtful,
// unless the start is declared, and so are rows before it.
func TestDoubtfulStarts(t *testing.T) {
	for _, c := range []struct{ time, csv, code string }{
		{"", "t,y\n1.9,1\n2.9,1\n", ""},
		{"", "t,y\n2,1\n3,1\n", "far-start"},
		{"", "t,y\n10,1\n11,1\n", "far-start"},
		{"time t in [0, inf)", "t,y\n100,1\n101,1\n", ""},
		{"", "t,y\n7,1\n", ""}, // one row has no span
		{"time t in [1, inf)", "t,y\n0,1\n2,1\n3,1\n", "skipped-rows"},
	} {
		m := fromText(t, "model M {\n"+c.time+"\n  param k = 1\n  state x = 1\n  x' = -k*x\n  observe y = x\n}\ndata d from \"d.csv\" { time: t; y: y }", c.csv)
		_, err := m.NewFit(FitOptions{})
		require.NoError(t, err, c)
		if c.code == "" {
			require.Empty(t, m.Doubts().All, c)
			continue
		}
		require.Len(t, m.Doubts().All, 1, c)
		require.Equal(t, c.code, m.Doubts().All[0].Code)
	}
}

// TestSimulationStarts: a simulation starts where fits do.
func TestSimulationStarts(t *testing.T) {
	first := func(time, from, simulate, csv string) (start, end float64) {
		m := fromText(t, "model M {\n"+time+"\n  param k = 1\n  state x = 1\n  x' = -k*x\n  observe y = x\n}\n"+
			"data d from \"d.csv\" { time: t; y: y"+from+" }\nsimulate { "+simulate+" }", csv)
		s, err := m.Simulate(context.Background(), SimulateOptions{})
		require.NoError(t, err)
		rows := s.Trajectories[0].Rows
		return rows[0][0], rows[len(rows)-1][0]
	}
	for _, c := range []struct {
		time, from, simulate string
		start, end           float64
	}{
		{"", "", "until: 5", -1, 5},
		{"time t in [2, 4]", "", "", 2, 4},
		{"time t in [-2, 4]", "", "until: 3", -2, 3},
		{"time t in [2, inf)", "; from: 1", "until: 3", 1, 3},
		{"time t in [-2, 4]", "; from: 1", "from: 0.5", 0.5, 4},
		{"", "; from: first row", "times: [3, 0]", 0, 3}, // the rows before the first time asked for are not shown
	} {
		start, end := first(c.time, c.from, c.simulate, "t,y\n-1,1\n3,1\n")
		require.Equal(t, []float64{c.start, c.end}, []float64{start, end}, "%v", c)
	}
}

// TestSimulationWithoutTable: a run that needs no data does without.
func TestSimulationWithoutTable(t *testing.T) {
	for _, c := range []struct {
		from string
		ok   bool
	}{{"", true}, {"; from: -1", true}, {"; from: first row", false}} {
		m, err := Parse(filepath.Join(t.TempDir(), "m.node"), "model M {\n  state x = 1\n  x' = -x\n  observe y = x\n}\n"+
			"data d from \"none.csv\" { time: t; y: y"+c.from+" }\nsimulate { until: 1 }")
		require.NoError(t, err)
		_, err = m.Simulate(context.Background(), SimulateOptions{})
		require.Equal(t, c.ok, err == nil, c.from)
	}
}

// TestFitStartsWhereItIsSaid: what happens before the first row happens in a
// fit too; a single row behind the start is enough.
func TestFitStartsWhereItIsSaid(t *testing.T) {
	csv := "t,y\n"
	for _, x := range []float64{2, 3, 6} {
		csv += fmt.Sprintf("%g,%.15g\n", x, 5*math.Exp(-0.3*x)+8*math.Exp(-0.3*(x-1)))
	}
	m := fromText(t, `model PK {
  param k in (0, inf) = 0.3
  state x = 5
  x' = -k*x
  event dose at t = 1 { x += 8 }
  observe y = x ~ normal(0.1)
}
data d from "d.csv" { time: t; y: y }
fit { solver: tsit5 { rtol: 1e-11, atol: 1e-13 } }`, csv)
	require.InDelta(t, math.Log(0.1*math.Sqrt(2*math.Pi)), startLoss(t, m), 1e-10)

	m = fromText(t, `model One {
  covariate x0
  state x = x0
  param k = 1
  x' = -k*x
  observe y = x ~ normal(1)
}
data d from "d.csv" { time: t; trajectory: id; x0: x0; y: y }`, "id,t,x0,y\n0,1,1,0.3\n1,1,2,0.6\n")
	f, err := m.Fit(t.Context(), FitOptions{})
	require.NoError(t, err)
	require.InDelta(t, -math.Log(0.3), f.Values().Params["k"], 1e-5)
}

// TestSimulatedInputs: a simulation reads inputs at the times of its stages, as
// a fit does, and takes about the same steps.
func TestSimulatedInputs(t *testing.T) {
	csv := "t,u,y\n"
	for _, x := range []float64{0, 0.5, 1, 1.5, 2} {
		csv += fmt.Sprintf("%g,%g,%g\n", x, x*x*x-x, 0.)
	}
	for kind, want := range map[string]map[float64]float64{
		"cubic":  {1.25: math.Pow(1.25, 4)/4 - 1.25*1.25/2, 2: 2}, // the spline of a cubic is the cubic
		"linear": {0.5: -0.5 * 0.375 / 2, 2: 0.5 * (-0.375 + 0 + 1.875 + 6./2)},
		"hold":   {1: 0.5 * -0.375, 2: 0.5 * (-0.375 + 0 + 1.875)},
	} {
		for _, solver := range []string{"tsit5 { rtol: 1e-9, atol: 1e-11 }", "rk4 { step: 0.25 }", "dopri5"} {
			m := fromText(t, "model M {\n  input u "+kind+"\n  param k = 1\n  state x = 0\n  x' = k*u\n  observe y = x\n}\n"+
				"data d from \"d.csv\" { time: t; u: u; y: y }\nfit { solver: "+solver+" }\nsimulate { step: 0.25, solver: "+solver+" }", csv)
			s, err := m.Simulate(context.Background(), SimulateOptions{})
			require.NoError(t, err)
			for at, x := range want {
				require.InDelta(t, x, atTime(t, s, 0, at)["x"], 1e-7, "%s, %s", kind, solver)
			}

			f, err := m.NewFit(FitOptions{Workers: 1})
			require.NoError(t, err)
			x, err := f.inner.Objective.Space.X0()
			require.NoError(t, err)
			w := f.inner.Objective.Workers[0]
			w.System.Bind(f.inner.Objective.Space.SharedAt(x, f.inner.Objective.Natural), f.inner.Objective.Space.Scales)
			w.System.BindTrajectory(f.inner.Objective.Space.OwnInputs(f.inner.Objective.Natural, f.inner.Objective.Trajectories[0], w.System.Q[:0]), f.inner.Objective.Trajectories[0].Signals)
			var tr sim.Trajectory
			require.NoError(t, w.Integrator.Run(w.System, &f.inner.Objective.Trajectories[0].Span, &tr))
			told := fmt.Sprintf("%s, %s: %+v", kind, solver, tr.Stats)
			if strings.HasPrefix(solver, "rk4") {
				require.Equal(t, tr.Stats.Steps, s.Stats.Steps, told)
			}
			require.GreaterOrEqual(t, tr.Stats.Steps, s.Stats.Steps, told) // short enough for derivatives too
			require.LessOrEqual(t, tr.Stats.Steps, s.Stats.Steps+3, told)
		}
	}
}

// TestSimulatedBefore: before(E) in outputs is the value before the instant.
func TestSimulatedBefore(t *testing.T) {
	m, err := Parse("m.node", `model M {
  state x = 1
  discrete n = 3
  x' = 1
  event a at t = 1 priority 2 { x += 10; n := 4 }
  event b at t = 1 { x += 100; n := 5 }
  observe was = before(x) + 1000*before(n)
}
simulate { until: 2, step: 0.5 }`)
	require.NoError(t, err)
	s, err := m.Simulate(context.Background(), SimulateOptions{})
	require.NoError(t, err)
	col := len(s.Columns) - 1
	require.Equal(t, "was", s.Columns[col])
	var got []float64
	for _, r := range s.Trajectories[0].Rows {
		if r[0] == 1 {
			got = append(got, math.Round(r[col]))
		}
	}
	require.Equal(t, []float64{3002, 3002, 3002, 3002, 3002}, got, "two events with both sides, and the save")
	require.InDelta(t, 5000+112.5, atTime(t, s, 0, 1.5)["was"], 1e-6)
}

// TestClosedEnds: a parameter at the closed end of its interval is there
// exactly, in a simulation and as the result of a fit; the fit finds it inside
// if the data say so.
func TestClosedEnds(t *testing.T) {
	m, err := Parse("m.node", "model B {\n  param e in [0, 1] = 1\n  param f in [0, inf) = 0\n  let shown = e\n  let other = f\n}\nsimulate { until: 1, step: 1 }")
	require.NoError(t, err)
	s, err := m.Simulate(context.Background(), SimulateOptions{})
	require.NoError(t, err)
	require.Equal(t, 1., atTime(t, s, 0, 1)["shown"])
	require.Equal(t, 0., atTime(t, s, 0, 1)["other"])
	m = fromText(t, "model M {\n  param e in [0, 1] = 1\n  param k = 1\n  observe y = k + 0*e\n}\ndata d from \"d.csv\" { time: t; y: y }", "t,y\n0,1\n1,3\n")
	f, err := m.Fit(t.Context(), FitOptions{})
	require.NoError(t, err)
	require.Equal(t, 1., f.Values().Params["e"], "where it started, as the data say nothing")
	require.Equal(t, 1., f.Estimates[0].Start)
	for _, c := range []struct{ y, want float64 }{{1.4, 1}, {-0.3, 0}, {0.6, 0.6}} {
		m := fromText(t, `model M {
  param e in [0, 1] = 1
  param s in (0, inf) = 1
  observe y = e ~ normal(s)
}
data d from "d.csv" { time: t; y: y }
fit { optimizer: lbfgs { iterations: 200 } }`, fmt.Sprintf("t,y\n0,%g\n1,%g\n2,%g\n", c.y-0.1, c.y+0.1, c.y))
		f, err := m.Fit(t.Context(), FitOptions{})
		require.NoError(t, err)
		if e := f.Values().Params["e"]; c.want == 0 || c.want == 1 {
			require.Equal(t, c.want, e)
			require.True(t, f.Estimates[0].Bound)
			require.True(t, math.IsNaN(f.Estimates[0].StdErr))
			require.False(t, math.IsNaN(f.Estimates[1].StdErr))
		} else {
			require.InDelta(t, c.want, e, 1e-4)
		}
	}
}

// TestUniformPrior: its density is a constant within its support, and no start
// is outside of that.
func TestUniformPrior(t *testing.T) {
	const rest = "\n  observe y = k ~ normal(1)\n}\ndata d from \"d.csv\" { time: t; y: y }"
	const csv = "t,y\n0,0.4\n1,0.5\n"
	plain := startLoss(t, fromText(t, "model M {\n  param k = 0.4"+rest, csv))
	require.InDelta(t, plain+math.Log(3)/2, startLoss(t, fromText(t, "model M {\n  param k = 0.4 ~ uniform(0, 3)"+rest, csv)), 1e-12)
	require.InDelta(t, plain+math.Log(3)/2, startLoss(t, fromText(t, "model M {\n  param w = 3\n  param k = 0.4 ~ uniform(0, w)"+rest, csv)), 1e-12)
	_, err := parsedText(t, "model M {\n  param k = 4 ~ uniform(0, 3)"+rest, csv)
	require.ErrorContains(t, err, "outside-interval")
	_, err = parsedText(t, "model M {\n  param k = -1 ~ lognormal(0, 1)"+rest, csv)
	require.ErrorContains(t, err, "outside-interval")
	_, err = fromText(t, "model M {\n  param w = 3\n  param k = 4 ~ uniform(0, w)"+rest, csv).NewFit(FitOptions{})
	require.ErrorContains(t, err, "m.node:3:13: error: the prior of `k`")
	f, err := fromText(t, "model M {\n  param k = 2 ~ uniform(1, 3)"+rest, csv).Fit(t.Context(), FitOptions{})
	require.NoError(t, err)
	require.Equal(t, 1., f.Values().Params["k"], "held at the end of the support")
}

// TestSkipped: a simulation that starts by itself says what it leaves out.
func TestSkipped(t *testing.T) {
	m := fromText(t, `model M {
  state x = 1
  x' = -x
  event dose(amount) on data { x += amount }
  event once at t = 1.5 { x += 1 }
  observe y = x
}
data d from "d.csv" { time: t; y: y; dose: { amount: amt } }
simulate { from: 2 }`, "t,amt,y\n0,3,\n1,2,\n3,4,1\n4,,1\n")
	s, err := m.Simulate(context.Background(), SimulateOptions{})
	require.NoError(t, err)
	_, err = m.Simulate(context.Background(), SimulateOptions{})
	require.NoError(t, err)
	require.Equal(t, 2., s.Trajectories[0].Rows[0][0])
	require.Len(t, s.Trajectories[0].Events, 1)
	require.Len(t, m.Doubts().All, 2)
	require.Contains(t, m.Doubts().Error(), "2 firings")
	require.Contains(t, m.Doubts().Error(), "`once`, at 1.5")
}

// TestNoStartHasALoss: a model that explodes from wherever it begins is told so, with the
// reason, and is no result.
func TestNoStartHasALoss(t *testing.T) {
	m := fromText(t, `model M {
  param k in (1, 2) = 1.5
  state x = 1
  x' = k*x^2
  observe y = x ~ normal(0.1)
}
data d from "d.csv" { time: t; y: y }
fit { optimizer: auto { budget: 0.1 } }
`, "t,y\n2,1\n3,1\n5,1\n")
	_, err := m.Fit(context.Background(), FitOptions{})
	require.ErrorContains(t, err, "has led to a loss; the first: trajectory")
	require.ErrorContains(t, err, "pinode evaluate")
}
