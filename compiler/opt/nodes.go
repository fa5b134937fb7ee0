package opt

import (
	"strconv"

	"github.com/pinode/pinode/compiler/ir"
)

// Nodes are values after all passes.
func Nodes(b *ir.Builder, nodes ...*ir.Node) []*ir.Node {
	g := &ir.Graph{Name: "nodes"}
	for i, n := range nodes {
		g.Outputs = append(g.Outputs, ir.Output{Name: strconv.Itoa(i), Node: n})
	}
	out := make([]*ir.Node, len(nodes))
	for i, o := range Optimize(b, []*ir.Graph{g})[0].Outputs {
		out[i] = o.Node
	}
	return out
}
