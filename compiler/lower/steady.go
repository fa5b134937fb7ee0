package lower

import (
	"math"
	"slices"

	"github.com/pinode/pinode/autodiff"
	"github.com/pinode/pinode/compiler/check"
	"github.com/pinode/pinode/compiler/ir"
	"github.com/pinode/pinode/compiler/linear"
	"github.com/pinode/pinode/dsl"
)

// The steady state from which a run starts. The jump of an event of its own takes a
// linearly implicit Euler step of length 1/s, s its argument, of the motion at fixed
// time: with s falling to 0 the steps go from following the motion over to Newton's
// method (C.T. Kelley, D.E. Keyes, SIAM J. Numer. Anal. 35, 508–523, 1998). Totals that
// the motion conserves stand in the place of rates that follow from others.

// rest is the system of equations of a steady state: rates of the states, constraints of
// the algebraic unknowns, and totals; by unknowns at the places of Y.
type rest struct {
	states []*check.State // by place
	values []*ir.Node     // to be zero
	moving []bool         // the value is a rate
	totals [][]float64    // by place: weights of a total in the place of the rate; nil: none
	given  constraints    // of the algebraic unknowns
}

// steadies lowers the way to a steady state.
type steadies struct {
	*expressions
	algebra *algebra
}

// steady adds the event that leads to the steady state.
func (l *steadies) steady() {
	l.resting = map[check.Object]*ir.Node{}
	for i, o := range l.m.Steady.Objects {
		l.resting[o] = l.value(l.m.Steady.Values[i], o.Info().Shape)
	}
	was := l.reading
	l.located, l.atRest = false, true
	r, ok := l.rest()
	l.reading = was
	if !ok {
		return
	}
	step := l.towardsRest(r)
	if step == nil {
		return
	}
	e := Event{Likelihood: -1, Threshold: -1, Checked: &check.Event{Obj: check.Obj{Name: "steady", Span: l.m.Steady.Span}, Kind: dsl.TriggerAt}}
	for k := range step {
		step[k] = l.b.Add(l.b.Elem(l.out.In.Y, k), step[k])
		e.Targets, e.Adds = append(e.Targets, k), append(e.Adds, false)
	}
	e.Jump = l.b.Concat(step...)
	l.out.Events = append(l.out.Events, e)
	l.out.Steady = len(l.out.Events)
	l.aroundRest(&r)
}

// aroundRest adds an event whose jump is how the rates change in a direction, its
// arguments: for the states that others leave free, the rest of the direction being
// such that totals and constraints hold. So the eigenvalues of what it applies say
// whether the motion comes to the state of rest or leaves it.
func (l *steadies) aroundRest(r *rest) {
	e := Event{Likelihood: -1, Threshold: -1, Checked: &check.Event{Obj: check.Obj{Name: "around", Span: l.m.Steady.Span}, Kind: dsl.TriggerAt}}
	b, y := l.b, l.out.In.Y
	zero := b.Const(0)
	to := slices.Repeat([]*ir.Node{zero}, l.out.Layout.NY)
	for k, moves := range r.moving {
		if moves && r.totals[k] == nil {
			to[k] = b.Elem(l.out.In.A, len(e.Targets))
			e.Targets, e.Adds = append(e.Targets, k), append(e.Adds, false)
		}
	}
	if len(e.Targets) == 0 {
		e.Targets, e.Adds = []int{0}, []bool{false}
	}
	for k, w := range r.totals {
		for j, x := range w {
			if x != 0 && j != k {
				to[k] = b.Sub(to[k], b.Mul(b.Const(x/w[k]), to[j]))
			}
		}
	}
	if c := &r.given; len(c.values) > 0 {
		moved := autodiff.JVP(b, []*ir.Node{b.Concat(c.values...)}, []*ir.Node{y}, []*ir.Node{b.Concat(to...)})[0]
		right := make([]*ir.Node, len(c.values))
		for i := range right {
			right[i] = b.Neg(b.Elem(moved, i))
		}
		for i, v := range linear.Solve(b, l.algebra.slopes(c), right) {
			to[c.unknowns[i].at] = v
		}
	}
	by := autodiff.JVP(b, []*ir.Node{b.Concat(r.values...)}, []*ir.Node{y}, []*ir.Node{b.Concat(to...)})[0]
	var out []*ir.Node
	for _, k := range e.Targets {
		out = append(out, b.Elem(by, k))
	}
	e.Jump = b.Concat(out...)
	l.out.Events = append(l.out.Events, e)
}

