package published

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestRows: each row has its models and a page with its source, and names that are told
// apart.
func TestRows(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range Rows() {
		require.False(t, seen[r.Name], r.Name)
		seen[r.Name] = true
		require.Contains(t, r.Page(), "**Source.**", r.Name)
		require.Contains(t, r.Page(), "**What differs.**", r.Name)
		found, ok := Find(r.Name)
		require.True(t, ok)
		require.Same(t, r, found)
	}
	_, ok := Find("none")
	require.False(t, ok)
}

// TestReproduced: rows that take seconds are at their numbers.
func TestReproduced(t *testing.T) {
	if testing.Short() {
		t.Skip("whole fits")
	}
	for _, name := range []string{"events", "missing_physics"} {
		r, _ := Find(name)
		res, err := r.Reproduce(t.Context(), Options{Dir: t.TempDir()})
		require.NoError(t, err)
		require.NotEmpty(t, res.Figures)
		for i := range res.Figures {
			f := &res.Figures[i]
			require.True(t, f.Holds(), "%s: %s is %g, to be %s", name, f.What, f.Ours, f.Wanted())
		}
	}
}

// TestQuick: the short form of a row runs its models and is not held to the numbers.
func TestQuick(t *testing.T) {
	r, _ := Find("spiral")
	res, err := r.Reproduce(t.Context(), Options{Dir: t.TempDir(), Quick: true})
	require.NoError(t, err)
	require.Len(t, res.Figures, 2)
	var table strings.Builder
	require.NoError(t, WriteTable(&table, []*Result{res}))
	require.Equal(t, 4, strings.Count(table.String(), "\n"))
	require.Contains(t, table.String(), "| quick |")
}

// TestQuickRows: the short forms of rows that learn from many paths run; what is known of a
// motion makes even these good.
func TestQuickRows(t *testing.T) {
	for name, most := range map[string][]float64{
		"jumps":                     {10, 0.01, 0.1, 40, 0.01, 0.05, 0.05, 0.05, 0.05},
		"latent":                    {1e-3, 0.1},
		"flow_matching":             {2},
		"checkerboard":              {5},
		"formulas":                  {0, 1.22e-2},
		"fisher":                    {4.49e-3, 0.05, 0.1},
		"seir":                      {0.05},
		"two_bodies":                {3.8e-5},
		"burgers":                   {2e-3},
		"burgers_inverse":           {5e-3, 0.1},
		"burgers_step":              {0.1},
		"double_pendulum":           {4e-3},
		"korteweg_de_vries_inverse": {1e-3, 1e-3},
		"navier_stokes":             {0.4, 0.2},
		"allen_cahn":                {1e-4, 0.1},
		"korteweg_de_vries":         {1e-6, 0.02},
		"schroedinger":              {1e-4, 0.1},
	} {
		t.Run(name, func(t *testing.T) {
			if testing.Short() && !slices.Contains([]string{"fisher", "jumps", "flow_matching", "seir", "formulas"}, name) {
				t.Skip("a fit of several seconds")
			}
			r, _ := Find(name)
			res, err := r.Reproduce(t.Context(), Options{Dir: t.TempDir(), Quick: true})
			require.NoError(t, err)
			require.Len(t, res.Figures, len(most))
			for i := range res.Figures {
				f := &res.Figures[i]
				require.LessOrEqual(t, f.Ours, most[i], f.What)
			}
		})
	}
}

// TestMoonField: the mean over lines of the squared distance of b − a from the best field is
// the least loss, 1.019 ± 0.002 by the source.
func TestMoonField(t *testing.T) {
	r, centres := noise("moon field", 1), moonCentres()
	const n = 100000
	sum := 0.
	for range n {
		x, y := moonPoint(r, centres)
		a, b, s := r.NormFloat64(), r.NormFloat64(), r.Float64()
		u, v := moonField(centres, (1-s)*a+s*x, (1-s)*b+s*y, s)
		sum += (sq(u-x+a) + sq(v-y+b)) / 2
	}
	require.InDelta(t, 1.019, sum/n, 0.015)
}

