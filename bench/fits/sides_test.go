package fits

import "math"

// sides are problems in which rows come to lie on one side or the other of a firing, or a firing comes and goes.
var sides = []*Problem{mitosis, budding, bolus, thermostat, flusher, charger}

// mitosis: a cell that halves at a size; how its growth depends on size is not known, nor is the size.
var mitosis = &Problem{
	Name: "mitosis",
	Model: `model Mitosis {
  time t: min
  param k: um/min in (0, inf) = 0.02
  param p in (0, 3) = 1.5
  param most: um in (0, inf) = 6
  state s: um = 1
  s' = k*(s/(1 [um]))^p
  event divide when s >= most { s := s/2 }
  observe size: um = s ~ lognormal(0.03)
}
data d from "data.csv" {
  time: min [min]
  size: um [um]
}
`,
	Truth: map[string]float64{"k": 0.05, "p": 0.7, "most": 2.4},
	Make: func(t *Table) {
		t.columns("min", "um")
		p := &jumping{
			path:    path{y: []float64{1}, h: 0.1, f: func(_ float64, y []float64) []float64 { return []float64{t.v("k") * math.Pow(y[0], t.v("p"))} }},
			reached: func(y []float64) bool { return y[0] >= t.v("most") },
			jump:    func(y []float64) { y[0] /= 2 },
		}
		for k := range 120 {
			at := 2.5 * float64(k+1)
			t.add(at, t.lognormal("size", p.to(at)[0], 0.03))
		}
	},
}

// budding: cells whose growth is a network of their size.
var budding = &Problem{
	Name: "budding",
	Model: `model Budding {
  time t: min
  covariate s0: um
  param most: um in (0, inf) = 4.5
  neural rate(s: um) -> um/min { hidden: [8] }
  state s: um = s0
  s' = rate(s)
  event divide when s >= most { s := s/2 }
  observe size: um = s ~ lognormal(0.02)
}
data d from "data.csv" {
  time: min [min]
  trajectory: cell
  s0: s0_um [um]
  size: um [um]
  validate: cell == 3
}
`,
	Truth: map[string]float64{"most": 2.6},
	Make: func(t *Table) {
		t.columns("cell", "min", "s0_um", "um")
		for i, s0 := range []float64{1, 1.6, 1.25} {
			t.held = i == 2
			p := &jumping{
				path:    path{y: []float64{s0}, h: 0.1, f: func(_ float64, y []float64) []float64 { return []float64{0.06 * y[0] * (1 - y[0]/4)} }},
				reached: func(y []float64) bool { return y[0] >= t.v("most") },
				jump:    func(y []float64) { y[0] /= 2 },
			}
			for k := range 60 {
				at := 2. * float64(k+1)
				t.add(float64(i+1), at, s0, t.lognormal("size", p.to(at)[0], 0.02))
			}
		}
	},
}

// bolus: a drug that is injected, some time after what is written down.
var bolus = &Problem{
	Name: "bolus",
	Model: `model Bolus {
  time t: h
  param late: h in (0, inf) = 0.4
  param CL: L/h in (0, inf) = 12
  param V: L in (0, inf) = 70
  state blood: mg = 0
  blood' = -CL*blood/V
  event inject(dose: mg) on data after late { blood += dose }
  observe plasma: mg/L = blood/V ~ normal(0.15)
}
data study from "data.csv" {
  time: h [h]
  inject: { dose: mg [mg], where: mg > 0 }
  plasma: mg_L [mg/L]
}
`,
	Truth: map[string]float64{"late": 2.3, "CL": 5, "V": 35},
	Make: func(t *Table) {
		t.columns("h", "mg", "mg_L")
		for k := range 49 {
			at := 0.5 * float64(k)
			dose, c := math.NaN(), 0.
			for _, d := range []float64{1, 12} {
				if at == d {
					dose = 200
				}
				if since := at - d - t.v("late"); since >= 0 {
					c += 200 / t.v("V") * math.Exp(-t.v("CL")/t.v("V")*since)
				}
			}
			t.add(at, dose, t.normal("plasma", c, 0.15))
		}
	},
}

