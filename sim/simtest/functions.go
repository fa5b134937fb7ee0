package simtest

import (
	"math"

	"github.com/pinode/pinode/sim"
)

// Run is a Model as package sim wants it.
type Run struct{ *Model }

// Init implements sim.Model.
func (m Run) Init(t float64, y, d []float64) {
	m.mem.used = 0
	y0, d0 := m.start(t, 0)
	values(y, y0)
	values(d, d0)
}

// RHS implements sim.Model.
func (m Run) RHS(t float64, y, d, dy []float64) {
	m.mem.used = 0
	f, _ := m.flow(m.at(t, y, d, 0), m.more(t, y, d, 1))
	values(dy, f)
}

// Guards implements sim.Model.
func (m Run) Guards(t float64, y, d []float64, held []bool, g, rate, accel []float64) {
	m.mem.used = 0
	x, next := m.at(t, y, d, 1), m.at(t, y, d, 2)
	f, _ := m.flow(x, next)
	f = free(f, held)
	flow := make([]float64, m.NY)
	values(flow, f)
	exits := len(m.Model.Guards) + len(m.Releases)
	for i := range g {
		if i >= exits {
			v := m.guard(i, x, next)
			g[i], rate[i] = v.V, m.lead(v, flow)
			if accel != nil {
				accel[i] = 0
			}
			continue
		}
		v := m.guard(i, next, nil)
		r := m.along(v, f)
		g[i], rate[i] = v.V, r.V
		if accel != nil {
			accel[i] = m.lead(r, flow)
		}
	}
}

// GuardsAlong implements sim.Model.
func (m Run) GuardsAlong(t float64, y, d, dy, g, rate []float64) {
	m.mem.used = 0
	x := m.at(t, y, d, 1)
	for i, guard := range m.Model.Guards {
		v := guard(x)
		g[i], rate[i] = v.V, m.lead(v, dy)
	}
}

// Spread implements sim.Model.
func (m Run) Spread(t float64, y, d, reach []float64, rt float64, g, rate []float64) {
	m.mem.used = 0
	x, next := m.at(t, y, d, 1), m.at(t, y, d, 2)
	f, _ := m.flow(x, next)
	n := len(m.Model.Guards) + len(m.Releases)
	for i := range n {
		v := m.guard(i, next, nil)
		r := m.along(v, f)
		for half := range 2 {
			g[half*n+i], rate[half*n+i] = m.spread(v, reach[half*m.NY:], rt), m.spread(r, reach[half*m.NY:], rt)
		}
	}
}

// spread is by how much v may change.
func (m Run) spread(v Jet, reach []float64, rt float64) float64 {
	if v.G == nil {
		return 0
	}
	sum := math.Abs(v.G[0]) * rt
	for k := range m.NY {
		sum += math.Abs(v.G[1+k]) * reach[k]
	}
	return sum
}

// Priorities implements sim.Model.
func (m Run) Priorities(t float64, y, d, v []float64) {
	m.mem.used = 0
	x := m.at(t, y, d, 0)
	for e := range m.Events {
		if v[e] = m.Hybrid.Events[e].Priority; m.Events[e].Priority != nil {
			v[e] = m.Events[e].Priority(x).V
		}
	}
}

// times are the scheduled scalars.
func (m Run) times(order int) (list []Jet) {
	x := m.at(0, nil, nil, order)
	for _, f := range m.Model.Times {
		list = append(list, f(x).Plus(m.Shift))
	}
	return list
}

// Times implements sim.Model.
func (m Run) Times(s []float64) {
	m.mem.used = 0
	values(s, m.times(0))
}

// event is the point at which what an event does is evaluated.
func (m Run) event(t float64, y, d, a []float64, order int) *Point {
	x := m.at(t, y, d, order)
	x.A = a
	return x
}

// Jump implements sim.Model.
func (m Run) Jump(e int, t float64, y, d, a, v []float64) {
	m.mem.used = 0
	values(v, m.Events[e].Jump(m.event(t, y, d, a, 0)))
}

// Rest implements sim.Model.
func (m Run) Rest(e int, t float64, y, d, v []float64) {
	m.mem.used = 0
	values(v, m.Events[e].Rest(m.event(t, y, d, nil, 0)))
}

// Delay implements sim.Model.
func (m Run) Delay(e int, t float64, y, d, a []float64) float64 {
	m.mem.used = 0
	return m.Events[e].Delay(m.event(t, y, d, a, 0)).V
}

// Floors implements sim.Model.
func (m Run) Floors(t float64, y, d, v []float64) {
	m.mem.used = 0
	x := m.at(t, y, d, 0)
	for i, f := range m.Model.Floors {
		v[i] = f(x).V
	}
}

