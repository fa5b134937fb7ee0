package explain

import (
	"github.com/pinode/pinode/compiler"
	"github.com/pinode/pinode/compiler/check"
	"github.com/pinode/pinode/compiler/lower"
	"github.com/pinode/pinode/dsl/diag"
	"github.com/pinode/pinode/sim"
)

// leastStiff is the number of steps from which on a run that stability holds down
// for most of its way is called stiff: a model that only comes to rest takes few
// steps then.
const leastStiff = 1000

// stiff reports whether stability held down most of a run's steps.
func stiff(st *sim.Stats) bool { return st.Stiff >= leastStiff && 2*st.Stiff >= st.Steps+st.Rejected }

// Stiffest is how many steps stability held down, and the state for which most of all; 0 if
// none were seen.
func Stiffest(p *compiler.Program, st *sim.Stats) (steps int, name string) {
	if st.Stiff == 0 {
		return 0, ""
	}
	_, name = stateAt(p, st.Stiffest-1)
	return st.Stiff, name
}

// Stiffness warns of the stiffest of runs, if one is stiff.
func Stiffness(p *compiler.Program, l *diag.List, stats []sim.Stats, opt sim.Options) {
	var worst *sim.Stats
	runs := 0
	for i := range stats {
		if st := &stats[i]; stiff(st) {
			if runs++; worst == nil || st.Stiff > worst.Stiff {
				worst = st
			}
		}
	}
	if worst == nil {
		return
	}
	st, name := stateAt(p, worst.Stiffest-1)
	where := ""
	if len(stats) > 1 {
		where = " in the worst of them"
		if runs < len(stats) {
			where = " in the worst run"
		}
	}
	atol := opt.ATol
	if i := worst.Stiffest - 1; i < len(opt.Sizes) {
		atol *= opt.Sizes[i]
	}
	_, at := st.Law()
	l.Warnf("stiff", at, "the model is stiff: stability, and not the error, held down some %d of %d steps%s, most of all for `%s`",
		worst.Stiff, worst.Steps+worst.Rejected, where, name).
		WithHelp("an error of about `atol` = %g in each state may go unseen: values below %.3g, like those of `%s` may be, can be wrong by 1 %% and more; a smaller `atol` costs few steps here; `solver: auto` and `rodas5p` need not follow the fast part",
			atol, 100*atol, name)
}

// Astray warns of the first run in which a state that was lost in its absolute tolerance has grown out of it to the
// other side of zero.
func Astray(p *compiler.Program, l *diag.List, stats []sim.Stats, opt sim.Options) {
	for i := range stats {
		st := stats[i].Astray
		if st.State == 0 {
			continue
		}
		k := st.State - 1
		of, name := stateAt(p, k)
		_, at := of.Law()
		l.Warnf("below-atol", at, "`%s` was smaller than its absolute tolerance, `atol` = %.3g, when its error took it to the other side of zero, and has grown there, by t = %.4g to ten times what it ever was: what it grew from is error",
			name, atolOf(&opt, k), st.T).
			WithHelp("set `atol` far below the values of `%s` that matter, or leave it out, so that it follows the sizes of states; a state that cannot be negative may say so: `state %s >= 0`", name, of.Name)
		return
	}
}

// stateAt is the state at a place of the state vector, and the name of its element.
func stateAt(p *compiler.Program, i int) (*check.State, string) {
	for _, s := range p.Model.Layout.States {
		if i >= s.Off && i < s.Off+s.N {
			st := s.Object.(*check.State)
			return st, lower.ElementName(&st.Obj, i-s.Off)
		}
	}
	return nil, ""
}

// atolOf is the absolute tolerance of a state.
func atolOf(opt *sim.Options, state int) float64 {
	if state < len(opt.Sizes) {
		return opt.ATol * opt.Sizes[state]
	}
	return opt.ATol
}
