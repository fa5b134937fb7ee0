package simulate_test

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode"
)

// fieldRun simulates a model and gives a column at the end, one value for each cell.
func fieldRun(t *testing.T, text, name string) []float64 {
	t.Helper()
	m, err := pinode.Parse("field.node", text)
	require.NoError(t, err)
	s, err := m.Simulate(context.Background(), pinode.SimulateOptions{})
	require.NoError(t, err)
	require.Zero(t, s.Trajectories[0].Status)
	return fieldAtEnd(t, s, name)
}

// fieldAtEnd are the values of a column at the last time.
func fieldAtEnd(t *testing.T, s *pinode.Simulation, name string) (out []float64) {
	t.Helper()
	rows := s.Trajectories[0].Rows
	k := slices.Index(s.Columns, name)
	require.Positive(t, k, "%s in %v", name, s.Columns)
	for _, r := range rows {
		if r[0] == rows[len(rows)-1][0] {
			out = append(out, r[k])
		}
	}
	return out
}

// TestFieldOrder: the errors of the values at the centres of cells fall with the order of the
// scheme, whatever holds at the sides.
func TestFieldOrder(t *testing.T) {
	t.Parallel()
	const tau = 2 * math.Pi
	sine := func(x, t float64) float64 { return math.Sin(math.Pi*x) * math.Exp(-math.Pi*math.Pi*t) }
	front := func(x, t float64) float64 { return 0.5 - 0.5*math.Tanh(0.5*(x-0.5*t)/0.2) }
	for _, c := range []struct {
		name, body, scheme string
		end                float64
		exact              func(x, t float64) float64
		n                  int
		order              float64
	}{
		{"dirichlet", "state u(x) = sin(pi*x)\n  u' = diff(u, x, x)\n  boundary u = 0 at x = 0, x = 1", "order: 2", 0.1, sine, 20, 2},
		{"dirichlet", "state u(x) = sin(pi*x)\n  u' = diff(u, x, x)\n  boundary u = 0 at x = 0, x = 1", "order: 4", 0.1, sine, 20, 4},
		{"dirichlet", "state u(x) = sin(pi*x)\n  u' = diff(u, x, x)\n  boundary u = 0 at x = 0, x = 1", "order: 6", 0.1, sine, 12, 6},
		{"neumann", "state u(x) = cos(pi*x)\n  u' = diff(u, x, x)\n  boundary diff(u, x) = 0 at x = 0, x = 1", "order: 2", 0.1, func(x, t float64) float64 { return math.Cos(math.Pi*x) * math.Exp(-math.Pi*math.Pi*t) }, 20, 2},
		{"neumann", "state u(x) = cos(pi*x)\n  u' = diff(u, x, x)\n  boundary diff(u, x) = 0 at x = 0, x = 1", "order: 4", 0.1, func(x, t float64) float64 { return math.Cos(math.Pi*x) * math.Exp(-math.Pi*math.Pi*t) }, 20, 4},
		{"robin", "state u(x) = cos(x - 0.3)\n  u' = diff(u, x, x)\n  boundary diff(u, x) - 2*u = exp(-t)*(-sin(-0.3) - 2*cos(-0.3)) at x = 0\n  boundary diff(u, x) + u = exp(-t)*(cos(0.7) - sin(0.7)) at x = 1", "order: 2", 0.5, func(x, t float64) float64 { return math.Cos(x-0.3) * math.Exp(-t) }, 16, 2},
		{"robin", "state u(x) = cos(x - 0.3)\n  u' = diff(u, x, x)\n  boundary diff(u, x) - 2*u = exp(-t)*(-sin(-0.3) - 2*cos(-0.3)) at x = 0\n  boundary diff(u, x) + u = exp(-t)*(cos(0.7) - sin(0.7)) at x = 1", "order: 4", 0.5, func(x, t float64) float64 { return math.Cos(x-0.3) * math.Exp(-t) }, 16, 4},
		{"not linear", "state u(x) = 1 + x\n  u' = diff(u, x, x)\n  boundary u^3 + diff(u, x) = 2 at x = 0\n  boundary u^2*diff(u, x) = 4 at x = 1", "order: 2", 0.5, func(x, t float64) float64 { return 1 + x }, 10, 0},
		{"varying diffusivity", "state u(x) = x^2\n  let q = (1 + x)*diff(u, x)\n  u' = diff(q, x) - (2 + 4*x) - u + x^2\n  boundary u = 0 at x = 0\n  boundary diff(u, x) = 2 at x = 1", "order: 2", 0.5, func(x, t float64) float64 { return x * x }, 10, 2},
		{"periodic", "boundary periodic x\n  state u(x) = sin(2*pi*x)\n  u' = diff(u, x, x)", "order: 4", 0.02, func(x, t float64) float64 { return math.Sin(tau*x) * math.Exp(-tau*tau*t) }, 20, 4},
		{"advection", "boundary periodic x\n  state u(x) = sin(2*pi*x)\n  u' = -diff(u, x)", "order: 2", 0.3, func(x, t float64) float64 { return math.Sin(tau * (x - t)) }, 40, 2},
		{"advection", "boundary periodic x\n  state u(x) = sin(2*pi*x)\n  u' = -diff(u, x)", "order: 6", 0.3, func(x, t float64) float64 { return math.Sin(tau * (x - t)) }, 20, 6},
		{"advection", "boundary periodic x\n  state u(x) = sin(2*pi*x)\n  u' = -diff(u, x)", "scheme: upwind, order: 1", 0.3, func(x, t float64) float64 { return math.Sin(tau * (x - t)) }, 160, 1},
		{"advection", "boundary periodic x\n  state u(x) = sin(2*pi*x)\n  u' = -diff(u, x)", "scheme: weno5", 0.3, func(x, t float64) float64 { return math.Sin(tau * (x - t)) }, 40, 5},
		{"inflow", "state u(x) = sin(x)\n  u' = -diff(u, x)\n  boundary u = sin(-t) at x = 0", "scheme: upwind", 0.5, func(x, t float64) float64 { return math.Sin(x - t) }, 40, 2},
		{"inflow from above", "state u(x) = sin(x)\n  u' = (1 + 0*x)*diff(u, x)\n  boundary u = sin(1 + t) at x = 1", "scheme: upwind", 0.5, func(x, t float64) float64 { return math.Sin(x + t) }, 40, 2},
		{"inflow", "state u(x) = sin(x)\n  u' = -diff(u, x)\n  boundary u = sin(-t) at x = 0", "order: 2", 0.5, func(x, t float64) float64 { return math.Sin(x - t) }, 40, 2},
		{"burgers", "state u(x) = 0.5 - 0.5*tanh(0.5*x/0.2)\n  u' = 0.1*diff(u, x, x) - u*diff(u, x)\n  boundary u = 0.5 - 0.5*tanh(0.5*(x - 0.5*t)/0.2) at x = 0, x = 1", "order: 2", 0.5, front, 20, 2},
		{"burgers", "state u(x) = 0.5 - 0.5*tanh(0.5*x/0.2)\n  u' = 0.1*diff(u, x, x) - u*diff(u, x)\n  boundary u = 0.5 - 0.5*tanh(0.5*(x - 0.5*t)/0.2) at x = 0, x = 1", "order: 4", 0.5, front, 20, 4},
		{"burgers, flux", "state u(x) = 0.5 - 0.5*tanh(0.5*x/0.2)\n  u' = diff(0.1*diff(u, x) - u^2/2, x)\n  boundary u = 0.5 - 0.5*tanh(0.5*(x - 0.5*t)/0.2) at x = 0, x = 1", "order: 4", 0.5, front, 20, 4},
		{"burgers, weno", "state u(x) = 0.5 - 0.5*tanh(0.5*x/0.2)\n  u' = 0.1*diff(u, x, x) - diff(u^2/2, x)\n  boundary u = 0.5 - 0.5*tanh(0.5*(x - 0.5*t)/0.2) at x = 0, x = 1", "scheme: weno5", 0.5, front, 20, 4},
		{"wave", "state u(x) = sin(pi*x), u' = 0\n  u'' = diff(u, x, x)\n  boundary u = 0 at x = 0, x = 1", "order: 4", 0.7, func(x, t float64) float64 { return math.Sin(math.Pi*x) * math.Cos(math.Pi*t) }, 20, 4},
		{"dispersion", "boundary periodic x\n  state u(x) = sin(2*pi*x)\n  u' = -diff(u, x, x, x)", "order: 2", 1e-3, func(x, t float64) float64 { return math.Sin(tau*x + tau*tau*tau*t) }, 32, 2},
		{"beam", "state u(x) = sin(pi*x)\n  u' = -diff(u, x, x, x, x)\n  boundary u = 0 at x = 0, x = 1\n  boundary diff(u, x, x) = 0 at x = 0, x = 1", "order: 2", 5e-3, func(x, t float64) float64 { return math.Sin(math.Pi*x) * math.Exp(-math.Pow(math.Pi, 4)*t) }, 16, 2},
	} {
		t.Run(c.name+", "+c.scheme, func(t *testing.T) {
			var errs []float64
			for _, n := range []int{c.n, 2 * c.n} {
				text := fmt.Sprintf("model M {\n  coordinate x in [0, 1]\n  %s\n  let shown = u\n}\ngrid { x: %d cells, %s }\nsimulate { until: %g, step: %g, solver: auto { rtol: 1e-10, atol: 1e-13 } }", c.body, n, c.scheme, c.end, c.end)
				worst := 0.
				got := fieldRun(t, text, "shown")
				require.Len(t, got, n)
				for i, v := range got {
					worst = math.Max(worst, math.Abs(v-c.exact((float64(i)+0.5)/float64(n), c.end)))
				}
				errs = append(errs, worst)
			}
			order := math.Log2(errs[0] / errs[1])
			t.Logf("errors %.2e %.2e, order %.2f", errs[0], errs[1], order)
			if c.order == 0 { // exact but for the solver
				require.Less(t, errs[1], 1e-8)
				return
			}
			require.Greater(t, order, c.order-0.35)
			require.Less(t, errs[1], 2e-2)
		})
	}
}

