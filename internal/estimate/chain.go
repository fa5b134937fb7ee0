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
	noise   *loss.Deviations
	most    []float64 // moves of a step
	moves   []float64 // those of a search, with noise held

	work     float64 // operations so far
	end      float64 // and when there are no more for what is done
	descents int
	failed   string // why the first that failed has no loss
	found
}

// The limits of a descent, by what it is for.
var (
	matchRun = fit.Limits{Iterations: 25, Flat: 1e-4, Times: 2}
	shortRun = fit.Limits{Iterations: 12, Flat: 1e-4, Times: 2}
	fullRun  = fit.Limits{Iterations: 60, Flat: 1e-4, Times: 2}
	partRun  = fit.Limits{Iterations: 15, Flat: 1e-4, Times: 2}
	ridgeRun = fit.Limits{Iterations: 80, Flat: 1e-5, Least: 1e-2, Times: 3}
	lastRun  = fit.Limits{Iterations: 200, Flat: 1e-8, Least: 1e-6, Times: 3}
	// Weights of networks have valleys along which the loss falls by ever less, with
	// nothing that the data tell.
	lastOfNetworks = fit.Limits{Iterations: 100, Flat: 1e-6, Least: 5e-3, Times: 3}
)

// operationsPerSecond is what two cores of 2020 do: the unit of the budget.
const operationsPerSecond = 4e8

// auto carries the chain out.
func (f *Fit) auto(s *fit.Session) error {
	f.Decisions = nil
	x0, err := f.Trained().Space.X0()
	if err != nil {
		return err
	}
	c := &chain{f: f, s: s, end: s.Budget() * operationsPerSecond}
	var why string
	if c.squares, why, err = residuals(f); err != nil {
		return err
	}
	if c.squares == nil {
		n := lineSearches(f, x0, c.end)
		c.say("L-BFGS, %d iterations at most: %s", n, why)
		return s.QuasiNewton(x0, n, enough(f))
	}
	c.noise = f.Objective.NewDeviations(f.told.Noise(), x0)
	c.ridge = newRidge(f.Objective, x0)
	for i := range x0 {
		m := 2.
		if i < len(f.Objective.Space.Params) {
			m = 1
		}
		c.most = append(c.most, m)
	}
	c.moves = slices.Clone(c.most)
	if c.noise.Known {
		for _, i := range c.noise.Coords {
			c.moves[i] = 0
		}
	}
	if err = c.search(x0); err == nil && len(c.list) > 0 {
		err = c.finish()
	}
	if err != nil && !fit.Cut(err) {
		return err
	}
	if err == nil && c.best == nil {
		return fmt.Errorf("none of %d descents has led to a loss; the first: %s; give start values from which the model runs over its data: `pinode evaluate` tries them", c.descents, c.failed)
	}
	c.conclude()
	return err
}

// lineSearches is how many iterations of L-BFGS some work is enough for, each of about one
// gradient of four runs.
func lineSearches(f *Fit, x []float64, work float64) int {
	return int(math.Min(20000, math.Max(50, work/math.Max(4*f.Objective.Operations(x), 1))))
}

// enough is that a hundred line searches bring less than a nat: weights of large networks
// have valleys along which the loss falls for long, with nothing that the data tell. Where there
// is no likelihood a nat is that of the noise that the residuals show.
func enough(f *Fit) fit.Enough {
	n := math.Max(1, float64(f.Objective.Total))
	if likelihood(f.prog) {
		return fit.Enough{Iterations: 100, Fall: 1 / n}
	}
	return fit.Enough{Iterations: 100, Fraction: 2 / n}
}

// mostUnknowns and mostProducts are the unknowns, and the products that a normal matrix
// takes, up to which Gauss–Newton steps are made.
const (
	mostUnknowns = 2000
	mostProducts = 4e9
)

// residuals is the loss as residuals, or why it is not treated so.
func residuals(f *Fit) (*loss.Squares, string, error) {
	squares, why, err := loss.NewSquares(f.Objective)
	if err != nil || squares == nil {
		return nil, why, err
	}
	n := float64(f.Objective.Dim())
	switch {
	case squares.Rows() == 0:
		return nil, "nothing is measured", nil
	case f.Plan.Single:
		return nil, "networks in single precision", nil
	case f.shooting != nil:
		return nil, "segments have coordinates of their own", nil
	case n > mostUnknowns || n*n*float64(squares.Rows()) > mostProducts:
		return nil, fmt.Sprintf("%d unknowns and %d residuals are too many for Gauss–Newton steps", f.Objective.Dim(), squares.Rows()), nil
	}
	return squares, "", nil
}

