package pinode

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/internal/loss"
)

// gaussian decays from a normal start and is measured with normal noise, so that posterior
// and evidence are known: with weights w = e^−at of the rows the posterior of the start has
// the precision 1 + Σw²/σ² and the mean Σwx/σ² over it. Its encoder finds these sums on its
// way back. off moves the mean that it tells.
const gaussian = `model Encoder {
  observe x
  param a in (0, 5) = 0.8
  state s = 0
  state p = 0
  s' = a*s
  p' = 2*a*p
  event see on observation of x { s := s + data(x); p := p + 1 }
  event drop when s < -1000 priority 1 { s := 0 }
  let precision = 1 + p/0.09
  let mean = s/0.09/precision
}
model M {
  param a in (0, 5) = 0.8
  param off = %g
  param wide in (0, 10) = %g
  use Encoder as enc backward { a: a }
  draw z0 ~ normal(0, 1) { posterior: normal(enc.mean + off, wide/sqrt(enc.precision)) }
  state z = z0
  z' = -a*z
  observe x = z ~ normal(0.3)
}
data d from "d.csv" { time: t, trajectory: id, x: x%s }
fit { solver: tsit5 { rtol: 1e-10, atol: 1e-12 }, %s }
`

// rows of gaussian: of two trajectories, not in steps, one value missing.
const gaussianRows = "id,t,x,g\n1,0,0.9,1\n1,0.4,0.3,0\n1,1,0.5,1\n1,1.5,,1\n2,0.2,-1.1,0\n2,2,0.1,1\n"

// logEvidence is the logarithm of the density of a trajectory's values, by the law of x given
// those before it: Cov = ww' + σ²1.
func logEvidence(t, x []float64) float64 {
	const a, v = 0.8, 0.09
	n, sww, swx, sxx := float64(len(x)), 0., 0., 0.
	for i := range x {
		w := math.Exp(-a * t[i])
		sww, swx, sxx = sww+w*w, swx+w*x[i], sxx+x[i]*x[i]
	}
	det := n*math.Log(v) + math.Log1p(sww/v)
	return -0.5 * (n*math.Log(2*math.Pi) + det + (sxx-swx*swx/(v+sww))/v)
}

// boundOf is the bound of the evidence of all rows at the start values, and its gradient's
// distance from differences.
func boundOf(t *testing.T, off, wide float64, more, settings string) (bound, apart float64) {
	t.Helper()
	p := atStart(t, fromText(t, fmt.Sprintf(gaussian, off, wide, more, settings), gaussianRows), 1)
	values := float64(p.eval(nil, nil).Values)
	grad := p.gradient(nil)
	for k, want := range p.slopes() {
		apart = math.Max(apart, values*math.Abs(want-grad[k]))
	}
	bound = -values * grad[len(p.x)]
	return bound, apart
}

// TestBoundIsTight: at the true posterior each importance weight is the evidence itself, and
// the mean bound is the evidence but for the error of the mean over draws. Besides, it is
// less by the divergence of the posterior that is told from the true one, and that of
// importance weights comes the closer the more of them there are.
func TestBoundIsTight(t *testing.T) {
	want := logEvidence([]float64{0, 0.4, 1}, []float64{0.9, 0.3, 0.5}) + logEvidence([]float64{0.2, 2}, []float64{-1.1, 0.1})
	for _, k := range []string{"1", "5"} {
		got, apart := boundOf(t, 0, 1, "", "bound: iwae, draws: "+k)
		require.InDelta(t, want, got, 1e-8)
		require.Less(t, apart, 1e-6)
	}
	got, apart := boundOf(t, 0, 1, "", "draws: 4096") // the likelihood at a draw has a deviation of less than 1
	require.InDelta(t, want, got, 4/math.Sqrt(4096))
	require.Less(t, apart, 1e-5)

	const off, wide = 0.2, 1.4
	less := 0.
	for _, w := range [][]float64{{0, 0.4, 1}, {0.2, 2}} {
		precision := 1.
		for _, t := range w {
			precision += math.Exp(-1.6*t) / 0.09
		}
		less += 0.5*(wide*wide+off*off*precision-1) - math.Log(wide)
	}
	before := meanBound(t, off, wide, "draws: 8", 500)
	require.InDelta(t, want-less, before, 0.06)
	for _, k := range []string{"4", "16", "64"} {
		b := meanBound(t, off, wide, "bound: iwae, draws: "+k, 500)
		require.Greater(t, b, before)
		require.Less(t, b, want+0.02)
		before = b
	}
	require.InDelta(t, want, before, 0.05)
	_, apart = boundOf(t, off, wide, "", "bound: iwae, draws: 7")
	require.Less(t, apart, 1e-5)
}

// meanBound is the mean of the bound over so many sets of draws.
func meanBound(t *testing.T, off, wide float64, settings string, sets int) (sum float64) {
	t.Helper()
	p := atStart(t, fromText(t, fmt.Sprintf(gaussian, off, wide, "", settings), gaussianRows), 1)
	for k := range sets {
		p.objective.Redraw(k + 1)
		res := p.eval(nil, nil)
		sum -= res.Loss * float64(res.Values) / float64(sets)
	}
	return sum
}

