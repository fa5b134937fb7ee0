package fits

import "math"

// cistern: water that a pump fills when it is low; where its float switches is not known.
var cistern = &Problem{
	Name: "cistern",
	Model: `model Cistern {
  time t: h
  input drawn: m^3/h hold
  covariate level0: m
  const area = 3 [m^2]
  param low: m in (0, 4) = 0.3
  param high: m in (0, 4) = 3
  param pump: m^3/h in (0, inf) = 3
  ## what leaks, at a depth of a metre
  param leak: m^3/h in (0, inf) = 2
  state level: m = level0
  discrete on = 0
  level' = (on*pump - drawn - leak*sqrt(max(level, 0 [m])/(1 [m])))/area
  event fill when level <= low { on := 1 }
  event full when level >= high { on := 0 }
  observe gauge: m = level ~ normal(0.02)
}
data log from "data.csv" {
  time: min [min]
  trajectory: day
  drawn: L_min [L/min]
  level0: level0_cm [cm]
  gauge: cm [cm]
  validate: day == 4
}
`,
	Truth: map[string]float64{"low": 0.9, "high": 1.9, "pump": 9, "leak": 0.5},
	Make: func(t *Table) {
		t.columns("day", "min", "L_min", "level0_cm", "cm")
		for day, c := range []struct {
			from  float64
			drawn []float64
		}{{1.5, []float64{20, 60, 10, 40}}, {1.7, []float64{50, 0, 70, 30}}, {1.2, []float64{30, 30, 80, 10}}, {1.6, []float64{60, 15, 40, 55}}} {
			level, on := c.from, 0.
			drawn := func(h float64) float64 { return c.drawn[min(int(h/3), 3)] * 0.06 }
			t.held = day == 3
			for k := range 144 {
				h := float64(k) / 12
				if k > 0 {
					const n = 5000
					for range n {
						level += (on*t.v("pump") - drawn(h-1./12) - t.v("leak")*math.Sqrt(math.Max(level, 0))) / 3 / 12 / n
						if level >= t.v("high") {
							on = 0
						} else if level <= t.v("low") {
							on = 1
						}
					}
				}
				t.add(float64(day+1), 60*h, drawn(h)/0.06, 100*c.from, 100*t.lost(t.normal("gauge", level, 0.02), 0.05))
			}
		}
	},
}

// mites: predators and prey, whose response to prey is not known. It is 6 x²/(40² + x²).
var mites = &Problem{
	Name: "mites",
	Model: `unit prey
unit mite
model Mites {
  time t: day
  covariate x0: prey
  covariate y0: mite
  param r: 1/day in (0, inf) = 0.15
  param room: prey in (0, inf) = 1500
  ## mites from prey
  param gain: mite/prey in (0, inf) = 0.03
  param death: 1/day in (0, inf) = 1
  neural eats(x: prey) -> prey/mite/day { hidden: [8], zero_at: 0 }
  state x: prey = x0
  state y: mite = y0
  x' = r*x*(1 - x/room) - eats(x)*y
  y' = gain*eats(x)*y - death*y
  observe preys: prey = x ~ lognormal(0.08)
  observe mites: mite = y ~ lognormal(0.08)
}
data leaves from "data.csv" {
  time: h [h]
  trajectory: leaf
  x0: x0 [prey]
  y0: y0 [mite]
  preys: preys [prey]
  mites: mites [mite]
  validate: leaf == 5
}
`,
	Truth: map[string]float64{"r": 0.8, "room": 300, "gain": 0.15, "death": 0.3},
	Make: func(t *Table) {
		t.columns("leaf", "h", "x0", "y0", "preys", "mites")
		for leaf, c := range [][2]float64{{20, 0}, {50, 5}, {200, 10}, {20, 20}, {100, 4}} {
			p := &path{y: []float64{c[0], c[1]}, h: 0.01, f: func(_ float64, y []float64) []float64 {
				eaten := 6 * y[0] * y[0] / (1600 + y[0]*y[0]) * y[1]
				return []float64{t.v("r")*y[0]*(1-y[0]/t.v("room")) - eaten, t.v("gain")*eaten - t.v("death")*y[1]}
			}}
			t.held = leaf == 4
			for _, at := range t.times(0.3, 30, 36) {
				y, mites := p.to(at), math.NaN()
				if c[1] > 0 {
					mites = t.lost(t.lognormal("mites", y[1], 0.08), 0.05)
				}
				t.add(float64(leaf+1), 24*at, c[0], c[1], t.lost(t.lognormal("preys", y[0], 0.08), 0.05), mites)
			}
		}
	},
}

