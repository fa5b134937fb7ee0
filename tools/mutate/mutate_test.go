package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func toy(n int) options {
	return options{n: n, seed: 1, least: 2 * time.Second, dir: "testdata/toy", patterns: []string{"."}}
}

// Every fault of the toy package is seen, or not, as its tests deserve, and
// the tree stays as it was.
func TestOutcomes(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a test binary for each fault")
	}
	before, err := os.ReadFile("testdata/toy/toy.go")
	require.NoError(t, err)
	sites, err := sitesOf(".", "toy.go", before)
	require.NoError(t, err)
	want := map[string]string{
		"if a <= b {":              equivalent,
		"for i := 0; i < n; i-- {": late,
		"sum -= i":                 seen,
		"func Area(width, height int) int { return width / height }": seen, // by the wider tests
		"for i := (0 + 1); i < n; i++ {":                             survived,
	}
	var chosen []Result
	for _, s := range sites {
		for _, f := range s {
			if _, ok := want[f.After]; ok {
				chosen = append(chosen, Result{Fault: f, Outcome: survived})
			}
		}
	}
	require.Len(t, chosen, len(want))
	o := toy(0)
	o.again = filepath.Join(t.TempDir(), "again.json")
	require.NoError(t, write(o.again, chosen))
	o.equivalents = "# comment\ntoy.go Larger: if a < b { => if a <= b {\n\tequal numbers\n\thave no larger one\n"
	o.wide = []string{"./use:Square"}
	results, err := run(t.Context(), o, io.Discard)
	require.NoError(t, err)
	got, by := map[string]string{}, map[string]string{}
	for _, r := range results {
		got[r.After], by[r.After] = r.Outcome, r.By+" "+r.Test
		if r.Outcome == equivalent {
			require.Equal(t, "equal numbers have no larger one", r.Reason)
		}
	}
	require.Equal(t, want, got)
	require.Equal(t, ". TestSum", by["sum -= i"])
	require.Equal(t, "use TestSquare", by["func Area(width, height int) int { return width / height }"])
	after, err := os.ReadFile("testdata/toy/toy.go")
	require.NoError(t, err)
	require.Equal(t, string(before), string(after))

	var out strings.Builder
	report(&out, results)
	require.Contains(t, out.String(), "toy.go:17: Sum\n    - for i := 0; i < n; i++ {\n    + for i := (0 + 1); i < n; i++ {\n")
	// Faults, seen by the package itself and by others, late, survived, score, equivalent, not compiled.
	require.Equal(t, []string{".", "4", "1", "1", "1", "1", "75.0", "%", "1", "0"},
		strings.Fields(out.String()[strings.LastIndex(out.String(), "\n.")+1:]))
}

// Tests that fail by themselves, or a list that cannot be read, end the run.
func TestRefused(t *testing.T) {
	o := toy(1)
	o.equivalents = "toy.go Larger: if a < b { => if a <= b {\n"
	_, err := run(t.Context(), o, io.Discard)
	require.EqualError(t, err, `no reason is given for "toy.go Larger: if a < b { => if a <= b {"`)
	_, err = equivalents("a\nb\n\tso\n")
	require.EqualError(t, err, `no reason is given for "a"`)
	_, err = equivalents("\tso\n")
	require.ErrorContains(t, err, "a reason without a fault")
	o = toy(1)
	o.patterns = []string{"./nowhere"}
	_, err = run(t.Context(), o, io.Discard)
	require.ErrorContains(t, err, "go list")
}

// The sample is that of the seed, one fault a place.
func TestSample(t *testing.T) {
	keys := func(seed uint64) (list []string) {
		o := toy(0)
		o.seed = seed
		tasks, root, err := plan(o)
		require.NoError(t, err)
		require.Len(t, tasks, 1)
		require.Equal(t, "toy", filepath.Base(root))
		for _, f := range tasks[0].faults {
			list = append(list, f.key())
		}
		require.Equal(t, len(list), tasks[0].want)
		return list
	}
	text, err := os.ReadFile("testdata/toy/toy.go")
	require.NoError(t, err)
	sites, err := sitesOf(".", "toy.go", text)
	require.NoError(t, err)
	require.Len(t, keys(1), len(sites))
	require.Equal(t, keys(1), keys(1))
	require.NotEqual(t, keys(1), keys(2))
}

