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
	bar             [5]float64 // account of the parameters
}

func (*ball) Sizes() Sizes { return Sizes{Y: 2, YError: 2, Guards: 1} }

func (b *ball) Init(_ float64, y, _ []float64) { y[0], y[1] = b.y0, b.v0 }
func (b *ball) RHS(_ float64, y, _, dy []float64) {
	dy[0], dy[1] = y[1], -b.g
}
func (b *ball) Guards(_ float64, y, _, g, rate, accel []float64) {
	g[0], rate[0] = y[0]-b.r, y[1]
	if accel != nil {
		accel[0] = -b.g
	}
}
func (*ball) Times([]float64) {}
func (b *ball) Jump(_ int, _ float64, y, _, _, v []float64) { v[0] = -b.e * y[1] }
func (*ball) Rest(_ int, _ float64, _, _, v []float64)      { v[0], v[1] = 0, 0 }
func (*ball) Delay(int, float64, []float64, []float64) float64 { return 0 }
func (*ball) Floors(float64, []float64, []float64, []float64)  {}

func (b *ball) InitVJP(_ float64, yCt, _ []float64) float64 {
	b.bar[2] += yCt[0]
	b.bar[3] += yCt[1]
	return 0
}
func (b *ball) RHSVJP(_ float64, _, _, ct, yBar, _ []float64, params bool) float64 {
	yBar[1] += ct[0]
	if params {
		b.bar[0] -= ct[1]
	}
	return 0
}
func (b *ball) GuardVJP(_ float64, _, _ []float64, _ int, ct float64, yBar, _ []float64, params bool) float64 {
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
func (*ball) RestVJP(int, float64, []float64, []float64, []float64, []float64, []float64) float64 {
	return 0
}
func (*ball) DelayVJP(int, float64, []float64, []float64, float64, []float64, []float64) float64 {
	return 0
}

func ballHybrid() *Hybrid {
	return &Hybrid{
		Events: []events.Event{{
			Name: "bounce", Kind: events.When, Targets: []int{1},
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
	const n0 = 5
	for _, T := range []float64{2, 3, 7.5, 10, 11.5} {
		b := &ball{g: 9.8, e: 0.8, y0: 10, r: 0.2}
		s := New(ballHybrid(), b.Sizes(), Options{RTol: 1e-10, ATol: 1e-12})
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
		require.InDelta(t, y, tr.SaveY[0][0], 1e-11)
		require.InDelta(t, v, tr.SaveY[0][1], 1e-11)

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
			b.bar = [n0]float64{}
			ct := []float64{0, 0}
			ct[k] = 1
			t0 := s.Backward(b, &Cotangents{Y: [][]float64{ct}})
			for i := range n0 {
				require.InDelta(t, want[i], b.bar[i], 1e-9*(1+math.Abs(want[i])), "T = %g, component %d, parameter %d", T, k, i)
			}
			require.InDelta(t, []float64{-v, b.g}[k], t0, 1e-9)
		}
	}
}
