package exec

import (
	"fmt"
	"slices"

	"github.com/pinode/pinode/compiler/ir"
)

// planner plans one program.
type planner struct {
	*compiler
	prog  *Program
	graph *ir.Graph
	next  int
	top   int
	free  map[int][]int // by words
	nodes []*ir.Node
	of    []plan              // by the index of a node in the program
	adds  map[*ir.Node][]part // of outputs that accumulate
	code  []instr

	copies map[copied]int // words of copies in single precision, while they are kept
}

// plan is what the planner knows of a node.
type plan struct {
	at     place
	placed bool
	fused  bool     // it goes straight into an output
	owner  *ir.Node // whose memory it reads: a slice reads that of its argument
	within *ir.Node // the assembly in whose memory it is computed, or nil
	off    int      // where there
	uses   int
	last   int // index of the last node that reads this one's memory, −1: none

	packed int // the word of a value in single precision, if it has been computed
	single bool
	copied int // index of the last node that reads a copy of this one in single precision
}

// reads reports whether the program reads a node.
func (p *planner) reads(n *ir.Node) bool {
	i := int(p.index[n.ID])
	return i < len(p.nodes) && p.nodes[i] == n
}

// own is what the planner knows of a node of its program.
func (p *planner) own(n *ir.Node) *plan { return &p.of[p.index[n.ID]] }

func (p *planner) plan(nodes []*ir.Node) {
	nodes = p.schedule(nodes)
	p.nodes, p.top = nodes, p.next
	p.free = map[int][]int{}
	p.copies = map[copied]int{}
	p.analyse(nodes)
	p.placeOutputs()
	p.code = make([]instr, 0, p.instructions(nodes))
	// The nodes that node i is the last to read: dying[i], then the next of each.
	dying, next := make([]int32, len(nodes)), make([]int32, len(nodes))
	for i := range dying {
		dying[i] = -1
	}
	for i := len(nodes) - 1; i >= 0; i-- {
		if last := p.of[i].last; last >= 0 && last < len(nodes) {
			dying[last], next[i] = int32(i), dying[last]
		}
	}
	for i, n := range nodes {
		if !p.of[i].fused {
			p.emit(n)
		}
		for dead := dying[i]; dead >= 0; dead = next[dead] {
			p.release(nodes[dead])
		}
		p.releaseCopies(n, i)
	}
	p.storeOutputs()
	p.locate(p.code)
	p.segment()
}

// instructions is how many the nodes and outputs become at most.
func (p *planner) instructions(nodes []*ir.Node) int {
	count := len(nodes) + len(p.graph.Outputs)
	for _, n := range nodes {
		if n.Op == ir.OpAssemble {
			count += len(n.Args)
		}
	}
	for _, parts := range p.adds {
		count += len(parts)
	}
	return count
}

// analyse finds which node owns the memory of each, when it is read last, and
// which products go straight into an output that accumulates.
func (p *planner) analyse(nodes []*ir.Node) {
	p.of = make([]plan, len(nodes))
	for i, n := range nodes {
		p.index[n.ID] = int32(i)
		p.of[i].last = -1
	}
	for _, n := range nodes {
		for _, a := range n.Args {
			p.own(a).uses++
		}
	}
	for _, o := range p.graph.Outputs {
		p.own(o.Node).uses++
	}
	end := len(nodes)
	p.adds = map[*ir.Node][]part{}
	for _, o := range p.graph.Outputs {
		if o.Accumulate {
			p.adds[o.Node] = p.parts(o.Node, 0, nil)
		}
	}
	for i := end - 1; i >= 0; i-- {
		p.settle(nodes[i])
	}
	read := func(n *ir.Node, at int) { own := p.own(p.own(n).owner); own.last = max(own.last, at) }
	for i, n := range nodes {
		switch p.of[i].owner = n; {
		case n.Op == ir.OpSlice:
			p.of[i].owner = p.own(n.Args[0]).owner
		case p.of[i].within != nil:
			root := p.of[i].within
			for p.own(root).within != nil {
				root = p.own(root).within
			}
			p.of[i].owner = root
		}
		for _, a := range n.Args {
			read(a, i)
		}
	}
	for _, o := range p.graph.Outputs {
		if !o.Accumulate {
			read(o.Node, end)
			continue
		}
		for _, x := range p.adds[o.Node] {
			if !x.outer {
				read(x.node, end)
				continue
			}
			for _, a := range x.node.Args {
				read(a, end)
			}
		}
	}
	for i, n := range nodes {
		if _, leaf := p.home[n]; leaf {
			p.of[i].last = -1
		}
		if p.packs(n) {
			for _, a := range n.Args {
				p.own(a).copied = i
			}
		}
	}
}

