package dsl

import (
	"fmt"
	"strconv"
	"strings"
)

// Format prints a file in the one style: two spaces of indentation, one
// declaration a line, clauses in their canonical order. Blocks stay on one line
// or on several as they were written, and so do long expressions. It keeps
// every comment, and single blank lines. The file is one that parsed without
// an error; what did not parse is not in it.
func Format(f *File) []byte {
	p := newPrinter(f)
	p.decls(f.Decls)
	p.commentsAbove(len(p.src.Text) + 1)
	return p.out.Bytes()
}

func (p *printer) decls(decls []Decl) {
	for _, d := range decls {
		p.item(d, func() { p.decl(d) })
	}
}

func (p *printer) decl(d Decl) {
	end := d.Span().End
	switch d := d.(type) {
	case *ModelDecl:
		p.named("model", d.Name)
		p.block(end, len(d.Body) == 0, func() { p.decls(d.Body) })
	case *DataDecl:
		p.named("data", d.Name)
		p.write(" from ")
		p.expr(&d.Path, 0)
		p.block(end, len(d.Items) == 0, func() { p.dataItems(d.Items) })
	case *SettingsDecl:
		p.ident(d.Keyword)
		p.settings(d.Options, end)
	case *UnitDecl:
		p.named("unit", d.Name)
		p.init(d.Value)
	case *TimeDecl:
		p.typed("time", d.Name, Type{Unit: d.Unit})
		p.interval(d.Interval)
	case *ConstDecl:
		p.typed("const", d.Name, d.Type)
		if d.From != nil {
			p.after(" from", d.From)
		} else {
			p.init(d.Value)
		}
	case *ParamDecl:
		p.param(d)
	case *CovariateDecl:
		p.typed("covariate", d.Name, d.Type)
	case *DrawDecl:
		writeDraw(p, d, end)
	case *InputDecl:
		p.typed("input", d.Name, d.Type)
		if d.Interp.Name != "" {
			p.write(" ")
			p.ident(d.Interp)
		}
		p.init(d.Value)
	case *CoordinateDecl:
		p.typed("coordinate", d.Name, Type{Unit: d.Unit})
		p.interval(d.Interval)
	case *BoundaryDecl:
		p.boundary(d)
	case *StateDecl:
		p.state(d)
	case *AugmentDecl:
		p.typed("augment", d.Name, d.Type)
		p.init(d.Init)
	case *AlgebraicDecl:
		p.unknown("algebraic", d.Name, d.Over, d.Type)
		p.init(d.Init)
	case *StartDecl:
		p.named("start", d.How)
		p.options(d.Options, end)
	case *ConstraintDecl:
		p.write("0")
		p.init(d.Value)
	case *DiscreteDecl:
		p.typed("discrete", d.Name, d.Type)
		p.init(d.Init)
	case *LetDecl:
		p.typed("let", d.Name, d.Type)
		p.init(d.Value)
	case *FnDecl:
		p.named("fn", d.Name)
		p.args(d.Args)
		p.result(d.Result)
		p.init(d.Body)
	case *NeuralDecl:
		p.named("neural", d.Name)
		p.args(d.Args)
		p.result(d.Result)
		p.options(d.Options, end)
	case *EquationDecl:
		p.target(d.Target, d.Index)
		p.init(d.Value)
	case *EventDecl:
		p.event(d)
	case *ConserveDecl:
		p.named("conserve", d.Name)
		p.init(d.Value)
		p.options(d.Options, end)
	case *RequireDecl:
		p.write("require ")
		p.expr(d.Cond, 0)
		p.options(d.Options, end)
	case *ObserveDecl:
		writeObserve(p, d, end)
	case *LossDecl:
		p.named("loss", d.Name)
		p.init(d.Value)
		p.after(" where", d.Where)
		p.options(d.Options, end)
	case *UseDecl:
		writeUse(p, d, end)
	case *ForDecl:
		p.named("for", d.Var)
		p.write(" in ")
		p.small(d.Lo)
		p.write("..")
		p.small(d.Hi)
		p.block(end, len(d.Body) == 0, func() { p.decls(d.Body) })
	default:
		panic(fmt.Sprintf("dsl: no text for %T", d))
	}
}

func writeUse(p *printer, d *UseDecl, end int) {
	p.named("use", d.Model)
	p.named(" as", d.As)
	if d.Backward {
		p.write(" backward")
	}
	p.options(d.Options, end)
}

func writeDraw(p *printer, d *DrawDecl, end int) {
	p.typed("draw", d.Name, d.Type)
	p.call(" ~", d.Dist)
	for i, k := range d.Per {
		p.named([2]string{" per", ","}[min(i, 1)], k)
	}
	p.options(d.Options, end)
}

func writeObserve(p *printer, d *ObserveDecl, end int) {
	p.typed("observe", d.Name, d.Type)
	if d.Value != nil {
		p.init(d.Value)
	}
	if d.When != nil {
		p.named(" at", d.Time)
		p.init(d.When)
	}
	p.call(" ~", d.Dist)
	p.options(d.Options, end)
}

