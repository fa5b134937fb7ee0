package loss

import (
	"context"
	"math"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/pinode/pinode/compiler/exec"
	"github.com/pinode/pinode/compiler/ir"
	"github.com/pinode/pinode/fit"
	"github.com/pinode/pinode/internal/engine"
	"github.com/pinode/pinode/internal/problem"
	"github.com/pinode/pinode/sim"
)

// Squares is the loss as residuals with their derivatives, for Gauss–Newton methods. Its
// value is the undivided sum in nats; r and J give its gradient, Jᵀr, and the curvature
// that is expected of it, JᵀJ. Rows are those of the measured values, trajectory by
// trajectory, with those of the parts at its end, then those of other parts, priors and weight decay.
type Squares struct {
	*Objective
	work    float64 // operations so far
	ops     float64 // of a right-hand side
	scores  []scoreElement
	places  []places // by trajectory
	rows    int
	workers []*squaresWorker
	ends    []squaredAtEnd
	tail    int // the first row that is not of a trajectory
	behind  []behindRows

	// The rows of residuals whose size counts, and those of their factors, in this order.
	kinks [][2]int
}

// scoreElement is where residual k of a row comes from.
type scoreElement struct {
	seen     int // its place in Seen; −1: a loss term
	loss     int // the loss term
	location bool

	kink, factor bool
}

// behindRows is a part with residuals behind those of trajectories, and the first of them.
type behindRows struct {
	squared
	first int
}

// places are the rows of a trajectory's residuals.
type places struct {
	first   int
	each    int             // residuals of each row, where all rows have as many
	at      []int32         // else where those of each row begin, behind the first
	ends    []int           // the first of each part at its end
	columns []engine.Column // of what moves it besides weights
}

// row is where the residuals of row i begin.
func (p *places) row(i int) int {
	if p.at == nil {
		return p.first + i*p.each
	}
	return p.first + int(p.at[i])
}

// next notes where those of row i begin, before any of a later row are known.
func (p *places) next(i, row int) {
	switch {
	case i == 1:
		p.each = row - p.first
	case p.at == nil && i > 1 && row != p.row(i):
		p.at = make([]int32, i, 2*i)
		for k := range p.at {
			p.at[k] = int32(k * p.each)
		}
	}
	if p.at != nil {
		p.at = append(p.at, int32(row-p.first))
	}
}

// linear is what a task for residuals sets: residuals and, unless nil, their derivatives by
// natural parameters and weights.
type linear struct {
	of  *Squares
	r   []float64
	jac *mat.Dense

	firings [][]Firing // by trajectory; nil: nobody asks
}

// NewSquares returns the loss as residuals, or why it has none.
func NewSquares(o *Objective) (s *Squares, why string, err error) {
	if why := o.notSquares(); why != "" {
		return nil, why, nil
	}
	c := o.Prog
	scores, err := engine.Once(c, "scores", func() (*exec.Module, error) { return c.Scores(engine.MaxLanes) })
	if err != nil {
		return nil, "", err
	}
	if scores == nil {
		return nil, "nothing is observed", nil
	}
	jacobian, err := engine.Once(c, "jacobian", func() (*exec.Module, error) {
		if c.Model.Layout.NY == 0 {
			return nil, nil
		}
		return c.Jacobian(engine.MaxLanes)
	})
	if err != nil {
		return nil, "", err
	}
	s = &Squares{Objective: o}
	if rhs := c.Model.RHS; rhs != nil {
		s.ops = operations(rhs)
	}
	s.layOut()
	for _, w := range o.Workers {
		s.workers = append(s.workers, newSquaresWorker(s, w, scores, jacobian))
	}
	return s, "", nil
}

// NotExact says why the value is not half the sum of squares, up to a constant; empty: it is.
func (s *Squares) NotExact() string {
	if len(s.Prog.Model.Priors) > 0 {
		return "priors are densities"
	}
	return s.parts[rowsPart].(*observedRows).notExact()
}

// notSquares says why a loss has no residuals; empty: it has.
func (o *Objective) notSquares() string {
	for _, p := range o.parts {
		if why := p.notSquares(); why != "" {
			return why
		}
	}
	if o.copies > 1 {
		return "it is a mean over several `draws`"
	}
	if o.Prog.Slides && o.Prog.RowsSlide() {
		return "observations read what slides along a surface"
	}
	return ""
}

