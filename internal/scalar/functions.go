package scalar

import (
	"math"
	"math/bits"
)

// Function is an elementary function of one argument as straight-line code.
type Function struct {
	Name  string
	Doc   string  // range and special values
	Ulps  float64 // bound of its error in units of the last place
	Build func(p *Program, x Value) Value
}

// Functions lists the elementary functions. The Go functions of this package,
// the vector kernels and machine code are all made from these.
var Functions = []Function{
	{Name: "exp", Ulps: 1, Doc: "e to the x", Build: exp},
	{Name: "expm1", Ulps: 2, Doc: "e to the x less 1, accurate near 0", Build: expm1},
	{Name: "log", Ulps: 1, Doc: "natural logarithm; −∞ at 0, NaN below", Build: log},
	{Name: "log1p", Ulps: 1.5, Doc: "logarithm of 1 + x, accurate near 0; −∞ at −1, NaN below", Build: log1p},
	{Name: "sin", Ulps: 1, Doc: "sine; NaN for |x| above 2⁵⁰ (2²¹ in single precision), where numbers are nearly as far apart as radians", Build: sin},
	{Name: "cos", Ulps: 1, Doc: "cosine; NaN for |x| above 2⁵⁰ (2²¹)", Build: cos},
	{Name: "tanh", Ulps: 2.5, Doc: "hyperbolic tangent", Build: tanh},
	{Name: "sigmoid", Ulps: 2.5, Doc: "1/(1+e⁻ˣ), without overflow", Build: sigmoid},
	{Name: "erf", Ulps: 1, Doc: "error function", Build: erf},
	{Name: "softplus", Ulps: 2, Doc: "log(1+eˣ), without overflow", Build: softplus},
}

func (p *Program) addf(a, b Value) Value { return p.Binary(OpAdd, a, b) }
func (p *Program) subf(a, b Value) Value { return p.Binary(OpSub, a, b) }
func (p *Program) mulf(a, b Value) Value { return p.Binary(OpMul, a, b) }
func (p *Program) divf(a, b Value) Value { return p.Binary(OpDiv, a, b) }

// fnma is c − a·b, rounded once, for a constant a.
func (p *Program) fnma(a float64, b, c Value) Value { return p.FMA(p.Const(-a), b, c) }

// atMost is x where x ≤ c or NaN, else c.
func (p *Program) atMost(x Value, c float64) Value {
	k := p.Const(c)
	return p.Blend(p.Binary(OpLt, k, x), k, x)
}

// atLeast is x where x ≥ c or NaN, else c.
func (p *Program) atLeast(x Value, c float64) Value {
	k := p.Const(c)
	return p.Blend(p.Binary(OpLt, x, k), k, x)
}

// estrin is c₀ + c₁x + …, in pairs: a shorter chain of dependent operations
// than Horner's rule makes.
func (p *Program) estrin(x Value, c ...float64) Value {
	vals := make([]Value, 0, len(c))
	for i := 0; i < len(c); i += 2 {
		v := p.Const(c[i])
		if i+1 < len(c) {
			v = p.FMA(p.Const(c[i+1]), x, v)
		}
		vals = append(vals, v)
	}
	for len(vals) > 1 {
		x = p.mulf(x, x)
		next := vals[:0:0]
		for i := 0; i < len(vals); i += 2 {
			v := vals[i]
			if i+1 < len(vals) {
				v = p.FMA(vals[i+1], x, v)
			}
			next = append(next, v)
		}
		vals = next
	}
	return vals[0]
}

// copysign is |v| with the sign of x.
func (p *Program) copysign(v, x Value) Value {
	sign := p.Bits(p.format().sign)
	return p.Binary(OpOr, p.Binary(OpAndNot, sign, v), p.Binary(OpAnd, x, sign))
}

