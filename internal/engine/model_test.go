package engine

import (
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/floats"

	"github.com/pinode/pinode/compiler"
	"github.com/pinode/pinode/data"
	"github.com/pinode/pinode/events"
	"github.com/pinode/pinode/sim"
)

// hybrid is a model with all that a run asks of one: guards, jumps, delays, rests, times,
// priorities, branches of floors, inputs, data, parameters of all trajectories and of each.
const hybrid = `model Hybrid {
  time t
  input u cubic
  covariate m
  param k = 0.7
  param w[2] = [0.3, -0.4]
  param c per id = 2
  discrete gate = 0.6*k
  discrete count = m*c
  state a = k + c*m
  state b = w[0]*t + 0.5
  state h = 1
  state v = 0
  a' = -k*a^2 + gate*u*sin(t) + c*b
  b' = w[0]*a*b - w[1]*u + m + 0.01*floor(3*a - k*t)
  h' = v
  v' = -9.81 - k*v^3
  event bounce when h <= 0.1*w[0]*t { v := -c*v + u*gate; zeno rest { h := 0.03*k*t; v := gate*u } }
  event mark when a*b >= 2*k + u priority a*c { gate := k*gate*t; count := count + c }
  event wait when b >= 3 priority 2 after k*a^2 + 0.1*t { a := w[1]*b*t + c*u }
  event clock every 0.5*k from w[0] until 4*k { b := b + k }
  event once at t = 2*k^2 priority 1 { b -= gate }
  event dose(amount, speed) on data priority 7 { b := b + amount*c*a; gate := speed*k }
  event assimilate on observation { a := a + k*(data(obs) - a) }
  observe obs = before(a) + gate*before(b) ~ normal(0.1*k)
}
data d from "d.csv" { time: t, trajectory: id, u: u, m: m, obs: obs }
`

// modelRig is a model at parameters and own inputs.
type modelRig struct {
	sys  *System
	p, q []float64
	u    *data.Interpolant
}

func newModelRig(t *testing.T, source string, u *data.Interpolant) *modelRig {
	t.Helper()
	prog, err := compiler.Compile("m.node", source)
	require.NoError(t, err)
	mod, err := prog.Module(1, compiler.Want{Reverse: true, Forward: true, Jacobian: true, Curvature: true, Segments: true})
	require.NoError(t, err)
	r := &modelRig{sys: NewSystem(prog, mod), u: u}
	lay := prog.Model.Layout
	r.p, r.q = make([]float64, lay.NP), make([]float64, lay.NQ)
	for i := range r.p {
		r.p[i] = 0.35 + 0.25*float64(i)
	}
	for i := range r.q {
		r.q[i] = 1.7 - 0.6*float64(i)
	}
	r.bind()
	r.sys.Segment(0) // inside of the input
	return r
}

// bind takes over parameters and own inputs.
func (r *modelRig) bind() {
	var signals []*data.Interpolant
	if r.u != nil {
		signals = append(signals, r.u)
	}
	r.sys.Bind(r.p, make([]float64, len(r.sys.S)))
	r.sys.BindTrajectory(r.q, signals)
}

// hybridState is a state of the hybrid model: what it has by name.
type hybridState struct {
	t, u, ut, k, w0, w1, c, m, gate, count, a, b, h, v float64
	y, d                                               []float64
}

// cubicInput is a smooth input.
func cubicInput(t *testing.T) *data.Interpolant {
	u, err := data.NewInterpolant(data.Signal{T: []float64{-1, 0, 0.8, 2, 3}, V: []float64{0.3, 1, -0.5, 0.8, 0.1}}, "cubic")
	require.NoError(t, err)
	return u
}

func hybridRig(t *testing.T) (*modelRig, *hybridState) {
	t.Helper()
	r := newModelRig(t, hybrid, cubicInput(t))
	s := &hybridState{t: 0.6, k: r.p[0], w0: r.p[1], w1: r.p[2], c: r.q[0], m: r.q[1], gate: 0.8, count: 3, a: 1.1, b: 0.9, h: 0.4, v: -1.3}
	s.u, s.ut = r.u.At(s.t)
	s.y, s.d = []float64{s.a, s.b, s.h, s.v}, []float64{s.gate, s.count, 2} // the last is the branch of the floor
	require.Equal(t, 3, r.sys.Size.D)
	require.Equal(t, 4, r.sys.Size.Y)
	return r, s
}

