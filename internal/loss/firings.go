package loss

import (
	"context"
	"math"
	"sort"

	"gonum.org/v1/gonum/mat"

	"github.com/pinode/pinode/fit"
	"github.com/pinode/pinode/internal/problem"
	"github.com/pinode/pinode/sim"
)

// Firing is an instant of a run at which events fire.
type Firing struct {
	Of, Event int // trajectory, and the first of its events
	T         float64
	By        []float64    // derivative of T by the coordinates; nil: it was not asked for
	Rows      [2]Neighbour // the rows before and behind it that a jump there moves, else the next ones
}

// Neighbour is a row of data next to a firing.
type Neighbour struct {
	T    float64
	Rise float64 // of the undivided loss, if the row came to lie on the other side of the jump
	Is   bool    // there is one
}

// besideRows is how many rows on each side of a firing are looked at for one that sees its jump.
const besideRows = 3

// WithFirings is Residuals with the firings of all trajectories, in order of time. What the rows beside them see
// and the derivatives are there if jac is not nil.
func (s *Squares) WithFirings(ctx context.Context, x []float64, horizon float64, r []float64, jac *mat.Dense) (fit.Result, []Firing, error) {
	of := make([][]Firing, len(s.Trajectories))
	res, err := s.evaluate(ctx, x, horizon, &linear{s, r, jac, of})
	if err != nil || res.Failed {
		return res, nil, err
	}
	s.touch(r, jac)
	var list []Firing
	for _, f := range of {
		list = append(list, f...)
	}
	for _, f := range list {
		s.byCoordinates(x, f.By)
	}
	return res, list, nil
}

// firings are those of a run.
func (q *squaresWorker) firings(t *Task, s *Worker, l *Run, tan *sim.Tangents) (list []Firing) {
	tr := &l.Traj
	n := len(q.list)
	for k := 0; k < len(tr.Log); k++ {
		if tr.Log[k].Kind != sim.Fired {
			continue
		}
		first := k
		for k+1 < len(tr.Log) && tr.Log[k+1].T == tr.Log[first].T && tr.Log[k+1].Kind == sim.Fired {
			k++ // micro-steps of one instant
		}
		f := Firing{Of: l.Index, Event: tr.Log[first].Event, T: tr.Log[first].T}
		if t.lin.jac != nil {
			f.By = make([]float64, len(t.X))
			for c := range q.list {
				f.By[q.list[c].Coord] = tan.EventT[first*n+c]
			}
			f.Rows = q.beside(s, l, &tr.Log[first], &tr.Log[k])
		}
		list = append(list, f)
	}
	return list
}

// beside are the rows next to an instant that see its jump, from before its first micro-step to behind its last.
func (q *squaresWorker) beside(s *Worker, l *Run, first, last *sim.Record) (rows [2]Neighbour) {
	at := l.Span.Saves
	next := sort.Search(len(l.rows), func(i int) bool { return at[l.rows[i].Save()] >= first.T })
	for side, sign := range []float64{1, -1} { // a row before it comes to lie behind the jump, and one behind it before
		for k := range besideRows {
			i := next - 1 - k
			if side == 1 {
				i = next + k
			}
			if i < 0 || i >= len(l.rows) {
				break
			}
			r := l.rows[i]
			if r.Values() == 0 {
				continue
			}
			rise := q.across(s, l, r, first, last, sign) - q.across(s, l, r, first, last, 0)
			if rise != 0 || !rows[side].Is {
				rows[side] = Neighbour{at[r.Save()], rise, true}
			}
			if rise != 0 {
				break
			}
		}
	}
	return rows
}

// across is the loss of a row whose state is moved by so many times a jump.
func (q *squaresWorker) across(s *Worker, l *Run, r problem.Row, first, last *sim.Record, times float64) float64 {
	tr, w := &l.Traj, s.Worker
	moved := func(v, before, after []float64) []float64 {
		out := append([]float64(nil), v...)
		if times != 0 {
			for i := range out {
				out[i] += times * (after[i] - before[i])
			}
		}
		return out
	}
	k := r.Save()
	y, d := moved(tr.SaveY.At(k), first.YBefore, last.YAfter), moved(tr.SaveD.At(k), first.DBefore, last.DAfter)
	w.System.RowAt(l.Span.Saves[k], y, d, y, d, r.Data(), r.Seen(), r.Inputs(), r.Own())
	w.System.Row.Run.Run()
	if v := w.System.Row.Run.Value[0]; !math.IsNaN(v) {
		return v
	}
	return math.Inf(1)
}
