package fit

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"
)

// Method is the optimiser of one stage: a [FirstOrder], an [LBFGS] or a
// [LevenbergMarquardt].
type Method interface {
	// Name is the name in the list Optimizers.
	Name() string
	// Iterations is the largest number of iterations, epochs for a
	// first-order method.
	Iterations() int

	check() error
	// run goes on from the state's X and memory to the end of the stage. It
	// returns Running when the trainer ended the run.
	run(r *run) (Status, error)
}

// Curriculum lets the horizon, the fraction of each trajectory that is
// followed, grow linearly over the first epochs. The zero value follows the
// whole trajectory from the start.
type Curriculum struct {
	From, To float64
	Epochs   int
}

// At is the horizon in epoch number epoch, from 0.
func (c Curriculum) At(epoch int) float64 {
	if c == (Curriculum{}) {
		return 1
	}
	if epoch >= c.Epochs {
		return c.To
	}
	return c.From + (c.To-c.From)*float64(epoch)/float64(c.Epochs)
}

// Stop ends a stage, or the run, before its iterations are used up. The zero
// value never does.
type Stop struct {
	// Patience ends the stage after this many iterations at the full horizon
	// whose score is no better; 0 is no limit.
	Patience int
	// MinDelta is by how much a score must be lower to count as better.
	MinDelta float64
	// Validate lets the trajectories that are held back choose the result and end
	// stages; else they only report.
	Validate bool
	// MaxTime ends the run, counting the time of earlier parts of a resumed
	// one; 0 is no limit.
	MaxTime time.Duration
}

// Progress is what an observer is told after each iteration.
type Progress struct {
	Stage         string // name of the method
	Index, Stages int    // its place in the chain, from 0
	Iteration, Of int    // from 1; epochs for first-order methods. Of is 0 where there is no limit
	Phase         string // of a procedure: what the iteration is for
	Loss          float64
	Valid         float64 // NaN when there is none
	LR            float64 // 0 for methods without
	Horizon       float64
	GradNorm      float64
	Elapsed       time.Duration
	ETA           time.Duration // to the end of the stage, at the pace of this run
	Start, Starts int           // of several: the number of this one, from 0, and how many there are
	State         *State        // the live one, which goes on changing
}

// Trainer fits an objective by a chain of methods. Its fields are set before
// Run and not changed.
type Trainer struct {
	Objective  Objective
	Stages     []Method // each starts from the best point of those before
	Batch      int      // trajectories per step of a first-order method; 0 is all
	Group      bool     // form batches of trajectories of similar length
	Curriculum Curriculum
	Stop       Stop
	Seed       uint64

	// CheckpointEvery is the number of iterations between calls of Checkpoint;
	// 0 is never. The state is the live one: write it before returning. An
	// error of Checkpoint ends the run.
	CheckpointEvery int
	Checkpoint      func(*State) error
	// Observer is told of each iteration, unless nil.
	Observer func(Progress)

	now func() time.Time // the clock; nil is time.Now
}

// Check tells whether the trainer's fields fit together. Run calls it.
func (t *Trainer) Check() error {
	if t.Objective == nil {
		return errors.New("a fit needs an objective")
	}
	if t.Objective.Dim() < 1 {
		return errors.New("there is nothing to fit: the model has no free parameter and no trainable weight")
	}
	if t.Objective.Items() < 1 {
		return errors.New("there is no training trajectory")
	}
	if err := t.checkChain(); err != nil {
		return err
	}
	if _, squares := t.Objective.(Residuals); !squares && uses[*LevenbergMarquardt](t.Stages) {
		return errors.New("levenberg_marquardt: the loss is not a sum of squares: use lbfgs, or normal observations without other penalties")
	}
	if _, ok := t.Objective.(Lengths); t.Group && !ok {
		return errors.New("`group: length`: the objective does not tell the lengths of its trajectories")
	}
	return nil
}

