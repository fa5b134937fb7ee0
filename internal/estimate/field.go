package estimate

import (
	"context"
	"fmt"
	"math"
	"strings"

	"gonum.org/v1/gonum/mat"

	"github.com/pinode/pinode/compiler"
	"github.com/pinode/pinode/compiler/check"
	"github.com/pinode/pinode/compiler/exec"
	"github.com/pinode/pinode/compiler/lower"
	"github.com/pinode/pinode/dsl/diag"
	"github.com/pinode/pinode/fit"
	"github.com/pinode/pinode/internal/engine"
	"github.com/pinode/pinode/internal/field"
	"github.com/pinode/pinode/internal/loss"
	"github.com/pinode/pinode/internal/problem"
	"github.com/pinode/pinode/internal/setting"
	"github.com/pinode/pinode/internal/start"
)

// surely is the mean square of what is left of an equation, relative to the size of the field,
// that weighs half a nat beside data: an equation is known to 1e-4.
const surely = 1e-8

// byNetwork is a loss of fields that are a network: of data, then of conditions at points.
type byNetwork struct {
	*field.Objective
	data    *loss.Objective
	squares *loss.Squares // of data; nil: there are none
	sampler *field.Sampler
	space   *problem.Space
	every   int
	held    bool // parameters stay: there are no data that tell them
	work    float64
}

// newByNetwork prepares a fit of fields that are a network.
func newByNetwork(prog *engine.Compiled, from *problem.Problem, settings *setting.Values, plan *fit.Plan, c Options) (*Fit, error) {
	var train []*problem.Trajectory
	if len(prog.Checked.Data) > 0 {
		list, valid, err := trajectories(prog.Program, from, c.Whole)
		if err != nil {
			return nil, err
		}
		train = append(list, valid...)
		if len(train) > 1 {
			return nil, networkRefuses(prog.Program, fmt.Sprintf("data of %d trajectories: each would have a network of its own", len(train)))
		}
	}
	sp, err := problem.NewSpace(prog.Program, train, plan.Trainer.Seed)
	if err != nil {
		return nil, err
	}
	opt, err := engine.SolverOptions(settings)
	if err != nil {
		return nil, err
	}
	switch {
	case plan.Starts > 1:
		return nil, networkRefuses(prog.Program, "more than one start")
	case plan.Uncertainty == "profile":
		return nil, networkRefuses(prog.Program, "`uncertainty: profile`")
	}
	f := &Fit{estimated: estimated{prog: prog}, settings: settings, solver: opt, Plan: plan, State: c.Resume, kept: new(kept)}
	if len(train) > 0 {
		if f.told, err = start.New(prog, sp, train); err != nil {
			return nil, err
		}
		if err := f.told.SetScales(); err != nil {
			return nil, err
		}
	}
	if f.Objective, err = loss.NewObjective(prog, sp, train, nil, opt, "auto", exec.Double, plan.Workers); err != nil {
		return nil, err
	}
	if len(train) > 0 {
		f.Train = summarise(train)
	}
	if f.field, err = newLossByNetwork(prog, f.Objective, train, plan); err != nil {
		return nil, err
	}
	if err := c.setValues(sp); err != nil {
		return nil, err
	}
	plan.Trainer.Objective = f.field
	for _, m := range plan.Trainer.Stages {
		if a, ok := m.(*fit.Auto); ok {
			a.Do = f.train
		}
	}
	if c.Resume != nil {
		if err := plan.Trainer.Accepts(c.Resume); err != nil {
			return nil, err
		}
	}
	if err := f.begin(); err != nil {
		return nil, err
	}
	return f, f.field.sampler.Draw(context.Background(), f.field.Objective, 0, 1, f.X)
}

func networkRefuses(p *compiler.Program, what string) error {
	l := &diag.List{}
	at := p.Checked.Model.Span
	if s := p.Checked.Fit; s != nil {
		at = s.Span
	}
	l.Errorf("not-supported", at, "%s is not supported where the fields are a network", what)
	return l.Err()
}

