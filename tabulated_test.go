package pinode

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestTabulatedConstant: constants from files have the numbers of these, row by row, and the
// files belong to the model; what does not fit is said with its place.
func TestTabulatedConstant(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	write("a.csv", "# two rows\n1, 2.5, -3\n\n4e-1,5,6\n")
	write("v.tsv", "1\t2\t3\n")
	write("column.csv", "1\n2\n3\n")
	write("bad.csv", "1,2,3\n4,x,6\n")
	write("short.csv", "1,2,3\n")
	write("inf.csv", "1,2,3\n4,inf,6\n")
	model := func(decl string) string {
		return "model M {\n  " + decl + "\n  state x[2] = 1\n  x' = -x\n  let y = sum(A)\n}\nsimulate { until: 1 }"
	}
	parse := func(decl string) (*Model, error) { return Parse(filepath.Join(dir, "m.node"), model(decl)) }
	for decl, want := range map[string]float64{
		`const A[2, 3] from "a.csv"`:                             1 + 2.5 - 3 + 0.4 + 5 + 6,
		`const A[3] from "v.tsv"`:                                6,
		`const A[3] from "column.csv"`:                           6,
		`const B[2, 3] from "a.csv"; const A[2] = B @ [0, 1, 2]`: 2.5 - 6 + 5 + 12,
	} {
		m, err := parse(decl)
		require.NoError(t, err, decl)
		s, err := m.Simulate(t.Context(), SimulateOptions{})
		require.NoError(t, err)
		rows := s.Trajectories[0].Rows
		require.InDelta(t, want, rows[0][slices.Index(s.Columns, "y")], 1e-14, decl)
		require.Len(t, m.Files(), 2, "its hash is noted with those of the data")
	}
	for decl, want := range map[string]string{
		`const A[2, 3] from "none.csv"`:  "m.node:2:",
		`const A[2, 3] from "bad.csv"`:   "line 2: `x` is no finite number",
		`const A[2, 3] from "short.csv"`: "there are 1 rows of numbers, where `[2, 3]` asks for 2",
		`const A[3, 3] from "a.csv"`:     "there are 2 rows",
		`const A[2, 2] from "a.csv"`:     "line 2 has 3 numbers, where `[2, 2]` asks for 2",
		`const A[2, 3] from "inf.csv"`:   "`inf` is no finite number",
		`const A from "a.csv"`:           "declare its shape",
	} {
		_, err := parse(decl)
		require.ErrorContains(t, err, want, decl)
	}
}
