package check

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/dsl"
	"github.com/pinode/pinode/dsl/diag"
	"github.com/pinode/pinode/internal/setting"
)

// testEnv has small tables of settings.
var testEnv = &Env{
	Rough: []string{"relu", "leaky_relu"},
	Fit: setting.Table{
		{Key: "solver", Kind: setting.Chain, Default: "tsit5", Choices: []setting.Choice{
			{Name: "tsit5", Options: setting.Table{{Key: "rtol", Kind: setting.Number}, {Key: "atol", Kind: setting.Number}}},
			{Name: "euler", Options: setting.Table{{Key: "step", Kind: setting.Number}}},
		}},
		{Key: "gradient", Kind: setting.Word},
		{Key: "batch", Kind: setting.Int},
		{Key: "draws", Kind: setting.Int},
		{Key: "kl", Kind: setting.Chain, Choices: []setting.Choice{
			{Name: "ramp", Options: setting.Table{{Key: "from", Kind: setting.Number}, {Key: "to", Kind: setting.Number}, {Key: "over", Kind: setting.Int}}},
		}},
		{Key: "loss", Kind: setting.Word},
		{Key: "optimizer", Kind: setting.Chain, Default: "adam", Choices: []setting.Choice{
			{Name: "adam", Options: setting.Table{{Key: "lr", Kind: setting.Number}, {Key: "epochs", Kind: setting.Int}, {Key: "schedule", Kind: setting.Word, Choices: []setting.Choice{{Name: "cosine"}}}}},
			{Name: "lbfgs", Options: setting.Table{{Key: "iterations", Kind: setting.Int}}},
		}},
		{Key: "curriculum", Kind: setting.Chain, Choices: []setting.Choice{
			{Name: "horizon", Options: setting.Table{{Key: "from", Kind: setting.Number}, {Key: "to", Kind: setting.Number}, {Key: "over", Kind: setting.Int}}},
		}},
		{Key: "seed", Kind: setting.Int},
	},
	Simulate: setting.Table{{Key: "from", Kind: setting.Number}, {Key: "until", Kind: setting.Number}, {Key: "step", Kind: setting.Number}},
	Neural: setting.Table{
		{Key: "kind", Kind: setting.Word, Default: "dense", Choices: []setting.Choice{{Name: "dense"}, {Name: "gru"}, {Name: "lstm"}}},
		{Key: "hidden", Kind: setting.List, Default: "32, 32"},
		{Key: "activation", Kind: setting.Word, Default: "tanh"},
		{Key: "init", Kind: setting.Word, Default: "glorot"},
		{Key: "l2", Kind: setting.Number},
	},
}

func checkText(t testing.TB, text string) (*Program, *diag.List) {
	f, diags := dsl.Parse(diag.NewSource("test.node", text))
	require.NoError(t, diags.Err())
	return Check(f, testEnv)
}

// TestModels: the examples of the language and the bundled models are right.
func TestModels(t *testing.T) {
	var files []string
	for _, p := range []string{"../../dsl/testdata/language.node", "../../dsl/testdata/examples.node", "../../models/*.node"} {
		m, err := filepath.Glob(p)
		require.NoError(t, err)
		files = append(files, m...)
	}
	require.Greater(t, len(files), 5)
	for _, name := range files {
		t.Run(filepath.Base(name), func(t *testing.T) {
			text, err := os.ReadFile(name)
			require.NoError(t, err)
			_, diags := checkText(t, string(text))
			list := slices.DeleteFunc(slices.Clone(diags.All), func(d *diag.Diagnostic) bool { return d.Code == unusedModel }) // a page of examples has many
			require.Empty(t, list, diags.Error())
		})
	}
}

// TestCodes: the example of every documented code gives that code first.
func TestCodes(t *testing.T) {
	for _, c := range Codes {
		t.Run(c.Name, func(t *testing.T) {
			_, diags := checkText(t, c.Example)
			require.NotEmpty(t, diags.All)
			require.Equal(t, c.Name, diags.All[0].Code, diags.Error())
			require.Len(t, diags.All, 1, "one mistake, one message: %s", diags.Error())
		})
	}
}

