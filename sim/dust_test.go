package sim

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestDust: a state has gone astray where it was below its tolerance for five steps, has left to the other side of zero, and is
// more than a hundred tolerances and ten times what it ever was.
func TestDust(t *testing.T) {
	const tol = 1e-3
	lost := []float64{5e-4, -4e-4, 3e-4, 2e-4, -1e-4}
	path := func(parts ...[]float64) (list []float64) {
		for _, p := range parts {
			list = append(list, p...)
		}
		return list
	}
	for name, c := range map[string]struct {
		path   []float64
		astray int // the step at which it is seen; −1: it is not
	}{
		"astray":               {path([]float64{0.5, 0.01}, lost, []float64{-0.01, -0.2, -5.1, -9}), 9},
		"from below":           {path([]float64{-0.5, -0.01}, lost, []float64{0.01, 0.3, 6}), 9},
		"no more than it was":  {path([]float64{0.5, 0.01}, lost, []float64{-0.01, -0.2, -5}), -1},
		"small as it was":      {path([]float64{0.005, 0.002}, lost, []float64{-0.01, -0.099, -0.101}), 9},
		"not lost for long":    {path([]float64{0.5}, lost[:4], []float64{-0.01, -0.2, -9}), -1},
		"back on its own side": {path([]float64{0.5}, lost, []float64{0.01, -9}), -1},
		"comes back":           {path([]float64{0.5}, lost, []float64{-0.01, 0.02, -9}), -1},
		"from zero":            {path(lost, []float64{-0.01, -9}), -1},
	} {
		s := &stepping{run: &run{opt: Options{ATol: tol}, out: &Trajectory{}, size: Sizes{Y: 2, YError: 2}}, dust: newDust(2), try: 1}
		s.y = []float64{1, 0}
		if name != "from zero" {
			s.y[1] = c.path[0]
		}
		got := -1
		for i, v := range c.path {
			s.dust.follow(s, []float64{1, v})
			s.t, s.y[1] = s.t+1, v
			if s.out.Stats.Astray.State > 0 && got < 0 {
				got = i
				require.Equal(t, 2, s.out.Stats.Astray.State, name)
			}
		}
		require.Equal(t, c.astray, got, name)
		if got >= 0 {
			require.Equal(t, float64(got+1), s.out.Stats.Astray.T, name)
		}
	}
}
