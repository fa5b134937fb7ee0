package engine

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/mat"

	"github.com/pinode/pinode/compiler"
	"github.com/pinode/pinode/data"
	"github.com/pinode/pinode/dsl/diag"
	"github.com/pinode/pinode/sim"
	"github.com/pinode/pinode/solvers"
)

// everything is a model whose steps read all that steps can read: the time, an input and
// its rate, a discrete variable, parameters, states that an event holds at rest.
const everything = `
model Everything {
  time t
  input u cubic
  param k = 0.7
  param w[2] = [0.3, -0.4]
  discrete gate = 0.6
  state a = 1
  state b = 0.5
  state c = -0.2
  state h = 1
  state v = 0
  a' = -k*a^2 + w[0]*b*c + u*sin(t)
  b' = gate*exp(-a)*c - 40*b + t*w[1]*a*u
  c' = tanh(a*b) - k*c + cos(u)
  h' = v
  v' = -9.81 - 0.1*v*abs(v) + 0.2*a*sin(3*t)
  event bounce when h <= 0 {
    v := -0.5*v
    zeno rest { h := 0; v := 0 }
  }
  event shut at t = 1 { gate := 0.1 }
}
`

// stepRig is a model with the steps of a method, at a state.
type stepRig struct {
	sys   *System
	steps *Steps
	tab   *solvers.Tableau
	d     []float64
	held  []bool
	p     []float64
}

func newStepRig(t *testing.T, source string, tab *solvers.Tableau, signals ...*data.Interpolant) *stepRig {
	t.Helper()
	prog, diags := compiler.CompileSource(diag.NewSource("m.node", source), nil)
	require.NoError(t, diags.Err())
	mod, err := prog.Module(1, compiler.Want{Reverse: true, Forward: true, Step: Method(tab)})
	require.NoError(t, err)
	r := &stepRig{sys: NewSystem(prog, mod), tab: tab}
	size := r.sys.Size
	r.steps = NewSteps(mod, r.sys.Frame, tab, size.Y, sim.Options{RTol: 1e-6, ATol: 1e-8}).(*Steps)
	r.p = make([]float64, prog.Model.Layout.NP)
	for i := range r.p {
		r.p[i] = 0.3 + 0.2*float64(i)
	}
	r.sys.Bind(r.p, nil)
	r.sys.BindTrajectory(nil, signals)
	r.sys.From = math.Inf(-1)
	r.d, r.held = make([]float64, size.D), make([]bool, size.Y)
	r.sys.Init(0, make([]float64, size.Y), r.d)
	return r
}

// take takes a step of length h from (t, y).
func (r *stepRig) take(t, h float64, y []float64) *solvers.Block {
	b := r.steps.Block()
	copy(b.Y[0], y)
	r.rhs(t, y, b.K[0])
	r.steps.Load(0, r.sys, r.d, r.held)
	r.steps.Time(0, r.sys, t, h)
	if len(b.Before) > 0 { // of a method with an estimate of its error
		b.Before[0] = math.Inf(-1)
	}
	r.steps.Step()
	return b
}

func (r *stepRig) rhs(t float64, y, dy []float64) {
	r.sys.RHS(t, y, r.d, dy)
	r.free(dy)
}

func (r *stepRig) free(v []float64) {
	for i, on := range r.held {
		if on {
			v[i] = 0
		}
	}
}

