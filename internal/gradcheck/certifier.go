package gradcheck

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"

	"github.com/pinode/pinode/compiler/exec"
	"github.com/pinode/pinode/fit"
	"github.com/pinode/pinode/internal/engine"
	"github.com/pinode/pinode/internal/loss"
	"github.com/pinode/pinode/internal/problem"
	"github.com/pinode/pinode/sim"
)

// all means all trajectories, in the place of the number of one.
const all = -1

// certifier makes a certificate: it visits trajectories and compares the
// derivatives of targets there.
type certifier struct {
	ctx          context.Context
	prog         *engine.Compiled
	sp           *problem.Space
	trajectories []*problem.Trajectory
	opt          sim.Options
	want         Want
	cert         *draft
	x            []float64 // the start values
	loss         bool      // there are data
	step         float64   // the first of differences, in the scale of a coordinate

	*probe
	twins   []*probe // for differences side by side, the certifier's own first
	whole   *probe   // of all trajectories
	visited map[int]bool
	kinks   float64 // how far those of activations may put off derivatives
	shallow bool    // some run fires an event that the tolerances do not tell from none

	visiting
}

// visiting is the trajectory that is visited, with the values of its targets.
type visiting struct {
	item       int
	ends       int
	events     int // how many times of events are targets
	base, size []float64
	order      uint64
	orders     []loss.LastRun // of all
}

// probe evaluates losses on an objective of its own.
type probe struct {
	*loss.Objective
	x []float64
}

// Certify solves with tolerances so tight that the choice of steps, which
// differences see and derivatives do not, is out of the way, and in double
// precision. What cannot be solved so is solved as in the fit.
func Certify(ctx context.Context, prog *engine.Compiled, sp *problem.Space, trajectories []*problem.Trajectory, opt sim.Options, want Want) (*fit.Certificate, error) {
	tight := opt
	if opt.Method.Adaptive() {
		tight.Sizes = nil
		tight.RTol, tight.ATol = math.Min(opt.RTol, 1e-10), math.Min(opt.ATol, 1e-12)
		if _, off := kinks(prog.Program, opt); off > 0 {
			tight.RTol, tight.ATol = math.Min(opt.RTol, kinkRTol), math.Min(opt.ATol, kinkRTol/100)
		}
	}
	cert, err := certifyWith(ctx, prog, sp, trajectories, tight, want)
	var fail *sim.Failure
	if (tight.RTol != opt.RTol || tight.ATol != opt.ATol) && errors.As(err, &fail) && (fail.Status == sim.MaxSteps || fail.Status == sim.StepTooSmall) {
		return certifyWith(ctx, prog, sp, trajectories, opt, want)
	}
	if opt.Method.Adaptive() && ctx.Err() == nil && (err != nil || !cert.Certified()) {
		// Values below the absolute tolerance are noise, and so is what depends on their
		// logarithms: where the relative tolerance alone counts, derivatives show themselves.
		tight.ATol = relativeAlone
		if fine, ferr := certifyWith(ctx, prog, sp, trajectories, tight, want); ferr == nil && fine.Certified() {
			return fine, nil
		}
	}
	return cert, err
}

// relativeAlone is an absolute tolerance that no value of a model is below.
const relativeAlone = 1e-60

func certifyWith(ctx context.Context, prog *engine.Compiled, sp *problem.Space, trajectories []*problem.Trajectory, opt sim.Options, want Want) (*fit.Certificate, error) {
	c, err := newCertifier(ctx, prog, sp, trajectories, opt, want)
	if err != nil {
		return nil, err
	}
	left, err := c.cover(c.some())
	if err != nil {
		return nil, err
	}
	for _, i := range left {
		if c.Weight(i) {
			c.cert.InertWeights++
		} else {
			c.cert.Inert = append(c.cert.Inert, c.Name(i))
		}
	}
	if err := c.directions(); err != nil {
		return nil, err
	}
	return c.cert.certificate(), nil
}