// TestFieldConservation: what leaves one cell enters the next, in every scheme and on every grid,
// so that the sum over cells changes by what passes the sides alone.
func TestFieldConservation(t *testing.T) {
	for _, grid := range []string{"order: 2", "order: 4", "order: 6", "scheme: upwind", "scheme: upwind, order: 1", "scheme: weno5", "scheme: spectral"} {
		t.Run(grid, func(t *testing.T) {
			at := "boundary diff(u, x) = 0 at x = 0, x = 1\n  boundary u = 0 at y = 0, y = 2"
			flux := "u' = diff((0.01 + x^2*u^2)*diff(u, x), x) + diff(y*(2 - y)*diff(u, y), y) - diff(x*(1 - x)*u^2, x) - diff(y*(2 - y)*u, y)"
			if grid == "scheme: spectral" {
				at = "boundary periodic x, y"
				flux = "u' = diff((0.01 + u^2)*diff(u, x), x) + diff((2 + sin(pi*y))*diff(u, y), y) - diff(u^2, x)"
			}
			text := "model M {\n  coordinate x in [0, 1]\n  coordinate y in [0, 2]\n  " + at + "\n  state u(x, y) = 1 + exp(-20*((x - 0.4)^2 + (y - 1)^2))\n  " + flux +
				"\n  let mass = integral(u, x, y)\n}\ngrid { x: 16 cells, y: 20 cells, " + grid + " }\nsimulate { until: 0.05, step: 0.05, solver: tsit5 }"
			m, err := pinode.Parse("mass.node", text)
			require.NoError(t, err)
			s, err := m.Simulate(context.Background(), pinode.SimulateOptions{})
			require.NoError(t, err)
			rows := s.Trajectories[0].Rows
			k := len(s.Columns) - 1
			require.Equal(t, "mass", s.Columns[k])
			last := rows[len(rows)-1]
			require.InEpsilon(t, rows[0][k], last[k], 1e-13)
			require.Greater(t, math.Abs(last[3]-rows[len(rows)/2-1][3]), 1e-4, "it moves")
		})
	}
}

