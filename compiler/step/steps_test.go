package step_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/pinode/pinode/compiler"
	"github.com/pinode/pinode/compiler/exec"
	"github.com/pinode/pinode/compiler/step"
	"github.com/pinode/pinode/internal/engine"
	"github.com/pinode/pinode/internal/stepsize"
	"github.com/pinode/pinode/solvers"
)

// driven reads all that a step may read: the time, an input and its rate, a discrete variable,
// parameters of all and of each, states that an event holds at rest.
const driven = `model Driven {
  time t
  input u cubic
  covariate m
  param k = 0.7
  param w[2] = [0.3, -0.4]
  param c per id = 0.5
  discrete gate = 0.6
  state a = 1
  state b = 0.5
  state h = 1
  state v = 0
  a' = -k*a^2 + w[0]*b*c + gate*u*sin(t)
  b' = exp(-a)*m - 3*b + t*w[1]*a*u
  h' = v
  v' = -9.81 - 0.1*v^3 + 0.2*a*sin(3*t) + gate*u
  event bounce when h <= 0 { v := -0.5*v; zeno rest { h := 0; v := 0 } }
}
data d from "d.csv" { time: t, trajectory: id, u: u, m: m }
`

// learned has a network whose values are worth keeping, also in lanes.
const learned = `model Learned {
  param k = 0.7
  neural f(a, b) -> [2] { hidden: [70, 9] }
  state a = 1
  state b = 0.5
  a' = -k*a + f(a, b)[0]
  b' = f(a, b)[1] - b*a
}
`

// turning parts in positions and momenta, which the time drives.
const turning = `model Turning {
  time t
  param k = 0.7
  state q = 1
  state r = 0.5
  state p = 0
  state s = 0.2
  q' = k*p
  r' = s^3 + s
  p' = -k*sin(q) - r + cos(t)
  s' = -r*q*q
}
`

// rig has the programs of a method's steps of a model, and the right-hand side beside them.
type rig struct {
	t       *testing.T
	tab     *solvers.Tableau
	prog    *compiler.Program
	lanes   int
	perLane bool
	f       *exec.Frame
	mod     *exec.Module
	own     *exec.Frame // of the right-hand side
	rhs     *exec.Program
	held    []bool
	momenta []bool
	part    [5]int // where t, h, y, d and p end in the vector of a lane; behind them q
}

func newRig(t *testing.T, text string, tab *solvers.Tableau, lanes int, perLane bool) *rig {
	t.Helper()
	prog, err := compiler.Compile("m.node", text)
	require.NoError(t, err)
	r := &rig{t: t, tab: tab, prog: prog, lanes: lanes, perLane: perLane}
	plain, err := prog.Module(1, compiler.Want{})
	require.NoError(t, err)
	r.own, r.rhs = plain.NewFrame(), plain.Program("rhs")
	r.mod, err = prog.StepsWith(engine.Method(tab), step.Options{Lanes: lanes, Reverse: true, PerLaneParams: perLane, Roots: lanes == 1, Forward: true}, exec.Double)()
	require.NoError(t, err)
	require.NotNil(t, r.mod)
	r.f = r.mod.NewFrame()
	lay := &prog.Model.Layout
	r.held = make([]bool, lay.NY)
	r.part = [5]int{1, 2, 2 + lay.NY, 2 + lay.NY + lay.ND, 2 + lay.NY + lay.ND + lay.NP}
	if tab.Parts != nil {
		r.momenta, err = prog.Momenta(tab.Name)
		require.NoError(t, err)
	}
	copy(r.in("tol"), append([]float64{1e-3}, slices.Repeat([]float64{1e-4}, lay.NY)...))
	return r
}

func (r *rig) in(name string) []float64 { return r.f.Input(name) }

// run runs a program, if there is one, and reports whether there is.
func (r *rig) run(name string) bool {
	p := r.mod.Program(name)
	if p != nil {
		p.Run(r.f)
	}
	return p != nil
}

func (r *rig) out(program, output string) []float64 {
	return r.mod.Program(program).Output(r.f, output)
}

