package gradcheck

import (
	"context"
	"math"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/compiler"
	"github.com/pinode/pinode/fit"
	"github.com/pinode/pinode/internal/engine"
	"github.com/pinode/pinode/internal/problem"
	"github.com/pinode/pinode/internal/problem/problemtest"
	"github.com/pinode/pinode/internal/simulate"
	"github.com/pinode/pinode/sim"
	"github.com/pinode/pinode/solvers"
)

// simulator is that of a model without data.
func simulator(t *testing.T, model string) *simulate.Simulator {
	t.Helper()
	p, err := compiler.Compile("m.node", model)
	require.NoError(t, err)
	return &simulate.Simulator{Prog: &engine.Compiled{Program: p}, Data: &problem.Problem{Prog: p, Path: "m.node"}, Settings: p.Checked.Simulate.Values}
}

// TestSimulationByHand: without data the targets are the states at the end and the times of events,
// with the derivatives that a closed form has, per unit of each parameter.
func TestSimulationByHand(t *testing.T) {
	c, err := WholeSimulation(t.Context(), simulator(t, `model Drop {
  param g in (0, inf) = 9.5
  param e in (0, 1) = 0.8
  param idle = 1
  state h = 1
  state v = 0
  h' = v
  v' = -g
  event bounce when h <= 0 { v := -e*v }
}
simulate { until: 0.9, solver: tsit5 { rtol: 1e-8 } }`), 10)
	require.NoError(t, err)
	require.True(t, c.Certified(), c.Where)
	require.Equal(t, Modes, c.Modes)
	require.Equal(t, []string{"idle"}, c.Inert)
	require.Equal(t, 2, c.Compared) // of the first end
	require.Zero(t, c.Doubtful)
	require.Len(t, c.Events, 1)
	// h = e v₁ s − g s²/2 with s = T − t₁, t₁ = √(2/g), v₁ = √(2g).
	g, e, end := 9.5, 0.8, 0.9
	at, v1 := math.Sqrt(2/g), math.Sqrt(2*g)
	s, atByG, v1ByG := end-at, -at/(2*g), v1/(2*g)
	require.InDelta(t, at, c.Events[0].Time, 1e-9)
	want := map[string]map[string]float64{
		"h at 0.9":                   {"g": e*v1ByG*s - e*v1*atByG - s*s/2 + g*s*atByG, "e": v1 * s},
		"v at 0.9":                   {"g": e*v1ByG - s + g*atByG, "e": v1},
		"time of bounce at 0.458831": {"g": atByG, "e": 0},
	}
	require.Len(t, c.Targets, len(want))
	for _, x := range c.Targets {
		require.Contains(t, want, x.Name)
		require.Equal(t, x.Name[0] == 't', x.Event == 0)
		require.Len(t, x.Rows, 2)
		for _, r := range x.Rows {
			w := want[x.Name][r.Name]
			require.InDelta(t, w, r.Difference, 1e-7*(1+math.Abs(w)), "%s by %s", x.Name, r.Name)
			require.Less(t, r.Uncertainty, 1e-6)
			require.Len(t, r.Gradient, 4)
			for j, v := range r.Gradient {
				require.InDelta(t, w, v, 1e-7*(1+math.Abs(w)), "%s by %s, %s", x.Name, r.Name, c.Modes[j])
			}
		}
	}
}

// TestSimulationOfSteps: with fixed steps the adjoint equation does not follow the steps, and is left
// out; the times of no more than some events are targets.
func TestSimulationOfSteps(t *testing.T) {
	c, err := WholeSimulation(t.Context(), simulator(t, `model Clock {
  param k = 0.3
  state x = 1
  x' = -k*x
  event tick every 0.1 { x := 1.01*x }
}
simulate { until: 2, solver: rk4 { step: 0.02 } }`), 10)
	require.NoError(t, err)
	require.True(t, c.Certified(), c.Where)
	require.Equal(t, []string{"unrolled", "forward"}, c.Modes)
	require.Len(t, c.Events, 20)
	timed := 0
	for _, x := range c.Targets {
		if x.Event >= 0 {
			timed++
		}
	}
	require.Equal(t, mostTimed, timed)
	x := math.Exp(-0.3*2) * math.Pow(1.01, 20)
	require.InEpsilon(t, -2*x, c.Targets[0].Rows[0].Difference, 1e-6)
}

