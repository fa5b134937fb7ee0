package units

import (
	"cmp"
	"math"
	"slices"
	"sort"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The units of every file by factor and powers of kg, m, s, A, K, mol, cd: The
// International System of Units, 9th edition, BIPM 2019, tables 2, 4 and 8,
// and the constants that the table's comments name. The last column says
// whether SI prefixes go with it.
var brochure = map[string]struct {
	factor float64
	powers [7]int
	prefix bool
}{
	"kg": {1, [7]int{1}, false}, "m": {1, [7]int{0, 1}, true}, "s": {1, [7]int{0, 0, 1}, true}, "A": {1, [7]int{0, 0, 0, 1}, true},
	"K": {1, [7]int{0, 0, 0, 0, 1}, true}, "mol": {1, [7]int{0, 0, 0, 0, 0, 1}, true}, "cd": {1, [7]int{0, 0, 0, 0, 0, 0, 1}, true},
	"1": {1, [7]int{}, false}, "rad": {1, [7]int{}, true}, "sr": {1, [7]int{}, true}, "deg": {math.Pi / 180, [7]int{}, false},
	"%": {0.01, [7]int{}, false}, "percent": {0.01, [7]int{}, false},
	"g": {1e-3, [7]int{1}, true}, "t": {1e3, [7]int{1}, false}, "kt": {1e6, [7]int{1}, false}, "Mt": {1e9, [7]int{1}, false}, "Gt": {1e12, [7]int{1}, false},
	"N": {1, [7]int{1, 1, -2}, true}, "J": {1, [7]int{1, 2, -2}, true}, "W": {1, [7]int{1, 2, -3}, true}, "Pa": {1, [7]int{1, -1, -2}, true},
	"rpm": {math.Pi / 30, [7]int{0, 0, -1}, false},
	"Hz":  {1, [7]int{0, 0, -1}, true}, "Bq": {1, [7]int{0, 0, -1}, true},
	"C": {1, [7]int{0, 0, 1, 1}, true}, "V": {1, [7]int{1, 2, -3, -1}, true}, "F": {1, [7]int{-1, -2, 4, 2}, true},
	"Ohm": {1, [7]int{1, 2, -3, -2}, true}, "ohm": {1, [7]int{1, 2, -3, -2}, true}, "Ω": {1, [7]int{1, 2, -3, -2}, true}, "S": {1, [7]int{-1, -2, 3, 2}, true},
	"Wb": {1, [7]int{1, 2, -2, -1}, true}, "T": {1, [7]int{1, 0, -2, -1}, true}, "H": {1, [7]int{1, 2, -2, -2}, true},
	"Gy": {1, [7]int{0, 2, -2}, true}, "Sv": {1, [7]int{0, 2, -2}, true}, "kat": {1, [7]int{0, 0, -1, 0, 0, 1}, true},
	"lm": {1, [7]int{0, 0, 0, 0, 0, 0, 1}, true}, "lx": {1, [7]int{0, -2, 0, 0, 0, 0, 1}, true},
	"L": {1e-3, [7]int{0, 3}, true}, "l": {1e-3, [7]int{0, 3}, true}, "M": {1e3, [7]int{0, -3, 0, 0, 0, 1}, true},
	"bar": {1e5, [7]int{1, -1, -2}, true}, "atm": {101325, [7]int{1, -1, -2}, false},
	"eV": {1.602176634e-19, [7]int{1, 2, -2}, true}, "cal": {4.184, [7]int{1, 2, -2}, true}, "Da": {1.66053906892e-27, [7]int{1}, true},
	"au": {149597870700, [7]int{0, 1}, false}, "ly": {9460730472580800, [7]int{0, 1}, false},
	"min": {60, [7]int{0, 0, 1}, false}, "h": {3600, [7]int{0, 0, 1}, false}, "d": {86400, [7]int{0, 0, 1}, false}, "day": {86400, [7]int{0, 0, 1}, false},
	"wk": {604800, [7]int{0, 0, 1}, false}, "week": {604800, [7]int{0, 0, 1}, false}, "yr": {31557600, [7]int{0, 0, 1}, false},
}

// prefixOf are the prefixes of table 7 of the same brochure, as far as a float
// has use for them.
var prefixOf = map[string]int{
	"Y": 24, "Z": 21, "E": 18, "P": 15, "T": 12, "G": 9, "M": 6, "k": 3, "h": 2, "da": 1,
	"d": -1, "c": -2, "m": -3, "u": -6, "µ": -6, "μ": -6, "n": -9, "p": -12, "f": -15, "a": -18, "z": -21,
}

func TestTableIsTheBrochure(t *testing.T) {
	tab := NewTable()
	bases := []string{"kg", "m", "s", "A", "K", "mol", "cd"}
	require.Len(t, tab.Names(), len(brochure))
	require.True(t, sort.StringsAreSorted(tab.Names()))
	for name, want := range brochure {
		dims := One
		for i, b := range bases {
			dims = dims.Mul(Base(b).Pow(want.powers[i], 1))
		}
		u := get(t, tab, name)
		require.True(t, u.SameDimension(dims), "%s is %s", name, u)
		require.InEpsilon(t, want.factor, u.Factor(dims), 1e-15, name)
		require.True(t, u.Equal(Scaled(want.factor, dims)), name)
		for p, exponent := range prefixOf {
			if _, known := brochure[p+name]; known {
				continue // a unit itself: cd, min, Pa and the like
			}
			x, ok := tab.Lookup(p + name)
			require.Equal(t, want.prefix, ok, p+name)
			if ok {
				require.True(t, x.Equal(Scaled(math.Pow(10, float64(exponent)), u)), p+name)
			}
		}
	}
	for _, n := range []string{"qm", "ym", "Rm", "mum", "hh", "dd"} {
		_, ok := tab.Lookup(n)
		require.False(t, ok, n)
	}
}

// The bound of the rounding error holds and is not much too large: a sum of a
// thousand logarithms in two orders.
func TestScaleErrors(t *testing.T) {
	u := One
	for k := range 1000 {
		u = Scaled(1+1/float64(k+2), u) // (k+3)/(k+2): the product telescopes
	}
	exact := math.Log(1002. / 2)
	require.LessOrEqual(t, math.Abs(u.log-exact), u.err)
	require.Less(t, u.err, 2e-12)
	require.Greater(t, u.err, 1e-15)
	require.True(t, u.Equal(Scaled(501, One)))
	// An own error, beside that of the parts: of one operation.
	a, b := Scaled(3, One), Scaled(7, One)
	require.Greater(t, a.Mul(b).err, a.err+b.err)
	require.InEpsilon(t, eps*math.Log(21), a.Mul(b).err-a.err-b.err, 1e-12)
	require.InEpsilon(t, 3*eps*math.Log(3), a.err, 1e-12, "the logarithm's own and a rounding")
	require.Zero(t, Base("m").Pow(3, 2).err, "exact")
	require.Greater(t, a.Pow(3, 2).err, 1.5*a.err)
	require.True(t, a.Pow(1, 3).Pow(3, 1).Equal(a))
	require.Zero(t, Scaled(1, a).err-a.err)
}

// Ratios in lowest terms, by hand, and beyond what 64 bits hold.
func TestRatios(t *testing.T) {
	for _, c := range []struct {
		num, den int64
		want     string
	}{
		{6, 4, "(3/2)"},
		{-6, 4, "(-3/2)"},
		{6, -4, "(-3/2)"},
		{-6, -4, "(3/2)"},
		{0, 5, "0"},
		{8, 4, "2"},
		{1, 0, "?"},
		{math.MinInt64, 1, "?"},
		{1, math.MinInt64, "?"},
		{math.MaxInt64, 1, "9.22e+18"},
	} {
		require.Equal(t, c.want, newRatio(c.num, c.den).String(), "%d/%d", c.num, c.den)
	}
	big := newRatio(math.MaxInt64, 2)
	require.Equal(t, 1, big.sign())
	require.Equal(t, -1, big.neg().sign())
	require.Equal(t, 0, newRatio(0, 3).sign())
	require.Equal(t, -1, newRatio(-1, 3).sign())
	require.InEpsilon(t, 0x1p62, big.float(), 1e-15)
	require.Equal(t, newRatio(2, 1), big.mul(newRatio(4, math.MaxInt64)))
	require.Equal(t, newRatio(0, 1), big.add(big.neg()))
	require.Equal(t, newRatio(2, math.MaxInt64), big.inv())
	require.Equal(t, newRatio(5, 6), newRatio(1, 2).add(newRatio(1, 3)))
	require.Equal(t, newRatio(1, 6), newRatio(1, 2).mul(newRatio(1, 3)))
	require.Equal(t, newRatio(-3, 1), newRatio(-1, 3).inv())
	require.InDelta(t, -0.75, newRatio(-3, 4).float(), 0)
}

// Variables come in the order of their creation, also beyond the ninth.
func TestVariablesInOrder(t *testing.T) {
	var s Solver
	u, want := One, []string{}
	for range 12 {
		v := s.Fresh()
		u = v.Mul(u)
		want = append(want, strings.TrimSuffix(v.String(), " "))
	}
	require.Equal(t, "'12", want[11])
	for range 5 { // maps have no order
		require.Equal(t, want, Variables(u.Mul(Base("m"))))
	}
	// The youngest is expressed by the others.
	require.True(t, s.Unify(u, Base("m")))
	require.Len(t, Variables(s.Resolve(Base("'12"))), 11)
	require.Equal(t, []string{"'11"}, Variables(s.Resolve(Base("'11"))))
}

// A factor is the shortest number within the rounding error, also as one over
// such a number.
func TestFactors(t *testing.T) {
	for _, c := range [][2]float64{{0.1, 0.1}, {1. / 3600, 1. / 3600}, {1. / 7, 1. / 7}, {123.456, 123.456}, {1e-30, 1e-30}, {6.02214076e23, 6.02214076e23}} {
		u := Scaled(c[0], Base("m"))
		require.Equal(t, c[1], u.Factor(Base("m")))
		require.InEpsilon(t, 1/c[1], Base("m").Factor(u), 3e-16)
	}
	pi := Scaled(math.Pi, One)
	require.InEpsilon(t, math.Pi, pi.Factor(One), 4e-16)
	require.True(t, math.IsNaN(round(math.Inf(1), 3)))
	require.Equal(t, 1230., round(1234, 3))
	require.Equal(t, "3.14159", pi.String())
	require.Equal(t, "0.01 m/s^2", Scaled(0.01, Base("m").Div(Base("s").Pow(2, 1))).String())
	require.Equal(t, "1", One.String())
	require.Equal(t, "1/s", Base("s").Pow(-1, 1).String())
}

// A unit that the file declares is named before what every file knows.
func TestOwnNamesFirst(t *testing.T) {
	tab := NewTable()
	speed := Base("m").Div(Base("s"))
	require.Equal(t, "m/s", tab.Name(speed))
	tab.Define("pace", speed)
	require.Equal(t, "pace", tab.Name(speed))
	require.Equal(t, "m", tab.Name(Base("m")))
	require.Equal(t, "1", tab.Name(One))
}

// TestListed: what is listed is what files know, and prefixes go down.
func TestListed(t *testing.T) {
	table := NewTable()
	for _, u := range Standard() {
		got, ok := table.Lookup(u.Name)
		require.True(t, ok, u.Name)
		if u.Of != "" {
			require.True(t, got.Equal(Scaled(u.Factor, table.product(u.Of))), u.Name)
		}
		_, prefixed := table.Lookup("G" + u.Name)
		require.Equal(t, u.Prefix || u.Name == "t", prefixed, u.Name)
	}
	names, factors := Prefixes()
	require.Equal(t, []string{"Y", "Z"}, names[:2])
	require.Equal(t, 1e-21, factors[len(factors)-1])
	require.True(t, slices.IsSortedFunc(factors, func(a, b float64) int { return cmp.Compare(b, a) }))
}
