package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode"
	"github.com/pinode/pinode/bench"
	"github.com/pinode/pinode/distill"
	"github.com/pinode/pinode/fit"
	"github.com/pinode/pinode/models/published"
)

// printed is what a part of the command prints.
func printed(t *testing.T, asJSON bool, do func(a *app) error) string {
	t.Helper()
	var b bytes.Buffer
	a := &app{out: newStream(&b), err: newStream(io.Discard), json: asJSON}
	require.NoError(t, do(a))
	return b.String()
}

// fields are the words of each line.
func fields(text string) (list [][]string) {
	for _, line := range strings.Split(strings.TrimRight(text, "\n"), "\n") {
		list = append(list, strings.Fields(line))
	}
	return list
}

// decoded is a document of JSON.
func decoded(t *testing.T, text string) (doc map[string]any) {
	t.Helper()
	require.NoError(t, json.Unmarshal([]byte(text), &doc), text)
	return doc
}

// TestSystemsPrinted: figures of published systems with their bars, which hold, miss or, of short forms, are not
// judged; and which systems are meant.
func TestSystemsPrinted(t *testing.T) {
	row := published.Rows()[1]
	result := func(quick bool) []*published.Result {
		return []*published.Result{{Row: row, Quick: quick, Took: 2500 * time.Millisecond, Figures: []published.Figure{
			{What: "gap", Ours: 0.25, Bar: 0.5, Published: "0.7"}, {What: "slope", Ours: 3, Bar: 2}, {What: "none", Ours: math.NaN(), Bar: 1},
		}}}
	}
	text := printed(t, false, func(a *app) error { return a.printSystems(result(false)) })
	require.True(t, strings.HasPrefix(text, row.Name+": "+row.Title+", 2.5 s\n"), text)
	require.Equal(t, [][]string{
		{"gap", "0.25", "≤", "0.5", "holds", "published", "0.7"}, {"slope", "3", "≤", "2", "misses"}, {"none", "NaN", "≤", "1", "misses"},
	}, fields(text)[1:])
	for _, line := range fields(printed(t, false, func(a *app) error { return a.printSystems(result(true)) }))[1:] {
		require.Equal(t, "quick", line[4])
	}
	data, err := json.Marshal(systemsJSON(result(true)))
	require.NoError(t, err)
	require.JSONEq(t, `{"version": 1, "systems": [{"name": "`+row.Name+`", "quick": true, "seconds": 2.5, "figures": [
		{"what": "gap", "ours": 0.25, "bar": 0.5, "published": "0.7", "holds": true},
		{"what": "slope", "ours": 3, "bar": 2, "holds": false}, {"what": "none", "ours": "NaN", "bar": 1, "holds": false}]}]}`, string(data))

	list := fields(printed(t, false, func(a *app) error { return a.listSystems() }))
	require.Len(t, list, len(published.Rows()))
	doc := decoded(t, printed(t, true, func(a *app) error { return a.listSystems() }))
	for i, r := range published.Rows() {
		require.Equal(t, r.Name, list[i][0])
		require.Equal(t, map[string]any{"name": r.Name, "title": r.Title, "source": r.Source}, doc["systems"].([]any)[i])
		require.Equal(t, r.Name, systemNames()[1+i])
	}
	all, err := systems([]string{"all"})
	require.NoError(t, err)
	require.Len(t, all, len(published.Rows()))
	two, err := systems([]string{published.Rows()[2].Name, row.Name})
	require.NoError(t, err)
	require.Equal(t, []string{published.Rows()[2].Name, row.Name}, []string{two[0].Name, two[1].Name})
	_, err = systems([]string{row.Name, "all"})
	require.ErrorContains(t, err, "no published system `all`; there are "+published.Rows()[0].Name)
	about := printed(t, false, func(a *app) error { return a.reproduce(t.Context(), []string{row.Name}, how{about: true}) })
	require.Equal(t, row.Page(), about)
}

