package fits

import "math"

// lagged: a drug that is swallowed and reaches the blood some time later; two people get it
// into a vein too. The time that passes, and how fast it is taken up, are not known.
var lagged = &Problem{
	Name: "lagged",
	Model: `model Lagged {
  time t: h
  covariate weight: kg
  param lag: h in (0, 5) = 1.5
  param ka: 1/h in (0, inf) = 0.4
  ## clearance of 70 kg
  param CL: L/h in (0, inf) = 10
  param V: L/kg in (0, inf) = 0.2
  ## to and from tissue
  param Q: L/h in (0, inf) = 1
  param Vt: L in (0, inf) = 100
  param F in (0, 1) = 0.5
  state gut: mg = 0
  state blood: mg = 0
  state tissue: mg = 0
  let c = blood/(V*weight)
  let flow = Q*(c - tissue/Vt)
  gut' = -ka*gut
  blood' = ka*gut - CL*(weight/(70 [kg]))^0.75*c - flow
  tissue' = flow
  event swallow(dose: mg) on data after lag persistent { gut += F*dose }
  event inject(dose: mg) on data { blood += dose }
  observe plasma: mg/L = c ~ lognormal(0.1)
}
data study from "data.csv" {
  time: min [min]
  trajectory: id
  weight: kg [kg]
  swallow: { dose: oral_mg [mg], where: oral_mg > 0 }
  inject: { dose: iv_mg [mg], where: iv_mg > 0 }
  plasma: ng_mL [ug/L]
  validate: id == 9
}
`,
	Truth: map[string]float64{"lag": 0.6, "ka": 1.3, "CL": 4.2, "V": 0.55, "Q": 6, "Vt": 40, "F": 0.8},
	Make: func(t *Table) {
		t.columns("id", "min", "kg", "oral_mg", "iv_mg", "ng_mL")
		for id, c := range []struct{ weight, oral, iv float64 }{
			{58, 200, 0}, {72, 200, 0}, {90, 400, 0}, {65, 100, 60}, {81, 200, 100}, {70, 400, 0}, {55, 100, 0}, {77, 300, 80}, {68, 300, 0},
		} {
			p := &path{y: []float64{0, 0, 0}, h: 0.01, f: func(_ float64, y []float64) []float64 {
				conc := y[1] / (0.55 * c.weight)
				flow := 6 * (conc - y[2]/40)
				return []float64{-1.3 * y[0], 1.3*y[0] - 4.2*math.Pow(c.weight/70, 0.75)*conc - flow, flow}
			}}
			t.held = id == 8
			t.add(float64(id+1), 0, c.weight, c.oral, 0, math.NaN())
			in, out := false, false
			times := append(t.times(0.7, 8, 10), t.times(9, 36, 7)...)
			for _, at := range times {
				if !in && at > 0.6 {
					p.to(0.6)
					p.y[0] += 0.8 * c.oral
					in = true
				}
				if !out && c.iv > 0 && at > 12 {
					p.to(12)
					p.y[1] += c.iv
					out = true
					t.add(float64(id+1), 720, c.weight, 0, c.iv, math.NaN())
				}
				p.to(at)
				t.add(float64(id+1), 60*at, c.weight, 0, 0, 1000*t.lost(t.lognormal("plasma", p.y[1]/(0.55*c.weight), 0.1), 0.04))
			}
		}
	},
}

