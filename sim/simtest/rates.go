package simtest

import "github.com/pinode/pinode/sim"

// Descends implements sim.Descending.
func (m *Model) Descends() bool { return m.Steep }

// guardRate is the rate of a guard.
func (m *Model) guardRate(t float64, y, d []float64, held []bool, guard int) Jet {
	m.mem.used = 0
	x, next := m.at(t, y, d, 1), m.at(t, y, d, 2)
	f, _ := m.flow(x, next)
	return m.along(m.guard(guard, next, nil), free(f, held))
}

// RateVJP implements sim.Descending.
func (m *Model) RateVJP(t float64, y, d []float64, held []bool, guard int, ct float64, yBar, dBar []float64) float64 {
	return m.add([]Jet{m.guardRate(t, y, d, held, guard)}, []float64{ct}, yBar, dBar, sim.WithParams)
}

// RateJVP implements sim.Descending.
func (m *Model) RateJVP(t, tDot float64, y, yDot, d, dDot []float64, held []bool, guard int) float64 {
	return m.push(m.guardRate(t, y, d, held, guard), tDot, yDot, dDot)
}
