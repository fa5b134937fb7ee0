package pinode

import (
	"fmt"
	"maps"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/internal/engine"
	"github.com/pinode/pinode/internal/gradcheck"
	"github.com/pinode/pinode/solvers"
)

// stiff parses a model of the benchmarks with a simulate block.
func stiff(t testing.TB, name, simulate string) *Model {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("bench", "models", name+".node"))
	require.NoError(t, err)
	m, err := Parse(name+".node", string(text)+simulate)
	require.NoError(t, err)
	return m
}

// stiffMethods are the names of the methods for stiff models.
func stiffMethods() (list []string) {
	for _, m := range solvers.Methods {
		if m.Solves() {
			list = append(list, m.Name)
		}
	}
	return list
}

// stiffProblem is a problem with its solution at one time. The solutions were computed with
// a method of Radau IIA of order nine in quadruple precision, and agree with those printed
// in E. Hairer, G. Wanner, Solving ODEs II, IV.10, and in F. Mazzia, F. Iavernaro, Test Set
// for Initial Value Problem Solvers, Bari, 2003, to all digits that are right there.
type stiffProblem struct {
	model string
	until float64
	atol  float64 // times rtol: the size of what matters
	set   map[string]float64
	want  []float64 // of the first states
}

var stiffProblems = []stiffProblem{
	{"rober", 40, 1e-6, nil, []float64{.71582706871940509, 9.1855347645577639e-6, .28416374574583035}},
	{"rober", 1e11, 1e-9, nil, []float64{2.0833401497012942e-8, 8.3333607703347834e-14, .99999997916651517}},
	{"orego", 30, 1, nil, []float64{1.0006614671804967, 1512.778937348250, 10358.54312767228}},
	{"orego", 360, 1, nil, []float64{1.0008148703185227, 1228.1785215498880, 132.05549428465083}},
	{"vdpol", 2000, 1, nil, []float64{1.7061677321704650, -8.9280970102481655e-4}},
	{"vdpol", 1e6, 1, map[string]float64{"mu": 1e6}, []float64{-1.8633839229390859, 7.5373521198381e-7}},
	{"vdpol", 2e6, 1, map[string]float64{"mu": 1e6}, []float64{1.7055462175353783, -8.9347636254653e-7}},
	{"hires", 321.8122, 1e-3, nil, []float64{
		7.3713125733256678e-4, 1.4424857263161847e-4, 5.8887297409675750e-5, 1.1756513432831491e-3,
		2.3863561988313305e-3, 6.2389682527427958e-3, 2.8499983951857687e-3, 2.8500016048142313e-3,
	}},
	{"hires", 421.8122, 1e-3, nil, []float64{
		6.7030550358186351e-4, 1.3099684698634689e-4, 4.6862231597732581e-5, 1.0446680205517048e-3,
		5.9488383095148506e-4, 1.3996288339427740e-3, 1.0144927577184797e-3, 4.6855072422815203e-3,
	}},
	{"pollu", 60, 1e-6, nil, []float64{
		5.6462554800227693e-2, 1.3424841304223385e-1, 4.1397343310994270e-9, 5.5231402074843599e-3, 2.0189772623021961e-7,
		1.4645418634939658e-7, 7.7842491189979641e-2, 3.2450753533960182e-1, 7.4940133838804056e-3, 1.6222931573015604e-8,
		1.1358638332570748e-8, 2.2305059757213599e-3, 2.0871628827986300e-4, 1.3969210168401577e-5, 8.9648848568982942e-3,
		4.3528463693301037e-18, 6.8992196962634054e-3, 1.0078030373659460e-4, 1.7721465139699845e-6, 5.6829432923163934e-5,
	}},
	{"e5", 1e5, 1e-18, nil, []float64{7.4813208224292220e-6, 2.3734781561205975e-12, 2.2123586689581664e-12, 1.6111948716243113e-13}},
}

// TestStiffProblems: every method for stiff models comes to the published ends, and closer
// with smaller tolerances.
func TestStiffProblems(t *testing.T) {
	for _, name := range stiffMethods() {
		for _, p := range stiffProblems {
			for _, rtol := range []float64{1e-4, 1e-6, 1e-9} {
				if name == "rosenbrock23" && rtol < 1e-6 || testing.Short() && rtol != 1e-6 {
					continue
				}
				told := fmt.Sprintf("%s by %s until %g, rtol %g", p.model, name, p.until, rtol)
				m := stiff(t, p.model, fmt.Sprintf("simulate { until: %g, times: [%g], solver: %s { rtol: %g, atol: %g } }\n", p.until, p.until, name, rtol, rtol*p.atol))
				s, err := m.Simulate(t.Context(), SimulateOptions{Set: p.set})
				require.NoError(t, err, told)
				worst := 0.
				for i, want := range p.want {
					got := s.Column(fmt.Sprintf("y%d", i+1))
					worst = math.Max(worst, math.Abs(got[len(got)-1]-want)/(math.Abs(want)+p.atol)/rtol)
				}
				most := 5.    // times rtol, relative to the size of a state and of what matters
				switch name { // the errors of many small steps add up where the solution is sensitive
				case "rosenbrock23":
					most = 500
				case "bdf":
					most = 250
				case "kvaerno5", "radau":
					most = 20
				}
				require.Less(t, worst, most, told)
				require.Empty(t, s.Warnings, told)
			}
		}
	}
}

