package report

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"

	"github.com/pinode/pinode/compiler"
	"github.com/pinode/pinode/internal/estimate"
	"github.com/pinode/pinode/internal/explain"
	"github.com/pinode/pinode/internal/simulate"
)

// WriteError is a file of results that cannot be written.
type WriteError struct {
	Path  string
	Cause error
}

func (e *WriteError) Error() string { return fmt.Sprintf("%s cannot be written: %s", e.Path, e.Cause) }

// Unwrap is the cause.
func (e *WriteError) Unwrap() error { return e.Cause }

// unwritable is the error of a path, without the name of a file beside it.
func unwritable(path string, err error) error {
	var at *os.PathError
	if errors.As(err, &at) {
		err = at.Err
	}
	var link *os.LinkError
	if errors.As(err, &link) {
		err = link.Err
	}
	return &WriteError{path, err}
}

// ReplaceFile writes a file beside its place and renames it there, so that it
// is never half-written.
func ReplaceFile(path string, text []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".pinode-*")
	if err != nil {
		return unwritable(path, err)
	}
	defer os.Remove(f.Name())
	if _, err := f.Write(text); err != nil {
		f.Close()
		return unwritable(path, err)
	}
	if err := f.Close(); err != nil {
		return unwritable(path, err)
	}
	if err := os.Chmod(f.Name(), 0o644); err != nil {
		return unwritable(path, err)
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return unwritable(path, err)
	}
	return nil
}

func number(v float64) string {
	if math.IsNaN(v) {
		return ""
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}

// table is a CSV file in the making.
type table struct {
	buf bytes.Buffer
	w   *csv.Writer
}

func newTable(header ...string) *table {
	t := &table{}
	t.w = csv.NewWriter(&t.buf)
	_ = t.w.Write(header)
	return t
}

func (t *table) row(cells ...string) { _ = t.w.Write(cells) }

func (t *table) bytes() []byte {
	t.w.Flush()
	return t.buf.Bytes()
}

// numbers appends numbers to a row.
func numbers(cells []string, values []float64) []string {
	for _, v := range values {
		cells = append(cells, number(v))
	}
	return cells
}

// Trajectories is the table of a simulation: a row for each trajectory and time.
func Trajectories(s *simulate.Simulation) []byte {
	t := newTable(append([]string{"trajectory", "t"}, s.Columns[1:]...)...)
	for _, tr := range s.Trajectories {
		for _, r := range tr.Rows {
			t.row(numbers([]string{tr.Name}, r)...)
		}
	}
	return t.bytes()
}

// Events is the table of the events of a simulation.
func Events(s *simulate.Simulation, p *compiler.Program) []byte {
	t := newEvents(p)
	for _, tr := range s.Trajectories {
		for i := range tr.Events {
			t.event(tr.Name, &tr.Events[i])
		}
	}
	return t.bytes()
}

// newEvents is a table of events. The last column has the term of the model along whose
// surface a solution begins (`slide`) or ceases (`slide end`) to slide.
func newEvents(p *compiler.Program) *table {
	states := explain.StateNames(p)
	header := []string{"trajectory", "event", "t", "k"}
	for _, s := range states {
		header = append(header, s+"_before")
	}
	for _, s := range states {
		header = append(header, s+"_after")
	}
	return newTable(append(header, "guard_rate", "transversality", "surface")...)
}

func (t *table) event(trajectory string, e *simulate.Event) {
	label := e.Name
	if e.Rest {
		label += " (rest)"
	}
	cells := []string{trajectory, label, number(e.Time), strconv.Itoa(e.K)}
	cells = numbers(numbers(cells, e.Before), e.After)
	t.row(append(cells, number(e.Rate), number(e.Transversality), e.Surface)...)
}

// writeResults writes the curves, residuals and events of a fit.
func (r *Folder) writeResults(f *estimate.Fit, p *compiler.Program) error {
	curves, err := f.Curves(201)
	if err != nil {
		return err
	}
	if len(curves) == 0 {
		return nil
	}
	traj := newTable(append([]string{"trajectory", "t"}, curves[0].Columns...)...)
	events := newEvents(p)
	res, some := NewResiduals(), false
	for _, c := range curves {
		for i, t := range c.T {
			traj.row(numbers([]string{c.Name, number(t)}, c.Rows[i])...)
		}
		split := "train"
		if c.Validation {
			split = "validate"
		}
		for _, p := range c.Observed {
			some = true
			res.Add(c.Name, split, p.Observation, p.T, p.Data, p.Prediction)
		}
		for i := range c.Events {
			events.event(c.Name, &c.Events[i])
		}
	}
	if err := r.Write("trajectories.csv", traj.bytes()); err != nil {
		return err
	}
	if some {
		if err := r.Write("residuals.csv", res.Bytes()); err != nil {
			return err
		}
	}
	if len(curves[0].Learned) > 0 {
		if err := r.Write("learned.csv", learned(curves)); err != nil {
			return err
		}
	}
	return r.Write("events.csv", events.bytes())
}

// Residuals is the table of measured values and their predictions.
type Residuals struct{ table *table }

// NewResiduals is one without rows.
func NewResiduals() *Residuals {
	return &Residuals{newTable("trajectory", "split", "t", "observation", "data", "prediction", "residual")}
}

// Add adds a row.
func (r *Residuals) Add(trajectory, split, observation string, t, data, prediction float64) {
	r.table.row(trajectory, split, number(t), observation, number(data), number(prediction), number(data-prediction))
}

// Bytes is the table as a file.
func (r *Residuals) Bytes() []byte { return r.table.bytes() }

// learned is the table of what the neural blocks gave along the trajectories.
func learned(curves []estimate.Curve) []byte {
	width := [2]int{}
	for _, l := range curves[0].Learned {
		width[0], width[1] = max(width[0], len(l.Args[0])), max(width[1], len(l.Values[0]))
	}
	header := []string{"trajectory", "t", "block"}
	for k, what := range []string{"argument", "value"} {
		for i := range width[k] {
			header = append(header, fmt.Sprintf("%s_%d", what, i))
		}
	}
	t := newTable(header...)
	for _, c := range curves {
		for _, l := range c.Learned {
			for i := range l.Args {
				cells := []string{c.Name, number(c.T[i]), l.Block}
				for k, v := range [][]float64{l.Args[i], l.Values[i]} {
					cells = append(numbers(cells, v), make([]string, width[k]-len(v))...)
				}
				t.row(cells...)
			}
		}
	}
	return t.bytes()
}
