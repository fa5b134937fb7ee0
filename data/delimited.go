package data

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"sort"
	"strings"
	"unicode/utf8"
	"unsafe"

	"github.com/pinode/pinode/internal/files"
)

// ReadDelimited reads a table whose cells are separated by comma, with a
// header row. Cells may be quoted, lines end in LF or CRLF, a byte order mark
// is skipped, and lines that start with # are comments.
//
// The whole file is read, and its rows stay where they are: a cell is looked for when it is
// wanted. From the first quote on encoding/csv says what the cells are.
func ReadDelimited(name string, r io.Reader, comma rune) (*Table, error) {
	text, err := whole(r)
	if err != nil {
		return nil, &Error{File: name, Text: cause(err)}
	}
	start := text[:min(len(text), 512)]
	if bytes.HasPrefix(start, []byte("\xff\xfe")) || bytes.HasPrefix(start, []byte("\xfe\xff")) || bytes.IndexByte(start, 0) >= 0 {
		return nil, notText(name)
	}
	s := &scanner{t: &Table{Name: name, index: map[string]int{}, comma: byte(comma), quoted: math.MaxInt}, text: text, comma: comma, plain: bytes.IndexByte(text, '"') < 0}
	s.at = len(text) - len(bytes.TrimPrefix(text, []byte("\ufeff")))
	if err := s.header(); err != nil {
		return nil, err
	}
	if err := s.rows(); err != nil {
		return nil, err
	}
	if len(s.t.starts) == 0 && bytes.IndexByte(text, '\r') >= 0 && bytes.IndexByte(text, '\n') < 0 {
		return nil, &Error{File: name, Text: "its lines end with a carriage return alone, as those of old programs do", Help: "save it with the line ends of today, as CSV in UTF-8"}
	}
	if len(s.t.starts) == 0 {
		return nil, &Error{File: name, Text: "the table has a header and no rows"}
	}
	s.t.text = unsafe.String(unsafe.SliceData(text), len(text)) // nobody writes to it any more
	return s.t, nil
}

// whole reads all of r, without a second copy where its size is known.
func whole(r io.Reader) ([]byte, error) {
	var b bytes.Buffer
	size := 0
	switch r := r.(type) {
	case *os.File:
		if st, err := r.Stat(); err == nil && st.Mode().IsRegular() {
			size = int(st.Size())
		}
	case interface{ Len() int }:
		size = r.Len()
	}
	b.Grow(size + bytes.MinRead) // ReadFrom asks for room before it finds the end
	_, err := b.ReadFrom(r)
	return b.Bytes(), err
}

// scanner finds the rows of a text.
type scanner struct {
	t     *Table
	text  []byte
	comma rune
	plain bool // there is no quote in it

	at   int // where it is
	line int // so many lines have been read
	to   int // where rows that are not as they were in the file go: over what has been read
}

// next finds the next line with something in it. A line with a quote in it is not taken. It
// is empty where there is none.
func (s *scanner) next() (from, to int, quoted bool) {
	for s.at < len(s.text) {
		rest := s.text[s.at:]
		n := bytes.IndexByte(rest, '\n') + 1
		if n == 0 {
			n = len(rest)
		}
		line := bytes.TrimSuffix(bytes.TrimSuffix(rest[:n], []byte("\n")), []byte("\r"))
		if !s.plain && len(line) > 0 && line[0] != '#' && bytes.IndexByte(line, '"') >= 0 {
			return 0, 0, true
		}
		from = s.at
		s.at, s.line = s.at+n, s.line+1
		if len(line) > 0 && line[0] != '#' {
			return from, from + len(line), false
		}
	}
	return 0, 0, false
}

// csv reads what is left by the rules of quotes.
func (s *scanner) csv() *csv.Reader {
	c := csv.NewReader(bytes.NewReader(s.text[s.at:]))
	c.Comma, c.Comment, c.FieldsPerRecord, c.TrimLeadingSpace, c.ReuseRecord = s.comma, '#', -1, s.comma == ',', true
	return c
}

// rows finds all rows behind the header.
func (s *scanner) rows() error {
	t, comma := s.t, []byte{s.t.comma}
	t.starts = make([]uint32, 0, bytes.Count(s.text[s.at:], []byte("\n"))+1)
	for {
		from, to, quoted := s.next()
		switch {
		case quoted:
			return s.quotedRows()
		case to == 0:
			return nil
		}
		row := s.text[from:to]
		if n := bytes.Count(row, comma) + 1; n != len(t.Columns) {
			return wrongCount(t, s.line, n)
		}
		t.add(from, s.line, row, t.comma)
		s.to = s.at
	}
}

// endOfCell stands behind each cell of the rows from the first quote on.
const endOfCell = 0

// quotedRows finds the rows from the first with a quote on. Their cells, which are shorter than
// what they were, go over the text that was read.
func (s *scanner) quotedRows() error {
	t, c, before := s.t, s.csv(), s.line
	for {
		rec, err := c.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return csvError(t.Name, err, before)
		}
		line, _ := c.FieldPos(0)
		if len(rec) != len(t.Columns) {
			return wrongCount(t, before+line, len(rec))
		}
		start := s.to
		for _, cell := range rec {
			if strings.IndexByte(cell, endOfCell) >= 0 {
				return notText(t.Name)
			}
			s.to += copy(s.text[s.to:], cell)
			s.text[s.to] = endOfCell // in the place of a separator, an end of line or a quote
			s.to++
		}
		t.quoted = min(t.quoted, len(t.starts))
		t.add(start, before+line, s.text[start:s.to], endOfCell)
	}
}

