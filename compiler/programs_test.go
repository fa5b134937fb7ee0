package compiler_test

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/floats"

	"github.com/pinode/pinode/compiler"
	"github.com/pinode/pinode/compiler/exec"
	"github.com/pinode/pinode/compiler/ir"
)

// programmed are models with programs of every kind: of events, times, delays, data, inputs,
// quadratures, priors, networks, and of motions along surfaces.
var programmed = map[string]string{
	"events": `model Events {
  time t
  input u cubic
  covariate m
  param k in (0, inf) ~ lognormal(0.3, 1) = 0.7
  param w[2] ~ normal(0, 2) = [0.3, -0.4]
  param c per id = 2
  discrete gate = 0.6*k
  discrete count = m*c
  state a = k + c*m + 0.1*t
  state b = w[0]*t + 0.5
  state h = 1
  state v = 0
  a' = -k*a^2 + gate*u*sin(t) + c*b
  b' = w[0]*a*b - w[1]*u + m
  h' = v
  v' = -9.81 - k*v^3
  event bounce when h <= 0.1*w[0]*t { v := -c*v + u*gate; zeno rest { h := 0.03*k*t; v := gate*u } }
  event mark when a*b >= 2*k + u priority a*c { gate := k*gate*t; count := count + c }
  event wait when b >= 3 after k*a^2 + 0.1*t { a := w[1]*b*t + c*u }
  event clock every 0.5*k from w[0] until 4*k { h := h + k }
  event dose(amount, speed) on data priority 7 { b := b + amount*c*a; gate := speed*k }
  observe obs = before(a) + gate*before(b) ~ normal(0.1*k)
  observe other = a*b ~ student(3, k)
  loss flat = (a - u*before(b))^2 { weight: 2 }
  conserve energy = v^2/2 + 9.81*h { weight: 0.3 }
}
data d from "d.csv" { time: t, trajectory: id, u: u, m: m, obs: obs, other: o }`,
	"network": `model Network {
  param k = 0.7
  neural f(a, b) -> [2] { hidden: [5] }
  state a = 1
  state b = 0.5
  a' = -k*a + f(a, b)[0]
  b' = f(a, b)[1] - b*a
  event turn when a >= 2 { b := f(b, a)[0] }
  observe y = f(a, a)[1]*k ~ normal(0.2)
}`,
	"surfaces": `model Surfaces {
  time t
  param k = 1.5
  param w[3] = [0.4, 0.9, 0.3]
  state a = 0
  state b = 0
  state e = 0
  state z = 1
  a' = w[0]*sin(t) - k*sign(a)
  b' = w[1]*cos(t) - 2*k*sign(b)
  e' = w[2]*t - k^2*sign(e)
  z' = 3*sign(a) + z*sign(b) + t
  event push when z >= 5 after 4 + k*sign(a) { z := z*sign(a) + w[0]*sign(b) }
  observe y = z + sign(a)*k ~ normal(k)
  observe was = before(z*sign(b)) ~ normal(k)
}`,
}

// frame is a frame at random inputs.
type frame struct {
	mod *exec.Module
	f   *exec.Frame
}

// inputs are all that programs read.
var inputs = []string{"t", "y", "d", "u", "ut", "utt", "q", "p", "s", "a", "data", "seen", "yb", "db", "ub", "utb", "free", "flow", "on1", "on2", "at1", "at2", "onb1", "onb2", "atb1", "atb2", "along.y", "along.t", "row", "rw"}

func (x frame) draw(rng *rand.Rand) {
	for _, name := range inputs {
		v := x.f.Input(name)
		for i := range v {
			v[i] = 0.2 + 0.7*rng.Float64()
			switch {
			case name == "seen" || name == "free":
				v[i] = 1
			case strings.HasPrefix(name, "on") || strings.HasPrefix(name, "at"):
				v[i] = float64((i + int(name[len(name)-1])) % 2)
			}
		}
	}
}

func (x frame) value(program, output string) []float64 {
	p := x.mod.Program(program)
	p.Run(x.f)
	return slices.Clone(p.Output(x.f, output))
}

