package estimate

import (
	"context"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"

	"github.com/pinode/pinode/fit"
	"github.com/pinode/pinode/internal/loss"
	begin "github.com/pinode/pinode/internal/start"
)

// How events are held to the data: see fired.
const (
	toldRounds  = 10   // of parameters, then firings
	toldSpared  = 4    // of which so many at most look at firings alone, and not at where there are none
	toldShare   = 0.25 // of the budget
	toldSettled = 1e-3 // by which part of the distance of rows firings still move
	toldShifts  = 12   // of firings along what the parameters say
)

// fired is for events that make what is observed jump. A row that lies on the other side of a jump leads
// least squares astray, and a threshold that is not reached has no slope. So events fire where
// the data jump and not by their conditions: parameters of motion and jumps are fitted so, smoothly; those
// of conditions follow from the states at which events have fired; and firings move, between
// their rows, to where conditions become true. From there on events fire by themselves again.
func fired(c *chain, s origin) error {
	ways := begin.Assignments(c.f.told)
	if len(ways) == 0 {
		return nil
	}
	s.name += ", events told by the data"
	end := c.end
	c.end = math.Min(end, c.work+toldShare*c.s.Budget()*operationsPerSecond)
	defer func() {
		if c.fitted == 0 {
			c.end = end
		}
	}()
	var best *held
	for _, way := range ways {
		h := &held{list: way}
		if err := h.fit(c, s); err != nil {
			return err
		}
		if h.last != nil && (best == nil || h.last.Total() < best.last.Total()) {
			best = h
		}
	}
	if best == nil {
		return nil
	}
	s.x = best.x
	return released(c, s, best.list)
}

// hiddenRows is how many rows on each side of a firing do not count while events fire by themselves
// again, where they have not come so near that none need be left out.
const hiddenRows = 2

// released lets events fire by themselves, from where they have been told. Rows next to
// firings do not count at first: so far firings may move without a jump of the loss.
func released(c *chain, s origin, list []begin.Fired) error {
	for rows := range hiddenRows + 1 {
		x, err := withoutRows(c, s, list, rows)
		if err != nil {
			return err
		}
		n := len(c.list)
		for try := 0; ; try++ {
			if err := c.direct(origin{name: s.name, x: x, spread: s.spread}); err != nil || c.clear(s.spread) || c.spent() || len(c.list) == n {
				return err
			}
			if try == nearbyTries {
				break
			}
			if x, err = nearby(c, c.squares, c.list[len(c.list)-1].X); err != nil {
				return err
			}
		}
	}
	return nil
}

// withoutRows is where s leads without so many rows on each side of firings, then without ever fewer.
func withoutRows(c *chain, s origin, list []begin.Fired, rows int) ([]float64, error) {
	x := s.x
	for ; rows > 0; rows-- {
		squares, err := c.squaresOf(begin.Beside(c.f.told, list, rows))
		if err != nil || squares == nil {
			return x, err
		}
		o, err := c.descendOn(fmt.Sprintf("%s, without %d rows beside them", s.name, rows), c.problem(squares, 1, c.ridge.first(x)), x, matchRun)
		if err != nil {
			return nil, err
		}
		if o.Failed {
			continue
		}
		x = o.X
		if rows == 1 {
			return nearby(c, squares, x)
		}
	}
	return x, nil
}

// How far about a point rows are tried on the other sides of jumps: see nearby.
const (
	nearbyMost   = 100 // unknowns
	nearbyTries  = 2   // about a point that whole trajectories have led to
	nearbyRounds = 6
	nearbyDraws  = 60
	nearbyOpen   = 0.3 // by which coordinates move that residuals leave open
)

// nearby is the point of least loss of some that are drawn about x: as far off as residuals leave it open, then
// about the best of them, each time half as far. Where the loss jumps, since rows come to lie on the other
// side of a jump, no slope leads there.
func nearby(c *chain, squares *loss.Squares, x []float64) ([]float64, error) {
	n := len(x)
	if n > nearbyMost {
		return x, nil
	}
	r, jac := make([]float64, squares.Rows()), mat.NewDense(squares.Rows(), n, nil)
	if res, err := squares.Residuals(context.Background(), x, 1, r, jac); err != nil || res.Failed {
		return x, err
	}
	normal := mat.NewSymDense(n, nil)
	normal.SymOuterK(1, jac.T())
	for i := range n {
		normal.SetSym(i, i, normal.At(i, i)+1/(nearbyOpen*nearbyOpen))
	}
	var chol mat.Cholesky
	if !chol.Factorize(normal) {
		return x, nil
	}
	o := c.f.Objective
	value := func(x []float64) (float64, error) {
		c.work += o.Operations(x)
		res, err := o.Eval(context.Background(), x, nil, 1, nil)
		if err != nil || res.Failed || math.IsNaN(res.Loss) {
			return math.Inf(1), err
		}
		return res.Loss, nil
	}
	var upper mat.TriDense
	chol.UTo(&upper)
	rng := fit.Stream(c.s.Seed, "beside firings", 0)
	least, err := value(x)
	if err != nil {
		return x, err
	}
	first := least
	for round, by := 0, 1.; round < nearbyRounds; round, by = round+1, by/2 {
		about := x
		for range nearbyDraws {
			z := mat.NewVecDense(n, nil)
			for i := range n {
				z.SetVec(i, by*rng.NormFloat64())
			}
			if err := z.SolveVec(&upper, z); err != nil {
				return x, nil
			}
			y := slices.Clone(about)
			for i := range y {
				y[i] += z.AtVec(i)
			}
			v, err := value(y)
			if err != nil {
				return x, err
			}
			if v < least {
				x, least = y, v
			}
		}
	}
	total := float64(max(1, o.Total))
	c.say("points about it: loss from %.6g to %.6g", first*total, least*total)
	return x, nil
}

