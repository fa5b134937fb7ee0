package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pinode/pinode"
	"github.com/pinode/pinode/fit"
	"github.com/pinode/pinode/internal/report"
	"github.com/pinode/pinode/internal/report/figures"
)

type fitFlags struct {
	overrides
	out, resume, maxTime string
	params               string
	accept               bool
	seed                 uint64
	seeded               bool
	workers              int
	dry, explain         bool
}

func (a *app) fitCmd() *cobra.Command {
	var o fitFlags
	c := &cobra.Command{
		Use: "fit FILE", Short: "Fit a model to its data",
		Long: "Fit a model to its data. The results go to a new folder: estimates, weights, curves, residuals, events and the history of the fit.",
		Example: `  pinode fit models/bouncing_ball.node
  pinode fit models/pendulum.node --set fit.optimizer.lr=0.05 --seed 7 --out runs/try
  pinode fit models/bouncing_ball.node --resume last`,
		Args: one,
		RunE: func(c *cobra.Command, args []string) error { return a.fit(c, args[0], &o) },
	}
	o.flags(c)
	f := c.Flags()
	f.StringVar(&o.out, "out", "", "`FOLDER` for the results; default a new one below runs/")
	f.StringVar(&o.params, "params", "", "start from parameters and weights of a `RUN`: its folder, or last")
	f.StringVar(&o.resume, "resume", "", "go on with a `RUN`: its folder, or last")
	f.BoolVar(&o.accept, "accept-changes", false, "go on with a run although model, data, settings or pinode have changed")
	f.StringVar(&o.maxTime, "max-time", "", "stop after this `TIME`, like 90s or 10m")
	f.Uint64Var(&o.seed, "seed", 0, "seed of all random numbers, a `NUMBER`")
	f.IntVar(&o.workers, "workers", 0, "`NUMBER` of trajectories computed side by side; results do not depend on it")
	f.BoolVar(&o.explain, "explain", false, "print what was decided in the fit, and why")
	f.BoolVar(&o.dry, "dry-run", false, "check model, data and gradients, and do not fit")
	return c
}

func (a *app) fit(c *cobra.Command, path string, o *fitFlags) error {
	began := time.Now()
	if err := o.check(); err != nil {
		return err
	}
	o.seeded = c.Flags().Changed("seed")
	opts := pinode.FitOptions{Workers: o.workers}
	ctx := c.Context()
	if o.maxTime != "" {
		var err error
		if opts.MaxTime, err = o.limit(); err != nil {
			return err
		}
		late := time.AfterFunc(opts.MaxTime+patience, func() { a.leave("max_time", exitStopped) })
		defer late.Stop()
	}
	m, err := open(path, o.model)
	if err != nil {
		return err
	}
	a.warn(m.Warnings())
	dir := ""
	if o.resume != "" {
		r, err := a.resume(m, o)
		if err != nil {
			return err
		}
		if r.ended {
			return r.tellEnded(a)
		}
		lock, err := claim(r.folder.Dir, true)
		if err != nil {
			return err
		}
		defer lock.Close()
		if err := o.start(r.info.Params, path, &opts); err != nil {
			return err
		}
		dir, opts.Set = r.folder.Dir, r.start(opts.Set)
		// Where it was killed before its first checkpoint it begins anew.
		if opts.Resume, err = r.folder.State(); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	} else {
		if err := o.settings(m); err != nil {
			return err
		}
		if err := o.start(o.params, path, &opts); err != nil {
			return err
		}
		if dir, err = o.folder(m); err != nil {
			return err
		}
	}
	p := &progress{a: a, model: m}
	opts.Observer, opts.Checkpoint = p.step, checkpoints(dir)
	opts.MaxTime = left(opts.MaxTime, began)
	f, err := m.NewFit(opts)
	if err != nil {
		return err
	}
	a.warn(m.Doubts())
	a.introduce(f)
	if o.dry {
		return dry(ctx, a, f)
	}
	return fitCertified(ctx, a, f, func() error {
		if o.resume == "" {
			lock, err := claim(dir, false)
			if err != nil {
				return err
			}
			defer lock.Close()
		}
		return a.train(ctx, f, dir, p, o.explain)
	})
}

