package main

import (
	"io"
	"os"

	"github.com/pinode/pinode/dsl/diag"
)

// source reads a file, or standard input for "-".
func source(path string) (*diag.Source, error) {
	if path == "-" {
		text, err := io.ReadAll(os.Stdin)
		return diag.NewSource("standard input", string(text)), err
	}
	text, err := os.ReadFile(path)
	return diag.NewSource(path, string(text)), err
}
