package step_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/floats"

	"github.com/pinode/pinode/internal/stepsize"
	"github.com/pinode/pinode/solvers"
)

// casus is a model with methods for it.
type casus struct {
	name, text string
	methods    []string
}

var cases = []casus{
	{"driven", driven, whole()},
	{"learned", learned, []string{"heun", "tsit5", "dop853", "rodas4"}},
	{"turning", turning, []string{"symplectic_euler", "verlet", "yoshida4", "tsit5"}},
}

// whole are the methods whose steps are programs, for all models.
func whole() (names []string) {
	for _, m := range solvers.Methods {
		if m.Whole() && m.Parts == nil {
			names = append(names, m.Name)
		}
	}
	return names
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
		require.InDelta(t, s.mean, mean, 1e-3*s.mean+1e-13) // of a difference that nearly cancels
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