// scatter puts numbers into a lane.
func (r *rig) scatter(to []float64, lane int, from []float64) {
	if to == nil {
		return
	}
	for i, v := range from[:len(to)/r.lanes] {
		to[i*r.lanes+lane] = v
	}
}

// gather is what stands in a lane.
func (r *rig) gather(from []float64, lane int) (list []float64) {
	for i := lane; i < len(from); i += r.lanes {
		list = append(list, from[i])
	}
	return list
}

// signal is the input with its derivatives.
func signal(t float64) (u, ut, utt float64) {
	return 0.3 + math.Sin(2*t), 2 * math.Cos(2*t), -4 * math.Sin(2*t)
}

func (r *rig) parts(x []float64) (t, h float64, y, d, p, q []float64) {
	e := r.part
	return x[0], x[1], x[2:e[2]], x[e[2]:e[3]], x[e[3]:e[4]], x[e[4]:]
}

// rates is the right-hand side at a point, but for the states that are held.
func (r *rig) rates(t float64, y, d, p, q []float64) []float64 {
	f := r.own
	for name, v := range map[string][]float64{"y": y, "d": d, "p": p, "q": q} {
		copy(f.Input(name), v)
	}
	u, ut, _ := signal(t)
	for name, v := range map[string]float64{"t": t, "u": u, "ut": ut} {
		if in := f.Input(name); in != nil {
			in[0] = v
		}
	}
	for i := range f.Input("s") {
		f.Input("s")[i] = 1
	}
	r.rhs.Run(f)
	dy := slices.Clone(r.rhs.Output(f, "dy"))
	for i, on := range r.held {
		if on {
			dy[i] = 0
		}
	}
	return dy
}

// stages are those of a step by numbers.
type stages struct {
	y, k [][]float64
	mean float64
}

// byHand takes the step of a lane, whose first rate may be given.
func (r *rig) byHand(x, first []float64) (s stages) {
	t, h, y, d, p, q := r.parts(x)
	tab := r.tab
	s.y, s.k = [][]float64{y}, [][]float64{first}
	if first == nil {
		s.k[0] = r.rates(t, y, d, p, q)
	}
	var system func(v []float64) []float64
	var slope []float64
	if tab.Family == solvers.Rosenbrock {
		system, slope = r.system(x)
	}
	combine := func(w []float64) []float64 {
		sum := make([]float64, len(y))
		for j, a := range w {
			floats.AddScaled(sum, a, s.k[j])
		}
		return sum
	}
	for i := 1; i < len(tab.C); i++ {
		yi := slices.Clone(y)
		floats.AddScaled(yi, h, combine(tab.A[i]))
		k := r.rates(t+tab.C[i]*h, yi, d, p, q)
		if system != nil && i < tab.End() {
			floats.Add(k, combine(tab.Couple[i]))
			floats.AddScaled(k, tab.Slope[i]*h, slope)
			k = system(k)
		}
		if tab.Parts != nil && tab.Parts[i] != solvers.Whole {
			for j, momentum := range r.momenta {
				if momentum != (tab.Parts[i] == solvers.Kick) {
					k[j] = 0
				}
			}
		}
		s.y, s.k = append(s.y, yi), append(s.k, k)
	}
	square := func(w []float64) float64 {
		e, sum := combine(w), 0.
		for i := range e {
			w := 1e-4 + 1e-3*math.Max(math.Abs(y[i]), math.Abs(s.y[tab.End()][i]))
			sum += math.Pow(h*e[i]/w, 2)
		}
		return sum / float64(len(y))
	}
	if tab.E != nil {
		s.mean = square(tab.E)
		if tab.E2 != nil {
			s.mean = stepsize.Joined(stepsize.Numbers{}, s.mean, square(tab.E2))
		}
	}
	return s
}

