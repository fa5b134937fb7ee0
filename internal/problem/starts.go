package problem

import (
	"errors"
	"fmt"
	"math"

	"github.com/pinode/pinode/compiler/check"
	"github.com/pinode/pinode/compiler/lower"
	"github.com/pinode/pinode/data"
	"github.com/pinode/pinode/dsl/diag"
)

// Where trajectories start.

// A gap before the first row of so many times the rows' span is doubtful, or
// refused: the start, 0 by default, is hardly meant.
const farGap, tooFarGap = 2, 10

// start is what decides where trajectories start: the data block, else the
// declaration of the time; a model whose initial values are those of data
// starts at the first row.
func (m *Problem) start(d *check.Data) check.Start {
	cm := m.Prog.Checked.Model
	switch {
	case d.From.Kind != check.StartDefault:
		return d.From
	case !math.IsNaN(cm.Time.From):
		return check.Start{Kind: check.StartNumber, Value: cm.Time.From}
	case len(cm.StartsOfData()) > 0:
		return check.Start{Kind: check.StartFirstRow}
	}
	return check.Start{}
}

// starts are the starts of the trajectories of a set.
func (m *Problem) starts(d *check.Data, set *data.Set, doubts *diag.List) ([]float64, error) {
	kind := m.start(d)
	out := make([]float64, len(set.Trajectories))
	l := &diag.List{}
	gap, span, skipped := 0., 0., 0
	for i, tr := range set.Trajectories {
		switch kind.Kind {
		case check.StartNumber:
			out[i] = kind.Value
		case check.StartColumn:
			out[i] = tr.Start
		case check.StartFirstRow:
			out[i] = tr.T0
		default:
			out[i] = math.Min(0, tr.T0) // 0, unless a row is earlier
		}
		if d.Time.Name == "" {
			if kind.Kind == check.StartFirstRow { // initial values are measured in the row
				out[i] = 0
			}
			tr.Begin(out[i])
		}
		if math.Abs(out[i]-tr.T0) <= 1e-12*math.Abs(tr.T0) {
			out[i] = tr.T0 // but for the rounding of a change of units
		}
		if out[i] > tr.T1 {
			return nil, &data.Error{
				File: set.File, Text: fmt.Sprintf("the trajectory%s starts at %g, behind its last row at %g", named(tr.Name(set.Keys)), out[i], tr.T1),
				Help: "see `from` in the data block and the interval of the time in the model",
			}
		}
		gap, span = math.Max(gap, tr.T0-out[i]), math.Max(span, tr.T1-tr.T0)
		if tr.Lead > 0 && out[i] <= tr.T0 {
			out[i] = math.Min(out[i], tr.T0-tr.Lead)
		}
		skipped += tr.Before(out[i])
		m.firstLate(l, d, set, tr, out[i])
	}
	if kind.Kind == check.StartDefault && span > 0 && gap >= farGap*span {
		m.farStart(l, doubts, d, gap, span)
	}
	if skipped > 0 {
		doubts.Warnf("skipped-rows", d.Span, "%d rows before the start are left out", skipped).
			WithHelp("`from` in the data block, or the interval of the time, says where trajectories start")
	}
	return out, l.Err()
}

func named(trajectory string) string {
	if trajectory == "" {
		return ""
	}
	return " " + trajectory
}

// farStart reports a start that is far before the first row.
func (m *Problem) farStart(l, doubts *diag.List, d *check.Data, gap, span float64) {
	t := m.Prog.Checked.Model.Time
	report := doubts.Warnf
	if gap > tooFarGap*span {
		report = l.Errorf
	}
	unit := ""
	if !t.Unit.Dimensionless() {
		unit = ": " + t.UnitName(m.Prog.Checked.Model.Units)
	}
	report("far-start", d.Span, "the first row is %g after the start at 0, and the rows span %g", gap, span).
		WithHelp("say where trajectories start: `time %s%s in [0, inf)` if it is meant, another number for times like calendar years,\nor `from: first row` in the data block", t.Name, unit)
}

// firstLate reports initial values that are those of data and are not measured
// at the start.
func (m *Problem) firstLate(l *diag.List, d *check.Data, set *data.Set, tr *data.Trajectory, start float64) {
	if l.Count(diag.Error) > 0 {
		return
	}
	for _, x := range m.Prog.Checked.Model.StartsOfData() {
		off := ObserveOffset(m.Prog, x.Object)
		for k := range x.Shape.Size() {
			if tr.Measured(off+k, start) {
				continue
			}
			e := l.Errorf("first-late", x.Span, "`%s` is not measured where the trajectory%s starts, at %g", lower.ElementName(x.Object.Info(), k), named(tr.Name(set.Keys)), start).
				WithNote(d.Span, "in this table")
			if v, t, ok := tr.First(off + k); ok {
				e.WithNote(d.Span, "its first value, %g, is that of time %g", v, t)
			}
			e.WithHelp("start there with `from` in the data block, or let a parameter `per trajectory` be the initial value")
			return
		}
	}
}

// AloneFrom is where a run without data starts: where those of the data do, if
// the file says so or its tables are there, else at 0. With given the simulation
// says itself where it starts.
func (m *Problem) AloneFrom(given bool) (float64, error) {
	t := m.Prog.Checked.Model.Time.From
	if given || len(m.Prog.Checked.Data) == 0 {
		if math.IsNaN(t) {
			t = 0
		}
		return t, nil
	}
	start, open, needs := math.Inf(1), false, false
	for _, d := range m.Prog.Checked.Data {
		switch s := m.start(d); s.Kind {
		case check.StartNumber:
			start = math.Min(start, s.Value)
		case check.StartDefault:
			open = true
		default:
			needs = true
		}
	}
	if !open && !needs {
		return start, nil
	}
	var refused *diag.List
	switch err := m.load(); {
	case err == nil:
	case needs || errors.As(err, &refused):
		return 0, err
	default: // no table yet: the run needs none, and may be there to make it
		return math.Min(start, 0), nil
	}
	for _, list := range m.begins {
		for _, s := range list {
			start = math.Min(start, s)
		}
	}
	return start, nil
}
