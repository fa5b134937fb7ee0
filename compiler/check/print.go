package check

import (
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/pinode/pinode/dsl"
)

// Text writes a typed expression in the language, with all parentheses that
// are needed.
func Text(x *Expr) string { return text(x, 0) }

var operators = map[string]struct {
	text string
	bind int
}{
	"or": {" or ", 1}, "and": {" and ", 2},
	"lt": {" < ", 4}, "le": {" <= ", 4}, "gt": {" > ", 4}, "ge": {" >= ", 4}, "eq": {" == ", 4}, "ne": {" != ", 4},
	"add": {" + ", 5}, "sub": {" - ", 5}, "mul": {"*", 6}, "div": {"/", 6}, "matmul": {"@", 6}, "pow": {"^", 8},
}

func text(x *Expr, min int) string {
	if x == nil {
		return "?"
	}
	list := func() string {
		parts := make([]string, len(x.Args))
		for i, a := range x.Args {
			parts[i] = text(a, 0)
		}
		return strings.Join(parts, ", ")
	}
	paren := func(bind int, s string) string {
		if bind < min {
			return "(" + s + ")"
		}
		return s
	}
	switch x.Kind {
	case Number:
		if x.Object != nil {
			return x.Object.Info().Name
		}
		if x.Name != "" {
			return x.Name
		}
		return fmt.Sprintf("%g", x.Value)
	case Ref:
		return x.Object.Info().Name
	case Op:
		if o, ok := operators[x.Name]; ok && len(x.Args) == 2 {
			return paren(o.bind, text(x.Args[0], o.bind)+o.text+text(x.Args[1], o.bind+1))
		}
		switch x.Name {
		case "neg":
			return paren(5, "-"+text(x.Args[0], 7))
		case "not":
			return paren(3, "not "+text(x.Args[0], 3))
		case "if":
			return paren(0, "if "+text(x.Args[0], 0)+" then "+text(x.Args[1], 0)+" else "+text(x.Args[2], 0))
		}
		return x.Name + "(" + list() + ")"
	case Slice:
		base := x.Args[0].Shape
		switch {
		case base.Rank == 2 && x.Shape.Rank == 0:
			return fmt.Sprintf("%s[%d, %d]", text(x.Args[0], 9), x.Offset/base.N, x.Offset%base.N)
		case base.Rank == 2 && x.Shape.Rank == 1 && x.Shape.N == base.N:
			return fmt.Sprintf("%s[%d]", text(x.Args[0], 9), x.Offset/base.N)
		case x.Shape.Rank == 0:
			return fmt.Sprintf("%s[%d]", text(x.Args[0], 9), x.Offset)
		}
		return fmt.Sprintf("%s[%d:%d]", text(x.Args[0], 9), x.Offset, x.Offset+x.Shape.Size())
	case Stack:
		return "[" + list() + "]"
	case Net, Apply:
		name := x.Name
		if x.Object != nil {
			name = x.Object.Info().Name
		}
		return name + "(" + list() + ")"
	case Diff:
		return "diff(" + list() + ")"
	case DataOf:
		return "data(" + x.Object.Info().Name + ")"
	case Observed:
		return "observed(" + x.Object.Info().Name + ")"
	case FirstOf:
		return "first(" + x.Object.Info().Name + ")"
	case SlopeOf:
		return "slope(" + x.Object.Info().Name + ")"
	case Before:
		return "before(" + list() + ")"
	case Smooth:
		return "smooth(" + list() + ")"
	}
	return "?"
}

// Dump prints the typed model: every declaration with its shape and unit.
func (p *Program) Dump(w io.Writer) {
	for _, m := range p.Models {
		m.dump(w)
	}
	for _, d := range p.Data {
		fmt.Fprintf(w, "data %s from %q\n", d.Name, d.Path)
		fmt.Fprintf(w, "  time: %s ×%g\n", d.Time.Name, d.Time.Factor)
		for _, c := range d.Columns {
			fmt.Fprintf(w, "  %s[%d]: %s ×%g\n", c.Target.Info().Name, c.Component, c.Column.Name, c.Column.Factor)
		}
	}
}

func (m *Model) dump(w io.Writer) {
	fmt.Fprintf(w, "model %s\n", m.Name)
	line := func(word string, o *Obj, rest string, args ...any) {
		fmt.Fprintf(w, "  %s %s", word, o.Name)
		if o.Shape.Rank > 0 {
			fmt.Fprint(w, o.Shape)
		}
		fmt.Fprintf(w, ": %s", m.Units.Name(o.Unit))
		if o.Inferred && !o.Unit.Dimensionless() {
			fmt.Fprint(w, " (inferred)")
		}
		fmt.Fprintf(w, rest+"\n", args...)
	}
	line("time", &m.Time.Obj, "")
	for _, x := range m.Consts {
		line("const", &x.Obj, " = %v", x.Values)
	}
	for _, x := range m.Params {
		open, closing := "[", "]"
		if x.LoOpen || math.IsInf(x.Lo, -1) {
			open = "("
		}
		if x.HiOpen || math.IsInf(x.Hi, 1) {
			closing = ")"
		}
		line("param", &x.Obj, " in %s%g, %g%s = %s", open, x.Lo, x.Hi, closing, Text(x.Init))
	}
	for _, x := range m.Covariates {
		line("covariate", &x.Obj, "")
	}
	for _, x := range m.Inputs {
		line("input", &x.Obj, " %s", x.Interp)
	}
	for _, x := range m.States {
		line("state", &x.Obj, " = %s", Text(x.Init))
		fmt.Fprintf(w, "    %s' = %s\n", x.Name, Text(x.Deriv))
	}
	for _, x := range m.Discretes {
		line("discrete", &x.Obj, " = %s", Text(x.Init))
	}
	for _, x := range m.Lets {
		line("let", &x.Obj, " = %s", Text(x.Value))
	}
	for _, x := range m.Neurals {
		line("neural", &x.Obj, "")
	}
	for _, x := range m.Events {
		fmt.Fprintf(w, "  event %s", x.Name)
		switch x.Kind {
		case dsl.TriggerWhen:
			fmt.Fprintf(w, " when %s", Text(x.Cond))
		case dsl.TriggerAt:
			fmt.Fprintf(w, " at %s", Text(x.At))
		case dsl.TriggerEvery:
			fmt.Fprintf(w, " every %s", Text(x.At))
		case dsl.TriggerRate:
			fmt.Fprintf(w, " with rate %s", Text(x.At))
		}
		fmt.Fprintln(w)
		for _, a := range x.Assigns {
			fmt.Fprintf(w, "    %s := %s\n", a.Target.Info().Name, Text(a.Value))
		}
	}
	for _, x := range m.Conserves {
		line("conserve", &x.Obj, " = %s", Text(x.Value))
	}
	for _, x := range m.Observes {
		line("observe", &x.Obj, " = %s", Text(x.Value))
	}
	for _, x := range m.Losses {
		line("loss", &x.Obj, " = %s", Text(x.Value))
	}
}
