package bench

import (
	"context"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/pinode/pinode"
	"github.com/pinode/pinode/autodiff"
	"github.com/pinode/pinode/compiler"
	exe "github.com/pinode/pinode/compiler/exec"
	"github.com/pinode/pinode/compiler/ir"
	"github.com/pinode/pinode/compiler/opt"
)

// Rows lists what is measured.
var Rows = []*Row{
	{Name: "lotka-volterra", Doc: "one solve to t = 10, tsit5, 1e-8", Unit: "µs", Bar: 2, Baseline: "specialised C, same method", Run: against(lotka(1e-8, 1), "lotka", 1e3)},
	{Name: "pleiades", Doc: "one solve to t = 3, 28 states, tsit5, 1e-8", Unit: "µs", Bar: 1.5, Baseline: "specialised C, same method", Run: against(pleiades, "pleiades", 1e3)},
	{Name: "gradient-lotka-volterra", Doc: "reverse sweep, of the solve's time", Unit: "µs", Bar: 2, Baseline: "its own solve", Run: gradient(lotka(1e-8, 1))},
	{Name: "gradient-pleiades", Doc: "reverse sweep, of the solve's time", Unit: "µs", Bar: 3.5, Baseline: "its own solve", Run: gradient(pleiades)},
	{Name: "gradient-network", Doc: "reverse sweep of y' = 2-50-50-2 network, of the solve's time", Unit: "µs", Bar: 2.6, Baseline: "its own solve", Run: gradient(network)},
	{Name: "ensemble", Doc: "10 000 Lotka–Volterra trajectories, 1e-6, one core", Unit: "ms", Bar: 35, Run: ensemble(1)},
	{Name: "ensemble-c", Doc: "the same, against one after the other in C", Unit: "ms", Bar: 1, Baseline: "specialised C, one by one", Run: func(n int) (float64, float64, error) {
		v, _, err := ensemble(1)(n)
		if err != nil {
			return v, 0, err
		}
		b, err := inC("ensemble")
		return v, b / 1e6, err
	}},
	{Name: "ensemble-2", Doc: "the same on two cores", Unit: "ms", Bar: 18, Run: ensemble(2)},
	{Name: "two-cores", Doc: "speed of the ensemble on two cores over one", Unit: "×", Bar: 1.9, More: true, Run: twoCores},
	{Name: "network-1", Doc: "2-50-50-2 tanh network, value and gradient, batch 1", Unit: "µs", Bar: 2.5, Run: batch(1)},
	{Name: "network-32", Doc: "batch 32", Unit: "µs", Bar: 40, Run: batch(32)},
	{Name: "network-256", Doc: "batch 256", Unit: "µs", Bar: 320, Run: batch(256)},
	{Name: "spiral", Doc: "the neural spiral, 2-100-100-2, 49 Euler steps: 300 epochs of training", Unit: "s", Bar: 0.1, Run: spiral},
	{Name: "ode-demo", Doc: "one iteration on 20 windows of 10 points, 2-50-2 network of y³, dopri5 1e-7, mean square", Unit: "ms", Bar: 0.4, Run: demo},
	{Name: "bounces", Doc: "five bounces of a ball and their gradient", Unit: "ms", Bar: 0.1, Run: bounces},
	{Name: "compile", Doc: "a model of 400 operations, with derivatives", Unit: "ms", Bar: 20, Run: compile},
	{Name: "start", Doc: "process start to the first step", Unit: "ms", Bar: 20, Run: start},
	{Name: "allocations", Doc: "a solve and its gradient, steady state", Unit: "", Bar: 0, Run: allocations},
}

// model makes a solver of a model's text.
func model(text string, n int, names []string, opts ...pinode.SimulateOption) (*pinode.Solver, error) {
	m, err := pinode.Parse("bench.node", text)
	if err != nil {
		return nil, err
	}
	return m.NewSolver(n, names, opts...)
}

const lotkaText = `model LotkaVolterra {
  param a = 1.5
  param b = 1
  param c = 3
  param d = 1
  state x = 1
  state y = 1
  x' = a*x - b*x*y
  y' = d*x*y - c*y
}
simulate { until: 10, times: [10], solver: tsit5 { rtol: %g, atol: %g } }`

func lotka(tol float64, cores int) func() (*pinode.Solver, error) {
	return func() (*pinode.Solver, error) {
		return model(fmt.Sprintf(lotkaText, tol, tol), 1, nil, pinode.Cores(cores))
	}
}

