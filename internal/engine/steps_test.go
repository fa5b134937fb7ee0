package engine

import (
	"reflect"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/compiler"
	"github.com/pinode/pinode/data"
	"github.com/pinode/pinode/sim"
	"github.com/pinode/pinode/solvers"
)

// TestStepInputs: signals are set at the times of the stages, each lane's at its own places: from the
// right where a piece begins, from the left behind.
func TestStepInputs(t *testing.T) {
	prog, err := compiler.Compile("m.node", "model M {\n  input u cubic\n  input w cubic\n  state x = 1\n  state y = 2\n  x' = u*x^2 + w\n  y' = w*u - x\n  event e when x >= 9 { x := 1 }\n}")
	require.NoError(t, err)
	r, err := NewRunner(&Compiled{Program: prog}, sim.Options{Method: solvers.Rodas5P}, 8, compiler.Want{Reverse: true}, false, 1)
	require.NoError(t, err)
	s := r.Workers[0].Lanes
	u := cubicInput(t)
	w, err := data.NewInterpolant(data.Signal{T: []float64{-1, 0.3, 1, 2, 3}, V: []float64{1, -1, 0.5, 0.2, 2}}, "cubic")
	require.NoError(t, err)
	require.True(t, s.HasInputs())
	for lane := range 8 {
		at, h := 0.1*float64(lane), 0.2+0.05*float64(lane)
		s.Time(lane, &BoundModel{System: r.Workers[0].System, Signals: []*data.Interpolant{u, w}, from: at}, at, h)
	}
	for lane := range 8 {
		at, h := 0.1*float64(lane), 0.2+0.05*float64(lane)
		require.Equal(t, []float64{at, h}, []float64{s.Blk.T[lane], s.Blk.H[lane]})
		for k, g := range []*data.Interpolant{u, w} {
			require.Equal(t, g.CurveAt(at), s.utt[k*8+lane])
			for i, c := range s.tab.C {
				v, rate := g.At(at + c*h)
				if s.u[i] != nil {
					require.InDelta(t, v, s.u[i][k*8+lane], 1e-12, "stage %d", i)
				}
				if s.ut[i] != nil {
					require.InDelta(t, rate, s.ut[i][k*8+lane], 1e-12, "stage %d", i)
				}
			}
		}
	}
	require.NotEmpty(t, s.utt)
	require.True(t, slices.ContainsFunc(s.u, func(v []float64) bool { return v != nil }))
	require.True(t, slices.ContainsFunc(s.ut, func(v []float64) bool { return v != nil }))
	for _, from := range []float64{0, 0.3} { // a kink of w's second derivative
		s.Time(2, &BoundModel{System: r.Workers[0].System, Signals: []*data.Interpolant{u, w}, from: from}, 0.3, 0.1)
		want := w.CurveBefore(0.3)
		if from == 0.3 {
			want = w.CurveAt(0.3)
		}
		require.Equal(t, want, s.utt[8+2])
	}
	require.NotEqual(t, w.CurveBefore(0.3), w.CurveAt(0.3))
}

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
