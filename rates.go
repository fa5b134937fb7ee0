package pinode

import (
	"math/rand/v2"

	"github.com/pinode/pinode/fit"
	"github.com/pinode/pinode/sim"
)

// neverFires raises a threshold beyond what an integrated intensity reaches.
const neverFires = 1e300

// draws returns the thresholds of a trajectory's events with a rate, or nil
// for a model without any: reproducible from the seed, the number of the
// trajectory, the event and the number of its firing. Events whose firings
// data tell do not fire by themselves.
func (m *Model) draws(seed uint64, trajectory int, told []int) func(event, k int) float64 {
	any := false
	for _, e := range m.prog.Model.Events {
		any = any || e.Rate != nil
	}
	if !any {
		return nil
	}
	streams := map[int]*rand.Rand{}
	return func(event, k int) float64 {
		for _, e := range told {
			if e == event {
				return neverFires
			}
		}
		if k == 0 { // a run starts
			streams[event] = fit.Stream(seed, "rate "+m.prog.Model.Events[event].Checked.Name, trajectory)
		}
		return streams[event].ExpFloat64()
	}
}

// told counts the firings of a span that data tell of events with a rate.
func (it *item) told(span *sim.Span) (n int) {
	for _, f := range span.Firings {
		for _, e := range it.rated {
			if f.Event == e {
				n++
			}
		}
	}
	return n
}
