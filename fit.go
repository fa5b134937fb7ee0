package pinode

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/pinode/pinode/fit"
	"github.com/pinode/pinode/internal/environ"
	"github.com/pinode/pinode/internal/estimate"
	"github.com/pinode/pinode/internal/problem"
	"github.com/pinode/pinode/internal/report"
	"github.com/pinode/pinode/internal/setting"
)

// FitOptions say what of a fit is not as the model file says.
type FitOptions struct {
	At         Point                  // where it starts; nil: the start values of the file
	Set        map[string]float64     // parameters by name, over those
	Seed       uint64                 // of all random numbers; 0: that of the file
	Workers    int                    // trajectories computed side by side; 0: one for each core. Results do not depend on it
	Resume     *fit.State             // goes on from there
	Observer   func(fit.Progress)     // is told of each iteration
	MaxTime    time.Duration          // of this call; 0: as the file says, which is of a run and its resumptions together
	Checkpoint func(*fit.State) error // is called now and then with the live state, which goes on changing
}

// Fit is a fit of a model to its data, before, during and after it. It is for use by one
// goroutine.
type Fit struct {
	Model             *Model
	Status            fit.Status       // how it ended; empty before that
	Params            map[string]Param // by name
	Estimates         []Param          // the same, in the order of the model
	Train, Validation Summary          // the trajectories that were fitted, and those held back
	Warnings          Diagnostics      // of what the result may be wrong in
	State             *fit.State       // of the optimiser; nil before it ran
	Verdict           *Verdict         // what the result is worth; nil before Run
	Basins            []Basin          // optima that starts have led to, by loss
	Decisions         []string         // what was done, and why

	inner  *estimate.Fit
	source report.Source // the model, with the settings of the fit
	info   *report.Info  // what Save has begun with
	err    error         // that of Run
	ran    bool
}

// Param is one number that a model learns, or holds fixed; Verdict says what a fit is worth, and
// Basin is an optimum that starts have led to.
type (
	Param   = fit.Estimate
	Verdict = fit.Verdict
	Basin   = fit.Basin
)

// Summary describes trajectories and how the model meets them.
type Summary struct {
	Trajectories, Values, Missing int
	T0, T1, Loss                  float64
	RMSE                          map[string]float64 // by observation
	Events                        int
	Unproven                      string // where nothing proves that no crossing was missed; else empty
}

// Values are parameters, weights and scales that a model runs with. What is not
// given is as at the start.
type Values struct {
	Params  map[string]float64   // by the names of Param
	Weights map[string][]float64 // tensors by name
	Scales  map[string][]float64
}

// Values are v: they are a Point.
func (v *Values) Values() *Values { return v }

// Point is what a model can be evaluated at: a *Fit, a *Run or *Values.
type Point interface{ Values() *Values }

// valuesAt are the values of a point. A run has to have all that the model needs but
// for what is set.
func valuesAt(m *Model, p Point, set map[string]float64) (*problem.Values, error) {
	if r, ok := p.(*Run); ok && r != nil {
		if r.values == nil {
			return nil, &DataError{File: r.Dir, Text: fmt.Sprintf("the run has no values: it is `%s`", r.Status), Help: "take a run that has ended"}
		}
		if err := r.values.Complete(m.Program(), set); err != nil {
			return nil, err
		}
	}
	if p == nil {
		return nil, nil
	}
	return (*problem.Values)(p.Values()), nil // nil of a nil *Values, *Fit or *Run
}

// valuesWith are the values of a point with some parameters replaced.
func valuesWith(m *Model, p Point, set map[string]float64) (*problem.Values, error) {
	v, err := valuesAt(m, p, set)
	if err != nil || len(set) == 0 {
		return v, err
	}
	return v.With(set), nil
}

// NewFit reads the data and prepares a fit. Tables that do not fit the model are a
// *DataError, settings that cannot be met are *Diagnostics.
func (m *Model) NewFit(o FitOptions) (*Fit, error) {
	settings, simulation := m.blocks.Values()
	from, err := valuesWith(m, o.At, o.Set)
	if err != nil {
		return nil, err
	}
	c := estimate.Options{Workers: o.Workers, Observer: o.Observer, Checkpoint: o.Checkpoint, MaxTime: o.MaxTime, From: from, Resume: o.Resume}
	if o.Seed != 0 {
		c.Seed = &o.Seed
	}
	inner, err := estimate.New(m.prog, m.data, settings, c)
	if err != nil {
		return nil, public(err)
	}
	f := &Fit{Model: m, inner: inner, source: source(m, settings, simulation)}
	if r, ok := o.At.(*Run); ok && r != nil {
		f.source.Params = r.Dir
	}
	f.publish()
	return f, nil
}

func source(m *Model, fit, simulate *setting.Values) report.Source {
	return report.Source{Path: m.Path(), Program: m.Program(), Data: m.data, Config: environ.Tree(fit, simulate)}
}

// Fit fits the model to its data. A cancelled context ends it after the current step,
// with the Status fit.Interrupted and a State that can be resumed.
func (m *Model) Fit(ctx context.Context, o FitOptions) (*Fit, error) {
	f, err := m.NewFit(o)
	if err != nil {
		return nil, err
	}
	return f, f.Run(ctx)
}

// Run fits: it is the part of Model.Fit behind NewFit.
func (f *Fit) Run(ctx context.Context) error {
	f.ran, f.err = true, public(f.inner.Run(ctx))
	f.publish()
	return f.err
}

