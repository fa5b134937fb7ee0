package start

import (
	"context"
	"errors"
	"math"

	"github.com/pinode/pinode/compiler"
	"github.com/pinode/pinode/internal/engine"
	"github.com/pinode/pinode/internal/problem"
	"github.com/pinode/pinode/sim"
)

// Shooting are trajectories cut into segments that begin at states of their own, which
// are coordinates of the fit, for multiple shooting.
//
// H.G. Bock, Springer Ser. Chem. Phys. 18, 102–125, 1981.
type Shooting struct {
	Space        *problem.Space // with the nodes
	Trajectories []*problem.Trajectory
}

// CannotShoot says why there can be no shooting, or returns nil.
func (d *Data) CannotShoot() error {
	if err := d.CannotCut(); err != nil {
		return err
	}
	if len(d.modes()) > 1 {
		return errors.New("a discrete variable may have several values where a segment begins")
	}
	return nil
}

// Shoot cuts each trajectory into so many segments, fewer where it has not so many times
// of rows. Nodes start on the curves, or, where these tell nothing, in a run at the
// coordinates x or, where that does not get there, at the size of the state. Gaps count in the
// noise of what observes a state, or else in twentieths of its size.
func (d *Data) Shoot(ctx context.Context, x []float64, segments int, weight float64, opt sim.Options, workers int) (*Shooting, error) {
	if err := d.CannotShoot(); err != nil {
		return nil, err
	}
	runs, err := d.Runs(ctx, x, opt, workers)
	if err != nil {
		return nil, err
	}
	d.bind(x)
	size := d.measure()
	s := &Shooting{}
	var nodes []float64
	for i, run := range d.runs {
		times := rowTimes(run.Trajectory)
		each := max(1, (len(times)-1+segments-1)/segments)
		var node *problem.Node
		for from := -1; from < len(times)-1; {
			to := min(max(from, 0)+each, len(times)-1)
			it := run.part(times, from, to)
			if node != nil {
				it = d.partAt(run, times, from, to, node)
			}
			s.Trajectories = append(s.Trajectories, it)
			if to < len(times)-1 {
				node = &problem.Node{At: d.space.Dim + len(nodes), Size: size.states}
				it.Joint = &problem.Joint{Node: node, Deviation: d.stateDeviations(size), Weight: weight}
				for k, v := range d.nodeStart(run, times[to], runs.at[i][to], size) {
					nodes = append(nodes, v/size.states[k])
				}
			}
			from = to
		}
	}
	s.Space = d.space.WithNodes(nodes)
	return s, nil
}

// nodeStart are states at a time: those of the curves, else of a run, else their sizes.
func (d *Data) nodeStart(run *smoothed, t float64, ran []float64, size *sizes) []float64 {
	y, _ := d.states(run, t)
	out := make([]float64, len(size.states))
	for i := range out {
		switch {
		case d.known(run, i) && d.covered(run, i, t) && engine.Number(y[i]):
			out[i] = y[i]
		case engine.Number(ran[i]) && math.Abs(ran[i]) < 10*size.states[i]:
			out[i] = ran[i]
		default:
			out[i] = size.states[i]
		}
	}
	return out
}

// unobservedDeviation is that of a gap in a state that no observation tells, beside the
// state's size.
const unobservedDeviation = 0.05

// stateDeviations are what gaps are counted in.
func (d *Data) stateDeviations(size *sizes) []float64 {
	sigma := d.deviations()
	out := make([]float64, len(size.states))
	for i := range out {
		out[i] = unobservedDeviation * size.states[i]
		if d.Segments.Source[i] != compiler.Observed {
			continue
		}
		k := d.Segments.By[i]
		scale, typical := d.ways[k].scale, size.observations[k]
		if v := sigma[k] * scale.slope(scale.to(typical)) * size.states[i] / typical; v > 0 && engine.Number(v) {
			out[i] = v
		}
	}
	return out
}