// along is the change of a value where inputs move, by differences; signals move with the time.
func (x frame) along(program, output string, dirs map[string][]float64) []float64 {
	if tt := dirs["t"]; tt != nil && x.f.Input("u") != nil {
		dirs = maps.Clone(dirs)
		for name, rate := range map[string]string{"u": "ut", "ut": "utt"} {
			if v := x.f.Input(rate); v != nil {
				dirs[name] = slices.Clone(v)
				floats.Scale(tt[0], dirs[name])
			}
		}
	}
	was := map[string][]float64{}
	for name := range dirs {
		was[name] = slices.Clone(x.f.Input(name))
	}
	const h = 1e-3
	var sum []float64
	for by, w := range map[float64]float64{1: 45, 2: -9, 3: 1, -1: -45, -2: 9, -3: -1} {
		for name, dir := range dirs {
			to := x.f.Input(name)
			copy(to, was[name])
			floats.AddScaled(to, by*h, dir)
		}
		v := x.value(program, output)
		if sum == nil {
			sum = make([]float64, len(v))
		}
		floats.AddScaled(sum, w/(60*h), v)
	}
	for name, v := range was {
		copy(x.f.Input(name), v)
	}
	return sum
}

// TestDerivativePrograms: each program X.vjp, X.vjp0 and X.jvp has the derivatives of X by each of its
// inputs that differences give; a program without parameters leaves theirs as they are.
func TestDerivativePrograms(t *testing.T) {
	for _, name := range slices.Sorted(maps.Keys(programmed)) {
		text := programmed[name]
		t.Run(name, func(t *testing.T) {
			p, err := compiler.Compile("m.node", text)
			require.NoError(t, err)
			want := compiler.Want{Reverse: true, Forward: true, Jacobian: true, Curvature: true, Segments: true}
			mod, err := p.Module(1, want)
			require.NoError(t, err)
			x := frame{mod, mod.NewFrame()}
			rng := rand.New(rand.NewPCG(31, 32))
			seen := map[string]bool{}
			graphs := p.Graphs(want)
			for _, g := range graphs {
				of, kind := g.Name[:max(0, strings.LastIndexByte(g.Name, '.'))], g.Name[strings.LastIndexByte(g.Name, '.')+1:]
				if kind != "vjp" && kind != "vjp0" && kind != "jvp" {
					continue
				}
				seen[g.Name] = true
				at := slices.IndexFunc(graphs, func(o *ir.Graph) bool { return o.Name == of })
				require.GreaterOrEqual(t, at, 0, g.Name)
				output := graphs[at].Outputs[0].Name
				x.draw(rng)
				if kind == "jvp" {
					x.requireForward(t, rng, of, output)
				} else {
					x.requireReverse(t, rng, g.Name, of, output)
				}
			}
			for _, must := range map[string][]string{
				"events":   {"rhs.vjp", "rhs.vjp0", "rhs.jvp", "guards.vjp0", "init.y.vjp", "init.d.jvp", "times.vjp", "jump.dose.vjp", "rest.bounce.jvp", "delay.wait.vjp", "row.vjp", "priors.vjp", "rhs.curve.vjp", "rhs.curve.vjp0", "segment.y.vjp"},
				"network":  {"rhs.vjp", "row.vjp", "jump.turn.vjp"},
				"surfaces": {"slide1.vjp", "slide2.vjp0", "slide3.jvp", "exits1.vjp0", "exits3.jvp", "row@1.vjp", "row@b2.vjp", "row@1b1.vjp", "row@3b3.vjp", "jump.push@2.jvp", "delay.push@1.vjp", "slide1.curve.vjp"},
			}[name] {
				require.True(t, seen[must], must)
			}
		})
	}
}

// near is how well differences are known: those of parts of fields, which are quotients, less.
func near(program string) float64 {
	if strings.HasPrefix(program, "slide") {
		return 1e-5
	}
	return 1e-7
}

