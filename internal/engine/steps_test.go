package engine

import (
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/solvers"
)

// TestMethodIsComplete: the compiler is told all of a method that it has a place for, and
// that is the method's own.
func TestMethodIsComplete(t *testing.T) {
	adaptive := 0
	for _, tab := range solvers.Methods {
		m := Method(tab)
		if !tab.Whole() {
			require.Nil(t, m, tab.Name)
			continue
		}
		v := reflect.ValueOf(*m)
		for _, f := range reflect.VisibleFields(v.Type()) {
			if f.Name == "E" && !tab.Adaptive() {
				require.Nil(t, m.E, tab.Name)
				continue
			}
			if f.Name == "E2" || f.Name == "Parts" {
				continue
			}
			if tab.Family != solvers.Rosenbrock && (f.Name == "Gamma" || f.Name == "Couple" || f.Name == "Slope") {
				require.True(t, v.FieldByIndex(f.Index).IsZero(), "%s of %s", f.Name, tab.Name)
				continue
			}
			require.False(t, v.FieldByIndex(f.Index).IsZero(), "%s of %s", f.Name, tab.Name)
		}
		if tab.Adaptive() {
			adaptive++
			c := reflect.ValueOf(m.Control)
			for i := range c.NumField() {
				require.Positive(t, c.Field(i).Float(), "%s of %s", c.Type().Field(i).Name, tab.Name)
			}
		}
		require.Equal(t, tab.C, m.C)
		require.Equal(t, tab.A, m.A)
		require.Equal(t, tab.E, m.E)
		require.Equal(t, tab.E2, m.E2)
		require.Equal(t, tab.Gamma, m.Gamma)
		require.Equal(t, tab.Couple, m.Couple)
		require.Equal(t, tab.Slope, m.Slope)
		require.Equal(t, tab.Control(), m.Control)
		require.Equal(t, tab.Bernstein(), m.Bernstein)
		require.Len(t, m.A[m.End], m.End, "the row of the end of the step")
	}
	require.Positive(t, adaptive)
}
