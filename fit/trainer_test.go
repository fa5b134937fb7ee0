package fit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func adam(rate float64, epochs int) *FirstOrder {
	return &FirstOrder{Label: "adam", Rule: Adam{Beta1: 0.9, Beta2: 0.999, Eps: 1e-8}, Rate: rate, Epochs: epochs, Retries: 8}
}

func lbfgs(iterations int) *LBFGS {
	return &LBFGS{MaxIterations: iterations, Memory: 10, GradTol: 1e-8}
}

func TestConvergence(t *testing.T) {
	sgd := &FirstOrder{Label: "sgd", Rule: SGD{Momentum: 0.9, Nesterov: true}, Rate: 0.05, Epochs: 500}
	rms := &FirstOrder{Label: "rmsprop", Rule: RMSProp{Alpha: 0.99, Eps: 1e-8}, Rate: 0.05, Epochs: 800, Schedule: Schedule{Shape: Exponential, Final: 1e-6}}
	slow := adam(0.1, 1000)
	slow.Schedule = Schedule{Shape: Cosine, Warmup: 10}
	bowl := newBowl(5)
	log := newLogistic(60)
	// The optimum of the logistic problem, by the method that is tested
	// against closed forms above.
	s, err := (&Trainer{Objective: log, Stages: []Method{lbfgs(100)}}).Run(t.Context(), make([]float64, 3))
	require.NoError(t, err)
	grad := make([]float64, 3)
	_, err = log.Eval(t.Context(), s.Best.X, nil, 1, grad)
	require.NoError(t, err)
	require.Less(t, normInf(grad), 1e-8)

	for _, c := range []struct {
		name  string
		obj   Objective
		x0    []float64
		want  []float64
		chain []Method
		tol   float64
	}{
		{"bowl", bowl, make([]float64, 5), bowl.a, []Method{slow}, 1e-6},
		{"bowl", bowl, make([]float64, 5), bowl.a, []Method{sgd}, 1e-6},
		{"bowl", bowl, make([]float64, 5), bowl.a, []Method{rms}, 1e-4},
		{"bowl", bowl, make([]float64, 5), bowl.a, []Method{lbfgs(50)}, 1e-8},
		{"banana", banana{}, []float64{-1.2, 1}, []float64{1, 1}, []Method{lbfgs(200)}, 1e-6},
		{"banana", banana{}, []float64{-1.2, 1}, []float64{1, 1}, []Method{adam(0.05, 50), lbfgs(100)}, 1e-6},
		{"logistic", log, make([]float64, 3), s.Best.X, []Method{slow}, 1e-6},
	} {
		tr := &Trainer{Objective: c.obj, Stages: c.chain}
		t.Run(fmt.Sprint(c.name, tr.names()), func(t *testing.T) {
			s, err := tr.Run(t.Context(), c.x0)
			require.NoError(t, err)
			require.InDeltaSlice(t, c.want, s.Best.X, c.tol)
			if _, ok := c.chain[len(c.chain)-1].(*LBFGS); ok {
				require.Equal(t, Converged, s.Status)
			} else {
				require.Equal(t, MaxIterations, s.Status)
			}
			// The score is the loss at the point, not at a neighbour.
			res, err := c.obj.Eval(t.Context(), s.Best.X, nil, 1, nil)
			require.NoError(t, err)
			require.Equal(t, res.Loss, s.Best.Score)
		})
	}
}