// system solves (I/γ − hJ) k = v with the Jacobian at the start by differences; slope is ∂f/∂t.
func (r *rig) system(x []float64) (solve func(v []float64) []float64, slope []float64) {
	t, h, y, d, p, q := r.parts(x)
	n := len(y)
	difference := func(at func(by float64) []float64) []float64 {
		sum := make([]float64, n)
		for by, w := range map[float64]float64{1: 45, 2: -9, 3: 1, -1: -45, -2: 9, -3: -1} {
			floats.AddScaled(sum, w/(60*1e-3), at(by*1e-3))
		}
		return sum
	}
	slope = difference(func(by float64) []float64 { return r.rates(t+by, y, d, p, q) })
	m := mat.NewDense(n, n, nil)
	for j := range n {
		for i, v := range difference(func(by float64) []float64 {
			moved := slices.Clone(y)
			moved[j] += by
			return r.rates(t, moved, d, p, q)
		}) {
			m.Set(i, j, -h*v)
		}
		m.Set(j, j, m.At(j, j)+1/r.tab.Gamma)
	}
	return func(v []float64) []float64 {
		var k mat.VecDense
		require.NoError(r.t, k.SolveVec(m, mat.NewVecDense(n, v)))
		return k.RawVector().Data
	}, slope
}

// put puts a lane at a point.
func (r *rig) put(lane int, x []float64) {
	t, h, y, d, p, q := r.parts(x)
	one := func(name string, v float64) { r.scatter(r.in(name), lane, []float64{v}) }
	one("t", t)
	one("h", h)
	one("before", math.Inf(-1))
	one("until", math.Inf(-1))
	r.scatter(r.in("y.0"), lane, y)
	r.scatter(r.in("k.0"), lane, r.rates(t, y, d, p, q))
	r.scatter(r.in("d"), lane, d)
	r.scatter(r.in("q"), lane, q)
	if r.scatter(r.in("pl"), lane, p); !r.perLane {
		copy(r.in("p"), p)
	}
	copy(r.in("p")[min(r.prog.Model.Layout.NPar, len(r.in("p"))):], p[r.prog.Model.Layout.NPar:])
	for i := range r.in("s") {
		r.in("s")[i] = 1
	}
	free := make([]float64, len(y))
	for i := range free {
		if free[i] = 1; r.held[i] {
			free[i] = 0
		}
	}
	r.scatter(r.in("free"), lane, free)
	for i, c := range r.tab.C {
		u, ut, _ := signal(t + c*h)
		one(fmt.Sprintf("u.%d", i), u)
		one(fmt.Sprintf("ut.%d", i), ut)
	}
	_, _, utt := signal(t)
	one("utt.0", utt)
}

// points are those of all lanes.
func (r *rig) points(rng *rand.Rand, h float64) (list [][]float64) {
	lay := &r.prog.Model.Layout
	shared := make([]float64, lay.NP)
	for i := range shared {
		shared[i] = 0.6 * math.Sin(float64(2*i+1))
	}
	for range r.lanes {
		x := make([]float64, r.part[4]+lay.NQ)
		for i := range x {
			x[i] = 0.3 + 0.6*rng.Float64()
		}
		x[1] = h * (1 + rng.Float64())
		p := x[r.part[3]:r.part[4]]
		if copy(p, shared); r.perLane {
			for i := range lay.NPar {
				p[i] += 0.3 * rng.Float64()
			}
		}
		list = append(list, x)
	}
	return list
}

// casus is a model with methods for it.
type casus struct {
	name, text string
	methods    []string
}

var cases = []casus{
	{"driven", driven, []string{"euler", "bosh32", "tsit5", "dop853", "bs5", "rosenbrock23", "rodas4", "rodas5p"}},
	{"learned", learned, []string{"heun", "tsit5", "dop853", "rodas4"}},
	{"turning", turning, []string{"symplectic_euler", "verlet", "yoshida4", "tsit5"}},
}

