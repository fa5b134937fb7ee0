package compiler

import (
	"slices"
	"sync"

	"github.com/pinode/pinode/autodiff"
	"github.com/pinode/pinode/compiler/ir"
	"github.com/pinode/pinode/compiler/opt"
	"github.com/pinode/pinode/compiler/place"
	"github.com/pinode/pinode/compiler/step"
)

// Jacobian is the derivative of a motion by the states: what its program gives.
type Jacobian struct {
	Program place.Program
	Curve   place.Program // of the derivative along a direction
	Rows    [][]int       // the places of its nonzeros, row by row
	At      []int         // where the value of each of these is among those of the program

	made once

	rates   *ir.Node
	entries autodiff.Entries
	byTime  *ir.Node
}

// once makes a value once, for all who ask.
type once struct {
	sync.Once
	value any
}

// Once is what build makes of the derivative: it is made once for all who run the program.
func (j *Jacobian) Once(build func() any) any {
	j.made.Do(func() { j.made.value = build() })
	return j.made.value
}

// derivatives build the derivatives of what a model has.
type derivatives struct {
	sliders
	jacs []*Jacobian // once they were asked for
}

// Jacobians are those of the right-hand side and of the motions along one surface, two,
// and so on.
func (p *Program) Jacobians() []*Jacobian {
	p.build.Lock()
	defer p.build.Unlock()
	return p.jacobians()
}

func (p *derivatives) jacobians() []*Jacobian {
	if p.jacs == nil && p.Model.In.Y != nil {
		p.jacs = []*Jacobian{p.jacobian(place.RHS, p.rates)}
		if p.surfaces > 0 {
			for k, s := range p.slides() {
				p.jacs = append(p.jacs, p.jacobian(place.Slide(k+1), s.flow))
			}
		}
	}
	return p.jacs
}

// jacobianGraphs adds their programs, with the derivatives of these.
func (l *lister) jacobianGraphs() {
	if !l.want.Jacobian {
		return
	}
	for _, j := range l.jacobians() {
		l.graph(j.graph())
		if !l.want.Curvature {
			continue
		}
		c := j.curve(l.derivatives)
		l.graph(j.Curve.Graph(place.Value.Of(c)))
		if l.want.Reverse {
			l.reverse(j.Curve, c, true)
			l.reverse(j.Curve, c, false)
		}
		if l.want.Forward {
			l.forward(j.Curve, c)
		}
	}
}

// jacobian takes the form of a derivative that has the fewest operations.
func (p *derivatives) jacobian(program place.Program, rates *ir.Node) *Jacobian {
	m, b := p.Model, p.Model.Builder
	j := &Jacobian{Program: program.Jac(), Curve: program.Curve(), rates: rates}
	least := 0
	for _, e := range autodiff.EntriesOf(b, rates, m.In.Y) {
		if e.Values.Shape.Size() > 0 {
			e.Values = opt.Nodes(b, autodiff.Tame(b, rates, e.Values)...)[0]
		}
		if n := step.Operations(e.Values); j.entries.Values == nil || n < least {
			j.entries, least = e, n
		}
	}
	j.Rows, j.At = j.entries.Rows, slices.Concat(j.entries.At...)
	j.byTime = autodiff.Tame(b, rates, p.along(rates, b.Const(1), nil))[0]
	return j
}

// curve is the derivative of a motion along a direction, an input.
func (j *Jacobian) curve(p *derivatives) *ir.Node {
	b := p.Model.Builder
	return p.along(j.rates, place.TimeAlong.Node(b, ir.Scalar), place.StatesAlong.Node(b, p.Model.In.Y.Shape))
}

// along is the derivative along a direction of time, with signals, and states.
func (p *derivatives) along(n, tDot, yDot *ir.Node) *ir.Node {
	m, b := p.Model, p.Model.Builder
	wrt, dots := []*ir.Node{m.In.T}, []*ir.Node{tDot}
	if yDot != nil {
		wrt, dots = append(wrt, m.In.Y), append(dots, yDot)
	}
	if m.In.U != nil {
		wrt, dots = append(wrt, m.In.U), append(dots, b.Mul(m.In.UT, tDot))
	}
	return autodiff.JVP(b, []*ir.Node{n}, wrt, dots)[0]
}

// graph is the program.
func (j *Jacobian) graph() *ir.Graph {
	outs := []ir.Output{place.TimeSlope.Of(j.byTime)}
	if j.entries.Values.Shape.Size() > 0 {
		outs = append(outs, place.Value.Of(j.entries.Values))
	}
	return j.Program.Graph(outs...)
}
