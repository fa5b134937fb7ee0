package ir

import (
	"fmt"
	"strconv"
	"strings"
)

// String is the printed form of a graph: one node a line, arguments by number.
// Numbers are dense and depend only on the graph, so that the text is stable.
func (g *Graph) String() string {
	var w strings.Builder
	fmt.Fprintf(&w, "graph %s {\n", g.Name)
	nodes := g.Nodes()
	num := make(map[*Node]int, len(nodes))
	for i, n := range nodes {
		num[n] = i
		fmt.Fprintf(&w, "  %%%d = %s", i, n.Op)
		switch n.Op {
		case OpConst:
			for _, v := range n.Values {
				w.WriteString(" " + strconv.FormatFloat(v, 'g', -1, 64))
			}
		case OpInput:
			w.WriteString(" " + n.Name)
		case OpPolygamma, OpSlice, OpSolve, OpDet:
			fmt.Fprintf(&w, "<%d>", n.Off)
		case OpAssemble:
			fmt.Fprintf(&w, "<%s>", strings.Trim(fmt.Sprint(n.Offs), "[]"))
		}
		for j, a := range n.Args {
			if j > 0 {
				w.WriteByte(',')
			}
			fmt.Fprintf(&w, " %%%d", num[a])
		}
		if n.Shape != Scalar {
			fmt.Fprintf(&w, " : %s", n.Shape)
		}
		if n.Op == OpInput && !n.Lane {
			w.WriteString(" shared")
		}
		w.WriteByte('\n')
	}
	for _, o := range g.Outputs {
		op := "="
		if o.Accumulate {
			op = "+="
		}
		fmt.Fprintf(&w, "  %s %s %%%d\n", o.Name, op, num[o.Node])
	}
	w.WriteString("}\n")
	return w.String()
}
