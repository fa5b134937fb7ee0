package pinode

import (
	"github.com/pinode/pinode/compiler/exec"
	"github.com/pinode/pinode/solvers"
)

// rowLanes evaluates the losses of several rows side by side, of whatever
// trajectories.
type rowLanes struct {
	frame    *exec.Frame
	run, vjp *program
	in       []rowInput
	s        []float64
	ct       []float64
	bp, bq   []float64
	blk      *solvers.Block

	of   []*lossRun // the run of each lane's row
	save []int
}

// rowInput is an input of rows, and its place in a system.
type rowInput struct{ to, from []float64 }

// newRowLanes returns room for rows on a frame of their own, whose inputs come
// from a system.
func newRowLanes(mod *exec.Module, sys *system) *rowLanes {
	f := mod.NewFrame()
	r := &rowLanes{
		frame: f, run: newProgram(mod, f, "row", "loss"), vjp: newProgram(mod, f, "row.vjp", "loss"),
		s: f.Input("s"), ct: f.Input("ct.row"),
		bp: f.Input("acc.bp"), bq: f.Input("acc.bq"),
		blk: &solvers.Block{Width: mod.Lanes()},
	}
	for name, from := range map[string][]float64{
		"t": sys.t, "y": sys.y, "d": sys.d, "u": sys.u, "ut": sys.ut, "q": sys.q,
		"data": sys.datum, "seen": sys.seen, "yb": sys.yb, "db": sys.db,
	} {
		if to := f.Input(name); to != nil {
			r.in = append(r.in, rowInput{to, from})
		}
	}
	return r
}

// put takes over the row that stands in the system, at a save of a run, and
// reports whether all lanes are taken.
func (r *rowLanes) put(l *lossRun, save int) bool {
	lane := len(r.of)
	r.of, r.save = append(r.of, l), append(r.save, save)
	for _, in := range r.in {
		r.blk.Scatter(in.to, in.from, lane)
	}
	return len(r.of) == r.blk.Width
}

// flush evaluates the rows and, with a weight, their derivatives.
func (r *rowLanes) flush(sum *chunk, weight float64, grad bool) {
	if len(r.of) == 0 {
		return
	}
	w := r.blk.Width
	prog := r.run
	if grad {
		prog = r.vjp
		for l := range w {
			r.frame.Idle(l, l >= len(r.of))
			r.ct[l] = weight
		}
		clear(r.bp)
		clear(r.bq)
	}
	prog.run()
	for lane, l := range r.of {
		l.loss += prog.v[lane]
		for i := lane; i < len(prog.terms); i += w {
			sum.terms[i/w] += prog.terms[i]
		}
		if !grad {
			continue
		}
		k := r.save[lane]
		for _, c := range []rowInput{
			{l.ct.Y[k], prog.by}, {l.ct.D[k], prog.bd}, {l.ct.BeforeY[k], prog.byb}, {l.ct.BeforeD[k], prog.bdb}, {l.bp, r.bp}, {l.bq, r.bq},
		} {
			for i := lane; i < len(c.from); i += w {
				c.to[i/w] += c.from[i]
			}
		}
	}
	r.of, r.save = r.of[:0], r.save[:0]
}
