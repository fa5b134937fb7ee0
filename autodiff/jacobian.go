package autodiff

import "github.com/pinode/pinode/compiler/ir"

// Entries is a derivative by its structural nonzeros: that of element i of the value by
// element Rows[i][k] of the variable is element At[i][k] of Values, which has others
// besides.
type Entries struct {
	Rows   [][]int
	At     [][]int
	Values *ir.Node
}

// mostRows bounds the rows of which each has a reverse product of its own; rows are long
// that have more than longRow nonzeros, and longTimes as many as others.
const (
	mostRows  = 512
	longRow   = 64
	longTimes = 8
)

// EntriesOf returns ∂out/∂wrt in two forms: by a forward product for each group of columns
// (see Color), and by a reverse product for each row, which is left out where there
// are very many or the graph is one of long arrays. Which takes fewer operations depends on the graph: its zeros and ones
// fold. A long row among short ones, which would have all columns in groups of their own,
// has a reverse product in both.
func EntriesOf(b *ir.Builder, out, wrt *ir.Node) []Entries {
	return EntriesIn(b, out, wrt, Sparsity(out, wrt))
}

// EntriesIn is EntriesOf for nonzeros whose places are known.
func EntriesIn(b *ir.Builder, out, wrt *ir.Node, rows [][]int) []Entries {
	nonzeros := 0
	for _, row := range rows {
		nonzeros += len(row)
	}
	long := func(row []int) bool {
		return len(row) > longRow && len(row)*len(rows) > longTimes*nonzeros
	}
	list := []Entries{entries(b, out, wrt, rows, long)}
	if len(rows) <= mostRows && !wide(out) {
		list = append(list, entries(b, out, wrt, rows, func([]int) bool { return true }))
	}
	return list
}

// wide reports whether a value is made of long arrays element by element: a reverse product for
// each row would go through all of them.
func wide(out *ir.Node) bool {
	for _, n := range ir.Reach(out) {
		if n.Op.Info().Class == ir.Elementwise && n.Shape.Size() > longRow {
			return true
		}
	}
	return false
}

// entries has reverse products for some rows, and forward ones for the others.
func entries(b *ir.Builder, out, wrt *ir.Node, rows [][]int, reverse func(row []int) bool) Entries {
	m, n := len(rows), wrt.Shape.Size()
	short, some := make([][]int, m), false
	for i, row := range rows {
		if !reverse(row) {
			short[i] = row
			some = some || len(row) > 0
		}
	}
	color, colors := Color(short, n)
	if !some {
		colors = 0
	}
	e := Entries{Rows: rows, At: make([][]int, m)}
	var parts []*ir.Node
	if colors > 0 {
		f := newForward(b, []*ir.Node{out}, []*ir.Node{wrt}).often()
		for _, seed := range seeds(color, colors) {
			parts = append(parts, f.push([]*ir.Node{b.ConstOf(wrt.Shape, seed)})[0])
		}
	}
	end := colors * m
	for i, row := range rows {
		if short[i] != nil || len(row) == 0 {
			for _, j := range row {
				e.At[i] = append(e.At[i], color[j]*m+i)
			}
			continue
		}
		g := VJP(b, []*ir.Node{b.Elem(out, i)}, []*ir.Node{b.Const(1)}, []*ir.Node{wrt})[0]
		for k, j := range row {
			parts = append(parts, b.Elem(g, j))
			e.At[i] = append(e.At[i], end+k)
		}
		end += len(row)
	}
	e.Values = b.Concat(parts...)
	return e
}

// seeds are, for each group of columns, ones at them.
func seeds(color []int, colors int) [][]float64 {
	list := make([][]float64, colors)
	for c := range list {
		list[c] = make([]float64, len(color))
		for j, k := range color {
			if k == c {
				list[c][j] = 1
			}
		}
	}
	return list
}
