package explain_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/dsl/diag"
	"github.com/pinode/pinode/internal/explain"
	"github.com/pinode/pinode/sim"
	"github.com/pinode/pinode/solvers"
)

// TestCloserLook: what a closer look is done with, and how far off what it finds may be before it speaks.
func TestCloserLook(t *testing.T) {
	p := compiled(t, `model M {
  state x = 1
  state v[3] = [1, 2, 3]
  x' = -x
  v' = -v
}`)
	opt := sim.Options{Method: solvers.Method("tsit5"), RTol: 1e-5, ATol: 1e-8, Sizes: []float64{1, 1, 0.1, 1}, MaxSteps: 1_000_000}
	look := explain.CloserLook(p, opt, sim.Stats{Evaluations: 300_000, Steps: 20, Rejected: 7}, sim.Stats{Evaluations: 400_000, Steps: 3})
	require.InEpsilon(t, 1e-7, look.Options.RTol, 1e-12)
	require.InEpsilon(t, 1e-10, look.Options.ATol, 1e-12)
	require.Equal(t, opt.Sizes, look.Options.Sizes)
	require.Equal(t, 100_300, look.Options.MaxSteps)
	opt.MaxSteps = 50
	require.Equal(t, 50, explain.CloserLook(p, opt, sim.Stats{Steps: 20}).Options.MaxSteps)
	require.Nil(t, explain.CloserLook(p, opt, sim.Stats{Evaluations: 300_000}, sim.Stats{Evaluations: 450_001}), "four states")
	require.NotNil(t, explain.CloserLook(p, opt, sim.Stats{Evaluations: 300_000}, sim.Stats{Evaluations: 450_000}))
	opt.Method = solvers.Method("euler")
	require.Nil(t, explain.CloserLook(p, opt, sim.Stats{}))

	require.InEpsilon(t, 1e-5, look.Size(0, 0), 1e-12)
	require.InEpsilon(t, 1e-6, look.Size(2, 0), 1e-12)
	require.InEpsilon(t, 0.3, look.Size(0, 0.3), 1e-12)

	said := func(f func(l *diag.List)) string {
		l := &diag.List{}
		f(l)
		var all []string
		for _, d := range l.All {
			require.Equal(t, "inexact", d.Code)
			all = append(all, d.Message)
		}
		return strings.Join(all, "\n")
	}
	state := func(rtol, off float64) string {
		o := look.Options
		o.RTol = rtol
		return said(func(l *diag.List) {
			explain.CloserLook(p, o).State(l, explain.Inexact{Off: off, State: 2, T: 1.5, Value: 1.25, Closer: 2.5, Run: "g=a"})
		})
	}
	for rtol, within := range map[float64]float64{1e-8: 1e-3, 1e-5: 1e-2, 1e-3: 0.1} {
		require.Empty(t, state(rtol, 0.999*within))
		require.True(t, strings.HasPrefix(state(rtol, 1.001*within), "`v[1]` at t = 1.5 in run g=a is 1.25, and 2.5 with tolerances a hundredth"), state(rtol, 1.001*within))
	}

	likelihood := func(v, closer float64) string {
		return said(func(l *diag.List) {
			told := look.LogLikelihood(l, "the log-likelihood", v, closer)
			require.Equal(t, told, len(l.All) > 0)
		})
	}
	for _, v := range []float64{0, -20, 3000} {
		within := 0.05 + 1e-3*max(v, -v)
		require.Empty(t, likelihood(v, v+0.999*within))
		require.Empty(t, likelihood(v, v-0.999*within))
		require.Contains(t, likelihood(v, v-1.001*within), "the log-likelihood is ")
		require.Contains(t, likelihood(v, v+1.001*within), "the log-likelihood is ")
	}

	slopes := func(off float64) string { // of b, beside the 40 of a
		return said(func(l *diag.List) {
			look.Slopes(l, []explain.Slope{{By: "a", V: -10, Closer: -10, Size: 4}, {By: "b", V: 1, Closer: 1 + off, Size: 0.5}})
		})
	}
	require.Empty(t, slopes(3.99))
	require.Contains(t, slopes(4.01), "by `b` is 1, and 5.01 with")
	small := func(off float64) string {
		return said(func(l *diag.List) { look.Slopes(l, []explain.Slope{{By: "a", V: 0, Closer: off, Size: 1}}) })
	}
	require.Empty(t, small(0.049))
	require.Contains(t, small(0.051), "by `a` is 0, and 0.051 with")

	fails := func(rtol float64) string {
		o := look.Options
		o.RTol = rtol
		return said(func(l *diag.List) { explain.CloserLook(p, o).Fails(l, errors.New("so")) })
	}
	require.Equal(t, "with tolerances a hundredth as large a run fails: so", fails(1.01e-10))
	require.Empty(t, fails(1e-10))
}
