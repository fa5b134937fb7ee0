package pinode

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/internal/gradcheck"
)

// TestSlideEnds: x' = A sin t − sign x stays at zero while A |sin t| < 1. What the dense output of a step
// that leaves zero is off by is no crossing, be the method what it may. Reference: small steps that stop
// at zero where the friction can hold it.
func TestSlideEnds(t *testing.T) {
	const until, n = 10., 100_000
	for i, a := range []float64{0.8, 1.1, 1.5, 2, 2.7, 3.9} {
		x := 0.5
		for k := range n {
			const h = until / n
			free := x + h*a*math.Sin((float64(k)+0.5)*h)
			x = math.Copysign(math.Max(math.Abs(free)-h, 0), free)
		}
		for j, solver := range append([]string{"rosenbrock23"}, jumpingSolvers...) {
			for l, rtol := range []float64{1e-4, 1e-6, 1e-8} {
				if !inPairs(i, j, l) {
					continue
				}
				row := endOf(t, fmt.Sprintf("model M {\n  state x = 0.5\n  x' = %g*sin(t) - sign(x)\n}\nsimulate { until: %g, step: %g, solver: %s { rtol: %g } }", a, until, until, solver, rtol))
				require.InDelta(t, x, row[0], 2e-4+20*rtol, "A = %g by %s at %g", a, solver, rtol)
			}
		}
	}
}

// TestTankBesideSensor: a tank that overflows, with a sensor that makes the model stiff, so that the
// default is a Rosenbrock method: what leaves the tank is what flows in while it is full.
func TestTankBesideSensor(t *testing.T) {
	for _, a := range []float64{0.5, 0.7, 0.8, 0.9, 1.2} {
		full := bisect(func(s float64) float64 { return 0.5 + a*(1-math.Cos(s)) + 0.1*s - 1 }, 0, math.Pi)
		empty := math.Pi + math.Asin(0.1/a)
		lost := a*(math.Cos(full)-math.Cos(empty)) + 0.1*(empty-full)
		row := endOf(t, fmt.Sprintf(`
			model Tank {
			  state h = 0.5
			  state lost = 0
			  state m = 0.5
			  let over = if h > 1 then 2 else 0
			  h' = %g*sin(t) + 0.1 - over
			  lost' = over
			  m' = 2000*(h - m)
			}
			simulate { until: 6, step: 6 }`, a))
		require.InDelta(t, lost, row[1], 1e-5, "lost with a = %g", a)
		require.InDelta(t, 1+a*(math.Cos(empty)-math.Cos(6))+0.1*(6-empty), row[0], 1e-5, "level with a = %g", a)
	}
}

// TestCornerAtAJump: a jump and a corner on one surface that moves with the time. Exactly on it, where
// pieces of the run end, the derivative of the corner is that of the piece's side.
func TestCornerAtAJump(t *testing.T) {
	for name, field := range map[string]string{
		"a time":    "(if t > a then 1 else 0) + abs(t - a)",
		"a phase":   "(if sin(2*pi*t/a) > 0 then 1 else 0) + 3*abs(sin(2*pi*t/a))",
		"a product": "sign(sin(t - a))*abs(sin(t - a)) + max(sin(t - a), 0)",
	} {
		m := fromText(t, "model M {\n param a = 1.3\n state z = 0\n z' = "+field+"\n observe y = z ~ normal(0.1)\n}\n"+
			"data d from \"d.csv\" { time: t, y: y }\nfit { solver: tsit5 { rtol: 1e-9, atol: 1e-10 } }", "t,y\n0,\n4.1,2\n11,7\n")
		f, err := m.NewFit(FitOptions{Workers: 1, Seed: 1})
		require.NoError(t, err)
		cert, err := f.Certify(t.Context(), 100, gradcheck.Modes...)
		require.NoError(t, err)
		require.Empty(t, restCertified(cert), name)
	}
}

// TestImplicitSlides: an oscillator y = 0.598 sin ωt pulls a block that sticks and slips, and has nothing
// of it back. At an end of a stick the pull is what the friction can hold, and an event that fires
// meanwhile reads y at its threshold: implicit steps to these times are solved, though the block's speed is zero.
func TestImplicitSlides(t *testing.T) {
	const omega, amplitude, hold = 3.503, 0.598, 1.327
	for _, solver := range jumpingSolvers {
		for _, rtol := range []float64{1e-4, 1e-6, 1e-8} {
			run, err := simulated(t, fmt.Sprintf(`
				model X {
				  state v = 0
				  state y = 0
				  state z = %[1]g
				  discrete n = 0
				  y' = %[2]g*z
				  z' = -%[2]g*y
				  v' = 4*y - %[3]g*sign(v)
				  event above when y >= 0.3 { n += 1 }
				}
				simulate { until: 12, step: 12, solver: %[4]s { rtol: %[5]g, atol: %[5]g } }`, amplitude, omega, hold, solver, rtol))
			require.NoError(t, err, solver)
			within := 1e-6 + 300*rtol
			row := run.Rows[len(run.Rows)-1][1:]
			require.InDelta(t, amplitude*math.Sin(omega*12), row[1], within, "%s at %g", solver, rtol)
			require.Equal(t, 7., row[3], "events by %s at %g", solver, rtol)
			for _, e := range run.Events {
				switch {
				case e.Name == "above":
					require.InDelta(t, 0.3, e.Before[1], 1e-6, "%s at %g, t = %g", solver, rtol, e.Time)
				case e.Name == "slide end" && e.Time > 0:
					require.InDelta(t, hold, 4*math.Abs(e.Before[1]), within, "%s at %g, t = %g", solver, rtol, e.Time)
				}
			}
		}
	}
}
