package pinode

import (
	"context"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// akzo is the chemical Akzo Nobel problem, of index 1 (E. Hairer, G. Wanner, Solving ODEs
// II, 2nd ed., and the Test Set for IVP Solvers, F. Mazzia, C. Magherini, 2008).
const akzo = `model Akzo {
  const k1 = 18.7 ; const k2 = 0.58 ; const k3 = 0.09 ; const k4 = 0.42
  const K = 34.4 ; const klA = 3.3 ; const Ks = 115.83 ; const pCO2 = 0.9 ; const H = 737
  state y1 = 0.444 ; state y2 = 0.00123 ; state y3 = 0 ; state y4 = 0.007 ; state y5 = 0
  algebraic y6 = 1
  let r1 = k1*y1^4*sqrt(y2) ; let r2 = k2*y3*y4 ; let r3 = k2/K*y1*y5
  let r4 = k3*y1*y4^2 ; let r5 = k4*y6^2*sqrt(y2)
  y1' = -2*r1 + r2 - r3 - r4
  y2' = -0.5*r1 - r4 - 0.5*r5 + klA*(pCO2/H - y2)
  y3' = r1 - r2 + r3
  y4' = -r2 + r3 - 2*r4
  y5' = r2 - r3 + r5
  0 = Ks*y1*y4 - y6
}
simulate { until: 180, step: 180, solver: tsit5 { rtol: 1e-10, atol: 1e-12 } }`

func TestAkzo(t *testing.T) {
	m, err := Parse("akzo.node", akzo)
	require.NoError(t, err)
	s, err := m.Simulate(context.Background(), SimulateOptions{})
	require.NoError(t, err)
	rows := s.Trajectories[0].Rows
	want := []float64{.11507949206617022, 1.2038314715677151e-3, .16115628874079742, 3.6561564212492830e-4, .017080108852644041, 4.8735313103074551e-3}
	for i, v := range want {
		require.InEpsilon(t, v, rows[1][1+i], 1e-8, "y%d", i+1)
	}
	require.InEpsilon(t, .35999964, rows[0][6], 1e-14, "the guess is no value")
}

// tank drains through a pipe in which the pressure drop of the flow counts: with
// h = p - 0.1·q and q² = a·p, q(h) is known in closed form.
const tank = `model Tank {
  param k = 2
  state h = 1
  discrete open = 1
  algebraic q = 1
  algebraic p = 1
  h' = -q
  0 = p - h - 0.1*q
  0 = q*abs(q) - open*k^2*p
  event pulse at t = 0.3 { h := h + 1 }
  event half when p <= 0.5 { open := 0.25 }
}
simulate { until: 1, step: 0.1, solver: tsit5 { rtol: 1e-10, atol: 1e-12 } }`

func TestAlgebraicEvents(t *testing.T) {
	m, err := Parse("tank.node", tank)
	require.NoError(t, err)
	s, err := m.Simulate(context.Background(), SimulateOptions{})
	require.NoError(t, err)
	flow := func(h, open float64) float64 {
		a := 4 * open
		return (0.1*a + math.Sqrt(0.01*a*a+4*a*h)) / 2
	}
	rows := s.Trajectories[0].Rows
	for _, r := range rows {
		h, q, p, open := r[1], r[2], r[3], r[4]
		require.InEpsilon(t, flow(h, open), q, 1e-8, "at %g", r[0])
		require.InDelta(t, h+0.1*q, p, 1e-8, "at %g", r[0])
	}
	// The time from height a to b at one valve: ∫ dh/q(h), with dh = (2q/a − 0.1) dq.
	lasts := func(from, to, open float64) float64 {
		a, b := flow(from, open), flow(to, open)
		return 2/(4*open)*(a-b) - 0.1*math.Log(a/b)
	}
	events := s.Trajectories[0].Events
	require.Len(t, events, 2)
	before := events[0].Before[0]
	require.InDelta(t, 0.3, lasts(1, before, 1), 1e-9)
	half := 0.5 - 0.1*math.Sqrt(2) // p = 0.5, q² = 2
	require.InDelta(t, 0.3+lasts(before+1, half, 1), events[1].Time, 1e-8)
	require.InEpsilon(t, flow(half, 0.25), events[1].After[1], 1e-7, "the flow jumps with the valve")
	c, err := m.Certify(t.Context(), 10)
	require.NoError(t, err)
	require.True(t, c.Certified(), "%s: %s: %g", c.Mode, c.Where, c.Worst)
}

// binding comes to rest where kon·L·R = koff·C with the totals L + C and R + C that the
// start has, and P = (stim + C)/kp with the stimulus before the run.
const binding = `model Binding {
  input stim = if t < 1 then 0.5 else 0.75
  param kon in (0, inf) = 2
  param koff in (0, inf) = 0.5
  param kp in (0, inf) = 1
  param R0 in (0, inf) = 3
  state L = 2
  state R = R0
  state C = 0
  state P = 0.1
  algebraic Q = 0
  start steady { stim: 0.25 }
  let bind = kon*L*R - koff*C
  L' = -bind
  R' = -bind
  C' = bind
  P' = stim + C - kp*P
  0 = Q^3 + Q - P
}
simulate { until: 2, step: 2 }`

func TestSteadyStart(t *testing.T) {
	m, err := Parse("binding.node", binding)
	require.NoError(t, err)
	s, err := m.Simulate(context.Background(), SimulateOptions{})
	require.NoError(t, err)
	// 2(2 − c)(3 − c) = c/2
	c := (10.5 - math.Sqrt(10.5*10.5-4*2*12)) / 4
	r := s.Trajectories[0].Rows[0]
	for i, want := range []float64{2 - c, 3 - c, c, 0.25 + c} {
		require.InEpsilon(t, want, r[1+i], 1e-12)
	}
	require.InDelta(t, r[4], math.Pow(r[5], 3)+r[5], 1e-12)
	last := s.Trajectories[0].Rows[len(s.Trajectories[0].Rows)-1]
	p := c + 0.25 + 0.25*(1-math.Exp(-2)) + 0.25*(1-math.Exp(-1))
	require.InEpsilon(t, p, last[4], 1e-6)
	cert, err := m.Certify(t.Context(), 10)
	require.NoError(t, err)
	require.True(t, cert.Certified(), "%s: %s: %g", cert.Mode, cert.Where, cert.Worst)
}

// TestSteadyBasin: of the two stable states of x' = x − x³ the run starts at the one that
// the declared value leads to.
func TestSteadyBasin(t *testing.T) {
	for start, want := range map[string]float64{"0.05": 1, "-0.05": -1, "3": 1} {
		m, err := Parse("two.node", "model Two {\n  state x = "+start+"\n  start steady\n  x' = x - x^3\n}\nsimulate { until: 1 }")
		require.NoError(t, err)
		require.InEpsilon(t, want, lastRow(t, m)[1], 1e-12)
	}
}

// TestSteadyTotals: conserved totals are seen however rates are written, and whichever
// state runs out.
func TestSteadyTotals(t *testing.T) {
	for name, c := range map[string]struct {
		body string
		want []float64
	}{
		"signs first":     {"state A = 1\n  state B = 0\n  A' = -k*A + b*B\n  B' = k*A - b*B", []float64{0.4, 0.6}},
		"a factor":        {"state A = 2\n  state D = 0\n  A' = -2*k*A^2 + 2*b*D\n  D' = k*A^2 - b*D", []float64{2. / 3, 2. / 3}},
		"all of A":        {"state A = 1\n  state C = 0.5\n  A' = -k*A\n  C' = k*A + 0*b", []float64{0, 1.5}},
		"the last goes":   {"state A = 3\n  state B = 1\n  A' = -k*A*B\n  B' = -k*A*B + 0*b", []float64{2, 0}},
		"the first goes":  {"state A = 1\n  state B = 3\n  A' = -k*A*B\n  B' = -k*A*B + 0*b", []float64{0, 2}},
		"three of a kind": {"state A = 3\n  state B = 1\n  state C = 0\n  A' = -k*A*B\n  B' = -k*A*B + 0*b\n  C' = k*A*B", []float64{2, 0, 1}},
	} {
		m, err := Parse("totals.node", "model T {\n  param k = 3\n  param b = 2\n  start steady\n  "+c.body+"\n}\nsimulate { until: 1 }")
		require.NoError(t, err, name)
		s, err := m.Simulate(context.Background(), SimulateOptions{})
		require.NoError(t, err, name)
		for i, want := range c.want {
			require.InDelta(t, want, s.Trajectories[0].Rows[0][1+i], 1e-9, name)
		}
	}
}

// TestDependentConstraints: equations that say the same of the unknowns are refused.
func TestDependentConstraints(t *testing.T) {
	_, err := Parse("twice.node", "model A {\n  state x = 1\n  algebraic a = 1\n  algebraic b = 1\n  x' = -a\n  0 = a + b - x\n  0 = a + b - 2*x\n}")
	require.ErrorContains(t, err, "leaves no algebraic unknown to determine")
}
