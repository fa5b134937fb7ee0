package sim

import (
	"math"

	"github.com/pinode/pinode/internal/sparse"
	"github.com/pinode/pinode/solvers"
)

// continuous is a backward sweep with the adjoint differential equation
// instead of the derivative of the steps:
//
//	λ' = −f_yᵀ λ,  p̄' = −f_pᵀ λ,
//
// integrated backwards between the instants with error control of its own.
// At the instants it does what the discrete sweep does, with the flow in the
// place of the step. The state along the way is the dense output of the
// stored steps, or, for backsolve, integrated backwards along with λ from the
// end of each step: from farther on what decays in the motion would grow without bound.
type continuous struct {
	*reverse
	how      stateOf
	steppers map[*solvers.Tableau]stepperOf
	stepperOf
	cur      *entry
	x        []float64 // [y] λ, d̄
	yAt      []float64
	byY, byD []float64 // room: what a derivative adds
	ct       []float64
	field    []float64
	big      float64 // see tolerances

	transposes map[*sparse.Pattern]*transpose

	// Of backsolve: what tries the way back, and what takes the steps over which there is none.
	back  map[*solvers.Tableau]stepperOf
	stiff *continuous
}

// transpose is the matrix of the adjoint equation.
type transpose struct {
	*sparse.Pattern
	from           []int32 // of each of its values, where that of the Jacobian is
	values, byTime []float64
}

// stateOf is where the adjoint equation has the state from.
type stateOf int

const (
	adjoint   stateOf = iota // the dense output of the steps
	backsolve                // the state is integrated backwards too
)

// Adjoint is like Backward with the continuous adjoint along the stored dense
// solution; its error is that of the tolerances, not of round-off.
func (s *Integrator) Adjoint(m Reverse, ct *Cotangents) (t0Bar float64) {
	return s.sweep(adjoint, m, ct)
}

// Backsolve is like Adjoint, but integrates the state backwards too instead
// of reading it off the stored steps.
func (s *Integrator) Backsolve(m Reverse, ct *Cotangents) (t0Bar float64) {
	return s.sweep(backsolve, m, ct)
}

func (s *Integrator) sweep(how stateOf, m Reverse, ct *Cotangents) float64 {
	c := s.cont[how]
	if c == nil {
		c = newContinuous(s.reverse(), how)
		s.cont[how] = c
	}
	c.begin(m, ct)
	if c.big = 0; c.stiff != nil {
		c.stiff.big = 0
	}
	for c.reverse.back() {
		if c.e.kind == stepEntry {
			c.stepBack(c.e)
		} else {
			c.other(c.e)
		}
	}
	return c.finish()
}

func newContinuous(r *reverse, how stateOf) *continuous {
	y := r.size.Y
	c := &continuous{
		reverse: r, how: how, steppers: map[*solvers.Tableau]stepperOf{},
		x: make([]float64, y+r.size.D), yAt: make([]float64, y),
		byY: make([]float64, y), byD: make([]float64, r.size.D), ct: make([]float64, y), field: make([]float64, y),
		transposes: map[*sparse.Pattern]*transpose{},
	}
	if how == backsolve {
		c.x = make([]float64, len(c.x)+y)
		c.back, c.stiff = map[*solvers.Tableau]stepperOf{}, newContinuous(r, adjoint)
	}
	return c
}

// adjointMethod is the method by which the adjoint equation is integrated along the
// steps of another. It is as stiff as the equation of motion, and must not look
// beyond its steps, where inputs may jump.
func adjointMethod(method *solvers.Tableau) *solvers.Tableau {
	switch {
	case !method.Adaptive():
		return solvers.Tsit5
	case method.Family != solvers.Explicit:
		return solvers.Radau
	}
	return method
}

// stepBack goes back over one stored step.
func (c *continuous) stepBack(e *entry) {
	s := c.history
	y1 := c.endState(e)
	f1 := s.stepper.EndRate()
	hBar := dot(c.bar.y, f1) + c.bar.t // of the end's time, which moves along the flow
	switch e.end {
	case endFree:
	case endFixed:
		hBar = 0
	case endRoot:
		// dτ = −(g_y dy + g_p dp + g_t dt)/ġ at the end of the flow.
		clear(c.byY)
		clear(c.byD)
		gt := c.m.GuardVJP(e.t+e.h, y1, s.d, e.ref, 1, c.byY, c.byD, WithoutParams)
		mu := -hBar / (gt + dot(c.byY, f1))
		c.m.GuardVJP(e.t+e.h, y1, s.d, e.ref, mu, c.bar.y, c.bar.d, WithParams)
	default:
		c.scheduleBack(e, hBar)
	}
	c.bar.t = 0
	if e.h > 0 {
		c.integrate(e, y1)
	}
	if c.starts() {
		// A later start by δt leaves out f δt of the flow.
		y0, _ := s.tape.at(e.state, s.size.Y, s.size.D)
		s.rhs(e.t, y0, c.field)
		c.bar.t = -dot(c.bar.y, c.field)
	}
}

