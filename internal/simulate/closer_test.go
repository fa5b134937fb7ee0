package simulate

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/internal/engine"
	"github.com/pinode/pinode/internal/environ"
	"github.com/pinode/pinode/internal/problem/problemtest"
)

// TestCloser: of the states that a closer look finds another, that is named which differs most beside its size, with the
// values of runs of both tolerances, of which the second is the nearer to the truth.
func TestCloser(t *testing.T) {
	run := func(settings string) *Simulation {
		from := problemtest.Open(t, fmt.Sprintf(`model M {
  param a = 1
  state x = 1
  state y = 12
  state z = 1
  x' = a*x*(1 - y)
  y' = y*(x - 1)
  z' = -z
}
simulate { times: [20, 40, 60], %s }
`, settings), "")
		_, values := environ.Settings(from.Prog.Checked)
		m := &Simulator{Prog: &engine.Compiled{Program: from.Prog}, Data: from, Settings: values}
		s, err := m.Run(t.Context(), Options{})
		require.NoError(t, err)
		return s
	}
	first := run("solver: bdf { rtol: 1e-6, atol: 1e-9 }")
	closer := run("solver: bdf { rtol: 1e-8, atol: 1e-11 }").Trajectories[0].Rows
	truth := run("solver: vern9 { rtol: 1e-13, atol: 1e-15 }").Trajectories[0].Rows
	rows := first.Trajectories[0].Rows
	require.Len(t, rows, 3)
	col, row, most := 0, 0, 0.
	for c := 1; c <= 3; c++ {
		size := 1e-6
		for _, r := range rows {
			size = math.Max(size, math.Abs(r[c]))
		}
		for i := range rows {
			if off := math.Abs(rows[i][c]-closer[i][c]) / size; off > most {
				col, row, most = c, i, off
			}
		}
	}
	require.Greater(t, most, 1e-3)
	require.Less(t, math.Abs(closer[row][col]-truth[row][col]), 0.1*math.Abs(rows[row][col]-truth[row][col]))
	require.Len(t, first.Warnings.All, 1)
	require.Equal(t, "inexact", first.Warnings.All[0].Code)
	require.Equal(t, fmt.Sprintf("`%s` at t = %g is %.4g, and %.4g with tolerances a hundredth as large: what the solver neglects in a step grows here",
		first.Columns[col], rows[row][0], rows[row][col], closer[row][col]), first.Warnings.All[0].Message)
}
