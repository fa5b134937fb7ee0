package distill

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/pinode/pinode/distill"

	"github.com/pinode/pinode/compiler/check"
	"github.com/pinode/pinode/dsl/diag"
	"github.com/pinode/pinode/internal/estimate"
)

type (
	Options   = distill.Options
	Result    = distill.Result
	Block     = distill.Block
	Judgement = distill.Judgement
	Formula   = distill.Formula
	Term      = distill.Term
)

func fill(o *Options) {
	for at, v := range map[*int]int{&o.Degree: 3, &o.Terms: 5, &o.Trials: 300, &o.Draws: 100} {
		if *at == 0 {
			*at = v
		}
	}
}

// path is a trajectory with the arguments and results of a block.
type path struct{ args, values [][]float64 }

// points is how many there are of a trajectory, on both sides of the times of its data.
const points = 120

// Distill looks for formulas of the learned blocks of a fit, one after the other: each
// is looked for with those that were found before in place.
func Distill(ctx context.Context, s *Source, o Options) (*Result, error) {
	fill(&o)
	base, err := s.at(ctx)
	if err != nil {
		return nil, err
	}
	if base.values == 0 || base.likelihood == 0 { // no value, or none that weighs anything
		l := &diag.List{}
		l.Errorf("not-supported", s.Prog.Checked.Model.Span, "no observation has a weight, so that no likelihood tells formulas apart").
			WithHelp("losses alone do not judge formulas: observe what is measured, with a weight")
		return nil, l.Err()
	}
	paths, err := visited(base.fit)
	if err != nil {
		return nil, err
	}
	r := &Result{Text: s.Prog.File.Source.Text, Found: true}
	blocks, err := chosenBlocks(s, paths, o.Block)
	if err != nil {
		return nil, err
	}
	now := *s
	for _, n := range blocks {
		b, best, err := one(ctx, &now, n, paths[n.Name], base, o)
		if err != nil {
			return nil, err
		}
		r.Blocks = append(r.Blocks, *b)
		if !b.Found {
			r.Found = false
			continue
		}
		if now, err = after(&now, best); err != nil {
			return nil, err
		}
		r.Text, base = now.Prog.File.Source.Text, best.judged
	}
	return r, nil
}

// chosenBlocks are the blocks to look at.
func chosenBlocks(s *Source, paths map[string][]path, name string) (list []*check.Neural, err error) {
	for _, n := range s.Prog.Checked.Model.Neurals {
		if name == "" && paths[n.Name] != nil || name == n.Name {
			list = append(list, n)
		}
	}
	l := &diag.List{}
	switch {
	case len(list) == 0 && name != "":
		names := []string{}
		for _, n := range s.Prog.Checked.Model.Neurals {
			names = append(names, n.Name)
		}
		l.Errorf("unknown-name", s.Prog.Checked.Model.Span, "there is no neural block `%s`; there are %v", name, names)
	case len(list) == 0:
		l.Errorf("not-supported", s.Prog.Checked.Model.Span, "no equation of `%s` uses a neural block: there is nothing to distil", s.Prog.Checked.Model.Name)
	case paths[list[0].Name] == nil:
		l.Errorf("not-supported", list[0].Span, "no equation uses `%s`, so that nothing tells where it was used", name)
	case list[0].Options.Word("kind") != "dense":
		l.Errorf("not-supported", list[0].Span, "a recurrent cell has no formula; blocks that are functions of their arguments have")
	}
	return list, l.Err()
}

// visited are the arguments and results of the blocks along the training trajectories.
func visited(f *estimate.Fit) (map[string][]path, error) {
	out := map[string][]path{}
	err := f.EachCurve(points, points, nil, func(c *estimate.Curve) {
		if c.Validation {
			return
		}
		for _, l := range c.Learned {
			out[l.Block] = append(out[l.Block], path{l.Args, l.Values})
		}
	})
	return out, err
}

// one looks for the formula of a block.
func one(ctx context.Context, s *Source, n *check.Neural, paths []path, base *judged, o Options) (*Block, *trial, error) {
	at, err := newSite(s.Prog.File, s.Prog.Checked.Model.Name, n)
	if err != nil {
		return nil, nil, err
	}
	var rows [][]float64
	for _, p := range paths {
		rows = append(rows, p.args...)
	}
	at.terms = library(arguments(n, rows), o.Degree)
	x := &search{Source: s, site: at, done: map[string]*trial{}, left: o.Trials, most: o.Terms}
	for e := range n.Shape.Size() {
		x.tables = append(x.tables, newTable(at.terms, paths, e, float64(base.values)))
	}
	if err := x.run(ctx); err != nil {
		return nil, nil, err
	}
	b := &Block{Name: n.Name, Apart: math.NaN(), Share: math.NaN(), Trials: o.Trials - x.left, Network: judgement(base, s.weights(n))}
	if x.best == nil {
		b.Why = "no formula could be fitted: every one that the regressions propose fails in a run"
		return b, nil, nil
	}
	x.describe(b, o)
	b.Apart = apart(base.fit, x.best.judged.fit)
	x.best.text = at.replaced(x.best.of, x.estimates())
	b.Found, b.Why = x.verdict(base, b.Network.Numbers)
	return b, x.best, nil
}

