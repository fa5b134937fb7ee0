package events

import "slices"

// CondOp is the form of a condition.
type CondOp uint8

// The forms of a condition.
const (
	Below CondOp = iota // guard < 0
	Above               // guard > 0
	Cross               // either change of side, at its instant only
	Rise                // that from below to above
	Fall                // that from above to below
	Flag                // guard ≠ 0
	And
	Or
	Not
	Const // Value
)

// Cond is a condition over guards.
type Cond struct {
	Op        CondOp
	Guard     int
	Inclusive bool // Below, Above: true on the surface
	Value     bool
	Args      []*Cond
}

// Sides says on which side of its surface every guard is: −1 or +1, or 0
// for one that rests on it; for flags 0 or 1. It is carried from event to event
// and never read off the sign of a guard that an event has just been located on.
type Sides []int8

// Edges says which guards change sides at this instant: +1 for those that rise,
// −1 for those that fall, else 0.
type Edges []int8

// Holds evaluates the condition.
func (c *Cond) Holds(s Sides, at Edges) bool {
	switch c.Op {
	case Below:
		return s[c.Guard] < 0 || c.Inclusive && s[c.Guard] == 0
	case Above:
		return s[c.Guard] > 0 || c.Inclusive && s[c.Guard] == 0
	case Cross:
		return at != nil && at[c.Guard] != 0
	case Rise:
		return at != nil && at[c.Guard] > 0
	case Fall:
		return at != nil && at[c.Guard] < 0
	case Flag:
		return s[c.Guard] != 0
	case And:
		for _, a := range c.Args {
			if !a.Holds(s, at) {
				return false
			}
		}
		return true
	case Or:
		for _, a := range c.Args {
			if a.Holds(s, at) {
				return true
			}
		}
		return false
	case Not:
		return !c.Args[0].Holds(s, at)
	}
	return c.Value
}

// Stays evaluates the condition as one that what waits for its time depends on:
// where it asks for an edge, whether the guard is still beyond.
func (c *Cond) Stays(s Sides) bool {
	switch c.Op {
	case Cross:
		return true
	case Rise:
		return s[c.Guard] >= 0
	case Fall:
		return s[c.Guard] <= 0
	case And:
		return !slices.ContainsFunc(c.Args, func(a *Cond) bool { return !a.Stays(s) })
	case Or:
		return slices.ContainsFunc(c.Args, func(a *Cond) bool { return a.Stays(s) })
	}
	return c.Holds(s, nil)
}

// Guards appends the guards that the condition depends on.
func (c *Cond) Guards(to []int) []int {
	switch c.Op {
	case Below, Above, Cross, Rise, Fall, Flag:
		return append(to, c.Guard)
	}
	for _, a := range c.Args {
		to = a.Guards(to)
	}
	return to
}

// Reads reports whether the condition depends on a guard.
func (c *Cond) Reads(guard int) bool {
	switch c.Op {
	case Below, Above, Cross, Rise, Fall, Flag:
		return c.Guard == guard
	}
	return slices.ContainsFunc(c.Args, func(a *Cond) bool { return a.Reads(guard) })
}
