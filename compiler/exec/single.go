package exec

import (
	"github.com/pinode/pinode/compiler/ir"
	"github.com/pinode/pinode/internal/kernel"
	"github.com/pinode/pinode/internal/scalar"
)

// Precision is that of the operations of networks: ir.Node.Net. All others are
// of double precision.
type Precision uint8

// The precisions. In Single an operation rounds its arguments and its result
// to single precision, and sums are of single precision too. What is added up
// over trajectories and time is not, but for the gradient by a matrix of
// weights, of which up to 32 terms, or 128 of a large one, are added in single
// precision first.
const (
	Double Precision = iota
	Single
)

// Values in single precision stand two in a word, in the order in which doubles
// would, in rooms of whole vectors of eight. Nothing has a slice of one: other
// operations, and slices, read a copy in double precision, and what these
// compute is copied for networks. Copies of shared inputs and of constants are
// made once, when a program runs after Frame.Refresh.

// packedWords is the room of n singles.
func packedWords(n int) int { return (n + 7) &^ 7 / 2 }

// matrix says where element (i, j) of a matrix of m rows and k columns stands
// among singles: at i·rows + j·cols, the lanes of an element side by side. The
// zero matrix is none: elements follow each other. A shared array that is
// spread has all lanes beside each other.
type matrix struct {
	m, k, rows, cols int
	spread           bool
}

// words is the room of a copy of n numbers in this form.
func (f matrix) words(n int) int {
	if f.m > 0 {
		n = n / (f.m * f.k) * max(f.m*f.rows, f.k*f.cols)
	}
	return packedWords(n)
}

// copied names a copy in single precision: of a node, in a form.
type copied struct {
	n    *ir.Node
	form matrix
}

// form is how node n wants its argument i. A single lane's products go along
// the columns of their results, which start at whole vectors.
func (c *compiler) form(n *ir.Node, i int) matrix {
	if a := n.Args[i]; n.Op.Info().Class == ir.Elementwise {
		return matrix{spread: n.Lane && !a.Lane && a.Shape.Size() > 1 && c.m.lanes > 1}
	} else if i > 0 {
		return matrix{}
	}
	s := n.Args[0].Shape
	switch {
	case n.Op == ir.OpMatVec || n.Op == ir.OpDense:
		if c.m.lanes == 1 {
			return matrix{m: s.M, k: s.N, rows: 1, cols: (s.M + 7) &^ 7}
		}
	case n.Op == ir.OpTMatVec:
		if c.m.lanes == 1 {
			return matrix{m: s.M, k: s.N, rows: (s.N + 7) &^ 7, cols: 1}
		}
	}
	return matrix{m: s.M, k: s.N, rows: s.N, cols: 1}
}

// packs reports whether a node is computed in single precision. An outer product is the derivative
// by a matrix of weights, which is added up in a queue or in double precision.
func (c *compiler) packs(n *ir.Node) bool {
	return c.single && n.Net && n.Op != ir.OpPolygamma && n.Op != ir.OpOuter
}

// shadow lays out the copies of constants and shared inputs, and of their
// slices, that networks read.
func (c *compiler) shadow(nodes [][]*ir.Node) {
	c.shadows = map[copied]int{}
	for _, list := range nodes {
		for _, n := range list {
			if !c.packs(n) {
				continue
			}
			for i, a := range n.Args {
				if in, _ := c.leafPanels(n); in > 0 && i == 0 {
					continue
				}
				at := copied{a, c.form(n, i)}
				from, ok := c.leaf(a)
				if _, done := c.shadows[at]; done || !ok {
					continue
				}
				in := instr{mode: narrow, n: a.Shape.Size(), width: 1, form: at.form}
				if at.form.spread {
					in.width = c.m.lanes
				}
				in.args[0] = operand{off: from, elem: 1, size: in.n}
				in.args[0].ext = c.m.external(in.args[0])
				in.dst = c.align(c.next, span(&in))
				c.shadows[at] = in.dst
				c.m.copies = append(c.m.copies, in)
				c.next = in.dst + span(&in)
			}
		}
	}
}

