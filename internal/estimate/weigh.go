package estimate

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"sort"
	"strings"

	"gonum.org/v1/gonum/mat"

	"github.com/pinode/pinode/fit"
	"github.com/pinode/pinode/internal/engine"
	"github.com/pinode/pinode/internal/loss"
)

// weigh says what the result at x is worth: how residuals compare with the noise, and
// how well the parameters are told.
func (f *Fit) weigh(ctx context.Context, x []float64) error {
	squares, _, err := loss.NewSquares(f.Objective)
	if err != nil {
		return err
	}
	if squares == nil || squares.Rows() == 0 || float64(squares.Rows())*float64(len(x)) > mostProducts/100 {
		if bent(f.Plan) && f.State.Status != fit.Interrupted {
			f.standardErrors(ctx, x)
		}
		f.judge(nil)
		return nil
	}
	r, jac := make([]float64, squares.Rows()), mat.NewDense(squares.Rows(), len(x), nil)
	res, err := squares.Linear(ctx, x, 1, r, jac)
	if err != nil {
		return err
	}
	if res.Failed {
		f.judge(nil)
		return nil
	}
	kinds := f.Objective.NewDeviations(f.told.Noise(), slices.Clone(x)).Kind
	m := &misfit{}
	summed(f, m, squares, r, func(element int, r float64) {
		if kinds[element] == loss.Declared {
			m.declared(element, r)
		}
		m.learned = m.learned || kinds[element] == loss.Learned
	})
	if bent(f.Plan) && f.State.Status != fit.Interrupted {
		f.normalErrors(ctx, x, squares, jac, &res)
	}
	f.exchange = exchanged(ctx, f, x)
	f.judge(m)
	return nil
}

// summed adds residuals to a misfit: in series, and each in what sizes makes of it.
func summed(f *Fit, m *misfit, squares *loss.Squares, r []float64, sizes func(element int, r float64)) {
	place := inSeries(f)
	if place == nil { // as they come, and none of them is kept
		squares.Misfit(r, func(trajectory, _, element int, r float64) {
			sizes(element, r)
			m.add(trajectory, element, r)
		})
		return
	}
	var signs []sign
	squares.Misfit(r, func(trajectory, _, element int, r float64) {
		sizes(element, r)
		signs = append(signs, sign{int32(place[trajectory]), int32(element), r})
	})
	slices.SortStableFunc(signs, func(a, b sign) int { return cmp.Compare(a.place, b.place) })
	for _, s := range signs {
		m.add(0, int(s.element), s.r)
	}
}

// sign is a residual of an element of observations, with the place of its trajectory in the series.
type sign struct {
	place, element int32
	r              float64
}

// inSeries are the places of trajectories of one row each in the order of what tells these apart, as one series; nil:
// there is no such order.
func inSeries(f *Fit) []int {
	series := f.told.Series()
	if len(series) != len(f.Objective.Trajectories) {
		return nil
	}
	place := make([]int, len(series))
	for at, i := range series {
		place[i] = at
	}
	return place
}

// normalErrors are the standard errors of the normal approximation at the optimum,
// with the weights of networks free: from the Schur complement of the curvature,
// in which the ridge of the fit tells the weights that the data do not.
func (f *Fit) normalErrors(ctx context.Context, x []float64, squares *loss.Squares, jac *mat.Dense, res *fit.Result) {
	sp := f.Objective.Space
	var params, weights []int
	for i := range x {
		switch {
		case i >= len(sp.Params):
			weights = append(weights, i)
		case moves(f, x, i):
			params = append(params, i)
		}
	}
	if len(params)+len(weights) == 0 {
		return
	}
	h, err := curvatureAt(ctx, f, x, squares, jac, res, append(slices.Clone(params), weights...))
	if err != nil {
		return
	}
	if f.ridge != nil {
		for _, i := range weights {
			h.SetSym(i, i, h.At(i, i)+f.ridge[i])
		}
	}
	scale := 1.
	if !likelihood(f.prog) { // the noise is that of the residuals
		left := float64(f.Objective.Total - len(params))
		if left < 1 {
			return
		}
		scale = math.Sqrt(2 * res.Loss / left)
	}
	beside, err := boundedBy(ctx, f, squares, x)
	if err != nil {
		return
	}
	var u *fit.Uncertainty
	if len(params) > 0 {
		if u, err = laplace(f, h, beside, params, weights); err != nil {
			return
		}
	}
	f.covariance = f.covarianceOf(h, x, params, weights, scale)
	if len(params) == 0 {
		return
	}
	at := map[int]float64{}
	for k, i := range params {
		at[i] = u.StdErr[k] * scale * math.Abs(sp.Transforms[i].Derivative(x[i]))
	}
	if f.held != nil {
		for i, v := range heldErrors(f, h, u, params, weights, scale) {
			at[i] = v * math.Abs(sp.Transforms[i].Derivative(x[i]))
		}
	}
	k := 0
	for i := range f.Estimates {
		e := &f.Estimates[i]
		if e.Fixed {
			continue
		}
		if v, ok := at[k]; ok {
			e.StdErr = v
		}
		k++
	}
	if f.State.Status == fit.MaxTime {
		return // where a fit was cut off says nothing of what the data tell
	}
	warnOfFree(f, u, params)
	warnOfWide(f, u, params, x, scale)
}

