package events

// CondOp is the form of a condition.
type CondOp uint8

// The forms of a condition.
const (
	Below CondOp = iota // guard < 0
	Above               // guard > 0
	Cross               // either sign change, at its instant only
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
	Inclusive bool // Below, Above: true on the surface at the initial time
	Value     bool
	Args      []*Cond
}

// Sides says on which side of its surface every guard stands: −1 or +1, and
// for flags 0 or 1. It is carried from event to event and never read off the
// sign of a guard that an event has just been located on.
type Sides []int8

// Holds evaluates the condition. crossed is the guard that is crossing at
// this instant, for Cross, or −1.
func (c *Cond) Holds(s Sides, crossed int) bool {
	switch c.Op {
	case Below:
		return s[c.Guard] < 0
	case Above:
		return s[c.Guard] > 0
	case Cross:
		return c.Guard == crossed
	case Flag:
		return s[c.Guard] != 0
	case And:
		for _, a := range c.Args {
			if !a.Holds(s, crossed) {
				return false
			}
		}
		return true
	case Or:
		for _, a := range c.Args {
			if a.Holds(s, crossed) {
				return true
			}
		}
		return false
	case Not:
		return !c.Args[0].Holds(s, crossed)
	}
	return c.Value
}

// HoldsAt evaluates the condition at the initial time on the guards' values,
// where < and <= differ on the surface itself.
func (c *Cond) HoldsAt(g []float64) bool {
	switch c.Op {
	case Below:
		return g[c.Guard] < 0 || c.Inclusive && g[c.Guard] == 0
	case Above:
		return g[c.Guard] > 0 || c.Inclusive && g[c.Guard] == 0
	case Cross:
		return false
	case Flag:
		return g[c.Guard] != 0
	case And:
		for _, a := range c.Args {
			if !a.HoldsAt(g) {
				return false
			}
		}
		return true
	case Or:
		for _, a := range c.Args {
			if a.HoldsAt(g) {
				return true
			}
		}
		return false
	case Not:
		return !c.Args[0].HoldsAt(g)
	}
	return c.Value
}

// Guards appends the guards that the condition depends on.
func (c *Cond) Guards(to []int) []int {
	switch c.Op {
	case Below, Above, Cross, Flag:
		return append(to, c.Guard)
	}
	for _, a := range c.Args {
		to = a.Guards(to)
	}
	return to
}
