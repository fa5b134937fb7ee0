package pinode

import (
	"context"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestOneModelManyGoroutines: runs and fits of one model may be made at the
// same time, and give what they give alone.
func TestOneModelManyGoroutines(t *testing.T) {
	m, err := Load("models/lynx_hare.node")
	require.NoError(t, err)
	want, err := m.Simulate(context.Background(), SimulateOptions{})
	require.NoError(t, err)
	var wait sync.WaitGroup
	for range 6 {
		wait.Go(func() {
			for range 3 {
				got, err := m.Simulate(context.Background(), SimulateOptions{})
				if err != nil {
					t.Error(err)
					return
				}
				for i, tr := range got.Trajectories {
					if len(tr.Rows) != len(want.Trajectories[i].Rows) {
						t.Error("another number of rows")
						return
					}
					for k, row := range tr.Rows {
						for j, v := range row {
							if v != want.Trajectories[i].Rows[k][j] {
								t.Errorf("row %d: %g, alone %g", k, v, want.Trajectories[i].Rows[k][j])
								return
							}
						}
					}
				}
				if _, err := m.NewFit(FitOptions{}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wait.Wait()
}
