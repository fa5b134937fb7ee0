package compiler

import (
	"github.com/pinode/pinode/autodiff"
	"github.com/pinode/pinode/compiler/exec"
	"github.com/pinode/pinode/compiler/ir"
	"github.com/pinode/pinode/compiler/opt"
	"github.com/pinode/pinode/compiler/place"
)

// Jacobian compiles the program rhs.jacobian: the derivatives of the rate of each state,
// as rows, by states (y.k), time along the signals (t.k), discrete variables (d.k), shared
// parameters and weights (p.k) and parameters of the trajectory (q.k). Rows that are zero
// are left out. The lanes are points of one trajectory or of several.
func (p *Program) Jacobian(lanes int) (*exec.Module, error) {
	m, b := p.Model, p.Model.Builder
	graphs := p.built(func() []*ir.Graph {
		g := place.Jacobian.Graph()
		one := b.Const(1)
		for k := range m.Layout.NY {
			g.Outputs = append(g.Outputs, derivativeRow(p, k, b.Elem(m.RHS, k), one, false)...)
		}
		if len(g.Outputs) == 0 {
			return nil
		}
		return opt.Optimize(b, []*ir.Graph{g})
	})
	if graphs == nil {
		return nil, nil
	}
	return exec.Compile(graphs, lanes, exec.Double)
}

// Scores compiles the program row.scores of a row of data: losses and residuals one
// after the other in the order of the model's Scores, and, as row k for residual k, the
// weighted derivatives of its argument, named as those of Jacobian; yb.k and db.k are by
// what was before the instant.
func (p *Program) Scores(lanes int) (*exec.Module, error) {
	b := p.Model.Builder
	graphs := p.built(func() []*ir.Graph {
		g := place.Scores.Graph()
		var losses, residuals []*ir.Node
		k := 0
		for _, s := range p.Model.Scores {
			if !s.Known {
				return nil
			}
			losses = append(losses, s.Loss)
			for _, x := range s.List {
				residuals = append(residuals, x.Residual)
				for i := range x.Arg.Shape.Size() {
					g.Outputs = append(g.Outputs, derivativeRow(p, k, b.Elem(x.Arg, i), b.Elem(x.Weight, i), true)...)
					k++
				}
			}
		}
		if len(losses) == 0 {
			return nil
		}
		g.Outputs = append(g.Outputs, place.ScoreLoss.Of(b.Concat(losses...)), place.Residuals.Of(b.Concat(residuals...)))
		return opt.Optimize(b, []*ir.Graph{g})
	})
	if graphs == nil {
		return nil, nil
	}
	return exec.Compile(graphs, lanes, exec.Double)
}

// derivativeRow are the derivatives of one number, times ct: row k of a matrix. At a row of data
// the time stands still and what was before an instant moves.
func derivativeRow(p *Program, k int, n, ct *ir.Node, before bool) (outs []ir.Output) {
	m, b, in := p.Model, p.Model.Builder, p.Model.In
	type derivative struct {
		node   *ir.Node
		output place.Output
	}
	list := []derivative{{in.Y, place.RowByStates(k)}, {in.D, place.RowByDiscretes(k)}, {in.P, place.RowByParams(k)}}
	if in.Q != nil && m.Layout.NKey > 0 {
		list = append(list, derivative{b.Slice(in.Q, 0, ir.Vec(m.Layout.NKey)), place.RowByOwn(k)})
	}
	if before {
		list = append(list, derivative{in.YB, place.RowByStatesBefore(k)}, derivative{in.DB, place.RowByDiscretesBefore(k)})
	} else {
		list = append(list, derivative{in.T, place.RowByTime(k)}, derivative{in.U, place.Output{}})
	}
	var wrt []*ir.Node
	var to []place.Output
	for _, d := range list {
		if d.node != nil {
			wrt, to = append(wrt, d.node), append(to, d.output)
		}
	}
	bars := autodiff.VJP(b, []*ir.Node{n}, []*ir.Node{ct}, wrt)
	if in.U != nil && !before { // signals move with the time
		last := len(bars) - 1
		bars[last-1] = b.Add(bars[last-1], b.Dot(bars[last], in.UT))
		bars = bars[:last]
	}
	for i, bar := range bars {
		if !bar.IsConst(0) {
			outs = append(outs, to[i].Of(bar))
		}
	}
	return outs
}

// RowsSlide reports whether the loss of a row reads modes of surfaces that may be slid
// along, and has programs of its own there.
func (p *Program) RowsSlide() (yes bool) {
	p.built(func() []*ir.Graph {
		p.sliding(func(r *reader, _ place.Program, _ []*ir.Node) { yes = yes || r.program == place.Row })
		return nil
	})
	return yes
}
