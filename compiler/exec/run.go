package exec

import (
	"math"
	"slices"

	"github.com/pinode/pinode/compiler/ir"
	"github.com/pinode/pinode/internal/kernel"
	"github.com/pinode/pinode/internal/scalar"
)

// Run executes the program on a frame of its module, and those that run together
// with it. It allocates nothing, but panels and the frames of guests once.
func (p *Program) Run(f *Frame) {
	if p.guest != nil {
		for _, g := range f.team {
			g.visit(p).run(g)
		}
		return
	}
	if p.late != nil {
		p.late()
	}
	if p.direct != nil && !f.stale && len(f.team) == 1 && f.team[0] == f && !(f.narrow && p.single) {
		p.direct.Run(f.mem)
		return
	}
	for _, i := range p.sums {
		f.sums[i].added = true
	}
	for _, g := range f.team {
		if g.stale {
			g.refresh()
		}
		if g.narrow && p.single {
			g.narrowed()
		}
	}
	for i := range p.segments {
		s := &p.segments[i]
		if s.joined {
			continue
		}
		if s.machine != nil {
			for _, g := range f.team {
				s.machine.Run(g.mem)
			}
			continue
		}
		if s.kind == straightRun && p.lanes == 1 {
			for _, g := range f.team {
				p.runStraight(g, s.code)
			}
			continue
		}
		for j := range s.code {
			if in := &s.code[j]; in.panels > 0 {
				f.runPanels(in)
			} else {
				for _, g := range f.team {
					p.runArray(g, in)
				}
			}
		}
	}
}

// runStraight executes a straight run of a single trajectory.
func (p *Program) runStraight(f *Frame, code []instr) {
	mem := f.mem
	for i := range code {
		in := &code[i]
		if in.n != 1 || (in.mode == store || in.mode == accum) && in.op.Info().Class != ir.Elementwise {
			p.runArray(f, in)
			continue
		}
		x := mem[in.args[0].off]
		var v float64
		switch in.mode {
		case zero:
			mem[in.dst] = 0
			continue
		case move:
			mem[in.dst] = x
			continue
		case addIn:
			mem[in.dst] += x
			continue
		}
		switch in.op {
		case ir.OpNeg:
			v = -x
		case ir.OpAdd:
			v = x + mem[in.args[1].off]
		case ir.OpSub:
			v = x - mem[in.args[1].off]
		case ir.OpMul:
			v = x * mem[in.args[1].off]
		case ir.OpDiv:
			v = x / mem[in.args[1].off]
		case ir.OpFma:
			v = math.FMA(x, mem[in.args[1].off], mem[in.args[2].off])
		case ir.OpSelect:
			if x != 0 {
				v = mem[in.args[1].off]
			} else {
				v = mem[in.args[2].off]
			}
		case ir.OpSqrt:
			v = math.Sqrt(x)
		case ir.OpAbs:
			v = math.Abs(x)
		case ir.OpPolygamma:
			v = ir.Polygamma(in.order, x)
		default:
			switch info := in.op.Info(); info.Arity {
			case 1:
				v = info.Eval1(x)
			case 2:
				v = info.Eval2(x, mem[in.args[1].off])
			default:
				v = info.Eval3(x, mem[in.args[1].off], mem[in.args[2].off])
			}
		}
		mem[in.dst] = v
	}
}

// view is an argument as a run of numbers: number i at i·step.
type view struct {
	x    []float64
	step int
}

// view makes an argument a run of n·width numbers in the order of the result,
// gathering it to scratch space where no single step leads through it.
func (p *Program) view(mem []float64, in *instr, i int) view {
	a := in.args[i]
	n := in.n * in.width
	switch {
	case a.elem == in.width && (a.lane == 1 || in.width == 1):
		return view{mem[a.off : a.off+n], 1}
	case in.n == 1 && a.lane == 0, in.width == 1 && a.elem == 0:
		return view{mem[a.off : a.off+1], 0}
	}
	size := p.widest
	to := mem[p.scratch+i*size:][:n]
	k := 0
	for e := range in.n {
		at := a.off + e*a.elem
		for l := range in.width {
			to[k] = mem[at+l*a.lane]
			k++
		}
	}
	return view{to, 1}
}

// runArray executes one instruction in its general form.
func (p *Program) runArray(f *Frame, in *instr) {
	mem := f.mem
	switch {
	case in.mode == gather:
		f.gather(in)
		return
	case in.single || in.mode == narrow:
		f.runSingle(in)
		return
	}
	dst := mem[in.dst:][:in.n*in.width]
	switch in.mode {
	case addLanes:
		f.addLanes(in)
		return
	case zero:
		clear(dst)
		return
	case move:
		a := p.view(mem, in, 0)
		for i, k := 0, 0; i < len(dst); i, k = i+1, k+a.step {
			dst[i] = a.x[k]
		}
		return
	case addIn:
		a := p.view(mem, in, 0)
		for i, k := 0, 0; i < len(dst); i, k = i+1, k+a.step {
			dst[i] += a.x[k]
		}
		return
	}
	info := in.op.Info()
	if info.Class != ir.Elementwise {
		switch {
		case reduction(in):
			runReduction(mem, in, dst)
		case in.product:
			f.runProduct(in, dst)
		case systems[in.op]:
			runSystem(mem, in, dst)
		default:
			runStructured(mem, in, dst)
		}
		return
	}
	a := p.view(mem, in, 0)
	switch info.Arity {
	case 1:
		unary(in, dst, a)
	case 2:
		binary(in, dst, a, p.view(mem, in, 1))
	default:
		ternary(in, dst, a, p.view(mem, in, 1), p.view(mem, in, 2))
	}
}

