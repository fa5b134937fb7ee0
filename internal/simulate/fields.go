package simulate

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/pinode/pinode/compiler"
	"github.com/pinode/pinode/compiler/check"
	"github.com/pinode/pinode/compiler/lower"
	"github.com/pinode/pinode/internal/explain"
)

// fieldTable writes fields at places: a row of a simulation becomes one for each place, told by
// columns of the coordinates behind the time.
type fieldTable struct {
	grid   *check.Grid
	axes   []*check.Coordinate
	at     [][]float64 // the places along each
	given  bool        // they are not the centres of cells
	listed bool        // they are not all combinations: each has its own place along all axes
	fields []fieldColumn
}

// fieldColumn is a column of the table: one number of the run's row, or a number for each cell.
type fieldColumn struct {
	from  int // in the run's row
	over  []*check.Coordinate
	means bool
}

// newFieldTable is that of a model with fields, with the columns in the place of those of the run;
// nil for any other model. counts has how many places there are along each coordinate; empty: the
// centres of cells, or those that are listed.
func newFieldTable(p *compiler.Program, out *Simulation, counts []float64, list *places) (*fieldTable, error) {
	m := p.Checked.Model
	g := m.Gridded
	if g == nil {
		if len(counts) > 0 {
			return nil, fmt.Errorf("the model has no fields, so there is no `grid` of places to write them at")
		}
		return nil, nil
	}
	t := &fieldTable{grid: g.Grid, axes: m.Coordinates, given: len(counts) > 0}
	if list != nil {
		t.given, t.listed, t.at = true, true, list.along
		t.columns(p, out)
		return t, nil
	}
	if t.given && len(counts) != len(t.axes) {
		return nil, fmt.Errorf("`grid` has %d numbers; it says for each of the %d coordinates how many places there are along it", len(counts), len(t.axes))
	}
	for i, c := range t.axes {
		n := g.Grid.Cells[c.Axis]
		h := (c.Hi - c.Lo) / float64(n)
		if !t.given {
			t.at = append(t.at, evenly(n, c.Lo+h/2, h))
			continue
		}
		k := int(counts[i])
		if float64(k) != counts[i] || k < 1 {
			return nil, fmt.Errorf("`grid` counts places: %g is no whole number above 0", counts[i])
		}
		switch {
		case c.Periodic:
			t.at = append(t.at, evenly(k, c.Lo, (c.Hi-c.Lo)/float64(k)))
		case k == 1:
			t.at = append(t.at, []float64{(c.Lo + c.Hi) / 2})
		default:
			t.at = append(t.at, evenly(k, c.Lo, (c.Hi-c.Lo)/float64(k-1)))
			t.at[i][k-1] = c.Hi
		}
	}
	t.columns(p, out)
	return t, nil
}

func evenly(n int, from, step float64) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = from + float64(i)*step
	}
	return out
}

// columns are those of the table.
func (t *fieldTable) columns(p *compiler.Program, out *Simulation) {
	g, lay := p.Checked.Model.Gridded, &p.Model.Layout
	names, units := out.Columns[:1:1], out.Units[:1:1]
	for _, c := range t.axes {
		names, units = append(names, c.Name), append(units, explain.UnitOf(p, &c.Obj))
	}
	from := 1
	add := func(o check.Object, n int) {
		over, ok := g.Over[o]
		if !ok || len(over) == 0 {
			for i := range n {
				names, units = append(names, out.Columns[from+i]), append(units, out.Units[from+i])
				t.fields = append(t.fields, fieldColumn{from: from + i})
			}
			from += n
			return
		}
		nodes := t.grid.Nodes(over)
		_, isState := o.(*check.State)
		over = slices.Clone(over)
		slices.SortFunc(over, func(a, b *check.Coordinate) int { return a.Axis - b.Axis })
		for k := range n / nodes {
			name := o.Info().Name
			if n > nodes {
				name = fmt.Sprintf("%s[%d]", name, k)
			}
			for slices.Contains(names, name) {
				name += "_obs"
			}
			names, units = append(names, name), append(units, out.Units[from])
			t.fields = append(t.fields, fieldColumn{from: from, over: over, means: isState && t.grid.Scheme != "spectral"})
			from += nodes
		}
	}
	for _, list := range [][]lower.Slot{lay.States, lay.Discretes} {
		for _, s := range list {
			add(s.Object, s.N)
		}
	}
	for i := 0; i < len(lay.Outputs); {
		n := lay.Outputs[i].Object.Info().Shape.Size()
		add(lay.Outputs[i].Object, n)
		i += n
	}
	out.Columns, out.Units = names, units
}

// size is the number of places.
func (t *fieldTable) size() int {
	if t.listed {
		return len(t.at[0])
	}
	n := 1
	for _, at := range t.at {
		n *= len(at)
	}
	return n
}

// rows are those of the table for a row of a run.
func (t *fieldTable) rows(row []float64) (out [][]float64) {
	values := make([][]float64, len(t.fields))
	for i, f := range t.fields {
		values[i] = t.values(row, f)
	}
	for k := range t.size() {
		line := make([]float64, 1+len(t.axes)+len(t.fields))
		line[0] = row[0]
		place, rest := make([]int, len(t.axes)), k
		for i := len(t.axes) - 1; i >= 0; i-- {
			place[i] = rest % len(t.at[i])
			rest /= len(t.at[i])
			line[1+i] = t.at[i][place[i]]
		}
		for i, f := range t.fields {
			at := 0
			for _, c := range f.over {
				a := slices.Index(t.axes, c)
				at = at*len(t.at[a]) + place[a]
			}
			line[1+len(t.axes)+i] = values[i][at]
		}
		out = append(out, line)
	}
	return out
}

