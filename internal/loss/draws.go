package loss

import "github.com/pinode/pinode/internal/problem"

// draws say which random numbers runs have.
type draws struct {
	copies int    // of each trajectory, with draws of their own, of which the loss is the mean
	set    uint64 // 0: what is held
	bound

	trajectories []*problem.Trajectory // room: each as often as it has copies
	index        []int
}

// repeat lists each trajectory as often as it has copies.
func (d *draws) repeat(trajectories []*problem.Trajectory, index []int) ([]*problem.Trajectory, []int) {
	if d.copies == 1 {
		return trajectories, index
	}
	c := d
	c.trajectories, c.index = c.trajectories[:0], c.index[:0]
	for i, it := range trajectories {
		for k := range d.copies {
			c.trajectories = append(c.trajectories, it)
			if index != nil {
				c.index = append(c.index, index[i]*d.copies+k)
			}
		}
	}
	if index == nil {
		return c.trajectories, nil
	}
	return c.trajectories, c.index
}

// Redraw takes another set of what is drawn.
func (o *Objective) Redraw(set int) bool {
	o.set = uint64(set)
	o.bound.begin(set)
	return o.Space.Draws()
}

// of is which draws run i of a task has.
func (d *draws) of(i int) problem.Drawing {
	return problem.Drawing{Set: d.set, Copy: uint64(i % d.copies)}
}
