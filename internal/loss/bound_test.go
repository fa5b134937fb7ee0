package loss

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/compiler/check"
	"github.com/pinode/pinode/compiler/exec"
	"github.com/pinode/pinode/fit"
	"github.com/pinode/pinode/internal/problem"
	"github.com/pinode/pinode/internal/problem/problemtest"
	"github.com/pinode/pinode/sim"
	"github.com/pinode/pinode/solvers"
)

// inferred decays from a normal start whose posterior an encoder tells, more or less well. What is
// measured at t = 0 is known to it without a run.
const inferred = `model Encoder {
  observe x
  param a in (0, 5) = 0.8
  neural m(s) -> 1 { hidden: [] }
  state s = 0
  s' = a*s
  event see on observation of x { s := s + data(x) }
  let mean = m(s)
}
model M {
  param a in (0, 5) = 0.8
  param wide in (0, 10) = 0.3
  use Encoder as enc backward { a: a }
  draw z0 ~ normal(0, 1) { posterior: normal(enc.mean, wide) }
  state z = z0
  z' = -a*z
  observe x = z ~ normal(0.3)
%s}
data d from "data.csv" { time: t, trajectory: id, x: x }
`

const inferredRows = "id,t,x\n1,0.5,0.9\n1,1,0.3\n2,2,-1.1\n3,0.25,0.4\n3,1,0.1\n3,3,0.2\n"

var inferredData = [][][2]float64{{{0.5, 0.9}, {1, 0.3}}, {{2, -1.1}}, {{0.25, 0.4}, {1, 0.1}, {3, 0.2}}}

// boundTerms are the sums over a trajectory: what is measured, and log q − log p of the draw, with a
// standard variate, and the divergence in closed form.
func boundTerms(i int, a, wide, slope, offset, variate float64) (nll, ratio, kl float64) {
	s := 0.
	for _, r := range inferredData[i] {
		s += r[1] * math.Exp(-a*r[0])
	}
	mean := slope*s + offset
	z := mean + wide*variate
	for _, r := range inferredData[i] {
		d := (r[1] - z*math.Exp(-a*r[0])) / 0.3
		nll += d*d/2 + math.Log(0.3*math.Sqrt(2*math.Pi))
	}
	ratio = -variate*variate/2 - math.Log(wide) + z*z/2
	return nll, ratio, (wide*wide+mean*mean-1)/2 - math.Log(wide)
}

// TestBounds: both bounds of the evidence by formula, with the draws that are held and those of another
// set, while what posteriors cost is weighed by less, of batches too; and their gradients.
func TestBounds(t *testing.T) {
	ramp := fit.Curriculum{From: 0.2, To: 0.9, Epochs: 5}
	for _, c := range []struct {
		importance bool
		copies     int
	}{{false, 1}, {false, 3}, {true, 3}} {
		f := problemtest.Load(t, fmt.Sprintf(inferred, ""), inferredRows)
		f.Space.Copy(c.copies)
		o, err := NewObjective(f.Prog, f.Space, f.Trajectories, nil, sim.Options{Method: solvers.Vern9, RTol: 1e-11, ATol: 1e-13}, "unrolled", exec.Double, 2)
		require.NoError(t, err)
		require.NoError(t, Bound(o, c.importance, ramp))
		require.Contains(t, o.notSquares(), "it is a bound of the evidence, by an encoder")
		off := -1
		for _, s := range f.Prog.Model.Layout.Trajectory {
			if _, ok := s.Object.(*check.Draw); ok {
				off = s.Off
			}
		}
		for _, set := range []int{0, 3} {
			require.True(t, o.Redraw(set))
			weight := 0.9
			if set == 3 {
				weight = 0.2 + 0.7*2/5
			}
			for _, batch := range [][]int{nil, {2}, {1, 0}} {
				told := fmt.Sprintf("%+v, set %d, batch %v", c, set, batch)
				list := batch
				if batch == nil {
					list = []int{0, 1, 2}
				}
				sums := func(x []float64) (loss, kl, closer, values float64) {
					nat := make([]float64, 2)
					f.Space.Transforms.Forward(nat, x[:2])
					for _, i := range list {
						values += float64(len(inferredData[i]))
						each := make([]float64, c.copies)
						mean := 0.
						for k := range each {
							q := f.Space.OwnInputs(nat, f.Trajectories[i], nil)
							f.Space.Redraw(q, f.Trajectories[i], problem.Drawing{Set: uint64(set), Copy: uint64(k)})
							nll, ratio, exact := boundTerms(i, nat[0], nat[1], x[2], x[3], q[off])
							if !c.importance {
								ratio = exact
							}
							each[k] = nll + weight*ratio
							mean += each[k] / float64(c.copies)
							kl += weight * ratio / float64(c.copies)
						}
						if !c.importance {
							loss += mean
							continue
						}
						sum := 0.
						for _, v := range each {
							sum += math.Exp(-v) / float64(c.copies)
						}
						loss -= math.Log(sum)
						closer -= math.Log(sum) + mean
					}
					return loss, kl, closer, values
				}
				x := []float64{f.X[0] + 0.1, f.X[1] - 0.2, 0.7, 0.15}
				grad := make([]float64, len(x))
				res, err := o.Eval(t.Context(), x, batch, 1, grad)
				require.NoError(t, err)
				require.False(t, res.Failed, res.Reason)
				loss, kl, closer, values := sums(x)
				require.InDelta(t, loss/values, res.Loss, 1e-9, told)
				terms := map[string]float64{}
				for _, term := range res.Terms {
					terms[term.Name] = term.Value
				}
				require.InDelta(t, kl/values, terms["kl"], 1e-9, told)
				if c.importance {
					require.InDelta(t, closer/values, terms["importance"], 1e-9, told)
				} else {
					require.NotContains(t, terms, "importance")
				}
				slopes(t, x, grad, func(x []float64) float64 { loss, _, _, values := sums(x); return loss / values }, 1e-7, told)
			}
		}
	}
}

