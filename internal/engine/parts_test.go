package engine

import (
	"context"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/floats"

	"github.com/pinode/pinode/compiler"
	"github.com/pinode/pinode/compiler/exec"
	"github.com/pinode/pinode/dsl/diag"
	"github.com/pinode/pinode/sim"
	"github.com/pinode/pinode/solvers"
)

// TestBeginning: a run in the midst of a trajectory begins at the states that its data tell, with
// the others and the modes that it is given, and its derivatives are those of these.
func TestBeginning(t *testing.T) {
	r := newModelRig(t, `model M {
  param k = 2
  state a = 1
  state b = 3
  discrete gear = k
  a' = -gear*a
  b' = a*b
  event up when a <= 0.5 { gear := 3*k }
  observe y = k*a + 1
}`, nil)
	r.p[0] = 1.6
	r.bind()
	m := &BoundModel{System: r.sys, Beginning: &Beginning{Data: []float64{5}, Y: []float64{9, 4}, D: []float64{1}, YBar: make([]float64, 2), YDot: []float64{7, 0.3}}}
	y, d := make([]float64, 2), make([]float64, 1)
	m.Init(0, y, d)
	require.InDeltaSlice(t, []float64{(5 - 1) / 1.6, 4}, y, 1e-14)
	require.InDeltaSlice(t, []float64{3 * 1.6}, d, 1e-14)
	r.sys.ClearGradient()
	m.InitVJP(0, []float64{2, 5}, []float64{11})
	require.InDeltaSlice(t, []float64{0, 5}, m.Beginning.YBar, 1e-14)
	require.InDeltaSlice(t, []float64{2*-4/(1.6*1.6) + 11*3}, r.sys.PBar, 1e-13)
	r.sys.PDot[0] = 0.5
	m.InitJVP(0, 0, y, d)
	require.InDeltaSlice(t, []float64{0.5 * -4 / (1.6 * 1.6), 0.3}, y, 1e-14)
	require.InDeltaSlice(t, []float64{1.5}, d, 1e-14)

	// Without data all states are those that it is given; initial values have the last word.
	b := m.Beginning
	b.Data, b.D[0] = nil, 0
	clear(b.YBar)
	m.Initial = []InitialValue{{At: 1, V: -8}}
	m.Init(0, y, d)
	require.Equal(t, []float64{9, -8}, y)
	require.InDeltaSlice(t, []float64{1.6}, d, 1e-14)
	r.sys.ClearGradient()
	m.InitVJP(0, []float64{2, 5}, []float64{11})
	require.Equal(t, []float64{2, 5}, b.YBar)
	require.InDeltaSlice(t, []float64{11}, r.sys.PBar, 1e-14)
	m.InitJVP(0, 0, y, d)
	require.Equal(t, []float64{7, 0.3}, y)
	b.YBar, b.YDot = nil, nil
	m.InitVJP(0, []float64{2, 5}, []float64{11})
	m.InitJVP(0, 0, y, d)
	require.Equal(t, []float64{0, 0}, y)

	// Without a beginning it is as the model says.
	m.Beginning, m.Initial = nil, nil
	m.Init(0, y, d)
	require.InDeltaSlice(t, []float64{1, 3, 1.6}, append(y, d...), 1e-14)
	r.sys.ClearGradient()
	m.InitVJP(0, []float64{2, 5}, []float64{11})
	require.InDeltaSlice(t, []float64{11}, r.sys.PBar, 1e-14)
	m.InitJVP(0, 0, y, d)
	require.InDeltaSlice(t, []float64{0, 0, 0.5}, append(y, d...), 1e-14)
}

// TestSolverOptions: the numbers of a block arrive, tolerances of adaptive methods and steps of the
// others; `auto` is two methods.
func TestSolverOptions(t *testing.T) {
	of := func(solver string) (sim.Options, error) {
		p, diags := compiler.CompileSource(diag.NewSource("m.node", "model M {\n  state x = 1\n  x' = -x\n}\nsimulate { until: 1, solver: "+solver+" }"), nil)
		require.NoError(t, diags.Err())
		return SolverOptions(p.Checked.Simulate.Values)
	}
	o, err := of("dopri5 { rtol: 1e-5, atol: 1e-9, step: 0.2, max_steps: 77 }")
	require.NoError(t, err)
	require.Equal(t, sim.Options{Method: solvers.Method("dopri5"), RTol: 1e-5, ATol: 1e-9, Step: 0.2, MaxSteps: 77}, o)
	o, err = of("rk4 { step: 0.25, max_steps: 5 }")
	require.NoError(t, err)
	require.Equal(t, sim.Options{Method: solvers.Method("rk4"), Step: 0.25, MaxSteps: 5}, o)
	_, err = of("rk4")
	require.ErrorContains(t, err, "solver: rk4 { step: 0.01 }")
	o, err = of("auto { rtol: 1e-8 }")
	require.NoError(t, err)
	require.Same(t, solvers.Vern7, o.Method)
	require.Same(t, solvers.Rodas5P, o.Stiff)
	require.Equal(t, 1e-8, o.RTol)
}

