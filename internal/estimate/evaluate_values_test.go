package estimate_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode"
)

// TestSetOneOfSeveral: a parameter of each subject that is set for one of them keeps the value of the file for
// the others.
func TestSetOneOfSeveral(t *testing.T) {
	m := fromText(t, `
		model M {
		  param k per id = 0.5
		  state x = 1
		  x' = -k*x
		  observe y = x ~ normal(0.1)
		}
		data d from "d.csv" { time: t, trajectory: id, y: y }`, "id,t,y\na,0,1\na,2,0.4\nb,0,1\nb,2,0.4\n")
	at := func(set map[string]float64) map[string]float64 {
		ev, err := m.Evaluate(t.Context(), pinode.EvaluateOptions{Set: set})
		require.NoError(t, err)
		return ev.At.Params
	}
	require.Equal(t, map[string]float64{"k{id=a}": 0.5, "k{id=b}": 1.1}, at(map[string]float64{"k{id=b}": 1.1}))
	require.Equal(t, map[string]float64{"k{id=a}": 2, "k{id=b}": 2}, at(map[string]float64{"k": 2}))
}