// chains are runs whose parts must join without a seam.
func chains() map[string]*Trainer {
	noisy := adam(0.1, 12)
	noisy.Schedule = Schedule{Shape: Plateau, Factor: 0.5, Patience: 1, Threshold: 1e-2}
	noisy.Clip = 0.3
	sgd := &FirstOrder{Label: "sgd", Rule: SGD{Momentum: 0.8}, Rate: 0.2, Epochs: 6, Schedule: Schedule{Shape: Cosine}}
	rms := &FirstOrder{Label: "rmsprop", Rule: RMSProp{Alpha: 0.9, Eps: 1e-8, Momentum: 0.5}, Rate: 0.01, Epochs: 6}
	thurber := nist[len(nist)-1]
	return map[string]*Trainer{
		"full batch":  {Objective: newLogistic(40), Stages: []Method{noisy}},
		"mini-batch":  {Objective: newLogistic(40), Stages: []Method{noisy}, Batch: 7, Seed: 3},
		"by length":   {Objective: newLogistic(40), Stages: []Method{noisy}, Batch: 4, Group: true, Seed: 3},
		"validated":   {Objective: validated{newLogistic(40)}, Stages: []Method{noisy}, Batch: 7, Seed: 3, Stop: Stop{Patience: 3, Validate: true}},
		"chain":       {Objective: validated{newLogistic(40)}, Stages: []Method{sgd, rms}, Batch: 9, Curriculum: Curriculum{From: 0.2, To: 1, Epochs: 5}},
		"levenberg":   {Objective: thurber, Stages: []Method{&LevenbergMarquardt{MaxIterations: 9, Factor: 1, LossTol: 1e-12}}},
		"cliff":       {Objective: new(cliff), Stages: []Method{adam(0.4, 12)}},
		"then newton": {Objective: thurber, Stages: []Method{adam(1e-3, 3), &LevenbergMarquardt{MaxIterations: 5, Factor: 1}}},
		"lbfgs":       {Objective: banana{}, Stages: []Method{&LBFGS{MaxIterations: 100, Memory: 3, GradTol: 1e-10, LossTol: 1e-9}}},
		"short lbfgs": {Objective: newLogistic(40), Stages: []Method{lbfgs(12)}},
		"then lbfgs":  {Objective: validated{newLogistic(40)}, Stages: []Method{adam(0.1, 3), lbfgs(50)}, Batch: 7, Stop: Stop{Patience: 4, Validate: true}},
		"brink":       {Objective: brink{}, Stages: []Method{lbfgs(20)}},
		"enough": {Objective: banana{}, Stages: []Method{&LBFGS{
			MaxIterations: 100, Memory: 5, GradTol: 1e-12, enough: Enough{Iterations: 4, Fraction: 0.5},
		}}},
	}
}

func (t *Trainer) start() []float64 {
	if c, ok := t.Objective.(*curve); ok {
		return c.starts[0]
	}
	return make([]float64, t.Objective.Dim())
}

// sameText compares two encoded states and shows the first difference only.
func sameText(t *testing.T, want, got []byte, what string) {
	t.Helper()
	w, g := bytes.Split(want, []byte("\n")), bytes.Split(got, []byte("\n"))
	for i := range min(len(w), len(g)) {
		require.Equal(t, string(w[i]), string(g[i]), "%s, line %d", what, i+1)
	}
	require.Len(t, g, len(w), what)
}

// A run that is written out and taken up again after any iteration ends in
// the same state, bit for bit.
func TestResumeFromCheckpoint(t *testing.T) {
	for name, tr := range chains() {
		t.Run(name, func(t *testing.T) {
			tr.now = func() time.Time { return time.Time{} } // Elapsed is no part of the comparison
			tr.CheckpointEvery = 1
			var saved [][]byte
			tr.Checkpoint = func(s *State) error {
				b, err := s.Encode()
				saved = append(saved, b)
				return err
			}
			whole, err := tr.Run(t.Context(), tr.start())
			require.NoError(t, err)
			require.NotEmpty(t, saved)
			tr.Checkpoint = nil
			want, err := whole.Encode()
			require.NoError(t, err)
			for k, b := range saved {
				from, err := DecodeState(b)
				require.NoError(t, err)
				got, err := tr.Resume(t.Context(), from)
				require.NoError(t, err)
				again, err := got.Encode()
				require.NoError(t, err)
				sameText(t, want, again, fmt.Sprintf("after checkpoint %d of %d", k+1, len(saved)))
				unchanged, err := from.Encode()
				require.NoError(t, err)
				sameText(t, b, unchanged, "the state given")
			}
		})
	}
}

// The context may end at any evaluation, in the middle of an epoch as well.
func TestResumeAfterInterrupt(t *testing.T) {
	for _, name := range []string{"full batch", "mini-batch", "by length", "validated", "chain", "short lbfgs", "then lbfgs"} {
		t.Run(name, func(t *testing.T) {
			tr := chains()[name]
			tr.now = func() time.Time { return time.Time{} }
			var problem *logistic
			switch o := tr.Objective.(type) {
			case *logistic:
				problem = o
			case validated:
				problem = o.logistic
			}
			whole, err := tr.Run(t.Context(), tr.start())
			require.NoError(t, err)
			want, err := whole.Encode()
			require.NoError(t, err)

			interrupts := 0
			var s *State
			for s == nil || s.Status == Interrupted {
				ctx, cancel := context.WithCancel(t.Context())
				problem.allow, problem.cancel = 3, cancel // in the third evaluation
				if s != nil && tr.Stages[s.Stage].Name() == "lbfgs" {
					problem.allow = 4 // a line search that is interrupted begins anew
				}
				if s == nil {
					s, err = tr.Run(ctx, tr.start())
				} else {
					s, err = tr.Resume(ctx, s)
				}
				cancel()
				require.NoError(t, err)
				if s.Status == Interrupted {
					interrupts++
				}
			}
			require.Greater(t, interrupts, 2)
			got, err := s.Encode()
			require.NoError(t, err)
			sameText(t, want, got, "after interrupts")
		})
	}
}

