package fits

import "slices"

// jumps are problems whose events make what is measured jump, at thresholds that the start values miss.
var jumps = []*Problem{culled, dividing, adapting, pump}

// jumping is a path with jumps where a condition becomes true, which are found by halving steps.
type jumping struct {
	path
	reached func(y []float64) bool
	jump    func(y []float64)
}

// to goes on to a time.
func (p *jumping) to(end float64) []float64 {
	for p.t < end {
		from, y := p.t, slices.Clone(p.y)
		next := min(end, from+p.h)
		if p.path.to(next); !p.reached(p.y) {
			continue
		}
		lo, hi := from, next
		for range 40 {
			mid := (lo + hi) / 2
			p.t, p.y = from, slices.Clone(y)
			if p.path.to(mid); p.reached(p.y) {
				hi = mid
			} else {
				lo = mid
			}
		}
		p.t, p.y = from, slices.Clone(y)
		p.path.to(hi)
		p.jump(p.y)
	}
	return p.y
}

// culled: a herd that is thinned where it has reached a size, counted twice a year.
var culled = &Problem{
	Name: "culled",
	Model: `model Herd {
  time t: yr
  param r: 1/yr in (0, inf) = 0.35
  param K in (0, inf) = 400
  param most in (0, inf) = 260
  const part = 0.4
  state n = 40
  n' = r*n*(1 - n/K)
  event cull when n >= most { n := part*n }
  observe counted = n ~ lognormal(0.05)
}
data d from "data.csv" {
  time: yr [yr]
  counted: n
}
`,
	Truth: map[string]float64{"r": 0.55, "K": 300, "most": 200},
	Make: func(t *Table) {
		t.columns("yr", "n")
		p := &jumping{
			path:    path{y: []float64{40}, h: 0.01, f: func(_ float64, y []float64) []float64 { return []float64{t.v("r") * y[0] * (1 - y[0]/t.v("K"))} }},
			reached: func(y []float64) bool { return y[0] >= t.v("most") },
			jump:    func(y []float64) { y[0] *= 0.4 },
		}
		for k := range 70 {
			at := 0.5 * float64(k+1)
			t.add(at, t.lognormal("counted", p.to(at)[0], 0.05))
		}
	},
}

// dividing: a cell that grows by the same amount between its divisions.
var dividing = &Problem{
	Name: "dividing",
	Model: `model Cell {
  time t: min
  param alpha: 1/min in (0, inf) = 0.02
  param add: um in (0, inf) = 1.5
  param part in (0.2, 0.8) = 0.6
  state s: um = 3
  discrete born: um = 3
  s' = alpha*s
  event divide when s - born >= add { s := part*s; born := part*s }
  observe size: um = s ~ lognormal(0.02)
}
data d from "data.csv" {
  time: min [min]
  size: um [um]
}
`,
	Truth: map[string]float64{"alpha": 0.03, "add": 2.2, "part": 0.46},
	Make: func(t *Table) {
		t.columns("min", "um")
		born := 3.
		p := &jumping{
			path:    path{y: []float64{3}, h: 0.1, f: func(_ float64, y []float64) []float64 { return []float64{t.v("alpha") * y[0]} }},
			reached: func(y []float64) bool { return y[0]-born >= t.v("add") },
			jump:    func(y []float64) { y[0] *= t.v("part"); born = y[0] },
		}
		for k := range 100 {
			at := 2 * float64(k+1)
			t.add(at, t.lognormal("size", p.to(at)[0], 0.02))
		}
	},
}

// adapting: a neuron of which the voltage is measured, and not the current that each spike adds to.
var adapting = &Problem{
	Name: "adapting",
	Model: `model Adapting {
  time t: ms
  param tau: ms in (0, inf) = 12
  param tw: ms in (0, inf) = 60
  param jump: mV in (0, inf) = 1
  param reset: mV in (-80, -50) = -65
  param theta: mV in (-60, -30) = -52
  const rest = -70 [mV]
  const drive = 30 [mV]
  state v: mV = -70
  state w: mV = 0
  v' = (rest - v + drive - w)/tau
  w' = -w/tw
  event spike when v >= theta { v := reset; w := w + jump }
  observe seen: mV = v ~ normal(0.6)
}
data d from "data.csv" {
  time: ms [ms]
  seen: mV [mV]
}
`,
	Truth: map[string]float64{"tau": 18, "tw": 100, "jump": 2.5, "reset": -60, "theta": -47},
	Make: func(t *Table) {
		t.columns("ms", "mV")
		p := &jumping{
			path: path{y: []float64{-70, 0}, h: 0.05, f: func(_ float64, y []float64) []float64 {
				return []float64{(-40 - y[0] - y[1]) / t.v("tau"), -y[1] / t.v("tw")}
			}},
			reached: func(y []float64) bool { return y[0] >= t.v("theta") },
			jump:    func(y []float64) { y[0] = t.v("reset"); y[1] += t.v("jump") },
		}
		for k := range 200 {
			at := float64(k + 1)
			t.add(at, t.normal("seen", p.to(at)[0], 0.6))
		}
	},
}

// pump: a capacitor that dumps a charge into another one where it has come to a voltage.
var pump = &Problem{
	Name: "pump",
	Model: `model Pump {
  time t: us
  param rc: us in (0, inf) = 8
  param full: V in (0, 5) = 2
  param dumped: V in (0, inf) = 0.7
  param gain in (0, inf) = 0.5
  param leak: us in (0, inf) = 30
  const supply = 5 [V]
  state v: V = 0
  state out: V = 0
  v' = (supply - v)/rc
  out' = -out/leak
  event dump when v >= full { v := v - dumped; out := out + gain*dumped }
  observe a: V = v ~ normal(0.05)
  observe b: V = out ~ normal(0.03)
}
data d from "data.csv" {
  time: us [us]
  a: a [V]
  b: b [V]
}
`,
	Truth: map[string]float64{"rc": 12, "full": 2.8, "dumped": 1.5, "gain": 0.3, "leak": 20},
	Make: func(t *Table) {
		t.columns("us", "a", "b")
		p := &jumping{
			path: path{y: []float64{0, 0}, h: 0.02, f: func(_ float64, y []float64) []float64 {
				return []float64{(5 - y[0]) / t.v("rc"), -y[1] / t.v("leak")}
			}},
			reached: func(y []float64) bool { return y[0] >= t.v("full") },
			jump: func(y []float64) {
				y[0] -= t.v("dumped")
				y[1] += t.v("gain") * t.v("dumped")
			},
		}
		for k := range 100 {
			at := 0.8 * float64(k+1)
			y := p.to(at)
			t.add(at, t.normal("a", y[0], 0.05), t.normal("b", y[1], 0.03))
		}
	},
}
