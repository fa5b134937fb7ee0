package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/pinode/pinode"
	"github.com/pinode/pinode/dsl/diag"
)

func (a *app) checkCmd() *cobra.Command {
	var format string
	var gradients bool
	var o overrides
	c := &cobra.Command{
		Use: "check FILE…", Short: "Find the mistakes of model files",
		Long: "Find the mistakes of model files: names, shapes, units, events, settings, and what of their data `fit` or `simulate` would refuse. With --gradients also compare the gradient of the loss with finite differences.",
		Example: `  pinode check models/bouncing_ball.node
  pinode check --format json model.node
  pinode check --gradients models/bouncing_ball.node
  pinode check --gradients --set fit.solver=rodas5p model.node`,
		Args: some,
		RunE: func(c *cobra.Command, files []string) error {
			switch {
			case format != "text" && format != "json":
				return usageError("--format is text or json, not `%s`", format)
			case gradients && format == "json" && len(files) > 1:
				return usageError("--gradients prints the certificate of one file as JSON, not of %d", len(files))
			}
			a.json = a.json || format == "json"
			return a.check(c, files, &o, gradients)
		},
	}
	c.Flags().StringVar(&format, "format", "text", "`FORMAT`: text or json")
	c.Flags().BoolVar(&gradients, "gradients", false, "compare the gradient in every mode with finite differences")
	o.flags(c)
	c.Flags().Lookup("set").Usage = "a setting, `NAME=VALUE`: fit.optimizer.lr=0.01"
	c.Flags().Lookup("model").Usage = "the main model of the files, by its `NAME`; default the last of each"
	oneOf(c, "format", "text", "json")
	return c
}

// check finds the mistakes of files. As JSON there is one list of all, or the certificate.
func (a *app) check(c *cobra.Command, files []string, o *overrides, gradients bool) error {
	all, code, certified := &diag.List{}, exitDone, false
	var refused []failure
	for _, f := range files {
		src, err := source(f)
		if err != nil {
			return err
		}
		m, l, err := parse(src, o.model)
		if err != nil {
			return err
		}
		if m != nil {
			if err := o.settings(m); err != nil {
				return err
			}
		}
		for _, err := range refusals(m) {
			var more *pinode.Diagnostics
			if errors.As(err, &more) {
				l.All = append(l.All, more.All...)
				continue
			}
			refused = append(refused, failureOf(err))
			code = max(code, exitData)
		}
		all.All = append(all.All, l.All...)
		if len(l.All) > 0 && !a.json {
			diag.Render(a.err, l, diag.Options{Color: a.color()})
		}
		if l.Err() != nil {
			code = exitModel
			continue
		}
		if code == exitDone && !a.json && !a.quiet {
			fmt.Fprintf(a.out, "%s: model %s is right\n", f, m.Name())
			for _, line := range m.InferredUnits() {
				fmt.Fprintf(a.out, "  %s (inferred)\n", line)
			}
		}
		if gradients && len(refused) == 0 {
			certified = true
			if err := a.gradients(c, m, a.json); err != nil {
				return err
			}
		}
	}
	if a.json && !certified {
		return errors.Join(checkJSON(a.out, all, refused), &codeError{code, ""})
	}
	for _, r := range refused {
		a.fail(r)
	}
	return &codeError{code, ""}
}

// settings is apply where no values are taken: what is looked at is the file.
func (o *overrides) settings(m *pinode.Model) error {
	if err := o.apply(m); err != nil {
		return err
	}
	for name := range o.values {
		return usageError("--set %s: `check` takes settings, as fit.solver and simulate.until; values of parameters and states are for `fit`, `simulate` and `evaluate`", name)
	}
	return nil
}

// refusals are what `fit` and `simulate` would refuse of a model.
func refusals(m *pinode.Model) []error {
	if m == nil {
		return nil
	}
	list := m.Check()
	if d := m.Doubts(); len(d.All) > 0 {
		list = append(list, d)
	}
	return list
}

// checkJSON is the document of diagnostics, with what of the data would be refused.
func checkJSON(w io.Writer, l *diag.List, refused []failure) error {
	var b bytes.Buffer
	if err := diag.RenderJSON(&b, l); err != nil || len(refused) == 0 {
		_, werr := b.WriteTo(w)
		return errors.Join(err, werr)
	}
	var doc map[string]any
	if err := json.Unmarshal(b.Bytes(), &doc); err != nil {
		return err
	}
	doc["refused"] = refused
	return writeJSON(w, doc)
}

// parse compiles a source; the diagnostics have its mistakes, or what is doubtful.
func parse(src *diag.Source, model string) (*pinode.Model, *pinode.Diagnostics, error) {
	m, err := pinode.Parse(src.Name, src.Text, model)
	if err == nil {
		return m, m.Warnings(), nil
	}
	var l *pinode.Diagnostics
	if !errors.As(err, &l) {
		return nil, nil, err
	}
	return nil, l, nil
}
