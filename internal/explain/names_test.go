package explain_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/compiler"
	"github.com/pinode/pinode/dsl/diag"
	"github.com/pinode/pinode/internal/engine"
	"github.com/pinode/pinode/internal/explain"
	"github.com/pinode/pinode/sim"
)

func compiled(t *testing.T, text string) *compiler.Program {
	t.Helper()
	p, err := compiler.Compile("m.node", text)
	require.NoError(t, err)
	return p
}

// TestSurfacesOfRecords: the switches of a run are those of the simulator, which joins
// conditions of one guard.
func TestSurfacesOfRecords(t *testing.T) {
	p := compiled(t, `model M {
  state x = 1
  state y = 1
  x' = -sign(x) + (if x > 0 then 1 else 2) + (if y > 2 then 1 else 0)
  y' = sign(y - 1) + (if y - 2 > 0 then 3 else 0)
  event low when x < 0 { x := 0 }
}`)
	hy := engine.NewHybrid(p)
	require.Less(t, len(hy.Switches), len(p.Model.Switches), "conditions of one guard")
	require.Greater(t, len(hy.Switches), 2)
	for i, w := range hy.Switches {
		for kind, want := range map[sim.RecordKind]string{sim.SlideStart: "slide", sim.SlideEnd: "slide end"} {
			name, surface := explain.RecordName(p, &sim.Record{Kind: kind, Switch: i, Event: -1})
			require.Equal(t, want, name)
			require.Equal(t, p.Model.Guards[w.Guard].Text, surface)
		}
	}
	name, surface := explain.RecordName(p, &sim.Record{Event: 0})
	require.Equal(t, "low", name)
	require.Empty(t, surface)
}

// TestColumnNames: observations with the name of a state have another, units are those
// of each column.
func TestColumnNames(t *testing.T) {
	p := compiled(t, `model M {
  time t: s
  state x: m = 1
  state v[2]: m/s = [1, 2]
  discrete n = 0
  x' = v[0]
  v' = [0 , 0]
  let far = 2*x
  event up at t = 1 { n := 1 }
  observe x = x
}`)
	names, units := explain.ColumnNames(p)
	require.Equal(t, []string{"t", "x", "v[0]", "v[1]", "n", "far", "x_obs"}, names)
	require.Equal(t, []string{"s", "m", "m/s", "m/s", "", "m", "m"}, units)
	require.Equal(t, []string{"x", "v[0]", "v[1]", "n"}, explain.StateNames(p))
	require.Equal(t, []string{"x"}, explain.ObservationNames(p))
	require.Equal(t, "3 states · 1 event", explain.Describe(p))
}

// TestFailureNamesTheEquation: a run that blows up is told by its largest state, with
// the equation and its place.
func TestFailureNamesTheEquation(t *testing.T) {
	p := compiled(t, "model M {\n  time t: s\n  param k: 1/s = 1\n  state x: m = 1\n  state y = 1\n  x' = k*x/(3 + y)\n  y' = -k*y\n}")
	f := sim.NewFailure(sim.Unstable, 1, "it grew")
	f.Y = []float64{-7e9, 3}
	require.Equal(t, "it grew; `x` = -7e+09 m, by the equation at m.node:6:8: x' = k*x/(3 + y)", explain.Failure(p, f))
	f.State = 1
	require.Equal(t, "it grew: `y`, by the equation at m.node:7:8: y' = -k*y", explain.Failure(p, f))
}

// TestUndefinedDiscrete: a discrete variable that is no number is named, by its own place,
// and no state is blamed for it; an infinite one fails nothing.
func TestUndefinedDiscrete(t *testing.T) {
	p := compiled(t, `model M {
  state x = 3000
  discrete n = -inf
  discrete a[2] = 0
  x' = 1
  event up at t = 1 { a[1] := n; n := 1 }
}`)
	f := sim.NewFailure(sim.Unstable, 0, "the initial state is not finite")
	f.Y, f.D = []float64{3000}, []float64{math.Inf(-1), 0, math.NaN()}
	require.Equal(t, "the initial state is not finite; the discrete variable `a[1]` at m.node:4:12 is not a number", explain.Failure(p, f))
	f.D[2], f.Y[0] = 0, math.NaN()
	require.Equal(t, "the initial state is not finite; `x` = NaN , by the equation at m.node:5:8: x' = 1", explain.Failure(p, f))
}

