package dsl

import (
	"fmt"
	"strings"
)

// FormatExpr writes an expression in the one style of the formatter.
func FormatExpr(x Expr) string {
	switch x := x.(type) {
	case nil:
		return ""
	case *NumberLit:
		if x.Unit != nil {
			return x.Text + " [" + FormatUnit(x.Unit) + "]"
		}
		return x.Text
	case *BoolLit:
		return fmt.Sprint(x.Value)
	case *StringLit:
		return fmt.Sprintf("%q", x.Value)
	case *Name:
		return x.Name + strings.Repeat("'", x.Primes)
	case *Unary:
		if x.Op == "not" {
			return "not " + FormatExpr(x.X)
		}
		return x.Op + FormatExpr(x.X)
	case *Binary:
		l, r := FormatExpr(x.X), FormatExpr(x.Y)
		if x.Op == "^" || binding[x.Op] == binding["*"] {
			return l + x.Op + r
		}
		return l + " " + x.Op + " " + r
	case *Cond:
		return "if " + FormatExpr(x.If) + " then " + FormatExpr(x.Then) + " else " + FormatExpr(x.Else)
	case *Call:
		return FormatExpr(x.Fun) + "(" + formatList(x.Args) + ")"
	case *IndexExpr:
		return FormatExpr(x.X) + formatIndex(x.Index)
	case *Array:
		return "[" + formatList(x.Elems) + "]"
	case *Paren:
		return "(" + FormatExpr(x.X) + ")"
	}
	panic(fmt.Sprintf("dsl: no text for %T", x))
}

func formatList(xs []Expr) string {
	parts := make([]string, len(xs))
	for i, x := range xs {
		parts[i] = FormatExpr(x)
	}
	return strings.Join(parts, ", ")
}

