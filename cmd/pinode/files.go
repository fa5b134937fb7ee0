package main

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/pinode/pinode"
)

// replaceFile writes a file beside its place and renames it there, so that it
// is never half-written.
func replaceFile(path string, text []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".pinode-*")
	if err != nil {
		var at *os.PathError // names the file beside
		if errors.As(err, &at) {
			err = at.Err
		}
		return fmt.Errorf("%s cannot be written: %w", path, err)
	}
	defer os.Remove(f.Name())
	if _, err := f.Write(text); err != nil {
		f.Close()
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	if err := os.Chmod(f.Name(), 0o644); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

func number(v float64) string {
	if math.IsNaN(v) {
		return ""
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}

// table is a CSV file in the making.
type table struct {
	buf bytes.Buffer
	w   *csv.Writer
}

func newTable(header ...string) *table {
	t := &table{}
	t.w = csv.NewWriter(&t.buf)
	_ = t.w.Write(header)
	return t
}

func (t *table) row(cells ...string) { _ = t.w.Write(cells) }

func (t *table) bytes() []byte {
	t.w.Flush()
	return t.buf.Bytes()
}

// trajectoriesTable is trajectories.csv.
func trajectoriesTable(columns []string, each func(row func(name string, t float64, values []float64))) []byte {
	t := newTable(append([]string{"trajectory", "t"}, columns...)...)
	each(func(name string, time float64, values []float64) {
		cells := make([]string, 0, len(values)+2)
		cells = append(cells, name, number(time))
		for _, v := range values {
			cells = append(cells, number(v))
		}
		t.row(cells...)
	})
	return t.bytes()
}

// eventsTable is events.csv. The last column has the term of the model along whose
// surface a solution begins (`slide`) or ceases (`slide end`) to slide.
func eventsTable(states []string, each func(row func(name string, e pinode.Event))) []byte {
	header := []string{"trajectory", "event", "t", "k"}
	for _, s := range states {
		header = append(header, s+"_before")
	}
	for _, s := range states {
		header = append(header, s+"_after")
	}
	t := newTable(append(header, "guard_rate", "transversality", "surface")...)
	each(func(name string, e pinode.Event) {
		label := e.Name
		if e.Rest {
			label += " (rest)"
		}
		cells := []string{name, label, number(e.Time), strconv.Itoa(e.K)}
		for _, list := range [][]float64{e.Before, e.After} {
			for _, v := range list {
				cells = append(cells, number(v))
			}
		}
		t.row(append(cells, number(e.Rate), number(e.Transversality), e.Surface)...)
	})
	return t.bytes()
}

// lineDiff lists the lines that differ with their numbers, old ones with -, new
// ones with +.
func lineDiff(name, before, after string) string {
	a, b := strings.Split(before, "\n"), strings.Split(after, "\n")
	// The longest common subsequence; files are short.
	n, m := len(a), len(b)
	if n*m > 4_000_000 {
		return fmt.Sprintf("%s would change\n", name)
	}
	lcs := make([][]int, n+1)
	for i := range lcs {
		lcs[i] = make([]int, m+1)
	}
	for i := n - 1; i >= 0; i-- {
		for j := m - 1; j >= 0; j-- {
			if a[i] == b[j] {
				lcs[i][j] = lcs[i+1][j+1] + 1
			} else {
				lcs[i][j] = max(lcs[i+1][j], lcs[i][j+1])
			}
		}
	}
	var w strings.Builder
	fmt.Fprintf(&w, "--- %s\n+++ %s, formatted\n", name, name)
	i, j := 0, 0
	for i < n || j < m {
		switch {
		case i < n && j < m && a[i] == b[j]:
			i, j = i+1, j+1
		case j >= m || i < n && lcs[i+1][j] >= lcs[i][j+1]:
			fmt.Fprintf(&w, "%d -%s\n", i+1, a[i])
			i++
		default:
			fmt.Fprintf(&w, "%d +%s\n", j+1, b[j])
			j++
		}
	}
	return w.String()
}

// output is where results go: a file, written beside and renamed, or standard
// output for "-" and nothing.
func (a *app) output(path string, text []byte) error {
	if path == "" || path == "-" {
		_, err := io.Copy(a.out, bytes.NewReader(text))
		return err
	}
	return replaceFile(path, text)
}