// byHand are the stages of a Rosenbrock step with a dense Jacobian.
func (r *stepRig) byHand(t, h float64, y []float64) (k [][]float64, end []float64) {
	n, tab := len(y), r.tab
	zero, zeroD := make([]float64, n), make([]float64, len(r.d))
	m, slope := mat.NewDense(n, n, nil), make([]float64, n)
	r.sys.RHSJVP(t, 1, y, zero, r.d, zeroD, slope)
	r.free(slope)
	for j := range n {
		e, col := make([]float64, n), make([]float64, n)
		e[j] = 1
		r.sys.RHSJVP(t, 0, y, e, r.d, zeroD, col)
		r.free(col)
		for i := range n {
			m.Set(i, j, -tab.Gamma*h*col[i])
		}
		m.Set(j, j, m.At(j, j)+1)
	}
	for i := range tab.C {
		arg := append([]float64{}, y...)
		for j, a := range tab.A[i] {
			for l := range arg {
				arg[l] += h * a * k[j][l]
			}
		}
		f := make([]float64, n)
		r.rhs(t+tab.C[i]*h, arg, f)
		if i > 0 && i < len(tab.C)-1 {
			for l := range f {
				f[l] += tab.Slope[i] * h * slope[l]
				for j, c := range tab.Couple[i] {
					f[l] += c * k[j][l]
				}
				f[l] *= tab.Gamma
			}
			var x mat.VecDense
			if err := x.SolveVec(m, mat.NewVecDense(n, f)); err != nil {
				panic(err)
			}
			copy(f, x.RawVector().Data)
		}
		k, end = append(k, f), arg
	}
	return k, end
}

func rosenbrocks() []*solvers.Tableau { return ofFamily(solvers.Rosenbrock) }

func ofFamily(f solvers.Family) (list []*solvers.Tableau) {
	for _, tab := range solvers.Methods {
		if tab.Family == f && tab.Parts == nil {
			list = append(list, tab)
		}
	}
	return list
}

func cubicInput(t *testing.T) *data.Interpolant {
	u, err := data.NewInterpolant(data.Signal{T: []float64{-1, 0, 0.8, 2, 3}, V: []float64{0.3, 1, -0.5, 0.8, 0.1}}, "cubic")
	require.NoError(t, err)
	return u
}

// TestRosenbrockStep: the program of a step has the stages that the equations of the
// method give with a dense Jacobian.
func TestRosenbrockStep(t *testing.T) {
	for _, tab := range rosenbrocks() {
		r := newStepRig(t, everything, tab, cubicInput(t))
		rng := rand.New(rand.NewPCG(3, 4))
		for trial := range 20 {
			y := make([]float64, r.sys.Size.Y)
			for i := range y {
				y[i] = 0.2 + rng.Float64()
			}
			r.held[3], r.held[4] = trial%3 == 1, trial%3 == 1
			at, h := rng.Float64(), math.Pow(10, 3*rng.Float64()-3)
			b := r.take(at, h, y)
			k, end := r.byHand(at, h, y)
			for i := range k {
				require.InDeltaSlice(t, k[i], b.K[i], 1e-10*(1+norm(k[i])), "%s, stage %d, h = %g", tab.Name, i, h)
			}
			require.InDeltaSlice(t, end, b.Y[len(b.Y)-1], 1e-10*(1+norm(end)), tab.Name)
			require.Equal(t, y, b.Y[1], tab.Name)
			e := 0.
			for l := range y {
				sum := 0.
				for j, w := range tab.E {
					sum += w * k[j][l]
				}
				sum *= h / (1e-8 + 1e-6*math.Max(math.Abs(y[l]), math.Abs(end[l])))
				e += sum * sum / float64(len(y))
			}
			require.InDelta(t, e, b.Mean[0], 1e-6+1e-4*e, tab.Name) // of an error much smaller than its terms
		}
	}
}

func norm(v []float64) float64 {
	sum := 0.
	for _, x := range v {
		sum += x * x
	}
	return math.Sqrt(sum)
}

