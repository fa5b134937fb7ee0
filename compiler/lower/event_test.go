package lower_test

import (
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/compiler/lower"
)

// truth evaluates a condition over guards off their surfaces, edges as given.
func truth(c *lower.Cond, guard func(int) float64, edges map[lower.CondOp]bool) bool {
	switch c.Op {
	case lower.CondBelow:
		return guard(c.Guard) < 0
	case lower.CondAbove:
		return guard(c.Guard) > 0
	case lower.CondFlag:
		return guard(c.Guard) != 0
	case lower.CondAnd:
		return truth(c.Args[0], guard, edges) && truth(c.Args[1], guard, edges)
	case lower.CondOr:
		return truth(c.Args[0], guard, edges) || truth(c.Args[1], guard, edges)
	case lower.CondNot:
		return !truth(c.Args[0], guard, edges)
	case lower.CondConst:
		return c.Value
	}
	return edges[c.Op]
}

// TestConditions: a trigger is true by its guards where the comparison is true by its
// values, at each of many points.
func TestConditions(t *testing.T) {
	for cond, plain := range map[string]func(x, v, n float64) bool{
		"x < v":                             func(x, v, _ float64) bool { return x < v },
		"x <= v":                            func(x, v, _ float64) bool { return x < v },
		"x > 2*v":                           func(x, v, _ float64) bool { return x > 2*v },
		"2*x >= v":                          func(x, v, _ float64) bool { return 2*x > v },
		"-x > v":                            func(x, v, _ float64) bool { return -x > v },
		"0.5 > x":                           func(x, _, _ float64) bool { return 0.5 > x },
		"not (x > v)":                       func(x, v, _ float64) bool { return x <= v },
		"x > v and n == 1":                  func(x, v, n float64) bool { return x > v && n == 1 },
		"x > v or n != 1 and v < 0":         func(x, v, n float64) bool { return x > v || n != 1 && v < 0 },
		"n":                                 func(_, _, n float64) bool { return n != 0 },
		"x > 0 and true":                    func(x, _, _ float64) bool { return x > 0 },
		"near(x, v)":                        func(x, v, _ float64) bool { return x > v-0.5 && x < v+0.5 },
		"above and not (n > 1)":             func(x, v, n float64) bool { return x > v && n <= 1 },
		"x > abs(v)":                        func(x, v, _ float64) bool { return x > math.Abs(v) },
		"x > v and (v < x or -3*v > -3*x)":  func(x, v, _ float64) bool { return x > v },
		"1 - 2*x < 0 or 4*x - 2 > 0":        func(x, _, _ float64) bool { return x > 0.5 },
		"rising(x) or x > 1":                func(x, _, _ float64) bool { return x > 1 },
		"n <= 0 or not (n != 1 or x > v)":   func(x, v, n float64) bool { return n <= 0 || n == 1 && x <= v },
		"(if n > 0 then x else v) > 0":      func(x, v, n float64) bool { return n > 0 && x > 0 || n <= 0 && v > 0 },
		"smooth(x) > v":                     func(x, v, _ float64) bool { return x > v },
		"max(x, v) > 1 and min(x, v) < 0.5": func(x, v, _ float64) bool { return math.Max(x, v) > 1 && math.Min(x, v) < 0.5 },
	} {
		m := model(t, "  state x = 1\n  state v = 1\n  discrete n = 0\n  x' = 1 + n\n  v' = 1\n  let above = x > v\n  fn near(a, b) = a > b - 0.5 and a < b + 0.5\n  event e when "+cond+" { n := 2 }")
		for _, x := range []float64{-1.3, 0.2, 0.7, 1.9} {
			for _, v := range []float64{-1.1, 0.1, 0.6, 2.2} {
				for _, n := range []float64{0, 1, 2} {
					in := inputs{"y": {x, v}, "d": {n}}
					in["d"] = slices.Clone(append(in["d"], make([]float64, m.Layout.ND-1)...))
					in["d"] = modesAt(t, m, in)
					guard := func(i int) float64 { return value(t, m.Guards[i].Node, in) }
					require.Equal(t, plain(x, v, n), truth(m.Events[0].Cond, guard, nil), "%s at x=%g v=%g n=%g", cond, x, v, n)
				}
			}
		}
	}
}

