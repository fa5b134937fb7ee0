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

const cycles = `model Cycles {
  time t
  param a in (0, inf) = 0.6
  param b in (0, inf) = 0.8
  param c in (0, inf) = 0.9
  param d in (0, inf) = 0.15
  state x = 8
  state y = 4
  x' = a*x - b*x*y
  y' = d*x*y - c*y
  observe prey = x ~ lognormal(0.05)
  observe foxes = y ~ lognormal(0.05)
}
data years from "d.csv" { time: t; prey: x; foxes: y }
fit { optimizer: lbfgs { iterations: 400 }; %s }
`

// cyclesTable has five cycles with a = 1, b = 0.2, c = 0.5, d = 0.05, by the classical
// method of Runge and Kutta.
func cyclesTable() string {
	rng := rand.New(rand.NewPCG(4, 9))
	f := func(y [2]float64) [2]float64 {
		return [2]float64{y[0] - 0.2*y[0]*y[1], 0.05*y[0]*y[1] - 0.5*y[1]}
	}
	y, csv := [2]float64{8, 4}, "t,x,y\n"
	const h = 0.005
	for i := range 10001 {
		if i%125 == 0 {
			csv += fmt.Sprintf("%.17g,%.17g,%.17g\n", float64(i)*h, y[0]*math.Exp(0.05*rng.NormFloat64()), y[1]*math.Exp(0.05*rng.NormFloat64()))
		}
		move := func(k [2]float64, c float64) [2]float64 { return [2]float64{y[0] + c*k[0], y[1] + c*k[1]} }
		k1 := f(y)
		k2 := f(move(k1, h/2))
		k3 := f(move(k2, h/2))
		k4 := f(move(k3, h))
		for j := range y {
			y[j] += h / 6 * (k1[j] + 2*k2[j] + 2*k3[j] + k4[j])
		}
	}
	return csv
}

// TestShooting: from a start out of phase with five cycles of data, a fit of the whole
// trajectory ends in a wrong place, and one of segments finds the parameters; more weight
// of the gaps closes them.
func TestShooting(t *testing.T) {
	truth := map[string]float64{"a": 1, "b": 0.2, "c": 0.5, "d": 0.05}
	fitted := func(setting string) *pinode.Fit {
		f, err := fromText(t, fmt.Sprintf(cycles, setting), cyclesTable()).Fit(context.Background(), pinode.FitOptions{})
		require.NoError(t, err)
		return f
	}
	require.Greater(t, math.Abs(fitted("seed: 1").Params["a"].Value-1), 0.2, "single shooting is trapped")
	for _, continuity := range []float64{1, 1000} {
		f := fitted(fmt.Sprintf("shooting: { segments: 16, continuity: %g }", continuity))
		for name, v := range truth {
			require.InEpsilon(t, v, f.Params[name].Value, 0.06, "%s, %g", name, continuity)
		}
		if continuity > 1 {
			require.Less(t, f.Train.RMSE["prey"], 1.3, "5 % of 20")
		}
	}
}

// TestShootingByDefault: the default fit takes segments as the file has them.
func TestShootingByDefault(t *testing.T) {
	model := strings.Replace(fmt.Sprintf(cycles, "shooting: { segments: 16 }, certificate: off"), "optimizer: lbfgs { iterations: 400 }; ", "", 1)
	f, err := fromText(t, model, cyclesTable()).Fit(context.Background(), pinode.FitOptions{})
	require.NoError(t, err)
	require.InEpsilon(t, 0.2, f.Params["b"].Value, 0.05)
	require.InEpsilon(t, 0.05, f.Params["d"].Value, 0.05)
}

// TestNoShooting: what cannot begin in the midst of a trajectory is refused, with where
// it is asked for.
func TestNoShooting(t *testing.T) {
	m := fromText(t, `model M {
  time t
  param k in (0, inf) = 1
  state x = 1
  discrete on = 0
  x' = -k*x*(1 + on)
  event e when x <= 0.5 { on := 1 }
  observe y = x
}
data d from "d.csv" { time: t; y: y }
fit { shooting: { segments: 2 } }
`, "t,y\n0,1\n1,0.5\n2,0.2\n3,0.1\n")
	_, err := m.NewFit(pinode.FitOptions{})
	require.ErrorContains(t, err, "a discrete variable may have several values")
	require.ErrorContains(t, err, "m.node:11:1")
}
