package data

import (
	"fmt"
	"math"
	"sort"
	"strings"
)

// Interpolations are the ways to read an input between its times, the default
// first. A signal that is given twice at one time jumps there.
var Interpolations = []struct{ Name, Doc string }{
	{"linear", "straight lines"},
	{"hold", "the last value given"},
	{"cubic", "a spline with two continuous derivatives (not-a-knot)"},
}

// The values of a signal that is switched keep still at least so many times as often as they
// change, and between so many levels.
const (
	stillness = 3
	levels    = 4
)

// Switched is where a signal jumps that looks switched: the first of two values, where each
// change is between two values alone, of a few that are kept for long; −1: it does not look so.
func (s *Signal) Switched() int {
	first, changes, still, level := -1, 0, 0, map[float64]bool{}
	for i := range len(s.V) - 1 {
		level[s.V[i]], level[s.V[i+1]] = true, true
		switch {
		case len(level) > levels || s.V[i] != s.V[i+1] && s.T[i] == s.T[i+1]: // it says itself how it jumps
			return -1
		case s.V[i] == s.V[i+1]:
			still++
			continue
		case i > 0 && s.V[i-1] != s.V[i]: // on its way
			return -1
		case first < 0:
			first = i
		}
		changes++
	}
	if still < stillness*changes {
		return -1
	}
	return first
}

// Interpolant is an input as a function of time, in pieces that are
// polynomials. Outside of its times it keeps its first and last value. It is
// read by many at once.
type Interpolant struct {
	t      []float64    // ascending; the piece i starts at t[i]
	piece  [][4]float64 // coefficients of powers of time since t[i]; the last is the last value
	before float64      // the value before t[0]
	knots  []float64
}

// NewInterpolant interpolates a signal, whose times ascend, by one of
// Interpolations.
func NewInterpolant(s Signal, kind string) (*Interpolant, error) {
	if len(s.T) == 0 {
		return nil, fmt.Errorf("the input has no values")
	}
	p := &Interpolant{before: s.V[0]}
	var arrive []float64 // the value at which the piece before ends
	for i, t := range s.T {
		if n := len(p.t); n > 0 && p.t[n-1] == t { // the first of equal times ends a piece, the last starts one
			p.piece[n-1][0] = s.V[i]
			continue
		}
		p.t, p.piece, arrive = append(p.t, t), append(p.piece, [4]float64{s.V[i]}), append(arrive, s.V[i])
	}
	switch kind {
	case "hold":
	case "linear":
		for i := range len(p.t) - 1 {
			p.piece[i][1] = (arrive[i+1] - p.piece[i][0]) / (p.t[i+1] - p.t[i])
		}
	case "cubic":
		for i := range p.t {
			if p.piece[i][0] != arrive[i] {
				return nil, fmt.Errorf("a cubic input cannot jump; at %g it is both %g and %g", p.t[i], arrive[i], p.piece[i][0])
			}
		}
		p.spline()
	default:
		names := make([]string, len(Interpolations))
		for i, k := range Interpolations {
			names[i] = k.Name
		}
		return nil, fmt.Errorf("there is no interpolation `%s`; it is one of %s", kind, strings.Join(names, ", "))
	}
	for i, t := range p.t {
		if kind == "cubic" && i > 0 && i < len(p.t)-1 {
			continue
		}
		v, rate := p.Before(t)
		if kind == "linear" {
			v = arrive[i] // free of rounding
		}
		if c := p.piece[i]; v != c[0] || rate != c[1] {
			p.knots = append(p.knots, t)
		}
	}
	return p, nil
}

// spline fits the pieces of the cubic spline whose third derivative is
// continuous at the second and the last but one time: the not-a-knot spline of
// C. de Boor, A Practical Guide to Splines, 1978. Three values give a parabola,
// two a line. The equations of the second derivatives m,
//
//	h₍ᵢ₋₁₎ m₍ᵢ₋₁₎ + 2 (h₍ᵢ₋₁₎ + hᵢ) mᵢ + hᵢ m₍ᵢ₊₁₎ = 6 (dᵢ − d₍ᵢ₋₁₎),
//
// d being the slopes of the chords, are tridiagonal once the two conditions
// are put in: m₀ = m₁ + (m₁ − m₂) h₀/h₁, and alike at the end.
func (p *Interpolant) spline() {
	n := len(p.t) - 1 // pieces
	if n < 1 {
		return
	}
	h, d, m := make([]float64, n), make([]float64, n), make([]float64, n+1)
	for i := range n {
		h[i] = p.t[i+1] - p.t[i]
		d[i] = (p.piece[i+1][0] - p.piece[i][0]) / h[i]
	}
	switch {
	case n == 2:
		c := 2 * (d[1] - d[0]) / (h[0] + h[1])
		m[0], m[1], m[2] = c, c, c
	case n > 2:
		// Elimination downwards: mᵢ = rhs[i] − up[i] mᵢ₊₁.
		up, rhs := make([]float64, n), make([]float64, n)
		for i := 1; i < n; i++ {
			lo, di, hi := h[i-1], 2*(h[i-1]+h[i]), h[i]
			if i == 1 {
				r := h[0] / h[1]
				di, hi, lo = di+lo*(1+r), hi-lo*r, 0
			}
			if i == n-1 {
				r := h[n-1] / h[n-2]
				di, lo, hi = di+h[n-1]*(1+r), lo-h[n-1]*r, 0
			}
			pivot := di - lo*up[i-1]
			up[i], rhs[i] = hi/pivot, (6*(d[i]-d[i-1])-lo*rhs[i-1])/pivot
		}
		for i := n - 1; i >= 1; i-- {
			m[i] = rhs[i] - up[i]*m[i+1]
		}
		m[0] = m[1] + (m[1]-m[2])*h[0]/h[1]
		m[n] = m[n-1] + (m[n-1]-m[n-2])*h[n-1]/h[n-2]
	}
	for i := range n {
		p.piece[i][1] = d[i] - h[i]*(2*m[i]+m[i+1])/6
		p.piece[i][2] = m[i] / 2
		p.piece[i][3] = (m[i+1] - m[i]) / (6 * h[i])
	}
}

