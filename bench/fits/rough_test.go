package fits

import "math"

// urease: substrate that is used up by an enzyme which too much of it slows, by Haldane's law.
var urease = &Problem{
	Name: "urease",
	Model: `model Urease {
  time t: min
  covariate S0: mmol/L
  covariate enzyme: mg/L
  param vmax: mmol/mg/min in (0, inf) = 0.3
  param Km: mmol/L in (0, inf) = 20
  ## where substrate itself inhibits
  param Ki: mmol/L in (0, inf) = 3
  state S: mmol/L = S0
  S' = -vmax*enzyme*S/(Km + S + S^2/Ki)
  observe urea: mmol/L = S ~ normal(0.15)
}
data curves from "data.csv" {
  time: s [s]
  trajectory: run
  S0: S0_mM [mmol/L]
  enzyme: mg_L [mg/L]
  urea: urea_mM [mmol/L]
  validate: run == 7
}
`,
	Truth: map[string]float64{"vmax": 2.4, "Km": 3.1, "Ki": 18},
	Make: func(t *Table) {
		t.columns("run", "s", "S0_mM", "mg_L", "urea_mM")
		for run, c := range [][2]float64{{2, 0.2}, {5, 0.3}, {10, 0.4}, {20, 0.6}, {40, 1.2}, {60, 2}, {30, 0.9}} {
			p := &path{y: []float64{c[0]}, h: 0.02, f: func(_ float64, y []float64) []float64 {
				s := y[0]
				return []float64{-t.v("vmax") * c[1] * s / (t.v("Km") + s + s*s/t.v("Ki"))}
			}}
			t.held = run == 6
			for _, at := range t.times(0.3, 40, 20) {
				y := p.to(at)
				t.add(float64(run+1), 60*at, c[0], c[1], t.lost(t.normal("urea", y[0], 0.15), 0.05))
			}
		}
	},
}

// capsule: two compartments, capsules that open late, each person with a clearance and a
// volume of their own; two have an injection too.
var capsule = &Problem{
	Name: "capsule",
	Model: `model Capsule {
  time t: h
  param lag: h in (0, inf) = 0.1
  param ka: 1/h in (0, inf) = 5
  param CL: L/h in (0, inf) = 1 per id
  param V: L in (0, inf) = 100 per id
  param Q: L/h in (0, inf) = 1
  param Vt: L in (0, inf) = 300
  state gut: mg = 0
  state blood: mg = 0
  state tissue: mg = 0
  let c = blood/V
  gut' = -ka*gut
  blood' = ka*gut - CL*c - Q*(c - tissue/Vt)
  tissue' = Q*(c - tissue/Vt)
  event swallow(dose: mg) on data after lag persistent { gut += dose }
  event inject(dose: mg) on data { blood += dose }
  observe plasma: mg/L = c ~ lognormal(0.08)
}
data study from "data.csv" {
  time: h [h]
  trajectory: id
  swallow: { dose: oral_mg [mg], where: oral_mg > 0 }
  inject: { dose: iv_mg [mg], where: iv_mg > 0 }
  plasma: ng_mL [ug/L]
  validate: id == 6
  given: h <= 30
}
`,
	Truth: map[string]float64{
		"lag": 0.75, "ka": 1.1, "Q": 5, "Vt": 60,
		"CL{id=1}": 8, "CL{id=2}": 5.5, "CL{id=3}": 11, "CL{id=4}": 7, "CL{id=5}": 9.5, "CL{id=6}": 6.5,
		"V{id=1}": 25, "V{id=2}": 19, "V{id=3}": 33, "V{id=4}": 28, "V{id=5}": 22, "V{id=6}": 30,
	},
	Make: func(t *Table) {
		t.columns("id", "h", "oral_mg", "iv_mg", "ng_mL")
		for id, c := range []struct{ oral, iv float64 }{{150, 0}, {100, 0}, {200, 80}, {150, 60}, {150, 0}, {200, 0}} {
			key := string(rune('1' + id))
			cl, v := t.v("CL{id="+key+"}"), t.v("V{id="+key+"}")
			p := &path{y: []float64{0, 0, 0}, h: 0.01, f: func(_ float64, y []float64) []float64 {
				conc := y[1] / v
				flow := t.v("Q") * (conc - y[2]/t.v("Vt"))
				return []float64{-t.v("ka") * y[0], t.v("ka")*y[0] - cl*conc - flow, flow}
			}}
			row := float64(id + 1)
			t.add(row, 0, c.oral, 0, math.NaN())
			sample := func(at float64) {
				p.to(at)
				t.held = id == 5 && at > 30
				t.add(row, at, 0, 0, 1000*t.lost(t.lognormal("plasma", p.y[1]/v, 0.08), 0.05))
			}
			p.to(t.v("lag"))
			p.y[0] += c.oral
			for _, at := range []float64{0.9, 1.1, 1.4, 1.8, 2.4, 3, 4, 6, 8, 11, 15, 22} {
				sample(at + 0.1*t.rng.Float64())
			}
			p.to(24)
			t.add(row, 24, c.oral, c.iv, math.NaN())
			p.y[1] += c.iv
			p.to(24 + t.v("lag"))
			p.y[0] += c.oral
			for _, at := range []float64{25, 25.5, 26, 27, 28.5, 31, 34, 39, 46, 55} {
				sample(at + 0.1*t.rng.Float64())
			}
		}
	},
}

