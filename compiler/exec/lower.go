package exec

import (
	"slices"

	"github.com/pinode/pinode/compiler/ir"
	"github.com/pinode/pinode/internal/scalar"
)

// MaxUnroll bounds the elements, or the terms of sums, of an array operation
// that goes into a scalar run element by element.
const MaxUnroll = 64

// maxRun bounds the instructions of a scalar run, which machine code has to
// finish in well under the time between two preemptions.
const maxRun = 12000

// recipes has the elementary functions of ops, where they have one.
var recipes = func() (of [ir.NumOps]*scalar.Function) {
	for op := range ir.NumOps {
		for i := range scalar.Functions {
			if f := &scalar.Functions[i]; op.Info().Class == ir.Elementwise && f.Name == op.String() {
				of[op] = f
			}
		}
	}
	return of
}()

// straight reports whether an instruction can go into a scalar run.
func straight(in *instr) bool {
	if in.single {
		return false
	}
	switch in.mode {
	case zero, move, addIn:
		return in.n <= MaxUnroll
	case addLanes, gather, narrow:
		return false
	}
	switch in.op {
	case ir.OpFill:
		return in.n <= MaxUnroll
	case ir.OpSum, ir.OpDot, ir.OpNorm:
		return in.k <= MaxUnroll
	case ir.OpMatVec, ir.OpDense, ir.OpTMatVec, ir.OpOuter, ir.OpTranspose:
		return in.m*in.k <= MaxUnroll
	case ir.OpMatMul:
		return in.n*in.k <= MaxUnroll
	case ir.OpFactor, ir.OpSolve, ir.OpDet:
		return in.m <= smallSystem
	}
	if recipes[in.op] != nil {
		return in.n <= MaxUnroll/4
	}
	return elementary(in.op) && in.n <= MaxUnroll
}

// leastLoop is how many numbers make a loop worth while where the alternative
// is a straight run.
const leastLoop = 8

// count is how many numbers an elementwise instruction goes over, in single
// precision with those that fill up its room.
func count(in *instr) int {
	if in.single {
		return 2 * packedWords(in.n*in.width)
	}
	return in.n * in.width
}

// span is how many words its result takes.
func span(in *instr) int {
	switch {
	case in.mode == narrow:
		return in.form.words(in.n * in.width)
	case in.single && in.mode == store:
		return packedWords(in.n * in.width)
	}
	return in.n * in.width
}

// loops reports whether an instruction goes into a loop: elementwise, over
// arrays that are as long as the result, and scalars that all lanes share.
func loops(in *instr, lanes int) bool {
	if !in.single && (in.n < leastLoop || lanes > 1 && in.n <= MaxUnroll && recipes[in.op] == nil) {
		return false
	}
	if in.single && in.mode != store || in.mode == narrow || in.mode == accum || in.mode == addLanes || in.mode == gather || in.mode == store && !elementary(in.op) {
		return false
	}
	for _, a := range in.args[:in.reads()] {
		if !(a.size == in.n && a.elem == in.width && (a.lane == 1 || in.width == 1)) && !uniform(in, a, lanes) && !steady(in, a) {
			return false
		}
	}
	return true
}

// uniform reports whether an operand is one number for all elements and lanes.
func uniform(in *instr, a operand, lanes int) bool {
	return a.size == 1 && in.n*in.width > 1 && (a.lane == 0 || lanes == 1)
}

// steady reports whether an operand is one number for all elements, of each of
// eight lanes.
func steady(in *instr, a operand) bool {
	return a.size == 1 && a.lane == 1 && in.n > 1 && in.width == 8
}

// maxLoop bounds the instructions of a loop.
const maxLoop = 64

