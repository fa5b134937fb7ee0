package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"github.com/pinode/pinode"
	"github.com/pinode/pinode/data"
	"github.com/pinode/pinode/fit"
)

// rows reads a CSV file as maps by column; `stdout` is the last output.
func rows(ts *testscript.TestScript, file string) (list []map[string]string) {
	all, err := csv.NewReader(strings.NewReader(ts.ReadFile(file))).ReadAll()
	ts.Check(err)
	for _, cells := range all[1:] {
		m := map[string]string{}
		for i, c := range cells {
			m[all[0][i]] = c
		}
		list = append(list, m)
	}
	return list
}

// alike tells whether two cells are the same text, or numbers within a tolerance.
func alike(got, want string, tol float64) bool {
	if got == want {
		return true
	}
	g, err := strconv.ParseFloat(got, 64)
	w, err2 := strconv.ParseFloat(want, 64)
	return err == nil && err2 == nil && math.Abs(g-w) <= tol
}

// cell FILE COLUMN WANT TOLERANCE KEY=VALUE… wants a value in the last row
// with these keys, and that there is one.
func cell(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 4 {
		ts.Fatalf("usage: cell file column want tolerance key=value…")
	}
	tol, err := strconv.ParseFloat(args[3], 64)
	ts.Check(err)
	got, found := "", false
	for _, r := range rows(ts, args[0]) {
		fits := true
		for _, kv := range args[4:] {
			k, v, _ := strings.Cut(kv, "=")
			fits = fits && alike(r[k], v, 1e-9)
		}
		if v, ok := r[args[1]]; ok && fits {
			got, found = v, true
		}
	}
	if !found {
		ts.Fatalf("%s has no row with %v and a column %s", args[0], args[4:], args[1])
	}
	if !alike(got, args[2], tol) {
		ts.Fatalf("%s: %s is %s where %v, want %s ± %s", args[0], args[1], got, args[4:], args[2], args[3])
	}
}

// count FILE WANT KEY=VALUE… wants so many rows with these keys.
func count(ts *testscript.TestScript, neg bool, args []string) {
	n := 0
	for _, r := range rows(ts, args[0]) {
		fits := true
		for _, kv := range args[2:] {
			k, v, _ := strings.Cut(kv, "=")
			fits = fits && alike(r[k], v, 1e-9)
		}
		if fits {
			n++
		}
	}
	if strconv.Itoa(n) != args[1] {
		ts.Fatalf("%s has %d rows with %v, want %s", args[0], n, args[2:], args[1])
	}
}

// field FILE PATH WANT [TOLERANCE] wants a value of a JSON or YAML document,
// at a path like params.k.value or rows[0][1].
func field(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: field file path want [tolerance]")
	}
	var v any
	ts.Check(yaml.Unmarshal([]byte(ts.ReadFile(args[0])), &v))
	for _, step := range strings.FieldsFunc(args[1], func(r rune) bool { return strings.ContainsRune(".[]", r) }) {
		switch x := v.(type) {
		case map[string]any:
			v = x[step]
		case []any:
			i, err := strconv.Atoi(step)
			ts.Check(err)
			if i >= len(x) {
				ts.Fatalf("%s: %s: there are %d elements", args[0], args[1], len(x))
			}
			v = x[i]
		default:
			ts.Fatalf("%s: %s leads nowhere at %s", args[0], args[1], step)
		}
	}
	text := "null"
	if v != nil {
		out, err := yaml.Marshal(v)
		ts.Check(err)
		text = strings.TrimSpace(string(out))
	}
	tol := 0.
	if len(args) > 3 {
		var err error
		tol, err = strconv.ParseFloat(args[3], 64)
		ts.Check(err)
	}
	if !alike(text, args[2], tol) {
		ts.Fatalf("%s: %s is %s, want %s", args[0], args[1], text, args[2])
	}
}

// sameCurves A B COLUMN TOLERANCE [COLUMN-OF-B] wants the same values where both
// files have a row of the same trajectory and time, and at least twenty of those.
func sameCurves(ts *testscript.TestScript, neg bool, args []string) {
	tol, err := strconv.ParseFloat(args[3], 64)
	ts.Check(err)
	column := args[2]
	if len(args) > 4 {
		column = args[4]
	}
	at := map[string]string{}
	for _, r := range rows(ts, args[0]) {
		at[r["trajectory"]+" "+r["t"]] = r[args[2]]
	}
	n := 0
	for _, r := range rows(ts, args[1]) {
		want, ok := at[r["trajectory"]+" "+r["t"]]
		if !ok {
			continue
		}
		if n++; !alike(r[column], want, tol) {
			if neg {
				return
			}
			ts.Fatalf("%s at t = %s of `%s`: %s and %s", args[2], r["t"], r["trajectory"], want, r[column])
		}
	}
	if neg || n < 20 {
		ts.Fatalf("%d rows agree", n)
	}
}