// rest lowers the equations of the steady state.
func (l *steadies) rest() (r rest, ok bool) {
	var c constraints
	if len(l.m.Constraints) > 0 {
		if c, ok = l.algebra.constraints(); !ok {
			return r, false // reported with the rates
		}
		r.given = c
	}
	for _, s := range l.m.States {
		var rate *ir.Node
		if !s.Algebraic {
			rate = l.value(s.Deriv, s.Shape)
			if l.dependsOn(rate, l.out.In.T) {
				l.errTimedSteady(s)
				return r, false
			}
		}
		for k := range s.Shape.Size() {
			r.states, r.moving = append(r.states, s), append(r.moving, !s.Algebraic)
			if s.Algebraic {
				r.values, c.values = append(r.values, c.values[0]), c.values[1:]
			} else {
				r.values = append(r.values, l.element(rate, k))
			}
		}
	}
	r.totals = make([][]float64, len(r.values))
	for _, w := range conserved(l.b, &r) {
		for k, x := range w {
			if x != 0 && r.totals[k] == nil { // its rate is minus those of others
				r.totals[k] = w
				break
			}
		}
	}
	return r, true
}

// towardsRest is the step; nil where nothing determines some state.
func (l *steadies) towardsRest(r rest) []*ir.Node {
	n := len(r.values)
	y := l.out.In.Y
	f := l.b.Concat(r.values...)
	reads := autodiff.Sparsity(f, y)
	owner, loose := match(n, func(equation, k int) bool {
		if w := r.totals[equation]; w != nil {
			return w[k] != 0
		}
		return slices.Contains(reads[equation], k)
	})
	if loose >= 0 {
		l.errNoSteady(r.states[loose])
		return nil
	}
	rows, right := make([][]*ir.Node, n), make([]*ir.Node, n)
	for i := range rows {
		rows[i], right[i] = make([]*ir.Node, n), r.values[i]
	}
	inverse := l.b.Elem(l.out.In.A, 0) // 1 over the length of the step
	for j := range n {
		unit := make([]float64, l.out.Layout.NY)
		unit[j] = 1
		by := autodiff.JVP(l.b, []*ir.Node{f}, []*ir.Node{y}, []*ir.Node{l.b.ConstOf(ir.Vec(len(unit)), unit)})[0]
		for i := range n {
			rows[i][j] = l.b.Neg(l.b.Elem(by, i))
			if i == j && r.moving[i] {
				rows[i][j] = l.b.Add(rows[i][j], inverse)
			}
		}
	}
	for i, w := range r.totals {
		if w != nil {
			rows[i], right[i] = l.total(w)
		}
	}
	a, b := make([][]*ir.Node, n), make([]*ir.Node, n)
	for k, i := range owner {
		a[k], b[k] = rows[i], right[i]
	}
	step := linear.Solve(l.b, a, b)
	if step == nil {
		l.errNoSteady(r.states[0])
	}
	return step
}

// total is the equation that a step restores a total to what the initial values give it.
func (l *steadies) total(w []float64) (row []*ir.Node, right *ir.Node) {
	right = l.b.Const(0)
	for k, x := range w {
		row = append(row, l.b.Const(x))
		if x != 0 {
			off := l.b.Sub(l.b.Elem(l.out.InitY, k), l.b.Elem(l.out.In.Y, k))
			right = l.b.Add(right, l.b.Mul(l.b.Const(x), off))
		}
	}
	return row, right
}

