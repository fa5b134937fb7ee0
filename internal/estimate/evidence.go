package estimate

import (
	"math"
	"strings"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/lapack/lapack64"
	"gonum.org/v1/gonum/mat"

	"github.com/pinode/pinode/fit"
	"github.com/pinode/pinode/internal/loss"
)

// ridge are the penalties ½ Σ α w² on groups of weights, whose strengths are set by the
// evidence: D.J.C. MacKay, Neural Computation 4, 415–447, 1992; F.D. Foresee, M.T. Hagan,
// ICNN 1997.
type ridge struct {
	groups []group
	dim    int
	params int
	weak   float64 // of parameters, about the start
	center []float64
}

// group is a part of the weights with one strength: those of a layer, or the biases of
// hidden layers. Weights that have a prior are in none: that is their ridge. The strength of output biases is held.
type group struct {
	name   string
	coords []int
	held   bool
}

// The strengths that evidence may choose.
const (
	leastAlpha = 1e-4
	mostAlpha  = 1e3
	biasAlpha  = 0.01
)

// Precisions of parameters about their starts, by the squares of e-folds: they keep
// parameters that the data do not tell from running to infinity.
const (
	searchPrecision = 0.01
	finalPrecision  = 1e-4
)

func newRidge(o *loss.Objective, x0 []float64) *ridge {
	sp := o.Space
	r := &ridge{dim: sp.Dim, params: len(sp.Params), weak: searchPrecision, center: make([]float64, sp.Dim)}
	copy(r.center, x0[:r.params])
	hidden := group{name: "hidden biases"}
	list := o.Prog.Model.Layout.Weights
	for i, t := range list {
		last := i+1 == len(list) || list[i+1].Neural != t.Neural
		if at := sp.CoordinateOf(t); at >= 0 && t.Prior == nil {
			coords := make([]int, t.Shape.Size())
			for k := range coords {
				coords[k] = at + k
			}
			switch bias := strings.HasSuffix(t.Name, ".bias"); {
			case bias && last:
				r.groups = append(r.groups, group{t.Name, coords, true})
			case bias:
				hidden.coords = append(hidden.coords, coords...)
			default:
				r.groups = append(r.groups, group{t.Name, coords, false})
			}
		}
		if last && len(hidden.coords) > 0 {
			r.groups = append(r.groups, hidden)
			hidden.coords = nil
		}
	}
	return r
}

// first are strengths for weights of the size of those at x.
func (r *ridge) first(x []float64) []float64 {
	alpha := make([]float64, len(r.groups))
	for g, group := range r.groups {
		sum := 0.
		for _, i := range group.coords {
			sum += x[i] * x[i]
		}
		if alpha[g] = 0.1 / math.Max(1, sum/float64(len(group.coords))); group.held {
			alpha[g] = biasAlpha
		}
	}
	return alpha
}

// vector are the precisions of all coordinates.
func (r *ridge) vector(alpha []float64) []float64 {
	v := make([]float64, r.dim)
	for i := range r.params {
		v[i] = r.weak
	}
	for g, group := range r.groups {
		for _, i := range group.coords {
			v[i] = alpha[g]
		}
	}
	return v
}

// curvature is the normal matrix H = JᵀJ + Λ at a point: ln |H|, and the diagonal of H⁻¹.
type curvature struct {
	logDet  float64
	inverse []float64
}

// curvatureOf is that of a Jacobian and a ridge; nil where it is not positive.
func curvatureOf(jac *mat.Dense, ridge []float64) *curvature {
	raw := jac.RawMatrix()
	n := raw.Cols
	if n >= fit.Narrow {
		if c := curvatureTold(raw, ridge); c != nil {
			return c
		}
	}
	h := blas64.Symmetric{N: n, Stride: n, Data: make([]float64, n*n), Uplo: blas.Upper}
	blas64.Syrk(blas.Trans, 1, raw, 0, h)
	for i := range n {
		h.Data[i*n+i] += ridge[i]
	}
	if _, ok := lapack64.Potrf(h); !ok {
		return nil
	}
	c := &curvature{inverse: make([]float64, n)}
	for i := range n {
		c.logDet += 2 * math.Log(h.Data[i*n+i])
	}
	lapack64.Potri(blas64.Triangular{N: n, Stride: n, Data: h.Data, Uplo: blas.Upper, Diag: blas.NonUnit})
	for i := range n {
		c.inverse[i] = h.Data[i*n+i]
	}
	return c
}

