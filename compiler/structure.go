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