// full reports whether an operand is eight numbers side by side, and no lane
// is idle.
func (f *Frame) full(o operand) bool {
	return o.lane == 1 && o.elem == 8 && len(f.idle) == 8 && !slices.Contains(f.idle, true)
}

// addLanes adds the values of all lanes that are not idle.
func (f *Frame) addLanes(in *instr) {
	a, dst := in.args[0], f.lead.mem[in.dst:][:in.n]
	if f.full(a) {
		kernel.AddSum8(dst, f.mem[a.off:])
		return
	}
	for i := range dst {
		sum, at := dst[i], a.off+i*a.elem
		for l, idle := range f.idle {
			if !idle {
				sum += f.mem[at+l*a.lane]
			}
		}
		dst[i] = sum
	}
}

func unary(in *instr, dst []float64, a view) {
	switch in.op {
	case ir.OpNeg:
		for i, k := 0, 0; i < len(dst); i, k = i+1, k+a.step {
			dst[i] = -a.x[k]
		}
	case ir.OpSqrt:
		for i, k := 0, 0; i < len(dst); i, k = i+1, k+a.step {
			dst[i] = math.Sqrt(a.x[k])
		}
	case ir.OpPolygamma:
		for i, k := 0, 0; i < len(dst); i, k = i+1, k+a.step {
			dst[i] = ir.Polygamma(in.order, a.x[k])
		}
	default:
		eval := in.op.Info().Eval1
		for i, k := 0, 0; i < len(dst); i, k = i+1, k+a.step {
			dst[i] = eval(a.x[k])
		}
	}
}

func binary(in *instr, dst []float64, a, b view) {
	switch in.op {
	case ir.OpAdd:
		for i, j, k := 0, 0, 0; i < len(dst); i, j, k = i+1, j+a.step, k+b.step {
			dst[i] = a.x[j] + b.x[k]
		}
	case ir.OpSub:
		for i, j, k := 0, 0, 0; i < len(dst); i, j, k = i+1, j+a.step, k+b.step {
			dst[i] = a.x[j] - b.x[k]
		}
	case ir.OpMul:
		for i, j, k := 0, 0, 0; i < len(dst); i, j, k = i+1, j+a.step, k+b.step {
			dst[i] = a.x[j] * b.x[k]
		}
	case ir.OpDiv:
		for i, j, k := 0, 0, 0; i < len(dst); i, j, k = i+1, j+a.step, k+b.step {
			dst[i] = a.x[j] / b.x[k]
		}
	default:
		eval := in.op.Info().Eval2
		for i, j, k := 0, 0, 0; i < len(dst); i, j, k = i+1, j+a.step, k+b.step {
			dst[i] = eval(a.x[j], b.x[k])
		}
	}
}

func ternary(in *instr, dst []float64, a, b, c view) {
	eval := in.op.Info().Eval3
	for i, j, k, l := 0, 0, 0, 0; i < len(dst); i, j, k, l = i+1, j+a.step, k+b.step, l+c.step {
		if in.op == ir.OpFma {
			dst[i] = math.FMA(a.x[j], b.x[k], c.x[l])
		} else {
			dst[i] = eval(a.x[j], b.x[k], c.x[l])
		}
	}
}

// product reports whether an instruction is a product with a matrix that a
// kernel executes: all lanes share it, and its vectors stand in order.
func product(in *instr) bool {
	if in.single {
		return false
	}
	a, b, c := in.args[0], in.args[1], in.args[2]
	w := in.width
	vector := func(o operand) bool { return o.elem == w && (o.lane == 1 || w == 1) }
	shared := a.elem == 1 && (a.lane == 0 || w == 1)
	switch in.op {
	case ir.OpMatVec, ir.OpTMatVec:
		return in.mode == store && shared && vector(b)
	case ir.OpDense:
		return in.mode == store && shared && vector(b) && c.elem == 1 && (c.lane == 0 || w == 1)
	case ir.OpOuter:
		return in.mode == accum && vector(a) && vector(b)
	}
	return false
}

// runProduct executes a product.
func (f *Frame) runProduct(in *instr, dst []float64) {
	a, b, w := f.from(&in.args[0]), f.from(&in.args[1]), in.width
	switch {
	case in.op == ir.OpMatVec:
		kernel.Dense(dst, a, b, nil, in.m, in.k, w)
	case in.op == ir.OpDense:
		kernel.Dense(dst, a, b, f.from(&in.args[2]), in.m, in.k, w)
	case in.op == ir.OpTMatVec:
		kernel.DenseT(dst, a, b, in.m, in.k, w)
	case w == 1:
		kernel.Outer(dst, dst, a, b, 1, in.m, in.k)
	default:
		kernel.AddOuterLanes(dst, a, b, in.m, in.k, w)
	}
}