// rates of the states by hand.
func (s *hybridState) rates() []float64 {
	return []float64{
		-s.k*s.a*s.a + s.gate*s.u*math.Sin(s.t) + s.c*s.b,
		s.w0*s.a*s.b - s.w1*s.u + s.m + 0.01*s.d[2],
		s.v,
		-9.81 - s.k*s.v*s.v*s.v,
	}
}

// TestModelValues: what a run asks of a model is what the text says, by hand.
func TestModelValues(t *testing.T) {
	r, s := hybridRig(t)
	sys := r.sys
	near := func(want, got []float64, what string) {
		t.Helper()
		require.InDeltaSlice(t, want, got, 1e-13, what)
	}
	y, d := make([]float64, 4), make([]float64, 3)
	sys.Init(s.t, y, d)
	near([]float64{s.k + s.c*s.m, s.w0*s.t + 0.5, 1, 0}, y, "start")
	near([]float64{0.6 * s.k, s.m * s.c}, d[:2], "start of discrete variables")
	f := make([]float64, 4)
	sys.RHS(s.t, s.y, s.d, f)
	near(s.rates(), f, "rates")

	// Guards: both of the floor, then bounce, mark and wait, then the release of bounce, then the exits
	// of the floor's surface.
	n := sys.Size.Guards
	require.Equal(t, []int{8, 1, 2}, []int{n, sys.Size.Releases, sys.Size.Exits})
	g, rate, accel := make([]float64, n), make([]float64, n), make([]float64, n)
	held := make([]bool, 4)
	sys.Guards(s.t, s.y, s.d, held, g, rate, accel)
	up, slope := 3*s.a-s.k*s.t-s.d[2], 3*f[0]-s.k
	guards := []float64{up, up - 1, s.h - 0.1*s.w0*s.t, s.a*s.b - 2*s.k - s.u, s.b - 3}
	product := f[0]*s.b + s.a*f[1] - s.ut
	near(guards, g[:5], "guards")
	near([]float64{slope, slope, s.v - 0.1*s.w0, product, f[1]}, rate[:5], "rates of guards")
	require.InDelta(t, f[3], accel[2], 1e-12)
	require.InDelta(t, f[3], g[5], 1e-12, "the release is the second rate")
	require.InDelta(t, -3*s.k*s.v*s.v*f[3], rate[5], 1e-12)
	held[2], held[3] = true, true
	sys.Guards(s.t, s.y, s.d, held, g, rate, accel)
	near(guards, g[:5], "guards at rest")
	near([]float64{slope, slope, -0.1 * s.w0, product, f[1]}, rate[:5], "rates of guards at rest")
	require.InDelta(t, 0, accel[2], 1e-12)
	sys.Guards(s.t, s.y, s.d, make([]bool, 4), g, rate, nil)
	require.InDelta(t, s.v-0.1*s.w0, rate[2], 1e-12, "free again")
	flow := []float64{1, -2, 3, 5}
	sys.GuardsAlong(s.t, s.y, s.d, flow, g, rate)
	near(guards, g[:5], "guards along")
	near([]float64{3 - s.k, 3 - s.k, 3 - 0.1*s.w0, s.b - 2*s.a - s.ut, -2}, rate[:5], "rates of guards along")

	// How far guards may be off, twice.
	reach := []float64{0.1, 0.2, 0.3, 0.4, 1, 2, 3, 4}
	half := n - sys.Size.Exits
	g, rate = make([]float64, 2*half), make([]float64, 2*half)
	sys.Spread(s.t, s.y, s.d, reach, 0.5, g, rate)
	for k := range 2 {
		by := reach[4*k : 4*k+4]
		floor := 3*by[0] + 0.5*s.k
		off := []float64{floor, floor, by[2] + 0.05*s.w0, s.b*by[0] + s.a*by[1], by[1]}
		near(off, g[k*half:k*half+5], "spread")
		require.InDelta(t, by[3], rate[k*half+2], 1e-12)
	}

	// Events, in the order of the text.
	v := make([]float64, 2)
	sys.Jump(0, s.t, s.y, s.d, nil, v)
	require.InDelta(t, -s.c*s.v+s.u*s.gate, v[0], 1e-13)
	sys.Rest(0, s.t, s.y, s.d, v)
	near([]float64{0.03 * s.k * s.t, s.gate * s.u}, v, "rest")
	sys.Jump(1, s.t, s.y, s.d, nil, v)
	near([]float64{s.k * s.gate * s.t, s.count + s.c}, v, "jump of discrete variables")
	sys.Jump(2, s.t, s.y, s.d, nil, v)
	require.InDelta(t, s.w1*s.b*s.t+s.c*s.u, v[0], 1e-13)
	require.InDelta(t, s.k*s.a*s.a+0.1*s.t, sys.Delay(2, s.t, s.y, s.d, nil), 1e-13)
	sys.Jump(3, s.t, s.y, s.d, nil, v)
	require.InDelta(t, s.b+s.k, v[0], 1e-13)
	sys.Jump(5, s.t, s.y, s.d, []float64{4, 9}, v)
	near([]float64{s.b + 4*s.c*s.a, 9 * s.k}, v, "jump of data")
	sys.Jump(6, s.t, s.y, s.d, []float64{2.5, 1}, v)
	require.InDelta(t, s.a+s.k*(2.5-s.a), v[0], 1e-13)
	// The inputs of a row stand behind its arguments.
	sys.Jump(2, s.t, s.y, s.d, nil, v)
	was := v[0]
	sys.At(s.t, s.y, s.d)
	sys.arguments(5, []float64{4, 9, s.u + 1})
	require.Equal(t, s.u+1, sys.U[0])
	sys.Jump(2, s.t, s.y, s.d, nil, v)
	require.Equal(t, was, v[0])

	times := make([]float64, sys.Size.Times)
	sys.Times(times)
	at := sys.Prog.Schedules[3]
	near([]float64{0.5 * s.k, s.w0, 4 * s.k}, []float64{times[at.Period], times[at.From], times[at.Until]}, "every")
	require.InDelta(t, 2*s.k*s.k, times[sys.Prog.Schedules[4].At], 1e-13)
	priorities := make([]float64, 7)
	sys.Priorities(s.t, s.y, s.d, priorities)
	near([]float64{0, s.a * s.c, 2, 0, 1, 7, 0}, priorities, "priorities")
	floors := make([]float64, 1)
	sys.Floors(s.t, s.y, s.d, floors)
	require.InDelta(t, 3*s.a-s.k*s.t, floors[0], 1e-13)

	// A row of data: its loss, and what is predicted.
	datum, before := 1.4, []float64{0.7, 1.2, 0, 0}
	sys.RowAt(s.t, s.y, s.d, before, s.d, []float64{datum}, []float64{1}, []float64{s.u}, nil)
	sys.Row.Run.Run()
	pred, sd := 0.7+s.gate*1.2, 0.1*s.k
	z := (datum - pred) / sd
	require.InDelta(t, z*z/2+math.Log(sd)+math.Log(2*math.Pi)/2, sys.Row.Run.Value[0], 1e-11)
	near([]float64{pred}, sys.Predict(), "prediction")
	require.False(t, sys.SlidesRow())
	sys.RowAt(s.t, s.y, s.d, before, s.d, []float64{datum}, []float64{0}, []float64{s.u}, nil)
	sys.Row.Run.Run()
	require.Zero(t, sys.Row.Run.Value[0])
}

