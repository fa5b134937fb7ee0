package nn_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/mat"

	"github.com/pinode/pinode/compiler/nn"
)

func formed(n nn.Block) *nn.Block {
	n.Init, n.Hidden = "glorot", []int{7, 5}
	if n.Activation == nil {
		n.Activation = nn.FindActivation("tanh")
	}
	return &n
}

// TestForms: results have their form for any weights.
func TestForms(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 1))
	for _, side := range []int{2, 3, 5} {
		for _, form := range []nn.Form{nn.Skew, nn.PSD} {
			n := formed(nn.Block{In: 3, Out: side * side, Form: form})
			f := compile(t, n, true)
			for range 50 {
				y, _, _ := f.at(normal(rng, n.NumWeights(), 3), normal(rng, 3, 2))
				m := mat.NewDense(side, side, y)
				if form == nn.Skew {
					for i := range side {
						for j := range side {
							require.Equal(t, 0., m.At(i, j)+m.At(j, i), "M + Mᵀ = 0, to the bit")
						}
					}
					require.NotZero(t, m.At(0, 1))
					continue
				}
				var eigen mat.EigenSym
				sym := mat.NewSymDense(side, nil)
				for i := range side {
					for j := range side {
						require.Equal(t, m.At(i, j), m.At(j, i))
						sym.SetSym(i, j, m.At(i, j))
					}
				}
				require.True(t, eigen.Factorize(sym, false))
				values := eigen.Values(nil)
				require.GreaterOrEqual(t, values[0], -1e-14*values[side-1])
			}
		}
	}
}

// TestConvex: f(sx + (1−s)y) ≤ s f(x) + (1−s) f(y) for any weights and places; and it is
// not linear.
func TestConvex(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 1))
	for _, c := range []nn.Block{{}, {Positive: true}, {Even: true}, {ZeroAt: []float64{0.3, 0, -1}}, {Activation: nn.FindActivation("elu")}} {
		c.In, c.Out, c.Convex = 3, 2, true
		if c.Activation == nil {
			c.Activation = nn.FindActivation("softplus")
		}
		n := formed(c)
		f := compile(t, n, true)
		bent := 0.
		for range 200 {
			w := normal(rng, n.NumWeights(), 1)
			x, y, s := normal(rng, 3, 2), normal(rng, 3, 2), rng.Float64()
			z := make([]float64, 3)
			for i := range z {
				z[i] = s*x[i] + (1-s)*y[i]
			}
			fx, _, _ := f.at(w, x)
			fy, _, _ := f.at(w, y)
			fz, _, _ := f.at(w, z)
			for k := range fz {
				above := s*fx[k] + (1-s)*fy[k] - fz[k]
				size := math.Abs(fx[k]) + math.Abs(fy[k]) + 1
				require.GreaterOrEqual(t, above, -1e-13*size)
				bent = math.Max(bent, above/size)
			}
		}
		require.Greater(t, bent, 0.01)
	}
}

// sines are weights of a cell.
func sines(n int) []float64 {
	w := make([]float64, n)
	for i := range w {
		w[i] = 0.7 * math.Sin(float64(i+1))
	}
	return w
}

// TestCells: one step of each cell with the equations of PyTorch's GRUCell and LSTMCell,
// evaluated element by element in Python.
func TestCells(t *testing.T) {
	gru := formed(nn.Block{Kind: nn.GRU, In: 4, Out: 2})
	require.Equal(t, 3*2*2+3*2*2+6+6, gru.NumWeights())
	y, _, _ := compile(t, gru, true).at(sines(gru.NumWeights()), []float64{0.3, -0.6, 0.4, -1.1})
	require.InDeltaSlice(t, []float64{0.2500047676309661, -0.6906031055025077}, y, 1e-11)
	lstm := formed(nn.Block{Kind: nn.LSTM, In: 6, Out: 4})
	require.Equal(t, 4*2*2+4*2*2+8+8, lstm.NumWeights())
	y, _, _ = compile(t, lstm, true).at(sines(lstm.NumWeights()), []float64{0.3, -0.6, 0.5, -0.2, 0.4, -1.1})
	require.InDeltaSlice(t, []float64{0.19463860709158234, 0.16996223564638532, 0.33857331890930586, 0.34087304123651563}, y, 1e-11)
	rng := rand.New(rand.NewPCG(1, 1))
	for _, w := range lstm.NewWeights(rng) {
		require.Less(t, math.Abs(w), 1/math.Sqrt(2), "uniform in ±1/√units")
	}
}

// TestFormsValidate: what does not go together is refused.
func TestFormsValidate(t *testing.T) {
	soft := nn.FindActivation("softplus")
	for _, n := range []nn.Block{
		{In: 2, Out: 3, Form: nn.Skew},
		{In: 2, Out: 1, Form: nn.Skew},
		{In: 2, Out: 4, Form: nn.PSD, Odd: true},
		{In: 2, Out: 3, Form: nn.DivergenceFree},
		{In: 2, Out: 1, Form: nn.DivergenceFree},
		{In: 2, Out: 1, Convex: true},
		{In: 2, Out: 1, Convex: true, Activation: soft, Odd: true},
		{In: 2, Out: 1, Convex: true, Activation: soft, Monotone: []int{1, 1}},
		{In: 2, Out: 2, Kind: nn.GRU},
		{In: 4, Out: 3, Kind: nn.LSTM},
		{In: 4, Out: 2, Kind: nn.GRU, Positive: true},
	} {
		require.Error(t, formed(n).Validate(), "%+v", n)
	}
}
