package main

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pinode/pinode/dsl"
	"github.com/pinode/pinode/internal/files"
)

// formattedJSON is a file that was looked at, and what it is in the one style.
type formattedJSON struct {
	File    string `json:"file"`
	Differs bool   `json:"differs"`
	Text    string `json:"text,omitempty"`
}

func (a *app) fmtCmd() *cobra.Command {
	var write, list, diff, check bool
	c := &cobra.Command{
		Use: "fmt FILE…", Short: "Print model files in the one style",
		Example: "  pinode fmt model.node\n  pinode fmt -w models/*.node\n  pinode fmt --check models/*.node",
		Args:    some,
		RunE: func(_ *cobra.Command, files []string) error {
			changed := false
			formatted := []formattedJSON{}
			for _, f := range files {
				src, err := source(f)
				if err != nil {
					return err
				}
				file, l := dsl.Parse(src)
				if err := l.Err(); err != nil {
					return err
				}
				text := dsl.Format(file)
				differs := !bytes.Equal(text, []byte(src.Text))
				changed = changed || differs
				if a.json && (!write || f == "-") {
					formatted = append(formatted, formattedJSON{f, differs, string(text)})
					continue
				}
				switch {
				case write && f != "-":
					formatted = append(formatted, formattedJSON{f, differs, ""})
					if differs {
						if err := a.output(f, func(w io.Writer) error { _, err := w.Write(text); return err }); err != nil {
							return err
						}
					}
				case (list || check) && differs:
					fmt.Fprintln(a.out, f)
				case diff && differs:
					fmt.Fprint(a.out, lineDiff(f, src.Text, string(text)))
				case !write && !list && !check && !diff:
					fmt.Fprint(a.out, string(text))
				}
			}
			if a.json {
				if err := writeJSON(a.out, map[string]any{"version": 1, "files": formatted}); err != nil {
					return err
				}
			}
			if check && changed {
				return &codeError{exitModel, ""}
			}
			return nil
		},
	}
	c.Flags().BoolVarP(&write, "write", "w", false, "write the files")
	c.Flags().BoolVarP(&list, "list", "l", false, "list the files that would change")
	c.Flags().BoolVarP(&diff, "diff", "d", false, "print what would change")
	c.Flags().BoolVar(&check, "check", false, "exit with 3 if a file would change")
	return c
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
func (a *app) output(path string, write func(io.Writer) error) error {
	if path == "" || path == "-" {
		return write(a.out)
	}
	return files.Stream(path, write)
}