// A step over the cliff is taken back and shortened; the result is the bottom
// and no failed solve has been scored.
func TestFailedStepsAreShortened(t *testing.T) {
	tr := &Trainer{Objective: new(cliff), Stages: []Method{adam(0.4, 150)}}
	s, err := tr.Run(t.Context(), []float64{0})
	require.NoError(t, err)
	require.Positive(t, s.Rejected)
	require.InDelta(t, 0.9, s.Best.X[0], 1e-2)
	for _, rec := range s.History {
		require.LessOrEqual(t, rec.Loss, 0.81, "losses are those of solved points")
	}

	// What the rule remembers is what its accepted steps have left.
	require.Equal(t, 150, s.Method.FirstOrder.Slots.Step)
}

// dimple is a well at 0.9 with flat ground around it, on which a line search
// runs over the cliff at 1.
type dimple struct{ cliff }

func (d *dimple) Eval(ctx context.Context, x []float64, batch []int, horizon float64, grad []float64) (Result, error) {
	res, err := d.cliff.Eval(ctx, x, batch, horizon, grad)
	if !res.Failed {
		e := math.Exp(-res.Loss)
		res.Loss = 1 - e
		if grad != nil {
			grad[0] *= e
		}
	}
	return res, err
}

func TestLineSearchTurnsBackAtFailures(t *testing.T) {
	s, err := (&Trainer{Objective: new(dimple), Stages: []Method{lbfgs(50)}}).Run(t.Context(), []float64{-1.5})
	require.NoError(t, err)
	require.Equal(t, Converged, s.Status)
	require.Positive(t, s.Rejected)
	require.InDelta(t, 0.9, s.Best.X[0], 1e-6)
}

func TestStagesStartFromTheBestPoint(t *testing.T) {
	overshoots := adam(0.6, 4) // its last step leads uphill
	tr := &Trainer{Objective: newBowl(1), Stages: []Method{overshoots}}
	first, err := tr.Run(t.Context(), make([]float64, 1))
	require.NoError(t, err)
	require.NotEqual(t, first.Best.X, first.X)
	tr.Stages = append(tr.Stages, adam(1e-3, 1))
	both, err := tr.Run(t.Context(), make([]float64, 1))
	require.NoError(t, err)
	require.InEpsilon(t, first.Best.Score, both.History[4].Loss, 1e-12)
}

// wall fails everywhere but at its start.
type wall struct{ cliff }

func (w *wall) Eval(ctx context.Context, x []float64, batch []int, horizon float64, grad []float64) (Result, error) {
	if x[0] != 0 {
		return w.cliff.Eval(ctx, []float64{2}, batch, horizon, grad)
	}
	return w.cliff.Eval(ctx, x, batch, horizon, grad)
}

func TestFailureIsAnError(t *testing.T) {
	for _, m := range []Method{adam(0.1, 10), lbfgs(10)} {
		_, err := (&Trainer{Objective: new(cliff), Stages: []Method{m}}).Run(t.Context(), []float64{3})
		var failed *FailedError
		require.ErrorAs(t, err, &failed)
		require.ErrorContains(t, err, "trajectory drop=4 at t = 3.5: unstable (there is no earlier step")
	}

	s, err := (&Trainer{Objective: new(wall), Stages: []Method{adam(0.1, 10)}}).Run(t.Context(), []float64{0})
	require.EqualError(t, err, "adam, iteration 2: the model cannot be solved: trajectory drop=4 at t = 3.5: unstable (8 shorter steps failed too: lower the learning rate, bound the parameters, or start with a shorter horizon)")
	require.Equal(t, Failed, s.Status)
	require.Equal(t, Vector{0}, s.Best.X, "the only point that could be solved")

	w := new(wall)
	s, err = (&Trainer{Objective: w, Stages: []Method{lbfgs(10)}}).Run(t.Context(), []float64{0})
	require.NoError(t, err)
	require.Equal(t, StoppedEarly, s.Status)
	require.Contains(t, s.Message, "no lower loss")
	require.Equal(t, Vector{0}, s.Best.X)
	require.Less(t, w.evals, 100)
}

