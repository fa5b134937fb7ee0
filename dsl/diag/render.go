package diag

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// Options say how diagnostics are printed. The zero value prints plain text.
type Options struct {
	Color bool // with ANSI colours
}

// style paints with ANSI colours, or not at all.
type style struct{ on bool }

func (s style) paint(code, text string) string {
	if !s.on || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

const (
	bold   = "1"
	red    = "1;31"
	yellow = "1;33"
	blue   = "1;34"
)

func severityColor(s Severity) string {
	switch s {
	case Error:
		return red
	case Warning:
		return yellow
	}
	return blue
}

// mostShown is how many diagnostics are printed for people.
const mostShown = 100

// Render prints the diagnostics for people: the message, the lines of the
// source that it speaks of with their parts underlined, and what to do; at the
// end how many there were.
func Render(w io.Writer, l *List, opt Options) {
	st := style{opt.Color}
	for _, d := range l.All[:min(len(l.All), mostShown)] {
		render(w, d, st)
		fmt.Fprintln(w)
	}
	if more := len(l.All) - mostShown; more > 0 {
		fmt.Fprintf(w, "and %d more\n\n", more)
	}
	if s := l.Summary(); s != "" {
		fmt.Fprintln(w, st.paint(bold, visible(s)))
	}
}

// Summary counts the errors and warnings, "2 errors in ball.node". It is
// empty when there are none.
func (l *List) Summary() string {
	var parts []string
	for _, s := range []Severity{Error, Warning} {
		switch n := l.Count(s); {
		case n == 1:
			parts = append(parts, "1 "+s.String())
		case n > 1:
			parts = append(parts, fmt.Sprintf("%d %ss", n, s))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	var files []string
	for _, d := range l.All {
		if d.Span.Src != nil && d.Span.Src.Name != "" && !slices.Contains(files, d.Span.Src.Name) {
			files = append(files, d.Span.Src.Name)
		}
	}
	out := strings.Join(parts, " and ")
	switch len(files) {
	case 0:
		return out
	case 1:
		return out + " in " + files[0]
	}
	return fmt.Sprintf("%s in %d files", out, len(files))
}

func render(w io.Writer, d *Diagnostic, st style) {
	fmt.Fprintf(w, "%s%s\n", st.paint(severityColor(d.Severity), fmt.Sprintf("%s[%s]", d.Severity, d.Code)), st.paint(bold, ": "+visible(d.Message)))
	pad := snippets(w, d, st)
	if d.Help == "" {
		return
	}
	for i, line := range strings.Split(d.Help, "\n") {
		lead := "        " // below the text of the first line
		if i == 0 {
			lead = st.paint(blue, "=") + " help: "
		}
		fmt.Fprintf(w, "%s %s%s\n", pad, lead, visible(line))
	}
}

// mark is an underlined part of a line.
type mark struct {
	from, to int // columns from 0, at least one wide
	text     string
	main     bool
}

// excerpt is what is shown of one source: its lines with marks.
type excerpt struct {
	src   *Source
	place Pos // of the first label
	marks map[int][]mark
}

// snippets prints the lines of the sources with their marks, the diagnostic's
// own source first, and returns the blanks that stand for a line number.
func snippets(w io.Writer, d *Diagnostic, st style) (pad string) {
	var all []*excerpt
	add := func(l Label, main bool) {
		if l.Span.Src == nil {
			return
		}
		i := slices.IndexFunc(all, func(e *excerpt) bool { return e.src == l.Span.Src })
		if i < 0 {
			i = len(all)
			all = append(all, &excerpt{l.Span.Src, l.Span.Pos(), map[int][]mark{}})
		}
		all[i].add(l, main)
	}
	own := slices.IndexFunc(d.Labels, func(l Label) bool { return l.Span == d.Span })
	if own >= 0 {
		add(d.Labels[own], true)
	} else {
		add(Label{Span: d.Span}, true)
	}
	for i, l := range d.Labels {
		if i != own {
			add(l, false)
		}
	}
	width := 1
	for _, e := range all {
		for n := range e.marks {
			width = max(width, len(strconv.Itoa(n)))
		}
	}
	for i, e := range all {
		e.print(w, st, d.Severity, width, i == 0)
	}
	return strings.Repeat(" ", width)
}

func (e *excerpt) add(l Label, main bool) {
	line, col := e.src.position(l.Span.Start)
	endLine, endCol := e.src.position(l.Span.End)
	if endLine != line { // of a range over several lines the first is marked
		endCol = len([]rune(e.src.line(line))) + 1
	}
	e.marks[line] = append(e.marks[line], mark{col - 1, max(endCol-1, col), l.Text, main})
}

func (e *excerpt) print(w io.Writer, st style, sev Severity, width int, first bool) {
	pad, bar := strings.Repeat(" ", width), st.paint(blue, "│")
	corner := "├─"
	if first {
		corner = "┌─"
	}
	fmt.Fprintf(w, "%s %s %s\n", pad, st.paint(blue, corner), visible(e.place.String()))
	fmt.Fprintf(w, "%s %s\n", pad, bar)
	last := 0
	for _, n := range sortedKeys(e.marks) {
		if last > 0 && n > last+1 {
			fmt.Fprintf(w, "%s %s\n", pad, st.paint(blue, "·"))
		}
		last = n
		text, marks := window(e.src.line(n), e.marks[n])
		text, columns := cells(text)
		fmt.Fprintf(w, "%s %s\n", st.paint(blue, fmt.Sprintf("%*d", width, n)), strings.TrimRight(bar+" "+text, " "))
		for _, row := range underline(marks, columns) {
			fmt.Fprintf(w, "%s %s %s\n", pad, bar, st.paint(severityColor(sev), row))
		}
	}
}

func sortedKeys(m map[int][]mark) []int {
	keys := make([]int, 0, len(m))
	for n := range m {
		keys = append(keys, n)
	}
	slices.Sort(keys)
	return keys
}

// underline draws the rows below a line: one with all the marks and the text
// of the last, then, from right to left, the text of each other below its own.
// columns are the cells in which the characters of the line start.
func underline(marks []mark, columns []int) []string {
	at := func(col int) int {
		if col < len(columns) {
			return columns[col]
		}
		return columns[len(columns)-1] + col - len(columns) + 1
	}
	slices.SortStableFunc(marks, func(a, b mark) int { return a.from - b.from })
	var first canvas
	for _, main := range []bool{false, true} { // the main mark on top
		for _, m := range marks {
			if m.main != main {
				continue
			}
			sign := "-"
			if m.main {
				sign = "^"
			}
			first.put(at(m.from), strings.Repeat(sign, max(1, at(m.to)-at(m.from))))
		}
	}
	pending := marks
	if last := marks[len(marks)-1]; last.text != "" && len(first) <= at(last.to) {
		first.put(len(first)+1, visible(last.text))
		pending = marks[:len(marks)-1]
	}
	rows := []string{string(first)}
	for i := len(pending) - 1; i >= 0; i-- {
		if pending[i].text == "" {
			continue
		}
		var row canvas
		for _, other := range pending[:i] {
			if other.text != "" {
				row.put(at(other.from), "│")
			}
		}
		row.put(at(pending[i].from), visible(pending[i].text))
		rows = append(rows, string(row))
	}
	return rows
}

// canvas is a row of cells that text is put on.
type canvas []rune

func (c *canvas) put(from int, text string) {
	for len(*c) < from {
		*c = append(*c, ' ')
	}
	*c = append((*c)[:from], append([]rune(text), (*c)[min(len(*c), from+len([]rune(text))):]...)...)
}
