package pinode

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/internal/gradcheck"
)

// Equations `0 = …` that jump: their unknowns do so with them.

// jumpingSolvers are methods of all kinds.
var jumpingSolvers = []string{"auto", "tsit5", "dop853", "vern9", "rodas4", "rodas5p", "kvaerno5", "radau", "bdf"}

// TestAlgebraicFriction: with the acceleration as an unknown a block stops where v = 1 − μt is zero,
// at x = 1/(2μ), and stays.
func TestAlgebraicFriction(t *testing.T) {
	for _, mu := range []float64{0.5, 0.8, 1} {
		for _, solver := range jumpingSolvers {
			row := endOf(t, fmt.Sprintf(`
				model M {
				  state x = 0
				  state v = 1
				  algebraic a = 0
				  0 = a + %g*sign(v)
				  x' = v
				  v' = a
				}
				simulate { until: 4, step: 4, solver: %s { rtol: 1e-7, atol: 1e-9 } }`, mu, solver))
			require.InDelta(t, 0.5/mu, row[0], 1e-6, "place with μ = %g by %s", mu, solver)
			require.InDelta(t, 0, row[1], 1e-9, "speed with μ = %g by %s", mu, solver)
			require.InDelta(t, 0, row[2], 1e-9, "acceleration with μ = %g by %s", mu, solver)
		}
	}
}

// TestAlgebraicRelay: behind a resistor a relay holds the voltage v at its threshold 1 from
// t₁ = 1.5 ln 1.5 on; the charge q that it has let through is 3t₁ + (t − t₁).
func TestAlgebraicRelay(t *testing.T) {
	at := 1.5 * math.Log(1.5)
	for _, solver := range jumpingSolvers {
		row := endOf(t, fmt.Sprintf(`
			model M {
			  state v = 0
			  state q = 0
			  algebraic i = 0
			  let u = if v < 1 then 3 else 0
			  0 = u - v - 0.5*i - i
			  v' = i
			  q' = u
			}
			simulate { until: 4, step: 4, solver: %s { rtol: 1e-7, atol: 1e-9 }, outputs: [v, q, i, u] }`, solver))
		require.InDelta(t, 1, row[0], 1e-8, "voltage by %s", solver)
		require.InDelta(t, 3*at+4-at, row[1], 1e-5, "charge by %s", solver)
		require.InDelta(t, 0, row[2], 1e-8, "current by %s", solver)
		require.InDelta(t, 1, row[3], 1e-7, "source by %s", solver)
	}
}

// TestAlgebraicCrossing: the source becomes weaker where v comes to a threshold, for many thresholds:
// which of the digits of v decides the comparison there is chance.
func TestAlgebraicCrossing(t *testing.T) {
	for _, solver := range jumpingSolvers {
		for k := range 12 {
			set := 0.2 + 0.13*float64(k)
			at := 1.5 * math.Log(3/(3-set))
			row := endOf(t, fmt.Sprintf(`
				model M {
				  state v = 0
				  algebraic i = 0
				  0 = (if v < %g then 3 else 2) - v - 1.5*i
				  v' = i
				}
				simulate { until: 4, step: 4, solver: %s { rtol: 1e-7, atol: 1e-9 } }`, set, solver))
			require.InDelta(t, 2+(set-2)*math.Exp(-(4-at)/1.5), row[0], 2e-6, "threshold %g by %s", set, solver)
		}
	}
}

// TestAlgebraicPulses: a source that is switched with the time, in front of a resistor, whose equation
// is linear in the current, or of a diode as well, whose is not. Reference: between the switches the voltage
// of the resistor is an exponential, and that of the diode is found by small steps of Euler's method,
// extrapolated.
func TestAlgebraicPulses(t *testing.T) {
	t.Parallel()
	for _, diode := range []bool{false, true} {
		current := func(u, v float64) float64 { return (u - v) / 1.5 }
		text := "1.5*i"
		if diode {
			text = "i - 0.1*log(1 + exp(10*i))"
			current = func(u, v float64) float64 {
				return bisect(func(i float64) float64 { return i + 0.1*math.Log(1+math.Exp(10*i)) - (u - v) }, -10, 10)
			}
		}
		for _, duty := range []float64{0.05, 0.3, 0.5, 0.9} {
			steps := func(n int) (v float64) {
				for range 4 {
					for _, part := range [][2]float64{{3, duty}, {1, 1 - duty}} {
						for range n {
							h := part[1] / float64(n)
							k := current(part[0], v)
							v += h * current(part[0], v+h/2*k) // of order two
						}
					}
				}
				return v
			}
			const n = 60
			want := (4*steps(2*n) - steps(n)) / 3
			for _, solver := range jumpingSolvers {
				row := endOf(t, fmt.Sprintf(`
					model M {
					  state v = 0
					  algebraic i = 0.5
					  0 = (if t - floor(t) < %g then 3 else 1) - v - %s
					  v' = i
					}
					simulate { until: 4, step: 4, solver: %s { rtol: 1e-7, atol: 1e-9 } }`, duty, text, solver))
				require.InDelta(t, want, row[0], 5e-6, "duty %g by %s, with a diode: %t", duty, solver, diode)
			}
		}
	}
}

