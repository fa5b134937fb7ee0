package sim

// Instants on the way back.

// single are the steps of single trajectories, loaded for the step in the stepper:
// the functions of the model, which ran in between, share their memory.
func (r *reverse) single() StepsVJP {
	s := r.history
	vjp := s.stepsAt(s.d).(StepsVJP)
	vjp.Load(0, s.model, s.d, s.held)
	vjp.Time(0, s.model, s.stepper.T, s.stepper.H)
	return vjp
}

// rootBack adds to the cotangent of the end of a step, in r.in, what it has
// through the length of the step, which ends on a root of a guard. hBar is what
// that length has besides; the guard's part of the cotangent of the start time
// is returned: with G(y, t, p, h) = g(t+h, Φ), dh = −dG/G_h.
func (r *reverse) rootBack(e *entry, hBar float64) (tBar float64) {
	s := r.history
	t1, y1 := e.t+e.h, s.stepper.End()
	clear(r.gy)
	clear(r.gd)
	gt := r.m.GuardVJP(t1, y1, s.d, e.ref, 1, r.gy, r.gd, WithoutParams)
	own, gh := r.single().LengthBars(r.in, r.gy)
	mu := -(hBar + own) / (gh + gt)
	if mu == 0 {
		return 0
	}
	return r.m.GuardVJP(t1, y1, s.d, e.ref, mu, r.in, r.bar.d, WithParams)
}

// scheduleBack passes the cotangent of the end of a step on to what that time depends
// on.
func (r *reverse) scheduleBack(e *entry, bar float64) {
	s := r.history
	switch e.end {
	case endAt:
		r.sched[e.ref] += bar
	case endEvery:
		sc := &s.hy.Schedules[e.ref]
		periods := float64(e.count)
		if sc.From >= 0 {
			r.sched[sc.From] += bar
		} else {
			r.start += bar
		}
		r.sched[sc.Period] += periods * bar
	case endDelay:
		r.snaps[e.ref].due += bar
	case endZeno:
		at := s.tape.limits[e.more]
		for k, w := range zenoWeights(s.out.Log, at) {
			r.eventT[at[k]] += w * bar
		}
	}
}

func (r *reverse) snapBack(e *entry) {
	s := r.history
	sn, bar := &s.tape.snaps[e.ref], &r.snaps[e.ref]
	addTo(r.bar.y, bar.y)
	addTo(r.bar.d, bar.d)
	r.bar.t += bar.t
	if s.hy.Events[sn.event].Delayed && bar.due != 0 {
		// The jump is due at t + delay.
		y, d := s.tape.at(e.state, s.size.Y, s.size.D)
		r.bar.t += bar.due + r.m.DelayVJP(sn.event, e.t, y, d, sn.args, bar.due, r.bar.y, r.bar.d)
	}
}

func (r *reverse) jumpBack(e *entry) {
	s := r.history
	ev := &s.hy.Events[e.ref]
	targets, adds := ev.Targets, ev.Adds
	if e.kind == restEntry {
		targets, adds = ev.Rest, nil
	}
	ct := r.vals[:len(targets)]
	for i, k := range targets {
		p := r.component(k)
		if ct[i] = *p; adds == nil || !adds[i] {
			*p = 0
		}
	}
	if e.kind != balanceEntry {
		r.bar.t += r.eventT[e.count]
	}
	y, d := s.tape.at(e.state, s.size.Y, s.size.D)
	if e.kind == restEntry {
		r.bar.t += r.m.RestVJP(e.ref, e.t, y, d, ct, r.bar.y, r.bar.d)
		return
	}
	switch read := s.tape.jumps[e.more]; {
	case read.snap < 0:
		r.bar.t += r.m.JumpVJP(e.ref, e.t, y, d, read.args, ct, r.bar.y, r.bar.d)
	default:
		sn, bar := &s.tape.snaps[read.snap], &r.snaps[read.snap]
		y, d = s.tape.at(sn.state, s.size.Y, s.size.D)
		if read.mask < 0 {
			bar.t += r.m.JumpVJP(e.ref, sn.t, y, d, read.args, ct, bar.y, bar.d)
			return
		}
		clear(r.gy)
		clear(r.gd)
		r.bar.t += r.m.JumpVJP(e.ref, sn.t, y, d, read.args, ct, r.gy, r.gd)
		ny := s.size.Y
		for k, old := range s.tape.masks[read.mask : read.mask+ny+s.size.D] {
			v := &r.gy
			to, from := r.bar.y, bar.y
			i := k
			if k >= ny {
				v, to, from, i = &r.gd, r.bar.d, bar.d, k-ny
			}
			if old {
				from[i] += (*v)[i]
			} else {
				to[i] += (*v)[i]
			}
		}
	}
}

// component points at the cotangent of component k of [y | d].
func (r *reverse) component(k int) *float64 {
	if k < len(r.bar.y) {
		return &r.bar.y[k]
	}
	return &r.bar.d[k-len(r.bar.y)]
}

// saveBack adds the cotangents of saves that read the state at an instant: y at a
// fixed time just off t changes by −f δt when the instant moves by δt.
func (r *reverse) saveBack(e *entry, yCt, dCt *Rows) {
	s := r.history
	y, d := s.tape.at(e.state, s.size.Y, s.size.D)
	times := r.times()
	if times {
		copy(s.d, d)
		if m, ok := s.model.(Segmented); ok {
			m.Segment(e.t)
		}
		s.rhs(e.t, y, r.in)
	}
	add := func(ct []float64) {
		addTo(r.bar.y, ct)
		if times && ct != nil {
			r.bar.t -= dot(ct, r.in)
		}
	}
	for i := e.lo; i < e.hi; i++ {
		add(yCt.At(i))
		addTo(r.bar.d, dCt.At(i))
		if e.kind == saveEntry && !s.saves.separate[i] {
			add(r.ct.BeforeY.At(i))
			addTo(r.bar.d, r.ct.BeforeD.At(i))
		}
	}
}
