package distill

import (
	"context"
	"math"
	"slices"
)

// trial is a structure in the model, refitted.
type trial struct {
	of        structure
	coefs     [][]float64
	text      string
	judged    *judged // nil: it could not be fitted
	criterion float64
}

// search looks for the structure with the least criterion.
type search struct {
	*Source
	*site
	tables []*table // by element
	done   map[string]*trial
	left   int    // trials
	most   int    // terms of an element
	best   *trial // of all
	here   *trial // where this part of the search is
}

// try fits a structure, once.
func (s *search) try(ctx context.Context, of structure) (*trial, error) {
	key := of.key()
	if t := s.done[key]; t != nil {
		s.settle(t)
		return t, nil
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	t := &trial{of: of, criterion: math.Inf(1)}
	s.done[key] = t
	if s.left <= 0 || of.size() == 0 {
		return t, nil
	}
	for e, terms := range of {
		c, rest := s.tables[e].fit(terms)
		if math.IsNaN(rest) {
			return t, nil
		}
		t.coefs = append(t.coefs, c)
	}
	s.left--
	t.text = s.replaced(of, t.coefs)
	j, err := s.refit(ctx, t.text)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil { // a run that fails says that the structure will not do
		return t, nil
	}
	t.judged = j
	t.criterion = s.criterion(j, of)
	s.settle(t)
	return t, nil
}

// settle takes a trial that is better than what there is.
func (s *search) settle(t *trial) {
	for _, at := range []**trial{&s.best, &s.here} {
		if t.criterion < math.Inf(1) && (*at == nil || t.criterion < (*at).criterion) {
			*at = t
		}
	}
}

// criterion is the extended Bayesian information criterion, −2 log L + k log n + 2 log of the
// number of structures of that size: of many candidates some fit noise by chance.
//
// J. Chen, Z. Chen, Biometrika 95, 759–771, 2008, with γ = 1.
func (s *search) criterion(j *judged, of structure) float64 {
	c := -2*j.likelihood + float64(of.size())*math.Log(float64(j.values))
	for _, terms := range of {
		for k := range terms {
			c += 2 * math.Log(float64(len(s.terms)-k)/float64(k+1))
		}
	}
	return c
}

// most combinations of the structures of elements that are tried at once.
const combinations = 64

// run tries what the regressions propose, in all combinations, and goes on from the best:
// first with single terms, then with the structures that regressions like best.
func (s *search) run(ctx context.Context) error {
	for _, propose := range []func(t *table) [][]int{(*table).singles, s.proposed} {
		lists := make([][][]int, len(s.tables))
		for e, t := range s.tables {
			lists[e] = append(propose(t), []int{})
		}
		each := 1
		for math.Pow(float64(each+1), float64(len(lists))) <= combinations {
			each++
		}
		for e := range lists {
			lists[e] = lists[e][:min(len(lists[e]), each)]
		}
		s.here = nil
		if err := s.combine(ctx, lists, nil); err != nil {
			return err
		}
		if err := s.improve(ctx); err != nil {
			return err
		}
	}
	return nil
}

// proposed are the structures that the regressions of a table like best, as it is and in weak
// form.
func (s *search) proposed(t *table) (list [][]int) {
	strong, weak := t.structures(s.most), t.weak().structures(s.most)
	for k := range max(len(strong), len(weak)) {
		for _, of := range [][][]int{strong, weak} {
			if k < len(of) && !slices.ContainsFunc(list, func(x []int) bool { return slices.Equal(x, of[k]) }) {
				list = append(list, of[k])
			}
		}
	}
	return list
}

// combine tries all combinations of structures of the elements behind those that are given.
func (s *search) combine(ctx context.Context, lists [][][]int, given structure) error {
	if len(given) == len(lists) {
		_, err := s.try(ctx, given.clone())
		return err
	}
	for _, terms := range lists[len(given)] {
		if err := s.combine(ctx, lists, append(given.clone(), terms)); err != nil {
			return err
		}
	}
	return nil
}

// improve goes from the best structure to the best of its neighbours, which have one term
// fewer, another one, or one more, until none is better.
func (s *search) improve(ctx context.Context) error {
	for s.here != nil && s.left > 0 {
		from := s.here
		for _, of := range s.neighbours(from.of) {
			if _, err := s.try(ctx, of); err != nil {
				return err
			}
			if s.here != from && s.here.of.size() < from.of.size() {
				break // simpler and better: look no further here
			}
		}
		if s.here == from {
			return nil
		}
	}
	return nil
}

// neighbours are structures that differ by one term: simpler ones first.
func (s *search) neighbours(of structure) (list []structure) {
	for e, terms := range of {
		for k := range terms {
			n := of.clone()
			n[e] = slices.Delete(n[e], k, k+1)
			list = append(list, n)
		}
	}
	for e, terms := range of {
		for k := range terms {
			for j := range s.terms {
				if !slices.Contains(terms, j) {
					n := of.clone()
					n[e][k] = j
					slices.Sort(n[e])
					list = append(list, n)
				}
			}
		}
	}
	for e, terms := range of {
		for j := range s.terms {
			if len(terms) < s.most && !slices.Contains(terms, j) {
				n := of.clone()
				n[e] = append(n[e], j)
				slices.Sort(n[e])
				list = append(list, n)
			}
		}
	}
	return list
}
