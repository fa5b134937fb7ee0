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
// slope of the field is infinite. Steps in time come
// near that place by parts of the way only, and what they leave of |g| ~ (T − t)^p, as much as the
// tolerances, is a long time: its root. So the last stretch is taken in u = |g|^(1/p), which falls
// steadily: with σ from 0 to 1 along u = u₁(1 − σ),
//
//	dt/dσ = p u₁ |g|^((p−1)/p)/|ġ|,  dy/dσ = f dt/dσ,
//
// by methods that never look at the end, in parts that shrink towards it. At the
// end of each part the guard is what it is to be by u, and what falls with it is corrected.
// T and the state there are smooth functions of the start, with derivatives.
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

// midpoints is of order six: the explicit midpoint rule in two, four and six steps, extrapolated to
// steps of no length: Hairer, Nørsett, Wanner, Solving Ordinary Differential Equations I, II.9.
var midpoints = extrapolated([]int{2, 4, 6}, []float64{1. / 24, -16. / 15, 81. / 40})

// toTheEnd is the method of second order for the last part, whose end the field does not reach
// smoothly: it looks where half of the guard is left.
func toTheEnd(power float64) *descentMethod {
	return &descentMethod{from: [][]float64{{}, {1 / (2 * power)}}, weight: []float64{1 - power, power}}
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

// divide sets what is left of u₁ behind each part: in each it falls by so much of itself that no stage of
// the midpoint rules comes near zero, or by less, for more fineness, and in the last part to the end.
func (c *descent) divide(fineness int) {
	falls := math.Log1p(-0.75 / (c.power * float64(fineness)))
	end := math.Max(c.left, 1/(250*math.Pow(float64(fineness), 3)))
	n := int(math.Ceil(math.Log(end) / falls))
	c.lefts = c.lefts[:0]
	for k := 1; k <= n; k++ {
		c.lefts = append(c.lefts, math.Pow(end, float64(k)/float64(n)))
	}
	if end > c.left {
		c.lefts = append(c.lefts, c.left)
	}
}

// take takes the descent from a start, and reports whether it comes to its end.
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
			x.method = toTheEnd(c.power)
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
	return finite(c.y) && c.t < math.Inf(1)
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

// descents finds them, and takes them.
type descents struct {
	*search
	hist        *history
	rough, fine descent
	values      guardValues
	waits       []float64 // of each guard: until then it is too far away to be sure
}

func newDescents(s *search, hist *history) *descents {
	return &descents{search: s, hist: hist, values: newGuardValues(s.size.Guards), waits: make([]float64, s.size.Guards)}
}

// anew forgets what was too far away in the smooth piece of the run before.
func (s *descents) anew() {
	for i := range s.waits {
		s.waits[i] = math.Inf(-1)
	}
}

// verdict is what there is to say of a descent.
type verdict uint8

const (
	noDescent verdict = iota
	there             // it comes to rest
	later             // it may, seen from nearer
)

// Bounds on how the rate falls beside the guard, (p − 1)/p: below them it is crossed, above them
// it is not come to in finite time. And on the exponent of a term with an infinite slope, h^a.
const (
	leastFall, mostFall         = 0.05, 0.95
	leastExponent, mostExponent = 0.05, 0.9
)

// descend looks for a guard that comes to rest on its surface soon, beside the step of length h that
// has been tried, and takes the fine descent there. Where it may do so in the step, next is the length of
// the step to take before.
func (s *descents) descend(h float64) (guard int, found verdict, next float64) {
	if !s.descends() || s.slides(s.d) {
		return -1, noDescent, 0
	}
	s.use()
	now := &s.values
	for i, side := range s.det.Side[:s.own()] {
		if !s.det.Watch[i] || side == 0 || s.hy.Flags[i] || s.rests.near(i) {
			continue
		}
		s.model.Guards(s.t, s.y, s.d, s.held, now.g, now.rate, now.accel)
		fall := now.g[i] * now.accel[i] / (now.rate[i] * now.rate[i])
		left, horizon := -now.g[i]/now.rate[i]/(1-fall), soon*h
		if fall < leastFall {
			left, horizon = -now.g[i]/now.rate[i], near*h
		}
		if !(float64(side)*now.rate[i] < 0 && math.Abs(fall) > 1e-3 && fall < mostFall && left < horizon) || left > h && s.t < s.waits[i] {
			continue
		}
		if s.singular(i) {
			if found, next = s.reach(i, s.t+h); found != noDescent {
				return i, found, next
			}
		}
		if left > h {
			s.waits[i] = s.t + left/2
		}
	}
	return -1, noDescent, 0
}

// singular reports whether a guard looks as if its rate fell to nothing at the surface, or had a slope without
// bounds there, along the way that the field points.
func (s *descents) singular(guard int) bool {
	v, c := &s.values, &s.fine
	left := -v.g[guard] / v.rate[guard]
	c.flow = resize(c.flow, len(s.y))
	s.rhs(s.t, s.y, c.flow)
	var rate, accel [2]float64
	for i, part := range [2]float64{1e-2, 1e-4} {
		c.at = append(c.at[:0], s.y...)
		axpy(c.at, left*(1-part), c.flow)
		s.model.Guards(s.t+left*(1-part), c.at, s.d, s.held, v.g, v.rate, v.accel)
		rate[i], accel[i] = v.rate[guard], v.accel[guard]
	}
	return !(rate[1]/rate[0] > 0.7) || !(math.Abs(accel[1]/accel[0]) < 1.4)
}

// descends reports whether motions of the model may come to rest in finite time.
func (s *search) descends() bool {
	m, ok := s.model.(Descending)
	return ok && s.size.Guards > 0 && m.Descends() && s.opt.Method.Adaptive() && s.hy.Balance == 0 && s.hy.Project == 0
}

// soon is how many steps before its end a descent may begin, near if it is a crossing.
const (
	soon = 32
	near = 4
)

// reach takes the descent of a guard, ever more finely until that changes nothing.
func (s *descents) reach(guard int, end float64) (found verdict, next float64) {
	c, fine := &s.rough, &s.fine
	for fineness := 1; fineness <= finest; fineness *= 2 {
		c.guard, c.descentKind = guard, descentKind{power: 2}
		if !c.take(s.run, s.t, s.y, fineness) {
			continue
		}
		power, rests := s.power(c)
		if power == 0 {
			return noDescent, 0
		}
		c.power, c.crosses = power, !rests
		fine.guard, fine.descentKind = guard, c.descentKind
		if !c.take(s.run, s.t, s.y, fineness) || !fine.take(s.run, s.t, s.y, 2*fineness) {
			continue
		}
		if s.rest(fine) != rests || fine.t > s.clock.stop.t-s.resolution() {
			return noDescent, 0
		}
		if found = noDescent; fine.t <= end {
			found, next = later, (fine.t-s.t)/2
		}
		if s.crossedBefore(fine) {
			return found, next
		}
		switch off := s.differ(c, fine); {
		case off <= 1:
			return there, 0
		case !(off < math.Pow(gain, math.Log2(float64(finest/fineness)))):
			return found, next
		case off > gain: // what doubles is not enough
			fineness *= 2
		}
	}
	return found, next
}

// power finds the power of a descent near its end, and whether the guard rests there: p where its rate
// falls to nothing. Where a rate is left, and a term |g|^a with a < 1 beside it, a descent in
// u = |g|^a has what the field has of u, and so is smooth up to the crossing. 0: it is a smooth crossing.
func (s *descents) power(c *descent) (power float64, rests bool) {
	var accel [2]float64
	stages := c.parts[len(c.parts)-1].stages
	for i := range accel {
		x := &stages[i]
		s.model.Guards(x.t, x.y, s.d, s.held, s.values.g, s.values.rate, s.values.accel)
		accel[i] = s.values.accel[c.guard]
	}
	last := &stages[1]
	fall := last.g * accel[1] / (last.rate * last.rate)
	if fall > leastFall && fall < mostFall {
		return 1 / (1 - fall), true
	}
	exponent := 1 + math.Log(accel[0]/accel[1])/math.Log(stages[0].g/last.g)
	if exponent > leastExponent && exponent < mostExponent {
		return 1 / exponent, false
	}
	return 0, false
}

// differ is by how much two descents of the same stretch differ in time and state, in units of a part of
// the tolerances.
func (s *descents) differ(c, fine *descent) float64 {
	worst := math.Abs(fine.t-c.t) / math.Max(sure*s.opt.RTol*(fine.t-s.clock.last), 4*s.resolution())
	for l, v := range fine.y[:s.size.YError] {
		worst = math.Max(worst, math.Abs(v-c.y[l])/(sure*(s.opt.RTol*math.Abs(v)+s.opt.atol(l))))
	}
	return worst
}

// sure is the part of the tolerances that rough descents may be off by; fine ones are by far less.
const sure = 0.02

// gain is by how much a descent of twice the fineness may be better, of order six.
const gain = 64

// follow takes the run to the end of the descent that was found, past the rows of data on the way, and
// reports whether it comes there; if not it is at one of them, or where it was.
func (s *descents) follow() bool {
	start, end := s.t, s.fine.t
	for s.saves.time < end-s.resolution() {
		if s.saves.time > s.t+s.resolution() {
			if !s.upTo(s.saves.time, end) {
				return false
			}
			s.fall()
		}
		s.hist.readHere()
	}
	if s.t > start && !s.toEnd() {
		return false
	}
	s.fall()
	return true
}

// behind is how long a step may be behind the crossing that the run has come to, where the slope of the
// field is next to infinite: so short that it does not change what it is moved by.
func (s *descents) behind() float64 {
	if !s.fine.crosses {
		return math.Inf(1)
	}
	v := &s.values
	s.model.Guards(s.t, s.y, s.d, s.held, v.g, v.rate, v.accel)
	if h := math.Abs(v.rate[s.fine.guard]/v.accel[s.fine.guard]) / 10; h > 64*ulp(s.t) {
		return h
	}
	return math.Inf(1)
}

// fall takes the run to the end of the descent that stands.
func (s *descents) fall() {
	c := &s.fine
	h := c.t - s.t
	s.traceStep(h, true)
	s.record(entry{
		kind: descentEntry, ref: c.guard, t: s.t, h: h, state: s.tape.keep(s.y, s.d),
		count: c.fineness, more: len(s.tape.descents), lo: s.saves.next, hi: s.saves.next,
	})
	s.tape.descents = append(s.tape.descents, c.descentKind)
	s.step.sweep(s.y, c.parts[0].stages[0].f, h)
	s.t = c.t
	copy(s.y, c.y)
}

// upTo takes the fine descent to a time on the way to its end, from where the run is, and reports whether
// it can.
func (s *descents) upTo(t, end float64) bool {
	c := &s.fine
	for c.left = (end - t) / (end - s.t); c.left >= 0 && c.left < 1 && c.take(s.run, s.t, s.y, c.fineness); {
		if math.Abs(c.t-t) <= s.resolution() {
			c.t = t
			return true
		}
		c.left += (c.t - t) / (end - s.t)
	}
	return false
}

// toEnd takes what is left of it, and reports whether it can.
func (s *descents) toEnd() bool {
	s.fine.left = 0
	return s.fine.take(s.run, s.t, s.y, s.fine.fineness) && s.rest(&s.fine)
}

// rest reports whether the guard stays on its surface where the descent has come to.
func (s *descents) rest(c *descent) bool {
	rates := s.values.rate
	most := stays * math.Abs(c.parts[0].stages[0].rate)
	c.flow = resize(c.flow, len(c.y))
	if s.rhs(c.t, c.y, c.flow); !finite(c.flow) { // it ends on the surface: a little before
		axpy(c.y, short*c.last().g, c.parts[len(c.parts)-1].drop)
		if s.rhs(c.t, c.y, c.flow); !finite(c.flow) {
			return false
		}
	}
	s.model.Guards(c.t, c.y, s.d, s.held, s.values.g, rates, nil)
	if !(math.Abs(rates[c.guard]) <= most) {
		return false
	}
	took := c.t - s.t
	c.at = append(c.at[:0], c.y...)
	axpy(c.at, took, c.flow)
	s.model.Guards(c.t+took, c.at, s.d, s.held, s.values.g, rates, nil)
	return !(math.Abs(rates[c.guard]) > most)
}

// beyond is how far a crossing goes beyond the surface, as a part of the way to it.
const beyond = 1e-15

const (
	stays = 1e-3  // of the rate that a guard had
	short = 1e-10 // of the guard where it was looked at last
)

// crossedBefore reports whether another guard has crossed its surface on the way.
func (s *descents) crossedBefore(c *descent) bool {
	v := &s.values
	s.model.Guards(c.t, c.y, s.d, s.held, v.g, v.rate, nil)
	end := slices.Clone(v.g)
	s.model.Guards(s.t, s.y, s.d, s.held, v.g, v.rate, nil)
	for j, side := range s.det.Side {
		if j != c.guard && s.det.Watch[j] && side != 0 && !s.hy.Flags[j] && float64(side)*end[j] < -1e-6*math.Abs(v.g[j]) {
			return true
		}
	}
	return false
}
