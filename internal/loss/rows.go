package loss

import (
	"github.com/pinode/pinode/compiler/exec"
	"github.com/pinode/pinode/compiler/place"
	"github.com/pinode/pinode/internal/engine"
	"github.com/pinode/pinode/solvers"
)

// rowBatch evaluates the losses of several rows side by side, of whatever
// trajectories.
type rowBatch struct {
	frame      *exec.Frame
	run, vjp   *engine.Program
	in         []rowInput
	s          []float64
	ct         []float64
	pBar, qBar []float64
	blk        *solvers.Block

	runs  []*Run // the run of each lane's row
	saves []int
}

// rowInput is an input of rows, and its place in a system.
type rowInput struct{ to, from []float64 }

// newRowBatch returns room for rows on a frame of their own, whose inputs come
// from a system.
func newRowBatch(mod *exec.Module, sys *engine.System) *rowBatch {
	f := mod.NewFrame()
	r := &rowBatch{
		frame: f, run: engine.NewProgram(mod, f, place.Row, place.Loss), vjp: engine.NewProgram(mod, f, place.Row.VJP(), place.Loss),
		s: place.Scales.In(f), ct: place.Row.Ct().In(f),
		pBar: place.PBar.Into.In(f), qBar: place.QBar.Into.In(f),
		blk: &solvers.Block{Width: mod.Lanes()},
	}
	for p, from := range rowInputs(sys) {
		if to := p.In(f); to != nil {
			r.in = append(r.in, rowInput{to, from})
		}
	}
	return r
}

// rowInputs is what rows read of a system that differs between them.
func rowInputs(sys *engine.System) map[place.Input][]float64 {
	return map[place.Input][]float64{
		place.Time: sys.T, place.States: sys.Y, place.Discretes: sys.D, place.Signals: sys.U, place.SignalRates: sys.Ut, place.Own: sys.Q,
		place.Data: sys.Data, place.Seen: sys.Seen, place.OfRow: sys.OfRow, place.StatesBefore: sys.Yb, place.DiscretesBefore: sys.Db,
		place.SignalsBefore: sys.Ub, place.SignalRatesBefore: sys.Utb,
	}
}

// add takes over the row that the system is at, a save of a run, and
// reports whether all lanes are taken.
func (r *rowBatch) add(l *Run, save int) bool {
	lane := len(r.runs)
	r.runs, r.saves = append(r.runs, l), append(r.saves, save)
	for _, in := range r.in {
		r.blk.Scatter(in.to, in.from, lane)
	}
	return len(r.runs) == r.blk.Width
}

// flush evaluates the rows and, with a weight, their derivatives.
func (r *rowBatch) flush(sum *Chunk, weight float64, grad bool) {
	if len(r.runs) == 0 {
		return
	}
	w := r.blk.Width
	prog := r.run
	if grad {
		prog = r.vjp
		for l := range w {
			r.frame.Idle(l, l >= len(r.runs))
			r.ct[l] = weight
		}
		clear(r.pBar)
		clear(r.qBar)
	}
	prog.Run()
	for lane, l := range r.runs {
		l.loss += prog.Value[lane]
		for i := lane; i < len(prog.Terms); i += w {
			sum.sums[rowsPart][i/w] += prog.Terms[i]
		}
		if !grad {
			continue
		}
		k := r.saves[lane]
		for _, c := range []rowInput{
			{l.Ct.Y[k], prog.YBar}, {l.Ct.D[k], prog.DBar}, {l.Ct.BeforeY[k], prog.BeforeYBar}, {l.Ct.BeforeD[k], prog.BeforeDBar}, {l.PBar, r.pBar}, {l.QBar, r.qBar},
		} {
			for i := lane; i < len(c.from); i += w {
				c.to[i/w] += c.from[i]
			}
		}
	}
	r.runs, r.saves = r.runs[:0], r.saves[:0]
}