// TestSteps: the programs of a step, for one lane and for several, have the stages, the end and the
// error of the method; those of its derivatives are what differences of the stages by hand give.
func TestSteps(t *testing.T) {
	for _, c := range cases {
		for _, method := range c.methods {
			for _, lanes := range []int{1, 4} {
				if c.name == "learned" && lanes == 4 && method == "rodas4" {
					continue // the same again, for a long time
				}
				t.Run(fmt.Sprint(c.name, " ", method, " ", lanes), func(t *testing.T) {
					r := newRig(t, c.text, solvers.Method(method), lanes, lanes > 1 && c.name == "driven")
					rng := rand.New(rand.NewPCG(5, uint64(lanes)))
					for _, rest := range []bool{false, true} {
						if rest && c.name != "driven" {
							continue
						}
						if rest {
							r.held[2], r.held[3] = true, true
						}
						r.requireStep(r.points(rng, 0.02))
						r.requireReverse(rng, r.points(rng, 0.02))
						r.requireForward(rng, r.points(rng, 0.02))
					}
				})
			}
		}
	}
}

// requireStep compares a step with that by hand.
func (r *rig) requireStep(points [][]float64) {
	t := r.t
	t.Helper()
	for l, x := range points {
		r.put(l, x)
	}
	r.run("step.acts") // those of the first stage are of the step before
	require.True(t, r.run("step"))
	r.run("step.behind")
	kept := r.activations()
	for name := range kept {
		for i := range r.in(name) {
			r.in(name)[i] = math.NaN()
		}
	}
	r.run("step.acts")
	for name, v := range kept {
		require.InDeltaSlice(t, v, r.in(name), 1e-14, name)
	}
	require.Equal(t, r.f.Sum("acc.bw") != nil, len(kept) > 0)
	for l, x := range points {
		s := r.byHand(x, nil)
		for i := range s.y {
			near := 1e-11 * (1 + floats.Norm(s.k[i], 2))
			if r.tab.Family == solvers.Rosenbrock {
				near *= 100 // the Jacobian by differences
			}
			require.InDeltaSlice(t, s.y[i], r.gather(r.in(fmt.Sprintf("y.%d", i)), l), near, "argument %d", i)
			require.InDeltaSlice(t, s.k[i], r.gather(r.in(fmt.Sprintf("k.%d", i)), l), near, "stage %d", i)
		}
		if r.tab.E == nil {
			continue
		}
		mean := r.out("step", "mean")[l]
		require.InEpsilon(t, s.mean, mean, 1e-3) // of a difference that nearly cancels
		control := r.tab.Control()
		log, factor := stepsize.Factor(stepsize.Numbers{}, &control, mean, math.Inf(-1))
		require.InDelta(t, log, r.out("step", "log")[l], 1e-12)
		require.InDelta(t, factor, r.out("step", "factor")[l], 1e-12)
	}
}

// activations are copies of the values that the step keeps.
func (r *rig) activations() map[string][]float64 {
	kept := map[string][]float64{}
	for i := range r.tab.C {
		for j := 0; ; j++ {
			name := fmt.Sprintf("act.%d.%d", i, j)
			v := r.in(name)
			if v == nil {
				break
			}
			kept[name] = slices.Clone(v)
		}
	}
	return kept
}

// seeds are cotangents of the end and of the stages: those behind the end and at it are zero if
// only the end counts.
func (r *rig) seeds(rng *rand.Rand, inside bool) (end []float64, k [][]float64) {
	draw := func(zero bool) []float64 {
		v := make([]float64, r.prog.Model.Layout.NY)
		for i := range v {
			if v[i] = rng.NormFloat64(); zero {
				v[i] = 0
			}
		}
		return v
	}
	end = draw(false)
	for i := range r.tab.C {
		k = append(k, draw(!inside && i >= r.tab.End()))
	}
	return end, k
}

