package gradcheck

import (
	"fmt"
	"math"
	"slices"

	"github.com/pinode/pinode/compiler"
	"github.com/pinode/pinode/compiler/ir"
	"github.com/pinode/pinode/compiler/lower"
	"github.com/pinode/pinode/internal/engine"
	"github.com/pinode/pinode/internal/explain"
	"github.com/pinode/pinode/internal/loss"
	"github.com/pinode/pinode/sim"
)

// claims are the derivatives of the targets of the visit in a mode, by all
// coordinates.
func (c *certifier) claims(p *probe, mode string) (list [][]float64, err error) {
	p.Gradient = mode
	g := make([]float64, c.sp.Dim)
	switch {
	case c.loss:
		var batch []int
		if c.item != all {
			batch = []int{c.item}
		}
		res, err := p.Eval(c.ctx, c.x, batch, 1, g)
		if err != nil {
			return nil, err
		}
		if res.Failed {
			return nil, fmt.Errorf("the %s gradient: %s", mode, res.Reason)
		}
		if err := c.finite(p, g); err != nil {
			return nil, err
		}
		if c.want.Spoil != nil {
			name := ""
			if c.item != all {
				name = c.trajectories[c.item].Name
			}
			c.want.Spoil(mode, name, g)
		}
		list = append(list, g)
	default:
		p.Compute(c.plainTask(c.x, g))
		if err := c.ctx.Err(); err != nil {
			return nil, err
		}
	}
	if c.item == all {
		return list, nil
	}
	l := p.LossWorkers[0].Block[0]
	for k := range c.ends {
		end := make([]float64, len(l.Traj.Y))
		end[k] = 1
		list = append(list, p.pullback(c.x, sim.Cotangents{EndY: end}))
	}
	for k := range c.events {
		times := make([]float64, len(l.Traj.Log))
		times[k] = 1
		list = append(list, p.pullback(c.x, sim.Cotangents{EventT: times}))
	}
	return list, c.ctx.Err()
}

// pullback takes cotangents of the last run to the coordinates.
func (p *probe) pullback(x []float64, ct sim.Cotangents) []float64 {
	w, sum := p.Workers[0], &p.Chunks[0]
	l := p.LossWorkers[0].Block[0]
	clear(l.PBar)
	clear(l.QBar)
	clear(sum.NaturalBar)
	sum.Grad = make([]float64, p.Space.Dim)
	w.System.ClearGradient()
	w.ClearWeights()
	defer func(keep sim.Cotangents) { l.Ct = keep }(l.Ct)
	l.Ct = ct
	p.LossWorkers[0].Backward(sum)
	p.LossWorkers[0].Weights(sum.Grad, p.Gradient == "forward")
	n := len(p.Space.Params)
	p.Space.Transforms.Pullback(sum.Grad[:n], x[:n], sum.NaturalBar)
	return sum.Grad
}

// finite refuses a gradient of numbers that are not finite, and looks for what
// makes them.
func (c *certifier) finite(p *probe, g []float64) error {
	if engine.Finite(g) {
		return nil
	}
	if c.item == all {
		for k := range c.trajectories {
			if !c.measured(k) {
				continue
			}
			if err := c.visit(k); err != nil {
				return err
			}
			if _, err := c.claims(c.probe, p.Gradient); err != nil {
				return err
			}
		}
	}
	s := p.LossWorkers[0]
	l := s.Block[0]
	s.Worker.Group.Use(&l.Model)
	fail := s.BadDerivative(l)
	return &explain.RunError{Trajectory: c.trajectories[max(c.item, 0)].Name, Fail: fail, Text: fail.Detail}
}

// kinks name the neural blocks whose slope or curvature jumps where steps adapt, and say
// how far that may put off derivatives; 0: not at all.
//
// The solution and its derivatives are continuous where a trajectory crosses
// such a kink. But the choice of steps is not: the step across the kink has an
// error of the order of its length that depends on where in it the kink lies,
// and the lengths that follow differ. Differences see that as noise, which the
// smaller their step the more they magnify; derivatives of the steps that were
// taken do not see it and are off by about the length of the step across. Both
// go to the continuous adjoint as the tolerance goes to zero, and with fixed
// steps derivatives and differences agree to the last digit.
//
// Where the curvature jumps the same holds with the square of that length.
func kinks(p *compiler.Program, opt sim.Options) (notes []string, tolerance float64) {
	notes = []string{}
	if !opt.Method.Adaptive() {
		return notes, 0
	}
	for _, b := range p.Model.Blocks {
		a := b.Net.Activation
		if len(b.Net.Hidden) == 0 || a.Jump == 0 || !drives(p, &b) {
			continue
		}
		what, square := "slope", ""
		if tolerance = math.Max(tolerance, bendTolerance); a.Jump == 1 {
			tolerance = kinkTolerance
		} else {
			what, square = "curvature", "the square of "
		}
		notes = append(notes, fmt.Sprintf("kinks: `%s` has activation %s, whose %s jumps; adaptive steps across a jump put differences and gradients off by about %sthe length of such a step. "+
			"A smooth activation like softplus or swish, fixed steps, or smaller tolerances avoid that", b.Neural.Name, a.Name, what, square))
	}
	return notes, tolerance
}

// drives reports whether the field depends on a block.
func drives(p *compiler.Program, b *lower.Block) bool {
	lm := p.Model
	return slices.ContainsFunc(ir.Reach(lm.RHS), func(n *ir.Node) bool {
		return n.Op == ir.OpSlice && n.Args[0] == lm.In.P && n.Off >= b.Off && n.Off < b.Off+b.Net.NumWeights()
	})
}

// plainTask runs the trajectories for their states at the end.
func (c *certifier) plainTask(x, grad []float64) loss.Task {
	return loss.Task{Ctx: c.ctx, Trajectories: c.trajectories, Size: 1, Horizon: 1, PerValue: 1, PerTrajectory: 1, X: x, Grad: grad}
}
