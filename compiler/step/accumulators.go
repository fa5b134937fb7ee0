package step

import (
	"github.com/pinode/pinode/compiler/ir"
	"github.com/pinode/pinode/compiler/lower"
	"github.com/pinode/pinode/compiler/place"
)

// Accumulator is a part of the gradient by parameters, in which all programs of a
// module join, and what it is the gradient by.
type Accumulator struct {
	place.Accumulator
	Node *ir.Node
}

// Accumulators are those by parameters, weights and parameters of a trajectory.
func Accumulators(m *lower.Model) (list []Accumulator) {
	in, lay := m.In, &m.Layout
	add := func(to place.Accumulator, of *ir.Node, from, end int) {
		if of != nil && from < end {
			list = append(list, Accumulator{to, m.Builder.Slice(of, from, ir.Vec(end-from))})
		}
	}
	add(place.PBar, in.P, 0, lay.NPar)
	add(place.WBar, in.P, lay.NPar, lay.NP)
	add(place.QBar, in.Q, 0, lay.NFelt)
	return list
}

// Output is what adds a cotangent to the accumulator.
func (a *Accumulator) Output(b *ir.Builder, bar *ir.Node) ir.Output {
	return a.Add(b, bar, a.Node.Shape)
}
