package fit

import (
	"context"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/optimize"
)

// scalarFit is one residual of one coordinate.
type scalarFit struct {
	f, df func(x float64) float64
	limit float64 // beyond it no solve succeeds
}

func (s scalarFit) system() *system {
	return &system{rows: 1, dim: 1, residual: func(x, r []float64, jac *mat.Dense) bool {
		r[0] = s.f(x[0])
		if jac != nil {
			jac.Set(0, 0, s.df(x[0]))
		}
		return x[0] <= s.limit
	}}
}

// marquardt1 is Levenberg–Marquardt for one residual of one coordinate after
// the listing of lmder in J.J. Moré, B.S. Garbow, K.E. Hillstrom, User guide
// for MINPACK-1, ANL-80-74, 1980: the places after each accepted step, and the
// radius after the last. In one dimension the step's length is exactly that of
// the region, once the Gauss–Newton step is longer by a tenth.
func (s scalarFit) marquardt1(x, factor float64, steps int) (places []float64, delta float64) {
	scale := 0.
	for len(places) < steps {
		r, j := s.f(x), s.df(x)
		scale = max(scale, math.Abs(j))
		if delta == 0 {
			if delta = factor * scale * math.Abs(x); delta == 0 {
				delta = factor
			}
		}
		for accepted := false; !accepted; {
			a := j / scale
			q, par := -r/a, 0.
			if math.Abs(q) > 1.1*delta {
				q = math.Copysign(delta, q)
				par = -a*r/q - a*a
			}
			pnorm := math.Abs(q)
			if len(places) == 0 {
				delta = min(delta, pnorm)
			}
			next := x + q/scale
			fnorm, fnorm1 := math.Abs(r), math.Inf(1)
			if next <= s.limit {
				fnorm1 = math.Abs(s.f(next))
			}
			actred := -1.
			if 0.1*fnorm1 < fnorm {
				actred = 1 - fnorm1/fnorm*(fnorm1/fnorm)
			}
			temp1, temp2 := math.Abs(a*q)/fnorm, math.Sqrt(par)*pnorm/fnorm
			prered, dirder := temp1*temp1+temp2*temp2/0.5, -(temp1*temp1 + temp2*temp2)
			ratio := actred / prered
			if ratio <= 0.25 {
				temp := 0.5
				if actred < 0 {
					temp = 0.5 * dirder / (dirder + 0.5*actred)
				}
				if 0.1*fnorm1 >= fnorm || temp < 0.1 {
					temp = 0.1
				}
				delta = temp * min(delta, pnorm/0.1)
			} else if par == 0 || ratio >= 0.75 {
				delta = pnorm / 0.5
			}
			if accepted = ratio >= 1e-4; accepted {
				x = next
			}
		}
		places = append(places, x)
	}
	return places, delta
}

// The steps are those of MINPACK: growing and shrinking regions, rejections,
// failed solves, a start at zero.
func TestLevenbergStepsAreMinpacks(t *testing.T) {
	cubic := scalarFit{func(x float64) float64 { return x*x*x - 2 }, func(x float64) float64 { return 3 * x * x }, math.Inf(1)}
	bent := scalarFit{func(x float64) float64 { return math.Atan(x) }, func(x float64) float64 { return 1 / (1 + x*x) }, math.Inf(1)}
	for name, c := range map[string]struct {
		scalarFit
		x0, factor float64
		steps      int
	}{
		"line":           {scalarFit{func(x float64) float64 { return 2 * (x - 5) }, func(float64) float64 { return 2 }, math.Inf(1)}, 1, 1, 4},
		"cubic":          {cubic, 0.1, 1, 9},
		"cubic, wide":    {cubic, 0.1, 1000, 6},
		"cubic, narrow":  {cubic, 5, 1e-2, 7},
		"arc":            {bent, 3, 100, 4},
		"arc, far":       {bent, 20, 100, 5},
		"wave":           {scalarFit{func(x float64) float64 { return 1.5 + math.Sin(3*x) + x/10 }, func(x float64) float64 { return 3*math.Cos(3*x) + 0.1 }, math.Inf(1)}, 0, 0.7, 2},
		"root":           {scalarFit{func(x float64) float64 { return math.Cbrt(x - 1) }, func(x float64) float64 { return math.Pow(math.Abs(x-1), -2./3) / 3 }, math.Inf(1)}, 0, 0.5, 3},
		"with a failure": {scalarFit{cubic.f, cubic.df, 1.3}, 0.5, 1000, 4},
	} {
		var places []float64
		tr := &Trainer{Objective: c.system(), Stages: []Method{&LevenbergMarquardt{MaxIterations: c.steps, Factor: c.factor}}, CheckpointEvery: 1}
		tr.Checkpoint = func(s *State) error {
			places = append(places, s.X[0])
			return nil
		}
		st, err := tr.Run(t.Context(), []float64{c.x0})
		require.NoError(t, err)
		want, delta := c.marquardt1(c.x0, c.factor, len(places))
		require.NotEmpty(t, places, name)
		require.InDeltaSlice(t, want, places, 1e-12, name)
		if st.Status == MaxIterations {
			require.Len(t, places, c.steps, name)
			require.InEpsilon(t, delta, st.Method.Trust.Delta, 1e-9, name)
		}
		for k, rec := range st.History {
			require.InDelta(t, c.f(want[k])*c.f(want[k])/2, rec.Loss, 1e-12, "%s, iteration %d", name, k+1)
		}
	}
}

