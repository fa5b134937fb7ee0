package lower

import (
	"math"
	"slices"

	"github.com/pinode/pinode/autodiff"
	"github.com/pinode/pinode/compiler/check"
	"github.com/pinode/pinode/compiler/ir"
)

// The level of a tank that runs dry, h' = −k√h, comes to the edge of where √h has a value, and stays there: √0 is 0.
// So the edge is a surface that the run locates, with a switch that knows of three places: above it the root is as it
// is written, below it has no value, and what rests on it has the value 0, which does not change with anything.

// roots lowers roots, and knows what is 0 or more.
type roots struct {
	*conditions
	positive map[*ir.Node]bool // branches that are: see notNegative
	plain    bool              // roots have no switches: see mostRoots

	assumed []assumption // what the conditions of the branches say that are being lowered
}

// assumption is that the values with a surface, or their negatives, are 0 or more.
type assumption struct {
	surface *ir.Node
	turned  bool
}

// mostRoots bounds how many such edges a run looks out for: more, as of the cells of a chain, would take longer than
// its steps do, and there roots are plain functions.
const mostRoots = 128

// root is √e, or e^p with 0 < p < 1, where it has such a switch; nil where it has none.
func (l *roots) root(x *check.Expr, args []*ir.Node) *ir.Node {
	if l.plain || !l.byMode && (!l.located || !l.cornered) || !takesRoot(x, args) {
		return nil
	}
	b, e := l.b, args[0]
	if a := l.actual(e); !l.moves(a) || l.notNegative(e) || l.notNegative(a) {
		return nil
	}
	found := false
	within := l.elements(e, func(e *ir.Node, _ int) *ir.Node {
		m, turned := l.edge(e)
		if m == nil {
			return e
		}
		found = true
		above := m
		if turned {
			above = l.not(m)
		}
		e = b.Select(b.Mul(above, b.Lt(e, b.Const(0))), b.Const(0), e) // steps end near the edge, on either side
		return b.Select(b.Apply(ir.OpEq, m, b.Const(AtRest)), b.Const(1), e)
	})
	if !found {
		return nil
	}
	value := l.b.Sqrt(within)
	if x.Name == "pow" {
		value = b.Pow(within, args[1])
	}
	return l.elements(value, func(v *ir.Node, i int) *ir.Node {
		if m, _ := l.edge(l.elementOf(e, i)); m != nil {
			v = b.Select(b.Apply(ir.OpEq, m, b.Const(AtRest)), b.Const(0), v)
		}
		return v
	})
}

// edge is the mode of the switch where a value has a root no more, and whether its guard is turned round; of those
// that there are nil where there is none.
func (l *roots) edge(e *ir.Node) (mode *ir.Node, turned bool) {
	surface, turned := l.oriented(l.actual(e))
	if !l.byMode {
		return l.modeOn(surface, rootAtZero), turned
	}
	if i, ok := l.switches[switchKey{arg: surface, at: rootAtZero}]; ok {
		mode = l.modeNode(i)
	}
	return mode, turned
}

// takesRoot reports whether an operation takes a root: it is 0 at 0, with an infinite slope. An exponent that is
// estimated counts by where it starts.
func takesRoot(x *check.Expr, args []*ir.Node) bool {
	if x.Name == "sqrt" {
		return true
	}
	p := exponent(x, args)
	return p > 0 && p < 1
}

// exponent is that of a power, if it is a number, or where it starts if it is estimated; else not a number.
func exponent(x *check.Expr, args []*ir.Node) float64 {
	if x.Name != "pow" {
		return math.NaN()
	}
	if n := args[1]; n.Op == ir.OpConst && n.Shape == ir.Scalar {
		return n.Values[0]
	}
	if p, ok := x.Args[1].Object.(*check.Param); ok && x.Args[1].Kind == check.Ref && p.Init.Kind == check.Number {
		return p.Init.Value
	}
	return math.NaN()
}

