package published

import (
	"math"
	"math/cmplx"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestSpectral follows waves whose form is known, on circles so long that their ends do not meet: a soliton of
// Korteweg and de Vries, one of the cubic Schrödinger equation, and Allen and Cahn's equation where it is linear
// and where it does not vary in space.
func TestSpectral(t *testing.T) {
	sech := func(x float64) float64 { return 1 / math.Cosh(x) }
	check := func(p *periodic, n, steps int, end, tol float64, want func(x, t float64) complex128) {
		list := p.run(func(x float64) complex128 { return want(x, 0) }, n, end/4, 5, steps)
		require.Len(t, list, 5)
		for s, u := range list {
			for i, v := range u {
				x := p.from + p.length*float64(i)/float64(n)
				require.InDelta(t, 0, cmplx.Abs(v-want(x, end*float64(s)/4)), tol)
			}
		}
	}
	// u' + u ∂u + 0.0025 ∂³u = 0 has 3c sech²(√(c/0.0025)/2 (x − ct)).
	const c = 1
	check(&kdv, 256, 100, 0.1, 3e-7, func(x, at float64) complex128 {
		return complex(3*c*sq(sech(math.Sqrt(c/0.0025)/2*(x-c*at+0.05))), 0)
	})
	long := schroedinger
	long.from, long.length = -20, 40
	check(&long, 256, 100, 1, 1e-7, func(x, at float64) complex128 {
		return complex(sech(x), 0) * cmplx.Exp(complex(0, at/2))
	})
	// Alike everywhere, u' = 5u − 5u³ has u²/(1 − u²) grow by e^10t.
	check(&allenCahn, 8, 100, 0.4, 1e-8, func(_, at float64) complex128 {
		w := 0.04 / 0.96 * math.Exp(10*at)
		return complex(math.Sqrt(w/(1+w)), 0)
	})
	check(&allenCahn, 16, 10, 1, 1e-12, func(x, at float64) complex128 {
		return complex(1e-7*math.Cos(2*math.Pi*x)*math.Exp((5-1e-4*sq(2*math.Pi))*at), 0)
	})
}
