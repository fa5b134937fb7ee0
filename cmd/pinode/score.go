package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/pinode/pinode"
)

func (a *app) scoreCmd() *cobra.Command {
	var files []string
	var out string
	c := &cobra.Command{
		Use: "score RUN", Short: "Say how a fitted model predicts data",
		Long: "Say how a fitted model predicts data: those that it was fitted to and those that were held back, or other ones, of which all trajectories count. For each observation: the root of the mean squared error, the log-likelihood, and the share of values within the central 50 % and 95 % of their distribution around the prediction.",
		Example: `  pinode score last
  pinode score runs/bouncing_ball-20260101-120000-abcd --data drops=new.csv --json`,
		Args: one,
		RunE: func(c *cobra.Command, args []string) error { return a.score(c, args[0], files, out) },
	}
	c.Flags().StringArrayVar(&files, "data", nil, "other data, by the name of their block, `NAME=FILE`: drops=new.csv")
	c.Flags().StringVar(&out, "out", "", "`FILE` for predictions and residuals")
	return c
}

func (a *app) score(c *cobra.Command, name string, files []string, out string) error {
	run, err := pinode.OpenRun(name)
	if err != nil {
		return err
	}
	m, err := run.Load()
	if err != nil {
		return err
	}
	if err := setData(m, files); err != nil {
		return err
	}
	var list []pinode.Assessment
	opts := pinode.EvaluateOptions{At: run, Whole: len(files) > 0}
	if err := within(c.Context(), func(ctx context.Context) (err error) { list, err = m.Score(ctx, opts); return err }); err != nil {
		return err
	}
	a.warn(m.Doubts())
	if out != "" {
		if err := a.output(out, func(w io.Writer) error { return pinode.WriteResiduals(w, list) }); err != nil {
			return err
		}
	}
	if a.json {
		return writeJSON(a.out, assessmentsJSON(run, list))
	}
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	for i := range list {
		printAssessment(w, &list[i])
	}
	return w.Flush()
}

func printAssessment(w io.Writer, s *pinode.Assessment) {
	likelihood := "–"
	if !math.IsNaN(s.LogLikelihood) {
		likelihood = fmt.Sprintf("%.10g", s.LogLikelihood)
	}
	what := "trajectories"
	if s.Runs == 1 {
		what = "trajectory"
	}
	fmt.Fprintf(w, "%s\t%d %s, %d values, log-likelihood %s\n", s.Split, s.Runs, what, s.Values, likelihood)
	for _, n := range slices.Sorted(maps.Keys(s.Likelihoods)) {
		if len(s.Likelihoods) > 1 {
			fmt.Fprintf(w, "  %s\tlog-likelihood %.10g\n", n, s.Likelihoods[n])
		}
	}
	fmt.Fprint(w, "  observation\tvalues\tRMSE\tin 50 %\tin 95 %\n")
	percent := func(v float64) string {
		if math.IsNaN(v) {
			return "–"
		}
		return fmt.Sprintf("%.1f %%", 100*v)
	}
	for _, o := range s.Scores {
		fmt.Fprintf(w, "  %s\t%d\t%.4g\t%s\t%s\n", o.Observation, o.Values, o.RMSE, percent(o.Coverage50), percent(o.Coverage95))
	}
}

func assessmentsJSON(run *pinode.Run, list []pinode.Assessment) any {
	type split struct {
		Split         string                `json:"split"`
		Runs          int                   `json:"trajectories"`
		Values        int                   `json:"values"`
		LogLikelihood jsonNumber            `json:"log_likelihood"`
		Likelihoods   map[string]jsonNumber `json:"log_likelihoods"`
		Scores        []scoreJSON           `json:"scores"`
		Residuals     []residualJSON        `json:"residuals"`
	}
	out := struct {
		Version int     `json:"version"`
		Run     string  `json:"run"`
		Splits  []split `json:"splits"`
	}{1, run.Dir, []split{}}
	for _, s := range list {
		out.Splits = append(out.Splits, split{s.Split, s.Runs, s.Values, jsonNumber(s.LogLikelihood), jsonMap(s.Likelihoods), scoresJSON(s.Scores), residualsJSON(s.Residuals)})
	}
	return out
}
