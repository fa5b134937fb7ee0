package loss

import (
	"github.com/pinode/pinode/internal/engine"
	"github.com/pinode/pinode/internal/problem"
	"github.com/pinode/pinode/sim"
)

// Worker is a worker's part in evaluations of a loss.
type Worker struct {
	objective *Objective
	Worker    *engine.Worker
	batch     *rowBatch // nil: rows go one by one
	encoding

	ofRow          []float64 // room for what a row has of its own
	from, to, next int       // trajectories of the block; the next to run
	Block, room    []*Run    // its runs, by trajectory; those that there is memory for
	saved          int       // words of their saves
	run            func() *sim.Job
	ran, went      func(*sim.Job)
	steps          [2]func(*Chunk, *Run) *sim.Failure // what becomes of a run
	linear         [1]func(*Chunk, *Run) *sim.Failure // where residuals are asked for
}

// Run is a run of a block, with what its loss is made of.
type Run struct {
	*engine.LaneState
	rows         []problem.Row
	pointProcess []int
	loss         float64
	share, joint float64          // of a group: what this run weighs in its loss, times their number, and that
	beginning    engine.Beginning // of a segment
	node         []float64        // room for the states that are coordinates, their cotangents and tangents
}

func newWorker(o *Objective, w *engine.Worker) *Worker {
	s := &Worker{objective: o, Worker: w}
	s.run = func() *sim.Job {
		if s.full() {
			return nil
		}
		s.next++
		return s.prepare(s.next - 1)
	}
	s.ran = func(*sim.Job) {}
	s.steps[0], s.steps[1], s.linear[0] = s.rowLosses, s.runLoss, s.squares
	s.went = w.Deliver
	return s
}

// do computes chunks until none is left.
func (s *Worker) do() {
	t := &s.objective.Task
	for {
		c := int(s.objective.next.Add(1) - 1)
		if c >= len(s.objective.Chunks) || int64(c) > s.objective.failed.Load() || t.Ctx.Err() != nil {
			return
		}
		sum := &s.objective.Chunks[c]
		s.chunk(c, c*t.Size, min((c+1)*t.Size, len(t.Trajectories)))
		for sum.Fail != nil {
			if first := s.objective.failed.Load(); int64(c) >= first || s.objective.failed.CompareAndSwap(first, int64(c)) {
				break
			}
		}
	}
}

// chunk computes chunk c, the sum over trajectories lo … hi−1.
func (s *Worker) chunk(c, lo, hi int) {
	t, w, sum := &s.objective.Task, s.Worker, &s.objective.Chunks[c]
	sum.loss, sum.kinks, sum.Fail, sum.added = 0, 0, nil, false
	clearSums(sum.sums)
	if t.Grad != nil {
		clear(sum.NaturalBar)
		s.clearWeights()
		if s.objective.Gradient == "forward" {
			clear(sum.Grad)
		}
	}
	for ; lo < hi && t.Ctx.Err() == nil; lo = s.to {
		group := s.objective.group()
		s.from, s.to, s.next = lo, min(lo+engine.MaxRuns/group*group, hi), lo
		if !s.encode(sum) {
			return
		}
		s.Block, s.saved, w.Free = s.room[:0], 0, append(w.Free[:0], w.States...)
		w.Group.Run(s.run, s.ran)
		s.to = s.next
		for _, l := range s.Block {
			if s.objective.importance {
				w.Group.Use(&l.Model)
				s.weigh(l)
			}
		}
		steps := s.steps[:]
		if t.lin != nil {
			steps = s.linear[:]
		}
		for _, step := range steps {
			for _, l := range s.Block {
				w.Group.Use(&l.Model)
				if sum.Fail = step(sum, l); sum.Fail != nil {
					sum.At = l.Index
					return
				}
			}
			if s.batch != nil && t.lin == nil {
				s.batch.flush(sum, t.PerValue, t.Grad != nil)
			}
		}
		if t.Grad != nil {
			s.Backward(sum)
		}
	}
	if t.Grad != nil {
		s.deliver(c)
	}
}

// taped is how many words the tapes of the block's runs take.
func (s *Worker) taped() (words int) {
	words = s.Worker.Group.HistoryWords()
	for _, l := range s.Block {
		words += l.Job.In.TapeWords()
	}
	return words
}

// Weights sets the gradient by the weights that are free to move, or adds to
// what is there.
func (s *Worker) Weights(g []float64, adds bool) {
	for _, r := range s.objective.Space.Weights {
		from := r.Off - s.objective.Prog.Model.Layout.NPar
		s.Worker.TakeWeights(g[r.At:r.At+r.N], from, adds)
		s.addWeights(g[r.At:r.At+r.N], from)
	}
	s.clearWeights()
}

