package problem_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/data"
	"github.com/pinode/pinode/internal/problem/problemtest"
)

const dueModel = `model M {
  time t in [0.25, inf)
  covariate a
  covariate w[2]
  param k per site = a
  state z = a
  z' = -k*z
  observe late[2] = [z, 2*z] at t = w[1] + %s
  observe one = 2*z at t = 1 ~ normal(1) { weight: 0 }
  observe now = z + 1
%s}
data d from "data.csv" { a: a, w: [u, w], late: [l, m], one: o, now: n }
`

// TestDue: in a table without times each row is a trajectory, whose measured values are predicted at
// the times of their observations; loss terms count at the start alone.
func TestDue(t *testing.T) {
	rows := "site,a,u,w,l,m,o,n\nx,1,9,2,0.5,0.6,1.1,2.2\ny,2,9,1,,0.7,-1.9,\nx,3,9,0.25,1.4,,,4.1\n"
	f := problemtest.Load(t, fmt.Sprintf(dueModel, "0", "  loss l = z^2\n"), rows)
	require.Len(t, f.Trajectories, 3)
	type row struct {
		at              float64
		seen, own       []float64
		values, counted int
	}
	for i, want := range [][]row{
		{{0.25, []float64{0, 0, 0, 1}, []float64{1, 1, 1, 1, 1}, 1, 1}, {1, []float64{0, 0, 1, 0}, []float64{0, 0, 0, 0, 0}, 1, 0}, {2, []float64{1, 1, 0, 0}, []float64{0, 0, 0, 0, 0}, 2, 2}},
		{{0.25, []float64{0, 0, 0, 0}, []float64{1, 0, 1, 1, 0}, 0, 0}, {1, []float64{0, 1, 1, 0}, []float64{0, 0, 0, 0, 0}, 2, 1}},
		{{0.25, []float64{1, 0, 0, 1}, []float64{1, 1, 0, 0, 1}, 2, 2}},
	} {
		it := f.Trajectories[i]
		require.Equal(t, []string{"site=x, row=1", "site=y, row=2", "site=x, row=3"}[i], it.Name)
		require.Equal(t, 0.25, it.Span.T0)
		require.Equal(t, want[len(want)-1].at, it.Span.T1)
		require.Len(t, it.Rows, len(want))
		for k, w := range want {
			r := it.Rows[k]
			require.Equal(t, w, row{it.Span.Saves[r.Save()], r.Seen(), r.Own(), r.Values(), r.Counted()}, "row %d of trajectory %d", k, i)
		}
	}
	names := func(list []string) (out []string) {
		for _, e := range f.Space.Estimates {
			out = append(out, e.Name)
		}
		return append(list, out...)
	}
	require.Equal(t, []string{"k{site=x}", "k{site=y}"}, names(nil))

	plain := problemtest.Load(t, fmt.Sprintf(dueModel, "0", ""), rows)
	require.Len(t, plain.Trajectories[1].Rows, 1, "nothing is read at the start")
	require.Equal(t, 1., plain.Trajectories[1].Span.Saves[0])
}

// TestDueRefused: times that are none.
func TestDueRefused(t *testing.T) {
	for more, want := range map[string]string{
		"log(-a)": "the time of `late` is NaN",
		"1/(a-1)": "the time of `late` is +Inf",
		"-2*a":    "`late` is observed at 0, before the start at 0.25",
	} {
		_, err := problemtest.Open(t, fmt.Sprintf(dueModel, more, ""), "site,a,u,w,l,m,o,n\nx,1,9,2,0.5,0.6,1.1,2.2\n").Trajectories(data.Train)
		require.ErrorContains(t, err, "data.csv: trajectory site=x, row=1: "+want, more)
	}
}
