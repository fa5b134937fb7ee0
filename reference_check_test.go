package pinode

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// refBall bounces.
func refBall() *refModel {
	m := &refModel{end: 2}
	g, e, h0 := m.param(9.81), m.param(0.6), m.param(1)
	h, v := m.state("h", h0), m.state("v", m.num(0))
	m.rate("h", v)
	m.rate("v", refMul(m.num(-1), g))
	m.set(m.when("bounce", "", h, "<=", m.num(0)), "v", refMul(refMul(m.num(-1), e), v))
	return m
}

// TestReference: the reference itself against closed forms.
func TestReference(t *testing.T) {
	t.Run("ball", func(t *testing.T) {
		m := refBall()
		m.end = 1.7
		r, err := m.reference(m.params, 500)
		require.NoError(t, err)
		fall, e := math.Sqrt(2/9.81), 0.6
		require.Len(t, r.log, 5)
		for n, f := range r.log { // t_n = √(2h/g) (1 + e − 2eⁿ)/(1 − e), n from 1
			require.InDelta(t, fall*(1+e-2*math.Pow(e, float64(n+1)))/(1-e), f.t, 1e-12)
		}
	})
	t.Run("stop by dry friction after three half periods", func(t *testing.T) {
		m := &refModel{end: 12}
		x, v := m.state("x", m.num(2.05)), m.state("v", m.num(0))
		m.rate("x", v)
		m.rate("v", refSub(refMul(m.num(-1), x), refMul(m.num(0.3), m.sign(v))))
		stopped := m.when("stopped", "and", v, ">=", m.num(0), x, "<=", m.num(0), m.time(), ">", m.num(8))
		stopped.terminate = true
		r, err := m.reference(m.params, 4000)
		require.NoError(t, err)
		require.Len(t, r.log, 1)
		require.InDelta(t, 3*math.Pi, r.log[0].t, 1e-9)
		require.InDelta(t, -0.25, r.y[0], 1e-9)
		m.events = nil
		r, err = m.reference(m.params, 4000)
		require.NoError(t, err)
		require.InDelta(t, -0.25, r.y[0], 1e-9)
		require.InDelta(t, 0, r.y[1], 1e-9)
		require.Equal(t, []int{0}, r.slide)
	})
	t.Run("entry and exit of a ramp", func(t *testing.T) {
		m := &refModel{end: 6}
		x := m.state("x", m.num(1))
		m.rate("x", refSub(refMul(m.num(0.25), m.time()), m.sign(x)))
		r, err := m.reference(m.params, 1000)
		require.NoError(t, err)
		require.InDelta(t, 0.5, r.y[0], 1e-7) // (6 − 4)²/8
		require.InDelta(t, 4-2*math.Sqrt2, r.in[0], 1e-9)
		require.InDelta(t, 4, r.out[0], 1e-7)
	})
	t.Run("two surfaces", func(t *testing.T) {
		m := &refModel{end: 3}
		x, y := m.state("x", m.num(1)), m.state("y", m.num(1.5))
		m.rate("x", refSub(m.num(0.5), m.sign(x)))
		m.rate("y", refSub(m.num(0.5), m.sign(y)))
		r, err := m.reference(m.params, 1000)
		require.NoError(t, err)
		require.Len(t, r.slide, 2)
		require.InDelta(t, 0, math.Hypot(r.y[0], r.y[1]), 1e-9)
	})
	t.Run("tank that fills and stays", func(t *testing.T) {
		for _, op := range []string{">=", ">"} {
			m := &refModel{end: 4}
			x, s, n := m.state("x", m.num(0)), m.state("s", m.num(0)), m.state("n", m.num(0))
			m.rate("x", refSub(m.num(1), s))
			full := m.when("full", "", x, op, m.num(1))
			m.set(full, "s", m.num(1))
			alarm := m.when("alarm", "", m.time(), ">=", m.num(2.5))
			m.set(alarm, "n", refAdd(n, m.num(1)))
			r, err := m.reference(m.params, 1001)
			require.NoError(t, err)
			require.Len(t, r.log, 2)
			require.InDelta(t, 1, r.log[0].t, 1e-11)
			require.InDelta(t, 2.5, r.log[1].t, 1e-11)
			require.InDelta(t, 1, r.y[0], 1e-11)
		}
	})
	t.Run("saturation tells an inclusive from a strict comparison", func(t *testing.T) {
		for op, want := range map[string]int{">=": 1, ">": 0} {
			m := &refModel{end: 3}
			x, n := m.state("x", m.num(0)), m.state("n", m.num(0))
			m.rate("x", m.choose(m.compare(x, ">=", m.num(1)), m.num(0), m.num(1)))
			m.add(m.when("seen", "", x, op, m.num(1)), "n", m.num(1))
			r, err := m.reference(m.params, 1000)
			require.NoError(t, err)
			require.Len(t, r.log, want)
			require.InDelta(t, float64(want), r.y[m.index("n")], 0)
			require.InDelta(t, 1, r.y[0], 1e-11)
			_ = n
		}
	})
	t.Run("square wave", func(t *testing.T) {
		m := &refModel{end: 5.25}
		m.state("x", m.num(0))
		wave := refSin(refMul(m.num(2*math.Pi), m.time()))
		m.rate("x", m.choose(m.compare(wave, ">", m.num(0)), m.num(3), m.num(-1)))
		r, err := m.reference(m.params, 1000)
		require.NoError(t, err)
		require.InDelta(t, 5+0.75, r.y[0], 1e-9)
	})
	t.Run("times on the end and on each other", func(t *testing.T) {
		m := &refModel{end: 2}
		x := m.state("x", m.num(1))
		low, high := m.num(1), m.num(2)
		a := m.at("a", m.num(2))
		a.priority = &low
		m.set(a, "x", refMul(m.num(10), x))
		b := m.every("b", m.num(0.5), nil, nil)
		b.priority = &high
		m.add(b, "x", m.num(1))
		r, err := m.reference(m.params, 100)
		require.NoError(t, err)
		require.Equal(t, 40., r.y[0]) // a reads 4 at its trigger, after b at 0.5, 1 and 1.5
		require.Len(t, r.log, 5)
		a.late = true
		r, err = m.reference(m.params, 100)
		require.NoError(t, err)
		require.Equal(t, 50., r.y[0])
	})
}

