package estimate

import (
	"context"
	"fmt"
	"slices"

	"github.com/pinode/pinode/compiler/exec"
	"github.com/pinode/pinode/fit"
	"github.com/pinode/pinode/internal/loss"
)

// How segments with states of their own are made and closed.
const (
	shotRows   = 4   // of a segment at least
	shotStates = 300 // that are coordinates, at most
)

// shotWeights are those of the gaps, in turn: from where each piece of the data is met by
// itself to where the trajectory is one.
var shotWeights = []float64{0.1, 1, 10, 100, 1e4, 1e6}

// shotRun are the limits with each of them.
var shotRun = fit.Limits{Iterations: 20, Flat: 1e-3, Times: 2}

// shot follows segments whose first states are coordinates too, with a weight of the gaps
// that grows, then whole trajectories. It is for what goes astray within the length of the
// data: chaos, and long records whose phase is soon wrong.
func (c *chain) shot(s origin) error {
	if err := c.f.told.CannotShoot(); err != nil {
		c.say("no shooting: %s", err)
		return nil
	}
	o := c.f.Objective
	rows, ny := 0, c.f.prog.Model.Layout.NY
	for _, it := range o.Trajectories {
		rows = max(rows, len(it.Span.Saves))
	}
	segments := min(rows/shotRows, shotStates/(max(ny, 1)*len(o.Trajectories)))
	if segments < 2 {
		return nil
	}
	shot, err := c.f.told.Shoot(context.Background(), s.x, segments, 1, c.f.solver, c.f.Plan.Workers)
	if err != nil {
		return err
	}
	part, err := loss.NewObjective(c.f.prog, shot.Space, shot.Trajectories, nil, c.f.solver, o.Gradient, exec.Double, c.f.Plan.Workers)
	if err != nil {
		return err
	}
	squares, _, err := loss.NewSquares(part)
	if err != nil || squares == nil {
		return err
	}
	s.name += ", shooting"
	p := c.problem(squares, 1, c.ridge.first(s.x))
	x := append(slices.Clone(s.x), shot.Space.Nodes...)
	p.Ridge = append(p.Ridge, make([]float64, len(shot.Space.Nodes))...)
	p.Center = append(slices.Clone(p.Center), make([]float64, len(shot.Space.Nodes))...)
	p.Most = slices.Clone(p.Most)
	for range shot.Space.Nodes {
		p.Most = append(p.Most, 1)
	}
	for _, weight := range shotWeights {
		for _, it := range shot.Trajectories {
			if it.Joint != nil {
				it.Joint.Weight = weight
			}
		}
		out, err := c.descendOn(fmt.Sprintf("%s, %d segments, gaps of weight %g", s.name, segments, weight), p, x, shotRun)
		if err != nil {
			return err
		}
		if out.Failed {
			break
		}
		x = out.X
	}
	s.x = x[:len(s.x)]
	return c.direct(s)
}