// TestBoardField: likewise 3.752 ± 0.003 for the squares of a board, which are as many points as
// their density says.
func TestBoardField(t *testing.T) {
	r := noise("board field", 1)
	const n = 200000
	sum, inside := 0., 0.
	for range n {
		x, y := boardPoint(r)
		if x > 0 && x < boardSide && y > 0 && y < boardSide {
			inside++
		}
		a, b, s := r.NormFloat64(), r.NormFloat64(), r.Float64()
		u, v := boardField((1-s)*a+s*x, (1-s)*b+s*y, s)
		sum += (sq(u-x+a) + sq(v-y+b)) / 2
	}
	require.InDelta(t, 3.752, sum/n, 0.03)
	require.InDelta(t, 0.125, inside/n, 0.003)
	// Far from all squares the nearest corner is what is left of them.
	u, v := boardField(9, 9.5, 0.99)
	require.InDelta(t, 2*boardSide-9, 0.01*u, 0.02)
	require.InDelta(t, 2*boardSide-9.5, 0.01*v, 0.02)
}

// TestLeastLoss: the loss of the conditional mean of a process of Ornstein and Uhlenbeck and
// of one of Black and Scholes, by their closed forms (a sum over gaps and places).
func TestLeastLoss(t *testing.T) {
	for i, want := range []float64{0.1336243, 0.0066346} {
		_, least := processes[i].paths(noise("least", 1), 40000)
		require.InDelta(t, want, least, 4*[]float64{0.24, 0.0051}[i]/200) // deviations of one path
	}
}

// TestMissed: a figure that is not a number does not hold.
func TestMissed(t *testing.T) {
	require.True(t, (&Figure{Bar: 1, Ours: 1}).Holds())
	require.False(t, (&Figure{Bar: 1, Ours: 1.1}).Holds())
	require.False(t, (&Figure{Bar: 1, Ours: math.NaN()}).Holds())
}

// TestPath: the truth of the cubic spiral at t = 25, by another method at 1e-13.
func TestPath(t *testing.T) {
	path := cubicSpiral()
	last := path[len(path)-1]
	require.InDelta(t, 25, last[0], 1e-12)
	require.InDelta(t, -0.443623486699, last[1], 1e-9)
	require.InDelta(t, 0.279440641619, last[2], 1e-9)
}

// TestSpread: the truth of the wave of advance keeps what is the same everywhere on the path of
// the logistic equation, and a wave on the ring falls by the diffusion.
func TestSpread(t *testing.T) {
	rhs := spread(50)
	u, du := make([]float64, 50), make([]float64, 50)
	for i := range u {
		u[i] = 0.2
	}
	integrate(rhs, 0, 2, 400, u)
	want := 0.2 * math.Exp(2) / (1 - 0.2 + 0.2*math.Exp(2))
	for _, v := range u {
		require.InDelta(t, want, v, 1e-9)
	}
	for i := range u {
		u[i] = 1e-6 * math.Cos(2*math.Pi*float64(i)/50)
	}
	rhs(0, u, du)
	require.InDelta(t, 1-0.01*4*math.Pi*math.Pi, du[0]/u[0], 2e-3) // second order in the width of a cell
}

// TestColeHopf: the formula satisfies Burgers' equation, begins as it should, and is odd.
func TestColeHopf(t *testing.T) {
	const nu = 0.01 / math.Pi
	for _, at := range [][2]float64{{0.3, 0.2}, {-0.7, 0.9}, {0.02, 0.6}, {0.004, 0.99}} {
		x, s := at[0], at[1]
		h := 0.02 * math.Min(math.Abs(x), 0.2)
		u := func(i, j int) float64 { return coleHopf(x+float64(i)*h, s+float64(j)*1e-3) }
		ut := (8*(u(0, 1)-u(0, -1)) - u(0, 2) + u(0, -2)) / 12e-3
		ux := (8*(u(1, 0)-u(-1, 0)) - u(2, 0) + u(-2, 0)) / (12 * h)
		uxx := (16*(u(1, 0)+u(-1, 0)) - u(2, 0) - u(-2, 0) - 30*u(0, 0)) / (12 * h * h)
		require.InDelta(t, 0, ut+u(0, 0)*ux-nu*uxx, 1e-5*(1+math.Abs(u(0, 0)*ux)), "%g, %g", x, s)
		require.InDelta(t, -coleHopf(-x, s), u(0, 0), 1e-14)
	}
	require.InDelta(t, -math.Sin(math.Pi*0.3), coleHopf(0.3, 1e-7), 1e-6)
}

