package check

import "math"

// unitRule says which units a function takes and gives.
type unitRule uint8

const (
	plain   unitRule = iota // 1 → 1
	same                    // u, u, … → u
	anyOne                  // u → 1
	root                    // u → u^(1/2)
	bothOne                 // u, u → 1
)

// shapeRule says how a function treats shapes.
type shapeRule uint8

const (
	elementwise shapeRule = iota
	toScalar              // an array → a scalar
	reduce                // one array → a scalar; several → elementwise
)

// Function is a function of the language.
type Function struct {
	Name   string
	Arity  int // −1: one or more
	Units  unitRule
	Shapes shapeRule
	Eval   func(x ...float64) float64 // for constants; nil where it has none
	Doc    string
}

func one(f func(float64) float64) func(...float64) float64 {
	return func(x ...float64) float64 { return f(x[0]) }
}

func two(f func(x, y float64) float64) func(...float64) float64 {
	return func(x ...float64) float64 { return f(x[0], x[1]) }
}

func fold(f func(x, y float64) float64) func(...float64) float64 {
	return func(x ...float64) float64 {
		v := x[0]
		for _, y := range x[1:] {
			v = f(v, y)
		}
		return v
	}
}

func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

func sign(x float64) float64 {
	switch {
	case x > 0:
		return 1
	case x < 0:
		return -1
	}
	return 0
}

// Functions lists the functions of the language, besides diff, grad and those
// that refer to data and events.
var Functions = []Function{
	{"exp", 1, plain, elementwise, one(math.Exp), "eˣ"},
	{"expm1", 1, plain, elementwise, one(math.Expm1), "eˣ − 1, exact near 0"},
	{"log", 1, plain, elementwise, one(math.Log), "natural logarithm"},
	{"log1p", 1, plain, elementwise, one(math.Log1p), "log(1 + x), exact near 0"},
	{"log10", 1, plain, elementwise, one(math.Log10), "decimal logarithm"},
	{"log2", 1, plain, elementwise, one(math.Log2), "binary logarithm"},
	{"sqrt", 1, root, elementwise, one(math.Sqrt), "square root"},
	{"sin", 1, plain, elementwise, one(math.Sin), "sine of radians"},
	{"cos", 1, plain, elementwise, one(math.Cos), "cosine of radians"},
	{"tan", 1, plain, elementwise, one(math.Tan), "tangent of radians"},
	{"asin", 1, plain, elementwise, one(math.Asin), "inverse sine"},
	{"acos", 1, plain, elementwise, one(math.Acos), "inverse cosine"},
	{"atan", 1, plain, elementwise, one(math.Atan), "inverse tangent"},
	{"atan2", 2, bothOne, elementwise, two(math.Atan2), "angle of the point (x, y), as atan2(y, x)"},
	{"sinh", 1, plain, elementwise, one(math.Sinh), "hyperbolic sine"},
	{"cosh", 1, plain, elementwise, one(math.Cosh), "hyperbolic cosine"},
	{"tanh", 1, plain, elementwise, one(math.Tanh), "hyperbolic tangent"},
	{"asinh", 1, plain, elementwise, one(math.Asinh), "inverse hyperbolic sine"},
	{"acosh", 1, plain, elementwise, one(math.Acosh), "inverse hyperbolic cosine"},
	{"atanh", 1, plain, elementwise, one(math.Atanh), "inverse hyperbolic tangent"},
	{"abs", 1, same, elementwise, one(math.Abs), "absolute value"},
	{"sign", 1, anyOne, elementwise, one(sign), "−1, 0 or 1"},
	{"floor", 1, same, elementwise, one(math.Floor), "largest whole number that is not larger"},
	{"ceil", 1, same, elementwise, one(math.Ceil), "smallest whole number that is not smaller"},
	{"step", 1, anyOne, elementwise, one(func(x float64) float64 {
		if x >= 0 {
			return 1
		}
		return 0
	}), "1 for x ≥ 0, else 0"},
	{"relu", 1, same, elementwise, one(func(x float64) float64 { return math.Max(x, 0) }), "x for x > 0, else 0"},
	{"clamp", 3, same, elementwise, func(x ...float64) float64 { return math.Min(math.Max(x[0], x[1]), x[2]) }, "clamp(x, lo, hi): x kept within [lo, hi]"},
	{"hypot", 2, same, elementwise, two(math.Hypot), "√(x² + y²)"},
	{"erf", 1, plain, elementwise, one(math.Erf), "error function"},
	{"gamma", 1, plain, elementwise, one(math.Gamma), "gamma function"},
	{"lgamma", 1, plain, elementwise, one(func(x float64) float64 { v, _ := math.Lgamma(x); return v }), "log |Γ(x)|"},
	{"sigmoid", 1, plain, elementwise, one(sigmoid), "1/(1 + e⁻ˣ)"},
	{"softplus", 1, plain, elementwise, one(func(x float64) float64 { return math.Max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) }), "log(1 + eˣ)"},
	{"swish", 1, plain, elementwise, one(func(x float64) float64 { return x * sigmoid(x) }), "x/(1 + e⁻ˣ)"},
	{"gelu", 1, plain, elementwise, one(func(x float64) float64 { return x / 2 * (1 + math.Erf(x/math.Sqrt2)) }), "x Φ(x), Φ the normal distribution"},
	{"min", -1, same, reduce, fold(math.Min), "smallest element, or smallest of several"},
	{"max", -1, same, reduce, fold(math.Max), "largest element, or largest of several"},
	{"sum", 1, same, toScalar, nil, "sum of the elements"},
	{"mean", 1, same, toScalar, nil, "mean of the elements"},
	{"norm", 1, same, toScalar, nil, "Euclidean norm of a vector"},
}

var functionByName = func() map[string]*Function {
	m := map[string]*Function{}
	for i := range Functions {
		m[Functions[i].Name] = &Functions[i]
	}
	return m
}()

// special are the functions with rules of their own.
var special = map[string]string{
	"diff": "diff(E, x): partial derivative of E by the state, parameter or argument x", "grad": "gradient of E by the vector x",
	"dot": "scalar product", "cross": "vector product of two 3-vectors",
	"smooth": "no located discontinuities inside", "before": "the value before the event at this instant",
	"data": "the measured value", "observed": "1 where it was measured, else 0",
	"first": "first measured value of the trajectory", "slope": "initial slope of the trajectory's data",
	"rising": "the guard turns from negative to positive", "falling": "the guard turns from positive to negative", "crossing": "either",
}

// constants of the language. They take the unit that is asked of them, like
// a bare number.
var constants = map[string]float64{"pi": math.Pi, "inf": math.Inf(1)}
