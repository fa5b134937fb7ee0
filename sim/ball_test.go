package sim

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/events"
)

// ball is the bouncing ball with parameters g, e, y0, v0, r, written out by
// hand: y' = v, v' = −g; at y − r falling, v := −e v.
type ball struct {
	g, e, y0, v0, r float64
	bar             [5]float64 // accumulator of the parameters
	dir             [5]float64 // direction of forward derivatives
}

func (*ball) Sizes() Sizes { return Sizes{Y: 2, YError: 2, Guards: 1} }

func (b *ball) Init(_ float64, y, _ []float64) { y[0], y[1] = b.y0, b.v0 }
func (b *ball) RHS(_ float64, y, _, dy []float64) {
	dy[0], dy[1] = y[1], -b.g
}

func (b *ball) Guards(_ float64, y, _ []float64, _ []bool, g, rate, accel []float64) {
	g[0], rate[0] = y[0]-b.r, y[1]
	if accel != nil {
		accel[0] = -b.g
	}
}

func (b *ball) GuardsAlong(_ float64, y, _, dy, g, rate []float64) {
	g[0], rate[0] = y[0]-b.r, dy[0]
}

func (*ball) Spread(_ float64, _, _, ry []float64, _ float64, g, rate []float64) {
	g[0], rate[0], g[1], rate[1] = ry[0], ry[1], ry[2], ry[3]
}
func (*ball) Times([]float64)                                             {}
func (b *ball) Jump(_ int, _ float64, y, _, _, v []float64)               { v[0] = -b.e * y[1] }
func (b *ball) Rest(_ int, _ float64, _, _, v []float64)                  { v[0], v[1] = b.r, 0 }
func (*ball) Delay(int, float64, []float64, []float64, []float64) float64 { return 0 }
func (*ball) Priorities(_ float64, _, _, v []float64)                     { clear(v) }
func (*ball) Floors(float64, []float64, []float64, []float64)             {}

func (b *ball) InitVJP(_ float64, yCt, _ []float64) float64 {
	b.bar[2] += yCt[0]
	b.bar[3] += yCt[1]
	return 0
}

func (b *ball) RHSVJP(_ float64, _, _, ct, yBar, _ []float64, params Params) float64 {
	yBar[1] += ct[0]
	if params {
		b.bar[0] -= ct[1]
	}
	return 0
}

func (b *ball) GuardVJP(_ float64, _, _ []float64, _ int, ct float64, yBar, _ []float64, params Params) float64 {
	yBar[0] += ct
	if params {
		b.bar[4] -= ct
	}
	return 0
}
func (*ball) TimesVJP([]float64) {}
func (b *ball) JumpVJP(_ int, _ float64, y, _, _, ct, yBar, _ []float64) float64 {
	yBar[1] -= b.e * ct[0]
	b.bar[1] -= y[1] * ct[0]
	return 0
}

func (b *ball) RestVJP(_ int, _ float64, _, _, ct, _, _ []float64) float64 {
	b.bar[4] += ct[0]
	return 0
}

func (*ball) DelayVJP(int, float64, []float64, []float64, []float64, float64, []float64, []float64) float64 {
	return 0
}

func (b *ball) InitJVP(_, _ float64, yDot, _ []float64) { yDot[0], yDot[1] = b.dir[2], b.dir[3] }
func (b *ball) RHSJVP(_, _ float64, _, yDot, _, _, out []float64) {
	out[0], out[1] = yDot[1], -b.dir[0]
}

func (b *ball) GuardJVP(_, _ float64, _, yDot, _, _ []float64, _ int) float64 {
	return yDot[0] - b.dir[4]
}
func (*ball) TimesJVP([]float64) {}
func (b *ball) JumpJVP(_ int, _, _ float64, y, yDot, _, _, _, out []float64) {
	out[0] = -b.dir[1]*y[1] - b.e*yDot[1]
}

func (b *ball) RestJVP(_ int, _, _ float64, _, _, _, _, out []float64) { out[0], out[1] = b.dir[4], 0 }

func (*ball) DelayJVP(int, float64, float64, []float64, []float64, []float64, []float64, []float64) float64 {
	return 0
}

