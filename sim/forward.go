package sim

import "github.com/pinode/pinode/jumps"

// Tangents are the directional derivatives of the results of a run.
type Tangents struct {
	Y, D             [][]float64 // of SaveY, SaveD
	BeforeY, BeforeD [][]float64 // of BeforeY, BeforeD
	EndY, EndD       []float64
	EventT           []float64 // of the times of the event log
}

// forward is the state of a forward sweep: the tangents of the state and of
// the time at the current entry.
type forward struct {
	*history
	m   Forward
	out *Tangents

	y, d  []float64
	t     float64
	y0    []float64 // tangent of a step's end with its length held
	field []float64
	sched []float64
	snaps []snapTangent

	vals, readY, readD []float64 // room: of the values of a jump, and of what it reads
}

type snapTangent struct {
	y, d   []float64
	t, due float64
}

// Forward pushes the direction that m has been given through the run that the
// integrator did last: the exact directional derivative of the discrete
// solution, as Backward is its exact gradient.
func (s *Integrator) Forward(m Forward, out *Tangents) {
	f := s.forward()
	f.m, f.out = m, out
	s.run.model = m
	n := len(s.run.span.Saves)
	out.Y, out.D = rows(out.Y, n, s.run.size.Y), rows(out.D, n, s.run.size.D)
	out.BeforeY, out.BeforeD = rows(out.BeforeY, n, s.run.size.Y), rows(out.BeforeD, n, s.run.size.D)
	out.EndY, out.EndD = resize(out.EndY, s.run.size.Y), resize(out.EndD, s.run.size.D)
	out.EventT = out.EventT[:0]
	for len(f.snaps) < len(s.run.tape.snaps) {
		f.snaps = append(f.snaps, snapTangent{y: make([]float64, s.run.size.Y), d: make([]float64, s.run.size.D)})
	}
	m.TimesJVP(f.sched)
	m.InitJVP(s.run.span.T0, 0, f.y, f.d)
	f.t = 0
	for i := range s.run.hy.Switches {
		s.run.clearModes(f.d, i)
	}
	for i := range s.run.tape.entries {
		e := &s.run.tape.entries[i]
		switch e.kind {
		case stepEntry:
			f.stepOn(e)
		case segmentEntry, laneEntry:
			steps := s.hist.recompute(e)
			for k := range steps {
				f.stepOn(&steps[k])
			}
			s.hist.drop()
		case snapEntry:
			f.snapOn(e)
		case jumpEntry, restEntry, balanceEntry:
			f.jumpOn(e)
		case switchEntry:
			s.run.clearModes(f.d, e.ref)
			if e.more > 0 {
				out.EventT = append(out.EventT, f.t)
			}
		case saveEntry:
			f.saveOn(e, out.Y, out.D)
			for i := e.lo; i < e.hi; i++ {
				if !s.run.saves.separate[i] {
					copy(out.BeforeY[i], out.Y[i])
					copy(out.BeforeD[i], out.D[i])
				}
			}
		case beforeEntry:
			f.saveOn(e, out.BeforeY, out.BeforeD)
		case heldEntry:
			s.setHeld(e, behind)
		}
	}
	copy(out.EndY, f.y)
	copy(out.EndD, f.d)
}

func (s *Integrator) forward() *forward {
	if s.fwd == nil {
		s.fwd = &forward{
			history: s.hist,
			y:       make([]float64, s.run.size.Y), d: make([]float64, s.run.size.D),
			vals: make([]float64, s.size.Y+s.size.D), readY: make([]float64, s.size.Y), readD: make([]float64, s.size.D),
			y0: make([]float64, s.run.size.Y), field: make([]float64, s.run.size.Y), sched: make([]float64, s.run.size.Times),
		}
	}
	clear(s.run.held)
	return s.fwd
}

// RHSJVP is the forward derivative of the field that the stepper sees.
func (f *forward) RHSJVP(t, tDot float64, y, yDot, out []float64) {
	f.m.RHSJVP(t, tDot, y, yDot, f.history.d, f.d, out)
	for i, h := range f.held {
		if h {
			out[i] = 0
		}
	}
}

