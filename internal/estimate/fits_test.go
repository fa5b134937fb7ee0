package estimate_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode"
)

// TestNothingToTrain: a table whose trajectories are all held back is refused.
func TestNothingToTrain(t *testing.T) {
	m := fromText(t, "model M {\n  param k = 1\n  state x = 1\n  x' = -k*x\n  observe y = x ~ normal(1)\n}\ndata d from \"d.csv\" { time: t, trajectory: g, y: y, validate: g == \"a\", train: g == \"b\" }\n", "g,t,y\na,1,0.5\na,2,0.2\n")
	_, err := m.NewFit(pinode.FitOptions{})
	require.ErrorContains(t, err, "no trajectory is left for training")
}

// TestDriftOfTraining: the drift of a conserved quantity is that of the trajectories for training: the way that it
// goes, 2k here, beside its mean size.
func TestDriftOfTraining(t *testing.T) {
	m := fromText(t, `model M {
  param k = 0.1
  covariate c
  state x = 2
  x' = -k*c
  conserve total = x
  observe y = x ~ normal(1)
}
data d from "d.csv" { time: t, trajectory: g, c: c, y: y, train: g == "a", validate: g == "b" }
fit { optimizer: lbfgs { iterations: 1 } }
`, "g,c,t,y\na,1,0,2\na,1,1,1.9\na,1,2,1.8\nb,5,0,2\nb,5,1,1.5\nb,5,2,1\n")
	f, err := m.Fit(t.Context(), pinode.FitOptions{})
	require.NoError(t, err)
	drift, err := f.Drift()
	require.NoError(t, err)
	k := f.Params["k"].Value
	require.Len(t, drift, 1)
	require.InEpsilon(t, 2*k/(2-k), drift["total"], 1e-6)
}
