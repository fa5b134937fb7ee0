package pinode

import (
	"context"
	"fmt"
	"math"

	"github.com/pinode/pinode/sim"
)

// Certificate compares gradients with central differences at the start.
type Certificate struct {
	Mode   string
	Values int     // compared
	Worst  float64 // largest disagreement, relative to the largest component
	Where  string  // the coordinate where
	Events int

	Rows           []CertificateRow
	Transversality []float64 // of each event
	EventNames     []string
	EventTimes     []float64

	// Times compares the derivatives of the times of the first events.
	Times []TimeRow
}

// TimeRow is the derivative of the time of event number Event of the log by
// one coordinate.
type TimeRow struct {
	Event int
	CertificateRow
}

// CertificateRow is one coordinate: its derivative by differences and in each
// mode.
type CertificateRow struct {
	Name       string
	Difference float64
	Gradient   float64
}

// GradientModes are the modes that a certificate is given for.
var GradientModes = []string{"unrolled", "adjoint", "backsolve", "forward"}

// Certify compares the gradient that the fit will use with central
// differences in about n coordinates, parameters first.
func (f *Fit) Certify(ctx context.Context, n int) (*Certificate, error) {
	return f.CertifyMode(ctx, f.Model.fit.Word("gradient"), n)
}

// CertifyMode is Certify for a mode. The comparison is made on the first
// trajectory with tolerances so tight that the choice of steps, which
// differences see and derivatives do not, is out of the way.
func (f *Fit) CertifyMode(ctx context.Context, mode string, n int) (*Certificate, error) {
	if mode == "auto" {
		mode = "unrolled"
	}
	opt, err := solverOptions(f.Model.fit)
	if err != nil {
		return nil, err
	}
	if opt.Method.Adaptive() {
		opt.RTol, opt.ATol = math.Min(opt.RTol, 1e-10), math.Min(opt.ATol, 1e-12)
	}
	sp := f.obj.sp
	o, err := newObjective(f.Model, sp, f.obj.items[:1], nil, opt, mode, 1)
	if err != nil {
		return nil, err
	}
	x, err := sp.x0()
	if err != nil {
		return nil, err
	}
	grad := make([]float64, sp.dim)
	res, err := o.Eval(ctx, x, nil, 1, grad)
	if err != nil {
		return nil, err
	}
	if res.Failed {
		return nil, &SimulationError{Trajectory: res.Reason.Trajectory, Fail: o.slots[0].fail, Text: res.Reason.Reason}
	}
	c := &Certificate{Mode: mode, Events: len(o.slots[0].traj.Log)}
	for _, r := range o.slots[0].traj.Log {
		c.EventNames = append(c.EventNames, f.Model.prog.Model.Events[r.Event].Checked.Name)
		c.EventTimes = append(c.EventTimes, r.T)
		c.Transversality = append(c.Transversality, r.Transversality)
	}
	size := 0.
	for _, g := range grad {
		size = math.Max(size, math.Abs(g))
	}
	timed := min(c.Events, mostTimed)
	moved := make([][]float64, timed)
	for k := range moved {
		moved[k] = o.timeGradient(x, k)
	}
	step := max(1, sp.dim/max(n, 1))
	for i := range sp.dim {
		if i >= len(sp.coords) && i%step != 0 {
			continue
		}
		d, times, ok, err := o.difference(ctx, x, timed, i)
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		for k, dt := range times {
			got, size := moved[k][i], 1e-300
			for _, g := range moved[k] {
				size = math.Max(size, math.Abs(g))
			}
			c.Times = append(c.Times, TimeRow{k, CertificateRow{o.coordinateName(i), dt, got}})
			// Differences of a time know it to the solver's tolerance only.
			if e := math.Abs(dt-got) / math.Max(size, 1e-3); e > c.Worst && e > 1e-6 || math.IsNaN(e) {
				c.Worst, c.Where = e, fmt.Sprintf("%s, by the time of event %s at %.6g", o.coordinateName(i), c.EventNames[k], c.EventTimes[k])
			}
		}
		c.Values++
		c.Rows = append(c.Rows, CertificateRow{o.coordinateName(i), d, grad[i]})
		if e := math.Abs(d-grad[i]) / (size + 1e-300); e > c.Worst || math.IsNaN(e) {
			c.Worst, c.Where = e, o.coordinateName(i)
		}
	}
	return c, nil
}

// mostTimed is how many events a certificate looks at one by one.
const mostTimed = 4

// timeGradient is the derivative of the time of record k of the last run's log
// by the coordinates, in the objective's mode.
func (o *objective) timeGradient(x []float64, k int) []float64 {
	w, s := o.workers[0], &o.slots[0]
	l := w.runs[0]
	clear(l.bp)
	clear(l.bq)
	clear(s.gNat)
	clear(s.g)
	w.sys.clearAccount()
	l.ct = sim.Cotangents{EventT: make([]float64, len(l.traj.Log))}
	l.ct.EventT[k] = 1
	w.ready = append(w.ready[:0], l)
	o.backward(w, o.items[:1])
	out := append([]float64{}, s.g...)
	n := len(o.sp.coords)
	o.sp.trans.Pullback(out[:n], x[:n], s.gNat)
	return out
}

// difference is the derivative by coordinate i of the loss, and of the times
// of the first events of the log, from central differences with Richardson
// extrapolation; ok is false where the events change with it.
func (o *objective) difference(ctx context.Context, x []float64, events, i int) (d float64, times []float64, ok bool, err error) {
	keep := x[i]
	defer func() { x[i] = keep }()
	kinks := 0
	at := func(h float64) []float64 {
		x[i] = keep + h
		r, e := o.Eval(ctx, x, nil, 1, nil)
		if e != nil {
			err = e
		}
		if r.Failed {
			kinks++
		}
		kinks += r.Kinks
		v := []float64{r.Loss}
		for k := range events {
			t := math.NaN()
			if log := o.slots[0].traj.Log; k < len(log) {
				t = log[k].T
			}
			v = append(v, t)
		}
		return v
	}
	h := 1e-4 * math.Max(1, math.Abs(keep))
	a, b, c, e := at(h), at(-h), at(h/2), at(-h/2)
	v := make([]float64, events+1)
	for k := range v {
		v[k] = (4*(c[k]-e[k])/h - (a[k]-b[k])/(2*h)) / 3
	}
	return v[0], v[1:], kinks == 0, err
}