// checkChain checks what does not depend on the objective.
func (t *Trainer) checkChain() error {
	if len(t.Stages) == 0 {
		return errors.New("a fit needs at least one optimizer")
	}
	epochs := 0
	for _, m := range t.Stages {
		if _, endless := m.(*Auto); !endless && m.Iterations() < 1 {
			return fmt.Errorf("%s: the number of iterations must be at least 1, not %d", m.Name(), m.Iterations())
		}
		if err := m.check(); err != nil {
			return fmt.Errorf("%s: %w", m.Name(), err)
		}
		if _, ok := m.(*FirstOrder); ok {
			epochs += m.Iterations()
		}
	}
	switch c := t.Curriculum; {
	case t.Batch < 0 || t.CheckpointEvery < 0 || t.Stop.Patience < 0 || t.Stop.MinDelta < 0 || t.Stop.MaxTime < 0:
		return errors.New("batch, checkpoint_every, patience, min_delta and max_time must not be negative")
	case t.Group && t.Batch == 0:
		return errors.New("`group: length` needs a `batch` size")
	case t.Batch > 0 && epochs == 0:
		return errors.New("`batch` needs a first-order optimizer such as adam: line searches and trust regions compare losses over all trajectories")
	case c == Curriculum{}:
	case !(c.From > 0 && c.From <= c.To && c.To <= 1) || c.Epochs < 1:
		return fmt.Errorf("curriculum: needs 0 < from <= to <= 1 over at least 1 epoch, not from %g to %g over %d", c.From, c.To, c.Epochs)
	case epochs == 0:
		return errors.New("a curriculum needs a first-order optimizer such as adam: other methods work at the full horizon")
	case c.Epochs > epochs:
		return fmt.Errorf("the curriculum takes %d epochs, but the first-order optimizers make only %d", c.Epochs, epochs)
	}
	return nil
}

// Run fits from the start coordinates x0. The result is the state's Best. A
// failed run returns an error and, if it got that far, the state it reached;
// any other end, an ended context too, is the state's Status and no error.
func (t *Trainer) Run(ctx context.Context, x0 []float64) (*State, error) {
	if err := t.Check(); err != nil {
		return nil, err
	}
	if len(x0) != t.Objective.Dim() {
		return nil, fmt.Errorf("%d start values were given for %d coordinates", len(x0), t.Objective.Dim())
	}
	for i, v := range x0 {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, fmt.Errorf("the start value of coordinate %d is %g", i, v)
		}
	}
	s := &State{Version: stateVersion, Seed: t.Seed, X: slices.Clone(x0), Stages: t.names()}
	return t.run(ctx, s)
}

// Resume goes on from a state, which is not changed, with the same trainer
// settings. It takes the steps that an uninterrupted run would have taken, bit
// for bit. A state that was not interrupted is taken up as well, where
// its stage has iterations left.
func (t *Trainer) Resume(ctx context.Context, from *State) (*State, error) {
	if err := t.Check(); err != nil {
		return nil, err
	}
	s, err := from.clone()
	if err != nil {
		return nil, err
	}
	if err := t.Accepts(s); err != nil {
		return nil, err
	}
	return t.run(ctx, s)
}

// Accepts says why a state cannot be gone on from, or nothing.
func (t *Trainer) Accepts(s *State) error {
	switch {
	case len(s.X) != t.Objective.Dim():
		return fmt.Errorf("the checkpoint has %d coordinates, the model has %d: it belongs to another model", len(s.X), t.Objective.Dim())
	case !slices.Equal(s.Stages, t.names()) || s.Stage < 0 || s.Stage >= len(t.Stages):
		return fmt.Errorf("the checkpoint was made by the optimizers %v, this run has %v", s.Stages, t.names())
	case s.Seed != t.Seed:
		return fmt.Errorf("the checkpoint was made with seed %d, this run has seed %d", s.Seed, t.Seed)
	case s.Iteration < 0 || s.Epoch < 0 || s.Best != nil && len(s.Best.X) != len(s.X):
		return errors.New("the checkpoint is damaged: its parts do not fit together")
	}
	return nil
}

