package start

import (
	"context"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/compiler/lower"
)

// laws has a block of each kind that scales have to do with.
const laws = `model Laws {
  time t
  param k in (0, inf) = 1
  neural plain(x, y) { hidden: [5, 4] }
  neural line(x) { hidden: [6], zero_at: 0.5 }
  neural uphill(x) { hidden: [6], monotone: increasing }
  neural mixed(x, y) { hidden: [5], monotone: [-1, 0] }
  neural odd_one(x) { hidden: [4], odd: true }
  neural above(x) { hidden: [4], positive: true }
  state a = 100
  state b = 0.06
  a' = -k*a + 0.1*plain(a, b) + line(a) + 0.01*odd_one(b)
  b' = 0.1*uphill(a) - 0.3*b + mixed(a, b) + above(b)
  observe p = a ~ normal(0.01)
  observe q = b ~ normal(0.001)
}
data d from "data.csv" {
  time: t
  p: p
  q: q
}
`

func lawsTable() string {
	var rows [][]float64
	for i := range 31 {
		t := float64(i) * 0.2
		rows = append(rows, []float64{t, 100 * math.Exp(-t) * (1 + 0.2*math.Sin(3*t)), 0.02 * (2 + math.Cos(2*t))})
	}
	return table("t,p,q", rows...)
}

// TestScalesOfArguments: one size for each argument of a block.
func TestScalesOfArguments(t *testing.T) {
	f := load(t, laws, lawsTable())
	require.NoError(t, f.data.SetScales())
	var a, b meanSquare
	for i := range f.trajectories[0].Rows {
		r := &f.trajectories[0].Rows[i]
		a.add(r.Data()[0])
		b.add(r.Data()[1])
	}
	for _, s := range f.prog.Model.Layout.Scales {
		if s.Kind == lower.ScaleNetIn && s.Object.Info().Name == "plain" {
			require.InEpsilon(t, a.root(), f.space.Scales[s.Off], 0.01)
			require.InEpsilon(t, b.root(), f.space.Scales[s.Off+1], 0.01)
		}
	}
}

// TestSpread: the units of a block of one argument bend within the data, each at a place
// of its own; a monotone one rises with all of them.
func TestSpread(t *testing.T) {
	f := load(t, laws, lawsTable())
	require.NoError(t, f.data.SetScales())
	x := slices.Clone(f.x)
	f.data.Spread(x, 1, 0)
	lo, hi := math.Inf(1), math.Inf(-1)
	for i := range f.trajectories[0].Rows {
		v := f.trajectories[0].Rows[i].Data()[0]
		lo, hi = math.Min(lo, v), math.Max(hi, v)
	}
	for _, n := range f.data.networks() {
		if n.Neural.Name != "line" && n.Neural.Name != "uphill" {
			continue
		}
		in := f.data.scaleOf(lower.ScaleNetIn, n)[0]
		weight, bias, _ := n.layer(x, 0)
		var centres []float64
		for u, w := range weight {
			if n.squared(0, u) {
				w *= w
			}
			centres = append(centres, -bias[u]/w*in)
		}
		require.IsIncreasing(t, centres, n.Neural.Name)
		require.Greater(t, centres[0], lo)
		require.Less(t, centres[5], hi)
		require.Greater(t, centres[5], lo+0.6*(hi-lo), "the grid reaches where data are few")
	}
	other := slices.Clone(f.x)
	f.data.Spread(other, 1, 1)
	require.NotEqual(t, x, other)
	f.data.Spread(other, 1, 0)
	require.Equal(t, x, other, "a draw is a draw")
	f.data.Redraw(other, 1, 0)
	require.Equal(t, f.x, other, "the first draw is that of the space")
}

// TestDraw: parameters move within their reach, results of blocks by a common factor.
func TestDraw(t *testing.T) {
	f := load(t, laws, lawsTable())
	seen := map[float64]bool{}
	for draw := range 20 {
		x := slices.Clone(f.x)
		f.data.Draw(x, 1, draw, 1)
		require.LessOrEqual(t, math.Abs(x[0]-f.x[0]), reach)
		seen[x[0]] = true
	}
	require.Len(t, seen, 20)
}

// relay turns a heater on and off at two temperatures.
const relay = `model Relay {
  time t
  param low in (0, 100) = 40
  param high in (0, 100) = 60
  param rate in (0, inf) = 2
  state T = 20
  discrete on = 1
  T' = -0.1*(T - 15) + rate*on
  event stop when T >= high { on := 0 }
  event go when T <= low { on := 1 }
  observe y = T ~ normal(0.2)
}
data d from "data.csv" {
  time: t
  y: y
}
`

// relayTable has low 19, high 27 and rate 2.
func relayTable() string {
	var rows [][]float64
	y, on := 20., 1.
	rng := seeded(2)
	const h = 1e-3
	for i := range 60001 {
		if i%600 == 0 {
			rows = append(rows, []float64{float64(i) * h, y + 0.2*rng.NormFloat64()})
		}
		end := 15 + 20*on // dT/dt = −0.1 (T − end)
		y = end + (y-end)*math.Exp(-0.1*h)
		switch {
		case y >= 27:
			on = 0
		case y <= 19:
			on = 1
		}
	}
	return table("t,y", rows...)
}