// line is the row of the table for a listed place.
func (t *fieldTable) line(row []float64, place int) []float64 {
	line := append(make([]float64, 0, 1+len(t.axes)+len(t.fields)), row[0])
	for _, at := range t.at {
		line = append(line, at[place])
	}
	for _, f := range t.fields {
		v := row[f.from : f.from+1]
		if len(f.over) > 0 {
			v = row[f.from : f.from+t.grid.Nodes(f.over)]
		}
		line = append(line, t.one(v, f.over, f.means, place))
	}
	return line
}

// one is the value at a listed place of what has values in the cells along some axes.
func (t *fieldTable) one(v []float64, over []*check.Coordinate, means bool, place int) (sum float64) {
	if len(over) == 0 {
		return v[0]
	}
	c := over[0]
	cells := t.grid.Cells[c.Axis]
	stride := len(v) / cells
	first, w := t.weights(c, means, t.at[slices.Index(t.axes, c)][place])
	for s, a := range w {
		cell := ((first+s)%cells + cells) % cells
		sum += a * t.one(v[cell*stride:][:stride], over[1:], means, place)
	}
	return sum
}

// values are those of a column at the places along its own axes.
func (t *fieldTable) values(row []float64, f fieldColumn) []float64 {
	if len(f.over) == 0 {
		return row[f.from : f.from+1]
	}
	n := t.grid.Nodes(f.over)
	v := row[f.from : f.from+n]
	if !t.given && (!f.means || t.grid.Scheme != "weno5" && t.grid.Order <= 2) {
		return v
	}
	post := n
	pre := 1
	for _, c := range f.over { // axis by axis
		cells := t.grid.Cells[c.Axis]
		post /= cells
		at := t.at[slices.Index(t.axes, c)]
		next := make([]float64, pre*len(at)*post)
		for k, x := range at {
			first, w := t.weights(c, f.means, x)
			for i := range pre {
				for j := range post {
					sum := 0.
					for s, a := range w {
						cell := ((first+s)%cells + cells) % cells
						sum += a * v[(i*cells+cell)*post+j]
					}
					next[(i*len(at)+k)*post+j] = sum
				}
			}
		}
		v = next
		pre *= len(at)
	}
	return v
}

// weights are those of cells for the value at a place.
func (t *fieldTable) weights(c *check.Coordinate, means bool, x float64) (first int, w []float64) {
	cells := t.grid.Cells[c.Axis]
	at := (x - c.Lo) / (c.Hi - c.Lo) * float64(cells)
	if t.grid.Scheme != "spectral" {
		order := t.grid.Order
		if t.grid.Scheme == "weno5" {
			order = 6
		}
		return lower.Interpolation(max(2, order), cells, means, c.Periodic, at)
	}
	w = make([]float64, cells) // the trigonometric polynomial, as on the grid
	for i := range w {
		theta := math.Pi / float64(cells) * (at - float64(i) - 0.5)
		s := math.Sin(theta)
		if math.Abs(s) < 1e-9 {
			w[i] = 1
			continue
		}
		w[i] = math.Sin(float64(cells)*theta) / (float64(cells) * s)
		if cells%2 == 0 {
			w[i] *= math.Cos(theta)
		}
	}
	return 0, w
}

// observedTable is the table of rows of data of a model with fields: the coordinates that they
// tell, and what is predicted there.
type observedTable struct {
	coordinates []int // in a row's data
}

// newObservedTable makes its columns: the time, the coordinates and the predictions.
func newObservedTable(p *compiler.Program, out *Simulation) *observedTable {
	t := &observedTable{}
	names, units := out.Columns[:1:1], out.Units[:1:1]
	for _, s := range p.Model.Layout.Observes {
		for _, c := range p.Checked.Model.Coordinates {
			if s.Object == check.Object(c.Row) {
				t.coordinates = append(t.coordinates, s.Off)
				names, units = append(names, c.Name), append(units, explain.UnitOf(p, &c.Obj))
			}
		}
	}
	is := explain.Predicted(p)
	for _, s := range p.Model.Layout.Observes {
		o := s.Object.(*check.Observe)
		for i := range s.N {
			if is[s.Off+i] {
				names, units = append(names, lower.ElementName(&o.Obj, i)), append(units, explain.UnitOf(p, &o.Obj))
			}
		}
	}
	out.Columns, out.Units = names, units
	return t
}

// told is how many columns say when and where a row is.
func (r *ensemble) told() int {
	switch {
	case r.fields != nil:
		return 1 + len(r.fields.axes)
	case r.observed != nil:
		return 1 + len(r.observed.coordinates)
	}
	return 1
}

// varies reports whether one of the outputs that are asked for varies over coordinates.
func varies(p *compiler.Program, names []string) bool {
	g := p.Checked.Model.Gridded
	if g == nil {
		return true
	}
	for o, over := range g.Over {
		for _, n := range names {
			if name := o.Info().Name; len(over) > 0 && (n == name || strings.HasPrefix(n, name+"[")) {
				return true
			}
		}
	}
	return false
}
