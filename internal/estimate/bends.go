package estimate

import (
	"context"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"

	"github.com/pinode/pinode/internal/loss"
)

// How bends of the loss are looked at.
const (
	bendReach    = 1.  // standard deviations up to which a row matters
	bendsMost    = 3   // parameters that are looked at
	bendHalvings = 5   // of the distance
	bendFarthest = 16  // standard deviations
	bendsBy      = 0.6 // part of half a nat by which the loss rises less or more where there is no bend
	bendSteps    = 4   // of the other coordinates
	bendParts    = 400 // of an integral
	mostBent     = 30  // unknowns
	bendWork     = 1e9 // operations that it may take for all parameters
	bendRuns     = 300 // and linearised runs that these take at most
)

// bends is where rows beside firings see no jump, but a bend: the time of a dose that is absorbed by and by, the row just behind which is
// told by it and the one just before is not. The loss is steeper then on one side of the row than on the other, and its curvature
// is that of one side. The deviation of the parameter that moves the firing most is instead that of the likelihood along the profile, by
// how far the loss, least in all else, has risen at some distances on both sides.
func (b *bounded) bends(ctx context.Context, f *Fit, squares *loss.Squares, l *linearised, x []float64) error {
	if len(x) > mostBent || squares.Work()/2*bendRuns > bendWork { // it was evaluated twice
		return nil
	}
	var done []int
	for k := range l.bends {
		e := &l.bends[k]
		if e.off > bendReach*e.open || len(done) == bendsMost {
			break // the nearest come first
		}
		p := &profiled{squares: squares, l: l, x: x, ridge: f.ridge, coordinate: -1}
		most := 0.
		for i := range f.Objective.Space.Params {
			if by := math.Abs(e.by[i]) * math.Sqrt(p.variance(i)); moves(f, x, i) && by > most {
				p.coordinate, most = i, by
			}
		}
		if p.coordinate < 0 || slices.Contains(done, p.coordinate) {
			continue
		}
		done = append(done, p.coordinate)
		mass, square := 0., 0.
		for _, side := range []float64{-1, 1} {
			m, q, err := p.moments(ctx, side)
			if err != nil {
				return err
			}
			mass, square = mass+m, square+q
		}
		by := math.Sqrt(square / mass)
		at := p.coordinate
		b.curvature.SetSym(at, at, b.curvature.At(at, at)+(1/(by*by)-1)/p.variance(at)*l.unit)
	}
	return nil
}

// profiled is the loss by one coordinate, least in the others.
type profiled struct {
	squares    *loss.Squares
	l          *linearised
	x, ridge   []float64
	coordinate int
}

// variance of a coordinate by the curvature.
func (p *profiled) variance(i int) float64 {
	unit := make([]float64, len(p.x))
	unit[i] = 1
	return p.l.toward(unit).AtVec(i)
}

// at is how far the loss, in nats, lies above that at x where the coordinate has moved by so many deviations.
func (p *profiled) at(ctx context.Context, by float64) (float64, error) {
	n := len(p.x)
	unit := make([]float64, n)
	unit[p.coordinate] = 1
	v := p.l.toward(unit)
	y := slices.Clone(p.x)
	for i := range y {
		y[i] += by * v.AtVec(i) / math.Sqrt(v.AtVec(p.coordinate))
	}
	r, jac := make([]float64, p.squares.Rows()), mat.NewDense(p.squares.Rows(), n, nil)
	value := func(y []float64, jac *mat.Dense) (float64, error) {
		res, err := p.squares.Residuals(ctx, y, 1, r, jac)
		if err != nil || res.Failed || math.IsNaN(res.Loss) {
			return math.Inf(1), err
		}
		for i, a := range p.ridge {
			res.Loss += a * y[i] * y[i] / 2
		}
		return res.Loss, nil
	}
	now, err := value(y, jac)
	for range bendSteps {
		if err != nil || math.IsInf(now, 1) {
			return now, err
		}
		step := p.step(y, r, jac)
		if step == nil {
			break
		}
		next, t := math.Inf(1), 1.
		var to []float64
		for ; t > 0.1 && !(next < now); t /= 2 {
			to = slices.Clone(y)
			for i := range to {
				to[i] += t * step.AtVec(i)
			}
			if next, err = value(to, nil); err != nil {
				return now, err
			}
		}
		if !(next < now) {
			break
		}
		y = to
		if now, err = value(y, jac); err != nil {
			return now, err
		}
	}
	first, err := value(p.x, nil)
	return (now - first) / p.l.unit, err
}

