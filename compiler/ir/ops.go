package ir

import (
	"math"

	"gonum.org/v1/gonum/mathext"

	"github.com/pinode/pinode/internal/scalar"
)

// Op names an operation. Its properties are the row of Ops.
type Op uint8

// The operations. Elementwise ones take arguments of the result's shape or
// scalars, which are repeated.
const (
	OpInvalid Op = iota

	// Leaves.
	OpConst // Values
	OpInput // Name

	// Elementwise, one argument.
	OpNeg
	OpAbs
	OpSign // −1, 0 or 1
	OpSqrt
	OpExp
	OpExpm1
	OpLog
	OpLog1p
	OpSin
	OpCos
	OpTan
	OpAsin
	OpAcos
	OpAtan
	OpSinh
	OpCosh
	OpTanh
	OpAsinh
	OpAcosh
	OpAtanh
	OpFloor
	OpCeil
	OpErf
	OpGamma
	OpLgamma    // log |Γ(x)|
	OpPolygamma // ψ⁽ᵏ⁾(x), k = Off
	OpLogPhi    // log Φ(x), with the normal distribution Φ
	OpSigmoid   // 1/(1+e⁻ˣ)
	OpSoftplus  // log(1+eˣ)

	// Elementwise, two arguments. Comparisons give 1 or 0.
	OpAdd
	OpSub
	OpMul
	OpDiv
	OpPow
	OpMin
	OpMax
	OpAtan2 // atan2(y, x)
	OpLt
	OpLe
	OpEq
	OpNe

	// Elementwise, three arguments.
	OpFma    // x·y + z, rounded once; chosen by the optimiser and in step programs, never by a backend
	OpSelect // c ≠ 0 ? x : y

	// Structure.
	OpFill      // scalar → Shape
	OpSlice     // Size elements of the argument, from element Off, as Shape
	OpAssemble  // vector whose elements Offs[i]… are Args[i]; parts that overlap add, the rest is 0
	OpTranspose // matrix → matrix

	// Reductions and linear algebra.
	OpSum     // all elements → scalar
	OpDot     // vec·vec → scalar
	OpNorm    // Euclidean norm of a vector → scalar; its derivative at 0 is taken as 0
	OpMatVec  // A·x
	OpTMatVec // Aᵀ·x
	OpMatMul  // A·B
	OpOuter   // x·yᵀ
	OpDense   // W·x + b; made by the optimiser only

	// Systems of linear equations, by elimination with partial pivoting. What reads the
	// factors of a matrix has the matrix itself as an argument too, by which it is
	// differentiated; factors have no derivative of their own.
	OpFactor // A → its factors, then the rows that were exchanged, then their sign: see FactorShape
	OpSolve  // A, factors, b → A⁻¹b, of a vector or the columns of a matrix; Off 1: A⁻ᵀb
	OpDet    // A, factors → det A; Off 1: log |det A|

	NumOps // not an op: their number
)

// Class groups ops by how they treat shapes.
type Class uint8

// The classes of ops.
const (
	Leaf Class = iota
	Elementwise
	Structure
	Reduction
	Linear
)

// OpInfo is what every pass knows of an op.
type OpInfo struct {
	Name  string
	Arity int // −1: any number
	Class Class

	// Piecewise marks ops whose derivative jumps or vanishes piecewise.
	Piecewise bool

	// Commutes marks binary ops whose arguments may be swapped without
	// changing a bit of the result.
	Commutes bool

	// Eval1, Eval2, Eval3 give the value of an elementwise op for constant
	// folding. k is the node's Off.
	Eval1 func(x float64) float64
	Eval2 func(x, y float64) float64
	Eval3 func(x, y, z float64) float64
}