// TestExplicitStep: the program of a step has the stages of the tableau, its end and its error.
func TestExplicitStep(t *testing.T) {
	for _, tab := range ofFamily(solvers.Explicit) {
		r := newStepRig(t, everything, tab, cubicInput(t))
		rng := rand.New(rand.NewPCG(7, 8))
		for trial := range 12 {
			y := make([]float64, r.sys.Size.Y)
			for i := range y {
				y[i] = 0.2 + rng.Float64()
			}
			r.held[3], r.held[4] = trial%3 == 1, trial%3 == 1
			at, h := rng.Float64(), math.Pow(10, 2*rng.Float64()-3)
			b := r.take(at, h, y)
			var k [][]float64
			for i := range tab.C {
				arg := append([]float64{}, y...)
				for j, a := range tab.A[i] {
					for l := range arg {
						arg[l] += h * a * k[j][l]
					}
				}
				f := make([]float64, len(y))
				r.rhs(at+tab.C[i]*h, arg, f)
				k = append(k, f)
				require.InDeltaSlice(t, arg, b.Y[i], 1e-12*(1+norm(arg)), "%s, argument of stage %d", tab.Name, i)
				require.InDeltaSlice(t, f, b.K[i], 1e-11*(1+norm(f)), "%s, stage %d", tab.Name, i)
			}
			if tab.E == nil || tab.E2 != nil {
				continue
			}
			e, end := 0., b.Y[b.End]
			for l := range y {
				sum := 0.
				for j, w := range tab.E {
					sum += w * k[j][l]
				}
				sum *= h / (1e-8 + 1e-6*math.Max(math.Abs(y[l]), math.Abs(end[l])))
				e += sum * sum / float64(len(y))
			}
			require.InDelta(t, e, b.Mean[0], 1e-6+1e-4*e, tab.Name)
		}
	}
}

// TestStepDerivatives: the reverse derivative of a step, by its start, time, length,
// discrete variable and parameters, is what differences give, the forward derivative
// agrees with it to round-off, and so does that by the length alone.
func TestStepDerivatives(t *testing.T) {
	for _, tab := range slices.Concat(rosenbrocks(), ofFamily(solvers.Explicit)) {
		for _, rest := range []bool{false, true} {
			r := newStepRig(t, everything, tab, cubicInput(t))
			told := fmt.Sprintf("%s, rest %v", tab.Name, rest)
			r.held[3], r.held[4] = rest, rest
			n, nd, np := r.sys.Size.Y, r.sys.Size.D, len(r.p)
			rng := rand.New(rand.NewPCG(5, 6))
			draw := func(n int) []float64 {
				v := make([]float64, n)
				for i := range v {
					v[i] = rng.NormFloat64()
				}
				return v
			}
			// x = (y, t, h, d, p)
			h := 0.2
			if tab.Family == solvers.Explicit { // within its region of stability
				h = 0.03
			}
			x := append([]float64{1.1, 0.4, -0.3, 0.8, 0.6, 0.25, h}, r.d...)
			x = append(x, r.p...)
			ct, seeds := draw(n), [][]float64{}
			for range tab.C {
				seeds = append(seeds, draw(n))
			}
			set := func(x []float64) {
				copy(r.d, x[n+2:])
				copy(r.p, x[n+2+nd:])
				r.sys.Bind(r.p, nil)
			}
			value := func(x []float64) float64 {
				set(x)
				b := r.take(x[n], x[n+1], x[:n])
				v := Dot(ct, b.Y[b.End])
				for i, s := range seeds {
					v += Dot(s, b.K[i])
				}
				return v
			}
			want := make([]float64, len(x))
			for i := range x {
				const d = 1e-3 // differences of sixth order
				at := func(k float64) float64 {
					moved := append([]float64{}, x...)
					moved[i] += k * d
					return value(moved)
				}
				want[i] = (45*(at(1)-at(-1)) - 9*(at(2)-at(-2)) + at(3) - at(-3)) / (60 * d)
			}
			value(x)
			b := r.steps.Block()
			copy(b.EndBar, ct)
			for i, s := range seeds {
				copy(b.KBar[i], s)
			}
			r.steps.Clear(0)
			r.steps.VJP(sim.WithTimes)
			got := append([]float64{}, b.YBar...)
			got = append(got, b.TBar[0], b.HBar[0])
			dBar := make([]float64, nd)
			r.steps.DBar(0, dBar)
			got = append(got, dBar...)
			pBar := make([]float64, np)
			r.steps.AddGradient(0, pBar, nil)
			got = append(got, pBar...)
			for i := range want {
				require.InDelta(t, want[i], got[i], 2e-7*(1+math.Abs(want[i])), "%s, coordinate %d", told, i)
			}

			if !r.steps.HasJVP() {
				continue // it is made of the stages: see package solvers
			}
			dir := draw(len(x))
			copy(r.sys.PDot, dir[n+2+nd:])
			kDot, endDot := make([][]float64, len(tab.C)), make([]float64, n)
			for i := range kDot {
				kDot[i] = make([]float64, n)
			}
			r.steps.JVP(dir[n], dir[n+1], dir[:n], dir[n+2:n+2+nd], kDot, endDot)
			sum := Dot(ct, endDot)
			for i, s := range seeds {
				sum += Dot(s, kDot[i])
			}
			require.InDelta(t, Dot(dir, got), sum, 1e-9*(1+math.Abs(sum)), told)

			for i, s := range seeds {
				copy(b.KBar[i], s)
			}
			clear(b.KBar[0])
			hBar, other := r.steps.LengthBars(ct, seeds[1])
			clear(dir)
			dir[n+1] = 1
			clear(r.sys.PDot)
			r.steps.JVP(0, 1, dir[:n], dir[n+2:n+2+nd], kDot, endDot)
			sum = Dot(ct, endDot)
			for i, s := range seeds {
				sum += Dot(s, kDot[i])
			}
			require.InDelta(t, sum, hBar, 1e-10*(1+math.Abs(sum)), told)
			require.InDelta(t, Dot(seeds[1], endDot), other, 1e-10*(1+math.Abs(other)), told)
		}
	}
}

