package data

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// Which rows of a table count, and when they are.

// satisfies reports whether a condition holds in a row; none holds nowhere.
func (r Row) satisfies(where func(Row) (bool, error)) (bool, error) {
	if where == nil {
		return false, nil
	}
	return where(r)
}

// kept are the rows that a condition keeps; nil: all.
func (t *Table) kept(where func(Row) (bool, error)) (keep []int, err error) {
	if where == nil {
		return nil, nil
	}
	for i := range t.Len() {
		is, err := where(Row{t, i})
		if err != nil {
			return nil, err
		}
		if is {
			keep = append(keep, i)
		}
	}
	if len(keep) == 0 {
		return nil, &Error{File: t.Name, Text: "no row satisfies the condition `where`", Help: "see the data block"}
	}
	return keep, nil
}

// only is the table with these rows; nil: all.
func (t *Table) only(keep []int) *Table {
	if keep == nil || len(keep) == t.Len() {
		return t
	}
	return &Table{Name: t.Name, Columns: t.Columns, index: t.index, view: &view{of: t, pick: keep}}
}

// chosen reads a column that counts in some rows: in others it is missing, whatever stands there.
func (t *Table) chosen(c target, stride int) error {
	k, err := t.column(c.Name)
	if err != nil {
		return err
	}
	for i := range t.Len() {
		v := math.NaN()
		switch is, err := c.Where(Row{t, i}); {
		case err != nil:
			return err
		case is:
			if v, is = c.number(t.at(i, k)); !is {
				return t.noNumber(i, k)
			}
		}
		c.to[i*stride] = v
	}
	return nil
}

// view is a table of rows of another one, and of further columns of rows of a third.
type view struct {
	of, other *Table
	pick      []int // for each row that of the first table
	with      []int // and of the second
	from      []int // the columns of the second
}

// Join adds to each row the other columns of the row of another table that has the same
// values in the columns by.
func (t *Table) Join(other *Table, by []string) (*Table, error) {
	key := func(t *Table, i int) (string, error) {
		parts := make([]string, len(by))
		for k, name := range by {
			c, err := t.column(name)
			if err != nil {
				return "", err
			}
			parts[k] = t.at(i, c)
		}
		return strings.Join(parts, "\x00"), nil
	}
	rows := map[string]int{}
	for i := range other.Len() {
		k, err := key(other, i)
		if err != nil {
			return nil, err
		}
		if first, twice := rows[k]; twice {
			e := Row{other, i}.errorf("`%s` stands in line %d too", strings.ReplaceAll(k, "\x00", ", "), other.Line(first))
			e.Help = "rows are joined with one row of this table each"
			return nil, e
		}
		rows[k] = i
	}
	out := &Table{Name: t.Name, index: map[string]int{}, Columns: slices.Clone(t.Columns), view: &view{of: t, other: other}}
	for i, c := range t.Columns {
		out.index[c] = i
	}
	v := out.view
	for i, c := range other.Columns {
		if slices.Contains(by, c) {
			continue
		}
		if _, twice := out.index[c]; twice {
			return nil, &Error{File: other.Name, Text: fmt.Sprintf("column `%s` is in %s too", c, t.Name), Help: "rename one of them, or join by it"}
		}
		v.from = append(v.from, i)
		out.index[c] = len(out.Columns)
		out.Columns = append(out.Columns, c)
	}
	for i := range t.Len() {
		k, err := key(t, i)
		if err != nil {
			return nil, err
		}
		j, ok := rows[k]
		if !ok {
			e := Row{t, i}.errorf("`%s` is not in %s", strings.ReplaceAll(k, "\x00", ", "), other.Name)
			e.Help = "every row is joined with one of that table"
			return nil, e
		}
		v.pick, v.with = append(v.pick, i), append(v.with, j)
	}
	return out, nil
}

// dateForms are the forms of ISO 8601 that times are read in, and of clocks.
var (
	dateForms = []string{
		time.RFC3339, "2006-01-02T15:04Z07:00", "2006-01-02 15:04:05Z07:00", "2006-01-02T15:04:05", "2006-01-02 15:04:05",
		"2006-01-02T15:04", "2006-01-02 15:04", "2006-01-02",
	}
	clockForms = []string{"15:04:05", "15:04"}
)

// instant reads a date or a clock time.
func instant(cell string, forms []string) (time.Time, bool) {
	for _, f := range forms {
		if at, err := time.Parse(f, cell); err == nil {
			return at, true
		}
	}
	return time.Time{}, false
}

// times are those of the rows: numbers, clock times since midnight, or dates, of which
// each trajectory counts from its first: see sinceFirst.
func (t *Table) times(spec *Spec) (out []float64, dates bool, err error) {
	k, err := t.column(spec.Time.Name)
	if err != nil {
		return nil, false, err
	}
	first := t.at(0, k)
	if _, is := number(first); is {
		out, err = t.inUnit(spec.Time)
		return out, false, err
	}
	forms, dates := clockForms, false
	from, ok := instant(first, clockForms)
	if ok {
		from = from.Truncate(24 * time.Hour)
	} else if from, ok = instant(first, dateForms); ok {
		forms, dates = dateForms, true
	}
	if !ok {
		_, err = t.inUnit(spec.Time) // says what is wrong with it
		return nil, false, err
	}
	out = make([]float64, t.Len())
	for i := range out {
		at, ok := instant(t.at(i, k), forms)
		if !ok {
			e := Row{t, i}.errorf("`%s` is not a time like `%s` in line %d", clipped(t.at(i, k)), clipped(first), t.Line(0))
			e.Column, e.Help = spec.Time.Name, "all times of a column have one form: numbers, ISO dates (2026-05-01T12:30:00) or clock times (12:30)"
			return nil, false, e
		}
		out[i] = at.Sub(from).Seconds() * spec.Second
	}
	if spec.Second == 0 {
		e := Row{t, 0}.errorf("dates and clock times need a unit of the time in the model")
		e.Column, e.Help = spec.Time.Name, "declare it: `time t: h`"
		return nil, false, e
	}
	return out, dates, nil
}

// sinceFirst lets the times of some rows count from the first of them.
func sinceFirst(times []float64, rows *picked) {
	first := math.Inf(1)
	for i := range rows.n {
		first = min(first, times[rows.at(i)])
	}
	for i := range rows.n {
		times[rows.at(i)] -= first
	}
}
