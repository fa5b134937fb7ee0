package fit

import (
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/optimize"
)

// direction gives L-BFGS its directions: gonum's, from a memory that can be written down and gone
// on with.
//
// J. Nocedal, S.J. Wright, Numerical Optimization, 2nd edition, Springer 2006, algorithm 7.4.
type direction struct {
	most int // pairs kept

	X        Vector   `json:"x,omitempty"` // the last place; none: before the first
	Gradient Vector   `json:"gradient,omitempty"`
	Steps    []Vector `json:"steps,omitempty"` // between places, oldest first
	Changes  []Vector `json:"changes,omitempty"`
}

// clear forgets the steps.
func (d *direction) clear() { *d = direction{most: d.most} }

// fits tells whether the memory is one of so many coordinates.
func (d *direction) fits(n int) bool {
	ok := len(d.X) == len(d.Gradient) && len(d.Steps) == len(d.Changes)
	for _, v := range append(append([]Vector{}, d.Steps...), d.Changes...) {
		ok = ok && len(v) == n
	}
	return ok && (len(d.X) == n || len(d.X) == 0 && len(d.Steps) == 0)
}

// InitDirection goes on from what is remembered; without that it is the direction of the
// gradient, of length one.
func (d *direction) InitDirection(loc *optimize.Location, dir []float64) float64 {
	return d.NextDirection(loc, dir)
}

// NextDirection takes the step to a place, unless it is there already, and puts the product of the
// estimated inverse Hessian with the negative gradient into dir. It returns the first length to try.
func (d *direction) NextDirection(loc *optimize.Location, dir []float64) float64 {
	switch {
	case d.X == nil:
		d.X, d.Gradient = append(d.X, loc.X...), append(d.Gradient, loc.Gradient...)
	case !same(loc.X, d.X):
		d.keep(loc)
	}
	copy(dir, loc.Gradient)
	n := len(d.Steps)
	if n == 0 {
		floats.Scale(-1, dir)
		return 1 / floats.Norm(dir, 2)
	}
	a, rho := make([]float64, n), make([]float64, n)
	for i := n - 1; i >= 0; i-- {
		rho[i] = 1 / floats.Dot(d.Steps[i], d.Changes[i])
		a[i] = rho[i] * floats.Dot(d.Steps[i], dir)
		floats.AddScaled(dir, -a[i], d.Changes[i])
	}
	last := d.Changes[n-1]
	floats.Scale(floats.Dot(d.Steps[n-1], last)/floats.Dot(last, last), dir)
	for i := range n {
		floats.AddScaled(dir, a[i]-rho[i]*floats.Dot(d.Changes[i], dir), d.Steps[i])
	}
	floats.Scale(-1, dir)
	return 1
}

// keep takes the step from the last place to another one, in the room of the oldest.
func (d *direction) keep(loc *optimize.Location) {
	var step, change Vector
	for len(d.Steps) >= d.most { // more only where the setting has become smaller
		step, change = d.Steps[0], d.Changes[0]
		d.Steps, d.Changes = append(d.Steps[:0], d.Steps[1:]...), append(d.Changes[:0], d.Changes[1:]...)
	}
	if step == nil {
		step, change = make(Vector, len(d.X)), make(Vector, len(d.X))
	}
	floats.SubTo(step, loc.X, d.X)
	floats.SubTo(change, loc.Gradient, d.Gradient)
	d.Steps, d.Changes = append(d.Steps, step), append(d.Changes, change)
	copy(d.X, loc.X)
	copy(d.Gradient, loc.Gradient)
}