// layOut gives the residuals their rows.
func (s *Squares) layOut() {
	for _, p := range s.parts {
		if e, ok := p.(squaredAtEnd); ok {
			s.ends = append(s.ends, e)
		}
	}
	loss := 0
	for _, x := range s.Prog.Model.Scores {
		for _, a := range x.List {
			for i := range a.Arg.Shape.Size() {
				e := scoreElement{-1, loss, a.Location, a.Kink, a.Factor}
				if x.Offset >= 0 {
					e.seen = x.Offset + i
				}
				s.scores = append(s.scores, e)
			}
		}
		if x.Offset < 0 {
			loss++
		}
	}
	for _, it := range s.Trajectories {
		p := places{first: s.rows, columns: s.columnsOf(it)}
		for i := range it.Rows {
			p.next(i, s.rows)
			first := len(s.kinks)
			for _, e := range s.scores {
				if !e.counts(it.Rows[i]) {
					continue
				}
				switch {
				case e.kink:
					s.kinks = append(s.kinks, [2]int{s.rows, 0})
				case e.factor: // they follow each other as the residuals do
					s.kinks[first][1] = s.rows
					first++
				}
				s.rows++
			}
		}
		for _, e := range s.ends {
			p.ends = append(p.ends, s.rows)
			s.rows += e.rowsOf(it)
		}
		s.places = append(s.places, p)
	}
	s.tail = s.rows
	for _, p := range s.parts {
		if b, ok := p.(squared); ok {
			s.behind = append(s.behind, behindRows{b, s.rows})
			s.rows += b.rows()
		}
	}
}

// counts reports whether a residual is there at a row.
func (e *scoreElement) counts(r problem.Row) bool {
	if e.seen < 0 {
		return r.Losses()[e.loss]
	}
	return r.Seen()[e.seen] != 0
}

// columnsOfWeights are the coordinates that move all trajectories alike, first in the columns of each. A list
// of them for each trajectory would take more room than the data of thousands.
func (s *Squares) columnsOfWeights() (list []engine.Column) {
	for _, w := range s.Space.Weights {
		for k := range w.N {
			list = append(list, engine.Column{At: w.Off + k, Coord: w.At + k})
		}
	}
	return list
}

// columnsOf are the other coordinates that move a trajectory.
func (s *Squares) columnsOf(it *problem.Trajectory) (list []engine.Column) {
	for i, c := range s.Space.Params {
		at := c.Slot.Off + c.Element
		switch {
		case !c.Slot.PerKey:
			list = append(list, engine.Column{At: at, Coord: i})
		case it.Keys[s.Space.PerKeyIndex(c.Param)] == c.Key:
			list = append(list, engine.Column{Of: engine.Own, At: at, Coord: i})
		}
	}
	if b := it.Beginning; b != nil && b.Node != nil {
		for i, size := range b.Node.Size {
			list = append(list, engine.Column{Of: engine.First, At: i, By: size, Coord: b.Node.At + i})
		}
	}
	return list
}

// Rows implements fit.Residuals.
func (s *Squares) Rows() int { return s.rows }

// Linear implements fit.Kinked: Residuals with those that have kinks as they are.
func (s *Squares) Linear(ctx context.Context, x []float64, horizon float64, r []float64, jac *mat.Dense) (fit.Result, error) {
	return s.evaluate(ctx, x, horizon, &linear{of: s, r: r, jac: jac})
}

// evaluate sets what is asked for at x.
func (s *Squares) evaluate(ctx context.Context, x []float64, horizon float64, lin *linear) (fit.Result, error) {
	o, r, jac := s.Objective, lin.r, lin.jac
	clear(r)
	if jac != nil {
		jac.Zero()
	}
	o.Count(o.Trajectories, horizon)
	perValue, perTrajectory := 1/float64(max(1, o.Total)), 1/float64(len(o.Trajectories))
	o.WeighLosses(perValue, perTrajectory)
	o.Compute(Task{
		Ctx: ctx, Trajectories: o.Trajectories, Index: o.AllIndices, Size: chunkSize(len(o.Trajectories), 0), Horizon: horizon,
		PerValue: 1, PerTrajectory: perTrajectory / perValue, X: x, lin: lin,
	})
	e := &o.evaluation
	*e = evaluation{res: fit.Result{Values: o.Total}, terms: e.terms[:0], trajectories: o.Trajectories, x: x}
	s.count(jac != nil)
	if err := o.addChunks(e); err != nil || e.res.Failed {
		return e.res, err
	}
	if jac != nil {
		s.chain(x, jac)
	}
	for _, b := range s.behind {
		e.res.Loss += b.squares(x, r, jac, b.first)
	}
	return e.res, nil
}

