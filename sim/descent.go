package sim

import (
	"math"
	"slices"
)

// Descending are models whose motion may come to rest in finite time, as the level of a tank that
// runs dry, h' = −k√h: the slope of such a field is infinite there. RateVJP and RateJVP are the
// derivatives of a guard's rate, as GuardVJP and GuardJVP are those of the guard.
type Descending interface {
	Descends() bool
	RateVJP(t float64, y, d []float64, held []bool, guard int, ct float64, yBar, dBar []float64) (tBar float64)
	RateJVP(t, tDot float64, y, yDot, d, dDot []float64, held []bool, guard int) float64
}

// descent takes a run to where it comes to rest on the surface of a guard g, or crosses one on which the
// slope of the field is infinite. Steps in time come near that place by parts of the way only, and what
// they leave of |g| ~ (T − t)^p, as much as the tolerances, is a long time: its root. So the last stretch
// is taken in u = |g|^(1/p), which falls steadily: with σ from 0 to 1 along u = u₁(1 − σ),
//
//	dt/dσ = p u₁ |g|^((p−1)/p)/|ġ|,  dy/dσ = f dt/dσ,
//
// by methods that never look at the end, in parts that shrink towards it. At the end of each part the
// guard is what it is to be by u, and what falls with it is corrected. T and the state there are smooth
// functions of the start, with derivatives. It is the idea of M. Hénon, Physica D 5, 412–414, 1982: to
// integrate by what is known at the end.
type descent struct {
	descentKind
	guard    int
	fineness int
	parts    []partOfDescent
	lefts    []float64 // of u₁ behind each
	first    float64   // u₁
	values   guardValues

	t    float64 // where it comes to
	y    []float64
	flow []float64 // room
	at   []float64 // room
}

// descentKind is what a descent goes by, held fixed in derivatives.
type descentKind struct {
	power   float64 // p
	left    float64 // the part of u₁ that it ends at: 0 on the surface, more on the way there
	crosses bool    // it does not rest there, but is to be just beyond, where slopes are finite
	bare    bool    // the guard is a state, which round-off leaves digits however small it is
}

// partOfDescent is one of its steps.
type partOfDescent struct {
	length float64 // how far σ goes
	method *descentMethod
	stages []stageOfDescent

	t    float64   // its end, before the correction
	y    []float64 // there
	goal float64   // what the guard is to be there
	off  float64   // by how much it is more
	drop []float64 // the state by the guard, of what falls with it
}

// stageOfDescent is where a descent looked at the field, and what it found.
type stageOfDescent struct {
	t       float64
	y, f    []float64
	g, rate float64
	pace    float64 // by how much the time grows in the part, as it was here
}

// A descentMethod is an explicit method of Runge and Kutta none of whose stages is at the end of a
// step: by how much of their own pace the stages before lead to each, and what each weighs.
type descentMethod struct {
	from   [][]float64
	weight []float64
}

// A tie is a guard that comes to rest at the instant at which another has, and what leads it there from
// where the descent of that one starts.
type tie struct {
	guard, fineness int
	descentKind
}

// fallOfTape is what a descent of the tape goes by, and the ties at its end.
type fallOfTape struct {
	descentKind
	ties, behind int
}

// midpoints is of order six: the explicit midpoint rule in two, four and six steps, extrapolated to
// steps of no length: Hairer, Nørsett, Wanner, Solving Ordinary Differential Equations I, II.9.
var midpoints = extrapolated([]int{2, 4, 6}, []float64{1. / 24, -16. / 15, 81. / 40})

// toTheEnd is the method of second order for the last part, whose end the field does not reach smoothly.
// Where the digits of the guard allow it, it is exact for ln u too, which derivatives by an exponent are: it looks
// where θ is left of u, with 1 − θ = −½ ln θ, and comes there by way of half of the guard. Else it
// looks at that half alone.
func (c *descentKind) toTheEnd() *descentMethod {
	const left = 0.2031878699799799 // θ
	p := c.power
	if c.left > 0 || !c.bare { // round-off, or what is left behind it, would take it beyond
		return &descentMethod{from: [][]float64{{}, {1 / (2 * p)}}, weight: []float64{1 - p, p}}
	}
	slower := math.Pow(0.5, (p-1)/p) // the pace at half of the guard, by that at its start
	second := (1 - left - (1-math.Pow(left, p))/p) / (1 - slower)
	w := 1 / (2 * (1 - left))
	return &descentMethod{from: [][]float64{{}, {1 / (2 * p)}, {1 - left - second, second}}, weight: []float64{1 - w, 0, w}}
}

