package pinode

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/internal/gradcheck"
)

// slidingCase is a model that slides on surfaces of its field, with what is
// known of it. Its formulas are functions of the parameters.
type slidingCase struct {
	name, body string
	until      float64
	params     map[string]float64

	// in and out are the times at which the state comes to a surface and
	// leaves it, after the start; nil where they are not compared.
	in, out func(p map[string]float64) []float64
	ends    func(p map[string]float64) map[string]float64
}

func (c *slidingCase) text(solver string) string {
	s := "model M {\n"
	for name, v := range c.params {
		s += fmt.Sprintf("  param %s = %.17g\n", name, v)
	}
	return s + c.body + fmt.Sprintf("\n}\nsimulate { until: %.17g, step: %.17g, solver: %s }\n", c.until, c.until/8, solver)
}

// slidingPhases are the times at which a run comes to surfaces and leaves
// them: the lines of its log that are called `slide` or `slide end`, with the
// surface behind it. A start on one is none.
func slidingPhases(tr *Trajectory) (in, out []float64) {
	for _, e := range tr.Events {
		switch {
		case e.Time == tr.Rows[0][0]:
		case strings.HasPrefix(e.Name, "slide end"):
			out = append(out, e.Time)
		case strings.HasPrefix(e.Name, "slide"):
			in = append(in, e.Time)
		}
	}
	return in, out
}

// bisect finds a root between two times.
func bisect(f func(float64) float64, lo, hi float64) float64 {
	for range 200 {
		mid := (lo + hi) / 2
		if (f(mid) > 0) == (f(hi) > 0) {
			hi = mid
		} else {
			lo = mid
		}
	}
	return hi
}

