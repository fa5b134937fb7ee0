package pinode

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/floats"

	"github.com/pinode/pinode/compiler"
	"github.com/pinode/pinode/events"
	"github.com/pinode/pinode/internal/engine"
	"github.com/pinode/pinode/sim"
	"github.com/pinode/pinode/solvers"
)

// standing is a step of a compiled model that stands, with one guard watched.
type standing struct {
	*engine.System
	step *solvers.Stepper
	one  sim.Steps // the program of the step
	d    []float64
	y, f []float64
	box  sim.Box
}

func (s *standing) RHS(t float64, y, dy []float64) { s.System.RHS(t, y, s.d, dy) }

func (s *standing) Probe(theta float64, g, rate []float64) {
	s.step.DenseAndRate(theta, s.y, s.f)
	s.System.GuardsAlong(s.step.T+theta*s.step.H, s.y, s.d, s.f, g, rate)
}

func (s *standing) Bounds(a, b float64, to *events.Bounds) bool {
	s.box.TLo, s.box.THi = s.step.T+a*s.step.H, s.step.T+b*s.step.H
	s.step.Range(a, b, s.box.YLo, s.box.YHi, s.box.FlowLo, s.box.FlowHi)
	return s.System.Bounds(&s.box, s.d, to)
}

func newStanding(t *testing.T, text string, tab *solvers.Tableau) *standing {
	m, err := Parse("guards.node", text)
	require.NoError(t, err, text)
	mod, err := m.prog.Module(1, compiler.Want{Step: engine.Method(tab)})
	require.NoError(t, err)
	s := &standing{System: engine.NewSystem(m.prog.Program, mod)}
	n := s.Size.Y
	s.one = engine.NewSteps(mod, s.Frame, tab, n, sim.Options{RTol: 1e-6, ATol: 1e-6})
	require.NotNil(t, s.one)
	s.step, s.d, s.y, s.f = solvers.NewStepperOn(tab, n, s.one.Block()), make([]float64, s.Size.D), make([]float64, n), make([]float64, n)
	s.box.YLo, s.box.YHi, s.box.FlowLo, s.box.FlowHi = make([]float64, n), make([]float64, n), make([]float64, n), make([]float64, n)
	for i := range s.S { // scales
		s.S[i] = 1
	}
	p := s.Frame.Input("p")
	rng := rand.New(rand.NewPCG(7, 7))
	for i := range p {
		p[i] = 0.8 * rng.NormFloat64()
	}
	return s
}

// randomGuard is an expression over the states a, b, c and the time.
func randomGuard(rng *rand.Rand, depth int) string {
	if depth == 0 {
		return []string{"a", "b", "c", "t", fmt.Sprintf("%.3f", 2*rng.NormFloat64())}[rng.IntN(5)]
	}
	x, y := randomGuard(rng, depth-1), randomGuard(rng, rng.IntN(depth))
	switch rng.IntN(14) {
	case 0, 1:
		return fmt.Sprintf("(%s + %s)", x, y)
	case 2:
		return fmt.Sprintf("(%s - %s)", x, y)
	case 3, 4:
		return fmt.Sprintf("%s*%s", x, y)
	case 5, 6:
		return fmt.Sprintf("sin(%.2f*%s)", 8*rng.Float64(), x)
	case 7:
		return fmt.Sprintf("min(%s, %s)", x, y)
	case 8:
		return fmt.Sprintf("max(%s, %s)", x, y)
	case 9:
		return fmt.Sprintf("tanh(%s)", x)
	case 10:
		return fmt.Sprintf("abs(%s)", x)
	case 11:
		return fmt.Sprintf("exp(-(%s)^2)", x)
	case 12:
		return fmt.Sprintf("sqrt(1 + (%s)^2)", x)
	}
	return fmt.Sprintf("net(%s, %s)", x, y)
}

