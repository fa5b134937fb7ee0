package check

import (
	"math"

	"github.com/pinode/pinode/dsl"
)

// guarantees are the options of a neural block that are not plain settings.
var guarantees = []string{"odd", "even", "positive", "monotone", "zero_at", "input_scale", "output_scale"}

// neuralOptions reads the options of a neural block.
func (e *elaborator) neuralOptions(s *scope, n *Neural, d *dsl.NeuralDecl) {
	for _, o := range d.Options {
		switch o.Name.Name {
		case "odd":
			n.Odd = e.flag(o)
		case "even":
			n.Even = e.flag(o)
		case "positive":
			n.Positive = e.flag(o)
		case "monotone":
			n.Monotone = e.monotone(s, n, o)
		case "zero_at":
			n.ZeroAt = e.zeroAt(s, n, o)
		case "input_scale":
			n.InputScale = e.scales(s, o, n.Args)
		case "output_scale":
			n.OutputScale = e.scales(s, o, []Obj{n.Obj})
		default:
			if e.env.Neural.Find(o.Name.Name) == nil {
				e.errUnknown("option", o.Name.Span(), o.Name.Name, append(e.env.Neural.Keys(), guarantees...))
				continue
			}
			e.prog.Model = e.m // settings are evaluated over this model's constants
			e.option(n.Options, e.env.Neural, o)
		}
	}
	if n.Odd && n.Even || n.Odd && n.Positive {
		e.diags.Errorf("bad-option", n.Span, "block `%s` cannot be odd and %s at once: it would be zero", n.Name, map[bool]string{true: "even", false: "positive"}[n.Even])
	}
	switch w := n.Options.Word("activation"); w {
	case "relu", "leaky_relu":
		e.diags.Warnf("rough-activation", n.Span, "`%s` is not smooth: adaptive solvers and the location of events lose their order", w).
			WithHelp("use `softplus` or `swish`")
	}
}

func (e *elaborator) flag(o *dsl.Option) bool {
	b, ok := o.Value.Expr.(*dsl.BoolLit)
	if !ok {
		e.diags.Errorf("bad-option", o.Value.Span(), "`%s` is true or false", o.Name.Name)
		return false
	}
	return b.Value
}

// monotone reads `increasing`, `decreasing`, `true`, or a list with one of
// 1, 0, -1 for each argument.
func (e *elaborator) monotone(s *scope, n *Neural, o *dsl.Option) []int {
	size := 0
	for _, a := range n.Args {
		size += a.Shape.Size()
	}
	fill := func(v int) []int {
		out := make([]int, size)
		for i := range out {
			out[i] = v
		}
		return out
	}
	switch x := o.Value.Expr.(type) {
	case *dsl.Name:
		switch x.Name {
		case "increasing":
			return fill(1)
		case "decreasing":
			return fill(-1)
		}
		e.errChoice(x.Span(), "direction", x.Name, []string{"increasing", "decreasing"})
		return nil
	case *dsl.BoolLit:
		if x.Value {
			return fill(1)
		}
		return nil
	}
	v := e.expr(s, o.Value.Expr)
	if v == nil {
		return nil
	}
	c, ok := foldConst(v)
	if !ok || len(c) != size {
		e.diags.Errorf("bad-option", o.Value.Span(), "`monotone` is increasing, decreasing, or a list with 1, 0 or -1 for each of the %d arguments", size)
		return nil
	}
	out := make([]int, size)
	for i, x := range c {
		out[i] = int(math.Max(-1, math.Min(1, x)))
	}
	return out
}

// zeroAt reads the point where the block vanishes: a number for each argument.
func (e *elaborator) zeroAt(s *scope, n *Neural, o *dsl.Option) []float64 {
	var out []float64
	exprs := []dsl.Expr{o.Value.Expr}
	if a, ok := o.Value.Expr.(*dsl.Array); ok && len(n.Args) > 1 {
		exprs = a.Elems
	}
	if len(exprs) != len(n.Args) {
		e.diags.Errorf("bad-option", o.Value.Span(), "`zero_at` is a point: a value for each of the %s", plural(len(n.Args), "argument"))
		return nil
	}
	for i, x := range exprs {
		v := e.expr(s, x)
		if v == nil {
			return nil
		}
		c, ok := foldConst(v)
		if !ok || len(c) != 1 && len(c) != n.Args[i].Shape.Size() {
			e.diags.Errorf("not-constant", x.Span(), "`zero_at` is a point of numbers")
			return nil
		}
		if !e.unify(v, n.Args[i].Unit, func() { e.errNetArgument(v, n, i) }) {
			return nil
		}
		for k := range n.Args[i].Shape.Size() {
			out = append(out, c[min(k, len(c)-1)])
		}
	}
	return out
}

// scales reads positive magnitudes: one for each object, or one for all.
func (e *elaborator) scales(s *scope, o *dsl.Option, of []Obj) []float64 {
	exprs := []dsl.Expr{o.Value.Expr}
	if a, ok := o.Value.Expr.(*dsl.Array); ok && len(of) > 1 {
		exprs = a.Elems
	}
	if len(exprs) != len(of) {
		e.diags.Errorf("bad-option", o.Value.Span(), "`%s` has a magnitude for each of %d", o.Name.Name, len(of))
		return nil
	}
	var out []float64
	for i, x := range exprs {
		v := e.expr(s, x)
		if v == nil {
			return nil
		}
		c, ok := foldConst(v)
		if !ok || len(c) != 1 && len(c) != of[i].Shape.Size() {
			e.diags.Errorf("bad-option", x.Span(), "`%s` is a positive number", o.Name.Name)
			return nil
		}
		if !e.unify(v, of[i].Unit, func() { e.errInit(v, &of[i]) }) {
			return nil
		}
		for k := range of[i].Shape.Size() {
			m := c[min(k, len(c)-1)]
			if !(m > 0) {
				e.diags.Errorf("bad-option", x.Span(), "`%s` must be positive, not %g", o.Name.Name, m)
				return nil
			}
			out = append(out, m)
		}
	}
	return out
}