// TestEdges: an edge has the direction of its guard, also where the guard is that of
// another surface, turned round.
func TestEdges(t *testing.T) {
	m := model(t, `  state x = 1
  discrete n = 0
  x' = n
  event a when rising(x - 1) { n := 1 }
  event b when rising(1 - x) { n := 1 }
  event c when falling(2*(1 - x)) { n := 1 }
  event d when crossing(1 - x) { n := 1 }
  event e when x >= 1 priority 1 { n := 3 }`)
	require.Len(t, m.Guards, 1)
	var ops []lower.CondOp
	for _, e := range m.Events {
		ops = append(ops, e.Cond.Op)
	}
	require.Equal(t, []lower.CondOp{lower.CondRise, lower.CondFall, lower.CondRise, lower.CondCross, lower.CondAbove}, ops)
	require.True(t, m.Events[4].Cond.Inclusive)
}

// TestInclusive: comparisons that hold on their surface say so; flags are those that
// only jumps change.
func TestInclusive(t *testing.T) {
	for cond, want := range map[string]struct {
		inclusive, flag bool
	}{"x > 1": {}, "x >= 1": {inclusive: true}, "x < 1": {}, "x <= 1": {inclusive: true}, "n > 1": {flag: true}, "n == 1": {flag: true}, "t > 3": {}} {
		m := model(t, "  state x = 1\n  discrete n = 0\n  x' = 1 + n\n  event e when "+cond+" { n := 2 }")
		c := m.Events[0].Cond
		require.Equal(t, want.inclusive, c.Inclusive, cond)
		require.Equal(t, want.flag, m.Guards[c.Guard].Flag, cond)
		require.Equal(t, cond, m.Guards[c.Guard].Text)
	}
}

// TestJumps: the new values of an event, in the order of its assignments, and where
// they go.
func TestJumps(t *testing.T) {
	m := model(t, `  param p = 1
  state x = 1
  state z[3] = 0
  discrete n[2] = 0
  x' = 1
  z' = n[0] + n[1] + z
  event set when x > 1 { x := -p*x; z[1:3] := [x, z[0]]; n[1] := 7 }
  event add when x > 2 { x += 3; x += z[0]; z += 1; x += p }
  event dose(amount, to) on data { z[0] += amount; n[0] := to }
  event stop at t = 3 { terminate }
  event delayed when x > 5 priority 2 after p + z[0] { x := 0; z[2] := z[0]; zeno rest { x := p; z[0:2] := [0, 1] } }`)
	ny := m.Layout.NY
	in := inputs{"y": {10, 20, 30, 40}, "d": {50, 60}, "p": {2}, "a": {5, 6}}
	set := m.Events[0]
	require.Equal(t, []float64{-20, 10, 20, 7}, values(t, set.Jump, in))
	require.Equal(t, []int{0, 2, 3, ny + 1}, set.Targets)
	require.Equal(t, []bool{false, false, false, false}, set.Adds)
	add := m.Events[1]
	require.Equal(t, []float64{3 + 20 + 2, 1, 1, 1}, values(t, add.Jump, in), "what is added to one place is summed up")
	require.Equal(t, []int{0, 1, 2, 3}, add.Targets)
	require.Equal(t, []bool{true, true, true, true}, add.Adds)
	dose := m.Events[2]
	require.Equal(t, []float64{5, 6}, values(t, dose.Jump, in))
	require.Equal(t, []int{1, ny}, dose.Targets)
	require.Equal(t, []bool{true, false}, dose.Adds)
	require.Nil(t, m.Events[3].Jump)
	require.True(t, m.Events[3].Checked.Terminate)
	delayed := m.Events[4]
	require.Equal(t, 22., value(t, delayed.Delay, in))
	require.Equal(t, []float64{2, 0, 1}, values(t, delayed.Rest, in))
	require.Equal(t, []int{0, 1, 2}, delayed.RestTargets)
	require.Equal(t, 2, m.Layout.NA)
}

// TestSchedules: times of scheduled events; a time that the run itself decides is a
// condition.
func TestSchedules(t *testing.T) {
	m := model(t, `  param p = 2
  covariate c
  state x = 1
  x' = 1
  event a at t = p + c { x += 1 }
  event b every 2*p from c until 10 { x += 1 }
  event d every p { x += 1 }
  event e at t = 3*x { x += 1 }`)
	in := inputs{"t": {9}, "y": {2.5}, "p": {2}, "q": {0.5}}
	require.Equal(t, 2.5, value(t, m.Events[0].Time, in))
	require.Equal(t, []float64{4, 0.5, 10}, []float64{value(t, m.Events[1].Period, in), value(t, m.Events[1].From, in), value(t, m.Events[1].Until, in)})
	require.Nil(t, m.Events[2].From)
	require.Nil(t, m.Events[2].Until)
	e := m.Events[3]
	require.Nil(t, e.Time)
	require.Equal(t, lower.CondAbove, e.Cond.Op)
	require.True(t, e.Cond.Inclusive)
	require.Equal(t, 9-7.5, value(t, m.Guards[e.Cond.Guard].Node, in))
}