func (x frame) requireReverse(t *testing.T, rng *rand.Rand, program, of, output string) {
	t.Helper()
	p := x.mod.Program(program)
	ct := x.f.Input("ct." + of)
	for i := range ct {
		ct[i] = rng.NormFloat64()
	}
	if of == "row" || strings.HasPrefix(of, "row@") {
		p.Run(x.f)
		loss, terms := p.Output(x.f, "loss")[0], slices.Clone(p.Output(x.f, "terms"))
		require.InDelta(t, x.value(of, "loss")[0], loss, 1e-14)
		require.InDeltaSlice(t, x.value(of, "terms"), terms, 1e-14)
	}
	for _, acc := range []string{"acc.bp", "acc.bq"} {
		for i := range x.f.Input(acc) {
			x.f.Input(acc)[i] = 3 // it is added to
		}
	}
	sum := x.f.Sum("acc.bw")
	if sum != nil {
		sum.Clear()
	}
	p.Run(x.f)
	params := strings.HasSuffix(program, ".vjp")
	bars := map[string][]float64{}
	for in, bar := range map[string]string{"t": "bt", "y": "by", "d": "bd", "a": "ba", "yb": "byb", "db": "bdb"} {
		if v := x.f.Input(in); v != nil {
			bars[in] = make([]float64, len(v))
			copy(bars[in], p.Output(x.f, bar)) // none is zero
		}
	}
	for in, acc := range map[string]string{"p": "acc.bp", "q": "acc.bq"} {
		if v := x.f.Input(in); v != nil {
			bars[in] = make([]float64, len(v))
			for i, b := range x.f.Input(acc) {
				bars[in][i] = b - 3
			}
		}
	}
	if sum != nil && params {
		n := len(x.f.Input("acc.bp"))
		weights := make([]float64, len(x.f.Input("p"))-n)
		sum.Take(weights, 0, false)
		copy(bars["p"][n:], weights)
	}
	cts := slices.Clone(ct)
	if ct == nil { // of a constant
		cts = slices.Repeat([]float64{1}, len(x.value(of, output)))
	}
	for _, in := range slices.Sorted(maps.Keys(bars)) {
		bar := bars[in]
		dir := make([]float64, len(bar))
		for i := range dir {
			if dir[i] = rng.NormFloat64(); in == "q" && i >= len(x.f.Input("acc.bq")) {
				dir[i] = 0 // covariates are not asked for
			}
		}
		if !params && (in == "p" || in == "q") {
			require.Zero(t, floats.Norm(bar, 2), "%s: by %s", program, in)
			continue
		}
		want := floats.Dot(cts, x.along(of, output, map[string][]float64{in: dir}))
		require.InDelta(t, want, floats.Dot(bar, dir), near(of)*(1+math.Abs(want)), "%s: by %s", program, in)
	}
}

func (x frame) requireForward(t *testing.T, rng *rand.Rand, of, output string) {
	t.Helper()
	tangents := map[string]string{"t": "tt", "y": "ty", "d": "td", "q": "tq", "p": "tp"}
	for _, in := range slices.Sorted(maps.Keys(tangents)) {
		if x.f.Input(in) == nil {
			continue
		}
		for _, name := range tangents {
			clear(x.f.Input(name))
		}
		dir := make([]float64, len(x.f.Input(in)))
		for i := range dir {
			dir[i] = rng.NormFloat64()
		}
		copy(x.f.Input(tangents[in]), dir)
		want := x.along(of, output, map[string][]float64{in: dir})
		require.InDeltaSlice(t, want, x.value(of+".jvp", "dot"), near(of)*(1+floats.Norm(want, math.Inf(1))), "%s: by %s", of, in)
	}
}

