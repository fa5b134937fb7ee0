package diag

import (
	"encoding/json"
	"fmt"
	"io"
	"sort"
	"strconv"
	"strings"
)

// Options say how diagnostics are printed.
type Options struct {
	Color bool
}

// style are the ANSI colours, or nothing.
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

// Render prints the diagnostics for people: the message, the lines of the
// source that it speaks of with their parts underlined, and what to do.
func Render(w io.Writer, l *List, opt Options) {
	for _, d := range l.All {
		render(w, d, opt)
		fmt.Fprintln(w)
	}
	if s := l.Summary(); s != "" {
		fmt.Fprintln(w, s)
	}
}

// Summary counts the errors and warnings, "2 errors in ball.node".
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
	out := strings.Join(parts, " and ")
	for _, d := range l.All {
		if d.Span.Src != nil && d.Span.Src.Name != "" {
			return out + " in " + d.Span.Src.Name
		}
	}
	return out
}

func render(w io.Writer, d *Diagnostic, opt Options) {
	st := style{opt.Color}
	fmt.Fprintf(w, "%s%s\n", st.paint(severityColor(d.Severity), fmt.Sprintf("%s[%s]", d.Severity, d.Code)), st.paint(bold, ": "+d.Message))
	if d.Span.Src != nil {
		snippet(w, d, st)
	}
	for _, line := range helpLines(d.Help) {
		fmt.Fprintf(w, "  %s\n", line)
	}
}

func helpLines(help string) []string {
	if help == "" {
		return nil
	}
	lines := strings.Split(help, "\n")
	for i := range lines {
		if i == 0 {
			lines[i] = "= help: " + lines[i]
		} else {
			lines[i] = "        " + lines[i]
		}
	}
	return lines
}

// mark is an underlined part of a line.
type mark struct {
	from, to int // columns from 0, at least one wide
	text     string
	main     bool
}

// snippet prints the lines of the source with their marks.
func snippet(w io.Writer, d *Diagnostic, st style) {
	src := d.Span.Src
	marks := map[int][]mark{}
	var elsewhere []Label
	add := func(sp Span, text string, main bool) {
		if sp.Src != src {
			elsewhere = append(elsewhere, Label{sp, text})
			return
		}
		line, col := src.position(sp.Start)
		endLine, endCol := src.position(sp.End)
		if endLine != line {
			endCol = len([]rune(src.line(line))) + 1
		}
		marks[line] = append(marks[line], mark{col - 1, max(endCol-1, col), text, main})
	}
	mainLabelled := false
	for _, l := range d.Labels {
		if l.Span == d.Span {
			add(l.Span, l.Text, true)
			mainLabelled = true
		}
	}
	if !mainLabelled {
		add(d.Span, "", true)
	}
	for _, l := range d.Labels {
		if l.Span != d.Span {
			add(l.Span, l.Text, false)
		}
	}
	lines := make([]int, 0, len(marks))
	for n := range marks {
		lines = append(lines, n)
	}
	sort.Ints(lines)
	gutter := len(strconv.Itoa(lines[len(lines)-1]))
	pad := strings.Repeat(" ", gutter)
	bar := st.paint(blue, "│")
	fmt.Fprintf(w, "%s %s %s\n", pad, st.paint(blue, "┌─"), d.Span.Pos())
	for i, n := range lines {
		if i == 0 {
			fmt.Fprintf(w, "%s %s\n", pad, bar)
		} else if n > lines[i-1]+1 {
			fmt.Fprintf(w, "%s %s\n", pad, st.paint(blue, "·"))
		}
		text, columns := expand(src.line(n))
		fmt.Fprintf(w, "%s %s %s\n", st.paint(blue, fmt.Sprintf("%*d", gutter, n)), bar, text)
		for _, row := range underline(marks[n], columns) {
			fmt.Fprintf(w, "%s %s %s\n", pad, bar, st.paint(severityColor(d.Severity), row))
		}
	}
	for _, l := range elsewhere {
		fmt.Fprintf(w, "%s %s %s: %s\n", pad, st.paint(blue, "="), l.Span.Pos(), l.Text)
	}
}

// expand replaces tabs and returns the cell in which each character starts,
// and the one past the last.
func expand(line string) (text string, columns []int) {
	var b strings.Builder
	cell := 0
	for _, r := range line {
		columns = append(columns, cell)
		if r == '\t' {
			n := 4 - cell%4
			b.WriteString(strings.Repeat(" ", n))
			cell += n
			continue
		}
		b.WriteRune(r)
		cell += cellWidth(r)
	}
	return b.String(), append(columns, cell)
}

