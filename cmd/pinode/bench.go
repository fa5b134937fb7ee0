package main

import (
	"fmt"
	"io"
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
  pinode bench --scaling --row width,width_single
  pinode bench --auto
  pinode bench --precision`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return (&measuring{a, &o, bench.Growths}).run(c) },
	}
	f := c.Flags()
	f.BoolVar(&o.quick, "quick", false, "few repeats and no Python; ends within 50 s")
	f.BoolVar(&o.list, "list", false, "list the rows")
	f.StringSliceVar(&o.rows, "row", nil, "measure these `ROWS` only, or with --scaling these tables: names with commas between, or the flag again")
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

// measuring is a run of the command.
type measuring struct {
	*app
	*benchFlags
	growths []*bench.Growth // that scaling measures
}

func (m *measuring) run(c *cobra.Command) error {
	rows := bench.Rows
	var err error
	if m.scaling {
		m.growths, err = bench.SelectGrowths(m.rows)
	} else {
		rows, err = bench.Select(m.rows)
	}
	if err != nil {
		return usageError("%s", err)
	}
	if m.list {
		return m.printList(rows)
	}
	exe, err := os.Executable()
	if err != nil {
		exe = "" // rows that need it say so
	}
	lab, err := bench.NewLab(m.quick, exe)
	if err != nil {
		return err
	}
	defer lab.Close()
	m.onLeaving(func(string) { _ = lab.Close() })
	failed := func(err error) error {
		if c.Context().Err() != nil {
			return &codeError{interrupted(c.Context()), "interrupted"}
		}
		return &codeError{exitInternal, err.Error()}
	}
	if table := m.table(); table != nil {
		if err := table(c, lab); err != nil {
			return failed(err)
		}
		return nil
	}
	plain := !m.json && !m.markdown
	if plain {
		bench.Print(m.out, nil)
	}
	results := []bench.Result{}
	err = bench.Run(c.Context(), lab, rows, func(r bench.Result) {
		results = append(results, r)
		if plain {
			bench.Print(m.out, &r)
		} else if !m.quiet {
			fmt.Fprintln(m.err, r.Row.Name)
		}
	})
	if err != nil {
		return failed(err)
	}
	switch {
	case m.json:
		return writeJSON(m.out, struct {
			Version int            `json:"version"`
			Machine bench.Machine  `json:"machine"`
			Rows    []bench.Result `json:"rows"`
		}{1, lab.Machine(c.Context()), results})
	case m.markdown:
		var tables []bench.Table
		if len(m.rows) == 0 {
			if err = bench.Scaling(c.Context(), lab, m.growths, func(t bench.Table) { tables = append(tables, t) }); err != nil {
				return failed(err)
			}
		}
		bench.Page(m.out, lab.Machine(c.Context()), results, tables)
	}
	return nil
}

// table is what prints the table that was asked for in the place of rows, or nil.
func (m *measuring) table() func(c *cobra.Command, lab *bench.Lab) error {
	switch {
	case m.auto:
		return m.printAuto
	case m.precision:
		return m.printPrecision
	case m.scaling:
		return m.printScaling
	}
	return nil
}

// printScaling prints how cost grows.
func (m *measuring) printScaling(c *cobra.Command, lab *bench.Lab) error {
	tables := []bench.Table{}
	err := bench.Scaling(c.Context(), lab, m.growths, func(t bench.Table) {
		if tables = append(tables, t); !m.json {
			t.Print(m.out)
		}
	})
	if err != nil || !m.json {
		return err
	}
	return writeJSON(m.out, struct {
		Version int           `json:"version"`
		Scaling []bench.Table `json:"scaling"`
	}{1, tables})
}

// asTheyCome prints the rows of a table as they are measured, the title first, but for JSON; it
// returns all of them.
func asTheyCome[T any](m *measuring, print func(row *T, w io.Writer), measure func(add func(T)) error) ([]T, error) {
	rows := []T{}
	if !m.json {
		print(nil, m.out)
	}
	err := measure(func(r T) {
		rows = append(rows, r)
		if !m.json {
			print(&r, m.out)
		}
	})
	return rows, err
}

// printAuto prints how `solver: auto` stands beside single methods.
func (m *measuring) printAuto(c *cobra.Command, lab *bench.Lab) error {
	rows, err := asTheyCome(m, (*bench.Choice).Print, func(add func(bench.Choice)) error { return bench.Auto(c.Context(), lab, add) })
	if err != nil || !m.json {
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
	return writeJSON(m.out, out)
}

// printPrecision prints how it stands beside CVODE.
func (m *measuring) printPrecision(c *cobra.Command, lab *bench.Lab) error {
	rows, err := asTheyCome(m, (*bench.Duel).Print, func(add func(bench.Duel)) error { return bench.Precision(c.Context(), lab, add) })
	if err != nil || !m.json {
		return err
	}
	return writeJSON(m.out, struct {
		Version   int          `json:"version"`
		Precision []bench.Duel `json:"precision"`
	}{1, rows})
}

func (m *measuring) printList(rows []*bench.Row) error {
	if m.json {
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
		return writeJSON(m.out, struct {
			Version int   `json:"version"`
			Rows    []row `json:"rows"`
		}{1, out})
	}
	for _, r := range rows {
		fmt.Fprintf(m.out, "%-21s %-10s %s\n", r.Name, r.Limit(), r.Doc)
	}
	return nil
}
