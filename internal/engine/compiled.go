package engine

import (
	"sync"

	"github.com/pinode/pinode/compiler"
	"github.com/pinode/pinode/compiler/exec"
	"github.com/pinode/pinode/compiler/place"
	"github.com/pinode/pinode/dsl/diag"
	"github.com/pinode/pinode/solvers"
)

// moduleKind says what a runner needs of a model's programs.
type moduleKind struct {
	tab           *solvers.Tableau
	width         int // trajectories side by side
	want          compiler.Want
	perLaneParams bool
}

// modules are those of single trajectories, and of the steps of several; nil:
// these go stage by stage.
type modules struct{ single, lanes *exec.Module }

func (k moduleKind) compile(p *compiler.Program) (*modules, error) {
	tab := Method(k.tab)
	if k.want.Jacobian = tab == nil; k.want.Jacobian { // stage by stage
		one, err := p.Module(1, k.want)
		return &modules{one, nil}, err
	}
	explicit := k.tab.Family == solvers.Explicit
	if len(p.Model.Events)+len(p.Model.Switches) > 0 || !explicit {
		k.want.Step = tab // for the steps of single trajectories, to their events
	}
	many := p.Steps(k.width, tab, k.want, k.perLaneParams)
	one, err := p.Module(1, k.want)
	if err != nil {
		return nil, err
	}
	if !explicit && (p.Slides || place.Step.In(one) == nil && p.Model.Layout.NY > 0) {
		return nil, noStep(p, k.tab)
	}
	steps, err := many()
	return &modules{one, steps}, err
}

// noStep says that a method that is not explicit has no program for the steps of a model.
func noStep(p *compiler.Program, tab *solvers.Tableau) error {
	l := &diag.List{}
	at := p.Checked.Model.Span
	if p.Slides {
		l.Errorf("not-supported", at, "`solver: %s` is not supported yet for a model whose right-hand side jumps where a state crosses a surface", tab.Name).
			WithHelp("an explicit method such as `tsit5` follows motions along such surfaces")
	} else {
		l.Errorf("not-supported", at, "`solver: %s` is not supported yet for a model as large as this: its step would be a program of too many operations", tab.Name)
	}
	return l.Err()
}

// Compiled is a program with the machine code that was made of it, once for each
// use: a fit and its certificate run the same.
type Compiled struct {
	*compiler.Program
	modules sync.Map
}

// Once is what build makes for a key.
func Once[T any](c *Compiled, key any, build func() (T, error)) (T, error) {
	f, _ := c.modules.LoadOrStore(key, sync.OnceValues(build))
	return f.(func() (T, error))()
}