// By hand: the scaled step from 1 towards 5 has length 8; the region has 2, 4
// and 8, each step as foretold, so that the places are 2, 4 and 5.
func TestLevenbergByHand(t *testing.T) {
	line := scalarFit{func(x float64) float64 { return 2 * (x - 5) }, func(float64) float64 { return 2 }, math.Inf(1)}
	places, delta := line.marquardt1(1, 1, 3)
	require.InDeltaSlice(t, []float64{2, 4, 5}, places, 1e-12)
	require.InDelta(t, 4, delta, 1e-12)
	tr := &Trainer{Objective: line.system(), Stages: []Method{&LevenbergMarquardt{MaxIterations: 3, Factor: 1}}}
	st, err := tr.Run(t.Context(), []float64{1})
	require.NoError(t, err)
	require.Len(t, st.History, 3)
	for k, x := range []float64{2, 4, 5} {
		require.InDelta(t, 2*(x-5)*(x-5), st.History[k].Loss, 1e-12)
		require.InDelta(t, 2*2*math.Abs([]float64{1, 2, 4}[k]-5), st.History[k].GradNorm, 1e-12, "of the start of the step")
	}
}

// The cosine of the residual with the columns, and the tolerances.
func TestLevenbergTolerances(t *testing.T) {
	// r = (x − 1, 2): the smallest sum is at 1, where r is orthogonal to (1, 0).
	s := &system{rows: 2, dim: 1, residual: func(x, r []float64, jac *mat.Dense) bool {
		r[0], r[1] = x[0]-1, 2
		if jac != nil {
			jac.SetCol(0, []float64{1, 0})
		}
		return true
	}}
	at := func(x float64, m *LevenbergMarquardt) *State {
		st, err := (&Trainer{Objective: s, Stages: []Method{m}}).Run(t.Context(), []float64{x})
		require.NoError(t, err)
		return st
	}
	// At 1.3 the cosine is 0.3/√(0.09 + 4) = 0.148.
	st := at(1.3, &LevenbergMarquardt{MaxIterations: 5, Factor: 1, GradTol: 0.15})
	require.Equal(t, Converged, st.Status)
	require.Equal(t, "the residual is orthogonal to the Jacobian within 0.15", st.Message)
	require.Empty(t, st.History)
	require.Equal(t, Vector{1.3}, st.X)
	st = at(1.3, &LevenbergMarquardt{MaxIterations: 5, Factor: 1, GradTol: 0.147})
	require.InDelta(t, 1, st.X[0], 1e-12)

	st = at(1.3, &LevenbergMarquardt{MaxIterations: 5, Factor: 1, LossTol: 0.1})
	require.Equal(t, "the sum of squares falls by less than the fraction 0.1", st.Message)
	require.Len(t, st.History, 1)
	st = at(1000, &LevenbergMarquardt{MaxIterations: 5, Factor: 1e-3, StepTol: 0.1})
	require.Equal(t, "steps are shorter than 0.1 of the coordinates", st.Message)
	require.Len(t, st.History, 1)
	require.InDelta(t, 999, st.X[0], 1e-9, "a thousandth of the place")
}

// A residual of zero is an end: nothing is to be found from there.
func TestLevenbergAtZero(t *testing.T) {
	line := scalarFit{func(x float64) float64 { return 2 * (x - 5) }, func(float64) float64 { return 2 }, math.Inf(1)}
	st, err := (&Trainer{Objective: line.system(), Stages: []Method{marquardt(3)}}).Run(t.Context(), []float64{5})
	require.NoError(t, err)
	require.Equal(t, Converged, st.Status)
	require.Equal(t, "the residual is orthogonal to the Jacobian within 0", st.Message)
	require.Equal(t, Vector{5}, st.X)
	require.Equal(t, 0., st.Best.Score)
}

