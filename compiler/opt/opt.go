package opt

import (
	"fmt"
	"slices"

	"github.com/pinode/pinode/compiler/ir"
)

// Pass rewrites a graph given by its roots, which keep their shapes.
type Pass struct {
	Name, Doc string

	// Exact says that no bit of a result changes, save the sign of a zero.
	Exact bool

	// Run gives new roots. nodes are those that the roots reach.
	Run func(b *ir.Builder, nodes, roots []*ir.Node) []*ir.Node
}

// Passes are run in this order.
var Passes = []*Pass{
	{Name: "roll", Doc: "one operation on arrays for what is the same on consecutive elements", Exact: true, Run: roll},
	{Name: "rules", Doc: "algebraic rules, until none applies", Exact: true, Run: applyRules},
	{Name: "dense", Doc: "W·x + b in one operation", Run: fuse(ir.OpMatVec, denseTerm)},
	{Name: "fma", Doc: "a·b + c rounded once, where the product has no other use", Run: fuse(ir.OpMul, fmaTerm)},
}

// Optimize returns the graphs after all passes.
func Optimize(b *ir.Builder, graphs []*ir.Graph) []*ir.Graph {
	out := make([]*ir.Graph, len(graphs))
	for i, g := range graphs {
		nodes := g.Nodes()
		for _, p := range Passes {
			next := p.apply(b, nodes, g)
			if !slices.EqualFunc(next.Outputs, g.Outputs, func(x, y ir.Output) bool { return x.Node == y.Node }) {
				nodes = next.Nodes()
			}
			g = next
		}
		out[i] = g
	}
	return out
}

// Apply runs the pass on one graph. To break a graph is a bug of the pass, which is found when
// a builder makes a node and when graphs are compiled.
func (p *Pass) Apply(b *ir.Builder, g *ir.Graph) *ir.Graph { return p.apply(b, g.Nodes(), g) }

func (p *Pass) apply(b *ir.Builder, nodes []*ir.Node, g *ir.Graph) *ir.Graph {
	roots := make([]*ir.Node, len(g.Outputs))
	for i, o := range g.Outputs {
		roots[i] = o.Node
	}
	out := &ir.Graph{Name: g.Name, Outputs: append([]ir.Output(nil), g.Outputs...)}
	for i, n := range p.Run(b, nodes, roots) {
		if n.Shape != roots[i].Shape {
			panic(fmt.Sprintf("opt: %s: output %q changes from %s to %s", p.Name, g.Outputs[i].Name, roots[i].Shape, n.Shape))
		}
		out.Outputs[i].Node = n
	}
	return out
}

// table has a value for each node of a graph.
type table[T any] []T

// newTable returns a table for what the nodes, in the order of ir.Reach, are.
func newTable[T any](nodes []*ir.Node) table[T] {
	if len(nodes) == 0 {
		return nil
	}
	return make(table[T], nodes[len(nodes)-1].ID+1)
}

// rewrite rebuilds the nodes that the roots reach, arguments first. replace
// gives the new node for an old one whose arguments are done.
func rewrite(nodes, roots []*ir.Node, replace func(old *ir.Node, done table[*ir.Node]) *ir.Node) []*ir.Node {
	done := newTable[*ir.Node](nodes)
	for _, old := range nodes {
		done[old.ID] = replace(old, done)
	}
	out := make([]*ir.Node, len(roots))
	for i, r := range roots {
		out[i] = done[r.ID]
	}
	return out
}

// rebuilt is a node over its new arguments.
func rebuilt(b *ir.Builder, old *ir.Node, done table[*ir.Node]) *ir.Node {
	for _, a := range old.Args {
		if done[a.ID] != a {
			return b.Rebuild(old, newArgs(old, done))
		}
	}
	return old
}

func newArgs(old *ir.Node, done table[*ir.Node]) []*ir.Node {
	args := make([]*ir.Node, len(old.Args))
	for i, a := range old.Args {
		args[i] = done[a.ID]
	}
	return args
}
