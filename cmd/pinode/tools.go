package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sort"

	"github.com/spf13/cobra"

	"github.com/pinode/pinode"
	"github.com/pinode/pinode/dsl"
	"github.com/pinode/pinode/dsl/diag"
	"github.com/pinode/pinode/internal/report"
)

// source reads a file, or standard input for "-".
func source(path string) (*diag.Source, error) {
	if path == "-" {
		text, err := io.ReadAll(os.Stdin)
		return diag.NewSource("standard input", string(text)), err
	}
	text, err := os.ReadFile(path)
	return diag.NewSource(path, string(text)), err
}

func (a *app) checkCmd() *cobra.Command {
	var format string
	var gradients bool
	c := &cobra.Command{
		Use: "check FILE…", Short: "Find the mistakes of model files",
		Long: "Find the mistakes of model files: names, shapes, units, events, settings. With --gradients also compare the gradient of the loss with finite differences.",
		Example: `  pinode check models/bouncing_ball.node
  pinode check --format json model.node
  pinode check --gradients models/bouncing_ball.node`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, files []string) error {
			if format != "text" && format != "json" {
				return usageError("--format is text or json, not `%s`", format)
			}
			bad := false
			for _, f := range files {
				src, err := source(f)
				if err != nil {
					return err
				}
				m, l, err := parse(src)
				if err != nil {
					return err
				}
				switch {
				case gradients && (format == "json" || a.json) && l.Err() == nil: // the certificate is the one document
				case format == "json" || a.json:
					if err := diag.RenderJSON(a.out, l); err != nil {
						return err
					}
				case len(l.All) > 0:
					diag.Render(a.err, l, diag.Options{Color: a.color()})
				}
				if l.Err() != nil {
					bad = true
					continue
				}
				if format == "text" && !a.json && !a.quiet {
					fmt.Fprintf(a.out, "%s: model %s is right\n", f, m.Name())
					for _, line := range m.InferredUnits() {
						fmt.Fprintf(a.out, "  %s (inferred)\n", line)
					}
				}
				if gradients {
					if err := a.gradients(c, m, format == "json" || a.json); err != nil {
						return err
					}
				}
			}
			if bad {
				return &codeError{exitModel, ""}
			}
			return nil
		},
	}
	c.Flags().StringVar(&format, "format", "text", "text or json")
	c.Flags().BoolVar(&gradients, "gradients", false, "compare the gradient in every mode with finite differences")
	return c
}

// parse compiles a source; the diagnostics have its mistakes, or what is doubtful.
func parse(src *diag.Source) (*pinode.Model, *pinode.Diagnostics, error) {
	m, err := pinode.Parse(src.Name, src.Text)
	if err == nil {
		return m, m.Warnings(), nil
	}
	var l *pinode.Diagnostics
	if !errors.As(err, &l) {
		return nil, nil, err
	}
	return nil, l, nil
}

func (a *app) fmtCmd() *cobra.Command {
	var write, list, diff, check bool
	c := &cobra.Command{
		Use: "fmt FILE…", Short: "Print model files in the one style",
		Example: "  pinode fmt model.node\n  pinode fmt -w models/*.node\n  pinode fmt --check models/*.node",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, files []string) error {
			changed := false
			for _, f := range files {
				src, err := source(f)
				if err != nil {
					return err
				}
				file, l := dsl.Parse(src)
				if err := l.Err(); err != nil {
					return err
				}
				text := dsl.Format(file)
				differs := !bytes.Equal(text, []byte(src.Text))
				changed = changed || differs
				switch {
				case write && differs && f != "-":
					if err := report.ReplaceFile(f, text); err != nil {
						return err
					}
				case (list || check) && differs:
					fmt.Fprintln(a.out, f)
				case diff && differs:
					fmt.Fprint(a.out, lineDiff(f, src.Text, string(text)))
				case !write && !list && !check && !diff:
					fmt.Fprint(a.out, string(text))
				}
			}
			if check && changed {
				return &codeError{exitModel, ""}
			}
			return nil
		},
	}
	c.Flags().BoolVarP(&write, "write", "w", false, "write the files")
	c.Flags().BoolVarP(&list, "list", "l", false, "list the files that would change")
	c.Flags().BoolVarP(&diff, "diff", "d", false, "print what would change")
	c.Flags().BoolVar(&check, "check", false, "exit with 3 if a file would change")
	return c
}

func (a *app) dumpCmd() *cobra.Command {
	var stage string
	c := &cobra.Command{
		Use: "dump FILE", Short: "Print a model at a stage of compilation",
		Long:    "Print a model at a stage of compilation. Plans and machine code have the steps of the model's solver too: that of its fit, or, without data, of its simulation. The variable PINODE_EXEC=interp turns off machine code, jit asks for it.",
		Example: "  pinode dump --stage graph models/pendulum.node", Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			src, err := source(args[0])
			if err != nil {
				return err
			}
			if stage == "ast" { // of a file with other mistakes than in its grammar, too
				file, l := dsl.Parse(src)
				if err := l.Err(); err != nil {
					return err
				}
				dsl.Dump(a.out, file)
				return nil
			}
			m, err := pinode.Parse(src.Name, src.Text)
			if err != nil {
				return err
			}
			if err := m.Dump(a.out, stage); err != nil {
				return usageError("%s", err)
			}
			return nil
		},
	}
	c.Flags().StringVar(&stage, "stage", "model", "ast, model, graph, plan or asm")
	return c
}

// explained are all documented diagnostics, and the ways a run can end, by name.
func explained() map[string]diag.Code {
	out := map[string]diag.Code{}
	for _, c := range pinode.Explanations() {
		out[c.Name] = c
	}
	return out
}

func (a *app) explainCmd() *cobra.Command {
	return &cobra.Command{
		Use: "explain CODE", Short: "Explain a diagnostic, or how a run ended", Example: "  pinode explain unit-mismatch\n  pinode explain event_graze", Args: cobra.MaximumNArgs(1),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			var out []string
			for n := range explained() {
				out = append(out, n)
			}
			return out, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			all := explained()
			names := make([]string, 0, len(all))
			for n := range all {
				names = append(names, n)
			}
			sort.Strings(names)
			if len(args) == 0 {
				for _, n := range names {
					fmt.Fprintf(a.out, "%-20s %s\n", n, all[n].Title)
				}
				return nil
			}
			c, ok := all[args[0]]
			if !ok {
				near, _ := diag.Nearest(args[0], names)
				if near != "" {
					return usageError("there is no diagnostic or status `%s`; did you mean `%s`?", args[0], near)
				}
				return usageError("there is no diagnostic or status `%s`; `pinode explain` lists them", args[0])
			}
			fmt.Fprintf(a.out, "%s: %s\n\n%s\n", c.Name, c.Title, c.Explanation)
			if c.Example != "" {
				fmt.Fprintf(a.out, "\nExample of a file that gives it:\n\n%s\n", c.Example)
			}
			return nil
		},
	}
}

func (a *app) solversCmd() *cobra.Command {
	return &cobra.Command{
		Use: "solvers", Short: "List the solvers", Args: cobra.NoArgs,
		Run: func(*cobra.Command, []string) { fmt.Fprint(a.out, pinode.Solvers()) },
	}
}

func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
