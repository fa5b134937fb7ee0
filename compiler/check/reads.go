package check

// reads is a set of what an expression depends on.
type reads uint16

const (
	readsTime reads = 1 << iota
	readsState
	readsDiscrete
	readsSignal // an input
	readsParam
	readsCovariate
	readsRow // data of the trajectory: first(y), slope(y)
	readsData
	readsArgument // of an event
	readsDraw
	readsRowDraw // of a row
	readsSpace   // a coordinate
	readsEncoded // what an encoder has made of what is measured
)

func (r reads) String() string {
	for i, s := range [...]string{"the time", "a state", "a discrete variable", "an input", "a parameter", "a covariate", "the trajectory's data", "measured values", "an argument of an event", "a draw", "a draw of each row", "a coordinate", "a result of an encoder"} {
		if r&(1<<i) != 0 {
			return s
		}
	}
	return "nothing"
}

// leaf is what one expression itself reads, without its parts.
func leaf(x *Expr) reads {
	switch x.Kind {
	case FirstOf, SlopeOf:
		return readsRow
	case DataOf, Observed:
		return readsData
	case Ref:
	default:
		return 0
	}
	switch x.Object.(type) {
	case *Time:
		return readsTime
	case *State:
		return readsState
	case *Discrete:
		return readsDiscrete
	case *Input:
		return readsSignal
	case *Param:
		return readsParam
	case *Covariate:
		return readsCovariate
	case *EventArg:
		return readsArgument
	case *Draw:
		if x.Object.(*Draw).Row() {
			return readsRowDraw
		}
		return readsDraw
	case *Coordinate:
		return readsSpace
	case *Encoded:
		return readsEncoded
	}
	return 0
}

// walk visits an expression and all its parts, through the lets that it
// refers to. It stops where visit returns false.
func walk(x *Expr, visit func(*Expr) bool) { walker{visit, map[*Let]bool{}}.walk(x) }

type walker struct {
	visit func(*Expr) bool
	seen  map[*Let]bool
}

func (w walker) walk(x *Expr) {
	if x == nil || !w.visit(x) {
		return
	}
	if l, ok := x.Object.(*Let); ok && x.Kind == Ref && !w.seen[l] {
		w.seen[l] = true
		w.walk(l.Value)
	}
	for i, a := range x.Args {
		if i > 0 && a == x.Args[i-1] { // a repeated scalar
			continue
		}
		w.walk(a)
	}
	w.walk(x.Body)
}

// readsOf is everything that an expression depends on.
func readsOf(x *Expr) reads {
	r := reads(0)
	walk(x, func(x *Expr) bool {
		r |= leaf(x)
		return true
	})
	return r
}

// objectsOf are the states, discrete variables and the like that an
// expression depends on.
func objectsOf(x *Expr) map[Object]bool {
	out := map[Object]bool{}
	walk(x, func(x *Expr) bool {
		if x.Kind == Ref {
			out[x.Object] = true
		}
		return true
	})
	return out
}
