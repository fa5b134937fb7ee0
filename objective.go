package pinode

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/pinode/pinode/compiler"
	"github.com/pinode/pinode/compiler/exec"
	"github.com/pinode/pinode/compiler/lower"
	"github.com/pinode/pinode/fit"
	"github.com/pinode/pinode/sim"
)

// weightStream is the stream of random numbers of a block's initial weights.
func weightStream(b lower.Block, seed uint64, i int) *rand.Rand {
	if b.Neural.Options.Given("seed") {
		seed = uint64(b.Neural.Options.Int("seed"))
	}
	return fit.Stream(seed, "weights", i)
}

// worker runs trajectories, one at a time or side by side.
type worker struct {
	sys *system
	one sim.Steps
	run *sim.Integrator
	tan sim.Tangents

	bp, bq []float64 // room for an account

	many  *steps // nil: steps go stage by stage, one trajectory at a time
	group *sim.Group
	runs  []*laneRun
	free  []*laneRun // those of runs that may serve
	ready []*laneRun // those that have run and are to be differentiated

	bindings int // so far
}

// chunk is how many trajectories a worker computes before their gradients are
// added up, in the order of the trajectories whatever the number of workers.
const chunk = 64

// objective is the loss of a model over trajectories, for package fit.
type objective struct {
	m        *Model
	sp       *space
	items    []*item
	valid    []*item
	gradient string
	total    int // measured values of items

	*runner
	nat   []float64
	p     []float64
	gNat  []float64
	slots []slot
	order []order // of each item at its last evaluation
}

// slot is the result of one trajectory of a block.
type slot struct {
	loss      float64
	terms     []float64
	penalties []float64
	fail      *sim.Failure
	gNat, g   []float64
	traj      *sim.Trajectory
}

func newObjective(m *Model, sp *space, items, valid []*item, opt sim.Options, gradient string, workers int) (*objective, error) {
	o := &objective{m: m, sp: sp, items: items, valid: valid, gradient: gradient}
	var err error
	want := compiler.Want{Reverse: true, Forward: gradient == "forward"}
	if o.runner, err = newRunner(m, opt, max(len(items), len(valid)), want, false, workers); err != nil {
		return nil, err
	}
	for _, it := range items {
		o.total += it.values
	}
	o.nat, o.gNat = make([]float64, len(sp.coords)), make([]float64, len(sp.coords))
	lay := &m.prog.Model.Layout
	o.slots = make([]slot, min(chunk*len(o.workers), max(len(items), len(valid))))
	for i := range o.slots {
		o.slots[i] = slot{gNat: make([]float64, len(sp.coords)), g: make([]float64, sp.dim), penalties: make([]float64, len(m.prog.Model.Penalties)), terms: make([]float64, max(1, len(lay.Observes)+len(m.prog.Checked.Model.Losses)+len(m.prog.Model.Events)))}
	}
	o.order = make([]order, len(items))
	return o, nil
}

func (o *objective) Dim() int   { return o.sp.dim }
func (o *objective) Items() int { return len(o.items) }

// Length is the time that a trajectory spans.
func (o *objective) Length(i int) float64 { return o.items[i].span.T1 - o.items[i].span.T0 }

// Weight reports whether a coordinate is a weight of a network.
func (o *objective) Weight(i int) bool { return i >= len(o.sp.coords) }

// Eval is the loss: the mean over measured values of their row losses, the
// mean over trajectories of penalties, priors over all values, and weight
// decay.
func (o *objective) Eval(ctx context.Context, x []float64, batch []int, horizon float64, grad []float64) (fit.Result, error) {
	items := o.items
	idx := batch
	if batch != nil {
		items = make([]*item, len(batch))
		for i, k := range batch {
			items[i] = o.items[k]
		}
	}
	return o.eval(ctx, x, items, func(i int) int {
		if idx != nil {
			return idx[i]
		}
		return i
	}, horizon, grad)
}

// Validate is the loss over the trajectories that are held back.
func (o *objective) Validate(ctx context.Context, x []float64, horizon float64) (fit.Result, error) {
	return o.eval(ctx, x, o.valid, nil, horizon, nil)
}

