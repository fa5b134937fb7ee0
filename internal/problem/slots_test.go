package problem_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/internal/problem"
	"github.com/pinode/pinode/internal/problem/problemtest"
)

// mustX0 is the start of a space in coordinates.
func mustX0(t *testing.T, sp *problem.Space) []float64 {
	t.Helper()
	x, err := sp.X0()
	require.NoError(t, err)
	return x
}

// TestSlots: what a name says is found where a run reads it, and belongs to the trajectories
// of its key.
func TestSlots(t *testing.T) {
	f := problemtest.Load(t, `model M {
  covariate w[2]
  covariate v
  param a[2] in (0, inf) = [1, 2]
  param r per site in (0, 9) = 1
  param q[2] per g in (-5, 5) = [3, 4]
  state x[2] = [v, a[1]]
  x' = -q*x*r
  observe y = x[0] + w[1]
}
data d from "data.csv" { time: t, trajectory: [g, site], y: y, v: v, w: [v, v] }
`, "g,site,v,t,y\na,n,-1,0,1\na,n,-1,1,5\nb,s,3,1,2\nb,n,4,1,2\n")
	sp, lay := f.Space, &f.Prog.Model.Layout
	at := map[string]int{}
	for _, s := range lay.Params {
		at[s.Object.Info().Name] = s.Off
	}
	for _, s := range lay.Trajectory {
		at[s.Object.Info().Name] = s.Off
	}
	for _, s := range lay.States {
		at[s.Object.Info().Name] = s.Off
	}
	for _, c := range []struct {
		name string
		kind problem.SlotKind
		at   int
		of   [3]bool // which trajectories
	}{
		{"a[0]", problem.SharedSlot, at["a"], [3]bool{true, true, true}},
		{"a[1]", problem.SharedSlot, at["a"] + 1, [3]bool{true, true, true}},
		{"q[1]", problem.OwnSlot, at["q"] + 1, [3]bool{true, true, true}},
		{"q[1]{g=b}", problem.OwnSlot, at["q"] + 1, [3]bool{false, true, true}},
		{"q[0]{g=a}", problem.OwnSlot, at["q"], [3]bool{true, false, false}},
		{"r{site=n}", problem.OwnSlot, at["r"], [3]bool{true, false, true}},
		{"v", problem.OwnSlot, at["v"], [3]bool{true, true, true}},
		{"w[1]", problem.OwnSlot, at["w"] + 1, [3]bool{true, true, true}},
		{"x[1]", problem.InitialSlot, at["x"] + 1, [3]bool{true, true, true}},
	} {
		s, err := sp.Slot(c.name)
		require.NoError(t, err, c.name)
		require.Equal(t, c.name, s.Name)
		require.Equal(t, []int{int(c.kind), c.at}, []int{int(s.Kind), s.At}, c.name)
		for i, it := range f.Trajectories {
			require.Equal(t, c.of[i], s.Of(it), "%s of %s", c.name, it.Name)
		}
	}
	for name, v := range map[string]float64{"a[1]": 0, "q[0]": 5, "q[1]{g=b}": -6, "r{site=s}": 9} {
		s, err := sp.Slot(name)
		require.NoError(t, err)
		require.ErrorContains(t, s.Check(v), name+" = ", "outside of the interval of its parameter")
		require.NoError(t, s.Check(1.5))
	}
	s, err := sp.Slot("v")
	require.NoError(t, err)
	require.NoError(t, s.Check(-1e300), "a covariate has no interval")
	for _, name := range []string{"z", "q[1]{g=c}", "q[1]{site=n}", "r{g=a}", "a[2]", "q[2]{g=a}"} {
		_, err := sp.Slot(name)
		require.ErrorContains(t, err, "the model has no parameter `"+name+"`; it has a[0], a[1], q[0]{g=a}")
	}
}