// brittle fails or errs at its n-th evaluation of the residuals.
type brittle struct {
	*system
	n    int
	what func(res *Result) error
}

func (b *brittle) Residuals(ctx context.Context, x []float64, h float64, r []float64, jac *mat.Dense) (Result, error) {
	res, err := b.system.Residuals(ctx, x, h, r, jac)
	if b.n--; b.n == 0 {
		err = b.what(&res)
	}
	return res, err
}

// Whatever evaluation an error comes from, it ends the run with it.
func TestLevenbergErrors(t *testing.T) {
	gone := fmt.Errorf("the data were removed")
	for n := 1; n <= 6; n++ {
		b := &brittle{system: cube(10), n: n, what: func(*Result) error { return gone }}
		st, err := (&Trainer{Objective: b, Stages: []Method{marquardt(9)}}).Run(t.Context(), []float64{5})
		require.ErrorIs(t, err, gone, n)
		require.ErrorContains(t, err, fmt.Sprintf("levenberg_marquardt, iteration %d: the data were removed", len(st.History)+1))
		require.Equal(t, Failed, st.Status)

		ctx, cancel := context.WithCancel(t.Context())
		b = &brittle{system: cube(10), n: n, what: func(*Result) error { cancel(); return ctx.Err() }}
		st, err = (&Trainer{Objective: b, Stages: []Method{marquardt(9)}}).Run(ctx, []float64{5})
		require.NoError(t, err, n)
		require.Equal(t, Interrupted, st.Status)
		cancel()
	}
	// The history counts kinks, and failed trials.
	kinked := cube(10)
	smooth := kinked.residual
	kinked.residual = func(x, r []float64, jac *mat.Dense) bool { return smooth(x, r, jac) && x[0] < 5.1 }
	c := &counting{system: kinked}
	st, err := (&Trainer{Objective: c, Stages: []Method{&LevenbergMarquardt{MaxIterations: 3, Factor: 100}}}).Run(t.Context(), []float64{0.1})
	require.NoError(t, err)
	require.Equal(t, c.failed, st.Rejected)
	require.Positive(t, c.failed)
	// The last linearisation belongs to no iteration.
	require.Equal(t, 2*c.evaluations, st.Kinks)
	// A checkpoint of another shape is refused.
	tr := &Trainer{Objective: cube(10), Stages: []Method{marquardt(9)}}
	st.Seed, st.Method.Trust = 0, &trust{Scale: Vector{1, 2}, Delta: 1}
	_, err = tr.Resume(t.Context(), st)
	require.ErrorContains(t, err, "the checkpoint is damaged: the memory of levenberg_marquardt does not fit the model")
	st.X[0] = math.NaN()
	_, err = tr.Resume(t.Context(), st)
	require.ErrorContains(t, err, "not finite")
}

// counting reports two kinks at each evaluation.
type counting struct {
	*system
	evaluations, failed int
}

func (c *counting) Residuals(ctx context.Context, x []float64, h float64, r []float64, jac *mat.Dense) (Result, error) {
	res, err := c.system.Residuals(ctx, x, h, r, jac)
	res.Kinks = 2
	c.evaluations++
	if res.Failed {
		c.failed++
	}
	return res, err
}

// kinks reports one kink at each evaluation with a gradient.
type kinks struct{ Objective }

func (k kinks) Eval(ctx context.Context, x []float64, batch []int, h float64, grad []float64) (Result, error) {
	res, err := k.Objective.Eval(ctx, x, batch, h, grad)
	res.Kinks = 1
	return res, err
}

// Each evaluation's kinks are counted once, in the iteration that it was for.
func TestKinksAreCounted(t *testing.T) {
	for _, m := range []Method{adam(0.1, 7), lbfgs(7)} {
		c := &evaluations{Objective: kinks{banana{}}}
		s, err := (&Trainer{Objective: c, Stages: []Method{m}}).Run(t.Context(), []float64{-1.2, 1})
		require.NoError(t, err)
		sum := 0
		for _, rec := range s.History {
			sum += rec.Kinks
		}
		require.Equal(t, sum, s.Kinks)
		if m.Name() == "adam" { // one an epoch; the last place is only scored
			require.Equal(t, 7, sum)
		} else { // but the first, which is the start's
			require.Equal(t, c.n-1, sum)
		}
	}
}

type evaluations struct {
	Objective
	n int
}

