package units

import (
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
		require.True(r, a.Div(a).Dimensionless())
		require.True(r, a.Pow(2, 3).Pow(3, 2).Equal(a))
		require.True(r, a.Mul(b).Pow(1, 2).Equal(a.Pow(1, 2).Mul(b.Pow(1, 2))))
	})
}

func TestLookup(t *testing.T) {
	tab := NewTable()
	get := func(n string) Unit {
		u, ok := tab.Lookup(n)
		require.True(t, ok, n)
		return u
	}
	require.Equal(t, 0.01, get("cm").Factor(get("m")))
	require.Equal(t, 1000., get("km").Factor(get("m")))
	require.Equal(t, 60., get("min").Factor(get("s")))
	require.InEpsilon(t, 1e-6, get("mg").Factor(get("kg")), 1e-12)
	require.True(t, get("cd").Equal(Base("cd")), "candela, not a hundredth of a day")
	require.True(t, get("Pa").SameDimension(get("bar")))
	require.True(t, get("mL").Equal(get("cm").Pow(3, 1)))
	require.True(t, get("rad").Dimensionless())
	require.False(t, get("deg").Dimensionless())
	require.False(t, get("cm").Equal(get("m")))
	for _, n := range []string{"foo", "kkg", "mmin", "kday"} {
		_, ok := tab.Lookup(n)
		require.False(t, ok, n)
	}
	tab.DefineBase("mouse")
	_, ok := tab.Lookup("kmouse")
	require.False(t, ok, "own units take no prefixes")
}

func TestNames(t *testing.T) {
	tab := NewTable()
	of := func(n string) Unit { u, _ := tab.Lookup(n); return u }
	for want, u := range map[string]Unit{
		"1":      One,
		"m/s^2":  of("m").Div(of("s").Pow(2, 1)),
		"N":      of("N"),
		"mg/L":   of("mg").Div(of("L")),
		"1/h":    of("h").Pow(-1, 1),
		"K/min":  of("K").Div(of("min")),
		"N/m":    of("kg").Div(of("s").Pow(2, 1)),
		"cm/s":   of("cm").Div(of("s")),
		"L/h":    of("L").Div(of("h")),
		"deg":    of("deg"),
		"cm/s^2": of("cm").Div(of("s").Pow(2, 1)),
	} {
		if want == "N/m" {
			want = "kg/s^2"
		}
		require.Equal(t, want, tab.Name(u))
	}
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
}
