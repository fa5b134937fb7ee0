package lower

import (
	"fmt"

	"github.com/pinode/pinode/compiler/check"
	"github.com/pinode/pinode/dsl/diag"
)

// Wording of what a grid cannot do, and of what it chose.

// The codes of the diagnostics of grids; badGrid and badBoundary are the checker's.
const (
	badGrid          = "bad-grid"
	badBoundary      = "bad-boundary"
	missingCondition = "missing-condition"
)

// gridNotes has the wording of what a grid cannot do, and of what it chose.
type gridNotes struct{ *grid }

// once reports a mistake that may be met several times.
func (g gridNotes) once(code string, at diag.Span, message, help string) {
	for _, d := range g.diags.All {
		if d.Code == code && d.Span == at && d.Message == message {
			return
		}
	}
	d := g.diags.Errorf(code, at, "%s", message)
	if help != "" {
		d.WithHelp("%s", help)
	}
}

func (g gridNotes) errGrid(at diag.Span, what, help string) { g.once(badGrid, at, what, help) }

func (g gridNotes) errSpectral(c *check.Coordinate) {
	g.once(badGrid, g.Grid.Span, "`spectral` is made of waves, and `"+c.Name+"` is not periodic", "write `boundary periodic "+c.Name+"`, or take `central` with order 6")
}

func (g gridNotes) errUnknowns(n int) {
	g.once(badGrid, g.Grid.Span, fmt.Sprintf("the algebraic fields have %d unknowns in all cells; at most %d are taken", n, maxGridUnknowns),
		"take fewer cells, or let the field come to rest: `p' = diff(p, x, x) - source` with a fast rate")
}

func sideName(c *check.Coordinate, high bool) string {
	end := c.Lo
	if high {
		end = c.Hi
	}
	return fmt.Sprintf("%s = %g", c.Name, end)
}

func (g gridNotes) errGap(b *check.Boundary, c *check.Coordinate, high bool) {
	g.once(missingCondition, b.Span, "the parts of the side "+sideName(c, high)+" leave some of it without this condition", "say what holds on the rest of it")
}

func (g gridNotes) errSpareCondition(b *check.Boundary, c *check.Coordinate, high, reads bool) {
	help := "the order of the highest derivative says how many there are: of an even order half of them on each side"
	if !reads {
		help = "it reads no field there"
	}
	g.once(badBoundary, b.Span, "there is nothing left that this condition could determine at "+sideName(c, high), help)
}

func (g gridNotes) errNoCondition(b *check.Boundary) {
	g.once(badBoundary, b.Span, "the conditions on this side do not determine the fields there", "each must change with the value or the slope of a field")
}

func (g gridNotes) errMissingCondition(f *check.State, c *check.Coordinate, order int, end float64) {
	g.once(missingCondition, f.Span, fmt.Sprintf("`%s` has too few conditions at %s = %g", f.Name, c.Name, end),
		fmt.Sprintf("its highest derivative along `%s` has order %d: write `boundary %s = … at %s = %g`, or `boundary periodic %s`", c.Name, order, f.Name, c.Name, end, c.Name))
}

func (g gridNotes) errMissingEntry(f *check.State, c *check.Coordinate, order int) {
	g.once(missingCondition, f.Span, fmt.Sprintf("`%s` has no condition where it enters, at %s = %g or %s = %g", f.Name, c.Name, c.Lo, c.Name, c.Hi),
		fmt.Sprintf("its highest derivative along `%s` has order %d: write `boundary %s = …` at the side from which it comes, or `boundary periodic %s`", c.Name, order, f.Name, c.Name))
}

// chose notes how a term is taken.
func (g gridNotes) chose(t term, how string) {
	text := ""
	if t.negative {
		text = "-"
	}
	for i, f := range t.factors {
		if i > 0 {
			text += "*"
		}
		text += check.Text(f)
	}
	for _, d := range t.divisors {
		text += "/" + check.Text(d)
	}
	g.note("  " + text + ": " + how)
}

func (g gridNotes) note(line string) {
	for _, l := range g.out.Grid {
		if l == line {
			return
		}
	}
	g.out.Grid = append(g.out.Grid, line)
}

// noteSide notes what a condition determines.
func (g gridNotes) noteSide(q *condition, n int) {
	what, name := "value", q.key.field.Name
	if q.order > 0 {
		what = "slope"
	}
	if q.key.field.Shape.Rank > 0 {
		name += "[" + itoa(q.key.comp) + "]"
	}
	cells := g.closureCells(n)
	g.note(fmt.Sprintf("  at %s: the %s of %s from 0 = %s; beyond it the polynomial through that and %d cells, order %d",
		sideName(q.key.axis, q.key.high), what, name, check.Text(q.from.Residual), cells, cells))
}

// order is the scheme with its order.
func (g gridNotes) order() string {
	switch g.Grid.Scheme {
	case "spectral":
		return "spectral"
	case "weno5":
		return "weno5, order 5"
	case "upwind":
		return fmt.Sprintf("upwind, order %d", g.Grid.Order)
	}
	return fmt.Sprintf("central, order %d", g.formulas)
}

func (g gridNotes) centralNote(t term) string {
	for _, f := range t.factors {
		if differs(f) {
			return fmt.Sprintf(", derivatives central of order %d", g.formulas)
		}
	}
	return ""
}