// slidingCases have closed forms. States named z are areas under others, by
// which the time of an entry is felt at the end.
var slidingCases = []slidingCase{
	{
		name: "one side each",
		body: `  state x = x0
  state z = 0
  x' = if x < 0 then a else -b
  z' = x`,
		until: 1, params: map[string]float64{"a": 3, "b": 1, "x0": -1},
		in:  func(p map[string]float64) []float64 { return []float64{-p["x0"] / p["a"]} },
		out: func(map[string]float64) []float64 { return nil },
		ends: func(p map[string]float64) map[string]float64 {
			return map[string]float64{"x": 0, "z": -p["x0"] * p["x0"] / (2 * p["a"])}
		},
	},
	{
		name: "a growing oscillation turns back at the circle and goes through",
		body: `  state x = r
  state y = 0
  let s = if x^2 + y^2 > R^2 then -1 else 1
  x' = g*x - w*s*y
  y' = w*s*x + g*y`,
		until: 1.7, params: map[string]float64{"g": 1, "w": 2 * math.Pi, "R": 1, "r": math.Exp(-1)},
		in:  func(map[string]float64) []float64 { return nil },
		out: func(map[string]float64) []float64 { return nil },
		ends: func(p map[string]float64) map[string]float64 {
			turn := math.Log(p["R"]/p["r"]) / p["g"]
			s := 1.7 - turn
			size, angle := p["R"]*math.Exp(p["g"]*s), p["w"]*(turn-s)
			return map[string]float64{"x": size * math.Cos(angle), "y": size * math.Sin(angle)}
		},
	},
	{
		name: "block on a belt: sticks, is torn off where the spring wins",
		body: `  state x = 0
  state v = 0
  x' = v
  v' = -x - F*sign(v - belt)`,
		until: 5, params: map[string]float64{"F": 1, "belt": 0.5},
		in: func(p map[string]float64) []float64 { return []float64{math.Asin(p["belt"] / p["F"])} },
		out: func(p map[string]float64) []float64 {
			stick := math.Asin(p["belt"] / p["F"])
			return []float64{stick + p["F"]*math.Cos(stick)/p["belt"]}
		},
		ends: func(p map[string]float64) map[string]float64 {
			stick := math.Asin(p["belt"] / p["F"])
			s := 5 - stick - p["F"]*math.Cos(stick)/p["belt"]
			return map[string]float64{"x": p["F"] + p["belt"]*math.Sin(s), "v": p["belt"] * math.Cos(s)}
		},
	},
	{
		name: "dry friction stops an oscillator after three half periods",
		body: `  state x = x0
  state v = 0
  x' = v
  v' = -k*x - F*sign(v)`,
		until: 12, params: map[string]float64{"k": 1, "F": 0.3, "x0": 2.05},
		in:  func(p map[string]float64) []float64 { return []float64{3 * math.Pi / math.Sqrt(p["k"])} },
		out: func(map[string]float64) []float64 { return nil },
		ends: func(p map[string]float64) map[string]float64 {
			return map[string]float64{"x": -p["x0"] + 6*p["F"]/p["k"], "v": 0}
		},
	},
	{
		name: "entry and exit of a ramp",
		body: `  state x = x0
  state z = 0
  x' = a*t - K*sign(x)
  z' = x`,
		until: 6, params: map[string]float64{"a": 0.25, "K": 1, "x0": 1},
		in: func(p map[string]float64) []float64 {
			return []float64{(p["K"] - math.Sqrt(p["K"]*p["K"]-2*p["a"]*p["x0"])) / p["a"]} // 4 − 2√2
		},
		out: func(p map[string]float64) []float64 { return []float64{p["K"] / p["a"]} },
		ends: func(p map[string]float64) map[string]float64 {
			e := (p["K"] - math.Sqrt(p["K"]*p["K"]-2*p["a"]*p["x0"])) / p["a"]
			s := 6 - p["K"]/p["a"]
			return map[string]float64{
				"x": p["a"] * s * s / 2,
				"z": p["x0"]*e - p["K"]*e*e/2 + p["a"]*e*e*e/6 + p["a"]*s*s*s/6,
			}
		},
	},
	{
		name: "two surfaces, one after the other",
		body: `  state x = x0
  state y = y0
  state zx = 0
  state zy = 0
  x' = b - sign(x)
  y' = -K*sign(y)
  zx' = x
  zy' = y`,
		until: 3, params: map[string]float64{"b": 0.5, "K": 1, "x0": 1, "y0": 1.5},
		in: func(p map[string]float64) []float64 {
			return []float64{p["y0"] / p["K"], p["x0"] / (1 - p["b"])}
		},
		out: func(map[string]float64) []float64 { return nil },
		ends: func(p map[string]float64) map[string]float64 {
			return map[string]float64{"x": 0, "y": 0, "zx": p["x0"] * p["x0"] / (2 * (1 - p["b"])), "zy": p["y0"] * p["y0"] / (2 * p["K"])}
		},
	},
	{
		name: "two surfaces that see each other",
		body: `  state x = x0
  state y = y0
  state zx = 0
  state zy = 0
  x' = -a*sign(x) + sign(y)
  y' = -a*sign(y) - sign(x)
  zx' = x
  zy' = y`,
		until: 1, params: map[string]float64{"a": 2, "x0": 1, "y0": 1},
		in: func(p map[string]float64) []float64 {
			first := p["y0"] / (p["a"] + 1)
			left := p["x0"] - (p["a"]-1)*first
			return []float64{first, first + left/(p["a"]+1/p["a"])} // on y = 0 sign(y) is −1/a
		},
		out: func(map[string]float64) []float64 { return nil },
		ends: func(p map[string]float64) map[string]float64 {
			first := p["y0"] / (p["a"] + 1)
			left := p["x0"] - (p["a"]-1)*first
			return map[string]float64{
				"x": 0, "y": 0, "zy": p["y0"] * first / 2,
				"zx": (p["x0"]+left)*first/2 + left*left/(2*(p["a"]+1/p["a"])),
			}
		},
	},
	{
		name: "dry friction holds against a force that is too weak",
		body: `  state x = 0
  state v = v0
  x' = v
  v' = A*sin(t) - F*sign(v)`,
		until: 5, params: map[string]float64{"A": 0.5, "F": 1, "v0": 1},
		in:  func(p map[string]float64) []float64 { return []float64{stopUnderForce(p)} },
		out: func(map[string]float64) []float64 { return nil },
		ends: func(p map[string]float64) map[string]float64 {
			s := stopUnderForce(p)
			return map[string]float64{"x": p["v0"]*s + p["A"]*(s-math.Sin(s)) - p["F"]*s*s/2, "v": 0}
		},
	},
	{
		name: "dry friction lets go, holds, and lets go the other way",
		body: `  state x = 0
  state v = 0
  x' = v
  v' = A*sin(t) - F*sign(v)`,
		until: 4.6, params: map[string]float64{"A": 1.2, "F": 1},
		in: func(p map[string]float64) []float64 { _, stop, _ := slipFromRest(p); return []float64{stop} },
		out: func(p map[string]float64) []float64 {
			go1, _, _ := slipFromRest(p)
			return []float64{go1, go1 + math.Pi}
		},
		ends: func(p map[string]float64) map[string]float64 {
			_, stop, slip := slipFromRest(p)
			x, _ := slip(stop)
			dx, dv := slip(4.6 - math.Pi) // the second slip is the first, mirrored
			return map[string]float64{"x": x - dx, "v": -dv}
		},
	},
	{
		name: "an integrator with a limit does not wind up",
		body: `  state x = 0
  state z = 0
  let u = a*cos(t)
  x' = if x >= hi and u > 0 then 0 else u
  z' = x`,
		until: 3, params: map[string]float64{"a": 1, "hi": 0.5},
		ends: func(p map[string]float64) map[string]float64 {
			full := math.Asin(p["hi"] / p["a"])
			s := math.Pi / 2
			return map[string]float64{
				"x": p["hi"] + p["a"]*(math.Sin(3)-1),
				"z": p["a"]*(1-math.Cos(full)) + p["hi"]*(s-full) + (p["hi"]-p["a"])*(3-s) + p["a"]*(math.Cos(s)-math.Cos(3)),
			}
		},
	},
	{
		name: "a relay holds a state at a moving value",
		body: `  state x = x0
  state z = 0
  x' = a - K*sign(x - r*sin(t))
  z' = x`,
		until: 4, params: map[string]float64{"a": 0.2, "K": 1, "r": 0.3, "x0": 1},
		in:  func(p map[string]float64) []float64 { return []float64{meetsSine(p)} },
		out: func(map[string]float64) []float64 { return nil },
		ends: func(p map[string]float64) map[string]float64 {
			s := meetsSine(p)
			return map[string]float64{
				"x": p["r"] * math.Sin(4),
				"z": p["x0"]*s + (p["a"]-p["K"])*s*s/2 + p["r"]*(math.Cos(s)-math.Cos(4)),
			}
		},
	},
	{
		name: "a car brakes and stands",
		body: `  state x = 0
  state v = v0
  x' = v
  v' = if v > 0 then -b else 0`,
		until: 5, params: map[string]float64{"v0": 12, "b": 6},
		ends: func(p map[string]float64) map[string]float64 {
			return map[string]float64{"x": p["v0"] * p["v0"] / (2 * p["b"]), "v": 0}
		},
	},
	{
		name: "held on a circle, pulled off it",
		body: `  state x = r
  state y = 0
  let pull = c*t - k*sign(x^2 + y^2 - R^2)
  x' = pull*x - w*y
  y' = w*x + pull*y`,
		until: 3, params: map[string]float64{"r": 0.5, "R": 1, "k": 1, "c": 0.5, "w": 1.5},
		in: func(p map[string]float64) []float64 {
			far := math.Log(p["R"] / p["r"]) // = kt + ct²/2
			return []float64{(math.Sqrt(p["k"]*p["k"]+2*p["c"]*far) - p["k"]) / p["c"]}
		},
		out: func(p map[string]float64) []float64 { return []float64{p["k"] / p["c"]} },
		ends: func(p map[string]float64) map[string]float64 {
			s := 3 - p["k"]/p["c"]
			size := p["R"] * math.Exp(p["c"]*s*s/2)
			return map[string]float64{"x": size * math.Cos(3*p["w"]), "y": size * math.Sin(3*p["w"])}
		},
	},
	{
		name: "a saturated integrator, strict",
		body: `  state x = x0
  state z = 0
  x' = if x > top then -a else b
  z' = x`,
		until: 3, params: map[string]float64{"x0": 0, "top": 1, "a": 0.3, "b": 0.8},
		in:  func(p map[string]float64) []float64 { return []float64{(p["top"] - p["x0"]) / p["b"]} },
		out: func(map[string]float64) []float64 { return nil },
		ends: func(p map[string]float64) map[string]float64 {
			s := (p["top"] - p["x0"]) / p["b"]
			return map[string]float64{"x": p["top"], "z": (p["x0"]+p["top"])*s/2 + p["top"]*(3-s)}
		},
	},
	{
		name: "a jump while it slides ends and renews it",
		body: `  state x = x0
  state z = 0
  x' = -K*sign(x)
  z' = x
  event kick at t = when1 { x := x + j }`,
		until: 4, params: map[string]float64{"x0": 1, "K": 1, "when1": 2, "j": 0.6},
		in: func(p map[string]float64) []float64 {
			return []float64{p["x0"] / p["K"], p["when1"] + p["j"]/p["K"]}
		},
		out: func(p map[string]float64) []float64 { return []float64{p["when1"]} },
		ends: func(p map[string]float64) map[string]float64 {
			return map[string]float64{"x": 0, "z": (p["x0"]*p["x0"] + p["j"]*p["j"]) / (2 * p["K"])}
		},
	},
}