// exchanger: two streams of water that pass heat through a wall; how well depends on how fast
// the cold one flows, and is not known. It is 0.9 q^0.8/(0.6 + q^0.8) kW/K.
var exchanger = &Problem{
	Name: "exchanger",
	Model: `model Exchanger {
  time t: min
  input hot_in: K hold
  input cold_in: K linear
  input hot_flow: kg/min hold
  input cold_flow: kg/min hold
  covariate hot0: K
  covariate cold0: K
  const c = 4.186 [kJ/kg/K]
  const s = 60 [s/min]
  ## water and metal of the two sides
  param Ch: kJ/K in (0, inf) = 8
  param Cc: kJ/K in (0, inf) = 100
  neural UA(q: kg/min) -> kW/K { hidden: [6], positive: true, monotone: increasing }
  state Th: K = hot0
  state Tc: K = cold0
  let Q = UA(cold_flow)*(Th - Tc)
  Th' = (hot_flow*c*(hot_in - Th) - s*Q)/Ch
  Tc' = (cold_flow*c*(cold_in - Tc) + s*Q)/Cc
  observe hot: K = Th ~ normal(0.2)
  observe cold: K = Tc ~ normal(0.2)
}
data rig from "data.csv" {
  time: t_s [s]
  trajectory: run
  hot_in: hot_in [degC]
  cold_in: cold_in [degC]
  hot_flow: hot_kg_h [kg/h]
  cold_flow: cold_kg_h [kg/h]
  hot0: hot0 [degC]
  cold0: cold0 [degC]
  hot: hot [degC]
  cold: cold [degC]
  validate: run == 4
}
`,
	Truth: map[string]float64{"Ch": 35, "Cc": 22},
	Make: func(t *Table) {
		t.columns("run", "t_s", "hot_in", "cold_in", "hot_kg_h", "cold_kg_h", "hot0", "cold0", "hot", "cold")
		for run, c := range []struct {
			hotIn, hotFlow, coldFlow []float64
			phase                    float64
		}{
			{[]float64{70, 70, 80, 60}, []float64{4, 4, 2, 6}, []float64{1, 5, 3, 8}, 0},
			{[]float64{60, 80, 80, 70}, []float64{3, 6, 6, 3}, []float64{6, 2, 0.5, 4}, 1},
			{[]float64{80, 75, 65, 65}, []float64{5, 2, 5, 5}, []float64{0.7, 1.5, 7, 2.5}, 2},
			{[]float64{75, 65, 80, 70}, []float64{4, 5, 3, 4}, []float64{2, 6, 1, 3.5}, 3},
		} {
			now := 0.
			at := func(list []float64) float64 { return list[min(int(now/10), 3)] }
			coldIn := func(m float64) float64 { return 15 + 2*math.Sin(m/7+c.phase) }
			linear := func(m float64) float64 {
				k := math.Floor(m/0.5) * 0.5
				return coldIn(k) + (m-k)/0.5*(coldIn(k+0.5)-coldIn(k))
			}
			p := &path{y: []float64{40, 20}, h: 0.01, f: func(m float64, y []float64) []float64 {
				q := math.Pow(at(c.coldFlow), 0.8)
				Q := 60 * 0.9 * q / (0.6 + q) * (y[0] - y[1])
				return []float64{(at(c.hotFlow)*4.186*(at(c.hotIn)-y[0]) - Q) / 35, (at(c.coldFlow)*4.186*(linear(m)-y[1]) + Q) / 22}
			}}
			t.held = run == 3
			for k := range 80 {
				m := 0.5 * float64(k)
				if k > 0 {
					p.to(m)
				}
				now = m
				hot, cold := math.NaN(), math.NaN()
				if k > 0 {
					hot, cold = t.lost(t.normal("hot", p.y[0], 0.2), 0.1), t.lost(t.normal("cold", p.y[1], 0.2), 0.1)
				}
				t.add(float64(run+1), 60*m, at(c.hotIn), coldIn(m), 60*at(c.hotFlow), 60*at(c.coldFlow), 40, 20, hot, cold)
			}
		}
	},
}

// reporting: an outbreak in four towns of which a share is reported; from a day that is known
// people meet less. How many were ill at first differs.
var reporting = &Problem{
	Name: "reporting",
	Model: `unit person
model Outbreak {
  time t: day
  covariate N: person
  covariate closing: day
  param seeds: person in (0, inf) = 10 per town
  param contacts: 1/day in (0, inf) = 0.8
  ## of contacts, after closing
  param left in (0, 1) = 0.5
  param infectious: day in (0, 30) = 12
  param share in (0, 1) = 0.5
  const day_person = 1 [day/person]
  discrete open = 1
  state S: person = N - seeds
  state I: person = seeds
  let infections = (if open > 0 then 1 else left)*contacts*S*I/N
  S' = -infections
  I' = infections - I/infectious
  event close at t = closing { open := 0 }
  observe reports = share*day_person*infections ~ poisson()
}
data towns from "data.csv" {
  time: day
  trajectory: town
  N: people [person]
  closing: closed [day]
  reports: reports
  validate: town == 5
  given: day <= 14
}
`,
	Truth: map[string]float64{
		"contacts": 0.42, "left": 0.62, "infectious": 5, "share": 0.22,
		"seeds{town=1}": 60, "seeds{town=2}": 25, "seeds{town=3}": 150, "seeds{town=4}": 40, "seeds{town=5}": 90,
	},
	Make: func(t *Table) {
		t.columns("town", "day", "people", "closed", "reports")
		for town, c := range []struct{ n, closed, seeds float64 }{{3e4, 20, 60}, {8e4, 28, 25}, {1.5e5, 16, 150}, {2e4, 40, 40}, {6e4, 24, 90}} {
			open := 1.
			p := &path{y: []float64{c.n - c.seeds, c.seeds}, h: 0.02, f: func(_ float64, y []float64) []float64 {
				v := open * 0.42 * y[0] * y[1] / c.n
				return []float64{-v, v - y[1]/5}
			}}
			for day := range 90 {
				d := float64(day)
				if day > 0 {
					p.to(d)
				}
				if d == c.closed {
					open = 0.62
				}
				t.held = town == 4 && day > 14
				// The model jumps before the row of that time is read.
				t.add(float64(town+1), d, c.n, c.closed, t.lost(t.poisson("reports", 0.22*open*0.42*p.y[0]*p.y[1]/c.n), 0.1))
			}
		}
	},
}

