package diag

import (
	"strings"
	"unicode"

	"golang.org/x/text/width"
)

const (
	tabWidth  = 4
	lineWidth = 160 // characters of a source line that are shown
	lineLead  = 60  // of these before the first mark
)

// window cuts a very long line down to the part around its first mark, and
// moves the marks with it.
func window(line string, marks []mark) (string, []mark) {
	if len(line) <= lineWidth {
		return line, marks
	}
	runes := []rune(line)
	if len(runes) <= lineWidth {
		return line, marks
	}
	first := marks[0].from
	for _, m := range marks {
		first = min(first, m.from)
	}
	lo := min(max(0, first-lineLead), len(runes)-lineWidth)
	hi := lo + lineWidth
	text, shift := string(runes[lo:hi]), -lo
	if lo > 0 {
		text, shift = "…"+text, 1-lo
	}
	if hi < len(runes) {
		text += "…"
	}
	moved := make([]mark, len(marks))
	for i, m := range marks {
		m.from = min(m.from, hi) + shift
		m.to = max(min(m.to, hi)+shift, m.from+1)
		moved[i] = m
	}
	return text, moved
}

// cells replaces tabs and characters that do not print, and returns the cell
// in which each character of the line starts, and the one past the last.
func cells(line string) (text string, columns []int) {
	var b strings.Builder
	cell := 0
	for _, r := range line {
		columns = append(columns, cell)
		switch {
		case r == '\t':
			n := tabWidth - cell%tabWidth
			b.WriteString(strings.Repeat(" ", n))
			cell += n
		case hidden(r):
			b.WriteRune(unicode.ReplacementChar)
			cell++
		default:
			b.WriteRune(r)
			cell += cellWidth(r)
		}
	}
	return b.String(), append(columns, cell)
}

// Visible is a text of lines with what would act on a terminal, instead of being
// printed, replaced.
func Visible(s string) string {
	return strings.ToValidUTF8(strings.Map(func(r rune) rune {
		if hidden(r) && r != '\n' && r != '\t' {
			return unicode.ReplacementChar
		}
		return r
	}, s), string(unicode.ReplacementChar))
}

// visible is Visible for a part of one line.
func visible(s string) string {
	return strings.Map(func(r rune) rune {
		if hidden(r) {
			return unicode.ReplacementChar
		}
		return r
	}, s)
}

// hidden reports whether a character acts on a terminal, or turns the
// direction of the text, instead of being printed.
func hidden(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) }

// cellWidth is 0 for combining marks and joiners, 2 for the wide characters of
// East Asian scripts and emoji, else 1.
func cellWidth(r rune) int {
	if unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf) {
		return 0
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}
