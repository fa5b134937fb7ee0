package data

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"unicode/utf8"

	"github.com/pinode/pinode/internal/files"
)

// ReadDelimited reads a table whose cells are separated by comma, with a
// header row. Cells may be quoted, lines end in LF or CRLF, a byte order mark
// is skipped, and lines that start with # are comments.
func ReadDelimited(name string, r io.Reader, comma rune) (*Table, error) {
	text := bufio.NewReader(r)
	start, err := text.Peek(512)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, &Error{File: name, Text: cause(err)}
	}
	if bytes.HasPrefix(start, []byte("\xff\xfe")) || bytes.HasPrefix(start, []byte("\xfe\xff")) || bytes.IndexByte(start, 0) >= 0 {
		return nil, notText(name)
	}
	if bytes.HasPrefix(start, []byte("\ufeff")) {
		if _, err := text.Discard(len("\ufeff")); err != nil {
			return nil, &Error{File: name, Text: cause(err)}
		}
	}
	c := csv.NewReader(text)
	c.Comma, c.Comment, c.FieldsPerRecord, c.TrimLeadingSpace = comma, '#', -1, comma == ','
	t := &Table{Name: name, index: map[string]int{}}
	if err := t.header(c, comma); err != nil {
		return nil, err
	}
	for {
		rec, err := c.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, csvError(name, err)
		}
		line, _ := c.FieldPos(0)
		if len(rec) != len(t.Columns) {
			return nil, &Error{
				File: name, Line: line, Text: fmt.Sprintf("the row has %s, the header %d", count(len(rec), "cell"), len(t.Columns)),
				Help: "a missing value is an empty cell between separators; a cell with a separator in it is quoted",
			}
		}
		t.rows = append(t.rows, rec)
		t.lines = append(t.lines, line)
	}
	if len(t.rows) == 0 {
		return nil, &Error{File: name, Text: "the table has a header and no rows"}
	}
	return t, nil
}

// header reads the names of the columns.
func (t *Table) header(c *csv.Reader, comma rune) error {
	names, err := c.Read()
	if errors.Is(err, io.EOF) {
		return &Error{File: t.Name, Text: "the file is empty", Help: "the first line names the columns"}
	}
	if err != nil {
		return csvError(t.Name, err)
	}
	line, _ := c.FieldPos(0)
	for _, other := range []string{";", "\t", ","} {
		if len(names) == 1 && other != string(comma) && strings.Contains(names[0], other) {
			return &Error{
				File: t.Name, Line: line, Text: fmt.Sprintf("the columns are separated by %q, not %q", other, string(comma)),
				Help: "separate the columns of a .csv by commas and those of a .tsv by tabs; numbers have a decimal point",
			}
		}
	}
	for i, h := range names {
		h = strings.TrimSpace(h)
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

func notText(name string) error {
	return &Error{File: name, Text: "the file is not text in UTF-8", Help: "export the table as CSV in UTF-8"}
}

func csvError(name string, err error) error {
	var pe *csv.ParseError
	if !errors.As(err, &pe) {
		return &Error{File: name, Text: cause(err)}
	}
	e := &Error{File: name, Line: pe.Line, Text: fmt.Sprintf("%s at character %d", pe.Err, pe.Column)}
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
