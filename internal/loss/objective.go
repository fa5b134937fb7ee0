package loss

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync/atomic"

	"github.com/pinode/pinode/compiler"
	"github.com/pinode/pinode/compiler/check"
	"github.com/pinode/pinode/compiler/exec"
	"github.com/pinode/pinode/compiler/lower"
	"github.com/pinode/pinode/data"
	"github.com/pinode/pinode/dsl/diag"
	"github.com/pinode/pinode/fit"
	"github.com/pinode/pinode/internal/encoder"
	"github.com/pinode/pinode/internal/engine"
	"github.com/pinode/pinode/internal/explain"
	"github.com/pinode/pinode/internal/problem"
	"github.com/pinode/pinode/sim"
)

// CheckPriors refuses a start where a prior has no density. Constant ones are
// checked with the model.
func (o *Objective) CheckPriors(x []float64) error {
	w := o.Workers[0]
	if w.System.Priors.Run == nil {
		return nil
	}
	w.System.Bind(o.Space.SharedAt(x, o.Natural), o.Space.Scales)
	l := &diag.List{}
	for _, it := range o.Trajectories {
		w.System.BindTrajectory(o.Space.OwnInputs(o.Natural, it, w.System.Q[:0]), it.Signals)
		w.System.Priors.Run.Run()
		for i, v := range w.System.Priors.Run.Value {
			if math.IsNaN(v) || math.IsInf(v, 1) {
				p := o.Prog.Model.Priors[i].Param
				if p == nil {
					return errors.New("the prior of weights of a neural block has no density at their start values: look at its arguments")
				}
				l.Errorf("outside-interval", p.Init.Span, "the prior of `%s` has no density at its start value", p.Name).WithNote(p.Prior.Span, "its prior")
				return l.Err()
			}
		}
	}
	return nil
}

// Name is what is fitted at place i: a parameter, or a weight of a network.
func (o *Objective) Name(i int) string {
	if i < len(o.Space.Params) {
		return o.Space.Params[i].Name
	}
	for _, w := range o.Space.Weights {
		if i >= w.At && i < w.At+w.N {
			for _, t := range o.Prog.Model.Layout.Weights {
				if k := w.Off + i - w.At; k >= t.Off && k < t.Off+t.Shape.Size() {
					return fmt.Sprintf("%s[%d]", t.Name, k-t.Off)
				}
			}
		}
	}
	return fmt.Sprint(i)
}

// Objective is the loss of a model over trajectories, for package fit.
type Objective struct {
	Prog         *engine.Compiled
	Space        *problem.Space
	Trajectories []*problem.Trajectory
	Validation   []*problem.Trajectory
	Gradient     string
	Total        int   // what the loss of all trajectories is the mean of: see Count
	counted      []int // by loss term, the rows at which it counts: see Count

	*engine.Runner
	LossWorkers []*Worker // of the workers
	Natural, p  []float64 // natural values; room for the shared inputs
	NaturalBar  []float64
	Last        []LastRun // of each trajectory
	schedule

	addition
	AllIndices []int
	leastChunk int // trajectories of a chunk, where there are as many
	batch      []*problem.Trajectory
	draws
}

// addition adds the parts of the loss up.
type addition struct {
	parts          []part
	gaps           *gaps
	ofRuns         []placed // of these, those that look at each run
	likelihoodOnly bool
	sums           [][]float64
	evaluation     evaluation
	validTerms     []fit.Term // room for those of the trajectories that are held back
}

// schedule gives the chunks of a task to workers.
type schedule struct {
	Task   Task
	Chunks []Chunk
	next   atomic.Int64 // the first chunk that no worker has taken
	failed atomic.Int64 // the first chunk that failed
	added  atomic.Int64 // the first chunk whose gradient is not in the result
	work   func(*engine.Worker)
}

// Task is an evaluation of the loss.
type Task struct {
	Ctx                     context.Context
	Trajectories            []*problem.Trajectory
	Index                   []int // of each in the objective's trajectories; nil: they are others
	Size                    int   // of a chunk
	Horizon                 float64
	PerValue, PerTrajectory float64
	X, Grad                 []float64 // Grad: nil, or where the gradient goes

	lin *linear // where residuals and their derivatives go; nil: none are asked for
}

// keeps reports whether a task differentiates its runs.
func (t *Task) keeps() bool { return t.Grad != nil || t.lin != nil && t.lin.jac != nil }

// LastRun is what a trajectory's last run over the whole horizon was like.
type LastRun struct {
	known bool
	Order uint64 // of its events
	Loss  float64
}

