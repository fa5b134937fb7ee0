package engine

import (
	"github.com/pinode/pinode/compiler/exec"
	"github.com/pinode/pinode/compiler/place"
)

// Function is a program with its derivatives, and their results.
type Function struct {
	Run, VJP, vjp0, jvp *Program
	Ct                  []float64
}

// Program is a program on a frame, with its results.
type Program struct {
	code  *exec.Program
	frame *exec.Frame
	Value []float64 // its value; of a forward derivative the tangent
	Terms []float64 // of a row's loss

	YBar, DBar, TBar, BeforeYBar, BeforeDBar []float64 // cotangents
}

func NewProgram(mod *exec.Module, f *exec.Frame, program place.Program, value place.Output) *Program {
	p := program.In(mod)
	if p == nil {
		return nil
	}
	out := func(o place.Output) []float64 { return o.In(f, p) }
	return &Program{p, f, out(value), out(place.Terms), out(place.YBar), out(place.DBar), out(place.TBar), out(place.YBarBefore), out(place.DBarBefore)}
}

func (p *Program) Run() { p.code.Run(p.frame) }

func run(p *Program, to []float64) {
	if p == nil {
		return
	}
	p.Run()
	copy(to, p.Value)
}

// vjp runs a reverse derivative whose cotangent is set, and adds what it
// gives.
func (p *Program) vjp(yBar, dBar []float64) (tBar float64) {
	p.Run()
	Add(yBar, p.YBar)
	Add(dBar, p.DBar)
	if p.TBar != nil {
		return p.TBar[0]
	}
	return 0
}
