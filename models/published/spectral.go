package published

import (
	"math"
	"math/cmplx"

	"gonum.org/v1/gonum/dsp/fourier"
)

// periodic is u' = L u + D g(u) on a circle: L and D multiply its waves, g its values.
type periodic struct {
	from, length float64
	linear, by   func(k float64) complex128 // of a wave exp(ikx)
	g            func(u complex128) complex128
}

// run follows values at n places, evenly from the lower end on, through samples times a distance apart, with so
// many steps from one to the next, and returns those of all samples, the first included.
//
// A.-K. Kassam, L.N. Trefethen, Fourth-order time-stepping for stiff PDEs, SIAM J. Sci. Comput. 26, 1214–1233,
// 2005: exponential time differencing, whose functions are means over circles around their arguments.
func (p *periodic) run(start func(x float64) complex128, n int, apart float64, samples, steps int) [][]complex128 {
	const around = 64
	h := apart / float64(steps)
	type weights struct{ whole, half, q, a, b, c, by complex128 }
	w := make([]weights, n)
	for i := range w {
		k := float64(i)
		if i > n/2 {
			k -= float64(n)
		}
		k *= 2 * math.Pi / p.length
		l, of := complex(h, 0)*p.linear(k), &w[i]
		of.whole, of.half, of.by = cmplx.Exp(l), cmplx.Exp(l/2), p.by(k)
		if 2*i == n {
			of.by = 0 // the highest wave has no side
		}
		for m := range around {
			z := l + cmplx.Exp(complex(0, 2*math.Pi*(float64(m)+0.5)/around))
			e, scale := cmplx.Exp(z), complex(h/around, 0)
			of.q += scale * (cmplx.Exp(z/2) - 1) / z
			of.a += scale * (-4 - z + e*(4-3*z+z*z)) / (z * z * z)
			of.b += scale * (2 + z + e*(z-2)) / (z * z * z)
			of.c += scale * (-4 - 3*z - z*z + e*(4-z)) / (z * z * z)
		}
	}
	fft := fourier.NewCmplxFFT(n)
	values := make([]complex128, n)
	rate := func(to, v []complex128) {
		fft.Sequence(values, v)
		for i, u := range values {
			values[i] = p.g(u / complex(float64(n), 0))
		}
		fft.Coefficients(to, values)
		for i := range to {
			to[i] *= w[i].by
		}
	}
	u := make([]complex128, n)
	for i := range u {
		u[i] = start(p.from + p.length*float64(i)/float64(n))
	}
	list := [][]complex128{append([]complex128(nil), u...)}
	v := fft.Coefficients(nil, u)
	var of [4][]complex128
	for i := range of {
		of[i] = make([]complex128, n)
	}
	a, b := make([]complex128, n), make([]complex128, n)
	for range samples - 1 {
		for range steps {
			rate(of[0], v)
			for i := range v {
				a[i] = w[i].half*v[i] + w[i].q*of[0][i]
			}
			rate(of[1], a)
			for i := range v {
				b[i] = w[i].half*v[i] + w[i].q*of[1][i]
			}
			rate(of[2], b)
			for i := range v {
				b[i] = w[i].half*a[i] + w[i].q*(2*of[2][i]-of[0][i])
			}
			rate(of[3], b)
			for i := range v {
				v[i] = w[i].whole*v[i] + w[i].a*of[0][i] + 2*w[i].b*(of[1][i]+of[2][i]) + w[i].c*of[3][i]
			}
		}
		fft.Sequence(values, v)
		for i := range values {
			u[i] = values[i] / complex(float64(n), 0)
		}
		list = append(list, append([]complex128(nil), u...))
	}
	return list
}
