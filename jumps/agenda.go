package jumps

// MaxMicroSteps is the number of micro-steps of one instant beyond which it
// counts as a livelock.
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
	// Timed is the index of the timed source that triggered it, or −1.
	Timed int
}

// Agenda holds the events of one instant that have fired and not executed.
// The zero value is empty.
type Agenda struct{ items []Item }

// Push adds an item behind those of its priority.
func (a *Agenda) Push(it Item) { a.items = append(a.items, it) }

// Pop removes the item of the highest priority, the first among equals.
func (a *Agenda) Pop() (it Item, ok bool) {
	if len(a.items) == 0 {
		return Item{}, false
	}
	best := 0
	for i, x := range a.items {
		if x.Priority > a.items[best].Priority {
			best = i
		}
	}
	it = a.items[best]
	a.items = append(a.items[:best], a.items[best+1:]...)
	return it, true
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
