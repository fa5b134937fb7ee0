package fit

import (
	"context"
	"errors"
	"math"
	"slices"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/pinode/pinode/internal/kernel"
)

// Problem is a loss with a Gauss–Newton matrix and a quadratic penalty, to be minimised in
// some of its coordinates.
type Problem struct {
	Loss    Residuals
	Horizon float64
	Ridge   []float64 // Λ of the penalty ½ Σ Λ(x−c)²; nil: none
	Center  []float64 // c; nil: 0
	Most    []float64 // the largest move of each coordinate in a step; 0: it is held
	Workers int       // that share products of matrices; 0: one

	// Alike are ranges of coordinates, the first and the one behind the last, that have one scale each: the weights of
	// an array of a network, or all of them. With scales of their own, weights that hardly tell move far in each step,
	// and the steps that are left come to nothing.
	Alike [][2]int

	Follow bool // steps follow bent valleys, as those of networks are (see accelerate)

	// Kinks: those of a Kinked loss are met exactly, by steps to the minimum of a model that has
	// them too. Without, steps see a parabola in their place, and end somewhere near.
	Kinks bool

	// Draw sets the points at which the loss is evaluated, so many times as many as at first, anew
	// after so many iterations: by x alone and the number of the draw. nil: they stay.
	Draw  func(ctx context.Context, draw, times int, x []float64) error
	Every int

	// MostTimes is how many times as many points there may be as at first: twice as many are drawn where the
	// loss at fresh points is several times that at the points before.
	MostTimes int
}

// doubled is how many times the loss at fresh points is that before, where there are too few.
const doubled = 5

// Limits say when a descent ends.
type Limits struct {
	Iterations int
	Flat       float64 // a fall of the sum of squares by less than this fraction is none
	Least      float64 // nor is one of the loss by less than this
	Times      int     // converged after so many of them running
	Promised   float64 // what slopes promise, and no step fulfils, is nothing below this; less than a thousandth is none
	Work       float64 // operations after which no iteration begins; 0: any number
}

// Spent is why a descent ended whose work has come to its bound.
const Spent = "the budget is used up"

// Outcome is where a descent ended, and why.
type Outcome struct {
	Label      string  `json:"label"`
	X          Vector  `json:"x"`
	Value      float64 `json:"value"`   // the loss without the penalty
	Penalty    float64 `json:"penalty"` // ½ Σ Λ(x−c)²
	Squares    float64 `json:"squares"` // ½‖r‖²
	Iterations int     `json:"iterations"`
	Rejected   int     `json:"rejected,omitempty"` // trials at which a solve failed
	Converged  bool    `json:"converged,omitempty"`
	Failed     bool    `json:"failed,omitempty"` // the start has no loss: X is the start
	Why        string  `json:"why"`
	Work       float64 `json:"work"` // operations that it took
}

// Total is the value that a descent minimises.
func (o *Outcome) Total() float64 {
	if o.Failed {
		return math.Inf(1)
	}
	return o.Value + o.Penalty
}

// descending is the memory of a descent under way.
type descending struct {
	X         Vector  `json:"x"`
	Scale     Vector  `json:"scale,omitempty"`
	Drawn     Vector  `json:"drawn,omitempty"` // where the points were drawn
	Times     int     `json:"times,omitempty"` // how many there are, beside those at first
	Lambda    float64 `json:"lambda"`
	Growth    float64 `json:"growth"`
	Iteration int     `json:"iteration"`
	Rejected  int     `json:"rejected"`
	Still     int     `json:"still"` // successive small falls
	Work      float64 `json:"work"`
	Wide      bool    `json:"wide,omitempty"` // the data tell too many directions for steps in a space of them
}

// The constants of a step: K. Madsen, H.B. Nielsen, O. Tingleff, Methods for Non-Linear
// Least Squares Problems, 2nd ed., IMM DTU 2004, section 3.2; scales as in Moré 1978.
const (
	firstLambda = 1e-2
	leastLambda = 1e-10
	mostTrials  = 12
	scaleMemory = 0.7
	leastScale  = 1e-6 // beside the largest
)

