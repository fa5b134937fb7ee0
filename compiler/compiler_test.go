package compiler_test

import (
	"bytes"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/compiler"
	"github.com/pinode/pinode/compiler/check"
	"github.com/pinode/pinode/compiler/exec"
	"github.com/pinode/pinode/dsl/diag"
)

func compile(t testing.TB, text string) (*compiler.Program, *exec.Module, *exec.Frame) {
	p, diags := compiler.CompileSource(diag.NewSource("m.node", text), &check.Env{})
	require.NoError(t, diags.Err())
	m, err := p.Module(1, compiler.Want{Reverse: true, Forward: true})
	require.NoError(t, err)
	return p, m, m.NewFrame()
}

func value(m *exec.Module, f *exec.Frame, program, output string) []float64 {
	p := m.Program(program)
	p.Run(f)
	return append([]float64{}, p.Output(f, output)...)
}

// TestDerivativesInModels: diff and grad of expressions, functions, blocks.
func TestDerivativesInModels(t *testing.T) {
	_, m, f := compile(t, `model Pendulum {
  param k = 3
  state q = 0.7
  state p = -0.4
  state z[2] = [0.3, 0.5]
  fn H(q, p) = p^2/2 + k*(1 - cos(q))
  fn cubes(u) = diff(u^3, u)
  fn pair(v) = [v[0]*v[1], sin(v[0])]
  q' = diff(H(q, p), p)
  p' = -diff(H(q, p), q)
  z' = grad(z[0]^2*z[1], z) + [cubes(q) + q - q, diff(diff(q^4, q), q)] + diff(pair(z), z) @ z
}`)
	q, p, a, b := 0.7, -0.4, 0.3, 0.5
	copy(f.Input("y"), []float64{q, p, a, b})
	f.Input("p")[0] = 3
	got := value(m, f, "rhs", "dy")
	require.InDeltaSlice(t, []float64{
		p, -3 * math.Sin(q),
		2*a*b + 3*q*q + (b*a + a*b),
		a*a + 12*q*q + math.Cos(a)*a,
	}, got, 1e-14)
}

// TestFunctionArgumentIsItsOwn: a derivative by an argument leaves out other
// uses of the value that is passed.
func TestFunctionArgumentIsItsOwn(t *testing.T) {
	_, m, f := compile(t, "model M {\n  state x = 2\n  fn f(u) = diff(u*x, u)\n  x' = f(x)\n}")
	copy(f.Input("y"), []float64{2})
	require.Equal(t, []float64{2}, value(m, f, "rhs", "dy"), "x, not 2x")
}

// TestHamiltonianNetwork: the field of a network's gradient turns nothing of
// its value: ∇H · J∇H = 0.
func TestHamiltonianNetwork(t *testing.T) {
	p, m, f := compile(t, `model HNN {
  neural H(q, p) -> 1 { hidden: [7, 5] }
  state q = 1
  state p = 0
  q' = diff(H(q, p), p)
  p' = -diff(H(q, p), q)
  conserve energy = H(q, p) { weight: 1 }
}`)
	for i := range f.Input("p") {
		f.Input("p")[i] = math.Sin(float64(3 * i))
	}
	for i := range f.Input("s") {
		f.Input("s")[i] = 1
	}
	copy(f.Input("y"), []float64{0.4, -0.9})
	dy := value(m, f, "rhs", "dy")
	require.Len(t, dy, p.Model.Layout.NY)
	require.NotZero(t, dy[0])
	require.InDelta(t, 0, dy[2], 1e-28, "the penalty's integrand vanishes")
}

// TestMissingData: what was not measured adds nothing to loss or gradient, not
// even by way of a logarithm of nothing.
func TestMissingData(t *testing.T) {
	_, m, f := compile(t, `model M {
  param sd in (0, 2) = 0.5
  state x = 1
  x' = -x
  observe a = x ~ lognormal(sd)
  observe b = 2*x ~ normal(sd)
}`)
	copy(f.Input("y"), []float64{0.8})
	f.Input("p")[0] = 0.5
	copy(f.Input("data"), []float64{0, 1.5})
	copy(f.Input("seen"), []float64{0, 1})
	loss := value(m, f, "row", "loss")[0]
	z := (1.5 - 1.6) / 0.5
	require.InDelta(t, z*z/2+math.Log(0.5)+0.5*math.Log(2*math.Pi), loss, 1e-14)
	f.Input("ct.row")[0] = 1
	bp := value(m, f, "row.vjp", "bp")
	require.InDelta(t, (1-z*z)/0.5, bp[0], 1e-13)

	copy(f.Input("seen"), []float64{0, 0})
	clear(m.Program("row.vjp").Output(f, "bp"))
	require.Zero(t, value(m, f, "row", "loss")[0])
	require.Equal(t, []float64{0}, value(m, f, "row.vjp", "bp"))
	require.Equal(t, []float64{0}, value(m, f, "row.vjp", "by"))
}

