package pinode

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// Terms that have a value on one side of a surface alone, or an infinite slope there: weirs, orifices, contacts,
// valves. Reference: the right-hand side in plain Go, by the classical method in 28,000 steps.
func TestRootsOnOneSide(t *testing.T) {
	t.Parallel()
	above := func(v float64) float64 { return math.Max(v, 0) }
	weir := func(law func(h float64) float64) func(t float64, y, f []float64) {
		return func(t float64, y, f []float64) { f[0] = 0.2 + 0.5*math.Sin(t) - law(y[0]) }
	}
	inflow := "state h = 0.5\n h' = 0.2 + 0.5*sin(t) - "
	for i, c := range []struct {
		name, model string
		start       []float64
		rhs         func(t float64, y, f []float64)
		off         float64 // tolerances that a value may be off by
		until       float64
	}{
		{"power of max", inflow + "2*max(h - 1, 0)^1.5", []float64{0.5}, weir(func(h float64) float64 { return 2 * math.Pow(above(h-1), 1.5) }), 300, 14},
		{"power that is estimated", "param n = 1.5\n" + inflow + "2*max(h - 1, 0)^n", []float64{0.5}, weir(func(h float64) float64 { return 2 * math.Pow(above(h-1), 1.5) }), 300, 14},
		{"power in a branch", inflow + "(if h > 1 then 2*(h - 1)^1.5 else 0)", []float64{0.5}, weir(func(h float64) float64 { return 2 * math.Pow(above(h-1), 1.5) }), 300, 14},
		{"power in the other branch", inflow + "(if h < 1 then 0 else 2*(h - 1)^2.5)", []float64{0.5}, weir(func(h float64) float64 { return 2 * math.Pow(above(h-1), 2.5) }), 300, 14},
		{"power of relu", inflow + "2*relu(h - 1)^1.5", []float64{0.5}, weir(func(h float64) float64 { return 2 * math.Pow(above(h-1), 1.5) }), 300, 14},
		{"logarithm of a root", inflow + "(if h > 1 then 2*(h - 1)*log(1 + sqrt(h - 1)) else 0)", []float64{0.5}, weir(func(h float64) float64 { return 2 * above(h-1) * math.Log1p(math.Sqrt(above(h-1))) }), 300, 14},
		{"two weirs", inflow + "max(h - 1, 0)^1.5 - max(h - 1.1, 0)^1.5", []float64{0.5}, weir(func(h float64) float64 { return math.Pow(above(h-1), 1.5) + math.Pow(above(h-1.1), 1.5) }), 300, 14},
		{"clamp", inflow + "8*clamp(h - 1, 0, 0.1)^1.5", []float64{0.5}, weir(func(h float64) float64 { return 8 * math.Pow(math.Min(above(h-1), 0.1), 1.5) }), 300, 14},
		{"contact of spheres", "state h = 0.5\n state v = 0\n h' = v\n v' = -9.81 + 1e3*max(-h, 0)^1.5", []float64{0.5, 0}, func(_ float64, y, f []float64) {
			f[0], f[1] = y[1], -9.81+1e3*math.Pow(above(-y[0]), 1.5)
		}, 8000, 3},
		{"half a wave", "state h = 0\n h' = max(sin(t), 0)^1.5 - h", []float64{0}, func(t float64, y, f []float64) {
			f[0] = math.Pow(above(math.Sin(t)), 1.5) - y[0]
		}, 300, 14},
		{"cooling", "state h = 5\n h' = 10*sin(0.5*t) - 0.1*h*abs(h)^0.25", []float64{5}, func(t float64, y, f []float64) {
			f[0] = 10*math.Sin(0.5*t) - 0.1*y[0]*math.Pow(math.Abs(y[0]), 0.25)
		}, 3000, 14},
	} {
		want := classical(c.rhs, c.start, c.until, 28_000)[0]
		for j, solver := range []string{"auto", "tsit5", "dop853", "rodas5p", "kvaerno5", "radau", "bdf"} {
			for k, rtol := range []float64{1e-4, 1e-6, 1e-8} {
				if !inPairs(i, j, k) {
					continue
				}
				m, err := Parse("weir.node", fmt.Sprintf("model M {\n%s\n}\nsimulate { times: [%g], solver: %s { rtol: %g } }", c.model, c.until, solver, rtol))
				require.NoError(t, err, c.name)
				s, err := m.Simulate(t.Context(), SimulateOptions{})
				require.NoError(t, err, "%s, %s, %g", c.name, solver, rtol)
				rows := s.Trajectories[0].Rows
				require.InDelta(t, want, rows[len(rows)-1][1], c.off*rtol*math.Max(1, math.Abs(want)), "%s, %s, %g", c.name, solver, rtol)
			}
		}
	}
}

