package simulate

import (
	"fmt"
	"slices"

	"github.com/pinode/pinode/data"
	"github.com/pinode/pinode/dsl/diag"
)

// places are those of a table at which fields are written.
type places struct {
	file  string
	along [][]float64 // by coordinate, the place of each row
	times []float64   // of each row; nil: all output times
	line  func(row int) int
}

// timeColumn is the column of the times in the tables that are written, and in those of places.
const timeColumn = "t"

// readPlaces reads the table that the setting `at` names, if there is one.
func (m *Simulator) readPlaces() error {
	if m.places = nil; !m.Settings.Given("at") {
		return nil
	}
	coordinates := m.Prog.Checked.Model.Coordinates
	l, at := &diag.List{}, m.simulateSpan()
	if len(coordinates) == 0 {
		l.Errorf("no-effect", at, "the model has no fields, so there are no places to write them `at`")
		return l.Err()
	}
	t, err := data.ReadFile(m.Data.Beside(m.Settings.Word("at")))
	if err != nil {
		return err
	}
	p := &places{file: t.Name, line: t.Line}
	if p.times, err = p.column(t, timeColumn); slices.Contains(t.Columns, timeColumn) && err != nil {
		return err
	}
	for _, other := range []string{"grid", "times", "step"} {
		if m.Settings.Given(other) && (other == "grid" || p.times != nil) {
			l.Errorf("no-effect", at, "`%s` has no effect beside the table `%s`, which says where and when fields are written", other, t.Name)
		}
	}
	for _, c := range coordinates {
		x, err := p.column(t, c.Name)
		if err != nil {
			return err
		}
		for i, v := range x {
			if !(v >= c.Lo && v <= c.Hi) {
				return p.wrong(i, c.Name, fmt.Sprintf("%g is outside of the domain, from %g to %g", v, c.Lo, c.Hi), "")
			}
		}
		p.along = append(p.along, x)
	}
	m.places = p
	return l.Err()
}

// column are the numbers of a column, all of which have to be there.
func (p *places) column(t *data.Table, name string) ([]float64, error) {
	x, err := t.Floats(name)
	if err != nil {
		return nil, err
	}
	for i, v := range x {
		if v != v {
			return nil, p.wrong(i, name, "the value is missing", "each row is a place; remove those without one")
		}
	}
	return x, nil
}

func (p *places) wrong(row int, column, text, help string) error {
	return &data.Error{File: p.file, Line: p.line(row), Column: column, Text: text, Help: help}
}

// told reports whether the places have times of their own.
func (p *places) told() bool { return p != nil && p.times != nil }

// saves are the times of the places, each once.
func (p *places) saves(from, until float64) ([]float64, error) {
	for i, t := range p.times {
		if !(t >= from && t <= until) {
			return nil, p.wrong(i, timeColumn, fmt.Sprintf("the time %g is outside of the simulation, which goes from %g to %g", t, from, until), "")
		}
	}
	list := slices.Clone(p.times)
	slices.Sort(list)
	return slices.Compact(list), nil
}

// rowsAt are the rows of the places that are written at a save, whose times are saves.
func (p *places) rowsAt(saves []float64) [][]int {
	by := make([][]int, len(saves))
	for i, t := range p.times {
		k, _ := slices.BinarySearch(saves, t)
		by[k] = append(by[k], i)
	}
	return by
}
