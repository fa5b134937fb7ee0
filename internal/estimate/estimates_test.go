package estimate_test

import (
	"context"
	"fmt"
	"math"
	"sort"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pinode/pinode"
)

// fittedTo fits a model to a table: `k` tells the trajectory, `t` the time.
func fittedTo(t *testing.T, body, csv string) *pinode.Fit {
	t.Helper()
	columns := strings.Split(strings.SplitN(csv, "\n", 2)[0], ",")
	var named []string
	for _, c := range columns {
		switch c {
		case "k":
			c = "trajectory: k"
		case "t":
			c = "time: t"
		default:
			c += ": " + c
		}
		named = append(named, c)
	}
	f, err := fromText(t, "model M {\n"+body+"\n}\ndata d from \"d.csv\" { "+strings.Join(named, "; ")+" }\n", csv).Fit(context.Background(), pinode.FitOptions{})
	require.NoError(t, err)
	require.EqualValues(t, "converged", f.Status, f.Verdict.Text)
	return f
}

// TestStandardErrorsWithPriors: in a linear model with normal noise and normal priors the
// posterior is normal, whatever interval a parameter has: 1/s² = 1/4² + 1/4².
func TestStandardErrorsWithPriors(t *testing.T) {
	for _, interval := range []string{"", " in (0, inf)", " in [0, inf)", " in (0, 20)", " in (-100, 100)"} {
		f := fittedTo(t, "param m"+interval+" = 5 ~ normal(1, 4)\nobserve y = m ~ normal(4)", "y\n10\n")
		require.InDelta(t, 5.5, f.Params["m"].Value, 1e-4, interval)
		require.InEpsilon(t, math.Sqrt(8), f.Params["m"].StdErr, 1e-5, interval)
	}
	// A prior far away: 1/s² = 1 + 1/16.
	f := fittedTo(t, "param m in (0, inf) = 5 ~ normal(60, 4)\nobserve y = m ~ normal(1)", "y\n1\n")
	require.InEpsilon(t, 1/math.Sqrt(1+1./16), f.Params["m"].StdErr, 1e-5)
}

// TestStandardErrorsOfLevels: values of a parameter per key around a mean that is fitted: the
// precisions are 2 of each value, 4 + 1/100 of the mean, and −1 of both.
func TestStandardErrorsOfLevels(t *testing.T) {
	for _, interval := range []string{"", " in (0, inf)"} {
		f := fittedTo(t, "param mu"+interval+" = 4 ~ normal(0, 10)\nparam a per k"+interval+" = 4 ~ normal(mu, 1)\nobserve y = a ~ normal(1)",
			"k,t,y\nA,1,3\nB,1,4\nC,1,6\nD,1,5\n")
		mean := 1 / (4.01 - 4./2)
		require.InDelta(t, mean*18/2, f.Params["mu"].Value, 1e-3)
		require.InEpsilon(t, math.Sqrt(mean), f.Params["mu"].StdErr, 1e-4, interval)
		require.InEpsilon(t, math.Sqrt(0.5+0.25*mean), f.Params["a{k=B}"].StdErr, 1e-4, interval)
	}
}

// line are values around a line that bends down.
func line() (x, y []float64, csv string) {
	csv = "x,y\n"
	for i := range 21 {
		u := float64(i) / 10
		v := math.Round(1e4*(2+1.5*u-0.1*u*u+0.1*math.Sin(7*float64(i*i)))) / 1e4
		x, y = append(x, u), append(y, v)
		csv += fmt.Sprintf("%g,%g\n", u, v)
	}
	return x, y, csv
}

// TestAtBounds: where the best parabola bends the wrong way the best one allowed is a
// straight line, whose coefficients are those of the textbook, from any start.
func TestAtBounds(t *testing.T) {
	x, y, csv := line()
	n, sx, sy, sxx, sxy := float64(len(x)), 0., 0., 0., 0.
	for i := range x {
		sx, sy, sxx, sxy = sx+x[i], sy+y[i], sxx+x[i]*x[i], sxy+x[i]*y[i]
	}
	b := (n*sxy - sx*sy) / (n*sxx - sx*sx)
	for _, c := range []string{"in [0, 1] = 0.5", "in [0, 1] = 0.001", "in [0, inf) = 3", "in [0, 1] = 0"} {
		f := fittedTo(t, "param a = 0\nparam b = 0\nparam c "+c+"\ncovariate x\nobserve y = a + b*x + c*x^2 ~ normal(0.2)", csv)
		require.Zero(t, f.Params["c"].Value, c)
		require.Equal(t, []string{"c"}, f.Verdict.Bounds, c)
		require.InDelta(t, b, f.Params["b"].Value, 1e-6, c)
		require.InDelta(t, (sy-b*sx)/n, f.Params["a"].Value, 1e-6, c)
		require.InEpsilon(t, 0.2*math.Sqrt(n/(n*sxx-sx*sx)), f.Params["b"].StdErr, 1e-6, c)
	}
	// Where it bends the right way, a start at the end is left.
	f := fittedTo(t, "param a = 0\nparam b = 0\nparam c in [0, 1] = 0\ncovariate x\nobserve y = a + b*x - c*x^2 ~ normal(0.2)", csv)
	require.Empty(t, f.Verdict.Bounds)
	require.Greater(t, f.Params["c"].Value, 0.02)
	// A parameter that is small beside its start is not at its end.
	f = fittedTo(t, "param a in (0, inf) = 1\ncovariate x\nobserve y = 1e5*a*x ~ normal(0.2)", csv)
	require.Empty(t, f.Verdict.Bounds, f.Params["a"].Value)
}

