package jumps

import "slices"

// MaxMicroSteps is the number of firings of one event at one instant beyond which
// it counts as a livelock.
const MaxMicroSteps = 100

// Item is an event that has fired and waits for its turn in the instant.
type Item struct {
	Event    int
	Priority float64
	Guard    int // whose root triggered it at this instant, or −1
	Snap     int // of the values at the trigger
	Args     []float64

	// Due is set for assignments that were delayed until now.
	Due bool
	// Source is the number, from 1, of the time or row of data that triggered it or
	// that it waited for, among those of the instant; 0 where a condition did.
	Source int
}

// Agenda holds the events of one instant that have fired and not executed.
// The zero value is empty.
type Agenda struct{ items []Item }

// Push adds an item behind those of its priority.
func (a *Agenda) Push(it Item) { a.items = append(a.items, it) }

// Top is the item of the highest priority, the first among equals.
func (a *Agenda) Top() (it Item, ok bool) {
	if len(a.items) == 0 {
		return Item{}, false
	}
	return a.items[a.best()], true
}

// Pop removes it.
func (a *Agenda) Pop() (it Item, ok bool) {
	if len(a.items) == 0 {
		return Item{}, false
	}
	best := a.best()
	it = a.items[best]
	a.items = append(a.items[:best], a.items[best+1:]...)
	return it, true
}

func (a *Agenda) best() int {
	best := 0
	for i, x := range a.items {
		if x.Priority > a.items[best].Priority {
			best = i
		}
	}
	return best
}

// Rank gives every item the priority of its event.
func (a *Agenda) Rank(priorities []float64) {
	for i := range a.items {
		a.items[i].Priority = priorities[a.items[i].Event]
	}
}

// Has reports whether a firing of the event is there.
func (a *Agenda) Has(event int) bool {
	return a.Any(func(it Item) bool { return it.Event == event })
}

// Any reports whether there is an item of which is true.
func (a *Agenda) Any(of func(Item) bool) bool { return slices.ContainsFunc(a.items, of) }

// Drop removes the firings of an event that were not delayed until now.
func (a *Agenda) Drop(event int) {
	a.items = slices.DeleteFunc(a.items, func(it Item) bool { return it.Event == event && !it.Due })
}

// Len is the number of items.
func (a *Agenda) Len() int { return len(a.items) }

// Clear empties the agenda.
func (a *Agenda) Clear() { a.items = a.items[:0] }

// Assign puts the values into the state, or adds those of targets that add;
// targets index [y | d].
func Assign(y, d []float64, targets []int, adds []bool, v []float64) {
	for i, k := range targets {
		to := y
		if k >= len(y) {
			to, k = d, k-len(y)
		}
		if adds != nil && adds[i] {
			to[k] += v[i]
		} else {
			to[k] = v[i]
		}
	}
}