// held is how events are made to fire, and where that has led to.
type held struct {
	list []begin.Fired
	last *candidate
	x    []float64 // of it, with the coordinates of conditions
}

// fit fits parameters and firings in turn: until these stay or for some rounds by the firings alone, then
// also by where there are none.
func (h *held) fit(c *chain, s origin) error {
	spared := 0
	for round := range toldRounds {
		told, err := begin.Tell(c.f.told, h.list)
		if err != nil {
			return err
		}
		sub, err := withTold(c, told)
		if err != nil || sub == nil {
			return err
		}
		err = rowsAlone(sub, s, round == 0)
		c.work, c.descents, c.f.Decisions = sub.work, sub.descents, sub.f.Decisions
		if err != nil || sub.best == nil {
			return err
		}
		s.x = slices.Clone(sub.best.X)
		h.last, h.x = sub.best, s.x
		free, err := unmoved(sub, s.x)
		if err != nil {
			return err
		}
		before := h.list
		if h.list, err = shifted(c, told, s.x, free, spared > 0); err != nil {
			return err
		}
		most := 0.
		for k, f := range h.list {
			most = math.Max(most, math.Abs(f.T-before[k].T)/(f.To-f.From))
		}
		c.say("%s: χ² %.4g per value with %d firings; they move by %.3g of the distance of rows", s.name, h.last.chi/float64(max(h.last.n, 1)), len(h.list), most)
		if most < toldSettled && spared > 1 || c.spent() {
			break
		}
		if most < toldSettled || spared > 0 || round+1 >= toldSpared {
			spared++
		}
	}
	return nil
}

// shifted moves thresholds and firings, these until they stay.
func shifted(c *chain, told *begin.Told, x []float64, free []bool, spared bool) ([]begin.Fired, error) {
	var list []begin.Fired
	for range toldShifts {
		var most float64
		var err error
		if list, most, err = told.Meet(context.Background(), x, free, spared, c.f.solver, c.f.Plan.Workers); err != nil {
			return nil, err
		}
		if most < toldSettled {
			break
		}
		if told, err = begin.Tell(c.f.told, list); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// withTold is a chain of its own over told trajectories, that goes on with the work of this one; nil: these have
// no residuals.
func withTold(c *chain, told *begin.Told) (*chain, error) {
	f := *c.f
	f.prog, f.told, f.kept = told.Program(), told.Data, new(kept)
	sub := *c
	sub.f, sub.found = &f, found{}
	var err error
	if sub.squares, err = sub.squaresOf(told.Trajectories); err != nil || sub.squares == nil {
		return nil, err
	}
	f.Objective = sub.squares.Objective
	return &sub, nil
}

// rowsAlone fits what the rows tell: at first from several starts.
func rowsAlone(c *chain, s origin, several bool) error {
	ways := []func(origin) error{c.direct}
	if several && cannotMatch(c) == "" {
		ways = append(ways, c.matched)
	}
	if several {
		ways = append(ways, c.horizons)
	}
	for _, way := range ways {
		if c.clear(s.spread) || c.spent() {
			break
		}
		if err := way(s); err != nil {
			return err
		}
	}
	return nil
}

// unmoved are the parameters that the rows do not depend on.
func unmoved(c *chain, x []float64) ([]bool, error) {
	r, jac := make([]float64, c.squares.Rows()), mat.NewDense(c.squares.Rows(), len(x), nil)
	res, err := c.squares.Residuals(context.Background(), x, 1, r, jac)
	free := make([]bool, len(c.f.Objective.Space.Params))
	if err != nil || res.Failed {
		return free, err
	}
	for i := range free {
		free[i] = mat.Norm(jac.ColView(i), 2) == 0
	}
	return free, nil
}