// conserved are weights of sums of states whose rates add up to zero whatever they are,
// by how the rates are sums of the same terms: the left null space of the matrix of the
// terms' coefficients, in a form in which each has a first state of its own.
func conserved(b *ir.Builder, r *rest) (laws [][]float64) {
	n := len(r.values)
	terms := map[*ir.Node]int{}
	var rows [][]float64 // of the states: coefficients of terms, then a unit matrix
	for k, v := range r.values {
		sum := map[*ir.Node]float64{}
		if r.moving[k] {
			addTerms(b, sum, v, 1)
		} else {
			sum[v] = 1 // no rate
		}
		row := map[int]float64{}
		for t, x := range sum {
			if _, known := terms[t]; !known {
				terms[t] = len(terms)
			}
			row[terms[t]] = x
		}
		dense := make([]float64, 0, len(terms))
		for i := range len(terms) {
			dense = append(dense, row[i])
		}
		rows = append(rows, dense)
	}
	m := len(terms)
	for k := range rows {
		rows[k] = append(rows[k], make([]float64, m+n-len(rows[k]))...)
		rows[k][m+k] = 1
	}
	rank := eliminate(rows, m)
	laws = rows[rank:]
	for i := range laws {
		laws[i] = laws[i][m:]
	}
	eliminate(laws, n)
	return laws
}

// addTerms adds f·x to a sum of terms with constant coefficients.
func addTerms(b *ir.Builder, sum map[*ir.Node]float64, x *ir.Node, f float64) {
	switch x.Op {
	case ir.OpAdd:
		addTerms(b, sum, x.Args[0], f)
		addTerms(b, sum, x.Args[1], f)
		return
	case ir.OpSub:
		addTerms(b, sum, x.Args[0], f)
		addTerms(b, sum, x.Args[1], -f)
		return
	}
	c, core := factor(b, x)
	switch {
	case c == 0 || core == nil && c*f == 0:
	case core == nil:
		sum[b.Const(1)] += c * f
	case core != x && (core.Op == ir.OpAdd || core.Op == ir.OpSub):
		addTerms(b, sum, core, c*f)
	default:
		sum[core] += c * f
	}
}

// factor takes signs and constants out of a product, however it is written; core is nil
// for a constant.
func factor(b *ir.Builder, x *ir.Node) (c float64, core *ir.Node) {
	switch {
	case x.Shape != ir.Scalar:
		return 1, x
	case x.Op == ir.OpConst:
		return x.Values[0], nil
	case x.Op == ir.OpNeg:
		c, core = factor(b, x.Args[0])
		return -c, core
	case x.Op != ir.OpMul && x.Op != ir.OpDiv:
		return 1, x
	}
	c, core = factor(b, x.Args[0])
	d, other := factor(b, x.Args[1])
	switch {
	case x.Op == ir.OpMul && other == nil:
		return c * d, core
	case x.Op == ir.OpMul && core == nil:
		return c * d, other
	case x.Op == ir.OpMul:
		return c * d, b.Mul(core, other)
	case d == 0:
		return 1, x
	case other == nil:
		return c / d, core
	case core == nil:
		core = b.Const(1)
	}
	return c / d, b.Div(core, other)
}

// eliminate brings rows to reduced echelon form in their first columns, and returns how
// many of them have one that is not zero there: the first ones.
func eliminate(rows [][]float64, columns int) (rank int) {
	for j := range columns {
		best := -1
		for i := rank; i < len(rows); i++ {
			if math.Abs(rows[i][j]) > 1e-9 && (best < 0 || math.Abs(rows[i][j]) > math.Abs(rows[best][j])) {
				best = i
			}
		}
		if best < 0 {
			for i := rank; i < len(rows); i++ {
				rows[i][j] = 0
			}
			continue
		}
		rows[rank], rows[best] = rows[best], rows[rank]
		p := rows[rank]
		for k, f := j, p[j]; k < len(p); k++ {
			p[k] /= f
		}
		for i, r := range rows {
			if f := r[j]; i != rank && f != 0 {
				for k := j; k < len(r); k++ {
					r[k] -= f * p[k]
				}
				r[j] = 0
			}
		}
		rank++
	}
	return rank
}
