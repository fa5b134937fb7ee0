package main

import (
	"bytes"
	"encoding/csv"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestReference: docs/reference.md is what the lists say today.
func TestReference(t *testing.T) {
	page, err := os.ReadFile("../reference.md")
	require.NoError(t, err)
	is, want := strings.Split(string(page), "\n"), strings.Split(reference(), "\n")
	for i := range max(len(is), len(want)) { // the first line that differs, and not two pages
		require.Equal(t, want[min(i, len(want)-1)], is[min(i, len(is)-1)], "line %d: run `go run ./docs/gen`", i+1)
	}
	require.Len(t, is, len(want), "run `go run ./docs/gen`")
}

// TestPictures: each picture of docs/events.md shows the curves of today's run
// of its model. The bytes of a picture may differ between machines: what is
// compared is the file of its curves, whose hash the picture carries.
func TestPictures(t *testing.T) {
	page, err := os.ReadFile("../events.md")
	require.NoError(t, err)
	there := map[string]bool{}
	for _, m := range block.FindAllSubmatch(page, -1) {
		picture := filepath.Join("..", string(m[2]))
		there[filepath.Base(picture)], there[filepath.Base(curvesPath(picture))] = true, true
		t.Run(filepath.Base(picture), func(t *testing.T) {
			c, err := newCurves("../events.md", string(m[1]))
			require.NoError(t, err)
			drawn, err := os.ReadFile(curvesPath(picture))
			require.NoError(t, err, "run `go run ./docs/gen`")
			requireSame(t, drawn, c.csv())
			image, err := os.ReadFile(picture)
			require.NoError(t, err)
			require.Contains(t, string(image), "tEXtcurves\x00"+hash(drawn), "the picture is not of %s: run `go run ./docs/gen`", curvesPath(picture))
		})
	}
	for _, pattern := range []string{"*.png", "*.csv"} {
		files, err := filepath.Glob(filepath.Join("..", "events", pattern))
		require.NoError(t, err)
		for _, f := range files {
			if base := filepath.Base(f); !there[base] {
				require.Contains(t, string(page), "events/"+base, "nothing on the page uses it")
			}
		}
	}
}

// requireSame compares tables of curves: names and numbers of rows exactly,
// values to what a picture shows.
func requireSame(t *testing.T, want, got []byte) {
	t.Helper()
	a, err := csv.NewReader(bytes.NewReader(want)).ReadAll()
	require.NoError(t, err)
	b, err := csv.NewReader(bytes.NewReader(got)).ReadAll()
	require.NoError(t, err)
	require.Equal(t, a[0], b[0])
	require.Len(t, b, len(a), "rows")
	for i := range a[1:] {
		for k, cell := range a[1+i] {
			x, err := strconv.ParseFloat(cell, 64)
			if err != nil {
				require.Equal(t, cell, b[1+i][k], "row %d", 1+i)
				continue
			}
			y, err := strconv.ParseFloat(b[1+i][k], 64)
			require.NoError(t, err)
			require.InDelta(t, x, y, 1e-5*math.Max(1, math.Abs(x)), "row %d, %s", 1+i, a[0][k])
		}
	}
}

// TestWithHash: a picture with the hash of its curves in it can still be read.
func TestWithHash(t *testing.T) {
	c, err := newCurves("page.md", "model M { state x = 1; x' = -x }\nsimulate { until: 1 }")
	require.NoError(t, err)
	plain, err := c.png()
	require.NoError(t, err)
	marked := withHash(plain, hash(c.csv()))
	was, err := png.Decode(bytes.NewReader(plain))
	require.NoError(t, err)
	is, err := png.Decode(bytes.NewReader(marked))
	require.NoError(t, err)
	require.Equal(t, was, is)
	require.Contains(t, string(marked), "tEXtcurves\x00"+hash(c.csv()))
}
