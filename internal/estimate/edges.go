package estimate

import (
	"cmp"
	"context"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"

	"github.com/pinode/pinode/fit"
	"github.com/pinode/pinode/internal/loss"
)

// Where events make what is observed jump at times that depend on what is fitted, the loss is smooth in pieces: it jumps
// where a firing passes a row of data. The least loss may lie at such an edge and is not attained there, no step along the
// gradient lowers the loss there, and at other tolerances the row may lie on the other side. Here edges are walls:
// −μ ln d of the distance d in time keeps firings off the rows beside them (the barrier of A.V. Fiacco and
// G.P. McCormick, Nonlinear Programming, 1968), at a cost of about μ nats.

// edge is a row beside a firing that sees its jump.
type edge struct {
	of, nth int     // trajectory, and which of its firings
	row     float64 // its time
	sign    float64 // 1: the row is behind the firing
	rise    float64 // of the loss on the other side, in nats
	off     float64 // distance in time
	scale   float64 // a distance that is usual between rows and firings
	by      []float64
	open    float64 // by how much residuals leave the distance open: one standard deviation
}

// How far edges matter.
const (
	edgeReach  = 4.   // standard deviations up to which an edge is one
	mostEdges  = 400  // that are looked at
	mostBends  = 20   // and of rows that see a bend alone
	mostWalled = 300  // unknowns
	edgeSolver = 10.  // relative tolerances of the solver, by which a time may be off
	edgeShare  = 0.05 // of usual distances that this may take
	leastRise  = 0.05 // nats that a row has to see of a jump
	edgeBites  = 2.   // standard deviations up to which a wall moves an estimate
	leastWall  = 0.05 // weight of a wall below which it is none
	weakOpen   = 1e-6 // precision of coordinates that nothing tells, in e-folds
)

// weight is how much of a wall an edge is: none where the other side is as good.
func (e *edge) weight() float64 { return 1 - math.Exp(-math.Max(e.rise, 0)) }

// wall reports whether an edge is one.
func (e *edge) wall() bool { return e.weight() > leastWall }

// sortFirings are those of each trajectory.
func sortFirings(list []loss.Firing, n int) [][]loss.Firing {
	out := make([][]loss.Firing, n)
	for _, f := range list {
		out[f.Of] = append(out[f.Of], f)
	}
	return out
}

// linearised is the loss at a point as far as edges need it.
type linearised struct {
	unit    float64 // of the loss: a nat of the noise that the residuals show, where none is declared
	r       []float64
	jac     *mat.Dense
	normal  mat.Cholesky
	firings [][]loss.Firing
	edges   []edge
	bends   []edge // rows beside firings that see no jump, but a bend
}

// linearisedAt is nil where there is no loss, or nothing fires.
func linearisedAt(ctx context.Context, f *Fit, squares *loss.Squares, x, ridge []float64) (*linearised, error) {
	n := len(x)
	l := &linearised{unit: 1, r: make([]float64, squares.Rows()), jac: mat.NewDense(squares.Rows(), n, nil)}
	res, list, err := squares.WithFirings(ctx, x, 1, l.r, l.jac)
	if err != nil || res.Failed || len(list) == 0 {
		return nil, err
	}
	if left := squares.Total - n; !likelihood(f.prog) {
		if l.unit = 2 * res.Loss / float64(left); left < 1 || !(l.unit > 0) {
			return nil, nil
		}
	}
	l.firings = sortFirings(list, len(squares.Trajectories))
	h := mat.NewSymDense(n, nil)
	h.SymOuterK(1/l.unit, l.jac.T())
	for i := range n {
		add := weakOpen
		if ridge != nil {
			add += ridge[i] / l.unit
		}
		h.SetSym(i, i, h.At(i, i)+add)
	}
	if !l.normal.Factorize(h) {
		return nil, nil
	}
	for of, firings := range l.firings {
		for nth := range firings {
			l.besides(of, nth, &firings[nth], f.solver.RTol, squares.Trajectories[of].Span.T0)
		}
	}
	l.edges, l.bends = nearestOf(l.edges, mostEdges), nearestOf(l.bends, mostBends)
	return l, nil
}

// nearestOf are so many edges at most: those nearest to firings, beside how far residuals leave these open.
func nearestOf(list []edge, most int) []edge {
	slices.SortStableFunc(list, func(a, b edge) int { return cmp.Compare(a.off/a.open, b.off/b.open) })
	return list[:min(len(list), most)]
}

