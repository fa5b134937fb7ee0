package pinode

import (
	"fmt"
	"math"
	"strings"

	"github.com/pinode/pinode/compiler/check"
	"github.com/pinode/pinode/compiler/lower"
	"github.com/pinode/pinode/sim"
)

// explain says what went wrong in a run: the state, the term of the model
// where it happened, and its place in the source.
func (m *Model) explain(f *sim.Failure) string {
	cm := m.prog.Checked.Model
	var b strings.Builder
	b.WriteString(f.Detail)
	for _, i := range append([]int{f.Guard}, m.guardsOf(f.Switches)...) {
		b.WriteString(m.guardText(i))
	}
	if f.State >= 0 && f.State < m.prog.Model.Layout.NUser {
		at, name := m.stateAt(f.State)
		fmt.Fprintf(&b, ": `%s`, by the equation at %s: %s' = %s", name, at.Deriv.Span.Pos(), at.Name, check.Text(at.Deriv))
	} else if n := len(f.Y); n > 0 && f.Event < 0 && f.Guard < 0 && (f.Status == sim.Unstable || f.Status == sim.StepTooSmall) {
		worst, at, size := -1, (*check.State)(nil), -1.
		for _, s := range m.prog.Model.Layout.States {
			for k := range s.N {
				if v := math.Abs(f.Y[s.Off+k]); v > size || math.IsNaN(v) {
					worst, at, size = k, s.Object.(*check.State), v
				}
			}
		}
		if at != nil {
			fmt.Fprintf(&b, "; `%s` = %.4g %s, by the equation at %s: %s' = %s", lower.ElementName(&at.Obj, worst), f.Y[stateOffset(m, at)+worst],
				unitText(cm, &at.Obj), at.Deriv.Span.Pos(), at.Name, check.Text(at.Deriv))
		}
	}
	if f.Status == sim.MaxSteps && f.Stiffest > 0 {
		st, name := m.stateAt(f.Stiffest - 1)
		fmt.Fprintf(&b, "; the model is stiff: stability, and not the error, held down most of them, most of all for `%s`, by the equation at %s",
			name, st.Deriv.Span.Pos())
	}
	if f.Event >= 0 {
		ev := m.prog.Model.Events[f.Event].Checked
		fmt.Fprintf(&b, " (event `%s`, %s)", ev.Name, ev.Span.Pos())
		if f.Status == sim.ZenoLimit {
			b.WriteString("; say in its body what then: `zeno rest { … }`, `zeno pass` or `zeno stop`")
		}
	}
	return b.String()
}

// guardsOf are the guards of switches.
func (m *Model) guardsOf(switches []int) (list []int) {
	for _, i := range switches {
		list = append(list, m.hybrid().Switches[i].Guard)
	}
	return list
}

func stateOffset(m *Model, st *check.State) int {
	for _, s := range m.prog.Model.Layout.States {
		if s.Object == check.Object(st) {
			return s.Off
		}
	}
	return 0
}

func unitText(m *check.Model, o *check.Obj) string {
	if o.Unit.Dimensionless() {
		return ""
	}
	return m.Units.Name(o.Unit)
}
