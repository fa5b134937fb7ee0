package engine

import (
	"math"

	"github.com/pinode/pinode/compiler/exec"
	"github.com/pinode/pinode/compiler/place"
	"github.com/pinode/pinode/data"
	"github.com/pinode/pinode/events"
	"github.com/pinode/pinode/sim"
)

// guardBounds are the programs for bounds of guards, with what they read and give.
type guardBounds struct {
	own, exits     boxProgram
	t, y, f, u, ut [2][]float64 // lower and upper bounds
}

// boxProgram is one of them, without code where there are no such guards.
type boxProgram struct {
	code  *exec.Program
	gives events.Bounds
}

func newGuardBounds(mod *exec.Module, f *exec.Frame) guardBounds {
	b := guardBounds{own: newBoxProgram(mod, f, place.Bounds), exits: newBoxProgram(mod, f, place.SlideBounds)}
	for box, to := range map[place.Box]*[2][]float64{
		place.TimeBox: &b.t, place.StatesBox: &b.y, place.FlowBox: &b.f, place.SignalsBox: &b.u, place.SignalRatesBox: &b.ut,
	} {
		to[0], to[1] = box.Lo.In(f), box.Hi.In(f)
	}
	return b
}

func newBoxProgram(mod *exec.Module, f *exec.Frame, program place.Program) boxProgram {
	p := boxProgram{code: program.In(mod)}
	if p.code != nil {
		out := func(o place.Output) []float64 { return o.In(f, p.code) }
		p.gives = events.Bounds{Lo: out(place.Lo), Hi: out(place.Hi), RateLo: out(place.RateLo), RateHi: out(place.RateHi)}
	}
	return p
}

// run puts what the program gives behind the first guards.
func (p *boxProgram) run(f *exec.Frame, to *events.Bounds, first int) {
	if p.code == nil {
		return
	}
	p.code.Run(f)
	copy(to.Lo[first:], p.gives.Lo)
	copy(to.Hi[first:], p.gives.Hi)
	copy(to.RateLo[first:], p.gives.RateLo)
	copy(to.RateHi[first:], p.gives.RateHi)
}

// Bounds implements sim.Bounded.
func (s *guardPrograms) Bounds(box *sim.Box, d []float64, to *events.Bounds) bool {
	b := &s.bounds
	if b.own.code == nil && b.exits.code == nil {
		return false
	}
	copy(s.D, d)
	for i, v := range [2]float64{box.TLo, box.THi} {
		if b.t[i] != nil {
			b.t[i][0] = v
		}
	}
	copy(b.y[0], box.YLo)
	copy(b.y[1], box.YHi)
	copy(b.f[0], box.FlowLo)
	copy(b.f[1], box.FlowHi)
	b.signals(s.Signals, box)
	b.own.run(s.Frame, to, 0)
	exits := s.Size.Guards - s.Size.Exits
	for i := exits; i < s.Size.Guards; i++ { // of more than one surface they are not known
		to.Lo[i], to.Hi[i], to.RateLo[i], to.RateHi[i] = math.NaN(), math.NaN(), math.NaN(), math.NaN()
	}
	if s.slidesAlong(d, s.now) == 1 {
		b.exits.run(s.Frame, to, exits)
	}
	return true
}

// signals bounds the signals over the times of a box.
func (b *guardBounds) signals(list []*data.Interpolant, box *sim.Box) {
	for k, g := range list {
		lo, hi, rateLo, rateHi := g.Range(box.TLo, box.THi)
		for i, v := range [2][2]float64{{lo, rateLo}, {hi, rateHi}} {
			if b.u[i] != nil {
				b.u[i][k] = v[0]
			}
			if b.ut[i] != nil {
				b.ut[i][k] = v[1]
			}
		}
	}
}
