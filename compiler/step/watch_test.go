package step_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/floats"

	"github.com/pinode/pinode/compiler"
	"github.com/pinode/pinode/compiler/step"
	"github.com/pinode/pinode/internal/engine"
	"github.com/pinode/pinode/internal/stepsize"
	"github.com/pinode/pinode/solvers"
)

// watched is a ball with guards that are affine in time and state and, with curved ones, others.
const watched = `model Watched {
  time t
  param k = 0.5
  state h = 1
  state v = 0
  h' = v
  v' = -9.81 - k*v*h
  event floor when h <= 0.2*t { v := -v }
  event fast when v <= -2 - k*t priority 1 { v := 0 }
  %s
}
`

const curved = `event product when h*v >= 3*k priority 2 { v := 0.5 }
  event wave when sin(3*t)*h <= -2 priority 3 { v := 0.1 }`

// watchedGuards are the guards by hand: at a time and a state.
func watchedGuards(t, k, h, v float64, all bool) []float64 {
	g := []float64{h - 0.2*t, v + 2 + k*t}
	if all {
		g = append(g, h*v-3*k, math.Sin(3*t)*h+2)
	}
	return g
}

// TestNoCrossing: that no guard crosses is said of a step whose Bernstein coefficients have one sign,
// where guards are affine, and never of one along which a guard comes to its surface. Of short steps
// off the surfaces it is said of others too. Guards without a side do not count.
func TestNoCrossing(t *testing.T) {
	for _, method := range []string{"bosh32", "tsit5", "vern7", "rodas4"} {
		for _, text := range []string{"", curved} {
			const lanes = 4
			tab := solvers.Method(method)
			r := newRig(t, fmt.Sprintf(watched, text), tab, lanes, true)
			n := 2 + 2*min(1, len(text))
			require.Len(t, r.in("side"), n*lanes)
			rng := rand.New(rand.NewPCG(8, 9))
			said, off, none := 0, 0, 0
			for range 300 {
				h := math.Pow(10, -2*rng.Float64())
				points := r.points(rng, h)
				sides := make([][]float64, lanes)
				for l, x := range points {
					x[3] = 3 * rng.NormFloat64() // the speed
					r.put(l, x)
					sides[l] = make([]float64, n)
					at, _, y, _, p, _ := r.parts(x)
					for i, g := range watchedGuards(at, p[0], y[0], y[1], n > 2) {
						if sides[l][i] = math.Copysign(1, g); rng.IntN(4) == 0 {
							sides[l][i] = 0
						}
					}
					r.scatter(r.in("side"), l, sides[l])
				}
				r.run("step")
				for l, x := range points {
					got := r.out("step", "noCrossing")[l]
					s := r.byHand(x, nil)
					at, h, y, _, p, _ := r.parts(x)
					affine := true // all Bernstein coefficients behind the first are on the side
					for i := range 2 {
						slope := []float64{-0.2, p[0]}[i]
						for m, w := range tab.Bernstein()[1:] {
							c := watchedGuards(at, p[0], y[0], y[1], false)[i] + h*slope*float64(m+1)/float64(len(tab.Bernstein())-1)
							for j, b := range w {
								c += h * b * s.k[j][i]
							}
							affine = affine && (sides[l][i] == 0 || sides[l][i]*c > 0)
						}
					}
					least := math.Inf(1)
					for k := 1; k <= 200; k++ {
						theta := float64(k) / 200
						at := slices.Clone(y)
						for j := range s.k {
							b, _ := tab.Weight(j, theta)
							floats.AddScaled(at, h*b, s.k[j])
						}
						for i, g := range watchedGuards(x[0]+theta*h, p[0], at[0], at[1], n > 2) {
							if sides[l][i] != 0 {
								least = min(least, sides[l][i]*g)
							}
						}
					}
					switch {
					case n == 2:
						require.Equal(t, affine, got == 1, "%s, h = %g, %v", method, h, y)
					case got == 1:
						require.True(t, affine)
					}
					if got == 1 {
						require.Positive(t, least, "%s, h = %g, %v, sides %v", method, h, y, sides[l])
						said++
					} else {
						none++
					}
					if least > 0.3 && h < 0.02 && !math.IsInf(least, 1) {
						require.Equal(t, 1., got, "%s, h = %g, %v, sides %v", method, h, y, sides[l])
						off++
					}
				}
			}
			require.Greater(t, said, 100)
			require.Greater(t, off, 20)
			require.Greater(t, none, 20)
		}
	}
}

