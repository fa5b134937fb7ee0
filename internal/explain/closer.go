package explain

import (
	"fmt"
	"math"

	"github.com/pinode/pinode/compiler"
	"github.com/pinode/pinode/dsl/diag"
	"github.com/pinode/pinode/sim"
)

const (
	closer   = 0.01 // the tolerances of a closer look, beside those of the runs
	closeFor = 3e6  // evaluations of a rate that it may take, by those of the runs

	farOff   = 1e3  // relative tolerances that a state may be off by,
	leastOff = 1e-3 // and at least, of its size,
	mostOff  = 0.1  // and at most
	lost     = 1e3  // absolute tolerances below which a state has no size

	mostNats = 0.05 // that a log-likelihood may be off by,
	mostPart = 1e-3 // and of itself; a user is told of more than either allows
	mostBend = 0.05 // the part that a derivative may be off by, of the largest

	mostSteps = 100_000 // beside ten times those of the runs
	roundOff  = 1e-12   // tolerances below it ask for more than numbers tell
)

// Closer is a closer look at runs: control of the error bounds that of each step, and nothing says what the motion makes
// of them. So what is cheap to run is run again with tolerances a hundredth as large, and the user is told of what is
// another then.
type Closer struct {
	Options sim.Options // of the runs that are done again

	p    *compiler.Program
	rtol float64 // of those that are looked at
	atol func(state int) float64
}

// CloserLook is a closer look at runs that have done so much; nil where it tells nothing or would take too long.
func CloserLook(p *compiler.Program, opt sim.Options, stats ...sim.Stats) *Closer {
	work, steps := 0, 0
	for i := range stats {
		work, steps = work+stats[i].Evaluations, steps+stats[i].Steps+stats[i].Rejected
	}
	if !opt.Method.Adaptive() || p.Encoder != nil || float64(work)*float64(p.Model.Layout.NUser) > closeFor {
		return nil
	}
	c := &Closer{Options: opt, p: p, rtol: opt.RTol, atol: func(state int) float64 { return atolOf(&opt, state) }}
	c.Options.RTol *= closer
	c.Options.ATol *= closer
	c.Options.MaxSteps = min(opt.MaxSteps, mostSteps+10*steps)
	return c
}

// Fails warns of runs that do not come to their end with smaller tolerances.
func (c *Closer) Fails(l *diag.List, err error) {
	if c.Options.RTol <= roundOff {
		return
	}
	l.Warnf("inexact", c.p.Model.Checked.Span, "with tolerances a hundredth as large a run fails: %v", err).
		WithHelp("it may be that only the solver's error leads round what it meets there: try a smaller `rtol`, or another `solver`, until results stay")
}

// Size is that of a state whose largest value is so large.
func (c *Closer) Size(state int, largest float64) float64 {
	return math.Max(lost*c.atol(state), largest)
}

// Inexact is by how much a state differs in a closer look.
type Inexact struct {
	Off           float64 // beside its size
	State         int
	T             float64
	Value, Closer float64
	Run           string // its name, if it has one
}

// State warns of a state that differs by too much.
func (c *Closer) State(l *diag.List, x Inexact) {
	if !(x.Off > math.Min(mostOff, math.Max(leastOff, farOff*c.rtol))) {
		return
	}
	of, name := stateAt(c.p, x.State)
	_, at := of.Law()
	run := ""
	if x.Run != "" {
		run = " in run " + x.Run
	}
	l.Warnf("inexact", at, "`%s` at t = %.6g%s is %.4g, and %.4g with tolerances a hundredth as large: what the solver neglects in a step grows here", name, x.T, run, x.Value, x.Closer).
		WithHelp("solve with a smaller `rtol`, such as %.0e, until results stay; of chaotic motion no tolerance tells more than some time", c.rtol*1e-3)
}

// LogLikelihood warns of one, called so, that is another; then it is true.
func (c *Closer) LogLikelihood(l *diag.List, called string, v, closer float64) bool {
	if math.Abs(v-closer) <= mostNats+mostPart*math.Abs(v) {
		return false
	}
	c.inexact(l, "%s is %.7g, and %.7g", called, v, closer)
	return true
}

// Slope is a derivative of the log-likelihood: by what, its value, that of a closer look, and how large that is by which it is.
type Slope struct {
	By              string
	V, Closer, Size float64
}

// Slopes warns of the derivative that is off by most, if that is too much beside the largest.
func (c *Closer) Slopes(l *diag.List, slopes []Slope) {
	largest, off, of := 0., 0., Slope{}
	for _, s := range slopes {
		largest = math.Max(largest, math.Abs(s.V)*s.Size)
		if d := math.Abs(s.V-s.Closer) * s.Size; d > off || d == off && s.By < of.By {
			off, of = d, s
		}
	}
	if off > math.Max(mostNats, mostBend*largest) {
		c.inexact(l, "the derivative of the log-likelihood by `%s` is %.4g, and %.4g", of.By, of.V, of.Closer)
	}
}

func (c *Closer) inexact(l *diag.List, format string, values ...any) {
	l.Warnf("inexact", c.p.Checked.Model.Span, "%s with tolerances a hundredth as large: what the solver neglects in a step grows in the motion", fmt.Sprintf(format, values...)).
		WithHelp("solve with a smaller `rtol`, as in `--set fit.solver.rtol=%.0e`, until it stays", c.rtol*1e-3)
}
