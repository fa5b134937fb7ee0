package loss

import (
	"context"
	"errors"
	"math"

	"github.com/pinode/pinode/fit"
	"github.com/pinode/pinode/internal/encoder"
	"github.com/pinode/pinode/internal/engine"
	"github.com/pinode/pinode/internal/problem"
)

// bound is how the evidence of a model with an encoder is bounded from below: by the mean
// over copies of the log-likelihood less what the posteriors cost (D.P. Kingma, M. Welling,
// arXiv:1312.6114, equation 3), or by the logarithm of the mean of the importance weights
// of copies (Y. Burda, R. Grosse, R. Salakhutdinov, arXiv:1509.00519, equation 8).
type bound struct {
	encoder    *encoder.Encoder // nil: there is none, and no bound
	importance bool
	ramp       fit.Curriculum // of the weight of what posteriors cost, by epoch
	weight     float64        // it, as it is now
}

// Bound chooses the bound of the evidence, and the course of the weight of what posteriors
// cost.
func Bound(o *Objective, importance bool, ramp fit.Curriculum) error {
	o.bound.importance, o.bound.ramp, o.bound.weight = importance, ramp, ramp.At(math.MaxInt)
	switch {
	case !importance:
	case o.copies > engine.MaxRuns:
		return errors.New("`bound: iwae` weighs at most 64 `draws`")
	case !o.bounded():
		return errors.New("`bound: iwae` weighs draws from a posterior, and there is none")
	case len(o.Prog.Checked.Model.Losses) > 0:
		return errors.New("`bound: iwae` weighs likelihoods, and there are loss terms besides")
	}
	return nil
}

// bounded reports whether the loss is a bound of the evidence: draws come from posteriors that an
// encoder has made.
func (o *Objective) bounded() bool { return o.encoder != nil && o.Prog.Model.Divergence != nil }

// group is how many runs that follow each other have one loss.
func (d *draws) group() int {
	if d.importance {
		return d.copies
	}
	return 1
}

// begin turns to a set of draws: the weight of set 0 is that at the end.
func (b *bound) begin(set int) {
	b.weight = b.ramp.At(math.MaxInt)
	if set > 0 {
		b.weight = b.ramp.At(set - 1)
	}
}

// Encode sets what encoders make of trajectories at the coordinates x among what these are
// given, for runs that are not those of the loss.
func Encode(ctx context.Context, o *Objective, x []float64, list []*problem.Trajectory) error {
	if o.encoder == nil {
		return nil
	}
	p := o.Space.SharedAt(x, o.Natural)
	o.encoder.Bind(ctx, p, o.Space.Scales)
	return o.encoder.Fill(ctx, o.Space, o.Natural, list)
}

// encoding is what a worker encodes: the trajectories of a block.
type encoding struct {
	worker *encoder.Worker // nil: there is no encoder
	first  int             // number of the first, copies as one
	list   []*problem.Trajectory
	q      []float64
}

// encode runs the encoder over the trajectories of the block.
func (s *Worker) encode(sum *Chunk) bool {
	o, t, c := s.objective, &s.objective.Task, s.objective.copies
	e := &s.encoding
	if e.worker == nil {
		return true
	}
	e.first, e.list = s.from/c, e.list[:0]
	for i := e.first; i*c < s.to; i++ {
		e.list = append(e.list, t.Trajectories[i*c])
	}
	i, fail := e.worker.Do(e.list, func(it *problem.Trajectory) []float64 {
		e.q = o.Space.OwnInputs(o.Natural, it, e.q)
		return e.q
	}, t.keeps())
	if sum.Fail = fail; fail != nil {
		sum.At = max(s.from, (e.first+i)*c)
	}
	return fail == nil
}

// decode takes the cotangents of the block's runs back through the encoder.
func (s *Worker) decode(sum *Chunk) {
	e := &s.encoding
	if e.worker == nil {
		return
	}
	for _, l := range s.Block {
		e.worker.Add(l.Index/s.objective.copies-e.first, l.QBar)
	}
	e.worker.Backward(func(i int, pBar, qBar []float64) {
		s.objective.Space.Pullback(pBar, qBar, e.list[i], sum.NaturalBar)
	})
}