// The end of an overflow: inflow and head come to zero at one time, whatever the parameters, with the slope of √h
// infinite there. The same flow in four ways of writing.
func TestEndOfOverflow(t *testing.T) {
	t.Parallel()
	want := map[float64]float64{}
	for _, until := range []float64{5, 12, 15} {
		want[until] = classical(func(t float64, y, f []float64) {
			f[0] = 0.2 + 0.5*math.Sin(t) - 2*math.Sqrt(math.Max(y[0]-1, 0))
		}, []float64{0.5}, until, 600_000)[0]
	}
	for _, flow := range []string{"2*sqrt(max(h - 1, 0))", "2*max(h - 1, 0)^0.5", "(if h > 1 then 2*sqrt(h - 1) else 0)", "(if h <= 1 then 0 else 2*(h - 1)^0.5)"} {
		for _, solver := range []string{"auto", "tsit5", "dop853", "rodas5p", "kvaerno5", "radau", "bdf"} {
			for _, rtol := range []float64{1e-4, 1e-6, 1e-8, 1e-9} {
				m, err := Parse("weir.node", fmt.Sprintf("model M {\nstate h = 0.5\n h' = 0.2 + 0.5*sin(t) - %s\n}\nsimulate { times: [5, 12, 15], solver: %s { rtol: %g } }", flow, solver, rtol))
				require.NoError(t, err, flow)
				s, err := m.Simulate(t.Context(), SimulateOptions{})
				require.NoError(t, err, "%s, %s, %g", flow, solver, rtol)
				for _, row := range s.Trajectories[0].Rows {
					if due, ok := want[row[0]]; ok {
						require.InDelta(t, due, row[1], 300*rtol+1e-7, "%s, %s, %g at %g", flow, solver, rtol, row[0])
					}
				}
			}
		}
	}
}

// The derivatives behind the end of an overflow: of the head there nothing is left. Reference: central differences of the
// classical method.
func TestGradientsBehindOverflow(t *testing.T) {
	t.Parallel()
	const until, step = 12, 1e-4
	level := func(q, c float64) float64 {
		return classical(func(t float64, y, f []float64) {
			f[0] = 0.2 - q + q*math.Sin(t) + 0.5 - c*math.Sqrt(math.Max(y[0]-1, 0))
		}, []float64{0.5}, until, 200_000)[0]
	}
	wantQ := -(level(0.5+step, 2) - level(0.5-step, 2)) / (2 * step)
	for _, flow := range []string{"c*sqrt(max(h - 1, 0))", "(if h > 1 then c*sqrt(h - 1) else 0)"} {
		m := fromText(t, `model Pond {
  param q = 0.5
  param c = 2
  state h = 0.5
  h' = 0.7 - q + q*sin(t) - `+flow+`
  observe seen = h ~ laplace(1)
}
data d from "d.csv" { time: t; seen: seen }
`, "t,seen\n12,-9\n")
		for _, solver := range []string{"auto", "dop853", "kvaerno5", "radau"} {
			for _, mode := range []string{"unrolled", "forward", "adjoint"} {
				setFit(t, m, "gradient", mode, "solver", solver, "solver.rtol", "1e-8")
				e, err := m.Evaluate(t.Context(), EvaluateOptions{})
				require.NoError(t, err, "%s by %s, %s", flow, solver, mode)
				require.InEpsilon(t, wantQ, e.Gradient.Params["q"], 1e-3, "%s by %s, %s", flow, solver, mode)
				require.InDelta(t, 0, e.Gradient.Params["c"], 1e-3, "%s by %s, %s", flow, solver, mode)
			}
		}
	}
}

