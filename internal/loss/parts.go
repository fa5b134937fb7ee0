package loss

import (
	"math"

	"gonum.org/v1/gonum/mat"

	"github.com/pinode/pinode/compiler/check"
	"github.com/pinode/pinode/compiler/lower"
	"github.com/pinode/pinode/fit"
	"github.com/pinode/pinode/internal/problem"
	"github.com/pinode/pinode/sim"
)

// part is one kind of loss. An objective has a list of them: a new kind is one
// more value in it.
type part interface {
	// terms are the names of what it reports, one for each of its sums.
	terms() []string

	// likelihood reports whether it is the negative logarithm of the density of
	// data.
	likelihood() bool

	// notSquares says why Squares has no residuals of it, empty: it has them. So a part
	// that a Gauss–Newton method does not know is none that it leaves out.
	notSquares() string

	// total reports the terms from the sums over all runs, and adds what is not loss of
	// measured values to the loss and, where there is a gradient, to it: by weights
	// to grad, by parameters in their own units to natural.
	total(e *evaluation, sums []float64)
}

// ofRuns is a part that looks at each run: end takes one whose rows have been
// evaluated. It adds to the sums of the run's chunk and, for a gradient, to the
// cotangents of the run's end, and to the run's loss what is one of measured values.
type ofRuns interface {
	part
	end(r *Run, t *Task, sums []float64)
}

// squaredAtEnd is a part with residuals at the end of each run.
type squaredAtEnd interface {
	ofRuns
	// rowsOf is how many there are of a trajectory.
	rowsOf(it *problem.Trajectory) int
	// squares sets those of a run, from row on, and unless there is no matrix for them their derivatives.
	// It returns the undivided loss that half the sum of their squares is.
	squares(q *squaresWorker, t *Task, l *Run, tan *sim.Tangents, row int) float64
}

// squared is a part with residuals of what is fitted itself, behind those of trajectories.
type squared interface {
	part
	// rows is how many there are.
	rows() int
	// squares sets them, from row on, at x, and unless jac is nil their derivatives. It returns the undivided loss.
	squares(x, r []float64, jac *mat.Dense, row int) float64
}

// beside is a part that Beside tells of.
type beside interface {
	part
	// beside notes the loss of the part, of which so many values have a share each.
	beside(b *Beside, loss float64, values int)
}

// placed is a part that looks at runs, and its place in the list of parts.
type placed struct {
	ofRuns
	at int
}

// lookingAtRuns are those of the parts that do and that have something to look at.
func lookingAtRuns(parts []part) (list []placed) {
	for i, p := range parts {
		if r, ok := p.(ofRuns); ok && len(p.terms()) > 0 {
			list = append(list, placed{r, i})
		}
	}
	return list
}

// rowsPart is the place of observedRows in the list of parts: programs of rows add
// to its sums as they are evaluated. priorsPart is that of priors, whose bends the curvature asks for.
const (
	rowsPart   = 0
	priorsPart = 3
)

// newParts lists the parts of a model's loss, in the order of their terms.
func newParts(o *Objective) []part {
	m := o.Prog.Model
	return []part{
		rowsPart:   newObservedRows(m, o.Prog.Checked.Model),
		1:          &observedFirings{m.Events, o},
		2:          &penalties{m.Penalties},
		priorsPart: newPriors(o),
		4:          &decay{o},
		5:          o.gaps,
		6:          &divergence{o},
	}
}

// newSums makes room for the sums of parts.
func newSums(parts []part) [][]float64 {
	sums := make([][]float64, len(parts))
	for i, p := range parts {
		sums[i] = make([]float64, len(p.terms()))
	}
	return sums
}

func clearSums(sums [][]float64) {
	for _, s := range sums {
		clear(s)
	}
}

// evaluation is what parts are added up to.
type evaluation struct {
	res                     fit.Result
	terms                   []fit.Term
	trajectories            []*problem.Trajectory
	perValue, perTrajectory float64
	x, grad                 []float64 // grad: nil, or the gradient by weights so far, at their places in x
	natural                 []float64 // that by parameters, which is mapped to their places in x at the end
}

func (e *evaluation) report(name string, v float64) {
	e.terms = append(e.terms, fit.Term{Name: name, Value: v})
}

// observedRows are the losses of rows of data: observations, then loss terms. The
// program of a row gives both.
type observedRows struct {
	observes []lower.Slot
	losses   []*check.Loss
	names    []string
	scores   []lower.Scores // of those with a weight
	scored   []string       // and their names
}

func newObservedRows(lm *lower.Model, m *check.Model) *observedRows {
	p := &observedRows{observes: lm.Layout.Observes, losses: m.Losses, scores: lm.Scores}
	for _, o := range m.Observes {
		p.names = append(p.names, o.Name)
		if o.Weight != 0 {
			p.scored = append(p.scored, o.Name)
		}
	}
	for _, l := range m.Losses {
		p.names, p.scored = append(p.names, l.Name), append(p.scored, l.Name)
	}
	return p
}

func (p *observedRows) terms() []string  { return p.names }
func (p *observedRows) likelihood() bool { return true }

func (p *observedRows) notSquares() string {
	for i, s := range p.scores {
		if !s.Known {
			return "the loss of `" + p.scored[i] + "` is neither a square nor a distribution with a known curvature"
		}
	}
	return ""
}