// Chunk is the sum over some trajectories that follow each other. One worker
// computes it, in an order that does not depend on the others, and chunks are
// added up in their order: results have the same bits whatever the number of
// workers.
type Chunk struct {
	loss             float64
	sums             [][]float64 // of parts
	kinks            int
	NaturalBar, Grad []float64 // Grad is own, or where the result goes
	own              []float64
	added            bool         // its weights' part of Grad is in the result
	Fail             *sim.Failure // of trajectory at
	At               int
}

// chunkSize is how many of n trajectories make a chunk: enough to fill the
// lanes, few enough to occupy many cores. Of large networks each chunk has a
// gradient as large as its weights, which takes the least number of trajectories
// to be worth while, or twice as many where that leaves two chunks.
func chunkSize(n, least int) int {
	up := func(k int) int { return (k + engine.MaxLanes - 1) / engine.MaxLanes * engine.MaxLanes }
	size := max(up((n+63)/64), min(64, up((n+7)/8)))
	if least > 0 {
		size = max(size, min(up(n), max(up(least), min(up(2*least), up((n+1)/2)))))
	}
	return size
}

// largeRows is how many rows of a large network make a chunk at least.
const largeRows = 64

// blockWords is the size of their tapes from which on no run is added: they
// are read again soon, from the second-level cache if they fit.
const blockWords = 1 << 16

// savedWords is the size of their saves from which on no run is added to those that fill the lanes: rows of
// long tables do not stand in memory a second time.
const savedWords = 1 << 20

// NewObjective compiles the loss of trajectories, with a validation loss of others,
// for up to so many workers; 0: one for each core.
func NewObjective(c *engine.Compiled, sp *problem.Space, trajectories, valid []*problem.Trajectory, opt sim.Options, gradient string, networks exec.Precision, workers int) (*Objective, error) {
	o := &Objective{Prog: c, Space: sp, Trajectories: trajectories, Validation: valid, Gradient: opt.Gradient(gradient), draws: draws{copies: sp.Copies()}}
	var err error
	want := compiler.Want{Reverse: true, Jacobian: opt.Stiff != nil && gradient != "unrolled" && gradient != "auto", Forward: true, Networks: networks, Segments: true}
	if o.Runner, err = engine.NewRunner(c, opt, max(len(trajectories), len(valid)), want, false, workers); err != nil {
		return nil, err
	}
	if err := addEncoder(o, max(len(trajectories), len(valid)), encoder.Options{Options: opt, Reverse: true, Networks: networks, Workers: workers}); err != nil {
		return nil, err
	}
	w := o.Workers[0]
	for _, list := range [][]*problem.Trajectory{trajectories, valid} {
		for _, it := range list {
			if err := countRows(c.Program, w.System, it); err != nil {
				return nil, err
			}
		}
	}
	o.counted = make([]int, len(c.Checked.Model.Losses))
	o.Total = o.Count(trajectories, 1)
	o.Natural, o.NaturalBar, o.p = make([]float64, len(sp.Params)), make([]float64, len(sp.Params)), make([]float64, len(sp.P))
	o.Last = make([]LastRun, len(trajectories)*o.copies)
	o.AllIndices = make([]int, len(trajectories))
	for i := range o.AllIndices {
		o.AllIndices[i] = i
	}
	o.gaps = newGaps(o)
	o.parts = newParts(o)
	o.ofRuns, o.sums = lookingAtRuns(o.parts), newSums(o.parts)
	rows := 0
	for _, it := range trajectories {
		rows += len(it.Rows)
	}
	var side *exec.Module
	if rows > 1 {
		if side, err = engine.Once(c, networks, func() (*exec.Module, error) { return c.Rows(engine.MaxLanes, networks) }); err != nil {
			return nil, err
		}
	}
	if side != nil && side.Together() > 1 {
		o.leastChunk = (largeRows*len(trajectories) + rows - 1) / rows
	}
	for _, w := range o.Workers {
		s := newWorker(o, w)
		if o.encoder != nil {
			s.encoding.worker = o.encoder.Workers[w.Index]
		}
		if side != nil {
			s.batch = newRowBatch(side, w.System)
			w.TrackWeights(s.batch.lead)
		}
		o.LossWorkers = append(o.LossWorkers, s)
	}
	o.work = func(w *engine.Worker) { o.LossWorkers[w.Index].do() }
	return o, nil
}

// Dim is how many numbers are fitted.
func (o *Objective) Dim() int { return o.Space.Dim }

// Items is how many trajectories there are.
func (o *Objective) Items() int { return len(o.Trajectories) }

// Length is the time that a trajectory spans.
func (o *Objective) Length(i int) float64 {
	return o.Trajectories[i].Span.T1 - o.Trajectories[i].Span.T0
}

// Weight reports whether a coordinate is a weight of a network.
func (o *Objective) Weight(i int) bool { return i >= len(o.Space.Params) }

