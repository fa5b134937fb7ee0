package explain

import (
	"github.com/pinode/pinode/compiler"
	"github.com/pinode/pinode/dsl/diag"
	"github.com/pinode/pinode/sim"
)

// Crossings warns of events that runs have fired though the tolerances do not tell
// whether their guards cross, and of those that say nothing of a start on their surface.
func Crossings(p *compiler.Program, l *diag.List, stats []sim.Stats) {
	var sum sim.Stats
	for i := range stats {
		sum.Add(&stats[i])
	}
	if sum.Shallow > 0 && sum.ShallowGuard < len(p.Model.Guards) {
		g := &p.Model.Guards[sum.ShallowGuard]
		l.Warnf("shallow-crossing", g.Span, "`%s` turns at t = %.6g within %.1e of its surface only, which is less than the tolerances of the solver let the state be off: whether and when it does is not certain%s",
			g.Text, sum.ShallowT, sum.ShallowDepth, others(sum.Shallow)).
			WithHelp("smaller `rtol` and `atol` tell, unless the surface is touched exactly, or another motion comes to rest at that very instant: then the model leaves open what happens, or what the derivative of the time is")
	}
	if sum.Silent > 0 {
		ev := p.Model.Events[sum.SilentEvent].Checked
		l.Warnf("silent-start", ev.Cond.Span, "the condition of `%s` holds at the start, on its surface, and the motion leads on to where it holds: the event does not fire", ev.Name).
			WithHelp("events fire at the start with `at start`; a line `zeno rest { … }` lets the state rest there")
	}
}

// others says that there are more of what a warning is about.
func others(n int) string {
	if n < 2 {
		return ""
	}
	return "; and there are more such crossings"
}
