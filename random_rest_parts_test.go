package pinode

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// restMaker puts a random model together from parts that rest, slide, tie and
// end.
type restMaker struct {
	*refModel
	rng   *rand.Rand
	part  int
	order int       // of the priorities given
	drive []refExpr // moving states that other parts may read
}

// restParts are the kinds of parts, each a few states and events.
var restParts = []struct {
	name string
	make func(g *restMaker)
}{
	{"tank", (*restMaker).tank},
	{"saturation", (*restMaker).saturation},
	{"windup", (*restMaker).windup},
	{"friction", (*restMaker).friction},
	{"relay", (*restMaker).relay},
	{"square wave", (*restMaker).wave},
	{"schedule", (*restMaker).schedules},
	{"turn", (*restMaker).turn},
	{"cascade", (*restMaker).cascade},
	{"delay", (*restMaker).delays},
	{"corner", (*restMaker).twoSurfaces},
	{"circle", (*restMaker).circle},
	{"depot", (*restMaker).depot},
	{"ball", (*restMaker).ball},
	{"thermostat", (*restMaker).thermostat},
	{"equal", (*restMaker).equal},
	{"order", (*restMaker).orders},
	{"meeting", (*restMaker).meeting},
	{"stack", (*restMaker).stack},
}

// randomRest is a random model of one to three parts, and their names.
func randomRest(seed uint64) (*refModel, []string) {
	rng := rand.New(rand.NewPCG(seed, 41))
	g := &restMaker{refModel: &refModel{}, rng: rng}
	g.end = []float64{2, 3, 4}[rng.IntN(3)]
	var names []string
	for g.part = range 1 + rng.IntN(3) {
		k := restParts[rng.IntN(len(restParts))]
		if g.part == 0 {
			k = restParts[int(seed)%len(restParts)]
		}
		names = append(names, k.name)
		k.make(g)
	}
	if rng.IntN(8) == 0 {
		g.stop()
		names = append(names, "stop")
	}
	return g.refModel, names
}

func (g *restMaker) in(lo, hi float64) refExpr {
	return g.param(math.Round((lo+(hi-lo)*g.rng.Float64())*1e4) / 1e4)
}

func (g *restMaker) coin() bool { return g.rng.IntN(2) == 0 }

// name makes a name of this part.
func (g *restMaker) name(s string) string { return fmt.Sprintf("%s%d", s, g.part) }

// rank gives an event a priority of its own; now and then it is an expression.
func (g *restMaker) rank(e *refEvent) *refEvent {
	g.order++
	p := g.num(float64(g.rng.IntN(3)*100 + g.order))
	e.priority = &p
	return e
}

// push is a smooth force that changes with time, and with other parts.
func (g *restMaker) push(size float64) refExpr {
	p := refMul(g.in(0.8*size, 1.2*size), refSin(refAdd(refMul(g.num(2+2*g.rng.Float64()), g.time()), g.num(3*g.rng.Float64()))))
	if len(g.drive) > 0 && g.coin() {
		p = refAdd(p, refMul(g.num(0.1), refSin(g.drive[g.rng.IntN(len(g.drive))])))
	}
	return p
}

// above is `>=` or `>`.
func (g *restMaker) above() string { return []string{">=", ">"}[g.rng.IntN(2)] }

// count adds an event that counts how often something is so, and kicks a
// state of this part where there is one that moves.
func (g *restMaker) count(when string, parts ...any) {
	n := g.name("n")
	if g.index(n) >= 0 {
		return
	}
	g.state(n, g.num(0))
	g.add(g.rank(g.when(g.name("count"), when, parts...)), n, g.num(1))
}

// tank: a level that comes to its threshold exactly and rests there, and may
// be let out and filled again.
func (g *restMaker) tank() {
	x := g.state(g.name("x"), g.in(0, 0.3))
	s := g.state(g.name("s"), g.num(1))
	g.rate(g.name("x"), refMul(g.in(0.8, 1.5), s))
	level := g.in(0.8, 1.3)
	g.set(g.rank(g.when(g.name("full"), "", x, g.above(), level)), g.name("s"), g.num(0))
	if g.coin() {
		g.set(g.rank(g.at(g.name("drain"), g.in(1.4, 1.6))), g.name("s"), g.num(-1))
		g.set(g.rank(g.at(g.name("fill"), g.in(1.7, 1.9))), g.name("s"), g.num(1))
	}
	if g.coin() {
		g.count("and", x, ">=", level, g.time(), ">=", g.in(1.5, 2))
	}
}

