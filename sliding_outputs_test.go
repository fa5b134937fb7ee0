package pinode

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/internal/gradcheck"
)

// TestSlidingOutputs: what is read of a discontinuity along which the solution
// slides is what acts: what keeps the state where it is. From time 0 to 3 these
// models slide all the time.
func TestSlidingOutputs(t *testing.T) {
	type values = map[string]func(t float64) float64
	push := func(t float64) float64 { return 0.4*math.Sin(t) + 0.1 }
	floor := func(t float64) float64 { // it is at the edge at 0.1
		if t == 0 {
			return 0
		}
		return 0.5 + 0.2*math.Sin(t)
	}
	for name, c := range map[string]struct {
		body  string
		wants values
	}{
		"friction balances the force": {`
  state v = 0
  let F = 0.7*sign(v)
  v' = 0.4*sin(t) + 0.1 - F
  observe force = F
  observe half = if v >= 0 then 0.35 else -0.35
  observe up = step(v)
  observe sum = 2*F + t`, values{
			"F": push, "force": push, "half": func(t float64) float64 { return push(t) / 2 },
			"up": func(t float64) float64 { return (push(t)/0.7 + 1) / 2 }, "sum": func(t float64) float64 { return 2*push(t) + t },
		}},
		"two factors that jump": {`
  state v = 0
  let mu = if v > 0 then 0.6 else 0.9
  let F = mu*sign(v)
  v' = 0.4*sin(t) + 0.1 - F
  observe force = mu*sign(v)`, values{
			"F": push, "force": push, "mu": func(t float64) float64 { return 0.9 - 0.3*(push(t)+0.9)/1.5 },
		}},
		"what is not linear in it": {`
  state v = 0
  let F = 0.7*sign(v)
  let size = abs(F)
  v' = 0.4*sin(t) + 0.1 - F
  observe square = F^2
  observe again = F*F
  observe root = sqrt(1 + F^2)
  observe more = max(F, 0.2) + (if F > 0.3 then 1 else 0)
  observe direct = abs(0.7*sign(v)) + exp(sign(v))`, values{
			"size":   func(t float64) float64 { return math.Abs(push(t)) },
			"square": func(t float64) float64 { return push(t) * push(t) }, "again": func(t float64) float64 { return push(t) * push(t) },
			"root": func(t float64) float64 { return math.Sqrt(1 + push(t)*push(t)) },
			"more": func(t float64) float64 {
				if push(t) > 0.3 {
					return push(t) + 1
				}
				return math.Max(push(t), 0.2)
			},
			"direct": func(t float64) float64 { return math.Abs(push(t)) + math.Exp(push(t)/0.7) },
		}},
		"what acts is not linear": {`
  state v = 0
  let s = 0.7*sign(v) + 0.2
  let F = s*abs(s)
  v' = 0.4*sin(t) + 0.1 - F
  observe force = F`, values{"F": push, "force": push}},
		"the same surface from the other side": {`
  state v = 0.5
  v' = 0.4*sin(t) + 0.1 - (if v < 0.5 then -0.7 else 0.7)
  observe a = 0.7*sign(v - 0.5)
  observe b = -0.7*sign(0.5 - v)
  observe c = if 0.5 < v then 0.7 else -0.7
  observe d = if not (v >= 0.5) then -0.7 else 0.7
  observe e = 0.7*sign(3*(v - 0.5)) + 0*v
  observe f = 0.7*sign((0.5 - v)/-2)`, values{"a": push, "b": push, "c": push, "d": push, "e": push, "f": push}},
		"functions, arrays and corners": {`
  state v[2] = [0, 1]
  state x = 0
  fn rough(s) = sign(s - max(x, 0))
  v[0]' = 0.4*sin(t) + 0.1 - sum(rough(v[0])*[0.3, 0.4])
  v[1]' = 0
  x' = 0
  observe force = 0.7*rough(v[0])
  observe both[2] = [0.7*rough(v[0]), 3]`, values{"force": push, "both[0]": push, "both[1]": func(float64) float64 { return 3 }}},
		"two surfaces": {`
  state x = 0
  state y = 0
  let a = sign(x)
  let b = 2*sign(y)
  x' = 0.3*sin(t) - a
  y' = 0.5*a + cos(t) - b
  observe A = a
  observe B = b
  observe all = if x > 0 and y > 0 then 1 else 0
  observe some = if x > 0 or y > 0 then 1 else 0`, values{
			"A": func(t float64) float64 { return 0.3 * math.Sin(t) }, "B": func(t float64) float64 { return 0.15*math.Sin(t) + math.Cos(t) },
			"all": func(t float64) float64 {
				return (0.3*math.Sin(t) + 1) / 2 * ((0.15*math.Sin(t)+math.Cos(t))/2 + 1) / 2
			},
			"some": func(t float64) float64 {
				return 1 - (1-(0.3*math.Sin(t)+1)/2)*(1-((0.15*math.Sin(t)+math.Cos(t))/2+1)/2)
			},
		}},
		"edge of a floor": {`
  state x = 0.95
  let k = floor(x)
  x' = 0.5 + 0.2*sin(t) - k
  observe steps = 2*k
  observe down = ceil(-x)`, values{"k": floor, "steps": func(t float64) float64 { return 2 * floor(t) }, "down": func(t float64) float64 { return -floor(t) }}},
		"a corner on the surface": {`
  state v = 0
  let F = sign(v)*(0.7 + sqrt(abs(v)))
  v' = 0.4*sin(t) + 0.1 - F
  observe force = F
  observe was = before(F)`, values{"F": push, "force": push, "was": push}},
		"jumps and what was before": {`
  state v = 0
  discrete u = 0.2
  state J = 0
  let F = 0.7*sign(v)
  v' = u - F
  J' = 0
  event turn at t = 1.5 { u := -0.3; J := J + 10*F }
  observe now = F
  observe was = before(F)
  observe jump = F - before(F)`, values{
			"now": func(t float64) float64 {
				if t < 1.5 {
					return 0.2
				}
				return -0.3
			},
			"was": func(t float64) float64 {
				if t <= 1.5 {
					return 0.2
				}
				return -0.3
			},
			"jump": func(t float64) float64 {
				if t == 1.5 {
					return -0.5
				}
				return 0
			},
			"J": func(t float64) float64 {
				if t < 1.5 {
					return 0
				}
				return 2
			},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := Parse("model.node", "model M {"+c.body+"\n}\nsimulate { until: 3, step: 0.25, solver: tsit5 { rtol: 1e-9, atol: 1e-12 } }\n")
			require.NoError(t, err)
			s, err := m.Simulate(context.Background(), SimulateOptions{})
			require.NoError(t, err)
			rows := s.Trajectories[0].Rows
			compared := 0
			for i, row := range rows {
				if i+1 < len(rows) && rows[i+1][0] == row[0] || math.Mod(row[0], 0.25) != 0 {
					continue // within an instant
				}
				for column, want := range c.wants {
					k := slices.Index(s.Columns, column)
					require.Positive(t, k, column)
					require.InDelta(t, want(row[0]), row[k], 1e-9, "%s at %g", column, row[0])
					compared++
				}
			}
			require.Equal(t, 13*len(c.wants), compared)
		})
	}
}