// TestWhy: a matrix without an inverse is named with its place, not one that has one, nor one whose
// entries are small alike.
func TestWhy(t *testing.T) {
	r := newModelRig(t, `model M {
  state v[2] = [1, 2]
  state w[2] = [1, 1]
  v' = solve([[w[0], 2], [3, w[1]]], v)
  w' = solve([[v[0], 0], [0, v[1]]], w)
}`, nil)
	for _, c := range []struct {
		y    []float64
		want string
	}{
		{[]float64{1, 2, 1, 1}, ""},
		{[]float64{1, 2, 1.5, 4}, "singular there: its rows depend on each other"},
		{[]float64{1, 0, 1, 1}, "singular there: its rows depend on each other"},
		{[]float64{1, 1e-11, 1, 1}, ""},
		{[]float64{1e-30, 2e-30, 1, 1}, ""},
		{[]float64{1, 1e-13, 1, 1}, "singular there to working precision"},
	} {
		got := r.sys.Why(0, c.y, nil)
		if c.want == "" {
			require.Empty(t, got, "%v", c.y)
			continue
		}
		require.Contains(t, got, c.want, "%v", c.y)
		line := "m.node:5:"
		if c.y[2] == 1.5 {
			line = "m.node:4:"
		}
		require.Contains(t, got, line, "%v", c.y)
	}
	require.Empty(t, newModelRig(t, "model M {\n  state x = 1\n  x' = -x\n}", nil).sys.Why(0, []float64{1}, nil))
}

// TestPuts: each event puts its states to what it makes of the state that is given, those of data at their times with their
// arguments; neither what discrete variables get nor an event of rows is told.
func TestPuts(t *testing.T) {
	sys := newModelRig(t, `model M {
  state a = 1
  state b = 0
  state c = 0
  discrete n = 0
  a' = -a
  b' = a
  c' = 0
  event dose(amount) on data { b := b + amount*t }
  event kick at t = 4 { n := n + 1; a := 3*a + n }
  event low when a < 0.5 { c := 7 + b*t }
}`, nil).sys
	type put struct {
		state int
		v     float64
	}
	var got []put
	span := &sim.Span{T0: 0.25, Firings: []sim.Firing{{Event: 0, T: 2, Args: []float64{5}}, {Event: 0, T: 3, Args: []float64{-1}}}}
	sys.Puts(span, []float64{10, 20, 30}, []float64{100}, func(state int, v float64) { got = append(got, put{state, v}) })
	require.ElementsMatch(t, []put{{0, 3*10 + 100}, {2, 7 + 20*0.25}, {1, 20 + 5*2}, {1, 20 - 3}}, got)
}

func TestNumbers(t *testing.T) {
	require.Equal(t, 11., Dot([]float64{1, 2}, []float64{3, 4}))
	require.Zero(t, Dot(nil, nil))
	for _, c := range []struct {
		v    []float64
		want bool
	}{{nil, true}, {[]float64{1, -2}, true}, {[]float64{1, math.NaN()}, false}, {[]float64{math.Inf(1)}, false}, {[]float64{math.Inf(1), math.Inf(-1), 0}, false}, {[]float64{math.MaxFloat64, math.MaxFloat64}, true}} {
		require.Equal(t, c.want, Finite(c.v), "%v", c.v)
	}
	require.True(t, Number(-3))
	for _, v := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		require.False(t, Number(v))
	}
	require.Equal(t, []float64{2, 3, 3, 2, 2}, []float64{Larger(2, 1), Larger(2, 3), Larger(2, -3), Larger(2, math.NaN()), Larger(2, math.Inf(-1))})
	Add(nil, []float64{1})
	for _, n := range []int{0, 1, 63, 64, 65} {
		to, from := make([]float64, n+1), make([]float64, n)
		for i := range from {
			to[i], from[i] = float64(i), 0.5*float64(i)
		}
		Add(to, from)
		for i := range from {
			require.Equal(t, 1.5*float64(i), to[i])
		}
		require.Zero(t, to[n])
	}
}