// inhibition: progress curves with an inhibitor that competes with the substrate and binds to
// the complex too; the product inhibits as well.
var inhibition = &Problem{
	Name: "inhibition",
	Model: `model Inhibition {
  time t: min
  covariate S0: mmol/L
  covariate I0: umol/L
  param Vmax: mmol/L/min in (0, inf) = 0.05
  param Km: mmol/L in (0, inf) = 3
  ## competitive, and of the complex
  param Kc: umol/L in (0, inf) = 100
  param Ku: umol/L in (0, inf) = 10
  param Kp: mmol/L in (0, inf) = 20
  state S: mmol/L = S0
  let P = S0 - S
  S' = -Vmax*S/(Km*(1 + I0/Kc + P/Kp) + S*(1 + I0/Ku))
  observe product: mmol/L = P ~ normal(0.02)
}
data curves from "data.csv" {
  time: t_s [s]
  trajectory: well
  S0: S_uM [umol/L]
  I0: I_nM [nmol/L]
  product: P_uM [umol/L]
  validate: well >= 12
}
`,
	Truth: map[string]float64{"Vmax": 0.2, "Km": 0.8, "Kc": 12, "Ku": 60, "Kp": 2.5},
	Make: func(t *Table) {
		t.columns("well", "t_s", "S_uM", "I_nM", "P_uM")
		well := 0
		for _, s0 := range []float64{0.5, 1.5, 4} {
			for _, i0 := range []float64{0, 10, 30, 80} {
				well++
				p := &path{y: []float64{s0}, h: 0.02, f: func(_ float64, y []float64) []float64 {
					return []float64{-0.2 * y[0] / (0.8*(1+i0/12+(s0-y[0])/2.5) + y[0]*(1+i0/60))}
				}}
				t.held = well >= 12
				for _, at := range t.times(0.5, 60, 22) {
					p.to(at)
					t.add(float64(well), 60*at, 1000*s0, 1000*i0, 1000*t.lost(t.normal("product", s0-p.y[0], 0.02), 0.05))
				}
			}
		}
	},
}

// seasons: hares and lynx of two valleys over twenty years; hares breed with the seasons, and
// how lynx hunt has a limit.
var seasons = &Problem{
	Name: "seasons",
	Model: `unit hare
unit lynx
model Seasons {
  time t: yr
  param birth: 1/yr in (0, inf) = 2.5
  param swing in (0, 1) = 0.3
  param peak: yr in (0, 1) = 0.5
  param room: hare in (0, inf) = 300 per valley
  ## hares that a lynx takes, at most
  param hunger: hare/lynx/yr in (0, inf) = 40
  param half: hare in (0, inf) = 80
  param gain: lynx/hare in (0, inf) = 0.01
  param death: 1/yr in (0, inf) = 0.3
  covariate x0: hare
  covariate y0: lynx
  const year = 1 [yr]
  state x: hare = x0
  state y: lynx = y0
  let taken = hunger*x*y/(half + x)
  x' = birth*(1 + swing*cos(2*pi*(t - peak)/year))*x*(1 - x/room) - taken
  y' = gain*taken - death*y
  observe hares: hare = x ~ lognormal(0.08)
  observe lynxes: lynx = y ~ lognormal(0.08)
}
data counts from "data.csv" {
  time: week [week]
  trajectory: [valley, block]
  x0: x0 [hare]
  y0: y0 [lynx]
  hares: hares [hare]
  lynxes: lynxes [lynx]
  validate: block == 2
}
`,
	Truth: map[string]float64{
		"birth": 1.4, "swing": 0.7, "peak": 0.3, "hunger": 20, "half": 50, "gain": 0.05, "death": 0.6,
		"room{valley=1}": 160, "room{valley=2}": 210,
	},
	Make: func(t *Table) {
		t.columns("valley", "block", "week", "x0", "y0", "hares", "lynxes")
		const week = 7 / 365.25
		for k, c := range []struct{ room, x, y, block float64 }{{160, 80, 3, 1}, {210, 40, 5, 1}, {210, 120, 2, 2}} {
			p := &path{y: []float64{c.x, c.y}, h: 0.005, f: func(yr float64, y []float64) []float64 {
				taken := 20 * y[0] * y[1] / (50 + y[0])
				return []float64{1.4*(1+0.7*math.Cos(2*math.Pi*(yr-0.3)))*y[0]*(1-y[0]/c.room) - taken, 0.05*taken - 0.6*y[1]}
			}}
			t.held = k == 2
			for _, at := range t.times(2, 20/week, 120) {
				p.to(at * week)
				x, y := t.lognormal("hares", p.y[0], 0.08), t.lognormal("lynxes", p.y[1], 0.08)
				t.add([]float64{1, 2, 2}[k], c.block, at, c.x, c.y, t.lost(x, 0.05), t.lost(y, 0.2))
			}
		}
	},
}