// covarianceOf is the covariance that bands of blocks are of. Where the fit has set no ridge, one of the size
// of the weights stands for what the data do not tell.
func (f *Fit) covarianceOf(h *mat.SymDense, x []float64, params, weights []int, scale float64) *covariance {
	if len(weights) == 0 {
		return nil
	}
	if f.ridge == nil {
		r := newRidge(f.Objective, x)
		told := r.vector(r.first(x))
		h = mat.NewSymDense(h.SymmetricDim(), append([]float64{}, h.RawSymmetric().Data...))
		for _, i := range weights {
			h.SetSym(i, i, h.At(i, i)+told[i])
		}
	}
	return newCovariance(h, append(slices.Clone(params), weights...), scale)
}

// heldErrors are the standard errors of parameters that are held back, in coordinates: with those of
// the others in them, of weights of networks too where these are not too many to invert their curvature.
func heldErrors(f *Fit, h *mat.SymDense, u *fit.Uncertainty, params, weights []int, scale float64) map[int]float64 {
	if f.held.follow == nil {
		return f.held.errs
	}
	if all := append(slices.Clone(params), weights...); len(weights) > 0 && len(all) <= mostExact {
		if u, err := fit.Laplace(schur(h, all, nil)); err == nil {
			return f.held.widened(u.Cov, all, scale)
		}
	}
	return f.held.widened(u.Cov, params, scale)
}

// moves reports whether a parameter is one that the fit tells: it is not held at an end of its interval.
func moves(f *Fit, x []float64, i int) bool {
	return !math.IsInf(x[i], 0) && f.Objective.Space.Transforms[i].Derivative(x[i]) > 0 && !f.held.has(i)
}

// mostObserved is the number of coordinates up to which a curvature is observed.
const mostObserved = 60

// curvatureAt is that of the loss at x, of which the chosen coordinates are asked for: what
// is expected or, where values beyond a limit are known to be there and no more, what is observed.
func curvatureAt(ctx context.Context, f *Fit, x []float64, squares *loss.Squares, jac *mat.Dense, res *fit.Result, coords []int) (*mat.SymDense, error) {
	if !loss.Censored(f.Objective) || len(coords) > mostObserved {
		return squares.Curvature(x, jac), nil
	}
	part, err := loss.Observed(ctx, f.Objective, forTrainer(f.Objective), x, coords, float64(max(1, res.Values)))
	if err != nil {
		return nil, err
	}
	h := mat.NewSymDense(len(x), nil)
	for i, a := range coords {
		for j := i; j < len(coords); j++ {
			h.SetSym(a, coords[j], part.At(i, j))
		}
	}
	return h, nil
}

// likelihood reports whether all observations have distributions.
func likelihood(prog *engine.Compiled) bool {
	for _, o := range prog.Checked.Model.Observes {
		if o.Dist == nil {
			return false
		}
	}
	return true
}

// schur is the Schur complement of the second block in a positive matrix: the curvature
// along the first coordinates where the others follow. Directions of the second block that
// nothing bends are left where they are.
func schur(h *mat.SymDense, first, second []int) *mat.SymDense {
	n, m := len(first), len(second)
	out := mat.NewSymDense(n, nil)
	for i, a := range first {
		for j := i; j < n; j++ {
			out.SetSym(i, j, h.At(a, first[j]))
		}
	}
	if m == 0 {
		return out
	}
	inner, cross, size := mat.NewSymDense(m, nil), mat.NewDense(m, n, nil), make([]float64, m)
	for i, a := range second {
		if size[i] = math.Sqrt(h.At(a, a)); size[i] == 0 {
			size[i] = 1
		}
	}
	for i, a := range second {
		for j := i; j < m; j++ {
			inner.SetSym(i, j, h.At(a, second[j])/size[i]/size[j])
		}
		inner.SetSym(i, i, inner.At(i, i)+nothing)
		for j, b := range first {
			cross.Set(i, j, h.At(a, b)/size[i])
		}
	}
	var chol mat.Cholesky
	if !chol.Factorize(inner) {
		return out
	}
	var half mat.Dense // inner⁻¹ cross
	if err := chol.SolveTo(&half, cross); err != nil {
		if _, poor := err.(mat.Condition); !poor {
			return out
		}
	}
	var taken mat.Dense
	taken.Mul(cross.T(), &half)
	for i := range n {
		for j := i; j < n; j++ {
			out.SetSym(i, j, out.At(i, j)-(taken.At(i, j)+taken.At(j, i))/2)
		}
	}
	return out
}