// deliver takes the gradient of chunk c by weights to the chunk or, where it
// comes from one accumulator and the result has those of all chunks before, to the
// result.
func (s *Worker) deliver(c int) {
	o, sum, forward := s.objective, &s.objective.Chunks[c], s.objective.Gradient == "forward"
	turn := o.added.Load() == int64(c)
	if sum.added = turn && c > 0 && s.encoding.worker == nil && s.Worker.WeightFrames() == 1 && !forward; sum.added {
		s.Weights(o.Task.Grad, true)
	} else {
		s.Weights(sum.Grad, forward)
	}
	if turn && (c == 0 || sum.added) {
		o.added.Store(int64(c) + 1)
	}
}

// add takes memory for another run of the block.
func (s *Worker) add() *Run {
	n := len(s.Block)
	if n == len(s.room) {
		s.room = append(s.room, new(Run))
	}
	s.Block = s.room[:n+1]
	l := s.Block[n]
	l.LaneState = s.Worker.Acquire()
	return l
}

// prepare makes trajectory i a run.
func (s *Worker) prepare(i int) *sim.Job {
	t := &s.objective.Task
	it, l := t.Trajectories[i], s.add()
	l.Index = i
	l.Model.Q, l.Model.Signals = s.objective.Space.OwnInputs(s.objective.Natural, it, l.Model.Q), it.Signals
	s.objective.Space.Redraw(l.Model.Q, it, s.objective.draws.of(i))
	if e := &s.encoding; e.worker != nil {
		e.worker.Put(i/s.objective.copies-e.first, l.Model.Q)
	}
	l.share = 1
	l.Model.Beginning = nil
	if it.Beginning != nil {
		l.begin(it.Beginning, t.X)
		l.Model.Beginning = &l.beginning
	}
	span, n := it.Horizon(t.Horizon)
	s.saved += len(span.Saves) * (s.Worker.System.Size.Y + s.Worker.System.Size.D)
	l.Span, l.rows, l.pointProcess = span, it.Rows[:n], it.PointProcess
	l.Job.Span, l.Job.Forget = &l.Span, !t.keeps()
	s.Worker.Bindings++
	l.Model.Binding = s.Worker.Bindings
	return &l.Job
}

// begin sets how a segment begins at the coordinates x.
func (l *Run) begin(b *problem.Beginning, x []float64) {
	was := &l.beginning
	l.beginning = engine.Beginning{Data: b.Data, Y: b.Y, D: b.D, YBar: was.YBar, YDot: was.YDot}
	if b.Node == nil {
		l.beginning.YBar, l.beginning.YDot = nil, nil
		return
	}
	l.node = append(l.node[:0], make([]float64, 3*len(l.EndY))...)
	n := len(l.EndY)
	was.Y, was.YBar, was.YDot = l.node[:n:n], l.node[n:2*n:2*n], l.node[2*n:]
	for i, size := range b.Node.Size {
		was.Y[i] = size * x[b.Node.At+i]
	}
}

// failed is a failure at the end of a run.
func (l *Run) failed(status sim.Status, text string) *sim.Failure {
	tr := &l.Traj
	f := sim.NewFailure(status, tr.T, text)
	f.Y, f.D = tr.Y, tr.D
	return f
}

// rowLosses evaluates the losses of a run's rows, or puts them where several are
// evaluated at once, and, for a gradient, sets the cotangents of its saves.
func (s *Worker) rowLosses(sum *Chunk, l *Run) *sim.Failure {
	w, t := s.Worker, &s.objective.Task
	tr, span := &l.Traj, &l.Span
	if tr.Fail != nil {
		return tr.Fail
	}
	if tr.Saved < len(span.Saves) {
		return l.failed(sim.Terminated, "the run ended before the last measurement, as an event with `terminate` or `zeno stop` says: leave out the rows behind it")
	}
	clear(l.PBar)
	clear(l.QBar)
	clear(l.EndY)
	w.System.ClearGradient()
	if t.Grad != nil {
		l.Ct.Clear(len(span.Saves), w.System.Size)
		l.Ct.EndY = l.EndY
	}
	l.loss = 0
	for i := range l.rows {
		r := l.rows[i]
		k := r.Save()
		w.System.RowAt(span.Saves[k], tr.SaveY.At(k), tr.SaveD.At(k), tr.BeforeY.At(k), tr.BeforeD.At(k), r.Data(), r.Seen(), r.Inputs(), s.own(l, r))
		if s.batch != nil && !w.System.SlidesRow() {
			if s.batch.add(l, k) {
				s.batch.flush(sum, t.PerValue, t.Grad != nil)
			}
			continue
		}
		row := w.System.Row.Run
		if t.Grad != nil {
			row = w.System.Row.VJP
			l.rowBack(w.System, k, t.PerValue*l.share)
		} else {
			row.Run()
		}
		l.loss += row.Value[0]
		engine.Add(sum.sums[rowsPart], row.Terms)
	}
	l.Model.Collect()
	return nil
}

