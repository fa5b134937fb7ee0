package estimate

import (
	"slices"
	"sync/atomic"

	"github.com/pinode/pinode/fit"
	"github.com/pinode/pinode/internal/problem"
)

// kept is the best that a fit has come to while it runs, for who has to leave it in the midst of a
// step: it may be read from another goroutine.
type kept struct{ atomic.Pointer[fit.Point] }

// keep takes over a point that is no worse than what is kept.
func (k *kept) keep(p *fit.Point) {
	if was := k.Load(); was == nil || p.Horizon > was.Horizon || p.Horizon == was.Horizon && p.Score <= was.Score {
		q := *p
		q.X = slices.Clone(p.X)
		k.Store(&q)
	}
}

// follow keeps where the fit begins, and from then on the best point of each iteration. A field that is a
// network has one descent, whose point is the best.
func follow(f *Fit) {
	f.kept.keep(&fit.Point{X: f.X})
	tr := &f.Plan.Trainer
	tell := tr.Observer
	tr.Observer = func(p fit.Progress) {
		switch {
		case p.State.Best != nil:
			f.kept.keep(p.State.Best)
		case f.field != nil:
			f.kept.keep(&fit.Point{X: p.State.X, Score: p.Loss, Horizon: p.Horizon})
		}
		if tell != nil {
			tell(p)
		}
	}
}

// Kept are the values and estimates of the best that a fit has come to while it runs; nil: it has not
// begun. They have no standard errors.
func (f *Fit) Kept() (*problem.Values, []fit.Estimate) {
	p := f.kept.Load()
	if p == nil {
		return nil, nil
	}
	sp := f.Objective.Space
	v := sp.ValuesAt(p.X[:sp.Dim])
	list := slices.Clone(sp.Estimates)
	for i := range list {
		list[i].Start, list[i].Value = f.start.Params[list[i].Name], v.Params[list[i].Name]
	}
	return v, list
}