// TestKeys: a value for each key has the keys of the trajectories, in the order in which they come.
func TestKeys(t *testing.T) {
	const model = `model M {
  covariate v
  const base = 2
  param q[2] per %s = base*v
  state x = 1
  x' = -q[0]*x
  observe y = q[1]*x
}
data d from "data.csv" { time: t, %sy: y, v: v }
`
	rows := "g,site,v,t,y\na,n,-1,0,1\nb,s,3,1,2\nb,n,4,1,2\n"
	names := func(per, keys string) (list []string, values []float64, which [][]int) {
		f := problemtest.Load(t, fmt.Sprintf(model, per, keys), rows)
		for _, e := range f.Space.Estimates {
			list, values = append(list, e.Name), append(values, e.Value)
		}
		for _, it := range f.Trajectories {
			which = append(which, it.Keys)
		}
		return list, values, which
	}
	both := "trajectory: [g, site], "
	list, values, which := names("site", both)
	require.Equal(t, []string{"q[0]{site=n}", "q[1]{site=n}", "q[0]{site=s}", "q[1]{site=s}"}, list)
	require.Equal(t, []float64{-2, -2, 6, 6}, values, "by the first trajectory of the key")
	require.Equal(t, [][]int{{0}, {1}, {0}}, which)
	list, values, which = names("trajectory", both)
	require.Equal(t, "q[0]{g=b, site=s}", list[2])
	require.Equal(t, []float64{-2, -2, 6, 6, 8, 8}, values)
	require.Equal(t, [][]int{{0}, {1}, {2}}, which)
	list, _, _ = names("site, g", both)
	require.Equal(t, "q[1]{site=s,g=b}", list[3])

	refused := func(per, keys, want string) {
		from := problemtest.Open(t, fmt.Sprintf(model, per, keys), "g,site,v,t,y\na,n,-1,0,1\n")
		list, err := from.Trajectories(0)
		require.NoError(t, err)
		_, err = problem.NewSpace(from.Prog, list, 1)
		require.EqualError(t, err, want)
	}
	refused("farm", both, "`q` is per farm, which is not among the keys that make a trajectory in the data block, `trajectory: [g, site]`")
	refused("g", "", "`q` is per g, which is not among the keys that make a trajectory in the data block, which has none: name the column by `trajectory:`")
}

// TestTold: values that tell a parameter for some keys only are refused for a trajectory of another.
func TestTold(t *testing.T) {
	f := problemtest.Load(t, several, severalRows)
	v := func(names ...string) *problem.Values {
		v := &problem.Values{Params: map[string]float64{}}
		for _, n := range names {
			v.Params[n] = 1
		}
		return v
	}
	require.NoError(t, f.Space.Told(nil))
	require.NoError(t, f.Space.Told(v("a[0]")), "of no key: nothing was learned of any")
	require.NoError(t, f.Space.Told(v("q{g=a}", "q{g=b}")))
	require.NoError(t, f.Space.Told(v("q{g=a}", "q")))
	require.NoError(t, f.Space.Told(v("q{g=a}"), "q{g=b}"))
	require.NoError(t, f.Space.Told(v("q{g=a}"), "q"))
	require.ErrorContains(t, f.Space.Told(v("q{g=a}")), "nothing tells `q{g=b}`: the values are those of a fit without g=b")
	require.ErrorContains(t, f.Space.Told(v("q{g=c}"), "z"), "nothing tells `q{g=a}`: the values are those of a fit without g=a")
	fixed := problemtest.Load(t, `model M {
  param q per g = 2 fixed
  state x = 1
  x' = -q*x
  observe y = x
}
data d from "data.csv" { time: t, trajectory: g, y: y }
`, severalRows)
	require.NoError(t, fixed.Space.Told(v("q{g=a}")), "what is fixed is not learned")
}

// TestNodes: coordinates that are added stand behind all others, and start as they are told.
func TestNodes(t *testing.T) {
	sp := problemtest.Load(t, several, severalRows).Space
	more := sp.WithNodes([]float64{7, 8, 9})
	require.Equal(t, sp.Dim+3, more.Dim)
	x, err := sp.X0()
	require.NoError(t, err)
	y, err := more.X0()
	require.NoError(t, err)
	require.Equal(t, append(x, 7, 8, 9), y)
	require.Len(t, sp.Nodes, 0, "the space itself stays")
}

