package pinode

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/internal/gradcheck"
	"github.com/pinode/pinode/internal/problem"
)

// randomHybrid writes a hybrid model with 1–4 states and 1–4 events: guards,
// jumps, priorities, delays, times and rates with parameters in all of them.
func randomHybrid(rng *rand.Rand) string {
	var w strings.Builder
	params := 0
	param := func(lo, hi float64) string {
		params++
		fmt.Fprintf(&w, "  param p%d = %.4f\n", params, lo+(hi-lo)*rng.Float64())
		return fmt.Sprintf("p%d", params)
	}
	n := 1 + rng.IntN(4)
	state := func() string { return fmt.Sprintf("x%d", rng.IntN(n)) }
	var eqs []string
	for i := range n {
		fmt.Fprintf(&w, "  state x%d = %s\n", i, param(0.2, 1.2))
		eqs = append(eqs, fmt.Sprintf("  x%d' = %s*(1 + 0.5*m) - %s*x%d + 0.3*sin(%s + t)", i, param(0.3, 1.5), param(0.2, 0.9), i, state()))
		if rng.IntN(3) == 0 {
			eqs[i] += fmt.Sprintf(" + (if %s > %s then 0.3*%s else -0.1)", state(), param(0.6, 1.4), param(0.5, 1))
		}
	}
	w.WriteString("  discrete m = 0\n")
	jump := func() string {
		x := state()
		switch rng.IntN(4) {
		case 0:
			return fmt.Sprintf("%s := %s*%s - 0.3*%s", x, param(0.3, 0.7), x, param(0.2, 0.8))
		case 1:
			return fmt.Sprintf("%s := %s - %s*(1 + 0.2*cos(t))", x, x, param(0.3, 0.8))
		case 2:
			return fmt.Sprintf("%s := 0.4*%s + 0.1*%s^2; m := %s*(1 - m)", x, x, state(), param(0.4, 0.9))
		}
		return fmt.Sprintf("%s := 0.5*%s + %s*t*0.1", x, x, param(0.2, 0.9))
	}
	for e := range 1 + rng.IntN(4) {
		var trigger string
		switch rng.IntN(7) {
		case 0:
			trigger = fmt.Sprintf("when %s >= %s + 0.2*sin(t)", state(), param(0.8, 1.6))
		case 1:
			trigger = fmt.Sprintf("when rising(%s - %s*(1 + 0.1*%s))", state(), param(0.7, 1.5), state())
		case 2:
			trigger = fmt.Sprintf("when crossing(%s^2 - %s)", state(), param(0.5, 1.5))
		case 3:
			trigger = fmt.Sprintf("at t = %s", param(0.3, 2.5))
		case 4:
			trigger = fmt.Sprintf("every %s from %s", param(0.7, 1.4), param(0.1, 0.6))
		case 5:
			trigger = fmt.Sprintf("when %s >= %s and %s <= %s", state(), param(0.7, 1.3), state(), param(1.3, 2.2))
		case 6:
			trigger = fmt.Sprintf("with rate %s^2 + 0.2*%s^2", param(0.4, 0.9), state())
		}
		if rng.IntN(4) == 0 {
			trigger += fmt.Sprintf(" after %s", param(0.05, 0.4))
			if rng.IntN(2) == 0 {
				trigger += " persistent"
			}
			if rng.IntN(3) == 0 {
				trigger += " late"
			}
		}
		eqs = append(eqs, fmt.Sprintf("  event e%d %s priority %d { %s }", e, trigger, rng.IntN(3)*10+e, jump()))
	}
	w.WriteString(strings.Join(eqs, "\n"))
	obs := "x0"
	for i := 1; i < n; i++ {
		obs += fmt.Sprintf(" + %.2f*x%d", 0.5+rng.Float64(), i)
	}
	return "model M {\n" + w.String() + "\n  observe obs = " + obs + " + 0.3*m ~ normal(1)\n}\n"
}

