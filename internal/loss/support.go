package loss

import (
	"fmt"
	"math"
	"strconv"

	"github.com/pinode/pinode/compiler"
	"github.com/pinode/pinode/compiler/check"
	"github.com/pinode/pinode/compiler/lower"
	"github.com/pinode/pinode/data"
	"github.com/pinode/pinode/internal/engine"
	"github.com/pinode/pinode/internal/problem"
	"github.com/pinode/pinode/sim"
)

// support is where a distribution has a density.
type support struct {
	datum      func(v float64) bool
	data       string // which data that is, in words
	prediction func(v, datum float64) bool
	needs      string // which predictions
	help       string
}

func above0(v float64) bool { return v > 0 }

func count(v float64) bool { return v >= 0 && v == math.Floor(v) }

func share(v float64) bool { return v >= 0 && v <= 1 }

func positive(v, _ float64) bool { return v > 0 }

func expected(v, datum float64) bool { return v > 0 || v == 0 && datum == 0 }

func probable(v, datum float64) bool {
	return v > 0 && v < 1 || v == 0 && datum == 0 || v == 1 && datum == 1
}

// supports are those of distributions that do not have all numbers.
var supports = map[string]support{
	"lognormal":   {above0, "data above 0", positive, "a prediction above 0", "keep it above 0, or observe it with `normal`, or as `log(…)` where it cannot be 0"},
	"poisson":     {count, "whole numbers from 0 on", expected, "a prediction above 0", "keep the mean above 0, by a small background for example"},
	"negbinomial": {count, "whole numbers from 0 on", expected, "a prediction above 0", "keep the mean above 0, by a small background for example"},
	"bernoulli": {
		share, "data from 0 to 1", probable,
		"a prediction between 0 and 1", "let it come from a function with these bounds, like `1/(1 + exp(-z))`",
	},
}

// CheckSupport refuses data that their distribution cannot give: their loss is
// not finite, whatever the parameters are.
func CheckSupport(p *compiler.Program, trajectories []*problem.Trajectory) error {
	for _, it := range trajectories {
		for _, slot := range p.Model.Layout.Observes {
			o := slot.Object.(*check.Observe)
			below, limited := constantLimit(o.Below)
			if o.Below != nil && !limited {
				continue // a row's own limit
			}
			if o.Dist == nil || o.Weight == 0 && o.Weights == nil {
				continue
			}
			s, limited := supports[o.Dist.Name]
			if !limited {
				continue
			}
			for _, r := range it.Rows {
				for k := range slot.N {
					v := r.Data()[slot.Off+k]
					if r.Seen()[slot.Off+k] == 0 || s.datum(v) || v <= below {
						continue
					}
					at := it.Name
					if at != "" {
						at = "trajectory " + at + ", "
					}
					return &data.Error{
						File: it.Set.File, Line: r.Line(), Text: at + fmt.Sprintf("t = %.6g: `%s` is %.6g, and %s has %s only", it.Span.Saves[r.Save()], lower.ElementName(&o.Obj, k), v, o.Dist.Name, s.data),
						Help: "leave the value empty if it was not measured, or take another distribution",
					}
				}
			}
		}
	}
	return nil
}

// constantLimit is the lower limit of what can be measured, if it is a number; without one
// there is none.
func constantLimit(x *check.Expr) (limit float64, constant bool) {
	if x == nil {
		return math.Inf(-1), true
	}
	v, ok := check.Evaluate(x, func(*check.Expr) ([]float64, bool) { return nil, false })
	if !ok {
		return math.Inf(-1), false
	}
	return v[0], true
}

// badRow is the failure of a run whose loss is not a finite number: its first
// row for which that is so, and why.
func (s *Worker) badRow(l *Run) *sim.Failure {
	w, tr := s.Worker, &l.Traj
	fail := sim.NewFailure(sim.Unstable, tr.T, "the loss is not a finite number")
	for i := range l.rows {
		r := l.rows[i]
		k := r.Save()
		w.System.RowAt(l.Span.Saves[k], tr.SaveY.At(k), tr.SaveD.At(k), tr.BeforeY.At(k), tr.BeforeD.At(k), r.Data(), r.Seen(), r.Inputs(), r.Own())
		w.System.Row.Run.Run()
		if engine.Number(w.System.Row.Run.Value[0]) {
			continue
		}
		fail.T = l.Span.Saves[k]
		for i, v := range w.System.Row.Run.Terms {
			if engine.Number(v) {
				continue
			}
			if x := s.objective.parts[rowsPart].(*observedRows).lossOf(i); x != nil {
				fail.Detail = fmt.Sprintf("the loss `%s` is %.6g, of %s", x.Name, v, check.Text(x.Value))
				return fail
			}
			fail.Detail = s.badObservation(i, r, v)
			return fail
		}
	}
	return fail
}