func ballHybrid() *Hybrid {
	return &Hybrid{
		Events: []events.Event{{
			Name: "bounce", Kind: events.When, Targets: []int{1}, Rest: []int{0, 1}, Release: -1,
			Cond: &events.Cond{Op: events.Below, Inclusive: true},
		}},
		Schedules: []Schedule{{At: -1, Period: -1, From: -1, Until: -1}},
		Flags:     []bool{false},
	}
}

// TestBallClosedForm compares impact times, states and all gradients with the
// closed forms for y0 = 10, r = 0.2, g = 9.8, e = 0.8, v0 = 0:
// t_n = √2 (9 − 10·0.8ⁿ).
func TestBallClosedForm(t *testing.T) {
	for _, memory := range []int{0, 1, 100} { // all stages, none, some are kept
		testBall(t, memory)
	}
}

func testBall(t *testing.T, memory int) {
	const n0 = 5
	for _, T := range []float64{2, 3, 7.5, 10, 11.5} {
		b := &ball{g: 9.8, e: 0.8, y0: 10, r: 0.2}
		s := New(ballHybrid(), b.Sizes(), Options{RTol: 1e-10, ATol: 1e-12, Step: 0.3, Memory: memory}, nil)
		var tr Trajectory
		require.NoError(t, s.Run(b, &Span{T1: T, Saves: []float64{T}}, &tr))
		for i, rec := range tr.Log {
			want := math.Sqrt2 * (9 - 10*math.Pow(0.8, float64(i+1)))
			require.InEpsilon(t, want, rec.T, 1e-12, "impact %d", i+1)
		}
		H, u, n := 9.8, math.Sqrt(2*9.8*9.8), float64(len(tr.Log))
		en := math.Pow(b.e, n)
		tn := math.Sqrt2 * (9 - 10*en)
		tau := T - tn
		y, v := b.r+en*u*tau-b.g*tau*tau/2, en*u-b.g*tau
		require.InDelta(t, y, tr.SaveY.At(0)[0], 1e-11)
		require.InDelta(t, v, tr.SaveY.At(0)[1], 1e-11)

		sn := (2 - 2*n*math.Pow(b.e, n-1) + 2*(n-1)*en) / math.Pow(1-b.e, 2)
		dy := map[int]float64{
			0: v * T / (2 * b.g),
			1: tau*n*math.Pow(b.e, n-1)*u - v*math.Sqrt(2*H/b.g)*sn,
			2: (y-b.r)/H - v*T/(2*H),
			3: -v / b.g,
		}
		dy[4] = 1 - dy[2]
		dv := map[int]float64{
			0: v/(2*b.g) - T/2,
			1: u * (n*math.Pow(b.e, n-1) + sn),
			2: v/(2*H) + b.g*T/(2*H),
			3: 1,
		}
		dv[4] = -dv[2]
		for k, want := range []map[int]float64{dy, dv} {
			ct := []float64{0, 0}
			ct[k] = 1
			for name, backward := range map[string]func(Reverse, *Cotangents) float64{
				"unrolled": s.Backward, "adjoint": s.Adjoint, "backsolve": s.Backsolve,
			} {
				b.bar = [n0]float64{}
				t0 := backward(b, &Cotangents{Y: RowsOf(ct), Start: true})
				for i := range n0 {
					require.InDelta(t, want[i], b.bar[i], 1e-9*(1+math.Abs(want[i])), "%s, T = %g, component %d, parameter %d", name, T, k, i)
				}
				require.InDelta(t, []float64{-v, b.g}[k], t0, 1e-9)
			}
			for i := range n0 {
				b.dir = [n0]float64{}
				b.dir[i] = 1
				var tan Tangents
				s.Forward(b, &tan)
				require.InDelta(t, want[i], tan.Y.At(0)[k], 1e-9*(1+math.Abs(want[i])), "forward, T = %g, component %d, parameter %d", T, k, i)
			}
		}
	}
}

// TestBallManyBounces follows fifty bounces, whose gaps shrink by 0.8 each.
func TestBallManyBounces(t *testing.T) {
	b := &ball{g: 9.8, e: 0.8, y0: 10, r: 0.2}
	s := New(ballHybrid(), b.Sizes(), Options{RTol: 1e-10, ATol: 1e-12}, nil)
	var tr Trajectory
	tEnd := math.Sqrt2 * (9 - 10*math.Pow(0.8, 50.5))
	require.NoError(t, s.Run(b, &Span{T1: tEnd, Saves: []float64{tEnd}}, &tr))
	require.Len(t, tr.Log, 50)
	for i, rec := range tr.Log {
		require.InEpsilon(t, math.Sqrt2*(9-10*math.Pow(0.8, float64(i+1))), rec.T, 1e-12)
	}
}

