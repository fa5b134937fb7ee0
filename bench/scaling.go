package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"runtime"
	"slices"
	"strings"

	"gonum.org/v1/gonum/stat"

	"github.com/pinode/pinode"
)

// Growth is how the cost of a kind of work grows with its size.
type Growth struct {
	Name  string
	Doc   string
	By    string // what the size counts
	Why   string // the reason for its slope
	Unit  string
	Sizes []int

	// Amount is how much work a size is; nil: as much as the size.
	Amount func(size int) float64

	// Work is what is timed at a size; Count gives a number in its place.
	Work  func(size int) Timer
	Count func(l *Lab, size int) (float64, error)
}

// Table is what was measured of a Growth.
type Table struct {
	Name   string  `json:"name"`
	Doc    string  `json:"doc"`
	By     string  `json:"by"`
	Why    string  `json:"why"`
	Unit   string  `json:"unit"`
	Points []Point `json:"points"`

	// Slope is that of log cost against log size by least squares over the
	// upper half of the points, where the cost of starting no longer counts.
	Slope float64 `json:"slope"`

	// Cliff is by how much the cost of a unit of work grows from one size to the next at most.
	Cliff float64 `json:"cliff"`
}

// Point is the cost at a size.
type Point struct {
	Size int     `json:"size"`
	Cost float64 `json:"cost"`
}

// Growths are what `pinode bench --scaling` measures.
var Growths = slices.Concat(stateGrowths, layersGrowths(), []*Growth{operations})

var stateGrowths = []*Growth{
	{
		Name: "states", By: "states", Unit: "µs", Sizes: systems,
		Doc:  "loss after 100 steps of RK4 of a linear system",
		Why:  "all work is loops over arrays, at the same cost a number while they fit the second-level cache; up to some 50 states what a step costs by itself is more.",
		Work: func(n int) Timer { return text("states", states(n), "t,y\n0,\n1,0\n", (*task).loss) },
	},
	{
		Name: "states_gradient", By: "states", Unit: "µs", Sizes: systems,
		Doc:  "its loss and gradient by one parameter",
		Why:  "the same loops backwards; the stages of all steps are kept, so that the largest sizes stream from memory.",
		Work: func(n int) Timer { return text("states", states(n), "t,y\n0,\n1,0\n", (*task).gradient) },
	},
	{
		Name: "chain", By: "masses", Unit: "µs", Sizes: []int{4, 16, 64, 250, 1000, 4000, 16000, 50000},
		Doc:  "loss of a chain written with `for`, to t = 5, Tsit5, 1e-6",
		Why:  "loops over arrays, as of a vector equation; there is no size from which on steps are taken in another way.",
		Work: func(n int) Timer { return chains(n, 1, (*task).loss) },
	},
	{
		Name: "parameters_gradient", By: "parameters", Unit: "µs", Sizes: []int{1, 10, 100, 1000, 10000, 100000},
		Doc: "loss and gradient after 100 steps of RK4 of one state whose rate is the mean of the parameters",
		Why: "every stage reads all parameters, and its derivative adds to all of their gradients.",
		Work: func(n int) Timer {
			return text("parameters", parameters(n), "t,y\n0,\n1,0\n", (*task).gradient)
		},
	},
	{
		Name: "length", By: "units of time", Unit: "µs", Sizes: []int{10, 30, 100, 300, 1000, 3000},
		Doc:  "loss of a Lotka–Volterra solve, Tsit5, 1e-8",
		Why:  "the number of steps.",
		Work: func(n int) Timer { return loss("lotka", lotkaUntil(n)) },
	},
	{
		Name: "length_gradient", By: "units of time", Unit: "µs", Sizes: []int{10, 30, 100, 300, 1000, 3000},
		Doc:  "its loss and gradient",
		Why:  "the number of steps, all of them on the tape.",
		Work: func(n int) Timer { return gradient("lotka", lotkaUntil(n)) },
	},
	{
		Name: "length_memory", By: "units of time", Unit: "kB", Sizes: []int{100, 1000, 10000, 100000, 1000000},
		Doc:   "memory that stays after a loss and gradient of a Lotka–Volterra solve, Tsit5, 1e-8",
		Why:   "whole steps are kept up to 128 MB, and beyond the start of each stretch of 87,000, whose sweep takes them again.",
		Count: gradientMemory,
	},
	{
		Name: "solver_memory", By: "units of time", Unit: "kB", Sizes: []int{100, 1000, 10000, 100000, 1000000},
		Doc:   "memory that stays after a run of a solver of the library, with the same model",
		Why:   "16 MB of steps are kept for a gradient that may be asked for; beyond, it takes them again.",
		Count: solverMemory,
	},
	{
		Name: "batch_gradient", By: "trajectories", Unit: "µs", Sizes: batches,
		Doc:  "loss and gradient of Lotka–Volterra trajectories to t = 10, Tsit5, 1e-8, one core",
		Why:  "eight trajectories go side by side, so that the first few cost little more than one.",
		Work: func(n int) Timer { return gradient("lotka", lotkas(n)) },
	},
	{
		Name: "batch_gradient_2", By: "trajectories", Unit: "µs", Sizes: batches,
		Doc: "the same on two cores",
		Why: "a chunk is 32 trajectories or an eighth of them, in whole lanes: what is one chunk is for one core.",
		Work: func(n int) Timer {
			return cores(2, times("lotka", lotkas(n), 2, func(t *task) func() error { return t.gradient }))
		},
	},
	{
		Name: "workers_gradient", By: "workers", Unit: "µs", Sizes: upTo(runtime.NumCPU()),
		Doc: "loss and gradient of 256 such trajectories",
		Why: "the trajectories do not need each other; the parts of the sum are added in a fixed order at the end.",
		Work: func(n int) Timer {
			return times("lotka", lotkas(256), n, func(t *task) func() error { return t.gradient })
		},
	},
}

