// Package parquet reads tables of Apache Parquet. A program that imports it can name .parquet
// files in data blocks, as the command does:
//
//	import _ "github.com/pinode/pinode/data/parquet"
//
// It owns what the cells of such a file are as text; what they mean is the matter of data.
package parquet

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"

	"github.com/pinode/pinode/data"
)

func init() { data.Readers[".parquet"] = Read }

// Read reads a table of plain columns: numbers, truth values (as 1 and 0), texts, dates, times
// of day and instants, as they would stand in a CSV. Its rows are counted from 1.
func Read(name string, r io.Reader) (t *data.Table, err error) {
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, &data.Error{File: name, Text: err.Error(), Cause: err}
	}
	// The library panics on some files that are damaged.
	defer func() {
		if p := recover(); p != nil {
			t, err = nil, damaged(name, fmt.Errorf("%v", p))
		}
	}()
	f, err := parquet.OpenFile(bytes.NewReader(text), int64(len(text)), parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
	if err != nil {
		return nil, damaged(name, err)
	}
	spans := durations(f)
	var names []string
	var cells []func(parquet.Value) []byte
	for _, c := range f.Root().Columns() {
		cell := cellOf(c)
		if unit, is := spans[c.Name()]; is && cell != nil {
			cell = passed(unit)
		}
		if cell == nil {
			return nil, &data.Error{
				File: name, Column: c.Name(), Text: fmt.Sprintf("a column of the type `%s` is not read", typeOf(c)),
				Help: "columns are numbers, truth values, texts, dates and times; lists and groups go to columns of their own",
			}
		}
		names, cells = append(names, c.Name()), append(cells, cell)
	}
	table, err := data.NewCells(name, names)
	if err != nil {
		return nil, err
	}
	for _, g := range f.RowGroups() {
		if err := addGroup(table, g, cells); err != nil {
			var de *data.Error
			if errors.As(err, &de) {
				return nil, err
			}
			return nil, damaged(name, err)
		}
	}
	return table.Table()
}

// durations are the columns of times that have passed, which are whole numbers to Parquet, and
// their units, as Arrow or pandas notes them.
func durations(f *parquet.File) map[string]time.Duration {
	text, _ := f.Lookup("ARROW:schema")
	of := arrowDurations(text)
	text, _ = f.Lookup("pandas")
	var noted struct {
		Columns []struct {
			Field string `json:"field_name"`
			Type  string `json:"numpy_type"`
		}
	}
	if json.Unmarshal([]byte(text), &noted) != nil { // there are no such notes
		return of
	}
	units := map[string]time.Duration{
		"timedelta64[ns]": time.Nanosecond, "timedelta64[us]": time.Microsecond, "timedelta64[ms]": time.Millisecond, "timedelta64[s]": time.Second,
	}
	for _, c := range noted.Columns {
		if unit, is := units[c.Type]; is {
			if of == nil {
				of = map[string]time.Duration{}
			}
			of[c.Field] = unit
		}
	}
	return of
}

// passed are the cells of such a column.
func passed(unit time.Duration) func(parquet.Value) []byte {
	return func(v parquet.Value) []byte { return []byte(data.Span(time.Duration(v.Int64()) * unit)) }
}

func damaged(name string, err error) error {
	return &data.Error{File: name, Text: fmt.Sprintf("the file is no Parquet table that can be read: %s", err), Cause: err}
}

