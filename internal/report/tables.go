package report

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"

	"github.com/pinode/pinode/compiler"
	"github.com/pinode/pinode/internal/estimate"
	"github.com/pinode/pinode/internal/explain"
	"github.com/pinode/pinode/internal/simulate"
)

func number(v float64) string {
	if math.IsNaN(v) {
		return ""
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}

// table is a CSV file in the making.
// table is one in the making, a row at a time. What goes wrong with writing it is told at its end.
type table struct{ w *csv.Writer }

func newTable(to io.Writer, header ...string) *table {
	t := &table{csv.NewWriter(to)}
	_ = t.w.Write(header)
	return t
}

func (t *table) row(cells ...string) { _ = t.w.Write(cells) }

func (t *table) end() error {
	t.w.Flush()
	return t.w.Error()
}

// numbers appends numbers to a row.
func numbers(cells []string, values []float64) []string {
	for _, v := range values {
		cells = append(cells, number(v))
	}
	return cells
}

// Trajectories writes the table of a simulation: a row for each trajectory and time.
func Trajectories(to io.Writer, s *simulate.Simulation) error {
	t := newTable(to, append([]string{"trajectory", "t"}, s.Columns[1:]...)...)
	for _, tr := range s.Trajectories {
		for _, r := range tr.Rows {
			t.row(numbers([]string{tr.Name}, r)...)
		}
	}
	return t.end()
}

// Events writes the table of the events of a simulation.
func Events(to io.Writer, s *simulate.Simulation, p *compiler.Program) error {
	t := newEvents(to, p)
	for _, tr := range s.Trajectories {
		for i := range tr.Events {
			t.event(tr.Name, &tr.Events[i])
		}
	}
	return t.end()
}

// newEvents is a table of events. The last column has the term of the model along whose
// surface a solution begins (`slide`) or ceases (`slide end`) to slide.
func newEvents(to io.Writer, p *compiler.Program) *table {
	states := explain.StateNames(p)
	header := []string{"trajectory", "event", "t", "k"}
	for _, s := range states {
		header = append(header, s+"_before")
	}
	for _, s := range states {
		header = append(header, s+"_after")
	}
	return newTable(to, append(header, "guard_rate", "transversality", "surface")...)
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

// writeProfiles writes the profiles of parameters, if there are any.
func (r *Folder) writeProfiles(f *estimate.Fit) error {
	list := f.Profiles
	if len(list) == 0 {
		return nil
	}
	return r.stream("profiles.csv", func(to io.Writer) error {
		t := newTable(to, "parameter", "unit", "estimate", "stderr", "value", "rise")
		for _, p := range list {
			for i := range p.At {
				t.row(numbers([]string{p.Name, p.Unit}, []float64{p.Value, p.StdErr, p.At[i], p.Rise[i]})...)
			}
		}
		return t.end()
	})
}

// Given is the split of values that are known when the others of their trajectory are predicted.
const Given = "given"

// results are the curves of a fit in the making.
type results struct {
	trajText, learnedText bytes.Buffer
	traj, learned         *table // nil: there is none
}

// errNothing ends a file that is not to be written.
var errNothing = errors.New("nothing is to be written")

// writeResults writes the residuals and events of a fit, and its curves: of few trajectories
// those of all, else those that pictures show.
func (r *Folder) writeResults(f *estimate.Fit, p *compiler.Program) error {
	var eventText bytes.Buffer
	events, misfits := newEvents(&eventText, p), &Misfits{}
	var names []string
	err := r.stream("residuals.csv", func(to io.Writer) error {
		residuals := NewResiduals(to)
		err := estimate.EachPrediction(f, func(c *estimate.Curve) {
			names = append(names, c.Name)
			residuals.curve(c, misfits)
			for i := range c.Events {
				events.event(c.Name, &c.Events[i])
			}
		})
		if err == nil && (f.Late() || len(misfits.list) == 0) {
			return errNothing
		}
		return first(err, residuals.End())
	})
	if errors.Is(err, errNothing) {
		err = nil
	}
	switch {
	case f.Late():
		return nil
	case err != nil || len(names) == 0:
		return err
	}
	var res results
	err = f.EachCurve(201, 10_000, misfits.shown(names), res.add)
	switch {
	case f.Late():
		return nil
	case err != nil:
		return err
	}
	if res.learned != nil {
		err = first(res.learned.end(), r.Write("learned.csv", res.learnedText.Bytes()))
	}
	return first(err, res.traj.end(), r.Write("trajectories.csv", res.trajText.Bytes()), events.end(), r.Write("events.csv", eventText.Bytes()))
}

// curve adds what was measured of a trajectory. Values that are known beforehand have a split of their own, and are
// no misfits.
func (r *Residuals) curve(c *estimate.Curve, misfits *Misfits) {
	split := "train"
	if c.Validation {
		split = "validate"
	}
	for _, p := range c.Observed {
		if p.Given {
			r.Add(c.Name, Given, p.Observation, p.T, p.Data, p.Prediction)
			continue
		}
		r.Add(c.Name, split, p.Observation, p.T, p.Data, p.Prediction)
		misfits.Add(c.Name, c.Validation, p.Observation, p.Data-p.Prediction)
	}
}

// shown says of which of all trajectories curves are kept; nil: of all.
func (m *Misfits) shown(names []string) func(name string) bool {
	if len(names) <= few {
		return nil
	}
	keep := map[string]bool{}
	for _, n := range []int{Panels, Panels / 2} {
		for _, s := range m.Choose(n) {
			keep[s.Name] = true
		}
	}
	if len(keep) == 0 { // nothing was measured but events
		keep[names[0]] = true
	}
	return func(name string) bool { return keep[name] }
}

// add adds a curve to the tables.
func (r *results) add(c *estimate.Curve) {
	if r.traj == nil {
		r.traj = newTable(&r.trajText, append([]string{"trajectory", "t"}, c.Columns...)...)
		if len(c.Learned) > 0 {
			r.learned = newLearned(&r.learnedText, c)
		}
	}
	for i, t := range c.T {
		r.traj.row(numbers([]string{c.Name, number(t)}, c.Rows[i])...)
	}
	r.learned.learn(c)
}

// Residuals is the table of measured values and their predictions.
type Residuals struct{ table *table }

// NewResiduals is one without rows, which goes to a writer row by row.
func NewResiduals(to io.Writer) *Residuals {
	return &Residuals{newTable(to, "trajectory", "split", "t", "observation", "data", "prediction", "residual")}
}

// Add adds a row.
func (r *Residuals) Add(trajectory, split, observation string, t, data, prediction float64) {
	r.table.row(trajectory, split, number(t), observation, number(data), number(prediction), number(data-prediction))
}

// End ends the table, and says what went wrong with writing it.
func (r *Residuals) End() error { return r.table.end() }

// newLearned is a table of what neural blocks give along trajectories.
func newLearned(to io.Writer, c *estimate.Curve) *table {
	header := []string{"trajectory", "t", "block"}
	for k, n := range widths(c) {
		for i := range n {
			header = append(header, fmt.Sprintf("%s_%d", []string{"argument", "value", "lower", "upper"}[k], i))
		}
	}
	return newTable(to, header...)
}

// widths are how many arguments, values and ends of their bands a block has at most.
func widths(c *estimate.Curve) (width [4]int) {
	for _, l := range c.Learned {
		width[0], width[1] = max(width[0], l.In), max(width[1], l.Out)
		if l.Band {
			width[2], width[3] = max(width[2], l.Out), max(width[3], l.Out)
		}
	}
	return width
}

// learn adds what they give along one.
func (t *table) learn(c *estimate.Curve) {
	width := widths(c)
	for _, l := range c.Learned {
		for i := range l.Args {
			cells := []string{c.Name, number(l.T[i]), l.Block}
			row := [][]float64{l.Args[i], l.Values[i], nil, nil}
			if l.Band {
				row[2], row[3] = l.Lower[i], l.Upper[i]
			}
			for k, v := range row {
				cells = append(numbers(cells, v), make([]string, width[k]-len(v))...)
			}
			t.row(cells...)
		}
	}
}