// TestRandomHybrids: for random hybrid models the gradients of all modes agree
// with differences wherever the order of events is the same around the point,
// and runs repeat by the bit, alone or in a batch. PINODE_NIGHTLY says how
// many models; without it there are 60.
func TestRandomHybrids(t *testing.T) {
	count := randomModels(60, 15)
	dir := t.TempDir()
	times := []float64{0, 0.45, 0.97, 1.63, 2.31, 2.9}
	csv := "traj,t,obs\n"
	for k := range 3 {
		for i, x := range times {
			csv += fmt.Sprintf("%d,%g,%g\n", k, x, 0.3*float64(i%3))
		}
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "d.csv"), []byte(csv), 0o600))
	failed, moved, bent, events := 0, 0, 0, 0
	for seed := firstModel(); seed < firstModel()+uint64(count); seed++ {
		text := randomHybrid(rand.New(rand.NewPCG(seed, 1))) +
			"data d from \"d.csv\" { trajectory: traj; time: t; obs: obs }\nfit { solver: tsit5 { rtol: 3e-12, atol: 1e-14 }, gradient: forward }\n"
		told := func(format string, args ...any) string {
			return fmt.Sprintf(format, args...) + fmt.Sprintf("\nseed %d\n%s", seed, text)
		}
		m, err := Parse(filepath.Join(dir, "m.node"), text)
		require.NoError(t, err, told(""))
		f, err := m.NewFit(FitOptions{Workers: 1})
		require.NoError(t, err, told(""))
		for _, it := range f.inner.Objective.Trajectories { // one draw for all, so that they are alike
			it.Span.Draws = problem.Draws(m.prog.Program, seed, 0, nil)
		}
		x, err := f.inner.Objective.Space.X0()
		require.NoError(t, err)
		grad := make([]float64, len(x))
		eval := func(x []float64, batch []int, grad []float64) (float64, bool) {
			res, err := f.inner.Objective.Eval(context.Background(), x, batch, 1, grad)
			require.NoError(t, err, told(""))
			return res.Loss, !res.Failed
		}
		base, ok := eval(x, []int{0}, nil)
		if !ok {
			failed++ // a graze, a limit of times, a cascade without end
			continue
		}
		events += len(f.inner.Objective.LossWorkers[0].Block[0].Traj.Log)
		order := f.inner.Objective.LossWorkers[0].Block[0].Traj.Order
		again, _ := eval(x, []int{0}, nil)
		require.Equal(t, base, again, told("a run does not repeat"))

		want, doubt := make([]float64, len(x)), make([]float64, len(x))
		same := true
		for i := 0; i < len(x) && same; i++ {
			at := func(d float64) float64 {
				keep := x[i]
				x[i] += d
				v, ok := eval(x, []int{0}, nil)
				x[i] = keep
				same = same && ok && f.inner.Objective.LossWorkers[0].Block[0].Traj.Order == order
				return v
			}
			slope := func(h float64) float64 { return (8*(at(h)-at(-h)) - (at(2*h) - at(-2*h))) / (12 * h) }
			// Two steps, the error of whose formula falls by 256 between them,
			// say how well the difference itself is known.
			wide := slope(4e-4)
			want[i] = slope(1e-4)
			doubt[i] = math.Abs(wide-want[i]) / 50
			if doubt[i] > 1e-4*(1+math.Abs(want[i])) {
				bent++
				same = false
			}
		}
		if !same {
			moved++
			continue
		}
		var first []float64
		for _, mode := range gradcheck.Modes {
			f.inner.Objective.Gradient = mode
			_, ok := eval(x, []int{0}, grad)
			require.True(t, ok, told("%s", mode))
			for i := range grad {
				require.InDelta(t, want[i], grad[i], 3e-6*(1+math.Abs(want[i]))+doubt[i], told("%s, parameter %d", mode, i))
			}
			if mode == "unrolled" {
				first = append(first, grad...)
			}
		}
		// Three trajectories alike: the mean has the bits of each.
		f.inner.Objective.Gradient = "unrolled"
		all, ok := eval(x, nil, grad)
		require.True(t, ok)
		require.InEpsilon(t, base, all, 1e-14, told("a batch differs"))
		runs := f.inner.Objective.LossWorkers[0].Block
		require.Len(t, runs, 3)
		for i, l := range runs {
			require.Equal(t, f.inner.Objective.Last[0].Loss, f.inner.Objective.Last[i].Loss, told("trajectory %d of a batch differs", i))
			require.Equal(t, runs[0].PBar, l.PBar, told("the gradient of trajectory %d of a batch differs", i))
		}
		for i := range grad {
			require.InDelta(t, first[i], grad[i], 1e-12*(1+math.Abs(first[i])), told("the gradient of a batch differs"))
		}
	}
	t.Logf("%d models, %d events: %d fail to run, %d have their events in another order nearby or, %d of them, bend too much for differences", count, events, failed, moved, bent)
	require.Less(t, failed+moved, count/4+1)
}
