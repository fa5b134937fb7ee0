package estimate

import (
	"context"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"

	"github.com/pinode/pinode/fit"
	"github.com/pinode/pinode/internal/loss"
)

// chain is what `optimizer: auto` does: descents from several starts until one of them
// meets the data, the ridge of networks set by the evidence, and the last descent.
type chain struct {
	f       *Fit
	s       *fit.Session
	squares *loss.Squares
	ridge   *ridge
	most    []float64 // moves of a step

	work float64
	best *candidate
	list []*candidate
}

// candidate is a point that a start has led to.
type candidate struct {
	*fit.Outcome
	Start    string
	alpha    []float64
	chi, n   float64
	evidence float64
}

// The limits of a descent, by what it is for.
var (
	shortRun = fit.Limits{Iterations: 12, Flat: 1e-4, Times: 2}
	fullRun  = fit.Limits{Iterations: 60, Flat: 1e-4, Times: 2}
	partRun  = fit.Limits{Iterations: 15, Flat: 1e-4, Times: 2}
	ridgeRun = fit.Limits{Iterations: 80, Flat: 1e-5, Times: 3}
	lastRun  = fit.Limits{Iterations: 200, Flat: 1e-8, Times: 2}
)

// operationsPerSecond is what two cores of 2020 do: the unit of the budget.
const operationsPerSecond = 4e8

// auto carries the chain out.
func (f *Fit) auto(s *fit.Session) error {
	squares, why, err := loss.NewSquares(f.Objective)
	if err != nil {
		return err
	}
	if squares == nil {
		return fmt.Errorf("no residuals: %s", why)
	}
	x0, err := f.Objective.Space.X0()
	if err != nil {
		return err
	}
	c := &chain{f: f, s: s, squares: squares, ridge: newRidge(f.Objective, x0)}
	for i := range x0 {
		m := 2.
		if i < len(f.Objective.Space.Params) {
			m = 1
		}
		c.most = append(c.most, m)
	}
	err = c.search(x0)
	if err == nil && c.best != nil {
		err = c.finish()
	}
	if err != nil && !fit.Cut(err) {
		return err
	}
	c.conclude()
	return err
}

// problem is the loss with the ridge, over a part of each trajectory.
func (c *chain) problem(horizon float64, alpha []float64) *fit.Problem {
	return &fit.Problem{Loss: c.squares, Horizon: horizon, Ridge: c.ridge.vector(alpha), Center: c.ridge.center, Most: c.most}
}

// search looks for a point that meets the data.
func (c *chain) search(x0 []float64) error {
	starts := [][]float64{x0}
	for k, x := range starts {
		name := "the start of the file"
		if k > 0 {
			name = "spread network"
		}
		if done, err := c.direct(name, x); done || err != nil {
			return err
		}
	}
	if c.spent() {
		return nil
	}
	if done, err := c.horizons("growing horizon", x0); done || err != nil {
		return err
	}
	for round, n := 0, 16; round < 2; round, n = round+1, 32 {
		if done, err := c.random(round, n, x0); done || err != nil {
			return err
		}
	}
	return nil
}

// direct follows whole trajectories from x. It reports whether the search is over.
func (c *chain) direct(name string, x []float64) (bool, error) {
	alpha := c.ridge.first(x)
	o, err := c.descend(name, 1, alpha, x, shortRun)
	if err != nil {
		return false, err
	}
	if o.Failed { // networks that do nothing, then a horizon
		return c.horizons(name, c.silent(x))
	}
	if !o.Converged {
		if o, err = c.descend(name, 1, alpha, o.X, fullRun); err != nil {
			return false, err
		}
	}
	return c.take(name, o, alpha)
}

// silent is x with the output layers of networks at zero.
func (c *chain) silent(x []float64) []float64 {
	x = slices.Clone(x)
	for _, w := range c.f.Objective.Space.Weights {
		for _, t := range c.f.Objective.Prog.Model.Layout.Weights {
			if t.Off+t.Shape.Size() == w.Off+w.N { // its output bias; the weights stand before
				for k := range c.lastLayer(w.Off, w.N) {
					x[w.At+w.N-1-k] = 0
				}
			}
		}
	}
	return x
}

// lastLayer is how many weights the last layer of a block has.
func (c *chain) lastLayer(off, n int) (size int) {
	var last, before int
	for _, t := range c.f.Objective.Prog.Model.Layout.Weights {
		if t.Off >= off && t.Off < off+n {
			last, before = t.Shape.Size(), last
		}
	}
	return last + before
}

// horizons follows a growing part of trajectories.
func (c *chain) horizons(name string, x []float64) (bool, error) {
	alpha := c.ridge.first(x)
	reached := 0.
	for _, h := range []float64{0.1, 0.3, 0.6} {
		o, err := c.descend(name, h, alpha, x, partRun)
		if err != nil {
			return false, err
		}
		if o.Failed && reached == 0 {
			for part := h / 2; o.Failed && part > 1e-3; part /= 2 {
				if o, err = c.descend(name, part, alpha, x, partRun); err != nil {
					return false, err
				}
			}
		}
		if !o.Failed {
			x, reached = o.X, h
		}
	}
	o, err := c.descend(name, 1, alpha, x, fullRun)
	if err != nil || o.Failed {
		return false, err
	}
	return c.take(name, o, alpha)
}

