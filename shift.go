package pinode

import (
	"github.com/pinode/pinode/compiler/exec"
	"github.com/pinode/pinode/sim"
)

// shift is a worker's part in evaluations of a loss.
type shift struct {
	o *objective
	w *worker

	from, to, next int        // items of the block; the next to run
	block          []*laneRun // its runs, by item
	run            func() *sim.Job
	ran, went      func(*sim.Job)
}

func newShift(o *objective, w *worker) *shift {
	s := &shift{o: o, w: w}
	s.run = func() *sim.Job {
		if s.next == s.to || s.o.task.grad != nil && s.taped() > blockWords {
			return nil
		}
		s.next++
		return s.prepare(s.next - 1)
	}
	s.ran = func(*sim.Job) {}
	s.went = func(j *sim.Job) {
		if w.many != nil {
			l := j.Model.(*subject).run
			w.many.account(j.In.Lane(), l.bp, l.bq)
		}
	}
	return s
}

// do computes chunks until none is left.
func (s *shift) do() {
	t := &s.o.task
	for {
		c := int(s.o.next.Add(1) - 1)
		if c >= len(s.o.chunks) || int64(c) > s.o.failed.Load() || t.ctx.Err() != nil {
			return
		}
		sum := &s.o.chunks[c]
		s.chunk(c, c*t.size, min((c+1)*t.size, len(t.items)))
		for sum.fail != nil {
			if first := s.o.failed.Load(); int64(c) >= first || s.o.failed.CompareAndSwap(first, int64(c)) {
				break
			}
		}
	}
}

// chunk computes chunk c, the sum over items lo … hi−1.
func (s *shift) chunk(c, lo, hi int) {
	t, w, sum := &s.o.task, s.w, &s.o.chunks[c]
	sum.loss, sum.kinks, sum.fail, sum.added = 0, 0, nil, false
	clear(sum.terms)
	clear(sum.penalties)
	if t.grad != nil {
		clear(sum.gNat)
		w.clearWeights()
		if s.o.gradient == "forward" {
			clear(sum.g)
		}
	}
	for ; lo < hi; lo = s.to {
		s.from, s.to, s.next = lo, min(lo+maxRuns, hi), lo
		s.block, w.free = s.block[:0], append(w.free[:0], w.runs...)
		w.group.Run(s.run, s.ran)
		s.to = s.next
		for _, step := range []func(*chunk, *laneRun) *sim.Failure{s.rows, s.loss} {
			for _, l := range s.block {
				w.group.Use(&l.subject)
				if sum.fail = step(sum, l); sum.fail != nil {
					sum.at = l.index
					return
				}
			}
			if w.rows != nil {
				w.rows.flush(sum, t.perValue, t.grad != nil)
			}
		}
		if t.grad != nil {
			s.backward(sum)
		}
	}
	if t.grad != nil {
		s.deliver(c)
	}
}

// taped is how many words the tapes of the block's runs take.
func (s *shift) taped() (words int) {
	words = s.w.group.HistoryWords()
	for _, l := range s.block {
		words += l.job.In.TapeWords()
	}
	return words
}

// weights sets the gradient by the weights that are free to move, or adds to
// what is there.
func (s *shift) weights(g []float64, adds bool) {
	for _, r := range s.o.sp.weights {
		s.w.takeWeights(g[r.at:r.at+r.n], r.off-s.o.m.prog.Model.Layout.NPar, adds)
	}
	s.w.clearWeights()
}

// deliver takes the gradient of chunk c by weights to the chunk or, where it
// comes from one account and the result has those of all chunks before, to the
// result.
func (s *shift) deliver(c int) {
	o, sum, forward := s.o, &s.o.chunks[c], s.o.gradient == "forward"
	turn := o.added.Load() == int64(c)
	if sum.added = turn && c > 0 && s.w.weighed() == 1 && !forward; sum.added {
		s.weights(o.task.grad, true)
	} else {
		s.weights(sum.g, forward)
	}
	if turn && (c == 0 || sum.added) {
		o.added.Store(int64(c) + 1)
	}
}

// prepare makes item i a run.
func (s *shift) prepare(i int) *sim.Job {
	t := &s.o.task
	it, l := t.items[i], s.w.take()
	s.block = append(s.block, l)
	l.index = i
	l.subject.q, l.subject.signals = s.o.sp.perItem(s.o.nat, it, l.subject.q), it.signals
	span, n := it.horizon(t.horizon)
	l.span, l.rows, l.rated = span, it.rows[:n], it.rated
	l.job.Span, l.job.Forget = &l.span, t.grad == nil
	s.w.bindings++
	l.subject.binding = s.w.bindings
	return &l.job
}

// failed is a failure at the end of a run.
func (l *laneRun) failed(status sim.Status, text string) *sim.Failure {
	tr := &l.traj
	f := sim.NewFailure(status, tr.T, text)
	f.Y, f.D = tr.Y, tr.D
	return f
}

