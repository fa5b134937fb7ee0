package exec

import "github.com/pinode/pinode/compiler/ir"

// schedule orders the nodes of a program so that its loops and its straight runs are long.
// Operations on arrays keep their order among each other, and so do those on a few numbers;
// but these wait, or are done before, where that leaves loops over as many numbers side by
// side: what stands between the equations of a chain's ends and those of its cells.
func (p *planner) schedule(nodes []*ir.Node) []*ir.Node {
	var streams [2][]*ir.Node // on arrays, on a few numbers
	for _, n := range nodes {
		if p.works(n) {
			k := p.stream(n)
			streams[k] = append(streams[k], n)
		}
	}
	if len(streams[0]) == 0 || len(streams[1]) == 0 {
		return nodes
	}
	s := &schedule{planner: p, done: make([]bool, nodes[len(nodes)-1].ID+1), out: make([]*ir.Node, 0, len(nodes))}
	for now := 0; len(streams[0])+len(streams[1]) > 0; now = 1 - now {
		for first := true; len(streams[now]) > 0; first = false {
			n := streams[now][0]
			if !s.ready(n) || now == 0 && !first && len(streams[1]) > 0 && !s.alike(n) {
				break
			}
			s.put(n)
			streams[now] = streams[now][1:]
		}
	}
	for _, n := range nodes { // what the outputs alone read
		s.put(n)
	}
	return s.out
}

// schedule is the order so far.
type schedule struct {
	*planner
	done []bool // by ID
	out  []*ir.Node
	size int // of the array operation that came last; 0: it was none of a loop
}

// works reports whether a node is an operation, and not a view of another or an input.
func (p *planner) works(n *ir.Node) bool {
	_, leaf := p.home[n]
	return !leaf && n.Op != ir.OpSlice
}

// stream is 0 for an operation on arrays and 1 for one on a few numbers.
func (p *planner) stream(n *ir.Node) int {
	most := n.Shape.Size()
	for _, a := range n.Args {
		if n.Op.Info().Class != ir.Elementwise {
			most = max(most, a.Shape.Size())
		}
	}
	if most < leastLoop {
		return 1
	}
	return 0
}

// ready reports whether the arguments of a node are computed.
func (s *schedule) ready(n *ir.Node) bool {
	for _, a := range n.Args {
		for a.Op == ir.OpSlice {
			a = a.Args[0]
		}
		if !s.done[a.ID] && s.works(a) {
			return false
		}
	}
	return true
}

// alike reports whether an operation can go into the loop of the one before.
func (s *schedule) alike(n *ir.Node) bool {
	return n.Op.Info().Class == ir.Elementwise && n.Shape.Size() == s.size
}

// put appends a node, and what it views.
func (s *schedule) put(n *ir.Node) {
	if s.done[n.ID] {
		return
	}
	s.done[n.ID] = true
	for _, a := range n.Args {
		s.put(a)
	}
	s.out = append(s.out, n)
	if s.works(n) && s.stream(n) == 0 {
		if s.size = 0; n.Op.Info().Class == ir.Elementwise {
			s.size = n.Shape.Size()
		}
	}
}