// TestSlidingOutputsAtEnds: where a slide starts the force jumps from that of slipping
// to what holds; where it ends it goes over into that of slipping, also just behind the
// end, where the speed is of the size of round-off.
func TestSlidingOutputsAtEnds(t *testing.T) {
	tr, err := simulated(t, `model M {
  state v = 1
  let F = 1.5*sign(v)
  v' = 0.5*t - F
  observe force = F
}
simulate { until: 4, step: 0.25 }`)
	require.NoError(t, err)
	in, out := slidingPhases(tr)
	require.InDeltaSlice(t, []float64{3 - math.Sqrt(5)}, in, 1e-6) // 1 − 1.5t + t²/4 = 0
	require.InDeltaSlice(t, []float64{3}, out, 1e-6)
	var at []float64
	for _, row := range tr.Rows {
		want := 1.5
		if row[0] > in[0] && row[0] < out[0] {
			want = row[0] / 2
		}
		if row[0] == in[0] {
			at = append(at, row[2])
			continue
		}
		require.InDelta(t, want, row[2], 1e-9, "at %g", row[0])
		require.Equal(t, row[2], row[3])
	}
	require.InDeltaSlice(t, []float64{1.5, in[0] / 2}, at, 1e-9)
}

// TestSlidingOutputGradients: derivatives of losses of what acts on a surface, in
// every mode against differences.
func TestSlidingOutputGradients(t *testing.T) {
	stick := `
  param mu in (0, inf) = 0.7
  param a = 0.4
  param w = 1.1
  state v = 1
  state x = 0.2
  let F = mu*sign(v)
  x' = v
  v' = a*sin(w*t) + 0.1 - 0.05*x - F`
	for name, c := range map[string]struct{ body, obs string }{
		"force": {stick, "F"},
		"nonlinear, with states and a second discontinuity": {stick, "x*F^2 + exp(F)*step(v) + abs(F)"},
		"two surfaces": {`
  param p = 0.3
  param q = 1.2
  state x = 0.3
  state y = -0.4
  let a = sign(x)
  let b = 2*sign(y)
  x' = p*sin(t) - a + 0.1*b
  y' = 0.5*a + q*cos(t) - b
`, "a + 2*a*b + b^2"},
		"before an instant": {stick + `
  discrete k = 1
  event kick at t = 4 { x := x + a*F }`, "F + before(F)*x"},
		"a jump at a time that is learned": {stick + `
  param T = 3.3
  state J = 0
  J' = -0.3*J
  event kick at t = T { J := J + F*F + w*sign(v) }`, "J + x"},
		"a delay that reads it": {stick + `
  param T = 3.3
  state J = 0
  J' = -0.3*J
  event kick at t = T after 0.5 + 0.2*F { J := J + x + F }`, "J + F"},
		"a neural block beside it": {stick + `
  neural net(x: 1) -> 1 { hidden: [3] }`, "net(x) + F*net(F)"},
	} {
		t.Run(name, func(t *testing.T) {
			certified(t, c.body, c.obs, 0.3, 1, 2.2, 3, 3.7, 4, 4.6, 5.3, 6)
		})
	}
}

