package dsl

import (
	"github.com/alecthomas/participle/v2"
	"github.com/alecthomas/participle/v2/lexer"
)

// Parse reads the value of an option.
func (v *Value) Parse(lex *lexer.PeekingLexer) error {
	r := &reader{PeekingLexer: lex}
	x, err := r.value()
	if err == nil {
		*v = *x
	}
	return err
}

func (r *reader) value() (*Value, error) {
	from := r.Peek()
	v := &Value{At: at(from, from)}
	var err error
	if !r.is("{") {
		if v.Expr, err = r.expr(0); err != nil {
			return nil, err
		}
		v.EndPos = nodeAt(v.Expr).EndPos
		for t := r.Peek(); t.Type == tokIdent && !t.EOF() && t.Value != "then"; t = r.Peek() {
			c, err := r.clause()
			if err != nil {
				return nil, err
			}
			v.Clauses = append(v.Clauses, *c)
			v.EndPos = c.EndPos
		}
	}
	if r.is("{") {
		if v.Block, v.EndPos, err = r.options(); err != nil {
			return nil, err
		}
	}
	if r.take("then") {
		if v.Then, err = r.value(); err != nil {
			return nil, err
		}
		v.EndPos = v.Then.EndPos
	}
	return v, nil
}

// clause reads `over 100 epochs`.
func (r *reader) clause() (*Clause, error) {
	t := r.Next()
	c := &Clause{At: at(t, t), Word: t.Value}
	x, err := r.expr(0)
	if err != nil {
		return nil, err
	}
	c.Expr, c.EndPos = x, nodeAt(x).EndPos
	// A word that no expression follows is the clause's own: `epochs`.
	if w := r.Peek(); w.Type == tokIdent && !w.EOF() && w.Value != "then" {
		cp := r.MakeCheckpoint()
		r.Next()
		if n := r.Peek(); n.EOF() || n.Type == tokOp && n.Value != "(" && n.Value != "[" && n.Value != "-" || n.Type == tokIdent && n.Value == "then" {
			c.Suffix, c.EndPos = w.Value, at(w, w).EndPos
		} else {
			r.LoadCheckpoint(cp)
		}
	}
	return c, nil
}

// options reads a block of options.
func (r *reader) options() (list []*Option, end lexer.Position, err error) {
	if r.depth++; r.depth > maxNesting {
		return nil, end, participle.Errorf(r.Peek().Pos, "blocks nest deeper than %d", maxNesting)
	}
	defer func() { r.depth-- }()
	list = []*Option{}
	r.Next()
	for {
		for r.take(";") || r.take(",") {
		}
		if r.is("}") {
			t := r.Next()
			return list, at(t, t).EndPos, nil
		}
		t := r.Peek()
		if t.Type != tokIdent {
			return nil, end, r.unexpected("an option, like `name: value`")
		}
		n, err := r.name()
		if err != nil {
			return nil, end, err
		}
		if _, err := r.expect(":"); err != nil {
			return nil, end, err
		}
		v, err := r.value()
		if err != nil {
			return nil, end, err
		}
		list = append(list, &Option{At: join(n, v), Name: Ident{At: n.At, Name: primed(n)}, Value: v})
	}
}

func primed(n *Name) string {
	s := n.Name
	for range n.Primes {
		s += "'"
	}
	return s
}

// Parse reads a line of a data block.
func (d *DataItem) Parse(lex *lexer.PeekingLexer) error {
	r := &reader{PeekingLexer: lex}
	if r.Peek().Type != tokIdent {
		return participle.NextMatch
	}
	x, err := r.dataItem(true)
	if err == nil {
		*d = *x
	}
	return err
}

// rowConditions are the keys of a data block whose value is an expression
// over the columns.
var rowConditions = map[string]bool{"train": true, "validate": true, "where": true}

func (r *reader) dataItem(group bool) (*DataItem, error) {
	n, err := r.name()
	if err != nil {
		return nil, err
	}
	d := &DataItem{At: n.At, Key: Ident{At: n.At, Name: primed(n)}}
	if _, err := r.expect(":"); err != nil {
		return nil, err
	}
	switch {
	case rowConditions[d.Key.Name]:
		if d.Expr, err = r.expr(0); err != nil {
			return nil, err
		}
		d.EndPos = nodeAt(d.Expr).EndPos
	case r.is("{") && group:
		r.Next()
		d.Group = []*DataItem{}
		for {
			for r.take(";") || r.take(",") {
			}
			if r.is("}") {
				t := r.Next()
				d.EndPos = at(t, t).EndPos
				return d, nil
			}
			if r.Peek().Type != tokIdent {
				return nil, r.unexpected("`argument: column` or `where: condition`")
			}
			item, err := r.dataItem(false)
			if err != nil {
				return nil, err
			}
			d.Group = append(d.Group, item)
		}
	case r.is("["):
		r.Next()
		d.List = true
		for {
			c, err := r.column()
			if err != nil {
				return nil, err
			}
			d.Columns = append(d.Columns, *c)
			if !r.take(",") {
				break
			}
		}
		end, err := r.expect("]")
		if err != nil {
			return nil, err
		}
		d.EndPos = at(end, end).EndPos
	default:
		c, err := r.column()
		if err != nil {
			return nil, err
		}
		d.Columns, d.EndPos = []Column{*c}, c.EndPos
	}
	return d, nil
}

