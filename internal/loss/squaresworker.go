package loss

import (
	"gonum.org/v1/gonum/floats"

	"github.com/pinode/pinode/compiler/exec"
	"github.com/pinode/pinode/compiler/place"
	"github.com/pinode/pinode/internal/engine"
	"github.com/pinode/pinode/sim"
	"github.com/pinode/pinode/solvers"
)

// squaresWorker is a worker's part in residuals: the scores of several rows of a run side
// by side, and the columns of their derivatives.
type squaresWorker struct {
	of      *Squares
	columns *engine.Columns
	list    []engine.Column // of the run
	weights int             // its first ones, those of weights

	frame             *exec.Frame
	code              *exec.Program
	in                []rowInput
	s                 []float64
	losses, residuals []float64
	by                []scoreRow
	blk               *solvers.Block
	rows              []int // of the run, by lane

	evaluations, instants int // since they were counted
}

// scoreRow are the derivatives of a residual by what moves; nil is zero.
type scoreRow struct{ y, yb, d, db, p, q []float64 }

func newSquaresWorker(s *Squares, w *engine.Worker, scores, jacobian *exec.Module) *squaresWorker {
	f := scores.NewFrame()
	code := place.Scores.In(scores)
	q := &squaresWorker{
		of: s, columns: engine.NewColumns(w.System, jacobian), frame: f, code: code, blk: &solvers.Block{Width: scores.Lanes()},
		s: place.Scales.In(f), losses: place.ScoreLoss.In(f, code), residuals: place.Residuals.In(f, code),
	}
	q.in = rowInputs(w.System, f)
	q.list = s.columnsOfWeights()
	q.weights = len(q.list)
	for k := range s.scores {
		q.by = append(q.by, scoreRow{
			place.RowByStates(k).In(f, code), place.RowByStatesBefore(k).In(f, code), place.RowByDiscretes(k).In(f, code), place.RowByDiscretesBefore(k).In(f, code),
			place.RowByParams(k).In(f, code), place.RowByOwn(k).In(f, code),
		})
	}
	return q
}

// bind lets the programs read the shared parameters and scales.
func (q *squaresWorker) bind(p, scales []float64) {
	q.frame.Bind("p", p)
	copy(q.s, scales)
	q.columns.Bind(p, scales)
}

// squares evaluates the residuals of a run, and their derivatives.
func (s *Worker) squares(sum *Chunk, l *Run) *sim.Failure {
	w, t := s.Worker, &s.objective.Task
	q := t.lin.of.workers[w.Index]
	tr := &l.Traj
	q.evaluations += tr.Stats.Evaluations
	q.instants += tr.Stats.Events
	if tr.Fail != nil {
		return tr.Fail
	}
	if tr.Saved < len(l.Span.Saves) {
		return l.failed(sim.Terminated, "the run ended before the last measurement, as an event with `terminate` or `zeno stop` says: leave out the rows behind it")
	}
	tan := &w.Tangents
	if t.lin.jac != nil {
		q.list = append(q.list[:q.weights], t.lin.of.places[l.Index].columns...)
		q.columns.Use(q.list, l.Model.Beginning)
		l.Job.In.ForwardColumns(&l.Model, q.columns, tan)
	}
	l.loss = 0
	for i := range l.rows {
		r := l.rows[i]
		k := r.Save()
		w.System.RowAt(l.Span.Saves[k], tr.SaveY.At(k), tr.SaveD.At(k), tr.BeforeY.At(k), tr.BeforeD.At(k), r.Data(), r.Seen(), r.Inputs(), r.Own())
		lane := len(q.rows)
		q.rows = append(q.rows, i)
		for _, in := range q.in {
			q.blk.Scatter(in.to, in.from, lane)
		}
		if len(q.rows) == q.blk.Width {
			q.flush(t, l, tan)
		}
	}
	q.flush(t, l, tan)
	if t.lin.firings != nil {
		t.lin.firings[l.Index] = q.firings(t, s, l, tan)
	}
	for i, e := range t.lin.of.ends {
		l.loss += e.squares(q, t, l, tan, t.lin.of.places[l.Index].ends[i])
	}
	if !engine.Number(l.loss) {
		return s.badRow(l)
	}
	sum.loss += l.loss
	return nil
}

// flush evaluates the rows that stand in the lanes.
func (q *squaresWorker) flush(t *Task, l *Run, tan *sim.Tangents) {
	if len(q.rows) == 0 {
		return
	}
	q.code.Run(q.frame)
	w, p := q.blk.Width, &t.lin.of.places[l.Index]
	for lane, i := range q.rows {
		for at := lane; at < len(q.losses); at += w {
			l.loss += q.losses[at]
		}
		row := p.row(i)
		for k, e := range q.of.scores {
			if !e.counts(l.rows[i]) {
				continue
			}
			t.lin.r[row] = q.residuals[k*w+lane]
			if t.lin.jac != nil {
				q.derivative(t.lin.jac.RawRowView(row), k, lane, l.rows[i].Save(), tan)
			}
			row++
		}
	}
	q.rows = q.rows[:0]
}

// derivative sets the derivative of residual k of the row in a lane by all coordinates.
func (q *squaresWorker) derivative(to []float64, k, lane, save int, tan *sim.Tangents) {
	w, n, by := q.blk.Width, len(q.list), &q.by[k]
	sum := q.columns.Room(n)
	for _, c := range []struct{ by, dot []float64 }{
		{by.y, tan.Y.At(save)}, {by.yb, tan.BeforeY.At(save)}, {by.d, tan.D.At(save)}, {by.db, tan.BeforeD.At(save)},
	} {
		for m, at := 0, lane; at < len(c.by); m, at = m+1, at+w {
			if v := c.by[at]; v != 0 {
				floats.AddScaled(sum, v, c.dot[m*n:(m+1)*n])
			}
		}
	}
	for c := range q.list {
		to[q.list[c].Coord] = sum[c] + q.list[c].Direct(by.p, by.q, w, lane)
	}
}
