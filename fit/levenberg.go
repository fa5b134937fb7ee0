package fit

import (
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/lapack/lapack64"
	"gonum.org/v1/gonum/mat"

	"github.com/pinode/pinode/internal/kernel"
)

// LevenbergMarquardt minimises a sum of squares inside a scaled trust region:
// the coordinates are measured by the largest norm that their column of the
// Jacobian has had, and each step is the least-squares step of the linear
// model within ‖D p‖ ≤ Δ. A trial point where a solve fails shrinks the
// region and is never accepted.
//
// J.J. Moré, The Levenberg–Marquardt algorithm: implementation and theory,
// Lecture Notes in Mathematics 630, 105–116, 1978. The step is found from
// singular values instead of Moré's pivoted QR, which also settles Jacobians
// of deficient rank.
type LevenbergMarquardt struct {
	MaxIterations int
	Factor        float64 // the first Δ is Factor·‖D x‖, or Factor at x = 0
	LossTol       float64 // converged when actual and predicted relative falls of the sum are below
	StepTol       float64 // or when Δ is below this fraction of ‖D x‖
	GradTol       float64 // or when no column of the Jacobian makes a larger cosine with the residual
}

// Name is the name in the list Optimizers.
func (*LevenbergMarquardt) Name() string { return "levenberg_marquardt" }

// Iterations is the largest number of accepted steps.
func (m *LevenbergMarquardt) Iterations() int { return m.MaxIterations }

func (m *LevenbergMarquardt) check() error {
	if !(m.Factor > 0) || m.LossTol < 0 || m.StepTol < 0 || m.GradTol < 0 {
		return errors.New("factor must be positive, ftol, xtol and gtol not negative")
	}
	return nil
}

// trust is the memory of a trust-region stage.
type trust struct {
	Delta float64 `json:"delta"`         // radius; 0 before the first step
	Scale Vector  `json:"scale"`         // the diagonal of D; empty before the first step
	Met   string  `json:"met,omitempty"` // the tolerance that has been met
}

// levenberg is the method at work on one stage.
type levenberg struct {
	*run
	m       *LevenbergMarquardt
	d       *trust
	model   Residuals
	horizon float64

	x, trial []float64
	r, rNew  []float64
	f        float64 // ‖r‖
	jac      *mat.Dense
	lin      linear
	q, p     []float64 // the step, scaled by D and not

	rec    Record
	failed *Failure // of the last trial
}

func (m *LevenbergMarquardt) run(r *run) (Status, error) {
	s := r.state
	model := r.Objective.(Residuals)
	rows, n := model.Rows(), len(s.X)
	if rows < 1 {
		return Running, fmt.Errorf("%s: there is no measured value", m.Name())
	}
	if s.Method.Trust == nil {
		s.Method.Trust = new(trust)
	}
	e := &levenberg{
		run: r, m: m, d: s.Method.Trust, model: model, horizon: r.Curriculum.At(math.MaxInt),
		x: s.X, trial: make([]float64, n), r: make([]float64, rows), rNew: make([]float64, rows),
		jac: mat.NewDense(rows, n, nil), q: make([]float64, n), p: make([]float64, n),
	}
	if len(e.d.Scale) > 0 && len(e.d.Scale) != n {
		return Running, fmt.Errorf("the checkpoint is damaged: the memory of %s does not fit the model", m.Name())
	}
	for first := true; ; first = false {
		switch scored := s.Best != nil; {
		case scored && e.d.Met != "":
			s.Message = e.d.Met
			return Converged, nil
		case scored && r.tired():
			return StoppedEarly, nil
		case scored && s.Iteration >= m.MaxIterations:
			return MaxIterations, nil
		}
		res, err := e.linearise()
		if err != nil {
			return Running, err
		}
		if res.Failed {
			// At the start there is nowhere to go; later the value was fine, but
			// not its derivative.
			return Running, &FailedError{Stage: m.Name(), Iteration: s.Iteration + 1, Failure: res.Reason}
		}
		if first {
			rec := Record{Horizon: e.horizon}
			if _, _, err := e.score(&rec, s.X, &res.Loss); err != nil {
				return Running, err
			}
		}
		if cosine := e.cosine(); cosine <= m.GradTol {
			s.Message = fmt.Sprintf("the residual is orthogonal to the Jacobian within %.2g", cosine)
			return Converged, nil
		}
		res, moved, err := e.step()
		if err != nil {
			return Running, err
		}
		if moved {
			if end, err := e.close(&res); err != nil || end {
				return Running, err
			}
			continue
		}
		if e.d.Met == "" { // the run must end
			return Running, nil
		}
		s.Message = e.d.Met
		if e.failed != nil {
			s.Message, e.d.Met = fmt.Sprintf("every shorter step fails: %s", *e.failed), ""
			return StoppedEarly, nil
		}
		return Converged, nil
	}
}

