package pinode

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"sync/atomic"

	"github.com/pinode/pinode/compiler"
	"github.com/pinode/pinode/compiler/check"
	"github.com/pinode/pinode/compiler/exec"
	"github.com/pinode/pinode/compiler/lower"
	"github.com/pinode/pinode/data"
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

// objective is the loss of a model over trajectories, for package fit.
type objective struct {
	prog     *compiled
	sp       *space
	items    []*item
	valid    []*item
	gradient string
	total    int   // what the loss of all items is the mean of: see count
	counted  []int // by loss term, the rows at which it counts: see count

	*runner
	shifts []*shift  // of the workers
	nat, p []float64 // natural values; room for the shared inputs
	gNat   []float64
	last   []lastRun // of each item
	chunks []chunk
	next   atomic.Int64 // chunk that no worker has taken
	failed atomic.Int64 // the first chunk that failed
	added  atomic.Int64 // the first chunk whose gradient is not in the result
	task   task
	work   func(*worker)

	terms      []fit.Term
	validTerms []fit.Term // those of the trajectories that are held back
	penalties  []float64
	parts      []float64
	all        []int
	batch      []*item
}

// task is an evaluation of the loss.
type task struct {
	ctx               context.Context
	items             []*item
	index             []int // of each in the objective's items; nil: they are others
	size              int   // of a chunk
	horizon           float64
	perValue, perItem float64
	x, grad           []float64 // grad: nil, or where the gradient goes
}

// lastRun is what an item's last run over the whole horizon was like.
type lastRun struct {
	known bool
	order uint64 // of its events
	loss  float64
}

// chunk is the sum over some trajectories that follow each other. One worker
// computes it, in an order that does not depend on the others, and chunks are
// added up in their order: results have the same bits whatever the number of
// workers.
type chunk struct {
	loss      float64
	terms     []float64
	penalties []float64
	kinks     int
	gNat, g   []float64 // g is own, or where the result goes
	own       []float64
	added     bool         // its weights' part of g is in the result
	fail      *sim.Failure // of item at
	at        int
}

// chunkSize is how many of n trajectories make a chunk: enough to fill the
// lanes, few enough to occupy many cores.
func chunkSize(n int) int {
	up := func(k int) int { return (k + maxLanes - 1) / maxLanes * maxLanes }
	return max(up((n+63)/64), min(64, up((n+7)/8)))
}

// maxRuns is how many runs a worker keeps until their gradients are computed.
const maxRuns = 64

// blockWords is the size of their tapes from which on no run is added: they
// are read again soon, from the second-level cache if they fit.
const blockWords = 1 << 16

func newObjective(c *compiled, sp *space, items, valid []*item, opt sim.Options, gradient string, networks exec.Precision, workers int) (*objective, error) {
	o := &objective{prog: c, sp: sp, items: items, valid: valid, gradient: gradient}
	var err error
	want := compiler.Want{Reverse: true, Forward: gradient == "forward", Networks: networks}
	if o.runner, err = newRunner(c, opt, max(len(items), len(valid)), want, false, workers); err != nil {
		return nil, err
	}
	w := o.workers[0]
	for _, list := range [][]*item{items, valid} {
		for _, it := range list {
			if err := countRows(c.Program, w.sys, it); err != nil {
				return nil, err
			}
		}
	}
	o.counted = make([]int, len(c.Checked.Model.Losses))
	o.total = o.count(items, 1)
	o.nat, o.gNat, o.p = make([]float64, len(sp.coords)), make([]float64, len(sp.coords)), make([]float64, len(sp.p))
	o.last = make([]lastRun, len(items))
	o.all = make([]int, len(items))
	for i := range o.all {
		o.all[i] = i
	}
	lay := &c.Model.Layout
	o.parts = make([]float64, max(1, len(lay.Observes)+len(c.Checked.Model.Losses)+len(c.Model.Events)))
	o.penalties = make([]float64, len(c.Model.Penalties))
	rows := 0
	for _, it := range items {
		rows += len(it.rows)
	}
	var side *exec.Module
	if rows > 1 {
		if side, err = once(c, networks, func() (*exec.Module, error) { return c.Rows(maxLanes, networks) }); err != nil {
			return nil, err
		}
	}
	for _, w := range o.workers {
		s := newShift(o, w)
		if side != nil {
			s.side = newRowLanes(side, w.sys)
			w.weigh(s.side.frame)
		}
		o.shifts = append(o.shifts, s)
	}
	o.work = func(w *worker) { o.shifts[w.index].do() }
	return o, nil
}

