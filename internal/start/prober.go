package start

import (
	"math"

	"github.com/pinode/pinode/compiler"
	"github.com/pinode/pinode/compiler/exec"
	"github.com/pinode/pinode/compiler/place"
	"github.com/pinode/pinode/internal/engine"
	"github.com/pinode/pinode/internal/problem"
)

// prober evaluates a model at times and states that no run has led to.
type prober struct {
	module  *exec.Module
	system  *engine.System
	space   *problem.Space
	model   *compiler.Program
	natural []float64

	first, bound []float64 // the start of the space, and the coordinates that the model is at

	nets            []float64     // the input of open programs
	openRHS, openOb *exec.Program // nil: there are no blocks
}

func newProber(c *engine.Compiled, sp *problem.Space) (*prober, error) {
	mod, err := engine.Once(c, "probe", func() (*exec.Module, error) { return compiler.Probe(c.Program) })
	if err != nil {
		return nil, err
	}
	p := &prober{module: mod, system: engine.NewSystem(c.Program, mod), space: sp, model: c.Program, natural: make([]float64, len(sp.Params))}
	p.nets = place.Nets.In(p.system.Frame)
	p.openRHS, p.openOb = place.OpenRHS.In(mod), place.OpenPredictions.In(mod)
	return p, nil
}

// bind moves the model to the coordinates x.
func (p *prober) bind(x []float64) {
	p.bound = x
	p.system.Bind(p.space.SharedAt(x, p.natural), p.space.Scales)
}

// at moves it to a trajectory.
func (p *prober) at(it *problem.Trajectory) {
	p.system.BindTrajectory(p.space.OwnInputs(p.natural, it, nil), it.Signals)
	p.system.Segment(math.Inf(1)) // inputs are those to the right of their jumps
}

// begin are the states and discrete variables where a trajectory starts.
func (p *prober) begin(t float64) (y, d []float64) {
	y, d = make([]float64, p.system.Size.Y), make([]float64, p.system.Size.D)
	p.system.Init(t, y, d)
	return y, d
}

// times are the scheduled times of a trajectory.
func (p *prober) times(it *problem.Trajectory) []float64 {
	v := make([]float64, p.system.Size.Times)
	if len(v) > 0 {
		p.at(it)
		p.system.Times(v)
	}
	return v
}

// predict are the observations at a state, until the next call.
func (p *prober) predict(t float64, y, d []float64) []float64 {
	p.system.RowAt(t, y, d, y, d, nil, nil, p.inputs(t), nil)
	return p.system.Predict()
}

// inputs are those at a time.
func (p *prober) inputs(t float64) []float64 {
	u := make([]float64, len(p.system.Signals))
	for i, s := range p.system.Signals {
		u[i], _ = s.At(t)
	}
	return u
}

// segmentStates are the states that smooth observations v and other states y tell.
func (p *prober) segmentStates(it *smoothed, t float64, v, y []float64) []float64 {
	out := make([]float64, p.system.Size.Y)
	prog := place.SegmentStates.In(p.module)
	if prog == nil {
		return out
	}
	p.at(it.Trajectory)
	p.system.At(t, y, nil)
	copy(p.system.Data, v)
	prog.Run(p.system.Frame)
	copy(out, place.Value.In(p.system.Frame, prog))
	return out
}