func (e *evaluations) Eval(ctx context.Context, x []float64, batch []int, h float64, grad []float64) (Result, error) {
	e.n++
	return e.Objective.Eval(ctx, x, batch, h, grad)
}

// A line search makes as many trials as its limit, and no more.
func TestLineSearchLimit(t *testing.T) {
	b := &bounded{noise: new(noise), limit: 3, kinked: func() bool { return false }}
	b.Init(2, -1, 1)
	for k := range 3 {
		op, step, err := b.Iterate(5, 1) // too high: bisect
		require.NoError(t, err)
		require.Equal(t, optimize.FuncEvaluation, op&optimize.FuncEvaluation)
		require.Equal(t, math.Ldexp(1, -k-1), step)
	}
	_, _, err := b.Iterate(5, 1)
	require.ErrorIs(t, err, optimize.ErrLinesearcherFailure)
	b.Init(2, -1, 1)
	_, _, err = b.Iterate(5, 1)
	require.NoError(t, err, "another search counts anew")
}

// L-BFGS stops when the loss has fallen by less than its tolerance three
// times in a row, and says so; a large fall in between counts anew.
func TestLossTolerance(t *testing.T) {
	m := lbfgs(200)
	m.GradTol, m.LossTol = 0, 0.9
	s, err := (&Trainer{Objective: banana{}, Stages: []Method{m}}).Run(t.Context(), []float64{-1.2, 1})
	require.NoError(t, err)
	require.Equal(t, Converged, s.Status)
	require.Equal(t, "the loss no longer falls by the fraction 0.9", s.Message)
	small := 0
	before := 24.2 // (1+1.2)² + 100·(1−1.44)²
	for k, rec := range s.History {
		if before-rec.Loss <= 0.9*rec.Loss {
			small++
		} else {
			small = 0
		}
		before = rec.Loss
		require.Equal(t, small == 3, k == len(s.History)-1, "iteration %d", k+1)
	}
	m.GradTol = 1
	s, err = (&Trainer{Objective: newBowl(2), Stages: []Method{m}}).Run(t.Context(), newBowl(2).a)
	require.NoError(t, err)
	require.Equal(t, "no component of the gradient is above 0", s.Message)
	require.Empty(t, s.History)
}

// The rate is what the history says: constant until a plateau, and the
// schedule's from the first epoch on.
func TestRatesOfAPlateau(t *testing.T) {
	m := &FirstOrder{Label: "sgd", Rule: SGD{}, Rate: 1.5, Epochs: 5, Schedule: Schedule{Shape: Plateau, Factor: 0.5, Patience: 0, Threshold: 0.3}}
	b := &bowl{c: []float64{1}, a: []float64{0}} // x ← (1 − rate)·x
	s, err := (&Trainer{Objective: b, Stages: []Method{m}}).Run(t.Context(), []float64{8})
	require.NoError(t, err)
	var rates, losses []float64
	for _, rec := range s.History {
		rates, losses = append(rates, rec.Rate), append(losses, rec.Loss)
	}
	// Losses fall by a quarter at x = 8, −4, 2: always a better one.
	require.InDeltaSlice(t, []float64{1.5, 1.5, 1.5, 1.5, 1.5}, rates, 1e-15)
	require.InDeltaSlice(t, []float64{32, 8, 2, 0.5, 0.125}, losses, 1e-12)
	m.Schedule.Threshold = 0.8 // a quarter is not enough, from the second loss on
	s, err = (&Trainer{Objective: b, Stages: []Method{m}}).Run(t.Context(), []float64{8})
	require.NoError(t, err)
	require.InDelta(t, 1.5, s.History[0].Rate, 1e-15)
	require.InDelta(t, 0.75, s.History[2].Rate, 1e-15)
	require.Equal(t, s.X, s.Best.X, "the place after the last step is scored too")
	require.InDelta(t, s.X[0]*s.X[0]/2, s.Best.Score, 1e-15)
}

// The record of an epoch in batches has the mean of the loss and of each of
// its terms over all trajectories, by measured values.
func TestTermsOfBatches(t *testing.T) {
	still := &FirstOrder{Label: "sgd", Rule: SGD{}, Rate: 1e-300, Epochs: 3} // stays where it is
	l := newLogistic(40)
	w := []float64{0.3, -0.2, 0.5}
	s, err := (&Trainer{Objective: l, Stages: []Method{still}, Batch: 7}).Run(t.Context(), w)
	require.NoError(t, err)
	res, err := l.Eval(t.Context(), w, nil, 1, nil)
	require.NoError(t, err)
	for _, rec := range s.History {
		require.InEpsilon(t, res.Loss, rec.Loss, 1e-9)
		require.Len(t, rec.Terms, 2)
		for i, term := range rec.Terms {
			require.Equal(t, res.Terms[i].Name, term.Name)
			require.InEpsilon(t, res.Terms[i].Value, term.Value, 1e-9)
		}
	}
	m := lbfgs(4)
	s, err = (&Trainer{Objective: l, Stages: []Method{m}}).Run(t.Context(), w)
	require.NoError(t, err)
	for _, rec := range s.History {
		require.Len(t, rec.Terms, 2)
		require.InEpsilon(t, rec.Loss, rec.Terms[0].Value+rec.Terms[1].Value, 1e-12)
	}
}

