package estimate_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode"
	"github.com/pinode/pinode/fit"
)

// TestSaveWhileRunning: in the midst of a fit Save writes the best so far, and before its first
// iteration the start.
func TestSaveWhileRunning(t *testing.T) {
	for name, settings := range map[string]string{
		"chain": "optimizer: adam { epochs: 8, lr: 0.3 }", // whose loss rises and falls
		"start": "optimizer: auto",
	} {
		m := fromText(t, `model M {
  param k in (0, inf) = 0.3
  neural f(x) -> 1 { hidden: [3] }
  state x = 1
  x' = -k*x + 0.1*f(x)
  observe y = x ~ normal(0.05)
}
data d from "d.csv" { time: t; y: y }
fit { certificate: off, `+settings+` }
`, "t,y\n1,0.6\n2,0.4\n")
		dir := filepath.Join(t.TempDir(), "run")
		var f *pinode.Fit
		var best []float64
		saved := false
		at := func(p fit.Progress) {
			if saved || name == "chain" && p.Iteration < 6 {
				return
			}
			saved = true
			require.NoError(t, f.Save(dir))
			if name == "chain" {
				best = slices.Clone(p.State.Best.X)
				require.NotEqual(t, []float64(p.State.X), best)
			}
		}
		f, err := m.NewFit(pinode.FitOptions{Observer: at})
		require.NoError(t, err)
		if best == nil {
			_, best, err = f.Objective()
			require.NoError(t, err)
		}
		require.NoError(t, f.Save(dir))
		require.NoFileExists(t, filepath.Join(dir, "params.yaml"))
		require.NoError(t, f.Run(context.Background()))

		info := filepath.Join(dir, "run.json")
		text, err := os.ReadFile(info)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(info, []byte(strings.Replace(string(text), `"running"`, `"max_time"`, 1)), 0o600))
		r, err := pinode.OpenRun(dir)
		require.NoError(t, err)
		want, err := f.ValuesAt(best)
		require.NoError(t, err)
		require.Equal(t, want.Params, r.Values().Params, name)
		require.Equal(t, want.Weights, r.Values().Weights, name)
		require.Equal(t, want.Scales, r.Values().Scales, name)
	}
}
