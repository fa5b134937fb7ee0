package fits

import "math"

// ladder: resistors and capacitors in a chain with a varistor across the middle, whose law is
// not known. It takes 0.1 sinh(v/1.5) mA; only the last voltage is measured. (With R1 open too, the
// data hardly tell it from the varistor: its standard error is a third of it.)
var ladder = &Problem{
	Name: "ladder",
	Model: `model Ladder {
  time t: ms
  input source: V hold
  const R1 = 1.2 [kOhm]
  param R2: kOhm in (0, inf) = 3
  param C1: uF in (0, inf) = 0.3
  param C2: uF in (0, inf) = 0.3
  const Rload = 22 [kOhm]
  neural varistor(v: V) -> mA { hidden: [8], odd: true, monotone: increasing }
  state v1: V = 0
  state v2: V = 0
  let i2 = (v1 - v2)/R2
  v1' = ((source - v1)/R1 - varistor(v1) - i2)/C1
  v2' = (i2 - v2/Rload)/C2
  observe out: V = v2 ~ normal(0.02)
}
data scope from "data.csv" {
  time: us [us]
  trajectory: shot
  source: in_mV [mV]
  out: out_mV [mV]
  validate: shot == 5
}
`,
	Truth: map[string]float64{"R2": 4.7, "C1": 1, "C2": 0.68},
	Make: func(t *Table) {
		t.columns("shot", "us", "in_mV", "out_mV")
		for shot, volts := range [][]float64{{2, 0, -3}, {8, 4, 0}, {14, 0, -8}, {-12, 6, 10}, {10, -5, 3}} {
			now := 0.
			source := func(ms float64) float64 { return volts[min(int(ms/15), 2)] }
			p := &path{y: []float64{0, 0}, h: 0.01, f: func(_ float64, y []float64) []float64 {
				i2 := (y[0] - y[1]) / 4.7
				return []float64{(source(now)-y[0])/1.2 - 0.1*math.Sinh(y[0]/1.5) - i2, (i2 - y[1]/22) / 0.68}
			}}
			t.held = shot == 4
			for k := range 150 {
				ms := 0.3 * float64(k)
				if k > 0 {
					p.to(ms)
				}
				now = ms
				t.add(float64(shot+1), 1000*ms, 1000*source(ms), 1000*t.lost(t.normal("out", p.y[1], 0.02), 0.05))
			}
		}
	},
}

// block: a block on a belt, held by a spring, that sticks and slips: friction that holds, and
// less of it the faster it slips. The belt runs at several speeds.
var block = &Problem{
	Name: "block",
	Model: `model Block {
  time t: s
  covariate belt: m/s
  covariate x0: m
  const mass = 2 [kg]
  param spring: N/m in (0, inf) = 60
  ## friction at rest, and of fast slip
  param hold: N in (0, inf) = 10
  param slide: N in (0, inf) = 3
  param fade: m/s in (0, inf) = 0.3
  state x: m = x0
  state v: m/s = 0
  let slip = belt - v
  let friction = (slide + (hold - slide)*exp(-abs(slip)/fade))*sign(slip)
  x' = v
  v' = (friction - spring*x)/mass
  observe place: m = x ~ normal(0.003)
}
data track from "data.csv" {
  time: t_ms [ms]
  trajectory: run
  belt: belt_cm_s [cm/s]
  x0: x0_mm [mm]
  place: x_mm [mm]
  validate: run == 4
}
`,
	Truth: map[string]float64{"spring": 25, "hold": 6, "slide": 4, "fade": 0.15},
	Make: func(t *Table) {
		t.columns("run", "t_ms", "belt_cm_s", "x0_mm", "x_mm")
		for run, c := range []struct{ belt, x0 float64 }{{0.1, 0.05}, {0.25, 0.1}, {0.4, 0.3}, {0.18, 0}} {
			x, v, now, stuck := c.x0, 0., 0., false
			t.held = run == 3
			for _, at := range t.times(0.02, 8, 110) {
				const dt = 2e-5
				for ; now < at; now += dt {
					if stuck {
						if v = c.belt; math.Abs(25*x) <= 6 {
							x += dt * v
							continue
						}
						stuck = false
						v -= 1e-9
					}
					slip := c.belt - v
					force := (4 + 2*math.Exp(-math.Abs(slip)/0.15)) * math.Copysign(1, slip)
					v += dt * (force - 25*x) / 2
					x += dt * v
					if after := c.belt - v; slip*after <= 0 && math.Abs(25*x) <= 6 {
						stuck = true
					}
				}
				t.add(float64(run+1), 1000*at, 100*c.belt, 1000*c.x0, 1000*t.lost(t.normal("place", x, 0.003), 0.05))
			}
		}
	},
}

