package scalar

import "math"

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
	{Name: "sin", Ulps: 1, Doc: "sine; NaN for |x| above 2⁵⁰, where doubles are further apart than radians", Build: sin},
	{Name: "cos", Ulps: 1, Doc: "cosine; NaN for |x| above 2⁵⁰", Build: cos},
	{Name: "tanh", Ulps: 2.5, Doc: "hyperbolic tangent", Build: tanh},
	{Name: "sigmoid", Ulps: 2, Doc: "1/(1+e⁻ˣ), without overflow", Build: sigmoid},
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
	sign := p.Bits(1 << 63)
	return p.Binary(OpOr, p.Binary(OpAndNot, sign, v), p.Binary(OpAnd, x, sign))
}

const (
	// magic added to a double of less than 2⁵¹ rounds it to an integer, which
	// is then in the low bits.
	magic = 0x1.8p52

	// ln 2 in two parts, the first with 20 trailing zeros.
	ln2Hi = 6.93147180369123816490e-01
	ln2Lo = 1.90821492927058770002e-10

	one = 0x3ff0000000000000 // bits of 1
)

// power2 is 2ⁿ for an integer n within [−1022, 1023].
func (p *Program) power2(n Value) Value {
	return p.Binary(OpIAdd, p.Shift(OpShl, p.addf(n, p.Const(magic)), 52), p.Bits(one))
}

// reduce is x = n ln 2 + r with |r| ≤ ½ ln 2.
func (p *Program) reduce(x Value) (n, r Value) {
	m := p.Const(magic)
	n = p.subf(p.FMA(x, p.Const(math.Log2E), m), m)
	return n, p.fnma(ln2Lo, n, p.fnma(ln2Hi, n, x))
}

// expTail are the coefficients of (eʳ − 1 − r)/r²: those of the Taylor series,
// whose rest for |r| ≤ ½ ln 2 is below 2⁻⁵⁷.
var expTail = []float64{
	1. / 2, 1. / 6, 1. / 24, 1. / 120, 1. / 720, 1. / 5040, 1. / 40320, 1. / 362880, 1. / 3628800,
	1. / 39916800, 1. / 479001600, 1. / 6227020800,
}

func exp(p *Program, x Value) Value {
	n, r := p.reduce(p.atLeast(p.atMost(x, 1000), -1000))
	e := p.addf(p.Const(1), p.FMA(p.mulf(r, r), p.estrin(r, expTail...), r))
	// 2ⁿ in two factors, for results beyond the normal numbers.
	half := p.Unary(OpRound, p.mulf(n, p.Const(0.5)))
	return p.mulf(p.mulf(e, p.power2(half)), p.power2(p.subf(n, half)))
}

// expm1Core is eˣ − 1 for −60 ≤ x ≤ 710, but for the sign of 0.
func expm1Core(p *Program, x Value) Value {
	n, r := p.reduce(x)
	q := p.FMA(p.mulf(r, r), p.estrin(r, expTail...), r)
	s := p.power2(p.subf(n, p.Const(1))) // half of 2ⁿ, which may be too large
	v := p.FMA(s, q, p.subf(s, p.Const(0.5)))
	return p.addf(v, v)
}

func expm1(p *Program, x Value) Value {
	return p.copysign(expm1Core(p, p.atLeast(p.atMost(x, 710), -60)), x)
}

// logTail are the coefficients of the series of log((1+s)/(1−s)) in s², fitted
// for |s| ≤ 0.1716: W.J. Cody's form as in FreeBSD's e_log.c, with its
// coefficients.
var logTail = []float64{
	6.666666666666735130e-01, 3.999999999940941908e-01, 2.857142874366239149e-01, 2.222219843214978396e-01,
	1.818357216161805012e-01, 1.531383769920937332e-01, 1.479819860511658591e-01,
}

