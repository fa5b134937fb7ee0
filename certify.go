package pinode

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync/atomic"

	"github.com/pinode/pinode/compiler/exec"
	"github.com/pinode/pinode/sim"
)

// GradientModes are the modes that a certificate is given for.
var GradientModes = []string{"unrolled", "adjoint", "backsolve", "forward"}

// Certificate compares derivatives in several gradient modes with finite
// differences, at the start values and on the first trajectory. The targets
// are the loss, or the states at the end where the file has no data, and the
// times of the first events.
type Certificate struct {
	Modes   []string
	Targets []CertifiedTarget
	Events  []CertifiedEvent
	Skipped []string // coordinates with other events nearby

	// Worst is the largest disagreement, in the scale of its target; Mode and
	// Where say which it is.
	Worst float64
	Mode  string
	Where string
}

// CertifiedEvent is an event of the run.
type CertifiedEvent struct {
	Name           string
	Time           float64
	Transversality float64 // 0 at a graze, 1 far from one; NaN without a guard
}

// CertifiedTarget is a number and its derivatives.
type CertifiedTarget struct {
	Name  string
	Event int     // of which it is the time, in Events, or -1
	Scale float64 // of the derivatives: the largest
	Rows  []CertifiedPartial
}

// CertifiedPartial is the derivative by one coordinate: a parameter or a
// weight.
type CertifiedPartial struct {
	Name        string
	Weight      bool // of a network
	Difference  float64
	Uncertainty float64   // estimated error of Difference
	Gradient    []float64 // by mode

	stretch float64 // by which the parameter moves with the variable that the fit changes
}

// Off is the disagreement of mode k with the differences in a row, in the
// scale of the target. One that the differences are too uncertain to know, by
// up to a hundredth of the scale, counts as doubtful at most.
func (t *CertifiedTarget) Off(row, k int) float64 {
	const doubtful = 1e-7
	r := &t.Rows[row]
	scale := t.Scale / r.stretch
	off, doubt := math.Abs(r.Gradient[k]-r.Difference)/scale, r.Uncertainty/scale
	if doubt < 0.01 && off <= 2*doubt {
		return math.Min(off, doubtful)
	}
	return off
}

// Values is how many derivatives of the first target were compared.
func (c *Certificate) Values() int { return len(c.Targets[0].Rows) }

const (
	mostTimed = 8 // events whose times are targets
	mostEnds  = 4 // states whose ends are

	// How well differences have to be known, in the scale of the target.
	fineDifference, coarseDifference = 3e-10, 1e-7
)

// Certify compares the gradient of the loss in about n coordinates, parameters
// first. Without modes it is the mode of the fit, with differences only as
// good as a warning before a fit needs them.
func (f *Fit) Certify(ctx context.Context, n int, modes ...string) (*Certificate, error) {
	want := certification{n, mostTimed, fineDifference, modes}
	if len(modes) == 0 {
		mode := f.Model.fit.Word("gradient")
		if mode == "auto" {
			mode = "unrolled"
		}
		want.enough, want.modes = coarseDifference, []string{mode}
	}
	opt, err := solverOptions(f.Model.fit)
	if err != nil {
		return nil, err
	}
	return certify(ctx, f.Model, f.obj.sp, f.obj.items[0], opt, want)
}

// Certify compares derivatives in all modes that the solver has. With data it
// is that of the fit, else that of the simulation.
func (m *Model) Certify(ctx context.Context, n int) (*Certificate, error) {
	settings := m.simulate
	if len(m.prog.Checked.Data) > 0 {
		settings = m.fit
	}
	opt, err := solverOptions(settings)
	if err != nil {
		return nil, err
	}
	modes := slices.Clone(GradientModes)
	if !opt.Method.Adaptive() { // these follow the exact solution, not that of fixed steps
		modes = slices.DeleteFunc(modes, func(s string) bool { return s == "adjoint" || s == "backsolve" })
	}
	if len(m.prog.Checked.Data) == 0 {
		return m.certifySimulation(ctx, opt, certification{n, mostTimed, fineDifference, modes})
	}
	f, err := m.NewFit()
	if err != nil {
		return nil, err
	}
	return f.Certify(ctx, n, modes...)
}

