package lower_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/compiler/ir"
)

// TestSystems: functions of matrices and of logarithms, against values by hand.
func TestSystems(t *testing.T) {
	const a, b, c = 1.25, -0.5, 3.
	// A = [[a, b], [c, a]], det = a² − bc
	det := a*a - b*c
	big := math.Log(1 + math.Exp(-1) + math.Exp(-3))
	for text, want := range map[string]float64{
		"det([[a, b], [c, a]])":                  det,
		"det([[a]])":                             a,
		"det([[0, a, 0], [0, 0, b], [c, 0, 0]])": a * b * c,
		"det([[0, a, 0, 0], [b, 0, 0, 0], [0, 0, 0, c], [0, 0, a, 0]])": a * b * c * a,
		"det([[a, b], [2*a, 2*b]])":                                     0,
		"logdet([[a, b], [c, a]])":                                      math.Log(det),
		"logdet([[b, 0], [0, c]])":                                      math.Log(1.5), // of the size of −1.5
		"inv([[a, b], [c, a]])[0, 1]":                                   -b / det,
		"inv([[a, b], [c, a]])[1, 0]":                                   -c / det,
		"solve([[0, a], [c, 0]], [2, 3])[0]":                            3 / c, // without a pivot on the diagonal
		"solve([[a, b], [c, a]], [1, 2])[1]":                            (2*a - c) / det,
		"solve([[a, b], [c, a]], [[1, 0], [2, 1]])[1, 0]":               (2*a - c) / det,
		"solve([[1e-20, 1], [1, 1]], [1, 2])[0]":                        1, // needs rows exchanged
		"logsumexp([1000*a, 1000*a - 1, 1000*a - 3])":                   1250 + big,
		"softmax([-1000*a, -1000*a - 1, -1000*a - 3])[2]":               math.Exp(-3 - big),
		"sum(softmax([a, b, c, a, b, c, a]))":                           1,
		"softmax([a, -inf])[0]":                                         1,
		"irk_gauss(2)[0, 1]":                                            0.25 - math.Sqrt(3)/6,
		"sum(irk_radau(3)[3])":                                          1,
		"logsumexp([a])":                                                a,
	} {
		m := model(t, "  param p[3] = 0\n  let a = p[0]\n  let b = p[1]\n  let c = p[2]\n  state s = 0\n  s' = 0\n  let v = "+text)
		got := values(t, m.Outputs, inputs{"p": {a, b, c}})
		requireClose(t, want, got[len(got)-1], 2e-15, text)
	}
}

// TestSystemsNoted: matrices that are inverted are known with their places, each once.
func TestSystemsNoted(t *testing.T) {
	m := model(t, "  state x[2] = 1\n  let A = [[1, x[0]], [2, 3]]\n  x' = solve(A, x) + 0*inv(A)[0]\n  let d = det([[1, 2], [3, 4]])")
	require.Len(t, m.Systems, 1)
	require.Equal(t, "solve(A, x)", m.Systems[0].Text)
	require.Equal(t, "m.node:4:8", m.Systems[0].Span.Pos().String())
	require.Equal(t, ir.FactorShape(2), m.Systems[0].Factors.Shape)
}