const decay = `model Decay {
  param k in (0, inf) = 0.4
  param b per id = 2
  param z = 5
  state x = b
  x' = -k*x
  observe y = x ~ normal(0.5)
}
data d from "data.csv" { time: t, trajectory: id, y: y }
`

const decayRows = "id,t,y\na,1,1.2\na,2,0.5\nb,1,1.5\nb,3,0.9\n"

// certifierOf is a certifier of a model with data.
func certifierOf(t *testing.T, model, rows string, opt sim.Options, want Want) *certifier {
	t.Helper()
	f := problemtest.Load(t, model, rows)
	c, err := newCertifier(t.Context(), f.Prog, f.Space, f.Trajectories, opt, want)
	require.NoError(t, err)
	return c
}

var (
	tight = sim.Options{Method: solvers.Tsit5, RTol: 1e-10, ATol: 1e-12}
	fine  = Want{64, mostTimed, FineDifference, FineTolerance, Modes, true, nil}
)

// TestLossByHand: the rows of losses have the derivatives of the sum of squares.
func TestLossByHand(t *testing.T) {
	f := problemtest.Load(t, decay, decayRows)
	c, err := Certify(t.Context(), f.Prog, f.Space, f.Trajectories, sim.Options{Method: solvers.Tsit5, RTol: 1e-6, ATol: 1e-9}, fine)
	require.NoError(t, err)
	require.True(t, c.Certified(), c.Where)
	require.Equal(t, []string{"z"}, c.Inert)
	// Of (x − y)²/(2·0.5²), x = b e^{−kt}, the mean over the two rows of a trajectory.
	by := func(rows [][2]float64) (k, b float64) {
		for _, r := range rows {
			e := math.Exp(-0.4 * r[0])
			off := (2*e - r[1]) / 0.25 / 2
			k, b = k-off*2*r[0]*e, b+off*e
		}
		return k, b
	}
	ka, ba := by([][2]float64{{1, 1.2}, {2, 0.5}})
	kb, bb := by([][2]float64{{1, 1.5}, {3, 0.9}})
	seen := 0
	for _, x := range c.Targets {
		for _, r := range x.Rows {
			want := map[string]float64{"loss of id=a k": ka, "loss of id=a b{id=a}": ba, "loss of id=b b{id=b}": bb}[x.Name+" "+r.Name]
			if r.Direction {
				continue
			}
			seen++
			require.InEpsilon(t, want, r.Difference, 1e-7, "%s of %s", r.Name, x.Name)
			for _, v := range r.Gradient {
				require.InEpsilon(t, want, v, 1e-7, "%s of %s", r.Name, x.Name)
			}
		}
	}
	require.Equal(t, 3, seen)
	// Directions: of all, and of each trajectory; by coordinates, of which k is its logarithm.
	all := c.Targets[len(c.Targets)-1]
	for _, x := range c.Targets {
		if x.Name == "loss of all trajectories" {
			all = x
		}
	}
	require.Len(t, all.Rows, 1)
	require.True(t, all.Rows[0].Direction)
	sign := func(a, b, z float64) float64 { // z does not act
		return (a*math.Max(1, math.Abs(math.Log(0.4)))*0.4*(ka+kb)/2 + b*2*ba/2 + z*2*bb/2) / math.Sqrt(4)
	}
	found := false
	for _, a := range []float64{-1, 1} {
		for _, b := range []float64{-1, 1} {
			for _, z := range []float64{-1, 1} {
				found = found || math.Abs(sign(a, b, z)-all.Rows[0].Difference) < 1e-7
			}
		}
	}
	require.True(t, found, "%g is no sum of these", all.Rows[0].Difference)
}

