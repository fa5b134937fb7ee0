package sim_test

import (
	"fmt"
	"math"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/sim"
	. "github.com/pinode/pinode/sim/simtest"
	"github.com/pinode/pinode/solvers"
)

// weight is a number between −1 and 1 for each result of a run.
func weight(list, i, k int) float64 {
	return math.Sin(1.3*float64(list) + 2.1*float64(i) + 0.7*float64(k) + 1)
}

// results are the lists of results of a run that the tests differentiate.
func results(tr *sim.Trajectory) [][][]float64 {
	events := make([][]float64, len(tr.Log))
	for i := range tr.Log {
		events[i] = []float64{tr.Log[i].T}
	}
	return [][][]float64{tr.SaveY.Lists(tr.Saved), tr.BeforeY.Lists(tr.Saved), {tr.Y}, events}
}

// objective is a weighted sum of all results.
func objective(tr *sim.Trajectory) (sum float64) {
	for list, rows := range results(tr) {
		for i, row := range rows {
			for k, v := range row {
				sum += weight(list, i, k) * v
			}
		}
	}
	return sum
}

// cotangents are the derivatives of the objective by the results.
func cotangents(tr *sim.Trajectory, start bool) *sim.Cotangents {
	ct := &sim.Cotangents{Start: start}
	rows := func(list, n, m int) (out [][]float64) {
		for i := range n {
			row := make([]float64, m)
			for k := range row {
				row[k] = weight(list, i, k)
			}
			out = append(out, row)
		}
		return out
	}
	n := len(tr.Y)
	ct.Y, ct.BeforeY, ct.EndY = sim.RowsOf(rows(0, tr.Saved, n)...), sim.RowsOf(rows(1, tr.Saved, n)...), rows(2, 1, n)[0]
	for _, row := range rows(3, len(tr.Log), 1) {
		ct.EventT = append(ct.EventT, row[0])
	}
	return ct
}

// run is a run of an item with other parameters and start.
func (it *item) run(t *testing.T, p []float64, t0 float64, opt sim.Options) (*Model, *sim.Integrator, *sim.Trajectory) {
	t.Helper()
	m, tr, span := it.new(), new(sim.Trajectory), it.span
	m.Clear()
	if p != nil {
		m.P = p
	}
	span.T0 += t0
	s := sim.New(m.Hybrid, m.Sizes(), opt, nil)
	require.NoError(t, s.Run(Run{Model: m}, &span, tr))
	require.Equal(t, it.ends, tr.Status)
	return m, s, tr
}

// slope is the derivative of the objective by parameter i, or by the start where i is
// −1, by central differences with one step of extrapolation.
func (it *item) slope(t *testing.T, i int) float64 {
	t.Helper()
	known, _ := slopes.LoadOrStore(fmt.Sprintf("%s %d", it.name, i), new(slopeOnce))
	once := known.(*slopeOnce)
	once.Do(func() { once.slope = it.difference(t, i) })
	return once.slope
}

// slopes are what slope has found, by the name of the model and the parameter: they are those of all methods.
var slopes sync.Map

type slopeOnce struct {
	sync.Once
	slope float64
}

func (it *item) difference(t *testing.T, i int) float64 {
	t.Helper()
	at := func(h float64) float64 {
		p, t0 := append([]float64{}, it.new().P...), 0.
		if i < 0 {
			t0 = h
		} else {
			p[i] += h
		}
		_, _, tr := it.run(t, p, t0, tight)
		return objective(tr)
	}
	const h = 2e-4
	wide, narrow := (at(2*h)-at(-2*h))/(4*h), (at(h)-at(-h))/(2*h)
	return (4*narrow - wide) / 3
}