// TestNothingMissed: along the dense outputs of long steps of all methods, the
// detector finds every change of sign that a search at 10 000 places of random
// guards finds, and no other, and that the step's own program says that all is calm
// only where there is none. PINODE_NIGHTLY says how many models; without it there
// are 36, of one to six guards.
func TestNothingMissed(t *testing.T) {
	t.Parallel()
	models := randomModels(36, 12)
	places := 10_000
	if testing.Short() {
		places = 3000
	}
	steps, crossings, unproven, calm, doubt := 0, 0, 0, 0, 0
	for seed := firstModel(); seed < firstModel()+uint64(models); seed++ {
		rng := rand.New(rand.NewPCG(seed, 5))
		var w strings.Builder
		w.WriteString("model M {\n  neural net(x, y) { hidden: [6, 6], activation: tanh }\n  state a = 0\n  state b = 0\n  state c = 0\n")
		w.WriteString("  a' = b + sin(3*t)\n  b' = -4*a + 0.3*c\n  c' = 1 - 0.2*c + cos(5*t)*a\n")
		for i := range 1 + seed%6 {
			g := randomGuard(rng, 1+rng.IntN(4))
			if rng.IntN(5) == 0 { // nearly touches
				g = fmt.Sprintf("(%s)^2 - %g", g, math.Pow(10, -8*rng.Float64()))
			}
			if !strings.ContainsAny(strings.NewReplacer("tanh", "", "abs", "", "net", "", "sqrt", "", "exp", "", "max", "", "min", "", "sin", "").Replace(g), "abct") {
				g += " + a"
			}
			fmt.Fprintf(&w, "  event e%d when crossing(%s) priority %d { a := 0.5*a }\n", i, g, i)
		}
		w.WriteString("}\n")
		tab := solvers.Methods[rng.IntN(len(solvers.Methods))]
		for tab.Family != solvers.Explicit { // its steps are taken here without a Jacobian
			tab = solvers.Methods[rng.IntN(len(solvers.Methods))]
		}
		s := newStanding(t, w.String(), tab)
		n := s.Size.Guards
		g, rate := make([]float64, n), make([]float64, n)
		values := make([][]float64, n)
		for range 2 {
			y := []float64{rng.NormFloat64(), rng.NormFloat64(), rng.NormFloat64()}
			s.step.Start(s, 5*rng.Float64(), y)
			s.step.H = math.Pow(10, 1-3*rng.Float64())
			s.take()
			s.step.Expand()
			s.step.Range(0, 1, s.box.YLo, s.box.YHi, s.box.FlowLo, s.box.FlowHi)
			if floats.Norm(s.box.YLo, 2)+floats.Norm(s.box.YHi, 2) > 50 { // the step is no solution of anything
				continue
			}
			for i := range values {
				values[i] = values[i][:0]
			}
			for k := range places + 1 {
				s.Probe(float64(k)/float64(places), g, rate)
				for i, v := range g {
					values[i] = append(values[i], v)
				}
			}
			for i, list := range values {
				require.False(t, math.IsNaN(list[0]))
				told := fmt.Sprintf("seed %d, guard %d, t = %g, h = %g, y = %v, %s\n%s", seed, i, s.step.T, s.step.H, y, s.step.Tableau().Name, w.String())
				if i >= len(s.Prog.Model.Guards) || math.Abs(list[0]) < 1e-6 || s.Prog.Model.Guards[i].Flag {
					continue
				}
				at, end, looked := s.all(t, i, list[0], told)
				steps, crossings = steps+1, crossings+len(at)
				if looked {
					unproven++
				}
				s.compare(t, list, at, end, told)
				if s.calm(i, list[0]) {
					calm++
					require.Empty(t, at, "the step does not see it: %s", told)
				} else if len(at) == 0 {
					doubt++
				}
			}
		}
	}
	t.Logf("%d guards over a step, %d crossings, %d not proved; %d calm by the step's program, %d left to look at without a crossing", steps, crossings, unproven, calm, doubt)
	require.Greater(t, calm, steps/5)
	require.Greater(t, crossings, models)
	require.Less(t, float64(unproven), 0.02*float64(steps))
}

// take takes the step of the length that the stepper has.
func (s *standing) take() {
	s.one.Load(0, s.System, s.d, make([]bool, s.Size.Y))
	s.one.Time(0, s.System, s.step.T, s.step.H)
	s.one.Step()
}

// calm is what the step's own program says of guard i, which starts at the value
// first.
func (s *standing) calm(i int, first float64) bool {
	b := s.one.Block()
	if len(b.Side) == 0 { // it would take too many operations to see
		return false
	}
	clear(b.Side)
	b.Side[i] = math.Copysign(1, first)
	copy(b.Y[0], s.step.Y[0])
	copy(b.K[0], s.step.K[0])
	s.take()
	return b.NoCrossing[0] != 0
}

// all are all crossings of guard i in the step, which starts at the value first, up
// to its end or to where the guard comes to rest on its surface.
func (s *standing) all(t *testing.T, i int, first float64, told string) (at []float64, end float64, looked bool) {
	det := events.NewDetector(s.Size.Guards)
	det.Watch[i], det.Side[i] = true, 1
	copy(det.Affine, s.Prog.Affine())
	det.Along(len(s.step.Tableau().Dense[0]))
	if first < 0 {
		det.Side[i] = -1
	}
	for from := 0.; ; {
		found := det.First(s, from, s.step.H, 0)
		looked = looked || det.Unproven >= 0
		if len(found) == 0 {
			return at, 1, looked
		}
		require.Equal(t, i, found[0].Guard)
		require.GreaterOrEqual(t, found[0].Theta, from, told)
		require.Less(t, len(at), 5000, told)
		if len(at) > 0 && found[0].Theta == from {
			return at, from, looked
		}
		at = append(at, found[0].Theta)
		from = found[0].Theta
		det.Side[i] = -det.Side[i]
	}
}

// compare holds crossings up to last against the values of a guard at places that
// divide the step evenly: between two places its sign changes as often as it crosses, up to
// pairs that are too close for the places to see, and round-off.
func (s *standing) compare(t *testing.T, list, at []float64, last float64, told string) {
	noise := 0.
	for _, v := range list {
		noise = math.Max(noise, 1e-12*math.Abs(v))
	}
	sign, k := list[0] > 0, 0
	for j, v := range list[1:] {
		if math.Abs(v) <= noise || math.IsNaN(v) {
			continue
		}
		end := float64(j+1) / float64(len(list)-1)
		if end > last {
			return
		}
		for k < len(at) && at[k] <= end {
			sign = !sign
			k++
		}
		require.Equal(t, v > 0, sign, "between %g and %g of the step\n%s", float64(j)/float64(len(list)-1), end, told)
	}
}