func formatIndex(index []Range) string {
	if index == nil {
		return ""
	}
	parts := make([]string, len(index))
	for i, r := range index {
		parts[i] = FormatExpr(r.Lo)
		if r.Colon {
			parts[i] += ":" + FormatExpr(r.Hi)
		}
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

// FormatUnit writes a unit.
func FormatUnit(u *UnitExpr) string {
	var b strings.Builder
	for i, f := range u.Factors {
		num := f.Num
		switch {
		case num < 0:
			if i == 0 {
				b.WriteByte('1')
			}
			b.WriteByte('/')
			num = -num
		case i > 0:
			b.WriteByte('*')
		}
		b.WriteString(f.Name)
		switch {
		case f.Den != 1:
			fmt.Fprintf(&b, "^(%d/%d)", num, f.Den)
		case num != 1:
			fmt.Fprintf(&b, "^%d", num)
		}
	}
	if b.Len() == 0 {
		return "1"
	}
	return b.String()
}

func formatType(t Type, result bool) string {
	s := ""
	if len(t.Dims) > 0 {
		s = "[" + formatList(t.Dims) + "]"
	}
	switch {
	case t.Unit == nil:
	case s == "" && result:
		s = FormatUnit(t.Unit)
	default:
		s += ": " + FormatUnit(t.Unit)
	}
	if result && s != "" {
		return " -> " + s
	}
	return s
}

func formatArgs(args []Arg) string {
	parts := make([]string, len(args))
	for i, a := range args {
		parts[i] = a.Name.Name + formatType(a.Type, false)
	}
	return "(" + strings.Join(parts, ", ") + ")"
}

// formatValue writes an option's value; block writes its block.
func formatValue(v *Value, block func([]*Option) string) string {
	var parts []string
	if v.Expr != nil {
		parts = append(parts, FormatExpr(v.Expr))
	}
	for _, c := range v.Clauses {
		parts = append(parts, c.Word+" "+FormatExpr(c.Expr))
		if c.Suffix != "" {
			parts = append(parts, c.Suffix)
		}
	}
	if v.Block != nil {
		parts = append(parts, block(v.Block))
	}
	if v.Then != nil {
		parts = append(parts, "then", formatValue(v.Then, block))
	}
	return strings.Join(parts, " ")
}

func formatColumn(c Column) string {
	s := c.Name
	if !isName(s) {
		s = fmt.Sprintf("%q", s)
	}
	if c.Unit != nil {
		s += " [" + FormatUnit(c.Unit) + "]"
	}
	return s
}

// isName reports whether a column's name can be written without quotes.
func isName(s string) bool {
	l, err := rules.LexString("", s)
	if err != nil {
		return false
	}
	for want := tokIdent; ; {
		t, err := l.Next()
		switch {
		case err != nil:
			return false
		case t.EOF():
			return want == tokOp && s != ""
		case t.Type != want || want == tokOp && t.Value != ".":
			return false
		case want == tokIdent:
			want = tokOp
		default:
			want = tokIdent
		}
	}
}

// header writes a declaration up to its block.
func header(d Decl) string {
	name := func(word string, n Ident, t Type) string { return word + " " + n.Name + formatType(t, false) }
	init := func(s string, x Expr) string {
		if x == nil {
			return s
		}
		return s + " = " + FormatExpr(x)
	}
	switch d := d.(type) {
	case *ModelDecl:
		return "model " + d.Name.Name
	case *DataDecl:
		return fmt.Sprintf("data %s from %q", d.Name.Name, d.Path.Value)
	case *SettingsDecl:
		return d.Keyword.Name
	case *UnitDecl:
		return init("unit "+d.Name.Name, d.Value)
	case *TimeDecl:
		return name("time", d.Name, Type{Unit: d.Unit})
	case *ConstDecl:
		return init(name("const", d.Name, d.Type), d.Value)
	case *ParamDecl:
		return formatParam(d)
	case *CovariateDecl:
		return name("covariate", d.Name, d.Type)
	case *InputDecl:
		s := name("input", d.Name, d.Type)
		if d.Interp.Name != "" {
			s += " " + d.Interp.Name
		}
		return init(s, d.Value)
	case *StateDecl:
		s := name("state", d.Name, d.Type)
		for i, x := range d.Inits {
			s += [2]string{" = ", ", "}[min(i, 1)]
			if x.Primes > 0 {
				s += d.Name.Name + strings.Repeat("'", x.Primes) + " = "
			}
			s += FormatExpr(x.Value)
		}
		return s
	case *AugmentDecl:
		return init(name("augment", d.Name, d.Type), d.Init)
	case *DiscreteDecl:
		return init(name("discrete", d.Name, d.Type), d.Init)
	case *LetDecl:
		return init(name("let", d.Name, d.Type), d.Value)
	case *FnDecl:
		return "fn " + d.Name.Name + formatArgs(d.Args) + formatType(d.Result, true) + " = " + FormatExpr(d.Body)
	case *NeuralDecl:
		return "neural " + d.Name.Name + formatArgs(d.Args) + formatType(d.Result, true)
	case *EquationDecl:
		if d.Index == nil {
			return FormatExpr(d.Target) + " = " + FormatExpr(d.Value)
		}
		return d.Target.Name + formatIndex(d.Index) + strings.Repeat("'", d.Target.Primes) + " = " + FormatExpr(d.Value)
	case *EventDecl:
		return formatEvent(d)
	case *ConserveDecl:
		return init("conserve "+d.Name.Name, d.Value)
	case *RequireDecl:
		return "require " + FormatExpr(d.Cond)
	case *ObserveDecl:
		s := init(name("observe", d.Name, d.Type), d.Value)
		if d.Dist != nil {
			s += " ~ " + FormatExpr(d.Dist)
		}
		return s
	case *LossDecl:
		return init("loss "+d.Name.Name, d.Value)
	case *UseDecl:
		return "use " + d.Model.Name + " as " + d.As.Name
	case *ForDecl:
		return "for " + d.Var.Name + " in " + FormatExpr(d.Lo) + ".." + FormatExpr(d.Hi)
	}
	panic(fmt.Sprintf("dsl: no text for %T", d))
}

func formatParam(d *ParamDecl) string {
	s := "param " + d.Name.Name + formatType(d.Type, false)
	if iv := d.Interval; iv != nil {
		open, closing := "[", "]"
		if iv.LoOpen {
			open = "("
		}
		if iv.HiOpen {
			closing = ")"
		}
		s += " in " + open + FormatExpr(iv.Lo) + ", " + FormatExpr(iv.Hi) + closing
	}
	if d.Fixed {
		s += " fixed"
	}
	for i, k := range d.Per {
		s += [2]string{" per ", ", "}[min(i, 1)] + k.Name
	}
	if d.Init != nil {
		s += " = " + FormatExpr(d.Init)
	}
	if d.Prior != nil {
		s += " ~ " + FormatExpr(d.Prior)
	}
	return s
}

func formatEvent(d *EventDecl) string {
	s := "event " + d.Name.Name
	if len(d.Args) > 0 {
		s += formatArgs(d.Args)
	}
	t := d.Trigger
	switch t.Kind {
	case TriggerWhen:
		s += " when " + FormatExpr(t.Expr)
	case TriggerAt:
		s += " at t = " + FormatExpr(t.Expr)
	case TriggerEvery:
		s += " every " + FormatExpr(t.Expr)
		if t.From != nil {
			s += " from " + FormatExpr(t.From)
		}
		if t.Until != nil {
			s += " until " + FormatExpr(t.Until)
		}
	case TriggerOnObservation:
		s += " on observation"
		if t.Of != nil {
			s += " of " + FormatExpr(t.Of)
		}
	case TriggerOnData:
		s += " on data"
	case TriggerRate:
		s += " with rate " + FormatExpr(t.Expr)
	}
	if d.Priority != nil {
		s += " priority " + FormatExpr(d.Priority)
	}
	if d.After != nil {
		s += " after " + FormatExpr(d.After)
	}
	for _, c := range []struct {
		on   bool
		text string
	}{{d.Late, " late"}, {d.Persistent, " persistent"}, {d.AtStart, " at start"}} {
		if c.on {
			s += c.text
		}
	}
	return s
}
