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

	otherRough, other descent     // of a guard that comes to rest at the same instant
	now, values       guardValues // where the run is, and room for them elsewhere
	waits             []float64   // of each guard: until then it is too far away to be sure
	looked            []float64   // of each: when it was last looked at with another
}

func newDescents(s *search, hist *history) *descents {
	n := s.size.Guards
	return &descents{search: s, hist: hist, now: newGuardValues(n), values: newGuardValues(n), waits: make([]float64, n), looked: make([]float64, n)}
}

// anew forgets what was too far away in the smooth piece of the run before.
func (s *descents) anew() {
	for i := range s.waits {
		s.waits[i], s.looked[i] = math.Inf(-1), math.Inf(-1)
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
	s.model.Guards(s.t, s.y, s.d, s.held, s.now.g, s.now.rate, s.now.accel)
	for i := range s.own() {
		left, may := s.falls(i, h)
		if !may || s.looked[i] == s.t || left > h && s.t < s.waits[i] {
			continue
		}
		if s.singular(i) {
			if found, next = s.reach(i, s.t+h); found != there {
				s.lookNoMore()
			}
			if found != noDescent {
				return i, found, next
			}
		}
		if left > h {
			s.waits[i] = s.t + left/2
		}
	}
	return -1, noDescent, 0
}

// lookNoMore notes that a descent is not taken, and that those tied to it lead no farther from here.
func (s *descents) lookNoMore() {
	for _, x := range s.clock.tied {
		s.looked[x.guard] = s.t
	}
	s.untie()
}

// falls reports whether a guard falls to its surface as one that comes to rest there or crosses where slopes are
// infinite may do, and about when, beside a step of length h.
func (s *descents) falls(guard int, h float64) (left float64, may bool) {
	now, side := &s.now, s.det.Side[guard]
	if !s.det.Watch[guard] || side == 0 || s.hy.Flags[guard] || s.rests.near(guard) {
		return 0, false
	}
	g, rate := now.g[guard], now.rate[guard]
	fall := g * now.accel[guard] / (rate * rate)
	left, horizon := -g/rate/(1-fall), soon*h
	if math.Abs(fall) < leastFall {
		left, horizon = -g/rate, near*h
	}
	return left, float64(side)*rate < 0 && math.Abs(fall) > 1e-3 && fall < mostFall && left < horizon
}

// tie notes the guards that come to rest at the end of the descent that stands too, as far as the tolerances
// tell, and this one: the time at which each does so has a derivative of its own, by a descent of its own from
// the same start.
func (s *descents) tie() {
	fine := &s.fine
	s.clock.tied = s.clock.tied[:0]
	for j := range s.own() {
		if j == fine.guard {
			continue
		}
		if _, may := s.falls(j, math.Inf(1)); may && s.singular(j) && s.reachTied(j) {
			s.clock.tied = append(s.clock.tied, tie{j, s.other.fineness, s.other.descentKind})
		}
	}
	if len(s.clock.tied) > 0 {
		s.clock.tied = append(s.clock.tied, tie{fine.guard, fine.fineness, fine.descentKind})
		s.rough.lay(s.run, s.clock.tied)
		fine.lay(s.run, s.clock.tied)
	}
}

// reachTied takes the descent of another guard, and reports whether it comes to rest when the one that
// stands does. Where to is no matter: what is tied to it is not smooth by its own guard.
func (s *descents) reachTied(guard int) bool {
	c, fine := &s.otherRough, &s.other
	for fineness := 1; fineness <= finest; fineness *= 2 {
		ok, smooth := s.twice(c, fine, guard, fineness)
		if smooth || ok && (fine.crosses || math.Abs(fine.t-s.fine.t) > s.tied(s.fine.t)) {
			return false
		}
		if ok && s.timeDiffers(c, fine) <= 1 {
			return true
		}
	}
	return false
}

// tied is how near each other two times of one instant are, as well as descents know them: the steps before
// are off by more than each of them may be.
func (s *descents) tied(t float64) float64 {
	return math.Max(4*s.opt.RTol*(t-s.clock.last), s.resolution())
}

// singular reports whether a guard looks as if its rate fell to nothing at the surface, or had a slope without
// bounds there, along the way that the field points, and did not turn round on it.
func (s *descents) singular(guard int) bool {
	v, c := &s.values, &s.fine
	left := -s.now.g[guard] / s.now.rate[guard]
	c.flow = resize(c.flow, len(s.y))
	s.rhs(s.t, s.y, c.flow)
	var rate, accel [2]float64
	for i, part := range [2]float64{1e-2, 1e-4} {
		c.at = append(c.at[:0], s.y...)
		axpy(c.at, left*(1-part), c.flow)
		s.model.Guards(s.t+left*(1-part), c.at, s.d, s.held, v.g, v.rate, v.accel)
		if rate[i], accel[i] = v.rate[guard], v.accel[guard]; float64(s.det.Side[guard])*rate[i] > 0 {
			return false
		}
	}
	return !(rate[1]/rate[0] > 0.7) || !(math.Abs(accel[1]/accel[0]) < 1.4)
}

// descends reports whether motions of the model may come to rest in finite time.
func (s *search) descends() bool {
	m, ok := s.model.(Descending)
	return ok && s.size.Guards > 0 && m.Descends() && s.opt.Method.Adaptive() && !s.hy.moved()
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
		ok, smooth := s.twice(c, fine, guard, fineness)
		if smooth {
			return noDescent, 0
		}
		if !ok || !finite(c.y) {
			continue
		}
		if found = noDescent; fine.t <= end {
			found, next = later, (fine.t-s.t)/2
		}
		goal := math.Pow(gain, math.Log2(float64(finest/fineness)))
		if !(s.timeDiffers(c, fine) < goal) { // what lies on the surfaces changes no time
			return found, next
		}
		s.tie()
		if !finite(fine.y) || s.rest(fine) == fine.crosses || s.past() && fine.t-s.t > 1.5*(s.clock.stop.t-s.t) {
			return noDescent, 0
		}
		if s.crossedBefore(fine) {
			return found, next
		}
		switch off := math.Max(s.timeDiffers(c, fine), s.stateDiffers(c, fine)); {
		case off <= 1:
			return there, 0
		case !(off < goal):
			return found, next
		case off > gain: // what doubles is not enough
			fineness *= 2
		}
	}
	return found, next
}

