package pinode

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/internal/gradcheck"
)

// simulated runs a model given as text and returns its only trajectory.
func simulated(t *testing.T, text string) (*Trajectory, error) {
	t.Helper()
	m, err := Parse("model.node", text)
	require.NoError(t, err)
	s, err := m.Simulate(context.Background(), SimulateOptions{})
	if err != nil {
		return nil, err
	}
	require.Len(t, s.Trajectories, 1)
	return s.Trajectories[0], nil
}

// certified compares the gradients of a model in every mode with central
// differences, on data that are made up: only derivatives matter here.
func certified(t *testing.T, body, obs string, times ...float64) {
	t.Helper()
	dir := t.TempDir()
	csv := "t,obs\n"
	for i, x := range times {
		csv += fmt.Sprintf("%g,%g\n", x, 0.3*float64(i%3))
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "d.csv"), []byte(csv), 0o600))
	text := "model M {\n" + body + "\n  observe obs = " + obs + " ~ normal(1)\n}\n" +
		"data d from \"d.csv\" { time: t; obs: obs }\nfit { solver: tsit5 { rtol: 1e-11, atol: 1e-13 } }\n"
	m, err := Parse(filepath.Join(dir, "m.node"), text)
	require.NoError(t, err)
	f, err := m.NewFit(FitOptions{})
	require.NoError(t, err)
	c, err := f.Certify(context.Background(), 1000, gradcheck.Modes...)
	require.NoError(t, err)
	require.Less(t, c.Worst, 1e-6, "%s, %s: %v", c.Mode, c.Where, c.Targets)
	require.Positive(t, c.Compared)
}

// TestHybridGradients: the situations in which gradients through events go
// wrong, each in every mode against finite differences.
func TestHybridGradients(t *testing.T) {
	for name, c := range map[string]struct{ body, obs string }{
		"moving floor, parameters in guard and jump": {`
  param g in (0, inf) = 9.8
  param A in (0, inf) = 0.12
  param w in (0, inf) = 3
  param e in (0, 1) = 0.8
  param h0 = 1
  state h = h0
  state v = 0
  h' = v
  v' = -g
  event bounce when h <= A*sin(w*t) { v := -e*(v - A*w*cos(w*t)) + A*w*cos(w*t) }`, "h + 0.3*v"},
		"jump that fires another event": {`
  param a in (0, inf) = 0.7
  param b in (0, inf) = 1.3
  state x = 0.1
  state y = 0
  x' = a
  y' = b*x
  event first when x >= 0.5 priority 1 { x := x - 0.2*a; y := y + b }
  event second when y >= 1 { y := 0.2*y + a }`, "x + y"},
		"delayed jump, its delay learned, crossed by another event": {`
  param k in (0, inf) = 0.9
  param D in (0, inf) = 0.35
  param j = 0.4
  state x = 1
  state y = 0
  x' = -k*x
  y' = x - 0.5*y
  event late when x <= 0.8 after D persistent { y := y + j*x + 0.1*D }
  event between when x <= 0.6 { x := x + 0.15*k }`, "x + y"},
		"learned times, period and start": {`
  param t1 in (0, inf) = 0.33
  param p in (0, inf) = 0.39
  param f in (0, inf) = 0.17
  param c = 0.5
  state x = 1
  x' = -c*x*t
  event once at t = t1 { x := x + t*c }
  event beat every p from f priority 1 { x := 0.9*x + 0.1*t }`, "x"},
		"discrete mode, hysteresis, learned thresholds": {`
  param k in (0, inf) = 1
  param lo = 18
  param hi = 22
  state T = 19
  discrete heat = 1
  T' = -k*(T - 15 - 10*heat)
  event off when T >= hi and heat == 1 { heat := 0 }
  event on when T <= lo and heat == 0 { heat := 1 }`, "0.1*T"},
		"neural guard and jump": {`
  param a in (0, inf) = 1.2
  neural g(x) -> 1 { hidden: [3], seed: 1 }
  neural j(v) -> 1 { hidden: [3], seed: 2 }
  state x = 1
  state v = 0
  x' = v
  v' = -a
  event hit when x <= 0.3 + g(v) { v := -0.7*v + j(v) }`, "x + 0.1*v"},
		"kinks and jumps of the field": {`
  param a in (0, inf) = 0.8
  param c in (0, inf) = 0.45
  state x = 1
  state y = 0.2
  x' = if y < c then -a*x else -0.3*a*x + abs(y - 0.7)
  y' = max(x - c, 0.2*a) + 0.1*floor(3*t)`, "x + y"},
		"observations at the instants of events": {`
  param a in (0, inf) = 1
  param j = 0.5
  state x = 0
  x' = a + 0.3*x
  event up at t = 0.5 { x := x + j }`, "x + 0.2*before(x)"},
		"jumps at observations": {`
  param a in (0, inf) = 1
  param w in (0, 1) = 0.4
  state x = 0.2
  x' = -a*x
  event update on observation of obs { x := (1 - w)*x + w*data(obs) }`, "1.5*before(x)"},
	} {
		t.Run(name, func(t *testing.T) {
			certified(t, c.body, c.obs, 0, 0.21, 0.5, 0.77, 1.03, 1.4, 1.9)
		})
	}
}

