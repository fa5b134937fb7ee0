package problem

import (
	"slices"

	"github.com/pinode/pinode/compiler"
	"github.com/pinode/pinode/compiler/lower"
	"github.com/pinode/pinode/sim"
)

// TurnedBack is the run of an encoder over a trajectory: of the rows that are given, or of all
// where the data do not say, from the last to the start. Its clock goes on from the start
// as any, and the model's time is the sum of both ends less it. There is one save, at the end.
func (it *Trajectory) TurnedBack(p *compiler.Program) *Trajectory {
	if it.Encoded != nil {
		return it.Encoded
	}
	lay := &p.Model.Layout
	back := &Trajectory{Name: it.Name, Data: it.Data, Set: it.Set, Given: make([]float64, lay.NQ), Keys: it.Keys, Signals: it.Signals}
	back.measure(p, it.Data)
	if it.Data.Known != nil { // the data say which, and may say none
		back.Rows = slices.DeleteFunc(back.Rows, func(r Row) bool { return !r.Known() })
	}
	start, last := it.Span.T0, it.Span.T0
	if n := len(back.Rows); n > 0 {
		last = back.Rows[n-1].Time()
	}
	back.Span = sim.Span{T0: start, T1: last, Saves: []float64{last}}
	for _, r := range slices.Backward(back.Rows) {
		t, joint := start+last-r.Time(), false
		if r.Time() == start {
			t = last // but for rounding
		}
		for e, ev := range p.Model.Events {
			if r.fires(p, ev.Checked) {
				back.Span.Firings = append(back.Span.Firings, sim.Firing{T: t, Event: e, Args: r.arguments(), Joint: joint})
				joint = true
			}
		}
	}
	for _, s := range lay.Trajectory {
		if s.Kind == lower.FromTurn {
			back.Given[s.Off] = start + last
		}
	}
	it.Encoded = back
	return back
}
