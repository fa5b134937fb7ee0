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

// descent takes a run to where it comes to rest on the surface of a guard g. Steps in time come
// near that place by parts of the way only, and what they leave of |g| ~ (T − t)^p, as much as the
// tolerances, is a long time: its root. So the last stretch is taken in u = |g|^(1/p), which falls
// steadily: with σ from 0 to 1 along u = u₁(1 − σ),
//
//	dt/dσ = p u₁ |g|^((p−1)/p)/|ġ|,  dy/dσ = f dt/dσ,
//
// by a method of order three that never looks at the end, in parts that shrink towards it. At the
// end of each part the guard is what it is to be by u, and what falls with it is corrected.
// T and the state there are smooth functions of the start, with derivatives.
type descent struct {
	guard  int
	power  float64 // p, held fixed in derivatives
	left   float64 // the part of u₁ that it ends at: 0 where the guard rests, more on the way there
	parts  []partOfDescent
	first  float64 // u₁
	values guardValues

	t    float64 // where it comes to
	y    []float64
	flow []float64 // room
	at   []float64 // room
}

// partOfDescent is one of its steps.
type partOfDescent struct {
	length float64 // how far σ goes
	stages [heunStages]stageOfDescent

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

// The method: Heun's of third order, whose stages lie before the end of a step, each from the
// one before.
const heunStages = 3

var (
	heunFrom   = [heunStages]float64{0, 1. / 3, 2. / 3}
	heunWeight = [heunStages]float64{1. / 4, 0, 3. / 4}
)

const (
	fewestParts = 8
	mostParts   = 64
)

// takeDescent takes the descent from a start in n parts, and reports whether it comes to its end.
func (s *run) takeDescent(c *descent, t float64, y []float64, n int) bool {
	if c.values.g == nil {
		c.values = newGuardValues(s.size.Guards)
	}
	c.t, c.y = t, append(c.y[:0], y...)
	c.parts = slices.Grow(c.parts[:0], n)[:n]
	for k := range c.parts {
		x := &c.parts[k]
		left := c.leftAfter(k+1, n)
		x.length = c.leftAfter(k, n) - left
		for i := range x.stages {
			if !s.lookOnDescent(c, k, i) {
				return false
			}
		}
		first := &c.parts[0].stages[0]
		for i, w := range heunWeight {
			c.t += w * x.stages[i].pace
			axpy(c.y, w*x.stages[i].pace, x.stages[i].f)
		}
		x.t, x.y = c.t, append(x.y[:0], c.y...)
		x.goal = first.g * math.Pow(left, c.power)
		a, b := &x.stages[0], &x.stages[heunStages-1]
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

// leftAfter is the part of u₁ that is left after k of n parts.
func (c *descent) leftAfter(k, n int) float64 {
	x := 1 - float64(k)/float64(n)
	return c.left + (1-c.left)*x*x
}

// lookOnDescent takes a stage of a part, and reports whether the guard falls there.
func (s *run) lookOnDescent(c *descent, part, stage int) bool {
	x := &c.parts[part].stages[stage]
	x.t, x.y, x.f = c.t, append(x.y[:0], c.y...), resize(x.f, len(c.y))
	if stage > 0 {
		before := &c.parts[part].stages[stage-1]
		x.t += heunFrom[stage] * before.pace
		axpy(x.y, heunFrom[stage]*before.pace, before.f)
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
func (c *descent) last() *stageOfDescent { return &c.parts[len(c.parts)-1].stages[heunStages-1] }

func axpy(y []float64, a float64, x []float64) {
	for i, v := range x {
		y[i] += a * v
	}
}

// descents finds them, and takes them.
type descents struct {
	*search
	rough, fine descent
	values      guardValues
}

func newDescents(s *search) *descents {
	return &descents{search: s, values: newGuardValues(s.size.Guards)}
}

// verdict is what there is to say of a descent.
type verdict uint8

const (
	noDescent verdict = iota
	there             // it comes to rest
	onWay             // it does, behind a row of data: the run is there
	later             // it may, seen from nearer
)

// Bounds on how the rate falls beside the guard, (p − 1)/p: below them it is crossed, above them
// it is not come to in finite time.
const (
	leastFall = 0.05
	mostFall  = 0.95
)

// descend looks for a guard that comes to rest on its surface soon, beside the step of length h that
// has been tried, and takes the fine descent there. Where it does so in the step, but other things
// are first, next is the length of the step to take before.
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
		if !(float64(side)*now.rate[i] < 0 && fall > leastFall && fall < mostFall) || -now.g[i]/now.rate[i]/(1-fall) > soon*h {
			continue
		}
		if found, next = s.reach(i, fall, s.t+h); found != noDescent {
			return i, found, next
		}
	}
	return -1, noDescent, 0
}

// descends reports whether motions of the model may come to rest in finite time.
func (s *search) descends() bool {
	m, ok := s.model.(Descending)
	return ok && s.size.Guards > 0 && m.Descends() && s.opt.Method.Adaptive() && s.hy.Balance == 0 && s.hy.Project == 0
}

// soon is how many steps before its end a descent may begin.
const soon = 4

// reach takes the descent of a guard whose rate falls so.
func (s *descents) reach(guard int, fall, end float64) (verdict, float64) {
	c, fine := &s.rough, &s.fine
	for n := fewestParts; n <= mostParts; n *= 2 {
		c.guard, c.power, c.left = guard, 1/(1-fall), 0
		if !s.takeDescent(c, s.t, s.y, n) {
			return noDescent, 0
		}
		last := c.last() // the power is that of the end
		s.model.Guards(last.t, last.y, s.d, s.held, s.values.g, s.values.rate, s.values.accel)
		if fall = last.g * s.values.accel[guard] / (last.rate * last.rate); !(fall > leastFall && fall < mostFall) {
			return noDescent, 0
		}
		c.power = 1 / (1 - fall)
		fine.guard, fine.power, fine.left = guard, c.power, 0
		if !s.takeDescent(c, s.t, s.y, n) || !s.takeDescent(fine, s.t, s.y, 2*n) || !s.rest(fine) || fine.t > s.clock.stop.t-s.resolution() {
			return noDescent, 0
		}
		found := noDescent
		if fine.t <= end {
			found = later
		}
		switch save := s.saves.time; {
		case s.crossedBefore(fine):
			return found, (fine.t - s.t) / 2
		case !s.agree(c, fine):
		case save >= fine.t-s.resolution():
			return there, 0
		default:
			if rest := fine.t - save; s.upTo(save, 2*n) {
				return onWay, rest / 2
			}
			return noDescent, 0
		}
	}
	if fine.t <= end {
		return later, (fine.t - s.t) / 2
	}
	return noDescent, 0
}

// agree reports whether two descents of the same stretch come to the same time and state, as far
// as a part of the tolerances.
func (s *descents) agree(c, fine *descent) bool {
	if math.Abs(fine.t-c.t) > math.Max(sure*s.opt.RTol*(fine.t-s.clock.last), 4*s.resolution()) {
		return false
	}
	for l, v := range fine.y[:s.size.YError] {
		if !(math.Abs(v-c.y[l]) <= sure*(s.opt.RTol*math.Abs(v)+s.opt.atol(l))) {
			return false
		}
	}
	return true
}

// sure is the part of the tolerances that rough descents may be off by; fine ones are an eighth of that.
const sure = 0.02

// upTo takes the fine descent to a time on its way, and reports whether it can.
func (s *descents) upTo(t float64, n int) bool {
	c := &s.fine
	whole := c.t - s.t
	c.left = (c.t - t) / whole
	for range 20 {
		if !(c.left >= 0 && c.left < 1) || !s.takeDescent(c, s.t, s.y, n) {
			return false
		}
		if math.Abs(c.t-t) <= s.resolution() {
			c.t = t
			return true
		}
		c.left += (c.t - t) / whole
	}
	return false
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