// InitVJP implements sim.Reverse.
func (m Run) InitVJP(t float64, yCt, dCt []float64) float64 {
	m.mem.used = 0
	y, d := m.start(t, 1)
	return m.add(y, yCt, nil, nil, sim.WithParams) + m.add(d, dCt, nil, nil, sim.WithParams)
}

// RHSVJP implements sim.Reverse.
func (m Run) RHSVJP(t float64, y, d, ct, yBar, dBar []float64, params sim.Params) float64 {
	m.mem.used = 0
	f, _ := m.flow(m.at(t, y, d, 1), m.more(t, y, d, 2))
	return m.add(f, ct, yBar, dBar, params)
}

// GuardVJP implements sim.Reverse.
func (m Run) GuardVJP(t float64, y, d []float64, guard int, ct float64, yBar, dBar []float64, params sim.Params) float64 {
	m.mem.used = 0
	v := m.guard(guard, m.at(t, y, d, 1), m.more(t, y, d, 2))
	return m.add([]Jet{v}, []float64{ct}, yBar, dBar, params)
}

// TimesVJP implements sim.Reverse.
func (m Run) TimesVJP(ct []float64) {
	m.mem.used = 0
	m.add(m.times(1), ct, nil, nil, sim.WithParams)
}

// JumpVJP implements sim.Reverse.
func (m Run) JumpVJP(e int, t float64, y, d, a, ct, yBar, dBar []float64) float64 {
	m.mem.used = 0
	return m.add(m.Events[e].Jump(m.event(t, y, d, a, 1)), ct, yBar, dBar, sim.WithParams)
}

// RestVJP implements sim.Reverse.
func (m Run) RestVJP(e int, t float64, y, d, ct, yBar, dBar []float64) float64 {
	m.mem.used = 0
	return m.add(m.Events[e].Rest(m.event(t, y, d, nil, 1)), ct, yBar, dBar, sim.WithParams)
}

// DelayVJP implements sim.Reverse.
func (m Run) DelayVJP(e int, t float64, y, d, a []float64, ct float64, yBar, dBar []float64) float64 {
	m.mem.used = 0
	v := m.Events[e].Delay(m.event(t, y, d, a, 1))
	return m.add([]Jet{v}, []float64{ct}, yBar, dBar, sim.WithParams)
}

// InitJVP implements sim.Forward.
func (m Run) InitJVP(t, tDot float64, yDot, dDot []float64) {
	m.mem.used = 0
	y, d := m.start(t, 1)
	for i, v := range y {
		yDot[i] = m.push(v, tDot, nil, nil)
	}
	for i, v := range d {
		dDot[i] = m.push(v, tDot, nil, nil)
	}
}

// RHSJVP implements sim.Forward.
func (m Run) RHSJVP(t, tDot float64, y, yDot, d, dDot, out []float64) {
	m.mem.used = 0
	f, _ := m.flow(m.at(t, y, d, 1), m.more(t, y, d, 2))
	for i, v := range f {
		out[i] = m.push(v, tDot, yDot, dDot)
	}
}

// GuardJVP implements sim.Forward.
func (m Run) GuardJVP(t, tDot float64, y, yDot, d, dDot []float64, guard int) float64 {
	m.mem.used = 0
	return m.push(m.guard(guard, m.at(t, y, d, 1), m.more(t, y, d, 2)), tDot, yDot, dDot)
}

// TimesJVP implements sim.Forward.
func (m Run) TimesJVP(out []float64) {
	m.mem.used = 0
	for i, v := range m.times(1) {
		out[i] = m.push(v, 0, nil, nil)
	}
}

// JumpJVP implements sim.Forward.
func (m Run) JumpJVP(e int, t, tDot float64, y, yDot, d, dDot, a, out []float64) {
	m.mem.used = 0
	for i, v := range m.Events[e].Jump(m.event(t, y, d, a, 1)) {
		out[i] = m.push(v, tDot, yDot, dDot)
	}
}

// RestJVP implements sim.Forward.
func (m Run) RestJVP(e int, t, tDot float64, y, yDot, d, dDot, out []float64) {
	m.mem.used = 0
	for i, v := range m.Events[e].Rest(m.event(t, y, d, nil, 1)) {
		out[i] = m.push(v, tDot, yDot, dDot)
	}
}

// DelayJVP implements sim.Forward.
func (m Run) DelayJVP(e int, t, tDot float64, y, yDot, d, dDot, a []float64) float64 {
	m.mem.used = 0
	return m.push(m.Events[e].Delay(m.event(t, y, d, a, 1)), tDot, yDot, dDot)
}
