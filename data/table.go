package data

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/pinode/pinode/dsl/diag"
	"github.com/pinode/pinode/internal/files"
)

// Table is a table as it was read: named columns of text.
type Table struct {
	Name    string // of the file
	Columns []string
	index   map[string]int

	text   string   // in which the rows are
	starts []uint32 // where each of them begins, but for 4 GiB times
	wraps  []int    // the rows from which it is once more
	comma  byte     // between cells
	quoted int      // the first row whose cells were unquoted: each ends with endOfCell
	first  int      // line of the file of the first row
	lines  []int32  // and of each row, where they do not follow each other
	ticks  []uint32

	view *view // what there is in the place of a text; nil: nothing
}

// Error is a mistake in a data file.
type Error struct {
	File   string // may be empty: all data together
	Line   int    // 0: the whole file
	Column string // may be empty
	Text   string
	Help   string
	Cause  error // of the operating system, or nil
}

// Unwrap is the cause.
func (e *Error) Unwrap() error { return e.Cause }

func (e *Error) Error() string {
	s := e.Place()
	if e.Help != "" {
		s += "\n  = help: " + e.Help
	}
	return s
}

// Place is where it is and what, without the help.
func (e *Error) Place() string {
	at := e.File
	if e.Line > 0 {
		at += fmt.Sprintf(":%d", e.Line)
	}
	if e.Column != "" {
		at += fmt.Sprintf(": column `%s`", e.Column)
	}
	if at == "" {
		return e.Text
	}
	return at + ": " + e.Text
}

// Readers read tables by the ending of the file's name. Package data/parquet adds one.
var Readers = map[string]func(name string, r io.Reader) (*Table, error){
	".csv": func(name string, r io.Reader) (*Table, error) { return ReadDelimited(name, r, ',') },
	".tsv": func(name string, r io.Reader) (*Table, error) { return ReadDelimited(name, r, '\t') },
	".npz": ReadNPZ,
}

