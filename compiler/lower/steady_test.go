package lower

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/mat"

	"github.com/pinode/pinode/compiler/ir"
)

// TestConserved: A + B ⇌ C with D apart has the totals A + C and B + C, and D alone
// where it does not move; rates with factors are seen.
func TestConserved(t *testing.T) {
	b := ir.NewBuilder()
	y := b.Input("y", ir.Vec(4), true)
	on := b.Mul(b.Elem(y, 0), b.Elem(y, 1))
	off := b.Mul(b.Const(0.5), b.Elem(y, 2))
	v := b.Sub(on, off)
	r := &rest{values: []*ir.Node{b.Neg(v), b.Neg(v), b.Mul(b.Const(2), v), b.Const(0)}, moving: []bool{true, true, true, true}}
	laws := conserved(b, r)
	require.Len(t, laws, 3)
	for _, w := range laws {
		require.InDelta(t, 0, -w[0]-w[1]+2*w[2], 1e-12)
	}
	require.Equal(t, []float64{0, 0, 0, 1}, laws[2], "what does not move keeps its value")
	r.values[3] = b.Elem(y, 0)
	require.Len(t, conserved(b, r), 2)
}

// written is c times a velocity, in one of the ways to write it.
func written(b *ir.Builder, rng *rand.Rand, c float64, v *ir.Node) *ir.Node {
	k := float64(1 + rng.IntN(4))
	switch rng.IntN(7) {
	case 0:
		return b.Mul(v, b.Const(c))
	case 1:
		return b.Neg(b.Mul(b.Const(-c), v))
	case 2:
		return b.Div(b.Mul(v, b.Const(c*k)), b.Const(k))
	case 3: // a part of it twice
		return b.Sub(b.Mul(b.Const(c+k), v), b.Mul(v, b.Const(k)))
	case 4:
		return b.Mul(b.Const(c/k), b.Mul(b.Const(k), v))
	case 5:
		return b.Mul(b.Const(c/2), b.Add(v, v))
	}
	return b.Mul(b.Const(c), v)
}

// TestConservedOfNetworks: the totals of random reactions are the left null space of their matrix, however the
// rates are written, here by its singular values.
func TestConservedOfNetworks(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 23))
	for range 60 {
		n, m := 2+rng.IntN(4), 1+rng.IntN(3)
		b := ir.NewBuilder()
		y := b.Input("y", ir.Vec(n), true)
		x := func(i int) *ir.Node { return b.Elem(y, i%n) }
		// One that is constant, one that is a product, one a quotient, and one of a function.
		velocities := []*ir.Node{b.Const(1), b.Mul(x(0), x(1)), b.Div(b.Const(1), x(1)), b.Exp(b.Neg(x(0)))}
		rng.Shuffle(len(velocities), func(i, j int) { velocities[i], velocities[j] = velocities[j], velocities[i] })
		s := mat.NewDense(n, m, nil)
		r := &rest{}
		for i := range n {
			rate := b.Const(0)
			for j := range m {
				if c := float64(rng.IntN(5) - 2); c != 0 {
					s.Set(i, j, c)
					rate = b.Add(rate, written(b, rng, c, velocities[j]))
				}
			}
			r.values, r.moving = append(r.values, rate), append(r.moving, true)
		}
		var svd mat.SVD
		require.True(t, svd.Factorize(s, mat.SVDNone))
		rank := 0
		for _, v := range svd.Values(nil) {
			if v > 1e-9 {
				rank++
			}
		}
		laws := conserved(b, r)
		require.Len(t, laws, n-rank, "%v", mat.Formatted(s))
		first := -1
		for _, w := range laws {
			for j := range m {
				require.InDelta(t, 0, mat.Dot(mat.NewVecDense(n, w), s.ColView(j)), 1e-9, "%v: %v", mat.Formatted(s), w)
			}
			// Each begins with a state that no other has.
			k := 0
			for w[k] == 0 {
				k++
			}
			require.Greater(t, k, first)
			require.Equal(t, 1., w[k])
			for _, other := range laws {
				require.True(t, other[k] == 0 || &other[0] == &w[0])
			}
			first = k
		}
	}
}

// TestFactors: a product is its constant factor and the rest, and both together are the product.
func TestFactors(t *testing.T) {
	b := ir.NewBuilder()
	y := b.Input("y", ir.Vec(2), true)
	u, v := b.Elem(y, 0), b.Elem(y, 1)
	product := b.Mul(u, v)
	for _, c := range []struct {
		of, core *ir.Node
		factor   float64
	}{
		{b.Const(-3), nil, -3},
		{u, u, 1},
		{b.Neg(u), u, -1},
		{b.Mul(b.Const(2), u), u, 2},
		{b.Mul(u, b.Const(2)), u, 2},
		{b.Div(u, b.Const(4)), u, 0.25},
		{b.Neg(b.Mul(b.Mul(b.Const(2), u), b.Div(v, b.Const(-8)))), product, 0.25},
		{b.Div(b.Mul(b.Const(6), u), b.Mul(b.Const(3), v)), b.Div(u, v), 2},
		{b.Exp(u), b.Exp(u), 1},
		{y, y, 1},
	} {
		f, core := factor(b, c.of)
		require.Equal(t, c.factor, f, "%s", c.of.Op)
		require.Same(t, c.core, core, "%s", c.of.Op)
	}
	f, core := factor(b, b.Div(b.Const(3), u))
	g, twice := factor(b, b.Div(b.Const(-1.5), b.Mul(u, b.Const(0.5))))
	require.Equal(t, [2]float64{3, -3}, [2]float64{f, g})
	require.Same(t, core, twice)
}

// TestEliminate: the first columns come to reduced echelon form, and the columns behind them, a unit matrix at first,
// tell by which sums of rows.
func TestEliminate(t *testing.T) {
	from := mat.NewDense(3, 3, []float64{0, 2, 4, 1, 1, 1, 2, 4, 6})
	rows := [][]float64{{0, 2, 4, 1, 0, 0}, {1, 1, 1, 0, 1, 0}, {2, 4, 6, 0, 0, 1}}
	require.Equal(t, 2, eliminate(rows, 3))
	for i, want := range [][]float64{{1, 0, -1}, {0, 1, 2}, {0, 0, 0}} {
		require.InDeltaSlice(t, want, rows[i][:3], 1e-15)
		var by mat.VecDense
		by.MulVec(from.T(), mat.NewVecDense(3, rows[i][3:]))
		require.InDeltaSlice(t, want, by.RawVector().Data, 1e-15)
	}
	require.Greater(t, math.Abs(rows[2][5]), 0.1)
	small := [][]float64{{1e-10, 1}, {0, 0}}
	require.Equal(t, 1, eliminate(small, 2), "what is left of a difference is nothing")
	require.Equal(t, [][]float64{{0, 1}, {0, 0}}, small)
}
