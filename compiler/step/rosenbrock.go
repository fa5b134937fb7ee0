package step

import (
	"github.com/pinode/pinode/compiler/ir"
	"github.com/pinode/pinode/compiler/linear"
)

// Steps of Rosenbrock methods: each stage between the first and the last solves
//
//	(I/γ − hJ) kᵢ = f(t+cᵢh, yᵢ) + Σⱼ Couple[i][j] kⱼ + Slope[i] h ∂f/∂t,
//
// with the Jacobian J and ∂f/∂t at the start of the step. See solvers.Rosenbrock.

// system is the linear system of a step.
type system struct {
	*linear.Factors
	s       *builder
	entries []*ir.Node   // of J
	matrix  [][]*ir.Node // nil: zero
	slope   *ir.Node     // ∂f/∂t, nil for zero
}

// newSystem factors the matrix of the step.
func newSystem(s *builder) *system {
	b, n := s.b, s.vec.N
	x := &system{s: s}
	x.entries, x.slope = s.jac.at(s)
	back, diagonal := b.Neg(s.h), b.Const(1/s.m.Gamma)
	rows := func() [][]*ir.Node {
		m, k := make([][]*ir.Node, n), 0
		for i, row := range s.jac.Rows {
			m[i] = make([]*ir.Node, n)
			m[i][i] = diagonal
			for _, j := range row {
				m[i][j] = linear.MulAdd(b, back, x.entries[k], m[i][j])
				k++
			}
		}
		return m
	}
	x.matrix = rows()
	x.Factors = linear.Factor(b, rows(), s.jac.Order)
	return x
}

// elements are those of a vector.
func elements(b *ir.Builder, v *ir.Node) []*ir.Node {
	list := make([]*ir.Node, v.Shape.Size())
	for i := range list {
		list[i] = b.Elem(v, i)
	}
	return list
}

// along is J times a vector, by the entries of J.
func (x *system) along(entries []*ir.Node, v *ir.Node) *ir.Node {
	s := x.s
	list, k := make([]*ir.Node, s.vec.N), 0
	for i, row := range s.jac.Rows {
		for _, j := range row {
			list[i] = linear.MulAdd(s.b, entries[k], s.b.Elem(v, j), list[i])
			k++
		}
		if list[i] == nil {
			list[i] = s.b.Const(0)
		}
	}
	return join(s.b, list)
}

// join is the vector of elements.
func join(b *ir.Builder, list []*ir.Node) *ir.Node {
	return b.Slice(b.Concat(list...), 0, ir.Vec(len(list)))
}

// given is the right side of the system of stage i, where f is the field at its argument.
func (x *system) given(i int, f *ir.Node, k []*ir.Node) *ir.Node {
	s := x.s
	if sum := s.combine(s.m.Couple[i], k); sum != nil {
		f = s.b.Add(f, sum)
	}
	if c := s.m.Slope[i]; c != 0 && x.slope != nil {
		f = s.fma(s.b.Mul(s.b.Const(c), s.h), x.slope, f)
	}
	return f
}

// solved reports whether stage i solves a system.
func (s *builder) solved(i int) bool { return s.m.Gamma > 0 && i > 0 && i < s.m.End }

// slack is by how much of the terms in it an equation of a system may fail to hold for
// the step to count. Round-off takes a small multiple of 1e-16; more says that a pivot was
// small against what it was made of.
const slack = 1e-10

// nothing is a rate that does not count: near the smallest numbers round-off is not
// relative to them, and states that die out come there.
const nothing = 1e-250

// sound is 1 if the solution of a system satisfies each of its equations: the test of
// W. Oettli, W. Prager, Numer. Math. 6, 405–409, 1964, which the scales of states and
// equations do not change.
func (x *system) sound(k, v *ir.Node) *ir.Node {
	b, matrix := x.s.b, x.matrix
	abs := func(n *ir.Node) *ir.Node { return b.Apply(ir.OpAbs, n) }
	rest, size := make([]*ir.Node, len(matrix)), make([]*ir.Node, len(matrix))
	for i, row := range matrix {
		r, sum := b.Neg(b.Elem(v, i)), abs(b.Elem(v, i))
		for j, a := range row {
			if a != nil {
				r, sum = linear.MulAdd(b, a, b.Elem(k, j), r), b.Add(sum, abs(b.Mul(a, b.Elem(k, j))))
			}
		}
		rest[i], size[i] = r, sum
	}
	holds := b.Le(abs(join(b, rest)), b.Apply(ir.OpFma, b.Const(slack), join(b, size), b.Const(nothing)))
	return b.Le(b.Const(float64(len(matrix))), b.Sum(holds))
}

// stage is stage i of a Rosenbrock method, from the field at its argument.
func (x *system) stage(i int, f *ir.Node, k []*ir.Node) (ki, sound *ir.Node) {
	v := x.given(i, f, k)
	ki = join(x.s.b, x.Solve(elements(x.s.b, v)))
	if i == 1 {
		sound = x.sound(ki, v)
	}
	return ki, sound
}

// solvedBack takes the cotangents of the stages that solve systems, from the last to the
// first, back to the right sides of these, and to J and ∂f/∂t.
type solvedBack struct {
	*system
	i     []int      // stages
	v     []*ir.Node // by these: cotangents of right sides
	slope *ir.Node   // cotangent of h ∂f/∂t
}

// stage is the cotangent of the right side of stage i, and adds to those of the stages
// before.
func (x *solvedBack) stage(i int, kBar []*ir.Node) *ir.Node {
	s := x.s
	v := join(s.b, x.SolveTransposed(elements(s.b, kBar[i])))
	x.i, x.v = append(x.i, i), append(x.v, v)
	for j, c := range s.m.Couple[i] {
		if c != 0 {
			kBar[j] = s.fma(s.b.Const(c), v, kBar[j])
		}
	}
	if c := s.m.Slope[i]; c != 0 && x.system.slope != nil {
		if x.slope == nil {
			x.slope = s.b.Mul(s.b.Const(c), v)
		} else {
			x.slope = s.fma(s.b.Const(c), v, x.slope)
		}
	}
	return v
}

// finish is what J and ∂f/∂t give the arguments at the start, by wrt, and the length.
func (x *solvedBack) finish() (at []*ir.Node, hBar *ir.Node) {
	s, b := x.s, x.s.b
	by := s.at(0, s.y[0])
	var free []*ir.Node
	if s.free != nil {
		free = elements(b, s.free)
	}
	if s.jac.ct != nil {
		var bars []*ir.Node
		k := 0
		for i, row := range s.jac.Rows {
			for _, j := range row {
				var sum *ir.Node
				for at, stage := range x.i {
					sum = linear.MulAdd(b, b.Elem(x.v[at], i), b.Elem(s.k[stage], j), sum)
				}
				hBar = linear.MulAdd(b, sum, x.entries[k], hBar)
				bar := b.Mul(s.h, sum)
				if free != nil {
					bar = b.Mul(free[i], bar)
				}
				bars = append(bars, bar)
				k++
			}
		}
		by[s.jac.ct] = b.Slice(b.Concat(bars...), 0, s.jac.ct.Shape)
	}
	if x.slope != nil {
		hDot := b.Dot(x.slope, x.system.slope)
		if hBar == nil {
			hBar = hDot
		} else {
			hBar = b.Add(hBar, hDot)
		}
		bar := b.Mul(s.h, x.slope)
		if s.free != nil {
			bar = b.Mul(s.free, bar)
		}
		by[s.jac.ctSlope] = bar
	}
	return b.Substitute(s.jac.bars, by), hBar
}
