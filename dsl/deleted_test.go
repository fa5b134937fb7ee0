package dsl

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/dsl/diag"
)

// TestDeletedTokens takes each token of a model away, and in one puts a bracket
// before it, in turn: what is said, and where. What is no mistake then is another
// model, or one that is written in another way.
func TestDeletedTokens(t *testing.T) {
	for _, name := range []string{"language", "events"} {
		file := filepath.Join("testdata", name+".node")
		text := read(t, file)
		src := diag.NewSource(name+".node", text)
		whole, diags := Parse(src)
		require.NoError(t, diags.Err())
		formatted := string(Format(whole))
		var out bytes.Buffer
		spoilt := func(what, text string, at int) {
			f, diags := Parse(diag.NewSource(name+".node", text))
			line, column := position(text, at)
			said := "nothing"
			switch {
			case len(diags.All) > 0:
				d := diags.All[0]
				l, c := position(text, d.Span.Start)
				said = fmt.Sprintf("%d:%d–%d [%s] %s", l, c, d.Span.End-d.Span.Start, d.Code, d.Message)
				require.GreaterOrEqual(t, d.Span.End, d.Span.Start, what)
				require.LessOrEqual(t, d.Span.End, len(text), what)
				for _, label := range d.Labels {
					said += "; " + label.Text
				}
				if n := len(diags.All) - 1; n > 0 {
					said += fmt.Sprintf(" (and %d more)", n)
				}
			case string(Format(f)) != formatted:
				said = "another model"
			default:
				said = "the same"
			}
			fmt.Fprintf(&out, "%d:%d %s: %s\n", line, column, what, said)
		}
		for _, tok := range lex(src, &diag.List{}).tokens {
			at := tok.Pos.Offset
			if tok.Value == ";" && !strings.HasPrefix(text[at:], ";") || tok.EOF() {
				continue // a line's end
			}
			end := at + len(tok.Value)
			spoilt("without "+tok.Value, text[:at]+text[end:], at)
			if name == "language" {
				spoilt(") before "+tok.Value, text[:at]+") "+text[at:], at)
			}
		}
		golden(t, filepath.Join("testdata", name+".deleted.golden"), out.String())
	}
}

// position is the line and the column, in bytes, of an offset.
func position(text string, at int) (line, column int) {
	before := text[:at]
	return 1 + strings.Count(before, "\n"), at - strings.LastIndexByte(before, '\n')
}
