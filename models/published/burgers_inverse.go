package published

import "math"

// burgersInverse finds speed and viscosity from 2000 noisy values, ten times.
func burgersInverse(s *study) error {
	r := noise("burgers inverse", 1)
	clean, mean, square := [][]float64{}, 0., 0.
	for i := range 100 {
		for j := range 256 {
			t, x := float64(i)/100, -1+2*float64(j)/255
			u := coleHopf(x, t)
			clean = append(clean, []float64{t, x, u})
			mean, square = mean+u, square+u*u
		}
	}
	n := float64(len(clean))
	size := 0.01 * math.Sqrt(square/n-sq(mean/n))
	name := "inverse"
	if s.quick {
		name = "small"
	}
	speed, viscosity, draws := 0., 0., 0.
	for seed := range s.seeds(10) {
		var rows [][]float64
		for _, k := range r.Perm(len(clean))[:2000] {
			c := clean[k]
			rows = append(rows, []float64{c[0], c[1], c[2] + size*r.NormFloat64()})
		}
		if err := s.table("points.csv", []string{"t", "x", "u"}, rows); err != nil {
			return err
		}
		f, err := s.fit(name, seed)
		if err != nil {
			return err
		}
		a, b := f.Params["λ"].Value-1, f.Params["ν"].Value/(0.01/math.Pi)-1
		s.say("errors %.2g and %.2g", a, b)
		speed, viscosity, draws = speed+math.Abs(a), viscosity+math.Abs(b), draws+1
	}
	s.measured("speed: relative error, mean of ten draws of the noise", "4.2e-4", 4.0e-4, speed/draws)
	s.measured("viscosity: likewise", "8.4e-3", 3.63e-3, viscosity/draws)
	return nil
}
