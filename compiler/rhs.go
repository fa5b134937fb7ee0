package compiler

import (
	"fmt"
	"math"

	"github.com/pinode/pinode/compiler/exec"
	"github.com/pinode/pinode/compiler/place"
)

// RHS is the right-hand side of a model as a function, with its derivatives, for those
// who bring their own solver. It is for use by one goroutine; a program makes as many as
// are wanted.
//
// Vectors stand in the order of Program.States and Program.Parameters. Conditions take
// the branch in which time and state are; on the boundary itself, what the model says of
// equality. The fields are inputs of the model that are neither; they may be set between
// calls.
type RHS struct {
	Discretes  []float64 // as in Program.Discretes; 0 until Init or until set
	Inputs     []float64 // as in Program.Inputs
	Covariates []float64 // constants of a trajectory: covariates, first and slope values
	Scales     []float64 // of neural blocks and conserved quantities; 1 where the model leaves them open

	p            *Program
	frame        *exec.Frame
	states       int
	params       int
	eval         *exec.Program
	vjp, jvp     *exec.Program
	initY, initD *exec.Program
	guards       *exec.Program
	floors       *exec.Program
	d            []float64 // discrete variables, then the branches of conditions
}

// RHS compiles the right-hand side of the model.
func (p *Program) RHS() (*RHS, error) {
	mod, err := p.Module(1, Want{Reverse: true, Forward: true})
	if err != nil {
		return nil, err
	}
	lay := &p.Model.Layout
	f := &RHS{
		p: p, frame: mod.NewFrame(), states: lay.NUser, params: lay.NP + lay.NKey,
		eval: place.RHS.In(mod), vjp: place.RHS.VJP().In(mod), jvp: place.RHS.JVP().In(mod),
		initY: place.InitStates.In(mod), initD: place.InitDiscretes.In(mod), guards: place.Guards.In(mod), floors: place.Floors.In(mod),
		Inputs:     make([]float64, lay.NU),
		Covariates: make([]float64, lay.NQ-lay.NKey), Scales: make([]float64, lay.NS), d: make([]float64, lay.ND),
	}
	n := 0
	for _, s := range lay.Discretes {
		n += s.N
	}
	f.Discretes = make([]float64, n)
	for _, s := range lay.Scales {
		for k := range s.N {
			f.Scales[s.Off+k] = 1
			if s.Fixed != nil {
				f.Scales[s.Off+k] = s.Fixed[min(k, len(s.Fixed)-1)]
			}
		}
	}
	return f, nil
}

// Eval sets dy to the rates of the states y at time t.
func (f *RHS) Eval(t float64, y, params, dy []float64) {
	f.at(t, y, params)
	f.eval.Run(f.frame)
	copy(dy[:f.states], place.Rates.In(f.frame, f.eval))
}

// VJP sets yBar to ct·∂f/∂y, and pBar, unless it is nil, to ct·∂f/∂params.
func (f *RHS) VJP(t float64, y, params, ct, yBar, pBar []float64) {
	f.at(t, y, params)
	clear(yBar[:f.states])
	if pBar != nil {
		clear(pBar[:f.params])
	}
	if f.vjp == nil { // the rates are constants
		return
	}
	bar := place.RHS.Ct().In(f.frame)
	clear(bar)
	copy(bar, ct[:f.states])
	clear(place.PBar.Into.In(f.frame))
	clear(place.QBar.Into.In(f.frame))
	sum := place.WBar.Into.Sum(f.frame)
	if sum != nil {
		sum.Clear()
	}
	f.vjp.Run(f.frame)
	copy(yBar[:f.states], place.YBar.In(f.frame, f.vjp))
	if pBar == nil {
		return
	}
	f.join(pBar, place.PBar.Into.In(f.frame), place.QBar.Into.In(f.frame))
	if sum != nil && sum.Added() {
		lay := &f.p.Model.Layout
		sum.Take(pBar[f.params-(lay.NP-lay.NPar):f.params], 0, false)
	}
}

