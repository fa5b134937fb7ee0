package report

import (
	"bytes"
	"encoding/csv"
	"fmt"
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

// writeProfiles writes the profiles of parameters, if there are any.
func (r *Folder) writeProfiles(f *estimate.Fit) error {
	list := f.Profiles
	if len(list) == 0 {
		return nil
	}
	t := newTable("parameter", "unit", "estimate", "stderr", "value", "rise")
	for _, p := range list {
		for i := range p.At {
			t.row(numbers([]string{p.Name, p.Unit}, []float64{p.Value, p.StdErr, p.At[i], p.Rise[i]})...)
		}
	}
	return r.Write("profiles.csv", t.bytes())
}

// Given is the split of values that are known when the others of their trajectory are predicted.
const Given = "given"

// results are the tables of a fit in the making.
type results struct {
	traj, learned *table // nil: there is none
}

// writeResults writes the residuals and events of a fit, and its curves: of few trajectories
// those of all, else those that pictures show.
func (r *Folder) writeResults(f *estimate.Fit, p *compiler.Program) error {
	events, residuals, misfits := newEvents(p), NewResiduals(), &Misfits{}
	var names []string
	err := estimate.EachPrediction(f, func(c *estimate.Curve) {
		names = append(names, c.Name)
		split := "train"
		if c.Validation {
			split = "validate"
		}
		for _, p := range c.Observed {
			if p.Given {
				residuals.Add(c.Name, Given, p.Observation, p.T, p.Data, p.Prediction)
				continue
			}
			residuals.Add(c.Name, split, p.Observation, p.T, p.Data, p.Prediction)
			misfits.Add(c.Name, c.Validation, p.Observation, p.Data-p.Prediction)
		}
		for i := range c.Events {
			events.event(c.Name, &c.Events[i])
		}
	})
	switch {
	case f.Late():
		return nil
	case err != nil || len(names) == 0:
		return err
	}
	if len(misfits.list) > 0 {
		err = r.Write("residuals.csv", residuals.Bytes())
	}
	var res results
	err = first(err, f.EachCurve(201, 10_000, misfits.shown(names), res.add))
	switch {
	case f.Late():
		return nil
	case err != nil:
		return err
	}
	if res.learned != nil {
		err = r.Write("learned.csv", res.learned.bytes())
	}
	return first(err, r.Write("trajectories.csv", res.traj.bytes()), r.Write("events.csv", events.bytes()))
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
		r.traj = newTable(append([]string{"trajectory", "t"}, c.Columns...)...)
		if len(c.Learned) > 0 {
			r.learned = newLearned(c)
		}
	}
	for i, t := range c.T {
		r.traj.row(numbers([]string{c.Name, number(t)}, c.Rows[i])...)
	}
	r.learned.learn(c)
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

// newLearned is a table of what neural blocks give along trajectories.
func newLearned(c *estimate.Curve) *table {
	header := []string{"trajectory", "t", "block"}
	for k, n := range widths(c) {
		for i := range n {
			header = append(header, fmt.Sprintf("%s_%d", []string{"argument", "value", "lower", "upper"}[k], i))
		}
	}
	return newTable(header...)
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