// besides adds the edges beside a firing.
func (l *linearised) besides(of, nth int, f *loss.Firing, rtol, t0 float64) {
	if mat.Norm(mat.NewVecDense(len(f.By), f.By), math.Inf(1)) == 0 {
		return
	}
	across := l.toward(f.By)
	open := math.Sqrt(math.Max(mat.Dot(across, mat.NewVecDense(len(f.By), f.By)), 0))
	between := f.Rows[1].T - f.Rows[0].T
	for side, row := range f.Rows {
		if !row.Is {
			continue
		}
		e := edge{of: of, nth: nth, row: row.T, sign: float64(2*side - 1), rise: row.Rise / l.unit, by: f.By, open: open, scale: between}
		if e.off = e.sign * (row.T - f.T); !f.Rows[1-side].Is {
			e.scale = math.Max(2*e.off, math.Abs(f.T-t0)*1e-3)
		}
		e.off -= e.least(rtol, f.T-t0)
		jumps := math.Abs(e.rise) >= leastRise
		switch {
		case e.off > edgeReach*open:
		case jumps:
			l.edges = append(l.edges, e)
		case math.Abs(f.Rows[1-side].Rise) < leastRise*l.unit: // else walls are in the way
			l.bends = append(l.bends, e)
		}
	}
}

// least is the distance by which a firing may be off the row.
func (e *edge) least(rtol, after float64) float64 {
	return math.Min(edgeSolver*rtol*math.Abs(after), edgeShare*e.scale)
}

// toward is H⁻¹ of a direction.
func (l *linearised) toward(by []float64) *mat.VecDense {
	var v mat.VecDense
	_ = l.normal.SolveVecTo(&v, mat.NewVecDense(len(by), by)) // a poor condition is that of what residuals leave open
	return &v
}

// walled is the loss with walls beside firings, of weight by.
type walled struct {
	of    *loss.Squares
	edges []edge
	by    float64 // in the unit of the loss
	rtol  float64
}

// Rows implements fit.Residuals.
func (w *walled) Rows() int { return w.of.Rows() + len(w.edges) }

// Work implements fit.Worker.
func (w *walled) Work() float64 { return w.of.Work() }

// Residuals implements fit.Residuals: a wall −μ ln d has the residual −√μ, with the derivative √μ d'/d.
func (w *walled) Residuals(ctx context.Context, x []float64, horizon float64, r []float64, jac *mat.Dense) (fit.Result, error) {
	n := w.of.Rows()
	part := jac
	if jac != nil {
		jac.Zero()
		part = jac.Slice(0, n, 0, len(x)).(*mat.Dense)
	}
	res, list, err := w.of.WithFirings(ctx, x, horizon, r[:n], part)
	if err != nil || res.Failed {
		return res, err
	}
	firings := sortFirings(list, len(w.of.Trajectories))
	for k := range w.edges {
		e := &w.edges[k]
		off, f := e.from(firings[e.of], w.rtol, w.of.Trajectories[e.of].Span.T0)
		if !(off > 0) {
			res.Failed, res.Reason = true, fit.Failure{Reason: "an event has passed a row of data"}
			return res, nil
		}
		mu := w.by * e.weight()
		res.Loss -= mu * math.Log(off/e.scale)
		r[n+k] = -math.Sqrt(mu)
		if jac != nil {
			for i, by := range f.By {
				jac.Set(n+k, i, -math.Sqrt(mu)*e.sign*by/off)
			}
		}
	}
	return res, nil
}

// from is how far the firing of an edge is off the row, beyond the least distance; below zero: it is on the other side, or there is none.
func (e *edge) from(firings []loss.Firing, rtol, t0 float64) (float64, *loss.Firing) {
	if e.nth >= len(firings) {
		return -1, nil
	}
	f := &firings[e.nth]
	return e.sign*(e.row-f.T) - e.least(rtol, f.T-t0), f
}

// Weights of walls, the last of which is what the result may lie above the least loss by.
var wallWeights = []float64{1, 0.1, 0.01}

const (
	mostCrossings = 12  // rows that are tried on the other side of a firing
	leastCrossing = 0.1 // nats that this should bring
	besideRise    = 1.  // nats by which walls may raise the loss at most
)

