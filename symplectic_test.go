package pinode

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/solvers"
)

// springs are two masses between springs that stiffen, pushed in time, and struck when one
// passes a place.
const springs = `model Springs {
  time t
  param k in (0, inf) = 1.1
  param m in (0, inf) = 0.8
  param push = 0.3
  param blow = 0.2
  covariate w
  state q[2] = [1, -0.5]
  state p[2] = [0, 0.2]
  q[0]' = p[0]/m
  q[1]' = p[1]/m
  p[0]' = -k*q[0] - k*w*(q[0] - q[1]) - 0.3*q[0]^3 + push*sin(t)
  p[1]' = -k*q[1] - k*w*(q[1] - q[0]) - 0.3*q[1]^3
  event struck when q[1] > 0.45 { p[1] := p[1] - blow }
  observe a = q[0] ~ normal(0.1)
  observe b = p[1] ~ normal(0.1)
}`

// TestSymplecticModels: with every symplectic method losses come to that of a tight solution as
// the order says, and gradients are those of differences, with events, rows inside of steps and
// trajectories side by side.
func TestSymplecticModels(t *testing.T) {
	csv := "group,t,w,a,b\n"
	for k := range 9 {
		for i := range 5 + k {
			at := 0.37*float64(i) + 0.01
			csv += fmt.Sprintf("g%d,%g,%g,%g,%g\n", k, at, 0.4+0.05*float64(k), math.Cos(at), math.Sin(at))
		}
	}
	lossOf := func(settings string) (*Fit, float64) {
		f, err := fitOf(t, springs, csv, "trajectory: group, w: w, a: a, b: b", "solver: "+settings)
		require.NoError(t, err, settings)
		objective, x, err := f.Objective()
		require.NoError(t, err)
		res, err := objective.Eval(context.Background(), x, nil, 1, nil)
		require.NoError(t, err)
		return f, res.Loss
	}
	_, want := lossOf("vern9 { rtol: 1e-11, atol: 1e-12 }")
	seen := 0
	for _, m := range solvers.Methods {
		if m.Family != solvers.Symplectic {
			continue
		}
		seen++
		f, loss := lossOf(m.Name + " { step: 0.05 }")
		require.InEpsilon(t, want, loss, map[int]float64{1: 0.1, 2: 1e-3, 4: 1e-5, 6: 1e-5}[m.Order], m.Name)
		c := certificateOf(t, f, "unrolled", "forward")
		require.True(t, c.Certified(), "%s, %s: %s off by %g", m.Name, c.Where, c.Mode, c.Worst)
		require.Zero(t, c.Doubtful, m.Name)
	}
	require.Equal(t, 4, seen)
}

// TestNotSeparable: what belongs to neither half is named.
func TestNotSeparable(t *testing.T) {
	for _, c := range []struct{ laws, want string }{
		{"  q' = p\n  p' = -q", ""},
		{"  q' = p\n  p' = -q + sin(t)", ""},
		{"  p' = -q + sin(t)\n  q' = p", ""},
		{"  q' = p + cos(t)\n  p' = -q", ""}, // then q is the one that is pushed
		{"  q' = p\n  p' = -q - 0.1*p", "that of `p` depends on `p` itself"},
		{"  q' = p + sin(t)\n  p' = -q + t", "depends on the time as those of the other half do"},
		{"  q' = p*q\n  p' = -q", "that of `q` depends on `q` itself"},
		{"  q' = p\n  p' = -q + (if q > 0.5 then 1 else 0)", "conditions"},
	} {
		m, err := Parse("m.node", fmt.Sprintf("model M {\n  time t\n  state q = 1\n  state p = 0\n%s\n}\nsimulate { until: 1, times: [1], solver: verlet { step: 0.001 } }", c.laws))
		require.NoError(t, err)
		s, err := m.Simulate(context.Background(), SimulateOptions{})
		if c.want != "" {
			require.ErrorContains(t, err, c.want, c.laws)
			continue
		}
		require.NoError(t, err, c.laws)
		m, err = Parse("m.node", fmt.Sprintf("model M {\n  time t\n  state q = 1\n  state p = 0\n%s\n}\nsimulate { until: 1, times: [1], solver: vern9 { rtol: 1e-11, atol: 1e-12 } }", c.laws))
		require.NoError(t, err)
		tight, err := m.Simulate(context.Background(), SimulateOptions{})
		require.NoError(t, err)
		require.InDelta(t, tight.Column("q")[0], s.Column("q")[0], 1e-6, c.laws)
		require.InDelta(t, tight.Column("p")[0], s.Column("p")[0], 1e-6, c.laws)
	}
	// A cycle of three has no two halves.
	m, err := Parse("m.node", "model M {\n  state a = 1\n  state b = 0\n  state c = 0\n  a' = b\n  b' = c\n  c' = a\n}\nsimulate { until: 1, solver: verlet { step: 0.1 } }")
	require.NoError(t, err)
	_, err = m.Simulate(context.Background(), SimulateOptions{})
	require.ErrorContains(t, err, "within one half")
	require.Equal(t, 1, strings.Count(err.Error(), "not-separable"))
}