// odd is a bowl that turns bad after some evaluations.
type odd struct {
	*bowl
	good int
	bad  func(res *Result, grad []float64) error
}

func (o *odd) Eval(ctx context.Context, x []float64, batch []int, horizon float64, grad []float64) (Result, error) {
	res, err := o.bowl.Eval(ctx, x, batch, horizon, grad)
	if o.good--; o.good < 0 {
		err = o.bad(&res, grad)
	}
	return res, err
}

func TestNotFiniteIsAnError(t *testing.T) {
	broken := errors.New("the data were removed")
	for want, bad := range map[string]func(*Result, []float64) error{
		"the loss is NaN, not a finite number": func(r *Result, _ []float64) error { r.Loss = math.NaN(); return nil },
		"its term `energy` is +Inf": func(r *Result, _ []float64) error {
			r.Loss, r.Terms = math.Inf(1), []Term{{"fine", 1}, {"energy", math.Inf(1)}}
			return nil
		},
		"the gradient by coordinate 1 is NaN, not a finite number": func(_ *Result, g []float64) error { g[1] = math.NaN(); return nil },
		"the data were removed": func(*Result, []float64) error { return broken },
	} {
		for _, m := range []Method{adam(0.1, 10), lbfgs(10)} {
			s, err := (&Trainer{Objective: &odd{newBowl(3), 2, bad}, Stages: []Method{m}}).Run(t.Context(), make([]float64, 3))
			if m.Name() == "lbfgs" && want != broken.Error() { // its trials are rejected
				require.NoError(t, err)
				require.Equal(t, StoppedEarly, s.Status)
				require.Contains(t, s.Message, want)
				continue
			}
			require.ErrorContains(t, err, want)
			require.ErrorContains(t, err, m.Name()+", iteration ")
			require.True(t, errors.Is(err, broken) || errors.Is(err, ErrNotFinite))
			require.Equal(t, Failed, s.Status)
			require.Equal(t, err.Error(), s.Message)
		}
	}
}

func TestGradientOverflowIsAnError(t *testing.T) {
	huge := &odd{newBowl(2), 0, func(_ *Result, g []float64) error {
		if g != nil {
			g[0] = 1e200
		}
		return nil
	}}
	_, err := (&Trainer{Objective: huge, Stages: []Method{adam(0.1, 3)}}).Run(t.Context(), make([]float64, 2))
	require.ErrorContains(t, err, "set `clip`")
	clipped := adam(0.1, 3)
	clipped.Clip = 1
	_, err = (&Trainer{Objective: huge, Stages: []Method{clipped}}).Run(t.Context(), make([]float64, 2))
	require.NoError(t, err)
}

func TestPatienceAndBest(t *testing.T) {
	// Validation over four items overfits at once: the best point is early.
	problem := newLogistic(24)
	problem.held = problem.held[:4]
	tr := &Trainer{Objective: validated{problem}, Stages: []Method{adam(0.3, 400)}, Stop: Stop{Patience: 10, MinDelta: 1e-4, Validate: true}}
	s, err := tr.Run(t.Context(), make([]float64, 3))
	require.NoError(t, err)
	require.Equal(t, StoppedEarly, s.Status)
	require.Contains(t, s.Message, "no improvement in 10 iterations")
	require.Less(t, s.Iteration, 400)
	require.True(t, s.Best.Validated)
	least := math.Inf(1)
	for _, rec := range s.History {
		least = min(least, *rec.Valid)
	}
	require.Equal(t, least, s.Best.Score)
	res, err := validated{problem}.Validate(t.Context(), s.Best.X, 1)
	require.NoError(t, err)
	require.Equal(t, s.Best.Score, res.Loss)

	// A stage that is stopped hands its best point to the next.
	tr.Stages = append(tr.Stages, lbfgs(50))
	both, err := tr.Run(t.Context(), make([]float64, 3))
	require.NoError(t, err)
	require.Equal(t, 1, both.Stage)
	require.LessOrEqual(t, both.Best.Score, s.Best.Score)
}

