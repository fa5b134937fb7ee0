// Command notices writes the licences of what is linked into cmd/pinode, on any of its systems,
// to a file: those of its modules and of the Go library. `go generate ./cmd/pinode` runs it.
package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: notices FILE")
		os.Exit(2)
	}
	if err := write(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// write writes the file.
func write(path string) error {
	var modules []string
	for _, system := range []string{"linux", "darwin", "windows"} {
		list := exec.Command("go", "list", "-e", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}}\t{{.Dir}}{{end}}{{end}}", "github.com/pinode/pinode/cmd/pinode")
		list.Env = append(os.Environ(), "GOOS="+system)
		list.Stderr = os.Stderr
		out, err := list.Output()
		if err != nil {
			return err
		}
		modules = append(modules, strings.Split(strings.TrimSpace(string(out)), "\n")...)
	}
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return err
	}
	slices.Sort(modules)
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	out := bufio.NewWriter(f)
	fmt.Fprintln(out, "pinode is under the Apache licence 2.0. What is linked into it is under the licences below.")
	for _, m := range append([]string{"the Go library\t" + strings.TrimSpace(string(root))}, slices.Compact(modules)...) {
		name, dir, _ := strings.Cut(m, "\t")
		fmt.Fprintf(out, "\n==== %s\n", name)
		found := false
		entries, err := os.ReadDir(dir)
		if err != nil {
			return err
		}
		for _, e := range entries {
			if !isNotice.MatchString(e.Name()) || e.IsDir() {
				continue
			}
			text, err := os.ReadFile(filepath.Join(dir, e.Name()))
			if err != nil {
				return err
			}
			found = true
			fmt.Fprintf(out, "\n%s\n", bytes.TrimSpace(bytes.ReplaceAll(text, []byte("\r"), nil)))
		}
		if !found {
			return fmt.Errorf("%s has no licence in %s", name, dir)
		}
	}
	return out.Flush()
}

// isNotice are the names of files that say under what conditions a module is.
var isNotice = regexp.MustCompile(`(?i)^(licen[cs]e|copying|notice)(\b|-|\.)`)
