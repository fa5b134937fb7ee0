package start

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestNoise: the deviations that the curves leave are those of the noise, on the scale of
// each distribution: declared, learned, of logarithms, of counts, and as a factor of what
// grows with the prediction.
func TestNoise(t *testing.T) {
	rng := seeded(8)
	var rows [][]float64
	for id := range 6 {
		for i := range 60 {
			x := float64(i) * 0.1
			v := 50 + 40*math.Sin(x+float64(id))
			rows = append(rows, []float64{
				float64(id), x, v + 2*rng.NormFloat64(), v + 2*rng.NormFloat64(), v * math.Exp(0.1*rng.NormFloat64()),
				math.Round(v + math.Sqrt(v)*rng.NormFloat64()), v * (1 + 0.05*rng.NormFloat64()),
			})
		}
	}
	f := load(t, `model M {
  time t
  param s in (0, inf) = 1
  param r in (0, 1) = 0.2
  param x0 = 50
  state x = x0
  x' = 1
  observe declared = x ~ normal(2)
  observe learned = x ~ normal(s)
  observe logs = x ~ lognormal(s)
  observe counts = x ~ poisson()
  observe relative = x ~ normal(r*x)
}
data d from "data.csv" { time: t; trajectory: id; declared: a; learned: b; logs: c; counts: n; relative: p }
`, table("id,t,a,b,c,n,p", rows...))
	got := f.data.Noise()
	for k, want := range []float64{2, 2, 0.1, 0.5, 0.05 / 0.2} {
		require.InEpsilon(t, want, got[k], 0.12, f.data.ElementName(k))
	}
}

// TestKnownStart: a value at the start that nothing fitted changes holds the curve there,
// and one that is fitted does not.
func TestKnownStart(t *testing.T) {
	rows := [][]float64{{1, 5.2}, {2, 5.9}, {3, 7.1}, {4, 8}, {5, 9.1}}
	at0 := func(initial string) float64 {
		f := load(t, `model M {
  time t in [0, inf)
  param k in (0, inf) = 20
  state x = `+initial+`
  x' = 1
  observe y = x ~ normal(0.1)
}
data d from "data.csv" { time: t; y: y }
`, table("t,y", rows...))
		v, _, _ := f.data.runs[0].curves()[0].At(0)
		return v
	}
	require.InDelta(t, 3, at0("3"), 0.05)
	require.InDelta(t, 4, at0("k"), 0.4)
}