// addGroup adds the rows of a group.
func addGroup(table *data.Cells, g parquet.RowGroup, cells []func(parquet.Value) []byte) error {
	rows := g.Rows()
	defer rows.Close()
	buf := make([]parquet.Row, 256)
	for {
		n, err := rows.ReadRows(buf)
		for _, row := range buf[:n] {
			if len(row) != len(cells) {
				return fmt.Errorf("a row has %d cells, not %d", len(row), len(cells))
			}
			for k, v := range row {
				var cell []byte
				if !v.IsNull() {
					cell = cells[k](v)
				}
				if err := table.Text(cell); err != nil {
					return err
				}
			}
			table.EndRow()
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func typeOf(c *parquet.Column) string {
	if !c.Leaf() {
		return "group"
	}
	if c.Repeated() {
		return "list"
	}
	return c.Type().String()
}

// cellOf is what a value of a column is as text; nil where such columns are not read.
func cellOf(c *parquet.Column) func(parquet.Value) []byte {
	if !c.Leaf() || c.Repeated() {
		return nil
	}
	if l := c.Type().LogicalType(); l != nil {
		switch l := l.Value.(type) {
		case *format.DateType:
			return func(v parquet.Value) []byte {
				return []byte(time.Unix(int64(v.Int32())*86400, 0).UTC().Format(time.DateOnly))
			}
		case *format.TimestampType:
			unit := tick(l.Unit)
			layout := "2006-01-02T15:04:05.999999999"
			if l.IsAdjustedToUTC {
				layout += "Z"
			}
			return func(v parquet.Value) []byte {
				// Not in nanoseconds, which an int64 holds for 292 years only.
				n := v.Int64()
				per := int64(time.Second / unit)
				sec, part := n/per, n%per
				return []byte(time.Unix(sec, part*int64(unit)).UTC().Format(layout))
			}
		case *format.TimeType:
			unit := tick(l.Unit)
			return func(v parquet.Value) []byte {
				n := v.Int64()
				if v.Kind() == parquet.Int32 {
					n = int64(v.Int32())
				}
				return []byte(time.Unix(0, n*int64(unit)).UTC().Format("15:04:05.999999999"))
			}
		case *format.DecimalType:
			return decimal(c.Type().Kind(), int(l.Scale))
		case *format.IntType:
			if !l.IsSigned {
				return unsigned(c.Type().Kind())
			}
		}
	}
	return plain(c.Type().Kind())
}

// tick is the unit of a time.
func tick(u format.TimeUnit) time.Duration {
	switch u.Value.(type) {
	case *format.MilliSeconds:
		return time.Millisecond
	case *format.MicroSeconds:
		return time.Microsecond
	}
	return time.Nanosecond
}

// decimal is a whole number that stands for so many decimal places.
func decimal(kind parquet.Kind, places int) func(parquet.Value) []byte {
	whole := plain(kind)
	if kind != parquet.Int32 && kind != parquet.Int64 {
		return nil
	}
	return func(v parquet.Value) []byte { return append(whole(v), fmt.Sprintf("e%d", -places)...) }
}

func unsigned(kind parquet.Kind) func(parquet.Value) []byte {
	if kind == parquet.Int32 {
		return func(v parquet.Value) []byte { return strconv.AppendUint(nil, uint64(v.Uint32()), 10) }
	}
	return func(v parquet.Value) []byte { return strconv.AppendUint(nil, v.Uint64(), 10) }
}

// plain are the cells of a column whose values mean what they are.
func plain(kind parquet.Kind) func(parquet.Value) []byte {
	float := func(v float64, bits int) []byte {
		if v != v {
			return nil
		}
		return strconv.AppendFloat(nil, v, 'g', -1, bits)
	}
	switch kind {
	case parquet.Boolean:
		return func(v parquet.Value) []byte {
			if v.Boolean() {
				return []byte("1")
			}
			return []byte("0")
		}
	case parquet.Int32:
		return func(v parquet.Value) []byte { return strconv.AppendInt(nil, int64(v.Int32()), 10) }
	case parquet.Int64:
		return func(v parquet.Value) []byte { return strconv.AppendInt(nil, v.Int64(), 10) }
	case parquet.Float:
		return func(v parquet.Value) []byte { return float(float64(v.Float()), 32) }
	case parquet.Double:
		return func(v parquet.Value) []byte { return float(v.Double(), 64) }
	case parquet.ByteArray:
		return func(v parquet.Value) []byte { return v.ByteArray() }
	}
	return nil // INT96 and texts of a fixed length
}