func (o *objective) Dim() int   { return o.sp.dim }
func (o *objective) Items() int { return len(o.items) }

// Length is the time that a trajectory spans.
func (o *objective) Length(i int) float64 { return o.items[i].span.T1 - o.items[i].span.T0 }

// Weight reports whether a coordinate is a weight of a network.
func (o *objective) Weight(i int) bool { return i >= len(o.sp.coords) }

// Eval is the loss: the mean over measured values of their losses, leaving out
// observations of weight 0; the mean of each loss term over its rows, or over
// trajectories; the mean over trajectories of penalties; priors over all values;
// and weight decay.
func (o *objective) Eval(ctx context.Context, x []float64, batch []int, horizon float64, grad []float64) (fit.Result, error) {
	if batch == nil {
		return o.eval(ctx, x, o.items, o.all, horizon, grad)
	}
	o.batch = o.batch[:0]
	for _, k := range batch {
		o.batch = append(o.batch, o.items[k])
	}
	return o.eval(ctx, x, o.batch, batch, horizon, grad)
}

// Validate is the loss over the trajectories that are held back.
func (o *objective) Validate(ctx context.Context, x []float64, horizon float64) (fit.Result, error) {
	o.terms, o.validTerms = o.validTerms, o.terms
	defer func() { o.terms, o.validTerms = o.validTerms, o.terms }()
	return o.eval(ctx, x, o.valid, nil, horizon, nil)
}

func (o *objective) eval(ctx context.Context, x []float64, items []*item, index []int, horizon float64, grad []float64) (fit.Result, error) {
	res := fit.Result{}
	res.Values = o.count(items, horizon)
	if res.Values == 0 && (o.total == 0 || horizon < 1) { // else a batch has none, and others have
		return res, errors.New("there is no measured value to fit within this horizon")
	}
	perValue, perItem := 1/float64(max(1, res.Values)), 1/float64(len(items))
	o.weighLosses(perValue, perItem)
	o.compute(task{ctx, items, index, chunkSize(len(items)), horizon, perValue, perItem, x, grad})
	clear(o.parts)
	clear(o.penalties)
	for i := range o.chunks {
		c := &o.chunks[i]
		if c.fail != nil {
			res.Failed = true
			res.Reason = fit.Failure{Item: c.at, Trajectory: items[c.at].name, Time: c.fail.T, Reason: c.fail.Status.String() + ": " + explain(o.prog.Program, c.fail)}
			clear(grad)
			return res, nil
		}
		if err := ctx.Err(); err != nil {
			return res, err
		}
		res.Loss += c.loss
		res.Kinks += c.kinks
		add(o.parts, c.terms)
		add(o.penalties, c.penalties)
		switch {
		case grad == nil:
		case i == 0: // grad is its own
			copy(o.gNat, c.gNat)
		default:
			if !c.added {
				add(grad, c.g)
			}
			add(o.gNat, c.gNat)
		}
	}
	res.Loss *= perValue
	o.report(&res, perValue, perItem)
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
		o.terms = append(o.terms, fit.Term{Name: "weight decay", Value: w.l2 * sum})
	}
	res.Terms = o.terms
	if grad != nil {
		n := len(o.sp.coords)
		o.sp.trans.Pullback(grad[:n], x[:n], o.gNat)
	}
	return res, nil
}

// count is how many numbers the loss of items is the mean of: their measured
// values of observations with a weight, told firings included, or, if there
// are none, the rows of loss terms. It notes the rows of each of these.
func (o *objective) count(items []*item, horizon float64) (values int) {
	clear(o.counted)
	for _, it := range items {
		span, n := it.horizon(horizon)
		for i := range it.rows[:n] {
			r := &it.rows[i]
			values += r.counted
			for k, on := range r.losses {
				if on {
					o.counted[k]++
				}
			}
		}
		values += it.told(&span)
	}
	if values == 0 {
		for _, n := range o.counted {
			values += n
		}
	}
	return values
}

// weighLosses sets what a loss term at a row weighs beside a measured value, so
// that each is the mean over its own rows, or over trajectories.
func (o *objective) weighLosses(perValue, perItem float64) {
	k := 0
	for _, s := range o.prog.Model.Layout.Scales {
		if s.Kind != lower.ScaleLoss {
			continue
		}
		w := 1 / float64(max(1, o.counted[k]))
		if s.Object.(*check.Loss).PerTrajectory {
			w = perItem
		}
		o.sp.s[s.Off] = w / perValue
		k++
	}
}