// fitCertified compares the gradient with finite differences before a fit or, where the model fails at
// the start values, from which the fit may find others, at the result.
func fitCertified(ctx context.Context, a *app, f *pinode.Fit, train func() error) error {
	_, err := a.certify(ctx, f)
	var start *pinode.RunError
	if errors.As(err, &start) {
		note(a, "gradients", "compared at the result: at the start values the model fails (%s)", start)
	} else if err != nil {
		return err
	}
	if err := train(); err != nil || start == nil {
		return err
	}
	if f, err = f.Model.NewFit(pinode.FitOptions{At: f}); err == nil {
		_, err = a.certify(ctx, f)
	}
	return err
}

// note prints a line of what is going on.
func note(a *app, what, format string, args ...any) {
	if !a.quiet && !a.json {
		fmt.Fprintf(a.out, "%-14s "+format+"\n", append([]any{what}, args...)...)
	}
}

// left is what is left of a limit since it began; 0 stays: there is none.
func left(limit time.Duration, began time.Time) time.Duration {
	if limit == 0 {
		return 0
	}
	return max(limit-time.Since(began), time.Nanosecond)
}

// check refuses flags that have no meaning.
func (o *fitFlags) check() error {
	if o.workers < 0 {
		return usageError("--workers is a number of workers, not %d", o.workers)
	}
	if o.accept && o.resume == "" {
		return usageError("--accept-changes is of a run that goes on: see --resume")
	}
	return nil
}

// limit is the time that the command may take.
func (o *fitFlags) limit() (time.Duration, error) {
	limit, err := time.ParseDuration(o.maxTime)
	if err != nil || limit <= 0 {
		return 0, usageError("--max-time takes a time like 90s or 10m, not `%s`", o.maxTime)
	}
	return limit, nil
}

// checkpoints writes checkpoints to a folder, at most one a second.
func checkpoints(dir string) func(*fit.State) error {
	written := time.Now()
	return func(s *fit.State) error {
		if time.Since(written) < time.Second { // a short run is soon done again
			return nil
		}
		written = time.Now()
		return (&report.Folder{Dir: dir}).WriteCheckpoint(s)
	}
}

// settings are those of the command line.
func (o *fitFlags) settings(m *pinode.Model) error {
	if err := o.apply(m); err != nil {
		return err
	}
	if o.seeded {
		if err := m.Set("fit.seed", fmt.Sprint(o.seed), "--seed"); err != nil {
			return usageError("--seed: %s", err)
		}
	}
	return nil
}

// start sets where the fit starts: the weights of a run, if one is named, and the values of the
// command line.
func (o *fitFlags) start(params, model string, opts *pinode.FitOptions) error {
	at, err := o.at(params, model)
	opts.At, opts.Set = at.At, at.Set
	return err
}

// folder is the folder of a new run.
func (o *fitFlags) folder(m *pinode.Model) (string, error) {
	if o.out == "" {
		name := m.Path()
		if name == standardInput {
			name = m.Name()
		}
		return report.NewName(name, time.Now())
	}
	if !report.Empty(o.out) {
		return "", usageError("%s is there already and is not overwritten; choose another --out", o.out)
	}
	return o.out, nil
}

// introduce prints the model and its data.
func (a *app) introduce(f *pinode.Fit) {
	if a.quiet || a.json {
		return
	}
	fmt.Fprintf(a.out, "%-14s %s\n", f.Model.Name(), f.Model)
	if len(f.Model.DataSets()) == 0 {
		return
	}
	s := &f.Train
	total, missing := s.Values+f.Validation.Values, s.Missing+f.Validation.Missing
	share := ""
	if missing > 0 {
		share = fmt.Sprintf(" (%.1f %% missing)", 100*float64(missing)/float64(total+missing))
	}
	split := ""
	if f.Validation.Trajectories > 0 {
		split = fmt.Sprintf(" · train %d, validate %d", s.Trajectories, f.Validation.Trajectories)
	}
	n := s.Trajectories + f.Validation.Trajectories
	what := "trajectories"
	if n == 1 {
		what = "trajectory"
	}
	from, to := math.Min(s.T0, orInf(f.Validation.T0, f.Validation.Trajectories)), math.Max(s.T1, -orInf(-f.Validation.T1, f.Validation.Trajectories))
	span := fmt.Sprintf(", %.4g … %.4g", from, to)
	if from == to && n > 1 && len(f.Model.States()) == 0 { // rows of a table without times
		what, span = "rows", ""
	}
	fmt.Fprintf(a.out, "%-14s %s: %d %s, %d values%s%s%s\n", "data", strings.Join(f.Model.DataSets(), ", "), n, what, total, share, span, split)
}