// requireReverse compares the reverse derivatives of a step with differences.
func (r *rig) requireReverse(rng *rand.Rand, points [][]float64) {
	t := r.t
	t.Helper()
	lay := &r.prog.Model.Layout
	for _, inside := range []bool{false, true} {
		for _, program := range []string{"step.vjp", "step.vjpt"} {
			if r.mod.Program(program) == nil {
				require.Equal(t, "step.vjpt", program)
				require.Empty(t, r.prog.Model.Events)
				continue
			}
			for l, x := range points {
				r.put(l, x)
			}
			r.run("step")
			r.run("step.behind")
			r.run("step.acts")
			ends, ks := make([][]float64, r.lanes), make([][][]float64, r.lanes)
			for l := range points {
				ends[l], ks[l] = r.seeds(rng, inside)
				r.scatter(r.in("ct.step"), l, ends[l])
				for i, v := range ks[l] {
					r.scatter(r.in(fmt.Sprintf("kb.%d", i)), l, v)
				}
			}
			for _, name := range []string{"acc.bp", "acc.bq", "last.y", "last.d", "last.t", "last.h", "last.y0"} {
				clear(r.in(name))
			}
			sum := r.f.Sum("acc.bw")
			if sum != nil {
				sum.Clear()
			}
			if inside {
				require.True(t, r.run("step.vjp.last"))
			}
			r.run(program)
			weights, moved := make([]float64, lay.NP-lay.NPar), make([]float64, lay.NP-lay.NPar)
			for i := range moved {
				moved[i] = rng.NormFloat64()
			}
			byWeights := 0.
			for l, x := range points {
				loss := func(x []float64) float64 {
					s := r.byHand(x, nil)
					v := floats.Dot(ends[l], s.y[r.tab.End()])
					for i, k := range ks[l] {
						v += floats.Dot(k, s.k[i])
					}
					return v
				}
				along := func(dir []float64) (sum float64) {
					for by, w := range map[float64]float64{1: 45, 2: -9, 3: 1, -1: -45, -2: 9, -3: -1} {
						at := slices.Clone(x)
						floats.AddScaled(at, by*2e-3, dir)
						sum += w / (60 * 2e-3) * loss(at)
					}
					return sum
				}
				only := func(i int) float64 {
					dir := make([]float64, len(x))
					dir[i] = 1
					if i == 1 { // a step is short
						dir[i] = 0.2
						return along(dir) / 0.2
					}
					return along(dir)
				}
				check := func(from, n int, got []float64, what string) {
					t.Helper()
					require.Len(t, got, n, what)
					for i, v := range got {
						want := only(from + i)
						require.InDelta(t, want, v, 2e-7*(1+math.Abs(want)), "%s, inside %v: %s %d", program, inside, what, i)
					}
				}
				check(2, lay.NY, r.gather(r.out(program, "by"), l), "state")
				if program == "step.vjpt" {
					check(0, 1, r.gather(r.out(program, "bt"), l), "time")
					check(1, 1, r.gather(r.out(program, "bh"), l), "length")
				}
				check(r.part[2], lay.ND, r.gather(r.out(program, "bd"), l), "discrete variable")
				check(r.part[3], lay.NPar, r.gather(r.in("acc.bp"), l), "parameter")
				check(r.part[4], lay.NFelt, r.gather(r.in("acc.bq"), l), "own input")
				if sum != nil {
					dir := make([]float64, len(x))
					copy(dir[r.part[3]+lay.NPar:], moved)
					byWeights += along(dir)
				}
			}
			if sum != nil {
				sum.Take(weights, 0, false)
				require.InDelta(t, byWeights, floats.Dot(weights, moved), 1e-6*(1+math.Abs(byWeights)), program)
			}
		}
	}
}

