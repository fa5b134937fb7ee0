package pinode

import (
	"fmt"
	"github.com/pinode/pinode/compiler"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"sort"
	"strings"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/pinode/pinode/compiler/check"
	"github.com/pinode/pinode/compiler/lower"
	"github.com/pinode/pinode/data"
	"github.com/pinode/pinode/dsl"
	"github.com/pinode/pinode/dsl/diag"
	"github.com/pinode/pinode/fit"
	"github.com/pinode/pinode/sim"
)

// Simulation is the result of simulating a model.
type Simulation struct {
	Columns      []string // "t", then states, discretes, lets and observations
	Units        []string
	Trajectories []*SimulatedTrajectory
	Stats        sim.Stats
	Warnings     diag.List // of what the result may be wrong in
	Unproven     string    // where nothing proves that no crossing was missed; else empty
}

// SimulatedTrajectory is one trajectory: rows over the columns of the
// simulation, and its events.
type SimulatedTrajectory struct {
	Name   string
	Rows   [][]float64
	Events []Event
	Status sim.Status
}

// Event is a line of the event log.
type Event struct {
	Name           string // "slide" and "slide end" where the solution begins or ceases to slide along a surface
	Surface        string // of these: the term of the model that it belongs to
	Time           float64
	K              int       // number within its instant
	Before, After  []float64 // states, then discretes
	Rate           float64   // of the guard, by time; NaN without one
	Transversality float64
	Rest           bool
}

// SimulateOption changes a simulation.
type SimulateOption func(*simulateConfig)

type simulateConfig struct {
	values *Values
	set    map[string]float64
	until  *float64
	cores  int
}

// Cores sets how many cores to use; the default is all. It changes no bit of
// the result.
func Cores(n int) SimulateOption { return func(c *simulateConfig) { c.cores = n } }

// With simulates with given parameters and weights, as of a fit.
func With(v *Values) SimulateOption { return func(c *simulateConfig) { c.values = v } }

// Set sets a parameter.
func Set(name string, value float64) SimulateOption {
	return func(c *simulateConfig) { c.set[name] = value }
}

// Until sets the end time.
func Until(t float64) SimulateOption { return func(c *simulateConfig) { c.until = &t } }

// SimulationError is a run that failed.
type SimulationError struct {
	Trajectory string
	Fail       *sim.Failure
	Text       string
}

func (e *SimulationError) Error() string {
	at := ""
	if e.Trajectory != "" {
		at = "trajectory " + e.Trajectory + ", "
	}
	return fmt.Sprintf("%st = %.6g: %s", at, e.Fail.T, e.Text)
}

// Unwrap gives the failure of the run.
func (e *SimulationError) Unwrap() error { return e.Fail }

// Simulate runs the simulate block: one run, or one for each sample or point
// of a sweep; a model that needs what data tell of a trajectory is run for
// each trajectory of its data.
func (m *Model) Simulate(opts ...SimulateOption) (*Simulation, error) {
	c := simulateConfig{set: map[string]float64{}}
	for _, o := range opts {
		o(&c)
	}
	items, err := m.simulateItems()
	if err != nil {
		return nil, err
	}
	opt, err := solverOptions(m.simulate)
	if err != nil {
		return nil, err
	}
	opt.Forget = true
	seed := uint64(m.simulate.Int("seed"))
	sp, err := newSpace(m, items, seed)
	if err != nil {
		return nil, err
	}
	if err := sp.use(c.values); err != nil {
		return nil, err
	}
	runs, err := m.runs(sp, items, c, seed)
	if err != nil {
		return nil, err
	}
	out := &Simulation{}
	out.Columns, out.Units = m.columns()
	pick, err := out.choose(m.simulate.Words("outputs"))
	if err != nil {
		return nil, err
	}
	vary := false
	for _, p := range runs.places {
		vary = vary || p.kind == shared
	}
	r, err := newRunner(m, opt, len(runs.of), compiler.Want{}, vary, c.cores)
	if err != nil {
		return nil, err
	}
	x, err := sp.x0()
	if err != nil {
		return nil, err
	}
	nat, p := sp.natural(), make([]float64, len(sp.p))
	p = sp.shared(x, nat, p)
	r.bind(p, sp.s)
	out.Trajectories = make([]*SimulatedTrajectory, len(runs.of))
	fails := make([]error, len(runs.of))
	stats := make([]sim.Stats, len(runs.of))
	r.run(len(runs.of), func(i int, to *subject) *sim.Span {
		return runs.prepare(i, p, nat, to)
	}, func(w *worker, l *laneRun) bool {
		i, tr := l.index, &l.traj
		stats[i] = tr.Stats
		if tr.Fail != nil {
			fails[i] = &SimulationError{Trajectory: runs.name(i), Fail: tr.Fail, Text: m.explain(tr.Fail)}
			return true
		}
		w.group.Use(&l.subject)
		t := &SimulatedTrajectory{Name: runs.name(i), Status: tr.Status}
		t.Rows, t.Events = m.rows(w, &runs.items[runs.of[i]].span, tr)
		for k, row := range t.Rows {
			t.Rows[k] = pick(row)
		}
		out.Trajectories[i] = t
		return true
	})
	for i, st := range stats {
		if fails[i] != nil {
			return nil, fails[i]
		}
		out.Stats.Add(&st)
	}
	m.stiffness(&out.Warnings, stats, opt)
	out.Unproven = m.unproven(&out.Stats)
	return out, nil
}

