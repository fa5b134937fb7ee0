package fits

import "math"

// blindSides are problems of the kind of sides that were written before any of them was fitted.
var blindSides = []*Problem{geyser, sprayed, swallowed, sump, gearshift, sizer}

// geyser: heat builds up to an eruption, which takes water and heat with it; the water comes back by and by.
var geyser = &Problem{
	Name: "geyser",
	Model: `model Geyser {
  time t: min
  param heats: K/min in (0, inf) = 0.4
  param refill: min in (0, inf) = 60
  param boils: K in (350, 420) = 405
  param cold: K in (300, 370) = 320
  param spent in (0, 1) = 0.3
  state T: K = 330
  state water = 1
  T' = heats/(0.3 + water)
  water' = (1 - water)/refill
  event erupt when T >= boils { T := cold; water := (1 - spent)*water }
  observe probe: K = T ~ normal(1)
  observe depth = water ~ normal(0.03)
}
data d from "data.csv" {
  time: min [min]
  probe: degC [degC]
  depth: depth
}
`,
	Truth: map[string]float64{"heats": 1.1, "refill": 25, "boils": 378, "cold": 345, "spent": 0.7},
	Make: func(t *Table) {
		t.columns("min", "degC", "depth")
		p := &jumping{
			path: path{y: []float64{330, 1}, h: 0.05, f: func(_ float64, y []float64) []float64 {
				return []float64{t.v("heats") / (0.3 + y[1]), (1 - y[1]) / t.v("refill")}
			}},
			reached: func(y []float64) bool { return y[0] >= t.v("boils") },
			jump:    func(y []float64) { y[0] = t.v("cold"); y[1] *= 1 - t.v("spent") },
		}
		for k := range 90 {
			at := 3 * float64(k+1)
			y := p.to(at)
			t.add(at, t.normal("probe", y[0], 1)-273.15, t.normal("depth", y[1], 0.03))
		}
	},
}

// sprayed: lice that are sprayed when there are too many, counted on a few leaves.
var sprayed = &Problem{
	Name: "sprayed",
	Model: `model Sprayed {
  time t: d
  param r: 1/d in (0, inf) = 0.06
  param K in (0, inf) = 3000
  param most in (0, inf) = 1200
  param survive in (0, 1) = 0.5
  state n = 30
  n' = r*n*(1 - n/K)
  event spray when n >= most { n := survive*n }
  observe counted = n ~ poisson()
}
data d from "data.csv" {
  time: d [d]
  counted: n
}
`,
	Truth: map[string]float64{"r": 0.15, "K": 1500, "most": 700, "survive": 0.2},
	Make: func(t *Table) {
		t.columns("d", "n")
		p := &jumping{
			path:    path{y: []float64{30}, h: 0.02, f: func(_ float64, y []float64) []float64 { return []float64{t.v("r") * y[0] * (1 - y[0]/t.v("K"))} }},
			reached: func(y []float64) bool { return y[0] >= t.v("most") },
			jump:    func(y []float64) { y[0] *= t.v("survive") },
		}
		for k := range 60 {
			at := 2 * float64(k+1)
			t.add(at, t.poisson("counted", p.to(at)[0]))
		}
	},
}

// swallowed: a drug that is injected once and swallowed later, with a lag of its own.
var swallowed = &Problem{
	Name: "swallowed",
	Model: `model Swallowed {
  time t: h
  param lag: h in (0, inf) = 0.2
  param ka: 1/h in (0, inf) = 3
  param CL: L/h in (0, inf) = 20
  param V: L in (0, inf) = 20
  param F in (0, 1) = 0.8
  state gut: mg = 0
  state blood: mg = 0
  gut' = -ka*gut
  blood' = ka*gut - CL*blood/V
  event inject(dose: mg) on data { blood += dose }
  event swallow(dose: mg) on data after lag persistent { gut += F*dose }
  observe plasma: mg/L = blood/V ~ lognormal(0.1)
}
data study from "data.csv" {
  time: h [h]
  inject: { dose: iv_mg [mg], where: iv_mg > 0 }
  swallow: { dose: oral_mg [mg], where: oral_mg > 0 }
  plasma: mg_L [mg/L]
}
`,
	Truth: map[string]float64{"lag": 1.4, "ka": 1.1, "CL": 6, "V": 40, "F": 0.45},
	Make: func(t *Table) {
		t.columns("h", "iv_mg", "oral_mg", "mg_L")
		ke := t.v("CL") / t.v("V")
		t.add(0, 100, math.NaN(), math.NaN())
		t.add(8, math.NaN(), 300, math.NaN())
		for k := range 48 {
			at := 0.5*float64(k) + 0.25
			c := 100 / t.v("V") * math.Exp(-ke*at)
			if s := at - 8 - t.v("lag"); s > 0 {
				ka := t.v("ka")
				c += t.v("F") * 300 / t.v("V") * ka / (ka - ke) * (math.Exp(-ke*s) - math.Exp(-ka*s))
			}
			t.add(at, math.NaN(), math.NaN(), t.lognormal("plasma", c, 0.1))
		}
	},
}