// systems are numbers of states.
var systems = []int{2, 10, 30, 100, 300, 1000, 3000, 10000, 30000, 100000}

// batches are numbers of trajectories.
var batches = []int{1, 4, 16, 64, 256, 1024, 4096}

// upTo are the powers of two up to n.
func upTo(n int) []int {
	var out []int
	for k := 1; k <= n; k *= 2 {
		out = append(out, k)
	}
	return out
}

const decay = `model Decay {
%s
  observe y = x%s ~ normal(1)
}

data end from "%s.csv" { time: t, y: y }
fit { solver: rk4 { step: 0.01 }, gradient: unrolled }
`

// states is a linear system of n states that see each other through their
// mean.
func states(n int) string {
	return fmt.Sprintf(decay, fmt.Sprintf("  param k = 1\n  state x[%d] = 1\n  x' = k*(0.5*mean(x) - x)", n), "[0]", "states")
}

// parameters is one state with n parameters.
func parameters(n int) string {
	return fmt.Sprintf(decay, fmt.Sprintf("  param k[%d] = 1\n  state x = 1\n  x' = -mean(k)*x", n), "", "parameters")
}

// text makes a Timer of a method of the task of a model's text.
func text(name, source, table string, work func(t *task) error) Timer {
	return func(l *Lab) (sampler, error) {
		m, err := l.parse(name, source, table)
		if err != nil {
			return nil, err
		}
		t, err := newTask(m, 1)
		if err != nil {
			return nil, err
		}
		return batched(func() error { return work(t) }), nil
	}
}

// gradientMemory is what the heap holds more after a gradient, in kilobytes.
func gradientMemory(l *Lab, until int) (float64, error) {
	m, err := l.load("lotka", lotkaUntil(until)())
	if err != nil {
		return 0, err
	}
	if err := m.Set("fit.solver.max_steps", "100000000", "the benchmark"); err != nil {
		return 0, err
	}
	t, err := newTask(m, 1)
	if err != nil {
		return 0, err
	}
	before := heap()
	if err := t.gradient(); err != nil {
		return 0, err
	}
	after := heap()
	runtime.KeepAlive(t)
	return math.Max(0, after-before) / 1e3, nil
}

// solverMemory is what the heap holds more after a run of a solver, in kilobytes.
func solverMemory(l *Lab, until int) (float64, error) {
	m, err := l.load("lotka", lotkaUntil(until)(), "simulate.solver.max_steps", "100000000")
	if err != nil {
		return 0, err
	}
	before := heap()
	s, err := m.NewSolver(1, nil, pinode.SimulateOptions{Until: float64(until), Workers: 1})
	if err != nil {
		return 0, err
	}
	if err := s.Run(); err != nil {
		return 0, err
	}
	after := heap()
	runtime.KeepAlive(s)
	return math.Max(0, after-before) / 1e3, nil
}