func newCertifier(ctx context.Context, prog *engine.Compiled, sp *problem.Space, trajectories []*problem.Trajectory, opt sim.Options, want Want) (*certifier, error) {
	notes, off := kinks(prog.Program, opt)
	c := &certifier{
		kinks: off, ctx: ctx, prog: prog, sp: sp, trajectories: trajectories, opt: opt, want: want, step: 1e-2,
		cert: &draft{Certificate: fit.Certificate{Modes: want.Modes, Tolerance: want.Tol, Inert: []string{}, Notes: notes}}, visited: map[int]bool{},
	}
	if !opt.Method.Adaptive() { // round-off alone is in the way of a smaller one
		c.step = 1e-4
	}
	for _, it := range trajectories {
		c.loss = c.loss || it.Values > 0 || len(it.Rows) > 0 // rows without values have loss terms
	}
	if !c.loss {
		one := *trajectories[0] // its saves are the grid of a simulation, and no measurements
		one.Span = problem.WithSaves(one.Span, nil)
		c.trajectories, c.ends = []*problem.Trajectory{&one}, min(prog.Model.Layout.NUser, mostEnds)
	}
	var err error
	if c.x, err = sp.X0(); err != nil {
		return nil, err
	}
	if c.probe, err = c.newProbe(c.programs(), 1); err != nil {
		return nil, err
	}
	c.twins = []*probe{c.probe}
	if len(c.trajectories) == 1 {
		return c, nil
	}
	if c.whole, err = c.newProbe(c.programs(), 0); err != nil {
		return nil, err
	}
	return c, c.visit(all)
}

// programs is the mode whose programs serve those that are wanted: of runs that may be taken over by
// a stiff method those of `unrolled` do not, since they have no Jacobian.
func (c *certifier) programs() string {
	for _, mode := range []string{"forward", "adjoint", "backsolve"} {
		if slices.Contains(c.want.Modes, mode) {
			return mode
		}
	}
	return c.want.Modes[0]
}

func (c *certifier) newProbe(mode string, workers int) (*probe, error) {
	o, err := loss.NewObjective(c.prog, c.sp, c.trajectories, nil, c.opt, mode, exec.Double, workers)
	return &probe{o, make([]float64, c.sp.Dim)}, err
}

// probes are some for as many lines, at most one for each core.
func (c *certifier) probes(lines int) ([]*probe, error) {
	for len(c.twins) < min(runtime.GOMAXPROCS(0), lines) {
		p, err := c.newProbe(c.programs(), 1)
		if err != nil {
			return nil, err
		}
		c.twins = append(c.twins, p)
	}
	return c.twins[:min(len(c.twins), max(lines, 1))], nil
}

// some are the coordinates to compare: all parameters, and weights at equal
// distances.
func (c *certifier) some() (list []int) {
	step := max(1, c.sp.Dim/max(c.want.Coordinates, 1))
	for i := range c.sp.Dim {
		if !c.Weight(i) || i%step == 0 {
			list = append(list, i)
		}
	}
	return list
}

// cover compares each coordinate on the first trajectory on which it acts, and
// returns those that act on none. That a gradient is zero does not tell that
// a coordinate does not act; a change of the loss does.
func (c *certifier) cover(some []int) (left []int, err error) {
	left = some
	for k := range c.trajectories {
		if !c.measured(k) || !slices.ContainsFunc(left, func(i int) bool { return c.mayAct(i, k) }) {
			continue
		}
		if err := c.visit(k); err != nil {
			return nil, err
		}
		g, err := c.screen()
		if err != nil {
			return nil, err
		}
		left, err = c.compareWhere(left, func(i int) bool {
			return slices.ContainsFunc(g, func(g []float64) bool { return g[i] != 0 })
		})
		if err != nil {
			return nil, err
		}
	}
	for _, i := range slices.Clone(left) {
		k, err := c.actsOn(i)
		if err != nil {
			return nil, err
		}
		if k < 0 {
			continue
		}
		if err := c.visit(k); err != nil {
			return nil, err
		}
		if left, err = c.compareWhere(left, func(j int) bool { return i == j }); err != nil {
			return nil, err
		}
	}
	return left, nil
}