// The derivatives by what the edge of a root depends on: the sill of an overflow that is a parameter, and a flap at a sea whose tides are.
// Reference: central differences of the classical method.
func TestGradientsByTheEdge(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		model  string
		params []string
		at     []float64
		until  float64
		rhs    func(p []float64, t, y float64) float64
	}{
		{
			"param q = 1.5\n param s = 1.2\n param k = 1.5\n state h = 0.5\n h' = q - k*sqrt(max(h - s, 0))",
			[]string{"q", "s", "k"},
			[]float64{1.5, 1.2, 1.5},
			0.9,
			func(p []float64, _, y float64) float64 { return p[0] - p[2]*math.Sqrt(math.Max(y-p[1], 0)) },
		},
		{
			"param A = 1\n param w = 1.2\n param k = 0.8\n param l = 0.15\n state h = 0.3\n let s = A*sin(w*t)\n h' = k*sqrt(max(s - h, 0)) - l*h",
			[]string{"A", "w", "k", "l"},
			[]float64{1, 1.2, 0.8, 0.15},
			7,
			func(p []float64, t, y float64) float64 {
				return p[2]*math.Sqrt(math.Max(p[0]*math.Sin(p[1]*t)-y, 0)) - p[3]*y
			},
		},
	} {
		start := 0.5
		if len(x.params) == 4 {
			start = 0.3
		}
		want := map[string]float64{}
		for i, name := range x.params {
			end := func(by float64) float64 {
				p := slices.Clone(x.at)
				p[i] += by
				return classical(func(t float64, y, f []float64) { f[0] = x.rhs(p, t, y[0]) }, []float64{start}, x.until, 100_000)[0]
			}
			const step = 1e-4
			want[name] = -(end(step) - end(-step)) / (2 * step)
		}
		m := fromText(t, "model Pond {\n "+x.model+"\n observe seen = h ~ laplace(1)\n}\ndata d from \"d.csv\" { time: t; from: 0; seen: seen }\n", fmt.Sprintf("t,seen\n%g,-9\n", x.until))
		for _, solver := range []string{"auto", "dop853", "rodas5p", "kvaerno5", "radau"} {
			for _, mode := range []string{"unrolled", "forward", "adjoint"} {
				setFit(t, m, "gradient", mode, "solver", solver, "solver.rtol", "1e-8")
				e, err := m.Evaluate(t.Context(), EvaluateOptions{})
				require.NoError(t, err, "%s by %s, %s", x.model, solver, mode)
				for name, v := range want {
					require.InEpsilon(t, v, e.Gradient.Params[name], 2e-3, "%s by %s: %s, %s", name, solver, x.model, mode)
				}
			}
		}
	}
}

// classical integrates with the classical Runge–Kutta method of order 4 in n equal steps from 0.
func classical(rhs func(t float64, y, f []float64), start []float64, end float64, n int) []float64 {
	y := append([]float64{}, start...)
	var k [4][]float64
	for i := range k {
		k[i] = make([]float64, len(y))
	}
	at := make([]float64, len(y))
	h := end / float64(n)
	for i := range n {
		t := float64(i) * h
		rhs(t, y, k[0])
		for s, c := range [...]float64{0.5, 0.5, 1} {
			for l := range y {
				at[l] = y[l] + c*h*k[s][l]
			}
			rhs(t+c*h, at, k[s+1])
		}
		for l := range y {
			y[l] += h / 6 * (k[0][l] + 2*k[1][l] + 2*k[2][l] + k[3][l])
		}
	}
	return y
}

// The flow over a weir into a small sump that follows at once: methods for stiff models differentiate the field twice, at
// the edge of the weir too. Reference: central differences of the likelihood at tight tolerances.
func TestWeirIntoSump(t *testing.T) {
	t.Parallel()
	for _, flow := range []string{"k*max(h - 1, 0)^1.5", "k*relu(h - 1)^1.5"} {
		text := `model Sump {
  param k = 2
  param q = 0.5
  state h = 0.5
  state s = 0
  let over = ` + flow + `
  h' = 0.2 + q*sin(t) - over
  s' = 400*(over - s)
  observe seen = s ~ normal(0.1)
}
data d from "d.csv" { time: t; seen: seen }
`
		const csv = "t,seen\n2.2,0.3\n4,0.1\n8.5,0.5\n14,0.2\n"
		m := fromText(t, text, csv)
		likelihood := func(solver, mode string, rtol float64, k float64) *Evaluation {
			setFit(t, m, "gradient", mode, "solver", solver, "solver.rtol", fmt.Sprint(rtol))
			e, err := m.Evaluate(t.Context(), EvaluateOptions{Set: map[string]float64{"k": k}})
			require.NoError(t, err, "%s by %s, %s", flow, solver, mode)
			return e
		}
		const h = 1e-4
		up, down := likelihood("radau", "forward", 1e-10, 2+h), likelihood("radau", "forward", 1e-10, 2-h)
		want := (up.LogLikelihood - down.LogLikelihood) / (2 * h)
		for _, solver := range []string{"auto", "rodas5p", "radau", "kvaerno5"} {
			for _, mode := range []string{"unrolled", "forward", "adjoint"} {
				e := likelihood(solver, mode, 1e-6, 2)
				require.InEpsilon(t, want, e.Gradient.Params["k"], 2e-3, "%s by %s, %s", flow, solver, mode)
			}
		}
	}
}