func (p *printer) ident(id Ident) { p.leaf(id.Name, id.Sp) }

func (p *printer) named(word string, n Ident) {
	p.write(word, " ")
	p.ident(n)
}

func (p *printer) typed(word string, n Ident, t Type) {
	p.named(word, n)
	p.typ(t)
}

func (p *printer) typ(t Type) {
	p.dims(t)
	if t.Unit != nil {
		p.write(": ")
		p.unit(t.Unit)
	}
}

func (p *printer) dims(t Type) {
	if len(t.Dims) > 0 {
		p.list('[', len(t.Dims), func(i int) Node { return t.Dims[i] }, func(i int) { p.small(t.Dims[i]) }, ']')
	}
}

func (p *printer) result(t Type) {
	if len(t.Dims) == 0 && t.Unit == nil {
		return
	}
	p.write(" -> ")
	p.dims(t)
	if len(t.Dims) > 0 && t.Unit != nil {
		p.write(": ")
	}
	p.unit(t.Unit)
}

func (p *printer) args(args []Arg) {
	p.list('(', len(args), func(i int) Node { return args[i] }, func(i int) {
		p.ident(args[i].Name)
		p.typ(args[i].Type)
	}, ')')
}

// after writes a word and an expression, which may start on the next line.
func (p *printer) after(word string, x Expr) {
	if x == nil {
		return
	}
	p.write(word)
	if !p.brk(p.startOf(x)) {
		p.write(" ")
	}
	p.expr(x, 0)
}

func (p *printer) init(x Expr) { p.after(" =", x) }

func (p *printer) call(word string, c *Call) {
	switch {
	case c == nil:
	case c.Fun.Name == exact && c.Fun.Primes == 0 && len(c.Args) == 0:
		p.after(word, c.Fun)
	default:
		p.after(word, c)
	}
}

func (p *printer) target(n *Name, index []Range) {
	p.leaf(n.Name, n.Span())
	p.index(index)
	p.write(strings.Repeat("'", n.Primes))
}

func (p *printer) state(d *StateDecl) {
	p.unknown("state", d.Name, d.Over, d.Type)
	if d.Least != nil {
		p.after(" >=", d.Least)
	}
	for i, in := range d.Inits {
		word := " ="
		if i > 0 {
			word = ","
		}
		if in.Primes > 0 {
			p.write(word)
			if !p.brk(p.startOf(in)) {
				p.write(" ")
			}
			p.start(in)
			p.write(d.Name.Name, strings.Repeat("'", in.Primes))
			word = " ="
		}
		p.after(word, in.Value)
	}
}

func (p *printer) param(d *ParamDecl) {
	p.typed("param", d.Name, d.Type)
	p.interval(d.Interval)
	if d.Fixed {
		p.write(" fixed")
	}
	for i, k := range d.Per {
		p.named([2]string{" per", ","}[min(i, 1)], k)
	}
	p.init(d.Init)
	p.call(" ~", d.Prior)
}

func (p *printer) interval(iv *Interval) {
	if iv == nil {
		return
	}
	p.write(" in ", map[bool]string{true: "(", false: "["}[iv.LoOpen])
	p.expr(iv.Lo, 0)
	p.write(", ")
	p.expr(iv.Hi, 0)
	p.leaf(map[bool]string{true: ")", false: "]"}[iv.HiOpen], iv.Span())
}

func (p *printer) event(d *EventDecl) {
	p.named("event", d.Name)
	if len(d.Args) > 0 {
		p.args(d.Args)
	}
	switch t := d.Trigger; t.Kind {
	case TriggerAt:
		p.named(" at", t.Time)
		p.init(t.Expr)
	case TriggerOnObservation:
		p.write(" on observation")
		if t.Of != nil {
			p.after(" of", t.Of)
		}
	case TriggerOnData:
		p.write(" on data")
	default: // when, every, with rate
		p.after(" "+t.Kind.String(), t.Expr)
		p.after(" from", t.From)
		p.after(" until", t.Until)
	}
	p.reach(d.Trigger.Span())
	p.after(" priority", d.Priority)
	p.after(" after", d.After)
	for _, c := range []struct {
		on   bool
		text string
	}{{d.Late, " late"}, {d.Persistent, " persistent"}, {d.AtStart, " at start"}} {
		if c.on {
			p.write(c.text)
		}
	}
	p.stmts(d)
}

// stmts writes the body of an event, on one line if it was.
func (p *printer) stmts(d *EventDecl) {
	// The flags before the body have no place of their own in the tree.
	if i := p.seek(p.pos, '{', ""); i >= 0 && p.startOf(d) >= 0 {
		p.pos = i
	}
	if p.broken(d.Span().End) {
		p.block(d.Span().End, len(d.Body) == 0, func() {
			for _, s := range d.Body {
				p.item(s, func() { p.stmt(s) })
			}
		})
		return
	}
	p.write(" {")
	for i, s := range d.Body {
		p.write([2]string{" ", "; "}[min(i, 1)])
		p.stmt(s)
	}
	p.write(" }")
}