// joins reports whether an instruction can go into the loop over the code: it
// has as many numbers, and what either writes the other does not touch at all
// or touches number by number.
func joins(in *instr, code []instr, lanes int) bool {
	if in.single != code[0].single || count(in) != count(&code[0]) || len(code) == maxLoop {
		return false
	}
	for i := range code {
		q := &code[i]
		if !apart(q.dst, in, lanes) || !apart(in.dst, q, lanes) {
			return false
		}
	}
	return true
}

// apart reports whether a loop can write its numbers from dst on beside an
// instruction of as many.
func apart(dst int, in *instr, lanes int) bool {
	n := span(in)
	meets := func(off, size int) bool { return off < dst+n && dst < off+size }
	if in.dst != dst && meets(in.dst, n) {
		return false
	}
	for _, a := range in.args[:in.reads()] {
		size := n
		switch {
		case uniform(in, a, lanes):
			size = 1
		case steady(in, a):
			size = 8
		}
		if (size < n || a.off != dst) && meets(a.off, size) {
			return false
		}
	}
	return true
}

// elementary reports whether an elementwise op has instructions.
func elementary(op ir.Op) bool {
	switch op {
	case ir.OpNeg, ir.OpAbs, ir.OpSign, ir.OpMin, ir.OpMax, ir.OpFma, ir.OpSelect:
		return true
	}
	return arithmetic[op] != 0 || recipes[op] != nil
}

// lowering translates runs of instructions to straight-line programs.
type lowering struct {
	*scalar.Program
	lanes   int
	at      []slot                        // by the words of the frame
	uniform map[int]scalar.Value          // in a loop: the operands that are one number
	touched []int                         // words of at that are not empty
	truth   map[scalar.Value]scalar.Value // the masks of comparisons
	room    []scalar.Instr                // where programs are written
}

// slot is what a run knows of the value that starts at a word.
type slot struct {
	v      scalar.Value
	known  bool
	dirty  bool // it has been written
	shared bool
}

// lower translates a segment. live says which words are read after it; others
// are not stored.
func (l *lowering) lower(seg *segment, live []bool) *scalar.Program {
	for _, w := range l.touched {
		l.at[w] = slot{}
	}
	l.touched = l.touched[:0]
	l.Program, l.truth, l.uniform = &scalar.Program{Code: l.room[:0]}, map[scalar.Value]scalar.Value{}, map[int]scalar.Value{}
	lanes, words := l.lanes, 1
	if seg.kind == loopRun {
		words = span(&seg.code[0])
		l.Count, l.Single, l.lanes = count(&seg.code[0]), seg.code[0].single, 1
	}
	for i := range seg.code {
		in := seg.code[i]
		if l.Count > 0 { // its first number stands for all
			in.n, in.width = 1, 1
			for k := range in.args {
				in.args[k].lane = 1
				if steady(&seg.code[i], seg.code[i].args[k]) {
					in.args[k].lane = 8
				} else if uniform(&seg.code[i], seg.code[i].args[k], lanes) {
					in.args[k].lane = 0
				}
			}
		}
		l.instr(&in)
	}
	l.lanes = lanes
	for _, w := range l.touched {
		s := &l.at[w]
		if s.dirty && slices.Contains(live[w:w+words], true) {
			l.Store(w, s.v, s.shared)
		}
		*s = slot{}
	}
	l.touched = l.touched[:0]
	l.room, l.Code = l.Code, slices.Clone(l.Code)
	return l.Program
}

// read is the value of element i of an operand.
func (l *lowering) read(o operand, i int) scalar.Value {
	w := o.off + i*o.elem
	if l.Count > 0 && o.lane != 1 { // the word may be the first of an array of the loop as well
		v, ok := l.uniform[w]
		if !ok {
			if o.lane == 0 {
				v = l.Load(w, true)
			} else {
				v = l.LoadLanes(w)
			}
			l.uniform[w] = v
		}
		return v
	}
	s := &l.at[w]
	if !s.known {
		l.touched = append(l.touched, w)
		s.known = true
		s.v = l.Load(w, o.lane == 0 && l.lanes > 1)
	}
	return s.v
}

