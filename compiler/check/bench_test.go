package check

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/dsl"
	"github.com/pinode/pinode/dsl/diag"
)

// chainModel is a chain of n masses on springs, each with its own parameter
// and unit annotations.
func chainModel(n int) string {
	var b strings.Builder
	b.WriteString("model Chain {\n  time t: s\n  const m = 0.5 [kg]\n  fn spring(u: m, k: N/m) = -k*u\n")
	for i := range n {
		fmt.Fprintf(&b, "  param k%d: N/m in (0, inf) = 2\n  state x%d: m = 0\n  state v%d: m/s = 0\n  x%d' = v%d\n", i, i, i, i, i)
		fmt.Fprintf(&b, "  v%d' = spring(x%d - x%d, k%d)/m - 0.1 [1/s]*v%d + 2*sin(3 [1/s]*t)*1 [m/s^2]\n", i, i, (i+1)%n, i, i)
	}
	b.WriteString("}\n")
	return b.String()
}

// BenchmarkCheck checks a model of 400 equations.
func BenchmarkCheck(b *testing.B) {
	f, diags := dsl.Parse(diag.NewSource("chain.node", chainModel(200)))
	require.NoError(b, diags.Err())
	for b.Loop() {
		_, diags := Check(f, nil)
		require.Empty(b, diags.All)
	}
}
