package check

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/dsl"
	"github.com/pinode/pinode/dsl/diag"
)

// mark is what a line of a file of mistakes expects, in its comment: ERROR "regexp"
// or WARNING "regexp" for each diagnostic that begins on the line.
var (
	mark   = regexp.MustCompile(`(ERROR|WARNING) "(.*?)"(?:\s|$)`)
	marked = regexp.MustCompile(`# (ERROR|WARNING) ".*"$`)
)

// said is a diagnostic in one line: its code, message, notes and help.
func said(d *diag.Diagnostic) string {
	parts := []string{d.Code + ": " + d.Message}
	for _, l := range d.Labels {
		parts = append(parts, l.Text)
	}
	return strings.ReplaceAll(strings.Join(append(parts, d.Help), "; "), "\n", " ")
}

// TestMistakes: the files of testdata have their mistakes where a mark at the end of
// the line says so, and no others; every code of the checker is among them.
func TestMistakes(t *testing.T) {
	files, err := filepath.Glob("testdata/*.node")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	marked := map[string]bool{}
	for _, name := range files {
		t.Run(filepath.Base(name), func(t *testing.T) {
			text, err := os.ReadFile(name)
			require.NoError(t, err)
			unmarked, want := marks(string(text))
			require.NotEmpty(t, want)
			for _, list := range want {
				for _, m := range list {
					code, _, _ := strings.Cut(m[2], ":")
					marked[code] = true
				}
			}
			f, diags := dsl.Parse(diag.NewSource(filepath.Base(name), unmarked))
			require.NoError(t, diags.Err())
			_, diags = Check(f, testEnv)
			for _, d := range diags.All {
				line := d.Span.Pos().Line
				requireMarked(t, want, line, d)
			}
			for line, marks := range want {
				for _, m := range marks {
					t.Errorf("line %d: missing %s %q", line, m[1], m[2])
				}
			}
		})
	}
	for _, c := range Codes {
		require.True(t, marked[c.Name], "no mark has the code %s", c.Name)
	}
}

// marks takes the marks out of a text, whose comments messages may quote, and gives
// them by line.
func marks(text string) (unmarked string, want map[int][][]string) {
	want = map[int][][]string{}
	lines := strings.Split(text, "\n")
	for i, l := range lines {
		if at := marked.FindStringIndex(l); at != nil {
			want[i+1] = mark.FindAllStringSubmatch(l[at[0]:], -1)
			lines[i] = l[:at[0]]
		}
	}
	return strings.Join(lines, "\n"), want
}

// requireMarked takes the mark that a diagnostic fits off its line.
func requireMarked(t *testing.T, want map[int][][]string, line int, d *diag.Diagnostic) {
	t.Helper()
	for i, m := range want[line] {
		if strings.ToLower(m[1]) == d.Severity.String() && regexp.MustCompile("^"+m[2]).MatchString(said(d)) {
			want[line] = append(want[line][:i:i], want[line][i+1:]...)
			return
		}
	}
	t.Errorf("line %d: %s %s", line, d.Severity, said(d))
}
