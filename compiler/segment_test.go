package compiler

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestSources: what observations tell of states.
func TestSources(t *testing.T) {
	for _, c := range []struct {
		name, model string
		source      []Source
		by          []int
	}{
		{"through a scale that is fitted, and one through the other", `model M {
  time t
  param V = 2
  state a = 1
  state b = 0
  a' = -a
  b' = a - b
  observe y = a/V + 1
  observe z = 3*b + a
}`, []Source{Observed, Observed}, []int{0, 1}},
		{"a velocity by a place", `model M {
  time t
  param k = 2
  param c = 0.1
  state x = 1, x' = 0
  x'' = -k*x - c*x'
  observe y = 2*x
}`, []Source{Observed, Derived}, []int{0, 0}},
		{"not through a square", `model M {
  time t
  state a = 1
  a' = -a
  observe y = a*a
}`, []Source{Open}, []int{-1}},
		{"not where two enter", `model M {
  time t
  state a = 1
  state b = 1
  a' = -a
  b' = -2*b
  observe y = a + b
}`, []Source{Open, Open}, []int{-1, -1}},
		{"not by yes and no, nor where a mode is in the way", `model M {
  time t
  state a = 0.5
  state b = 1
  discrete g = 2
  a' = -a
  b' = -b
  event e when b <= 0.5 { g := 3 }
  observe y = a ~ bernoulli()
  observe z = g*b
}`, []Source{Open, Open}, []int{-1, -1}},
		{"an algebraic unknown needs none", `model M {
  time t
  state a = 1
  algebraic q = 2
  a' = -q
  0 = q*q*q + q - a
  observe y = a
}`, []Source{Observed, Balanced}, []int{0, -1}},
		{"elements of vectors", `model M {
  time t
  state v[2] = [1, 2]
  v' = -v
  observe y[2] = 2*v
}`, []Source{Observed, Observed}, []int{0, 1}},
	} {
		p, err := Compile("m.node", c.model)
		require.NoError(t, err, c.name)
		s := SegmentsOf(p)
		require.Equal(t, c.source, s.Source, c.name)
		require.Equal(t, c.by, s.By, c.name)
	}
}

// TestModes: the values of discrete variables that events give them, and those that
// nothing can enumerate.
func TestModes(t *testing.T) {
	p, err := Compile("m.node", `model M {
  time t
  param k = 3
  state x = 1
  discrete on = 0
  discrete gear = k
  discrete count = 0
  discrete when_last = 0
  x' = on*gear - when_last
  event flip when x >= 2 { on := 1 - on; count += 1 }
  event up when x >= 1.5 { gear := 2*k; when_last := t }
}`)
	require.NoError(t, err)
	s := SegmentsOf(p)
	require.Equal(t, []int{2, 2, 0, 0}, s.Modes)
	require.Equal(t, []bool{true, true, false, true}, s.ModeMatters)
}

// TestKnown: which observations are known where a trajectory begins.
func TestKnown(t *testing.T) {
	p, err := Compile("m.node", `model M {
  time t
  covariate c
  param k = 3
  param f = 2 fixed
  state x = c*f
  state z = k
  x' = -x
  z' = -z
  observe a = x
  observe b = z
  observe d = x*k
}`)
	require.NoError(t, err)
	require.Equal(t, []bool{true, false, false}, SegmentsOf(p).Known)
}
