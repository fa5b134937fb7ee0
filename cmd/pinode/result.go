package main

import (
	"context"
	"fmt"
	"math"
	"strings"

	"github.com/pinode/pinode"
)

// summary prints the result.
func (a *app) summary(f *pinode.Fit, dir string) error {
	if a.json {
		return writeJSON(a.out, fitJSON(f, dir))
	}
	if f.Verdict != nil {
		fmt.Fprintf(a.out, "%-14s %s\n", "verdict", f.Verdict.Text)
	}
	if !a.quiet && len(f.Estimates) > 0 {
		fmt.Fprintln(a.out)
	}
	a.estimates(f.Estimates)
	fmt.Fprintln(a.out)
	for _, o := range f.Model.Observations() {
		if f.Late() {
			break
		}
		line := fmt.Sprintf("  %s: RMSE %.4g", o, f.Train.RMSE[o])
		if f.Validation.Trajectories > 0 {
			line += fmt.Sprintf(" in training, %.4g in validation", f.Validation.RMSE[o])
		}
		fmt.Fprintln(a.out, line)
	}
	drift, err := f.Drift()
	if f.Late() {
		drift = nil
	} else if err != nil {
		return err
	}
	for _, n := range f.Model.Conserved() {
		if drift == nil {
			break
		}
		fmt.Fprintf(a.out, "  %s drifts by %.2g %% between events\n", n, 100*drift[n])
	}
	for _, text := range unproven(f) {
		fmt.Fprintf(a.out, "  note: %s\n", text)
	}
	if k := f.State.Kinks; k > 0 && !a.quiet {
		fmt.Fprintf(a.out, "  note: the order of events changed %d times between evaluations; the loss has kinks there\n", k)
	}
	if f.CertificateKind() == "off" {
		fmt.Fprintln(a.out, "  note: the gradient was not compared with finite differences (certificate: off)")
	}
	if !a.quiet {
		fmt.Fprintf(a.out, "\nrun            %s/   →  %s · %s\n", dir, command("pinode", "plot", dir), command("pinode", "simulate", argument(f.Model), "--params", dir))
	}
	return nil
}

// estimates prints the table of parameters.
func (a *app) estimates(list []pinode.Param) {
	if len(list) == 0 {
		return
	}
	width, units, intervals := 9, 4, ""
	for _, e := range list {
		width, units = max(width, len([]rune(e.Name))), max(units, len([]rune(e.Unit)))
		if e.Likely != nil {
			intervals = "95 % interval"
		}
	}
	row := func(name, value, start, unit, rest string) {
		fmt.Fprintln(a.out, strings.TrimRight(fmt.Sprintf("  %-*s   %-24s %-10s %-*s  %s", width, name, value, start, units, unit, rest), " "))
	}
	row("parameter", "estimate ± s.e.", "start", "unit", intervals)
	for _, e := range list {
		value := significant(e.Value, e.StdErr)
		if !math.IsNaN(e.StdErr) {
			value += " ± " + fmt.Sprintf("%.2g", e.StdErr)
		}
		unit := e.Unit
		if unit == "1" {
			unit = "–"
		}
		var rest []string
		if e.Likely != nil {
			rest = append(rest, fmt.Sprintf("[%.4g, %.4g]", e.Likely[0], e.Likely[1]))
		}
		if e.Fixed {
			rest = append(rest, "fixed")
		}
		if e.Bound {
			rest = append(rest, "at its bound")
		}
		row(e.Name, value, fmt.Sprintf("%.4g", e.Start), unit, strings.Join(rest, "  "))
	}
}

// significant writes a value to two digits of its standard error, or to six.
func significant(v, se float64) string {
	if math.IsNaN(se) || se <= 0 || v == 0 {
		return fmt.Sprintf("%.6g", v)
	}
	digits := int(math.Floor(math.Log10(math.Abs(v)))-math.Floor(math.Log10(se))) + 2
	return fmt.Sprintf("%.*g", min(max(digits, 2), 12), v)
}

// paramJSON is a parameter.
type paramJSON struct {
	Name   string   `json:"name"`
	Unit   string   `json:"unit"`
	Value  float64  `json:"value"`
	Start  float64  `json:"start"`
	StdErr *float64 `json:"stderr"`
	Fixed  bool     `json:"fixed"`

	Likely []jsonNumber `json:"interval_95,omitempty"`
}

func fitParams(f *pinode.Fit) (list []paramJSON) {
	for _, e := range f.Estimates {
		p := paramJSON{e.Name, e.Unit, e.Value, e.Start, nil, e.Fixed, nil}
		if e.Likely != nil {
			p.Likely = jsonNumbers(e.Likely[:])
		}
		if !math.IsNaN(e.StdErr) {
			p.StdErr = &e.StdErr
		}
		list = append(list, p)
	}
	return list
}

func fitJSON(f *pinode.Fit, dir string) any {
	out := struct {
		Version     int                `json:"version"`
		Run         string             `json:"run"`
		Status      string             `json:"status"`
		Certificate string             `json:"certificate"`
		Loss        float64            `json:"loss"`
		Params      []paramJSON        `json:"params"`
		Train       map[string]float64 `json:"train_rmse"`
		Validation  map[string]float64 `json:"validation_rmse,omitempty"`
		Unproven    []string           `json:"unproven,omitempty"`
		Verdict     map[string]any     `json:"verdict,omitempty"`
	}{1, dir, string(f.Status), f.CertificateKind(), f.Train.Loss, fitParams(f), f.Train.RMSE, nil, nil, verdictJSON(f.Verdict)}
	if f.Validation.Trajectories > 0 {
		out.Validation = f.Validation.RMSE
	}
	out.Unproven = unproven(f)
	return out
}

// dry ends a fit that is not to be: what text has said by then, JSON says now.
func dry(ctx context.Context, a *app, f *pinode.Fit) error {
	c, err := a.certify(ctx, f)
	if err != nil {
		return err
	}
	if !a.json {
		return nil
	}
	out := map[string]any{"version": 1, "dry_run": true, "model": f.Model.Name(), "certificate": f.CertificateKind(), "params": fitParams(f)}
	for name, s := range map[string]*pinode.Summary{"train": &f.Train, "validation": &f.Validation} {
		if s.Trajectories > 0 {
			out[name] = map[string]int{"trajectories": s.Trajectories, "values": s.Values, "missing": s.Missing}
		}
	}
	if c != nil {
		out["gradients"] = map[string]any{"modes": c.Modes, "compared": c.Compared, "doubtful": c.Doubtful, "worst": c.Worst}
	}
	return writeJSON(a.out, out)
}

// verdictJSON is a verdict as run.json has it.
func verdictJSON(v *pinode.Verdict) map[string]any {
	if v == nil {
		return nil
	}
	return map[string]any{
		"text": v.Text, "verdict": v.Word, "converged": v.Converged, "why": v.Why, "chi2": v.Chi2, "values": v.Values,
		"runs": v.Runs, "starts": v.Starts, "here": v.Here, "bounds": v.Bounds, "equal": v.Equal, "untold": v.Untold,
		"open": v.Open, "worst": v.Worst, "few": v.Few, "learned": v.Learned, "exchange": v.Exchange, "beside": v.Beside, "ended": v.Ended,
	}
}

// unproven says where crossings of guards may have been missed, in training and in
// validation.
func unproven(f *pinode.Fit) (list []string) {
	for _, s := range []pinode.Summary{f.Train, f.Validation} {
		if s.Unproven != "" {
			list = append(list, s.Unproven)
		}
	}
	return list
}
