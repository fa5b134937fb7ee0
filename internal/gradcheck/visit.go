package gradcheck

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/pinode/pinode/fit"
	"github.com/pinode/pinode/internal/engine"
	"github.com/pinode/pinode/internal/explain"
	"github.com/pinode/pinode/sim"
)

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
		for _, t := range p.Terms() {
			if !engine.Number(t.Value) {
				return fmt.Errorf("the loss is %g at the start values, %w: its term `%s` is %g", v[0], fit.ErrNotFinite, t.Name, t.Value)
			}
			c.size[0] += math.Abs(t.Value)
		}
	}
	c.orders = slices.Clone(p.Last)
	if k == all {
		return nil
	}
	tr := p.traj()
	c.order = tr.Order
	c.shallow = c.shallow || tr.Stats.Shallow > 0
	if tr.Stats.TakenOver > 0 && len(c.cert.targets) == 0 { // a stiff run cannot be run backwards
		c.want.Modes = slices.DeleteFunc(slices.Clone(c.want.Modes), func(mode string) bool { return mode == "backsolve" && len(c.want.Modes) > 1 })
		c.cert.Modes = c.want.Modes
	}
	if c.visited[k] {
		return nil
	}
	timed := 0
	for _, t := range c.cert.targets {
		if t.event >= 0 {
			timed++
		}
	}
	c.events = min(len(tr.Log), max(0, c.want.Events-timed))
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
	if err := p.Failure(); err != nil {
		return err
	}
	return errors.New("the loss is not a finite number at the start values")
}

// traj is the trajectory of the last evaluation of one.
func (p *probe) traj() *sim.Trajectory { return &p.LossWorkers[0].Block[0].Traj }

// targets are those of the visit, and the events of theirs that are new.
func (c *certifier) targets() []target {
	of := ""
	if len(c.trajectories) > 1 && c.item != all {
		of = " of " + c.trajectories[c.item].Name
	}
	var list []target
	switch {
	case c.item == all:
		list = append(list, target{name: "loss of all trajectories", event: -1})
	case c.loss:
		list = append(list, target{name: "loss" + of, event: -1})
	}
	for k := range c.ends {
		list = append(list, target{name: fmt.Sprintf("%s at %.6g", explain.StateNames(c.prog.Program)[k], c.traj().T), event: -1})
	}
	if len(list) > 0 {
		list[0].counts = true
	}
	if c.item == all || c.events == 0 {
		return list
	}
	for i, r := range c.traj().Log {
		name, _ := explain.RecordName(c.prog.Program, &r)
		e := fit.CertifiedEvent{Name: name, Time: r.T, Transversality: r.Transversality}
		if i < c.events {
			list = append(list, target{name: fmt.Sprintf("time of %s at %.6g%s", e.Name, e.Time, of), event: len(c.cert.Events)})
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
		p.Compute(c.plainTask(x, nil))
		if err := c.ctx.Err(); err != nil {
			return nil, "", err
		}
		if f := p.Chunks[0].Fail; f != nil {
			return nil, "a run fails: " + f.Error(), nil
		}
	}
	const another = "the events follow in another order"
	if c.item == all {
		for k := range c.orders {
			if p.Last[k].Order != c.orders[k].Order {
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
			t.rows = append(t.rows, c.row(l, found[n], k, partials))
		}
		t.judge(c.want.Tol, c.kinks)
		if len(modes) == 1 && slices.ContainsFunc(t.rows, func(r partial) bool { return r.Doubtful != "" }) {
			witness = c.witness(modes[0])
		}
	}
	if witness != "" {
		p := c.looking()
		if witness == "forward" && c.programs() != "forward" || c.opt.Stiff != nil && c.programs() == "unrolled" {
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
				t.rows[n].witness = []float64{l.along(w[k]) / t.rows[n].stretch}
			}
			t.judge(c.want.Tol, c.kinks)
		}
	}
	for k := range targets { // the rows of a target that was there before join it
		t := &targets[k]
		if c.shallow {
			t.doubtCrossings()
		}
		if i := slices.IndexFunc(c.cert.targets, func(o target) bool { return o.name == t.name && o.event == t.event }); i >= 0 {
			c.cert.targets[i].rows = append(c.cert.targets[i].rows, t.rows...)
		} else {
			c.cert.targets = append(c.cert.targets, *t)
		}
	}
	return nil
}

// row is that of a line for target k.
func (c *certifier) row(l line, f difference, k int, partials [][][]float64) partial {
	r := partial{stretch: 1}
	r.Name, r.Direction = "one direction through all coordinates", l.dir != nil
	if l.dir == nil {
		r.Name, r.Weight = c.Name(l.i), c.Weight(l.i)
		if !r.Weight {
			if s := c.sp.Transforms[l.i].Derivative(c.x[l.i]); s != 0 {
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
	return engine.Dot(g, l.dir)
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
	case !c.opt.HasGradient("unrolled") && mode == "adjoint":
		return "forward"
	case !c.opt.HasGradient("unrolled"):
		return "adjoint"
	case !c.opt.Method.Adaptive() && mode == "forward" || mode == "adjoint" || mode == "backsolve":
		return "unrolled"
	case c.opt.Method.Adaptive():
		return "adjoint"
	}
	return "forward"
}
