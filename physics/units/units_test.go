package units

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func unitGen(t *Table) *rapid.Generator[Unit] {
	names := rapid.SampledFrom(t.Names())
	return rapid.Custom(func(r *rapid.T) Unit {
		u := One
		for range rapid.IntRange(0, 4).Draw(r, "factors") {
			x, _ := t.Lookup(names.Draw(r, "name"))
			u = u.Mul(x.Pow(rapid.IntRange(-3, 3).Draw(r, "num"), rapid.IntRange(1, 3).Draw(r, "den")))
		}
		return u
	})
}

func TestGroupLaws(t *testing.T) {
	gen := unitGen(NewTable())
	rapid.Check(t, func(r *rapid.T) {
		a, b, c := gen.Draw(r, "a"), gen.Draw(r, "b"), gen.Draw(r, "c")
		require.True(r, a.Mul(b).Equal(b.Mul(a)))
		require.True(r, a.Mul(b).Mul(c).Equal(a.Mul(b.Mul(c))))
		require.True(r, a.Mul(One).Equal(a))
		require.True(r, a.Div(a).Dimensionless())
		require.True(r, a.Pow(2, 3).Pow(3, 2).Equal(a))
		require.True(r, a.Mul(b).Pow(1, 2).Equal(a.Pow(1, 2).Mul(b.Pow(1, 2))))
		require.Equal(r, a.Equal(b), b.Equal(a))
		require.False(r, Scaled(1.0001, a).Equal(a))
		require.True(r, Scaled(1.0001, a).SameDimension(a))
		require.False(r, a.Mul(Base("mouse")).SameDimension(a))
	})
}

// TestHugeExponents checks that an exponent which cannot be kept exactly makes
// units that differ, and not units that agree by overflow.
func TestHugeExponents(t *testing.T) {
	m := Base("m")
	u := m
	for range 8 {
		u = u.Pow(999, 1)
	}
	require.False(t, u.Equal(u))
	require.False(t, u.SameDimension(m))
	require.False(t, m.Pow(1, 0).Equal(One))
	require.Equal(t, "m^?", u.String())
	var s Solver
	require.False(t, s.Unify(s.Fresh(), u))
	require.False(t, s.Unify(u.Mul(s.Fresh()), m))
	require.True(t, m.Pow(1<<30, 1).Pow(1, 1<<30).Equal(m), "as long as it fits it is exact")
}

func get(t *testing.T, tab *Table, name string) Unit {
	t.Helper()
	u, ok := tab.Lookup(name)
	require.True(t, ok, name)
	return u
}

func TestLookup(t *testing.T) {
	tab := NewTable()
	for _, c := range []struct {
		from, to string
		factor   float64
	}{
		{"cm", "m", 0.01}, {"m", "cm", 100}, {"km", "m", 1000}, {"min", "s", 60}, {"day", "h", 24}, {"week", "day", 7}, {"yr", "day", 365.25},
		{"mg", "kg", 1e-6}, {"kg", "mg", 1e6}, {"t", "kg", 1000}, {"kt", "t", 1000}, {"mmol", "mol", 1e-3},
		{"eV", "J", 1.602176634e-19}, {"MeV", "J", 1.602176634e-13}, {"kcal", "J", 4184}, {"atm", "Pa", 101325}, {"mbar", "hPa", 1},
		{"ly", "m", 9460730472580800}, {"%", "1", 0.01}, {"deg", "rad", math.Pi / 180}, {"h", "s", 3600}, {"s", "h", 1. / 3600},
		{"dam", "m", 10}, {"dm", "m", 0.1}, {"µm", "um", 1}, {"μm", "um", 1}, {"mM", "mol", 1e-3}, {"Ω", "Ohm", 1}, {"as", "s", 1e-18},
	} {
		from, to := get(t, tab, c.from), get(t, tab, c.to)
		if c.from == "mM" {
			to = to.Div(get(t, tab, "L"))
		}
		require.True(t, from.SameDimension(to), c.from)
		got := from.Factor(to)
		if c.from == "deg" {
			require.InEpsilon(t, c.factor, got, 1e-15)
		} else {
			require.Equal(t, c.factor, got, "%s in %s: no rounding error", c.from, c.to)
		}
	}
	require.True(t, get(t, tab, "cd").Equal(Base("cd")), "candela, not a hundredth of a day")
	require.True(t, get(t, tab, "Pa").Equal(get(t, tab, "N").Div(get(t, tab, "m").Pow(2, 1))), "not a peta-year")
	require.True(t, get(t, tab, "T").Equal(get(t, tab, "kg").Div(get(t, tab, "A").Mul(get(t, tab, "s").Pow(2, 1)))), "tesla")
	require.True(t, get(t, tab, "mL").Equal(get(t, tab, "cm").Pow(3, 1)))
	require.True(t, get(t, tab, "rad").Dimensionless())
	require.False(t, get(t, tab, "deg").Dimensionless())
	for _, n := range []string{"", "foo", "k", "kkg", "mmin", "kday", "ft", "pt", "degC", "Cel", "mmHg", "lb", "in", "k1", "m%", "dd"} {
		_, ok := tab.Lookup(n)
		require.False(t, ok, n)
	}
}

