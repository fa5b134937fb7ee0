package estimate_test

import (
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

// TestVerdictOfOpenParameters: of two rates only the sum enters; the fit meets the data, and
// the verdict says that they do not tell the rates apart.
func TestVerdictOfOpenParameters(t *testing.T) {
	f, err := fitOf(t, "model M {\n  param a in (0, inf) = 0.5\n  param b in (0, inf) = 0.1\n  state x = 10\n  x' = -(a + b)*x\n  observe y = x ~ normal(0.1)\n}",
		"t,y\n0,10.03\n1,7.35\n2,5.52\n3,4.04\n4,3.06\n5,2.17\n", "y: y", "")
	require.NoError(t, err)
	require.NoError(t, f.Run(t.Context()))
	require.Equal(t, "fits", f.Verdict.Word)
	require.Equal(t, 1, f.Verdict.Untold)
	require.Contains(t, f.Verdict.Text, "leave a combination of parameters open: ")
	require.ElementsMatch(t, []string{"a", "b"}, strings.Split(f.Verdict.Open[0], " with "))
	p := f.Values().Params
	require.InDelta(t, 0.3, p["a"]+p["b"], 0.01)
}

// TestVerdictOfUnsolvable: a law that the data do not follow is a misfit, by the size of the
// residuals and by their runs; where there are fewer values than parameters, the verdict
// says that they leave combinations open.
func TestVerdictOfUnsolvable(t *testing.T) {
	line := "model M {\n  param a = 1\n  param b = 1\n  state x = b\n  x' = a\n  observe y = x ~ normal(0.05)\n}"
	var curve strings.Builder
	curve.WriteString("t,y\n")
	for i := range 24 {
		fmt.Fprintf(&curve, "%d,%.4f\n", i, math.Sin(float64(i)/3)+0.05*math.Sin(float64(7*i*i)))
	}
	fitted := func(text, csv string) *pinode.Fit {
		f, err := fitOf(t, text, csv, "y: y", "")
		require.NoError(t, err)
		require.NoError(t, f.Run(t.Context()))
		return f
	}
	f := fitted(line, curve.String())
	require.Equal(t, "misfit", f.Verdict.Word)
	require.True(t, f.Verdict.Converged)
	require.Greater(t, *f.Verdict.Chi2, 50.)
	require.Less(t, *f.Verdict.Runs, 1e-4)
	require.Contains(t, f.Verdict.Text, "does not meet the data")

	f = fitted(line, "t,y\n3,2.5\n")
	require.Equal(t, 1, f.Verdict.Untold)
	require.Contains(t, f.Verdict.Text, "leave a combination of parameters open")
	for _, e := range f.Estimates {
		require.True(t, math.IsNaN(e.StdErr), e.Name)
	}
}

// TestVerdictOfWideParameters: doses far below saturation tell the product of slope and size of
// an answer, and not where it ends; the verdict names the two, and the warning says how far they move
// together. With doses on both sides nothing is open.
func TestVerdictOfWideParameters(t *testing.T) {
	text := "model M {\n  covariate c: nmol/L\n  param bottom in (0, inf) = 5\n  param top in (0, inf) = 60\n  param EC50: nmol/L in (0, inf) = 20\n" +
		"  observe y = bottom + (top - bottom)*c/(EC50 + c) ~ normal(1.5)\n}\ndata d from \"data.csv\" {\n  c: c [nmol/L]\n  y: y\n}"
	fitted := func(doses ...float64) *pinode.Fit {
		csv := "c,y\n"
		for i, c := range doses {
			for k := range 6 {
				csv += fmt.Sprintf("%g,%.4f\n", c, 2+98*c/(60+c)+1.5*math.Sin(float64(7*i*i+5*k*k)))
			}
		}
		dir := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(dir, "data.csv"), []byte(csv), 0o600))
		m, err := pinode.Parse(filepath.Join(dir, "m.node"), text)
		require.NoError(t, err)
		f, err := m.NewFit(pinode.FitOptions{})
		require.NoError(t, err)
		require.NoError(t, f.Run(t.Context()))
		require.Equal(t, "fits", f.Verdict.Word)
		return f
	}
	f := fitted(0, 0.3, 1, 3, 6)
	require.Len(t, f.Verdict.Open, 1)
	require.ElementsMatch(t, []string{"EC50", "top"}, strings.Split(f.Verdict.Open[0], " with "))
	require.Contains(t, f.Verdict.Text, "leave a combination of parameters open: ")
	warned := f.Warnings.All[len(f.Warnings.All)-1]
	require.Equal(t, "unidentified", warned.Code)
	// The slope at small doses is (top − bottom)/EC50: both grow by one factor.
	var first, second string
	var a, b float64
	_, err := fmt.Sscanf(strings.ReplaceAll(warned.Message[strings.Index(warned.Message, "together, ")+10:], "`", ""), "%s by a factor of %g and %s by a factor of %g", &first, &a, &second, &b)
	require.NoError(t, err, warned.Message)
	require.InEpsilon(t, math.Log(a), math.Log(b), 0.5)
	require.Greater(t, min(a, b), 1.5)
	require.Empty(t, fitted(0, 6, 30, 60, 200, 1000).Verdict.Open)
}

