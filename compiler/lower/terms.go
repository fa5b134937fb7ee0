package lower

import (
	"slices"

	"github.com/pinode/pinode/compiler/check"
)

// term is a summand: a product of factors over a product of divisors.
type term struct {
	negative bool
	factors  []*check.Expr
	divisors []*check.Expr
}

// summands are the terms of a scalar, quantities and functions opened where derivatives are in
// them.
func summands(x *check.Expr) []term {
	switch {
	case x.Kind == check.Ref:
		if l, ok := x.Object.(*check.Let); ok && differs(l.Value) && l.Value.Shape == x.Shape {
			return summands(l.Value)
		}
	case x.Kind == check.Apply && differs(x):
		if in, ok := inlined(x); ok {
			return summands(in)
		}
	case x.Kind != check.Op:
	case x.Name == "add":
		return append(summands(x.Args[0]), summands(x.Args[1])...)
	case x.Name == "sub":
		return append(summands(x.Args[0]), negated(summands(x.Args[1]))...)
	case x.Name == "neg":
		return negated(summands(x.Args[0]))
	case x.Name == "mul":
		a, b := summands(x.Args[0]), summands(x.Args[1])
		if len(a) > 1 && !differs(x.Args[0]) {
			a = []term{{factors: x.Args[:1]}}
		}
		if len(b) > 1 && !differs(x.Args[1]) {
			b = []term{{factors: x.Args[1:]}}
		}
		if len(a) == 1 || len(b) == 1 {
			var out []term
			for _, s := range a {
				for _, t := range b {
					out = append(out, term{s.negative != t.negative, slices.Concat(s.factors, t.factors), slices.Concat(s.divisors, t.divisors)})
				}
			}
			return out
		}
	case x.Name == "div":
		out := summands(x.Args[0])
		if len(out) > 1 && !differs(x.Args[0]) {
			out = []term{{factors: x.Args[:1]}}
		}
		for i := range out {
			out[i].divisors = append(slices.Clone(out[i].divisors), x.Args[1])
		}
		return out
	}
	return []term{{factors: []*check.Expr{x}}}
}

func negated(list []term) []term {
	for i := range list {
		list[i].negative = !list[i].negative
	}
	return list
}

// differs reports whether a derivative by a coordinate is in an expression.
func differs(x *check.Expr) bool {
	if x == nil {
		return false
	}
	switch x.Kind {
	case check.Diff:
		if _, ok := x.Args[1].Object.(*check.Coordinate); ok {
			return true
		}
	case check.Integral, check.Place:
		return false
	case check.Ref:
		if l, ok := x.Object.(*check.Let); ok {
			return differs(l.Value)
		}
	}
	return slices.ContainsFunc(x.Args, differs) || differs(x.Body)
}

// inlined is a function's body with its arguments in the place of locals; not of one that
// differentiates by them.
func inlined(x *check.Expr) (*check.Expr, bool) {
	for _, l := range x.Locals {
		if differentiatesBy(x.Body, l) {
			return nil, false
		}
	}
	var put func(y *check.Expr) *check.Expr
	put = func(y *check.Expr) *check.Expr {
		if y == nil {
			return nil
		}
		if y.Kind == check.Ref {
			for i, l := range x.Locals {
				if y.Object == check.Object(l) {
					return x.Args[i]
				}
			}
			return y
		}
		c := *y
		c.Args = make([]*check.Expr, len(y.Args))
		for i, a := range y.Args {
			c.Args[i] = put(a)
		}
		c.Body = put(y.Body)
		return &c
	}
	return put(x.Body), true
}

// component is element i of a value as an expression.
func component(x *check.Expr, i int) *check.Expr {
	if x.Shape.Rank == 0 {
		return x
	}
	out := *x
	out.Shape = check.Shape{}
	switch x.Kind {
	case check.Stack:
		for _, a := range x.Args {
			if n := a.Shape.Size(); i < n {
				return component(a, i)
			} else {
				i -= n
			}
		}
	case check.Ref:
		if l, ok := x.Object.(*check.Let); ok && differs(l.Value) {
			return component(l.Value, i)
		}
	case check.Slice:
		return component(x.Args[0], x.Offset+i)
	case check.Apply:
		if in, ok := inlined(x); ok {
			return component(in, i)
		}
	case check.Diff:
		if x.Args[1].Shape.Rank == 0 {
			out.Args = []*check.Expr{component(x.Args[0], i), x.Args[1]}
			return &out
		}
	case check.Op:
		switch x.Name {
		case "add", "sub", "mul", "div", "neg":
			out.Args = make([]*check.Expr, len(x.Args))
			for k, a := range x.Args {
				out.Args[k] = component(a, i)
			}
			return &out
		}
	}
	return &check.Expr{Kind: check.Slice, Args: []*check.Expr{x}, Offset: i, Unit: x.Unit, Span: x.Span}
}

// linear is the number of the factor that is a field, if the others are the same everywhere;
// −1 for none.
func (t term) linear() int {
	for i, f := range t.factors {
		if plainField(f) && t.constant(i) {
			return i
		}
	}
	return -1
}

// fieldOf is the field that a plain field is a component of.
func fieldOf(x *check.Expr) (f *check.State, comp int) {
	for x.Kind == check.Slice {
		comp += x.Offset
		x = x.Args[0]
	}
	return x.Object.(*check.State), comp
}

// derivative is the number of the factor that is a derivative by a coordinate, if there is
// one such and no other; −1 for none.
func (t term) derivative() int {
	found := -1
	for i, f := range t.factors {
		if f.Kind != check.Diff {
			continue
		}
		if _, ok := f.Args[1].Object.(*check.Coordinate); !ok {
			continue
		}
		if found >= 0 {
			return -1
		}
		found = i
	}
	return found
}

// constant reports whether all but factor i are the same everywhere.
func (t term) constant(i int) bool {
	for k, f := range slices.Concat(t.factors, t.divisors) {
		if k != i && len(check.CoordinatesOf(f)) > 0 {
			return false
		}
	}
	return true
}

// plainField reports whether a value is a component of a field and no more.
func plainField(x *check.Expr) bool {
	for x.Kind == check.Slice {
		x = x.Args[0]
	}
	s, ok := x.Object.(*check.State)
	return ok && x.Kind == check.Ref && len(s.Over) > 0
}
