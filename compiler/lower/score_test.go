package lower_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/compiler/lower"
)

// slope is the derivative of a function at x, by differences of order four.
func slope(f func(x float64) float64, x float64) float64 {
	h := 1e-4 * math.Max(math.Abs(x), 0.1)
	return (f(x-2*h) - 8*f(x-h) + 8*f(x+h) - f(x+2*h)) / (12 * h)
}

// requireScores wants, by each of the prediction and the parameters but for fixed ones, that the loss of a row
// moves as its scores say: Σ weight · residual · d(argument), with the sign of the residual and its factor where its size counts.
func requireScores(t *testing.T, m *lower.Model, mean, y float64, p []float64, what string, fixed ...int) {
	t.Helper()
	at := func(i int, v float64) inputs {
		in := inputs{"y": {mean}, "p": append([]float64{}, p...), "data": {y}, "seen": {1}}
		if i < 0 {
			in["y"] = []float64{v}
		} else {
			in["p"][i] = v
		}
		return in
	}
	here := at(-1, mean)
	total := 0.
	for _, s := range m.Scores {
		total += values(t, s.Loss, here)[0]
	}
	requireClose(t, value(t, m.Row, here), total, 1e-12, "%s: the loss", what)
	for i := -1; i < len(p); i++ {
		if slices.Contains(fixed, i) {
			continue
		}
		from := mean
		if i >= 0 {
			from = p[i]
		}
		want := slope(func(v float64) float64 { return value(t, m.Row, at(i, v)) }, from)
		got := 0.
		for _, s := range m.Scores {
			require.True(t, s.Known, what)
			for k, x := range s.List {
				w, r := values(t, x.Weight, here)[0], values(t, x.Residual, here)[0]
				if x.Kink {
					require.True(t, s.List[k+1].Factor, what)
					r = math.Copysign(values(t, s.List[k+1].Residual, here)[0], r)
				}
				got += w * r * slope(func(v float64) float64 { return values(t, x.Arg, at(i, v))[0] }, from)
			}
		}
		require.InDelta(t, want, got, 1e-7*(1+math.Abs(want)), "%s: by %d", what, i)
	}
}

// TestScores: residuals and their weights give the gradient of each distribution's loss, by
// the prediction and by the parameters of the noise, with a weight of the observation too.
func TestScores(t *testing.T) {
	for name, c := range noise {
		fix := [2]string{}
		var fixed []int
		if k, shaped := map[string]int{"student": 1, "negbinomial": 0, "huber": 1}[name]; shaped { // known where the shape is fixed
			fix[k], fixed = " fixed", []int{k}
		}
		m := model(t, fmt.Sprintf("  param a in (0, inf) = 1%s\n  param b in (0, inf) = 1%s\n  state x = 1\n  x' = a + b\n  observe seen = x ~ %s { weight: 2.5 }", fix[0], fix[1], c.text))
		require.Len(t, m.Scores, 1)
		for _, y := range c.y {
			for _, mean := range c.m {
				if name == "laplace" && y == mean {
					continue // the corner
				}
				for _, p := range [][]float64{{0.3, 2}, {1, 1}, {2.5, 7.5}} {
					if name == "huber" && math.Abs(math.Abs(y-mean)/p[0]-p[1]) < 0.01 {
						continue // differences of order four need more than the first derivative to be smooth
					}
					requireScores(t, m, mean, y, p, name, fixed...)
				}
			}
		}
	}
}

// TestScoresBeyondLimits: so they do where what is measured is at a limit or beyond it.
func TestScoresBeyondLimits(t *testing.T) {
	for _, dist := range []string{"normal(a)", "lognormal(a)"} {
		m := model(t, "  param a in (0, inf) = 1\n  param b in (0, inf) = 1\n  state x = 1\n  x' = a + b\n  observe seen = x ~ "+dist+" { below: 0.5, above: 3 }")
		for _, y := range []float64{0.2, 0.5, 0.7, 2, 3, 5} {
			for _, mean := range []float64{0.3, 1, 2.5, 4} {
				for _, p := range [][]float64{{0.3, 2}, {1, 1}, {2.5, 1}} {
					requireScores(t, m, mean, y, p, dist)
				}
			}
		}
	}
}

// TestExpectedCurvature: the square of a weight is the mean of the squared gradient under the
// distribution itself, Fisher's information, by a sum over values.
func TestExpectedCurvature(t *testing.T) {
	for _, name := range []string{"normal", "lognormal", "poisson", "negbinomial", "bernoulli", "student", "huber", "laplace"} {
		c := noise[name]
		fixed := ""
		if name == "negbinomial" {
			fixed = " fixed"
		}
		m := model(t, "  param a in (0, inf) = 1"+fixed+"\n  param b in (0, inf) = 1 fixed\n  state x = 1\n  param k = 1\n  x' = k\n  observe seen = x ~ "+c.text)
		mean, p := 0.6, []float64{0.7, 5, 1}
		tolerance := 1e-5
		if name == "huber" { // the sum over values meets a kink
			p[1], tolerance = 1.3, 2e-4
		}
		if name == "laplace" { // or a corner
			tolerance = 1e-3
		}
		for i, x := range m.Scores[0].List {
			sum, mass, want := 0., 0., 0.
			add := func(y, dy float64) {
				in := inputs{"y": {mean}, "p": p, "data": {y}, "seen": {1}}
				w, r := values(t, x.Weight, in)[0], values(t, x.Residual, in)[0]
				if x.Kink {
					r = math.Copysign(1, r)
				}
				rho := math.Exp(c.logProb(y, mean, p[0], p[1])) * dy
				sum, mass, want = sum+rho*w*w*r*r, mass+rho, w*w
			}
			switch name {
			case "poisson", "negbinomial":
				for y := range 60 {
					add(float64(y), 1)
				}
			case "bernoulli":
				add(0, 1)
				add(1, 1)
			default: // y = sinh(u), or its exponential, so that tails are reached
				const h = 0.02
				for u := -9.; u < 9; u += h {
					y, dy := math.Sinh(u), math.Cosh(u)*h
					if name == "lognormal" {
						y, dy = math.Exp(u), math.Exp(u)*h
					}
					add(y, dy)
				}
			}
			if x.Factor {
				require.Zero(t, want, name)
				continue
			}
			require.InDelta(t, 1, mass, math.Max(1e-6, tolerance/10), name)
			require.InEpsilon(t, want, sum, tolerance, "%s, score %d", name, i)
		}
	}
}