// TestDifference: a difference is within its uncertainty of a closed form, along coordinates and
// directions; where events come in another order it is taken closer by.
func TestDifference(t *testing.T) {
	c := certifierOf(t, decay, decayRows, tight, fine)
	require.NoError(t, c.visit(0))
	require.Equal(t, 0, c.item)
	loss := func(k, b float64) float64 {
		sum := 0.
		for _, r := range [][2]float64{{1, 1.2}, {2, 0.5}} {
			sum += math.Pow(b*math.Exp(-k*r[0])-r[1], 2)/0.5 + math.Log(0.5*math.Sqrt(2*math.Pi))
		}
		return sum / 2
	}
	require.InDelta(t, loss(0.4, 2), c.base[0], 1e-9)
	slope := func(by func(h float64) float64) float64 {
		const h = 1e-3
		return (45*(by(h)-by(-h)) - 9*(by(2*h)-by(-2*h)) + by(3*h) - by(-3*h)) / (60 * h)
	}
	k := func(x float64) float64 { return math.Exp(math.Log(0.4) + x) }
	require.Equal(t, []string{"k", "b{id=a}", "b{id=b}", "z"}, []string{c.Name(0), c.Name(1), c.Name(2), c.Name(3)})
	for _, x := range []struct {
		l    line // the scale of b is its start value
		want float64
	}{
		{line{i: 0}, slope(func(h float64) float64 { return loss(k(h), 2) })},
		{line{i: 1}, slope(func(h float64) float64 { return loss(0.4, 2+2*h) })},
		{line{dir: []float64{0.5, -2, 7, 3}}, slope(func(h float64) float64 { return loss(k(0.5*h), 2-4*h) })},
		{line{i: 2}, 0},
	} {
		f := c.difference(c.probe, x.l, []float64{1})
		require.NoError(t, f.err)
		require.Empty(t, f.why)
		require.InDelta(t, x.want, f.d[0], f.unsure[0]+1e-9)
		require.Less(t, f.unsure[0], 1e-7)
		require.GreaterOrEqual(t, f.slope[0], math.Abs(x.want)-1e-9)
		require.InDelta(t, math.Abs(x.want), f.slope[0], 0.2*math.Abs(x.want)+0.2)
	}
	// A bounce at √(2·0.98/9.8), just before the end: a step of g down by more than 1.6 % loses it.
	c = certifierOf(t, `model M {
  param g = 9.8
  state h = 0.98
  state v = 0
  h' = v
  v' = -g
  event bounce when h <= 0 { v := -0.5*v }
  observe y = v ~ normal(1)
}
data d from "data.csv" { time: t, y: y }
`, "t,y\n0.45,2\n", tight, fine)
	require.NoError(t, c.visit(0))
	at := func(g float64) float64 {
		t1 := math.Sqrt(2 * 0.98 / g)
		v := 0.5*g*t1 - g*(0.45-t1)
		return (v - 2) * (v - 2) / 2
	}
	c.step = 0.02
	f := c.difference(c.probe, line{i: 0}, []float64{1, 1})
	require.NoError(t, f.err)
	require.Empty(t, f.why)
	require.InDelta(t, slope(func(h float64) float64 { return at(9.8 * (1 + h)) }), f.d[0], 1e-7)
	require.InDelta(t, -math.Sqrt(2*0.98/9.8)/2, f.d[1], 1e-8)
	require.Less(t, f.unsure[1], 1e-7)
}

// TestCoordinates: all parameters are compared and some weights; who can act where is told by keys.
func TestCoordinates(t *testing.T) {
	c := certifierOf(t, dropping, droppingRows, tight, Want{Coordinates: 5, Modes: []string{"unrolled"}, Enough: 1e-7, Tol: 1e-5})
	require.Equal(t, 4+10, c.sp.Dim)
	require.Equal(t, []int{0, 1, 2, 3, 4, 6, 8, 10, 12}, c.some())
	require.Equal(t, []bool{true, true, false, true, true}, []bool{c.mayAct(0, 0), c.mayAct(1, 0), c.mayAct(2, 0), c.mayAct(3, 0), c.mayAct(9, 0)})
	require.Equal(t, []bool{false, true}, []bool{c.mayAct(1, 1), c.mayAct(2, 1)})
	for i, want := range map[int]int{0: 0, 1: 0, 2: 1, 3: -1} {
		got, err := c.actsOn(i)
		require.NoError(t, err)
		require.Equal(t, want, got, c.Name(i))
	}
	require.Equal(t, "unrolled", c.programs())
	c.want.Modes = Modes
	require.Equal(t, "forward", c.programs())
}

