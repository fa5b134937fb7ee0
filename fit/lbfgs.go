package fit

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/optimize"

	"github.com/pinode/pinode/internal/kernel"
)

// LBFGS is the limited-memory BFGS method over all trajectories,
// with gonum's bisecting line search for the strong Wolfe conditions. A trial point
// where a solve fails has an infinite loss for the line search and is never
// accepted.
//
// D.C. Liu, J. Nocedal, Mathematical Programming 45, 503–528, 1989.
type LBFGS struct {
	MaxIterations int
	Memory        int     // pairs of steps and gradient changes kept
	GradTol       float64 // converged when no component of the gradient is larger
	LossTol       float64 // or when the loss falls by less than this fraction of itself, thrice in a row; 0 is never

	enough Enough
}

// Enough says when a descent has nothing left to gain: where the loss has fallen by less than
// Fall, or than Fraction of itself, in as many iterations. Zero iterations: never.
type Enough struct {
	Iterations     int
	Fall, Fraction float64
}

// Name is the name in the list Optimizers.
func (*LBFGS) Name() string { return "lbfgs" }

// Iterations is the largest number of line searches.
func (m *LBFGS) Iterations() int { return m.MaxIterations }

func (m *LBFGS) check() error {
	if m.Memory < 1 || m.GradTol < 0 || m.LossTol < 0 {
		return errors.New("memory must be at least 1, gtol and ftol not negative")
	}
	return nil
}

// maxTrials bounds a line search: 40 bisections shorten a step by 1e-12.
const maxTrials = 40

// flat is the number of successive iterations with a small fall of the loss
// that count as convergence: one alone may be a short step.
const flat = 3

// search is L-BFGS at work on one stage: gonum's line searches along the directions of its trail.
type search struct {
	*run
	m       *LBFGS
	t       *trail
	horizon float64

	x, grad []float64 // of the last evaluation
	res     Result
	known   bool
	err     error // of an evaluation, or of closing an iteration

	failure string // reason of the last trial that failed

	rec    Record  // of the iteration under way
	scored bool    // the start of the stage has been scored
	start  bool    // the next location is the start, not the end of an iteration
	loss   float64 // at the last location
	done   bool
	status Status
}

// trail is what L-BFGS remembers of its way. It may be written down at any time: what has gone into it since
// the end of an iteration is what that iteration's line search finds again.
type trail struct {
	Direction direction `json:"direction"`
	Noise     noise     `json:"noise"`
	Small     int       `json:"small,omitempty"`    // successive small falls of the loss
	Losses    []float64 `json:"losses,omitempty"`   // as many as Enough asks for
	Progress  bool      `json:"progress,omitempty"` // an iteration has ended since the direction was last cleared
}

// noise is how well losses are known.
type noise struct {
	Unsure float64 `json:"unsure"`          // the fraction of a loss below which a difference tells nothing
	Rough  float64 `json:"rough,omitempty"` // differences by a step that the slope knows to be without any
}

func (m *LBFGS) run(r *run) (Status, error) {
	s := r.state
	resumed := s.Method.LBFGS != nil
	if !resumed {
		s.Method.LBFGS = &trail{Noise: noise{Unsure: leastUnsure}}
	}
	t := s.Method.LBFGS
	t.Direction.most = m.Memory
	if !t.Direction.fits(len(s.X)) {
		return Running, errors.New("the checkpoint is damaged: its steps have other lengths")
	}
	e := &search{
		run: r, m: m, t: t, horizon: r.Curriculum.At(math.MaxInt),
		x: make([]float64, len(s.X)), grad: make([]float64, len(s.X)), status: Running,
	}
	if e.at(s.X); e.err != nil {
		return Running, e.err
	}
	if e.res.Failed {
		return Running, &FailedError{Stage: m.Name(), Iteration: s.Iteration + 1, Failure: e.res.Reason}
	}
	if resumed && s.Iteration > 0 { // it has been counted and scored
		e.scored, e.loss, e.rec = true, e.res.Loss, Record{}
		e.judge(e.res.Loss, normInf(e.grad), false)
	}
	for !e.done {
		err := e.descend()
		noise := &t.Noise
		switch {
		case e.err != nil:
			return Running, e.err
		case e.done:
			return e.status, nil
		case !t.Progress && noise.Rough > noise.Unsure && noise.Unsure < mostUnsure:
			noise.Unsure = math.Min(2*noise.Rough, mostUnsure)
		case !t.Progress: // not even along the gradient
			s.Kinks += e.rec.Kinks
			s.Rejected += e.rec.Rejected
			s.Message = fmt.Sprintf("the line search found no lower loss along the gradient (largest component %.2g, %d failed solves, %d kinks): %v",
				normInf(e.grad), e.rec.Rejected, e.rec.Kinks, err)
			if e.failure != "" {
				s.Message += "; the last failure: " + e.failure
			}
			return StoppedEarly, nil
		}
		// The line search failed on directions from old curvature: clear it.
		t.Direction.clear()
		t.Progress, noise.Rough = false, 0
	}
	return e.status, nil
}

