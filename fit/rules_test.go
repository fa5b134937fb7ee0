package fit

import (
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// Two steps of each rule from x = 1 with gradients 2 and −1, worked by hand.
func TestRulesByHand(t *testing.T) {
	const lr, eps = 0.1, 1e-8
	for _, c := range []struct {
		name string
		rule Rule
		want [2]float64
	}{
		// m = 0.2, 0.08; v = 0.004, 0.004996; corrections 0.1, 0.19 and 0.001, 0.001999.
		{"adam", Adam{Beta1: 0.9, Beta2: 0.999, Eps: eps}, [2]float64{
			1 - 0.1*2/(2+eps),
			1 - 0.1*2/(2+eps) - 0.1*(0.08/0.19)/(math.Sqrt(0.004996/0.001999)+eps),
		}},
		// The weight shrinks by 0.1·0.5 = 5 % before each step.
		{"adamw", Adam{Beta1: 0.9, Beta2: 0.999, Eps: eps, Decay: 0.5}, [2]float64{
			0.95 - 0.1*2/(2+eps),
			0.95*(0.95-0.1*2/(2+eps)) - 0.1*(0.08/0.19)/(math.Sqrt(0.004996/0.001999)+eps),
		}},
		// v = 0.01·4 = 0.04, then 0.0396 + 0.01 = 0.0496.
		{"rmsprop", RMSProp{Alpha: 0.99, Eps: eps}, [2]float64{
			1 - 0.1*2/(0.2+eps),
			1 - 0.1*2/(0.2+eps) + 0.1/(math.Sqrt(0.0496)+eps),
		}},
		{"sgd", SGD{}, [2]float64{0.8, 0.9}},
		// Velocities 2 and 0.9·2 − 1 = 0.8.
		{"momentum", SGD{Momentum: 0.9}, [2]float64{0.8, 0.72}},
		// Steps 2 + 0.9·2 = 3.8 and −1 + 0.9·0.8 = −0.28.
		{"nesterov", SGD{Momentum: 0.9, Nesterov: true}, [2]float64{0.62, 0.648}},
	} {
		s := newSlots(c.rule.Slots(), 1)
		x := []float64{1}
		for k, g := range []float64{2, -1} {
			was, old := s, slices.Clone(x)
			s = newSlots(c.rule.Slots(), 1)
			c.rule.Update(&s, &was, x, old, []float64{g}, lr, nil)
			require.InDelta(t, c.want[k], x[0], 1e-12, "%s, step %d", c.name, k+1)
			again, to := newSlots(c.rule.Slots(), 1), []float64{old[0]}
			for i, v := range was.Vectors {
				copy(again.Vectors[i], v)
			}
			again.Step = was.Step
			c.rule.Update(&again, &again, to, to, []float64{g}, lr, nil)
			require.Equal(t, s, again, "%s in place", c.name)
			require.Equal(t, x, to, "%s in place", c.name)
		}
	}
}

func TestDecaySparesParameters(t *testing.T) {
	for _, rule := range []Rule{Adam{Eps: 1, Decay: 0.5}, SGD{Decay: 0.5}} {
		s := newSlots(rule.Slots(), 2)
		x := []float64{1, 1}
		rule.Update(&s, &s, x, x, []float64{0, 0}, 0.1, []bool{false, true})
		require.InDeltaSlice(t, []float64{1, 0.95}, x, 1e-15)
	}
}

func TestClip(t *testing.T) {
	g := []float64{3, 4}
	require.InDelta(t, 5, clip(g, 0), 1e-15)
	require.Equal(t, []float64{3, 4}, g)
	clip(g, 10)
	require.Equal(t, []float64{3, 4}, g)
	clip(g, 1)
	require.InDeltaSlice(t, []float64{0.6, 0.8}, g, 1e-15)
	require.Equal(t, math.MaxFloat64, norm2([]float64{math.MaxFloat64, math.MaxFloat64}))
	require.InEpsilon(t, 5e-200, norm2([]float64{3e-200, 4e-200}), 1e-14)
}

func TestSchedules(t *testing.T) {
	p := &plateau{Scale: 1}
	at := func(s Schedule, epoch int) float64 { return s.factor(epoch, 100, 0, 1, p) }
	require.Equal(t, 1., at(Schedule{}, 57))
	cosine := Schedule{Shape: Cosine, Final: 0.1}
	require.InDelta(t, 1, at(cosine, 0), 1e-15)
	require.InDelta(t, 0.55, at(cosine, 50), 1e-15)
	require.InDelta(t, 0.1, at(cosine, 100), 1e-15)
	falling := Schedule{Shape: Exponential, Final: 0.01}
	require.InDelta(t, 0.1, at(falling, 50), 1e-15)
	require.InDelta(t, at(falling, 11)/at(falling, 10), at(falling, 91)/at(falling, 90), 1e-12)

	warm := Schedule{Shape: Cosine, Final: 0.1, Warmup: 20}
	require.InDelta(t, 1./20, at(warm, 0), 1e-15)
	require.InDelta(t, 1, at(warm, 19), 1e-15)
	require.InDelta(t, 1, at(warm, 20), 1e-15)
	require.InDelta(t, 0.55, at(warm, 60), 1e-15)
	require.InDelta(t, 0.125/20, warm.factor(0, 100, 0, 8, p), 1e-15, "mini-batches share the rise")

	step := Schedule{Shape: Plateau, Factor: 0.1, Patience: 2, Threshold: 1e-4}
	for k, c := range []struct{ score, rate float64 }{
		{5, 1}, {4, 1}, {3.9999, 1}, {4.2, 1}, {4.1, 0.1}, {4, 0.1}, {3, 0.1}, {3, 0.1}, {3, 0.1}, {3, 0.01},
	} {
		p.observe(&step, c.score)
		require.InDelta(t, c.rate, at(step, k), 1e-12, "after score %d", k)
	}
}
