package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Outcomes of a fault.
const (
	seen       = "seen"       // a test failed
	late       = "late"       // a test took too long, or too much memory
	survived   = "survived"   // every test passed
	equivalent = "equivalent" // on the list of those that change nothing
	broken     = "broken"     // does not compile
)

// Result is what became of a fault.
type Result struct {
	Fault
	Outcome string  `json:"outcome"`
	By      string  `json:"by,omitempty"`     // the tests that saw it
	Test    string  `json:"test,omitempty"`   // the first that failed
	Reason  string  `json:"reason,omitempty"` // why it is equivalent
	Seconds float64 `json:"seconds"`
}

// pkg is a package of the module as `go list` tells.
type pkg struct {
	Dir          string
	ImportPath   string
	Name         string
	GoFiles      []string
	TestImports  []string
	XTestImports []string
	Module       struct{ Path, Dir string }
}

// list asks the go command for the packages of some patterns, in dir.
func list(dir string, patterns ...string) ([]pkg, error) {
	cmd := exec.Command("go", append([]string{"list", "-json=Dir,ImportPath,Name,GoFiles,TestImports,XTestImports,Module"}, patterns...)...)
	cmd.Dir = dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w\n%s", err, stderr.Bytes())
	}
	var pkgs []pkg
	for dec := json.NewDecoder(bytes.NewReader(out)); dec.More(); {
		var p pkg
		if err := dec.Decode(&p); err != nil {
			return nil, err
		}
		pkgs = append(pkgs, p)
	}
	return pkgs, nil
}

// tests are the tests of one package, and how long they take without a fault.
type tests struct {
	pkg
	name  string // for tables
	run   string // -test.run
	short bool
	took  time.Duration
	// groups are its tests by the time that they take.
	groups []*group
}

// flags of the test binary.
func (s *tests) flags(run string, limit time.Duration) []string {
	flags := []string{"-test.failfast", "-test.timeout=" + limit.String()}
	if run != "" {
		flags = append(flags, "-test.run="+run)
	}
	if s.short {
		flags = append(flags, "-test.short")
	}
	if slices.Contains(append(slices.Clone(s.TestImports), s.XTestImports...), "pgregory.net/rapid") {
		// No files with what failed, and no search for a smaller example.
		flags = append(flags, "-rapid.nofailfile", "-rapid.shrinktime=1ms")
	}
	return flags
}

// lab puts faults in and runs tests.
type lab struct {
	root   string // of the module
	temp   string
	memory int // most gigabytes of address space of a test, 0 for no limit
	least  time.Duration
	log    io.Writer
	budget time.Duration // of the tests of one package, as long as they take without a fault; 0 for no limit
}

// number is the file with the number, from 1, of the fault that is switched on.
func (l *lab) number() string { return filepath.Join(l.temp, "fault") }

// build makes the test binary, with the overlay unless it is empty. ok tells
// whether it compiles.
func (l *lab) build(ctx context.Context, s *tests, overlay, binary string) (ok bool, output string, err error) {
	args := []string{"test", "-c", "-vet=off", "-o", binary}
	if overlay != "" {
		args = append(args, "-overlay", overlay)
	}
	cmd := exec.CommandContext(ctx, "go", append(args, s.ImportPath)...)
	cmd.Dir = l.root
	out, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		return false, "", ctx.Err()
	}
	if _, failed := err.(*exec.ExitError); failed {
		return false, string(out), nil
	}
	return err == nil, string(out), err
}

// try runs some tests of a binary with a fault switched on, 0 for none, for at most the limit.
func (l *lab) try(ctx context.Context, s *tests, binary string, fault int, run string, limit time.Duration, flags ...string) (passed, intime bool, output string, err error) {
	if _, err := os.Stat(binary); os.IsNotExist(err) { // a package without tests
		return true, true, "", nil
	}
	if err := os.WriteFile(l.number(), []byte(strconv.Itoa(fault)), 0o600); err != nil {
		return false, false, "", err
	}
	bounded, cancel := context.WithTimeout(ctx, limit+5*time.Second)
	defer cancel()
	args := append([]string{binary}, append(s.flags(run, limit), flags...)...)
	if sh, err := exec.LookPath("sh"); err == nil && l.memory > 0 {
		args = append([]string{sh, "-c", `ulimit -v "$1"; shift; exec "$@"`, "sh", strconv.Itoa(l.memory << 20)}, args...)
	}
	cmd := exec.CommandContext(bounded, args[0], args[1:]...)
	cmd.Dir = s.Dir
	cmd.WaitDelay = time.Second
	grouped(cmd)
	out, err := cmd.CombinedOutput()
	_ = endGroup(cmd) // there may be nothing left
	text := string(out)
	switch {
	case ctx.Err() != nil:
		return false, false, "", ctx.Err()
	case bounded.Err() != nil, strings.Contains(text, "panic: test timed out"), strings.Contains(text, "fatal error: runtime: out of memory"):
		return false, false, text, nil
	case err == nil:
		return true, true, text, nil
	}
	return false, true, text, nil
}