func newLossByNetwork(prog *engine.Compiled, o *loss.Objective, train []*problem.Trajectory, plan *fit.Plan) (*byNetwork, error) {
	of := prog.Model.Collocation
	module, err := engine.Once(prog, "collocation", func() (*exec.Module, error) { return compiler.Collocation(prog.Model, of, field.Lanes) })
	if err != nil {
		return nil, err
	}
	settings := prog.Checked.Stands.Options
	b := &byNetwork{data: o, space: o.Space, every: settings.Int("resample"), held: o.Total == 0}
	b.sampler = newSampler(prog.Program, settings, plan.Trainer.Seed)
	if settings.Word("sampling") == "data" {
		if b.sampler.Data = placesOf(prog.Program, train); len(b.sampler.Data) == 0 {
			return nil, networkRefuses(prog.Program, "`sampling: data` without rows that tell places")
		}
	}
	inputs := field.Of(o.Space, b.held)
	b.Objective = field.New(inputs, module, of, o.Space.Scales, plan.Workers)
	if err := b.setSizes(prog); err != nil {
		return nil, err
	}
	if len(train) > 0 {
		why := ""
		if b.squares, why, err = loss.NewSquares(o); err != nil {
			return nil, err
		}
		if b.squares == nil && why != "nothing is observed" {
			return nil, networkRefuses(prog.Program, "a loss that has no residuals ("+why+")")
		}
	}
	// Beside data weights say how surely an equation is known, which is alike everywhere.
	b.sampler.Even = b.sampler.Balanced && b.squares == nil
	return b, nil
}

// newSampler draws points as the settings say.
func newSampler(p *compiler.Program, settings *setting.Values, seed uint64) *field.Sampler {
	m := p.Checked.Model
	s := &field.Sampler{
		Inside: settings.Int("points"), Wall: settings.Int("boundary"), Start: settings.Int("initial"),
		Latin: settings.Word("sampling") == "latin", Adaptive: settings.Word("adaptive") == "residual",
		Balanced: settings.Word("weights") == "balanced", Causal: settings.Float("causal"), Weight: 1 / surely, Seed: seed,
	}
	for _, c := range m.Coordinates {
		s.Box.Lo, s.Box.Hi = append(s.Box.Lo, c.Lo), append(s.Box.Hi, c.Hi)
	}
	from, until := m.Time.From, m.Time.Until
	if p.Model.Collocation.Steady {
		from, until = 0, 0
	}
	s.Box.Lo, s.Box.Hi = append(s.Box.Lo, from), append(s.Box.Hi, until)
	return s
}

// placesOf are the places and times of rows that tell all coordinates.
func placesOf(p *compiler.Program, train []*problem.Trajectory) (list []float64) {
	for _, it := range train {
		for i := range it.Rows {
			row := &it.Rows[i]
			var at []float64
			for _, c := range p.Checked.Model.Coordinates {
				if c.Row == nil {
					return nil
				}
				if k := problem.ObserveOffset(p, c.Row); row.Seen()[k] != 0 {
					at = append(at, row.Data()[k])
				}
			}
			if len(at) == len(p.Checked.Model.Coordinates) {
				list = append(list, append(at, it.Span.Saves[row.Save()])...)
			}
		}
	}
	return list
}

// setSizes sets the scales of the network's results to the sizes of the fields at the start.
func (b *byNetwork) setSizes(prog *engine.Compiled) error {
	x, err := b.space.X0()
	if err != nil {
		return err
	}
	for _, s := range prog.Model.Layout.Scales {
		if s.Kind != lower.ScaleNetOut || s.Object.Info().Name != check.NetworkName {
			continue
		}
		sizes := b.space.Scales[s.Off:][:s.N]
		for k := range sizes {
			sizes[k] = 1
		}
		if prog.Model.Collocation.Initial == nil {
			continue
		}
		if err := b.sampler.Sizes(b.Objective, x, sizes); err != nil {
			return err
		}
	}
	b.SetScales(b.space.Scales)
	return nil
}

