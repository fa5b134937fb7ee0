package sim

import "slices"

// Derivatives of descents: their time and state at the end, by those at the start.

// again takes the descent of an entry again, so that all of it stands.
func (c *descent) again(s *run, e *entry) {
	y, d := s.tape.at(e.state, s.size.Y, s.size.D)
	copy(s.d, d)
	s.segment(e.t)
	c.guard, c.descentKind = e.ref, s.tape.descents[e.more].descentKind
	c.take(s, e.t, y, e.count)
}

// stageDots are how what belongs to a stage moves, or its cotangents.
type stageDots struct {
	t, rate, pace float64
	y, f          []float64
}

func newStageDots(n int) []stageDots {
	list := make([]stageDots, len(midpoints.from)) // the most that a part has
	for i := range list {
		list[i].y, list[i].f = make([]float64, n), make([]float64, n)
	}
	return list
}

// fallsOn is what a forward sweep knows of descents: the last that it came by, and the tangents where that starts.
type fallsOn struct {
	steep *entry // the last steepEntry, until the step behind it is done

	fall, tied descent // room
	e          *entry
	y, d, t    []float64
}

// descend pushes the tangents through a descent.
func (x *fallsOn) descend(f *forward, e *entry) {
	x.e, x.y, x.d, x.t = e, append(x.y[:0], f.y...), append(x.d[:0], f.d...), append(x.t[:0], f.t...)
	c, tied := &x.fall, f.tape.tiesOf(e)
	c.again(f.run, e)
	f.each(func() { f.t[f.at] = f.descendColumn(c, f.t[f.at]) })
	for i, way := range c.waysOnto(f.run, tied) {
		if way == nil {
			continue
		}
		f.each(func() { axpy(f.cy, -f.m.GuardJVP(c.t, f.t[f.at], c.y, f.cy, f.history.d, f.cd, tied[i].guard), way) })
	}
}

// tie takes the tangents to the time of a tie, which a descent of its own leads to.
func (x *fallsOn) tie(f *forward, e *entry) {
	y, d := f.tape.at(e.state, f.size.Y, f.size.D)
	copy(f.history.d, d)
	f.rhs(e.t, y, f.field)
	start, d := f.tape.at(x.e.state, f.size.Y, f.size.D)
	copy(f.history.d, d)
	f.segment(x.e.t)
	x.tied.follow(f.run, f.tape.ties[e.ref], x.e.t, start, func() {
		for c := range f.n {
			f.at = c
			f.of.Column(c)
			gather(f.cy, x.y, c, f.n)
			gather(f.cd, x.d, c, f.n)
			end := f.descendColumn(&x.tied, x.t[c])
			for l, rate := range f.field {
				f.y[l*f.n+c] += rate * (end - f.t[c])
			}
			f.t[c] = end
		}
	})
}

// descendColumn pushes the tangent in cy through a descent that starts at a time that moves by tDot.
func (f *forward) descendColumn(c *descent, tDot float64) float64 {
	m, yDot, d, falls := f.m.(Descending), f.cy, f.history.d, (c.power-1)/c.power
	dots, dropDot := newStageDots(len(yDot)), make([]float64, len(yDot))
	firstDot := 0. // of ln u₁
	for k := range c.parts {
		part := &c.parts[k]
		for i := range part.stages {
			x, dot := &part.stages[i], &dots[i]
			dot.t = tDot
			copy(dot.y, yDot)
			for j, w := range part.method.from[i] {
				before := &part.stages[j]
				dot.t += w * dots[j].pace
				axpy(dot.y, w*dots[j].pace, before.f)
				axpy(dot.y, w*before.pace, dots[j].f)
			}
			gDot := f.m.GuardJVP(x.t, dot.t, x.y, dot.y, d, f.cd, c.guard)
			dot.rate = m.RateJVP(x.t, dot.t, x.y, dot.y, d, f.cd, f.held, c.guard)
			f.RHSJVP(x.t, dot.t, x.y, dot.y, dot.f)
			if k == 0 && i == 0 {
				firstDot = gDot / x.g / c.power
			}
			dot.pace = x.pace * (firstDot + falls*gDot/x.g - dot.rate/x.rate)
		}
		for i, w := range part.method.weight {
			tDot += w * dots[i].pace
			axpy(yDot, w*dots[i].pace, part.stages[i].f)
			axpy(yDot, w*part.stages[i].pace, dots[i].f)
		}
		offDot := f.m.GuardJVP(part.t, tDot, part.y, yDot, d, f.cd, c.guard) - part.goal*c.power*firstDot
		a, b := 0, len(part.stages)-1
		rate, rateDot := part.stages[a].rate-part.stages[b].rate, dots[a].rate-dots[b].rate
		for l := range dropDot {
			dropDot[l] = (dots[a].f[l] - dots[b].f[l] - part.drop[l]*rateDot) / rate
		}
		axpy(yDot, -offDot, part.drop)
		axpy(yDot, -part.off, dropDot)
	}
	return tDot
}