// Eval is the loss: the mean over measured values of their losses, leaving out
// observations of weight 0; the mean of each loss term over its rows, or over
// trajectories; the mean over trajectories of penalties; priors over all values;
// and weight decay.
func (o *Objective) Eval(ctx context.Context, x []float64, batch []int, horizon float64, grad []float64) (fit.Result, error) {
	if batch == nil {
		return o.eval(ctx, x, o.Trajectories, o.AllIndices, horizon, grad)
	}
	o.batch = o.batch[:0]
	for _, k := range batch {
		o.batch = append(o.batch, o.Trajectories[k])
	}
	return o.eval(ctx, x, o.batch, batch, horizon, grad)
}

// Validate is the loss over the trajectories that are held back.
func (o *Objective) Validate(ctx context.Context, x []float64, horizon float64) (fit.Result, error) {
	e, set := &o.evaluation, o.set
	e.terms, o.validTerms = o.validTerms, e.terms
	o.Redraw(0)
	defer func() {
		e.terms, o.validTerms = o.validTerms, e.terms
		o.Redraw(int(set))
	}()
	return o.eval(ctx, x, o.Validation, nil, horizon, nil)
}

// Terms are those of the last evaluation.
func (o *Objective) Terms() []fit.Term { return o.evaluation.terms }

// counts reports whether a part is in the loss that is asked for.
func (o *Objective) counts(p part) bool { return !o.likelihoodOnly || p.likelihood() }

func (o *Objective) eval(ctx context.Context, x []float64, trajectories []*problem.Trajectory, index []int, horizon float64, grad []float64) (fit.Result, error) {
	values := o.Count(trajectories, horizon)
	if values == 0 && (o.Total == 0 || horizon < 1) { // else a batch has none, and others have
		return fit.Result{}, &data.Error{Text: "there is no measured value to fit within this horizon"}
	}
	perValue, perTrajectory := 1/float64(max(1, values)), 1/float64(len(trajectories))
	o.WeighLosses(perValue, perTrajectory)
	trajectories, index = o.repeat(trajectories, index)
	perValue, perTrajectory = perValue/float64(o.copies), perTrajectory/float64(o.copies)
	size := chunkSize(len(trajectories), o.leastChunk)
	if o.encoder != nil { // copies of one trajectory share its encoder's run
		size = (size + o.copies - 1) / o.copies * o.copies
	}
	o.Compute(Task{ctx, trajectories, index, size, horizon, perValue, perTrajectory, x, grad, nil})
	e := &o.evaluation
	*e = evaluation{
		res: fit.Result{Values: values}, terms: e.terms[:0], trajectories: trajectories,
		perValue: perValue, perTrajectory: perTrajectory, x: x, grad: grad, natural: o.NaturalBar,
	}
	if err := o.addChunks(e); err != nil || e.res.Failed {
		return e.res, err
	}
	e.res.Loss *= perValue
	for i, p := range o.parts {
		if o.counts(p) {
			p.total(e, o.sums[i])
		}
	}
	e.res.Terms = e.terms
	if grad != nil {
		n := len(o.Space.Params)
		o.Space.Transforms.Pullback(grad[:n], x[:n], o.NaturalBar)
	}
	return e.res, nil
}

// Failure is the first run of the last evaluation that failed, or nil.
func (o *Objective) Failure() error {
	for i := range o.Chunks {
		if c := &o.Chunks[i]; c.Fail != nil {
			return &explain.RunError{Trajectory: o.Task.Trajectories[c.At].Name, Fail: c.Fail, Text: explain.Failure(o.Prog.Program, c.Fail)}
		}
	}
	return nil
}

// addChunks adds up the chunks in their order, or says that one has failed.
func (o *Objective) addChunks(e *evaluation) error {
	clearSums(o.sums)
	if err := o.Task.Ctx.Err(); err != nil { // what runs have then come to is no result
		return err
	}
	for i := range o.Chunks {
		c := &o.Chunks[i]
		if c.Fail != nil {
			e.res.Failed = true
			e.res.Reason = fit.Failure{
				Item: c.At, Trajectory: e.trajectories[c.At].Name, Time: c.Fail.T,
				Reason: c.Fail.Status.String() + ": " + explain.Failure(o.Prog.Program, c.Fail),
			}
			clear(e.grad)
			return nil
		}
		e.res.Loss += c.loss
		e.res.Kinks += c.kinks
		for k, s := range c.sums {
			engine.Add(o.sums[k], s)
		}
		switch {
		case e.grad == nil:
		case i == 0: // grad is its own
			copy(o.NaturalBar, c.NaturalBar)
		default:
			if !c.added {
				engine.Add(e.grad, c.Grad)
			}
			engine.Add(o.NaturalBar, c.NaturalBar)
		}
	}
	return nil
}

