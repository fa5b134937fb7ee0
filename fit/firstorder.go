package fit

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/pinode/pinode/internal/kernel"
)

// FirstOrder descends by a Rule, an epoch over the training trajectories per
// iteration, one step per batch.
//
// When a solve fails after a step, the step is taken back and made again with
// half the learning rate, at most Retries times. The rate recovers by a
// factor of two with each good step.
type FirstOrder struct {
	Label    string // the name in Optimizers
	Rule     Rule
	Rate     float64 // learning rate
	Epochs   int
	Schedule Schedule
	Clip     float64 // largest Euclidean norm of the gradient; 0 is no limit
	Retries  int     // 0 gives up at the first failed solve
}

// Name is the name in the list Optimizers.
func (m *FirstOrder) Name() string { return m.Label }

// Iterations is the number of epochs.
func (m *FirstOrder) Iterations() int { return m.Epochs }

func (m *FirstOrder) check() error {
	sc := &m.Schedule
	switch {
	case m.Rule == nil:
		return errors.New("has no update rule")
	case !(m.Rate > 0) || math.IsInf(m.Rate, 0):
		return fmt.Errorf("the learning rate must be positive, not %g", m.Rate)
	case m.Clip < 0 || m.Retries < 0 || sc.Warmup < 0:
		return errors.New("clip, retries and warmup must not be negative")
	case sc.Warmup >= m.Epochs:
		return fmt.Errorf("a warmup of %d epochs leaves none of the %d", sc.Warmup, m.Epochs)
	}
	return nil
}

// descent is the memory of a first-order stage. Between steps it says what
// has been done of the current epoch; the order of its trajectories follows
// from the seed.
type descent struct {
	Batch   int     `json:"batch"` // batches done in this epoch
	Sum     float64 `json:"sum"`   // loss × weight over them
	Weight  float64 `json:"weight"`
	Norm    float64 `json:"norm"` // largest gradient norm
	Kinks   int     `json:"kinks"`
	Missed  int     `json:"rejected"`
	Terms   []Term  `json:"terms,omitempty"`
	Slots   Slots   `json:"slots"`
	Backoff float64 `json:"backoff"` // multiple of the learning rate after failures
	Plateau plateau `json:"plateau"`

	// The last step, to take it back.
	Undo  bool    `json:"undo"` // there is one
	X     Vector  `json:"undo_x"`
	Grad  Vector  `json:"undo_grad"`
	Was   Slots   `json:"undo_slots"`
	Rate  float64 `json:"undo_rate"`
	Tries int     `json:"undo_tries"` // halvings so far
}

func newDescent(rule Rule, dim int) *descent {
	return &descent{
		Slots: newSlots(rule.Slots(), dim), Was: newSlots(rule.Slots(), dim),
		X: make([]float64, dim), Grad: make([]float64, dim),
		Backoff: 1, Plateau: plateau{Scale: 1},
	}
}

// fits tells whether a memory read from a checkpoint is of the right shape.
func (d *descent) fits(rule Rule, dim int) bool {
	ok := len(d.X) == dim && len(d.Grad) == dim && len(d.Slots.Vectors) == rule.Slots() && len(d.Was.Vectors) == rule.Slots()
	for _, s := range []Slots{d.Slots, d.Was} {
		for _, v := range s.Vectors {
			ok = ok && len(v) == dim
		}
	}
	return ok && d.Batch >= 0 && d.Backoff > 0
}

// epochs is a first-order method at work on one stage.
type epochs struct {
	*run
	m       *FirstOrder
	d       *descent
	grad    []float64
	order   []int
	batches [][]int // parts of order
}

