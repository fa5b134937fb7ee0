package bench

import (
	"context"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/pinode/pinode"
)

// Choice is how `solver: auto` stands beside the best single method on a problem at a
// tolerance: the time that this takes for the same error, between its own tolerances by lines in the
// logarithms of both.
type Choice struct {
	Problem string  `json:"problem"`
	RTol    float64 `json:"rtol"`
	Error   float64 `json:"error"`
	Seconds float64 `json:"seconds"`
	Best    string  `json:"best"`  // the best single method
	Other   float64 `json:"other"` // its seconds
	Ratio   float64 `json:"ratio"`
	Failed  string  `json:"failed,omitempty"`
}

// published is a problem of the test sets for initial values, with the methods that may be best.
type published struct {
	name, model string
	until       float64
	set         map[string]float64
	by          []string
}

var (
	gentle = []string{"tsit5", "vern7", "dop853"}
	stiff  = []string{"rodas4", "rodas5p", "radau"}
)

var publishedProblems = []published{
	{name: "lotka", until: 10, by: gentle},
	{name: "lorenz", until: 10, by: gentle},
	{name: "pleiades", until: 3, by: gentle},
	{name: "arenstorf", until: 17.0652165601579626, by: gentle},
	{name: "kepler", until: 20 * math.Pi, by: gentle},
	{name: "rober", until: 1e5, by: stiff},
	{name: "orego", until: 360, by: stiff},
	{name: "vdpol", until: 2e3, by: stiff},
	{name: "vdpol_1e6", model: "vdpol", until: 2e6, set: map[string]float64{"mu": 1e6}, by: stiff},
	{name: "hires", until: 321.8122, by: stiff},
	{name: "pollu", until: 60, by: stiff},
	{name: "brusselator", until: 10, by: []string{"rodas5p", "radau", "bdf"}},
}

// Auto compares `solver: auto` with single methods, and tells done of each problem and tolerance.
func Auto(ctx context.Context, l *Lab, done func(Choice)) error {
	for _, p := range publishedProblems {
		name := p.name
		if p.model != "" {
			name = p.model
		}
		text := brusselator(500)
		if name != "brusselator" {
			var err error
			if text, err = model(name); err != nil {
				return err
			}
		}
		m, err := l.parse(name, text, "")
		if err != nil {
			return err
		}
		rows, err := m.Compare(ctx, pinode.SimulateOptions{Until: p.until, Set: p.set, Workers: 1}, append([]string{"auto"}, p.by...)...)
		if err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		for _, r := range rows {
			if r.Solver == "auto" {
				done(p.choice(r, rows))
			}
		}
	}
	return nil
}

// choice compares a row of `auto` with those of the others.
func (p *published) choice(r pinode.Comparison, rows []pinode.Comparison) Choice {
	c := Choice{Problem: p.name, RTol: r.RTol, Error: r.Error, Seconds: r.Time.Seconds(), Other: math.Inf(1), Failed: r.Failed}
	for _, name := range p.by {
		if t := timeAt(r.Error, name, rows); t < c.Other {
			c.Best, c.Other = name, t
		}
	}
	c.Ratio = c.Seconds / c.Other
	return c
}

// timeAt is what a method takes for an error.
func timeAt(err float64, name string, rows []pinode.Comparison) float64 {
	type point struct{ err, time float64 }
	var list []point
	for _, r := range rows {
		if r.Solver == name && r.Failed == "" && r.Error > 0 {
			list = append(list, point{math.Log(r.Error), math.Log(r.Time.Seconds())})
		}
	}
	slices.SortFunc(list, func(a, b point) int { return int(math.Copysign(1, a.err-b.err)) })
	at, best := math.Log(err), math.Inf(1)
	for i, p := range list {
		if p.err <= at {
			best = min(best, p.time)
		} else if i > 0 && list[i-1].err < at {
			q := list[i-1]
			best = min(best, q.time+(p.time-q.time)*(at-q.err)/(p.err-q.err))
		}
	}
	return math.Exp(best)
}

// Print writes a row of a table, or its head for nil.
func (c *Choice) Print(w io.Writer) {
	switch {
	case c == nil:
		fmt.Fprintf(w, "%-12s %9s %9s %11s  %-8s %11s %6s\n", "problem", "tolerance", "error", "auto", "best", "takes", "ratio")
	case c.Failed != "":
		fmt.Fprintf(w, "%-12s %9.0e failed: %s\n", c.Problem, c.RTol, c.Failed)
	default:
		fmt.Fprintf(w, "%-12s %9.0e %9.1e %8.1f µs  %-8s %8.1f µs %6.2f\n", c.Problem, c.RTol, c.Error, 1e6*c.Seconds, c.Best, 1e6*c.Other, c.Ratio)
	}
}

// brusselator is the Brusselator with diffusion on n points of a line, of E. Hairer,
// G. Wanner, Solving ODEs II, IV.10, from u = 1 + ½ sin 2πx.
func brusselator(n int) string {
	const equation = "  for i in %s { u[i]' = 1 + u[i]^2*v[i] - 4*u[i] + d*(%s - 2*u[i] + %s)\n    v[i]' = 3*u[i] - u[i]^2*v[i] + d*(%s - 2*v[i] + %s) }\n"
	u := make([]string, n)
	for i := range u {
		u[i] = fmt.Sprintf("%.17g", 1+0.5*math.Sin(2*math.Pi*float64(i+1)/float64(n+1)))
	}
	return fmt.Sprintf("model Brusselator {\n  const d = %g\n  state u[%d] = [%s]\n  state v[%d] = 3\n", float64((n+1)*(n+1))/50, n, strings.Join(u, ", "), n) +
		fmt.Sprintf(equation, "0..0", "1", "u[i+1]", "3", "v[i+1]") +
		fmt.Sprintf(equation, fmt.Sprintf("1..%d", n-2), "u[i-1]", "u[i+1]", "v[i-1]", "v[i+1]") +
		fmt.Sprintf(equation, fmt.Sprintf("%d..%d", n-1, n-1), "u[i-1]", "1", "v[i-1]", "3") + "}\n"
}
