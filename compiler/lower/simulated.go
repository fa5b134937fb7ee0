package lower

import "github.com/pinode/pinode/compiler/ir"

// Simulated tells which of the trajectory's own inputs a run reads that is not compared with
// data: loss terms, weights and limits are left out.
func (m *Model) Simulated() func(off, n int) bool {
	var roots []*ir.Node
	add := func(list ...*ir.Node) {
		for _, n := range list {
			if n != nil {
				roots = append(roots, n)
			}
		}
	}
	add(m.RHS, m.InitY, m.InitD, m.Outputs, m.Pred, m.Floors, m.Priorities, m.Conserved)
	for _, g := range m.Guards {
		add(g.Node)
	}
	for _, e := range m.Events {
		add(e.Time, e.Period, e.From, e.Until, e.Rate, e.Delay, e.Jump, e.Rest)
	}
	reads := make([]bool, m.Layout.NQ)
	for _, root := range roots {
		for _, n := range ir.Reach(root) {
			from, size := 0, 0
			switch {
			case n == m.In.Q && n == root:
				size = len(reads)
			case n.Op == ir.OpSlice && n.Args[0] == m.In.Q:
				from, size = n.Off, n.Shape.Size()
			case m.In.Q != nil && n.Op != ir.OpSlice:
				for _, a := range n.Args {
					if a == m.In.Q {
						size = len(reads)
					}
				}
			}
			for k := range size {
				reads[from+k] = true
			}
		}
	}
	return func(off, n int) bool {
		for k := off; k < off+n; k++ {
			if reads[k] {
				return true
			}
		}
		return false
	}
}
