package dsl

import (
	"github.com/alecthomas/participle/v2/lexer"
)

// clauseWords may follow an expression in a declaration or an option.
var clauseWords = map[string]bool{
	"in": true, "fixed": true, "per": true, "from": true, "until": true, "to": true, "over": true, "priority": true, "after": true,
	"late": true, "persistent": true, "at": true, "then": true, "else": true, "and": true, "or": true,
	"linear": true, "hold": true, "cubic": true, "where": true,
}

// Parse reads a parameter; what follows its type may stand in any order.
func (d *ParamDecl) Parse(lex *lexer.PeekingLexer) (err error) {
	r := &reader{PeekingLexer: lex}
	from, err := r.expect("param")
	if err != nil {
		return err
	}
	if d.Name, err = r.ident(); err != nil {
		return err
	}
	if d.Type, err = r.typ(); err != nil {
		return err
	}
	given := clauses{}
	for !r.Peek().EOF() {
		t := r.Next()
		if err := given.add(t); err != nil {
			return err
		}
		switch t.Value {
		case "in":
			d.Interval, err = r.interval()
		case "fixed":
			d.Fixed = true
		case "per":
			d.Per, err = r.idents()
		case "=":
			d.Init, err = r.expr(0)
		case "~":
			d.Prior, err = r.call()
		default:
			return &syntaxError{pos: t.Pos, msg: found(*t, "`in`, `fixed`, `per`, `=` or `~`")}
		}
		if err != nil {
			return err
		}
	}
	d.At = At{Pos: from.Pos, EndPos: r.Peek().Pos}
	return nil
}

// clauses are the words of the clauses that were read.
type clauses map[string]bool

func (c clauses) add(t *lexer.Token) error {
	if c[t.Value] {
		return errAt(t, "`%s` is given twice", t.Value)
	}
	c[t.Value] = true
	return nil
}

func (r *reader) idents() (list []Ident, err error) {
	for {
		id, err := r.ident()
		if err != nil {
			return nil, err
		}
		list = append(list, id)
		if !r.take(",") {
			return list, nil
		}
	}
}

// Parse reads an interval.
func (iv *Interval) Parse(lex *lexer.PeekingLexer) error {
	r := &reader{PeekingLexer: lex}
	x, err := r.interval()
	if err == nil {
		*iv = *x
	}
	return err
}

// interval reads `[lo, hi)`.
func (r *reader) interval() (*Interval, error) {
	from := r.Peek()
	if !r.is("(", "[") {
		return nil, r.unexpected("an interval, like `(0, inf)`")
	}
	r.Next()
	iv := &Interval{LoOpen: from.Value == "("}
	var err error
	if iv.Lo, err = r.expr(0); err != nil {
		return nil, err
	}
	if _, err = r.expect(","); err != nil {
		return nil, err
	}
	if iv.Hi, err = r.expr(0); err != nil {
		return nil, err
	}
	if !r.is(")", "]") {
		return nil, r.unexpected("`)` or `]`")
	}
	to := r.Next()
	iv.HiOpen, iv.At = to.Value == ")", at(from, to)
	return iv, nil
}

// Parse reads an initial value: `0.3`, or `θ' = 0`.
func (r *reader) stateInit() (s StateInit, err error) {
	from := r.Peek()
	if from.Type == tokIdent {
		before := r.MakeCheckpoint()
		n, err := r.name()
		if err == nil && n.Primes > 0 && r.take("=") {
			s.Name, s.Primes = n.Name, n.Primes
		} else {
			r.LoadCheckpoint(before)
		}
	}
	if s.Value, err = r.expr(0); err != nil {
		return s, err
	}
	s.At = At{Pos: from.Pos, EndPos: placeOf(s.Value).EndPos}
	return s, nil
}

// Parse reads `x' = …`, `p[0]' = …` or `left.θ' = …`.
func (d *EquationDecl) Parse(lex *lexer.PeekingLexer) error {
	r := &reader{PeekingLexer: lex}
	var err error
	if d.Target, d.Index, err = r.target(); err != nil {
		return err
	}
	if _, err := r.expect("="); err != nil {
		return err
	}
	if d.Value, err = r.expr(0); err != nil {
		return err
	}
	d.At = join(d.Target, d.Value)
	return nil
}

// Parse reads `0 = E`.
func (d *ConstraintDecl) Parse(lex *lexer.PeekingLexer) error {
	r := &reader{PeekingLexer: lex}
	from := *r.Next() // the 0
	if _, err := r.expect("="); err != nil {
		return err
	}
	var err error
	if d.Value, err = r.expr(0); err != nil {
		return err
	}
	d.At = At{Pos: from.Pos, EndPos: placeOf(d.Value).EndPos}
	return nil
}

// target reads what an equation or an assignment sets: a name with primes and
// an index. The primes may stand behind the index; they belong to the name.
func (r *reader) target() (n *Name, index []Range, err error) {
	if n, err = r.name(); err != nil || !r.is("[") {
		return n, nil, err
	}
	if index, _, err = r.index(); err != nil {
		return nil, nil, err
	}
	if t := r.Peek(); t.Type == tokPrime && n.Primes == 0 {
		r.Next()
		n.Primes = len(t.Value)
	}
	return n, index, nil
}

