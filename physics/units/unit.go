// Package units owns dimensions and the algebra of units: a unit is a scale
// times rational powers of base units. It also solves the equations between
// units that inference sets up. It reads no files and converts no numbers.
package units

import (
	"fmt"
	"math"
	"sort"
	"strings"
)

// Rat is a rational exponent in lowest terms, Den ≥ 1. The zero value is not
// valid; see R.
type Rat struct{ Num, Den int }

// R is num/den in lowest terms.
func R(num, den int) Rat {
	if den < 0 {
		num, den = -num, -den
	}
	a, b := num, den
	if a < 0 {
		a = -a
	}
	for b != 0 {
		a, b = b, a%b
	}
	if a == 0 {
		return Rat{0, 1}
	}
	return Rat{num / a, den / a}
}

func (r Rat) add(s Rat) Rat { return R(r.Num*s.Den+s.Num*r.Den, r.Den*s.Den) }
func (r Rat) mul(s Rat) Rat { return R(r.Num*s.Num, r.Den*s.Den) }

func (r Rat) float() float64 { return float64(r.Num) / float64(r.Den) }

func (r Rat) String() string {
	if r.Den == 1 {
		return fmt.Sprint(r.Num)
	}
	return fmt.Sprintf("(%d/%d)", r.Num, r.Den)
}

// Unit is a scale times powers of base units. The zero value is the
// dimensionless unit 1. A unit may also hold unification variables, whose
// names start with '; see Solver.
type Unit struct {
	log  float64 // natural logarithm of the scale
	dims map[string]Rat
}

// One is the dimensionless unit.
var One = Unit{}

// Base is the unit of a base dimension, in its own scale.
func Base(name string) Unit { return Unit{dims: map[string]Rat{name: {1, 1}}} }

// Scaled is factor times u.
func Scaled(factor float64, u Unit) Unit { return Unit{u.log + math.Log(factor), u.dims} }

// Mul is the product of two units.
func (u Unit) Mul(v Unit) Unit {
	if len(u.dims) == 0 {
		return Unit{u.log + v.log, v.dims}
	}
	dims := make(map[string]Rat, len(u.dims)+len(v.dims))
	for k, e := range u.dims {
		dims[k] = e
	}
	for k, e := range v.dims {
		if old, ok := dims[k]; ok {
			e = e.add(old)
		}
		if e.Num == 0 {
			delete(dims, k)
		} else {
			dims[k] = e
		}
	}
	return Unit{u.log + v.log, dims}
}

// Div is the quotient of two units.
func (u Unit) Div(v Unit) Unit { return u.Mul(v.Pow(-1, 1)) }

// Pow is u to the power num/den.
func (u Unit) Pow(num, den int) Unit {
	r := R(num, den)
	if r.Num == 0 {
		return One
	}
	dims := make(map[string]Rat, len(u.dims))
	for k, e := range u.dims {
		dims[k] = e.mul(r)
	}
	return Unit{u.log * r.float(), dims}
}

// sameScale is how well two scales must agree, in logarithms.
const sameScale = 1e-11

// Equal reports whether two units are the same, scale included.
func (u Unit) Equal(v Unit) bool {
	return u.SameDimension(v) && math.Abs(u.log-v.log) < sameScale
}

// SameDimension reports whether two units differ at most in scale.
func (u Unit) SameDimension(v Unit) bool {
	if len(u.dims) != len(v.dims) {
		return false
	}
	for k, e := range u.dims {
		if v.dims[k] != e {
			return false
		}
	}
	return true
}

// Dimensionless reports whether u is the unit 1.
func (u Unit) Dimensionless() bool { return u.Equal(One) }

// Factor is what a number in u is multiplied by to be in v, which has the same
// dimension.
func (u Unit) Factor(v Unit) float64 {
	f := math.Exp(u.log - v.log)
	if r := math.Round(f); r != 0 && math.Abs(f-r) < 1e-11*r {
		return r
	}
	if r := math.Round(1 / f); r != 0 && math.Abs(1/f-r) < 1e-11*r {
		return 1 / r
	}
	return f
}

// String spells the unit in base units, with its scale in front unless it is
// one. Table.Name finds better names.
func (u Unit) String() string {
	s := spell(u.dims)
	if f := u.Factor(Unit{dims: u.dims}); f != 1 {
		if s == "1" {
			return fmt.Sprintf("%.6g", f)
		}
		return fmt.Sprintf("%.6g %s", f, s)
	}
	return s
}

// spell writes a product of powers, what is divided by behind a slash.
func spell(dims map[string]Rat) string {
	names := make([]string, 0, len(dims))
	for k := range dims {
		names = append(names, k)
	}
	sort.Strings(names)
	var num, den []string
	for _, k := range names {
		e := dims[k]
		switch {
		case e == Rat{1, 1}:
			num = append(num, k)
		case e.Num > 0:
			num = append(num, k+"^"+e.String())
		case e == Rat{-1, 1}:
			den = append(den, k)
		default:
			den = append(den, k+"^"+Rat{-e.Num, e.Den}.String())
		}
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
