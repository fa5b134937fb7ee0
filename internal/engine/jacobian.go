package engine

import (
	"github.com/pinode/pinode/compiler"
	"github.com/pinode/pinode/compiler/exec"
	"github.com/pinode/pinode/compiler/place"
	"github.com/pinode/pinode/internal/sparse"
	"github.com/pinode/pinode/sim"
)

// jacobians are the derivatives of what moves the states of a system, by along how many
// surfaces that is; none where no program was asked for.
type jacobians struct {
	sys    *System
	list   []jacobian
	yAlong []float64
	tAlong []float64
}

// jacobian is a derivative by the states.
type jacobian struct {
	*compiler.Jacobian
	program *Program
	byTime  []float64
	curve   Function // along a direction
}

func newJacobians(sys *System, mod *exec.Module, get func(program place.Program, value place.Output) Function) *jacobians {
	js := &jacobians{sys: sys, yAlong: place.StatesAlong.In(sys.Frame), tAlong: place.TimeAlong.In(sys.Frame)}
	if place.RHS.Jac().In(mod) == nil {
		return js
	}
	for _, j := range sys.Prog.Jacobians() {
		p := NewProgram(mod, sys.Frame, j.Program, place.Value)
		js.list = append(js.list, jacobian{j, p, place.TimeSlope.In(sys.Frame, p.code), get(j.Curve, place.Value)})
	}
	return js
}

// HasJacobian implements sim.Nearby.
func (js *jacobians) HasJacobian() bool { return len(js.list) > 0 }

// at is the derivative at the discrete state d.
func (js *jacobians) at(d []float64) *jacobian {
	s := js.sys
	if len(s.slides) == 0 {
		return &js.list[0]
	}
	return &js.list[s.slidesAlong(d, s.now)]
}

// Pattern implements sim.Linearised.
func (js *jacobians) Pattern(d []float64) *sparse.Pattern {
	j := js.at(d)
	return j.Once(func() any { return sparse.NewPattern(j.Rows) }).(*sparse.Pattern)
}

// Jacobian implements sim.Linearised.
func (js *jacobians) Jacobian(t float64, y, d, values, byTime []float64) {
	j := js.at(d)
	js.sys.within(t, y, d)
	j.program.Run()
	for k, at := range j.At {
		values[k] = j.program.Value[at]
	}
	copy(byTime, j.byTime)
}

// JacobianVJP implements sim.Curved.
func (js *jacobians) JacobianVJP(t float64, y, d, lambda, u []float64, tau float64, yBar, dBar []float64, params sim.Params) (tBar float64) {
	f := js.along(t, y, d, u, tau)
	copy(f.Ct, lambda)
	if params {
		return f.VJP.vjp(yBar, dBar)
	}
	return f.vjp0.vjp(yBar, dBar)
}

// JacobianJVP implements sim.Curved.
func (js *jacobians) JacobianJVP(t, tDot float64, y, yDot, d, dDot, u []float64, tau float64, out []float64) {
	f := js.along(t, y, d, u, tau)
	js.sys.jvp(f.jvp, tDot, yDot, dDot, out)
}

// along is the derivative along a direction, which is set.
func (js *jacobians) along(t float64, y, d, u []float64, tau float64) *Function {
	j := js.at(d)
	js.sys.within(t, y, d)
	copy(js.yAlong, u)
	if js.tAlong != nil {
		js.tAlong[0] = tau
	}
	return &j.curve
}