// settle lets the parts of an assembly be computed where they stand in it, if nothing is added
// to them there.
func (p *planner) settle(n *ir.Node) {
	if n.Op != ir.OpAssemble || p.own(n).fused || p.packs(n) {
		return
	}
	count := make([]uint8, n.Shape.Size()) // of parts, at most 2
	for i, a := range n.Args {
		for j := range a.Shape.Size() {
			count[n.Offs[i]+j] = min(2, count[n.Offs[i]+j]+1)
		}
	}
	for i, a := range n.Args {
		own, off := p.own(a), n.Offs[i]
		if p.works(a) && a.Lane == n.Lane && own.within == nil && !own.fused && !p.packs(a) && slices.Max(count[off:off+a.Shape.Size()]) == 1 {
			own.within, own.off = n, off
		}
	}
}

// part is a term of an output that accumulates, at an offset in it. outer says
// that it is a product that is added as it is formed.
type part struct {
	node  *ir.Node
	off   int
	outer bool
}

// parts takes the sums and assemblies that have no other use apart, so that
// each term goes straight into the output.
func (p *planner) parts(n *ir.Node, off int, list []part) []part {
	if p.own(n).uses == 1 {
		switch {
		case n.Op == ir.OpAdd && n.Args[0].Shape == n.Args[1].Shape:
			p.own(n).fused = true
			return p.parts(n.Args[1], off, p.parts(n.Args[0], off, list))
		case n.Op == ir.OpAssemble:
			p.own(n).fused = true
			for i, a := range n.Args {
				list = p.parts(a, off+n.Offs[i], list)
			}
			return list
		case n.Op == ir.OpOuter:
			p.own(n).fused = true
			return append(list, part{n, off, true})
		}
	}
	return append(list, part{n, off, false})
}

// placeOutputs lets values that are computed for an output be computed there,
// unless what stands there is read.
func (p *planner) placeOutputs() {
	for _, o := range p.graph.Outputs {
		n := o.Node
		_, leaf := p.home[n]
		to := p.own(n)
		if o.Accumulate || leaf || to.placed || to.within != nil || n.Op == ir.OpSlice || !n.Lane || p.packs(n) || o.Into != nil && p.reads(o.Into) {
			continue
		}
		to.at, to.placed, to.last = place{p.prog.outputs[o.Name].off, true}, true, -1
	}
}

// storeOutputs copies or adds the outputs that were not computed in place.
func (p *planner) storeOutputs() {
	for _, o := range p.graph.Outputs {
		r := p.prog.outputs[o.Name]
		dst := place{r.off, r.lane}
		switch {
		case o.Accumulate:
			for _, x := range p.adds[o.Node] {
				to := place{dst.off + x.off*p.width(dst.lane), dst.lane}
				if queued := p.accumulate(x, to); !queued && !to.lane {
					s := &p.m.sums[p.m.sum(o.Into.Name)]
					s.others = append(s.others, region{off: to.off, n: x.node.Shape.Size()})
				}
			}
		case p.packs(o.Node) && !p.own(o.Node).placed:
			p.widen(o.Node, dst)
		case p.where(o.Node) != dst:
			p.copy(o.Node, dst, move)
		}
	}
}