// TestReferenceInstants: what happens at one instant, by hand.
func TestReferenceInstants(t *testing.T) {
	rank := func(m *refModel, e *refEvent, p float64) *refEvent {
		x := m.num(p)
		e.priority = &x
		return e
	}
	names := func(r *refRun) (s string) {
		for _, f := range r.log {
			s += fmt.Sprintf("%s %.6g; ", f.name, f.t)
		}
		return s
	}
	t.Run("cancelled, and fired anew", func(t *testing.T) {
		for persistent, want := range map[bool]string{
			false: "a 0.75; b 0.75; d 0.75; e 0.75; c 0.75; ",
			true:  "a 0.75; b 0.75; d 0.75; e 0.75; e 0.75; c 0.75; ",
		} {
			m := &refModel{end: 2}
			g, n := m.state("go", m.num(0)), m.state("n", m.num(0))
			m.set(rank(m, m.at("a", m.num(0.75)), 30), "go", m.num(2))
			m.set(rank(m, m.at("b", m.num(0.75)), 20), "go", m.num(-2))
			m.set(rank(m, m.at("d", m.num(0.75)), 10), "go", m.num(3))
			m.set(m.when("c", "", g, ">", m.num(1)), "n", refAdd(n, g))
			e := rank(m, m.when("e", "", g, ">", m.num(1)), 1)
			m.add(e, "n", m.num(1))
			e.persistent = persistent
			r, err := m.reference(nil, 10)
			require.NoError(t, err)
			require.Equal(t, want, names(r))
			require.Equal(t, 3., r.y[1]) // c reads n = 0 and go = 3 at its trigger
		}
	})
	t.Run("turned back at a level that another looks at", func(t *testing.T) {
		m := &refModel{end: 3}
		y, q := m.state("y", m.num(0)), m.state("q", m.num(-1.5))
		m.state("n", m.num(0))
		m.rate("y", q)
		m.set(rank(m, m.when("turn", "", y, "<=", m.num(-3)), 7), "q", m.num(2))
		m.add(m.when("count", "", y, "<=", m.num(-3)), "n", m.num(1))
		r, err := m.reference(nil, 100)
		require.NoError(t, err)
		require.Equal(t, "turn 2; count 2; ", names(r))
		require.InDeltaSlice(t, []float64{-1, 2, 1}, r.y, 1e-10)
	})
	t.Run("delays, dropped or not", func(t *testing.T) {
		m := &refModel{end: 5}
		x := m.state("x", m.num(0))
		m.rate("x", refMul(m.num(2), refCos(m.time())))
		half, three := m.num(0.5), m.num(3)
		m.when("short", "", x, ">=", m.num(1)).after = &half
		m.when("long", "", x, ">=", m.num(1)).after = &three
		kept := m.when("kept", "", x, ">=", m.num(1))
		kept.after, kept.persistent = &three, true
		r, err := m.reference(nil, 1000)
		require.NoError(t, err)
		require.Equal(t, "short 1.0236; kept 3.5236; ", names(r))
	})
	t.Run("one event twice, and additions", func(t *testing.T) {
		m := &refModel{end: 2}
		x, w := m.state("x", m.num(1)), m.state("w", m.num(1))
		m.rate("x", m.num(0))
		until := m.num(1)
		a := m.every("a", m.num(0.5), nil, &until)
		a.after, a.late = &w, true
		m.set(a, "x", refAdd(refMul(m.num(2), x), m.num(1)))
		m.set(rank(m, m.at("b", m.num(0.75)), 1), "w", m.num(0.5))
		m.add(m.at("c", m.num(2)), "x", x)
		m.add(m.at("d", m.num(2)), "x", m.num(100))
		r, err := m.reference(nil, 10)
		require.NoError(t, err)
		require.Equal(t, "b 0.75; a 1.5; a 1.5; c 2; d 2; ", names(r))
		require.Equal(t, 114., r.y[0]) // 3, 7, then 7 and 100 more
	})
	t.Run("jumps onto a threshold", func(t *testing.T) {
		m := &refModel{end: 2}
		a := m.state("a", m.num(0))
		m.set(m.at("jump", m.num(1)), "a", m.num(2))
		m.when("reached", "", a, ">=", m.num(2))
		m.when("passed", "", a, ">", m.num(2))
		r, err := m.reference(nil, 10)
		require.NoError(t, err)
		require.Equal(t, "jump 1; reached 1; ", names(r))
	})
	t.Run("no end", func(t *testing.T) {
		m := &refModel{end: 2}
		a := m.state("a", m.num(0))
		m.set(m.when("on", "and", m.time(), ">=", m.num(1), a, "<", m.num(0.5)), "a", m.num(1))
		m.set(m.when("off", "and", m.time(), ">=", m.num(1), a, ">", m.num(0.5)), "a", m.num(0))
		_, err := m.reference(nil, 10)
		require.ErrorContains(t, err, "no end of events at 1")
	})
}

