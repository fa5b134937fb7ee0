package sparse

import (
	"fmt"
	"math"
	"math/cmplx"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/mat"
)

// random is a pattern with some elements in each row, some of them on the diagonal.
func random(rng *rand.Rand, n int, fill float64) *Pattern {
	rows := make([][]int, n)
	for i := range rows {
		for j := range n {
			if rng.Float64() < fill {
				rows[i] = append(rows[i], j)
			}
		}
	}
	return NewPattern(rows)
}

// both are plans by rows and by blocks, whichever is faster.
func both(p *Pattern) []*Plan {
	q := p.symmetric()
	return []*Plan{planned(p, order(p)), newPanels(p, planned(q, order(q)))}
}

// dense is shift·I + scale·A.
func dense(p *Pattern, shift, scale float64, values []float64) *mat.Dense {
	n := p.N()
	a := mat.NewDense(n, n, nil)
	for i := range n {
		for k := p.Start[i]; k < p.Start[i+1]; k++ {
			a.Set(i, int(p.Col[k]), scale*values[k])
		}
		a.Set(i, i, a.At(i, i)+shift)
	}
	return a
}

func normals(rng *rand.Rand, n int) []float64 {
	v := make([]float64, n)
	for i := range v {
		v[i] = rng.NormFloat64()
	}
	return v
}

// TestAgainstDense: solutions of random systems, and of their transposes, are those of
// gonum's dense factorisation, with pivots on the diagonal, which mostly serve where the shift is
// large, and elsewhere, where they do not.
func TestAgainstDense(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	pivoted := 0
	for trial := range 300 {
		n := 1 + rng.IntN(40)
		p := random(rng, n, 0.02+0.3*rng.Float64())
		plans := both(p)
		for k := range 4 {
			f := NewLU[float64](plans[k%2])
			values := normals(rng, p.Nonzeros())
			shift := []float64{0.01, 1, 10}[rng.IntN(3)]
			want := dense(p, shift, -1, values)
			var lu mat.LU
			lu.Factorize(want)
			if lu.Cond() > 1e8 {
				continue
			}
			require.True(t, f.Factor(shift, -1, values), "trial %d", trial)
			if f.rows {
				pivoted++
			}
			b := normals(rng, n)
			var x mat.VecDense
			require.NoError(t, lu.SolveVecTo(&x, false, mat.NewVecDense(n, append([]float64{}, b...))))
			got := append([]float64{}, b...)
			f.Solve(got)
			require.InDeltaSlice(t, x.RawVector().Data, got, 1e-9*lu.Cond(), "trial %d", trial)
			require.NoError(t, lu.SolveVecTo(&x, true, mat.NewVecDense(n, append([]float64{}, b...))))
			f.SolveT(b)
			require.InDeltaSlice(t, x.RawVector().Data, b, 1e-9*lu.Cond(), "trial %d, transposed", trial)
		}
	}
	require.Greater(t, pivoted, 3, "some need other pivots")
}

// TestComplex: a complex system and its transpose, by their residuals.
func TestComplex(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for trial := range 100 {
		n := 1 + rng.IntN(30)
		p := random(rng, n, 0.2)
		values := normals(rng, p.Nonzeros())
		f := NewLU[complex128](both(p)[trial%2])
		shift, scale := complex(rng.NormFloat64(), 2), complex(-0.5, 0)
		if trial%3 == 0 {
			shift = complex(1e-14, 1e-14) // the diagonal is next to nothing where the pattern has none
		}
		if !f.Factor(shift, scale, values) {
			require.Zero(t, trial%3)
			continue
		}
		for _, transposed := range []bool{false, true} {
			b := make([]complex128, n)
			for i := range b {
				b[i] = complex(rng.NormFloat64(), rng.NormFloat64())
			}
			x := append([]complex128{}, b...)
			size := 0.
			if transposed {
				f.SolveT(x)
			} else {
				f.Solve(x)
			}
			r := make([]complex128, n)
			for i := range n {
				r[i] += shift*x[i] - b[i]
				size = math.Max(size, cmplx.Abs(x[i]))
			}
			for i := range n {
				for k := p.Start[i]; k < p.Start[i+1]; k++ {
					j := int(p.Col[k])
					if transposed {
						r[j] += scale * complex(values[k], 0) * x[i]
					} else {
						r[i] += scale * complex(values[k], 0) * x[j]
					}
				}
			}
			for i := range r {
				require.InDelta(t, 0, cmplx.Abs(r[i]), 1e-9*(1+size), "trial %d", trial)
			}
		}
	}
}