// heap is how many bytes of it are in use, after a collection.
func heap() float64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}

// Run measures the growth.
func (g *Growth) Run(ctx context.Context, l *Lab) (Table, error) {
	t := Table{Name: g.Name, Doc: g.Doc, By: g.By, Why: g.Why, Unit: g.Unit}
	if g.Count != nil {
		for _, n := range g.Sizes {
			if err := ctx.Err(); err != nil {
				return t, err
			}
			v, err := g.Count(l, n)
			if err != nil {
				return t, fmt.Errorf("%s of %d %s: %w", g.Name, n, g.By, err)
			}
			t.Points = append(t.Points, Point{n, v})
		}
	} else {
		var samplers []sampler
		for _, n := range g.Sizes {
			s, err := g.Work(n)(l)
			if err != nil {
				return t, fmt.Errorf("%s of %d %s: %w", g.Name, n, g.By, err)
			}
			samplers = append(samplers, s)
		}
		best, err := least(ctx, l, samplers)
		if err != nil {
			return t, fmt.Errorf("%s: %w", g.Name, err)
		}
		for i, n := range g.Sizes {
			t.Points = append(t.Points, Point{n, best[i] / perNs[g.Unit]})
		}
	}
	t.Slope, t.Cliff = slope(t.Points), g.cliff(t.Points)
	return t, nil
}

// cliff is the largest ratio of the costs of a unit of work at a size and at the one before.
func (g *Growth) cliff(points []Point) (most float64) {
	each := make([]float64, len(points))
	for i, p := range points {
		amount := float64(p.Size)
		if g.Amount != nil {
			amount = g.Amount(p.Size)
		}
		if each[i] = p.Cost / amount; i > 0 && each[i-1] > 0 {
			most = max(most, each[i]/each[i-1])
		}
	}
	return most
}

// slope is the growth's exponent over the upper half of the points, and over
// all where there are few. It is zero where it is not defined.
func slope(points []Point) float64 {
	if n := len(points); n >= 4 {
		points = points[n/2:]
	}
	var x, y []float64
	for _, p := range points {
		if p.Cost > 0 {
			x, y = append(x, math.Log(float64(p.Size))), append(y, math.Log(p.Cost))
		}
	}
	if len(x) < 2 {
		return 0
	}
	_, b := stat.LinearRegression(x, y, nil, false)
	return b
}

// Scaling measures growths and tells done of each.
func Scaling(ctx context.Context, l *Lab, growths []*Growth, done func(Table)) error {
	for _, g := range growths {
		t, err := g.Run(ctx, l)
		var why *Unavailable
		switch {
		case err == nil:
			done(t)
		case !errors.As(err, &why): // else it needs what is not here
			return err
		}
	}
	return nil
}

// Print writes the table.
func (t *Table) Print(w io.Writer) {
	fmt.Fprintf(w, "%s: %s\n", t.Name, t.Doc)
	var top, low strings.Builder
	for _, p := range t.Points {
		fmt.Fprintf(&top, "%10d", p.Size)
		fmt.Fprintf(&low, "%10s", short(p.Cost))
	}
	fmt.Fprintf(w, "  %-14s%s\n  %-14s%s   grows with the power %.2f, a unit of it by %.2f × at most from one size to the next\n\n", t.By, top.String(), t.Unit, low.String(), t.Slope, t.Cliff)
}

// Markdown writes the table.
func (t *Table) Markdown(w io.Writer) {
	fmt.Fprintf(w, "\n%s: %s. Power %.2f, steepest step %.2f ×: %s\n\n", "`"+t.Name+"`", t.Doc, t.Slope, t.Cliff, t.Why)
	size, rule, cost := "| "+t.By+" |", "| --- |", "| "+t.Unit+" |"
	for _, p := range t.Points {
		size += fmt.Sprintf(" %d |", p.Size)
		rule += " --: |"
		cost += " " + short(p.Cost) + " |"
	}
	fmt.Fprintf(w, "%s\n%s\n%s\n", size, rule, cost)
}
