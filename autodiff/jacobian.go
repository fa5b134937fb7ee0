package autodiff

import "github.com/pinode/pinode/compiler/ir"

// Jacobian returns ∂out/∂wrt as a matrix with a row for each element of out
// and a column for each of wrt.
//
// Where the columns fall into fewer groups (see Color) than there are rows, it
// takes one forward product for each group, else one reverse product for each
// row.
func Jacobian(b *ir.Builder, out, wrt *ir.Node) *ir.Node {
	m, n := out.Shape.Size(), wrt.Shape.Size()
	var offs []int
	var parts []*ir.Node
	rows := Sparsity(out, wrt)
	color, colors := Color(rows, n)
	if colors >= m {
		for i, row := range rows {
			if len(row) == 0 {
				continue
			}
			g := VJP(b, []*ir.Node{b.Elem(out, i)}, []*ir.Node{b.Const(1)}, []*ir.Node{wrt})
			offs, parts = append(offs, i*n), append(parts, b.Slice(g[0], 0, ir.Vec(n)))
		}
		return b.Assemble(ir.Mat(m, n), offs, parts)
	}
	dots := make([]*ir.Node, colors)
	for c := range dots {
		seed := make([]float64, n)
		for j := range seed {
			if color[j] == c {
				seed[j] = 1
			}
		}
		dots[c] = JVP(b, []*ir.Node{out}, []*ir.Node{wrt}, []*ir.Node{b.ConstOf(wrt.Shape, seed)})[0]
	}
	for i, row := range rows {
		for _, j := range row {
			offs, parts = append(offs, i*n+j), append(parts, b.Elem(dots[color[j]], i))
		}
	}
	return b.Assemble(ir.Mat(m, n), offs, parts)
}
