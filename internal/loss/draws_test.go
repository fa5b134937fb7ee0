package loss

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/compiler/exec"
	"github.com/pinode/pinode/internal/problem"
	"github.com/pinode/pinode/internal/problem/problemtest"
	"github.com/pinode/pinode/sim"
	"github.com/pinode/pinode/solvers"
)

// TestDrawnLoss: the loss over copies of trajectories is the mean over what is drawn for each, held
// or of another set, of all trajectories or a batch, rows one by one or side by side.
func TestDrawnLoss(t *testing.T) {
	const model = `model M {
  param k in (0, inf) = 0.5
  draw w ~ uniform(0, 1)
  draw e ~ uniform(0, 1) per row
  neural f(x) -> 1 { hidden: [1] }
  state x = 1 + w
  x' = -k*x
  observe y = x + e%s ~ normal(0.2)
}
data d from "data.csv" { time: t, trajectory: id, y: y }
`
	const rows = "id,t,y\n1,0,2\n1,1,1.1\n2,2,1\n3,0.5,2.2\n3,1,1.4\n"
	at, y := [][]float64{{0, 1}, {2}, {0.5, 1}}, [][]float64{{2, 1.1}, {1}, {2.2, 1.4}}
	for _, network := range []string{"", " + 0*f(x)"} {
		for _, copies := range []int{1, 4} {
			f := problemtest.Load(t, fmt.Sprintf(model, network), rows)
			f.Space.Copy(copies)
			o, err := NewObjective(f.Prog, f.Space, f.Trajectories, f.Trajectories[1:], sim.Options{Method: solvers.Vern9, RTol: 1e-11, ATol: 1e-13}, "unrolled", exec.Double, 1)
			require.NoError(t, err)
			own := f.Prog.Model.Layout.Trajectory[0].Off
			formula := func(k float64, set int, batch ...int) float64 {
				sum, values := 0., 0
				for _, i := range batch {
					it := f.Trajectories[i]
					for c := range copies {
						w := problem.Drawing{Set: uint64(set), Copy: uint64(c)}
						q := f.Space.OwnInputs([]float64{k}, it, nil)
						f.Space.Redraw(q, it, w)
						for j, t := range at[i] {
							z := (y[i][j] - (1+q[own])*math.Exp(-k*t) - f.Space.RowOwn(nil, it, it.Rows[j], w)[0]) / 0.2
							sum += (z*z/2 + math.Log(0.2*math.Sqrt(2*math.Pi))) / float64(copies)
						}
					}
					values += len(at[i])
				}
				return sum / float64(values)
			}
			for _, set := range []int{0, 7} {
				require.True(t, o.Redraw(set))
				for _, batch := range [][]int{nil, {1, 2}, {0}} {
					list := batch
					if list == nil {
						list = []int{0, 1, 2}
					}
					told := fmt.Sprintf("%d copies, set %d, batch %v, %q", copies, set, batch, network)
					grad := make([]float64, len(f.X))
					res, err := o.Eval(t.Context(), f.X, batch, 1, grad)
					require.NoError(t, err)
					require.InDelta(t, formula(0.5, set, list...), res.Loss, 1e-9, told)
					require.Zero(t, res.Kinks)
					slopes(t, f.X[:1], grad, func(x []float64) float64 { return formula(f.Space.Transforms[0].Forward(x[0]), set, list...) }, 1e-7, told)
				}
				valid, err := o.Validate(t.Context(), f.X, 1)
				require.NoError(t, err)
				require.InDelta(t, formula(0.5, 0, 1, 2), valid.Loss, 1e-9, "validation has what is held")
				res, err := o.Eval(t.Context(), f.X, nil, 1, nil)
				require.NoError(t, err)
				require.InDelta(t, formula(0.5, set, 0, 1, 2), res.Loss, 1e-9, "and leaves the set as it was")
			}
			if copies > 1 {
				require.Equal(t, "it is a mean over several `draws`", o.notSquares())
			}
		}
	}
	plain, _ := objective(t, decaying, decayingRows, "unrolled")
	require.False(t, plain.Redraw(1), "nothing is drawn")
}
