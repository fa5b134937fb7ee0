package pinode

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"

	"github.com/pinode/pinode/compiler/exec"
	"github.com/pinode/pinode/fit"
	"github.com/pinode/pinode/sim"
)

// all stands for all trajectories in the place of one.
const all = -1

// certifier makes a certificate: it visits trajectories and compares the
// derivatives of targets there.
type certifier struct {
	ctx   context.Context
	m     *Model
	sp    *space
	items []*item
	opt   sim.Options
	want  certification
	cert  *Certificate
	x     []float64 // the start values
	loss  bool      // there are data
	step  float64   // the first of differences, in the scale of a coordinate

	*probe
	twins   []*probe // for differences side by side, the certifier's own first
	whole   *probe   // of all trajectories
	visited map[int]bool

	// The trajectory that is visited, with the values of its targets.
	item       int
	ends       int
	events     int // how many times of events are targets
	base, size []float64
	order      uint64
	orders     []lastRun // of all
}

// probe evaluates losses on an objective of its own.
type probe struct {
	*objective
	x []float64
}

// certify solves with tolerances so tight that the choice of steps, which
// differences see and derivatives do not, is out of the way, and in double
// precision. What cannot be solved so is solved as in the fit.
func certify(ctx context.Context, m *Model, sp *space, items []*item, opt sim.Options, want certification) (*Certificate, error) {
	tight := opt
	if opt.Method.Adaptive() {
		tight.RTol, tight.ATol = math.Min(opt.RTol, 1e-10), math.Min(opt.ATol, 1e-12)
		if len(kinkNotes(m, opt)) > 0 {
			tight.RTol, tight.ATol = math.Min(opt.RTol, kinkRTol), math.Min(opt.ATol, kinkRTol/100)
		}
	}
	cert, err := certifyWith(ctx, m, sp, items, tight, want)
	var fail *sim.Failure
	if tight != opt && errors.As(err, &fail) && (fail.Status == sim.MaxSteps || fail.Status == sim.StepTooSmall) {
		return certifyWith(ctx, m, sp, items, opt, want)
	}
	return cert, err
}

func certifyWith(ctx context.Context, m *Model, sp *space, items []*item, opt sim.Options, want certification) (*Certificate, error) {
	c, err := newCertifier(ctx, m, sp, items, opt, want)
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
			c.cert.Inert = append(c.cert.Inert, c.coordinateName(i))
		}
	}
	if err := c.directions(); err != nil {
		return nil, err
	}
	c.cert.judge()
	return c.cert, nil
}

func newCertifier(ctx context.Context, m *Model, sp *space, items []*item, opt sim.Options, want certification) (*certifier, error) {
	c := &certifier{
		ctx: ctx, m: m, sp: sp, items: items, opt: opt, want: want, step: 1e-2,
		cert: &Certificate{Modes: want.modes, Tolerance: want.tol, Inert: []string{}, Notes: kinkNotes(m, opt)}, visited: map[int]bool{},
	}
	if !opt.Method.Adaptive() { // round-off alone is in the way of a smaller one
		c.step = 1e-4
	}
	for _, it := range items {
		c.loss = c.loss || it.values > 0
	}
	if !c.loss {
		one := *items[0] // its saves are the grid of a simulation, and no measurements
		one.span.Saves = nil
		c.items, c.ends = []*item{&one}, min(m.prog.Model.Layout.NUser, mostEnds)
	}
	var err error
	if c.x, err = sp.x0(); err != nil {
		return nil, err
	}
	if c.probe, err = c.newProbe(c.programs(), 1); err != nil {
		return nil, err
	}
	c.twins = []*probe{c.probe}
	if len(c.items) == 1 {
		return c, nil
	}
	if c.whole, err = c.newProbe(c.programs(), 0); err != nil {
		return nil, err
	}
	return c, c.visit(all)
}

// programs is the mode whose programs serve those that are wanted.
func (c *certifier) programs() string {
	if slices.Contains(c.want.modes, "forward") {
		return "forward"
	}
	return c.want.modes[0]
}

