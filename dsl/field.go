package dsl

import "github.com/alecthomas/participle/v2/lexer"

// CoordinateDecl is `coordinate x: m in [0, 1]`, an axis of space.
type CoordinateDecl struct {
	At
	Documented
	Name     Ident     `parser:"'coordinate' @@"`
	Unit     *UnitExpr `parser:"( ':' @@ )?"`
	Interval *Interval `parser:"'in' @@"`
}

// BoundaryDecl is `boundary u = 0 at x = -1, x = 1`, or `boundary periodic x`, which has
// Periodic alone.
type BoundaryDecl struct {
	At
	Left, Right Expr
	Sides       []BoundarySide
	Periodic    []Ident
}

// BoundarySide is where an equation holds: `x = 0`, or a part of that side, `x = 0 and y >
// 0.5`.
type BoundarySide struct {
	At
	Axis  Ident
	End   Expr
	Where Expr // nil: the whole side
}

func (*CoordinateDecl) decl() {}
func (*BoundaryDecl) decl()   {}

// Parse reads a boundary.
func (d *BoundaryDecl) Parse(lex *lexer.PeekingLexer) error {
	r := &reader{PeekingLexer: lex}
	from, err := r.expect("boundary")
	if err != nil {
		return err
	}
	if before := r.MakeCheckpoint(); r.take("periodic") {
		if r.Peek().Type == tokIdent {
			d.Periodic, err = r.idents()
			d.At = At{Pos: from.Pos, EndPos: r.Peek().Pos}
			return err
		}
		r.LoadCheckpoint(before) // a field of that name
	}
	if d.Left, err = r.expr(0); err != nil {
		return err
	}
	if _, err = r.expect("="); err != nil {
		return err
	}
	if d.Right, err = r.expr(0); err != nil {
		return err
	}
	if _, err = r.expect("at"); err != nil {
		return err
	}
	for {
		side, err := r.side()
		if err != nil {
			return err
		}
		d.Sides = append(d.Sides, side)
		if !r.take(",") {
			break
		}
	}
	d.At = At{Pos: from.Pos, EndPos: r.Peek().Pos}
	return nil
}

// side reads `x = 0 and y > 0.5`.
func (r *reader) side() (s BoundarySide, err error) {
	if s.Axis, err = r.ident(); err != nil {
		return s, err
	}
	if _, err = r.expect("="); err != nil {
		return s, err
	}
	if s.End, err = r.expr(binding["and"]); err != nil {
		return s, err
	}
	s.At = join(&s.Axis, s.End)
	if r.take("and") {
		if s.Where, err = r.expr(0); err != nil {
			return s, err
		}
		s.EndPos = placeOf(s.Where).EndPos
	}
	return s, nil
}

// Parse reads a state.
func (d *StateDecl) Parse(lex *lexer.PeekingLexer) error {
	r := &reader{PeekingLexer: lex}
	from, err := r.expect("state")
	if err != nil {
		return err
	}
	if d.Name, d.Over, d.Type, err = r.unknown(); err != nil {
		return err
	}
	if r.take(">=") {
		if d.Least, err = r.expr(0); err != nil {
			return err
		}
	}
	if r.take("=") {
		for {
			in, err := r.stateInit()
			if err != nil {
				return err
			}
			d.Inits = append(d.Inits, in)
			if !r.take(",") {
				break
			}
		}
	}
	d.At = At{Pos: from.Pos, EndPos: r.Peek().Pos}
	return nil
}

// Parse reads an algebraic unknown.
func (d *AlgebraicDecl) Parse(lex *lexer.PeekingLexer) error {
	r := &reader{PeekingLexer: lex}
	from, err := r.expect("algebraic")
	if err != nil {
		return err
	}
	if d.Name, d.Over, d.Type, err = r.unknown(); err != nil {
		return err
	}
	if r.take("=") {
		if d.Init, err = r.expr(0); err != nil {
			return err
		}
	}
	d.At = At{Pos: from.Pos, EndPos: r.Peek().Pos}
	return nil
}

// unknown reads `u[2](x, y): m`: a name, a shape, the coordinates of a field, a unit.
func (r *reader) unknown() (name Ident, over []Ident, ty Type, err error) {
	if name, err = r.ident(); err != nil {
		return name, nil, ty, err
	}
	if r.is("[") {
		if ty.Dims, err = r.dims(); err != nil {
			return name, nil, ty, err
		}
	}
	if r.take("(") {
		if over, err = r.idents(); err != nil {
			return name, nil, ty, err
		}
		if _, err = r.expect(")"); err != nil {
			return name, nil, ty, err
		}
	}
	if r.take(":") {
		ty.Unit, err = r.unit()
	}
	return name, over, ty, err
}

// unknown writes `state u[2](x, y): m`.
func (p *printer) unknown(word string, n Ident, over []Ident, t Type) {
	p.named(word, n)
	p.dims(t)
	if len(over) > 0 {
		p.list('(', len(over), func(i int) Node { return over[i] }, func(i int) { p.ident(over[i]) }, ')')
	}
	p.typ(Type{Unit: t.Unit})
}

func (p *printer) boundary(d *BoundaryDecl) {
	if len(d.Periodic) > 0 {
		p.write("boundary periodic")
		for i, x := range d.Periodic {
			p.named([2]string{"", ","}[min(i, 1)], x)
		}
		return
	}
	p.write("boundary ")
	p.expr(d.Left, 0)
	p.init(d.Right)
	for i, s := range d.Sides {
		p.named([2]string{" at", ","}[min(i, 1)], s.Axis)
		p.write(" = ")
		p.expr(s.End, binding["and"]+1)
		p.after(" and", s.Where)
		p.reach(s.Span())
	}
}