// own is what a row of a run has of its own.
func (s *Worker) own(l *Run, r problem.Row) []float64 {
	o := s.objective
	if !o.Space.RowDraws() {
		return r.Own()
	}
	s.ofRow = o.Space.RowOwn(s.ofRow, o.Task.Trajectories[l.Index], r, o.draws.of(l.Index))
	return s.ofRow
}

// runLoss adds the loss of a run whose rows have been evaluated.
func (s *Worker) runLoss(sum *Chunk, l *Run) *sim.Failure {
	o, t, tr := s.objective, &s.objective.Task, &l.Traj
	for _, p := range o.ofRuns {
		if o.counts(p) {
			p.end(l, t, sum.sums[p.at])
		}
	}
	if !engine.Number(l.loss) {
		return s.badRow(l)
	}
	sum.loss += l.loss
	if t.Index != nil && t.Horizon >= 1 {
		last := &o.Last[t.Index[l.Index]]
		if last.known && last.Order != tr.Order {
			sum.kinks++
		}
		*last = LastRun{true, tr.Order, l.loss}
	}
	return nil
}

// Backward differentiates the block's runs.
func (s *Worker) Backward(sum *Chunk) {
	o, w := s.objective, s.Worker
	switch o.Gradient {
	case "adjoint", "backsolve", "forward":
		for _, l := range s.Block {
			w.Group.Use(&l.Model)
			switch o.Gradient {
			case "adjoint":
				l.Job.In.Adjoint(&l.Model, &l.Ct)
			case "backsolve":
				l.Job.In.Backsolve(&l.Model, &l.Ct)
			default:
				s.forward(sum, l)
			}
		}
	default:
		w.Group.Backward(s.went)
	}
	for _, l := range s.Block {
		it := o.Task.Trajectories[l.Index]
		o.Space.Pullback(l.PBar, l.QBar, it, sum.NaturalBar)
		if o.Gradient != "forward" {
			o.gaps.began(it, l.beginning.YBar)
		}
	}
	s.decode(sum)
}

// forward adds the gradient from one forward sweep for each coordinate.
func (s *Worker) forward(to *Chunk, l *Run) {
	o, w, ct := s.objective, s.Worker, &l.Ct
	it := o.Task.Trajectories[l.Index]
	sum := func() float64 {
		l.Job.In.Forward(&l.Model, &w.Tangents)
		v := 0.
		for i := range min(ct.Y.Len(), w.Tangents.Y.Len()) {
			v += engine.Dot(ct.Y.At(i), w.Tangents.Y.At(i)) + engine.Dot(ct.D.At(i), w.Tangents.D.At(i)) + engine.Dot(ct.BeforeY.At(i), w.Tangents.BeforeY.At(i)) + engine.Dot(ct.BeforeD.At(i), w.Tangents.BeforeD.At(i))
		}
		if n := min(len(ct.EventT), len(w.Tangents.EventT)); n > 0 { // fewer where the sweep was ended
			v += engine.Dot(ct.EventT[:n], w.Tangents.EventT)
		}
		return v + engine.Dot(ct.EndY, w.Tangents.EndY)
	}
	direction := func(to []float64, k int) float64 {
		clear(w.System.PDot)
		clear(w.System.QDot)
		if to == nil {
			return 0
		}
		to[k] = 1
		return sum()
	}
	for i, c := range o.Space.Params {
		k := c.Slot.Off + c.Element
		if !c.Slot.PerKey {
			to.NaturalBar[i] += direction(w.System.PDot, k)
		} else if it.Keys[o.Space.PerKeyIndex(c.Param)] == c.Key {
			to.NaturalBar[i] += direction(w.System.QDot, k)
		}
	}
	for _, r := range o.Space.Weights {
		for k := range r.N {
			to.Grad[r.At+k] += direction(w.System.PDot, r.Off+k)
		}
	}
	if it.Beginning != nil && it.Beginning.Node != nil {
		clear(w.System.PDot)
		clear(w.System.QDot)
		for i := range it.Beginning.Node.Size {
			l.beginning.YDot[i] = 1
			l.beginning.YBar[i] = sum()
			l.beginning.YDot[i] = 0
		}
		o.gaps.began(it, l.beginning.YBar)
	}
}

// rowBack differentiates the loss of the row that the system is at: it adds to the
// cotangents of its save and to the gradient accumulators.
func (l *Run) rowBack(s *engine.System, k int, weight float64) {
	if len(s.Row.Ct) == 0 { // nothing that moves is in the row
		return
	}
	s.Row.Ct[0] = weight
	s.Row.VJP.Run()
	engine.Add(l.Ct.Y.At(k), s.Row.VJP.YBar)
	engine.Add(l.Ct.D.At(k), s.Row.VJP.DBar)
	engine.Add(l.Ct.BeforeY.At(k), s.Row.VJP.BeforeYBar)
	engine.Add(l.Ct.BeforeD.At(k), s.Row.VJP.BeforeDBar)
}
