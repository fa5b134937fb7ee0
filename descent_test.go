package pinode

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// firings are the times at which an event fired.
func firings(t *testing.T, text, event string) (times []float64) {
	t.Helper()
	m, err := Parse("m.node", text)
	require.NoError(t, err)
	s, err := m.Simulate(t.Context(), SimulateOptions{})
	require.NoError(t, err)
	for _, r := range s.Trajectories[0].Events {
		if r.Name == event {
			times = append(times, r.Time)
		}
	}
	return times
}

// TestRunsDry: h' = −k h^a comes to zero after h₀^(1−a)/(k (1−a)), slower and slower, or, a < 0 as in a cone,
// ever faster; it is filled again then. Output times lie on the way, one of them a millionth before the end.
func TestRunsDry(t *testing.T) {
	const k, h0, filled = 0.8, 2.5, 1.5
	for i, a := range []float64{-1.5, 1. / 3, 0.5, 0.7, 0.8} {
		after := func(h float64) float64 { return math.Pow(h, 1-a) / (k * (1 - a)) }
		first, period := after(h0), after(filled)
		for j, solver := range []string{"tsit5", "vern9", "rodas5p", "kvaerno5", "radau", "bdf", "auto"} {
			for l, rtol := range []float64{1e-4, 1e-7, 1e-10} {
				if !inPairs(i, j, l) {
					continue
				}
				for _, rate := range []string{"max(h, 0)^a", "h^a"} {
					if a < 0 && rate != "h^a" {
						continue // without bounds at 0
					}
					text := fmt.Sprintf(`model Tank {
  param a = %.17g
  state h = %g
  h' = -%g*%s
  event refill when h <= 0 { h := %g }
}
simulate { times: [%g, %.12g, %g], solver: %s { rtol: %g, atol: %g } }`,
						a, h0, k, rate, filled, 0.9*first, (1-1e-6)*first, first+2.5*period, solver, rtol, rtol/100)
					got := firings(t, text, "refill")
					require.Len(t, got, 3, "%s at %g, power %g, %s", solver, rtol, a, rate)
					for i, v := range got {
						want := first + float64(i)*period
						require.InDelta(t, want, v, 100*rtol*want, "%s at %g, power %g, %s", solver, rtol, a, rate)
					}
				}
			}
		}
	}
}

// TestVessels: two vessels that are joined at the bottom come to one level in finite time, from either
// side, and rest there: with d = a − b, √|d| falls at the rate k. What is poured in moves them again.
func TestVessels(t *testing.T) {
	const text = `model Vessels {
  param k = 0.4
  param H = 2
  state a = H
  state b = 0.5
  let d = a - b
  let q = k*sign(d)*sqrt(abs(d))
  a' = -q
  b' = q
  event add every 6 { b += 2.5 }
  observe y = a ~ normal(0.02)
}
data d from "d.csv" { time: t, y: y }
`
	rows := [][2]float64{{1, 1.7}, {3.0618, 1.3}, {5.5, 1.2}, {6.5, 2}, {9, 1.7}, {11, 1.8}, {15.3, 2.1}}
	csv := "t,y\n"
	for _, r := range rows {
		csv += fmt.Sprintf("%g,%g\n", r[0], r[1])
	}
	level := func(k, start, at float64) float64 { // of a
		a, b, from := start, 0.5, 0.
		for ; ; from += 6 {
			span := math.Min(at-from, 6)
			d := math.Copysign(math.Pow(math.Max(math.Sqrt(math.Abs(a-b))-k*span, 0), 2), a-b)
			a, b = (a+b+d)/2, (a+b-d)/2
			if at-from < 6 {
				return a
			}
			b += 2.5
		}
	}
	logLikelihood := func(k, start float64) float64 {
		sum := 0.
		for _, r := range rows {
			z := (r[1] - level(k, start, r[0])) / 0.02
			sum -= z*z/2 + math.Log(0.02*math.Sqrt(2*math.Pi))
		}
		return sum
	}
	const h = 1e-6
	byK := (logLikelihood(0.4+h, 2) - logLikelihood(0.4-h, 2)) / (2 * h)
	byH := (logLikelihood(0.4, 2+h) - logLikelihood(0.4, 2-h)) / (2 * h)
	for _, solver := range []string{"tsit5", "vern9", "rodas5p", "kvaerno5", "radau", "bdf"} {
		for _, mode := range []string{"unrolled", "forward", "adjoint", "backsolve"} {
			if mode == "backsolve" && solver != "tsit5" && solver != "vern9" || mode == "unrolled" && solver == "bdf" {
				continue
			}
			m := fromText(t, text+fmt.Sprintf("fit { gradient: %s, solver: %s { rtol: 1e-8, atol: 1e-10 } }", mode, solver), csv)
			e, err := m.Evaluate(t.Context(), EvaluateOptions{})
			require.NoError(t, err)
			require.InDelta(t, logLikelihood(0.4, 2), e.LogLikelihood, 2e-3, "%s, %s", solver, mode)
			require.InDelta(t, byK, e.Gradient.Params["k"], 2e-5*math.Abs(byK), "%s, %s", solver, mode)
			require.InDelta(t, byH, e.Gradient.Params["H"], 2e-5*math.Abs(byH), "%s, %s", solver, mode)
		}
	}
}

