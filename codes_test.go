package pinode

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/internal/explain"
)

// TestCodes: the example of each code gives it.
func TestCodes(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "d.csv"), []byte("t,seen,year\n0,1,1900\n1,0.4,1901\n"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "steps.csv"), []byte("t,u,seen\n0,0,0\n1,0,0\n2,1,0.1\n3,1,0.6\n4,1,0.8\n"), 0o600))
	for _, c := range explain.Codes {
		m, err := Parse(filepath.Join(dir, "m.node"), c.Example)
		require.NoError(t, err, c.Name)
		if s, err := m.Simulate(context.Background(), SimulateOptions{}); err == nil && len(s.Warnings.All) > 0 {
			require.Equal(t, c.Name, s.Warnings.All[0].Code)
			continue
		}
		f, err := m.NewFit(FitOptions{})
		l := m.Doubts()
		if err == nil && len(l.All) == 0 { // a warning of the result
			require.NoError(t, f.Run(context.Background()), c.Name)
			l = &f.Warnings
		}
		if err != nil {
			require.ErrorAs(t, err, &l, c.Name)
		}
		require.NotEmpty(t, l.All, c.Name)
		require.Equal(t, c.Name, l.All[0].Code)
	}
}
