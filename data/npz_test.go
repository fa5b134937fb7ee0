package data

import (
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// The files of these tests are what NumPy 2.4 wrote.
func TestNPZ(t *testing.T) {
	table, err := ReadFile("testdata/kinds.npz")
	require.NoError(t, err)
	require.Equal(t, []string{"t", "y", "n", "u", "ok", "name", "raw", "pos0", "pos1", "turned0", "turned1"}, table.Columns)
	for name, want := range map[string][]float64{
		"y": {1.5, 2.25, -3}, "n": {-5, 0, 7}, "u": {255, 0, 1}, "ok": {1, 0, 1},
		"pos0": {1, 3, 5}, "pos1": {2, 4, 6.5}, "turned0": {1, 3, 5}, "turned1": {2, 4, 6},
	} {
		got, err := table.Floats(name)
		require.NoError(t, err, name)
		require.Equal(t, want, got, name)
	}
	times, err := table.Floats("t")
	require.NoError(t, err)
	require.Equal(t, []float64{0, 0.5}, times[:2])
	require.True(t, math.IsNaN(times[2]))
	for name, want := range map[string][]string{"name": {"a", "bü", ""}, "raw": {"x", "yz", ""}} {
		got, err := table.Strings(name)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	_, err = table.Floats("name")
	require.EqualError(t, err, "testdata/kinds.npz:1: column `name`: `a` is not a number\n  = help: numbers have a decimal point; a missing value is an empty cell or NaN")
}

func TestNPZRefuses(t *testing.T) {
	whole, err := os.ReadFile("testdata/kinds.npz")
	require.NoError(t, err)
	dir := t.TempDir()
	cut, empty := filepath.Join(dir, "cut.npz"), filepath.Join(dir, "empty.npz")
	require.NoError(t, os.WriteFile(cut, whole[:len(whole)/2], 0o600))
	require.NoError(t, os.WriteFile(empty, []byte("PK\x05\x06"+string(make([]byte, 18))), 0o600))
	for path, want := range map[string]string{
		"testdata/uneven.npz":  "column `y`: the array has 4 rows, `t` 3",
		"testdata/cube.npz":    "an array of this kind is not read",
		"testdata/complex.npz": "elements of the type `c16` are not read",
		cut:                    "no archive of NumPy arrays",
		empty:                  "there are no columns",
	} {
		_, err := ReadFile(path)
		require.ErrorContains(t, err, want)
	}
}

// An infinite number is a mistake of its cell, as in text.
func TestCells(t *testing.T) {
	c, err := NewCells("x", []string{"a", "b"})
	require.NoError(t, err)
	_, err = c.Table()
	require.EqualError(t, err, "x: the table has no rows")
	for _, v := range []float64{1.0 / 3, math.Inf(1)} {
		c.Number(v, 64)
		require.NoError(t, c.Text([]byte("x,\"y\"\n")))
		c.EndRow()
	}
	require.ErrorContains(t, c.Text([]byte{'a', 0}), "not text")
	table, err := c.Table()
	require.NoError(t, err)
	_, err = table.Floats("a")
	require.ErrorContains(t, err, "x:2: column `a`: `+Inf` is not a finite number")
	text, err := table.Strings("b")
	require.NoError(t, err)
	require.Equal(t, []string{"x,\"y\"", "x,\"y\""}, text)
	_, err = NewCells("x", []string{"a", "a"})
	require.ErrorContains(t, err, "two columns are named `a`")
}