// residuals evaluates r, and the Jacobian unless nil, refusing numbers that
// are not finite.
func (e *levenberg) residuals(x, r []float64, jac *mat.Dense) (Result, error) {
	res, err := e.model.Residuals(e.ctx, x, e.horizon, r, jac)
	if err == nil {
		if err = finite(&res, nil); err == nil && !res.Failed && (!kernel.Finite(r) || jac != nil && !kernel.Finite(jac.RawMatrix().Data)) {
			err = fmt.Errorf("a residual or its derivative is %w", ErrNotFinite)
		}
	}
	if err != nil && !errors.Is(err, e.ctx.Err()) {
		err = fmt.Errorf("%s, iteration %d: %w", e.m.Name(), e.state.Iteration+1, err)
	}
	e.rec.Kinks += res.Kinks
	if res.Failed {
		e.rec.Rejected++
	}
	return res, err
}

// linearise evaluates residuals and Jacobian at x and decomposes the scaled
// linear model.
func (e *levenberg) linearise() (Result, error) {
	res, err := e.residuals(e.x, e.r, e.jac)
	if err != nil || res.Failed {
		return res, err
	}
	e.f = norm2(e.r)
	rows, n := e.jac.Dims()
	if len(e.d.Scale) == 0 {
		e.d.Scale = make([]float64, n)
	}
	col := make([]float64, rows)
	for j := range n {
		c := norm2(mat.Col(col, j, e.jac))
		if c == 0 && e.d.Scale[j] == 0 {
			c = 1
		}
		e.d.Scale[j] = max(e.d.Scale[j], c)
	}
	if e.d.Delta == 0 {
		if e.d.Delta = e.m.Factor * e.size(); e.d.Delta == 0 {
			e.d.Delta = e.m.Factor
		}
	}
	return res, e.lin.decompose(e.jac, e.d.Scale, e.r)
}

// size is ‖D x‖.
func (e *levenberg) size() float64 {
	for j, v := range e.x {
		e.p[j] = e.d.Scale[j] * v
	}
	return norm2(e.p)
}

// cosine is the largest |cos| of the angle between the residual and a column
// of the Jacobian; 0 for a residual of 0.
func (e *levenberg) cosine() float64 {
	rows, n := e.jac.Dims()
	if e.f == 0 {
		return 0
	}
	r := mat.NewVecDense(rows, e.r)
	most := 0.
	for j := range n {
		col := e.jac.ColView(j)
		if c := mat.Norm(col, 2); c > 0 {
			most = max(most, math.Abs(mat.Dot(col, r))/c/e.f)
		}
	}
	return most
}