// TestBenchTablesPrinted: rows come as they are measured, but for JSON, which has all of them at the end.
func TestBenchTablesPrinted(t *testing.T) {
	for _, asJSON := range []bool{false, true} {
		var said []string
		var got []int
		printed(t, asJSON, func(a *app) (err error) {
			got, err = asTheyCome(&measuring{app: a}, func(row *int, w io.Writer) {
				if row == nil {
					said = append(said, "title")
					return
				}
				said = append(said, fmt.Sprint(*row))
			}, func(add func(int)) error { add(3); add(4); return nil })
			return err
		})
		require.Equal(t, []int{3, 4}, got)
		if asJSON {
			require.Empty(t, said)
		} else {
			require.Equal(t, []string{"title", "3", "4"}, said)
		}
	}
	failed := errors.New("no compiler")
	a := &app{out: newStream(io.Discard), json: true}
	_, err := asTheyCome(&measuring{app: a}, func(*int, io.Writer) {}, func(func(int)) error { return failed })
	require.ErrorIs(t, err, failed)

	rows, err := bench.Select(nil)
	require.NoError(t, err)
	list := fields(printed(t, false, func(a *app) error { return (&measuring{app: a}).printList(rows) }))
	require.Len(t, list, len(rows))
	doc := decoded(t, printed(t, true, func(a *app) error { return (&measuring{app: a}).printList(rows) }))
	for i, r := range rows {
		require.Equal(t, r.Name, list[i][0])
		require.Equal(t, map[string]any{"name": r.Name, "unit": r.Unit, "bar": r.Limit(), "doc": r.Doc}, doc["rows"].([]any)[i])
	}
	m := &measuring{benchFlags: &benchFlags{}}
	require.Nil(t, m.table())
	for _, on := range []*bool{&m.auto, &m.precision, &m.scaling} {
		*on = true
		require.NotNil(t, m.table())
		*on = false
	}
}

// TestDistilledPrinted: a block with its formula, terms, and how both meet the data.
func TestDistilledPrinted(t *testing.T) {
	block := distill.Block{
		Name: "f", Found: true, Why: "the formula is as good", Share: 0.98765, Trials: 7, Apart: 0.0123,
		Formulas: []distill.Formula{{Element: "[0]", Text: "a*x - b", Terms: []distill.Term{
			{Text: "x", Chosen: 0.96, In: true, Parameter: "a", Coefficient: 1.5}, {Text: "x^2", Chosen: 0.25},
		}}},
		Network: distill.Judgement{LogLikelihood: -3.5, Held: -4, Numbers: 60, RMSE: map[string]float64{"y": 0.5, "b": 0.25}, Criterion: 12},
		Formula: distill.Judgement{LogLikelihood: -3, Held: -2, Numbers: 2, RMSE: map[string]float64{"y": 0.4, "b": 0.2}, Criterion: 9},
	}
	show := func(b distill.Block) [][]string {
		return fields(printed(t, false, func(a *app) error { a.printBlock(&b); return nil }))
	}
	require.Equal(t, [][]string{
		strings.Fields("f: the formula is as good"), strings.Fields("f[0] = a*x - b"),
		strings.Fields("x chosen in 96 % a = 1.5"), strings.Fields("x^2 chosen in 25 %"),
		strings.Fields("R² of the formula for the block 0.9877 7 structures were refitted"),
		{"network", "formula"},
		strings.Fields("log-likelihood -3.5 -3"), strings.Fields("held back -4 -2"), strings.Fields("numbers 60 2"),
		strings.Fields("RMSE of b 0.25 0.2"), strings.Fields("RMSE of y 0.5 0.4"),
		strings.Fields("apart beyond the data 0.0123 of the size of the states, over as long again"),
	}, show(block))
	data, err := json.Marshal(distillJSON(&pinode.Run{Dir: "runs/a"}, &pinode.Distillation{Blocks: []distill.Block{block}, Found: true}, "out.node"))
	require.NoError(t, err)
	require.JSONEq(t, `{"version": 1, "run": "runs/a", "found": true, "file": "out.node", "blocks": [{"block": "f", "found": true, "why": "the formula is as good",
		"formulas": [{"element": "[0]", "formula": "a*x - b", "terms": [
			{"term": "x", "chosen": 0.96, "in_formula": true, "parameter": "a", "coefficient": 1.5}, {"term": "x^2", "chosen": 0.25, "in_formula": false, "coefficient": 0}]}],
		"r2": 0.98765, "apart_beyond": 0.0123, "refits": 7,
		"network": {"log_likelihood": -3.5, "log_likelihood_validate": -4, "rmse": {"y": 0.5, "b": 0.25}, "numbers": 60, "bic": 12},
		"formula": {"log_likelihood": -3, "log_likelihood_validate": -2, "rmse": {"y": 0.4, "b": 0.2}, "numbers": 2, "bic": 9}}]}`, string(data))
	block.Network.Held, block.Apart = math.NaN(), math.NaN()
	require.Len(t, show(block), 12-2)
	block.Formulas = nil
	require.Len(t, show(block), 1)
}