// extrapolated are midpoint rules of so many steps, weighted. They share their first stage.
func extrapolated(steps []int, weights []float64) descentMethod {
	m := descentMethod{from: [][]float64{{}}, weight: []float64{0}}
	for k, n := range steps {
		first := len(m.from) - 1 // the stage of step i is first + i
		for i := 1; i < n; i++ {
			from := make([]float64, len(m.from))
			if i%2 == 1 {
				from[0] = 1 / float64(n)
			}
			for j := i - 1; j > 0; j -= 2 {
				from[first+j] = 2 / float64(n)
			}
			w := 0.
			if i%2 == 1 {
				w = weights[k] * 2 / float64(n)
			}
			m.from, m.weight = append(m.from, from), append(m.weight, w)
		}
	}
	return m
}

// finest bounds how finely a descent is divided.
const finest = 4

// lastPart is where the last part begins, of u₁: as early as its rule of second order needs, and earlier, since
// what is not smooth by u, as a derivative by an exponent, is lost in it; but not where a guard that is
// a difference would be next to nothing but round-off.
func lastPart(power, fineness float64) float64 {
	const most, least, guard, roundOff = 1. / 250, 1e-7, 1e-9, 3e-5
	coarse := most / math.Pow(fineness, 3)
	if power <= 1 {
		return least
	}
	floor := math.Min(math.Pow(roundOff, 1/(power-1)), coarse)
	return math.Max(least, math.Max(floor, math.Min(coarse, math.Pow(guard, 1/power))))
}

// divide sets what is left of u₁ behind each part: in each it falls by so much of itself that no stage of
// the midpoint rules comes near zero, or by less, for more fineness, and in the last part to the end.
func (c *descent) divide(fineness int) {
	falls := math.Log1p(-0.75 / (math.Max(c.power, 1) * float64(fineness)))
	end := math.Max(c.left, lastPart(c.power, float64(fineness)))
	n := int(math.Ceil(math.Log(end) / falls))
	c.lefts = c.lefts[:0]
	for k := 1; k <= n; k++ {
		c.lefts = append(c.lefts, math.Pow(end, float64(k)/float64(n)))
	}
	if end > c.left {
		c.lefts = append(c.lefts, c.left)
	}
}

// take takes the descent from a start, and reports whether it comes to its end. What does not lead there may be no
// number then.
func (c *descent) take(s *run, t float64, y []float64, fineness int) bool {
	if c.values.g == nil {
		c.values = newGuardValues(s.size.Guards)
	}
	c.t, c.y = t, append(c.y[:0], y...)
	c.fineness = fineness
	c.divide(fineness)
	n := len(c.lefts)
	c.parts = slices.Grow(c.parts[:0], n)[:n]
	from := 1.
	for k, left := range c.lefts {
		x := &c.parts[k]
		x.length, x.method = from-left, &midpoints
		if from = left; k == n-1 && left < x.length {
			x.method = c.toTheEnd()
		}
		x.stages = slices.Grow(x.stages[:0], len(x.method.from))[:len(x.method.from)]
		for i := range x.stages {
			if !c.look(s, k, i) {
				return false
			}
		}
		first := &c.parts[0].stages[0]
		for i, w := range x.method.weight {
			c.t += w * x.stages[i].pace
			axpy(c.y, w*x.stages[i].pace, x.stages[i].f)
		}
		x.t, x.y = c.t, append(x.y[:0], c.y...)
		if x.goal = first.g * math.Pow(left, c.power); left == 0 && c.crosses {
			x.goal = -beyond * first.g
		}
		a, b := &x.stages[0], x.last()
		x.drop = resize(x.drop, len(y))
		for l := range x.drop {
			x.drop[l] = (a.f[l] - b.f[l]) / (a.rate - b.rate)
		}
		s.model.Guards(c.t, c.y, s.d, s.held, c.values.g, c.values.rate, nil)
		x.off = c.values.g[c.guard] - x.goal
		axpy(c.y, -x.off, x.drop)
	}
	return c.t < math.Inf(1)
}