// countRows notes what counts at the rows of an item: which loss terms, and
// which values of observations whose weight is not constant.
func countRows(p *compiler.Program, sys *system, it *item) error {
	if sys.counts == nil || len(it.rows) == 0 || it.rows[0].losses != nil {
		return nil
	}
	copy(sys.q, it.q)
	sys.signals = it.signals
	lay, losses := &p.Model.Layout, len(p.Checked.Model.Losses)
	for i := range it.rows {
		r := &it.rows[i]
		t := it.span.Saves[r.save]
		sys.rowAt(t, nil, nil, nil, nil, r.datum, r.seen, r.u)
		sys.counts.run()
		r.losses = make([]bool, losses)
		for k := range losses {
			r.losses[k] = sys.counts.v[k] != 0
		}
		k := losses
		for _, s := range lay.Observes {
			o := s.Object.(*check.Observe)
			if o.Weights == nil {
				continue
			}
			v := sys.counts.v[k]
			k++
			seen := 0
			for e := range s.N {
				seen += int(r.seen[s.Off+e])
			}
			switch {
			case seen > 0 && !(v >= 0 && !math.IsInf(v, 1)):
				return &data.Error{File: it.set.File, Text: fmt.Sprintf("the weight of `%s` at %g is %g", o.Name, t, v), Help: "a weight is a number, 0 or more"}
			case v == 0:
				r.counted -= seen
			}
		}
	}
	return nil
}

// compute does a task: it fills the chunks.
func (o *objective) compute(t task) {
	o.task = t
	o.sp.trans.Forward(o.nat, t.x[:len(o.nat)])
	o.bindAll(o.sp.shared(t.x, o.nat, o.p))
	n := (len(t.items) + t.size - 1) / t.size
	for len(o.chunks) < n {
		o.chunks = append(o.chunks[:len(o.chunks)], chunk{
			terms: make([]float64, len(o.parts)), penalties: make([]float64, len(o.penalties)),
			gNat: make([]float64, len(o.gNat)),
		})
	}
	o.chunks = o.chunks[:n]
	for i := range o.chunks {
		c := &o.chunks[i]
		if i > 0 && t.grad != nil && c.own == nil {
			c.own = make([]float64, o.sp.dim)
		}
		if c.g = c.own; i == 0 {
			c.g = t.grad
		}
	}
	o.next.Store(0)
	o.added.Store(0)
	o.failed.Store(int64(n))
	o.each(o.work)
}

// bindAll lets all programs read the shared parameters where p stands, and sets the
// scales.
func (o *objective) bindAll(p []float64) {
	o.bind(p, o.sp.s)
	for _, s := range o.shifts {
		if s.side != nil {
			s.side.frame.Bind("p", p)
			copy(s.side.s, o.sp.s)
		}
	}
}

// report names the parts of the loss.
func (o *objective) report(res *fit.Result, perValue, perItem float64) {
	k, terms := 0, o.parts
	o.terms = o.terms[:0]
	for _, ob := range o.prog.Checked.Model.Observes {
		o.terms = append(o.terms, fit.Term{Name: ob.Name, Value: terms[k] * perValue})
		k++
	}
	for _, l := range o.prog.Checked.Model.Losses {
		o.terms = append(o.terms, fit.Term{Name: l.Name, Value: terms[k] * perValue})
		k++
	}
	for i, e := range o.prog.Model.Events {
		if v := terms[k+i]; e.Rate != nil && v != 0 {
			o.terms = append(o.terms, fit.Term{Name: "event " + e.Checked.Name, Value: v * perValue})
		}
	}
	for i, p := range o.prog.Model.Penalties {
		v := o.penalties[i] * perItem
		res.Loss += v
		o.terms = append(o.terms, fit.Term{Name: p.Name, Value: v})
	}
}

// priors adds the negative log-densities of parameters, over all measured
// values so that they weigh as in the posterior.
func (o *objective) priors(res *fit.Result, x []float64, items []*item, grad bool) {
	prs := o.prog.Model.Priors
	if len(prs) == 0 || len(items) == 0 {
		return
	}
	w := o.workers[0]
	scale := 1 / float64(max(o.total, 1))
	sum := 0.
	done := map[string]bool{}
	for _, it := range items {
		w.sys.bindOwn(o.sp.perItem(o.nat, it, w.sys.q[:0]), it.signals)
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
			if grad && w.sys.priors.ct != nil {
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
			o.sp.pull(w.bp, w.bq, it, o.gNat)
		}
	}
	res.Loss += sum * scale
	o.terms = append(o.terms, fit.Term{Name: "priors", Value: sum * scale})
}

func dot(a, b []float64) float64 {
	s := 0.
	for i, v := range a {
		s += v * b[i]
	}
	return s
}
