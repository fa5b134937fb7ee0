package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pinode/pinode"
)

// compareSolvers prints a work–precision table of solvers on a simulation.
func (a *app) compareSolvers(c *cobra.Command, m *pinode.Model, opts pinode.SimulateOptions, o *simulateFlags) error {
	for _, key := range []string{"out", "events", "explain"} {
		if c.Flags().Changed(key) {
			return usageError("--compare and --%s exclude each other: a comparison prints its table alone", key)
		}
	}
	var rows []pinode.Comparison
	names := strings.Split(o.compare, ",")
	for i, name := range names {
		names[i] = strings.TrimSpace(name)
	}
	err := within(c.Context(), func(ctx context.Context) (err error) { rows, err = m.Compare(ctx, opts, names...); return err })
	if err != nil {
		return err
	}
	if a.json {
		return a.comparisonJSON(rows)
	}
	fmt.Fprintf(a.out, "%-16s %9s %9s %8s %8s %11s %10s\n", "solver", "tolerance", "error", "steps", "rejected", "evaluations", "time")
	for _, r := range rows {
		work := fmt.Sprintf("%.0e", r.RTol)
		if r.Step > 0 {
			work = fmt.Sprintf("h %.3g", r.Step)
		}
		if r.Failed != "" {
			fmt.Fprintf(a.out, "%-16s %9s failed: %s\n", r.Solver, work, r.Failed)
			continue
		}
		fmt.Fprintf(a.out, "%-16s %9s %9.1e %8d %8d %11d %10s\n", r.Solver, work, r.Error, r.Steps, r.Rejected, r.Evaluations, r.Time.Round(100*time.Nanosecond))
	}
	return nil
}

func (a *app) comparisonJSON(rows []pinode.Comparison) error {
	type row struct {
		Solver      string     `json:"solver"`
		RTol        float64    `json:"rtol,omitempty"`
		Step        float64    `json:"step,omitempty"`
		Error       jsonNumber `json:"error"`
		Steps       int        `json:"steps"`
		Rejected    int        `json:"rejected"`
		Evaluations int        `json:"evaluations"`
		Seconds     float64    `json:"seconds"`
		Failed      string     `json:"failed,omitempty"`
	}
	out := struct {
		Version int   `json:"version"`
		Rows    []row `json:"rows"`
	}{Version: 1, Rows: []row{}}
	for _, r := range rows {
		out.Rows = append(out.Rows, row{r.Solver, r.RTol, r.Step, jsonNumber(r.Error), r.Steps, r.Rejected, r.Evaluations, r.Time.Seconds(), r.Failed})
	}
	return writeJSON(a.out, out)
}