// search looks for points that meet the data, for each kind of networks.
func (c *chain) search(x0 []float64) error {
	kinds := []origin{{name: "the start of the file", x: x0, user: true}}
	if len(c.ridge.groups) > 0 && c.s.Has("spread") {
		if x := spread(c.f.told, x0, c.s.Seed); !slices.Equal(x, x0) {
			kinds = append(kinds, origin{name: "networks spread over the data", x: x, spread: true})
		}
	}
	for _, w := range ways(c) {
		if !c.s.Has(w.part) {
			continue
		}
		for _, s := range kinds {
			if c.clear(s.spread) || c.spent() {
				continue
			}
			if err := c.withinReason(w.do, s); err != nil {
				return err
			}
		}
	}
	for round, n := 0, 16; c.s.Has("random") && round < roundsOf(c) && !c.clear(false) && !c.clear(true) && !c.spent() && !c.agreed(); round, n = round+1, min(2*n, 64) {
		if err := c.random(round, n, x0, kinds); err != nil {
			return err
		}
		if round >= 1 && (len(c.list) == 0 || slices.ContainsFunc(c.list, (*candidate).fits)) {
			break // none has a loss, or no start meets the data more clearly
		}
	}
	c.f.ended = c.over()
	c.say("the search ends: %s", c.f.ended)
	return nil
}

// way is a way from a start to where the data are met, a part of the plan; that without a name is always tried.
type way struct {
	part string
	do   func(origin) error
}

// ways are those that a model and its data have, in their order.
func ways(c *chain) []way {
	direct := way{do: c.direct}
	told := way{"firings", func(s origin) error { return fired(c, s) }}
	matched := way{"matching", c.matched}
	swings := way{"tempo", func(s origin) error { return swung(c, s) }}
	horizons := way{"horizon", c.horizons}
	// Until thresholds are near, what grows from others is lost work.
	drawn := way{"thresholds", func(s origin) error {
		if s.spread {
			return nil
		}
		return c.thresholds(s.x)
	}}
	grown, shot := way{"growing", c.grown}, way{"shooting", c.shot}
	if why := cannotMatch(c); why == "" {
		return []way{direct, told, matched, swings, horizons, drawn, grown, shot}
	} else if follows(c) {
		c.say("%s: hidden states are followed from row to row", why)
		return []way{direct, told, swings, horizons, matched, drawn, grown, shot}
	} else {
		c.say("no matching: %s", why)
	}
	return []way{direct, told, swings, horizons, shot}
}

// roundsOf is how many rounds of random starts there are at most: any number until the budget is used up, or fewer
// where the noise is not declared, so that smooth curves alone say that the data are not met.
func roundsOf(c *chain) int {
	if declared(c) {
		return math.MaxInt
	}
	return 8
}

// declared reports whether all noise is.
func declared(c *chain) bool {
	return !slices.ContainsFunc(c.noise.Kind, func(k loss.DeviationKind) bool { return k != loss.Declared })
}

// over says why no further start is tried.
func (c *chain) over() string {
	switch {
	case c.clear(false) || c.clear(true):
		return "the data are met beyond doubt"
	case len(c.list) == 0:
		return "no start has a loss"
	case c.spent() && c.fitted > 0:
		return "the budget is used up, or that of a search behind a point that meets the data"
	case c.spent():
		return fit.Spent
	case c.best.fits() || c.best.n == 0 && !c.best.missed:
		return "nothing tells that the data are not met, and starts agree or find nothing better"
	}
	n, w := c.optima()
	if !c.s.Has("random") {
		return "random starts are left out"
	}
	if !c.agreed() {
		return fmt.Sprintf("residuals are not those of a curve with noise, but no noise is declared, and %d descents have not come closer", n)
	}
	return fmt.Sprintf("%d descents from ever farther starts have led to %d optima, which lets no other be expected", n, w)
}

// withinReason lets a way of one kind of networks take a few times the work that has led to
// a candidate of the other that meets the data beyond doubt, and no more.
func (c *chain) withinReason(way func(origin) error, s origin) error {
	if c.clear(!s.spread) {
		end := c.end
		c.end = math.Min(end, reasonable*c.cleared)
		defer func() { c.end = end }()
		if c.spent() {
			return nil
		}
	}
	return way(s)
}

// reasonable is how many times that work both kinds may take; a search for a better optimum than one that
// meets the data, though not beyond doubt, may take doubtful times the work, or a share of the budget.
const (
	reasonable    = 4
	doubtful      = 6
	doubtfulShare = 0.1
)