// choose keeps the columns of the names that are asked for, the time before
// them, and returns how a row is cut to them. A name stands for all of its
// components.
func (s *Simulation) choose(names []string) (func([]float64) []float64, error) {
	if len(names) == 0 {
		return func(row []float64) []float64 { return row }, nil
	}
	keep := []int{0}
	for _, n := range names {
		found := false
		for i, c := range s.Columns[1:] {
			if c == n || strings.HasPrefix(c, n+"[") {
				keep, found = append(keep, i+1), true
			}
		}
		if !found {
			return nil, fmt.Errorf("there is no output `%s`; there are %s", n, strings.Join(s.Columns[1:], ", "))
		}
	}
	pickStrings := func(list []string) (out []string) {
		for _, k := range keep {
			out = append(out, list[k])
		}
		return out
	}
	s.Columns, s.Units = pickStrings(s.Columns), pickStrings(s.Units)
	return func(row []float64) []float64 {
		out := make([]float64, len(keep))
		for i, k := range keep {
			out[i] = row[k]
		}
		return out
	}, nil
}

// simulateItems are the trajectories to run: those of the data where the
// model needs them, else one without data.
func (m *Model) simulateItems() ([]*item, error) {
	lay := &m.prog.Model.Layout
	needs := len(lay.Trajectory) > 0 || lay.NU > 0
	for _, s := range lay.Params {
		needs = needs || s.PerKey
	}
	for _, e := range m.prog.Model.Events {
		k := e.Checked.Kind
		needs = needs || k == dsl.TriggerOnData || k == dsl.TriggerOnObservation
	}
	if !needs {
		start, err := m.aloneFrom()
		return []*item{{q: make([]float64, lay.NQ), span: sim.Span{T0: start}}}, err
	}
	if len(m.prog.Checked.Data) == 0 {
		return nil, &data.Error{File: m.Path, Text: "the model needs data of its trajectories (covariates, inputs, first(…), events on data) and the file has no data block"}
	}
	var items []*item
	for _, split := range []data.Split{data.Train, data.Validate} {
		more, err := m.items(split)
		if err != nil {
			return nil, err
		}
		items = append(items, more...)
	}
	return items, nil
}

// grid sets the span and output times of a run.
func (m *Model) grid(it *item, until *float64) error {
	v := m.simulate
	if v.Given("from") {
		it.span.T0 = v.Float("from")
	}
	switch {
	case until != nil:
		it.span.T1 = *until
	case v.Given("until"):
		it.span.T1 = v.Float("until")
	case v.Given("times"):
		it.span.T1 = slices.Max(v.List("times"))
	case it.traj == nil && !math.IsNaN(m.prog.Checked.Model.Time.Until):
		it.span.T1 = m.prog.Checked.Model.Time.Until
	case it.traj == nil:
		return fmt.Errorf("nothing says how long to simulate: set `simulate.until`")
	}
	if !(it.span.T1 > it.span.T0) {
		return fmt.Errorf("the simulation ends at %g, before its start at %g", it.span.T1, it.span.T0)
	}
	var saves []float64
	switch {
	case v.Given("times"):
		for _, t := range v.List("times") {
			if t >= it.span.T0 && t <= it.span.T1 {
				saves = append(saves, t)
			}
		}
		sort.Float64s(saves)
		saves = slices.Compact(saves)
	case v.Given("step"):
		step := v.Float("step")
		n := (it.span.T1 - it.span.T0) / step
		if !(step > 0) || n > 1e7 {
			return fmt.Errorf("a step of %g gives too many output times", step)
		}
		for i := 0; float64(i) <= n*(1+1e-12); i++ {
			saves = append(saves, math.Min(it.span.T0+float64(i)*step, it.span.T1))
		}
	default:
		for i := range 201 {
			saves = append(saves, it.span.T0+(it.span.T1-it.span.T0)*float64(i)/200)
		}
	}
	f := it.span.Firings
	from := sort.Search(len(f), func(i int) bool { return f[i].T >= it.span.T0 })
	to := sort.Search(len(f), func(i int) bool { return f[i].T > it.span.T1 })
	it.span.Firings = f[from:max(from, to)]
	it.span = output(it.span, saves)
	m.skips(it, from)
	return nil
}

