package units

import (
	"cmp"
	"math"
	"slices"
	"sort"
	"strings"
)

// Table maps names to units: those of the SI and some in common use, and what
// a model file declares. Temperatures with an offset, such as the degree
// Celsius, are not in it: they are no factor times a unit. Nor are units whose
// size differs by country or convention, such as mmHg and lb; a model file
// that needs one says what it means by it.
type Table struct {
	byName map[string]Unit
	own    []string // declared by the file, in order
}

type prefix struct {
	name   string
	factor float64
}

// prefixes of the SI, longest first: `da` before `d`. A name that is a unit
// itself is not read as a prefix and a unit: min, cd, Pa, h, d, T.
var prefixes = []prefix{
	{"da", 1e1},
	{"Y", 1e24},
	{"Z", 1e21},
	{"E", 1e18},
	{"P", 1e15},
	{"T", 1e12},
	{"G", 1e9},
	{"M", 1e6},
	{"k", 1e3},
	{"h", 1e2},
	{"d", 1e-1},
	{"c", 1e-2},
	{"m", 1e-3},
	{"u", 1e-6},
	{"µ", 1e-6},
	{"μ", 1e-6},
	{"n", 1e-9},
	{"p", 1e-12},
	{"f", 1e-15},
	{"a", 1e-18},
	{"z", 1e-21},
}

// definition is a unit of the table by others that stand before it.
type definition struct {
	name   string
	factor float64
	of     string // a product of powers, in the syntax of units; empty: a base unit
	prefix bool   // takes SI prefixes
}

// standard are the units that every file knows. The tonne is listed with the
// prefixes it is used with: `ft` and `pt` should be unknown names.
var standard = []definition{
	{"m", 1, "", true},
	{"kg", 1, "", false},
	{"s", 1, "", true},
	{"A", 1, "", true},
	{"K", 1, "", true},
	{"mol", 1, "", true},
	{"cd", 1, "", true},
	{"1", 1, "1", false},
	{"rad", 1, "1", true},
	{"sr", 1, "1", true},
	{"deg", math.Pi / 180, "1", false},
	{"%", 0.01, "1", false},
	{"percent", 0.01, "1", false},

	{"g", 1e-3, "kg", true},
	{"t", 1e3, "kg", false},
	{"kt", 1e6, "kg", false},
	{"Mt", 1e9, "kg", false},
	{"Gt", 1e12, "kg", false},
	{"N", 1, "kg*m/s^2", true},
	{"J", 1, "N*m", true},
	{"W", 1, "J/s", true},
	{"Pa", 1, "N/m^2", true},
	{"Hz", 1, "1/s", true},
	{"rpm", math.Pi / 30, "1/s", false},
	{"Bq", 1, "1/s", true},
	{"C", 1, "A*s", true},
	{"V", 1, "W/A", true},
	{"F", 1, "C/V", true},
	{"Ohm", 1, "V/A", true},
	{"ohm", 1, "V/A", true},
	{"Ω", 1, "V/A", true},
	{"S", 1, "A/V", true},
	{"Wb", 1, "V*s", true},
	{"T", 1, "Wb/m^2", true},
	{"H", 1, "Wb/A", true},
	{"Gy", 1, "J/kg", true},
	{"Sv", 1, "J/kg", true},
	{"kat", 1, "mol/s", true},
	{"lm", 1, "cd", true},
	{"lx", 1, "lm/m^2", true},

	{"L", 1e-3, "m^3", true},
	{"l", 1e-3, "m^3", true},
	{"M", 1, "mol/L", true},
	{"bar", 1e5, "Pa", true},
	{"atm", 101325, "Pa", false},
	{"eV", 1.602176634e-19, "J", true},
	{"cal", 4.184, "J", true},             // thermochemical
	{"Da", 1.66053906892e-27, "kg", true}, // CODATA 2022
	{"au", 149597870700, "m", false},
	{"ly", 9460730472580800, "m", false}, // IAU 2012 B2; the year is Julian
	{"min", 60, "s", false},
	{"h", 3600, "s", false},
	{"d", 86400, "s", false},
	{"day", 1, "d", false},
	{"wk", 7, "d", false},
	{"week", 7, "d", false},
	{"yr", 365.25, "d", false}, // Julian
}

// takesPrefix are the names of the standard units that take prefixes.
var takesPrefix = func() map[string]bool {
	out := map[string]bool{}
	for _, d := range standard {
		out[d.name] = d.prefix
	}
	return out
}()

// Listed is a unit that every file knows.
type Listed struct {
	Name   string
	Factor float64
	Of     string // the unit that it is so many times; empty: it is a base unit
	Prefix bool   // it takes the prefixes of the SI
}

// Standard lists these units, each behind those that it is made of.
func Standard() []Listed {
	var out []Listed
	for _, d := range standard {
		out = append(out, Listed{d.name, d.factor, d.of, d.prefix})
	}
	return out
}

// Prefixes lists the prefixes of the SI and their factors, the largest first.
func Prefixes() (names []string, factors []float64) {
	sorted := slices.Clone(prefixes)
	slices.SortStableFunc(sorted, func(a, b prefix) int { return cmp.Compare(b.factor, a.factor) })
	for _, p := range sorted {
		names, factors = append(names, p.name), append(factors, p.factor)
	}
	return names, factors
}

// NewTable returns the table of the units that every file knows.
func NewTable() *Table {
	t := &Table{byName: make(map[string]Unit, len(standard))}
	for _, d := range standard {
		if d.of == "" {
			t.byName[d.name] = Base(d.name)
		} else {
			t.byName[d.name] = Scaled(d.factor, t.product(d.of))
		}
	}
	return t
}

// product evaluates the right side of a definition: names with an optional
// one-digit power, joined by * and /.
func (t *Table) product(s string) Unit {
	out, sign := One, 1
	for {
		i := strings.IndexAny(s, "*/")
		factor, rest := s, ""
		if i >= 0 {
			factor, rest = s[:i], s[i+1:]
		}
		name, power, _ := strings.Cut(factor, "^")
		n := 1
		if power != "" {
			n = int(power[0] - '0')
		}
		out = out.Mul(t.byName[name].Pow(sign*n, 1))
		if i < 0 {
			return out
		}
		if sign = 1; s[i] == '/' {
			sign = -1
		}
		s = rest
	}
}

// Lookup returns the unit of that name, prefixes included.
func (t *Table) Lookup(name string) (Unit, bool) {
	if u, ok := t.byName[name]; ok {
		return u, true
	}
	for _, p := range prefixes {
		rest, ok := strings.CutPrefix(name, p.name)
		if ok && takesPrefix[rest] && !slices.Contains(t.own, rest) {
			return Scaled(p.factor, t.byName[rest]), true
		}
	}
	return Unit{}, false
}

// Define gives a name to a unit. It takes no prefixes, and hides a unit of the
// table that has the same name.
func (t *Table) Define(name string, u Unit) {
	t.byName[name] = u
	t.own = append(t.own, name)
}

// DefineBase adds a base unit.
func (t *Table) DefineBase(name string) { t.Define(name, Base(name)) }

// Names returns the names of the table, without those with prefixes.
func (t *Table) Names() []string {
	out := make([]string, 0, len(t.byName))
	for n := range t.byName {
		out = append(out, n)
	}
	sort.Strings(out)
	return out
}
