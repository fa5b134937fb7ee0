package pinode

import (
	"context"
	"fmt"
	"math"
	"math/cmplx"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/internal/engine"
	"github.com/pinode/pinode/internal/gradcheck"
)

// closedForm is a model whose states at the end and times of events are
// known functions of its parameters.
type closedForm struct {
	model  string
	start  map[string]float64
	ends   int
	events int
	// formula returns the first states at the end, then the times of events.
	// It is analytic, so that a complex step gives its derivatives to the last
	// digit.
	formula func(p map[string]complex128) []complex128
}

// check compares values and derivatives, in every mode, with the formula.
func (c *closedForm) check(t *testing.T, tol float64) {
	t.Helper()
	m, err := Parse("model.node", c.model)
	require.NoError(t, err)
	opt, err := engine.SolverOptions(simulateSettings(m))
	require.NoError(t, err)
	cert, err := gradcheck.Simulation(context.Background(), m.simulator(), opt, gradcheck.Want{Coordinates: 1000, Events: c.events, Enough: gradcheck.FineDifference, Tol: gradcheck.FineTolerance, Modes: gradcheck.Modes, Full: true})
	require.NoError(t, err)
	require.Less(t, cert.Worst, 1e-6, "%s, %s", cert.Mode, cert.Where)
	require.Len(t, cert.Events, c.events)
	s, err := m.Simulate(context.Background(), SimulateOptions{})
	require.NoError(t, err)

	at := func(name string, h float64) []complex128 {
		p := map[string]complex128{}
		for k, v := range c.start {
			p[k] = complex(v, 0)
			if k == name {
				p[k] = complex(v, h)
			}
		}
		return c.formula(p)
	}
	values := at("", 0)
	for k, e := range s.Trajectories[0].Events {
		require.InEpsilon(t, real(values[c.ends+k]), e.Time, tol, "event %d", k+1)
	}
	rows := s.Trajectories[0].Rows
	for k := range c.ends {
		require.InEpsilon(t, real(values[k]), rows[len(rows)-1][1+k], tol, "state %d", k)
	}
	const tiny = 1e-30
	targets := append(cert.Targets[:c.ends:c.ends], cert.Targets[len(cert.Targets)-c.events:]...)
	scale := make([]float64, len(targets)) // the largest derivative of each target
	for name := range c.start {
		for k, v := range at(name, tiny) {
			scale[k] = math.Max(scale[k], math.Abs(imag(v)/tiny))
		}
	}
	for k, target := range targets {
		require.Len(t, target.Rows, len(c.start))
		for _, r := range target.Rows {
			want := imag(at(r.Name, tiny)[k]) / tiny
			for j, mode := range cert.Modes {
				require.InDelta(t, want, r.Gradient[j], tol*math.Max(math.Abs(want), 1e-3*scale[k]), "d %s / d %s, %s", target.Name, r.Name, mode)
			}
		}
	}
}

// TestFiftyBounces: the gaps between impacts shrink by e each; everything is
// a geometric series.
func TestFiftyBounces(t *testing.T) {
	ball := func(until float64, ends, bounces int) *closedForm {
		return &closedForm{
			model: fmt.Sprintf(`model Ball {
  param g in (0, inf) = 9.8
  param e in (0, 1) = 0.8
  param r in (0, inf) = 0.2
  param y0 in (0, inf) = 10
  state y = y0
  state v = 0
  y' = v
  v' = -g
  event bounce when y <= r { v := -e*v }
}
simulate { until: %g, solver: tsit5 { rtol: 1e-11, atol: 1e-13 } }`, until),
			start: map[string]float64{"g": 9.8, "e": 0.8, "r": 0.2, "y0": 10},
			ends:  ends, events: bounces,
			formula: func(p map[string]complex128) []complex128 {
				g, e, h := p["g"], p["e"], p["y0"]-p["r"]
				out := make([]complex128, ends, ends+bounces)
				power := 1 + 0i
				for range bounces {
					power *= e
					out = append(out, cmplx.Sqrt(2*h/g)*(1+e-2*power)/(1-e))
				}
				s, u := complex(until, 0)-out[len(out)-1], power*cmplx.Sqrt(2*g*h)
				copy(out[:ends], []complex128{p["r"] + u*s - g*s*s/2, u - g*s})
				return out
			},
		}
	}
	ball(11.8, 2, 12).check(t, 1e-9)
	// The last hops are so short that a rounding of the time moves the ball by
	// more than a billionth of their height: only times are left to compare.
	ball(12.72774, 0, 50).check(t, 1e-9)
}

// TestRelay: a thermostat's dwell times are logarithms.
func TestRelay(t *testing.T) {
	c := &closedForm{
		model: `model Relay {
  param k in (0, inf) = 1
  param hot = 25
  param cold = 15
  param hi = 22
  param lo = 18
  state T = lo
  discrete heat = 1
  T' = -k*(T - (if heat == 1 then hot else cold))
  event off when T >= hi { heat := 0 }
  event on when T <= lo { heat := 1 }
}
simulate { until: 5, solver: tsit5 { rtol: 1e-12, atol: 1e-13 } }`,
		start: map[string]float64{"k": 1, "hot": 25, "cold": 15, "hi": 22, "lo": 18},
		ends:  1, events: 5,
		formula: func(p map[string]complex128) []complex128 {
			up := cmplx.Log((p["hot"]-p["lo"])/(p["hot"]-p["hi"])) / p["k"]
			down := cmplx.Log((p["hi"]-p["cold"])/(p["lo"]-p["cold"])) / p["k"]
			out := []complex128{0, up, up + down, 2*up + down, 2*up + 2*down, 3*up + 2*down}
			out[0] = p["cold"] + (p["hi"]-p["cold"])*cmplx.Exp(-p["k"]*(5-out[5]))
			return out
		},
	}
	c.check(t, 1e-9)
	dwell := c.formula(map[string]complex128{"k": 1, "hot": 25, "cold": 15, "hi": 22, "lo": 18})
	require.InDelta(t, 0.8472978604, real(dwell[1]), 1e-10)
}

