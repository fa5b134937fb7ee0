package main

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pinode/pinode"
)

// modeTol is how far a mode may be off: the discrete modes by round-off of
// the differences, the continuous ones by the tolerances of the solver.
const modeTol = 1e-6

// graze is the transversality below which an event is as good as tangent.
const graze = 1e-6

// gradients prints the gradient certificate of a model: every mode against
// finite differences.
func (a *app) gradients(c *cobra.Command, path string, asJSON bool) error {
	m, err := pinode.Load(path)
	if err != nil {
		return err
	}
	cert, err := m.Certify(c.Context(), 16)
	if err != nil {
		return err
	}
	certified := cert.Worst <= modeTol && cert.Values() > 0
	if asJSON {
		err = writeJSON(a.out, certificateJSON(cert, certified))
	} else {
		a.printCertificate(cert, certified)
	}
	switch {
	case err != nil:
		return err
	case cert.Values() == 0:
		return &codeError{exitModel, "nothing was certified: the events follow in another order however near to the start values"}
	case !certified:
		return &codeError{exitModel, fmt.Sprintf("the %s gradient disagrees with finite differences by %.1e: %s", cert.Mode, cert.Worst, cert.Where)}
	}
	return nil
}

// verdict is the judgement of one derivative in one mode.
func verdict(t *pinode.CertifiedTarget, row, mode int) string {
	if off := t.Off(row, mode); !(off <= modeTol) {
		return fmt.Sprintf("off by %.0e", math.Abs(t.Rows[row].Gradient[mode]-t.Rows[row].Difference))
	}
	return "ok"
}

func (a *app) printCertificate(c *pinode.Certificate, certified bool) {
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
	for k := range c.Targets {
		t := &c.Targets[k]
		fmt.Fprintln(a.out, t.Name)
		weights, worst := 0, make([]float64, len(c.Modes))
		for i, r := range t.Rows {
			if r.Weight && t.Event >= 0 {
				weights++
				for j := range worst {
					worst[j] = math.Max(worst[j], t.Off(i, j))
				}
				continue
			}
			var rest []string
			for j := range c.Modes {
				rest = append(rest, fmt.Sprintf("%-16.10g %s", r.Gradient[j], verdict(t, i, j)))
			}
			cells("  "+r.Name, fmt.Sprintf("%.10g", r.Difference), rest)
		}
		if weights > 0 {
			var rest []string
			for _, w := range worst {
				state := "ok"
				if !(w <= modeTol) {
					state = "off"
				}
				rest = append(rest, fmt.Sprintf("%-16s %s", fmt.Sprintf("within %.0e", w), state))
			}
			cells(fmt.Sprintf("  %d weights", weights), "", rest)
		}
	}
	a.printCertifiedEvents(c)
	if len(c.Skipped) > 0 {
		fmt.Fprintf(a.out, "not compared, as the events follow in another order nearby: %s\n", strings.Join(c.Skipped, ", "))
	}
	state := "certified"
	if !certified {
		state = "NOT certified"
	}
	fmt.Fprintf(a.out, "%s: %d derivatives × %d modes, %d events, worst disagreement %.0e\n", state, c.Values(), len(c.Modes), len(c.Events), c.Worst)
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

// jsonNumber is null in JSON if it is not finite.
type jsonNumber float64

func (n jsonNumber) MarshalJSON() ([]byte, error) {
	if v := float64(n); !math.IsNaN(v) && !math.IsInf(v, 0) {
		return json.Marshal(v)
	}
	return []byte("null"), nil
}

// certificateJSON is the certificate as `--json` prints it.
func certificateJSON(c *pinode.Certificate, certified bool) any {
	type partial struct {
		Name        string                `json:"name"`
		Difference  jsonNumber            `json:"difference"`
		Uncertainty jsonNumber            `json:"uncertainty"`
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
		Skipped   []string   `json:"skipped"`
	}{1, certified, jsonNumber(c.Worst), c.Mode, c.Where, []target{}, []event{}, c.Skipped}
	for k := range c.Targets {
		t := &c.Targets[k]
		to := target{Name: t.Name, Partials: []partial{}}
		for i, r := range t.Rows {
			p := partial{r.Name, jsonNumber(r.Difference), jsonNumber(r.Uncertainty), map[string]jsonNumber{}, map[string]string{}}
			for j, mode := range c.Modes {
				p.Gradient[mode], p.Verdict[mode] = jsonNumber(r.Gradient[j]), verdict(t, i, j)
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