// Patience counts a score that is only as good as the mark.
func TestPatienceCountsEqualScores(t *testing.T) {
	still := &FirstOrder{Label: "sgd", Rule: SGD{}, Rate: 1e-300, Epochs: 30}
	s, err := (&Trainer{Objective: newBowl(2), Stages: []Method{still}, Stop: Stop{Patience: 4}}).Run(t.Context(), []float64{3, 3})
	require.NoError(t, err)
	require.Equal(t, StoppedEarly, s.Status)
	require.Equal(t, 5, s.Iteration)
	require.Equal(t, "no improvement in 4 iterations", s.Message)
}

func TestCurriculum(t *testing.T) {
	require.Equal(t, 1., Curriculum{}.At(0))
	require.Equal(t, 1., Curriculum{}.At(math.MaxInt))
	c := Curriculum{From: 0.2, To: 0.8, Epochs: 3}
	for epoch, want := range []float64{0.2, 0.4, 0.6, 0.8, 0.8} {
		require.InDelta(t, want, c.At(epoch), 1e-15)
	}
}

// Each of the settings that a method checks, alone.
func TestMethodsCheck(t *testing.T) {
	for _, m := range []Method{
		&FirstOrder{Label: "x", Rule: SGD{}, Rate: 1, Epochs: 1, Clip: -1},
		&FirstOrder{Label: "x", Rule: SGD{}, Rate: 1, Epochs: 1, Retries: -1},
		&FirstOrder{Label: "x", Rule: SGD{}, Rate: 1, Epochs: 1, Schedule: Schedule{Warmup: -1}},
		&FirstOrder{Label: "x", Rule: SGD{}, Rate: math.Inf(1), Epochs: 1},
		&FirstOrder{Label: "x", Rate: 1, Epochs: 1},
		&LBFGS{MaxIterations: 1, Memory: 1, GradTol: -1}, &LBFGS{MaxIterations: 1, Memory: 1, LossTol: -1},
		&LevenbergMarquardt{MaxIterations: 1, Factor: 1, LossTol: -1},
		&LevenbergMarquardt{MaxIterations: 1, Factor: 1, StepTol: -1}, &LevenbergMarquardt{MaxIterations: 1, Factor: 1, GradTol: -1},
	} {
		require.Error(t, m.check(), "%+v", m)
	}
	for _, m := range []Method{
		&FirstOrder{Label: "x", Rule: SGD{}, Rate: 1, Epochs: 2, Schedule: Schedule{Warmup: 1}},
		&LBFGS{MaxIterations: 1, Memory: 1}, &LevenbergMarquardt{MaxIterations: 1, Factor: 1e-9},
	} {
		require.NoError(t, m.check(), "%+v", m)
	}
	for _, spoil := range []func(*Trainer){
		func(t *Trainer) { t.CheckpointEvery = -1 }, func(t *Trainer) { t.Stop.Patience = -1 },
		func(t *Trainer) { t.Stop.MinDelta = -1 }, func(t *Trainer) { t.Stop.MaxTime = -1 },
		func(t *Trainer) { t.Curriculum = Curriculum{From: 0.5, To: 1} },
		func(t *Trainer) { t.Curriculum = Curriculum{To: 1, Epochs: 1} },
		func(t *Trainer) { t.Curriculum = Curriculum{From: 1, To: 1.5, Epochs: 1} },
	} {
		tr := &Trainer{Objective: newLogistic(20), Stages: []Method{adam(0.1, 10)}}
		require.NoError(t, tr.Check())
		spoil(tr)
		require.Error(t, tr.Check())
	}
	whole := &Trainer{Objective: newLogistic(20), Stages: []Method{adam(0.1, 10)}, Curriculum: Curriculum{From: 1, To: 1, Epochs: 10}}
	require.NoError(t, whole.Check())
}

