package fits

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode"
)

// TestFits: what a fit without a fit block finds. It meets what is held back as the law
// behind the data does, and finds the parameters, or says by its verdict that it did not.
func TestFits(t *testing.T) {
	if testing.Short() {
		t.Skip("some minutes")
	}
	for _, p := range Problems {
		t.Run(p.Name, func(t *testing.T) {
			f, noise, took := fitted(t, p, 1, 1)
			for name, sd := range noise {
				got := f.Validation.RMSE[name]
				t.Logf("%s: RMSE %.3g, of the truth %.3g, in %s", name, got, sd, took)
				require.Less(t, got, 1.5*sd, name)
			}
			for _, e := range f.Estimates {
				truth, ok := p.Truth[e.Name]
				require.True(t, ok, e.Name)
				t.Logf("%s: %.4g ± %.2g, true %.4g", e.Name, e.Value, e.StdErr, truth)
				within := math.Max(0.05, math.Min(3*e.StdErr/truth, 0.2))
				require.InEpsilon(t, truth, e.Value, within, e.Name)
			}
		})
	}
}

// fitted is a fit of a problem with draws of the noise and of networks.
func fitted(t *testing.T, p *Problem, draw, seed uint64) (*pinode.Fit, map[string]float64, time.Duration) {
	t.Helper()
	m := opened(t, p, draw)
	_, noise := p.Data(draw)
	began := time.Now()
	f, err := m.Fit(context.Background(), pinode.FitOptions{Seed: seed})
	require.NoError(t, err)
	if f.Verdict != nil {
		t.Logf("%+v", *f.Verdict)
	}
	return f, noise, time.Since(began)
}

// TestTruth: at the true parameters a model without networks meets its data up to
// their noise, so that the data are those of the model.
func TestTruth(t *testing.T) {
	for _, c := range []struct {
		*Problem
		sd float64
	}{{tank, 0.15}, {ball, 0.01}} {
		m := opened(t, c.Problem, 1)
		e, err := m.Evaluate(context.Background(), pinode.At(&pinode.Values{Params: c.Truth}))
		require.NoError(t, err)
		n := float64(e.Values)
		square := -2*e.LogLikelihood/n - math.Log(2*math.Pi*c.sd*c.sd)
		require.InDelta(t, 1, square, 4*math.Sqrt(2/n), c.Name)
	}
}

// opened is the model of a problem with its data, of a draw of the noise.
func opened(t *testing.T, p *Problem, draw uint64) *pinode.Model {
	t.Helper()
	dir := t.TempDir()
	csv, _ := p.Data(draw)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "data.csv"), []byte(csv), 0o600))
	m, err := pinode.Parse(filepath.Join(dir, p.Name+".node"), p.Model)
	require.NoError(t, err, p.Name)
	return m
}
