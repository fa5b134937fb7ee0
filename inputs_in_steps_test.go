package pinode

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/solvers"
)

// closely are settings of a method that leave little of its error.
func closely(m *solvers.Tableau) (string, float64) {
	switch {
	case !m.Adaptive() && m.Order < 3:
		return m.Name + " { step: 1e-4 }", 1e-4
	case !m.Adaptive():
		return m.Name + " { step: 0.01 }", 1e-6
	case m.Order < 4 || m == solvers.BDF || m == solvers.RKC:
		return m.Name + " { rtol: 1e-7, atol: 1e-9 }", 1e-4
	}
	return m.Name + " { rtol: 1e-9, atol: 1e-11 }", 1e-6
}

// TestInputsInsideOfSteps: an input jumps or bends where steps end, some methods have stages beyond
// their steps, and a dose moves with a parameter between. With u of the data and c(0) = 0 the
// solution is c(t) = ∫ e^(s-t) u ds, and e^(lag-t) of the dose, by which the gradient of the
// log-likelihood is Σ (y - c)/σ² e^(lag-t).
func TestInputsInsideOfSteps(t *testing.T) {
	t.Parallel()
	const lag = 0.3
	times, u, y := []float64{0, 0.5, 1, 1.5}, []float64{0, 2, -1, 1}, []float64{0, 5, 6, 4}
	csv := "t,y,u\n"
	for i, at := range times {
		csv += fmt.Sprintf("%g,%g,%g\n", at, y[i], u[i])
	}
	for _, kind := range []string{"hold", "linear"} {
		want, forced := 0., 0.
		for i, at := range times[1:] {
			h, slope := at-times[i], 0.
			if kind == "linear" {
				slope = (u[i+1] - u[i]) / h
			}
			// c' = -c + u0 + a x has the solution u0 - a + a x + (c0 - u0 + a) e^-x.
			forced = u[i] - slope + slope*h + (forced-u[i]+slope)*math.Exp(-h)
			dose := math.Exp(lag - at)
			want += (y[i+1] - forced - dose) / 0.01 * dose
		}
		model := fromText(t, fmt.Sprintf(`model K {
  param lag = %g
  input u %s
  state c = 0
  c' = -c + u
  event dose at t = lag { c += 1 }
  observe y = c ~ normal(0.1)
}
data s from "d.csv" { time: t; y: y; u: u }`, lag, kind), csv)
		for _, m := range solvers.Methods {
			if m.Family == solvers.Symplectic {
				continue
			}
			settings, within := closely(m)
			for _, mode := range []string{"unrolled", "forward", "adjoint", "backsolve"} {
				setFit(t, model, "solver", settings, "gradient", mode)
				f, err := model.NewFit(FitOptions{Workers: 1, Seed: 1})
				if err != nil {
					require.ErrorContains(t, err, "is not supported with")
					continue
				}
				objective, x, err := f.Objective()
				require.NoError(t, err)
				grad := make([]float64, len(x))
				_, err = objective.Eval(t.Context(), x, nil, 1, grad)
				require.NoError(t, err, "%s, %s", m.Name, mode)
				require.InEpsilon(t, -want/4*lag, grad[0], within, "%s, %s, %s", m.Name, mode, kind) // the mean of four values, by lag in terms of its start
			}
		}
	}
}

// TestInputsInsideOfSymplecticSteps: their stages lie before their start and beyond their end. A
// force that is constant between rows moves q by a polynomial, which they follow to round-off.
func TestInputsInsideOfSymplecticSteps(t *testing.T) {
	for _, m := range solvers.Methods {
		if m.Family != solvers.Symplectic || m.Order < 2 {
			continue
		}
		model := fromText(t, fmt.Sprintf(`model Q {
  input u hold
  state q = 0
  state p = 0
  q' = p
  p' = u
  observe y = q ~ normal(0.1)
}
data s from "d.csv" { time: t; y: y; u: u }
simulate { step: 2, solver: %s { step: 0.25 } }`, m.Name), "t,y,u\n0,0,1\n0.5,,3\n2,0,0\n")
		s, err := model.Simulate(t.Context(), SimulateOptions{})
		require.NoError(t, err)
		rows := s.Trajectories[0].Rows
		require.InDelta(t, 0.5*0.5*0.5+0.5*1.5+3*1.5*1.5/2, rows[len(rows)-1][1], 1e-12, m.Name)
	}
}
