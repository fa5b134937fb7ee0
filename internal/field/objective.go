package field

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"sync/atomic"

	"gonum.org/v1/gonum/mat"

	"github.com/pinode/pinode/compiler/exec"
	"github.com/pinode/pinode/compiler/lower"
	"github.com/pinode/pinode/compiler/place"
	"github.com/pinode/pinode/fit"
	"github.com/pinode/pinode/internal/kernel"
)

// Lanes is the number of points that a program takes at once, chunk how many a worker
// takes: a sum over a chunk goes in the order of its points, whoever computes it.
const (
	Lanes = 8
	chunk = 128
)

// Range is a run of coordinates of a fit that are elements of the shared inputs.
type Range struct{ Off, N, At int }

// Inputs map the coordinates of a fit to the inputs of programs.
type Inputs interface {
	Dim() int
	// Shared are all shared inputs at x.
	Shared(x []float64) []float64
	// Runs are the coordinates that are inputs as they are, and Single those that are a
	// function of one, with its slope at x.
	Runs() []Range
	Single(x []float64) []Slope
}

// Slope is a coordinate that moves one shared input.
type Slope struct {
	Coord, Off int
	D          float64
}

// Points are those at which a condition is to hold. The coordinates of a point stand
// together, and behind them its time.
type Points struct {
	X      []float64
	Weight []float64 // of each residual, those of a point together: it multiplies it
	N      int
}

// Objective is half the sum of squares of what is left of conditions at points.
type Objective struct {
	in     Inputs
	module *exec.Module
	of     *lower.Collocation
	sets   []set
	work   []*worker
	width  int // numbers of a point: coordinates and time

	rows  int
	tasks []task
	sums  []sum // by task
}

// set is a condition and where it is asked to hold.
type set struct {
	Points
	residuals int
	first     int // its first row
	value     *exec.Program
	rows      *exec.Program
	gradient  *exec.Program
}

// task is a run of points of a set.
type task struct{ set, from, to int }

// sum is what a task leaves.
type sum struct {
	loss     float64
	gradient []float64 // by shared inputs
}

// worker is a frame and what is read and written there.
type worker struct {
	frame        *exec.Frame
	c, t, weight []float64
}

// New returns the loss of a model's conditions, which have no points yet.
func New(in Inputs, module *exec.Module, of *lower.Collocation, scales []float64, workers int) *Objective {
	o := &Objective{in: in, module: module, of: of}
	if of.C != nil {
		o.width = of.C.Shape.Size()
	}
	o.width++
	for k, c := range of.Conditions {
		o.sets = append(o.sets, set{
			residuals: c.Residual.Shape.Size(),
			value:     place.Residual(k).In(module), rows: place.ResidualRows(k).In(module), gradient: place.Residual(k).VJP().In(module),
		})
	}
	for range max(1, workers) {
		w := &worker{frame: module.NewFrame()}
		w.c, w.t = place.Coordinates.In(w.frame), place.Time.In(w.frame)
		w.weight = place.ResidualWeights.In(w.frame)
		place.Scales.Bind(w.frame, scales)
		o.work = append(o.work, w)
	}
	return o
}

// SetScales sets the scales that programs read.
func (o *Objective) SetScales(scales []float64) {
	for _, w := range o.work {
		place.Scales.Bind(w.frame, scales)
	}
}

// Place sets the points of condition k.
func (o *Objective) Place(k int, p Points) {
	o.sets[k].Points = p
	o.rows, o.tasks = 0, o.tasks[:0]
	for i := range o.sets {
		s := &o.sets[i]
		s.first = o.rows
		o.rows += s.N * s.residuals
		for from := 0; from < s.N; from += chunk {
			o.tasks = append(o.tasks, task{i, from, min(s.N, from+chunk)})
		}
	}
	for len(o.sums) < len(o.tasks) {
		o.sums = append(o.sums, sum{})
	}
}

