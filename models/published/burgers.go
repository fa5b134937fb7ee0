package published

import (
	"math"

	"github.com/pinode/pinode"
)

// coleHopf is the solution of u' + u ∂u/∂x = ν ∂²u/∂x², ν = 0.01/π, from −sin πx at t = 0.
//
// E. Hopf, Comm. Pure Appl. Math. 3, 201–230, 1950; the integrals are by a trapezoidal rule in
// the variable of the Gaussian, which errs by less than round-off with these steps.
func coleHopf(x, t float64) float64 {
	const nu, n, wide = 0.01 / math.Pi, 300, 9.
	if t == 0 {
		return -math.Sin(math.Pi * x)
	}
	exponent := func(k int) (y, e float64) {
		z := wide * float64(k) / n
		y = x - math.Sqrt(4*nu*t)*z
		return y, -z*z - math.Cos(math.Pi*y)/(2*math.Pi*nu)
	}
	most := math.Inf(-1)
	for k := -n; k <= n; k++ {
		_, e := exponent(k)
		most = math.Max(most, e)
	}
	a, b := 0., 0.
	for k := -n; k <= n; k++ {
		y, e := exponent(k)
		f := math.Exp(e - most)
		a, b = a+f*math.Sin(math.Pi*y), b+f
	}
	return -a / b
}

// burgersEquation solves Burgers' equation by a network.
func burgersEquation(s *study) error {
	name := "forward"
	if s.quick {
		name = "small"
	}
	f, err := s.fit(name, 1)
	if err != nil {
		return err
	}
	run, err := f.Model.Simulate(s.ctx, pinode.SimulateOptions{At: f})
	if err != nil {
		return err
	}
	off, size := 0., 0.
	var drawn snapshots
	for i, row := range run.Trajectories[0].Rows {
		if row[0] > 0.995 { // the source's grid ends at 0.99
			continue
		}
		want := coleHopf(row[1], row[0])
		off, size = off+sq(row[2]-want), size+sq(want)
		if i%(25*256) < 256 { // the grid has 256 places: t = 0, 0.25, 0.5, 0.75
			drawn.add(row[0], row[1], row[2], want)
		}
	}
	s.measured("by a network: relative error over 256 places and 100 times", "6.7e-4", 1e-6, math.Sqrt(off/size))
	return s.picture("x", "u", drawn.series()...)
}