// reactor: a stirred tank in which a reaction heats itself, with steps of the jacket and of
// the flow.
var reactor = &Problem{
	Name: "reactor",
	Model: `model Reactor {
  time t: min
  input flow: L/min hold
  input jacket: K hold
  const V = 100 [L]
  const cin = 1 [mol/L]
  const Tin = 320 [K]
  const heat = 4 [kJ/L/K]
  const R = 8.314e-3 [kJ/mol/K]
  ## rate at 340 K
  param k: 1/min in (0, inf) = 0.5
  param E: kJ/mol in (0, inf) = 20
  ## heat of reaction
  param H: kJ/mol in (0, inf) = 20
  param UA: kJ/min/K in (0, inf) = 3
  state c: mol/L = 0.8
  state T: K = 325
  let rate = k*exp(-E/R*(1/T - 1/(340 [K])))*c
  c' = flow/V*(cin - c) - rate
  T' = flow/V*(Tin - T) + H*rate/heat - UA*(T - jacket)/(heat*V)
  observe probe: K = T ~ normal(0.3)
  observe sample: mol/L = c ~ normal(0.01)
}
data plant from "data.csv" {
  time: min [min]
  trajectory: run
  flow: L_h [L/h]
  jacket: jacket_C [degC]
  probe: probe_C [degC]
  sample: mol_m3 [mol/m^3]
  validate: run == 4
}
`,
	Truth: map[string]float64{"k": 0.09, "E": 72, "H": 95, "UA": 28},
	Make: func(t *Table) {
		t.columns("run", "min", "L_h", "jacket_C", "probe_C", "mol_m3")
		for run, c := range []struct{ flow, jacket []float64 }{
			{[]float64{5, 10, 5, 2}, []float64{330, 330, 345, 320}},
			{[]float64{8, 3, 3, 12}, []float64{340, 320, 335, 335}},
			{[]float64{3, 6, 12, 6}, []float64{345, 345, 320, 330}},
			{[]float64{6, 6, 2, 10}, []float64{335, 345, 325, 340}},
		} {
			now := 0.
			step := func(of []float64) float64 { return of[min(int(now/40), 3)] }
			p := &path{y: []float64{0.8, 325}, h: 0.02, f: func(_ float64, y []float64) []float64 {
				f := step(c.flow) / 100
				rate := t.v("k") * math.Exp(-t.v("E")/8.314e-3*(1/y[1]-1/340.)) * y[0]
				return []float64{f*(1-y[0]) - rate, f*(320-y[1]) + t.v("H")*rate/4 - t.v("UA")*(y[1]-step(c.jacket))/400}
			}}
			t.held = run == 3
			for k := range 80 {
				m := 2 * float64(k)
				if k > 0 {
					p.to(m)
				}
				now = m
				sample := math.NaN()
				if k%8 == 7 {
					sample = 1000 * t.normal("sample", p.y[0], 0.01)
				}
				t.add(float64(run+1), m, 60*step(c.flow), step(c.jacket)-273.15, t.lost(t.normal("probe", p.y[1], 0.3), 0.05)-273.15, sample)
			}
		}
	},
}