// cell: a battery whose voltage at rest depends on whether it was charged or discharged; how
// it depends on the charge is not known. It is 3.2 + 0.5 q + 0.12 tanh(12 (q − 0.35)) − 0.25 exp(−18 q).
var cell = &Problem{
	Name: "cell",
	Model: `model Cell {
  time t: min
  input current: A hold
  covariate filled
  const capacity = 150 [A*min]
  param R: Ohm in (0, inf) = 0.01
  ## of the hysteresis: half its width, and how fast it turns
  param width: V in (0, inf) = 0.2
  param turn in (0, inf) = 8
  neural rest(q) -> V { hidden: [8], monotone: increasing }
  state q = filled
  state h = 0
  q' = -current/capacity
  h' = -turn*(current + abs(current)*h)/capacity
  observe voltage: V = rest(q) + width*h - R*current ~ normal(0.003)
}
data cycler from "data.csv" {
  time: s [s]
  trajectory: run
  current: mA [mA]
  filled: filled
  voltage: V [V]
  validate: run == 4
}
`,
	Truth: map[string]float64{"R": 0.06, "width": 0.035, "turn": 40},
	Make: func(t *Table) {
		t.columns("run", "s", "mA", "filled", "V")
		for run, c := range []struct {
			filled  float64
			current []float64
		}{
			{0.95, []float64{2, 2, 0, 2, -1, 2, 0, 1, -2, -2, 0, -2, -2}},
			{0.1, []float64{-2, -2, 0, 1, -2, -2, 0, -2, 2, 1, 2, 0, 2}},
			{0.5, []float64{1, -1, 2, -2, -2, 0, 2, 2, 1, 1, -2, 0, -1}},
			{0.8, []float64{1, 2, 0, 2, -2, 0, 2, 1, 1, -1, 0, -2, -2}},
		} {
			now := 0.
			current := func(m float64) float64 { return c.current[min(int(m/15), 12)] }
			p := &path{y: []float64{c.filled, 0}, h: 0.05, f: func(_ float64, y []float64) []float64 {
				i := current(now)
				return []float64{-i / 150, -t.v("turn") * (i + math.Abs(i)*y[1]) / 150}
			}}
			t.held = run == 3
			for k := range 190 {
				m := float64(k)
				if k > 0 {
					p.to(m)
				}
				now = m
				q := p.y[0]
				v := 3.2 + 0.5*q + 0.12*math.Tanh(12*(q-0.35)) - 0.25*math.Exp(-18*q) + t.v("width")*p.y[1] - t.v("R")*current(m)
				t.add(float64(run+1), 60*m, 1000*current(m), c.filled, t.lost(t.normal("voltage", v, 0.003), 0.03))
			}
		}
	},
}

