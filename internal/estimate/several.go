package estimate

import (
	"context"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat"

	"github.com/pinode/pinode/dsl/diag"
	"github.com/pinode/pinode/fit"
)

// several fits from several start values, the first those of the file, and makes the best the result.
func several(ctx context.Context, f *Fit) error {
	tr := &f.Plan.Trainer
	starts, err := startPoints(f)
	if err != nil {
		return err
	}
	var done []*fit.State
	if f.State != nil {
		done = f.State.All()
	}
	number, before := 0, []*fit.State(nil)
	if write := tr.Checkpoint; write != nil {
		tr.Checkpoint = func(s *fit.State) error {
			s.Start, s.Earlier = number, before
			return write(s)
		}
	}
	if tell := tr.Observer; tell != nil {
		tr.Observer = func(p fit.Progress) {
			p.Start, p.Starts = number, len(starts)
			tell(p)
		}
	}
	states, best, err := tr.RunAll(ctx, starts, done, func(k int, earlier []*fit.State) { number, before = k, earlier })
	if len(states) == 0 {
		return err
	}
	for k, s := range states {
		s.Start, s.Earlier = k, nil
	}
	// What is gone on with is the last; of a run that has ended the best counts.
	at := len(states) - 1
	if s := states[at].Status; best >= 0 && s != fit.Interrupted && s != fit.MaxTime {
		at = best
	}
	f.State = states[at]
	f.State.Earlier = slices.Delete(slices.Clone(states), at, at+1)
	gather(f, states)
	return err
}

// startPoints are the coordinates where the fits begin: parameters spread, weights drawn anew.
func startPoints(f *Fit) ([][]float64, error) {
	sp := f.Trained().Space
	x0, err := sp.X0()
	if err != nil {
		return nil, err
	}
	spread := make([]float64, len(x0))
	for i := range sp.Params {
		if !f.held.has(i) {
			spread[i] = f.Plan.Spread
		}
	}
	starts := fit.Starts(x0, spread, f.Plan.Starts, f.Plan.Trainer.Seed)
	for k := 1; k < len(starts); k++ {
		f.told.Redraw(starts[k], f.Plan.Trainer.Seed, k)
	}
	return starts, nil
}

// gather sorts what several fits have led to into optima, and keeps those that meet the data as well as
// the best.
func gather(f *Fit, states []*fit.State) {
	var list []*candidate
	f.members = nil
	best := f.State.Result()
	if best == nil {
		return
	}
	n := float64(max(1, f.Objective.Total))
	for k, s := range states {
		if s.Best == nil || s.Best.Horizon != best.Horizon {
			continue
		}
		o := origin{name: fmt.Sprintf("start %d of %d", k+1, f.Plan.Starts), user: k == 0}
		list = append(list, &candidate{Outcome: &fit.Outcome{X: s.Best.X, Value: n * s.Best.Score}, origin: o})
		// Two standard deviations of χ², as in candidate.fits.
		if n*(s.Best.Score-best.Score) <= math.Sqrt(2*n) {
			f.members = append(f.members, s.Best.X[:f.Objective.Space.Dim])
		}
	}
	basins(f, list)
}

// ensemble takes standard errors from the spread of the fits that meet the data as well as the best. That of fits which end at
// one value is no standard error, but how near their last steps came to it.
func ensemble(ctx context.Context, f *Fit, x []float64) error {
	warn := func(format string, args ...any) *diag.Diagnostic {
		return f.Warnings.Warnf("no-interval", f.prog.Checked.Model.Span, format, args...)
	}
	if len(f.members) < 2 {
		f.members = nil
		warn("there are no standard errors: only one of %d starts meets the data as well as the result", f.Plan.Starts)
		return nil
	}
	f.Decisions = append(f.Decisions, fmt.Sprintf("standard errors and bands from the spread of %d of %d starts, whose losses are within %.2g of the best",
		len(f.members), f.Plan.Starts, math.Sqrt(2/float64(max(1, f.Objective.Total)))))
	var agreed []string
	k := 0
	for i := range f.Estimates {
		e := &f.Estimates[i]
		if e.Fixed {
			continue
		}
		at, values := make([]float64, len(f.members)), make([]float64, len(f.members))
		for m, x := range f.members {
			at[m], values[m] = x[k], f.Objective.Space.Transforms[k].Forward(x[k])
		}
		e.StdErr = stat.StdDev(values, nil)
		one, err := agree(ctx, f, x, k, stat.StdDev(at, nil))
		if err != nil {
			return err
		}
		if one {
			e.StdErr, agreed = math.NaN(), append(agreed, "`"+e.Name+"`")
		}
		k++
	}
	if len(agreed) > 0 {
		warn("there is no standard error of %s: %d of %d starts ended at one value, and how near they came to it says nothing of the data", few(agreed), len(f.members), f.Plan.Starts).
			WithHelp("`uncertainty: laplace` and `profile` tell how well the data tell a parameter")
	}
	return nil
}

// agree reports whether a spread of coordinate k about the result x is below what any data tell: ten times as far away, and no
// further than a factor of e, the negative log-likelihood has not risen by a half, as it has one standard error away.
func agree(ctx context.Context, f *Fit, x []float64, k int, spread float64) (bool, error) {
	const times, rise = 10, 0.5
	if f.State.Status != fit.Converged || !(times*spread < 1) {
		return false, nil
	}
	o := forTrainer(f.Objective)
	at, err := o.Eval(ctx, x, nil, 1, nil)
	if err != nil || at.Failed {
		return false, err
	}
	scale, err := fit.InformationScale(at, min(len(f.Objective.Space.Params), at.Values-1), likelihood(f.prog))
	if err != nil {
		scale = float64(max(1, at.Values))
	}
	beyond := slices.Clone(x)
	beyond[k] += times * spread
	res, err := o.Eval(ctx, beyond, nil, 1, nil)
	return err == nil && !res.Failed && scale*(res.Loss-at.Loss) < rise, err
}