// Starts share the time; the best of none is −1.
func TestStartsShareTheTime(t *testing.T) {
	var clock time.Time
	tr := &Trainer{
		Objective: newLogistic(40), Stages: []Method{adam(0.01, 4)}, Stop: Stop{MaxTime: 30 * time.Second},
		now: func() time.Time { return clock },
	}
	tr.Observer = func(Progress) { clock = clock.Add(3 * time.Second) }
	starts := [][]float64{make([]float64, 3), make([]float64, 3), make([]float64, 3), make([]float64, 3)}
	var told []int
	states, best, err := tr.RunAll(t.Context(), starts, nil, func(k int, _ []*State) { told = append(told, k) })
	require.NoError(t, err)
	// Two whole ones take 24 s, and 6 s are left of the third.
	require.Len(t, states, 3)
	require.Equal(t, MaxTime, states[2].Status)
	require.Equal(t, 2, states[2].Iteration)
	require.Equal(t, 0, best, "all are the same; the first counts")
	require.Equal(t, []int{0, 1, 2}, told)

	tr.Stop.MaxTime = 37 * time.Second // six more, which the third needs, and a bit
	again, _, err := tr.RunAll(t.Context(), starts, states, func(k int, _ []*State) { told = append(told, k) })
	require.NoError(t, err)
	require.Equal(t, []int{0, 1, 2, 2, 3}, told, "the unfinished one is told again")
	require.Len(t, again, 4)
	require.Equal(t, MaxIterations, again[2].Status)
	require.Equal(t, 1, again[3].Iteration)

	_, best, err = tr.RunAll(t.Context(), starts[:2], states, nil)
	require.EqualError(t, err, "the earlier run had 3 starts, this one has 2")
	require.Equal(t, -1, best)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	states, best, err = tr.RunAll(ended, starts, nil, nil)
	require.NoError(t, err)
	require.Equal(t, -1, best)
	require.Len(t, states, 1)
	require.Equal(t, Interrupted, states[0].Status)
}

// An error of an evaluation ends a run in batches, wherever it comes.
func TestErrorsInBatches(t *testing.T) {
	gone := fmt.Errorf("the data were removed")
	for n := range 12 {
		o := &failing{logistic: newLogistic(24), good: n, err: gone}
		s, err := (&Trainer{Objective: o, Stages: []Method{adam(0.1, 2)}, Batch: 4}).Run(t.Context(), make([]float64, 3))
		require.ErrorIs(t, err, gone, n)
		require.Equal(t, Failed, s.Status)
		require.Equal(t, n/6, s.Iteration) // five batches and a score an epoch
	}
}

type failing struct {
	*logistic
	good int
	err  error
}

func (f *failing) Eval(ctx context.Context, x []float64, batch []int, h float64, grad []float64) (Result, error) {
	res, err := f.logistic.Eval(ctx, x, batch, h, grad)
	if f.good--; f.good < 0 {
		err = f.err
	}
	return res, err
}

// An interrupt is seen between two batches, before the next is evaluated.
func TestTimeEndsWithinAnEpoch(t *testing.T) {
	var clock time.Time
	w := &watched{logistic: newLogistic(40)}
	tr := &Trainer{Objective: w, Stages: []Method{adam(0.01, 3)}, Batch: 8, Stop: Stop{MaxTime: 5}, now: func() time.Time {
		clock = clock.Add(1)
		return clock
	}}
	s, err := tr.Run(t.Context(), make([]float64, 3))
	require.NoError(t, err)
	require.Equal(t, MaxTime, s.Status)
	require.Equal(t, 0, s.Iteration)
	require.Len(t, w.batches, s.Method.FirstOrder.Batch)
	require.Less(t, len(w.batches), 4)
}

// The norm is that of the plain sum, whatever the length.
func TestNorms(t *testing.T) {
	for n := range 14 {
		v := make([]float64, n)
		sum := 0.
		for i := range v {
			v[i] = float64(i*i) - 20.5
			sum += v[i] * v[i]
		}
		require.InDelta(t, math.Sqrt(sum), norm2(v), 1e-12*(1+sum), n)
		require.InDelta(t, math.Sqrt(sum), scaledNorm(v), 1e-12*(1+sum), n)
		most := 0.
		if n > 0 {
			most = max(20.5, float64((n-1)*(n-1))-20.5)
		}
		require.Equal(t, most, normInf(v))
	}
	require.Equal(t, 7., normInf([]float64{-7, 3}))
	require.InEpsilon(t, 5e200, norm2([]float64{3e200, -4e200}), 1e-14)
	s := newSlots(2, 1)
	for k := range 3 {
		for _, r := range []Rule{RMSProp{Alpha: 0.5, Eps: 1}} {
			x := []float64{1}
			r.Update(&s, &s, x, slices.Clone(x), []float64{1}, 0.1, nil)
			require.Equal(t, k+1, s.Step)
		}
	}
}

