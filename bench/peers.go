package bench

import (
	"context"
	"embed"
	"errors"
	"io/fs"
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

// python runs scripts, each work once: they take seconds to start.
type python struct {
	looked bool
	path   string
	has    map[string]bool
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
	script := filepath.Join(l.dir, p.Package+"_peer.py")
	if _, err := os.Stat(script); errors.Is(err, fs.ErrNotExist) {
		text, err := scripts.ReadFile("peers/" + p.Package + "_peer.py")
		if err != nil {
			return nil, err
		}
		if err := os.WriteFile(script, text, 0o644); err != nil {
			return nil, err
		}
	}
	ns := 0.
	return func(ctx context.Context, _ time.Duration) (float64, error) {
		if ns > 0 {
			return ns, nil
		}
		line, err := runLine(ctx, l.python.path, script, p.Work)
		ns = line.Ns
		return ns, err
	}, nil
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
