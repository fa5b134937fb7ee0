package autodiff

import (
	"math/bits"

	"github.com/pinode/pinode/compiler/ir"
)

// readers are who reads each node of a graph.
type readers struct {
	nodes []*ir.Node
	place table[int32] // of a node in nodes
	from  []int32      // by place: where its readers start in list
	list  []int32      // places

	waiting []uint64 // bit by place: to be looked at
	seen    []*ir.Node
}

// newReaders takes nodes in the order of ir.Reach.
func newReaders(nodes []*ir.Node) *readers {
	r := &readers{nodes: nodes, place: newTable[int32](nodes), from: make([]int32, len(nodes)+1), waiting: make([]uint64, (len(nodes)+63)/64)}
	total := 0
	for i, n := range nodes {
		r.place[n.ID] = int32(i)
		total += len(n.Args)
		for _, a := range n.Args {
			r.from[r.place[a.ID]+1]++
		}
	}
	for i := range nodes {
		r.from[i+1] += r.from[i]
	}
	r.list = make([]int32, total)
	next := append([]int32(nil), r.from...)
	for i, n := range nodes {
		for _, a := range n.Args {
			k := r.place[a.ID]
			r.list[next[k]] = int32(i)
			next[k]++
		}
	}
	return r
}

// follow calls visit for nodes and for the readers of those for which it says so, in the order of the graph.
func (r *readers) follow(start []*ir.Node, visit func(n *ir.Node) bool) {
	for _, n := range start {
		if n.ID < len(r.place) {
			if i := r.place[n.ID]; r.nodes[i] == n {
				r.waiting[i/64] |= 1 << (i % 64)
			}
		}
	}
	for w := range r.waiting {
		for r.waiting[w] != 0 {
			i := 64*w + bits.TrailingZeros64(r.waiting[w])
			r.waiting[w] &= r.waiting[w] - 1
			if !visit(r.nodes[i]) {
				continue
			}
			r.seen = append(r.seen, r.nodes[i])
			for _, k := range r.list[r.from[i]:r.from[i+1]] {
				r.waiting[k/64] |= 1 << (k % 64)
			}
		}
	}
}

// forget calls undo for the nodes for which visit said so since.
func (r *readers) forget(undo func(n *ir.Node)) {
	for _, n := range r.seen {
		undo(n)
	}
	r.seen = r.seen[:0]
}
