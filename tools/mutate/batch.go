package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
)

// A batch is many faults in one build: each function has, before its own body,
// a copy for each of its faults, and runs that whose number is in a file, which
// also the programs see that tests start in an environment of their own. Faults
// outside of functions are built alone.

// selector is the file that is added to the package with faults.
const selector = `package %s

import (
	"os"
	"strconv"
	"sync"
)

var faultUnderTest, faultTrace = func() (int, *os.File) {
	text, _ := os.ReadFile(%q)
	n, _ := strconv.Atoi(string(text))
	trace, _ := os.OpenFile(%q, os.O_WRONLY|os.O_APPEND, 0)
	return n, trace
}()

var faultsReached sync.Map

func faultReached(n int) {
	if _, known := faultsReached.LoadOrStore(n, true); !known {
		faultTrace.WriteString(strconv.Itoa(n) + "\n")
	}
}
`

// batched tells whether the fault can be built with others.
func (f *Fault) batched() bool { return f.body != nil }

// weave is the text of a file with all the faults, numbered by their keys.
func weave(file string, text []byte, faults map[int]Fault) []byte {
	type copies struct {
		*body
		numbers []int
	}
	byBody := map[int]*copies{}
	for k, f := range faults {
		if byBody[f.body.from] == nil {
			byBody[f.body.from] = &copies{body: f.body}
		}
		byBody[f.body.from].numbers = append(byBody[f.body.from].numbers, k)
	}
	bodies := make([]*copies, 0, len(byBody))
	for _, c := range byBody {
		slices.Sort(c.numbers)
		bodies = append(bodies, c)
	}
	slices.SortFunc(bodies, func(a, b *copies) int { return cmp.Compare(a.from, b.from) })
	var out bytes.Buffer
	at := 0
	for _, c := range bodies {
		out.Write(text[at:c.from])
		at = c.from
		fmt.Fprintf(&out, " if faultTrace != nil { faultReached(%d) }", c.numbers[0])
		for _, k := range c.numbers {
			f := faults[k]
			// The compiler names the fault where its copy is not right.
			fmt.Fprintf(&out, "\n//line fault%d.go:1\nif faultUnderTest == %d {", k, k)
			if c.results != "" {
				out.WriteString("return ")
			}
			fmt.Fprintf(&out, "func() %s {", c.results)
			out.Write(text[c.from:f.from])
			out.WriteString(f.text)
			out.Write(text[f.to:c.to])
			out.WriteString("\n}()\n")
			if c.results == "" {
				out.WriteString("return\n")
			}
			out.WriteString("}\n")
		}
		fmt.Fprintf(&out, "//line %s:%d\n", filepath.Base(file), c.line)
	}
	out.Write(text[at:])
	return out.Bytes()
}

var faultLine = regexp.MustCompile(`fault(\d+)\.go:\d+`)

// weaveAll builds an overlay with the faults in dir, without those that do not
// compile, which become broken. It returns the overlay's file, or "" if no fault is left.
func (l *lab) weaveAll(ctx context.Context, dir string, t *task, faults map[int]Fault, broke func(k int)) (string, error) {
	overlay := filepath.Join(dir, "overlay.json")
	for len(faults) > 0 {
		byFile := map[string]map[int]Fault{}
		for k, f := range faults {
			if byFile[f.File] == nil {
				byFile[f.File] = map[int]Fault{}
			}
			byFile[f.File][k] = f
		}
		replace := map[string]string{}
		add := func(name string, text []byte) error {
			changed := filepath.Join(dir, filepath.Base(name))
			replace[filepath.Join(l.root, filepath.FromSlash(name))] = changed
			return os.WriteFile(changed, text, 0o600)
		}
		for file, some := range byFile {
			if err := add(file, weave(file, t.texts[file], some)); err != nil {
				return "", err
			}
		}
		if err := add(name(t.pkg)+"/fault_under_test_selector.go", fmt.Appendf(nil, selector, t.pkg.Name, l.number(), l.reached())); err != nil {
			return "", err
		}
		data, err := json.Marshal(map[string]any{"Replace": replace})
		if err != nil {
			return "", err
		}
		if err := os.WriteFile(overlay, data, 0o600); err != nil {
			return "", err
		}
		cmd := exec.CommandContext(ctx, "go", "build", "-gcflags=-e", "-overlay", overlay, t.pkg.ImportPath)
		cmd.Dir = l.root
		out, err := cmd.CombinedOutput()
		if err == nil {
			return overlay, nil
		}
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		wrong := faultLine.FindAllSubmatch(out, -1)
		if len(wrong) == 0 {
			return "", fmt.Errorf("the faults of %s cannot be built together: %w\n%s", t.pkg.ImportPath, err, out)
		}
		for _, m := range wrong {
			k, err := strconv.Atoi(string(m[1]))
			if err != nil {
				return "", err
			}
			if _, ok := faults[k]; ok {
				delete(faults, k)
				broke(k)
			}
		}
	}
	return "", nil
}

// woven builds tests with faults, and finds which of them come by which.
func (l *lab) woven(ctx context.Context, s *tests, overlay, binary string, faults map[int]Fault) (map[int][]*group, error) {
	ok, out, err := l.build(ctx, s, overlay, binary)
	if err == nil && !ok {
		err = fmt.Errorf("the tests of %s cannot be built with faults:\n%s", s.name, out)
	}
	if err != nil {
		return nil, err
	}
	return l.trace(ctx, s, binary, faults)
}