func (t *Trainer) names() []string {
	names := make([]string, len(t.Stages))
	for i, m := range t.Stages {
		names[i] = m.Name()
	}
	return names
}

// run is a trainer at work.
type run struct {
	*Trainer
	ctx   context.Context
	state *State

	began, stageBegan time.Time
	written           time.Time     // the last checkpoint
	before            time.Duration // elapsed in earlier sessions
	firstIteration    int           // of the stage in this run
	decay             []bool        // nil when all coordinates decay
	validation        error         // last failure of validation
}

func (t *Trainer) run(ctx context.Context, s *State) (*State, error) {
	r := &run{Trainer: t, ctx: ctx, state: s, before: s.Elapsed}
	r.began = r.clock()
	r.written = r.began
	if limit := t.Stop.MaxTime; limit > 0 && t.now == nil { // in the middle of an evaluation too
		var cancel func()
		r.ctx, cancel = context.WithTimeout(ctx, limit-s.Elapsed)
		defer cancel()
	}
	s.Status, s.Message = Running, ""
	if w, ok := t.Objective.(Weights); ok {
		r.decay = make([]bool, t.Objective.Dim())
		for i := range r.decay {
			r.decay[i] = w.Weight(i)
		}
	}
	err := r.stages()
	s.Elapsed = r.elapsed()
	if err == nil && s.Best == nil && s.Status != Interrupted && s.Status != MaxTime {
		err = fmt.Errorf("no point of the run could be scored: %w", r.validation)
	}
	if err != nil {
		s.Status, s.Message = Failed, err.Error()
	}
	return s, err
}

// stages runs the chain from the state's stage on.
func (r *run) stages() error {
	s := r.state
	for {
		m := r.Stages[s.Stage]
		r.stageBegan, r.firstIteration = r.clock(), s.Iteration
		status, err := Running, r.ctx.Err()
		if err == nil {
			status, err = m.run(r)
		}
		if r.ctx.Err() != nil && (err == nil && status == Running || errors.Is(err, r.ctx.Err())) {
			s.Status = Interrupted
			if r.late() {
				s.Status = MaxTime
			}
			return nil
		}
		if err != nil {
			return err
		}
		if status == Running { // ended by the clock; see finish
			return nil
		}
		s.Status = status
		if s.Stage == len(r.Stages)-1 {
			return nil
		}
		s.Stage++
		s.Iteration, s.Method = 0, memory{}
		s.Mark, s.Wait = nil, 0
		s.Status, s.Message = Running, ""
		if s.Best != nil {
			copy(s.X, s.Best.X)
		}
	}
}

func (r *run) clock() time.Time {
	if r.now != nil {
		return r.now()
	}
	return time.Now()
}

func (r *run) elapsed() time.Duration { return r.before + r.clock().Sub(r.began) }

// eval evaluates the objective, refusing numbers that are not finite.
func (r *run) eval(x []float64, batch []int, horizon float64, grad []float64) (Result, error) {
	res, err := r.Objective.Eval(r.ctx, x, batch, horizon, grad)
	if err == nil {
		err = finite(&res, grad)
	}
	if err != nil && !errors.Is(err, r.ctx.Err()) {
		return res, fmt.Errorf("%s, iteration %d: %w", r.Stages[r.state.Stage].Name(), r.state.Iteration+1, err)
	}
	return res, err
}