func (m *FirstOrder) run(r *run) (Status, error) {
	s := r.state
	dim := len(s.X)
	if s.Method.FirstOrder == nil {
		s.Method.FirstOrder = newDescent(m.Rule, dim)
	}
	e := &epochs{run: r, m: m, d: s.Method.FirstOrder, grad: make([]float64, dim)}
	if !e.d.fits(m.Rule, dim) {
		return Failed, fmt.Errorf("the checkpoint is damaged: the memory of %s does not fit the model", m.Label)
	}
	e.order = make([]int, r.Objective.Items())
	s.History = slices.Grow(s.History, min(max(m.Epochs-s.Iteration, 0), 10000))
	for {
		if r.tired() {
			return StoppedEarly, nil
		}
		if s.Iteration >= m.Epochs {
			break
		}
		if end, err := e.epoch(); err != nil || end {
			return Running, err
		}
	}
	if len(e.cut()) == 1 && !e.redraw(0) {
		return MaxIterations, e.last()
	}
	return MaxIterations, nil
}

// redraw takes another set of random numbers.
func (e *epochs) redraw(set int) bool {
	r, ok := e.Objective.(Redrawer)
	return ok && r.Redraw(set)
}

// cut shuffles the trajectories of the state's epoch and cuts them into batches.
func (e *epochs) cut() [][]int {
	s := e.state
	n := len(e.order)
	size := e.Batch
	if size == 0 || size >= n {
		size = n
	}
	for i := range e.order {
		e.order[i] = i
	}
	if size < n {
		rng := Stream(e.Seed, "shuffle", s.Stage, s.Iteration)
		rng.Shuffle(n, func(i, j int) { e.order[i], e.order[j] = e.order[j], e.order[i] })
		if e.Group {
			e.groupByLength(size)
		}
	}
	e.batches = e.batches[:0]
	for b := range slices.Chunk(e.order, size) {
		e.batches = append(e.batches, b)
	}
	if e.Group {
		rng := Stream(e.Seed, "batches", s.Stage, s.Iteration)
		rng.Shuffle(len(e.batches), func(i, j int) { e.batches[i], e.batches[j] = e.batches[j], e.batches[i] })
	}
	return e.batches
}

// pool is the number of batches within which trajectories are sorted by
// length: enough for batches of similar length, few enough that their
// make-up still changes from epoch to epoch.
const pool = 8

func (e *epochs) groupByLength(size int) {
	l := e.Objective.(Lengths)
	for part := range slices.Chunk(e.order, pool*size) {
		slices.SortStableFunc(part, func(a, b int) int { return cmp.Compare(l.Length(a), l.Length(b)) })
	}
}

// epoch goes on from the state's batch to the end of its epoch.
func (e *epochs) epoch() (end bool, err error) {
	s, d := e.state, e.d
	batches := e.cut()
	redrawn := e.redraw(s.Epoch + 1)
	defer e.redraw(0)
	rec := Record{Horizon: e.Curriculum.At(s.Epoch)}
	var score float64
	var ok bool
	for d.Batch < len(batches) {
		if e.over() {
			return true, nil
		}
		res, err := e.advance(batches[d.Batch], rec.Horizon)
		if err != nil {
			return false, err
		}
		if len(batches) == 1 && !redrawn { // the loss is that of all items at X: no need to evaluate again
			if score, ok, err = e.score(&rec, s.X, &res.Loss); err != nil {
				return false, err
			}
		}
		if err := e.step(&res); err != nil {
			return false, err
		}
	}
	if len(batches) > 1 || redrawn {
		e.redraw(0)
		s.Iteration++ // the score is that after the epoch's steps
		score, ok, err = e.score(&rec, s.X, nil)
		s.Iteration--
		if err != nil {
			return false, err
		}
	}
	if ok {
		d.Plateau.observe(&e.m.Schedule, score)
	}
	e.patience(&rec, score, ok)
	d.close(&rec)
	s.Epoch++
	return e.finish(rec)
}