// gaussNewton is a descent at work: the damped Gauss–Newton method, with steps that a
// failed solve rejects like one that does not descend.
type gaussNewton struct {
	p   *Problem
	d   *descending
	lim Limits

	x, trial, r, step []float64
	room              []float64 // for residuals at a trial point
	free              []int     // the coordinates that move
	jac               *mat.Dense
	normal            *kernel.Tiles // JᵀJ + Λ in the free coordinates; nil: not yet
	chol              *kernel.Tiles // the factor of it, scaled and damped
	narrow            *narrow       // the model in a space of few directions; nil: there is none
	work
	kinks *sizes // of the loss; nil: none, or they are not looked at
	bent  *bend  // of steps that follow a valley
	proposal
	value, squares float64
	before         float64 // mean loss per value before the step
}

// work is what trials and the algebra of a step left behind.
type work struct {
	bends   []float64 // the diagonal of the normal matrix
	algebra float64   // operations that all this took, as a Worker counts them
	draws   int       // that were made of directions
	failure Failure   // of the last trial that failed
}

// proposal is a step from the gradient, in the free coordinates.
type proposal struct {
	g, q   []float64
	smooth []float64 // the gradient without that of kinks
	fall   float64   // of the loss, as predicted
}

// newGaussNewton goes on from a memory.
func newGaussNewton(p *Problem, d *descending, lim Limits) *gaussNewton {
	n := len(d.X)
	e := &gaussNewton{
		p: p, d: d, lim: lim, x: d.X, trial: make([]float64, n), r: make([]float64, p.Loss.Rows()), step: make([]float64, n),
		jac: mat.NewDense(max(1, p.Loss.Rows()), n, nil),
	}
	e.room = make([]float64, len(e.r))
	for i := range n {
		if p.Most == nil || p.Most[i] > 0 {
			e.free = append(e.free, i)
		}
	}
	m := len(e.free)
	e.g, e.q, e.bends = make([]float64, m), make([]float64, m), make([]float64, m)
	e.kinks = newSizes(p, m)
	if d.Lambda == 0 {
		d.Lambda, d.Growth = firstLambda, 2
	}
	return e
}

// penalty is ½ Σ Λ(x−c)².
func (p *Problem) penalty(x []float64) (sum float64) {
	for i, l := range p.Ridge {
		if l > 0 {
			sum += l * p.off(x, i) * p.off(x, i) / 2
		}
	}
	return sum
}

// off is how far coordinate i is from its centre.
func (p *Problem) off(x []float64, i int) float64 {
	if p.Center == nil {
		return x[i]
	}
	return x[i] - p.Center[i]
}

// accept takes over what an evaluation at x has found.
func (e *gaussNewton) accept(res *Result) {
	e.value, e.squares = res.Loss, floats.Dot(e.r, e.r)/2
}

// linearise makes the normal equations from residuals and Jacobian at x.
func (e *gaussNewton) linearise() {
	n, m := len(e.x), len(e.free)
	raw := e.jac.RawMatrix()
	if m < n { // the columns that move, side by side
		for i := range raw.Rows {
			row := raw.Data[i*raw.Stride : i*raw.Stride+n]
			for k, c := range e.free {
				row[k] = row[c]
			}
		}
	}
	if e.kinks != nil {
		e.squares = e.kinks.take(e.r, e.jac)
		e.squares += floats.Dot(e.r, e.r) / 2
	}
	blas64.Gemv(blas.Trans, 1, e.moving(), blas64.Vector{N: len(e.r), Inc: 1, Data: e.r}, 0, blas64.Vector{N: m, Inc: 1, Data: e.g})
	clear(e.bends)
	for i := range raw.Rows {
		for k, v := range raw.Data[i*raw.Stride : i*raw.Stride+m] {
			e.bends[k] = math.FMA(v, v, e.bends[k])
		}
	}
	for k, c := range e.free {
		if e.p.Ridge != nil {
			e.bends[k] += e.p.Ridge[c]
			e.g[k] += e.p.Ridge[c] * e.p.off(e.x, c)
		}
		if e.kinks != nil {
			e.bends[k] += e.kinks.bend[k]
		}
	}
	e.smooth = append(e.smooth[:0], e.g...)
	if e.kinks != nil {
		e.kinks.gradient(e.g)
	}
	e.rescale()
	rows, cols := float64(raw.Rows), float64(m)
	if e.narrow = e.narrowed(); e.narrow != nil {
		k := float64(e.narrow.size)
		e.algebra += (2*rows*cols + cols*k) * (k + spanBlock) / flopsOfOperation
		return
	}
	e.wide()
	e.algebra += (rows*cols*cols + cols*cols*cols/3) / flopsOfOperation
}

// flopsOfOperation is how many additions of products of matrices take the time of one operation, the
// unit of work.
const flopsOfOperation = 100

