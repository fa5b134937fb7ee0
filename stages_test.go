package pinode

import (
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/internal/engine"
	"github.com/pinode/pinode/internal/gradcheck"
	"github.com/pinode/pinode/internal/loss"
	"github.com/pinode/pinode/sim"
	"github.com/pinode/pinode/solvers"
)

// TestStageByStage: steps taken by a program, which sees for itself whether
// guards cross inside, alone and in a lane that goes on by itself, have the events
// and the bits of steps taken stage by stage, all of which are searched; also with tolerances so loose that guards
// cross more than once in a step, and with steps of one length.
func TestStageByStage(t *testing.T) {
	dir := stressData(t)
	count, events := randomModels(24, 12), 0
	for seed := range uint64(count) {
		// There and back in a step.
		text := strings.ReplaceAll(randomHybrid(rand.New(rand.NewPCG(seed, 31))), "0.2*sin(t)", "0.3*sin(7*t)")
		if seed == 0 {
			text = "model M {\n  param k = 0.1\n  state x = 1\n  x' = k\n  event dip when (t - 0.45)^2 <= 0.001 { x := x + 1 }\n  observe obs = x ~ normal(1)\n}\n"
		}
		text += "data d from \"d.csv\" { trajectory: traj; time: t; obs: obs }\n"
		m, err := Parse(filepath.Join(dir, "m.node"), text)
		require.NoError(t, err)
		f, err := m.NewFit(FitOptions{Workers: 1})
		require.NoError(t, err)
		x, err := f.inner.Objective.Space.X0()
		require.NoError(t, err)
		mode := gradcheck.Modes[seed%4]
		for _, opt := range []sim.Options{
			{Method: solvers.Tsit5, RTol: 1e-8, ATol: 1e-10},
			{Method: solvers.Dopri5, RTol: 1e-2, ATol: 1e-2},
			{Method: solvers.Bosh32, RTol: 1e-3, ATol: 1e-3},
			{Method: solvers.RK4, Step: 0.4},
		} {
			o, err := loss.NewObjective(m.prog, f.inner.Objective.Space, f.inner.Objective.Trajectories, nil, opt, mode, 0, 1)
			require.NoError(t, err)
			w := o.Workers[0]
			it := o.Trajectories[3]
			w.System.Bind(o.Space.SharedAt(x, o.Natural), o.Space.Scales)
			w.System.BindTrajectory(o.Space.OwnInputs(o.Natural, it, w.System.Q[:0]), it.Signals)
			told := fmt.Sprintf("seed %d, %s\n%s", seed, opt.Method.Name, text)
			require.NotNil(t, w.Single, told)
			var alone, stages sim.Trajectory
			require.NoError(t, sim.New(engine.NewHybrid(m.prog.Program), w.System.Size, opt, nil).Run(w.System, &it.Span, &stages), told)
			require.NoError(t, w.Integrator.Run(w.System, &it.Span, &alone), told)
			events += len(stages.Log)
			same := func(how string, got *sim.Trajectory) {
				require.Len(t, got.Log, len(stages.Log), "%s, %s", how, told)
				for i, want := range stages.Log {
					r := got.Log[i]
					require.Equal(t, [3]any{want.Event, want.T, want.K}, [3]any{r.Event, r.T, r.K}, "%s, %s", how, told)
					require.Equal(t, want.YAfter, r.YAfter, "%s, %s", how, told)
				}
				require.Equal(t, stages.T, got.T, "%s, %s", how, told)
				require.Equal(t, stages.Y, got.Y, "%s, %s", how, told)
				require.Equal(t, stages.SaveY, got.SaveY, "%s, %s", how, told)
			}
			same("alone", &alone)
			grad := make([]float64, len(x))
			for _, to := range [][]float64{nil, grad} { // without a tape, and with one
				res, err := o.Eval(t.Context(), x, nil, 1, to)
				require.NoError(t, err)
				require.False(t, res.Failed, told)
				same("in a lane", &o.LossWorkers[0].Block[3].Traj)
			}

			// A tape that holds few steps finds the others again.
			opt.Memory = 400
			o, err = loss.NewObjective(m.prog, f.inner.Objective.Space, f.inner.Objective.Trajectories, nil, opt, mode, 0, 1)
			require.NoError(t, err)
			again := make([]float64, len(x))
			res, err := o.Eval(t.Context(), x, nil, 1, again)
			require.NoError(t, err)
			require.False(t, res.Failed, told)
			for i, g := range grad {
				require.InDelta(t, g, again[i], 1e-9*(1+math.Abs(g)), "%s, parameter %d, %s", mode, i, told)
			}
		}
	}
	t.Logf("%d models, %d events", count, events)
	require.Greater(t, events, count)
}
