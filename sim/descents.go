package sim

import (
	"math"
	"slices"
)

// descents finds the descents of a run, and takes them.
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