// TestRates: an event with a rate fires where the integral of its rate reaches a
// threshold, and adds −log of the rate to the integral that is its likelihood.
func TestRates(t *testing.T) {
	m := model(t, `  param λ in (0, inf) = 2
  state x = 1
  discrete n = 0
  x' = -x + 0*n
  event spike with rate λ*x { x += 1; n := n + 1 }
  event other with rate 3 { n := n + 2 }
  require x >= 0`)
	require.Equal(t, 1, m.Layout.NUser)
	require.Equal(t, 5, m.Layout.NError, "integrals of rates decide times")
	require.Equal(t, 6, m.Layout.NY)
	spike, other := m.Events[0], m.Events[1]
	require.Equal(t, []int{2, 4}, []int{spike.Likelihood, other.Likelihood})
	require.Equal(t, []int{1, 2}, []int{spike.Threshold, other.Threshold})
	in := inputs{"y": {0.5, 7, 70, 8, 80, 0}, "p": {4}, "d": {1, 6.5, 8.5, 1}}
	require.Equal(t, []float64{-0.5, 2, 2, 3, 3, 0}, values(t, m.RHS, in))
	require.Equal(t, 0.5, value(t, m.Guards[spike.Cond.Guard].Node, in))
	require.Equal(t, -0.5, value(t, m.Guards[other.Cond.Guard].Node, in))
	require.Equal(t, 2., value(t, spike.Rate, in))
	require.Equal(t, []float64{1, 2, -math.Log(2)}, values(t, spike.Jump, in))
	require.Equal(t, []int{0, 6, 2}, spike.Targets)
	require.Equal(t, []bool{true, false, true}, spike.Adds)
	require.Equal(t, []float64{0, 0, 0}, values(t, m.InitD, in)[1:])
}

// TestPriorities: priorities that are not constant are a vector, one for each event.
func TestPriorities(t *testing.T) {
	m := model(t, "  state x = 1\n  discrete n = 1\n  x' = 1\n  event a when x > 1 priority x*n { x += 1 }\n  event b when x > 1 priority 3 { n := 2 }\n  event c when x > 3 { x += 1 }")
	require.Equal(t, []float64{2.5 * 4, 3, 0}, values(t, m.Priorities, inputs{"y": {2.5}, "d": {4}}))
	require.Nil(t, model(t, "  state x = 1\n  x' = 1\n  event a when x > 1 priority 2 { x += 1 }").Priorities)
}

// TestAcross: the squared jump of a conserved quantity over its scale is added to its
// integral, with the values after the event, those of += at the trigger too.
func TestAcross(t *testing.T) {
	m := model(t, `  param e = 0.5
  state h = 1
  state v = 0
  discrete n = 2
  h' = v
  v' = -10
  conserve energy = 10*h + v^2/2 + n { across: [bounce, kick], scale: 4 }
  conserve other = h + v { across: [kick], weight: 0 }
  conserve third = n*v { across: bounce, scale: 2 }
  event bounce when h < 0 { v := -e*v; n := n + 1 }
  event kick at t = 3 priority 1 { h += 1; v += h }
  event none at t = 4 priority 2 { v := 0 }`)
	h, v, n := 0.3, -3., 2.
	in := inputs{"y": {h, v, 0, 0}, "d": {n}, "p": {0.5}, "s": {4, 1, 2}}
	energy := func(h, v, n float64) float64 { return 10*h + v*v/2 + n }
	jump := (energy(h, 1.5, 3) - energy(h, v, n)) / 4
	third := (3*1.5 - n*v) / 2
	bounce := m.Events[0]
	got := values(t, bounce.Jump, in)
	require.Equal(t, []float64{1.5, 3}, got[:2])
	requireClose(t, jump*jump, got[2], 1e-14, "energy over the bounce")
	requireClose(t, third*third, got[3], 1e-14, "third")
	require.Equal(t, []int{1, 4, 2, 3}, bounce.Targets)
	require.Equal(t, []bool{false, false, true, true}, bounce.Adds)
	kick := m.Events[1]
	jump = (energy(h+1, v+h, n) - energy(h, v, n)) / 4
	requireClose(t, jump*jump, values(t, kick.Jump, in)[2], 1e-14, "energy over the kick")
	require.Len(t, kick.Targets, 3)
	require.Len(t, m.Events[2].Targets, 1)
}