// publish takes over what is known of the fit.
func (f *Fit) publish() {
	in := f.inner
	f.Params, f.Estimates = map[string]Param{}, nil
	for _, e := range in.Estimates {
		f.Params[e.Name], f.Estimates = e, append(f.Estimates, e)
	}
	f.Train, f.Validation, f.Warnings, f.State = Summary(in.Train), Summary(in.Validation), in.Warnings, in.State
	f.Verdict, f.Basins, f.Decisions = in.Verdict, in.Basins, in.Decisions
	if f.ran && in.State != nil {
		f.Status = in.State.Status
	}
}

// Values are the estimates, with weights and scales.
func (f *Fit) Values() *Values {
	if f == nil {
		return nil
	}
	return (*Values)(f.inner.Values)
}

// Objective is the loss that the fit minimises and the coordinates where it starts, for
// those who bring their own optimiser: parameters through a smooth map onto all
// numbers, then weights.
func (f *Fit) Objective() (loss fit.Objective, start []float64, err error) {
	start, err = f.inner.Trained().Space.X0()
	return f.inner.Plan.Trainer.Objective, start, err
}

// ValuesAt are the values at coordinates of the objective.
func (f *Fit) ValuesAt(x []float64) (*Values, error) {
	if n := f.inner.Objective.Dim(); len(x) != n {
		return nil, fmt.Errorf("%d coordinates, where the fit has %d", len(x), n)
	}
	v := Values(*f.inner.Objective.Space.ValuesAt(x))
	return &v, nil
}

// Seed is that of all random numbers.
func (f *Fit) Seed() uint64 { return f.inner.Plan.Trainer.Seed }

// Weights is the number of fitted weights of neural blocks.
func (f *Fit) Weights() int { return f.inner.Weights() }

// Adaptive reports whether the fit's solver chooses its steps.
func (f *Fit) Adaptive() bool { return f.inner.Adaptive() }

// CertificateKind is what the setting `certificate` asks for: full, quick or off.
func (f *Fit) CertificateKind() string { return f.inner.Plan.Certificate }

// MaxTime is how long the fit may still take; 0: as long as it likes.
func (f *Fit) MaxTime() time.Duration { return f.inner.Left() }

// Late reports whether the fit was cut short before its curves and residuals were there.
func (f *Fit) Late() bool { return f.inner.Late() }

// Drift is the mean change of each conserved quantity over a trajectory of the training
// data, relative to its mean size, between events and across them.
func (f *Fit) Drift() (map[string]float64, error) {
	d, err := f.inner.Drift()
	return d, public(err)
}

// Save writes the folder of the fit: before Run what it is to be, after it estimates, weights, trajectories
// over the data, residuals and events; during it, from another goroutine, estimates and weights so far. The
// folder is made if it is not there; a later Save replaces what an earlier one wrote.
func (f *Fit) Save(dir string) error {
	folder := &report.Folder{Dir: dir}
	if f.info == nil {
		if _, err := report.Open(dir, ""); err != nil {
			if folder, err = report.Create(dir); err != nil {
				return err
			}
		}
		info, err := folder.Begin(f.inner, f.source)
		if err != nil {
			return err
		}
		f.info = &info
	}
	if !f.ran {
		return public(folder.Keep(f.inner, f.source))
	}
	return public(folder.Finish(f.inner, f.source, *f.info, f.err))
}

// Run is the folder of a fit, as Save has written it.
type Run struct {
	Dir     string
	Model   string // the path of the model file
	Status  string // "running", "failed", or that of the fit
	Started time.Time

	main   string
	values *report.Stored
	folder *report.Folder
}

// OpenRun opens the folder of a run, or "last", the newest below runs/: of any model
// file, or of that which is named.
func OpenRun(name string, model ...string) (*Run, error) {
	folder, err := report.Open(name, strings.Join(model, ""))
	if err != nil {
		return nil, err
	}
	info, err := folder.Info()
	if err != nil {
		return nil, err
	}
	r := &Run{Dir: folder.Dir, Model: info.ModelPath(), Status: info.Status, Started: info.Started, main: info.Main, folder: folder}
	if info.Status == "running" || info.Status == "failed" {
		return r, nil
	}
	if r.values, err = folder.Values(); err != nil {
		return nil, err
	}
	return r, nil
}

// Load compiles the model of the run as it was fitted, with the settings of the fit.
func (r *Run) Load() (*Model, error) {
	text, config, err := r.folder.Model()
	if err != nil {
		return nil, err
	}
	m, err := Parse(r.Model, text, r.main)
	if err != nil {
		return nil, err
	}
	return m, m.SetTree(config, r.Dir)
}

// Values are the estimates of the run; of one that has not ended, none.
func (r *Run) Values() *Values {
	switch {
	case r == nil:
		return nil
	case r.values == nil:
		return &Values{}
	}
	return (*Values)(r.values.Values)
}

// State is the state of the run's fit at its last checkpoint, for FitOptions.Resume.
// Nothing may have changed: see Changes.
func (r *Run) State(m *Model) (*fit.State, error) {
	if changes, _, err := r.Changes(m); err != nil || len(changes) > 0 {
		return nil, errors.Join(err, fmt.Errorf("%s was a fit of another version: %s", r.Dir, strings.Join(changes, "; ")))
	}
	return r.folder.State()
}

// Changes are what is not as it was: the model, its data, the settings, or pinode.
func (r *Run) Changes(m *Model) (changes []string, sameModel bool, err error) {
	fit, simulate := m.blocks.Values()
	return r.folder.Changes(source(m, fit, simulate))
}
