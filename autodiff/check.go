package autodiff

import (
	"errors"
	"fmt"
	"math"
)

// Check compares claimed derivatives with central differences whose step is
// refined until the error is smallest.
//
// C.J.F. Ridders, Adv. Eng. Software 4(2), 75–76, 1982. The zero value is
// ready to use.
type Check struct {
	// Step is the first, largest step relative to the size of a coordinate;
	// 0 means 0.05. It is halved at each refinement.
	Step float64

	// Size returns the characteristic size of coordinate i; nil means |x|,
	// or 1 where x is 0.
	Size func(i int) float64

	// Rtol is the relative difference that still agrees; 0 means 1e-6. Atol
	// is the absolute one, relative to the largest component; 0 means 1e-9.
	Rtol, Atol float64
}

// Verdict says whether a derivative agrees with finite differences.
type Verdict uint8

// The verdicts.
const (
	Agree     Verdict = iota
	Disagree          // by more than the tolerance and the error of the differences
	Undecided         // the differences are too inaccurate to tell: noise, a kink or a jump nearby
)

func (v Verdict) String() string { return [...]string{"agree", "disagree", "undecided"}[v] }

// Component is a derivative in one direction.
type Component struct {
	Index   int
	Claimed float64
	Value   float64 // by finite differences
	Err     float64 // estimated error of Value
	Verdict Verdict
}

// levels is how many steps are tried, each half of the one before; columns how
// many powers of h² are extrapolated away.
const levels, columns = 16, 8

// Derivative is the derivative of f at 0 by central differences with first
// step h, and an estimate of its error. Steps at which f fails or is not
// finite are left out; if too few remain, the error says why.
func Derivative(f func(h float64) (float64, error), h float64) (value, err float64, failure error) {
	if !(h > 0) || math.IsInf(h, 0) {
		return 0, 0, fmt.Errorf("autodiff: a first step of %g; it must be positive", h)
	}
	type point struct{ h, d float64 }
	var (
		row  []float64 // of Neville's scheme in h²
		best float64   // the step of the value
		last [2]point  // the last two extrapolates of low order
	)
	err = math.Inf(1)
	for level, worse := 0, 0; level < levels && worse < 3; level, h = level+1, h/2 {
		d, rounding, fail := central(f, h)
		if fail != nil {
			failure, row = fail, nil
			continue
		}
		next := append(make([]float64, 0, len(row)+1), d)
		if len(row) > 0 {
			worse++
		}
		for j, r := range row[:min(len(row), columns)] {
			factor := math.Exp2(float64(2 * (j + 1)))
			v := (factor*next[j] - r) / (factor - 1)
			next = append(next, v)
			if e := math.Max(math.Abs(v-next[j]), math.Abs(v-r)) + rounding; e < err {
				value, err, best, worse = v, e, h, 0
			}
		}
		row = next
		last = [2]point{last[1], {h, next[min(2, len(next)-1)]}}
	}
	if math.IsInf(err, 1) {
		if failure == nil {
			failure = errors.New("autodiff: no two steps gave finite differences")
		}
		return 0, err, failure
	}
	// Estimates may agree by chance. What f scatters by shows at the smallest
	// steps, where nothing else is left, and counts at the value's step.
	noise := 0.
	for _, p := range last {
		noise = math.Max(noise, math.Abs(p.d-value)*p.h)
	}
	return value, err + noise/best, nil
}

// central is the central difference with step h, and its error by rounding.
func central(f func(float64) (float64, error), h float64) (d, noise float64, err error) {
	up, err := f(h)
	if err != nil {
		return 0, 0, err
	}
	down, err := f(-h)
	if err != nil {
		return 0, 0, err
	}
	d = (up - down) / (2 * h)
	if math.IsNaN(d) || math.IsInf(d, 0) {
		return 0, 0, fmt.Errorf("autodiff: the function is %g and %g at %g on either side of the point", up, down, h)
	}
	const eps = 0x1p-52
	return d, eps * math.Max(math.Abs(up), math.Abs(down)) / h, nil
}

// Gradient checks every component of the claimed gradient grad of f at x. The
// error says which component could not be evaluated.
func (c Check) Gradient(f func(x []float64) (float64, error), x, grad []float64) ([]Component, error) {
	if len(grad) != len(x) {
		return nil, fmt.Errorf("autodiff: a gradient of %d components at a point of %d", len(grad), len(x))
	}
	out := make([]Component, len(x))
	at := append([]float64(nil), x...)
	for i := range x {
		v, e, err := Derivative(func(h float64) (float64, error) {
			at[i] = x[i] + h
			defer func() { at[i] = x[i] }()
			return f(at)
		}, c.step(x, i))
		if err != nil {
			return nil, fmt.Errorf("component %d: %w", i, err)
		}
		out[i] = Component{Index: i, Claimed: grad[i], Value: v, Err: e}
	}
	c.judge(out)
	return out, nil
}

// Along checks the claimed derivative of f at x along dir, in one go for all
// components.
func (c Check) Along(f func(x []float64) (float64, error), x, dir []float64, claimed float64) (Component, error) {
	if len(dir) != len(x) {
		return Component{}, fmt.Errorf("autodiff: a direction of %d components at a point of %d", len(dir), len(x))
	}
	h := math.Inf(1)
	for i, d := range dir {
		if d != 0 {
			h = math.Min(h, c.step(x, i)/math.Abs(d))
		}
	}
	if math.IsInf(h, 1) {
		return Component{}, errors.New("autodiff: the direction is zero")
	}
	at := make([]float64, len(x))
	v, e, err := Derivative(func(h float64) (float64, error) {
		for i := range at {
			at[i] = x[i] + h*dir[i]
		}
		return f(at)
	}, h)
	if err != nil {
		return Component{}, err
	}
	out := []Component{{Claimed: claimed, Value: v, Err: e}}
	c.judge(out)
	return out[0], nil
}

func (c Check) step(x []float64, i int) float64 {
	size := math.Abs(x[i])
	if c.Size != nil {
		size = c.Size(i)
	}
	if size == 0 {
		size = 1
	}
	return or(c.Step, 0.05) * size
}

func (c Check) judge(out []Component) {
	largest := 0.
	for _, o := range out {
		largest = math.Max(largest, math.Abs(o.Value))
	}
	for i := range out {
		o := &out[i]
		tol := or(c.Atol, 1e-9)*largest + or(c.Rtol, 1e-6)*math.Max(math.Abs(o.Value), math.Abs(o.Claimed))
		switch diff := math.Abs(o.Claimed - o.Value); {
		case math.IsNaN(diff) || diff > tol+10*o.Err:
			o.Verdict = Disagree
		case o.Err > tol && diff > 0:
			o.Verdict = Undecided
		default:
			o.Verdict = Agree
		}
	}
}

func or(v, otherwise float64) float64 {
	if v == 0 {
		return otherwise
	}
	return v
}
