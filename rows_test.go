package pinode

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// fromText is a model with its table d.csv beside it.
func fromText(t *testing.T, text, csv string) *Model {
	t.Helper()
	m, err := parsedText(t, text, csv)
	require.NoError(t, err)
	return m
}

func parsedText(t *testing.T, text, csv string) (*Model, error) {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "d.csv"), []byte(csv), 0o600))
	return Parse(filepath.Join(dir, "m.node"), text)
}

// startLoss is the loss at the start values.
func startLoss(t *testing.T, m *Model) float64 {
	t.Helper()
	f, err := m.NewFit(Workers(1))
	require.NoError(t, err)
	x, err := f.obj.sp.x0()
	require.NoError(t, err)
	res, err := f.obj.Eval(t.Context(), x, nil, 1, nil)
	require.NoError(t, err)
	require.False(t, res.Failed, res.Reason)
	return res.Loss
}
