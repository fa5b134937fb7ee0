package main

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode"
)

// A certificate as it is printed: weights of the time of an event in one line,
// differences that failed by why, events with how cleanly they cross.
func TestPrintCertificate(t *testing.T) {
	c := &pinode.Certificate{
		Modes: []string{"unrolled", "adjoint"}, Tolerance: 1e-6, Worst: 3e-3, Mode: "adjoint", Where: "k", Compared: 3, Doubtful: 1,
		Inert: []string{"q", "p"}, Notes: []string{"kinks: f"}, InertWeights: 2,
		Targets: []pinode.CertifiedTarget{
			{Name: "loss", Event: -1, Rows: []pinode.CertifiedPartial{
				{Name: "a long parameter", Difference: 2, Gradient: []float64{2, 2.003}, Off: []float64{1e-9, 3e-3}},
				{Name: "w[0]", Weight: true, Difference: 1, Gradient: []float64{1, 1}, Off: []float64{0, 0}},
				{Name: "r", Failed: "a run fails", Difference: math.NaN(), Gradient: []float64{1, 1}, Off: []float64{0, 0}, Doubtful: "no difference"},
			}},
			{Name: "time of hit", Event: 0, Rows: []pinode.CertifiedPartial{
				{Name: "w[0]", Weight: true, Gradient: []float64{1, 1}, Off: []float64{2e-8, 5e-4}},
				{Name: "w[1]", Weight: true, Gradient: []float64{1, 1}, Off: []float64{7e-8, 1e-4}},
			}},
		},
	}
	for k := range 10 {
		c.Events = append(c.Events, pinode.CertifiedEvent{Name: "hit", Time: float64(k), Transversality: []float64{0.5, 1e-9, math.NaN()}[k%3]})
	}
	var out strings.Builder
	(&app{out: newStream(&out)}).printCertificate(c)
	cell := func(s string) string { return fmt.Sprintf("  %-24s", s) }
	require.Equal(t, strings.Join([]string{
		fmt.Sprintf("%-18s  %-16s", "", "finite diff.") + cell("unrolled") + "  adjoint",
		"loss",
		"  a long parameter  2               " + cell("2                ok") + "  2.003            off by 3e-03",
		"  w[0]              1               " + cell("1                ok") + "  1                ok",
		"  r                 –               " + cell("1                doubtful") + "  1                doubtful",
		"time of hit",
		"  2 weights                         " + cell("within 7e-08     ok") + "  within 5e-04     off",
		"events: hit at 0 (transversality 0.5), hit at 1 (transversality 1e-09, a graze), hit at 2, hit at 3 (transversality 0.5), " +
			"hit at 4 (transversality 1e-09, a graze), hit at 5, hit at 6 (transversality 0.5), hit at 7 (transversality 1e-09, a graze), 2 more",
		"no differences of r: a run fails however near to the start values",
		"without effect on any trajectory at the start values, and so not certified: p, q",
		"kinks: f",
		"without effect on any trajectory at the start values: 2 weights of those looked at",
		"NOT certified: 3 derivatives and 1 doubtful ones × 2 modes, 10 events, worst disagreement 3e-03",
		"",
	}, "\n"), out.String())
	require.EqualError(t, refused(c), "the adjoint gradient disagrees with finite differences by 3.0e-03: k")
	c.Worst = 1e-9
	require.NoError(t, refused(c))
	c.Compared, c.Doubtful = 0, 0
	require.EqualError(t, refused(c), "nothing was certified: no parameter and no weight has an effect at the start values")
}
