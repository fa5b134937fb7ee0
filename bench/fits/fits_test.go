package fits

import (
	"context"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode"
)

// quick are the problems that take a second.
var quick = []*Problem{tank, ball, glucose, neuron, loop, lagged, inhibition, reporting, seasons, block}

// rough are problems whose start values are off by factors of three to ten.
var rough = []*Problem{urease, capsule, cell, counterflow, flour, gears, cistern, mites, reactor, storeys, chain, fedbatch, coast, drone}

// TestFits: what a fit without a fit block finds. It meets what is held back as the law
// behind the data does, and finds the parameters. With PINODE_NIGHTLY: all problems, over
// draws of the noise and of networks and random starts.
func TestFits(t *testing.T) {
	list, draws, seeds := quick, 1, 1
	if os.Getenv("PINODE_NIGHTLY") != "" {
		list, draws, seeds = Problems, 3, 2
	}
	list = slices.Concat(list, jumps, sides, blindSides)
	for _, p := range list {
		for draw := range draws {
			for seed := range seeds {
				t.Run(fmt.Sprintf("%s/%d/%d", p.Name, draw+1, seed+1), func(t *testing.T) {
					finds(t, p, uint64(draw+1), uint64(seed+1))
				})
			}
		}
	}
}

// TestOffStarts: what fits find from start values that are drawn: each of those of the file times
// a factor of up to ten, either way, and within intervals that have two ends anywhere. With
// PINODE_NIGHTLY only.
func TestOffStarts(t *testing.T) {
	if os.Getenv("PINODE_NIGHTLY") == "" {
		t.Skip("PINODE_NIGHTLY is not set")
	}
	for _, p := range Problems {
		for draw := range 3 {
			t.Run(fmt.Sprintf("%s/%d", p.Name, draw+1), func(t *testing.T) {
				off := *p
				off.Model = offStarts(p.Model, rand.New(rand.NewPCG(uint64(draw+1), 99)))
				finds(t, &off, 1, 1)
			})
		}
	}
}

// started is a parameter with its interval and its start value.
var started = regexp.MustCompile(`(?m)^(  param .* in )\(([^,]+), ([^)]+)\) = ([0-9.e+-]+)`)

// offStarts is a model with other start values.
func offStarts(model string, rng *rand.Rand) string {
	return started.ReplaceAllStringFunc(model, func(line string) string {
		m := started.FindStringSubmatch(line)
		lo, hi, start := number(m[2]), number(m[3]), number(m[4])
		if start *= math.Pow(10, 2*rng.Float64()-1); !math.IsInf(hi, 0) {
			start = lo + (hi-lo)*(0.05+0.9*rng.Float64())
		}
		return fmt.Sprintf("%s(%s, %s) = %.3g", m[1], m[2], m[3], start)
	})
}

func number(s string) float64 {
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		panic(err)
	}
	return v
}

// finds fails unless a fit meets what is held back and finds the parameters, and its verdict
// says that it meets the data.
func finds(t *testing.T, p *Problem, draw, seed uint64) {
	f, noise, took := fitted(t, p, draw, seed)
	t.Logf("in %s", took)
	require.Empty(t, missed(t, p, f, noise))
}

// missed is what a fit has not found: what is held back, parameters, a verdict that is right.
func missed(t *testing.T, p *Problem, f *pinode.Fit, noise map[string]float64) (list []string) {
	t.Helper()
	miss := func(format string, args ...any) { list = append(list, fmt.Sprintf(format, args...)) }
	for _, name := range slices.Sorted(maps.Keys(noise)) {
		got := f.Validation.RMSE[name]
		t.Logf("%s: RMSE %.3g, of the truth %.3g", name, got, noise[name])
		if !(got < 1.5*noise[name]) {
			miss("%s %.2g × its noise", name, got/noise[name])
		}
	}
	for _, e := range f.Estimates {
		truth, ok := p.Truth[e.Name]
		require.True(t, ok, e.Name)
		t.Logf("%s: %.4g ± %.2g, true %.4g", e.Name, e.Value, e.StdErr, truth)
		within := 0.05
		if !math.IsNaN(e.StdErr) { // else rows next to jumps alone tell it: between which of them they are
			within = math.Max(0.05, math.Min(3*e.StdErr/math.Abs(truth), 0.2))
		}
		if off := math.Abs(e.Value/truth - 1); !(off <= within) {
			miss("%s %.2g %% off", e.Name, 100*off)
		}
	}
	word := "fits"
	if f.Verdict.Chi2 == nil { // nothing declares what noise there is
		word = "unknown"
	}
	if f.Verdict.Word != word {
		miss("verdict %s", f.Verdict.Word)
	}
	return list
}

