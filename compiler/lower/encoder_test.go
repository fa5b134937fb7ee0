package lower_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/integrate/quad"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/pinode/pinode/compiler/check"
	"github.com/pinode/pinode/compiler/lower"
	"github.com/pinode/pinode/compiler/nn"
	"github.com/pinode/pinode/dsl"
	"github.com/pinode/pinode/dsl/diag"
)

// used are the graphs of the main model and of what it uses backward.
func used(t *testing.T, text string) (main, back *lower.Model) {
	t.Helper()
	f, diags := dsl.Parse(diag.NewSource("m.node", text))
	require.NoError(t, diags.Err())
	p, diags := check.Check(f, &check.Env{Neural: nn.Settings})
	require.NoError(t, diags.Err())
	main, diags = lower.Lower(p.Model)
	require.NoError(t, diags.Err())
	back, diags = lower.Lower(p.Model.Encoder.Model)
	require.NoError(t, diags.Err())
	return main, back
}

// own are the numbers of a trajectory by kind, in their order.
func own(m *lower.Model, values map[lower.TrajectoryKind][]float64) []float64 {
	q := make([]float64, m.Layout.NQ)
	for _, s := range m.Layout.Trajectory {
		v := values[s.Kind]
		copy(q[s.Off:s.Off+s.N], v)
		values[s.Kind] = v[min(s.N, len(v)):]
	}
	return q
}

const encoded = `model Encoder {
  observe x
  param a = 2
  covariate v
  state s[2] = [1, v]
  discrete n = 0
  s' = [a*s[1] + t, v]
  event see on observation of x { n := n + 1 }
  let both = s[0]*s[1]
}
model M {
  param a = 2
  param wide in (0, inf) = 1
  covariate v
  use Encoder as enc backward { a: a, v: v }
  draw z ~ %s { posterior: %s }
  state y[2] = [z, enc.both]
  y' = -a*y + enc.s*enc.n
  observe x = y[0] ~ normal(1)
}
`

// TestTimeFallsInEncoders: their time is what both ends add up to less the clock, and their rates are by the
// time, on a clock that rises; what is asked of them is what they come to.
func TestTimeFallsInEncoders(t *testing.T) {
	main, back := used(t, fmt.Sprintf(encoded, "normal(0, 1)", "normal(enc.both, wide)"))
	in := inputs{"t": {3}, "y": {5, 7}, "d": {4}, "p": {1.5, 9}, "q": own(back, map[lower.TrajectoryKind][]float64{lower.FromTurn: {8}, lower.FromCovariate: {0.25}})}
	require.Equal(t, main.Layout.NP, back.Layout.NP)
	require.InDeltaSlice(t, []float64{-(1.5*7 + 5), -0.25}, values(t, back.RHS, in), 1e-14)
	require.InDeltaSlice(t, []float64{1, 0.25}, values(t, back.InitY, in), 1e-14)
	byName := map[string][]float64{}
	off := 0
	got := values(t, back.Results, in)
	for _, s := range main.Layout.Trajectory {
		if s.Kind == lower.FromEncoder {
			byName[s.Object.Info().Name] = got[off : off+s.N]
			off += s.N
		}
	}
	require.Len(t, got, off)
	require.Equal(t, map[string][]float64{"enc.both": {35}, "enc.s": {5, 7}, "enc.n": {4}}, byName)

	// The model reads them, and a draw is from its posterior where they are known.
	results := map[string][]float64{"enc.both": {-2}, "enc.s": {10, 20}, "enc.n": {3}}
	for known, z := range map[float64]float64{0: 0.3, 1: -2 + 0.5*0.3} {
		q := make([]float64, main.Layout.NQ)
		for _, s := range main.Layout.Trajectory {
			switch s.Kind {
			case lower.FromEncoder:
				copy(q[s.Off:], results[s.Object.Info().Name])
			case lower.FromKnown:
				q[s.Off] = known
			case lower.FromDraw:
				q[s.Off] = 0.3
			}
		}
		in := inputs{"q": q, "p": {1.5, 0.5}, "y": {1, 2}}
		require.InDeltaSlice(t, []float64{z, -2}, values(t, main.InitY, in), 1e-14)
		require.InDeltaSlice(t, []float64{-1.5 + 30, -3 + 60}, values(t, main.RHS, in), 1e-14)
	}
	last := main.Layout.Trajectory[len(main.Layout.Trajectory)-1]
	require.LessOrEqual(t, main.Layout.NFelt, last.Off+last.N)
	for _, s := range main.Layout.Trajectory {
		require.Equal(t, s.Kind == lower.FromEncoder, s.Off < main.Layout.NFelt && s.Kind == lower.FromEncoder, "gradients are wanted by results")
	}
}

