package dsl

import (
	"bytes"
	"strings"

	"github.com/pinode/pinode/dsl/diag"
)

// printer writes a syntax tree in the order of the source. What it takes from
// the source itself are the comments, the blank lines, and where blocks and
// long expressions are broken into lines. A tree without a source is printed
// without these.
type printer struct {
	src      *diag.Source
	comments []Comment // not printed yet
	out      bytes.Buffer
	indent   int
	pos      int  // offset behind what was printed last
	compact  int  // > 0 in an index or a shape: sums without blanks
	fresh    bool // at the start of the file or of a block
	loose    bool // a blank line must follow: a comment was moved that would document it
}

const blanks = " \t\r\n"

func newPrinter(f *File) *printer {
	p := &printer{src: f.Source, comments: f.Comments, fresh: true}
	if p.src == nil {
		p.src = &diag.Source{}
	}
	return p
}

func (p *printer) write(texts ...string) {
	for _, s := range texts {
		p.out.WriteString(s)
	}
}

// leaf writes the text of a node.
func (p *printer) leaf(text string, at diag.Span) {
	p.write(text)
	p.reach(at)
}

// reach notes that the source is printed up to the end of the span.
func (p *printer) reach(at diag.Span) {
	if at.Src == p.src {
		p.pos = max(p.pos, at.End)
	}
}

// start notes that the source is printed up to the start of the node.
func (p *printer) start(n Node) { p.pos = max(p.pos, p.startOf(n)) }

// between is the source between what was printed last and an offset.
func (p *printer) between(to int) string {
	if to <= p.pos || to > len(p.src.Text) {
		return ""
	}
	return p.src.Text[p.pos:to]
}

func (p *printer) newline() {
	p.write("\n", strings.Repeat("  ", p.indent))
}

// startOf is the offset of a node in the source that is printed, or -1.
func (p *printer) startOf(n Node) int {
	if at := n.Span(); at.Src == p.src {
		return at.Start
	}
	return -1
}

// brk breaks the line, one level in, if the source has a line break between
// what was printed last and the offset, with the comments that stand there.
func (p *printer) brk(to int) bool { return p.brkAt(to, 1) }

// brkAt is brk, so many levels in.
func (p *printer) brkAt(to, levels int) bool {
	if !strings.Contains(p.between(to), "\n") {
		return false
	}
	p.indent += levels
	p.trailing(to)
	for p.commentBefore(to) {
		p.newline()
		p.comment()
	}
	p.newline()
	p.indent -= levels
	return true
}

func (p *printer) commentBefore(to int) bool {
	return len(p.comments) > 0 && p.comments[0].Span.Start < to
}

// comment writes the next comment. A ## comment that was inside of what is
// already printed must not document what follows.
func (p *printer) comment() {
	c := p.comments[0]
	p.comments = p.comments[1:]
	if c.Span.Start < p.pos && c.Doc {
		p.loose = true
	}
	p.leaf(c.Text, c.Span)
}

// trailing writes the next comment if it stands before the offset, in the line
// of what was printed last. Only signs that belong to what is printed stand
// between, so the offset must not be behind the next item.
func (p *printer) trailing(to int) {
	if p.commentBefore(to) && p.comments[0].Span.Start >= p.pos && !strings.Contains(p.between(p.comments[0].Span.Start), "\n") {
		p.write("  ")
		p.comment()
	}
}

// item writes one item of a block, or of the file, on its own line: the
// comments above it, a blank line if there was one, itself, and the comment
// behind it.
func (p *printer) item(n Node, body func()) {
	p.commentsAbove(p.startOf(n))
	p.lead(p.startOf(n))
	p.start(n)
	body()
	p.loose = false
	p.reach(n.Span())
	p.trailing(p.separators())
	p.leftOver()
	p.write("\n")
}

// separators is the offset of the next thing in the source but separators.
func (p *printer) separators() int {
	rest := p.between(len(p.src.Text))
	return len(p.src.Text) - len(strings.TrimLeft(rest, " \t\r;,")) + 1
}

