package units

import (
	"maps"
	"slices"
	"strings"
)

// coherent are the derived SI units that stand for a product of base units
// wherever one fits exactly. The hertz, gray and others are not here: 1/s and
// m^2/s^2 say less than is meant only if one knows what is meant.
var coherent = []string{"N", "J", "W", "Pa", "C", "V", "F", "Ohm", "S", "Wb", "T", "H"}

// common are the units with a scale that a name may consist of, alone or as a
// quotient of two, in the order in which a reader would choose them.
var common = []string{
	"m", "kg", "s", "A", "K", "mol", "cd",
	"g", "mg", "ug", "cm", "mm", "km", "min", "h", "day", "yr", "L", "mL", "mV", "mA", "mmol", "umol",
	"kPa", "bar", "MPa", "kN", "kJ", "kcal", "kW", "MW", "eV", "ms", "um", "nm", "%", "deg", "rpm",
}

// variants are the units that may stand for a base unit in a product of
// several, the likeliest first: where one is needed at all, concentrations in
// mg/L are. The litre stands for the cube of the metre.
var variants = map[string][]string{
	"m":   {"L", "mL", "m", "mm", "cm", "km", "um"},
	"kg":  {"mg", "kg", "g", "ug", "ng"},
	"s":   {"s", "min", "h", "day", "ms", "yr"},
	"mol": {"mol", "mmol", "umol", "nmol"},
	"A":   {"A", "mA", "uA"},
}

// Name spells a unit for people: a derived unit that fits exactly, else powers
// of base units, else the name or quotient of two names whose scale fits, else
// a product with such units in the place of base units; if all fails the scale
// stands in front. What the file declares comes before what every file knows.
func (t *Table) Name(u Unit) string {
	if u.Dimensionless() {
		return "1"
	}
	if n, ok := t.find(t.own, u); ok {
		return n
	}
	si := u.sameScale(One)
	if si && len(u.dims) <= 2 {
		if n, ok := t.find(coherent, u); ok {
			return n
		}
		return spell(u.dims)
	}
	list := slices.Concat(t.own, coherent, common)
	if n, ok := t.find(list, u); ok {
		return n
	}
	if n, ok := t.power(list, u); ok {
		return n
	}
	if n, ok := t.quotient(list, slices.Concat(t.own, common, coherent), u); ok {
		return n
	}
	if !si {
		if n, ok := t.products(u); ok {
			return n
		}
	}
	return u.String()
}

// find is the first of the names whose unit is u.
func (t *Table) find(list []string, u Unit) (string, bool) {
	for _, n := range list {
		if x, ok := t.Lookup(n); ok && x.Equal(u) {
			return n, true
		}
	}
	return "", false
}

// power spells u as 1/n, n^2 or 1/n^2.
func (t *Table) power(list []string, u Unit) (string, bool) {
	if n, ok := t.find(list, u.Pow(-1, 1)); ok {
		return "1/" + n, true
	}
	if n, ok := t.find(list, u.Pow(1, 2)); ok {
		return n + "^2", true
	}
	if n, ok := t.find(list, u.Pow(-1, 2)); ok {
		return "1/" + n + "^2", true
	}
	return "", false
}

// quotient spells u as a/b or a/b^2, with b by one of the divisors: km/s, and not kW/N.
func (t *Table) quotient(list, divisors []string, u Unit) (string, bool) {
	for p, suffix := range []string{"", "^2"} {
		for _, d := range divisors {
			x, _ := t.Lookup(d)
			if x.SameDimension(One) {
				continue // a number per percent is never what is meant
			}
			if n, ok := t.find(list, u.Mul(x.Pow(p+1, 1))); ok {
				return n + "/" + d + suffix, true
			}
		}
	}
	return "", false
}

// products spells u in base units, some of them replaced so that the scales
// make up that of u.
func (t *Table) products(u Unit) (string, bool) {
	bases := slices.Sorted(maps.Keys(u.dims))
	chosen := map[string]ratio{}
	var try func(i int, rest Unit) bool
	try = func(i int, rest Unit) bool {
		if i == len(bases) {
			return rest.sameScale(One)
		}
		e := u.dims[bases[i]]
		list := variants[bases[i]]
		if list == nil {
			list = bases[i : i+1]
		}
		for _, n := range list {
			x := Base(n) // a variable, unless it is known
			if known, ok := t.Lookup(n); ok {
				x = known
			}
			r, base := e, Base(bases[i])
			if strings.HasSuffix(n, "L") {
				r, base = e.mul(ratio{num: 1, den: 3}), base.Pow(3, 1)
			}
			if r.den != 1 && r != e || !x.SameDimension(base) { // no roots of litres; the file may use the name otherwise
				continue
			}
			chosen[n] = r
			if try(i+1, Unit{log: rest.log, err: rest.err}.Mul(Unit{log: x.log, err: x.err}.pow(r.neg()))) {
				return true
			}
			delete(chosen, n)
		}
		return false
	}
	if !try(0, u) {
		return "", false
	}
	return spell(chosen), true
}