// TestKickedAtRest: v' = −k √v with kicks by a clock at which rows of data are, one before v has come to rest
// and one behind: √v falls at the rate k/2 behind each.
func TestKickedAtRest(t *testing.T) {
	const k = 1.1
	for _, solver := range []string{"tsit5", "dop853", "rodas5p", "auto"} {
		m, err := Parse("m.node", `model M {
  state v = 1
  v' = -1.1*sign(v)*sqrt(abs(v))
  event kick every 1 from 1 until 3.5 { v += if t < 2.5 then 0.8 else -0.8 }
}
simulate { times: [0.5, 1, 1.5, 2, 3, 4, 6], solver: `+solver+` { rtol: 1e-6, atol: 1e-8 } }`)
		require.NoError(t, err)
		s, err := m.Simulate(t.Context(), SimulateOptions{})
		require.NoError(t, err)
		v, from := 1., 0.
		at := map[float64]float64{}
		fall := func(to float64) {
			r := math.Max(math.Sqrt(math.Abs(v))-k/2*(to-from), 0)
			v, from = math.Copysign(r*r, v), to
		}
		for _, next := range []float64{0.5, 1, 1.5, 2, 3, 4, 6} {
			fall(next)
			switch next {
			case 1, 2:
				v += 0.8
			case 3:
				v -= 0.8
			}
			at[next] = v
		}
		got := map[float64]float64{}
		for _, row := range s.Trajectories[0].Rows {
			got[row[0]] = row[1] // the last of an instant
		}
		for when, want := range at {
			require.InDelta(t, want, got[when], 1e-6, "%s at t = %g", solver, when)
		}
	}
}

