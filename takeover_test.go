package pinode

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const heat = `
model Heat {
  param D in (0, inf) = 1
  state u[50] = 0
  u[0]' = 2601*D*(1 - 2*u[0] + u[1])
  u[49]' = 2601*D*(u[48] - 2*u[49])
  for i in 1..48 {
    u[i]' = 2601*D*(u[i-1] - 2*u[i] + u[i+1])
  }
}
`

// TestAuto: without a solver named, stiff problems are solved as they are by rodas5p, to the
// tolerances, and others as by tsit5, to the last bit.
func TestAuto(t *testing.T) {
	ends := func(t *testing.T, text string) ([]float64, int) {
		m, err := Parse("m.node", text)
		require.NoError(t, err)
		s, err := m.Simulate(t.Context(), SimulateOptions{})
		require.NoError(t, err)
		require.Empty(t, s.Warnings)
		rows := s.Trajectories[0].Rows
		return rows[len(rows)-1], s.Stats.TakenOver
	}
	texts, by := map[string]string{}, map[string]string{}
	for _, name := range []string{"rober", "orego", "vdpol", "hires", "pollu"} {
		text, err := os.ReadFile(filepath.Join("bench", "models", name+".node"))
		require.NoError(t, err)
		until := map[string]string{"rober": "1e11", "orego": "360", "vdpol": "2000", "hires": "321.8122", "pollu": "60"}[name]
		texts[name], by[name] = string(text)+"simulate { until: "+until+", times: ["+until+"]", "rodas5p"
	}
	for name, text := range stiffEvents {
		texts[name], by[name] = text+"simulate { until: 4, step: 1", "rodas5p"
	}
	texts["heat"], by["heat"] = heat+"simulate { until: 10, times: [10]", "rodas5p"
	texts["prey"], by["prey"] = "model M {\n  state x = 0.45\n  state y = 4.6\n  x' = 1.3*x - 0.5*x*y\n  y' = 0.5*x*y - 1.8*y\n}\nsimulate { until: 200, times: [200]", "tsit5"
	texts["oscillator"], by["oscillator"] = "model M {\n  state x = 1\n  state v = 0\n  x' = v\n  v' = -100*x - 0.02*v\n}\nsimulate { until: 100, times: [100]", "tsit5"
	for name, text := range texts {
		t.Run(name, func(t *testing.T) {
			got, taken := ends(t, text+" }\n")
			want, _ := ends(t, text+", solver: "+by[name]+" }\n")
			if require.Equal(t, by[name] == "rodas5p", taken == 1); taken == 0 {
				require.Equal(t, want, got)
			}
			for i, v := range want {
				require.InDelta(t, v, got[i], 1e-4*math.Abs(v)+1e-7)
			}
		})
	}
	got, _ := ends(t, texts["heat"]+" }\n")
	for i, u := range got[1:] { // at rest it is linear
		require.InDelta(t, 1-float64(i+1)/51, u, 1e-6, "point %d", i)
	}
}

// TestAutoReturns: a run goes back to the explicit method where it is not stiff for a while, and
// is stiff again. Van der Pol's equation with μ = 1000 over some periods: the values at 2000 are
// those of the test set for initial value problems, and the period that of the asymptotic
// expansion for large μ, which leaves out terms of the order of μ^(−4/3): 1e-4.
func TestAutoReturns(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("bench", "models", "vdpol.node"))
	require.NoError(t, err)
	body := strings.TrimSuffix(strings.TrimSpace(string(text)), "}")
	m, err := Parse("m.node", body+"  discrete n = 0\n  event falls when falling(y1) { n += 1 }\n}\n"+
		"simulate { until: 9000, times: [2000, 9000], solver: auto { rtol: 1e-9, atol: 1e-11 } }\n")
	require.NoError(t, err)
	s, err := m.Simulate(t.Context(), SimulateOptions{})
	require.NoError(t, err)
	require.Empty(t, s.Warnings)
	require.Equal(t, 1, s.Stats.TakenOver)
	require.Greater(t, s.Stats.Returns, 5)
	at := slices.Index(s.Column("t"), 2000)
	require.InDelta(t, 1.7061677321704650, s.Column("y1")[at], 1e-7)
	require.InDelta(t, -8.9280970102481655e-4, s.Column("y2")[at], 1e-10)
	events := s.Events()
	require.Len(t, events, 6)
	const mu = 1000
	period := (3-2*math.Ln2)*mu + 7.014321/math.Cbrt(mu) - 2./3*math.Log(mu)/mu - 1.3233/mu
	for i, e := range events[1:] {
		require.InDelta(t, period, e.Time-events[i].Time, 3e-4)
	}
}

