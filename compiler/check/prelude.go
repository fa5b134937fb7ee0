package check

import (
	_ "embed" // the prelude
	"math"
	"sync"

	"github.com/pinode/pinode/dsl"
	"github.com/pinode/pinode/dsl/diag"
	"github.com/pinode/pinode/physics/units"
)

//go:embed prelude.node
var preludeText string

// prelude are the terms of the language that are written in it.
var prelude = sync.OnceValue(func() *dsl.File {
	f, l := dsl.Parse(diag.NewSource(preludeName, preludeText))
	if l.Err() != nil {
		panic("check: " + l.Error())
	}
	return f
})

// OfPrelude reports whether a place is in the terms that are written in the language.
func OfPrelude(s diag.Span) bool { return !s.IsZero() && s.Src.Name == preludeName }

const preludeName = "prelude.node"

// Prelude lists the functions that are written in the language, with what they are.
func Prelude() (list []Function) {
	for _, d := range prelude().Decls[0].(*dsl.ModelDecl).Body {
		if f, ok := d.(*dsl.FnDecl); ok {
			doc := f.Doc
			if doc == "" {
				doc = dsl.FormatExpr(f.Body)
			}
			list = append(list, Function{Name: f.Name.Name, Arity: len(f.Args), Units: own, Shapes: ownShape, Doc: doc})
		}
	}
	return list
}

// rewritten are functions that stand for other expressions of their arguments.
func (e *specials) rewritten(s *scope, x *dsl.Call) *Expr {
	a := x.Args
	switch x.Fun.Name {
	case "xor": // (a and not b) or (not a and b)
		if !e.arity(x, 2) {
			return nil
		}
		both := func(p, q dsl.Expr) dsl.Expr {
			return &dsl.Binary{At: x.At, Op: "and", OpSp: x.Span(), X: p, Y: &dsl.Unary{At: x.At, Op: "not", X: q}}
		}
		return e.expr(s, &dsl.Binary{At: x.At, Op: "or", OpSp: x.Span(), X: both(a[0], a[1]), Y: both(a[1], a[0])})
	case "piecewise": // piecewise(a, if this, b, if that, …, else)
		if len(a)%2 == 0 {
			e.errPiecewise(x)
			return nil
		}
		out := a[len(a)-1]
		for i := len(a) - 3; i >= 0; i -= 2 {
			out = &dsl.Cond{At: x.At, If: a[i+1], Then: a[i], Else: out}
		}
		return e.expr(s, out)
	case "linspace":
		return e.linspace(s, x)
	}
	return e.interp(s, x)
}

// linspace is a vector of n numbers from a to b.
func (e *specials) linspace(s *scope, x *dsl.Call) *Expr {
	const most = 100_000
	if !e.arity(x, 3) {
		return nil
	}
	v := e.value(s, x.Args[2])
	if v == nil {
		return nil
	}
	n, ok := fold(v)
	if !ok || len(n) != 1 || n[0] != math.Trunc(n[0]) || n[0] < 2 || n[0] > most {
		e.errLinspace(v)
		return nil
	}
	binary := func(op string, p, q dsl.Expr) dsl.Expr {
		return &dsl.Paren{At: x.At, X: &dsl.Binary{At: x.At, Op: op, OpSp: x.Span(), X: p, Y: q}}
	}
	out := &dsl.Array{At: x.At}
	for i := range int(n[0]) {
		share := &dsl.NumberLit{At: x.At, Value: float64(i) / (n[0] - 1)}
		out.Elems = append(out.Elems, binary("+", x.Args[0], binary("*", share, binary("-", x.Args[1], x.Args[0]))))
	}
	return e.expr(s, out)
}

