package gradcheck

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/pinode/pinode/fit"
	"github.com/pinode/pinode/internal/engine"
	"github.com/pinode/pinode/internal/problem"
	"github.com/pinode/pinode/internal/simulate"
	"github.com/pinode/pinode/sim"
)

// Modes are the modes that a certificate is given for.
var Modes = []string{"unrolled", "adjoint", "backsolve", "forward"}

// draft is a certificate in the making.
type draft struct {
	fit.Certificate
	targets []target
}

// target is a number and its derivatives.
type target struct {
	name  string
	event int // of which it is the time, in Events, or -1
	rows  []partial

	counts bool    // its derivatives are those that Compared counts
	size   float64 // of the terms that the number is a sum of
	scale  float64 // of its derivatives: the largest
}

// partial is the derivative by one coordinate, or along a direction.
type partial struct {
	fit.CertifiedPartial

	slope   float64   // the larger of the slopes to both sides
	stretch float64   // by which the parameter moves with the variable that the fit changes
	witness []float64 // the derivative in a mode that was asked only as differences were in doubt
}

// certificate is what the draft comes to.
func (c *draft) certificate() *fit.Certificate {
	c.judge()
	for _, t := range c.targets {
		to := fit.CertifiedTarget{Name: t.name, Event: t.event}
		for _, r := range t.rows {
			to.Rows = append(to.Rows, r.CertifiedPartial)
		}
		c.Targets = append(c.Targets, to)
	}
	return &c.Certificate
}

const (
	mostTimed = 8 // events whose times are targets
	mostEnds  = 4 // states whose ends are

	// How well differences have to be known, in the scale of the derivative,
	// and how far a mode may be off.
	FineDifference, FineTolerance     = 3e-10, 1e-6
	coarseDifference, coarseTolerance = 1e-7, 1e-5

	// How far kinks of activations may put off derivatives, and jumps of their
	// curvature, at the tolerance kinkRTol of the solver: see kinks.
	kinkTolerance, bendTolerance, kinkRTol = 0.03, 1e-4, 1e-12
	doubtKinks                             = "kinks"

	doubtCrossing = "a crossing within the tolerances"
)

// NewWant is what the certificate of a fit is to compare: in the given
// modes, or in those that the fit asks for.
//
// encoded says that the model has an encoder, whose runs have no forward derivative.
func NewWant(full bool, mode string, opt sim.Options, n int, modes []string, encoded bool) Want {
	if len(modes) == 0 && full {
		modes = certifiedModes(opt)
		if encoded {
			modes = slices.DeleteFunc(modes, func(mode string) bool { return mode == "forward" })
		}
	}
	if len(modes) > 0 {
		return Want{n, mostTimed, FineDifference, FineTolerance, modes, full, nil}
	}
	return Want{n, mostTimed, coarseDifference, coarseTolerance, []string{opt.Gradient(mode)}, false, nil}
}

// certifiedModes are the modes that a solver has a certificate for: the
// continuous adjoints follow the exact solution, not that of fixed steps.
func certifiedModes(opt sim.Options) []string {
	return slices.DeleteFunc(slices.Clone(Modes), func(mode string) bool {
		return !opt.HasGradient(mode) || !opt.Method.Adaptive() && (mode == "adjoint" || mode == "backsolve")
	})
}

// WholeSimulation compares derivatives of a simulation, in all modes that the solver
// has, in about n coordinates.
func WholeSimulation(ctx context.Context, m *simulate.Simulator, n int) (*fit.Certificate, error) {
	opt, err := engine.SolverOptions(m.Settings)
	if err != nil {
		return nil, err
	}
	return Simulation(ctx, m, opt, Want{n, mostTimed, FineDifference, FineTolerance, certifiedModes(opt), true, nil})
}

func Simulation(ctx context.Context, m *simulate.Simulator, opt sim.Options, want Want) (*fit.Certificate, error) {
	trajectories, err := m.Trajectories(false)
	if err != nil {
		return nil, err
	}
	if err := m.Grid(trajectories[0], &simulate.Options{}); err != nil {
		return nil, err
	}
	seed := uint64(m.Settings.Int("seed"))
	trajectories[0].Span.Draws = problem.Draws(m.Prog.Program, seed, 0, nil)
	sp, err := problem.NewSpace(m.Prog.Program, trajectories, seed)
	if err != nil {
		return nil, err
	}
	return Certify(ctx, m.Prog, sp, trajectories[:1], opt, want)
}

// Want is what to certify: about how many coordinates, the times of
// how many events, by differences known how well and up to which disagreement,
// in which modes, and whether on every trajectory.
type Want struct {
	Coordinates, Events int
	Enough, Tol         float64
	Modes               []string
	Full                bool

	Spoil func(mode, trajectory string, g []float64) // breaks gradients of losses, in tests
}

// judge compares the rows of a target.
func (t *target) judge(tol, kinks float64) {
	for i := range t.rows {
		r := &t.rows[i]
		unit := math.Max(t.unit(r), t.noise()/tol/math.Abs(r.stretch))
		r.judge(unit, tol, kinks)
	}
}