// TestMatrixPrograms: the derivatives of rates as rows, those of losses' arguments and the nonzeros of
// the Jacobian are those of differences, of each lane.
func TestMatrixPrograms(t *testing.T) {
	p, err := compiler.Compile("m.node", programmed["events"])
	require.NoError(t, err)
	plain, err := p.Module(1, compiler.Want{Jacobian: true})
	require.NoError(t, err)
	x := frame{plain, plain.NewFrame()}
	x.draw(rand.New(rand.NewPCG(41, 42)))
	const lanes, lane = 4, 2
	same := func(f *exec.Frame) {
		for _, name := range inputs {
			to := f.Input(name)
			if name == "p" || name == "s" {
				copy(to, x.f.Input(name))
				continue
			}
			for i, v := range x.f.Input(name) {
				if to != nil {
					to[i*lanes+lane] = v
				}
			}
		}
	}
	unit := func(in string, i int) map[string][]float64 {
		dir := make([]float64, len(x.f.Input(in)))
		dir[i] = 1
		return map[string][]float64{in: dir}
	}
	rows := func(mod *exec.Module, f *exec.Frame, program string, n int, by map[string]string, want func(dirs map[string][]float64) []float64) {
		mod.Program(program).Run(f)
		for letter, in := range by {
			size := len(x.f.Input(in))
			if in == "q" {
				size = 1 // the covariate is not asked for
			}
			for i := range size {
				w := want(unit(in, i))
				for k := range n {
					got := 0.
					if v := mod.Program(program).Output(f, fmt.Sprintf("%s.%d", letter, k)); v != nil {
						got = v[i*lanes+lane]
					}
					require.InDelta(t, w[k], got, 1e-7*(1+math.Abs(w[k])), "%s: row %d by %s %d", program, k, in, i)
				}
			}
		}
	}
	jac, err := p.Jacobian(lanes)
	require.NoError(t, err)
	f := jac.NewFrame()
	same(f)
	rows(jac, f, "rhs.jacobian", p.Model.Layout.NY, map[string]string{"y": "y", "t": "t", "d": "d", "p": "p", "q": "q"}, func(dirs map[string][]float64) []float64 {
		return x.along("rhs", "dy", dirs)
	})

	j := p.Jacobians()[0]
	values, byTime := x.value("rhs.jac", "v"), x.value("rhs.jac", "dt")
	require.InDeltaSlice(t, x.along("rhs", "dy", unit("t", 0)), byTime, 1e-7)
	k := 0
	dense := make([][]float64, p.Model.Layout.NY)
	for i, row := range j.Rows {
		dense[i] = make([]float64, len(dense))
		for _, c := range row {
			dense[i][c] = values[j.At[k]]
			k++
		}
	}
	require.Len(t, j.At, k)
	for c := range dense {
		want := x.along("rhs", "dy", unit("y", c))
		for i := range dense {
			require.InDelta(t, want[i], dense[i][c], 1e-7*(1+math.Abs(want[i])))
		}
	}
	made := 0
	for range 2 {
		require.Equal(t, 5, j.Once(func() any { made++; return 5 }))
	}
	require.Equal(t, 1, made)
}