// TestModelInputs: signals have their limit from the right where a piece begins and from the left
// inside of it, and what was before the instant has that from the left always.
func TestModelInputs(t *testing.T) {
	u, err := data.NewInterpolant(data.Signal{T: []float64{0, 1, 2}, V: []float64{3, 5, 4}}, "hold")
	require.NoError(t, err)
	r := newModelRig(t, "model M {\n  input u hold\n  state x = 1\n  state z = 1\n  x' = u*z\n  z' = 0\n  observe y = before(u)*x\n}", u)
	dy, y := make([]float64, 2), []float64{0, 1}
	r.sys.Segment(0)
	r.sys.RHS(1, y, nil, dy)
	require.Equal(t, 3., dy[0])
	r.sys.Segment(1)
	r.sys.RHS(1, y, nil, dy)
	require.Equal(t, 5., dy[0])
	r.sys.RowAt(1, []float64{10, 0}, nil, y, nil, []float64{0}, []float64{1}, nil, nil)
	require.Equal(t, []float64{30}, r.sys.Predict())
}

// TestGuardBounds: bounds of a product are those of its factors' corners, with the range of the
// input; a guard that is affine needs none.
func TestGuardBounds(t *testing.T) {
	r, s := hybridRig(t)
	n := r.sys.Size.Guards
	room := func() []float64 { return make([]float64, n) }
	to := events.Bounds{Lo: room(), Hi: room(), RateLo: room(), RateHi: room()}
	box := sim.Box{
		TLo: 0.5, THi: 0.9, YLo: []float64{1, -0.5, 0, -1}, YHi: []float64{2, 0.7, 1, 1},
		FlowLo: []float64{-1, 0.1, -2, -3}, FlowHi: []float64{3, 0.4, 2, 3},
	}
	require.True(t, r.sys.Bounds(&box, s.d, &to))
	corners := func(a, b, c, d float64) (lo, hi float64) {
		v := []float64{a * c, a * d, b * c, b * d}
		return min(v[0], v[1], v[2], v[3]), max(v[0], v[1], v[2], v[3])
	}
	uLo, uHi, utLo, utHi := r.u.Range(0.5, 0.9)
	lo, hi := corners(1, 2, -0.5, 0.7)
	require.InDelta(t, lo-2*s.k-uHi, to.Lo[3], 1e-9)
	require.InDelta(t, hi-2*s.k-uLo, to.Hi[3], 1e-9)
	lo1, hi1 := corners(-1, 3, -0.5, 0.7) // a'·b
	lo2, hi2 := corners(1, 2, 0.1, 0.4)   // a·b'
	require.InDelta(t, lo1+lo2-utHi, to.RateLo[3], 1e-9)
	require.InDelta(t, hi1+hi2-utLo, to.RateHi[3], 1e-9)
	for _, affine := range []int{0, 1, 2, 4} {
		require.True(t, r.sys.Prog.Affine()[affine])
		require.Zero(t, to.Lo[affine])
		require.Zero(t, to.RateHi[affine])
	}
	require.False(t, r.sys.Prog.Affine()[3])
	require.True(t, math.IsNaN(to.Lo[6]), "the exits while nothing slides")
	plain := newModelRig(t, "model M {\n  state x = 1\n  x' = -1\n  event e when x < 0 { x := 1 }\n}", nil)
	require.False(t, plain.sys.Bounds(&box, nil, &to))
}

