package dsl

import (
	"bytes"
	"strings"
)

// Format prints a file in the one style: two spaces of indentation, one
// declaration a line, blocks as they were written, on one line or on several.
// It keeps every comment and single blank lines.
func Format(f *File) []byte {
	p := &printer{f: f}
	p.decls(f.Decls)
	p.flush(len(f.Source.Text) + 1)
	return p.out.Bytes()
}

// printer writes items in the order of the source and puts the comments
// between them.
type printer struct {
	f      *File
	out    bytes.Buffer
	indent int
	next   int  // first comment that is not printed
	last   int  // offset in the source of the end of what was printed last
	open   bool // nothing was printed since the block opened, or at all
	begun  bool
}

// line starts a line for an item at the offset, keeping one blank line.
func (p *printer) line(start int) {
	if p.begun && !p.open && p.blankBefore(start) {
		p.out.WriteByte('\n')
	}
	p.out.WriteString(strings.Repeat("  ", p.indent))
	p.open, p.begun = false, true
}

// blankBefore reports whether the source has a blank line right before the
// offset, between it and what was printed last.
func (p *printer) blankBefore(start int) bool {
	between := p.f.Source.Text[min(p.last, start):start]
	return strings.Count(strings.ReplaceAll(strings.ReplaceAll(between, "\r", ""), " ", ""), "\n\n") > 0
}

// flush prints the comments before the offset on lines of their own.
func (p *printer) flush(before int) {
	for p.next < len(p.f.Comments) && p.f.Comments[p.next].Span.Start < before {
		c := p.f.Comments[p.next]
		p.line(c.Span.Start)
		p.out.WriteString(c.Text + "\n")
		p.last = c.Span.End
		p.next++
	}
}

// end ends an item that ended at the offset, with the comment behind it.
func (p *printer) end(off int) {
	p.last = off
	if p.next < len(p.f.Comments) {
		c := p.f.Comments[p.next]
		if c.Span.Start >= off && !strings.Contains(p.f.Source.Text[off:c.Span.Start], "\n") && p.alone(off, c.Span.Start) {
			p.out.WriteString("  " + c.Text)
			p.last = c.Span.End
			p.next++
		}
	}
	p.out.WriteByte('\n')
}

// alone reports whether only separators stand between an item and the comment
// behind it.
func (p *printer) alone(from, to int) bool {
	return strings.Trim(p.f.Source.Text[from:to], " \t\r;,") == ""
}

func (p *printer) decls(decls []Decl) {
	for _, d := range decls {
		p.decl(d)
	}
}

func (p *printer) decl(d Decl) {
	span := d.Span()
	p.flush(span.Start)
	p.line(span.Start)
	p.out.WriteString(header(d))
	switch d := d.(type) {
	case *ModelDecl:
		p.block(span.End, func() { p.decls(d.Body) })
	case *ForDecl:
		p.block(span.End, func() { p.decls(d.Body) })
	case *DataDecl:
		p.block(span.End, func() {
			for _, it := range d.Items {
				p.item(it.Span().Start, it.Span().End, func() { p.dataItem(it) })
			}
		})
	case *SettingsDecl:
		p.optionBlock(d.Options, span.Start, span.End)
	case *EventDecl:
		p.stmts(d.Body, span.Start, span.End)
	case *NeuralDecl:
		p.optionBlock(d.Options, span.Start, span.End)
	case *ConserveDecl:
		p.optionBlock(d.Options, span.Start, span.End)
	case *RequireDecl:
		p.optionBlock(d.Options, span.Start, span.End)
	case *ObserveDecl:
		p.optionBlock(d.Options, span.Start, span.End)
	case *LossDecl:
		p.optionBlock(d.Options, span.Start, span.End)
	case *UseDecl:
		p.optionBlock(d.Options, span.Start, span.End)
	}
	p.end(span.End)
}

// block prints a block over several lines, which ends at the offset.
func (p *printer) block(end int, body func()) {
	p.out.WriteString(" {")
	mark := p.out.Len()
	p.out.WriteByte('\n')
	p.indent++
	p.open = true
	p.last = 0
	body()
	p.flush(end)
	p.indent--
	if p.open && p.out.Len() == mark+1 { // empty
		p.out.Truncate(mark)
		p.out.WriteString(" }")
		p.open = false
		return
	}
	p.open = false
	p.out.WriteString(strings.Repeat("  ", p.indent) + "}")
}

// item prints one line of a block.
func (p *printer) item(start, end int, body func()) {
	p.flush(start)
	p.line(start)
	body()
	p.end(end)
}