// pleiades is the problem of Hairer–Nørsett–Wanner I, II.10.
func pleiades() (*pinode.Solver, error) {
	var w strings.Builder
	w.WriteString("model Pleiades {\n")
	x0, y0 := []float64{3, 3, -1, -3, 2, -2, 2}, []float64{3, -3, 2, 0, 0, -4, 4}
	vx, vy := []float64{0, 0, 0, 0, 0, 1.75, -1.5}, []float64{0, 0, 0, -1.25, 1, 0, 0}
	for i := range 7 {
		fmt.Fprintf(&w, "  state x%d = %g\n  state y%d = %g\n  state u%d = %g\n  state v%d = %g\n", i, x0[i], i, y0[i], i, vx[i], i, vy[i])
	}
	w.WriteString("  param m = 1\n")
	for i := range 7 {
		fmt.Fprintf(&w, "  x%d' = u%d\n  y%d' = v%d\n", i, i, i, i)
		for j := range i {
			fmt.Fprintf(&w, "  let r%d%d = 1/((x%d - x%d)^2 + (y%d - y%d)^2)^1.5\n", i, j, j, i, j, i)
		}
	}
	for _, c := range [][2]string{{"x", "u"}, {"y", "v"}} {
		for i := range 7 {
			fmt.Fprintf(&w, "  %s%d' = m*(0", c[1], i)
			for j := range 7 {
				if j != i {
					fmt.Fprintf(&w, " + %d*r%d%d*(%s%d - %s%d)", j+1, max(i, j), min(i, j), c[0], j, c[0], i)
				}
			}
			w.WriteString(")\n")
		}
	}
	w.WriteString("}\nsimulate { until: 3, times: [3], solver: tsit5 { rtol: 1e-8, atol: 1e-8 } }")
	return model(w.String(), 1, nil, pinode.Cores(1))
}

func network() (*pinode.Solver, error) {
	return model(`model Network {
  neural f(z[2]) -> [2] { hidden: [50, 50], activation: tanh, seed: 1 }
  state z[2] = [1, 0.5]
  z' = f(z)
}
simulate { until: 5, times: [5], solver: tsit5 { rtol: 1e-6, atol: 1e-6 } }`, 1, nil, pinode.Cores(1))
}

// against measures one solve against a C program; unit is in nanoseconds.
func against(build func() (*pinode.Solver, error), name string, unit float64) func(int) (float64, float64, error) {
	return func(n int) (float64, float64, error) {
		s, err := build()
		if err != nil {
			return 0, 0, err
		}
		v, err := median(n, func() error { return s.Run() })
		if err != nil {
			return 0, 0, err
		}
		b, err := inC(name)
		return v / unit, b / unit, err
	}
}

func gradient(build func() (*pinode.Solver, error)) func(int) (float64, float64, error) {
	return func(n int) (float64, float64, error) {
		s, err := build()
		if err != nil {
			return 0, 0, err
		}
		solve, err := median(n, func() error { return s.Run() })
		if err != nil {
			return 0, 0, err
		}
		ct := []float64{1, 1}
		both, err := median(n, func() error {
			err := s.Run()
			s.Gradient(ct)
			return err
		})
		return (both - solve) / 1e3, solve / 1e3, err
	}
}

func ensemble(cores int) func(int) (float64, float64, error) {
	return func(n int) (float64, float64, error) {
		const count = 10000
		s, err := model(fmt.Sprintf(lotkaText, 1e-6, 1e-6), count, []string{"x", "y"}, pinode.Cores(cores))
		if err != nil {
			return 0, 0, err
		}
		values := make([][]float64, count)
		for i := range values {
			values[i] = []float64{0.5 + 1.5*float64(i%100)/100, 0.5 + 1.5*float64(i/100)/100}
		}
		v, err := median(n, func() error { return s.Run(values...) })
		return v / 1e6, 0, err
	}
}

func twoCores(n int) (float64, float64, error) {
	if runtime.GOMAXPROCS(0) < 2 {
		return 0, 0, &missing{"one core only"}
	}
	one, _, err := ensemble(1)(n)
	if err != nil {
		return 0, 0, err
	}
	two, _, err := ensemble(2)(n)
	return one / two, 0, err
}