// format has the numbers of a format that the recipes need, of double or single
// precision.
type format struct {
	mantissa  int     // bits of the significand behind the point
	bias      float64 // of the exponent
	one, sign uint64  // bits of 1 and of −0

	// magic added to a number of less than a third of it rounds it to an
	// integer, which is then in the low bits.
	magic float64

	// ln 2 in two parts, the first with trailing zeros.
	ln2Hi, ln2Lo float64

	// expTail are the coefficients of (eʳ − 1 − r)/r²: those of the Taylor
	// series, whose rest for |r| ≤ ½ ln 2 is below half a unit.
	expTail []float64

	expEnd             float64 // eˣ is 0 or ∞ behind ±expEnd
	expm1Low, expm1Top float64 // eˣ − 1 is −1 and ∞ there
	tanhEnd            float64 // tanh is 1 there

	// logTail are the coefficients of the series of log((1+s)/(1−s)) in s²,
	// fitted for |s| ≤ 0.1716: W.J. Cody's form, with the coefficients of
	// FreeBSD's e_log.c and e_logf.c.
	logTail  []float64
	rootHalf uint64 // bits of √½
	tiny     float64
	lift     int // tiny numbers are made 2^lift times as large

	// π/2 in three parts: products of the first with an integer below magic
	// are on the grid of x, so that the first difference is exact.
	halfPi   [3]float64
	farthest float64 // argument of sine and cosine

	// The coefficients of sine and cosine within ±π/4: of FreeBSD's k_sin.c
	// and k_cos.c, and of S.L. Moshier's Cephes (sinf.c).
	sinFirst         float64
	sinTail, cosTail []float64

	// The coefficients of erf(x)/x − 1 in x² within ±1, and of e^{x²} erfc(x) in
	// (x − 2)/(x + 2) from there to erfEnd, where erf is 1: Chebyshev
	// interpolants, computed with 50 digits.
	erfInner, erfOuter []float64
	erfEnd             float64
}

var double = format{
	mantissa: 52, bias: 1023, one: 0x3ff0000000000000, sign: 1 << 63, magic: 0x1.8p52,
	ln2Hi: 6.93147180369123816490e-01, ln2Lo: 1.90821492927058770002e-10,
	expTail: []float64{
		1. / 2, 1. / 6, 1. / 24, 1. / 120, 1. / 720, 1. / 5040, 1. / 40320, 1. / 362880, 1. / 3628800,
		1. / 39916800, 1. / 479001600, 1. / 6227020800,
	},
	expEnd: 1000, expm1Low: -60, expm1Top: 710, tanhEnd: 22,
	logTail: []float64{
		6.666666666666735130e-01, 3.999999999940941908e-01, 2.857142874366239149e-01, 2.222219843214978396e-01,
		1.818357216161805012e-01, 1.531383769920937332e-01, 1.479819860511658591e-01,
	},
	rootHalf: 0x3fe6a09e667f3bcd, tiny: 0x1p-1022, lift: 54,
	halfPi: [3]float64{0x1.921fb54442d18p+0, 0x1.1a62633145c07p-54, -0x1.f1976b7ed8fbcp-110}, farthest: 0x1p50,
	sinFirst: -1.66666666666666324348e-01,
	sinTail:  []float64{8.33333333332248946124e-03, -1.98412698298579493134e-04, 2.75573137070700676789e-06, -2.50507602534068634195e-08, 1.58969099521155010221e-10},
	cosTail:  []float64{4.16666666666666019037e-02, -1.38888888888741095749e-03, 2.48015872894767294178e-05, -2.75573143513906633035e-07, 2.08757232129817482790e-09, -1.13596475577881948265e-11},
	erfInner: []float64{0.12837916709551256, -0.37612638903183543, 0.11283791670945006, -0.02686617064323777, 0.0052239776071164225, -0.00085483259753896918, 0.00012055294904839707, -1.4924736907419661e-05, 1.6447424703317362e-06, -1.6208483801871705e-07, 1.3720064546777686e-08, -7.7958988270021425e-10},
	erfOuter: []float64{0.25539567631050575, -0.42718584741395788, 0.24165819424246987, -0.078978581015852534, 0.0037328924034922399, 0.0069974617477535734, -0.0008471431980760424, -0.00098197732081310219, 4.3554202452705896e-05, 0.00017436697232946864, 2.7543128185666719e-05, -2.7647305443610053e-05, -1.4067532694582058e-05, 1.8201431959750091e-06, 3.9170592999253886e-06},
	erfEnd:   6,
}

var single = format{
	mantissa: 23, bias: 127, one: 0x3f800000, sign: 1 << 31, magic: 0x1.8p23,
	ln2Hi: 0x1.62e4p-1, ln2Lo: 1.4286067653e-06,
	expTail: double.expTail[:6],
	expEnd:  150, expm1Low: -30, expm1Top: 89, tanhEnd: 10,
	logTail:  []float64{0xaaaaaa.0p-24, 0xccce13.0p-25, 0x91e9ee.0p-25, 0xf89e26.0p-26},
	rootHalf: 0x3f3504f3, tiny: 0x1p-126, lift: 25,
	halfPi: [3]float64{0x1.921fb6p+0, -0x1.777a5cp-25, -0x1.ee59dap-50}, farthest: 0x1p21,
	sinFirst: -1.6666654611e-1,
	sinTail:  []float64{8.3321608736e-3, -1.9515295891e-4},
	cosTail:  []float64{4.166664568298827e-2, -1.388731625493765e-3, 2.443315711809948e-5},
	erfInner: []float64{0.12837916584835093, -0.37612626666720334, 0.11283594715160218, -0.026854212010626412, 0.0051890874234339739, -0.00080168642871658699, 7.8758750626854883e-05},
	erfOuter: []float64{0.25539567631050575, -0.42718598976848671, 0.2416582015255602, -0.078968306127934734, 0.0037323717589395444, 0.0068111401310856348, -0.00083797543870231344},
	erfEnd:   4,
}