// twice takes the descent of a guard from where the run is, and once more with twice the fineness, and reports
// whether both come to its end, or whether its crossing is smooth, and needs none.
func (s *descents) twice(c, fine *descent, guard, fineness int) (ok, smooth bool) {
	c.guard, c.descentKind = guard, descentKind{power: 2}
	if !c.take(s.run, s.t, s.y, fineness) {
		return false, false
	}
	power, rests := s.power(c)
	if power == 0 {
		return false, true
	}
	c.power, c.crosses, c.bare = power, !rests, s.bare(guard)
	fine.guard, fine.descentKind = guard, c.descentKind
	return c.take(s.run, s.t, s.y, fineness) && fine.take(s.run, s.t, s.y, 2*fineness), false
}

// bare reports whether a guard is a state, or a multiple of one.
func (s *descents) bare(guard int) bool {
	v, state, slope := &s.values, -1, 0.
	flow := make([]float64, len(s.y))
	s.model.GuardsAlong(s.t, s.y, s.d, flow, v.g, v.accel)
	if v.accel[guard] != 0 { // by time
		return false
	}
	for l := range flow {
		flow[l] = 1
		s.model.GuardsAlong(s.t, s.y, s.d, flow, v.g, v.rate)
		flow[l] = 0
		if v.rate[guard] == 0 {
			continue
		}
		if state >= 0 {
			return false
		}
		state, slope = l, v.rate[guard]
	}
	return state >= 0 && math.Abs(v.g[guard]-slope*s.y[state]) <= 4*epsilon*math.Abs(v.g[guard])
}

// power finds the power of a descent near its end, and whether the guard rests there: p where its rate
// falls to nothing, or, p < 1, grows without bounds, as that of the level in a cone. Where a rate is left, and a term |g|^a with a < 1 beside it, a descent in
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
	if before := stages[0].g * accel[0] / (stages[0].rate * stages[0].rate); fall < -leastFall && math.Abs(before/fall-1) < 0.1 {
		return 1 / (1 - fall), false
	}
	exponent := 1 + math.Log(accel[0]/accel[1])/math.Log(stages[0].g/last.g)
	if exponent > leastExponent && exponent < mostExponent {
		return 1 / exponent, false
	}
	return 0, false
}