// TestFieldPlane: the heat equation in two dimensions, with conditions of all kinds at its
// sides, and fluxes across the axes of another.
func TestFieldPlane(t *testing.T) {
	t.Parallel()
	exact := func(x, y, t float64) float64 {
		return math.Sin(math.Pi*x) * math.Cos(math.Pi*y/2) * math.Exp(-math.Pi*math.Pi*1.25*t)
	}
	for _, order := range []int{2, 4} {
		var errs []float64
		sizes := []int{16, 32}
		if order == 4 {
			sizes = []int{8, 16}
		}
		for _, n := range sizes {
			text := fmt.Sprintf("model M {\n  coordinate x in [0, 1]\n  coordinate y in [0, 2]\n  state u(x, y) = sin(pi*x)*cos(pi*y/2)\n  u' = diff(u, x, x) + diff(u, y, y)\n"+
				"  boundary u = 0 at x = 0\n  boundary u = 0 at x = 1 and y > 0.7, x = 1 and y <= 0.7\n  boundary diff(u, y) = 0 at y = 0, y = 2\n  let shown = u\n  let cross = diff(u, x, y)\n  let at = u(0.3, 1.6)\n}\n"+
				"grid { x: %d cells, y: %d cells, order: %d }\nsimulate { until: 0.1, step: 0.1, solver: bdf { rtol: 1e-8, atol: 1e-10 } }", n, 2*n, order)
			worst := 0.
			for i, v := range fieldRun(t, text, "shown") {
				x, y := (float64(i/(2*n))+0.5)/float64(n), (float64(i%(2*n))+0.5)/float64(n)
				worst = math.Max(worst, math.Abs(v-exact(x, y, 0.1)))
			}
			errs = append(errs, worst)
			if n == sizes[1] {
				require.InDelta(t, exact(0.3, 1.6, 0.1), fieldRun(t, text, "at")[0], 4e-3)
				for i, v := range fieldRun(t, text, "cross") {
					x, y := (float64(i/(2*n))+0.5)/float64(n), (float64(i%(2*n))+0.5)/float64(n)
					require.InDelta(t, -math.Pi*math.Pi/2*math.Cos(math.Pi*x)*math.Sin(math.Pi*y/2)*math.Exp(-math.Pi*math.Pi*1.25*0.1), v, 0.06)
				}
			}
		}
		t.Logf("errors %.2e %.2e", errs[0], errs[1])
		require.Greater(t, math.Log2(errs[0]/errs[1]), float64(order)-0.25)
	}
}