func orInf(v float64, n int) float64 {
	if n == 0 {
		return math.Inf(1)
	}
	return v
}

// certify compares the gradient with finite differences before the fit, as the
// setting `certificate` says, in the time that the fit has.
func (a *app) certify(ctx context.Context, f *pinode.Fit) (*pinode.Certificate, error) {
	say := func(format string, args ...any) { note(a, "gradients", format, args...) }
	if f.CertificateKind() == "off" {
		say("not compared with finite differences, as `certificate: off` says")
		return nil, nil
	}
	if limit := f.MaxTime(); limit > 0 {
		var cancel func()
		ctx, cancel = context.WithTimeout(ctx, limit)
		defer cancel()
	}
	var c *pinode.Certificate
	err := within(ctx, func(ctx context.Context) (err error) { c, err = f.Certify(ctx, 24); return err })
	if errors.Is(err, context.DeadlineExceeded) {
		return nil, &codeError{exitStopped, "the time was up before the gradient was compared with finite differences; allow more, or leave that out with `certificate: off`"}
	}
	if err != nil {
		return nil, err
	}
	var code *codeError
	if err := refused(c); errors.As(err, &code) {
		code.text += fmt.Sprintf("; try another `fit.gradient`, or see `pinode check --gradients %s`", argument(f.Model))
		return nil, code
	}
	events := ""
	if n := len(c.Events); n > 0 {
		events = fmt.Sprintf(", %d events", n)
	}
	if c.Compared > 0 {
		say("certified: %s = finite differences to %.0e over %d values%s", strings.Join(c.Modes, " = "), c.Worst, c.Compared, events)
	}
	if c.Doubtful > 0 {
		say("doubtful: differences cannot tell %d values, on which modes agree; see `pinode check --gradients %s`", c.Doubtful, argument(f.Model))
	}
	for _, n := range certificateNotes(c) {
		say("note: %s", n)
	}
	return c, nil
}

// train runs the fit and writes its folder.
func (a *app) train(ctx context.Context, f *pinode.Fit, dir string, p *progress, explain bool) error {
	if err := f.Save(dir); err != nil {
		return err
	}
	folder := &report.Folder{Dir: dir}
	left := func(status string) { _ = folder.Leave(status, "the command was left in the middle of a step") }
	a.onLeaving(func(status string) {
		if err := f.Save(dir); err == nil {
			a.say("left in the middle of a step; %s has the best until then", dir)
		}
		left(status)
	})
	runErr := f.Run(ctx)
	a.onLeaving(left)
	p.end()
	saved := f.Save(dir)
	if err := errors.Join(runErr, saved); err != nil {
		if saved != nil {
			_ = folder.Leave("failed", saved.Error()) // what can be said of it is in the error
		}
		return err
	}
	a.onLeaving(nil)
	drawn := a.draw(ctx, f, folder)
	if code := new(codeError); drawn != nil && (a.json || errors.As(drawn, &code)) {
		return drawn
	}
	a.warn(&f.Warnings)
	if explain {
		for _, text := range f.Decisions {
			fmt.Fprintf(a.out, "%-14s %s\n", "decision", text)
		}
	}
	if err := a.summary(f, dir); err != nil {
		return err
	}
	switch f.Status {
	case fit.Interrupted:
		a.say("interrupted; go on with: %s", command("pinode", "fit", argument(f.Model), "--resume", dir))
		return &codeError{interrupted(ctx), ""}
	case fit.MaxTime, fit.StoppedEarly:
		return &codeError{exitStopped, ""}
	}
	if f.Late() {
		return &codeError{exitStopped, ""}
	}
	return drawn // behind the result, which is there
}

// draw draws the figures, if there is time for them.
func (a *app) draw(ctx context.Context, f *pinode.Fit, folder *report.Folder) error {
	cut := f.Status == fit.Interrupted || f.Status == fit.MaxTime
	if cut {
		var cancel func()
		ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), patience/4)
		defer cancel()
	}
	if !f.Late() {
		err := within(ctx, func(context.Context) error { _, err := figures.Draw(folder, "png"); return err })
		if !cut || !errors.Is(err, context.DeadlineExceeded) {
			return err
		}
	}
	a.say("note: there was no time left for all of the results; see: %s", command("pinode", "plot", folder.Dir))
	return nil
}
