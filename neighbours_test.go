package pinode

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// gradientOf evaluates the gradient of a model.
func gradientOf(t *testing.T, text, csv, of string) map[string]float64 {
	e, err := fromText(t, text, csv).Evaluate(t.Context(), EvaluateOptions{})
	require.NoError(t, err, of)
	return e.Gradient.Params
}

// TestFromSteadyState: x' = −k (x − u) that starts at x = u stays there, and steps grow without an error; the
// derivatives by u and by the start are 1 − exp(−k t) and exp(−k t) all the same, by the tolerances. A stiff part that
// rests too does not hold the steps of implicit methods down.
func TestFromSteadyState(t *testing.T) {
	const k, u = 0.7, 2.
	times := []float64{1, 3, 4.5, 9}
	csv := "t,y\n1,1\n3,1\n4.5,1\n9,1\n"
	for _, mode := range []string{"forward", "unrolled"} {
		for _, solver := range []string{"auto", "tsit5", "dop853", "vern9", "rodas5p", "kvaerno5", "radau"} {
			for _, rtol := range []float64{1e-4, 1e-7, 1e-10} {
				of := fmt.Sprintf("%s by %s at %g", mode, solver, rtol)
				got := gradientOf(t, fmt.Sprintf(`model M {
  param k = 0.7
  param u = 2
  param x0 = 2
  state x = x0
  x' = -k*(x - u)
  observe y = x ~ normal(1)
}
data d from "d.csv" { time: t, y: y }
fit { gradient: %s, solver: %s { rtol: %g, atol: %g } }`, mode, solver, rtol, rtol), csv, of)
				byU, byX := 0., 0.
				for _, at := range times { // each residual is −1
					byU -= 1 - math.Exp(-k*at)
					byX -= math.Exp(-k * at)
				}
				require.InDelta(t, byU, got["u"], 4*rtol+1e-9, of)
				require.InDelta(t, byX, got["x0"], 4*rtol+1e-9, of)
				require.InDelta(t, 0, got["k"], 1e-9, of)
			}
		}
	}
}

// TestFromZero: x' = −k x that starts at zero stays there, and no parameter moves it but its start, whose derivative is
// exp(−k t).
func TestFromZero(t *testing.T) {
	const k = 0.7
	for _, solver := range []string{"auto", "tsit5", "vern9", "rodas5p", "kvaerno5", "radau"} {
		for _, rtol := range []float64{1e-4, 1e-6, 1e-9} {
			of := fmt.Sprintf("%s at %g", solver, rtol)
			got := gradientOf(t, fmt.Sprintf(`model M {
  param k = 0.7
  param x0 = 0
  state x = x0
  x' = -k*x
  observe y = x ~ normal(1)
}
data d from "d.csv" { time: t, y: y }
fit { gradient: unrolled, solver: %s { rtol: %g, atol: %g } }`, solver, rtol, rtol), "t,y\n4.5,1\n", of)
			require.InDelta(t, math.Exp(-k*4.5), got["x0"], 4*rtol+1e-9, of)
		}
	}
}

// TestSubstrateRunsOut: cells grow on a substrate until it is used up, S′ = −μ X/Y with μ = m S/(K + S), by the integrated
// equation of Monod, m t = (K Y + C)/C · ln(X/X₀) − K Y/C · ln((C − X)/(Y S₀)) with C = X₀ + Y S₀. Behind that the rate of S is large and S is
// zero: what the derivative by S is there must not grow.
func TestSubstrateRunsOut(t *testing.T) {
	names := []string{"m", "K", "Y", "X0"}
	base := []float64{0.4, 0.0005, 0.5, 0.5}
	at := func(p []float64, t float64) float64 {
		m, k, y, x0 := p[0], p[1], p[2], p[3]
		c := x0 + y*10
		lo, hi := -700., math.Log(y*10) // of the logarithm of C − X
		for range 200 {
			mid := (lo + hi) / 2
			x := c - math.Exp(mid)
			if m*t < (k*y+c)/c*math.Log(x/x0)-k*y/c*(mid-math.Log(y*10)) {
				lo = mid
			} else {
				hi = mid
			}
		}
		return c - math.Exp((lo+hi)/2)
	}
	times := []float64{4, 5, 7, 9, 14, 20}
	csv := "t,y\n4,2\n5,3\n7,5\n9,5\n14,5\n20,5\n"
	data := []float64{2, 3, 5, 5, 5, 5}
	want := map[string]float64{}
	for i, name := range names {
		for j, when := range times {
			h := 1e-6 * base[i]
			up, down := append([]float64{}, base...), append([]float64{}, base...)
			up[i], down[i] = base[i]+h, base[i]-h
			want[name] += (data[j] - at(base, when)) * (at(up, when) - at(down, when)) / (2 * h)
		}
	}
	for _, solver := range []string{"", "solver: tsit5, ", "solver: rodas5p, "} {
		got := gradientOf(t, `model M {
  param m = 0.4
  param K = 0.0005
  param Y = 0.5
  param X0 = 0.5
  state X = X0
  state S = 10
  X' = m*S/(K + S)*X
  S' = -m*S/(K + S)*X/Y
  observe y = X ~ normal(1)
}
data d from "d.csv" { time: t, y: y }
fit { `+solver+`gradient: unrolled }`, csv, solver)
		for _, name := range names {
			require.InDelta(t, want[name], got[name], 2e-3*math.Abs(want[name]), "%s by %s", name, solver)
		}
	}
}

