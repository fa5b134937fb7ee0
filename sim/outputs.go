package sim

import (
	"math"
	"slices"

	"github.com/pinode/pinode/jumps"
)

// Algebraic unknowns at saves inside of steps. The dense output has them to within its own
// error, which where they move fast is larger than that of steps; a step of Newton's method
// brings them to the constraints. States that are not to fall below zero, it has a little below.
// Derivatives go through these corrections too: cotangents before a sweep back begins, tangents
// behind one forwards.

// correctedSave is a save that was corrected.
type correctedSave struct {
	save    int
	event   int     // whose jump did so
	segment float64 // where the smooth piece of the inputs is that it lies in
	state   int     // offset in flat of y and d as they were before
}

// correctSave corrects save i, which has just been read from the dense output.
func (s *run) correctSave(i int) {
	for _, k := range s.hy.positive() {
		if s.out.SaveY.At(i)[k] < 0 {
			correctBy(s, s.hy.Positive-1, i)
			break
		}
	}
	if s.hy.Balance > 0 {
		correctBy(s, s.hy.Balance-1, i)
	}
}

// correctBy does so by the jump of an event that nothing fires.
func correctBy(s *run, e, i int) {
	s.use()
	targets := s.hy.Events[e].Targets
	y, d := s.out.SaveY.At(i), s.out.SaveD.At(i)
	s.saves.room = resize(s.saves.room, len(targets))
	next := s.saves.room
	s.model.Jump(e, s.span.Saves[i], y, d, nil, next)
	for _, v := range next {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return
		}
	}
	if !s.opt.Forget {
		s.saves.corrected = append(s.saves.corrected, correctedSave{i, e, s.t, s.tape.keep(y, d)})
	}
	jumps.Assign(y, d, targets, nil, next)
}

// correctedBack are the cotangents of saves as the dense output had them.
func (r *reverse) correctedBack(ct *Cotangents) *Cotangents {
	s := r.history
	if len(s.saves.corrected) == 0 {
		return ct
	}
	out := *ct
	n := len(s.span.Saves)
	copied := func(from *Rows, width int) (to Rows) {
		to.Clear(n, width)
		copy(to.flat, from.flat)
		return to
	}
	out.Y, out.BeforeY = copied(&ct.Y, s.size.Y), copied(&ct.BeforeY, s.size.Y)
	out.D, out.BeforeD = copied(&ct.D, s.size.D), copied(&ct.BeforeD, s.size.D)
	for _, b := range slices.Backward(s.saves.corrected) {
		i, targets := b.save, s.hy.Events[b.event].Targets
		v := r.vals[:len(targets)]
		y, d := s.tape.at(b.state, s.size.Y, s.size.D)
		s.segment(b.segment)
		for k, of := range [2][2]*Rows{{&out.Y, &out.D}, {&out.BeforeY, &out.BeforeD}} {
			if k == 1 && s.saves.separate[i] { // the value before an instant is no dense output
				break
			}
			yBar := of[0].At(i)
			for l, at := range targets {
				v[l], yBar[at] = yBar[at], 0
			}
			if !zero(v) {
				r.m.JumpVJP(b.event, s.span.Saves[i], y, d, nil, v, yBar, of[1].At(i))
			}
		}
	}
	r.collect()
	return &out
}

// correctedOn pushes the tangents of saves on through their corrections.
func (f *forward) correctedOn() {
	s, out := f.history, f.out
	for _, b := range s.saves.corrected {
		y, d := s.tape.at(b.state, s.size.Y, s.size.D)
		s.segment(b.segment)
		targets := s.hy.Events[b.event].Targets
		v := f.vals[:len(targets)]
		for k, of := range [2][2]*Rows{{&out.Y, &out.D}, {&out.BeforeY, &out.BeforeD}} {
			if k == 1 && s.saves.separate[b.save] {
				break
			}
			for c := range f.n {
				f.of.Column(c)
				gather(f.cy, of[0].At(b.save), c, f.n)
				gather(f.cd, of[1].At(b.save), c, f.n)
				f.m.JumpJVP(b.event, s.span.Saves[b.save], 0, y, f.cy, d, f.cd, nil, v)
				for l, k := range targets {
					of[0].At(b.save)[k*f.n+c] = v[l]
				}
			}
		}
	}
}