// TestStiffLanes: trajectories of stiff models side by side have the bits of each alone, for
// any number of workers, at their ends and in gradients.
func TestStiffLanes(t *testing.T) {
	for _, name := range stiffMethods() {
		for model, param := range map[string]string{"rober": "back", "hires": "k", "pollu": "k1"} {
			m := stiff(t, model, fmt.Sprintf("simulate { until: 40, solver: %s { rtol: 1e-5, atol: 1e-12 } }\n", name))
			const n = 21
			values := make([][]float64, n)
			for i := range values {
				values[i] = []float64{map[string]float64{"rober": 1e4, "hires": 280, "pollu": 0.35}[model] * (0.5 + float64(i)/n)}
			}
			var ends [][]float64
			for workers := 1; workers <= 2; workers++ {
				many, err := m.NewSolver(n, []string{param}, SimulateOptions{Workers: workers})
				require.NoError(t, err)
				require.NoError(t, many.Run(values...))
				if ends != nil {
					require.Equal(t, ends, many.Ends, "%s by %s", model, name)
				}
				ends = nil
				for _, y := range many.Ends {
					ends = append(ends, append([]float64{}, y...))
				}
			}
			for i := range values {
				require.Equal(t, ends[i], endAlone(t, m, map[string]float64{param: values[i][0]}), "%s by %s, %d", model, name, i)
			}
		}
	}
}

// stiffEvents are stiff models with what can happen in a run: a thermostat whose sensor is
// fast, a ball on a stiff damper that comes to rest, doses by data and by the clock into a
// chain of compartments of which one is fast, an input, a discrete variable.
var stiffEvents = map[string]string{
	"thermostat": `
model Thermostat {
  param rate in (0, inf) = 3e4
  param loss in (0, inf) = 0.4
  param power in (0, inf) = 14
  discrete on = 1
  state room = 18
  state sensor = 18
  room' = power*on - loss*(room - 5)
  sensor' = rate*(room - sensor)
  event hot when sensor >= 21 { on := 0 }
  event cold when sensor <= 19 { on := 1 }
}
`,
	"ball": `
model Ball {
  param damping in (0, inf) = 2e4
  param e in [0, 1] = 0.6
  state h = 1
  state v = 0
  state w = 0
  h' = v
  v' = -9.81 - 0.05*w
  w' = damping*(v - w)
  event bounce when h <= 0 {
    v := -e*v
    zeno rest { h := 0; v := 0 }
  }
}
`,
	"doses": `
model Doses {
  time t
  param fast in (0, inf) = 1e5
  param out in (0, inf) = 0.3
  param amount in (0, inf) = 2
  param until in (0, inf) = 2.7
  state c[6] = 0
  c[0]' = -fast*c[0] + fast*c[1]^2/(1 + c[1])
  c[1]' = -out*c[1] + 0.1*c[0] + 0.2*sin(3*t)*c[2]
  for i in 2..5 {
    c[i]' = fast*(c[i-1] - c[i])
  }
  event dose every 0.8 until until { c[1] += amount }
}
`,
}

// TestStiffCertificates: the derivatives of stiff models, with events and without, are right
// exactly, in the modes that differentiate steps, and those of bdf along its solution.
func TestStiffCertificates(t *testing.T) {
	texts := map[string]string{}
	for name, text := range stiffEvents {
		texts[name] = text + "simulate { until: 4, step: 0.5"
	}
	for _, name := range []string{"rober", "hires", "orego"} {
		text, err := os.ReadFile(filepath.Join("bench", "models", name+".node"))
		require.NoError(t, err)
		texts[name] = string(text) + "simulate { until: 20, times: [0, 1, 20]"
	}
	names := slices.Sorted(maps.Keys(texts))
	for i, name := range names {
		for k, method := range stiffMethods() {
			if every := 2; !nightly() { // each model and each method by day, all pairs at night
				if testing.Short() {
					every = 3
				}
				if (i+k)%every > 0 {
					continue
				}
			}
			if rosenbrock := solvers.Method(method).Family == solvers.Rosenbrock; !rosenbrock && (name == "rober" || name == "orego") {
				continue
			}
			if method == "bdf" && name == "thermostat" {
				continue // differences have the noise of its choices of order and length
			}
			t.Run(name+" by "+method, func(t *testing.T) {
				m, err := Parse(name+".node", texts[name]+", solver: "+method+" { rtol: 1e-7, atol: 1e-13 } }\n")
				require.NoError(t, err)
				opt, err := engine.SolverOptions(m.simulator().Settings)
				require.NoError(t, err)
				modes := []string{"unrolled", "forward"}
				if method == "bdf" { // its steps have no derivative of their own
					modes = []string{"adjoint", "forward"}
				}
				c, err := gradcheck.Simulation(t.Context(), m.simulator(), opt, gradcheck.Want{
					Coordinates: 8, Events: 3, Enough: gradcheck.FineDifference, Tol: gradcheck.FineTolerance,
					Modes: modes, Full: true,
				})
				require.NoError(t, err)
				require.True(t, c.Certified(), "%v", c)
			})
		}
	}
}

