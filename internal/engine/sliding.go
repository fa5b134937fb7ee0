package engine

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"

	"github.com/pinode/pinode/compiler"
	"github.com/pinode/pinode/compiler/exec"
	"github.com/pinode/pinode/compiler/place"
	"github.com/pinode/pinode/sim"
)

// sliding is the motion of a system along a number of surfaces at once, or along several.
type sliding struct {
	rhs, exits Function
	exitRates  []float64
	flow       []float64 // room for accelerations
	g, rate, y []float64
}

func newSliding(p *compiler.Program, mod *exec.Module, f *exec.Frame, get func(program place.Program, value place.Output) Function) (list []*sliding) {
	for n := 1; ; n++ {
		w := &sliding{rhs: get(place.Slide(n), place.Rates), exits: get(place.Exits(n), place.Guard)}
		if w.rhs.Run == nil {
			return list
		}
		w.exitRates = place.Rate.In(f, w.exits.Run.code)
		w.flow, w.y = make([]float64, p.Model.Layout.NY), make([]float64, p.Model.Layout.NY)
		w.g, w.rate = make([]float64, p.NumGuards), make([]float64, p.NumGuards)
		list = append(list, w)
	}
}

// slidingAt returns the motion that the modes of d ask for, told of its surfaces; nil
// where it is along none.
func (s *base) slidingAt(d []float64) *sliding {
	if len(s.slides) == 0 {
		return nil
	}
	n := s.slidesAlong(d, s.now)
	if n == 0 {
		return nil
	}
	return s.slides[n-1]
}

// surfaces are inputs that tell a program along which surfaces the solution slides: by
// surface, 1 at its modes, and at its guard.
type surfaces struct{ on, at [compiler.MaxSlides][]float64 }

func newSurfaces(f *exec.Frame, on, at func(k int) place.Input) (w surfaces) {
	for k := range w.on {
		w.on[k], w.at[k] = on(k).In(f), at(k).In(f)
	}
	return w
}

// slidesAlong is along how many surfaces the modes of d ask to slide, or compiler.Several; it
// tells of them.
func (s *base) slidesAlong(d []float64, to surfaces) int {
	s.along = s.along[:0]
	if len(s.slides) == 0 || len(d) == 0 {
		return 0
	}
	for _, w := range s.Prog.Model.Switches {
		if sim.Slides(d[w.Mode]) && !slices.Contains(s.along, w.Guard) {
			s.along = append(s.along, w.Guard)
		}
	}
	if len(s.along) > compiler.MaxSlides { // programs along several read the modes
		return compiler.Several
	}
	for k, guard := range s.along {
		clear(to.on[k])
		clear(to.at[k])
		if to.at[k] != nil {
			to.at[k][guard] = 1
		}
		for _, x := range s.Prog.Model.Switches {
			if x.Guard == guard && to.on[k] != nil {
				to.on[k][x.Mode] = 1
			}
		}
	}
	return len(s.along)
}

// exit is the place of the two exits of surface k, of those that the modes asked for last, among
// what the program of the exits gives.
func (s *base) exit(k int) int {
	if len(s.along) > compiler.MaxSlides {
		k = slices.Index(s.Prog.Surfaces(), s.along[k])
	}
	return 2 * k
}

// setExits sets the exits of the surfaces of a motion, and the others to 1.
func (s *base) setExits(w *sliding, g, rate []float64) {
	w.exits.Run.Run()
	for i := range g {
		g[i], rate[i] = 1, 0
	}
	for k := range s.along {
		at := s.exit(k)
		copy(g[2*k:2*k+2], w.exits.Run.Value[at:])
		copy(rate[2*k:2*k+2], w.exitRates[at:])
	}
}

// variants are a function of what the discontinuities are at a state, by along how
// many surfaces, or several, the solution slides there, and did before the instant.
type variants [compiler.Several + 1][compiler.Several + 1]Function

// newVariants returns that of a name, for so many kinds of motion along surfaces.
func newVariants(program place.Program, value place.Output, most int, get func(program place.Program, value place.Output) Function) *variants {
	r := &variants{{get(program, value)}}
	for n := 0; n <= most; n++ {
		for nb := 0; nb <= most; nb++ {
			if n == 0 && nb == 0 {
				continue
			}
			f := get(program.Along(n, nb), value)
			if f.Run == nil && nb > 0 { // it does not read both
				if f = r[n][0]; n == 0 || f.Run == r[0][0].Run {
					f = r[0][nb]
				}
			}
			if f.Run == nil {
				f = r[0][0]
			}
			r[n][nb] = f
		}
	}
	return r
}

// Choose chooses what rows, observations and outputs are at a discrete state, db
// before the instant.
func (s *System) Choose(d, db []float64) {
	if s.Size.Exits == 0 && s.Row.Run != nil { // nothing slides: there is no choice
		return
	}
	n, nb := s.slidesAlong(d, s.now), s.slidesAlong(db, s.then)
	s.Row, s.Obs, s.Outputs = s.rows[n][nb], s.preds[n][nb].Run, s.Outs[n][nb].Run
}

// SlidesRow reports whether the row that was chosen is that of a sliding motion.
func (s *System) SlidesRow() bool { return s.Row.Run != s.rows[0][0].Run }

// guardsSliding sets the guards along the sliding motion; accelerations are
// differences of rates.
func (s *guardPrograms) guardsSliding(w *sliding, t float64, y, d []float64, held []bool, g, rate, accel []float64) {
	exits := s.Size.Guards - s.Size.Exits
	own := exits - s.Size.Releases
	look := func(t float64, y, g, rate []float64) {
		s.within(t, y, d)
		run(w.rhs.Run, w.flow)
		for i, h := range held {
			if h {
				w.flow[i] = 0
			}
		}
		copy(s.flow, w.flow)
		run(s.look, g[:own])
		copy(rate, s.lookRates)
		if own < exits {
			s.guards.Run.Run()
			copy(g[own:], s.guards.Run.Value[own:])
			copy(rate[own:], s.rates[own:])
		}
		s.setExits(w, g[exits:], rate[exits:])
	}
	look(t, y, g, rate)
	if accel == nil {
		return
	}
	step := 1e-6 * math.Max(1, math.Abs(t))
	if speed := floats.Norm(w.flow, 2); speed > 0 {
		if least := 1e-6 * math.Max(floats.Norm(y, 2)/speed, 1e-6*math.Abs(t)); least > 0 { // not where all begins at zero
			step = math.Min(step, least)
		}
	}
	for i := range y {
		w.y[i] = y[i] + step*w.flow[i]
	}
	look(t+step, w.y, w.g, w.rate)
	for i := range accel {
		accel[i] = (w.rate[i] - rate[i]) / step
	}
}