// accumulate adds a part of an output where it stands: the value of each lane
// to its own, or the sum over lanes to a shared one. It reports whether it is a
// product that is queued.
func (p *planner) accumulate(x part, to place) (queued bool) {
	over := !to.lane && p.m.lanes > 1
	switch {
	case x.outer && (over || !to.lane && x.node.Shape.Size() >= leastGather):
		if p.single && x.node.Net {
			p.opSingle(x.node, to.off, gather)
		} else {
			p.op(x.node, to, gather)
		}
		in := &p.code[len(p.code)-1]
		in.queue = p.m.queue(to.off, in.m, in.k, in.single)
		return true
	case x.outer:
		p.op(x.node, to, accum)
	case over:
		p.copy(x.node, to, addLanes)
	default:
		p.copy(x.node, to, addIn)
	}
	return false
}

// where is the place of a node that has been planned.
func (p *planner) where(n *ir.Node) place {
	if n.Op == ir.OpSlice {
		w := p.where(n.Args[0])
		w.off += n.Off * p.width(w.lane)
		return w
	}
	if h, ok := p.home[n]; ok {
		return h
	}
	own := p.own(n)
	if !own.placed {
		if !own.single {
			panic(fmt.Sprintf("exec: %%%d is read before it is planned", n.ID))
		}
		p.widen(n, p.alloc(n.Shape.Size(), n.Lane))
	}
	return own.at
}

func (p *planner) width(lane bool) int {
	if lane {
		return p.m.lanes
	}
	return 1
}

// alloc finds room for a value of n elements.
func (p *planner) alloc(n int, lane bool) place {
	return place{p.room(n * p.width(lane)), lane}
}

// room finds so many words.
func (p *planner) room(words int) int {
	if list := p.free[words]; len(list) > 0 {
		off := list[len(list)-1]
		p.free[words] = list[:len(list)-1]
		return off
	}
	off := p.align(p.next, words)
	p.next = off + words
	p.top = max(p.top, p.next)
	return off
}

func (p *planner) release(n *ir.Node) {
	own := p.own(n)
	if own.single {
		words := packedWords(n.Shape.Size() * p.width(n.Lane))
		p.free[words] = append(p.free[words], own.packed)
	}
	if own.placed && own.within == nil {
		words := n.Shape.Size() * p.width(own.at.lane)
		p.free[words] = append(p.free[words], own.at.off)
	}
}

// emit plans one node.
func (p *planner) emit(n *ir.Node) {
	if _, leaf := p.home[n]; leaf || n.Op == ir.OpSlice {
		return
	}
	own := p.own(n)
	if p.packs(n) {
		own.packed, own.single = p.room(packedWords(n.Shape.Size()*p.width(n.Lane))), true
		p.opSingle(n, own.packed, store)
		return
	}
	p.settled(n)
	dst := own.at
	if n.Op != ir.OpAssemble {
		p.op(n, dst, store)
		return
	}
	done := make([]bool, n.Shape.Size())
	for i, a := range n.Args {
		if p.own(a).within == n && p.own(a).off == n.Offs[i] {
			for j := range a.Shape.Size() {
				done[n.Offs[i]+j] = true
			}
		}
	}
	if !covers(n) {
		p.clear(dst, done)
	}
	for i, a := range n.Args {
		if p.own(a).within == n && p.own(a).off == n.Offs[i] {
			continue
		}
		how := move
		for j := range a.Shape.Size() {
			if done[n.Offs[i]+j] {
				how = addIn
			}
		}
		for j := range a.Shape.Size() {
			done[n.Offs[i]+j] = true
		}
		p.copy(a, place{dst.off + n.Offs[i]*p.width(dst.lane), dst.lane}, how)
	}
}

// settled gives a node its room, in that of an assembly if it is computed there.
func (p *planner) settled(n *ir.Node) {
	own := p.own(n)
	switch {
	case own.placed:
	case own.within != nil:
		p.settled(own.within)
		own.at = p.own(own.within).at
		own.at.off += own.off * p.width(own.at.lane)
	default:
		own.at = p.alloc(n.Shape.Size(), n.Lane)
	}
	own.placed = true
}