// TestUnproven: what is said of steps in which a crossing may have been missed.
func TestUnproven(t *testing.T) {
	p := compiled(t, "model M {\n  state x = 1\n  x' = 1\n  event up when x >= 2 { x := 0 }\n}")
	require.Empty(t, explain.Unproven(p, &sim.Stats{}))
	require.Equal(t, "in 1 step it is not proved that nothing crossed unseen, of `x >= 2` at m.node:4:17; a smaller `rtol`, or shorter steps, leave less room for it",
		explain.Unproven(p, &sim.Stats{Unproven: 1}))
	require.Contains(t, explain.Unproven(p, &sim.Stats{Unproven: 12}), "in 12 steps it")
}

// TestPlacesOfStates: the state that held steps down most is counted from one, through the
// components of those before it; units and conserved quantities are by name.
func TestPlacesOfStates(t *testing.T) {
	p := compiled(t, `model M {
  time t: s
  state v[2]: m/s = [1, 2]
  state x: m = 1
  v' = [0, 0]
  x' = v[0]
  conserve momentum = v[0]
  conserve other = v[1]
}`)
	for k, want := range []string{"v[0]", "v[1]", "x"} {
		steps, name := explain.Stiffest(p, &sim.Stats{Stiff: 7, Stiffest: k + 1})
		require.Equal(t, 7, steps)
		require.Equal(t, want, name)
	}
	steps, name := explain.Stiffest(p, &sim.Stats{Stiffest: 2})
	require.Zero(t, steps)
	require.Empty(t, name)
	require.Equal(t, []string{"momentum", "other"}, explain.ConservedNames(p))
	units := []string{}
	for _, s := range p.Checked.Model.States {
		units = append(units, explain.UnitOf(p, &s.Obj))
	}
	require.Equal(t, []string{"m/s", "m"}, units)
}

// TestInferredUnits: units that nobody has written, with their names; numbers have none.
func TestInferredUnits(t *testing.T) {
	p := compiled(t, `model M {
  time t: s
  state x: m = 1
  param k = 0.5
  x' = -k*x
  let twice = 2*x
  let part = x/(1 [m])
  observe far: m = x
}`)
	require.ElementsMatch(t, []string{"k: 1/s", "twice: m"}, explain.InferredUnits(p))
	labels := explain.Labels(p)
	require.Equal(t, "t [s]", labels["t"])
	require.Equal(t, "far [m]", labels["far"])
}

// TestStiffness: runs of which stability held down most steps, a thousand at least, are warned
// of, by the state of the worst.
func TestStiffness(t *testing.T) {
	p := compiled(t, "model M {\n  state a = 1\n  state b = 1\n  a' = -a\n  b' = -1000*b\n}")
	warned := func(stats ...sim.Stats) string {
		l := &diag.List{}
		explain.Stiffness(p, l, stats, sim.Options{ATol: 1e-6})
		if len(l.All) == 0 {
			return ""
		}
		require.Len(t, l.All, 1)
		return l.All[0].Message
	}
	calm := sim.Stats{Steps: 5000, Stiff: 999, Stiffest: 2}
	require.Empty(t, warned(calm))
	require.Empty(t, warned(sim.Stats{Steps: 3000, Rejected: 1, Stiff: 1500, Stiffest: 2}))
	require.Equal(t, "the model is stiff: stability, and not the error, held down some 1500 of 3000 steps, most of all for `b`",
		warned(sim.Stats{Steps: 2990, Rejected: 10, Stiff: 1500, Stiffest: 2}))
	require.Equal(t, "the model is stiff: stability, and not the error, held down some 1600 of 2000 steps in the worst run, most of all for `a`",
		warned(calm, sim.Stats{Steps: 2000, Stiff: 1500, Stiffest: 2}, sim.Stats{Steps: 2000, Stiff: 1600, Stiffest: 1}))
}
