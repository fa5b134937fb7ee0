package fit

import (
	"fmt"
	"math"
	"strings"
)

// Interval is the set of values allowed for a parameter. An infinite end is
// always open. The zero value is the single point 0, which no transform takes;
// see Reals.
type Interval struct {
	Lo, Hi         float64
	LoOpen, HiOpen bool
}

// Reals is the whole line.
var Reals = Interval{Lo: math.Inf(-1), Hi: math.Inf(1), LoOpen: true, HiOpen: true}

// Contains tells whether p is allowed.
func (iv Interval) Contains(p float64) bool {
	if math.IsNaN(p) || math.IsInf(p, 0) {
		return false
	}
	return (p > iv.Lo || p == iv.Lo && !iv.LoOpen) && (p < iv.Hi || p == iv.Hi && !iv.HiOpen)
}

// String writes the interval as a model file does.
func (iv Interval) String() string {
	var b strings.Builder
	open, shut := "[", "]"
	if iv.LoOpen || math.IsInf(iv.Lo, 0) {
		open = "("
	}
	if iv.HiOpen || math.IsInf(iv.Hi, 0) {
		shut = ")"
	}
	end := func(v float64) string {
		if math.IsInf(v, 0) {
			return strings.ToLower(strings.TrimPrefix(fmt.Sprint(v), "+"))
		}
		return fmt.Sprint(v)
	}
	fmt.Fprintf(&b, "%s%s, %s%s", open, end(iv.Lo), end(iv.Hi), shut)
	return b.String()
}

// first and last are the smallest and largest floats of the interval.
func (iv Interval) first() float64 {
	if math.IsInf(iv.Lo, -1) {
		return -math.MaxFloat64
	}
	if iv.LoOpen {
		return math.Nextafter(iv.Lo, math.Inf(1))
	}
	return iv.Lo
}

func (iv Interval) last() float64 {
	if math.IsInf(iv.Hi, 1) {
		return math.MaxFloat64
	}
	if iv.HiOpen {
		return math.Nextafter(iv.Hi, math.Inf(-1))
	}
	return iv.Hi
}

// A shape is one of the smooth, strictly increasing functions u → z from the
// line onto a standard interval. The transform of a parameter is a map with
// its interval's ends and scale put in.
type shape struct {
	name                   string
	value, inverse, d1, d2 func(float64) float64
}

// exponential maps onto (0, inf), and keeps relative steps.
var exponential = &shape{
	name: "log", value: math.Exp, inverse: math.Log, d1: math.Exp, d2: math.Exp,
}

// soft is log(1 + eᵘ), onto (0, inf), and reaches 0 itself in floating point:
// near the bound like exp, far from it the identity, so that a parameter may
// stand at a closed bound without a loss of reach.
var soft = &shape{
	name:    "softplus",
	value:   func(u float64) float64 { return max(u, 0) + math.Log1p(math.Exp(-math.Abs(u))) },
	inverse: func(z float64) float64 { return z + math.Log(-math.Expm1(-z)) },
	d1:      sigmoid,
	d2:      bell,
}

// sigmoid is 1/(1+e⁻ᵘ), onto (0, 1).
func sigmoid(u float64) float64 {
	if u < 0 {
		e := math.Exp(u)
		return e / (1 + e)
	}
	return 1 / (1 + math.Exp(-u))
}

// bell is the derivative of the sigmoid, σ(1−σ).
func bell(u float64) float64 {
	e := math.Exp(-math.Abs(u))
	return e / ((1 + e) * (1 + e))
}

// Transform carries an unconstrained coordinate u to a parameter p in an
// interval, smoothly and increasing with u:
//
//	(-inf, inf)              p = s·u
//	(lo, inf)   "log"        p = lo + s·eᵘ
//	[lo, inf)   "softplus"   p = lo + s·log(1 + e^u)
//	(lo, hi)    "logit"      p = lo + (hi−lo)/(1+e⁻ᵘ), open or closed
//
// and mirrored for (-inf, hi). The scale s is a typical size of the distance
// from the bound, so that u is near one whatever unit p has. For every finite
// u the value is a float of the interval: where rounding or overflow would
// leave it, the nearest float inside is returned. The zero value is not
// usable; see NewTransform.
type Transform struct {
	interval    Interval
	scale       float64
	shape       *shape // of a half line; nil otherwise
	first, last float64
}

// NewTransform chooses the transform for an interval. A scale of 0 means 1.
func NewTransform(iv Interval, scale float64) (Transform, error) {
	if scale == 0 {
		scale = 1
	}
	fail := func(format string, args ...any) (Transform, error) {
		return Transform{}, fmt.Errorf(format, args...)
	}
	switch {
	case math.IsNaN(iv.Lo) || math.IsNaN(iv.Hi):
		return fail("an end of the interval is not a number")
	case !(scale > 0) || math.IsInf(scale, 0):
		return fail("the scale of a parameter must be positive and finite, not %g", scale)
	case iv.Lo == iv.Hi && !iv.LoOpen && !iv.HiOpen:
		return fail("the interval %s holds a single value: declare a `const`, or mark the parameter `fixed`", iv)
	case !(iv.Lo < iv.Hi) || math.IsInf(iv.Lo, 1) || math.IsInf(iv.Hi, -1):
		return fail("the interval %s is empty: write the lower end first", iv)
	case iv.first() >= iv.last():
		return fail("the interval %s is too narrow to hold two numbers", iv)
	case !math.IsInf(iv.Lo, 0) && !math.IsInf(iv.Hi, 0) && math.IsInf(iv.Hi-iv.Lo, 0):
		return fail("the interval %s is wider than the largest number: use inf for an end that is not a bound", iv)
	}
	t := Transform{interval: iv, scale: scale, first: iv.first(), last: iv.last()}
	switch lo, hi := math.IsInf(iv.Lo, 0), math.IsInf(iv.Hi, 0); {
	case !lo && hi && iv.LoOpen, lo && !hi && iv.HiOpen:
		t.shape = exponential
	case !lo && hi, lo && !hi:
		t.shape = soft
	}
	return t, nil
}