// counterflow: hot water against cold through a wall, three cells on each side, with steps
// of both flows; only what comes out is measured.
var counterflow = &Problem{
	Name: "counterflow",
	Model: `model Counterflow {
  time t: s
  input hot: kg/s hold
  input cold: kg/s hold
  input Th: K linear
  const Tc = 288 [K]
  const c = 4180 [J/kg/K]
  const mass = 0.4 [kg]
  ## water to wall, of a cell
  param UAh: W/K in (0, inf) = 40
  param UAc: W/K in (0, inf) = 3000
  ## heat capacity of the wall of a cell
  param C: J/K in (0, inf) = 100
  param loss: W/K in (0, inf) = 30
  const room = 293 [K]
  state h1: K = 288
  state h2: K = 288
  state h3: K = 288
  state w1: K = 288
  state w2: K = 288
  state w3: K = 288
  state c1: K = 288
  state c2: K = 288
  state c3: K = 288
  h1' = (hot*c*(Th - h1) - UAh*(h1 - w1))/(mass*c)
  h2' = (hot*c*(h1 - h2) - UAh*(h2 - w2))/(mass*c)
  h3' = (hot*c*(h2 - h3) - UAh*(h3 - w3))/(mass*c)
  w1' = (UAh*(h1 - w1) - UAc*(w1 - c1))/C
  w2' = (UAh*(h2 - w2) - UAc*(w2 - c2))/C
  w3' = (UAh*(h3 - w3) - UAc*(w3 - c3))/C
  c1' = (cold*c*(c2 - c1) + UAc*(w1 - c1) - loss*(c1 - room))/(mass*c)
  c2' = (cold*c*(c3 - c2) + UAc*(w2 - c2) - loss*(c2 - room))/(mass*c)
  c3' = (cold*c*(Tc - c3) + UAc*(w3 - c3) - loss*(c3 - room))/(mass*c)
  observe hot_out: K = h3 ~ normal(0.1)
  observe cold_out: K = c1 ~ normal(0.1)
}
data rig from "data.csv" {
  time: s [s]
  trajectory: run
  hot: hot_kg_min [kg/min]
  cold: cold_kg_min [kg/min]
  Th: in_C [degC]
  hot_out: hot_C [degC]
  cold_out: cold_C [degC]
  validate: run == 3
}
`,
	Truth: map[string]float64{"UAh": 320, "UAc": 450, "C": 900, "loss": 6},
	Make: func(t *Table) {
		t.columns("run", "s", "hot_kg_min", "cold_kg_min", "in_C", "hot_C", "cold_C")
		for run, c := range []struct{ hot, cold []float64 }{
			{[]float64{6, 2, 6, 1}, []float64{4, 4, 1, 2}}, {[]float64{2, 8, 3, 3}, []float64{1, 6, 6, 1}}, {[]float64{4, 1, 7, 3}, []float64{2, 5, 2, 6}},
		} {
			now := 0.
			step := func(of []float64) float64 { return of[min(int(now/60), 3)] / 60 }
			in := func(s float64) float64 { return 338 + 6*math.Sin(s/25+float64(run)) }
			linear := func(s float64) float64 {
				k := math.Floor(s/2) * 2
				return in(k) + (s-k)/2*(in(k+2)-in(k))
			}
			y := make([]float64, 9)
			for i := range y {
				y[i] = 288
			}
			p := &path{y: y, h: 0.05, f: func(s float64, y []float64) []float64 {
				const mc = 0.4 * 4180
				out := make([]float64, 9)
				for i := range 3 {
					before, behind := linear(s), 288.
					if i > 0 {
						before = y[i-1]
					}
					if i < 2 {
						behind = y[6+i+1]
					}
					qh, qc := t.v("UAh")*(y[i]-y[3+i]), t.v("UAc")*(y[3+i]-y[6+i])
					out[i] = (step(c.hot)*4180*(before-y[i]) - qh) / mc
					out[3+i] = (qh - qc) / t.v("C")
					out[6+i] = (step(c.cold)*4180*(behind-y[6+i]) + qc - t.v("loss")*(y[6+i]-293)) / mc
				}
				return out
			}}
			t.held = run == 2
			for k := range 120 {
				s := 2 * float64(k)
				if k > 0 {
					p.to(s)
				}
				now = s
				t.add(float64(run+1), s, 60*step(c.hot), 60*step(c.cold), in(s)-273.15,
					t.lost(t.normal("hot_out", p.y[2], 0.1), 0.05)-273.15, t.lost(t.normal("cold_out", p.y[6], 0.1), 0.05)-273.15)
			}
		}
	},
}

