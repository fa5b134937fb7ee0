package pinode

import (
	"context"
	"math"
	"math/rand/v2"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/internal/engine"
)

// atTime is the last row of a run at a time, by column.
func atTime(t *testing.T, s *Simulation, trajectory int, time float64) map[string]float64 {
	t.Helper()
	out := map[string]float64{}
	for _, row := range s.Trajectories[trajectory].Rows {
		if math.Abs(row[0]-time) < 1e-9 {
			for i, v := range row {
				out[s.Columns[i]] = v
			}
		}
	}
	require.NotEmpty(t, out, "no row at t = %g", time)
	return out
}

// TestAdds: what events add lands on the values at the execution, sums up in
// any order, and reads its amount at the trigger.
func TestAdds(t *testing.T) {
	m, err := Parse("m.node", `model M {
  state x = 1
  state v[2] = [1, 2]
  discrete n = 0
  x' = -x
  v' = [1, 1]
  event a at t = 1 { x += 2; n += 1; n += 2 }
  event b at t = 1 { x += 3 }
  event lagged at t = 2 after 1 { x += x; v[1] += 10 }
  event c at t = 2.5 { x += 4; v[0] := 0 }
}
simulate { until: 4, step: 0.5, solver: tsit5 { rtol: 1e-10, atol: 1e-12 } }`)
	require.NoError(t, err)
	s, err := m.Simulate(context.Background(), SimulateOptions{})
	require.NoError(t, err)
	r := atTime(t, s, 0, 1)
	require.InDelta(t, math.Exp(-1)+5, r["x"], 1e-8)
	require.Equal(t, 3., r["n"], "two lines of one body add up")
	at2 := (math.Exp(-1) + 5) * math.Exp(-1)
	at3 := (at2*math.Exp(-0.5)+4)*math.Exp(-0.5) + at2
	r = atTime(t, s, 0, 3)
	require.InDelta(t, at3, r["x"], 1e-8, "the amount is that at t = 2, on the value at t = 3")
	require.InDelta(t, 0.5, r["v[0]"], 1e-10)
	require.InDelta(t, 15, r["v[1]"], 1e-10)
}

// TestAddGradients: derivatives through what is added, in every mode.
func TestAddGradients(t *testing.T) {
	for name, body := range map[string]string{
		"two events at one instant, one with a lag crossed by another": `
  param k in (0, inf) = 0.7
  param a = 0.6
  param wait in (0, inf) = 0.35
  state x = 1
  x' = -k*x
  event one at t = 0.5 { x += a*x }
  event two at t = 0.5 { x += 0.3*k + t }
  event lagged at t = 0.8 after wait { x += a*x + 0.1*wait }
  event between when x <= 1.7 priority 1 { x := x + 0.2*a }`,
		"a learned time, and a jump that fires another event": `
  param k in (0, inf) = 0.7
  param t1 in (0, inf) = 0.41
  param a = 0.8
  state x = 0.2
  state y = 0
  x' = k
  y' = x
  event one at t = t1 { x += a*k }
  event two when x >= 1 { y += a*x; x += -0.9*x }`,
		"a conserved quantity across the event": `
  param k in (0, inf) = 0.7
  param a = 0.4
  state x = 1
  state y = 0
  x' = -k*x
  y' = k*x
  event one at t = 0.5 { x += a*x; y += -0.3*a }
  event two at t = 0.5 { x += 0.1*a }
  conserve q = x^2 + y { weight: 0.5, scale: 1, across: [one, two] }`,
	} {
		t.Run(name, func(t *testing.T) { certified(t, body, "x", 0.2, 0.5, 0.7, 1.1, 1.3, 1.9, 2.4) })
	}
}

// TestAddsAcross: the penalty is the squared jump of the quantity.
func TestAddsAcross(t *testing.T) {
	loss := func(across string) float64 {
		m := fromText(t, `model M {
  param a = 0.5
  state x = 2
  x' = 0
  event one at t = 1 { x += a }
  conserve q = x^2 { weight: 3, scale: 1`+across+` }
  observe y = x ~ normal(1)
}
data d from "d.csv" { time: t; y: y }`, "t,y\n0,2\n2,2.5\n")
		return startLoss(t, m)
	}
	// weight/T times the square of 2.5² − 2².
	require.InDelta(t, 3./2*(2.5*2.5-4)*(2.5*2.5-4), loss(", across: [one]")-loss(""), 1e-9)
}

