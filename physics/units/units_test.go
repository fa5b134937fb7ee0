package units

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/pinode/pinode/dsl"
	"github.com/pinode/pinode/dsl/diag"
	_ "github.com/pinode/pinode/internal/testseed"
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

// TestLargeExponents: exponents beyond an int64 are exact.
func TestLargeExponents(t *testing.T) {
	m, s := Base("m"), Base("s")
	u, v := m, m.Div(s)
	for range 20 {
		u = u.Pow(999, 1)
		v = v.Mul(v)
	}
	require.False(t, u.Equal(u.Mul(m)))
	require.True(t, u.Mul(s).Div(u).Equal(s), "and become small again")
	for range 20 {
		u = u.Pow(-1, 999).Pow(-1, 1)
		v = v.Pow(1, 2)
	}
	require.True(t, u.Equal(m))
	require.True(t, v.Equal(m.Div(s)))

	// Each unit is the product of the two before: the powers are Fibonacci's
	// numbers, the 300th of which has 209 bits.
	var sv Solver
	x := []Unit{sv.Fresh(), sv.Fresh()}
	for i := 2; i < 300; i++ {
		x = append(x, sv.Fresh())
		require.True(t, sv.Unify(x[i], x[i-1].Mul(x[i-2])))
	}
	require.True(t, sv.Unify(x[299], x[298].Mul(m)), "which says what unit x[297] has")
	require.True(t, sv.Resolve(x[297]).Equal(m))
	require.False(t, sv.Unify(x[297], s))
}

// TestHugeExponents checks that an exponent which cannot be kept exactly makes
// units that differ, and not units that agree by overflow.
func TestHugeExponents(t *testing.T) {
	m := Base("m")
	u := m
	for range 500 {
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
		{"cm", "m", 0.01},
		{"m", "cm", 100},
		{"km", "m", 1000},
		{"min", "s", 60},
		{"day", "h", 24},
		{"week", "day", 7},
		{"yr", "day", 365.25},
		{"mg", "kg", 1e-6},
		{"kg", "mg", 1e6},
		{"t", "kg", 1000},
		{"kt", "t", 1000},
		{"mmol", "mol", 1e-3},
		{"eV", "J", 1.602176634e-19},
		{"MeV", "J", 1.602176634e-13},
		{"kcal", "J", 4184},
		{"atm", "Pa", 101325},
		{"mbar", "hPa", 1},
		{"ly", "m", 9460730472580800},
		{"%", "1", 0.01},
		{"deg", "rad", math.Pi / 180},
		{"h", "s", 3600},
		{"s", "h", 1. / 3600},
		{"dam", "m", 10},
		{"dm", "m", 0.1},
		{"µm", "um", 1},
		{"μm", "um", 1},
		{"mM", "mol", 1e-3},
		{"Ω", "Ohm", 1},
		{"as", "s", 1e-18},
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
		"mouse/day", "mmHg*mouse", "C/kg", "Pa/s", "mol/L", "umol/L", "mmol/L/min", "kg*m", "1/ms", "rpm", "rpm/s", "kcal/mol",
	} {
		u := unitOf(t, tab, want)
		switch want {
		case "mmHg*mouse": // no name fits: base units and a scale
			require.Equal(t, "133.322 kg*mouse/m/s^2", tab.Name(u))
		default:
			require.Equal(t, want, tab.Name(u))
		}
	}
	require.Equal(t, "'1/s", tab.Name((&Solver{}).Fresh().Div(Base("s"))))
	require.Equal(t, "0.0254 m", tab.Name(Scaled(0.0254, Base("m"))))
	require.Equal(t, "3", tab.Name(Scaled(3, One)))
}

// unitOf evaluates a unit as a model file writes it.
func unitOf(t require.TestingT, tab *Table, text string) Unit {
	file, diags := dsl.Parse(diag.NewSource("unit", "model M {\n  const c = 1 ["+text+"]\n}\n"))
	require.NoError(t, diags.Err(), text)
	u := One
	for _, f := range file.Decls[0].(*dsl.ModelDecl).Body[0].(*dsl.ConstDecl).Value.(*dsl.NumberLit).Unit.Factors {
		x, ok := tab.Lookup(f.Name)
		require.True(t, ok, "%s in %s", f.Name, text)
		u = u.Mul(x.Pow(f.Num, f.Den))
	}
	return u
}

// TestNameReadsBack checks that what is printed is the unit, in the syntax of
// model files.
func TestNameReadsBack(t *testing.T) {
	tab := NewTable()
	gen := unitGen(tab)
	rapid.Check(t, func(r *rapid.T) {
		u := gen.Draw(r, "unit")
		name := tab.Name(u)
		factor, rest, ok := strings.Cut(name, " ")
		if f, err := strconv.ParseFloat(factor, 64); err == nil { // a scale in front, printed to six digits
			v := One
			if ok {
				v = unitOf(r, tab, rest)
			}
			require.True(r, v.SameDimension(u), name)
			require.InEpsilon(r, u.Factor(v), f, 1e-5, name)
			return
		}
		require.True(r, unitOf(r, tab, name).Equal(u), name)
		require.True(r, unitOf(r, tab, spell(u.dims)).SameDimension(u))
	})
}

