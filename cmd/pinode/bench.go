package main

import (
	"encoding/json"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/pinode/pinode/bench"
)

// benchCmd measures the rows of package bench.
func (a *app) benchCmd() *cobra.Command {
	var quick, list, markdown bool
	var only []string
	c := &cobra.Command{
		Use:   "bench",
		Short: "Measure pinode's speed on this machine",
		Example: `  pinode bench --quick                 every row, within a minute
  pinode bench --row pleiades --json   one row, for programs`,
		Args: cobra.NoArgs,
	}
	c.Flags().BoolVar(&quick, "quick", false, "fewer repeats: ends within 50 s")
	c.Flags().BoolVar(&list, "list", false, "list the rows and measure nothing")
	c.Flags().BoolVar(&markdown, "markdown", false, "print a table for a document")
	c.Flags().StringSliceVar(&only, "row", nil, "measure only these rows")
	c.RunE = func(*cobra.Command, []string) error {
		rows := bench.Rows
		if len(only) > 0 {
			rows = nil
			for _, name := range only {
				k := slices.IndexFunc(bench.Rows, func(r *bench.Row) bool { return r.Name == name })
				if k < 0 {
					return usageError("there is no row `%s`; `pinode bench --list` lists them", name)
				}
				rows = append(rows, bench.Rows[k])
			}
		}
		repeats := 21
		if quick {
			repeats = 5
		}
		if list {
			for _, r := range rows {
				fmt.Fprintf(a.out, "%-24s %s\n", r.Name, r.Doc)
			}
			return nil
		}
		var results []bench.Result
		for _, r := range rows {
			if !a.quiet && !a.json {
				fmt.Fprintf(a.err, "%s …\n", r.Name)
			}
			out, err := r.Measure(repeats)
			if err != nil {
				return &codeError{exitInternal, err.Error()}
			}
			results = append(results, out)
		}
		if a.json {
			e := json.NewEncoder(a.out)
			e.SetIndent("", "  ")
			return e.Encode(struct {
				Version int            `json:"version"`
				Machine string         `json:"machine"`
				Rows    []bench.Result `json:"rows"`
			}{1, machine(), results})
		}
		if markdown {
			fmt.Fprintf(a.out, "%s, %s\n\n| row | what | measured | against | ratio | bar | holds |\n|---|---|---|---|---|---|---|\n", time.Now().Format(time.DateOnly), machine())
			for i, r := range results {
				fmt.Fprintf(a.out, "| %s | %s | %s |\n", r.Name, rows[i].Doc, strings.Join(cells(&r, rows[i]), " | "))
			}
			return nil
		}
		w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "row\tmeasured\tagainst\tratio\tbar\tholds")
		for i, r := range results {
			fmt.Fprintf(w, "%s\t%s\n", r.Name, strings.Join(cells(&r, rows[i]), "\t"))
		}
		return w.Flush()
	}
	return c
}

// cells are the columns of a result behind its name.
func cells(r *bench.Result, row *bench.Row) []string {
	measured := fmt.Sprintf("%.3g %s", r.Value, r.Unit)
	if r.Note != "" {
		return []string{measured, "–", "–", "–", r.Note}
	}
	against, ratio, holds := "the bar", fmt.Sprintf("%.2f", r.Ratio/max(r.Bar, 1e-300)), "no"
	bar := fmt.Sprintf("≤ %g %s", r.Bar, r.Unit)
	if row.Baseline != "" {
		against, ratio = fmt.Sprintf("%s, %.3g %s", row.Baseline, r.Baseline, r.Unit), fmt.Sprintf("%.2f", r.Ratio)
		bar = fmt.Sprintf("≤ %g", r.Bar)
	}
	if r.Bar == 0 {
		ratio = "–"
	}
	if row.More {
		bar = strings.Replace(bar, "≤", "≥", 1)
	}
	if r.Holds {
		holds = "yes"
	}
	return []string{measured, against, ratio, bar, holds}
}

// machine describes where a measurement was made.
func machine() string {
	return fmt.Sprintf("%s, %s/%s, %d cores, %s", processor(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version())
}
