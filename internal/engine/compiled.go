package engine

import (
	"sync"

	"github.com/pinode/pinode/compiler"
	"github.com/pinode/pinode/compiler/exec"
	"github.com/pinode/pinode/solvers"
)

// moduleKind says what a runner needs of a model's programs.
type moduleKind struct {
	tab           *solvers.Tableau
	stiff         *solvers.Tableau // takes over, or nil
	width         int              // trajectories side by side
	want          compiler.Want
	perLaneParams bool
}

// modules are those of single trajectories, and of the steps of several; nil:
// these go stage by stage.
type modules struct{ single, lanes *exec.Module }

// compile leaves out programs for whole steps where the method or the size of the model does
// without. Steps of a method that solves equations go by the Jacobian then, and so do
// those along surfaces.
func (k moduleKind) compile(p *compiler.Program) (*modules, error) {
	tab := Method(k.tab)
	whole := tab != nil && p.Steppable(tab)
	differentiated := k.want.Reverse || k.want.Forward
	if k.tab.Solves() {
		k.want.Jacobian = !whole || p.Slides || differentiated // that of the adjoint equation, and of a neighbour
		k.want.Curvature = (!whole || p.Slides) && k.tab.Family == solvers.Rosenbrock
	}
	if k.stiff != nil && (p.Slides || !p.Steppable(Method(k.stiff))) {
		k.want.Jacobian, k.want.Curvature = true, differentiated
	}
	k.want.Jacobian = k.want.Jacobian || k.stiff != nil && differentiated
	if !whole {
		one, err := p.Module(1, k.want)
		return &modules{one, nil}, err
	}
	if k.tab.Family != solvers.Explicit || len(p.Model.Events)+len(p.Model.Switches) > 0 {
		k.want.Step = tab // for the steps of single trajectories, to their events
	}
	many := p.Steps(k.width, tab, k.want, k.perLaneParams)
	one, err := p.Module(1, k.want)
	if err != nil {
		return nil, err
	}
	steps, err := many()
	return &modules{one, steps}, err
}

// Compiled is a program with the machine code that was made of it, once for each
// use: a fit and its certificate run the same.
type Compiled struct {
	*compiler.Program
	modules sync.Map

	of   *Compiled // whose machine code it runs; nil: its own
	told []bool    // see Told
}

// Told is the same program where some of the events fire at the firings of a span alone, and their
// conditions at nothing.
func (c *Compiled) Told(events []bool) *Compiled {
	return &Compiled{Program: c.Program, of: c, told: events}
}

// Once is what build makes for a key.
func Once[T any](c *Compiled, key any, build func() (T, error)) (T, error) {
	if c.of != nil {
		return Once(c.of, key, build)
	}
	f, _ := c.modules.LoadOrStore(key, sync.OnceValues(build))
	return f.(func() (T, error))()
}