// TestSimultaneous: N balls land at the same instant, and each bounces; the
// gradient knows that each has a time of its own.
func TestSimultaneous(t *testing.T) {
	const n = 3
	body := "  param g in (0, inf) = 9.8\n"
	obs := "0"
	for i := range n {
		body += fmt.Sprintf("  param e%d in (0, 1) = 0.%d\n  param h%d in (0, inf) = 1\n  state y%d = h%d\n  state v%d = 0\n  y%d' = v%d\n  v%d' = -g\n  event b%d when y%d <= 0 { v%d := -e%d*v%d }\n",
			i, 9-i, i, i, i, i, i, i, i, i, i, i, i, i)
		obs += fmt.Sprintf(" + %g*y%d + 0.1*v%d", 1+0.5*float64(i), i, i)
	}
	tr, err := simulated(t, "model M {\n"+body+"}\nsimulate { until: 0.6, step: 0.1, solver: tsit5 { rtol: 1e-10, atol: 1e-12 } }")
	require.NoError(t, err)
	require.Len(t, tr.Events, n)
	for i, e := range tr.Events {
		require.Equal(t, i, e.K, "one instant, several micro-steps")
		require.InDelta(t, math.Sqrt(2/9.8), e.Time, 1e-14)
	}
	certified(t, body, obs, 0, 0.2, 0.5, 0.7)
}

// TestOrderInOneStep: two guards cross inside one step in the wrong order of
// declaration.
func TestOrderInOneStep(t *testing.T) {
	tr, err := simulated(t, `model M {
  state x = 0
  state n = 0
  x' = 1
  n' = 0
  event second when x >= 0.7 priority 1 { n := 10*n + 2 }
  event first when x >= 0.3 { n := 10*n + 1 }
}
simulate { until: 1, times: [1] }`)
	require.NoError(t, err)
	require.Equal(t, 12., tr.Rows[len(tr.Rows)-1][2])
}

// TestDoubleRoot: a guard that dips below its surface and comes back within
// one long step is found, twice.
func TestDoubleRoot(t *testing.T) {
	tr, err := simulated(t, `model M {
  state x = 1
  discrete n = 0
  x' = 2*(t - 1)
  event dip when x <= 0.01 { n := n + 1 }
  observe seen = n
}
simulate { until: 2, times: [2] }`)
	require.NoError(t, err)
	require.Len(t, tr.Events, 1)
	require.InDelta(t, 0.9, tr.Events[0].Time, 1e-12)
}