// refused are endings that one may expect to be read, and why they are not.
var refused = map[string]string{
	".parquet": "this program does not read Parquet files, since it does not import `data/parquet`",
	".npy":     "an array alone has no names of columns: write it with numpy.savez, as .npz",
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
		return nil, &Error{File: path, Text: text, Help: "write the table as " + endings()}
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

// endings are those of files that are read.
func endings() string {
	list := slices.Sorted(maps.Keys(Readers))
	last := len(list) - 1
	return strings.Join(list[:last], ", ") + " or " + list[last]
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
func (t *Table) Len() int {
	if t.view != nil {
		return len(t.view.pick)
	}
	return len(t.starts)
}

// Line is the line of the file that row i starts on.
func (t *Table) Line(i int) int {
	if v := t.view; v != nil {
		return v.of.Line(v.pick[i])
	}
	if t.lines == nil {
		return t.first + i
	}
	return int(t.lines[i])
}

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
	out, last := make([]string, t.Len()), ""
	err := t.Each(name, func(row int, cell string) error {
		if cell != last {
			last = strings.Clone(cell) // which keeps no file in memory
		}
		out[row] = last
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// Each calls do for the cells of a column, which are parts of the file's text: whoever keeps one
// keeps the whole.
func (t *Table) Each(name string, do func(row int, cell string) error) error {
	k, err := t.column(name)
	if err != nil {
		return err
	}
	for i := range t.Len() {
		if err := do(i, t.at(i, k)); err != nil {
			return err
		}
	}
	return nil
}

// Floats returns a column as numbers; a missing value is NaN.
func (t *Table) Floats(name string) ([]float64, error) {
	out := make([]float64, t.Len())
	return out, t.fill([]target{{Column{Name: name}, out}}, 1)
}

// target is where the numbers of a column go: every so many.
type target struct {
	Column
	to []float64
}

// number is a cell in the unit of the column.
func (c *Column) number(cell string) (float64, bool) {
	v, ok := number(cell)
	if c.Factor != 0 {
		v *= c.Factor
	}
	if c.Offset != 0 {
		v += c.Offset
	}
	return v, ok && !math.IsInf(v, 0)
}

// part is how many rows are read at once.
const part = 1 << 13

// fill reads columns, each row of them once; their numbers stand a stride apart.
func (t *Table) fill(list []target, stride int) error {
	order := make([]int, len(list)) // by their places in the table
	places := make([]int, len(list))
	for i := range list {
		k, err := t.column(list[i].Name)
		if err != nil {
			return err
		}
		order[i], places[i] = i, k
	}
	slices.SortStableFunc(order, func(a, b int) int { return places[a] - places[b] })
	bad := make([][]int, (t.Len()+part-1)/part) // of each part and column the first row that has no number, from 1
	var next atomic.Int64
	var work sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(bad)) {
		work.Go(func() {
			for p := int(next.Add(1) - 1); p < len(bad); p = int(next.Add(1) - 1) {
				for i := p * part; i < min((p+1)*part, t.Len()); i++ {
					walk := walker{t: t, row: i}
					for _, o := range order {
						c := &list[o]
						v, ok := c.number(walk.cell(places[o]))
						if c.to[i*stride] = v; !ok && (bad[p] == nil || bad[p][o] == 0) {
							if bad[p] == nil {
								bad[p] = make([]int, len(list))
							}
							bad[p][o] = i + 1
						}
					}
				}
			}
		})
	}
	work.Wait()
	for o := range list {
		for _, rows := range bad {
			if rows != nil && rows[o] > 0 {
				return t.noNumber(rows[o]-1, places[o])
			}
		}
	}
	return nil
}

// noNumber says what is wrong with a cell: it is none, or none in the unit of the model.
func (t *Table) noNumber(i, k int) error {
	cell := t.at(i, k)
	e := &Error{Text: "the number is too large in the unit of the model"}
	if _, ok := number(cell); !ok {
		e = notANumber(cell)
	}
	e.File, e.Line, e.Column = t.Name, t.Line(i), t.Columns[k]
	return e
}

// walker goes through the cells of a row, from left to right.
type walker struct {
	t    *Table
	row  int
	rest string // from cell k on
	k    int
	goes bool // it has begun
}

// cell is cell k, which is not left of the one before.
func (w *walker) cell(k int) string {
	t := w.t
	if t.view != nil || k/tick > w.k/tick {
		return t.at(w.row, k)
	}
	if !w.goes {
		w.rest, w.goes = t.text[t.start(w.row):], true
	}
	separator, end := t.marks(w.row)
	for ; w.k < k; w.k++ {
		w.rest = w.rest[strings.IndexByte(w.rest, separator)+1:]
	}
	if k < len(t.Columns)-1 {
		end = separator
	}
	cell := w.rest
	if n := strings.IndexByte(cell, end); n >= 0 {
		cell = cell[:n]
	}
	return strings.TrimSpace(cell)
}

// missing are the cells that say that there is no value, in any case of
// letters. A single dot is the custom of pharmacometrics.
var missing = []string{"", "NaN", "NA", "N/A", "null", "."}

// decimal reads most numbers: digits with a point in them, of which a double holds all. Their
// integer and the power of ten are exact then, and the quotient is rounded once (W. D. Clinger,
// How to read floating point numbers accurately, PLDI 1990, section 1).
func decimal(cell string) (float64, bool) {
	digits := cell
	if digits != "" && digits[0] == '-' {
		digits = digits[1:]
	}
	if digits == "" || len(digits) > 16 {
		return 0, false
	}
	var m uint64
	point := -1
	for i := range len(digits) {
		c := digits[i] - '0'
		switch {
		case c <= 9:
			m = 10*m + uint64(c)
		case digits[i] == '.' && point < 0:
			point = i
		default:
			return 0, false
		}
	}
	places := 0
	if point >= 0 {
		places = len(digits) - 1 - point
	}
	if point >= 0 && len(digits) == 1 || m > 1<<53 {
		return 0, false
	}
	v := float64(m) / tens[places]
	if len(digits) < len(cell) {
		v = -v
	}
	return v, true
}

// tens are powers of ten.
var tens = [...]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15}

// longestNumber is how long a number may be, in characters: all digits of any number in double
// precision.
const longestNumber = 1100

// number reads a cell: a finite number, or NaN for a missing value.
func number(cell string) (float64, bool) {
	if v, ok := decimal(cell); ok {
		return v, true
	}
	cell = strings.TrimSpace(cell)
	if cell == "" || cell[0] > '9' || len(cell) == 1 { // else it is not one of these
		for _, m := range missing {
			if strings.EqualFold(cell, m) {
				return math.NaN(), true
			}
		}
	}
	if len(cell) > longestNumber {
		return math.NaN(), false
	}
	v, err := strconv.ParseFloat(cell, 64)
	// ParseFloat also takes inf, infinity and hexadecimal numbers.
	return v, err == nil && !math.IsInf(v, 0) && strings.IndexByte(cell, 'x') < 0 && strings.IndexByte(cell, 'X') < 0 && strings.IndexByte(cell, '_') < 0
}

// notANumber says why a cell is none.
func notANumber(cell string) *Error {
	shown := clipped(cell)
	e := &Error{Text: fmt.Sprintf("`%s` is not a number", shown), Help: "numbers have a decimal point; a missing value is an empty cell or NaN"}
	if len(cell) > longestNumber {
		return e
	}
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
	text = r.t.at(r.i, k)
	value, isNumber = number(text)
	return text, value, isNumber, nil
}

// cell is the cell of a column, which there is, in row i, as it was written.
func (t *Table) cell(i int, column string) string {
	return t.at(i, t.index[column])
}

// errorf is a mistake in the row.
func (r Row) errorf(format string, args ...any) *Error {
	return &Error{File: r.t.Name, Line: r.t.Line(r.i), Text: fmt.Sprintf(format, args...)}
}
