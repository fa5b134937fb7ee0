package encoder_test

import (
	"context"
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/compiler/lower"
	"github.com/pinode/pinode/internal/encoder"
	"github.com/pinode/pinode/internal/explain"
	"github.com/pinode/pinode/internal/problem"
	"github.com/pinode/pinode/internal/problem/problemtest"
	"github.com/pinode/pinode/sim"
	"github.com/pinode/pinode/solvers"
)

// discounted sums what is measured, each value less the older it is: it comes to Σ c·x·e^−a(t − 1),
// since the time falls from the last row to the start at 1, and counts the rows.
const discounted = `model Encoder {
  observe x
  param a in (0, 5) = 0.8
  param c per site in (0, 9) = 2
  covariate v
  state s = v
  discrete n = 0
  s' = a*(s - v)
  event see on observation of x { s := s + c*data(x); n := n + 1 }
  let sum = s - v
  let twice[2] = [2*s, n]
}
model M {
  time t in [1, inf)
  param a in (0, 5) = 0.8
  param c per site in (0, 9) = 2
  covariate v
  use Encoder as enc backward { a: a, c: c, v: v }
  state y = enc.sum + enc.twice[0] + enc.twice[1]
  y' = -a*y
  observe x = y
}
data d from "data.csv" { time: t, trajectory: [id, site], x: x, v: v, given: g == 1 }
`

const discountedRows = "id,site,v,t,x,g\n1,p,5,1.5,2,1\n1,p,5,3,1,1\n1,p,5,3,-4,1\n1,p,5,4,9,0\n2,q,7,2,8,0\n3,p,6,1,3,1\n3,p,6,2,1,1\n"

// sums are what the encoder comes to over the rows that are given, and its derivatives by a and c.
func sums(it int, a, c float64) (sum, byA, byC, n float64) {
	rows := [][][2]float64{{{1.5, 2}, {3, 1}, {3, -4}}, {}, {{1, 3}, {2, 1}}}[it]
	for _, r := range rows {
		w := math.Exp(-a * (r[0] - 1)) // the time falls: s' = a(s − v) shrinks what was seen
		sum, byA, byC = sum+c*r[1]*w, byA-c*r[1]*(r[0]-1)*w, byC+r[1]*w
	}
	return sum, byA, byC, float64(len(rows))
}

func load(t *testing.T, model, rows string, opt encoder.Options) (*problemtest.Fixture, *encoder.Encoder) {
	t.Helper()
	f := problemtest.Load(t, model, rows)
	opt.Method, opt.RTol, opt.ATol = solvers.Tsit5, 1e-11, 1e-12
	e, err := encoder.New(f.Prog, 3, opt)
	require.NoError(t, err)
	require.NotNil(t, e)
	return f, e
}

// bind sets values and binds them; it returns the natural ones.
func bind(t *testing.T, f *problemtest.Fixture, e *encoder.Encoder, values map[string]float64) []float64 {
	t.Helper()
	require.NoError(t, f.Space.SetValues(&problem.Values{Params: values}))
	x, err := f.Space.X0()
	require.NoError(t, err)
	nat := make([]float64, len(f.Space.Params))
	e.Bind(context.Background(), f.Space.SharedAt(x, nat), f.Space.Scales)
	return nat
}

// results are where a model has the results of its encoder, in their order, and then whether they
// are known.
func results(f *problemtest.Fixture) (at []int) {
	for _, s := range f.Prog.Model.Layout.Trajectory {
		if s.Kind == lower.FromEncoder || s.Kind == lower.FromKnown {
			for k := range s.N {
				at = append(at, s.Off+k)
			}
		}
	}
	return at
}

func pick(from []float64, at []int) (list []float64) {
	for _, i := range at {
		list = append(list, from[i])
	}
	return list
}

var values = map[string]float64{"a": 0.3, "c{site=p}": 4, "c{site=q}": 5}

