package problem

import (
	"slices"

	"github.com/pinode/pinode/compiler"
	"github.com/pinode/pinode/fit"
	"github.com/pinode/pinode/sim"
)

// Draws starts the draws of a trajectory's events with a rate, or is nil for a
// model without any: reproducible from the seed, the number of the trajectory,
// the event and the number of its firing. Events whose firings data tell do not
// fire by themselves.
func Draws(p *compiler.Program, seed uint64, trajectory int, told []int) func(event int) func() float64 {
	any := false
	for _, e := range p.Model.Events {
		any = any || e.Rate != nil
	}
	if !any {
		return nil
	}
	return func(event int) func() float64 {
		if slices.Contains(told, event) {
			return nil
		}
		return fit.Stream(seed, "rate "+p.Model.Events[event].Checked.Name, trajectory).ExpFloat64
	}
}

// ObservedFirings counts the firings of a span that data tell of events with a rate.
func (it *Trajectory) ObservedFirings(span *sim.Span) (n int) {
	for _, f := range span.Firings {
		for _, e := range it.PointProcess {
			if f.Event == e {
				n++
			}
		}
	}
	return n
}
