package compiler

import (
	"github.com/pinode/pinode/autodiff"
	"github.com/pinode/pinode/compiler/exec"
	"github.com/pinode/pinode/compiler/ir"
	"github.com/pinode/pinode/compiler/lower"
	"github.com/pinode/pinode/compiler/opt"
	"github.com/pinode/pinode/compiler/place"
)

// Collocation compiles the programs of a model whose fields are a network, for frames of
// so many points: for each condition its residuals times their weights; these with their
// derivatives by parameters and weights as rows; and these with the gradient of half the
// sum of their squares, added to an accumulator. Another has the values of the fields.
func Collocation(m *lower.Model, c *lower.Collocation, lanes int) (*exec.Module, error) {
	b := m.Builder
	graphs := []*ir.Graph{place.FieldValues.Graph(place.Value.Of(c.Fields))}
	if c.Initial != nil {
		graphs = append(graphs, place.FieldStart.Graph(place.Value.Of(c.Initial)))
	}
	for k, cond := range c.Conditions {
		n := cond.Residual.Shape.Size()
		weight := place.ResidualWeights.Node(b, ir.Vec(n))
		r := b.Mul(weight, cond.Residual)
		value := place.Residuals.Of(r)
		rows := place.ResidualRows(k).Graph(value)
		for i := range n {
			bar := autodiff.VJP(b, []*ir.Node{b.Elem(cond.Residual, i)}, []*ir.Node{b.Elem(weight, i)}, []*ir.Node{m.In.P})[0]
			rows.Outputs = append(rows.Outputs, place.RowByParams(i).Of(bar))
		}
		bar := autodiff.VJP(b, []*ir.Node{r}, []*ir.Node{r}, []*ir.Node{m.In.P})[0]
		sum := place.Residual(k).VJP().Graph(value, place.AllBar.Add(b, bar, m.In.P.Shape))
		graphs = append(graphs, place.Residual(k).Graph(value), rows, sum)
		for j, w := range cond.Sides {
			if w.Where != nil {
				graphs = append(graphs, place.WallHolds(k, j).Graph(place.Value.Of(w.Where)))
			}
		}
	}
	return exec.Compile(opt.Optimize(b, graphs), lanes, exec.Double)
}