// TestSlidingTriggers: a condition or priority that would have to know what acts is
// refused when it slides, one of states is not.
func TestSlidingTriggers(t *testing.T) {
	text := func(event string) string {
		return `model M {
  state v = 1
  discrete n = 0
  let F = 0.7*sign(v)
  v' = 0.4*sin(t) + 0.1 - F
  ` + event + `
}
simulate { until: 4, step: 1 }
`
	}
	for _, event := range []string{
		"event a when F < 0.5 { n := n + 1 }",
		"event a when rising(F + 0.1*t) { n := n + 1 }",
		"event a when v < 0.9 and not (t - F > 2) { n := n + 1 }",
		"event a at t = 3 + F { n := n + 1 }",
		"event a at t = 2 priority (if F > 0 then 1 else 2) { n := n + 1 }",
	} {
		_, err := simulated(t, text(event))
		require.ErrorContains(t, err, "(event `a`, model.node:6:9)", event)
		require.ErrorContains(t, err, "`sign(v)` at model.node:4:15", event)
	}
	_, err := simulated(t, `model M {
  state x = 0.95
  discrete n = 0
  x' = 0.5 - floor(x)
  event a when floor(x) + t > 2 { n := n + 1 }
}
simulate { until: 4, step: 1 }`)
	require.ErrorContains(t, err, "(event `a`, model.node:5:9)")
	tr, err := simulated(t, text("event a when v <= 0.5 and abs(v) < 2 { n := n + 1 }"))
	require.NoError(t, err)
	require.Equal(t, 1., tr.Rows[len(tr.Rows)-1][2])
}

