package pinode

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Records of doses, simulated, beside the closed forms of linear pharmacokinetics: M. Rowland,
// T.N. Tozer, Clinical Pharmacokinetics, appendix; M. Gibaldi, D. Perrier, Pharmacokinetics, chapters 1 and 2.
func TestDosesOfSteadyStates(t *testing.T) {
	const v, k, ka, k12, k21, lag, dose, tau = 20, 0.15, 1.1, 0.3, 0.2, 0.7, 100, 12
	// What is left at t of doses every τ for ever, of a part that decays with λ.
	periodic := func(lambda, t float64) float64 { return math.Exp(-lambda*t) / (1 - math.Exp(-lambda*tau)) }
	oral := func(t float64) float64 {
		if t < lag {
			t += tau
		}
		t -= lag
		return dose * ka / (v * (ka - k)) * (periodic(k, t) - periodic(ka, t))
	}
	infusion := func(duration float64) func(t float64) float64 {
		one := func(t float64) float64 { // a dose alone
			if t <= 0 {
				return 0
			}
			return dose / duration / (k * v) * (math.Exp(-k*math.Max(0, t-duration)) - math.Exp(-k*t))
		}
		return func(t float64) (sum float64) {
			for n := range 400 {
				sum += one(t + float64(n)*tau)
			}
			return sum
		}
	}
	sum, product := k+k12+k21, float64(k*k21)
	alpha := (sum + math.Sqrt(sum*sum-4*product)) / 2
	beta := product / alpha
	two := func(t float64) float64 {
		return dose / v / (alpha - beta) * ((alpha-k21)*periodic(alpha, t) + (k21-beta)*periodic(beta, t))
	}
	bolus := "event dose(amount: mg) on data { central += amount }"
	rate := "discrete R: mg/h = 0\n event dose(rate: mg/h) on data { R += rate }"
	for name, c := range map[string]struct {
		extra, motion, record string
		want                  func(t float64) float64
	}{
		"bolus": {
			bolus, "central' = -k*central", "amount: AMT [mg]",
			func(t float64) float64 { return dose / v * periodic(k, t) },
		},
		"two compartments": {
			bolus + "\n state other: mg = 0\n other' = k12*central - k21*other", "central' = -(k + k12)*central + k21*other", "amount: AMT [mg]", two,
		},
		"absorption after a lag": {
			"state depot: mg = 0\n depot' = -ka*depot\n event dose(amount: mg) on data after lag { depot += amount }", "central' = ka*depot - k*central", "amount: AMT [mg]", oral,
		},
		"infusion":                    {rate, "central' = R - k*central", "total: AMT [mg], duration: DUR [h]", infusion(3)},
		"infusion beyond an interval": {rate, "central' = R - k*central", "total: AMT [mg], duration: LONG [h]", infusion(17)},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			var rows strings.Builder
			rows.WriteString("id,t,DV,AMT,DUR,LONG,SS,II,ADDL\n1,5,,100,3,17,1,12,2\n")
			var times []float64
			for at := 0.25; at < 3*tau; at += 1.75 {
				times = append(times, at)
				fmt.Fprintf(&rows, "1,%g,1,,,,,,\n", 5+at)
			}
			require.NoError(t, os.WriteFile(filepath.Join(dir, "d.csv"), []byte(rows.String()), 0o600))
			m, err := Parse(filepath.Join(dir, "m.node"), fmt.Sprintf(`model M {
 time t: h in [0, inf)
 const V = %d [L] ; const k = %g [1/h] ; const ka = %g [1/h] ; const k12 = %g [1/h] ; const k21 = %g [1/h] ; const lag = %g [h]
 state central: mg = 0
 %s
 %s
 observe conc: mg/L = central/V ~ normal(0.1)
}
data d from "d.csv" {
  time: t [h], trajectory: id, conc: DV [mg/L]
  dose: { %s, where: AMT > 0, steady: SS, interval: II [h], additional: ADDL }
}
simulate { solver: dop853 { rtol: 1e-11, atol: 1e-12 } }`, v, k, ka, k12, k21, lag, c.extra, c.motion, c.record))
			require.NoError(t, err)
			s, err := m.Simulate(context.Background(), SimulateOptions{Rows: true})
			require.NoError(t, err)
			got := map[float64]float64{}
			for i, at := range s.Column("t") {
				got[at] = s.Column("conc")[i]
			}
			for _, at := range times {
				require.InEpsilon(t, c.want(math.Mod(at, tau)), got[5+at], 1e-8, "at %g", at)
			}
			grid, err := m.Simulate(context.Background(), SimulateOptions{})
			require.NoError(t, err)
			require.Equal(t, 5., grid.Column("t")[0], "what leads to the steady state is not shown")
		})
	}
}
