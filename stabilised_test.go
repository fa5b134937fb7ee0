package pinode

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// rod is a rod of n points that conducts heat from an end at 1 to one at 0, with an event and a
// row of data.
func rod(n int) string {
	k := (n + 1) * (n + 1)
	return fmt.Sprintf(`model Rod {
  param D in (0, inf) = 1
  param part in (0, 1) = 0.5
  state u[%[1]d] = 0
  u[0]' = %[2]d*D*(1 - 2*u[0] + u[1])
  u[%[3]d]' = %[2]d*D*(u[%[4]d] - 2*u[%[3]d])
  for i in 1..%[4]d { u[i]' = %[2]d*D*(u[i-1] - 2*u[i] + u[i+1]) }
`, n, k, n-1, n-2)
}

// TestStabilisedHeat: conduction by `rkc` is the series of its eigenvectors, for rods whose
// fastest rates are far apart, and takes a number of evaluations that grows with their root.
func TestStabilisedHeat(t *testing.T) {
	const until = 0.05
	var evaluations []float64
	for _, n := range []int{50, 400} {
		m, err := Parse("rod.node", rod(n)+fmt.Sprintf("}\nsimulate { until: %g, times: [0.013, %g], solver: rkc { rtol: 1e-5, atol: 1e-7 } }\n", until, until))
		require.NoError(t, err)
		s, err := m.Simulate(t.Context(), SimulateOptions{})
		require.NoError(t, err)
		evaluations = append(evaluations, float64(s.Stats.Evaluations))
		for k, at := range []float64{0.013, until} { // the first inside of a step
			for _, i := range []int{0, n / 3, n - 1} {
				x := float64(i+1) / float64(n+1)
				want := 1 - x
				for j := 1; j <= n; j++ { // 1 − x = Σ 1/(n+1) cot(jπ/(2n+2)) sin(jπx) at the points
					half := float64(j) * math.Pi / float64(2*n+2)
					rate := 4 * float64((n+1)*(n+1)) * math.Pow(math.Sin(half), 2)
					want -= math.Exp(-rate*at) / (float64(n+1) * math.Tan(half)) * math.Sin(float64(j)*math.Pi*x)
				}
				require.InDelta(t, want, s.Column(fmt.Sprintf("u[%d]", i))[k], 3e-4, "%d points, point %d", n, i)
			}
		}
	}
	require.Less(t, evaluations[1], 10*evaluations[0])
}

// TestStabilisedEvents: derivatives of `rkc` are those of differences, through an event whose time
// moves and another in the midst of the motion.
func TestStabilisedEvents(t *testing.T) {
	m, err := Parse("rod.node", rod(20)+`  event warm when u[10] >= 0.2 { u[0] := part*u[0] }
  event push at t = 0.1 { u[5] := u[5] + 0.3 }
}
simulate { until: 0.15, times: [0, 0.02, 0.06, 0.15], solver: rkc { rtol: 1e-6, atol: 1e-8 } }
`)
	require.NoError(t, err)
	s, err := m.Simulate(t.Context(), SimulateOptions{})
	require.NoError(t, err)
	tight, err := Parse("rod.node", rod(20)+`  event warm when u[10] >= 0.2 { u[0] := part*u[0] }
}
simulate { until: 0.15, times: [0.15], solver: radau { rtol: 1e-10, atol: 1e-12 } }
`)
	require.NoError(t, err)
	want, err := tight.Simulate(t.Context(), SimulateOptions{})
	require.NoError(t, err)
	require.InDelta(t, want.Events()[0].Time, s.Events()[0].Time, 1e-5)
	c, err := m.Certify(t.Context(), 10)
	require.NoError(t, err)
	require.Equal(t, []string{"unrolled", "forward"}, c.Modes)
	require.True(t, c.Certified(), "%s: %g", c.Where, c.Worst)
}