// clear clears the elements of a value that are not there yet.
func (p *planner) clear(dst place, done []bool) {
	w := p.width(dst.lane)
	for from := 0; from < len(done); {
		to := from
		for to < len(done) && !done[to] {
			to++
		}
		if to > from {
			p.code = append(p.code, instr{mode: zero, n: to - from, width: w, dst: dst.off + from*w})
		}
		from = to + 1
	}
}

// covers reports whether the parts of an assembly cover it without overlap,
// or with parts that repeat exactly.
func covers(n *ir.Node) bool {
	seen := make([]int, n.Shape.Size())
	for i, a := range n.Args {
		first := seen[n.Offs[i]]
		for j := range a.Shape.Size() {
			if seen[n.Offs[i]+j] != first {
				return false // partly moved, partly added
			}
			seen[n.Offs[i]+j]++
		}
	}
	for _, s := range seen {
		if s == 0 {
			return false
		}
	}
	return true
}

// copy plans a move or an addition of a whole value.
func (p *planner) copy(n *ir.Node, dst place, how mode) {
	in := instr{mode: how, n: n.Shape.Size(), width: p.width(dst.lane), dst: dst.off}
	in.args[0] = p.operand(n, in.n)
	p.code = append(p.code, in)
}

// operand is how an op whose result has n elements reads an argument.
func (p *planner) operand(a *ir.Node, n int) operand {
	w := p.where(a)
	o := operand{off: w.off, size: a.Shape.Size()}
	if w.lane {
		o.lane = 1
	}
	if size := a.Shape.Size(); size > 1 || n == 1 {
		o.elem = p.width(w.lane)
	}
	p.widest = max(p.widest, a.Shape.Size(), n)
	return o
}

// op plans the operation of a node.
func (p *planner) op(n *ir.Node, dst place, how mode) {
	in := instr{op: n.Op, mode: how, n: n.Shape.Size(), width: p.width(dst.lane), dst: dst.off, order: n.Off}
	for i, a := range n.Args {
		in.args[i] = p.operand(a, in.n)
		if n.Op.Info().Class != ir.Elementwise && n.Op != ir.OpFill && a.Shape.Size() == 1 {
			in.args[i].elem = p.width(a.Lane)
		}
	}
	switch n.Op {
	case ir.OpSum, ir.OpDot, ir.OpNorm:
		in.k = n.Args[0].Shape.Size()
	case ir.OpMatVec, ir.OpDense, ir.OpTMatVec:
		in.m, in.k = n.Args[0].Shape.M, n.Args[0].Shape.N
	case ir.OpMatMul:
		in.m, in.k = n.Args[0].Shape.M, n.Args[0].Shape.N
	case ir.OpOuter, ir.OpTranspose:
		in.m, in.k = n.Shape.M, n.Shape.N
	case ir.OpFactor, ir.OpDet:
		in.m, in.k = n.Args[0].Shape.N, 1
	case ir.OpSolve:
		in.m = n.Args[0].Shape.N
		in.k = in.n / in.m // columns
	}
	p.code = append(p.code, in)
}

// segment cuts the code into straight runs, loops and array operations.
func (p *planner) segment() {
	size, first := 0, 0
	for i := range p.code {
		in := &p.code[i]
		kind, work := arrayOp, 0
		switch {
		case loops(in, p.m.lanes):
			kind = loopRun
		case straight(in):
			kind, work = straightRun, in.n*max(1, in.k)
			if systems[in.op] {
				work *= in.m
			}
		}
		segs := p.prog.segments
		if n := len(segs); n > 0 && segs[n-1].kind == kind {
			last := &segs[n-1]
			if kind == straightRun && size+work <= maxRun || kind == loopRun && joins(in, last.code, p.m.lanes) {
				last.code = p.code[first : i+1]
				size += work
				continue
			}
		}
		size, first = work, i
		p.prog.segments = append(segs, segment{kind: kind, code: p.code[i : i+1]})
	}
}
