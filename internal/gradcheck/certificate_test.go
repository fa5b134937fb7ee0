package gradcheck

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/fit"
)

// TestJudge: a mode is off from the difference, in units; where differences are in doubt, from
// what the modes say among each other; kinks excuse what they can make.
func TestJudge(t *testing.T) {
	nan := math.NaN()
	type known = fit.CertifiedPartial
	for name, c := range map[string]struct {
		row      known
		witness  []float64
		kinks    float64
		off      []float64
		doubtful string
	}{
		"equal":                  {row: known{Gradient: []float64{2, 2}, Difference: 2}, off: []float64{0, 0}},
		"off":                    {row: known{Gradient: []float64{2, 1}, Difference: 2.5}, off: []float64{0.25, 0.75}},
		"within the tolerance":   {row: known{Gradient: []float64{2.0019}, Difference: 2, Uncertainty: 1}, off: []float64{0.00095}},
		"not known better":       {row: known{Gradient: []float64{2, 2.5}, Difference: 3, Uncertainty: 0.5}, off: []float64{0.25, 0.25}, doubtful: "differences"},
		"known better":           {row: known{Gradient: []float64{2, 2.5}, Difference: 3, Uncertainty: 0.2}, off: []float64{0.5, 0.25}},
		"one mode alone":         {row: known{Gradient: []float64{2}, Difference: nan, Failed: "a run fails"}, off: []float64{0}, doubtful: "differences"},
		"the median of three":    {row: known{Gradient: []float64{1, 4, 1}, Difference: nan, Failed: "so"}, off: []float64{0, 1.5, 0}, doubtful: "differences"},
		"a witness":              {row: known{Gradient: []float64{4}, Difference: nan, Failed: "so"}, witness: []float64{1, 1}, off: []float64{1.5}, doubtful: "differences"},
		"a kink":                 {row: known{Gradient: []float64{2.04}, Difference: 2}, kinks: 0.03, off: []float64{0.02}, doubtful: "kinks"},
		"more than kinks make":   {row: known{Gradient: []float64{2.08}, Difference: 2}, kinks: 0.03, off: []float64{0.04}},
		"no kinks in the way":    {row: known{Gradient: []float64{2.04}, Difference: 2}, off: []float64{0.02}},
		"kinks, and all is well": {row: known{Gradient: []float64{2}, Difference: 2}, kinks: 0.03, off: []float64{0}},
		"no number":              {row: known{Gradient: []float64{nan}, Difference: 2}, kinks: 0.03, off: []float64{nan}},
	} {
		r := partial{CertifiedPartial: c.row, witness: c.witness}
		r.judge(2, 1e-3, c.kinks)
		for j, want := range c.off {
			require.Equal(t, math.IsNaN(want), math.IsNaN(r.Off[j]), name)
			if !math.IsNaN(want) {
				require.InDelta(t, want, r.Off[j], 1e-12, name)
			}
			excused := want
			if c.doubtful == "kinks" {
				excused = 0
			}
			if !math.IsNaN(want) {
				require.InDelta(t, excused, r.wrong(j), 1e-12, name)
			}
		}
		require.Equal(t, c.doubtful, r.Doubtful, name)
	}
}

// TestUnits: a disagreement counts in the slopes to both sides, in a thousandth of those by
// others, in what solutions can tell, and, per unit of the parameter, in none of these below the
// noise.
func TestUnits(t *testing.T) {
	for _, c := range []struct {
		target target
		row    partial
		unit   float64
	}{
		{target{scale: 5}, partial{slope: 3, stretch: 1}, 3},
		{target{scale: 5}, partial{slope: 3, stretch: -0.5}, 6},
		{target{scale: 5e3}, partial{slope: 3, stretch: 1}, 5},
		{target{scale: 5, size: 1e9}, partial{slope: 3, stretch: 1}, 100},
		{target{scale: 5}, partial{slope: 3, stretch: 1, CertifiedPartial: fit.CertifiedPartial{Failed: "so"}}, 5},
	} {
		require.InEpsilon(t, c.unit, c.target.unit(&c.row), 1e-12)
	}
	require.InEpsilon(t, 6e-8, (&target{size: 2}).noise(), 1e-12)
	require.Equal(t, 1e-10, (&target{size: 1e-3}).noise())
	quiet := target{size: 2, rows: []partial{{CertifiedPartial: fit.CertifiedPartial{Gradient: []float64{1e-8}}, stretch: 0.5}}}
	quiet.judge(1e-6, 0) // 1e-8 of a noise of 6e-8/0.5, in which a tolerance is one
	require.InEpsilon(t, 1e-6/12, quiet.rows[0].Off[0], 1e-9)
}

// TestWorst: the largest disagreement has its mode and place, and the first event that shows
// it; directions count where no coordinate is wrong; what is doubtful is counted by itself.
func TestWorst(t *testing.T) {
	row := func(name string, off ...float64) partial {
		return partial{CertifiedPartial: fit.CertifiedPartial{Name: name, Off: off}}
	}
	along := row("all", 0, 0.5)
	along.Direction = true
	kinked := row("w", 0.02, 0)
	kinked.Doubtful = doubtKinks
	cert := func(rows ...partial) *draft {
		return &draft{
			Certificate: fit.Certificate{Modes: []string{"unrolled", "forward"}, Tolerance: 1e-6},
			targets: []target{
				{name: "loss", event: -1, counts: true, rows: rows},
				{name: "time of hit", event: 0, rows: []partial{row("k", 0, 2e-4)}},
				{name: "time of end", event: 1, rows: []partial{row("k", 1e-3, 0)}},
			},
		}
	}
	c := cert(row("k", 1e-9, 0.25), row("m", 0.1, 0), along, kinked)
	c.judge()
	require.Equal(t, 0.25, c.Worst, "a direction adds nothing to what is wrong already")
	require.Equal(t, "forward", c.Mode)
	require.Equal(t, "`k`, in the loss and first in the time of hit", c.Where)
	require.Equal(t, [2]int{3, 1}, [2]int{c.Compared, c.Doubtful})
	require.False(t, c.Certified())

	c = cert(row("k", 1e-9, 0), kinked)
	c.judge()
	require.Equal(t, 1e-3, c.Worst)
	require.Equal(t, "`k`, in the time of end", c.Where)

	c = cert(row("k", 1e-9, 0), kinked)
	c.targets[1].rows[0].Off[0] = 0.5
	c.judge()
	require.Equal(t, "`k`, in the time of hit", c.Where, "the time of the first event is the worst and the first")

	c = cert(row("k", 1e-9, 1e-7), along)
	c.targets = c.targets[:1]
	c.judge()
	require.Equal(t, 0.5, c.Worst)
	require.Equal(t, "`all`, in the loss", c.Where)

	c = cert(row("k", 1e-9, 1e-7), kinked)
	c.targets = c.targets[:1]
	c.judge()
	require.Equal(t, 1e-7, c.Worst)
	require.True(t, c.Certified())
	c.targets[0].doubtCrossings()
	require.Equal(t, []string{doubtCrossing, doubtKinks}, []string{c.targets[0].rows[0].Doubtful, c.targets[0].rows[1].Doubtful})

	c = cert(row("k", 0.5, math.NaN()), row("m", 0.7, 0))
	c.judge()
	require.True(t, math.IsNaN(c.Worst), "nothing is worse than no number")
	require.Equal(t, "forward", c.Mode)
	require.False(t, c.Certified())
	require.False(t, (&fit.Certificate{Tolerance: 1}).Certified(), "nothing was compared")
	require.True(t, (&fit.Certificate{Tolerance: 1, Doubtful: 1}).Certified())
}