// TestRosenbrockPivots: where a pivot on the diagonal comes close to zero the step is refused,
// or its stages are right; where the matrix is singular it is refused.
func TestRosenbrockPivots(t *testing.T) {
	for _, tab := range rosenbrocks() {
		r := newStepRig(t, "model M {\n  param p = 3\n  state a = 1\n  state b = 2\n  a' = p*a + 5*b\n  b' = 7*a + 0.1*b\n}\n", tab)
		r.p[0] = 3
		r.sys.Bind(r.p, nil)
		y := []float64{1, 2}
		refused, right := 0, 0
		for e := -17.; e < -1; e += 0.5 {
			for _, sign := range []float64{-1, 1} {
				h := (1 + sign*math.Pow(10, e)) / (3 * tab.Gamma) // the pivot is 3·10ᵉh, beside which there is 5h
				b := r.take(0, h, y)
				if math.IsInf(b.Mean[0], 1) {
					refused++
					require.Less(t, e, -5., "%s, h = %g", tab.Name, h)
					continue
				}
				right++
				k, _ := r.byHand(0, h, y)
				for i := range k {
					require.InDeltaSlice(t, k[i], b.K[i], 1e-6*(1+norm(k[i])), "%s, stage %d, pivot %g", tab.Name, i, math.Pow(10, e))
				}
			}
		}
		require.Positive(t, refused, tab.Name)
		require.Positive(t, right, tab.Name)
		one := newStepRig(t, "model M {\n  param p = 4\n  state a = 1\n  a' = p*a\n}\n", tab)
		one.p[0] = 4
		one.sys.Bind(one.p, nil)
		b := one.take(0, 1/(4*tab.Gamma), []float64{1}) // 1/γ − hJ = 0
		require.False(t, b.Mean[0] <= 1, "%s: %g", tab.Name, b.Mean[0])
		b = one.take(0, 1e-3, []float64{1})
		require.InDelta(t, math.Exp(4e-3), b.Y[len(b.Y)-1][0], 1e-6, tab.Name)
	}
}