// skips says which events a simulation leaves out that starts by itself.
func (m *Model) skips(it *item, firings int) {
	s := m.prog.Checked.Simulate
	if s == nil {
		return
	}
	if firings > 0 {
		m.doubt("skipped-rows", s.Span, "%d firings of events by rows of data are before the start of the simulation at %g", firings, it.span.T0)
	}
	for _, e := range m.prog.Model.Events {
		ev := e.Checked
		if ev.Kind != dsl.TriggerAt || !m.simulate.Given("from") {
			continue
		}
		t, ok := check.Evaluate(ev.At, func(*check.Expr) ([]float64, bool) { return nil, false })
		if ok && t[0] < it.span.T0 {
			m.doubt("skipped-rows", ev.At.Span, "`%s`, at %g, is before the start of the simulation at %g", ev.Name, t[0], it.span.T0)
		}
	}
}

// runs are the runs that a simulation consists of: every trajectory with every
// point of its sweeps and every sample.
type runs struct {
	sp     *space
	items  []*item
	of     []int // the item of each run
	places []place
	values [][]float64 // of the places, by run
	names  []func(i int) string
	seed   uint64
}

// runs lists the runs that samples and sweeps ask for.
func (m *Model) runs(sp *space, items []*item, c simulateConfig, seed uint64) (*runs, error) {
	r := &runs{sp: sp, items: items, seed: seed}
	rows := [][]float64{nil}
	var labels []func(v []float64, i int) string
	count := 1 // samples
	add := func(name string) error {
		p, err := sp.place(name)
		r.places = append(r.places, p)
		return err
	}
	if s := m.prog.Checked.Simulate; s != nil {
		for _, axis := range s.Sweep {
			if err := add(axis.Name); err != nil {
				return nil, err
			}
			k := len(r.places) - 1
			var next [][]float64
			for _, row := range rows {
				for _, x := range axis.Values {
					next = append(next, append(append([]float64{}, row...), x))
				}
			}
			rows = next
			labels = append(labels, func(v []float64, _ int) string { return fmt.Sprintf("%s=%g", axis.Name, v[k]) })
		}
		if s.Samples != nil {
			count = s.Samples.N
			labels = append(labels, func(_ []float64, i int) string { return fmt.Sprintf("sample=%d", i%count) })
			for _, d := range s.Samples.Draws {
				if err := add(d.Name); err != nil {
					return nil, err
				}
			}
			var next [][]float64
			for _, row := range rows {
				for i := range count {
					v := append([]float64{}, row...)
					for _, d := range s.Samples.Draws {
						x, err := draw(d.Dist, fit.Stream(seed, "sample "+d.Name, i))
						if err != nil {
							return nil, err
						}
						v = append(v, x)
					}
					next = append(next, v)
				}
			}
			rows = next
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.set)) {
		if slices.ContainsFunc(r.places, func(p place) bool { return p.name == name }) {
			return nil, fmt.Errorf("`%s` is set to %g, and the simulate block gives it values of its own (`sweep` or `samples`)", name, c.set[name])
		}
		if err := add(name); err != nil {
			return nil, err
		}
		for i := range rows {
			rows[i] = append(rows[i], c.set[name])
		}
	}
	for _, row := range rows {
		for k, p := range r.places {
			if err := p.check(row[k]); err != nil {
				return nil, err
			}
		}
	}
	for k, it := range items {
		if err := m.grid(it, c.until); err != nil {
			return nil, err
		}
		for i := range rows {
			r.of = append(r.of, k)
			r.values = append(r.values, rows[i])
		}
	}
	for _, l := range labels {
		r.names = append(r.names, func(i int) string { return l(r.values[i], i) })
	}
	return r, nil
}

// name is what run i is called.
func (r *runs) name(i int) string {
	var parts []string
	if n := r.items[r.of[i]].name; n != "" {
		parts = append(parts, n)
	}
	for _, f := range r.names {
		parts = append(parts, f(i))
	}
	return strings.Join(parts, ", ")
}

// prepare makes run i the subject of a worker; p and nat are what the runs
// share.
func (r *runs) prepare(i int, p, nat []float64, to *subject) *sim.Span {
	it := r.items[r.of[i]]
	to.q, to.signals = r.sp.perItem(nat, it, to.q), it.signals
	to.p, to.y = to.p[:0], to.y[:0]
	for k, pl := range r.places {
		v := r.values[i][k]
		switch pl.kind {
		case shared:
			if len(to.p) == 0 {
				to.p = append(to.p, p...)
			}
			to.p[pl.at] = v
		case own:
			to.q[pl.at] = v
		case initial:
			to.y = append(to.y, value{pl.at, v})
		}
	}
	to.run.span = it.span
	to.run.span.Draws = r.sp.m.draws(r.seed, i, it.rated)
	return &to.run.span
}

