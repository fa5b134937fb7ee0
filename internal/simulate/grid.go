package simulate

import (
	"fmt"
	"math"
	"slices"
	"sort"

	"github.com/pinode/pinode/compiler/check"
	"github.com/pinode/pinode/compiler/lower"
	"github.com/pinode/pinode/data"
	"github.com/pinode/pinode/dsl"
	"github.com/pinode/pinode/dsl/diag"
	"github.com/pinode/pinode/internal/problem"
	"github.com/pinode/pinode/sim"
)

// Trajectories are the trajectories to run: those of the data where the
// model needs them or they are asked for, else one without data.
func (m *Simulator) Trajectories(asked bool) ([]*problem.Trajectory, error) {
	lay := &m.Prog.Model.Layout
	needs := asked || lay.NU > 0
	read := m.Prog.Model.Simulated()
	for _, s := range lay.Trajectory {
		if d, drawn := s.Object.(*check.Draw); drawn {
			needs = needs || d.Per[0] != "trajectory"
		} else if enc := m.Prog.Checked.Model.Encoder; s.Kind == lower.FromEncoder || s.Kind == lower.FromKnown {
			needs = needs || enc.Needed != nil || len(m.Prog.Checked.Data) > 0
		} else {
			needs = needs || read(s.Off, s.N)
		}
	}
	for _, s := range lay.Params {
		needs = needs || s.PerKey
	}
	for _, e := range m.Prog.Model.Events {
		k := e.Checked.Kind
		needs = needs || k == dsl.TriggerOnData || k == dsl.TriggerOnObservation
	}
	if !needs {
		start, err := m.Data.AloneFrom(m.Settings.Given("from"))
		return []*problem.Trajectory{{Given: make([]float64, lay.NQ), Span: sim.Span{T0: start}}}, err
	}
	if len(m.Prog.Checked.Data) == 0 && asked {
		return nil, &data.Error{File: m.Data.Path, Text: "the rows of the data are asked for and the file has no data block"}
	}
	if len(m.Prog.Checked.Data) == 0 {
		return nil, &data.Error{File: m.Data.Path, Text: "the model needs data of its trajectories (covariates, inputs, first(…), events on data) and the file has no data block"}
	}
	return m.ofData()
}

// ofData are the trajectories of all data.
func (m *Simulator) ofData() (trajectories []*problem.Trajectory, err error) {
	for _, split := range []data.Split{data.Train, data.Validate} {
		more, err := m.Data.Trajectories(split)
		if err != nil {
			return nil, err
		}
		trajectories = append(trajectories, more...)
	}
	return trajectories, nil
}

// lastRow is the time of the last row of the data.
func (m *Simulator) lastRow() (float64, error) {
	if len(m.Prog.Checked.Data) == 0 {
		return 0, fmt.Errorf("nothing says how long to simulate: set `simulate.until`")
	}
	list, err := m.ofData()
	last := math.Inf(-1)
	for _, it := range list {
		last = math.Max(last, it.Span.T1)
	}
	return last, err
}

// Grid sets the span and output times of a run.
func (m *Simulator) Grid(it *problem.Trajectory, c *Options) error {
	if c.EveryRow {
		return nil // those of its data
	}
	v, until := m.Settings, c.Until
	if v.Given("from") {
		it.Span.T0 = v.Float("from")
	}
	switch {
	case until != nil:
		it.Span.T1 = *until
	case v.Given("until"):
		it.Span.T1 = v.Float("until")
	case m.places.told():
		it.Span.T1 = slices.Max(m.places.times)
	case v.Given("times"):
		it.Span.T1 = slices.Max(v.List("times"))
	case it.Data == nil && !math.IsNaN(m.Prog.Checked.Model.Time.Until):
		it.Span.T1 = m.Prog.Checked.Model.Time.Until
	case it.Data == nil:
		last, err := m.lastRow()
		if err != nil {
			return err
		}
		it.Span.T1 = last
	}
	shown := it.Shown()
	if !(it.Span.T1 >= it.Span.T0) {
		return fmt.Errorf("the simulation ends at %g, before its start at %g", it.Span.T1, it.Span.T0)
	}
	var saves []float64
	switch {
	case m.places.told():
		var err error
		if saves, err = m.places.saves(it.Span.T0, it.Span.T1); err != nil {
			return err
		}
	case v.Given("times"):
		for _, t := range v.List("times") {
			if t >= it.Span.T0 && t <= it.Span.T1 {
				saves = append(saves, t)
				continue
			}
			m.Data.Doubt("outside-horizon", m.simulateSpan(), "the output time %g is outside of the simulation, which goes from %g to %g", t, it.Span.T0, it.Span.T1)
		}
		sort.Float64s(saves)
		saves = slices.Compact(saves)
	case v.Given("step"):
		step := v.Float("step")
		if !(step > 0) {
			return fmt.Errorf("a step of %g leads to no end", step)
		}
		if (it.Span.T1-shown)/step > 1e7 {
			return fmt.Errorf("a step of %g gives too many output times", step)
		}
		saves = steps(shown, it.Span.T1, step)
	case it.Span.T1 == shown:
		saves = []float64{shown}
	default:
		for i := range 201 {
			saves = append(saves, shown+(it.Span.T1-shown)*float64(i)/200)
		}
	}
	f := it.Span.Firings
	from := sort.Search(len(f), func(i int) bool { return f[i].T >= it.Span.T0 })
	to := sort.Search(len(f), func(i int) bool { return f[i].T > it.Span.T1 })
	it.Span.Firings = f[from:max(from, to)]
	it.Span = problem.WithSaves(it.Span, saves)
	m.skips(it, from)
	return nil
}

// steps are the times from t0 to t1 at a distance, and t1.
func steps(t0, t1, step float64) (list []float64) {
	const rounding = 1e-12 // a time that is so little before the end is the end
	n := (t1 - t0) / step * (1 - rounding)
	for i := 0; float64(i) < n; i++ {
		list = append(list, t0+float64(i)*step)
	}
	return append(list, t1)
}

// simulateSpan is the place of the simulate block, or else that of the model.
func (m *Simulator) simulateSpan() diag.Span {
	if s := m.Prog.Checked.Simulate; s != nil {
		return s.Span
	}
	return m.Prog.Checked.Model.Span
}

// skips says which events a simulation leaves out that starts by itself.
func (m *Simulator) skips(it *problem.Trajectory, firings int) {
	s := m.Prog.Checked.Simulate
	if s == nil {
		return
	}
	if firings > 0 {
		m.Data.Doubt("skipped-rows", s.Span, "%d firings of events by rows of data are before the start of the simulation at %g", firings, it.Span.T0)
	}
	for _, e := range m.Prog.Model.Events {
		ev := e.Checked
		if ev.Kind != dsl.TriggerAt || !m.Settings.Given("from") {
			continue
		}
		t, ok := check.Evaluate(ev.At, func(*check.Expr) ([]float64, bool) { return nil, false })
		if ok && t[0] < it.Span.T0 {
			m.Data.Doubt("skipped-rows", ev.At.Span, "`%s`, at %g, is before the start of the simulation at %g", ev.Name, t[0], it.Span.T0)
		}
	}
}
