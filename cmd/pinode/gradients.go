package main

import (
	"fmt"
	"math"

	"github.com/spf13/cobra"

	"github.com/pinode/pinode"
)

// modeTol is how far a mode may be off: the discrete modes by round-off of
// the differences, the continuous ones by the tolerances of the solver.
const modeTol = 1e-6

// gradients prints the gradient certificate of a model: every mode against
// finite differences.
func (a *app) gradients(c *cobra.Command, path string) error {
	m, err := pinode.Load(path)
	if err != nil {
		return err
	}
	f, err := m.NewFit()
	if err != nil {
		return err
	}
	var certs []*pinode.Certificate
	for _, mode := range pinode.GradientModes {
		if !f.Adaptive() && (mode == "adjoint" || mode == "backsolve") {
			continue // they follow the exact solution, not that of fixed steps
		}
		cert, err := f.CertifyMode(c.Context(), mode, 16)
		if err != nil {
			return err
		}
		certs = append(certs, cert)
	}
	if a.json {
		if err := writeJSON(a.out, struct {
			Version int                   `json:"version"`
			Modes   []*pinode.Certificate `json:"modes"`
		}{1, certs}); err != nil {
			return err
		}
	} else {
		a.printGradients(certs)
	}
	for _, c := range certs {
		if !(c.Worst <= modeTol) {
			return &codeError{exitModel, fmt.Sprintf("the %s gradient disagrees with finite differences by %.1e in `%s`", c.Mode, c.Worst, c.Where)}
		}
	}
	return nil
}

func (a *app) printGradients(certs []*pinode.Certificate) {
	width := 10
	for _, r := range certs[0].Rows {
		width = max(width, len([]rune(r.Name)))
	}
	fmt.Fprintf(a.out, "%-*s  %-18s", width, "", "finite diff.")
	for _, c := range certs {
		fmt.Fprintf(a.out, "  %-20s", c.Mode)
	}
	fmt.Fprintln(a.out)
	worst := 0.
	for i, r := range certs[0].Rows {
		fmt.Fprintf(a.out, "%-*s  %-18.10g", width, r.Name, r.Difference)
		for _, c := range certs {
			verdict := "ok"
			size := 0.
			for _, x := range c.Rows {
				size = math.Max(size, math.Abs(x.Gradient))
			}
			if d := math.Abs(c.Rows[i].Gradient - r.Difference); !(d <= modeTol*size) {
				verdict = fmt.Sprintf("off by %.0e", d)
			}
			fmt.Fprintf(a.out, "  %-16.10g %s", c.Rows[i].Gradient, verdict)
		}
		fmt.Fprintln(a.out)
	}
	for _, c := range certs {
		worst = math.Max(worst, c.Worst)
	}
	if c := certs[0]; c.Events > 0 {
		fmt.Fprint(a.out, "events: ")
		for i := range min(c.Events, 12) {
			if i > 0 {
				fmt.Fprint(a.out, ", ")
			}
			fmt.Fprintf(a.out, "%s at %.6g", c.EventNames[i], c.EventTimes[i])
			if t := c.Transversality[i]; !math.IsNaN(t) {
				fmt.Fprintf(a.out, " (transversality %.2g)", t)
			}
		}
		fmt.Fprintln(a.out)
	}
	a.printTimes(certs, width)
	verdict := "certified"
	if !(worst <= modeTol) {
		verdict = "NOT certified"
	}
	fmt.Fprintf(a.out, "%s: %d values × %d modes, worst disagreement %.0e\n", verdict, certs[0].Values, len(certs), worst)
}

// printTimes prints the derivatives of the times of the first events.
func (a *app) printTimes(certs []*pinode.Certificate, width int) {
	for i, r := range certs[0].Times {
		fmt.Fprintf(a.out, "%-*s  %-18.10g", width, r.Name, r.Difference)
		for _, c := range certs {
			fmt.Fprintf(a.out, "  %-20.10g", c.Times[i].Gradient)
		}
		fmt.Fprintf(a.out, "  time of %s at %.6g\n", certs[0].EventNames[r.Event], certs[0].EventTimes[r.Event])
	}
}
