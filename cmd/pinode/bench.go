package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/pinode/pinode/bench"
)

type benchFlags struct {
	quick, list, markdown, scaling, auto, precision bool
	rows                                            []string
}

func (a *app) benchCmd() *cobra.Command {
	var o benchFlags
	c := &cobra.Command{
		Use: "bench", Short: "Measure how fast pinode is, next to other programs",
		Long: "Measure how fast pinode is, next to programs that do the same work on this machine: in C where there is a compiler, CVODE where SUNDIALS is installed, and Python packages where the Python that PINODE_BENCH_PYTHON names, or else python3, has them. Each row has a bar, for its time or for its ratio to the baseline. The exit code is 0 whether bars hold or not.",
		Example: `  pinode bench
  pinode bench --quick --json
  pinode bench --row lotka,pleiades
  pinode bench --scaling
  pinode bench --auto
  pinode bench --precision`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return a.bench(c, &o) },
	}
	f := c.Flags()
	f.BoolVar(&o.quick, "quick", false, "few repeats and no Python; ends within 50 s")
	f.BoolVar(&o.list, "list", false, "list the rows")
	f.StringSliceVar(&o.rows, "row", nil, "measure these rows only: names with commas between, or the flag again")
	f.BoolVar(&o.markdown, "markdown", false, "print the page bench/README.md")
	f.BoolVar(&o.scaling, "scaling", false, "measure how cost grows with the size of the work")
	f.BoolVar(&o.auto, "auto", false, "compare the solver auto with the best single method on published problems")
	f.BoolVar(&o.precision, "precision", false, "compare the solver auto with CVODE at equal errors, in pairs of runs")
	c.MarkFlagsMutuallyExclusive("list", "markdown", "scaling", "auto", "precision")
	_ = c.RegisterFlagCompletionFunc("row", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		var out []string
		for _, r := range bench.Rows {
			out = append(out, r.Name)
		}
		return out, cobra.ShellCompDirectiveNoFileComp
	})
	return c
}

func (a *app) bench(c *cobra.Command, o *benchFlags) error {
	rows, err := bench.Select(o.rows)
	if err != nil {
		return usageError("%s", err)
	}
	if o.list {
		return a.benchList(rows)
	}
	exe, err := os.Executable()
	if err != nil {
		exe = "" // rows that need it say so
	}
	lab, err := bench.NewLab(o.quick, exe)
	if err != nil {
		return err
	}
	defer lab.Close()
	a.onLeaving(func(string) { _ = lab.Close() })
	failed := func(err error) error {
		if c.Context().Err() != nil {
			return &codeError{interrupted(c.Context()), "interrupted"}
		}
		return &codeError{exitInternal, err.Error()}
	}
	if table := a.benchTable(o); table != nil {
		if err := table(c, lab); err != nil {
			return failed(err)
		}
		return nil
	}
	plain := !a.json && !o.markdown
	if plain {
		bench.Print(a.out, nil)
	}
	results := []bench.Result{}
	err = bench.Run(c.Context(), lab, rows, func(r bench.Result) {
		results = append(results, r)
		if plain {
			bench.Print(a.out, &r)
		} else if !a.quiet {
			fmt.Fprintln(a.err, r.Row.Name)
		}
	})
	if err != nil {
		return failed(err)
	}
	switch {
	case a.json:
		return writeJSON(a.out, struct {
			Version int            `json:"version"`
			Machine bench.Machine  `json:"machine"`
			Rows    []bench.Result `json:"rows"`
		}{1, lab.Machine(c.Context()), results})
	case o.markdown:
		var tables []bench.Table
		if len(o.rows) == 0 {
			if tables, err = bench.Scaling(c.Context(), lab); err != nil {
				return failed(err)
			}
		}
		bench.Page(a.out, lab.Machine(c.Context()), results, tables)
	}
	return nil
}

// benchTable is what prints the table that was asked for in the place of rows, or nil.
func (a *app) benchTable(o *benchFlags) func(c *cobra.Command, lab *bench.Lab) error {
	switch {
	case o.auto:
		return a.benchAuto
	case o.precision:
		return a.benchPrecision
	case o.scaling:
		return a.benchScaling
	}
	return nil
}

// benchScaling prints how cost grows.
func (a *app) benchScaling(c *cobra.Command, lab *bench.Lab) error {
	tables, err := bench.Scaling(c.Context(), lab)
	if err != nil {
		return err
	}
	if a.json {
		return writeJSON(a.out, struct {
			Version int           `json:"version"`
			Scaling []bench.Table `json:"scaling"`
		}{1, tables})
	}
	for i := range tables {
		tables[i].Print(a.out)
	}
	return nil
}

// benchAuto prints how `solver: auto` stands beside single methods.
func (a *app) benchAuto(c *cobra.Command, lab *bench.Lab) error {
	rows := []bench.Choice{}
	if !a.json {
		(*bench.Choice)(nil).Print(a.out)
	}
	err := bench.Auto(c.Context(), lab, func(r bench.Choice) {
		rows = append(rows, r)
		if !a.json {
			r.Print(a.out)
		}
	})
	if err != nil || !a.json {
		return err
	}
	type number struct {
		bench.Choice
		Other jsonNumber `json:"other"`
		Error jsonNumber `json:"error"`
		Ratio jsonNumber `json:"ratio"`
	}
	out := struct {
		Version int      `json:"version"`
		Auto    []number `json:"auto"`
	}{Version: 1}
	for _, r := range rows {
		out.Auto = append(out.Auto, number{r, jsonNumber(r.Other), jsonNumber(r.Error), jsonNumber(r.Ratio)})
	}
	return writeJSON(a.out, out)
}

// benchPrecision prints how it stands beside CVODE.
func (a *app) benchPrecision(c *cobra.Command, lab *bench.Lab) error {
	rows := []bench.Duel{}
	if !a.json {
		(*bench.Duel)(nil).Print(a.out)
	}
	err := bench.Precision(c.Context(), lab, func(d bench.Duel) {
		rows = append(rows, d)
		if !a.json {
			d.Print(a.out)
		}
	})
	if err != nil || !a.json {
		return err
	}
	return writeJSON(a.out, struct {
		Version   int          `json:"version"`
		Precision []bench.Duel `json:"precision"`
	}{1, rows})
}

func (a *app) benchList(rows []*bench.Row) error {
	if a.json {
		type row struct {
			Name string `json:"name"`
			Unit string `json:"unit"`
			Bar  string `json:"bar"`
			Doc  string `json:"doc"`
		}
		out := []row{}
		for _, r := range rows {
			out = append(out, row{r.Name, r.Unit, r.Limit(), r.Doc})
		}
		return writeJSON(a.out, struct {
			Version int   `json:"version"`
			Rows    []row `json:"rows"`
		}{1, out})
	}
	for _, r := range rows {
		fmt.Fprintf(a.out, "%-21s %-10s %s\n", r.Name, r.Limit(), r.Doc)
	}
	return nil
}
