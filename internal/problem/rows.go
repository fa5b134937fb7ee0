package problem

import (
	"github.com/pinode/pinode/data"
)

// Row is one row of data at a save. What it has stands in columns that rows share, so that a row of
// a long table takes little more than its numbers.
type Row struct {
	of       *columns
	at, save int32
}

// columns are what rows have. One that is empty says the same of all rows: that everything was
// measured, that nothing is known before, that no loss term was asked whether it counts.
type columns struct {
	time               []float64
	data, seen, inputs data.Numbers
	own                data.Numbers
	values, counted    []int32
	losses             []bool
	lines              data.Lines
	known              []bool

	whole   []float64 // what is seen of a row without missing values
	weighty int32     // how many values of such a row are of observations with a weight
	terms   int       // loss terms
}

// Save is the save that the row is read at.
func (r Row) Save() int { return int(r.save) }

// Move lets it be read so many saves later.
func (r *Row) Move(by int) { r.save += int32(by) }

// Time is when it was measured.
func (r Row) Time() float64 { return r.of.time[r.at] }

// Data are the measured values, and others of their observations where they are missing.
func (r Row) Data() []float64 { return r.of.data.At(int(r.at)) }

// Seen says which values were measured: 1, or 0.
func (r Row) Seen() []float64 {
	if r.of.seen.Len() == 0 {
		return r.of.whole
	}
	return r.of.seen.At(int(r.at))
}

// Inputs are the inputs at the row, which may be those of its own columns.
func (r Row) Inputs() []float64 { return r.of.inputs.At(int(r.at)) }

// Own is what else it has of its own: see lower.Layout.Due.
func (r Row) Own() []float64 {
	if r.of.own.Len() == 0 {
		return nil
	}
	return r.of.own.At(int(r.at))
}

// Values is how many values were measured.
func (r Row) Values() int {
	if r.of.values == nil {
		return len(r.of.whole)
	}
	return int(r.of.values[r.at])
}

// Counted is how many of them are of observations with a weight.
func (r Row) Counted() int {
	if r.of.counted == nil {
		return int(r.of.weighty)
	}
	return int(r.of.counted[r.at])
}

// Losses says which loss terms count, if it was asked.
func (r Row) Losses() []bool {
	n := r.of.terms
	return r.of.losses[int(r.at)*n:][:n:n]
}

// Asked reports whether it was asked which loss terms count.
func (r Row) Asked() bool { return r.of.losses != nil }

// Line is the line of the file.
func (r Row) Line() int { return r.of.lines.At(int(r.at)) }

// Known reports whether the row is known when predicting: see Trajectory.Predict.
func (r Row) Known() bool { return r.of.known != nil && r.of.known[r.at] }

// Recount sets how many values were measured, and how many of them are of observations with a
// weight. Rows that share its columns must not be others: see Apart.
func (r Row) Recount(values, counted int) {
	r.of.count()
	r.of.values[r.at], r.of.counted[r.at] = int32(values), int32(counted)
}

// Apart are the rows with columns of their own, which may be changed.
func Apart(list []Row) []Row {
	if len(list) == 0 {
		return nil
	}
	c, out := list[0].of.room(len(list)), make([]Row, len(list))
	if list[0].Asked() {
		c.losses = make([]bool, 0, c.terms*len(list))
	}
	for i, r := range list {
		c.time = append(c.time, r.Time())
		c.data.Append(r.Data()...)
		c.seen.Append(r.Seen()...)
		c.inputs.Append(r.Inputs()...)
		if r.of.own.Len() > 0 {
			c.own.Append(r.Own()...)
		}
		c.values, c.counted = append(c.values, int32(r.Values())), append(c.counted, int32(r.Counted()))
		if r.Asked() {
			c.losses = append(c.losses, r.Losses()...)
		}
		c.lines.Add(r.Line())
		c.known = append(c.known, r.Known())
		out[i] = Row{c, int32(i), r.save}
	}
	return out
}

// Ask notes that rows, which are apart, are asked which of so many loss terms count: of none so far.
func Ask(list []Row, terms int) {
	if len(list) > 0 {
		c := list[0].of
		c.terms, c.losses = terms, make([]bool, terms*len(c.time))
	}
}

// Forget lets rows, which are apart, be asked anew.
func Forget(list []Row) {
	if len(list) > 0 {
		list[0].of.losses, list[0].of.terms = nil, 0
	}
}

// ownRoom gives all rows of the columns room for so many numbers of their own.
func (c *columns) ownRoom(width int) {
	if c.own.Len() > 0 {
		return
	}
	c.own = data.Room(len(c.time), width)
	for range c.time {
		c.own.Append(make([]float64, width)...)
	}
}

// room are empty columns for so many rows.
func (c *columns) room(rows int) *columns {
	width := len(c.whole)
	return &columns{
		time: make([]float64, 0, rows), data: data.Room(rows, width), seen: data.Room(rows, width),
		values: make([]int32, 0, rows), counted: make([]int32, 0, rows), known: make([]bool, 0, rows),
		whole: c.whole, weighty: c.weighty, terms: c.terms,
	}
}

// count makes columns of how much was measured.
func (c *columns) count() {
	if c.values != nil {
		return
	}
	c.values, c.counted = make([]int32, len(c.time)), make([]int32, len(c.time))
	for i := range c.values {
		c.values[i], c.counted[i] = int32(len(c.whole)), c.weighty
	}
}