func (o *objective) eval(ctx context.Context, x []float64, items []*item, index func(int) int, horizon float64, grad []float64) (fit.Result, error) {
	res := fit.Result{}
	for _, it := range items {
		span, n := it.horizon(horizon)
		for _, r := range it.rows[:n] {
			res.Values += r.values
		}
		res.Values += it.told(&span)
	}
	if res.Values == 0 {
		return res, errors.New("there is no measured value to fit within this horizon")
	}
	perValue, perItem := 1/float64(res.Values), 1/float64(len(items))
	if grad != nil {
		clear(grad)
		clear(o.gNat)
	}
	o.p = o.sp.shared(x, o.nat, o.p)
	o.bind(o.p, o.sp.s)
	data, penalties := 0., make([]float64, len(o.m.prog.Model.Penalties))
	terms := make([]float64, len(o.slots[0].terms))
	for first := 0; first < len(items); first += len(o.slots) {
		if err := ctx.Err(); err != nil {
			return res, err
		}
		block := items[first:min(first+len(o.slots), len(items))]
		o.block(block, horizon, perValue, perItem, grad != nil)
		for i := range block {
			s := &o.slots[i]
			if s.fail != nil {
				res.Failed = true
				res.Reason = fit.Failure{Item: first + i, Trajectory: block[i].name, Time: s.fail.T, Reason: s.fail.Status.String() + ": " + o.m.explain(s.fail)}
				if grad != nil {
					clear(grad)
				}
				return res, nil
			}
			data += s.loss
			for k, v := range s.terms {
				terms[k] += v
			}
			for k, v := range s.penalties {
				penalties[k] += v
			}
			if grad != nil {
				add(grad, s.g)
				add(o.gNat, s.gNat)
			}
			if index != nil && o.changed(index(first+i), s, horizon) {
				res.Kinks++
			}
		}
	}
	res.Loss = data * perValue
	o.report(&res, terms, penalties, perValue, perItem)
	o.priors(&res, x, items, grad != nil)
	for _, w := range o.sp.weights {
		if w.l2 == 0 {
			continue
		}
		sum := 0.
		for k := range w.n {
			v := x[w.at+k]
			sum += v * v
			if grad != nil {
				grad[w.at+k] += 2 * w.l2 * v
			}
		}
		res.Loss += w.l2 * sum
		res.Terms = append(res.Terms, fit.Term{Name: "weight decay", Value: w.l2 * sum})
	}
	if grad != nil {
		n := len(o.sp.coords)
		o.sp.trans.Pullback(grad[:n], x[:n], o.gNat)
	}
	return res, nil
}

// report names the parts of the loss.
func (o *objective) report(res *fit.Result, terms, penalties []float64, perValue, perItem float64) {
	k := 0
	for _, ob := range o.m.prog.Checked.Model.Observes {
		res.Terms = append(res.Terms, fit.Term{Name: ob.Name, Value: terms[k] * perValue})
		k++
	}
	for _, l := range o.m.prog.Checked.Model.Losses {
		res.Terms = append(res.Terms, fit.Term{Name: l.Name, Value: terms[k] * perValue})
		k++
	}
	for i, e := range o.m.prog.Model.Events {
		if v := terms[k+i]; e.Rate != nil && v != 0 {
			res.Terms = append(res.Terms, fit.Term{Name: "event " + e.Checked.Name, Value: v * perValue})
		}
	}
	for i, p := range o.m.prog.Model.Penalties {
		v := penalties[i] * perItem
		res.Loss += v
		res.Terms = append(res.Terms, fit.Term{Name: p.Name, Value: v})
	}
}

// changed reports whether the events of an item follow in another order than
// at its last evaluation over the same horizon.
func (o *objective) changed(i int, s *slot, horizon float64) bool {
	if horizon < 1 {
		return false
	}
	old := o.order[i]
	o.order[i] = order{true, s.traj.Order}
	return old.known && old.of != s.traj.Order
}

// order is the order of events of an item's last run.
type order struct {
	known bool
	of    uint64
}