// past reports whether the clock stops the run before the end of the descent that stands.
func (s *descents) past() bool { return s.fine.t > s.clock.stop.t+s.tied(s.fine.t) }

// timeDiffers is by how much two descents of the same stretch differ in time, in units of a part of the tolerances.
func (s *descents) timeDiffers(c, fine *descent) float64 {
	return math.Abs(fine.t-c.t) / math.Max(sure*s.opt.RTol*(fine.t-s.clock.last), 4*s.resolution())
}

// stateDiffers is by how much they differ in the state.
func (s *descents) stateDiffers(c, fine *descent) float64 {
	worst := 0.
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
	start, end, rest := s.t, s.end(&s.fine), s.fine.t
	past := s.past()
	for s.saves.time < end-s.resolution() {
		if s.saves.time > s.t+s.resolution() {
			if !s.upTo(s.saves.time, rest) {
				s.untie()
				return false
			}
			s.fall()
		}
		s.hist.readHere()
	}
	if past {
		s.untie()
		return s.upTo(s.clock.stop.t, rest) && s.fallTo(s.clock.stop)
	}
	if s.t > start && !s.toEnd() {
		s.untie()
		return false
	}
	s.fall()
	return true
}

// untie forgets the ties of a descent that the run does not take to its end.
func (s *descents) untie() { s.clock.tied = s.clock.tied[:0] }

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
	x := fallOfTape{descentKind: c.descentKind, ties: len(s.tape.ties)}
	s.step.sweep(s.y, c.parts[0].stages[0].f, h)
	if c.left == 0 {
		s.tape.ties = append(s.tape.ties, s.clock.tied...)
		c.lay(s.run, s.clock.tied)
	}
	x.behind = len(s.tape.ties)
	s.tape.descents = append(s.tape.descents, x)
	s.t = s.end(c)
	if math.Abs(c.t-s.t) > s.resolution() { // what it took longer than to the stop
		s.rhs(c.t, c.y, c.flow)
		axpy(c.y, s.t-c.t, c.flow)
	}
	copy(s.y, c.y)
}

// fallTo takes the run to a stop of the clock on the way, whose time may move otherwise.
func (s *descents) fallTo(stop timed) bool {
	s.fall()
	e := entry{kind: stepEntry, end: stop.end, ref: stop.ref, count: stop.count, t: s.t, state: s.tape.keep(s.y, s.d), lo: s.saves.next, hi: s.saves.next}
	if stop.end == endZeno {
		e.more = len(s.tape.limits)
		s.tape.limits = append(s.tape.limits, stop.at)
	}
	s.record(e)
	s.came = stop
	return true
}

// end is the time at which a descent ends: that of the clock or of the row of data at whose instant it does.
func (s *descents) end(c *descent) float64 {
	t := math.Min(c.t, s.clock.stop.t)
	for _, near := range []float64{s.saves.time, s.clock.stop.t} {
		if math.Abs(t-near) <= s.resolution() {
			t = near
		}
	}
	return t
}

// upTo takes the fine descent to a time on the way to its end, from where the run is, and reports whether
// it can.
func (s *descents) upTo(t, end float64) bool {
	c, off := &s.fine, math.Inf(1)
	for c.left = (end - t) / (end - s.t); c.left >= 0 && c.left < 1 && c.take(s.run, s.t, s.y, c.fineness) && finite(c.y); {
		was := off
		if off = math.Abs(c.t - t); off <= s.resolution() {
			c.t = t
			return true
		}
		if off > was/2 { // it does not come nearer
			return false
		}
		c.left += (c.t - t) / (end - s.t)
	}
	return false
}

// toEnd takes what is left of it, and reports whether it can.
func (s *descents) toEnd() bool {
	s.fine.left = 0
	if !s.fine.take(s.run, s.t, s.y, s.fine.fineness) {
		return false
	}
	s.fine.lay(s.run, s.clock.tied)
	return s.rest(&s.fine) != s.fine.crosses
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
