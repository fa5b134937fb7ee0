package simtest

import (
	"github.com/pinode/pinode/internal/sparse"
	"github.com/pinode/pinode/sim"
)

// Pattern implements sim.Linearised.
func (m *Model) Pattern([]float64) *sparse.Pattern {
	if m.dense == nil {
		m.dense = sparse.Full(m.NY)
	}
	return m.dense
}

// Jacobian implements sim.Linearised.
func (m *Model) Jacobian(t float64, y, d, values, byTime []float64) {
	m.mem.used = 0
	f, _ := m.flow(m.at(t, y, d, 1), m.more(t, y, d, 2))
	clear(values)
	clear(byTime)
	for i, v := range f {
		if v.G != nil {
			byTime[i] = v.G[0]
			copy(values[i*m.NY:(i+1)*m.NY], v.G[1:])
		}
	}
}

// curve is the derivative of the field along u in the states and τ in time.
func (m *Model) curve(t float64, y, d, u []float64, tau float64) []Jet {
	m.mem.used = 0
	f, _ := m.flow(m.at(t, y, d, 2), m.more(t, y, d, 2))
	out := make([]Jet, len(f))
	for i, v := range f {
		out[i] = v.partial(0).Scale(tau)
		for k, x := range u {
			out[i] = out[i].Add(v.partial(1 + k).Scale(x))
		}
	}
	return out
}

// JacobianVJP implements sim.Curved.
func (m *Model) JacobianVJP(t float64, y, d, lambda, u []float64, tau float64, yBar, dBar []float64, params sim.Params) float64 {
	return m.add(m.curve(t, y, d, u, tau), lambda, yBar, dBar, params)
}

// JacobianJVP implements sim.Curved.
func (m *Model) JacobianJVP(t, tDot float64, y, yDot, d, dDot, u []float64, tau float64, out []float64) {
	for i, v := range m.curve(t, y, d, u, tau) {
		out[i] = m.push(v, tDot, yDot, dDot)
	}
}
