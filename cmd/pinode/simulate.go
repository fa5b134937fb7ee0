package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/pinode/pinode"
)

func (a *app) simulateCmd() *cobra.Command {
	var o overrides
	var out, params, events string
	c := &cobra.Command{
		Use: "simulate FILE", Short: "Simulate a model",
		Long: "Simulate a model and write its trajectories as CSV: the time, states, discrete variables, named quantities and observations. The instants of events are always there, with the values before and after.",
		Example: `  pinode simulate models/pendulum.node --set L=0.8 > swing.csv
  pinode simulate models/bouncing_ball.node --params last --out ball.csv --events bounces.csv
  pinode simulate models/lotka_volterra.node --set simulate.until=50`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			m, err := a.load(args[0], &o)
			if err != nil {
				return err
			}
			if err := separate(m, map[string]string{"--out": out, "--events": events}); err != nil {
				return err
			}
			opts := pinode.SimulateOptions{Set: o.values}
			if params != "" {
				run, err := pinode.OpenRun(params)
				if err != nil {
					return err
				}
				opts.At = run
			}
			var s *pinode.Simulation
			if err := within(c.Context(), func(ctx context.Context) (err error) { s, err = m.Simulate(ctx, opts); return err }); err != nil {
				return err
			}
			a.warn(m.Doubts())
			return a.writeSimulation(s, out, events)
		},
	}
	o.flags(c)
	c.Flags().StringVar(&out, "out", "", "file for the trajectories; default and - standard output")
	c.Flags().StringVar(&params, "params", "", "parameters and weights of a run: its folder, or last")
	c.Flags().StringVar(&events, "events", "", "file for the event log")
	return c
}

func (a *app) writeSimulation(s *pinode.Simulation, out, events string) error {
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
		return a.simulationJSON(s)
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

func (a *app) simulationJSON(s *pinode.Simulation) error {
	type event struct {
		Name    string  `json:"name"`
		Surface string  `json:"surface,omitempty"`
		T       float64 `json:"t"`
		K       int     `json:"k"`
	}
	type trajectory struct {
		Name   string      `json:"name"`
		Status string      `json:"status"`
		Rows   [][]float64 `json:"rows"`
		Events []event     `json:"events"`
	}
	out := struct {
		Version      int          `json:"version"`
		Columns      []string     `json:"columns"`
		Units        []string     `json:"units"`
		Trajectories []trajectory `json:"trajectories"`
		Unproven     string       `json:"unproven,omitempty"`
	}{Version: 1, Columns: s.Columns, Units: s.Units, Unproven: s.Unproven}
	for _, tr := range s.Trajectories {
		t := trajectory{tr.Name, tr.Status.String(), tr.Rows, []event{}}
		for _, e := range tr.Events {
			t.Events = append(t.Events, event{e.Name, e.Surface, e.Time, e.K})
		}
		out.Trajectories = append(out.Trajectories, t)
	}
	return writeJSON(a.out, out)
}
