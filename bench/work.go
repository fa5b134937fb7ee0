package bench

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"

	"github.com/pinode/pinode"
	"github.com/pinode/pinode/fit"
)

//go:embed models/*.node
var models embed.FS

// model is the text of a bundled model.
func model(name string) (string, error) {
	text, err := models.ReadFile("models/" + name + ".node")
	return string(text), err
}

// task is the loss of a model over data, at the start of its fit.
type task struct {
	fit  *pinode.Fit
	obj  fit.Objective
	x    []float64
	grad []float64
}

// load compiles a bundled model, with settings and their values, and reads the
// table written for it.
func (l *Lab) load(name, table string, set ...string) (*pinode.Model, error) {
	text, err := model(name)
	if err != nil {
		return nil, err
	}
	m, err := l.parse(name, text, table)
	for i := 0; i+1 < len(set) && err == nil; i += 2 {
		err = m.Set(set[i], set[i+1], "the benchmark")
	}
	return m, err
}

// parse is load for a text, whose data are to be in NAME.csv.
func (l *Lab) parse(name, text, table string) (*pinode.Model, error) {
	if err := os.WriteFile(filepath.Join(l.dir, name+".csv"), []byte(table), 0o644); err != nil {
		return nil, err
	}
	return pinode.Parse(filepath.Join(l.dir, name+".node"), text)
}

// newTask prepares the loss of a model on some cores.
func newTask(m *pinode.Model, cores int) (*task, error) {
	f, err := m.NewFit(pinode.FitOptions{Workers: cores, Seed: 1})
	if err != nil {
		return nil, err
	}
	t := &task{fit: f}
	if t.obj, t.x, err = f.Objective(); err != nil {
		return nil, err
	}
	t.grad = make([]float64, t.obj.Dim())
	return t, nil
}

// loss evaluates the loss.
func (t *task) loss() error { return t.eval(nil) }

// gradient evaluates the loss and its gradient.
func (t *task) gradient() error { return t.eval(t.grad) }

func (t *task) eval(grad []float64) error {
	r, err := t.obj.Eval(context.Background(), t.x, nil, 1, grad)
	if err == nil && r.Failed {
		err = errors.New(r.Reason.Reason)
	}
	return err
}

// times makes a Timer of one of the works of a task, with settings and their
// values.
func times(name string, table func() string, cores int, work func(t *task) func() error, set ...string) Timer {
	return func(l *Lab) (sampler, error) {
		m, err := l.load(name, table(), set...)
		if err != nil {
			return nil, err
		}
		t, err := newTask(m, cores)
		if err != nil {
			return nil, err
		}
		return batched(work(t)), nil
	}
}

func loss(name string, table func() string) Timer {
	return times(name, table, 1, func(t *task) func() error { return t.loss })
}

func gradient(name string, table func() string, set ...string) Timer {
	return times(name, table, 1, func(t *task) func() error { return t.gradient }, set...)
}

// solve solves a stiff model to a time, with both tolerances alike, by rodas5p on one core.
func solve(name, until, tol string) Timer {
	return func(l *Lab) (sampler, error) {
		text, err := model(name)
		if err != nil {
			return nil, err
		}
		text += fmt.Sprintf("simulate { until: %[1]s, times: [%[1]s], solver: rodas5p { rtol: %[2]s, atol: %[2]s } }\n", until, tol)
		m, err := l.parse(name, text, "")
		if err != nil {
			return nil, err
		}
		s, err := m.NewSolver(1, nil, pinode.SimulateOptions{Workers: 1})
		if err != nil {
			return nil, err
		}
		return batched(func() error { return s.Run() }), nil
	}
}

// robers solves Robertson's equations for so many rates of the slow reaction, side by side on one
// core; the time is that of one.
func robers(n int) Timer {
	return func(l *Lab) (sampler, error) {
		text, err := model("rober")
		if err != nil {
			return nil, err
		}
		m, err := l.parse("rober", text+"simulate { until: 1e5, times: [1e5], solver: rodas5p { rtol: 1e-6, atol: 1e-6 } }\n", "")
		if err != nil {
			return nil, err
		}
		s, err := m.NewSolver(n, []string{"slow"}, pinode.SimulateOptions{Workers: 1})
		if err != nil {
			return nil, err
		}
		values := make([][]float64, n)
		for i := range values {
			values[i] = []float64{0.02 + 0.04*float64(i)/float64(n)}
		}
		return batched(func() error { return s.Run(values...) }).over(n), nil
	}
}

// The tables of the models are written when they are needed. Without measured
// values at its first time a trajectory starts there and is compared at the
// last alone.

// lotkaUntil is one trajectory of the Lotka–Volterra equations until t.
func lotkaUntil(t int) func() string {
	return func() string { return fmt.Sprintf("run,t,prey,predators\n1,0,,\n1,%d,1,1\n", t) }
}

