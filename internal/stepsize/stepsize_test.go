package stepsize

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

var control = Control{Alpha: 0.25, Beta: 0.5, Safety: 0.5, Least: 0.2, Most: 10, Back: 0.9}

// TestFactor: Safety err^−Alpha before^Beta within its limits, by hand.
func TestFactor(t *testing.T) {
	for _, c := range []struct{ mean, before, log, factor float64 }{
		{math.Pow(0.0625, 2), 1, math.Log(0.0625), 0.5 * 2},     // (1/16)^(−1/4) = 2
		{math.Pow(0.0625, 2), 4, math.Log(0.0625), 0.5 * 2 * 2}, // 4^½ = 2
		{1, 1, 0, 0.5},                                               // at the limit
		{1e-40, 1, math.Log(1e-20), 10},                              // at most
		{256, 4, math.Log(16), 0.5 / 2},                              // refused: the one before does not count
		{math.Pow(10000, 2), 1, math.Log(10000), 0.2},                // at least
		{math.Nextafter(1, 2), 1e8, 0, 0.5},                          // just refused
		{math.Inf(1), 1, math.Inf(1), 0.2}, {0, 1, math.Inf(-1), 10}, // no error, and all of it
	} {
		log, factor := Factor(Numbers{}, &control, c.mean, math.Log(c.before))
		if math.IsInf(c.log, 0) {
			require.Equal(t, c.log, log)
		} else {
			require.InDelta(t, c.log, log, 1e-14, c)
		}
		require.InEpsilon(t, c.factor, factor, 1e-14, c)
	}
	log, factor := Factor(Numbers{}, &control, math.NaN(), 0)
	require.True(t, math.IsNaN(log) && math.IsNaN(factor))
	require.Equal(t, 0.2, Refused(Numbers{}, &control, factor))
	require.InDelta(t, math.Log(1e-4), LeastLog, 1e-15)
}

// TestJoined: m₁²/(m₁ + 0.01 m₂), by hand.
func TestJoined(t *testing.T) {
	for _, c := range []struct{ first, second, want float64 }{
		{4, 0, 4}, {4, 400, 2}, {4, 1200, 1}, {0, 5, 0}, {0, 0, 0}, {1e-300, 1e-300, 1e-300 / 1.01},
	} {
		require.InDelta(t, c.want, Joined(Numbers{}, c.first, c.second), 1e-15*c.want, c)
	}
	for _, c := range [][2]float64{{math.NaN(), 1}, {math.Inf(1), 1}, {math.Inf(1), math.Inf(1)}} { // rejected
		require.False(t, Joined(Numbers{}, c[0], c[1]) <= 1)
	}
}