// wide makes the normal matrix in all free coordinates.
func (e *gaussNewton) wide() {
	raw, m := e.jac.RawMatrix(), len(e.free)
	if e.normal == nil {
		e.normal, e.chol = kernel.NewTiles(m), kernel.NewTiles(m)
	}
	e.normal.Gram(raw.Data, raw.Rows, raw.Stride, e.p.Workers)
	for k, c := range e.free {
		if e.p.Ridge != nil {
			e.normal.Set(k, k, e.normal.At(k, k)+e.p.Ridge[c])
		}
	}
}

// moving is the Jacobian by the coordinates that move.
func (e *gaussNewton) moving() blas64.General {
	raw := e.jac.RawMatrix()
	return blas64.General{Rows: raw.Rows, Cols: len(e.free), Stride: raw.Stride, Data: raw.Data}
}

// rescale updates the scales of the coordinates: those of a range are set once, others grow.
func (e *gaussNewton) rescale() {
	d := e.d
	first := len(d.Scale) != len(e.free)
	if first {
		d.Scale = make([]float64, len(e.free))
	}
	sums := make([]float64, len(e.p.Alike))
	counts := make([]float64, len(e.p.Alike))
	most := 0.
	for k, c := range e.free {
		if g := e.alike(c); g >= 0 {
			sums[g], counts[g] = sums[g]+e.bends[k], counts[g]+1
			continue
		}
		d.Scale[k] = math.Max(math.Sqrt(e.bends[k]), scaleMemory*d.Scale[k])
		most = math.Max(most, d.Scale[k])
	}
	for k, c := range e.free {
		switch g := e.alike(c); {
		case g < 0:
			d.Scale[k] = math.Max(d.Scale[k], leastScale*most)
		case first:
			d.Scale[k] = math.Sqrt(sums[g] / counts[g])
		}
		if d.Scale[k] == 0 {
			d.Scale[k] = 1
		}
	}
}

// alike is the range that has coordinate c; −1: none.
func (e *gaussNewton) alike(c int) int {
	for g, r := range e.p.Alike {
		if r[0] <= c && c < r[1] {
			return g
		}
	}
	return -1
}

// propose sets the step for the present λ, cut so that no coordinate moves too far, and
// the fall of the loss that it predicts. It reports whether there is one.
func (e *gaussNewton) propose() bool {
	solve := e.damped
	if e.kinks != nil {
		solve = e.dampedKinks
	}
	if !solve() {
		return false
	}
	cut := 1.
	for k, c := range e.free {
		if e.p.Most != nil && math.Abs(e.q[k])*cut > e.p.Most[c] {
			cut = e.p.Most[c] / math.Abs(e.q[k])
		}
	}
	floats.Scale(cut, e.q)
	e.fall = -floats.Dot(e.smooth, e.q) - e.bending()/2
	if k := e.kinks; k != nil {
		e.fall += floats.Norm(k.value, 1) - k.at(e.q)
	}
	copy(e.trial, e.x)
	for k, c := range e.free {
		e.trial[c] += e.q[k]
	}
	return kernel.Finite(e.trial) && e.fall > 0
}

// bending is the second derivative of the model along the step.
func (e *gaussNewton) bending() float64 {
	m := len(e.free)
	if e.narrow == nil {
		hq := make([]float64, m)
		e.normal.Times(hq, e.q)
		return floats.Dot(e.q, hq)
	}
	jq := blas64.Vector{N: len(e.r), Inc: 1, Data: make([]float64, len(e.r))}
	blas64.Gemv(blas.NoTrans, 1, e.moving(), blas64.Vector{N: m, Inc: 1, Data: e.q}, 0, jq)
	sum := floats.Dot(jq.Data, jq.Data)
	for k, c := range e.free {
		sum += e.p.Ridge[c] * e.q[k] * e.q[k]
	}
	return sum
}

// damped sets the step for the present λ where the model is a parabola.
func (e *gaussNewton) damped() bool {
	if !e.factor() {
		return false
	}
	for k, g := range e.g {
		e.q[k] = -g
	}
	e.solve(e.q)
	return true
}

// factor prepares to solve the equations of the model for the present λ.
func (e *gaussNewton) factor() bool {
	if e.narrow != nil {
		return e.narrow.damped(e.d.Lambda, e.p.Workers)
	}
	m, s := len(e.free), e.d.Scale
	for i := range m {
		for j := i; j < m; j++ {
			e.chol.Set(i, j, e.normal.At(i, j)/(s[i]*s[j]))
		}
		e.chol.Set(i, i, e.chol.At(i, i)+e.d.Lambda)
	}
	return e.chol.Cholesky(e.p.Workers)
}

