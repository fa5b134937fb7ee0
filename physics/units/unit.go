// Package units owns dimensions and the algebra of units: a unit is a scale
// times rational powers of base units. It also solves the equations between
// units that inference sets up. It reads no files and converts no numbers.
package units

import (
	"fmt"
	"math"
	"math/big"
	"sort"
	"strconv"
	"strings"
)

// ratio is an exact exponent in lowest terms with den ≥ 1. Those that int64
// cannot hold stand in big, as big.Rat spells them: where a quantity is the
// product of two of a chain, and these of two before, exponents double from one
// to the next. The zero value stands for an exponent that is no number or has
// more than maxBits: it swallows what it meets and equals nothing, itself
// included, so that a mistake shows as units that differ and never as units
// that agree.
type ratio struct {
	num, den int64
	big      string
}

// maxRatio bounds numerators and denominators so that a sum of two products of
// them fits an int64.
const maxRatio = 1 << 30

// maxBits bounds those of large exponents.
const maxBits = 1 << 12

// newRatio is num/den in lowest terms.
func newRatio(num, den int64) ratio {
	if den == 0 || num == math.MinInt64 || den == math.MinInt64 {
		return ratio{}
	}
	if den < 0 {
		num, den = -num, -den
	}
	a, b := max(num, -num), den
	for b != 0 {
		a, b = b, a%b
	}
	num, den = num/a, den/a // a ≥ 1, as den ≥ 1
	if num > maxRatio || num < -maxRatio || den > maxRatio {
		return ratio{big: big.NewRat(num, den).String()}
	}
	return ratio{num: num, den: den}
}

// fromRat is the ratio of a large number, which may have become small.
func fromRat(x *big.Rat) ratio {
	n, d := x.Num(), x.Denom()
	if max(n.BitLen(), d.BitLen()) > maxBits {
		return ratio{}
	}
	if n.IsInt64() && d.IsInt64() {
		return newRatio(n.Int64(), d.Int64())
	}
	return ratio{big: x.String()}
}

func (r ratio) rat() *big.Rat {
	if r.big == "" {
		return big.NewRat(r.num, r.den)
	}
	x, ok := new(big.Rat).SetString(r.big)
	if !ok {
		panic("units: exponent " + r.big)
	}
	return x
}

func (r ratio) valid() bool { return r.den != 0 || r.big != "" }

// both computes with two exponents: small if both are, exactly otherwise.
func (r ratio) both(s ratio, small func() ratio, exact func(z, x, y *big.Rat) *big.Rat) ratio {
	switch {
	case !r.valid() || !s.valid():
		return ratio{}
	case r.big == "" && s.big == "":
		return small()
	}
	return fromRat(exact(new(big.Rat), r.rat(), s.rat()))
}

func (r ratio) add(s ratio) ratio {
	return r.both(s, func() ratio { return newRatio(r.num*s.den+s.num*r.den, r.den*s.den) }, (*big.Rat).Add)
}

func (r ratio) mul(s ratio) ratio {
	return r.both(s, func() ratio { return newRatio(r.num*s.num, r.den*s.den) }, (*big.Rat).Mul)
}

// inv is one over r, which is not 0.
func (r ratio) inv() ratio {
	if r.big == "" {
		return newRatio(r.den, r.num)
	}
	return fromRat(new(big.Rat).Inv(r.rat()))
}

func (r ratio) neg() ratio {
	if r.big == "" {
		return ratio{num: -r.num, den: r.den}
	}
	return fromRat(new(big.Rat).Neg(r.rat()))
}

// sign is −1, 0 or 1.
func (r ratio) sign() int {
	switch {
	case strings.HasPrefix(r.big, "-") || r.num < 0:
		return -1
	case r.big != "" || r.num > 0:
		return 1
	}
	return 0
}

func (r ratio) float() float64 {
	if r.big == "" {
		return float64(r.num) / float64(r.den)
	}
	f, _ := r.rat().Float64()
	return f
}

func (r ratio) String() string {
	switch {
	case !r.valid():
		return "?"
	case r.big != "":
		return fmt.Sprintf("%.3g", r.float())
	case r.den == 1:
		return strconv.FormatInt(r.num, 10)
	}
	return fmt.Sprintf("(%d/%d)", r.num, r.den)
}

// Unit is a scale times powers of base units. The zero value is the
// dimensionless unit 1. A unit may also hold unification variables, whose
// names start with '; see Solver. Units are values: no operation changes one.
type Unit struct {
	log  float64 // natural logarithm of the scale: one more exponent, a real one
	err  float64 // bound of its rounding error
	dims map[string]ratio
}

// eps is the largest relative error of one rounding.
const eps = 0x1p-53

// scaled is the unit with these dimensions, whose logarithm was just computed
// from others with errors up to err (a running error analysis: N. J. Higham,
// Accuracy and Stability of Numerical Algorithms, 2002, section 3.3).
func scaled(log, err float64, dims map[string]ratio) Unit {
	return Unit{log, err + eps*math.Abs(log), dims}
}

// One is the dimensionless unit.
var One = Unit{}