// TestModelDerivatives: the derivatives of all that a run asks of a model are what differences
// give, in both directions; without parameters nothing of theirs moves.
func TestModelDerivatives(t *testing.T) {
	r, s := hybridRig(t)
	sys := r.sys
	list := mappings(sys, []int{1, 2, 1, 1, 1, 2, 1}, [][]float64{nil, nil, nil, nil, nil, {4, 9}, {2.5, 1}})
	list = append(list, mapping{
		"rest", 2,
		func(t float64, y, d, out []float64) { sys.Rest(0, t, y, d, out) },
		func(t float64, y, d, ct, yBar, dBar []float64) float64 {
			return sys.RestVJP(0, t, y, d, ct, yBar, dBar)
		},
		func(t, tDot float64, y, yDot, d, dDot, out []float64) { sys.RestJVP(0, t, tDot, y, yDot, d, dDot, out) },
	}, mapping{
		"delay", 1,
		func(t float64, y, d, out []float64) { out[0] = sys.Delay(2, t, y, d, nil) },
		func(t float64, y, d, ct, yBar, dBar []float64) float64 {
			return sys.DelayVJP(2, t, y, d, nil, ct[0], yBar, dBar)
		},
		func(t, tDot float64, y, yDot, d, dDot, out []float64) {
			out[0] = sys.DelayJVP(2, t, tDot, y, yDot, d, dDot, nil)
		},
	})
	requireDerivatives(t, r, s.t, s.y, s.d, list)

	with, without := make([]float64, 4), make([]float64, 4)
	ct := []float64{1, -2, 3, 0.5}
	r.sys.RHSVJP(s.t, s.y, s.d, ct, with, nil, sim.WithParams)
	r.sys.ClearGradient()
	r.sys.RHSVJP(s.t, s.y, s.d, ct, without, nil, sim.WithoutParams)
	require.InDeltaSlice(t, with, without, 1e-14)
	clear(with)
	clear(without)
	was := slices.Concat(r.sys.PBar, r.sys.QBar)
	require.Zero(t, Dot(was, was))
	r.sys.GuardVJP(s.t, s.y, s.d, 3, 2, without, nil, sim.WithoutParams)
	require.Zero(t, floats.Norm(slices.Concat(r.sys.PBar, r.sys.QBar), 2))
	require.InDeltaSlice(t, []float64{2 * s.b, 2 * s.a, 0, 0}, without, 1e-14)
	r.sys.GuardVJP(s.t, s.y, s.d, 3, 2, with, nil, sim.WithParams)
	require.InDeltaSlice(t, without, with, 1e-14)
	require.InDelta(t, -4, r.sys.PBar[0], 1e-14)
}

