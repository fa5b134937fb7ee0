package fits

import "math"

// cure: a resin that cures as it is heated, seen by its heat flow alone; how its rate falls as it cures is not
// known. It is (0.03 + 0.55 a^0.9) (1 − a)^0.6 /min at 420 K, beside what is left.
var cure = &Problem{
	Name: "cure",
	Model: `model Cure {
  time t: min
  covariate T0: K
  covariate ramp: K/min
  const gas = 8.314 [J/mol/K]
  const Tref = 420 [K]
  param Ea: J/mol in (0, inf) = 20000
  ## heat of all of the reaction
  param H: J/g in (0, inf) = 100
  neural order(a: 1) -> 1/min { hidden: [8], positive: true }
  state a: 1 = 0
  let T = T0 + ramp*t
  let rate = exp(-Ea/gas*(1/T - 1/Tref))*order(a)*(1 - a)
  a' = rate
  observe flow: J/g/min = H*rate ~ normal(1)
}
data dsc from "data.csv" {
  time: s [s]
  trajectory: run
  T0: start [degC]
  ramp: beta [K/min]
  flow: mW_mg [W/g]
  validate: run == 5
}
`,
	Truth: map[string]float64{"Ea": 71000, "H": 430},
	Make: func(t *Table) {
		t.columns("run", "s", "start", "beta", "mW_mg")
		for run, ramp := range []float64{2, 5, 10, 20, 7} {
			rate := func(m, a float64) float64 {
				k := math.Exp(-t.v("Ea") / 8.314 * (1/(60+273.15+ramp*m) - 1./420))
				return k * (0.03 + 0.55*math.Pow(a, 0.9)) * math.Pow(math.Max(1-a, 0), 1.6)
			}
			p := &path{y: []float64{0}, h: 0.02, f: func(m float64, y []float64) []float64 { return []float64{rate(m, y[0])} }}
			t.held = run == 4
			for k := range 90 {
				m := (15 + 175*float64(k)/89) / ramp
				t.add(float64(run+1), 60*m, 60, ramp, t.normal("flow", t.v("H")*rate(m, p.to(m)[0]), 1)/60)
			}
		}
	},
}