// storeys: a house of three storeys on a shaking table; accelerations of the first and of the
// last floor are measured.
var storeys = &Problem{
	Name: "storeys",
	Model: `model Storeys {
  time t: s
  input ground: m/s^2 linear
  const m = 1000 [kg]
  param k1: N/m in (0, inf) = 2e5
  param k2: N/m in (0, inf) = 2e5
  param k3: N/m in (0, inf) = 2e5
  ## damping between floors
  param d: N*s/m in (0, inf) = 1e4
  state x1: m = 0
  state x2: m = 0
  state x3: m = 0
  state v1: m/s = 0
  state v2: m/s = 0
  state v3: m/s = 0
  let f1 = k1*x1 + d*v1
  let f2 = k2*(x2 - x1) + d*(v2 - v1)
  let f3 = k3*(x3 - x2) + d*(v3 - v2)
  x1' = v1
  x2' = v2
  x3' = v3
  v1' = -ground + (f2 - f1)/m
  v2' = -ground + (f3 - f2)/m
  v3' = -ground - f3/m
  observe first: m/s^2 = (f2 - f1)/m ~ normal(0.05)
  observe roof: m/s^2 = -f3/m ~ normal(0.05)
}
data table from "data.csv" {
  time: ms [ms]
  trajectory: shake
  ground: ground_m_s2 [m/s^2]
  first: first_m_s2 [m/s^2]
  roof: roof_m_s2 [m/s^2]
  validate: shake == 3
}
`,
	Truth: map[string]float64{"k1": 1.4e6, "k2": 1.1e6, "k3": 8e5, "d": 1600},
	Make: func(t *Table) {
		t.columns("shake", "ms", "ground_m_s2", "first_m_s2", "roof_m_s2")
		for shake, c := range []struct{ a, b, c float64 }{{3, 11, 29}, {5, 17, 23}, {4, 13, 31}} {
			ground := func(s float64) float64 {
				return 2 * math.Exp(-s/4) * (math.Sin(c.a*s) + math.Sin(c.b*s) + 0.7*math.Sin(c.c*s)) * math.Min(s, 1)
			}
			const row = 0.02
			linear := func(s float64) float64 {
				k := math.Floor(s/row+1e-9) * row
				return ground(k) + (s-k)/row*(ground(k+row)-ground(k))
			}
			forces := func(y []float64) (f1, f2, f3 float64) {
				k := func(name string) float64 { return t.v(name) / 1000 }
				return k("k1")*y[0] + k("d")*y[3], k("k2")*(y[1]-y[0]) + k("d")*(y[4]-y[3]), k("k3")*(y[2]-y[1]) + k("d")*(y[5]-y[4])
			}
			p := &path{y: make([]float64, 6), h: 0.001, f: func(s float64, y []float64) []float64 {
				f1, f2, f3 := forces(y)
				g := linear(s)
				return []float64{y[3], y[4], y[5], -g + f2 - f1, -g + f3 - f2, -g - f3}
			}}
			t.held = shake == 2
			for k := range 350 {
				s := row * float64(k)
				if k > 0 {
					p.to(s)
				}
				f1, f2, f3 := forces(p.y)
				t.add(float64(shake+1), 1000*s, ground(s), t.lost(t.normal("first", f2-f1, 0.05), 0.02), t.lost(t.normal("roof", -f3, 0.05), 0.02))
			}
		}
	},
}