// estimates are the coefficients of the best structure.
func (s *search) estimates() [][]float64 {
	out := make([][]float64, len(s.best.of))
	for e, terms := range s.best.of {
		for k := range terms {
			out[e] = append(out[e], s.best.judged.fit.Values.Params[s.coefficient(e, k)])
		}
	}
	return out
}

// weights is how many weights a block has.
func (s *Source) weights(n *check.Neural) int {
	for _, b := range s.Prog.Model.Blocks {
		if b.Neural == n {
			return b.Net.NumWeights()
		}
	}
	return 0
}

func judgement(j *judged, numbers int) Judgement {
	return Judgement{
		LogLikelihood: j.likelihood, Held: j.held, RMSE: j.rmse, Numbers: numbers,
		Criterion: -2*j.likelihood + float64(numbers)*math.Log(float64(j.values)),
	}
}

// verdict says whether the best formula does. A network bends to noise with no more than a
// part of its weights: it is taken for so many parameters as a third of the measured values.
func (s *search) verdict(base *judged, weights int) (found bool, why string) {
	best := s.best
	n := float64(best.judged.values)
	bends := math.Min(float64(weights), n/3)
	lost := base.likelihood - best.judged.likelihood
	if slack := (bends - float64(best.of.size())) * math.Log(n) / 2; lost > math.Max(slack, 0) {
		return false, fmt.Sprintf("no formula: the best one loses %.4g in log-likelihood, where the network's weights may account for %.4g", lost, math.Max(slack, 0))
	}
	return true, fmt.Sprintf("the formula has a log-likelihood of %.6g with %d coefficients, the network %.6g with %d weights", best.judged.likelihood, best.of.size(), base.likelihood, weights)
}

// describe writes the best structure and how stable it is.
func (s *search) describe(b *Block, o Options) {
	best := s.best
	b.Formula = judgement(best.judged, best.of.size())
	b.Formula.Criterion = best.criterion
	left, all := 0., 0.
	for e, t := range s.tables {
		f := Formula{Element: elementName(s.block, e)}
		rng := rand.New(rand.NewPCG(o.Seed, uint64(e)))
		often := t.chosen(s.most, o.Draws, rng)
		for j := range s.terms {
			term := Term{Text: s.terms[j].name(), Chosen: often[j]}
			if k := slices.Index(best.of[e], j); k >= 0 {
				term.In, term.Parameter = true, s.coefficient(e, k)
				term.Coefficient = best.judged.fit.Values.Params[term.Parameter]
				f.Text = joined(f.Text, term.Coefficient, s.terms[j].text)
			}
			if term.In || term.Chosen > 0 {
				f.Terms = append(f.Terms, term)
			}
		}
		if f.Text == "" {
			f.Text = "0"
		}
		slices.SortStableFunc(f.Terms, func(a, b Term) int {
			if a.In != b.In {
				return map[bool]int{true: -1, false: 1}[a.In]
			}
			return compare(b.Chosen, a.Chosen)
		})
		b.Formulas = append(b.Formulas, f)
		mean := 0.
		for _, y := range t.y {
			mean += y / float64(len(t.y))
		}
		for i, y := range t.y {
			for k, j := range best.of[e] {
				y -= best.judged.fit.Values.Params[s.coefficient(e, k)] * t.columns[j][i]
			}
			left += y * y
			all += (t.y[i] - mean) * (t.y[i] - mean)
		}
	}
	b.Share = 1 - left/all
}

// joined adds a term to a sum.
func joined(sum string, c float64, term string) string {
	text := fmt.Sprintf("%.6g", math.Abs(c))
	if term != "" {
		text += "*" + term
	}
	switch {
	case sum == "" && c < 0:
		return "-" + text
	case sum == "":
		return text
	case c < 0:
		return sum + " - " + text
	}
	return sum + " + " + text
}

func elementName(n *check.Neural, e int) string {
	switch n.Shape.Rank {
	case 0:
		return ""
	case 1:
		return fmt.Sprintf("[%d]", e)
	}
	return fmt.Sprintf("[%d, %d]", e/n.Shape.N, e%n.Shape.N)
}