// solve replaces v by (JᵀJ + Λ + λD²)⁻¹ v.
func (e *gaussNewton) solve(v []float64) {
	if e.narrow != nil {
		e.narrow.solve(v)
		return
	}
	floats.Div(v, e.d.Scale)
	e.chol.Solve(v)
	floats.Div(v, e.d.Scale)
}

// dampedKinks is damped where the model has kinks.
func (e *gaussNewton) dampedKinks() bool {
	m, s := len(e.free), e.d.Scale
	h, g := mat.NewSymDense(m, nil), make([]float64, m)
	for i := range m {
		for j := i; j < m; j++ {
			h.SetSym(i, j, e.normal.At(i, j)/(s[i]*s[j]))
		}
		h.SetSym(i, i, h.At(i, i)+e.d.Lambda)
		g[i] = e.smooth[i] / s[i]
	}
	ok := e.kinks.step(e.q, g, h, s)
	floats.Div(e.q, s)
	return ok
}

// judge takes the loss at the trial point: it accepts it, or damps more.
func (e *gaussNewton) judge(trial *Result, r []float64) (accepted bool) {
	d := e.d
	ratio := math.Inf(-1)
	if !trial.Failed {
		now := e.value + e.p.penalty(e.x)
		ratio = (now - trial.Loss - e.p.penalty(e.trial)) / e.fall
	}
	if !(ratio > 1e-4) {
		d.Lambda *= d.Growth
		d.Growth *= 2
		return false
	}
	c := 2*ratio - 1
	d.Lambda = math.Max(leastLambda, d.Lambda*math.Max(1./3, 1-c*c*c))
	d.Growth = 2
	// Of the sum of squares, or of what the priors leave of it.
	size := e.squares + e.p.penalty(e.x)
	switch {
	case e.kinks != nil: // which are proved to be met, see search
	case ratio*e.fall < math.Max(e.lim.Flat*size, e.lim.Least):
		d.Still++
	default:
		d.Still = 0
	}
	copy(e.x, e.trial)
	copy(e.r, r)
	e.accept(trial)
	return true
}

// errEnded says that a run was cut off on its way.
var errEnded = errors.New("the run was ended")

// evaluate gives residuals; what is not a finite number is a failure.
func (p *Problem) evaluate(r *run, x, res []float64, jac *mat.Dense) (Result, error) {
	v, err := p.linear()(r.ctx, x, p.Horizon, res, jac)
	if err == nil && !v.Failed && (!finiteNumber(v.Loss) || !kernel.Finite(res) || jac != nil && !kernel.Finite(jac.RawMatrix().Data)) {
		v.Failed, v.Reason = true, Failure{Reason: "the loss or its derivative is not a finite number"}
	}
	return v, err
}

// descend minimises a problem from where its memory stands. each is told of every iteration that ends, and says
// whether to go on.
func descend(r *run, p *Problem, d *descending, lim Limits, each func(e *gaussNewton) (end bool, err error)) (*Outcome, error) {
	e := newGaussNewton(p, d, lim)
	worked := func() float64 { return e.algebra }
	if w, ok := p.Loss.(Worker); ok {
		worked = func() float64 { return w.Work() + e.algebra }
	}
	before := worked() - d.Work
	end := func(why string, converged bool) *Outcome {
		return &Outcome{
			X: slices.Clone(d.X), Value: e.value, Penalty: p.penalty(e.x), Squares: e.squares,
			Iterations: d.Iteration, Rejected: d.Rejected, Why: why, Converged: converged, Work: worked() - before,
		}
	}
	for {
		if r.ctx.Err() != nil {
			return nil, r.ctx.Err()
		}
		if err := e.draw(r); err != nil {
			return nil, err
		}
		jac := e.jac
		over := d.Still >= lim.Times || d.Iteration >= lim.Iterations || lim.Work > 0 && d.Work > lim.Work
		if over { // the loss alone is asked for
			jac = nil
		}
		res, err := p.evaluate(r, e.x, e.r, jac)
		if err != nil {
			return nil, err
		}
		if res.Failed {
			if d.Iteration == 0 {
				return &Outcome{X: slices.Clone(d.X), Failed: true, Why: res.Reason.String(), Work: worked() - before}, nil
			}
			return end("the derivatives are not finite here: "+res.Reason.Reason, false), nil
		}
		e.accept(&res)
		switch {
		case d.Still >= lim.Times:
			return end("the loss has stopped falling", true), nil
		case d.Iteration >= lim.Iterations:
			return end("all its iterations were made", false), nil
		case over:
			return end(Spent, false), nil
		}
		e.linearise()
		why, err := e.search(r, res.Values)
		if err != nil {
			return nil, err
		}
		if why != "" {
			return end(why, e.negligible()), nil
		}
		d.Iteration++
		d.Work = worked() - before
		if cut, err := each(e); err != nil {
			return nil, err
		} else if cut {
			return nil, errEnded
		}
	}
}