// wanted are the results for a trajectory at these values.
func wanted(i int) []float64 {
	sum, _, _, n := sums(i, 0.3, []float64{4, 5, 4}[i])
	return []float64{sum, 2 * (sum + []float64{5, 7, 6}[i]), n, 1}
}

// TestFill: the results of an encoder stand among what its trajectories are given: those of the rows
// that are given, at the values that are bound.
func TestFill(t *testing.T) {
	f, e := load(t, discounted, discountedRows, encoder.Options{Workers: 1, Options: sim.Options{Sizes: []float64{1e9}}}) // of the model's states
	nat := bind(t, f, e, values)
	require.NoError(t, e.Fill(context.Background(), f.Space, nat, f.Trajectories))
	for i, it := range f.Trajectories {
		require.InDeltaSlice(t, wanted(i), pick(it.Given, results(f)), 1e-9, it.Name)
	}
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	e.Bind(ended, f.Space.P, f.Space.Scales)
	require.ErrorIs(t, e.Fill(ended, f.Space, nat, f.Trajectories), context.Canceled)
}

// TestGradient: cotangents of results go back through the run to what it reads: of several blocks of
// runs, one after the other.
func TestGradient(t *testing.T) {
	f, e := load(t, discounted, discountedRows, encoder.Options{Workers: 1, Reverse: true})
	nat := bind(t, f, e, values)
	at := results(f)
	lay := &f.Prog.Model.Layout
	w := e.Workers[0]
	for _, block := range [][]int{{0, 1, 2}, {2, 0}, {1}} {
		var list []*problem.Trajectory
		for _, i := range block {
			list = append(list, f.Trajectories[i])
		}
		_, fail := w.Do(list, func(it *problem.Trajectory) []float64 { return f.Space.OwnInputs(nat, it, nil) }, true)
		require.Nil(t, fail)
		for k, i := range block {
			q := make([]float64, lay.NQ)
			w.Put(k, q)
			require.InDeltaSlice(t, wanted(i), pick(q, at), 1e-9)
			bar := make([]float64, lay.NQ)
			for j, r := range at[:3] {
				bar[r] = []float64{1.5, 0.25, 7}[j]
			}
			w.Add(k, bar)
			w.Add(k, bar) // of two copies
		}
		done := 0
		w.Backward(func(k int, pBar, qBar []float64) {
			i := block[k]
			_, byA, byC, _ := sums(i, 0.3, []float64{4, 5, 4}[i])
			of := 2 * (1.5 + 2*0.25) // the number of events has no derivative
			require.InDelta(t, of*byA, pBar[param(f, "a")], 1e-8, "by a, of %s", list[k].Name)
			require.InDelta(t, of*byC, qBar[param(f, "c")], 1e-8, "by c, of %s", list[k].Name)
			done++
		})
		require.Equal(t, len(block), done)
	}
}

func param(f *problemtest.Fixture, name string) int {
	for _, s := range f.Prog.Encoder.Model.Layout.Params {
		if s.Object.Info().Name == "enc."+name || s.Object.Info().Name == name {
			return s.Off
		}
	}
	return -1
}

// TestConstantResults: results that no state enters have no derivative, and those of fixed numbers are there.
func TestConstantResults(t *testing.T) {
	for _, state := range []string{"", "\n  state s = 0\n  s' = 1"} {
		f, e := load(t, `model Encoder {
  observe x
  discrete n = 0`+state+`
  event see on observation of x { n := n + data(x) }
}
model M {
  param a = 1
  use Encoder as enc backward
  state y = a
  y' = enc.n
  observe x = y
}
data d from "data.csv" { time: t, trajectory: id, x: x }
`, "id,t,x\n1,1,2\n1,2,5\n", encoder.Options{Workers: 1, Reverse: true})
		bind(t, f, e, nil)
		w := e.Workers[0]
		_, fail := w.Do(f.Trajectories, func(it *problem.Trajectory) []float64 { return it.Given }, true)
		require.Nil(t, fail)
		q := make([]float64, f.Prog.Model.Layout.NQ)
		w.Put(0, q)
		require.Equal(t, []float64{7, 1}, pick(q, results(f)))
		w.Backward(func(i int, pBar, qBar []float64) {
			for _, v := range append(pBar, qBar...) {
				require.Zero(t, v)
			}
		})
	}
}

