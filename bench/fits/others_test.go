package fits

import "math"

// pendulum: one that a motor drives to and fro; what its bearing takes is not known, and
// only the angle is measured. It is Coulomb's friction, rounded, and the square of the speed.
var pendulum = &Problem{
	Name: "pendulum",
	Model: `model Swing {
  time t: s
  input torque: N*m hold
  covariate start: 1
  param inertia: kg*m^2 in (0, inf) = 0.05
  ## weight times arm
  param pull: N*m in (0, inf) = 1
  neural friction(ω: 1/s) -> N*m { hidden: [8], odd: true }
  state θ = start
  state ω: 1/s = 0
  θ' = ω
  ω' = (torque - pull*sin(θ) - friction(ω))/inertia
  observe angle = θ ~ normal(0.02)
}
data encoder from "data.csv" {
  time: t_ms [ms]
  trajectory: run
  torque: motor_mNm [mN*m]
  start: start_rad
  angle: angle_rad
  validate: run == 4
}
`,
	Truth: map[string]float64{"inertia": 0.02, "pull": 0.6},
	Make: func(t *Table) {
		t.columns("run", "t_ms", "motor_mNm", "start_rad", "angle_rad")
		for run, c := range []struct {
			start  float64
			torque []float64
		}{{0.4, []float64{0, 0.3, -0.3, 0.1}}, {2, []float64{0, 0, 0.4, -0.2}}, {-1, []float64{-0.3, 0.4, 0, 0}}, {1.4, []float64{0.2, -0.3, 0.3, 0}}} {
			now := 0.
			torque := func(s float64) float64 { return c.torque[min(int(s/2), 3)] }
			p := &path{y: []float64{c.start, 0}, h: 0.002, f: func(_ float64, y []float64) []float64 {
				w := y[1]
				friction := 0.025*math.Tanh(w/0.5) + 0.002*w*math.Abs(w)
				return []float64{w, (torque(now) - 0.6*math.Sin(y[0]) - friction) / 0.02}
			}}
			t.held = run == 3
			for k := range 160 {
				s := 0.05 * float64(k)
				if k > 0 {
					p.to(s)
				}
				now = s
				t.add(float64(run+1), 1000*s, 1000*torque(s), c.start, t.lost(t.normal("angle", p.y[0], 0.02), 0.05))
			}
		}
	},
}

