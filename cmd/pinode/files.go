package main

import (
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/pinode/pinode"
	"github.com/pinode/pinode/dsl/diag"
	"github.com/pinode/pinode/internal/files"
)

// source reads a file, or standard input for "-".
func source(path string) (*diag.Source, error) {
	if path == "-" {
		text, err := files.Bounded(os.Stdin, files.MaxText)
		if err != nil {
			err = &files.ReadError{Path: standardInput, Cause: err}
		}
		return diag.NewSource(standardInput, string(text)), err
	}
	text, err := files.Read(path, files.MaxText)
	return diag.NewSource(path, string(text)), err
}

// standardInput is what messages call the model that is read there.
const standardInput = "standard input"

// open reads and compiles a model.
func open(path, main string) (*pinode.Model, error) {
	src, err := source(path)
	if err != nil {
		return nil, err
	}
	return pinode.Parse(src.Name, src.Text, main)
}

// argument is the model on a command line.
func argument(m *pinode.Model) string {
	if m.Path() == standardInput {
		return "-"
	}
	return m.Path()
}

// separate refuses to write results over each other, or over what they are made of.
func separate(m *pinode.Model, results map[string]string) error {
	names := slices.Sorted(maps.Keys(results))
	names = slices.DeleteFunc(names, func(n string) bool { return results[n] == "" || results[n] == "-" })
	for i, n := range names {
		for _, other := range names[:i] {
			if same(results[n], results[other]) {
				return usageError("%s and %s are the same file, %s", other, n, results[n])
			}
		}
		for _, in := range m.Files() {
			if same(results[n], in) {
				return usageError("%s %s would write over %s, which the model is read from", n, results[n], in)
			}
		}
	}
	return nil
}

// same reports whether two paths lead to one regular file.
func same(a, b string) bool {
	sa, erra := os.Stat(a)
	sb, errb := os.Stat(b)
	if erra == nil && errb == nil {
		return sa.Mode().IsRegular() && os.SameFile(sa, sb)
	}
	return erra != nil && errb != nil && filepath.Clean(a) == filepath.Clean(b)
}
