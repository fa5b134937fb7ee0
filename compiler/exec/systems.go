package exec

import (
	"math"

	"github.com/pinode/pinode/compiler/ir"
	"github.com/pinode/pinode/internal/kernel"
	"github.com/pinode/pinode/internal/scalar"
)

// systems are the operations of systems of linear equations.
var systems = [ir.NumOps]bool{ir.OpFactor: true, ir.OpSolve: true, ir.OpDet: true}

// smallSystem bounds the unknowns of systems that are solved in straight runs, where
// rows are exchanged by blends.
const smallSystem = 4

// runSystem executes an operation of a system of linear equations.
func runSystem(mem []float64, in *instr, dst []float64) {
	n, w := in.m, in.width
	a, f, v := in.args[0], in.args[1], in.args[2]
	switch in.op {
	case ir.OpFactor:
		spreadOut(dst[:n*n*w], mem, a, w)
		kernel.Factor(dst, n, w)
	case ir.OpSolve:
		spreadOut(dst, mem, v, w)
		kernel.Solve(dst, kernel.Factors{Of: mem[f.off:], Elem: f.elem, Lane: f.lane, N: n}, in.k, w, in.order == 1)
	case ir.OpDet:
		kernel.Det(dst, kernel.Factors{Of: mem[f.off:], Elem: f.elem, Lane: f.lane, N: n}, w, in.order == 1)
	}
}

// spreadOut copies an operand to where elements stand so many lanes apart.
func spreadOut(dst, mem []float64, o operand, lanes int) {
	for i := range len(dst) / lanes {
		at := o.off + i*o.elem
		for l := range lanes {
			dst[i*lanes+l] = mem[at+l*o.lane]
		}
	}
}

// factor is kernel.Factor.
func (l *lowering) factor(in *instr) {
	n := in.m
	a := l.list(in.args[0], n*n)
	at := func(i, j int) *scalar.Value { return &a[i*n+j] }
	sign, zero, one := l.Const(1), l.Const(0), l.Const(1)
	pivots := make([]scalar.Value, n)
	for k := range n {
		best, row := l.Abs(*at(k, k)), l.Const(float64(k))
		for i := k + 1; i < n; i++ {
			size := l.Abs(*at(i, k))
			larger := l.Binary(scalar.OpLt, best, size)
			best, row = l.Blend(larger, size, best), l.Blend(larger, l.Const(float64(i)), row)
		}
		pivots[k] = row
		for i := k + 1; i < n; i++ {
			chosen := l.Binary(scalar.OpEq, row, l.Const(float64(i)))
			for j := range n {
				x, y := *at(k, j), *at(i, j)
				*at(k, j), *at(i, j) = l.Blend(chosen, y, x), l.Blend(chosen, x, y)
			}
			sign = l.Blend(chosen, l.Neg(sign), sign)
		}
		none := l.Binary(scalar.OpEq, *at(k, k), zero)
		sign = l.Blend(none, zero, sign)
		pivot := l.Blend(none, one, *at(k, k))
		for i := k + 1; i < n; i++ {
			x := l.Binary(scalar.OpDiv, *at(i, k), pivot)
			*at(i, k) = x
			for j := k + 1; j < n; j++ {
				*at(i, j) = l.FMA(l.Neg(x), *at(k, j), *at(i, j))
			}
		}
	}
	for i, v := range append(append(a, pivots...), sign) {
		l.write(in, i, v)
	}
}

// solve is kernel.Solve.
func (l *lowering) solve(in *instr) {
	n, cols := in.m, in.k
	f := l.list(in.args[1], ir.FactorShape(n).Size())
	b := l.list(in.args[2], n*cols)
	singular := l.Binary(scalar.OpEq, f[n*n+n], l.Const(0))
	nothing := l.Const(math.NaN())
	x := make([]scalar.Value, n)
	for c := range cols {
		for i := range x {
			x[i] = b[i*cols+c]
		}
		if in.order == 1 {
			l.solveTransposed(x, f)
		} else {
			l.solvePlain(x, f)
		}
		for i, v := range x {
			l.write(in, i*cols+c, l.Blend(singular, nothing, v))
		}
	}
}

// exchange exchanges element k with that which a row of the factors tells.
func (l *lowering) exchange(x, f []scalar.Value, k int) {
	n := len(x)
	for i := k + 1; i < n; i++ {
		chosen := l.Binary(scalar.OpEq, f[n*n+k], l.Const(float64(i)))
		x[k], x[i] = l.Blend(chosen, x[i], x[k]), l.Blend(chosen, x[k], x[i])
	}
}

func (l *lowering) solvePlain(x, f []scalar.Value) {
	n := len(x)
	for k := range n {
		l.exchange(x, f, k)
	}
	for i := range n {
		for j := range i {
			x[i] = l.FMA(l.Neg(f[i*n+j]), x[j], x[i])
		}
	}
	for i := n - 1; i >= 0; i-- {
		for j := i + 1; j < n; j++ {
			x[i] = l.FMA(l.Neg(f[i*n+j]), x[j], x[i])
		}
		x[i] = l.Binary(scalar.OpDiv, x[i], f[i*n+i])
	}
}

func (l *lowering) solveTransposed(x, f []scalar.Value) {
	n := len(x)
	for i := range n {
		for j := range i {
			x[i] = l.FMA(l.Neg(f[j*n+i]), x[j], x[i])
		}
		x[i] = l.Binary(scalar.OpDiv, x[i], f[i*n+i])
	}
	for i := n - 1; i >= 0; i-- {
		for j := i + 1; j < n; j++ {
			x[i] = l.FMA(l.Neg(f[j*n+i]), x[j], x[i])
		}
	}
	for k := n - 1; k >= 0; k-- {
		l.exchange(x, f, k)
	}
}

// det is kernel.Det.
func (l *lowering) det(in *instr) scalar.Value {
	n := in.m
	f := l.list(in.args[1], ir.FactorShape(n).Size())
	if in.order == 1 {
		log := recipes[ir.OpLog]
		sum := l.Const(0)
		for i := range n {
			sum = l.Binary(scalar.OpAdd, sum, log.Build(l.Program, l.Abs(f[i*n+i])))
		}
		return sum
	}
	v := f[n*n+n]
	for i := range n {
		v = l.Binary(scalar.OpMul, v, f[i*n+i])
	}
	return v
}