// fridge: one whose compressor is switched by the temperature of its air; what is in it is
// warm for longer and is not measured. Now and then the door is opened.
var fridge = &Problem{
	Name: "fridge",
	Model: `model Fridge {
  time t: h
  input kitchen: K linear
  covariate start: K
  param low: K in (265, 285) = 272
  param high: K in (270, 290) = 284
  ## air and what is in it
  param Ca: kJ/K in (0, inf) = 20
  param Cf: kJ/K in (0, inf) = 20
  param UA: W/K in (0, inf) = 5
  param exchange: W/K in (0, inf) = 2
  const power = 110 [W]
  const s = 3.6 [kJ/h/W]
  discrete on = 0
  state air: K = start
  state food: K = start
  air' = s*(UA*(kitchen - air) + exchange*(food - air) - on*power)/Ca
  food' = s*exchange*(air - food)/Cf
  event warm when air >= high { on := 1 }
  event cold when air <= low { on := 0 }
  event door on data { air += 0.3*(kitchen - air) }
  observe inside: K = air ~ normal(0.1)
}
data log from "data.csv" {
  time: min [min]
  trajectory: day
  kitchen: out_C [degC]
  start: start_C [degC]
  door: { where: door == 1 }
  inside: in_C [degC]
  validate: day == 4
}
`,
	Truth: map[string]float64{"low": 275.6, "high": 279.4, "Ca": 9, "Cf": 60, "UA": 1.6, "exchange": 5},
	Make: func(t *Table) {
		t.columns("day", "min", "out_C", "start_C", "door", "in_C")
		for day, c := range []struct {
			start, out, phase float64
			doors             []int
		}{{5, 21, 0, []int{70, 150}}, {4, 24, 1, []int{40}}, {5.5, 19, 2, []int{90, 93, 200}}, {4.5, 22, 3, []int{110}}} {
			out := func(h float64) float64 { return c.out + 2*math.Sin(h/3+c.phase) + 273.15 }
			const row = 0.05
			linear := func(h float64) float64 {
				k := math.Floor(h/row) * row
				return out(k) + (h-k)/row*(out(k+row)-out(k))
			}
			air, food, on := c.start+273.15, c.start+273.15, 0.
			t.held = day == 3
			for k := range 240 {
				h := row * float64(k)
				if k > 0 {
					const n = 2000
					now, dt := h-row, row/n
					for range n {
						a := 3.6 * (1.6*(linear(now)-air) + 5*(food-air) - on*110) / 9
						f := 3.6 * 5 * (air - food) / 60
						air, food, now = air+dt*a, food+dt*f, now+dt
						if air >= 279.4 {
							on = 1
						} else if air <= 275.6 {
							on = 0
						}
					}
				}
				door := 0.
				for _, d := range c.doors {
					if d == k {
						door = 1
						air += 0.3 * (out(h) - air)
						if air >= 279.4 {
							on = 1
						}
					}
				}
				in := math.NaN()
				if k > 0 && door == 0 {
					in = t.lost(t.normal("inside", air, 0.1), 0.05) - 273.15
				}
				t.add(float64(day+1), 60*h, out(h)-273.15, c.start, door, in)
			}
		}
	},
}

