package compiler

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Units are named as the file declares them, where it does: V*s is no Wb, and g/L no kg/m^3.
func TestUnitsAsDeclared(t *testing.T) {
	p, err := Compile("m.node", `model M {
  time t: min
  param K: V*s in (0, inf) = 1
  param half: g/L in (0, inf) = 1
  param speed: rpm in (0, inf) = 1
  param rate in (0, inf) = 1
  state c: g/L = 1
  state turned: rpm*min = 0
  c' = -rate*c*half/(half + c)
  turned' = speed
  state flux: V*s = 0 [V*s]
  flux' = -rate*K
}`)
	require.NoError(t, err)
	units := map[string]string{}
	for _, q := range append(p.Parameters(), p.States()...) {
		units[q.Name] = q.Unit
	}
	require.Equal(t, map[string]string{"K": "V*s", "half": "g/L", "speed": "rpm", "rate": "1/min", "c": "g/L", "turned": "rpm*min", "flux": "V*s"}, units)
}
