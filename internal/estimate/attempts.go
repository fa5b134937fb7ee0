package estimate

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/pinode/pinode/compiler/exec"
	"github.com/pinode/pinode/fit"
	"github.com/pinode/pinode/internal/loss"
	"github.com/pinode/pinode/internal/problem"
	begin "github.com/pinode/pinode/internal/start"
)

// direct follows whole trajectories from a start.
func (c *chain) direct(s origin) error {
	alpha := c.ridge.first(s.x)
	o, err := c.descend(s.name, 1, alpha, s.x, shortRun)
	if err != nil {
		return err
	}
	if o.Failed && len(c.ridge.groups) > 0 {
		if o, err = c.descend(s.name+", networks at zero", 1, alpha, silent(c.f.Objective, s.x), shortRun); err != nil {
			return err
		}
	}
	if o.Failed {
		return nil
	}
	return c.polish(s, o)
}

// swung begins where the model swings as fast as the data, by each parameter that can make it.
func swung(c *chain, s origin) error {
	list, err := begin.Tempi(context.Background(), c.f.told, s.x, c.f.solver, c.f.Plan.Workers)
	if err != nil {
		return err
	}
	for _, t := range list {
		if c.clear(s.spread) || c.spent() {
			break
		}
		from := origin{name: fmt.Sprintf("%s, as fast as the data by %s", s.name, c.f.Objective.Space.Params[t.Param].Name), x: t.X, spread: s.spread}
		if err := c.direct(from); err != nil {
			return err
		}
	}
	return nil
}

// longest is how many further runs a descent has that goes on falling.
const longest = 4

// polish goes on from an outcome to the end, and makes that a candidate.
func (c *chain) polish(s origin, o *fit.Outcome) error {
	alpha := c.ridge.first(o.X)
	for range longest {
		if o.Converged || c.spent() {
			break
		}
		next, err := c.descend(s.name, 1, alpha, o.X, fullRun)
		if err != nil {
			return err
		}
		if next.Failed {
			break
		}
		slow := next.Squares > 0.9*o.Squares
		if o = next; slow {
			break
		}
	}
	return c.take(s, o, alpha)
}

// silent is x with the output layers of networks at zero.
func silent(o *loss.Objective, x []float64) []float64 {
	x = slices.Clone(x)
	lastLayers(o, func(at, n int) { clear(x[at : at+n]) })
	return x
}

// lastLayers visits what is fitted of the last layer of each network: weights, then biases.
func lastLayers(o *loss.Objective, do func(at, n int)) {
	list := o.Prog.Model.Layout.Weights
	for i, t := range list {
		last := i+1 == len(list) || list[i+1].Neural != t.Neural
		if !last {
			continue
		}
		for _, t := range list[i-1 : i+1] {
			if at := o.Space.CoordinateOf(t); at >= 0 {
				do(at, t.Shape.Size())
			}
		}
	}
}

// spread is x with networks spread over the data.
func spread(told *begin.Data, x []float64, seed uint64) []float64 {
	x = slices.Clone(x)
	told.Spread(x, seed, 0)
	return x
}

// cannotMatch says why there is no matching to smooth curves; empty: there is.
func cannotMatch(c *chain) string {
	if err := c.f.told.CannotCut(); err != nil {
		return err.Error()
	}
	if !c.f.told.AllObserved() {
		return "some state is not observed"
	}
	return ""
}

// follows reports whether curves tell some of the states, and the others can be followed
// from row to row.
func follows(c *chain) bool {
	return c.f.told.CannotCut() == nil && c.f.told.SomeObserved()
}

// cut cuts the data into segments of so many rows, at x.
func cut(c *chain, x []float64, rows int) ([]begin.Segment, error) {
	how := begin.Cut{Rows: rows, Smoothed: true}
	if follows(c) {
		var err error
		if how.Open, err = c.f.told.Follow(context.Background(), x, c.f.solver, c.f.Plan.Workers); err != nil {
			return nil, err
		}
	}
	return c.f.told.Cut(x, how), nil
}

// matched follows segments of two rows that begin on smooth curves, then whole
// trajectories.
func (c *chain) matched(s origin) error {
	rounds := 1
	if follows(c) { // what is hidden moves with the parameters
		rounds = followRounds
	}
	for range rounds {
		o, err := c.match(s, 2, matchRun)
		if err != nil || o == nil || o.Failed {
			return err
		}
		s.x = o.X
	}
	s.name += ", matched to smooth curves"
	return c.direct(s)
}

// followRounds is how often hidden states are followed anew while segments of two rows are met.
const followRounds = 4

// grown follows segments that begin on smooth curves and grow, each time twice as long, then
// whole trajectories.
func (c *chain) grown(s origin) error {
	x, err := c.growing(s, 2)
	if err != nil {
		return err
	}
	s.name += ", growing segments"
	s.x = x
	return c.direct(s)
}

