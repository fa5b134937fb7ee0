package sim

import (
	"fmt"
	"math"
	"slices"
)

// run is what all parts of an Integrator share: what is run, the state that
// the run has come to, and what is kept of its way.
type run struct {
	hy     *Hybrid
	opt    Options
	size   Sizes
	moving bool   // times of instants may depend on parameters
	group  *Group // nil: it does not run in a group
	legs

	model Model
	span  *Span
	out   *Trajectory

	t      float64
	y, d   []float64
	swept  []float64 // the size of y where the step began that led to it: see sweep
	held   []bool    // components of y that `zeno rest` holds
	steps  int       // accepted and rejected so far
	micros int       // micro-steps of the current instant so far
	came   timed     // what the last step ended on, one of no length included

	saves saves
	tape  tape
	order order
}

func newRun(hy *Hybrid, size Sizes, opt Options, group *Group) *run {
	return &run{
		hy: hy, opt: opt, size: size, moving: len(hy.Events)+len(hy.Switches) > 0, group: group,
		y: make([]float64, size.Y), swept: make([]float64, size.Y), d: make([]float64, size.D), held: make([]bool, size.Y),
	}
}

// begin takes over what is to be run.
func (r *run) begin(m Model, span *Span, out *Trajectory) {
	out.reuse(len(span.Saves), r.size)
	r.model, r.span, r.out = m, span, out
	r.use()
	r.t, r.steps = span.T0, 0
	clear(r.held)
	clear(r.swept)
	r.tape.reset()
	r.order = order{t: span.T0}
	r.saves.reset(len(span.Saves))
	r.seekSave()
}

func (s *run) use() {
	if s.group != nil {
		s.group.Use(s.model)
	}
}

// zeroStep records that the root of another guard is at the same time: a step
// of no length whose derivative carries that guard's own time.
func (s *run) zeroStep(guard int) {
	s.came = timed{end: endRoot, ref: guard, event: -1}
	s.record(entry{
		kind: stepEntry, end: endRoot, ref: guard, t: s.t, state: s.tape.keep(s.y, s.d), lo: s.saves.next, hi: s.saves.next,
	})
}

// field is the right-hand side that steps see: the model's at the current discrete
// state, with the components at rest held.
type field struct{ *run }

// RHS implements solvers.System.
func (f field) RHS(t float64, y, dy []float64) {
	f.model.RHS(t, y, f.d, dy)
	for i, h := range f.held {
		if h {
			dy[i] = 0
		}
	}
	f.out.Stats.Evaluations++
}

// rhs sets dy to the right-hand side at a time and state.
func (s *run) rhs(t float64, y, dy []float64) { field{s}.RHS(t, y, dy) }

// fail builds the failure of this run at the current state.
func (s *run) fail(status Status, h float64, format string, args ...any) *Failure {
	f := NewFailure(status, s.t, fmt.Sprintf(format, args...))
	f.H, f.Y, f.D = h, slices.Clone(s.y), slices.Clone(s.d)
	f.Stiffest = s.stiffest()
	if m, ok := s.model.(Explained); ok && (status == Unstable || status == StepTooSmall) {
		if why := m.Why(s.t, s.y, s.d); why != "" {
			f.Detail += "; " + why
		}
	}
	return f
}

// ends reports whether no step follows the current instant.
func (s *run) ends() bool { return !(s.t < s.span.T1) || s.out.Status == Terminated }

// segment says that a smooth piece starts at time t to a model whose inputs jump.
func (s *run) segment(t float64) {
	if m, ok := s.model.(Segmented); ok {
		m.Segment(t)
	}
}

// resolution is how far apart two times must be to count as different.
func (s *run) resolution() float64 { return Resolution(s.t, s.span.T1-s.span.T0) }

// Resolution is how far apart two times near t must be to count as different, in a
// run of the given length.
func Resolution(t, length float64) float64 { return 64 * ulp(math.Max(math.Abs(t), length)) }

// ulp is the distance of |x| to the next larger number.
func ulp(x float64) float64 {
	x = math.Abs(x)
	return math.Float64frombits(math.Float64bits(x)+1) - x
}

func finite(y []float64) bool {
	sum := 0.
	for _, v := range y {
		sum += v - v // 0, or NaN
	}
	return sum == 0
}

// undefined reports whether a discrete variable is no number. One may be infinite, as an
// instant that has not come yet: no step of a solver moves it.
func undefined(d []float64) bool { return slices.ContainsFunc(d, math.IsNaN) }

// blame names a guard and the event that it belongs to.
func (s *run) blame(f *Failure, guard int) *Failure {
	f.Guard = guard
	for e := range s.hy.Events {
		if c := s.hy.Events[e].Cond; c != nil {
			for _, g := range c.Guards(nil) {
				if g == guard {
					f.Event = e
					return f
				}
			}
		}
	}
	return f
}

// stuckOn is the failure of a solution on surfaces that it neither leaves nor
// slides along.
func (s *run) stuckOn(what string, switches ...int) *Failure {
	f := s.fail(Sliding, 0, "%s", what)
	f.Switches = switches
	return f
}