// TestFieldPoisson: an algebraic field has no rate; what its equation and its sides say
// determines it at all times, here with a source that changes.
func TestFieldPoisson(t *testing.T) {
	for _, n := range []int{10, 20} {
		text := fmt.Sprintf("model M {\n  coordinate x in [0, 1]\n  algebraic p(x) = 0\n  state a = 1\n  a' = -a\n  0 = diff(p, x, x) + a*pi^2*sin(pi*x)\n  boundary p = 0 at x = 0, x = 1\n  let shown = p\n}\ngrid { x: %d cells, order: 4 }\nsimulate { until: 1, step: 1, solver: tsit5 { rtol: 1e-10, atol: 1e-12 } }", n)
		for i, v := range fieldRun(t, text, "shown") {
			require.InDelta(t, math.Exp(-1)*math.Sin(math.Pi*(float64(i)+0.5)/float64(n)), v, 4*math.Pow(float64(n), -4))
		}
	}
}

// TestFieldWaves: shallow water is carried by two coupled waves; a dam that breaks has the
// speeds and the height between them of Stoker's solution (J.J. Stoker, Water Waves,
// Interscience 1957, § 10.8), here with depths 1 and 0.5, g = 1.
func TestFieldWaves(t *testing.T) {
	// c₂ of the state between: the invariant of the fan, u + 2c = 2, meets the jump condition.
	jump := func(h float64) float64 { // u behind a shock into depth 0.5 minus that of the fan
		return (h-0.5)*math.Sqrt((h+0.5)/(2*h*0.5)) - 2*(1-math.Sqrt(h))
	}
	lo, hi := 0.5, 1.
	for range 60 {
		if mid := (lo + hi) / 2; jump(mid) < 0 {
			lo = mid
		} else {
			hi = mid
		}
	}
	for _, scheme := range []string{"scheme: upwind", "scheme: weno5"} {
		text := "model M {\n  coordinate x in [-1, 1]\n  state h(x) = if x < 0 then 1 else 0.5\n  state q(x) = 0\n  h' = -diff(q, x)\n  q' = -diff(q^2/h + h^2/2, x)\n" +
			"  boundary q = 0 at x = -1, x = 1\n}\ngrid { x: 200 cells, " + scheme + " }\nsimulate { until: 0.5, step: 0.5, solver: tsit5 }"
		h, q := fieldRun(t, text, "h"), fieldRun(t, text, "q")
		require.InDelta(t, lo, h[120], 3e-3, "between the waves")
		require.InDelta(t, lo*2*(1-math.Sqrt(lo)), q[120], 3e-3)
		require.InDelta(t, 1, h[20], 1e-3)
		speed := lo * 2 * (1 - math.Sqrt(lo)) / (lo - 0.5)
		at := int((0.5*speed + 1) * 100)
		require.InDelta(t, lo, h[at-8], 0.02, "behind the shock")
		require.InDelta(t, 0.5, h[at+8], 0.02, "in front of it")
	}
}

