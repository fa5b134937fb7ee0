package exec

import (
	"github.com/pinode/pinode/compiler/ir"
	"github.com/pinode/pinode/internal/kernel"
	"github.com/pinode/pinode/internal/scalar"
)

// A large matrix of shared inputs or constants goes to products of eight lanes in
// panels (kernel.Product). Each frame that leads has such copies outside of its
// words, made when a product first needs them after Frame.Refresh, and frames that
// run together read a panel once for all of them.

// leastPanels is the size of a matrix from which on panels are worth while: a
// smaller one stays in the nearest cache as it stands.
const leastPanels = 1 << 14

// together is how many frames run together where there are panels: reading them
// from the third-level cache takes as long as the products of some thirty rows.
const together = 8

// panels is a matrix in panels, of m rows of a result and k terms.
type panels struct {
	from            operand
	m, k            int
	columns, single bool
}

// packed is what a frame has of one.
type packed struct {
	double []float64
	single []float32
	fresh  bool
	used   int  // since Refresh
	often  bool // more than once before that, when it was used at all
}

// panels is 1 + the number of the panels that a product reads, whose matrix
// stands at an operand; 0: none.
func (c *compiler) panels(op ir.Op, a operand, m, k int, single bool) int {
	if c.m.lanes != 8 || m*k < leastPanels || a.ext == 0 && a.off+m*k > len(c.m.consts) {
		return 0
	}
	p := panels{from: a, m: m, k: k, single: single}
	if p.columns = op == ir.OpTMatVec; p.columns {
		p.m, p.k = k, m
	}
	for i := range c.m.panels {
		if c.m.panels[i] == p {
			return i + 1
		}
	}
	c.m.panels = append(c.m.panels, p)
	return len(c.m.panels)
}

// leafPanels is panels for a node in single precision.
func (c *compiler) leafPanels(n *ir.Node) (int, operand) {
	switch n.Op {
	case ir.OpMatVec, ir.OpTMatVec, ir.OpDense:
	default:
		return 0, operand{}
	}
	off, ok := c.leaf(n.Args[0])
	if !ok || !n.Args[1].Lane || n.Op == ir.OpDense && n.Args[2].Lane {
		return 0, operand{}
	}
	s := n.Args[0].Shape
	a := operand{off: off, elem: 1, size: s.Size()}
	a.ext = c.m.external(a)
	return c.panels(n.Op, a, s.M, s.N, true), a
}

// Together is how many frames it is worth while to run at once: see NewFrames.
func (m *Module) Together() int {
	if len(m.panels) == 0 {
		return 1
	}
	return together
}

// NewFrames returns frames that run together: a program that runs on the first
// runs on all that are in use, and what it adds to shared outputs goes to sums of
// the first, as if it had run on one after the other.
func (m *Module) NewFrames(n int) []*Frame {
	lead := m.newFrame(nil)
	all := []*Frame{lead}
	for range n - 1 {
		all = append(all, m.newFrame(lead))
	}
	lead.all = all
	lead.Use(n)
	return all
}

// Use puts the first n of the frames that run together in use.
func (f *Frame) Use(n int) { f.team = f.all[:n] }

// runPanels executes a product for all frames in use.
func (f *Frame) runPanels(in *instr) {
	p, has := &f.module.panels[in.panels-1], &f.packed[in.panels-1]
	once := !has.fresh && has.used == 0 && !has.often // it may be the only one
	has.used++
	if in.single {
		f.xs.single, f.ys.single = f.xs.single[:0], f.ys.single[:0]
		for _, g := range f.team {
			s := scalar.Singles(g.mem)
			f.xs.single, f.ys.single = append(f.xs.single, s[2*in.args[1].off:]), append(f.ys.single, s[2*in.dst:])
		}
		var bias []float32
		if in.op == ir.OpDense {
			bias = scalar.Singles(f.mem)[2*in.args[2].off:]
		}
		runPacked(f, p, has, &has.single, &f.block.single, f.ys.single, f.xs.single, bias, once)
		return
	}
	if once && len(f.team) == 1 {
		f.runProduct(in, f.mem[in.dst:][:in.n*in.width])
		return
	}
	f.xs.double, f.ys.double = f.xs.double[:0], f.ys.double[:0]
	for _, g := range f.team {
		f.xs.double, f.ys.double = append(f.xs.double, g.from(&in.args[1])), append(f.ys.double, g.mem[in.dst:])
	}
	var bias []float64
	if in.op == ir.OpDense {
		bias = f.from(&in.args[2])
	}
	runPacked(f, p, has, &has.double, &f.block.double, f.ys.double, f.xs.double, bias, once)
}

// vectors are those of the frames in use.
type vectors struct {
	double [][]float64
	single [][]float32
}

// block is room for a part of a matrix in panels.
type block struct {
	double []float64
	single []float32
}

// runPacked executes a product, with panels that are kept or, once, of a part of
// the matrix at a time. Those of an input that stands in the frame, where it
// changes unnoticed, are never kept.
func runPacked[T kernel.Number](f *Frame, p *panels, has *packed, kept, block *[]T, ys, xs [][]T, bias []T, once bool) {
	w := f.from(&p.from)
	if once || p.from.ext > 0 && !f.outside[p.from.ext-1] {
		if *block == nil {
			*block = make([]T, kernel.BlockWords)
		}
		kernel.ProductOnce(ys, xs, w, *block, bias, p.m, p.k, p.columns)
		return
	}
	if !has.fresh {
		if *kept == nil {
			*kept = make([]T, kernel.PanelWords(p.m, p.k))
		}
		if p.columns {
			kernel.PackColumns(*kept, w, p.m, p.k)
		} else {
			kernel.PackRows(*kept, w, p.m, p.k)
		}
		has.fresh = true
	}
	kernel.Product(ys, xs, *kept, bias, p.m, p.k, p.columns)
}
