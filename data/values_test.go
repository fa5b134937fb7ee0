package data

import (
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

// The range is that of the Bernstein coefficients, by hand for x³ − x from −1
// to 1: 0, 4/3, −4/3, 0, and of its derivative 2, −4, 2.
func TestRangeByHand(t *testing.T) {
	var s Signal
	for _, x := range []float64{-2, -1, 1, 2} {
		s.T, s.V = append(s.T, x), append(s.V, x*x*x-x)
	}
	p, err := NewInterpolant(s, "cubic")
	require.NoError(t, err)
	lo, hi, rateLo, rateHi := p.Range(-1, 1)
	require.InDeltaSlice(t, []float64{-4. / 3, 4. / 3, -4, 2}, []float64{lo, hi, rateLo, rateHi}, 1e-12)
	// From 1 to 2 both rise: the ends are the range.
	lo, hi, rateLo, rateHi = p.Range(1, 2)
	require.InDeltaSlice(t, []float64{0, 6, 2, 11}, []float64{lo, hi, rateLo, rateHi}, 1e-12)
	// Over two pieces it is that of both.
	lo, hi, _, rateHi = p.Range(-1, 2)
	require.InDeltaSlice(t, []float64{-4. / 3, 6, 11}, []float64{lo, hi, rateHi}, 1e-12)
	require.Equal(t, []float64{-2, 2}, p.Knots())
}

// Round-off has room on both sides, whatever the signs.
func TestRangeHasRoom(t *testing.T) {
	for _, v := range [][2]float64{{-5, 1}, {5, -1}, {-5, -1}, {1, 5}} {
		p, err := NewInterpolant(Signal{T: []float64{0, 2}, V: v[:]}, "linear")
		require.NoError(t, err)
		lo, hi, rateLo, rateHi := p.Range(0, 2)
		require.Less(t, lo, min(v[0], v[1]))
		require.Greater(t, hi, max(v[0], v[1]))
		require.Less(t, rateLo, (v[1]-v[0])/2)
		require.Greater(t, rateHi, (v[1]-v[0])/2)
		require.InDelta(t, min(v[0], v[1]), lo, 1e-12)
		require.InDelta(t, max(v[0], v[1]), hi, 1e-12)
		require.InDelta(t, rateLo, rateHi, 1e-12)
	}
}

// A spline with two continuous derivatives jumps at its ends alone.
func TestKnotsOfSplines(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 8))
	for n := 2; n < 12; n++ {
		var s Signal
		at := 0.
		for range n {
			at += 0.1 + rng.Float64()
			s.T, s.V = append(s.T, at), append(s.V, rng.NormFloat64())
		}
		p, err := NewInterpolant(s, "cubic")
		require.NoError(t, err)
		require.Equal(t, []float64{s.T[0], s.T[n-1]}, p.Knots())
		for i := 1; i < n-1; i++ { // the same from both sides, and the second derivative by differences
			v, r := p.At(s.T[i])
			w, q := p.Before(s.T[i])
			require.InDelta(t, v, w, 1e-12)
			require.InDelta(t, r, q, 1e-10)
			const h = 1e-5
			_, up := p.At(s.T[i] + h)
			_, down := p.At(s.T[i] - h)
			require.InDelta(t, (up-r)/h, (r-down)/h, 1e-2*(1+math.Abs(up-r)/h))
		}
	}
}

// The slope is that of the line through the first four times, repeated ones
// counted once: Σ(t−t̄)y/Σ(t−t̄)² = 15/5 for 0, 1, 4, 9.
func TestSlopeByHand(t *testing.T) {
	nan := math.NaN()
	slope := func(ts, ys []float64) float64 {
		tr := &Trajectory{Times: ts}
		for _, y := range ys {
			tr.Obs.Append(7, y)
		}
		s, ok := tr.Slope(1)
		require.Equal(t, ok, s == s)
		return s
	}
	require.InDelta(t, 3, slope([]float64{0, 1, 2, 3, 4, 5}, []float64{0, 1, 4, 9, 1000, 0}), 1e-14)
	require.InDelta(t, 3, slope([]float64{0, 0.5, 1, 2, 3, 3.5}, []float64{0, nan, 1, 4, 9, 1000}), 1e-14)
	require.InDelta(t, 2, slope([]float64{0, 1, 2}, []float64{0, 1, 4}), 1e-14)
	// Both values at one time count, but as one time: (−1)·(−1) + 1·0 over 2.
	require.InDelta(t, 0.5, slope([]float64{0, 1, 1, 2}, []float64{0, 1, 2, 1}), 1e-14)
	require.True(t, math.IsNaN(slope([]float64{0, 0}, []float64{1, 2})))
	require.True(t, math.IsNaN(slope([]float64{0, 1}, []float64{1, nan})))
}

// What is no text is said to be none, wherever that shows.
func TestNoText(t *testing.T) {
	for _, text := range []string{"\x00t,x\n0,1\n", "t\x00,x\n0,1\n", "\xff\xfet\x00", "\xfe\xff\x00t"} {
		_, err := ReadDelimited("d.csv", strings.NewReader(text), ',')
		var e *Error
		require.ErrorAs(t, err, &e, "%q", text)
		require.NotEmpty(t, e.Help)
		require.NotContains(t, e.Text, "number", "%q", text)
	}
}

// A signal may jump at its first time, and at its last.
func TestJumpsAtTheEnds(t *testing.T) {
	for _, kind := range []string{"linear", "hold"} {
		p, err := NewInterpolant(Signal{T: []float64{1, 1, 2, 2}, V: []float64{3, 5, 7, 9}}, kind)
		require.NoError(t, err)
		for at, want := range map[float64][2]float64{0: {3, 3}, 1: {3, 5}, 2: {map[string]float64{"linear": 7, "hold": 5}[kind], 9}, 3: {9, 9}} {
			before, _ := p.Before(at)
			after, _ := p.At(at)
			require.Equal(t, want, [2]float64{before, after}, "%s at %g", kind, at)
		}
		require.Equal(t, []float64{1, 2}, p.Knots())
	}
}

// Errors of a reader are the table's, whether at once or later.
func TestReaderErrors(t *testing.T) {
	broken := errors.New("the disk is gone")
	for _, r := range []io.Reader{iotest.ErrReader(broken), io.MultiReader(strings.NewReader("t,x\n0,1\n"), iotest.ErrReader(broken))} {
		_, err := ReadDelimited("d.csv", r, ',')
		require.ErrorContains(t, err, "d.csv")
		require.ErrorContains(t, err, "the disk is gone")
	}
	tab, err := ReadDelimited("d.csv", strings.NewReader("t,x\n0,  one \n"), ',')
	require.NoError(t, err)
	_, err = tab.Floats("x")
	require.ErrorContains(t, err, "`one` is not a number")
}

// A condition on rows that cannot be told ends the reading.
func TestConditionErrors(t *testing.T) {
	unknown := errors.New("what is that?")
	bad := func(Row) (bool, error) { return true, unknown }
	for _, spec := range []*Spec{
		{Time: Column{Name: "t"}, Events: []EventSpec{{Where: bad}}},
		{Time: Column{Name: "t"}, Observes: []Column{{Name: "x", Factor: 1}}, Train: bad},
		{Time: Column{Name: "t"}, Observes: []Column{{Name: "x", Factor: 1}}, Train: cellIs("x", "none"), Validate: bad},
	} {
		_, err := Build(table(t, "t,x\n0,1\n1,2\n"), spec)
		require.ErrorIs(t, err, unknown)
	}
}