// problem is a loss with the ridge, over a part of each trajectory.
func (c *chain) problem(of fit.Residuals, horizon float64, alpha []float64) *fit.Problem {
	p := &fit.Problem{Loss: of, Horizon: horizon, Ridge: c.ridge.vector(alpha), Center: c.ridge.center, Most: c.moves, Workers: c.f.Plan.Workers}
	for _, t := range c.f.prog.Model.Layout.Weights {
		at := c.f.Objective.Space.CoordinateOf(t)
		p.Follow = p.Follow || at >= 0 && c.s.Has("bends")
		if at >= 0 && c.f.Objective.Space.Dim >= fit.Narrow { // few weights are told apart by the data
			p.Alike = append(p.Alike, [2]int{at, at + t.Shape.Size()})
		}
	}
	return p
}

// descend runs a descent on the whole loss, counting its work.
func (c *chain) descend(label string, horizon float64, alpha, x []float64, lim fit.Limits) (*fit.Outcome, error) {
	if horizon < 1 {
		label = fmt.Sprintf("%s, %.3g of each trajectory", label, horizon)
	}
	return c.descendOn(label, c.problem(c.squares, horizon, alpha), x, lim)
}

func (c *chain) descendOn(label string, p *fit.Problem, x []float64, lim fit.Limits) (*fit.Outcome, error) {
	lim.Work = math.Max(c.end-c.work, 1)
	o, err := c.s.Descend(label, p, x, lim)
	if err == nil {
		c.work += o.Work
		if c.descents++; o.Failed && c.failed == "" {
			c.failed = o.Why
		}
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
func (c *chain) spent() bool { return c.work >= c.end }

// take makes an outcome a candidate.
func (c *chain) take(s origin, o *fit.Outcome, alpha []float64) error {
	if o.Failed {
		return nil
	}
	k := &candidate{Outcome: o, origin: s, alpha: alpha}
	m, err := c.misfit(o.X)
	if err != nil {
		return err
	}
	free := untoldByPriors(c.f)
	k.chi, k.n = m.chi, m.n
	k.missed = declared(c) && m.large(free) || m.sign > free && m.runs() < misfitAt
	if k.n > 0 {
		c.say("%s: χ² %.4g per value; it meets the data: %v", s.name, k.chi/float64(k.n), k.fits())
	}
	c.list = append(c.list, k)
	if c.cleared == 0 && k.clear() {
		c.cleared = c.work
	}
	if c.fitted == 0 && k.fits() {
		c.fitted = c.work
		c.end = math.Min(c.end, math.Max(doubtful*c.work, doubtfulShare*c.s.Budget()*operationsPerSecond))
	}
	if c.best == nil || k.Total() < c.best.Total() {
		c.best = k
		c.f.kept.keep(&fit.Point{X: k.X, Score: k.Total(), Horizon: 1})
	}
	return nil
}

// misfit sums up the residuals at x: those whose noise is declared, or that smooth
// curves tell.
func (c *chain) misfit(x []float64) (*misfit, error) {
	r := make([]float64, c.squares.Rows())
	res, err := c.squares.Residuals(context.Background(), x, 1, r, nil)
	m := &misfit{}
	if err != nil || res.Failed {
		return m, err
	}
	summed(c.f, m, c.squares, r, func(element int, r float64) {
		if f := c.noise.Factor[element]; f > 0 && !math.IsInf(f, 0) {
			m.chi += f * f * r * r
			m.n++
		}
	})
	return m, nil
}

// finish sets the ridge by the evidence, chooses among networks by it, and descends to the
// end.
func (c *chain) finish() error {
	c.ridge.weak = finalPrecision
	c.end = c.work + afterShare*c.s.Budget()*operationsPerSecond
	k := c.best
	if len(c.ridge.groups) > 0 && c.s.Has("evidence") {
		var err error
		if k, err = c.likeliest(); err != nil {
			return err
		}
	}
	c.moves = c.most
	c.ridge.weak = 0 // the loss as it is declared
	c.end = c.work + lastShare*c.s.Budget()*operationsPerSecond
	limits := lastRun
	if len(c.ridge.groups) > 0 {
		limits = lastOfNetworks
	}
	limits.Promised = unfulfilled * nat(c.f, k.Squares)
	last := c.problem(c.squares, 1, k.alpha)
	last.Kinks = len(k.X) <= mostExact
	o, err := c.descendOn("last", last, k.X, limits)
	if err != nil || o.Failed {
		return err
	}
	if o, err = settle(c, k, o, limits); err != nil {
		return err
	}
	if o, err = beside(c, k, o, limits); err != nil {
		return err
	}
	here := *k
	here.Outcome = o
	c.best = &here
	return nil
}

// unfulfilled are the nats that slopes may promise at an optimum, where no step, however short, lowers the loss: there
// it is known no better, by the errors of its runs. A tenth is half a standard error of some combination at most.
const unfulfilled = 0.1

// nat is one in the unit of the loss: where that is no likelihood, by the noise that a sum of squared residuals shows.
func nat(f *Fit, squares float64) float64 {
	if len(f.prog.Checked.Model.Observes) > 0 && likelihood(f.prog) {
		return 1
	}
	return 2 * squares / math.Max(1, float64(f.Objective.Total))
}

// mostExact is the number of coordinates up to which the last descent meets kinks of the loss.
const mostExact = 200

// How many networks are drawn anew where one meets the data, and the share of the budget
// that they may take, at most, and where all before took less.
const (
	redrawn      = 8
	redrawnShare = 0.3
	redrawnLeast = 0.1
	afterShare   = 0.6 // and that of all choice among networks
	lastShare    = 0.3 // and of the last descent
)

// likeliest is the candidate with the highest evidence: of the best of both kinds of
// networks and, where the data are met, of others drawn anew beside the parameters that
// were found. Optima of networks that meet the data alike differ in how far they bend
// between them, and the evidence tells; those of many weights hardly differ from draw to draw.
func (c *chain) likeliest() (*candidate, error) {
	chosen := []*candidate{c.best}
	if other := c.other(); other != nil {
		chosen = append(chosen, other)
	}
	for _, k := range chosen {
		if err := c.regularise(k); err != nil {
			return nil, err
		}
	}
	share := c.s.Budget() * operationsPerSecond
	found, end := c.best, c.work+math.Min(redrawnShare*share, math.Max(c.work, redrawnLeast*share))
	for k := 1; k <= redrawn && len(found.X) < fit.Narrow && found.fits() && c.work < end && !c.spent(); k++ {
		s := origin{name: fmt.Sprintf("network drawn anew %d", k), x: slices.Clone(found.X), redrawn: true}
		c.f.told.Redraw(s.x, c.s.Seed, 1<<16+k)
		n := len(c.list)
		way := c.direct
		if cannotMatch(c) == "" {
			way = c.matched
		}
		if err := way(s); err != nil {
			return nil, err
		}
		if len(c.list) == n || !c.list[n].fits() {
			continue
		}
		if err := c.regularise(c.list[n]); err != nil {
			return nil, err
		}
		chosen = append(chosen, c.list[n])
	}
	best := chosen[0]
	for _, k := range chosen {
		c.say("%s: evidence %.5g", k.name, k.evidence)
		if k.evidence > best.evidence {
			best = k
		}
	}
	return best, nil
}

// other is the best candidate with the other kind of networks than the best one, if it
// meets the data too or is not much worse.
func (c *found) other() (other *candidate) {
	for _, k := range c.list {
		if k.spread != c.best.spread && (other == nil || k.Total() < other.Total()) {
			other = k
		}
	}
	if other == nil || !other.fits() && (c.best.fits() || other.Total() > c.best.Total()+0.1*math.Abs(c.best.Total())) {
		return nil
	}
	return other
}

// regularise sets the ridge of a candidate by the evidence.
func (c *chain) regularise(k *candidate) error {
	o, alpha := k.Outcome, k.alpha
	k.evidence = math.Inf(-1)
	for round := range 6 {
		next, err := c.descend(fmt.Sprintf("%s, ridge %d", k.name, round+1), 1, alpha, o.X, ridgeRun)
		if err != nil {
			return err
		}
		if next.Failed {
			return nil
		}
		o = next
		curve, err := c.curvature(o.X, alpha)
		if err != nil {
			return err
		}
		k.Outcome, k.alpha = o, alpha
		if curve == nil {
			return nil
		}
		k.evidence = c.ridge.evidence(o, alpha, curve)
		better, changed := c.ridge.update(o.X, alpha, curve)
		if !changed || c.spent() {
			break
		}
		alpha = better
	}
	c.say("%s: strengths of the ridge %.3g of %v", k.name, k.alpha, c.ridge.names())
	return nil
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
	x, value := c.s.Reached(), math.NaN()
	status, message := fit.StoppedEarly, "no start has led to a loss"
	if k := c.best; k != nil {
		x, value, status, message = k.X, k.Value, fit.MaxIterations, k.Why
		if k.Converged {
			status = fit.Converged
		}
		basins(c.f, c.list)
		c.f.Findings.ridge = c.ridge.vector(k.alpha)
	}
	if x != nil && !math.IsNaN(value) {
		c.s.Return(x, value/float64(max(1, c.f.Objective.Total)), status, message)
	}
}