// TestScorePrograms: of a normal error the loss is half the square of its residual, whose derivatives are
// the rows; that of the deviation goes with the parameters.
func TestScorePrograms(t *testing.T) {
	p, err := compiler.Compile("m.node", `model M {
  covariate m
  param k = 0.7
  param c per id = 2
  discrete g = 1
  state a = 1
  state b = 2
  a' = -a
  b' = -b
  observe y = k*a*g + c*before(b)*before(g) ~ normal(0.5)
  observe z[2] = [a*m, b^2] ~ normal(2)
}
data d from "d.csv" { time: t, trajectory: id, m: m, y: y, z: [z, w] }`)
	require.NoError(t, err)
	mod, err := p.Scores(1)
	require.NoError(t, err)
	f := mod.NewFrame()
	for name, v := range map[string][]float64{"y": {1.5, 0.5}, "yb": {1, 3}, "d": {1.2}, "db": {0.8}, "p": {0.7}, "q": {2, 4}, "data": {9, 1, 2}, "seen": {1, 1, 0}} {
		copy(f.Input(name), v)
	}
	s := mod.Program("row.scores")
	s.Run(f)
	r0, r1 := (0.7*1.5*1.2+2*3*0.8-9)/0.5, (1.5*4-1)/2.
	got := s.Output(f, "residuals")
	require.InDeltaSlice(t, []float64{r0 * r0, r1 * r1, 0}, []float64{got[0] * got[0], got[1] * got[1], got[2] * got[2]}, 1e-12)
	require.InDelta(t, r0*r0/2+math.Log(0.5)+math.Log(2*math.Pi)/2, s.Output(f, "losses")[0], 1e-12)
	sign := math.Copysign(1, got[0]*r0)
	for name, want := range map[string][]float64{
		"y.0": {0.7 * 1.2 / 0.5, 0}, "yb.0": {0, 2 * 0.8 / 0.5}, "d.0": {0.7 * 1.5 / 0.5}, "db.0": {2 * 3 / 0.5}, "p.0": {1.5 * 1.2 / 0.5}, "q.0": {3 * 0.8 / 0.5},
		"y.1": {4 / 2., 0}, "y.2": {0, 0},
	} {
		v := s.Output(f, name)
		if v == nil {
			v = make([]float64, len(want))
		}
		for i := range want {
			require.InDelta(t, want[i], sign*v[i], 1e-12, name)
		}
	}
	none, err := compiler.Compile("m.node", "model M {\n  state a = 1\n  a' = -a\n}")
	require.NoError(t, err)
	mod, err = none.Scores(1)
	require.NoError(t, err)
	require.Nil(t, mod)
	mod, err = none.Jacobian(1)
	require.NoError(t, err)
	require.Equal(t, -1., func() float64 {
		f := mod.NewFrame()
		mod.Program("rhs.jacobian").Run(f)
		return mod.Program("rhs.jacobian").Output(f, "y.0")[0]
	}())
}

// TestSideModules: what is compiled besides: rows that read weights, arguments of distributions, and
// equations whose networks are inputs.
func TestSideModules(t *testing.T) {
	p, err := compiler.Compile("m.node", programmed["network"])
	require.NoError(t, err)
	all, err := p.Module(1, compiler.Want{})
	require.NoError(t, err)
	x := frame{all, all.NewFrame()}
	x.draw(rand.New(rand.NewPCG(51, 52)))
	rows, err := p.Rows(1, exec.Double)
	require.NoError(t, err)
	probe, err := compiler.Probe(p)
	require.NoError(t, err)
	frames := []frame{{rows, rows.NewFrame()}, {probe, probe.NewFrame()}}
	for _, y := range frames {
		for _, name := range inputs {
			copy(y.f.Input(name), x.f.Input(name))
		}
	}
	require.InDelta(t, x.value("row", "loss")[0], frames[0].value("row", "loss")[0], 1e-14)
	require.NotNil(t, rows.Program("row.vjp"))
	require.Nil(t, rows.Program("rhs"))
	values := x.value("nets", "values")
	require.Len(t, values, 2)
	require.Equal(t, []float64{x.f.Input("y")[0], x.f.Input("y")[1]}, x.value("nets", "args")[:2])
	a, b, k := x.f.Input("y")[0], x.f.Input("y")[1], x.f.Input("p")[0]
	copy(frames[1].f.Input("nets"), values)
	require.InDeltaSlice(t, x.value("rhs", "dy"), frames[1].value("open.rhs", "dy"), 1e-14)
	copy(frames[1].f.Input("nets"), []float64{3, -5})
	require.InDeltaSlice(t, []float64{-k*a + 3, -5 - b*a}, frames[1].value("open.rhs", "dy"), 1e-14)
	require.NotNil(t, probe.Program("open.obs"))

	p, err = compiler.Compile("m.node", programmed["events"])
	require.NoError(t, err)
	rows, err = p.Rows(1, exec.Double)
	require.NoError(t, err)
	require.Nil(t, rows, "no weights in its rows")
	noise, err := p.Noise()
	require.NoError(t, err)
	f := noise.NewFrame()
	f.Input("p")[0] = 1.7
	noise.Program("noise").Run(f)
	found := map[float64]bool{}
	for _, o := range p.Model.Noise {
		found[math.Round(1e9*noise.Program("noise").Output(f, o.Name)[0])/1e9] = true
	}
	require.True(t, found[0.17] && found[1.7], "%v", found)
	plain, err := compiler.Compile("m.node", "model M {\n  state a = 1\n  a' = -a\n}")
	require.NoError(t, err)
	noise, err = plain.Noise()
	require.NoError(t, err)
	require.Nil(t, noise)
	probe, err = compiler.Probe(plain)
	require.NoError(t, err)
	require.Nil(t, probe.Program("open.rhs"))
}