// advance evaluates loss and gradient of a batch at the state's X. Where a
// solve fails it takes the last step back and makes a shorter one. An error
// leaves the state so that the same evaluation comes next.
func (e *epochs) advance(batch []int, horizon float64) (Result, error) {
	s, d := e.state, e.d
	for {
		res, err := e.eval(s.X, batch, horizon, e.grad)
		if err != nil || !res.Failed {
			return res, err
		}
		if !d.Undo || d.Tries >= e.m.Retries {
			return res, &FailedError{Stage: e.m.Label, Iteration: s.Iteration + 1, Retries: d.Tries, Failure: res.Reason}
		}
		d.Tries++
		e.m.Rule.Update(&d.Slots, &d.Was, s.X, d.X, d.Grad, math.Ldexp(d.Rate, -d.Tries), e.decay)
	}
}

// step moves X by the gradient of the batch just evaluated, and remembers how
// to take that back.
func (e *epochs) step(res *Result) error {
	s, d := e.state, e.d
	d.add(res, len(e.batches[d.Batch]))
	norm := clip(e.grad, e.m.Clip)
	d.Norm = max(d.Norm, norm)
	if d.Tries > 0 {
		d.Backoff = math.Ldexp(d.Backoff, -d.Tries)
	} else {
		d.Backoff = min(1, 2*d.Backoff)
	}
	d.Missed += d.Tries
	d.Undo, d.Tries = true, 0
	d.Rate = d.Backoff * e.m.Rate * e.m.Schedule.factor(s.Iteration, e.m.Epochs, d.Batch, len(e.batches), &d.Plateau)
	s.X, d.X = d.X, s.X
	e.grad, d.Grad = d.Grad, e.grad
	d.Slots, d.Was = d.Was, d.Slots
	e.m.Rule.Update(&d.Slots, &d.Was, s.X, d.X, d.Grad, d.Rate, e.decay)
	d.Batch++
	if !e.sound() {
		return fmt.Errorf("%s, iteration %d: a step left the range of floats, the norm of the gradient is %.3g: set `clip` or lower the learning rate",
			e.m.Label, s.Iteration+1, norm)
	}
	return nil
}

// add enters the result of a batch of the given size in the epoch's means.
// They weigh by measured values or, where a short horizon leaves none,
// lightly by trajectories.
func (d *descent) add(res *Result, items int) {
	w := float64(res.Values) + 1e-9*float64(items)
	d.Sum += w * res.Loss
	d.Weight += w
	d.Kinks += res.Kinks
	if len(d.Terms) != len(res.Terms) {
		d.Terms = append(d.Terms[:0], res.Terms...)
		for i := range d.Terms {
			d.Terms[i].Value = 0
		}
	}
	for i, t := range res.Terms {
		d.Terms[i].Value += w * t.Value
	}
}

// close puts the epoch's means in its record and begins the next epoch.
func (d *descent) close(rec *Record) {
	rec.Loss, rec.GradNorm, rec.Rate, rec.Kinks, rec.Rejected = d.Sum/d.Weight, d.Norm, d.Rate, d.Kinks, d.Missed
	rec.Terms = slices.Clone(d.Terms)
	for i := range rec.Terms {
		rec.Terms[i].Value /= d.Weight
	}
	d.Batch, d.Sum, d.Weight, d.Norm, d.Kinks, d.Missed = 0, 0, 0, 0, 0, 0
	d.Terms = d.Terms[:0]
}

// sound tells whether the coordinates and the rule's memory are finite.
func (e *epochs) sound() bool {
	ok := kernel.Finite(e.state.X)
	for _, v := range e.d.Slots.Vectors {
		ok = ok && kernel.Finite(v)
	}
	return ok
}

// last scores where the last step has led, which no epoch has done yet.
func (e *epochs) last() error {
	s := e.state
	rec := Record{Horizon: e.Curriculum.At(s.Epoch)}
	res, err := e.eval(s.X, nil, rec.Horizon, nil)
	if err != nil || res.Failed { // a step that fails is not the result
		return err
	}
	_, _, err = e.score(&rec, s.X, &res.Loss)
	return err
}
