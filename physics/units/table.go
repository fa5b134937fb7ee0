package units

import (
	"math"
	"sort"
	"strings"
)

// Table maps names to units: those of the SI and some in common use, and what
// a model file declares.
type Table struct {
	byName map[string]Unit
	own    []string // declared by the file, in order
}

// prefixes of the SI. A name that is a unit itself is not read as a prefix and
// a unit: min, cd, Pa, h, d, T.
var prefixes = map[string]float64{
	"Y": 1e24, "Z": 1e21, "E": 1e18, "P": 1e15, "T": 1e12, "G": 1e9, "M": 1e6, "k": 1e3, "h": 1e2, "da": 10,
	"d": 1e-1, "c": 1e-2, "m": 1e-3, "u": 1e-6, "µ": 1e-6, "μ": 1e-6, "n": 1e-9, "p": 1e-12, "f": 1e-15, "a": 1e-18, "z": 1e-21,
}

// noPrefix are the units that take no prefix.
var noPrefix = map[string]bool{
	"1": true, "kg": true, "min": true, "h": true, "d": true, "day": true, "wk": true, "week": true, "yr": true,
	"deg": true, "%": true, "percent": true, "au": true, "ly": true,
}

// NewTable returns the table of the units that every file knows.
func NewTable() *Table {
	t := &Table{byName: map[string]Unit{}}
	def := func(name string, factor float64, u Unit) { t.byName[name] = Scaled(factor, u) }
	for _, b := range []string{"m", "kg", "s", "A", "K", "mol", "cd"} {
		t.byName[b] = Base(b)
	}
	m, kg, s, a, k := Base("m"), Base("kg"), Base("s"), Base("A"), Base("K")
	def("1", 1, One)
	def("rad", 1, One)
	def("sr", 1, One)
	def("deg", math.Pi/180, One)
	def("%", 0.01, One)
	def("percent", 0.01, One)
	def("g", 1e-3, kg)
	def("t", 1e3, kg)
	n := kg.Mul(m).Div(s.Pow(2, 1))
	j := n.Mul(m)
	w := j.Div(s)
	v := w.Div(a)
	c := a.Mul(s)
	def("N", 1, n)
	def("J", 1, j)
	def("W", 1, w)
	def("Pa", 1, n.Div(m.Pow(2, 1)))
	def("Hz", 1, s.Pow(-1, 1))
	def("Bq", 1, s.Pow(-1, 1))
	def("C", 1, c)
	def("V", 1, v)
	def("F", 1, c.Div(v))
	def("Ohm", 1, v.Div(a))
	def("Ω", 1, v.Div(a))
	def("S", 1, a.Div(v))
	def("Wb", 1, v.Mul(s))
	def("T", 1, v.Mul(s).Div(m.Pow(2, 1)))
	def("H", 1, v.Mul(s).Div(a))
	def("Gy", 1, j.Div(kg))
	def("Sv", 1, j.Div(kg))
	def("kat", 1, Base("mol").Div(s))
	def("lm", 1, Base("cd"))
	def("lx", 1, Base("cd").Div(m.Pow(2, 1)))
	def("L", 1e-3, m.Pow(3, 1))
	def("l", 1e-3, m.Pow(3, 1))
	def("M", 1e3, Base("mol").Div(m.Pow(3, 1)))
	def("bar", 1e5, n.Div(m.Pow(2, 1)))
	def("atm", 101325, n.Div(m.Pow(2, 1)))
	def("eV", 1.602176634e-19, j)
	def("cal", 4.184, j)
	def("Da", 1.66053906892e-27, kg) // CODATA 2022
	def("au", 149597870700, m)       // IAU 2012 B2
	def("ly", 9460730472580800, m)
	def("min", 60, s)
	def("h", 3600, s)
	def("d", 86400, s)
	def("day", 86400, s)
	def("wk", 7*86400, s)
	def("week", 7*86400, s)
	def("yr", 365.25*86400, s)
	_ = k
	return t
}

// Lookup returns the unit of that name, prefixes included.
func (t *Table) Lookup(name string) (Unit, bool) {
	if u, ok := t.byName[name]; ok {
		return u, true
	}
	for p, f := range prefixes {
		rest, ok := strings.CutPrefix(name, p)
		if !ok || rest == "" || noPrefix[rest] {
			continue
		}
		if u, ok := t.byName[rest]; ok && !t.isOwn(rest) {
			return Scaled(f, u), true
		}
	}
	return Unit{}, false
}

func (t *Table) isOwn(name string) bool {
	for _, o := range t.own {
		if o == name {
			return true
		}
	}
	return false
}

// Define gives a name to a unit.
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

// named are the names that Name tries first, alone and then over time and
// volume, in the order in which a reader would choose them.
var named = []string{
	"m", "kg", "s", "A", "K", "mol", "cd", "N", "J", "W", "Pa", "V", "Ohm", "F", "H", "T", "Wb",
	"g", "mg", "ug", "cm", "mm", "km", "min", "h", "day", "yr", "L", "mL", "mV", "mA", "mmol", "umol", "kPa", "bar", "eV", "ms", "um", "%", "deg",
}

// Name spells a unit for people: by a name of its own where one fits exactly,
// else as a quotient of two such names, else in base units.
func (t *Table) Name(u Unit) string {
	if u.Dimensionless() {
		return "1"
	}
	if s := spell(u.dims); math.Abs(u.log) < sameScale && len(u.dims) <= 2 {
		return s
	}
	list := append(append([]string{}, t.own...), named...)
	find := func(v Unit) (string, bool) {
		for _, n := range list {
			if x, ok := t.Lookup(n); ok && x.Equal(v) {
				return n, true
			}
		}
		return "", false
	}
	if n, ok := find(u); ok {
		return n
	}
	if n, ok := find(u.Pow(-1, 1)); ok {
		return "1/" + n
	}
	for _, d := range list {
		x, _ := t.Lookup(d)
		for _, p := range []int{1, 2} {
			suffix := d
			if p == 2 {
				suffix += "^2"
			}
			if n, ok := find(u.Mul(x.Pow(p, 1))); ok {
				return n + "/" + suffix
			}
			if p == 2 && x.Pow(p, 1).Equal(u) {
				return suffix
			}
			if p == 2 && x.Pow(-p, 1).Equal(u) {
				return "1/" + suffix
			}
		}
	}
	return u.String()
}