// TestAutoReturnsFit: the loss of trajectories that are stiff, not stiff, and stiff again, with
// events in each part, and its gradient by parameters and weights in all modes that there are of
// such runs, against differences and alike for any number of workers.
func TestAutoReturnsFit(t *testing.T) {
	var rows strings.Builder
	rows.WriteString("run,t,fast,x\n")
	for run := range 9 {
		for k := range 7 {
			fmt.Fprintf(&rows, "%d,%g,%g,%g\n", run, 2*float64(k), math.Pow(10, 3+float64(run%4)), math.Cos(16*float64(k)))
		}
	}
	const text = `
model M {
  covariate fast
  param w in (0, inf) = 8.01
  param e in (0, 1) = 0.5
  param k in (0, inf) = 1
  neural net(x) { hidden: [3], activation: tanh }
  state x = 1
  state a = 1
  state b = 0
  x' = -(k + fast*(2 - tanh(5*(t - 1)) + tanh(5*(t - 10))))*(x - a) + 0.1*net(x)
  a' = w*b
  b' = -w*a
  event early at t = 0.3*k { x += e }
  event mid at t = 5*k { x -= e }
  event late when t >= 11.1*k { x += e*e }
  observe x = x ~ normal(0.1)
}
data d from "d.csv" { trajectory: run, time: t, fast: fast, x: x }
`
	m := fromText(t, text, rows.String())
	s, err := m.Simulate(t.Context(), SimulateOptions{})
	require.NoError(t, err)
	require.Greater(t, s.Stats.TakenOver, 4)
	require.Greater(t, s.Stats.Returns, 4)
	sameForWorkers(t, m, "a run that goes and comes back")
	f, err := m.NewFit(FitOptions{Workers: 1})
	require.NoError(t, err)
	c, err := f.Certify(t.Context(), 6, "unrolled", "forward", "adjoint")
	require.NoError(t, err)
	require.True(t, c.Certified(), "%v", c)
}

// TestAutoSideBySide: of trajectories of which some are stiff, each is what it is alone, for
// any number of workers, and so is its gradient; more of them than wait at a time.
func TestAutoSideBySide(t *testing.T) {
	m := stiff(t, "vdpol", "simulate { until: 30 }\n")
	const n = 300
	values := make([][]float64, n)
	rng := rand.New(rand.NewPCG(1, 7))
	for i := range values {
		values[i] = []float64{math.Pow(10, 5*rng.Float64()-1)}
	}
	one, err := m.NewSolver(1, []string{"mu"}, SimulateOptions{})
	require.NoError(t, err)
	alone, taken := make([][]float64, n), 0
	for i, v := range values {
		require.NoError(t, one.Run(v))
		alone[i] = append([]float64{}, one.Ends[0]...)
		taken += one.Stats().TakenOver
	}
	require.Greater(t, taken, 80)
	require.Less(t, taken, 270)
	for _, workers := range []int{1, 2} {
		many, err := m.NewSolver(n, []string{"mu"}, SimulateOptions{Workers: workers})
		require.NoError(t, err)
		require.NoError(t, many.Run(values...))
		for i, want := range alone {
			// A run that keeps its steps for a derivative looks at their stability from its
			// start on; it is the same method that takes the stiffest.
			require.InDeltaSlice(t, want, many.Ends[i], 1e-3, "mu = %g", values[i][0])
		}
		again := append([][]float64{}, many.Ends...)
		for i := range again {
			again[i] = append([]float64{}, again[i]...)
		}
		turned := append([][]float64{}, values...) // in other lanes, beside others
		slices.Reverse(turned)
		require.NoError(t, many.Run(turned...))
		for i := range again {
			require.Equal(t, again[n-1-i], many.Ends[i])
		}
	}
}