func (c *certifier) newProbe(mode string, workers int) (*probe, error) {
	o, err := newObjective(c.m, c.sp, c.items, nil, c.opt, mode, exec.Double, workers)
	return &probe{o, make([]float64, c.sp.dim)}, err
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
	step := max(1, c.sp.dim/max(c.want.coordinates, 1))
	for i := range c.sp.dim {
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
	for k := range c.items {
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
	return c.claims(c.probe, "unrolled")
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
	return left, c.compare(lines, c.want.modes)
}

func (c *certifier) measured(k int) bool { return !c.loss || c.items[k].values > 0 }

// mayAct reports whether a coordinate can act on trajectory k: the value of a
// parameter for another key cannot.
func (c *certifier) mayAct(i, k int) bool {
	if c.Weight(i) {
		return true
	}
	co := c.sp.coords[i]
	return !co.slot.PerKey || c.items[k].keys[c.sp.perIndex(co.param)] == co.key
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
			if c.item == all && slices.ContainsFunc(p.all, func(k int) bool { return p.last[k].loss != c.orders[k].loss }) {
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
	for k := range c.items {
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
	if !c.loss || c.sp.dim == 0 {
		return nil
	}
	rng := rand.New(rand.NewPCG(1, 0x6365727469666965))
	dir := make([]float64, c.sp.dim)
	for i := range dir {
		dir[i] = math.Max(1, math.Abs(c.x[i])) / math.Sqrt(float64(len(dir)))
		if rng.Uint64()&1 == 0 {
			dir[i] = -dir[i]
		}
	}
	const mostSweeps = 64 // of the forward mode, one for each coordinate and trajectory
	modes := c.want.modes
	if c.sp.dim > mostSweeps {
		modes = slices.DeleteFunc(slices.Clone(modes), func(s string) bool { return s == "forward" })
	}
	if len(modes) == 0 {
		return nil
	}
	list := []int{all}
	if c.whole == nil {
		list[0] = 0
	} else if c.want.full {
		for k := range c.items {
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

// visit turns to a trajectory, or to all.
func (c *certifier) visit(k int) error {
	c.item, c.events = k, 0
	p := c.looking()
	c.orders = nil // not compared
	v, why, err := c.values(p, c.x)
	if err != nil {
		return err
	}
	if why != "" {
		return c.failure(p)
	}
	c.base, c.size = v, nil
	for _, v := range v {
		c.size = append(c.size, math.Abs(v))
	}
	if c.loss {
		for _, t := range p.terms {
			if !number(t.Value) {
				return fmt.Errorf("the loss is %g at the start values, %w: its term `%s` is %g", v[0], fit.ErrNotFinite, t.Name, t.Value)
			}
			c.size[0] += math.Abs(t.Value)
		}
	}
	c.orders = slices.Clone(p.last)
	if k == all {
		return nil
	}
	tr := p.traj()
	c.order = tr.Order
	if c.visited[k] {
		return nil
	}
	timed := 0
	for _, t := range c.cert.Targets {
		if t.Event >= 0 {
			timed++
		}
	}
	c.events = min(len(tr.Log), max(0, c.want.events-timed))
	for _, r := range tr.Log[:c.events] {
		c.base, c.size = append(c.base, r.T), append(c.size, math.Abs(r.T))
	}
	return nil
}

// looking is the probe of what is visited.
func (c *certifier) looking() *probe {
	if c.item == all {
		return c.whole
	}
	return c.probe
}

// failure is that of the last evaluation.
func (c *certifier) failure(p *probe) error {
	for i := range p.chunks {
		if s := &p.chunks[i]; s.fail != nil {
			return &SimulationError{Trajectory: p.task.items[s.at].name, Fail: s.fail, Text: c.m.explain(s.fail)}
		}
	}
	return errors.New("the loss is not a finite number at the start values")
}

// traj is the trajectory of the last evaluation of one.
func (p *probe) traj() *sim.Trajectory { return &p.workers[0].shift.block[0].traj }

// targets are those of the visit, and the events of theirs that are new.
func (c *certifier) targets() []CertifiedTarget {
	of := ""
	if len(c.items) > 1 && c.item != all {
		of = " of " + c.items[c.item].name
	}
	var list []CertifiedTarget
	switch {
	case c.item == all:
		list = append(list, CertifiedTarget{Name: "loss of all trajectories", Event: -1})
	case c.loss:
		list = append(list, CertifiedTarget{Name: "loss" + of, Event: -1})
	}
	for k := range c.ends {
		list = append(list, CertifiedTarget{Name: fmt.Sprintf("%s at %.6g", c.m.StateNames()[k], c.traj().T), Event: -1})
	}
	if len(list) > 0 {
		list[0].counts = true
	}
	if c.item == all || c.events == 0 {
		return list
	}
	for i, r := range c.traj().Log {
		e := CertifiedEvent{c.m.prog.Model.Events[r.Event].Checked.Name, r.T, r.Transversality}
		if i < c.events {
			list = append(list, CertifiedTarget{Name: fmt.Sprintf("time of %s at %.6g%s", e.Name, e.Time, of), Event: len(c.cert.Events)})
		}
		c.cert.Events = append(c.cert.Events, e)
	}
	return list
}

// values evaluates the targets, or says why there are no values that can be
// compared with those at the start; what did not happen is NaN.
func (c *certifier) values(p *probe, x []float64) (v []float64, why string, err error) {
	switch {
	case c.loss:
		var batch []int
		if c.item != all {
			batch = []int{c.item}
		}
		res, err := p.Eval(c.ctx, x, batch, 1, nil)
		if err != nil {
			return nil, "", err
		}
		if res.Failed {
			return nil, "a run fails: " + res.Reason.String(), nil
		}
		v = append(v, res.Loss)
	default:
		if err := c.ctx.Err(); err != nil {
			return nil, "", err
		}
		p.compute(task{c.ctx, c.items, nil, 1, 1, 1, 1, x, nil})
		if err := c.ctx.Err(); err != nil {
			return nil, "", err
		}
		if f := p.chunks[0].fail; f != nil {
			return nil, "a run fails: " + f.Error(), nil
		}
	}
	const another = "the events follow in another order"
	if c.item == all {
		for k := range c.orders {
			if p.last[k].order != c.orders[k].order {
				return nil, another, nil
			}
		}
		return v, "", nil
	}
	tr := p.traj()
	if c.orders != nil && tr.Order != c.order {
		return nil, another, nil
	}
	v = append(v, tr.Y[:c.ends]...)
	for k := range c.events {
		t := math.NaN()
		if k < len(tr.Log) {
			t = tr.Log[k].T
		}
		v = append(v, t)
	}
	return v, "", nil
}

// compare compares the derivatives of the targets of the visit along lines.
func (c *certifier) compare(lines []line, modes []string) error {
	targets := c.targets()
	c.visited[c.item] = true
	partials := make([][][]float64, len(modes)) // mode, target, coordinate
	for k, mode := range modes {
		var err error
		if partials[k], err = c.claims(c.looking(), mode); err != nil {
			return err
		}
	}
	scale := make([]float64, len(targets))
	for k := range scale {
		scale[k] = claimedScale(partials, k, lines)
	}
	found, err := c.differences(lines, scale)
	if err != nil {
		return err
	}
	witness := ""
	for k := range targets {
		t := &targets[k]
		t.size, t.scale = c.size[k], scale[k]
		for _, f := range found {
			t.scale = math.Max(t.scale, f.slope[k])
		}
		for n, l := range lines {
			t.Rows = append(t.Rows, c.row(l, found[n], k, partials))
		}
		t.judge(c.want.tol, len(c.cert.Notes) > 0)
		if len(modes) == 1 && slices.ContainsFunc(t.Rows, func(r CertifiedPartial) bool { return r.Doubtful != "" }) {
			witness = c.witness(modes[0])
		}
	}
	if witness != "" {
		p := c.looking()
		if witness == "forward" && c.programs() != "forward" {
			var err error
			if p, err = c.newProbe(witness, 1); err != nil {
				return err
			}
		}
		w, err := c.claims(p, witness)
		if err != nil {
			return err
		}
		for k := range targets {
			t := &targets[k]
			for n, l := range lines {
				t.Rows[n].witness = []float64{l.along(w[k]) / t.Rows[n].stretch}
			}
			t.judge(c.want.tol, len(c.cert.Notes) > 0)
		}
	}
	for k := range targets { // the rows of a target that was there before join it
		t := &targets[k]
		if i := slices.IndexFunc(c.cert.Targets, func(o CertifiedTarget) bool { return o.Name == t.Name && o.Event == t.Event }); i >= 0 {
			c.cert.Targets[i].Rows = append(c.cert.Targets[i].Rows, t.Rows...)
		} else {
			c.cert.Targets = append(c.cert.Targets, *t)
		}
	}
	return nil
}

// row is that of a line for target k.
func (c *certifier) row(l line, f difference, k int, partials [][][]float64) CertifiedPartial {
	r := CertifiedPartial{Name: "one direction through all coordinates", direction: l.dir != nil, stretch: 1}
	if l.dir == nil {
		r.Name, r.Weight = c.coordinateName(l.i), c.Weight(l.i)
		if !r.Weight {
			if s := c.sp.trans[l.i].Derivative(c.x[l.i]); s != 0 {
				r.stretch = s
			}
		}
	}
	r.Difference, r.Uncertainty, r.slope = f.d[k]/r.stretch, f.unsure[k]/r.stretch, f.slope[k]
	if math.IsInf(r.Uncertainty, 1) {
		if r.Failed = f.why; r.Failed == "" {
			r.Failed = "the differences are not numbers"
		}
	}
	for j := range partials {
		r.Gradient = append(r.Gradient, l.along(partials[j][k])/r.stretch)
	}
	return r
}

// along is the derivative along the line for a gradient.
func (l *line) along(g []float64) float64 {
	if l.dir == nil {
		return g[l.i]
	}
	return dot(g, l.dir)
}

// claimedScale is the largest derivative of target k that all modes claim: one
// that is wrong is mostly far too large.
func claimedScale(partials [][][]float64, k int, lines []line) float64 {
	least := math.Inf(1)
	for _, g := range partials {
		most := 0.
		for i := range lines {
			most = math.Max(most, math.Abs(lines[i].along(g[k])))
		}
		least = math.Min(least, most)
	}
	return least
}

// witness is a mode besides the one that is asked for, for where differences
// are in doubt.
func (c *certifier) witness(mode string) string {
	switch {
	case !c.opt.Method.Adaptive() && mode == "forward" || mode == "adjoint" || mode == "backsolve":
		return "unrolled"
	case c.opt.Method.Adaptive():
		return "adjoint"
	}
	return "forward"
}