// step shrinks the region until a trial point lowers the sum of squares as
// the linear model foretells, and moves there. Where it cannot, or the run
// ends, moved is false. The memory says when a tolerance is met, with or
// without a move.
func (e *levenberg) step() (res Result, moved bool, err error) {
	const eps = 0x1p-52
	d := e.d
	fresh := e.state.Iteration == 0
	for d.Met == "" && !e.over() {
		lambda := e.lin.step(e.q, d.Delta)
		for j, q := range e.q {
			e.p[j] = q / d.Scale[j]
			e.trial[j] = e.x[j] + e.p[j]
		}
		length := norm2(e.q)
		if fresh {
			d.Delta = min(d.Delta, length)
		}
		e.failed = nil
		if res = (Result{Failed: true, Reason: Failure{Reason: "the step overflows"}}); kernel.Finite(e.trial) {
			if res, err = e.residuals(e.trial, e.rNew, nil); err != nil {
				return res, false, err
			}
		}
		fNew := math.Inf(1)
		if res.Failed {
			e.failed = &res.Reason
		} else {
			fNew = norm2(e.rNew)
		}
		actual := -1.
		if 0.1*fNew < e.f {
			actual = 1 - (fNew/e.f)*(fNew/e.f)
		}
		t1, t2 := e.lin.fall(lambda)/e.f, math.Sqrt(lambda)*length/e.f
		predicted, slope := t1*t1+2*t2*t2, -(t1*t1 + t2*t2)
		ratio := 0.
		if predicted != 0 {
			ratio = actual / predicted
		}
		switch {
		case ratio <= 0.25:
			c := 0.5
			if actual < 0 {
				c = 0.5 * slope / (slope + 0.5*actual)
			}
			if 0.1*fNew >= e.f || c < 0.1 {
				c = 0.1
			}
			d.Delta = c * min(d.Delta, length/0.1)
		case lambda == 0 || ratio >= 0.75:
			d.Delta = length / 0.5
		}
		if ratio >= 1e-4 {
			moved = true
			copy(e.x, e.trial)
		}
		size := e.size()
		switch {
		case math.Abs(actual) <= max(e.m.LossTol, eps) && predicted <= max(e.m.LossTol, eps) && ratio <= 2:
			d.Met = fmt.Sprintf("the sum of squares falls by less than the fraction %.2g", max(e.m.LossTol, eps))
		case d.Delta <= max(e.m.StepTol, eps)*size:
			d.Met = fmt.Sprintf("steps are shorter than %.2g of the coordinates", max(e.m.StepTol, eps))
		case !(d.Delta >= math.SmallestNonzeroFloat64/eps): // only at x = 0
			d.Met = "steps have become zero"
		}
		if moved {
			return res, true, nil
		}
	}
	return res, false, nil
}

// close scores an accepted step and closes its iteration.
func (e *levenberg) close(res *Result) (end bool, err error) {
	s := e.state
	rec := e.rec
	e.rec = Record{}
	rec.Horizon, rec.Loss = e.horizon, res.Loss
	rec.Terms = append([]Term(nil), res.Terms...)
	var g mat.VecDense
	g.MulVec(e.jac.T(), mat.NewVecDense(len(e.r), e.r))
	rec.GradNorm = min(normInf(g.RawVector().Data), math.MaxFloat64)
	s.Iteration++ // the score is that after the step
	score, ok, err := e.score(&rec, s.X, &res.Loss)
	s.Iteration--
	if err != nil {
		return false, err
	}
	e.patience(&rec, score, ok)
	return e.finish(rec)
}

// linear is the model ‖r + J p‖ with q = D p, in the basis of the singular
// vectors of J D⁻¹ = U Σ Vᵀ.
type linear struct {
	sigma []float64
	b     []float64 // Uᵀ r
	v     mat.Dense
	floor float64 // singular values below count as zero
	work  []float64
}