// reduction reports whether an instruction is a sum of numbers that stand side by side, in
// one lane or in eight.
func reduction(in *instr) bool {
	w := in.width
	beside := func(o operand) bool { return o.elem == w && (o.lane == 1 || w == 1) }
	switch in.op {
	case ir.OpSum, ir.OpNorm:
		return (w == 1 || w == 8) && beside(in.args[0])
	case ir.OpDot:
		return (w == 1 || w == 8) && beside(in.args[0]) && beside(in.args[1])
	}
	return false
}

// runReduction executes it.
func runReduction(mem []float64, in *instr, dst []float64) {
	n := in.k * in.width
	x := mem[in.args[0].off:][:n]
	y := x
	if in.op == ir.OpDot {
		y = mem[in.args[1].off:][:n]
	}
	switch {
	case in.op == ir.OpSum && in.width == 1:
		dst[0] = kernel.Sum(x)
	case in.op == ir.OpSum:
		kernel.SumLanes(dst, x)
	case in.width == 1:
		dst[0] = kernel.Dot(x, y)
	default:
		kernel.DotLanes(dst, x, y)
	}
	if in.op == ir.OpNorm {
		for l := range dst {
			dst[l] = math.Sqrt(dst[l])
		}
	}
}

// runStructured executes the ops that are not elementwise, lane by lane.
func runStructured(mem []float64, in *instr, dst []float64) {
	a, b, c := in.args[0], in.args[1], in.args[2]
	w := in.width
	for l := range w {
		la, lb, lc := a.off+l*a.lane, b.off+l*b.lane, c.off+l*c.lane
		switch in.op {
		case ir.OpFill:
			for i := range in.n {
				dst[i*w+l] = mem[la]
			}
		case ir.OpSum:
			dst[l] = sumOf(mem, la, a.elem, in.k)
		case ir.OpDot:
			dst[l] = innerProduct(mem, la, a.elem, lb, b.elem, in.k)
		case ir.OpNorm:
			dst[l] = math.Sqrt(innerProduct(mem, la, a.elem, la, a.elem, in.k))
		case ir.OpTranspose:
			for i := range in.m {
				for j := range in.k {
					dst[(i*in.k+j)*w+l] = mem[la+(j*in.m+i)*a.elem]
				}
			}
		case ir.OpMatVec:
			for i := range in.m {
				dst[i*w+l] = dot(mem, la+i*in.k*a.elem, a.elem, lb, b.elem, in.k, 0)
			}
		case ir.OpDense:
			for i := range in.m {
				dst[i*w+l] = dot(mem, la+i*in.k*a.elem, a.elem, lb, b.elem, in.k, mem[lc+i*c.elem])
			}
		case ir.OpTMatVec:
			// Row by row, so that the weights are read in order; each sum
			// still runs in the order of the rows.
			for j := range in.k {
				dst[j*w+l] = 0
			}
			for i := range in.m {
				x := mem[lb+i*b.elem]
				at := la + i*in.k*a.elem
				for j := range in.k {
					dst[j*w+l] = math.FMA(mem[at], x, dst[j*w+l])
					at += a.elem
				}
			}
		case ir.OpMatMul:
			n := in.n / in.m
			for i := range in.m {
				for j := range n {
					dst[(i*n+j)*w+l] = dot(mem, la+i*in.k*a.elem, a.elem, lb+j*b.elem, n*b.elem, in.k, 0)
				}
			}
		case ir.OpOuter:
			for i := range in.m {
				x := mem[la+i*a.elem]
				row := dst[i*in.k*w+l:]
				for j := range in.k {
					if y := mem[lb+j*b.elem]; in.mode == accum {
						row[j*w] = math.FMA(x, y, row[j*w])
					} else {
						row[j*w] = x * y
					}
				}
			}
		}
	}
}

// sumOf is Σ xᵢ.
func sumOf(mem []float64, x, dx, n int) float64 {
	var part [4]float64
	for parts := scalar.Parts(n); n > 0; {
		for k := range min(parts, n) {
			part[k] += mem[x]
			x += dx
		}
		n -= parts
	}
	return scalar.Join(&part)
}

// innerProduct is Σ xᵢ yᵢ, each term in one fused multiply–add.
func innerProduct(mem []float64, x, dx, y, dy, n int) float64 {
	var part [4]float64
	for parts := scalar.Parts(n); n > 0; {
		for k := range min(parts, n) {
			part[k] = math.FMA(mem[x], mem[y], part[k])
			x += dx
			y += dy
		}
		n -= parts
	}
	return scalar.Join(&part)
}

// dot is s + Σ xᵢ yᵢ, one fused multiply–add after the other.
func dot(mem []float64, x, dx, y, dy, n int, s float64) float64 {
	for range n {
		s = math.FMA(mem[x], mem[y], s)
		x += dx
		y += dy
	}
	return s
}
