package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pinode/pinode"
)

// graze is the transversality below which an event is as good as tangent.
const graze = 1e-6

// gradients prints the gradient certificate of a model: every mode against
// finite differences.
func (a *app) gradients(c *cobra.Command, m *pinode.Model, asJSON bool) error {
	var cert *pinode.Certificate
	if err := within(c.Context(), func(ctx context.Context) (err error) { cert, err = m.Certify(ctx, 16); return err }); err != nil {
		return err
	}
	var err error
	if asJSON {
		err = writeJSON(a.out, certificateJSON(cert))
	} else {
		a.printCertificate(cert)
	}
	if err != nil {
		return err
	}
	return refused(cert)
}

// refused is the error of a certificate that finds a gradient wrong, or nothing
// to compare.
func refused(c *pinode.Certificate) error {
	switch {
	case c.Certified():
		return nil
	case c.Compared+c.Doubtful == 0:
		return &codeError{exitModel, "nothing was certified: no parameter and no weight has an effect at the start values"}
	}
	return &codeError{exitModel, fmt.Sprintf("the %s gradient disagrees with finite differences by %.1e: %s", c.Mode, c.Worst, c.Where)}
}

// within does work that takes a while and is not waited for when the context
// ends: a run of a model does not look at it, and the program ends then.
func within(ctx context.Context, work func(context.Context) error) error {
	done, panicked := make(chan error, 1), make(chan any, 1)
	go func() {
		defer func() {
			if r := recover(); r != nil {
				panicked <- fmt.Sprintf("%v\n%s", r, debug.Stack())
			}
		}()
		done <- work(ctx)
	}()
	var err error
	select {
	case err = <-done:
	case r := <-panicked:
		panic(r)
	case <-ctx.Done():
		err = ctx.Err()
	}
	if errors.Is(err, context.Canceled) {
		return &codeError{interrupted(ctx), ""}
	}
	return err
}

// verdict is the judgement of one derivative in one mode.
func verdict(c *pinode.Certificate, r *pinode.CertifiedPartial, mode int) string {
	switch off := r.Off[mode]; {
	case r.Doubtful == "kinks":
		return "doubtful: kinks"
	case !(off <= c.Tolerance) && r.Failed != "":
		return fmt.Sprintf("off by %.0e of the other modes", off)
	case !(off <= c.Tolerance):
		return fmt.Sprintf("off by %.0e", math.Abs(r.Gradient[mode]-r.Difference))
	case r.Doubtful != "":
		return "doubtful"
	}
	return "ok"
}

func (a *app) printCertificate(c *pinode.Certificate) {
	width := 12
	for _, t := range c.Targets {
		width = max(width, len([]rune(t.Name)))
		for _, r := range t.Rows {
			width = max(width, len([]rune(r.Name))+2)
		}
	}
	cells := func(name, first string, rest []string) {
		line := fmt.Sprintf("%-*s  %-16s", width, name, first)
		for _, s := range rest {
			line += fmt.Sprintf("  %-24s", s)
		}
		fmt.Fprintln(a.out, strings.TrimRight(line, " "))
	}
	cells("", "finite diff.", c.Modes)
	failed := map[string][]string{} // differences, by why
	for k := range c.Targets {
		t := &c.Targets[k]
		fmt.Fprintln(a.out, t.Name)
		weights, worst := 0, make([]float64, len(c.Modes))
		for i := range t.Rows {
			r := &t.Rows[i]
			if r.Weight && t.Event >= 0 {
				weights++
				for j := range worst {
					worst[j] = math.Max(worst[j], r.Off[j])
				}
				continue
			}
			var rest []string
			for j := range r.Gradient {
				rest = append(rest, fmt.Sprintf("%-16.10g %s", r.Gradient[j], verdict(c, r, j)))
			}
			first := fmt.Sprintf("%.10g", r.Difference)
			if r.Failed != "" {
				first = "–"
				failed[r.Failed] = append(failed[r.Failed], r.Name)
			}
			cells("  "+r.Name, first, rest)
		}
		if weights > 0 {
			var rest []string
			for _, w := range worst {
				state := "ok"
				if !(w <= c.Tolerance) {
					state = "off"
				}
				rest = append(rest, fmt.Sprintf("%-16s %s", fmt.Sprintf("within %.0e", w), state))
			}
			cells(fmt.Sprintf("  %d weights", weights), "", rest)
		}
	}
	a.printCertifiedEvents(c)
	for _, why := range slices.Sorted(maps.Keys(failed)) {
		fmt.Fprintf(a.out, "no differences of %s: %s however near to the start values\n", listed(failed[why]), why)
	}
	for _, n := range certificateNotes(c) {
		fmt.Fprintln(a.out, n)
	}
	if c.InertWeights > 0 {
		fmt.Fprintf(a.out, "without effect on any trajectory at the start values: %d weights of those looked at\n", c.InertWeights)
	}
	state := "certified"
	switch {
	case !c.Certified():
		state = "NOT certified"
	case c.Compared == 0:
		state = "doubtful"
	}
	doubtful := ""
	if c.Doubtful > 0 {
		doubtful = fmt.Sprintf(" and %d doubtful ones", c.Doubtful)
	}
	fmt.Fprintf(a.out, "%s: %d derivatives%s × %d modes, %d events, worst disagreement %.0e\n", state, c.Compared, doubtful, len(c.Modes), len(c.Events), c.Worst)
}

