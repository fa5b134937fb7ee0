package pinode

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"

	"github.com/pinode/pinode/compiler"
	"github.com/pinode/pinode/compiler/exec"
	"github.com/pinode/pinode/sim"
)

// sliding is the motion of a system along a number of surfaces at once.
type sliding struct {
	rhs, exits function
	exitRates  []float64
	on, at     [][]float64 // by surface: 1 at its mode, and at its guard
	flow       []float64   // room for accelerations
	g, rate, y []float64
}

func newSliding(p *compiler.Program, mod *exec.Module, f *exec.Frame, get func(name, value string) function) (list []*sliding) {
	for n := 1; ; n++ {
		w := &sliding{rhs: get(fmt.Sprintf("slide%d", n), "dy"), exits: get(fmt.Sprintf("exits%d", n), "g")}
		if w.rhs.run == nil {
			return list
		}
		w.exitRates = w.exits.run.code.Output(f, "rate")
		for k := range n {
			w.on = append(w.on, f.Input(fmt.Sprintf("on%d", k+1)))
			w.at = append(w.at, f.Input(fmt.Sprintf("at%d", k+1)))
		}
		w.flow, w.y = make([]float64, p.Model.Layout.NY), make([]float64, p.Model.Layout.NY)
		w.g, w.rate = make([]float64, p.NumGuards), make([]float64, p.NumGuards)
		list = append(list, w)
	}
}

// slid returns the motion that the modes of d ask for, told of its surfaces; nil
// where it is along none.
func (s *system) slid(d []float64) *sliding {
	if len(s.slides) == 0 {
		return nil
	}
	n, along := 0, [compiler.MaxSlides]int{}
	for _, w := range s.prog.Model.Switches {
		if sim.Slides(d[w.Mode]) && !slices.Contains(along[:n], w.Guard) {
			along[n] = w.Guard
			n++
		}
	}
	if n == 0 {
		return nil
	}
	w := s.slides[n-1]
	for k, guard := range along[:n] {
		clear(w.on[k])
		clear(w.at[k])
		if w.at[k] != nil {
			w.at[k][guard] = 1
		}
		for _, x := range s.prog.Model.Switches {
			if x.Guard == guard && w.on[k] != nil {
				w.on[k][x.Mode] = 1
			}
		}
	}
	return w
}

// guardsSliding sets the guards along the sliding motion; accelerations are
// differences of rates.
func (s *system) guardsSliding(w *sliding, t float64, y, d []float64, held []bool, g, rate, accel []float64) {
	exits := s.size.Guards - s.size.Exits
	own := exits - s.size.Releases
	look := func(t float64, y, g, rate []float64) {
		s.at(t, y, d)
		run(w.rhs.run, w.flow)
		for i, h := range held {
			if h {
				w.flow[i] = 0
			}
		}
		copy(s.flow, w.flow)
		run(s.look, g[:own])
		copy(rate, s.lookRates)
		if own < exits {
			s.guards.run.run()
			copy(g[own:], s.guards.run.v[own:])
			copy(rate[own:], s.rates[own:])
		}
		run(w.exits.run, g[exits:])
		copy(rate[exits:], w.exitRates)
	}
	look(t, y, g, rate)
	if accel == nil {
		return
	}
	step := 1e-6 * math.Max(1, math.Abs(t))
	if speed := floats.Norm(w.flow, 2); speed > 0 {
		step = math.Min(step, 1e-6*math.Max(floats.Norm(y, 2)/speed, 1e-6*math.Abs(t)))
	}
	for i := range y {
		w.y[i] = y[i] + step*w.flow[i]
	}
	look(t+step, w.y, w.g, w.rate)
	for i := range accel {
		accel[i] = (w.rate[i] - rate[i]) / step
	}
}