// TestAdvance: lanes that go on by themselves, by hand.
func TestAdvance(t *testing.T) {
	inf := math.Inf(1)
	lane := Lane[float64]{T: 2, H: 0.5, Before: -1, Until: 100, Stop: 200, Cap: 50, Sure: 0.5, Outcome: 7, Next: 8, Clipped: 1, Rejected: 0, Taken: 3, Refused: 4, Left: 5, Longest: 0.3}
	good := Trial[float64]{NoCrossing: 1, Finite: 1, Small: 1, Log: -3, Factor: 4}
	bad := Trial[float64]{NoCrossing: 1, Finite: 1, Small: 0, Log: 3, Factor: 0.5}
	for _, c := range []struct {
		name   string
		change func(l *Lane[float64], s *Trial[float64])
		step   Trial[float64]
		taken  float64
		want   func(l *Lane[float64])
	}{
		{"accepted", nil, good, 1, func(l *Lane[float64]) {
			*l = Lane[float64]{Sure: 0.5, T: 2.5, H: 2, Before: -3, Until: 100, Stop: 200, Cap: 50, Outcome: 1, Next: 2, Taken: 4, Refused: 4, Left: 4, Longest: 0.5}
		}},
		{"behind a rejection", func(l *Lane[float64], _ *Trial[float64]) { l.Rejected = 1 }, good, 1, func(l *Lane[float64]) {
			*l = Lane[float64]{Sure: 0.5, T: 2.5, H: 0.5, Before: -3, Until: 100, Stop: 200, Cap: 50, Outcome: 1, Next: 0.5, Taken: 4, Refused: 4, Left: 4, Longest: 0.5}
		}},
		{"at most the cap", func(l *Lane[float64], _ *Trial[float64]) { l.Cap = 1.5 }, good, 1, func(l *Lane[float64]) {
			*l = Lane[float64]{Sure: 0.5, T: 2.5, H: 1.5, Before: -3, Until: 100, Stop: 200, Cap: 1.5, Outcome: 1, Next: 1.5, Taken: 4, Refused: 4, Left: 4, Longest: 0.5}
		}},
		{"cut off", func(l *Lane[float64], _ *Trial[float64]) { l.Stop = 4.25 }, good, 1, func(l *Lane[float64]) {
			*l = Lane[float64]{Sure: 0.5, T: 2.5, H: 1.75, Before: -3, Until: -inf, Stop: 4.25, Cap: 50, Outcome: 1, Next: 2, Clipped: 1, Taken: 4, Refused: 4, Left: 4, Longest: 0.5}
		}},
		{"little error", func(_ *Lane[float64], s *Trial[float64]) { s.Log = -40 }, good, 1, func(l *Lane[float64]) {
			*l = Lane[float64]{Sure: 0.5, T: 2.5, H: 2, Before: LeastLog, Until: 100, Stop: 200, Cap: 50, Outcome: 1, Next: 2, Taken: 4, Refused: 4, Left: 4, Longest: 0.5}
		}},
		{"doubted", func(l *Lane[float64], s *Trial[float64]) { l.Sure, s.Log = 0.4, math.Log(0.000315) }, good, 0, func(l *Lane[float64]) { l.Sure, l.Outcome, l.Left = 0.4, 0, 4 }},
		{"large enough an error", func(l *Lane[float64], s *Trial[float64]) { l.Sure, s.Log = 0.4, math.Log(0.000317) }, good, 1, func(l *Lane[float64]) {
			*l = Lane[float64]{Sure: 0.4, T: 2.5, H: 2, Before: math.Log(0.000317), Until: 100, Stop: 200, Cap: 50, Outcome: 1, Next: 2, Taken: 4, Refused: 4, Left: 4, Longest: 0.5}
		}},
		{"refused", nil, bad, 0, func(l *Lane[float64]) {
			*l = Lane[float64]{Sure: 0.5, T: 2, H: 0.25, Before: -1, Until: 100, Stop: 200, Cap: 50, Outcome: 2, Next: 0.25, Rejected: 1, Taken: 3, Refused: 5, Left: 4, Longest: 0.3}
		}},
		{"no number", func(_ *Lane[float64], s *Trial[float64]) { s.Factor = math.NaN() }, bad, 0, func(l *Lane[float64]) {
			*l = Lane[float64]{Sure: 0.5, T: 2, H: 0.1, Before: -1, Until: 100, Stop: 200, Cap: 50, Outcome: 2, Next: 0.1, Rejected: 1, Taken: 3, Refused: 5, Left: 4, Longest: 0.3}
		}},
		{"a guard crosses", func(_ *Lane[float64], s *Trial[float64]) { s.NoCrossing = 0 }, good, 0, func(l *Lane[float64]) { l.Outcome, l.Left = 0, 4 }},
		{"no end", func(_ *Lane[float64], s *Trial[float64]) { s.Finite = 0 }, good, 0, func(l *Lane[float64]) { l.Outcome, l.Left = 0, 4 }},
		{"used up", func(l *Lane[float64], _ *Trial[float64]) { l.Left = 0 }, bad, 0, func(l *Lane[float64]) { l.Outcome, l.Left = 0, -1 }},
		{"to a save", func(l *Lane[float64], _ *Trial[float64]) { l.Until = 2.5 }, good, 0, func(l *Lane[float64]) { l.Outcome, l.Left = 0, 4 }},
		{"guided", func(l *Lane[float64], _ *Trial[float64]) { l.Until = -inf }, bad, 0, func(l *Lane[float64]) { l.Outcome, l.Left = 0, 4 }},
		{"too short", func(l *Lane[float64], _ *Trial[float64]) { l.H = 3e-12 }, bad, 0, func(l *Lane[float64]) { l.Outcome, l.Left = 0, 4 }},
	} {
		was, step := lane, c.step
		if c.change != nil {
			c.change(&was, &step)
		}
		want := was
		c.want(&want)
		got, taken := Advance(Numbers{}, &control, was, step)
		require.Equal(t, c.taken, taken, c.name)
		require.Equal(t, want, got, c.name)
	}
}
