// Package diag owns source spans and diagnostics: what was found in a file,
// where each part of it came from, and what to do about it.
//
// It knows nothing of the language; the wording and the codes of each pass
// live with the pass.
package diag

import (
	"cmp"
	"fmt"
	"slices"
	"sort"
	"strings"
	"sync"
	"unicode/utf8"
)

// Source is the text of one file. Its zero value is an empty, unnamed file.
type Source struct {
	Name string // as the user named it
	Text string

	once  sync.Once
	lines []int // byte offset of each line's start, filled on first use
}

// NewSource returns the source of a named text.
func NewSource(name, text string) *Source { return &Source{Name: name, Text: text} }

// Span is a half-open range of bytes in a source. The zero Span is "nowhere".
type Span struct {
	Src        *Source
	Start, End int
}

// IsZero reports whether the span points nowhere.
func (s Span) IsZero() bool { return s.Src == nil }

// Text returns the source text that the span covers.
func (s Span) Text() string {
	if s.Src == nil {
		return ""
	}
	return s.Src.Text[s.Start:s.End]
}

// Pos is a position for people: line and column count from 1, the column in
// characters.
type Pos struct {
	File      string
	Line, Col int
}

func (p Pos) String() string { return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Col) }

// Pos returns the position of the span's start.
func (s Span) Pos() Pos {
	if s.Src == nil {
		return Pos{}
	}
	line, col := s.Src.position(s.Start)
	return Pos{s.Src.Name, line, col}
}

func (s *Source) index() []int {
	s.once.Do(func() {
		s.lines = []int{0}
		for i := range len(s.Text) {
			if s.Text[i] == '\n' {
				s.lines = append(s.lines, i+1)
			}
		}
	})
	return s.lines
}

func (s *Source) position(off int) (line, col int) {
	lines := s.index()
	off = min(max(off, 0), len(s.Text))
	i := sort.SearchInts(lines, off+1) - 1
	return i + 1, utf8.RuneCountInString(s.Text[lines[i]:off]) + 1
}

// line returns the text of a line counted from 1, without its end.
func (s *Source) line(n int) string {
	lines := s.index()
	if n < 1 || n > len(lines) {
		return ""
	}
	text := s.Text[lines[n-1]:]
	if i := strings.IndexByte(text, '\n'); i >= 0 {
		text = text[:i]
	}
	return strings.TrimSuffix(text, "\r")
}

// Severity orders diagnostics.
type Severity uint8

// The severities. Only an Error stops a model from running.
const (
	Error Severity = iota
	Warning
	Note
)

func (s Severity) String() string { return [...]string{"error", "warning", "note"}[s] }

// Label points at a part of the source and says something about it.
type Label struct {
	Span Span
	Text string
}

// Diagnostic is one message about a source.
type Diagnostic struct {
	Severity Severity
	Code     string // stable, kebab-case: "unit-mismatch"
	Message  string // lower case, no full stop
	Span     Span   // what the message is about
	Labels   []Label
	Help     string // what to do; may be empty
}

// longest is how much a text of a diagnostic may say, in characters; what is longer quotes names
// or numbers that nobody reads to their end.
const longest = 2000

func clip(format string, args []any) string {
	text := fmt.Sprintf(format, args...)
	if len(text) <= longest {
		return text
	}
	return strings.ToValidUTF8(text[:longest], "") + "…"
}

// WithNote adds a label and returns the diagnostic, for chaining.
func (d *Diagnostic) WithNote(at Span, format string, args ...any) *Diagnostic {
	d.Labels = append(d.Labels, Label{at, clip(format, args)})
	return d
}

// WithHelp says what to do.
func (d *Diagnostic) WithHelp(format string, args ...any) *Diagnostic {
	d.Help = clip(format, args)
	return d
}

// Error is the one-line form, "file:line:col: error: message [code]".
func (d *Diagnostic) Error() string {
	return fmt.Sprintf("%s: %s: %s [%s]", d.Span.Pos(), d.Severity, d.Message, d.Code)
}

// List collects the diagnostics of a run. The zero value is ready to use.
// As an error it stands for all its entries.
type List struct {
	All []*Diagnostic
}

// Errorf adds an error.
func (l *List) Errorf(code string, at Span, format string, args ...any) *Diagnostic {
	return l.add(Error, code, at, format, args)
}

// Warnf adds a warning.
func (l *List) Warnf(code string, at Span, format string, args ...any) *Diagnostic {
	return l.add(Warning, code, at, format, args)
}

func (l *List) add(s Severity, code string, at Span, format string, args []any) *Diagnostic {
	d := &Diagnostic{Severity: s, Code: code, Span: at, Message: clip(format, args)}
	l.All = append(l.All, d)
	return d
}

// Sort orders the diagnostics by their place in the source; those without a
// place come first.
func (l *List) Sort() {
	file := func(s Span) string {
		if s.Src == nil {
			return ""
		}
		return s.Src.Name
	}
	slices.SortStableFunc(l.All, func(a, b *Diagnostic) int {
		return cmp.Or(
			cmp.Compare(file(a.Span), file(b.Span)),
			cmp.Compare(a.Span.Start, b.Span.Start),
		)
	})
}

// Count returns how many diagnostics have the severity.
func (l *List) Count(s Severity) int {
	n := 0
	for _, d := range l.All {
		if d.Severity == s {
			n++
		}
	}
	return n
}

// Err returns the list as an error if it holds any error, else nil.
func (l *List) Err() error {
	if l.Count(Error) == 0 {
		return nil
	}
	return l
}

func (l *List) Error() string {
	var b strings.Builder
	for i, d := range l.All {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(d.Error())
	}
	return b.String()
}