// leaf is where a shared input, a constant or a slice of one stands.
func (c *compiler) leaf(n *ir.Node) (off int, ok bool) {
	if n.Op == ir.OpSlice {
		off, ok = c.leaf(n.Args[0])
		return off + n.Off, ok
	}
	home, ok := c.home[n]
	return home.off, ok && !home.lane && c.single
}

// opSingle plans an operation in single precision.
func (p *planner) opSingle(n *ir.Node, dst int, how mode) {
	in := instr{op: n.Op, mode: how, single: true, n: n.Shape.Size(), width: p.width(n.Lane), dst: dst, order: n.Off}
	var w operand
	if how == store {
		in.panels, w = p.leafPanels(n)
	}
	for i, a := range n.Args {
		form := matrix{}
		if how == store {
			form = p.form(n, i)
		}
		if in.panels > 0 && i == 0 {
			in.args[0] = w
			continue
		}
		o := operand{off: p.packed(a, form), size: a.Shape.Size()}
		lane := a.Lane || form.spread
		if lane {
			o.lane = 1
		}
		if o.size > 1 || in.n == 1 || n.Op.Info().Class != ir.Elementwise {
			o.elem = p.width(lane)
		}
		if form.m > 0 {
			o.size = 2 * form.words(o.size)
			in.form = form
		}
		in.args[i] = o
	}
	switch s := n.Args[0].Shape; n.Op {
	case ir.OpMatVec, ir.OpDense, ir.OpTMatVec:
		in.m, in.k = s.M, s.N
	case ir.OpOuter:
		in.m, in.k = n.Shape.M, n.Shape.N
	}
	p.code = append(p.code, in)
	p.prog.single = true
}

// packed is the word where a value stands in single precision, in a form.
func (p *planner) packed(a *ir.Node, form matrix) int {
	at := copied{a, form}
	if off, ok := p.shadows[at]; ok {
		return off
	}
	if own := p.own(a); own.single && form == (matrix{}) {
		return own.packed
	}
	if off, ok := p.copies[at]; ok {
		return off
	}
	in := instr{mode: narrow, n: a.Shape.Size(), width: p.width(a.Lane || form.spread), form: form}
	in.args[0] = p.operand(a, in.n)
	in.dst = p.room(span(&in))
	p.code = append(p.code, in)
	p.copies[at] = in.dst
	return in.dst
}

// widen plans a copy in double precision of a value in single precision.
func (p *planner) widen(n *ir.Node, to place) {
	own := p.own(n)
	in := instr{mode: widen, single: true, n: n.Shape.Size(), width: p.width(n.Lane), dst: to.off}
	in.args[0] = operand{off: own.packed, elem: in.width, size: in.n}
	if n.Lane {
		in.args[0].lane = 1
	}
	p.code = append(p.code, in)
	own.at, own.placed = to, true
}

// releaseCopies gives back the copies that node n, the i-th, is the last to
// read.
func (p *planner) releaseCopies(n *ir.Node, i int) {
	if !p.packs(n) {
		return
	}
	for k, a := range n.Args {
		at := copied{a, p.form(n, k)}
		if off, ok := p.copies[at]; ok && p.own(a).copied == i {
			words := at.form.words(a.Shape.Size() * p.width(a.Lane || at.form.spread))
			p.free[words] = append(p.free[words], off)
			delete(p.copies, at)
		}
	}
}

// runSingle executes an instruction on singles, or to them.
func (f *Frame) runSingle(in *instr) {
	mem := f.mem
	s := scalar.Singles(mem)
	dst := s[2*in.dst:]
	a := in.args[0]
	switch {
	case in.mode == widen:
		kernel.Widen(mem[in.dst:][:in.n*in.width], s[2*a.off:])
	case in.mode == narrow:
		narrowTo(dst, f.from(&in.args[0]), in)
	case in.op.Info().Class == ir.Elementwise:
		elementwiseSingle(s, in, dst)
	default:
		linearSingle(s, in, dst)
	}
}

