package lower_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/pinode/pinode/compiler/lower"
)

// TestDensityOfFlows: where a motion carries a density, its logarithm is that of the draws at the start less the integral of
// the divergence, which is a state.
func TestDensityOfFlows(t *testing.T) {
	for _, c := range []struct {
		draw string
		of   func(z float64) float64 // the draw of a standard variate, with k = 0.8
		log  func(x float64) float64
	}{
		{"normal(0.2, k)", func(z float64) float64 { return 0.2 + 0.8*z }, distuv.Normal{Mu: 0.2, Sigma: 0.8}.LogProb},
		{"laplace(0.2, k)", func(z float64) float64 { return 0.2 + 0.8*z }, distuv.Laplace{Mu: 0.2, Scale: 0.8}.LogProb},
		{"uniform(-k, 2*k)", func(z float64) float64 { return -0.8 + 2.4*z }, distuv.Uniform{Min: -0.8, Max: 1.6}.LogProb},
		{"lognormal(0.2, k)", func(z float64) float64 { return math.Exp(0.2 + 0.8*z) }, distuv.LogNormal{Mu: 0.2, Sigma: 0.8}.LogProb},
		{"exponential(k)", nil, distuv.Exponential{Rate: 1 / 0.8}.LogProb},
		{"halfnormal(k)", nil, func(x float64) float64 {
			if x < 0 {
				return math.Inf(-1)
			}
			return math.Ln2 + distuv.Normal{Sigma: 0.8}.LogProb(x)
		}},
	} {
		m := model(t, `  param k in (0, inf) = 1
  draw z0[2] ~ `+c.draw+`
  state z[2] = z0
  z' = [z[0]^2*z[1] + t, -3*z[1]*z[0] + z[0]]
  let density = logdensity(z)`)
		in := inputs{"t": {0.5}, "y": {0.7, -0.4, 0.9}, "p": {0.8}, "q": {0.3, 0.6}}
		// The divergence is 2 x y − 3 x.
		require.InDeltaSlice(t, []float64{0.49*-0.4 + 0.5, 3*0.4*0.7 + 0.7, 2*0.7*0.4 + 3*0.7}, values(t, m.RHS, in), 1e-14, c.draw)
		start := values(t, m.InitY, in)
		require.Zero(t, start[2])
		if c.of != nil {
			require.InDeltaSlice(t, []float64{c.of(0.3), c.of(0.6)}, start[:2], 1e-12, c.draw)
		}
		for _, o := range m.Layout.Outputs {
			if o.Name == "density" {
				got := values(t, m.Outputs, in)[o.Off]
				require.InDelta(t, 0.9+c.log(start[0])+c.log(start[1]), got, 1e-12, c.draw)
			}
		}

		// What is measured at t = 1.5 is run back to 0.5, on a clock that rises; its likelihood is that of where it comes from.
		forth, diags := checked(t, `model M {
  time t in [0.5, 2]
  param k in (0, inf) = 1
  draw z0[2] ~ `+c.draw+`
  state z[2] = z0
  z' = [z[0]^2*z[1] + t, -3*z[1]*z[0] + z[0]]
  observe x[2] = z at t = 1.5 ~ exact { weight: 3 }
}
data d from "d.csv" { x: [u, v] }
`)
		require.NoError(t, diags.Err())
		back, diags := lower.Lower(forth.Model.Backwards())
		require.NoError(t, diags.Err())
		own := make([]float64, back.Layout.NQ)
		for _, s := range back.Layout.Trajectory {
			if s.Kind == lower.FromFirst {
				copy(own[s.Off:], []float64{0.7, -0.4})
			}
		}
		for _, y := range [][]float64{{0.7, -0.4, 0.9}, {0.7, 0.4, -0.2}} {
			in := inputs{"t": {0.75}, "y": y, "p": {0.8}, "q": own, "data": {0.7, -0.4}, "seen": {1, 1}}
			at := 1.5 + 0.5 - 0.75
			require.InDeltaSlice(t, []float64{-(y[0]*y[0]*y[1] + at), 3*y[1]*y[0] - y[0], 2*y[0]*y[1] - 3*y[0]}, values(t, back.RHS, in), 1e-14, c.draw)
			require.Equal(t, []float64{0.7, -0.4, 0}, values(t, back.InitY, in))
			got := value(t, back.Row, in)
			requireClose(t, 3*(-c.log(y[0])-c.log(y[1])+y[2]), got, 1e-12, c.draw)
		}
	}
}