// certificateNotes are what a certificate has to say besides its numbers.
func certificateNotes(c *pinode.Certificate) (list []string) {
	if len(c.Inert) > 0 {
		list = append(list, fmt.Sprintf("without effect on any trajectory at the start values, and so not certified: %s", listed(c.Inert)))
	}
	if c.Doubtful > 0 {
		list = append(list, c.Notes...)
	}
	return list
}

// listed names the first few of a list, each once.
func listed(names []string) string {
	const most = 8
	names = slices.Compact(slices.Sorted(slices.Values(names)))
	if n := len(names) - most; n > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), n)
	}
	return strings.Join(names, ", ")
}

// printCertifiedEvents lists the first events and how cleanly they cross.
func (a *app) printCertifiedEvents(c *pinode.Certificate) {
	const most = 8
	var list []string
	for _, e := range c.Events[:min(len(c.Events), most)] {
		s := fmt.Sprintf("%s at %.6g", e.Name, e.Time)
		switch t := e.Transversality; {
		case t < graze:
			s += fmt.Sprintf(" (transversality %.2g, a graze)", t)
		case !math.IsNaN(t):
			s += fmt.Sprintf(" (transversality %.2g)", t)
		}
		list = append(list, s)
	}
	if n := len(c.Events) - most; n > 0 {
		list = append(list, fmt.Sprintf("%d more", n))
	}
	if len(list) > 0 {
		fmt.Fprintf(a.out, "events: %s\n", strings.Join(list, ", "))
	}
}

// certificateJSON is the certificate as `--json` prints it.
func certificateJSON(c *pinode.Certificate) any {
	type partial struct {
		Name        string                `json:"name"`
		Difference  jsonNumber            `json:"difference"`
		Uncertainty jsonNumber            `json:"uncertainty"`
		Failed      string                `json:"failed,omitempty"`
		Gradient    map[string]jsonNumber `json:"gradient"`
		Verdict     map[string]string     `json:"verdict"`
	}
	type target struct {
		Name     string    `json:"name"`
		Partials []partial `json:"partials"`
	}
	type event struct {
		Name           string     `json:"name"`
		Time           jsonNumber `json:"time"`
		Transversality jsonNumber `json:"transversality"`
	}
	out := struct {
		Version   int        `json:"version"`
		Certified bool       `json:"certified"`
		Worst     jsonNumber `json:"worst"`
		Mode      string     `json:"mode"`
		Where     string     `json:"where"`
		Targets   []target   `json:"targets"`
		Events    []event    `json:"events"`
		Compared  int        `json:"compared"`
		Doubtful  int        `json:"doubtful"`
		Inert     []string   `json:"no_effect"`
		Weights   int        `json:"no_effect_weights"`
		Notes     []string   `json:"notes"`
	}{2, c.Certified() && c.Compared > 0, jsonNumber(c.Worst), c.Mode, c.Where, []target{}, []event{}, c.Compared, c.Doubtful, c.Inert, c.InertWeights, c.Notes}
	for k := range c.Targets {
		t := &c.Targets[k]
		to := target{Name: t.Name, Partials: []partial{}}
		for i := range t.Rows {
			r := &t.Rows[i]
			p := partial{r.Name, jsonNumber(r.Difference), jsonNumber(r.Uncertainty), r.Failed, map[string]jsonNumber{}, map[string]string{}}
			for j := range r.Gradient {
				p.Gradient[c.Modes[j]], p.Verdict[c.Modes[j]] = jsonNumber(r.Gradient[j]), verdict(c, r, j)
			}
			to.Partials = append(to.Partials, p)
		}
		out.Targets = append(out.Targets, to)
	}
	for _, e := range c.Events {
		out.Events = append(out.Events, event{e.Name, jsonNumber(e.Time), jsonNumber(e.Transversality)})
	}
	return out
}
