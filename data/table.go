package data

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/pinode/pinode/internal/diag"
)

// Table is a table as it was read: named columns of text.
type Table struct {
	Name    string // of the file
	Columns []string
	rows    [][]string
	lines   []int // line of the file of each row
}

// Error is a mistake in a data file.
type Error struct {
	File   string
	Line   int    // 0: the whole file
	Column string // may be empty
	Text   string
	Help   string
}

func (e *Error) Error() string {
	at := e.File
	if e.Line > 0 {
		at += fmt.Sprintf(":%d", e.Line)
	}
	if e.Column != "" {
		at += fmt.Sprintf(": column `%s`", e.Column)
	}
	s := at + ": " + e.Text
	if e.Help != "" {
		s += "\n  = help: " + e.Help
	}
	return s
}

// Readers read tables by the ending of the file's name.
var Readers = map[string]func(name string, r io.Reader) (*Table, error){
	".csv": func(name string, r io.Reader) (*Table, error) { return ReadDelimited(name, r, ',') },
	".tsv": func(name string, r io.Reader) (*Table, error) { return ReadDelimited(name, r, '\t') },
}

// ReadFile reads a table.
func ReadFile(path string) (*Table, error) {
	ext := strings.ToLower(filepath.Ext(path))
	read := Readers[ext]
	if read == nil {
		return nil, &Error{File: path, Text: fmt.Sprintf("files ending in `%s` are not read", ext), Help: "write the table as .csv or .tsv"}
	}
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		e := &Error{File: path, Text: "the file does not exist"}
		if near := nearby(path); near != "" {
			e.Help = fmt.Sprintf("did you mean `%s`?", near)
		} else {
			e.Help = "a relative path is taken from the model file's folder"
		}
		return nil, e
	}
	if err != nil {
		return nil, &Error{File: path, Text: err.Error()}
	}
	defer f.Close()
	return read(path, f)
}

// nearby is a file of the same folder with a similar name.
func nearby(path string) string {
	list, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return ""
	}
	var names []string
	for _, e := range list {
		names = append(names, e.Name())
	}
	near, _ := diag.Nearest(filepath.Base(path), names)
	return near
}

// ReadDelimited reads a table with a header row. Lines that start with # are
// comments.
func ReadDelimited(name string, r io.Reader, comma rune) (*Table, error) {
	c := csv.NewReader(r)
	c.Comma, c.Comment, c.FieldsPerRecord, c.TrimLeadingSpace = comma, '#', -1, comma == ','
	header, err := c.Read()
	if errors.Is(err, io.EOF) {
		return nil, &Error{File: name, Text: "the file is empty", Help: "the first line names the columns"}
	}
	if err != nil {
		return nil, csvError(name, err)
	}
	t := &Table{Name: name}
	seen := map[string]bool{}
	for i, h := range header {
		if i == 0 {
			h = strings.TrimPrefix(h, "\ufeff")
		}
		h = strings.TrimSpace(h)
		if h == "" {
			return nil, &Error{File: name, Line: 1, Text: fmt.Sprintf("column %d has no name", i+1), Help: "the first line names the columns"}
		}
		if seen[h] {
			return nil, &Error{File: name, Line: 1, Text: fmt.Sprintf("two columns are named `%s`", h)}
		}
		seen[h] = true
		t.Columns = append(t.Columns, h)
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
		if len(rec) != len(header) {
			return nil, &Error{File: name, Line: line, Text: fmt.Sprintf("the row has %d cells, the header %d", len(rec), len(header)), Help: "a missing value is an empty cell between commas"}
		}
		t.rows = append(t.rows, rec)
		t.lines = append(t.lines, line)
	}
	if len(t.rows) == 0 {
		return nil, &Error{File: name, Text: "the table has a header and no rows"}
	}
	return t, nil
}

func csvError(name string, err error) error {
	var pe *csv.ParseError
	if errors.As(err, &pe) {
		return &Error{File: name, Line: pe.Line, Text: pe.Err.Error()}
	}
	return &Error{File: name, Text: err.Error()}
}

// Len is the number of rows.
func (t *Table) Len() int { return len(t.rows) }

// Line is the line of the file that row i stands on.
func (t *Table) Line(i int) int { return t.lines[i] }

// column finds a column by its name.
func (t *Table) column(name string) (int, error) {
	for i, c := range t.Columns {
		if c == name {
			return i, nil
		}
	}
	e := &Error{File: t.Name, Text: fmt.Sprintf("there is no column `%s`", name), Help: "the columns are: " + strings.Join(t.Columns, ", ")}
	if near, ok := diag.Nearest(name, t.Columns); ok {
		e.Help = fmt.Sprintf("did you mean `%s`? %s", near, e.Help)
	}
	return 0, e
}

// Strings returns a column as text.
func (t *Table) Strings(name string) ([]string, error) {
	k, err := t.column(name)
	if err != nil {
		return nil, err
	}
	out := make([]string, len(t.rows))
	for i, r := range t.rows {
		out[i] = strings.TrimSpace(r[k])
	}
	return out, nil
}

// Floats returns a column as numbers; a missing value is NaN.
func (t *Table) Floats(name string) ([]float64, error) {
	k, err := t.column(name)
	if err != nil {
		return nil, err
	}
	out := make([]float64, len(t.rows))
	for i, r := range t.rows {
		v, ok := number(r[k])
		if !ok || math.IsInf(v, 0) {
			return nil, &Error{File: t.Name, Line: t.lines[i], Column: name, Text: fmt.Sprintf("`%s` is not a number", strings.TrimSpace(r[k])),
				Help: "numbers have a decimal point; a missing value is an empty cell or NaN"}
		}
		out[i] = v
	}
	return out, nil
}

// number reads a cell: a number, or NaN for a missing value.
func number(cell string) (float64, bool) {
	cell = strings.TrimSpace(cell)
	switch cell {
	case "", "NA", "N/A", "NaN", "nan", "null", ".":
		return math.NaN(), true
	}
	v, err := strconv.ParseFloat(cell, 64)
	return v, err == nil
}

// Row gives the cells of a row to conditions.
type Row struct {
	t *Table
	i int
}

// Cell returns a cell as text and, if it is one, as a number.
func (r Row) Cell(column string) (text string, value float64, isNumber bool, err error) {
	k, err := r.t.column(column)
	if err != nil {
		return "", 0, false, err
	}
	text = strings.TrimSpace(r.t.rows[r.i][k])
	value, isNumber = number(text)
	return text, value, isNumber, nil
}