// TestStart: nothing fires at the start unless asked to; a strict comparison
// on its surface turns true just behind it.
func TestStart(t *testing.T) {
	for name, c := range map[string]struct {
		event string
		fires bool
	}{
		"inclusive, moving in": {"when x <= 0", false},
		"strict, moving in":    {"when x < 0", true},
		"at start":             {"when x <= 0 at start", true},
		"time zero":            {"at t = 0", false},
		"time zero, at start":  {"at t = 0 at start", true},
		"every, from zero":     {"every 5 from 0", false},
	} {
		tr, err := simulated(t, "model M {\n  state x = 0\n  discrete n = 0\n  x' = -1\n  event e "+c.event+" { n := n + 1 }\n  observe y = n\n}\nsimulate { until: 1, times: [1] }")
		require.NoError(t, err)
		want := 0
		if c.fires {
			want = 1
		}
		require.Len(t, tr.Events, want, name)
	}
}

// TestPriorities: right-hand sides read the values at the trigger, the higher
// priority goes first, and a jump can cancel an event that waits.
func TestPriorities(t *testing.T) {
	run := func(extra string) []float64 {
		tr, err := simulated(t, `model M {
  state x = 0
  discrete a = 0
  discrete b = 5
  x' = 1
  event low when x >= 0.5 `+extra+` { a := b; b := b + 100 }
  event high when x >= 0.5 and a == 0 priority 1 { a := 1; b := 7 }
}
simulate { until: 1, times: [1] }`)
		require.NoError(t, err)
		return tr.Rows[len(tr.Rows)-1][2:4]
	}
	// low reads b = 5 at its trigger although high has set it to 7.
	require.Equal(t, []float64{5, 105}, run(""))
	require.Equal(t, []float64{7, 107}, run("late"))

	tr, err := simulated(t, `model M {
  state x = 0
  discrete on = 1
  state n = 0
  x' = 1
  n' = 0
  event low when x >= 0.5 and on == 1 { n := n + 1 }
  event high when x >= 0.5 priority 1 { on := 0 }
}
simulate { until: 1, times: [1] }`)
	require.NoError(t, err)
	require.Len(t, tr.Events, 1, "high switched the condition of low off")
}

// TestFailures: runs that have no solution end with a status that says so.
func TestFailures(t *testing.T) {
	for name, c := range map[string]struct{ body, want string }{
		"livelock": {"state x = 0\n  discrete m = 0\n  x' = 1\n  event a when x >= 0.5 and m == 0 { m := 1 }\n  event b when x >= 0.5 and m == 1 { m := 0 }\n  observe y = m", "event_livelock"},
		"sliding":  {"state x = 1\n  state y = 1\n  state z = 1\n  x' = -sign(x)*(1.5 + 0.5*sign(y)*sign(z))\n  y' = -sign(y)*(1.5 + 0.5*sign(x)*sign(z))\n  z' = -sign(z)*(1.5 + 0.5*sign(y)*sign(x))", "event_sliding"},
		"zeno":     {"state h = 1\n  state v = 0\n  h' = v\n  v' = -9.8\n  event b when h <= 0 { v := -0.5*v }", "event_zeno"},
		"graze":    {"state x = 1\n  discrete n = 0\n  x' = 2*(t - 1)\n  event e when x <= 1e-15 { n := n + 1 }\n  observe y = n", "event_graze"},
		"unstable": {"state x = 1\n  x' = x^2", "step_too_small"},
	} {
		_, err := simulated(t, "model M {\n  "+c.body+"\n}\nsimulate { until: 3, step: 1 }")
		require.Error(t, err, name)
		var se *RunError
		require.ErrorAs(t, err, &se)
		require.Equal(t, c.want, se.Status.String(), name)
	}
}