// interp is interp(x, xs, ys): the monotone cubic through points that are numbers, held
// beyond the ends.
func (e *specials) interp(s *scope, x *dsl.Call) *Expr {
	if !e.arity(x, 3) {
		return nil
	}
	args := e.args(s, x)
	if args == nil {
		return nil
	}
	at, xs, ys := args[0], args[1], args[2]
	if at.Shape.Rank != 0 {
		e.errNotScalar(at, "the argument of `interp`", "take its elements one by one")
		return nil
	}
	px, ok1 := fold(xs)
	py, ok2 := fold(ys)
	switch {
	case !ok1 || !ok2:
		v := xs
		if ok1 {
			v = ys
		}
		e.errNotConstant(v, "a point of `interp`")
		return nil
	case xs.Shape.Rank != 1 || xs.Shape != ys.Shape || len(px) < 2 || !ascending(px):
		e.errInterp(x)
		return nil
	case !e.meet(at, xs, x.Span()):
		e.errUnits(x.Span(), "combine", at, xs)
		return nil
	}
	// Within it all is numbers: the argument in its unit, and the result in that of ys.
	one := func(u units.Unit) *Expr { return e.add(&Expr{Kind: Number, Value: 1, Unit: u, Span: x.Span()}) }
	in := s.child()
	in.vars["x"] = e.add(&Expr{Kind: Op, Name: "div", Args: []*Expr{at, one(at.Unit)}, Unit: units.One, Span: x.Span()})
	v := e.expr(in, pchip(x.At, px, py))
	if v == nil {
		return nil
	}
	v = e.add(&Expr{Kind: Smooth, Args: []*Expr{v}, Unit: v.Unit, Span: x.Span()})
	return e.add(&Expr{Kind: Op, Name: "mul", Args: []*Expr{v, one(ys.Unit)}, Unit: ys.Unit, Span: x.Span()})
}

// ascending reports whether each number is above the one before.
func ascending(x []float64) bool {
	for i := 1; i < len(x); i++ {
		if !(x[i-1] < x[i]) {
			return false
		}
	}
	return true
}

// pchip is the monotone cubic through points as an expression of x.
func pchip(at dsl.At, px, py []float64) dsl.Expr {
	num := func(v float64) dsl.Expr { return &dsl.NumberLit{At: at, Value: v} }
	binary := func(op string, p, q dsl.Expr) dsl.Expr {
		return &dsl.Paren{At: at, X: &dsl.Binary{At: at, Op: op, X: p, Y: q}}
	}
	x := &dsl.Name{At: at, Name: "x"}
	d := slopes(px, py)
	// A tree of comparisons, as deep as the logarithm of the number of pieces.
	var pieces func(from, to int) dsl.Expr
	pieces = func(from, to int) dsl.Expr {
		if to-from > 1 {
			mid := (from + to) / 2
			return &dsl.Cond{At: at, If: binary("<", x, num(px[mid])), Then: pieces(from, mid), Else: pieces(mid, to)}
		}
		h, s := px[from+1]-px[from], (py[from+1]-py[from])/(px[from+1]-px[from])
		c2, c3 := (3*s-2*d[from]-d[from+1])/h, (d[from]+d[from+1]-2*s)/(h*h)
		u := binary("-", x, num(px[from]))
		poly := binary("+", num(c2), binary("*", u, num(c3)))
		poly = binary("+", num(d[from]), binary("*", u, poly))
		return binary("+", num(py[from]), binary("*", u, poly))
	}
	n := len(px)
	beyond := &dsl.Cond{At: at, If: binary("<", x, num(px[n-1])), Then: pieces(0, n-1), Else: num(py[n-1])}
	return &dsl.Cond{At: at, If: binary("<", x, num(px[0])), Then: num(py[0]), Else: beyond}
}

// slopes are those of the monotone cubic at its points: weighted harmonic means of the
// slopes on both sides, 0 where these differ in sign.
//
// F.N. Fritsch, J. Butland, SIAM J. Sci. Stat. Comput. 5, 300–304, 1984; at the ends the
// three-point formula that keeps the shape, as in C. Moler, Numerical Computing with
// MATLAB, SIAM, 2004, section 3.6.
func slopes(x, y []float64) []float64 {
	n := len(x)
	h, s, d := make([]float64, n-1), make([]float64, n-1), make([]float64, n)
	for i := range h {
		h[i] = x[i+1] - x[i]
		s[i] = (y[i+1] - y[i]) / h[i]
	}
	if n == 2 {
		return []float64{s[0], s[0]}
	}
	for i := 1; i < n-1; i++ {
		if s[i-1]*s[i] > 0 {
			w1, w2 := 2*h[i]+h[i-1], h[i]+2*h[i-1]
			d[i] = (w1 + w2) / (w1/s[i-1] + w2/s[i])
		}
	}
	end := func(h0, h1, s0, s1 float64) float64 {
		v := ((2*h0+h1)*s0 - h0*s1) / (h0 + h1)
		switch {
		case v*s0 <= 0:
			return 0
		case s0*s1 <= 0 && math.Abs(v) > 3*math.Abs(s0):
			return 3 * s0
		}
		return v
	}
	d[0], d[n-1] = end(h[0], h[1], s[0], s[1]), end(h[n-2], h[n-3], s[n-2], s[n-3])
	return d
}
