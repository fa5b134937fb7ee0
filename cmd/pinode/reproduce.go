package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/pinode/pinode/internal/files"
	"github.com/pinode/pinode/models/published"
)

func (a *app) reproduceCmd() *cobra.Command {
	var quick, markdown, about bool
	var out string
	c := &cobra.Command{
		Use: "reproduce [NAME … | all]", Short: "Reproduce published systems and compare with their numbers",
		Long: "Reproduce published systems: make their data, fit the model and compare with the number of the source and with the one to beat. Without a name: list them. The exit code is 5 where a figure misses.",
		Example: `  pinode reproduce
  pinode reproduce events missing_physics
  pinode reproduce all --quick --out published`,
		RunE: func(c *cobra.Command, args []string) error {
			return a.reproduce(c.Context(), args, how{quick, markdown, about, out})
		},
		ValidArgsFunction: cobra.FixedCompletions(systemNames(), cobra.ShellCompDirectiveNoFileComp),
	}
	c.Flags().BoolVar(&quick, "quick", false, "short forms, which show that all works and are not held to the numbers")
	c.Flags().BoolVar(&markdown, "markdown", false, "print the table of docs/published.md")
	c.Flags().BoolVar(&about, "about", false, "print where a system comes from and what differs, and run nothing")
	c.Flags().StringVar(&out, "out", "", "`FOLDER` in which models and data stay; default: they are removed")
	return c
}

func systemNames() []string {
	names := []string{"all"}
	for _, r := range published.Rows() {
		names = append(names, r.Name)
	}
	return names
}

// how says how systems are reproduced.
type how struct {
	quick, markdown, about bool
	out                    string
}

func (a *app) reproduce(ctx context.Context, names []string, h how) error {
	if len(names) == 0 {
		return a.listSystems()
	}
	rows, err := systems(names)
	if err != nil {
		return err
	}
	if h.about {
		var pages strings.Builder
		for _, r := range rows {
			pages.WriteString(r.Page())
		}
		return a.text("pages", pages.String())
	}
	out := h.out
	if out == "" {
		if out, err = os.MkdirTemp("", "pinode-"); err != nil {
			return files.Unwritable(os.TempDir(), err)
		}
		defer func() { _ = os.RemoveAll(out) }()
	}
	var results []*published.Result
	missed := 0
	for _, r := range rows {
		dir := filepath.Join(out, r.Name)
		if err := os.MkdirAll(dir, 0o777); err != nil {
			return files.Unwritable(dir, err)
		}
		o := published.Options{Dir: dir, Quick: h.quick, Log: io.Discard}
		if !a.quiet {
			o.Log = a.err
		}
		res, err := r.Reproduce(ctx, o)
		if err != nil {
			return err
		}
		results = append(results, res)
		for i := range res.Figures {
			if !h.quick && !res.Figures[i].Holds() {
				missed++
			}
		}
	}
	switch {
	case a.json:
		err = writeJSON(a.out, systemsJSON(results))
	case h.markdown:
		err = published.WriteTable(a.out, results)
	default:
		err = a.printSystems(results)
	}
	if err == nil && missed > 0 {
		err = &codeError{exitNumerical, fmt.Sprintf("%d of the figures miss the number to beat", missed)}
	}
	return err
}

// systems are the rows of some names.
func systems(names []string) ([]*published.Row, error) {
	if slices.Equal(names, []string{"all"}) {
		return published.Rows(), nil
	}
	var rows []*published.Row
	for _, name := range names {
		r, ok := published.Find(name)
		if !ok {
			return nil, usageError("no published system `%s`; there are %s", name, strings.Join(systemNames()[1:], ", "))
		}
		rows = append(rows, r)
	}
	return rows, nil
}

func (a *app) listSystems() error {
	if a.json {
		list := []map[string]string{}
		for _, r := range published.Rows() {
			list = append(list, map[string]string{"name": r.Name, "title": r.Title, "source": r.Source})
		}
		return writeJSON(a.out, map[string]any{"version": 1, "systems": list})
	}
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	for _, r := range published.Rows() {
		fmt.Fprintf(w, "%s\t%s\n", r.Name, r.Title)
	}
	return w.Flush()
}

func (a *app) printSystems(list []*published.Result) error {
	for _, r := range list {
		fmt.Fprintf(a.out, "%s: %s, %.1f s\n", r.Row.Name, r.Row.Title, r.Took.Seconds())
		w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
		for i := range r.Figures {
			f := &r.Figures[i]
			verdict := "holds"
			switch {
			case r.Quick:
				verdict = "quick"
			case !f.Holds():
				verdict = "misses"
			}
			source := ""
			if f.Published != "" {
				source = "published " + f.Published
			}
			fmt.Fprintf(w, "  %s\t%.4g\t%s\t%s\t%s\n", f.What, f.Ours, f.Wanted(), verdict, source)
		}
		if err := w.Flush(); err != nil {
			return err
		}
	}
	return nil
}

func systemsJSON(list []*published.Result) any {
	type figure struct {
		What      string     `json:"what"`
		Ours      jsonNumber `json:"ours"`
		Bar       jsonNumber `json:"bar"`
		Published string     `json:"published,omitempty"`
		Holds     bool       `json:"holds"`
	}
	type result struct {
		Name    string     `json:"name"`
		Quick   bool       `json:"quick"`
		Seconds jsonNumber `json:"seconds"`
		Figures []figure   `json:"figures"`
	}
	var results []result
	for _, r := range list {
		x := result{Name: r.Row.Name, Quick: r.Quick, Seconds: jsonNumber(r.Took.Seconds())}
		for i := range r.Figures {
			f := &r.Figures[i]
			x.Figures = append(x.Figures, figure{f.What, jsonNumber(f.Ours), jsonNumber(f.Bar), f.Published, f.Holds()})
		}
		results = append(results, x)
	}
	return struct {
		Version int      `json:"version"`
		Systems []result `json:"systems"`
	}{1, results}
}