// rows evaluates the losses of a run's rows, or puts them where several are
// evaluated at once, and, for a gradient, sets the cotangents of its saves.
func (s *shift) rows(sum *chunk, l *laneRun) *sim.Failure {
	w, t := s.w, &s.o.task
	tr, span := &l.traj, &l.span
	if tr.Fail != nil {
		return tr.Fail
	}
	if tr.Saved < len(span.Saves) {
		return l.failed(sim.Terminated, "the run ended before the last measurement")
	}
	clear(l.bp)
	clear(l.bq)
	clear(l.endY)
	w.sys.clearAccount()
	if t.grad != nil {
		l.cotangents(w.sys.size)
	}
	l.loss = 0
	for i := range l.rows {
		r := &l.rows[i]
		k := r.save
		w.sys.rowAt(span.Saves[k], tr.SaveY[k], tr.SaveD[k], tr.BeforeY[k], tr.BeforeD[k], r)
		if w.rows != nil && !w.sys.slidesRow() {
			if w.rows.put(l, k) {
				w.rows.flush(sum, t.perValue, t.grad != nil)
			}
			continue
		}
		row := w.sys.row.run
		if t.grad != nil {
			row = w.sys.row.vjp
			l.rowBack(w.sys, k, t.perValue)
		} else {
			row.run()
		}
		l.loss += row.v[0]
		add(sum.terms, row.terms)
	}
	l.subject.Collect()
	return nil
}

// loss adds the loss of a run whose rows have been evaluated.
func (s *shift) loss(sum *chunk, l *laneRun) *sim.Failure {
	o, t, tr := s.o, &s.o.task, &l.traj
	length := l.span.T1 - l.span.T0
	for i, p := range o.m.prog.Model.Penalties {
		c := 0.
		if length > 0 {
			c = p.Weight / length
		}
		sum.penalties[i] += c * tr.Y[p.State]
		l.endY[p.State] += c * t.perItem
	}
	for _, e := range l.rated {
		k := o.m.prog.Model.Events[e].Likelihood
		l.loss += tr.Y[k]
		sum.terms[len(sum.terms)-len(o.m.prog.Model.Events)+e] += tr.Y[k]
		l.endY[k] += t.perValue
	}
	if !number(l.loss) {
		return s.badRow(l)
	}
	sum.loss += l.loss
	if t.index != nil && t.horizon >= 1 {
		last := &o.last[t.index[l.index]]
		if last.known && last.order != tr.Order {
			sum.kinks++
		}
		*last = lastRun{true, tr.Order, l.loss}
	}
	return nil
}

// backward differentiates the block's runs.
func (s *shift) backward(sum *chunk) {
	o, w := s.o, s.w
	switch o.gradient {
	case "adjoint", "backsolve", "forward":
		for _, l := range s.block {
			w.group.Use(&l.subject)
			switch o.gradient {
			case "adjoint":
				l.job.In.Adjoint(&l.subject, &l.ct)
			case "backsolve":
				l.job.In.Backsolve(&l.subject, &l.ct)
			default:
				s.forward(sum, l)
			}
		}
	default:
		w.group.Backward(s.went)
	}
	for _, l := range s.block {
		o.sp.pull(l.bp, l.bq, o.task.items[l.index], sum.gNat)
	}
}

// forward adds the gradient from one forward sweep for each coordinate.
func (s *shift) forward(to *chunk, l *laneRun) {
	o, w, ct := s.o, s.w, &l.ct
	it := o.task.items[l.index]
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
			to.gNat[i] += direction(w.sys.tp, k)
		} else if it.keys[o.sp.perIndex(c.param)] == c.key {
			to.gNat[i] += direction(w.sys.tq, k)
		}
	}
	for _, r := range o.sp.weights {
		for k := range r.n {
			to.g[r.at+k] += direction(w.sys.tp, r.off+k)
		}
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

// rowBack differentiates the loss of the row that stands: it adds to the
// cotangents of its save and to the account.
func (l *laneRun) rowBack(s *system, k int, weight float64) {
	if len(s.row.ct) == 0 { // nothing that moves is in the row
		return
	}
	s.row.ct[0] = weight
	s.row.vjp.run()
	add(l.ct.Y[k], s.row.vjp.by)
	add(l.ct.D[k], s.row.vjp.bd)
	add(l.ct.BeforeY[k], s.row.vjp.byb)
	add(l.ct.BeforeD[k], s.row.vjp.bdb)
}

// weigh notes that programs on a frame may add to the gradient by weights.
func (w *worker) weigh(f *exec.Frame) {
	if s := f.Sum("acc.bw"); s != nil {
		w.sums = append(w.sums, s)
	}
}

// clearWeights forgets the gradient by weights.
func (w *worker) clearWeights() {
	for _, s := range w.sums {
		s.Clear()
	}
}

// takeWeights sets g to the gradient by the weights from the given one on or,
// with adds, adds it. It is to be cleared then.
func (w *worker) takeWeights(g []float64, from int, adds bool) {
	for _, s := range w.sums {
		if s.Added() {
			s.Take(g, from, adds)
			adds = true
		}
	}
	if !adds {
		clear(g)
	}
}

// weighed is how many frames have added to it.
func (w *worker) weighed() (n int) {
	for _, s := range w.sums {
		if s.Added() {
			n++
		}
	}
	return n
}
