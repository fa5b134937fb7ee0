package scalar

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

var singleFunctions = map[string]func(float32) float32{
	"exp": ExpSingle, "expm1": Expm1Single, "log": LogSingle, "log1p": Log1pSingle, "sin": SinSingle, "cos": CosSingle,
	"tanh": TanhSingle, "sigmoid": SigmoidSingle, "softplus": SoftplusSingle, "erf": ErfSingle,
}

// singles are random arguments of a function, dense where it is delicate.
func singles(name string, rng *rand.Rand, n int) []float32 {
	var out []float32
	for i := range n {
		x := rng.NormFloat64() * math.Exp2(float64(rng.IntN(14)-8))
		if i%8 == 0 { // tiny
			x = rng.NormFloat64() * math.Exp2(-float64(rng.IntN(40)))
		}
		switch name {
		case "log":
			if x = math.Abs(x); i%5 == 0 {
				x = 1 + x/64
			} else if i%5 == 1 {
				x *= math.Exp2(float64(rng.IntN(230) - 115))
			}
		case "log1p":
			if x <= -1 {
				x = -1 - 1/x
			}
		case "sin", "cos":
			switch i % 3 {
			case 0:
				x *= 1e4
			case 1:
				x = math.Round(x*10) * math.Pi / 2 // near the zeros
			}
		}
		out = append(out, float32(x))
	}
	return out
}

// TestSingleAccuracy measures errors in units of the last place; the functions
// in double precision are exact beside them.
func TestSingleAccuracy(t *testing.T) {
	for _, f := range Functions {
		rng := rand.New(rand.NewPCG(1, 2))
		worst, at := 0., float32(0)
		for _, x := range singles(f.Name, rng, 300000) {
			want := goFunctions[f.Name](float64(x))
			got := singleFunctions[f.Name](x)
			if math.Abs(want) < 0x1p-126 || math.Abs(want) > math.MaxFloat32 || (f.Name == "sin" || f.Name == "cos") && math.Abs(float64(x)) > 0x1p21 {
				require.True(t, math.Abs(float64(got)-want) < 0x1p-148 || math.IsInf(float64(got), 0) || got != got, "%s(%g) = %g, not %g", f.Name, x, got, want)
				continue
			}
			near := float32(math.Abs(want))
			ulp := float64(math.Nextafter32(near, math.MaxFloat32) - near)
			if d := math.Abs(float64(got)-want) / ulp; !(d <= worst) {
				worst, at = d, x
			}
		}
		t.Logf("%-8s %.2f ulp at %g", f.Name, worst, at)
		require.LessOrEqual(t, worst, f.Ulps, "%s at %g", f.Name, at)
	}
}

// TestSingleSpecial: the ends of the domains.
func TestSingleSpecial(t *testing.T) {
	inf, nan, minus0 := float32(math.Inf(1)), float32(math.NaN()), float32(math.Copysign(0, -1))
	const least = math.SmallestNonzeroFloat32
	for name, cases := range map[string][][2]float32{
		"exp":      {{0, 1}, {minus0, 1}, {inf, inf}, {-inf, 0}, {nan, nan}, {89, inf}, {1e30, inf}, {-1e30, 0}, {-103.5, least}, {-105, 0}},
		"expm1":    {{0, 0}, {minus0, minus0}, {inf, inf}, {-inf, -1}, {nan, nan}, {89, inf}, {-1e9, -1}, {1e-42, 1e-42}},
		"log":      {{1, 0}, {0, -inf}, {minus0, -inf}, {inf, inf}, {-1, nan}, {-inf, nan}, {nan, nan}, {least, -103.27893}},
		"log1p":    {{0, 0}, {minus0, minus0}, {-1, -inf}, {inf, inf}, {-2, nan}, {nan, nan}, {1e-42, 1e-42}},
		"sin":      {{0, 0}, {minus0, minus0}, {inf, nan}, {nan, nan}, {1e30, nan}, {least, least}},
		"cos":      {{0, 1}, {inf, nan}, {nan, nan}, {-1e30, nan}},
		"tanh":     {{0, 0}, {minus0, minus0}, {inf, 1}, {-inf, -1}, {nan, nan}, {1e30, 1}, {1e-42, 1e-42}},
		"sigmoid":  {{0, 0.5}, {inf, 1}, {-inf, 0}, {nan, nan}},
		"erf":      {{0, 0}, {minus0, minus0}, {inf, 1}, {-inf, -1}, {nan, nan}, {1e30, 1}, {5, 1}},
		"softplus": {{0, math.Ln2}, {inf, inf}, {-inf, 0}, {nan, nan}, {100, 100}},
	} {
		for _, c := range cases {
			got := singleFunctions[name](c[0])
			if c[1] != c[1] {
				require.True(t, got != got, "%s(%g) = %g", name, c[0], got)
				continue
			}
			require.Equal(t, math.Float32bits(c[1]), math.Float32bits(got), "%s(%g) = %g", name, c[0], got)
		}
	}
}

// TestSingleGenerated: the Go functions have the bits of the recipes.
func TestSingleGenerated(t *testing.T) {
	for _, f := range Functions {
		rng := rand.New(rand.NewPCG(3, 4))
		args := singles(f.Name, rng, 2000)
		for range 4000 {
			args = append(args, math.Float32frombits(rng.Uint32()))
		}
		p := &Program{Single: true, Count: len(args)}
		words := (len(args) + 1) / 2
		p.Store(words, f.Build(p, p.Load(0, false)), false)
		mem := make([]float64, 2*words)
		copy(Singles(mem), args)
		p.Run(mem, 1)
		for i, x := range args {
			want, got := Singles(mem)[2*words+i], singleFunctions[f.Name](x)
			require.True(t, math.Float32bits(want) == math.Float32bits(got) || want != want && got != got, "%s(%g): %g, Go gives %g", f.Name, x, want, got)
		}
	}
}

// TestFMASingle compares with exact arithmetic where roundings are delicate.
func TestFMASingle(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	few := func() float32 { // few bits, so that sums come near the middle of two singles
		return float32(math.Ldexp(float64(rng.IntN(1<<12)-1<<11), rng.IntN(40)-20))
	}
	exact := func(x float32) *big.Float { return new(big.Float).SetPrec(2000).SetFloat64(float64(x)) }
	for i := range 200000 {
		x, y, z := few(), few(), few()
		if i%2 == 0 {
			x, y, z = math.Float32frombits(rng.Uint32()), math.Float32frombits(rng.Uint32()), math.Float32frombits(rng.Uint32())
			if s := float64(x) + float64(y) + float64(z); s != s || math.IsInf(s, 0) {
				continue
			}
		}
		want, _ := new(big.Float).SetPrec(2000).Add(new(big.Float).SetPrec(2000).Mul(exact(x), exact(y)), exact(z)).Float32()
		require.Equal(t, want, FMASingle(x, y, z), "%g·%g + %g", x, y, z)
	}
}
