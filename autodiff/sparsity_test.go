package autodiff_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/pinode/pinode/autodiff"
	"github.com/pinode/pinode/compiler/ir"
)

// ring is the method of lines for u_t = u_xx + u(1−u) on n cells in a circle,
// cell by cell.
func ring(b *ir.Builder, y *ir.Node) *ir.Node {
	n := y.Shape.Size()
	parts := make([]*ir.Node, n)
	for i := range n {
		u := b.Elem(y, i)
		lap := b.Sub(b.Add(b.Elem(y, (i+1)%n), b.Elem(y, (i+n-1)%n)), b.Mul(b.Const(2), u))
		parts[i] = b.Add(lap, b.Mul(u, b.Sub(b.Const(1), u)))
	}
	return b.Concat(parts...)
}

func TestSparsity(t *testing.T) {
	b := ir.NewBuilder()
	y := b.Input("y", ir.Vec(4), true)
	e := func(i int) *ir.Node { return b.Elem(y, i) }
	c := func(v ...float64) *ir.Node { return b.ConstOf(ir.Vec(len(v)), v) }
	m := b.Slice(y, 0, ir.Mat(2, 2))
	for _, x := range []struct {
		name string
		out  *ir.Node
		want [][]int
	}{
		{"ring", ring(b, y), [][]int{{0, 1, 3}, {0, 1, 2}, {1, 2, 3}, {0, 2, 3}}},
		{"constant", c(1, 2), [][]int{nil, nil}},
		{"elementwise", b.Apply(ir.OpSin, y), [][]int{{0}, {1}, {2}, {3}}},
		{"broadcast", b.Mul(e(2), y), [][]int{{0, 2}, {1, 2}, {2}, {2, 3}}},
		{"constant zero", b.Mul(c(1, 0, 1, 0), y), [][]int{{0}, nil, {2}, nil}},
		{"fma", b.Apply(ir.OpFma, c(1, 0, 0, 1), y, e(3)), [][]int{{0, 3}, {3}, {3}, {3}}},
		{"condition", b.Select(b.Lt(e(0), e(1)), e(2), b.Apply(ir.OpFloor, e(3))), [][]int{{2}}},
		{"overlap", b.Assemble(ir.Vec(3), []int{0, 1}, nodes(b.Slice(y, 0, ir.Vec(2)), b.Fill(e(3), ir.Vec(2)))), [][]int{{0}, {1, 3}, {3}}},
		{"reductions", b.Concat(b.Sum(b.Slice(y, 1, ir.Vec(2))), b.Norm(y), b.Dot(y, c(0, 1, 0, 1))), [][]int{{1, 2}, {0, 1, 2, 3}, {1, 3}}},
		{"constant matrix", b.MatVec(b.ConstOf(ir.Mat(2, 4), []float64{1, 0, 0, 2, 0, 0, 3, 0}), y), [][]int{{0, 3}, {2}}},
		{"its transpose", b.TMatVec(b.ConstOf(ir.Mat(2, 4), []float64{1, 0, 0, 2, 0, 0, 3, 0}), b.Slice(y, 1, ir.Vec(2))), [][]int{{1}, nil, {2}, {1}}},
		{"matrices", b.MatMul(m, b.Transpose(m)), [][]int{{0, 1}, {0, 1, 2, 3}, {0, 1, 2, 3}, {2, 3}}},
		{"outer", b.Outer(b.Slice(y, 0, ir.Vec(2)), b.Slice(y, 2, ir.Vec(2))), [][]int{{0, 2}, {0, 3}, {1, 2}, {1, 3}}},
		{"dense", b.Dense(b.ConstOf(ir.Mat(2, 2), []float64{1, 0, 0, 1}), b.Slice(y, 0, ir.Vec(2)), b.Slice(y, 2, ir.Vec(2))), [][]int{{0, 2}, {1, 3}}},
	} {
		require.Equal(t, x.want, autodiff.Sparsity(x.out, y), x.name)
	}
	require.Equal(t, [][]int{{0}, {0, 1}, {0, 1}, {1}}, autodiff.Sparsity(ring(b, y), b.Slice(y, 1, ir.Vec(2))), "by a part")
}

