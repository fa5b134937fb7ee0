package fit

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gonum.org/v1/gonum/mathext"
)

// Starts spreads n start points around x0. The first is x0 itself. The others
// are a Latin hypercube of normal deviations: coordinate i of them moves by
// spread[i]·Φ⁻¹((k+U)/(n−1)) with each stratum k used once, so that even a
// few starts cover each coordinate's range. A spread of 0 leaves a coordinate
// alone, as for weights of networks that are drawn anew by their owner.
//
// M.D. McKay, R.J. Beckman, W.J. Conover, Technometrics 21, 239–245, 1979.
func Starts(x0, spread []float64, n int, seed uint64) [][]float64 {
	out := make([][]float64, n)
	for k := range out {
		out[k] = append([]float64(nil), x0...)
	}
	for i := range x0 {
		rng := Stream(seed, "starts", i)
		for k, stratum := range rng.Perm(max(n-1, 0)) {
			u := (float64(stratum) + rng.Float64()) / float64(n-1)
			u = max(0x1p-53, min(u, 1-0x1p-53)) // Φ⁻¹ is infinite at the ends
			out[k+1][i] += spread[i] * mathext.NormalQuantile(u)
		}
	}
	return out
}

// RunAll fits from each start in turn and returns the states, with the index
// of the best: the lowest score among those that were scored like the most
// advanced one. done holds states of an earlier call that was interrupted;
// finished ones are kept and the last is taken up. Each start k has a seed of
// its own. A start that fails is kept with status failed; it is an error only
// when all do. each is told the number of a start before it runs, and the states of
// those before it, unless nil.
func (t *Trainer) RunAll(ctx context.Context, starts [][]float64, done []*State, each func(k int, before []*State)) (states []*State, best int, err error) {
	if len(starts) == 0 {
		return nil, -1, errors.New("there is no start to fit from")
	}
	if len(done) > len(starts) {
		return nil, -1, fmt.Errorf("the earlier run had %d starts, this one has %d", len(done), len(starts))
	}
	states = append(states, done...)
	best = -1
	var firstErr error
	var used time.Duration // by the starts before
	for k, x0 := range starts {
		if t.Stop.MaxTime > 0 && used >= t.Stop.MaxTime {
			return states, best, nil
		}
		one := *t
		if t.Stop.MaxTime > 0 { // of all starts together
			one.Stop.MaxTime = t.Stop.MaxTime - used
		}
		if k > 0 {
			one.Seed = Stream(t.Seed, "start", k).Uint64()
		}
		var s *State
		var err error
		switch {
		case k >= len(done):
			if each != nil {
				each(k, states[:k:k])
			}
			if s, err = one.Run(ctx, x0); s == nil {
				return states, best, err // the settings are wrong for all starts
			}
			states = append(states, s)
		case done[k].Status == Running || done[k].Status == Interrupted || done[k].Status == MaxTime:
			if each != nil {
				each(k, states[:k:k])
			}
			if s, err = one.Resume(ctx, done[k]); s == nil {
				return states, best, err
			}
			states[k] = s
		default:
			s = done[k]
			if s.Status == Failed {
				err = errors.New(s.Message)
			}
		}
		used += s.Elapsed
		if err != nil {
			if firstErr == nil {
				firstErr = err
			}
			continue
		}
		if s.Best != nil && (best < 0 || s.Best.better(states[best].Best)) {
			best = k
		}
		if s.Status == Interrupted || s.Status == MaxTime {
			return states, best, nil
		}
	}
	if best < 0 {
		return states, -1, fmt.Errorf("none of %d starts could be fitted; the first: %w", len(starts), firstErr)
	}
	return states, best, nil
}