// The norm of an epoch is the largest of its batches', as it was before it is
// clipped.
func TestGradientNormOfAnEpoch(t *testing.T) {
	for _, limit := range []float64{0, 1e-3} {
		still := &FirstOrder{Label: "sgd", Rule: SGD{}, Rate: 1e-300, Epochs: 2, Clip: limit}
		w := &watched{logistic: newLogistic(40)}
		x := []float64{0.3, -0.2, 0.5}
		s, err := (&Trainer{Objective: w, Stages: []Method{still}, Batch: 7}).Run(t.Context(), x)
		require.NoError(t, err)
		per := len(w.batches) / 2
		for epoch, rec := range s.History {
			most, last := 0., 0.
			for _, b := range w.batches[epoch*per : (epoch+1)*per] {
				g := make([]float64, 3)
				_, err := w.logistic.Eval(t.Context(), x, b, 1, g)
				require.NoError(t, err)
				last = math.Sqrt(g[0]*g[0] + g[1]*g[1] + g[2]*g[2])
				most = max(most, last)
			}
			require.InEpsilon(t, most, rec.GradNorm, 1e-9)
			require.Greater(t, most, last*0.99)
		}
	}
}

// scored is a system with a validation that fails, or errs.
type scored struct {
	*system
	err error
}

func (s scored) Validate(context.Context, []float64, float64) (Result, error) {
	return Result{Loss: 1}, s.err
}

func TestLevenbergValidation(t *testing.T) {
	gone := fmt.Errorf("the data were removed")
	st, err := (&Trainer{Objective: scored{cube(10), gone}, Stages: []Method{marquardt(9)}}).Run(t.Context(), []float64{5})
	require.ErrorIs(t, err, gone)
	require.Empty(t, st.History)
	st, err = (&Trainer{Objective: scored{cube(10), nil}, Stages: []Method{marquardt(9)}, Stop: Stop{Validate: true}}).Run(t.Context(), []float64{5})
	require.NoError(t, err)
	require.Equal(t, 1., st.Best.Score)
	require.Equal(t, 1., *st.History[0].Valid)
	require.Equal(t, Vector{5}, st.Best.X, "nothing was better")
}

// A longer horizon comes first, then the lower loss; the same is no better.
func TestBetterPoints(t *testing.T) {
	at := func(horizon, score float64) *Point { return &Point{Horizon: horizon, Score: score} }
	for _, c := range []struct {
		p, q   *Point
		better bool
	}{
		{at(1, 9), at(0.5, 1), true},
		{at(0.5, 1), at(1, 9), false},
		{at(1, 1), at(1, 2), true},
		{at(1, 2), at(1, 1), false},
		{at(1, 1), at(1, 1), false},
		{at(1, -2), at(1, -1), true},
	} {
		require.Equal(t, c.better, c.p.better(c.q), "%v, %v", c.p, c.q)
	}
	// The best point is kept while a later stage does worse.
	worse := &FirstOrder{Label: "sgd", Rule: SGD{}, Rate: 2.5, Epochs: 4} // x ← −1.5 x
	good := &FirstOrder{Label: "sgd", Rule: SGD{}, Rate: 0.5, Epochs: 4}
	s, err := (&Trainer{Objective: &bowl{c: []float64{1}, a: []float64{0}}, Stages: []Method{good, worse}}).Run(t.Context(), []float64{8})
	require.NoError(t, err)
	require.Equal(t, Vector{0.5}, s.Best.X)
	require.Equal(t, 0, s.Best.Stage)
	require.InDelta(t, 0.5*5.0625, math.Abs(s.X[0]), 1e-12, "four steps away from the best point")
}

// Batches of alike lengths do not come in the order of their lengths.
func TestGroupedBatchesAreShuffled(t *testing.T) {
	w := &watched{logistic: newLogistic(40)}
	_, err := (&Trainer{Objective: w, Stages: []Method{adam(0.01, 6)}, Batch: 5, Group: true, Seed: 2}).Run(t.Context(), make([]float64, 3))
	require.NoError(t, err)
	require.Len(t, w.batches, 36)
	rising := 0
	for epoch := range 6 {
		sorted := true
		for k := 1; k < 6; k++ {
			a, b := w.batches[6*epoch+k-1], w.batches[6*epoch+k]
			sorted = sorted && w.Length(a[0]) <= w.Length(b[0])
		}
		if sorted {
			rising++
		}
	}
	require.Less(t, rising, 3)
}