// unit is the scale in which disagreements of a row count: the size of the
// terms that make up the derivative, which is not that of their sum.
//
// At an optimum the derivative is zero, and what is left of it and of the
// differences are rounding errors, which agree in nothing. The central
// difference is the mean of the slopes to both sides, here a hundredth of a
// unit away: these are the terms, and they do not vanish. In this scale an
// error of ε moves the optimum by less than ε hundredths, as the slope there
// grows by that much with every hundredth; and a term that is missing in a
// gradient of many shows, as it is missing from the mean but not from the
// slopes.
//
// The derivative by one coordinate has rounding errors of the others'. So
// coordinates by which a target changes a thousand times less than by others
// count in a thousandth of these. A target that moves by less than 1e-9 of its
// terms in such a step is constant as far as solutions to 1e-10 can tell.
func (t *target) unit(r *partial) float64 {
	own := r.slope
	if r.Failed != "" {
		own = t.scale
	}
	return math.Max(own, math.Max(1e-3*t.scale, 1e-7*t.size)) / math.Abs(r.stretch)
}

// noise is a disagreement that tells nothing: solutions are known to some 1e-10 of the
// terms of the target, or 1e-12 where these are less than 0.01, and differences
// take them over a hundredth.
func (t *target) noise() float64 { return math.Max(3e-8*t.size, 1e-10) }

// judge sets the disagreements of a row. Where the differences failed, or are
// no better known than they are off, what the modes differ from each other by
// counts in their place. Where kinks are in the way it is a doubt as long as it
// is no more than they make: at most the given disagreement.
func (r *partial) judge(unit, tol, kinks float64) {
	r.Off, r.Doubtful = make([]float64, len(r.Gradient)), ""
	worst, unsure := 0., r.Failed != ""
	for j, g := range r.Gradient {
		off := math.Abs(g - r.Difference)
		r.Off[j] = ratio(off, unit)
		worst = max(worst, r.Off[j])
		unsure = unsure || off > tol*unit && off <= 2*r.Uncertainty
	}
	if unsure {
		worst, r.Doubtful = r.among(unit), "differences"
	}
	if worst > tol && worst <= kinks {
		r.Doubtful = doubtKinks
	}
}

// among sets the disagreements to those of the modes with each other, and
// returns the largest: with the median of several, or of two.
func (r *partial) among(unit float64) (worst float64) {
	all := slices.Concat(r.Gradient, r.witness)
	slices.Sort(all)
	for j, g := range r.Gradient {
		off := math.Max(math.Abs(g-all[0]), math.Abs(all[len(all)-1]-g))
		if len(all) > 2 {
			off = math.Abs(g - all[len(all)/2])
		}
		r.Off[j] = ratio(off, unit)
		worst = max(worst, r.Off[j])
	}
	return worst
}

// doubtCrossings makes the derivatives doubtful that nothing else does: of runs with a
// crossing within the tolerances, on which all differences agree and nothing hangs.
func (t *target) doubtCrossings() {
	for i := range t.rows {
		if r := &t.rows[i]; r.Doubtful == "" {
			r.Doubtful = doubtCrossing
		}
	}
}

// wrong is the disagreement in a mode that counts against it.
func (r *partial) wrong(mode int) float64 {
	if r.Doubtful == doubtKinks {
		return 0
	}
	return r.Off[mode]
}

// ratio is x/unit, and 0 for x = 0.
func ratio(x, unit float64) float64 {
	if x == 0 {
		return 0
	}
	return x / unit
}

// judge finds the worst disagreement, and the first event that it shows in. A
// direction through all coordinates counts where no coordinate is wrong.
func (c *draft) judge() {
	for _, directions := range []bool{false, true} {
		if c.Worst <= c.Tolerance {
			c.findWorst(directions)
		}
	}
	for k := range c.targets {
		t := &c.targets[k]
		for i := range t.rows {
			switch {
			case !t.counts:
			case t.rows[i].Doubtful != "":
				c.Doubtful++
			default:
				c.Compared++
			}
		}
	}
}

// findWorst looks for a larger disagreement in rows of coordinates, or of
// directions.
func (c *draft) findWorst(directions bool) {
	const clear = 1e-4
	first, timed := "", false
	for k := range c.targets {
		t := &c.targets[k]
		for i := range t.rows {
			r := &t.rows[i]
			if r.Direction != directions {
				continue
			}
			for j := range r.Off {
				off := r.wrong(j)
				if off > clear && first == "" && t.event >= 0 {
					first = t.name
				}
				if off > c.Worst || math.IsNaN(off) && !math.IsNaN(c.Worst) {
					c.Worst, c.Mode, c.Where = off, c.Modes[j], fmt.Sprintf("`%s`, in the %s", r.Name, t.name)
					timed = t.event >= 0
				}
			}
		}
	}
	if first != "" && !timed {
		c.Where += " and first in the " + first
	}
}