// TestAutoFit: the loss of trajectories of which some are stiff, and its gradient by
// parameters and weights, have the same bits for any number of workers, and are what
// differences give.
func TestAutoFit(t *testing.T) {
	var rows strings.Builder
	rows.WriteString("run,t,rate,x\n")
	for run := range 20 {
		for k := range 5 {
			fmt.Fprintf(&rows, "%d,%g,%g,%g\n", run, 2*float64(k), math.Pow(10, float64(run%6)), 1/float64(1+run+k))
		}
	}
	text := `
model M {
  covariate rate
  param k in (0, inf) = 0.7
  param e in (0, 1) = 0.5
  neural net(x) { hidden: [4], activation: tanh }
  state x = 1
  state y = 0
  discrete s = 1
  x' = -k*x + 0.1*net(y)*s + 0.1*y
  y' = rate*(x - y)
  event low when x <= 0.4 { s := e; x += 0.1 }
  observe x = x ~ normal(0.1)
}
data d from "d.csv" { trajectory: run, time: t, rate: rate, x: x }
fit { optimizer: adam { epochs: 3 } }
`
	m := fromText(t, text, rows.String())
	sameForWorkers(t, m, "runs of which some are taken over")
	f, err := m.NewFit(FitOptions{Workers: 2})
	require.NoError(t, err)
	c, err := f.Certify(t.Context(), 6, "unrolled", "forward")
	require.NoError(t, err)
	require.True(t, c.Certified(), "%v", c)
}

// TestAutoRescues: where the explicit method leaves the range in which a stiff model has a
// solution, the other takes the run, alone and in lanes. The end is that of methods of order nine in
// quadruple precision.
func TestAutoRescues(t *testing.T) {
	m := stiff(t, "rober", "simulate { until: 40, times: [40], solver: auto { rtol: 1e-3, atol: 1e-5 } }\n")
	many, err := m.NewSolver(3, []string{"slow"}, SimulateOptions{Workers: 1})
	require.NoError(t, err)
	require.NoError(t, many.Run([]float64{0.04}, []float64{0.04}, []float64{0.04}))
	require.Equal(t, 3, many.Stats().TakenOver)
	for _, y := range many.Ends {
		require.InDelta(t, 0.71582706871940509, y[0], 1e-3)
		require.InDelta(t, 0.28416374574583035, y[2], 1e-3)
	}
	s, err := m.Simulate(t.Context(), SimulateOptions{})
	require.NoError(t, err)
	require.InDelta(t, 0.71582706871940509, s.Column("y1")[0], 1e-3)

	// What no method can follow fails as it does with the other method alone: x = 1/(1 − t).
	m, err = Parse("m.node", "model M {\n  state x = 1\n  x' = x^2\n}\nsimulate { until: 2 }\n")
	require.NoError(t, err)
	_, err = m.Simulate(t.Context(), SimulateOptions{})
	var failed *RunError
	require.ErrorAs(t, err, &failed)
	require.InDelta(t, 1, failed.Time, 1e-6)
}

// TestAutoSlides: a stiff model that slides is taken over too. The solution in closed form: x
// comes to zero at 4 − 2√2, stays there until 4 and is (t − 4)²/8 then, which w follows by
// w = x − x'/k + x”/k².
func TestAutoSlides(t *testing.T) {
	m, err := Parse("m.node", `model Slide {
  param k in (0, inf) = 1e4
  param a in (0, inf) = 0.25
  state x = 1
  state w = 0
  x' = -sign(x) + a*t
  w' = k*(x - w)
}
simulate { until: 6, times: [1, 6] }
`)
	require.NoError(t, err)
	s, err := m.Simulate(t.Context(), SimulateOptions{})
	require.NoError(t, err)
	require.Equal(t, 1, s.Stats.TakenOver)
	require.Len(t, s.Events(), 2)
	require.InDelta(t, 4-2*math.Sqrt2, s.Events()[0].Time, 1e-9)
	require.InDelta(t, 4, s.Events()[1].Time, 1e-9)
	w := s.Column("w")
	require.InDelta(t, 0.5-0.5e-4+0.25e-8, w[len(w)-1], 1e-8)
	c, err := m.Certify(t.Context(), 10)
	require.NoError(t, err)
	require.True(t, c.Certified(), "%v", c)
}
