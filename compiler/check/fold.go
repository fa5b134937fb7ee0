package check

import (
	"maps"
	"math"
)

// Evaluate evaluates an expression, row-major, whose leaves besides numbers
// and constants are known to leaf: references, first(y) and the like. It
// reports false where the expression needs something else.
func Evaluate(x *Expr, leaf func(*Expr) ([]float64, bool)) ([]float64, bool) {
	return evaluation{leaf, nil}.eval(x)
}

// fold evaluates an expression of constants, row-major; false if something in
// it is not constant.
func fold(x *Expr) ([]float64, bool) { return evaluation{}.eval(x) }

// evaluation holds what is known: the leaves (nil: none), and the values of
// objects, which the arguments of the functions around are.
type evaluation struct {
	leaf  func(*Expr) ([]float64, bool)
	known map[Object][]float64
}

func (v evaluation) eval(x *Expr) ([]float64, bool) {
	switch x.Kind {
	case Number:
		return repeat([]float64{x.Value}, x.Shape.Size()), true
	case Numbers:
		return x.Values, true
	case Smooth:
		return v.eval(x.Args[0])
	case Apply:
		inner := evaluation{v.leaf, maps.Clone(v.known)}
		if inner.known == nil {
			inner.known = map[Object][]float64{}
		}
		for i, a := range x.Args {
			c, ok := v.eval(a)
			if !ok {
				return nil, false
			}
			inner.known[x.Locals[i]] = c
		}
		return inner.eval(x.Body)
	case Op, Slice, Stack:
		return v.compose(x)
	case Ref:
		if c, ok := v.known[x.Object]; ok {
			return c, true
		}
	}
	if v.leaf == nil {
		return nil, false
	}
	return v.leaf(x)
}

func (v evaluation) compose(x *Expr) ([]float64, bool) {
	args := make([][]float64, len(x.Args))
	for i, a := range x.Args {
		if i > 0 && a == x.Args[i-1] { // a repeated scalar
			args[i] = args[i-1]
			continue
		}
		c, ok := v.eval(a)
		if !ok {
			return nil, false
		}
		args[i] = c
	}
	switch x.Kind {
	case Slice:
		return args[0][x.Offset : x.Offset+x.Shape.Size()], true
	case Stack:
		var out []float64
		for _, a := range args {
			out = append(out, a...)
		}
		return out, true
	}
	return foldOp(x, args)
}

func repeat(v []float64, n int) []float64 {
	for len(v) < n {
		v = append(v, v[0])
	}
	return v
}

func foldOp(x *Expr, args [][]float64) ([]float64, bool) {
	if len(args) == 1 {
		if r := reductions[x.Name]; r != nil {
			return []float64{r(args[0])}, true
		}
	}
	switch x.Name {
	case "dot":
		return []float64{dot(args[0], args[1])}, true
	case "cross":
		a, b := args[0], args[1]
		return []float64{a[1]*b[2] - a[2]*b[1], a[2]*b[0] - a[0]*b[2], a[0]*b[1] - a[1]*b[0]}, true
	case "matmul":
		return foldMatmul(x.Args[0].Shape, x.Args[1].Shape, args[0], args[1]), true
	}
	f := evaluator(x.Name)
	if f == nil {
		return nil, false
	}
	out := make([]float64, x.Shape.Size())
	in := make([]float64, len(args))
	for i := range out {
		for k, a := range args {
			in[k] = a[min(i, len(a)-1)]
		}
		out[i] = f(in...)
	}
	return out, true
}

func foldMatmul(sa, sb Shape, a, b []float64) []float64 {
	m, n, p := 1, sa.N, 1
	if sa.Rank == 2 {
		m = sa.M
	}
	if sb.Rank == 2 {
		p = sb.N
	}
	out := make([]float64, m*p)
	for i := range m {
		for j := range p {
			for k := range n {
				out[i*p+j] += a[i*n+k] * b[k*p+j]
			}
		}
	}
	return out
}

func dot(a, b []float64) float64 {
	s := 0.
	for i := range a {
		s += a[i] * b[i]
	}
	return s
}

// reductions of an array to a number.
var reductions = map[string]func([]float64) float64{
	"sum": func(x []float64) float64 {
		s := 0.
		for _, v := range x {
			s += v
		}
		return s
	},
	"mean": func(x []float64) float64 {
		s := 0.
		for _, v := range x {
			s += v
		}
		return s / float64(len(x))
	},
	"norm": func(x []float64) float64 {
		s := 0.
		for _, v := range x {
			s = math.Hypot(s, v)
		}
		return s
	},
	"min": func(x []float64) float64 { return least(x...) },
	"max": func(x []float64) float64 { return greatest(x...) },
}

func least(x ...float64) float64 {
	v := x[0]
	for _, y := range x[1:] {
		v = math.Min(v, y)
	}
	return v
}

func greatest(x ...float64) float64 {
	v := x[0]
	for _, y := range x[1:] {
		v = math.Max(v, y)
	}
	return v
}

// evaluator is the elementwise function behind a name.
func evaluator(name string) func(...float64) float64 {
	if f := functionByName[name]; f != nil && f.Eval != nil { // `div` is an operator too
		return f.Eval
	}
	return operatorEval[name]
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

var operatorEval = map[string]func(...float64) float64{
	"add": two(func(x, y float64) float64 { return x + y }),
	"sub": two(func(x, y float64) float64 { return x - y }),
	"mul": two(func(x, y float64) float64 { return x * y }),
	"div": two(func(x, y float64) float64 { return x / y }),
	"pow": two(math.Pow),
	"neg": one(func(x float64) float64 { return -x }),
	"lt":  two(func(x, y float64) float64 { return truth(x < y) }),
	"le":  two(func(x, y float64) float64 { return truth(x <= y) }),
	"gt":  two(func(x, y float64) float64 { return truth(x > y) }),
	"ge":  two(func(x, y float64) float64 { return truth(x >= y) }),
	"eq":  two(func(x, y float64) float64 { return truth(x == y) }),
	"ne":  two(func(x, y float64) float64 { return truth(x != y) }),
	"and": two(func(x, y float64) float64 { return truth(x != 0 && y != 0) }),
	"or":  two(func(x, y float64) float64 { return truth(x != 0 || y != 0) }),
	"not": one(func(x float64) float64 { return truth(x == 0) }),
	"if": func(x ...float64) float64 {
		if x[0] != 0 {
			return x[1]
		}
		return x[2]
	},
}