// TestPushedThrough: v' = F − k sign(v) √|v| from below goes through v = 0, where the slope is infinite. With
// w = √|v| time is (2/k) (w − (F/k) ln(1 + k w/F)) before, from the root on, and −(2/k) (w + (F/k) ln(1 − k w/F)) behind.
func TestPushedThrough(t *testing.T) {
	rows := [][2]float64{{0.3, -0.5}, {0.8, -0.1}, {1.1, 0.02}, {2, 0.1}, {3.5, 0.2}}
	csv := "t,v\n"
	for _, r := range rows {
		csv += fmt.Sprintf("%g,%g\n", r[0], r[1])
	}
	speed := func(force, k, at float64) float64 {
		before := func(w float64) float64 { return 2 / k * (w - force/k*math.Log1p(k*w/force)) }
		left := before(1) - at // to the root
		ahead := func(w float64) float64 { return -2 / k * (w + force/k*math.Log1p(-k*w/force)) }
		time, to, sign := before, 1., -1.
		if left < 0 {
			time, to, sign, left = ahead, force/k*(1-1e-15), 1, -left
		}
		lo, hi := 0., to
		for range 200 {
			if w := (lo + hi) / 2; time(w) < left {
				lo = w
			} else {
				hi = w
			}
		}
		return sign * lo * lo
	}
	logLikelihood := func(force, k float64) float64 {
		sum := 0.
		for _, r := range rows {
			z := (r[1] - speed(force, k, r[0])) / 0.1
			sum -= z*z/2 + math.Log(0.1*math.Sqrt(2*math.Pi))
		}
		return sum
	}
	// Before the root v' = F + k w, so that the motion comes from −1 in the time of before.
	const h = 1e-5
	byForce := (logLikelihood(0.4+h, 0.9) - logLikelihood(0.4-h, 0.9)) / (2 * h)
	byK := (logLikelihood(0.4, 0.9+h) - logLikelihood(0.4, 0.9-h)) / (2 * h)
	for _, solver := range []string{"tsit5", "dop853", "rodas5p", "kvaerno5", "radau", "bdf"} {
		for _, mode := range []string{"unrolled", "forward", "adjoint"} {
			if mode == "unrolled" && solver == "bdf" {
				continue
			}
			m := fromText(t, fmt.Sprintf(`model Push {
  param F = 0.4
  param k = 0.9
  state v = -1
  v' = F - k*sign(v)*sqrt(abs(v))
  observe y = v ~ normal(0.1)
}
data d from "d.csv" { time: t, y: v }
fit { gradient: %s, solver: %s { rtol: 1e-8, atol: 1e-9 } }`, mode, solver), csv)
			e, err := m.Evaluate(t.Context(), EvaluateOptions{})
			require.NoError(t, err)
			require.InDelta(t, logLikelihood(0.4, 0.9), e.LogLikelihood, 1e-5, "%s, %s", solver, mode)
			require.InDelta(t, byForce, e.Gradient.Params["F"], 3e-5*math.Abs(byForce), "%s, %s", solver, mode)
			require.InDelta(t, byK, e.Gradient.Params["k"], 3e-5*math.Abs(byK), "%s, %s", solver, mode)
		}
	}
}

// TestDryTogether: two tanks run dry at the same instant, at which something else crosses its surface, an event
// is due and another is by a clock: each time has the derivative of its own. A tank h' = -k h^p runs dry after
// h₀^(1−p)/(k (1−p)), here 2.5.
func TestDryTogether(t *testing.T) {
	const when, given = 2.5, 5
	for i, pair := range [][2]float64{{0.5, 0.5}, {0.5, 1. / 3}, {0.7, 0.6}, {0.7, 1. / 3}} {
		a, b := 1/(when*(1-pair[0])), 1/(when*(1-pair[1]))
		text := fmt.Sprintf(`model Ties {
  param a = %.17g
  param b = %.17g
  param c = 1
  param tau = 2.5
  state h = 1
  state g = 1
  state s = 0
  discrete sum = 0
  h' = -a*max(h, 0)^%.17g
  g' = -b*max(g, 0)^%.17g
  s' = c
  event first when h <= 0 { sum += t }
  event second when g <= 0 { sum += 3*t }
  event third when s >= 2.5 { sum += 5*t }
  event fourth at t = tau { sum += 7*t }
  event tick every 2.5 { sum += 0.5 }
  observe y = sum ~ normal(1)
}
data d from "d.csv" { time: t, y: y }
`, a, b, pair[0], pair[1])
		m := fromText(t, text, "t,y\n3,5\n")
		pull := given - (when*(1+3+5+7) + 0.5)
		want := map[string]float64{"a": -when / a * pull, "b": -3 * when / b * pull, "c": -5 * when * pull, "tau": 7 * pull}
		for j, solver := range []string{"tsit5", "vern9", "rodas5p", "kvaerno5", "radau", "bdf"} {
			for k, mode := range []string{"unrolled", "forward", "adjoint"} {
				if mode == "unrolled" && solver == "bdf" {
					continue
				}
				if !inPairs(i, j, k) {
					continue
				}
				for _, rtol := range []float64{1e-4, 1e-7} {
					of := fmt.Sprintf("powers %v, %s at %g, %s", pair, solver, rtol, mode)
					setFit(t, m, "gradient", mode, "solver", solver, "solver.rtol", fmt.Sprint(rtol), "solver.atol", fmt.Sprint(rtol))
					e, err := m.Evaluate(t.Context(), EvaluateOptions{})
					require.NoError(t, err, of)
					if solver != "bdf" { // which tells two such ends apart from 1e-9 on, and is not said to be exact there
						require.Empty(t, e.Warnings.All, of)
					}
					require.InDelta(t, -pull*pull/2-math.Log(2*math.Pi)/2, e.LogLikelihood, 0.01, of)
					for name, v := range want {
						require.InDelta(t, v, e.Gradient.Params[name], 1e-6*math.Abs(v), "%s by %s", of, name)
					}
				}
			}
		}
	}
}