// descend makes iterations from the state's X on until the stage is done or a line search
// fails, with its error.
func (e *search) descend() error {
	loc := &optimize.Location{X: slices.Clone(e.state.X), F: e.at(e.state.X), Gradient: slices.Clone(e.grad)}
	line := &bounded{limit: maxTrials, kinked: func() bool { return e.res.Kinks > 0 }, noise: &e.t.Noise}
	method := &optimize.LinesearchMethod{NextDirectioner: &e.t.Direction, Linesearcher: line}
	e.start = true
	if e.located(loc); e.done || e.err != nil {
		return nil
	}
	op, err := method.Init(loc)
	for err == nil {
		if op == optimize.MajorIteration {
			e.located(loc)
		}
		if op&optimize.FuncEvaluation != 0 {
			loc.F = e.at(loc.X)
		}
		if op&optimize.GradEvaluation != 0 {
			e.at(loc.X)
			copy(loc.Gradient, e.grad)
		}
		if e.done || e.err != nil {
			return nil
		}
		op, err = method.Iterate(loc)
	}
	return err
}

// at evaluates the objective at x, unless it was the last place, and returns
// the loss: infinite when a solve failed.
func (e *search) at(x []float64) float64 {
	if !e.known || !same(x, e.x) {
		copy(e.x, x)
		e.known = true
		if !kernel.Finite(x) { // a direction overflowed
			e.res = Result{Failed: true}
		} else if e.res, e.err = e.eval(e.x, nil, e.horizon, e.grad); e.err != nil {
			if e.scored && errors.Is(e.err, ErrNotFinite) { // a trial, like one where a solve fails
				e.res, e.err = Result{Failed: true, Reason: Failure{Reason: e.err.Error()}}, nil
				clear(e.grad)
			} else {
				e.known = false
			}
		}
		e.rec.Kinks += e.res.Kinks
		if e.res.Failed {
			e.rec.Rejected++
			e.failure = e.res.Reason.Reason
		}
	}
	if e.res.Failed || e.err != nil {
		return math.Inf(1)
	}
	return e.res.Loss
}

