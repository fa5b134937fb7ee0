package bench

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// process samples whole processes of a command; args are those of the next.
func process(exe string, args func() []string) sampler {
	return func(ctx context.Context, budget time.Duration) (float64, error) {
		start := time.Now()
		best := math.Inf(1)
		for {
			took, err := spawn(ctx, exe, args()...)
			if err != nil {
				return 0, err
			}
			best = min(best, float64(took.Nanoseconds()))
			if time.Since(start) > budget {
				return best, nil
			}
		}
	}
}

// spawn runs a process and tells how long it took.
func spawn(ctx context.Context, exe string, args ...string) (time.Duration, error) {
	var errs bytes.Buffer
	cmd := exec.CommandContext(ctx, exe, args...)
	cmd.Stderr = &errs
	start := time.Now()
	if err := cmd.Run(); err != nil {
		return 0, childError(ctx, exe, err, errs.String())
	}
	return time.Since(start), nil
}

// peak runs a process and tells how many bytes it held at most. What the
// system reports of a process that has ended will not do: on Linux it counts
// its parent's memory too. So this looks again and again while it runs.
func peak(ctx context.Context, exe string, args ...string) (float64, error) {
	cmd := exec.CommandContext(ctx, exe, args...)
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	most, status := 0., fmt.Sprintf("/proc/%d/status", cmd.Process.Pid)
	for {
		select {
		case err := <-ended:
			return most, err
		case <-time.After(100 * time.Microsecond):
			if text, err := os.ReadFile(status); err == nil {
				most = max(most, peakOf(string(text)))
			}
		}
	}
}

// peakOf reads the peak of resident memory in the text of /proc/PID/status,
// in bytes.
func peakOf(status string) float64 {
	for line := range strings.Lines(status) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kb, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 64)
			if err == nil {
				return kb * 1024
			}
		}
	}
	return 0
}

// command is the pinode command on a bundled model in the lab's folder.
func (l *Lab) command(name, table string) (file string, err error) {
	if l.Exe == "" {
		return "", unavailable("needs the pinode command")
	}
	text, err := model(name)
	if err != nil {
		return "", err
	}
	file = filepath.Join(l.dir, name+".node")
	if err := os.WriteFile(filepath.Join(l.dir, name+".csv"), []byte(table), 0o644); err != nil {
		return "", err
	}
	return file, os.WriteFile(file, []byte(text), 0o644)
}

// fitProcess is a whole run of `pinode fit`.
func fitProcess(name string, table func() string) Timer {
	return func(l *Lab) (sampler, error) {
		file, err := l.command(name, table())
		if err != nil {
			return nil, err
		}
		return process(l.Exe, func() []string {
			l.fits++ // a fit writes to a folder that there is not yet
			return []string{"fit", file, "--quiet", "--out", filepath.Join(l.dir, fmt.Sprint("fit-", l.fits))}
		}), nil
	}
}

// startArgs are those of a process that does next to nothing after its first
// step.
func startArgs(l *Lab, file string) []string {
	return []string{"simulate", file, "--set", "simulate.times=1e-9", "--quiet", "--out", filepath.Join(l.dir, "first.csv")}
}

// firstStep is the start of a process up to its first step in time.
func firstStep(l *Lab) (sampler, error) {
	file, err := l.command("lotka", lotkaUntil(10)())
	if err != nil {
		return nil, err
	}
	return process(l.Exe, func() []string { return startArgs(l, file) }), nil
}

// firstMemory is the memory of such a process, in megabytes.
func firstMemory(ctx context.Context, l *Lab) (float64, error) {
	file, err := l.command("lotka", lotkaUntil(10)())
	if err != nil {
		return 0, err
	}
	least := math.Inf(1)
	for range 3 {
		bytes, err := peak(ctx, l.Exe, startArgs(l, file)...)
		if err != nil {
			return 0, err
		}
		if bytes == 0 {
			return 0, unavailable("this system does not tell the memory of a running process")
		}
		least = min(least, bytes/1e6)
	}
	return least, nil
}

// Bare is the process of a baseline in C that ends at once.
type Bare struct{ *Native }

func (b *Bare) sampler(ctx context.Context, l *Lab) (sampler, error) {
	exe, err := l.native.build(ctx, l, b.Native)
	if err != nil {
		return nil, err
	}
	return process(exe, func() []string { return []string{"0"} }), nil
}
