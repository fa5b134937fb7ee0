package compiler

import (
	"github.com/pinode/pinode/compiler/check"
	"github.com/pinode/pinode/compiler/lower"
	"github.com/pinode/pinode/compiler/step"
	"github.com/pinode/pinode/dsl/diag"
)

// Momenta are the states of a model that are momenta for a symplectic solver: see step.Halves.
// A model without two halves is refused.
func (p *Program) Momenta(solver string) ([]bool, error) {
	if p.Model.Layout.NY == 0 {
		return nil, nil
	}
	at := func(state int) (*check.State, string) {
		for _, s := range p.Model.Layout.States {
			if s.Off <= state && state < s.Off+s.N {
				st := s.Object.(*check.State)
				return st, lower.ElementName(&st.Obj, state-s.Off)
			}
		}
		return nil, ""
	}
	p.build.Lock()
	list, mixed := step.Halves(p.Model, func(state int) string { _, name := at(state); return name })
	p.build.Unlock()
	if mixed == nil {
		return list, nil
	}
	l := &diag.List{}
	st, _ := at(mixed.State)
	_, span := st.Law()
	l.Errorf("not-separable", span, "`solver: %s` takes models of two halves, positions and momenta, where the rates of each depend on states of the other alone, %s", solver, mixed.Why).
		WithHelp("use a method for all models, such as `tsit5`, or write the model in canonical variables")
	return nil, l.Err()
}
