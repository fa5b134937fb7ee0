package engine

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/floats"

	"github.com/pinode/pinode/compiler"
	"github.com/pinode/pinode/compiler/exec"
	"github.com/pinode/pinode/data"
	"github.com/pinode/pinode/sim"
	"github.com/pinode/pinode/solvers"
)

// exactModel is a model whose states are known in closed form.
type exactModel struct {
	name, text string
	p, q       []float64 // parameters of all, and own inputs of the first run
	felt       int       // own inputs that have derivatives
	span       sim.Span
	signals    func(t *testing.T) []*data.Interpolant
	exact      func(p, q []float64, t float64) []float64
	methods    []string
}

// flow is the solution of x' = cu − kx, z' = x over a time.
func flow(k, cu, x, z, dt float64) (float64, float64) {
	rest, e := cu/k, math.Exp(-k*dt)
	return rest + (x-rest)*e, z + rest*dt + (x-rest)*(1-e)/k
}

var exactModels = []exactModel{
	{
		name: "tank",
		text: `model Tank {
  input u hold
  covariate m
  param k = 1
  param c per id = 1
  state x = c + m
  state z = 0
  x' = c*u - k*x
  z' = x
}
data d from "d.csv" { time: t, trajectory: id, u: u, m: m }`,
		p: []float64{0.8}, q: []float64{1.5, 0.4}, felt: 1,
		span: sim.Span{T1: 3, Saves: []float64{0.4, 1, 2.2, 3}, Stops: []float64{1, 2.5}},
		signals: func(t *testing.T) []*data.Interpolant {
			u, err := data.NewInterpolant(data.Signal{T: []float64{0, 1, 2.5}, V: []float64{2, -1, 0.5}}, "hold")
			require.NoError(t, err)
			return []*data.Interpolant{u}
		},
		exact: func(p, q []float64, t float64) []float64 {
			x, z := q[0]+q[1], 0.
			for _, piece := range [][3]float64{{0, 1, 2}, {1, 2.5, -1}, {2.5, 3, 0.5}} {
				if t > piece[0] {
					x, z = flow(p[0], q[0]*piece[2], x, z, min(t, piece[1])-piece[0])
				}
			}
			return []float64{x, z}
		},
		methods: []string{"tsit5", "dop853", "rodas5p", "kvaerno5", "radau"},
	}, {
		name: "ball",
		text: `model Ball {
  covariate m
  param g = 9.81
  param e per id = 0.8
  state h = m
  state v = 0
  h' = v
  v' = -g
  event bounce when h <= 0 { v := -e*v }
}
data d from "d.csv" { time: t, trajectory: id, m: m }`,
		p: []float64{9.7}, q: []float64{0.8, 1.3}, felt: 1,
		span: sim.Span{T1: 2, Saves: []float64{0.3, 0.9, 1.25, 1.9}},
		exact: func(p, q []float64, t float64) []float64 {
			g, e := p[0], q[0]
			at, speed := math.Sqrt(2*q[1]/g), math.Sqrt(2*g*q[1])
			if t <= at {
				return []float64{q[1] - g*t*t/2, -g * t}
			}
			for {
				speed *= e
				if t <= at+2*speed/g {
					dt := t - at
					return []float64{speed*dt - g*dt*dt/2, speed - g*dt}
				}
				at += 2 * speed / g
			}
		},
		methods: []string{"tsit5", "vern7", "rodas5p", "bosh32"},
	}, {
		name: "resting", // a ball that comes to rest, beside what goes on
		text: `model Resting {
  time t
  covariate m
  param g = 9.81
  param e per id = 0.4
  state h = m
  state v = 0
  state z = 0
  h' = v
  v' = -g
  z' = g*t
  event bounce when h <= 0 { v := -e*v; zeno rest { h := 0; v := 0 } }
}
data d from "d.csv" { time: t, trajectory: id, m: m }`,
		p: []float64{9.7}, q: []float64{0.3, 0.5}, felt: 1,
		span: sim.Span{T1: 3, Saves: []float64{0.2, 1.9, 2.5, 3}},
		exact: func(p, q []float64, t float64) []float64 {
			if t < math.Sqrt(2*q[1]/p[0]) {
				return []float64{q[1] - p[0]*t*t/2, -p[0] * t, p[0] * t * t / 2}
			}
			return []float64{0, 0, p[0] * t * t / 2}
		},
		methods: []string{"tsit5", "rodas5p", "kvaerno5"},
	}, {
		name: "switched", // two inputs, and a discrete variable that a parameter sets
		text: `model Switched {
  time t
  input u linear
  input w linear
  covariate m
  param k = 1
  param c per id = 1
  discrete d = 0.5
  state x = m
  state z = 0
  x' = u - c*w - d
  z' = k*t*d - x
  event turn at t = 1 { d := 2*k }
}
data d from "d.csv" { time: t, trajectory: id, u: u, w: w, m: m }`,
		p: []float64{0.7}, q: []float64{1.2, 0.4}, felt: 1,
		span: sim.Span{T1: 3, Saves: []float64{0.5, 1.5, 3}},
		signals: func(t *testing.T) (list []*data.Interpolant) {
			for _, v := range [][]float64{{1, 4}, {2, 0.5}} { // 1 + t, 2 − t/2
				u, err := data.NewInterpolant(data.Signal{T: []float64{0, 3}, V: v}, "linear")
				require.NoError(t, err)
				list = append(list, u)
			}
			return list
		},
		exact: func(p, q []float64, t float64) []float64 {
			k, c, m := p[0], q[0], q[1]
			x := func(t float64) float64 { return m + t + t*t/2 - c*(2*t-t*t/4) }                // but for d
			whole := func(t float64) float64 { return m*t + t*t/2 + t*t*t/6 - c*(t*t-t*t*t/12) } // its integral
			if t <= 1 {
				return []float64{x(t) - 0.5*t, 0.25*k*t*t - whole(t) + 0.25*t*t}
			}
			s := t - 1
			return []float64{x(t) - 0.5 - 2*k*s, 0.25*k + k*k*(t*t-1) - whole(t) + 0.25 + 0.5*s + k*s*s}
		},
		methods: []string{"tsit5", "dop853", "rodas5p", "radau"},
	}, {
		name: "relay", // it falls onto a surface and slides along it
		text: `model Relay {
  covariate m
  param k = 2
  param w = 0.5
  state x = m
  state z = 0
  x' = w - k*sign(x)
  z' = 3*sign(x)
}
data d from "d.csv" { time: t, trajectory: id, m: m }`,
		p: []float64{2.2, 0.6}, q: []float64{0.8},
		span: sim.Span{T1: 2, Saves: []float64{0.2, 1.1, 2}},
		exact: func(p, q []float64, t float64) []float64 {
			k, w := p[0], p[1]
			at := q[0] / (k - w)
			if t <= at {
				return []float64{q[0] - (k-w)*t, 3 * t}
			}
			return []float64{0, 3*at + 3*w/k*(t-at)}
		},
		methods: []string{"tsit5", "rodas5p", "kvaerno5", "radau"},
	}, {
		name: "growth",
		text: `model Growth {
  covariate m
  param k = 1
  param most = 3
  state x = m
  x' = k*x*(1 - x/most)
}
data d from "d.csv" { time: t, trajectory: id, m: m }`,
		p: []float64{1.3, 2.5}, q: []float64{0.3},
		span: sim.Span{T1: 4, Saves: []float64{0, 0.5, 0.6, 2.7, 4}},
		exact: func(p, q []float64, t float64) []float64 {
			return []float64{p[1] / (1 + (p[1]/q[0]-1)*math.Exp(-p[0]*t))}
		},
		methods: []string{"tsit5", "dop853", "vern9", "bs5", "rodas4", "bdf"},
	}, {
		name: "stiff",
		text: `model Stiff {
  time t
  covariate m
  param L = 1e4
  param k = 1
  param c per id = 1
  state x = m
  state y = k
  x' = -L*(x - c*cos(t)) - c*sin(t)
  y' = k*x
}
data d from "d.csv" { time: t, trajectory: id, m: m }`,
		p: []float64{2e4, 0.7}, q: []float64{1.4, 0.6}, felt: 1,
		span: sim.Span{T1: 2, Saves: []float64{0.5, 1.1, 2}},
		exact: func(p, q []float64, t float64) []float64 {
			e := math.Exp(-p[0] * t)
			return []float64{q[0]*math.Cos(t) + (q[1]-q[0])*e, p[1] + p[1]*(q[0]*math.Sin(t)+(q[1]-q[0])*(1-e)/p[0])}
		},
		methods: []string{"auto", "rodas5p", "radau"},
	},
}