// thermostat: a room with a heater of unknown switches, whose logger has a noise that nobody has told.
var thermostat = &Problem{
	Name: "thermostat",
	Model: `model Thermostat {
  time t: h
  param low: K in (270, 310) = 285
  param high: K in (270, 310) = 300
  param warms: K/h in (0, inf) = 20
  param cools: h in (0, inf) = 5
  const outside = 275 [K]
  discrete on = 1
  state T: K = 288
  T' = on*warms - (T - outside)/cools
  event off when T >= high { on := 0 }
  event again when T <= low { on := 1 }
  observe logged: K = T
}
data d from "data.csv" {
  time: h [h]
  logged: K [K]
}
`,
	Truth: map[string]float64{"low": 291, "high": 295, "warms": 14, "cools": 3},
	Make: func(t *Table) {
		t.columns("h", "K")
		on := 1.
		p := &jumping{
			path: path{y: []float64{288}, h: 0.01, f: func(_ float64, y []float64) []float64 {
				return []float64{on*t.v("warms") - (y[0]-275)/t.v("cools")}
			}},
			reached: func(y []float64) bool { return on == 1 && y[0] >= t.v("high") || on == 0 && y[0] <= t.v("low") },
			jump:    func([]float64) { on = 1 - on },
		}
		for k := range 100 {
			at := 0.1 * float64(k+1)
			t.add(at, t.normal("logged", p.to(at)[0], 0.2))
		}
	},
}

// flusher: a tank with an inflow that swings, which empties itself at a level; one of the later tops is 0.2 % below it.
var flusher = &Problem{
	Name: "flusher",
	Model: `model Flusher {
  time t: h
  param gain: m/h in (0, inf) = 1
  param leak: 1/h in (0, inf) = 0.5
  param full: m in (0, inf) = 2.5
  param left: m in (0, inf) = 0.6
  state level: m = 0.2
  level' = gain*(1 + 0.9*sin(t/(1 [h])))*(1 + 0.3*sin(0.37*t/(1 [h]))) - leak*level
  event flush when level >= full { level := left }
  observe gauge: m = level ~ normal(0.03)
}
data d from "data.csv" {
  time: h [h]
  gauge: m [m]
}
`,
	Truth: map[string]float64{"gain": 0.6, "leak": 0.3, "full": 2.1, "left": 0.3},
	Make: func(t *Table) {
		t.columns("h", "m")
		p := &jumping{
			path: path{y: []float64{0.2}, h: 0.01, f: func(at float64, y []float64) []float64 {
				return []float64{t.v("gain")*(1+0.9*math.Sin(at))*(1+0.3*math.Sin(0.37*at)) - t.v("leak")*y[0]}
			}},
			reached: func(y []float64) bool { return y[0] >= t.v("full") },
			jump:    func(y []float64) { y[0] = t.v("left") },
		}
		for k := range 160 {
			at := 0.25 * float64(k+1)
			t.add(at, t.normal("gauge", p.to(at)[0], 0.03))
		}
	},
}

// charger: a cell that is charged with a current until it has come to a voltage, and with a tenth of it from there on
// until it is discharged: nothing that is measured jumps.
var charger = &Problem{
	Name: "charger",
	Model: `model Charger {
  time t: h
  param rate: 1/h in (0, inf) = 0.2
  param loss: 1/h in (0, inf) = 0.02
  param full in (0, inf) = 0.5
  param empty in (0, inf) = 0.1
  discrete mode = 1
  state q = 0.3
  q' = rate*mode - loss*q
  event enough when q >= full { mode := -0.5 }
  event low when q <= empty { mode := 1 }
  observe charge = q ~ normal(0.01)
}
data d from "data.csv" {
  time: h [h]
  charge: q
}
`,
	Truth: map[string]float64{"rate": 0.35, "loss": 0.05, "full": 0.85, "empty": 0.35},
	Make: func(t *Table) {
		t.columns("h", "q")
		mode := 1.
		p := &jumping{
			path:    path{y: []float64{0.3}, h: 0.01, f: func(_ float64, y []float64) []float64 { return []float64{t.v("rate")*mode - t.v("loss")*y[0]} }},
			reached: func(y []float64) bool { return mode == 1 && y[0] >= t.v("full") || mode < 0 && y[0] <= t.v("empty") },
			jump: func([]float64) {
				if mode == 1 {
					mode = -0.5
				} else {
					mode = 1
				}
			},
		}
		for k := range 80 {
			at := 0.25 * float64(k+1)
			t.add(at, t.normal("charge", p.to(at)[0], 0.01))
		}
	},
}
