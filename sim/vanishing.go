package sim

import "math"

// The end of an overflow: over a weir, d' = q(t) − k√d with an inflow q that falls through zero, d comes to zero at
// the time at which q does, whatever the start was and the weir is. Every neighbour of the run comes to the surface
// there: nothing is left of how they differ, off the surface. Near that place both rates are nothing, and what a step makes
// of their quotient is chance.

// vanishing is where a guard comes to its surface from the side of a root whose rate there vanishes with it.
type vanishing struct {
	guard int       // or −1
	off   []float64 // where the root leads, off the surface
	rate  float64   // of the guard by that
	rows  [4][]float64
}

// noteVanishing looks for such a guard among those of switches that cross at this instant, before these turn, and lets
// it rest on its surface, in the branch of the other side, until it clearly leaves.
func (s *switches) noteVanishing() {
	v := &s.vanishes
	v.guard = -1
	if s.came.end != endRoot && s.came.end != endFixed { // a descent to a rest is one already
		return
	}
	for j := range s.guards.own() {
		if s.lately[j].crossed && v.guard < 0 && s.vanishesAt(j) {
			v.guard = j
			restOn(s, j, float64(truth(s.det.Side[j] < 0)))
		}
	}
}

// vanishesAt reports whether guard j, of a switch, does: where it is off its surface by what the tolerances allow, the rate that leads it
// there is more than what it has on the surface, with a slope that grows without bound towards it.
func (s *switches) vanishesAt(j int) bool {
	m, ok := s.model.(Descending)
	if !ok || !m.Descends() || s.switchOf[j] < 0 || s.hy.Switches[s.switchOf[j]].Root || s.det.Side[j] == 0 {
		return false // what rests at the edge of its own root is a descent
	}
	v := &s.vanishes
	if v.off == nil {
		for _, list := range [...]*[]float64{&v.off, &v.rows[0], &v.rows[1], &v.rows[2], &v.rows[3]} {
			*list = make([]float64, s.size.Y)
		}
	}
	side, within := float64(s.det.Side[j]), s.here.coarse.g[j]
	there, across, beside, beyond := v.rows[0], v.rows[1], v.rows[2], v.rows[3]
	at := &s.inBranch
	along := func(flow []float64) float64 {
		s.model.GuardsAlong(s.t, s.y, s.d, flow, at.g, at.rate)
		return at.rate[j]
	}
	clear(beside)
	drift, size := along(beside), 0.
	for l := range across {
		beside[l] = 1
		across[l] = along(beside) - drift
		size += across[l] * across[l]
		beside[l] = 0
	}
	if !(size > 0) {
		return false
	}
	place := func(g float64, rates []float64) { // where the guard is g
		for l, x := range across {
			beside[l] = s.y[l] + (g-s.g[j])*x/size
		}
		s.rhs(s.t, beside, rates)
	}
	toSurface := func(far float64) float64 { // what the rate of the guard has more, so far off its surface
		place(side*far, v.off)
		axpy(v.off, -1, there)
		v.rate = dot(across, v.off)
		return -side * v.rate
	}
	place(-side*s.here.fine.g[j], there)
	near := toSurface(within / 100)
	far := toSurface(within)
	if !(finite(there) && near > 0 && far < 30*near && math.Abs(drift+dot(across, there)) < far && finite(v.off)) {
		return false
	}
	was := append(s.room[:0], s.d...) // beyond the surface there is to be no root, towards which it would rest too
	s.room = was
	s.setModes(s.switchOf[j], float64(truth(side < 0)))
	place(-side*within, beyond)
	copy(s.d, was)
	axpy(beyond, -1, there)
	return math.Abs(dot(across, beyond)) < far/100
}

// leaveNothing records it, once the instant is over, if nothing has jumped.
func leaveNothing(s *instant) {
	if v := &s.switches.vanishes; v.guard >= 0 && s.micros == 0 {
		s.record(entry{
			kind: vanishEntry, ref: v.guard, t: s.t, h: v.rate, more: s.tape.keep(v.off, s.d), state: s.tape.keep(s.y, s.d),
			lo: s.saves.next, hi: s.saves.next,
		})
	}
	s.switches.vanishes.guard = -1
}

// vanishOn takes the tangents to the surface of the guard at the time that it is now.
func vanishOn(f *forward, e *entry) {
	s := f.history
	y, d := s.tape.at(e.state, s.size.Y, s.size.D)
	off, _ := s.tape.at(e.more, s.size.Y, s.size.D)
	copy(s.d, d)
	s.rhs(e.t, y, f.field)
	f.each(func() {
		axpy(f.cy, -f.t[f.at], f.field)
		f.t[f.at] = 0
		axpy(f.cy, -f.m.GuardJVP(e.t, 0, y, f.cy, d, f.cd, e.ref)/e.h, off)
	})
}

// vanishBack is the way back.
func vanishBack(r *reverse, e *entry) {
	s := r.history
	y, d := s.tape.at(e.state, s.size.Y, s.size.D)
	off, _ := s.tape.at(e.more, s.size.Y, s.size.D)
	copy(s.d, d)
	s.rhs(e.t, y, r.in)
	r.m.GuardVJP(e.t, y, s.d, e.ref, -dot(r.bar.y, off)/e.h, r.bar.y, r.bar.d, WithParams)
	r.bar.t = -dot(r.bar.y, r.in)
}
