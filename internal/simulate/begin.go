package simulate

import (
	"maps"
	"slices"

	"github.com/pinode/pinode/compiler/lower"
	"github.com/pinode/pinode/data"
	"github.com/pinode/pinode/internal/problem"
	"github.com/pinode/pinode/internal/start"
)

// begin sets the values and scales that runs have.
func (m *Simulator) begin(sp *problem.Space, trajectories []*problem.Trajectory, values *problem.Values, set map[string]float64) error {
	if err := sp.Told(values, slices.Collect(maps.Keys(set))...); err != nil {
		return err
	}
	if values == nil || len(values.Scales) == 0 {
		if err := m.scale(sp, trajectories); err != nil {
			return err
		}
	}
	return sp.SetValues(values)
}

// scale sets the open scales of networks as the data to train with tell them, so that a network
// that was not trained is the one that a fit begins with.
func (m *Simulator) scale(sp *problem.Space, trajectories []*problem.Trajectory) error {
	open := slices.ContainsFunc(m.Prog.Model.Layout.Scales, func(s lower.Scale) bool {
		return s.Fixed == nil && (s.Kind == lower.ScaleNetIn || s.Kind == lower.ScaleNetOut)
	})
	if !open || len(m.Prog.Checked.Data) == 0 {
		return nil
	}
	of := sp
	if trajectories[0].Data == nil { // the runs need no data
		var err error
		if trajectories, err = m.ofData(); err != nil {
			block := m.Prog.Checked.Data[0]
			m.Data.Doubt("data", block.Span, "what the networks of the model begin with depends on the data, which cannot be read: %v", err)
			return nil
		}
		if of, err = problem.NewSpace(m.Prog.Program, trajectories, uint64(m.Settings.Int("seed"))); err != nil {
			return err
		}
	}
	if !slices.ContainsFunc(trajectories, func(it *problem.Trajectory) bool { return it.Data.Split == data.Train }) {
		return nil
	}
	told, err := start.New(m.Prog, of, trajectories)
	if err != nil {
		return err
	}
	if err := told.SetScales(); err != nil {
		return err
	}
	copy(sp.Scales, of.Scales)
	return nil
}
