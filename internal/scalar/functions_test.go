package scalar

import (
	"math"
	"math/big"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

var goFunctions = map[string]func(float64) float64{
	"exp": Exp, "expm1": Expm1, "log": Log, "log1p": Log1p, "sin": Sin, "cos": Cos, "tanh": Tanh, "sigmoid": Sigmoid, "softplus": Softplus, "erf": Erf,
}

// The reference is arithmetic of 300 bits with series of its own.
const precision = 300

func bf(x float64) *big.Float { return new(big.Float).SetPrec(precision).SetFloat64(x) }
func nf() *big.Float          { return new(big.Float).SetPrec(precision) }

func bigExp(x *big.Float) *big.Float {
	const halvings = 40
	y := nf().SetMantExp(x, -halvings)
	sum, term := bf(1), bf(1)
	for k := 1; k < 24; k++ {
		term.Quo(term.Mul(term, y), bf(float64(k)))
		sum.Add(sum, term)
	}
	for range halvings {
		sum.Mul(sum, sum)
	}
	return sum
}

// bigLog is Newton's method for eʸ = x.
func bigLog(x *big.Float) *big.Float {
	m, e := nf(), 0
	e = x.MantExp(m)
	f, _ := m.Float64()
	y := bf(math.Log(f))
	for range 4 {
		d := nf().Quo(m, bigExp(y))
		y.Add(y, d.Sub(d, bf(1)))
	}
	if e == 0 {
		return y
	}
	return y.Add(y, nf().Mul(bf(float64(e)), bigLn2()))
}

var ln2 *big.Float

func bigLn2() *big.Float {
	if ln2 == nil {
		y := bf(math.Ln2)
		for range 4 {
			d := nf().Quo(bf(2), bigExp(y))
			y.Add(y, d.Sub(d, bf(1)))
		}
		ln2 = y
	}
	return ln2
}

// bigPi is Machin's formula.
func bigPi() *big.Float {
	atanInverse := func(n float64) *big.Float {
		sum, term := nf(), nf().Quo(bf(1), bf(n))
		for k := 0; k < 250; k++ {
			t := nf().Quo(term, bf(float64(2*k+1)))
			if k%2 == 1 {
				t.Neg(t)
			}
			sum.Add(sum, t)
			term.Quo(term, bf(n*n))
		}
		return sum
	}
	p := nf().Sub(nf().Mul(bf(4), atanInverse(5)), atanInverse(239))
	return p.Mul(p, bf(4))
}

var pi *big.Float

// bigSin is sin(x + quarter·π/2).
func bigSin(x *big.Float, quarter float64) *big.Float {
	if pi == nil {
		pi = bigPi()
	}
	y := nf().Add(x, nf().Mul(bf(quarter/2), pi))
	n, _ := nf().Quo(y, pi).Float64()
	n = math.Round(n)
	y.Sub(y, nf().Mul(bf(n), pi))
	sum, term := nf().Set(y), nf().Set(y)
	for k := 1; k < 40; k++ {
		term.Quo(term.Mul(term, nf().Neg(nf().Mul(y, y))), bf(float64(2*k*(2*k+1))))
		sum.Add(sum, term)
	}
	if math.Mod(n, 2) != 0 {
		sum.Neg(sum)
	}
	return sum
}

// bigErf is 2/√π Σ 2ᵏ x²ᵏ⁺¹ e^{−x²}/(2k+1)!!, all of whose terms have one sign.
func bigErf(x *big.Float) *big.Float {
	if pi == nil {
		pi = bigPi()
	}
	square := nf().Mul(x, x)
	sum, term := nf(), nf().Set(x)
	for k := 0; k < 600; k++ {
		sum.Add(sum, term)
		term.Quo(term.Mul(term, nf().Mul(bf(2), square)), bf(float64(2*k+3)))
	}
	sum.Mul(sum, bigExp(nf().Neg(square)))
	return sum.Quo(sum.Mul(sum, bf(2)), nf().Sqrt(pi))
}

var references = map[string]func(x *big.Float) *big.Float{
	"exp":   bigExp,
	"expm1": func(x *big.Float) *big.Float { return nf().Sub(bigExp(x), bf(1)) },
	"log":   bigLog,
	"log1p": func(x *big.Float) *big.Float { return bigLog(nf().Add(x, bf(1))) },
	"sin":   func(x *big.Float) *big.Float { return bigSin(x, 0) },
	"cos":   func(x *big.Float) *big.Float { return bigSin(x, 1) },
	"tanh": func(x *big.Float) *big.Float {
		e := bigExp(nf().Mul(x, bf(2)))
		return nf().Quo(nf().Sub(e, bf(1)), nf().Add(e, bf(1)))
	},
	"sigmoid":  func(x *big.Float) *big.Float { return nf().Quo(bf(1), nf().Add(bf(1), bigExp(nf().Neg(x)))) },
	"erf":      bigErf,
	"softplus": func(x *big.Float) *big.Float { return bigLog(nf().Add(bf(1), bigExp(x))) },
}

// arguments are random ones for a function, dense where it is delicate.
func arguments(name string, rng *rand.Rand, n int) []float64 {
	var out []float64
	for i := range n {
		x := rng.NormFloat64() * math.Exp2(float64(rng.IntN(16)-10))
		if i%8 == 0 { // tiny
			x = rng.NormFloat64() * math.Exp2(-float64(rng.IntN(60)))
		}
		switch name {
		case "log":
			if x = math.Abs(x); i%5 == 0 {
				x = 1 + x/64
			} else if i%5 == 1 {
				x *= math.Exp2(float64(rng.IntN(2000) - 1000))
			}
		case "log1p":
			if x <= -1 {
				x = -1 - 1/x
			}
		case "sin", "cos":
			switch i % 4 {
			case 0:
				x *= 1e6
			case 1:
				x = math.Round(x*100) * math.Pi / 2 // near the zeros
			case 2:
				x *= math.Exp2(float64(rng.IntN(30)))
			}
		case "erf":
			x = math.Mod(x, 9)
		default:
			x = math.Mod(x, 700)
		}
		out = append(out, x)
	}
	return out
}

// TestAccuracy measures errors in units of the last place.
func TestAccuracy(t *testing.T) {
	n := 800
	if os.Getenv("PINODE_NIGHTLY") != "" {
		n = 3000
	}
	for _, f := range Functions {
		rng := rand.New(rand.NewPCG(1, 2))
		worst, at := 0., 0.
		for _, x := range arguments(f.Name, rng, n) {
			ref := references[f.Name](bf(x))
			want, _ := ref.Float64()
			got := goFunctions[f.Name](x)
			if math.Abs(want) < 1e-60 && x == 1 {
				want = 0
			}
			if want == 0 || math.IsInf(want, 0) || math.Abs(want) < 0x1p-1022 {
				require.InDelta(t, want, got, 5e-324, "%s(%g)", f.Name, x)
				continue
			}
			ulp := math.Nextafter(math.Abs(want), math.Inf(1)) - math.Abs(want)
			d, _ := nf().Quo(nf().Sub(bf(got), ref), bf(ulp)).Float64()
			if math.Abs(d) > worst {
				worst, at = math.Abs(d), x
			}
		}
		t.Logf("%-8s %.2f ulp at %g", f.Name, worst, at)
		require.LessOrEqual(t, worst, f.Ulps, "%s at %g", f.Name, at)
	}
}

// TestSpecial: the ends of the domains.
func TestSpecial(t *testing.T) {
	inf, nan, minus0 := math.Inf(1), math.NaN(), math.Copysign(0, -1)
	for name, cases := range map[string][][2]float64{
		"exp":      {{0, 1}, {minus0, 1}, {inf, inf}, {-inf, 0}, {nan, nan}, {710, inf}, {1e300, inf}, {-1e300, 0}, {-745, 5e-324}, {-746, 0}},
		"expm1":    {{0, 0}, {minus0, minus0}, {inf, inf}, {-inf, -1}, {nan, nan}, {710, inf}, {-1e9, -1}, {1e-320, 1e-320}},
		"log":      {{1, 0}, {0, -inf}, {minus0, -inf}, {inf, inf}, {-1, nan}, {-inf, nan}, {nan, nan}, {5e-324, -744.4400719213812}},
		"log1p":    {{0, 0}, {minus0, minus0}, {-1, -inf}, {inf, inf}, {-2, nan}, {nan, nan}, {1e-320, 1e-320}},
		"sin":      {{0, 0}, {minus0, minus0}, {inf, nan}, {-inf, nan}, {nan, nan}, {1e300, nan}, {5e-324, 5e-324}},
		"cos":      {{0, 1}, {inf, nan}, {nan, nan}, {-1e300, nan}},
		"tanh":     {{0, 0}, {minus0, minus0}, {inf, 1}, {-inf, -1}, {nan, nan}, {1e300, 1}, {1e-320, 1e-320}},
		"sigmoid":  {{0, 0.5}, {inf, 1}, {-inf, 0}, {nan, nan}, {-740, 4.2e-322}},
		"erf":      {{0, 0}, {minus0, minus0}, {inf, 1}, {-inf, -1}, {nan, nan}, {1e300, 1}, {7, 1}, {1e-320, 1.13e-320}},
		"softplus": {{0, math.Ln2}, {inf, inf}, {-inf, 0}, {nan, nan}, {800, 800}},
	} {
		for _, c := range cases {
			got := goFunctions[name](c[0])
			if math.IsNaN(c[1]) {
				require.True(t, math.IsNaN(got), "%s(%g) = %g", name, c[0], got)
				continue
			}
			require.Equal(t, math.Signbit(c[1]), math.Signbit(got), "%s(%g) = %g", name, c[0], got)
			if c[1] == 0 || math.IsInf(c[1], 0) {
				require.Equal(t, c[1], got, "%s(%g)", name, c[0])
			} else {
				require.InDelta(t, 1, got/c[1], 4e-3*math.Max(1e-13, 5e-324/math.Abs(c[1])*1e3), "%s(%g) = %g", name, c[0], got)
			}
		}
	}
}

// TestGenerated: the Go functions have the bits of the recipes.
func TestGenerated(t *testing.T) {
	for _, f := range Functions {
		rng := rand.New(rand.NewPCG(3, 4))
		args := append(arguments(f.Name, rng, 2000), 0, math.Copysign(0, -1), math.Inf(1), math.Inf(-1), math.NaN(), 1e308, -1e308, 5e-324, -5e-324, 1, -1, 709, 710, 746, -746, 1e15, 1e17)
		for range 2000 {
			args = append(args, math.Float64frombits(rng.Uint64()))
		}
		p := &Program{}
		p.Store(1, f.Build(p, p.Load(0, false)), false)
		for _, x := range args {
			mem := []float64{x, 0}
			p.Run(mem, 1)
			got := goFunctions[f.Name](x)
			require.True(t, math.Float64bits(mem[1]) == math.Float64bits(got) || math.IsNaN(mem[1]) && math.IsNaN(got), "%s(%g): %g, Go gives %g", f.Name, x, mem[1], got)
		}
	}
}

func BenchmarkFunctions(b *testing.B) {
	for _, f := range Functions {
		b.Run(f.Name, func(b *testing.B) {
			fn := goFunctions[f.Name]
			x, s := 0.3, 0.
			for b.Loop() {
				s += fn(x)
				x += 1e-9
			}
			_ = s
		})
	}
}
