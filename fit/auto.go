package fit

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/pinode/pinode/internal/setting"
)

// Auto is a procedure of many descents, of which the caller of a trainer has the plan. What
// they found stands in the state: a run that is taken up goes through the plan again,
// reads there what was done, and goes on where it was.
type Auto struct {
	// Do carries out the plan. It tells the session what to return. Without one the
	// method is L-BFGS to the end.
	Do func(*Session) error

	// Options of the setting.
	Budget  float64  // in seconds of work on two cores of 2020, counted in operations
	Without []string // parts of the plan that are left out, of AutoParts
}

// AutoParts are the parts of the plan that may be left out, to see what they do for a problem.
var AutoParts = []setting.Choice{
	{Name: "spread", Doc: "networks whose hidden units are spread over the data, beside those as their `init` says"},
	{Name: "firings", Doc: "events that fire where the data show it, while their thresholds are looked for"},
	{Name: "matching", Doc: "segments from row to row that begin on smooth curves"},
	{Name: "tempo", Doc: "starts at which the model swings as fast as the data"},
	{Name: "horizon", Doc: "a part of each trajectory first, that grows"},
	{Name: "thresholds", Doc: "thresholds of events drawn within the data"},
	{Name: "growing", Doc: "segments that grow"},
	{Name: "shooting", Doc: "segments with free starts, whose gaps cost more and more"},
	{Name: "random", Doc: "random starts"},
	{Name: "bends", Doc: "second derivatives that lead steps of networks round bends"},
	{Name: "evidence", Doc: "strengths of ridges, and the choice among networks, by the evidence"},
}

// Name is the name in the list Optimizers.
func (*Auto) Name() string { return "auto" }

// Iterations is the largest number of iterations: there is none.
func (*Auto) Iterations() int { return 0 }

func (a *Auto) check() error {
	if !(a.Budget > 0) {
		return errors.New("the budget must be positive")
	}
	return nil
}

// journal is the memory of a procedure.
type journal struct {
	Done []*Outcome  `json:"done,omitempty"`
	Now  *descending `json:"now,omitempty"`
}

// Session is a procedure at work.
type Session struct {
	*run
	auto *Auto
	j    *journal
	at   int // outcomes that the plan has come to

	stopped bool
	Note    func(text string) // of what is done, unless nil
}

func (a *Auto) run(r *run) (Status, error) {
	s := r.state
	if s.Method.Auto == nil {
		s.Method.Auto = new(journal)
	}
	if a.Do == nil {
		m := endless
		return m.run(r)
	}
	e := &Session{run: r, auto: a, j: s.Method.Auto}
	err := a.Do(e)
	switch {
	case errors.Is(err, errEnded):
		return Running, nil
	case err != nil:
		return Running, err
	}
	return s.Status, nil
}

// endless is L-BFGS to its own test of convergence.
var endless = LBFGS{MaxIterations: 20000, Memory: 20, GradTol: 1e-9, LossTol: 1e-10}

// QuasiNewton minimises the trainer's objective from x by L-BFGS, in so many iterations at
// most and until that is enough, and makes the end the result if it is the best so far.
func (s *Session) QuasiNewton(x []float64, iterations int, enough Enough) error {
	if s.state.Iteration == 0 { // else it is taken up
		copy(s.state.X, x)
	}
	m := endless
	m.MaxIterations, m.enough = max(1, iterations), enough
	status, err := m.run(s.run)
	switch {
	case err != nil:
		return err
	case status == Running:
		s.stopped = true
		return errEnded
	}
	s.state.Status = status
	return nil
}

// Stopped reports whether the run has been cut off, by the clock or by its context.
func (s *Session) Stopped() bool { return s.stopped }

// Cut is the error of what a cut-off session was about to do.
func Cut(err error) bool { return errors.Is(err, errEnded) }

// Budget is that of the setting.
func (s *Session) Budget() float64 { return s.auto.Budget }

// Has reports whether a part of the plan is not left out.
func (s *Session) Has(part string) bool { return !slices.Contains(s.auto.Without, part) }

// Descend minimises a problem from x0, or returns what an earlier part of the run found
// there. It returns errEnded when the run is cut off; what was reached until then is in
// Reached.
func (s *Session) Descend(label string, p *Problem, x0 []float64, lim Limits) (*Outcome, error) {
	if s.at < len(s.j.Done) {
		o := s.j.Done[s.at]
		if o.Label != label || len(o.X) != len(x0) {
			return nil, fmt.Errorf("the checkpoint is damaged: it has `%s` where this run does `%s`", o.Label, label)
		}
		s.at++
		return o, nil
	}
	if s.stopped || s.over() {
		s.stopped = true
		return nil, errEnded
	}
	if s.j.Now == nil {
		s.j.Now = &descending{X: slices.Clone(x0)}
	}
	rejected := 0
	o, err := descend(s.run, p, s.j.Now, lim, func(e *gaussNewton) (bool, error) {
		copy(s.state.X, e.x)
		rec := Record{Horizon: p.Horizon, Loss: e.before, GradNorm: floatsMax(e.g), Rejected: e.d.Rejected - rejected, Phase: label}
		rejected = e.d.Rejected
		return s.finish(rec)
	})
	if errors.Is(err, errEnded) || err != nil && s.ctx.Err() != nil {
		s.stopped = true
		return nil, errEnded
	}
	if err != nil {
		return nil, err
	}
	o.Label = label
	s.j.Done, s.j.Now = append(s.j.Done, o), nil
	s.at++
	return o, nil
}

// Reached is where a descent stood when the run was cut off, or nil.
func (s *Session) Reached() []float64 {
	if s.j.Now == nil {
		return nil
	}
	return s.j.Now.X
}

// Return makes a point the result, with the mean training loss there.
func (s *Session) Return(x []float64, loss float64, status Status, message string) {
	st := s.state
	copy(st.X, x)
	st.Best = &Point{X: slices.Clone(x), Score: loss, Horizon: 1, Stage: st.Stage, Iteration: st.Iteration}
	if !s.stopped {
		st.Status, st.Message = status, message
	}
}

func floatsMax(g []float64) float64 { return math.Min(normInf(g), math.MaxFloat64) }