// TestManyReadOne: where all elements read all, as a mean, their list is one; and lists of a sum, a product of
// vectors and a matrix, which are joined by halves, are those that they are element by element.
func TestManyReadOne(t *testing.T) {
	b := ir.NewBuilder()
	const n = 20000
	y := b.Input("y", ir.Vec(n), true)
	rows := autodiff.Sparsity(b.Mul(b.Sum(y), y), y)
	require.Len(t, rows, n)
	for _, k := range []int{0, 1, n / 2, n - 1} {
		require.Len(t, rows[k], n)
		require.Same(t, &rows[0][0], &rows[k][0])
	}
	for j, k := range rows[3] {
		if j != k {
			require.Equal(t, j, k)
		}
	}
	const m = 37 // no power of two
	x := b.Slice(y, 5, ir.Vec(m))
	every := make([]int, m)
	ones := make([]float64, m)
	for i := range every {
		every[i], ones[i] = i+5, 1
	}
	require.Equal(t, [][]int{every}, autodiff.Sparsity(b.Dot(x, x), y))
	require.Equal(t, [][]int{every, every}, autodiff.Sparsity(b.MatVec(b.ConstOf(ir.Mat(2, m), append(ones, ones...)), x), y))
	require.Equal(t, [][]int{{7, 8}}, autodiff.Sparsity(b.Sum(b.Slice(x, 2, ir.Vec(2))), y))
}

func TestColor(t *testing.T) {
	b := ir.NewBuilder()
	for _, n := range []int{9, 12, 13, 200} {
		y := b.Input(fmt.Sprint("y", n), ir.Vec(n), true)
		_, colors := autodiff.Color(autodiff.Sparsity(ring(b, y), y), n)
		require.LessOrEqual(t, colors, 5, "a band of three with corners")
		require.GreaterOrEqual(t, colors, 3)
	}
	arrow := [][]int{{0, 1, 2, 3}, {0, 1}, {0, 2}, {0, 3}}
	_, colors := autodiff.Color(arrow, 4)
	require.Equal(t, 4, colors, "a full row")
	_, colors = autodiff.Color([][]int{{0, 1}, {0, 2}, {0, 3}}, 4)
	require.Equal(t, 2, colors)
	color, colors := autodiff.Color([][]int{{}, {}}, 3)
	require.Equal(t, 1, colors)
	require.Equal(t, []int{0, 0, 0}, color)
	_, colors = autodiff.Color(nil, 0)
	require.Zero(t, colors)
	rapid.Check(t, func(t *rapid.T) {
		cols := rapid.IntRange(1, 12).Draw(t, "cols")
		rows := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) []int {
			var row []int
			for j := range cols {
				if rapid.IntRange(0, 3).Draw(t, "in") == 0 {
					row = append(row, j)
				}
			}
			return row
		}), 1, 12).Draw(t, "rows")
		color, colors := autodiff.Color(rows, cols)
		for _, row := range rows {
			seen := map[int]bool{}
			for _, j := range row {
				if seen[color[j]] || color[j] < 0 || color[j] >= colors {
					t.Fatalf("color %d of column %d in row %v", color[j], j, row)
				}
				seen[color[j]] = true
			}
		}
	})
}

// matrix is a derivative by its entries as a matrix.
func matrix(b *ir.Builder, e autodiff.Entries, columns int) *ir.Node {
	var offs []int
	var parts []*ir.Node
	for i, row := range e.Rows {
		for k, j := range row {
			offs, parts = append(offs, i*columns+j), append(parts, b.Elem(e.Values, e.At[i][k]))
		}
	}
	return b.Assemble(ir.Mat(len(e.Rows), columns), offs, parts)
}

// jacobian is ∂out/∂wrt as a matrix.
func jacobian(b *ir.Builder, out, wrt *ir.Node) *ir.Node {
	return matrix(b, autodiff.EntriesOf(b, out, wrt)[0], wrt.Shape.Size())
}

