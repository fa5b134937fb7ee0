// Package encoder runs what a model uses `backward`: over the rows of a trajectory that are
// given, from the last to the start. What it has come to there are numbers of the
// trajectory, and cotangents of these go back through the run.
package encoder

import (
	"context"
	"sync"

	"github.com/pinode/pinode/compiler"
	"github.com/pinode/pinode/compiler/exec"
	"github.com/pinode/pinode/compiler/lower"
	"github.com/pinode/pinode/internal/engine"
	"github.com/pinode/pinode/internal/explain"
	"github.com/pinode/pinode/internal/problem"
	"github.com/pinode/pinode/sim"
)

// Encoder is that of a model.
type Encoder struct {
	Workers []*Worker

	prog    *compiler.Program
	runner  *engine.Runner
	own     []piece // from what a trajectory of the model has of its own to what its run here has
	scales  []piece // likewise
	results []piece // and what comes back
	known   int
	turn    int
	s       []float64 // room for scales
}

// piece is a run of numbers that stands in two places.
type piece struct{ from, to, n int }

// Options say how runs are done.
type Options struct {
	sim.Options
	Reverse  bool // they are differentiated
	Networks exec.Precision
	Workers  int // 0: one for each core
}

// New is the encoder of a model, for up to n runs at once; nil if it has none.
func New(c *engine.Compiled, n int, opt Options) (*Encoder, error) {
	if c.Encoder == nil {
		return nil, nil
	}
	of, err := engine.Once(c, "encoder", func() (*engine.Compiled, error) { return &engine.Compiled{Program: c.Encoder}, nil })
	if err != nil {
		return nil, err
	}
	opt.Sizes = nil // those of the states of the model
	e := &Encoder{prog: c.Encoder, s: make([]float64, c.Encoder.Model.Layout.NS)}
	want := compiler.Want{Reverse: opt.Reverse, Networks: opt.Networks}
	if e.runner, err = engine.NewRunner(of, opt.Options, n, want, false, opt.Workers); err != nil {
		return nil, err
	}
	e.connect(&c.Model.Layout, &c.Encoder.Model.Layout)
	for _, w := range e.runner.Workers {
		e.Workers = append(e.Workers, newWorker(e, w))
	}
	return e, nil
}

// connect notes where what both programs know stands in each. Parameters of keys are first
// in both, and in the same order.
func (e *Encoder) connect(main, back *lower.Layout) {
	e.own = append(e.own, piece{0, 0, main.NKey})
	at := 0
	for _, s := range main.Trajectory {
		switch s.Kind {
		case lower.FromEncoder:
			e.results = append(e.results, piece{at, s.Off, s.N})
			at += s.N
		case lower.FromKnown:
			e.known = s.Off
		}
		for _, t := range back.Trajectory {
			if s.Kind == t.Kind && s.Object == t.Object {
				e.own = append(e.own, piece{s.Off, t.Off, s.N})
			}
		}
	}
	for _, t := range back.Trajectory {
		if t.Kind == lower.FromTurn {
			e.turn = t.Off
		}
	}
	for _, s := range main.Scales {
		for _, t := range back.Scales {
			if s.Kind == t.Kind && s.Object == t.Object {
				e.scales = append(e.scales, piece{s.Off, t.Off, s.N})
			}
		}
	}
}

// Bind lets all runs read the shared parameters p, without a copy, and sets the scales.
func (e *Encoder) Bind(ctx context.Context, p, scales []float64) {
	for _, c := range e.scales {
		copy(e.s[c.to:c.to+c.n], scales[c.from:])
	}
	e.runner.Watch(ctx)
	e.runner.Bind(p, e.s)
}

// prepare makes the run over a trajectory one of a lane; q is what it has of its own.
func (e *Encoder) prepare(it *problem.Trajectory, q []float64, l *engine.LaneState) {
	back := it.TurnedBack(e.prog)
	l.Model.Q, l.Model.Signals = append(l.Model.Q[:0], back.Given...), back.Signals
	for _, c := range e.own {
		copy(l.Model.Q[c.to:c.to+c.n], q[c.from:])
	}
	l.Span = back.Span
	l.Job.Span = &l.Span
}

// finish evaluates the results of a run, or says why there are none.
func (e *Encoder) finish(l *engine.LaneState, w *engine.Worker, to []float64) *sim.Failure {
	tr := &l.Traj
	fail := tr.Fail
	if fail == nil && tr.Saved < len(l.Span.Saves) {
		fail = sim.NewFailure(sim.Terminated, tr.T, "its run ended before the start")
	}
	if fail != nil {
		return sim.NewFailure(fail.Status, l.Model.Q[e.turn]-fail.T, "the encoder: "+explain.Failure(e.prog, fail))
	}
	w.Group.Use(&l.Model)
	w.System.At(tr.T, tr.SaveY.At(0), tr.SaveD.At(0))
	w.System.Results.Run.Run()
	copy(to, w.System.Results.Run.Value)
	return nil
}

// put sets among what a trajectory has of its own the results, and that they are known.
func (e *Encoder) put(values, q []float64) {
	for _, c := range e.results {
		copy(q[c.to:c.to+c.n], values[c.from:])
	}
	q[e.known] = 1
}

// size is how many results there are.
func (e *Encoder) size() (n int) {
	for _, c := range e.results {
		n += c.n
	}
	return n
}

// Fill sets the results of trajectories, with the parameters that are bound and the natural
// values of those of keys, among what they are given from then on.
func (e *Encoder) Fill(ctx context.Context, sp *problem.Space, natural []float64, list []*problem.Trajectory) error {
	var one sync.Mutex
	var failed error
	first := len(list)
	e.runner.Run(ctx, len(list), func(i int, to *engine.BoundModel) *sim.Span {
		e.prepare(list[i], sp.OwnInputs(natural, list[i], nil), to.Lane)
		return &to.Lane.Span
	}, func(w *engine.Worker, l *engine.LaneState) bool {
		i := l.Index
		values := make([]float64, e.size())
		if fail := e.finish(l, w, values); fail != nil {
			one.Lock()
			defer one.Unlock()
			if i < first {
				first, failed = i, &explain.RunError{Trajectory: list[i].Name, Fail: fail, Text: fail.Detail}
			}
			return true
		}
		e.put(values, list[i].Given)
		return true
	})
	if err := ctx.Err(); err != nil {
		return err
	}
	return failed
}