// random draws starts around x0, goes a short way from each and further from the best two.
func (c *chain) random(round, n int, x0 []float64) (bool, error) {
	var list []*fit.Outcome
	for k := range n {
		if c.spent() {
			break
		}
		x := c.draw(x0, round*100+k)
		alpha := c.ridge.first(x)
		o, err := c.descend("random start", 1, alpha, x, shortRun)
		if err != nil {
			return false, err
		}
		if !o.Failed {
			list = append(list, o)
		}
	}
	slices.SortStableFunc(list, func(a, b *fit.Outcome) int {
		switch {
		case a.Total() < b.Total():
			return -1
		case a.Total() > b.Total():
			return 1
		}
		return 0
	})
	for _, o := range list[:min(2, len(list))] {
		alpha := c.ridge.first(o.X)
		p, err := c.descend("random start", 1, alpha, o.X, fullRun)
		if err != nil {
			return false, err
		}
		if done, err := c.take("random start", p, alpha); done || err != nil {
			return done, err
		}
	}
	return false, nil
}

// draw is a random start around x0.
func (c *chain) draw(x0 []float64, k int) []float64 {
	rng := fit.Stream(c.s.Seed, "start", k)
	x := slices.Clone(x0)
	for i := range c.f.Objective.Space.Params {
		x[i] += 3*rng.Float64() - 1.5
	}
	for _, w := range c.f.Objective.Space.Weights {
		for i, b := range c.f.Objective.Prog.Model.Blocks {
			if b.Off != w.Off {
				continue
			}
			copy(x[w.At:w.At+w.N], b.Net.NewWeights(fit.Stream(c.s.Seed, "weights", i, k)))
			scale := math.Exp(4*rng.Float64() - 2)
			for j := range c.lastLayer(w.Off, w.N) {
				x[w.At+w.N-1-j] *= scale
			}
		}
	}
	return x
}

// descend runs a descent, counting its work.
func (c *chain) descend(label string, horizon float64, alpha, x []float64, lim fit.Limits) (*fit.Outcome, error) {
	if horizon < 1 {
		label = fmt.Sprintf("%s, %.3g of each trajectory", label, horizon)
	}
	o, err := c.s.Descend(label, c.problem(horizon, alpha), x, lim)
	if err == nil {
		c.work += o.Work
		c.say("%s: %s", label, told(o))
	}
	return o, err
}

// say notes a decision.
func (c *chain) say(format string, args ...any) {
	c.f.Decisions = append(c.f.Decisions, fmt.Sprintf(format, args...))
}

// told is an outcome in words.
func told(o *fit.Outcome) string {
	if o.Failed {
		return "no loss: " + o.Why
	}
	return fmt.Sprintf("loss %.6g after %d iterations: %s", o.Value, o.Iterations, o.Why)
}

// spent reports whether the budget is used up.
func (c *chain) spent() bool { return c.work > c.s.Budget()*operationsPerSecond }

// take makes an outcome a candidate, and reports whether it meets the data.
func (c *chain) take(start string, o *fit.Outcome, alpha []float64) (bool, error) {
	if o.Failed {
		return false, nil
	}
	r := make([]float64, c.squares.Rows())
	res, err := c.squares.Residuals(context.Background(), o.X, 1, r, nil)
	if err != nil || res.Failed {
		return false, err
	}
	sum, n := c.squares.Misfit(r, nil)
	k := &candidate{Outcome: o, Start: start, alpha: alpha, chi: sum, n: float64(n)}
	c.say("%s: χ²/n = %.4g over %d values, fits: %v, work %.3g of %.3g", start, sum/float64(n), n, k.fits(), c.work, c.s.Budget()*operationsPerSecond)
	c.list = append(c.list, k)
	if c.best == nil || k.Total() < c.best.Total() {
		c.best = k
	}
	return k.fits(), nil
}

// fits reports whether the data are met: χ²/n ≤ 1 + 2√(2/n).
func (k *candidate) fits() bool { return k.n > 0 && k.chi/k.n <= 1+2*math.Sqrt(2/k.n) }

// finish sets the ridge by the evidence, and descends to the end.
func (c *chain) finish() error {
	c.ridge.weak = finalPrecision
	k := c.best
	o, alpha := k.Outcome, k.alpha
	var err error
	if len(c.ridge.groups) > 0 {
		for round := range 6 {
			if o, err = c.descend(fmt.Sprintf("evidence %d", round+1), 1, alpha, o.X, ridgeRun); err != nil {
				return err
			}
			curve, err := c.curvature(o.X, alpha)
			if err != nil {
				return err
			}
			if curve == nil {
				break
			}
			next, changed := c.ridge.update(o.X, alpha, curve)
			c.say("strengths of the ridge: %.3g (%v)", next, c.ridge.names())
			if alpha = next; !changed {
				break
			}
		}
	}
	if o, err = c.descend("last", 1, alpha, o.X, lastRun); err != nil {
		return err
	}
	if !o.Failed {
		_, err = c.take(k.Start, o, alpha)
		c.best = c.list[len(c.list)-1]
	}
	return err
}

// curvature is the normal matrix at x.
func (c *chain) curvature(x, alpha []float64) (*curvature, error) {
	r, jac := make([]float64, c.squares.Rows()), mat.NewDense(c.squares.Rows(), len(x), nil)
	res, err := c.squares.Residuals(context.Background(), x, 1, r, jac)
	if err != nil || res.Failed {
		return nil, err
	}
	return curvatureOf(jac, c.ridge.vector(alpha)), nil
}

// conclude returns the best point.
func (c *chain) conclude() {
	x := c.s.Reached()
	value := math.NaN()
	if c.best != nil {
		x, value = c.best.X, c.best.Value
	}
	if x == nil {
		return
	}
	status, message := fit.StoppedEarly, "no start has led to a loss"
	if c.best != nil {
		status, message = fit.MaxIterations, c.best.Why
		if c.best.Converged {
			status = fit.Converged
		}
	}
	c.s.Return(x, value/float64(max(1, c.f.Objective.Total)), status, message)
}
