package loss

import (
	"github.com/pinode/pinode/compiler/exec"
	"github.com/pinode/pinode/compiler/place"
	"github.com/pinode/pinode/internal/engine"
	"github.com/pinode/pinode/solvers"
)

// rowBatch evaluates the losses of several rows side by side, of whatever
// trajectories: in the lanes of a frame and, where rows use large networks, of
// several frames that run together.
type rowBatch struct {
	lead     *exec.Frame
	run, vjp *exec.Program
	frames   []rowFrame
	blk      *solvers.Block

	used, lane int    // where the next row goes
	runs       []*Run // the run of each lane's row
	saves      []int
}

// rowFrame has as many rows as it has lanes.
type rowFrame struct {
	frame      *exec.Frame
	run, vjp   *engine.Program
	in         []rowInput
	s          []float64
	ct         []float64
	pBar, qBar []float64
}

// rowInput is an input of rows, and its place in a system.
type rowInput struct{ to, from []float64 }

// newRowBatch returns room for rows on frames of their own, whose inputs come
// from a system.
func newRowBatch(mod *exec.Module, sys *engine.System) *rowBatch {
	r := &rowBatch{
		run: place.Row.In(mod), vjp: place.Row.VJP().In(mod),
		blk: &solvers.Block{Width: mod.Lanes()},
	}
	for _, f := range mod.NewFrames(mod.Together()) {
		one := rowFrame{
			frame: f, run: engine.NewProgram(mod, f, place.Row, place.Loss), vjp: engine.NewProgram(mod, f, place.Row.VJP(), place.Loss),
			s: place.Scales.In(f), ct: place.Row.Ct().In(f),
			pBar: place.PBar.Into.In(f), qBar: place.QBar.Into.In(f),
		}
		one.in = rowInputs(sys, f)
		r.frames = append(r.frames, one)
	}
	r.lead = r.frames[0].frame
	return r
}

// bind lets rows read the shared parameters p, and sets the scales.
func (r *rowBatch) bind(p, scales []float64) {
	r.lead.Bind("p", p)
	for i := range r.frames {
		copy(r.frames[i].s, scales)
	}
}

// rowInputs is what rows read of a system that differs between them, and where it goes in a frame.
func rowInputs(sys *engine.System, f *exec.Frame) (list []rowInput) {
	for p, from := range map[place.Input][]float64{
		place.Time: sys.T, place.States: sys.Y, place.Discretes: sys.D, place.Signals: sys.U, place.SignalRates: sys.Ut, place.Own: sys.Q,
		place.Data: sys.Data, place.Seen: sys.Seen, place.OfRow: sys.OfRow, place.StatesBefore: sys.Yb, place.DiscretesBefore: sys.Db,
		place.SignalsBefore: sys.Ub, place.SignalRatesBefore: sys.Utb,
	} {
		if to := p.In(f); to != nil {
			list = append(list, rowInput{to, from})
		}
	}
	return list
}

// add takes over the row that the system is at, a save of a run, and
// reports whether all lanes are taken.
func (r *rowBatch) add(l *Run, save int) bool {
	r.runs, r.saves = append(r.runs, l), append(r.saves, save)
	for _, in := range r.frames[r.used].in {
		r.blk.Scatter(in.to, in.from, r.lane)
	}
	if r.lane++; r.lane == r.blk.Width {
		r.used, r.lane = r.used+1, 0
	}
	return r.used == len(r.frames)
}

// flush evaluates the rows and, with a weight, their derivatives.
func (r *rowBatch) flush(sum *Chunk, weight float64, grad bool) {
	if len(r.runs) == 0 {
		return
	}
	w := r.blk.Width
	if r.lane > 0 { // idle lanes complete the last frame
		r.used++
	}
	frames := r.frames[:r.used]
	r.lead.Use(r.used)
	code := r.run
	if grad {
		code = r.vjp
		for k := range frames {
			frames[k].begin(r.runs[k*w:], weight)
		}
	}
	code.Run(r.lead)
	for k := range frames {
		first := k * w
		for lane, l := range r.runs[first:min(first+w, len(r.runs))] {
			frames[k].take(sum, l, r.saves[first+lane], lane, w, grad)
		}
	}
	r.used, r.lane, r.runs, r.saves = 0, 0, r.runs[:0], r.saves[:0]
}

// begin sets the weight of the rows in the frame, those of some runs, and which of its lanes have one.
func (f *rowFrame) begin(runs []*Run, weight float64) {
	for l := range f.ct {
		idle := l >= len(runs)
		f.frame.Idle(l, idle)
		if f.ct[l] = weight; !idle {
			f.ct[l] *= runs[l].share
		}
	}
	clear(f.pBar)
	clear(f.qBar)
}

// take adds what came out in a lane to a run, at one of its saves.
func (f *rowFrame) take(sum *Chunk, l *Run, save, lane, w int, grad bool) {
	prog := f.run
	if grad {
		prog = f.vjp
	}
	l.loss += prog.Value[lane]
	for i := lane; i < len(prog.Terms); i += w {
		sum.sums[rowsPart][i/w] += prog.Terms[i]
	}
	if !grad {
		return
	}
	for _, c := range []rowInput{
		{l.Ct.Y.At(save), prog.YBar}, {l.Ct.D.At(save), prog.DBar}, {l.Ct.BeforeY.At(save), prog.BeforeYBar}, {l.Ct.BeforeD.At(save), prog.BeforeDBar}, {l.PBar, f.pBar}, {l.QBar, f.qBar},
	} {
		for i := lane; i < len(c.from); i += w {
			c.to[i/w] += c.from[i]
		}
	}
}
