package bench

import (
	"bufio"
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

//go:embed peers/*.py
var scripts embed.FS

// Peer is a baseline in Python: one work of a script, which needs a package.
type Peer struct {
	Name    string
	Package string // and the name of its script
	Work    string
}

func (p *Peer) name() string { return p.Name }

func torchdiffeq(name, work string) *Peer { return &Peer{name, "torchdiffeq", work} }

// python runs scripts, which take seconds to start.
type python struct {
	looked  bool
	path    string
	has     map[string]bool
	working []*turns
}

// look finds a Python, the one that PINODE_BENCH_PYTHON names if it is set.
func (y *python) look() {
	if y.looked {
		return
	}
	y.looked, y.has = true, map[string]bool{}
	for _, name := range []string{os.Getenv("PINODE_BENCH_PYTHON"), "python3", "python"} {
		if name == "" {
			continue
		}
		if path, err := exec.LookPath(name); err == nil {
			y.path = path
			return
		}
	}
}

// importable reports whether a package can be imported.
func (y *python) importable(ctx context.Context, pkg string) bool {
	has, known := y.has[pkg]
	if !known {
		has = exec.CommandContext(ctx, y.path, "-c", "import "+pkg).Run() == nil
		y.has[pkg] = has
	}
	return has
}

func (p *Peer) sampler(ctx context.Context, l *Lab) (sampler, error) {
	if l.Quick {
		return nil, unavailable("not in a quick run")
	}
	l.python.look()
	if l.python.path == "" {
		return nil, unavailable("no Python")
	}
	if !l.python.importable(ctx, p.Package) {
		return nil, unavailable("Python has no %s", p.Package)
	}
	if err := l.writeScripts(); err != nil {
		return nil, err
	}
	t, spent, best := &turns{}, time.Duration(0), math.Inf(1)
	l.python.working = append(l.python.working, t)
	return func(ctx context.Context, budget time.Duration) (float64, error) {
		if spent > longest { // it takes seconds each time
			return best, nil
		}
		start := time.Now()
		line, err := t.take(ctx, budget, l.python.path, filepath.Join(l.dir, p.Package+"_peer.py"), p.Work)
		spent += time.Since(start)
		best = min(best, line.Ns)
		return best, err
	}, nil
}

// longest is the time from which on a script has no further turns.
const longest = 20 * time.Second

// writeScripts copies the scripts to the lab's folder.
func (l *Lab) writeScripts() error {
	list, err := fs.Glob(scripts, "peers/*.py")
	for _, name := range list {
		text, err := scripts.ReadFile(name)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(l.dir, filepath.Base(name)), text, 0o644); err != nil {
			return err
		}
	}
	return err
}

// turns is a script at work, started by its first turn: it works for as long as each line says
// that it is given, and prints one.
type turns struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Reader
	errors bytes.Buffer
}

// take is one turn.
func (t *turns) take(ctx context.Context, budget time.Duration, exe string, args ...string) (line Line, err error) {
	if t.cmd == nil {
		t.cmd = exec.CommandContext(ctx, exe, args...)
		t.cmd.Stderr, t.cmd.WaitDelay = &t.errors, time.Second
		if t.in, err = t.cmd.StdinPipe(); err != nil {
			return line, err
		}
		out, err := t.cmd.StdoutPipe()
		if err != nil {
			return line, err
		}
		t.out = bufio.NewReader(out)
		if err := t.cmd.Start(); err != nil {
			return line, err
		}
	}
	_, err = fmt.Fprintf(t.in, "%g\n", budget.Seconds())
	if err == nil {
		var text []byte
		if text, err = t.out.ReadBytes('\n'); err == nil {
			err = json.Unmarshal(text, &line)
		}
	}
	if err != nil {
		err = errors.Join(err, t.end())
		return line, childError(ctx, exe, err, t.errors.String())
	}
	return line, nil
}

// end lets the script end.
func (t *turns) end() error {
	if t.cmd == nil || t.cmd.Process == nil {
		return nil
	}
	_ = t.in.Close()
	_, _ = io.Copy(io.Discard, t.out)
	err := t.cmd.Wait()
	t.cmd = nil
	return err
}

// rest ends the scripts that are at work.
func (y *python) rest() {
	for _, t := range y.working {
		_ = t.end() // it has said what is to be known
	}
	y.working = nil
}

// versions are those of Python and of the packages that it has.
func (y *python) versions(ctx context.Context) string {
	if y.look(); y.path == "" {
		return ""
	}
	const script = `
import importlib.metadata as m, platform
out = ["Python " + platform.python_version()]
for p in ("torch", "torchdiffeq", "jax", "diffrax", "numba"):
    try:
        out.append(p + " " + m.version(p))
    except m.PackageNotFoundError:
        pass
print(", ".join(out))`
	out, err := exec.CommandContext(ctx, y.path, "-c", script).Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}