// column reads `height_cm [cm]` or `"Height (cm)" [cm]`.
func (r *reader) column() (*Column, error) {
	t := r.Peek()
	c := &Column{At: at(t, t)}
	switch {
	case t.Type == tokIdent && !t.EOF():
		n, err := r.name()
		if err != nil {
			return nil, err
		}
		c.At, c.Name = n.At, primed(n)
	case t.Type == tokString:
		x, err := r.primary()
		if err != nil {
			return nil, err
		}
		c.Name = x.(*StringLit).Value
	default:
		return nil, r.unexpected("a column's name")
	}
	if r.take("[") {
		u, err := r.unit()
		if err != nil {
			return nil, err
		}
		end, err := r.expect("]")
		if err != nil {
			return nil, err
		}
		c.Unit, c.EndPos = u, at(end, end).EndPos
	}
	return c, nil
}

// Parse reads an initial value: `0.3`, or `θ' = 0`.
func (s *StateInit) Parse(lex *lexer.PeekingLexer) error {
	r := &reader{PeekingLexer: lex}
	from := r.Peek()
	if from.Type == tokIdent {
		cp := r.MakeCheckpoint()
		n, err := r.name()
		if err == nil && n.Primes > 0 && r.is("=") {
			s.Primes = n.Primes
			r.Next()
		} else {
			r.LoadCheckpoint(cp)
		}
	}
	x, err := r.expr(0)
	if err != nil {
		return err
	}
	s.Value = x
	s.At = At{Pos: from.Pos, EndPos: nodeAt(x).EndPos}
	return nil
}

// Parse reads `x” = …`, `p[0]' = …` or `left.θ' = …`.
func (e *EquationDecl) Parse(lex *lexer.PeekingLexer) error {
	r := &reader{PeekingLexer: lex}
	n, err := r.name()
	if err != nil {
		return err
	}
	e.Target = n
	if r.is("[") {
		r.Next()
		if e.Index, err = r.ranges(); err != nil {
			return err
		}
		if _, err := r.expect("]"); err != nil {
			return err
		}
		if p := r.Peek(); p.Type == tokPrime && n.Primes == 0 {
			r.Next()
			n.Primes, n.EndPos = len(p.Value), at(p, p).EndPos
		}
	}
	if _, err := r.expect("="); err != nil {
		return err
	}
	if e.Value, err = r.expr(0); err != nil {
		return err
	}
	e.At = join(n, e.Value)
	return nil
}

// Parse reads a trigger.
func (tr *Trigger) Parse(lex *lexer.PeekingLexer) (err error) {
	r := &reader{PeekingLexer: lex}
	t := r.Peek()
	tr.At = at(t, t)
	expr := func(to *Expr) {
		if err == nil {
			if *to, err = r.expr(0); err == nil {
				tr.EndPos = nodeAt(*to).EndPos
			}
		}
	}
	switch {
	case r.take("when"):
		tr.Kind = TriggerWhen
		expr(&tr.Expr)
	case r.take("at"):
		tr.Kind = TriggerAt
		if r.Peek().Type != tokIdent {
			return r.unexpected("the time, as in `at t = 3`")
		}
		r.Next()
		if _, err := r.expect("="); err != nil {
			return err
		}
		expr(&tr.Expr)
	case r.take("every"):
		tr.Kind = TriggerEvery
		expr(&tr.Expr)
		if err == nil && r.take("from") {
			expr(&tr.From)
		}
		if err == nil && r.take("until") {
			expr(&tr.Until)
		}
	case r.take("on"):
		w := r.Peek()
		switch {
		case r.take("data"):
			tr.Kind = TriggerOnData
		case r.take("observation"):
			tr.Kind = TriggerOnObservation
			if r.take("of") {
				if tr.Of, err = r.name(); err != nil {
					return err
				}
				w = nil
				tr.EndPos = tr.Of.EndPos
			}
		default:
			return r.unexpected("`data` or `observation`")
		}
		if w != nil {
			tr.EndPos = at(w, w).EndPos
		}
	case r.take("with"):
		tr.Kind = TriggerRate
		if _, err := r.expect("rate"); err != nil {
			return err
		}
		expr(&tr.Expr)
	default:
		return r.unexpected("a trigger: `when`, `at`, `every`, `on` or `with rate`")
	}
	return err
}
