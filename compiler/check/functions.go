package check

import "math"

// UnitRule says which units a function or operator takes and gives.
type UnitRule uint8

// The unit rules. A bare number takes the unit that is asked of it.
const (
	plain    UnitRule = iota // numbers without unit, one such
	equal                    // equal units, and that unit
	loses                    // any unit, a number without one
	ratio                    // equal units, a number without one
	root                     // the square root of the unit
	products                 // the product (or quotient) of the units
	powers                   // a constant exponent, or no unit
	compares                 // equal units, a truth value
	truths                   // truth values
	own                      // a rule of its own, in special.go
)

func (r UnitRule) String() string {
	return [...]string{
		"no unit", "equal units", "any unit; the result has none", "equal units; the result has none",
		"any unit u; the result is in u^(1/2)", "any units; the result is in their product or quotient",
		"any unit to a constant exponent without unit", "equal units; the result is true or false", "true or false", "see its meaning",
	}[r]
}

// ShapeRule says how a function or operator treats arrays.
type ShapeRule uint8

// The shape rules.
const (
	elementwise ShapeRule = iota // equal shapes; scalars are repeated
	toScalar                     // one array to a scalar
	reduces                      // one array to a scalar, or several elementwise
	ownShape                     // a rule of its own
)

// Function is a function of the language.
type Function struct {
	Name   string
	Arity  int // −1: one or more
	Units  UnitRule
	Shapes ShapeRule
	Eval   func(x ...float64) float64 // of one element, for constants; nil: none
	Doc    string
}

// Operator is an operator of the language.
type Operator struct {
	Symbol string
	Name   string // of the Op that it makes
	Units  UnitRule
	Verb   string // in messages
	Doc    string
}

// Operators lists the binary operators.
var Operators = []Operator{
	{"+", "add", equal, "add", "sum"},
	{"-", "sub", equal, "subtract", "difference; with one argument its negative"},
	{"*", "mul", products, "", "product, element by element"},
	{"/", "div", products, "", "quotient, element by element"},
	{"^", "pow", powers, "", "power; binds tighter than the minus in front, and to the right"},
	{"@", "matmul", products, "", "product of matrices and vectors"},
	{"<", "lt", compares, "compare", "smaller"},
	{"<=", "le", compares, "compare", "smaller or equal"},
	{">", "gt", compares, "compare", "larger"},
	{">=", "ge", compares, "compare", "larger or equal"},
	{"==", "eq", compares, "compare", "equal"},
	{"!=", "ne", compares, "compare", "not equal"},
	{"and", "and", truths, "", "both; `not` negates"},
	{"or", "or", truths, "", "either"},
}

var operatorBySymbol = index(Operators, func(o *Operator) string { return o.Symbol })

// index finds the rows of a table by their names.
func index[T any](rows []T, name func(*T) string) map[string]*T {
	m := make(map[string]*T, len(rows))
	for i := range rows {
		m[name(&rows[i])] = &rows[i]
	}
	return m
}

func one(f func(float64) float64) func(...float64) float64 {
	return func(x ...float64) float64 { return f(x[0]) }
}

func two(f func(x, y float64) float64) func(...float64) float64 {
	return func(x ...float64) float64 { return f(x[0], x[1]) }
}

func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

func sign(x float64) float64 { return truth(x > 0) - truth(x < 0) }

func softplus(x float64) float64 { return math.Max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) }

func lgamma(x float64) float64 {
	v, _ := math.Lgamma(x)
	return v
}