// Ops is the table of operations, indexed by Op.
var Ops = [NumOps]OpInfo{
	OpInvalid: {Name: "invalid"},
	OpConst:   {Name: "const"},
	OpInput:   {Name: "input"},

	OpNeg:       {Name: "neg", Arity: 1, Class: Elementwise, Eval1: func(x float64) float64 { return -x }},
	OpAbs:       {Name: "abs", Arity: 1, Class: Elementwise, Piecewise: true, Eval1: math.Abs},
	OpSign:      {Name: "sign", Arity: 1, Class: Elementwise, Piecewise: true, Eval1: Sign},
	OpSqrt:      {Name: "sqrt", Arity: 1, Class: Elementwise, Eval1: math.Sqrt},
	OpExp:       {Name: "exp", Arity: 1, Class: Elementwise, Eval1: scalar.Exp},
	OpExpm1:     {Name: "expm1", Arity: 1, Class: Elementwise, Eval1: scalar.Expm1},
	OpLog:       {Name: "log", Arity: 1, Class: Elementwise, Eval1: scalar.Log},
	OpLog1p:     {Name: "log1p", Arity: 1, Class: Elementwise, Eval1: scalar.Log1p},
	OpSin:       {Name: "sin", Arity: 1, Class: Elementwise, Eval1: scalar.Sin},
	OpCos:       {Name: "cos", Arity: 1, Class: Elementwise, Eval1: scalar.Cos},
	OpTan:       {Name: "tan", Arity: 1, Class: Elementwise, Eval1: math.Tan},
	OpAsin:      {Name: "asin", Arity: 1, Class: Elementwise, Eval1: math.Asin},
	OpAcos:      {Name: "acos", Arity: 1, Class: Elementwise, Eval1: math.Acos},
	OpAtan:      {Name: "atan", Arity: 1, Class: Elementwise, Eval1: math.Atan},
	OpSinh:      {Name: "sinh", Arity: 1, Class: Elementwise, Eval1: math.Sinh},
	OpCosh:      {Name: "cosh", Arity: 1, Class: Elementwise, Eval1: math.Cosh},
	OpTanh:      {Name: "tanh", Arity: 1, Class: Elementwise, Eval1: scalar.Tanh},
	OpAsinh:     {Name: "asinh", Arity: 1, Class: Elementwise, Eval1: math.Asinh},
	OpAcosh:     {Name: "acosh", Arity: 1, Class: Elementwise, Eval1: math.Acosh},
	OpAtanh:     {Name: "atanh", Arity: 1, Class: Elementwise, Eval1: math.Atanh},
	OpFloor:     {Name: "floor", Arity: 1, Class: Elementwise, Piecewise: true, Eval1: math.Floor},
	OpCeil:      {Name: "ceil", Arity: 1, Class: Elementwise, Piecewise: true, Eval1: math.Ceil},
	OpErf:       {Name: "erf", Arity: 1, Class: Elementwise, Eval1: scalar.Erf},
	OpGamma:     {Name: "gamma", Arity: 1, Class: Elementwise, Eval1: math.Gamma},
	OpLgamma:    {Name: "lgamma", Arity: 1, Class: Elementwise, Eval1: Lgamma},
	OpLogPhi:    {Name: "logphi", Arity: 1, Class: Elementwise, Eval1: LogPhi},
	OpPolygamma: {Name: "polygamma", Arity: 1, Class: Elementwise}, // see Polygamma: it needs Off
	OpSigmoid:   {Name: "sigmoid", Arity: 1, Class: Elementwise, Eval1: scalar.Sigmoid},
	OpSoftplus:  {Name: "softplus", Arity: 1, Class: Elementwise, Eval1: scalar.Softplus},

	OpAdd:   {Name: "add", Arity: 2, Class: Elementwise, Commutes: true, Eval2: func(x, y float64) float64 { return x + y }},
	OpSub:   {Name: "sub", Arity: 2, Class: Elementwise, Eval2: func(x, y float64) float64 { return x - y }},
	OpMul:   {Name: "mul", Arity: 2, Class: Elementwise, Commutes: true, Eval2: func(x, y float64) float64 { return x * y }},
	OpDiv:   {Name: "div", Arity: 2, Class: Elementwise, Eval2: func(x, y float64) float64 { return x / y }},
	OpPow:   {Name: "pow", Arity: 2, Class: Elementwise, Eval2: math.Pow},
	OpMin:   {Name: "min", Arity: 2, Class: Elementwise, Piecewise: true, Eval2: Min},
	OpMax:   {Name: "max", Arity: 2, Class: Elementwise, Piecewise: true, Eval2: Max},
	OpAtan2: {Name: "atan2", Arity: 2, Class: Elementwise, Eval2: math.Atan2},
	OpLt:    {Name: "lt", Arity: 2, Class: Elementwise, Piecewise: true, Eval2: func(x, y float64) float64 { return Truth(x < y) }},
	OpLe:    {Name: "le", Arity: 2, Class: Elementwise, Piecewise: true, Eval2: func(x, y float64) float64 { return Truth(x <= y) }},
	OpEq:    {Name: "eq", Arity: 2, Class: Elementwise, Piecewise: true, Commutes: true, Eval2: func(x, y float64) float64 { return Truth(x == y) }},
	OpNe:    {Name: "ne", Arity: 2, Class: Elementwise, Piecewise: true, Commutes: true, Eval2: func(x, y float64) float64 { return Truth(x != y) }},

	OpFma:    {Name: "fma", Arity: 3, Class: Elementwise, Eval3: math.FMA},
	OpSelect: {Name: "select", Arity: 3, Class: Elementwise, Piecewise: true, Eval3: Select},

	OpFill:      {Name: "fill", Arity: 1, Class: Structure},
	OpSlice:     {Name: "slice", Arity: 1, Class: Structure},
	OpAssemble:  {Name: "assemble", Arity: -1, Class: Structure},
	OpTranspose: {Name: "transpose", Arity: 1, Class: Structure},

	OpSum:     {Name: "sum", Arity: 1, Class: Reduction},
	OpDot:     {Name: "dot", Arity: 2, Class: Reduction},
	OpNorm:    {Name: "norm", Arity: 1, Class: Reduction},
	OpMatVec:  {Name: "matvec", Arity: 2, Class: Linear},
	OpTMatVec: {Name: "tmatvec", Arity: 2, Class: Linear},
	OpMatMul:  {Name: "matmul", Arity: 2, Class: Linear},
	OpOuter:   {Name: "outer", Arity: 2, Class: Linear},
	OpDense:   {Name: "dense", Arity: 3, Class: Linear},
	OpFactor:  {Name: "factor", Arity: 1, Class: Linear},
	OpSolve:   {Name: "solve", Arity: 3, Class: Linear},
	OpDet:     {Name: "det", Arity: 2, Class: Linear},
}

