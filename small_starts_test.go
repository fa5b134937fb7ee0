package pinode

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// What starts far below the size of the others is as exact as it is: an epidemic from one in a thousand millions, or brought
// in by an event, and the derivative by a small start. Reference: the logarithm of the infected, by small steps.
func TestSmallStarts(t *testing.T) {
	t.Parallel()
	epidemic := func(first, length float64) float64 {
		y := classical(func(_ float64, y, f []float64) {
			i := math.Exp(y[1])
			f[0], f[1] = -0.5*y[0]*i, 0.5*y[0]-0.2
		}, []float64{1 - first, math.Log(first)}, length, 20_000)
		return math.Exp(y[1])
	}
	const equations = "\n param b = 0.5\n s' = -b*s*i\n i' = b*s*i - 0.2*i\n observe seen = i ~ normal(0.01)\n}\n"
	for _, first := range []float64{1e-5, 1e-7, 1e-9, 1e-12} {
		for _, solver := range []string{"auto", "kvaerno5", "radau", "bdf"} {
			off := 1e-4
			if solver == "bdf" {
				off = 1e-3
			}
			rest := fmt.Sprintf("data d from \"d.csv\" { time: t; seen: seen }\nsimulate { times: [70], solver: %s }\nfit { solver: %s }", solver, solver)
			within := fmt.Sprintf("model M {\n state s = 1 - %g\n state i = %g%s%s", first, first, equations, rest)
			brought := fmt.Sprintf("model M {\n state s = 1\n state i = 0\n event come at t = 5 { i += %g }%s%s", first, equations, rest)
			for _, c := range []struct {
				model string
				want  float64
			}{{within, epidemic(first, 70)}, {brought, epidemic(first, 65)}} {
				m := fromText(t, c.model, "t,seen\n70,0.1\n")
				s, err := m.Simulate(t.Context(), SimulateOptions{})
				require.NoError(t, err)
				rows := s.Trajectories[0].Rows
				require.InEpsilon(t, c.want, rows[len(rows)-1][2], off, "%s\n%s", solver, c.model)
				e, err := m.Evaluate(t.Context(), EvaluateOptions{})
				require.NoError(t, err)
				require.InEpsilon(t, c.want, e.Residuals[0].Prediction, off, "%s\n%s", solver, c.model)
			}
		}
	}
	for _, first := range []float64{0, 1e-9, 1e-7, 1e-5, 1e-3, 1} {
		for _, solver := range []string{"auto", "kvaerno5", "radau"} {
			m := fromText(t, fmt.Sprintf("model M {\n param x0 = %g\n state x = x0\n x' = -0.7*x\n observe seen = x ~ normal(1)\n}\ndata d from \"d.csv\" { time: t; seen: seen }\nfit { solver: %s }", first, solver), "t,seen\n4.5,0.5\n")
			e, err := m.Evaluate(t.Context(), EvaluateOptions{})
			require.NoError(t, err)
			left := math.Exp(-0.7 * 4.5)
			require.InEpsilon(t, (0.5-first*left)*left, e.Gradient.Params["x0"], 2e-5, "%s from %g", solver, first)
		}
	}
}