// TestJacobian: forward and reverse give the Jacobian that differences give,
// and its nonzeros lie in the pattern.
func TestJacobian(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := ir.NewBuilder()
		out, inputs := random(t, b, 8)
		out = b.Slice(out, 0, ir.Vec(min(out.Shape.Size(), rapid.IntRange(1, 12).Draw(t, "rows"))))
		x := map[string][]float64{}
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 9))
		for _, in := range inputs {
			x[in.Name] = make([]float64, in.Shape.Size())
			for i := range x[in.Name] {
				x[in.Name][i] = rng.NormFloat64()
			}
		}
		value := compile(t, out)
		for _, in := range inputs {
			n := in.Shape.Size()
			j := jacobian(b, out, in)
			require.Equal(t, ir.Mat(out.Shape.Size(), n), j.Shape)
			got := compile(t, j).at(x)[0]
			pattern := autodiff.Sparsity(out, in)
			for _, e := range autodiff.EntriesOf(b, out, in) {
				require.Equal(t, pattern, e.Rows)
				values := []float64(nil)
				if e.Values.Shape.Size() > 0 {
					values = compile(t, e.Values).at(x)[0]
				}
				for i, row := range e.Rows {
					for k, c := range row {
						require.InDelta(t, got[i*n+c], values[e.At[i][k]], 1e-12*(1+math.Abs(got[i*n+c])))
					}
				}
			}
			for i, row := range pattern {
				ct := make([]float64, len(pattern))
				ct[i] = 1
				in1 := map[int]bool{}
				for _, k := range row {
					in1[k] = true
				}
				for k := range n {
					unit := make([]float64, n)
					unit[k] = 1
					if want, smooth := value.along(x, map[string][]float64{in.Name: unit}, ct); smooth {
						require.InDelta(t, want, got[i*n+k], 1e-7)
					}
					if !in1[k] {
						require.Zero(t, got[i*n+k])
					}
				}
			}
		}
	})
}

// TestEntriesOfLongRow: a row that reads everything does not cost a product for each
// column.
func TestEntriesOfLongRow(t *testing.T) {
	b := ir.NewBuilder()
	n := 600
	y := b.Input("y", ir.Vec(n), true)
	out := b.Concat(ring(b, y), b.Sum(b.Mul(y, y)))
	list := autodiff.EntriesOf(b, out, y)
	require.Len(t, list, 1)
	e := list[0]
	require.LessOrEqual(t, e.Values.Shape.Size(), 4*(n+1)+n)
	x := make([]float64, n)
	for i := range x {
		x[i] = float64(i)
	}
	values := compile(t, e.Values).at(map[string][]float64{"y": x})[0]
	for k, c := range e.Rows[n] {
		require.Equal(t, 2*x[c], values[e.At[n][k]])
	}
	require.Equal(t, []int{6, 7, 8}, e.Rows[7])
	for k, want := range []float64{1, -2 + 1 - 2*7, 1} {
		require.Equal(t, want, values[e.At[7][k]])
	}
}

// TestJacobianIsCompressed: the Jacobian of a band needs as many products as
// it has colours, whatever its size, and none of its zeros is stored.
func TestJacobianIsCompressed(t *testing.T) {
	b := ir.NewBuilder()
	n := 30
	y := b.Input("y", ir.Vec(n), true)
	list := autodiff.EntriesOf(b, ring(b, y), y)
	require.LessOrEqual(t, list[0].Values.Shape.Size(), 4*n)
	j := matrix(b, list[0], n)
	require.Len(t, j.Args, 3*n)
	require.Less(t, len(ir.Reach(j)), 12*n)
	x := make([]float64, n)
	for i := range x {
		x[i] = math.Sin(float64(i))
	}
	got := compile(t, j).at(map[string][]float64{"y": x})[0]
	for i := range n {
		require.InDelta(t, -1-2*x[i], got[i*n+i], 1e-15)
		require.Equal(t, 1., got[i*n+(i+1)%n])
		require.Zero(t, got[i*n+(i+2)%n])
	}
	part := jacobian(b, ring(b, y), b.Slice(y, 4, ir.Vec(2)))
	p := compile(t, part).at(map[string][]float64{"y": x})[0]
	for i := range n {
		require.Equal(t, got[i*n+4:i*n+6], p[2*i:2*i+2])
	}
}