func same(a, b []float64) bool {
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// located takes a location that the line search has accepted, and decides whether it is the end.
func (e *search) located(loc *optimize.Location) {
	if e.start && e.scored { // again at the same place
		e.start = false
		return
	}
	norm := normInf(loc.Gradient)
	end, err := e.closed(loc, norm)
	if err != nil {
		e.err = err
		return
	}
	e.start, e.loss, e.rec = false, loc.F, Record{}
	e.judge(loc.F, norm, end)
}

// closed closes an iteration at its location. It tells whether the run must end.
func (e *search) closed(loc *optimize.Location, norm float64) (end bool, err error) {
	s, rec := e.state, &e.rec
	copy(s.X, loc.X)
	rec.Horizon, rec.Loss, rec.GradNorm = e.horizon, loc.F, norm
	if e.known && same(e.x, loc.X) {
		rec.Terms = append([]Term(nil), e.res.Terms...)
	}
	if !e.start {
		s.Iteration++ // the score is that after the step
	}
	score, ok, err := e.score(rec, s.X, &loc.F)
	if !e.start {
		s.Iteration--
	}
	if err != nil {
		return false, err
	}
	e.scored = true
	if e.start {
		return false, nil
	}
	e.patience(rec, score, ok)
	if e.loss-loc.F <= e.m.LossTol*math.Abs(loc.F) && e.m.LossTol > 0 {
		e.t.Small++
	} else {
		e.t.Small = 0
	}
	if n := e.m.enough.Iterations; n > 0 {
		e.t.Losses = append(e.t.Losses, loc.F)
		e.t.Losses = e.t.Losses[max(0, len(e.t.Losses)-1-n):]
	}
	e.t.Progress = true
	return e.finish(*rec)
}

// judge decides at the end of an iteration whether the stage is done.
func (e *search) judge(loss, norm float64, end bool) {
	s := e.state
	e.done = true
	switch {
	case norm <= e.m.GradTol:
		e.status = Converged
		s.Message = fmt.Sprintf("no component of the gradient is above %.2g", norm)
	case e.t.Small >= flat:
		e.status = Converged
		s.Message = fmt.Sprintf("the loss no longer falls by the fraction %.2g", e.m.LossTol)
	case e.slow():
		e.status = Converged
		s.Message = fmt.Sprintf("the loss falls by next to nothing, %.2g in %d iterations", e.t.Losses[0]-loss, e.m.enough.Iterations)
	case end:
		e.status = Running
	case e.tired():
		e.status = StoppedEarly
	case s.Iteration >= e.m.MaxIterations:
		e.status = MaxIterations
	default:
		e.done = false
	}
}

// slow reports whether the last iterations have brought next to nothing.
func (e *search) slow() bool {
	n, losses := e.m.enough.Iterations, e.t.Losses
	if n == 0 || len(losses) <= n {
		return false
	}
	fall := losses[0] - losses[len(losses)-1]
	return fall < math.Max(e.m.enough.Fall, e.m.enough.Fraction*math.Abs(losses[0]))
}

// bounded is gonum's bisecting line search with a limit of trial points: each
// may be an expensive solve that fails. Where the order of events has changed
// since the point before, the loss has a kink in between and slopes say
// nothing of the other side: a sufficient decrease is enough there.
//
// Losses are known to the tolerances of the solver, and slopes are exact for the steps that
// were taken. Losses that differ by less than a small fraction count as equal, so that slopes
// decide near an optimum (as in W.W. Hager, H. Zhang, SIAM J. Optim. 16, 170–192, 2005).
type bounded struct {
	optimize.Bisection
	limit, trials int
	kinked        func() bool

	f0, g0, step float64
	least        float64 // loss so far

	noise *noise
}

// decrease is the fraction of the predicted fall that is sufficient (Armijo). The others
// bound the fraction of a loss below which a difference tells nothing: it grows to what
// line searches find along the gradient.
const (
	decrease    = 1e-4
	leastUnsure = 1e-6
	mostUnsure  = 1e-3
)

func (b *bounded) Init(f, g, step float64) optimize.Operation {
	b.trials, b.f0, b.g0, b.step, b.least = 0, f, g, step, f
	return b.Bisection.Init(f, g, step)
}

func (b *bounded) Iterate(f, g float64) (optimize.Operation, float64, error) {
	if b.kinked() && f <= b.f0+decrease*b.step*b.g0 {
		return optimize.MajorIteration, b.step, nil
	}
	off := math.Abs(f - b.f0)
	if off > 10*math.Abs(b.step*b.g0) && !math.IsInf(f, 0) && b.f0 != 0 {
		b.noise.Rough = math.Max(b.noise.Rough, off/math.Abs(b.f0))
	}
	if off <= b.noise.Unsure*math.Abs(b.f0) {
		f = math.Min(f, b.least)
	}
	b.least = math.Min(b.least, f)
	op, step, err := b.Bisection.Iterate(f, g)
	b.step = step
	if op == optimize.FuncEvaluation {
		if b.trials++; b.trials > b.limit {
			return optimize.NoOperation, step, optimize.ErrLinesearcherFailure
		}
	}
	return op, step, err
}