// chain: eight substances with two fast equilibria, of which three are measured.
var chain = &Problem{
	Name: "chain",
	Model: `model Chain {
  time t: min
  covariate A0: mol/L
  covariate B0: mol/L
  const fast = 2e4 [L/mol/min]
  const quick = 3e3 [1/min]
  const K2 = 1.5
  ## equilibrium
  param K1: L/mol in (0, inf) = 30
  param k2: 1/min in (0, inf) = 2
  param k3: L/mol/min in (0, inf) = 0.4
  param k4: 1/min in (0, inf) = 3
  param k5: 1/min in (0, inf) = 0.01
  state A: mol/L = A0
  state B: mol/L = B0
  state C: mol/L = 0
  state D: mol/L = 0
  state E: mol/L = 0
  state F: mol/L = 0
  state G: mol/L = 0
  state H: mol/L = 0
  let r1 = fast*(A*B - C/K1)
  let r2 = k2*C
  let r3 = k3*D*A
  let r4 = quick*(E - F/K2)
  let r5 = k4*F
  let r6 = k5*G
  A' = -r1 - r3
  B' = -r1
  C' = r1 - r2
  D' = r2 - r3
  E' = r3 - r4
  F' = r4 - r5
  G' = r5 - r6
  H' = r6
  observe a: mol/L = A ~ normal(0.004)
  observe d: mol/L = D ~ normal(0.004)
  observe h: mol/L = H ~ normal(0.004)
}
data gc from "data.csv" {
  time: s [s]
  trajectory: batch
  A0: A0 [mmol/L]
  B0: B0 [mmol/L]
  a: a [mmol/L]
  d: d [mmol/L]
  h: h [mmol/L]
  validate: batch == 5
}
`,
	Truth: map[string]float64{"K1": 4, "k2": 0.5, "k3": 2, "k4": 0.6, "k5": 0.1},
	Make: func(t *Table) {
		t.columns("batch", "s", "A0", "B0", "a", "d", "h")
		for batch, c := range [][2]float64{{1, 0.4}, {0.5, 0.5}, {1.5, 0.3}, {0.8, 0.8}, {1.2, 0.6}} {
			// Steps of the implicit rule of the middle, whose equations Newton's method solves.
			rates := func(y []float64) []float64 {
				r1 := 2e4 * (y[0]*y[1] - y[2]/t.v("K1"))
				r2, r3 := t.v("k2")*y[2], t.v("k3")*y[3]*y[0]
				r4, r5, r6 := 3e3*(y[4]-y[5]/1.5), t.v("k4")*y[5], t.v("k5")*y[6]
				return []float64{-r1 - r3, -r1, r1 - r2, r2 - r3, r3 - r4, r4 - r5, r5 - r6, r6}
			}
			y, now := []float64{c[0], c[1], 0, 0, 0, 0, 0, 0}, 0.
			t.held = batch == 4
			for _, at := range t.times(0.2, 40, 24) {
				y, now = implicit(rates, y, now, at), at
				t.add(float64(batch+1), 60*at, 1000*c[0], 1000*c[1], 1000*t.normal("a", y[0], 0.004), 1000*t.lost(t.normal("d", y[3], 0.004), 0.1), 1000*t.lost(t.normal("h", y[7], 0.004), 0.1))
			}
		}
	},
}

// implicit goes from a time to another by backward differences of order two, from many small steps
// of Euler's implicit method at first: for stiff equations.
func implicit(f func([]float64) []float64, y []float64, from, to float64) []float64 {
	solve := func(c []float64, h float64) []float64 { // y = c + h f(y)
		n := len(c)
		z := append([]float64{}, c...)
		for range 20 {
			at := f(z)
			m := make([][]float64, n)
			for i := range m {
				m[i] = make([]float64, n+1)
				m[i][i] = 1
				m[i][n] = c[i] + h*at[i] - z[i]
			}
			for j := range n {
				e := 1e-7 * math.Max(math.Abs(z[j]), 1e-3)
				w := append([]float64{}, z...)
				w[j] += e
				for i, v := range f(w) {
					m[i][j] -= h * (v - at[i]) / e
				}
			}
			size := 0.
			for i, d := range gauss(m) {
				z[i] += d
				size = math.Max(size, math.Abs(d))
			}
			if size < 1e-13 {
				break
			}
		}
		return z
	}
	// Richardson's extrapolation of the implicit rule, over steps that grow.
	h := math.Min(1e-3, to-from)
	for from < to {
		h = math.Min(h, to-from)
		whole := solve(y, h)
		half := solve(solve(y, h/2), h/2)
		quarter := solve(solve(solve(solve(y, h/4), h/4), h/4), h/4)
		next, err := make([]float64, len(y)), 0.
		for i := range y {
			a, b := 2*half[i]-whole[i], 2*quarter[i]-half[i]
			next[i] = (4*b - a) / 3
			err = math.Max(err, math.Abs(b-a))
		}
		if err > 1e-8 && h > 1e-9 {
			h /= 2
			continue
		}
		y, from = next, from+h
		if err < 1e-9 {
			h *= 1.5
		}
	}
	return y
}

