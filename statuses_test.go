package pinode

import (
	"context"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/internal/explain"
	"github.com/pinode/pinode/sim"
)

// TestStatuses: every way a run can end is explained, stands on the page of
// events, and its example ends that way.
func TestStatuses(t *testing.T) {
	page, err := os.ReadFile("docs/events.md")
	require.NoError(t, err)
	for i, c := range explain.Statuses {
		t.Run(c.Name, func(t *testing.T) {
			want := sim.Status(i)
			require.Equal(t, want.String(), c.Name)
			require.Contains(t, string(page), "\n| `"+c.Name+"` | "+c.Title+" |\n")
			m, err := Parse("model.node", c.Example)
			require.NoError(t, err)
			s, err := m.Simulate(context.Background(), SimulateOptions{})
			if !want.Failed() {
				require.NoError(t, err)
				require.Equal(t, want, s.Trajectories[0].Status)
				return
			}
			var fail *RunError
			require.ErrorAs(t, err, &fail)
			require.Equal(t, want, fail.Status)
		})
	}
	require.Equal(t, sim.Stopped, sim.Status(len(explain.Statuses)), "of a run that was stopped nobody is told")
	require.Panics(t, func() { _ = (sim.Stopped + 1).String() }, "a status that is not explained")
}
