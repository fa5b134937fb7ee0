package setting

import (
	"fmt"
	"io"
	"reflect"
	"strings"
)

// Markdown prints the table for the manual: a row for each setting, then one
// for each documented choice and one for each option of a choice. Options that
// several choices share are printed once.
func (t Table) Markdown(w io.Writer) {
	fmt.Fprint(w, "| key | value | default | meaning |\n|---|---|---|---|\n")
	t.rows(w, "%s")
}

// rows prints the settings, their keys in a frame that names their choice.
func (t Table) rows(w io.Writer, frame string) {
	for _, s := range t {
		def := "–"
		if s.Default != "" {
			def = "`" + s.Default + "`"
		}
		row(w, fmt.Sprintf(frame, s.Key), s.value(), def, s.Doc)
		done := map[int]bool{}
		for i, c := range s.Choices {
			if c.Doc != "" && c.Name != s.Key {
				row(w, fmt.Sprintf(frame, s.Key+": "+c.Name), "", "", c.Doc)
			}
			if done[i] || len(c.Options) == 0 {
				continue
			}
			names := []string{c.Name}
			for j := i + 1; j < len(s.Choices); j++ {
				if reflect.DeepEqual(c.Options, s.Choices[j].Options) {
					done[j] = true
					names = append(names, s.Choices[j].Name)
				}
			}
			c.Options.rows(w, strings.ReplaceAll(strings.Join(names, ", "), "%", "%%")+" { %s }")
		}
	}
}

// value says what the setting can be.
func (s *Setting) value() string {
	out := s.Kind.String()
	switch {
	case len(s.Choices) == 1 && s.Choices[0].Name == s.Key:
		out = "a block"
	case len(s.Choices) > 0:
		names := make([]string, len(s.Choices))
		for i, c := range s.Choices {
			names[i] = "`" + c.Name + "`"
		}
		out = strings.Join(names, " ")
	}
	if s.Unit != "" {
		out += " in " + s.Unit
	}
	return out
}

// row prints one row; a bar in a text does not end its cell.
func row(w io.Writer, key, value, def, doc string) {
	fmt.Fprintf(w, "| `%s` | %s | %s | %s |\n", key, value, def, strings.ReplaceAll(doc, "|", "\\|"))
}