// batch measures value and gradient of ½Σ|f(x)|² for a network f over a batch,
// eight samples side by side.
func batch(size int) func(int) (float64, float64, error) {
	return func(n int) (float64, float64, error) {
		lanes := min(size, 8)
		b := ir.NewBuilder()
		w, off := b.Input("p", ir.Vec(2*50+50+50*50+50+50*2+2), false), 0
		take := func(s ir.Shape) *ir.Node {
			off += s.Size()
			return b.Slice(w, off-s.Size(), s)
		}
		layer := func(x *ir.Node, m, k int) *ir.Node {
			return b.Add(b.MatVec(take(ir.Mat(m, k)), x), take(ir.Vec(m)))
		}
		x := b.Input("x", ir.Vec(2), true)
		y := b.Apply(ir.OpTanh, layer(x, 50, 2))
		y = b.Apply(ir.OpTanh, layer(y, 50, 50))
		y = layer(y, 2, 50)
		loss := b.Mul(b.Const(0.5), b.Dot(y, y))
		bar := autodiff.VJP(b, []*ir.Node{loss}, []*ir.Node{b.Const(1)}, []*ir.Node{w})[0]
		mod, err := exe.Compile(opt.Optimize(b, []*ir.Graph{{Name: "g", Outputs: []ir.Output{{Name: "loss", Node: loss}, {Name: "grad", Node: bar, Accumulate: true}}}}), lanes)
		if err != nil {
			return 0, 0, err
		}
		f := mod.NewFrame()
		g, p := mod.Program("g"), f.Input("p")
		for i := range p {
			p[i] = 0.1 * math.Sin(float64(i))
		}
		grad := g.Output(f, "grad")
		sum := make([]float64, len(p))
		v, err := median(n, func() error {
			clear(grad)
			for k := range size / lanes {
				in := f.Input("x")
				for i := range in {
					in[i] = math.Sqrt(float64(i + k))
				}
				g.Run(f)
			}
			if lanes == 1 {
				return nil // the gradient stands
			}
			for i := range sum { // over the lanes
				s := 0.
				for _, v := range grad[i*lanes : (i+1)*lanes] {
					s += v
				}
				sum[i] = s
			}
			return nil
		})
		return v / 1e3, 0, err
	}
}

// training is the time of a number of epochs of a fit, in seconds: that of
// twice as many less that of so many, without what is done once.
func training(dir, text string, epochs, repeats int) (float64, error) {
	times := [2][]float64{}
	for range max(1, repeats/4) {
		for k := range 2 {
			m, err := pinode.Parse(filepath.Join(dir, "m.node"), text)
			if err != nil {
				return 0, err
			}
			if err := m.Set("fit.optimizer.epochs", fmt.Sprint((k+1)*epochs), "bench"); err != nil {
				return 0, err
			}
			f, err := m.NewFit(pinode.Workers(1))
			if err != nil {
				return 0, err
			}
			start := time.Now()
			if err := f.Run(context.Background()); err != nil {
				return 0, err
			}
			times[k] = append(times[k], time.Since(start).Seconds())
		}
	}
	least := func(v []float64) float64 {
		best := v[0]
		for _, x := range v {
			best = min(best, x)
		}
		return best
	}
	return least(times[1]) - least(times[0]), nil
}

