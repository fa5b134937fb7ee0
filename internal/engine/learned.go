package engine

import (
	"github.com/pinode/pinode/compiler"
	"github.com/pinode/pinode/compiler/exec"
	"github.com/pinode/pinode/compiler/place"
)

// Blocks are the programs of compiler.Learned: Arguments at a state; Results at the arguments in In and, where they
// were asked for, their Rates by the weights.
type Blocks struct {
	*System
	Arguments, Results, Rates *Program
	In                        []float64
}

// NewBlocks makes them, with or without rates.
func NewBlocks(c *Compiled, rates bool) (*Blocks, error) {
	mod, err := Once(c, [2]any{"learned", rates}, func() (*exec.Module, error) { return compiler.Learned(c.Program, rates) })
	if err != nil {
		return nil, err
	}
	s := NewSystem(c.Program, mod)
	program := func(p place.Program) *Program { return NewProgram(mod, s.Frame, p, place.Value) }
	return &Blocks{s, program(place.BlockArgs), program(place.BlockValues), program(place.BlockRates), place.Nets.In(s.Frame)}, nil
}