// power is a root or power of a value that is 0 or more, which has a value where the mode is that of the other side too:
// steps end near the edge of a mode, on either side, and their stages go beyond, where max(h − 1, 0)^1.5 would have none
// and, at its edge, no second derivative. nil: it is another operation.
func (l *roots) power(x *check.Expr, args []*ir.Node) *ir.Node {
	if x.Name != "sqrt" && x.Name != "pow" || exponent(x, args) < 0 || !l.notNegative(args[0]) || args[0].Op == ir.OpConst || args[0].Op == ir.OpMax {
		return nil
	}
	b := l.b
	above := func(e *ir.Node) *ir.Node { return b.Lt(b.Const(0), e) }
	if !(exponent(x, args) > 1) {
		within := l.elements(args[0], func(e *ir.Node, _ int) *ir.Node {
			return l.upward(b.Select(b.Lt(e, b.Const(0)), b.Const(0), e))
		})
		return l.applied(x.Name, append([]*ir.Node{within}, args[1:]...))
	}
	within := l.elements(args[0], func(e *ir.Node, _ int) *ir.Node { return b.Select(above(e), e, b.Const(1)) })
	return l.elements(b.Pow(within, args[1]), func(v *ir.Node, i int) *ir.Node {
		return l.upward(b.Select(above(l.elementOf(args[0], i)), v, b.Const(0)))
	})
}

// inBranch lowers a branch of an `if`, in which its condition holds or does not. A comparison of it says of a
// difference that it is 0 or more there, so that its roots and powers are as those of max: see power.
func (l *roots) inBranch(cond *check.Expr, holds bool, branch *check.Expr) *ir.Node {
	n := len(l.assumed)
	defer func() { l.assumed = l.assumed[:n] }()
	l.assume(cond, holds)
	return l.expr(branch)
}

// everywhere lowers what is read in other places too, until what it returns is called.
func (l *roots) everywhere() (back func()) {
	was := l.assumed
	l.assumed = nil
	return func() { l.assumed = was }
}

func (l *roots) assume(cond *check.Expr, holds bool) {
	if cond.Kind != check.Op {
		return
	}
	switch cond.Name {
	case "not":
		l.assume(cond.Args[0], !holds)
	case "and", "or":
		if holds == (cond.Name == "and") { // of both
			l.assume(cond.Args[0], holds)
			l.assume(cond.Args[1], holds)
		}
	case "gt", "ge", "lt", "le":
		d := l.b.Sub(l.expr(cond.Args[0]), l.expr(cond.Args[1]))
		surface, turned := l.oriented(l.actual(d))
		below := cond.Name == "lt" || cond.Name == "le"
		l.assumed = append(l.assumed, assumption{surface, turned != (holds == below)})
	}
}

// assumedHere reports whether the branch that is being lowered is one in which a value is 0 or more.
func (l *roots) assumedHere(n *ir.Node) bool {
	if len(l.assumed) == 0 || n.Shape != ir.Scalar {
		return false
	}
	surface, turned := l.oriented(l.actual(n))
	return slices.Contains(l.assumed, assumption{surface, turned})
}

// upward notes that a value is 0 or more.
func (l *roots) upward(n *ir.Node) *ir.Node {
	l.positive[n] = true
	return n
}

// notNegative reports whether a value is known to be 0 or more wherever it has a value.
func (l *roots) notNegative(n *ir.Node) bool {
	if l.positive[n] || autodiff.Squares(n) || l.assumedHere(n) {
		return true
	}
	all := func(list []*ir.Node) bool {
		for _, a := range list {
			if !l.notNegative(a) {
				return false
			}
		}
		return true
	}
	switch n.Op {
	case ir.OpConst:
		for _, v := range n.Values {
			if !(v >= 0) {
				return false
			}
		}
		return true
	case ir.OpExp, ir.OpSqrt, ir.OpAbs, ir.OpSigmoid, ir.OpSoftplus, ir.OpLt, ir.OpLe, ir.OpEq, ir.OpNe:
		return true
	case ir.OpAdd, ir.OpMul, ir.OpDiv, ir.OpMin, ir.OpSum, ir.OpSlice, ir.OpFill, ir.OpAssemble:
		return all(n.Args)
	case ir.OpPow:
		e := n.Args[1]
		return e.Op == ir.OpConst && e.Shape == ir.Scalar && math.Mod(e.Values[0], 1) != 0 || l.notNegative(n.Args[0])
	case ir.OpMax:
		return l.notNegative(n.Args[0]) || l.notNegative(n.Args[1])
	case ir.OpSelect:
		return all(n.Args[1:])
	}
	return false
}