// screen are derivatives in a mode that is cheap, of as few targets as tell
// which coordinates act.
func (c *certifier) screen() ([][]float64, error) {
	if c.loss {
		defer func(events int) { c.events = events }(c.events)
		c.events = 0
	}
	return c.claims(c.probe, c.opt.Gradient("auto"))
}

// compareWhere compares the coordinates for which act holds and returns the
// others.
func (c *certifier) compareWhere(list []int, act func(i int) bool) (left []int, err error) {
	var lines []line
	for _, i := range list {
		if act(i) {
			lines = append(lines, line{i: i})
		} else {
			left = append(left, i)
		}
	}
	if len(lines) == 0 {
		return left, nil
	}
	return left, c.compare(lines, c.want.Modes)
}

func (c *certifier) measured(k int) bool {
	return !c.loss || c.trajectories[k].Values > 0 || len(c.trajectories[k].Rows) > 0
}

// mayAct reports whether a coordinate can act on trajectory k: the value of a
// parameter for another key cannot.
func (c *certifier) mayAct(i, k int) bool {
	if c.Weight(i) {
		return true
	}
	co := c.sp.Params[i]
	return !co.Slot.PerKey || c.trajectories[k].Keys[c.sp.PerKeyIndex(co.Param)] == co.Key
}

// actsOn is the first trajectory whose targets move when a coordinate does, or
// -1.
func (c *certifier) actsOn(i int) (int, error) {
	l := line{i: i}
	h := c.step * math.Max(1, math.Abs(c.x[i]))
	moves := func() (bool, error) {
		p := c.looking()
		for _, h := range []float64{h, -h, h / 64, -h / 64} {
			l.move(p.x, c.x, h)
			v, why, err := c.values(p, p.x)
			if err != nil || why != "" || !slices.Equal(v, c.base) {
				return true, err
			}
			if c.item == all && slices.ContainsFunc(p.AllIndices, func(k int) bool { return p.Last[k].Loss != c.orders[k].Loss }) {
				return true, nil
			}
		}
		return false, nil
	}
	if c.whole != nil {
		if err := c.visit(all); err != nil {
			return -1, err
		}
		if moved, err := moves(); err != nil || !moved {
			return -1, err
		}
	}
	for k := range c.trajectories {
		if !c.measured(k) || !c.mayAct(i, k) {
			continue
		}
		if err := c.visit(k); err != nil {
			return -1, err
		}
		if moved, err := moves(); err != nil || moved {
			return k, err
		}
	}
	return -1, nil
}

// directions compares the loss of all trajectories, as the fit computes it,
// along one direction through all coordinates: a trajectory whose part of the
// gradient is missing or wrong shows there, and so does a weight that was not
// among those compared. In full each trajectory is looked at by itself too,
// which says which it is.
func (c *certifier) directions() error {
	if !c.loss || c.sp.Dim == 0 {
		return nil
	}
	rng := rand.New(rand.NewPCG(1, 0x6365727469666965))
	dir := make([]float64, c.sp.Dim)
	for i := range dir {
		dir[i] = math.Max(1, math.Abs(c.x[i])) / math.Sqrt(float64(len(dir)))
		if rng.Uint64()&1 == 0 {
			dir[i] = -dir[i]
		}
	}
	const mostSweeps = 64 // of the forward mode, one for each coordinate and trajectory
	modes := c.want.Modes
	if c.sp.Dim > mostSweeps {
		modes = slices.DeleteFunc(slices.Clone(modes), func(s string) bool { return s == "forward" })
	}
	if len(modes) == 0 {
		return nil
	}
	list := []int{all}
	if c.whole == nil {
		list[0] = 0
	} else if c.want.Full {
		for k := range c.trajectories {
			if c.measured(k) {
				list = append(list, k)
			}
		}
	}
	for _, k := range list {
		if err := c.visit(k); err != nil {
			return err
		}
		c.events = 0
		c.base, c.size = c.base[:1], c.size[:1]
		if err := c.compare([]line{{dir: dir}}, modes); err != nil {
			return err
		}
	}
	return nil
}
