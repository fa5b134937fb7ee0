package dsl

import (
	"reflect"
	"strings"

	"github.com/alecthomas/participle/v2/lexer"

	"github.com/pinode/pinode/dsl/diag"
)

var (
	atType       = reflect.TypeFor[At]()
	spanType     = reflect.TypeFor[diag.Span]()
	positionType = reflect.TypeFor[lexer.Position]()
)

// finish sets the places of everything in a declaration that was parsed, and
// its documentation.
func (p *parser) finish(d Decl) {
	v := reflect.ValueOf(d).Elem()
	p.place(v)
	if doc := v.FieldByName("Doc"); doc.IsValid() {
		doc.SetString(p.docs[d.Span().Start])
	}
}

// place sets the spans in the tree below v. What already has one, as the
// declarations in a block, is left alone.
func (p *parser) place(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			p.place(v.Elem())
		}
	case reflect.Slice:
		for i := range v.Len() {
			p.place(v.Index(i))
		}
	case reflect.Struct:
		if !p.placeNode(v) {
			return
		}
		for i := range v.NumField() {
			f := v.Field(i)
			switch f.Kind() {
			case reflect.Pointer, reflect.Interface, reflect.Slice, reflect.Struct:
				if t := f.Type(); t != spanType && t != positionType && t != atType {
					p.place(f)
				}
			}
		}
	}
}

// placeNode sets the span of the node itself and reports whether its parts
// still need theirs.
func (p *parser) placeNode(v reflect.Value) bool {
	switch n := v.Addr().Interface().(type) {
	case interface{ place() *At }:
		a := n.place()
		if !a.Sp.IsZero() {
			return false
		}
		if a.EndPos.Offset > 0 {
			a.Sp = diag.Span{Src: p.src, Start: a.Pos.Offset, End: max(a.Pos.Offset, p.endBefore(a.EndPos.Offset))}
		}
		if b, ok := v.Addr().Interface().(*Binary); ok {
			b.OpSp.Src = p.src
		}
	}
	return true
}

// place returns the node's own place, so that it can be set.
func (a *At) place() *At { return a }

// docs returns the documentation of a file by the offset of what it documents:
// the ## comments on the lines right above the first thing in a line.
func docs(l *lexed) map[int]string {
	docs := map[int]string{}
	for i := 0; i < len(l.comments); {
		c := l.comments[i]
		i++
		if !c.Doc || !l.startsLine(c.Span.Start) {
			continue
		}
		lines := []string{docText(c.Text)}
		at := l.nextLine(c.Span.End)
		for i < len(l.comments) && l.comments[i].Doc && l.comments[i].Span.Start == at {
			lines = append(lines, docText(l.comments[i].Text))
			at = l.nextLine(l.comments[i].Span.End)
			i++
		}
		if at >= 0 {
			docs[at] = strings.Join(lines, "\n")
		}
	}
	return docs
}

func docText(comment string) string {
	return strings.TrimPrefix(strings.TrimPrefix(comment, "##"), " ")
}

// startsLine reports whether nothing but blanks and semicolons stands before the
// offset in its line.
func (l *lexed) startsLine(off int) bool {
	before := l.src.Text[:off]
	line := strings.TrimPrefix(before[strings.LastIndexByte(before, '\n')+1:], byteOrderMark)
	return strings.TrimLeft(line, " \t\r;") == ""
}

// nextLine returns the offset of the first thing in the line after the
// comment that ends at off, or -1.
func (l *lexed) nextLine(off int) int {
	text := l.src.Text
	if off >= len(text) {
		return -1
	}
	rest := strings.TrimLeft(text[off+1:], " \t\r;")
	return len(text) - len(rest)
}