// harder is a bowl whose loss grows with the horizon.
type harder struct{ *bowl }

func (h harder) Eval(ctx context.Context, x []float64, batch []int, horizon float64, grad []float64) (Result, error) {
	res, err := h.bowl.Eval(ctx, x, batch, horizon, grad)
	res.Loss += 100 * horizon
	return res, err
}

func TestPatienceBeginsAtTheFullHorizon(t *testing.T) {
	tr := &Trainer{Objective: harder{newBowl(2)}, Stages: []Method{adam(0.5, 60)}, Stop: Stop{Patience: 4}}
	tr.Curriculum = Curriculum{From: 0.1, To: 1, Epochs: 30}
	s, err := tr.Run(t.Context(), make([]float64, 2))
	require.NoError(t, err)
	require.GreaterOrEqual(t, s.Iteration, 31)
	require.Equal(t, 1., s.Best.Horizon)
}

func TestMinDelta(t *testing.T) {
	// The loss falls in every epoch, by less than 0.01 from some point on.
	gentle := &FirstOrder{Label: "sgd", Rule: SGD{}, Rate: 0.05, Epochs: 200}
	tr := &Trainer{Objective: newBowl(2), Stages: []Method{gentle}, Stop: Stop{Patience: 5}}
	s, err := tr.Run(t.Context(), make([]float64, 2))
	require.NoError(t, err)
	require.Equal(t, MaxIterations, s.Status)
	tr.Stop.MinDelta = 0.1
	s, err = tr.Run(t.Context(), make([]float64, 2))
	require.NoError(t, err)
	require.Equal(t, StoppedEarly, s.Status)
	require.Less(t, s.Iteration, 40)
	require.InDelta(t, s.History[s.Iteration-1].Loss, s.Best.Score, 1e-12, "a small fall is still the best")
}

func TestMaxTime(t *testing.T) {
	var clock time.Time
	tr := &Trainer{
		Objective: newLogistic(40), Stages: []Method{adam(0.01, 100)}, Stop: Stop{MaxTime: 10 * time.Second},
		now: func() time.Time { return clock },
	}
	var last Progress
	tr.Observer = func(p Progress) { last = p; clock = clock.Add(3 * time.Second) }
	s, err := tr.Run(t.Context(), make([]float64, 3))
	require.NoError(t, err)
	require.Equal(t, MaxTime, s.Status)
	require.Equal(t, 4, s.Iteration)
	require.Equal(t, 12*time.Second, s.Elapsed)
	require.Equal(t, 9*time.Second, last.Elapsed)
	require.Equal(t, 96*9*time.Second/4, last.ETA)

	tr.Stop.MaxTime = 20 * time.Second
	s, err = tr.Resume(t.Context(), s)
	require.NoError(t, err)
	require.Equal(t, 7, s.Iteration, "earlier time counts")
}

// watched records batches and horizons.
type watched struct {
	*logistic
	batches  [][]int
	horizons []float64
}

func (w *watched) Eval(ctx context.Context, x []float64, batch []int, horizon float64, grad []float64) (Result, error) {
	if grad != nil {
		w.batches = append(w.batches, slices.Clone(batch))
		w.horizons = append(w.horizons, horizon)
	}
	return w.logistic.Eval(ctx, x, batch, horizon, grad)
}

func TestBatchesAndCurriculum(t *testing.T) {
	for _, group := range []bool{false, true} {
		w := &watched{logistic: newLogistic(40)} // 30 items
		tr := &Trainer{
			Objective: w, Stages: []Method{adam(0.01, 5), lbfgs(3)}, Batch: 8, Group: group, Seed: 1,
			Curriculum: Curriculum{From: 0.2, To: 0.8, Epochs: 3},
		}
		_, err := tr.Run(t.Context(), make([]float64, 3))
		require.NoError(t, err)
		var orders [][]int
		for epoch := range 5 {
			var seen []int
			for k := range 4 {
				b := w.batches[4*epoch+k]
				require.LessOrEqual(t, len(b), 8)
				if group { // sorted by length, so that a batch spans at most 3 of 5 lengths
					require.LessOrEqual(t, w.Length(b[len(b)-1])-w.Length(b[0]), 2.)
				}
				require.InDelta(t, []float64{0.2, 0.4, 0.6, 0.8, 0.8}[epoch], w.horizons[4*epoch+k], 1e-15)
				seen = append(seen, b...)
			}
			orders = append(orders, slices.Clone(seen))
			slices.Sort(seen)
			for i := range 30 {
				require.Equal(t, i, seen[i], "each item once")
			}
		}
		require.NotEqual(t, orders[0], orders[1])
		require.Nil(t, w.batches[20])
		require.Equal(t, 0.8, w.horizons[20])
	}
}

