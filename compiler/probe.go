package compiler

import (
	"github.com/pinode/pinode/compiler/exec"
	"github.com/pinode/pinode/compiler/ir"
	"github.com/pinode/pinode/compiler/place"
)

// Probe compiles what is asked of a model before it runs, for one lane: the programs of
// Module with those of segments, noise, and open.rhs and open.obs, the right-hand side and
// the observations where the input nets stands for the results of neural blocks, in the
// order of the values of the program nets.
func Probe(p *Program) (*exec.Module, error) {
	graphs := p.built(func() []*ir.Graph {
		list := p.graphs(Want{Segments: true})
		if len(p.Model.Noise) > 0 {
			list = append(list, place.Noise.Graph(p.Model.Noise...))
		}
		return p.optimize(append(list, p.open()...))
	})
	return exec.Compile(graphs, 1, exec.Double)
}

// open are the graphs in which results of neural blocks are inputs.
func (p *derivatives) open() (list []*ir.Graph) {
	m, b := p.Model, p.Model.Builder
	n := 0
	for _, v := range m.NetVals {
		if v != nil {
			n += v.Shape.Size()
		}
	}
	if n == 0 {
		return nil
	}
	nets, at := place.Nets.Node(b, ir.Vec(n)), 0
	by := map[*ir.Node]*ir.Node{}
	for _, v := range m.NetVals {
		if v != nil {
			by[v] = b.Slice(nets, at, v.Shape)
			at += v.Shape.Size()
		}
	}
	if m.RHS != nil {
		list = append(list, place.OpenRHS.Graph(place.Rates.Of(b.Substitute([]*ir.Node{m.RHS}, by)[0])))
	}
	if m.Pred != nil {
		list = append(list, place.OpenPredictions.Graph(place.Pred.Of(b.Substitute([]*ir.Node{m.Pred}, by)[0])))
	}
	return list
}