// TestIntegrateAndFire: a leaky neuron under a constant current fires with
// the period τ ln((RI − v_reset)/(RI − v_th)).
func TestIntegrateAndFire(t *testing.T) {
	c := &closedForm{
		model: `model Neuron {
  param tau in (0, inf) = 20
  param RI = 2
  param reset = 0
  param threshold = 1
  state V = reset
  V' = (RI - V)/tau
  event spike when V >= threshold { V := reset }
}
simulate { until: 100, solver: tsit5 { rtol: 1e-12, atol: 1e-13 } }`,
		start: map[string]float64{"tau": 20, "RI": 2, "reset": 0, "threshold": 1},
		ends:  1, events: 7,
		formula: func(p map[string]complex128) []complex128 {
			period := p["tau"] * cmplx.Log((p["RI"]-p["reset"])/(p["RI"]-p["threshold"]))
			out := []complex128{0}
			for n := range 7 {
				out = append(out, complex(float64(n+1), 0)*period)
			}
			out[0] = p["RI"] + (p["reset"]-p["RI"])*cmplx.Exp(-(100-out[7])/p["tau"])
			return out
		},
	}
	c.check(t, 1e-9)
}

// fan is a linear system of three regions, each of which turns the state
// about a centre of its own: (1, −1) right of the wall, (1, 1) left of it and
// (−2, 0) above the roof.
func fan(p, q float64) string {
	return fmt.Sprintf(`model Fan {
  param p = %g
  param q = %g
  param wall = 0
  param roof = 2
  state x = p
  state y = q
  discrete n = 0
  x' = -y + (if y >= roof then 0 else if x >= wall then -1 else 1)
  y' = x + (if y >= roof then 2 else -1)
  event left when x <= wall priority 1 { n := n + 1 }
  event right when x >= wall priority 2 { n := n + 1 }
  event up when y >= roof priority 3 { n := n + 1 }
  event down when y <= roof priority 4 { n := n + 1 }
  observe count = n
}
simulate { until: 8, solver: tsit5 { rtol: 1e-12, atol: 1e-13 } }`, p, q)
}

// TestFan: each piece of the path is an arc of a circle, so that crossings
// are roots of a cos t + b sin t = c.
func TestFan(t *testing.T) {
	type crossing struct {
		x, y complex128 // the centre of the arc that leads to it
		wall bool       // else the roof
		near float64    // its time
	}
	crossings := []crossing{{1, -1, false, 2.5}, {-2, 0, true, 3.5}, {-2, 0, false, 5}, {1, 1, true, 6.5}, {1, -1, false, 8}}
	c := &closedForm{
		model: fan(0.5, -4.5),
		start: map[string]float64{"p": 0.5, "q": -4.5, "wall": 0, "roof": 2},
		ends:  2, events: 4,
		formula: func(p map[string]complex128) []complex128 {
			x, y, now := p["p"], p["q"], 0i
			out := []complex128{0, 0}
			for i, c := range crossings {
				dx, dy := x-c.x, y-c.y
				at := func(s complex128) (complex128, complex128) {
					return dx*cmplx.Cos(s) - dy*cmplx.Sin(s), dx*cmplx.Sin(s) + dy*cmplx.Cos(s)
				}
				s := complex(c.near, 0) - now
				for range 40 { // Newton's method
					u, v := at(s)
					switch {
					case i == len(crossings)-1:
						// the end
					case c.wall:
						s -= (c.x + u - p["wall"]) / -v
					default:
						s -= (c.y + v - p["roof"]) / u
					}
				}
				u, v := at(s)
				if now += s; i < len(crossings)-1 {
					out = append(out, now)
				}
				if c.wall && c.x == -2 { // above the roof the wall means nothing
					now -= s
					continue
				}
				x, y = c.x+u, c.y+v
			}
			out[0], out[1] = x, y
			return out
		},
	}
	c.check(t, 1e-9)

	// Between −1 and 1 the fields on both sides of the wall point at it: from
	// (1, −1) + (−½ cos t − 2 sin t, …) the state meets it, slides down at rate −1
	// and goes on about (1, −1) where the field right of the wall lets go.
	tr, err := simulated(t, fan(0.5, 1))
	require.NoError(t, err)
	var slides []float64
	for _, e := range tr.Events {
		if e.Surface != "" {
			slides = append(slides, e.Time)
		}
	}
	u := math.Atan2(2, -0.5) // the angle of the start about the centre; x = 0 at cos = −1/r
	r := math.Hypot(2, 0.5)
	enter := math.Acos(-1/r) - u
	y := -1 + math.Sqrt(r*r-1)
	require.InDeltaSlice(t, []float64{enter, enter + y + 1}, slides, 1e-11)
	last, angle := tr.Rows[len(tr.Rows)-1], 8-enter-y-1
	require.InDelta(t, 1-math.Cos(angle), last[1], 1e-10)
	require.InDelta(t, -1-math.Sin(angle), last[2], 1e-10)
}
