package fits

import "math"

// enzyme: progress curves of a reaction whose enzyme dies; the law of its rate is not
// known. It is v S/(K + S + S²/L), inhibited by its own substrate.
var enzyme = &Problem{
	Name: "enzyme",
	Model: `model Enzyme {
  time t: min
  covariate S0: mmol/L
  covariate E0: mg
  ## how fast the enzyme dies
  param k: 1/min in (0, inf) = 0.2
  neural law(S: mmol/L) -> mmol/L/min/mg { hidden: [10], zero_at: 0 }
  state S: mmol/L = S0
  state P: mmol/L = 0
  state E: mg = E0
  S' = -E*law(S)
  P' = E*law(S)
  E' = -k*E
  observe product: mmol/L = P ~ normal(0.02)
}
data curves from "data.csv" {
  time: t_s [s]
  trajectory: run
  S0: S0 [mmol/L]
  E0: E0 [mg]
  product: P [mmol/L]
  validate: run >= 7
}
`,
	Truth: map[string]float64{"k": 0.06},
	Make: func(t *Table) {
		t.columns("run", "t_s", "S0", "E0", "P")
		for run, c := range [][2]float64{{0.6, 1}, {1.2, 0.5}, {2.5, 1}, {5, 1}, {5, 2}, {8, 1.5}, {3.5, 0.8}} {
			p := &path{y: []float64{c[0], 0, c[1]}, h: 0.02, f: func(_ float64, y []float64) []float64 {
				v := y[2] * 0.9 * y[0] / (0.8 + y[0] + y[0]*y[0]/4)
				return []float64{-v, v, -0.06 * y[2]}
			}}
			t.held = run == 6
			for _, at := range t.times(0.2, 25, 24) {
				y := p.to(at)
				t.add(float64(run+1), 60*at, c[0], c[1], t.lost(t.normal("product", y[1], 0.02), 0.05))
			}
		}
	},
}

// tank: water heated through a jacket that is not observed, with steps of power and a
// room that gets warmer and colder.
var tank = &Problem{
	Name: "tank",
	Model: `model Tank {
  time t: min
  input power: kW hold
  input room: K linear
  covariate start: K
  const c = 4.186 [kJ/kg/K]
  const mass = 12 [kg]
  ## jacket to water
  param UA: kW/K in (0, inf) = 0.5
  ## jacket to room
  param loss: kW/K in (0, inf) = 0.005
  ## heat capacity of the jacket
  param C: kJ/K in (0, inf) = 10
  const s = 60 [s/min]
  state J: K = start
  state W: K = start
  J' = (power - UA*(J - W) - loss*(J - room))/C*s
  W' = UA*(J - W)/(mass*c)*s
  observe water: K = W ~ normal(0.15)
}
data log from "data.csv" {
  time: t_h [h]
  trajectory: day
  power: P_W [W]
  room: room_K [K]
  start: start_K [K]
  water: water_K [K]
  validate: day == 3
}
`,
	Truth: map[string]float64{"UA": 0.12, "loss": 0.018, "C": 28},
	Make: func(t *Table) {
		t.columns("day", "t_h", "P_W", "room_K", "start_K", "water_K")
		for day, c := range []struct {
			start  float64
			powers []float64
		}{{293, []float64{2, 0, 3, 0, 1}}, {300, []float64{0, 2.5, 2.5, 0, 0}}, {296, []float64{3, 1, 0, 2, 0}}} {
			room := func(m float64) float64 { return 293 + 4*math.Sin(2*math.Pi*m/300) }
			power := func(m float64) float64 { return c.powers[min(int(m/30), 4)] }
			now := 0.
			p := &path{y: []float64{c.start, c.start}, h: 0.02, f: func(m float64, y []float64) []float64 {
				q := 0.12 * (y[0] - y[1])
				return []float64{(power(now) - q - 0.018*(y[0]-room(m))) / 28 * 60, q / (12 * 4.186) * 60}
			}}
			t.held = day == 2
			// A row each minute has the inputs; some have a temperature.
			for m := range 150 {
				if m > 0 {
					p.to(float64(m))
				}
				now = float64(m)
				water := math.NaN()
				if m%3 == 1 {
					water = t.lost(t.normal("water", p.y[1], 0.15), 0.1)
				}
				t.add(float64(day+1), float64(m)/60, 1000*power(now), room(now), c.start, water)
			}
		}
	},
}