// TestPlayGradients: y follows x = A sin(ω t) with a play of d to either side: in closed form, along its way up, at rest, down, at rest and up again.
// The guard that y rests on is taken from its surface by the errors of steps, at times that do not move.
func TestPlayGradients(t *testing.T) {
	const a, w, d = 1.4, 1.6, 0.35
	times := []float64{0.6, 1.05, 2.2, 3.1, 4.3}
	csv := "t,o\n0.6,0\n1.05,0\n2.2,0\n3.1,0\n4.3,0\n"
	byA, byD, byW := 0., 0., 0.
	for i, x := range times {
		sign := []float64{-1, -1, 1, 1, -1}[i] // of d
		part, rate := math.Sin(w*x), a*x*math.Cos(w*x)
		switch i {
		case 1:
			part, rate = 1, 0
		case 3:
			part, rate = -1, 0
		}
		y := a*part + sign*d
		byA -= y * part
		byD -= y * sign
		byW -= y * rate
	}
	for _, solver := range []string{"auto", "tsit5", "dop853", "vern9", "rodas5p", "kvaerno5"} {
		for _, rtol := range []float64{1e-5, 1e-6, 1e-8} {
			of := fmt.Sprintf("%s at %g", solver, rtol)
			got := gradientOf(t, fmt.Sprintf(`model M {
  param A = 1.4
  param w = 1.6
  param d = 0.35
  state y = 0
  let x = A*sin(w*t)
  let u = A*w*cos(w*t)
  y' = if (x - y >= d and u > 0) or (x - y <= -d and u < 0) then u else 0
  observe o = y ~ normal(1)
}
data d from "d.csv" { time: t, o: o }
fit { gradient: forward, solver: %s { rtol: %g, atol: %g } }`, solver, rtol, rtol), csv, of)
			require.InDelta(t, byA, got["A"], 100*rtol, of)
			require.InDelta(t, byD, got["d"], 100*rtol, of)
			require.InDelta(t, byW, got["w"], 100*rtol, of)
		}
	}
}

// TestSurfaceGoesThrough: what `zeno rest` assigns is held; a surface that goes through what rests on it is an error.
func TestSurfaceGoesThrough(t *testing.T) {
	for s, rate := range map[string]string{"0.1*sin(3*t)": "0.3*cos(3*t)", "0.25*t^2": "0.5*t"} {
		m := fromText(t, fmt.Sprintf(`model M {
  state h = 1
  state v = 0
  h' = v
  v' = -9.81
  event b when h <= %s { v := %s - 0.5*(v - %[2]s); zeno rest { v := %[2]s } }
}
simulate { until: 8 }`, s, rate), "")
		_, err := m.Simulate(t.Context(), SimulateOptions{})
		require.ErrorContains(t, err, "goes through what rests on it", s)
	}
}

// TestDosesOnRows: a dose that is repeated after an interval acts before the measurement at its time, also where
// the sum of decimal numbers is a little more, as 3·0.1 is; so does the end of an infusion.
func TestDosesOnRows(t *testing.T) {
	const k = 0.8
	for _, interval := range []float64{0.1, 0.2, 0.3, 1.1, 2.4, 4.8} {
		csv := fmt.Sprintf("t,y,a,n,i,e\n0,,1,60,%g,1\n", interval)
		for j := 1; j <= 60; j++ {
			csv += fmt.Sprintf("%.10g,0,,,,0\n", float64(j*int(math.Round(10*interval)))/10)
		}
		m := fromText(t, `model M {
  param k = 0.8
  state c = 0
  c' = -k*c
  event d(a) on data { c += a }
  observe y = c ~ normal(0.2)
}
data d from "d.csv" { time: t; y: { column: y, where: e == 0 }; d: { a: a, where: e == 1, additional: n, interval: i } }`, csv)
		e, err := m.Evaluate(t.Context(), EvaluateOptions{})
		require.NoError(t, err)
		require.Len(t, e.Residuals, 60)
		left := math.Exp(-k * interval)
		for j, r := range e.Residuals {
			want := (1 - math.Pow(left, float64(j+2))) / (1 - left)
			require.InDelta(t, want, r.Prediction, 1e-4, "row %d, interval %g", j, interval)
		}
	}
}
