package compiler

import (
	"github.com/pinode/pinode/autodiff"
	"github.com/pinode/pinode/compiler/exec"
	"github.com/pinode/pinode/compiler/ir"
	"github.com/pinode/pinode/compiler/lower"
	"github.com/pinode/pinode/compiler/opt"
	"github.com/pinode/pinode/compiler/place"
)

// LearnedBlock is a neural block where it is used first.
type LearnedBlock struct {
	lower.Block
	Event *lower.EventUse // the event it stands in; nil: it is in an equation or in what is observed
}

// LearnedBlocks are the blocks of which Learned has programs: not those whose arguments are
// data alone, or of events.
func (p *Program) LearnedBlocks() (list []LearnedBlock) {
	m := p.Model
	for i, b := range m.Blocks {
		switch {
		case m.NetArgs[i] != nil:
			list = append(list, LearnedBlock{Block: b})
		case m.AtEvents[i].Args != nil:
			list = append(list, LearnedBlock{b, &m.AtEvents[i]})
		}
	}
	return list
}

// Learned compiles what shows what neural blocks have learned, for one lane: their arguments at a state, their
// results at the arguments that stand in the input nets and, with rates, the derivatives of these by
// the weights, a row of all of a block's weights for each result. All of them stand one behind the other.
func Learned(p *Program, rates bool) (*exec.Module, error) {
	graphs := p.built(func() []*ir.Graph {
		m, b := p.Model, p.Model.Builder
		var args, values, rows []*ir.Node
		n := 0
		for i := range m.Blocks {
			if a := m.NetArgs[i]; a != nil {
				args, values = append(args, a), append(values, m.NetVals[i])
			} else if a := m.AtEvents[i].Args; a != nil {
				args, values = append(args, a), append(values, m.AtEvents[i].Vals)
			}
		}
		for _, a := range args {
			n += a.Shape.Size()
		}
		nets, at := place.Nets.Node(b, ir.Vec(n)), 0
		for k, block := range p.LearnedBlocks() {
			values[k] = b.Substitute(values[k:k+1], map[*ir.Node]*ir.Node{args[k]: b.Slice(nets, at, args[k].Shape)})[0]
			at += args[k].Shape.Size()
			for r := range values[k].Shape.Size() {
				if !rates {
					break
				}
				by := autodiff.VJP(b, []*ir.Node{b.Elem(values[k], r)}, []*ir.Node{b.Const(1)}, []*ir.Node{m.In.P})[0]
				rows = append(rows, b.Slice(by, block.Off, ir.Vec(block.Net.NumWeights())))
			}
		}
		list := []*ir.Graph{place.BlockArgs.Graph(place.Value.Of(b.Concat(args...))), place.BlockValues.Graph(place.Value.Of(b.Concat(values...)))}
		if rates {
			list = append(list, place.BlockRates.Graph(place.Value.Of(b.Concat(rows...))))
		}
		return opt.Optimize(b, list)
	})
	return exec.Compile(graphs, 1, exec.Double)
}
