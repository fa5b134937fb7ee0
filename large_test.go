package pinode

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// brusselator is the Brusselator with diffusion on n points of a line, of E. Hairer,
// G. Wanner, Solving ODEs II, IV.10, from u = 1 + ½ sin 2πx.
func brusselator(n int, solver string) string {
	const equation = "  for i in %s { u[i]' = 1 + u[i]^2*v[i] - 4*u[i] + d*(%s - 2*u[i] + %s)\n    v[i]' = 3*u[i] - u[i]^2*v[i] + d*(%s - 2*v[i] + %s) }\n"
	u := make([]string, n)
	for i := range u {
		u[i] = fmt.Sprintf("%.17g", 1+0.5*math.Sin(2*math.Pi*float64(i+1)/float64(n+1)))
	}
	return fmt.Sprintf("model Brusselator {\n  const d = %g\n  state u[%d] = [%s]\n  state v[%d] = 3\n", float64((n+1)*(n+1))/50, n, strings.Join(u, ", "), n) +
		fmt.Sprintf(equation, "0..0", "1", "u[i+1]", "3", "v[i+1]") +
		fmt.Sprintf(equation, fmt.Sprintf("1..%d", n-2), "u[i-1]", "u[i+1]", "v[i-1]", "v[i+1]") +
		fmt.Sprintf(equation, fmt.Sprintf("%d..%d", n-1, n-1), "u[i-1]", "1", "v[i-1]", "3") +
		fmt.Sprintf("}\nsimulate { until: 10, times: [10], solver: %s }\n", solver)
}

// TestBrusselator: a model of 1000 states, whose steps are taken by its sparse Jacobian,
// comes to the end that a method of order nine has in quadruple precision.
func TestBrusselator(t *testing.T) {
	for _, solver := range []string{"kvaerno5", "radau", "bdf"} {
		m, err := Parse("b.node", brusselator(500, solver+" { rtol: 1e-7, atol: 1e-9 }"))
		require.NoError(t, err)
		s, err := m.Simulate(t.Context(), SimulateOptions{})
		require.NoError(t, err)
		require.InDelta(t, 0.9949197002318, s.Column("u[0]")[0], 1e-8, solver)
		require.InDelta(t, 3.0213845767603, s.Column("v[3]")[0], 1e-7, solver)
	}
}