// Name is `identity`, `log`, `softplus` or `logit`.
func (t *Transform) Name() string {
	switch {
	case t.shape != nil:
		return t.shape.name
	case math.IsInf(t.interval.Lo, 0):
		return "identity"
	}
	return "logit"
}

// Interval is the interval that the transform keeps.
func (t *Transform) Interval() Interval { return t.interval }

// Forward is p(u).
func (t *Transform) Forward(u float64) float64 {
	iv := t.interval
	var p float64
	switch {
	case t.shape != nil && !math.IsInf(iv.Lo, 0):
		p = iv.Lo + t.scale*t.shape.value(u)
	case t.shape != nil:
		p = iv.Hi - t.scale*t.shape.value(-u)
	case math.IsInf(iv.Lo, 0):
		p = t.scale * u
	case u < 0: // measured from the nearer end, which keeps its digits
		p = iv.Lo + (iv.Hi-iv.Lo)*sigmoid(u)
	default:
		p = iv.Hi - (iv.Hi-iv.Lo)*sigmoid(-u)
	}
	if p < t.first {
		return t.first
	}
	if p > t.last {
		return t.last
	}
	return p
}

// Inverse is u(p): infinite at a bound, NaN outside of the interval's closure.
// A start value goes through Start instead.
func (t *Transform) Inverse(p float64) float64 {
	iv := t.interval
	switch {
	case t.shape != nil && !math.IsInf(iv.Lo, 0):
		return t.shape.inverse((p - iv.Lo) / t.scale)
	case t.shape != nil:
		return -t.shape.inverse((iv.Hi - p) / t.scale)
	case math.IsInf(iv.Lo, 0):
		return p / t.scale
	}
	return math.Log(p-iv.Lo) - math.Log(iv.Hi-p)
}

// Derivative is dp/du. It is never infinite.
func (t *Transform) Derivative(u float64) float64 {
	var d float64
	switch {
	case t.shape != nil && !math.IsInf(t.interval.Lo, 0):
		d = t.scale * t.shape.d1(u)
	case t.shape != nil:
		d = t.scale * t.shape.d1(-u)
	case math.IsInf(t.interval.Lo, 0):
		d = t.scale
	default:
		d = (t.interval.Hi - t.interval.Lo) * bell(u)
	}
	return min(d, math.MaxFloat64)
}

// Second is d²p/du². It is never infinite.
func (t *Transform) Second(u float64) float64 {
	var d float64
	switch {
	case t.shape != nil && !math.IsInf(t.interval.Lo, 0):
		d = t.scale * t.shape.d2(u)
	case t.shape != nil:
		d = -t.scale * t.shape.d2(-u)
	case math.IsInf(t.interval.Lo, 0):
		d = 0
	default: // σ'' = σ'·(1 − 2σ), and 1 − 2σ(u) = −tanh(u/2)
		d = -(t.interval.Hi - t.interval.Lo) * bell(u) * math.Tanh(u/2)
	}
	return max(-math.MaxFloat64, min(d, math.MaxFloat64))
}

// inset is how far a start value that sits on a bound is moved inside, as a
// fraction of the interval's width, or of the scale on a half line.
const inset = 0.01

// Start gives the coordinate of a start value p. On a bound, where the
// coordinate would be infinite, the value is moved inside by one hundredth of
// the width of the interval (of the scale on a half line); moved tells so. A
// value outside is an error.
func (t *Transform) Start(p float64) (u float64, moved bool, err error) {
	iv := t.interval
	if math.IsNaN(p) || p < iv.Lo || p > iv.Hi || math.IsInf(p, 0) {
		return 0, false, fmt.Errorf("the start value %g is not in %s", p, iv)
	}
	step := inset * t.scale
	if !math.IsInf(iv.Lo, 0) && !math.IsInf(iv.Hi, 0) {
		step = inset * (iv.Hi - iv.Lo)
	}
	switch p {
	case iv.Lo:
		p, moved = iv.Lo+step, true
	case iv.Hi:
		p, moved = iv.Hi-step, true
	}
	// A scale far below the spacing of floats at the bound moves by one float.
	p = max(math.Nextafter(iv.Lo, math.Inf(1)), min(p, math.Nextafter(iv.Hi, math.Inf(-1))))
	u = t.Inverse(p)
	if math.IsNaN(u) || math.IsInf(u, 0) {
		return 0, moved, fmt.Errorf("the start value %g cannot be expressed with scale %g in %s", p, t.scale, iv)
	}
	return u, moved, nil
}

// AtBound tells whether the value p has run to an end of the interval: closer
// than a ten-thousandth of the width, or of the scale on a half line.
func (t *Transform) AtBound(p float64) bool {
	iv, tol := t.interval, 1e-4*t.scale
	if !math.IsInf(iv.Lo, 0) && !math.IsInf(iv.Hi, 0) {
		tol = 1e-4 * (iv.Hi - iv.Lo)
	}
	return p-iv.Lo <= tol || iv.Hi-p <= tol
}