// starts reports whether a smooth piece of the run starts with the current step.
func (c *continuous) starts() bool {
	if len(c.before) > 0 || c.at == 0 {
		return len(c.before) == 0
	}
	before := &c.history.tape.entries[c.at-1]
	return before.kind != segmentEntry && before.kind != laneEntry && (before.kind != stepEntry || before.end != endFree)
}

// endState puts the step into the stepper, for its dense output, and returns its end.
func (c *continuous) endState(e *entry) (y1 []float64) {
	c.history.replay(e)
	c.history.behind()
	return c.stepper.End()
}

// integrate takes λ from the end of the step to its start, past the saves in
// it.
func (c *continuous) integrate(e *entry, y1 []float64) {
	s := c.history
	c.cur = e
	method := adjointMethod(c.method)
	if c.stiff != nil && !c.retraces(e, y1, method) {
		c.stiff.integrate(e, y1)
		return
	}
	if _, ok := c.steppers[method]; !ok {
		c.steppers[method] = newStepperOf(method, len(c.x))
	}
	c.stepperOf = c.steppers[method]
	off := 0
	if c.how == backsolve {
		off = s.size.Y
		copy(c.x, y1)
	}
	copy(c.x[off:], c.bar.y)
	copy(c.x[off+s.size.Y:], c.bar.d)
	t := e.t + e.h
	for i := e.hi - 1; i >= e.lo; i-- {
		c.along(t, s.span.Saves[i])
		t = s.span.Saves[i]
		addTo(c.x[off:off+s.size.Y], c.reverse.ct.Y.At(i))
		addTo(c.x[off+s.size.Y:], c.reverse.ct.D.At(i))
		if !s.saves.separate[i] {
			addTo(c.x[off:off+s.size.Y], c.reverse.ct.BeforeY.At(i))
			addTo(c.x[off+s.size.Y:], c.reverse.ct.BeforeD.At(i))
		}
	}
	start := e.t
	if c.at > 0 && s.tape.entries[c.at-1].kind == steepEntry { // at its very start λ may have no finite rate
		start += math.Max(1e-12*e.h, 4*ulp(e.t))
	}
	c.along(t, start)
	copy(c.bar.y, c.x[off:])
	copy(c.bar.d, c.x[off+s.size.Y:])
}

// mostLost is how many times the tolerances the state that is integrated backwards may be off
// where a step starts, and mostRetraced in how many steps it has to get there.
const (
	mostLost     = 100
	mostRetraced = 200
)

// retraces reports whether the state can be integrated backwards over a step: not where it falls in it
// by many powers of ten, as in long implicit steps, or the field ends at its start.
func (c *continuous) retraces(e *entry, y1 []float64, method *solvers.Tableau) bool {
	if method.Family != solvers.Explicit {
		return false
	}
	s := c.history
	if _, ok := c.back[method]; !ok {
		c.back[method] = newStepperOf(method, s.size.Y)
	}
	r := c.back[method]
	_, there := r.flow(wayBack{c}, e.t+e.h, e.t, y1, patience{mostRetraced, mostRetraced})
	return there && !c.lost(e, r.step.End())
}

// wayBack is the equation of motion for who tries whether it can be integrated backwards.
type wayBack struct{ c *continuous }

// RHS is the field of the motion.
func (w wayBack) RHS(t float64, y, dy []float64) { w.c.history.rhs(t, y, dy) }

func (w wayBack) tolerances() (rtol, atol float64) {
	return w.c.opt.RTol, 1e-3 * w.c.opt.leastATol()
}

func (w wayBack) stepped(float64) {}

// lost reports whether a state that is integrated backwards to the start of a step has left the motion.
func (c *continuous) lost(e *entry, y []float64) bool {
	s := c.history
	y0, _ := s.tape.at(e.state, s.size.Y, s.size.D)
	for l, v := range y0[:s.size.YError] {
		scale := math.Max(math.Abs(v), math.Abs(s.stepper.End()[l]))
		if !(math.Abs(y[l]-v) <= mostLost*(s.opt.RTol*scale+s.opt.atol(l))) {
			return true
		}
	}
	return false
}