// Count is how many numbers the loss of trajectories is the mean of: their measured
// values of observations with a weight, told firings included, or, if there
// are none, the rows of loss terms. It notes the rows of each of these.
func (o *Objective) Count(trajectories []*problem.Trajectory, horizon float64) (values int) {
	clear(o.counted)
	for _, it := range trajectories {
		span, n := it.Horizon(horizon)
		for i := range it.Rows[:n] {
			r := it.Rows[i]
			values += r.Counted()
			for k, on := range r.Losses() {
				if on {
					o.counted[k]++
				}
			}
		}
		values += it.ObservedFirings(&span)
	}
	if values == 0 {
		for _, n := range o.counted {
			values += n
		}
	}
	return values
}

// WeighLosses sets what a loss term at a row weighs beside a measured value, so
// that each is the mean over its own rows, or over trajectories.
func (o *Objective) WeighLosses(perValue, perTrajectory float64) {
	k := 0
	for _, s := range o.Prog.Model.Layout.Scales {
		if s.Kind != lower.ScaleLoss {
			continue
		}
		w := 1 / float64(max(1, o.counted[k]))
		if s.Object.(*check.Loss).PerTrajectory {
			w = perTrajectory
		}
		if o.likelihoodOnly {
			w = 0
		}
		o.Space.Scales[s.Off] = w / perValue
		k++
	}
}

// countRows notes what counts at the rows of a trajectory: which loss terms, and
// which values of observations whose weight is not constant.
func countRows(p *compiler.Program, sys *engine.System, it *problem.Trajectory) error {
	if sys.Counts == nil || len(it.Rows) == 0 || it.Rows[0].Asked() {
		return nil
	}
	copy(sys.Q, it.Given)
	sys.Signals = it.Signals
	lay, losses := &p.Model.Layout, len(p.Checked.Model.Losses)
	it.Rows = problem.Apart(it.Rows)
	problem.Ask(it.Rows, losses)
	for i := range it.Rows {
		r := it.Rows[i]
		t := it.Span.Saves[r.Save()]
		sys.RowAt(t, nil, nil, nil, nil, r.Data(), r.Seen(), r.Inputs(), r.Own())
		sys.Counts.Run()
		for k := range losses {
			r.Losses()[k] = sys.Counts.Value[k] != 0
		}
		k := losses
		for _, s := range lay.Observes {
			o := s.Object.(*check.Observe)
			if o.Weights == nil {
				continue
			}
			v := sys.Counts.Value[k]
			k++
			seen := 0
			for e := range s.N {
				seen += int(r.Seen()[s.Off+e])
			}
			switch {
			case seen > 0 && !(v >= 0 && !math.IsInf(v, 1)):
				return &data.Error{File: it.Set.File, Text: fmt.Sprintf("the weight of `%s` at %g is %g", o.Name, t, v), Help: "a weight is a number, 0 or more"}
			case v == 0:
				r.Recount(r.Values(), r.Counted()-seen)
			}
		}
	}
	return nil
}

// Compute does a task: it fills the chunks.
func (o *Objective) Compute(t Task) {
	o.Task = t
	o.Watch(t.Ctx)
	o.Space.Transforms.Forward(o.Natural, t.X[:len(o.Natural)])
	o.bindAll(o.Space.SharedInputs(t.X, o.Natural, o.p))
	n := (len(t.Trajectories) + t.Size - 1) / t.Size
	for len(o.Chunks) < n {
		o.Chunks = append(o.Chunks[:len(o.Chunks)], Chunk{
			sums: newSums(o.parts), NaturalBar: make([]float64, len(o.NaturalBar)),
		})
	}
	o.Chunks = o.Chunks[:n]
	for i := range o.Chunks {
		c := &o.Chunks[i]
		if i > 0 && t.Grad != nil && c.own == nil {
			c.own = make([]float64, o.Space.Dim)
		}
		if c.Grad = c.own; i == 0 {
			c.Grad = t.Grad
		}
	}
	o.next.Store(0)
	o.added.Store(0)
	o.failed.Store(int64(n))
	o.Each(o.work)
}

// bindAll lets all programs read p as the shared parameters, without a copy, and sets the
// scales.
func (o *Objective) bindAll(p []float64) {
	o.Bind(p, o.Space.Scales)
	if o.encoder != nil {
		o.encoder.Bind(o.Task.Ctx, p, o.Space.Scales)
	}
	for _, s := range o.LossWorkers {
		if s.batch != nil {
			s.batch.bind(p, o.Space.Scales)
		}
	}
	if o.Task.lin != nil {
		for _, q := range o.Task.lin.of.workers {
			q.bind(p, o.Space.Scales)
		}
	}
}