// TestSingular: matrices that are singular, or hold what is no number, are refused; one
// that is nearly singular is solved with a small residual, rows of any size too.
func TestSingular(t *testing.T) {
	p := Full(2)
	f := NewLU[float64](p.Plan())
	require.False(t, f.Factor(0, 1, []float64{1, 2, 2, 4}))
	require.False(t, f.Factor(0, 1, []float64{0, 0, 1, 1}))
	require.False(t, f.Factor(1, 1, []float64{math.NaN(), 0, 1, 1}))
	require.False(t, f.Factor(1, 1, []float64{math.Inf(1), 0, 1, 1}))
	require.True(t, f.Factor(0, 1, []float64{0, 1, 1, 0}), "an exchange of rows")
	require.True(t, f.rows)
	b := []float64{3, 5}
	f.Solve(b)
	require.Equal(t, []float64{5, 3}, b)
	f.SolveT(b)
	require.Equal(t, []float64{3, 5}, b)
	require.True(t, f.Factor(0, 1, []float64{1e-20, 1, 1, 1}), "growth")
	require.True(t, f.rows)
	b = []float64{1, 2}
	f.Solve(b)
	require.InDeltaSlice(t, []float64{1, 1}, b, 1e-14)
	require.True(t, f.Factor(0, 1, []float64{1, 1, 1, 1 + 1e-12}), "nearly singular")
	b = []float64{2, 2 + 1e-12}
	f.Solve(b)
	require.InDelta(t, 2, b[0]+b[1], 1e-14)
	require.True(t, f.Factor(0, 1, []float64{1e-30, 2e-30, 3e40, 4e40}), "rows of any size")
	b = []float64{5e-30, 11e40}
	f.Solve(b)
	require.InDeltaSlice(t, []float64{1, 2}, b, 1e-13)
	require.True(t, f.Factor(1, -1, []float64{-1e14, 1e-3, 1e14, -1}), "a stiff one")
	require.False(t, f.rows)
}

// TestSame: factors do not depend on those before.
func TestSame(t *testing.T) {
	p := Full(3)
	values := []float64{4, 1, 2, 1, 5, 1, 0.5, 1, 6}
	f, g := NewLU[float64](p.Plan()), NewLU[float64](p.Plan())
	require.True(t, f.Factor(0, 1, values))
	require.False(t, g.Factor(0, 1, make([]float64, 9)))
	require.True(t, g.Factor(0, 1, []float64{0, 1, 0, 1, 0, 0, 0, 0, 1}))
	require.True(t, g.Factor(0, 1, values))
	x, y := []float64{1, 2, 3}, []float64{1, 2, 3}
	f.Solve(x)
	g.Solve(y)
	require.Equal(t, x, y)
}

// grid is the pattern of a five-point stencil for s species on m by m cells.
func grid(m, s int) *Pattern {
	var rows [][]int
	for i := range m {
		for j := range m {
			for k := range s {
				var row []int
				at := func(i, j, k int) {
					if i >= 0 && j >= 0 && i < m && j < m {
						row = append(row, (i*m+j)*s+k)
					}
				}
				at(i-1, j, k)
				at(i, j-1, k)
				for l := range s {
					at(i, j, l)
				}
				at(i, j+1, k)
				at(i+1, j, k)
				rows = append(rows, row)
			}
		}
	}
	return NewPattern(rows)
}

// TestFill: the order keeps what has no fill free of it, a grid near to nested
// dissection, of which 31 n log₂n/4 is the leading term for one factor (A. George, SIAM J. Numer. Anal. 10, 345–363, 1973), and is a
// permutation.
func TestFill(t *testing.T) {
	arrow := make([][]int, 100)
	for i := range arrow {
		arrow[i] = []int{0, i}
		if i == 0 {
			arrow[i] = arrow[i][:1]
		}
		arrow[0] = append(arrow[0], i)
	}
	arrow[0] = arrow[0][2:]
	require.Equal(t, 100+2*99, NewPattern(arrow).Plan().Nonzeros())
	chain := make([][]int, 5000)
	for i := range chain {
		chain[i] = []int{max(i-1, 0), i, min(i+1, 4999)}
	}
	chain[0], chain[4999] = chain[0][1:], chain[4999][:2]
	require.Equal(t, 5000+2*4999, NewPattern(chain).Plan().Nonzeros())
	require.Nil(t, NewPattern(chain).Plan().panels)
	for _, m := range []int{20, 60} {
		s := grid(m, 1).Plan()
		n := float64(m * m)
		require.Less(t, float64(s.Nonzeros()-m*m)/2, 31*n*math.Log2(n)/4*0.55, "m = %d", m)
	}
	seen := make([]bool, 400)
	for _, i := range grid(20, 1).Plan().order {
		require.False(t, seen[i])
		seen[i] = true
	}
}

