package diag

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	_ "github.com/pinode/pinode/internal/testseed"
)

// part is the span of a part of a source, given by the text around it.
func part(t *testing.T, src *Source, text, part string) Span {
	t.Helper()
	i, j := strings.Index(src.Text, text), strings.Index(text, part)
	require.True(t, i >= 0 && j >= 0)
	return Span{src, i + j, i + j + len(part)}
}

func rendered(l *List, opt Options) string {
	var b bytes.Buffer
	Render(&b, l, opt)
	return b.String()
}

func TestRender(t *testing.T) {
	src := NewSource("models/ball.node", "model Ball {\n  const g = 9.81 [m/s^2]\n\n  v' = -g + c*v\n\tθ' = ω + x\n}\n")
	var l List
	l.Errorf("unit-mismatch", part(t, src, "-g + c*v", "+"), "cannot add m/s to m/s^2").
		WithNote(part(t, src, "-g + c*v", "-g"), "this has unit m/s^2").
		WithNote(part(t, src, "-g + c*v", "c*v"), "this has unit m/s").
		WithNote(part(t, src, "const g", "g"), "g: m/s^2").
		WithHelp("give the drag coefficient a unit:\n`param c: 1/s`")
	l.Warnf("odd", part(t, src, "ω + x", "x"), "x is odd").WithNote(part(t, src, "ω + x", "x"), "here")
	require.Equal(t, `error[unit-mismatch]: cannot add m/s to m/s^2
  ┌─ models/ball.node:4:11
  │
2 │   const g = 9.81 [m/s^2]
  │         - g: m/s^2
  ·
4 │   v' = -g + c*v
  │        -- ^ --- this has unit m/s
  │        this has unit m/s^2
  = help: give the drag coefficient a unit:
          `+"`param c: 1/s`"+`

warning[odd]: x is odd
  ┌─ models/ball.node:5:11
  │
5 │     θ' = ω + x
  │              ^ here

1 error and 1 warning in models/ball.node
`, rendered(&l, Options{}))
	require.Contains(t, rendered(&l, Options{Color: true}), "\x1b[1;31merror[unit-mismatch]\x1b[0m\x1b[1m: cannot add m/s to m/s^2\x1b[0m\n")
	require.NotContains(t, rendered(&l, Options{}), "\x1b")
}

// snippetOf renders one error and returns the lines of its snippet.
func snippetOf(d func(*List)) []string {
	var l List
	d(&l)
	lines := strings.Split(rendered(&l, Options{}), "\n")
	return lines[3 : len(lines)-3]
}

func TestMarks(t *testing.T) {
	src := NewSource("a", "let 力x = 力 + y̆z\nfirst line\nsecond\x1b[31m line\n\tif\ta\n")
	for _, c := range []struct {
		name string
		mark func(*List)
		want []string
	}{
		{"wide characters", func(l *List) { l.Errorf("c", part(t, src, "力 +", "+"), "m") }, []string{
			"1 │ let 力x = 力 + y̆z",
			"  │ " + strings.Repeat(" ", 13) + "^",
		}},
		{"a wide character marked", func(l *List) { l.Errorf("c", part(t, src, "力x", "力x"), "m") }, []string{
			"1 │ let 力x = 力 + y̆z",
			"  │     ^^^",
		}},
		{"behind a combining mark", func(l *List) { l.Errorf("c", part(t, src, "y̆z", "z"), "m") }, []string{
			"1 │ let 力x = 力 + y̆z",
			"  │ " + strings.Repeat(" ", 16) + "^",
		}},
		{"tabs", func(l *List) {
			l.Errorf("c", part(t, src, "if\ta", "a"), "m").WithNote(part(t, src, "if\ta", "if"), "here")
		}, []string{
			"4 │     if  a",
			"  │     --  ^",
			"  │     here",
		}},
		{"several lines", func(l *List) { l.Errorf("c", part(t, src, "first line\nsecond", "line\nsecond"), "m") }, []string{
			"2 │ first line",
			"  │       ^^^^",
		}},
		{"what acts on a terminal", func(l *List) { l.Errorf("c", part(t, src, "[31m", "31"), "m") }, []string{
			"3 │ second\ufffd[31m line",
			"  │         ^^",
		}},
		{"nothing, at the end", func(l *List) { l.Errorf("c", Span{src, len(src.Text), len(src.Text)}, "m") }, []string{
			"5 │",
			"  │ ^",
		}},
		{"one place twice", func(l *List) {
			at := part(t, src, "first", "first")
			l.Errorf("c", at, "m").WithNote(at, "one").WithNote(at, "two").WithNote(part(t, src, "line", "line"), "three")
		}, []string{
			"2 │ first line",
			"  │ ^^^^^ ---- three",
			"  │ two",
			"  │ one",
		}},
		{"marks inside of each other", func(l *List) {
			l.Errorf("c", part(t, src, "first line", "first line"), "m").WithNote(part(t, src, "line", "in"), "in")
		}, []string{
			"2 │ first line", // the whole mark covers the other, whose text goes below
			"  │ ^^^^^^^^^^",
			"  │        in",
		}},
	} {
		require.Equal(t, c.want, snippetOf(c.mark), c.name)
	}
}