// TestInference: units that are not declared follow from the equations.
func TestInference(t *testing.T) {
	p, diags := checkText(t, `model M {
  time t: s
  param k = 2
  param c in (0, inf)
  param F0 = 1
  state x: m = 1
  state v = 0
  discrete on = 1
  let a = F0/m
  const m = 2 [kg]
  fn spring(u, k) = -k*u
  neural drag(v) -> N { hidden: [4] }
  x' = v
  v' = spring(x, k)/m - c*v + a + on*drag(v)/m
  event e when x <= 0 { v := -0.5*v; on := 0 }
  observe y = x ~ normal(0.1)
}`)
	require.Empty(t, diags.All, diags.Error())
	m := p.Model
	want := map[string]string{"t": "s", "k": "kg/s^2", "c": "1/s", "F0": "N", "x": "m", "v": "m/s", "on": "1", "a": "m/s^2", "m": "kg", "drag": "N", "y": "m"}
	for _, o := range m.Objects() {
		if w, ok := want[o.Info().Name]; ok {
			require.Equal(t, w, m.Units.Name(o.Info().Unit), o.Info().Name)
		}
	}
	require.Equal(t, "m/s", m.Units.Name(m.Neurals[0].Args[0].Unit))
	require.Equal(t, "m", m.Units.Name(m.Observes[0].Dist.Args[0].Unit))
}

func TestSettings(t *testing.T) {
	p, diags := checkText(t, `model M {
  time t: min
  const n = 3
  state x = 0
  x' = 1 [1/min]
}
fit {
  solver: euler { step: 1/49 }
  optimizer: adam { lr: 0.01, epochs: 300 } then lbfgs { iterations: 100 }
  curriculum: horizon from 0.2 to 1 over 100 epochs
  seed: n
}
simulate {
  until: 60 [min]
  step: 0.5
  samples: 100 { x: normal(1, 0.1) }
  sweep: { x: [0, 1, 2] }
}`)
	require.Empty(t, diags.All, diags.Error())
	require.Equal(t, 60., p.Simulate.Values.Float("until"), "converted to the model's minutes")
	require.Equal(t, 1./49, p.Fit.Values.Stages("solver")[0].Options.Float("step"))
	require.Equal(t, 100, p.Fit.Values.Stages("optimizer")[1].Options.Int("iterations"))
	require.Equal(t, 100, p.Fit.Values.Stages("curriculum")[0].Options.Int("over"))
	require.Equal(t, 3, p.Fit.Values.Int("seed"))
	require.Equal(t, 100, p.Simulate.Samples.N)
	require.Equal(t, [][]float64{{0}, {1}, {2}}, p.Simulate.Sweep[0].Values)
}

// TestComponents: `use` flattens a model and couples it.
func TestComponents(t *testing.T) {
	p, diags := checkText(t, `model Pendulum {
  param k = 1
  input push = 0
  state θ = 0.1, θ' = 0
  θ'' = -k*sin(θ) + push
  event flip when θ >= 3 { θ := θ - 6 }
}
model Pair {
  param c = 0.2
  use Pendulum as left { k: 3, push: c*(right.θ - left.θ) }
  use Pendulum as right { push: c*(left.θ - right.θ) }
  observe gap = left.θ - right.θ
}`)
	require.Empty(t, diags.All, diags.Error())
	var states []string
	for _, s := range p.Model.States {
		states = append(states, s.Name)
	}
	require.Equal(t, []string{"left.θ", "left.θ'", "right.θ", "right.θ'"}, states)
	require.Len(t, p.Model.Params, 2, "c and right.k are learned, left.k is given")
	require.Len(t, p.Model.Events, 2)
}