// commentsAbove writes the comments before the offset on lines of their own.
func (p *printer) commentsAbove(to int) {
	for p.commentBefore(to) {
		p.lead(p.comments[0].Span.Start)
		p.comment()
		p.write("\n")
	}
}

// leftOver writes the comments inside of an item that have no place in its
// printed form, on lines of their own behind it.
func (p *printer) leftOver() {
	for p.commentBefore(p.pos) {
		p.newline()
		p.comment()
	}
}

// lead starts the line of what stands at the offset.
func (p *printer) lead(start int) {
	if p.loose || !p.fresh && blankLine(p.between(start)) {
		p.write("\n")
	}
	p.fresh, p.loose = false, false
	p.write(strings.Repeat("  ", p.indent))
}

// blankLine reports whether the text has a line of nothing but blanks and
// separators.
func blankLine(s string) bool {
	breaks := 0
	for _, r := range s {
		switch r {
		case '\n':
			if breaks++; breaks == 2 {
				return true
			}
		case ' ', '\t', '\r', ';', ',':
		default:
			breaks = 0
		}
	}
	return false
}

// block writes a block over several lines; end is the offset behind its closing
// brace.
func (p *printer) block(end int, empty bool, items func()) {
	defer func() { p.pos = max(p.pos, end) }()
	p.write(" {")
	p.reachOpening()
	if empty && !p.commentBefore(end) {
		p.write(" }")
		return
	}
	p.trailing(p.separators())
	p.write("\n")
	p.indent++
	p.fresh, p.loose = true, false
	items()
	p.commentsAbove(end)
	p.indent--
	p.fresh, p.loose = false, false
	p.write(strings.Repeat("  ", p.indent), "}")
}

// reachOpening moves behind the brace that opens a block.
func (p *printer) reachOpening() {
	if i := p.opening(); i >= 0 {
		p.pos = i + 1
	}
}

// opening is the offset of the brace that is the next thing in the source
// except for comments, or -1.
func (p *printer) opening() int { return p.seek(p.pos, '{', blanks) }

// seek returns the offset of the first sign at or behind an offset, outside of
// comments and with only the given characters on the way ("" for any), or -1.
func (p *printer) seek(from int, sign byte, pass string) int {
	comments := p.comments
	for i := from; i < len(p.src.Text); i++ {
		for len(comments) > 0 && comments[0].Span.End <= i {
			comments = comments[1:]
		}
		switch c := p.src.Text[i]; {
		case len(comments) > 0 && comments[0].Span.Start == i:
			i = comments[0].Span.End - 1
		case c == sign:
			return i
		case pass != "" && strings.IndexByte(pass, c) < 0:
			return -1
		}
	}
	return -1
}

// broken reports whether the block that is the next thing in the source, and
// ends at the offset, stands on several lines, or has to for a comment.
func (p *printer) broken(end int) bool {
	if p.commentBefore(end) {
		return true
	}
	i := p.opening()
	return i >= 0 && i < end && strings.Contains(p.src.Text[i:min(end, len(p.src.Text))], "\n")
}

// list writes what stands between two brackets, separated by commas. A line
// break behind the opening bracket puts the closing one on its own line.
func (p *printer) list(opening byte, n int, at func(int) Node, elem func(int), closing byte) {
	p.out.WriteByte(opening)
	p.pos = max(p.pos, p.seek(p.pos, opening, blanks)+1)
	outer, own := p.indent, false
	for i := range n {
		switch start := p.startOf(at(i)); {
		case i == 0:
			if own = p.brk(start); own {
				p.indent++
			}
		case own:
			p.write(",")
			if !p.brkAt(start, 0) {
				p.write(" ")
			}
		default:
			p.write(",")
			if !p.brk(start) {
				p.write(" ")
			}
		}
		elem(i)
		p.reach(at(i).Span())
	}
	p.indent = outer
	end := p.seek(p.pos, closing, blanks+",")
	if own || p.commentBefore(end) {
		p.trailing(end)
		p.indent++
		for p.commentBefore(end) {
			p.newline()
			p.comment()
		}
		p.indent--
		p.newline()
	}
	p.out.WriteByte(closing)
	p.pos = max(p.pos, end+1)
}
