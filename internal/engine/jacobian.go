package engine

import (
	"github.com/pinode/pinode/compiler"
	"github.com/pinode/pinode/compiler/exec"
	"github.com/pinode/pinode/compiler/place"
	"github.com/pinode/pinode/internal/sparse"
)

// jacobians are the derivatives of what moves the states of a system, by along how many
// surfaces that is; none where no program was asked for.
type jacobians struct {
	sys  *System
	list []jacobian
}

// jacobian is a derivative by the states.
type jacobian struct {
	*compiler.Jacobian
	program *Program
	byTime  []float64
}

func newJacobians(sys *System, mod *exec.Module) *jacobians {
	js := &jacobians{sys: sys}
	if place.RHS.Jac().In(mod) == nil {
		return js
	}
	for _, j := range sys.Prog.Jacobians() {
		p := NewProgram(mod, sys.Frame, j.Program, place.Value)
		js.list = append(js.list, jacobian{j, p, place.ByTime.In(sys.Frame, p.code)})
	}
	return js
}

// at is the derivative at the discrete state d.
func (js *jacobians) at(d []float64) *jacobian {
	s := js.sys
	if len(s.slides) == 0 {
		return &js.list[0]
	}
	return &js.list[s.along(d, s.now)]
}

// Pattern implements sim.Linearised.
func (js *jacobians) Pattern(d []float64) *sparse.Pattern { return js.at(d).Pattern }

// Jacobian implements sim.Linearised.
func (js *jacobians) Jacobian(t float64, y, d, values, byTime []float64) {
	j := js.at(d)
	js.sys.At(t, y, d)
	j.program.Run()
	for k, at := range j.At {
		values[k] = j.program.Value[at]
	}
	copy(byTime, j.byTime)
}