func TestLoopsAndShapes(t *testing.T) {
	p, diags := checkText(t, `model Chain {
  const n = 4
  param A[2, 2] = [[0, 1], [-1, 0]]
  state x[n] = [1, 0, 0, 0]
  state z[2] = 0
  for i in 1..n-2 {
    x[i]' = x[i-1] - 2*x[i] + x[i+1]
    let f = x[i]^2
  }
  x[0]' = x[1] - x[0]
  x[n-1]' = x[n-2] - x[n-1]
  z' = A @ z + A[:, 0]
  let total = sum(x) + norm(z) + dot(z, z) + max(x) + A[1, 0]
}`)
	require.Empty(t, diags.All, diags.Error())
	require.Equal(t, "[x[1] - x[0], x[0] - 2*x[1] + x[2], x[1] - 2*x[2] + x[3], x[2] - x[3]]", Text(p.Model.States[0].Deriv))
	require.Len(t, p.Model.Lets, 3)
}

func TestIntervals(t *testing.T) {
	p, diags := checkText(t, "model M {\n  param a in (0, inf)\n  param b in [-1, 3]\n  param c\n  state x = a + b + c\n  x' = 0\n}")
	require.Empty(t, diags.All)
	for i, want := range []float64{1, 1, 0} {
		require.Equal(t, want, p.Model.Params[i].Init.Value)
	}
	require.True(t, math.IsInf(p.Model.Params[0].Hi, 1))
}

// codesOf are the codes of what a model's text draws, in order.
func codesOf(t *testing.T, body string) (out []string) {
	t.Helper()
	_, diags := checkText(t, "model M {\n"+body+"\n}")
	for _, d := range diags.All {
		out = append(out, d.Code)
	}
	return out
}

// TestWriteConflicts: two additions to one variable need no order, an addition
// and an assignment do; a priority that is not constant orders them.
func TestWriteConflicts(t *testing.T) {
	const x = "  state x = 0\n  x' = 1\n"
	for body, want := range map[string][]string{
		"event a at t = 1 { x += 1 }\n event b at t = 1 { x += 2 }":                                                     nil,
		"event a at t = 1 { x += 1 }\n event b at t = 1 { x := 2 }":                                                     {writeConflict},
		"event a at t = 1 { x += 1 }\n event b at t = 1 priority if x > 1 then 2 else 1 { x := 2 }":                     nil,
		"event a at t = 1 priority x { x := 1 }\n event b at t = 1 priority x { x := 2 }":                               {writeConflict},
		"discrete n = 0\n event a when x > 1 and n == 0 { n := 1 }\n event b when n == 1 after 2 { n := 0 }":            nil,
		"discrete n = 0\n event a when x > 1 and n == 0 { n := 1 }\n event b when n == 1 after 2 persistent { n := 0 }": nil,
		"discrete n = 0\n event a when x > 1 { n := 1 }\n event b when x > 2 after 2 { n := 2 }":                        {writeConflict},
		"discrete n = 0\n event a when x > 1 { n := 1 }\n event b when x < 1 after 2 { n := 2 }":                        {writeConflict},
		"event a when x >= 1 after 2 { x := x + 1 }":                                                                    {oldValue},
		"event a when x >= 1 after 2 late { x := x + 1 }":                                                               nil,
		"event a when x >= 1 after 0 { x := x - 1 }":                                                                    nil,
		"event a when x >= 1 after 2 { x += 1 - x }":                                                                    nil,
		"discrete n = 0\n event a when x >= 1 after 2 { n := n + 1 }":                                                   nil,
		"discrete n = 0\n event a when x >= 1 after 2 { n := n + 1 }\n event b when x <= -1 after 2 { n := 0 }":         {oldValue},
		"event a at t = 1 { x -= 1 }\n event b at t = 1 { x += 2; x -= 3 }":                                             nil,
		"event a at t = 1 { x -= 1 }\n event b at t = 1 { x := 2 }":                                                     {writeConflict},
		"event a when x >= 1 { x -= -1 }":                                                                               {staysTrueCode},
		"event a at t = 1 { x -= 0 }":                                                                                   {idleAssignment},
		"event a at t = 1 { x += 1; x += 2 }":                                                                           nil,
		"event a at t = 1 { x += 1; x := 2 }":                                                                           {writeConflict},
		"event a(n) on data priority n { x += n }":                                                                      {notFixed},
		"event a at t = 1 { x += 0 }":                                                                                   {idleAssignment},
		"event a when x >= 1 { x += 1 }":                                                                                {staysTrueCode},
		"event a when x >= 1 { x := 1 }":                                                                                {staysTrueCode},
		"event a when x > 1 { x := 1 }":                                                                                 nil,
		"event a when 1 <= x { x += -1 }":                                                                               nil,
		"event a when x >= 1 { x := 0; zeno pass }":                                                                     nil,
		"event a when x >= 1 { x := 0; zeno rest { x += 0 } }":                                                          {badZeno},
	} {
		require.Equal(t, want, codesOf(t, x+body), body)
	}
}