func (f *forward) stepOn(e *entry) {
	s := f.history
	s.replay(e)
	s.behind()
	hDot, endDot := 0., f.t
	switch e.end {
	case endFree:
	case endFixed:
		hDot, endDot = -f.t, 0
	case endRoot:
		// With the length held, and with it growing at rate one: g along
		// both tells by linearity how fast the length must change.
		s.stepper.JVP(f, f.t, 0, f.y, f.y0)
		g0 := f.m.GuardJVP(e.t+e.h, f.t, s.stepper.End(), f.y0, s.d, f.d, e.ref)
		s.stepper.JVP(f, f.t, 1, f.y, f.y0)
		g1 := f.m.GuardJVP(e.t+e.h, f.t+1, s.stepper.End(), f.y0, s.d, f.d, e.ref)
		hDot = -g0 / (g1 - g0)
		endDot = f.t + hDot
	case endAt:
		endDot = f.sched[e.ref]
		hDot = endDot - f.t
	case endEvery:
		sc := &s.hy.Schedules[e.ref]
		periods := float64(e.count)
		endDot = 0
		if sc.From >= 0 {
			endDot = f.sched[sc.From]
		}
		endDot += periods * f.sched[sc.Period]
		hDot = endDot - f.t
	case endDelay:
		endDot = f.snaps[e.ref].due
		hDot = endDot - f.t
	case endZeno:
		endDot = 0
		at := s.tape.limits[e.more]
		for k, w := range zenoWeights(s.out.Log, at) {
			endDot += w * f.out.EventT[at[k]]
		}
		hDot = endDot - f.t
	}
	s.stepper.JVP(f, f.t, hDot, f.y, f.y0)
	for i := e.lo; i < e.hi; i++ {
		s.stepper.DenseJVP((s.span.Saves[i]-e.t)/e.h, f.y, f.out.Y[i])
		copy(f.out.D[i], f.d)
		if !s.saves.separate[i] {
			copy(f.out.BeforeY[i], f.out.Y[i])
			copy(f.out.BeforeD[i], f.d)
		}
	}
	copy(f.y, f.y0)
	f.t = endDot
}

func (f *forward) snapOn(e *entry) {
	s := f.history
	sn, dot := &s.tape.snaps[e.ref], &f.snaps[e.ref]
	copy(dot.y, f.y)
	copy(dot.d, f.d)
	dot.t, dot.due = f.t, f.t
	if s.hy.Events[sn.event].Delayed {
		y, d := s.tape.at(e.state, s.size.Y, s.size.D)
		dot.due += f.m.DelayJVP(sn.event, e.t, f.t, y, f.y, d, f.d, sn.args)
	}
}

func (f *forward) jumpOn(e *entry) {
	s := f.history
	ev := &s.hy.Events[e.ref]
	y, d := s.tape.at(e.state, s.size.Y, s.size.D)
	t, tDot, yDot, dDot := e.t, f.t, f.y, f.d
	targets := ev.Targets
	v := f.vals[:len(targets)]
	if e.kind != balanceEntry {
		f.out.EventT = append(f.out.EventT, f.t)
	}
	if e.kind == restEntry {
		targets = ev.Rest
		v = f.vals[:len(targets)]
		f.m.RestJVP(e.ref, t, tDot, y, yDot, d, dDot, v)
		jumps.Assign(f.y, f.d, targets, nil, v)
		return
	}
	read := s.tape.jumps[e.more]
	if read.snap >= 0 {
		sn, dot := &s.tape.snaps[read.snap], &f.snaps[read.snap]
		y, d = s.tape.at(sn.state, s.size.Y, s.size.D)
		t, yDot, dDot = sn.t, dot.y, dot.d
		if read.mask < 0 {
			tDot = dot.t
		} else {
			yDot, dDot = append(f.readY[:0], f.y...), append(f.readD[:0], f.d...)
			ny := s.size.Y
			for k, old := range s.tape.masks[read.mask : read.mask+ny+s.size.D] {
				switch {
				case old && k < ny:
					yDot[k] = dot.y[k]
				case old:
					dDot[k-ny] = dot.d[k-ny]
				}
			}
		}
	}
	f.m.JumpJVP(e.ref, t, tDot, y, yDot, d, dDot, read.args, v)
	jumps.Assign(f.y, f.d, targets, ev.Adds, v)
}

func (f *forward) saveOn(e *entry, y, d [][]float64) {
	s := f.history
	at, dd := s.tape.at(e.state, s.size.Y, s.size.D)
	copy(s.d, dd)
	s.rhs(e.t, at, f.field)
	for i := e.lo; i < e.hi; i++ {
		for l := range y[i] {
			y[i][l] = f.y[l] - f.t*f.field[l]
		}
		copy(d[i], f.d)
	}
}
