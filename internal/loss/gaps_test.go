package loss

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/mat"

	"github.com/pinode/pinode/compiler"
	"github.com/pinode/pinode/compiler/exec"
	"github.com/pinode/pinode/internal/problem"
	"github.com/pinode/pinode/internal/problem/problemtest"
	"github.com/pinode/pinode/sim"
	"github.com/pinode/pinode/solvers"
)

// slopes compares a gradient with differences of order four of a formula.
func slopes(t *testing.T, x, grad []float64, of func(x []float64) float64, tol float64, told string) {
	t.Helper()
	for i := range x {
		const h = 1e-3
		want := 0.
		for j, w := range []float64{1, -8, 8, -1} {
			at := append([]float64{}, x...)
			at[i] += h * []float64{-2, -1, 1, 2}[j]
			want += w * of(at) / (12 * h)
		}
		require.InDelta(t, want, grad[i], tol*(1+math.Abs(want)), "%s: by coordinate %d", told, i)
	}
}

// TestGaps: three segments of one motion, of which the last two begin at states that are coordinates.
// Each gap costs half its square, in its deviations, times its weight, beside a measured value.
func TestGaps(t *testing.T) {
	f := problemtest.Load(t, `model M {
  param k in (0, inf) = 0.5
  param c in (-9, 9) = 2
  state a = 1
  state b = 0
  a' = -k*a
  b' = a
  observe y = a + c*b ~ normal(0.1)
}
data d from "data.csv" { time: t, trajectory: part, y: y, from: first row }
`, "part,t,y\n1,0,1.1\n1,1,2.2\n2,1,2\n2,1.5,2.6\n2,2.5,3\n3,2.5,3.1\n3,4,3.3\n")
	y := [][]float64{{1.1, 2.2}, {2, 2.6, 3}, {3.1, 3.3}}
	at := [][]float64{{0, 1}, {1, 1.5, 2.5}, {2.5, 4}}
	size := [][]float64{{2, 3}, {0.5, 4}}
	deviation := [][]float64{{0.1, 0.2}, {0.3, 0.05}}
	weight := []float64{0.5, 2}
	first := f.Space.Dim
	modes := make([]float64, len(compiler.SegmentsOf(f.Prog.Program).Modes))
	for i := range 2 {
		node := &problem.Node{At: first + 2*i, Size: size[i]}
		f.Trajectories[i].Joint = &problem.Joint{Node: node, Deviation: deviation[i], Weight: weight[i]}
		f.Trajectories[i+1].Beginning = &problem.Beginning{D: modes, Node: node}
	}
	space := f.Space.WithNodes([]float64{0.3, 0.25, 0.6, 0.3})
	x, err := space.X0()
	require.NoError(t, err)

	formula := func(x []float64) float64 {
		nat := make([]float64, 2)
		space.Transforms.Forward(nat, x[:2])
		k, c := nat[0], nat[1]
		sum := 0.
		for i := range 3 {
			a0, b0 := 1., 0.
			if i > 0 {
				a0, b0 = size[i-1][0]*x[2*i], size[i-1][1]*x[2*i+1]
			}
			a := func(t float64) float64 { return a0 * math.Exp(-k*(t-at[i][0])) }
			b := func(t float64) float64 { return b0 + (a0-a(t))/k }
			for j, t := range at[i] {
				z := (y[i][j] - a(t) - c*b(t)) / 0.1
				sum += z*z/2 + math.Log(0.1*math.Sqrt(2*math.Pi))
			}
			if i < 2 {
				end := at[i][len(at[i])-1]
				da, db := (a(end)-size[i][0]*x[2*i+2])/deviation[i][0], (b(end)-size[i][1]*x[2*i+3])/deviation[i][1]
				sum += weight[i] * (da*da + db*db) / 2
			}
		}
		return sum
	}
	for _, gradient := range []string{"unrolled", "adjoint", "forward"} {
		o, err := NewObjective(f.Prog, space, f.Trajectories, nil, sim.Options{Method: solvers.Vern9, RTol: 1e-11, ATol: 1e-13}, gradient, exec.Double, 1)
		require.NoError(t, err)
		grad := make([]float64, len(x))
		for range 2 { // nothing of the first is left
			res, err := o.Eval(t.Context(), x, nil, 1, grad)
			require.NoError(t, err)
			require.InDelta(t, formula(x)/7, res.Loss, 1e-9)
			slopes(t, x, grad, func(x []float64) float64 { return formula(x) / 7 }, 1e-6, gradient)
			require.Equal(t, "gaps", res.Terms[len(res.Terms)-1].Name)
		}
		if gradient != "unrolled" {
			continue
		}
		s, why, err := NewSquares(o)
		require.NoError(t, err)
		require.Empty(t, why)
		require.Empty(t, s.NotExact())
		require.Equal(t, 7+4, s.Rows())
		r, jac := make([]float64, s.Rows()), mat.NewDense(s.Rows(), len(x), nil)
		sum, err := s.Residuals(t.Context(), x, 1, r, jac)
		require.NoError(t, err)
		require.InDelta(t, formula(x), sum.Loss, 1e-8)
		var g mat.VecDense
		g.MulVec(jac.T(), mat.NewVecDense(len(r), r))
		slopes(t, x, g.RawVector().Data, formula, 1e-6, "residuals")
		require.InDelta(t, sum.Loss-7*math.Log(0.1*math.Sqrt(2*math.Pi)), mat.Dot(mat.NewVecDense(len(r), r), mat.NewVecDense(len(r), r))/2, 1e-8)
	}
}