// Residuals implements fit.Residuals.
func (s *Squares) Residuals(ctx context.Context, x []float64, horizon float64, r []float64, jac *mat.Dense) (fit.Result, error) {
	res, err := s.Linear(ctx, x, horizon, r, jac)
	if err == nil && !res.Failed {
		s.touch(r, jac)
	}
	return res, err
}

// Kinks implements fit.Kinked.
func (s *Squares) Kinks() [][2]int { return s.kinks }

// leastSize is the least size of a residual that is divided by.
const leastSize = 0.05

// touch makes residuals with kinks those of the parabola that touches their size from above.
func (s *Squares) touch(r []float64, jac *mat.Dense) {
	for _, k := range s.kinks {
		by := r[k[1]]
		r[k[1]] = 0
		if !(by > 0) {
			continue
		}
		root := math.Sqrt(math.Max(math.Abs(r[k[0]])/by, leastSize))
		if r[k[0]] != 0 {
			r[k[0]] = math.Copysign(by*root, r[k[0]])
		}
		if jac != nil {
			floats.Scale(1/root, jac.RawRowView(k[0]))
		}
	}
}

// Work implements fit.Worker: right-hand sides, in operations.
func (s *Squares) Work() float64 { return s.work }

// rowOperations are those of a residual, beside the runs.
const rowOperations = 20

// count adds the work of an evaluation, also of one that fails: a search whose starts all fail comes to its end.
func (s *Squares) count(derivatives bool) {
	each, instant := s.ops, 0.
	s.work += rowOperations * float64(s.rows)
	if derivatives {
		ny, n := float64(s.Prog.Model.Layout.NY), float64(s.Dim())
		s.work += n * float64(s.rows)
		each += 2*ny*s.ops + ny*ny*n
		instant = 2 * n * s.ops
	}
	for _, w := range s.workers {
		s.work += each*float64(w.evaluations) + instant*float64(w.instants)
		w.evaluations, w.instants = 0, 0
	}
}

// Operations is about how many operations the runs of all trajectories at x take.
func (o *Objective) Operations(x []float64) float64 {
	if o.Prog.Model.RHS == nil {
		return 0
	}
	w := o.Workers[0]
	w.System.Bind(o.Space.SharedAt(x, o.Natural), o.Space.Scales)
	sum := 0
	for _, it := range o.Trajectories {
		w.System.BindTrajectory(o.Space.OwnInputs(o.Natural, it, w.System.Q[:0]), it.Signals)
		var tr sim.Trajectory
		_ = w.Integrator.Run(w.System, &it.Span, &tr) // one that fails took work too
		sum += tr.Stats.Evaluations
	}
	return float64(sum) * operations(o.Prog.Model.RHS)
}

// operations is about how many operations a value takes.
func operations(of *ir.Node) (sum float64) {
	for _, n := range ir.Reach(of) {
		size := n.Shape.Size()
		if n.Op == ir.OpDense || n.Op == ir.OpMatVec {
			size *= n.Args[0].Shape.N
		}
		sum += float64(size)
	}
	return sum
}

// chain takes derivatives by natural parameters to those by coordinates.
func (s *Squares) chain(x []float64, jac *mat.Dense) {
	slope := s.slopes(x)
	for i := range s.tail {
		floats.Mul(jac.RawRowView(i)[:len(slope)], slope)
	}
}

// slopes are the derivatives of natural parameters by their coordinates.
func (s *Squares) slopes(x []float64) []float64 {
	slope := make([]float64, len(s.Space.Params))
	for i := range slope {
		slope[i] = s.Space.Transforms[i].Derivative(x[i])
		if math.IsInf(x[i], 0) { // held at the end of its interval
			slope[i] = 0
		}
	}
	return slope
}

// byCoordinates takes derivatives by natural parameters, where there are any, to those by coordinates.
func (s *Squares) byCoordinates(x, row []float64) {
	slope := s.slopes(x)
	n := min(len(slope), len(row))
	floats.Mul(row[:n], slope[:n])
}

// Misfit is the sum of squares of those residuals that are distances of measured values
// in declared standard deviations, and how many there are; each is told by do, unless nil,
// with its trajectory and its place in the row.
func (s *Squares) Misfit(r []float64, do func(trajectory, row, element int, r float64)) (sum float64, n int) {
	for t, it := range s.Trajectories {
		for i := range it.Rows {
			at := s.places[t].row(i)
			for _, e := range s.scores {
				if !e.counts(it.Rows[i]) {
					continue
				}
				if e.location {
					sum += r[at] * r[at]
					n++
					if do != nil {
						do(t, i, e.seen, r[at])
					}
				}
				at++
			}
		}
	}
	return sum, n
}

var _ fit.Kinked = (*Squares)(nil)