// badObservation says why the loss of observation i at the row that the system is at is
// not finite.
func (s *Worker) badObservation(i int, r problem.Row, loss float64) string {
	slot, pred := s.objective.Prog.Model.Layout.Observes[i], s.Worker.System.Predict()
	o := slot.Object.(*check.Observe)
	name := func(k int) string { return lower.ElementName(&o.Obj, k) }
	for k := range slot.N {
		at := slot.Off + k
		if r.Seen()[at] == 0 {
			continue
		}
		if v := pred[at]; !engine.Number(v) {
			return fmt.Sprintf("the prediction of `%s` is %.6g, by %s; keep what it is made of where that is a number", name(k), v, check.Text(o.Value))
		}
	}
	if o.Dist == nil {
		return fmt.Sprintf("the loss of `%s` is %.6g, as the prediction is too far from the data", o.Name, loss)
	}
	if text := s.badSpread(i, o); text != "" {
		return text
	}
	for k := range slot.N {
		at := slot.Off + k
		d, limited := supports[o.Dist.Name]
		if v := pred[at]; limited && r.Seen()[at] != 0 && !d.prediction(v, r.Data()[at]) {
			return fmt.Sprintf("the prediction of `%s` is %.6g where %.6g was measured, and %s needs %s; %s", name(k), v, r.Data()[at], o.Dist.Name, d.needs, d.help)
		}
	}
	return fmt.Sprintf("the loss of `%s` is %.6g, as the prediction is too far from the data for %s", o.Name, loss, o.Dist.Name)
}

// badSpread names an argument of an observation's distribution that is not
// above 0 at the row that the system is at, as all of them have to be.
func (s *Worker) badSpread(i int, o *check.Observe) string {
	noise, err := NewNoise(s.objective.Prog)
	if err != nil || noise == nil {
		return ""
	}
	noise.At(s.Worker.System)
	for j, a := range o.Dist.Args {
		for _, v := range noise.Argument(i, j) {
			if !(v > 0) || !engine.Number(v) {
				return fmt.Sprintf("`%s` in %s of `%s` is %s, and has to be above 0; bound the parameters of it, as `param sd in (0, inf)`, or write it so that it cannot vanish",
					check.Text(a), o.Dist.Name, o.Name, strconv.FormatFloat(v, 'g', 6, 64))
			}
		}
	}
	return ""
}

// BadDerivative is the failure of a run whose loss is finite and whose gradient
// is not: the first row with such a derivative or, at the start and the saves,
// the first equation.
func (s *Worker) BadDerivative(l *Run) *sim.Failure {
	w, tr := s.Worker, &l.Traj
	fail := sim.NewFailure(sim.Unstable, tr.T, "")
	for i := range l.rows {
		r := l.rows[i]
		k := r.Save()
		w.System.RowAt(l.Span.Saves[k], tr.SaveY.At(k), tr.SaveD.At(k), tr.BeforeY.At(k), tr.BeforeD.At(k), r.Data(), r.Seen(), r.Inputs(), r.Own())
		v := w.System.Row.VJP
		w.System.ClearGradient()
		w.System.Row.Ct[0] = 1
		v.Run()
		if engine.Finite(v.YBar) && engine.Finite(v.DBar) && engine.Finite(w.System.PBar) && engine.Finite(w.System.QBar) {
			continue
		}
		fail.T = l.Span.Saves[k]
		fail.Detail = "the loss is finite and its derivative is not: a prediction or a spread has a square root, a power or the like where its slope is infinite"
		w.System.ClearGradient()
		return fail
	}
	m := s.objective.Prog
	at := func(t float64, y, d []float64) string {
		w.System.At(t, y, d)
		for _, slot := range m.Model.Layout.States {
			st := slot.Object.(*check.State)
			for k := range slot.N {
				clear(w.System.Rhs.Ct)
				w.System.ClearGradient()
				w.System.Rhs.Ct[slot.Off+k] = 1
				w.System.Rhs.VJP.Run()
				if !engine.Finite(w.System.Rhs.VJP.YBar) || !engine.Finite(w.System.PBar) || !engine.Finite(w.System.QBar) {
					return fmt.Sprintf("the derivative of %s' = %s is not finite there: a square root, a power or a quotient has an infinite slope, or a discrete variable is infinite in it; say what holds there in an `if`, start beside that point, or read the variable in an `if` that is true when it is finite",
						lower.ElementName(&st.Obj, k), check.Text(st.Deriv))
				}
			}
		}
		return ""
	}
	defer w.System.ClearGradient()
	y, d := make([]float64, len(tr.Y)), make([]float64, len(tr.D))
	l.Model.Init(l.Span.T0, y, d)
	fail.T = l.Span.T0
	if fail.Detail = at(fail.T, y, d); fail.Detail != "" {
		return fail
	}
	for k, t := range l.Span.Saves[:tr.Saved] {
		if fail.T, fail.Detail = t, at(t, tr.SaveY.At(k), tr.SaveD.At(k)); fail.Detail != "" {
			return fail
		}
	}
	fail.T = tr.T
	fail.Detail = "the loss is finite and its gradient is not, and no equation has an infinite slope at the rows of data: either one has between them, or a guard or a jump, " +
		"or derivatives grow from step to step where the state does not, as that of a fast state which stays at 0; try `gradient: adjoint`, or a smaller `rtol`"
	return fail
}