// write sets the value of element i of a result.
func (l *lowering) write(in *instr, i int, v scalar.Value) {
	w := in.dst + i*in.width
	shared := in.width == 1 && l.lanes > 1
	// Memory is used again for values of other widths.
	for k := max(0, w-l.lanes+1); k < w; k++ {
		if s := &l.at[k]; s.known && !s.shared {
			*s = slot{}
		}
	}
	if !shared {
		for k := w + 1; k < w+l.lanes; k++ {
			l.at[k] = slot{}
		}
	}
	if !l.at[w].known {
		l.touched = append(l.touched, w)
	}
	l.at[w] = slot{v: v, known: true, dirty: true, shared: shared}
}

func (l *lowering) instr(in *instr) {
	a, b, c := in.args[0], in.args[1], in.args[2]
	switch in.mode {
	case zero:
		for i := range in.n {
			l.write(in, i, l.Const(0))
		}
		return
	case move:
		for i, v := range l.list(a, in.n) {
			l.write(in, i, v)
		}
		return
	case addIn:
		for i := range in.n {
			l.write(in, i, l.Binary(scalar.OpAdd, l.old(in, i), l.read(a, i)))
		}
		return
	}
	switch in.op {
	case ir.OpFill:
		v := l.read(a, 0)
		for i := range in.n {
			l.write(in, i, v)
		}
	case ir.OpSum:
		l.write(in, 0, l.sum(in.k, func(i int, part scalar.Value) scalar.Value { return l.Binary(scalar.OpAdd, part, l.read(a, i)) }))
	case ir.OpDot:
		l.write(in, 0, l.innerProduct(a, b, in.k))
	case ir.OpNorm:
		l.write(in, 0, l.Unary(scalar.OpSqrt, l.innerProduct(a, a, in.k)))
	case ir.OpTranspose:
		for i := range in.m {
			for j := range in.k {
				l.write(in, i*in.k+j, l.read(a, j*in.m+i))
			}
		}
	case ir.OpMatVec:
		for i := range in.m {
			l.write(in, i, l.dot(a, i*in.k, 1, b, 0, 1, in.k, l.Const(0)))
		}
	case ir.OpDense:
		for i := range in.m {
			l.write(in, i, l.dot(a, i*in.k, 1, b, 0, 1, in.k, l.read(c, i)))
		}
	case ir.OpTMatVec:
		for j := range in.k {
			l.write(in, j, l.dot(a, j, in.k, b, 0, 1, in.m, l.Const(0)))
		}
	case ir.OpMatMul:
		n := in.n / in.m
		for i := range in.m {
			for j := range n {
				l.write(in, i*n+j, l.dot(a, i*in.k, 1, b, j, n, in.k, l.Const(0)))
			}
		}
	case ir.OpOuter:
		for i := range in.m {
			for j := range in.k {
				x, y := l.read(a, i), l.read(b, j)
				if in.mode == accum {
					l.write(in, i*in.k+j, l.FMA(x, y, l.old(in, i*in.k+j)))
				} else {
					l.write(in, i*in.k+j, l.Binary(scalar.OpMul, x, y))
				}
			}
		}
	case ir.OpFactor:
		l.factor(in)
	case ir.OpSolve:
		l.solve(in)
	case ir.OpDet:
		l.write(in, 0, l.det(in))
	default:
		for i := range in.n {
			l.write(in, i, l.elementwise(in, i))
		}
	}
}

// list are the first n values of an operand, read before any is overwritten.
func (l *lowering) list(o operand, n int) []scalar.Value {
	out := make([]scalar.Value, n)
	for i := range out {
		out[i] = l.read(o, i)
	}
	return out
}

// old is what stands where element i of a result goes.
func (l *lowering) old(in *instr, i int) scalar.Value {
	o := operand{off: in.dst, elem: in.width}
	if in.width > 1 || l.lanes == 1 {
		o.lane = 1
	}
	return l.read(o, i)
}