func TestLongLine(t *testing.T) {
	src := NewSource("a", strings.Repeat("x", 5000)+"HERE"+strings.Repeat("y", 5000))
	got := snippetOf(func(l *List) { l.Errorf("c", Span{src, 5000, 5004}, "m").WithNote(Span{src, 9000, 9003}, "far") })
	require.Len(t, got, 2)
	require.Equal(t, "1 │ …"+strings.Repeat("x", lineLead)+"HERE"+strings.Repeat("y", lineWidth-lineLead-4)+"…", got[0])
	require.Equal(t, "  │ "+strings.Repeat(" ", lineLead+1)+"^^^^"+strings.Repeat(" ", lineWidth-lineLead-4)+"- far", got[1])
}

func TestTwoSources(t *testing.T) {
	a, b := NewSource("a.node", "use P as p\n"), NewSource("p.node", "\n\n\n\n\n\n\n\n\n\nmodel P {\n")
	var l List
	l.Errorf("c", part(t, a, "use P", "P"), "P has no state").WithNote(part(t, b, "model P", "P"), "declared here").WithNote(Span{}, "nowhere")
	l.Errorf("c", Span{}, "of no file")
	l.Errorf("c", Span{b, 0, 0}, "of the other")
	require.Equal(t, `error[c]: P has no state
   ┌─ a.node:1:5
   │
 1 │ use P as p
   │     ^
   ├─ p.node:11:7
   │
11 │ model P {
   │       - declared here

error[c]: of no file

error[c]: of the other
  ┌─ p.node:1:1
  │
1 │
  │ ^

3 errors in 2 files
`, rendered(&l, Options{}))
	l.Sort()
	require.Equal(t, "of no file", l.All[0].Message)
}

func TestSummary(t *testing.T) {
	var l List
	require.Empty(t, l.Summary())
	require.Empty(t, rendered(&l, Options{}))
	require.NoError(t, l.Err())
	l.Warnf("c", Span{}, "m")
	require.Equal(t, "1 warning", l.Summary())
	require.NoError(t, l.Err(), "a warning stops nothing")
	l.Errorf("c", Span{NewSource("f", ""), 0, 0}, "m")
	l.Errorf("c", Span{}, "m")
	require.Equal(t, "2 errors and 1 warning in f", l.Summary())
	require.Error(t, l.Err())
}

