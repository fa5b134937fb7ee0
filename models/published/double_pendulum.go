package published

import (
	"math"
	"math/rand/v2"
)

// gravity is that of the double pendulum, whose rods and masses are 1; potential is the largest size of
// its potential energy.
const (
	gravity   = 9.8
	potential = 3 * gravity
)

// swing is the motion of a double pendulum: angles, then their rates.
func swing(_ float64, y, dy []float64) {
	c, s := math.Cos(y[0]-y[1]), math.Sin(y[0]-y[1])
	a, b := -s*sq(y[3])-2*gravity*math.Sin(y[0]), s*sq(y[2])-gravity*math.Sin(y[1])
	det := 2 - c*c // of the matrix of masses (2 c; c 1)
	dy[0], dy[1], dy[2], dy[3] = y[2], y[3], (a-c*b)/det, (2*b-c*a)/det
}

// swingEnergy is the energy of a double pendulum.
func swingEnergy(y []float64) float64 {
	kinetic := sq(y[2]) + sq(y[3])/2 + y[2]*y[3]*math.Cos(y[0]-y[1])
	return kinetic - gravity*(2*math.Cos(y[0])+math.Cos(y[1]))
}

// swings are accelerations at random states.
func swings(r *rand.Rand, n int) (rows [][]float64) {
	dy := make([]float64, 4)
	for range n {
		y := []float64{math.Pi * (2*r.Float64() - 1), math.Pi * (2*r.Float64() - 1), 8 * (2*r.Float64() - 1), 8 * (2*r.Float64() - 1)}
		swing(0, y, dy)
		rows = append(rows, append(y, dy[2], dy[3]))
	}
	return rows
}

// doublePendulum learns the energies of a double pendulum, and follows 40 starts at rest to t = 100.
func doublePendulum(s *study) error {
	r := noise("double_pendulum", 1)
	n := 1500
	if s.quick {
		n = 400
	}
	if err := s.table("states.csv", []string{"a1", "a2", "w1", "w2", "b1", "b2"}, swings(r, n)); err != nil {
		return err
	}
	f, err := s.fit("energies", 1, s.quickly(setting{"fit.optimizer.iterations", "30"})...)
	if err != nil {
		return err
	}
	var starts [][]float64
	for range 40 {
		starts = append(starts, []float64{math.Pi * (2*r.Float64() - 1), math.Pi * (2*r.Float64() - 1), 0, 0})
	}
	if err := s.table("starts.csv", []string{"a1", "a2", "w1", "w2"}, starts); err != nil {
		return err
	}
	run, err := s.with("motion", f, false)
	if err != nil {
		return err
	}
	atEnd, throughout, drawn := 0., 0., []series{{name: "start 1"}, {name: "start 2"}, {name: "start 3"}, {name: "start 4"}}
	for i, tr := range run.Trajectories {
		want, worst := swingEnergy(starts[i]), 0.
		for _, row := range tr.Rows {
			off := (swingEnergy(row[1:]) - want) / potential
			worst = math.Max(worst, math.Abs(off))
			if i < len(drawn) {
				drawn[i].add(row[0], 100*off)
			}
		}
		last := tr.Rows[len(tr.Rows)-1]
		atEnd += math.Abs(swingEnergy(last[1:])-want) / potential / float64(len(starts))
		throughout += worst / float64(len(starts))
	}
	s.say("the largest errors of the energy on the way are %.2g on average", throughout)
	s.measured("error of the energy at t = 100 beside the largest potential, mean of 40 starts", "4e-3", 4e-3, atEnd)
	return s.picture("t", "error of the energy, %", drawn...)
}