// TestGradients: the derivatives of all results of all models by all parameters, in
// every mode and with every amount of memory, are the differences of results, and those
// that are exact for the discrete solution agree with each other to round-off.
func TestGradients(t *testing.T) {
	for _, it := range catalogue {
		t.Run(it.name, func(t *testing.T) {
			t.Parallel()
			m, s, tr := it.run(t, nil, 0, tight)
			var want []float64
			for i := range m.P {
				want = append(want, it.slope(t, i))
			}
			exact := forward(s, m, tr)
			compare(t, "forward", want, exact, 2e-5)
			for _, memory := range []int{0, 1, 4000} {
				opt := tight
				opt.Memory = memory
				m, s, tr = it.run(t, nil, 0, opt)
				for name, backward := range map[string]func(sim.Reverse, *sim.Cotangents) float64{
					"unrolled": s.Backward, "adjoint": s.Adjoint, "backsolve": s.Backsolve,
				} {
					m.Clear()
					backward(Run{Model: m}, cotangents(tr, false))
					told := fmt.Sprintf("%s, memory %d", name, memory)
					if name == "unrolled" {
						compare(t, told, exact, m.PBar, 1e-9)
					} else {
						compare(t, told, want, m.PBar, 5e-5)
					}
				}
				compare(t, "forward again", exact, forward(s, m, tr), 1e-9)
			}
		})
	}
}

// TestGradientsOfMethods: so they are by methods that solve equations, which have no
// backsolve.
func TestGradientsOfMethods(t *testing.T) {
	for k, tab := range solvers.Methods {
		if tab.Family == solvers.Explicit || tab.Family == solvers.Symplectic || tab.Order < 4 { // which take many steps, or not of all models
			continue
		}
		for i, it := range catalogue {
			if testing.Short() && (i+k)%2 > 0 {
				continue // each model and each method, and half of the pairs
			}
			if tab.Order < 5 && (it.span.T1 > 5 || it.name == "shaken") { // too many steps
				continue
			}
			t.Run(it.name+" by "+tab.Name, func(t *testing.T) {
				t.Parallel()
				var want []float64
				for i := range it.new().P {
					want = append(want, it.slope(t, i))
				}
				for memory := range 2 {
					if memory == 1 && tab.Repeats() {
						break
					}
					opt := sim.Options{Method: tab, RTol: 1e-9, ATol: 1e-10, Memory: memory}
					m, s, tr := it.run(t, nil, 0, opt)
					exact := forward(s, m, tr)
					compare(t, "forward", want, exact, 3e-5)
					m.Clear()
					if opt.HasGradient("unrolled") {
						s.Backward(Run{Model: m}, cotangents(tr, false))
						compare(t, "unrolled", exact, m.PBar, 1e-9)
						m.Clear()
					}
					s.Adjoint(Run{Model: m}, cotangents(tr, false))
					compare(t, "adjoint", want, m.PBar, 1e-4)
				}
			})
		}
	}
}

func compare(t *testing.T, told string, want, got []float64, tol float64) {
	t.Helper()
	size := 0.
	for _, v := range want {
		size = math.Max(size, math.Abs(v))
	}
	for i := range want {
		require.InDelta(t, want[i], got[i], tol*(1+size), "%s: parameter %d of %v, not %v", told, i, want, got)
	}
}

// forward is the gradient of the objective by forward derivatives.
func forward(s *sim.Integrator, m *Model, tr *sim.Trajectory) (out []float64) {
	for i := range m.P {
		m.Clear()
		m.PDot[i] = 1
		var tan sim.Tangents
		s.Forward(Run{Model: m}, &tan)
		sum := 0.
		events := make([][]float64, len(tan.EventT))
		for k, v := range tan.EventT {
			events[k] = []float64{v}
		}
		for list, rows := range [][][]float64{tan.Y.Lists(tr.Saved), tan.BeforeY.Lists(tr.Saved), {tan.EndY}, events} {
			for k, row := range rows {
				for j, v := range row {
					sum += weight(list, k, j) * v
				}
			}
		}
		out = append(out, sum)
	}
	return out
}

// TestStartGradients: the derivative by the start time.
func TestStartGradients(t *testing.T) {
	for _, it := range catalogue {
		if it.name == "doses" || it.name == "decay" { // a save or a dose is at the start
			continue
		}
		t.Run(it.name, func(t *testing.T) {
			t.Parallel()
			want := it.slope(t, -1)
			m, s, tr := it.run(t, nil, 0, tight)
			for name, backward := range map[string]func(sim.Reverse, *sim.Cotangents) float64{
				"unrolled": s.Backward, "adjoint": s.Adjoint, "backsolve": s.Backsolve,
			} {
				m.Clear()
				require.InDelta(t, want, backward(Run{Model: m}, cotangents(tr, true)), 1e-4*(1+math.Abs(want)), name)
			}
		})
	}
}