// Base is the unit of a base dimension, in its own scale.
func Base(name string) Unit { return Unit{dims: map[string]ratio{name: {num: 1, den: 1}}} }

// Scaled is factor times u; factor is positive.
func Scaled(factor float64, u Unit) Unit {
	if factor == 1 {
		return u
	}
	l := math.Log(factor)
	return scaled(u.log+l, u.err+2*eps*math.Abs(l), u.dims) // Log is good to a unit in the last place
}

// Mul is the product of two units.
func (u Unit) Mul(v Unit) Unit {
	log, err := u.log+v.log, u.err+v.err
	if len(u.dims) == 0 {
		return scaled(log, err, v.dims)
	}
	if len(v.dims) == 0 {
		return scaled(log, err, u.dims)
	}
	dims := make(map[string]ratio, len(u.dims)+len(v.dims))
	for k, e := range u.dims {
		dims[k] = e
	}
	for k, e := range v.dims {
		if old, ok := dims[k]; ok {
			e = e.add(old)
		}
		if e.valid() && e.sign() == 0 {
			delete(dims, k)
		} else {
			dims[k] = e
		}
	}
	return scaled(log, err, dims)
}

// Div is the quotient of two units.
func (u Unit) Div(v Unit) Unit { return u.Mul(v.Pow(-1, 1)) }

// Pow is u to the power num/den, exactly. The power by a zero denominator, or
// one whose exponents outgrow 2^4096, equals no unit.
func (u Unit) Pow(num, den int) Unit { return u.pow(newRatio(int64(num), int64(den))) }

// one is the power that changes nothing.
var one = newRatio(1, 1)

func (u Unit) pow(r ratio) Unit {
	if r.valid() && r.sign() == 0 {
		return One
	}
	if u.log == 0 && u.err == 0 && (len(u.dims) == 0 || r == one) {
		return u
	}
	dims := make(map[string]ratio, len(u.dims))
	for k, e := range u.dims {
		dims[k] = e.mul(r)
	}
	if u.log == 0 && u.err == 0 {
		return Unit{dims: dims}
	}
	f := r.float()
	return scaled(u.log*f, (u.err+eps*math.Abs(u.log))*math.Abs(f), dims)
}

// sameScale is how well two scales must agree, relatively, beside their
// rounding errors.
const sameScale = 1e-12

// Equal reports whether two units are the same, scale included.
func (u Unit) Equal(v Unit) bool { return u.SameDimension(v) && u.sameScale(v) }

func (u Unit) sameScale(v Unit) bool {
	return math.Abs(u.log-v.log) <= sameScale+u.err+v.err
}

// SameDimension reports whether two units differ at most in scale.
func (u Unit) SameDimension(v Unit) bool {
	if len(u.dims) != len(v.dims) {
		return false
	}
	for k, e := range u.dims {
		if f, ok := v.dims[k]; !ok || f != e || !e.valid() {
			return false
		}
	}
	return true
}

// Dimensionless reports whether u is the unit 1: no dimension and no scale,
// which a percent has.
func (u Unit) Dimensionless() bool { return u.Equal(One) }

// Factor is what a number in u is multiplied by to be in v, which has the same
// dimension. Scales are kept as logarithms; of the numbers within their
// rounding error the shortest in decimal, or as one over a decimal, is taken,
// so that a centimetre is 0.01 m and a second 1/3600 h to the last bit.
func (u Unit) Factor(v Unit) float64 {
	d := u.log - v.log
	f := math.Exp(d)
	tol := u.err + v.err + eps*(1+math.Abs(d))
	for digits := 1; digits <= 14; digits++ {
		if s := round(f, digits); math.Abs(f-s) <= tol*f {
			return s
		}
		if s := round(1/f, digits); math.Abs(1/f-s) <= tol/f {
			return 1 / s
		}
	}
	return f
}

// round is x to a number of significant digits; NaN if x is not finite.
func round(x float64, digits int) float64 {
	s, err := strconv.ParseFloat(strconv.FormatFloat(x, 'e', digits-1, 64), 64)
	if err != nil || math.IsInf(x, 0) {
		return math.NaN()
	}
	return s
}

// String spells the unit in base units, with its scale in front unless it is
// one. Table.Name finds better names.
func (u Unit) String() string {
	s := spell(u.dims)
	if f := (Unit{log: u.log, err: u.err}).Factor(One); f != 1 {
		if s == "1" {
			return fmt.Sprintf("%.6g", f)
		}
		return fmt.Sprintf("%.6g %s", f, s)
	}
	return s
}

// spell writes a product of powers, what is divided by behind a slash.
func spell(dims map[string]ratio) string {
	names := make([]string, 0, len(dims))
	for k := range dims {
		names = append(names, k)
	}
	sort.Strings(names)
	var num, den []string
	for _, k := range names {
		e, list := dims[k], &num
		if e.sign() < 0 {
			e, list = e.neg(), &den
		}
		if e != (ratio{num: 1, den: 1}) {
			k += "^" + e.String()
		}
		*list = append(*list, k)
	}
	s := strings.Join(num, "*")
	if s == "" {
		s = "1"
	}
	for _, d := range den {
		s += "/" + d
	}
	return s
}
