package lower

import (
	"github.com/pinode/pinode/compiler/check"
	"github.com/pinode/pinode/compiler/ir"
	"github.com/pinode/pinode/dsl"
)

// positive adds the event that nothing fires and that sets to zero what is below it, of states that are
// declared `>= 0`.
func (l *events) positive() {
	var of *check.State
	e := Event{Likelihood: -1, Threshold: -1}
	var next []*ir.Node
	for _, s := range l.out.Layout.States {
		if st := s.Object.(*check.State); st.NonNegative {
			of = st
			for k := s.Off; k < s.Off+s.N; k++ {
				next = append(next, l.b.Apply(ir.OpMax, l.b.Elem(l.out.In.Y, k), l.b.Const(0)))
				e.Targets, e.Adds = append(e.Targets, k), append(e.Adds, false)
			}
		}
	}
	if of == nil {
		return
	}
	if l.levels > 0 {
		l.diags.Errorf("not-supported", of.Span, "`state %s >= 0` is not supported yet in a model with `mode: project`, which moves states as well", of.Name)
	}
	e.Checked = &check.Event{Obj: check.Obj{Name: "positive", Span: of.Span}, Kind: dsl.TriggerAt}
	e.Jump = l.b.Concat(next...)
	l.out.Events = append(l.out.Events, e)
	l.out.Positive = len(l.out.Events)
}