// At is the value and its derivative at time t; at a knot those to the right.
func (p *Interpolant) At(t float64) (v, rate float64) {
	return p.in(sort.Search(len(p.t), func(i int) bool { return p.t[i] > t })-1, t)
}

// Before is the value and its derivative just before time t: at a knot those
// to the left, which is what a step that ends there sees.
func (p *Interpolant) Before(t float64) (v, rate float64) {
	return p.in(sort.SearchFloat64s(p.t, t)-1, t)
}

// Along is the value and its derivative at time t in the stretch between knots that holds the
// time from, or begins there: beyond the ends of the stretch as it would go on, where a stage
// of a step may lie.
func (p *Interpolant) Along(from, t float64) (v, rate float64) { return p.in(p.along(from, t), t) }

// CurveAlong is the second derivative where Along has the first.
func (p *Interpolant) CurveAlong(from, t float64) float64 { return p.curve(p.along(from, t), t) }

// along is the piece that Along reads.
func (p *Interpolant) along(from, t float64) int {
	next := sort.Search(len(p.knots), func(i int) bool { return p.knots[i] > from })
	switch {
	case next < len(p.knots) && t > p.knots[next]:
		return sort.SearchFloat64s(p.t, p.knots[next]) - 1
	case next > 0 && t < p.knots[next-1]:
		return sort.SearchFloat64s(p.t, p.knots[next-1])
	case t > from:
		return sort.SearchFloat64s(p.t, t) - 1
	}
	return sort.Search(len(p.t), func(i int) bool { return p.t[i] > t }) - 1
}

func (p *Interpolant) in(i int, t float64) (v, rate float64) {
	if i < 0 {
		return p.before, 0
	}
	c, x := &p.piece[i], t-p.t[i]
	return c[0] + x*(c[1]+x*(c[2]+x*c[3])), c[1] + x*(2*c[2]+3*x*c[3])
}

// CurveAt and CurveBefore are the second derivatives where At and Before have the first.
func (p *Interpolant) CurveAt(t float64) float64 {
	return p.curve(sort.Search(len(p.t), func(i int) bool { return p.t[i] > t })-1, t)
}

func (p *Interpolant) CurveBefore(t float64) float64 {
	return p.curve(sort.SearchFloat64s(p.t, t)-1, t)
}

func (p *Interpolant) curve(i int, t float64) float64 {
	if i < 0 {
		return 0
	}
	c := &p.piece[i]
	return 2*c[2] + 6*c[3]*(t-p.t[i])
}

// Knots are the times at which the signal or its derivative jumps.
func (p *Interpolant) Knots() []float64 { return p.knots }

// Range is the least and the largest value from time a to time b, and of the
// derivative, within a stretch that holds no knot but at its ends.
func (p *Interpolant) Range(a, b float64) (lo, hi, rateLo, rateHi float64) {
	lo, rateLo = math.Inf(1), math.Inf(1)
	hi, rateHi = -lo, -rateLo
	first := sort.Search(len(p.t), func(i int) bool { return p.t[i] > a }) - 1
	for i := first; i < len(p.t) && (i <= first || p.t[i] < b); i++ {
		from, to := a, b
		if i > first {
			from = p.t[i]
		}
		if i+1 < len(p.t) {
			to = math.Max(from, math.Min(b, p.t[i+1]))
		}
		// The Bernstein form of the cubic over the part, whose values at the ends
		// and derivatives there are known.
		v, r := p.in(i, from)
		u, q := p.in(i, to)
		w := (to - from) / 3
		second := 0.
		if i >= 0 {
			second = 2*p.piece[i][2] + 6*p.piece[i][3]*(from-p.t[i])
		}
		for _, x := range [...]float64{v, v + w*r, u - w*q, u} {
			lo, hi = math.Min(lo, x), math.Max(hi, x)
		}
		for _, x := range [...]float64{r, r + 1.5*w*second, q} {
			rateLo, rateHi = math.Min(rateLo, x), math.Max(rateHi, x)
		}
	}
	pad, rate := slack*(math.Abs(lo)+math.Abs(hi)), slack*(math.Abs(rateLo)+math.Abs(rateHi))
	return lo - pad, hi + pad, rateLo - rate, rateHi + rate
}

// slack is what round-off may add to the value of a piece.
const slack = 0x1p-46