func TestCheckRefuses(t *testing.T) {
	ok := func() *Trainer { return &Trainer{Objective: newLogistic(20), Stages: []Method{adam(0.1, 10)}} }
	for want, spoil := range map[string]func(*Trainer){
		"needs an objective":            func(t *Trainer) { t.Objective = nil },
		"at least one optimizer":        func(t *Trainer) { t.Stages = nil },
		"no free parameter":             func(t *Trainer) { t.Objective = newBowl(0) },
		"no training trajectory":        func(t *Trainer) { t.Objective = newLogistic(0) },
		"adam: the number of iteration": func(t *Trainer) { t.Stages[0] = adam(0.1, 0) },
		"learning rate must be posit":   func(t *Trainer) { t.Stages[0] = adam(0, 1) },
		"not a sum of squares":          func(t *Trainer) { t.Stages[0] = &LevenbergMarquardt{MaxIterations: 1, Factor: 1} },
		"factor must be positive":       func(t *Trainer) { t.Stages[0] = &LevenbergMarquardt{MaxIterations: 1} },
		"memory must be":                func(t *Trainer) { t.Stages[0] = &LBFGS{MaxIterations: 1} },
		"warmup of 10 epochs":           func(t *Trainer) { t.Stages[0].(*FirstOrder).Schedule.Warmup = 10 },
		"must not be negative":          func(t *Trainer) { t.Batch = -1 },
		"`batch` needs a first-order":   func(t *Trainer) { t.Batch, t.Stages[0] = 3, lbfgs(3) },
		"needs a `batch` size":          func(t *Trainer) { t.Group = true },
		"does not tell the lengths": func(t *Trainer) {
			t.Objective, t.Group, t.Batch = &bowl{c: []float64{1}, a: []float64{1}}, true, 2
		},
		"0 < from <= to <= 1":            func(t *Trainer) { t.Curriculum = Curriculum{From: 0.5, To: 0.2, Epochs: 3} },
		"curriculum takes 20 epochs":     func(t *Trainer) { t.Curriculum = Curriculum{From: 0.5, To: 1, Epochs: 20} },
		"curriculum needs a first-order": func(t *Trainer) { t.Curriculum, t.Stages[0] = Curriculum{From: 0.5, To: 1, Epochs: 2}, lbfgs(3) },
	} {
		tr := ok()
		spoil(tr)
		_, err := tr.Run(t.Context(), make([]float64, 3))
		require.ErrorContains(t, err, want)
	}
	_, err := ok().Run(t.Context(), make([]float64, 2))
	require.EqualError(t, err, "2 start values were given for 3 coordinates")
	_, err = ok().Run(t.Context(), []float64{0, math.NaN(), 0})
	require.EqualError(t, err, "the start value of coordinate 1 is NaN")
}

func TestResumeRefuses(t *testing.T) {
	tr := &Trainer{Objective: newLogistic(20), Stages: []Method{adam(0.1, 4)}}
	s, err := tr.Run(t.Context(), make([]float64, 3))
	require.NoError(t, err)
	for want, spoil := range map[string]func(*State){
		"another model":           func(s *State) { s.X = s.X[:2] },
		"made by the optimizers":  func(s *State) { s.Stages = []string{"sgd"} },
		"this run has [adam]":     func(s *State) { s.Stage = 1 },
		"made with seed 9":        func(s *State) { s.Seed = 9 },
		"parts do not fit":        func(s *State) { s.Iteration = -1 },
		"memory of adam does not": func(s *State) { s.Method.FirstOrder.Grad = nil },
		"has version 77":          func(s *State) { s.Version = 77 },
	} {
		bad, err := s.clone()
		require.NoError(t, err)
		spoil(bad)
		_, err = tr.Resume(t.Context(), bad)
		require.ErrorContains(t, err, want)
	}
	for _, text := range []string{
		`{"version": 2, "xx": 2}`, `{"version": 2, "x": "AAAA"}`, `{"version": 2, "x": "!"}`,
		`{"version": 2, "x": "AAAAAAAA+H8="}`, // NaN
	} {
		_, err = DecodeState([]byte(text))
		require.ErrorContains(t, err, "cannot be read")
	}
	_, err = (&State{X: Vector{math.NaN()}}).Encode()
	require.ErrorContains(t, err, "not finite")
}