func (op Op) String() string { return Ops[op].Name }

// Info returns the op's row of the table.
func (op Op) Info() *OpInfo { return &Ops[op] }

// Truth is 1 for true and 0 for false, the values of comparisons.
func Truth(c bool) float64 {
	if c {
		return 1
	}
	return 0
}

// Sign is −1, 0 or 1, and NaN for NaN.
func Sign(x float64) float64 {
	switch {
	case x > 0:
		return 1
	case x < 0:
		return -1
	}
	return x
}

// Min is the smaller of x and y, NaN if either is, and y if they are equal.
func Min(x, y float64) float64 {
	if x < y || x != x {
		return x
	}
	return y
}

// Max is the larger of x and y, NaN if either is, and y if they are equal.
func Max(x, y float64) float64 {
	if y < x || x != x {
		return x
	}
	return y
}

// Select is x where c is not zero, else y.
func Select(c, x, y float64) float64 {
	if c != 0 {
		return x
	}
	return y
}

// Lgamma is log |Γ(x)|.
func Lgamma(x float64) float64 {
	v, _ := math.Lgamma(x)
	return v
}

// LogPhi is the logarithm of the standard normal distribution function. Far below 0,
// where that is no number any more, it is that of the first terms of the asymptotic
// series of erfc (DLMF 7.12.1).
func LogPhi(x float64) float64 {
	switch q := math.Erfc(math.Abs(x)/math.Sqrt2) / 2; {
	case x > 0:
		return math.Log1p(-q)
	case x > -35:
		return math.Log(q)
	}
	s := 1 / (x * x)
	return -x*x/2 - math.Log(-x*math.Sqrt(2*math.Pi)) + math.Log1p(-s*(1-3*s*(1-5*s)))
}

// Polygamma is ψ⁽ᵏ⁾(x), the k-th derivative of the digamma function. For x > 0
// and k ≥ 1 it is (−1)ᵏ⁺¹ k! ζ(k+1, x) (DLMF 5.15). At the poles 0, −1, … it is
// +∞ for odd k and NaN for even k, where the sides differ.
func Polygamma(k int, x float64) float64 {
	switch {
	case x <= 0 && x == math.Floor(x):
		if k%2 == 1 {
			return math.Inf(1)
		}
		return math.NaN()
	case x < 0: // reflection, DLMF 5.15.6
		v := Polygamma(k, 1-x)
		if k%2 == 1 {
			v = -v
		}
		return v - math.Pow(math.Pi, float64(k)+1)*cotDerivative(k, x)
	case k == 0:
		return digamma(x)
	}
	v := math.Gamma(float64(k)+1) * mathext.Zeta(float64(k)+1, x)
	if k%2 == 0 {
		return -v
	}
	return v
}

// maxOrder bounds the order of cotDerivative, whose coefficients are as large
// as its factorial.
const maxOrder = 30

// cotDerivative is the k-th derivative of cot z at z = πx: a polynomial in
// c = cot z, with c' = −(1 + c²).
func cotDerivative(k int, x float64) float64 {
	if k > maxOrder {
		return math.NaN()
	}
	var p, q [maxOrder + 2]float64 // coefficients by powers of c
	p[1] = 1
	for n := range k {
		q = [maxOrder + 2]float64{}
		for i := 1; i <= n+1; i++ {
			q[i-1] -= float64(i) * p[i]
			q[i+1] -= float64(i) * p[i]
		}
		p = q
	}
	_, f := math.Modf(x) // the period is 1
	c := 1 / math.Tan(math.Pi*f)
	v := 0.
	for i := k + 1; i >= 0; i-- {
		v = v*c + p[i]
	}
	return v
}

// digamma is ψ(x) = Γ'(x)/Γ(x) for x > 0, to the last digits, which gonum's is
// not: recurrence (DLMF 5.5.2) to where the asymptotic series (5.11.2)
// converges.
func digamma(x float64) float64 {
	sum := 0.
	for ; x < 10; x++ {
		sum -= 1 / x
	}
	r := 1 / (x * x)
	series := 0.
	for _, c := range [...]float64{1. / 12, -691. / 32760, 1. / 132, -1. / 240, 1. / 252, -1. / 120, 1. / 12} { // B₂ₖ/2k, k = 7 … 1
		series = r * (c + series)
	}
	return sum + math.Log(x) - 0.5/x - series
}
