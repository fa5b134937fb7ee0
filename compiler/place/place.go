// Package place names where compiled programs and those who run them meet: programs,
// the inputs of a frame that they read, and their outputs. Each name is written here,
// once, so that one that is misspelt does not compile; it says as well whether each
// trajectory has its own value. What programs mean is said where their graphs are built.
package place

import (
	"github.com/pinode/pinode/compiler/exec"
	"github.com/pinode/pinode/compiler/ir"
)

// Input is an input of graphs, and its place in a frame. Some are set by programs too.
type Input struct {
	name   string
	shared bool // by all trajectories
}

// Name is the name that graphs print.
func (p Input) Name() string { return p.name }

// Node is the input in a graph.
func (p Input) Node(b *ir.Builder, shape ir.Shape) *ir.Node { return b.Input(p.name, shape, !p.shared) }

// In is the input's region of a frame, nil if no program reads it.
func (p Input) In(f *exec.Frame) []float64 { return f.Input(p.name) }

// Bind lets the programs of a frame read a shared input where v stands.
func (p Input) Bind(f *exec.Frame, v []float64) { f.Bind(p.name, v) }

// Sum is what programs add to a shared input, nil if none does.
func (p Input) Sum(f *exec.Frame) *exec.Sum { return f.Sum(p.name) }

// Set has a program set an input, by its node, to a value.
func Set(input, value *ir.Node) ir.Output {
	return ir.Output{Name: input.Name, Node: value, Into: input}
}

// Span is the region of inputs that stand one after the other, nil if they do not.
func Span(f *exec.Frame, list []Input) []float64 {
	names := make([]string, len(list))
	for i, p := range list {
		names[i] = p.name
	}
	return f.Span(names...)
}

// Output is an output of a program.
type Output struct{ name string }

// Of makes a value the output.
func (p Output) Of(value *ir.Node) ir.Output { return ir.Output{Name: p.name, Node: value} }

// In is the output's region of a frame, nil if the program has none.
func (p Output) In(f *exec.Frame, program *exec.Program) []float64 {
	return program.Output(f, p.name)
}

// Program is a program of a model.
type Program struct{ name string }

// Graph is the program's graph.
func (p Program) Graph(outputs ...ir.Output) *ir.Graph {
	return &ir.Graph{Name: p.name, Outputs: outputs}
}

// In is the program of a module, nil if it has none.
func (p Program) In(mod *exec.Module) *exec.Program { return mod.Program(p.name) }
