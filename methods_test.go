package pinode

import (
	"context"
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/internal/gradcheck"
	"github.com/pinode/pinode/solvers"
)

// options are settings of a method for a tight solution.
func options(m *solvers.Tableau) string {
	if m.Adaptive() {
		return m.Name + " { rtol: 1e-8, atol: 1e-9 }"
	}
	return fmt.Sprintf("%s { step: %g }", m.Name, map[bool]float64{true: 0.002, false: 0.02}[m.Order < 3])
}

// thrown is a ball with drag that bounces and is pushed, with a guard that is no affine
// function, and a rate that turns where it comes near.
const thrown = `model Thrown {
  param g in (0, inf) = 9.81
  param drag in (0, inf) = 0.2
  param back in (0, 1) = 0.8
  param pull = 0.4
  state h = 1
  state v = 2
  state near = 0.1
  h' = v
  v' = -g - drag*v*abs(v)
  near' = -0.5*near + pull*(if h^2 + near < 0.5 then 1 else 0)
  event bounce when h < 0 { v := -back*v }
  event push at t = 0.71 priority -1 { v := v + 0.3*pull }
  observe height = h ~ normal(0.1)
  observe seen = near ~ normal(0.05)
}`

func thrownData() string {
	csv := "t,height,seen\n"
	for i := range 30 {
		at := 0.05 * float64(i)
		csv += fmt.Sprintf("%g,%g,%g\n", at, math.Abs(math.Cos(4*at)), 0.1+0.05*math.Sin(5*at))
	}
	return csv
}

// TestMethodsAreDifferentiated: with every method the gradients of a hybrid model with rows
// of data inside of steps are those of differences, in all modes, and its loss that of the
// others.
func TestMethodsAreDifferentiated(t *testing.T) {
	loss := map[string]float64{}
	for _, m := range solvers.Methods {
		f, err := fitOf(t, thrown, thrownData(), "height: height, seen: seen", "solver: "+options(m))
		require.NoError(t, err, m.Name)
		modes := gradcheck.Modes
		if !m.Adaptive() { // the continuous adjoint is that of the equations, not of the steps
			modes = []string{"unrolled", "forward"}
		}
		c := certificateOf(t, f, modes...)
		require.True(t, c.Certified(), "%s, %s: %s off by %g", m.Name, c.Where, c.Mode, c.Worst)
		require.GreaterOrEqual(t, c.Compared, 5, m.Name)
		require.Zero(t, c.Doubtful, m.Name)
		objective, x, err := f.Objective()
		require.NoError(t, err)
		res, err := objective.Eval(context.Background(), x, nil, 1, make([]float64, len(x)))
		require.NoError(t, err)
		loss[m.Name] = res.Loss
	}
	for _, m := range solvers.Methods {
		off := map[int]float64{1: 1e-2, 2: 1e-3, 3: 1e-5, 4: 1e-5}[m.Order]
		require.InEpsilon(t, loss["tsit5"], loss[m.Name], max(off, 1e-6), m.Name)
	}
}
