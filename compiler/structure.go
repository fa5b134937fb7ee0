package compiler

import (
	"github.com/pinode/pinode/autodiff"
	"github.com/pinode/pinode/compiler/ir"
)

// Nilpotent reports whether, by the structure of the equations, no state's rate
// depends on the state itself, directly or through other states. The eigenvalues of
// the Jacobian are zero then, everywhere, and steps of any length are stable. A motion
// along a surface has another right-hand side: with surfaces to slide along it is
// not known.
func (p *Program) Nilpotent() bool {
	if p.Slides || p.Model.In.Y == nil {
		return !p.Slides
	}
	p.build.Lock()
	defer p.build.Unlock()
	return acyclic(autodiff.Sparsity(p.Model.RHS, p.Model.In.Y))
}

// The arrays of a wide model are of so many elements at least, and have so many times the work of
// what is not in arrays.
const (
	wideArray = 32
	wideShare = 8
)

// Wide reports whether the right-hand side is nearly all operations on long arrays, of which
// none is a product with a matrix. Several trajectories at a time are no faster then than one
// after the other: their arrays do not fit the first-level cache together.
func Wide(p *Program) bool {
	if p.rates == nil {
		return false
	}
	p.build.Lock()
	defer p.build.Unlock()
	arrays, others := 0, 0
	for _, n := range ir.Reach(p.rates) {
		switch class := n.Op.Info().Class; {
		case class == ir.Linear:
			return false
		case class == ir.Elementwise && n.Shape.Size() >= wideArray:
			arrays += n.Shape.Size()
		case class == ir.Elementwise:
			others += n.Shape.Size()
		}
	}
	return arrays > wideShare*others
}

// acyclic reports whether a graph, given by each node's successors, has no cycle.
func acyclic(next [][]int) bool {
	const (
		unseen = iota
		open
		done
	)
	state := make([]int, len(next))
	var visit func(i int) bool
	visit = func(i int) bool {
		state[i] = open
		for _, j := range next[i] {
			if state[j] == open || state[j] == unseen && !visit(j) {
				return false
			}
		}
		state[i] = done
		return true
	}
	for i := range next {
		if state[i] == unseen && !visit(i) {
			return false
		}
	}
	return true
}

// mostSimple is the degree of polynomials in time that every method has exactly.
const mostSimple = 3

// Simple reports whether, by the structure of the equations, the solution is a polynomial in
// time of low degree, whatever the parameters and where it begins.
func Simple(p *Program) bool {
	if p.Slides || p.Model.In.Y == nil || p.rates == nil {
		return !p.Slides
	}
	p.build.Lock()
	defer p.build.Unlock()
	degree, ok := degreeOf(p.Model.RHS, p.Model.In.T, p.Model.In.Y, p.Model.In.U)
	if !ok {
		return false
	}
	next := autodiff.Sparsity(p.Model.RHS, p.Model.In.Y)
	if !acyclic(next) {
		return false
	}
	highest := make([]int, len(next)) // by state; 0: not known yet
	var of func(i int) int
	of = func(i int) int {
		if highest[i] == 0 {
			rate := degree
			for _, j := range next[i] {
				rate = max(rate, degree*of(j))
			}
			highest[i] = min(rate+1, mostSimple+1)
		}
		return highest[i]
	}
	for i := range next {
		if of(i) > mostSimple {
			return false
		}
	}
	return true
}

// degreeOf is the degree of a polynomial in the time and the states, of which nothing else that moves
// is read, and whether the graph is one.
func degreeOf(out, time, states, signals *ir.Node) (degree int, ok bool) {
	of := map[*ir.Node]int{}
	for _, n := range ir.Reach(out) {
		switch n {
		case time, states:
			of[n] = 1
			continue
		case signals:
			return 0, false
		}
		most, sum := 0, 0
		for _, a := range n.Args {
			most, sum = max(most, of[a]), sum+of[a]
		}
		switch n.Op {
		case ir.OpAdd, ir.OpSub, ir.OpNeg, ir.OpFill, ir.OpSlice, ir.OpAssemble, ir.OpTranspose, ir.OpSum:
			of[n] = most
		case ir.OpMul, ir.OpDot, ir.OpMatVec, ir.OpTMatVec, ir.OpMatMul, ir.OpOuter:
			of[n] = min(sum, mostSimple+1)
		case ir.OpDiv:
			if of[n.Args[1]] > 0 {
				return 0, false
			}
			of[n] = most
		default:
			if most > 0 {
				return 0, false
			}
		}
	}
	return of[out], true
}