// TestLongChain: inference has no limit in the number of equations, and still
// finds the one that does not fit.
func TestLongChain(t *testing.T) {
	chain := func(n int) string {
		return strings.ReplaceAll(`  for i in 1..N {
    param k = 1
    param q = 1
    state s = 0
  }
  s[1]' = a - k[1]*s[1]/(1 + q[1]*s[1])
  for i in 2..N {
    s[i]' = k[i-1]*s[i-1] - k[i]*s[i]/(1 + q[i]*s[i])
  }
  let doubled = s[N]/(1 + s[N])`, "N", strconv.Itoa(n))
	}
	require.Empty(t, codesOf(t, "  state a = 1\n  a' = -a\n"+chain(500)))
	require.Equal(t, []string{unitMismatch}, codesOf(t, "  time t: s\n  state a: m = 1\n  a' = -a/(1 [s])\n"+chain(60)+"\n  let wrong = s[1] + (1 [kg])\n"))
}

// TestOwnJumps: an observation may not be moved by its own measurement, as far
// as the elements go.
func TestOwnJumps(t *testing.T) {
	const z = "  state z[2] = 0\n  state w = 0\n  z' = -z\n  w' = z[0]\n  let mid = z[0] + w\n"
	for body, want := range map[string][]string{
		"event e on observation of y { z[0] := data(y) }\n observe y = z[0] ~ normal(1)":                                    {ownJump},
		"event e on observation { z[0] += data(y) }\n observe y = mid ~ normal(1)":                                          {ownJump},
		"event e on observation of y { z[0] := data(y) }\n observe y = z[1] ~ normal(1)":                                    nil,
		"event e on observation of y { z[0] := data(y) }\n observe y = before(mid) ~ normal(1)":                             nil,
		"event e on observation of y { z[0] := data(y) }\n observe y = before(w) + mid ~ normal(1)":                         {ownJump},
		"event e on observation of y { z[0] := data(y) }\n observe y = mid ~ normal(1) { weight: 0 }":                       nil,
		"event e on observation of y after 1 { z[0] := data(y) }\n observe y = mid ~ normal(1)":                             nil,
		"event e on observation of y { z[0] := data(y) }\n observe y = w ~ normal(1)\n observe x = mid ~ normal(1)":         nil,
		"event e on observation of x { z[0] := sum(data(x)) }\n observe y = mid ~ normal(1)\n observe x[2] = z ~ normal(1)": {ownJump},
	} {
		require.Equal(t, want, codesOf(t, z+body), body)
	}
}

// TestNeverFires: an event at a constant time that is not behind the start of
// any run is doubtful.
func TestNeverFires(t *testing.T) {
	text := func(time, at, start, x0, more string) []string {
		_, diags := checkText(t, "model M {\n"+time+"\n  param k = 1\n  state x = "+x0+"\n  x' = -k*x\n  event e at t = "+at+" "+start+" { x += 1 }\n  observe y = x\n}\n"+more)
		var out []string
		for _, d := range diags.All {
			out = append(out, d.Code)
		}
		return out
	}
	dead := []string{deadEvent}
	const d = "data d from \"d.csv\" { time: t; y: y"
	require.Equal(t, dead, text("", "0", "", "1", ""))
	require.Empty(t, text("", "0", "at start", "1", ""))
	require.Equal(t, dead, text("", "-1", "at start", "1", ""))
	require.Empty(t, text("", "0.1", "", "1", ""))
	require.Empty(t, text("", "k", "", "1", ""))
	require.Equal(t, dead, text("time t in [5, inf)", "4", "", "1", ""))
	require.Empty(t, text("time t in [5, inf)", "4", "", "1", d+"; from: 3 }"))
	require.Equal(t, dead, text("time t in [5, inf)", "3", "", "1", d+"; from: 3 }"))
	require.Empty(t, text("", "0", "", "first(y)", d+" }"), "it starts at the first row")
	require.Empty(t, text("", "0", "", "1", d+"; from: first row }"))
	require.Equal(t, dead, text("", "0", "", "1", d+" }"))
	require.Empty(t, text("", "0", "", "1", "simulate { from: -1 }"))
	require.Equal(t, dead, text("", "0", "", "1", "simulate { from: 1 }"))
}

