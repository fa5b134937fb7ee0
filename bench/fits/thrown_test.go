package fits

import "math"

// thrown: balls of unknown drag, with the network that a block has by default: 1153 weights. The drag falls where the
// flow round a ball turns turbulent; the noise is a thousandth of the way.
var thrown = &Problem{
	Name: "thrown",
	Model: `model Throw {
  time t: s
  covariate vx0: m/s
  covariate vy0: m/s
  const m = 0.145 [kg]
  param g: m/s^2 in (0, inf) = 9
  neural drag(v: m/s) -> N
  state x: m = 0
  state y: m = 1.5
  state vx: m/s = vx0
  state vy: m/s = vy0
  let v = sqrt(vx*vx + vy*vy)
  x' = vx
  y' = vy
  vx' = -drag(v)*vx/(v*m)
  vy' = -g - drag(v)*vy/(v*m)
  observe px = x ~ normal(0.005)
  observe py = y ~ normal(0.005)
}
data throws from "data.csv" {
  time: t [s]
  trajectory: throw
  px: x [m]
  py: y [m]
  vx0: vx0 [m/s]
  vy0: vy0 [m/s]
  validate: throw == 11
}
`,
	Truth: map[string]float64{"g": 9.81},
	Make: func(t *Table) {
		t.columns("throw", "t", "x", "y", "vx0", "vy0")
		for i := range 11 {
			v0, a := 12+33*t.rng.Float64(), (15+50*t.rng.Float64())*math.Pi/180
			vx0, vy0 := v0*math.Cos(a), v0*math.Sin(a)
			p := &path{y: []float64{0, 1.5, vx0, vy0}, h: 0.01, f: func(_ float64, y []float64) []float64 {
				v := math.Hypot(y[2], y[3])
				drag := 0.0011*v*v*(0.4+0.6/(1+math.Exp((v-28)/4))) + 0.002*v
				return []float64{y[2], y[3], -drag * y[2] / v / 0.145, -9.81 - drag*y[3]/v/0.145}
			}}
			t.held = i == 10
			for k := range 37 {
				at := 0.9 * 2 * vy0 / 9.81 * float64(k+1) / 37
				y := p.to(at)
				t.add(float64(i+1), at, t.normal("px", y[0], 0.005), t.normal("py", y[1], 0.005), vx0, vy0)
			}
		}
	},
}