// TestLines: points and derivatives along lines, and the scale that modes claim.
func TestLines(t *testing.T) {
	x, start := make([]float64, 3), []float64{1, 2, 3}
	l, d := line{i: 1}, line{dir: []float64{1, 0, -2}}
	l.move(x, start, 0.5)
	require.Equal(t, []float64{1, 2.5, 3}, x)
	d.move(x, start, 0.5)
	require.Equal(t, []float64{1.5, 2, 2}, x)
	require.Equal(t, 7., l.along([]float64{5, 7, 11}))
	require.Equal(t, 5.-22, d.along([]float64{5, 7, 11}))
	partials := [][][]float64{{{0, 0, 0}, {1, -8, 0}}, {{0, 0, 0}, {1, 3, -2}}}
	require.Equal(t, 3., claimedScale(partials, 1, []line{l}))
	require.Equal(t, 1., claimedScale(partials, 1, []line{d}), "1 and 5")
	require.Equal(t, 5., claimedScale(partials, 1, []line{l, d}), "8 and 5")
	require.Zero(t, claimedScale(partials, 0, []line{l, d}))
}

// TestModesOfCertificates: what is compared in which mode, and what witnesses it.
func TestModesOfCertificates(t *testing.T) {
	fixed := sim.Options{Method: solvers.Method("rk4"), Step: 0.1}
	stiff := sim.Options{Method: solvers.Rodas5P}
	several := sim.Options{Method: solvers.Method("bdf")}
	require.Equal(t, Modes, certifiedModes(tight))
	require.Equal(t, []string{"unrolled", "forward"}, certifiedModes(fixed))
	require.Equal(t, []string{"unrolled", "adjoint", "forward"}, certifiedModes(stiff))
	require.Equal(t, []string{"adjoint", "forward"}, certifiedModes(several))
	require.Equal(t, Want{7, mostTimed, 3e-10, 1e-6, []string{"unrolled", "forward"}, true, nil}, NewWant(true, "auto", fixed, 7, nil, false))
	require.Equal(t, []string{"unrolled"}, NewWant(true, "auto", fixed, 7, nil, true).Modes)
	require.Equal(t, Want{7, mostTimed, 3e-10, 1e-6, []string{"adjoint"}, false, nil}, NewWant(false, "auto", tight, 7, []string{"adjoint"}, false))
	require.Equal(t, Want{7, mostTimed, 1e-7, 1e-5, []string{"unrolled"}, false, nil}, NewWant(false, "auto", tight, 7, nil, false))
	require.Equal(t, []string{"adjoint"}, NewWant(false, "auto", several, 7, nil, false).Modes)
	require.Equal(t, []string{"adjoint"}, NewWant(true, "auto", tight, 7, []string{"adjoint"}, false).Modes, "those that are asked for, in full too")
	require.Equal(t, []string{"backsolve"}, NewWant(false, "backsolve", tight, 7, nil, false).Modes)
	for _, x := range []struct {
		opt        sim.Options
		mode, want string
	}{
		{tight, "unrolled", "adjoint"},
		{tight, "adjoint", "unrolled"},
		{tight, "backsolve", "unrolled"},
		{tight, "forward", "adjoint"},
		{fixed, "unrolled", "forward"},
		{fixed, "forward", "unrolled"},
		{several, "adjoint", "forward"},
		{several, "forward", "adjoint"},
	} {
		require.Equal(t, x.want, (&certifier{opt: x.opt}).witness(x.mode), "%s of %s", x.mode, x.opt.Method.Name)
	}
}

