package dsl

import (
	"strings"

	"github.com/alecthomas/participle/v2"
	"github.com/alecthomas/participle/v2/lexer"
)

// Parse reads an option of a block.
func (o *Option) Parse(lex *lexer.PeekingLexer) error {
	r := &reader{PeekingLexer: lex}
	if t := r.Peek(); t.EOF() || r.is("}") {
		return participle.NextMatch
	}
	x, err := r.option()
	if err == nil {
		*o = *x
	}
	return err
}

func (r *reader) option() (*Option, error) {
	first, before := r.Peek(), r.MakeCheckpoint()
	n, err := r.name(tokNumber)
	if first.Type != tokIdent && (err != nil || !r.is(":")) { // no layer of a network either
		r.LoadCheckpoint(before)
		return nil, r.unexpected("an option, like `name: value`")
	}
	if err != nil {
		return nil, err
	}
	if n.Primes == 0 && r.is("[") {
		before, plain := r.MakeCheckpoint(), *n
		if r.element(n) != nil || !r.is(":") {
			r.LoadCheckpoint(before)
			*n = plain
		}
	}
	if _, err := r.expect(":"); err != nil {
		return nil, err
	}
	v, err := r.value()
	if err != nil {
		return nil, err
	}
	if err := r.separated(); err != nil {
		return nil, err
	}
	return &Option{At: join(n, v), Name: Ident{At: n.At, Name: primed(n)}, Value: v}, nil
}

// isCount reports whether a token is the number of a layer or of an element.
func isCount(t *lexer.Token) bool {
	return t.Type == tokNumber && strings.Trim(t.Value, "0123456789") == ""
}

// element reads the index of an element, `w[0]` or `A[0, 1]`, into its name.
func (r *reader) element(n *Name) error {
	n.Name += r.Next().Value
	for {
		if !isCount(r.Peek()) {
			return r.unexpected("an index, like `w[0]`")
		}
		n.Name += r.Next().Value
		if r.take(",") {
			n.Name += ","
			continue
		}
		end, err := r.expect("]")
		if err != nil {
			return err
		}
		n.Name, n.EndPos = n.Name+"]", at(end, end).EndPos
		return nil
	}
}

// separated reports an item of a block that runs into the next one.
func (r *reader) separated() error {
	if r.Peek().EOF() || r.is(";", ",", "}") {
		return nil
	}
	return r.unexpected("`,` or the end of the line")
}

func primed(n *Name) string { return n.Name + strings.Repeat("'", n.Primes) }

