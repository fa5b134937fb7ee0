package estimate

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/mat"
)

// TestCurvatureTold: where the data tell few directions of many coordinates, the determinant and the diagonal
// of the inverse are those of the matrix as a whole, by another factorisation.
func TestCurvatureTold(t *testing.T) {
	const rows, n = 200, 300
	rng := rand.New(rand.NewPCG(1, 2))
	jac := mat.NewDense(rows, n, nil)
	ridge := make([]float64, n)
	for k := range ridge {
		ridge[k] = 0.01 * math.Exp(6*rng.Float64())
	}
	for d := range 40 { // a sum of products of falling size
		u, v := make([]float64, rows), make([]float64, n)
		for i := range u {
			u[i] = rng.NormFloat64()
		}
		for i := range v {
			v[i] = rng.NormFloat64() * math.Pow(10, 2-0.25*float64(d))
		}
		jac.RankOne(jac, 1, mat.NewVecDense(rows, u), mat.NewVecDense(n, v))
	}
	h := mat.NewSymDense(n, nil)
	h.SymOuterK(1, jac.T())
	for i, l := range ridge {
		h.SetSym(i, i, h.At(i, i)+l)
	}
	var eig mat.EigenSym
	require.True(t, eig.Factorize(h, true))
	var vectors mat.Dense
	eig.VectorsTo(&vectors)
	logDet := 0.
	for _, v := range eig.Values(nil) {
		logDet += math.Log(v)
	}
	c := curvatureTold(jac.RawMatrix(), ridge)
	require.NotNil(t, c)
	require.InDelta(t, logDet, c.logDet, 2*toldLeft)
	for i := range n {
		want := 0.
		for k, v := range eig.Values(nil) {
			want += vectors.At(i, k) * vectors.At(i, k) / v
		}
		require.InEpsilon(t, want, c.inverse[i], toldLeft)
	}
}