// TestInputs: a signal that is held jumps between steps, not inside them, and
// gradients follow.
func TestInputs(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "d.csv"), []byte("t,u,y\n0,0,0\n1,2,0.1\n2,-1,1\n3,0,0.5\n"), 0o600))
	for _, kind := range []string{"hold", "linear"} {
		m, err := Parse(filepath.Join(dir, "m.node"), `model M {
  input u `+kind+`
  param k in (0, inf) = 0.1
  param a = 1
  state x = 0
  x' = a*u - k*x
  event half when x >= 0.9 { x := 0.5*x }
  observe y = x ~ normal(1)
}
data d from "d.csv" { time: t; u: u; y: y }
simulate { times: [1, 1.5], solver: rk4 { step: 0.1 } }`)
		require.NoError(t, err)
		f, err := m.NewFit(FitOptions{})
		require.NoError(t, err)
		c, err := f.Certify(context.Background(), 10, gradcheck.Modes...)
		require.NoError(t, err)
		require.Less(t, c.Worst, 1e-7, "%s, %s, %s: %v", kind, c.Mode, c.Where, c.Targets)
		if kind == "hold" {
			s, err := m.Simulate(context.Background(), SimulateOptions{})
			require.NoError(t, err)
			require.Zero(t, s.Trajectories[0].Rows[0][1], "nothing comes before t = 1")
		}
	}
}

// TestRest: a ball that has come to rest lies until the floor lets go.
func TestRest(t *testing.T) {
	tr, err := simulated(t, `model M {
  state h = 1
  state v = 0
  h' = v
  v' = if t < 5 then -9.8 else 2
  event bounce when h <= 0 {
    v := -0.5*v
    zeno rest { h := 0; v := 0 }
  }
}
simulate { until: 6, times: [4, 5, 6], solver: tsit5 { rtol: 1e-10, atol: 1e-12 } }`)
	require.NoError(t, err)
	last := tr.Rows[len(tr.Rows)-1]
	var rest *Event
	for i := range tr.Events {
		if tr.Events[i].Rest {
			rest = &tr.Events[i]
		}
	}
	require.NotNil(t, rest)
	require.InDelta(t, math.Sqrt(2/9.8)*3, rest.Time, 1e-9, "√(2h/g)(1+e)/(1−e)")
	require.InDelta(t, 1, last[1], 1e-9, "from t = 5 on it rises with 2")
	require.InDelta(t, 2, last[2], 1e-9)
}

// TestLearnPhysics: gravity, restitution, radius and the initial state of a
// bouncing ball from 300 positions without noise, each to 1e-6 (after the
// example of torchdiffeq, which reaches 1e-3 to 1e-5).
func TestLearnPhysics(t *testing.T) {
	const g, e, y0, r = 9.8, 0.8, 10., 0.2
	u := math.Sqrt(2 * g * (y0 - r))
	impact := func(n int) float64 { // t_n = √(2H/g) (1 + e − 2eⁿ)/(1 − e)
		return math.Sqrt(2*(y0-r)/g) * (1 + e - 2*math.Pow(e, float64(n))) / (1 - e)
	}
	csv := "t,y\n"
	for i := range 300 {
		now, n := float64(i)/50, 0
		for impact(n+1) <= now {
			n++
		}
		y := y0 - g*now*now/2
		if n > 0 {
			s := now - impact(n)
			y = r + math.Pow(e, float64(n))*u*s - g*s*s/2
		}
		csv += fmt.Sprintf("%.17g,%.17g\n", now, y)
	}
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "d.csv"), []byte(csv), 0o600))
	m, err := Parse(filepath.Join(dir, "m.node"), `model LearnPhysics {
  param g in (0, inf) = 6
  param e in (0, 1) = 0.6
  param r in (0, 1) = 0.5
  param y0 in (0, inf) = 9
  param v0 = 0.5
  state y = y0
  state v = v0
  y' = v
  v' = -g
  event bounce when y <= r { v := -e*v }
  observe height = y ~ normal(0.001)
}
data d from "d.csv" { time: t, height: y }
fit {
  solver: tsit5 { rtol: 1e-9, atol: 1e-10 }
  optimizer: adam { lr: 0.05, epochs: 600 } then lbfgs { iterations: 300 }
  curriculum: horizon from 0.1 to 1 over 400 epochs
}`)
	require.NoError(t, err)
	f, err := m.Fit(context.Background(), FitOptions{})
	require.NoError(t, err)
	for name, want := range map[string]float64{"g": g, "e": e, "r": r, "y0": y0} {
		require.InEpsilon(t, want, f.Values().Params[name], 1e-6, name)
	}
	require.InDelta(t, 0, f.Values().Params["v0"], 1e-6)
}
