package sim

import "math"

// Switches of floors, whose modes are whole numbers.

// resolveFloor finds the mode of a floor whose argument is on a whole number, by
// where the motion leads with it and with the one below, and reports whether that
// is another.
func (s *switches) resolveFloor(i int) (turned bool, fail *Failure) {
	w := &s.hy.Switches[i]
	if s.exited[i] {
		return false, nil
	}
	for _, g := range [...]int{w.Guard, w.Upper} {
		if s.disarmed[g] {
			if math.Abs(s.g[g]) <= s.band[g] {
				return false, nil
			}
			s.arm(g)
		}
	}
	mode := s.d[w.Modes[0]]
	arg := s.g[w.Guard] + mode
	edge := math.Round(arg)
	off := math.Max(s.noise(w.Guard), s.noise(w.Upper)) + 4*epsilon*math.Max(1, math.Abs(mode))
	if !Slides(mode) && math.Abs(arg-edge) > off {
		if math.Floor(arg) == mode {
			return false, nil
		}
		turned = s.turn(i, math.Floor(arg))
		s.evalGuards()
		return turned, nil
	}
	up, down := s.branch(i, edge), s.branch(i, edge-1)
	next := edge
	switch {
	case !up.known && !down.known:
		return false, s.blame(s.fail(Unstable, 0, "the field is not a number on a surface where it changes"), w.Guard)
	case up.known && down.known && up.goes < 0 && down.goes > 0 && (up.first || down.first):
		if next = edge - 1 + OnSurface; w.Trigger > 0 {
			return false, s.firesOnSurface(i)
		}
	case !up.known, down.known && up.goes < 0:
		next = edge - 1
	}
	if turned = s.turn(i, next); turned {
		s.evalGuards()
	}
	s.det.Side[w.Guard], s.det.Side[w.Upper] = 1, -1
	for _, g := range [...]int{w.Guard, w.Upper} {
		if !Slides(next) && math.Abs(s.g[g]) <= off {
			s.depart(g)
		}
	}
	return turned, nil
}

// setFloors sets the modes of the floor switches from their arguments.
func (s *switches) setFloors() {
	n, v := 0, s.floorArgs()
	for i := range s.hy.Switches {
		if w := &s.hy.Switches[i]; w.Floor {
			s.d[w.Modes[0]] = math.Floor(v[n])
			n++
		}
	}
}

// floorArgs are the arguments of the floor switches.
func (s *switches) floorArgs() []float64 {
	if len(s.floors) > 0 {
		s.model.Floors(s.t, s.y, s.d, s.floors)
	}
	return s.floors
}

// leaveEdges ends the motions along edges of floors that a jump has taken the state
// away from.
func (s *switches) leaveEdges() {
	n := 0
	for i := range s.hy.Switches {
		w := &s.hy.Switches[i]
		if !w.Floor {
			continue
		}
		if n++; !s.onEdge(w.Guard) {
			continue
		}
		edge := math.Floor(s.d[w.Modes[0]]) + 1
		if v := s.floorArgs()[n-1]; math.Abs(v-edge) > hullTol*math.Max(1, math.Abs(edge)) {
			s.turn(i, math.Floor(v))
			s.evalGuards()
		}
	}
}