// Functions lists the functions of the language.
var Functions = []Function{
	{"exp", 1, plain, elementwise, one(math.Exp), "eˣ"},
	{"expm1", 1, plain, elementwise, one(math.Expm1), "eˣ − 1, exact near 0"},
	{"log", 1, plain, elementwise, one(math.Log), "natural logarithm"},
	{"log1p", 1, plain, elementwise, one(math.Log1p), "log(1 + x), exact near 0"},
	{"log10", 1, plain, elementwise, one(math.Log10), "decimal logarithm"},
	{"log2", 1, plain, elementwise, one(math.Log2), "binary logarithm"},
	{"sqrt", 1, root, elementwise, one(math.Sqrt), "square root"},
	{"pow", 2, powers, elementwise, two(math.Pow), "pow(x, y): x^y"},
	{"hypot", 2, equal, elementwise, two(math.Hypot), "hypot(x, y): √(x² + y²)"},
	{"sin", 1, plain, elementwise, one(math.Sin), "sine of radians"},
	{"cos", 1, plain, elementwise, one(math.Cos), "cosine of radians"},
	{"tan", 1, plain, elementwise, one(math.Tan), "tangent of radians"},
	{"asin", 1, plain, elementwise, one(math.Asin), "inverse sine, in radians"},
	{"acos", 1, plain, elementwise, one(math.Acos), "inverse cosine, in radians"},
	{"atan", 1, plain, elementwise, one(math.Atan), "inverse tangent, in radians"},
	{"atan2", 2, ratio, elementwise, two(math.Atan2), "atan2(y, x): angle of the point (x, y)"},
	{"sinh", 1, plain, elementwise, one(math.Sinh), "hyperbolic sine"},
	{"cosh", 1, plain, elementwise, one(math.Cosh), "hyperbolic cosine"},
	{"tanh", 1, plain, elementwise, one(math.Tanh), "hyperbolic tangent"},
	{"asinh", 1, plain, elementwise, one(math.Asinh), "inverse hyperbolic sine"},
	{"acosh", 1, plain, elementwise, one(math.Acosh), "inverse hyperbolic cosine"},
	{"atanh", 1, plain, elementwise, one(math.Atanh), "inverse hyperbolic tangent"},
	{"abs", 1, equal, elementwise, one(math.Abs), "absolute value"},
	{"sign", 1, loses, elementwise, one(sign), "−1, 0 or 1"},
	{"step", 1, loses, elementwise, one(func(x float64) float64 { return truth(x >= 0) }), "1 for x ≥ 0, else 0"},
	{"floor", 1, equal, elementwise, one(math.Floor), "largest whole number that is not larger"},
	{"ceil", 1, equal, elementwise, one(math.Ceil), "smallest whole number that is not smaller"},
	{"clamp", 3, equal, elementwise, func(x ...float64) float64 { return math.Min(math.Max(x[0], x[1]), x[2]) }, "clamp(x, lo, hi): x kept within [lo, hi]"},
	{"erf", 1, plain, elementwise, one(math.Erf), "error function"},
	{"gamma", 1, plain, elementwise, one(math.Gamma), "gamma function Γ(x)"},
	{"lgamma", 1, plain, elementwise, one(lgamma), "log |Γ(x)|"},
	{"sigmoid", 1, plain, elementwise, one(sigmoid), "1/(1 + e⁻ˣ)"},
	{"softplus", 1, plain, elementwise, one(softplus), "log(1 + eˣ)"},
	{"relu", 1, equal, elementwise, one(func(x float64) float64 { return math.Max(x, 0) }), "x for x > 0, else 0"},
	{"swish", 1, plain, elementwise, one(func(x float64) float64 { return x * sigmoid(x) }), "x/(1 + e⁻ˣ)"},
	{"gelu", 1, plain, elementwise, one(func(x float64) float64 { return x / 2 * math.Erfc(-x/math.Sqrt2) }), "x Φ(x), with the normal distribution Φ"},
	{"min", -1, equal, reduces, least, "smallest element of an array, or smallest of several"},
	{"max", -1, equal, reduces, greatest, "largest element of an array, or largest of several"},
	{"sum", 1, equal, toScalar, nil, "sum of the elements"},
	{"mean", 1, equal, toScalar, nil, "mean of the elements"},
	{"norm", 1, equal, toScalar, nil, "Euclidean norm of a vector"},
	{"dot", 2, products, ownShape, nil, "scalar product of two vectors"},
	{"cross", 2, products, ownShape, nil, "vector product of two vectors of three elements"},
	{"solve", 2, own, ownShape, nil, "solve(A, b): the x with A @ x == b, of a vector or the columns of a matrix; a singular A ends the run"},
	{"inv", 1, own, ownShape, nil, "inverse of a matrix; `solve` is better where it meets a vector"},
	{"det", 1, own, ownShape, nil, "determinant of a matrix"},
	{"logdet", 1, own, ownShape, nil, "log |det A|; of a positive definite matrix that is log det A"},
	{"logsumexp", 1, own, ownShape, nil, "log Σ exp(vᵢ) of a vector, without overflow"},
	{"softmax", 1, own, ownShape, nil, "exp(vᵢ)/Σ exp(vⱼ) of a vector"},
	{"piecewise", -1, own, ownShape, nil, "piecewise(a, c, b, d, …, z): a where c holds, else b where d holds, …, else z"},
	{"xor", 2, own, ownShape, nil, "xor(a, b): one of two conditions holds, and not the other"},
	{"interp", 3, own, ownShape, nil, "interp(x, xs, ys): monotone cubic through points that are numbers, held beyond the ends"},
	{"linspace", 3, own, ownShape, nil, "linspace(a, b, n): n evenly spaced values from a to b"},
	{"diff", -1, own, ownShape, nil, "diff(E, x): partial derivative of E by the state, parameter, argument or time x, or total derivative by the coordinate x; diff(E, x, y) is diff(diff(E, x), y)"},
	{"grad", 2, own, ownShape, nil, "grad(E, x): the gradient of the number E by the vector x"},
	{"integral", -1, own, ownShape, nil, "integral(E, x): integral of E over the coordinate x, from end to end; integral(E, x, y) over several"},
	{"irk_gauss", 1, own, ownShape, nil, "irk_gauss(q): [q + 1, q] coefficients of the implicit Runge–Kutta method of Gauss with q stages: rows of A, whose sums are the nodes c, then b"},
	{"irk_radau", 1, own, ownShape, nil, "irk_radau(q): those of the method of Radau, whose last stage is the end of the step"},
	{"div", 2, own, ownShape, nil, "div(F, x): the divergence Σ ∂Fᵢ/∂xᵢ of the vector F by the vector x"},
	{"laplacian", 2, own, ownShape, nil, "laplacian(E, x): Σ ∂²E/∂xᵢ², of each element of E, by the vector x"},
	{"hessian", 2, own, ownShape, nil, "hessian(E, x): the matrix of second derivatives of the number E by the vector x"},
	{"logdensity", 1, own, ownShape, nil, "logdensity(z): the log-density of the states z, all of which start from draws, where the motion has carried them"},
	{"euler_lagrange", -1, own, ownShape, nil, "euler_lagrange(L, q), euler_lagrange(L, q, Q): the q'' of the Lagrangian L of q and q', with generalised forces Q"},
	{"smooth", 1, own, ownShape, nil, "smooth(E): E, at whose jumps and kinks the solver does not stop"},
	{"rising", 1, own, ownShape, nil, "rising(g): in a trigger, g turns from negative to positive"},
	{"falling", 1, own, ownShape, nil, "falling(g): in a trigger, g turns from positive to negative"},
	{"crossing", 1, own, ownShape, nil, "crossing(g): in a trigger, g changes its sign"},
	{"first", 1, own, ownShape, nil, "first(y): first measured value of y in the trajectory; in initial values"},
	{"slope", 1, own, ownShape, nil, "slope(y): initial slope of the measured y in the trajectory; in initial values"},
	{"data", 1, own, ownShape, nil, "data(y): the measured value of y; in losses and events on observations"},
	{"observed", 1, own, ownShape, nil, "observed(y): 1 where y was measured, else 0; where data(y) stands"},
	{"before", 1, own, ownShape, nil, "before(E): E before the instant, whatever happens at it; in observations and losses"},
}

var functionByName = index(Functions, func(f *Function) string { return f.Name })
