package sim

import (
	"math"

	"github.com/pinode/pinode/jumps"
)

// Algebraic unknowns at saves inside of steps. The dense output has them to within its own
// error, which where they move fast is larger than that of steps; a step of Newton's method
// brings them to the constraints. Derivatives go through that step too: cotangents before a
// sweep back begins, tangents behind one forwards.

// balancedSave is a save that was brought to the constraints.
type balancedSave struct {
	save    int
	segment float64 // where the smooth piece of the inputs is that it lies in
	state   int     // offset in flat of y and d as the dense output has them
}

// balanceSave brings save i, which has just been read from the dense output, to the
// constraints.
func (s *run) balanceSave(i int) {
	if s.hy.Balance == 0 {
		return
	}
	s.use()
	e := s.hy.Balance - 1
	targets := s.hy.Events[e].Targets
	y, d := s.out.SaveY[i], s.out.SaveD[i]
	s.saves.room = resize(s.saves.room, len(targets))
	next := s.saves.room
	s.model.Jump(e, s.span.Saves[i], y, d, nil, next)
	for _, v := range next {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return
		}
	}
	if !s.opt.Forget {
		s.saves.balanced = append(s.saves.balanced, balancedSave{i, s.t, s.tape.keep(y, d)})
	}
	jumps.Assign(y, d, targets, nil, next)
}

// balancedBack are the cotangents of saves as the dense output had them.
func (r *reverse) balancedBack(ct *Cotangents) *Cotangents {
	s := r.history
	if len(s.saves.balanced) == 0 {
		return ct
	}
	out := *ct
	n := len(s.span.Saves)
	copied := func(from [][]float64, width int) [][]float64 {
		to := rows(nil, n, width)
		for i := range from {
			copy(to[i], from[i])
		}
		return to
	}
	out.Y, out.BeforeY = copied(ct.Y, s.size.Y), copied(ct.BeforeY, s.size.Y)
	out.D, out.BeforeD = copied(ct.D, s.size.D), copied(ct.BeforeD, s.size.D)
	e := s.hy.Balance - 1
	targets := s.hy.Events[e].Targets
	v := r.vals[:len(targets)]
	for _, b := range s.saves.balanced {
		i := b.save
		y, d := s.tape.at(b.state, s.size.Y, s.size.D)
		s.segment(b.segment)
		for k, of := range [2][2][][]float64{{out.Y, out.D}, {out.BeforeY, out.BeforeD}} {
			if k == 1 && s.saves.separate[i] { // the value before an instant is no dense output
				break
			}
			yBar := of[0][i]
			for l, at := range targets {
				v[l], yBar[at] = yBar[at], 0
			}
			if !zero(v) {
				r.m.JumpVJP(e, s.span.Saves[i], y, d, nil, v, yBar, of[1][i])
			}
		}
	}
	r.collect()
	return &out
}

// balancedOn pushes the tangents of saves on to where these were brought.
func (f *forward) balancedOn() {
	s, out := f.history, f.out
	e := s.hy.Balance - 1
	for _, b := range s.saves.balanced {
		y, d := s.tape.at(b.state, s.size.Y, s.size.D)
		s.segment(b.segment)
		targets := s.hy.Events[e].Targets
		v := f.vals[:len(targets)]
		for k, of := range [2][2][][]float64{{out.Y, out.D}, {out.BeforeY, out.BeforeD}} {
			if k == 1 && s.saves.separate[b.save] {
				break
			}
			for c := range f.n {
				f.of.Column(c)
				gather(f.cy, of[0][b.save], c, f.n)
				gather(f.cd, of[1][b.save], c, f.n)
				f.m.JumpJVP(e, s.span.Saves[b.save], 0, y, f.cy, d, f.cd, nil, v)
				for l, k := range targets {
					of[0][b.save][k*f.n+c] = v[l]
				}
			}
		}
	}
}