// nothing is the scaled curvature that is given to weights that nothing bends.
const nothing = 1e-10

// warnOfFree warns of combinations of parameters that the data do not tell.
func warnOfFree(f *Fit, u *fit.Uncertainty, params []int) {
	for _, d := range u.Free {
		list := partsOf(f, d.Move, params, 0.1)
		text := fmt.Sprintf("the data do not tell %s", quoted(list))
		if len(list) > 1 {
			text = fmt.Sprintf("the data do not tell %s apart: together they can move without a change of the loss", quoted(list))
		}
		leftOpen(f, list, text)
	}
}

// wideLogit is the standard error of the logit of a parameter's place in its interval at which most
// of the interval is left open.
const wideLogit = 3

// warnOfWide warns of combinations of parameters that the data tell badly: one standard error
// is a factor of e, or most of an interval. Others have no size of their own.
func warnOfWide(f *Fit, u *fit.Uncertainty, params []int, x []float64, scale float64) {
	sp := f.Objective.Space
	unit := make([]float64, len(params))
	for k, i := range params {
		iv := sp.Transforms[i].Interval()
		unit[k] = math.Inf(1)
		switch lo, hi := !math.IsInf(iv.Lo, 0), !math.IsInf(iv.Hi, 0); {
		case lo && hi && math.Abs(x[i]) < 2*wideLogit: // not at an end
			unit[k] = wideLogit / scale
		case lo != hi:
			unit[k] = 1 / scale
		}
	}
	for _, d := range u.Wide(unit) {
		list, scale := partsOf(f, d.Move, params, 0.3), scale
		if list[0].v < 0 {
			scale = -scale // the other end of the same line
		}
		var moves []string
		for _, p := range list {
			if iv := sp.Transforms[p.param].Interval(); iv.Lo == 0 && math.IsInf(iv.Hi, 1) {
				moves = append(moves, fmt.Sprintf("`%s` by %s", p.name, factor(p.v*scale)))
			}
		}
		text := fmt.Sprintf("the data hardly tell %s: one standard error moves it", quoted(list))
		if len(list) > 1 {
			text = fmt.Sprintf("the data hardly tell %s apart: one standard error moves them together", quoted(list))
		}
		if len(moves) > 0 {
			text += ", " + strings.Join(moves, " and ")
		}
		leftOpen(f, list, text)
	}
}

// factor says by what a value moves whose logarithm moves so far.
func factor(log float64) string {
	const most = 1e6 // what is beyond has no meaning of its own
	switch {
	case log > math.Log(most):
		return fmt.Sprintf("a factor of more than %g", most)
	case log < -math.Log(most):
		return fmt.Sprintf("a factor of less than %g", 1/most)
	}
	return fmt.Sprintf("a factor of %.2g", math.Exp(log))
}

// leftOpen notes a combination of parameters that the data leave open.
func leftOpen(f *Fit, list []component, text string) {
	names := make([]string, len(list))
	for i, p := range list {
		names[i] = p.name
	}
	f.open = append(f.open, strings.Join(names, " with "))
	f.Warnings.Warnf("unidentified", f.prog.Checked.Model.Span, "%s", text)
}

// component is that of a parameter in a direction.
type component struct {
	name  string
	param int
	v     float64
}

// mostComponents is how many parameters of a direction are named.
const mostComponents = 6

// partsOf are the parameters that take part in a direction with so much of the largest
// component, the largest first.
func partsOf(f *Fit, move []float64, params []int, share float64) (list []component) {
	most := 0.
	for _, v := range move {
		most = math.Max(most, math.Abs(v))
	}
	for k, v := range move {
		if math.Abs(v) > share*most {
			list = append(list, component{f.Objective.Name(params[k]), params[k], v})
		}
	}
	sort.SliceStable(list, func(i, j int) bool { return math.Abs(list[i].v) > math.Abs(list[j].v) })
	return list[:min(len(list), mostComponents)]
}

// few are the first of some names.
func few(names []string) string {
	const most = 4
	if len(names) > most {
		return strings.Join(names[:most], ", ") + " and others"
	}
	return strings.Join(names, ", ")
}

// quoted are the names of components.
func quoted(list []component) string {
	names := make([]string, len(list))
	for i, p := range list {
		names[i] = "`" + p.name + "`"
	}
	return strings.Join(names, ", ")
}