// TestVerdictOfFewValues: a model with as many parameters as values goes through all of them,
// which says nothing of it.
func TestVerdictOfFewValues(t *testing.T) {
	text := "model M {\n  param a in (0, inf) = 1\n  param b in (0, inf) = 1\n  state x = b\n  x' = -a*x\n  observe y = x ~ normal(0.05)\n}"
	for rows, word := range map[string]string{"1,2\n2,1.2\n": "unknown", "1,2\n2,1.2\n3,0.7\n": "fits"} {
		f, err := fitOf(t, text, "t,y\n"+rows, "y: y", "")
		require.NoError(t, err)
		require.NoError(t, f.Run(t.Context()))
		require.Equal(t, word, f.Verdict.Word, f.Verdict.Text)
		require.Equal(t, word == "unknown", f.Verdict.Few)
	}
}

// TestVerdictNamesTheWorst: of two observations that a model predicts, one is met and one is
// not, which the verdict says.
func TestVerdictNamesTheWorst(t *testing.T) {
	csv := "t,y,z\n"
	for i := range 20 {
		at := float64(i) / 4
		csv += fmt.Sprintf("%g,%.4f,%.4f\n", at, 3*math.Exp(-at)+0.05*math.Sin(float64(7*i*i)), 3*math.Exp(-at)+0.3+0.05*math.Sin(float64(5*i*i)))
	}
	text := "model M {\n  param a in (0, inf) = 2\n  state x = 3\n  x' = -a*x\n  observe y = x ~ normal(0.05)\n  observe z = x ~ normal(0.1)\n}"
	f, err := fitOf(t, text, csv, "y: y\n  z: z", "")
	require.NoError(t, err)
	require.NoError(t, f.Run(t.Context()))
	require.Equal(t, "misfit", f.Verdict.Word)
	require.True(t, strings.HasPrefix(f.Verdict.Worst, "z, with "), f.Verdict.Worst)
	require.Contains(t, f.Verdict.Text, "; worst is z, with ")
}

// TestMetamorphic: the order of rows of trajectories and of declarations, and the unit of the
// time, change estimates by less than a thousandth of their standard errors.
func TestMetamorphic(t *testing.T) {
	model := func(first, second, unit string, rate float64) string {
		return fmt.Sprintf("model M {\n  time t: %[3]s\n%[1]s%[2]s  state A: mg = 0\n  state B: mg = 0\n  event dose(amount: mg) on data { A += amount }\n  A' = -ka*A\n  B' = ka*A - ke*B\n  observe c: mg = B ~ normal(0.2)\n}\n"+
			"data d from \"d.csv\" { time: t [h]; trajectory: id; c: c [mg]; dose: { amount: D [mg], where: D > 0 } }\n", fmt.Sprintf(first, rate, unit), fmt.Sprintf(second, 0.4*rate, unit), unit)
	}
	ka, ke := "  param ka: 1/%[2]s in (0, inf) = %[1]g\n", "  param ke: 1/%[2]s in (0, inf) = %[1]g\n"
	rows := map[string][]string{}
	for i, id := range []string{"x", "y"} {
		rows[id] = append(rows[id], fmt.Sprintf("%s,0,,%d", id, 10+5*i))
		for k := 1; k < 12; k++ {
			h := 0.7 * float64(k)
			v := float64(10+5*i) * 1.1 / (1.1 - 0.25) * (math.Exp(-0.25*h) - math.Exp(-1.1*h))
			rows[id] = append(rows[id], fmt.Sprintf("%s,%g,%.4f,0", id, h, v+0.2*math.Sin(float64(17*k*k+5*i))))
		}
	}
	table := func(list ...[]string) string {
		return "id,t,c,D\n" + strings.Join(slices.Concat(list...), "\n") + "\n"
	}
	fitted := func(text, csv string) *pinode.Fit {
		f, err := fromText(t, text, csv).Fit(t.Context(), pinode.FitOptions{})
		require.NoError(t, err)
		return f
	}
	want := fitted(model(ka, ke, "h", 3), table(rows["x"], rows["y"]))
	require.InDelta(t, 1.1, want.Params["ka"].Value, 4*want.Params["ka"].StdErr)
	require.InDelta(t, 0.25, want.Params["ke"].Value, 4*want.Params["ke"].StdErr)
	for name, c := range map[string]struct {
		*pinode.Fit
		factor float64
	}{
		"rows":         {fitted(model(ka, ke, "h", 3), table(rows["y"], rows["x"])), 1},
		"declarations": {fitted(model(ke, ka, "h", 1.2), table(rows["x"], rows["y"])), 1},
		"minutes":      {fitted(model(ka, ke, "min", 0.05), table(rows["x"], rows["y"])), 60},
	} {
		for _, p := range []string{"ka", "ke"} {
			require.InDelta(t, want.Params[p].Value, c.factor*c.Params[p].Value, 1e-3*want.Params[p].StdErr, "%s: %s", name, p)
			require.InEpsilon(t, want.Params[p].StdErr, c.factor*c.Params[p].StdErr, 1e-2, "%s: %s", name, p)
		}
	}
}