// TestIntensities: a step over which an integrated intensity falls, by more than round-off, is not
// in order.
func TestIntensities(t *testing.T) {
	r := newRig(t, "model M {\n  state x = 1\n  state n = 0\n  x' = 0\n  n' = 0\n  event e with rate x { n := n + 1 }\n}", solvers.Tsit5, 4, false)
	was := r.prog.Model.Events[0].Likelihood - 1
	x := make([]float64, r.part[4]+r.prog.Model.Layout.NQ)
	for l, c := range []struct{ rate, was float64 }{{0.5, 1}, {-0.5, 1}, {0, 3}, {-1e-16, 1e3}} {
		x[1], x[2], x[2+was] = 0.1, c.rate, c.was
		r.put(l, x)
		for i := range r.in("side") {
			r.in("side")[i] = 0
		}
		r.scatter(r.in("until"), l, []float64{100})
		r.scatter(r.in("stop"), l, []float64{100})
		r.scatter(r.in("cap"), l, []float64{10})
		r.scatter(r.in("sure"), l, []float64{10})
		r.scatter(r.in("left"), l, []float64{5})
	}
	r.run("step")
	require.Equal(t, []float64{1, 0, 1, 1}, r.in("outcome"))
}

// TestFreeLanes: a lane with nothing to be done makes its end the next start, or rejects the step,
// by the rules of step control; the others stay as they are.
func TestFreeLanes(t *testing.T) {
	const lanes = 4
	for _, text := range []string{
		fmt.Sprintf(watched, ""),
		"model Plain {\n  time t\n  param k = 0.5\n  state h = 1\n  state v = 0\n  h' = v*t\n  v' = -9.81 - k*v*h\n}",
	} {
		r := newRig(t, text, solvers.Tsit5, lanes, false)
		control := r.tab.Control()
		rng := rand.New(rand.NewPCG(12, 13))
		outcomes := map[float64]int{}
		fields := []string{"before", "until", "stop", "cap", "sure", "outcome", "next", "clipped", "rejected", "taken", "refused", "left", "longest"}
		for trial := range 400 {
			points := r.points(rng, math.Pow(10, -2.5*rng.Float64()))
			was := make([]map[string]float64, lanes)
			for l, x := range points {
				if x[3] = 4 * rng.NormFloat64(); trial%50 == 49 {
					x[3] = 1e200 // the end is no number
				}
				r.put(l, x)
				at := map[string]float64{
					"before": -rng.Float64(), "until": x[0] + x[1]*(0.5+rng.Float64()), "stop": x[0] + 2*x[1]*rng.Float64(), "cap": 3 * x[1] * rng.Float64(),
					"sure": x[1] * (0.8 + rng.Float64()),
					"next": x[1], "clipped": float64(rng.IntN(2)), "rejected": float64(rng.IntN(2)), "taken": 3, "refused": 2, "left": float64(rng.IntN(3)), "longest": 2 * x[1] * rng.Float64(),
				}
				at["until"] = min(at["until"], at["stop"])
				for _, name := range fields {
					r.scatter(r.in(name), l, []float64{at[name]})
				}
				for i := range r.in("side") {
					r.in("side")[i] = 1
				}
				was[l] = at
			}
			r.run("step")
			for l, x := range points {
				s := r.byHand(x, nil)
				calm := 1.
				if v := r.mod.Program("step").Output(r.f, "noCrossing"); v != nil {
					calm = v[l]
				}
				end, finite := s.y[r.tab.End()], 1.
				for _, v := range end {
					if math.IsNaN(v) || math.IsInf(v, 0) {
						finite = 0
					}
				}
				a := was[l]
				lane := stepsize.Lane[float64]{
					T: x[0], H: x[1], Before: a["before"], Until: a["until"], Stop: a["stop"], Cap: a["cap"], Sure: a["sure"], Outcome: 0,
					Next: a["next"], Clipped: a["clipped"], Rejected: a["rejected"], Taken: a["taken"], Refused: a["refused"], Left: a["left"], Longest: a["longest"],
				}
				mean := r.out("step", "mean")[l]
				next, taken := stepsize.Advance(stepsize.Numbers{}, &control, lane, stepsize.Trial[float64]{
					NoCrossing: calm, Finite: finite, Small: stepsize.Small(stepsize.Numbers{}, mean),
					Log: r.out("step", "log")[l], Factor: r.out("step", "factor")[l],
				})
				outcomes[next.Outcome]++
				for name, want := range map[string]float64{
					"before": next.Before, "until": next.Until, "outcome": next.Outcome, "next": next.Next, "clipped": next.Clipped,
					"rejected": next.Rejected, "taken": next.Taken, "refused": next.Refused, "left": next.Left, "longest": next.Longest, "t": next.T, "h": next.H,
				} {
					require.InDelta(t, want, r.in(name)[l], 1e-12*(1+math.Abs(want)), name)
				}
				y, k := x[2:4], s.k[0]
				if taken != 0 {
					y, k = end, s.k[r.tab.End()]
				}
				require.InDeltaSlice(t, y, r.gather(r.in("y.0"), l), 1e-10*(1+floats.Norm(y, 2)))
				require.InDeltaSlice(t, k, r.gather(r.in("k.0"), l), 1e-10*(1+floats.Norm(k, 2)))
			}
		}
		for _, outcome := range []float64{0, 1, 2} {
			require.Greater(t, outcomes[outcome], 100, outcome)
		}
	}
}