// growing is where segments of so many rows, and then of more and more, lead to.
func (c *chain) growing(s origin, rows int) ([]float64, error) {
	longest := 0
	for _, it := range c.f.Objective.Trajectories {
		longest = max(longest, len(it.Span.Saves))
	}
	for ; rows < longest && !c.spent(); rows *= 2 {
		o, err := c.match(s, rows, matchRun)
		if err != nil {
			return nil, err
		}
		if o == nil || o.Failed {
			break
		}
		s.x = o.X
	}
	return s.x, nil
}

// match descends on segments from a start; nil: there are none.
func (c *chain) match(s origin, rows int, lim fit.Limits) (*fit.Outcome, error) {
	list, err := cut(c, s.x, rows)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	label := fmt.Sprintf("%s, segments of %d rows", s.name, rows)
	descend := func(x []float64, choice []int) (*fit.Outcome, error) {
		squares, err := c.squaresOf(begin.Chosen(list, choice))
		if err != nil || squares == nil {
			return nil, err
		}
		return c.descendOn(label, c.problem(squares, 1, c.ridge.first(x)), x, lim)
	}
	if !slices.ContainsFunc(list, func(g begin.Segment) bool { return len(g.Alternatives) > 1 }) {
		return descend(s.x, nil)
	}
	screen, err := c.screen(list, s.x)
	if err != nil {
		return nil, err
	}
	// Which modes segments begin with is chosen anew where these have led to.
	x, last := s.x, []int(nil)
	var best *fit.Outcome
	for range modeChoices {
		_, choice, err := screen.At(context.Background(), x)
		if err != nil || slices.Equal(choice, last) {
			return best, err
		}
		o, err := descend(x, choice)
		if err != nil || o == nil || o.Failed {
			return best, err
		}
		if best != nil && o.Total() >= best.Total() {
			break
		}
		best, x, last = o, o.X, choice
	}
	return best, nil
}

// modeChoices is how often the modes that segments begin with are chosen, at most.
const modeChoices = 6

// screen prepares to screen points like x on segments.
func (c *chain) screen(list []begin.Segment, x []float64) (*begin.Screen, error) {
	return c.f.told.NewScreen(context.Background(), list, x, c.f.solver, c.f.Plan.Workers)
}

// squaresOf is the loss over other trajectories.
func (c *chain) squaresOf(list []*problem.Trajectory) (*loss.Squares, error) {
	o := c.f.Objective
	part, err := loss.NewObjective(c.f.prog, o.Space, list, nil, c.f.solver, o.Gradient, exec.Double, c.f.Plan.Workers)
	if err != nil {
		return nil, err
	}
	squares, _, err := loss.NewSquares(part)
	return squares, err
}

// horizons follows a growing part of trajectories from a start: the first tenth that has rows,
// or less where that has no loss.
func (c *chain) horizons(s origin) error {
	alpha := c.ridge.first(s.x)
	s.name += ", growing horizon"
	h := 0.1
	for h < 1 && !seen(c, h) {
		h *= 2
	}
	var part *fit.Outcome
	for ; part == nil || part.Failed; h /= 2 { // until there is a loss
		if h < shortest || !seen(c, h) {
			return nil
		}
		var err error
		if part, err = c.descend(s.name, math.Min(h, 1), alpha, s.x, partRun); err != nil {
			return err
		}
	}
	o, err := lengthened(c, s, 2*h, 3, part)
	if err != nil || o == nil {
		return err
	}
	return c.polish(s, o)
}

// shortest is the least part of trajectories that is followed.
const shortest = 1e-3

// seen reports whether there are values in a part of the trajectories.
func seen(c *chain, h float64) bool {
	o := c.f.Objective
	return o.Count(o.Trajectories, math.Min(h, 1)) > 0
}

// lengthened goes on from what a part of trajectories has led to: along parts that are so many
// times as long, or by less where there is no loss, up to all. Nil: it does not come there.
func lengthened(c *chain, s origin, h, times float64, o *fit.Outcome) (*fit.Outcome, error) {
	for times > leastTimes && !c.spent() {
		next, lim := math.Min(1, times*h), partRun
		if next > 0.6 {
			next, lim = 1, shortRun
		}
		longer, err := c.descend(s.name, next, c.ridge.first(s.x), o.X, lim)
		switch {
		case err != nil:
			return nil, err
		case longer.Failed:
			times = math.Sqrt(times)
		case next == 1:
			return longer, nil
		default:
			h, o = next, longer
		}
	}
	return nil, nil
}

// leastTimes is the factor by which parts grow at least.
const leastTimes = 1.1

// shortened is where a start leads that has no loss along whole trajectories: along the longest part,
// halved again and again, that has one and some values, then along more.
func shortened(c *chain, s origin) (*fit.Outcome, error) {
	for h := 0.5; h > shortest && seen(c, h) && !c.spent(); h /= 2 {
		o, err := c.descend(s.name, h, c.ridge.first(s.x), s.x, partRun)
		if err != nil {
			return nil, err
		}
		if !o.Failed {
			return lengthened(c, s, h, 2, o)
		}
	}
	return nil, nil
}

// shares of random starts that are followed to the end.
const (
	polished     = 0.25
	mostPolished = 8
)