// A plateau is counted anew behind each fall of the rate, and each improvement.
func TestPlateausCountAnew(t *testing.T) {
	s := Schedule{Shape: Plateau, Factor: 0.5, Patience: 2, Threshold: 0}
	p := &plateau{Scale: 1}
	for k, want := range []float64{1, 1, 1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.125} {
		p.observe(&s, 7)
		require.Equal(t, want, p.Scale, "observation %d", k+1)
	}
	p = &plateau{Scale: 1}
	for k, c := range [][2]float64{{7, 1}, {7, 1}, {7, 1}, {6, 1}, {6, 1}, {6, 1}, {6, 0.5}} {
		p.observe(&s, c[0])
		require.Equal(t, c[1], p.Scale, "observation %d", k+1)
	}
}

// halfway solves batches and nothing whole.
type halfway struct{ *logistic }

func (h halfway) Eval(ctx context.Context, x []float64, batch []int, horizon float64, grad []float64) (Result, error) {
	if batch == nil {
		return Result{Failed: true, Reason: Failure{Trajectory: "g=b", Time: 2, Reason: "unstable"}}, nil
	}
	return h.logistic.Eval(ctx, x, batch, horizon, grad)
}

func TestNothingScored(t *testing.T) {
	s, err := (&Trainer{Objective: halfway{newLogistic(24)}, Stages: []Method{adam(0.1, 2)}, Batch: 4}).Run(t.Context(), make([]float64, 3))
	require.EqualError(t, err, "no point of the run could be scored: trajectory g=b at t = 2: unstable")
	require.Equal(t, Failed, s.Status)
}

// A coordinate that nothing depends on does not hide that the others are done.
func TestCosineOfColumnsOfZeros(t *testing.T) {
	s := &system{rows: 2, dim: 2, residual: func(x, r []float64, jac *mat.Dense) bool {
		r[0], r[1] = x[0]-1, 2
		if jac != nil {
			jac.SetRow(0, []float64{1, 0})
			jac.SetRow(1, []float64{0, 0})
		}
		return true
	}}
	st, err := (&Trainer{Objective: s, Stages: []Method{&LevenbergMarquardt{MaxIterations: 5, Factor: 1, GradTol: 1e-3}}}).Run(t.Context(), []float64{1, 4})
	require.NoError(t, err)
	require.Equal(t, "the residual is orthogonal to the Jacobian within 0", st.Message)
	require.Empty(t, st.History)
}

// The sum has to fall by little, not only to be expected to.
func TestLevenbergFallsByMoreThanForetold(t *testing.T) {
	// From 1 by 0.9: 9 to 6.3 along the line, a fall of 0.51, and to 3.141, one of 0.878.
	s := scalarFit{func(x float64) float64 { return 10 - x*x*x }, func(x float64) float64 { return -3 * x * x }, math.Inf(1)}
	st, err := (&Trainer{Objective: s.system(), Stages: []Method{&LevenbergMarquardt{MaxIterations: 2, Factor: 0.9, LossTol: 0.6}}}).Run(t.Context(), []float64{1})
	require.NoError(t, err)
	require.Len(t, st.History, 2)
	require.InDelta(t, 3.141*3.141/2, st.History[0].Loss, 1e-9)
}

// Every part of a damaged memory is noticed.
func TestDamagedMemory(t *testing.T) {
	tr := &Trainer{Objective: newLogistic(20), Stages: []Method{adam(0.1, 4)}}
	s, err := tr.Run(t.Context(), make([]float64, 3))
	require.NoError(t, err)
	for name, spoil := range map[string]func(d *descent){
		"gradient": func(d *descent) { d.Grad = d.Grad[:2] }, "place": func(d *descent) { d.X = nil },
		"slots": func(d *descent) { d.Slots.Vectors = d.Slots.Vectors[:1] }, "a slot": func(d *descent) { d.Slots.Vectors[1] = d.Slots.Vectors[1][:1] },
		"old slots": func(d *descent) { d.Was.Vectors = nil }, "an old slot": func(d *descent) { d.Was.Vectors[0] = nil },
		"batch": func(d *descent) { d.Batch = -1 }, "rate": func(d *descent) { d.Backoff = 0 },
	} {
		bad, err := s.clone()
		require.NoError(t, err)
		spoil(bad.Method.FirstOrder)
		bad.Iteration = 2
		_, err = tr.Resume(t.Context(), bad)
		require.ErrorContains(t, err, "the checkpoint is damaged", name)
	}
}
