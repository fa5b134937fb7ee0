package explain

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/pinode/pinode/compiler"
	"github.com/pinode/pinode/compiler/check"
	"github.com/pinode/pinode/compiler/lower"
	"github.com/pinode/pinode/sim"
)

// Failure says what went wrong in a run: the state, the term of the model
// where it happened, and its place in the source.
func Failure(p *compiler.Program, f *sim.Failure) string {
	cm := p.Checked.Model
	var b strings.Builder
	b.WriteString(f.Detail)
	for _, i := range append([]int{f.Guard}, guardsOf(p, f.Switches)...) {
		b.WriteString(guardText(p, i))
	}
	if f.State >= 0 && f.State < p.Model.Layout.NUser {
		at, name := stateAt(p, f.State)
		law, span := at.Law()
		value := ""
		if f.State < len(f.Y) && f.Status == sim.StepTooSmall {
			value = strings.TrimRight(fmt.Sprintf(" = %.4g %s", f.Y[f.State], unitText(cm, &at.Obj)), " ")
		}
		fmt.Fprintf(&b, ": `%s`%s, by the equation at %s: %s", name, value, span.Pos(), law)
	} else if d := undefinedDiscrete(p, f); d != "" {
		b.WriteString(d)
	} else if n := len(f.Y); n > 0 && f.Event < 0 && f.Guard < 0 && (f.Status == sim.Unstable || f.Status == sim.StepTooSmall) {
		worst, at, size := -1, (*check.State)(nil), -1.
		for _, s := range p.Model.Layout.States {
			for k := range s.N {
				if v := math.Abs(f.Y[s.Off+k]); v > size || math.IsNaN(v) {
					worst, at, size = k, s.Object.(*check.State), v
				}
			}
		}
		if at != nil {
			law, span := at.Law()
			fmt.Fprintf(&b, "; `%s` = %.4g %s, by the equation at %s: %s", lower.ElementName(&at.Obj, worst), f.Y[stateOffset(p, at)+worst],
				unitText(cm, &at.Obj), span.Pos(), law)
		}
	}
	if f.EndsBehind {
		b.WriteString("; say what holds there, as in `if h > 0 then -k*sqrt(h) else 0`")
	}
	if at := p.Checked.Model.Steady; at != nil && f.Status == sim.NoSteady {
		fmt.Fprintf(&b, " (`start steady` at %s)", at.Span.Pos())
	}
	if f.Status == sim.MaxSteps && f.Stiffest > 0 {
		st, name := stateAt(p, f.Stiffest-1)
		fmt.Fprintf(&b, "; the model is stiff: stability, and not the error, held down most of them, most of all for `%s`, by the equation at %s",
			name, lawAt(st))
	}
	if f.Event >= 0 {
		ev := p.Model.Events[f.Event].Checked
		fmt.Fprintf(&b, " (event `%s`, %s)", ev.Name, ev.Span.Pos())
		if f.Status == sim.ZenoLimit && len(p.Model.Events[f.Event].RestTargets) == 0 {
			b.WriteString("; say in its body what then: `zeno rest { … }`, `zeno pass` or `zeno stop`")
		}
	}
	return b.String()
}

// undefinedDiscrete names a discrete variable that is no number where a run failed,
// for the end of a sentence.
func undefinedDiscrete(p *compiler.Program, f *sim.Failure) string {
	if f.Status != sim.Unstable {
		return ""
	}
	for _, s := range p.Model.Layout.Discretes {
		for k := range s.N {
			if i := s.Off + k; i < len(f.D) && math.IsNaN(f.D[i]) {
				o := s.Object.Info()
				return fmt.Sprintf("; the discrete variable `%s` at %s is not a number", lower.ElementName(o, k), o.Span.Pos())
			}
		}
	}
	return ""
}

// lawAt is where the equation of a state stands.
func lawAt(st *check.State) string {
	_, at := st.Law()
	return at.Pos().String()
}

// guardsOf are the guards of switches.
func guardsOf(p *compiler.Program, switches []int) (list []int) {
	for _, i := range switches {
		list = append(list, switchGuard(p, i))
	}
	return list
}

// switchGuard is the guard of a switch as runs number them: those of one guard are one.
func switchGuard(p *compiler.Program, i int) int {
	var guards []int
	for _, w := range p.Model.Switches {
		if !slices.Contains(guards, w.Guard) {
			guards = append(guards, w.Guard)
		}
	}
	return guards[i]
}

func stateOffset(p *compiler.Program, st *check.State) int {
	for _, s := range p.Model.Layout.States {
		if s.Object == check.Object(st) {
			return s.Off
		}
	}
	return 0
}

// Unproven says in how many steps of runs nothing proves that no crossing of a guard
// was missed, and of which guard; nothing if there are none.
func Unproven(p *compiler.Program, st *sim.Stats) string {
	if st.Unproven == 0 {
		return ""
	}
	return fmt.Sprintf("in %s it is not proved that nothing crossed unseen%s; a smaller `rtol`, or shorter steps, leave less room for it",
		Steps(st.Unproven), guardText(p, st.UnprovenGuard))
}

// Steps is a number of steps, for a sentence.
func Steps(n int) string {
	if n == 1 {
		return "1 step"
	}
	return fmt.Sprintf("%d steps", n)
}

// guardText names a guard of the model and its place, for the end of a sentence.
func guardText(p *compiler.Program, i int) string {
	if i < 0 || i >= len(p.Model.Guards) {
		return ""
	}
	g := &p.Model.Guards[i]
	return fmt.Sprintf(", of `%s` at %s", g.Text, g.Span.Pos())
}

// RunError is a run that failed.
type RunError struct {
	Trajectory string
	Fail       *sim.Failure
	Text       string
}

func (e *RunError) Error() string {
	at := ""
	if e.Trajectory != "" {
		at = "trajectory " + e.Trajectory + ", "
	}
	return fmt.Sprintf("%st = %.6g: %s", at, e.Fail.T, e.Text)
}

// Unwrap gives the failure of the run.
func (e *RunError) Unwrap() error { return e.Fail }