// TestWeights: the gradient by weights is one sum of all runs, that of differences, from any weight
// on, added or not; another is asked for from nothing.
func TestWeights(t *testing.T) {
	prog, err := compiler.Compile("m.node", `model Net {
  covariate m
  param k = 1
  neural f(x, z) -> [2] { hidden: [9] }
  state x = m
  state z = 0.5
  x' = -k*x + f(x, z)[0]
  z' = f(x, z)[1]
  event turn when x >= 0.9 { z := z + f(x, x)[0] }
}
data d from "d.csv" { time: t, trajectory: id, m: m }`)
	require.NoError(t, err)
	np, from := prog.Model.Layout.NP, prog.Model.Layout.NPar
	p := make([]float64, np)
	for i := range p {
		p[i] = 0.6 * math.Sin(float64(3*i+1))
	}
	span := sim.Span{T1: 1, Saves: []float64{0.35, 1}}
	scales := make([]float64, prog.Model.Layout.NS)
	for i := range scales {
		scales[i] = 1 + 0.2*float64(i)
	}
	last := np - from - 2*9 - 2 // where the second matrix begins
	for _, n := range []int{1, 11} {
		c := &Compiled{Program: prog}
		r, err := NewRunner(c, sim.Options{Method: solvers.Tsit5, RTol: 1e-9, ATol: 1e-9}, n, compiler.Want{Reverse: true}, false, 2)
		require.NoError(t, err)
		run := func() (sum float64) {
			values := make([]float64, n)
			r.Run(t.Context(), n, func(i int, to *BoundModel) *sim.Span {
				to.Q = append(to.Q[:0], 0.4+0.04*float64(i))
				return &span
			}, func(_ *Worker, l *LaneState) bool {
				l.Ct = sim.Cotangents{}
				l.Ct.Y.Clear(2, 2)
				copy(l.Ct.Y.At(0), []float64{1, -2})
				copy(l.Ct.Y.At(1), []float64{0.5, 3})
				y := l.Traj.SaveY
				require.Nil(t, l.Traj.Fail)
				values[l.Index] = y.At(0)[0] - 2*y.At(0)[1] + 0.5*y.At(1)[0] + 3*y.At(1)[1]
				return false
			})
			return floats.Sum(values)
		}
		sweep := func() {
			r.Each(func(w *Worker) {
				clear(w.System.PBar)
				w.ClearWeights()
				w.Group.Backward(func(*sim.Job) {})
			})
		}
		at := func(by float64, dir []float64) float64 {
			moved := append([]float64{}, p...)
			floats.AddScaled(moved, by, dir)
			r.Bind(moved, scales)
			return run()
		}
		dir := make([]float64, np)
		for i := from; i < np; i++ {
			dir[i] = math.Cos(float64(i * i))
		}
		const h = 1e-3
		want := (45*(at(h, dir)-at(-h, dir)) - 9*(at(2*h, dir)-at(-2*h, dir)) + at(3*h, dir) - at(-3*h, dir)) / (60 * h)
		r.Bind(p, scales)
		run()
		sweep()
		total, room := make([]float64, np-from), make([]float64, np-from)
		frames := 0
		var of [][]float64 // by worker
		for _, w := range r.Workers {
			frames += w.WeightFrames()
			for i := range room {
				room[i] = 1
			}
			w.TakeWeights(room, 0, false)
			floats.Add(total, room)
			of = append(of, append([]float64{}, room...))
		}
		sweep()
		for k, w := range r.Workers {
			part := make([]float64, np-from-last)
			for i := range part {
				part[i] = 10
			}
			w.TakeWeights(part, last, true)
			for i, v := range part {
				require.InDelta(t, 10+of[k][last+i], v, 1e-9*(1+math.Abs(v)))
			}
		}
		require.Positive(t, frames)
		require.InDelta(t, want, Dot(dir[from:], total), 1e-6*(1+math.Abs(want)), "%d runs", n)
		for _, w := range r.Workers {
			w.ClearWeights()
			require.Zero(t, w.WeightFrames())
			w.TakeWeights(room, 0, false)
			require.Zero(t, floats.Norm(room, 2))
		}
	}
}

// TestWatch: a context that has ended stops runs, and no further one begins.
func TestWatch(t *testing.T) {
	prog, err := compiler.Compile("m.node", "model M {\n  state x = 1\n  x' = -x\n}")
	require.NoError(t, err)
	r, err := NewRunner(&Compiled{Program: prog}, sim.Options{Method: solvers.Tsit5}, 3, compiler.Want{}, false, 1)
	require.NoError(t, err)
	r.Bind(nil, nil)
	ctx, cancel := context.WithCancel(t.Context())
	begun, ended := 0, 0
	r.Run(ctx, 3, func(int, *BoundModel) *sim.Span {
		begun++
		cancel()
		return &sim.Span{T1: 1e9, Saves: []float64{1e9}}
	}, func(_ *Worker, l *LaneState) bool {
		ended++
		require.Equal(t, sim.Stopped, l.Traj.Status)
		return true
	})
	require.Equal(t, 1, begun)
	require.Equal(t, 1, ended)
}

