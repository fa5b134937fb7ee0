package data

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/pinode/pinode/dsl/diag"
	"github.com/pinode/pinode/internal/files"
)

// Table is a table as it was read: named columns of text.
type Table struct {
	Name    string // of the file
	Columns []string
	index   map[string]int
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
	Cause  error // of the operating system, or nil
}

// Unwrap is the cause.
func (e *Error) Unwrap() error { return e.Cause }

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

// refused are endings that one may expect to be read, and why they are not.
var refused = map[string]string{
	".parquet": "parquet files are not read in this version",
	".xlsx":    "spreadsheets are not read",
	".xls":     "spreadsheets are not read",
	".ods":     "spreadsheets are not read",
	".gz":      "compressed files are not read",
	"":         "the file's name has no ending that says what it is",
}

// ReadFile reads a table.
func ReadFile(path string) (*Table, error) {
	ext := strings.ToLower(filepath.Ext(path))
	read := Readers[ext]
	if read == nil {
		text, ok := refused[ext]
		if !ok {
			text = fmt.Sprintf("files ending in `%s` are not read", ext)
		}
		return nil, &Error{File: path, Text: text, Help: "write the table as .csv or .tsv"}
	}
	f, err := files.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		e := &Error{File: path, Text: "the file does not exist", Cause: err}
		if near := nearby(path); near != "" {
			e.Help = fmt.Sprintf("did you mean `%s`?", near)
		} else {
			e.Help = "a relative path is taken from the model file's folder"
		}
		return nil, e
	}
	if err != nil {
		return nil, &Error{File: path, Text: cause(err), Cause: err}
	}
	defer f.Close()
	return read(path, f)
}

// clipped is the start of a cell, for messages.
func clipped(cell string) string {
	const most = 60
	if r := []rune(cell[:min(len(cell), 4*most)]); len(r) > most {
		return string(r[:most]) + "…"
	}
	return cell
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

// Len is the number of rows.
func (t *Table) Len() int { return len(t.rows) }

// Line is the line of the file that row i starts on.
func (t *Table) Line(i int) int { return t.lines[i] }

// column finds a column by its name.
func (t *Table) column(name string) (int, error) {
	if i, ok := t.index[name]; ok {
		return i, nil
	}
	e := &Error{File: t.Name, Text: fmt.Sprintf("there is no column `%s`", name), Help: "the columns are: " + some(t.Columns)}
	if near, ok := diag.Nearest(name, t.Columns); ok {
		e.Help = fmt.Sprintf("did you mean `%s`? %s", near, e.Help)
	}
	return 0, e
}

// some are the first of the names, for messages.
func some(names []string) string {
	const most = 30
	list := make([]string, 0, most)
	for _, n := range names[:min(len(names), most)] {
		list = append(list, clipped(n))
	}
	if more := len(names) - most; more > 0 {
		return fmt.Sprintf("%s, and %d more", strings.Join(list, ", "), more)
	}
	return strings.Join(list, ", ")
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
		if !ok {
			e := notANumber(strings.TrimSpace(r[k]))
			e.File, e.Line, e.Column = t.Name, t.lines[i], name
			return nil, e
		}
		out[i] = v
	}
	return out, nil
}

// missing are the cells that say that there is no value, in any case of
// letters. A single dot is the custom of pharmacometrics.
var missing = []string{"", "NaN", "NA", "N/A", "null", "."}

// number reads a cell: a finite number, or NaN for a missing value.
func number(cell string) (float64, bool) {
	cell = strings.TrimSpace(cell)
	for _, m := range missing {
		if strings.EqualFold(cell, m) {
			return math.NaN(), true
		}
	}
	v, err := strconv.ParseFloat(cell, 64)
	// ParseFloat also takes inf, infinity and hexadecimal numbers.
	return v, err == nil && !math.IsInf(v, 0) && !strings.ContainsAny(cell, "xX_")
}

// notANumber says why a cell is none.
func notANumber(cell string) *Error {
	shown := clipped(cell)
	e := &Error{Text: fmt.Sprintf("`%s` is not a number", shown), Help: "numbers have a decimal point; a missing value is an empty cell or NaN"}
	v, err := strconv.ParseFloat(cell, 64)
	switch {
	case errors.Is(err, strconv.ErrRange):
		e.Text, e.Help = fmt.Sprintf("`%s` is too large", shown), fmt.Sprintf("numbers reach to %.1e", math.MaxFloat64)
	case err == nil && math.IsInf(v, 0):
		e.Text, e.Help = fmt.Sprintf("`%s` is not a finite number", shown), "a missing value is an empty cell or NaN"
	case len(cell) < 40 && strings.Count(cell, ",") == 1:
		point := strings.Replace(cell, ",", ".", 1)
		if _, ok := number(point); ok {
			e.Help = fmt.Sprintf("write the number with a decimal point, %s", point)
		}
	}
	return e
}

// Row gives the cells of a row to conditions.
type Row struct {
	t *Table
	i int
}

// Cell returns a cell as text and, if it is one, as a number; a missing value
// is the number NaN.
func (r Row) Cell(column string) (text string, value float64, isNumber bool, err error) {
	k, err := r.t.column(column)
	if err != nil {
		return "", 0, false, err
	}
	text = strings.TrimSpace(r.t.rows[r.i][k])
	value, isNumber = number(text)
	return text, value, isNumber, nil
}

// cell is a cell as it was written.
func (t *Table) cell(i int, column string) string {
	return strings.TrimSpace(t.rows[i][t.index[column]])
}

// errorf is a mistake in the row.
func (r Row) errorf(format string, args ...any) *Error {
	return &Error{File: r.t.Name, Line: r.t.lines[r.i], Text: fmt.Sprintf(format, args...)}
}