// priors adds the negative log-densities of parameters, over all measured
// values so that they weigh as in the posterior.
func (o *objective) priors(res *fit.Result, x []float64, items []*item, grad bool) {
	prs := o.m.prog.Model.Priors
	if len(prs) == 0 || len(items) == 0 {
		return
	}
	w := o.workers[0]
	scale := 1 / float64(max(o.total, 1))
	sum := 0.
	done := map[string]bool{}
	for _, it := range items {
		o.sp.bindItem(o.nat, it, w.sys)
		w.sys.priors.run.run()
		vals := w.sys.priors.run.v
		clear(w.sys.priors.ct)
		some := false
		for i, pr := range prs {
			key := pr.Param.Name
			if k := o.sp.perIndex(pr.Param); k >= 0 {
				key = fmt.Sprintf("%s %d", key, it.keys[k])
			}
			if done[key] {
				continue
			}
			done[key] = true
			sum += vals[i]
			if grad {
				w.sys.priors.ct[i] = scale
				some = true
			}
		}
		if some {
			w.sys.clearAccount()
			w.sys.priors.vjp.run()
			clear(w.bp)
			clear(w.bq)
			w.sys.account(w.bp, w.bq)
			o.sp.pull(w.bp, w.bq, it, o.gNat, make([]float64, o.sp.dim))
		}
	}
	res.Loss += sum * scale
	res.Terms = append(res.Terms, fit.Term{Name: "priors", Value: sum * scale})
}

// block computes the losses of trajectories and, with grad, their gradients.
func (o *objective) block(items []*item, horizon, perValue, perItem float64, grad bool) {
	for i := range items {
		s := &o.slots[i]
		s.fail, s.loss, s.traj = nil, 0, nil
		clear(s.gNat)
		clear(s.g)
		clear(s.terms)
	}
	for _, w := range o.workers {
		w.ready = w.ready[:0]
	}
	o.run(len(items), func(i int, to *subject) *sim.Span {
		it := items[i]
		to.q, to.signals = o.sp.perItem(o.nat, it, to.q), it.signals
		span, n := it.horizon(horizon)
		to.run.span, to.run.rows, to.run.rated = span, it.rows[:n], it.rated
		return &to.run.span
	}, func(w *worker, l *laneRun) bool {
		s := &o.slots[l.index]
		s.traj = &l.traj
		if l.traj.Fail != nil {
			s.fail = l.traj.Fail
			return false
		}
		w.group.Use(&l.subject)
		o.loss(w, l, s, perValue, perItem, grad)
		if s.fail == nil && grad {
			w.ready = append(w.ready, l)
		}
		return false
	})
	if grad {
		o.each(func(w *worker) { o.backward(w, items) })
	}
}

// loss computes the loss of a run and, with grad, the cotangents of its saves.
func (o *objective) loss(w *worker, l *laneRun, s *slot, perValue, perItem float64, grad bool) {
	tr, span := &l.traj, &l.span
	fail := func(status sim.Status, text string) {
		s.fail = &sim.Failure{Status: status, T: tr.T, Event: -1, Switch: -1, Y: tr.Y, D: tr.D, Detail: text}
	}
	if tr.Saved < len(span.Saves) {
		fail(sim.Terminated, "the run ended before the last measurement")
		return
	}
	if grad {
		clear(l.bp)
		clear(l.bq)
		w.sys.clearAccount()
		l.cotangents(w.sys.size)
	}
	for _, r := range l.rows {
		k := r.save
		y, d := tr.SaveY[k], tr.SaveD[k]
		s.loss += w.sys.rowLoss(span.Saves[k], y, d, tr.BeforeY[k], tr.BeforeD[k], r.datum, r.seen)
		add(s.terms, w.sys.terms)
		if grad {
			l.rowBack(w.sys, k, perValue)
		}
	}
	if grad {
		l.subject.Settle()
	}
	length := span.T1 - span.T0
	clear(l.endY)
	for i, p := range o.m.prog.Model.Penalties {
		c := p.Weight / length
		s.penalties[i] = c * tr.Y[p.State]
		l.endY[p.State] += c * perItem
	}
	for _, e := range l.rated {
		k := o.m.prog.Model.Events[e].Likelihood
		s.loss += tr.Y[k]
		s.terms[len(s.terms)-len(o.m.prog.Model.Events)+e] += tr.Y[k]
		l.endY[k] += perValue
	}
	if math.IsNaN(s.loss) {
		fail(sim.Unstable, "the loss is not a number: a prediction is outside of what its distribution allows")
	}
}