// stopUnderForce is when v0 + A(1 − cos t) − Ft is 0.
func stopUnderForce(p map[string]float64) float64 {
	return bisect(func(t float64) float64 { return p["v0"] + p["A"]*(1-math.Cos(t)) - p["F"]*t }, 0, 4)
}

// slipFromRest is the first slip of a mass that A sin t pulls against F: when
// it begins and ends, and place and velocity in it.
func slipFromRest(p map[string]float64) (from, to float64, slip func(t float64) (x, v float64)) {
	A, F := p["A"], p["F"]
	from = math.Asin(F / A)
	slip = func(t float64) (x, v float64) {
		s := t - from
		return A*(math.Cos(from)*s-math.Sin(t)+math.Sin(from)) - F*s*s/2, A*(math.Cos(from)-math.Cos(t)) - F*s
	}
	to = bisect(func(t float64) float64 { _, v := slip(t); return v }, from+1, from+3)
	return from, to, slip
}

// meetsSine is when x0 + (a − K)t is r sin t.
func meetsSine(p map[string]float64) float64 {
	return bisect(func(t float64) float64 { return p["x0"] + (p["a"]-p["K"])*t - p["r"]*math.Sin(t) }, 0, 3)
}

// TestSliding: times of entry and exit and values at the end, at tolerances
// of several sizes and with other solvers.
func TestSliding(t *testing.T) {
	for _, c := range slidingCases {
		t.Run(c.name, func(t *testing.T) {
			for solver, tol := range map[string]float64{
				"tsit5 { rtol: 1e-10, atol: 1e-12 }":  1e-8,
				"tsit5 { rtol: 1e-12, atol: 1e-14 }":  1e-9,
				"tsit5 { rtol: 1e-3, atol: 1e-5 }":    3e-2,
				"tsit5":                               1e-4,
				"dopri5 { rtol: 1e-10, atol: 1e-12 }": 1e-8,
				"rk4 { step: 0.002 }":                 1e-7,
			} {
				m, err := Parse("model.node", c.text(solver))
				require.NoError(t, err)
				s, err := m.Simulate(context.Background(), SimulateOptions{})
				require.NoError(t, err, solver)
				tr := s.Trajectories[0]
				in, out := slidingPhases(tr)
				if c.in != nil {
					require.InDeltaSlice(t, c.in(c.params), in, tol, "%s: entries %v", solver, in)
				}
				if c.out != nil {
					require.InDeltaSlice(t, c.out(c.params), out, tol, "%s: exits %v", solver, out)
				}
				last := tr.Rows[len(tr.Rows)-1]
				require.Equal(t, c.until, last[0])
				for name, v := range c.ends(c.params) {
					require.InDelta(t, v, last[slices.Index(s.Columns, name)], tol*(1+math.Abs(v)), "%s: %s", solver, name)
				}
			}
		})
	}
}

