package estimate

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/pinode/pinode/fit"
)

// Profiled is the profile of the likelihood by a parameter: values of it, and how far the negative
// log-likelihood, least in all else, has risen there.
type Profiled struct {
	*fit.Estimate
	At, Rise []float64
}

// bent reports whether a plan asks for the curvature of the loss.
func bent(p *fit.Plan) bool { return p.Uncertainty == "laplace" || p.Uncertainty == "profile" }

// firstStep is that of a profile in coordinates, where no standard error tells it.
const firstStep = 0.3

// profile finds the intervals of the parameters that the fit tells. What is not found is told, and
// no error.
func profile(ctx context.Context, f *Fit, x []float64) error {
	f.Profiles = nil
	sp := f.Objective.Space
	of := &part{Objective: forTrainer(f.Objective), full: slices.Clone(x), grad: make([]float64, len(x)), ridge: f.ridge}
	for i := range x {
		if i >= len(sp.Params) || moves(f, x, i) {
			of.coords = append(of.coords, i)
		}
	}
	res, err := of.Objective.Eval(ctx, x, nil, 1, nil)
	if err != nil || res.Failed {
		return err
	}
	of.total = float64(max(1, res.Values))
	scale, err := fit.InformationScale(res, min(len(sp.Params), res.Values-1), likelihood(f.prog))
	if err != nil {
		f.Warnings.Warnf("no-interval", f.prog.Checked.Model.Span, "there are no intervals of parameters: no observation declares its noise, and a loss of %.3g tells nothing of it", res.Loss)
		return nil
	}
	k := 0
	for i := range f.Estimates {
		e := &f.Estimates[i]
		if e.Fixed {
			continue
		}
		c := slices.Index(of.coords, k)
		t := &sp.Transforms[k]
		if k++; c < 0 {
			if !f.held.has(k - 1) {
				noInterval(f, e.Name, fmt.Sprintf("the data drive it to %g, the end of its interval, and it is held there", e.Value))
			}
			continue
		}
		if f.walled[k-1] {
			noInterval(f, e.Name, fmt.Sprintf("rows of data next to %s hold it, where the likelihood jumps; the standard error is that of where it may be between them", strings.Join(f.beside, ", ")))
			continue
		}
		step := e.StdErr / math.Abs(t.Derivative(x[k-1])) / 2
		if !(step > 0) || math.IsInf(step, 0) {
			step = firstStep
		}
		p, err := fit.NewProfile(ctx, of, of.at(x), c, step, scale, fit.Rise95)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		var lower *fit.LowerError
		if errors.As(err, &lower) {
			noInterval(f, e.Name, fmt.Sprintf("with it at %.6g the log-likelihood is higher than at the estimate, by %.3g: the fit has not come to its optimum; let it go on, or leave out `optimizer`", t.Forward(lower.At), lower.By))
			continue
		}
		if err != nil {
			noInterval(f, e.Name, err.Error())
			continue
		}
		keepProfile(f, i, k-1, p)
	}
	return nil
}

// noInterval tells why there is none of a parameter.
func noInterval(f *Fit, name, why string) {
	f.Warnings.Warnf("no-interval", f.prog.Checked.Model.Span, "there is no 95 %% interval of `%s`: %s", name, why)
}

// keepProfile takes over the profile of an estimate by its coordinate.
func keepProfile(f *Fit, estimate, coordinate int, p *fit.Profile) {
	e, t := &f.Estimates[estimate], &f.Objective.Space.Transforms[coordinate]
	for side, why := range p.Blocked {
		if why != "" {
			which := [...]string{"lower", "upper"}[side]
			noInterval(f, e.Name, fmt.Sprintf("on the way to its %s end the model fails (%s)", which, why))
			return
		}
	}
	e.Likely = &[2]float64{e.Lo, e.Hi}
	for side, end := range []float64{p.Lo, p.Hi} {
		if !math.IsInf(end, 0) {
			e.Likely[side] = t.Forward(end)
		}
	}
	for side, end := range e.Likely {
		if math.Abs(end-e.Value) < nextTo*e.StdErr && end != [...]float64{e.Lo, e.Hi}[side] {
			e.Likely = nil
			noInterval(f, e.Name, "the likelihood jumps right beside the estimate, as where an event comes to lie on the other side of a row of data")
			return
		}
	}
	out := Profiled{Estimate: e}
	for _, at := range p.Points {
		out.At, out.Rise = append(out.At, t.Forward(at.At)), append(out.Rise, at.Rise)
	}
	f.Profiles = append(f.Profiles, out)
}

// nextTo is the part of a standard error within which no end of an interval lies, unless the likelihood jumps.
const nextTo = 0.02

// part is the loss by some of its coordinates, the others held, with the ridge of the weights that
// the fit has set: without it weights could leave the optimum that the estimates belong to.
type part struct {
	fit.Objective
	coords     []int
	full, grad []float64
	ridge      []float64
	total      float64 // values, of which the loss is the mean
}

// Dim implements fit.Objective.
func (p *part) Dim() int { return len(p.coords) }

// at are the coordinates among all.
func (p *part) at(x []float64) []float64 {
	out := make([]float64, len(p.coords))
	for k, i := range p.coords {
		out[k] = x[i]
	}
	return out
}

// Eval implements fit.Objective.
func (p *part) Eval(ctx context.Context, x []float64, batch []int, horizon float64, grad []float64) (fit.Result, error) {
	for k, i := range p.coords {
		p.full[i] = x[k]
	}
	var full []float64
	if grad != nil {
		full = p.grad
	}
	res, err := p.Objective.Eval(ctx, p.full, batch, horizon, full)
	if err != nil || res.Failed {
		return res, err
	}
	for k, i := range p.coords {
		if grad != nil {
			grad[k] = full[i]
		}
		if p.ridge != nil {
			res.Loss += p.ridge[i] * x[k] * x[k] / 2 / p.total
			if grad != nil {
				grad[k] += p.ridge[i] * x[k] / p.total
			}
		}
	}
	return res, nil
}
