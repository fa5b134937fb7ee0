package check

import (
	"fmt"
	"math"
	"slices"

	"github.com/pinode/pinode/dsl/diag"
	"github.com/pinode/pinode/physics/units"
)

// Densities of states along the motion, from a known one at the start.

const exactDist = "exact"

// Flow is how the density of the states is carried along the motion: log p(z(t)) =
// log p(z(0)) − ∫ div, the change of variables of Chen, Rubanova, Bettencourt, Duvenaud,
// Neural ordinary differential equations, NeurIPS 2018, theorem 1.
type Flow struct {
	States []*State // all of them but Log
	Draws  []*Draw  // from which these start
	Log    *State   // minus the integral of the divergence
	Exact  *Observe // that of which this is the likelihood; nil: none

	// Back: the motion runs back from what is measured at the time Exact.At to From, where
	// the density is known.
	Back bool
	From float64

	asked []flowing
}

// flowing is a place that asks for the density of states.
type flowing struct {
	of      *Expr
	at      diag.Span
	observe *Observe // nil: logdensity
}

// flows lays out how densities are carried along.
type flows struct{ *objects }

// asks notes that something asks for the density.
func (e *flows) asks(w flowing) {
	if e.m.Flow == nil {
		e.m.Flow = &Flow{}
	}
	e.m.Flow.asked = append(e.m.Flow.asked, w)
}

// carry lays out how the density of states is carried along, where something asks for it.
func (e *flows) carry() {
	if e.m.Flow == nil || e.diags.Count(diag.Error) > 0 {
		return
	}
	f, at := e.m.Flow, e.m.Flow.asked[0].at
	refuse := func(span diag.Span, format string, args ...any) {
		e.diags.Errorf(noDensity, span, "%s, which the density of states cannot have", fmt.Sprintf(format, args...)).WithNote(at, "the density is asked for here")
	}
	from := map[*Draw]bool{}
	for _, s := range e.m.States {
		d, ok := s.Init.Object.(*Draw)
		switch {
		case s.Algebraic:
			refuse(s.Span, "`%s` is algebraic", s.Name)
		case !ok || s.Init.Kind != Ref || from[d]:
			refuse(s.Span, "`%s` does not start from a draw of its own", s.Name)
		default:
			from[d] = true
			f.States, f.Draws = append(f.States, s), append(f.Draws, d)
		}
	}
	for _, s := range f.States {
		for o := range objectsOf(s.Deriv) {
			if d, ok := o.(*Draw); ok && from[d] {
				refuse(s.Deriv.Span, "the motion reads the draw `%s` from which a state starts", d.Name)
			}
		}
	}
	switch m := e.m; {
	case len(m.Events) > 0:
		refuse(m.Events[0].Span, "there is the event `%s`", m.Events[0].Name)
	case len(m.Discretes) > 0:
		refuse(m.Discretes[0].Span, "there is the discrete variable `%s`", m.Discretes[0].Name)
	case m.Steady != nil:
		refuse(m.Steady.Span, "the run starts from a steady state")
	}
	for _, w := range f.asked {
		if e.diags.Count(diag.Error) == 0 {
			e.exactly(f, w)
		}
	}
	if e.diags.Count(diag.Error) > 0 {
		return
	}
	f.Log = &State{Obj: Obj{Name: "log_volume", Span: at, Unit: units.One}, Init: e.number(0, Shape{}, units.One, at)}
	sum := e.number(0, Shape{}, units.One, at)
	for _, s := range f.States {
		div := &Expr{Kind: Diff, Name: "div", Args: []*Expr{s.Deriv, {Kind: Ref, Object: s, Shape: s.Shape, Unit: s.Unit, Span: s.Span}}, Unit: units.One, Span: s.Deriv.Span}
		if s.Shape.Rank == 2 {
			refuse(s.Span, "`%s` is a matrix", s.Name)
		}
		sum = &Expr{Kind: Op, Name: "sub", Args: []*Expr{sum, div}, Unit: units.One, Span: at}
	}
	f.Log.Deriv = sum
	e.m.States = append(e.m.States, f.Log)
}

// exactly checks one place that asks for a density: it names all states.
func (e *flows) exactly(f *Flow, w flowing) {
	seen := map[*State]bool{}
	var states func(x *Expr) bool
	states = func(x *Expr) bool {
		if s, ok := x.Object.(*State); ok && x.Kind == Ref && !seen[s] {
			seen[s] = true
			return true
		}
		return x.Kind == Stack && !slices.ContainsFunc(x.Args, func(a *Expr) bool { return a.Shape.Rank > 0 || !states(a) })
	}
	if w.of == nil {
		return
	}
	if !states(w.of) || len(seen) != len(f.States) {
		e.diags.Errorf(noDensity, w.of.Span, "the density is that of all states together, each once: write a vector state, or `[x, y]` of single ones")
	}
	o := w.observe
	switch {
	case o == nil:
		return
	case f.Exact != nil:
		e.diags.Errorf(noDensity, w.at, "there is one observation `~ exact`").WithNote(f.Exact.Span, "this is another")
	case o.At == nil:
		e.diags.Errorf(missingTime, o.Span, "an observation `~ exact` says when it is").WithHelp("write `at t = 1` before `~ exact`; the table has no times then, and each row is a draw")
	}
	if f.Exact = o; !math.IsNaN(e.m.Time.From) {
		f.From = e.m.Time.From
	}
	for _, other := range e.m.Observes {
		if other != o && other.Weight > 0 {
			e.diags.Errorf(noDensity, other.Span, "beside an observation `~ exact` there is no other: `%s`", other.Name).WithHelp("leave out its `=`, or give it the weight 0")
		}
	}
	for _, l := range e.m.Losses {
		e.diags.Errorf(noDensity, l.Span, "beside an observation `~ exact` there is no loss term")
	}
	for _, c := range e.m.Conserves {
		e.diags.Errorf(noDensity, c.Span, "beside an observation `~ exact` nothing is conserved")
	}
	for _, r := range e.m.Requires {
		e.diags.Errorf(noDensity, r.Span, "beside an observation `~ exact` nothing is required")
	}
}

// Backwards is the model whose motion runs back from what is measured, for the likelihood
// of an observation `~ exact`; nil if there is none.
func (m *Model) Backwards() *Model {
	if m.Flow == nil || m.Flow.Exact == nil {
		return nil
	}
	c, f := *m, *m.Flow
	f.Back = true
	c.Flow = &f
	return &c
}
