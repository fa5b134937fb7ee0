package pinode

import (
	"context"
	"math"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// pageModel is a model of docs/events.md with what the page says about its run.
type pageModel struct {
	text, picture string
	numbers       string // the line that begins with "In numbers:"
}

// pageModels reads the models of the page that have a picture.
func pageModels(t *testing.T) (list []pageModel) {
	t.Helper()
	page, err := os.ReadFile("docs/events.md")
	require.NoError(t, err)
	blocks := regexp.MustCompile("(?s)```node\n(.*?)```\n!\\[[^\\]]*\\]\\(([^)]*)\\)\n(.*?)(\n```|\n#|$)")
	rest, said := string(page), 0
	for {
		at := blocks.FindStringSubmatchIndex(rest)
		if at == nil {
			break
		}
		m := pageModel{text: rest[at[2]:at[3]], picture: rest[at[4]:at[5]]}
		for line := range strings.Lines(rest[at[6]:at[7]]) {
			if numbers, ok := strings.CutPrefix(strings.TrimSpace(line), "In numbers: "); ok {
				require.Empty(t, m.numbers, "%s has two lines of numbers", m.picture)
				m.numbers = numbers
				said++
			}
		}
		list = append(list, m)
		rest = rest[at[7]:]
	}
	require.Equal(t, strings.Count(string(page), "```node"), len(list), "models with a picture")
	require.Equal(t, strings.Count(string(page), "In numbers: "), said, "lines of numbers that belong to a model")
	return list
}

var (
	eventSaid = regexp.MustCompile("^`([^`]+)`(?: of `([^`]+)`)? (?:at (.+)|(never))$")
	valueSaid = regexp.MustCompile("^`([^`]+)`(?: of `([^`]+)`)? = (\\S+) at t = (\\S+)$")
)

// TestEventsPage: every model of docs/events.md runs, and the run has the
// numbers that the page states: times of events, all of them unless … ends the
// list, and values, which are the last ones at their time.
func TestEventsPage(t *testing.T) {
	silent := 0
	for _, m := range pageModels(t) {
		t.Run(m.picture, func(t *testing.T) {
			model, err := Parse("docs/events.md", m.text)
			require.NoError(t, err)
			s, err := model.Simulate(context.Background(), SimulateOptions{})
			require.NoError(t, err)
			if m.numbers == "" {
				silent++
				return
			}
			for said := range strings.SplitSeq(strings.TrimSuffix(m.numbers, "."), "; ") {
				if p := valueSaid.FindStringSubmatch(said); p != nil {
					requireSaid(t, p[3], valueAt(t, s, runCalled(t, s, p[2]), p[1], parsed(t, p[4])), said)
					continue
				}
				p := eventSaid.FindStringSubmatch(said)
				require.NotNil(t, p, "cannot read %q", said)
				got := timesOf(runCalled(t, s, p[2]), p[1])
				if p[4] == "never" {
					require.Empty(t, got, said)
					continue
				}
				list, open := strings.CutSuffix(p[3], ", …")
				want := strings.Split(strings.ReplaceAll(list, " and ", ", "), ", ")
				if open {
					require.Greater(t, len(got), len(want), said)
				} else {
					require.Len(t, got, len(want), said)
				}
				for i, w := range want {
					requireSaid(t, w, got[i], said)
				}
			}
		})
	}
	require.LessOrEqual(t, silent, 1, "models without numbers: only the one that draws at random")
}

// requireSaid compares a number with one of the page, to its last digit.
func requireSaid(t *testing.T, want string, got float64, said string) {
	t.Helper()
	half := 0.5
	if _, digits, ok := strings.Cut(want, "."); ok {
		half *= math.Pow10(-len(digits))
	}
	if half == 0.5 { // a whole number is meant to be that
		half = 1e-6
	}
	require.InDelta(t, parsed(t, want), got, 1.001*half, said)
}

func parsed(t *testing.T, text string) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(text, 64)
	require.NoError(t, err)
	return v
}

// runCalled is a run by its name, or the only one.
func runCalled(t *testing.T, s *Simulation, name string) *Trajectory {
	t.Helper()
	for _, r := range s.Trajectories {
		if r.Name == name || name == "" && len(s.Trajectories) == 1 {
			return r
		}
	}
	require.Fail(t, "no run", "%q", name)
	return nil
}

// timesOf are the times of an event; of a sliding motion the name has the
// surface behind it.
func timesOf(r *Trajectory, name string) (times []float64) {
	for _, e := range r.Events {
		if strings.TrimSpace(e.Name+" "+e.Surface) == name {
			times = append(times, e.Time)
		}
	}
	return times
}

// valueAt is the last value of a column at a time that has a row.
func valueAt(t *testing.T, s *Simulation, r *Trajectory, column string, at float64) float64 {
	t.Helper()
	for k, c := range s.Columns {
		if c != column {
			continue
		}
		for i := len(r.Rows) - 1; i >= 0; i-- {
			if math.Abs(r.Rows[i][0]-at) < 1e-9 {
				return r.Rows[i][k]
			}
		}
		require.Fail(t, "no row", "at t = %g", at)
	}
	require.Fail(t, "no column", "%q", column)
	return 0
}

// TestTutorialProgram: the program of docs/tutorial.md is the one of Example_tutorial, line by
// line, and its model and the sentence that tells its output are those of the page.
func TestTutorialProgram(t *testing.T) {
	page, err := os.ReadFile("docs/tutorial.md")
	require.NoError(t, err)
	source, err := os.ReadFile("example_test.go")
	require.NoError(t, err)
	program := regexp.MustCompile("(?s)```go\n(.*?)```").FindStringSubmatch(string(page))
	require.NotNil(t, program)
	_, example, found := strings.Cut(string(source), "func Example_tutorial() {")
	require.True(t, found)
	for line := range strings.Lines(strings.ReplaceAll(program[1], `"lid.node"`, `"docs/tutorial/lid.node"`)) {
		_, rest, found := strings.Cut(example, strings.TrimSpace(line))
		require.True(t, found, line)
		example = rest
	}
	_, rest, _ := strings.Cut(example, "// Output:\n")
	for line := range strings.Lines(rest) {
		said, ok := strings.CutPrefix(strings.TrimSpace(line), "// ")
		if !ok {
			break
		}
		require.Contains(t, string(page), "`"+said+"`")
	}
	model, err := os.ReadFile("docs/tutorial/lid.node")
	require.NoError(t, err)
	require.Contains(t, string(page), "```node lid.node\n"+string(model)+"```")
}

// TestSettingsPage: each block of docs/settings.md fits the model of the tutorial, to its optimum where it says
// nothing of early ends.
func TestSettingsPage(t *testing.T) {
	page, err := os.ReadFile("docs/settings.md")
	require.NoError(t, err)
	model, err := os.ReadFile("docs/tutorial/lid.node")
	require.NoError(t, err)
	blocks := regexp.MustCompile("(?s)```node\n(.*?)```").FindAllStringSubmatch(string(page), -1)
	require.Len(t, blocks, strings.Count(string(page), "\nfit {"))
	require.Greater(t, len(blocks), 10)
	for _, b := range blocks {
		m, err := Parse("docs/tutorial/settings.node", string(model)+"\n"+b[1])
		require.NoError(t, err, b[1])
		fit, err := m.Fit(t.Context(), FitOptions{})
		require.NoError(t, err, b[1])
		require.InEpsilon(t, 0.021, fit.Params["k"].Value, 0.02, b[1])
	}
}