// baseline runs tests without a fault: they must pass, and their times set the
// limits of the runs with one.
func (l *lab) baseline(ctx context.Context, s *tests) error {
	binary := filepath.Join(l.temp, "baseline.test")
	ok, out, err := l.build(ctx, s, "", binary)
	if err != nil {
		return err
	}
	if !ok {
		return fmt.Errorf("the tests of %s do not compile:\n%s", s.name, out)
	}
	start := time.Now()
	passed, _, out, err := l.try(ctx, s, binary, 0, s.run, time.Hour, "-test.v")
	s.took, s.groups = time.Since(start), groupsOf(out)
	os.Remove(binary)
	if err == nil && !passed {
		err = fmt.Errorf("the tests of %s fail without a fault:\n%s", s.name, out)
	}
	return err
}

// limit is how long tests may take with a fault in the code.
func (l *lab) limit(took time.Duration) time.Duration { return max(l.least, 6*took) }

// alone makes an overlay with one fault.
func (l *lab) alone(dir string, f Fault, text []byte) (overlay string, err error) {
	changed, overlay := filepath.Join(dir, "changed.go"), filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(changed, f.apply(text), 0o600); err != nil {
		return "", err
	}
	replace, err := json.Marshal(map[string]any{"Replace": map[string]string{filepath.Join(l.root, filepath.FromSlash(f.File)): changed}})
	if err != nil {
		return "", err
	}
	return overlay, os.WriteFile(overlay, replace, 0o600)
}

// examineAlone builds the tests, one package after another, with the fault in
// place and runs them until one sees it.
func (l *lab) examineAlone(ctx context.Context, f Fault, text []byte, suites []*tests) (Result, error) {
	res := Result{Fault: f}
	dir, err := os.MkdirTemp(l.temp, "fault")
	if err != nil {
		return res, err
	}
	defer os.RemoveAll(dir)
	overlay, err := l.alone(dir, f, text)
	if err != nil {
		return res, err
	}
	return l.examine(ctx, res, suites, 0, func(i int) (string, []*group, bool, error) {
		binary := filepath.Join(dir, fmt.Sprintf("fault%d.test", i))
		ok, _, err := l.build(ctx, suites[i], overlay, binary)
		return binary, []*group{{run: suites[i].run, took: suites[i].took}}, ok, err
	})
}

// examine runs the tests, one package after another, until one sees the fault.
// binary is the test binary of a package, the groups that come by the fault, and
// whether it compiles.
func (l *lab) examine(ctx context.Context, res Result, suites []*tests, number int, binary func(i int) (string, []*group, bool, error)) (Result, error) {
	start := time.Now()
	for i, s := range suites {
		file, groups, ok, err := binary(i)
		if err != nil {
			return res, err
		}
		if !ok {
			res.Outcome = broken
			return res, nil
		}
		for _, g := range within(groups, l.budget) {
			passed, intime, out, err := l.try(ctx, s, file, number, g.run, l.limit(g.took))
			if err != nil {
				return res, err
			}
			if passed {
				continue
			}
			res.By, res.Test, res.Outcome, res.Seconds = s.name, firstFailure(out), seen, time.Since(start).Seconds()
			if !intime {
				res.Outcome = late
			}
			return res, nil
		}
	}
	res.Outcome, res.Seconds = survived, time.Since(start).Seconds()
	return res, nil
}

// firstFailure is the name of the first test that the output calls failed.
func firstFailure(out string) string {
	for line := range strings.Lines(out) {
		if rest, ok := strings.CutPrefix(strings.TrimSpace(line), "--- FAIL: "); ok {
			return strings.Fields(rest)[0]
		}
	}
	return ""
}
