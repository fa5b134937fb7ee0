package simulate

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/pinode/pinode/compiler"
	"github.com/pinode/pinode/internal/explain"
	"github.com/pinode/pinode/sim"
)

// explanation says in lines what step control did in the runs, and what stopped it.
func explanation(p *compiler.Program, runs *ensemble, opt sim.Options, out *Simulation) string {
	var b strings.Builder
	line := func(what, format string, args ...any) {
		fmt.Fprintf(&b, "%-12s %s\n", what, fmt.Sprintf(format, args...))
	}
	st := &out.Stats
	switch {
	case opt.Stiff != nil:
		line("solver", "auto (%s, and %s for runs that are stiff), rtol %g, atol %s", opt.Method.Name, opt.Stiff.Name, opt.RTol, absolute(opt))
	case opt.Method.Adaptive():
		line("solver", "%s, rtol %g, atol %s", opt.Method.Name, opt.RTol, absolute(opt))
	default:
		line("solver", "%s, step %g", opt.Method.Name, opt.Step)
	}
	if len(runs.of) > 1 {
		line("runs", "%d", len(runs.of))
	}
	line("steps", "%d accepted, %d rejected", st.Steps, st.Rejected)
	line("evaluations", "%d of the right-hand side", st.Evaluations)
	changes(line, runs.traces)
	lengths(line, runs.traces)
	if worst, name := explain.Stiffest(p, st); worst > 0 {
		line("stability", "and not the error held down some %d steps, most of all for `%s`", worst, name)
	} else if opt.Method.Adaptive() {
		line("stability", "held down no steps that were looked at")
	}
	line("switches", "%d turns of conditions in the right-hand side", st.Turns)
	line("events", "%s", fired(out.Trajectories))
	if st.Lifted > 0 {
		line("below zero", "%s that led a state below zero which is declared `>= 0`: taken again, or set to zero within its tolerance", explain.Steps(st.Lifted))
	}
	if st.Unproven > 0 {
		line("unproven", "%s in which a crossing may have been missed", explain.Steps(st.Unproven))
	}
	return b.String()
}

// absolute are the absolute tolerances.
func absolute(opt sim.Options) string {
	if len(opt.Sizes) == 0 {
		return fmt.Sprintf("%g", opt.ATol)
	}
	return fmt.Sprintf("%.3g … %.3g by the sizes of the states", opt.ATol*slices.Min(opt.Sizes), opt.ATol*slices.Max(opt.Sizes))
}

// changes are when runs went on with another method.
func changes(line func(what, format string, args ...any), traces []sim.Trace) {
	const most = 6
	var list []string
	count := 0
	for i := range traces {
		for _, c := range traces[i].Changes {
			if count++; count <= most {
				list = append(list, fmt.Sprintf("%s from t = %.6g", c.Method, c.T))
			}
		}
	}
	if count > most {
		list = append(list, fmt.Sprintf("%d more", count-most))
	}
	if count > 0 {
		line("methods", "%s", strings.Join(list, ", "))
	}
}

// lengths are those of the accepted steps, and where steps were rejected.
func lengths(line func(what, format string, args ...any), traces []sim.Trace) {
	var all, rejected []sim.TracedStep
	for i := range traces {
		all, rejected = append(all, traces[i].Accepted...), append(rejected, traces[i].Rejected...)
	}
	if len(all) == 0 {
		return
	}
	slices.SortStableFunc(all, func(a, b sim.TracedStep) int { return cmp.Compare(a.H, b.H) })
	least, most := all[0], all[len(all)-1]
	line("lengths", "least %.3g at t = %.6g, median %.3g, largest %.3g at t = %.6g", least.H, least.T, all[len(all)/2].H, most.H, most.T)
	if len(rejected) > 0 {
		byTime := func(a, b sim.TracedStep) int { return cmp.Compare(a.T, b.T) }
		line("rejections", "between t = %.6g and %.6g", slices.MinFunc(rejected, byTime).T, slices.MaxFunc(rejected, byTime).T)
	}
}

// fired counts the events of runs by their names.
func fired(runs []*Trajectory) string {
	var names []string
	counts := map[string]int{}
	total := 0
	for _, tr := range runs {
		if tr == nil { // it failed
			continue
		}
		for _, e := range tr.Events {
			if counts[e.Name] == 0 {
				names = append(names, e.Name)
			}
			counts[e.Name]++
			total++
		}
	}
	if total == 0 {
		return "none"
	}
	for i, name := range names {
		names[i] = fmt.Sprintf("`%s` %d", name, counts[name])
	}
	return fmt.Sprintf("%d: %s", total, strings.Join(names, ", "))
}