// saturation: an integrator that stops at a level, with an event that looks
// at the level too.
func (g *restMaker) saturation() {
	x := g.state(g.name("x"), g.in(0, 0.4))
	level := g.in(0.6, 1.2)
	speed := g.in(0.7, 1.4)
	switch g.rng.IntN(3) {
	case 0:
		g.rate(g.name("x"), g.choose(g.compare(x, g.above(), level), g.num(0), speed))
	case 1:
		g.rate(g.name("x"), g.choose(g.compare(x, []string{"<", "<="}[g.rng.IntN(2)], level), speed, g.num(0)))
	case 2:
		g.rate(g.name("x"), g.choose(g.compare(x, g.above(), level), refMul(g.num(-1), g.in(0.2, 0.5)), speed))
	}
	if g.coin() {
		g.count("", x, g.above(), level)
	} else {
		g.add(g.rank(g.at(g.name("kick"), g.in(1.3, 1.7))), g.name("x"), refMul(g.num(-1), g.in(0.1, 0.3)))
	}
}

// windup: an integrator with limits, fed by a force that turns.
func (g *restMaker) windup() {
	u := g.push(1.5)
	x := g.state(g.name("x"), g.in(-0.2, 0.2))
	hi := g.in(0.3, 0.5)
	held := g.compare(x, ">=", hi).and(g.compare(u, ">", g.num(0)))
	g.rate(g.name("x"), g.choose(held, g.num(0), u))
	if g.coin() {
		g.count("", x, "<", refMul(g.num(0.5), hi))
	}
	g.drive = append(g.drive, x)
}

// friction: a mass that sticks and slips under a periodic force.
func (g *restMaker) friction() {
	x := g.state(g.name("x"), g.in(-0.2, 0.2))
	v := g.state(g.name("v"), []refExpr{g.num(0), g.in(-1, 1)}[g.rng.IntN(2)])
	g.rate(g.name("x"), v)
	force := g.push([]float64{0.6, 1.8, 2.5}[g.rng.IntN(3)])
	if g.coin() {
		force = refSub(force, refMul(g.in(0.5, 2), x))
	}
	dry := g.in(0.8, 1.1)
	var f refExpr
	switch g.rng.IntN(4) {
	case 0: // quadratic drag: the same surface again, as a corner
		f = refSub(refSub(force, refMul(dry, g.sign(v))), refMul(refMul(g.in(0.1, 0.4), g.abs(v)), v))
	case 1: // by a condition
		f = refSub(force, refMul(dry, g.choose(g.compare(v, g.above(), g.num(0)), g.num(1), g.num(-1))))
	case 2: // the same surface in two equations, written in two ways
		f = refSub(force, refMul(dry, g.sign(v)))
		wear := g.state(g.name("w"), g.num(0))
		g.rate(g.name("w"), refAdd(g.abs(v), g.choose(g.compare(v, ">", g.num(0)), refMul(g.in(0.1, 0.3), v), refMul(g.num(-0.1), wear))))
	default:
		f = refSub(force, refMul(dry, g.sign(v)))
	}
	g.rate(g.name("v"), f)
	if g.coin() {
		g.add(g.rank(g.at(g.name("blow"), g.in(0.9, 1.6))), g.name("v"), g.in(0.2, 0.8))
	}
	if g.coin() {
		g.count("", x, ">=", g.in(0.1, 0.3))
	}
	g.drive = append(g.drive, x)
}

// relay: a switch without hysteresis holds a state at a moving or a fixed
// value.
func (g *restMaker) relay() {
	x := g.state(g.name("x"), g.in(0.5, 1))
	target := g.in(-0.3, 0.3)
	if g.coin() {
		target = refMul(target, refSin(g.time()))
	}
	g.rate(g.name("x"), refSub(g.push([]float64{0.4, 1.6}[g.rng.IntN(2)]), refMul(g.in(0.9, 1.1), g.sign(refSub(x, target)))))
	z := g.state(g.name("z"), g.num(0))
	g.rate(g.name("z"), refSub(x, refMul(g.num(0.3), z)))
	g.drive = append(g.drive, z)
}