// TestBallComesToRest: the limit of the impact times is 9√2; from there the
// ball lies on the ground.
func TestBallComesToRest(t *testing.T) {
	hy := ballHybrid()
	b := &ball{g: 9.8, e: 0.8, y0: 10, r: 0.2}
	run := func(rule events.ZenoRule) (*Trajectory, *Integrator, error) {
		hy.Events[0].Zeno = rule
		s := New(hy, b.Sizes(), Options{RTol: 1e-10, ATol: 1e-12}, nil)
		tr := new(Trajectory)
		return tr, s, s.Run(b, &Span{T1: 14, Saves: []float64{14}}, tr)
	}
	_, _, err := run(events.ZenoError)
	require.ErrorContains(t, err, "event_zeno")
	require.ErrorContains(t, err, "12.7279221")

	tr, _, err := run(events.ZenoStop)
	require.NoError(t, err)
	require.Equal(t, Terminated, tr.Status)

	tr, s, err := run(events.ZenoRest)
	require.NoError(t, err)
	last := tr.Log[len(tr.Log)-1]
	require.True(t, last.Kind == Rested)
	require.InEpsilon(t, 9*math.Sqrt2, last.T, 1e-10) // extrapolated from the last three gaps, of 1e-6
	require.Equal(t, []float64{0.2, 0}, tr.SaveY.At(0))
	// The time of rest is (u/g)(1+e)/(1−e): its derivative by e is 2u/(g(1−e)²).
	ct := make([]float64, len(tr.Log))
	ct[len(ct)-1] = 1
	want := 2 * math.Sqrt2 / math.Pow(0.2, 2)
	for name, backward := range map[string]func(Reverse, *Cotangents) float64{
		"unrolled": s.Backward, "adjoint": s.Adjoint, "backsolve": s.Backsolve,
	} {
		b.bar = [5]float64{}
		backward(b, &Cotangents{EventT: ct, Y: RowsOf([]float64{1, 1})})
		require.InEpsilon(t, want, b.bar[1], 1e-6, name)
		require.InEpsilon(t, 1-9*math.Sqrt2/(2*9.8), b.bar[4], 1e-6, name)
	}
	b.dir = [5]float64{1: 1}
	var tan Tangents
	s.Forward(b, &tan)
	require.InEpsilon(t, want, tan.EventT[len(ct)-1], 1e-6)
	require.Equal(t, []float64{0, 0}, tan.Y.At(0))
}

// TestRunAllocatesNothing: once its arenas have grown a run, with its events,
// and the sweep back allocate nothing.
func TestRunAllocatesNothing(t *testing.T) {
	b := &ball{g: 9.8, e: 0.8, y0: 10, r: 0.2}
	s := New(ballHybrid(), b.Sizes(), Options{}, nil)
	var tr Trajectory
	span := &Span{T1: 10, Saves: []float64{1, 2, 5, 10}}
	ct := &Cotangents{Y: RowsOf([]float64{1, 0}, []float64{0, 1}, []float64{1, 0}, []float64{1, 1})}
	run := func() {
		if err := s.Run(b, span, &tr); err != nil {
			t.Fatal(err)
		}
		s.Backward(b, ct)
	}
	run()
	require.Zero(t, testing.AllocsPerRun(20, run))
}

// TestRunsRepeat: a run leaves nothing behind that changes the next.
func TestRunsRepeat(t *testing.T) {
	b := &ball{g: 9.8, e: 0.8, y0: 10, r: 0.2}
	s := New(ballHybrid(), b.Sizes(), Options{}, nil)
	var tr Trajectory
	span := &Span{T1: 10, Saves: []float64{10}}
	require.NoError(t, s.Run(b, span, &tr))
	first := append([]float64{}, tr.SaveY.At(0)...)
	require.Error(t, s.Run(b, &Span{T1: 14}, &tr))
	require.NoError(t, s.Run(b, span, &tr))
	require.Equal(t, first, tr.SaveY.At(0))
}