// TestMissingInJumps: an assignment that reads a value that was not measured changes
// nothing, unless it says itself what then.
func TestMissingInJumps(t *testing.T) {
	m := model(t, `  state z[2] = 0
  state w = 0
  discrete n = 0
  z' = -z
  w' = n
  let half = data_free/2
  let data_free = w
  observe y[2] = before(z)
  observe x = before(w)
  event set on observation { z := data(y); w += data(x) + half; n := sum(data(y)) }
  event own on observation of x priority 1 { w := if observed(x) > 0.5 then data(x) else -1 }`)
	in := inputs{"y": {1, 2, 3}, "d": {4}, "data": {10, 20, 30}}
	set, own := m.Events[0], m.Events[1]
	for _, c := range []struct{ seen, set, own []float64 }{
		{[]float64{1, 1, 1}, []float64{10, 20, 31.5, 30}, []float64{30}},
		{[]float64{1, 0, 1}, []float64{10, 2, 31.5, 4}, []float64{30}},
		{[]float64{0, 1, 0}, []float64{1, 20, 0, 4}, []float64{-1}},
		{[]float64{0, 0, 0}, []float64{1, 2, 0, 4}, []float64{-1}},
	} {
		in["seen"] = c.seen
		require.Equal(t, c.set, values(t, set.Jump, in), "%v", c.seen)
		require.Equal(t, c.own, values(t, own.Jump, in), "%v", c.seen)
	}
	require.Equal(t, []bool{false, false, true, false}, set.Adds)
}

// TestLayout: where everything stands.
func TestLayout(t *testing.T) {
	m := model(t, `  param a = 1
  param b[2, 2] per trajectory = 0
  param c[3] = 0
  covariate d[2]
  input e
  input f = t
  input g[2]
  state h[2] = 0
  state i = 0, i' = 0
  discrete j[2] = 0
  h' = b[0]*f + e + c[0:2]
  i'' = a + sum(g) + sum(j) + d[0] + e
  let k[2, 2] = b
  observe l[2] = h
  observe m = i + i'
  neural n(x) -> 1 { hidden: [2] }
  loss o = n(a)
  event p(q, r) on data { i += q + r }
  event s(u) on data { i += u }`)
	lay := &m.Layout
	at := func(slots []lower.Slot) (list []int) {
		for _, s := range slots {
			list = append(list, s.Off, s.N)
		}
		return list
	}
	require.Equal(t, []int{0, 2, 2, 1, 3, 1}, at(lay.States))
	require.Equal(t, []int{0, 2}, at(lay.Discretes))
	require.Equal(t, []int{0, 1, 1, 2}, at(lay.Inputs))
	require.Equal(t, []int{0, 1, 0, 4, 1, 3}, at(lay.Params))
	require.True(t, lay.Params[1].PerKey)
	require.Equal(t, []int{0, 2, 2, 1}, at(lay.Observes))
	require.Equal(t, []int{4, 4, 3, 2, 3, 2, 4, 6}, []int{lay.NY, lay.NUser, lay.NU, lay.ND, lay.NObs, lay.NA, lay.NKey, lay.NQ})
	require.Equal(t, []int{4, 4 + 2*2 + 3}, []int{lay.NPar, lay.NP})
	var names []string
	for _, o := range lay.Outputs {
		names = append(names, o.Name)
	}
	require.Equal(t, []string{"k[0,0]", "k[0,1]", "k[1,0]", "k[1,1]", "l[0]", "l[1]", "m"}, names)
	require.Equal(t, []int{0, 2, 3, 4, 5, 6}, func() (list []int) {
		for _, s := range lay.Scales {
			list = append(list, s.Off)
		}
		return append(list, lay.NS)
	}())
}

// TestPositive: states that are declared to be so have an event behind all others that lifts them to 0, and nothing else; a model without
// any has none.
func TestPositive(t *testing.T) {
	m := model(t, `
		state x = 1
		state n[3] >= 0 = 1
		state z >= 0 = 2
		x' = -x
		n' = -n
		z' = -z
		event push when x <= 0.5 { x := 1 }`)
	require.Len(t, m.Events, 2)
	require.Equal(t, 2, m.Positive)
	e := m.Events[1]
	require.Equal(t, "positive", e.Checked.Name)
	require.Equal(t, []int{1, 2, 3, 4}, e.Targets)
	require.Equal(t, []bool{false, false, false, false}, e.Adds)
	require.Equal(t, []float64{0.5, 0, 0, 3}, values(t, e.Jump, inputs{"y": {-7, 0.5, -0.25, 0, 3}}))
	require.Equal(t, []float64{0, 0, 2, 0}, values(t, e.Jump, inputs{"y": {-7, -1, -0.25, 2, -3}}))

	m = model(t, "state x = 1\n x' = -x\n event push when x <= 0.5 { x := 1 }")
	require.Len(t, m.Events, 1)
	require.Zero(t, m.Positive)
}
