package pinode

import (
	"fmt"
	"math"
	"slices"
)

// instant lets everything happen that falls on the present time: sides
// change, events fire, and what they change may fire and cancel others.
func (r *refRun) instant(flips []refFlip) error {
	var flipped, left []int
	for _, f := range flips {
		switch f.kind {
		case "switch":
			flipped = append(flipped, f.i)
		case "exit":
			left = append(left, f.i)
		}
	}
	slid, weights := slices.Clone(r.slide), slices.Clone(r.weight)
	for _, i := range left {
		up, down := r.pull(i)
		r.slide = slices.DeleteFunc(r.slide, func(k int) bool { return k == i })
		r.out = append(r.out, r.t)
		r.weight[i] = 0
		if up > 0 && up > -down {
			r.weight[i] = 1
		}
	}
	if err := r.settle(flipped, left...); err != nil {
		return err
	}
	turned := !slices.Equal(slid, r.slide) || !slices.Equal(weights, r.weight)
	edges := map[int]bool{}
	for _, f := range flips {
		if f.kind != "compare" {
			continue
		}
		c := &r.guards[f.i]
		first, second := r.bends(c.guard)
		old := r.side[f.i]
		switch {
		case math.Abs(first) <= refFlat && math.Abs(second) <= 1e-4:
			r.side[f.i] = !c.strict
			r.rests++
		case turned && math.Abs(first) > refFlat:
			r.side[f.i] = first > 0
		case turned:
			r.side[f.i] = second > 0
		default:
			r.side[f.i] = !old
		}
		if r.side[f.i] != old {
			edges[f.i] = true
		}
	}
	pending := r.triggered(edges, nil)
	for i := range r.m.events {
		if r.m.events[i].first.at != nil && r.next[i] <= r.t+refTie {
			pending = r.fire(i, pending)
			r.schedule(i)
		}
	}
	for _, d := range r.delayed {
		if d.due <= r.t+refTie {
			pending = append(pending, d)
		}
	}
	r.delayed = slices.DeleteFunc(r.delayed, func(d refFiring) bool { return d.due <= r.t+refTie })
	return r.microSteps(pending)
}

// schedule sets the next time of an event.
func (r *refRun) schedule(i int) {
	e := r.m.events[i]
	if e.every == nil {
		r.next[i] = math.Inf(1)
		return
	}
	r.times[i]++
	r.next[i] = e.first.at(r) + float64(r.times[i])*e.every.at(r)
	if e.until != nil && r.next[i] > e.until.at(r)+refTie {
		r.next[i] = math.Inf(1)
	}
}

// fire adds an event to those that wait, here or for its delay.
func (r *refRun) fire(i int, pending []refFiring) []refFiring {
	e := r.m.events[i]
	f := refFiring{event: i, due: r.t, t: r.t, y: slices.Clone(r.y)}
	if e.priority != nil {
		f.priority = e.priority.at(r)
	}
	if e.after != nil {
		f.due += e.after.at(r)
		r.delayed = append(r.delayed, f)
		return pending
	}
	return append(pending, f)
}

// triggered compares the conditions with what they were: what turned true
// fires, what turned false is dropped.
func (r *refRun) triggered(edges map[int]bool, pending []refFiring) []refFiring {
	for i, e := range r.m.events {
		if len(e.all) == 0 {
			continue
		}
		if e.edge != 0 {
			if c := e.compares[0]; edges[c] && (e.edge == 2 || r.side[c] == (e.edge == 1)) {
				pending = r.fire(i, pending)
			}
			continue
		}
		now := r.holds(i)
		if !now && r.on[i] && !e.persistent {
			drop := func(f refFiring) bool { return f.event == i }
			pending, r.delayed = slices.DeleteFunc(pending, drop), slices.DeleteFunc(r.delayed, drop)
		}
		if now && !r.on[i] {
			pending = r.fire(i, pending)
		}
		r.on[i] = now
	}
	return pending
}

// microSteps executes what waits, the highest priority first. Comparisons that are
// put onto their surface, or turn back there, are what they are at equality until
// nothing waits any more; then they are what the motion leads to.
func (r *refRun) microSteps(pending []refFiring) error {
	count, on := make([]int, len(r.m.events)), map[int]bool{}
	for !r.finished {
		if len(pending) == 0 {
			for i := range on {
				r.side[i] = r.sideOf(i)
			}
			clear(on)
			if pending = r.triggered(nil, pending); len(pending) == 0 {
				break
			}
		}
		best := 0
		for k := range pending {
			if pending[k].priority > pending[best].priority {
				best = k
			}
		}
		f := pending[best]
		pending = slices.Delete(pending, best, best+1)
		if count[f.event]++; count[f.event] > 100 {
			return fmt.Errorf("no end of events at %g", r.t)
		}
		changed := r.execute(f)
		r.log = append(r.log, refFired{r.m.events[f.event].name, r.t})
		if err := r.settle(nil); err != nil {
			return err
		}
		for i := range r.guards {
			c, side := &r.guards[i], r.side[i]
			moved, there := c.guard.reads&changed != 0, math.Abs(c.guard.at(r)) <= refNear
			switch {
			case there && (moved || side && !r.sideOf(i)):
				side, on[i] = !c.strict, true
			case moved:
				side = r.sideOf(i)
			}
			if side != r.side[i] && moved && r.edge(i) {
				return errVague // a jump across the guard of an edge
			}
			r.side[i] = side
		}
		pending = r.triggered(nil, pending)
	}
	return nil
}

// edge says whether a guard is that of an edge.
func (r *refRun) edge(i int) bool {
	return slices.ContainsFunc(r.m.events, func(e *refEvent) bool { return e.edge != 0 && slices.Contains(e.compares, i) })
}

// execute makes the assignments of an event: its right-hand sides read the
// values at the trigger, all targets move at once, and what is added is added
// to the values of now. It returns which variables changed.
func (r *refRun) execute(f refFiring) (changed uint64) {
	e := r.m.events[f.event]
	now, t := slices.Clone(r.y), r.t
	if !e.late {
		copy(r.y, f.y)
		r.t = f.t
	}
	values := make([]float64, len(e.sets))
	for k, s := range e.sets {
		values[k] = s.expr.at(r)
	}
	copy(r.y, now)
	r.t = t
	for k, s := range e.sets {
		if s.add {
			values[k] += now[s.to]
		}
		r.y[s.to] = values[k]
		if values[k] != now[s.to] {
			changed |= 1 << s.to
		}
	}
	r.finished = r.finished || e.terminate
	return changed
}