// Jacobian sets jac, row by row, to ∂fᵢ/∂yⱼ.
func (f *RHS) Jacobian(t float64, y, params, jac []float64) {
	n := f.states
	f.at(t, y, params)
	clear(jac[:n*n])
	if f.jvp == nil {
		return
	}
	for _, p := range []place.Input{place.StatesDot, place.DiscretesDot, place.TimeDot, place.OwnDot, place.ParamsDot} {
		clear(p.In(f.frame))
	}
	dir := place.StatesDot.In(f.frame)
	if dir == nil { // the rates do not depend on the states
		return
	}
	for j := range n {
		dir[j] = 1
		f.jvp.Run(f.frame)
		dir[j] = 0
		for i, v := range place.Dot.In(f.frame, f.jvp)[:n] {
			jac[i*n+j] = v
		}
	}
}

// Init sets y and Discretes to their initial values at time t.
func (f *RHS) Init(t float64, params, y []float64) {
	f.at(t, nil, params)
	if f.initY != nil {
		f.initY.Run(f.frame)
		copy(y[:f.states], place.Value.In(f.frame, f.initY))
	}
	if f.initD != nil {
		f.initD.Run(f.frame)
		copy(f.Discretes, place.Value.In(f.frame, f.initD))
	}
}

// at puts the inputs in place, and then the branches of conditions.
func (f *RHS) at(t float64, y, params []float64) {
	if len(params) != f.params {
		panic(fmt.Sprintf("compiler: %d parameters, where the model has %d", len(params), f.params))
	}
	if in := place.Time.In(f.frame); in != nil {
		in[0] = t
	}
	copy(place.States.In(f.frame), y[:min(len(y), f.states)])
	copy(place.Signals.In(f.frame), f.Inputs)
	copy(place.Scales.In(f.frame), f.Scales)
	f.split(params)
	copy(f.d, f.Discretes)
	copy(place.Discretes.In(f.frame), f.d)
	if y != nil && len(f.p.Model.Switches) > 0 {
		f.branches()
	}
}

// branches takes the branch of each condition in which the state is. A condition may
// read others: as many rounds as there are settle all of them.
func (f *RHS) branches() {
	m := f.p.Model
	for range len(m.Switches) + 1 {
		changed := false
		set := func(at int, v float64) {
			changed = changed || f.d[at] != v
			f.d[at] = v
		}
		if f.floors != nil {
			f.floors.Run(f.frame)
		}
		f.guards.Run(f.frame)
		g := place.Guard.In(f.frame, f.guards)
		n := 0
		for _, w := range m.Switches {
			switch {
			case w.Floor:
				set(w.Mode, math.Floor(place.Value.In(f.frame, f.floors)[n]))
				n++
			case g[w.Guard] > 0:
				set(w.Mode, 1)
			case g[w.Guard] < 0:
				set(w.Mode, 0)
			default:
				set(w.Mode, w.AtZero)
			}
		}
		if !changed {
			return
		}
		copy(place.Discretes.In(f.frame), f.d)
	}
}

// split puts the vector of parameters into the model's inputs: those that all
// trajectories share, those of each, and weights.
func (f *RHS) split(params []float64) {
	lay := &f.p.Model.Layout
	p, q := place.Params.In(f.frame), place.Own.In(f.frame)
	at := 0
	for _, s := range lay.Params {
		to := p
		if s.PerKey {
			to = q
		}
		if to != nil {
			copy(to[s.Off:s.Off+s.N], params[at:])
		}
		at += s.N
	}
	if p != nil {
		copy(p[lay.NPar:], params[at:])
	}
	if q == nil {
		return
	}
	n := 0
	for _, s := range lay.Trajectory {
		n += copy(q[s.Off:s.Off+s.N], f.Covariates[n:])
	}
}

// join is the reverse of split, for gradients but those by weights.
func (f *RHS) join(params, p, q []float64) {
	at := 0
	for _, s := range f.p.Model.Layout.Params {
		from := p
		if s.PerKey {
			from = q
		}
		if from != nil {
			copy(params[at:at+s.N], from[s.Off:])
		}
		at += s.N
	}
}