// TestAlgebraicJumpGradients compares the gradients of all modes with differences, of a relay that slides
// and one that crosses.
func TestAlgebraicJumpGradients(t *testing.T) {
	for name, low := range map[string]string{"slides": "0", "crosses": "2"} {
		m := fromText(t, `
			model M {
			  param set = 1
			  param R = 0.5
			  state v = 0
			  state q = 0
			  algebraic i = 0
			  let u = if v < set then 3 else `+low+`
			  0 = u - v - R*i - i
			  v' = i
			  q' = u*i
			  observe y = q + i ~ normal(0.1)
			}
			data d from "d.csv" { time: t, y: y }
			fit { solver: dop853 { rtol: 1e-10, atol: 1e-10 } }`, "t,y\n0,\n0.3,0.4\n1,2\n2.5,3\n")
		f, err := m.NewFit(FitOptions{Workers: 1, Seed: 1})
		require.NoError(t, err)
		cert, err := f.Certify(t.Context(), 100, gradcheck.Modes...)
		require.NoError(t, err)
		require.Empty(t, restCertified(cert), name)
		require.Positive(t, cert.Compared, name)
	}
}

// TestAlgebraicSlidesRefused: an equation that is not linear in its unknown does not say what it is
// between the sides of its jump.
func TestAlgebraicSlidesRefused(t *testing.T) {
	m, err := Parse("m.node", `
		model M {
		  state v = 0
		  algebraic i = 0.5
		  0 = (if v < 1 then 3 else 0) - v - i - i^3
		  v' = i
		}
		simulate { until: 4 }`)
	require.NoError(t, err)
	_, err = m.Simulate(t.Context(), SimulateOptions{})
	require.ErrorContains(t, err, "a jump in an equation `0 = …` that is not linear in its unknowns")
}

// TestAlgebraicRectifier: a rectifier with the voltage before the diode as an unknown of its own, which the
// current depends on by a corner. Reference: the same with one formula for the current.
func TestAlgebraicRectifier(t *testing.T) {
	t.Parallel()
	const model = `
		model R {
		  state v = 0
		  %s
		  v' = i - 0.3*v
		}
		simulate { until: 12, step: 12, solver: %s { rtol: %g, atol: %g } }`
	want := endOf(t, fmt.Sprintf(model, "let i = max(3*sin(4*t) - v, 0)/0.3", "dop853", 1e-11, 1e-12))[0]
	for i, c := range [][2]string{
		{"max", "algebraic i = 0\n algebraic p = 0\n 0 = p - 3*sin(4*t) + 0.2*i\n 0 = i - max(p - v, 0)/0.1"},
		{"if", "algebraic i = 0\n algebraic p = 0\n 0 = p - 3*sin(4*t) + 0.2*i\n 0 = i - (if p > v then p - v else 0)/0.1"},
		{"abs", "algebraic i = 0\n algebraic p = 0\n 0 = p - 3*sin(4*t) + 0.2*i\n 0 = i - (abs(p - v) + p - v)/0.2"},
	} {
		for j, solver := range jumpingSolvers {
			for k, rtol := range []float64{1e-6, 1e-8, 1e-10} {
				if !inPairs(i, j, k) {
					continue
				}
				row := endOf(t, fmt.Sprintf(model, c[1], solver, rtol, rtol))
				require.InDelta(t, want, row[0], 1e-7+300*rtol, "%s by %s at %g", c[0], solver, rtol)
			}
		}
	}
}

// TestReleasedInConstraint: a brake in an equation `0 = …` that holds the body is released at t = 1, from
// where on v = (t − 1).
func TestReleasedInConstraint(t *testing.T) {
	for _, solver := range []string{"tsit5", "rodas5p", "radau", "kvaerno5", "bdf"} {
		row := endOf(t, `
			model M {
			  state v = 0.5
			  discrete brake = 1
			  algebraic F = 0
			  event release at t = 1 { brake := 0 }
			  0 = F + (if brake > 0.5 then 2*sign(v) else 0) - 1
			  v' = F
			}
			simulate { until: 3, step: 3, solver: `+solver+` { rtol: 1e-9, atol: 1e-11 } }`)
		require.InDelta(t, 2, row[0], 1e-7, solver)
	}
}
