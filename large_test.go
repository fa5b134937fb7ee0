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

// TestBrusselatorPlane: on 32 × 32 cells of a plane, 2048 states whose matrices are factorised
// by blocks, values at a cell and their derivatives by the rate of diffusion are those of
// SciPy's DOP853 at a tolerance of 1e-12 on the same equations, derivatives by
// differences of these.
func TestBrusselatorPlane(t *testing.T) {
	const file = `model Brusselator {
  coordinate x in [0, 1]
  coordinate y in [0, 1]
  param α in (0, inf) = 0.1
  state u(x, y) = 22*y*(1 - y)^1.5
  state v(x, y) = 27*x*(1 - x)^1.5
  u' = 1 + u^2*v - 4.4*u + α*(diff(u, x, x) + diff(u, y, y))
  v' = 3.4*u - u^2*v + α*(diff(v, x, x) + diff(v, y, y))
  boundary periodic x, y
}
grid { x: 32 cells, y: 32 cells }
`
	const cell = 10*32 + 20
	for solver, off := range map[string]float64{"auto": 1e-5, "kvaerno5": 1e-5, "radau": 1e-5, "bdf": 1e-4} {
		m, err := Parse("b.node", file)
		require.NoError(t, err)
		require.NoError(t, m.Set("simulate.solver", solver+" { rtol: 1e-6, atol: 1e-8 }", "the test"))
		s, err := m.NewSolver(1, nil, SimulateOptions{Until: 1, Workers: 1})
		require.NoError(t, err)
		require.NoError(t, s.Run())
		require.InDelta(t, 2.0878645012265, s.Ends[0][cell], off, solver)
		require.InDelta(t, 1.3920425225374, s.Ends[0][1024+cell], off, solver)
		if solver == "kvaerno5" || solver == "bdf" { // whose derivatives take long here
			continue
		}
		ct := make([]float64, 2048)
		ct[cell], ct[1024+cell] = 1, 2
		g, err := s.Gradient(ct)
		require.NoError(t, err)
		require.InDelta(t, -1.20330846+2*0.52821903, g[0], 3*off, "%s, derivative", solver)
	}
}