// weigh evaluates the loss of a run of the block. The last of a group gives each its share of
// the derivatives of the group's loss, and that.
func (s *Worker) weigh(l *Run) {
	o, w := s.objective, s.Worker
	size := o.group()
	if l.Traj.Fail != nil || l.Traj.Saved < len(l.Span.Saves) {
		return
	}
	l.loss = 0
	for i := range l.rows {
		r := l.rows[i]
		k := r.Save()
		w.System.RowAt(l.Span.Saves[k], l.Traj.SaveY.At(k), l.Traj.SaveD.At(k), l.Traj.BeforeY.At(k), l.Traj.BeforeD.At(k), r.Data(), r.Seen(), r.Inputs(), s.own(l, r))
		w.System.Row.Run.Run()
		l.loss += w.System.Row.Run.Value[0]
	}
	for _, e := range l.pointProcess {
		l.loss += l.Traj.Y[o.Prog.Model.Events[e].Likelihood]
	}
	d := w.System.Divergence.Run
	d.Run()
	l.loss += o.bound.weight * d.Value[1]
	at := l.Index - s.from
	if at%size < size-1 {
		return
	}
	group := s.Block[at+1-size : at+1]
	least := math.Inf(1)
	for _, g := range group {
		least = math.Min(least, g.loss)
	}
	sum := 0.
	for _, g := range group {
		sum += math.Exp(least - g.loss)
	}
	for _, g := range group {
		g.share = float64(size) * math.Exp(least-g.loss) / sum
		g.joint = least - math.Log(sum/float64(size))
	}
}

// divergence is what the posteriors of a run cost and, where copies are weighed, by how
// much the bound is closer than the mean of theirs.
type divergence struct{ o *Objective }

func (p *divergence) terms() []string {
	if !p.o.bounded() {
		return nil
	}
	return []string{"kl", "importance"}
}

func (p *divergence) likelihood() bool { return true }

func (p *divergence) notSquares() string {
	switch {
	case p.o.encoder == nil:
		return ""
	case !p.o.bounded():
		return "an encoder reads the data, which is differentiated backwards"
	}
	return "it is a bound of the evidence, by an encoder"
}

func (p *divergence) end(r *Run, t *Task, sums []float64) {
	if len(sums) == 0 {
		return
	}
	s, which := r.Model.System, 0
	if p.o.importance {
		which = 1
	}
	f := &s.Divergence
	f.Run.Run()
	v := p.o.bound.weight * f.Run.Value[which]
	sums[0] += v
	if r.loss += v; p.o.importance {
		sums[1] += r.joint - r.loss
		r.loss = r.joint
	}
	if t.Grad != nil && f.VJP != nil {
		clear(f.Ct)
		f.Ct[which] = p.o.bound.weight * t.PerValue * r.share
		f.VJP.Run()
		r.Model.Collect()
	}
}

func (p *divergence) total(e *evaluation, sums []float64) {
	for i, name := range p.terms() {
		if i == 0 || p.o.importance {
			e.report(name, sums[i]*e.perValue)
		}
	}
}

// addEncoder gives a loss the encoder of its trajectories, of which n run at once.
func addEncoder(o *Objective, n int, opt encoder.Options) error {
	var err error
	if o.encoder, err = encoder.New(o.Prog, n, opt); err != nil || o.encoder == nil {
		return err
	}
	return Bound(o, false, fit.Curriculum{})
}

// full reports whether the block takes no further run. With an encoder it does not end early:
// that would have to run again.
func (s *Worker) full() bool {
	t := &s.objective.Task
	return s.next == s.to || t.Ctx.Err() != nil || s.encoding.worker == nil && (t.keeps() && s.taped() > blockWords || len(s.Block) >= engine.MaxLanes && s.saved > savedWords)
}

// addWeights adds what the encoder's runs add to the gradient by weights.
func (e *encoding) addWeights(g []float64, from int) {
	if e.worker != nil {
		e.worker.TakeWeights(g, from, true)
	}
}

// clearWeights forgets the gradient by weights.
func (s *Worker) clearWeights() {
	s.Worker.ClearWeights()
	if s.encoding.worker != nil {
		s.encoding.worker.ClearWeights()
	}
}