// logCore is log x + c for a positive normal x and a small c; scale is added
// to the exponent.
func logCore(p *Program, x, scale, c Value) Value {
	const rootHalf = 0x3fe6a09e667f3bcd // bits of √½
	i := p.Binary(OpIAdd, x, p.Bits(one-rootHalf))
	// The biased exponent, as a number: the low bits of 2⁵² + e.
	e := p.subf(p.Binary(OpOr, p.Shift(OpShr, i, 52), p.Const(0x1p52)), p.Const(0x1p52+1023))
	e = p.addf(e, scale)
	m := p.Binary(OpIAdd, p.Binary(OpAnd, i, p.Bits(1<<52-1)), p.Bits(rootHalf))
	f := p.subf(m, p.Const(1))
	s := p.divf(f, p.addf(p.Const(2), f))
	z := p.mulf(s, s)
	r := p.mulf(z, p.estrin(z, logTail...))
	hf := p.mulf(p.Const(0.5), p.mulf(f, f))
	t := p.FMA(s, p.addf(hf, r), p.FMA(e, p.Const(ln2Lo), c))
	return p.FMA(e, p.Const(ln2Hi), p.subf(f, p.subf(hf, t)))
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
	small := p.Binary(OpLt, x, p.Const(0x1p-1022))
	y := p.Blend(small, p.mulf(x, p.Const(0x1p54)), x)
	scale := p.Binary(OpAnd, small, p.Const(-54))
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
	t := p.atMost(p.Abs(x), 22)
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

// The coefficients of sine and cosine within ±π/4, of FreeBSD's k_sin.c and
// k_cos.c.
var (
	sinTail = []float64{8.33333333332248946124e-03, -1.98412698298579493134e-04, 2.75573137070700676789e-06, -2.50507602534068634195e-08, 1.58969099521155010221e-10}
	cosTail = []float64{4.16666666666666019037e-02, -1.38888888888741095749e-03, 2.48015872894767294178e-05, -2.75573143513906633035e-07, 2.08757232129817482790e-09, -1.13596475577881948265e-11}
)

const sinFirst = -1.66666666666666324348e-01

func sin(p *Program, x Value) Value { return circular(p, x, 0) }
func cos(p *Program, x Value) Value { return circular(p, x, 1) }

// circular is sin(x + quarter·π/2).
func circular(p *Program, x Value, quarter uint64) Value {
	// π/2 in three parts: products of the first with an integer below 2⁵¹ are
	// on the grid of x, so that the first difference is exact.
	const p1, p2, p3 = 0x1.921fb54442d18p+0, 0x1.1a62633145c07p-54, -0x1.f1976b7ed8fbcp-110
	m := p.Const(magic)
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
	ps := p.estrin(z, sinTail...)
	s := p.subf(r, p.subf(p.subf(p.mulf(z, p.subf(p.mulf(half, lo), p.mulf(v, ps))), lo), p.mulf(v, p.Const(sinFirst))))

	hz := p.mulf(half, z)
	u := p.subf(o, hz)
	pc := p.mulf(z, p.estrin(z, cosTail...))
	c := p.addf(u, p.addf(p.subf(p.subf(o, u), hz), p.subf(p.mulf(z, pc), p.mulf(r, lo))))

	q := shifted // the number of the quadrant is in its low bits
	if quarter > 0 {
		q = p.Binary(OpIAdd, q, p.Bits(quarter))
	}
	odd := p.Binary(OpISub, p.Bits(0), p.Binary(OpAnd, q, p.Bits(1)))
	y := p.Blend(odd, c, s)
	y = p.Binary(OpXor, y, p.Binary(OpAnd, p.Shift(OpShl, q, 62), p.Bits(1<<63)))
	if quarter == 0 {
		// sin(−0) = −0, which the correction terms turn into 0.
		y = p.Blend(p.Binary(OpEq, x, p.Const(0)), x, y)
	}
	return p.Blend(p.Binary(OpLe, p.Abs(x), p.Const(0x1p50)), y, p.Const(math.NaN()))
}

//go:generate go run ./gen

// blend is a where c holds, else b.
func blend(c bool, a, b float64) float64 {
	if c {
		return a
	}
	return b
}