// Rows implements fit.Residuals.
func (o *Objective) Rows() int { return o.rows }

// Dim implements fit.Objective.
func (o *Objective) Dim() int { return o.in.Dim() }

// Items implements fit.Objective: all points are one.
func (o *Objective) Items() int { return 1 }

// load puts up to Lanes points of a set into the frame; those that are missing repeat the
// last one, with weight 0.
func (w *worker) load(s *set, from, to, width int) {
	for l := range Lanes {
		p := min(from+l, to-1)
		x := s.X[p*width:][:width]
		for i, v := range x[:width-1] {
			if w.c != nil {
				w.c[i*Lanes+l] = v
			}
		}
		if w.t != nil {
			w.t[l] = x[width-1]
		}
		for i := range s.residuals {
			w.weight[i*Lanes+l] = 0
			if from+l < to {
				w.weight[i*Lanes+l] = s.Weight[p*s.residuals+i]
			}
		}
	}
}

// each has workers take the tasks.
func (o *Objective) each(ctx context.Context, x []float64, do func(w *worker, at int)) error {
	shared := o.in.Shared(x)
	for _, w := range o.work {
		place.Params.Bind(w.frame, shared)
		w.frame.Refresh()
	}
	var next atomic.Int64
	var all sync.WaitGroup
	for _, w := range o.work[:max(1, min(len(o.work), len(o.tasks)))] {
		all.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(o.tasks) && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				do(w, i)
			}
		})
	}
	all.Wait()
	return ctx.Err()
}

// Residuals implements fit.Residuals.
func (o *Objective) Residuals(ctx context.Context, x []float64, _ float64, r []float64, jac *mat.Dense) (fit.Result, error) {
	slopes, runs := o.in.Single(x), o.in.Runs()
	err := o.each(ctx, x, func(w *worker, at int) {
		t := o.tasks[at]
		s := &o.sets[t.set]
		program := s.value
		if jac != nil {
			program = s.rows
		}
		loss := 0.
		for from := t.from; from < t.to; from += Lanes {
			w.load(s, from, t.to, o.width)
			program.Run(w.frame)
			out := place.Residuals.In(w.frame, program)
			n := min(Lanes, t.to-from)
			for l := range n {
				for i := range s.residuals {
					v := out[i*Lanes+l]
					r[s.first+(from+l)*s.residuals+i] = v
					loss += v * v / 2
				}
			}
			if jac != nil {
				for i := range s.residuals {
					o.rowsOf(w, place.RowByParams(i).In(w.frame, program), jac, s.first+from*s.residuals+i, s.residuals, n, slopes, runs)
				}
			}
		}
		o.sums[at].loss = loss
	})
	return o.result(1), err
}

// rowsOf writes the derivatives of a residual at n points to rows of the Jacobian that are
// step apart.
func (o *Objective) rowsOf(w *worker, by []float64, jac *mat.Dense, row, step, n int, slopes []Slope, runs []Range) {
	raw := jac.RawMatrix()
	for _, run := range runs {
		src := by[run.Off*Lanes:][:run.N*Lanes]
		if n == Lanes {
			kernel.Rows8(raw.Data[row*raw.Stride+run.At:], src, run.N, step*raw.Stride)
			continue
		}
		for l := range n {
			dst := raw.Data[(row+l*step)*raw.Stride+run.At:][:run.N]
			for i := range dst {
				dst[i] = src[i*Lanes+l]
			}
		}
	}
	for _, s := range slopes {
		for l := range n {
			raw.Data[(row+l*step)*raw.Stride+s.Coord] = s.D * by[s.Off*Lanes+l]
		}
	}
}