func (m *Model) certifySimulation(ctx context.Context, opt sim.Options, want certification) (*Certificate, error) {
	items, err := m.simulateItems()
	if err != nil {
		return nil, err
	}
	if err := m.grid(items[0], nil); err != nil {
		return nil, err
	}
	seed := uint64(m.simulate.Int("seed"))
	items[0].span.Draws = m.draws(seed, 0, nil)
	sp, err := newSpace(m, items, seed)
	if err != nil {
		return nil, err
	}
	return certify(ctx, m, sp, items[0], opt, want)
}

// certification is what to certify: about how many coordinates, the times of
// how many events, by differences known how well, in which modes.
type certification struct {
	coordinates, events int
	enough              float64
	modes               []string
}

// certifier evaluates the targets of a certificate.
type certifier struct {
	*objective
	ctx    context.Context
	loss   bool
	ends   int
	events int
	order  uint64  // of the events at the start values
	step   float64 // the first of differences, in the scale of a coordinate
}

// certify solves with tolerances so tight that the choice of steps, which
// differences see and derivatives do not, is out of the way, and in double
// precision.
func certify(ctx context.Context, m *Model, sp *space, it *item, opt sim.Options, want certification) (*Certificate, error) {
	modes := want.modes
	if opt.Method.Adaptive() {
		opt.RTol, opt.ATol = math.Min(opt.RTol, 1e-10), math.Min(opt.ATol, 1e-12)
	}
	one := *it // its saves are the measurements; the grid of a simulation is none
	if it.values == 0 {
		one.span.Saves = nil
	}
	all := modes[0]
	if slices.Contains(modes, "forward") {
		all = "forward" // its programs serve the others too
	}
	newOne := func() (*objective, error) { return newObjective(m, sp, []*item{&one}, nil, opt, all, exec.Double, 1) }
	o, err := newOne()
	if err != nil {
		return nil, err
	}
	x, err := sp.x0()
	if err != nil {
		return nil, err
	}
	c := &certifier{objective: o, ctx: ctx, loss: it.values > 0, step: 1e-2}
	if !opt.Method.Adaptive() { // round-off alone is in the way of a smaller one
		c.step = 1e-4
	}
	if !c.loss {
		c.ends = min(m.prog.Model.Layout.NUser, mostEnds)
	}
	if _, err := c.values(x); err != nil {
		return nil, err
	}
	if fail := c.chunks[0].fail; fail != nil {
		return nil, &SimulationError{Trajectory: it.name, Fail: fail, Text: m.explain(fail)}
	}
	traj := &o.workers[0].shift.block[0].traj
	c.events, c.order = min(len(traj.Log), want.events), traj.Order
	cert := &Certificate{Modes: modes, Skipped: []string{}}
	for _, r := range traj.Log {
		name, _ := m.recordName(&r)
		cert.Events = append(cert.Events, CertifiedEvent{name, r.T, r.Transversality})
	}
	for k := range c.targets() {
		cert.Targets = append(cert.Targets, c.target(k, cert.Events, traj.T))
	}
	partials := make([][][]float64, len(modes)) // mode, target, coordinate
	for k, mode := range modes {
		o.gradient = mode
		if partials[k], err = c.gradients(x); err != nil {
			return nil, err
		}
	}
	for k := range cert.Targets {
		t := &cert.Targets[k]
		t.Scale = math.Inf(1)
		for _, g := range partials {
			most := 1e-9 // what is constant
			for _, v := range g[k] {
				most = math.Max(most, math.Abs(v))
			}
			t.Scale = math.Min(t.Scale, most) // a mode that is wrong is mostly far too large
		}
	}
	stretch := slices.Repeat([]float64{1}, sp.dim)
	sp.trans.Pullback(stretch[:len(sp.coords)], x[:len(sp.coords)], slices.Clone(stretch))
	step := max(1, sp.dim/max(want.coordinates, 1))
	var some []int
	for i := range sp.dim {
		if !o.Weight(i) || i%step == 0 {
			some = append(some, i)
		}
	}
	found, err := c.differences(x, some, want.enough, cert.Targets, newOne)
	if err != nil {
		return nil, err
	}
	for n, i := range some {
		d, unsure := found[n].d, found[n].unsure
		if unsure == nil {
			cert.Skipped = append(cert.Skipped, o.coordinateName(i))
			continue
		}
		for k := range cert.Targets {
			row := CertifiedPartial{Name: o.coordinateName(i), Weight: o.Weight(i), Difference: d[k] / stretch[i], Uncertainty: unsure[k] / stretch[i], stretch: stretch[i]}
			for j := range modes {
				row.Gradient = append(row.Gradient, partials[j][k][i]/stretch[i])
			}
			t := &cert.Targets[k]
			t.Rows, t.Scale = append(t.Rows, row), math.Max(t.Scale, math.Abs(d[k]))
		}
	}
	cert.judge()
	return cert, nil
}

