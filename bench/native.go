package bench

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"
)

//go:embed c/*.c c/*.h
var sources embed.FS

// Baseline is somebody else's program for the same work.
type Baseline interface {
	name() string
	sampler(ctx context.Context, l *Lab) (sampler, error)
}

// Native is a baseline in C.
type Native struct {
	Name   string // as it is shown
	Source string
	Define []string
	Libs   []string
}

// cvodeLibs are the libraries of SUNDIALS that cvode.c needs.
var cvodeLibs = []string{"sundials_cvode", "sundials_nvecserial", "sundials_sunmatrixdense", "sundials_sunlinsoldense", "sundials_sunnonlinsolfixedpoint"}

func c(name, source string, define ...string) *Native {
	return &Native{Name: name, Source: source, Define: define}
}

func cvode(problem string, define ...string) *Native {
	return &Native{Name: "CVODE", Source: "cvode.c", Define: append([]string{problem}, define...), Libs: cvodeLibs}
}

// cvodes is the gradient of a problem by CVODES.
func cvodes() *Native {
	libs := append([]string{"sundials_cvodes"}, cvodeLibs[1:]...)
	return &Native{Name: "CVODES", Source: "cvodes.c", Libs: libs}
}

func (n *Native) name() string { return n.Name }

// Line is what a baseline prints.
type Line struct {
	Name   string    `json:"name"`
	Ns     float64   `json:"ns"`
	Steps  int       `json:"steps"`
	Result []float64 `json:"result"`
}

func (n *Native) sampler(ctx context.Context, l *Lab) (sampler, error) {
	exe, err := l.native.build(ctx, l, n)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, budget time.Duration) (float64, error) {
		line, err := runLine(ctx, exe, strconv.FormatInt(budget.Milliseconds(), 10))
		return line.Ns, err
	}, nil
}

// Pair is a baseline in C that runs twice at once: the time is that of one run
// if both cores shared it. It tells what two cores of the machine can do.
type Pair struct{ *Native }

func (p *Pair) name() string { return p.Name + " on two cores" }

func (p *Pair) sampler(ctx context.Context, l *Lab) (sampler, error) {
	if runtime.GOMAXPROCS(0) < 2 {
		return nil, unavailable("needs 2 cores")
	}
	one, err := p.Native.sampler(ctx, l)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, budget time.Duration) (float64, error) {
		var ns [2]float64
		var errs [2]error
		var wg sync.WaitGroup
		for i := range ns {
			wg.Go(func() { ns[i], errs[i] = one(ctx, budget) })
		}
		wg.Wait()
		return 1 / (1/ns[0] + 1/ns[1]), errors.Join(errs[:]...)
	}, nil
}

// runLine runs a baseline and reads the line that it prints.
func runLine(ctx context.Context, exe string, args ...string) (Line, error) {
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(ctx, exe, args...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	cmd.WaitDelay = time.Second
	if err := cmd.Run(); err != nil {
		return Line{}, childError(ctx, exe, err, errs.String())
	}
	var line Line
	if err := json.Unmarshal([]byte(lastLine(out.String())), &line); err != nil {
		return Line{}, fmt.Errorf("%s printed no line of results: %w", filepath.Base(exe), err)
	}
	return line, nil
}

// childError says how a process failed. A terminal interrupts us and our
// children alike, and a child may end before ctx does: it is waited for a
// moment, so that the interrupt is not taken for a failure.
func childError(ctx context.Context, exe string, err error, said string) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(100 * time.Millisecond):
		return fmt.Errorf("%s: %w: %s", filepath.Base(exe), err, lastLine(said))
	}
}

func lastLine(s string) string {
	s = strings.TrimSpace(s)
	return s[strings.LastIndexByte(s, '\n')+1:]
}

// compiler builds programs in C, once, in the user's cache.
type compiler struct {
	looked  bool
	path    string // "": there is none
	version string
}

// targets are the options for the machine at hand, tried in turn: compilers
// for other processors know other names.
var targets = []string{"-march=native", "-mcpu=native", ""}

func (c *compiler) look(ctx context.Context) {
	if c.looked {
		return
	}
	c.looked = true
	for _, name := range []string{os.Getenv("CC"), "gcc", "cc", "clang"} {
		if name == "" {
			continue
		}
		path, err := exec.LookPath(name)
		if err != nil {
			continue
		}
		out, err := exec.CommandContext(ctx, path, "--version").Output()
		if err != nil {
			continue
		}
		c.version, _, _ = strings.Cut(string(out), "\n")
		c.path = path
		return
	}
}

// build compiles a program unless the cache has it.
func (c *compiler) build(ctx context.Context, l *Lab, n *Native) (string, error) {
	if c.look(ctx); c.path == "" {
		return "", unavailable("no C compiler")
	}
	key := sha256.New()
	fmt.Fprintln(key, c.path, c.version, n.Source, n.Define, n.Libs, targets)
	if info, err := os.ReadFile("/proc/cpuinfo"); err == nil { // what -march=native means
		fmt.Fprintln(key, cpuModel(string(info)))
	}
	names, err := fs.Glob(sources, "c/*")
	if err != nil {
		return "", err
	}
	for _, name := range names {
		text, err := sources.ReadFile(name)
		if err != nil {
			return "", err
		}
		key.Write(text)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = l.dir
	}
	dir := filepath.Join(cache, "pinode", "bench")
	if os.MkdirAll(dir, 0o755) != nil {
		dir = l.dir
	}
	base := strings.TrimSuffix(n.Source, ".c")
	exe := filepath.Join(dir, fmt.Sprintf("%s-%s.exe", base, hex.EncodeToString(key.Sum(nil))[:16]))
	if _, err := os.Stat(exe); err == nil {
		return exe, nil
	}
	src := filepath.Join(l.dir, "c")
	if err := writeAll(src, names); err != nil {
		return "", err
	}
	// Beside it and renamed, so that two runs at once do not meet.
	next := filepath.Join(dir, filepath.Base(l.dir)+"-"+base+".exe")
	var said bytes.Buffer
	for _, target := range targets {
		args := []string{"-std=gnu11", "-O3"}
		if target != "" {
			args = append(args, target)
		}
		for _, d := range n.Define {
			args = append(args, "-D"+d)
		}
		args = append(args, filepath.Join(src, n.Source), "-o", next)
		for _, lib := range n.Libs {
			args = append(args, "-l"+lib)
		}
		said.Reset()
		cmd := exec.CommandContext(ctx, c.path, append(args, "-lm")...)
		cmd.Stderr = &said
		if err = cmd.Run(); err == nil {
			return exe, os.Rename(next, exe)
		}
	}
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	if len(n.Libs) > 0 { // most likely it is not installed
		return "", unavailable("%s does not build here; is it installed (libsundials-dev)?", n.Name)
	}
	return "", fmt.Errorf("%s: %w\n%s", n.Source, err, said.String())
}

// writeAll writes embedded files to a folder.
func writeAll(dir string, names []string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, name := range names {
		text, err := sources.ReadFile(name)
		if err != nil {
			return err
		}
		to := filepath.Join(dir, filepath.Base(name))
		if _, err := os.Stat(to); errors.Is(err, fs.ErrNotExist) {
			if err := os.WriteFile(to, text, 0o644); err != nil {
				return err
			}
		}
	}
	return nil
}

// cpuModel is the name of the processor in the text of /proc/cpuinfo.
func cpuModel(info string) string {
	for line := range strings.Lines(info) {
		if key, v, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == "model name" {
			return strings.TrimSpace(v)
		}
	}
	return ""
}
