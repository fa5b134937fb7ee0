package simulate

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/mathext"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/pinode/pinode/compiler/check"
)

// TestSamples: what is drawn from every distribution has its distribution function, by the test
// of Kolmogorov and Smirnov; the elements of a quantity have arguments of their own.
func TestSamples(t *testing.T) {
	normal := func(z float64) float64 { return math.Erfc(-z/math.Sqrt2) / 2 }
	laplace := func(z float64) float64 {
		if z < 0 {
			return math.Exp(z) / 2
		}
		return 1 - math.Exp(-z)/2
	}
	cases := map[string]struct {
		args  []float64
		below func(x float64) float64
	}{
		"normal":        {[]float64{0.7, 1.3}, func(x float64) float64 { return normal((x - 0.7) / 1.3) }},
		"lognormal":     {[]float64{0.7, 1.3}, func(x float64) float64 { return normal((math.Log(x) - 0.7) / 1.3) }},
		"student":       {[]float64{3, 0.7, 1.3}, distuv.StudentsT{Nu: 3, Mu: 0.7, Sigma: 1.3}.CDF},
		"laplace":       {[]float64{0.7, 1.3}, func(x float64) float64 { return laplace((x - 0.7) / 1.3) }},
		"uniform":       {[]float64{-1, 3}, func(x float64) float64 { return (x + 1) / 4 }},
		"exponential":   {[]float64{3}, func(x float64) float64 { return 1 - math.Exp(-x/3) }},
		"cauchy":        {[]float64{0.7, 1.3}, func(x float64) float64 { return 0.5 + math.Atan((x-0.7)/1.3)/math.Pi }},
		"halfnormal":    {[]float64{1.3}, func(x float64) float64 { return math.Erf(x / 1.3 / math.Sqrt2) }},
		"halfcauchy":    {[]float64{1.3}, func(x float64) float64 { return 2 * math.Atan(x/1.3) / math.Pi }},
		"gamma":         {[]float64{2.5, 3}, func(x float64) float64 { return mathext.GammaIncReg(2.5, x/3) }},
		"inverse_gamma": {[]float64{2.5, 3}, func(x float64) float64 { return mathext.GammaIncRegComp(2.5, 3/x) }},
		"beta":          {[]float64{2, 3}, func(x float64) float64 { return mathext.RegIncBeta(2, 3, x) }},
	}
	const n = 4000
	for _, d := range check.Distributions {
		if !d.OfParameters() {
			continue
		}
		c, ok := cases[d.Name]
		require.True(t, ok, "samples of %s are not tested", d.Name)
		dist := &check.Dist{Name: d.Name}
		for _, v := range c.args { // of element 1; element 0 has others
			dist.Args = append(dist.Args, &check.Expr{Kind: check.Numbers, Values: []float64{v + 100, v}, Shape: check.Shape{Rank: 1, N: 2}})
		}
		rng := rand.New(rand.NewPCG(5, 6))
		x := make([]float64, n)
		for i := range x {
			var err error
			x[i], err = draw(check.Sampled{Dist: dist, Element: 1}, rng)
			require.NoError(t, err)
		}
		slices.Sort(x)
		worst := 0.
		for i, v := range x {
			worst = math.Max(worst, math.Max(math.Abs(c.below(v)-float64(i)/n), math.Abs(c.below(v)-float64(i+1)/n)))
		}
		require.Less(t, worst, 1.95/math.Sqrt(n), d.Name) // one in a thousand is more
	}
}

// TestDrawings: the runs of a sample have the draws of the model of that sample, at every point
// of the sweeps and in every trajectory.
func TestDrawings(t *testing.T) {
	r := &ensemble{points: make([][]float64, 6), samples: 3} // two points of sweeps
	var got []uint64
	for i := range 12 { // two trajectories
		got = append(got, r.drawing(i).Copy)
	}
	require.Equal(t, []uint64{0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2}, got)
	require.EqualValues(t, 7, (&ensemble{samples: 1}).drawing(7).Copy)
}

// TestChoose: a name is that of a column, or of all components of a quantity, and not of others
// that begin like it; columns that tell rows apart stay.
func TestChoose(t *testing.T) {
	s := &Simulation{Columns: []string{"t", "x", "xy", "v[0]", "v[1]", "vs"}, Units: []string{"s", "m", "", "kg", "g", "A"}}
	pick, err := s.choose([]string{"v", "x"}, 1)
	require.NoError(t, err)
	require.Equal(t, []string{"t", "v[0]", "v[1]", "x"}, s.Columns)
	require.Equal(t, []string{"s", "kg", "g", "m"}, s.Units)
	require.Equal(t, []float64{0, 3, 4, 1}, pick([]float64{0, 1, 2, 3, 4, 5}))
	s = &Simulation{Columns: []string{"t", "x"}, Units: []string{"", ""}}
	pick, err = s.choose(nil, 1)
	require.NoError(t, err)
	require.Equal(t, []float64{0, 1}, pick([]float64{0, 1}))
	_, err = s.choose([]string{"t"}, 1)
	require.EqualError(t, err, "there is no output `t`; there are x")
}