// beside goes on from an optimum to one that lies off the edges of the loss, and tries the rows beside firings on
// the other side where less loss is to be expected there.
func beside(c *chain, k *candidate, o *fit.Outcome, limits fit.Limits) (*fit.Outcome, error) {
	if len(c.f.prog.Model.Events) == 0 || len(o.X) > mostWalled {
		return o, nil
	}
	tried := map[edgeKey]bool{}
	for range mostCrossings {
		l, err := linearisedAt(context.Background(), c.f, c.squares, o.X, c.ridge.vector(k.alpha))
		if err != nil || l == nil {
			return o, err
		}
		if l.bite() {
			if o, err = c.offEdges(k, l, o, limits); err != nil {
				return o, err
			}
			if l, err = linearisedAt(context.Background(), c.f, c.squares, o.X, c.ridge.vector(k.alpha)); err != nil || l == nil {
				return o, err
			}
		}
		e := l.crossing(tried)
		if e == nil || c.spent() {
			return o, nil
		}
		tried[e.key()] = true
		x := l.moved(o.X, e, -2*(e.off+0.02*e.scale))
		next, err := c.descendOn("a row on the other side of a firing", c.problem(c.squares, 1, k.alpha), x, matchRun)
		if err != nil {
			return o, err
		}
		if next.Failed || !(next.Total() < o.Total()-leastCrossing*l.unit) {
			continue
		}
		o = next
	}
	return o, nil
}

// edgeKey names an edge.
type edgeKey struct {
	of, nth int
	row     float64
}

func (e *edge) key() edgeKey { return edgeKey{e.of, e.nth, e.row} }

// bite reports whether some wall may move the optimum.
func (l *linearised) bite() bool {
	return slices.ContainsFunc(l.edges, func(e edge) bool { return e.wall() && e.off < edgeBites*e.open })
}

// moved is x moved such that a distance grows by so much, and residuals rise as little as they may.
func (l *linearised) moved(x []float64, e *edge, by float64) []float64 {
	v := l.toward(e.by)
	x = slices.Clone(x)
	for i := range x {
		x[i] -= e.sign * by / (e.open * e.open) * v.AtVec(i)
	}
	return x
}

// crossing is the edge that promises most from the other side, of those that were not tried, else one where the loss bends; nil: there
// is none. The residuals alone would move the firing on by the slope that the wall holds.
func (l *linearised) crossing(tried map[edgeKey]bool) (best *edge) {
	most := leastCrossing
	for k := range l.edges {
		e := &l.edges[k]
		force := 0.
		if e.wall() {
			force = wallWeights[len(wallWeights)-1] * e.weight() / e.off
		}
		to := math.Max(e.off, force*e.open*e.open)
		gain := force*to - to*to/(2*e.open*e.open) - e.rise
		if gain > most && !tried[e.key()] {
			best, most = e, gain
		}
	}
	for k := range l.bends {
		if e := &l.bends[k]; best == nil && len(e.by) <= mostBent && e.off < edgeBites*e.open && !tried[e.key()] {
			best = e
		}
	}
	return best
}

// offEdges descends with walls.
func (c *chain) offEdges(k *candidate, l *linearised, o *fit.Outcome, limits fit.Limits) (*fit.Outcome, error) {
	w := &walled{of: c.squares, rtol: c.f.solver.RTol}
	x := o.X
	for i := range l.edges {
		e := &l.edges[i]
		if !e.wall() {
			continue
		}
		w.edges = append(w.edges, *e)
		if least := 0.01 * math.Min(e.scale, e.open); e.off < least {
			x = l.moved(x, e, least-e.off)
		}
	}
	last := o
	for _, weight := range wallWeights {
		w.by = weight * l.unit
		next, err := c.descendOn("off the rows beside firings", c.problem(w, 1, k.alpha), x, limits)
		if err != nil {
			return o, err
		}
		if next.Failed {
			break
		}
		last, x = next, next.X
	}
	if last == o {
		return o, nil
	}
	r := make([]float64, c.squares.Rows())
	res, err := c.squares.Residuals(context.Background(), x, 1, r, nil)
	if err != nil || res.Failed {
		return o, err
	}
	off := *last
	off.Value = res.Loss
	if off.Total() > o.Total()+besideRise*l.unit {
		c.say("rows beside firings: a loss of %.6g off them is no optimum", off.Total())
		return o, nil
	}
	c.say("rows beside firings: %d; loss %.6g off them", len(w.edges), off.Total())
	return &off, nil
}