// wave: a periodic guard of the time, on its surface at the start, and a
// periodic event.
func (g *restMaker) wave() {
	x := g.state(g.name("x"), g.in(0, 1))
	period := g.in(0.3, 0.9)
	if g.rng.IntN(3) == 0 { // many turns in a step
		period = g.in(0.06, 0.1)
	}
	angle := refOp("/", refMul(g.num(2*math.Pi), g.time()), period, func(a, b float64) float64 { return a / b })
	light := g.choose(g.compare(refSin(angle), ">", g.num(0)), g.in(0.5, 1.5), g.num(0))
	g.rate(g.name("x"), refSub(light, refMul(g.in(0.2, 0.6), x)))
	if g.coin() {
		g.state(g.name("n"), g.num(0))
		e := g.rank(g.when(g.name("beat"), "", refCos(refMul(g.in(3, 12), g.time())), ">=", g.num(0.3)))
		g.add(e, g.name("n"), g.num(1))
		g.set(e, g.name("x"), refMul(g.num(0.9), x))
	} else {
		e := g.rank(g.onEdge(g.name("beat"), []string{"rising", "falling", "crossing"}[g.rng.IntN(3)], refSin(refAdd(refMul(g.in(4, 9), g.time()), g.num(0.4)))))
		g.add(e, g.name("x"), g.in(0.05, 0.1))
	}
	g.drive = append(g.drive, x)
}

// schedules: times that fall on the end, on each other and between.
func (g *restMaker) schedules() {
	x := g.state(g.name("x"), g.in(0.5, 1))
	g.rate(g.name("x"), refMul(refMul(g.num(-1), g.in(0.2, 0.8)), x))
	a := g.every(g.name("a"), g.num([]float64{0.5, 0.25, 1}[g.rng.IntN(3)]), nil, nil)
	g.add(a, g.name("x"), g.in(0.1, 0.3))
	g.add(g.at(g.name("b"), g.num([]float64{1, 1.5, g.end}[g.rng.IntN(3)])), g.name("x"), refMul(g.in(0.3, 0.6), x))
	if g.coin() {
		until := g.num([]float64{1.5, 2}[g.rng.IntN(2)])
		from := g.num(0.5)
		c := g.rank(g.every(g.name("c"), g.num(0.5), &from, &until))
		g.set(c, g.name("x"), refMul(g.in(0.4, 0.7), x))
		c.late = g.coin()
	}
	if g.coin() {
		d := g.at(g.name("d"), g.in(0.3, 0.7))
		wait := g.in(0.2, 0.8)
		d.after = &wait
		g.add(d, g.name("x"), refMul(g.num(0.2), g.time()))
		d.late = g.coin()
	}
}

// turn: two events look at one level, and the first turns the motion back.
func (g *restMaker) turn() {
	y := g.state(g.name("y"), g.in(0, 0.4))
	q := g.state(g.name("q"), g.num(1))
	g.state(g.name("n"), g.num(0))
	g.rate(g.name("y"), refMul(q, g.in(0.8, 1.3)))
	top, floor := g.in(0.9, 1.2), g.in(-0.3, -0.1)
	g.set(g.rank(g.when(g.name("back"), "", y, g.above(), top)), g.name("q"), g.num(-1))
	g.add(g.rank(g.when(g.name("count"), "", y, g.above(), top)), g.name("n"), g.num(1))
	g.set(g.rank(g.when(g.name("forth"), "", y, "<=", floor)), g.name("q"), g.num(1))
	g.drive = append(g.drive, y)
}

// cascade: jumps that fire and cancel others at one instant.
func (g *restMaker) cascade() {
	x := g.state(g.name("x"), g.in(0.2, 0.6))
	m := g.state(g.name("m"), g.num(0))
	g.state(g.name("n"), g.num(0))
	g.rate(g.name("x"), g.in(0.6, 1.1))
	level := g.in(0.9, 1.2)
	up := g.rank(g.when(g.name("up"), "", x, ">=", level))
	g.set(up, g.name("m"), g.num(1))
	if g.coin() {
		g.set(up, g.name("x"), refSub(x, g.in(0.6, 0.8)))
	}
	if g.coin() {
		g.set(g.rank(g.when(g.name("veto"), "", x, ">=", level)), g.name("m"), g.num(0))
	}
	e := g.rank(g.when(g.name("chain"), "", m, ">", g.num(0.5)))
	g.add(e, g.name("n"), refAdd(g.num(1), refMul(g.num(0.3), x)))
	e.late = g.coin()
	g.set(g.rank(g.when(g.name("clear"), "and", m, ">", g.num(0.5), g.time(), ">=", g.in(1.2, 1.8))), g.name("m"), g.num(0))
}