// notExact says which value is not half the square of a residual, up to a constant; empty:
// all are.
func (p *observedRows) notExact() string {
	for i, s := range p.scores {
		if !s.Square {
			return "the density of `" + p.scored[i] + "` is no square, or its noise is fitted"
		}
	}
	return ""
}

func (p *observedRows) total(e *evaluation, sums []float64) {
	for i, name := range p.names {
		e.report(name, sums[i]*e.perValue)
	}
}

// lossOf is the loss term that term i is, or nil: it is observation i.
func (p *observedRows) lossOf(i int) *check.Loss {
	if i < len(p.observes) {
		return nil
	}
	return p.losses[i-len(p.observes)]
}

// observedFirings are the losses of firings that data tell of events with a rate:
// a state integrates each.
type observedFirings struct {
	events []lower.Event
	o      *Objective
}

func (p *observedFirings) terms() (list []string) {
	for i := range p.events {
		list = append(list, "event "+p.events[i].Checked.Name)
	}
	return list
}

func (p *observedFirings) likelihood() bool { return true }

func (p *observedFirings) notSquares() string {
	for _, it := range p.o.Trajectories {
		if len(it.PointProcess) > 0 {
			return "the data tell firings of an event with a rate"
		}
	}
	return ""
}

func (p *observedFirings) end(r *Run, t *Task, sums []float64) {
	for _, e := range r.pointProcess {
		k := p.events[e].Likelihood
		r.loss += r.Traj.Y[k]
		sums[e] += r.Traj.Y[k]
		r.EndY[k] += t.PerValue * r.share
	}
}

func (p *observedFirings) total(e *evaluation, sums []float64) {
	for i, v := range sums {
		if p.events[i].Rate != nil && v != 0 {
			e.report("event "+p.events[i].Checked.Name, v*e.perValue)
		}
	}
}

// penalties are means over time, which a state integrates, and over trajectories.
type penalties struct{ list []lower.Penalty }

func (p *penalties) terms() (list []string) {
	for i := range p.list {
		list = append(list, p.list[i].Name)
	}
	return list
}

func (p *penalties) likelihood() bool   { return false }
func (p *penalties) notSquares() string { return "" }

func (p *penalties) end(r *Run, t *Task, sums []float64) {
	length := r.Span.T1 - r.Span.T0
	for i := range p.list {
		c, k := 0., p.list[i].State
		if length > 0 {
			c = p.list[i].Weight / length
		}
		sums[i] += c * r.Traj.Y[k]
		r.EndY[k] += c * t.PerTrajectory
	}
}

func (p *penalties) total(e *evaluation, sums []float64) {
	for i, v := range sums {
		v *= e.perTrajectory
		e.res.Loss += v
		e.report(p.list[i].Name, v)
	}
}

func (p *penalties) rowsOf(*problem.Trajectory) int { return len(p.list) }

// squares sets √(2v) of each value v, which none is below zero.
func (p *penalties) squares(q *squaresWorker, t *Task, l *Run, tan *sim.Tangents, at int) (value float64) {
	length := l.Span.T1 - l.Span.T0
	if !(length > 0) {
		return 0
	}
	for i, pen := range p.list {
		c := pen.Weight / length * t.PerTrajectory
		v := c * l.Traj.Y[pen.State]
		value += v
		if !(v > 0) {
			continue
		}
		root := math.Sqrt(2 * v)
		t.lin.r[at+i] = root
		if t.lin.jac == nil {
			continue
		}
		row := t.lin.jac.RawRowView(at + i)
		n := q.columns.Columns()
		for k, col := range q.list {
			row[col.Coord] = c * tan.EndY[pen.State*n+k] / root
		}
	}
	return value
}

func (p *penalties) beside(b *Beside, loss float64, _ int) { b.Penalties = loss }

// decay is the weighted sum of squares of weights.
type decay struct{ o *Objective }

func (p *decay) terms() []string    { return nil }
func (p *decay) likelihood() bool   { return false }
func (p *decay) notSquares() string { return "" }

func (p *decay) total(e *evaluation, _ []float64) {
	for _, w := range p.o.Space.Weights {
		if w.L2 == 0 {
			continue
		}
		sum := 0.
		for k := range w.N {
			v := e.x[w.At+k]
			sum += v * v
			if e.grad != nil {
				e.grad[w.At+k] += 2 * w.L2 * v
			}
		}
		e.res.Loss += w.L2 * sum
		e.report("weight decay", w.L2*sum)
	}
}

// rows are one for each weight that decays.
func (p *decay) rows() (n int) {
	for _, w := range p.o.Space.Weights {
		if w.L2 > 0 {
			n += w.N
		}
	}
	return n
}

func (p *decay) squares(x, r []float64, jac *mat.Dense, row int) (value float64) {
	for _, w := range p.o.Space.Weights {
		if w.L2 == 0 {
			continue
		}
		root := math.Sqrt(2 * w.L2 * float64(max(p.o.Total, 1)))
		for k := range w.N {
			r[row] = root * x[w.At+k]
			value += r[row] * r[row] / 2
			if jac != nil {
				jac.Set(row, w.At+k, root)
			}
			row++
		}
	}
	return value
}

func (p *decay) beside(b *Beside, loss float64, _ int) { b.Decay = loss }
