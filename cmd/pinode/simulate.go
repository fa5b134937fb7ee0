package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/pinode/pinode"
)

type simulateFlags struct {
	overrides
	out, params, events string
	until, step, times  string
	seed                uint64
	rows, explain       bool
	compare             string
}

func (a *app) simulateCmd() *cobra.Command {
	var o simulateFlags
	c := &cobra.Command{
		Use: "simulate FILE", Short: "Simulate a model",
		Long: "Simulate a model and write its trajectories as CSV: the time, states, discrete variables, named quantities and observations. The instants of events are always there, with the values before and after. Of a run that fails there is what it came to.",
		Example: `  pinode simulate models/pendulum.node --set L=0.8 > swing.csv
  pinode simulate models/bouncing_ball.node --params last --out ball.csv --events bounces.csv
  pinode simulate models/bouncing_ball.node --params last --every-row --out residuals.csv
  pinode simulate models/lotka_volterra.node --until 50 --step 0.5
  pinode simulate models/lotka_volterra.node --explain
  pinode simulate models/lotka_volterra.node --compare tsit5,vern7,rodas5p`,
		Args: one,
		RunE: func(c *cobra.Command, args []string) error { return a.simulate(c, args[0], &o) },
	}
	o.flags(c)
	f := c.Flags()
	f.StringVar(&o.out, "out", "", "`FILE` for the trajectories; default and - standard output")
	f.StringVar(&o.params, "params", "", "parameters and weights of a `RUN`: its folder, or last")
	f.StringVar(&o.events, "events", "", "`FILE` for the event log")
	f.StringVar(&o.until, "until", "", "end `TIME`: simulate.until")
	f.StringVar(&o.step, "step", "", "distance of the output times, a `TIME`: simulate.step")
	f.StringVar(&o.times, "times", "", "output `TIMES`, like 0,0.5,2: simulate.times")
	f.Uint64Var(&o.seed, "seed", 0, "seed of all random numbers, a `NUMBER`: simulate.seed")
	f.BoolVar(&o.rows, "every-row", false, "a row for each row of data, with its measured values and residuals")
	f.BoolVar(&o.explain, "explain", false, "say what the steps did, in the place of the trajectories or beside the file of --out")
	f.StringVar(&o.compare, "compare", "", "a table of error and work of `SOLVERS` at several tolerances, like tsit5,vern7, in the place of the trajectories")
	return c
}

// settings are those that flags of their own name.
func (o *simulateFlags) settings(c *cobra.Command, m *pinode.Model) error {
	for _, s := range []struct{ key, value string }{{"until", o.until}, {"step", o.step}, {"times", o.times}, {"seed", fmt.Sprint(o.seed)}} {
		if !c.Flags().Changed(s.key) {
			continue
		}
		if o.rows && s.key != "seed" {
			return usageError("--%s and --every-row exclude each other: output times are those of the data", s.key)
		}
		if err := m.Set("simulate."+s.key, s.value, "--"+s.key); err != nil {
			return usageError("--%s: %s", s.key, err)
		}
	}
	return nil
}

func (a *app) simulate(c *cobra.Command, path string, o *simulateFlags) error {
	m, err := a.load(path, &o.overrides)
	if err != nil {
		return err
	}
	if err := o.settings(c, m); err != nil {
		return err
	}
	at, err := o.at(o.params, path)
	if err != nil {
		return err
	}
	if err := separate(m, map[string]string{"--out": o.out, "--events": o.events}); err != nil {
		return err
	}
	opts := pinode.SimulateOptions{At: at.At, Set: at.Set, Rows: o.rows, Explain: o.explain}
	if c.Flags().Changed("compare") {
		return a.compareSolvers(c, m, opts, o)
	}
	var s *pinode.Simulation
	failed := within(c.Context(), func(ctx context.Context) (err error) { s, err = m.Simulate(ctx, opts); return err })
	var stopped *codeError
	var refused *pinode.Diagnostics // before any run
	if errors.As(failed, &stopped) || errors.As(failed, &refused) || s == nil {
		return failed
	}
	a.warn(m.Doubts())
	return errors.Join(failed, a.writeSimulation(s, o.out, o.events, failed))
}

func (a *app) writeSimulation(s *pinode.Simulation, out, events string, failed error) error {
	if events != "" {
		err := a.output(events, s.WriteEvents)
		if err != nil {
			return err
		}
	}
	a.warn(&s.Warnings)
	if s.Unproven != "" {
		a.say("note: %s", s.Unproven)
	}
	if a.json {
		if out != "" && out != "-" {
			if err := a.output(out, s.WriteCSV); err != nil {
				return err
			}
		}
		return a.simulationJSON(s, failed)
	}
	if s.Explanation != "" {
		fmt.Fprint(a.out, s.Explanation)
		if out == "" {
			return nil
		}
	}
	err := a.output(out, s.WriteCSV)
	if err == nil && out != "" && out != "-" && !a.quiet {
		n, ev := 0, 0
		for _, tr := range s.Trajectories {
			n, ev = n+len(tr.Rows), ev+len(tr.Events)
		}
		a.say("%s: %d rows, %d events, %d steps", out, n, ev, s.Stats.Steps)
	}
	return err
}

// simulationJSON is the document of a simulation and, where a run of it failed, of that.
func (a *app) simulationJSON(s *pinode.Simulation, failed error) error {
	type event struct {
		Name    string       `json:"name"`
		Surface string       `json:"surface,omitempty"`
		T       jsonNumber   `json:"t"`
		K       int          `json:"k"`
		Before  []jsonNumber `json:"before"`
		After   []jsonNumber `json:"after"`
	}
	type trajectory struct {
		Name   string         `json:"name"`
		Status string         `json:"status"`
		Rows   [][]jsonNumber `json:"rows"`
		Events []event        `json:"events"`
	}
	out := struct {
		Version      int          `json:"version"`
		Columns      []string     `json:"columns"`
		Units        []string     `json:"units"`
		Trajectories []trajectory `json:"trajectories"`
		Unproven     string       `json:"unproven,omitempty"`
		Explanation  string       `json:"explanation,omitempty"`
		Error        *failure     `json:"error,omitempty"`
	}{Version: 1, Columns: s.Columns, Units: s.Units, Unproven: s.Unproven, Explanation: s.Explanation}
	for _, tr := range s.Trajectories {
		t := trajectory{tr.Name, tr.Status.String(), [][]jsonNumber{}, []event{}}
		for _, row := range tr.Rows {
			t.Rows = append(t.Rows, jsonNumbers(row))
		}
		for _, e := range tr.Events {
			t.Events = append(t.Events, event{e.Name, e.Surface, jsonNumber(e.Time), e.K, jsonNumbers(e.Before), jsonNumbers(e.After)})
		}
		out.Trajectories = append(out.Trajectories, t)
	}
	if failed != nil {
		f := failureOf(failed)
		out.Error = &f
	}
	return writeJSON(a.out, out)
}