func withData(csv string, f func(dir string) (float64, error)) (float64, float64, error) {
	dir, err := os.MkdirTemp("", "pinode-bench")
	if err != nil {
		return 0, 0, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if err := os.WriteFile(filepath.Join(dir, "d.csv"), []byte(csv), 0o600); err != nil {
		return 0, 0, err
	}
	v, err := f(dir)
	return v, 0, err
}

func spiral(n int) (float64, float64, error) {
	csv := "t,x,y\n"
	for i := range 50 {
		t := float64(i) / 49
		csv += fmt.Sprintf("%.17g,%g,%g\n", t, 2*math.Exp(-t)*math.Cos(4*math.Pi*t), -2*math.Exp(-t)*math.Sin(4*math.Pi*t))
	}
	return withData(csv, func(dir string) (float64, error) {
		return training(dir, `model Spiral {
  state z[2] = first(position)
  neural f(z[2]) -> [2] { hidden: [100, 100], activation: elu, init: uniform }
  z' = f(z)
  observe position[2] = z
}
data spiral from "d.csv" { time: t; position: [x, y] }
fit { solver: euler { step: 1/49 }, gradient: unrolled, optimizer: adam { lr: 0.01 }, loss: mse }`, 300, n)
	})
}

// demo is the cubic spiral of torchdiffeq's ode_demo.py, its windows as
// trajectories of their own.
func demo(n int) (float64, float64, error) {
	y := [2]float64{2, 0}
	rate := func(y [2]float64) [2]float64 {
		a, b := y[0]*y[0]*y[0], y[1]*y[1]*y[1]
		return [2]float64{-0.1*a - 2*b, 2*a - 0.1*b}
	}
	csv := "w,t,x,y\n"
	const h = 25. / 999
	for i := range 20 * 40 {
		if k := i % 40; k < 10 {
			csv += fmt.Sprintf("%d,%.17g,%.17g,%.17g\n", i/40, float64(k)*h, y[0], y[1])
		}
		k1 := rate(y) // the midpoint rule in tenths of a step makes data good enough
		for range 10 {
			k1 = rate(y)
			mid := rate([2]float64{y[0] + h/20*k1[0], y[1] + h/20*k1[1]})
			y[0], y[1] = y[0]+h/10*mid[0], y[1]+h/10*mid[1]
		}
	}
	const epochs = 400
	v, b, err := withData(csv, func(dir string) (float64, error) {
		return training(dir, `model Demo {
  state y[2] = first(p)
  neural f(z[2]) -> [2] { hidden: [50], activation: tanh, seed: 1 }
  y' = f(y^3)
  observe p[2] = y
}
data d from "d.csv" { trajectory: w; time: t; p: [x, y] }
fit { solver: dopri5 { rtol: 1e-7, atol: 1e-9 }, gradient: unrolled, optimizer: rmsprop { lr: 0.001 }, loss: mse }`, epochs, n)
	})
	return v / epochs * 1e3, b, err
}

func bounces(n int) (float64, float64, error) {
	s, err := model(`model Ball {
  param g = 9.8
  param e = 0.8
  state y = 10
  state v = 0
  y' = v
  v' = -g
  event bounce when y <= 0 { v := -e*v }
}
simulate { until: 8.5, times: [8.5], solver: tsit5 { rtol: 1e-8, atol: 1e-8 } }`, 1, nil, pinode.Cores(1))
	if err != nil {
		return 0, 0, err
	}
	ct := []float64{1, 0}
	v, err := median(n, func() error {
		err := s.Run()
		s.Gradient(ct)
		return err
	})
	if err == nil && s.Stats.Events != 5 {
		err = fmt.Errorf("%d bounces", s.Stats.Events)
	}
	return v / 1e6, 0, err
}

func compile(n int) (float64, float64, error) {
	var w strings.Builder
	w.WriteString("model Chain {\n  param k = 1\n")
	const states = 100
	for i := range states {
		fmt.Fprintf(&w, "  state x%d = %d\n", i, i)
	}
	for i := range states {
		fmt.Fprintf(&w, "  x%d' = k*(x%d - x%d) - x%d*x%d\n", i, (i+1)%states, i, i, (i+7)%states)
	}
	w.WriteString("}\n")
	v, err := median(n, func() error {
		m, err := pinode.Parse("chain.node", w.String())
		if err != nil {
			return err
		}
		_, err = m.Program().Module(1, compiler.Want{Reverse: true, Forward: true})
		return err
	})
	return v / 1e6, 0, err
}

func start(n int) (float64, float64, error) {
	bin, err := os.Executable()
	if err != nil || strings.HasSuffix(bin, ".test") {
		return 0, 0, &missing{"only in the command"}
	}
	dir, err := os.MkdirTemp("", "pinode-bench")
	if err != nil {
		return 0, 0, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	file := filepath.Join(dir, "m.node")
	if err := os.WriteFile(file, []byte(fmt.Sprintf(lotkaText, 1e-6, 1e-6)), 0o600); err != nil {
		return 0, 0, err
	}
	v, err := median(n, func() error { return exec.Command(bin, "simulate", file).Run() })
	return v / 1e6, 0, err
}

func allocations(int) (float64, float64, error) {
	s, err := lotka(1e-6, 1)()
	if err != nil {
		return 0, 0, err
	}
	ct := []float64{1, 0}
	return testing.AllocsPerRun(20, func() {
		_ = s.Run()
		s.Gradient(ct)
	}), 0, nil
}
