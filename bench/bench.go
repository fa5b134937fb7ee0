package bench

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// Row is one thing that is measured. Its value is to be at most Bar times its
// baseline, or, without a baseline, at most Bar in its unit; at least, where
// More is set.
type Row struct {
	Name, Doc string
	Unit      string
	Bar       float64
	More      bool
	Baseline  string // what the baseline is; empty: none
	Run       func(repeats int) (value, baseline float64, err error)
}

// Result is a row with its measurement.
type Result struct {
	Name     string  `json:"name"`
	Value    float64 `json:"value"`
	Unit     string  `json:"unit"`
	Baseline float64 `json:"baseline,omitempty"`
	Against  string  `json:"against,omitempty"`
	Ratio    float64 `json:"ratio"` // to the baseline, or to the bar
	Bar      float64 `json:"bar"`
	Holds    bool    `json:"holds"`
	Note     string  `json:"note,omitempty"` // why there is no measurement
}

// Measure runs the row. A baseline that cannot be had here is a note.
func (r *Row) Measure(repeats int) (Result, error) {
	out := Result{Name: r.Name, Unit: r.Unit, Bar: r.Bar, Against: r.Baseline}
	v, b, err := r.Run(repeats)
	if note := (*missing)(nil); asMissing(err, &note) {
		out.Value, out.Note = v, note.text
		return out, nil
	}
	if err != nil {
		return out, fmt.Errorf("%s: %w", r.Name, err)
	}
	out.Value, out.Baseline = v, b
	out.Ratio = v
	if r.Baseline != "" {
		out.Ratio = v / b
	}
	out.Holds = out.Ratio <= r.Bar
	if r.More {
		out.Holds = out.Ratio >= r.Bar
	}
	return out, nil
}

// missing says that something is not on this machine.
type missing struct{ text string }

func (m *missing) Error() string { return m.text }

func asMissing(err error, to **missing) bool {
	m, ok := err.(*missing)
	*to = m
	return ok
}

// median is the middle of the times of f in nanoseconds, each over so many
// calls that the clock's steps do not matter. The machine is taken to be
// noisy: the median drops what other work slows down.
func median(repeats int, f func() error) (float64, error) {
	if err := f(); err != nil { // warm
		return 0, err
	}
	calls := 1
	for {
		start := time.Now()
		for range calls {
			if err := f(); err != nil {
				return 0, err
			}
		}
		if d := time.Since(start); d > 2*time.Millisecond || calls > 1<<20 {
			break
		}
		calls *= 2
	}
	v := make([]float64, repeats)
	for i := range v {
		start := time.Now()
		for range calls {
			if err := f(); err != nil {
				return 0, err
			}
		}
		v[i] = float64(time.Since(start).Nanoseconds()) / float64(calls)
	}
	slices.Sort(v)
	return v[len(v)/2], nil
}

//go:embed c/tsit5.c
var source string

// reference are the times of the C programs in nanoseconds, by name. They run
// once, when a row asks first.
var reference = sync.OnceValues(func() (map[string]float64, error) {
	cc := ""
	for _, name := range []string{"gcc", "clang", "cc"} {
		if path, err := exec.LookPath(name); err == nil {
			cc = path
			break
		}
	}
	if cc == "" {
		return nil, &missing{"no C compiler here"}
	}
	dir, err := os.MkdirTemp("", "pinode-bench")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	file, bin := filepath.Join(dir, "tsit5.c"), filepath.Join(dir, "tsit5")
	if err := os.WriteFile(file, []byte(source), 0o600); err != nil {
		return nil, err
	}
	if out, err := exec.Command(cc, "-O3", "-march=native", "-o", bin, file, "-lm").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("building the C reference: %w\n%s", err, out)
	}
	out, err := exec.Command(bin).Output()
	if err != nil {
		return nil, fmt.Errorf("the C reference: %w", err)
	}
	times := map[string]float64{}
	for line := range strings.Lines(string(out)) {
		var x struct {
			Name string
			NS   float64
		}
		if err := json.Unmarshal([]byte(line), &x); err != nil {
			return nil, err
		}
		times[x.Name] = x.NS
	}
	return times, nil
})

// inC is the time of a C program in nanoseconds.
func inC(name string) (float64, error) {
	times, err := reference()
	return times[name], err
}