// gauss solves linear equations, the right-hand side in the last column.
func gauss(m [][]float64) []float64 {
	n := len(m)
	for k := range n {
		best := k
		for i := k; i < n; i++ {
			if math.Abs(m[i][k]) > math.Abs(m[best][k]) {
				best = i
			}
		}
		m[k], m[best] = m[best], m[k]
		for i := k + 1; i < n; i++ {
			f := m[i][k] / m[k][k]
			for j := k; j <= n; j++ {
				m[i][j] -= f * m[k][j]
			}
		}
	}
	x := make([]float64, n)
	for k := n - 1; k >= 0; k-- {
		x[k] = m[k][n]
		for j := k + 1; j < n; j++ {
			x[k] -= m[k][j] * x[j]
		}
		x[k] /= m[k][k]
	}
	return x
}

// fedbatch: yeast that first gets used to its medium, then grows, and is fed on and off.
var fedbatch = &Problem{
	Name: "fedbatch",
	Model: `model Fedbatch {
  time t: h
  input feed: L/h hold
  covariate X0: g/L
  const Sin = 200 [g/L]
  param mu: 1/h in (0, inf) = 0.08
  param Ks: g/L in (0, inf) = 3
  param yield in (0, inf) = 0.15
  ## how ready it is at first
  param ready in (0, inf) = 1
  state X: g/L = X0
  state S: g/L = 10
  state V: L = 1
  state q = ready
  let growth = mu*S/(Ks + S)*q/(1 + q)
  X' = growth*X - feed/V*X
  S' = -growth*X/yield + feed/V*(Sin - S)
  V' = feed
  q' = mu*q
  observe mass: g/L = X ~ lognormal(0.05)
  observe sugar: g/L = S ~ normal(0.2)
}
data fermenter from "data.csv" {
  time: h [h]
  trajectory: batch
  feed: mL_h [mL/h]
  X0: X0 [g/L]
  mass: dry_g_L [g/L]
  sugar: sugar_g_L [g/L]
  validate: batch == 4
}
`,
	Truth: map[string]float64{"mu": 0.42, "Ks": 0.4, "yield": 0.48, "ready": 0.05},
	Make: func(t *Table) {
		t.columns("batch", "h", "mL_h", "X0", "dry_g_L", "sugar_g_L")
		for batch, c := range []struct {
			x0   float64
			feed []float64
		}{{0.2, []float64{0, 0, 0, 20, 0, 40}}, {0.4, []float64{0, 0, 10, 0, 30, 30}}, {0.3, []float64{0, 5, 5, 30, 10, 0}}, {0.25, []float64{0, 0, 15, 15, 0, 50}}} {
			now := 0.
			feed := func() float64 { return c.feed[min(int(now/4), 5)] / 1000 }
			p := &path{y: []float64{c.x0, 10, 1, t.v("ready")}, h: 0.002, f: func(_ float64, y []float64) []float64 {
				growth := t.v("mu") * y[1] / (t.v("Ks") + y[1]) * y[3] / (1 + y[3])
				return []float64{growth*y[0] - feed()/y[2]*y[0], -growth*y[0]/t.v("yield") + feed()/y[2]*(200-y[1]), feed(), t.v("mu") * y[3]}
			}}
			t.held = batch == 3
			for k := range 49 {
				h := 0.5 * float64(k)
				if k > 0 {
					p.to(h)
				}
				now = h
				mass, sugar := math.NaN(), math.NaN()
				if k > 0 {
					mass = t.lost(t.lognormal("mass", p.y[0], 0.05), 0.3)
					sugar = t.lost(t.normal("sugar", p.y[1], 0.2), 0.3)
				}
				t.add(float64(batch+1), h, 1000*feed(), c.x0, mass, sugar)
			}
		}
	},
}

