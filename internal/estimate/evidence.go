package estimate

import (
	"math"
	"strings"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
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

// curvature is the normal matrix at a point, as its Cholesky factor.
type curvature struct {
	n      int
	factor []float64 // upper
}

// curvatureOf factors JᵀJ + Λ; nil where it is not positive.
func curvatureOf(jac *mat.Dense, ridge []float64) *curvature {
	raw := jac.RawMatrix()
	n := raw.Cols
	c := &curvature{n, make([]float64, n*n)}
	h := blas64.Symmetric{N: n, Stride: n, Data: c.factor, Uplo: blas.Upper}
	blas64.Syrk(blas.Trans, 1, raw, 0, h)
	for i := range n {
		c.factor[i*n+i] += ridge[i]
	}
	if _, ok := lapack64.Potrf(h); !ok {
		return nil
	}
	return c
}

// logDet is ln |H|.
func (c *curvature) logDet() (sum float64) {
	for i := range c.n {
		sum += 2 * math.Log(c.factor[i*c.n+i])
	}
	return sum
}

// inverse is H⁻¹, of which the upper part is set.
func (c *curvature) inverse() []float64 {
	inv := append([]float64(nil), c.factor...)
	lapack64.Potri(blas64.Triangular{N: c.n, Stride: c.n, Data: inv, Uplo: blas.Upper, Diag: blas.NonUnit})
	return inv
}

// update are the strengths that the evidence has its maximum at, with the curvature at x
// held, and whether one of them changes much.
func (r *ridge) update(x, alpha []float64, c *curvature) (next []float64, changed bool) {
	inv := c.inverse()
	next = append([]float64(nil), alpha...)
	for g, group := range r.groups {
		if group.held {
			continue
		}
		trace, sum := 0., 0.
		for _, i := range group.coords {
			trace += inv[i*c.n+i]
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
	e := -o.Total() - c.logDet()/2
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