// TestComparisonPrinted: what failed stands beside what did not.
func TestComparisonPrinted(t *testing.T) {
	doc := printed(t, true, func(a *app) error {
		return a.comparisonJSON([]pinode.Comparison{
			{Solver: "tsit5", RTol: 1e-6, Error: 2e-7, Steps: 10, Rejected: 1, Evaluations: 61, Time: 2 * time.Millisecond},
			{Solver: "rk4", Step: 0.1, Error: math.NaN(), Failed: "unstable"},
		})
	})
	require.JSONEq(t, `{"version": 1, "rows": [
		{"solver": "tsit5", "rtol": 1e-6, "error": 2e-7, "steps": 10, "rejected": 1, "evaluations": 61, "seconds": 0.002},
		{"solver": "rk4", "step": 0.1, "error": "NaN", "steps": 0, "rejected": 0, "evaluations": 0, "seconds": 0, "failed": "unstable"}]}`, doc)
}

// TestVerdictPrinted: a verdict as it is told to programs, and where crossings may have been missed.
func TestVerdictPrinted(t *testing.T) {
	require.Nil(t, verdictJSON(nil))
	chi := 1.25
	v := verdictJSON(&pinode.Verdict{Text: "fits", Word: "fits", Converged: true, Why: "done", Chi2: &chi, Values: 9, Starts: 4, Here: 3, Equal: 2, Untold: 1, Bounds: []string{"k"}, Open: []string{"a, b"}, Worst: "y", Few: true, Learned: true, Exchange: []string{"c with d"}, Beside: []string{"fall"}, Ended: "so"})
	require.Equal(t, map[string]any{
		"text": "fits", "verdict": "fits", "converged": true, "why": "done", "chi2": &chi, "values": 9, "runs": (*float64)(nil),
		"starts": 4, "here": 3, "bounds": []string{"k"}, "equal": 2, "untold": 1, "open": []string{"a, b"}, "worst": "y", "few": true, "learned": true, "exchange": []string{"c with d"}, "beside": []string{"fall"}, "ended": "so",
	}, v)
	f := &pinode.Fit{Train: pinode.Summary{Unproven: "one"}, Validation: pinode.Summary{Unproven: "two"}}
	require.Equal(t, []string{"one", "two"}, unproven(f))
	f.Train.Unproven = ""
	require.Equal(t, []string{"two"}, unproven(f))
}

// TestProgressLines: elsewhere than on a terminal a line where a stage begins and where it ends, and none if
// nobody wants any.
func TestProgressLines(t *testing.T) {
	run := func(quiet, asJSON bool) string {
		var b bytes.Buffer
		p := &progress{a: &app{out: newStream(io.Discard), err: newStream(&b), quiet: quiet, json: asJSON}}
		p.end()
		for _, s := range []fit.Progress{
			{Stage: "adam", Index: 0, Iteration: 1, Of: 20, Horizon: 0.5},
			{Stage: "adam", Index: 0, Iteration: 20, Of: 20, Horizon: 1, Elapsed: 1234 * time.Millisecond},
			{Stage: "lbfgs", Index: 1, Iteration: 1, Horizon: 1},
			{Stage: "lbfgs", Index: 1, Iteration: 7, Horizon: 1, Elapsed: 5678 * time.Millisecond},
		} {
			p.step(s)
		}
		p.end()
		return b.String()
	}
	lines := strings.Split(strings.TrimSpace(run(false, false)), "\n")
	require.Len(t, lines, 4)
	for i, word := range []string{"adam 1/20", "adam 20/20", "lbfgs 1", "lbfgs 7"} {
		require.True(t, strings.HasPrefix(lines[i], "training       "+word), lines[i])
	}
	require.Contains(t, lines[0], "horizon 50 %")
	require.NotContains(t, lines[1], "horizon")
	require.True(t, strings.HasSuffix(lines[1], "  1.23s"), lines[1])
	require.True(t, strings.HasSuffix(lines[3], "  5.68s"), lines[3])
	require.Empty(t, run(true, false))
	require.Empty(t, run(false, true))
}

// TestInterruptions: the exit code of a command that a signal has ended is that of the signal.
func TestInterruptions(t *testing.T) {
	ctx, end := context.WithCancelCause(t.Context())
	require.Equal(t, exitInterrupted, interrupted(ctx))
	end(signalled{syscall.SIGTERM})
	require.Equal(t, 128+15, interrupted(ctx))
	require.EqualError(t, signalled{syscall.SIGHUP}, "stopped by the signal hangup")
}
