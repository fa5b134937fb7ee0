package diag

import (
	"encoding/json"
	"io"
)

// jsonVersion is the version of the form that RenderJSON prints. Fields may be
// added under the same version; none is renamed or dropped.
const jsonVersion = 1

type jsonList struct {
	Version     int              `json:"version"`
	Diagnostics []jsonDiagnostic `json:"diagnostics"`
}

type jsonDiagnostic struct {
	Severity string      `json:"severity"`
	Code     string      `json:"code"`
	Message  string      `json:"message"`
	Place    *jsonPlace  `json:"place,omitempty"`
	Labels   []jsonLabel `json:"labels,omitempty"`
	Help     string      `json:"help,omitempty"`
}

type jsonLabel struct {
	Place *jsonPlace `json:"place,omitempty"`
	Text  string     `json:"text"`
}

// jsonPlace is a range: lines and columns count from 1, columns in characters,
// offsets in bytes from 0; the end is the first place behind the range.
type jsonPlace struct {
	File      string `json:"file"`
	Line      int    `json:"line"`
	Column    int    `json:"column"`
	EndLine   int    `json:"end_line"`
	EndColumn int    `json:"end_column"`
	Offset    int    `json:"offset"`
	EndOffset int    `json:"end_offset"`
}

func placeOf(s Span) *jsonPlace {
	if s.Src == nil {
		return nil
	}
	p := &jsonPlace{File: s.Src.Name, Offset: s.Start, EndOffset: s.End}
	p.Line, p.Column = s.Src.position(s.Start)
	p.EndLine, p.EndColumn = s.Src.position(s.End)
	return p
}

// RenderJSON prints the diagnostics for machines, as one object with a
// version.
func RenderJSON(w io.Writer, l *List) error {
	out := jsonList{Version: jsonVersion, Diagnostics: []jsonDiagnostic{}}
	for _, d := range l.All {
		j := jsonDiagnostic{Severity: d.Severity.String(), Code: d.Code, Message: d.Message, Place: placeOf(d.Span), Help: d.Help}
		for _, l := range d.Labels {
			j.Labels = append(j.Labels, jsonLabel{placeOf(l.Span), l.Text})
		}
		out.Diagnostics = append(out.Diagnostics, j)
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(out)
}