// fitted is a fit of a problem with draws of the noise and of networks.
func fitted(t *testing.T, p *Problem, draw, seed uint64) (*pinode.Fit, map[string]float64, time.Duration) {
	t.Helper()
	m := opened(t, p, draw)
	_, noise := p.Data(draw)
	began := time.Now()
	f, err := m.Fit(context.Background(), pinode.FitOptions{Seed: seed})
	require.NoError(t, err)
	if f.Verdict != nil {
		t.Logf("%+v", *f.Verdict)
	}
	return f, noise, time.Since(began)
}

// TestTruth: at the true parameters a model without networks meets its data up to
// their noise, so that the data are those of the model.
func TestTruth(t *testing.T) {
	for _, c := range []struct {
		*Problem
		sd float64
	}{{tank, 0.15}, {ball, 0.01}, {room, 0.1}, {neuron, 0.1}, {loop, 0.5}, {inhibition, 0.02}, {block, 0.003}, {fridge, 0.1}, {urease, 0.15}, {counterflow, 0.1}, {gears, 0.005}, {cistern, 0.02}, {storeys, 0.05}, {chain, 0.004}, {drone, 0.05}} {
		m := opened(t, c.Problem, 1)
		e, err := m.Evaluate(context.Background(), pinode.At(&pinode.Values{Params: c.Truth}))
		require.NoError(t, err)
		n := float64(e.Values)
		square := -2*e.LogLikelihood/n - math.Log(2*math.Pi*c.sd*c.sd)
		require.InDelta(t, 1, square, 4*math.Sqrt(2/n), c.Name)
	}
}

// TestTold: at the true parameters the data tell each of them of the problems with rough
// starts, by Fisher's information, laws of networks held: within 10 %. By day a third of them.
func TestTold(t *testing.T) {
	for i, p := range rough {
		if i%3 > 0 && os.Getenv("PINODE_NIGHTLY") == "" {
			continue
		}
		names := slices.Sorted(maps.Keys(p.Truth))
		var slopes [][]float64
		for _, name := range names {
			const step = 1e-3
			at := func(by float64) []float64 {
				truth := maps.Clone(p.Truth)
				truth[name] *= 1 + by
				return p.table(1, truth).means
			}
			a, b := at(-step), at(step)
			for i := range a {
				a[i] = (b[i] - a[i]) / (2 * step)
			}
			slopes = append(slopes, a)
		}
		n := len(names)
		var variances []float64
		for k := range n {
			m := make([][]float64, n)
			for i := range m {
				m[i] = make([]float64, n+1)
				for j := range n {
					for r := range slopes[i] {
						m[i][j] += slopes[i][r] * slopes[j][r]
					}
				}
			}
			m[k][n] = 1
			variances = append(variances, gauss(m)[k])
		}
		for k, name := range names {
			t.Logf("%s: %s is told to %.2g %%", p.Name, name, 100*math.Sqrt(variances[k]))
			require.Less(t, math.Sqrt(variances[k]), 0.1, "%s: %s", p.Name, name)
		}
	}
}

// TestTables writes models and data of all problems into a folder, for other programs.
func TestTables(t *testing.T) {
	dir := os.Getenv("PINODE_TABLES")
	if dir == "" {
		t.Skip("PINODE_TABLES names no folder")
	}
	for _, p := range slices.Concat(Problems, jumps, sides, blindSides) {
		csv, _ := p.Data(1)
		to := filepath.Join(dir, p.Name)
		require.NoError(t, os.MkdirAll(to, 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(to, "data.csv"), []byte(csv), 0o600))
		require.NoError(t, os.WriteFile(filepath.Join(to, p.Name+".node"), []byte(p.Model), 0o600))
	}
}

// opened is the model of a problem with its data, of a draw of the noise.
func opened(t *testing.T, p *Problem, draw uint64) *pinode.Model {
	t.Helper()
	dir := t.TempDir()
	csv, _ := p.Data(draw)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "data.csv"), []byte(csv), 0o600))
	m, err := pinode.Parse(filepath.Join(dir, p.Name+".node"), p.Model)
	require.NoError(t, err, p.Name)
	return m
}