// TestDivergences: what a posterior costs is the mean over it of the logarithm of its ratio to the prior, in
// closed form where there is one, by quadrature here, and that logarithm itself at what is drawn.
func TestDivergences(t *testing.T) {
	const mean, wide, variate = -0.4, 0.7, 0.9
	type density interface{ LogProb(x float64) float64 }
	for _, c := range []struct {
		prior, posterior string
		p, q             density
		of               func(z float64) float64 // the draw of a standard variate
		exact            bool
	}{
		{"normal(1, 2)", "normal(enc.both, wide)", distuv.Normal{Mu: 1, Sigma: 2}, distuv.Normal{Mu: mean, Sigma: wide}, func(z float64) float64 { return mean + wide*z }, true},
		{"lognormal(1, 2)", "lognormal(enc.both, wide)", distuv.LogNormal{Mu: 1, Sigma: 2}, distuv.LogNormal{Mu: mean, Sigma: wide}, func(z float64) float64 { return math.Exp(mean + wide*z) }, true},
		{"laplace(1, 2)", "laplace(enc.both, wide)", distuv.Laplace{Mu: 1, Scale: 2}, distuv.Laplace{Mu: mean, Scale: wide}, func(z float64) float64 { return mean + wide*z }, false},
	} {
		m, _ := used(t, fmt.Sprintf(encoded, c.prior, c.posterior))
		q := make([]float64, m.Layout.NQ)
		for _, s := range m.Layout.Trajectory {
			switch {
			case s.Kind == lower.FromEncoder && s.Object.Info().Name == "enc.both":
				q[s.Off] = mean
			case s.Kind == lower.FromKnown:
				q[s.Off] = 1
			case s.Kind == lower.FromDraw:
				q[s.Off] = variate
			}
		}
		got := values(t, m.Divergence, inputs{"q": q, "p": {1.5, wide}})
		ratio := func(x float64) float64 { return c.q.LogProb(x) - c.p.LogProb(x) }
		at := ratio(c.of(variate))
		require.InDelta(t, at, got[1], 1e-12, c.prior)
		want := at
		if c.exact {
			normal := distuv.UnitNormal
			want = quad.Fixed(func(z float64) float64 { return normal.Prob(z) * ratio(c.of(z)) }, -12, 12, 400, nil, 0)
		}
		require.InDelta(t, want, got[0], 1e-9, c.prior)
	}
}

// TestDrawsOfRows: what is drawn for a row is read from what the row has of its own, elements of several behind
// each other.
func TestDrawsOfRows(t *testing.T) {
	m := model(t, `  param s in (0, inf) = 2
  draw e[2] ~ normal(0, s) per row
  draw f ~ uniform(s, 3*s) per row
  draw g ~ normal(1, s)
  state x = g
  x' = -x
  observe y = x + e[0] - 2*e[1] + f ~ normal(1)`)
	require.Equal(t, []int{3, 1}, []int{m.Layout.NR, m.Layout.NQ})
	in := inputs{"y": {0.5}, "p": {2}, "row": {0.1, 0.2, 0.25}, "q": {0.3}}
	require.InDelta(t, 0.5+0.2-0.8+3, values(t, m.Pred, in)[0], 1e-14)
	require.InDelta(t, 1.6, values(t, m.InitY, in)[0], 1e-14)
}

// TestSquaresOfLosses: a loss term that is a square has its root as residual, so weighed that half its square is
// the loss; where it does not count there is none.
func TestSquaresOfLosses(t *testing.T) {
	m := model(t, `  param k = 2
  covariate v
  state x = 1
  x' = -k*x
  observe y = x ~ normal(1)
  loss square = (x - k)^2 where v > 1 { weight: 3 }
  loss other = abs(x)^3`)
	require.Len(t, m.Scores, 3)
	s := m.Scores[1]
	require.True(t, s.Known && s.Square)
	require.Equal(t, -1, s.Offset)
	require.False(t, m.Scores[2].Known)
	scale := 0.7
	for v, on := range map[float64]float64{2: 1, 0.5: 0} {
		in := inputs{"y": {1.5}, "p": {0.25}, "q": {v}, "s": {scale, 1}, "data": {1}, "seen": {1}}
		r := value(t, s.List[0].Residual, in)
		require.InDelta(t, on*math.Sqrt(2*3*scale)*1.25, r, 1e-14)
		require.InDelta(t, on*3*scale*1.25*1.25, value(t, s.Loss, in), 1e-14)
		require.InDelta(t, on*math.Sqrt(2*3*scale), value(t, s.List[0].Weight, in), 1e-14)
		require.InDelta(t, on*1.25, value(t, s.List[0].Arg, in), 1e-14)
	}
}