// glucose: sugar and insulin in the blood of six people after sugar, and some insulin
// later; how sensitive they are differs, of the last it has to be told from the first hour.
var glucose = &Problem{
	Name: "glucose",
	Model: `unit mU
model Tolerance {
  time t: min
  covariate Gb: mmol/L
  covariate Ib: mU/L
  covariate sugar: mmol
  ## what sugar does to itself
  param p1: 1/min in (0, inf) = 0.008
  ## how fast the action of insulin follows
  param p2: 1/min in (0, inf) = 0.1
  param SI: L/mU/min in (0, inf) = 0.002 per subject
  param clearance: 1/min in (0, inf) = 0.4
  param Vg: L in (0, inf) = 8
  param Vi: L in (0, inf) = 20
  ## insulin that sugar above its base sets free
  param release: mU/L/min/(mmol/L) in (0, inf) = 2
  state G: mmol/L = Gb + sugar/Vg
  state X: 1/min = 0
  state I: mU/L = Ib
  G' = -(p1 + X)*G + p1*Gb
  X' = p2*(SI*(I - Ib) - X)
  I' = release*max(G - Gb, 0) - clearance*(I - Ib)
  event shot(amount: mU) on data { I += amount/Vi }
  observe glucose: mmol/L = G ~ normal(0.2)
  observe insulin: mU/L = I ~ lognormal(0.1)
}
data clinic from "data.csv" {
  time: t_h [h]
  trajectory: subject
  Gb: Gb [mmol/L]
  Ib: Ib [mU/L]
  sugar: sugar_mmol [mmol]
  shot: { amount: shot_U [mU], where: shot_U > 0 }
  glucose: glucose [mmol/L]
  insulin: insulin [mU/L]
  validate: subject == 6
  given: t_h <= 1
}
`,
	Truth: map[string]float64{
		"p1": 0.025, "p2": 0.03, "clearance": 0.13, "Vg": 13, "Vi": 6, "release": 0.7,
		"SI{subject=1}": 5e-4, "SI{subject=2}": 9e-4, "SI{subject=3}": 2.5e-4, "SI{subject=4}": 7e-4, "SI{subject=5}": 4e-4, "SI{subject=6}": 6e-4,
	},
	Make: func(t *Table) {
		t.columns("subject", "t_h", "Gb", "Ib", "sugar_mmol", "shot_U", "glucose", "insulin")
		for subject, c := range []struct{ gb, ib, sugar, shot, si float64 }{
			{5, 8, 140, 0, 5e-4}, {4.6, 6, 120, 1500, 9e-4}, {5.5, 12, 160, 2500, 2.5e-4}, {5.1, 9, 140, 0, 7e-4}, {4.9, 7, 130, 1200, 4e-4}, {5.2, 10, 150, 2000, 6e-4},
		} {
			p := &path{y: []float64{c.gb + c.sugar/13, 0, c.ib}, h: 0.05, f: func(_ float64, y []float64) []float64 {
				return []float64{-(0.025+y[1])*y[0] + 0.025*c.gb, 0.03 * (c.si*(y[2]-c.ib) - y[1]), 0.7*math.Max(y[0]-c.gb, 0) - 0.13*(y[2]-c.ib)}
			}}
			given := false
			for _, at := range append(t.times(1, 19, 8), append([]float64{20}, t.times(22, 180, 20)...)...) {
				p.to(at)
				if at == 20 {
					p.y[2] += c.shot / 6
					t.add(float64(subject+1), at/60, c.gb, c.ib, c.sugar, c.shot, math.NaN(), math.NaN())
					continue
				}
				given = at <= 60
				t.held = subject == 5 && !given
				g := t.normal("glucose", p.y[0], 0.2)
				i := t.lognormal("insulin", p.y[2], 0.1)
				t.add(float64(subject+1), at/60, c.gb, c.ib, c.sugar, 0, t.lost(g, 0.05), t.lost(i, 0.05))
			}
		}
	},
}

// room: one with a heater that a thermostat switches; where it switches is not known, nor
// what the sun adds through the window.
var room = &Problem{
	Name: "room",
	Model: `model Room {
  time t: h
  input outside: K linear
  input sun: kW/m^2 linear
  covariate start: K
  const s = 3600 [s/h]
  const power = 6.5 [kW]
  param C: kJ/K in (0, inf) = 3000
  param UA: kW/K in (0, inf) = 0.1
  ## window that the sun sees
  param window: m^2 in (0, inf) = 5
  ## where the heater is switched on and off
  param low: K in (280, 300) = 289
  param high: K in (285, 305) = 299
  discrete on = 0
  state T: K = start
  T' = (on*power + window*sun - UA*(T - outside))/C*s
  event cold when T <= low { on := 1 }
  event warm when T >= high { on := 0 }
  observe inside: K = T ~ normal(0.1)
}
data logger from "data.csv" {
  time: t_min [min]
  trajectory: week
  outside: out_C [degC]
  sun: sun_W [W/m^2]
  start: start_C [degC]
  inside: in_C [degC]
  validate: week == 3
}
`,
	Truth: map[string]float64{"C": 9000, "UA": 0.25, "window": 2, "low": 292.2, "high": 294.6},
	Make: func(t *Table) {
		t.columns("week", "t_min", "out_C", "sun_W", "start_C", "in_C")
		for week, c := range []struct{ start, out, phase, sun float64 }{{19.9, 1, 0, 350}, {20.6, 5, 1, 150}, {20.2, 3, 2, 250}} {
			const quarter = 0.25
			out := func(h float64) float64 { return c.out + 5*math.Sin(2*math.Pi*(h-9)/24) + 1.5*math.Sin(h/7+c.phase) }
			sun := func(h float64) float64 { return c.sun * math.Max(0, math.Sin(2*math.Pi*(h-7)/24)) }
			linear := func(f func(float64) float64, h float64) float64 {
				k := math.Floor(h/quarter) * quarter
				return f(k) + (h-k)/quarter*(f(k+quarter)-f(k))
			}
			T, on, now := c.start+273.15, 0., 0.
			t.held = week == 2
			for k := range 193 {
				h := quarter * float64(k)
				const dt = 1e-4
				for n := math.Round((h - now) / dt); n > 0; n-- {
					rate := func(h, T float64) float64 {
						return (on*6.5 + 2*linear(sun, h)/1000 - 0.25*(T-linear(out, h)-273.15)) / 9000 * 3600
					}
					a := rate(now, T)
					T += dt * rate(now+dt/2, T+dt/2*a)
					now += dt
					if T <= 292.2 {
						on = 1
					} else if T >= 294.6 {
						on = 0
					}
				}
				now = h
				in := math.NaN()
				if k > 0 {
					in = t.lost(t.normal("inside", T, 0.1), 0.05) - 273.15
				}
				t.add(float64(week+1), 60*h, out(h), 1000*sun(h)/1000, c.start, in)
			}
		}
	},
}

