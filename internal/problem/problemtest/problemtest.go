// Package problemtest compiles models over tables for tests of the packages that run them.
package problemtest

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/compiler"
	"github.com/pinode/pinode/data"
	"github.com/pinode/pinode/internal/engine"
	"github.com/pinode/pinode/internal/problem"
)

// Fixture is a model with the trajectories of its data and the space of what is fitted.
type Fixture struct {
	Prog         *engine.Compiled
	Space        *problem.Space
	Trajectories []*problem.Trajectory // for training
	X            []float64             // the start, in coordinates
}

// Open compiles a model over a table, data.csv, which is not read yet.
func Open(t testing.TB, model, table string) *problem.Problem {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "data.csv"), []byte(table), 0o600))
	p, err := compiler.Compile("m.node", model)
	require.NoError(t, err)
	return &problem.Problem{Prog: p, Path: filepath.Join(dir, "m.node")}
}

// Load compiles a model over a table, data.csv, and lays out what is fitted.
func Load(t testing.TB, model, table string) *Fixture {
	t.Helper()
	from := Open(t, model, table)
	f := &Fixture{Prog: &engine.Compiled{Program: from.Prog}}
	var err error
	f.Trajectories, err = from.Trajectories(data.Train)
	require.NoError(t, err)
	f.Space, err = problem.NewSpace(from.Prog, f.Trajectories, 1)
	require.NoError(t, err)
	f.X, err = f.Space.X0()
	require.NoError(t, err)
	return f
}