// own are the own inputs of run i.
func (m *exactModel) own(i int) []float64 {
	q := slices.Clone(m.q)
	for k := range q {
		q[k] *= 1 + 0.03*float64(i)/float64(k+1)
	}
	return q
}

// params are the parameters of run i, where they differ.
func (m *exactModel) params(i int, differ bool) []float64 {
	p := slices.Clone(m.p)
	if differ {
		floats.Scale(1-0.01*float64(i), p)
	}
	return p
}

// weights are those of the saved states in a sum that is differentiated.
func (m *exactModel) weights(ny int) (list [][]float64) {
	rng := rand.New(rand.NewPCG(21, 22))
	for range m.span.Saves {
		w := make([]float64, ny)
		for i := range w {
			w[i] = rng.NormFloat64()
		}
		list = append(list, w)
	}
	return list
}

// solved is what became of a run.
type solved struct {
	y          [][]float64
	pBar, qBar []float64
	forward    [2][]float64 // the same by tangents, one column at a time, and by matrices at the stages
	stats      sim.Stats
}

// ran does n runs and their sweeps back.
func (m *exactModel) ran(t *testing.T, c *Compiled, opt sim.Options, n, workers int, differ bool) []solved {
	t.Helper()
	r, err := NewRunner(c, opt, n, compiler.Want{Reverse: true, Forward: true}, differ, workers)
	require.NoError(t, err)
	require.Len(t, r.Workers, min(workers, n))
	shared := m.params(0, false)
	r.Bind(shared, nil)
	var signals []*data.Interpolant
	if m.signals != nil {
		signals = m.signals(t)
	}
	out := make([]solved, n)
	of := make([]*LaneState, n)
	r.Run(t.Context(), n, func(i int, to *BoundModel) *sim.Span {
		to.Q, to.Signals = append(to.Q[:0], m.own(i)...), signals
		if differ {
			to.P = append(to.P[:0], m.params(i, true)...)
		}
		return &m.span
	}, func(_ *Worker, l *LaneState) bool { of[l.Index] = l; return false })
	for i, l := range of {
		require.Nil(t, l.Traj.Fail, "run %d: %v", i, l.Traj.Fail)
		saved := l.Traj.SaveY.First(l.Traj.Saved)
		for _, y := range saved.All() {
			out[i].y = append(out[i].y, slices.Clone(y))
		}
		out[i].stats = l.Traj.Stats
		l.Ct.Clear(len(m.span.Saves), sim.Sizes{Y: len(l.EndY)})
		for k, w := range m.weights(len(l.EndY)) {
			copy(l.Ct.Y.At(k), w)
		}
	}
	var columns []Column
	for k := range m.p {
		columns = append(columns, Column{Of: Shared, At: k})
	}
	for k := range m.felt {
		columns = append(columns, Column{Of: Own, At: k})
	}
	mod, err := c.Jacobian(4)
	require.NoError(t, err)
	r.Each(func(w *Worker) {
		for i, with := range []*exec.Module{nil, mod} {
			dirs := NewColumns(w.System, with)
			for _, l := range w.States {
				w.Group.Use(&l.Model)
				dirs.Bind(shared, nil)
				if differ {
					dirs.Bind(l.Model.P, nil)
				}
				dirs.Use(columns, nil)
				l.Job.In.ForwardColumns(&l.Model, dirs, &w.Tangents)
				sums := make([]float64, len(columns))
				for k, weights := range l.Ct.Y.All() {
					for j, v := range weights {
						floats.AddScaled(sums, v, w.Tangents.Y.At(k)[j*len(columns):(j+1)*len(columns)])
					}
				}
				out[l.Index].forward[i] = sums
			}
		}
		if opt.Method.Family == solvers.Multistep {
			return // these have no sweep back along their steps
		}
		w.Group.Backward(w.Deliver)
	})
	for i, l := range of {
		out[i].pBar, out[i].qBar = slices.Clone(l.PBar), slices.Clone(l.QBar[:m.felt])
	}
	return out
}