// format is that of the program's values.
func (p *Program) format() *format {
	if p.Single {
		return &single
	}
	return &double
}

// power2 is 2ⁿ for an integer n where that is a normal number.
func (p *Program) power2(n Value) Value {
	f := p.format()
	return p.Binary(OpIAdd, p.Shift(OpShl, p.addf(n, p.Const(f.magic)), f.mantissa), p.Bits(f.one))
}

// reduce is x = n ln 2 + r with |r| ≤ ½ ln 2.
func (p *Program) reduce(x Value) (n, r Value) {
	f := p.format()
	m := p.Const(f.magic)
	n = p.subf(p.FMA(x, p.Const(math.Log2E), m), m)
	return n, p.fnma(f.ln2Lo, n, p.fnma(f.ln2Hi, n, x))
}

func exp(p *Program, x Value) Value {
	f := p.format()
	n, r := p.reduce(p.atLeast(p.atMost(x, f.expEnd), -f.expEnd))
	e := p.addf(p.Const(1), p.FMA(p.mulf(r, r), p.estrin(r, p.format().expTail...), r))
	// 2ⁿ in two factors, for results beyond the normal numbers.
	half := p.Unary(OpRound, p.mulf(n, p.Const(0.5)))
	return p.mulf(p.mulf(e, p.power2(half)), p.power2(p.subf(n, half)))
}

// expm1Core is eˣ − 1 within the ends of its range, but for the sign of 0.
func expm1Core(p *Program, x Value) Value {
	n, r := p.reduce(x)
	q := p.FMA(p.mulf(r, r), p.estrin(r, p.format().expTail...), r)
	s := p.power2(p.subf(n, p.Const(1))) // half of 2ⁿ, which may be too large
	v := p.FMA(s, q, p.subf(s, p.Const(0.5)))
	return p.addf(v, v)
}

func expm1(p *Program, x Value) Value {
	f := p.format()
	return p.copysign(expm1Core(p, p.atLeast(p.atMost(x, f.expm1Top), f.expm1Low)), x)
}

// logCore is log x + c for a positive normal x and a small c; scale is added
// to the exponent.
func logCore(p *Program, x, scale, c Value) Value {
	k := p.format()
	i := p.Binary(OpIAdd, x, p.Bits(k.one-k.rootHalf))
	// The biased exponent, as a number: the low bits of 2⁵² + e.
	whole := math.Ldexp(1, k.mantissa)
	e := p.subf(p.Binary(OpOr, p.Shift(OpShr, i, k.mantissa), p.Const(whole)), p.Const(whole+k.bias))
	e = p.addf(e, scale)
	m := p.Binary(OpIAdd, p.Binary(OpAnd, i, p.Bits(1<<k.mantissa-1)), p.Bits(k.rootHalf))
	f := p.subf(m, p.Const(1))
	s := p.divf(f, p.addf(p.Const(2), f))
	z := p.mulf(s, s)
	r := p.mulf(z, p.estrin(z, k.logTail...))
	hf := p.mulf(p.Const(0.5), p.mulf(f, f))
	t := p.FMA(s, p.addf(hf, r), p.FMA(e, p.Const(k.ln2Lo), c))
	return p.FMA(e, p.Const(k.ln2Hi), p.subf(f, p.subf(hf, t)))
}

// logEnds puts in what a logarithm is at the ends of its domain: u is its
// argument, v its value inside.
func logEnds(p *Program, u, v Value) Value {
	zero, inf := p.Const(0), p.Const(math.Inf(1))
	v = p.Blend(p.Binary(OpEq, u, inf), inf, v)
	v = p.Blend(p.Binary(OpEq, u, zero), p.Const(math.Inf(-1)), v)
	return p.Blend(p.Binary(OpLe, zero, u), v, p.Const(math.NaN()))
}

