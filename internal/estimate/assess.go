package estimate

import (
	"context"
	"math"

	"github.com/pinode/pinode/compiler/check"
	"github.com/pinode/pinode/compiler/lower"
	"github.com/pinode/pinode/internal/explain"
	"github.com/pinode/pinode/internal/loss"
	"github.com/pinode/pinode/internal/problem"
	"github.com/pinode/pinode/sim"
)

// Assessment is how a model meets the data of some trajectories.
type Assessment struct {
	Trajectories, Values int
	LogLikelihood        float64 // NaN where an observation has no distribution
	Likelihoods          map[string]float64
	Scores               []Score
	Residuals            []Residual
}

// Score is how a model meets an observation, or a component of one.
type Score struct {
	Observation string
	Values      int
	RMSE        float64

	// The shares of values that lie in the central 50 % and 95 % of their
	// distribution around the prediction; NaN without one.
	Coverage50, Coverage95 float64
}

// Residual is a measured value with its prediction.
type Residual struct {
	Trajectory, Observation string
	Time                    float64
	Data, Prediction        float64
}

// Assess runs the model over the trajectories of training and over those that are held
// back, at the coordinates X.
func (f *Fit) Assess(ctx context.Context) (train, valid *Assessment, err error) {
	o := f.Objective
	if train, err = f.assess(ctx, o.Trajectories); err != nil || len(o.Validation) == 0 {
		return train, nil, err
	}
	valid, err = f.assess(ctx, o.Validation)
	return train, valid, err
}

func (f *Fit) assess(ctx context.Context, list []*problem.Trajectory) (*Assessment, error) {
	o := f.Objective
	res, err := o.LikelihoodOf(ctx, f.X, list)
	if err == nil && res.Failed {
		err = o.Failure()
	}
	if err != nil {
		return nil, err
	}
	a := &Assessment{Trajectories: len(list), Values: res.Values, LogLikelihood: -float64(res.Values) * res.Loss, Likelihoods: o.Likelihoods(res)}
	if !o.HasDensity() {
		a.LogLikelihood = math.NaN()
	}
	noise, err := loss.NewNoise(f.prog)
	if err != nil {
		return nil, err
	}
	sums := newSums(&f.prog.Model.Layout)
	w := o.Workers[0]
	w.System.Bind(o.Space.SharedAt(f.X, o.Natural), o.Space.Scales)
	var tr sim.Trajectory
	for _, it := range list {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		w.System.BindTrajectory(o.Space.OwnInputs(o.Natural, it, w.System.Q[:0]), it.Signals)
		if err := w.Integrator.Run(w.System, &it.Span, &tr); err != nil {
			return nil, &explain.RunError{Trajectory: it.Name, Fail: tr.Fail, Text: explain.Failure(f.prog.Program, tr.Fail)}
		}
		for i := range it.Rows {
			r := &it.Rows[i]
			w.System.RowAt(it.Span.Saves[r.Save], tr.SaveY[r.Save], tr.SaveD[r.Save], tr.BeforeY[r.Save], tr.BeforeD[r.Save], r.Data, r.Seen, r.Inputs)
			w.System.Obs.Run()
			if noise != nil {
				noise.At(w.System)
			}
			a.Residuals = append(a.Residuals, sums.add(it, r, w.System.Obs.Value, noise)...)
		}
	}
	a.Scores = sums.scores()
	return a, nil
}

// sums are what scores are made of, by component of observations.
type sums struct {
	of        []*check.Observe
	at, first []int // the observation of each component, and its first component
	names     []string
	n, known  []float64
	squares   []float64
	inside    [2][]float64 // in the central shares
}

// shares are those of the intervals whose coverage is counted.
var shares = [2]float64{0.5, 0.95}

func newSums(lay *lower.Layout) *sums {
	s := &sums{}
	for i, slot := range lay.Observes {
		o := slot.Object.(*check.Observe)
		for k := range slot.N {
			s.of, s.at, s.first = append(s.of, o), append(s.at, i), append(s.first, slot.Off)
			s.names = append(s.names, lower.ElementName(&o.Obj, k))
		}
	}
	room := func() []float64 { return make([]float64, len(s.of)) }
	s.n, s.known, s.squares, s.inside = room(), room(), room(), [2][]float64{room(), room()}
	return s
}

// add counts the measured values of a row, and returns their residuals.
func (s *sums) add(it *problem.Trajectory, r *problem.Row, pred []float64, noise *loss.Noise) (list []Residual) {
	for i, o := range s.of {
		if r.Seen[i] == 0 {
			continue
		}
		y, d := r.Data[i], r.Data[i]-pred[i]
		list = append(list, Residual{it.Name, s.names[i], it.Span.Saves[r.Save], y, pred[i]})
		s.n[i]++
		s.squares[i] += d * d
		if o.Dist == nil {
			continue
		}
		args := make([]float64, len(o.Dist.Args))
		for j := range args {
			v := noise.Argument(s.at[i], j)
			args[j] = v[min(i-s.first[i], len(v)-1)]
		}
		for k, share := range shares {
			inside, known := loss.Central(o.Dist.Name, y, pred[i], args, share)
			if inside {
				s.inside[k][i]++
			}
			if known && k == 0 {
				s.known[i]++
			}
		}
	}
	return list
}

// scores are those of the observations that were measured.
func (s *sums) scores() (list []Score) {
	for i, name := range s.names {
		if s.n[i] == 0 {
			continue
		}
		list = append(list, Score{name, int(s.n[i]), math.Sqrt(s.squares[i] / s.n[i]), s.inside[0][i] / s.known[i], s.inside[1][i] / s.known[i]})
	}
	return list
}