// coast: a van that rolls to a halt, with the brake now and then; what slows it else is not
// known. It is 180 + 4 v + 0.55 v² N.
var coast = &Problem{
	Name: "coast",
	Model: `model Coast {
  time t: s
  input pedal: 1 hold
  input slope linear
  covariate v0: m/s
  const mass = 1500 [kg]
  const g = 9.81 [m/s^2]
  ## force of the brake at full pedal
  param brake: N in (0, inf) = 1200
  neural drag(v: m/s) -> N { hidden: [8], positive: true }
  state v: m/s = v0
  discrete rolls = 1
  v' = rolls*(-g*slope - (drag(v) + brake*pedal)/mass)
  event halt when v <= 0 { rolls := 0; v := 0 }
  observe speed: m/s = v ~ normal(0.1)
}
data gps from "data.csv" {
  time: s [s]
  trajectory: run
  pedal: pedal
  slope: slope
  v0: v0_km_h [km/h]
  speed: km_h [km/h]
  validate: run == 5
}
`,
	Truth: map[string]float64{"brake": 7500},
	Make: func(t *Table) {
		t.columns("run", "s", "pedal", "slope", "v0_km_h", "km_h")
		for run, c := range []struct {
			v0    float64
			pedal []float64
			slope float64
		}{{30, []float64{0, 0, 0.1, 0, 0.2}, 0.5}, {22, []float64{0, 0.1, 0, 0, 0.3}, -0.3}, {12, []float64{0, 0, 0, 0.05, 0.1}, 0.2}, {27, []float64{0.2, 0, 0, 0.1, 0.2}, 0}, {25, []float64{0, 0, 0.2, 0, 0.15}, 0.4}} {
			v, rolls, now := c.v0, 1., 0.
			pedal := func() float64 { return c.pedal[min(int(now/12), 4)] }
			slope := func(s float64) float64 { return c.slope / 100 * (1 + math.Sin(s/10)) }
			t.held = run == 4
			for k := range 62 {
				s := float64(k)
				if k > 0 {
					const n = 2000
					for i := range n {
						at := float64(i) / n
						grade := slope(now) + at*(slope(now+1)-slope(now))
						force := 180 + 4*v + 0.55*v*v + t.v("brake")*pedal()
						if v += rolls * (-9.81*grade - force/1500) / n; v <= 0 {
							v, rolls = 0, 0
						}
					}
				}
				now = s
				t.add(float64(run+1), s, pedal(), slope(s), 3.6*c.v0, 3.6*t.lost(t.normal("speed", v, 0.1), 0.05))
			}
		}
	},
}

// drone: one that hovers and climbs by its throttle; rotors follow late, and only its
// height is measured.
var drone = &Problem{
	Name: "drone",
	Model: `model Drone {
  time t: s
  input throttle linear
  const mass = 1.3 [kg]
  const g = 9.81 [m/s^2]
  ## at full throttle
  param thrust: N in (0, inf) = 90
  param lag: s in (0, inf) = 0.05
  param drag: N*s^2/m^2 in (0, inf) = 1
  state spin = 0.6
  state h: m = 20
  state v: m/s = 0
  spin' = (throttle - spin)/lag
  h' = v
  v' = thrust*spin^2/mass - g - drag*v*abs(v)/mass
  observe height: m = h ~ normal(0.05)
}
data flight from "data.csv" {
  time: ms [ms]
  trajectory: flight
  throttle: throttle
  height: cm [cm]
  validate: flight == 3
}
`,
	Truth: map[string]float64{"thrust": 32, "lag": 0.35, "drag": 0.14},
	Make: func(t *Table) {
		t.columns("flight", "ms", "throttle", "cm")
		for flight, c := range []float64{1, 1.7, 2.3} {
			throttle := func(s float64) float64 {
				return 0.63 + 0.12*math.Sin(c*s) + 0.08*math.Sin(2.7*s+c)
			}
			const row = 0.1
			linear := func(s float64) float64 {
				k := math.Floor(s/row+1e-9) * row
				return throttle(k) + (s-k)/row*(throttle(k+row)-throttle(k))
			}
			p := &path{y: []float64{0.6, 20, 0}, h: 0.002, f: func(s float64, y []float64) []float64 {
				return []float64{(linear(s) - y[0]) / t.v("lag"), y[2], t.v("thrust")*y[0]*y[0]/1.3 - 9.81 - t.v("drag")*y[2]*math.Abs(y[2])/1.3}
			}}
			t.held = flight == 2
			for k := range 150 {
				s := row * float64(k)
				if k > 0 {
					p.to(s)
				}
				height := math.NaN()
				if k%2 == 0 {
					height = t.lost(t.normal("height", p.y[1], 0.05), 0.05)
				}
				t.add(float64(flight+1), 1000*s, throttle(s), 100*height)
			}
		}
	},
}
