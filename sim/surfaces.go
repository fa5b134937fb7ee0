package sim

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
)

// surfaces decide together about all surfaces that the state is on, where the jumps of the
// field at them add up, as the frictions of bodies do that rub on each other: what one of them
// does depends on what the others hold. With αᵢ the part of the upper field of surface i, the
// rates of the guards are
//
//	ν = ν₀ + M α,   αᵢ = 1 where νᵢ > 0,   αᵢ = 0 where νᵢ < 0,   else 0 ≤ αᵢ ≤ 1,
//
// a linear complementarity problem (P. Lötstedt, Mechanical systems of rigid bodies subject to
// unilateral constraints, SIAM J. Appl. Math. 42, 1982). Where parts are at their bounds and
// the guards have no rate, their derivatives are such a problem again.
//
// More surfaces than can be told apart may hold the same motion. Then some of them keep the
// whole of one branch, at rest on their surface, until the others cannot hold it alone.
type surfaces struct {
	*switches
	list  []int       // the switches
	lower []float64   // rates of their guards in the lower fields
	by    [][]float64 // derivative of the rates by the parts
	part  []float64   // the parts
	goes  []int8      // where the guards go from their surfaces, 0 where they stay
	hold  []bool      // those that the solution slides along
	busy  []bool      // by switch: it is in the list
}

// gather lists the switches whose surfaces the state is on and pushed onto, and reports whether
// there are several.
func (s *surfaces) gather() bool {
	s.list = s.list[:0]
	clear(s.busy)
	if s.mostSlides() <= 2 { // along one or two the fields in all corners are known, whether or not jumps add up
		return false
	}
	for i := range s.hy.Switches {
		w := &s.hy.Switches[i]
		if w.Floor || w.Corner || w.Implicit || w.Trigger > 0 || s.rests.parked(w.Guard) || s.waits[i] {
			continue
		}
		rests := s.det.Side[w.Guard] == 0 && math.Abs(s.g[w.Guard]) <= s.band[w.Guard]
		if rests || s.slidesOn(w.Guard) || s.onSurface(w.Guard) || s.exited[i] {
			s.list = append(s.list, i)
		}
	}
	for len(s.list) > 1 {
		if !s.measure() {
			return false
		}
		n := len(s.list)
		pushed := s.list[:0]
		for a, i := range s.list {
			if s.by[a][a] < 0 {
				pushed = append(pushed, i)
			}
		}
		if s.list = pushed; len(pushed) == n {
			return true
		}
	}
	return false
}

// measure finds the rates of the guards and their derivatives by the parts, and reports whether
// all fields are defined.
func (s *surfaces) measure() bool {
	was := slices.Clone(s.d)
	defer func() { copy(s.d, was) }()
	for _, i := range s.list {
		s.setModes(i, 0)
	}
	n := len(s.list)
	s.tryRates(nil)
	s.lower, s.by = s.of(s.inBranch.rate), make([][]float64, n)
	for a := range s.by {
		s.by[a] = make([]float64, n)
	}
	for b, j := range s.list {
		s.setModes(j, 1)
		s.tryRates(nil)
		for a, r := range s.of(s.inBranch.rate) {
			if v := r - s.lower[a]; math.Abs(v) > roundOff*(math.Abs(r)+math.Abs(s.lower[a])) {
				s.by[a][b] = v
			}
		}
		s.setModes(j, 0)
	}
	for a := range s.by {
		if !finite(s.by[a]) {
			return false
		}
	}
	return finite(s.lower)
}

// tryRates evaluates the guards in other modes than those of the run, without second rates
// where accel is nil.
func (s *surfaces) tryRates(accel []float64) {
	s.model.Guards(s.t, s.y, s.d, s.held, s.inBranch.g, s.inBranch.rate, accel)
}

// of are the values that are of the guards of the list.
func (s *surfaces) of(v []float64) []float64 {
	list := make([]float64, len(s.list))
	for a, i := range s.list {
		list[a] = v[s.hy.Switches[i].Guard]
	}
	return list
}

// decideAll finds the modes of the list, and reports whether some turned. Where there is no
// answer, the list is left to be decided one by one.
func (s *surfaces) decideAll(at phase) (turned bool) {
	if !s.gather() || !s.balance() || !s.second() {
		return false
	}
	for _, i := range s.list {
		s.busy[i] = true
	}
	return s.adopt(at)
}

// balance finds parts that go with the rates.
func (s *surfaces) balance() bool {
	n := len(s.list)
	q, m := make([]float64, 2*n), make([][]float64, 2*n) // of the parts, and of the rates above 0
	for a := range n {
		size := -s.by[a][a]
		q[a], q[n+a] = -s.lower[a]/size, 1
		m[a], m[n+a] = make([]float64, 2*n), make([]float64, 2*n)
		for b, v := range s.by[a] {
			m[a][b] = -v / size
		}
		m[a][n+a], m[n+a][a] = 1, -1
	}
	z, basic, ok := complement(q, m)
	s.part, s.goes, s.hold = z[:n], make([]int8, n), make([]bool, n)
	for a := range n {
		v := s.lower[a]
		for b, by := range s.by[a] {
			v += by * z[b]
		}
		switch {
		case math.Abs(v) <= s.unknown(a):
			s.hold[a] = basic[a] && !basic[n+a]
		case v > 0:
			s.goes[a], s.part[a] = 1, 1
		default:
			s.goes[a], s.part[a] = -1, 0
		}
	}
	return ok
}

// unknown is what the rate of a guard may be by round-off alone, or by the tolerances where
// these took it to rest.
func (s *surfaces) unknown(a int) float64 {
	g := s.hy.Switches[s.list[a]].Guard
	size := math.Abs(s.lower[a])
	for _, v := range s.by[a] {
		size += math.Abs(v)
	}
	within := math.Max(s.here.fine.rate[g], pivotTol*size)
	if s.lately[g].landed {
		within = math.Max(within, s.here.coarse.rate[g])
	}
	return within
}

