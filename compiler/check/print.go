package check

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/pinode/pinode/physics/units"
)

// Text writes a typed expression in the language, without units.
func Text(x *Expr) string { return printer{}.text(x, 0) }

// printer writes expressions; with a table, numbers carry their units.
type printer struct{ units *units.Table }

var binding = map[string]int{
	"or": 1, "and": 2, "lt": 4, "le": 4, "gt": 4, "ge": 4, "eq": 4, "ne": 4,
	"add": 5, "sub": 5, "mul": 6, "div": 6, "matmul": 6, "pow": 9,
}

var operatorByName = index(Operators, func(o *Operator) string { return o.Name })

const (
	bindNot   = 3
	bindMinus = 7
	bindIndex = 10
)

// text writes x, in parentheses if it binds less than min.
func (p printer) text(x *Expr, min int) string {
	if x == nil {
		return "?"
	}
	paren := func(bind int, s string) string {
		if bind < min {
			return "(" + s + ")"
		}
		return s
	}
	switch x.Kind {
	case Number:
		return p.number(x, paren)
	case Ref:
		return x.Object.Info().Name
	case Numbers:
		if x.Object == nil {
			return x.Name
		}
		return x.Object.Info().Name
	case Op:
		return p.op(x, paren)
	case Slice:
		return p.text(x.Args[0], bindIndex) + places(x)
	case Stack:
		if x.Object != nil {
			return x.Object.Info().Name
		}
		return "[" + p.list(x.Args) + "]"
	case Net:
		return x.Object.Info().Name + "(" + p.list(x.Args) + ")"
	case Apply:
		return x.Name + "(" + p.list(x.Args) + ")" + p.cut(x)
	case DataOf, Observed, FirstOf, SlopeOf:
		return measured[x.Kind] + "(" + x.Object.Info().Name + ")"
	case LogDensity:
		return "logdensity(" + p.list(x.Args) + ")"
	case Place:
		return p.text(x.Args[0], bindIndex) + "(" + p.list(x.Args[1:]) + ")"
	case Cells:
		return p.text(x.Args[0], min)
	case Integral:
		return "integral(" + p.list(x.Args) + overNames(x.Over) + ")"
	case Diff, Before, Smooth:
		if x.Name != "" {
			return x.Name + "(" + p.list(x.Args) + ")"
		}
		return measured[x.Kind] + "(" + p.list(x.Args) + ")"
	}
	panic(fmt.Sprintf("check: no text for an expression of kind %d", x.Kind))
}

var measured = map[Kind]string{
	DataOf: "data", Observed: "observed", FirstOf: "first", SlopeOf: "slope",
	Diff: "diff", Before: "before", Smooth: "smooth",
}

// cut tells the operands of one function's comparison apart: `f(x).(a + b)`.
func (p printer) cut(x *Expr) string {
	if !x.part {
		return ""
	}
	return ".(" + p.text(x.Body, 0) + ")"
}

func (p printer) number(x *Expr, paren func(int, string) string) string {
	switch {
	case x.Object != nil:
		return x.Object.Info().Name
	case x.Name != "":
		return x.Name
	}
	s := strconv.FormatFloat(x.Value, 'g', -1, 64)
	if p.units != nil && !x.Unit.Dimensionless() {
		s += " [" + p.units.Name(x.Unit) + "]"
	}
	if x.Value < 0 || math.Signbit(x.Value) {
		return paren(bindMinus, s)
	}
	return s
}

func (p printer) op(x *Expr, paren func(int, string) string) string {
	if o := operatorByName[x.Name]; o != nil && len(x.Args) == 2 {
		b := binding[x.Name]
		left, right := b, b+1
		sep := " " + o.Symbol + " "
		switch x.Name {
		case "pow":
			left, right = b+1, bindMinus // to the right
			sep = o.Symbol
		case "mul", "div", "matmul":
			sep = o.Symbol
		}
		return paren(b, p.text(x.Args[0], left)+sep+p.text(x.Args[1], right))
	}
	switch x.Name {
	case "neg":
		return paren(bindMinus, "-"+p.text(x.Args[0], bindMinus))
	case "not":
		return paren(bindNot, "not "+p.text(x.Args[0], bindNot))
	case "if":
		return paren(0, "if "+p.text(x.Args[0], 1)+" then "+p.text(x.Args[1], 1)+" else "+p.text(x.Args[2], 0))
	}
	return x.Name + "(" + p.list(x.Args) + ")"
}

// list writes arguments; a long run of one and the same is counted.
func (p printer) list(args []*Expr) string {
	var parts []string
	for i := 0; i < len(args); {
		n := 1
		for i+n < len(args) && args[i+n] == args[i] {
			n++
		}
		s := p.text(args[i], 0)
		if n > 4 {
			parts = append(parts, fmt.Sprintf("%s ×%d", s, n))
		} else {
			for range n {
				parts = append(parts, s)
			}
		}
		i += n
	}
	return strings.Join(parts, ", ")
}

// overNames are coordinates as further arguments.
func overNames(over []*Coordinate) (s string) {
	for _, c := range over {
		s += ", " + c.Name
	}
	return s
}

// places writes the index of a slice.
func places(x *Expr) string {
	of, n := x.Args[0].Shape, x.Shape.Size()
	span := func(lo, n int, one bool) string {
		if one {
			return strconv.Itoa(lo)
		}
		return fmt.Sprintf("%d:%d", lo, lo+n)
	}
	if of.Rank == 1 {
		return "[" + span(x.Offset, n, x.Shape.Rank == 0) + "]"
	}
	row, col := x.Offset/of.N, x.Offset%of.N
	if n <= of.N && (n < of.N || x.Shape.Rank < 2) {
		return fmt.Sprintf("[%d,%s]", row, span(col, n, x.Shape.Rank == 0))
	}
	return "[" + span(row, n/of.N, false) + "]"
}
