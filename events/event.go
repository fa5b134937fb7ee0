package events

// Kind says what triggers an event.
type Kind uint8

// The kinds of events.
const (
	When   Kind = iota // a condition turns true
	At                 // a scheduled time
	Every              // a period
	OnData             // a row of data, or the user's schedule
	OnObs              // an observation
	Never              // nothing: what it does is done when something else asks for it
)

// ZenoRule says what follows when the gaps of an event shrink to nothing.
type ZenoRule uint8

// The Zeno rules.
const (
	ZenoError ZenoRule = iota
	ZenoStop
	ZenoRest
	ZenoPass // go on beyond the limit
)

// Event is what the loop must know of an event to fire it.
type Event struct {
	Name string
	Kind Kind
	Cond *Cond // When

	Priority   float64
	Delayed    bool // has an `after`
	Late       bool // right-hand sides read the values at execution
	Persistent bool // executes though its trigger has become false
	AtStart    bool
	Terminate  bool
	Zeno       ZenoRule

	// Of an event that fires where an integrated intensity reaches a
	// threshold: 1 + the index of the threshold in D, which each firing
	// raises by a draw, its guard, and the index in Y of the integral.
	// 0: none.
	Threshold, RateGuard, Integral int

	Targets []int  // indices into [Y | D] that the jump assigns
	Adds    []bool // by target: the jump adds to what is there; nil: none does
	Rest    []int  // indices that `zeno rest` assigns and holds
	Release int    // guard whose crossing ends the rest, or −1
}

// Switch is a located discontinuity of the right-hand side, on the surface of a
// guard: the elements Modes of D follow the guard's side (1 above, 0 below), or, for
// a floor, the one element counts the crossings of Guard (x − m, downwards) and
// Upper (x − m − 1, upwards).
type Switch struct {
	Modes []int
	Guard int
	Floor bool
	Upper int

	// AtZero is the value of each mode where the state rests on the surface. Corner:
	// all terms agree there on both sides, so that nothing slides along it.
	AtZero []float64
	Corner bool

	// Root: the field has no value on one side, where a root of the guard has none; what rests on the
	// surface stays there.
	Root bool

	// Implicit: algebraic unknowns jump with the mode by equations that are not linear in them.
	Implicit bool

	// Trigger is the number, from 1, of an event whose condition reads a mode, so
	// that nothing may slide along the surface; 0 for none.
	Trigger int
}