// TestGivenRows: an encoder reads the rows that are given alone, and where the weight of what
// posteriors cost is 0 the bound is the mean log-likelihood.
func TestGivenRows(t *testing.T) {
	some, apart := boundOf(t, 0, 1, ", given: g > 0.5", "draws: 2")
	all, _ := boundOf(t, 0, 1, "", "draws: 2")
	require.Greater(t, math.Abs(some-all), 1e-3)
	require.Less(t, apart, 1e-6)
	// Of the second trajectory only the row at 2 is given: its posterior is known.
	f, err := fromText(t, fmt.Sprintf(gaussian, 0., 1., ", given: g > 0.5", "seed: 1"), gaussianRows).NewFit(FitOptions{Workers: 1})
	require.NoError(t, err)
	require.NoError(t, loss.Encode(t.Context(), f.inner.Objective, f.inner.X, f.inner.Objective.Trajectories))
	given := f.inner.Objective.Trajectories[1].Given
	w := math.Exp(-1.6)
	precision := 1 + w*w/0.09
	require.InDelta(t, w*0.1/0.09/precision, given[0], 1e-9)
	require.InDelta(t, precision, given[1], 1e-7)
	require.InDelta(t, 1, given[2], 0)
}

// TestEncodersRefused: what goes with no encoder, or not yet.
func TestEncodersRefused(t *testing.T) {
	for settings, want := range map[string]string{
		"gradient: forward":                     "not with `gradient: forward`",
		"optimizer: levenberg_marquardt":        "it is a bound of the evidence",
		"shooting: { segments: 2 }":             "`shooting` of a model with an encoder",
		"bound: iwae, draws: 100":               "at most 64",
		"kl: ramp from 0 to 1":                  "the ramp of `kl` has no length",
		"optimizer: lbfgs, gradient: backsolve": "",
	} {
		_, err := fromText(t, fmt.Sprintf(gaussian, 0., 1., "", settings), gaussianRows).NewFit(FitOptions{})
		if want == "" {
			require.NoError(t, err)
			continue
		}
		require.ErrorContains(t, err, want)
	}
	_, err := fromText(t, "model M {\n  param k = 1\n  state x = k\n  x' = -x\n  observe y = x\n}\ndata d from \"d.csv\" { time: t, trajectory: id, y: x }\nfit { bound: iwae }", gaussianRows).NewFit(FitOptions{})
	require.ErrorContains(t, err, "no draw has a posterior")
}

// TestEncoderWorkers: neither the number of workers nor batches change the bits of a loss
// with an encoder, and the weight of what posteriors cost follows its ramp.
func TestEncoderWorkers(t *testing.T) {
	var rows strings.Builder
	rows.WriteString("id,t,x,g\n")
	for i := range 40 {
		for k := range 4 {
			fmt.Fprintf(&rows, "%d,%g,%g,1\n", i, 0.3*float64(k), math.Sin(float64(i+k)))
		}
	}
	loss := func(workers, set int) []float64 {
		p := atStart(t, fromText(t, fmt.Sprintf(gaussian, 0.1, 1., "", "bound: iwae, draws: 3, kl: ramp from 0 to 1 over 4 epochs"), rows.String()), workers)
		p.objective.Redraw(set)
		for _, term := range p.eval(nil, nil).Terms {
			if term.Name == "kl" && set == 1 {
				require.Zero(t, term.Value)
			}
		}
		return p.gradient(nil)
	}
	one := loss(1, 3)
	require.Equal(t, one, loss(2, 3))
	last := len(one) - 1
	require.NotEqual(t, one[last], loss(1, 1)[last])
}

// TestEncoderWithoutPosterior: what an encoder makes of the rows, from the last to the first, may be a start
// value. The likelihood is that of the recursion by hand, its derivative a difference.
func TestEncoderWithoutPosterior(t *testing.T) {
	rows := []struct{ t, x float64 }{{0, 0.9}, {0.3, 0.8}, {0.6, 0.4}, {0.9, 0.5}}
	csv := "t,x\n"
	for _, r := range rows {
		csv += fmt.Sprintf("%g,%g\n", r.t, r.x)
	}
	m := fromText(t, `
		model E {
		  observe x
		  param w = 0.4
		  state h = 0
		  h' = 0
		  event see on observation of x { h := h + w*(data(x) - h) }
		}
		model L {
		  use E as enc backward
		  state z = enc.h
		  z' = -z
		  observe x = z ~ normal(0.3)
		}
		data d from "d.csv" { time: t, x: x }
		fit { solver: tsit5 { rtol: 1e-10, atol: 1e-12 } }`, csv)
	byHand := func(w float64) (sum float64) {
		h := 0.
		for i := range rows {
			h += w * (rows[len(rows)-1-i].x - h)
		}
		for _, r := range rows {
			d := (r.x - h*math.Exp(-r.t)) / 0.3
			sum -= d*d/2 + math.Log(0.3*math.Sqrt(2*math.Pi))
		}
		return sum
	}
	ev, err := m.Evaluate(t.Context(), EvaluateOptions{})
	require.NoError(t, err)
	require.InDelta(t, byHand(0.4), ev.LogLikelihood, 1e-8)
	require.InDelta(t, (byHand(0.4001)-byHand(0.3999))/2e-4, ev.Gradient.Params["enc.w"], 1e-6)
	f, err := m.Fit(t.Context(), FitOptions{Seed: 1})
	require.NoError(t, err)
	require.NotEqual(t, 0.4, f.Params["enc.w"].Value)
	at := f.Params["enc.w"].Value
	require.Greater(t, byHand(at), math.Max(byHand(at+1e-2), byHand(at-1e-2)))
}
