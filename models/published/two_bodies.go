package published

import (
	"math"
	"math/rand/v2"
)

// bodies is the motion of two bodies of mass 1 whose places are y[0:4] and whose momenta
// are y[4:8], with 1 as the constant of gravity.
func bodies(_ float64, y, dy []float64) {
	copy(dy, y[4:])
	x, z := y[0]-y[2], y[1]-y[3]
	r3 := math.Pow(x*x+z*z, 1.5)
	dy[4], dy[5], dy[6], dy[7] = -x/r3, -z/r3, x/r3, z/r3
}

// bodiesEnergy is what that motion conserves.
func bodiesEnergy(y []float64) float64 {
	kinetic := 0.
	for _, p := range y[4:8] {
		kinetic += p * p / 2
	}
	return kinetic - 1/math.Hypot(y[0]-y[2], y[1]-y[3])
}

// orbit is a start of bodies whose orbit is nearly a circle, of a radius from ½ to 1½.
func orbit(r *rand.Rand) []float64 {
	radius, angle := 0.5+r.Float64(), 2*math.Pi*r.Float64()
	speed := (1 + 0.05*r.NormFloat64()) / (2 * math.Sqrt(radius))
	c, s := math.Cos(angle), math.Sin(angle)
	return []float64{radius * c, radius * s, -radius * c, -radius * s, -speed * s, speed * c, speed * s, -speed * c}
}

var orbitNames = []string{"x1", "y1", "x2", "y2", "u1", "v1", "u2", "v2", "a1", "b1", "a2", "b2"}

// orbits are states along so many orbits, 50 of each on [0, 20], with the rates of momenta.
func orbits(r *rand.Rand, n int) (rows [][]float64) {
	dy := make([]float64, 8)
	for range n {
		y := orbit(r)
		for i := range 50 {
			if i > 0 {
				integrate(bodies, 0, 20./49, 40, y)
			}
			bodies(0, y, dy)
			rows = append(rows, append(append([]float64(nil), y...), dy[4:]...))
		}
	}
	return rows
}

// twoBodies learns the potential of the distance from exact rates along 8 orbits, and follows
// those of 15 other starts.
func twoBodies(s *study) error {
	r := noise("two_bodies", 1)
	n := 8
	if s.quick {
		n = 2
	}
	if err := s.table("orbits.csv", orbitNames, orbits(r, n)); err != nil {
		return err
	}
	f, err := s.fit("attraction", 1, s.quickly(setting{"fit.optimizer.budget", "3"})...)
	if err != nil {
		return err
	}
	var starts [][]float64
	no := math.NaN()
	for range 15 {
		starts = append(starts, append(orbit(r), no, no, no, no))
	}
	if err := s.table("orbits.csv", orbitNames, starts); err != nil {
		return err
	}
	run, err := s.with("attraction", f, false)
	if err != nil {
		return err
	}
	sum, values := 0., 0
	for i, tr := range run.Trajectories {
		want := bodiesEnergy(starts[i])
		for _, row := range tr.Rows {
			sum += sq(bodiesEnergy(row[1:]) - want)
			values++
		}
	}
	s.measured("mean squared error of the energy along other orbits", "3.88e-5", 3.8e-5, sum/float64(values))
	return nil
}