// sump: a pit with a pump that is switched by floats, in rain; the noise of the gauge is not known.
var sump = &Problem{
	Name: "sump",
	Model: `model Sump {
  time t: h
  input rain: mm/h hold
  const area = 0.5 [m^2]
  param roof: m^2 in (0, inf) = 20
  param pump: m^3/h in (0, inf) = 2
  param high: m in (0, 3) = 1.8
  param low: m in (0, 3) = 0.9
  discrete on = 0
  state level: m = 0.5
  level' = (roof*rain/(1000 [mm/m]) - on*pump)/area
  event start when level >= high { on := 1 }
  event done when level <= low { on := 0 }
  observe gauge: m = level
}
data d from "data.csv" {
  time: min [min]
  rain: mm_h [mm/h]
  gauge: cm [cm]
}
`,
	Truth: map[string]float64{"roof": 60, "pump": 0.9, "high": 1.2, "low": 0.35},
	Make: func(t *Table) {
		t.columns("min", "mm_h", "cm")
		on, rain := 0., 0.
		p := &jumping{
			path:    path{y: []float64{0.5}, h: 0.005, f: func(float64, []float64) []float64 { return []float64{(t.v("roof")*rain/1000 - on*t.v("pump")) / 0.5} }},
			reached: func(y []float64) bool { return on == 0 && y[0] >= t.v("high") || on == 1 && y[0] <= t.v("low") },
			jump:    func([]float64) { on = 1 - on },
		}
		at := func(k int) float64 { return 5 + 3*math.Sin(0.05*float64(k)) + 2*math.Sin(0.31*float64(k)) }
		rain = at(0)
		for k := range 130 {
			when := 0.1 * float64(k)
			level := p.y[0]
			if k > 0 {
				level = p.to(when)[0]
			}
			rain = at(k)
			t.add(60*when, rain, 100*t.normal("gauge", level, 0.01))
		}
	},
}

// gearshift: a van whose gears change at speeds that are not known; what is measured only bends there.
var gearshift = &Problem{
	Name: "gearshift",
	Model: `model Gearshift {
  time t: s
  param pull: m/s^2 in (0, inf) = 2
  param drag: 1/m in (0, inf) = 0.004
  param first: m/s in (0, inf) = 9
  param second: m/s in (0, inf) = 22
  discrete gear = 1
  state v: m/s = 0
  v' = pull/gear - drag*v^2
  event up when v >= first priority 1 { gear := 1.7 }
  event again when v >= second { gear := 2.8 }
  observe speed: m/s = v ~ normal(0.15)
}
data d from "data.csv" {
  time: s [s]
  speed: km_h [km/h]
}
`,
	Truth: map[string]float64{"pull": 3.2, "drag": 0.0015, "first": 6, "second": 14},
	Make: func(t *Table) {
		t.columns("s", "km_h")
		gear := 1.
		p := &jumping{
			path: path{y: []float64{0}, h: 0.01, f: func(_ float64, y []float64) []float64 {
				return []float64{t.v("pull")/gear - t.v("drag")*y[0]*y[0]}
			}},
			reached: func(y []float64) bool { return gear == 1 && y[0] >= t.v("first") || gear < 2 && y[0] >= t.v("second") },
			jump: func([]float64) {
				if gear == 1 {
					gear = 1.7
				} else {
					gear = 2.8
				}
			},
		}
		for k := range 80 {
			at := 0.25 * float64(k+1)
			t.add(at, 3.6*t.normal("speed", p.to(at)[0], 0.15))
		}
	},
}

// sizer: cells that divide at a size that depends on that at birth.
var sizer = &Problem{
	Name: "sizer",
	Model: `model Sizer {
  time t: min
  covariate s0: um
  param alpha: 1/min in (0, inf) = 0.05
  param base: um in (0, inf) = 4
  param slope in (0, 2) = 0.3
  state s: um = s0
  discrete born: um = s0
  s' = alpha*s
  event divide when s >= base + slope*born { s := s/2; born := s/2 }
  observe size: um = s ~ lognormal(0.03)
}
data d from "data.csv" {
  time: min [min]
  trajectory: cell
  s0: s0_um [um]
  size: um [um]
}
`,
	Truth: map[string]float64{"alpha": 0.02, "base": 1.6, "slope": 0.9},
	Make: func(t *Table) {
		t.columns("cell", "min", "s0_um", "um")
		for i, s0 := range []float64{0.8, 1.4, 2.1} {
			born := s0
			p := &jumping{
				path:    path{y: []float64{s0}, h: 0.1, f: func(_ float64, y []float64) []float64 { return []float64{t.v("alpha") * y[0]} }},
				reached: func(y []float64) bool { return y[0] >= t.v("base")+t.v("slope")*born },
				jump:    func(y []float64) { y[0] /= 2; born = y[0] },
			}
			for k := range 50 {
				at := 3 * float64(k+1)
				t.add(float64(i+1), at, s0, t.lognormal("size", p.to(at)[0], 0.03))
			}
		}
	},
}