// result adds up the tasks, divided.
func (o *Objective) result(by float64) fit.Result {
	res := fit.Result{Values: o.rows}
	terms := make([]float64, len(o.sets))
	for i, t := range o.tasks {
		terms[t.set] += o.sums[i].loss / by
	}
	for k, v := range terms {
		res.Loss += v
		res.Terms = append(res.Terms, fit.Term{Name: o.of.Conditions[k].Name, Value: v})
	}
	if math.IsNaN(res.Loss) || math.IsInf(res.Loss, 0) {
		res = fit.Result{Failed: true, Reason: fit.Failure{Trajectory: "field", Reason: "a residual is not a finite number"}}
	}
	return res
}

// Eval implements fit.Objective: the loss is the mean over residuals.
func (o *Objective) Eval(ctx context.Context, x []float64, _ []int, _ float64, grad []float64) (fit.Result, error) {
	by := float64(max(1, o.rows))
	err := o.each(ctx, x, func(w *worker, at int) {
		t := o.tasks[at]
		s := &o.sets[t.set]
		program, acc := s.value, (*exec.Sum)(nil)
		if grad != nil {
			program = s.gradient
			if acc = place.AllBar.Into.Sum(w.frame); acc != nil {
				acc.Clear()
			}
		}
		loss := 0.
		for from := t.from; from < t.to; from += Lanes {
			w.load(s, from, t.to, o.width)
			program.Run(w.frame)
			for _, v := range place.Residuals.In(w.frame, program) {
				loss += v * v / 2
			}
		}
		o.sums[at].loss = loss
		if grad == nil {
			return
		}
		if g := &o.sums[at].gradient; acc != nil {
			if *g == nil {
				*g = make([]float64, len(o.in.Shared(x)))
			}
			acc.Take(*g, 0, false)
		}
	})
	res := o.result(by)
	if err != nil || grad == nil || res.Failed {
		return res, err
	}
	o.gradient(x, grad, by)
	return res, nil
}

// gradient adds up the gradients of the tasks.
func (o *Objective) gradient(x, grad []float64, by float64) {
	clear(grad)
	slopes, runs := o.in.Single(x), o.in.Runs()
	for i := range o.tasks {
		g := o.sums[i].gradient
		if g == nil {
			continue
		}
		for _, run := range runs {
			for j, v := range g[run.Off:][:run.N] {
				grad[run.At+j] += v / by
			}
		}
		for _, s := range slopes {
			grad[s.Coord] += s.D * g[s.Off] / by
		}
	}
}

// Magnitudes sets m to the size of what is left of condition k at each of so many points.
func (o *Objective) Magnitudes(ctx context.Context, x []float64, k int, p Points, m []float64) error {
	probe := o.alone(k, p)
	r := make([]float64, probe.rows)
	if _, err := probe.Residuals(ctx, x, 1, r, nil); err != nil {
		return err
	}
	e := probe.sets[k].residuals
	for i := range m {
		s := 0.
		for _, v := range r[i*e:][:e] {
			s += v * v
		}
		m[i] = math.Sqrt(s)
	}
	return nil
}

// Values sets out to the values of all fields at points.
func (o *Objective) Values(x, points, out []float64) error {
	return o.run(place.FieldValues.In(o.module), place.Value, x, points, out, o.of.Fields.Shape.Size())
}

// run sets out to what a program has at points, so many numbers at each.
func (o *Objective) run(program *exec.Program, output place.Output, x, points, out []float64, size int) error {
	n := len(points) / o.width
	if len(out) != n*size {
		return errors.New("the room for values at points has another size than they")
	}
	s := &set{Points: Points{X: points, N: n}}
	w := o.work[0]
	place.Params.Bind(w.frame, o.in.Shared(x))
	for from := 0; from < n; from += Lanes {
		w.load(s, from, n, o.width)
		program.Run(w.frame)
		for i, v := range output.In(w.frame, program) {
			if p := from + i%Lanes; p < n {
				if math.IsNaN(v) || math.IsInf(v, 0) {
					return fmt.Errorf("the field is not a finite number at point %d", p)
				}
				out[p*size+i/Lanes] = v
			}
		}
	}
	return nil
}