// epidemic: cases of a disease in three towns, whose people meet more or less; how much that
// matters is not known. It is 0.55 m^1.5/(0.3 + m).
var epidemic = &Problem{
	Name: "epidemic",
	Model: `unit person
model Epidemic {
  time t: day
  covariate N: person
  covariate seeds: person
  input contact: 1 linear
  ## reported, of those who fall ill in a day
  const share = 0.3 [day/person]
  ## from infection to being infectious
  param incubation: day in (0, 30) = 6
  ## being infectious
  param infectious: day in (0, 30) = 3
  neural rate(m: 1) -> 1/day { hidden: [8], positive: true }
  state S: person = N - seeds
  state E: person = 0
  state I: person = seeds
  let infections = rate(contact)*S*I/N
  S' = -infections
  E' = infections - E/incubation
  I' = E/incubation - I/infectious
  observe cases = share*E/incubation ~ poisson()
}
data towns from "data.csv" {
  time: day
  trajectory: town
  N: people [person]
  seeds: seeds [person]
  contact: contact
  cases: cases
  validate: town == 4
}
`,
	Truth: map[string]float64{"incubation": 3, "infectious": 6},
	Make: func(t *Table) {
		t.columns("town", "day", "people", "seeds", "contact", "cases")
		for town, c := range []struct{ n, first, phase float64 }{{2e5, 40, 0}, {6e4, 25, 2}, {4e5, 60, 4}, {1e5, 30, 1}} {
			contact := func(d float64) float64 { return 0.7 + 0.5*math.Sin(d/11+c.phase) }
			// The input is linear between days.
			linear := func(d float64) float64 {
				k := math.Floor(d)
				return contact(k) + (d-k)*(contact(k+1)-contact(k))
			}
			p := &path{y: []float64{c.n - c.first, 0, c.first}, h: 0.05, f: func(d float64, y []float64) []float64 {
				m := linear(d)
				v := 0.55 * math.Pow(m, 1.5) / (0.3 + m) * y[0] * y[2] / c.n
				return []float64{-v, v - y[1]/3, y[1]/3 - y[2]/6}
			}}
			t.held = town == 3
			for d := range 91 {
				if d > 0 {
					p.to(float64(d))
				}
				cases := math.NaN()
				if d > 0 && d%7 != 6 { // not on Sundays
					cases = t.poisson("cases", 0.3*p.y[1]/3)
				}
				t.add(float64(town+1), float64(d), c.n, c.first, contact(float64(d)), cases)
			}
		}
	},
}

// circuit: a coil and a capacitor that ring at steps of voltage, with a lamp whose
// resistance rises; only the current is measured. The lamp takes 6 i + 40 i³ volts.
var circuit = &Problem{
	Name: "circuit",
	Model: `model Circuit {
  time t: ms
  input source: V hold
  const s = 1e-3 [s/ms]
  param L: H in (0, inf) = 0.05
  param C: mF in (0, inf) = 0.05
  neural lamp(i: A) -> V { hidden: [8], odd: true, monotone: increasing }
  state i: A = 0
  state u: V = 0
  i' = (source - lamp(i) - u)/L*s
  u' = i/C
  observe current: A = i ~ normal(0.004)
}
data scope from "data.csv" {
  time: t_ms
  trajectory: shot
  source: U_V [V]
  current: I_mA [mA]
  validate: shot == 4
}
`,
	Truth: map[string]float64{"L": 0.12, "C": 0.02},
	Make: func(t *Table) {
		t.columns("shot", "t_ms", "U_V", "I_mA")
		for shot, volts := range [][]float64{{5, 0, 0}, {20, 0, -20}, {40, -10, 0}, {30, 30, -15}} {
			now := 0.
			source := func(ms float64) float64 { return volts[min(int(ms/20), 2)] }
			p := &path{y: []float64{0, 0}, h: 0.01, f: func(_ float64, y []float64) []float64 {
				i := y[0]
				return []float64{(source(now) - 6*i - 40*i*i*i - y[1]) / 0.12 * 1e-3, i / 0.02}
			}}
			t.held = shot == 3
			for k := range 100 {
				ms := 0.6 * float64(k)
				if k > 0 {
					// The input holds from row to row.
					p.to(ms)
				}
				now = ms
				t.add(float64(shot+1), ms, source(ms), 1000*t.lost(t.normal("current", p.y[0], 0.004), 0.05))
			}
		}
	},
}

// ball: one that is dropped on a table, through air that slows it by the square of its
// speed.
var ball = &Problem{
	Name: "ball",
	Model: `model Ball {
  time t: s
  covariate top: m
  const g = 9.81 [m/s^2]
  ## speed kept at a bounce
  param e in (0, 1) = 0.5
  ## drag over mass
  param k: 1/m in (0, inf) = 0.02
  state h: m = top
  state v: m/s = 0
  h' = v
  v' = -g - k*v*abs(v)
  event bounce when h <= 0 { v := -e*v; zeno rest { h := 0; v := 0 } }
  observe height: m = h ~ normal(0.01)
}
data film from "data.csv" {
  time: t_ms [ms]
  trajectory: drop
  top: top_cm [cm]
  height: h_cm [cm]
  validate: drop == 4
}
`,
	Truth: map[string]float64{"e": 0.82, "k": 0.09},
	Make: func(t *Table) {
		t.columns("drop", "t_ms", "top_cm", "h_cm")
		for drop, from := range []float64{1, 1.8, 2.5, 2.1} {
			h, v, now := from, 0., 0.
			t.held = drop == 3
			for _, at := range t.times(0.02, 2.6, 60) {
				const dt = 1e-5
				for ; now < at; now += dt {
					a := -9.81 - 0.09*v*math.Abs(v)
					h += dt*v + dt*dt/2*a
					if v += dt * a; h <= 0 && v < 0 {
						h, v = 0, -0.82*v
					}
				}
				t.add(float64(drop+1), 1000*at, 100*from, 100*t.lost(t.normal("height", h, 0.01), 0.08))
			}
		}
	},
}