// judge finds the worst disagreement, and the first event that it shows in.
func (c *Certificate) judge() {
	const clear = 1e-4
	first, timed := "", false
	for k := range c.Targets {
		t := &c.Targets[k]
		for i, r := range t.Rows {
			for j, mode := range c.Modes {
				off := t.Off(i, j)
				if off > clear && first == "" && t.Event >= 0 {
					first = t.Name
				}
				if off > c.Worst || math.IsNaN(off) {
					c.Worst, c.Mode, c.Where = off, mode, fmt.Sprintf("`%s`, in the %s", r.Name, t.Name)
					timed = t.Event >= 0
				}
			}
		}
	}
	if first != "" && !timed {
		c.Where += " and first in the " + first
	}
}

func (c *certifier) targets() int {
	if c.loss {
		return 1 + c.events
	}
	return c.ends + c.events
}

// target names target k.
func (c *certifier) target(k int, events []CertifiedEvent, end float64) CertifiedTarget {
	ends := c.targets() - c.events
	switch {
	case k >= ends:
		e := events[k-ends]
		return CertifiedTarget{Name: fmt.Sprintf("time of %s at %.6g", e.Name, e.Time), Event: k - ends}
	case c.loss:
		return CertifiedTarget{Name: "loss", Event: -1}
	}
	return CertifiedTarget{Name: fmt.Sprintf("%s at %.6g", c.m.StateNames()[k], end), Event: -1}
}

// values evaluates the targets; what did not happen is NaN.
func (c *certifier) values(x []float64) ([]float64, error) {
	var v []float64
	if c.loss {
		res, err := c.Eval(c.ctx, x, nil, 1, nil)
		if err != nil {
			return nil, err
		}
		v = append(v, res.Loss)
	} else {
		if err := c.ctx.Err(); err != nil {
			return nil, err
		}
		c.compute(task{c.ctx, c.items, nil, 1, 1, 1, 1, x, nil})
	}
	if c.chunks[0].fail != nil {
		return nil, nil
	}
	traj := &c.workers[0].shift.block[0].traj
	v = append(v, traj.Y[:c.ends]...)
	for k := range c.events {
		t := math.NaN()
		if k < len(traj.Log) {
			t = traj.Log[k].T
		}
		v = append(v, t)
	}
	return v, nil
}

// gradients are the derivatives of the targets in the objective's mode.
func (c *certifier) gradients(x []float64) (list [][]float64, err error) {
	if c.loss {
		g := make([]float64, c.sp.dim)
		if _, err := c.Eval(c.ctx, x, nil, 1, g); err != nil {
			return nil, err
		}
		list = append(list, g)
	}
	if !c.loss {
		c.compute(task{c.ctx, c.items, nil, 1, 1, 1, 1, x, make([]float64, c.sp.dim)})
	}
	l := c.workers[0].shift.block[0]
	for k := range c.ends {
		end := make([]float64, len(l.traj.Y))
		end[k] = 1
		list = append(list, c.pullback(x, sim.Cotangents{EndY: end}))
	}
	for k := range c.events {
		times := make([]float64, len(l.traj.Log))
		times[k] = 1
		list = append(list, c.pullback(x, sim.Cotangents{EventT: times}))
	}
	return list, nil
}

