package published

import (
	"fmt"
	"io"
	"math"
	"strings"
)

// WriteTable prints results as a table of Markdown, with the time that each row took
// if that is wanted: it is not the same twice.
func WriteTable(w io.Writer, list []*Result, times bool) error {
	var b strings.Builder
	b.WriteString("| system | what | published | to beat | ours | holds |")
	if times {
		b.WriteString(" time |")
	}
	b.WriteString("\n| --- | --- | --- | --: | --: | --- |")
	if times {
		b.WriteString(" --: |")
	}
	b.WriteByte('\n')
	for _, r := range list {
		for i := range r.Figures {
			f := &r.Figures[i]
			name, took := "", ""
			if i == 0 {
				name, took = fmt.Sprintf("`%s`", r.Row.Name), fmt.Sprintf("%.0f s", math.Ceil(r.Took.Seconds()))
			}
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %.3g | %s |", name, f.What, f.Published, f.Wanted(), f.Ours, r.word(f))
			if times {
				fmt.Fprintf(&b, " %s |", took)
			}
			b.WriteByte('\n')
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// Wanted says what the figure is to be.
func (f *Figure) Wanted() string {
	if f.AtLeast {
		return fmt.Sprintf("≥ %.3g", f.Bar)
	}
	return fmt.Sprintf("≤ %.3g", f.Bar)
}

// word says whether a figure holds; of a short form that is not asked.
func (r *Result) word(f *Figure) string {
	switch {
	case r.Quick:
		return "quick"
	case f.Holds():
		return "yes"
	}
	return "**no**"
}