func TestScore(t *testing.T) {
	require.Equal(t, 50., score([]Result{{Outcome: seen}, {Outcome: survived}, {Outcome: equivalent}, {Outcome: broken}, {Outcome: late}, {Outcome: survived}}))
	require.Equal(t, 100., score(nil))
}

// What is put at each kind of place, in the order of the source.
func TestFaults(t *testing.T) {
	for line, want := range map[string][]string{
		"x = a - b":            {"(nothing)", "x = a + b", "x = a", "x = (b) - (a)"},
		"x := math.Abs(a - b)": {"x := (a - b)", "x := math.Abs(a + b)", "x := math.Abs(a)"},
		"x += a":               {"x -= a", "x = a", "(nothing)"},
		"if a < b && !c { }":   {"if !(a < b && !c) { }", "if false && (a < b && !c) { }", "if a < b || !c { }", "if a < b { }", "if !c { }", "if a <= b && !c { }", "if a >= b && !c { }", "if a < b && c { }"},
		"x := math.Sqrt(a)":    {"x := (a)"},
		"x := max(a, -b)":      {"x := min(a, -b)", "x := max(a, b)"},
		"for range n { }":      {"for range n { break; }"},
		"for { continue }":     {"for { break; continue }", "for { }"},
		"return f(a, 2), err":  {"return f(a, 2), nil", "return f(2, a), err", "return f(a, (2 + 1)), err", "return f(a, (2 - 1)), err"},
		"g(true)":              {"(nothing)", "g(false)"},
		// Capacities, types and broken invariants are left alone.
		"s := make([]int, n, n+1)": nil,
		"var a [3]int":             nil,
		`panic(n + 1)`:             nil,
	} {
		text := "package p\n\nfunc (s *T[K]) f() (int, error) {\n\t" + line + "\n}\n"
		sites, err := sitesOf("p", "p/p.go", []byte(text))
		require.NoError(t, err)
		var got []string
		for _, s := range sites[1:] {
			for _, f := range s {
				require.Equal(t, line, f.Before)
				require.Equal(t, "(*T).f", f.Func)
				require.Equal(t, 4, f.Line)
				got = append(got, f.After)
				changed := string(f.apply([]byte(text)))
				if f.After != "(nothing)" {
					require.Contains(t, strings.Join(strings.Fields(changed), " "), f.After)
				}
			}
		}
		require.Equal(t, want, got, line)
		require.Equal(t, "func (s *T[K]) f() (int, error) { return *new(int), *new(error);", sites[0][0].After)
	}
	sites, err := sitesOf("p", "p/p.go", []byte("// Code generated by hand. DO NOT EDIT.\n\npackage p\n\nvar x = 1\n"))
	require.NoError(t, err)
	require.Empty(t, sites)
}

// Each fault that is listed as equivalent is one that could be put in.
func TestEquivalentsAreCurrent(t *testing.T) {
	known, err := equivalents(equivalentsText)
	require.NoError(t, err)
	pkgs, err := list(".", "../../...")
	require.NoError(t, err)
	for _, p := range pkgs {
		for _, file := range p.GoFiles {
			text, err := os.ReadFile(filepath.Join(p.Dir, file))
			require.NoError(t, err)
			sites, err := sitesOf(name(p), filepath.Join(name(p), file), text)
			require.NoError(t, err)
			for _, s := range sites {
				for _, f := range s {
					delete(known, f.key())
				}
			}
		}
	}
	require.Empty(t, known, "these are no longer in the source: remove or renew them in equivalents.txt")
}
