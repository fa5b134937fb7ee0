package bench

import (
	"context"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"

	"github.com/pinode/pinode"
)

// Duel is pinode beside CVODE at the same error on a problem: CVODE at a tolerance, and
// `solver: auto` at the loosest tolerance, of four in a decade, at which its error is not larger.
type Duel struct {
	Problem string  `json:"problem"`
	RTol    float64 `json:"rtol"`  // of CVODE
	Error   float64 `json:"error"` // at the end, in norms of all states
	CVODE   float64 `json:"cvode"` // seconds, the least
	Own     float64 `json:"own_rtol"`
	OwnErr  float64 `json:"own_error"`
	Seconds float64 `json:"seconds"`

	// Ratio is the median of the ratios of time in pairs of runs, one after the other, and Low
	// and High an interval of 95 % for it.
	Ratio float64 `json:"ratio"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
}

// duelled are the problems, with their ends.
var duelled = []struct {
	name, define string
	until        float64
	by           string // of the solution that counts as exact
}{
	{"lotka", "LOTKA", 10, "vern9"},
	{"pleiades", "PLEIADES", 3, "vern9"},
	{"rober", "ROBER", 1e5, "radau"},
	{"vdpol", "VDPOL", 3000, "rodas5p"},
	{"hires", "HIRES", 321.8122, "radau"},
	{"pollu", "POLLU", 60, "radau"},
}

const (
	pairs       = 21 // of runs; the 6th and the 16th ratio are the ends of an interval of 97 %
	pairsLow    = 5
	pairsBudget = "4" // ms
	shareOfAbs  = 1e-2
)

// Precision measures the duels and tells done of each.
func Precision(ctx context.Context, l *Lab, done func(Duel)) error {
	for _, p := range duelled {
		exe, err := l.native.build(ctx, l, cvode(p.define))
		if err != nil {
			return err
		}
		exact, err := l.solver(p.name, p.until, p.by, 1e-12)
		if err != nil {
			return err
		}
		own := map[int]*pinode.Solver{} // by four times the power of ten
		for power := 3; power <= 10; power++ {
			d := Duel{Problem: p.name, RTol: math.Pow(10, -float64(power))}
			if err := l.duel(ctx, &d, p.until, exe, exact.Ends[0], own); err != nil {
				return err
			}
			done(d)
		}
	}
	return nil
}

// solver is that of a problem by a method, which has run once.
func (l *Lab) solver(name string, until float64, method string, rtol float64) (*pinode.Solver, error) {
	text, err := model(name)
	if err != nil {
		return nil, err
	}
	m, err := l.parse(name, text, "")
	if err != nil {
		return nil, err
	}
	by := fmt.Sprintf("%s { rtol: %g, atol: %g }", method, rtol, rtol*shareOfAbs)
	if err := m.Set("simulate.solver", by, "the benchmark"); err != nil {
		return nil, err
	}
	s, err := m.NewSolver(1, nil, pinode.SimulateOptions{Until: until, Workers: 1})
	if err != nil {
		return nil, err
	}
	return s, s.Run()
}

// duel measures one.
func (l *Lab) duel(ctx context.Context, d *Duel, until float64, exe string, exact []float64, own map[int]*pinode.Solver) error {
	run := func() (Line, error) {
		return runLine(ctx, exe, pairsBudget, strconv.FormatFloat(d.RTol, 'g', -1, 64), strconv.FormatFloat(d.RTol*shareOfAbs, 'g', -1, 64))
	}
	line, err := run()
	if err != nil {
		return err
	}
	d.Error, d.CVODE = offBy(line.Result, exact), line.Ns*1e-9
	var s *pinode.Solver
	for k := 10; k <= 46; k++ {
		if own[k] == nil {
			if own[k], err = l.solver(d.Problem, until, "auto", math.Pow(10, -float64(k)/4)); err != nil {
				return err
			}
		}
		s, d.Own, d.OwnErr = own[k], math.Pow(10, -float64(k)/4), offBy(own[k].Ends[0], exact)
		if d.OwnErr <= d.Error {
			break
		}
	}
	work := batched(func() error { return s.Run() })
	d.Seconds = math.Inf(1)
	var ratios []float64
	for range pairs {
		mine, err := work(ctx, 4e6)
		if err != nil {
			return err
		}
		line, err := run()
		if err != nil {
			return err
		}
		d.Seconds, d.CVODE = min(d.Seconds, mine*1e-9), min(d.CVODE, line.Ns*1e-9)
		ratios = append(ratios, mine/line.Ns)
	}
	slices.Sort(ratios)
	d.Low, d.Ratio, d.High = ratios[pairsLow], ratios[pairs/2], ratios[pairs-1-pairsLow]
	return nil
}

// offBy is the length of a difference beside that of what is right.
func offBy(y, exact []float64) float64 {
	off, size := 0., 0.
	for i, v := range exact {
		off += (y[i] - v) * (y[i] - v)
		size += v * v
	}
	return math.Sqrt(off / size)
}

// Print writes a row of a table, or its head for nil.
func (d *Duel) Print(w io.Writer) {
	if d == nil {
		fmt.Fprintf(w, "%-9s %9s %9s %11s %9s %9s %11s %6s %s\n", "problem", "CVODE", "error", "takes", "auto", "error", "takes", "ratio", "95 %")
		return
	}
	fmt.Fprintf(w, "%-9s %9.0e %9.1e %8.1f µs %9.1e %9.1e %8.1f µs %6.3f %.3f … %.3f\n",
		d.Problem, d.RTol, d.Error, 1e6*d.CVODE, d.Own, d.OwnErr, 1e6*d.Seconds, d.Ratio, d.Low, d.High)
}
