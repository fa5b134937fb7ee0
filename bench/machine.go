package bench

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"time"
)

// Machine is where and with what a run was measured.
type Machine struct {
	Date     string `json:"date"`
	CPU      string `json:"cpu"`
	Cores    int    `json:"cores"`
	System   string `json:"system"`
	Go       string `json:"go"`
	Compiler string `json:"compiler"` // of the programs in C; "": none
	Python   string `json:"python"`   // with the versions of its packages; "": none
}

// Machine describes the machine that the lab is on.
func (l *Lab) Machine(ctx context.Context) Machine {
	l.native.look(ctx)
	m := Machine{
		Date: time.Now().UTC().Format(time.DateOnly), CPU: "unknown processor", Cores: runtime.NumCPU(),
		System: runtime.GOOS + "/" + runtime.GOARCH, Go: runtime.Version(), Compiler: l.native.version,
	}
	if info, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		if name := cpuModel(string(info)); name != "" {
			m.CPU = name
		}
	}
	if !l.Quick {
		m.Python = l.python.versions(ctx)
	}
	return m
}

// Page writes the page that bench/README.md is; without tables it has the rows
// alone.
func Page(w io.Writer, m Machine, results []Result, tables []Table) {
	fmt.Fprint(w, `# How fast pinode is

Every row is work done through the public API, next to the same work done by others on the same machine in the same run:
small programs in C with the same method, rules of step control and tolerances (`+"`bench/c`"+`), CVODE of SUNDIALS, and
Python packages on one thread (`+"`bench/peers`"+`). Times are the least of several rounds in which pinode and its baselines take
turns; see the comment of package `+"`bench`"+`. A ratio is the time over that of the first baseline named on the right.

`)
	fmt.Fprintf(w, "Measured on %s: %s, %d cores, %s.\n", m.Date, m.CPU, m.Cores, strings.Join(present(m.System, m.Go, m.Compiler, m.Python), ", "))
	fmt.Fprint(w, `
A baseline that a machine lacks is left out: programs in C need `+"`gcc` or another compiler, CVODE `libsundials-dev`"+`, and the
scripts a Python with torchdiffeq, diffrax and numba, which `+"`PINODE_BENCH_PYTHON`"+` may name.
`)
	fmt.Fprint(w, `
This page is the output of `+"`pinode bench --markdown`; `bench/baseline.txt`"+` is that of
`+"`go test -run '^$' -bench . -benchtime 1x -count 6 ./bench`"+` on the same machine, for benchstat.

`)
	Markdown(w, results)
	fmt.Fprint(w, "\n## Where the time goes\n\n")
	for _, r := range results {
		if r.Row.Why != "" {
			fmt.Fprintf(w, "- `%s`: %s\n", r.Row.Name, r.Row.Why)
		}
	}
	if len(tables) == 0 {
		return
	}
	fmt.Fprint(w, compared, `
## How cost grows

The power is the slope of log cost against log size, by least squares over the upper half of the sizes. One core unless a
table is by workers.
`)
	for i := range tables {
		tables[i].Markdown(w)
	}
}

func present(parts ...string) []string {
	var out []string
	for _, p := range parts {
		if p != "" {
			out = append(out, p)
		}
	}
	return out
}