func TestCheckpointErrorEndsTheRun(t *testing.T) {
	full := errors.New("disk full")
	for _, m := range []Method{adam(0.1, 9), lbfgs(9)} {
		tr := &Trainer{Objective: newBowl(3), Stages: []Method{m}, CheckpointEvery: 2, Checkpoint: func(*State) error { return full }}
		s, err := tr.Run(t.Context(), make([]float64, 3))
		require.ErrorIs(t, err, full)
		require.Equal(t, 2, s.Iteration)
	}
}

// A step of a first-order method allocates nothing.
func TestStepsDoNotAllocate(t *testing.T) {
	for _, rule := range []Rule{Adam{Beta1: 0.9, Beta2: 0.999, Eps: 1e-8, Decay: 0.1}, RMSProp{Alpha: 0.9, Eps: 1e-8}, SGD{Momentum: 0.9}} {
		obj := newBowl(20)
		m := &FirstOrder{Label: "x", Rule: rule, Rate: 1e-3, Epochs: 1 << 20, Clip: 1, Schedule: Schedule{Shape: Cosine, Warmup: 3}}
		tr := &Trainer{Objective: obj, Stages: []Method{m}}
		s := &State{X: make([]float64, 20)}
		e := &epochs{
			run: &run{Trainer: tr, ctx: t.Context(), state: s}, m: m, d: newDescent(rule, 20),
			grad: make([]float64, 20), order: make([]int, 1),
		}
		batches := e.cut()
		one := func() {
			res, err := e.advance(batches[0], 1)
			if err == nil {
				err = e.step(&res)
			}
			if err != nil {
				t.Fatal(err)
			}
			e.d.Batch = 0
		}
		one()
		require.Zero(t, testing.AllocsPerRun(100, one))
	}
}

// blind is a problem whose validation can be solved only sometimes.
type blind struct {
	*logistic
	after int
}

func (b *blind) Validate(_ context.Context, w []float64, _ float64) (Result, error) {
	if b.after--; b.after >= 0 {
		return Result{Failed: true, Reason: Failure{Trajectory: "drop=2", Time: 1, Reason: "graze"}}, nil
	}
	return b.mean(w, func(k int) int { return b.held[k] }, len(b.held), nil), nil
}

func TestFailedValidationIsNeverBest(t *testing.T) {
	for _, m := range []Method{adam(0.1, 6), lbfgs(6), adam(0.1, 6)} {
		b := &blind{newLogistic(40), 3}
		s, err := (&Trainer{Objective: b, Stages: []Method{m}, Stop: Stop{Validate: true}}).Run(t.Context(), make([]float64, 3))
		require.NoError(t, err)
		require.GreaterOrEqual(t, s.Best.Iteration, 3)
		missing := 0
		for _, rec := range s.History {
			if rec.Valid == nil {
				missing++
			}
		}
		require.Positive(t, missing)
		require.Less(t, missing, len(s.History))

		b = &blind{newLogistic(40), 1000}
		s, err = (&Trainer{Objective: b, Stages: []Method{m}, Stop: Stop{Validate: true}}).Run(t.Context(), make([]float64, 3))
		require.EqualError(t, err, "no point of the run could be scored: validation: trajectory drop=2 at t = 1: graze")
		require.Equal(t, Failed, s.Status)
	}
}

// weighted is a bowl whose first coordinate is a parameter.
type weighted struct{ *bowl }

func (weighted) Weight(i int) bool { return i > 0 }

func TestWeightDecayReachesWeightsOnly(t *testing.T) {
	m := &FirstOrder{Label: "sgd", Rule: SGD{Decay: 0.1}, Rate: 0.1, Epochs: 400}
	b := newBowl(3)
	s, err := (&Trainer{Objective: weighted{b}, Stages: []Method{m}}).Run(t.Context(), make([]float64, 3))
	require.NoError(t, err)
	require.InDelta(t, b.a[0], s.X[0], 1e-9)
	for i := 1; i < 3; i++ { // where c(x − a) + decay·x = 0
		want := b.a[i] * b.c[i] / (b.c[i] + 0.1)
		require.InDelta(t, want, s.X[i], 1e-9)
	}
}
