package start

import (
	"context"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/internal/problem"
)

// dosed is a drug in two compartments, of which concentrations are observed, through
// a volume that is fitted: the second through what is left of a sum.
const dosed = `model Dosed {
  time t
  param k in (0, inf) = 0.7
  param m in (0, inf) = 0.3
  param V in (0, inf) = 2
  param r per trajectory in (0, inf) = 0.05
  state a = 0
  state b = 0
  discrete leak = 0
  a' = -k*a
  b' = k*a - (m + leak*r)*b
  event dose(amount) on data { a := a + amount }
  event opens at t = 4.5 { leak := 1 }
  observe y = a/V ~ normal(0.1)
  observe z = (a + b)/V ~ normal(0.1)
}
data d from "data.csv" {
  time: t
  trajectory: id
  y: y
  z: z
  dose: { amount: amt }
}
`

// dosedTable has the exact solution at uneven times; doses at 0, 3 and 6, the second
// with a row before and one behind it.
func dosedTable() string {
	nan := math.NaN()
	var rows [][]float64
	for id, r := range []float64{0.05, 0.2} {
		y, now, leak := []float64{0, 0}, 0., 0.
		to := func(t float64) {
			y = rk4(func(_ float64, y []float64) []float64 { return []float64{-0.7 * y[0], 0.7*y[0] - (0.3+leak*r)*y[1]} }, y, now, t)
			now = t
		}
		row := func() { rows = append(rows, []float64{float64(id), now, y[0] / 2, (y[0] + y[1]) / 2, nan}) }
		dose := func(amount float64) {
			rows = append(rows, []float64{float64(id), now, nan, nan, amount})
			y[0] += amount
		}
		row()
		dose(10)
		for _, t := range []float64{0.4, 0.9, 1.3, 2, 2.6, 3} {
			to(t)
			row()
		}
		dose(8)
		row()
		for _, t := range []float64{3.3, 3.9, 4.5} {
			to(t)
			if t == 4.5 {
				leak = 1
			}
			row()
		}
		to(5.2)
		row()
		to(6)
		row()
		dose(5)
		for _, t := range []float64{6.5, 7.1, 8} {
			to(t)
			row()
		}
	}
	return table("id,t,y,z,amt", rows...)
}

// TestSegmentsOfExactData: where the curves are exact, segments that begin on them meet
// the data like the run of the whole.
func TestSegmentsOfExactData(t *testing.T) {
	f := load(t, dosed, dosedTable())
	require.True(t, f.data.AllObserved())
	require.NoError(t, f.data.CannotCut())
	x := f.truth(map[string]float64{"r{id=1}": 0.2})
	f.data.interpolate()
	for _, rows := range []int{2, 3, 4, 8, 100} {
		list := f.data.Cut(x, Cut{Rows: rows})
		total := 0
		for _, s := range list {
			total += s.Alternatives[0].Values
		}
		require.Equal(t, f.trajectories[0].Values+f.trajectories[1].Values, total, "each value is in one segment")
		screen, err := f.data.NewScreen(context.Background(), list, f.x, options, 2)
		require.NoError(t, err)
		cost, choice, err := screen.At(context.Background(), x)
		require.NoError(t, err)
		require.Less(t, cost, 1e-10, "segments of %d rows", rows)
		for i, it := range Chosen(list, choice) {
			if it.Beginning != nil {
				want := 0.
				if it.Span.T0 >= 4.5 {
					want = 1
				}
				if it.Span.T1 > 4.5 { // else both modes are alike
					require.Equal(t, want, it.Beginning.D[0], "segment %d from %g", i, it.Span.T0)
				}
			}
		}
	}
}

// interpolate lets curves go through the data, not smooth them.
func (d *curves) interpolate() {
	for _, run := range d.runs {
		run.curves()
		for k := range d.ways {
			pieces, from := d.points(run, k, func(int) float64 { return 1e-9 })
			run.drawn[k] = Smooth(pieces, from, true)
		}
	}
}

// truth is the start with some parameters changed.
func (f *fixture) truth(values map[string]float64) []float64 {
	x := append([]float64{}, f.x...)
	for i, p := range f.space.Params {
		if v, ok := values[p.Name]; ok {
			u, _, err := f.space.Transforms[i].Start(v)
			require.NoError(f, err)
			x[i] = u
			delete(values, p.Name)
		}
	}
	require.Empty(f, values)
	return x
}