func log(p *Program, x Value) Value {
	f := p.format()
	small := p.Binary(OpLt, x, p.Const(f.tiny))
	y := p.Blend(small, p.mulf(x, p.Const(math.Ldexp(1, f.lift))), x)
	scale := p.Binary(OpAnd, small, p.Const(-float64(f.lift)))
	return logEnds(p, x, logCore(p, y, scale, p.Const(0)))
}

func log1p(p *Program, x Value) Value {
	o := p.Const(1)
	u := p.addf(o, x)
	// What rounding u lost (D.E. Knuth, The Art of Computer Programming 2, 4.2.2).
	b := p.subf(u, o)
	c := p.addf(p.subf(o, p.subf(u, b)), p.subf(x, b))
	v := logCore(p, u, p.Const(0), p.divf(c, u))
	// Near 0 the sign of x is that of the result, also for −0.
	return p.copysign(logEnds(p, u, v), x)
}

func tanh(p *Program, x Value) Value {
	t := p.atMost(p.Abs(x), p.format().tanhEnd)
	e := expm1Core(p, p.addf(t, t))
	return p.copysign(p.divf(e, p.addf(e, p.Const(2))), x)
}

func sigmoid(p *Program, x Value) Value {
	o := p.Const(1)
	e := exp(p, p.Neg(p.Abs(x)))
	return p.divf(p.Blend(p.Binary(OpLt, x, p.Const(0)), e, o), p.addf(o, e))
}

func softplus(p *Program, x Value) Value {
	return p.addf(p.atLeast(x, 0), log1p(p, exp(p, p.Neg(p.Abs(x)))))
}

func sin(p *Program, x Value) Value { return circular(p, x, 0) }
func cos(p *Program, x Value) Value { return circular(p, x, 1) }

func erf(p *Program, x Value) Value {
	f := p.format()
	a := p.Abs(x)
	inner := p.FMA(x, p.estrin(p.mulf(x, x), f.erfInner...), x)
	b, two := p.atMost(a, f.erfEnd), p.Const(2)
	t := p.divf(p.subf(b, two), p.addf(b, two))
	outer := p.FMA(p.Neg(exp(p, p.Neg(p.mulf(b, b)))), p.estrin(t, f.erfOuter...), p.Const(1))
	return p.Blend(p.Binary(OpLt, a, p.Const(1)), inner, p.copysign(outer, x))
}

// circular is sin(x + quarter·π/2).
func circular(p *Program, x Value, quarter uint64) Value {
	f := p.format()
	p1, p2, p3 := f.halfPi[0], f.halfPi[1], f.halfPi[2]
	m := p.Const(f.magic)
	shifted := p.FMA(x, p.Const(2/math.Pi), m)
	n := p.subf(shifted, m)
	r0 := p.fnma(p1, n, x)
	w := p.mulf(n, p.Const(p2))
	we := p.FMA(n, p.Const(p2), p.Neg(w))
	r := p.subf(r0, w)
	lo := p.fnma(p3, n, p.subf(p.subf(p.subf(r0, r), w), we))

	half, o := p.Const(0.5), p.Const(1)
	z := p.mulf(r, r)
	v := p.mulf(z, r)
	ps := p.estrin(z, f.sinTail...)
	s := p.subf(r, p.subf(p.subf(p.mulf(z, p.subf(p.mulf(half, lo), p.mulf(v, ps))), lo), p.mulf(v, p.Const(f.sinFirst))))

	hz := p.mulf(half, z)
	u := p.subf(o, hz)
	pc := p.mulf(z, p.estrin(z, f.cosTail...))
	c := p.addf(u, p.addf(p.subf(p.subf(o, u), hz), p.subf(p.mulf(z, pc), p.mulf(r, lo))))

	q := shifted // the number of the quadrant is in its low bits
	if quarter > 0 {
		q = p.Binary(OpIAdd, q, p.Bits(quarter))
	}
	odd := p.Binary(OpISub, p.Bits(0), p.Binary(OpAnd, q, p.Bits(1)))
	y := p.Blend(odd, c, s)
	y = p.Binary(OpXor, y, p.Binary(OpAnd, p.Shift(OpShl, q, bits.Len64(f.sign)-2), p.Bits(f.sign)))
	if quarter == 0 {
		// sin(−0) = −0, which the correction terms turn into 0.
		y = p.Blend(p.Binary(OpEq, x, p.Const(0)), x, y)
	}
	return p.Blend(p.Binary(OpLe, p.Abs(x), p.Const(f.farthest)), y, p.Const(math.NaN()))
}

//go:generate go run ./gen

// blend is a where c holds, else b.
func blend[F float32 | float64](c bool, a, b F) F {
	if c {
		return a
	}
	return b
}
