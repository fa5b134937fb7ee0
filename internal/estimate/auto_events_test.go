package estimate_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode"
)

// TestAutoFindsThresholds: where an event makes what is observed jump, its threshold and its jump are found
// though the start values have none of its firings where they are. The data are those of a neuron that
// leaks, in closed form: with a drive of 1.6 it goes from -0.2 to 1 in τ ln 3, and once from 0.
func TestAutoFindsThresholds(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 1))
	const tau, drive, reset = 10., 1.6, -0.2
	first, each := tau*math.Log(drive/(drive-1)), tau*math.Log((drive-reset)/(drive-1))
	v := func(t float64) float64 {
		if t < first {
			return drive * (1 - math.Exp(-t/tau))
		}
		return drive + (reset-drive)*math.Exp(-math.Mod(t-first, each)/tau)
	}
	var csv strings.Builder
	csv.WriteString("t,v\n")
	for k := range 120 {
		at := 0.5 * float64(k+1)
		fmt.Fprintf(&csv, "%g,%.6g\n", at, v(at)+0.03*rng.NormFloat64())
	}
	f, err := autoModel(t, `model Neuron {
  param tau in (0, inf) = 14
  param reset in (-1, 0.9) = 0.1
  param level in (0.2, 1.5) = 0.7
  state v = 0
  v' = (1.6 - v)/tau
  event spike when v >= level { v := reset }
  observe y = v ~ normal(0.03)
}
data d from "d.csv" { time: t, y: v }
`, csv.String()).Fit(context.Background(), pinode.FitOptions{})
	require.NoError(t, err)
	require.Equal(t, "fits", f.Verdict.Word, f.Verdict.Text)
	within(t, f, "tau", tau, 4, 0.05)
	require.InDelta(t, 1, f.Params["level"].Value, 0.03) // rows say only between which of them it fires
	require.InDelta(t, reset, f.Params["reset"].Value, 0.05)
}

// TestAutoTellsEventsApart: two events move one observation, and which of them has fired follows from what they
// do: what rises is emptied, and what sinks filled.
func TestAutoTellsEventsApart(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 1))
	const high, low, emptied, filled = 7., 2., 4., 2.5
	var csv strings.Builder
	csv.WriteString("run,slope,t,x\n")
	for k := range 100 {
		at := 0.1 * float64(k+1)
		up := 5 + at // from 5 on, to high, then each time by what was emptied
		for up >= high {
			up -= emptied
		}
		down := 5 - 0.8*at
		for down <= low {
			down += filled
		}
		fmt.Fprintf(&csv, "1,1,%g,%.6g\n2,-0.8,%g,%.6g\n", at, up+0.03*rng.NormFloat64(), at, down+0.03*rng.NormFloat64())
	}
	f, err := autoModel(t, `model Tank {
  covariate slope
  param high = 9
  param low = 0.5
  param emptied in (0, inf) = 2
  param filled in (0, inf) = 1
  state x = 5
  x' = slope
  event empty when x >= high { x := x - emptied }
  event fill when x <= low { x := x + filled }
  observe y = x ~ normal(0.03)
}
data d from "d.csv" { time: t, trajectory: run, slope: slope, y: x }
`, csv.String()).Fit(context.Background(), pinode.FitOptions{})
	require.NoError(t, err)
	require.Equal(t, "fits", f.Verdict.Word, f.Verdict.Text)
	for name, truth := range map[string]float64{"high": high, "low": low, "emptied": emptied, "filled": filled} {
		require.InDelta(t, truth, f.Params[name].Value, 0.12, name)
	}
}