// TestSlidingGradients: derivatives of the values at the end in every mode
// against those of the formulas.
func TestSlidingGradients(t *testing.T) {
	for _, c := range slidingCases {
		t.Run(c.name, func(t *testing.T) {
			m, err := Parse("model.node", c.text("tsit5 { rtol: 1e-12, atol: 1e-14 }"))
			require.NoError(t, err)
			cert, err := m.Certify(context.Background(), 1000)
			require.NoError(t, err)
			compared := 0
			for _, target := range cert.Targets {
				if target.Event >= 0 {
					continue
				}
				state := strings.Fields(target.Name)[0]
				require.Len(t, target.Rows, len(c.params))
				for _, row := range target.Rows {
					at := func(d float64) float64 {
						p := maps.Clone(c.params)
						p[row.Name] += d
						return c.ends(p)[state]
					}
					const h = 1e-3
					want := (8*(at(h)-at(-h)) - (at(2*h) - at(-2*h))) / (12 * h)
					for j, mode := range cert.Modes {
						require.InDelta(t, want, row.Gradient[j], 1e-7*(1+math.Abs(want)), "d %s / d %s, %s", state, row.Name, mode)
						compared++
					}
				}
			}
			require.Equal(t, len(c.ends(c.params))*len(c.params)*len(gradcheck.Modes), compared)
		})
	}
}