// edgeTol is how near to 0 or 1 a part counts as being there.
const edgeTol = 1e-7

// second decides where parts are at a bound and guards have no rate: by the second rates, which
// depend on the derivatives of the parts.
func (s *surfaces) second() bool {
	var inner, edge []int
	for a := range s.list {
		switch {
		case s.goes[a] != 0:
		case s.hold[a] && s.part[a] > edgeTol && s.part[a] < 1-edgeTol:
			inner = append(inner, a)
		default:
			s.part[a], s.hold[a] = math.Round(s.part[a]), false
			edge = append(edge, a)
		}
	}
	if len(edge) == 0 {
		return true
	}
	accel := s.secondRates()
	by := s.reduced(inner, edge)
	if by == nil {
		return false
	}
	inward := func(a int) float64 { return 1 - 2*s.part[a] }
	q, m := make([]float64, len(edge)), make([][]float64, len(edge))
	for k, a := range edge {
		m[k] = make([]float64, len(edge))
		q[k] = inward(a) * accel[a] / s.by[a][a]
		for l, b := range edge {
			m[k][l] = inward(a) * by[k][l] * inward(b) / s.by[a][a]
		}
	}
	z, basic, ok := complement(q, m)
	for k, a := range edge {
		w := q[k]
		for l, v := range m[k] {
			w += v * z[l]
		}
		if s.hold[a] = basic[k]; !basic[k] && w > 1e-9*math.Abs(q[k]) {
			s.goes[a] = int8(-inward(a))
		}
	}
	return ok
}

// secondRates are those of the guards in the modes as far as they are decided, 0 where round-off
// explains them.
func (s *surfaces) secondRates() []float64 {
	was := slices.Clone(s.d)
	defer func() { copy(s.d, was) }()
	for a, i := range s.list {
		s.setModes(i, s.part[a])
	}
	s.tryRates(s.inBranch.accel)
	apart := s.of(s.inBranch.accel)
	for a, i := range s.list {
		if s.hold[a] {
			s.setModes(i, OnSurface)
		}
	}
	s.tryRates(s.inBranch.accel)
	accel := s.of(s.inBranch.accel)
	for a, v := range accel {
		noise := 1e-7 * math.Abs(apart[a]) // of differences of rates
		for _, by := range s.by[a] {
			noise = math.Max(noise, 1e-9*math.Abs(by))
		}
		if math.Abs(v) <= noise {
			accel[a] = 0
		}
	}
	return accel
}

// reduced are the derivatives of the rates at the edge by the parts there, where those inside
// keep their guards on their surfaces; nil where they cannot.
func (s *surfaces) reduced(inner, edge []int) [][]float64 {
	block := func(rows, cols []int) *mat.Dense {
		v := mat.NewDense(len(rows), len(cols), nil)
		for k, a := range rows {
			for l, b := range cols {
				v.Set(k, l, s.by[a][b])
			}
		}
		return v
	}
	v := block(edge, edge)
	if len(inner) > 0 {
		var x, y mat.Dense
		if x.Solve(block(inner, inner), block(inner, edge)) != nil {
			return nil
		}
		y.Mul(block(edge, inner), &x)
		v.Sub(v, &y)
	}
	by := make([][]float64, len(edge))
	for k, a := range edge {
		by[k] = v.RawRowView(k)
		for l := range by[k] {
			if math.Abs(by[k][l]) <= 1e-9*math.Abs(s.by[a][a]) { // what depends on the others
				by[k][l] = 0
			}
		}
	}
	return by
}

// adopt takes over what was decided, first what ends, and reports whether modes turned.
func (s *surfaces) adopt(at phase) (turned bool) {
	for a, i := range s.list {
		if !s.hold[a] {
			turned = s.release(a, i, at) || turned
		}
	}
	for a, i := range s.list {
		if s.hold[a] {
			turned = s.catch(i) || turned
		}
	}
	s.evalGuards()
	return turned
}

// release lets the solution go on in one branch of switch i.
func (s *surfaces) release(a, i int, at phase) (turned bool) {
	g := s.hy.Switches[i].Guard
	slid := s.slidesOn(g)
	if turned = s.turn(i, s.part[a]); turned {
		s.evalGuards()
	}
	if s.exited[i] = s.exited[i] || slid; s.goes[a] == 0 { // the others hold it
		s.arm(g)
		s.setSide(g, 0, noEdge)
		s.band[g] = math.Max(s.tolerated(g), 8*math.Abs(s.g[g]))
		return turned
	}
	s.setSide(g, s.goes[a], edgeIf(slid || s.lately[g].crossed == (at == crossing)))
	switch {
	case s.exited[i]: // it has drifted by what the steps were off, maybe to the other side
		s.awaitDeparture(g)
		s.band[g] = math.Max(s.band[g], 4*math.Abs(s.g[g]))
	case at == settling && s.det.Watch[g]:
		s.depart(g)
	}
	return turned
}

// catch lets the solution slide along the surface of switch i.
func (s *surfaces) catch(i int) (turned bool) {
	g := s.hy.Switches[i].Guard
	if s.slidesOn(g) {
		return false
	}
	if s.disarmed[g] {
		s.arm(g)
	}
	if !s.lately[g].crossed { // it was put there: a state beside the surface would be led onto it
		s.turn(i, 1)
		if s.evalGuards(); math.Abs(s.rate[g]) > s.here.fine.rate[g] {
			s.zeroStep(g)
		}
	}
	s.setSide(g, 0, noEdge)
	return s.turn(i, OnSurface)
}
