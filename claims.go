package pinode

import (
	"fmt"
	"math"

	"github.com/pinode/pinode/sim"
)

// claims are the derivatives of the targets of the visit in a mode, by all
// coordinates.
func (c *certifier) claims(p *probe, mode string) (list [][]float64, err error) {
	p.gradient = mode
	g := make([]float64, c.sp.dim)
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
		if err := c.finite(p, mode, g); err != nil {
			return nil, err
		}
		list = append(list, g)
	default:
		p.compute(task{c.ctx, c.items, nil, 1, 1, 1, 1, c.x, g})
		if err := c.ctx.Err(); err != nil {
			return nil, err
		}
	}
	if c.item == all {
		return list, nil
	}
	l := p.workers[0].shift.block[0]
	for k := range c.ends {
		end := make([]float64, len(l.traj.Y))
		end[k] = 1
		list = append(list, p.pullback(c.x, sim.Cotangents{EndY: end}))
	}
	for k := range c.events {
		times := make([]float64, len(l.traj.Log))
		times[k] = 1
		list = append(list, p.pullback(c.x, sim.Cotangents{EventT: times}))
	}
	return list, nil
}

// pullback takes cotangents of the last run to the coordinates.
func (p *probe) pullback(x []float64, ct sim.Cotangents) []float64 {
	w, sum := p.workers[0], &p.chunks[0]
	l := w.shift.block[0]
	clear(l.bp)
	clear(l.bq)
	clear(sum.gNat)
	sum.g = make([]float64, p.sp.dim)
	w.sys.clearAccount()
	w.clearWeights()
	defer func(keep sim.Cotangents) { l.ct = keep }(l.ct)
	l.ct = ct
	w.shift.backward(sum)
	w.shift.weights(sum.g, p.gradient == "forward")
	n := len(p.sp.coords)
	p.sp.trans.Pullback(sum.g[:n], x[:n], sum.gNat)
	return sum.g
}

// finite refuses a gradient of numbers that are not finite.
func (c *certifier) finite(p *probe, mode string, g []float64) error {
	for i, v := range g {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Errorf("the %s gradient by `%s` is %g", mode, c.coordinateName(i), v)
		}
	}
	return nil
}

func kinkNotes(m *Model) []string { return []string{} }