// step is that of Gauss and Newton in the other coordinates; nil: there is none.
func (p *profiled) step(y, r []float64, jac *mat.Dense) *mat.VecDense {
	n := len(y)
	h, g := mat.NewSymDense(n, nil), mat.NewVecDense(n, nil)
	h.SymOuterK(1, jac.T())
	g.MulVec(jac.T(), mat.NewVecDense(len(r), r))
	for i := range n {
		add := weakOpen * p.l.unit
		if p.ridge != nil {
			add += p.ridge[i]
			g.SetVec(i, g.AtVec(i)+p.ridge[i]*y[i])
		}
		h.SetSym(i, i, h.At(i, i)+add)
	}
	for i := range n {
		h.SetSym(p.coordinate, i, 0)
	}
	h.SetSym(p.coordinate, p.coordinate, 1)
	g.SetVec(p.coordinate, 0)
	var chol mat.Cholesky
	if !chol.Factorize(h) {
		return nil
	}
	var step mat.VecDense
	_ = chol.SolveVecTo(&step, g) // a poor condition is that of what residuals leave open
	step.ScaleVec(-1, &step)
	return &step
}

// moments are the integrals of the likelihood on one side and of the square of the distance times that: those of a normal
// distribution where the loss has risen by about half a nat at one deviation.
func (p *profiled) moments(ctx context.Context, side float64) (mass, square float64, err error) {
	half, bent, err := p.halfNat(ctx, side)
	if err != nil || !bent {
		return math.Sqrt(math.Pi / 2), math.Sqrt(math.Pi / 2), err
	}
	// Between the distances at which it is known the rise is a power of the distance.
	at, rises := []float64{half, 2 * half, 4 * half}, []float64{0.5}
	for _, d := range at[1:] {
		v, err := p.at(ctx, side*d)
		if err != nil {
			return 0, 0, err
		}
		rises = append(rises, math.Max(v, rises[len(rises)-1]))
	}
	end := 8 * half
	for k := range bendParts {
		d := end * (float64(k) + 0.5) / bendParts
		i := 0
		if d > at[1] {
			i = 1
		}
		power := math.Log(rises[i+1]/rises[i]) / math.Ln2
		weight := math.Exp(-rises[i]*math.Pow(d/at[i], power)) * end / bendParts
		if math.IsNaN(weight) { // the model fails there
			weight = 0
		}
		mass, square = mass+weight, square+d*d*weight
	}
	return mass, square, nil
}

// halfNat is the distance on one side at which the loss has risen by half a nat, and whether that is not about one.
func (p *profiled) halfNat(ctx context.Context, side float64) (at float64, bent bool, err error) {
	v, err := p.at(ctx, side)
	if err != nil || v > 0.5*bendsBy && v < 0.5/bendsBy {
		return 1, false, err
	}
	lo, hi := 0., 1.
	for v < 0.5 && hi < bendFarthest {
		lo, hi = hi, 2*hi
		if v, err = p.at(ctx, side*hi); err != nil {
			return 1, false, err
		}
	}
	for range bendHalvings {
		mid := (lo + hi) / 2
		if v, err = p.at(ctx, side*mid); err != nil {
			return 1, false, err
		}
		if v < 0.5 {
			lo = mid
		} else {
			hi = mid
		}
	}
	return (lo + hi) / 2, true, nil
}