func wrongCount(t *Table, line, n int) error {
	return &Error{
		File: t.Name, Line: line, Text: fmt.Sprintf("the row has %s, the header %d", count(n, "cell"), len(t.Columns)),
		Help: "a missing value is an empty cell between separators; a cell with a separator in it is quoted",
	}
}

// header reads the names of the columns.
func (s *scanner) header() error {
	t, comma := s.t, s.comma
	from, to, quoted := s.next()
	var names []string
	at := s.line
	switch {
	case quoted:
		c := s.csv()
		rec, err := c.Read()
		if err != nil {
			return csvError(t.Name, err, s.line)
		}
		first, _ := c.FieldPos(0)
		names, at = rec, s.line+first
		read := s.text[s.at : s.at+int(c.InputOffset())]
		s.at, s.line = s.at+len(read), s.line+bytes.Count(read, []byte("\n"))
	case to == 0:
		return &Error{File: t.Name, Text: "the file is empty", Help: "the first line names the columns"}
	default:
		names = strings.Split(string(s.text[from:to]), string(comma))
	}
	for _, other := range []string{";", "\t", ","} {
		if len(names) == 1 && other != string(comma) && strings.Contains(names[0], other) {
			return &Error{
				File: t.Name, Line: at, Text: fmt.Sprintf("the columns are separated by %q, not %q", other, string(comma)),
				Help: "separate the columns of a .csv by commas and those of a .tsv by tabs; numbers have a decimal point",
			}
		}
	}
	return t.name(names, at)
}

// name gives the columns their names.
func (t *Table) name(names []string, line int) error {
	for i, h := range names {
		h = strings.Clone(strings.TrimSpace(h))
		switch _, twice := t.index[h]; {
		case !utf8.ValidString(h):
			return notText(t.Name)
		case h == "":
			return &Error{File: t.Name, Line: line, Text: fmt.Sprintf("column %d has no name", i+1), Help: "the first line names the columns"}
		case twice:
			return &Error{File: t.Name, Line: line, Text: fmt.Sprintf("two columns are named `%s`", clipped(h)), Help: "give each column a name of its own"}
		}
		t.index[h] = i
		t.Columns = append(t.Columns, h)
	}
	return nil
}

// tick is how many cells apart are those of which a row knows where they are: nobody walks
// through a thousand columns to the last.
const tick = 16

// add notes a row that stands at a place of the text.
func (t *Table) add(start, line int, row []byte, separator byte) {
	n := len(t.starts)
	if n == 0 {
		t.first = line
	}
	if line != t.first+n && t.lines == nil { // not a row a line
		t.lines = make([]int32, n, 2*n+1)
		for i := range t.lines {
			t.lines[i] = int32(min(t.first+i, math.MaxInt32))
		}
	}
	if t.lines != nil {
		t.lines = append(t.lines, int32(min(line, math.MaxInt32)))
	}
	for start>>32 > len(t.wraps) {
		t.wraps = append(t.wraps, n)
	}
	t.starts = append(t.starts, uint32(start))
	for k, at := tick, 0; k < len(t.Columns); k += tick {
		for range tick {
			at += bytes.IndexByte(row[at:], separator) + 1
		}
		t.ticks = append(t.ticks, uint32(at))
	}
}

// at is cell k of row i as it stands in the file.
func (t *Table) at(i, k int) string {
	if v := t.view; v != nil {
		if own := len(v.of.Columns); k >= own {
			return v.other.at(v.with[i], v.from[k-own])
		}
		return v.of.at(v.pick[i], k)
	}
	row := t.text[t.start(i):]
	if n := k / tick; n > 0 {
		row = row[t.ticks[i*((len(t.Columns)-1)/tick)+n-1]:]
	}
	separator, end := t.marks(i)
	for range k % tick {
		row = row[strings.IndexByte(row, separator)+1:]
	}
	if k < len(t.Columns)-1 {
		end = separator
	}
	if n := strings.IndexByte(row, end); n >= 0 {
		row = row[:n]
	}
	return strings.TrimSpace(row)
}

// start is where row i begins in the text.
func (t *Table) start(i int) int {
	at := int(t.starts[i])
	if len(t.wraps) > 0 {
		at += sort.SearchInts(t.wraps, i+1) << 32
	}
	return at
}

// marks are what stands between the cells of row i, and behind the last.
func (t *Table) marks(i int) (separator, end byte) {
	if i >= t.quoted {
		return endOfCell, endOfCell
	}
	return t.comma, '\n'
}

func notText(name string) error {
	return &Error{File: name, Text: "the file is not text in UTF-8", Help: "export the table as CSV in UTF-8"}
}

// csvError is an error of a reader that began behind some lines.
func csvError(name string, err error, before int) error {
	var pe *csv.ParseError
	if !errors.As(err, &pe) {
		return &Error{File: name, Text: cause(err)}
	}
	e := &Error{File: name, Line: before + pe.Line, Text: fmt.Sprintf("%s at character %d", pe.Err, pe.Column)}
	switch {
	case errors.Is(pe.Err, csv.ErrQuote):
		e.Help = "a quoted cell ends with a quote before the separator; a quote inside of it is doubled"
	case errors.Is(pe.Err, csv.ErrBareQuote):
		e.Help = "a cell with a quote in it is quoted as a whole, and the quote doubled"
	}
	return e
}

// cause is the message of an error without the path, which is named anyway.
func cause(err error) string {
	var re *files.ReadError
	if errors.As(err, &re) {
		return re.Cause.Error()
	}
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err.Error()
	}
	return err.Error()
}

// count is `1 cell`, `2 cells`.
func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