// toldLeft is the sum of squares beside the directions that are told, in units of the ridge: ln |H| is short of about so much.
const toldLeft = 1e-2

// curvatureTold is that of many coordinates of which the data tell few directions; nil: they are not few. With
// J' = JΛ^-½ ≈ B Vᵀ and C = 1 + BᵀB it is ln |H| = ln |Λ| + ln |C|, and H⁻¹ = Λ^-½ (1 − V (1 − C⁻¹) Vᵀ) Λ^-½.
func curvatureTold(jac blas64.General, ridge []float64) *curvature {
	rows, n := jac.Rows, jac.Cols
	c := &curvature{inverse: make([]float64, n)}
	size, scaled := make([]float64, n), make([]float64, rows*n)
	for i, l := range ridge {
		if !(l > 0) {
			return nil
		}
		size[i] = 1 / math.Sqrt(l)
		c.logDet += math.Log(l)
	}
	for i := range rows {
		floats.MulTo(scaled[i*n:(i+1)*n], jac.Data[i*jac.Stride:i*jac.Stride+n], size)
	}
	basis, k, ok := fit.Span(scaled, rows, n, toldLeft)
	if !ok {
		return nil
	}
	if k == 0 { // nothing is told
		for i, s := range size {
			c.inverse[i] = s * s
		}
		return c
	}
	v := blas64.General{Rows: k, Cols: n, Stride: n, Data: basis}
	b := blas64.General{Rows: rows, Cols: k, Stride: k, Data: make([]float64, rows*k)}
	blas64.Gemm(blas.NoTrans, blas.Trans, 1, blas64.General{Rows: rows, Cols: n, Stride: n, Data: scaled}, v, 0, b)
	m := blas64.Symmetric{N: k, Stride: k, Data: make([]float64, k*k), Uplo: blas.Upper}
	blas64.Syrk(blas.Trans, 1, b, 0, m)
	for i := range k {
		m.Data[i*k+i]++
	}
	if _, ok := lapack64.Potrf(m); !ok {
		return nil
	}
	for i := range k {
		c.logDet += 2 * math.Log(m.Data[i*k+i])
	}
	lapack64.Potri(blas64.Triangular{N: k, Stride: k, Data: m.Data, Uplo: blas.Upper, Diag: blas.NonUnit})
	told := blas64.General{Rows: k, Cols: n, Stride: n, Data: make([]float64, k*n)}
	blas64.Symm(blas.Left, 1, m, v, 0, told)
	for i, s := range size {
		left := 1.
		for d := range k {
			at := basis[d*n+i]
			left -= at * (at - told.Data[d*n+i])
		}
		c.inverse[i] = s * s * left
	}
	return c
}

// update are the strengths that the evidence has its maximum at, with the curvature at x
// held, and whether one of them changes much.
func (r *ridge) update(x, alpha []float64, c *curvature) (next []float64, changed bool) {
	next = append([]float64(nil), alpha...)
	for g, group := range r.groups {
		if group.held {
			continue
		}
		trace, sum := 0., 0.
		for _, i := range group.coords {
			trace += c.inverse[i]
			sum += x[i] * x[i]
		}
		gamma := math.Max(0, float64(len(group.coords))-alpha[g]*trace)
		next[g] = math.Min(mostAlpha, math.Max(leastAlpha, gamma/math.Max(sum, 1e-300)))
		changed = changed || math.Abs(next[g]-alpha[g]) > 0.4*alpha[g]
	}
	return next, changed
}

// evidence is the logarithm of the evidence, but for what all starts share.
func (r *ridge) evidence(o *fit.Outcome, alpha []float64, c *curvature) float64 {
	e := -o.Total() - c.logDet/2
	for g, group := range r.groups {
		e += float64(len(group.coords)) / 2 * math.Log(alpha[g])
	}
	return e
}

// names are those of the groups.
func (r *ridge) names() (list []string) {
	for _, g := range r.groups {
		list = append(list, g.name)
	}
	return list
}
