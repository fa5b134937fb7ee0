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