// TestLaplaceNoise: the location is the median and the scale the mean distance from it; both have
// the standard error s/√n. A line goes through two of the points.
func TestLaplaceNoise(t *testing.T) {
	x, y, csv := line()
	sorted := append([]float64(nil), y...)
	sort.Float64s(sorted)
	median, s := sorted[10], 0.
	for _, v := range y {
		s += math.Abs(v-median) / 21
	}
	f := fittedTo(t, "param a = 0\nparam s in (0, inf) = 2\ncovariate x\nobserve y = a ~ laplace(s)", csv)
	require.InDelta(t, median, f.Params["a"].Value, 1e-6)
	require.InEpsilon(t, s, f.Params["s"].Value, 1e-3)
	for _, p := range []string{"a", "s"} {
		require.InEpsilon(t, s/math.Sqrt(21), f.Params[p].StdErr, 1e-3, p)
	}
	best := math.Inf(1)
	for i := range x {
		for j := range i {
			b := (y[i] - y[j]) / (x[i] - x[j])
			sum := 0.
			for k := range x {
				sum += math.Abs(y[k] - y[i] - b*(x[k]-x[i]))
			}
			best = math.Min(best, sum)
		}
	}
	f = fittedTo(t, "param a = 0\nparam b = 0\nparam s in (0, inf) = 2\ncovariate x\nobserve y = a + b*x ~ laplace(s)", csv)
	sum := 0.
	for k := range x {
		sum += math.Abs(y[k] - f.Params["a"].Value - f.Params["b"].Value*x[k])
	}
	require.InEpsilon(t, best, sum, 1e-6)
	require.InEpsilon(t, best/21, f.Params["s"].Value, 1e-3)
}

// TestCensoredErrors: standard errors are those of the second derivatives of the likelihood,
// here by differences of its closed form.
func TestCensoredErrors(t *testing.T) {
	_, y, csv := line()
	const limit = 2.6
	f := fittedTo(t, "param m = 3\nparam s in (0, inf) = 1\ncovariate x\nobserve y = m ~ normal(s) { below: 2.6 }", csv)
	loss := func(m, s float64) (sum float64) {
		for _, v := range y {
			if v <= limit {
				sum -= math.Log(math.Erfc((m-limit)/(s*math.Sqrt2)) / 2)
				continue
			}
			sum += (v-m)*(v-m)/(2*s*s) + math.Log(s)
		}
		return sum
	}
	m, s := f.Params["m"].Value, f.Params["s"].Value
	const h = 1e-3
	mm := (loss(m+h, s) - 2*loss(m, s) + loss(m-h, s)) / (h * h)
	ss := (loss(m, s+h) - 2*loss(m, s) + loss(m, s-h)) / (h * h)
	ms := (loss(m+h, s+h) - loss(m+h, s-h) - loss(m-h, s+h) + loss(m-h, s-h)) / (4 * h * h)
	det := mm*ss - ms*ms
	require.InEpsilon(t, math.Sqrt(ss/det), f.Params["m"].StdErr, 1e-3)
	require.InEpsilon(t, math.Sqrt(mm/det), f.Params["s"].StdErr, 1e-3)
}

// TestRowsInOrder: rows of a table that one covariate orders are judged as a curve, though the
// noise is fitted: residuals of a straight line about a parabola follow each other, those of the parabola do not.
func TestRowsInOrder(t *testing.T) {
	csv := "x,y\n"
	for i := range 41 {
		u := float64(i*17%41) / 10 // in another order
		csv += fmt.Sprintf("%g,%.5g\n", u, 2+u*u+0.3*math.Sin(5*float64(i*i)))
	}
	model := "param a = 0\nparam b = 0\nparam s in (0, inf) = 1\ncovariate x\nobserve y = "
	f := fittedTo(t, model+"a + b*x ~ normal(s)", csv)
	require.Equal(t, "misfit", f.Verdict.Word, f.Verdict.Text)
	require.Less(t, *f.Verdict.Runs, 1e-4)
	f = fittedTo(t, model+"a + b*x^2 ~ normal(s)", csv)
	require.NotEqual(t, "misfit", f.Verdict.Word, f.Verdict.Text)
	require.Greater(t, *f.Verdict.Runs, 1e-2)
}

// TestStartsThatAgree: a model with one optimum, which does not meet the data, is left after
// some starts: 38 make 2/(n(n − 1)) less than 0.0015.
func TestStartsThatAgree(t *testing.T) {
	f := fittedTo(t, "param a = 0\ncovariate x\nobserve y = a*x ~ normal(0.05)", "x,y\n1,1\n2,1\n3,7\n4,2\n")
	require.Equal(t, "misfit", f.Verdict.Word, f.Verdict.Text)
	require.GreaterOrEqual(t, f.Verdict.Starts, 37)
	require.Less(t, f.Verdict.Starts, 45)
	require.Equal(t, f.Verdict.Starts, f.Verdict.Here)
}