// flour: beetles that die out where they are too few (Allee), in cultures of different sizes. (The two
// numbers may be exchanged, so that the start has to tell which is the larger one.)
var flour = &Problem{
	Name: "flour",
	Model: `unit beetle
model Flour {
  time t: week
  covariate start: beetle
  param r: 1/week in (0, inf) = 0.03
  ## fewer die out
  param few: beetle in (0, inf) = 70
  param room: beetle in (0, inf) = 1000
  state N: beetle = start
  N' = r*N*(N/few - 1)*(1 - N/room)
  observe counted: beetle = N ~ lognormal(0.1)
}
data jars from "data.csv" {
  time: day [day]
  trajectory: jar
  start: start [beetle]
  counted: counted [beetle]
  validate: jar == 9
}
`,
	Truth: map[string]float64{"r": 0.12, "few": 22, "room": 210},
	Make: func(t *Table) {
		t.columns("jar", "day", "start", "counted")
		for jar, from := range []float64{10, 16, 20, 25, 35, 60, 120, 260, 45} {
			p := &path{y: []float64{from}, h: 0.02, f: func(_ float64, y []float64) []float64 {
				return []float64{t.v("r") * y[0] * (y[0]/t.v("few") - 1) * (1 - y[0]/t.v("room"))}
			}}
			t.held = jar == 8
			for _, at := range t.times(0.5, 20, 12) {
				t.add(float64(jar+1), 7*at, from, t.lost(t.lognormal("counted", p.to(at)[0], 0.1), 0.05))
			}
		}
	},
}

// gears: a motor and a load with play between them.
var gears = &Problem{
	Name: "gears",
	Model: `model Gears {
  time t: s
  input torque: N*m hold
  const J1 = 0.01 [kg*m^2]
  param J2: kg*m^2 in (0, inf) = 0.005
  param stiff: N*m in (0, inf) = 8
  ## width of the play, in radians
  param play in (0, inf) = 0.02
  param b1: N*m*s in (0, inf) = 0.05
  param b2: N*m*s in (0, inf) = 0.2
  state a1 = 0
  state w1: 1/s = 0
  state a2 = 0
  state w2: 1/s = 0
  let twist = a1 - a2
  let shaft = stiff*(max(twist - play/2, 0) + min(twist + play/2, 0))
  a1' = w1
  w1' = (torque - b1*w1 - shaft)/J1
  a2' = w2
  w2' = (shaft - b2*w2)/J2
  observe motor = a1 ~ normal(0.005)
  observe load = a2 ~ normal(0.005)
}
data rig from "data.csv" {
  time: ms [ms]
  trajectory: run
  torque: mNm [mN*m]
  motor: motor_rad
  load: load_rad
  validate: run == 3
}
`,
	Truth: map[string]float64{"J2": 0.025, "stiff": 30, "play": 0.1, "b1": 0.01, "b2": 0.03},
	Make: func(t *Table) {
		t.columns("run", "ms", "mNm", "motor_rad", "load_rad")
		for run, c := range [][]float64{{0.3, -0.3, 0.1, -0.2, 0.4, -0.4}, {-0.2, 0.4, -0.4, 0, 0.2, -0.3}, {0.2, -0.4, 0.3, -0.1, 0.1, 0.3}} {
			now := 0.
			torque := func(s float64) float64 { return c[min(int(s/0.5), 5)] }
			p := &path{y: make([]float64, 4), h: 2e-4, f: func(_ float64, y []float64) []float64 {
				twist := y[0] - y[2]
				shaft := t.v("stiff") * (math.Max(twist-t.v("play")/2, 0) + math.Min(twist+t.v("play")/2, 0))
				return []float64{y[1], (torque(now) - t.v("b1")*y[1] - shaft) / 0.01, y[3], (shaft - t.v("b2")*y[3]) / t.v("J2")}
			}}
			t.held = run == 2
			for k := range 150 {
				s := 0.02 * float64(k)
				if k > 0 {
					p.to(s)
				}
				now = s
				t.add(float64(run+1), 1000*s, 1000*torque(s), t.lost(t.normal("motor", p.y[0], 0.005), 0.05), t.lost(t.normal("load", p.y[2], 0.005), 0.05))
			}
		}
	},
}