// TestTimeInterval: both ends of the interval of the time are taken in.
func TestTimeInterval(t *testing.T) {
	p, diags := checkText(t, "model M {\n  const T = 2 [h]\n  time t: h in [-1 [h], 3*T]\n  state x = 0\n  x' = 1\n}")
	require.Empty(t, diags.All, diags.Error())
	require.Equal(t, []float64{-1, 6}, []float64{p.Model.Time.From, p.Model.Time.Until})
	for iv, want := range map[string][]string{
		"in (0, 1]": {badOption}, "in [0, 1)": {badOption}, "in (-inf, 1]": {badOption}, "in [2, 1]": {emptyInterval}, "in [0, inf)": nil,
		"in [k, 1]": {notConstant},
	} {
		require.Equal(t, want, codesOf(t, "  time t "+iv+"\n  param k = 1\n  state x = 0\n  x' = k"), iv)
	}
}

// TestLossConditions: rows are chosen by what is known before a run.
func TestLossConditions(t *testing.T) {
	const m = "  param k = 1\n  state x = 0\n  x' = k\n  input u\n  observe y = x\n  "
	for body, want := range map[string][]string{
		"loss l = x where t > 1 and observed(y) and data(y) > u { mean: trajectories, weight: 2 }": nil,
		"loss l = x where x > 1":         {notFixed},
		"loss l = x where k > 1":         {notFixed},
		"loss l = x { mean: sum }":       {badSetting},
		"loss l = before(x) - x where y": {unknownName},
	} {
		require.Equal(t, want, codesOf(t, m+body), body)
	}
}

// TestQuotient: units over units, as they stand in a hint to multiply by a factor.
func TestQuotient(t *testing.T) {
	for _, c := range [][3]string{
		{"m", "cm", "m/cm"},
		{"m/s", "km/s", "m/km"},
		{"m/s", "km/min", "m*min/s/km"},
		{"1/m", "1/km", "km/m"},
		{"1", "%", "1/%"},
		{"%", "1", "%"},
		{"1/s", "1/min", "min/s"},
		{"kg*m/s", "g*cm/min", "kg*m*min/s/g/cm"},
		{"mol/L/s", "mmol/L/min", "mol*min/s/mmol"},
		{"m", "m", "1"},
		{"1/m/s", "1/m^2", "m^2/m/s"},
	} {
		require.Equal(t, c[2], quotient(c[0], c[1]), "%s over %s", c[0], c[1])
	}
}

// TestScaleHints: what a hint about a scale says to write is right.
func TestScaleHints(t *testing.T) {
	hint := regexp.MustCompile("as in `(.*)`|write `(.*)`")
	for _, u := range [][2]string{
		{"m", "cm"},
		{"cm", "m"},
		{"m/s", "km/min"},
		{"km/h", "m/s"},
		{"1/m", "1/km"},
		{"kg*m/s^2", "kN"},
		{"mg/L", "kg/m^3"},
		{"1/s", "1/min"},
		{"%", "1"},
		{"1", "%"},
		{"m^2", "cm^2"},
		{"1/s^2", "1/min^2"},
		{"mol/L/s", "mmol/L/min"},
	} {
		to, from := u[0], u[1]
		for _, value := range []string{"v", "v + v", "2 [" + from + "]"} {
			text := func(x string) string {
				return "model M {\n  const v = 3 [" + from + "]\n  let b: " + to + " = " + x + "\n  state x = 0\n  x' = 0\n}"
			}
			_, diags := checkText(t, text(value))
			require.Len(t, diags.All, 1, diags.Error())
			m := hint.FindStringSubmatch(diags.All[0].Help)
			require.NotNil(t, m, "%s: %s", value, diags.All[0].Help)
			p, diags := checkText(t, text(m[1]+m[2]))
			require.Empty(t, diags.All, "%s: %s", m[1]+m[2], diags.Error())
			require.NotNil(t, p.Model.Lets[0].Value)
		}
	}
}

