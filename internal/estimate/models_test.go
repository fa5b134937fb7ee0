package estimate_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode"
)

// fromText is a model with its table d.csv beside it.
func fromText(t *testing.T, text, csv string) *pinode.Model {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "d.csv"), []byte(csv), 0o600))
	m, err := pinode.Parse(filepath.Join(dir, "m.node"), text)
	require.NoError(t, err)
	return m
}

// fitOf is a fit of a model to data.
func fitOf(t *testing.T, model, csv, columns, settings string) (*pinode.Fit, error) {
	t.Helper()
	return fromText(t, fmt.Sprintf("%s\ndata d from \"d.csv\" { time: t, %s }\nfit { %s }\n", model, columns, settings), csv).NewFit(pinode.FitOptions{})
}