// narrowTo copies the argument of an instruction, which starts at src.
func narrowTo(dst []float32, src []float64, in *instr) {
	a, f := in.args[0], in.form
	switch {
	case f.m == 0 && a.elem == in.width && (a.lane == 1 || in.width == 1):
		kernel.Narrow(dst[:in.n*in.width], src)
		return
	case f.m == 0:
		f = matrix{m: 1, k: in.n, cols: 1}
	case f.cols == 1 && in.width == 1:
		for i := range f.m {
			kernel.Narrow(dst[i*f.rows:][:f.k], src[i*f.k:])
		}
		return
	case f.rows == 1 && in.width == 1:
		kernel.NarrowColumns(dst, src, f.m, f.k, f.cols)
		return
	}
	for i := range f.m {
		to, from := i*f.rows*in.width, i*f.k*a.elem
		for range f.k {
			for l := range in.width {
				dst[to+l] = float32(src[from+l*a.lane])
			}
			to += f.cols * in.width
			from += a.elem
		}
	}
}

// functions are the elementary functions that have a form of their own in
// single precision.
var functions = [ir.NumOps]func(float32) float32{
	ir.OpExp: scalar.ExpSingle, ir.OpExpm1: scalar.Expm1Single, ir.OpLog: scalar.LogSingle, ir.OpLog1p: scalar.Log1pSingle,
	ir.OpErf: scalar.ErfSingle, ir.OpSin: scalar.SinSingle, ir.OpCos: scalar.CosSingle, ir.OpTanh: scalar.TanhSingle,
	ir.OpSigmoid: scalar.SigmoidSingle, ir.OpSoftplus: scalar.SoftplusSingle,
}

// elementwiseSingle rounds what double precision gives, which for + − × ÷ √ is
// what single precision gives (S.A. Figueroa, SIGNUM Newsl. 30(3), 21–26, 1995).
func elementwiseSingle(s []float32, in *instr, dst []float32) {
	info, f := in.op.Info(), functions[in.op]
	for e := range in.n {
		for l := range in.width {
			arg := func(i int) float32 {
				a := &in.args[i]
				return s[2*a.off+e*a.elem+l*a.lane]
			}
			var v float32
			switch x := arg(0); {
			case f != nil:
				v = f(x)
			case in.op == ir.OpFma:
				v = scalar.FMASingle(x, arg(1), arg(2))
			case info.Arity == 1:
				v = float32(info.Eval1(float64(x)))
			case info.Arity == 2:
				v = float32(info.Eval2(float64(x), float64(arg(1))))
			default:
				v = float32(info.Eval3(float64(x), float64(arg(1)), float64(arg(2))))
			}
			dst[e*in.width+l] = v
		}
	}
}

// linearSingle executes products with a matrix.
func linearSingle(s []float32, in *instr, dst []float32) {
	a, x := in.args[0], in.args[1]
	m, k, rows, cols := in.m, in.k, in.form.rows, in.form.cols
	if in.op == ir.OpTMatVec {
		m, k, rows, cols = k, m, cols, rows
	}
	var bias []float32
	c := in.args[2]
	if in.op == ir.OpDense {
		bias = s[2*c.off:]
	}
	w := in.width
	vector := x.elem == w && (x.lane == 1 || w == 1)
	if vector && (a.lane == 0 || w == 1) && (bias == nil || c.lane == 0 || w == 1) {
		kernel.DenseSingle(dst, s[2*a.off:], s[2*x.off:], bias, m, k, rows, cols, w)
		return
	}
	for i := range m {
		for l := range w {
			sum := float32(0)
			if bias != nil {
				sum = bias[i*c.elem+l*c.lane]
			}
			for j := range k {
				v := s[2*a.off+(i*rows+j*cols)*max(1, a.lane*w)+l*a.lane]
				sum = scalar.FMASingle(v, s[2*x.off+j*x.elem+l*x.lane], sum)
			}
			dst[i*w+l] = sum
		}
	}
}