// cellWidth is 0 for combining marks, 2 for the wide characters of East Asian
// scripts and emoji, else 1.
func cellWidth(r rune) int {
	switch {
	case r >= 0x300 && r <= 0x36f, r >= 0x20d0 && r <= 0x20ff, r == 0x200d, r >= 0xfe00 && r <= 0xfe0f:
		return 0
	case r >= 0x1100 && r <= 0x115f, r >= 0x2e80 && r <= 0xa4cf, r >= 0xac00 && r <= 0xd7a3,
		r >= 0xf900 && r <= 0xfaff, r >= 0xfe30 && r <= 0xfe6f, r >= 0xff00 && r <= 0xff60,
		r >= 0x1f300 && r <= 0x1faff, r >= 0x20000 && r <= 0x3fffd:
		return 2
	}
	return 1
}

// underline draws the rows below a line: one with all the marks and the text
// of the last, then, from right to left, the text of each other below its own.
func underline(marks []mark, columns []int) []string {
	at := func(col int) int {
		if col < len(columns) {
			return columns[col]
		}
		return columns[len(columns)-1] + col - len(columns) + 1
	}
	sort.SliceStable(marks, func(i, j int) bool { return marks[i].from < marks[j].from })
	put := func(row []rune, from int, text string) []rune {
		for len(row) < from {
			row = append(row, ' ')
		}
		for i, r := range []rune(text) {
			if from+i < len(row) {
				row[from+i] = r
			} else {
				row = append(row, r)
			}
		}
		return row
	}
	var first []rune
	for _, pass := range []bool{false, true} { // the main mark on top
		for _, m := range marks {
			if m.main == pass {
				c := "-"
				if m.main {
					c = "^"
				}
				first = put(first, at(m.from), strings.Repeat(c, max(1, at(m.to)-at(m.from))))
			}
		}
	}
	last := marks[len(marks)-1]
	rows := []string{}
	pending := marks
	if last.text != "" && len(first) <= at(last.to) {
		first = append(append(first, ' '), []rune(last.text)...)
		pending = marks[:len(marks)-1]
	}
	rows = append(rows, string(first))
	for len(pending) > 0 {
		m := pending[len(pending)-1]
		rest := pending[:len(pending)-1]
		pending = rest
		if m.text == "" {
			continue
		}
		var row []rune
		for _, o := range rest {
			if o.text != "" {
				row = put(row, at(o.from), "│")
			}
		}
		rows = append(rows, string(put(row, at(m.from), m.text)))
	}
	return rows
}

// jsonDiagnostic is the versioned form for machines.
type jsonDiagnostic struct {
	Severity string      `json:"severity"`
	Code     string      `json:"code"`
	Message  string      `json:"message"`
	File     string      `json:"file,omitempty"`
	Line     int         `json:"line,omitempty"`
	Column   int         `json:"column,omitempty"`
	EndLine  int         `json:"end_line,omitempty"`
	EndCol   int         `json:"end_column,omitempty"`
	Help     string      `json:"help,omitempty"`
	Labels   []jsonLabel `json:"labels,omitempty"`
}

type jsonLabel struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
	Text   string `json:"text"`
}

// RenderJSON prints the diagnostics for machines, as one object with a
// version.
func RenderJSON(w io.Writer, l *List) error {
	out := struct {
		Version     int              `json:"version"`
		Diagnostics []jsonDiagnostic `json:"diagnostics"`
	}{Version: 1, Diagnostics: []jsonDiagnostic{}}
	for _, d := range l.All {
		j := jsonDiagnostic{Severity: d.Severity.String(), Code: d.Code, Message: d.Message, Help: d.Help}
		if d.Span.Src != nil {
			p := d.Span.Pos()
			j.File, j.Line, j.Column = p.File, p.Line, p.Col
			j.EndLine, j.EndCol = d.Span.Src.position(d.Span.End)
		}
		for _, l := range d.Labels {
			p := l.Span.Pos()
			j.Labels = append(j.Labels, jsonLabel{p.File, p.Line, p.Col, l.Text})
		}
		out.Diagnostics = append(out.Diagnostics, j)
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(out)
}
