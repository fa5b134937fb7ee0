package simulate

import (
	"math"
	"slices"

	"github.com/pinode/pinode/internal/engine"
	"github.com/pinode/pinode/internal/explain"
	"github.com/pinode/pinode/internal/problem"
	"github.com/pinode/pinode/sim"
)

// measured adds the columns of measured values and of residuals to those of a
// simulation, and returns which components of observations have them.
func (m *Simulator) measured(out *Simulation) (list []int) {
	names := explain.ObservationNames(m.Prog.Program)
	is := explain.Predicted(m.Prog.Program)
	for _, s := range m.Prog.Model.Layout.Observes {
		unit := explain.UnitOf(m.Prog.Program, s.Object.Info())
		for i := s.Off; i < s.Off+s.N; i++ {
			if is[i] {
				list = append(list, i)
				out.Columns = append(out.Columns, names[i]+"_data", names[i]+"_residual")
				out.Units = append(out.Units, unit, unit)
			}
		}
	}
	return list
}

// table chooses the columns of a run's rows. With data a save has a row for each row of
// data that is read there, with the measured values and the residuals behind it.
func (r *ensemble) table(it *problem.Trajectory, sys *engine.System, tr *sim.Trajectory, rows [][]float64, saves []int) (out [][]float64) {
	if r.fields != nil && r.fields.listed {
		return r.listed(it.Span.Saves, rows, saves)
	}
	if len(r.measured) == 0 {
		for _, row := range rows {
			if r.fields != nil {
				for _, line := range r.fields.rows(row) {
					out = append(out, r.pick(line))
				}
				continue
			}
			out = append(out, r.pick(row))
		}
		return out
	}
	of := map[int][]problem.Row{}
	for k := range it.Rows {
		of[it.Rows[k].Save()] = append(of[it.Rows[k].Save()], it.Rows[k])
	}
	for i, row := range rows {
		if of[saves[i]] == nil { // an instant
			if r.observed != nil {
				continue // it is at no place
			}
			out = append(out, r.beside(r.pick(row), nil, nil))
		}
		for _, d := range of[saves[i]] {
			k := d.Save()
			sys.RowAt(it.Span.Saves[k], tr.SaveY.At(k), tr.SaveD.At(k), tr.BeforeY.At(k), tr.BeforeD.At(k), d.Data(), d.Seen(), d.Inputs(), d.Own())
			pred := sys.Predict()
			if r.observed != nil {
				line := row[:1:1]
				for _, k := range r.observed.coordinates {
					line = append(line, d.Data()[k])
				}
				for _, k := range r.measured {
					line = append(line, pred[k])
				}
				out = append(out, r.beside(r.pick(line), &d, pred))
				continue
			}
			for k, of := range r.measured {
				row[len(row)-len(r.measured)+k] = pred[of]
			}
			out = append(out, r.beside(r.pick(row), &d, pred))
		}
	}
	return out
}

// listed are the rows of listed places: at all rows of a run, or, where they have times, at the saves of these, in
// the order of the list.
func (r *ensemble) listed(times []float64, rows [][]float64, saves []int) (out [][]float64) {
	t := r.fields
	if !r.places.told() {
		for _, row := range rows {
			for place := range t.size() {
				out = append(out, r.pick(t.line(row, place)))
			}
		}
		return out
	}
	by := r.places.rowsAt(times)
	out = make([][]float64, t.size())
	for i, row := range rows {
		if saves[i] < 0 { // an instant, which no place has
			continue
		}
		for _, place := range by[saves[i]] {
			out[place] = r.pick(t.line(row, place))
		}
	}
	return slices.DeleteFunc(out, func(line []float64) bool { return line == nil }) // a run that failed
}

// beside puts the measured values of a row of data, and their residuals, behind the
// cells of a row.
func (r *ensemble) beside(cells []float64, d *problem.Row, predictions []float64) []float64 {
	cells = append([]float64{}, cells...)
	for _, k := range r.measured {
		if d == nil || d.Seen()[k] == 0 {
			cells = append(cells, math.NaN(), math.NaN())
			continue
		}
		cells = append(cells, d.Data()[k], d.Data()[k]-predictions[k])
	}
	return cells
}