// TestModelJacobian: the derivative of the rates by the states and the time, by their nonzeros,
// is that of differences, and so are its own derivatives along a direction.
func TestModelJacobian(t *testing.T) {
	r, s := hybridRig(t)
	sys := r.sys
	pattern := sys.Pattern(s.d)
	require.Same(t, pattern, sys.Pattern(s.d))
	rows := sys.Prog.Jacobians()[0].Rows
	require.Equal(t, [][]int{{0, 1}, {0, 1}, {3}, {3}}, rows)
	values, byTime := make([]float64, 6), make([]float64, 4)
	sys.Jacobian(s.t, s.y, s.d, values, byTime)
	require.InDeltaSlice(t, []float64{-2 * s.k * s.a, s.c, s.w0 * s.b, s.w0 * s.a, 1, -3 * s.k * s.v * s.v}, values, 1e-13)
	require.InDeltaSlice(t, []float64{s.gate * (s.ut*math.Sin(s.t) + s.u*math.Cos(s.t)), -s.w1 * s.ut, 0, 0}, byTime, 1e-13)
	// λᵀ(J u + τ ∂f/∂t), and J u + τ ∂f/∂t; the rate of the input moves too.
	along, tau := []float64{0.3, -0.7, 1.1, 0.4}, 0.6
	product := func(t float64, y, d, out []float64) {
		sys.Jacobian(t, y, d, values, byTime)
		k := 0
		for i, row := range rows {
			out[i] = tau * byTime[i]
			for _, j := range row {
				out[i] += values[k] * along[j]
				k++
			}
		}
	}
	requireDerivatives(t, r, s.t, s.y, s.d, []mapping{{
		"derivative along a direction", 4, product,
		func(t float64, y, d, ct, yBar, dBar []float64) float64 {
			return sys.JacobianVJP(t, y, d, ct, along, tau, yBar, dBar, sim.WithParams)
		},
		func(t, tDot float64, y, yDot, d, dDot, out []float64) {
			sys.JacobianJVP(t, tDot, y, yDot, d, dDot, along, tau, out)
		},
	}})
	with, without := make([]float64, 4), make([]float64, 4)
	sys.JacobianVJP(s.t, s.y, s.d, along, along, tau, with, nil, sim.WithParams)
	sys.ClearGradient()
	sys.JacobianVJP(s.t, s.y, s.d, along, along, tau, without, nil, sim.WithoutParams)
	require.InDeltaSlice(t, with, without, 1e-13)
	require.Zero(t, floats.Norm(sys.PBar, 2))
}