// TestAffine: guards whose path along a step is a polynomial of its degree.
func TestAffine(t *testing.T) {
	for guard, want := range map[string]bool{
		"x <= 2": true, "x + 3*v <= t": true, "k*x <= k^2": true, "x*v <= 1": false, "x^2 <= 1": false, "k*t*x <= 1": false, "t^2 >= 3": false,
		"u >= 3": false, "n*x <= 2": true, "abs(x) >= 1": false, "sin(t) > 0.5": false,
	} {
		p, err := compiler.Compile("m.node", "model M {\n  time t\n  input u linear\n  param k = 1\n  discrete n = 1\n  state x = 1\n  state v = 0\n  x' = v\n  v' = -u\n  event e when "+guard+" { x := 1 }\n}")
		require.NoError(t, err, guard)
		require.Equal(t, want, p.Affine()[0], guard)
	}
}

// TestSpread: how far guards may be off is the sum of the sizes of their slopes, also where these are
// constants or arrays.
func TestSpread(t *testing.T) {
	for guard, slopes := range map[string][]float64{
		"x - 3*v <= 2": {1, 3, 0, 0, 0}, "2*t <= x": {1, 0, 0, 0, 2}, "w[0]*w[1] <= v^2": {0, 1.4, 5, 4, 0}, "sum(w) <= 1": {0, 0, 1, 1, 0}, "w[1] <= t": {0, 0, 0, 1, 1},
	} {
		p, err := compiler.Compile("m.node", "model M {\n  time t\n  state x = 1\n  state v = 0\n  state w[2] = [1, 2]\n  x' = v\n  v' = -x\n  w' = w\n  event e when "+guard+" { x := 1 }\n}")
		require.NoError(t, err, guard)
		mod, err := p.Module(1, compiler.Want{})
		require.NoError(t, err)
		x := frame{mod, mod.NewFrame()}
		copy(x.f.Input("y"), []float64{3, 0.7, 4, 5})
		reach := []float64{0.1, 0.2, 0.3, 0.4, 1, 2, 3, 4}
		copy(x.f.Input("ry"), reach)
		copy(x.f.Input("rt"), []float64{0.5})
		got := x.value("spread", "g")
		for k := range 2 {
			want := 0.5 * slopes[4]
			for i, v := range slopes[:4] {
				want += v * reach[4*k+i]
			}
			require.InDelta(t, want, got[k*len(got)/2], 1e-12, guard)
		}
	}
}

// TestOrderOfParameters: gradients stand where the parameters do, those of trajectories among the others.
func TestOrderOfParameters(t *testing.T) {
	_, f := rhsOf(t, `model M {
  param a[2] = [1, 2]
  param c per id = 3
  param b = 4
  param e[3] per id = [5, 6, 7]
  param g = 8
  state x = 1
  x' = a[0] + 2*a[1] + 3*c + 4*b + 5*e[0] + 6*e[1] + 7*e[2] + 8*g*x
}
data d from "d.csv" { time: t, trajectory: id }`)
	params, dy, y := []float64{1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7}, make([]float64, 1), []float64{2}
	f.Eval(0, y, params, dy)
	names := map[float64][]float64{}
	yBar, pBar := make([]float64, 1), make([]float64, 8)
	f.VJP(0, y, params, []float64{1}, yBar, pBar)
	sum := 0.
	for i, b := range pBar {
		names[b] = append(names[b], params[i])
		sum += b * params[i]
	}
	require.InDelta(t, dy[0], sum, 1e-6)
	require.ElementsMatch(t, []float64{1, 2, 3, 4, 5, 6, 7, 16}, pBar)
	require.InDelta(t, 8*params[slices.Index(pBar, 16)], yBar[0], 1e-6)
}
