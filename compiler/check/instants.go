package check

import (
	"math"

	"github.com/pinode/pinode/dsl"
)

// What happens, or cannot happen, at an instant.

// ownJumps refuses observations whose own measurement moves what they predict:
// their errors would be those of the event.
func (e *analysis) ownJumps() {
	for _, ev := range e.m.Events {
		if ev.Kind != dsl.TriggerOnObservation || ev.After != nil && !isZero(ev.After) {
			continue
		}
		for _, o := range ev.Of {
			if o.Weight == 0 || o.Value == nil {
				continue
			}
			read := elementsRead{}
			read.add(o.Value, map[*Let]bool{})
			if o.Dist != nil { // a spread that the measurement sets is as good
				for _, a := range o.Dist.Args {
					read.add(a, map[*Let]bool{})
				}
			}
			for _, a := range ev.Assigns {
				if read.overlap(a) {
					e.errOwnJump(ev, o, a)
					break
				}
			}
		}
	}
}

// elementsRead are the elements of states and discrete variables whose values
// after an instant an expression reads.
type elementsRead map[Object][][2]int

func (r elementsRead) add(x *Expr, seen map[*Let]bool) {
	if x == nil || x.Kind == Before {
		return
	}
	root, off := x, 0
	for root.Kind == Slice {
		off += root.Offset
		root = root.Args[0]
	}
	if root.Kind == Ref {
		switch o := root.Object.(type) {
		case *State, *Discrete:
			r[o] = append(r[o], [2]int{off, off + x.Shape.Size()})
		case *Let:
			if !seen[o] {
				seen[o] = true
				r.add(o.Value, seen)
			}
		}
		return
	}
	for _, a := range x.Args {
		r.add(a, seen)
	}
	r.add(x.Body, seen)
}

func (r elementsRead) overlap(a *Assign) bool {
	for _, at := range r[a.Target] {
		if at[0] < a.Offset+a.Value.Shape.Size() && a.Offset < at[1] {
			return true
		}
	}
	return false
}

// neverFires warns of events at a constant time that is not behind the start of
// any run, as far as the file says where these start.
func (e *analysis) neverFires(p *Program) {
	start, ok := e.earliestStart(p)
	if !ok {
		return
	}
	for _, ev := range e.m.Events {
		if ev.Kind != dsl.TriggerAt || ev.At == nil {
			continue
		}
		if c, constant := fold(ev.At); constant && (c[0] < start || c[0] == start && !ev.AtStart) {
			e.warnNeverFires(ev, c[0], start)
		}
	}
}

// earliestStart is where the first run of the file starts; false where rows of
// data decide it.
func (e *analysis) earliestStart(p *Program) (float64, bool) {
	otherwise := e.m.Time.From
	if math.IsNaN(otherwise) {
		if otherwise = 0; len(p.Data) > 0 && len(e.m.StartsOfData()) > 0 {
			return 0, false
		}
	}
	start := math.Inf(1)
	for _, d := range p.Data {
		switch d.From.Kind {
		case StartNumber:
			start = min(start, d.From.Value)
		case StartDefault:
			start = min(start, otherwise)
		default:
			return 0, false
		}
	}
	if s := p.Simulate; s != nil && s.Values.Given("from") {
		start = min(start, s.Values.Float("from"))
	} else if len(p.Data) == 0 {
		start = otherwise
	}
	return start, true
}

// Second is a second in the unit of the time; 0 where that is none of times.
func (m *Model) Second() float64 {
	if s, ok := m.Units.Lookup("s"); ok && m.Time.Unit.SameDimension(s) {
		return s.Factor(m.Time.Unit)
	}
	return 0
}

// StartsOfData are the uses of first(y) in initial values: a trajectory with
// one starts at a measurement of y.
func (m *Model) StartsOfData() (out []*Expr) {
	var find func(x *Expr)
	find = func(x *Expr) {
		walk(x, func(x *Expr) bool {
			if x.Kind == FirstOf {
				out = append(out, x)
			}
			if p, ok := x.Object.(*Param); ok && x.Kind == Ref && p.Fixed {
				find(p.Init)
			}
			return true
		})
	}
	for _, s := range m.States {
		find(s.Init)
	}
	for _, d := range m.Discretes {
		find(d.Init)
	}
	return out
}
