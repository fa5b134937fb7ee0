package sim

import (
	"math"

	"github.com/pinode/pinode/solvers"
)

// Pieces that start on a surface on which the slope of the field is infinite and leave it at a finite rate, as an
// empty tank that is filled does: h' = q − k√h from h = 0. The derivative of the first step by h is infinite
// there. But what lies off the surface is what comes by a little later or earlier on its way from it: of such a
// start only the state on the surface matters, and the time.

// leaveSteep notes that the run leaves such a surface, if there is one and not several.
func leaveSteep(s *instant) {
	if m, ok := s.model.(Descending); !ok || s.size.Guards == 0 || !s.moving || !m.Descends() {
		return
	}
	s.evalGuards()
	steep := -1
	for j := range s.guards.own() {
		if s.hy.Flags[j] || !s.onSurface(j) || math.Abs(s.accel[j]) < math.Inf(1) || !(math.Abs(s.rate[j]) > s.here.fine.rate[j]) {
			continue
		}
		if steep >= 0 && !s.sameStates(j, steep) {
			return
		}
		steep = j
	}
	if steep >= 0 {
		s.record(entry{kind: steepEntry, ref: steep, t: s.t, state: s.tape.keep(s.y, s.d), lo: s.saves.next, hi: s.saves.next})
	}
}

// resolveSteep shortens the next step where the field bends at its start as a root does, of which the error estimates of methods,
// that count on an order, see little: to that in which a step of Euler's method is as good as the tolerances ask for.
func resolveSteep(s *stepping) {
	m, ok := s.model.(Descending)
	if !ok || !m.Descends() || s.size.Guards == 0 || !s.moving {
		return
	}
	n := len(s.y)
	room := make([]float64, 3*n)
	start, there, y := room[:n], room[n:2*n], room[2*n:]
	s.rhs(s.t, s.y, start)
	bent := func(h float64) (most float64) { // by how many tolerances the field is another in the time h
		for l, v := range s.y {
			y[l] = v + h*start[l]
		}
		s.rhs(s.t+h, y, there)
		for l, v := range there {
			most = math.Max(most, math.Abs(v-start[l])/math.FMA(s.opt.RTol, math.Abs(s.y[l]), s.opt.atol(l)))
		}
		return most
	}
	if now := bent(s.h); !(bent(s.h/100) > now/30) || !finite(room) {
		return
	}
	for range 8 {
		off := s.h * bent(s.h)
		if !(off > 1) {
			return
		}
		s.h = math.Max(s.h*math.Max(math.Pow(off, -2./3), 1e-3), 64*ulp(s.t))
	}
}

// steepOn takes the tangents along the motion to the surface of a guard.
func steepOn(f *forward, e *entry) {
	s := f.history
	y, d := s.tape.at(e.state, s.size.Y, s.size.D)
	copy(s.d, d)
	s.rhs(e.t, y, f.field)
	values := newGuardValues(s.size.Guards)
	s.model.Guards(e.t, y, s.d, s.held, values.g, values.rate, nil)
	f.each(func() {
		later := -f.m.GuardJVP(e.t, f.t[f.at], y, f.cy, d, f.cd, e.ref) / values.rate[e.ref]
		axpy(f.cy, later, f.field)
		f.t[f.at] += later
	})
	f.falls.steep = e
}

// steepBack is the way back.
func steepBack(r *reverse, e *entry) {
	s := r.history
	y, d := s.tape.at(e.state, s.size.Y, s.size.D)
	copy(s.d, d)
	s.rhs(e.t, y, r.in)
	clear(r.gy)
	clear(r.gd)
	gt := r.m.GuardVJP(e.t, y, s.d, e.ref, 1, r.gy, r.gd, WithoutParams)
	rate := gt + dot(r.gy, r.in)
	off := -(r.bar.t + dot(r.bar.y, r.in)) / rate
	r.bar.t += r.m.GuardVJP(e.t, y, s.d, e.ref, off, r.bar.y, r.bar.d, WithParams)
}

// besideSteep moves the start of the first step behind a steepEntry, which is in a lane, as little off the surface as the
// numbers can tell, so that the slope there is a number: what it is does not matter, as steepBack says.
func besideSteep(r *reverse, blk *solvers.Block, lane int) {
	s := r.history
	if r.at == 0 || s.tape.entries[r.at-1].kind != steepEntry || len(r.before) > 0 ||
		r.record >= 0 && s.group.hist.previous(r.e.ref, r.record, lane) >= 0 {
		return
	}
	e := &s.tape.entries[r.at-1]
	y, d := s.tape.at(e.state, s.size.Y, s.size.D)
	copy(s.d, d)
	for l, v := range beside(s, e, y) {
		blk.Y[0][l*blk.Width+lane] = v
	}
}

// beside is the state of a steepEntry, moved off the surface of its guard to where the motion leads, as little as the numbers can
// tell.
func beside(s *history, e *entry, y []float64) []float64 {
	at, flow := newGuardValues(s.size.Guards), make([]float64, len(y))
	along := func() float64 {
		s.model.GuardsAlong(e.t, y, s.d, flow, at.g, at.rate)
		return at.rate[e.ref]
	}
	drift := along()
	across, size, most := make([]float64, len(y)), 0., 0.
	for l, v := range y {
		flow[l] = 1
		across[l] = along() - drift
		flow[l] = 0
		size, most = math.Max(size, math.Max(math.Abs(v), s.opt.atol(l))), math.Max(most, math.Abs(across[l]))
	}
	s.rhs(e.t, y, flow)
	if most = math.Copysign(most, along()); most == 0 {
		return y
	}
	for l, v := range y {
		across[l] = v + least*size*across[l]/most
	}
	return across
}

// besideSteepOn is besideSteep on the way forward, where the slope meets tangents that are nothing but for round-off.
func besideSteepOn(f *forward) {
	e := f.falls.steep
	if f.falls.steep = nil; e == nil {
		return
	}
	s := f.history
	y, d := s.tape.at(e.state, s.size.Y, s.size.D)
	copy(s.d, d)
	copy(s.stepper.Y[0], beside(s, e, y))
}

// least is by how much of itself the state is moved for it.
const least = 1e-11