// requireForward compares the forward derivative of a step, and that by its length alone, with
// differences.
func (r *rig) requireForward(rng *rand.Rand, points [][]float64) {
	t := r.t
	t.Helper()
	require.Equal(t, r.tab.Family == solvers.Rosenbrock, r.mod.Program("step.jvp") != nil)
	length := r.lanes == 1 && (r.tab.Family == solvers.Rosenbrock || len(r.prog.Model.Events) > 0)
	require.Equal(t, length, r.mod.Program("step.length") != nil)
	for l, x := range points {
		r.put(l, x)
	}
	r.run("step")
	for _, name := range []string{"tt", "th", "ty", "td", "tq", "tp"} {
		clear(r.in(name))
	}
	dirs := make([][]float64, r.lanes)
	for l, x := range points {
		dirs[l] = make([]float64, len(x))
		for i := range x {
			dirs[l][i] = rng.NormFloat64()
		}
		dirs[l][1] *= 0.2
		tt, th, ty, td, tp, tq := r.parts(dirs[l])
		for name, v := range map[string][]float64{"tt": {tt}, "th": {th}, "ty": ty, "td": td, "tp": tp, "tq": tq} {
			r.scatter(r.in(name), l, v)
		}
	}
	r.run("step.jvp")
	r.run("step.length")
	difference := func(l int, dir, first []float64) (s stages) {
		s.k, s.y = make([][]float64, len(r.tab.C)), make([][]float64, len(r.tab.C))
		for i := range s.k {
			s.k[i], s.y[i] = make([]float64, len(r.held)), make([]float64, len(r.held))
		}
		for by, w := range map[float64]float64{1: 45, 2: -9, 3: 1, -1: -45, -2: 9, -3: -1} {
			at := slices.Clone(points[l])
			floats.AddScaled(at, by*2e-3, dir)
			x := r.byHand(at, first)
			for i := range s.k {
				floats.AddScaled(s.k[i], w/(60*2e-3), x.k[i])
				floats.AddScaled(s.y[i], w/(60*2e-3), x.y[i])
			}
		}
		return s
	}
	near := func(want, got []float64, what string) {
		t.Helper()
		require.InDeltaSlice(t, want, got, 1e-6*(1+floats.Norm(want, 2)), what)
	}
	for l, x := range points {
		if r.mod.Program("step.jvp") != nil {
			s := difference(l, dirs[l], nil)
			near(s.y[r.tab.End()], r.gather(r.out("step.jvp", "enddot"), l), "end")
			for i, k := range s.k {
				near(k, r.gather(r.out("step.jvp", fmt.Sprintf("kdot.%d", i)), l), fmt.Sprint("stage ", i))
			}
		}
		if length {
			t0, _, y, d, p, q := r.parts(x)
			dir := make([]float64, len(x))
			dir[1] = 0.2
			s := difference(l, dir, r.rates(t0, y, d, p, q))
			floats.Scale(5, s.y[r.tab.End()])
			near(s.y[r.tab.End()], r.out("step.length", "ph"), "end by the length")
			for i := 1; i < len(s.k); i++ {
				floats.Scale(5, s.k[i])
				near(s.k[i], r.out("step.length", fmt.Sprintf("kh.%d", i)), fmt.Sprint("stage by the length ", i))
			}
		}
	}
}

// TestSingularSteps: where the matrix of a step has no inverse, or a pivot on its diagonal leaves too
// little of the solution, the step does not count; a regular one beside it does.
func TestSingularSteps(t *testing.T) {
	for _, method := range []string{"rosenbrock23", "rodas4", "rodas5p"} {
		tab := solvers.Method(method)
		one := newRig(t, "model M {\n  param k = 4\n  state a = 1\n  a' = k*a\n}", tab, 4, false)
		for l, h := range []float64{1 / (4 * tab.Gamma), 1e-3, 0.5 / (4 * tab.Gamma), 1 / (4 * tab.Gamma)} { // where 1/γ − hk = 0
			one.put(l, []float64{0, h, 1, 4})
		}
		one.run("step")
		mean := slices.Clone(one.out("step", "mean"))
		require.False(t, mean[0] <= 1, "%s: %g", method, mean[0])
		require.False(t, mean[3] <= 1, "%s: %g", method, mean[3])
		require.Less(t, mean[1], 1.)
		require.False(t, math.IsInf(mean[2], 0))

		// A pivot of 1e-17 beside a 5: elimination by it leaves no digit of the solution.
		two := newRig(t, "model M {\n  param k = 3\n  state a = 1\n  state b = 2\n  a' = k*a + 5*b\n  b' = 7*a + 0.1*b\n}", tab, 4, false)
		for l, by := range []float64{1e-16, 1e-12, 0.5, 0.1} {
			two.put(l, []float64{0, (1 - by) / (3 * tab.Gamma), 1, 2, 3})
		}
		two.run("step")
		require.Equal(t, []bool{true, true, false, false}, func() (list []bool) {
			for _, v := range two.out("step", "mean") {
				list = append(list, math.IsInf(v, 1))
			}
			return list
		}(), method)
	}
}