func (p *printer) stmt(s Stmt) {
	switch s := s.(type) {
	case *Assign:
		p.target(s.Target, s.Index)
		op := " :="
		switch {
		case s.Minus:
			op = " -="
		case s.Add:
			op = " +="
		}
		p.after(op, s.Value)
	case *Terminate:
		p.write("terminate")
	case *Zeno:
		p.named("zeno", s.Mode)
		if len(s.Rest) == 0 {
			break
		}
		if p.broken(s.Span().End) {
			p.block(s.Span().End, false, func() {
				for _, a := range s.Rest {
					p.item(a, func() { p.stmt(a) })
				}
			})
			break
		}
		p.write(" { ")
		for i, a := range s.Rest {
			if i > 0 {
				p.write("; ")
			}
			p.stmt(a)
		}
		p.write(" }")
	}
	p.reach(s.Span())
}

// options writes the options of a declaration, if there are any.
func (p *printer) options(opts []*Option, end int) {
	if len(opts) > 0 {
		p.settings(opts, end)
	}
}

// settings writes a block of options that ends at the offset, on one line if it
// was.
func (p *printer) settings(opts []*Option, end int) {
	if len(opts) == 0 || p.broken(end) {
		p.block(end, len(opts) == 0, func() {
			for _, o := range opts {
				p.item(o, func() { p.option(o) })
			}
		})
		return
	}
	p.write(" {")
	for i, o := range opts {
		p.write([2]string{" ", ", "}[min(i, 1)])
		p.option(o)
	}
	p.write(" }")
	p.pos = max(p.pos, end)
}

func (p *printer) option(o *Option) {
	p.write(o.Name.Name, ":")
	p.reach(o.Name.Span())
	p.skipColon()
	p.value(o.Value)
}

// skipColon moves behind the colon of an item, which the tree has no place for.
func (p *printer) skipColon() {
	if i := p.seek(p.pos, ':', blanks); i >= 0 {
		p.pos = i + 1
	}
}

// value writes a value behind a colon or `then`, without a blank before it.
func (p *printer) value(v *Value) {
	p.after("", v.Expr)
	if v.Suffix != "" {
		p.write(" ", v.Suffix)
	}
	for _, c := range v.Clauses {
		p.after(" "+c.Word, c.Expr)
		if c.Suffix != "" {
			p.write(" ", c.Suffix)
		}
		p.reach(c.Span())
	}
	end := v.Span().End
	if v.Then != nil {
		end = v.Then.Span().Start
	}
	if v.Block != nil {
		p.settings(v.Block, p.closing(v, end))
	}
	if v.Then != nil {
		if !p.brk(p.startOf(v.Then)) {
			p.write(" ")
		}
		p.write("then")
		p.pos = max(p.pos, v.Then.Span().Start)
		p.value(v.Then)
	}
	p.reach(v.Span())
}

// closing is the offset behind the brace that closes the block of a value that
// ends, with what is chained to it, at end.
func (p *printer) closing(v *Value, end int) int {
	if v.Then == nil || p.startOf(v) < 0 {
		return end
	}
	last := p.opening() + 1
	for _, o := range v.Block {
		last = max(last, o.Span().End)
	}
	return p.seek(last, '}', "") + 1
}

func (p *printer) dataItems(items []*DataItem) {
	for _, d := range items {
		p.item(d, func() { p.dataItem(d) })
	}
}

func (p *printer) dataItem(d *DataItem) {
	p.write(d.Key.Name, ":")
	p.reach(d.Key.Span())
	p.skipColon()
	if d.File != nil {
		p.write(" ", strconv.Quote(d.File.Value), " by")
	}
	switch {
	case d.FirstRow:
		p.write(" first row")
	case d.Expr != nil:
		p.after("", d.Expr)
	case d.Group != nil && p.broken(d.Span().End):
		p.block(d.Span().End, len(d.Group) == 0, func() { p.dataItems(d.Group) })
	case d.Group != nil:
		p.write(" {")
		for i, it := range d.Group {
			p.write([2]string{" ", ", "}[min(i, 1)])
			p.dataItem(it)
		}
		p.write(" }")
	case d.List:
		p.write(" ")
		p.list('[', len(d.Columns), func(i int) Node { return d.Columns[i] }, func(i int) { p.column(d.Columns[i]) }, ']')
	default:
		for _, c := range d.Columns {
			p.write(" ")
			p.column(c)
		}
	}
	p.reach(d.Span())
}

func (p *printer) column(c Column) {
	if isName(c.Name) {
		p.write(c.Name)
	} else {
		p.write(strconv.Quote(c.Name))
	}
	if c.Unit != nil {
		p.write(" [")
		p.unit(c.Unit)
		p.write("]")
	}
	p.reach(c.Span())
}

// isName reports whether a column's name can be written without quotes: names
// with dots between, none of them a word of the language.
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
		case t.Type != want || want == tokOp && t.Value != "." || reservedInExpr[t.Value]:
			return false
		case want == tokIdent:
			want = tokOp
		default:
			want = tokIdent
		}
	}
}