// TestFailures: a run that cannot be brought to the start says why, at the time of the model, and of the
// first of its trajectories.
func TestFailures(t *testing.T) {
	const model = `model Encoder {
  observe x
  covariate v
  state s = 0
  s' = %s
  event see on observation of x { s := s + data(x) }
  event stop when s > 10 priority 2 { %s }
}
model M {
  param a per id = 1
  covariate v
  use Encoder as enc backward { v: v }
  state y = enc.s
  y' = -a*y
  observe x = y
}
data d from "data.csv" { time: t, trajectory: id, x: x, v: v }
`
	for _, c := range []struct {
		rate, does, want string
		status           sim.Status
		at               float64
	}{
		// The run begins at 3 and s grows by v·(3 − t) to 10 before it comes to 0.
		{"-v", "terminate", "its run ended before the start", sim.Terminated, 1},
		{"-v + 0*log(t - 0.5)", "s := s", "", sim.Unstable, 0.5},
	} {
		f, e := load(t, fmt.Sprintf(model, c.rate, c.does), "id,v,t,x\n1,1,3,0\n2,5,3,0\n3,5,3,0\n", encoder.Options{Workers: 1})
		nat := bind(t, f, e, nil)
		err := e.Fill(context.Background(), f.Space, nat, f.Trajectories)
		var run *explain.RunError
		require.ErrorAs(t, err, &run, c.rate)
		if c.status == sim.Terminated {
			require.Equal(t, "id=2", run.Trajectory)
		}
		require.Contains(t, run.Text, "the encoder: "+c.want)
		require.Equal(t, c.status, run.Fail.Status, run.Text)
		require.InDelta(t, c.at, run.Fail.T, 0.02, run.Text)
		i, fail := e.Workers[0].Do(f.Trajectories[1:], func(it *problem.Trajectory) []float64 { return f.Space.OwnInputs(nat, it, nil) }, false)
		require.Equal(t, 0, i)
		require.Contains(t, fail.Detail, "the encoder: "+c.want)
	}
}

// TestNone: a model that uses nothing backward has no encoder.
func TestNone(t *testing.T) {
	f := problemtest.Load(t, "model M {\n  param k = 1\n  state x = 1\n  x' = -k*x\n  observe y = x\n}\ndata d from \"data.csv\" { time: t, y: y }\n", "t,y\n0,1\n")
	e, err := encoder.New(f.Prog, 1, encoder.Options{})
	require.NoError(t, err)
	require.Nil(t, e)
}

// TestScales: the blocks of an encoder have the scales of the fit: with no hidden layer a block is b + w·x/in,
// times out.
func TestScales(t *testing.T) {
	f, e := load(t, `model Encoder {
  observe x
  state s = 0
  neural m(s) -> 1 { hidden: [] }
  s' = 0
  event see on observation of x { s := s + data(x) }
  let mean = m(s)
}
model M {
  param a = 1
  use Encoder as enc backward
  state y = enc.mean
  y' = -a*y
  observe x = y ~ normal(1)
}
data d from "data.csv" { time: t, trajectory: id, x: x }
`, "id,t,x\n1,1,2\n1,2,5\n", encoder.Options{Workers: 1})
	require.NoError(t, f.Space.SetValues(&problem.Values{Weights: map[string][]float64{"enc.m.0.weight": {3}, "enc.m.0.bias": {0.5}}}))
	for i := range f.Space.Scales {
		f.Space.Scales[i] = []float64{2, 10}[i%2]
	}
	nat := bind(t, f, e, nil)
	require.NoError(t, e.Fill(context.Background(), f.Space, nat, f.Trajectories))
	require.InDelta(t, 10*(3*7/2.+0.5), pick(f.Trajectories[0].Given, results(f))[0], 1e-12)
}
