package pinode

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestLabels(t *testing.T) {
	m, err := Load("models/bouncing_ball.node")
	require.NoError(t, err)
	require.Equal(t, map[string]string{"t": "t [s]", "height": "height [m]", "air": "air [m/s^2]", "air(0)": "v [m/s]"}, m.Labels())
	m, err = Parse("plain.node", `model M {
  state x[2] = 1
  neural f(x[2], u) -> [2] { hidden: [4] }
  x' = f(x, t)
  observe z[2] = x ~ normal(1)
}`)
	require.NoError(t, err)
	require.Equal(t, map[string]string{
		"t": "t", "z[0]": "z[0]", "z[1]": "z[1]", "f": "f", "f(0)": "x[0]", "f(1)": "x[1]", "f(2)": "u",
	}, m.Labels())
}