// random draws starts around x0 of those kinds that do not meet the data yet, goes a short
// way from each and further from the best.
func (c *chain) random(round, n int, x0 []float64, kinds []origin) error {
	type tried struct {
		origin
		o *fit.Outcome
	}
	var list []tried
	for k := range n {
		if c.spent() {
			break
		}
		kind := kinds[k%len(kinds)]
		if c.clear(kind.spread) {
			kind = kinds[(k+1)%len(kinds)]
		}
		s := c.draw(x0, round*1000+k, kind.spread, farther(round))
		o, err := c.short(s)
		if err != nil {
			return err
		}
		if o != nil && !o.Failed {
			list = append(list, tried{s, o})
		}
	}
	slices.SortStableFunc(list, func(a, b tried) int { return byTotal(a.o, b.o) })
	for _, t := range list[:min(len(list), max(2, min(mostPolished, int(polished*float64(n)))))] {
		if c.clear(t.spread) {
			continue
		}
		if err := c.polish(t.origin, t.o); err != nil {
			return err
		}
	}
	return nil
}

func byTotal(a, b *fit.Outcome) int {
	switch {
	case a.Total() < b.Total():
		return -1
	case a.Total() > b.Total():
		return 1
	}
	return 0
}

// short goes a short way from a random start: along segments, where all states are
// observed, then along all or, where that has no loss, along parts that have one.
func (c *chain) short(s origin) (*fit.Outcome, error) {
	x := s.x
	if cannotMatch(c) == "" {
		o, err := c.match(s, 2, matchRun)
		if err != nil {
			return nil, err
		}
		if o != nil && !o.Failed {
			x = o.X
		}
	}
	alpha := c.ridge.first(x)
	o, err := c.descend(s.name, 1, alpha, x, shortRun)
	if err != nil || !o.Failed {
		return o, err
	}
	s.x = x
	return shortened(c, s)
}

// farther is how many times as far as usual the starts of a round go: where two rounds have found nothing, what fits may lie beyond.
func farther(round int) float64 { return 1 + math.Max(0, float64(min(round, 4)-1)) }

// draw is random start number k around x0, with networks spread over the data or not.
func (c *chain) draw(x0 []float64, k int, spread bool, far float64) origin {
	s := origin{name: fmt.Sprintf("random start %d", k), x: slices.Clone(x0), spread: spread}
	held := make([]float64, len(c.noise.Coords))
	for i, at := range c.noise.Coords {
		held[i] = x0[at]
	}
	c.f.told.Draw(s.x, c.s.Seed, k, far)
	if spread {
		c.f.told.Spread(s.x, c.s.Seed, k)
	}
	for i, at := range c.noise.Coords {
		s.x[at] = held[i]
	}
	return s
}

// How thresholds of events are sought: S. draws, screened on segments.
const (
	thresholdDraws = 200
	thresholdRows  = 8
	thresholdBest  = 4
)

// thresholds draws those of events within the data, screens the draws on segments, and
// goes on from the best.
func (c *chain) thresholds(x0 []float64) error {
	told := c.f.told
	list := told.Thresholds(x0)
	if len(list) == 0 || cannotMatch(c) != "" && !follows(c) {
		return nil
	}
	// Segments of two rows tell the other parameters without the thresholds, where each
	// segment begins with the modes that meet it.
	matched := x0
	if o, err := c.match(origin{name: "before thresholds", x: x0}, 2, matchRun); err != nil {
		return err
	} else if o != nil && !o.Failed {
		matched = o.X
	}
	for round := range 3 {
		if c.spent() || c.clear(false) || c.clear(true) || c.agreed() {
			return nil
		}
		type screened struct {
			origin
			cost float64
		}
		var tried []screened
		at := x0
		if follows(c) {
			at = matched
		}
		segments, err := cut(c, at, thresholdRows)
		if err != nil || len(segments) == 0 {
			return err
		}
		screen, err := c.screen(segments, matched)
		if err != nil {
			return err
		}
		for k := range thresholdDraws {
			x, wander := slices.Clone(matched), 0.
			if k%2 == 1 {
				x, wander = slices.Clone(x0), 1
			}
			told.DrawThresholds(x, list, wander, c.s.Seed, round*thresholdDraws+k)
			cost, _, err := screen.At(context.Background(), x)
			if err != nil {
				return err
			}
			tried = append(tried, screened{origin{name: fmt.Sprintf("thresholds drawn %d", round*thresholdDraws+k), x: x}, cost})
		}
		slices.SortStableFunc(tried, func(a, b screened) int {
			switch {
			case a.cost < b.cost:
				return -1
			case a.cost > b.cost:
				return 1
			}
			return 0
		})
		c.say("thresholds: %d draws screened on segments of %d rows, from %.4g to %.4g", thresholdDraws, thresholdRows, tried[0].cost, tried[len(tried)-1].cost)
		for _, t := range tried[:thresholdBest] {
			if t.x, err = c.growing(t.origin, thresholdRows); err != nil {
				return err
			}
			if err := c.direct(t.origin); err != nil || c.clear(false) || c.agreed() {
				return err
			}
		}
	}
	return nil
}
