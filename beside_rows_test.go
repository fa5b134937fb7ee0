package pinode

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// stepAt is a table of rows half an hour apart with y = 0 before row first and 1 from there on, off by turns by a number.
func stepAt(first int, off float64, guess string) string {
	csv := "t,y,guess\n0,0," + guess + "\n"
	for k := 1; k <= 10; k++ {
		y := off * float64(1-k%2*2)
		if k >= first {
			y++
		}
		csv += fmt.Sprintf("%g,%g,\n", 0.5*float64(k), y)
	}
	return csv
}

// TestBetweenRows: rows alone tell when y jumps, between t = 2 and t = 2.5: any time between is as good. The estimate is the middle, and
// by −ln of the distances from both ends, of curvature 2/(D/2)², it has a deviation of D/√8.
func TestBetweenRows(t *testing.T) {
	for name, c := range map[string]struct{ event, noise string }{
		"condition":     {"when x >= theta", " ~ normal(0.1)"},
		"time":          {"at t = theta", " ~ normal(0.1)"},
		"unknown noise": {"when x >= theta", ""},
	} {
		t.Run(name, func(t *testing.T) {
			m := fromText(t, `model M {
  param theta in (0, 10) = 3.3
  state x = 0
  state y = 0
  x' = 1
  y' = 0
  event step `+c.event+` { y := 1 }
  observe seen = y`+c.noise+`
}
data d from "d.csv" { time: t, seen: y }`, stepAt(5, 0.05, ""))
			f, err := m.Fit(t.Context(), FitOptions{Workers: 1, Seed: 1})
			require.NoError(t, err)
			theta := f.Params["theta"]
			require.InDelta(t, 2.25, theta.Value, 1e-3)
			require.InEpsilon(t, 0.5/math.Sqrt(8), theta.StdErr, 0.01)
			require.Equal(t, []string{"step"}, f.Verdict.Beside)
			require.Empty(t, f.Verdict.Open)
		})
	}
}

// TestOffTheEdge: theta is measured as 2.15 ± 0.3, and y has jumped before the row at 2. So the least loss lies at that edge, and is not
// attained: the estimate lies off it, where the slope of the measurement meets that of −0.01 ln of the distances. Its standard error is
// about the deviation from it of the normal distribution cut off at 1.5 and at 2.
func TestOffTheEdge(t *testing.T) {
	m := fromText(t, `model M {
  param theta in (0, 10) = 2.4
  state x = 0
  state y = 0
  x' = 1
  y' = 0
  event step when x >= theta { y := 1 }
  observe seen = y ~ normal(0.1)
  observe guess = theta ~ normal(0.3)
}
data d from "d.csv" { time: t, seen: y, guess: guess }`, stepAt(4, 0.05, "2.15"))
	f, err := m.Fit(t.Context(), FitOptions{Workers: 1, Seed: 1})
	require.NoError(t, err)
	slope := func(at float64) float64 { return (at-2.15)/0.09 + 0.01/(2-at) - 0.01/(at-1.5) }
	lo, hi := 1.8, 2-1e-9
	for range 60 {
		if mid := (lo + hi) / 2; slope(mid) > 0 {
			hi = mid
		} else {
			lo = mid
		}
	}
	theta := f.Params["theta"]
	require.InDelta(t, lo, theta.Value, 2e-4)
	var mass, square float64
	for k := range 10000 {
		at := 1.5 + 0.5*(float64(k)+0.5)/10000
		p := math.Exp(-math.Pow((at-2.15)/0.3, 2) / 2)
		mass, square = mass+p, square+p*(at-lo)*(at-lo)
	}
	deviation := math.Sqrt(square / mass)
	t.Logf("%v ± %v, cut off ± %v", theta.Value, theta.StdErr, deviation)
	require.InEpsilon(t, deviation, theta.StdErr, 0.25)
	require.True(t, f.Verdict.Converged)
}

// TestAcrossRows: an injection comes some time after it is written down, several rows later than the start value has it. No slope leads over
// a row.
func TestAcrossRows(t *testing.T) {
	csv := "t,dose,c\n0,10,0\n"
	for k := 1; k <= 40; k++ {
		at, c := 0.25*float64(k), 0.
		if at >= 3.1 {
			c = 2 * math.Exp(-0.3*(at-3.1))
		}
		csv += fmt.Sprintf("%g,,%.6f\n", at, c+0.05*math.Sin(5*float64(k)))
	}
	m := fromText(t, `model M {
  param late in (0, inf) = 0.6
  param k in (0, inf) = 0.1
  param V in (0, inf) = 8
  state a = 0
  a' = -k*a
  event inject(dose: 1) on data after late { a += dose }
  observe c = a/V ~ normal(0.05)
}
data d from "d.csv" { time: t, inject: { dose: dose, where: dose > 0 }, c: c }`, csv)
	f, err := m.Fit(t.Context(), FitOptions{Workers: 1, Seed: 1})
	require.NoError(t, err)
	require.InDelta(t, 3.1, f.Params["late"].Value, 0.15)
	require.InEpsilon(t, 0.3, f.Params["k"].Value, 0.05)
	require.InEpsilon(t, 5, f.Params["V"].Value, 0.05)
	require.Equal(t, "fits", f.Verdict.Word)
}