// TestThresholds: both thresholds of a relay are found to be of one thing, are drawn
// within the data and in order, and segments tell the true ones from those of the start,
// which no gradient could.
func TestThresholds(t *testing.T) {
	f := load(t, relay, relayTable())
	require.NoError(t, f.data.CannotCut())
	list := f.data.Thresholds(f.x)
	require.Len(t, list, 2)
	require.Equal(t, []int{0, 1}, []int{list[0].Param, list[1].Param})
	require.Len(t, together(list), 1)
	segments := f.data.Cut(f.x, Cut{Rows: 8})
	require.Len(t, segments[1].Alternatives, 2)
	screen, err := f.data.NewScreen(context.Background(), segments, f.x, options, 2)
	require.NoError(t, err)
	at := func(x []float64) float64 {
		cost, _, err := screen.At(context.Background(), x)
		require.NoError(t, err)
		return cost
	}
	natural := func(x []float64, i int) float64 { return f.space.Transforms[i].Forward(x[i]) }
	truth := f.truth(map[string]float64{"low": 19, "high": 27, "rate": 2})
	best, least := []float64(nil), math.Inf(1)
	for draw := range 200 {
		x := slices.Clone(f.x)
		f.data.DrawThresholds(x, list, 1, 1, draw)
		require.Less(t, natural(x, 0), natural(x, 1))
		require.Greater(t, natural(x, 0), 18.)
		require.Less(t, natural(x, 1), 28.)
		x[2] = f.x[2] // which is right
		if cost := at(x); cost < least {
			best, least = x, cost
		}
	}
	right, wrong := at(truth), at(f.x)
	require.Less(t, right, 2.5)
	require.Greater(t, wrong, 5*right)
	require.Less(t, least, wrong/2)
	require.InDelta(t, 19, natural(best, 0), 1.5)
	require.InDelta(t, 27, natural(best, 1), 1.5)
	one, err := f.data.NewScreen(context.Background(), segments, f.x, options, 1)
	require.NoError(t, err)
	alone, choice, err := one.At(context.Background(), best)
	require.NoError(t, err)
	require.Equal(t, least, alone, "whatever the number of workers")
	require.Contains(t, choice, 1)
}

// TestMultiplyResult: the result of a block is multiplied at every argument, whatever its weights stand for; that of a positive
// one where its last layer is its bias.
func TestMultiplyResult(t *testing.T) {
	f := load(t, `model Laws {
  time t
  neural plain(x, y) { hidden: [5, 4] }
  neural line(x) { hidden: [6], zero_at: 0.5 }
  neural uphill(x) { hidden: [6], monotone: increasing }
  neural mixed(x, y) { hidden: [5], monotone: [-1, 0] }
  neural odd_one(x) { hidden: [4], odd: true }
  neural above(x) { hidden: [4], positive: true }
  state r[6] = 0.3
  r' = [plain(r[0], r[1]), line(r[0]), uphill(r[1]), mixed(r[0], r[1]), odd_one(r[2]), above(r[2])]
  observe p = r[0] ~ normal(0.01)
}
data d from "data.csv" { time: t; p: p }
`, table("t,p", []float64{0, 1}, []float64{1, 2}))
	x := slices.Clone(f.x)
	rates := func() []float64 {
		f.data.bind(x)
		f.data.at(f.data.runs[0].Trajectory)
		return slices.Clone(f.data.rhs([]float64{0.7, -0.4, 1.3, 0, 0, 0}))
	}
	for _, n := range f.data.networks() {
		if n.Net.Positive {
			weight, bias, _ := n.layer(x, n.last())
			clear(weight)
			bias[0] = 0.2
		}
	}
	before := rates()
	for k, n := range f.data.networks() {
		n.multiplyResult(x, []float64{float64(2 + k)})
	}
	after := rates()
	for k, v := range before {
		require.NotZero(t, v)
		require.InEpsilon(t, float64(2+k)*v, after[k], 1e-9, f.data.networks()[k].Neural.Name)
	}
}

// TestDemands: a result is as large as equations need it, within a hundredth of and ten times what is usual there; where nothing
// is needed it is usual, and of several demands the least counts.
func TestDemands(t *testing.T) {
	demand := func(slope, usual float64, need ...float64) demandSum {
		return demandSum{slope: meanSquare{sum: 3 * slope * slope, n: 3}, usual: usual, need: need}
	}
	for _, c := range []struct {
		d    demandSum
		want float64
	}{
		{demand(2, 6), 3},
		{demand(0, 6, 5), 0},
		{demand(2, 6, 4, 4), 4},
		{demand(2, 6, 1e-5), 0.03},
		{demand(2, 6, 1e5), 30},
	} {
		require.InEpsilon(t, 1+c.want, 1+c.d.size(), 1e-12)
	}
	require.InEpsilon(t, 3, leastDemand([]demandSum{demand(0, 1), demand(2, 6), demand(1, 4)}), 1e-12)
	require.InEpsilon(t, 4, leastDemand([]demandSum{demand(1, 4), demand(1, 5)}), 1e-12)
	require.Zero(t, leastDemand(nil))
	// A tenth of the largest count as the one below them.
	list := []float64{1, 1, 1, 1, 1, 1, 1, 1, 2, 1000}
	require.InEpsilon(t, math.Sqrt((8+4+4)/10.), typical(list), 1e-12)
}
