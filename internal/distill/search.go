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
	criterion float64 // −2 log L + k log n
}

// search looks for the structure with the least criterion.
type search struct {
	*Source
	*site
	tables []*table // by element
	done   map[string]*trial
	left   int // trials
	most   int // terms of an element
	best   *trial
}

// try fits a structure, once.
func (s *search) try(ctx context.Context, of structure) (*trial, error) {
	key := of.key()
	if t := s.done[key]; t != nil {
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
	t.criterion = -2*j.likelihood + float64(of.size())*math.Log(float64(j.values))
	if math.IsNaN(t.criterion) {
		t.criterion = math.Inf(1)
	}
	if s.best == nil || t.criterion < s.best.criterion {
		s.best = t
	}
	return t, nil
}

// proposals bounds the structures of each element that are tried with those of the others.
const proposals = 4

// run tries what the regressions propose, in all combinations, then goes on from the best.
func (s *search) run(ctx context.Context) error {
	lists := make([][][]int, len(s.tables))
	each := proposals
	for each > 1 && math.Pow(float64(each), float64(len(s.tables))) > 64 {
		each--
	}
	for e, t := range s.tables {
		var list [][]int
		add := func(of [][]int) {
			for _, terms := range of {
				if !slices.ContainsFunc(list, func(x []int) bool { return slices.Equal(x, terms) }) {
					list = append(list, terms)
				}
			}
		}
		strong, weak := t.structures(s.most), t.weak().structures(s.most)
		add(strong[:min(len(strong), (each+1)/2)])
		add(weak[:min(len(weak), (each+1)/2)])
		add(strong)
		lists[e] = append(list[:min(len(list), each)], []int{})
	}
	at := make([]int, len(lists))
	for {
		of := make(structure, len(lists))
		for e, k := range at {
			of[e] = lists[e][k]
		}
		if _, err := s.try(ctx, of); err != nil {
			return err
		}
		e := 0
		for e < len(at) {
			if at[e]++; at[e] < len(lists[e]) {
				break
			}
			at[e], e = 0, e+1
		}
		if e == len(at) {
			break
		}
	}
	return s.improve(ctx)
}

// improve goes from the best structure to the best of its neighbours, which have one term
// fewer, another one, or one more, until none is better.
func (s *search) improve(ctx context.Context) error {
	for s.best != nil && s.left > 0 {
		from := s.best
		for _, of := range s.neighbours(from.of) {
			if _, err := s.try(ctx, of); err != nil {
				return err
			}
			if s.best != from && s.best.of.size() < from.of.size() {
				break // simpler and better: look no further here
			}
		}
		if s.best == from {
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