// TestCoordinates: the weights of an array stand among the coordinates from its own on; those that
// are frozen do not.
func TestCoordinates(t *testing.T) {
	sp := problemtest.Load(t, several, severalRows).Space
	x, err := sp.X0()
	require.NoError(t, err)
	free := 0
	for _, w := range sp.Prog.Model.Layout.Weights {
		at := sp.CoordinateOf(w)
		if w.Frozen {
			require.Equal(t, -1, at, w.Name)
			continue
		}
		require.Equal(t, len(sp.Params)+free, at, w.Name)
		free += w.Shape.Size()
		for k := range w.Shape.Size() {
			x[at+k] = 100*float64(at) + float64(k)
		}
		got := sp.ValuesAt(x).Weights[w.Name]
		for k := range got {
			require.Equal(t, 100*float64(at)+float64(k), got[k])
		}
	}
	require.Equal(t, sp.Dim, len(sp.Params)+free)
}

// TestStartValues: one number stands for all elements, several for one each.
func TestStartValues(t *testing.T) {
	sp := problemtest.Load(t, `model M {
  const n = 3
  param b[3] = 2*n
  param a[2] = [1, n] fixed
  param c[2] = [4, 5]
  state x = 1
  x' = -a[0]*x + sum(b) + c[1]
  observe y = x
}
data d from "data.csv" { time: t, y: y }
`, "t,y\n0,1\n").Space
	want := map[string]float64{"a[0]": 1, "a[1]": 3, "b[0]": 6, "b[1]": 6, "b[2]": 6, "c[0]": 4, "c[1]": 5}
	for _, e := range sp.Estimates {
		require.Equal(t, []float64{want[e.Name], want[e.Name]}, []float64{e.Value, e.Start}, e.Name)
		require.Equal(t, e.Name[0] == 'a', e.Fixed)
	}
	require.Equal(t, []float64{6, 6, 6, 4, 5}, sp.Natural())
}

// TestSharedInputs: what is not fitted stands as it starts, before, between and behind what is.
func TestSharedInputs(t *testing.T) {
	sp := problemtest.Load(t, several, severalRows).Space
	x := mustX0(t, sp)
	for i := range x {
		x[i] += 0.01 * float64(i+1)
	}
	nat := make([]float64, len(sp.Params))
	got := sp.SharedAt(x, nat)
	lay := &sp.Prog.Model.Layout
	values := sp.ValuesAt(x)
	for _, w := range lay.Weights {
		require.Equal(t, values.Weights[w.Name], got[w.Off:w.Off+w.Shape.Size()], w.Name)
		if w.Frozen {
			require.Equal(t, sp.P[w.Off:w.Off+w.Shape.Size()], got[w.Off:w.Off+w.Shape.Size()])
		}
	}
	for _, s := range lay.Params {
		if name := s.Object.Info().Name; name == "c" {
			require.Equal(t, 4., got[s.Off])
		}
	}
	alone := problemtest.Load(t, `model M {
  neural f(x) -> 1 { hidden: [2] }
  state x = 1
  x' = f(x)
  observe y = x
}
data d from "data.csv" { time: t, y: y }
`, "t,y\n0,1\n").Space
	x = mustX0(t, alone)
	p := make([]float64, len(alone.P))
	require.Same(t, &x[0], &alone.SharedInputs(x, nil, p)[0], "weights alone are read where they are")
	x = append(x, 1) // a node behind them
	require.Equal(t, x[:len(p)], alone.SharedInputs(x, nil, p))
}

// TestFixedPerKey: a value for each key that is not fitted goes with the trajectories of its key.
func TestFixedPerKey(t *testing.T) {
	f := problemtest.Load(t, `model M {
  covariate v
  param p[2] per g = v fixed
  param q per site = 10*v
  state x = 1
  x' = -p[0]*x*q + p[1]
  observe y = x
}
data d from "data.csv" { time: t, trajectory: [g, site], y: y, v: v }
`, "g,site,v,t,y\na,n,1,0,1\nb,s,3,1,2\nb,n,4,1,2\n")
	off := map[string]int{}
	for _, s := range f.Prog.Model.Layout.Params {
		off[s.Object.Info().Name] = s.Off
	}
	require.NoError(t, f.Space.SetValues(&problem.Values{Params: map[string]float64{"p[1]{g=b}": 7}}))
	for i, want := range [][3]float64{{1, 1, 5}, {3, 7, 6}, {3, 7, 5}} {
		q := f.Space.OwnInputs([]float64{5, 6}, f.Trajectories[i], nil)
		require.Equal(t, want[:], []float64{q[off["p"]], q[off["p"]+1], q[off["q"]]}, f.Trajectories[i].Name)
	}
}