// firstMoving is the first coordinate that is not held.
func (b *byNetwork) firstMoving() int {
	if b.held {
		return len(b.space.Params)
	}
	return 0
}

// Rows implements fit.Residuals.
func (b *byNetwork) Rows() int {
	n := b.Objective.Rows()
	if b.squares != nil {
		n += b.squares.Rows()
	}
	return n
}

// Weight implements fit.Weights.
func (b *byNetwork) Weight(i int) bool { return i >= len(b.space.Params) }

// Residuals implements fit.Residuals.
func (b *byNetwork) Residuals(ctx context.Context, x []float64, horizon float64, r []float64, jac *mat.Dense) (fit.Result, error) {
	n, p := 0, float64(b.Dim())
	part := func(from, to int) *mat.Dense {
		if jac == nil {
			return nil
		}
		return jac.Slice(from, to, 0, b.Dim()).(*mat.Dense)
	}
	var res fit.Result
	if b.squares != nil {
		n = b.squares.Rows()
		var err error
		if res, err = b.squares.Residuals(ctx, x, horizon, r[:n], part(0, n)); err != nil || res.Failed {
			return res, err
		}
	}
	of, err := b.Objective.Residuals(ctx, x, horizon, r[n:], part(n, len(r)))
	if err != nil || of.Failed {
		return of, err
	}
	b.work += operationsOfPoints * float64(len(r)-n) * p
	return fit.Result{Loss: res.Loss + of.Loss, Terms: append(append([]fit.Term(nil), res.Terms...), of.Terms...), Values: max(1, res.Values+of.Values)}, nil
}

// operationsOfPoints are those that a point takes for each weight.
const operationsOfPoints = 0.2

// Work implements fit.Worker.
func (b *byNetwork) Work() float64 { return b.work }

// Eval implements fit.Objective: the mean over values and residuals.
func (b *byNetwork) Eval(ctx context.Context, x []float64, _ []int, horizon float64, grad []float64) (fit.Result, error) {
	of, err := b.Objective.Eval(ctx, x, nil, horizon, grad)
	if err != nil || of.Failed || b.squares == nil {
		return of, err
	}
	var own []float64
	if grad != nil {
		own = make([]float64, len(grad))
	}
	res, err := b.data.Eval(ctx, x, nil, horizon, own)
	if err != nil || res.Failed {
		return res, err
	}
	n, m := float64(res.Values), float64(of.Values)
	all := fit.Result{Values: res.Values + of.Values, Loss: (n*res.Loss + m*of.Loss) / (n + m)}
	for _, t := range res.Terms {
		all.Terms = append(all.Terms, fit.Term{Name: t.Name, Value: t.Value * n / (n + m)})
	}
	for _, t := range of.Terms {
		all.Terms = append(all.Terms, fit.Term{Name: t.Name, Value: t.Value * m / (n + m)})
	}
	for i := range grad {
		grad[i] = (n*own[i] + m*grad[i]) / (n + m)
	}
	return all, nil
}

// The limits of Gauss–Newton steps for fields: the largest Jacobian, in numbers, and when
// they end.
const (
	mostFieldNumbers  = 4e8
	mostFieldUnknowns = 6000
	mostTimes         = 8 // points, beside those at first
)

// least is a fall of the loss that is none: what is left is below 1e-8 then.
const least = 0.5 * 1e-16 / surely