// TestSlidingLanes: runs side by side that come to their surfaces and leave
// them at times of their own.
func TestSlidingLanes(t *testing.T) {
	for _, c := range slidingCases {
		t.Run(c.name, func(t *testing.T) {
			name := slices.Sorted(maps.Keys(c.params))[0]
			var list []string
			var points []float64
			for _, f := range []float64{0.985, 0.99, 0.995, 1, 1.004, 1.008, 1.012, 0.988, 0.998} {
				points = append(points, f*c.params[name])
				list = append(list, fmt.Sprintf("%.17g", f*c.params[name]))
			}
			text := c.text("tsit5 { rtol: 1e-10, atol: 1e-12 }")
			m, err := Parse("model.node", strings.TrimSuffix(text, " }\n")+fmt.Sprintf(", sweep: { %s: [%s] } }\n", name, strings.Join(list, ", ")))
			require.NoError(t, err)
			s, err := m.Simulate(context.Background(), SimulateOptions{})
			require.NoError(t, err)
			require.Len(t, s.Trajectories, len(points))
			for k, tr := range s.Trajectories {
				p := maps.Clone(c.params)
				p[name] = points[k]
				in, out := slidingPhases(tr)
				if c.in != nil {
					require.InDeltaSlice(t, c.in(p), in, 1e-8, "%s = %g", name, points[k])
				}
				if c.out != nil {
					require.InDeltaSlice(t, c.out(p), out, 1e-8, "%s = %g", name, points[k])
				}
				last := tr.Rows[len(tr.Rows)-1]
				for state, v := range c.ends(p) {
					require.InDelta(t, v, last[slices.Index(s.Columns, state)], 1e-8*(1+math.Abs(v)), "%s = %g: %s", name, points[k], state)
				}
			}
		})
	}
}

// TestSlidingFits: gradients of losses whose measurements fall before, in and
// behind sliding.
func TestSlidingFits(t *testing.T) {
	for _, c := range slidingCases {
		t.Run(c.name, func(t *testing.T) {
			body, obs := "", "0.1*t"
			for _, name := range slices.Sorted(maps.Keys(c.params)) {
				body += fmt.Sprintf("  param %s = %.17g\n", name, c.params[name])
			}
			for _, name := range slices.Sorted(maps.Keys(c.ends(c.params))) {
				obs += " + " + name
			}
			var times []float64
			for k := range 8 {
				times = append(times, c.until*float64(k)/7)
			}
			certified(t, body+c.body, obs, times...)
		})
	}
}
