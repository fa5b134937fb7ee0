package estimate

import (
	"context"
	"math"
	"slices"
	"strings"

	"github.com/pinode/pinode/compiler/check"
	"github.com/pinode/pinode/fit"
)

// Parameters that may change places: compartments of which nothing says which is which.

const (
	exchangeWork  = 4e7  // operations that looking for them may take
	exchangeMost  = 200  // evaluations of the loss
	exchangeAside = 0.4  // how far from the estimate they are looked for, in coordinates
	exchangeEqual = 1e-3 // of what a change of one of them does, and of the loss, that changing places may do
	exchangeAt    = 2    // places at which they are to
	exchangePairs = 3    // that change places together, at most
)

// exchange is a set of pairs of parameters, by their places in the space.
type exchange [][2]int

// exchanged are the sets of pairs of parameters that may change places together, with the same loss wherever
// they are. It is tried at points beside x, so that parameters that have come to the same value tell something.
func exchanged(ctx context.Context, f *Fit, x []float64) []exchange {
	pairs := alike(f, x)
	if len(pairs) == 0 {
		return nil
	}
	left := min(exchangeMost, int(exchangeWork/math.Max(f.Objective.Operations(x), 1)))
	value := func(x []float64) float64 {
		left--
		res, err := f.Objective.Eval(ctx, x, nil, 1, nil)
		if err != nil || res.Failed {
			return math.NaN()
		}
		return res.Loss
	}
	rng := fit.Stream(f.Plan.Trainer.Seed, "exchange", 0)
	type place struct {
		x    []float64
		loss float64
	}
	var places []place
	for range exchangeAt {
		aside := slices.Clone(x)
		for i := range f.Objective.Space.Params {
			aside[i] += exchangeAside * (2*rng.Float64() - 1)
		}
		places = append(places, place{aside, value(aside)})
	}
	var found []exchange
	symmetric := func(set exchange) bool {
		for _, at := range places {
			y := slices.Clone(at.x)
			for _, p := range set {
				if !changePlaces(f, y, p) {
					return false
				}
			}
			by := math.Abs(value(y) - at.loss)
			for _, p := range set { // each of them matters
				y := slices.Clone(at.x)
				changePlaces(f, y, p)
				y[p[1]] = at.x[p[1]]
				if !(by < exchangeEqual*math.Min(math.Abs(value(y)-at.loss), 1+math.Abs(at.loss))) {
					return false
				}
			}
		}
		return true
	}
	var grow func(set exchange, from, size int)
	grow = func(set exchange, from, size int) {
		if len(set) == size {
			if left > 0 && symmetric(set) {
				found = append(found, slices.Clone(set))
			}
			return
		}
		for k := from; k < len(pairs) && left > 0; k++ {
			if taken(pairs[k], slices.Concat(found...)) || taken(pairs[k], set) {
				continue
			}
			grow(append(set, pairs[k]), k+1, size)
		}
	}
	for size := 1; size <= exchangePairs; size++ {
		grow(nil, 0, size)
	}
	return found
}

// alike are the pairs of parameters that could change places: with one unit, one interval and no priors.
func alike(f *Fit, x []float64) (pairs [][2]int) {
	list := f.Objective.Space.Params
	for i := range list {
		for j := range i {
			a, b := list[j].Slot.Object.(*check.Param), list[i].Slot.Object.(*check.Param)
			same := a.Unit.Equal(b.Unit) && a.Lo == b.Lo && a.Hi == b.Hi && a.Prior == nil && b.Prior == nil
			if same && a != b && !list[i].Slot.PerKey && !list[j].Slot.PerKey && !math.IsInf(x[i], 0) && !math.IsInf(x[j], 0) {
				pairs = append(pairs, [2]int{j, i})
			}
		}
	}
	return pairs
}

func taken(p [2]int, set exchange) bool {
	return slices.ContainsFunc(set, func(q [2]int) bool {
		return p[0] == q[0] || p[0] == q[1] || p[1] == q[0] || p[1] == q[1]
	})
}

// changePlaces gives two parameters each other's values, and reports whether they can have them.
func changePlaces(f *Fit, x []float64, p [2]int) bool {
	a, b := &f.Objective.Space.Transforms[p[0]], &f.Objective.Space.Transforms[p[1]]
	u, _, err1 := a.Start(b.Forward(x[p[1]]))
	v, _, err2 := b.Start(a.Forward(x[p[0]]))
	if err1 != nil || err2 != nil {
		return false
	}
	x[p[0]], x[p[1]] = u, v
	return true
}

// names says which parameters a set has.
func (e exchange) names(f *Fit) string {
	var left, right []string
	for _, p := range e {
		left, right = append(left, f.Objective.Space.Params[p[0]].Name), append(right, f.Objective.Space.Params[p[1]].Name)
	}
	return strings.Join(left, ", ") + " with " + strings.Join(right, ", ")
}