// TestFieldEvent: a value of a field at a place fires an event, which assigns the field and
// a state; the time and what comes after are those of the closed form.
func TestFieldEvent(t *testing.T) {
	text := "model M {\n  coordinate x in [0, 1]\n  boundary periodic x\n  param k = 0.05\n  state u(x) = 1 + sin(2*pi*x)\n  discrete when_ = 0\n  u' = k*diff(u, x, x)\n" +
		"  event cold when u(0.25) <= 1.5 { u := 2*u ; when_ := t }\n  let mean_ = integral(u, x)\n}\ngrid { x: 64 cells, scheme: spectral }\nsimulate { until: 1, step: 1, solver: tsit5 { rtol: 1e-10, atol: 1e-12 } }"
	tau := math.Log(2) / (0.05 * 4 * math.Pi * math.Pi)
	require.InDelta(t, tau, fieldRun(t, text, "when_")[0], 1e-9)
	require.InDelta(t, 2, fieldRun(t, text, "mean_")[0], 1e-12)
	for i, v := range fieldRun(t, text, "u") {
		x := (float64(i) + 0.5) / 64
		require.InDelta(t, 2+2*math.Sin(2*math.Pi*x)*math.Exp(-0.05*4*math.Pi*math.Pi), v, 1e-8)
	}
}