// fallsBack is what a sweep back knows of descents: the ties of the one that it comes to next, with the cotangents of
// their times.
type fallsBack struct {
	fall, tied descent // room
	ties       []tie
	bars       []float64
}

// tie gives the cotangent of the time to that of a tie.
func (x *fallsBack) tie(r *reverse, e *entry) {
	y, d := r.tape.at(e.state, r.size.Y, r.size.D)
	copy(r.history.d, d)
	r.rhs(e.t, y, r.in)
	moves := dot(r.bar.y, r.in)
	x.ties, x.bars = append(x.ties, r.tape.ties[e.ref]), append(x.bars, r.bar.t+moves)
	r.bar.t = -moves
}

// descend pulls the cotangents of the end of a descent, and of the times of its ties, back to its start.
func (x *fallsBack) descend(r *reverse, e *entry) {
	c, tied := &x.fall, r.tape.tiesOf(e)
	start, _ := r.tape.at(e.state, r.size.Y, r.size.D)
	c.again(r.run, e)
	for i, way := range slices.Backward(c.waysOnto(r.run, tied)) {
		if way != nil {
			r.bar.t += r.m.GuardVJP(c.t, c.y, r.history.d, tied[i].guard, -dot(r.bar.y, way), r.bar.y, r.bar.d, WithParams)
		}
	}
	r.bar.t = r.descentBack(c, r.bar.y, r.bar.t)
	for i, to := range x.ties {
		clear(r.in)
		x.tied.follow(r.run, to, e.t, start, func() { r.bar.t += r.descentBack(&x.tied, r.in, x.bars[i]) })
		addTo(r.bar.y, r.in)
	}
	x.ties, x.bars = x.ties[:0], x.bars[:0]
}

// descentBack pulls the cotangents of the end of a descent back to its start, yBar in its place.
func (r *reverse) descentBack(c *descent, yBar []float64, tBar float64) float64 {
	s, m, dBar, falls := r.history, r.m.(Descending), r.bar.d, (c.power-1)/c.power
	bars := newStageDots(s.size.Y)
	firstBar := 0. // of ln u₁
	for k := len(c.parts) - 1; k >= 0; k-- {
		part := &c.parts[k]
		for i := range bars {
			bars[i].rate = 0
			clear(bars[i].f)
		}
		// The correction.
		offBar := -dot(yBar, part.drop)
		a, b := 0, len(part.stages)-1
		rate := part.stages[a].rate - part.stages[b].rate
		axpy(bars[a].f, -part.off/rate, yBar)
		axpy(bars[b].f, part.off/rate, yBar)
		byRate := part.off * dot(yBar, part.drop) / rate
		bars[a].rate += byRate
		bars[b].rate -= byRate
		firstBar -= offBar * part.goal * c.power
		tBar += r.m.GuardVJP(part.t, part.y, s.d, c.guard, offBar, yBar, dBar, WithParams)
		// The step.
		for i, w := range part.method.weight {
			bars[i].pace = w * (tBar + dot(yBar, part.stages[i].f))
			axpy(bars[i].f, w*part.stages[i].pace, yBar)
		}
		for i := len(part.stages) - 1; i >= 0; i-- {
			x, bar := &part.stages[i], &bars[i]
			logBar := bar.pace * x.pace
			firstBar += logBar
			gBar := falls * logBar / x.g
			if k == 0 && i == 0 {
				gBar += firstBar / x.g / c.power
			}
			for l, h := range s.held {
				if h {
					bar.f[l] = 0
				}
			}
			clear(bar.y)
			bar.t = r.m.RHSVJP(x.t, x.y, s.d, bar.f, bar.y, dBar, WithParams)
			bar.t += r.m.GuardVJP(x.t, x.y, s.d, c.guard, gBar, bar.y, dBar, WithParams)
			bar.t += m.RateVJP(x.t, x.y, s.d, s.held, c.guard, bar.rate-logBar/x.rate, bar.y, dBar)
			tBar += bar.t
			addTo(yBar, bar.y)
			for j, w := range part.method.from[i] {
				bars[j].pace += w * (bar.t + dot(bar.y, part.stages[j].f))
				axpy(bars[j].f, w*part.stages[j].pace, bar.y)
			}
		}
	}
	return tBar
}
