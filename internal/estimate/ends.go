package estimate

import (
	"context"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"

	"github.com/pinode/pinode/fit"
)

// beyond is a coordinate at which a parameter stands at the end of its interval to the last bit.
const beyond = 1000

// mostTurns is how often parameters are put to ends of their intervals, or let go, at most.
const mostTurns = 12

// settle goes on from an optimum where the loss drives parameters to a closed end of their
// intervals, which their coordinates reach at infinity only: these are held there while the others
// go on, and let go where the loss falls inside again (P.E. Gill, W. Murray, M.H. Wright, Practical
// Optimization, 1981, section 5.2). It ends at an optimum within the intervals.
func settle(c *chain, k *candidate, o *fit.Outcome, limits fit.Limits) (*fit.Outcome, error) {
	e := &ends{chain: c, list: closedEnds(c.f), held: map[int]bool{}}
	if len(e.list) == 0 {
		return o, nil
	}
	for range mostTurns {
		x := slices.Clone(o.X)
		turned, err := e.turn(x)
		if err != nil || !turned {
			return o, err
		}
		p := c.problem(c.squares, 1, k.alpha)
		p.Kinks, p.Most = len(x) <= mostExact, slices.Clone(p.Most)
		for i := range e.held {
			p.Most[i] = 0
		}
		next, err := c.descendOn("at ends of intervals", p, x, limits)
		if err != nil {
			return o, err
		}
		if next.Failed || !(next.Total() < o.Total()) {
			return o, nil
		}
		o = next
	}
	return o, nil
}

// ends are parameters that have an end which they may stand at, and those that are held there.
type ends struct {
	*chain
	list []int
	held map[int]bool
}

// closedEnds are the parameters that have an end which they may stand at.
func closedEnds(f *Fit) (list []int) {
	for i := range f.Objective.Space.Params {
		if iv := f.Objective.Space.Transforms[i].Interval(); !iv.LoOpen || !iv.HiOpen {
			list = append(list, i)
		}
	}
	return list
}

// turn puts parameters to the ends that the model of the loss at x has its minimum beyond, and
// lets go those held at which the loss falls inside.
func (e *ends) turn(x []float64) (turned bool, err error) {
	o := e.f.Objective
	res, err := o.Eval(context.Background(), x, nil, 1, make([]float64, len(x)))
	if err != nil || res.Failed {
		return false, err
	}
	slope := slices.Clone(o.NaturalBar)
	for i := range slope {
		slope[i] *= float64(max(1, o.Total))
	}
	move, err := e.newton(x, slope)
	if err != nil || move == nil {
		return false, err
	}
	for _, i := range e.list {
		t := &o.Space.Transforms[i]
		iv, at := t.Interval(), t.Forward(x[i])
		if e.held[i] {
			end := iv.Lo
			if x[i] > 0 {
				end = iv.Hi
			}
			u, _, err := t.Start(end)
			if err == nil && slope[i]*(t.Forward(u)-end) < -leastGain {
				x[i], turned = u, true
				delete(e.held, i)
			}
			continue
		}
		switch {
		case !iv.LoOpen && at+move[i] < iv.Lo:
			x[i] = -beyond
		case !iv.HiOpen && at+move[i] > iv.Hi:
			x[i] = beyond
		default:
			continue
		}
		e.held[i], turned = true, true
	}
	return turned, nil
}

// leastGain is the fall of the loss, in nats, for which a parameter leaves an end.
const leastGain = 1e-6

// newton is the step from x to the minimum of the model of the loss in the parameters
// themselves, with those held left where they are; nil: there is none.
func (e *ends) newton(x, slope []float64) ([]float64, error) {
	r, jac := make([]float64, e.squares.Rows()), mat.NewDense(e.squares.Rows(), len(x), nil)
	res, err := e.squares.Linear(context.Background(), x, 1, r, jac)
	if err != nil || res.Failed {
		return nil, err
	}
	sp := e.f.Objective.Space
	var free []int
	for i := range sp.Params {
		if !e.held[i] && sp.Transforms[i].Derivative(x[i]) > 0 {
			free = append(free, i)
		}
	}
	var weights []int
	for i := len(sp.Params); i < len(x); i++ {
		weights = append(weights, i)
	}
	h := e.squares.Curvature(x, jac)
	if len(x) > mostExact {
		weights = nil // they are left where they are
	}
	move := make([]float64, len(slope))
	if len(free) == 0 {
		return move, nil
	}
	h = schur(h, free, weights)
	size, g := make([]float64, len(free)), mat.NewVecDense(len(free), nil)
	for k, i := range free {
		if size[k] = math.Sqrt(math.Max(h.At(k, k), 0)); size[k] == 0 {
			size[k] = 1
		}
		g.SetVec(k, -slope[i]*sp.Transforms[i].Derivative(x[i])/size[k])
	}
	for k := range free {
		for m := k; m < len(free); m++ {
			h.SetSym(k, m, h.At(k, m)/size[k]/size[m])
		}
		h.SetSym(k, k, h.At(k, k)+nothing)
	}
	var chol mat.Cholesky
	if !chol.Factorize(h) {
		return nil, nil
	}
	if err := chol.SolveVecTo(g, g); err != nil {
		if _, poor := err.(mat.Condition); !poor {
			return nil, nil
		}
	}
	for k, i := range free {
		move[i] = g.AtVec(k) / size[k] * sp.Transforms[i].Derivative(x[i])
	}
	return move, nil
}

// boundErrors is how many standard errors an end of an interval may be away for a parameter
// to count as standing at it.
const boundErrors = 2

// judgeBounds says which estimates stand at an end of their intervals: on it, or so near that the
// data cannot tell them from it.
func judgeBounds(f *Fit) {
	sp, k := f.Objective.Space, 0
	for i := range f.Estimates {
		e := &f.Estimates[i]
		if e.Fixed {
			continue
		}
		iv := sp.Transforms[k].Interval()
		off := math.Min(e.Value-iv.Lo, iv.Hi-e.Value)
		if e.Bound && off > boundErrors*e.StdErr {
			e.Bound = false
		}
		k++
	}
}