func TestJSON(t *testing.T) {
	src := NewSource("a", "αβ\nγ < 1\n")
	var l List
	l.Errorf("code", part(t, src, "γ < 1", "<"), "m <").WithNote(part(t, src, "αβ", "β"), "here").WithHelp("h")
	l.Warnf("other", Span{}, "no place")
	var b bytes.Buffer
	require.NoError(t, RenderJSON(&b, &l))
	require.Contains(t, b.String(), "m <", "not escaped")
	var got map[string]any
	require.NoError(t, json.Unmarshal(b.Bytes(), &got))
	place := func(line, col, endLine, endCol, off, endOff float64) map[string]any {
		return map[string]any{"file": "a", "line": line, "column": col, "end_line": endLine, "end_column": endCol, "offset": off, "end_offset": endOff}
	}
	require.Equal(t, map[string]any{"version": 1.0, "diagnostics": []any{
		map[string]any{
			"severity": "error", "code": "code", "message": "m <", "help": "h", "place": place(2, 3, 2, 4, 8, 9),
			"labels": []any{map[string]any{"text": "here", "place": place(1, 2, 1, 3, 2, 4)}},
		},
		map[string]any{"severity": "warning", "code": "other", "message": "no place"},
	}}, got)
	b.Reset()
	require.NoError(t, RenderJSON(&b, &List{}))
	require.JSONEq(t, `{"version": 1, "diagnostics": []}`, b.String())
}

// TestRenderAnything: no text, place or label is beyond the renderer, and no
// control character comes through.
func TestRenderAnything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.StringOfN(rapid.SampledFrom([]rune("ab\t\n\r力é̆\x1b")), 0, 400, -1)).Draw(t, "text")
		src := NewSource("a", text)
		span := func() Span {
			i := rapid.IntRange(0, len(text)).Draw(t, "start")
			return Span{src, i, rapid.IntRange(i, len(text)).Draw(t, "end")}
		}
		var l List
		d := l.Errorf("c", span(), "%s", rapid.String().Draw(t, "message"))
		for range rapid.IntRange(0, 4).Draw(t, "labels") {
			d.WithNote(span(), "%s", rapid.StringN(0, 10, -1).Draw(t, "label"))
		}
		d.WithHelp("%s", rapid.String().Draw(t, "help"))
		out := rendered(&l, Options{})
		for _, r := range out {
			require.False(t, r != '\n' && hidden(r), "%q in %q", r, out)
		}
		require.Contains(t, out, "^")
	})
}

func TestNearest(t *testing.T) {
	names := []string{"height", "state", "param", "v", "Größe", "lr", "lz"}
	for name, want := range map[string]string{
		"heigth":            "height", // swapped
		"stat":              "state",
		"staate":            "state",
		"Pram":              "param", // one letter, another case
		"größe":             "Größe",
		"l":                 "lr", // the first in the alphabet
		"alpha":             "",
		"x":                 "", // nothing in common with v
		"heigh7 but longer": "",
		"state":             "", // is there
	} {
		got, ok := Nearest(name, names)
		require.Equal(t, want, got, name)
		require.Equal(t, want != "", ok, name)
	}
	got, _ := Nearest("stat", []string{"start", "state"})
	require.Equal(t, "state", got, "it begins with all of the word")
	_, ok := Nearest("x", nil)
	require.False(t, ok)
}

// TestDistance: it is symmetric, zero only for equal words, and one for each
// single edit.
func TestDistance(t *testing.T) {
	word := rapid.SliceOfN(rapid.RuneFrom([]rune("abcé")), 0, 8)
	rapid.Check(t, func(t *rapid.T) {
		a, b := word.Draw(t, "a"), word.Draw(t, "b")
		d := distance(a, b)
		require.Equal(t, d, distance(b, a))
		require.Equal(t, string(a) == string(b), d == 0)
		require.GreaterOrEqual(t, d, max(len(a)-len(b), len(b)-len(a)))
		require.LessOrEqual(t, d, max(len(a), len(b)))
		if len(a) > 1 && a[0] != a[1] {
			swapped := append([]rune{a[1], a[0]}, a[2:]...)
			require.Equal(t, 1, distance(a, swapped))
		}
	})
}

func TestPositions(t *testing.T) {
	src := NewSource("a", "αβ\r\nc\n")
	for off, want := range map[int]string{0: "a:1:1", 2: "a:1:2", 6: "a:2:1", 7: "a:2:2", 8: "a:3:1", 99: "a:3:1"} {
		require.Equal(t, want, Span{src, off, off}.Pos().String())
	}
	a := Span{src, 2, 4}
	require.Equal(t, "β", a.Text())
	require.Empty(t, Span{}.Text())
}
