package data

import (
	"fmt"
	"math"
	"slices"
	"strings"
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