func (p *printer) options(opts []*Option) {
	for _, o := range opts {
		span := o.Span()
		p.item(span.Start, span.End, func() { p.option(o) })
	}
}

func (p *printer) option(o *Option) {
	p.out.WriteString(o.Name.Name + ": ")
	p.value(o.Value)
}

func (p *printer) value(v *Value) {
	span := v.Span()
	if !p.broken(span.Start, span.End) {
		p.out.WriteString(formatValue(v, inlineOptions))
		return
	}
	head := *v
	head.Block, head.Then = nil, nil
	text := formatValue(&head, inlineOptions)
	p.out.WriteString(text)
	if v.Block != nil {
		end := span.End
		if v.Then != nil {
			end = v.Then.Span().Start
		}
		if text != "" {
			p.optionBlock(v.Block, v.Expr.Span().End, end)
		} else {
			p.trimSpace()
			p.optionBlock(v.Block, span.Start, end)
		}
	}
	if v.Then != nil {
		p.out.WriteString(" then ")
		p.value(v.Then)
	}
}

// trimSpace takes back the space behind a colon, which a block writes itself.
func (p *printer) trimSpace() {
	if b := p.out.Bytes(); len(b) > 0 && b[len(b)-1] == ' ' {
		p.out.Truncate(len(b) - 1)
	}
}

// broken reports whether what stands between the offsets takes several lines:
// because it does in the source, or because a comment stands in it.
func (p *printer) broken(start, end int) bool {
	return strings.Contains(p.f.Source.Text[start:end], "\n")
}

func inlineOptions(opts []*Option) string {
	if len(opts) == 0 {
		return "{ }"
	}
	parts := make([]string, len(opts))
	for i, o := range opts {
		parts[i] = o.Name.Name + ": " + formatValue(o.Value, inlineOptions)
	}
	return "{ " + strings.Join(parts, ", ") + " }"
}

// optionBlock prints the options of a declaration, on one line if they were.
func (p *printer) optionBlock(opts []*Option, start, end int) {
	if opts == nil {
		return
	}
	if len(opts) == 0 || !p.broken(start, end) {
		p.out.WriteString(" " + inlineOptions(opts))
		return
	}
	p.block(end, func() { p.options(opts) })
}

func (p *printer) dataItem(d *DataItem) {
	p.out.WriteString(d.Key.Name + ":")
	switch {
	case d.Group != nil && p.broken(d.Span().Start, d.Span().End):
		p.block(d.Span().End, func() {
			for _, it := range d.Group {
				p.item(it.Span().Start, it.Span().End, func() { p.dataItem(it) })
			}
		})
	default:
		p.out.WriteString(" " + formatDataItem(d))
	}
}

func formatDataItem(d *DataItem) string {
	switch {
	case d.Expr != nil:
		return FormatExpr(d.Expr)
	case d.Group != nil:
		parts := make([]string, len(d.Group))
		for i, it := range d.Group {
			parts[i] = it.Key.Name + ": " + formatDataItem(it)
		}
		if len(parts) == 0 {
			return "{ }"
		}
		return "{ " + strings.Join(parts, ", ") + " }"
	}
	parts := make([]string, len(d.Columns))
	for i, c := range d.Columns {
		parts[i] = formatColumn(c)
	}
	if d.List {
		return "[" + strings.Join(parts, ", ") + "]"
	}
	return strings.Join(parts, ", ")
}

// stmts prints the body of an event, on one line if it was.
func (p *printer) stmts(body []Stmt, start, end int) {
	if p.broken(start, end) && len(body) > 0 {
		p.block(end, func() {
			for _, s := range body {
				span := s.Span()
				p.item(span.Start, span.End, func() { p.out.WriteString(formatStmt(s)) })
			}
		})
		return
	}
	parts := make([]string, len(body))
	for i, s := range body {
		parts[i] = formatStmt(s)
	}
	if len(parts) == 0 {
		p.out.WriteString(" { }")
		return
	}
	p.out.WriteString(" { " + strings.Join(parts, "; ") + " }")
}

func formatStmt(s Stmt) string {
	switch s := s.(type) {
	case *Assign:
		return FormatExpr(s.Target) + formatIndex(s.Index) + " := " + FormatExpr(s.Value)
	case *Zeno:
		text := "zeno " + s.Mode.Name
		if len(s.Rest) > 0 {
			parts := make([]string, len(s.Rest))
			for i, a := range s.Rest {
				parts[i] = formatStmt(a)
			}
			text += " { " + strings.Join(parts, "; ") + " }"
		}
		return text
	}
	return "terminate"
}
