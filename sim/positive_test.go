package sim_test

import (
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/events"
	"github.com/pinode/pinode/sim"
	. "github.com/pinode/pinode/sim/simtest"
	"github.com/pinode/pinode/solvers"
)

// enzyme uses up what it works on: c' = −p₀ c/(p₁ + c), whose rate has a pole at −p₁, so that a step
// that overshoots zero is lost. c is not to fall below zero.
func enzyme() *Model {
	hy := hybrid(0, events.Event{Name: "positive", Kind: events.Never, Targets: []int{0}})
	hy.Positive = 1
	return &Model{
		Hybrid: hy,
		P:      []float64{1, 1e-3}, NY: 1,
		Init:  func(*Point) ([]Jet, []Jet) { return []Jet{Const(1)}, nil },
		Field: func(x *Point) []Jet { return []Jet{x.P[0].Mul(x.Y[0]).Div(x.P[1].Add(x.Y[0])).Scale(-1)} },
		Events: []Event{{Jump: func(x *Point) []Jet {
			if x.Y[0].V < 0 {
				return []Jet{Const(0)}
			}
			return []Jet{x.Y[0]}
		}}},
	}
}

// enzymeAt is what is left, by c + p₁ log c = 1 − p₀t.
func enzymeAt(p []float64, t float64) float64 {
	lo, hi := -700., 0. // of log c
	for range 200 {
		mid := (lo + hi) / 2
		if math.Exp(mid)+p[1]*mid < 1-p[0]*t {
			lo = mid
		} else {
			hi = mid
		}
	}
	return math.Exp(lo)
}

// TestStaysPositive: by every method what is used up is never below zero, at rows of data neither, is
// what the closed form says, and has its derivatives.
func TestStaysPositive(t *testing.T) {
	span := sim.Span{T1: 3}
	for at := 0.013; at < 3; at += 0.013 {
		span.Saves = append(span.Saves, at)
	}
	lifted := 0
	for _, tab := range solvers.Methods {
		if !tab.Adaptive() || tab.Family == solvers.Symplectic {
			continue
		}
		for _, rtol := range []float64{1e-3, 1e-6} {
			if rtol < 1e-3 && tab.Order < 3 {
				continue
			}
			m, tr, in := enzyme(), new(sim.Trajectory), span
			s := sim.New(m.Hybrid, m.Sizes(), sim.Options{Method: tab, RTol: rtol, ATol: rtol / 10}, nil)
			require.NoError(t, s.Run(Run{Model: m}, &in, tr), "%s at %g", tab.Name, rtol)
			lifted += tr.Stats.Lifted
			ct := &sim.Cotangents{}
			ct.Y.Resize(len(span.Saves), 1)
			var want [2]float64
			for i, at := range span.Saves {
				c := enzymeAt(m.P, at)
				require.GreaterOrEqual(t, tr.SaveY.At(i)[0], 0., "%s at %g, t = %g", tab.Name, rtol, at)
				require.InDelta(t, c, tr.SaveY.At(i)[0], 30*rtol, "%s at %g, t = %g", tab.Name, rtol, at)
				ct.Y.At(i)[0] = weight(0, i, 0)
				rate := weight(0, i, 0) * c / (m.P[1] + c)
				want[0] -= rate * at
				want[1] -= rate * math.Log(c)
			}
			require.GreaterOrEqual(t, tr.Y[0], 0., tab.Name)
			opt := sim.Options{Method: tab}
			var tan sim.Tangents
			var exact []float64
			for k := range m.P {
				m.Clear()
				m.PDot[k] = 1
				s.Forward(Run{Model: m}, &tan)
				sum := 0.
				for i, row := range tan.Y.All() {
					sum += weight(0, i, 0) * row[0]
				}
				exact = append(exact, sum)
				if rtol < 1e-3 {
					require.InDelta(t, want[k], sum, 3e-3*(1+math.Abs(want[k])), "%s, parameter %d", tab.Name, k)
				}
			}
			if opt.HasGradient("unrolled") {
				m.Clear()
				s.Backward(Run{Model: m}, ct)
				compare(t, tab.Name, exact, m.PBar, 1e-9)
			}
		}
	}
	require.Greater(t, lifted, 20) // else the test says nothing
}

// TestFallsBelowZero: a loss that goes on when nothing is left ends the run where that is, and so does a
// start below zero.
func TestFallsBelowZero(t *testing.T) {
	for _, tab := range solvers.Methods {
		if !tab.Adaptive() || tab.Family == solvers.Symplectic {
			continue
		}
		m, tr := enzyme(), new(sim.Trajectory)
		m.Field = func(x *Point) []Jet { return []Jet{x.P[0].Scale(-1)} }
		s := sim.New(m.Hybrid, m.Sizes(), sim.Options{Method: tab}, nil)
		require.Error(t, s.Run(Run{Model: m}, &sim.Span{T1: 3}, tr), tab.Name)
		require.Equal(t, sim.Negative, tr.Status, tab.Name)
		require.InDelta(t, 1, tr.Fail.T, 1e-5, tab.Name)
		require.Equal(t, 0, tr.Fail.State)
	}
	m, tr := enzyme(), new(sim.Trajectory)
	m.Init = func(*Point) ([]Jet, []Jet) { return []Jet{Const(-0.1)}, nil }
	require.Error(t, sim.New(m.Hybrid, m.Sizes(), sim.Options{}, nil).Run(Run{Model: m}, &sim.Span{T1: 3}, tr))
	require.Equal(t, sim.Negative, tr.Status)
	require.True(t, slices.Equal([]float64{-0.1}, tr.Fail.Y))
}