// neuron: the voltage of a cell that fires at steps of current; what brings it back is not
// seen. FitzHugh and Nagumo's equations, with their usual numbers.
var neuron = &Problem{
	Name: "neuron",
	Model: `model Neuron {
  time t: ms
  input current: nA hold
  param gain: 1/nA in (0, inf) = 0.4
  param a in (0, 2) = 0.3
  param b in (0, 2) = 1.4
  param τ: ms in (0, inf) = 30
  param w0 in (-2, 2) = 0
  const fast = 1 [ms]
  state v = -1.2
  state w = w0
  v' = (v - v^3/3 - w + gain*current)/fast
  w' = (v + a - b*w)/τ
  observe voltage = v ~ normal(0.1)
}
data patch from "data.csv" {
  time: t_s [s]
  trajectory: sweep
  current: I_pA [pA]
  voltage: v
  validate: sweep == 4
}
`,
	Truth: map[string]float64{"gain": 1, "a": 0.7, "b": 0.8, "τ": 12.5, "w0": -0.62},
	Make: func(t *Table) {
		t.columns("sweep", "t_s", "I_pA", "v")
		for sweep, steps := range [][]float64{{0, 0.5, 0.5, 0}, {0.3, 0.9, 0, 0.6}, {0, 0.7, 0.4, 0.4}, {0.5, 0, 0.8, 0.2}} {
			now := 0.
			current := func(ms float64) float64 { return steps[min(int(ms/50), 3)] }
			p := &path{y: []float64{-1.2, -0.62}, h: 0.02, f: func(_ float64, y []float64) []float64 {
				return []float64{y[0] - y[0]*y[0]*y[0]/3 - y[1] + current(now), (y[0] + 0.7 - 0.8*y[1]) / 12.5}
			}}
			t.held = sweep == 3
			for ms := range 200 {
				if ms > 0 {
					p.to(float64(ms))
				}
				now = float64(ms)
				t.add(float64(sweep+1), now/1000, 1000*current(now), t.lost(t.normal("voltage", p.y[0], 0.1), 0.03))
			}
		}
	},
}