// look takes a stage of a part, and reports whether the guard falls there.
func (c *descent) look(s *run, part, stage int) bool {
	x := &c.parts[part].stages[stage]
	x.t, x.y, x.f = c.t, append(x.y[:0], c.y...), resize(x.f, len(c.y))
	for i, w := range c.parts[part].method.from[stage] {
		before := &c.parts[part].stages[i]
		x.t += w * before.pace
		axpy(x.y, w*before.pace, before.f)
	}
	s.rhs(x.t, x.y, x.f)
	s.model.Guards(x.t, x.y, s.d, s.held, c.values.g, c.values.rate, nil)
	x.g, x.rate = c.values.g[c.guard], c.values.rate[c.guard]
	if part == 0 && stage == 0 {
		c.first = math.Pow(math.Abs(x.g), 1/c.power)
	}
	x.pace = c.power * c.first * math.Pow(math.Abs(x.g), (c.power-1)/c.power) / math.Abs(x.rate) * c.parts[part].length
	first := &c.parts[0].stages[0]
	return x.g*first.g > 0 && x.rate*first.rate > 0 && x.pace < math.Inf(1)
}

// follow takes the descent of a tie and does something with it. What is no number at its end has run beyond the surface of
// another, and does not lead there: it is held.
func (c *descent) follow(s *run, x tie, t float64, y []float64, do func()) {
	c.guard, c.descentKind = x.guard, x.descentKind
	c.take(s, t, y, x.fineness)
	if finite(c.y) {
		do()
		return
	}
	held := slices.Clone(s.held)
	for l, v := range c.y {
		s.held[l] = s.held[l] || !(math.Abs(v) < math.Inf(1))
	}
	c.take(s, t, y, x.fineness)
	do()
	copy(s.held, held)
}

// lay puts the end of a descent onto the surfaces of all guards that are tied.
func (c *descent) lay(s *run, tied []tie) {
	for i, way := range c.waysOnto(s, tied) {
		if way != nil {
			s.model.Guards(c.t, c.y, s.d, s.held, c.values.g, c.values.rate, nil)
			axpy(c.y, -c.values.g[tied[i].guard], way)
		}
	}
}

// waysOnto are the ways onto the surfaces of tied guards from the end of a descent, by how much the state is to
// change for each unit of the guard, nil where no more is to be done: each leaves the guards of those before as they are.
func (c *descent) waysOnto(s *run, tied []tie) [][]float64 {
	slopes, ways, flow := make([][]float64, len(tied)), make([][]float64, len(tied)), make([]float64, len(c.y))
	values := newGuardValues(s.size.Guards)
	for i := range slopes {
		slopes[i] = make([]float64, len(c.y))
	}
	s.model.GuardsAlong(c.t, c.y, s.d, flow, values.g, values.accel)
	for l := range flow {
		flow[l] = 1
		s.model.GuardsAlong(c.t, c.y, s.d, flow, values.g, values.rate)
		for i, x := range tied {
			slopes[i][l] = values.rate[x.guard] - values.accel[x.guard]
		}
		flow[l] = 0
	}
	for i, slope := range slopes {
		way := slices.Clone(slope)
		for k, before := range ways[:i] {
			if before != nil {
				axpy(way, -dot(slopes[k], way)/dot(slopes[k], before), before)
			}
		}
		if size := dot(way, slope); size > 1e-12*dot(slope, slope) {
			for l := range way {
				way[l] /= size
			}
			ways[i] = way
		}
	}
	return ways
}

// last is where the descent looked last.
func (c *descent) last() *stageOfDescent { return c.parts[len(c.parts)-1].last() }

func (p *partOfDescent) last() *stageOfDescent { return &p.stages[len(p.stages)-1] }

func axpy(y []float64, a float64, x []float64) {
	if a == 0 {
		return
	}
	for i, v := range x {
		y[i] += a * v
	}
}