// sum is a sum of n terms; add adds term i to a part.
func (l *lowering) sum(n int, add func(i int, part scalar.Value) scalar.Value) scalar.Value {
	parts := scalar.Parts(n)
	part := make([]scalar.Value, parts)
	for k := range part {
		part[k] = l.Const(0)
	}
	for i := range n {
		part[i%parts] = add(i, part[i%parts])
	}
	if parts == 1 {
		return part[0]
	}
	return l.Binary(scalar.OpAdd, l.Binary(scalar.OpAdd, part[0], part[1]), l.Binary(scalar.OpAdd, part[2], part[3]))
}

// innerProduct is Σ xᵢ yᵢ, each term in one fused multiply–add.
func (l *lowering) innerProduct(x, y operand, n int) scalar.Value {
	return l.sum(n, func(i int, part scalar.Value) scalar.Value { return l.FMA(l.read(x, i), l.read(y, i), part) })
}

// dot is s + Σ xᵢ yᵢ, one fused multiply–add after the other.
func (l *lowering) dot(x operand, xi, dx int, y operand, yi, dy, n int, s scalar.Value) scalar.Value {
	for range n {
		s = l.FMA(l.read(x, xi), l.read(y, yi), s)
		xi += dx
		yi += dy
	}
	return s
}

// arithmetic has the instructions of ops that are one.
var arithmetic = [ir.NumOps]scalar.Op{
	ir.OpAdd: scalar.OpAdd, ir.OpSub: scalar.OpSub, ir.OpMul: scalar.OpMul, ir.OpDiv: scalar.OpDiv,
	ir.OpSqrt: scalar.OpSqrt, ir.OpFloor: scalar.OpFloor, ir.OpCeil: scalar.OpCeil,
	ir.OpLt: scalar.OpLt, ir.OpLe: scalar.OpLe, ir.OpEq: scalar.OpEq, ir.OpNe: scalar.OpNe,
}

// elementwise is element i of the result of an elementwise op.
func (l *lowering) elementwise(in *instr, i int) scalar.Value {
	x := l.read(in.args[0], i)
	switch in.op {
	case ir.OpNeg:
		return l.Neg(x)
	case ir.OpAbs:
		return l.Abs(x)
	case ir.OpSqrt, ir.OpFloor, ir.OpCeil:
		return l.Unary(arithmetic[in.op], x)
	case ir.OpSign:
		zero := l.Const(0)
		s := l.Blend(l.Binary(scalar.OpLt, x, zero), l.Const(-1), x)
		return l.Blend(l.Binary(scalar.OpLt, zero, x), l.Const(1), s)
	}
	if f := recipes[in.op]; f != nil {
		return f.Build(l.Program, x)
	}
	y := l.read(in.args[1], i)
	switch in.op {
	case ir.OpLt, ir.OpLe, ir.OpEq, ir.OpNe:
		m := l.Binary(arithmetic[in.op], x, y)
		v := l.Binary(scalar.OpAnd, m, l.Const(1))
		l.truth[v] = m
		return v
	case ir.OpMin: // x < y or x NaN: x
		return l.Blend(l.Binary(scalar.OpOr, l.Binary(scalar.OpLt, x, y), l.Binary(scalar.OpNe, x, x)), x, y)
	case ir.OpMax:
		return l.Blend(l.Binary(scalar.OpOr, l.Binary(scalar.OpLt, y, x), l.Binary(scalar.OpNe, x, x)), x, y)
	case ir.OpFma:
		return l.FMA(x, y, l.read(in.args[2], i))
	case ir.OpSelect:
		m, ok := l.truth[x]
		if !ok {
			m = l.Binary(scalar.OpNe, x, l.Const(0))
		}
		return l.Blend(m, y, l.read(in.args[2], i))
	}
	return l.Binary(arithmetic[in.op], x, y)
}