// draw draws from a distribution of numbers.
func draw(d *check.Dist, rng *rand.Rand) (float64, error) {
	a := make([]float64, len(d.Args))
	for i, x := range d.Args {
		v, ok := check.Evaluate(x, func(*check.Expr) ([]float64, bool) { return nil, false })
		if !ok || len(v) != 1 {
			return 0, fmt.Errorf("%s: the arguments of a sample's distribution are numbers", x.Span.Pos())
		}
		a[i] = v[0]
	}
	switch d.Name {
	case "normal":
		return distuv.Normal{Mu: a[0], Sigma: a[1], Src: rng}.Rand(), nil
	case "lognormal":
		return distuv.LogNormal{Mu: a[0], Sigma: a[1], Src: rng}.Rand(), nil
	case "student":
		return distuv.StudentsT{Nu: a[0], Mu: a[1], Sigma: a[2], Src: rng}.Rand(), nil
	case "laplace":
		return distuv.Laplace{Mu: a[0], Scale: a[1], Src: rng}.Rand(), nil
	case "uniform":
		return distuv.Uniform{Min: a[0], Max: a[1], Src: rng}.Rand(), nil
	case "exponential":
		return distuv.Exponential{Rate: 1 / a[0], Src: rng}.Rand(), nil
	}
	return 0, fmt.Errorf("cannot draw from `%s`", d.Name)
}

// placeKind is where a value that a run may set stands.
type placeKind uint8

const (
	shared  placeKind = iota // among the shared parameters
	own                      // among what each trajectory has of its own
	initial                  // among the initial values of the states
)

// place is where a parameter, a covariate or the initial value of a state
// stands.
type place struct {
	name string
	kind placeKind
	at   int
	in   *fit.Interval
}

// check checks that a value may stand there.
func (p *place) check(v float64) error {
	if p.in != nil && !p.in.Contains(v) {
		return fmt.Errorf("%s = %g is outside of its interval %s", p.name, v, p.in)
	}
	return nil
}

// place finds a parameter, a covariate or a state by its name.
func (sp *space) place(name string) (place, error) {
	lay := &sp.m.prog.Model.Layout
	for _, slot := range lay.Params {
		p := slot.Object.(*check.Param)
		for e := range slot.N {
			if lower.ElementName(&p.Obj, e) != name {
				continue
			}
			kind := shared
			if slot.PerKey {
				kind = own
			}
			return place{name, kind, slot.Off + e, &fit.Interval{Lo: p.Lo, Hi: p.Hi, LoOpen: p.LoOpen, HiOpen: p.HiOpen}}, nil
		}
	}
	for _, slot := range lay.Trajectory {
		if slot.Kind != lower.FromCovariate {
			continue
		}
		for e := range slot.N {
			if lower.ElementName(slot.Object.Info(), e) == name {
				return place{name, own, slot.Off + e, nil}, nil
			}
		}
	}
	for _, slot := range lay.States {
		for e := range slot.N {
			if lower.ElementName(slot.Object.Info(), e) == name {
				return place{name, initial, slot.Off + e, nil}, nil
			}
		}
	}
	return place{}, sp.unknown(name)
}

// state is the visible part of a state: the model's own states, then its
// discrete variables.
func (m *Model) state(y, d []float64) []float64 {
	lay := &m.prog.Model.Layout
	nd := 0
	for _, s := range lay.Discretes {
		nd += s.N
	}
	return append(append([]float64{}, y[:lay.NUser]...), d[:nd]...)
}

// StateNames are the names of what Event.Before and After hold.
func (m *Model) StateNames() []string {
	var out []string
	lay := &m.prog.Model.Layout
	for _, list := range [][]lower.Slot{lay.States, lay.Discretes} {
		for _, s := range list {
			for e := range s.N {
				out = append(out, lower.ElementName(s.Object.Info(), e))
			}
		}
	}
	return out
}

// columns are the names and units of a simulation's columns.
func (m *Model) columns() (names, units []string) {
	cm := m.prog.Checked.Model
	lay := &m.prog.Model.Layout
	names, units = []string{cm.Time.Name}, []string{unitText(cm, &cm.Time.Obj)}
	seen := map[string]bool{cm.Time.Name: true}
	add := func(name string, o *check.Obj) {
		for seen[name] {
			name += "_obs" // an observation may have the name of a state
		}
		seen[name] = true
		names, units = append(names, name), append(units, unitText(cm, o))
	}
	for _, list := range [][]lower.Slot{lay.States, lay.Discretes} {
		for _, s := range list {
			for e := range s.N {
				add(lower.ElementName(s.Object.Info(), e), s.Object.Info())
			}
		}
	}
	for _, o := range lay.Outputs {
		add(o.Name, o.Object.Info())
	}
	return names, units
}