// TestHalves: positions and momenta are found from the equations; what keeps a state from either is told.
func TestHalves(t *testing.T) {
	for text, want := range map[string]any{
		"state q = 1\n state p = 0\n q' = p\n p' = -sin(q)":                                           []bool{false, true},
		"state p = 1\n state q = 0\n p' = -q + cos(t)\n q' = p":                                       []bool{true, false},
		"state q = 1\n state p = 0\n q' = p + cos(t)\n p' = -q":                                       []bool{true, false}, // whatever the time drives is pushed
		"state a = 1\n state b = 1\n state c = 1\n state d = 1\n a' = c\n b' = d\n c' = -a\n d' = -b": []bool{false, false, true, true},
		"state a = 1\n state b = 1\n state c = 1\n a' = b + c\n b' = -a\n c' = -a":                    []bool{false, true, true},
		"input u linear\n state q = 1\n state p = 0\n q' = p\n p' = u - q":                            []bool{false, true},
		"state a = 1\n a' = 2":                                                                  []bool{false},
		"state a = 1\n a' = t":                                                                  []bool{true},
		"state q = 1\n state p = 0\n q' = p\n p' = -q - 0.1*p":                                  "that of `p` depends on `p` itself",
		"state a = 1\n state b = 1\n state c = 1\n a' = b\n b' = c\n c' = a":                    "depend on each other within one half",
		"state q = 1\n state p = 0\n q' = p + t\n p' = -q + t":                                  "depends on the time as those of the other half do",
		"state q = 1\n state p = 0\n q' = p\n p' = if q > 0 then -1 else 1":                     "right-hand sides with conditions are not looked into",
		"state q = 1\n state p = 0\n q' = p\n p' = -q\n conserve e = q^2 + p^2 { weight: 1 }\n": "an integral along its trajectories is neither position nor momentum",
		"state v[2] = [1, 2]\n state w[2] = [0, 0]\n v' = w\n w' = -v":                          []bool{false, false, true, true},
		"state v[2] = [1, 2]\n v' = [v[1], -v[0]]":                                              []bool{false, true},
		"state v[2] = [1, 2]\n state z = 1\n v' = [z, v[1]]\n z' = v[0]":                        "that of `v[1]` depends on `v[1]` itself",
	} {
		p, err := compiler.Compile("m.node", "model M {\n time t\n "+text+"\n}")
		require.NoError(t, err, text)
		got, err := p.Momenta("verlet")
		if why, ok := want.(string); ok {
			require.ErrorContains(t, err, why, text)
			require.ErrorContains(t, err, "`solver: verlet` takes models of two halves")
			continue
		}
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
}

// TestFits: the size of the program of a step grows with its stages, and ends at a bound; a method
// that solves systems has another, and one of the number of equations.
func TestFits(t *testing.T) {
	fits := func(method string, n int) bool {
		text := &strings.Builder{}
		text.WriteString("model M {\n")
		for i := range n { // laws of one state each, which no array joins
			fmt.Fprintf(text, "  state x%d = 1\n  x%d' = sin(x%d)\n", i, i, i)
			if i%2 == 1 {
				text.WriteString("\n")
			}
		}
		text.WriteString("}\n")
		p, err := compiler.Compile("m.node", text.String())
		require.NoError(t, err)
		return p.Steppable(engine.Method(solvers.Method(method)))
	}
	require.True(t, fits("tsit5", 4))
	require.True(t, fits("rodas5p", 256))
	require.False(t, fits("rodas5p", 257))
	p, err := compiler.Compile("m.node", "model M {\n  param k = 1\n  observe y = k\n}")
	require.NoError(t, err)
	require.False(t, p.Steppable(engine.Method(solvers.Tsit5)), "it has no states")
	require.Nil(t, step.Graphs(&step.Model{Model: p.Model}, engine.Method(solvers.Tsit5), step.Options{}))
}
