package fit

import (
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/optimize"

	"github.com/pinode/pinode/internal/kernel"
)

// LBFGS is the limited-memory BFGS method over all trajectories, by gonum,
// with a bisecting line search for the strong Wolfe conditions. A trial point
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

// search is L-BFGS at work on one stage. It is what gonum minimises (at),
// and what decides about convergence (Converged).
type search struct {
	*run
	m       *LBFGS
	horizon float64

	x, grad []float64 // of the last evaluation
	res     Result
	known   bool
	err     error // of an evaluation, or of closing an iteration

	failure string // reason of the last trial that failed

	rec      Record  // of the iteration under way
	scored   bool    // the start of the stage has been scored
	start    bool    // the next location is the start, not the end of an iteration
	loss     float64 // at the last location
	small    int     // successive small falls of the loss
	losses   []float64
	progress bool    // an iteration has ended since the memory was last cleared
	unsure   float64 // the fraction of a loss below which a difference tells nothing
	done     bool
	status   Status
}

func (m *LBFGS) run(r *run) (Status, error) {
	s := r.state
	e := &search{
		run: r, m: m, horizon: r.Curriculum.At(math.MaxInt), unsure: leastUnsure,
		x: make([]float64, len(s.X)), grad: make([]float64, len(s.X)), status: Running,
	}
	if e.at(s.X); e.err != nil {
		return Running, e.err
	}
	if e.res.Failed {
		return Running, &FailedError{Stage: m.Name(), Iteration: s.Iteration + 1, Failure: e.res.Reason}
	}
	for {
		e.start, e.progress = true, false
		line := &bounded{limit: maxTrials, kinked: func() bool { return e.res.Kinks > 0 }, unsure: e.unsure}
		_, err := optimize.Minimize(
			optimize.Problem{
				Func: func(x []float64) float64 { return e.at(x) },
				Grad: func(g, x []float64) { e.at(x); copy(g, e.grad) },
				Status: func() (optimize.Status, error) {
					if e.err != nil {
						return optimize.Failure, e.err
					}
					return optimize.NotTerminated, nil
				},
			},
			s.X,
			&optimize.Settings{Converger: e},
			// The threshold of its own is switched off: Converged decides.
			&optimize.LBFGS{Store: m.Memory, GradStopThreshold: math.NaN(), Linesearcher: line},
		)
		switch {
		case e.err != nil:
			return Running, e.err
		case e.done:
			return e.status, nil
		case !e.progress && line.rough > e.unsure && e.unsure < mostUnsure:
			e.unsure = math.Min(2*line.rough, mostUnsure)
		case !e.progress: // not even along the gradient
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
	}
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

// Init is part of gonum's Converger.
func (e *search) Init(int) {}

// Converged takes a location that the line search has accepted.
func (e *search) Converged(loc *optimize.Location) optimize.Status {
	if e.err = e.located(loc); e.err != nil {
		e.done = true
	}
	if e.done {
		return optimize.Success
	}
	return optimize.NotTerminated
}

// located closes an iteration at its accepted location.
func (e *search) located(loc *optimize.Location) error {
	s := e.state
	if e.start && e.scored { // again at the same place, with the memory cleared
		e.start = false
		return nil
	}
	copy(s.X, loc.X)
	rec := &e.rec
	rec.Horizon, rec.Loss, rec.GradNorm = e.horizon, loc.F, normInf(loc.Gradient)
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
		return err
	}
	e.scored = true
	end := false
	if !e.start {
		e.patience(rec, score, ok)
		if end, err = e.finish(*rec); err != nil {
			return err
		}
		if e.loss-loc.F <= e.m.LossTol*math.Abs(loc.F) && e.m.LossTol > 0 {
			e.small++
		} else {
			e.small = 0
		}
		e.progress = true
		e.losses = append(e.losses, loc.F)
	}
	e.start, e.loss = false, loc.F
	norm := rec.GradNorm
	e.rec = Record{}
	e.done = true
	switch {
	case norm <= e.m.GradTol:
		e.status = Converged
		s.Message = fmt.Sprintf("no component of the gradient is above %.2g", norm)
	case e.small >= flat:
		e.status = Converged
		s.Message = fmt.Sprintf("the loss no longer falls by the fraction %.2g", e.m.LossTol)
	case e.slow():
		e.status = Converged
		s.Message = fmt.Sprintf("the loss falls by next to nothing, %.2g in %d iterations", e.losses[0]-loc.F, e.m.enough.Iterations)
	case end:
		e.status = Running
	case e.tired():
		e.status = StoppedEarly
	case s.Iteration >= e.m.MaxIterations:
		e.status = MaxIterations
	default:
		e.done = false
	}
	return nil
}

// slow reports whether the last iterations have brought next to nothing.
func (e *search) slow() bool {
	n := len(e.losses) - 1 - e.m.enough.Iterations
	if e.m.enough.Iterations == 0 || n < 0 {
		return false
	}
	e.losses = e.losses[n:]
	fall := e.losses[0] - e.losses[len(e.losses)-1]
	return fall < math.Max(e.m.enough.Fall, e.m.enough.Fraction*math.Abs(e.losses[0]))
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

	unsure float64
	rough  float64 // differences by a step that the slope knows to be without any
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
		b.rough = math.Max(b.rough, off/math.Abs(b.f0))
	}
	if off <= b.unsure*math.Abs(b.f0) {
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