// TestBoundsRefused: what cannot be weighed.
func TestBoundsRefused(t *testing.T) {
	with := func(model string, copies int) *Objective {
		f := problemtest.Load(t, model, inferredRows)
		f.Space.Copy(copies)
		o, err := NewObjective(f.Prog, f.Space, f.Trajectories, nil, sim.Options{Method: solvers.Tsit5, RTol: 1e-6, ATol: 1e-8}, "unrolled", exec.Double, 1)
		require.NoError(t, err)
		return o
	}
	model := fmt.Sprintf(inferred, "")
	require.NoError(t, Bound(with(model, 64), true, fit.Curriculum{}))
	require.ErrorContains(t, Bound(with(model, 65), true, fit.Curriculum{}), "weighs at most 64 `draws`")
	require.NoError(t, Bound(with(model, 65), false, fit.Curriculum{}))
	require.ErrorContains(t, Bound(with(fmt.Sprintf(inferred, "  loss l = z^2\n"), 2), true, fit.Curriculum{}), "weighs likelihoods, and there are loss terms besides")
	plain, _ := objective(t, "model M {\n  param k = 1\n  state x = 1\n  x' = -k*x\n  observe x1 = x\n}\ndata d from \"data.csv\" { time: t, trajectory: id, x1: x }\n", inferredRows, "unrolled")
	require.ErrorContains(t, Bound(plain, true, fit.Curriculum{}), "weighs draws from a posterior, and there is none")
	require.NoError(t, Bound(plain, false, fit.Curriculum{}))
}

// TestEncode: the results of an encoder at some coordinates are there for other runs.
func TestEncode(t *testing.T) {
	f := problemtest.Load(t, fmt.Sprintf(inferred, ""), inferredRows)
	o, err := NewObjective(f.Prog, f.Space, f.Trajectories, nil, sim.Options{Method: solvers.Vern9, RTol: 1e-11, ATol: 1e-13}, "unrolled", exec.Double, 1)
	require.NoError(t, err)
	x := []float64{f.X[0] + 0.1, f.X[1], 0.7, 0.15}
	require.NoError(t, Encode(t.Context(), o, x, f.Trajectories))
	a := f.Space.Transforms[0].Forward(x[0])
	for i, it := range f.Trajectories {
		s := 0.
		for _, r := range inferredData[i] {
			s += r[1] * math.Exp(-a*r[0])
		}
		found := false
		for _, v := range it.Given {
			found = found || math.Abs(v-(0.7*s+0.15)) < 1e-9
		}
		require.True(t, found, "the mean of %s among %v", it.Name, it.Given)
	}
	plain, px := objective(t, decaying, decayingRows, "unrolled")
	require.NoError(t, Encode(t.Context(), plain, px, plain.Trajectories), "without one there is nothing to do")
}
