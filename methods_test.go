package pinode

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/internal/gradcheck"
	"github.com/pinode/pinode/solvers"
)

func explicitMethods() (list []*solvers.Tableau) {
	for _, m := range solvers.Methods {
		if m.Family == solvers.Explicit || m.Family == solvers.Stabilised {
			list = append(list, m)
		}
	}
	return list
}

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

// TestMethodsAreDifferentiated: with every explicit method the gradients of a hybrid model with rows
// of data inside of steps are those of differences, in all modes, and its loss that of the
// others.
func TestMethodsAreDifferentiated(t *testing.T) {
	t.Parallel()
	loss := map[string]float64{}
	for _, m := range explicitMethods() {
		f, err := fitOf(t, thrown, thrownData(), "height: height, seen: seen", "solver: "+options(m))
		require.NoError(t, err, m.Name)
		modes := gradcheck.Modes
		if !m.Adaptive() || m == solvers.RKC { // the continuous adjoint is that of the equations, not of the steps
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
	for _, m := range explicitMethods() {
		off := map[int]float64{1: 1e-2, 2: 1e-3, 3: 1e-5, 4: 1e-5}[m.Order]
		require.InEpsilon(t, loss["tsit5"], loss[m.Name], max(off, 1e-6), m.Name)
	}
}

// dosed has nothing to look for inside of steps: a field without a value at zero, a dose at
// a time that is estimated, and a network.
const dosed = `model Dosed {
  param k in (0, inf) = 0.4
  param tau in (0, 3) = 1.3
  param start in (0, inf) = 1.1
  covariate w
  neural f(x) -> 1 { hidden: [9, 9], activation: tanh, seed: 4 }
  state x = start
  x' = -k*w*x + 0.05/x + 0.1*f(x)
  event dose at t = tau { x := x + 0.8 }
  observe y = x ~ normal(0.1)
}`

// TestMethodsWithoutGuards: where steps leave out what the dense output alone needs, rows
// inside of steps and gradients are right all the same: for trajectories of other lengths and
// numbers of rows side by side, the same bits for any number of workers.
func TestMethodsWithoutGuards(t *testing.T) {
	csv := "group,t,w,y\n"
	for k := range 11 {
		for i := range 1 + 3*(k%4) {
			csv += fmt.Sprintf("g%d,%g,%g,%g\n", k, 0.3*float64(i)+0.01*float64(k), 0.6+0.1*float64(k), 1-0.05*float64(i))
		}
	}
	loss := map[string]float64{}
	for _, m := range []*solvers.Tableau{solvers.Tsit5, solvers.BS5, solvers.Vern7, solvers.Dop853, solvers.Vern9} {
		text := fmt.Sprintf("solver: %s { rtol: 1e-9, atol: 1e-10 }", m.Name)
		f, err := fitOf(t, dosed, csv, "trajectory: group, w: w, y: y", text)
		require.NoError(t, err, m.Name)
		c := certificateOf(t, f, gradcheck.Modes...)
		require.True(t, c.Certified(), "%s, %s: %s off by %g", m.Name, c.Where, c.Mode, c.Worst)
		require.Greater(t, c.Compared, 10*c.Doubtful, m.Name)
		loss[m.Name] = sameForWorkers(t, f.Model, m.Name)
		require.InEpsilon(t, loss["tsit5"], loss[m.Name], 1e-7, m.Name)
	}
}

// TestStagesBehindTheEnd: steps without rows inside of them do not take the stages that the
// dense output alone needs, by the number of evaluations. The start is a row as well, and one
// evaluation chooses the first length.
func TestStagesBehindTheEnd(t *testing.T) {
	for _, c := range []struct {
		event string
		times string
		more  func(steps int) int
	}{
		{"", "2", func(int) int { return 4 }},
		{"", "0.9, 2", func(int) int { return 8 }},
		{"  event low when x < 0.01 { x := 1 }\n", "2", func(steps int) int { return 4 * steps }},
	} {
		m, err := Parse("m.node", fmt.Sprintf(`model M {
  param k = 0.7
  state x = 2
  state v = 1
  x' = v
  v' = -k*x
%s}
simulate { until: 2, times: [%s], solver: vern9 { rtol: 1e-9, atol: 1e-12 } }`, c.event, c.times))
		require.NoError(t, err)
		s, err := m.NewSolver(1, nil, SimulateOptions{})
		require.NoError(t, err)
		require.NoError(t, s.Run())
		st := s.Stats()
		steps := st.Steps + st.Rejected
		require.InEpsilon(t, 2*math.Cos(math.Sqrt(0.7)*2)+math.Sin(math.Sqrt(0.7)*2)/math.Sqrt(0.7), s.Ends[0][0], 1e-9)
		require.InDelta(t, 16*steps+c.more(steps)+1, st.Evaluations, 3+6*float64(strings.Count(c.event, "when")), "%+v", st) // those of stability, and of a guard at the start
	}
}

// TestNothingToSolve: a model without states, whose discrete variable is halved by an event, is run
// by every method, with the loss ½ Σ (n₀ k^m − z)² and its derivatives, by hand.
func TestNothingToSolve(t *testing.T) {
	const text = `model Halved {
  param k in (0, 1) = 0.5
  param start in (0, 10) = 3
  discrete n = start
  event halve every 0.7 { n := k*n }
  observe z = n ~ normal(1)
}`
	csv := "t,z\n0,2\n0.5,1\n1,1\n2,0.5\n"
	var loss, byK, byStart float64
	for _, row := range [][2]float64{{0, 2}, {0, 1}, {1, 1}, {2, 0.5}} { // how often it was halved, and what is measured
		m := row[0]
		off := 3*math.Pow(0.5, m) - row[1]
		loss += off*off/2 + math.Log(2*math.Pi)/2
		byK += off * 3 * m * math.Pow(0.5, m-1)
		byStart += off * math.Pow(0.5, m)
	}
	ran := 0
	for _, method := range solvers.Methods {
		if method.Parts != nil { // of kicks and drifts
			continue
		}
		for _, mode := range gradcheck.Modes {
			f, err := fitOf(t, text, csv, "z: z", "gradient: "+mode+", solver: "+options(method))
			if err != nil {
				require.ErrorContains(t, err, "not-supported", "%s %s", method.Name, mode)
				continue
			}
			ev, err := f.Model.Evaluate(t.Context(), EvaluateOptions{})
			require.NoError(t, err, "%s %s", method.Name, mode)
			require.InDelta(t, loss/4, ev.Loss, 1e-14, "%s %s", method.Name, mode)
			require.InDelta(t, byK/4, ev.LossGradient.Params["k"], 1e-13, "%s %s", method.Name, mode)
			require.InDelta(t, byStart/4, ev.LossGradient.Params["start"], 1e-13, "%s %s", method.Name, mode)
			ran++
		}
	}
	require.Greater(t, ran, 2*len(solvers.Methods))
}