// search tries steps until one is taken, or says why there is none; the loss is of so many values.
func (e *gaussNewton) search(r *run, values int) (why string, err error) {
	p, d, res := e.p, e.d, e.room
	e.before = e.value / float64(max(1, values))
	for k := 0; ; k++ {
		if why = e.stuck(k); why != "" {
			return why, nil
		}
		if k == 0 && e.kinks != nil && e.gain() < math.Max(e.lim.Least, e.lim.Flat*e.squares) {
			return "no direction lowers the loss, kinks included", nil
		}
		if !e.propose() {
			d.Lambda *= d.Growth
			d.Growth *= 2
			continue
		}
		v, err := p.evaluate(r, e.trial, res, nil)
		if err != nil {
			return "", err
		}
		if v.Failed {
			d.Rejected++
			e.failure = v.Reason
		}
		if p.Follow {
			if v, err = e.accelerate(r, v, res); err != nil {
				return "", err
			}
		}
		if e.judge(&v, res) {
			return "", nil
		}
	}
}

// draw has the points that the iteration asks for, and more of them where there were too few.
func (e *gaussNewton) draw(r *run) error {
	d := e.d
	if e.p.Draw == nil {
		return nil
	}
	draw := 0
	if e.p.Every > 0 {
		draw = d.Iteration / e.p.Every
	}
	if e.draws == draw+1 {
		return nil
	}
	again := e.draws > 0
	if again || len(d.Drawn) == 0 { // else it is taken up
		d.Drawn = slices.Clone(d.X)
	}
	e.draws = draw + 1
	d.Times = max(1, d.Times)
	if err := e.p.Draw(r.ctx, draw, d.Times, d.Drawn); err != nil {
		return err
	}
	e.resize()
	if !again || 2*d.Times > e.p.MostTimes {
		return nil
	}
	fresh, err := e.p.evaluate(r, e.x, e.room, nil)
	if err != nil || fresh.Failed || fresh.Loss < doubled*e.value {
		return err
	}
	d.Times *= 2
	err = e.p.Draw(r.ctx, draw, d.Times, d.Drawn)
	e.resize()
	return err
}

// resize makes room for as many residuals as there are.
func (e *gaussNewton) resize() {
	if n := e.p.Loss.Rows(); n != len(e.r) {
		e.r, e.room, e.bent = make([]float64, n), make([]float64, n), nil
		e.jac = mat.NewDense(max(1, n), len(e.x), nil)
	}
}

// stuck says why no further trial is made.
func (e *gaussNewton) stuck(trials int) string {
	switch {
	case len(e.free) == 0:
		return "no coordinate is free"
	case floats.Norm(e.g, math.Inf(1)) == 0:
		return "the gradient is zero"
	case trials < mostTrials:
		return ""
	case e.failure.Reason != "":
		return "every shorter step fails: " + e.failure.String()
	}
	return "no step lowers the loss"
}

// negligible reports whether the model of the loss at x has nothing to gain: its minimum
// is below by less than a thousandth or what the limits say.
func (e *gaussNewton) negligible() bool {
	return floats.Norm(e.g, math.Inf(1)) == 0 || len(e.free) > 0 && e.gain() < max(1e-3, e.lim.Promised, e.lim.Flat*e.squares)
}

// gain is how far the minimum of the model is below the loss at x; infinite: nobody knows.
func (e *gaussNewton) gain() float64 {
	lambda, growth := e.d.Lambda, e.d.Growth
	defer func() { e.d.Lambda, e.d.Growth = lambda, growth }()
	e.d.Lambda = 1e-8
	switch {
	case e.propose():
		return e.fall
	case e.fall <= 0 && e.kinks != nil && kernel.Finite(e.q): // rounding: it is there
		return 0
	}
	return math.Inf(1)
}

func finiteNumber(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