// TestStopsAtKick: a body under Coulomb's friction stops at the instant at which the clock kicks it: 2 v₀ − 2 μ is where it
// is then, and the time of the kick is the clock's.
func TestStopsAtKick(t *testing.T) {
	for _, solver := range []string{"tsit5", "rodas5p", "radau", "bdf"} {
		for _, mode := range []string{"unrolled", "forward", "adjoint"} {
			if mode == "unrolled" && solver == "bdf" {
				continue
			}
			m := fromText(t, fmt.Sprintf(`model M {
  param mu = 0.5
  param v0 = 1
  param J = 0.8
  state x = 0
  state v = v0
  x' = v
  v' = -mu*sign(v)
  event kick at t = 2 { v += J }
  observe y = x ~ normal(1)
}
data d from "d.csv" { time: t, y: y }
fit { gradient: %s, solver: %s }`, mode, solver), "t,y\n2,0\n")
			e, err := m.Evaluate(t.Context(), EvaluateOptions{})
			require.NoError(t, err)
			require.InDelta(t, 2, e.Gradient.Params["mu"], 1e-6, "%s, %s", solver, mode)
			require.InDelta(t, -2, e.Gradient.Params["v0"], 1e-6, "%s, %s", solver, mode)
			require.InDelta(t, 0, e.Gradient.Params["J"], 1e-9, "%s, %s", solver, mode)
		}
	}
}

// TestDryAtClock: a tank is dry at the instant of the clock, or a little behind, which all that lies beside it is not led
// astray by: a row there is read behind the event of the clock, and x' = n + 1 is known to the tolerances.
func TestDryAtClock(t *testing.T) {
	for _, solver := range []string{"tsit5", "vern9", "rodas5p", "radau", "bdf", "auto"} {
		for _, h0 := range []float64{1 - 1e-6, 1, 1 + 1e-12, 1 + 1e-10, 1 + 1e-6, 1 + 1e-5, 1.001, 1.01} {
			m, err := Parse("m.node", fmt.Sprintf(`model M {
  state h = %.17g
  state x = 0
  discrete n = 0
  discrete m = 0
  h' = -0.5*sqrt(max(h, 0))
  x' = n + 1
  event dry when h <= 0 { m := m + 1 }
  event tick at t = 4 { n := n + 1; x += 0.4 }
}
simulate { times: [1, 2, 4, 5], solver: %s { rtol: 1e-6, atol: 1e-6 } }`, h0, solver))
			require.NoError(t, err)
			s, err := m.Simulate(t.Context(), SimulateOptions{})
			require.NoError(t, err)
			last := map[float64][]float64{} // of each time
			for _, row := range s.Trajectories[0].Rows {
				last[row[0]] = row
			}
			for _, row := range [][]float64{last[4], last[5]} {
				require.InDelta(t, map[float64]float64{4: 4.4, 5: 6.4}[row[0]], row[2], 1e-8, "%s, h0 = 1 + %g, at %g", solver, h0-1, row[0])
				require.InDelta(t, 1, row[3], 0)
				dry := 1.
				if row[0] == 4 && h0 > 1+2e-6 {
					dry = 0
				}
				require.InDelta(t, dry, row[4], 0, "%s, h0 = 1 + %g, at %g", solver, h0-1, row[0])
				level := math.Max(math.Sqrt(h0)-row[0]/4, 0)
				require.InDelta(t, level*level, row[1], 1e-9, "%s, h0 = 1 + %g, at %g", solver, h0-1, row[0])
			}
		}
	}
}
