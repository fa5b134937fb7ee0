package distill

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode/compiler"
)

// names are those of a library.
func names(list []term) (out []string) {
	for i := range list {
		out = append(out, list[i].name())
	}
	return out
}

// TestLibrary: candidates are consistent with units, and worth something where the block was.
func TestLibrary(t *testing.T) {
	p, err := compiler.Compile("m.node", `model M {
  state x: m = 1
  state a[2] = 0
  neural f(x: m, a[2]) -> m/s
  x' = f(x, a)
  a' = 0
}`)
	require.NoError(t, err)
	args := arguments(p.Checked.Model.Neurals[0], [][]float64{{1, -1, 0.5}, {2, 3, 0.7}})
	require.Equal(t, []argument{{"x", false, false}, {"a[0]", true, true}, {"a[1]", true, false}}, args)
	list := library(args, 2)
	require.Equal(t, []string{
		"1", "x", "a[0]", "a[1]", "x^2", "x*a[0]", "x*a[1]", "a[0]^2", "a[0]*a[1]", "a[1]^2",
		"a[0]*abs(a[0])", "sin(a[0])", "cos(a[0])", "sin(a[1])", "cos(a[1])",
	}, names(list), "x has a unit, and no sine; it has one sign, and no |x|")
	at := []float64{2, -3, 0.25}
	for i, want := range []float64{1, 2, -3, 0.25, 4, -6, 0.5, 9, -0.75, 0.0625, -9, math.Sin(-3), math.Cos(3), math.Sin(0.25), math.Cos(0.25)} {
		require.InDelta(t, want, list[i].at(at), 1e-15, list[i].text)
	}
	many := make([]argument, 20)
	require.LessOrEqual(t, len(library(many, 3)), mostTerms)
}

// example is a table of y = 2 − 3 x₁ + 0.5 x₂ x₁ with wiggles.
func example(wiggle float64) *table {
	r := rand.New(rand.NewPCG(4, 4))
	tb := &table{columns: make([][]float64, 6), n: 60, runs: []int{0}}
	for i := range 200 {
		s := float64(i) / 199
		x, z := math.Sin(5*s), s*s+0.1*r.Float64()
		for j, v := range []float64{1, x, z, x * z, x * x, z * z} {
			tb.columns[j] = append(tb.columns[j], v)
		}
		tb.y = append(tb.y, 2-3*x+0.5*x*z+wiggle*math.Sin(150*s))
	}
	return tb
}

// TestRegression: the structure and the coefficients of a sparse sum, on the table and in weak
// form, in which fast wiggles average out.
func TestRegression(t *testing.T) {
	truth := []int{0, 1, 3}
	coefs, rest := example(0).fit(truth)
	require.InDeltaSlice(t, []float64{2, -3, 0.5}, coefs, 1e-12)
	require.Less(t, rest, 1e-20)
	require.Equal(t, truth, example(0).structures(4)[0])
	noisy := example(0.3)
	_, strong := noisy.fit(truth)
	weak := noisy.weak()
	require.Len(t, weak.y, windows)
	coefs, left := weak.fit(truth)
	require.InDeltaSlice(t, []float64{2, -3, 0.5}, coefs, 0.03)
	require.Less(t, left/squares(weak.y), 0.01*strong/squares(noisy.y))
	require.True(t, slices.ContainsFunc(weak.structures(4), func(s []int) bool { return slices.Equal(s, truth) }))
	often := example(0).chosen(4, 20, rand.New(rand.NewPCG(1, 1)))
	require.InDelta(t, 1, often[0], 1e-12)
	require.InDelta(t, 1, often[1], 1e-12)
}

// TestRelocated: the tables of a model in another folder stay where they are.
func TestRelocated(t *testing.T) {
	const text = "model M {\n  state x = 1\n  x' = -x\n  observe y = x\n}\ndata d from \"a/d.csv\" { time: t; y: y; join: \"e.csv\" by id }\n"
	require.Contains(t, Relocated("/base/m.node", text, "/base/runs/r"), `from "../../a/d.csv" {`)
	require.Contains(t, Relocated("/base/m.node", text, "/base/runs/r"), `join: "../../e.csv" by`)
	require.Equal(t, text, Relocated("/base/m.node", text, "/base"))
}