// TestBodies: two bodies on a circle come back after the period of Kepler's law.
func TestBodies(t *testing.T) {
	r := 0.8
	v := 1 / (2 * math.Sqrt(r))
	z := []float64{r, 0, -r, 0, 0, v, 0, -v}
	begun := append([]float64(nil), z...)
	integrate(bodies, 0, 2*math.Pi*r/v, 4000, z)
	require.InDeltaSlice(t, begun, z, 1e-9)
	require.InDelta(t, v*v-1/(2*r), bodiesEnergy(z), 1e-9)
}

// TestSwing: the motion of the double pendulum keeps its energy, and small swings have the two
// frequencies √(g(2 ± √2)).
func TestSwing(t *testing.T) {
	y := []float64{2, -1.5, 0.3, 1}
	was := swingEnergy(y)
	integrate(swing, 0, 3, 6000, y)
	require.InDelta(t, was, swingEnergy(y), 1e-8)
	dy := make([]float64, 4)
	for _, sign := range []float64{1, -1} {
		swing(0, []float64{1e-5, sign * math.Sqrt2 * 1e-5, 0, 0}, dy)
		require.InDelta(t, -gravity*(2-sign*math.Sqrt2)*1e-5, dy[2], 1e-12)
	}
	for _, row := range swings(noise("swing", 1), 5) {
		swing(0, row[:4], dy)
		require.Equal(t, dy[2:], row[4:])
	}
}

// TestVortices: the drifting vortices satisfy Navier and Stokes' equations, by differences.
func TestVortices(t *testing.T) {
	const h = 1e-3
	x, y, s := 0.7, 2.1, 3.3
	by := func(f func(d float64) (u, v, p float64)) (first, second [3]float64) {
		a, b, c := f(-h)
		d, e, g := f(h)
		k, l, m := f(0)
		for i, w := range [][3]float64{{a, k, d}, {b, l, e}, {c, m, g}} {
			first[i], second[i] = (w[2]-w[0])/(2*h), (w[0]-2*w[1]+w[2])/(h*h)
		}
		return first, second
	}
	dt, _ := by(func(d float64) (u, v, p float64) { return vortices(x, y, s+d) })
	dx, dxx := by(func(d float64) (u, v, p float64) { return vortices(x+d, y, s) })
	dy, dyy := by(func(d float64) (u, v, p float64) { return vortices(x, y+d, s) })
	u, v, _ := vortices(x, y, s)
	require.InDelta(t, 0, dx[0]+dy[1], 1e-6)
	require.InDelta(t, 0, dt[0]+u*dx[0]+v*dy[0]+dx[2]-flowViscosity*(dxx[0]+dyy[0]), 1e-6)
	require.InDelta(t, 0, dt[1]+u*dx[1]+v*dy[1]+dy[2]-flowViscosity*(dxx[1]+dyy[1]), 1e-6)
	// The noise is 1 % of the deviation of a velocity.
	rows, sum, square := flowRows(noise("flow", 1), 20000, 0), 0., 0.
	for _, row := range rows {
		sum, square = sum+row[3], square+sq(row[3])
	}
	n := float64(len(rows))
	require.InDelta(t, 0.01*math.Sqrt(square/n-sq(sum/n)), flowNoise(0.01), 2e-5)
}

// TestPredation: prey and predators at t = 3, by another method.
func TestPredation(t *testing.T) {
	list, size := predators(noise("none", 1), 30, 0)
	require.InDelta(t, 1.606351205698, list[30][0], 1e-8)
	require.InDelta(t, 0.067606042572, list[30][1], 1e-8)
	require.Zero(t, size)
}