// delays: an event whose assignments come later, if its condition still
// holds or it persists.
func (g *restMaker) delays() {
	x := g.state(g.name("x"), g.in(0.8, 1.2))
	y := g.state(g.name("y"), g.num(0))
	g.rate(g.name("x"), refMul(g.num(2), refCos(refMul(g.in(2, 4), g.time()))))
	g.rate(g.name("y"), refSub(x, refMul(g.num(0.4), y)))
	e := g.rank(g.when(g.name("later"), "", x, ">=", g.in(1.1, 1.4)))
	wait := g.in(0.1, 0.6)
	e.after, e.persistent, e.late = &wait, g.coin(), g.coin()
	g.add(e, g.name("y"), refMul(g.in(0.3, 0.5), x))
	g.drive = append(g.drive, y)
}

// twoSurfaces: two relays that meet, one of which may see the other.
func (g *restMaker) twoSurfaces() {
	x, y := g.state(g.name("x"), g.in(0.4, 0.9)), g.state(g.name("y"), g.in(0.5, 1.1))
	a, b := g.sign(x), g.sign(y)
	g.rate(g.name("x"), refSub(g.push([]float64{0.3, 1.5}[g.rng.IntN(2)]), a))
	fy := refSub(g.in(-0.4, 0.4), b)
	if g.coin() {
		fy = refAdd(fy, refMul(g.num(0.2), a))
	}
	g.rate(g.name("y"), fy)
}

// circle: a relay that holds a rotating point on a circle.
func (g *restMaker) circle() {
	x, y := g.state(g.name("x"), g.in(0.5, 1.4)), g.state(g.name("y"), g.in(-0.1, 0.4))
	w := g.in(0.8, 2)
	in := g.sign(refSub(refAdd(refMul(x, x), refMul(y, y)), g.in(0.8, 1.1)))
	k := g.in(0.5, 1)
	g.rate(g.name("x"), refSub(refMul(refMul(g.num(-1), w), y), refMul(refMul(k, x), in)))
	g.rate(g.name("y"), refSub(refAdd(refMul(w, x), g.push([]float64{0.2, 1}[g.rng.IntN(2)])), refMul(refMul(k, y), in)))
}

// depot: an uptake that is guarded against less than nothing, empty at first.
func (g *restMaker) depot() {
	d, c := g.state(g.name("d"), g.num(0)), g.state(g.name("c"), g.in(0, 0.3))
	k := g.in(0.8, 2)
	flow := refMul(k, g.max(d, g.num(0)))
	if g.coin() {
		flow = g.min(refMul(k, d), g.in(0.5, 0.8))
	}
	g.rate(g.name("d"), refMul(g.num(-1), flow))
	g.rate(g.name("c"), refSub(flow, refMul(g.num(0.3), c)))
	g.add(g.at(g.name("dose"), g.in(0.3, 0.9)), g.name("d"), g.in(0.8, 1.4))
	g.add(g.at(g.name("more"), g.in(1, 1.6)), g.name("d"), g.in(0.3, 0.6))
	if g.coin() {
		g.rate(g.name("c"), refSub(g.clamp(flow, g.in(0.1, 0.2), g.num(0.6)), refMul(g.num(0.3), c)))
	}
	g.drive = append(g.drive, c)
}

// ball: it bounces, and never so often that it would come to rest.
func (g *restMaker) ball() {
	h, v := g.state(g.name("h"), g.in(0.5, 1)), g.state(g.name("v"), g.num(0))
	g.rate(g.name("h"), v)
	g.rate(g.name("v"), refMul(g.num(-1), g.in(3, 5)))
	g.set(g.rank(g.when(g.name("bounce"), "", h, []string{"<", "<="}[g.rng.IntN(2)], g.num(0))), g.name("v"), refMul(refMul(g.num(-1), g.in(0.85, 0.95)), v))
	g.drive = append(g.drive, h)
}

// thermostat: a relay with two levels.
func (g *restMaker) thermostat() {
	x, on := g.state(g.name("x"), g.in(0, 0.5)), g.state(g.name("on"), g.num(1))
	g.rate(g.name("x"), refSub(refMul(g.in(2, 3), on), x))
	g.set(g.rank(g.when(g.name("off"), "and", x, ">=", g.in(1, 1.3), on, ">", g.num(0.5))), g.name("on"), g.num(0))
	g.set(g.rank(g.when(g.name("heat"), "and", x, "<=", g.in(0.4, 0.7), on, "<", g.num(0.5))), g.name("on"), g.num(1))
	g.drive = append(g.drive, x)
}