// TestLibrary: a model sees the terms of the library unless it declares the name
// itself; what is wrong in a term is shown where the model uses it.
func TestLibrary(t *testing.T) {
	lib, diags := dsl.Parse(diag.NewSource("lib.node", `model Mechanics {
  const G0 = 9.81 [m/s^2]
  fn weight(m: kg) -> N = m*G0
  fn wrong(a) = a + nowhere
}`))
	require.NoError(t, diags.Err())
	env := *testEnv
	env.Library = []*dsl.File{lib}
	check := func(body string) (*Program, *diag.List) {
		f, diags := dsl.Parse(diag.NewSource("m.node", "model M {\n  state x = 1\n  x' = 0\n"+body+"\n}"))
		require.NoError(t, diags.Err())
		return Check(f, &env)
	}
	p, diags := check("  let w = weight(2 [kg])")
	require.Empty(t, diags.All, diags.Error())
	require.Equal(t, "N", p.Model.Units.Name(p.Model.Lets[0].Unit))
	p, diags = check("  const G0 = 3 [m]\n  let w = 2*G0")
	require.Empty(t, diags.All, diags.Error())
	require.Equal(t, "m", p.Model.Units.Name(p.Model.Lets[0].Unit))
	_, diags = check("  let w = wrong(1)")
	require.Len(t, diags.All, 1)
	require.Equal(t, "m.node:4:11", diags.All[0].Span.Pos().String())
	require.Contains(t, said(diags.All[0]), "in the body of `wrong`")
	_, diags = check("  let w = G00")
	require.Contains(t, said(diags.All[0]), "did you mean `G0`")
}

// TestDeepComponents: components nest so far and no further.
func TestDeepComponents(t *testing.T) {
	var b strings.Builder
	b.WriteString("model P0 {\n  state x = 1\n  x' = -x\n}\n")
	for i := range 20 {
		fmt.Fprintf(&b, "model P%d {\n  use P%d as c\n}\n", i+1, i)
	}
	_, diags := checkText(t, b.String())
	require.NotEmpty(t, diags.All)
	require.Equal(t, tooLarge, diags.All[0].Code)
	require.Contains(t, diags.All[0].Message, "nest deeper than 16")
}

// TestNoEnvironment: a model without settings needs no environment.
func TestNoEnvironment(t *testing.T) {
	f, diags := dsl.Parse(diag.NewSource("m.node", "model M {\n  state x = 1\n  x' = -x\n}\nfit { seed: 1 }"))
	require.NoError(t, diags.Err())
	p, diags := Check(f, nil)
	require.Len(t, p.Model.States, 1)
	require.Len(t, diags.All, 1)
	require.Equal(t, unknownName, diags.All[0].Code)
}