// value reads the value of an option.
func (r *reader) value() (*Value, error) {
	if err := r.enter(); err != nil {
		return nil, err
	}
	defer r.leave()
	from := r.Peek()
	v := &Value{At: at(from, from)}
	var err error
	if !r.is("{") {
		if v.Expr, err = r.expr(0); err != nil {
			return nil, err
		}
		v.EndPos = placeOf(v.Expr).EndPos
		r.counted(v)
		for r.Peek().Type == tokIdent && !r.is("then") {
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

// counted reads the word behind a number alone, `256 cells`.
func (r *reader) counted(v *Value) {
	w := r.Peek()
	if _, ok := v.Expr.(*NumberLit); !ok || w.Type != tokIdent || r.is("then") {
		return
	}
	before := r.MakeCheckpoint()
	r.Next()
	if !r.Peek().EOF() && !r.is(",", ";", "}") {
		r.LoadCheckpoint(before)
		return
	}
	v.Suffix, v.EndPos = w.Value, at(w, w).EndPos
}

// clause reads `over 100 epochs`.
func (r *reader) clause() (*Clause, error) {
	t := r.Next()
	if r.is(":") {
		return nil, errAt(t, "found `%s:`, expected `,` or the end of the line", t.Value).
			withHelp("options are separated by commas or lines")
	}
	c := &Clause{At: at(t, t), Word: t.Value}
	x, err := r.expr(0)
	if err != nil {
		return nil, err
	}
	c.Expr, c.EndPos = x, placeOf(x).EndPos
	// A word that no expression follows is the clause's own: `epochs`.
	if w := r.Peek(); w.Type == tokIdent && !r.is("then") {
		before := r.MakeCheckpoint()
		r.Next()
		if r.startsExpr() || r.is(":") {
			r.LoadCheckpoint(before)
		} else {
			c.Suffix, c.EndPos = w.Value, at(w, w).EndPos
		}
	}
	return c, nil
}

// startsExpr reports whether the next token can start an expression.
func (r *reader) startsExpr() bool {
	t := r.Peek()
	switch {
	case t.EOF(), r.is("then"):
		return false
	case t.Type == tokOp:
		return r.is("(", "[", "-", "+")
	}
	return true
}

// options reads a block of options.
func (r *reader) options() (list []*Option, end lexer.Position, err error) {
	list = []*Option{}
	r.Next()
	for {
		for r.take(";") || r.take(",") {
		}
		if r.is("}") {
			t := r.Next()
			return list, at(t, t).EndPos, nil
		}
		o, err := r.option()
		if err != nil {
			return nil, end, err
		}
		list = append(list, o)
	}
}

// Parse reads a line of a data block.
func (d *DataItem) Parse(lex *lexer.PeekingLexer) error {
	r := &reader{PeekingLexer: lex}
	if t := r.Peek(); t.EOF() || r.is("}") {
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
var rowConditions = map[string]bool{"train": true, "validate": true, "where": true, "given": true}

// dataItem reads `key: source`, where a group may stand only at the outside.
func (r *reader) dataItem(outer bool) (*DataItem, error) {
	if r.Peek().Type != tokIdent {
		return nil, r.unexpected("an item, like `key: column`")
	}
	n, err := r.name()
	if err != nil {
		return nil, err
	}
	if _, err := r.expect(":"); err != nil {
		return nil, err
	}
	d := &DataItem{Key: Ident{At: n.At, Name: primed(n)}}
	var end lexer.Position
	switch {
	case rowConditions[d.Key.Name]:
		if d.Expr, err = r.expr(0); err == nil {
			end = placeOf(d.Expr).EndPos
		}
	case outer && d.Key.Name == "join" && r.Peek().Type == tokString:
		end, err = r.join(d)
	case outer && d.Key.Name == "from":
		end, err = r.start(d)
	case outer && r.is("{"):
		d.Group, end, err = r.group()
	case r.is("["):
		d.List = true
		d.Columns, end, err = r.columns()
	default:
		var c *Column
		if c, err = r.column(); err == nil {
			d.Columns, end = []Column{*c}, c.EndPos
		}
	}
	if err != nil {
		return nil, err
	}
	d.At = At{Pos: n.Pos, EndPos: end}
	return d, r.separated()
}

// join reads a table and the columns that rows have in common with it, `"sites.csv" by
// site` or `"sites.csv" by [site, year]`.
func (r *reader) join(d *DataItem) (end lexer.Position, err error) {
	if d.File, err = r.text(); err != nil {
		return end, err
	}
	if _, err = r.expect("by"); err != nil {
		return end, err
	}
	if r.is("[") {
		d.List = true
		d.Columns, end, err = r.columns()
		return end, err
	}
	c, err := r.column()
	if err != nil {
		return end, err
	}
	d.Columns = []Column{*c}
	return c.EndPos, nil
}

// start reads where trajectories start: `first row`, a number or a column.
func (r *reader) start(d *DataItem) (end lexer.Position, err error) {
	if t := r.Peek(); r.is("first") {
		before := r.MakeCheckpoint()
		r.Next()
		if w := r.Peek(); r.take("row") {
			d.FirstRow = true
			return at(t, w).EndPos, nil
		}
		r.LoadCheckpoint(before)
	}
	if t := r.Peek().Type; t != tokIdent && t != tokString {
		if d.Expr, err = r.expr(0); err != nil {
			return end, err
		}
		return placeOf(d.Expr).EndPos, nil
	}
	c, err := r.column()
	if err != nil {
		return end, err
	}
	d.Columns = []Column{*c}
	return c.EndPos, nil
}

// group reads `{ amount: AMT [mg], where: EVID == 1 }`.
func (r *reader) group() (items []*DataItem, end lexer.Position, err error) {
	items = []*DataItem{}
	r.Next()
	for {
		for r.take(";") || r.take(",") {
		}
		if r.is("}") {
			t := r.Next()
			return items, at(t, t).EndPos, nil
		}
		item, err := r.dataItem(false)
		if err != nil {
			return nil, end, err
		}
		items = append(items, item)
	}
}

// columns reads `[ball, drop]`.
func (r *reader) columns() (list []Column, end lexer.Position, err error) {
	r.Next()
	for {
		c, err := r.column()
		if err != nil {
			return nil, end, err
		}
		list = append(list, *c)
		if !r.take(",") {
			break
		}
	}
	if !r.is("]") {
		return nil, end, r.unexpected("`,` or `]`")
	}
	t := r.Next()
	return list, at(t, t).EndPos, nil
}

// column reads `height_cm [cm]` or `"Height (cm)" [cm]`.
func (r *reader) column() (*Column, error) {
	t := r.Peek()
	c := &Column{At: at(t, t)}
	switch t.Type {
	case tokIdent:
		n, err := r.name()
		if err != nil {
			return nil, err
		}
		c.At, c.Name = n.At, primed(n)
	case tokString:
		s, err := r.text()
		if err != nil {
			return nil, err
		}
		c.Name = s.Value
	default:
		return nil, r.unexpected("a column's name")
	}
	if r.is("[") {
		u, end, err := r.bracketedUnit()
		if err != nil {
			return nil, err
		}
		c.Unit, c.EndPos = u, at(end, end).EndPos
	}
	return c, nil
}
