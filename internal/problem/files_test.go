package problem_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/compiler"
	"github.com/pinode/pinode/data"
	"github.com/pinode/pinode/dsl/diag"
	"github.com/pinode/pinode/internal/problem"
	"github.com/pinode/pinode/internal/problem/problemtest"
)

// write puts files into a folder.
func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
}

// TestFiles: tables are looked for beside the model, unless their path is whole or another file takes
// the place of one; tables that are joined and constants are files too.
func TestFiles(t *testing.T) {
	dir, other := t.TempDir(), t.TempDir()
	write(t, dir, map[string]string{
		"a.csv": "id,t,y\n1,0,1\n1,1,2\n2,1,3\n", "b.csv": "t,y\n0,5\n2,6\n", "more.csv": "id,v\n2,20\n1,10\n", "c.csv": "1,2\n",
	})
	write(t, other, map[string]string{"b.csv": "t,y\n3,7\n"})
	whole := filepath.Join(other, "b.csv")
	text := `model M {
  const c[2] from "c.csv"
  covariate v
  param k = 1
  state x = 1
  x' = -k*x*c[0]
  observe y = x
}
data a from "a.csv" { time: t, trajectory: id, y: y, v: v, join: "more.csv" by id }
data b from "b.csv" { time: t, y: y, v: y }
`
	p, err := compiler.Compile(filepath.Join(dir, "m.node"), text)
	require.NoError(t, err)
	m := &problem.Problem{Prog: p, Path: filepath.Join(dir, "m.node")}
	in := func(name string) string { return filepath.Join(dir, name) }
	require.Equal(t, in("x/y.csv"), m.Beside("x/y.csv"))
	require.Equal(t, whole, m.Beside(whole))
	require.Equal(t, []string{in("c.csv"), in("a.csv"), in("more.csv"), in("b.csv")}, m.Paths())
	_, err = m.Trajectories(data.Train)
	require.ErrorContains(t, err, "v", "a covariate has one value in a trajectory")

	require.ErrorContains(t, m.SetFile("d", whole), "there is no data block `d`; there is a, b")
	require.NoError(t, m.SetFile("b", whole))
	require.Equal(t, []string{in("c.csv"), in("a.csv"), in("more.csv"), whole}, m.Paths())
	list, err := m.Trajectories(data.Train)
	require.NoError(t, err)
	require.Len(t, list, 3)
	require.Equal(t, []float64{10, 20, 7}, []float64{list[0].Given[0], list[1].Given[0], list[2].Given[0]}, "the other table")
	require.Equal(t, 3., list[2].Span.T1)
	again := m.Of(p)
	require.Equal(t, m.Paths(), again.Paths())
	require.Empty(t, again.Sets, "it reads its tables itself")

	write(t, other, map[string]string{"b.csv": "t,y\n4,8\n"})
	list, err = m.Trajectories(data.Train)
	require.NoError(t, err)
	require.Equal(t, 3., list[2].Span.T1, "tables are read once")
	require.NoError(t, m.SetFile("b", whole))
	list, err = m.Trajectories(data.Train)
	require.NoError(t, err)
	require.Equal(t, 4., list[2].Span.T1, "and another file anew")

	require.NoError(t, os.Remove(in("more.csv")))
	require.NoError(t, m.SetFile("b", whole))
	_, err = m.Trajectories(data.Train)
	require.ErrorContains(t, err, "more.csv")

	alone := problemtest.Open(t, "model M {\n  param k = 1\n  state x = 1\n  x' = -k*x\n}\n", "")
	require.EqualError(t, alone.SetFile("a", "b"), "the file has no data block, and none is named `a`")
}

// TestDoubts: what is doubtful is said once, and what is asked for is a copy.
func TestDoubts(t *testing.T) {
	m := problemtest.Open(t, decayText("time t", ", from: 3"), decayTable)
	require.Empty(t, m.Doubts().All)
	_, err := m.Trajectories(data.Train)
	require.NoError(t, err)
	said := func() (list []string) {
		for _, d := range m.Doubts().All {
			list = append(list, d.Message)
		}
		return list
	}
	require.Equal(t, []string{"1 rows before the start are left out"}, said())
	for range 2 {
		m.Doubt("data", diag.Span{}, "%d and %d", 1, 2)
	}
	m.Doubt("data", diag.Span{}, "%d and %d", 1, 3)
	require.Equal(t, []string{"1 rows before the start are left out", "1 and 2", "1 and 3"}, said())
	m.Doubts().All[0] = nil
	require.NotNil(t, m.Doubts().All[0])
	require.NoError(t, m.SetFile("d", m.File(m.Prog.Checked.Data[0])))
	_, err = m.Trajectories(data.Train)
	require.NoError(t, err)
	require.Equal(t, []string{"1 rows before the start are left out"}, said(), "tables that are read anew have theirs alone")
}

// TestSplits: trajectories are bound for what they are for, those of all tables in their order.
func TestSplits(t *testing.T) {
	p := problemtest.Open(t, decayText("time t", ", train: s < 1, validate: s == 1"), decayTable)
	for split, want := range map[data.Split]string{data.Train: "id=a", data.Validate: "id=b"} {
		list, err := p.Trajectories(split)
		require.NoError(t, err)
		require.Len(t, list, 1)
		require.Equal(t, want, list[0].Name)
	}
	list, err := p.Trajectories(data.Unused)
	require.NoError(t, err)
	require.Empty(t, list)
}