// backward differentiates what a worker has run.
func (o *objective) backward(w *worker, items []*item) {
	pull := func(l *laneRun) {
		s := &o.slots[l.index]
		o.sp.pull(l.bp, l.bq, items[l.index], s.gNat, s.g)
	}
	k := 0
	next := func() *sim.Job {
		if k++; k > len(w.ready) {
			return nil
		}
		return &w.ready[k-1].job
	}
	if o.gradient != "adjoint" && o.gradient != "backsolve" && o.gradient != "forward" {
		w.group.Backward(next, func(j *sim.Job) {
			l := j.Model.(*subject).run
			if w.many != nil {
				w.many.account(j.In.Lane(), l.bp, l.bq)
			}
			pull(l)
		})
		return
	}
	for j := next(); j != nil; j = next() {
		l := j.Model.(*subject).run
		w.group.Use(&l.subject)
		switch o.gradient {
		case "adjoint":
			j.In.Adjoint(&l.subject, &l.ct)
		case "backsolve":
			j.In.Backsolve(&l.subject, &l.ct)
		default:
			pull(l) // what the parameters do to the losses of rows directly
			o.forward(w, l, items[l.index], &o.slots[l.index])
			continue
		}
		pull(l)
	}
}

// forward computes the gradient from one forward sweep for each coordinate.
func (o *objective) forward(w *worker, l *laneRun, it *item, s *slot) {
	ct := &l.ct
	sum := func() float64 {
		l.job.In.Forward(&l.subject, &w.tan)
		v := 0.
		for i := range ct.Y[:min(len(ct.Y), len(w.tan.Y))] {
			v += dot(ct.Y[i], w.tan.Y[i]) + dot(ct.D[i], w.tan.D[i]) + dot(ct.BeforeY[i], w.tan.BeforeY[i]) + dot(ct.BeforeD[i], w.tan.BeforeD[i])
		}
		if len(ct.EventT) > 0 {
			v += dot(ct.EventT, w.tan.EventT)
		}
		return v + dot(ct.EndY, w.tan.EndY)
	}
	direction := func(to []float64, k int) float64 {
		clear(w.sys.tp)
		clear(w.sys.tq)
		if to == nil {
			return 0
		}
		to[k] = 1
		return sum()
	}
	for i, c := range o.sp.coords {
		k := c.slot.Off + c.elem
		if !c.slot.PerKey {
			s.gNat[i] += direction(w.sys.tp, k)
		} else if it.keys[o.sp.perIndex(c.param)] == c.key {
			s.gNat[i] += direction(w.sys.tq, k)
		}
	}
	for _, r := range o.sp.weights {
		for k := range r.n {
			s.g[r.at+k] += direction(w.sys.tp, r.off+k)
		}
	}
}

func dot(a, b []float64) float64 {
	s := 0.
	for i, v := range a {
		s += v * b[i]
	}
	return s
}

// newWorker returns a worker for the model.
func newWorker(m *Model, mod *exec.Module, opt sim.Options) *worker {
	sys := newSystem(m.prog, mod)
	lay := &m.prog.Model.Layout
	one := newSteps(mod, sys.frame, opt.Method, sys.size.Y, opt)
	return &worker{
		sys: sys, one: one, run: sim.New(m.hybrid(), sys.size, opt, one),
		bp: make([]float64, lay.NP), bq: make([]float64, lay.NQ),
	}
}

// cotangents makes room for those of the run's saves and clears them.
func (l *laneRun) cotangents(size sim.Sizes) {
	n := len(l.span.Saves)
	ct := &l.ct
	for _, c := range []struct {
		to *[][]float64
		n  int
	}{{&ct.Y, size.Y}, {&ct.D, size.D}, {&ct.BeforeY, size.Y}, {&ct.BeforeD, size.D}} {
		for len(*c.to) < n {
			*c.to = append(*c.to, make([]float64, c.n))
		}
		for _, r := range (*c.to)[:n] {
			clear(r)
		}
	}
	ct.EndY = l.endY
}

// rowBack adds the derivatives of the row loss that was evaluated last to the
// cotangents of its save.
func (l *laneRun) rowBack(s *system, k int, weight float64) {
	s.row.ct[0] = weight
	s.row.vjp.run()
	add(l.ct.Y[k], s.row.vjp.by)
	add(l.ct.D[k], s.row.vjp.bd)
	add(l.ct.BeforeY[k], s.row.vjp.byb)
	add(l.ct.BeforeD[k], s.row.vjp.bdb)
}