func TestSolver(t *testing.T) {
	var s Solver
	m, sec := Base("m"), Base("s")
	a, b := s.Fresh(), s.Fresh()
	require.True(t, s.Unify(a.Mul(b), m))
	require.True(t, s.Unify(a.Div(b), m.Div(sec.Pow(2, 1))))
	require.True(t, s.Resolve(a).Equal(m.Div(sec)), "a² = m²/s²")
	require.True(t, s.Resolve(b).Equal(sec))
	require.False(t, s.Unify(a, m))
	require.False(t, s.Unify(Scaled(0.01, m), m), "cm is not m")
	c := s.Fresh()
	require.True(t, s.Unify(c.Pow(3, 1), One))
	require.True(t, s.Ground(c).Dimensionless())
	require.True(t, s.Ground(s.Fresh().Mul(m)).Equal(m))
	d, e := s.Fresh(), s.Fresh()
	require.True(t, s.Unify(d, e.Mul(m)))
	require.Equal(t, []string{"'5"}, Variables(s.Resolve(d.Div(e.Pow(2, 1)))), "the younger variable is expressed by the older")
}

// TestSolverFindsSolutions draws equations that a hidden choice of the
// variables solves: each must be accepted, in any order, and together they
// must hold.
func TestSolverFindsSolutions(t *testing.T) {
	gen := unitGen(NewTable())
	rapid.Check(t, func(r *rapid.T) {
		var s Solver
		var vars, hidden []Unit
		for range rapid.IntRange(1, 5).Draw(r, "variables") {
			vars = append(vars, s.Fresh())
			hidden = append(hidden, gen.Draw(r, "hidden"))
		}
		type equation struct{ a, b Unit }
		var eqs []equation
		for range rapid.IntRange(1, 7).Draw(r, "equations") {
			lhs, value := One, One
			for i, v := range vars {
				n, d := rapid.IntRange(-2, 2).Draw(r, "num"), rapid.IntRange(1, 2).Draw(r, "den")
				lhs, value = lhs.Mul(v.Pow(n, d)), value.Mul(hidden[i].Pow(n, d))
			}
			eqs = append(eqs, equation{lhs, value})
		}
		for _, q := range eqs {
			require.True(r, s.Unify(q.a, q.b))
		}
		for _, q := range eqs {
			require.True(r, s.Resolve(q.a).Equal(s.Resolve(q.b)))
			require.True(r, s.Unify(q.a, q.b), "nothing new")
			require.False(r, s.Unify(q.a, Scaled(10, q.b)) && len(Variables(s.Resolve(q.a))) == 0, "a solved equation has one scale")
		}
	})
}

// TestUnifyFailureChangesNothing checks that a refused equation leaves no mark,
// and that its two sides tell whether only the scale is at fault.
func TestUnifyFailureChangesNothing(t *testing.T) {
	var s Solver
	tab := NewTable()
	a := s.Fresh()
	require.True(t, s.Unify(a, get(t, tab, "cm")))
	require.False(t, s.Unify(a, get(t, tab, "m")))
	require.True(t, s.Resolve(a).Equal(get(t, tab, "cm")))
	require.True(t, s.Ground(a).SameDimension(get(t, tab, "m")))
	require.Equal(t, 0.01, s.Ground(a).Factor(get(t, tab, "m")))
	require.False(t, s.Unify(a, get(t, tab, "s")))
	require.False(t, s.Ground(a).SameDimension(get(t, tab, "s")))
}

func ExampleTable() {
	tab := NewTable()
	tab.DefineBase("mouse")
	mg, _ := tab.Lookup("mg")
	day, _ := tab.Lookup("day")
	kg, _ := tab.Lookup("kg")
	mouse, _ := tab.Lookup("mouse")
	dose := mg.Div(mouse).Div(day)
	fmt.Println(tab.Name(dose))
	fmt.Println(mg.Factor(kg))
	fmt.Println(dose.SameDimension(kg.Div(mouse)))
	// Output:
	// mg/day/mouse
	// 1e-06
	// false
}

func ExampleSolver() {
	// kinetic = m/2*v^2 + u, with u and v undeclared and kinetic in joule
	var s Solver
	tab := NewTable()
	j, _ := tab.Lookup("J")
	u, v := s.Fresh(), s.Fresh()
	term := Base("kg").Mul(v.Pow(2, 1))
	fmt.Println(s.Unify(term, u), s.Unify(u, j))
	fmt.Println(tab.Name(s.Ground(v)), tab.Name(s.Ground(u)))
	// Output:
	// true true
	// m/s J
}
