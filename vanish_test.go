package pinode

import (
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/sim"
)

// TestVanishingProducts: what is multiplied by zero, or divides it, is still looked at where it
// may be no number; derivatives of what is a number stay what they are.
func TestVanishingProducts(t *testing.T) {
	at := func(start float64, e string) (float64, error) {
		m, err := Parse("m.node", fmt.Sprintf("model M {\n  state x = %g\n  x' = 0\n  let z = %s\n}\nsimulate { until: 1, step: 1 }", start, e))
		require.NoError(t, err, e)
		s, err := m.Simulate(t.Context(), SimulateOptions{})
		if err != nil {
			return math.NaN(), err
		}
		return s.Column("z")[0], nil
	}
	for _, e := range []string{"0/x", "0*log(x)", "log(x)*0", "0*(1/x)", "x/x", "0*sqrt(-1 - x)", "0*x^(-1)", "0/(2*x)"} {
		v, err := at(0, e)
		if err == nil {
			require.True(t, math.IsNaN(v), "%s at 0 is %g", e, v)
		}
		v, err = at(2, e)
		require.NoError(t, err, e)
		switch e {
		case "x/x":
			require.Equal(t, 1., v)
		case "0*sqrt(-1 - x)":
			require.True(t, math.IsNaN(v))
		default:
			require.Zero(t, v, e)
		}
	}
	for _, e := range []string{"0*x", "0*sin(x)", "0*(x + 3)"} {
		v, err := at(0, e)
		require.NoError(t, err)
		require.Zero(t, v, e)
	}

	for _, e := range []string{"0/x", "0*log(x)", "x/x - 1"} {
		m, err := Parse("m.node", "model M {\n  state x = 0\n  x' = "+e+"\n}\nsimulate { until: 1 }")
		require.NoError(t, err)
		_, err = m.Simulate(t.Context(), SimulateOptions{})
		var fail *RunError
		require.True(t, errors.As(err, &fail), "%s: %v", e, err)
		require.True(t, fail.Status == sim.Unstable || fail.Status == sim.StepTooSmall, fail.Status)
	}

	m, err := Parse("m.node", "model M {\n  param k = 2\n  state x = 1\n  x' = 0*log(x)*k + 0/x - k*x\n}\nsimulate { until: 1 }")
	require.NoError(t, err)
	c, err := m.Certify(t.Context(), 10)
	require.NoError(t, err)
	require.True(t, c.Certified(), c.Where)
}
