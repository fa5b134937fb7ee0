package sim

import (
	"math"

	"github.com/pinode/pinode/solvers"
)

// stepperOf takes the steps of a method.
type stepperOf struct {
	step *solvers.Stepper
	ctl  *solvers.Controller
}

func newStepperOf(method *solvers.Tableau, n int) stepperOf {
	return stepperOf{solvers.NewStepper(method, n), solvers.NewController(method)}
}

// equation is integrated along the motion, over a part of one of its steps, with error
// control of its own.
type equation interface {
	solvers.System

	// tolerances are those of the next step, whose start is in the stepper.
	tolerances() (rtol, atol float64)

	// stepped is told of a step of that length, which is in the stepper still.
	stepped(h float64)
}

// patience bounds the steps of an equation, and how many in a row may be rejected.
type patience struct{ steps, rejected int }

// alongside is that of equations along a step of the motion.
var alongside = patience{10_000, 60}

// flow integrates an equation from t to end, on either side of it. The end is in the
// stepper then, or the time that was come to is returned with false.
func (s stepperOf) flow(eq equation, t, end float64, x []float64, p patience) (at float64, ok bool) {
	way := math.Copysign(1, end-t)
	s.ctl.Restart()
	s.step.Start(eq, t, x)
	h := way * (end - t)
	for rejected, steps := 0, 0; steps < p.steps; steps++ {
		h = min(h, way*(end-t))
		rtol, atol := eq.tolerances()
		s.step.Tolerances(len(x), rtol, atol, newtonPart)
		s.step.Step(eq, way*h)
		fits, next := s.ctl.Judge(s.step.MeanError(len(x), rtol, atol), h)
		if !fits {
			if rejected++; rejected > p.rejected {
				return t, false
			}
			h = next
			continue
		}
		eq.stepped(h)
		rejected = 0
		if t += way * h; way*(end-t) <= ulp(t) || h == 0 {
			return t, true
		}
		s.step.Continue(t)
		h = next
	}
	return t, false
}