// A value has two digits of its standard error, between two and twelve, or six.
func TestSignificant(t *testing.T) {
	for _, c := range []struct {
		v, se float64
		want  string
	}{
		{0.712345678, 0.01, "0.712"},
		{0.712345678, 0.001, "0.7123"},
		{0.712345678, 0.09, "0.712"},
		{1234.5678, 10, "1235"},
		{1234.5678, 1e4, "1.2e+03"},
		{0.712345678912345, 1e-30, "0.712345678912"},
		{0.712345678, math.NaN(), "0.712346"},
		{0.712345678, 0, "0.712346"},
		{0, 0.1, "0"},
		{-0.0012345678, 1e-5, "-0.001235"},
	} {
		require.Equal(t, c.want, significant(c.v, c.se), "%g ± %g", c.v, c.se)
	}
}

func TestErrorText(t *testing.T) {
	require.EqualError(t, usageError("%s is %d", "a", 3), "a is 3")
	var out strings.Builder
	a := &app{out: newStream(&out), err: newStream(&out)}
	for code, err := range map[int]error{
		exitDone: nil, exitUsage: usageError("so"), exitData: &data.Error{File: "d.csv", Text: "so"},
		exitNumerical: &fit.FailedError{Stage: "adam"}, exitInterrupted: &codeError{exitInterrupted, ""},
	} {
		require.Equal(t, code, a.report(err))
		if err != nil {
			require.Equal(t, code, a.report(fmt.Errorf("in a fit: %w", err)))
		}
	}
	require.Equal(t, exitNumerical, a.report(fit.ErrNotFinite))
	require.Equal(t, exitData, a.report(os.ErrNotExist))
	require.Equal(t, exitUsage, a.report(errors.New("so")))
	require.Contains(t, out.String(), "error[data]: d.csv: so")
	require.Contains(t, out.String(), "error[fit]: adam, iteration 0")
	require.Contains(t, out.String(), "error[fit]: not a finite number")
}

func TestLineDiff(t *testing.T) {
	require.Equal(t, "--- f\n+++ f, formatted\n2 -b\n2 +B\n3 +x\n", lineDiff("f", "a\nb\nc", "a\nB\nx\nc"))
	require.Equal(t, "--- f\n+++ f, formatted\n1 -a\n3 -c\n", lineDiff("f", "a\nb\nc", "b"))
	require.Equal(t, "--- f\n+++ f, formatted\n1 +a\n", lineDiff("f", "b", "a\nb"))
	require.Equal(t, "--- f\n+++ f, formatted\n1 -a\n4 -d\n4 +f\n5 +a\n", lineDiff("f", "a\nb\nc\nd\ne", "b\nc\ne\nf\na"), "the most lines stay")
	require.Equal(t, "f would change\n", lineDiff("f", strings.Repeat("\n", 2001), strings.Repeat("\n", 2001)))
}

func TestProgressLine(t *testing.T) {
	require.Equal(t, "adam 3/10  loss 0.25  valid 0.5  lr 0.01  horizon 40 %",
		line(fit.Progress{Stage: "adam", Iteration: 3, Of: 10, Loss: 0.25, Valid: 0.5, LR: 0.01, Horizon: 0.4}))
	require.Equal(t, "lbfgs 3/10  loss 0.25", line(fit.Progress{Stage: "lbfgs", Iteration: 3, Of: 10, Loss: 0.25, Valid: math.NaN(), Horizon: 1}))
}

func TestListed(t *testing.T) {
	require.Equal(t, "a, b, c", listed([]string{"c", "a", "b", "a"}))
	require.Equal(t, "0, 1, 2, 3, 4, 5, 6, 7", listed(strings.Split("01234567", "")))
	require.Equal(t, "0, 1, 2, 3, 4, 5, 6, 7 and 1 more", listed(strings.Split("012345678", "")))
	require.Equal(t, "0, 1, 2, 3, 4, 5, 6, 7 and 2 more", listed(strings.Split("0123456789", "")))
}

func TestNumberCells(t *testing.T) {
	require.Equal(t, math.Inf(1), orInf(3, 0))
	require.Equal(t, 3., orInf(3, 1))
	text, err := jsonNumber(0.5).MarshalJSON()
	require.NoError(t, err)
	require.Equal(t, "0.5", string(text))
	for _, bad := range []float64{math.NaN(), math.Inf(-1)} {
		text, err = jsonNumber(bad).MarshalJSON()
		require.NoError(t, err)
		require.Equal(t, map[bool]string{true: `"NaN"`, false: `"-Infinity"`}[math.IsNaN(bad)], string(text))
	}
}

func TestVerdicts(t *testing.T) {
	c := &pinode.Certificate{Tolerance: 1e-6}
	for want, r := range map[string]pinode.CertifiedPartial{
		"ok":                              {Off: []float64{1e-7}},
		"doubtful":                        {Off: []float64{1e-7}, Doubtful: "noise"},
		"doubtful: kinks":                 {Off: []float64{1}, Doubtful: "kinks"},
		"off by 2e-01":                    {Off: []float64{1e-2}, Gradient: []float64{1.2}, Difference: 1},
		"off by 1e-02 of the other modes": {Off: []float64{1e-2}, Failed: "a run fails"},
		"off by NaN":                      {Off: []float64{math.NaN()}, Gradient: []float64{math.NaN()}},
	} {
		require.Equal(t, want, verdict(c, &r, 0))
	}
}