// TestDensities integrates exp(−loss) of every distribution to one.
func TestDensities(t *testing.T) {
	for dist, c := range map[string]struct {
		lo, hi float64
		counts bool
	}{
		"normal(0.7)": {-20, 20, false}, "laplace(0.6)": {-30, 30, false}, "student(3, 0.5)": {-3000, 3000, false},
		"lognormal(0.6)": {1e-9, 100, false}, "poisson()": {0, 60, true}, "negbinomial(2.5)": {0, 400, true}, "bernoulli()": {0, 1, true},
	} {
		pred := 1.3
		if dist == "bernoulli()" {
			pred = 0.3
		}
		_, m, f := compile(t, "model M {\n  state x = 1\n  x' = -x\n  observe y = x ~ "+dist+"\n}")
		copy(f.Input("y"), []float64{pred})
		f.Input("seen")[0] = 1
		density := func(y float64) float64 {
			f.Input("data")[0] = y
			return math.Exp(-value(m, f, "row", "loss")[0])
		}
		sum := 0.
		if c.counts {
			for k := c.lo; k <= c.hi; k++ {
				sum += density(k)
			}
		} else {
			const n = 200001
			h := (c.hi - c.lo) / (n - 1)
			for i := range n {
				w := 1.
				if i == 0 || i == n-1 {
					w = 0.5
				}
				sum += w * h * density(c.lo+float64(i)*h)
			}
		}
		require.InDelta(t, 1, sum, 2e-4, dist)
	}
}

// TestDump: every stage prints.
func TestDump(t *testing.T) {
	p, _, _ := compile(t, "model M {\n  state x = 1\n  x' = -x\n  event e when x <= 0.5 { x := 1 }\n}")
	for stage, want := range map[string]string{"ast": "EventDecl", "model": "event e", "graph": "graph jump.e", "plan": "program rhs"} {
		var b bytes.Buffer
		require.NoError(t, p.Dump(&b, stage, nil))
		require.Contains(t, b.String(), want)
	}
	var b bytes.Buffer
	// A step of one state has little to run: the graph of a larger model has.
	p, _, _ = compile(t, "model M {\n  state x = 1\n  state y = 2\n  x' = -x*y + 0.1*y\n  y' = x*x - 0.2*y\n}")
	if err := p.Dump(&b, "asm", nil); exec.NoMachineCode() == nil {
		require.NoError(t, err)
		require.Contains(t, b.String(), "program rhs, 1 lanes")
	} else {
		require.Error(t, err)
	}
	require.ErrorContains(t, p.Dump(&bytes.Buffer{}, "bytes", nil), "there is no stage")
	require.EqualError(t, p.Dump(&bytes.Buffer{}, "grid", nil), "the model has no fields on a grid")
	wrong, _ := compiler.CompileSource(diag.NewSource("m.node", "model M {\n  state x = 1\n  x' = y\n}"), &check.Env{})
	require.EqualError(t, wrong.Dump(&bytes.Buffer{}, "graph", nil), "the file has errors and no graph")
}

// BenchmarkCompile compiles a chain of 400 states with derivatives.
func BenchmarkCompile(b *testing.B) {
	text := "model Chain {\n  param k = 1\n  state x[400] = 0\n  for i in 1..398 {\n    x[i]' = k*(x[i-1] - 2*x[i] + x[i+1])\n  }\n  x[0]' = -x[0]\n  x[399]' = -x[399]\n}"
	for b.Loop() {
		p, diags := compiler.CompileSource(diag.NewSource("m.node", text), &check.Env{})
		require.NoError(b, diags.Err())
		_, err := p.Module(1, compiler.Want{Reverse: true})
		require.NoError(b, err)
	}
}