// train is what `optimizer: auto` does for fields that are a network: one descent, with points
// drawn anew on its way, or L-BFGS where the network is large.
func (f *Fit) train(s *fit.Session) error {
	f.Decisions = nil
	b := f.field
	x0, err := b.space.X0()
	if err != nil {
		return err
	}
	n, rows := b.Dim(), b.Rows()
	say := func(format string, args ...any) { f.Decisions = append(f.Decisions, fmt.Sprintf(format, args...)) }
	if n > mostFieldUnknowns || float64(n)*float64(rows) > mostFieldNumbers {
		iterations := int(math.Min(20000, math.Max(100, s.Budget()*operationsPerSecond/(4*operationsOfPoints*float64(rows*n)))))
		say("L-BFGS, %d iterations at most: %d unknowns and %d residuals are too many for Gauss–Newton steps", iterations, n, rows)
		return s.QuasiNewton(x0, iterations, fit.Enough{})
	}
	say("Gauss–Newton steps in %d unknowns over %d residuals, points drawn anew every %d iterations", n, rows, b.every)
	p := &fit.Problem{
		Loss: b, Horizon: 1, Alike: [][2]int{{len(b.space.Params), n}}, Follow: true, Workers: f.Plan.Workers, Every: b.every,
		Draw: func(ctx context.Context, draw, times int, x []float64) error {
			err := b.sampler.Draw(ctx, b.Objective, draw, times, x)
			if b.sampler.Even { // the derivatives at all points, and no products of them
				b.work += operationsOfPoints * float64(b.Objective.Rows()) * float64(n)
			}
			return err
		},
	}
	if b.sampler.Data == nil {
		p.MostTimes = int(math.Min(mostTimes, mostFieldNumbers/float64(n)/float64(rows)))
	}
	if len(b.space.Params) > 0 && b.held {
		say("parameters stay as they are: there are no data that tell them")
	}
	lim := fit.Limits{Iterations: 20000, Flat: 1e-3, Least: least, Times: 30, Work: s.Budget() * operationsPerSecond}
	o, err := s.Descend("field", p, x0, lim)
	if err != nil {
		if x := s.Reached(); fit.Cut(err) && x != nil {
			s.Return(x, b.meanAt(x), fit.MaxTime, "")
		}
		return err
	}
	if o.Failed {
		return &fit.FailedError{Stage: "auto", Iteration: 1, Failure: fit.Failure{Trajectory: "field", Reason: o.Why}}
	}
	status := fit.MaxIterations
	if o.Converged {
		status = fit.Converged
	}
	s.Return(o.X, o.Value/float64(max(1, rows)), status, o.Why)
	return nil
}

// meanAt is the mean loss where a run was cut off.
func (b *byNetwork) meanAt(x []float64) float64 {
	res, err := b.Eval(context.Background(), x, nil, 1, nil)
	if err != nil || res.Failed {
		return math.Inf(1)
	}
	return res.Loss
}

// left are what is left of each condition at fresh points, relative to the size of the field.
func (b *byNetwork) left(ctx context.Context, x []float64) ([]field.Left, error) {
	return b.sampler.Left(ctx, b.Objective, x)
}

// weighField says what a network is worth: what is left of the equations at fresh points, and
// how data are met.
func (f *Fit) weighField(ctx context.Context, x []float64) error {
	left, err := f.field.left(ctx, x)
	if err != nil {
		return err
	}
	v := &fit.Verdict{Converged: f.State.Status == fit.Converged, Why: f.State.Message, Word: Fits}
	var parts []string
	for _, l := range left {
		parts = append(parts, fmt.Sprintf("%s to %.2g", l.Name, l.RMS))
		if !(l.RMS < poorly) {
			v.Word = Misfit
		}
	}
	if f.State.Status == fit.MaxTime || f.State.Status == fit.Interrupted {
		v.Word = Stopped
	}
	v.Text = "at fresh points, relative to the size of the field, " + strings.Join(parts, ", ")
	if v.Word == Misfit {
		v.Text += "; this is poor: allow more time (`optimizer: auto { budget: … }`), points or units"
	}
	f.Verdict = v
	return nil
}

// poorly is what is left of an equation, relative to the size of the field over the span, from
// which on a network does not solve it.
const poorly = 1e-2