// TestRunsAreExact: runs, one at a time and side by side, have the states of closed forms and the
// gradients that differences of these have, by what all share and by what each has of its own.
func TestRunsAreExact(t *testing.T) {
	for _, m := range exactModels {
		prog, err := compiler.Compile("m.node", m.text)
		require.NoError(t, err)
		for _, name := range m.methods {
			t.Run(m.name+" "+name, func(t *testing.T) {
				opt := sim.Options{Method: solvers.Method(name), RTol: 1e-9, ATol: 1e-10}
				if name == "auto" {
					opt.Method, opt.Stiff = solvers.Auto(opt.RTol)
				}
				tol := map[string]float64{"bdf": 1e-4, "rkc": 1e-4, "bosh32": 1e-6}[name]
				if tol == 0 {
					tol = 2e-7
				}
				c := &Compiled{Program: prog}
				for _, n := range []int{1, 11} {
					for _, differ := range []bool{false, true} {
						m.require(t, c, opt, n, differ, tol)
					}
				}
			})
		}
	}
}

func (m *exactModel) require(t *testing.T, c *Compiled, opt sim.Options, n int, differ bool, tol float64) {
	t.Helper()
	for i, got := range m.ran(t, c, opt, n, 2, differ) {
		p, q := m.params(i, differ), m.own(i)
		what := fmt.Sprintf("run %d of %d, differ %v", i, n, differ)
		require.Len(t, got.y, len(m.span.Saves), what)
		for k, at := range m.span.Saves {
			want := m.exact(p, q, at)
			require.InDeltaSlice(t, want, got.y[k], tol*(1+floats.Norm(want, math.Inf(1))), "%s, save %d", what, k)
		}
		if opt.Stiff != nil {
			require.Positive(t, got.stats.TakenOver, what)
		}
		weights := m.weights(len(got.y[0]))
		loss := func() (sum float64) {
			for k, at := range m.span.Saves {
				sum += Dot(weights[k], m.exact(p, q, at))
			}
			return sum
		}
		slope := func(x []float64, k int) float64 {
			was, h := x[k], 1e-3*x[k]
			at := func(by float64) float64 {
				x[k] = was + by*h
				defer func() { x[k] = was }()
				return loss()
			}
			return (45*(at(1)-at(-1)) - 9*(at(2)-at(-2)) + at(3) - at(-3)) / (60 * h)
		}
		var want []float64
		for k := range m.p {
			want = append(want, slope(p, k))
		}
		for k := range m.felt {
			want = append(want, slope(q, k))
		}
		near := 30 * tol * (1 + floats.Norm(want, math.Inf(1)))
		require.InDeltaSlice(t, want, got.forward[0], near, "%s, forwards", what)
		require.InDeltaSlice(t, want, got.forward[1], near, "%s, forwards by matrices", what)
		if opt.Method.Family != solvers.Multistep {
			require.InDeltaSlice(t, want, slices.Concat(got.pBar, got.qBar), near, "%s, backwards", what)
		}
	}
}
