package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strings"
	"unicode/utf8"
)

// jsonRow is a result as JSON has it; what was not measured is null.
type jsonRow struct {
	Name     string             `json:"name"`
	Value    *float64           `json:"value"`
	Unit     string             `json:"unit"`
	Baseline *float64           `json:"baseline"`
	Against  string             `json:"against"`
	Ratio    *float64           `json:"ratio"`
	Bar      *float64           `json:"bar"`
	BarOf    Of                 `json:"bar_of"`
	Holds    *bool              `json:"holds"`
	Others   map[string]float64 `json:"others,omitempty"`
	Note     string             `json:"note,omitempty"`
	Doc      string             `json:"doc"`
}

func number(v float64) *float64 {
	if math.IsNaN(v) {
		return nil
	}
	return &v
}

// MarshalJSON writes the result as a flat object.
func (r Result) MarshalJSON() ([]byte, error) {
	out := jsonRow{
		Name: r.Row.Name, Value: number(r.Value), Unit: r.Row.Unit,
		Baseline: number(r.Baseline), Against: r.Against, Ratio: number(r.Ratio),
		BarOf: r.Row.Bar.Of, Note: r.Note, Doc: r.Row.Doc,
	}
	if r.Row.Bar.Of != "" {
		out.Bar = &r.Row.Bar.Most
	}
	if holds, known := r.Holds(); known {
		out.Holds = &holds
	}
	for _, o := range r.Others {
		if out.Others == nil {
			out.Others = map[string]float64{}
		}
		out.Others[o.Name] = o.Value
	}
	return json.Marshal(out)
}

// short prints a number with three figures.
func short(v float64) string {
	switch a := math.Abs(v); {
	case math.IsNaN(v):
		return ""
	case a >= 100 || v == math.Trunc(v):
		return fmt.Sprintf("%.0f", v)
	case a >= 10:
		return fmt.Sprintf("%.1f", v)
	case a >= 1:
		return fmt.Sprintf("%.2f", v)
	}
	return fmt.Sprintf("%.2g", v)
}

// Limit writes the row's bar as it is printed in tables.
func (r *Row) Limit() string {
	switch r.Bar.Of {
	case Ratio:
		return "≤ " + quantity(r.Bar.Most, "×")
	case Value:
		return "≤ " + quantity(r.Bar.Most, r.Unit)
	}
	return ""
}

func quantity(v float64, unit string) string {
	if math.IsNaN(v) {
		return ""
	}
	return strings.TrimSpace(short(v) + " " + unit)
}

// cells are the columns of a result.
func (r *Result) cells() []string {
	holds, known := r.Holds()
	verdict := ""
	if known {
		verdict = map[bool]string{true: "yes", false: "no"}[holds]
	}
	against := r.Against
	if against != "" && !math.IsNaN(r.Baseline) {
		against += " " + quantity(r.Baseline, r.Row.Unit)
	}
	if r.Note != "" && r.Against != "" {
		against += ": " + r.Note
	} else {
		against += r.Note
	}
	for _, o := range r.Others {
		against += ", " + o.Name + " " + quantity(o.Value, r.Row.Unit)
	}
	return []string{r.Row.Name, quantity(r.Value, r.Row.Unit), quantity(r.Ratio, "×"), r.Row.Limit(), verdict, strings.TrimPrefix(against, ", ")}
}

// header names the columns of cells.
var header = []string{"row", "value", "ratio", "bar", "holds", "against"}

// widths are those of the columns of the plain table; its rows are printed as
// they are measured, so that they are fixed.
var widths = []int{22, 10, 8, 10, 6}

// Print writes a line of the plain table; without a result the line of
// headings.
func Print(w io.Writer, r *Result) {
	cells := header
	if r != nil {
		cells = r.cells()
	}
	var b strings.Builder
	for i, c := range cells {
		b.WriteString(c)
		if i < len(widths) {
			b.WriteString(strings.Repeat(" ", max(1, widths[i]-utf8.RuneCountInString(c))))
		}
	}
	fmt.Fprintln(w, strings.TrimRight(b.String(), " "))
}

// Markdown writes results as a table.
func Markdown(w io.Writer, results []Result) {
	line := func(cells ...string) { fmt.Fprintf(w, "| %s |\n", strings.Join(cells, " | ")) }
	line("row", "what", "value", "ratio", "bar", "holds", "against")
	line("---", "---", "--:", "--:", "--:", "---", "---")
	for i := range results {
		c := results[i].cells()
		line("`"+c[0]+"`", results[i].Row.Doc, c[1], c[2], c[3], c[4], c[5])
	}
}
