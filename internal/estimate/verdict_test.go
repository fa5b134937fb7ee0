package estimate

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/mat"

	"github.com/pinode/pinode/fit"
)

// TestSchur: the inverse of the complement is the block of the inverse, whatever the sizes of
// the coordinates; a direction of the second block that nothing bends changes nothing.
func TestSchur(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 9))
	const n = 6
	root := mat.NewDense(n, n, nil)
	for i := range n {
		for j := range n {
			root.Set(i, j, rng.NormFloat64()*[]float64{1, 1e-3, 10, 1, 1e4, 0.1}[j])
		}
	}
	h := mat.NewSymDense(n, nil)
	h.SymOuterK(1, root.T())
	first, second := []int{0, 4, 1}, []int{5, 2, 3}
	var inverse, block, back mat.Dense
	require.NoError(t, inverse.Inverse(h))
	block.ReuseAs(3, 3)
	for i, a := range first {
		for j, b := range first {
			block.Set(i, j, inverse.At(a, b))
		}
	}
	got := schur(h, first, second)
	back.Mul(got, &block)
	for i := range 3 {
		for j := range 3 {
			want := 0.
			if i == j {
				want = 1
			}
			require.InDelta(t, want, back.At(i, j), 1e-4*(1+abs(h.At(first[i], first[i])/h.At(first[j], first[j]))))
		}
	}
	loose := mat.NewSymDense(4, []float64{4, 1, 2, 0, 1, 3, 0, 0, 2, 0, 8, 0, 0, 0, 0, 0})
	got = schur(loose, []int{0, 1}, []int{2, 3})
	require.InDelta(t, 4-2*2/8., got.At(0, 0), 1e-8)
	require.InDelta(t, 1, got.At(0, 1), 1e-12)
	require.InDelta(t, 3, got.At(1, 1), 1e-12)
	require.Equal(t, 4., schur(loose, []int{0, 1}, nil).At(0, 0))
}

func abs(v float64) float64 { return max(v, -v) }

// TestVerdictText: what is said of a fit, in a line.
func TestVerdictText(t *testing.T) {
	number := func(v float64) *float64 { return &v }
	for want, v := range map[string]fit.Verdict{
		"converged, and meets the data; χ² 1.1 per value (40)":                                                                                    {Word: Fits, Chi2: number(1.1), Values: 40},
		"converged, and meets the data; χ² 4 per value (40)":                                                                                      {Word: Fits, Chi2: number(4), Values: 40},
		"converged, and does not meet the data: the model is wrong, or the optimum; χ² 1.4 per value (9)":                                         {Word: Misfit, Chi2: number(1.4), Values: 9},
		"converged, and does not meet the data: the model is wrong, or the optimum; χ² 4 per value (9): residuals are 2 × the declared noise":     {Word: Misfit, Chi2: number(4), Values: 9},
		"converged; the noise is fitted too, so that nothing says how large it should be":                                                         {Word: Unknown, Learned: true},
		"converged; nothing says what noise the data have; 3 of 8 starts ended here; 2 at clearly other values of parameters, with the same loss": {Word: Unknown, Starts: 8, Here: 3, Equal: 2},
		"stopped before it converged; the data leave a combination of parameters open: a with b":                                                  {Word: Stopped, Starts: 1, Here: 1, Untold: 1, Open: []string{"a with b"}},
		"not converged: so; the data leave 2 combinations of parameters open: c, d with e; at their bounds: a, b":                                 {Word: "unconverged", Why: "so", Untold: 2, Open: []string{"c", "d with e"}, Bounds: []string{"a", "b"}},
		"converged, and meets the data; residuals of one sign follow each other (p 1e-09)":                                                        {Word: Fits, Runs: number(1e-9)},
		"converged, and does not meet the data: the model is wrong, or the optimum; 3 of 8 starts ended here; no further start was tried: so":     {Word: Misfit, Starts: 8, Here: 3, Ended: "so"},
		"converged, and meets the data": {Word: Fits, Runs: number(0.5)},
	} {
		require.Equal(t, want, verdictText(&v))
	}
}