// loop: water that is heated below and turns over without an order (Lorenz's equations); its
// speed and one of two temperatures are measured.
var loop = &Problem{
	Name: "loop",
	Model: `model Loop {
  time t: min
  covariate x0: 1
  covariate y0: 1
  covariate z0: 1
  param σ: 1/min in (0, inf) = 5
  param ρ in (0, inf) = 18
  param β: 1/min in (0, inf) = 1.5
  const slow = 1 [1/min]
  state x = x0
  state y = y0
  state z = z0
  x' = σ*(y - x)
  y' = slow*(x*(ρ - z) - y)
  z' = slow*x*y - β*z
  observe speed = x ~ normal(0.5)
  observe lift = z ~ normal(0.5)
}
data rig from "data.csv" {
  time: t_s [s]
  trajectory: run
  x0: x0
  y0: y0
  z0: z0
  speed: speed
  lift: lift
  validate: run == 4
}
`,
	Truth: map[string]float64{"σ": 10, "ρ": 28, "β": 8. / 3},
	Make: func(t *Table) {
		t.columns("run", "t_s", "x0", "y0", "z0", "speed", "lift")
		for run, c := range [][3]float64{{-4, -6, 20}, {8, 3, 30}, {1, 2, 25}, {5, 8, 18}} {
			p := &path{y: c[:], h: 0.0005, f: func(_ float64, y []float64) []float64 {
				return []float64{10 * (y[1] - y[0]), y[0]*(28-y[2]) - y[1], y[0]*y[1] - 8./3*y[2]}
			}}
			x0, y0, z0 := c[0], c[1], c[2]
			t.held = run == 3
			end, n := 9., 180
			if t.held {
				end, n = 4, 80
			}
			for _, at := range t.times(0.01, end, n) {
				p.to(at)
				x, z := t.normal("speed", p.y[0], 0.5), t.normal("lift", p.y[2], 0.5)
				t.add(float64(run+1), 60*at, x0, y0, z0, t.lost(x, 0.05), t.lost(z, 0.3))
			}
		}
	},
}

// cascade: two tanks, one above the other; how the upper one, which is not seen, runs out is
// not known. It is through a hole and, above 50 cm, over a weir.
var cascade = &Problem{
	Name: "cascade",
	Model: `model Cascade {
  time t: min
  input pump: L/min hold
  covariate upper0: dm
  covariate lower0: dm
  const A = 4 [dm^2]
  param B: dm^2 in (0, inf) = 15
  param k: L/min in (0, inf) = 2
  neural out(h: dm) -> L/min { hidden: [8], monotone: increasing, zero_at: 0 }
  state upper: dm = upper0
  state lower: dm = lower0
  const litre = 1 [dm^3/L]
  const one = 1 [dm]
  upper' = litre*(pump - out(upper))/A
  lower' = litre*(out(upper) - k*sqrt(lower/one))/B
  observe level: dm = lower ~ normal(0.02)
}
data tanks from "data.csv" {
  time: t_s [s]
  trajectory: run
  pump: pump [L/min]
  upper0: upper_cm [cm]
  lower0: lower_cm [cm]
  level: level_cm [cm]
  validate: run == 4
}
`,
	Truth: map[string]float64{"B": 6, "k": 0.9},
	Make: func(t *Table) {
		t.columns("run", "t_s", "pump", "upper_cm", "lower_cm", "level_cm")
		for run, c := range []struct {
			upper, lower float64
			pump         []float64
		}{{2, 1, []float64{3, 0, 4, 1}}, {6, 0.5, []float64{0, 2, 0, 5}}, {1, 4, []float64{1, 5, 2, 0}}, {3, 2, []float64{4, 0.5, 3, 3}}} {
			now := 0.
			pump := func(m float64) float64 { return c.pump[min(int(m/25), 3)] }
			p := &path{y: []float64{c.upper, c.lower}, h: 0.02, f: func(_ float64, y []float64) []float64 {
				out := 1.2*math.Sqrt(math.Max(y[0], 0)) + 0.8*math.Pow(math.Max(y[0]-5, 0), 1.5)
				return []float64{(pump(now) - out) / 4, (out - 0.9*math.Sqrt(math.Max(y[1], 0))) / 6}
			}}
			t.held = run == 3
			for m := range 100 {
				if m > 0 {
					p.to(float64(m))
				}
				now = float64(m)
				t.add(float64(run+1), 60*now, pump(now), 10*c.upper, 10*c.lower, 10*t.lost(t.normal("level", p.y[1], 0.02), 0.05))
			}
		}
	},
}
