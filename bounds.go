package pinode

import (
	"github.com/pinode/pinode/compiler/exec"
	"github.com/pinode/pinode/data"
	"github.com/pinode/pinode/events"
	"github.com/pinode/pinode/sim"
)

// boxed is the program for bounds of guards, with what it reads and gives.
type boxed struct {
	code                   *exec.Program // nil: there are no guards
	t, y, f, u, ut         [2][]float64  // lower and upper bounds
	lo, hi, rateLo, rateHi []float64
}

func newBoxed(mod *exec.Module, f *exec.Frame) boxed {
	b := boxed{code: mod.Program("bounds")}
	if b.code == nil {
		return b
	}
	for name, to := range map[string]*[2][]float64{"t": &b.t, "y": &b.y, "f": &b.f, "u": &b.u, "ut": &b.ut} {
		to[0], to[1] = f.Input(name+"lo"), f.Input(name+"hi")
	}
	for name, to := range map[string]*[]float64{"lo": &b.lo, "hi": &b.hi, "ratelo": &b.rateLo, "ratehi": &b.rateHi} {
		*to = b.code.Output(f, name)
	}
	return b
}

// Bounds implements sim.Bounded.
func (s *system) Bounds(box *sim.Box, d []float64, to *events.Bounds) bool {
	b := &s.boxed
	if b.code == nil {
		return false
	}
	copy(s.d, d)
	for i, v := range [2]float64{box.TLo, box.THi} {
		if b.t[i] != nil {
			b.t[i][0] = v
		}
	}
	copy(b.y[0], box.YLo)
	copy(b.y[1], box.YHi)
	copy(b.f[0], box.FlowLo)
	copy(b.f[1], box.FlowHi)
	b.signals(s.signals, box)
	b.code.Run(s.frame)
	copy(to.Lo, b.lo)
	copy(to.Hi, b.hi)
	copy(to.RateLo, b.rateLo)
	copy(to.RateHi, b.rateHi)
	return true
}

// signals bounds the signals over the times of a box.
func (b *boxed) signals(list []*data.Interpolant, box *sim.Box) {
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
