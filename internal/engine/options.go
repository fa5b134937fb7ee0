package engine

import (
	"fmt"

	"github.com/pinode/pinode/internal/setting"
	"github.com/pinode/pinode/sim"
	"github.com/pinode/pinode/solvers"
)

// SolverOptions reads the solver of a block.
func SolverOptions(v *setting.Values) (sim.Options, error) {
	st := v.Stages("solver")
	if len(st) != 1 {
		return sim.Options{}, fmt.Errorf("`solver` takes one value")
	}
	m, stiff := solvers.Method(st[0].Name), (*solvers.Tableau)(nil)
	if m == nil { // auto
		m, stiff = solvers.Auto(st[0].Options.Float("rtol"))
	}
	o := sim.Options{Method: m, Stiff: stiff, Step: st[0].Options.Float("step"), MaxSteps: st[0].Options.Int("max_steps")}
	if m.Adaptive() {
		o.RTol, o.ATol = st[0].Options.Float("rtol"), st[0].Options.Float("atol")
	} else if !(o.Step > 0) {
		return o, fmt.Errorf("solver `%s` takes fixed steps and needs their length: `solver: %s { step: 0.01 }`", m.Name, m.Name)
	}
	return o, nil
}