// TestFieldFit: rows of data tell the time and the place; a diffusivity and a learned reaction
// are found from a Fisher–KPP equation whose data are made by a finer grid, with gradients that
// are certified.
func TestFieldFit(t *testing.T) {
	t.Parallel()
	model := func(reaction string, cells int, more string) string {
		return fmt.Sprintf("model KPP {\n  coordinate x in [0, 1]\n  boundary periodic x\n  %s\n  state u(x) = exp(-((x - 0.5)/0.2)^2)\n  u' = D*diff(u, x, x) + %s\n  observe c = u ~ normal(0.002)\n}\n"+
			"grid { x: %d cells, order: 4 }\n%s", map[bool]string{true: "const D = 0.01", false: "param D in (0, 1) = 0.03\n  param r in (0, inf) = 0.5\n  neural f(u) -> 1 { hidden: [5], zero_at: 0 }"}[reaction == "u*(1 - u)"], reaction, cells, more)
	}
	m, err := pinode.Parse("truth.node", model("u*(1 - u)", 64, "simulate { until: 4, step: 0.5, grid: [23], solver: auto { rtol: 1e-9 } }"))
	require.NoError(t, err)
	s, err := m.Simulate(context.Background(), pinode.SimulateOptions{})
	require.NoError(t, err)
	dir := t.TempDir()
	var csv strings.Builder
	csv.WriteString("t,x,c\n")
	for _, r := range s.Trajectories[0].Rows {
		fmt.Fprintf(&csv, "%g,%g,%.12g\n", r[0], r[1], r[2])
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "kpp.csv"), []byte(csv.String()), 0o600))
	text := model("r*u*(1 - u) + 0*f(u)", 24, "data d from \"kpp.csv\" { time: t, x: x, c: c }\nfit { seed: 1, certificate: full }\n")
	path := filepath.Join(dir, "kpp.node")
	require.NoError(t, os.WriteFile(path, []byte(strings.Replace(text, " + 0*f(u)", "", 1)), 0o600))
	m, err = pinode.Load(path)
	require.NoError(t, err)
	f, err := m.Fit(context.Background(), pinode.FitOptions{})
	require.NoError(t, err)
	require.InEpsilon(t, 0.01, f.Params["D"].Value, 2e-3)
	require.InEpsilon(t, 1, f.Params["r"].Value, 2e-3)

	learned := model("f(u)", 24, "data d from \"kpp.csv\" { time: t, x: x, c: c }\nfit { seed: 1, optimizer: adam { lr: 0.01, epochs: 60 } then lbfgs { iterations: 150 } }\n")
	learned = strings.Replace(learned, "\n  param r in (0, inf) = 0.5", "", 1)
	require.NoError(t, os.WriteFile(path, []byte(learned), 0o600))
	m, err = pinode.Load(path)
	require.NoError(t, err)
	f, err = m.Fit(context.Background(), pinode.FitOptions{})
	require.NoError(t, err)
	require.InEpsilon(t, 0.01, f.Params["D"].Value, 0.1)

	outside := strings.Replace(csv.String(), "\n0,0,", "\n0,1.5,", 1)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "kpp.csv"), []byte(outside), 0o600))
	m, err = pinode.Load(path)
	if err == nil {
		_, err = m.Fit(context.Background(), pinode.FitOptions{})
	}
	require.ErrorContains(t, err, "kpp.csv:2: x = 1.5 is outside of the domain, which goes from 0 to 1")
}

// TestFieldPlaces: fields are written at places that are asked for, which agree with their values
// at places in the model, and a condition that is missing is named with its side.
func TestFieldPlaces(t *testing.T) {
	const text = "model M {\n  coordinate x in [0, 1]\n  state u(x) = exp(x)\n  u' = diff(u, x, x) - u\n  boundary u = exp(x) at x = 0, x = 1\n  let quarter = u(0.25)\n}\ngrid { x: 20 cells, order: 4 }\nsimulate { until: 0.1, step: 0.1, grid: [5] }"
	m, err := pinode.Parse("places.node", text)
	require.NoError(t, err)
	s, err := m.Simulate(context.Background(), pinode.SimulateOptions{})
	require.NoError(t, err)
	require.Equal(t, []string{"t", "x", "u", "quarter"}, s.Columns)
	for i, v := range fieldAtEnd(t, s, "u") {
		require.InDelta(t, math.Exp(float64(i)/4), v, 1e-5)
	}
	require.InDelta(t, math.Exp(0.25), fieldAtEnd(t, s, "quarter")[0], 1e-6)
	for side, left := range map[string]string{"x = 1": "x = 0", "x = 0": "x = 1"} {
		_, err := pinode.Parse("missing.node", strings.Replace(text, "at x = 0, x = 1", "at "+left, 1))
		require.ErrorContains(t, err, "`u` has too few conditions at "+side)
	}
	_, err = pinode.Parse("spare.node", strings.Replace(text, "  let", "  boundary diff(u, x) = 1 at x = 1\n  let", 1))
	require.ErrorContains(t, err, "there is nothing left that this condition could determine at x = 1")
	_, err = pinode.Parse("start.node", strings.Replace(text, " = exp(x)\n  u'", "\n  u'", 1))
	require.ErrorContains(t, err, "the field `u` has no initial value")
	_, err = pinode.Parse("waves.node", strings.Replace(text, "order: 4", "scheme: spectral", 1))
	require.ErrorContains(t, err, "`spectral` is made of waves, and `x` is not periodic")
}