// lotkas are n trajectories with the same data.
func lotkas(n int) func() string {
	return func() string {
		var b strings.Builder
		b.WriteString("run,t,prey,predators\n")
		for i := range n {
			fmt.Fprintf(&b, "%d,0,,\n%d,10,1,1\n", i, i)
		}
		return b.String()
	}
}

// ball is the height of the ball after five bounces.
func ball() string { return "t,height\n0,\n2.7,0\n" }

// stars is where the stars of the Pleiades problem are at its end.
func stars() string {
	names := make([]string, 0, 14)
	for _, axis := range []string{"x", "y"} {
		for i := range 7 {
			names = append(names, fmt.Sprint(axis, i))
		}
	}
	return "t," + strings.Join(names, ",") + "\n0" + strings.Repeat(",", 14) + "\n3" + strings.Repeat(",0", 14) + "\n"
}

// points is a batch of n points in the plane with values to fit.
func points(n int) func() string {
	return func() string {
		rng := rand.New(rand.NewPCG(1, 2))
		var b strings.Builder
		b.WriteString("run,t,a,b,p,q\n")
		for i := range n {
			fmt.Fprintf(&b, "%d,0,%.6f,%.6f,%.6f,%.6f\n", i, rng.NormFloat64(), rng.NormFloat64(), rng.NormFloat64(), rng.NormFloat64())
		}
		return b.String()
	}
}

// spiral is 2e^{−t}(cos 4πt, −sin 4πt) at 50 times in [0, 1].
func spiral() string {
	var b strings.Builder
	b.WriteString("t,x,y\n")
	for i := range 50 {
		t := float64(i) / 49
		r := 2 * math.Exp(-t)
		fmt.Fprintf(&b, "%.17g,%.6f,%.6f\n", t, r*math.Cos(4*math.Pi*t), -r*math.Sin(4*math.Pi*t))
	}
	return b.String()
}

// pieces are 20 pieces of ten points of the solution of z' = z³A from (2, 0)
// at 1,000 times in [0, 25], A = [−0.1 2; −2 −0.1].
func pieces() string {
	const n, long = 1000, 10
	field := func(x, y float64) (float64, float64) {
		x, y = x*x*x, y*y*y
		return -0.1*x - 2*y, 2*x - 0.1*y
	}
	dt := 25. / (n - 1)
	path := make([][2]float64, n)
	x, y := 2., 0.
	for i := range path {
		path[i] = [2]float64{x, y}
		const sub = 10
		h := dt / sub
		for range sub { // the classical Runge–Kutta method
			k1x, k1y := field(x, y)
			k2x, k2y := field(x+h/2*k1x, y+h/2*k1y)
			k3x, k3y := field(x+h/2*k2x, y+h/2*k2y)
			k4x, k4y := field(x+h*k3x, y+h*k3y)
			x += h / 6 * (k1x + 2*k2x + 2*k3x + k4x)
			y += h / 6 * (k1y + 2*k2y + 2*k3y + k4y)
		}
	}
	var b strings.Builder
	b.WriteString("run,t,x,y\n")
	rng := rand.New(rand.NewPCG(1, 3))
	for run, first := range rng.Perm(n - long)[:20] {
		for k := range long {
			fmt.Fprintf(&b, "%d,%.17g,%.10g,%.10g\n", run, float64(k)*dt, path[first+k][0], path[first+k][1])
		}
	}
	return b.String()
}

// ensemble simulates 10,000 trajectories of the Lotka–Volterra equations at
// 1e-6, from a grid of initial values.
func ensemble(cores int) Timer {
	return func(l *Lab) (sampler, error) {
		s, values, err := l.grid(cores)
		if err != nil {
			return nil, err
		}
		return batched(func() error { return s.Run(values...) }), nil
	}
}

// grid is a solver of the ensemble, and where its trajectories start.
func (l *Lab) grid(cores int) (*pinode.Solver, [][]float64, error) {
	text, err := model("lotka")
	if err != nil {
		return nil, nil, err
	}
	m, err := l.parse("lotka", strings.ReplaceAll(text, "1e-8", "1e-6"), lotkaUntil(10)())
	if err != nil {
		return nil, nil, err
	}
	values := make([][]float64, 10000)
	for i := range values {
		values[i] = []float64{0.5 + 0.015*float64(i/100), 0.5 + 0.015*float64(i%100)}
	}
	s, err := m.NewSolver(len(values), []string{"x", "y"}, pinode.SimulateOptions{Workers: cores})
	return s, values, err
}

// training is the fit of a model alone: it is compiled and its data read
// outside of what is timed. The time is that of one of the given number of
// iterations.
func training(name string, table func() string, iterations int, set ...string) Timer {
	return func(l *Lab) (sampler, error) {
		m, err := l.load(name, table(), set...)
		if err != nil {
			return nil, err
		}
		s := single(func() (func() error, error) {
			f, err := m.NewFit(pinode.FitOptions{Workers: 1, Seed: 1})
			if err != nil {
				return nil, err
			}
			return func() error { return f.Run(context.Background()) }, nil
		})
		return s.over(iterations), nil
	}
}
