package estimate_test

import (
	"context"
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode"
)

const sitesOfSlopes = `model M {
  param a per site = 1
  param b = 0.5
  state x = b
  x' = a
  observe y = x ~ normal(0.1)
}
data d from "d.csv" { time: t; trajectory: site; y: y; validate: site == "C"; %s }
`

const slopes = "site,t,y\nA,1,1.9\nA,2,2.95\nA,3,4.2\nB,1,3.1\nB,2,4.9\nB,3,7.2\nC,1,2.4\nC,2,4.3\nC,3,7\nC,4,9\n"

// TestGiven: a parameter of a trajectory that is held back is estimated on the rows that are
// given, by least squares with the others held, and on no others; nothing else learns of
// them.
func TestGiven(t *testing.T) {
	fitted := func(line string) *pinode.Fit {
		f, err := fromText(t, fmt.Sprintf(sitesOfSlopes, line), slopes).Fit(context.Background(), pinode.FitOptions{})
		require.NoError(t, err)
		return f
	}
	with, without := fitted("given: t <= 2"), fitted("")
	b := without.Params["b"].Value
	for _, name := range []string{"b", "a{site=A}", "a{site=B}"} {
		require.Equal(t, without.Params[name], with.Params[name], name)
	}
	// Least squares of y = b + a t over the two rows of C that are given.
	got := with.Params["a{site=C}"]
	require.InDelta(t, (1*(2.4-b)+2*(4.3-b))/5, got.Value, 1e-5)
	require.InEpsilon(t, math.Hypot(0.1/math.Sqrt(5), 3./5*with.Params["b"].StdErr), got.StdErr, 1e-3, "with what b leaves open")
	require.Empty(t, with.Warnings.All)
	require.Equal(t, 2, with.Validation.Values, "of the rows that are not given")

	require.Equal(t, 1., without.Params["a{site=C}"].Value, "its start value")
	require.Len(t, without.Warnings.All, 1)
	require.Contains(t, without.Warnings.All[0].Message, "`a{site=C}`")
}
