package loss

import (
	"math"

	"github.com/pinode/pinode/internal/problem"
	"github.com/pinode/pinode/sim"
)

// gaps are those between the end of a segment and the beginning of the next, squared,
// in units of their deviations: a gap of one deviation costs what a measured value does that is
// off by one, times the weight. Where a segment begins at a node it keeps the gradient by
// that.
type gaps struct {
	o         *Objective
	some      bool
	start     []float64 // the gradient by each node, of the runs that begin there
	following []float64 // and of the gaps before it
}

func newGaps(o *Objective) *gaps {
	g := &gaps{o: o}
	for _, it := range o.Trajectories {
		g.some = g.some || it.Joint != nil
	}
	g.start, g.following = make([]float64, len(o.Space.Nodes)), make([]float64, len(o.Space.Nodes))
	return g
}

// at is where a node stands among the nodes.
func (g *gaps) at(n *problem.Node) int { return n.At - (g.o.Space.Dim - len(g.o.Space.Nodes)) }

// began notes the gradient by the states that a run began with.
func (g *gaps) began(it *problem.Trajectory, yBar []float64) {
	if it.Beginning == nil || it.Beginning.Node == nil {
		return
	}
	n := it.Beginning.Node
	for i, size := range n.Size {
		g.start[g.at(n)+i] = size * yBar[i]
	}
}

func (g *gaps) terms() []string {
	if !g.some {
		return nil
	}
	return []string{"gaps"}
}

func (g *gaps) likelihood() bool   { return false }
func (g *gaps) notSquares() string { return "" }

func (g *gaps) end(r *Run, t *Task, sums []float64) {
	j := t.Trajectories[r.Index].Joint
	if j == nil {
		return
	}
	for i, size := range j.Size {
		gap := (r.Traj.Y[i] - size*t.X[j.At+i]) / j.Deviation[i]
		sums[0] += 0.5 * j.Weight * gap * gap
		slope := j.Weight * gap / j.Deviation[i] * t.PerValue
		r.EndY[i] += slope
		g.following[g.at(j.Node)+i] = -slope * size
	}
}

// rowsOf is the number of states that a gap has.
func (g *gaps) rowsOf(it *problem.Trajectory) int {
	if it.Joint == nil {
		return 0
	}
	return len(it.Joint.Size)
}

// squares sets the gap behind a run, in units of its deviations.
func (g *gaps) squares(q *squaresWorker, t *Task, l *Run, tan *sim.Tangents, at int) (value float64) {
	j := t.Trajectories[l.Index].Joint
	if j == nil {
		return 0
	}
	n := q.columns.Columns()
	for i, size := range j.Size {
		by := math.Sqrt(j.Weight) / j.Deviation[i]
		gap := by * (l.Traj.Y[i] - size*t.X[j.At+i])
		value += gap * gap / 2
		t.lin.r[at+i] = gap
		if t.lin.jac == nil {
			continue
		}
		row := t.lin.jac.RawRowView(at + i)
		for k, col := range q.list {
			row[col.Coord] = by * tan.EndY[i*n+k]
		}
		row[j.At+i] = -by * size
	}
	return value
}

func (g *gaps) total(e *evaluation, sums []float64) {
	if len(sums) > 0 {
		e.res.Loss += sums[0] * e.perValue
		e.report("gaps", sums[0]*e.perValue)
	}
	if e.grad == nil {
		return
	}
	add := func(n *problem.Node, from []float64) {
		for i := range n.Size {
			e.grad[n.At+i] += from[g.at(n)+i]
		}
	}
	nodes := e.grad[g.o.Space.Dim-len(g.o.Space.Nodes):]
	clear(nodes) // chunks have nothing there
	for _, it := range e.trajectories {
		if it.Beginning != nil && it.Beginning.Node != nil {
			add(it.Beginning.Node, g.start)
		}
		if it.Joint != nil {
			add(it.Joint.Node, g.following)
		}
	}
}
