package step

import (
	"fmt"

	"github.com/pinode/pinode/autodiff"
	"github.com/pinode/pinode/compiler/ir"
	"github.com/pinode/pinode/compiler/lower"
)

// Mixed says why a model has no two halves: the rate of a state, and what keeps it from
// belonging to one of them.
type Mixed struct {
	State int
	Why   string
}

// Halves parts the states of a model in positions and momenta, so that the rates of each half
// depend on states of the other alone, and those of positions not on the time: they are found
// from the equations, and the first state of those that hang together is a position unless
// its rate depends on the time.
func Halves(m *lower.Model, name func(state int) string) (momenta []bool, mixed *Mixed) {
	n := m.Layout.NY
	momenta = make([]bool, n)
	if n > m.Layout.NUser {
		return nil, &Mixed{0, "and an integral along its trajectories is neither position nor momentum"}
	}
	if len(m.Switches) > 0 {
		return nil, &Mixed{0, "and right-hand sides with conditions are not looked into"}
	}
	reads := autodiff.Sparsity(m.RHS, m.In.Y)
	timed := make([]bool, n)
	for _, in := range []*ir.Node{m.In.T, m.In.U} {
		if in == nil {
			continue
		}
		for i, on := range autodiff.Sparsity(m.RHS, in) {
			timed[i] = timed[i] || len(on) > 0
		}
	}
	meets := make([][]int, n) // the states that each reads or is read by
	for i, row := range reads {
		for _, j := range row {
			if i == j {
				return nil, &Mixed{i, fmt.Sprintf("and that of `%s` depends on `%s` itself", name(i), name(i))}
			}
			meets[i], meets[j] = append(meets[i], j), append(meets[j], i)
		}
	}
	half := make([]int, n) // 0: not known yet; 1, −1
	for first := range n {
		if half[first] != 0 {
			continue
		}
		half[first] = 1
		group := []int{first}
		for k := 0; k < len(group); k++ {
			i := group[k]
			for _, j := range meets[i] {
				if half[j] == half[i] {
					return nil, &Mixed{i, fmt.Sprintf("and `%s` and `%s` depend on each other within one half", name(i), name(j))}
				} else if half[j] == 0 {
					half[j] = -half[i]
					group = append(group, j)
				}
			}
		}
		pushed := 0 // the half whose rates depend on the time: the momenta
		for _, i := range group {
			if timed[i] && pushed == -half[i] {
				return nil, &Mixed{i, fmt.Sprintf("and that of `%s` depends on the time as those of the other half do", name(i))}
			} else if timed[i] {
				pushed = half[i]
			}
		}
		for _, i := range group {
			momenta[i] = half[i] == pushed || pushed == 0 && half[i] == -1
		}
	}
	return momenta, nil
}

// moved is what stage i moves of a derivative, or of its cotangent: the states that are not
// held at rest and belong to its part.
func (s *builder) moved(i int, x *ir.Node) *ir.Node {
	if s.free != nil {
		x = s.b.Mul(s.free, x)
	}
	return s.part(i, x)
}

// part is what belongs to the part of stage i.
func (s *builder) part(i int, x *ir.Node) *ir.Node {
	if i >= len(s.m.Parts) || s.m.Parts[i] == 0 {
		return x
	}
	list := make([]*ir.Node, s.vec.N)
	for j := range list {
		if list[j] = s.b.Const(0); s.momenta[j] == (s.m.Parts[i] > 0) {
			list[j] = s.b.Elem(x, j)
		}
	}
	return s.b.Slice(s.b.Concat(list...), 0, s.vec)
}