// TestKinks: blocks whose slope or curvature jumps are named where they drive the motion of steps
// that adapt, and put off derivatives by so much.
func TestKinks(t *testing.T) {
	fixed := sim.Options{Method: solvers.Method("rk4"), Step: 0.1}
	for _, x := range []struct {
		blocks, law string
		opt         sim.Options
		notes       []string
		off         float64
	}{
		{"neural f(x) -> 1 { hidden: [4], activation: tanh }", "f(x)", tight, nil, 0},
		{"neural f(x) -> 1 { hidden: [4], activation: relu }", "f(x)", tight, []string{"`f` has activation relu, whose slope jumps"}, kinkTolerance},
		{"neural f(x) -> 1 { hidden: [4], activation: relu }", "f(x)", fixed, nil, 0},
		{"neural f(x) -> 1 { hidden: [4], activation: elu }", "f(x)", tight, []string{"`f` has activation elu, whose curvature jumps"}, bendTolerance},
		{"neural f(x) -> 1 { activation: relu, hidden: [] }", "f(x)", tight, nil, 0},
		{"neural f(x) -> 1 { hidden: [4], activation: relu }\n  observe y = f(x)", "-x", tight, nil, 0},
		{"neural f(x) -> 1 { hidden: [4], activation: relu }\n  neural g(x) -> 1 { hidden: [3], activation: elu }", "f(x) + g(x)", tight, []string{"`f`", "`g`"}, kinkTolerance},
		{"neural f(x) -> 1 { hidden: [4], activation: tanh }\n  neural g(x) -> 1 { hidden: [3], activation: relu }", "f(x) + g(x)", tight, []string{"`g`"}, kinkTolerance},
	} {
		p, err := compiler.Compile("m.node", "model M {\n  "+x.blocks+"\n  state x = 1\n  x' = "+x.law+"\n}")
		require.NoError(t, err)
		notes, off := kinks(p, x.opt)
		require.Equal(t, x.off, off, x.blocks)
		require.Len(t, notes, len(x.notes), x.blocks)
		for i, n := range x.notes {
			require.Contains(t, notes[i], n)
		}
	}
}

// TestRefusals: a loss or a gradient that is no number, a run that fails and a context that has ended
// are errors that say so.
func TestRefusals(t *testing.T) {
	certify := func(model, rows string) error {
		f := problemtest.Load(t, model, rows)
		_, err := Certify(t.Context(), f.Prog, f.Space, f.Trajectories, tight, Want{64, 8, 1e-7, 1e-5, []string{"unrolled"}, false, nil})
		return err
	}
	const data = "\n  observe y = x ~ normal(1)\n}\ndata d from \"data.csv\" { time: t, trajectory: id, y: y }\n"
	rows := "id,t,y\na,1,2\nb,1,2\n"
	require.NoError(t, certify("model M {\n  param k = 1\n  state x = 1\n  x' = -k*x"+data, rows))
	require.ErrorContains(t, certify("model M {\n  param k = 3\n  state x = 1\n  x' = k*x^2"+data, rows), "id=a")
	err := certify("model M {\n  param k = 1\n  state x = 1\n  x' = -k*x\n  loss bad = log(-k) { weight: 1 }"+data, rows)
	require.ErrorContains(t, err, "trajectory id=a, t = 1: the loss `bad` is NaN")
	// √k has no slope at 0, where the loss is a number.
	require.ErrorContains(t, certify("model M {\n  param k = 0\n  state x = 1\n  x' = -sqrt(k)*x"+data, rows), "id=a")
	f := problemtest.Load(t, decay, decayRows)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = Certify(ctx, f.Prog, f.Space, f.Trajectories, tight, fine)
	require.ErrorIs(t, err, context.Canceled)
}

// countdown is a context that ends after so many looks at it.
type countdown struct {
	context.Context
	left atomic.Int64
}

func (c *countdown) Err() error {
	if c.left.Add(-1) < 0 {
		return context.Canceled
	}
	return nil
}

// TestEndedAnywhere: wherever the context ends, there is an error and no certificate that lacks a part.
func TestEndedAnywhere(t *testing.T) {
	for _, modes := range [][]string{Modes, {"adjoint"}} {
		f := problemtest.Load(t, dropping, droppingRows)
		want := Want{3, mostTimed, coarseDifference, coarseTolerance, modes, true, nil}
		certify := func(looks int64) (*fit.Certificate, int64, error) {
			ctx := &countdown{Context: t.Context()}
			ctx.left.Store(looks)
			c, err := Certify(ctx, f.Prog, f.Space, f.Trajectories, sim.Options{Method: solvers.Tsit5, RTol: 1e-5, ATol: 1e-7}, want)
			return c, looks - ctx.left.Load(), err
		}
		whole, all, err := certify(1 << 40)
		require.NoError(t, err)
		for k := range int64(24) {
			c, _, err := certify(all * k / 24)
			require.ErrorIs(t, err, context.Canceled, "after %d of %d looks", all*k/24, all)
			require.Nil(t, c)
		}
		c, _, err := certify(2 * all)
		require.NoError(t, err)
		require.Equal(t, whole.Compared, c.Compared)
		require.Equal(t, whole.Inert, c.Inert)
	}
}