// TestPriorityValues: priorities that are expressions are values of the state.
func TestPriorityValues(t *testing.T) {
	const events = `
  param k = 3
  state x = 0
  discrete n = 2
  x' = 1
  event a at t = 1 priority if x > 1 then k else -n { x := 1 }
  event b at t = 1 priority 1.5 { x := 2; n += 1 }
  observe y = x ~ normal(1)
}
data d from "d.csv" { time: t; y: y }`
	f, err := fromText(t, "model M {"+events, "t,y\n0,0\n1,1\n").NewFit(FitOptions{Workers: 1})
	require.NoError(t, err)
	w := f.inner.Objective.Workers[0]
	require.True(t, engine.NewHybrid(f.Model.prog.Program).Prioritised)
	x, err := f.inner.Objective.Space.X0()
	require.NoError(t, err)
	w.System.Bind(f.inner.Objective.Space.SharedAt(x, f.inner.Objective.Natural), f.inner.Objective.Space.Scales)
	v := make([]float64, 2)
	w.System.Priorities(0, []float64{0.5}, []float64{2}, v)
	require.Equal(t, []float64{-2, 1.5}, v)
	w.System.Priorities(0, []float64{1.5}, []float64{2}, v)
	require.Equal(t, []float64{3, 1.5}, v)
}

// TestRandomAdds: random hybrid models whose jumps add, beside such that
// assign: the exact derivatives of both kinds are the same, and agree with
// differences where the order of events is the same around.
func TestRandomAdds(t *testing.T) {
	t.Parallel()
	dir := stressData(t)
	adds := regexp.MustCompile(`(x\d) := (x\d) - (p\d+\*\(1 \+ 0\.2\*cos\(t\)\))`)
	count, models, compared := randomModels(20, 10), 0, 0
	for seed := uint64(0); models < count; seed++ {
		text := adds.ReplaceAllString(randomHybrid(rand.New(rand.NewPCG(seed, 77))), "$1 += 0.1*$2 - $3")
		if !strings.Contains(text, "+=") {
			continue
		}
		models++
		text += "data d from \"d.csv\" { trajectory: traj; time: t; obs: obs }\nfit { solver: tsit5 { rtol: 1e-11, atol: 1e-13 }, gradient: forward }\n"
		m, err := Parse(filepath.Join(dir, "m.node"), text)
		require.NoError(t, err, text)
		f, err := m.NewFit(FitOptions{Workers: 1})
		require.NoError(t, err, text)
		x, err := f.inner.Objective.Space.X0()
		require.NoError(t, err)
		order := func() uint64 { return f.inner.Objective.LossWorkers[0].Block[0].Traj.Order }
		eval := func(mode string, x, grad []float64) (float64, bool) {
			f.inner.Objective.Gradient = mode
			res, err := f.inner.Objective.Eval(t.Context(), x, []int{0}, 1, grad)
			require.NoError(t, err, text)
			return res.Loss, !res.Failed
		}
		forward, reverse := make([]float64, len(x)), make([]float64, len(x))
		if _, ok := eval("forward", x, forward); !ok {
			continue
		}
		_, ok := eval("unrolled", x, reverse)
		require.True(t, ok)
		base := order()
		for i := range x {
			require.InDelta(t, forward[i], reverse[i], 1e-8*(1+math.Abs(forward[i])), "seed %d, coordinate %d\n%s", seed, i, text)
			const h = 1e-5
			at := slices.Clone(x)
			var v [2]float64
			same := true
			for k, d := range []float64{h, -h} {
				at[i] = x[i] + d
				var ok bool
				v[k], ok = eval("unrolled", at, nil)
				same = same && ok && order() == base
			}
			if same {
				compared++
				require.InDelta(t, (v[0]-v[1])/(2*h), reverse[i], 1e-4*(1+math.Abs(reverse[i])), "seed %d, coordinate %d\n%s", seed, i, text)
			}
		}
	}
	require.Greater(t, compared, 5*count/2)
}