// TestModules: what is compiled for a use is compiled once, and what a method and its use need is there.
func TestModules(t *testing.T) {
	c := &Compiled{}
	for range 2 {
		v, err := Once(c, 3, func() (int, error) { c.Program = new(compiler.Program); return 7, nil })
		require.NoError(t, err)
		require.Equal(t, 7, v)
	}
	p, err := compiler.Compile("m.node", "model M {\n  state x = 1\n  x' = -x^2\n}")
	require.NoError(t, err)
	events, err := compiler.Compile("m.node", "model M {\n  state x = 1\n  x' = -x^2\n  event e when x < 0.5 { x := 1 }\n}")
	require.NoError(t, err)
	wide, err := compiler.Compile("m.node", "model M {\n  state x[300] = 1\n  x' = -x^2\n}") // too many equations for the program of a step
	require.NoError(t, err)
	has := func(m *exec.Module, name string) bool { return m != nil && m.Program(name) != nil }
	for _, x := range []struct {
		prog                    *compiler.Program
		method                  string
		lanes, single, jacobian bool
		curve                   bool
	}{
		{p, "tsit5", true, false, false, false},
		{events, "tsit5", true, true, false, false},
		{p, "rodas5p", true, true, true, false},
		{p, "kvaerno5", false, false, true, false},
		{events, "radau", false, false, true, false},
		{wide, "rodas5p", false, false, true, true},
	} {
		mods, err := moduleKind{tab: solvers.Method(x.method), width: 8, want: compiler.Want{Reverse: true}}.compile(x.prog)
		require.NoError(t, err)
		require.Equal(t, x.lanes, has(mods.lanes, "step"), x.method)
		require.Equal(t, x.single, has(mods.single, "step"), x.method)
		require.Equal(t, x.jacobian, has(mods.single, "rhs.jac"), x.method)
		require.Equal(t, x.curve, has(mods.single, "rhs.curve"), x.method)
		if x.lanes {
			require.Equal(t, 8, mods.lanes.Lanes())
		}
	}
	mods, err := moduleKind{tab: solvers.Method("rodas5p"), width: 1}.compile(p)
	require.NoError(t, err)
	require.False(t, has(mods.single, "rhs.jac"), "its steps are programs")
	mods, err = moduleKind{tab: solvers.Tsit5, stiff: solvers.Rodas5P, width: 1}.compile(p)
	require.NoError(t, err)
	require.False(t, has(mods.single, "rhs.jac"), "so are those of the method that takes over")
	mods, err = moduleKind{tab: solvers.Tsit5, stiff: solvers.Rodas5P, width: 1, want: compiler.Want{Forward: true}}.compile(wide)
	require.NoError(t, err)
	require.True(t, has(mods.single, "rhs.jac") && has(mods.single, "rhs.curve"))
}

// TestProjectedMultistep: a method that goes on from several steps cannot be projected.
func TestProjectedMultistep(t *testing.T) {
	const text = "model M {\n  state x = 1\n  state v = 0\n  x' = v\n  v' = -x\n  conserve e = x^2 + v^2 { mode: project }\n}"
	prog, err := compiler.Compile("m.node", text)
	require.NoError(t, err)
	_, err = NewRunner(&Compiled{Program: prog}, sim.Options{Method: solvers.Method("bdf")}, 1, compiler.Want{}, false, 1)
	require.ErrorContains(t, err, "not supported yet with `solver: bdf`")
	r, err := NewRunner(&Compiled{Program: prog}, sim.Options{Method: solvers.Method("rk4"), Step: 0.1}, 1, compiler.Want{}, false, 1)
	require.NoError(t, err)
	r.Bind(nil, []float64{1})
	r.Run(t.Context(), 1, func(int, *BoundModel) *sim.Span { return &sim.Span{T1: 20, Saves: []float64{20}} }, func(_ *Worker, l *LaneState) bool {
		y := l.Traj.SaveY.At(0)
		require.InDelta(t, 1, y[0]*y[0]+y[1]*y[1], 1e-12)
		require.InDelta(t, math.Cos(20), y[0], 1e-3)
		return true
	})
}