// TestLookupIsUnambiguous checks that no name reads as two different pairs of
// a prefix and a unit.
func TestLookupIsUnambiguous(t *testing.T) {
	reading := map[string]string{}
	for _, p := range prefixes {
		for _, d := range standard {
			if d.prefix {
				require.Empty(t, reading[p.name+d.name], p.name+d.name)
				reading[p.name+d.name] = p.name + "·" + d.name
			}
		}
	}
}

func TestDefine(t *testing.T) {
	tab := NewTable()
	tab.DefineBase("mouse")
	tab.Define("mmHg", Scaled(133.322, get(t, tab, "Pa")))
	tab.DefineBase("g")
	require.Equal(t, 133.322, get(t, tab, "mmHg").Factor(get(t, tab, "Pa")))
	require.False(t, get(t, tab, "mouse").Dimensionless())
	require.Contains(t, tab.Names(), "mouse")
	for _, n := range []string{"kmouse", "mmmHg", "mg"} {
		_, ok := tab.Lookup(n)
		require.False(t, ok, "%s: own units take no prefixes", n)
	}
	require.NotContains(t, NewTable().Names(), "mouse")
}

func TestNames(t *testing.T) {
	tab := NewTable()
	tab.DefineBase("mouse")
	tab.Define("mmHg", Scaled(133.322, get(t, tab, "Pa")))
	for _, want := range []string{
		"1", "m", "m/s", "m/s^2", "N", "Pa", "J", "W", "V", "C", "Ohm", "kg/s^2", "1/s", "m^(1/2)", "m^2/s^2", "A*s^2",
		"mg/L", "1/h", "K/min", "cm/s", "L/h", "deg", "deg/s", "cm/s^2", "cm^2", "1/cm^2", "mg/L/h", "mL/kg/min", "kJ/mol", "%", "mmHg", "mouse", "1/mouse",
		"mouse/day", "mmHg*mouse", "mol/L", "umol/L", "mmol/L/min", "kg*m", "1/ms",
	} {
		u := unitOf(t, tab, want)
		switch want {
		case "mmHg*mouse": // no name fits: base units and a scale
			require.Equal(t, "133.322 kg*mouse/m/s^2", tab.Name(u))
		default:
			require.Equal(t, want, tab.Name(u))
		}
	}
	require.Equal(t, "0.0254 m", tab.Name(Scaled(0.0254, Base("m"))))
	require.Equal(t, "3", tab.Name(Scaled(3, One)))
}

// unitOf evaluates what String and Name print, except for a scale in front.
func unitOf(t require.TestingT, tab *Table, text string) Unit {
	u := One
	for i, f := range strings.Split(text, "/") {
		for j, g := range strings.Split(joinExponents(f), "*") {
			name, exp, has := strings.Cut(g, "^")
			x, ok := tab.Lookup(name)
			require.True(t, ok, "%s in %s", name, text)
			num, den := int64(1), int64(1)
			if has {
				num, den = exponent(exp)
			}
			if i > 0 && j == 0 {
				num = -num
			}
			u = u.Mul(x.pow(newRatio(num, den)))
		}
	}
	return u
}

// joinExponents undoes the cut of a fraction (1÷2), whose slash is not one of
// the unit.
func joinExponents(s string) string { return strings.ReplaceAll(s, "÷", "/") }

func exponent(s string) (num, den int64) {
	parse := func(s string) (n int64) {
		sign := int64(1)
		if strings.HasPrefix(s, "-") {
			sign, s = -1, s[1:]
		}
		for _, d := range s {
			n = 10*n + int64(d-'0')
		}
		return sign * n
	}
	a, b, ok := strings.Cut(strings.Trim(s, "()"), "/")
	if !ok {
		return parse(a), 1
	}
	return parse(a), parse(b)
}