// TestSegmentGradients: the gradient of the loss over segments, which begin at states
// that depend on parameters, agrees with differences in all modes.
func TestSegmentGradients(t *testing.T) {
	f := load(t, dosed, dosedTable())
	list := f.data.Cut(f.x, Cut{Rows: 3, Smoothed: true})
	for i := range list { // both modes are in the sum
		if a := list[i].Alternatives; len(a) > 1 && i%2 == 1 {
			a[0] = a[1]
		}
	}
	trajectories := Chosen(list, nil)
	at := func(gradient string) ([]float64, float64) {
		o := f.objective(trajectories, gradient)
		g := make([]float64, len(f.x))
		res, err := o.Eval(context.Background(), f.x, nil, 1, g)
		require.NoError(t, err)
		require.False(t, res.Failed, res.Reason)
		return g, res.Loss
	}
	o := f.objective(trajectories, "unrolled")
	want := make([]float64, len(f.x))
	for i := range want {
		d := func(h float64) float64 {
			x := append([]float64{}, f.x...)
			x[i] += h
			res, err := o.Eval(context.Background(), x, nil, 1, nil)
			require.NoError(t, err)
			return res.Loss
		}
		const h = 1e-4
		want[i] = (8*(d(h)-d(-h)) - d(2*h) + d(-2*h)) / (12 * h)
	}
	for _, gradient := range []string{"unrolled", "forward", "adjoint", "backsolve"} {
		g, _ := at(gradient)
		for i := range g {
			require.InDelta(t, want[i], g[i], 2e-6*math.Max(1, math.Abs(want[i])), "%s, %s", gradient, f.space.Params[i].Name)
		}
	}
	require.NotZero(t, want[2], "of the volume, which the states begin with")
}

// TestSmoothedRows: where the table has a value missing, the curve stands for it, but not
// before the first and behind the last; a row before a dose has what was before it.
func TestSmoothedRows(t *testing.T) {
	f := load(t, dosed, dosedTable())
	rows := problem.Apart(f.trajectories[0].Rows)
	f.trajectories[0].Rows = rows
	rows[3].Seen()[0] = 0
	d, err := New(f.prog, f.space, f.trajectories)
	require.NoError(t, err)
	list := Chosen(d.Cut(f.x, Cut{Rows: 100, Smoothed: true}), nil)
	got := list[0].Rows
	require.Equal(t, 1., got[3].Seen()[0])
	require.InDelta(t, 10*math.Exp(-0.7*1.3)/2, got[3].Data()[0], 0.3)
	before, behind := got[6], got[7]
	require.Equal(t, 3., list[0].Span.Saves[before.Save()])
	require.Equal(t, 3., list[0].Span.Saves[behind.Save()])
	require.InDelta(t, 8./2, behind.Data()[0]-before.Data()[0], 0.3)
}

// TestAlgebraicSegments: algebraic unknowns need not be observed: where a segment
// begins they are solved for.
func TestAlgebraicSegments(t *testing.T) {
	var rows [][]float64
	root := func(a float64) float64 { // of q³ + q = a
		q := 0.5
		for range 50 {
			q -= (q*q*q + q - a) / (3*q*q + 1)
		}
		return q
	}
	y := []float64{3}
	for i := range 16 {
		if i > 0 {
			y = rk4(func(_ float64, y []float64) []float64 { return []float64{-0.5 * root(y[0])} }, y, 0, 0.4)
		}
		rows = append(rows, []float64{0.4 * float64(i), y[0]})
	}
	f := load(t, `model M {
  time t
  param k in (0, inf) = 0.5
  state a = 3
  algebraic q = 1
  a' = -k*q
  0 = q*q*q + q - a
  observe y = a ~ normal(0.01)
}
data d from "data.csv" { time: t; y: y }
`, table("t,y", rows...))
	require.True(t, f.data.AllObserved())
	f.data.interpolate()
	list := f.data.Cut(f.x, Cut{Rows: 3})
	require.Len(t, list, 8)
	screen, err := f.data.NewScreen(context.Background(), list, f.x, options, 1)
	require.NoError(t, err)
	cost, _, err := screen.At(context.Background(), f.x)
	require.NoError(t, err)
	require.Less(t, cost, 1e-8)
	cost, _, err = screen.At(context.Background(), f.truth(map[string]float64{"k": 0.6}))
	require.NoError(t, err)
	require.Greater(t, cost, 1.)
}