// spring: a mass on a spring that is pulled and let go; what slows it is not known. It is
// 0.4 v + 1.5 v |v| + 0.3 tanh(v/0.05) N.
var spring = &Problem{
	Name: "spring",
	Model: `model Spring {
  time t: s
  covariate pulled: m
  const mass = 0.8 [kg]
  param k: N/m in (0, inf) = 90
  ## where it hangs
  param rest: m in (-0.2, 0.2) = 0
  neural damping(v: m/s) -> N { hidden: [8], odd: true }
  state x: m = pulled
  state v: m/s = 0
  x' = v
  v' = (-k*(x - rest) - damping(v))/mass
  observe place: m = x ~ normal(0.002)
}
data camera from "data.csv" {
  time: ms [ms]
  trajectory: take
  pulled: pulled_cm [cm]
  place: x_cm [cm]
  validate: take == 4
}
`,
	Truth: map[string]float64{"k": 32, "rest": 0.03},
	Make: func(t *Table) {
		t.columns("take", "ms", "pulled_cm", "x_cm")
		for take, from := range []float64{0.3, 0.15, 0.45, 0.38} {
			p := &path{y: []float64{from, 0}, h: 0.001, f: func(_ float64, y []float64) []float64 {
				v := y[1]
				return []float64{v, (-32*(y[0]-0.03) - 0.4*v - 1.5*v*math.Abs(v) - 0.3*math.Tanh(v/0.05)) / 0.8}
			}}
			t.held = take == 3
			for frame := 2; frame < 250; frame += 2 {
				p.to(float64(frame) / 50)
				t.add(float64(take+1), 20*float64(frame), 100*from, 100*t.lost(t.normal("place", p.y[0], 0.002), 0.05))
			}
		}
	},
}

// valve: two tanks side by side, joined by a valve of which only the angle is known; what
// flows through it is not. It is 6 (1 − cos a)^1.3 √Δh L/min for an angle of a.
var valve = &Problem{
	Name: "valve",
	Model: `model Valve {
  time t: min
  input pump: L/min hold
  input angle: 1 hold
  covariate left0: dm
  covariate right0: dm
  const litre = 1 [dm^3/L]
  const one = 1 [dm]
  param A: dm^2 in (0, inf) = 2
  param B: dm^2 in (0, inf) = 12
  param drain: L/min in (0, inf) = 6
  neural opening(a: 1) -> L/min { hidden: [8], zero_at: 0 }
  state left: dm = left0
  state right: dm = right0
  let Δ = (left - right)/one
  let through = opening(angle)*Δ/sqrt(abs(Δ) + 0.01)
  left' = litre*(pump - through)/A
  right' = litre*(through - drain*sqrt(max(right, 0 [dm])/one))/B
  observe left_level: dm = left ~ normal(0.03)
  observe right_level: dm = right ~ normal(0.03)
}
data tanks from "data.csv" {
  time: t_s [s]
  trajectory: run
  pump: pump_mL_s [mL/s]
  angle: valve_deg [deg]
  left0: left0_mm [mm]
  right0: right0_mm [mm]
  left_level: left_mm [mm]
  right_level: right_mm [mm]
  validate: run == 5
}
`,
	Truth: map[string]float64{"A": 7, "B": 5, "drain": 1.8},
	Make: func(t *Table) {
		t.columns("run", "t_s", "pump_mL_s", "valve_deg", "left0_mm", "right0_mm", "left_mm", "right_mm")
		for run, c := range []struct {
			left, right float64
			pump, deg   []float64
		}{
			{4, 1, []float64{3, 5, 2, 0}, []float64{30, 60, 0, 90}},
			{1, 3, []float64{6, 4, 0, 3}, []float64{75, 45, 45, 20}},
			{6, 2, []float64{0, 3, 6, 4}, []float64{15, 50, 85, 65}},
			{2, 2, []float64{4, 0, 5, 5}, []float64{40, 10, 70, 55}},
			{3, 4, []float64{5, 2, 4, 1}, []float64{55, 35, 80, 25}},
		} {
			now := 0.
			at := func(list []float64) float64 { return list[min(int(now/8), 3)] }
			p := &path{y: []float64{c.left, c.right}, h: 0.01, f: func(_ float64, y []float64) []float64 {
				d := y[0] - y[1]
				q := 6 * math.Pow(1-math.Cos(at(c.deg)*math.Pi/180), 1.3) * d / math.Sqrt(math.Abs(d)+0.01)
				return []float64{(at(c.pump) - q) / 7, (q - 1.8*math.Sqrt(math.Max(y[1], 0))) / 5}
			}}
			t.held = run == 4
			for k := range 96 {
				m := float64(k) / 3
				if k > 0 {
					p.to(m)
				}
				now = m + 1e-9
				l, r := math.NaN(), math.NaN()
				if k > 0 {
					l, r = t.lost(t.normal("left_level", p.y[0], 0.03), 0.05), t.lost(t.normal("right_level", p.y[1], 0.03), 0.05)
				}
				t.add(float64(run+1), 60*m, at(c.pump)*1000/60, at(c.deg), 100*c.left, 100*c.right, 100*l, 100*r)
			}
		}
	},
}