// score rates x for the choice of the best point, before the step of the
// iteration that rec describes. train is the training loss over all items at
// x, or nil where a method has none; it is then evaluated, if it is needed.
// ok is false when a solve failed.
func (r *run) score(rec *Record, x []float64, train *float64) (score float64, ok bool, err error) {
	s := r.state
	v, validated := r.Objective.(Validator)
	if validated {
		res, err := v.Validate(r.ctx, x, rec.Horizon)
		if err == nil {
			err = finite(&res, nil)
		}
		switch {
		case err != nil:
			return 0, false, err
		case !res.Failed:
			score = res.Loss
			loss := res.Loss
			rec.Valid = &loss
		default:
			r.validation = fmt.Errorf("validation: %s", res.Reason)
		}
		if rec.Valid == nil && r.Stop.Validate {
			return 0, false, nil
		}
	}
	if validated = validated && r.Stop.Validate; !validated {
		if train != nil {
			score = *train
		} else {
			res, err := r.eval(x, nil, rec.Horizon, nil)
			if err != nil {
				return 0, false, err
			}
			if res.Failed {
				r.validation = errors.New(res.Reason.String())
				return 0, false, nil
			}
			score = res.Loss
		}
	}
	p := Point{Score: score, Validated: validated, Horizon: rec.Horizon, Stage: s.Stage, Iteration: s.Iteration}
	switch {
	case s.Best == nil:
		p.X = slices.Clone(x)
		s.Best = &p
	case p.better(s.Best):
		p.X = s.Best.X
		copy(p.X, x)
		*s.Best = p
	}
	return score, true, nil
}

// patience counts iterations without improvement; a score that is not ok is
// none.
func (r *run) patience(rec *Record, score float64, ok bool) {
	s := r.state
	switch {
	case rec.Horizon < r.Curriculum.At(math.MaxInt):
	case ok && (s.Mark == nil || score < *s.Mark-r.Stop.MinDelta):
		s.Mark, s.Wait = &score, 0
	default:
		s.Wait++
	}
}

// tired tells whether patience is used up, and puts that in the message.
func (r *run) tired() bool {
	s := r.state
	if r.Stop.Patience == 0 || s.Wait < r.Stop.Patience {
		return false
	}
	s.Message = fmt.Sprintf("no improvement in %d iterations", s.Wait)
	return true
}

// finish closes an iteration after its step: history, observer, checkpoint.
// It tells whether the run must end.
func (r *run) finish(rec Record) (end bool, err error) {
	s := r.state
	s.Iteration++
	rec.Stage, rec.Iteration = s.Stage, s.Iteration
	s.Kinks += rec.Kinks
	s.Rejected += rec.Rejected
	s.History = append(s.History, rec)
	s.Elapsed = r.elapsed()
	m := r.Stages[s.Stage]
	if r.Observer != nil {
		p := Progress{
			Stage: m.Name(), Index: s.Stage, Stages: len(r.Stages),
			Iteration: s.Iteration, Of: m.Iterations(), Phase: rec.Phase,
			Loss: rec.Loss, Valid: math.NaN(), LR: rec.Rate, Horizon: rec.Horizon, GradNorm: rec.GradNorm,
			Elapsed: s.Elapsed, State: s,
		}
		if rec.Valid != nil {
			p.Valid = *rec.Valid
		}
		pace := r.clock().Sub(r.stageBegan) / time.Duration(s.Iteration-r.firstIteration)
		if p.ETA = pace * time.Duration(m.Iterations()-s.Iteration); p.Of == 0 {
			p.ETA = 0
		}
		r.Observer(p)
	}
	if r.Checkpoint != nil && r.CheckpointEvery > 0 && (s.Iteration%r.CheckpointEvery == 0 || r.clock().Sub(r.written) > longestUnwritten) {
		r.written = r.clock()
		if err := r.Checkpoint(s); err != nil {
			return true, fmt.Errorf("the checkpoint could not be written: %w", err)
		}
	}
	return r.over(), nil
}

// longestUnwritten is how long iterations that are slow go on without a checkpoint.
const longestUnwritten = 20 * time.Second

// late reports whether it was the clock that ended the context.
func (r *run) late() bool {
	return r.Stop.MaxTime > 0 && r.elapsed() >= r.Stop.MaxTime && errors.Is(r.ctx.Err(), context.DeadlineExceeded)
}

// over tells whether the run must end between two steps.
func (r *run) over() bool {
	if r.Stop.MaxTime > 0 && r.elapsed() >= r.Stop.MaxTime {
		r.state.Status = MaxTime
		return true
	}
	return r.ctx.Err() != nil
}
