package pinode

import (
	"context"
	"fmt"
	"math"
	"math/cmplx"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/internal/engine"
	"github.com/pinode/pinode/internal/gradcheck"
)

// TestMassMatrix: M x' = −x with M = [[k, 1], [1, k]], whose modes decay by 1/(k + 1) and
// 1/(k − 1), by values and, in every gradient mode, by derivatives.
func TestMassMatrix(t *testing.T) {
	c := &closedForm{
		model: `model M {
  param k in (1, inf) = 3
  param a = 2
  state x[2] = [a, 1]
  x' = -solve([[k, 1], [1, k]], x)
}
simulate { until: 1.5, solver: tsit5 { rtol: 1e-11, atol: 1e-13 } }`,
		start: map[string]float64{"k": 3, "a": 2},
		ends:  2,
		formula: func(p map[string]complex128) []complex128 {
			k, a := p["k"], p["a"]
			sum, diff := (a+1)*cmplx.Exp(-1.5/(k+1)), (a-1)*cmplx.Exp(-1.5/(k-1))
			return []complex128{(sum + diff) / 2, (sum - diff) / 2}
		},
	}
	c.check(t, 1e-8)
}

// TestSixtyUnknowns: a model with 60 equations that are solved at every stage. The matrix
// is 3I − uuᵀ with a unit vector u along which x starts, so that x' = −x/2.
func TestSixtyUnknowns(t *testing.T) {
	var outer, identity []string
	for i := range 60 {
		row := make([]string, 60)
		for j := range row {
			row[j] = strconv.Itoa(map[bool]int{true: 1}[i == j])
		}
		identity = append(identity, "["+strings.Join(row, ", ")+"]")
		outer = append(outer, fmt.Sprintf("u[%d]*u", i))
	}
	m, err := Parse("m.node", `model M {
  state x[60] = 1
  let u = x/norm(x)
  let A = 3*[`+strings.Join(identity, ", ")+`] - [`+strings.Join(outer, ", ")+`]
  x' = -solve(A, x)
}
simulate { until: 1, outputs: [x] }`)
	require.NoError(t, err)
	s, err := m.Simulate(context.Background(), SimulateOptions{})
	require.NoError(t, err)
	rows := s.Trajectories[0].Rows
	for k := range 60 {
		require.InDelta(t, math.Exp(-0.5), rows[len(rows)-1][1+k], 1e-6)
	}
}

// TestSingularMatrix: a matrix that has no inverse ends the run with its place in the model.
func TestSingularMatrix(t *testing.T) {
	for text, want := range map[string]string{
		"x' = -solve([[2, 1], [2, 1]], x)":              "m.node:4:7",
		"x' = -inv([[1, 2], [2, 4]]) @ x":               "m.node:4:7",
		"x' = solve([[1 - t, 0], [0, 1]], x)*(1 + t)^2": "m.node:4:6",
	} {
		m, err := Parse("m.node", "model M {\n  state x[2] = [1, 0]\n\n"+text+"\n}\nsimulate { until: 2 }")
		require.NoError(t, err)
		_, err = m.Simulate(context.Background(), SimulateOptions{})
		require.ErrorContains(t, err, want+" is singular there", text)
	}
}

// TestStructuredGradients: derivatives of models whose blocks have forms, and of a cell in an
// event, agree with differences in every gradient mode.
func TestStructuredGradients(t *testing.T) {
	for name, text := range map[string]string{
		"port-Hamiltonian": `model Port {
  param b = 0.5
  state x[3] = [1, 0.5, -0.3]
  neural J(x[3]) -> [3, 3] { skew: true, hidden: [4], seed: 1 }
  neural R(x[3]) -> [3, 3] { psd: true, hidden: [4], seed: 2 }
  neural H(x[3]) -> 1 { convex: true, hidden: [5, 4], seed: 3 }
  const G[3, 1] = [[0], [1], [0]]
  x' = (J(x) - R(x)) @ grad(H(x), x) + G @ [b*sin(t)]
}
simulate { until: 1, solver: tsit5 { rtol: 1e-9, atol: 1e-11 } }`,
		"flow": `model Flow {
  param k = 0.4
  state x[2] = [1, 0.5]
  neural f(x[2]) -> [2] { divergence_free: true, hidden: [5], seed: 1 }
  x' = f(x) - k*x
}
simulate { until: 1, solver: tsit5 { rtol: 1e-9, atol: 1e-11 } }`,
		"cell": `model Cell {
  param k = 0.4
  state h[4] = 0.1
  neural cell(h[4], x) -> [4] { kind: lstm, seed: 1 }
  h' = -k*h
  event see every 0.3 { h := cell(h, sin(t)) }
}
simulate { until: 1, solver: tsit5 { rtol: 1e-9, atol: 1e-11 } }`,
		"Hamiltonian": `model Pendulum {
  param k = 0.7
  state q[2] = [1, 0.2]
  state p[2] = [0, 0.4]
  neural H(q[2], p[2]) -> 1 { hidden: [6], seed: 1 }
  q' = diff(H(q, p), p)
  p' = -k*diff(H(q, p), q)
}
simulate { until: 1, solver: tsit5 { rtol: 1e-9, atol: 1e-11 } }`,
	} {
		m, err := Parse("model.node", text)
		require.NoError(t, err)
		opt, err := engine.SolverOptions(simulateSettings(m))
		require.NoError(t, err)
		cert, err := gradcheck.Simulation(context.Background(), m.simulator(), opt, gradcheck.Want{Coordinates: 40, Enough: gradcheck.FineDifference, Tol: gradcheck.FineTolerance, Modes: gradcheck.Modes, Full: true})
		require.NoError(t, err, name)
		require.Less(t, cert.Worst, 1e-5, "%s: %s, %s", name, cert.Mode, cert.Where)
	}
}