// noDerivative marks the derivatives by parameters, which the state may not come to.
func (c *continuous) noDerivative(t float64) {
	poison(c.ct)
	c.addVJP(t, c.stepper.End(), WithParams)
}

// poison marks what has no value.
func poison(v []float64) {
	for i := range v {
		v[i] = math.NaN()
	}
}

// along integrates x backwards from t to end. Where that cannot be done, it is not a number from there on.
func (c *continuous) along(t, end float64) {
	if t <= end {
		return
	}
	at, there := c.flow(c, t, end, c.x, alongside)
	if !there {
		poison(c.x)
		c.noDerivative(at)
		return
	}
	copy(c.x, c.step.End())
}

// tolerances are those of λ and its integrals, which are measured against the largest of them;
// where equations are solved, against the largest so far, or they are solved for what is
// nothing but round-off.
func (c *continuous) tolerances() (rtol, atol float64) {
	if c.step.Tableau().Family == solvers.Explicit {
		c.big = 0
	}
	for _, v := range c.step.Y[0] {
		c.big = math.Max(c.big, math.Abs(v))
	}
	rtol = c.opt.RTol
	atol = math.Max(1e-3*rtol*c.big, 1e-300)
	if c.how == backsolve { // of the state, which may be nothing but round-off
		atol = math.Max(atol, 1e-3*c.opt.leastATol())
	}
	return rtol, atol
}

// state returns y at time t, from x or from the dense output.
func (c *continuous) state(t float64, x []float64) []float64 {
	if c.how == backsolve {
		return x[:c.size.Y]
	}
	c.stepper.Dense((t-c.cur.t)/c.cur.h, c.yAt)
	return c.yAt
}

// RHS is the field of the adjoint equation.
func (c *continuous) RHS(t float64, x, dx []float64) {
	s := c.history
	y := c.state(t, x)
	off := 0
	if c.how == backsolve {
		s.rhs(t, y, dx[:s.size.Y])
		off = s.size.Y
	}
	clear(c.byY)
	clear(c.byD)
	copy(c.ct, x[off:])
	c.addVJP(t, y, WithoutParams)
	for i, v := range c.byY {
		dx[off+i] = -v
	}
	for i, v := range c.byD {
		dx[off+s.size.Y+i] = -v
	}
}

// Pattern is that of the derivative of the field of the adjoint equation by λ, −Jᵀ. The
// integrals for discrete variables have none of their own: their rows are left out, which
// costs Newton's method an iteration.
func (c *continuous) Pattern() *sparse.Pattern { return c.transposed().Pattern }

func (c *continuous) transposed() *transpose {
	p := c.run.Pattern()
	x := c.transposes[p]
	if x == nil {
		q, from := p.Transpose()
		for range c.size.D {
			q.Start = append(q.Start, int32(len(q.Col)))
		}
		x = &transpose{q, from, make([]float64, p.Nonzeros()), make([]float64, p.N())}
		c.transposes[p] = x
	}
	return x
}

// Jacobian sets the values of −Jᵀ. What the derivative by time is nobody asks.
func (c *continuous) Jacobian(t float64, x, values, _ []float64) {
	w := c.transposed()
	c.run.Jacobian(t, c.state(t, x), w.values, w.byTime)
	for k, from := range w.from {
		values[k] = -w.values[from]
	}
}

// addVJP adds ctᵀ∂f to byY and byD.
func (c *continuous) addVJP(t float64, y []float64, params Params) {
	for i, h := range c.held {
		if h {
			c.ct[i] = 0
		}
	}
	c.m.RHSVJP(t, y, c.history.d, c.ct, c.byY, c.byD, params)
}

// stepped adds the step's share of ∫ λᵀ f_p dt to the parameters' accumulator, with
// the weights of the method.
func (c *continuous) stepped(h float64) {
	s := c.history
	tab := c.step.Tableau()
	off := 0
	if c.how == backsolve {
		off = s.size.Y
	}
	for i, b := range tab.B {
		if b == 0 {
			continue
		}
		t := c.step.T - tab.C[i]*h
		x := c.step.Y[i]
		for l := range c.ct {
			c.ct[l] = h * b * x[off+l]
		}
		c.addVJP(t, c.state(t, x), WithParams)
	}
}
