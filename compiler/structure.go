package compiler

import "github.com/pinode/pinode/autodiff"

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