// TestExclusiveDelays: which delayed events need an order. Those of one constant delay come
// in the order of their triggers; with others only what holds all the time while they wait
// excludes a meeting.
func TestExclusiveDelays(t *testing.T) {
	const head = "  time t: 1\n  param d in (0, inf) = 0.3\n  state y = 0\n  state x = 0\n  discrete u = 1\n  discrete s[2] = 0\n  x' = u + s[0] + s[1]\n  y' = d*x - y\n"
	conflict := []string{writeConflict}
	for body, want := range map[string][]string{
		// One delay: the conditions do not turn true at once.
		"event up when y >= 0.5 after d persistent { u := -1 }\n event down when y <= 0.4 after d persistent { u := 1 }":             nil,
		"event up when y >= 0.5 after 0.3 { u := -1 }\n event down when y <= 0.4 after 0.1 + 0.2 { u := 1 }":                         conflict, // 0.1 + 0.2 is not 0.3
		"event up when y >= 0.5 after 0.5 { u := -1 }\n event down when y <= 0.4 after 0.2 + 0.3 { u := 1 }":                         nil,
		"event up when y >= 0.5 after d persistent { u := -1 }\n event down when y <= 0.4 after 2*d persistent { u := 1 }":           conflict,
		"event up when y >= 0.5 after d persistent { u := -1 }\n event down when y <= 0.4 { u := 1 }":                                conflict,
		"event up when y >= 0.5 after 1 + x^2 persistent { u := -1 }\n event down when y <= 0.4 after 1 + x^2 persistent { u := 1 }": conflict,
		"event up when y >= 0.5 after d persistent { u := -1 }\n event far when x >= 0.4 after d persistent { u := 1 }":              conflict,
		"event up when y >= 0.5 and u == 1 { u := -1 }\n event down when y <= 0.7 and x > 1 { u := 1 }":                              conflict, // x may pass 1 and u turn 1 at once
		"event up when y >= 0.5 and x > 1 after d { u := -1 }\n event down when y <= 0.4 and x < 2 after d { u := 1 }":               nil,
		"event up when y >= 0.5 { u := -1 }\n event down when y <= 0.7 { u := 1 }":                                                   nil,

		// Chains of modes: each persistent one alone leaves its mode.
		"event a when x >= 1 and u == 1 { u := 1.5 }\n event b when u == 1.5 after d persistent { u := 2 }\n event c when x <= 0 and u == 2 { u := 3 }":                nil,
		"event a when u == 1 after 1 persistent { u := 2 }\n event b when u == 2 after d persistent { u := 3 }\n event c when u == 3 after 2*d { u := 1 }":             nil,
		"event a when x >= 1 and u == 1 { u := 1.5 }\n event b when u == 1.5 after d persistent { u := 2 }\n event c when x <= -9 { u := 3 }":                          {writeConflict, writeConflict},
		"event a when x >= 1 and u == 1 { u := 1.5 }\n event b when u == 1.5 after d persistent { u := 2 }\n event c when u == 1.5 after 2*d { u := 1 }":               {writeConflict, writeConflict},
		"event a when x >= 1 and u == 1 { u := 1.5 }\n event b when u == 1.5 and y < 3 after d persistent { u := 2 }":                                                  conflict,
		"event a when x >= 1 and u == 1 persistent { u := 1.5 }\n event b when u == 1.5 after d persistent { u := 2 }":                                                 conflict,
		"event a when x >= 1 and u == 1 { u += 0.5 }\n event b when u == 1.5 after d persistent { u := 2 }\n event c on data { u := 1 }":                               {writeConflict, writeConflict},
		"event a when x >= 1 and s[0] == 0 { s[0] := 1; y := 0 }\n event b when s[0] == 1 after d persistent { s[0] := 0; y := 1 }\n event c when x > 3 { s[1] := 7 }": nil,
		"event a when x >= 1 and s[0] == 0 { s[0] := 1; y := 0 }\n event b when s[0] == 1 after d persistent { s[0] := 0 }\n event c when x > 3 { s := [0, 7] }":       {writeConflict, writeConflict},

		// Comparisons of a discrete variable exclude each other by their values.
		"event a when y >= 1 and u <= 0 { u := 1 }\n event b when u > 0 after d { u := 0 }":      nil,
		"event a when y >= 1 and u == 0 { u := 1 }\n event b when u >= 0.5 after d { u := 0 }":   nil,
		"event a when y >= 1 and u == 1 { u := 1 }\n event b when u >= 0.5 after d { u := 0 }":   conflict,
		"event a when y >= 1 and u <= 0.5 { u := 1 }\n event b when u >= 0.5 after d { u := 0 }": conflict,
		"event a when y >= 1 and u != 2 { u := 1 }\n event b when u == 2 after d { u := 0 }":     nil,
		"event a when y >= 1 and u != 2 { u := 1 }\n event b when u == 3 after d { u := 0 }":     conflict,
	} {
		require.Equal(t, want, codesOf(t, head+body), body)
	}
}