// TestBlocks: the pattern of blocks.
func TestBlocks(t *testing.T) {
	p := NewPattern([][]int{{1}, {0, 1}, nil})
	q := p.Blocks(2)
	require.Equal(t, NewPattern([][]int{
		{0, 1, 3, 4}, {0, 1, 3, 4}, {2, 5}, {0, 1, 3, 4}, {0, 1, 3, 4}, {2, 5},
	}), q)
	r, from := p.Transpose()
	require.Equal(t, NewPattern([][]int{{1}, {0, 1}, nil}), r)
	require.Equal(t, []int32{1, 0, 2}, from)
}

// TestBlocksOfRows: a plane of cells is taken by blocks, whose fill is that of rows but for
// few zeros; solutions on it are those by rows, for real and complex numbers, and pivots are on the
// diagonal.
func TestBlocksOfRows(t *testing.T) {
	p := grid(40, 2)
	plan := p.Plan()
	require.NotNil(t, plan.panels)
	require.Less(t, float64(plan.Nonzeros()), 1.1*float64(planned(p, order(p)).Nonzeros()))
	rng := rand.New(rand.NewPCG(7, 8))
	values := normals(rng, p.Nonzeros())
	f, g := NewLU[float64](plan), NewLU[float64](planned(p, order(p)))
	fc, gc := NewLU[complex128](plan), NewLU[complex128](planned(p, order(p)))
	for range 2 { // the second time behind other factors
		require.True(t, f.Factor(20, 1, values) && g.Factor(20, 1, values))
		require.True(t, fc.Factor(20+3i, 1, values) && gc.Factor(20+3i, 1, values))
		require.False(t, f.rows || g.rows || fc.rows || gc.rows)
		for _, solve := range []func(f *LU[float64], x []float64){(*LU[float64]).Solve, (*LU[float64]).SolveT} {
			x := normals(rng, p.N())
			y := append([]float64{}, x...)
			solve(f, x)
			solve(g, y)
			require.InDeltaSlice(t, y, x, 1e-13)
		}
		for _, solve := range []func(f *LU[complex128], x []complex128){(*LU[complex128]).Solve, (*LU[complex128]).SolveT} {
			x := make([]complex128, p.N())
			for i := range x {
				x[i] = complex(rng.NormFloat64(), rng.NormFloat64())
			}
			y := append([]complex128{}, x...)
			solve(fc, x)
			solve(gc, y)
			for i := range x {
				require.InDelta(t, 0, cmplx.Abs(x[i]-y[i]), 1e-13)
			}
		}
	}
	require.False(t, f.Factor(math.NaN(), 1, values))
	one := NewPattern([][]int{{0}, {0, 1}, {0, 2}, {0, 3}}) // far from symmetric: nothing to gain
	require.Nil(t, one.Plan().panels)
}

func TestFactorAllocatesNothing(t *testing.T) {
	p := grid(10, 2)
	for _, plan := range both(p) {
		f := NewLU[float64](plan)
		values := normals(rand.New(rand.NewPCG(5, 6)), p.Nonzeros())
		b := make([]float64, p.N())
		require.Zero(t, testing.AllocsPerRun(10, func() {
			if !f.Factor(20, 1, values) || f.rows {
				panic("it fails")
			}
			f.Solve(b)
			f.SolveT(b)
		}))
	}
}

func BenchmarkPlan(b *testing.B) {
	for _, m := range []int{30, 100} {
		b.Run(fmt.Sprint(m), func(b *testing.B) {
			p := grid(m, 2)
			var s *Plan
			for range b.N {
				s = newPlan(p)
			}
			b.ReportMetric(float64(s.Nonzeros()), "nonzeros")
		})
	}
}

func BenchmarkFactor(b *testing.B) {
	for _, m := range []int{3, 30, 100} {
		b.Run(fmt.Sprint(m), func(b *testing.B) {
			p := grid(m, 2)
			f := NewLU[float64](p.Plan())
			values := normals(rand.New(rand.NewPCG(5, 6)), p.Nonzeros())
			for range b.N {
				f.Factor(20, 1, values)
			}
		})
	}
}