// TestSlidingPenalties: penalties on what acts while it slides, alone and as the rate of
// a conserved quantity.
func TestSlidingPenalties(t *testing.T) {
	for name, c := range map[string]struct {
		penalty string
		want    float64 // its mean over 0 … 3
	}{
		// ∫₀³ max(0, a sin t − 0.2)² dt / 3 with a = 0.4; both sides would have 0.5² and 0.9².
		"require": {"require 0.2 - F >= 0 { weight: 3 }", 3 * integral(func(t float64) float64 { return math.Pow(math.Max(0, 0.4*math.Sin(t)-0.2), 2) }) / 3},
		// The speed stays 0, though it does not on either side.
		"conserve": {"conserve impulse = 2*v { weight: 5, scale: 1 }", 0},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			require.NoError(t, os.WriteFile(filepath.Join(dir, "d.csv"), []byte("t,x\n0,0\n3,0\n"), 0o600))
			m, err := Parse(filepath.Join(dir, "m.node"), `model M {
  param a = 0.4
  state v = 0
  let F = 0.7*sign(v)
  v' = a*sin(t) - F
  state y = 1, y' = 0 # keeps the steps short
  y'' = -25*y
  observe x = v ~ normal(1)
  `+c.penalty+`
}
data d from "d.csv" { time: t; x: x }
fit { solver: tsit5 { rtol: 1e-11, atol: 1e-13 } }
`)
			require.NoError(t, err)
			f, err := m.NewFit(FitOptions{})
			require.NoError(t, err)
			cert, err := f.Certify(context.Background(), 1000, gradcheck.Modes...)
			require.NoError(t, err)
			// The penalty has a kink in its slope, and no part in the choice of steps: tolerances are tight.
			require.Less(t, cert.Worst, 1e-6, "%s %s %+v", cert.Mode, cert.Where, cert.Targets)
			res, err := f.inner.Objective.Eval(context.Background(), f.inner.X, nil, 1, nil)
			require.NoError(t, err)
			require.InDelta(t, c.want+math.Log(2*math.Pi)/2, res.Loss, 1e-6)
		})
	}
}

// integral is that over 0 … 3 by Simpson's rule.
func integral(f func(t float64) float64) float64 {
	const n = 3000
	sum := f(0) + f(3)
	for i := 1; i < n; i++ {
		sum += float64(2+2*(i%2)) * f(3*float64(i)/n)
	}
	return sum * 3 / n / 3
}

// TestFitFrictionForce recovers a coefficient of friction and a force from noisy
// measurements of the friction of a mass that sticks and slips: closed form while it
// sticks, mu while it slips.
func TestFitFrictionForce(t *testing.T) {
	const mu, a, noise = 0.7, 0.9, 0.01
	truth, err := simulated(t, fmt.Sprintf(`model M {
  state v = 0
  let F = %g*sign(v)
  v' = %g*sin(t) - F
}
simulate { until: 12, step: 0.1, solver: tsit5 { rtol: 1e-9, atol: 1e-11 } }`, mu, a))
	require.NoError(t, err)
	rng := rand.New(rand.NewPCG(5, 11))
	csv, held := "t,force\n", 0
	in, out := slidingPhases(truth)
	require.NotEmpty(t, in)
	for i := range 121 {
		now := 0.1 * float64(i)
		force, slips := 0., false
		for _, row := range truth.Rows {
			if row[0] <= now+1e-9 {
				force, slips = math.Copysign(mu, row[1]), math.Abs(row[1]) > 1e-9
			}
		}
		if !slips {
			force = a * math.Sin(now)
			held++
		}
		csv += fmt.Sprintf("%.17g,%.17g\n", now, force+noise*rng.NormFloat64())
	}
	require.Greater(t, held, 30, "%v %v", in, out)
	require.Less(t, held, 90)
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "d.csv"), []byte(csv), 0o600))
	for _, gradient := range gradcheck.Modes {
		m, err := Parse(filepath.Join(dir, "m.node"), `model M {
  param mu in (0, inf) = 0.6
  param a in (0, inf) = 0.8
  state v = 0
  let F = mu*sign(v)
  v' = a*sin(t) - F
  observe force = F ~ normal(0.01)
}
data d from "d.csv" { time: t; force: force }
fit { gradient: `+gradient+`; optimizer: adam { lr: 0.02, epochs: 200 } then lbfgs { iterations: 60 } }
`)
		require.NoError(t, err)
		f, err := m.Fit(context.Background(), FitOptions{})
		require.NoError(t, err, gradient)
		require.InDelta(t, mu, f.Values().Params["mu"], 0.01, gradient)
		require.InDelta(t, a, f.Values().Params["a"], 0.01, gradient)
		require.InEpsilon(t, noise, f.Train.RMSE["force"], 0.3, gradient)
	}
}