// pullback takes cotangents of the last run to the coordinates.
func (c *certifier) pullback(x []float64, ct sim.Cotangents) []float64 {
	w, sum := c.workers[0], &c.chunks[0]
	l := w.shift.block[0]
	clear(l.bp)
	clear(l.bq)
	clear(sum.gNat)
	sum.g = make([]float64, c.sp.dim)
	w.sys.clearAccount()
	w.clearWeights()
	defer func(keep sim.Cotangents) { l.ct = keep }(l.ct)
	l.ct = ct
	w.shift.backward(sum)
	w.shift.weights(sum.g, c.gradient == "forward")
	n := len(c.sp.coords)
	c.sp.trans.Pullback(sum.g[:n], x[:n], sum.gNat)
	return sum.g
}

// difference are derivatives of the targets by a coordinate, with their errors.
type difference struct {
	d, unsure []float64
	err       error
}

// differences are those by some coordinates, computed on all cores, each with
// an objective of its own.
func (c *certifier) differences(x []float64, some []int, enough float64, targets []CertifiedTarget, newOne func() (*objective, error)) ([]difference, error) {
	workers, of := []*worker{c.workers[0]}, map[*worker]*certifier{c.workers[0]: c}
	for len(workers) < min(runtime.GOMAXPROCS(0), len(some)) {
		o, err := newOne()
		if err != nil {
			return nil, err
		}
		twin := *c
		twin.objective = o
		workers, of[o.workers[0]] = append(workers, o.workers[0]), &twin
	}
	found := make([]difference, len(some))
	var next atomic.Int64
	crew := newCrew(len(workers) - 1)
	defer crew.home()
	crew.do(func(w *worker) {
		own := slices.Clone(x)
		for n := int(next.Add(1) - 1); n < len(some); n = int(next.Add(1) - 1) {
			f := &found[n]
			f.d, f.unsure, f.err = of[w].difference(own, some[n], enough, targets)
		}
	}, workers)
	for i := range found {
		if err := found[i].err; err != nil {
			return nil, err
		}
	}
	return found, nil
}

// difference is the derivative of the targets by coordinate i from central
// differences whose steps are halved and that are extrapolated to none, with
// the estimated errors; nil where the events follow in another order however
// small the step. (C.J.F. Ridders, Adv. Eng. Softw. 4, 75–76, 1982.)
func (c *certifier) difference(x []float64, i int, enough float64, targets []CertifiedTarget) (d, unsure []float64, err error) {
	const levels = 10
	keep := x[i]
	defer func() { x[i] = keep }()
	at := func(h float64) (v []float64) {
		x[i] = keep + h
		if v, err = c.values(x); v != nil && c.workers[0].shift.block[0].traj.Order != c.order {
			v = nil
		}
		return v
	}
	n := len(targets)
	h := c.step * math.Max(1, math.Abs(keep))
	var last [][]float64 // the extrapolations at the step before, by order
	for range levels {
		hi, lo := at(h), at(-h)
		if err != nil {
			return nil, nil, err
		}
		if hi == nil || lo == nil {
			last = nil
			h /= 4
			continue
		}
		row := [][]float64{make([]float64, n)}
		for k := range n {
			row[0][k] = (hi[k] - lo[k]) / (2 * h)
		}
		if last != nil && unsure == nil {
			d, unsure = make([]float64, n), slices.Repeat([]float64{math.Inf(1)}, n)
		}
		four, sure := 1., unsure != nil
		for m := range last {
			four *= 4
			next := make([]float64, n)
			for k := range n {
				next[k] = row[m][k] + (row[m][k]-last[m][k])/(four-1)
				e := math.Max(math.Abs(next[k]-row[m][k]), math.Abs(next[k]-last[m][k]))
				if e < unsure[k] {
					d[k], unsure[k] = next[k], e
				}
			}
			row = append(row, next)
		}
		for k := range unsure {
			sure = sure && unsure[k] <= enough*targets[k].Scale
		}
		if sure {
			break
		}
		last = row
		h /= 2
	}
	return d, unsure, nil
}