// Parse reads an event; its clauses may stand in any order.
func (d *EventDecl) Parse(lex *lexer.PeekingLexer) (err error) {
	r := &reader{PeekingLexer: lex}
	from, err := r.expect("event")
	if err != nil {
		return err
	}
	if d.Name, err = r.ident(); err != nil {
		return err
	}
	if r.is("(") {
		if d.Args, err = r.args(); err != nil {
			return err
		}
	}
	if d.Trigger, err = r.trigger(); err != nil {
		return err
	}
	given := clauses{}
	for !r.is("{") {
		t := r.Next()
		if err := given.add(t); err != nil {
			return err
		}
		switch t.Value {
		case "priority":
			d.Priority, err = r.expr(0)
		case "after":
			d.After, err = r.expr(0)
		case "late":
			d.Late = true
		case "persistent":
			d.Persistent = true
		case "at":
			d.AtStart = true
			_, err = r.expect("start")
		default:
			err = &syntaxError{pos: t.Pos, msg: found(*t, "`{`, `priority`, `after`, `late`, `persistent` or `at start`")}
		}
		if err != nil {
			return err
		}
	}
	var end *lexer.Token
	if d.Body, end, err = r.stmts(); err != nil {
		return err
	}
	d.At = at(from, end)
	return nil
}

// args reads the formal arguments of an event.
func (r *reader) args() (args []Arg, err error) {
	r.Next()
	for !r.is(")") {
		from := r.Peek()
		a := Arg{}
		if a.Name, err = r.ident(); err != nil {
			return nil, err
		}
		if a.Type, err = r.typ(); err != nil {
			return nil, err
		}
		a.At = At{Pos: from.Pos, EndPos: r.Peek().Pos}
		args = append(args, a)
		if !r.take(",") {
			break
		}
	}
	if !r.is(")") {
		return nil, r.unexpected("`,` or `)`")
	}
	r.Next()
	return args, nil
}

func (r *reader) trigger() (tr Trigger, err error) {
	from := r.Peek()
	switch {
	case r.take("when"):
		tr.Kind = TriggerWhen
		tr.Expr, err = r.expr(0)
	case r.take("at"):
		tr.Kind = TriggerAt
		if tr.Time, err = r.ident(); err != nil {
			return tr, err
		}
		if _, err = r.expect("="); err != nil {
			return tr, err
		}
		tr.Expr, err = r.expr(0)
	case r.take("every"):
		tr.Kind = TriggerEvery
		tr.Expr, err = r.expr(0)
		if err == nil && r.take("from") {
			tr.From, err = r.expr(0)
		}
		if err == nil && r.take("until") {
			tr.Until, err = r.expr(0)
		}
	case r.take("on"):
		switch {
		case r.take("data"):
			tr.Kind = TriggerOnData
		case r.take("observation"):
			tr.Kind = TriggerOnObservation
			if r.take("of") {
				tr.Of, err = r.name()
			}
		default:
			err = r.unexpected("`data` or `observation`")
		}
	case r.take("with"):
		tr.Kind = TriggerRate
		if _, err = r.expect("rate"); err == nil {
			tr.Expr, err = r.expr(0)
		}
	default:
		err = r.unexpected("a trigger: `when`, `at`, `every`, `on` or `with rate`")
	}
	tr.At = At{Pos: from.Pos, EndPos: r.Peek().Pos}
	return tr, err
}

// stmts reads the body of an event.
func (r *reader) stmts() (body []Stmt, end *lexer.Token, err error) {
	if _, err := r.expect("{"); err != nil {
		return nil, nil, err
	}
	for {
		for r.take(";") {
		}
		if r.is("}") {
			return body, r.Next(), nil
		}
		s, err := r.stmt()
		if err != nil {
			return nil, nil, err
		}
		body = append(body, s)
		if !r.is(";", "}") {
			return nil, nil, r.unexpected("`;` or the end of the line")
		}
	}
}

func (r *reader) stmt() (Stmt, error) {
	t := r.Peek()
	if t.Type != tokIdent {
		return nil, r.unexpected("an assignment, like `v := -v`")
	}
	before := r.MakeCheckpoint()
	r.Next()
	switch {
	case t.Value == "terminate" && r.is(";", "}"):
		return &Terminate{At: at(t, t), Word: t.Value}, nil
	case t.Value == "zeno" && r.Peek().Type == tokIdent:
		return r.zeno(t)
	}
	r.LoadCheckpoint(before)
	return r.assign()
}

func (r *reader) assign() (*Assign, error) {
	a := &Assign{}
	var err error
	if a.Target, a.Index, err = r.target(); err != nil {
		return nil, err
	}
	if t := r.Peek(); r.is("=") {
		return nil, errAt(t, "found `=`, expected `:=`").withHelp("an event assigns with `:=`, and adds with `+=` or `-=`")
	}
	a.Minus = r.take("-=")
	if a.Add = a.Minus || r.take("+="); !a.Add {
		if _, err = r.expect(":="); err != nil {
			return nil, err
		}
	}
	if a.Value, err = r.expr(0); err != nil {
		return nil, err
	}
	a.At = join(a.Target, a.Value)
	return a, nil
}

// zeno reads what follows the word: `error`, `stop`, `pass` or `rest { h := 0 }`.
func (r *reader) zeno(from *lexer.Token) (*Zeno, error) {
	mode, err := r.ident()
	if err != nil {
		return nil, err
	}
	z := &Zeno{At: At{Pos: from.Pos, EndPos: mode.EndPos}, Mode: mode}
	if !r.is("{") {
		return z, nil
	}
	r.Next()
	for {
		for r.take(";") {
		}
		if r.is("}") {
			end := r.Next()
			z.EndPos = at(end, end).EndPos
			return z, nil
		}
		if r.Peek().Type != tokIdent {
			return nil, r.unexpected("an assignment, like `v := 0`")
		}
		a, err := r.assign()
		if err != nil {
			return nil, err
		}
		z.Rest = append(z.Rest, a)
		if !r.is(";", "}") {
			return nil, r.unexpected("`;` or the end of the line")
		}
	}
}