// TestReferenceOrder: the errors of the reference fall with the fourth power
// of its step, through sticking and slipping too.
func TestReferenceOrder(t *testing.T) {
	m := &refModel{end: 9}
	x, v := m.state("x", m.num(0.3)), m.state("v", m.num(0.4))
	m.rate("x", v)
	drive := refMul(m.num(1.4), refSin(refMul(m.num(1.1), m.time())))
	m.rate("v", refSub(refSub(drive, refMul(m.num(0.3), x)), m.sign(v)))
	m.add(m.when("up", "", x, ">=", m.num(0.5)), "v", m.num(0.1))
	run := func(n int) *refRun {
		r, err := m.reference(m.params, n)
		require.NoError(t, err)
		return r
	}
	best := run(6400)
	require.Greater(t, len(best.in), 1)
	var off []float64
	for _, n := range []int{100, 200, 400, 800} {
		off = append(off, math.Abs(run(n).y[0]-best.y[0]))
	}
	t.Log(off)
	require.Greater(t, off[0]/off[3], 300.) // 4096 were all of them as regular as they could be
	require.Less(t, off[3], 1e-9)
}

// refStickSlip and refOscillator are published problems; see
// TestPublishedSliding.
func refStickSlip() *refModel {
	m := &refModel{end: 12}
	x, y := m.state("x", m.num(0.04)), m.state("y", m.num(-0.01))
	m.rate("x", y)
	below := m.compare(y, "<", m.num(0.2))
	over := func(a, b refExpr) refExpr { return refOp("/", a, b, func(a, b float64) float64 { return a / b }) }
	pull := m.choose(below, over(m.num(1), refSub(m.num(1.2), y)), over(m.num(-1), refAdd(m.num(0.8), y)))
	m.rate("y", refSub(pull, x))
	return m
}

func refOscillator() *refModel {
	m := &refModel{end: 10}
	x, y, z := m.state("x", m.num(0)), m.state("y", m.num(-0.001)), m.state("z", m.num(-0.02))
	u := m.sign(x)
	m.rate("x", refSub(refSub(y, refMul(m.num(2*0.05*25+1), x)), u))
	m.rate("y", refAdd(refSub(z, refMul(m.num(2*0.05*25+25*25), x)), refMul(m.num(2), u)))
	m.rate("z", refSub(refMul(m.num(-25*25), x), u))
	return m
}

// TestReferencePublished: the reference has the published times.
func TestReferencePublished(t *testing.T) {
	r, err := refStickSlip().reference(nil, 4000)
	require.NoError(t, err)
	require.InDeltaSlice(t, stickTimes, r.in, 2e-9)
	require.InDeltaSlice(t, tearTimes, r.out, 2e-8)
	r, err = refOscillator().reference(nil, 20000)
	require.NoError(t, err)
	require.InDeltaSlice(t, oscillatorHits, r.in[1:4], 1e-9)
	require.InDeltaSlice(t, oscillatorExits, r.out[:4], 1e-9)
	require.InDeltaSlice(t, oscillatorEnd, r.y, 1e-9)
}