// decompose takes the Jacobian, the diagonal of D and the residual. The tall
// matrix is first cut to a square by QR of [J D⁻¹, r].
func (l *linear) decompose(jac *mat.Dense, scale, r []float64) error {
	rows, n := jac.Dims()
	a := blas64.General{Rows: rows, Cols: n + 1, Stride: n + 1, Data: make([]float64, rows*(n+1))}
	for i := range rows {
		for j := range n {
			a.Data[i*a.Stride+j] = jac.At(i, j) / scale[j]
		}
		a.Data[i*a.Stride+n] = r[i]
	}
	tau := make([]float64, min(rows, n+1))
	work := make([]float64, 1)
	lapack64.Geqrf(a, tau, work, -1)
	work = make([]float64, int(work[0]))
	lapack64.Geqrf(a, tau, work, len(work))

	k := min(rows, n)
	upper, c := mat.NewDense(k, n, nil), mat.NewVecDense(k, nil)
	for i := range k {
		for j := i; j < n; j++ {
			upper.Set(i, j, a.Data[i*a.Stride+j])
		}
		c.SetVec(i, a.Data[i*a.Stride+n])
	}
	var svd mat.SVD
	if !svd.Factorize(upper, mat.SVDThin) {
		return errors.New("levenberg_marquardt: the singular values of the Jacobian could not be found")
	}
	var u mat.Dense
	svd.UTo(&u)
	l.v.Reset()
	svd.VTo(&l.v)
	l.sigma = svd.Values(nil)
	l.work = make([]float64, k)
	var b mat.VecDense
	b.MulVec(u.T(), c)
	l.b = b.RawVector().Data
	l.floor = float64(max(rows, n)) * 0x1p-52 * l.sigma[0]
	return nil
}

// coefficient is that of the i-th right singular vector in −q(λ).
func (l *linear) coefficient(i int, lambda float64) float64 {
	s := l.sigma[i]
	if lambda == 0 {
		if s <= l.floor {
			return 0
		}
		return l.b[i] / s
	}
	return s * l.b[i] / (s*s + lambda)
}

// length is ‖q(λ)‖.
func (l *linear) length(lambda float64) float64 {
	for i := range l.sigma {
		l.work[i] = l.coefficient(i, lambda)
	}
	return norm2(l.work)
}

// fall is ‖J p‖ at the step for λ.
func (l *linear) fall(lambda float64) float64 {
	for i, s := range l.sigma {
		l.work[i] = s * l.coefficient(i, lambda)
	}
	return norm2(l.work)
}

// step sets q to the least-squares step with ‖q‖ ≤ Δ, up to a tenth, and
// returns its λ: 0 when the Gauss–Newton step is inside, else the root of
// ‖q(λ)‖ = Δ by Hebden's iteration with Moré's safeguards.
func (l *linear) step(q []float64, delta float64) (lambda float64) {
	if l.length(0) > 1.1*delta {
		lambda = l.root(delta)
	}
	for j := range q {
		q[j] = 0
		for i := range l.sigma {
			q[j] -= l.v.At(j, i) * l.coefficient(i, lambda)
		}
	}
	return lambda
}

// root is the λ of a step of length Δ. The bracket's upper end, ‖Jᵀr‖/Δ in
// the scaled variables, makes a step that is no longer than that; it is also
// the answer where numbers are too extreme for the iteration to settle.
func (l *linear) root(delta float64) float64 {
	for i, s := range l.sigma {
		l.work[i] = s * l.b[i]
	}
	lo, hi := 0., norm2(l.work)/delta
	lambda := 0.
	for range 60 {
		if !(lambda > lo && lambda < hi) {
			lambda = max(1e-3*hi, math.Sqrt(lo)*math.Sqrt(hi))
		}
		length := l.length(lambda)
		if math.Abs(length-delta) <= 0.1*delta {
			return lambda
		}
		if length > delta {
			lo = lambda
		} else {
			hi = lambda
		}
		slope := 0. // of the length
		for i, s := range l.sigma {
			c := l.coefficient(i, lambda) / length
			slope -= c * c / (s*s + lambda)
		}
		slope *= length
		lambda -= length / delta * (length - delta) / slope
	}
	return hi
}
