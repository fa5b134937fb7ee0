package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/pinode/pinode"
	"github.com/pinode/pinode/dsl/diag"
)

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