// TestStiffBits: the interpreter and machine code come to the same bits, alone and in lanes,
// and so do gradients.
func TestStiffBits(t *testing.T) {
	var w strings.Builder
	for _, name := range []string{"rosenbrock23", "rodas4", "rodas5p", "auto"} {
		for _, model := range []string{"rober", "vdpol", "hires", "pollu"} {
			m := stiff(t, model, fmt.Sprintf("simulate { until: 10, solver: %s { rtol: 1e-4, atol: 1e-9 } }\n", name))
			for _, n := range []int{1, 3} {
				s, err := m.NewSolver(n, nil, SimulateOptions{Workers: 1})
				require.NoError(t, err)
				require.NoError(t, s.Run())
				fmt.Fprintf(&w, "bits %s %s %x", model, name, s.Ends)
				if n == 1 {
					ct := make([]float64, len(s.Ends[0]))
					ct[0] = 1
					g, err := s.Gradient(ct)
					require.NoError(t, err)
					fmt.Fprintf(&w, " %x", g)
				}
				w.WriteString("\n")
			}
		}
	}
	if os.Getenv("PINODE_STIFF_BITS") != "" {
		fmt.Print(w.String())
		return
	}
	other := exec.Command(os.Args[0], "-test.run=^TestStiffBits$")
	other.Env = append(os.Environ(), "PINODE_STIFF_BITS=1", "PINODE_EXEC=interp")
	out, err := other.Output()
	require.NoError(t, err, "%s", out)
	var lines strings.Builder
	for line := range strings.Lines(string(out)) {
		if strings.HasPrefix(line, "bits ") {
			lines.WriteString(line)
		}
	}
	require.Equal(t, w.String(), lines.String())
}

// TestAutoByStages: at tight tolerances `auto` goes on with `radau` where a model is too large for its steps to be one program, as that of
// heat on a line, of which two modes decay as the eigenvalues of the matrix say; so do the derivatives by the conductivity.
func TestAutoByStages(t *testing.T) {
	const n, d, end = 400, 0.3, 0.4
	rate := func(mode float64) float64 {
		return 4 * (n + 1) * (n + 1) * math.Pow(math.Sin(mode*math.Pi/(2*(n+1))), 2)
	}
	at := func(mode, i float64) float64 { return math.Sin(mode * math.Pi * (i + 1) / (n + 1)) }
	var start []string
	for i := range n {
		start = append(start, fmt.Sprintf("%.17g", at(1, float64(i))+at(7, float64(i))))
	}
	text := fmt.Sprintf("model Heat {\n  param d in (0, inf) = %g\n  state u[%d] = [%s]\n", d, n, strings.Join(start, ", "))
	for _, r := range [][3]string{{"0..0", "0", "u[i+1]"}, {fmt.Sprintf("1..%d", n-2), "u[i-1]", "u[i+1]"}, {fmt.Sprintf("%d..%d", n-1, n-1), "u[i-1]", "0"}} {
		text += fmt.Sprintf("  for i in %s { u[i]' = d*%d*(%s - 2*u[i] + %s) }\n", r[0], (n+1)*(n+1), r[1], r[2])
	}
	text += fmt.Sprintf("  observe seen = u[100] ~ normal(1)\n}\ndata row from \"row.csv\" { time: t; seen: seen }\nsimulate { until: %g, times: [%g], solver: auto { rtol: 1e-8, atol: 1e-10 } }\nfit { solver: auto { rtol: 1e-8, atol: 1e-10 } }\n", end, end)
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "row.csv"), fmt.Appendf(nil, "t,seen\n%g,0\n", end), 0o600))
	m, err := Parse(filepath.Join(dir, "heat.node"), text)
	require.NoError(t, err)
	s, err := m.Simulate(t.Context(), SimulateOptions{Explain: true})
	require.NoError(t, err)
	require.Contains(t, s.Explanation, "methods      radau from t = ")
	u, slope := 0., 0.
	for i := range n {
		u, slope = 0, 0
		for _, mode := range []float64{1, 7} {
			part := at(mode, float64(i)) * math.Exp(-rate(mode)*d*end)
			u, slope = u+part, slope-rate(mode)*end*part
		}
		got := s.Column(fmt.Sprintf("u[%d]", i))
		require.InDelta(t, u, got[len(got)-1], 1e-8)
		if i == 100 {
			break
		}
	}
	for _, mode := range []string{"forward", "unrolled", "adjoint"} {
		setFit(t, m, "gradient", mode)
		e, err := m.Evaluate(t.Context(), EvaluateOptions{})
		require.NoError(t, err)
		require.InEpsilon(t, -u*slope, e.Gradient.Params["d"], 1e-5, mode)
	}
}
