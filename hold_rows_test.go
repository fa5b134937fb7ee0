package pinode

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestRowsReadTheirInputs: what a row fires reads the inputs of that row and of those above
// it, not what a row below gives for the same time; so do derivatives.
func TestRowsReadTheirInputs(t *testing.T) {
	m := fromText(t, `model A {
  param g = 0.5
  input u hold
  state x = 1
  x' = 0
  event dose(amount) on data { x := x + g*u*amount }
  observe y = x ~ normal(1)
}
data d from "d.csv" { time: t; u: u; y: y; dose: { amount: amt } }
simulate { step: 1 }`, "t,u,y,amt\n0,1,,\n1,,,10\n1,4,,\n2,,,100\n2,5,,1000\n2,6,,\n3,,5,\n")
	s, err := m.Simulate(context.Background(), SimulateOptions{})
	require.NoError(t, err)
	rows := s.Trajectories[0].Rows
	require.InDelta(t, 1+0.5*(1*10+4*100+5*1000), rows[len(rows)-1][1], 1e-9)
	c, err := m.Certify(t.Context(), 10)
	require.NoError(t, err)
	require.True(t, c.Certified(), "%s: %s: %g", c.Mode, c.Where, c.Worst)
}

// TestObservationReadsItsInputs: of an event on observations too.
func TestObservationReadsItsInputs(t *testing.T) {
	m := fromText(t, `model A {
  param g = 0.5
  input u hold
  state x = 1
  x' = 0
  event seen on observation { x += g*u }
  observe y = before(x) ~ normal(1)
}
data d from "d.csv" { time: t; u: u; y: y }
simulate { step: 1 }`, "t,u,y\n0,1,\n1,,7\n1,4,\n2,,8\n3,,\n")
	s, err := m.Simulate(context.Background(), SimulateOptions{})
	require.NoError(t, err)
	rows := s.Trajectories[0].Rows
	require.InDelta(t, 1+0.5*(1+4), rows[len(rows)-1][1], 1e-9)
}
