package pinode

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestVerdictOfOpenParameters: of two rates only the sum enters; the fit meets the data, and
// the verdict says that they do not tell the rates apart.
func TestVerdictOfOpenParameters(t *testing.T) {
	f, err := fitOf(t, "model M {\n  param a in (0, inf) = 0.5\n  param b in (0, inf) = 0.1\n  state x = 10\n  x' = -(a + b)*x\n  observe y = x ~ normal(0.1)\n}",
		"t,y\n0,10.03\n1,7.35\n2,5.52\n3,4.04\n4,3.06\n5,2.17\n", "y: y", "")
	require.NoError(t, err)
	require.NoError(t, f.Run(t.Context()))
	require.Equal(t, "fits", f.Verdict.Word)
	require.Equal(t, 1, f.Verdict.Untold)
	require.Contains(t, f.Verdict.Text, "leave a combination of parameters open")
	p := f.Values().Params
	require.InDelta(t, 0.3, p["a"]+p["b"], 0.01)
}
