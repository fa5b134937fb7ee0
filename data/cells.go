package data

import (
	"bytes"
	"math"
	"strconv"
	"unsafe"
)

// Cells is a table in the making whose cells come one by one, of a file that is no text. The
// lines of its rows are counted from 1.
type Cells struct {
	t    *Table
	text []byte
	from int // where the row that is written begins
}

// NewCells is a table with these columns and no rows yet.
func NewCells(name string, columns []string) (*Cells, error) {
	c := &Cells{t: &Table{Name: name, index: map[string]int{}, comma: endOfCell}}
	if len(columns) == 0 {
		return nil, &Error{File: name, Text: "there are no columns"}
	}
	return c, c.t.name(columns, 0)
}

// Text adds a cell to the row; what is missing is the empty text.
func (c *Cells) Text(cell []byte) error {
	if bytes.IndexByte(cell, endOfCell) >= 0 {
		return notText(c.t.Name)
	}
	c.text = append(append(c.text, cell...), endOfCell)
	return nil
}

// Number adds a cell with a number, of so many bits, to the row; NaN is missing.
func (c *Cells) Number(v float64, bits int) {
	if !math.IsNaN(v) {
		c.text = strconv.AppendFloat(c.text, v, 'g', -1, bits)
	}
	c.text = append(c.text, endOfCell)
}

// EndRow ends a row, to which as many cells were added as there are columns.
func (c *Cells) EndRow() {
	c.t.add(c.from, len(c.t.starts)+1, c.text[c.from:], endOfCell)
	c.from = len(c.text)
}

// Table is the table, to which nothing is added any more.
func (c *Cells) Table() (*Table, error) {
	if len(c.t.starts) == 0 {
		return nil, &Error{File: c.t.Name, Text: "the table has no rows"}
	}
	c.t.text = unsafe.String(unsafe.SliceData(c.text), len(c.text))
	return c.t, nil
}
