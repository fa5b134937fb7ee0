package estimate

import (
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
	if squares == nil || float64(squares.Rows())*float64(len(x)) > mostProducts/100 {
		if f.Plan.Uncertainty == "laplace" && f.State.Status != fit.Interrupted {
			f.standardErrors(ctx, x)
		}
		f.judge(nil)
		return nil
	}
	r, jac := make([]float64, squares.Rows()), mat.NewDense(squares.Rows(), len(x), nil)
	res, err := squares.Residuals(ctx, x, 1, r, jac)
	if err != nil {
		return err
	}
	if res.Failed {
		f.judge(nil)
		return nil
	}
	kinds := f.Objective.NewDeviations(f.told.Noise(), slices.Clone(x)).Kind
	m := &misfit{}
	squares.Misfit(r, func(trajectory, _, element int, r float64) {
		if kinds[element] == loss.Declared {
			m.chi += r * r
			m.n++
		}
		m.add(trajectory, element, r)
	})
	if f.Plan.Uncertainty == "laplace" && f.State.Status != fit.Interrupted {
		f.gaussNewtonErrors(x, jac, &res)
	}
	f.judge(m)
	return nil
}

// gaussNewtonErrors are the standard errors of the normal approximation at the optimum,
// with the weights of networks free: from the Schur complement of the Gauss–Newton
// matrix, in which the ridge of the fit tells the weights that the data do not.
func (f *Fit) gaussNewtonErrors(x []float64, jac *mat.Dense, res *fit.Result) {
	sp := f.Objective.Space
	var params, weights []int
	for i := range x {
		switch {
		case i >= len(sp.Params):
			weights = append(weights, i)
		case !math.IsInf(x[i], 0) && !f.held.has(i): // not held at an end
			params = append(params, i)
		}
	}
	if len(params) == 0 {
		return
	}
	var h mat.SymDense
	h.SymOuterK(1, jac.T())
	if f.ridge != nil {
		for _, i := range weights {
			h.SetSym(i, i, h.At(i, i)+f.ridge[i])
		}
	}
	u, err := fit.Laplace(schur(&h, params, weights))
	if err != nil {
		return
	}
	scale := 1.
	if !likelihood(f.prog) { // the noise is that of the residuals
		left := float64(f.Objective.Total - len(params))
		if left < 1 {
			return
		}
		scale = math.Sqrt(2 * res.Loss / left)
	}
	at := map[int]float64{}
	for k, i := range params {
		at[i] = u.StdErr[k] * scale * math.Abs(sp.Transforms[i].Derivative(x[i]))
	}
	if f.held != nil {
		for i, v := range f.held.errs {
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
	warnOfFree(f, u, params)
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
		type part struct {
			name string
			v    float64
		}
		var parts []part
		for k, v := range d.Vector {
			if math.Abs(v) > 0.1 {
				parts = append(parts, part{f.Objective.Name(params[k]), v})
			}
		}
		sort.SliceStable(parts, func(i, j int) bool { return math.Abs(parts[i].v) > math.Abs(parts[j].v) })
		var list []string
		for _, p := range parts[:min(len(parts), 4)] {
			list = append(list, "`"+p.name+"`")
		}
		text := fmt.Sprintf("the data do not tell %s", strings.Join(list, ", "))
		if len(list) > 1 {
			text = fmt.Sprintf("the data do not tell %s apart: together they can move without a change of the loss", strings.Join(list, ", "))
		}
		f.Warnings.Warnf("unidentified", f.prog.Checked.Model.Span, "%s", text)
	}
}
