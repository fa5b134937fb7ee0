package engine

import (
	"github.com/pinode/pinode/compiler/place"
	"github.com/pinode/pinode/data"
	"github.com/pinode/pinode/sim"
)

// LaneState is a run in a lane, with what its derivatives need.
type LaneState struct {
	Index int
	Model BoundModel
	Job   sim.Job
	Traj  sim.Trajectory

	Span       sim.Span
	Ct         sim.Cotangents
	EndY       []float64
	PBar, QBar []float64 // gradient accumulators, of shared parameters and of the trajectory's own inputs
}

// BoundModel is one trajectory as a model of its own, for runs that share a
// system: Use copies its inputs to the system before its turn.
type BoundModel struct {
	*System
	P, Q      []float64      // shared parameters, empty where all share the system's, and the trajectory's own inputs
	Initial   []InitialValue // initial values of states, in the place of the model's
	Beginning *Beginning     // of a run in the midst of a trajectory; nil: it is as the model says
	Lane      *LaneState     // where it runs
	Binding   int            // number of what is bound, unique among the worker's
	Signals   []*data.Interpolant
	from      float64
}

// InitialValue is a number at a place of an array.
type InitialValue struct {
	At int
	V  float64
}

// Init sets the initial state.
func (j *BoundModel) Init(t float64, y, d []float64) {
	if j.Beginning != nil {
		j.begin(t, y, d)
	} else {
		j.System.Init(t, y, d)
	}
	for _, x := range j.Initial {
		y[x.At] = x.V
	}
}

// Collect takes over what the system has added to the parameters' gradient.
func (j *BoundModel) Collect() {
	j.System.AddGradient(j.Lane.PBar, j.Lane.QBar)
	j.System.ClearGradient()
}

// Use puts the trajectory's inputs in place.
func (j *BoundModel) Use() {
	if len(j.P) > 0 {
		place.Params.Bind(j.System.Frame, j.P)
	}
	copy(j.System.Q, j.Q)
	j.System.Signals, j.System.From = j.Signals, j.from
}

// Segment tells that a smooth piece of the run starts at time t.
func (j *BoundModel) Segment(t float64) { j.from, j.System.From = t, t }
