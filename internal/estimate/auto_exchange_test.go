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

// TestAutoSaysExchange: the verdict names what may change places: the rates and the sizes of two terms
// together, and a rate alone where another has its own term.
func TestAutoSaysExchange(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 1))
	var csv strings.Builder
	csv.WriteString("t,y\n")
	for k := range 80 {
		at := 0.1 * float64(k)
		fmt.Fprintf(&csv, "%g,%.6g\n", at, 3*math.Exp(-2*at)+math.Exp(-0.3*at)+0.01*rng.NormFloat64())
	}
	model := func(y string) string {
		return `model Two {
  param a in (0, inf) = 2
  param b in (0, inf) = 0.5
  param k in (0, inf) = 1
  param m in (0, inf) = 0.2
  state x = 1
  state z = 1
  x' = -k*x
  z' = -m*z
  observe y = ` + y + ` ~ normal(0.01)
}
data d from "d.csv" { time: t, y: y }
`
	}
	f, err := autoModel(t, model("a*x + b*z"), csv.String()).Fit(context.Background(), pinode.FitOptions{})
	require.NoError(t, err)
	require.Equal(t, []string{"a, k with b, m"}, f.Verdict.Exchange)
	require.Contains(t, f.Verdict.Text, "a, k with b, m")

	// Where the second term is squared, and so told from the first one.
	f, err = autoModel(t, model("a*x + b*z^2"), csv.String()).Fit(context.Background(), pinode.FitOptions{})
	require.NoError(t, err)
	require.Empty(t, f.Verdict.Exchange)
}

// A threshold and a part, neither of which can have the other's value, do not change places.
func TestNoExchange(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 1))
	var csv strings.Builder
	csv.WriteString("t,y\n")
	for k := range 60 {
		level := 10.
		for range int(5*(0.5*float64(k)+0.1)/0.01 + 0.5) {
			if level += 0.01; level >= 70 {
				level *= 0.6
			}
		}
		fmt.Fprintf(&csv, "%g,%.6g\n", 0.5*float64(k)+0.1, level+0.5*rng.NormFloat64())
	}
	f, err := autoModel(t, `model Harvest {
  param r = 4.5
  param H = 65
  param q = 0.3
  state n = 10
  n' = r
  event cull when n >= H { n := n*(1 - q) }
  observe y = n ~ normal(0.5)
}
data d from "d.csv" { time: t, y: y }
`, csv.String()).Fit(context.Background(), pinode.FitOptions{})
	require.NoError(t, err)
	require.InDelta(t, 70, f.Values().Params["H"], 1)
	require.InDelta(t, 0.4, f.Values().Params["q"], 0.02)
	require.Empty(t, f.Verdict.Exchange)
}