// equal: a jump puts a variable that has no motion exactly on a threshold,
// where `>=` is true and `>` is not.
func (g *restMaker) equal() {
	a := g.state(g.name("a"), g.num(0))
	n := g.state(g.name("n"), g.num(0))
	x := g.state(g.name("x"), g.in(0, 0.5))
	g.rate(g.name("x"), refAdd(g.in(0.5, 1), refMul(g.num(0.2), n)))
	g.set(g.rank(g.when(g.name("jump"), "", x, ">=", g.in(0.7, 1))), g.name("a"), g.num(1))
	g.add(g.rank(g.when(g.name("seen"), "", a, g.above(), g.num(1))), g.name("n"), g.in(0.8, 1.2))
	if g.coin() {
		g.set(g.rank(g.at(g.name("again"), g.in(1.2, 1.6))), g.name("a"), g.num([]float64{1, 2}[g.rng.IntN(2)]))
	}
}

// orders: two events at the same times whose order a third one swaps.
func (g *restMaker) orders() {
	x, q := g.state(g.name("x"), g.in(0.5, 1)), g.state(g.name("q"), g.num(0))
	g.rate(g.name("x"), refMul(g.num(-0.2), x))
	period := g.num([]float64{0.5, 0.25}[g.rng.IntN(2)])
	half := g.every(g.name("half"), period, nil, nil)
	first := refMul(g.num(1000), q)
	half.priority, half.late = &first, true
	g.set(half, g.name("x"), refMul(g.in(0.4, 0.7), x))
	more := g.rank(g.every(g.name("more"), period, nil, nil))
	more.late = true
	g.set(more, g.name("x"), refAdd(x, g.in(0.1, 0.4)))
	g.set(g.rank(g.at(g.name("swap"), g.in(1.05, 1.2))), g.name("q"), g.num(1))
}

// meeting: firings of one event whose delays end at one instant.
func (g *restMaker) meeting() {
	x, w := g.state(g.name("x"), g.in(0.5, 1)), g.state(g.name("w"), g.num(1))
	g.rate(g.name("x"), refMul(refMul(g.num(-1), g.in(0.3, 0.6)), x))
	until := g.num(1)
	e := g.rank(g.every(g.name("late"), g.num(0.5), nil, &until))
	e.after, e.late = &w, true
	g.set(e, g.name("x"), refAdd(refMul(g.in(0.5, 0.9), x), g.in(0.1, 0.3)))
	g.set(g.rank(g.at(g.name("haste"), g.in(0.6, 0.9))), g.name("w"), g.num(0.5))
}

// stack: several events cross one level of a moving state at once, some of
// them too late, and add to one another.
func (g *restMaker) stack() {
	x, y := g.state(g.name("x"), g.in(0.1, 0.3)), g.state(g.name("y"), g.in(0, 0.2))
	g.rate(g.name("x"), refAdd(g.in(0.7, 1.2), refMul(g.num(0.1), refSin(y))))
	g.rate(g.name("y"), refMul(g.num(-0.3), y))
	level := g.in(0.9, 1.3)
	for i := range 3 {
		g.add(g.when(fmt.Sprintf("%s%d", g.name("add"), i), "", x, g.above(), level), g.name("y"), refMul(g.in(0.2, 0.4), refAdd(x, y)))
	}
	back := g.rank(g.when(g.name("back"), "", x, ">=", level))
	g.set(back, g.name("x"), refMul(g.in(0.1, 0.3), x))
	if g.coin() {
		wait := g.in(0.1, 0.3)
		back.after = &wait
	} else if g.coin() { // behind the others; else it cancels them
		last := g.num(float64(-g.order))
		back.priority = &last
	}
}

// stop ends the run, late enough for something to have happened.
func (g *restMaker) stop() {
	e := g.when("stop", "", g.time(), ">=", g.in(1.7, 1.9))
	if len(g.drive) > 0 && g.coin() {
		x := g.drive[g.rng.IntN(len(g.drive))]
		g.events = g.events[:len(g.events)-1]
		e = g.when("stop", "and", x, ">=", g.in(0.3, 0.6), g.time(), ">=", g.num(1))
	}
	p := g.num(-1)
	e.priority, e.terminate = &p, true
}
