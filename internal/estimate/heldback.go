package estimate

import (
	"context"
	"maps"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"

	"github.com/pinode/pinode/compiler/exec"
	"github.com/pinode/pinode/dsl/diag"
	"github.com/pinode/pinode/fit"
	"github.com/pinode/pinode/internal/loss"
	"github.com/pinode/pinode/internal/problem"
)

// heldBack are the parameters per key that no trajectory of training has, but one that is
// held back. They are estimated behind the fit, on the rows that are given, with all
// other parameters and the weights held: nothing else is learned from these rows.
type heldBack struct {
	squares *loss.Squares   // over the rows that are given; nil: no such parameter has any
	coords  map[int]bool    // of all such parameters
	told    []int           // those with rows
	errs    map[int]float64 // their standard errors, in coordinates
	follow  *mat.Dense      // how those with rows follow all coordinates: a row for each
}

// newHeldBack finds these parameters.
func newHeldBack(f *Fit, c Options) (*heldBack, error) {
	o := f.Objective
	sp, h := o.Space, &heldBack{coords: map[int]bool{}, errs: map[int]float64{}}
	var known []*problem.Trajectory
	for _, it := range slices.Concat(o.Trajectories, o.Validation) {
		if k := it.Known(); k != nil {
			known = append(known, k)
		}
	}
	for i, p := range sp.Params {
		if !p.Slot.PerKey || c.Whole && knownValue(c.From, p.Name) {
			continue
		}
		has := func(it *problem.Trajectory) bool { return it.Keys[sp.PerKeyIndex(p.Param)] == p.Key }
		if !c.Whole && slices.ContainsFunc(o.Trajectories, has) {
			continue
		}
		told := slices.ContainsFunc(known, has)
		if c.Whole {
			if told {
				return nil, notGiven(f, p, "is that of a trajectory that the run does not know", "`pinode fit` estimates it where the trajectory is in `validate`")
			}
			continue
		}
		if h.coords[i] = true; told {
			h.told = append(h.told, i)
		}
	}
	if len(h.told) == 0 {
		return h, nil
	}
	part, err := loss.NewObjective(f.prog, sp, known, nil, f.solver, o.Gradient, exec.Double, f.Plan.Workers)
	if err != nil {
		return nil, err
	}
	squares, why, err := loss.NewSquares(part)
	if err == nil && squares == nil {
		err = notGiven(f, sp.Params[h.told[0]], "is to be estimated on rows that are `given`, and "+why, "leave out `given`, or train with these trajectories, too")
	}
	h.squares = squares
	return h, err
}

// knownValue reports whether values have a parameter.
func knownValue(v *problem.Values, name string) bool {
	if v == nil {
		return false
	}
	_, ok := v.Params[name]
	return ok
}

func notGiven(f *Fit, p problem.Parameter, why, help string) error {
	l := &diag.List{}
	l.Errorf("not-supported", p.Param.Span, "`%s` %s, which is not supported", p.Name, why).WithHelp("%s", help)
	return l.Err()
}

// estimate moves these parameters to where the rows that are given have them, from their
// start values and from the mean of those of training.
func (h *heldBack) estimate(ctx context.Context, f *Fit) error {
	if h == nil || h.squares == nil {
		return nil
	}
	p := &fit.Problem{Loss: h.squares, Horizon: 1, Ridge: make([]float64, len(f.X)), Center: slices.Clone(f.X), Most: make([]float64, len(f.X))}
	mean := slices.Clone(f.X)
	for _, i := range h.told {
		p.Most[i], p.Ridge[i] = 1, finalPrecision
		mean[i] = h.mean(f, i)
		p.Center[i] = mean[i]
	}
	var best *fit.Outcome
	search := &fit.Auto{Budget: 1, Do: func(s *fit.Session) error {
		for _, x := range [][]float64{mean, f.X} {
			o, err := s.Descend("rows that are given", p, x, lastRun)
			if err != nil {
				return err
			}
			if !o.Failed && (best == nil || o.Total() < best.Total()) {
				best = o
			}
		}
		s.Return(f.X, 0, fit.Converged, "")
		return nil
	}}
	tr := fit.Trainer{Objective: forTrainer(h.squares.Objective), Stages: []fit.Method{search}, Seed: f.Plan.Trainer.Seed}
	if _, err := tr.Run(ctx, slices.Clone(f.X)); err != nil || best == nil {
		return err
	}
	f.X = best.X
	return h.weigh(ctx, f)
}

// mean is that of a parameter's values in training, as coordinates.
func (h *heldBack) mean(f *Fit, of int) float64 {
	sp, sum, n := f.Objective.Space, 0., 0.
	for i, p := range sp.Params {
		if q := sp.Params[of]; p.Param == q.Param && p.Element == q.Element && !h.coords[i] && !math.IsInf(f.X[i], 0) {
			sum, n = sum+f.X[i], n+1
		}
	}
	if n == 0 {
		return f.X[of]
	}
	return sum / n
}

// weigh sets the standard errors with the other parameters held, and how these parameters
// follow the others.
func (h *heldBack) weigh(ctx context.Context, f *Fit) error {
	if f.Plan.Uncertainty != "laplace" {
		return nil
	}
	r, jac := make([]float64, h.squares.Rows()), mat.NewDense(h.squares.Rows(), len(f.X), nil)
	res, err := h.squares.Linear(ctx, f.X, 1, r, jac)
	if err != nil || res.Failed {
		return err
	}
	curve := h.squares.Curvature(f.X, jac)
	u, err := fit.Laplace(schur(curve, h.told, nil))
	if err != nil {
		return nil // there are no standard errors then
	}
	cross := mat.NewDense(len(h.told), len(f.X), nil)
	for k, i := range h.told {
		for j := range f.X {
			if !h.coords[j] {
				cross.Set(k, j, -curve.At(i, j))
			}
		}
	}
	h.follow = new(mat.Dense)
	h.follow.Mul(u.Cov, cross)
	scale := 1.
	if !likelihood(f.prog) {
		scale = math.Sqrt(2 * res.Loss / math.Max(1, float64(res.Values-len(h.told))))
	}
	for k, i := range h.told {
		h.errs[i] = u.StdErr[k] * scale
	}
	return nil
}

// widened are the standard errors with what these parameters follow others of which the fit has a
// covariance: the rows that are given are no rows of training.
func (h *heldBack) widened(cov mat.Symmetric, coords []int, scale float64) map[int]float64 {
	out := maps.Clone(h.errs)
	for k, i := range h.told {
		v := mat.NewVecDense(len(coords), nil)
		for n, j := range coords {
			v.SetVec(n, h.follow.At(k, j))
		}
		out[i] = math.Sqrt(h.errs[i]*h.errs[i] + scale*scale*mat.Inner(v, cov, v))
	}
	return out
}

// has reports whether a coordinate is such a parameter.
func (h *heldBack) has(i int) bool { return h != nil && h.coords[i] }

// warn names those without rows.
func (h *heldBack) warn(f *Fit) {
	var list []string
	for i := range f.Objective.Space.Params {
		if h.coords[i] && !slices.Contains(h.told, i) {
			list = append(list, "`"+f.Objective.Name(i)+"`")
		}
	}
	if len(list) == 0 {
		return
	}
	f.Warnings.Warnf("held-back", f.prog.Checked.Model.Span, "what is held back is predicted with the start value of %s: nothing tells it", few(list)).
		WithHelp("write in the data block which rows are known, `given: …`, or leave these trajectories in training")
}
